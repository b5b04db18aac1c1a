"""How sure a mean is: the percentile interval of the bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError

DRAWS = 2000
_AT_ONCE = 4_000_000  # numbers drawn in one array, so that memory stays below 100 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, the ends of its interval, and of how many values it is; all nan and 0 where there are none."""

    mean: float
    low: float
    high: float
    count: int


def bootstrap_interval(
    values: NDArray[np.float64] | Sequence[float], level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """The mean of values and its percentile interval: the middle `level` of the means of so many resamples.

    Values that are nan are left out first. Of one value the interval is that value.

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", ch. 13 (the percentile method).

    Raises:
        RlcomposeError: `level` does not lie between 0 and 1, or `draws` is below 1.
    """
    if not 0 < level < 1 or draws < 1:
        raise RlcomposeError(f"an interval needs 0 < level < 1 and draws >= 1, not level {level}, draws {draws}")
    given = np.asarray(values, np.float64).ravel()
    known = given[~np.isnan(given)]
    if not len(known):
        return Interval(np.nan, np.nan, np.nan, 0)
    random = np.random.default_rng(seed)
    means = np.empty(draws)
    rows = max(1, _AT_ONCE // len(known))
    for first in range(0, draws, rows):
        count = min(rows, draws - first)
        means[first : first + count] = known[random.integers(0, len(known), (count, len(known)))].mean(1)
    low, high = np.percentile(means, (50 * (1 - level), 50 * (1 + level)))
    return Interval(float(known.mean()), float(low), float(high), len(known))
