"""A piece as arrays, made once for all metrics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.score import Composition

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What metrics look at: one row a note, one a chord span (those without a chord, "N.C.", are left out).

    onsets, ticks, pitches   int64 (notes,): ticks, 12 a quarter note, and MIDI numbers
    bar, beat, bars          ticks of a bar and of a beat, bars of the piece
    strengths                int64 (bar,): how strong each tick of a bar is, 0 for ticks between the beats
    chord_onsets, chord_ends int64 (chords,): ticks
    tones, guides, scales    bool (chords, 12): absolute pitch classes of each chord, its guide tones, its scale
    note_chords              int64 (notes,): the row of the chord under each onset, -1 where none holds
    """

    onsets: Ints
    ticks: Ints
    pitches: Ints
    bar: int
    beat: int
    bars: int
    strengths: Ints
    chord_onsets: Ints
    chord_ends: Ints
    tones: NDArray[np.bool_]
    guides: NDArray[np.bool_]
    scales: NDArray[np.bool_]
    note_chords: Ints

    @property
    def classes(self) -> Ints:
        """Pitch class of each note."""
        return self.pitches % 12

    @property
    def has_chord(self) -> NDArray[np.bool_]:
        """Whether a chord holds under each note's onset."""
        return self.note_chords >= 0

    @property
    def total(self) -> int:
        """Ticks of the piece."""
        return self.bars * self.bar


def read(piece: Composition) -> Reading:
    """The arrays of a piece."""
    notes = np.array([(n.onset, n.ticks, n.pitch) for n in piece.notes], np.int64).reshape(-1, 3)
    spans = [span for span in piece.chords if not span.chord.is_silent]
    sets = np.zeros((3, len(spans), 12), np.bool_)
    for row, span in enumerate(spans):
        for which, classes in enumerate((span.chord.tones, span.chord.guide_tones, span.chord.scale)):
            sets[which, row, list(classes)] = True
    begins = np.array([span.onset for span in spans], np.int64)
    ends = np.array([span.end for span in spans], np.int64)
    onsets = notes[:, 0].copy()
    at = np.searchsorted(begins, onsets, side="right") - 1
    if len(spans):
        at[(at >= 0) & (onsets >= ends[np.maximum(at, 0)])] = -1
    return Reading(
        *(onsets, notes[:, 1].copy(), notes[:, 2].copy()),
        *(piece.meter.bar_ticks, piece.meter.beat_ticks, piece.bars),
        np.array([piece.meter.strength(tick) for tick in range(piece.meter.bar_ticks)], np.int64),
        *(begins, ends, *sets, at),
    )
