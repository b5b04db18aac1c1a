"""A composed piece and its files: `piece.json`, from which everything else can be made again, `.mid`, `.wav`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlcompose.brief import Brief, Options, make_brief
from rlcompose.codec import Performance, perform
from rlcompose.env import ENV_ID
from rlcompose.errors import RlcomposeError
from rlcompose.files import missing_file, write_atomically
from rlcompose.reward import WeightedTerm
from rlcompose.score import Composition

SCHEMA_VERSION = 1


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
    """Where a piece was written; `wav` is None where no sound could be made, `warning` says why or how."""

    json: Path
    midi: Path
    wav: Path | None
    total: float
    seconds: float | None
    lufs: float | None
    warning: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a command's result."""
        return {
            "piece": str(self.json),
            "midi": str(self.midi),
            "wav": str(self.wav) if self.wav else None,
            "return": round(self.total, 6),
            "seconds": self.seconds,
            "lufs": self.lufs,
        }


def write_piece(
    piece: Piece, folder: Path, name: str, soundfont: str | None = None, require_fluidsynth: bool = False
) -> PieceFiles:
    """Write NAME.json, NAME.mid and NAME.wav into a folder, each whole or not at all."""
    from rlcompose.audio import render_midi
    from rlcompose.midi import write_midi

    performance = piece.performance()
    paths = [folder / f"{name}.{ending}" for ending in ("json", "mid", "wav")]
    write_atomically(paths[0], json_text(piece_document(piece, performance)))
    write_midi(performance.composition, paths[1])
    total = float(performance.rewards.sum())
    report = render_midi(paths[1], paths[2], soundfont, require_fluidsynth)
    return PieceFiles(*paths, total, round(report.seconds, 3), report.lufs, report.warning)


def read_piece(path: Path | str, terms: Sequence[WeightedTerm] = ()) -> Piece:
    """The piece in a `piece.json`; one made for another environment or another state of its style is refused by name."""
    path = Path(path)
    if not path.is_file():
        raise missing_file("piece", path)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        options, seed, actions = document["options"], int(document["seed"]), tuple(map(int, document["actions"]))
        there = {name: document[name] for name in ("schema_version", "environment", "style_fingerprint", "style")}
    except (ValueError, KeyError, TypeError) as error:
        raise RlcomposeError(f"{path} is not a piece: {type(error).__name__} {error}") from None
    brief = make_brief(there.pop("style"), read_options(options))
    here = {
        "schema_version": SCHEMA_VERSION,
        "environment": ENV_ID,
        "style_fingerprint": brief.style.fingerprint,
    }
    for name, value in here.items():
        if there[name] != value:
            raise RlcomposeError(f"{path} was made with {name} {there[name]!r}, here it is {value!r}")
    return Piece(brief, seed, actions, tuple(terms), str(document.get("agent", "")))


def read_options(plain: dict[str, Any]) -> Options:
    """Options from the plain values that `Options.to_dict` gives."""
    return Options.from_mapping({k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()})
