"""`python -m rlcompose.leaderboard`, on tunes that the test makes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlcompose import evaluate, leaderboard

Tunes = Callable[..., Path]
ENTRY = "alike"


@pytest.fixture
def tunes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_tunes: Tunes) -> Path:
    """Tunes that stand for the fiddle corpus."""
    folder = write_tunes(tmp_path / "real", 40, seed=1)
    from_corpus = evaluate.real_bench

    def from_folder(style: Any, _: str, *rest: Any) -> Any:
        return from_corpus(style, str(folder), *rest)

    monkeypatch.setattr(evaluate, "real_bench", from_folder)
    return folder


def test_the_board_is_written_with_the_likest_first(
    tunes: Path, tmp_path: Path, greedy_run: Any, write_tunes: Tunes
) -> None:
    alike = write_tunes(tmp_path / "alike", 40, seed=2)
    out, written = tmp_path / "board", tmp_path / "result.json"
    words = ["--styles", "fiddle", "--agents", "random", "--entry", f"fiddle:{ENTRY}={alike}"]
    words += ["--entry", f"jazz:no={alike}"]
    words += [
        "--run",
        str(greedy_run.folder),
        "--pieces",
        "40",
        "--bars",
        "8",
        "--out",
        str(out),
        "--json",
        str(written),
    ]
    assert leaderboard.main(words) == 0
    rows = json.loads(written.read_text(encoding="utf-8"))["boards"]["fiddle"]
    assert [row["name"] for row in rows] == ["real", ENTRY, "random"]  # the run is of jazz
    page = (out / "leaderboard.md").read_text(encoding="utf-8")
    assert page.index("| real |") < page.index(f"| {ENTRY} |") < page.index("| random |")
    told = rows[2]["numbers"]["told_apart_successions"]["value"]
    with (out / "leaderboard.csv").open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    [cell] = [r["value"] for r in table if (r["name"], r["number"]) == ("random", "told_apart_successions")]
    assert float(cell) == told > 0.9
    assert (out / "fiddle.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--styles", "fidle"], "did you mean 'fiddle'"),
        (["--entry", "fidle:mine=."], "did you mean 'fiddle'"),
        (["--run", "nowhere"], "nowhere"),
        (["--entry", "mine"], "is not NAME=FOLDER"),
        (["--entry", "mine=nowhere"], "there is no nowhere"),
        (["--agents", "gredy"], "did you mean 'greedy'"),
    ],
)
def test_mistakes_are_one_line(words: list[str], told: str, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert leaderboard.main([*words, "--out", str(tmp_path / "board")]) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert told in lines[-1] and len(lines) == 1
    assert not (tmp_path / "board").exists()
