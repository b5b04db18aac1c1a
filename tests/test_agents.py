"""The built-in agents: legal, reproducible, and PPO learns only if it is let."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gymnasium import spaces

from rlcompose import load_style
from rlcompose.agent import TrainingJob, TrainingResult, find_agent, play
from rlcompose.agents._rollout import TimedRolloutBuffer
from rlcompose.brief import Brief, make_brief
from rlcompose.codec import perform
from rlcompose.errors import RlcomposeError
from rlcompose.reward import weigh_terms
from rlcompose.run import read_run
from rlcompose.style import style_from_dict

JAZZ = load_style("jazz")
TERMS = weigh_terms(JAZZ.rewards)
TWO_BARS = make_brief(JAZZ, {"bars": 2})
TEST_SEEDS = list(range(10_000, 10_200))


def made(name: str) -> object:
    make = find_agent(name).make
    assert make is not None
    return make()


def returns(agent: object, brief: Brief = TWO_BARS) -> np.ndarray:
    return np.array([played.total for played in play(agent, brief, TERMS, TEST_SEEDS)])  # type: ignore[arg-type]


@pytest.mark.parametrize("style", ["jazz", "fiddle"])
@pytest.mark.parametrize("name", ["random", "greedy"])
def test_pieces_are_legal_and_a_function_of_their_seed(name: str, style: str) -> None:
    brief = make_brief(style, {"bars": 4})
    terms = weigh_terms(brief.style.rewards)
    pieces = play(made(name), brief, terms, [1, 2, 3])  # type: ignore[arg-type]
    assert pieces == play(made(name), brief, terms, [1, 2, 3])  # type: ignore[arg-type]
    assert pieces[2] == play(made(name), brief, terms, [3])[0]  # type: ignore[arg-type]  # whoever plays beside it
    for piece in pieces:
        performance = perform(brief, piece.seed, piece.actions, terms)
        assert not performance.account[:, -1].any()
        assert piece.total == pytest.approx(performance.rewards.sum())


def test_greedy_takes_the_best_paid_action() -> None:
    # With nothing paid but stepwise motion, all that counts is a step a pulse: 8 eighths or longer notes a bar.
    terms = weigh_terms({}, {"stepwise_motion": 1.0})
    [piece] = play(made("greedy"), make_brief(JAZZ, {"bars": 1}), terms, [0])  # type: ignore[arg-type]
    performance = perform(make_brief(JAZZ, {"bars": 1}), 0, piece.actions, terms)
    assert (performance.rewards[1:] >= 0).all() and performance.rewards[1:].max(initial=0) in (0.0, 1.0)


def test_greedy_is_paid_better_than_random() -> None:
    assert returns(made("greedy")).mean() > returns(made("random")).mean() + 5


# --- the rollout buffer ---


def test_advantages_are_discounted_by_musical_time() -> None:
    # Quarter, half, quarter; gamma 0.5 a quarter note, lambda 0.5; a piece ends with the second event. By hand:
    #   A2 = 3 + 0.5 * 2 - 1.5 = 2.5           the value behind it is 2
    #   A1 = 2 - 1 = 1                         nothing follows
    #   A0 = (1 + 0.5 * 1 - 0.5) + 0.5 * 0.5 * A1 = 1.25
    buffer = TimedRolloutBuffer(
        3, spaces.Box(0, 1, (1,)), spaces.Discrete(4), gamma=0.5, gae_lambda=0.5, durations=(12, 24)
    )
    buffer.rewards[:, 0] = [1.0, 2.0, 3.0]
    buffer.values[:, 0] = [0.5, 1.0, 1.5]
    buffer.actions[:, 0, 0] = [2, 1, 0]
    buffer.episode_starts[:, 0] = [1.0, 0.0, 1.0]
    buffer.compute_returns_and_advantage(torch.tensor([[2.0]]), np.array([False]))
    np.testing.assert_allclose(buffer.advantages[:, 0], [1.25, 1.0, 2.5])
    np.testing.assert_allclose(buffer.returns[:, 0], [1.75, 2.0, 4.0])


def test_a_longer_event_is_followed_by_a_further_future() -> None:
    # The same with a half note first: the value behind it counts 0.5 ** 2.
    buffer = TimedRolloutBuffer(
        1, spaces.Box(0, 1, (1,)), spaces.Discrete(4), gamma=0.5, gae_lambda=0.5, durations=(12, 24)
    )
    buffer.actions[:, 0, 0] = [3]
    buffer.compute_returns_and_advantage(torch.tensor([[2.0]]), np.array([False]))
    np.testing.assert_allclose(buffer.advantages[:, 0], [0.5])
    buffer.compute_returns_and_advantage(torch.tensor([[2.0]]), np.array([True]))
    np.testing.assert_allclose(buffer.advantages[:, 0], [0.0])


# --- PPO ---


def trained(folder: Path, steps: int, **settings: float) -> TrainingResult:
    train = find_agent("ppo").train
    assert train is not None
    return train(TrainingJob(TWO_BARS, TERMS, steps, 1, folder, lambda steps, mean, best: None, dict(settings)))


@pytest.mark.slow
def test_ppo_learns_and_only_if_it_is_let(tmp_path: Path) -> None:
    (tmp_path / "off").mkdir()
    (tmp_path / "on").mkdir()
    untrained = returns(trained(tmp_path / "off", 2_000, learning_rate=0.0).agent)
    still = returns(trained(tmp_path / "off", 20_000, learning_rate=0.0).agent)
    learned = returns(trained(tmp_path / "on", 40_000).agent)
    np.testing.assert_array_equal(still, untrained)
    # Paired by seed: the mean gain is far beyond its standard error.
    for floor in (untrained, returns(made("random"))):
        gain = learned - floor
        assert gain.mean() > 5 * gain.std() / np.sqrt(len(gain)), (learned.mean(), floor.mean())
    assert learned.mean() > untrained.mean() + 2


def test_a_saved_model_plays_what_it_played(trained_run: SimpleNamespace) -> None:
    run = read_run(trained_run.folder)
    document = json.loads(Path(trained_run.result["trained_piece"]).read_text())
    [again] = play(run.agent(), run.brief, run.terms(), [document["seed"]])
    assert list(again.actions) == document["actions"]
    assert again.total == pytest.approx(trained_run.result["trained_return"])


def test_ppo_plays_only_what_is_legal(trained_run: SimpleNamespace) -> None:
    run = read_run(trained_run.folder)
    for piece in play(run.agent(), run.brief, run.terms(), list(range(20))):
        assert not perform(run.brief, piece.seed, piece.actions, run.terms()).account[:, -1].any()


def foreign(trained_run: SimpleNamespace, folder: Path, **changes: object) -> Path:
    """A copy of the model whose `config.json` has other values."""
    model = folder / "model"
    shutil.copytree(trained_run.folder / "model", model)
    config = json.loads((model / "config.json").read_text()) | changes
    (model / "config.json").write_text(json.dumps(config))
    return model


def refusal(model: Path, brief: Brief = TWO_BARS) -> str:
    load = find_agent("ppo").load
    assert load is not None
    with pytest.raises(RlcomposeError) as error:
        load(model, brief)
    return str(error.value)


def test_a_model_for_another_layout_is_refused_by_name(trained_run: SimpleNamespace, tmp_path: Path) -> None:
    model = foreign(trained_run, tmp_path, layout_id="compose-v0-00000000")
    assert "was made for layout_id 'compose-v0-00000000', here it is 'compose-v0-" in refusal(model)


def test_a_model_for_another_environment_is_refused_by_name(trained_run: SimpleNamespace, tmp_path: Path) -> None:
    model = foreign(trained_run, tmp_path, environment="rlcompose/Compose-v9")
    assert "was made for environment 'rlcompose/Compose-v9'" in refusal(model)


def test_a_model_for_other_durations_is_refused_by_name(trained_run: SimpleNamespace) -> None:
    style = style_from_dict(JAZZ.to_dict() | {"durations": {"eighth": 6, "quarter": 12}})
    told = refusal(trained_run.folder / "model", make_brief(style))
    assert "was made for durations [2, 3, 4, 6," in told and "here it is [6, 12]" in told


def test_damaged_weights_are_refused_by_name(trained_run: SimpleNamespace, tmp_path: Path) -> None:
    model = foreign(trained_run, tmp_path)
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "model.safetensors" in refusal(model) or "cannot read the model" in refusal(model)
    weights.write_bytes(b"la la la")
    assert str(model) in refusal(model)
    weights.unlink()
    assert "cannot read the model" in refusal(model)


def test_weights_of_another_width_are_refused(trained_run: SimpleNamespace, tmp_path: Path) -> None:
    assert "do not fit the network" in refusal(foreign(trained_run, tmp_path, hidden=64))


def test_a_configuration_that_is_no_json_is_refused(trained_run: SimpleNamespace, tmp_path: Path) -> None:
    model = foreign(trained_run, tmp_path)
    (model / "config.json").write_text("{")
    assert "cannot read the model" in refusal(model)
