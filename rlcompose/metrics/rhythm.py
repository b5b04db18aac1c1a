"""Metrics of rhythm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlcompose.metrics.pitch import JAZZ_TRANSFORMER, MUSPY
from rlcompose.metrics.reading import Reading
from rlcompose.metrics.register import piece_metric


def onset_bars(piece: Reading) -> NDArray[np.bool_]:
    """Whether a note begins at each tick of each bar, bool (bars, ticks of a bar)."""
    struck = np.zeros(piece.total, np.bool_)
    struck[piece.onsets] = True
    return struck.reshape(piece.bars, piece.bar)


@piece_metric(
    "1 less the share of a bar's places at which one of two neighbouring bars has an onset and the other has none; "
    "mean over the pairs. Places are ticks, 12 a quarter note",
    MUSPY,
)
def groove_consistency(piece: Reading) -> float:
    """Of all bars of the piece, also those after the last note, which MusPy does not see."""
    if piece.bars < 2:
        return float("nan")
    bars = onset_bars(piece)
    return float(1.0 - (bars[1:] != bars[:-1]).mean())


@piece_metric("the same, mean over all pairs of bars", JAZZ_TRANSFORMER)
def groove_similarity(piece: Reading) -> float:
    """GS."""
    if piece.bars < 2:
        return float("nan")
    # Of b bars k have an onset at a place: k (b - k) of the pairs differ there.
    struck = onset_bars(piece).sum(0).astype(np.int64)
    pairs = piece.bars * (piece.bars - 1) / 2
    return float(1.0 - (struck * (piece.bars - struck)).sum() / pairs / piece.bar)


@piece_metric("share of the beats during which no note sounds", MUSPY)
def empty_beat_rate(piece: Reading) -> float:
    """0 where something sounds in every beat."""
    sounding = np.zeros(piece.total, np.bool_)
    for onset, ticks in zip(piece.onsets.tolist(), piece.ticks.tolist(), strict=True):
        sounding[onset : onset + ticks] = True
    whole = len(sounding) // piece.beat * piece.beat
    return float(1.0 - sounding[:whole].reshape(-1, piece.beat).any(1).mean())


@piece_metric("notes a bar", MUSPY)
def notes_per_bar(piece: Reading) -> float:
    """The mean over all bars, silent ones among them."""
    return len(piece.onsets) / piece.bars


@piece_metric("share of the notes that begin between the beats", "counted")
def off_beat_share(piece: Reading) -> float:
    """Undefined without notes."""
    return float((piece.onsets % piece.beat != 0).mean()) if len(piece.onsets) else float("nan")
