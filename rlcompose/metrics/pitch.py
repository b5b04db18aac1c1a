"""Metrics of pitch."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from rlcompose.metrics.reading import Ints, Reading
from rlcompose.metrics.register import piece_metric
from rlcompose.theory.key import SCALES

JAZZ_TRANSFORMER = "Wu & Yang 2020, The Jazz Transformer on the front line"
MUSPY = "Dong et al. 2020, MusPy: a toolkit for symbolic music generation"


def entropy(counts: NDArray[np.integer]) -> float:
    """Shannon entropy of a histogram in bits; nan of an empty one."""
    total = counts.sum()
    if not total:
        return float("nan")
    shares = counts[counts > 0] / total
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def _windowed_entropy(piece: Reading, bars: int) -> float:
    """Mean over the windows that have notes; one begins with every bar, and a shorter piece is one window."""
    by_bar = np.bincount(piece.onsets // piece.bar * 12 + piece.classes, minlength=12 * piece.bars)
    up_to = np.concatenate([np.zeros((1, 12), np.int64), by_bar.reshape(-1, 12).cumsum(axis=0)])
    bars = min(bars, piece.bars)
    found = [entropy(counts) for counts in up_to[bars:] - up_to[:-bars] if counts.any()]
    return float(np.mean(found)) if found else float("nan")


@piece_metric("entropy in bits of the pitch classes of a bar, mean over the bars that have notes", JAZZ_TRANSFORMER)
def pitch_class_entropy_1(piece: Reading) -> float:
    """H1."""
    return _windowed_entropy(piece, 1)


@piece_metric("the same of four bars at a time, windows that begin at every bar", JAZZ_TRANSFORMER)
def pitch_class_entropy_4(piece: Reading) -> float:
    """H4."""
    return _windowed_entropy(piece, 4)


@piece_metric("entropy in bits of the pitches", MUSPY)
def pitch_entropy(piece: Reading) -> float:
    """Of all notes."""
    return entropy(np.bincount(piece.pitches, minlength=128))


@piece_metric("number of different pitches", MUSPY)
def pitches_used(piece: Reading) -> float:
    """0 of a piece without notes."""
    return float(len(np.unique(piece.pitches)))


@piece_metric("semitones from the lowest to the highest note", MUSPY)
def pitch_range(piece: Reading) -> float:
    """Undefined without notes."""
    return float(np.ptp(piece.pitches)) if len(piece.pitches) else float("nan")


@cache
def _scales() -> Ints:
    """Pitch classes of the 24 major and natural minor scales, (24, 7)."""
    rows = [[(tonic + step) % 12 for step in SCALES[mode]] for mode in ("major", "minor") for tonic in range(12)]
    return np.array(rows)


@piece_metric("largest share of the notes that lie in one of the 24 major and natural minor scales", MUSPY)
def scale_consistency(piece: Reading) -> float:
    """At least 7/12."""
    if not len(piece.pitches):
        return float("nan")
    counts = np.bincount(piece.classes, minlength=12)
    return float(counts[_scales()].sum(1).max() / counts.sum())
