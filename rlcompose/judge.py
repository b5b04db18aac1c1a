"""`python -m rlcompose.judge`: how much pieces are like real music of a style, bar by bar, and why."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlcompose.command import Parser, run
from rlcompose.score import Composition

if TYPE_CHECKING:
    from rlcompose.style import Style


def parser() -> Parser:
    """The command's options."""
    parser = Parser(
        "python -m rlcompose.judge",
        "Let the judge of style say how probable pieces are as music of a style, and why.",
        "python -m rlcompose.judge runs/jazz-ppo-1/pieces/trained.json --style jazz",
    )
    help_files = "piece.json, or ABC, MusicXML, MIDI or kern files, or folders of them"
    parser.add_argument("files", nargs="+", metavar="FILE", help=help_files)
    help_style = "the style that is asked about (default: the likeliest of each piece)"
    parser.add_argument("--style", metavar="STYLE", help=help_style)
    parser.add_argument("--judge", metavar="FOLDER", help="another judge than the one that comes with the package")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run(_judge, parser(), argv, _lines)


def _judge(arguments: argparse.Namespace) -> dict[str, Any]:
    from rlcompose.errors import RlcomposeError
    from rlcompose.learned.judge import load_judge
    from rlcompose.learned.referee import load_referee

    judge = load_judge(arguments.judge)
    referee = load_referee()
    result = []
    skipped: list[dict[str, str]] = []
    for path in map(Path, arguments.files):
        for name, piece in read_music(path, arguments.style, skipped):
            try:
                found = judge.judge(piece, arguments.style).to_dict()
            except RlcomposeError as error:
                if arguments.style is not None and "style of the judge" in str(error):
                    raise
                skipped.append({"piece": name, "reason": str(error)})
                continue
            result.append({"piece": name, **found, "referee": referee.judge(piece)})
    if not result:
        reasons = "; ".join(f"{each['piece']}: {each['reason']}" for each in skipped) or "they hold no music"
        raise RlcomposeError(f"there is nothing to judge: {reasons}")
    return {"pieces": result, "skipped": skipped}


def read_music(
    path: Path, style: str | Style | None, skipped: list[dict[str, str]]
) -> Iterator[tuple[str, Composition]]:
    """The pieces of a file or folder with their names; those that cannot be read are added to `skipped`.

    Of a folder that holds `piece.json` files those alone are read. The rhythm of MIDI is read as swung where the style
    swings.
    """
    from rlcompose.corpus.entry import Report
    from rlcompose.corpus.sources import read_pieces
    from rlcompose.piece import read_music as read_piece
    from rlcompose.style import Style, load_style
    from rlcompose.theory.meter import METERS

    documents = sorted(path.glob("*.json")) if path.is_dir() else [path] if path.suffix == ".json" else []
    for document in documents:
        yield str(document), read_piece(document)
    if documents:  # the other files beside a piece.json hold the same piece
        return
    report = Report()
    read_as = style if isinstance(style, Style) else load_style(style or "jazz")
    for piece in read_pieces(replace(read_as, meters=(*read_as.meters, *METERS)), path, report=report):
        yield piece.name, piece.composition
    skipped.extend({"piece": each.name, "reason": each.reason} for each in report.skipped)


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    for piece in result["pieces"]:
        style = piece["style"]
        p, second = piece["probabilities"][style], piece["referee"][style]
        yield f"{piece['piece']}: {piece['verdict']}"
        yield f"  {style}: judge {p:.2f}, referee {second:.2f}, score {piece['score']:.2f} of 1"
        yield f"  distance from real {style}: {piece['distance']:.2f} (95 % of real music is below 1)"
        for title, key in (("for it", "for"), ("against it", "against"), ("suspicious", "suspicions")):
            for reason in piece[key]:
                yield f"  {title}: {reason}"
    for each in result["skipped"]:
        yield f"skipped {each['piece']}: {each['reason']}"


if __name__ == "__main__":
    sys.exit(main())
