"""The engine as a whole: two speeds, one result; terms that fail; going back; looking ahead."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlcompose.brief import make_brief
from rlcompose.codec import action_of
from rlcompose.engine.core import Engine, RewardTermError, evaluate, prepare_term
from rlcompose.engine.moment import Moment
from rlcompose.errors import RlcomposeError
from rlcompose.reward import ILLEGAL, Term, WeightedTerm, load_terms, make_term, weigh_terms
from rlcompose.style import style_names

BUILT_IN = tuple(term for term in load_terms().values() if not term.batched)  # batched ones stay in Python
ALL_TERMS = weigh_terms({term.name: 1.0 for term in BUILT_IN})
CALLS: list[int] = []  # a mutable global, which no compiled term may use


def in_python(m: Moment) -> float:
    CALLS.append(m.bar)
    return m.pitch / 8 if m.is_note else 0.0


def divides_by_length(m: Moment) -> float:
    return 1.0 / m.ticks


# These fail only in pieces of 7 bars: the trial before a term is compiled plays shorter ones.
def fails_in_bar_3(m: Moment) -> float:
    return 1.0 / (m.bar - 2) if m.bars == 7 and m.tick_in_bar >= 12 else 0.0


def infinite_in_bar_3(m: Moment) -> float:
    return float("inf") if m.bar == 2 and m.bars == 7 else 0.25


def text_in_bar_3(m: Moment) -> Any:
    return "much" if m.bar == 2 and m.bars == 7 else 0.25


def play(engine: Engine, steps: int, seed: int = 0) -> list[Any]:
    """Everything that some random steps show, some of the actions illegal ones."""
    rng = np.random.default_rng(seed)
    seen = []
    for _ in range(steps):
        engine.step(rng.integers(0, engine.num_actions, engine.num_envs))
        state = engine.state
        arrays = (state.obs, state.mask, state.reward, state.account, state.done)
        seen.append([array.copy() for array in arrays])
    return seen


def are_equal(one: list[Any], other: list[Any]) -> bool:
    return all(np.array_equal(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))


@pytest.mark.parametrize("style", style_names())
def test_built_in_terms_give_the_same_bits_compiled_and_in_python(style: str) -> None:
    # With a bass, so that counterpoint has something to look at; 70 bars, so that every ring of bars turns over.
    engine = Engine(make_brief(style, {"bars": 70, "second_voice": "bass"}), ALL_TERMS, num_envs=4)
    engine.reset(range(4))
    assert engine.python_terms == ()
    assert engine.terms == ALL_TERMS, "terms are weighed in the order in which the engine asks them"
    rng = np.random.default_rng(1)
    memories = [[[0.0] * weighted.term.memory for weighted in ALL_TERMS] for _ in range(4)]
    compared = 0
    while not engine.state.done.all():
        running = np.flatnonzero(~engine.state.done).tolist()
        legal = [rng.choice(np.flatnonzero(mask)) for mask in engine.state.mask]
        # Every tenth action is any, legal or not.
        engine.state.actions[:] = np.where(rng.random(4) < 0.1, rng.integers(0, engine.num_actions, 4), legal)
        assert engine._kernel.score_rows(engine._context) == -1  # the terms look between the halves of a step
        for row in running:
            moment = engine.moment(row)
            values = []
            for number, weighted in enumerate(ALL_TERMS):
                moment.memory = memories[row][number]
                values.append(evaluate(weighted.term, moment) if is_asked(weighted.term.at, moment) else 0.0)
            assert engine.state.account[row, :-1].tolist() == values
            total = 0.0
            for share in engine.state.account[row].tolist():
                total += share
            assert engine.state.reward[row] == total
            compared += len(values)
        engine._kernel.settle_rows(engine._context, False)
    assert compared > 15_000


def is_asked(at: str, m: Moment) -> bool:
    """When a term of a time is asked, from the moment's public words alone."""
    due = {"event": True, "note": m.is_note, "bar_end": m.ends_bar, "phrase_end": m.ends_phrase}
    return due.get(at, m.ends_section if at == "section_end" else bool(m.is_last))


@pytest.mark.parametrize("style", style_names())
def test_no_built_in_term_leaves_its_range(style: str) -> None:
    low = np.array([weighted.term.low for weighted in ALL_TERMS], np.float64)
    high = np.array([weighted.term.high for weighted in ALL_TERMS], np.float64)
    assert (low >= -1).all() and (high <= 1).all(), "every built-in term declares its range, of one order of magnitude"
    options = {"bars": 64, "second_voice": "bass"}
    engine = Engine(make_brief(style, options), ALL_TERMS, num_envs=64, next_step_reset=True)
    engine.reset(range(64))
    rng = np.random.default_rng(2)
    slots, durations = engine.num_actions // len(engine.brief.style.durations), len(engine.brief.style.durations)
    for _ in range(600):
        # A walk around the middle, so that steps, repetitions and motifs are as frequent as leaps.
        near = np.clip(rng.normal(18, 4, 64).astype(int), 0, slots - 1)
        engine.step(near * durations + rng.integers(0, durations, 64))
        shares = engine.state.account[:, :-1]
        assert (low <= shares).all() and (shares <= high).all()
    assert set(np.unique(engine.state.account[:, -1])) <= {-1.0, 0.0}


def test_term_in_python_is_paid_as_the_compiled_ones_are(caplog: pytest.LogCaptureFixture) -> None:
    def compiled_twin(m: Moment) -> float:
        return m.pitch / 8 if m.is_note else 0.0

    terms = [*ALL_TERMS, WeightedTerm(make_term(in_python), 0.5)]
    twins = [*ALL_TERMS, WeightedTerm(make_term(compiled_twin), 0.5)]
    with caplog.at_level(logging.WARNING, "rlcompose"):
        engine = Engine(make_brief("jazz", {"bars": 4}), terms, 3, next_step_reset=True)
        Engine(make_brief("jazz", {"bars": 4}), terms, 3)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1, "it is said once"
    assert "'in_python' runs in Python" in told[0] and "it uses CALLS, a list, which can change" in told[0]
    assert engine.python_terms == ("in_python",)
    twin = Engine(make_brief("jazz", {"bars": 4}), twins, 3, next_step_reset=True)
    engine.reset([1, 2, 3])
    twin.reset([1, 2, 3])
    for seen, expected in zip(play(engine, 100), play(twin, 100), strict=True):
        for a, b in zip(seen, expected, strict=True):
            assert np.allclose(a, b, rtol=1e-12)  # the order of the sum differs


def test_term_that_fails_later_stops_with_its_name_place_and_reason() -> None:
    engine = Engine(make_brief("jazz", {"bars": 7}), [WeightedTerm(make_term(fails_in_bar_3), 1.0)])
    engine.reset([0])
    action = np.array([action_of(engine.brief.style, 0, 12)])
    with pytest.raises(RewardTermError, match=r"'fails_in_bar_3' raised ZeroDivisionError.*, at bar 3, beat 2"):
        for _ in range(28):
            engine.step(action)
    # Two bars of four quarter notes and one beat were played.
    assert engine.field("num_events")[0] == 10


@pytest.mark.parametrize(("function", "value"), [(infinite_in_bar_3, "inf"), (text_in_bar_3, "'much'")])
def test_value_that_is_no_finite_number_stops_with_its_place(function: Any, value: str) -> None:
    weighted = WeightedTerm(Term(function.__name__, function, __file__), 1.0)
    engine = Engine(make_brief("jazz", {"bars": 7}), [weighted])
    engine.reset([0])
    action = np.array([action_of(engine.brief.style, 0, 24)])
    with pytest.raises(RewardTermError, match=rf"'{function.__name__}' gave {value} at bar 3, beat 1: allowed are fin"):
        for _ in range(14):
            engine.step(action)


def test_trying_actions_gives_what_playing_them_pays_and_changes_nothing() -> None:
    engine = Engine(make_brief("fiddle", {"bars": 4}), ALL_TERMS, num_envs=2)
    engine.reset([4, 5])
    for _ in range(6):
        play(engine, 1)
        before = engine.snapshot()
        tried = engine.try_actions()
        assert all(
            np.array_equal(value, engine.snapshot()[name])
            for name, value in before.items()
            if name not in ("events", "keys")
        )
        for action in range(0, engine.num_actions, 7):
            engine.restore(before)
            engine.step(np.full(2, action))
            paid = np.where(before["mask"][:, action], engine.state.reward, -np.inf)
            assert tried[:, action].tolist() == paid.tolist()
        engine.restore(before)


@pytest.mark.parametrize("term", [divides_by_length, in_python])
def test_trying_actions_asks_no_term_about_an_ended_piece(term: Any) -> None:
    # Behind the end every event would have length 0.
    engine = Engine(make_brief("jazz", {"bars": 1}), [WeightedTerm(make_term(term), 1.0)], 2)
    engine.reset([0, 1])
    rest, note = (action_of(engine.brief.style, pitch, 48) for pitch in (None, 0))
    engine.step(np.array([note, rest]))
    assert engine.state.done.all()
    calls = len(CALLS)
    tried = engine.try_actions()
    assert set(np.unique(tried)) == {-np.inf, 0.0}
    assert len(CALLS) == calls


def test_failing_term_is_told_with_its_place_when_actions_are_tried() -> None:
    engine = Engine(make_brief("jazz", {"bars": 7}), [WeightedTerm(make_term(infinite_in_bar_3), 1.0)])
    engine.reset([0])
    for _ in range(2):
        engine.step(np.array([action_of(engine.brief.style, 0, 48)]))
    with pytest.raises(RewardTermError, match="'infinite_in_bar_3' gave inf at bar 3, beat 1"):
        engine.try_actions()


@pytest.mark.parametrize("style", style_names())
def test_snapshot_brings_back_the_future(style: str) -> None:
    engine = Engine(make_brief(style, {"bars": 4}), ALL_TERMS, num_envs=3, next_step_reset=True)
    engine.reset([1, 2, 3])
    play(engine, 25)
    snapshot = engine.snapshot()
    future = play(engine, 120, seed=7)
    engine.restore(snapshot)
    assert are_equal(play(engine, 120, seed=7), future)


def test_snapshot_of_one_row_is_put_into_another() -> None:
    engine = Engine(make_brief("jazz", {"bars": 8}), ALL_TERMS, num_envs=2, next_step_reset=True)
    engine.reset([1, 2])
    play(engine, 20)
    engine.restore(engine.snapshot([1]), [0])
    rng = np.random.default_rng(0)
    for _ in range(300):
        engine.step(np.repeat(rng.integers(0, engine.num_actions, 1), 2))
        for array in (engine.state.obs, engine.state.mask, engine.state.reward, engine.state.done):
            assert np.array_equal(array[0], array[1])


RESTORED = """
import hashlib, pickle, sys
import numpy as np
from rlcompose.brief import make_brief
from rlcompose.engine.core import Engine
from rlcompose.reward import WeightedTerm, load_terms

def fingerprint(engine, steps):
    digest, rng = hashlib.sha256(), np.random.default_rng(9)
    for _ in range(steps):
        engine.step(rng.integers(0, engine.num_actions, engine.num_envs))
        state = engine.state
        for array in (state.obs, state.mask, state.reward, state.account, state.done):
            digest.update(array.tobytes())
    return digest.hexdigest()

terms = [WeightedTerm(term, 1.0) for name, term in sorted(load_terms().items()) if name in NAMES]
engine = Engine(make_brief("jazz", {"bars": 4}), terms, 3, next_step_reset=True)
engine.reset([1, 2, 3])
"""


def test_another_process_goes_on_from_a_snapshot_and_repeats_the_whole_piece(tmp_path: Path) -> None:
    names = [term.name for term in BUILT_IN]
    prologue = RESTORED.replace("NAMES", repr(names))
    here: dict[str, Any] = {}
    exec(prologue, here)
    engine, fingerprint = here["engine"], here["fingerprint"]
    whole = fingerprint(engine, 80)
    path = tmp_path / "snapshot"
    path.write_bytes(pickle.dumps(engine.snapshot()))
    future = fingerprint(engine, 150)
    code = f"""{prologue}
print(fingerprint(engine, 80))
engine.reset([5, 5, 5])
engine.restore(pickle.loads(open({str(path)!r}, "rb").read()))
print(fingerprint(engine, 150))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [whole, future]


def test_row_does_not_depend_on_its_neighbours() -> None:
    seen = []
    for count in (1, 2, 9):
        engine = Engine(make_brief("jazz", {"bars": 3}), ALL_TERMS, count, next_step_reset=True)
        engine.reset(range(count))
        rng = np.random.default_rng(3)
        rows = []
        for _ in range(150):
            actions = np.resize(rng.integers(0, engine.num_actions, 1), count)
            engine.step(actions)
            rows.append((engine.state.obs[0].tolist(), engine.state.reward[0], engine.state.account[0].tolist()))
        seen.append(rows)
    assert seen[0] == seen[1] == seen[2]


def test_names_of_the_account_end_with_illegal() -> None:
    engine = Engine(make_brief("jazz"), ALL_TERMS)
    assert engine.names == (*(weighted.term.name for weighted in ALL_TERMS), ILLEGAL)


def test_weights_may_change_between_steps() -> None:
    # For curricula: the weights are data of the step, not constants in it.
    engine = Engine(make_brief("jazz", {"bars": 2}), [WeightedTerm(make_term(divides_by_length), 1.0)])
    engine.reset([0])
    rest = np.array([action_of(engine.brief.style, None, 4)])
    engine.step(rest)
    assert engine.state.reward[0] == 0.25
    engine.weights[0] = 8.0
    engine.step(rest)
    assert engine.state.reward[0] == 2.0


def test_term_is_prepared_once() -> None:
    term = make_term(divides_by_length)
    assert prepare_term(term) is prepare_term(term)


# --- pieces of several lengths ----------------------------------------------------------------------------------------


def test_each_piece_has_one_of_the_lengths_and_is_else_as_it_is_with_that_alone() -> None:
    engine = Engine(make_brief("jazz"), (), 90, lengths=(4, 8, 12))
    engine.reset(range(90))
    bars = engine.field("bars").copy()
    assert np.bincount(bars, minlength=13)[[4, 8, 12]].min() > 15 and set(bars.tolist()) == {4, 8, 12}
    for length in (4, 8, 12):
        alone = Engine(make_brief("jazz"), (), 90, lengths=(length,))
        alone.reset(range(90))
        same = bars == length
        assert np.array_equal(engine.state.obs[same], alone.state.obs[same])
        assert np.array_equal(engine.field("total_ticks")[same], alone.field("total_ticks")[same])
    assert np.array_equal(pickle.loads(pickle.dumps(engine)).field("bars"), bars)
    again = pickle.loads(pickle.dumps(engine))
    again.reset(range(90))
    assert np.array_equal(again.field("bars"), bars), "a copy draws the same lengths"


@pytest.mark.parametrize(
    ("lengths", "told"), [((8, 0), "bars 0 is out of range"), (range(1, 10), "9 lengths are too many: at most 8")]
)
def test_lengths_are_checked(lengths: Any, told: str) -> None:
    with pytest.raises(RlcomposeError, match=told):
        Engine(make_brief("jazz"), lengths=lengths)
