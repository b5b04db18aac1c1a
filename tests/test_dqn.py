"""DQN and QR-DQN: the memory, the player and the targets by hand, and trainings that learn only if they are let."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from rlcompose import load_style
from rlcompose.agent import TrainingJob, TrainingResult, find_agent, play
from rlcompose.agents import _boltzmann
from rlcompose.agents._boltzmann import draw, preferences
from rlcompose.agents._dqn import MusicDQN
from rlcompose.agents._qrdqn import MusicQRDQN, MusicQRDQNPolicy
from rlcompose.agents._replay import Batch, TimedReplayBuffer
from rlcompose.arguments import read_weight_file
from rlcompose.brief import make_brief
from rlcompose.codec import observation_space, perform
from rlcompose.errors import RlcomposeError
from rlcompose.reward import WeightedTerm, weigh_terms

JAZZ = load_style("jazz")
# Terms that pay at once, so that learning shows within seconds.
DENSE = read_weight_file(Path(__file__).parents[1] / "experiments" / "agent_score" / "rewards.toml", JAZZ)
TWO_BARS = make_brief(JAZZ, {"bars": 2})
TERMS = weigh_terms(DENSE)
TEST_SEEDS = list(range(10_000, 10_100))
BOTH = pytest.mark.parametrize("name", ["dqn", "qrdqn"])


# --- the memory ---


def memory(rows: int, n_steps: int, num_envs: int = 1) -> TimedReplayBuffer:
    """For four actions: rest or note, a quarter or a half each; gamma is 0.5 a quarter note."""
    return TimedReplayBuffer(
        *(rows * num_envs, spaces.Box(0, 1000, (1,), np.int16), spaces.Discrete(4)),
        **{"gamma": 0.5, "n_steps": n_steps, "durations": (12, 24), "seed": 0, "n_envs": num_envs},
        optimize_memory_usage=True,
    )


def remember(buffer: TimedReplayBuffer, event: int, action: int, reward: float, done: bool = False) -> None:
    """The event's number is what was observed, and in binary what was legal."""
    masks = np.array([[bool(event >> bit & 1) for bit in range(4)]])
    buffer.store(np.array([[event]]), masks, np.array([action]), np.array([reward], np.float32), np.array([done]))


def at(buffer: TimedReplayBuffer, row: int) -> tuple[float, ...]:
    """Of the event in a row: observation, action, summed rewards, discount, and what was observed behind."""
    batch = buffer.gather(np.array([row]), np.array([0]))
    parts = (batch.observations, batch.actions, batch.rewards, batch.discounts, batch.following)
    return tuple(float(part.item()) for part in parts)


def test_rewards_are_summed_and_discounted_by_musical_time() -> None:
    buffer = memory(10, n_steps=2)
    for event, (action, reward) in enumerate([(2, 1.0), (1, 2.0), (0, 4.0), (0, 8.0)]):
        remember(buffer, event, action, reward)
    # A quarter, then a half: 1 + 0.5 * 2, and what follows counts 0.5 * 0.5 ** 2.
    assert at(buffer, 0) == (0, 2, 2.0, 0.125, 2)
    # A half, then a quarter: 2 + 0.25 * 4, and what follows counts 0.25 * 0.5.
    assert at(buffer, 1) == (1, 1, 3.0, 0.125, 3)


def test_nothing_follows_the_end_of_a_piece() -> None:
    buffer = memory(10, n_steps=2)
    for event, done in enumerate([False, True, False, False]):
        remember(buffer, event, 0, 1.0, done)
    assert at(buffer, 0)[2:4] == (1.5, 0.0)
    assert at(buffer, 1)[2:4] == (1.0, 0.0)  # the next piece's reward is none of its own


def test_the_mask_is_that_of_the_state_behind() -> None:
    buffer = memory(10, n_steps=1)
    for event in (9, 5, 3):
        remember(buffer, event, 0, 0.0)
    masks = buffer.gather(np.array([0, 1]), np.array([0, 0])).masks
    assert masks.tolist() == [[True, False, True, False], [True, True, False, False]]  # 5 and 3 in binary


def test_a_full_memory_forgets_the_oldest_and_draws_only_what_has_a_future() -> None:
    buffer = memory(6, n_steps=2)
    ready = []
    for event in range(9):
        remember(buffer, event, 0, float(event))
        ready.append(buffer.num_ready)
    # Two events must follow; when the six rows are full, the oldest is being written over.
    assert ready == [0, 0, 1, 2, 3, 3, 3, 3, 3]
    batch = buffer.sample(300)
    drawn = batch.observations[:, 0]
    assert set(drawn.tolist()) == {4.0, 5.0, 6.0}
    torch.testing.assert_close(batch.following[:, 0], drawn + 2)
    torch.testing.assert_close(batch.rewards[:, 0], drawn + 0.5 * (drawn + 1))


def test_pieces_side_by_side_are_kept_apart() -> None:
    buffer = memory(8, n_steps=1, num_envs=2)
    for event in range(8):
        seen = np.array([[event], [100 + event]])
        buffer.store(seen, np.ones((2, 4), bool), np.array([0, 1]), np.zeros(2, np.float32), np.zeros(2, bool))
    batch = buffer.sample(300)
    torch.testing.assert_close(batch.following, batch.observations + 1)
    assert batch.actions.equal((batch.observations >= 100).long())


def test_the_spread_is_that_of_what_is_stored() -> None:
    buffer = memory(10, n_steps=1)
    for reward in (1.0, 5.0):
        remember(buffer, 0, 0, reward)
    assert buffer.reward_spread() == 2.0  # both are 2 away from their mean, 3


def test_a_memory_too_small_for_its_pieces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match=r"buffer_size allows 7 events for each of 128 pieces: at least 10 are"):
        trained("dqn", tmp_path, 100_000, buffer_size=1000, n_steps=8)


# --- the player and the targets ---


def network(values: list[list[float]], temperature: float) -> Any:
    """Gives the values in row i for the observation i."""
    table = torch.tensor(values)
    return SimpleNamespace(
        values=lambda seen: table[seen[:, 0].long()], head=SimpleNamespace(temperature=torch.tensor(temperature))
    )


def test_an_action_is_drawn_in_proportion_to_the_exponential_of_its_value() -> None:
    # A tenth less at temperature 0.1 / ln 3 is three times less likely; the best of all is not legal.
    player = network([[1.0, 0.9, 5.0]], 0.1 / math.log(3))
    logits = preferences(player, torch.zeros(20_000, 1), torch.tensor([True, True, False]))
    counts = torch.bincount(draw(logits)[:, 0], minlength=3)
    assert counts[2] == 0
    assert abs(counts[0] / 20_000 - 0.75) < 4 * math.sqrt(0.75 * 0.25 / 20_000)


def test_values_that_exploded_still_choose_what_is_legal() -> None:
    logits = preferences(
        network([[math.nan, 1.0], [math.inf, 1.0]], 1.0),
        torch.tensor([[0.0], [1.0]]),
        torch.tensor([[False, True], [False, True]]),
    )
    assert draw(logits).tolist() == [[1], [1]]


def test_the_target_is_what_the_player_does_next_and_what_the_target_network_thinks_of_it() -> None:
    # Observation 1 follows 0. The player takes action 0 three times as often as 1, and never 2, which is not legal:
    # 0.75 * 2 + 0.25 * 6 = 3; wanted is 1 + 0.5 * 3 = 2.5 for action 1, which the learner values 2.
    learner = network([[0.0, 2.0, 0.0], [math.log(3), 0.0, 9.0]], 1.0)
    target = network([[0.0, 0.0, 0.0], [2.0, 6.0, 100.0]], 1.0)
    batch = Batch(
        torch.tensor([[0.0]]),
        torch.tensor([[1]]),
        torch.tensor([[1.0]]),
        torch.tensor([[1.0]]),
        torch.tensor([[True, True, False]]),
        torch.tensor([[0.5]]),
    )
    pair: Any = SimpleNamespace(learner=learner, target=target)
    loss, errors = MusicDQN.loss(pair, batch)
    assert errors.item() == pytest.approx(-0.5)
    assert loss.item() == pytest.approx(0.5 * 0.5**2)  # Huber's loss is half the square up to 1
    _, errors = MusicDQN.loss(pair, batch._replace(discounts=torch.tensor([[0.0]])))
    assert errors.item() == pytest.approx(1.0)


def test_the_quantile_loss_is_the_papers() -> None:
    # Two quantiles, at 1/4 and 3/4: now 0 and 2, wanted 1 + 0.5 * (1, 3) = 1.5 and 2.5. By Dabney et al. 2018, eq. 10,
    # with Huber's loss: from 0: 0.25 * (1 + 2); from 2: 0.25 * 0.125 + 0.75 * 0.125; their sum, over two targets.
    learner = network([[0.0, 0.0], [0.0, 0.0]], 1.0)
    learner.quantiles = lambda seen, actions: torch.tensor([[0.0, 2.0]])
    target = SimpleNamespace(
        quantiles=lambda seen, actions: torch.where(actions == 1, torch.tensor([[1.0, 3.0]]), 99.0)
    )
    batch = Batch(
        torch.tensor([[0.0]]),
        torch.tensor([[0]]),
        torch.tensor([[1.0]]),
        torch.tensor([[1.0]]),
        torch.tensor([[False, True]]),
        torch.tensor([[0.5]]),
    )
    pair: Any = SimpleNamespace(learner=learner, target=target)
    loss, errors = MusicQRDQN.loss(pair, batch)
    assert loss.item() == pytest.approx((0.25 * 3 + 0.125) / 2)
    assert errors.item() == pytest.approx(1.0 - 2.0)


def test_the_mean_of_the_quantiles_is_the_value() -> None:
    torch.manual_seed(0)
    space = observation_space("int16")
    head = {"lengths": (6, 12, 24), "pulse": 6, "temperature": 0.1}
    made = MusicQRDQNPolicy(space, spaces.Discrete(44 * 3), lambda _: 0.0, head=head, hidden=16, n_quantiles=5)
    seen = torch.zeros(4, 278)
    seen[:, 200] = torch.arange(4)
    with torch.no_grad():
        every = made.learner(seen)
    assert every.shape == (4, 5, 132)
    assert float(every.std(dim=1).min()) > 0
    assert_close = torch.testing.assert_close
    assert_close(every.mean(dim=1), made.learner.values(seen).detach())
    actions = torch.tensor([[0], [17], [64], [131]])
    assert_close(made.learner.quantiles(seen, actions).detach(), every[torch.arange(4), :, actions[:, 0]])


# --- training ---


def trained(
    name: str, folder: Path, steps: int, seed: int = 1, scale: float = 1.0, **settings: float
) -> TrainingResult:
    train = find_agent(name).train
    assert train is not None
    terms = tuple(WeightedTerm(paid.term, scale * paid.weight) for paid in TERMS)
    folder.mkdir(exist_ok=True)
    small = {"batch_size": 64, "hidden": 32}
    return train(
        TrainingJob(TWO_BARS, terms, steps, seed, folder, lambda *told: None, small | settings, lambda told: None)
    )


def weights(result: TrainingResult) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = result.agent.network.state_dict()  # type: ignore[attr-defined]
    return state


def returns(agent: Any) -> np.ndarray:
    return np.array([played.total for played in play(agent, TWO_BARS, TERMS, TEST_SEEDS)])


@BOTH
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(name: str, tmp_path: Path) -> None:
    first, again, other = (trained(name, tmp_path / str(i), 500, seed) for i, seed in enumerate((1, 1, 2)))
    for key, value in weights(first).items():
        assert value.equal(weights(again)[key]), key
    assert not all(value.equal(weights(other)[key]) for key, value in weights(first).items())


def test_rewards_twice_as_large_change_nothing(tmp_path: Path) -> None:
    once, twice = (trained("dqn", tmp_path / str(scale), 500, scale=scale) for scale in (1.0, 2.0))
    for key, value in weights(once).items():
        assert value.equal(weights(twice)[key]), key


@BOTH
def test_a_saved_model_plays_what_it_played_and_only_what_is_legal(name: str, tmp_path: Path) -> None:
    result = trained(name, tmp_path, 500, n_steps=3, temperature=0.5)
    load = find_agent(name).load
    assert load is not None
    loaded = load(tmp_path / "model", TWO_BARS)
    pieces = play(loaded, TWO_BARS, TERMS, TEST_SEEDS[:20])
    assert pieces == play(result.agent, TWO_BARS, TERMS, TEST_SEEDS[:20])
    for piece in pieces:
        assert not perform(TWO_BARS, piece.seed, piece.actions, TERMS).account[:, -1].any()
    with pytest.raises(RlcomposeError, match="was made for agent"):
        find_agent("ppo").load(tmp_path / "model", TWO_BARS)  # type: ignore[misc]


def test_every_report_is_logged_and_nothing_illegal_is_played(tmp_path: Path) -> None:
    result = trained("dqn", tmp_path, 34_000)
    assert 34_000 <= result.steps < 34_000 + 128  # the budget counts the events of all pieces
    with (tmp_path / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 3 and all(float(row["health/illegal_share"]) == 0 for row in rows)
    assert [int(row["time/total_timesteps"]) for row in rows] == sorted(
        int(row["time/total_timesteps"]) for row in rows
    )
    assert all(math.isfinite(float(row["train/value_loss"])) for row in rows)
    assert result.health == ()


@BOTH
def test_a_collapse_is_named(name: str, tmp_path: Path) -> None:
    result = trained(name, tmp_path, 3_000, learning_rate=1.0)
    assert {finding.name for finding in result.health} & {"collapse", "exploding value", "NaN"}


def test_a_short_budget_still_gets_many_updates(tmp_path: Path) -> None:
    # 16 pieces at least, so 38 steps of them, an update after each but the first few.
    trained("dqn", tmp_path, 600)
    with (tmp_path / "metrics.csv").open() as file:
        assert 30 <= int(list(csv.DictReader(file))[-1]["train/n_updates"]) <= 38


@BOTH
def test_a_budget_of_one_event_trains_nothing_and_plays(name: str, tmp_path: Path) -> None:
    assert len(play(trained(name, tmp_path, 1).agent, TWO_BARS, TERMS, [1])) == 1


@BOTH
def test_it_learns_and_only_if_it_is_let(name: str, tmp_path: Path) -> None:
    still = returns(trained(name, tmp_path / "off", 1_000, learning_rate=0.0).agent)
    learned = returns(trained(name, tmp_path / "on", 5_000).agent)
    # Paired by seed: the mean gain is far beyond its standard error.
    for floor in (still, returns(find_agent("random").made())):
        gain = learned - floor
        assert gain.mean() > 5 * gain.std() / np.sqrt(len(gain)), (learned.mean(), floor.mean())


@BOTH
def test_learner_and_target_begin_with_the_weights_of_the_start(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = weights(trained(name, tmp_path / "first", 500, temperature=0.2))
    begun: list[Any] = []
    monkeypatch.setattr(_boltzmann, "train_model", lambda job, model, *_: begun.append(model))
    for temperature in ({}, {"temperature": 0.3}):
        learn = find_agent(name).train
        assert learn is not None
        settings = {"hidden": 32, **temperature}
        told = (lambda *_: None), settings, (lambda _: None)
        learn(TrainingJob(TWO_BARS, TERMS, 500, 2, tmp_path, *told, start=tmp_path / "first" / "model"))
        [model] = begun
        for network in (model.learner, model.target):
            assert float(network.head.temperature) == pytest.approx(temperature.get("temperature", 0.2))
            for key, value in network.state_dict().items():
                assert value.equal(start[key]) or key.endswith("temperature"), key
        begun.clear()
