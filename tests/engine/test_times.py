"""When terms are asked, what they remember of a piece, and that what they read compiled is what Python reads."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import int64, njit

from rlcompose import reward
from rlcompose.brief import make_brief
from rlcompose.codec import action_of
from rlcompose.engine.core import Engine, RewardTermError, evaluate, sample_moments
from rlcompose.engine.layout import FIELD, NUM_PAST_FIELDS
from rlcompose.engine.moment import Moment, moment_names, ones_in
from rlcompose.engine.terms import fields_read
from rlcompose.env import ComposeEnv
from rlcompose.reward import TIMES, Parameter, Weight, WeightedTerm, find_term, make_term, reward_term
from rlcompose.vector import ComposeVectorEnv

NEVER: dict[int, float] = {}  # a mutable global, which keeps a term in Python


def always(m: Moment) -> float:
    return 1.0


def always_in_python(m: Moment) -> float:
    return 1.0 + len(NEVER)


def always_batched(ms: Any) -> Any:
    return np.ones(len(ms))


def counts_notes(m: Moment) -> float:
    m.memory[0] += 1.0 if m.is_note else 0.0
    return float(m.memory[0])


def counts_notes_in_python(m: Moment) -> float:
    m.memory[0] += 1.0 if m.is_note else len(NEVER)
    return float(m.memory[0])


def remembers_three_pitches(m: Moment) -> float:
    if m.is_note:
        m.memory[2] = m.memory[1]
        m.memory[1] = m.memory[0]
        m.memory[0] = m.pitch
    return float(m.memory[0] + 100 * m.memory[1] + 10_000 * m.memory[2])


def weighted(function: Callable[..., Any], **said: Any) -> WeightedTerm:
    return WeightedTerm(replace(make_term(function), **said), 1.0)


def accounts(engine: Engine, steps: int, seed: int = 0) -> list[list[list[float]]]:
    """The accounts of random steps, some of the actions illegal ones."""
    rng = np.random.default_rng(seed)
    seen = []
    for _ in range(steps):
        engine.step(rng.integers(0, engine.num_actions, engine.num_envs))
        seen.append(engine.state.account.tolist())
    return seen


# --- when -------------------------------------------------------------------------------------------------------------

TWO_SECTIONS = {"bars": 8, "chords": "[A] C | C | [B] F | F | F | F | F | F", "key": "C"}
# Lengths in ticks, 48 a bar, rests below zero: bar 1 in halves; a quarter note and a whole one into bar 3; a rest to
# its end; five whole notes. Section A ends with bar 2, and B, whose phrases have four bars and two, with bar 8.
PLAYED = (24, -24, 12, 48, -36, 48, 48, 48, 48, 48)


@pytest.mark.parametrize("function", [always, always_in_python, always_batched])
@pytest.mark.parametrize(
    ("at", "asked"),
    [
        ("event", [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        ("note", [1, 0, 1, 1, 0, 1, 1, 1, 1, 1]),
        ("bar_end", [0, 1, 0, 1, 1, 1, 1, 1, 1, 1]),
        ("phrase_end", [0, 0, 0, 1, 0, 0, 0, 1, 0, 1]),
        ("section_end", [0, 0, 0, 1, 0, 0, 0, 0, 0, 1]),
        ("piece_end", [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ],
)
def test_term_is_asked_when_its_time_comes(function: Callable[..., Any], at: str, asked: list[float]) -> None:
    brief = make_brief("jazz", TWO_SECTIONS)
    engine = Engine(brief, [weighted(function, at=at, batched=function is always_batched)])
    engine.reset([0])
    given = []
    for ticks in PLAYED:
        engine.step(np.array([action_of(brief.style, None if ticks < 0 else 0, abs(ticks))]))
        given.append(engine.state.account[0, 0])
    assert given == asked


def is_asked(at: str, m: Moment) -> bool:
    """When a term of a time is asked, in the moment's words."""
    due = {
        "event": True,
        "note": m.is_note,
        "bar_end": m.ends_bar,
        "phrase_end": m.ends_phrase,
        "section_end": m.ends_section,
        "piece_end": bool(m.is_last),
    }
    return due[at]


@pytest.mark.parametrize("style", ["jazz", "jig", "renaissance"])
def test_terms_are_asked_exactly_when_the_moment_says_so(style: str) -> None:
    # 7 bars, which no form divides, so that sections and phrases are cut by the piece's end too.
    functions = ((always, False), (always_in_python, False), (always_batched, True))
    terms = [
        WeightedTerm(replace(make_term(function), name=f"{function.__name__}_{at}", at=at, batched=batched), 1.0)
        for function, batched in functions
        for at in TIMES
    ]
    engine = Engine(make_brief(style, {"bars": 7}), terms, num_envs=5)
    engine.reset(range(5))
    times = [each.term.at for each in engine.terms]
    rng = np.random.default_rng(0)
    seen = set()
    while not engine.state.done.all():
        engine.state.actions[:] = rng.integers(0, engine.num_actions, 5)
        running = ~engine.state.done
        expected = np.zeros((5, len(times)))
        engine.midway()
        for row in np.flatnonzero(running).tolist():
            moment = engine.moment(row)
            expected[row] = [is_asked(at, moment) for at in times]
            seen |= {at for at in TIMES if is_asked(at, moment)}
        engine._score_in_python()
        assert engine.state.account[:, :-1].tolist() == expected.tolist()
        engine.finish_step()
    assert seen == set(TIMES)


# --- memory -----------------------------------------------------------------------------------------------------------

REMEMBERING = [
    weighted(counts_notes, memory=1),
    weighted(counts_notes_in_python, memory=2),
    weighted(remembers_three_pitches, memory=3),
]


def test_each_term_has_a_memory_of_its_own() -> None:
    # Tonic, rest, third, fifth: 1 1 2 3 notes; the latest pitches are 0, then 4 and 0, then 7, 4 and 0.
    engine = Engine(make_brief("jazz", {"bars": 2}), REMEMBERING)
    assert engine.python_terms == ("counts_notes_in_python",)
    engine.reset([0])
    given = []
    for pitch in (0, None, 4, 7):
        engine.step(np.array([action_of(engine.brief.style, pitch, 12)]))
        given.append(engine.state.account[0, :-1].tolist())
    assert given == [[1, 1, 0], [1, 1, 0], [2, 2, 4], [3, 3, 407]]


def test_memory_of_a_term_is_zero_where_a_piece_begins() -> None:
    engine = Engine(make_brief("jazz", {"bars": 4}), REMEMBERING, num_envs=2)
    engine.reset([0, 1])
    accounts(engine, 4)
    before = engine.state.memory.copy()
    assert before.any(axis=1).all()
    engine.reset([5], [1])
    assert engine.state.memory[0].tolist() == before[0].tolist() and not engine.state.memory[1].any()
    engine.reset_to_next(np.array([0]))
    assert not engine.state.memory.any()


def test_memory_is_zero_again_in_the_step_that_begins_the_next_piece() -> None:
    engine = Engine(make_brief("jazz", {"bars": 1}), REMEMBERING, next_step_reset=True)
    engine.reset([0])
    whole = np.array([action_of(engine.brief.style, 5, 48)])
    first = [1, 1, 5]
    for _ in range(3):
        engine.step(whole)
        assert engine.state.account[0, :-1].tolist() == first
        engine.step(whole)  # begins the next piece
        assert engine.state.account[0, :-1].tolist() == [0, 0, 0] and not engine.state.memory.any()


@pytest.mark.usefixtures("own_register")
def test_environments_begin_each_piece_without_memory() -> None:
    register_all()
    env = ComposeEnv("jazz", rewards=WEIGHTS, bars=1)
    whole = action_of(env.brief.style, 5, 48)
    venv = ComposeVectorEnv(2, "jazz", rewards=WEIGHTS, bars=1, autoreset_mode="SameStep")
    venv.reset(seed=0)
    for seed in range(3):
        env.reset(seed=seed)
        assert env.step(whole)[4]["rewards"]["counts_notes"] == 1
        shares = venv.step(np.array([whole, whole]))[4]["rewards"]
        assert shares["counts_notes"].tolist() == shares["counts_notes_in_python"].tolist() == [1, 1]


WEIGHTS: dict[str | Callable[..., Any], Weight] = {
    "counts_notes": 1.0,
    "counts_notes_in_python": 1.0,
    "remembers_three_pitches": 1.0,
}


def register_all() -> None:
    for function, memory in ((counts_notes, 1), (counts_notes_in_python, 2), (remembers_three_pitches, 3)):
        reward._REGISTER[function.__name__] = replace(make_term(function), memory=memory)


def test_snapshot_brings_memory_back() -> None:
    engine = Engine(make_brief("jazz", {"bars": 9}), REMEMBERING, num_envs=2, next_step_reset=True)
    engine.reset([0, 1])
    accounts(engine, 12)
    snapshot = engine.snapshot()
    future = accounts(engine, 60, seed=1)
    engine.restore(snapshot)
    assert accounts(engine, 60, seed=1) == future


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.usefixtures("own_register")
def test_copy_and_pickle_of_an_environment_remember(copied: Callable[[ComposeEnv], ComposeEnv]) -> None:
    register_all()
    env = ComposeEnv("jazz", rewards=WEIGHTS, bars=8)
    env.reset(seed=1)
    actions = [action_of(env.brief.style, pitch, 12) for pitch in (0, 2, 4, 5, 7)]
    for action in actions:
        env.step(action)
    other = copied(env)
    for action in actions:
        assert other.step(action)[4] == env.step(action)[4]
    assert env.step(actions[0])[4]["rewards"]["counts_notes"] == 11
    assert other.step(actions[0])[4]["rewards"]["counts_notes"] == 11, "the copy has a memory of its own"


@pytest.mark.parametrize("terms", [REMEMBERING, [REMEMBERING[0], REMEMBERING[2]]], ids=["in_python", "compiled"])
def test_trying_actions_leaves_memory_alone(terms: list[WeightedTerm]) -> None:
    engine = Engine(make_brief("jazz", {"bars": 8}), terms, num_envs=2)
    engine.reset([0, 1])
    accounts(engine, 5)
    before = engine.state.memory.copy()
    assert before.any()
    tried = engine.try_actions()
    assert engine.state.memory.tolist() == before.tolist()
    assert tried.tolist() == engine.try_actions().tolist()
    [note] = np.flatnonzero(engine.state.mask.all(axis=0))[-1:]
    engine.step(np.full(2, note))
    assert engine.state.reward.tolist() == tried[:, note].tolist()


# --- parameters -------------------------------------------------------------------------------------------------------


def mixture(m: Moment, pitch: int = 3, share: float = 0.5, negative: bool = False) -> float:
    value = share * (m.pitch - pitch) if m.is_note else 0.0
    return -value if negative else value


def mixture_in_python(m: Moment, pitch: int = 3, share: float = 0.5, negative: bool = False) -> float:
    value = share * (m.pitch - pitch) if m.is_note else float(len(NEVER))
    return -value if negative else value


@pytest.mark.parametrize("function", [mixture, mixture_in_python])
def test_each_variant_of_a_term_has_its_own_values(function: Callable[..., Any]) -> None:
    variants: list[dict[str, Parameter]] = [
        {},
        {"pitch": -5},
        {"share": 0.25},
        {"negative": True},
        {"pitch": 1, "share": -2.0, "negative": True},
    ]
    terms = [WeightedTerm(make_term(function).with_parameters(values), 1.0) for values in variants]
    engine = Engine(make_brief("jazz", {"bars": 2}), terms)
    assert bool(engine.python_terms) == (function is mixture_in_python)
    engine.reset([0])
    engine.step(np.array([action_of(engine.brief.style, 7, 12)]))
    # 0.5 (7 - 3), 0.5 (7 + 5), 0.25 (7 - 3), -0.5 (7 - 3), 2 (7 - 1)
    assert engine.state.account[0, :-1].tolist() == [2.0, 6.0, 1.0, -2.0, 12.0]


def test_parameters_keep_the_values_they_had_when_the_term_was_made() -> None:
    def late(m: Moment, value: float = 1.0) -> float:
        return value

    terms = [make_term(late), make_term(late).with_parameters({"value": 2.0})]
    late.__defaults__ = (9.0,)
    assert [term(None) for term in terms] == [1.0, 2.0]
    engine = Engine(make_brief("jazz", {"bars": 2}), [WeightedTerm(term, 1.0) for term in terms])
    engine.reset([0])
    engine.step(np.array([0]))
    assert engine.state.account[0, :-1].tolist() == [1.0, 2.0]


@pytest.mark.usefixtures("own_register")
def test_variant_keeps_time_range_and_memory() -> None:
    @reward_term(at="bar_end", low=-1, high=1, memory=1)
    def sums_up(m: Moment, step: float = 0.125) -> float:
        m.memory[0] += step
        return float(m.memory[0])

    terms = [find_term("sums_up"), find_term("sums_up(step=0.25)")]
    assert [(t.at, t.low, t.high, t.memory) for t in terms] == [("bar_end", -1, 1, 1)] * 2
    engine = Engine(make_brief("jazz", {"bars": 3}), [WeightedTerm(term, 1.0) for term in terms])
    engine.reset([0])
    whole = np.array([action_of(engine.brief.style, 0, 48)])
    for bar in range(1, 4):
        engine.step(whole)
        assert engine.state.account[0, :-1].tolist() == [0.125 * bar, 0.25 * bar]


# --- what is read compiled is what Python reads -----------------------------------------------------------------------


@njit(int64(int64))  # type: ignore[untyped-decorator]  # numba is typed in parts
def ones_compiled(bits: int) -> int:
    return ones_in(bits)


@given(st.integers(0, 2**62 - 1))
def test_ones_are_counted_alike(bits: int) -> None:
    assert ones_compiled(bits) == ones_in(bits) == bin(bits).count("1")


def reads_tones(m: Moment) -> float:
    pitch = m.pitch if m.is_note else 5
    return float(m.tone_of(pitch) + 4 * m.next_tone_of(pitch) + 16 * m.tone_of(-1) + 64 * m.next_tone_of(30))


def reads_near_notes(m: Moment) -> float:
    one, two, three = m.previous(1), m.previous(2), m.previous(3)
    first = one.pitch + 2 * two.pitch + 4 * three.pitch + one.interval * two.degree - three.onset
    return float(first + one.tick_in_bar * two.strength + three.tone - one.second + two.ticks)


def reads_far_notes(m: Moment) -> float:
    total = 0
    for k in (4, 9, 14, 15, 0):
        note = m.previous(k)
        total += note.pitch * note.ticks + note.onset - note.second + note.interval + note.degree * note.strength
    return float(total + m.previous(m.tick_in_bar // 6).pitch)


def reads_bars(m: Moment) -> float:
    total = 0.0
    for k in (0, 1, 7, 8, 63, 64):
        for field in range(NUM_PAST_FIELDS):
            total += (field + 1) * (m.bar_past(k, field) % 1_000_003)
    return total + m.rhythm_likeness(1) + m.contour_likeness(2) + ones_in(m.bar_rhythm(0)) + m.bar_pitch_sum(1)


def reads_counts(m: Moment) -> float:
    total = 0
    for k in range(-1, 18):
        total += (k + 2) * (m.window_class(k) + 2 * m.window_interval(k) + 3 * m.window_position(k))
        total += (k + 2) * m.window_length(k)
    return float(total)


def reads_sums(m: Moment) -> float:
    told = m.window_notes + 2 * m.window_rest_ticks + 3 * m.window_off_beat + 5 * m.window_turns + 7 * m.window_ascents
    chords = m.window_chord_tones + m.window_outside + m.window_strong_chord_tones + m.window_guide_tones
    return float(told + 11 * chords + m.window_motifs + m.window_held + m.window_lines + m.window_bars)


def reads_table(m: Moment) -> float:
    return (
        m.band_score(m.bar % 26, m.ticks / 24) + m.band_edge(m.bar % 26, 3) + m.n_log_n(m.window_notes) + m.n_log_n(-1)
    )


def reads_shared_words(m: Moment) -> float:
    truths = m.ends_bar + 2 * m.ends_phrase + 4 * m.ends_section + 8 * m.is_note + 16 * m.is_on_grid
    pitch = m.pitch if m.is_note else -3
    chord = m.is_chord_tone(pitch) + 2 * m.is_guide_tone(pitch) + 4 * m.is_scale_tone(pitch) + 8 * m.is_in_scale(pitch)
    return truths + 32 * chord + m.beats + m.beat + m.end + m.pulse_share + m.midi_pitch + m.ticks_to_phrase_end


class Recorded(list[int]):
    """A row of fields that notes which of them are read."""

    def __init__(self, row: Sequence[int]) -> None:
        super().__init__(row)
        self.read: set[int] = set()

    def __getitem__(self, at: Any) -> Any:
        self.read.add(at)
        return super().__getitem__(at)


@pytest.mark.parametrize("word", [word for word in moment_names() if word != "memory"])
def test_fields_that_a_word_reads_are_known_from_the_source(word: str) -> None:
    known = fields_read(f"def term(m): return float(m.{word})")
    for moment, _ in sample_moments()[::11]:
        row = Recorded(moment._now)
        asked = Moment(row, moment._obs, moment._notes, moment._past, moment._constants)
        value = getattr(asked, word)
        if callable(value):
            value(*[1] * len(inspect.signature(value).parameters))
        assert row.read <= known, {name for name, number in FIELD.items() if number in row.read - known}


READERS = (
    *(reads_tones, reads_near_notes, reads_far_notes, reads_bars, reads_counts, reads_sums, reads_table),
    reads_shared_words,
)
ROWS = 40  # more than are scored together


@cache
def engine_of(function: Callable[..., Any], at: str, style: str) -> Engine:
    """An engine that pays this term alone: what others read is not there for it to find. No piece ends in 60 events."""
    engine = Engine(make_brief(style, {"bars": 130, "second_voice": "bass"}), [weighted(function, at=at)], ROWS)
    assert not engine.python_terms
    return engine


@pytest.mark.parametrize("function", READERS)
@given(st.sampled_from(["event", "note"]), st.sampled_from(["jazz", "jig", "chinese_folk"]), st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_term_in_columns_reads_what_it_reads_in_python(
    function: Callable[..., Any], at: str, style: str, seed: int
) -> None:
    engine = engine_of(function, at, style)
    term = engine.terms[0].term
    engine.reset(range(seed, seed + ROWS))
    rng = np.random.default_rng(seed)
    few = rng.choice(engine.num_actions, 6)  # few different events, so that notes and bars return
    for event in range(60):
        engine.state.actions[:] = rng.choice(few if event % 10 else engine.num_actions, ROWS)
        engine.midway()
        for row in rng.choice(ROWS, 4):
            moment = engine.moment(row)
            value = evaluate(term, moment) if is_asked(at, moment) else 0.0
            assert engine.state.account[row, 0] == value, (event, row)
        engine.finish_step()


def remembers_backwards(m: Any) -> float:
    m.memory[-1] += 1.0
    return float(m.memory[1]) + len(m.memory)


def reaches_too_far(m: Any) -> float:
    m.memory[0] += 1.0
    if m.bars == 40 and m.bar >= 20:
        m.memory[m.bar] = 7.0
    return 0.0


def test_memory_is_as_long_as_it_was_asked_for() -> None:
    engine = Engine(make_brief("jazz", {"bars": 4}), [weighted(remembers_backwards, memory=2)], 3)
    assert engine.python_terms == ()
    engine.reset(range(3))
    engine.step(np.zeros(3, np.int64))
    engine.step(np.zeros(3, np.int64))
    assert engine.state.reward.tolist() == [4.0, 4.0, 4.0]  # asked twice, and two floats long


def test_index_beyond_the_memory_is_told_and_reaches_nobody_else() -> None:
    terms = [weighted(reaches_too_far, memory=1), weighted(remembers_backwards, memory=2)]
    engine = Engine(make_brief("jazz", {"bars": 40}), terms, 2)
    assert engine.python_terms == ()
    engine.reset(range(2))
    whole = np.full(2, 10)  # a rest of a bar
    with pytest.raises(RewardTermError, match=r"'reaches_too_far' raised IndexError.*at bar 21, beat 1"):
        for _ in range(40):
            engine.step(whole)
    assert engine.state.memory[1].tolist()[1:] == [0.0, 20.0], "the other term's two floats are its own"
