"""`python -m rlcompose.naturalness`: learn to tell real music from what a model has made, and ask what was learned."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rlcompose.command import Parser, run


def parser() -> Parser:
    """The command's options."""
    parser = Parser(
        "python -m rlcompose.naturalness",
        "Learn to tell real music of a style from pieces that a model has made, or judge pieces by what was learned.",
        "python -m rlcompose.naturalness runs/jazz-ppo-1/pieces --style jazz --out natural",
    )
    help_files = "the model's pieces: piece.json, ABC, MusicXML, MIDI or kern files, or folders of them"
    parser.add_argument("files", nargs="+", metavar="FILE", help=help_files)
    parser.add_argument(
        "--style", metavar="STYLE", default="jazz", help="whose real music they are told from (default: jazz)"
    )
    help_source = "real music instead of the style's own corpus: a collection, a file or a folder"
    parser.add_argument("--source", metavar="SOURCE", help=help_source)
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--out", metavar="FOLDER", help="learn, and write what was learned to this folder")
    chosen.add_argument("--by", metavar="FOLDER", help="judge the pieces by what was learned before")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run(_naturalness, parser(), argv)


def _naturalness(arguments: argparse.Namespace) -> dict[str, Any]:
    from rlcompose.corpus.library import load_corpus
    from rlcompose.corpus.split import JUDGE, part_of
    from rlcompose.judge import read_music
    from rlcompose.learned.melodies import make_melodies
    from rlcompose.learned.naturalness import fit_naturalness, load_naturalness, save_naturalness

    skipped: list[dict[str, str]] = []
    pieces = [each for path in arguments.files for each in read_music(Path(path), arguments.style, skipped)]
    if arguments.by is not None:
        head = load_naturalness(arguments.by)
        told = {name: round(head.judge(piece), 4) for name, piece in pieces if piece.notes}
        return {"style": head.style, "natural": told, "skipped": skipped}
    corpus = load_corpus(arguments.style, arguments.source)
    # Of a corpus of ours only the part that judges learn from; a folder of one's own is used whole.
    kept = [
        number
        for number, family in enumerate(corpus.families)
        if arguments.source is not None or part_of(family) == JUDGE
    ]
    real = corpus.melodies.of(kept)
    groups = [corpus.families[number] for number in kept]
    head = fit_naturalness(corpus.style.family, real, groups, make_melodies([piece for _, piece in pieces]))
    save_naturalness(Path(arguments.out), head, {"pieces": len(pieces), "real": len(kept)})
    accuracy = round(head.accuracy, 4)
    return {"style": head.style, "made": len(pieces), "real": len(kept), "accuracy": accuracy, "head": arguments.out}


if __name__ == "__main__":
    sys.exit(main())
