"""`python -m rlcompose.train`: train an agent in a style, and leave music behind."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlcompose.command import Parser, run

if TYPE_CHECKING:
    from rlcompose.health import Finding
    from rlcompose.reward import WeightedTerm

DEFAULT_STEPS = 1_000_000
FIRST_SEED_OFFSET = 1_000_000_000  # pieces of the evaluation are none of the training
NUM_COMPARED = 50
FAILED = 1  # the exit status where learning had to stop; what it had learned until then is kept
LARGEST_SHARE = 1e6  # of a reward: learning runs in float32, and squares it


def parser() -> Parser:
    """The command's options."""
    parser = Parser(
        "python -m rlcompose.train",
        "Train an agent in a style; a first piece is there at once, the trained one at the end.",
        'python -m rlcompose.train --style jazz --chords "Dm7 | G7 | C^7 | %" --reward stepwise_motion=1',
    )
    style_help = "a style by name (rlcompose styles) or a .toml file (default: jazz)"
    parser.add_argument("--style", default="jazz", help=style_help)
    parser.add_argument("--agent", default="ppo", help=_agents_help())
    from rlcompose.arguments import add_music_options, add_reward_options, add_sound_options, at_least

    set_help = "replace a value of the agent's preset (agents/*.toml); may be given several times"
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=set_help)
    steps_help = f"events to learn from (default: {DEFAULT_STEPS:,})"
    parser.add_argument("--steps", type=at_least(1), default=DEFAULT_STEPS, metavar="N", help=steps_help)
    seed_help = "the seed of everything (default: 0)"
    parser.add_argument("--seed", type=at_least(0, 2**32 - 1), default=0, metavar="S", help=seed_help)
    parser.add_argument("--out", metavar="DIR", help="the folder of the run (default: runs/STYLE-AGENT-NUMBER)")
    add_music_options(parser)
    add_reward_options(parser)
    add_sound_options(parser)
    return parser


def _agents_help() -> str:
    """The built-in agents with what they are; nothing heavy is loaded for it."""
    from rlcompose.agent import load_agents

    agents = load_agents().values()
    listed = [f"{kind.name}: {kind.summary}" for kind in sorted(agents, key=lambda kind: (not kind.train, kind.name))]
    return f"who learns or plays (default: ppo). {'; '.join(listed)}. Installed plug-ins may add others"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    failed = False

    def body(arguments: argparse.Namespace) -> dict[str, Any]:
        nonlocal failed
        result = _train(arguments, ["rlcompose", "train", *words])
        failed = result.get("failed", False)
        return result

    status = run(body, parser(), words)
    return FAILED if failed else status


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


def _train(arguments: argparse.Namespace, command: Sequence[str]) -> dict[str, Any]:
    # Spinning OpenMP threads halt everything on a busy machine; set before torch and numba are loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from rlcompose.agent import TrainingJob, find_agent, play
    from rlcompose.arguments import check_soundfont, music_options, reward_weights
    from rlcompose.brief import make_brief
    from rlcompose.engine.core import prepare_term
    from rlcompose.files import write_atomically
    from rlcompose.piece import Piece, PieceFiles, write_piece
    from rlcompose.preset import parse_settings
    from rlcompose.reward import weigh_terms
    from rlcompose.run import RunConfig, discard_run, make_output_folder, new_run_folder, write_run

    begun = time.monotonic()
    brief = make_brief(arguments.style, music_options(arguments))
    terms = weigh_terms(brief.style.rewards, reward_weights(arguments))
    check_soundfont(arguments)
    kind = find_agent(arguments.agent)
    settings = parse_settings(arguments.set, kind.preset)
    for weighted in terms:
        prepare_term(weighted.term)  # a term that does not work is told before anything is made
        _check_size(weighted)
    was_there = arguments.out is not None and Path(arguments.out).is_dir()
    folder = new_run_folder(brief.style.name, kind.name, arguments.out)
    config = RunConfig(
        style=brief.style.to_dict(),
        options=brief.options.to_dict(),
        rewards={weighted.term.name: weighted.weight for weighted in terms},
        agent=kind.name,
        steps=arguments.steps,
        seed=arguments.seed,
        plugins=tuple(str(Path(path).resolve()) for path in arguments.plugin),
        settings={name: value for name, value in settings.items() if value != kind.preset[name].value},
    )
    seed = arguments.seed + FIRST_SEED_OFFSET

    def compose(agent: Any, name: str) -> PieceFiles:
        played = play(agent, brief, terms, [seed])[0]
        piece = Piece(brief, played.seed, played.actions, terms, agent.name)
        pieces = make_output_folder(folder / "pieces")
        return write_piece(piece, pieces, name, arguments.soundfont, arguments.require_fluidsynth)

    uniform, greedy = find_agent("random").made(), find_agent("greedy").made()
    try:
        write_run(folder, config, brief, command)
        first = compose(greedy, "first") if kind.train else compose(kind.made(settings), kind.name)
    except BaseException:
        discard_run(folder, keep_folder=was_there)
        raise
    result: dict[str, Any] = {"run": str(folder)}
    if kind.train is None:
        result |= _named(first, "")
        result["trained_steps"] = 0
        return result | {"seconds_in_all": round(time.monotonic() - begun, 1)}

    print(f"a first piece, without learning (return {first.total:.1f}): {first.wav}", file=sys.stderr, flush=True)
    result |= _named(first, "first_")
    progress = _Bar(arguments.steps)
    try:
        job = TrainingJob(brief, terms, arguments.steps, arguments.seed, folder, progress, settings, progress.warn)
        trained = kind.train(job)
    finally:
        progress.close()
    if trained.interrupted or trained.failed:
        how = "interrupted" if trained.interrupted else "stopped"
        print(f"{how} after {trained.steps:,} events: the best so far is kept", file=sys.stderr)
    result |= _named(compose(trained.agent, "trained"), "trained_")
    seeds = [seed + i for i in range(NUM_COMPARED)]
    means = {
        agent.name: sum(p.total for p in play(agent, brief, terms, seeds)) / NUM_COMPARED
        for agent in (uniform, greedy, trained.agent)
    }
    result["mean_return"] = {name: round(mean, 3) for name, mean in means.items()}
    result["trained_steps"] = trained.steps
    result["interrupted"] = trained.interrupted
    result["failed"] = trained.failed
    result["health"] = [finding.to_dict() for finding in trained.health]
    left = {"model": folder / "model", "metrics": folder / "metrics.csv"}  # by our own agents; others may leave neither
    result |= {name: str(path) for name, path in left.items() if path.exists()}
    result["seconds_in_all"] = round(time.monotonic() - begun, 1)
    write_atomically(folder / "result.json", json.dumps(result, indent=2, sort_keys=True, allow_nan=False) + "\n")
    return result


def _check_size(weighted: WeightedTerm) -> None:
    from rlcompose.engine.core import evaluate, sample_moments
    from rlcompose.errors import RlcomposeError

    values = [abs(evaluate(weighted.term, moment)) for moment in sample_moments()]
    largest = abs(weighted.weight) * max(1.0, *values)  # rare terms pay nothing in these moments
    if largest > LARGEST_SHARE:
        raise RlcomposeError(
            f"reward term {weighted.term.name!r} with weight {weighted.weight:g} would pay {largest:.3g} "
            f"for one event: allowed are up to {LARGEST_SHARE:g}"
        )


def _named(files: Any, prefix: str) -> dict[str, Any]:
    return {prefix + name: value for name, value in files.to_dict().items()}


if __name__ == "__main__":
    sys.exit(main())
