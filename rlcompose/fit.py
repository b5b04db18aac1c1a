"""`python -m rlcompose.fit`: how well real music fits the environment's actions."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rlcompose.command import Parser, run
from rlcompose.score import Composition
from rlcompose.style import Style

NEAR = 1  # ticks that an onset may move


@dataclass(frozen=True, slots=True)
class Fit:
    """How many notes of how many pieces are played by the actions that encode them.

    kept      notes with their pitch and within one tick of their onset
    illegal   actions of the encodings that a mask forbids
    exact     notes whose onset did not move at all
    same_length   kept notes whose length is within one tick
    """

    pieces: int
    notes: int
    kept: int
    exact: int
    same_length: int
    illegal: int


def fit(pieces: Iterable[Composition], style: Style) -> Fit:
    """Encode pieces, play the actions in the engine, compare with what went in."""
    from rlcompose.codec import encode, perform

    count = notes = kept = exact = same_length = illegal = 0
    for piece in pieces:
        encoding = encode(piece, style)
        performance = perform(encoding.brief, 0, encoding.actions)
        illegal += int((performance.account[:, -1] != 0).sum())
        dropped = set(encoding.dropped)
        played = performance.composition.notes
        there = [note for note in piece.notes if note not in dropped]
        for note, again in zip(there, played, strict=True):
            is_kept = note.pitch == again.pitch and abs(note.onset - again.onset) <= NEAR
            kept += is_kept
            exact += is_kept and note.onset == again.onset
            same_length += is_kept and abs(note.ticks - again.ticks) <= NEAR
        notes += len(piece.notes)
        count += 1
    return Fit(count, notes, kept, exact, same_length, illegal)


def parser() -> Parser:
    """The command's options."""
    parser = Parser(
        "python -m rlcompose.fit",
        "Encode real solos as actions and count the notes that survive.",
        "python -m rlcompose.fit ~/wjazzd --style jazz",
    )
    folder_help = "tables made from the Weimar Jazz Database: pieces.csv, notes.csv.gz, beats.csv.gz"
    parser.add_argument("folder", metavar="FOLDER", help=folder_help)
    parser.add_argument("--style", default="jazz", help="the style whose actions are used (default: jazz)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run(_fit, parser(), argv)


def _fit(arguments: argparse.Namespace) -> dict[str, Any]:
    from rlcompose.errors import RlcomposeError
    from rlcompose.style import load_style
    from rlcompose.wjazzd import read_solos

    found = fit(read_solos(arguments.folder), load_style(arguments.style))
    if found.notes == 0:
        raise RlcomposeError(f"{arguments.folder} holds no 4/4 solo with notes")
    return {
        "pieces": found.pieces,
        "notes": found.notes,
        "kept_share": round(found.kept / found.notes, 5),
        "unmoved_share": round(found.exact / found.notes, 5),
        "length_within_a_tick_share": round(found.same_length / found.notes, 5),
        "illegal_actions": found.illegal,
    }


if __name__ == "__main__":
    sys.exit(main())
