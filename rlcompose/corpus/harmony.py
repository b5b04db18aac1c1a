"""Chords of several voices, by a simple match; no analysis: it knows no suspensions, no passing notes and no key."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rlcompose.theory.chord import NO_CHORD, QUALITIES, QUALITY_IDS, Chord

# What the voices of a chorale make, the simplest first: of two that fit alike the first is taken.
_NAMES = ("major", "m", "7", "m7", "dim", "m7b5", "maj7", "dim7")
_TEMPLATES = tuple((QUALITY_IDS[name], QUALITIES[QUALITY_IDS[name]].tones) for name in _NAMES)
_MISSING_TONE = Fraction(1, 2)  # in beats of one voice: a chord tone that nobody sings weighs against the chord
_BASS_IS_ROOT = Fraction(1, 4)  # decides between C6 and Am7, which are the same notes

Span = tuple[Fraction, Fraction, int]


def chords_of_voices(
    voices: Sequence[Sequence[Span]], start: Fraction, end: Fraction
) -> tuple[tuple[Fraction, Chord], ...]:
    """The chord of every quarter note from `start` to `end`, as (quarter notes after `start`, chord).

    `voices` are notes as (onset, length, MIDI pitch) in quarter notes. A chord's merit is the time for which voices
    sing its tones during that quarter note, less the time for which they sing others, less half a beat for each tone
    that is missing; a root in the lowest voice counts a quarter more. A quarter note of silence has no chord.
    """
    chords = []
    beat = start
    while beat < end:
        chords.append((beat - start, _chord(voices, beat, min(beat + 1, end))))
        beat += 1
    return tuple(chords)


def _chord(voices: Sequence[Sequence[Span]], start: Fraction, end: Fraction) -> Chord:
    weights = [Fraction(0)] * 12
    lowest = 128
    for voice in voices:
        for onset, length, pitch in voice:
            time = min(end, onset + length) - max(start, onset)
            if time > 0:
                weights[pitch % 12] += time
                lowest = min(lowest, pitch)
    if lowest == 128:
        return NO_CHORD
    total = sum(weights)

    def merit(candidate: tuple[int, int, tuple[int, ...]]) -> Fraction:
        root, _, tones = candidate
        inside = [weights[(root + tone) % 12] for tone in tones]
        missing = sum(weight == 0 for weight in inside)
        is_root = root == lowest % 12
        return 2 * sum(inside, Fraction(0)) - total - _MISSING_TONE * missing + _BASS_IS_ROOT * is_root

    candidates = [(root, quality, tones) for quality, tones in _TEMPLATES for root in range(12)]
    root, quality, _ = max(candidates, key=merit)
    return Chord(root, quality)
