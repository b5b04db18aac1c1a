"""`python -m rlcompose.fit`: how well real music fits the environment's actions."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rlcompose.arguments import at_least
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
        "Encode real music as actions, play them, and count the notes that survive.",
        "python -m rlcompose.fit --style fiddle --limit 100 --seed 1",
    )
    source_help = (
        "a collection by name, the Weimar Jazz Database, or a file or folder of ABC, MusicXML, MIDI or kern files "
        "(default: the style's own corpus)"
    )
    parser.add_argument("source", nargs="?", metavar="SOURCE", help=source_help)
    parser.add_argument("--style", default="jazz", help="the style whose actions are used (default: jazz)")
    parser.add_argument("--limit", type=at_least(1), metavar="N", help="read at most so many pieces (default: all)")
    parser.add_argument("--seed", type=at_least(0), metavar="N", help="draw the pieces instead of taking the first")
    parser.add_argument("--meter", metavar="METER", help="read this metre instead of the style's")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run(_fit, parser(), argv)


def _fit(arguments: argparse.Namespace) -> dict[str, Any]:
    from rlcompose.corpus.entry import Report
    from rlcompose.corpus.sources import read_pieces
    from rlcompose.errors import RlcomposeError
    from rlcompose.style import load_style

    style = load_style(arguments.style)
    report = Report()
    pieces = read_pieces(style, arguments.source, meter=arguments.meter, seed=arguments.seed, report=report)
    lost = 0

    def compositions() -> Iterator[Composition]:
        nonlocal lost
        for piece in islice(pieces, arguments.limit):
            lost += piece.lost
            yield piece.composition

    found = fit(_shown(compositions()), style)
    if found.notes == 0:
        reasons = ", ".join(f"{reason} ({number})" for reason, number in report.reasons.most_common()) or "it is empty"
        raise RlcomposeError(
            f"there is no piece for style {style.name!r} in {arguments.source or 'its corpus'}: {reasons}"
        )
    return {
        "pieces": found.pieces,
        "notes": found.notes,
        "kept_share": round(found.kept / found.notes, 5),
        "unmoved_share": round(found.exact / found.notes, 5),
        "length_within_a_tick_share": round(found.same_length / found.notes, 5),
        "illegal_actions": found.illegal,
        "lost_on_the_grid": lost,
        "skipped": dict(report.reasons.most_common()),
    }


def _shown(pieces: Iterable[Composition]) -> Iterator[Composition]:
    """The pieces, counted on the terminal meanwhile: some files take a quarter of a second each."""
    is_shown = sys.stderr.isatty()
    for number, piece in enumerate(pieces, 1):
        if is_shown:
            print(f"\r{number} pieces", end="", file=sys.stderr, flush=True)
        yield piece
    if is_shown:
        print("\r", end="\033[K", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
