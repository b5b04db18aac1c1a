"""The built-in agents: legal, reproducible, and PPO with masks and without learns only if it is let."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from rlcompose import load_style, train
from rlcompose.agent import TrainingJob, TrainingResult, find_agent, play
from rlcompose.agents import _ppo
from rlcompose.agents._policy import HEAD_COLUMNS, Choice, EventHead
from rlcompose.agents._ppo import _equal_batches
from rlcompose.agents._rollout import MaskableTimedRolloutBuffer, TimedRolloutBuffer
from rlcompose.agents._training import EVALUATION_PIECES, FIRST_EVALUATION_SEED
from rlcompose.arguments import read_weight_file
from rlcompose.brief import Brief, make_brief
from rlcompose.codec import observation_space, perform
from rlcompose.engine.core import Engine
from rlcompose.engine.layout import BLOCKS
from rlcompose.errors import RlcomposeError
from rlcompose.reward import WeightedTerm, weigh_terms
from rlcompose.run import read_run
from rlcompose.sampling import SamplingAgent
from rlcompose.style import style_from_dict

JAZZ = load_style("jazz")
# Terms that pay at once, so that learning shows within seconds.
DENSE = read_weight_file(Path(__file__).parents[1] / "experiments" / "agent_score" / "rewards.toml", JAZZ)
TERMS = weigh_terms(DENSE)
TWO_BARS = make_brief(JAZZ, {"bars": 2})
TEST_SEEDS = list(range(10_000, 10_200))


def made(name: str) -> object:
    return find_agent(name).made()


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


def test_masks_come_out_of_the_buffer_with_their_events() -> None:
    buffer = MaskableTimedRolloutBuffer(2, spaces.Box(0, 1, (1,)), spaces.Discrete(4), n_envs=2, durations=(12, 24))
    masks = np.array([[[1, 0, 0, 0], [0, 1, 0, 0]], [[0, 0, 1, 0], [0, 0, 0, 1]]], np.bool_)
    values = torch.zeros(2)
    for step in range(2):
        chosen = masks[step].argmax(axis=1)[:, None]
        buffer.add(np.zeros((2, 1)), chosen, np.ones(2), np.zeros(2), values, values, action_masks=masks[step])
    buffer.compute_returns_and_advantage(values, np.array([False, False]))
    [batch] = buffer.get()
    assert sorted(batch.actions.flatten().tolist()) == [0, 1, 2, 3]
    np.testing.assert_array_equal(batch.action_masks.argmax(dim=1), batch.actions.flatten())


# --- the distribution ---


def test_choice_is_torchs_categorical_over_what_is_legal() -> None:
    logits = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    legal = torch.rand(5, 8, generator=torch.Generator().manual_seed(1)) < 0.6
    legal[:, 0] = True
    for masks in (None, legal, legal.numpy()):
        choice = Choice(8).proba_distribution(logits)
        choice.apply_masking(masks)
        allowed = torch.ones_like(legal) if masks is None else legal
        # One row at a time over the legal columns alone, so that nothing of the masking is shared.
        for row in range(5):
            columns = torch.nonzero(allowed[row]).flatten()
            reference = torch.distributions.Categorical(logits=logits[row, columns])
            of_row = [choice.log_prob(column.expand(5))[row] for column in columns]
            torch.testing.assert_close(torch.stack(of_row), reference.logits)
            torch.testing.assert_close(choice.entropy()[row], -(reference.probs * reference.logits).sum())
            assert choice.mode()[row] == columns[reference.probs.argmax()]
        drawn = torch.stack([choice.sample() for _ in range(200)])
        assert allowed.gather(1, drawn.T).all()


def test_gradients_of_a_masked_choice_are_finite_and_leave_the_illegal_alone() -> None:
    logits = torch.zeros(1, 3, requires_grad=True)
    choice = Choice(3).proba_distribution(logits)
    choice.apply_masking(np.array([[True, True, False]]))
    (choice.log_prob(torch.tensor([0])) + choice.entropy()).sum().backward()
    assert logits.grad is not None
    # d log p0 / d logits = (1 - 1/2, -1/2); the entropy of an equal choice has no slope.
    torch.testing.assert_close(logits.grad, torch.tensor([[0.5, -0.5, 0.0]]))


# --- what SB3's agents share ---


def sampler(*logits: float) -> SamplingAgent:
    row = torch.tensor(logits)
    return SamplingAgent("mine", torch.nn.Identity(), lambda observations: row.expand(len(observations), -1))


def test_sampling_is_in_proportion_to_the_legal_probabilities() -> None:
    engine: Any = SimpleNamespace(
        state=SimpleNamespace(obs=np.zeros((4, 278), np.int16), mask=np.tile([True, False, True], (4, 1)))
    )
    agent = sampler(math.log(1.0), math.log(100.0), math.log(3.0))  # legal: 1/4 and 3/4
    uniforms = np.array([0.0, 0.249, 0.251, 0.999])
    assert agent.act(engine, uniforms).tolist() == [0, 0, 2, 2]
    agent.temperature = 0.5  # squares: 1/10 and 9/10
    assert agent.act(engine, uniforms).tolist() == [0, 2, 2, 2]
    agent.temperature = 1e-9
    assert agent.act(engine, uniforms).tolist() == [2, 2, 2, 2]


def trained(
    name: str,
    folder: Path,
    steps: int,
    seed: int = 1,
    *,
    brief: Brief = TWO_BARS,
    terms: Sequence[WeightedTerm] = TERMS,
    **settings: float,
) -> TrainingResult:
    train = find_agent(name).train
    assert train is not None
    folder.mkdir(exist_ok=True)
    progress, warn = (lambda *told: None), (lambda told: None)
    return train(TrainingJob(brief, tuple(terms), steps, seed, folder, progress, dict(settings), warn))


def column(folder: Path, name: str) -> list[float]:
    """The numbers of a column of the metrics, empty cells left out."""
    with (folder / "metrics.csv").open() as file:
        return [float(row[name]) for row in csv.DictReader(file) if row[name]]


def test_the_best_by_evaluation_is_kept_whatever_comes_after(tmp_path: Path) -> None:
    result = trained("ppo", tmp_path, 8_000, learning_rate=0.1)
    evaluations = column(tmp_path, "eval/return")
    assert len(evaluations) > 2 and min(evaluations) < max(evaluations) - 1
    assert result.best_return == max(evaluations)
    first = FIRST_EVALUATION_SEED + EVALUATION_PIECES  # of training seed 1
    seeds = range(first, first + EVALUATION_PIECES)
    again = [piece.total for piece in play(result.agent, TWO_BARS, TERMS, seeds)]
    assert np.mean(again) == pytest.approx(result.best_return)


def test_a_weight_follows_its_schedule_from_rollout_to_rollout(tmp_path: Path) -> None:
    terms = weigh_terms(DENSE, {"motif": [(0.0, 0.0), (0.5, 2.0)]})
    trained("ppo", tmp_path, 4096, terms=terms)
    # Four rollouts of 16 pieces and 64 events; they begin at 0, a quarter, a half and three quarters of the budget.
    assert column(tmp_path, "weights/motif") == [0.0, 1.0, 2.0, 2.0]


def test_a_weight_of_dqn_follows_its_schedule_from_event_to_event(tmp_path: Path) -> None:
    trained("dqn", tmp_path, 640, terms=weigh_terms(DENSE, {"motif": [(0.0, 0.0), (1.0, 2.0)]}))
    # The last of 40 events of 16 pieces.
    assert column(tmp_path, "weights/motif")[-1] == pytest.approx(2.0 * 39 / 40)


@pytest.mark.parametrize("name", ["ppo", "dqn"])
def test_pieces_are_paid_by_the_schedule_and_judged_by_its_end(name: str, tmp_path: Path) -> None:
    terms = weigh_terms({"stepwise_motion": 1.0}, {"comfortable_range": [(0.0, 0.0), (1.0, 0.0), (1.0, -9.0)]})
    assert [weighted.weight for weighted in terms] == [-9.0, 1.0]
    result = trained(name, tmp_path, 2048, terms=terms)
    assert not any(column(tmp_path, "terms/comfortable_range")) and any(column(tmp_path, "terms/stepwise_motion"))
    first = FIRST_EVALUATION_SEED + EVALUATION_PIECES
    judged = play(result.agent, TWO_BARS, terms, range(first, first + EVALUATION_PIECES))
    assert result.best_return == pytest.approx(np.mean([piece.total for piece in judged]))
    paid_so = play(result.agent, TWO_BARS, weigh_terms({"stepwise_motion": 1.0}), range(first, first + 32))
    assert result.best_return != pytest.approx(np.mean([piece.total for piece in paid_so]))


def test_evaluations_are_few_where_pieces_are_long(tmp_path: Path) -> None:
    # 32 pieces of 32 bars have some 5,000 events: more than once at each end of 8,000 steps would be most of the work.
    trained("ppo", tmp_path, 8_000, brief=make_brief(JAZZ))
    assert len(column(tmp_path, "eval/return")) == 2


def test_evaluation_never_meets_the_seeds_of_training_or_of_the_comparison() -> None:
    largest = 2**32 - 1  # of the training seeds
    assert FIRST_EVALUATION_SEED > 1_000_003 * largest + 4096
    assert FIRST_EVALUATION_SEED > train.FIRST_SEED_OFFSET + largest + train.NUM_COMPARED
    assert FIRST_EVALUATION_SEED + EVALUATION_PIECES * (largest + 1) < 2**63


@pytest.mark.parametrize("name", ["ppo", "maskable_ppo"])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(name: str, tmp_path: Path) -> None:
    runs = [tmp_path / folder for folder in ("one", "again", "other")]
    for folder, seed in zip(runs, (1, 1, 2), strict=True):
        trained(name, folder, 2_000, seed)
    one, again, other = ((folder / "model" / "model.safetensors").read_bytes() for folder in runs)
    assert one == again != other


@pytest.mark.parametrize("name", ["ppo", "maskable_ppo"])
def test_a_collapse_is_named_with_what_to_do_and_the_best_is_kept(name: str, tmp_path: Path) -> None:
    result = trained(name, tmp_path, 8_000, learning_rate=1.0)
    findings = {finding.name: finding for finding in result.health}
    assert findings["collapse"].step < 20_000 and "--set learning_rate=0.001" in findings["collapse"].advice
    assert "policy changed too fast" in findings and not result.failed
    untrained = column(tmp_path, "eval/return")[0]
    assert result.best_return >= untrained
    written = [json.loads(line) for line in (tmp_path / "health.jsonl").read_text().splitlines()]
    assert written == [finding.to_dict() for finding in result.health]


@pytest.mark.parametrize(("lengths", "pulse"), [((3, 6, 12), 6), ((48,), 6), ((1, 2), 12)])
def test_an_untrained_player_prefers_no_rest_whatever_the_pulse(lengths: tuple[int, ...], pulse: int) -> None:
    head = EventHead(8 + HEAD_COLUMNS, lengths, pulse)
    logits = head(torch.zeros(1, 8 + HEAD_COLUMNS)).detach().view(44, len(lengths))
    # In the length that is nearest to the pulse each of the 43 pitches is as likely as the rest.
    assert logits.amax(dim=1).tolist() == [0.0] * 44


@pytest.mark.parametrize("name", ["ppo", "maskable_ppo"])
def test_a_healthy_training_has_no_findings(name: str, tmp_path: Path) -> None:
    assert trained(name, tmp_path, 8_000).health == ()
    assert not (tmp_path / "health.jsonl").exists()


@pytest.mark.parametrize(
    ("rollout", "largest", "size"),
    [
        (16_384, 2048, 2048),
        (1024, 2048, 1024),  # a short rollout is one batch
        (6400, 2048, 1600),  # four equal ones, not three and a rest of 256
        (1024, 1023, 512),
        (16_385, 16, 15),  # 16 would leave a single event: 16,385 = 1,092 x 15 + 5
        (33, 16, 11),
    ],
)
def test_a_rollout_is_cut_into_equal_batches(rollout: int, largest: int, size: int) -> None:
    assert _equal_batches(rollout, largest) == size


@pytest.mark.parametrize("name", ["ppo", "maskable_ppo"])
def test_odd_numbers_of_pieces_and_events_are_learned_from(name: str, tmp_path: Path) -> None:
    result = trained(name, tmp_path, 500, num_envs=3, n_steps=43, batch_size=16)
    assert result.steps == 516 and not result.failed  # 4 rollouts of 129 events


def test_masked_training_never_plays_what_is_illegal(tmp_path: Path) -> None:
    for name, some in (("ppo", True), ("maskable_ppo", False)):
        trained(name, tmp_path / name, 4_000)
        assert any(column(tmp_path / name, "health/illegal_share")) is some
        assert any(column(tmp_path / name, "terms/illegal")) is some


# --- learning ---


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ppo", "maskable_ppo"])
def test_ppo_learns_and_only_if_it_is_let(name: str, tmp_path: Path) -> None:
    untrained = returns(trained(name, tmp_path / "off", 2_000, learning_rate=0.0).agent)
    still = returns(trained(name, tmp_path / "off", 20_000, learning_rate=0.0).agent)
    learned = returns(trained(name, tmp_path / "on", 40_000).agent)
    np.testing.assert_array_equal(still, untrained)
    # Paired by seed: the mean gain is far beyond its standard error.
    for floor in (untrained, returns(made("random"))):
        gain = learned - floor
        assert gain.mean() > 5 * gain.std() / np.sqrt(len(gain)), (learned.mean(), floor.mean())
    assert learned.mean() > untrained.mean() + 2


# --- going on ---


def settings_of(job: TrainingJob, name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What a training is made with: nothing is learned."""
    made: list[Any] = []
    monkeypatch.setattr(_ppo, "train_model", lambda job, model, *_, **__: made.append(model))
    learn = find_agent(name).train
    assert learn is not None
    learn(job)
    [model] = made
    return {"gamma": model.gamma, "n_steps": model.n_steps, "num_envs": model.n_envs}


@pytest.mark.parametrize("name", ["ppo", "maskable_ppo"])
def test_an_agent_that_goes_on_looks_further_ahead_unless_told_otherwise(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(name, tmp_path, 1_000)
    progress, warn = (lambda *told: None), (lambda told: None)
    for steps, start, settings, expected in (
        (200_000, None, {}, (0.95, 64, 256)),
        (200_000, tmp_path / "model", {}, (0.995, 256, 64)),
        (200_000, tmp_path / "model", {"gamma": 0.9, "n_steps": 64}, (0.9, 64, 64)),
        (20_000, tmp_path / "model", {}, (0.995, 256, 16)),
        (2_000, tmp_path / "model", {}, (0.995, 64, 16)),  # still from several rollouts, if short ones
    ):
        job = TrainingJob(TWO_BARS, TERMS, steps, 1, tmp_path, progress, settings, warn, start)
        assert tuple(settings_of(job, name, monkeypatch).values()) == expected


class Even:
    """A policy that finds all actions as likely as one another."""

    def requires_grad_(self, _: bool) -> Even:
        return self

    def get_distribution(self, observations: torch.Tensor, masks: Any = None) -> Choice:
        choice = Choice(4).proba_distribution(torch.zeros(len(observations), 4))
        choice.apply_masking(masks)
        return choice


def in_bars(buffer: TimedRolloutBuffer) -> TimedRolloutBuffer:
    """The buffer, its events seen in bars of 48 ticks."""
    column = [each.name for each in BLOCKS["place"].columns].index("bar_ticks")
    buffer.observations[..., BLOCKS["place"].start + column] = 48
    return buffer


def test_an_event_costs_its_nats_from_the_agent_that_is_held_to() -> None:
    # The anchor: 1/4 for each of four actions. Half and one as likely again as there, and as likely: ln 2, -ln 2, 0.
    buffer = in_bars(
        TimedRolloutBuffer(
            3, observation_space("int16"), spaces.Discrete(4), gamma=1.0, gae_lambda=1.0, durations=(12, 24)
        )
    )
    buffer.log_probs[:, 0] = np.log([0.5, 0.125, 0.25])
    buffer.rewards[:, 0] = 1.0
    buffer.hold_to(Even(), 2.0)
    buffer.compute_returns_and_advantage(torch.tensor([[0.0]]), np.array([True]))
    two = 2 * np.log(2)
    np.testing.assert_allclose(buffer.rewards[:, 0], [1 - two, 1 + two, 1.0], rtol=1e-6)


def test_what_is_not_allowed_has_no_share_in_the_anchor() -> None:
    # Two of the four actions are legal, so that the anchor plays each with 1/2.
    buffer = MaskableTimedRolloutBuffer(1, observation_space("int16"), spaces.Discrete(4), durations=(12, 24))
    in_bars(buffer)
    buffer.action_masks[:] = [[[1, 1, 0, 0]]]
    buffer.log_probs[:, 0] = np.log([0.5])
    buffer.hold_to(Even(), 2.0)
    buffer.compute_returns_and_advantage(torch.tensor([[0.0]]), np.array([True]))
    np.testing.assert_allclose(buffer.rewards[:, 0], [0.0], atol=1e-6)


@pytest.mark.parametrize("name", ["ppo", "maskable_ppo"])
def test_an_agent_that_is_paid_anew_stays_nearer_to_what_it_was_if_it_is_held(name: str, tmp_path: Path) -> None:
    begun = trained(name, tmp_path, 4_000).agent
    engine = Engine(TWO_BARS, TERMS, 64)
    engine.reset(range(64))
    for _ in range(3):  # what is seen in the middle of pieces
        engine.step(begun.act(engine, np.linspace(0.0, 0.99, 64)))
    seen = torch.from_numpy(engine.state.obs.astype(np.float32))
    was = log_probs(begun, seen)
    high = weigh_terms({"comfortable_range": -1.0, "stepwise_motion": -1.0})
    learn = find_agent(name).train
    assert learn is not None
    distances = []
    for place, (anchor, is_paid_anew) in enumerate(((0.0, True), (20.0, True), (20.0, False))):
        folder = tmp_path / str(place)
        folder.mkdir()
        progress, warn = (lambda *told: None), (lambda told: None)
        settings = {"anchor": anchor}
        job = TrainingJob(TWO_BARS, high, 8_000, 1, folder, progress, settings, warn, tmp_path / "model", is_paid_anew)
        now = log_probs(learn(job).agent, seen)
        distances.append(float((now.exp() * (now - was)).sum(dim=1).mean()))
    free, held, alike = distances
    assert 0 < held < free / 2, distances
    assert alike == pytest.approx(free), "by what it has learned by already it goes on freely"


def log_probs(agent: Any, observations: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return torch.log_softmax(agent.network.action_logits(observations), dim=1)


# --- the folder of a model ---


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


def test_a_model_of_another_agent_is_refused_by_name(trained_run: SimpleNamespace, tmp_path: Path) -> None:
    assert "was made for agent 'dqn', here it is 'ppo'" in refusal(foreign(trained_run, tmp_path, agent="dqn"))


def test_weights_of_another_width_are_refused(trained_run: SimpleNamespace, tmp_path: Path) -> None:
    told = refusal(foreign(trained_run, tmp_path, hidden=64))
    assert "do not fit the network: size mismatch for " in told


@pytest.mark.parametrize("hidden", [None, "wide", 10**9])
def test_a_width_that_is_none_is_refused(trained_run: SimpleNamespace, tmp_path: Path, hidden: object) -> None:
    told = refusal(foreign(trained_run, tmp_path, hidden=hidden))
    assert "cannot read the model" in told and "allowed is a whole number from 8 to 2048" in told


def test_a_configuration_that_is_no_json_is_refused(trained_run: SimpleNamespace, tmp_path: Path) -> None:
    model = foreign(trained_run, tmp_path)
    for text in ("{", "[]"):
        (model / "config.json").write_text(text)
        assert "cannot read the model" in refusal(model)
