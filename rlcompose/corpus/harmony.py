"""Chords of several voices, by a simple match; no analysis: it knows no suspensions, no passing notes and no key."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rlcompose.theory.chord import NO_CHORD, QUALITIES, QUALITY_IDS, Chord

UNITS = 96  # whole numbers of them make up a quarter note: sums are exact, and ten times as fast as fractions

# What the voices of a chorale make, the simplest first: of two that fit alike the first is taken.
_NAMES = ("major", "m", "7", "m7", "dim", "m7b5", "maj7", "dim7")
_CANDIDATES = tuple(
    (root, QUALITY_IDS[name], tuple((root + tone) % 12 for tone in QUALITIES[QUALITY_IDS[name]].tones))
    for name in _NAMES
    for root in range(12)
)
_MISSING_TONE = UNITS // 2  # a chord tone that nobody sings weighs against the chord as half a quarter note would
_BASS_IS_ROOT = UNITS // 4  # decides between C6 and Am7, which are the same notes

Span = tuple[Fraction, Fraction, int]


def chords_of_voices(
    voices: Sequence[Sequence[Span]], start: Fraction, end: Fraction
) -> tuple[tuple[Fraction, Chord], ...]:
    """The chord of every quarter note from `start` to `end`, as (quarter notes after `start`, chord).

    `voices` are notes as (onset, length, MIDI pitch) in quarter notes. A chord's merit is the time for which voices
    sing its tones during that quarter note, less the time for which they sing others, less half a quarter note for
    each tone that is missing; a root in the lowest voice counts a quarter of one more. Silence has no chord.
    """
    notes = [
        (round(UNITS * (onset - start)), round(UNITS * (onset + length - start)), pitch)
        for voice in voices
        for onset, length, pitch in voice
        if onset < end and onset + length > start
    ]
    until = round(UNITS * (end - start))
    return tuple((Fraction(at, UNITS), _chord(notes, at, min(at + UNITS, until))) for at in range(0, until, UNITS))


def _chord(notes: Sequence[tuple[int, int, int]], start: int, end: int) -> Chord:
    weights = [0] * 12
    lowest = 128
    for onset, until, pitch in notes:
        time = min(end, until) - max(start, onset)
        if time > 0:
            weights[pitch % 12] += time
            lowest = min(lowest, pitch)
    if lowest == 128:
        return NO_CHORD
    total = sum(weights)

    def merit(candidate: tuple[int, int, tuple[int, ...]]) -> int:
        root, _, tones = candidate
        inside = [weights[tone] for tone in tones]
        return 2 * sum(inside) - total - _MISSING_TONE * inside.count(0) + _BASS_IS_ROOT * (root == lowest % 12)

    root, quality, _ = max(_CANDIDATES, key=merit)
    return Chord(root, quality)
