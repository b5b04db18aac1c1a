"""A composed piece and its files: `piece.json`, from which all the others can be made again, sound, notes, picture."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from rlcompose.brief import Brief, Options, make_brief
from rlcompose.codec import Performance, perform
from rlcompose.env import ENV_ID
from rlcompose.errors import RlcomposeError, missing_extra
from rlcompose.files import make_folder, missing_file, write_atomically
from rlcompose.output import STRAIGHT, USUAL_OUTPUT, Output
from rlcompose.reward import WeightedTerm
from rlcompose.score import Band, ChordSpan, Composition, Note, Section
from rlcompose.style import Style
from rlcompose.theory.chord import parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

SCHEMA_VERSION = 1

_Values = TypeVar("_Values")


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Everything that makes a piece: what was asked for, the seed of its reset, and the actions."""

    brief: Brief
    seed: int
    actions: tuple[int, ...]
    terms: tuple[WeightedTerm, ...]
    agent: str

    def performance(self) -> Performance:
        """The piece with the account of every event."""
        return perform(self.brief, self.seed, self.actions, self.terms)

    @property
    def composition(self) -> Composition:
        """The music."""
        return perform(self.brief, self.seed, self.actions).composition

    def _repr_html_(self) -> str:
        return self.composition._repr_html_()


def piece_document(piece: Piece, performance: Performance) -> dict[str, Any]:
    """What `piece.json` holds (schema version 1); `docs/files.md` describes the keys."""
    music = performance.composition
    shares = performance.account.sum(axis=0)
    return {
        "schema_version": SCHEMA_VERSION,
        "environment": ENV_ID,
        "style": piece.brief.style.name,
        "style_fingerprint": piece.brief.style.fingerprint,
        "options": piece.brief.options.to_dict(),
        "seed": piece.seed,
        "actions": list(piece.actions),
        "agent": piece.agent,
        "rewards": {
            "weights": {weighted.term.name: weighted.weight for weighted in piece.terms},
            "terms": {name: round(float(share), 9) for name, share in zip(performance.names, shares, strict=True)},
            "return": round(float(performance.rewards.sum()), 9),
        },
        "music": music_document(music),
    }


def music_document(music: Composition) -> dict[str, Any]:
    """A composition as plain values; times in ticks, 12 a quarter note, written straight."""
    return {
        "title": music.title,
        "key": music.key.name,
        "meter": music.meter.name,
        "tempo": music.tempo,
        "bars": music.bars,
        "swing": music.swing,
        "instrument": music.instrument,
        "band": None if music.band is None else asdict(music.band),
        "sections": [{"label": s.label, "bar": s.bar, "bars": s.bars} for s in music.sections],
        "chords": [{"onset": s.onset, "ticks": s.ticks, "symbol": s.chord.symbol} for s in music.chords],
        "notes": [{"onset": n.onset, "ticks": n.ticks, "pitch": n.pitch} for n in music.notes],
    }


def json_text(document: Any) -> str:
    """JSON with sorted keys; lists of numbers on one line, so that a piece stays readable."""
    import re

    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    text = re.sub(r"\[\s+([-\d.,\se]+?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text)
    return text + "\n"


@dataclass(frozen=True, slots=True)
class PieceFiles:
    """Where a piece was written, its return, and length and loudness of its sound (None for a silent piece).

    `abc` is None for a style that is none of folk tunes, `png` where there is no matplotlib.
    """

    json: Path
    midi: Path
    sound: Path
    musicxml: Path
    abc: Path | None
    png: Path | None
    total: float
    seconds: float
    lufs: float | None
    hint: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a command's result."""
        return {
            "piece": str(self.json),
            "midi": str(self.midi),
            self.sound.suffix[1:]: str(self.sound),
            "musicxml": str(self.musicxml),
            "abc": str(self.abc) if self.abc else None,
            "png": str(self.png) if self.png else None,
            "return": round(self.total, 6),
            "seconds": self.seconds,
            "lufs": self.lufs,
        }


def write_piece(piece: Piece, folder: Path, name: str, output: Output = USUAL_OUTPUT) -> PieceFiles:
    """Write NAME.wav, .mid, .musicxml, .abc for folk tunes, .png and .json; the sound, which can fail, comes first.

    `output` may ask for another sound format, for the parts by themselves (folders NAME-stems and NAME-midi), and for
    another way to play. Another piece is never overwritten: where one has the name, this one becomes NAME-2.
    """
    from rlcompose.abc_notation import FOLK_FAMILIES, write_abc
    from rlcompose.audio import mix_of, render_midi
    from rlcompose.midi import midi_bytes, midi_parts
    from rlcompose.musicxml import write_musicxml
    from rlcompose.plot import write_roll

    performance = piece.performance()
    music = performance.composition
    text = json_text(piece_document(piece, performance))
    name = _free_name(folder, name, text)
    endings = ("json", "mid", output.audio, "musicxml", "abc", "png")
    path = {ending: folder / f"{name}.{ending}" for ending in endings}
    mix, playing = mix_of(output.soundfont), output.playing
    report = render_midi(
        midi_bytes(music, playing, mix),
        path[output.audio],
        output.soundfont,
        output.require_fluidsynth,
        output.bits,
        midi_parts(music, playing, mix) if output.stems else None,
    )
    written = playing.as_written() if output.midi == STRAIGHT else playing
    write_atomically(path["mid"], midi_bytes(music, written))
    if output.midi_parts:
        parts = folder / f"{name}-midi"
        make_folder(parts)
        for part, content in midi_parts(music, written).items():
            write_atomically(parts / f"{part}.mid", content)
    write_musicxml(music, path["musicxml"])
    has_abc, has_png = piece.brief.style.family in FOLK_FAMILIES, _has_matplotlib()
    if has_abc:
        write_abc(music, path["abc"])
    if has_png:
        write_roll(music, path["png"])
    write_atomically(path["json"], text)
    return PieceFiles(
        json=path["json"],
        midi=path["mid"],
        sound=path[output.audio],
        musicxml=path["musicxml"],
        abc=path["abc"] if has_abc else None,
        png=path["png"] if has_png else None,
        total=float(performance.rewards.sum()),
        seconds=round(report.seconds, 3),
        lufs=report.lufs,
        hint=report.hint,
    )


@cache
def _has_matplotlib() -> bool:
    """Whether pictures can be drawn; that they cannot is said once."""
    if find_spec("matplotlib"):
        return True
    print(f"rlcompose: no pictures are written: {missing_extra('matplotlib', 'plot')}", file=sys.stderr)
    return False


def _free_name(folder: Path, name: str, text: str) -> str:
    """The name, or the first of NAME-2, NAME-3, … that no other piece has; the same piece keeps its name."""
    number = 1
    while True:
        free = name if number == 1 else f"{name}-{number}"
        path = folder / f"{free}.json"
        if not path.exists() or path.read_bytes() == text.encode():
            return free
        number += 1


def read_piece(path: Path | str, terms: Sequence[WeightedTerm] = (), style: Style | None = None) -> Piece:
    """The piece in a `piece.json`; one made for another environment or another state of its style is refused by name.

    style    the piece's style, where it is none of the shipped ones
    """
    path = Path(path)

    def values(document: Any) -> tuple[Any, int, tuple[int, ...], dict[str, Any], str]:
        there = {name: document[name] for name in ("schema_version", "environment", "style_fingerprint", "style")}
        agent = str(document.get("agent", ""))
        return document["options"], int(document["seed"]), tuple(map(int, document["actions"])), there, agent

    options, seed, actions, there, agent = _read(path, values)
    _check_same(path, there, {"schema_version": SCHEMA_VERSION, "environment": ENV_ID})
    brief = make_brief(style or str(there["style"]), read_options(options))
    _check_same(path, there, {"style": brief.style.name, "style_fingerprint": brief.style.fingerprint})
    return Piece(brief, seed, actions, tuple(terms), agent)


def read_weights(path: Path | str) -> dict[str, float]:
    """The weights of the reward terms that a `piece.json` was paid by."""
    return _read(path, lambda piece: {str(name): float(w) for name, w in piece["rewards"]["weights"].items()})


def read_music(path: Path | str) -> Composition:
    """The music in a `piece.json`, of whatever style and environment it is; the inverse of `music_document`."""

    def values(document: Any) -> Composition:
        music = document["music"]
        return Composition(
            notes=tuple(Note(note["onset"], note["pitch"], note["ticks"]) for note in music["notes"]),
            chords=tuple(
                ChordSpan(span["onset"], span["ticks"], parse_chord(span["symbol"])) for span in music["chords"]
            ),
            key=Key.parse(music["key"]),
            meter=Meter.parse(music["meter"]),
            bars=music["bars"],
            tempo=music["tempo"],
            style=document["style"],
            swing=music["swing"],
            sections=tuple(Section(part["label"], part["bar"], part["bars"]) for part in music["sections"]),
            instrument=music["instrument"],
            band=None if music["band"] is None else Band(**music["band"]),
            title=music["title"],
        )

    return _read(path, values)


def _read(path: Path | str, values: Callable[[Any], _Values]) -> _Values:
    """What `values` takes from the document in a file, or the error that says that it is no piece."""
    path = Path(path)
    if not path.is_file():
        raise missing_file("piece", path)
    try:
        return values(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RlcomposeError(f"{path} is not a piece: {type(error).__name__} {error}") from None


def _check_same(path: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    for name, value in here.items():
        if there[name] != value:
            raise RlcomposeError(f"{path} was made with {name} {there[name]!r}, here it is {value!r}")


def read_options(plain: Any) -> Options:
    """Options from the plain values that `Options.to_dict` gives."""
    if not isinstance(plain, dict):
        raise RlcomposeError(f"the options {plain!r} are no mapping from names to values")
    return Options.from_mapping({k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()})
