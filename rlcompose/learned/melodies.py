"""Melodies as arrays on the straight grid of sixteenths, and the windows that are cut from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.learned.layout import MAX_BARS, SLOT_OF_TICK, SLOT_TICKS, SLOTS_PER_QUARTER
from rlcompose.score import Composition
from rlcompose.theory.key import SCALES
from rlcompose.theory.meter import TICKS_PER_QUARTER, Meter

_SLOT_OF_TICK = np.array(SLOT_OF_TICK)
TWO_FOUR = Meter(2, 4)
MIDDLE_C = 60


@dataclass(frozen=True, slots=True, eq=False)
class Melodies:
    """Many melodies one behind the other; a note is a row of the first three arrays, a piece one of the others.

    onsets   int16 (notes,): slots from the beginning of the piece's first bar
    ends     int16 (notes,): the slot at which the note ends
    pitches  int16 (notes,): semitones above the tonic that lies nearest below middle C
    pieces   int32 (pieces, 6): first note, note after the last, bars, slots of a bar, slots of a beat, scale as bits
    """

    onsets: NDArray[np.int16]
    ends: NDArray[np.int16]
    pitches: NDArray[np.int16]
    pieces: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.pieces)

    @property
    def arrays(self) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int16]]:
        """What compiled functions take of the notes."""
        return self.onsets, self.ends, self.pitches

    def of(self, numbers: Sequence[int] | NDArray[np.int64]) -> Melodies:
        """Some of the melodies, in that order."""
        rows = self.pieces[np.asarray(numbers, np.int64)]
        at = np.concatenate([np.arange(first, last) for first, last in rows[:, :2]] or [np.zeros(0, np.int64)])
        pieces = rows.copy()
        ends = np.cumsum(rows[:, 1] - rows[:, 0])
        pieces[:, 1] = ends
        pieces[:, 0] = ends - (rows[:, 1] - rows[:, 0])
        return Melodies(self.onsets[at], self.ends[at], self.pitches[at], pieces)


def bar_slots(meter: Meter) -> tuple[int, int]:
    """Slots of a bar and of a beat; two bars of 2/4 are one, as tunes are written now in 2/4, now in 4/4."""
    beat = max(meter.beat_ticks // SLOT_TICKS, 1)
    bar = max(meter.bar_ticks // SLOT_TICKS, 1)
    return (2 * bar if meter == TWO_FOUR else bar), beat


def to_slots(ticks: NDArray[np.int32]) -> NDArray[np.int64]:
    """The slots of the straight grid that lie nearest to ticks."""
    quarters, rest = np.divmod(ticks, TICKS_PER_QUARTER)
    slots: NDArray[np.int64] = quarters * SLOTS_PER_QUARTER + _SLOT_OF_TICK[rest]
    return slots


def make_melodies(compositions: Iterable[Composition]) -> Melodies:
    """The melodies of compositions; of two notes that fall on one slot the first stays."""
    pieces = list(compositions)
    notes = [(n.onset, n.ticks, n.pitch) for piece in pieces for n in piece.notes]
    return melodies_from_arrays(
        np.array(notes, np.int32).reshape(-1, 3),
        np.array([len(piece.notes) for piece in pieces], np.int32),
        [piece.meter for piece in pieces],
        np.array([piece.bars for piece in pieces], np.int32),
        np.array([piece.key.tonic for piece in pieces], np.int32),
        [piece.key.mode for piece in pieces],
    )


def melodies_from_arrays(
    notes: NDArray[np.int32],
    counts: NDArray[np.int32],
    meters: Sequence[Meter],
    bars: NDArray[np.int32],
    tonics: NDArray[np.int32],
    modes: Sequence[str],
) -> Melodies:
    """The same from arrays: `notes` (onset, ticks, pitch) one behind the other, and a value a piece of the others."""
    slots = [(meter.bar_ticks // SLOT_TICKS, *bar_slots(meter)) for meter in meters]
    of_meter, bar, beat = np.array(slots, np.int64).reshape(-1, 3).T
    total = bars * of_meter
    owner = np.repeat(np.arange(len(counts)), counts)
    starts, stops = to_slots(notes[:, 0]), to_slots(notes[:, 0] + notes[:, 1])
    is_first = np.ones(len(notes), np.bool_)
    is_first[1:] = (np.diff(starts) > 0) | (np.diff(owner) > 0)
    keep = is_first & (starts < total[owner])
    owner, starts = owner[keep], starts[keep]
    last = np.cumsum(np.bincount(owner, minlength=len(counts))) if len(counts) else np.zeros(0, np.int64)
    first = np.concatenate([np.zeros(1, np.int64), last])[: len(counts)]
    scales = np.array([sum(1 << degree for degree in SCALES[mode]) for mode in modes], np.int64)
    pieces = np.column_stack([first, last, -(-total // bar) if len(bar) else total, bar, beat, scales])
    return Melodies(
        starts.astype(np.int16),
        np.minimum(np.maximum(stops[keep], starts + 1), total[owner]).astype(np.int16),
        (notes[keep, 2] - MIDDLE_C + (-tonics[owner]) % 12).astype(np.int16),
        pieces.astype(np.int32).reshape(-1, 6),
    )


def windows_of(
    melodies: Melodies, pieces: Sequence[int] | NDArray[np.int64], starts: Sequence[int] | NDArray[np.int64], bars: int
) -> NDArray[np.int32]:
    """Windows of so many bars from these bars of these pieces on, int32 (windows, 7): the kernel's columns."""
    pieces, starts = np.asarray(pieces, np.int64), np.asarray(starts, np.int64)
    rows = melodies.pieces[pieces]
    bar = rows[:, 3]
    result = np.empty((len(pieces), 7), np.int32)
    for number, (piece, start) in enumerate(zip(rows, starts * bar, strict=True)):
        first, last = np.searchsorted(melodies.onsets[piece[0] : piece[1]], (start, start + bars * piece[3]))
        result[number] = (piece[0] + first, piece[0] + last, start, bars, *piece[3:])
    return result


def all_windows(melodies: Melodies, bars: int = MAX_BARS, hop: int = 4) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pieces and first bars of all windows of so many bars; a shorter piece has none.

    Windows begin every `hop` bars, from the beginning of the piece on.
    """
    pieces, starts = [], []
    for number, piece in enumerate(melodies.pieces):
        firsts = np.arange(0, piece[2] - bars + 1, hop)
        pieces.append(np.full(len(firsts), number))
        starts.append(firsts)
    empty = [np.zeros(0, np.int64)]
    return np.concatenate(pieces or empty).astype(np.int64), np.concatenate(starts or empty).astype(np.int64)


def rank_within(pieces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each window, by its piece, how many of the same piece come before it: int64 (windows,)."""
    by_piece = np.argsort(pieces, kind="stable")
    firsts = np.searchsorted(pieces[by_piece], pieces[by_piece])
    rank = np.empty(len(pieces), np.int64)
    rank[by_piece] = np.arange(len(pieces)) - firsts
    return rank


def window_notes(
    melodies: Melodies, window: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Onsets and ends, counted from the window's beginning, and pitches of its notes."""
    first, last, start, bars, bar = window[:5].tolist()
    onsets, ends, pitches = (array[first:last].astype(np.int64) for array in melodies.arrays)
    return onsets - start, np.minimum(ends - start, bars * bar), pitches


def joined_melodies(parts: Sequence[Melodies]) -> Melodies:
    """Melodies one behind the other."""
    moved, pieces = 0, []
    for part in parts:
        rows = part.pieces.copy()
        rows[:, :2] += moved
        pieces.append(rows)
        moved += len(part.onsets)
    onsets, ends, pitches = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("onsets", "ends", "pitches")
    )
    return Melodies(onsets, ends, pitches, np.concatenate(pieces))


def bars_so_far(melodies: Melodies, piece: int) -> NDArray[np.int32]:
    """The windows that end with each bar of a piece: all bars so far, from the ninth on the last eight."""
    bars = int(melodies.pieces[piece, 2])
    result = np.empty((bars, 7), np.int32)
    for end in range(1, bars + 1):
        length = min(end, MAX_BARS)
        result[end - 1] = windows_of(melodies, [piece], [end - length], length)[0]
    return result
