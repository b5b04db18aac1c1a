"""Where pieces come from: folders of the test's own, a few files of music21's corpus, and what is told of the rest."""

from __future__ import annotations

import sqlite3
from itertools import islice
from pathlib import Path

import pytest

from rlcompose.corpus import sources
from rlcompose.corpus.entry import Report
from rlcompose.corpus.sources import COLLECTIONS, CORPORA, find_entries, read_pieces
from rlcompose.errors import RlcomposeError
from rlcompose.style import load_style, style_names

FIDDLE = load_style("fiddle")


def abc(number: int, title: str, music: str = "G8|A8|", meter: str = "4/4") -> str:
    return f"X:{number}\nT:{title}\nM:{meter}\nL:1/8\nK:G\n{music}\n\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files with five tunes, two of which cannot be used, and a file of words."""
    (tmp_path / "reels.abc").write_text(
        abc(1, "The One -- Reel") + abc(2, "Waltz", "G6|", "3/4") + abc(3, "Broken", "A}")
    )
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "jigs.ABC").write_bytes(
        (abc(1, "Caf\xe9", "G6|", "6/8") + abc(2, "The one")).encode("latin-1")
    )
    (tmp_path / "words.txt").write_text("nothing")
    return tmp_path


def test_folder_is_read_piece_by_piece_with_reasons_for_the_rest(folder: Path) -> None:
    report = Report()
    pieces = list(read_pieces(FIDDLE, folder, report=report))
    assert [piece.name for piece in pieces] == [
        "more/jigs.ABC#1: Café",
        "more/jigs.ABC#2: The one",
        "reels.abc#1: The One -- Reel",
    ]
    assert [piece.composition.meter.name for piece in pieces] == ["6/8", "4/4", "4/4"]
    assert report.read == 3
    assert [(skipped.name, skipped.reason) for skipped in report.skipped] == [
        ("reels.abc#2: Waltz", "the metre 3/4 is not used: allowed are 4/4, 6/8"),
        ("reels.abc#3: Broken", "a sign of its notation is not known: '}' in bar 1"),
    ]
    assert report.reasons == {"the metre 3/4 is not used": 1, "a sign of its notation is not known": 1}


def test_file_without_a_tune_is_skipped_with_its_reason(folder: Path) -> None:
    (folder / "empty.abc").write_text("")
    report = Report()
    assert len(list(read_pieces(FIDDLE, folder, report=report))) == 3
    assert ("empty.abc", "it has no tune: a line that begins with X: opens one") in [
        (skipped.name, skipped.reason) for skipped in report.skipped
    ]


def test_tunes_of_one_title_are_one_group(folder: Path) -> None:
    pieces = list(read_pieces(FIDDLE, folder))
    assert [piece.group for piece in pieces] == ["café", "the one", "the one"]


def test_pieces_are_read_when_they_are_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    monkeypatch.setattr(sources, "read_tune", lambda text: read.append(text))
    entries = find_entries(FIDDLE, folder)
    assert len(entries) == 5 and read == []


def test_seed_draws_the_order(folder: Path) -> None:
    def names(seed: int | None) -> list[str]:
        return [piece.name for piece in read_pieces(FIDDLE, folder, seed=seed)]

    assert names(1) == names(1) and sorted(names(1)) == sorted(names(None))
    assert len({tuple(names(seed)) for seed in range(8)}) > 1


def test_metre_can_be_asked_for(folder: Path) -> None:
    (piece,) = read_pieces(FIDDLE, folder, meter="3/4")
    assert piece.name == "reels.abc#2: Waltz"


def test_one_file_is_a_source(folder: Path) -> None:
    assert [piece.name for piece in read_pieces(FIDDLE, folder / "reels.abc")] == ["reels.abc#1: The One -- Reel"]


def test_repeats_are_played_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.abc").write_text(abc(1, "Tune", "G8|A8:|"))
    assert [piece.composition.bars for piece in read_pieces(FIDDLE, tmp_path)] == [2]
    assert [piece.composition.bars for piece in read_pieces(FIDDLE, tmp_path, expand_repeats=True)] == [4]


def test_folder_without_music_is_told(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match="holds no music: files that end in .abc, .krn"):
        find_entries(FIDDLE, tmp_path)


def test_name_that_is_no_collection_is_told_with_the_nearest() -> None:
    with pytest.raises(RlcomposeError, match="unknown source 'onells': did you mean 'oneills'?"):
        find_entries(FIDDLE, "onells")


def test_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match="there is no source '.*nowhere'"):
        find_entries(FIDDLE, tmp_path / "nowhere")


def test_every_shipped_style_has_a_corpus() -> None:
    assert {load_style(name).family for name in style_names()} <= set(CORPORA)
    assert {name for names in CORPORA.values() for name in names} == {*COLLECTIONS, "wjazzd"}


# --- the Weimar Jazz Database -----------------------------------------------------------------------------------------


def solos(folder: Path) -> Path:
    connection = sqlite3.connect(folder / "wjazzd.db")
    with connection:
        connection.execute("CREATE TABLE solo_info (melid, performer, title, avgtempo, key, signature)")
        connection.execute("INSERT INTO solo_info VALUES (1, 'Anna', 'Blues', 120, 'C-maj', '4/4')")
        columns = "eventid, melid, onset, pitch, duration, period, division, bar, beat, tatum"
        connection.execute(f"CREATE TABLE melody ({columns})")
        connection.execute("INSERT INTO melody VALUES (1, 1, 0.0, 60.0, 0.5, 4, 1, 1, 1, 1)")
        connection.execute("CREATE TABLE beats (beatid, melid, bar, beat, chord)")
    connection.close()
    return folder


@pytest.mark.parametrize("place", ["", "wjazzd", "wjazzd/wjazzd.db"])
def test_jazz_database_is_found_by_its_path(tmp_path: Path, place: str) -> None:
    (tmp_path / "wjazzd").mkdir()
    solos(tmp_path / "wjazzd" if place else tmp_path)
    (piece,) = read_pieces(load_style("jazz"), tmp_path / place)
    assert piece.name == "1: Anna, Blues" and piece.composition.swing


@pytest.mark.parametrize("place", ["", "wjazzd"])
def test_jazz_database_is_found_in_the_folder_of_data(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / place).mkdir(exist_ok=True)
    solos(tmp_path / place)
    monkeypatch.setenv("RLCOMPOSE_DATA", str(tmp_path))
    (piece,) = read_pieces(load_style("jazz"))
    assert piece.group == "Anna"


def test_solos_can_be_played_in_another_style(tmp_path: Path) -> None:
    (piece,) = read_pieces(FIDDLE, solos(tmp_path))
    assert (piece.composition.style, piece.composition.swing) == ("fiddle", False)
    assert list(read_pieces(FIDDLE, tmp_path, meter="6/8")) == []


def test_data_that_is_not_there_is_told_with_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RLCOMPOSE_DATA", raising=False)
    with pytest.raises(RlcomposeError, match="get wjazzd.db from jazzomat.hfm-weimar.de"):
        find_entries(load_style("jazz"))
    monkeypatch.setenv("RLCOMPOSE_DATA", str(tmp_path))
    with pytest.raises(RlcomposeError, match="there is no wjazzd.db and no table of solos"):
        find_entries(load_style("jazz"))


# --- music21's corpus -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["fiddle", "chorale", "german_folk", "chinese_folk", "renaissance"])
def test_corpus_of_the_style_gives_pieces(style: str) -> None:
    pytest.importorskip("music21")
    found = load_style(style)
    pieces = list(islice(read_pieces(found, seed=5), 2))
    assert len(pieces) == 2
    for piece in pieces:
        assert piece.composition.meter in found.meters and len(piece.composition.notes) > 8
        assert piece.group and piece.licence
        has_chords = any(not span.chord.is_silent for span in piece.composition.chords)
        assert has_chords  # its own, those of its voices, or the harmoniser's


def test_overlapping_files_of_oneills_are_read_once() -> None:
    pytest.importorskip("music21")
    seen: set[str] = set()
    twice = []
    for entry in find_entries(FIDDLE, "oneills"):
        number = entry.name.partition("#")[2].partition(":")[0]
        if number in seen:
            twice.append(entry)
        seen.add(number)
    assert len(twice) > 100
    for entry in twice:
        with pytest.raises(RlcomposeError, match="its number is there twice in the collection"):
            entry.read()


def test_missing_music21_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "find_spec", lambda name: None)
    with pytest.raises(RlcomposeError, match=r'pip install "rlcompose\[notation\]"'):
        find_entries(FIDDLE)
