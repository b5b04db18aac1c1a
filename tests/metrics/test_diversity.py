from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rlcompose.errors import RlcomposeError
from rlcompose.metrics.diversity import (
    distinct_ngrams,
    interval_divergence,
    jensen_shannon,
    time_divergence,
    vendi_of_kernel,
    vendi_of_transitions,
    vendi_of_vectors,
    vendi_score,
)
from rlcompose.score import Composition

Tune = Callable[..., Composition]


def test_vendi_of_identical_pieces_is_1_and_of_orthogonal_ones_their_number() -> None:
    assert vendi_of_vectors(np.ones((7, 3))) == pytest.approx(1.0)
    assert vendi_of_vectors(np.eye(6)) == pytest.approx(6.0)
    assert vendi_of_vectors(np.eye(3)[[0, 0, 1, 1, 2, 2]]) == pytest.approx(3.0)
    assert vendi_of_kernel(np.eye(5)) == pytest.approx(5.0)
    assert vendi_of_kernel(np.ones((5, 5))) == pytest.approx(1.0)


def test_vendi_of_shares_is_the_exponential_of_their_entropy() -> None:
    # Three of one kind and one of another: eigenvalues 3/4 and 1/4.
    expected = np.exp(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))
    assert vendi_of_vectors(np.eye(2)[[0, 0, 0, 1]]) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(8, 30), (30, 8)])
def test_vendi_is_that_of_the_whole_kernel(shape: tuple[int, int]) -> None:
    features = np.random.default_rng(0).normal(size=shape) * np.arange(1, shape[1] + 1)
    z = (features - features.mean(0)) / features.std(0)
    unit = z / np.linalg.norm(z, axis=1)[:, None]
    assert vendi_score(features) == pytest.approx(vendi_of_kernel(unit @ unit.T))


def test_identical_pieces_count_as_one_also_by_their_own_deviation() -> None:
    assert vendi_score(np.full((9, 4), 0.1)) == pytest.approx(1.0)


def test_near_copies_are_many_by_their_own_deviation_and_few_by_that_of_a_reference() -> None:
    draw = np.random.default_rng(0)
    reference = draw.normal(size=(60, 20))
    copies = reference[:1] + 1e-3 * draw.normal(size=(60, 20))
    assert vendi_score(copies) > 10
    assert vendi_score(copies, reference) == pytest.approx(1.0, abs=0.01)


def test_a_feature_that_is_not_finite_is_named() -> None:
    with pytest.raises(RlcomposeError, match="feature 1 of piece 2 is nan"):
        vendi_score(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, np.nan]]))
    with pytest.raises(RlcomposeError, match=r"not an array of \(0, 3\)"):
        vendi_score(np.zeros((0, 3)))


def test_transitions_tell_pieces_apart(tune: Tune) -> None:
    up = tune([(0, 3, 60), (3, 3, 62)])
    other_octave = tune([(0, 9, 72), (12, 3, 50)])
    down = tune([(0, 3, 62), (3, 3, 60)])
    silent = tune([])
    assert vendi_of_transitions([up, other_octave]) == pytest.approx(1.0)
    assert vendi_of_transitions([up, down]) == pytest.approx(2.0)
    assert vendi_of_transitions([up, down, silent]) == pytest.approx(3.0)
    assert vendi_of_transitions([silent, silent]) == pytest.approx(1.0)


def test_divergence_is_scipys() -> None:
    from scipy.spatial.distance import jensenshannon

    draw = np.random.default_rng(0)
    p, q = draw.integers(0, 5, 12), draw.integers(0, 50, 12)
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q) ** 2)  # scipy gives its square root
    assert jensen_shannon(p, 3 * p) == pytest.approx(0.0, abs=1e-12)
    assert jensen_shannon(np.array([1, 0]), np.array([0, 5])) == pytest.approx(np.log(2))
    assert np.isnan(jensen_shannon(p, 0 * q))


def test_divergences_of_intervals_and_times_see_one_each(tune: Tune) -> None:
    piece = tune([(0, 3, 60), (3, 3, 62), (6, 3, 64)])
    other_pitches = tune([(0, 3, 60), (3, 3, 55), (6, 3, 50)])
    slower = tune([(0, 3, 70), (6, 3, 72), (12, 3, 74)])
    assert interval_divergence([piece], [other_pitches]) == pytest.approx(np.log(2))
    assert time_divergence([piece], [other_pitches]) == 0.0
    assert interval_divergence([piece], [slower]) == 0.0
    assert time_divergence([piece], [slower]) == pytest.approx(np.log(2))


def test_times_over_eight_quarter_notes_are_one_class(tune: Tune) -> None:
    long, longer = tune([(0, 3, 60), (96, 3, 60)], bars=3), tune([(0, 3, 60), (140, 3, 60)], bars=3)
    assert time_divergence([long], [longer]) == 0.0


def test_distinct_ngrams_are_counted_by_hand(tune: Tune) -> None:
    # Intervals 2 2 2 and 2 2: runs of two are (2 2) (2 2) and (2 2), one distinct of three.
    pieces = [tune([(3 * k, 3, 60 + 2 * k) for k in range(number)]) for number in (4, 3)]
    assert distinct_ngrams(pieces, 2) == pytest.approx(1 / 3)
    assert np.isnan(distinct_ngrams(pieces, 5))
    with pytest.raises(RlcomposeError, match="not 0"):
        distinct_ngrams(pieces, 0)
