"""Pieces as sequences of (interval, inter-onset interval), which is what sets of pieces are compared by.

A piece transposed gives the same pairs. Rests between notes count as part of the time to the next onset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.learned.layout import SLOT_TICKS
from rlcompose.learned.melodies import Melodies
from rlcompose.score import Composition

Ints = NDArray[np.int64]
Pieces = Sequence[Composition] | Melodies


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """The notes of many pieces one behind the other.

    onsets   int64 (notes,): ticks from the piece's beginning, 12 a quarter note
    pitches  int64 (notes,): MIDI numbers, or semitones above the tonic where the source was `Melodies`
    counts   int64 (pieces,): notes of each piece
    bars     int64 (pieces,): ticks of a bar of each piece
    """

    onsets: Ints
    pitches: Ints
    counts: Ints
    bars: Ints

    def __len__(self) -> int:
        return len(self.counts)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The pairs of neighbouring notes of many pieces one behind the other; a piece of n notes has n - 1, or none.

    intervals  int64 (pairs,): semitones up (positive) or down
    times      int64 (pairs,): ticks from onset to onset
    notes      int64 (pairs,): the row in `Lines` of the pair's first note
    owners     int64 (pairs,): the number of its piece
    """

    intervals: Ints
    times: Ints
    notes: Ints
    owners: Ints


def lines_of(pieces: Pieces) -> Lines:
    """The notes of pieces.

    `Melodies` lie on the grid of sixteenths, compositions where they were written: what is to be compared must come
    from the same kind.
    """
    if isinstance(pieces, Melodies):
        # A piece's notes need not follow those of the piece before it.
        used = pieces.of(np.arange(len(pieces)))
        rows = used.pieces.astype(np.int64)
        onsets, pitches = (array.astype(np.int64) for array in (used.onsets, used.pitches))
        return Lines(onsets * SLOT_TICKS, pitches, rows[:, 1] - rows[:, 0], rows[:, 3] * SLOT_TICKS)
    notes = np.array([(n.onset, n.pitch) for piece in pieces for n in piece.notes], np.int64).reshape(-1, 2)
    counts = np.array([len(piece.notes) for piece in pieces], np.int64)
    bars = np.array([piece.meter.bar_ticks for piece in pieces], np.int64)
    return Lines(notes[:, 0].copy(), notes[:, 1].copy(), counts, bars)


def pairs_of(lines: Lines) -> Pairs:
    """The pairs of neighbouring notes; none reaches from one piece into the next."""
    owners = np.repeat(np.arange(len(lines)), lines.counts)
    notes = np.flatnonzero(np.diff(owners) == 0)
    return Pairs(np.diff(lines.pitches)[notes], np.diff(lines.onsets)[notes], notes, owners[notes])


def numbered(parts: Sequence[Pairs]) -> list[Ints]:
    """A number for each pair, the same for equal (interval, time) in all parts; int64 (pairs,) each."""
    intervals = np.concatenate([part.intervals for part in parts])
    times = np.concatenate([part.times for part in parts])
    widest = int(times.max(initial=0)) + 1
    # Distinct pairs have distinct keys, since a time is never negative and below `widest`.
    numbers = np.unique(intervals * widest + times, return_inverse=True)[1].astype(np.int64)
    return np.split(numbers, np.cumsum([len(part.intervals) for part in parts])[:-1])


def ngrams(numbers: Ints, owners: Ints, n: int) -> tuple[Ints, Ints]:
    """A number for each run of n pairs within a piece, the same for equal runs, and the piece of each.

    Runs are those of all pieces in `numbers`: what is to be compared must be numbered together.

    Raises:
        RlcomposeError: n is below 1.
    """
    if n < 1:
        raise RlcomposeError(f"an n-gram has at least one pair, not {n}")
    keys, starts = numbers, np.arange(len(numbers))
    for length in range(1, n):
        inside = starts + length < len(numbers)
        keys, starts = keys[inside], starts[inside]
        same = owners[starts + length] == owners[starts]
        keys, starts = keys[same], starts[same]
        wider = keys * (int(numbers.max(initial=0)) + 1) + numbers[starts + length]
        # Numbered anew each time, so that keys stay small and exact.
        keys = np.unique(wider, return_inverse=True)[1].astype(np.int64)
    return keys, owners[starts]
