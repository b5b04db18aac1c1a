"""Does optimising the theory terms alone keep music usual, or does it loop?

Trains with the style's own weights, plays pieces that training never saw, and sets beside real ones: the longest cell
that is repeated note for note, and the share of 8-bar windows outside the style's bands.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from numpy.typing import NDArray

from rlcompose.agent import Agent, TrainingJob, find_agent, play
from rlcompose.arguments import read_weight_file
from rlcompose.bands import FEATURES, is_held_out, outside_bands, window_features
from rlcompose.brief import make_brief
from rlcompose.datasets import encoded_pieces
from rlcompose.files import write_atomically
from rlcompose.reward import weigh_terms
from rlcompose.style import load_style, style_names
from rlcompose.train import STEPS_SCRATCH

HERE = Path(__file__).parent
FIRST_SEED = 2_000_000_000
BARS = 32
FEWEST_BARS = 12  # a real piece shorter than this says nothing of loops


def longest_repeat(actions: list[int]) -> int:
    """How many events (pitch or rest, with its length) the longest passage has that comes again without overlap."""
    events = np.array(actions)
    longest = 0
    for lag in range(1, len(events)):
        run = 0
        for same in (events[lag:] == events[:-lag]).tolist():
            run = run + 1 if same else 0
            longest = max(longest, min(run, lag))
    return longest


def real_music(style: str, limit: int) -> dict[str, Any]:
    """The longest repeats of real pieces, cut at 32 bars, and the windows of those held out from the bands."""
    family = load_style(style)
    repeats: list[int] = []
    windows: list[NDArray[np.float64]] = []
    for piece in islice(encoded_pieces(family, seed=1), limit):
        ticks = [length for _, length in family.durations]
        until, position = BARS * piece.brief.charts[0].meter.bar_ticks, 0
        actions = []
        for action in piece.actions:
            if position < until:
                actions.append(action)
            position += ticks[action % len(ticks)]
        if piece.brief.bars >= FEWEST_BARS:
            repeats.append(longest_repeat(actions))
        if is_held_out(piece.group):
            windows.append(window_features(piece.brief, 0, piece.actions))
    outside = outside_bands(family.family, np.concatenate(windows))
    return {"repeats": repeats, "outside": outside.tolist()}


def played(style: str, agent: Agent, terms: Any, pieces: int) -> dict[str, Any]:
    """The same of an agent's pieces, and their mean return."""
    brief = make_brief(style)
    made = play(agent, brief, terms, range(FIRST_SEED, FIRST_SEED + pieces))
    windows = np.concatenate([window_features(brief, piece.seed, piece.actions) for piece in made])
    return {
        "repeats": [longest_repeat(list(piece.actions)) for piece in made],
        "outside": outside_bands(brief.style.family, windows).tolist(),
        "return": float(np.mean([piece.total for piece in made])),
    }


def trained(style: str, seed: int, steps: int, pieces: int, rewards: str | None) -> dict[str, Any]:
    """Train PPO with the style's weights and look at what it plays."""
    brief = make_brief(style)
    terms = weigh_terms(brief.style.rewards, read_weight_file(rewards, brief.style) if rewards else None)
    train = find_agent("ppo").train
    assert train is not None
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = train(TrainingJob(brief, terms, steps, seed, Path(folder), lambda *told: None))
    seconds = time.monotonic() - begun
    return played(style, result.agent, terms, pieces) | {"seconds": round(seconds, 1)}


def main() -> int:
    """Train, play, compare, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--styles", nargs="+", default=list(style_names()), help="default: all")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each style (default: 1)")
    parser.add_argument("--pieces", type=int, default=100, help="pieces for each row (default: 100)")
    parser.add_argument("--real", type=int, default=200, help="real pieces (default: 200)")
    parser.add_argument("--steps", type=int, default=STEPS_SCRATCH, help="training steps (default: that of train)")
    parser.add_argument("--rewards", help="a file of weights instead of the style's")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    arguments = parser.parse_args()
    results: dict[str, Any] = json.loads(arguments.out.read_text()) if arguments.out.is_file() else {}
    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn")) as pool:
        pending = {}
        for style in arguments.styles:
            if f"{style}/real" not in results:
                pending[f"{style}/real"] = pool.submit(real_music, style, arguments.real)
            for seed in range(arguments.seeds):
                job = (style, seed, arguments.steps, arguments.pieces, arguments.rewards)
                pending[f"{style}/ppo/{seed}"] = pool.submit(trained, *job)
        for name, future in pending.items():
            results[name] = future.result()
            write_atomically(arguments.out, json.dumps(results, sort_keys=True) + "\n")
            print(f"{name} done", file=sys.stderr, flush=True)
    made = table(results)
    print(made)
    write_atomically(arguments.out.with_suffix(".md"), made + "\n")
    return 0


def table(results: dict[str, Any]) -> str:
    """A row for each player: the repeats' median and 95th percentile, the windows outside, and where most."""
    lines = [
        "| style | music | longest repeat, median | 95 % | windows outside, summed | over real | most outside |",
        "|---|---|---|---|---|---|---|",
    ]
    names = list(FEATURES)
    for key in sorted(results, key=lambda name: (name.split("/")[0], "/real" not in name, name)):
        style, _, player = key.partition("/")
        row, real = results[key], results[f"{style}/real"]
        summed, base = sum(row["outside"]), sum(real["outside"])
        most = sorted(range(len(names)), key=lambda i: -row["outside"][i])[:4]
        told = ", ".join(f"{names[i]} {row['outside'][i]:.2f}" for i in most)
        median, high = np.percentile(row["repeats"], [50, 95])
        lines.append(
            f"| {style} | {player} | {median:.0f} | {high:.0f} | {summed:.2f} | {summed / base:.2f} | {told} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
