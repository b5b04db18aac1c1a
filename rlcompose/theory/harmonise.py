"""Chords for music that has none: the likeliest diatonic chords and secondary dominants, half a bar each.

A search for the best row of chords (Viterbi): how well each chord fits the notes that sound under it, and how usual
it is that one chord follows another, after Piston's "table of usual root progressions" (Harmony, 1941, p. 17). It hears
one melody as well as several voices; it knows no modulation and no suspension.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rlcompose.score import ChordSpan, Composition, Note
from rlcompose.theory.chord import NO_CHORD, QUALITIES, QUALITY_IDS, Chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

# Chords of each mode: semitones of the root above the tonic, quality, degree, and how usual the chord is (0 the most).
_Degrees = tuple[tuple[int, str, int, float], ...]
_DEGREES: dict[str, _Degrees] = {
    "major": (
        *((0, "major", 1, 0.0), (2, "m", 2, 0.6), (4, "m", 3, 1.6), (5, "major", 4, 0.2), (7, "major", 5, 0.0)),
        *((7, "7", 5, 0.2), (9, "m", 6, 0.5), (11, "dim", 7, 1.4)),
    ),
    "minor": (
        *((0, "m", 1, 0.0), (2, "dim", 2, 1.4), (3, "major", 3, 0.5), (5, "m", 4, 0.3), (7, "major", 5, 0.1)),
        *((7, "7", 5, 0.3), (7, "m", 5, 1.2), (8, "major", 6, 0.7), (10, "major", 7, 0.7), (11, "dim", 7, 1.6)),
    ),
    "dorian": (
        *((0, "m", 1, 0.0), (2, "m", 2, 1.2), (3, "major", 3, 0.6), (5, "major", 4, 0.3), (7, "m", 5, 0.5)),
        *((7, "major", 5, 0.6), (10, "major", 7, 0.2)),
    ),
    "mixolydian": (
        *((0, "major", 1, 0.0), (2, "m", 2, 0.8), (5, "major", 4, 0.3), (7, "m", 5, 0.6), (7, "major", 5, 0.6)),
        *((9, "m", 6, 0.8), (10, "major", 7, 0.2)),
    ),
}
# To which degrees a degree goes usually, sometimes, or seldom: Piston 1941, p. 17, in both modes.
_USUAL = {1: (4, 5), 2: (5,), 3: (6,), 4: (5, 1), 5: (1,), 6: (2, 5), 7: (1, 3)}
_SOMETIMES = {1: (6, 2, 7), 2: (6, 4), 3: (4,), 4: (2, 7), 5: (6, 4), 6: (3, 4), 7: (6,)}
_SELDOM_COST, _SOMETIMES_COST = 1.0, 0.4
_SECONDARY_COST = 2.2  # of a dominant of another degree than the first
_UNRESOLVED_COST = 3.0  # of such a dominant that its own chord does not follow
_CHANGE_COST = 0.2  # of any change, so that chords last
_OFF_BAR_COST = 0.2  # of a change that is not on a bar's first beat
# What it is worth that all that sounds belongs to the chord; several voices say it more surely than one.
_FIT_OF_MELODY, _FIT_OF_VOICES = 4.5, 8.0
_TONE_WORTH = (1.0, 0.95, 0.8, 0.5)  # of root, third, fifth, seventh
_FOREIGN_WORTH = -0.7
_BASS_WORTH = 1.0  # that the lowest of several voices has the root
_WEIGHTS = (1.0, 1.25, 1.5, 1.7)  # of a note by the strength of the place where it begins
_TONIC_END, _TONIC_BEGIN = 6.0, 0.7  # what the tonic is worth where the last note sounds, and where the music begins

NO_BASS = -1


@dataclass(frozen=True, slots=True)
class _States:
    """The chords of a mode, from a tonic 0: what tones are worth, what chords and changes cost."""

    chords: tuple[tuple[int, str], ...]
    worth: NDArray[np.float64]  # (chords, 12)
    cost: NDArray[np.float64]  # (chords,)
    change: NDArray[np.float64]  # (chords, chords)
    is_tonic: NDArray[np.bool_]  # (chords,)


@cache
def _states(mode: str) -> _States:
    degrees = _DEGREES[mode]
    rows = [(root, quality, degree, cost, 0) for root, quality, degree, cost in degrees]
    for root, quality, degree, _ in degrees:
        dominant = (root + 7) % 12
        is_there = any(dominant == other and kind in ("7", "major") for other, kind, *_ in degrees)
        if degree != 1 and quality in ("major", "m") and not is_there:
            rows.append((dominant, "7", 0, _SECONDARY_COST, degree))
    worth = np.full((len(rows), 12), _FOREIGN_WORTH)
    for row, (root, quality, *_) in enumerate(rows):
        for tone, value in zip(QUALITIES[QUALITY_IDS[quality]].tones, _TONE_WORTH, strict=False):
            worth[row, (root + tone) % 12] = value
    change = np.zeros((len(rows), len(rows)))
    for a, (root_a, kind_a, degree_a, _, aim) in enumerate(rows):
        for b, (root_b, kind_b, degree_b, *_) in enumerate(rows):
            if (root_a, kind_a) == (root_b, kind_b):
                continue
            cost = _CHANGE_COST
            if aim:
                cost += 0.0 if degree_b == aim else _UNRESOLVED_COST
            elif degree_b and degree_a != degree_b and degree_b not in _USUAL[degree_a]:
                cost += _SOMETIMES_COST if degree_b in _SOMETIMES[degree_a] else _SELDOM_COST
            change[a, b] = cost
    return _States(
        tuple((root, quality) for root, quality, *_ in rows),
        worth,
        np.array([row[3] for row in rows]),
        change,
        np.array([row[2] == 1 for row in rows]),
    )


def harmonise(
    notes: Iterable[Note], key: Key, meter: Meter, bars: int, *, ends_on_tonic: bool = True
) -> tuple[ChordSpan, ...]:
    """Chords for a melody or for several voices, without a gap from the first to the last of `bars` bars.

    Under a melody chords change with half bars (in bars of an odd number of beats, or of two, with bars); several
    voices say more, and theirs change with beats. Silence before the first note has no chord.

    Args:
        notes: In any order; several may sound at once, and the lowest then counts as the bass.
        key: Whose chords are used.
        meter: How long bars are, and where their strong beats lie.
        bars: How many bars the music has.
        ends_on_tonic: Whether the last chord weighs towards the tonic, as nearly all tunes end.

    >>> tune = [Note(0, 60, 24), Note(24, 67, 24), Note(48, 62, 24), Note(72, 71, 24), Note(96, 72, 48)]
    >>> [span.chord.symbol for span in harmonise(tune, Key.parse("C"), Meter(4, 4), 3)]
    ['C', 'G', 'C']
    """
    states = _states(key.mode)
    played = sorted(notes)
    has_voices = any(one.end > two.onset for one, two in zip(played, played[1:], strict=False))
    slot = meter.beat_ticks if has_voices else _slot_ticks(meter)
    weights, bass = _heard(played, key, meter, bars, slot)
    if not has_voices:
        bass[:] = NO_BASS
    heard = weights.sum(axis=1)
    sounding = np.flatnonzero(heard)
    if not len(sounding):
        return (ChordSpan(0, bars * meter.bar_ticks, NO_CHORD),)
    first, end = int(sounding[0]), len(weights)
    worth = _FIT_OF_VOICES if has_voices else _FIT_OF_MELODY
    fit = worth * weights @ states.worth.T / np.maximum(heard, slot)[:, None]
    roots = np.array([root for root, _ in states.chords])
    fit += _BASS_WORTH * (bass[:, None] == roots)
    fit -= states.cost
    fit[first] += _TONIC_BEGIN * states.is_tonic
    if ends_on_tonic:
        fit[sounding[-1]] += _TONIC_END * states.is_tonic
    best = fit[first]
    came_from = np.zeros((end, len(roots)), np.int64)
    for at in range(first + 1, end):
        costs = states.change + (_OFF_BAR_COST * (states.change > 0) if at * slot % meter.bar_ticks else 0.0)
        options = best[:, None] - costs
        came_from[at] = options.argmax(axis=0)
        best = options.max(axis=0) + fit[at]
    path = [int(best.argmax())]
    for at in range(end - 1, first, -1):
        path.append(int(came_from[at][path[-1]]))
    return _spans(path[::-1], first, states, key, slot)


def harmonised(music: Composition, voices: Sequence[Note] = ()) -> Composition:
    """The composition with chords: its own where it has any, else those of `harmonise` for its melody and `voices`."""
    if any(not span.chord.is_silent for span in music.chords):
        return music
    return replace(music, chords=harmonise([*music.notes, *voices], music.key, music.meter, music.bars))


def _slot_ticks(meter: Meter) -> int:
    beats = meter.num_beats
    in_halves = beats % 2 == 0 and (beats > 2 or meter.beat_ticks == 18)
    return meter.bar_ticks // 2 if in_halves else meter.bar_ticks


def _heard(
    notes: Sequence[Note], key: Key, meter: Meter, bars: int, slot: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How long each pitch class above the tonic sounds in each slot, and the lowest that sounds there."""
    number = bars * meter.bar_ticks // slot
    weights = np.zeros((number, 12))
    bass = np.full(number, NO_BASS)
    lowest: dict[int, int] = {}
    for note in notes:
        weight = _WEIGHTS[meter.strength(note.onset % meter.bar_ticks)]
        for at in range(note.onset // slot, min(-(-note.end // slot), number)):
            time = min(note.end, (at + 1) * slot) - max(note.onset, at * slot)
            weights[at, (note.pitch - key.tonic) % 12] += weight * time
            lowest[at] = min(lowest.get(at, 128), note.pitch)
    for at, pitch in lowest.items():
        bass[at] = (pitch - key.tonic) % 12
    return weights, bass


def _spans(path: Sequence[int], first: int, states: _States, key: Key, slot: int) -> tuple[ChordSpan, ...]:
    spans: list[ChordSpan] = [ChordSpan(0, first * slot, NO_CHORD)] if first else []
    for at, state in enumerate(path, first):
        root, quality = states.chords[state]
        chord = Chord((root + key.tonic) % 12, QUALITY_IDS[quality])
        if spans and spans[-1].chord == chord:
            spans[-1] = replace(spans[-1], ticks=spans[-1].ticks + slot)
        else:
            spans.append(ChordSpan(at * slot, slot, chord))
    return tuple(spans)
