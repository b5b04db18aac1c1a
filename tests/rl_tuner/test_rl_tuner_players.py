"""The players that do not learn, and the rows of the benchmark's table."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rlcompose.errors import RlcomposeError
from rlcompose.rl_tuner import METRIC_NAMES, returns
from rlcompose.rl_tuner.benchmark import EXTRA_NAMES, PUBLISHED, measured, places, published, successions
from rlcompose.rl_tuner.players import beam, greedy, tilted, uniform


def prior_of(logs: list[float]) -> Any:
    """A prior that always says the same."""
    return SimpleNamespace(log_probs=lambda seen: np.tile(logs, (len(seen), 1)))


FLAT = [float(-np.log(38))] * 38


@pytest.mark.parametrize(("width", "best"), [(10, 152.6), (100, 223.5), (400, 258.9)])
def test_beam_search_finds_what_it_found_on_the_published_code(width: int, best: float) -> None:
    melodies = beam(width, "compat")
    found = returns(melodies, "compat")
    assert found[0] == pytest.approx(best, abs=0.05)
    assert (np.diff(found) <= 1e-9).all()
    assert len(np.unique(melodies, axis=0)) == width


def test_beam_of_one_is_greedy() -> None:
    assert (beam(1, "compat") == greedy(1, "compat")).all()


def test_beam_without_hypotheses_is_refused() -> None:
    with pytest.raises(RlcomposeError, match="width 0"):
        beam(0)


def test_tilted_by_nothing_is_the_prior() -> None:
    logs = np.full(38, -np.inf)
    logs[[14, 21]] = np.log([0.25, 0.75])
    melodies = tilted(prior_of(logs.tolist()), 500, 0, strength=0.0)
    assert set(np.unique(melodies)) == {14, 21}
    assert (melodies == 21).mean() == pytest.approx(0.75, abs=0.02)


def test_tilted_by_much_is_greedy() -> None:
    melodies = tilted(prior_of(FLAT), 20, 0, "compat", strength=1e6)
    drawn = greedy(20, "compat", seed=1)
    assert returns(melodies, "compat").mean() == pytest.approx(returns(drawn, "compat").mean(), abs=12)
    assert len(np.unique(melodies, axis=0)) > 1


def test_players_repeat_with_their_seed() -> None:
    assert (greedy(30, seed=4) == greedy(30, seed=4)).all()
    assert (greedy(30, seed=4) != greedy(30, seed=5)).any()
    assert (tilted(prior_of(FLAT), 30, 4) == tilted(prior_of(FLAT), 30, 4)).all()


def test_successions_and_places_by_hand() -> None:
    melody = np.array([[14, 16] + [14] * 30])
    counts = successions(melody)[0]
    assert (counts[14 * 38 + 16], counts[16 * 38 + 14], counts[14 * 38 + 14], counts.sum()) == (1, 1, 29, 31)
    at = places(melody)[0].reshape(32, 38)
    assert (at.argmax(axis=1) == melody[0]).all() and at.sum() == 32


def test_a_row_has_the_metrics_and_what_noise_cannot_have() -> None:
    prior: Any = SimpleNamespace(log_likelihood=lambda tokens: np.full(len(tokens), -2.0))
    same, different = np.tile(uniform(1, 0), (50, 1)), uniform(50, 0)
    row = measured(different, "corrected", prior)
    assert set(row) == {*METRIC_NAMES, *EXTRA_NAMES}
    assert row["log-likelihood"] == -2.0
    assert row["theory return"] == pytest.approx(returns(different).mean())
    assert measured(same, "corrected")["vendi of places"] == pytest.approx(1.0)
    assert row["vendi of places"] > 40
    assert "log-likelihood" not in measured(same, "corrected")


def test_the_published_rows_are_whole() -> None:
    for name in PUBLISHED:
        assert len(published(name)) == len(METRIC_NAMES)
    assert published("Q")["leaps resolved"] == 0.911
