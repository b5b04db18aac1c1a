"""Real jazz solos: the Weimar Jazz Database, as its SQLite file or as tables made from it.

The database (Jazzomat Research Project, Hochschule für Musik Franz Liszt Weimar; Open Database License 1.0) is the
user's own copy, `wjazzd.db` from jazzomat.hfm-weimar.de; nothing of it comes with the package. The tables are
`pieces.csv`, `notes.csv.gz` and `beats.csv.gz`. Onsets are performed ones on a grid of 12 ticks a quarter note; they
are read as swung (`rlcompose.swing.straighten`), so that the compositions are written straight.
"""

from __future__ import annotations

import csv
import gzip
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from rlcompose.corpus.entry import Entry
from rlcompose.corpus.keys import estimate_key
from rlcompose.corpus.written import chord_spans
from rlcompose.errors import RlcomposeError
from rlcompose.files import missing_file
from rlcompose.score import Composition, Note
from rlcompose.style import load_style
from rlcompose.swing import straighten
from rlcompose.theory.chord import NO_CHORD, QUALITY_IDS, Chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import TICKS_PER_QUARTER, Meter
from rlcompose.theory.pitch import parse_pitch_class

LICENCE = "Weimar Jazz Database, Jazzomat Research Project, Open Database License 1.0"
DATABASE = "wjazzd.db"

# The tables' nine simplified qualities.
_QUALITIES = {"maj": "maj7", "min": "m7", "dom": "7", "hdim": "m7b5", "dim": "dim7", "sus": "7sus4", "aug": "aug"}
# How the database writes what follows a chord's root, tensions left out; the first that fits counts.
_SUFFIXES = (
    ("-j", "mMaj7"),
    ("-7", "m7"),
    ("-6", "m6"),
    ("-", "m"),
    ("m7b5", "m7b5"),
    ("o7", "dim7"),
    ("o", "dim"),
    ("+j", "maj7#5"),
    ("+7", "7#5"),
    ("+", "aug"),
    ("sus7", "7sus4"),
    ("sus", "sus4"),
    ("j7911#", "maj7#11"),
    ("j", "maj7"),
    ("7alt", "7alt"),
    ("79b", "7b9"),
    ("79#", "7#9"),
    ("7911#", "7#11"),
    ("7", "7"),
    ("6", "6"),
    ("", "major"),
)
_MODES = {"maj": "major", "min": "minor", "dor": "dorian", "mix": "mixolydian"}
_METER = Meter(4, 4)
_BAR = _METER.bar_ticks
# From this share of the time to the next note on, a note is played to its end.
_LEGATO = 0.8
# What is read of each table; it may have more.
_COLUMNS = {
    "pieces.csv": {"piece", "performer", "title"},
    "notes.csv.gz": {"piece", "onset", "dur", "pitch", "pos", "metre", "key_pc", "mode", "tempo"},
    "beats.csv.gz": {"piece", "tick", "chord_root", "chord_qual"},
    "solo_info": {"melid", "performer", "title", "avgtempo", "key", "signature"},
    "melody": {"eventid", "melid", "onset", "pitch", "duration", "period", "division", "bar", "beat", "tatum"},
    "beats": {"beatid", "melid", "bar", "beat", "chord"},
}

Row = dict[str, str]


def solo_entries(path: Path) -> list[Entry]:
    """The solos of a database file or of a folder of tables; those that are not in 4/4 say so when they are read.

    A composition has whole bars, and its first one holds the first note. Performers are the groups.
    """
    if path.is_file():
        return _database_entries(path)
    return _table_entries(path)


# --- the tables -------------------------------------------------------------------------------------------------------


def _table_entries(folder: Path) -> list[Entry]:
    notes = _by_piece(folder / "notes.csv.gz")
    beats = _by_piece(folder / "beats.csv.gz")
    return [
        _entry(
            piece["piece"],
            piece["performer"],
            piece["title"],
            partial(_from_tables, piece, notes.get(piece["piece"], []), beats.get(piece["piece"], [])),
            piece.get("recordingyear") or "",
        )
        for piece in _rows(folder / "pieces.csv")
    ]


def _entry(number: object, performer: str, title: str, read: Callable[[], Composition], date: str) -> Entry:
    year = re.search(r"\b(?:18|19|20)\d\d\b", date)  # dates are written in many ways
    return Entry(f"{number}: {performer}, {title}", performer, LICENCE, read, int(year[0]) if year else 0)


def _rows(path: Path) -> Iterator[Row]:
    if not path.is_file():
        raise missing_file("table", path)
    opened = (
        gzip.open(path, "rt", encoding="utf-8", newline="") if path.suffix == ".gz" else path.open(encoding="utf-8")
    )
    try:
        with opened as file:
            rows = csv.DictReader(file)
            _check_columns(f"the table {path}", path.name, rows.fieldnames or ())
            yield from rows
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise RlcomposeError(f"cannot read the table {path}: {error}") from None


def _check_columns(named: str, table: str, columns: Iterable[str]) -> None:
    if missing := _COLUMNS[table] - set(columns):
        raise RlcomposeError(f"{named} has no column {', '.join(sorted(missing))}")


def _by_piece(path: Path) -> dict[str, list[Row]]:
    pieces: defaultdict[str, list[Row]] = defaultdict(list)
    for row in _rows(path):
        pieces[row["piece"]].append(row)
    return pieces


def _from_tables(piece: Row, rows: list[Row], beats: list[Row]) -> Composition:
    _check_meter({row["metre"] for row in rows})
    try:
        first = rows[0]
        performed = [(int(row["onset"]), int(row["dur"]), int(row["pitch"])) for row in rows]
        changes = [(int(row["tick"]), _table_chord(row)) for row in beats]
        key = Key(int(first["key_pc"]) % 12, _MODES.get(first["mode"], "major"))
        # Ticks count from the first transcribed beat, which need not be a downbeat: `pos` says where in the bar.
        downbeat = int(first["onset"]) - int(first["pos"])
        return _solo(piece["performer"], piece["title"], performed, changes, downbeat, key, float(first["tempo"]))
    except ValueError as error:  # our own among them, such as a melody that is not monophonic
        raise RlcomposeError(f"it cannot be read: {error}") from None


def _table_chord(row: Row) -> Chord:
    root, quality = int(row["chord_root"]), row["chord_qual"]
    if root < 0 or quality not in _QUALITIES:
        return NO_CHORD
    return Chord(root, QUALITY_IDS[_QUALITIES[quality]])


# --- the database -----------------------------------------------------------------------------------------------------


def _database_entries(path: Path) -> list[Entry]:
    for table in ("melody", "beats"):
        columns = [row["name"] for row in _select(path, f"PRAGMA table_info({table})")]
        _check_columns(f"the table {table} of {path}", table, columns)
    solos = _select(path, "SELECT * FROM solo_info ORDER BY melid")
    columns = solos[0].keys() if solos else []
    if solos:
        _check_columns(f"the table solo_info of {path}", "solo_info", columns)
    dates = _recording_dates(path) if "recordid" in columns else {}
    return [
        _entry(
            *(solo["melid"], solo["performer"], solo["title"], partial(_from_database, path, solo)),
            dates.get(solo["recordid"], "") if dates else "",
        )
        for solo in solos
    ]


def _recording_dates(path: Path) -> dict[object, str]:
    """When each record was made, as it is written in the database; none where that table is missing."""
    columns = {row["name"] for row in _select(path, "PRAGMA table_info(record_info)")}
    if not {"recordid", "recordingdate"} <= columns:
        return {}
    rows = _select(path, "SELECT recordid, recordingdate FROM record_info")
    return {row["recordid"]: str(row["recordingdate"] or "") for row in rows}


def _select(path: Path, query: str, *values: object) -> list[sqlite3.Row]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(query, values).fetchall()
    except sqlite3.Error as error:
        raise RlcomposeError(f"cannot read the database {path}: {error}") from None


def _from_database(path: Path, solo: sqlite3.Row) -> Composition:
    rows = _select(path, "SELECT * FROM melody WHERE melid = ? ORDER BY eventid", solo["melid"])
    beats = _select(path, "SELECT bar, beat, chord FROM beats WHERE melid = ? ORDER BY beatid", solo["melid"])
    # Where the metre changes the signature may name several, or FREE; `period` is the number of beats in a note's bar.
    _check_meter({solo["signature"]})
    _check_meter({f"{row['period']}/4" for row in rows})
    tempo = float(solo["avgtempo"])
    changes = []
    chord = NO_CHORD
    for beat in beats:
        chord = _database_chord(beat["chord"]) if beat["chord"] else chord  # empty where the chord goes on
        changes.append((_place(beat["bar"], beat["beat"]), chord))
    key = _database_key(solo["key"])
    return _solo(solo["performer"], solo["title"], _performed(rows, tempo), changes, 0, key, tempo)


def _place(bar: int, beat: int) -> int:
    """The tick of a beat; bars before the first chorus have numbers below 1."""
    return bar * _BAR + (beat - 1) * TICKS_PER_QUARTER


def _performed(rows: Sequence[sqlite3.Row], tempo: float) -> list[tuple[int, int, int]]:
    """Onset, length and pitch of each note: the onset is its tatum in the beat, the length as long as it is held.

    A note is held to the next one if that comes within a beat, or if it fills most of the time until then.
    """
    onsets = [
        _place(row["bar"], row["beat"]) + round((row["tatum"] - 1) * TICKS_PER_QUARTER / row["division"])
        for row in rows
    ]
    performed = []
    for number, row in enumerate(rows):
        seconds = float(row["duration"])
        ticks = round(seconds * tempo / 60 * TICKS_PER_QUARTER)
        if number + 1 < len(rows):
            gap = onsets[number + 1] - onsets[number]
            wait = float(rows[number + 1]["onset"]) - float(row["onset"])
            share = min(1.0, seconds / wait) if wait > 0 else 1.0
            ticks = gap if gap <= TICKS_PER_QUARTER or share >= _LEGATO else round(share * gap)
        performed.append((onsets[number], ticks, round(row["pitch"])))
    return performed


def _database_chord(symbol: str) -> Chord:
    """The chord of a symbol such as "Bbj7", "F-7" or "Eb79b/G"; what is not known is no chord."""
    found = re.fullmatch(r"([A-G][#b]?)([^/]*)(?:/([A-G][#b]?))?", symbol)
    if not found:
        return NO_CHORD
    quality = next(name for prefix, name in _SUFFIXES if found[2].startswith(prefix))
    bass = parse_pitch_class(found[3]) if found[3] else -1
    return Chord(parse_pitch_class(found[1]), QUALITY_IDS[quality], bass)


def _database_key(name: Any) -> Key | None:
    """The key of a name such as "Bb-maj" or "C-blues", a mode that is not ours as major; None where there is none."""
    found = re.fullmatch(r"([A-G][#b]?)-(\w+)", name or "")
    return Key(parse_pitch_class(found[1]), _MODES.get(found[2], "major")) if found else None


# --- both -------------------------------------------------------------------------------------------------------------


def _check_meter(names: set[str]) -> None:
    if not names:
        raise RlcomposeError("it has no notes")
    if names != {_METER.name}:
        raise RlcomposeError(f"solos are read in 4/4 only: this is in {', '.join(sorted(map(str, names)))}")


def _solo(
    performer: str,
    title: str,
    performed: Sequence[tuple[int, int, int]],
    changes: Sequence[tuple[int, Chord]],
    downbeat: int,
    key: Key | None,
    tempo: float,
) -> Composition:
    """The composition of notes as (onset, ticks, pitch) and of chords as (tick, chord); `downbeat` is any of them."""
    if not performed:
        raise RlcomposeError("it has no notes")
    style = load_style("jazz")
    start = downbeat + (min(onset for onset, _, _ in performed) - downbeat) // _BAR * _BAR
    notes = []
    for (onset, ticks, pitch), following in zip(performed, [*performed[1:], None], strict=True):
        limit = ticks if following is None else following[0] - onset
        notes.append(Note(onset - start, pitch, max(1, min(ticks, limit))))
    written = straighten(notes)
    bars = -(-written[-1].end // _BAR)
    return Composition(
        notes=written,
        chords=chord_spans([(max(0, tick - start), chord) for tick, chord in changes], bars * _BAR),
        key=key or estimate_key((note.pitch, note.ticks) for note in written),
        meter=_METER,
        bars=bars,
        tempo=round(tempo),
        style=style.name,
        swing=True,
        instrument=style.instruments["melody"],
        title=f"{performer}: {title}",
    )
