"""Corpora that are read once: what comes back from the cache is what was read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rlcompose.corpus import main
from rlcompose.corpus.library import load_corpus
from rlcompose.corpus.sources import read_pieces
from rlcompose.corpus.split import PARTS, family_of, part_of
from rlcompose.errors import RlcomposeError
from rlcompose.learned.melodies import make_melodies
from rlcompose.style import load_style

TUNES = """X:1
T:One
M:4/4
L:1/8
K:D
|:"D"DEFG A2d2|"G"B2G2 "A"A4:|
||d2f2 e2c2|[1 d8:|[2 d4 D4|]

X:2
T:Two
M:6/8
L:1/8
K:Am
A3 c3|e3 A3|

X:3
T:Odd
M:7/8
K:C
C7|
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RLCOMPOSE_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "tunes"
    place.mkdir()
    (place / "a.abc").write_text(TUNES)
    (place / "b.abc").write_text("X:9\nT:Silence\nM:4/4\nK:C\nz8|\n")
    return place


def test_what_is_kept_is_what_was_read(folder: Path) -> None:
    style = load_style("fiddle")
    read = list(read_pieces(style, folder))
    first = load_corpus("fiddle", folder)
    again = load_corpus("fiddle", folder)
    assert first.seconds > 0 and again.seconds == 0
    for corpus in (first, again):
        assert [corpus[k] for k in range(len(corpus))] == read
        assert corpus[-1] == read[-1] and corpus[:2] == read[:2]
        reasons = {skipped.reason.partition(":")[0] for skipped in corpus.skipped}
        assert "the metre 7/8 is not used" in reasons
    straight = make_melodies([piece.composition for piece in read])
    assert np.array_equal(first.melodies.pieces, straight.pieces)
    assert all(np.array_equal(a, b) for a, b in zip(first.melodies.arrays, straight.arrays, strict=True))


def test_a_changed_file_is_read_again_and_a_damaged_cache_too(folder: Path) -> None:
    before = load_corpus("fiddle", folder)
    (folder / "c.abc").write_text(TUNES.replace("X:1", "X:11").replace("One", "Eleven"))
    assert len(load_corpus("fiddle", folder)) > len(before)
    for kept in folder.parent.joinpath("cache", "corpora").glob("*.npz"):
        kept.write_bytes(kept.read_bytes()[:100])
    assert load_corpus("fiddle", folder).seconds > 0


def test_the_command_lists_builds_and_describes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = folder.parent / "result.json"
    assert main(["build", "fiddle", "--source", str(folder), "--json", str(result)]) == 0
    told = json.loads(result.read_text())["corpora"][0]
    assert told["pieces"] == 2 and told["metres"] == {"4/4": 1, "6/8": 1} and told["modes"] == {"major": 1, "minor": 1}
    assert told["licence"] == ["your own file"] and told["skipped"] >= 1
    assert main(["describe", "fiddle", "--source", str(folder)]) == 0
    assert "2 pieces" in capsys.readouterr().out
    assert main(["list"]) == 0
    assert "Open Database License" in capsys.readouterr().out
    assert main(["build", "--source", str(folder)]) == 2
    assert "name one style" in capsys.readouterr().err
    assert main(["describe", "jaz"]) == 2
    assert "did you mean 'jazz'" in capsys.readouterr().err


def test_a_source_that_does_not_exist_is_told() -> None:
    with pytest.raises(RlcomposeError, match="unknown source 'nowhere'"):
        load_corpus("fiddle", "nowhere")


def test_every_family_has_one_part_and_parts_have_their_shares() -> None:
    assert family_of("jazz", "one", "A Player") == family_of("jazz", "two", "A Player")
    assert family_of("fiddle", "one", "Title") != family_of("fiddle", "two", "Title")
    drawn = [part_of(f"{number:010x}") for number in range(4000)]
    for part, share in PARTS.items():
        assert drawn.count(part) / 4000 == pytest.approx(share, abs=0.03)
