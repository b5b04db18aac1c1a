"""The plainest band: the chord's tones in close position on the beats, over its root and fifth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from rlcompose.arrange.arrangement import Cue, Role
from rlcompose.arrange.players import player
from rlcompose.arrange.sheet import Sheet
from rlcompose.theory.chord import Chord

ACCENTS = (-3, 2, 4, 8)  # added to the velocity, by the metre's strength of the place
CHORD_RANGE = range(52, 73)  # E3 to C5: clear of the bass, mostly below the melody
CHORD_CENTRE = 60
BASS_RANGE = range(28, 53)  # E1, the double bass's lowest string, to E3
BASS_CENTRE = 38
DRIFT_WEIGHT = 0.3  # pull of the voicing back to the centre, small against the pull of the nearest inversion


@player("chords", Role.CHORDS)
def chords(sheet: Sheet, dice: Random, *, velocity: int = 56) -> Iterator[Cue]:
    """Close chords on every beat, each moving as little as it can; the last one rings."""
    voicing: tuple[int, ...] = ()
    beat = sheet.meter.beat_ticks
    for piece in sheet.pieces:
        voicing = close_voicing(piece.chord, voicing)
        step = piece.ticks if piece is sheet.pieces[-1] else beat
        for onset in range(piece.onset, piece.end, step):
            for pitch in voicing:
                yield Cue(onset, pitch, min(step, piece.end - onset), accented(velocity, sheet, onset))


@player("root_and_fifth", Role.BASS)
def root_and_fifth(sheet: Sheet, dice: Random, *, velocity: int = 80) -> Iterator[Cue]:
    """Root and fifth in turn, two to a bar of an even number of beats (6/8: dotted quarters), else the root alone."""
    bar = sheet.meter.bar_ticks
    pulse = bar if sheet.meter.num_beats % 2 else bar // 2
    root = BASS_CENTRE
    for piece in sheet.pieces:
        root = bass_pitch(piece.chord.bass, min(root, BASS_CENTRE))
        step = piece.ticks if piece is sheet.pieces[-1] else pulse
        fifth = next((tone for tone in piece.chord.tones[2:3]), piece.chord.tones[-1])
        for index, onset in enumerate(range(piece.onset, piece.end, step)):
            pitch = bass_pitch(fifth, root) if index % 2 else root
            yield Cue(onset, pitch, min(step, piece.end - onset), accented(velocity, sheet, onset))


def accented(velocity: int, sheet: Sheet, onset: int) -> int:
    """The velocity at a place in the bar."""
    return velocity + ACCENTS[sheet.meter.strength(onset % sheet.meter.bar_ticks)]


def close_voicing(chord: Chord, previous: Sequence[int]) -> tuple[int, ...]:
    """The close position that moves least from the previous one; four-note chords leave the root to the bass."""
    tones = chord.tones[1:] if len(chord.tones) > 3 else chord.tones
    candidates = []
    for bottom in CHORD_RANGE:
        if bottom % 12 in tones:
            candidate = tuple(sorted(bottom + (tone - bottom) % 12 for tone in tones))
            if candidate[-1] in CHORD_RANGE:
                candidates.append(candidate)

    def motion(candidate: tuple[int, ...]) -> float:
        leaps = sum(min(abs(pitch - old) for old in previous) for pitch in candidate) if previous else 0
        return leaps + DRIFT_WEIGHT * abs(sum(candidate) / len(candidate) - CHORD_CENTRE)

    return min(candidates, key=motion)


def bass_pitch(pitch_class: int, near: int) -> int:
    """The bass note of a pitch class that lies nearest to a pitch, the lower one of two."""
    return min((pitch for pitch in BASS_RANGE if pitch % 12 == pitch_class), key=lambda pitch: abs(pitch - near))
