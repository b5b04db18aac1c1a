"""The one door through which built-in terms and a user's come in: names, weights, and what is refused at it."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rlcompose import reward
from rlcompose.env import ComposeEnv
from rlcompose.errors import RlcomposeError
from rlcompose.plugins import load_file
from rlcompose.reward import find_term, load_terms, make_term, parse_weight, reward_term, weigh_terms
from rlcompose.style import load_style, style_names

SIX_LINES = """
from rlcompose import reward_term

@reward_term
def high_notes(m):
    if m.is_rest:
        return 0.0
    return m.pitch / 8
"""


@pytest.fixture(autouse=True)
def register(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The register, as it was again after the test."""
    load_terms()
    copy = dict(reward._REGISTER)
    monkeypatch.setattr(reward, "_REGISTER", copy)
    yield copy


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def term_file(folder: Path, body: str, name: str = "mine") -> Path:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    text = f"from rlcompose import reward_term\n\n@reward_term\ndef {name}(m):\n{lines}\n"
    return write(folder / f"{name}.py", text)


def paid(rewards: Any, *actions: int) -> list[dict[str, float]]:
    """The account of each action in a piece in C from middle C up: 11 durations, slot 13 is the tonic."""
    env = ComposeEnv("jazz", rewards=rewards, key="C", register=60)
    env.reset(seed=0)
    return [env.step(action)[4]["rewards"] for action in actions]


def test_file_of_six_lines_is_compiled_and_paid(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_file(write(tmp_path / "mine.py", SIX_LINES))
    with caplog.at_level(logging.WARNING, "rlcompose"):
        accounts = paid({"high_notes": 0.5}, 17 * 11 + 3, 0)  # a third above the tonic, then a rest
    assert [account["high_notes"] for account in accounts] == [0.25, 0.0]
    assert not caplog.records, "nothing is said of Python"


def test_edited_file_pays_its_new_value(tmp_path: Path) -> None:
    for divisor in (8, 2):
        load_file(write(tmp_path / "mine.py", SIX_LINES.replace("/ 8", f"/ {divisor}")))
        assert paid({"high_notes": 1.0}, 17 * 11 + 3)[0]["high_notes"] == 4 / divisor


def test_two_files_that_claim_one_name_are_refused(tmp_path: Path) -> None:
    load_file(write(tmp_path / "one.py", SIX_LINES))
    with pytest.raises(RlcomposeError, match=r"'high_notes' of .*two.py is already defined in .*one.py: rename it"):
        load_file(write(tmp_path / "two.py", SIX_LINES))


def test_built_in_name_cannot_be_taken(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match=r"'motif' of .* is already defined in .*form.py"):
        load_file(term_file(tmp_path, "return 0.0", "motif"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "return 1 / (m.pitch - m.pitch)",
            r"'mine' raised ZeroDivisionError: .* \(line 5 of .*mine.py\), at bar 1, beat",
        ),
        ("return float('nan')", "'mine' gave nan at bar 1, beat 1: allowed are finite numbers"),
        ("return 'much'", "'mine' gave 'much' at bar 1, beat 1: allowed are finite numbers"),
        ("m.pitch", "'mine' gave None at bar 1, beat 1: allowed are finite numbers"),
        ("return m.ptich", "'mine' raised AttributeError: .*'ptich': did you mean 'pitch'"),
        ("return 1.0 if m.bar < 900 else m.ptich", "reward term 'mine': 'ptich': did you mean 'pitch'"),
        ("return m.previous(1).picth", "'mine' raised AttributeError: .*'picth'"),
        ("return pitch", "'mine' raised NameError"),
    ],
)
def test_wrong_term_is_told_by_name_when_it_is_loaded(tmp_path: Path, body: str, message: str) -> None:
    load_file(term_file(tmp_path, body))
    with pytest.raises(RlcomposeError, match=message):
        ComposeEnv("jazz", rewards={"mine": 1.0})


def test_term_that_fails_in_a_later_bar_stops_there(tmp_path: Path) -> None:
    load_file(term_file(tmp_path, "return 1.0 / (m.bar - 2) if m.bars == 32 else 0.0"))
    env = ComposeEnv("jazz", rewards={"mine": 1.0}, progression="standard_aaba")
    env.reset(seed=0)
    with pytest.raises(RlcomposeError, match=r"'mine' raised ZeroDivisionError.*, at bar 3, beat 1"):
        for _ in range(3):
            env.step(10)  # a rest of a bar


def test_term_with_a_changeable_global_runs_in_python_and_it_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    body = "COUNT.append(1)\nreturn float(len(COUNT))"
    path = term_file(tmp_path, body)
    path.write_text("COUNT = []\n" + path.read_text())
    module = load_file(path)
    with caplog.at_level(logging.WARNING, "rlcompose"):
        first = paid({"mine": 1.0}, 0, 0)
        paid({"mine": 1.0}, 0)
    assert first[1]["mine"] == first[0]["mine"] + 1 and len(module.COUNT) == first[1]["mine"] + 1
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 1
    assert "'mine' runs in Python" in messages[0] and "it uses COUNT, a list" in messages[0]


def test_terms_are_added_as_functions() -> None:
    def even_bar(m: Any) -> float:
        return float(m.bar % 2 == 0)

    account = paid([even_bar], 0)[0]
    assert account["even_bar"] == 1.0 and "phrase_ending" in account
    assert "even_bar" not in load_terms()


def test_unknown_term_is_told_with_the_nearest() -> None:
    with pytest.raises(RlcomposeError, match="unknown reward term 'motiv': did you mean 'motif'"):
        find_term("motiv")
    with pytest.raises(RlcomposeError, match="did you mean 'stepwise_motion'"):
        ComposeEnv("jazz", rewards={"stepwise_moton": 0.0})


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), "1", None, True])
def test_weight_must_be_a_finite_number(weight: Any) -> None:
    with pytest.raises(RlcomposeError, match="the weight of reward term 'motif' is .*: allowed are finite numbers"):
        weigh_terms({}, {"motif": weight})


def test_choice_changes_adds_and_turns_off() -> None:
    weighed = weigh_terms({"motif": 1.0, "varied_pitch": 2.0}, {"varied_pitch": 0, "leap_recovery": 0.5})
    assert [(w.term.name, w.weight) for w in weighed] == [("leap_recovery", 0.5), ("motif", 1.0)]


def test_order_of_terms_is_that_of_their_times_and_names() -> None:
    weights = {"phrase_ending": 1.0, "varied_pitch": 1.0, "motif": 1.0, "leap_recovery": 1.0}
    one, other = weigh_terms(weights), weigh_terms(dict(reversed(weights.items())))
    times = list(reward.TIMES)
    assert one == other
    assert [w.term for w in one] == sorted((w.term for w in one), key=lambda term: (times.index(term.at), term.name))


@pytest.mark.parametrize("choice", ["motif", make_term, 5])
def test_choice_must_be_a_mapping_or_a_list(choice: Any) -> None:
    with pytest.raises(RlcomposeError, match="give a mapping from names to weights, or a list of functions"):
        weigh_terms({}, choice)


@pytest.mark.parametrize("style", style_names())
def test_every_term_that_a_style_names_exists(style: str) -> None:
    assert {weighted.term.name for weighted in weigh_terms(load_style(style).rewards)} <= set(load_terms())


@pytest.mark.parametrize("name", sorted(load_terms()))
def test_built_in_term_says_what_it_gives_in_one_line(name: str) -> None:
    term = load_terms()[name]
    assert term.summary.endswith(".") and Path(term.file).parent.name == "rewards"


def illegal(m: Any) -> float:
    return 0.0


def two_arguments(m: Any, k: int) -> float:
    return 0.0


def no_argument() -> float:
    return 0.0


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (illegal, "the name 'illegal' is taken by the penalty for illegal actions"),
        (two_arguments, r"'two_arguments' must take one argument, the moment: def two_arguments\(m\)"),
        (no_argument, "'no_argument' must take one argument"),
        (lambda m: 0.0, "a reward term is a named function"),
        (functools.partial(two_arguments, k=1), "a reward term is a named function"),
        (3, "a reward term is a named function"),
    ],
)
def test_what_is_no_term_is_refused(function: Any, message: str) -> None:
    with pytest.raises(RlcomposeError, match=message):
        reward_term(function)


def test_weight_of_the_command_line_is_read() -> None:
    assert parse_weight("stepwise_motion=0.5") == ("stepwise_motion", 0.5)


@pytest.mark.parametrize("text", ["motif", "motif=", "motif=much", "=1", "two words=1", "motif=1..", "motif=1@"])
def test_weight_of_the_command_line_that_is_none_is_told(text: str) -> None:
    with pytest.raises(RlcomposeError, match="is not TERM=WEIGHT, for example stepwise_motion=0.5"):
        parse_weight(text)


@pytest.mark.parametrize("text", ["motif=nan", "motif=0..inf"])
def test_infinite_weight_of_the_command_line_is_told_by_the_terms_name(text: str) -> None:
    with pytest.raises(RlcomposeError, match="the weight of reward term 'motif' is .*: allowed are finite numbers"):
        parse_weight(text)


# --- parameters ---


@reward_term(at="bar_end", low=0, high=1)
def low_ending(m: Any, pitch: int = 0, strict: bool = False) -> float:
    return 1.0 if m.is_note and (m.pitch < pitch or m.pitch == pitch and not strict) else 0.0


@pytest.mark.usefixtures("register")
def test_term_of_another_parameter_is_another_term_of_the_same_function() -> None:
    reward._REGISTER["low_ending"] = make_term(low_ending)
    term = find_term("low_ending(pitch = -5)")
    assert (term.name, term.parameters) == ("low_ending(pitch=-5)", (("pitch", -5), ("strict", False)))
    assert (term.at, term.low, term.high) == ("bar_end", 0, 1)
    assert find_term("low_ending").name == "low_ending"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("low_ending(pich=1)", "unknown parameter of reward term 'low_ending': 'pich': did you mean 'pitch'"),
        ("low_ending(pitch='C')", "is no reward term with parameters: write it as in"),
        ("low_ending(1)", "is no reward term with parameters: write it as in"),
        ("low_ending(pitch=)", "is no reward term with parameters: write it as in"),
        ("low_ending(pitch=True)", "parameter pitch of reward term 'low_ending' is True: allowed is a finite number"),
        ("low_ending(strict=1)", "parameter strict of reward term 'low_ending' is 1: allowed is True or False"),
        ("low_endign(pitch=1)", "unknown reward term 'low_endign': did you mean 'low_ending'"),
    ],
)
def test_wrong_parameter_is_told(name: str, told: str) -> None:
    reward._REGISTER["low_ending"] = make_term(low_ending)
    with pytest.raises(RlcomposeError) as error:
        find_term(name)
    assert told in str(error.value)


def test_both_of_a_term_are_paid_side_by_side() -> None:
    reward._REGISTER["low_ending"] = make_term(low_ending)
    # A bar ends with a whole note on the tonic, 0: it is low for 0 and above -5.
    [account] = paid({"low_ending": 1.0, "low_ending(pitch=-5)": 1.0}, 13 * 11 + 10)
    assert (account["low_ending"], account["low_ending(pitch=-5)"]) == (1.0, 0.0)


# --- what a term says of itself ---


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"at": "bar"}, "unknown time (at=) of reward term 'illegal': 'bar': did you mean 'bar_end'"),
        ({"low": "0"}, "low of reward term 'illegal' is '0': allowed is a number"),
        ({"low": 1, "high": 0}, "has low=1 above high=0"),
        ({"memory": 65}, "memory of reward term 'illegal' is 65: allowed are 0 to 64 numbers"),
        ({"memory": 1, "batched": True}, "is batched and has memory"),
    ],
)
def test_what_a_term_cannot_say_of_itself_is_told(said: dict[str, Any], told: str) -> None:
    with pytest.raises(RlcomposeError) as error:
        reward_term(**said)(illegal)
    assert told in str(error.value)


@pytest.mark.parametrize("value", ["C", None, float("inf")])
def test_default_of_a_parameter_must_be_a_number(value: Any) -> None:
    def wordy(m: Any, pitch: Any = value) -> float:
        return 0.0

    with pytest.raises(RlcomposeError, match="parameter pitch of reward term 'wordy' is .*: allowed are numbers"):
        make_term(wordy)


# --- schedules ---


def test_weight_of_a_schedule_goes_in_straight_lines() -> None:
    # 0 until a fifth is done, then up to 1 at the half, where it stays.
    [weighted] = weigh_terms({}, {"motif": [(0.2, 0.0), (0.5, 1.0)]})
    assert weighted.weight == 1.0
    assert [weighted.weight_at(share) for share in (0.0, 0.2, 0.35, 0.5, 1.0)] == pytest.approx([0, 0, 0.5, 1, 1])


def test_weight_without_a_schedule_stays() -> None:
    [weighted] = weigh_terms({"motif": 2.0})
    assert [weighted.weight_at(share) for share in (0.0, 0.5, 1.0)] == [2.0, 2.0, 2.0]


def test_weight_may_jump_within_a_schedule() -> None:
    [weighted] = weigh_terms({}, {"motif": [(0.0, 1.0), (0.5, 1.0), (0.5, 3.0), (1.0, 3.0)]})
    assert [weighted.weight_at(share) for share in (0.0, 0.49, 0.5, 1.0)] == [1.0, 1.0, 3.0, 3.0]


def test_term_that_a_schedule_turns_off_is_still_paid_until_then() -> None:
    [weighted] = weigh_terms({"motif": 1.0}, {"motif": [(0.0, 1.0), (1.0, 0.0)]})
    assert (weighted.weight, weighted.weight_at(0.25)) == (0.0, 0.75)


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        ([], "allowed are finite numbers, or a schedule"),
        ([0.5, 1.0], "allowed are finite numbers, or a schedule"),
        ([(0, 1, 2)], "allowed are finite numbers, or a schedule"),
        ([(0, "1")], "allowed are finite numbers, or a schedule"),
        ([(0.5, 0), (0.2, 1)], "they must rise from 0 to 1"),
        ([(0, 0), (1.5, 1)], "they must rise from 0 to 1"),
    ],
)
def test_schedule_that_is_none_is_told(schedule: Any, told: str) -> None:
    with pytest.raises(RlcomposeError) as error:
        weigh_terms({}, {"motif": schedule})
    assert "reward term 'motif'" in str(error.value) and told in str(error.value)


def test_pattern_weighs_all_terms_whose_names_fit_it_and_a_name_beside_it_has_its_own() -> None:
    paid = {weighted.term.name: weighted.weight for weighted in weigh_terms({"usual_*": 0.4, "usual_steps": 2.0})}
    bands = {name for name in load_terms() if name.startswith("usual_")}
    assert set(paid) == bands and len(bands) > 20
    assert paid["usual_steps"] == 2.0 and paid["usual_leaps"] == 0.4


def test_pattern_of_a_choice_holds_for_the_style_s_names_too() -> None:
    paid = weigh_terms({"usual_steps": 2.0, "motif": 1.0}, {"usual_*": 0, "usual_leaps": 0.5})
    assert {weighted.term.name: weighted.weight for weighted in paid} == {"motif": 1.0, "usual_leaps": 0.5}


def test_pattern_that_fits_no_term_is_told() -> None:
    with pytest.raises(RlcomposeError, match=r"unknown reward terms 'usaul_\*': did you mean 'usual_"):
        weigh_terms({}, {"usaul_*": 1.0})
