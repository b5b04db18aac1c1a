"""Moments as columns: what a batched term is given, and that it is paid as its twin for one moment is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rlcompose import reward
from rlcompose.brief import make_brief
from rlcompose.codec import action_of
from rlcompose.engine.core import Engine, RewardTermError
from rlcompose.engine.layout import NOTE_RING, PUBLIC_FIELDS
from rlcompose.engine.moment import Moment
from rlcompose.engine.moments import Moments
from rlcompose.env import ComposeEnv
from rlcompose.reward import TIMES, Weight, WeightedTerm, make_term, weigh_terms
from rlcompose.sb3 import ComposeVecEnv
from rlcompose.style import load_style
from rlcompose.vector import ComposeVectorEnv

WHOLE = action_of(load_style("jazz"), 0, 48)


def midway(style: str = "jazz", num_envs: int = 3, events: int = 25) -> Engine:
    """An engine between the halves of a step, some random events into its pieces."""
    engine = Engine(make_brief(style, {"bars": 70, "second_voice": "bass"}), num_envs=num_envs)
    engine.reset(range(num_envs))
    rng = np.random.default_rng(0)
    for _ in range(events):
        engine.step(rng.integers(0, engine.num_actions, num_envs))
    engine.state.actions[:] = rng.integers(0, engine.num_actions, num_envs)
    engine.midway()
    return engine


# --- what they show ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [0, 1, 3, 25])
@pytest.mark.parametrize("style", ["jazz", "fiddle"])
def test_columns_hold_what_the_single_moments_tell(style: str, events: int) -> None:
    engine = midway(style, 3, events)
    moments, singles = engine.moments(), [engine.moment(row) for row in range(3)]
    assert len(moments) == 3
    for name in PUBLIC_FIELDS:
        column = getattr(moments, name)
        assert column.dtype == np.int32 and column.tolist() == [getattr(single, name) for single in singles]
    assert moments.is_note.tolist() == [single.is_note for single in singles]
    for k in range(1, NOTE_RING - 1):
        notes = moments.previous(k)
        assert [[column[row] for column in notes.values()] for row in range(3)] == [
            list(single.previous(k)) for single in singles
        ]
        assert tuple(notes) == singles[0].previous(k)._fields


def test_observation_is_what_the_agent_saw_when_it_chose() -> None:
    engine = Engine(make_brief("jazz"), num_envs=2)
    engine.reset([0, 1])
    engine.step(np.array([WHOLE, 0]))
    before = engine.state.obs.copy()
    engine.midway()
    assert engine.moments().observation.tolist() == before.tolist()


@pytest.mark.parametrize("k", [0, 15, -1])
def test_previous_reaches_14_notes_back(k: int) -> None:
    with pytest.raises(ValueError, match=rf"previous\({k}\): allowed are 1 to 14"):
        midway().moments().previous(k)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ptich", "the moments have no 'ptich': did you mean 'pitch'"),
        ("previos", "did you mean 'previous'"),
        ("cursor", "the moments have no 'cursor'"),  # bookkeeping
        ("memory", "the moments have no 'memory'"),
    ],
)
def test_misspelt_field_is_told_with_the_nearest(name: str, told: str) -> None:
    with pytest.raises(AttributeError) as error:
        getattr(midway().moments(), name)
    assert told in str(error.value) and "They have is_rest, pitch" in str(error.value)


@pytest.mark.parametrize("name", ["pitch", "bars", "observation"])
def test_columns_cannot_be_written(name: str) -> None:
    engine = midway()
    with pytest.raises(ValueError, match="read-only"):
        getattr(engine.moments(), name)[0] = 1
    engine.field("pitch")[0] = 1  # the engine's own may


def test_what_is_written_to_earlier_notes_goes_nowhere() -> None:
    engine = midway()
    before = engine.snapshot()
    engine.moments().previous(2)["pitch"][:] = 99
    engine.moments().is_note[:] = False
    assert all(np.array_equal(value, engine.snapshot()[name]) for name, value in before.items())


def test_columns_are_live() -> None:
    engine = Engine(make_brief("jazz"), num_envs=2)
    moments = engine.moments()
    engine.reset([0, 1])
    engine.step(np.array([WHOLE, 0]))
    assert moments.ticks.tolist() == [48, 2] and moments.num_events.tolist() == [1, 1]


def test_one_of_the_moments_is_that_moment() -> None:
    engine = midway()
    one, single = engine.moments().one(1), engine.moment(1)
    assert (one.pitch, one.previous(3), one.tone_of(4)) == (single.pitch, single.previous(3), single.tone_of(4))
    assert (one.bar_rhythm(0), one.bar_pitch_sum(1)) == (single.bar_rhythm(0), single.bar_pitch_sum(1))


# --- paid as its twin -------------------------------------------------------------------------------------------------


def single(m: Moment) -> float:
    note = m.previous(2)
    height = m.pitch / 12 if m.is_note else -0.5
    return height + note.ticks / 48 + m.window_notes / 7


def batched(ms: Moments) -> Any:
    height = np.where(ms.is_note, ms.pitch / 12, -0.5)
    return height + ms.previous(2)["ticks"] / 48 + ms.window_notes / 7


def twins(at: str, weight: float = 1.0) -> list[WeightedTerm]:
    terms = (make_term(single), replace(make_term(batched), batched=True))
    return [WeightedTerm(replace(term, at=at), weight) for term in terms]


@pytest.mark.parametrize("at", TIMES)
def test_batched_term_is_paid_as_its_twin_at_its_time(at: str) -> None:
    engine = Engine(make_brief("jazz", {"bars": 6}), twins(at, 0.75), num_envs=35, next_step_reset=True)
    assert engine.python_terms == ("batched",)
    engine.reset(range(35))
    rng = np.random.default_rng(0)
    fired = 0
    for _ in range(80):
        engine.step(rng.integers(0, engine.num_actions, 35))
        account = engine.state.account
        assert account[:, 0].tolist() == account[:, 1].tolist()
        assert engine.state.reward == pytest.approx(account.sum(axis=1))
        fired += int(np.count_nonzero(account[:, 1]))
    assert fired > 30


@pytest.mark.parametrize("at", TIMES)
def test_trying_actions_asks_a_batched_term(at: str) -> None:
    one, other = (Engine(make_brief("jazz", {"bars": 2}), [term], 2) for term in twins(at))
    for engine in (one, other):
        engine.reset([0, 1])
        engine.step(np.array([WHOLE, WHOLE - 1]))
    assert one.try_actions().tolist() == other.try_actions().tolist()


def test_changed_weight_holds_for_a_batched_term() -> None:
    engine = Engine(make_brief("jazz"), twins("event"))
    engine.reset([0])
    engine.weights[:2] = 8.0
    engine.step(np.array([WHOLE]))
    assert engine.state.account[0, 0] == engine.state.account[0, 1] == 8 / 7


@pytest.fixture
def weights(own_register: None) -> dict[str | Callable[..., Any], Weight]:
    """Both twins, registered, asked where a phrase ends."""
    for weighted in twins("phrase_end"):
        reward._REGISTER[weighted.term.name] = weighted.term
    return {"single": 0.5, "batched": 0.5}


def test_environment_pays_it_alike(weights: dict[str | Callable[..., Any], Weight]) -> None:
    env = ComposeEnv("jazz", rewards=weights, bars=8)
    rng = np.random.default_rng(0)
    paid = 0
    for seed in range(3):
        env.reset(seed=seed)
        done = False
        while not done:
            _, _, done, _, info = env.step(int(rng.integers(0, env.action_space.n)))
            assert info["rewards"]["single"] == info["rewards"]["batched"]
            paid += info["rewards"]["batched"] != 0
    assert paid >= 3
    other = copy.deepcopy(env)
    for each in (env, other):
        each.reset(seed=7)
    assert other.step(WHOLE)[4] == env.step(WHOLE)[4]


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_vector_environment_pays_it_alike(weights: dict[str | Callable[..., Any], Weight], mode: str) -> None:
    venv = ComposeVectorEnv(4, "jazz", rewards=weights, bars=2, autoreset_mode=mode)
    venv.reset(seed=0)
    rng = np.random.default_rng(0)
    paid = 0
    for _ in range(60):
        shares = venv.step(rng.integers(0, venv.single_action_space.n, 4))[4]["rewards"]
        assert shares["single"].tolist() == shares["batched"].tolist()
        paid += int(np.count_nonzero(shares["batched"]))
    assert paid > 4


def test_environment_of_stable_baselines_pays_it_alike(weights: dict[str | Callable[..., Any], Weight]) -> None:
    venv = ComposeVecEnv(make_brief("jazz", {"bars": 2}), weigh_terms({}, weights), 4)
    venv.reset()
    rng = np.random.default_rng(0)
    ended: list[dict[str, float]] = []
    for _ in range(60):
        infos = venv.step(rng.integers(0, venv.engine.num_actions, 4))[3]
        ended += [info["rewards"] for info in infos if info]
    assert len(ended) > 4
    for shares in ended:
        assert shares["single"] == shares["batched"] != 0


# --- its mistakes -----------------------------------------------------------------------------------------------------


# These fail only in pieces of 7 bars: the trial before a term is used plays longer ones.
def one_too_many(ms: Moments) -> Any:
    return np.zeros(len(ms) + int(ms.bars[0] == 7))


def not_a_number_in_bar_3(ms: Moments) -> Any:
    return np.where((ms.bars == 7) & (ms.bar == 2), np.nan, 0.25)


def infinite_in_bar_3(ms: Moments) -> Any:
    return np.where((ms.bars == 7) & (ms.bar == 2), np.inf, 0.25)


def raises_in_bar_3(ms: Moments) -> Any:
    if (ms.bars == 7).any() and (ms.bar == 2).any():
        raise KeyError("bar 3")
    return np.zeros(len(ms))


def text(ms: Moments) -> Any:
    return ["much"] * len(ms)


def misspelt(ms: Moments) -> Any:
    return ms.ptich / 12


def single_number(ms: Moments) -> Any:
    return 1.0


def batch(function: Callable[..., Any], at: str = "event") -> WeightedTerm:
    return WeightedTerm(replace(make_term(function), batched=True, at=at), 1.0)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (not_a_number_in_bar_3, "reward term 'not_a_number_in_bar_3' gave nan at bar 3, beat 1: allowed are finite"),
        (infinite_in_bar_3, "reward term 'infinite_in_bar_3' gave inf at bar 3, beat 1: allowed are finite numbers"),
        (raises_in_bar_3, "batched reward term 'raises_in_bar_3' raised KeyError: 'bar 3' (line "),
        (one_too_many, "batched reward term 'one_too_many' gave an array of shape (3,): it must be (2,)"),
    ],
)
def test_mistake_in_a_batch_stops_with_term_and_reason(function: Callable[..., Any], told: str) -> None:
    engine = Engine(make_brief("jazz", {"bars": 7}), [batch(function)], 2)
    engine.reset([0, 1])
    with pytest.raises(RewardTermError) as error:
        for _ in range(3):
            engine.step(np.array([0, WHOLE]))  # the second piece reaches bar 3
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (text, "'text' raised ValueError: could not convert string to float"),
        (misspelt, "'misspelt' raised AttributeError: the moments have no 'ptich': did you mean 'pitch'"),
        (single_number, "'single_number' gave an array of shape (): it must be (2,)"),
    ],
)
def test_mistake_in_a_batch_is_told_when_the_term_is_loaded(function: Callable[..., Any], told: str) -> None:
    with pytest.raises(RewardTermError) as error:
        Engine(make_brief("jazz"), [batch(function)])
    assert told in str(error.value)


def no_number_but_at_the_end(ms: Moments) -> Any:
    return np.where(ms.is_last == 1, 1.0, np.nan)


def test_what_a_batch_gives_where_it_is_not_asked_is_nothing() -> None:
    engine = Engine(make_brief("jazz", {"bars": 2}), [batch(no_number_but_at_the_end, "piece_end")], 2)
    engine.reset([0, 1])
    given = []
    for _ in range(3):
        engine.step(np.array([WHOLE, WHOLE - 1]))  # a whole note, and a dotted half
        given.append(engine.state.account[:, 0].tolist())
    assert given == [[0, 0], [1, 0], [0, 1]]


def test_batch_is_not_asked_where_no_piece_is_due() -> None:
    asked = []

    def notes_calls(ms: Moments) -> Any:
        asked.append(len(ms))
        return np.zeros(len(ms))

    engine = Engine(make_brief("jazz", {"bars": 2}), [batch(notes_calls, "piece_end")], 3)
    engine.reset([0, 1, 2])
    asked.clear()  # of the trial
    for _ in range(4):
        engine.step(np.array([WHOLE, WHOLE, WHOLE - 1]))
    assert asked == [3, 3], "once for the two that end together, once for the third"
