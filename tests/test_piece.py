"""A piece and its files: sums that add up, one spelling for one piece, foreign pieces refused by name."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from rlcompose import load_style
from rlcompose.abc_notation import abc_text
from rlcompose.brief import make_brief
from rlcompose.codec import action_of
from rlcompose.errors import RlcomposeError
from rlcompose.fluidsynth_library import LIBRARY_VARIABLE
from rlcompose.musicxml import musicxml_text
from rlcompose.piece import Piece, _has_matplotlib, json_text, piece_document, read_piece, write_piece
from rlcompose.reward import weigh_terms
from rlcompose.style import style_from_dict
from rlcompose.testing import term_values

JAZZ = load_style("jazz")
ACTIONS = tuple(action_of(JAZZ, pitch, ticks) for pitch, ticks in ((0, 12), (2, 6), (4, 6), (None, 12), (7, 12)))


def some_piece(tempo: int = 120) -> Piece:
    """C D E - G over a bar of C major, the tonic at C4."""
    brief = make_brief("jazz", {"chords": "C^7", "bars": 1, "key": "C", "tempo": tempo, "register": 60})
    terms = weigh_terms({}, {"stepwise_motion": 2.0, "chord_tone_on_strong_beat": 1.0})
    return Piece(brief, 0, ACTIONS, terms, "hand")


def written(folder: Path, **changes: object) -> Path:
    """A piece.json with other values."""
    piece = some_piece()
    document = piece_document(piece, piece.performance()) | changes
    path = folder / "piece.json"
    path.write_text(json_text(document))
    return path


def test_the_document_holds_the_notes_as_written() -> None:
    piece = some_piece()
    music = piece_document(piece, piece.performance())["music"]
    assert [(n["onset"], n["ticks"], n["pitch"]) for n in music["notes"]] == [
        (0, 12, 60),
        (12, 6, 62),
        (18, 6, 64),
        (36, 12, 67),
    ]
    assert music["chords"] == [{"onset": 0, "ticks": 48, "symbol": "Cmaj7"}]
    assert (music["key"], music["meter"], music["bars"], music["swing"]) == ("C major", "4/4", 1, True)


def test_the_terms_are_paid_by_their_weights_and_add_up() -> None:
    piece = some_piece()
    performance = piece.performance()
    rewards = piece_document(piece, performance)["rewards"]
    for name, weight in rewards["weights"].items():
        values = term_values(name, performance.composition)
        assert rewards["terms"][name] == pytest.approx(weight * sum(values))
    assert rewards["terms"]["illegal"] == 0.0
    assert rewards["return"] == pytest.approx(sum(rewards["terms"].values()))


def test_a_written_piece_is_read_back(tmp_path: Path) -> None:
    piece = some_piece()
    files = write_piece(piece, tmp_path, "piece")
    again = read_piece(files.json, piece.terms)
    assert (again.seed, again.actions, again.agent) == (0, ACTIONS, "hand")
    assert again.performance().composition == piece.performance().composition
    assert piece_document(again, again.performance()) == json.loads(files.json.read_text())


def test_a_piece_has_sound_notes_and_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    files = write_piece(some_piece(), tmp_path, "piece")
    assert {path.name for path in tmp_path.iterdir()} == {
        f"piece.{e}" for e in ("json", "mid", "musicxml", "png", "wav")
    }
    music = some_piece().composition
    assert files.musicxml.read_text(encoding="utf-8") == musicxml_text(music)
    assert files.png and files.png.read_bytes().startswith(b"\x89PNG") and files.abc is None
    told = files.to_dict()
    assert (told["musicxml"], told["png"], told["abc"]) == (str(files.musicxml), str(files.png), None)


def test_folk_pieces_are_also_written_as_abc(tmp_path: Path) -> None:
    piece = Piece(make_brief("fiddle", {"bars": 1}), 0, (), (), "hand")
    files = write_piece(piece, tmp_path, "tune")
    assert files.abc and files.abc.read_text(encoding="utf-8") == abc_text(piece.composition)


def test_without_matplotlib_a_piece_has_no_picture_and_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    _has_matplotlib.cache_clear()
    for name in ("one", "two"):
        assert write_piece(some_piece(), tmp_path, name).png is None
    _has_matplotlib.cache_clear()
    assert capsys.readouterr().err.count('pip install "rlcompose[plot]"') == 1 and not list(tmp_path.glob("*.png"))


def test_a_piece_of_a_users_style_is_read_with_that_style(tmp_path: Path) -> None:
    style = style_from_dict(JAZZ.to_dict() | {"name": "mine"})
    piece = Piece(make_brief(style, {"bars": 1}), 0, ACTIONS[:1], (), "hand")
    path = tmp_path / "piece.json"
    path.write_text(json_text(piece_document(piece, piece.performance())))
    assert read_piece(path, style=style).brief.style == style
    with pytest.raises(RlcomposeError, match="unknown style 'mine'"):
        read_piece(path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"schema_version": 99, "options": {"new": 1}}, "was made with schema_version 99, here it is 1"),
        ({"environment": "rlcompose/Compose-v9"}, "was made with environment 'rlcompose/Compose-v9'"),
        ({"style_fingerprint": "0"}, "was made with style_fingerprint '0'"),
        ({"options": "x"}, "the options 'x' are no mapping"),
        ({"actions": ["x"]}, "is not a piece: ValueError"),
        ({"seed": None}, "is not a piece: TypeError"),
    ],
)
def test_a_foreign_piece_is_refused_by_name(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    with pytest.raises(RlcomposeError, match=re.escape(told)):
        read_piece(written(tmp_path, **changes))


def test_a_file_that_is_no_piece_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "piece.json"
    with pytest.raises(RlcomposeError, match="there is no piece"):
        read_piece(path)
    for text in ("", "[]", "{}"):
        path.write_text(text)
        with pytest.raises(RlcomposeError, match="is not a piece"):
            read_piece(path)


def test_lists_of_numbers_stand_on_one_line() -> None:
    assert json_text({"actions": [1, -2, 3.5], "names": ["a"]}) == (
        '{\n  "actions": [1, -2, 3.5],\n  "names": [\n    "a"\n  ]\n}\n'
    )


def test_another_piece_is_never_overwritten(tmp_path: Path) -> None:
    names = [write_piece(some_piece(tempo), tmp_path, "piece").json.name for tempo in (120, 140, 120, 140)]
    assert names == ["piece.json", "piece-2.json", "piece.json", "piece-2.json"]


def test_a_piece_that_cannot_be_heard_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIBRARY_VARIABLE, "/nowhere/libfluidsynth.so")
    with pytest.raises(RlcomposeError, match="does not load"):
        write_piece(some_piece(), tmp_path, "piece")
    assert list(tmp_path.iterdir()) == []


def test_an_equal_style_with_its_progressions_in_another_order_gives_the_same_piece() -> None:
    # A run keeps its style as JSON with sorted keys; draws once went by the order in the style's file.
    plain = JAZZ.to_dict()
    plain["progressions"] = dict(reversed(plain["progressions"].items()))
    turned = style_from_dict(plain)
    assert turned.fingerprint == JAZZ.fingerprint
    for seed in range(10):
        pieces = [Piece(make_brief(style, {"bars": 4}), seed, (), (), "hand") for style in (JAZZ, turned)]
        first, second = (piece.performance().composition for piece in pieces)
        assert first == second
