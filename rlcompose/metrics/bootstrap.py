"""How sure a mean is: the percentile bootstrap (Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 13)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, and the ends of its 95 % interval; all nan where nothing is defined."""

    value: float
    low: float
    high: float


def bootstrap_mean(values: NDArray[np.float64], seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """The mean of the defined values (those that are not nan), float64 (n,), and its percentile interval."""
    defined = np.asarray(values, np.float64)
    defined = defined[~np.isnan(defined)]
    if not len(defined):
        return Estimate(float("nan"), float("nan"), float("nan"))
    draw = np.random.default_rng(seed)
    means = np.array([defined[draw.integers(0, len(defined), len(defined))].mean() for _ in range(resamples)])
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]).tolist()
    return Estimate(float(defined.mean()), low, high)
