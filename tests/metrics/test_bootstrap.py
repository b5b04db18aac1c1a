from __future__ import annotations

import numpy as np
import pytest

from rlcompose.errors import RlcomposeError
from rlcompose.metrics.bootstrap import Interval, bootstrap_interval


def test_interval_is_that_of_the_normal_distribution_for_many_values() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 1000)
    found = bootstrap_interval(values, draws=4000)
    half = 1.959964 * values.std() / np.sqrt(1000)
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_interval_agrees_with_scipy() -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(1).exponential(1.0, 80)
    theirs = bootstrap((values,), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(5))
    found = bootstrap_interval(values, draws=9999)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.02)


def test_missing_values_are_left_out() -> None:
    assert bootstrap_interval([1.0, np.nan, 2.0, 4.0]) == bootstrap_interval([1.0, 2.0, 4.0])
    assert bootstrap_interval([1.0, np.nan, 2.0, 4.0]).count == 3


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.arange(20.0) ** 2
    assert bootstrap_interval(values, seed=4) == bootstrap_interval(values, seed=4)
    assert bootstrap_interval(values, seed=4) != bootstrap_interval(values, seed=5)


def test_one_value_is_its_own_interval_and_none_has_none() -> None:
    assert bootstrap_interval([0.5]) == Interval(0.5, 0.5, 0.5, 1)
    assert bootstrap_interval([np.nan]).count == 0
    assert np.isnan(bootstrap_interval([]).mean)


def test_a_level_of_95_is_an_error() -> None:
    with pytest.raises(RlcomposeError, match="level 95"):
        bootstrap_interval([1.0], level=95)


def test_rows_drawn_at_once_are_those_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(50.0)
    whole = bootstrap_interval(values, draws=300)
    monkeypatch.setattr("rlcompose.metrics.bootstrap._AT_ONCE", 500)
    parts = bootstrap_interval(values, draws=300)
    assert (parts.low, parts.high) == (whole.low, whole.high)
