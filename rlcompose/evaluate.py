"""`python -m rlcompose.evaluate`: what sets of pieces are like beside real music, in one table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlcompose.command import Parser, run

if TYPE_CHECKING:
    from rlcompose.agent import Agent
    from rlcompose.evaluation import Bench, PieceSet
    from rlcompose.reward import WeightedTerm
    from rlcompose.sites import Site
    from rlcompose.style import Style

DEFAULT_PIECES, DEFAULT_BARS = 200, 32
FLOORS = ("random", "greedy")
MOST_OF_A_FLOOR = 200  # pieces: their numbers are sure with few


def parser() -> Parser:
    """The command's options."""
    from rlcompose.arguments import at_least

    parser = Parser(
        "python -m rlcompose.evaluate",
        "Measure sets of pieces beside real music and beside players that do not learn: harmony, rhythm, diversity, "
        "distance to the real, copies, and whether a fresh classifier tells them from it.",
        "python -m rlcompose.evaluate runs/jazz-ppo-1 --json numbers.json",
    )
    help_sets = (
        "a run, whose agent composes over the chords of the real music; a style, for its real music alone; or a file "
        "or folder of MIDI, MusicXML, ABC, kern or piece.json files"
    )
    parser.add_argument("sets", nargs="+", metavar="SET", help=help_sets)
    help_against = "the real music: a style, or a folder of music (default: the first run's or style's)"
    parser.add_argument("--against", metavar="STYLE|FOLDER", help=help_against)
    help_style = "whose actions play all pieces, and of which the judges are asked (default: that of the real music)"
    parser.add_argument("--style", metavar="STYLE", help=help_style)
    help_pieces = (
        f"pieces that the agent of a run composes, and passages of real music at most (default: {DEFAULT_PIECES})"
    )
    parser.add_argument("--pieces", type=at_least(10), default=DEFAULT_PIECES, metavar="N", help=help_pieces)
    help_bars = f"length of a passage; shorter pieces are taken whole (default: {DEFAULT_BARS})"
    parser.add_argument("--bars", type=at_least(8, 1024), default=DEFAULT_BARS, metavar="N", help=help_bars)
    parser.add_argument(
        "--seed", type=at_least(0, 2**20), default=0, metavar="S", help="of all that is drawn (default: 0)"
    )
    parser.add_argument("--plot", metavar="FILE", help="also draw the numbers into this PNG, SVG or PDF file")
    help_plugin = "a Python file or module with terms or agents that a run was made with; may be given several times"
    parser.add_argument("--plugin", action="append", default=[], metavar="FILE", help=help_plugin)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run(_evaluate, parser(), argv, _lines)


def _evaluate(arguments: argparse.Namespace) -> dict[str, Any]:
    from rlcompose.arguments import load_plugins

    load_plugins(arguments)
    if arguments.plot:
        from rlcompose.evaluation_plot import picture_format, write_numbers

        picture_format(arguments.plot)  # a mistake is told before the work
    kinds = {name: _kind(name) for name in dict.fromkeys(arguments.sets)}
    style, against = _reference(arguments, kinds)
    _refuse_taken(kinds)
    tell(f"reading {against}")
    bench, sites, real = real_bench(style, against, arguments.pieces, arguments.bars, arguments.seed)
    sets = []
    for name, kind in kinds.items():
        if kind == "style":
            if name != against:
                other = real_bench(_style(name), name, arguments.pieces, arguments.bars, arguments.seed)[2]
                sets.append(replace(other, name=name))
        elif kind == "run":
            tell(f"{name} composes")
            sets.append(run_set(name, sites, arguments.pieces, arguments.seed))
        else:
            sets.append(files_set(name, style))
    sets.append(real)
    for floor in FLOORS:
        tell(f"{floor} composes")
        number = min(arguments.pieces, MOST_OF_A_FLOOR)
        sets.append(composed(floor, untrained(floor), sites, number, style_terms(style), arguments.seed))
    measured = []
    for pieces in sets:
        tell(f"measuring {pieces.name}: {len(pieces.pieces)} pieces")
        measured.append(bench.measure(pieces, is_real=pieces is real))
    result = {
        "against": against,
        "style": style.name,
        "bars": arguments.bars,
        "seed": arguments.seed,
        "real_pieces": len(real.pieces),
        "sets": measured,
    }
    if arguments.plot:
        write_numbers(measured, arguments.plot)
        result["plot"] = arguments.plot
    return result


def _kind(name: str) -> str:
    from rlcompose.errors import RlcomposeError, unknown
    from rlcompose.run import CONFIG
    from rlcompose.style import style_names

    path = Path(name)
    if (path / CONFIG).is_file() and not (path / "model.safetensors").is_file():
        return "run"
    if path.exists():
        return "files"
    if name in style_names():
        return "style"
    hint = unknown("style", name, style_names())
    raise RlcomposeError(f"{name!r} is no file, folder or run, and: {hint}")


def _refuse_taken(kinds: Mapping[str, str]) -> None:
    """Two rows of one name could not be told apart."""
    from rlcompose.errors import RlcomposeError
    from rlcompose.evaluation import REAL

    for name in kinds:
        if Path(name).name in (REAL, *FLOORS):
            raise RlcomposeError(f"a set called {Path(name).name!r} stands in every table already: rename {name}")


def _reference(arguments: argparse.Namespace, kinds: Mapping[str, str]) -> tuple[Style, str]:
    """The style whose actions play everything, and where the real music is from."""
    from rlcompose.errors import RlcomposeError
    from rlcompose.run import read_run

    found = None if arguments.style is None else _style(arguments.style)
    against = arguments.against
    for name, kind in kinds.items():
        if kind != "files":
            first = read_run(name).style if kind == "run" else _style(name)
            found, against = found or first, against or first.family
    if against is None:
        if found is None:
            raise RlcomposeError("nothing says what files are compared with: name a style or a folder with --against")
        against = found.family
    kind = _kind(against)
    if kind == "run":
        raise RlcomposeError(f"--against {against} is a run: real music is needed, a style or a folder of music")
    if kind == "style" and arguments.style is None and (found is None or found.family != against):
        found = _style(against)
    if found is None:
        raise RlcomposeError(f"nothing says in which style {against} is to be read: name it with --style")
    return found, against


def _style(name: str) -> Style:
    from rlcompose.style import load_style

    return load_style(name)


def real_bench(style: Style, against: str, number: int, bars: int, seed: int = 0) -> tuple[Bench, list[Site], PieceSet]:
    """What to measure against, the sites for agents, and the real music at them.

    Of a style's corpus the real music is the part `test` of the split, and copies are looked for in the rest; of a
    folder it is all that it holds, and copies are looked for in what is not the same piece.
    """
    from rlcompose.corpus.library import load_corpus
    from rlcompose.corpus.split import TEST, part_of
    from rlcompose.evaluation import REAL, Bench, PieceSet
    from rlcompose.sites import draw_sites, real_at

    is_style = _kind(against) == "style"
    corpus = load_corpus(_style(against) if is_style else style, None if is_style else against)
    # Families are found for the corpora of styles; elsewhere a piece stands for itself.
    groups = corpus.families if is_style else list(corpus.texts["names"])
    everything = range(len(corpus))
    chosen = [at for at in everything if not is_style or part_of(groups[at]) == TEST]
    rest = [at for at in everything if not is_style or part_of(groups[at]) != TEST]
    sites = draw_sites([corpus[at] for at in chosen], [groups[at] for at in chosen], style, number, bars, seed)
    real = PieceSet(REAL, tuple(real_at(sites)), tuple(site.group for site in sites))
    names = [corpus.texts["titles"][at] or corpus.texts["names"][at] for at in rest]
    bench = Bench(style, real, corpus.melodies.of(rest), [groups[at] for at in rest], names, seed)
    return bench, sites, real


def untrained(name: str) -> Agent:
    """An agent that needs no training, by name."""
    from rlcompose.agent import find_agent

    return find_agent(name).made()


def style_terms(style: Style) -> tuple[WeightedTerm, ...]:
    """What a style pays those that look at rewards."""
    from rlcompose.reward import settled, weigh_terms

    return settled(weigh_terms(style.rewards))


def composed(
    name: str, agent: Agent, sites: Sequence[Site], number: int, terms: Sequence[WeightedTerm], seed: int
) -> PieceSet:
    """So many pieces of an agent at sites."""
    from rlcompose.evaluation import PieceSet
    from rlcompose.sites import compose_at

    made = list(compose_at(agent, sites, number, terms, seed))
    return PieceSet(name, tuple(piece for _, piece in made), tuple(site.group for site, _ in made))


def run_set(folder: str, sites: Sequence[Site], number: int, seed: int) -> PieceSet:
    """So many pieces of a run's agent at sites, paid by the run's terms."""
    from rlcompose.run import read_run

    found = read_run(folder)
    return composed(folder, found.agent(), sites, number, found.terms(), seed)


def files_set(name: str, style: Style) -> PieceSet:
    """The pieces of a file or folder; those that cannot be read are counted by the reason."""
    from collections import Counter

    from rlcompose.errors import RlcomposeError
    from rlcompose.evaluation import PieceSet
    from rlcompose.judge import read_music

    skipped: list[dict[str, str]] = []
    read = list(read_music(Path(name), style, skipped))
    if not read:
        reasons = "; ".join(f"{each['piece']}: {each['reason']}" for each in skipped) or "it holds no music"
        raise RlcomposeError(f"there is nothing to measure in {name}: {reasons}")
    reasons_counted = Counter(each["reason"].partition(":")[0] for each in skipped)
    return PieceSet(name, tuple(piece for _, piece in read), tuple(title for title, _ in read), reasons_counted)


def tell(what: str) -> None:
    """How far it has come, on stderr."""
    print(f"evaluate: {what}", file=sys.stderr, flush=True)


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    """A table, a number a line and a set a column."""
    sets = result["sets"]
    names = list(dict.fromkeys(name for row in sets for name in row["numbers"]))
    cells = [["", *(Path(row["name"]).name for row in sets)], ["pieces", *(str(row["pieces"]) for row in sets)]]
    for name in names:
        if name.startswith("divergence_"):  # they stand in the JSON; the areas say the same
            continue
        cells.append([name, *(_cell(row["numbers"].get(name)) for row in sets)])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    yield f"against the real music of {result['against']}, passages of {result['bars']} bars"
    for line in cells:
        yield "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
    for row in sets:
        place = row["longest_copy_at"]
        if place["of"] is not None:
            copied = f"{place['notes']} notes, from bar {place['bar']} of {place['piece']}"
            yield f"{Path(row['name']).name}: longest copy {copied}: bar {place['of_bar']} of {place['of']}"
        for features, found in row["giveaways"].items():
            told = ", ".join(f"{each['feature']} {each['mean']:.3g} ({each['real']:.3g})" for each in found[:3])
            yield f"{Path(row['name']).name}: given away by ({features} features; real): {told}"
        for reason, number in row["skipped"].items():
            yield f"{Path(row['name']).name}: {number} left out: {reason}"


def _cell(number: Mapping[str, float] | None) -> str:
    if number is None:
        return "–"
    value = f"{number['value']:.3f}" if abs(number["value"]) < 100 else f"{number['value']:.0f}"
    if "low" not in number:
        return value
    return f"{value} ±{(number['high'] - number['low']) / 2:.3f}"


if __name__ == "__main__":
    sys.exit(main())
