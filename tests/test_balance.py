"""The balance of terms: what is counted by hand, and the command, with and without real music and a trained agent."""

from __future__ import annotations

import gzip
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rlcompose import rewards as command
from rlcompose.agent import find_agent, play
from rlcompose.balance import (
    Account,
    Speech,
    account_of,
    costs,
    effect_size,
    per_bar,
    played_accounts,
    players,
    real_accounts,
    shares,
    speeches,
    twins,
    with_bass,
)
from rlcompose.brief import BASS, make_brief
from rlcompose.codec import perform
from rlcompose.engine.moment import Moment
from rlcompose.errors import RlcomposeError
from rlcompose.reward import WeightedTerm, find_term, load_terms, make_term, settled, weigh_terms
from rlcompose.style import load_style

JAZZ = load_style("jazz")
PAID = {weighted.term.name: weighted.weight for weighted in settled(weigh_terms(JAZZ.rewards))}
FOUR_BARS = make_brief(JAZZ, {"bars": 4})
UNSORTED = [find_term(name) for name in ("phrase_ending", "varied_pitch", "clean_ending", "motif", "lively_bar")]
SEEN: list[int] = []


def account(values: list[list[float]], notes: int = 4, bars: int = 2) -> Account:
    return Account(np.array(values, np.float64), notes, bars)


def columns(*values: list[float]) -> Any:
    return np.array(values, np.float64).T


# --- what is counted --------------------------------------------------------------------------------------------------


def test_shares_are_parts_of_the_sum_of_sizes() -> None:
    # 2 x 3, -4 x 1 and 1 x 2 make 6, -4 and 2: twelve in size.
    parts = shares(np.array([3.0, 1.0, 2.0, 7.0]), np.array([2.0, -4.0, 1.0, 0.0]))
    assert parts.tolist() == pytest.approx([6 / 12, -4 / 12, 2 / 12, 0])
    assert np.abs(parts).sum() == pytest.approx(1)


def test_where_nothing_is_paid_no_term_has_a_share() -> None:
    assert shares(np.array([3.0, 1.0]), np.array([0.0, 0.0])).tolist() == [0, 0]
    assert shares(np.array([0.0, 0.0]), np.array([1.0, 2.0])).tolist() == [0, 0]


def test_effect_size_is_the_difference_in_deviations() -> None:
    # 1 and 3 have the mean 2 and the variance 2, 0 and 0 have 0 and 0: 2 by the root of 1. Equal samples have none.
    one, other = columns([1, 3], [5, 5], [0, 2]), columns([0, 0], [5, 5], [1, 3])
    assert effect_size(one, other).tolist() == pytest.approx([2, 0, -1 / math.sqrt(2)])


def test_effect_of_what_never_varies_is_none() -> None:
    assert effect_size(columns([1, 1]), columns([0, 0])).tolist() == [0]
    assert effect_size(columns([1]), columns([0])).tolist() == [0], "nor has a single piece an effect"


def test_twins_are_pairs_that_go_together() -> None:
    values = columns([0, 1, 2, 3], [5, 7, 9, 11], [3, 2, 1, 0], [4, 4, 4, 4], [0, 1, 0, 1])
    # The second is the first, stretched; the third goes the other way; the fourth stands still.
    [(one, other, correlation)] = twins(["a", "b", "c", "d", "e"], values)
    assert (one, other) == ("a", "b") and correlation == pytest.approx(1)
    # a and e: covariance 0.25, deviations 1.118 and 0.5.
    found = twins(["a", "b", "c", "d", "e"], values, above=0.4)
    assert [pair[:2] for pair in found] == [("a", "b"), ("a", "e"), ("b", "e")]
    assert found[1][2] == pytest.approx(1 / math.sqrt(5))


@pytest.mark.parametrize("values", [columns([1, 1]), columns([1, 2]), columns([1, 1], [2, 2])])
def test_a_term_alone_has_no_twin(values: Any) -> None:
    assert twins(["a", "b"], values) == []


def test_values_are_told_by_the_bar() -> None:
    # 1 + 2 + 3 in 2 + 4 bars; -6 in six.
    accounts = [account([[1, -6], [2, 0]], bars=2), account([[3, 0]], bars=4)]
    assert per_bar(accounts).tolist() == [1, -1]


def test_a_term_speaks_by_its_events_and_by_what_order_changes() -> None:
    # The first fires at 3 of 8 notes. For a note it gives 1/4 and 2/4 in real pieces, 0 and 0 in shuffled ones: the
    # means differ by 3/8, and the deviation is the root of half of 1/32. The second gives the same in any order.
    real = [account([[1, 1], [0, 1], [0, 1], [0, 1]]), account([[1, 1], [0, 1], [1, 1], [0, 1]])]
    shuffled = [account([[0, 1]] * 4), account([[0, 1]] * 4)]
    first, second = speeches(real, shuffled)
    assert first == Speech(pytest.approx(3 / 8), pytest.approx(3 / 8 / math.sqrt(1 / 64)))  # type: ignore[arg-type]
    assert second == Speech(1.0, 0.0)


def test_account_is_that_of_the_performance_in_the_order_asked_for() -> None:
    [piece] = play(find_agent("random").made(), FOUR_BARS, (), [3])
    found = account_of(FOUR_BARS, piece.seed, piece.actions, UNSORTED)
    performance = perform(FOUR_BARS, piece.seed, piece.actions, [WeightedTerm(term, 1.0) for term in UNSORTED])
    order = [performance.names.index(term.name) for term in UNSORTED]
    assert found.values.tolist() == performance.account[:, order].tolist()
    assert (found.notes, found.bars) == (len(performance.composition.notes), 4)
    assert found.values.any(axis=0).sum() >= 2, "terms gave something"


def test_account_of_terms_in_python_is_the_same() -> None:
    def length(m: Moment) -> float:
        return m.ticks / 48

    def length_in_python(m: Moment) -> float:
        SEEN.append(1)
        return m.ticks / 48

    [piece] = play(find_agent("random").made(), FOUR_BARS, (), [3])
    found = account_of(FOUR_BARS, 3, piece.actions, [make_term(length_in_python), make_term(length)])
    assert found.values[:, 0].tolist() == found.values[:, 1].tolist()
    assert found.values[:, 0].sum() == pytest.approx(4)  # whole notes


def test_counterpoint_is_given_a_bass_unless_a_voice_is_given() -> None:
    assert with_bass(FOUR_BARS).second_voice == BASS
    told = make_brief(JAZZ, {"bars": 4, "second_voice": "C3:48", "key": "C"})
    assert with_bass(told).second_voice == told.second_voice != BASS


def test_players_are_accounted_for_what_they_are_paid() -> None:
    paid = weigh_terms({"motif": 1.0, "stepwise_motion": 1.0})
    terms = [weighted.term for weighted in paid]
    returns = {}
    for name, agent in players(FOUR_BARS, None).items():
        accounts = played_accounts(agent, FOUR_BARS, paid, terms, [1, 2, 3])
        assert [each.bars for each in accounts] == [4, 4, 4]
        returns[name] = float(per_bar(accounts).sum())
    assert list(returns) == ["random", "greedy"] and returns["greedy"] > returns["random"]


def test_trained_agent_is_a_player_of_its_own() -> None:
    agent = find_agent("greedy").made()
    assert list(players(FOUR_BARS, agent)) == ["random", "greedy", "trained"]
    assert players(FOUR_BARS, agent)["trained"] is agent


def test_costs_are_nanoseconds_by_the_share_of_events() -> None:
    def heavy(m: Moment) -> float:
        total = 0.0
        for k in range(1, 15):
            total += math.exp(m.previous(k).pitch / 99)
        return total

    def heavy_in_python(m: Moment) -> float:
        SEEN.append(1)
        return heavy(m)

    def heavy_batch(ms: Any) -> Any:
        return sum(np.exp(ms.previous(k)["pitch"] / 99) for k in range(1, 15))

    terms = [
        make_term(heavy),
        replace(make_term(heavy), name="heavy_at_the_end", at="piece_end"),
        make_term(heavy_in_python),
        replace(make_term(heavy_batch), batched=True),
    ]
    everywhere, at_the_end, in_python, batched = costs(FOUR_BARS, terms)
    assert all(math.isfinite(cost) and cost > 0 for cost in (everywhere, in_python, batched))
    assert 0 <= at_the_end < everywhere < in_python


def test_every_built_in_term_has_a_cost() -> None:
    terms = list(load_terms().values())
    found = costs(FOUR_BARS, terms)
    assert len(found) == len(terms) and all(math.isfinite(cost) and cost >= 0 for cost in found)
    assert sum(cost > 0 for cost in found) > len(found) / 2


# --- real music -------------------------------------------------------------------------------------------------------

NOTES = "piece,onset,dur,pitch,pos,metre,key_pc,mode,tempo\n"
BEATS = "piece,tick,chord_root,chord_qual\n"


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three solos of four bars, scales and broken chords over C major, as the database's tables hold them."""
    folder = tmp_path / "data"
    folder.mkdir()
    lines = {"a": (60, 62, 64, 65, 67, 69, 71, 72), "b": (60, 64, 67, 72, 67, 64), "c": (72, 71, 69, 67, 65, 64, 62)}
    notes, beats = NOTES, BEATS
    for piece, pitches in lines.items():
        beats += f"{piece},0,0,maj\n"
        for number in range(32):
            pitch = pitches[number % len(pitches)]
            notes += f"{piece},{6 * number},6,{pitch},{6 * number % 48},4/4,0,maj,120\n"
    (folder / "pieces.csv").write_text("piece,performer,title\n" + "".join(f"{p},Player {p},Tune\n" for p in lines))
    for name, text in (("notes", notes), ("beats", beats)):
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    monkeypatch.setenv("RLCOMPOSE_DATA", str(folder))
    return folder


@pytest.fixture
def no_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLCOMPOSE_DATA", "/nonexistent")


@pytest.mark.usefixtures("corpus")
def test_real_pieces_are_accounted_for() -> None:
    terms = [find_term("stepwise_motion"), find_term("scale_note")]
    real = list(real_accounts(JAZZ, terms, 5))
    assert [(each.notes, each.bars) for each in real] == [(32, 4)] * 3
    assert sorted(float(each.values[:, 1].sum()) for each in real) == [0.0, 0.0, 0.0], "all in C major"
    assert len(list(real_accounts(JAZZ, terms, 2))) == 2
    shuffled = list(real_accounts(JAZZ, terms, 5, shuffled=True))
    assert [each.notes for each in shuffled] == [32] * 3, "the same events"
    steps = [sum(float(each.values[:, 0].sum()) for each in accounts) for accounts in (real, shuffled)]
    assert steps[0] > steps[1], "scales have more steps than their notes in any order"


@pytest.mark.usefixtures("no_corpus")
def test_real_music_that_is_not_there_is_told() -> None:
    with pytest.raises(RlcomposeError, match="RLCOMPOSE_DATA is '/nonexistent'"):
        list(real_accounts(JAZZ, UNSORTED, 2))


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def balance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., SimpleNamespace]:
    """Runs the command in a folder without runs: its `status`, `result`, and what it printed, `out` and `err`."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> SimpleNamespace:
        path = tmp_path / "result.json"
        status = command.main(["--bars", "4", "--pieces", "2", "--json", str(path), *arguments])
        out, err = capfd.readouterr()
        result = json.loads(path.read_text()) if status == 0 else None
        return SimpleNamespace(status=status, result=result, out=out, err=err)

    return run


@pytest.mark.usefixtures("no_corpus")
def test_without_real_music_the_table_is_of_random_and_greedy_play(balance: Callable[..., SimpleNamespace]) -> None:
    found = balance("--style", "jazz")
    assert found.status == 0
    result = found.result
    assert (result["style"], result["pieces"]) == ("jazz", 2)
    assert list(result["return_a_bar"]) == ["greedy", "random"]
    assert result["return_a_bar"]["greedy"] > result["return_a_bar"]["random"]
    assert result["notes"][0] == "no trained agent: train one, or name a run with --run"
    assert result["notes"][1].startswith("no real music: RLCOMPOSE_DATA is '/nonexistent'")
    families = [(row["family"], row["term"]) for row in result["terms"]]
    assert families == sorted(families) and {row["term"] for row in result["terms"] if row["weight"]} == set(PAID)
    assert {row["term"] for row in result["terms"]} >= {"motif", "usual_density", "clean_ending"}
    for row in result["terms"]:
        term = find_term(row["term"])
        assert (row["asked"], row["low"], row["high"], row["summary"]) == (term.at, term.low, term.high, term.summary)
        assert row["weight"] == PAID.get(row["term"], 0.0) and row["ns_an_event"] >= 0
    for player in ("random", "greedy"):
        parts = [abs(row["share_of_return"][player]) for row in result["terms"]]
        assert sum(parts) == pytest.approx(1, abs=0.005)
        values = sum(row["value_a_bar"][player] * row["weight"] for row in result["terms"])
        assert values == pytest.approx(result["return_a_bar"][player], abs=0.01)
    lines = found.out.splitlines()
    assert lines[0] == "jazz: each term's share of the return, over 2 pieces"
    assert lines[1].split() == ["term", "asked", "weight", "range", "ns", "random", "greedy"]
    assert "[harmony]" in lines and lines[-1].startswith("no real music: ")
    for name, weight in PAID.items():
        [line] = [line for line in lines if line.startswith(f"{name} ")]
        assert line.split()[1:3] == [find_term(name).at, f"{weight:g}"] and line.count("%") == 2
    assert "rlcompose.rewards: greedy play …" in found.err


@pytest.mark.usefixtures("no_corpus")
def test_only_paid_terms_with_weights_of_ones_own(balance: Callable[..., SimpleNamespace]) -> None:
    one, other = list(PAID)[:2]
    found = balance("--paid", "--reward", f"{one}=0", "--reward", f"{other}=0..3", "--reward", "motif=2")
    assert found.status == 0
    weights = {row["term"]: row["weight"] for row in found.result["terms"]}
    expected = {name: weight for name, weight in PAID.items() if name != one}
    assert weights == expected | {other: 3.0, "motif": 2.0}, "of a schedule, its end"


@pytest.mark.usefixtures("no_corpus")
def test_ones_own_term_is_in_the_table(
    balance: Callable[..., SimpleNamespace], tmp_path: Path, own_register: None
) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from rlcompose import reward_term\n\n\n@reward_term\ndef high(m, pitch=7):\n"
        '    """1 for a high note."""\n    return 1.0 if m.pitch > pitch else 0.0\n'
    )
    found = balance("--paid", "--plugin", str(plugin), "--reward", "high(pitch=12)=0.5")
    rows = {row["term"]: row for row in found.result["terms"]}
    row = rows["high(pitch=12)"]
    assert (row["family"], row["weight"], row["low"], row["summary"]) == ("mine", 0.5, None, "1 for a high note.")
    [line] = [line for line in found.out.splitlines() if line.startswith("high(pitch=12)")]
    assert "?..?" in line


@pytest.mark.usefixtures("corpus")
def test_real_music_is_a_player(balance: Callable[..., SimpleNamespace]) -> None:
    found = balance("--paid", "--reward", "stepwise_motion=1")
    assert list(found.result["return_a_bar"]) == ["greedy", "random", "real"]
    assert found.result["notes"] == ["no trained agent: train one, or name a run with --run"]
    [row] = [row for row in found.result["terms"] if row["term"] == "stepwise_motion"]
    assert row["value_a_bar"]["real"] > row["value_a_bar"]["random"], "scales, against leaps at random"


@pytest.mark.usefixtures("no_corpus")
def test_run_brings_its_trained_agent(
    balance: Callable[..., SimpleNamespace], trained_run: SimpleNamespace, tmp_path: Path
) -> None:
    found = balance("--paid", "--run", str(trained_run.folder))
    assert list(found.result["return_a_bar"]) == ["greedy", "random", "trained"]
    assert found.result["notes"][0].startswith("no real music")
    (tmp_path / "runs").mkdir()
    shutil.copytree(trained_run.folder, tmp_path / "runs" / "jazz-ppo-1")
    latest = balance("--paid")
    assert latest.result["return_a_bar"] == found.result["return_a_bar"]
    assert latest.result["notes"][0] == "trained is the agent of runs/jazz-ppo-1"


@pytest.mark.usefixtures("no_corpus")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--style", "jaz"], "unknown style 'jaz': did you mean 'jazz'"),
        (["--reward", "motiv=1"], "unknown reward term 'motiv': did you mean 'motif'"),
        (["--reward", "motif=much"], "--reward 'motif=much' is not TERM=WEIGHT"),
        (["--run", "nowhere"], "nowhere"),
        (["--speak"], "RLCOMPOSE_DATA is '/nonexistent', but there is no"),
        (["--pieces", "1"], "1 is too small: allowed are 2 and more"),
    ],
)
def test_mistake_is_one_line(balance: Callable[..., SimpleNamespace], arguments: list[str], told: str) -> None:
    found = balance(*arguments)
    assert found.status == 2 and found.out == ""
    *progress, error = found.err.splitlines()
    assert told in error and error.startswith("rlcompose: error: ")
    assert all(line.endswith(" …") for line in progress)


@pytest.mark.usefixtures("no_corpus")
def test_agent_of_another_style_is_refused(
    balance: Callable[..., SimpleNamespace], trained_run: SimpleNamespace
) -> None:
    found = balance("--style", "fiddle", "--run", str(trained_run.folder))
    assert found.status == 2 and found.err.count("\n") == 1
    assert "was made for durations [2, 3, 4, 6, 8" in found.err and "here it is [3, 4, 6, 9" in found.err


@pytest.mark.usefixtures("corpus")
def test_terms_speak_of_real_music(balance: Callable[..., SimpleNamespace]) -> None:
    found = balance("--speak", "--pieces", "5")
    assert found.status == 0
    assert (found.result["style"], found.result["pieces"]) == ("jazz", 3)
    rows = {row["term"]: row for row in found.result["speech"]}
    assert rows["scale_note"] == {"term": "scale_note", "family": "harmony", "fires": 0.0, "d": 0.0}
    assert rows["stepwise_motion"]["fires"] > 0.5 and rows["stepwise_motion"]["d"] > 0
    pairs = found.result["twins"]
    assert all(pair["correlation"] > 0.95 and len(pair["terms"]) == 2 for pair in pairs)
    lines = found.out.splitlines()
    assert lines[0] == "jazz: 3 real pieces" and lines[1].split() == ["term", "family", "fires", "d"]
    assert len(lines) == 2 + len(rows) + len(pairs)


def test_source_whose_pieces_cannot_be_played_is_no_real_music(
    balance: Callable[..., SimpleNamespace], corpus: Path
) -> None:
    # A waltz alone: jazz has no such metre, so nothing is left.
    notes = NOTES + "".join(f"a,{12 * n},12,60,{12 * n % 36},3/4,0,maj,120\n" for n in range(9))
    (corpus / "notes.csv.gz").write_bytes(gzip.compress(notes.encode()))
    found = balance("--paid")
    assert found.status == 0 and list(found.result["return_a_bar"]) == ["greedy", "random"]
    assert found.result["notes"][1].startswith("no real music: there is no piece for style 'jazz' in its corpus: ")
    speak = balance("--speak")
    assert speak.status == 2 and "there is no piece for style 'jazz'" in speak.err.splitlines()[-1]
