"""The reader of solos: on tables small enough to check by hand, and on the real ones where they lie."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from rlcompose.codec import encode, perform
from rlcompose.errors import RlcomposeError
from rlcompose.score import Composition
from rlcompose.style import load_style
from rlcompose.wjazzd import read_solos

PIECES = "piece,performer,title\none,Anna,Blues\ntwo,Ben,Waltz\nthree,Cleo,Nothing\n"
NOTES = "piece,onset,dur,pitch,bar,pos,metre,chord_root,chord_qual,key_pc,mode,tempo,phrase,division\n"
BEATS = "piece,bar,beat,tick,period,chord_root,chord_qual,form,chorus\n"


def note(onset: int, dur: int, pitch: int, pos: int, piece: str = "one", metre: str = "4/4") -> str:
    return f"{piece},{onset},{dur},{pitch},1,{pos},{metre},0,dom,5,maj,121.6,1,2\n"


def beat(tick: int, root: int, quality: str) -> str:
    return f"one,1,1,{tick},4,{root},{quality},A1,1\n"


def tables(folder: Path, notes: str, beats: str = "", pieces: str = PIECES) -> Path:
    (folder / "pieces.csv").write_text(pieces, encoding="utf-8")
    for name, text in (("notes", NOTES + notes), ("beats", BEATS + beats)):
        with gzip.open(folder / f"{name}.csv.gz", "wt", encoding="utf-8") as file:
            file.write(text)
    return folder


def only(folder: Path) -> Composition:
    (piece,) = read_solos(folder)
    return piece


def onsets(piece: Composition) -> list[int]:
    return [n.onset for n in piece.notes]


def test_solo_is_read_with_its_chords_key_and_tempo(tmp_path: Path) -> None:
    notes = note(0, 12, 60, 0) + note(12, 12, 62, 12) + note(24, 24, 64, 24)
    beats = beat(0, 5, "dom") + beat(12, 5, "dom") + beat(24, 10, "hdim")
    piece = only(tables(tmp_path, notes, beats))
    assert [(n.onset, n.pitch, n.ticks) for n in piece.notes] == [(0, 60, 12), (12, 62, 12), (24, 64, 24)]
    assert [(span.onset, span.ticks, span.chord.symbol) for span in piece.chords] == [(0, 24, "F7"), (24, 24, "Bbm7b5")]
    assert (piece.key.name, piece.tempo, piece.bars, piece.title) == ("F major", 122, 1, "Anna: Blues")
    assert piece.swing and piece.style == "jazz"


def test_swing_is_read_straight_and_triplets_stay(tmp_path: Path) -> None:
    # Beat 1 has its off-beat at 8 of 12 ticks and nothing at 4: two swung eighths. Beat 2 has 4 and 8: a triplet.
    notes = "".join(note(t, 4, 60, t) for t in (0, 8, 12, 16, 20))
    assert onsets(only(tables(tmp_path, notes))) == [0, 6, 12, 16, 20]


def test_pickup_before_the_first_beat_fills_a_bar_of_its_own(tmp_path: Path) -> None:
    # The first note lies 12 ticks before the first transcribed beat, on the fourth beat of its bar.
    notes = note(-12, 12, 60, 36) + note(0, 12, 62, 0)
    piece = only(tables(tmp_path, notes, beat(0, 0, "maj")))
    assert onsets(piece) == [36, 48] and piece.bars == 2
    assert [(span.onset, span.chord.symbol) for span in piece.chords] == [(0, "N.C."), (48, "Cmaj7")]


def test_transcription_that_begins_within_a_bar_keeps_its_downbeats(tmp_path: Path) -> None:
    # Tick 0 is the third beat of a bar: what is written 24 ticks later is a downbeat.
    notes = note(0, 12, 60, 24) + note(24, 12, 62, 0)
    assert onsets(only(tables(tmp_path, notes))) == [24, 48]


def test_note_ends_where_the_next_begins(tmp_path: Path) -> None:
    piece = only(tables(tmp_path, note(0, 30, 60, 0) + note(12, 0, 62, 12)))
    assert [n.ticks for n in piece.notes] == [12, 1]


def test_unknown_chord_is_no_chord(tmp_path: Path) -> None:
    piece = only(tables(tmp_path, note(0, 12, 60, 0), beat(0, -1, "NC") + beat(24, 3, "odd")))
    assert [span.chord.symbol for span in piece.chords] == ["N.C."]


def test_other_metres_and_pieces_without_notes_are_left_out(tmp_path: Path) -> None:
    notes = note(0, 12, 60, 0) + note(0, 12, 60, 0, "two", "3/4")
    assert [piece.title for piece in read_solos(tables(tmp_path, notes))] == ["Anna: Blues"]


def test_missing_table_is_told_with_the_nearest(tmp_path: Path) -> None:
    tables(tmp_path, "")
    (tmp_path / "notes.csv.gz").rename(tmp_path / "note.csv.gz")
    with pytest.raises(RlcomposeError, match=r"there is no table '.*notes.csv.gz': did you mean '.*note.csv.gz'"):
        list(read_solos(tmp_path))


def test_table_without_a_column_is_told(tmp_path: Path) -> None:
    tables(tmp_path, "", pieces="piece,title\n")
    with pytest.raises(RlcomposeError, match="pieces.csv has no column performer"):
        list(read_solos(tmp_path))


def test_table_that_is_no_gzip_file_is_told(tmp_path: Path) -> None:
    tables(tmp_path, "")
    (tmp_path / "notes.csv.gz").write_text(NOTES)
    with pytest.raises(RlcomposeError, match="cannot read the table .*notes.csv.gz"):
        list(read_solos(tmp_path))


ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("RLCOMPOSE_DATA", ROOT.parent / "shared" / "data")) / "wjazzd"
EVERY = 6  # of the solos, so that it takes seconds


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no solos in {DATA}; RLCOMPOSE_DATA names the folder above them")
def test_real_solos_fit_the_actions() -> None:
    # The contract: at least 97 % of the notes keep their pitch and lie within one tick, and no mask forbids any.
    style = load_style("jazz")
    total = kept = 0
    for number, piece in enumerate(read_solos(DATA)):
        if number % EVERY:
            continue
        encoding = encode(piece, style)
        performance = perform(encoding.brief, 0, encoding.actions)
        dropped = set(encoding.dropped)
        wanted = [n for n in piece.notes if n not in dropped]
        played = performance.composition.notes
        assert not performance.account[:, -1].any(), f"{piece.title}: a mask forbids a note"
        total += len(piece.notes)
        kept += sum(a.pitch == b.pitch and abs(a.onset - b.onset) <= 1 for a, b in zip(wanted, played, strict=True))
    assert total > 10_000
    assert kept / total >= 0.97
