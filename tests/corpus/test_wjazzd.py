"""The reader of solos: on tables small enough to check by hand, and on the real ones where they lie."""

from __future__ import annotations

import gzip
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rlcompose.codec import encode, perform
from rlcompose.corpus.wjazzd import solo_entries
from rlcompose.corpus.written import WrittenTune
from rlcompose.errors import RlcomposeError
from rlcompose.score import Composition
from rlcompose.style import load_style

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


def read_solos(path: Path) -> Iterator[Composition]:
    """The solos that can be read."""
    for entry in solo_entries(path):
        try:
            piece = entry.read()
        except RlcomposeError:
            continue
        assert not isinstance(piece, WrittenTune)
        yield piece


def only(path: Path) -> Composition:
    (piece,) = read_solos(path)
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


def test_other_metres_and_pieces_without_notes_say_why(tmp_path: Path) -> None:
    notes = note(0, 12, 60, 0) + note(0, 12, 60, 0, "two", "3/4")
    entries = solo_entries(tables(tmp_path, notes))
    assert [(entry.name, entry.group) for entry in entries] == [
        ("one: Anna, Blues", "Anna"),
        ("two: Ben, Waltz", "Ben"),
        ("three: Cleo, Nothing", "Cleo"),
    ]
    with pytest.raises(RlcomposeError, match="solos are read in 4/4 only: this is in 3/4"):
        entries[1].read()
    with pytest.raises(RlcomposeError, match="it has no notes"):
        entries[2].read()


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


# --- the database -----------------------------------------------------------------------------------------------------

Event = tuple[int, int, int, int, float, float, float]  # bar, beat, tatum, division, onset and duration (s), pitch


def database(folder: Path, events: list[Event], beats: list[tuple[int, int, str]], **solo: object) -> Path:
    """A database of one solo with the columns that are read, and one that is not; at 120 a beat lasts half a second."""
    path = folder / "wjazzd.db"
    info = {"signature": "4/4", "key": "F-maj", "avgtempo": 120.0, "performer": "Anna", "title": "Blues"} | solo
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE solo_info (melid, performer, title, style, avgtempo, key, signature)")
        connection.execute(
            "INSERT INTO solo_info VALUES (7, :performer, :title, 'SWING', :avgtempo, :key, :signature)", info
        )
        connection.execute(
            "CREATE TABLE melody (eventid, melid, onset, pitch, duration, period, division, bar, beat, tatum)"
        )
        for number, (bar, beat_number, tatum, division, onset, duration, pitch) in enumerate(events):
            values = (number, onset, pitch, duration, division, bar, beat_number, tatum)
            connection.execute("INSERT INTO melody VALUES (?, 7, ?, ?, ?, 4, ?, ?, ?, ?)", values)
        connection.execute("CREATE TABLE beats (beatid, melid, onset, bar, beat, signature, chord, form, bass_pitch)")
        for number, values3 in enumerate(beats):
            connection.execute("INSERT INTO beats VALUES (?, 7, 0.0, ?, ?, '4/4', ?, '', NULL)", (number, *values3))
    return path


def test_database_is_read_with_chords_key_and_tempo(tmp_path: Path) -> None:
    events: list[Event] = [(1, 1, 1, 1, 0.0, 0.2, 65.0), (1, 2, 1, 2, 0.5, 0.2, 67.0), (1, 2, 2, 2, 0.75, 0.2, 69.0)]
    beats = [(1, 1, "F7"), (1, 2, ""), (1, 3, "Bb-7"), (1, 4, "")]
    piece = only(database(tmp_path, events, beats))
    # Each note is held to the next, which comes within a beat; the last for 0.2 s at 24 ticks a second.
    assert [(n.onset, n.ticks, n.pitch) for n in piece.notes] == [(0, 12, 65), (12, 6, 67), (18, 5, 69)]
    assert [(s.onset, s.ticks, s.chord.symbol) for s in piece.chords] == [(0, 24, "F7"), (24, 24, "Bbm7")]
    assert (piece.key.name, piece.tempo, piece.bars, piece.title) == ("F major", 120, 1, "Anna: Blues")
    (entry,) = solo_entries(tmp_path / "wjazzd.db")
    assert (entry.name, entry.group) == ("7: Anna, Blues", "Anna") and "Open Database License" in entry.licence


def test_database_holds_a_note_as_long_as_it_is_played(tmp_path: Path) -> None:
    # The next note comes after two beats, a second: held for half of it, for 0.85 of it, and once more at the end.
    events: list[Event] = [(1, 1, 1, 1, 0.0, 0.5, 60), (1, 3, 1, 1, 1.0, 0.85, 62), (2, 1, 1, 1, 2.0, 0.5, 64)]
    assert [n.ticks for n in only(database(tmp_path, events, [])).notes] == [12, 24, 12]


def test_database_with_a_pickup_keeps_its_downbeats(tmp_path: Path) -> None:
    events: list[Event] = [(-1, 4, 1, 1, 0.0, 0.5, 60), (0, 1, 1, 1, 0.5, 0.5, 62)]
    piece = only(database(tmp_path, events, [(0, 1, "C")]))
    assert onsets(piece) == [36, 48] and [s.chord.symbol for s in piece.chords] == ["N.C.", "C"]


@pytest.mark.parametrize(
    ("symbol", "read"),
    [
        ("C", "C"),
        ("Bbj7", "Bbmaj7"),
        ("F#-7", "F#m7"),
        ("A-j7", "AmMaj7"),
        ("Em7b5", "Em7b5"),
        ("Go7", "Gdim7"),
        ("D79b13", "D7b9"),
        ("G7913", "G7"),
        ("Ab7911#", "Ab7#11"),
        ("Csus7", "C7sus4"),
        ("C+79", "C7#5"),
        ("C6/E", "C6/E"),
        ("NC", "N.C."),
    ],
)
def test_database_chord_symbols(tmp_path: Path, symbol: str, read: str) -> None:
    events: list[Event] = [(1, 1, 1, 1, 0.0, 0.5, 60)]
    assert [s.chord.symbol for s in only(database(tmp_path, events, [(1, 1, symbol)])).chords] == [read]


def test_database_solo_without_a_key_has_it_estimated(tmp_path: Path) -> None:
    scale = (62, 64, 66, 67, 69, 71, 73, 74)
    events: list[Event] = [(1 + i // 4, 1 + i % 4, 1, 1, i / 2, 0.5, pitch) for i, pitch in enumerate(scale)]
    assert only(database(tmp_path, events, [], key="")).key.name == "D major"


@pytest.mark.parametrize("signature", ["3/4", "4/4 3/4", "FREE"])
def test_database_solo_in_another_metre_says_so(tmp_path: Path, signature: str) -> None:
    (entry,) = solo_entries(database(tmp_path, [(1, 1, 1, 1, 0.0, 0.5, 60)], [], signature=signature))
    with pytest.raises(RlcomposeError, match=f"this is in {signature}"):
        entry.read()


def test_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "wjazzd.db").write_text("nothing of the kind, but long enough to be looked at as a database header")
    with pytest.raises(RlcomposeError, match="cannot read the database .*wjazzd.db"):
        solo_entries(tmp_path / "wjazzd.db")


def test_database_without_a_table_is_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "wjazzd.db")) as connection, connection:
        connection.execute("CREATE TABLE melody (eventid, melid)")
    with pytest.raises(RlcomposeError, match="the table melody of .*wjazzd.db has no column bar, beat"):
        solo_entries(tmp_path / "wjazzd.db")


# --- the real ones ----------------------------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[2]
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
