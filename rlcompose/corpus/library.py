"""Whole corpora, read once: what the readers make of the files is kept in the user's cache folder as arrays.

    from rlcompose.corpus.library import load_corpus
    corpus = load_corpus("fiddle")          # some seconds the first time, a fraction of one afterwards
    corpus.melodies, corpus.families        # for what learns
    corpus[0].composition                   # the pieces themselves

What is kept belongs to the user: it is made from files that they have, and none of it comes with this package.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.corpus.entry import Skipped, SourcePiece
from rlcompose.corpus.sources import COLLECTIONS, CORPORA, WJAZZD, find_entries, read_entry, source_path
from rlcompose.corpus.split import family_of
from rlcompose.engine.cache import user_cache_folder
from rlcompose.errors import RlcomposeError
from rlcompose.files import atomic_path, make_folder
from rlcompose.score import ChordSpan, Composition, Note, Section
from rlcompose.style import Style, load_style
from rlcompose.theory.chord import NO_CHORD, Chord
from rlcompose.theory.key import MODES, Key
from rlcompose.theory.meter import Meter

if TYPE_CHECKING:
    from rlcompose.learned.melodies import Melodies

SHARES = 8  # into which the pieces of a collection are cut for the processes: their files differ in length
# One row a note, a chord span, a section, a piece; text stands apart.
NOTE_COLUMNS = ("onset", "ticks", "pitch")
CHORD_COLUMNS = ("onset", "ticks", "root", "quality", "bass", "suffix")
SECTION_COLUMNS = ("label", "bar", "bars")
PIECE_COLUMNS = (
    *("notes", "chords", "sections", "tonic", "mode", "numerator", "denominator", "bars", "tempo", "instrument"),
    *("pickup", "lost", "year"),
)

Progress = Callable[[str, int, int], None]  # is told the name, the pieces read so far and all pieces


@dataclass(frozen=True, eq=False)
class Corpus(Sequence[SourcePiece]):
    """The pieces of a source in a style; each is made from the arrays when it is asked for.

    skipped   the pieces that could not be read, with the reason
    seconds   what reading took, 0 where it came from the cache
    """

    style: Style
    name: str
    arrays: dict[str, NDArray[np.int32]]
    texts: dict[str, list[str]]
    skipped: tuple[Skipped, ...]
    seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.arrays["pieces"])

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[at] for at in range(*number.indices(len(self)))]
        row = dict(zip(PIECE_COLUMNS, self.arrays["pieces"][number].tolist(), strict=True))
        at = range(len(self))[number]

        def rows(table: str) -> list[list[int]]:
            end = int(self._ends[table][at])
            found: list[list[int]] = self.arrays[table][end - row[table] : end].tolist()
            return found

        words = self.texts["words"]
        composition = Composition(
            notes=tuple(Note(onset, pitch, ticks) for onset, ticks, pitch in rows("notes")),
            chords=tuple(
                ChordSpan(onset, ticks, Chord(root, quality, bass, words[suffix]) if quality else NO_CHORD)
                for onset, ticks, root, quality, bass, suffix in rows("chords")
            ),
            key=Key(row["tonic"], MODES[row["mode"]]),
            meter=Meter(row["numerator"], row["denominator"]),
            bars=row["bars"],
            tempo=row["tempo"],
            style=self.style.name,
            swing=self.style.swing,
            sections=tuple(Section(words[label], bar, bars) for label, bar, bars in rows("sections")),
            instrument=row["instrument"],
            title=self.texts["titles"][at],
            pickup=row["pickup"],
        )
        licence = words[int(self.texts["licences"][at])]
        return SourcePiece(
            composition, self.texts["names"][at], self.texts["groups"][at], licence, row["lost"], row["year"]
        )

    @cached_property
    def _ends(self) -> dict[str, NDArray[np.int64]]:
        pieces = self.arrays["pieces"]
        return {table: np.cumsum(pieces[:, PIECE_COLUMNS.index(table)]) for table in ("notes", "chords", "sections")}

    def column(self, name: str) -> NDArray[np.int32]:
        """A number of every piece, one of `PIECE_COLUMNS`."""
        return self.arrays["pieces"][:, PIECE_COLUMNS.index(name)]

    @cached_property
    def melodies(self) -> Melodies:
        """The melodies on the straight grid, from the arrays at once."""
        from rlcompose.learned.melodies import melodies_from_arrays

        meters = [Meter(n, d) for n, d in zip(self.column("numerator"), self.column("denominator"), strict=True)]
        modes = [MODES[mode] for mode in self.column("mode")]
        return melodies_from_arrays(
            self.arrays["notes"], self.column("notes"), meters, self.column("bars"), self.column("tonic"), modes
        )

    @cached_property
    def families(self) -> list[str]:
        """What a split must keep together, piece by piece (see `rlcompose.corpus.split`)."""
        named = zip(self.texts["names"], self.texts["groups"], strict=True)
        return [family_of(self.style.family, name, group) for name, group in named]

    def describe(self) -> dict[str, Any]:
        """What there is, as plain values."""
        keys: Counter[str] = Counter()
        for mode, count in zip(*np.unique(self.column("mode"), return_counts=True), strict=True):
            keys[MODES[mode]] = int(count)
        meters = Counter(f"{n}/{d}" for n, d in zip(self.column("numerator"), self.column("denominator"), strict=True))
        years = self.column("year")[self.column("year") > 0]
        reasons = Counter(skipped.reason.partition(":")[0] for skipped in self.skipped)
        words = self.texts["words"]
        return {
            "style": self.style.name,
            "source": self.name,
            "pieces": len(self),
            "notes": len(self.arrays["notes"]),
            "bars": int(self.column("bars").sum()),
            "groups": len(set(self.texts["groups"])),
            "families": len(set(self.families)),
            "modes": dict(keys.most_common()),
            "metres": dict(meters.most_common()),
            "years": [int(years.min()), int(years.max())] if len(years) else None,
            "skipped": len(self.skipped),
            "reasons": dict(reasons.most_common()),
            "licence": sorted({words[int(number)] for number in set(self.texts["licences"])}),
        }


def load_corpus(
    style: str | Style, source: str | os.PathLike[str] | None = None, progress: Progress | None = None
) -> Corpus:
    """The pieces of a source in a style, from the cache where the files have not changed since they were read.

    Args:
        style: Whose metres are read.
        source: As for `rlcompose.corpus.sources.read_pieces`; left out, the style's own corpus.
        progress: Is told how far reading has come.

    Raises:
        RlcomposeError: There is no such source, or it needs what is not installed.
    """
    style = load_style(style) if isinstance(style, str) else style
    names = CORPORA.get(style.family, ()) if source is None else (source,)
    if not names:
        raise RlcomposeError(f"style {style.name!r} has no corpus of its own: name a folder of music as the source")
    parts = [_part(style, name, progress) for name in names]
    return parts[0] if len(parts) == 1 else _joined(style, "+".join(part.name for part in parts), parts)


def is_available(style: Style) -> bool:
    """Whether the files of a style's own corpus are there."""
    try:
        for name in CORPORA.get(style.family, ()):
            source_path(name)
    except RlcomposeError:
        return False
    return style.family in CORPORA


def _part(style: Style, source: str | os.PathLike[str], progress: Progress | None) -> Corpus:
    path = source_path(source)
    named = str(source) if source in (*COLLECTIONS, WJAZZD) else str(path)
    file = user_cache_folder() / "corpora" / f"{_fingerprint(style, named, path)}.npz"
    kept = _read(file)
    if kept is not None:
        return Corpus(style, named, *kept)
    begun = time.monotonic()
    arrays, texts, skipped = _built(style, source, named, progress)
    try:
        make_folder(file.parent)
        with atomic_path(file) as temporary, temporary.open("wb") as stream:
            kept_text = json.dumps({"texts": texts, "skipped": [(each.name, each.reason) for each in skipped]})
            text = np.frombuffer(kept_text.encode(), np.uint8)
            np.savez_compressed(stream, allow_pickle=False, text=text, **arrays)
    except RlcomposeError as error:
        print(f"warning: what was read is not kept: {error}", file=sys.stderr)
    return Corpus(style, named, arrays, texts, skipped, time.monotonic() - begun)


# The modules whose text decides what is read.
_READERS = (
    *(f"corpus/{name}.py" for name in ("abc", "entry", "harmony", "kern", "keys", "scores", "sources", "wjazzd")),
    *("corpus/written.py", "theory/harmonise.py"),
)


def _fingerprint(style: Style, named: str, path: Path) -> str:
    """What the pieces depend on: the files by name, size and time, the readers' text, the style's metres."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]
    digest = hashlib.sha256(repr((named, stats, style.name, [m.name for m in style.meters], style.tempo)).encode())
    for reader in _READERS:
        digest.update(resources.files("rlcompose").joinpath(reader).read_bytes())
    return digest.hexdigest()[:24]


def _read(file: Path) -> tuple[dict[str, NDArray[np.int32]], dict[str, list[str]], tuple[Skipped, ...]] | None:
    """What is kept; None where there is nothing, or something that is damaged."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ("notes", "chords", "sections", "pieces")}
            text = json.loads(stored["text"].tobytes())
        return arrays, text["texts"], tuple(Skipped(name, reason) for name, reason in text["skipped"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


# --- reading ----------------------------------------------------------------------------------------------------------


def _built(
    style: Style, source: str | os.PathLike[str], named: str, progress: Progress | None
) -> tuple[dict[str, NDArray[np.int32]], dict[str, list[str]], tuple[Skipped, ...]]:
    number = len(find_entries(style, source))
    found: dict[int, list[Any]] = {}
    with ProcessPoolExecutor(min(SHARES, os.cpu_count() or 1), mp_context=multiprocessing.get_context(_START)) as pool:
        waiting = {pool.submit(_read_share, style, source, share): share for share in range(SHARES)}
        try:
            for done in as_completed(waiting):
                found[waiting[done]] = done.result()
                if progress is not None:
                    progress(named, sum(len(share) for share in found.values()), number)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    pieces: list[Any] = [None] * number
    for share, rows in found.items():
        pieces[share::SHARES] = rows
    return _tables(pieces)


# A forked process shares what is loaded; elsewhere it is imported again.
_START = "fork" if sys.platform == "linux" else "spawn"


def _read_share(style: Style, source: str | os.PathLike[str], share: int) -> list[Any]:
    """Every eighth piece: the composition and what its entry says, or the reason why it is skipped."""
    rows: list[Any] = []
    for entry in islice(find_entries(style, source), share, None, SHARES):
        try:
            piece, lost = read_entry(entry, style)
        except RlcomposeError as error:
            rows.append(Skipped(entry.name, str(error)))
            continue
        rows.append(SourcePiece(piece, entry.name, entry.group, entry.licence, lost, entry.year))
    return rows


def _tables(
    pieces: Sequence[SourcePiece | Skipped],
) -> tuple[dict[str, NDArray[np.int32]], dict[str, list[str]], tuple[Skipped, ...]]:
    words: dict[str, int] = {}
    rows: dict[str, list[tuple[int, ...]]] = {"notes": [], "chords": [], "sections": [], "pieces": []}
    texts: dict[str, list[str]] = {"names": [], "groups": [], "titles": [], "licences": []}

    def word(text: str) -> int:
        return words.setdefault(text, len(words))

    read = [piece for piece in pieces if isinstance(piece, SourcePiece)]
    for piece in read:
        music = piece.composition
        rows["notes"] += [(note.onset, note.ticks, note.pitch) for note in music.notes]
        rows["chords"] += [
            (span.onset, span.ticks, c.root, c.quality, c.bass, word(c.suffix))
            for span, c in ((span, span.chord) for span in music.chords)
        ]
        rows["sections"] += [(word(section.label), section.bar, section.bars) for section in music.sections]
        lengths = (len(music.notes), len(music.chords), len(music.sections))
        key = (music.key.tonic, MODES.index(music.key.mode))
        meter = (music.meter.numerator, music.meter.denominator)
        rest = (music.bars, music.tempo, music.instrument, music.pickup, piece.lost, piece.year)
        rows["pieces"].append((*lengths, *key, *meter, *rest))
        texts["names"].append(piece.name)
        texts["groups"].append(piece.group)
        texts["titles"].append(music.title)
        texts["licences"].append(str(word(piece.licence)))
    widths = {"notes": NOTE_COLUMNS, "chords": CHORD_COLUMNS, "sections": SECTION_COLUMNS, "pieces": PIECE_COLUMNS}
    arrays = {name: np.array(table, np.int32).reshape(-1, len(widths[name])) for name, table in rows.items()}
    texts["words"] = list(words)
    return arrays, texts, tuple(piece for piece in pieces if isinstance(piece, Skipped))


def _joined(style: Style, name: str, parts: Sequence[Corpus]) -> Corpus:
    """Several corpora as one."""
    texts: dict[str, list[str]] = {key: [] for key in ("names", "groups", "titles", "licences", "words")}
    arrays: dict[str, list[NDArray[np.int32]]] = {key: [] for key in ("notes", "chords", "sections", "pieces")}
    for part in parts:
        moved = len(texts["words"])
        texts["licences"] += [str(int(number) + moved) for number in part.texts["licences"]]
        for key in ("names", "groups", "titles", "words"):
            texts[key] += part.texts[key]
        chords, sections = part.arrays["chords"].copy(), part.arrays["sections"].copy()
        chords[:, CHORD_COLUMNS.index("suffix")] += moved
        sections[:, SECTION_COLUMNS.index("label")] += moved
        for key, table in (part.arrays | {"chords": chords, "sections": sections}).items():
            arrays[key].append(table)
    skipped = tuple(each for part in parts for each in part.skipped)
    whole = {key: np.concatenate(tables) for key, tables in arrays.items()}
    return Corpus(style, name, whole, texts, skipped, sum(part.seconds for part in parts))
