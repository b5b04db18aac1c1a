"""`python -m rlcompose.leaderboard`: agents side by side in every style, by the numbers of `rlcompose.evaluate`."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlcompose.command import Parser, run

if TYPE_CHECKING:
    from rlcompose.agent import Agent
    from rlcompose.evaluation import PieceSet

PLAYERS = ("random", "greedy")
DEFAULT_PIECES, DEFAULT_BARS = 100, 32
SLOW, MOST_OF_SLOW = ("beam",), 20  # agents that take half a minute a piece, and how many pieces they get
OUT = Path("experiments/leaderboard")
# The columns of the page, and how they are headed; the CSV file has all numbers.
COLUMNS = {
    "told_apart_successions": "told from real",
    "told_apart_judge": "by the judge's features",
    "referee": "referee",
    "judge": "judge",
    "overlapping_area": "overlapping area",
    "js_intervals": "JS of intervals",
    "vendi_of_real": "Vendi, of real",
    "outside_bands": "outside bands",
    "chord_tone_share": "chord tones",
    "longest_copy_95": "copied notes, 95 %",
}
ORDER = "told_apart_successions"


def parser() -> Parser:
    """The command's options."""
    from rlcompose.arguments import at_least

    parser = Parser(
        "python -m rlcompose.leaderboard",
        "Let agents compose over the chords of real music in every style, and write a page, a CSV file and a picture "
        "for each style.",
        "python -m rlcompose.leaderboard --styles jazz --run runs/jazz-ppo-1 --entry mine=~/midi/mine",
    )
    help_styles = "styles whose corpora are there (default: all of them)"
    parser.add_argument("--styles", nargs="+", metavar="STYLE", help=help_styles)
    help_agents = f"agents that need no training, also those of installed plug-ins (default: {' '.join(PLAYERS)})"
    parser.add_argument("--agents", nargs="+", metavar="AGENT", default=list(PLAYERS), help=help_agents)
    help_run = "a run, whose agent plays in the style it has learned; may be given several times"
    parser.add_argument("--run", action="append", default=[], metavar="FOLDER", dest="runs", help=help_run)
    help_entry = (
        "pieces of anyone's, as MIDI or other files, in the style named: jazz:mine=~/midi/mine, or in every one"
    )
    parser.add_argument("--entry", action="append", default=[], metavar="[STYLE:]NAME=FOLDER", help=help_entry)
    help_pieces = f"pieces of each agent and passages of real music at most (default: {DEFAULT_PIECES})"
    parser.add_argument("--pieces", type=at_least(10), default=DEFAULT_PIECES, metavar="N", help=help_pieces)
    help_bars = f"length of a passage (default: {DEFAULT_BARS})"
    parser.add_argument("--bars", type=at_least(8, 1024), default=DEFAULT_BARS, metavar="N", help=help_bars)
    parser.add_argument("--seed", type=at_least(0, 2**20), default=0, metavar="S", help="of all that is drawn")
    parser.add_argument("--out", metavar="DIR", default=str(OUT), help=f"where it is written (default: {OUT})")
    help_plugin = "a Python file or module with agents or terms; may be given several times"
    parser.add_argument("--plugin", action="append", default=[], metavar="FILE", help=help_plugin)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run(_leaderboard, parser(), argv, _lines)


def _leaderboard(arguments: argparse.Namespace) -> dict[str, Any]:
    from rlcompose.arguments import load_plugins
    from rlcompose.evaluate import real_bench, tell, untrained
    from rlcompose.evaluation import REAL
    from rlcompose.plugins import load_installed
    from rlcompose.run import make_output_folder, read_run
    from rlcompose.style import load_style

    load_installed()
    load_plugins(arguments)
    styles = _styles(arguments.styles)
    entries = [_entry(text) for text in arguments.entry]
    players = {name: untrained(name) for name in arguments.agents}
    runs = {folder: read_run(folder).style.family for folder in arguments.runs}
    out = make_output_folder(Path(arguments.out))
    boards: dict[str, list[dict[str, Any]]] = {}
    for name in styles:
        style = load_style(name)
        bench, sites, real = real_bench(style, name, arguments.pieces, arguments.bars, arguments.seed)
        rows = [bench.measure(real, is_real=True)]
        for pieces in _entrants(arguments, players, runs, entries, style, sites):
            tell(f"{name}: measuring {pieces.name}, {len(pieces.pieces)} pieces")
            rows.append(bench.measure(pieces))
        boards[name] = sorted(rows, key=lambda row: (row["name"] != REAL, _number(row, ORDER, 1.0)))
        _write(out, boards)  # a board at a time, so that what is done is kept
    return {"out": str(out), "boards": boards}


def _styles(asked: Sequence[str] | None) -> list[str]:
    from rlcompose.corpus.library import is_available
    from rlcompose.corpus.sources import CORPORA
    from rlcompose.errors import RlcomposeError, unknown
    from rlcompose.style import load_style

    for name in asked or ():
        if name not in CORPORA:
            raise unknown("style with a corpus:", name, CORPORA)
    there = [name for name in asked or CORPORA if asked or is_available(load_style(name))]
    if not there:
        raise RlcomposeError("no style's corpus is there: rlcompose corpus list says what each lacks")
    return there


def _entry(text: str) -> tuple[str, str, str]:
    """Style (empty for every one), name and folder of an entry."""
    from rlcompose.corpus.sources import CORPORA
    from rlcompose.errors import RlcomposeError, unknown

    left, sign, folder = text.partition("=")
    style, colon, name = left.rpartition(":")
    if not sign or not name or not folder or (colon and not style):
        raise RlcomposeError(f"--entry {text!r} is not NAME=FOLDER or STYLE:NAME=FOLDER")
    if style and style not in CORPORA:
        raise unknown("style with a corpus:", style, CORPORA)
    if not Path(folder).expanduser().exists():
        raise RlcomposeError(f"--entry {text!r}: there is no {folder}")
    return style, name, str(Path(folder).expanduser())


def _entrants(
    arguments: argparse.Namespace,
    players: Mapping[str, Agent],
    runs: Mapping[str, str],
    entries: Sequence[tuple[str, str, str]],
    style: Any,
    sites: Any,
) -> Iterator[PieceSet]:
    """Players, runs of this style, and entries, one after the other."""
    from dataclasses import replace

    from rlcompose.evaluate import composed, files_set, run_set, style_terms, tell

    terms = style_terms(style)
    for name, agent in players.items():
        number = min(arguments.pieces, MOST_OF_SLOW) if name in SLOW else arguments.pieces
        tell(f"{style.name}: {name} composes")
        yield composed(name, agent, sites, number, terms, arguments.seed)
    for folder, family in runs.items():
        if family == style.family:
            tell(f"{style.name}: {folder} composes")
            yield run_set(folder, sites, arguments.pieces, arguments.seed)
    for of_style, name, folder in entries:
        if of_style in ("", style.name):
            yield replace(files_set(folder, style), name=name)


def _number(row: Mapping[str, Any], name: str, otherwise: float) -> float:
    number = row["numbers"].get(name)
    return float(number["value"]) if number else otherwise


def _write(out: Path, boards: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """The page, the CSV file, and a picture a style where matplotlib is there."""
    from rlcompose.errors import RlcomposeError
    from rlcompose.files import write_atomically

    write_atomically(out / "leaderboard.md", "\n".join(_page(boards)) + "\n")
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["style", "name", "pieces", "number", "value", "low", "high"])
    for style, rows in boards.items():
        for row in rows:
            for name, number in row["numbers"].items():
                ends = [number.get(end, "") for end in ("value", "low", "high")] if number else ["", "", ""]
                writer.writerow([style, row["name"], row["pieces"], name, *ends])
    write_atomically(out / "leaderboard.csv", table.getvalue())
    from rlcompose.evaluation_plot import write_numbers

    style, rows = list(boards.items())[-1]
    try:
        write_numbers(rows, out / f"{style}.png")
    except RlcomposeError as error:
        print(f"warning: no picture is drawn: {error}", file=sys.stderr)


def _page(boards: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    yield "# Leaderboard"
    yield ""
    yield "Made by `python -m rlcompose.leaderboard`. Agents compose over the chords of real music that no model has"
    yield "learned from. The first column is the accuracy of a classifier, learned anew, that tells their windows from"
    yield "the real ones (.5 is real); rows are in its order. Read it with the others: copies pass it, and every other"
    yield "column is easy to have alone. `docs/metrics.md` says what they are."
    for style, rows in boards.items():
        yield ""
        yield f"## {style}"
        yield ""
        yield f"| who | pieces | {' | '.join(COLUMNS.values())} |"
        yield "|---" * (2 + len(COLUMNS)) + "|"
        for row in rows:
            cells = [f"{_number(row, name, float('nan')):.3g}".replace("nan", "–") for name in COLUMNS]
            yield f"| {row['name']} | {row['pieces']} | {' | '.join(cells)} |"


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    yield from _page(result["boards"])
    yield f"out: {result['out']}"


if __name__ == "__main__":
    sys.exit(main())
