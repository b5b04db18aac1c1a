"""Where the real music of a style is found, and its pieces one by one: the one door to every reader."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from rlcompose.corpus.abc import read_tune, split_tunes, tune_field
from rlcompose.corpus.entry import Entry, Report, SourcePiece
from rlcompose.corpus.kern import decoded, read_kern
from rlcompose.corpus.scores import Voice, read_score
from rlcompose.corpus.wjazzd import DATABASE, solo_entries
from rlcompose.corpus.written import WrittenTune, compose_written
from rlcompose.errors import RlcomposeError, missing_extra, unknown
from rlcompose.files import missing_file
from rlcompose.score import Composition
from rlcompose.style import Style
from rlcompose.theory.harmonise import harmonised
from rlcompose.theory.meter import Meter

DATA_VARIABLE = "RLCOMPOSE_DATA"  # names the folder in which the user keeps corpora
WJAZZD = "wjazzd"
KERN_ENDING = ".krn"
SCORE_ENDINGS = (KERN_ENDING, ".mid", ".midi", ".musicxml", ".mxl", ".xml")
ABC_ENDING = ".abc"


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection inside music21's corpus: the files of a folder, and how they are read.

    is_top       the melody is the part that lies highest
    is_numbered  the numbers (`X:`) count through all files, which overlap: each number is read once
    """

    folder: str
    files: str  # a regular expression for whole file names
    licence: str
    is_top: bool = False
    is_chorale: bool = False
    is_numbered: bool = False


_ESSEN = "Essen Folksong Collection, in music21 with permission for non-commercial distribution; legal status unclear"
_NO_LICENCE = "encoded by volunteers, distributed with music21; the files name no licence"

COLLECTIONS = {
    "bach": Collection("bach", r"bwv.*\.mxl", f"Chorales of J. S. Bach, {_NO_LICENCE}", is_top=True, is_chorale=True),
    "oneills": Collection("oneills1850", r".*\.abc", f"O'Neill's Music of Ireland, {_NO_LICENCE}", is_numbered=True),
    "ryans": Collection("ryansMammoth", r".*\.abc", f"Ryan's Mammoth Collection, {_NO_LICENCE}"),
    "airds": Collection("airdsAirs", r".*\.abc", f"Aird's Airs, {_NO_LICENCE}"),
    "essen_german": Collection(
        "essenFolksong", r"(altdeu|ballad|boehme|dva|erk|fink|kinder|lot|variant|zuccal)\d*\.abc", _ESSEN
    ),
    "essen_chinese": Collection("essenFolksong", r"han\d\.abc", _ESSEN),
    "palestrina": Collection(
        "palestrina",
        r".*\.krn",
        "Palestrina's masses, copyright 2000 John Miller, rights to all derivative electronic formats reserved",
        is_top=True,
    ),
    "monteverdi": Collection(
        "monteverdi", r"madrigal(?!.*_old).*\.mxl", f"Madrigals of Monteverdi, {_NO_LICENCE}", is_top=True
    ),
}
# What each style's music is; the variants of a style share it.
CORPORA = {
    "jazz": (WJAZZD,),
    "chorale": ("bach",),
    "fiddle": ("oneills", "ryans", "airds"),
    "german_folk": ("essen_german",),
    "chinese_folk": ("essen_chinese",),
    "renaissance": ("palestrina", "monteverdi"),
}


def read_pieces(
    style: Style,
    source: str | os.PathLike[str] | None = None,
    *,
    meter: str | Meter | None = None,
    seed: int | None = None,
    expand_repeats: bool = False,
    report: Report | None = None,
) -> Iterator[SourcePiece]:
    """The pieces of a source as compositions of a style, each read when it is asked for; a wrong source is told now.

    A piece's group is the performer of a solo, the title of a tune, the work that a movement is from; that two titles
    name one tune is not known here.

    Args:
        style: Its metres are read and no others, its tempo is taken where the source has none.
        source: The name of a collection (see `COLLECTIONS`), the Weimar Jazz Database (the file or a folder of tables),
            a file or a folder of ABC, MusicXML, MIDI or kern files; left out, the style's own corpus.
        meter: Read this metre instead of the style's.
        seed: Take the pieces in an order drawn from it, instead of in the order in which they are stored.
        expand_repeats: Play the repeats of ABC and score files.
        report: Told of every piece that is skipped, and why.
    """
    report = Report() if report is None else report
    only = Meter.parse(meter) if isinstance(meter, str) else meter
    entries = find_entries(style, source)
    if seed is not None:
        entries = [entries[number] for number in np.random.default_rng(seed).permutation(len(entries))]
    return _read(entries, style, only, expand_repeats, report)


def _read(
    entries: list[Entry], style: Style, only: Meter | None, expand_repeats: bool, report: Report
) -> Iterator[SourcePiece]:
    for entry in entries:
        try:
            piece, lost = read_entry(entry, style, only, expand_repeats)
        except RlcomposeError as error:
            report.skip(entry.name, str(error))
            continue
        report.read += 1
        yield SourcePiece(piece, entry.name, entry.group, entry.licence, lost, entry.year)


def read_entry(
    entry: Entry, style: Style, only: Meter | None = None, expand_repeats: bool = False
) -> tuple[Composition, int]:
    """The piece of an entry as a composition of a style, and how many of its notes were lost.

    Where it has no chords it gets those of `rlcompose.theory.harmonise`.

    Raises:
        RlcomposeError: It cannot be read, or its metre is none of the style's or not `only`.
    """
    written = entry.read()
    if isinstance(written, WrittenTune):
        music, lost = compose_written(written, style, only, expand_repeats)
        return harmonised(music), lost
    return harmonised(_as_style(written, style, only)), 0


def _as_style(piece: Composition, style: Style, only: Meter | None) -> Composition:
    allowed = style.meters if only is None else (only,)
    if piece.meter not in allowed:
        names = ", ".join(meter.name for meter in allowed)
        raise RlcomposeError(f"the metre {piece.meter.name} is not used: allowed are {names}")
    return replace(piece, style=style.name, swing=style.swing, instrument=style.instruments["melody"])


def find_entries(style: Style, source: str | os.PathLike[str] | None = None) -> list[Entry]:
    """The pieces of a source, not read yet; of the style's own corpus if none is given."""
    if source is None:
        names = CORPORA.get(style.family)
        if names is None:
            raise RlcomposeError(f"style {style.name!r} has no corpus of its own: name a folder of music as the source")
        return [entry for name in names for entry in _named(name)]
    if source in (*COLLECTIONS, WJAZZD):
        return _named(str(source))
    path = source_path(source)
    if path.suffix == ".db" or (path.is_dir() and _holds_solos(path)):
        return _solos(path)
    entries = _file_entries(path, style.swing)
    if not entries:
        endings = ", ".join((ABC_ENDING, *SCORE_ENDINGS, ".db"))
        raise RlcomposeError(f"{path} holds no music: files that end in {endings} are read")
    return entries


def source_path(source: str | os.PathLike[str]) -> Path:
    """The file or folder of a source, a collection's or any; what does not exist raises the error that says so."""
    if source == WJAZZD:
        return _data_folder()
    if source in COLLECTIONS:
        return _collection_folder(COLLECTIONS[str(source)])
    path = Path(source)
    if not path.exists():
        if path.parent == Path("."):
            raise unknown("source", source, (*COLLECTIONS, WJAZZD, "the path of a file or folder"))
        raise missing_file("source", path)
    return path


def _named(name: str) -> list[Entry]:
    if name == WJAZZD:
        return _solos(_data_folder())
    return _collection_entries(name, COLLECTIONS[name])


# --- the Weimar Jazz Database -----------------------------------------------------------------------------------------


def _data_folder() -> Path:
    folder = os.environ.get(DATA_VARIABLE)
    if not folder:
        raise RlcomposeError(
            f"the Weimar Jazz Database is not found: get {DATABASE} from jazzomat.hfm-weimar.de, and give its path or "
            f"name its folder in {DATA_VARIABLE}"
        )
    path = Path(folder)
    for place in (path, path / WJAZZD):
        if place.is_dir() and _holds_solos(place):
            return place
    raise RlcomposeError(f"{DATA_VARIABLE} is {folder!r}, but there is no {DATABASE} and no table of solos")


def _holds_solos(folder: Path) -> bool:
    return (folder / DATABASE).is_file() or (folder / "pieces.csv").is_file()


def _solos(path: Path) -> list[Entry]:
    return solo_entries(path / DATABASE if path.is_dir() and (path / DATABASE).is_file() else path)


# --- music21's corpus -------------------------------------------------------------------------------------------------


def _collection_folder(collection: Collection) -> Path:
    found = find_spec("music21")
    if found is None or found.origin is None:
        raise missing_extra("music21", "notation")
    folder = Path(found.origin).parent / "corpus" / collection.folder
    if not folder.is_dir():
        raise RlcomposeError(f"the installed music21 has no corpus {collection.folder!r}: {folder} does not exist")
    return folder


def _collection_entries(name: str, collection: Collection) -> list[Entry]:
    folder = _collection_folder(collection)
    files = sorted(path for path in folder.iterdir() if re.fullmatch(collection.files, path.name))
    entries: list[Entry] = []
    numbers: set[str] = set()
    for path in files:
        label = f"{name}/{path.name}"
        if path.suffix == ABC_ENDING:
            entries += _abc_entries(path, label, collection.licence, numbers if collection.is_numbered else None)
        else:
            read = partial(_read_collected, path, collection)
            entries.append(Entry(label, _work(path), collection.licence, read))
    return entries


def _read_collected(path: Path, collection: Collection) -> WrittenTune:
    voice: Voice = "top" if collection.is_top else "melody"
    if path.suffix == KERN_ENDING:
        return read_kern(path, voice)
    return read_score(path, voice, is_chorale=collection.is_chorale)


def _work(path: Path) -> str:
    """The work that a file belongs to: the mass that a kern file names, the number of a cantata, else the file."""
    if path.suffix == KERN_ENDING:
        found = re.search(r"^!!!OPR:\s*(.+)", path.read_text(encoding="latin-1"), re.MULTILINE)
        return found[1].strip() if found else path.stem
    return path.stem.partition(".")[0] if path.stem.startswith("bwv") else path.stem


# --- files ------------------------------------------------------------------------------------------------------------


def _file_entries(path: Path, is_swung: bool) -> list[Entry]:
    """The pieces of a file, or of a folder and the folders in it."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    entries: list[Entry] = []
    for file in files:
        label = file.relative_to(path).as_posix() if path.is_dir() else file.name
        ending = file.suffix.lower()
        if ending == ABC_ENDING and file.is_file():
            entries += _abc_entries(file, label, "your own file")
        elif ending in SCORE_ENDINGS and file.is_file():
            read = partial(read_kern, file) if ending == KERN_ENDING else partial(read_score, file, is_swung=is_swung)
            entries.append(Entry(label, file.stem, "your own file", read))
    return entries


def _abc_entries(path: Path, label: str, licence: str, numbers: set[str] | None = None) -> list[Entry]:
    """The tunes of a file; of those whose number is in `numbers` already only the first is read."""
    entries = []
    tunes = split_tunes(decoded(path.read_bytes()))
    if not tunes:
        return [Entry(label, path.stem, licence, _refuse_empty)]
    for place, text in enumerate(tunes, 1):
        number = tune_field(text, "X") or str(place)
        title = tune_field(text, "T")
        group = " ".join(re.findall(r"\w+", title.partition(" -- ")[0].casefold()))
        read = partial(read_tune, text)
        if numbers is not None and number in numbers:
            read = partial(_refuse_twice, number)
        elif numbers is not None:
            numbers.add(number)
        name = f"{label}#{number}" + (f": {title}" if title else "")
        entries.append(Entry(name, group or name, licence, read))
    return entries


def _refuse_empty() -> WrittenTune:
    raise RlcomposeError("it has no tune: a line that begins with X: opens one")


def _refuse_twice(number: str) -> WrittenTune:
    raise RlcomposeError(f"its number is there twice in the collection: {number}")
