"""Nine features of pieces, and how far a set is from another in each: Yang & Lerch 2020 (mgeval).

"On the evaluation of generative models in music", Neural Computing and Applications 32, 4773-4784. Of every feature the
distances between the pieces of a set are compared with the distances from its pieces to those of the reference: the
overlapping area of the two densities, and their Kullback-Leibler divergence.

What differs from the published code: pitch classes count from the tonic, since pieces here have keys of their own; the
inter-onset interval is in quarter notes, not in seconds; a mean interval is of absolute sizes; both densities of the
divergence are taken at the same 1,000 points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError, missing_extra
from rlcompose.metrics.reading import Reading

Floats = NDArray[np.float64]
POINTS = 1000
MOST_DISTANCES = 2000  # of which a density is estimated; drawn by the seed where there are more
FEWEST_PIECES = 3

# Whole to sixteenth note, the same dotted, and triplets of half to eighth notes: ticks, 12 a quarter note.
LENGTHS = np.array([48, 24, 12, 6, 3, 36, 18, 9, 4.5, 16, 8, 4])


@dataclass(frozen=True, slots=True)
class Overlap:
    """How far a set is from the reference in a feature: overlapping area (1 is alike), divergence in nats (0 is)."""

    area: float
    divergence: float


def mgeval_features(pieces: Sequence[Reading]) -> dict[str, Floats]:
    """The nine features, each float64 (pieces, width); a piece of fewer notes than a feature needs has zeros."""
    rows: dict[str, list[Floats]] = {}
    for piece in pieces:
        classes = (piece.pitches - piece.tonic) % 12
        kinds = np.abs(piece.ticks[:, None] - LENGTHS).argmin(1)
        count = len(piece.pitches)
        found = {
            "pitches_used": np.array([len(np.unique(piece.pitches))], np.float64),
            "pitch_class_histogram": np.bincount(classes, minlength=12) / max(count, 1),
            "pitch_class_transitions": _transitions(classes, 12),
            "pitch_range": np.array([np.ptp(piece.pitches) if count else 0.0]),
            "mean_interval": np.array([np.abs(np.diff(piece.pitches)).mean() if count > 1 else 0.0]),
            "notes": np.array([float(count)]),
            "mean_ioi": np.array([np.diff(piece.onsets).mean() / 12 if count > 1 else 0.0]),
            "note_lengths": np.bincount(kinds, minlength=len(LENGTHS)) / max(count, 1),
            "note_length_transitions": _transitions(kinds, len(LENGTHS)),
        }
        for name, values in found.items():
            rows.setdefault(name, []).append(values)
    return {name: np.array(values, np.float64) for name, values in rows.items()}


def _transitions(kinds: NDArray[np.int64], number: int) -> Floats:
    pairs = np.bincount(kinds[:-1] * number + kinds[1:], minlength=number * number).astype(np.float64)
    shares: Floats = pairs / max(pairs.sum(), 1.0)
    return shares


def mgeval(pieces: Sequence[Reading], reference: Sequence[Reading], seed: int = 0) -> dict[str, Overlap]:
    """Overlapping area and divergence of a set and a reference by feature.

    Raises:
        RlcomposeError: A side has fewer than three pieces, or SciPy is not installed.
    """
    try:
        from scipy.spatial.distance import cdist, pdist
    except ImportError:
        raise missing_extra("scipy", "learn") from None
    for side in (pieces, reference):
        if len(side) < FEWEST_PIECES:
            raise RlcomposeError(f"{len(side)} pieces are too few for distances: {FEWEST_PIECES} are needed")
    draw = np.random.default_rng(seed)
    ours, theirs = mgeval_features(pieces), mgeval_features(reference)
    result = {}
    for name, mine in ours.items():
        inside = _drawn(pdist(mine), draw)
        across = _drawn(cdist(mine, theirs[name]).ravel(), draw)
        result[name] = overlap(inside, across)
    return result


def overlap(inside: Floats, across: Floats) -> Overlap:
    """Of two sets of distances, by Gaussian kernel density estimates (Scott's rule) at 1,000 points over both."""
    from scipy.stats import gaussian_kde

    if min(np.ptp(inside), np.ptp(across)) < 1e-12:
        # A set without spread has no density: alike are two only where all distances are the same.
        same = max(np.ptp(inside), np.ptp(across)) < 1e-12 and abs(inside[0] - across[0]) < 1e-12
        return Overlap(1.0, 0.0) if same else Overlap(0.0, float("nan"))
    low, high = min(inside.min(), across.min()), max(inside.max(), across.max())
    points = np.linspace(low, high, POINTS)
    p, q = (gaussian_kde(side)(points) for side in (inside, across))
    least = np.minimum(p, q)
    area = float(((least[1:] + least[:-1]) / 2).sum() * (points[1] - points[0]))
    p, q = p / p.sum(), np.maximum(q / q.sum(), 1e-300)
    at = p > 0
    return Overlap(area, max(0.0, float((p[at] * np.log(p[at] / q[at])).sum())))


def _drawn(distances: Floats, draw: np.random.Generator) -> Floats:
    if len(distances) <= MOST_DISTANCES:
        return distances
    return distances[draw.choice(len(distances), MOST_DISTANCES, replace=False)]
