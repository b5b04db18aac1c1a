"""`python -m rlcompose.compose`: compose new pieces with a style's agent or a run's, or work on a piece."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlcompose.command import Parser, run
from rlcompose.errors import RlcomposeError
from rlcompose.shipped import SHIPPED

if TYPE_CHECKING:
    from rlcompose.agent import Agent
    from rlcompose.brief import Options
    from rlcompose.composing import Composer
    from rlcompose.piece import Piece
    from rlcompose.prior.like import LikeComposer
    from rlcompose.run import Run
    from rlcompose.score import Composition
    from rlcompose.style import Style

PRIOR, WITHOUT_PRIOR = "prior", "beam"  # who composes in a style without a shipped agent, and without a prior
HIGHEST_TEMPERATURE = 100
NATURAL, RETURN = "natural", "return"  # by what the best of several is chosen


def parser() -> Parser:
    """The command's options."""
    parser = Parser(
        "python -m rlcompose.compose",
        "Compose pieces with the agent that comes with a style, or that of a run; or compose bars of a piece anew.",
        "python -m rlcompose.compose --style jazz --bars 32",
    )
    from rlcompose.arguments import add_music_options, add_sound_options, at_least

    source_help = "the folder of a run, made by rlcompose.train; with --replace also a piece's .json"
    parser.add_argument("source", metavar="RUN", nargs="?", help=source_help)
    style_help = (
        "compose without a run, in this style (rlcompose styles) or in a mix of several, jazz=0.7,fiddle=0.3; with "
        "--replace the style file of the piece"
    )
    parser.add_argument("--style", metavar="STYLE", help=style_help)
    agent_help = (
        f"an agent without training, or another run's by its folder (default without a run: the style's of --model, "
        f"or {WITHOUT_PRIOR} where it has none)"
    )
    parser.add_argument("--agent", metavar="NAME", help=agent_help)
    model_help = (
        f"without a run: {SHIPPED}, the agent that comes with the style and has learned from rewards, too (the "
        f"default), or {PRIOR}, which has learned from the style's music alone"
    )
    parser.add_argument("--model", choices=(SHIPPED, PRIOR), help=model_help)
    set_help = "a setting of that agent, as in width=20; may be given several times"
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=set_help)
    like_help = "compose something like this piece, over its chords: MIDI, MusicXML, ABC, kern or a piece's .json"
    parser.add_argument("--like", metavar="FILE", help=like_help)
    trade_help = "the agents of --agents take turns of so many bars"
    parser.add_argument("--trade", type=at_least(1), metavar="BARS", help=trade_help)
    agents_help = "who trades, in their order: styles, runs or agents without training, as in jazz,fiddle"
    parser.add_argument("--agents", metavar="NAMES", help=agents_help)
    mode_help = "theme: sections return as the style's tunes do; solo: they do not (default: as the style's music)"
    parser.add_argument("--mode", choices=("theme", "solo"), help=mode_help)
    parser.add_argument("--count", type=at_least(1), default=1, metavar="N", help="how many pieces (default: 1)")
    best_help = "compose each piece N times and keep one of these, as --best-by says (default: 1)"
    parser.add_argument("--best-of", type=at_least(1), default=1, metavar="N", help=best_help)
    by_help = (
        f"which one is kept: {NATURAL}, one by lot, the sooner the more it is like real music (the default of what has "
        f"learned the style), or {RETURN}, the one with the highest return (the default of a run and of --agent)"
    )
    parser.add_argument("--best-by", choices=(NATURAL, RETURN), help=by_help)
    seed_help = "the first piece's seed, the next ones follow (default: 0)"
    parser.add_argument("--seed", type=at_least(0, 2**63 - 1), default=0, metavar="S", help=seed_help)
    warmth_help = "how freely a trained agent chooses: 1 as it learned, below more surely, above more boldly"
    parser.add_argument("--temperature", type=float, metavar="T", help=warmth_help)
    start_help = "go on from this motif: MIDI, MusicXML, ABC or a piece's .json"
    parser.add_argument("--start", metavar="FILE", help=start_help)
    replace_help = "compose these bars of a piece anew (from 1, both included) and keep the rest, as in 9-12"
    parser.add_argument("--replace", metavar="BARS", help=replace_help)
    parser.add_argument("--out", metavar="DIR", help="the folder for the pieces (default: RUN/pieces, or pieces)")
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
    from rlcompose.arguments import heard, output_options
    from rlcompose.piece import write_piece
    from rlcompose.plugins import load_file, load_installed
    from rlcompose.run import make_output_folder

    output = output_options(arguments)
    load_installed()
    for path in arguments.plugin:
        load_file(path)
    default_folder, made = (_replaced if arguments.replace is not None else _composed)(arguments)
    folder = make_output_folder(Path(arguments.out) if arguments.out else default_folder)
    pieces = []
    for piece, name in made:
        files = write_piece(piece, folder, name, output)
        print(f"{files.sound}: return {files.total:.1f}, {files.seconds:.1f} s", file=sys.stderr, flush=True)
        pieces.append(files.to_dict())
        heard(arguments, files.sound, files.hint if len(pieces) == arguments.count else "")
    return {"folder": str(folder), "pieces": pieces}


def _composed(arguments: argparse.Namespace) -> tuple[Path, Iterator[tuple[Piece, str]]]:
    """The folder that new pieces belong into, and the pieces with their names."""
    from rlcompose.composing import Composer, read_motif

    composer, folder = _composer(arguments)
    if arguments.start is not None:
        if not isinstance(composer, Composer):
            raise RlcomposeError("give either --start or --like")
        composer = composer.starting_from(read_motif(arguments.start, composer.brief.style))
    if isinstance(composer, Composer):
        composer = replace(composer, log_odds=_best_by(arguments, composer.brief.style))
    elif arguments.best_by is not None:
        raise RlcomposeError("leave out --best-by: --like keeps what is most like the piece")
    seeds = range(arguments.seed, arguments.seed + arguments.count)
    name = f"{composer.brief.style.name}-{composer.agent.name}"
    return folder, ((composer.compose(seed, best_of=arguments.best_of), f"{name}-{seed}") for seed in seeds)


def _composer(arguments: argparse.Namespace) -> tuple[Composer | LikeComposer, Path]:
    """Who composes, and where the pieces go."""
    from rlcompose.arguments import music_options
    from rlcompose.brief import make_brief
    from rlcompose.composing import Composer
    from rlcompose.run import read_run

    options = music_options(arguments)
    if arguments.like is not None:
        return _like(arguments, options), Path("pieces")
    if arguments.source is None:
        style = _style(arguments)
        brief = make_brief(style, options)
        agent = _agent_without_run(arguments, brief.style)
        return Composer.of(agent, brief), Path("pieces")
    if given := [name for name in ("trade", "agents", "mode", "model") if getattr(arguments, name) is not None]:
        raise RlcomposeError(f"leave out --{given[0]}: it is for composing without a run")
    if arguments.style is not None:
        raise RlcomposeError("give either a run or --style: a run has its style")
    source = read_run(arguments.source)
    return Composer(_agent_of(source, arguments), source.asked(options), source.terms()), source.folder / "pieces"


def _best_by(arguments: argparse.Namespace, style: Style) -> Callable[[Sequence[Composition]], Sequence[float]] | None:
    """By what odds pieces are kept; None where the best paid is kept."""
    from rlcompose.composing import naturalness
    from rlcompose.learned import naturalness as heads

    asked = arguments.best_by or (NATURAL if arguments.source is None and arguments.agent is None else RETURN)
    if asked == RETURN or arguments.best_of == 1:
        return None
    liked = naturalness(style, heads.PRIOR if arguments.model == PRIOR else heads.AGENT)
    if liked is None and arguments.best_by is not None:
        raise RlcomposeError(f"what is natural in style {style.name!r} has not been learned: allowed is {RETURN}")
    return liked


def _agent_of(source: Run, arguments: argparse.Namespace) -> Agent:
    """The agent of a run, or the one that is to play instead."""
    if arguments.agent is not None:
        return _named(arguments, source.style)
    if arguments.set:
        raise RlcomposeError("--set is for an agent that --agent names: the run's plays as it was trained")
    return _warm(arguments, source.agent())


def _named(arguments: argparse.Namespace, style: Style) -> Agent:
    """The agent that --agent names, made with what --set says, or that of the run which it names, for a style."""
    from rlcompose.agent import find_agent
    from rlcompose.preset import parse_settings
    from rlcompose.run import CONFIG, read_run

    if arguments.agent is not None and arguments.model is not None:
        raise RlcomposeError("give either --agent or --model")
    name = arguments.agent or _default_agent(style, arguments.model)
    if name == SHIPPED:
        from rlcompose.shipped import shipped_run

        if arguments.set:
            raise RlcomposeError("--set is for an agent that --agent names: the shipped one plays as it was trained")
        return _warm(arguments, shipped_run(style).agent_for(style))
    if not (Path(name) / CONFIG).is_file():
        kind = find_agent(name)
        return _warm(arguments, kind.made(parse_settings(arguments.set, kind.preset)))
    if arguments.set:
        raise RlcomposeError(f"leave out --set: the agent of the run {name} plays as it was trained")
    return _warm(arguments, read_run(name).agent_for(style))


def _default_agent(style: Style, model: str | None) -> str:
    """The model that is asked for, else the best that the style has; what plays in its place is said."""
    from importlib.util import find_spec

    from rlcompose.prior.shipped import has_prior
    from rlcompose.shipped import has_shipped

    if model == SHIPPED or (model is None and has_shipped(style)):
        best = SHIPPED
    elif model == PRIOR or has_prior(style):
        best = PRIOR
    else:
        print(f"compose: style {style.name!r} has no prior: {WITHOUT_PRIOR} composes", file=sys.stderr, flush=True)
        return WITHOUT_PRIOR
    if model is None and find_spec("torch") is None:
        hint = f"{WITHOUT_PRIOR} composes; for the agent that has learned the style: pip install 'rlcompose[train]'"
        print(f"compose: torch is not installed: {hint}", file=sys.stderr, flush=True)
        return WITHOUT_PRIOR
    return best


def _style(arguments: argparse.Namespace) -> str:
    """The style in which a piece without a run is written: of a mix the heaviest, of trading agents the first's."""
    from rlcompose.prior.ensemble import is_mix, leader_of, parse_mix
    from rlcompose.prior.shipped import shipped_priors

    if arguments.style is not None:
        return leader_of(parse_mix(arguments.style)) if is_mix(arguments.style) else str(arguments.style)
    first = (arguments.agents or "").split(",")[0].strip()
    if first in shipped_priors():
        return first
    raise RlcomposeError("name the folder of a run, or a style with --style")


def _agent_without_run(arguments: argparse.Namespace, style: Style) -> Agent:
    """Who composes in a style: its prior, a mix of priors, agents that trade, or the one that --agent names."""
    from rlcompose.prior.ensemble import is_mix

    if (arguments.trade is None) != (arguments.agents is None):
        raise RlcomposeError("trading needs both --trade BARS and --agents NAMES, as in --trade 4 --agents jazz,fiddle")
    is_mixed = arguments.style is not None and is_mix(arguments.style)
    ensemble = "a mix of styles" if is_mixed else "trading" if arguments.trade is not None else ""
    given = [name for name in ("agent", "model", "set") if getattr(arguments, name)]
    if ensemble and given:
        raise RlcomposeError(f"leave out --{given[0]}: {ensemble} says who composes")
    if is_mixed and arguments.trade is not None:
        raise RlcomposeError("give either a mix of styles or --trade")
    if arguments.trade is not None:
        from rlcompose.prior.ensemble import trading_agent

        return _warm(arguments, trading_agent(arguments.agents, arguments.trade, style))
    if arguments.mode is not None and arguments.model == SHIPPED:
        raise RlcomposeError(f"leave out --mode: the {SHIPPED} agent plays as it has learned; --model {PRIOR} has it")
    if is_mixed or (arguments.mode is not None and arguments.agent in (None, PRIOR)):
        from rlcompose.prior.ensemble import mixed_agent, parse_mix

        mix = parse_mix(arguments.style) if is_mixed else {style.name: 1.0}
        return _warm(arguments, mixed_agent(mix, style, arguments.mode))
    if arguments.mode is not None:
        raise RlcomposeError(f"leave out --mode: the agent {arguments.agent!r} has none")
    return _named(arguments, style)


def _like(arguments: argparse.Namespace, options: Options) -> LikeComposer:
    """What composes like the piece that --like names; what the options pin is not the piece's."""
    from rlcompose.brief import asked_over
    from rlcompose.composing import read_motif
    from rlcompose.prior.like import brief_like, like, style_of
    from rlcompose.reward import settled, weigh_terms
    from rlcompose.style import load_style

    for name in ("source", "agent", "model", "trade", "agents", "mode"):
        if getattr(arguments, name) is not None:
            what = "the run" if name == "source" else f"--{name}"
            raise RlcomposeError(f"leave out {what}: --like composes by the prior of a style")
    music = read_motif(arguments.like, load_style(arguments.style or "jazz"))
    style = load_style(arguments.style or style_of(music))
    if arguments.style is None:
        print(f"compose: {arguments.like} is taken for {style.name}", file=sys.stderr, flush=True)
        music = read_motif(arguments.like, style)
    brief = asked_over(brief_like(music, style), options)
    composer = like(music, style, brief, settled(weigh_terms(style.rewards)))
    _warm(arguments, composer.agent)
    return composer


def _warm(arguments: argparse.Namespace, agent: Agent) -> Agent:
    """The agent at the temperature that was asked for."""
    from rlcompose.agent import Tempered, is_certain

    if arguments.best_of > 1 and is_certain(agent):
        raise RlcomposeError(f"leave out --best-of: the agent {agent.name!r} leaves nothing to chance")
    temperature = arguments.temperature
    if temperature is None:
        return agent
    if not isinstance(agent, Tempered):
        raise RlcomposeError(f"the agent {agent.name!r} has no temperature: it does not draw from what it has learned")
    if not 0 <= temperature <= HIGHEST_TEMPERATURE:
        allowed = f"allowed are 0 to {HIGHEST_TEMPERATURE}"
        raise RlcomposeError(f"temperature {temperature:g} is out of range: {allowed}")
    agent.temperature = temperature
    return agent


def _replaced(arguments: argparse.Namespace) -> tuple[Path, Iterator[tuple[Piece, str]]]:
    """The folder of the piece, and the piece with new bars, once for each seed."""
    from rlcompose.agent import is_certain
    from rlcompose.arguments import music_options
    from rlcompose.composing import Composer
    from rlcompose.passage import gap_in
    from rlcompose.piece import read_piece, read_weights
    from rlcompose.reward import weigh_terms
    from rlcompose.run import CONFIG, read_run
    from rlcompose.style import load_style

    bars = _bars(arguments.replace)
    if given := [*music_options(arguments).pinned, *(["start"] if arguments.start else [])]:
        raise RlcomposeError(f"--replace keeps the piece as it is: leave out --{given[0]}")
    if arguments.source is None:
        raise RlcomposeError("name the piece whose bars are to be replaced: a .json that train or compose has written")
    path = Path(arguments.source)
    folder = path.resolve().parent.parent
    if (folder / CONFIG).is_file():
        if arguments.style is not None:
            raise RlcomposeError(f"leave out --style: the piece lies in the run {folder.name}, which has its style")
        source = read_run(folder)
        piece = read_piece(path, source.terms(), source.style)
        agent = _agent_of(source, arguments)
    else:
        style = None if arguments.style is None else load_style(arguments.style)
        piece = read_piece(path, weigh_terms(read_weights(path)), style)
        agent = _named(arguments, piece.brief.style)
    if arguments.count > 1 and is_certain(agent):
        raise RlcomposeError(f"leave out --count: the agent {agent.name!r} leaves nothing to chance")
    composer = Composer(agent, piece.brief, piece.terms)
    gap_in(piece, *bars)  # told before anything is written
    name = f"{path.stem}-bars-{bars[0]}-{bars[1]}"
    best_of, seeds = arguments.best_of, range(arguments.seed, arguments.seed + arguments.count)
    return path.parent, ((composer.replace_bars(piece, bars, seed=s, best_of=best_of), f"{name}-{s}") for s in seeds)


def _bars(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"\s*(\d+)\s*(?:[-–]\s*(\d+)\s*)?", text)
    if not found:
        raise RlcomposeError(f"--replace {text!r} is no bar or span of bars: write 9 or 9-12")
    return int(found[1]), int(found[2] or found[1])


if __name__ == "__main__":
    sys.exit(main())
