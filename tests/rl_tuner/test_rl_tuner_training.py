"""The prior, and agents that start from it: small networks, tunes made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rlcompose.agents._rl_tuner import ALGORITHMS, PaidVecEnv
from rlcompose.agents.rl_tuner import HELD, PLAIN, STEPS, Pay, train_agent
from rlcompose.errors import RlcomposeError
from rlcompose.rl_tuner import TERM_NAMES, metrics, returns, terms
from rlcompose.rl_tuner.core import TunerEngine, pending_leaps
from rlcompose.rl_tuner.env import observation_space
from rlcompose.rl_tuner.network import LOOKBACKS, TokenFeatures, TokenHead
from rlcompose.rl_tuner.players import uniform
from rlcompose.rl_tuner.prior import Prior, fit_prior, load_prior, observed

algorithms = pytest.mark.parametrize("algorithm", list(ALGORITHMS))
SMALL: dict[str, dict[str, Any]] = {
    "ppo": {"num_envs": 32, "batch_size": 256},
    "maskable_ppo": {"num_envs": 32, "batch_size": 256},
    "dqn": {"num_envs": 32, "batch_size": 64, "buffer_size": 4096, "learning_starts": 128},
}


def walks(number: int, seed: int) -> NDArray[np.int64]:
    """Melodies that go up or down the scale by step, or hold."""
    rng = np.random.default_rng(seed)
    scale = np.array([2, 4, 6, 7, 9, 11, 13, 14, 16, 18, 19, 21, 23, 25, 26, 28])
    places = np.clip(7 + np.cumsum(rng.choice([-1, 1], (number, 32)), axis=1), 0, len(scale) - 1)
    melodies: NDArray[np.int64] = scale[places]
    melodies[:, 1::8] = 0
    return melodies


@pytest.fixture(scope="module")
def prior() -> Prior:
    return fit_prior(walks(400, 0), epochs=15, hidden=32)


# --- network ---


def test_the_head_points_at_what_was_played_bars_ago_and_at_the_extremes() -> None:
    melody = np.array([list(range(2, 34))])
    rows = torch.from_numpy(observed(melody, np.random.default_rng(0)).astype(np.int64))
    features = TokenFeatures(observation_space("int16"), 16)
    pointed = features(rows)[:, 16:].long().numpy()
    for place in (0, 7, 8, 15, 16, 24, 31):
        before = [melody[0, place - lag] if place >= lag else -1 for lag in LOOKBACKS]
        extremes = [place + 1, 2] if place else [-1, -1]
        assert pointed[place].tolist() == [*before, *extremes]
    head = TokenHead(16)
    plain = head(features(rows))
    with torch.no_grad():
        head.pointed.bias[0] = 5.0
    more = (head(features(rows)) - plain).detach().numpy()
    assert np.abs(more[:8]).max() == 0
    assert more[20].argmax() == melody[0, 12] and more[20].max() == pytest.approx(5.0, abs=1e-5)


def test_the_network_does_not_hear_the_prime_as_music() -> None:
    features = TokenFeatures(observation_space("int16"), 16)
    melody = np.array([[14] * 32])
    seen = observed(melody, np.random.default_rng(0))
    seen[8, 9] = 14  # the prime behind eight events
    assert seen[8, 0] == 8
    assert features(torch.from_numpy(seen.astype(np.int64)))[8, 16:].tolist() == [14, -1, -1, 14, 14]


def test_pending_leaps_are_those_of_the_rule() -> None:
    engine = TunerEngine(300)
    engine.reset(list(range(300)))
    tokens = uniform(300, 3)
    for place in range(32):
        engine.step(tokens[:, place])
        pending = pending_leaps(engine.state.obs)
        assert (pending[:, 0] == engine.state.now[:, 1]).all()
        waits = pending[:, 0] != 0
        assert (pending[waits, 1] == engine.state.now[waits, 2]).all() and (pending[~waits, 1] == -1).all()


# --- prior ---


def test_the_prior_learns(prior: Prior) -> None:
    real, noise = walks(200, 1), uniform(200, 1)
    assert prior.log_likelihood(real).mean() > -2.0
    assert prior.log_likelihood(noise).mean() < -4.0
    drawn = prior.compose(300, 0)
    assert metrics(drawn)["notes not in key"] < 0.1
    assert prior.log_likelihood(drawn).mean() == pytest.approx(prior.log_likelihood(real).mean(), abs=1.0)


def test_the_likelihood_is_that_of_the_log_probabilities(prior: Prior) -> None:
    melody = walks(1, 2)
    logs = prior.log_probs(observed(melody, np.random.default_rng([0, 0])))
    assert np.exp(logs).sum(axis=1) == pytest.approx(np.ones(32))
    by_hand = np.mean([logs[place, melody[0, place]] for place in range(32)])
    assert prior.log_likelihood(melody)[0] == pytest.approx(by_hand)


def test_the_same_seed_gives_the_same_prior_and_the_file_keeps_it(prior: Prior, tmp_path: Path) -> None:
    again = fit_prior(walks(400, 0), epochs=15, hidden=32)
    prior.save(tmp_path)
    seen = observed(walks(3, 3), np.random.default_rng(0))
    assert (again.log_probs(seen) == prior.log_probs(seen)).all()
    assert (load_prior(tmp_path).log_probs(seen) == prior.log_probs(seen)).all()


def test_a_folder_without_a_prior_is_told(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match="cannot read the prior"):
        load_prior(tmp_path)
    (tmp_path / "prior.json").write_text('{"layout_id": "other", "hidden": 4}')
    with pytest.raises(RlcomposeError, match="layout 'other'"):
        load_prior(tmp_path)


def test_nothing_to_learn_from_is_told() -> None:
    with pytest.raises(RlcomposeError, match="no melodies"):
        fit_prior(np.empty((0, 32), np.int64))


# --- pay ---


def paid(pay: Pay, melodies: NDArray[np.int64], convention: str = "compat") -> NDArray[np.float64]:
    env = PaidVecEnv(len(melodies), convention, pay, 0)
    env.reset()
    return np.array([env.step(melodies[:, place])[1] for place in range(32)]).T


def test_plain_pay_is_the_sum_of_the_terms_but_for_the_worst() -> None:
    melodies = walks(20, 5)
    expected = np.array([np.maximum(terms(melody, "compat"), -10.0).sum(axis=1) for melody in melodies])
    assert paid(PLAIN, melodies) == pytest.approx(expected, abs=1e-4)
    assert paid(PLAIN, np.zeros((1, 32), np.int64)).min() == -10.0


def test_what_a_term_brings_is_bounded_and_begins_anew_with_each_piece() -> None:
    bars = np.array([[14, 16, 18, 0, 16, 14, 18, 0] * 4])
    shares = terms(bars[0], "compat")[:, TERM_NAMES.index("repeated_motif")]
    only = {name: 0.0 for name in TERM_NAMES} | {"repeated_motif": 0.5}
    env = PaidVecEnv(1, "compat", Pay(weights=only, most={"repeated_motif": 10.0}), 0)
    env.reset()
    for _ in range(2):
        got = np.array([env.step(bars[:, place])[1][0] for place in range(32)])
        assert np.cumsum(got) == pytest.approx(0.5 * np.minimum(np.cumsum(shares), 10.0))


def test_the_late_tonic_weighs_less() -> None:
    only = {name: 0.0 for name in TERM_NAMES} | {"tonic": 2.0}
    melody = np.array([[14] * 28 + [14, 1, 1, 1]])
    got = paid(Pay(weights=only, late=0.1), melody)[0]
    assert (got[0], got[28], got[31]) == pytest.approx((6.0, 0.3, 0.3))


def test_unknown_names_are_told() -> None:
    with pytest.raises(RlcomposeError, match="tonic"):
        Pay(weights={"tonik": 1.0})
    with pytest.raises(RlcomposeError, match="ppo"):
        train_agent("pppo")
    with pytest.raises(RlcomposeError, match="anchor 0"):
        train_agent("ppo", anchor=0)


# --- agents ---


def test_every_algorithm_has_its_steps() -> None:
    assert list(ALGORITHMS) == list(STEPS)


@algorithms
def test_an_agent_starts_as_its_prior(algorithm: str, prior: Prior) -> None:
    agent = train_agent(algorithm, prior, steps=0, pay=HELD, **SMALL[algorithm])
    seen = observed(walks(20, 4), np.random.default_rng(0))
    assert agent.log_probs(seen) == pytest.approx(prior.log_probs(seen), abs=1e-5)


@algorithms
def test_the_same_seed_gives_the_same_agent(algorithm: str, prior: Prior) -> None:
    first, again, other = (
        train_agent(algorithm, prior, steps=3000, seed=seed, **SMALL[algorithm]) for seed in (1, 1, 2)
    )
    seen = observed(walks(20, 4), np.random.default_rng(0))
    assert (first.log_probs(seen) == again.log_probs(seen)).all()
    assert np.abs(first.log_probs(seen) - other.log_probs(seen)).max() > 1e-3
    assert (first.compose(5, 0) == again.compose(5, 0)).all()


@algorithms
def test_agents_learn_from_the_rules_alone(algorithm: str) -> None:
    told: list[tuple[int, float]] = []
    agent = train_agent(
        algorithm, convention="compat", steps=60_000, report=lambda *seen: told.append(seen), **SMALL[algorithm]
    )
    melodies = agent.compose(300, 0)
    assert returns(melodies, "compat").mean() > returns(uniform(300, 0), "compat").mean() + 20
    assert told[-1][1] > told[0][1] + 10
    assert told[-1][0] >= 60_000 - 2048


def test_an_agent_held_to_its_prior_keeps_its_music(prior: Prior) -> None:
    pay = Pay(weights={name: 0.0 for name in TERM_NAMES} | {"tonic": 3.0}, late=0.0)
    # The walks begin a step from middle C, so that the tonic is a token that the prior hardly knows there.
    agents = [
        train_agent("ppo", prior, convention="compat", pay=pay, steps=80_000, anchor=anchor, **SMALL["ppo"])
        for anchor in (1.0, 1000.0)
    ]
    started = [metrics(agent.compose(400, 0), "compat")["compositions starting with tonic"] for agent in agents]
    assert started[0] > started[1] + 0.3
    likely = [prior.log_likelihood(agent.compose(400, 0)).mean() for agent in agents]
    assert min(likely) > prior.log_likelihood(prior.compose(400, 0)).mean() - 0.5
