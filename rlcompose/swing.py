"""Swing: long and short eighth notes between the straight written grid and what sounds, in both directions.

Time is written straight, 12 ticks a quarter note. A beat swings or is even, as a whole: a beat swings unless its
melody holds a triplet (an onset at tick 4 or 8) or a sixteenth that no off-beat eighth precedes in its half of the
beat. Players even out running sixteenths, and were those warped, 0 3 6 would sound like the triplet 0 4 8 and nobody
could read it back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace

from rlcompose.score import Note

BEAT_TICKS = 12
OFFBEAT = 6  # the written second eighth of a beat
TRIPLET_ONSETS = frozenset({0, 4, 8})
SWUNG_ONSETS = frozenset({0, OFFBEAT, 9})  # an even beat is one with any other onset, or with a 9 but no 6

# Straight tick -> the same tick at triplet swing, 2:1, and back: 0-6 <-> 0-8 and 6-12 <-> 8-12, rounded.
# A performed 7 is read as an early 8, the off-beat eighth.
SOUNDING = (0, 1, 3, 4, 5, 7, 8, 9, 9, 10, 11, 11, 12)
WRITTEN = (0, 1, 2, 2, 3, 4, 5, 6, 6, 8, 9, 11, 12)

# Friberg & Sundström 2002, "Swing Ratios and Ensemble Timing in Jazz Performance", Music Perception 19(3), 333-349: the
# ratio of drummers falls about linearly from up to 3.5:1 at slow tempi to 1:1 at fast ones (taken as 120 and 300 bpm).
# Soloists lie behind the drummer on the beats and nearly together with him on the off-beat eighths, and so swing less:
# seldom more than 2:1, which is also as far as an off-beat eighth can still be told from a sixteenth (`straighten`).
SLOW_BPM, SLOW_RATIO = 120.0, 3.5
FAST_BPM, FAST_RATIO = 300.0, 1.0
WIDEST_RATIO = 2.0
LAID_BACK_SECONDS = 0.03  # how far behind; less where the tempo leaves less before eighths would be even


def ride_ratio(bpm: float) -> float:
    """Length of the long eighth over that of the short one as the band plays them, in [1, 3.5]; quarter notes a minute.

    >>> [round(ride_ratio(bpm), 2) for bpm in (80, 120, 160, 210, 300)]
    [3.5, 3.5, 2.94, 2.25, 1.0]
    """
    line = SLOW_RATIO + (FAST_RATIO - SLOW_RATIO) * (bpm - SLOW_BPM) / (FAST_BPM - SLOW_BPM)
    return min(SLOW_RATIO, max(FAST_RATIO, line))


def soloist_delay(bpm: float) -> float:
    """How many seconds a laid-back soloist lies behind the beat.

    >>> [round(soloist_delay(bpm), 3) for bpm in (120, 210, 280)]
    [0.03, 0.03, 0.013]
    """
    beat = 60.0 / bpm
    return min(LAID_BACK_SECONDS, beat * _long(ride_ratio(bpm)) - beat / 2)


def swing_ratio(bpm: float) -> float:
    """The ratio of the soloist, in [1, 2]: `soloist_delay` late on the beat, his off-beats are the ride's from 160 on.

    >>> [round(swing_ratio(bpm), 2) for bpm in (80, 120, 160, 210, 280)]
    [2.0, 2.0, 2.0, 1.42, 1.0]
    """
    beat = 60.0 / bpm
    long = beat * _long(ride_ratio(bpm)) - soloist_delay(bpm)
    return min(WIDEST_RATIO, long / (beat - long))


def _long(ratio: float) -> float:
    """The long eighth's share of the beat."""
    return ratio / (1.0 + ratio)


def even_beats(notes: Iterable[Note]) -> frozenset[int]:
    """The beats, counted from 0, that this written melody keeps even: those of triplets and of running sixteenths."""
    return frozenset(beat for beat, onsets in _onsets_by_beat(notes).items() if not _swings(onsets))


def triplet_beats(notes: Iterable[Note]) -> frozenset[int]:
    """Those of `even_beats` that this melody keeps even for triplets alone."""
    return frozenset(
        beat for beat, onsets in _onsets_by_beat(notes).items() if onsets <= TRIPLET_ONSETS and not _swings(onsets)
    )


def sounding_ticks(tick: float, ratio: float, even: Container[int]) -> float:
    """Where a written tick of any part sounds, in ticks; `even` holds the beats that are not warped.

    >>> sounding_ticks(18, 2.0, even=()), sounding_ticks(18, 2.0, even={1}), sounding_ticks(24, 2.0, even=())
    (20.0, 18, 24.0)
    """
    beat, within = divmod(tick, BEAT_TICKS)
    if beat in even:
        return tick
    long = BEAT_TICKS * _long(ratio)
    if within <= OFFBEAT:
        return beat * BEAT_TICKS + within * long / OFFBEAT
    return beat * BEAT_TICKS + long + (within - OFFBEAT) * (BEAT_TICKS - long) / (BEAT_TICKS - OFFBEAT)


def swing(notes: Sequence[Note]) -> tuple[Note, ...]:
    """A monophonic straight melody as it is performed at 2:1, in whole ticks; what `straighten` reads back."""
    return _warp(notes, SOUNDING, lambda onsets: OFFBEAT in onsets and _swings(onsets))


def straighten(notes: Sequence[Note]) -> tuple[Note, ...]:
    """A monophonic performed melody as it is written: a beat with an onset at 7 or 8, none at 4 or 5, is read as swung.

    The inverse of `swing` on the straight grid: sixteenths, and triplets whose second note is heard (a beat of 0 and 8
    alone is read as two swung eighths). Every note keeps at least one tick, its place in the order and its beat.
    """
    return _warp(notes, WRITTEN, lambda onsets: bool(onsets & {7, 8}) and not onsets & {4, 5})


def _onsets_by_beat(notes: Iterable[Note]) -> Mapping[int, set[int]]:
    beats: defaultdict[int, set[int]] = defaultdict(set)
    for note in notes:
        beats[note.onset // BEAT_TICKS].add(note.onset % BEAT_TICKS)
    return beats


def _swings(onsets: set[int]) -> bool:
    return onsets <= SWUNG_ONSETS and (OFFBEAT in onsets or 9 not in onsets)


def _warp(notes: Sequence[Note], table: Sequence[int], is_warped: Callable[[set[int]], bool]) -> tuple[Note, ...]:
    warped = {beat for beat, onsets in _onsets_by_beat(notes).items() if is_warped(onsets)}

    def move(tick: int) -> int:
        beat, within = divmod(tick, BEAT_TICKS)
        return beat * BEAT_TICKS + table[within] if beat in warped else tick

    onsets: list[int] = []
    for note in notes:  # rounding may put two onsets on one tick: the later one waits, and never past its old place
        onsets.append(max(move(note.onset), onsets[-1] + 1 if onsets else 0))
    limits = [*onsets[1:], move(notes[-1].end) + 1] if notes else []
    return tuple(
        replace(note, onset=onset, ticks=max(1, min(move(note.end), limit) - onset))
        for note, onset, limit in zip(notes, onsets, limits, strict=True)
    )
