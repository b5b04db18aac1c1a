from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from rlcompose import train
from rlcompose.judge import main


def test_a_piece_is_judged_in_words_and_as_json(
    greedy_run: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [piece] = greedy_run.folder.joinpath("pieces").glob("*.json")
    result = tmp_path / "judged.json"
    assert main([str(piece), "--style", "jazz", "--json", str(result)]) == 0
    out = capsys.readouterr().out
    assert "jazz: judge" in out and "referee" in out and "95 % of real music" in out
    [told] = json.loads(result.read_text())["pieces"]
    assert told["style"] == "jazz" and len(told["bars"]) == 4 and set(told["referee"]) == set(told["probabilities"])


def test_files_of_others_are_judged_too_and_a_corrupt_one_costs_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tune.abc").write_text("X:1\nT:A reel\nM:4/4\nL:1/8\nK:D\n" + "DFAF dFAF|GFED EFGE|" * 4 + "\n")
    (tmp_path / "broken.mid").write_bytes(b"MThd nothing")
    (tmp_path / "broken.krn").write_text("**kern\n4c\n4!?\n")
    assert main([str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "A reel" in out and "skipped broken.mid" in out and "skipped broken.krn" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.json"], "nowhere.json"),
        (["--style", "jaz", "nowhere.abc"], "did you mean 'jazz'"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1


def test_training_for_the_judge_alone_is_warned_and_stops_if_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--bars", "8", "--steps", "60000", "--reward", "usual_*=0", "--reward", "in_style=20"]
    arguments += ["--set", "learning_rate=0.002", "--out", str(tmp_path / "run"), "--stop-on-hacking"]
    status = train.main(arguments)
    err = capsys.readouterr().err
    log = (tmp_path / "run" / "metrics.csv").read_text().splitlines()[0]
    assert "judge/mean" in log and "judge/suspicious" in log
    # Whether this short a run gets that far is not what is tested: a warning ends it, and is in its files.
    if "reward hacking suspected" in err:
        assert status == train.FAILED
        assert "reward hacking suspected" in (tmp_path / "run" / "health.jsonl").read_text()
    else:
        assert status == 0
