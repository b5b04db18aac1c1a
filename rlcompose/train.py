"""`python -m rlcompose.train`: train an agent in a style, and leave music behind."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlcompose.command import Parser, result_lines, run
from rlcompose.errors import RlcomposeError
from rlcompose.shipped import SHIPPED

if TYPE_CHECKING:
    from rlcompose.agent import Agent, AgentKind
    from rlcompose.brief import Brief
    from rlcompose.health import Finding
    from rlcompose.reward import Term, WeightedTerm
    from rlcompose.run import Run, RunConfig

DEFAULT_STYLE, DEFAULT_AGENT = "jazz", "ppo"
STEPS_SCRATCH = 1_000_000
STEPS_PRIOR = 400_000  # what begins as a prior plays already
STEPS_RUN = 150_000  # an agent that goes on with what it has learned: less is new
LONG = 25  # times as many events with --budget long, about an hour
PRIOR, SCRATCH = "prior", "scratch"  # what --from takes beside the shipped agent and a run
BUDGETS = {"short": 1, "long": LONG}
FIRST_SEED_OFFSET = 1_000_000_000  # pieces of the evaluation are none of the training
NUM_COMPARED = 50
FAILED = 1  # the exit status where learning had to stop; what it had learned until then is kept
CHANGES = "changes.md"
LARGEST_SHARE = 1e6  # of a reward: learning runs in float32, and squares it


def parser() -> Parser:
    """The command's options."""
    parser = Parser(
        "python -m rlcompose.train",
        "Train an agent in a style; a first piece is there at once, the trained one at the end.",
        'python -m rlcompose.train --style jazz --chords "Dm7 | G7 | C^7 | %" --reward stepwise_motion=1',
    )
    style_help = f"a style by name (rlcompose styles) or a .toml file (default: {DEFAULT_STYLE})"
    parser.add_argument("--style", help=style_help)
    parser.add_argument("--agent", help=_agents_help())
    from rlcompose.arguments import add_music_options, add_reward_options, add_sound_options, at_least

    set_help = "replace a value of the agent's preset (agents/*.toml); may be given several times"
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=set_help)
    from_help = (
        f"what learning begins with: {PRIOR}, which has learned the style's music (the default, where agent and style "
        f"have one); {SCRATCH}; {SHIPPED}, the agent that comes with the style; or the agent of a run, by its folder: "
        "style, options, rewards, agent and settings are then the run's where no others are given, and what has "
        "changed in its music is told at the end"
    )
    parser.add_argument("--from", dest="source", metavar="WHAT", help=from_help)
    steps_help = f"events to learn from (default: {STEPS_PRIOR:,} from a prior, {STEPS_SCRATCH:,} from scratch, "
    steps_help += f"{STEPS_RUN:,} from an agent)"
    parser.add_argument("--steps", type=at_least(1), metavar="N", help=steps_help)
    budget_help = f"how much is learned where --steps is not given: short, or long, which is {LONG} times as much"
    parser.add_argument("--budget", choices=tuple(BUDGETS), default="short", help=budget_help)
    device_help = "where ppo and maskable_ppo learn from a prior; on cuda more pieces are played at once (default: cpu)"
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help=device_help)
    seed_help = "the seed of everything (default: 0)"
    parser.add_argument("--seed", type=at_least(0, 2**32 - 1), default=0, metavar="S", help=seed_help)
    parser.add_argument("--out", metavar="DIR", help="the folder of the run (default: runs/STYLE-AGENT-NUMBER)")
    add_music_options(parser)
    add_reward_options(parser)
    stop_help = "end the training where reward hacking is suspected (where the judge pays: --reward in_style=10)"
    parser.add_argument("--stop-on-hacking", action="store_true", help=stop_help)
    add_sound_options(parser)
    return parser


def _agents_help() -> str:
    """The built-in agents with what they are; nothing heavy is loaded for it."""
    from rlcompose.agent import load_agents

    agents = load_agents().values()
    listed = [f"{kind.name}: {kind.summary}" for kind in sorted(agents, key=lambda kind: (not kind.train, kind.name))]
    return f"who learns or plays (default: {DEFAULT_AGENT}). {'; '.join(listed)}. Installed plug-ins may add others"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    failed = False

    def body(arguments: argparse.Namespace) -> dict[str, Any]:
        nonlocal failed
        result = _train(arguments, ["rlcompose", "train", *words])
        failed = result.get("failed", False)
        return result

    status = run(body, parser(), words, _lines)
    return FAILED if failed else status


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The result for reading; what has changed is told in a table of its own."""
    return result_lines({name: value for name, value in result.items() if name != "changed"})


class _Bar:
    """A progress bar with the remaining time and the return; one line a tenth where there is no terminal."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.tenth = 0
        self.begun = time.monotonic()
        self.bar: Any = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=steps, unit="event", unit_scale=True, desc="training", file=sys.stderr)

    def __call__(self, steps: int, mean_return: float, best_return: float) -> None:
        now, best = ("–" if math.isnan(value) else f"{value:.1f}" for value in (mean_return, best_return))
        if self.bar is not None:
            self.bar.set_postfix_str(f"return {now}, best evaluation {best}", refresh=False)
            self.bar.update(min(steps, self.steps) - self.bar.n)
        elif steps * 10 // self.steps > self.tenth:
            self.tenth = steps * 10 // self.steps
            left = (time.monotonic() - self.begun) * max(0, self.steps - steps) / steps
            told = f"return {now}, best evaluation {best}, {left:.0f} s left"
            print(f"training: {steps:,} of {self.steps:,} events, {told}", file=sys.stderr, flush=True)

    def warn(self, finding: Finding) -> None:
        """Tell a finding above the bar, not through it."""
        if self.bar is not None:
            self.bar.clear()
        from rlcompose.agent import warn_on_stderr

        warn_on_stderr(finding)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be trained: who, on what, paid by what, for how long, and what it begins with.

    source      the run that it goes on from, if any
    from_prior  whether it begins as the style's prior
    """

    brief: Brief
    terms: tuple[WeightedTerm, ...]
    kind: AgentKind
    settings: Mapping[str, int | float]
    steps: int
    source: Run | None = None
    from_prior: bool = False

    @property
    def is_paid_anew(self) -> bool:
        """Whether the agent has not learned by these terms and weights before."""
        return self.source is None or self.source.config.rewards != {w.term.name: w.weight for w in self.terms}

    @property
    def names(self) -> tuple[str, str]:
        """What the pieces are called that are there before and after."""
        return ("first", "trained") if self.source is None else ("before", "after")


def _task(arguments: argparse.Namespace) -> _Task:
    """What the options ask for."""
    from rlcompose.agent import find_agent
    from rlcompose.arguments import load_plugins, music_options, reward_weights
    from rlcompose.brief import make_brief
    from rlcompose.preset import parse_settings
    from rlcompose.reward import weigh_terms

    load_plugins(arguments)
    if arguments.source not in (None, PRIOR, SCRATCH):
        return _task_from(arguments)
    brief = make_brief(arguments.style or DEFAULT_STYLE, music_options(arguments))
    kind = find_agent(arguments.agent or DEFAULT_AGENT)
    settings = parse_settings(arguments.set, kind.preset)
    from_prior = _begins_as_prior(arguments.source, kind, brief)
    rewards = brief.style.rewards
    if from_prior:
        from rlcompose.recipe import recipe_of

        rewards = recipe_of(brief.style)
    terms = weigh_terms(rewards, reward_weights(arguments, brief.style))
    steps = _steps(arguments, STEPS_PRIOR if from_prior else STEPS_SCRATCH)
    return _Task(brief, terms, kind, settings, steps, from_prior=from_prior)


def _steps(arguments: argparse.Namespace, usual: int) -> int:
    return arguments.steps or usual * BUDGETS[arguments.budget]


def _begins_as_prior(asked: str | None, kind: AgentKind, brief: Brief) -> bool:
    """Whether training begins as the style's prior; asked for where there is none it is an error."""
    from rlcompose.prior.shipped import has_prior

    if asked == SCRATCH or kind.train is None:
        return False
    lacks = ""
    if not kind.has_prior:
        lacks = f"the agent {kind.name!r} learns from scratch only"
    elif not has_prior(brief.style):
        lacks = f"style {brief.style.name!r} has no prior"
    if not lacks:
        return True
    if asked == PRIOR:
        raise RlcomposeError(f"leave out --from {PRIOR}: {lacks}")
    if kind.has_prior:
        print(f"train: {lacks}: learning begins from {SCRATCH}", file=sys.stderr, flush=True)
    return False


def _source(arguments: argparse.Namespace) -> Run:
    """The run to go on from: the shipped agent's, or the one in a folder."""
    from rlcompose.run import run_to_go_on_with
    from rlcompose.shipped import shipped_run

    if arguments.source != SHIPPED:
        return run_to_go_on_with(arguments.source)
    from rlcompose.style import load_style

    return shipped_run(load_style(arguments.style or DEFAULT_STYLE))


def _task_from(arguments: argparse.Namespace) -> _Task:
    """The same where an agent goes on with what it has learned: what is not asked for is its run's."""
    from rlcompose.arguments import music_options, reward_weights
    from rlcompose.preset import parse_settings
    from rlcompose.reward import weigh_terms
    from rlcompose.style import load_style

    source = _source(arguments)
    learned = f"the run {source.folder} has learned"
    if arguments.style is not None and load_style(arguments.style) != source.style:
        raise RlcomposeError(f"leave out --style {arguments.style}: {learned} in style {source.style.name!r}")
    kind = source.kind()
    if arguments.agent is not None and arguments.agent != kind.name:
        raise RlcomposeError(f"leave out --agent {arguments.agent}: {learned} with the agent {kind.name!r}")
    source.terms()  # where a plug-in is missing, this says which
    terms = weigh_terms(source.config.rewards, reward_weights(arguments, source.style))
    settings = source.settings(parse_settings(arguments.set, kind.preset))
    steps = _steps(arguments, STEPS_RUN)
    return _Task(source.asked(music_options(arguments)), terms, kind, settings, steps, source)


def _train(arguments: argparse.Namespace, command: Sequence[str]) -> dict[str, Any]:
    # Spinning OpenMP threads halt everything on a busy machine; set before torch and numba are loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from rlcompose.agent import TrainingJob, find_agent, play
    from rlcompose.arguments import heard, output_options
    from rlcompose.engine.core import prepare_term
    from rlcompose.files import write_atomically
    from rlcompose.piece import Piece, PieceFiles, write_piece
    from rlcompose.reward import settled
    from rlcompose.run import discard_run, make_output_folder, new_run_folder, write_run

    begun = time.monotonic()
    task = _task(arguments)
    brief, terms, kind, source = task.brief, task.terms, task.kind, task.source
    paid = settled(terms)  # what pieces are judged by
    output = output_options(arguments)
    for weighted in terms:
        prepare_term(weighted.term)  # a term that does not work is told before anything is made
        _check_size(weighted)
    # Who plays the first piece: the agent as it is before it learns, or one that needs no training.
    first_player = PRIOR if task.from_prior else "greedy"
    player = source.agent() if source else find_agent(first_player).made() if kind.train else kind.made(task.settings)
    was_there = arguments.out is not None and Path(arguments.out).is_dir()
    folder = new_run_folder(brief.style.name, kind.name, arguments.out)
    seed = arguments.seed + FIRST_SEED_OFFSET

    def compose(agent: Agent, name: str) -> PieceFiles:
        played = play(agent, brief, paid, [seed])[0]
        piece = Piece(brief, played.seed, played.actions, paid, agent.name)
        pieces = make_output_folder(folder / "pieces")
        return write_piece(piece, pieces, name, output)

    before, after = task.names
    try:
        write_run(folder, _config(task, arguments), brief, command)
        first = compose(player, before if kind.train else kind.name)
    except BaseException:
        discard_run(folder, keep_folder=was_there)
        raise
    result: dict[str, Any] = {"run": str(folder)}
    if kind.train is None:
        result |= _named(first, "")
        result["trained_steps"] = 0
        return result | {"seconds_in_all": round(time.monotonic() - begun, 1)}

    what = "a first piece, without learning" if source is None else f"a piece as the run {source.folder} plays it"
    print(f"{what} (return {first.total:.1f}): {first.sound}", file=sys.stderr, flush=True)
    result |= _named(first, before + "_")
    progress = _Bar(task.steps)
    with _keeping(folder):
        try:
            job = TrainingJob(
                *(brief, terms, task.steps, arguments.seed, folder, progress, dict(task.settings), progress.warn),
                start=source.model if source else None,
                is_paid_anew=task.is_paid_anew,
                stop_on_hacking=arguments.stop_on_hacking,
                from_prior=task.from_prior,
                device=arguments.device,
            )
            trained = kind.train(job)
        finally:
            progress.close()
        if trained.interrupted or trained.failed:
            how = "interrupted" if trained.interrupted else "stopped"
            print(f"{how} after {trained.steps:,} events: the best so far is kept", file=sys.stderr)
        last = compose(trained.agent, after)
        result |= _named(last, after + "_")
        seeds = [seed + i for i in range(NUM_COMPARED)]
        compared = {"before": player, "after": trained.agent}
        if source is None:
            compared = {agent.name: agent for agent in (find_agent("random").made(), player, trained.agent)}
        pieces = {name: play(agent, brief, paid, seeds) for name, agent in compared.items()}
    means = {name: sum(piece.total for piece in played) / NUM_COMPARED for name, played in pieces.items()}
    result["mean_return"] = {name: round(mean, 3) for name, mean in means.items()}
    if source is not None:
        from rlcompose.changes import Changes, measured

        old, new = (measured(brief, paid, played) for played in pieces.values())
        weights = {weighted.term.name: weighted.weight for weighted in paid}
        changes = Changes(NUM_COMPARED, old, new, weights, source.config.rewards)
        print(*changes.lines(), sep="\n", file=sys.stderr, flush=True)
        write_atomically(folder / CHANGES, changes.markdown())
        result["changed"] = changes.to_dict()
    result["trained_steps"] = trained.steps
    result["interrupted"] = trained.interrupted
    result["failed"] = trained.failed
    result["health"] = [finding.to_dict() for finding in trained.health]
    # What our own agents leave, and others may not.
    left = {"model": folder / "model", "metrics": folder / "metrics.csv", "changes": folder / CHANGES}
    result |= {name: str(path) for name, path in left.items() if path.exists()}
    result["seconds_in_all"] = round(time.monotonic() - begun, 1)
    write_atomically(folder / "result.json", json.dumps(result, indent=2, sort_keys=True, allow_nan=False) + "\n")
    heard(arguments, last.sound, last.hint)
    return result


def _config(task: _Task, arguments: argparse.Namespace) -> RunConfig:
    """What the run was asked for."""
    from rlcompose.run import RunConfig

    preset = task.kind.preset
    return RunConfig(
        style=task.brief.style.to_dict(),
        options=task.brief.options.to_dict(),
        rewards={weighted.term.name: weighted.weight for weighted in task.terms},
        agent=task.kind.name,
        steps=task.steps,
        seed=arguments.seed,
        plugins=tuple(str(Path(path).resolve()) for path in arguments.plugin),
        settings={name: value for name, value in task.settings.items() if value != preset[name].value},
        schedules={w.term.name: [list(point) for point in w.schedule] for w in task.terms if w.schedule},
        start=str(task.source.folder.resolve()) if task.source else PRIOR if task.from_prior else "",
    )


@contextmanager
def _keeping(folder: Path) -> Iterator[None]:
    """A reward term that fails while an agent learns ends the command; the message says where the model is."""
    from rlcompose.engine.core import RewardTermError

    try:
        yield
    except RewardTermError as error:
        model = folder / "model"
        if not model.is_dir():
            raise
        raise RewardTermError(f"{error}; the best model until then is kept in {model}") from error


def _check_size(weighted: WeightedTerm) -> None:
    term = weighted.term
    weight = max((weighted.weight, *(value for _, value in weighted.schedule)), key=abs)
    largest = abs(weight) * _largest_value(term)
    if largest > LARGEST_SHARE:
        raise RlcomposeError(
            f"reward term {term.name!r} with weight {weight:g} would pay {largest:.3g} "
            f"for one event: allowed are up to {LARGEST_SHARE:g}"
        )


def _largest_value(term: Term) -> float:
    """The largest size of what a term gives, as it says itself or else gives in sampled moments; at least 1."""
    from rlcompose.engine.core import evaluate, sample_moments

    if term.low is not None and term.high is not None:
        return max(1.0, abs(term.low), abs(term.high))
    if term.batched:  # it takes no single moments
        return 1.0
    largest = 1.0  # rare terms pay nothing in these moments
    for moment, times in sample_moments():
        if term.at in times:
            moment.memory = [0.0] * term.memory
            largest = max(largest, abs(evaluate(term, moment)))
    return largest


def _named(files: Any, prefix: str) -> dict[str, Any]:
    return {prefix + name: value for name, value in files.to_dict().items()}


if __name__ == "__main__":
    sys.exit(main())
