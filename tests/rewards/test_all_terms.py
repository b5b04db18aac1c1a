"""What holds for every built-in term: what it says of itself, its range, and that it does not know the key."""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rlcompose.brief import Brief, make_brief
from rlcompose.codec import action_of
from rlcompose.engine.core import Engine, evaluate
from rlcompose.engine.moment import Moment
from rlcompose.reward import TIMES, Term, load_terms, weigh_terms
from rlcompose.style import load_style, style_names
from rlcompose.theory.key import Key
from rlcompose.theory.pitch import pitch_name
from rlcompose.theory.progression import load_progression

# Other tests may have registered terms of their own.
BUILT_IN = {n: term for n, term in load_terms().items() if term.function.__module__.startswith("rlcompose.rewards.")}
# What is batched asks about all pieces at once, in Python: `tests/learned/test_in_style.py` looks at it.
TERMS = weigh_terms({name: 1.0 for name, term in BUILT_IN.items() if not term.batched})
FAMILIES = {path.stem for path in Path(inspect.getfile(load_terms)).parent.parent.glob("rewards/*.py")}
LONGEST_LINE = 120


# --- what a term says of itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("term", BUILT_IN.values(), ids=BUILT_IN)
def test_docstring_says_what_why_and_gives_an_example(term: Term) -> None:
    paragraphs = (inspect.getdoc(term.function) or "").split("\n\n")
    assert len(paragraphs) >= 3, "what it gives; the reason; an example"
    assert "\n" not in paragraphs[0] and paragraphs[0] == term.summary
    assert len(term.summary) <= LONGEST_LINE and term.summary.endswith(".")
    assert all(part.strip() and part.rstrip().endswith((".", ":")) for part in paragraphs)


@pytest.mark.parametrize("term", BUILT_IN.values(), ids=BUILT_IN)
def test_term_declares_a_range_of_one_order_and_a_time(term: Term) -> None:
    assert term.low is not None and term.high is not None
    assert -1 <= term.low < term.high <= 1 and term.low <= 0 <= term.high
    assert term.at in TIMES and term.batched == (term.family == "style")


@pytest.mark.parametrize("term", BUILT_IN.values(), ids=BUILT_IN)
def test_term_belongs_to_a_family(term: Term) -> None:
    assert term.family in FAMILIES and Path(term.file).parent.name == "rewards"


def test_every_family_has_terms() -> None:
    assert {term.family for term in BUILT_IN.values()} == FAMILIES - {"__init__", "__main__"}


# --- range ------------------------------------------------------------------------------------------------------------


def low() -> NDArray[np.float64]:
    return np.array([weighted.term.low for weighted in TERMS], np.float64)


def high() -> NDArray[np.float64]:
    return np.array([weighted.term.high for weighted in TERMS], np.float64)


def check_range(engine: Engine) -> None:
    values = engine.state.account[:, :-1]
    wrong = np.argwhere(~((values >= low()) & (values <= high())))
    assert not len(wrong), [(engine.names[number], values[row, number]) for row, number in wrong]


@cache
def engine_of(style: str, bars: int, num_envs: int, **options: Any) -> Engine:
    brief = make_brief(style, {"bars": bars, "second_voice": "bass", **options})
    return Engine(brief, TERMS, num_envs, next_step_reset=True)


@pytest.mark.parametrize("style", style_names())
@pytest.mark.parametrize("few", [0, 3, 6, 12])
def test_no_term_leaves_its_range(style: str, few: int) -> None:
    # Any events, legal or not; or a few that return, so that notes, motifs and bars are repeated.
    engine = engine_of(style, 12, 16)
    engine.reset(range(16))
    rng = np.random.default_rng(few)
    chosen = rng.integers(0, engine.num_actions, (16, few or engine.num_actions))
    for _ in range(150):
        engine.step(chosen[np.arange(16), rng.integers(0, chosen.shape[1], 16)])
        check_range(engine)


@pytest.mark.parametrize("style", style_names())
def test_loop_of_a_few_events_stays_in_range(style: str) -> None:
    engine = engine_of(style, 40, 12)
    engine.reset(range(12))
    rng = np.random.default_rng(1)
    # Loops of 1 to 12 events; all that can return, returns.
    loops = [rng.integers(0, engine.num_actions, length) for length in range(1, 13)]
    for event in range(200):
        engine.step(np.array([loop[event % len(loop)] for loop in loops]))
        check_range(engine)


@pytest.mark.parametrize("style", style_names())
def test_piece_of_one_bar_is_worth_finite_values(style: str) -> None:
    engine = engine_of(style, 1, 32)
    engine.reset(range(32))
    rng = np.random.default_rng(0)
    for _ in range(60):
        engine.step(rng.integers(0, engine.num_actions, 32))
        assert np.isfinite(engine.state.reward).all()
        check_range(engine)


@pytest.mark.parametrize("bars", [1, 9])
@pytest.mark.parametrize("style", style_names())
def test_silent_piece_is_worth_finite_values(style: str, bars: int) -> None:
    engine = engine_of(style, bars, 8)
    engine.reset(range(8))
    lengths = len(engine.brief.style.durations)
    rests = np.arange(8) % lengths  # row by row the shortest rest, the next one, …
    for _ in range(220):
        engine.step(rests)
        assert np.isfinite(engine.state.reward).all()
        check_range(engine)


@pytest.mark.parametrize("style", style_names())
def test_one_event_that_fills_the_piece_is_worth_finite_values(style: str) -> None:
    brief = make_brief(style, {"bars": 1, "meter": "2/4", "second_voice": "bass"})
    engine = Engine(brief, TERMS, 2)
    engine.reset([0, 1])
    engine.step(np.array([action_of(brief.style, 0, 24), action_of(brief.style, None, 24)]))
    assert engine.state.done.all() and np.isfinite(engine.state.reward).all()
    check_range(engine)


# --- compiled ---------------------------------------------------------------------------------------------------------


def is_asked(at: str, m: Moment) -> bool:
    due = {"event": True, "note": m.is_note, "bar_end": m.ends_bar, "phrase_end": m.ends_phrase}
    return due.get(at, m.ends_section if at == "section_end" else bool(m.is_last))


def returning_action(engine: Engine, bar: int, past: list[int], rng: np.random.Generator) -> int:
    """One of six near pitches or a rest, in one of three lengths; in every other four bars what was 16 events ago.

    In the first of these bars it is moved up a whole tone every second time.
    """
    durations = engine.brief.style.durations
    if bar // 4 % 2 and len(past) >= 16 and rng.random() < 0.95:
        before = past[-16]
        is_moved = before >= len(durations) and bar % 4 == 0 and bar // 8 % 2
        return before + 2 * len(durations) if is_moved else before
    short = [number for number, (_, ticks) in enumerate(durations) if ticks in (6, 12, 24)]
    slot = rng.choice([0, 13, 15, 17, 18, 20, 14], p=[0.1, 0.2, 0.2, 0.15, 0.15, 0.15, 0.05])
    return int(slot * len(durations) + rng.choice(short))


@pytest.mark.parametrize("style", style_names())
def test_terms_give_the_same_bits_compiled_and_in_python_where_much_returns(style: str) -> None:
    # Random play has hardly a step, a motif or a bar that returns: most terms would give nothing but 0.
    engine = Engine(make_brief(style, {"bars": 24, "meter": "4/4", "second_voice": "bass"}), TERMS, 3)
    engine.reset(range(3))
    memories = [[[0.0] * weighted.term.memory for weighted in TERMS] for _ in range(3)]
    rng = np.random.default_rng(7)
    past: list[list[int]] = [[], [], []]
    fired = np.zeros(len(TERMS), np.bool_)
    while not engine.state.done.all():
        for row, bar in enumerate(engine.field("bar").tolist()):
            past[row].append(returning_action(engine, bar, past[row], rng))
            engine.state.actions[row] = past[row][-1]
        running = np.flatnonzero(~engine.state.done).tolist()
        engine.midway()
        for row in running:
            moment = engine.moment(row)
            values = []
            for number, weighted in enumerate(TERMS):
                moment.memory = memories[row][number]
                values.append(evaluate(weighted.term, moment) if is_asked(weighted.term.at, moment) else 0.0)
            assert engine.state.account[row, :-1].tolist() == values
            fired |= np.array(values) != 0
        engine.finish_step()
    assert fired.mean() > 0.7


# --- key --------------------------------------------------------------------------------------------------------------


def transposed(style: str, progression: str, semitones: int, voice: tuple[tuple[int | None, int], ...]) -> Brief:
    """A piece whose tonic is C4, moved up: its key, its chords, its register and range, and the second voice."""
    chords = load_progression(progression)
    tonic = 60 + semitones
    written = [f"{'-' if pitch is None else pitch_name(tonic + pitch)}:{ticks}" for pitch, ticks in voice]
    options = {
        "bars": 12,
        "chords": chords.transposed(semitones % 12),
        "key": Key(semitones % 12, chords.mode),
        "tempo": 120,
        "register": tonic,
        "range": (tonic - 11, tonic + 24),
        "second_voice": " ".join(written) or None,
    }
    return make_brief(style, options)


PROGRESSIONS = [(style, name) for style in style_names() for name in sorted(load_style(style).progressions)]
VOICES = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(-24, 6)), st.sampled_from([6, 12, 24, 36, 48])), max_size=6
)


def accounts(brief: Brief, actions: NDArray[np.int64]) -> NDArray[np.float64]:
    """The account of a piece: float64 (events, terms and the illegal action)."""
    engine = Engine(brief, TERMS)
    engine.reset([0])
    seen = []
    for action in actions:
        if engine.state.done[0]:
            break
        engine.step(np.array([action]))
        seen.append(engine.state.account[0].copy())
    return np.array(seen)


@given(
    place=st.sampled_from(PROGRESSIONS),
    semitones=st.integers(-11, 11).filter(bool),
    voice=VOICES,
    seed=st.integers(0, 2**32 - 1),
    few=st.sampled_from([4, 12, 40, 400]),
)
@settings(max_examples=150, deadline=None)
def test_another_key_changes_no_value(
    place: tuple[str, str], semitones: int, voice: list[tuple[int | None, int]], seed: int, few: int
) -> None:
    briefs = [transposed(*place, by, tuple(voice)) for by in (0, semitones)]
    num_actions = 44 * len(briefs[0].style.durations)
    rng = np.random.default_rng(seed)
    actions = rng.choice(rng.integers(0, num_actions, few), 100)
    one, other = (accounts(brief, actions) for brief in briefs)
    names = [*(weighted.term.name for weighted in TERMS), "illegal"]
    different = np.flatnonzero((one != other).any(axis=0))
    assert not len(different), [names[number] for number in different]
