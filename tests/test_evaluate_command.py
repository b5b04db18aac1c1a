"""`python -m rlcompose.evaluate`, on tunes that the test makes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlcompose.evaluate import main

Tunes = Callable[..., Path]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, write_tunes: Tunes) -> Path:
    return write_tunes(tmp_path_factory.mktemp("tunes") / "real", 60, seed=1)


def evaluated(*words: str | Path, out: Path) -> dict[str, Any]:
    assert main([*map(str, words), "--json", str(out)]) == 0
    result: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return result


def value(result: dict[str, Any], name: str, number: str) -> float:
    row = next(row for row in result["sets"] if Path(row["name"]).name == name)
    return float(row["numbers"][number]["value"])


@pytest.fixture(scope="module")
def result(real: Path, tmp_path_factory: pytest.TempPathFactory, write_tunes: Tunes) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("evaluated")
    alike = write_tunes(place / "alike", 60, seed=2)
    wide = write_tunes(place / "wide", 60, seed=3, steps=(-5, -4, 4, 5))
    # The tunes are read with the style's actions, and the folder is what they are compared with.
    return evaluated(
        "fiddle", alike, wide, "--against", real, "--pieces", "60", "--bars", "8", "--plot", place / "n.png",
        out=place / "numbers.json",
    )  # fmt: skip


def test_the_page_names_every_key(result: dict[str, Any]) -> None:
    row, number = result["sets"][0], result["sets"][0]["numbers"]["notes_per_bar"]
    page = (Path(__file__).parents[1] / "docs" / "commands.md").read_text(encoding="utf-8")
    section = page.partition("### JSON of `evaluate`\n")[2].partition("\n#")[0]
    keys = {key for key in result} | {f"sets[].{key}" for key in row} | set(number) | set(row["longest_copy_at"])
    assert {key for key in keys if f"`{key}`" not in section} == set()
    metrics = (Path(__file__).parents[1] / "docs" / "metrics.md").read_text(encoding="utf-8")
    named = {name for name in row["numbers"] if not name.startswith(("area_", "divergence_"))}
    assert {name for name in named if f"`{name}`" not in metrics} == set()


def test_floors_and_real_music_stand_beside_every_set(result: dict[str, Any]) -> None:
    names = [Path(row["name"]).name for row in result["sets"]]
    assert names[-5:] == ["alike", "wide", "real", "random", "greedy"]


def test_like_music_is_not_told_from_the_real_and_other_music_is(result: dict[str, Any]) -> None:
    for features in ("judge", "successions"):
        assert value(result, "wide", f"told_apart_{features}") > 0.9
        assert value(result, "random", f"told_apart_{features}") > 0.9
        assert 0.2 < value(result, "alike", f"told_apart_{features}") < 0.8
    assert value(result, "alike", "js_intervals") < 0.02 < value(result, "wide", "js_intervals")
    assert value(result, "alike", "overlapping_area") > 0.7 > value(result, "wide", "overlapping_area")


def test_counts_are_those_of_the_tunes(result: dict[str, Any]) -> None:
    assert value(result, "alike", "notes_per_bar") == 8.0
    assert value(result, "alike", "scale_consistency") == 1.0
    assert value(result, "real", "empty_beat_rate") == 0.0
    row = next(row for row in result["sets"] if row["name"] == "real")
    assert row["numbers"]["told_apart_judge"]["low"] <= row["numbers"]["told_apart_judge"]["value"]


def test_a_copy_is_found_with_its_place(real: Path, tmp_path: Path, write_tunes: Tunes) -> None:
    copies = write_tunes(tmp_path / "copies", 6, seed=4)
    source = (real / "tune3.abc").read_text(encoding="utf-8")
    # The last four bars of a real tune, two bars later.
    tune = (copies / "tune0.abc").read_text(encoding="utf-8").splitlines()
    bars, theirs = (text.rstrip("|]").split("|") for text in (tune[-1], source.splitlines()[-1]))
    tune[-1] = "|".join(bars[:2] + theirs[2:6] + bars[6:]) + "|]"
    (copies / "tune0.abc").write_text("\n".join(tune) + "\n", encoding="utf-8")
    found = evaluated(
        copies, "--style", "fiddle", "--against", real, "--pieces", "10", "--bars", "8", out=tmp_path / "n.json"
    )  # fmt: skip
    place = next(row for row in found["sets"] if row["name"] == str(copies))["longest_copy_at"]
    assert place["notes"] >= 32 and "Tune 1 3" in place["of"]
    assert place["bar"] <= 3 and place["of_bar"] == place["bar"]


def test_the_same_again_is_the_same_from_the_cache(real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    again = tmp_path / "again"
    shutil.copytree(real, again)
    words = (again, "--style", "fiddle", "--against", real, "--pieces", "10", "--bars", "8")
    first = evaluated(*words, out=tmp_path / "a.json")
    from rlcompose import evaluation

    def forbidden(*_: object) -> None:
        raise AssertionError("nothing is measured twice")

    monkeypatch.setattr(evaluation.Bench, "_measured", forbidden)
    assert evaluated(*words, out=tmp_path / "b.json") == first


def test_a_picture_is_drawn(result: dict[str, Any]) -> None:
    assert Path(result["plot"]).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["{real}", "--against", "{real}"], "nothing says in which style"),
        (["jaz"], "nearest"),
        (["nowhere.mid"], "no file, folder or run"),
        (["fiddle", "--plot", "numbers.pgn"], "did you mean 'png'"),
        (["{real}", "--against", "{real}", "--style", "fiddle"], "stands in every table already"),
        (["{real}"], "nothing says what files are compared with"),
        (["fiddle", "--bars", "4"], "--bars"),
    ],
)
def test_mistakes_are_one_line(words: list[str], told: str, real: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([word.format(real=real) for word in words]) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert told in lines[-1] or (told == "nearest" and "jazz" in lines[-1]), lines


def test_too_few_real_pieces_are_told(tmp_path: Path, capfd: pytest.CaptureFixture[str], write_tunes: Tunes) -> None:
    few = write_tunes(tmp_path / "few", 3, seed=1)
    assert main([str(few), "--style", "fiddle", "--against", str(few), "--bars", "8"]) == 2
    assert "3 real pieces are too few" in capfd.readouterr().err
