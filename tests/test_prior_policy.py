"""Agents that begin as the prior: equal to it at first, held to it, warmed up, saved and loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from rlcompose.agent import TrainingJob, TrainingResult, find_agent, play
from rlcompose.agents import _refine
from rlcompose.agents._ppo import FROM_PRIORS
from rlcompose.agents._prior_policy import PitchThenLength, PriorPolicy
from rlcompose.agents._rollout import STEER_DOWN, STEER_UP, Anchor, TimedRolloutBuffer
from rlcompose.brief import Brief, make_brief
from rlcompose.codec import action_space, decode, observation_space
from rlcompose.engine.core import Engine
from rlcompose.engine.layout import BLOCKS
from rlcompose.errors import RlcomposeError
from rlcompose.prior.adapter import AdaptedPrior
from rlcompose.prior.model import load_prior
from rlcompose.prior.players import PriorAgent
from rlcompose.reward import weigh_terms
from rlcompose.run import read_run
from rlcompose.style import load_style

JAZZ = load_style("jazz")
EIGHT_BARS = make_brief(JAZZ, {"bars": 8})
NOTHING = weigh_terms({"stepwise_motion": 0.0})
MakeRun = Callable[..., SimpleNamespace]


def policy_of(name: str = "ppo", rank: int = 4) -> Any:
    adapted = AdaptedPrior(load_prior("jazz"), rank)
    return FROM_PRIORS[name][1](observation_space("int16"), action_space(JAZZ), lambda _: 1e-3, adapted=adapted)


def seen_by_many(events: int = 30, pieces: int = 64) -> np.ndarray:
    engine = Engine(EIGHT_BARS, num_envs=pieces)
    engine.reset(range(pieces))
    player, draw = PriorAgent([(load_prior("jazz"), 1.0)], JAZZ), np.random.default_rng(0)
    for _ in range(events):
        engine.step(player.act(engine, draw.random(pieces)))
    return engine.state.obs[~engine.state.done].copy()


def trained(
    name: str, folder: Path, steps: int, terms: Any = NOTHING, brief: Brief = EIGHT_BARS, **settings: Any
) -> TrainingResult:
    train = find_agent(name).train
    assert train is not None
    settings = {"refine": 0, **settings}
    return train(TrainingJob(brief, terms, steps, 1, folder, lambda *told: None, settings, from_prior=True))


# --- at step 0 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ppo", "maskable_ppo"])
def test_the_policy_begins_as_the_prior(name: str) -> None:
    seen = seen_by_many()
    wanted = PriorAgent([(load_prior("jazz"), 1.0)], JAZZ).log_probs(seen)
    policy = policy_of(name)
    found = policy.action_logits(torch.from_numpy(seen.astype(np.float32))).detach().double().numpy()
    assert np.abs(np.exp(found) - np.exp(wanted)).max() < 1e-5


def test_two_steps_draw_what_one_would() -> None:
    features = policy_of().features_extractor(torch.from_numpy(seen_by_many()[:1].astype(np.float32)))
    adapted = AdaptedPrior(load_prior("jazz"), 4)
    joint = adapted.log_probs(features)[0].detach()
    choice = PitchThenLength(adapted, features.expand(len(joint), -1))
    torch.testing.assert_close(choice.log_prob(torch.arange(len(joint))), joint, atol=1e-4, rtol=1e-4)
    torch.manual_seed(0)
    drawn = PitchThenLength(adapted, features.expand(20_000, -1)).sample()
    shares = torch.bincount(drawn, minlength=len(joint)) / 20_000
    assert (shares - joint.exp()).abs().max() < 0.015
    assert int(choice.mode()[0]) == int(joint.argmax())


# --- the rollout ------------------------------------------------------------------------------------------------------


def buffer_with(rewards: np.ndarray, actions: np.ndarray, levels_notes: bool = False) -> Any:
    """A rollout of a policy that begins as the prior: two pieces in bars of 48 ticks, durations 12 and 24 ticks."""
    steps, envs = rewards.shape
    buffer = TimedRolloutBuffer(
        *(steps, observation_space("int16"), spaces.Discrete(4)),
        **{"n_envs": envs, "gamma": 1.0, "gae_lambda": 0.9, "durations": (12, 24)},
    )
    extractor = SimpleNamespace(features_dim=3, latest=np.zeros((envs, 3), np.float32))
    buffer.keep_features(extractor, levels_notes)
    buffer.reset()
    place = [column.name for column in BLOCKS["place"].columns]
    onsets = np.cumsum(np.array([12, 24])[actions % 2], axis=0) - np.array([12, 24])[actions % 2]
    buffer.observations[..., BLOCKS["place"].start + place.index("bar_ticks")] = 48
    buffer.observations[..., BLOCKS["place"].start + place.index("tick_in_bar")] = onsets % 48
    buffer.actions[..., 0] = actions
    buffer.rewards[:] = rewards
    return buffer


def test_what_a_bar_or_a_quarter_earns_for_its_own_sake_changes_no_advantage() -> None:
    draw = np.random.default_rng(0)
    actions, rewards = draw.integers(0, 4, (40, 2)), draw.normal(size=(40, 2)).astype(np.float32)
    plain = buffer_with(rewards, actions)
    ticks = np.array([12, 24])[actions % 2]
    ends = np.cumsum(ticks, axis=0)
    paid = rewards + 3.0 * (ends // 48 - (ends - ticks) // 48) - 0.7 * ticks / 12
    more = buffer_with(paid.astype(np.float32), actions)
    for buffer in (plain, more):
        buffer.compute_returns_and_advantage(torch.zeros(2, 1), np.zeros(2))
    np.testing.assert_allclose(more.advantages, plain.advantages, atol=1e-3)


@pytest.mark.parametrize("levels_notes", [False, True])
def test_what_a_note_earns_by_being_there_is_left_out_where_that_is_asked_for(levels_notes: bool) -> None:
    draw = np.random.default_rng(0)
    actions, rewards = draw.integers(0, 4, (40, 2)), draw.normal(size=(40, 2)).astype(np.float32)
    is_note = actions >= 2  # of four actions the first two are rests
    plain, more = (buffer_with(rewards + extra * is_note, actions, levels_notes) for extra in (0.0, 2.0))
    for buffer in (plain, more):
        buffer.compute_returns_and_advantage(torch.zeros(2, 1), np.zeros(2))
    assert np.allclose(more.advantages, plain.advantages, atol=1e-3) == levels_notes


def test_the_features_of_the_events_are_what_is_learned_from() -> None:
    buffer = buffer_with(np.zeros((2, 2), np.float32), np.zeros((2, 2), np.int64))
    for step in range(2):
        buffer._extractor.latest = np.full((2, 3), step + 1, np.float32)
        nothing = torch.zeros(2)
        observation = np.full((2, 278), 48, np.int16)
        buffer.add(observation, np.zeros((2, 1)), np.zeros(2), np.zeros(2), nothing, nothing)
    buffer.compute_returns_and_advantage(torch.zeros(2, 1), np.zeros(2))
    [batch] = buffer.get(4)
    assert batch.observations.shape == (4, 3) and sorted(batch.observations[:, 0].tolist()) == [1, 1, 2, 2]


def test_the_anchor_is_steered_to_its_target_or_falls() -> None:
    anchor = Anchor(policy_of(), 0.4, target=0.5)
    anchor.steer()
    assert anchor.weight == 0.4  # nothing is known yet
    for nats, factor in ((1.0, np.exp(STEER_UP)), (0.25, np.exp(-STEER_DOWN / 2)), (9.0, np.exp(STEER_UP))):
        before, anchor.nats = anchor.weight, nats
        anchor.steer()
        assert anchor.weight == pytest.approx(before * factor)
    falling = Anchor(policy_of(), 0.4, fall=0.5)
    falling.at(0.5)
    assert falling.weight == pytest.approx(0.3)


@pytest.mark.parametrize("name", ["ppo", "maskable_ppo"])
def test_the_critic_warms_up_alone(name: str, tmp_path: Path) -> None:
    terms = weigh_terms({"stepwise_motion": 1.0})
    agents: list[Any] = [
        trained(name, tmp_path / str(k), 2_048, terms, warm_up=100 * k, n_steps=32).agent for k in (1, 0)
    ]
    still, moved = (agent.network for agent in agents)
    assert all(not layer.up.any() for layer in still.adapted.adapters.values())
    assert all(layer.up.any() for layer in moved.adapted.adapters.values())
    begun = policy_of(name)
    assert not torch.equal(still.value_net.weight, begun.value_net.weight)


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / str(number)).mkdir()


# --- what it becomes --------------------------------------------------------------------------------------------------


def music(agent: Any, seeds: range = range(7_000, 7_160)) -> dict[str, float]:
    pieces = [decode(EIGHT_BARS, p.seed, p.actions) for p in play(agent, EIGHT_BARS, (), seeds)]
    away = np.concatenate([np.abs(np.diff([note.pitch for note in piece.notes])) for piece in pieces])
    notes = sum(len(piece.notes) for piece in pieces) / (8 * len(pieces))
    return {"notes": notes, "steps": float(np.mean((away > 0) & (away < 3)))}


@pytest.mark.slow
def test_a_strong_anchor_and_no_reward_leave_the_music_as_it_is(tmp_path: Path) -> None:
    agent = trained("ppo", tmp_path, 60_000, anchor=20.0, anchor_kl=0.0).agent
    begun, become = (music(each, range(7_000, 7_600)) for each in (find_agent("prior").made(), agent))
    for name, value in begun.items():
        assert become[name] == pytest.approx(value, rel=0.05), name


@pytest.mark.slow
def test_it_learns_what_is_paid_as_far_as_the_anchor_lets_it(tmp_path: Path) -> None:
    terms = weigh_terms({"stepwise_motion": 1.0})
    begun = music(find_agent("prior").made())["steps"]
    free, held = (
        music(trained("ppo", tmp_path / str(k), 120_000, terms, anchor=c, anchor_kl=0.0).agent)["steps"]
        for k, c in enumerate((0.01, 20.0))
    )
    assert free > begun + 0.1 and held < (begun + free) / 2, (begun, free, held)


def test_it_learns_from_its_most_natural_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[Any] = []
    monkeypatch.setattr(_refine, "_learn", lambda policy, features, actions, seed: learned.append((features, actions)))
    policy = policy_of()
    gained = _refine.refine(policy, EIGHT_BARS, (8, 12), 24, seed=0)
    assert gained > 0.05, "what is kept is more natural than what is played"
    monkeypatch.undo()
    [(features, actions)] = learned
    assert len(features) == len(actions) > 24 * 20 and features.shape[1] == policy.adapted.size
    seen, taken = torch.from_numpy(features), torch.from_numpy(actions)
    before = float(policy.choice(seen).log_prob(taken).mean().detach())
    _refine._learn(policy, features, actions, 0)
    assert float(policy.choice(seen).log_prob(taken).mean().detach()) > before + 0.005


# --- as a command -----------------------------------------------------------------------------------------------------


def test_a_run_from_the_prior_begins_with_its_piece_and_keeps_the_change_alone(prior_run: SimpleNamespace) -> None:
    config = json.loads((prior_run.folder / "config.json").read_text())
    assert config["from"] == "prior" and config["rewards"]["natural"] > 0 and config["rewards"]["in_style"] > 0
    assert json.loads(Path(prior_run.result["first_piece"]).read_text())["agent"] == "prior"
    model = prior_run.folder / "model"
    told = json.loads((model / "config.json").read_text())
    assert told["prior"] == "jazz" and told["rank"] == 8 and "hidden" not in told
    assert (model / "model.safetensors").stat().st_size < 600_000
    assert set(prior_run.result["mean_return"]) == {"random", "prior", "ppo"}
    agent = read_run(prior_run.folder).agent()
    again = play(agent, EIGHT_BARS, (), [3])
    assert again == play(read_run(prior_run.folder).agent(), EIGHT_BARS, (), [3])


def test_it_goes_on_from_a_run_from_the_prior(make_run: MakeRun, prior_run: SimpleNamespace, tmp_path: Path) -> None:
    more = ["--steps", "3000", "--reward", "stepwise_motion=1"]
    further = make_run(tmp_path, "--from", str(prior_run.folder), *more)
    assert json.loads((further.folder / "model" / "config.json").read_text())["prior"] == "jazz"
    before, trained = (
        json.loads(Path(piece).read_text())["actions"]
        for piece in (further.result["before_piece"], prior_run.result["trained_piece"])
    )
    assert isinstance(before, list) and isinstance(trained, list)


def test_a_change_of_another_prior_is_refused(prior_run: SimpleNamespace, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes((prior_run.folder / "model" / "model.safetensors").read_bytes())
    config = json.loads((prior_run.folder / "model" / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"prior_id": "0"}))
    load = find_agent("ppo").load
    assert load is not None
    with pytest.raises(RlcomposeError, match="changes the prior 'jazz' of another version"):
        load(model, EIGHT_BARS)


def test_what_has_no_prior_learns_from_scratch_and_says_so(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from rlcompose import train

    assert train.main(["--from", "prior", "--agent", "qrdqn", "--out", str(tmp_path / "a")]) == 2
    assert "leave out --from prior: the agent 'qrdqn' learns from scratch only" in capfd.readouterr().err
    assert train.main(["--device", "cuda", "--steps", "100", "--bars", "1", "--out", str(tmp_path / "b")]) == 2
    assert "there is no CUDA device here" in capfd.readouterr().err
    scratch = ["--from", "scratch", "--device", "cuda", "--steps", "100", "--bars", "1"]
    assert train.main([*scratch, "--out", str(tmp_path / "c")]) == 2
    assert "only ppo and maskable_ppo that begin as a prior learn on cuda" in capfd.readouterr().err


def test_the_policy_is_stable_baselines3s() -> None:
    from stable_baselines3.common.policies import ActorCriticPolicy

    policy = policy_of()
    assert isinstance(policy, ActorCriticPolicy) and isinstance(policy, PriorPolicy)
    seen = seen_by_many()[:5]
    actions, _ = policy.predict(seen)
    assert actions.shape == (5,)
