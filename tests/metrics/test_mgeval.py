from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.metrics.mgeval import FEATURES, compare_distances, mgeval, mgeval_features
from rlcompose.score import Composition

Tune = Callable[..., Composition]


def by_mgevals_own_formulas(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    from scipy import integrate, stats

    p, q = stats.gaussian_kde(a), stats.gaussian_kde(b)
    ends = min(a.min(), b.min()), max(a.max(), b.max())
    area = integrate.quad(lambda x: min(p(x)[0], q(x)[0]), *ends, limit=500, epsabs=1e-6)[0]
    return area, stats.entropy(p(np.linspace(a.min(), a.max(), 1000)), q(np.linspace(b.min(), b.max(), 1000)))


def test_features_are_counted_by_hand(tune: Tune) -> None:
    # A quarter C, a dotted quarter E, an 8th C an octave higher, a rest, a half E.
    piece = tune([(0, 12, 60), (12, 18, 64), (30, 6, 72), (48, 24, 64)], bars=2)
    found = {name: values[0] for name, values in mgeval_features([piece]).items()}
    assert list(found) == list(FEATURES)
    assert found["pitch_count"] == 3
    assert found["note_count"] == 4
    assert found["pitch_range"] == 12
    assert found["mean_interval"] == pytest.approx((4 + 8 + 8) / 3)
    assert found["mean_inter_onset_interval"] == pytest.approx(4 / 3)  # 48 ticks in three steps
    histogram = np.zeros(12)
    histogram[0], histogram[4] = 18 / 60, 42 / 60
    assert found["pitch_class_histogram"] == pytest.approx(histogram)
    steps = np.zeros((12, 12))
    steps[0, 4], steps[4, 0] = 2 / 3, 1 / 3
    assert found["pitch_class_transitions"] == pytest.approx(steps.ravel())
    # Classes: 1 is a half, 2 a quarter, 3 an 8th, 6 a dotted quarter.
    assert found["note_length_histogram"] == pytest.approx([0, 0.25, 0.25, 0.25, 0, 0, 0.25, 0, 0, 0, 0, 0])
    lengths = np.zeros((12, 12))
    lengths[2, 6] = lengths[6, 3] = lengths[3, 1] = 1 / 3
    assert found["note_length_transitions"] == pytest.approx(lengths.ravel())


@pytest.mark.parametrize(
    ("ticks", "place"), [(48, 0), (3, 4), (36, 5), (9, 7), (16, 9), (8, 10), (4, 11), (1, 4), (22, 1), (96, 0)]
)
def test_lengths_go_to_the_nearest_class(tune: Tune, ticks: int, place: int) -> None:
    # In 4/4: whole, 16th, dotted half, dotted 8th, triplet half, quarter and 8th; a 16th is the shortest.
    assert mgeval_features([tune([(0, ticks, 60)], bars=2)])["note_length_histogram"][0].argmax() == place


def test_a_piece_without_notes_has_zeros(tune: Tune) -> None:
    assert all(not values.any() for values in mgeval_features([tune([])]).values())


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_areas_and_divergences_are_those_of_mgevals_formulas(shift: float) -> None:
    draw = np.random.default_rng(0)
    a, b = draw.gamma(2.0, 1.0, 300), draw.gamma(3.0, 1.0, 400) + shift
    assert compare_distances(a, b) == pytest.approx(by_mgevals_own_formulas(a, b), abs=2e-3)


def test_distances_that_are_all_equal_have_no_density() -> None:
    same, other, spread = np.full(5, 2.0), np.full(5, 3.0), np.arange(5.0)
    assert compare_distances(same, same) == (1.0, 0.0)
    for pair in ((same, other), (same, spread), (spread, same)):
        area, divergence = compare_distances(*pair)
        assert area == 0.0
        assert np.isnan(divergence)


def test_sets_of_one_source_overlap_more_than_others(random_tune: Tune, tune: Tune) -> None:
    ours, theirs = ([random_tune(number + first) for number in range(60)] for first in (0, 100))
    scales = [tune([(12 * k, 12, 60 + (k + n) % 8) for k in range(32)], bars=8) for n in range(60)]
    near, far = mgeval(ours, theirs), mgeval(scales, theirs)
    assert list(near) == list(FEATURES)
    for name in FEATURES:
        assert near[name]["oa"] > 0.7, name
        assert near[name]["oa"] > far[name]["oa"], name
        assert near[name]["kl"] < 0.3, name
        assert 0 <= far[name]["oa"] <= 1, name


def test_fewer_distances_are_drawn_with_the_seed(random_tune: Tune) -> None:
    ours, theirs = ([random_tune(number + first, bars=4) for number in range(20)] for first in (0, 100))
    drawn = mgeval(ours, theirs, distances=100, seed=1)
    assert drawn == mgeval(ours, theirs, distances=100, seed=1)
    assert drawn != mgeval(ours, theirs, distances=100, seed=2)


def test_a_set_of_two_pieces_is_too_small(random_tune: Tune) -> None:
    pieces = [random_tune(number) for number in range(3)]
    with pytest.raises(RlcomposeError, match="3 pieces and more in each set: reference has 2"):
        mgeval(pieces, pieces[:2])


def test_without_scipy_the_extra_is_named(random_tune: Tune, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [random_tune(number) for number in range(3)]
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(RlcomposeError, match=r"scipy is not installed: pip install \"rlcompose\[learn\]\""):
        mgeval(pieces, pieces)
