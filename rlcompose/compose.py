"""`python -m rlcompose.compose RUN`: let a trained agent compose new pieces."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rlcompose.command import Parser, run


def parser() -> Parser:
    """The command's options."""
    parser = Parser(
        "python -m rlcompose.compose",
        "Compose pieces with the agent of a run.",
        "python -m rlcompose.compose runs/jazz-ppo-1 --count 4 --bars 32 --seed 1 --out pieces",
    )
    from rlcompose.arguments import add_music_options, add_sound_options, at_least

    parser.add_argument("run", metavar="RUN", help="the folder of a run, made by rlcompose.train")
    parser.add_argument("--count", type=at_least(1), default=1, metavar="N", help="how many pieces (default: 1)")
    seed_help = "the first piece's seed, the next ones follow (default: 0)"
    parser.add_argument("--seed", type=at_least(0, 2**63 - 1), default=0, metavar="S", help=seed_help)
    parser.add_argument("--out", metavar="DIR", help="the folder for the pieces (default: RUN/pieces)")
    parser.add_argument(
        "--plugin", action="append", default=[], metavar="FILE", help="the plug-in of a run with own terms"
    )
    add_music_options(parser)
    add_sound_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run(_compose, parser(), argv)


def _compose(arguments: argparse.Namespace) -> dict[str, Any]:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from rlcompose.agent import play
    from rlcompose.arguments import check_soundfont, music_options
    from rlcompose.brief import make_brief
    from rlcompose.piece import Piece, write_piece
    from rlcompose.plugins import load_file, load_installed
    from rlcompose.run import make_output_folder, read_run

    check_soundfont(arguments)
    load_installed()
    for path in arguments.plugin:
        load_file(path)
    source = read_run(arguments.run)
    terms = source.terms()
    pinned = music_options(arguments).pinned
    options = source.brief.options
    if {"chords", "progression"} & pinned.keys():
        options = replace(options, chords=None, progression=None, key=None, bars=None)
    brief = make_brief(source.style, replace(options, **pinned))
    agent = source.agent()
    folder = make_output_folder(Path(arguments.out) if arguments.out else source.folder / "pieces")
    pieces = []
    for number in range(arguments.count):
        seed = arguments.seed + number
        played = play(agent, brief, terms, [seed])[0]
        piece = Piece(brief, played.seed, played.actions, terms, agent.name)
        name = f"{source.style.name}-{agent.name}-{seed}"
        files = write_piece(piece, folder, name, arguments.soundfont, arguments.require_fluidsynth)
        print(f"{files.wav}: return {files.total:.1f}, {files.seconds:.1f} s", file=sys.stderr, flush=True)
        pieces.append(files.to_dict())
    return {"folder": str(folder), "pieces": pieces}


if __name__ == "__main__":
    sys.exit(main())
