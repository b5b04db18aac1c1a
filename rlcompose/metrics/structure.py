"""Metrics of form: how much of a piece its best repeated segment explains."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rlcompose.metrics.compiled import kernel
from rlcompose.metrics.pitch import JAZZ_TRANSFORMER
from rlcompose.metrics.reading import Reading
from rlcompose.metrics.register import piece_metric

KEPT = 0.2  # share of the similarities that count as alike, as in the source of the fitness
PENALTY = -2.0  # what all others count
MOST_BEATS = 512  # what lies behind them is not looked at: the cost is cubic

Floats = NDArray[np.float64]


def beat_similarity(piece: Reading) -> Floats:
    """How alike two beats are, float64 (beats, beats), from -2 to 1, 1 on the diagonal.

    A beat is the time for which each pitch class sounds in it; two are as alike as the cosine says. Of all pairs of
    different beats the fifth that is most alike keeps its place between that limit (0) and equality (1), the rest
    counts -2. Silent beats are like none.
    """
    beats = min(piece.total // piece.beat, MOST_BEATS)
    sounding = np.zeros((beats * piece.beat, 12))
    for onset, ticks, pitch in zip(piece.onsets.tolist(), piece.ticks.tolist(), piece.classes.tolist(), strict=True):
        sounding[onset : onset + ticks, pitch] = 1.0
    chroma = sounding.reshape(beats, piece.beat, 12).sum(axis=1)
    norms = np.linalg.norm(chroma, axis=1, keepdims=True)
    unit = chroma / np.where(norms > 0, norms, 1.0)
    similarity = np.minimum(unit @ unit.T, 1.0)
    similarity[similarity > 1.0 - 1e-9] = 1.0
    others = similarity[~np.eye(beats, dtype=np.bool_)]
    limit = float(np.quantile(others, 1.0 - KEPT)) if len(others) else 1.0
    scaled = (similarity - limit) / (1.0 - limit) if limit < 1.0 else np.ones_like(similarity)
    similarity = np.where((similarity >= limit) & (similarity > 0.0), scaled, PENALTY)
    np.fill_diagonal(similarity, 1.0)
    return similarity


def fitness_scape(similarity: Floats) -> Floats:
    """The fitness of every segment, float64 (beats + 1, beats): row m, column s of the m beats from s on; 0 to 1.

    It is the harmonic mean of how well and how far a segment's repetitions cover the piece beyond the segment itself.
    Repetitions are the diagonals of its length, not overlapping in the piece, with the largest sum: on a grid of beats
    a tempo does not change, so that paths need not bend.

    Source: Müller, Jiang & Grosche 2013, "A robust fitness measure for capturing repetitions in music recordings with
    applications to audio thumbnailing", IEEE Transactions on Audio, Speech, and Language Processing 21(3).
    """
    beats = len(similarity)
    fitness = np.zeros((beats + 1, beats))
    kernel().fitness_scape(np.ascontiguousarray(similarity), fitness)
    return fitness


@lru_cache(maxsize=1)  # three metrics ask for the same piece one after the other
def _fittest(piece: Reading) -> Floats:
    """The largest fitness of a segment by its length in beats, float64 (beats + 1,)."""
    fittest: Floats = fitness_scape(beat_similarity(piece)).max(axis=1)
    return fittest


def _structureness(piece: Reading, above: float, most: float) -> float:
    """The largest fitness of the segments longer than `above` bars, up to `most` bars."""
    a_bar = piece.bar / piece.beat
    beats = piece.total // piece.beat
    if beats < 2 or above * a_bar >= min(beats, MOST_BEATS):
        return float("nan")
    lengths = np.arange(min(beats, MOST_BEATS) + 1)
    return float(_fittest(piece)[(lengths > above * a_bar) & (lengths <= most * a_bar)].max(initial=0.0))


@piece_metric(
    "SI: the largest fitness of a segment of more than 1 to 4 bars, where fitness is how well and how far its "
    "repetitions cover the piece; exact repeats in two give .5, in four .75. In the source lengths are in seconds, "
    "3 to 8; a bar is taken as two of them",
    f"{JAZZ_TRANSFORMER}; fitness: Müller, Jiang & Grosche 2013",
)
def structureness_short(piece: Reading) -> float:
    """Nan where there is no such segment."""
    return _structureness(piece, 1.0, 4.0)


@piece_metric("the same of segments of more than 4 to 8 bars, 8 to 15 seconds in the source", JAZZ_TRANSFORMER)
def structureness_mid(piece: Reading) -> float:
    """Nan where there is no such segment."""
    return _structureness(piece, 4.0, 8.0)


@piece_metric("the same of segments of more than 8 bars, over 15 seconds in the source", JAZZ_TRANSFORMER)
def structureness_long(piece: Reading) -> float:
    """Nan where there is no such segment."""
    return _structureness(piece, 8.0, np.inf)
