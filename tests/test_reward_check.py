"""The checker of reward terms: what is in order passes, and each fault that it promises to find is found."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rlcompose import reward
from rlcompose.engine.core import RewardTermError
from rlcompose.engine.moment import Moment
from rlcompose.engine.moments import Moments
from rlcompose.errors import RlcomposeError
from rlcompose.reward import Term, load_terms, make_term
from rlcompose.testing import RewardCheckError, RewardReport, check_reward

SEEN: list[int] = []
TABLE = {0: 1.0, 7: 0.5}
COUNT = 0


def families() -> dict[str, list[str]]:
    """The built-in terms by family."""
    found: dict[str, list[str]] = {}
    for name, term in sorted(load_terms().items()):
        if term.function.__module__.startswith("rlcompose.rewards."):
            found.setdefault(term.family, []).append(name)
    return found


SOME = [name for names in families().values() for name in dict.fromkeys((names[0], names[-1]))]


def term_of(function: Callable[..., Any], **said: Any) -> Term:
    return replace(make_term(function), **said)


# --- what is in order -------------------------------------------------------------------------------------------------


def check_built_in(name: str) -> None:
    term, report = load_terms()[name], check_reward(name)
    assert report.name == name
    assert (report.compiled, report.reason) == ((False, "it is batched") if term.batched else (True, ""))
    assert term.low is not None and term.high is not None
    assert term.low <= report.low <= report.high <= term.high
    assert report.asked > 30 and report.nanoseconds >= 0


@pytest.mark.parametrize("name", SOME)
def test_built_in_term_passes(name: str) -> None:
    check_built_in(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for names in families().values() for name in names if name not in SOME])
def test_every_built_in_term_passes(name: str) -> None:
    check_built_in(name)


def test_term_that_is_always_one_fires_at_every_event() -> None:
    def always(m: Moment) -> float:
        return 1.0

    report = check_reward(always)
    assert (report.name, report.low, report.high, report.fires) == ("always", 1.0, 1.0, 1.0)
    assert report.asked > 500


def test_silence_does_not_count_for_how_often_a_term_fires() -> None:
    def rest(m: Moment) -> float:
        return 1.0 if m.is_rest else 0.0

    # Silence in jazz is full of its shortest rests, of 2 ticks: two pieces of one bar and two of twelve, of 48 ticks,
    # have 624. Elsewhere few of the legal actions are rests.
    assert 0 < check_reward(rest).fires < 0.2


def test_seed_makes_other_pieces_and_the_same_again() -> None:
    def height(m: Moment) -> float:
        return m.pitch / 12 if m.is_note else 0.0

    one, again, other = (replace(check_reward(height, seed=seed), nanoseconds=0.0) for seed in (1, 1, 2))
    assert one == again != other


def low_ending(m: Moment, pitch: int = 0, strict: bool = False) -> float:
    return 1.0 if m.is_note and (m.pitch < pitch or m.pitch == pitch and not strict) else 0.0


@pytest.mark.usefixtures("own_register")
def test_term_with_parameters_is_checked_with_their_values() -> None:
    reward._REGISTER["low_ending"] = term_of(low_ending, at="phrase_end", low=0, high=1)
    low, high = check_reward("low_ending(pitch=-13)"), check_reward("low_ending(pitch=30)")
    assert (low.name, high.name) == ("low_ending(pitch=-13)", "low_ending(pitch=30)")
    assert low.fires == 0 and high.fires > 0.5 and low.compiled and high.compiled


def fades(m: Moment) -> float:
    m.memory[0] += 1.0 if m.is_note else 0.0
    return float(1.0 / (1.0 + m.memory[0]))


def fades_in_python(m: Moment) -> float:
    m.memory[0] += 1.0 if m.is_note else TABLE.get(-1, 0.0)
    return float(1.0 / (1.0 + m.memory[0]))


@pytest.mark.parametrize("function", [fades, fades_in_python])
def test_term_with_memory_is_no_term_with_a_state_of_its_own(function: Callable[[Moment], float]) -> None:
    report = check_reward(term_of(function, memory=1, low=0, high=1))
    assert report.compiled == (function is fades)
    assert report.high == 1.0 and 0 < report.low < 0.05, "a piece of many notes begins with none"


def test_batched_term_is_checked() -> None:
    def heights(ms: Moments) -> Any:
        return np.where(ms.is_note, ms.pitch / 30, 0.0)

    report = check_reward(term_of(heights, batched=True, low=-1, high=1))
    assert not report.compiled and report.reason == "it is batched"
    assert -12 / 30 <= report.low < 0 < report.high <= 1


def test_term_in_python_is_checked_and_the_reason_told() -> None:
    def listed(m: Moment) -> float:
        return TABLE.get(m.pitch % 12, 0.0) if m.is_note else 0.0

    report = check_reward(term_of(listed, at="note", low=0, high=1))
    assert not report.compiled and report.reason == "it uses TABLE, a dict, which can change while it runs"
    # Two of twelve pitch classes.
    assert 0.1 < report.fires < 0.25 and report.nanoseconds > 0


# --- what is not ------------------------------------------------------------------------------------------------------


def divides_by_the_interval(m: Moment) -> float:
    return 1.0 / m.interval


def fails_late(m: Moment) -> float:
    return 1.0 / (m.bar - 10)


def fails_late_in_python(m: Moment) -> float:
    return 1.0 / (m.bar - 10) + len(TABLE)


def fails_in_silence(m: Moment) -> float:
    return m.num_events / (m.num_notes if m.num_events > 40 else 1)


def fails_without_chords(m: Moment) -> float:
    return 1.0 / (m.chord_quality if m.bar == 3 else 1)


def fails_in_a_piece_of_one_event(m: Moment) -> float:
    return 1.0 / (1 if m.num_events > 1 else 1 - m.is_last)


def fails_where_a_motif_returns(m: Moment) -> float:
    return 1.0 / (1 if m.matches < 2 else 0)


def no_number(m: Moment) -> float:
    return float("nan") if m.bar == 11 else 0.0


def infinite(m: Moment) -> float:
    return float("inf") if m.bar == 11 else 0.0


def text(m: Moment) -> Any:
    return "much" if m.bar == 11 else 0.0


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (divides_by_the_interval, "'divides_by_the_interval' raised ZeroDivisionError: .*, at bar 1, beat 1"),
        (fails_late, r"'fails_late' raised ZeroDivisionError: .* \(line \d+ of .*\), at bar 11, beat"),
        (fails_late_in_python, "'fails_late_in_python' raised ZeroDivisionError: .*, at bar 11, beat"),
        (fails_in_silence, "'fails_in_silence' raised ZeroDivisionError: .*, at bar 2, beat"),
        (fails_without_chords, "'fails_without_chords' raised ZeroDivisionError: .*, at bar 4, beat"),
        (
            fails_in_a_piece_of_one_event,
            "'fails_in_a_piece_of_one_event' raised ZeroDivisionError: .*, at bar 1, beat 1",
        ),
        (fails_where_a_motif_returns, "'fails_where_a_motif_returns' raised ZeroDivisionError: "),
        (no_number, "'no_number' gave nan at bar 12, beat"),
        (infinite, "'infinite' gave inf at bar 12, beat"),
        (text, "'text' gave 'much' at bar 12, beat"),
    ],
)
def test_term_that_fails_is_told_with_its_place(function: Callable[..., Any], told: str) -> None:
    with pytest.raises(RewardTermError, match=told):
        check_reward(function)


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (-1, 1, r"gave -1 to [12]\.?\d*: it declares low=-1, high=1"),
        (0, 3, r"gave -1 to [12]\.?\d*: it declares low=0, high=3"),
        (-0.5, None, "it declares low=-0.5, high=None"),
        (None, 0.5, "it declares low=None, high=0.5"),
    ],
)
def test_range_that_is_left_is_told(low: float | None, high: float | None, told: str) -> None:
    def octaves(m: Moment) -> float:
        return m.pitch / 12 if m.is_note else 0.0

    with pytest.raises(RewardCheckError, match=f"reward term 'octaves' {told}" if "gave" in told else told):
        check_reward(term_of(octaves, low=low, high=high))
    assert check_reward(term_of(octaves, low=-1, high=2.5)).high > 1


def by_chance(m: Moment) -> float:
    return random.random()


def by_numpys_chance(m: Moment) -> float:
    return float(np.random.default_rng().random())


def by_a_list(m: Moment) -> float:
    SEEN.append(m.bar)
    return float(len(SEEN) % 2)


def by_an_attribute(m: Moment) -> float:
    by_an_attribute.calls = 1 - getattr(by_an_attribute, "calls", 0)  # type: ignore[attr-defined]
    return float(by_an_attribute.calls)  # type: ignore[attr-defined]


def batch_by_chance(ms: Moments) -> Any:
    return np.random.default_rng().random(len(ms))


@pytest.mark.parametrize(
    "term",
    [
        *(make_term(function) for function in (by_chance, by_numpys_chance, by_a_list, by_an_attribute)),
        term_of(batch_by_chance, batched=True),
    ],
    ids=lambda term: term.name,
)
def test_chance_and_state_of_its_own_are_told(term: Term) -> None:
    with pytest.raises(RewardCheckError, match=f"'{term.name}' gave .* and, asked again about the same moment, .*: a "):
        check_reward(term)


def counts_up(m: Moment) -> float:
    global COUNT
    COUNT += 1
    return 0.0


def forgets(m: Moment) -> float:
    global COUNT
    if m.bar == 900:
        del COUNT
    return 0.0


@pytest.mark.parametrize("function", [counts_up, forgets])
def test_written_global_is_told_even_where_it_changes_nothing(function: Callable[..., Any]) -> None:
    told = f"'{function.__name__}' changes the global 'COUNT', which all pieces share: keep .* in m.memory"
    with pytest.raises(RewardCheckError, match=told):
        check_reward(function)


def frequency(m: Moment) -> float:
    return float(2**m.pitch) if m.is_note else 0.0


def frequency_of_floats(m: Moment) -> float:
    return 2.0 ** (m.pitch / 12) if m.is_note else 0.0


def test_power_of_whole_numbers_differs_compiled() -> None:
    # 2 ** -1 is 0.5 in Python, and no whole number.
    with pytest.raises(RewardCheckError, match=r"'frequency' gave 0\.\d+ and, compiled, 0\.0: Python and machine code"):
        check_reward(frequency)
    assert check_reward(frequency_of_floats).compiled


def one_too_few(ms: Moments) -> Any:
    return np.zeros(len(ms) - 1)


def batch_without_number(ms: Moments) -> Any:
    return np.where(ms.bar == 11, np.nan, 0.0)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (one_too_few, "batched reward term 'one_too_few' gave an array of shape"),
        (batch_without_number, "'batch_without_number' gave nan at bar 12, beat"),
    ],
)
def test_wrong_batch_is_told(function: Callable[..., Any], told: str) -> None:
    with pytest.raises(RewardTermError, match=told):
        check_reward(term_of(function, batched=True))


def test_unknown_term_is_told_with_the_nearest() -> None:
    with pytest.raises(RlcomposeError, match="unknown reward term 'motiv': did you mean 'motif'"):
        check_reward("motiv")


# --- the report -------------------------------------------------------------------------------------------------------


def test_report_is_one_line() -> None:
    report = RewardReport("motif", 0.0, 0.5, 0.25, 400, True, "", 12.4)
    assert str(report) == "motif: 0 to 0.5, fires at 25.0% of 400 events, runs compiled, 12 ns each"


def test_report_tells_why_a_term_runs_in_python() -> None:
    report = RewardReport("mine", -1.0, 1.0, 0.001, 1234, False, "it is batched", 2_540.0)
    assert str(report) == "mine: -1 to 1, fires at 0.1% of 1234 events, runs in Python (it is batched), 2.5 us each"


def test_report_of_a_term_that_never_rises_ends_at_zero() -> None:
    def falls(m: Moment) -> float:
        return -(abs(m.interval) / 43)

    # -0.0 where nothing is to blame.
    assert " to 0, fires" in str(check_reward(falls))
