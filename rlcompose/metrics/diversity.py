"""How unlike each other the pieces of a set are, and how like those of another set in their histograms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.learned.melodies import Melodies

WIDEST_INTERVAL = 24  # semitones; wider ones are counted with it
LONGEST_TIME = 32  # slots (sixteenths); longer times are counted with it


def vendi_score(features: NDArray[np.floating]) -> float:
    """The effective number of distinct rows of (n, d): 1 where all are alike, n where all are orthogonal.

    exp of the entropy of the eigenvalues of K/n (Friedman & Dieng 2023, "The Vendi Score"), K the cosine kernel:
    the score depends on the kernel and on what the features are measured in, so both must be named with it. Rows of
    zeros are like nothing, themselves included, which K must not have: they are an error.
    """
    rows = np.asarray(features, np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    if rows.ndim != 2 or not len(rows) or not lengths.all():
        raise RlcomposeError("the Vendi score needs at least one row of features, and none that is all zeros")
    unit = rows / lengths[:, None]
    # K and the smaller of its two forms, rows by rows or features by features, have the same eigenvalues but zeros.
    small = unit @ unit.T if len(unit) <= unit.shape[1] else unit.T @ unit
    values = np.linalg.eigvalsh(small / len(unit))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def standardised(features: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.float64]:
    """Features less the reference's mean, in its standard deviations; columns that are constant there are left out."""
    base = np.asarray(reference, np.float64)
    scale = base.std(0)
    keep = scale > 1e-9
    result: NDArray[np.float64] = (np.asarray(features, np.float64)[:, keep] - base.mean(0)[keep]) / scale[keep]
    return result


def interval_histogram(melodies: Melodies) -> NDArray[np.float64]:
    """Counts of the intervals within pieces, from 24 semitones down to 24 up: float64 (49,)."""
    counts = np.zeros(2 * WIDEST_INTERVAL + 1)
    for first, last in melodies.pieces[:, :2].tolist():
        steps = np.diff(melodies.pitches[first:last].astype(np.int64))
        counts += np.bincount(
            np.clip(steps, -WIDEST_INTERVAL, WIDEST_INTERVAL) + WIDEST_INTERVAL, minlength=len(counts)
        )
    return counts


def ioi_histogram(melodies: Melodies) -> NDArray[np.float64]:
    """Counts of the times from onset to onset within pieces, 1 to 32 sixteenths: float64 (32,)."""
    counts = np.zeros(LONGEST_TIME)
    for first, last in melodies.pieces[:, :2].tolist():
        times = np.diff(melodies.onsets[first:last].astype(np.int64))
        counts += np.bincount(np.clip(times, 1, LONGEST_TIME) - 1, minlength=len(counts))
    return counts


def js_divergence(counts: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Jensen-Shannon divergence of two histograms, in nats: 0 where they are alike, ln 2 where nothing is common.

    Lin 1991, "Divergence measures based on the Shannon entropy". nan where a histogram is empty.
    """
    if not counts.sum() or not others.sum():
        return float("nan")
    p, q = counts / counts.sum(), others / others.sum()
    middle = (p + q) / 2

    def divergence(share: NDArray[np.float64]) -> float:
        at = share > 0
        return float((share[at] * np.log(share[at] / middle[at])).sum())

    return max(0.0, (divergence(p) + divergence(q)) / 2)
