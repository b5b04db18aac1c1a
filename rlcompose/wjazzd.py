"""Real jazz solos as compositions: reads tables made from the Weimar Jazz Database.

The tables are `pieces.csv`, `notes.csv.gz` and `beats.csv.gz`. The database (Jazzomat Research Project, Hochschule für
Musik Franz Liszt Weimar; Open Database License 1.0) is the user's own copy; nothing of it comes with the package.
Onsets are performed ones on a grid of 12 ticks a quarter note; they are read as swung (`rlcompose.swing.straighten`),
so that the compositions are written straight.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from rlcompose.errors import RlcomposeError
from rlcompose.files import missing_file
from rlcompose.score import ChordSpan, Composition, Note
from rlcompose.swing import straighten
from rlcompose.theory.chord import NO_CHORD, QUALITY_IDS, Chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

# The tables' nine simplified qualities.
_QUALITIES = {"maj": "maj7", "min": "m7", "dom": "7", "hdim": "m7b5", "dim": "dim7", "sus": "7sus4", "aug": "aug"}
_MODES = {"maj": "major", "min": "minor", "dor": "dorian", "mix": "mixolydian"}
_BAR = Meter(4, 4).bar_ticks
# What is read of each table; it may have more.
_COLUMNS = {
    "pieces.csv": {"piece", "performer", "title"},
    "notes.csv.gz": {"piece", "onset", "dur", "pitch", "pos", "metre", "key_pc", "mode", "tempo"},
    "beats.csv.gz": {"piece", "tick", "chord_root", "chord_qual"},
}

Row = dict[str, str]


def read_solos(folder: Path | str) -> Iterator[Composition]:
    """The 4/4 solos in a folder of tables, one after the other; bars are whole, the first holds the first note."""
    folder = Path(folder)
    notes = _by_piece(folder / "notes.csv.gz")
    beats = _by_piece(folder / "beats.csv.gz")
    for piece in _rows(folder / "pieces.csv"):
        rows = notes.get(piece["piece"], [])
        if rows and all(row["metre"] == "4/4" for row in rows):
            try:
                yield _solo(piece, rows, beats.get(piece["piece"], []))
            except ValueError as error:  # our own among them, such as a melody that is not monophonic
                raise RlcomposeError(f"piece {piece['piece']!r} in {folder} cannot be read: {error}") from None


def _rows(path: Path) -> Iterator[Row]:
    if not path.is_file():
        raise missing_file("table", path)
    opened = (
        gzip.open(path, "rt", encoding="utf-8", newline="") if path.suffix == ".gz" else path.open(encoding="utf-8")
    )
    try:
        with opened as file:
            rows = csv.DictReader(file)
            if missing := _COLUMNS[path.name] - set(rows.fieldnames or ()):
                raise RlcomposeError(f"the table {path} has no column {', '.join(sorted(missing))}")
            yield from rows
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise RlcomposeError(f"cannot read the table {path}: {error}") from None


def _by_piece(path: Path) -> dict[str, list[Row]]:
    pieces: defaultdict[str, list[Row]] = defaultdict(list)
    for row in _rows(path):
        pieces[row["piece"]].append(row)
    return pieces


def _solo(piece: Row, rows: list[Row], beats: list[Row]) -> Composition:
    first = rows[0]
    # Ticks count from the first transcribed beat, which need not be a downbeat: `pos` says where in the bar a note is.
    start = int(first["onset"]) - int(first["pos"])
    start -= max(0, -(-(start - min(int(row["onset"]) for row in rows)) // _BAR)) * _BAR
    performed = []
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        onset, ticks = int(row["onset"]) - start, max(1, int(row["dur"]))
        if following is not None:
            ticks = max(1, min(ticks, int(following["onset"]) - int(row["onset"])))
        performed.append(Note(onset, int(row["pitch"]), ticks))
    written = straighten(performed)
    bars = -(-written[-1].end // _BAR)
    key = Key(int(first["key_pc"]) % 12, _MODES.get(first["mode"], "major"))
    return Composition(
        notes=written,
        chords=_chords(beats, start, bars * _BAR),
        key=key,
        meter=Meter(4, 4),
        bars=bars,
        tempo=round(float(first["tempo"])),
        style="jazz",
        swing=True,
        title=f"{piece['performer']}: {piece['title']}",
    )


def _chords(beats: list[Row], start: int, total_ticks: int) -> tuple[ChordSpan, ...]:
    changes: list[tuple[int, Chord]] = []
    for row in beats:
        tick = int(row["tick"]) - start
        chord = _chord(row)
        if tick >= total_ticks:
            break
        if not changes or changes[-1][1] != chord:
            changes.append((max(tick, 0), chord))
    if not changes or changes[0][0] > 0:
        changes.insert(0, (0, NO_CHORD))
    ends = [tick for tick, _ in changes[1:]] + [total_ticks]
    return tuple(ChordSpan(tick, end - tick, c) for (tick, c), end in zip(changes, ends, strict=True) if end > tick)


def _chord(row: Row) -> Chord:
    root, quality = int(row["chord_root"]), row["chord_qual"]
    if root < 0 or quality not in _QUALITIES:
        return NO_CHORD
    return Chord(root, QUALITY_IDS[_QUALITIES[quality]])
