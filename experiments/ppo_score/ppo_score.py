"""How much of what beam search earns over random play does PPO earn? `python experiments/ppo_score/ppo_score.py -h`.

Every part is kept in results.json as soon as it is there, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np

from rlcompose.agent import TrainingJob, find_agent, play
from rlcompose.brief import make_brief
from rlcompose.files import write_atomically
from rlcompose.reward import weigh_terms
from rlcompose.search import beam_search
from rlcompose.train import DEFAULT_STEPS

HERE = Path(__file__).parent
STYLES = ("jazz", "fiddle")
TRAINING_SEEDS = (0, 1, 2)
FIRST_SEED = 2_000_000_000  # of the pieces; no training starts from these
WIDTH = 50
BEAM_SHARE = 2  # beam search, the slowest by far, plays every second piece


def _setting(style: str) -> tuple[Any, Any]:
    brief = make_brief(style)
    return brief, weigh_terms(brief.style.rewards)


def untrained(style: str, agent: str, seeds: list[int]) -> list[float]:
    """The return of each piece of an agent that needs no training."""
    make = find_agent(agent).make
    assert make is not None
    return [piece.total for piece in play(make(), *_setting(style), seeds)]


def beam(style: str, seeds: list[int]) -> list[float]:
    """The return of the best piece found for each seed."""
    return [beam_search(*_setting(style), seed, WIDTH).total for seed in seeds]


def ppo(style: str, training_seed: int, seeds: list[int], steps: int) -> dict[str, Any]:
    """Train once with the defaults, then the return of each sampled piece."""
    train = find_agent("ppo").train
    assert train is not None
    brief, terms = _setting(style)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        job = TrainingJob(brief, terms, steps, training_seed, Path(folder), lambda *told: None)
        agent = train(job).agent
    seconds = time.monotonic() - begun
    returns = [piece.total for piece in play(agent, brief, terms, seeds)]
    return {"returns": returns, "training_seconds": round(seconds, 1)}


def main() -> int:
    """Run what is missing, then print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=200, help="pieces for each row (default: 200)")
    parser.add_argument("--steps", type=int, default=DEFAULT_STEPS, help="training steps (default: that of train)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    arguments = parser.parse_args()
    seeds = [FIRST_SEED + i for i in range(arguments.pieces)]
    results: dict[str, Any] = json.loads(arguments.out.read_text()) if arguments.out.is_file() else {}
    results["config"] = {"pieces": arguments.pieces, "steps": arguments.steps, "width": WIDTH, "first_seed": FIRST_SEED}

    def keep(name: str, value: Any) -> None:
        results[name] = value
        write_atomically(arguments.out, json.dumps(results, sort_keys=True, indent=1) + "\n")
        print(f"{name} done", file=sys.stderr, flush=True)

    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn")) as pool:
        pending: dict[str, list[Any]] = {}
        for style in STYLES:
            for seed in TRAINING_SEEDS:
                name = f"{style}/ppo/{seed}"
                if name not in results:
                    pending[name] = [pool.submit(ppo, style, seed, seeds, arguments.steps)]
            for agent in ("random", "greedy"):
                if f"{style}/{agent}" not in results:
                    pending[f"{style}/{agent}"] = [pool.submit(untrained, style, agent, seeds)]
        for style in reversed(STYLES):
            if f"{style}/beam" not in results:
                searched = seeds[::BEAM_SHARE]
                parts = [searched[i : i + 10] for i in range(0, len(searched), 10)]
                pending[f"{style}/beam"] = [pool.submit(beam, style, part) for part in parts]
        for name, futures in pending.items():
            values = [future.result() for future in futures]
            keep(name, values[0] if len(values) == 1 else sum(values, []))
    print(table(results))
    write_atomically(arguments.out.with_name("table.md"), table(results) + "\n")
    return 0


def table(results: dict[str, Any]) -> str:
    """The returns and the share of the way from random to beam, with standard errors over the pieces."""
    lines = [
        "| style | player | return (mean ± s.e.) | (R − random) / (beam − random) | training |",
        "|---|---|---|---|---|",
    ]
    for style in STYLES:
        floor, top = (float(np.mean(results[f"{style}/{name}"])) for name in ("random", "beam"))
        rows = [(name, results[f"{style}/{name}"], "–") for name in ("random", "greedy")]
        for seed in TRAINING_SEEDS:
            result = results[f"{style}/ppo/{seed}"]
            rows.append((f"PPO, seed {seed}", result["returns"], f"{result['training_seconds']:.0f} s"))
        rows.append((f"beam search, width {WIDTH}", results[f"{style}/beam"], "–"))
        for name, returns, training in rows:
            mean, error = float(np.mean(returns)), float(np.std(returns) / np.sqrt(len(returns)))
            share = (mean - floor) / (top - floor)
            lines.append(f"| {style} | {name} | {mean:.1f} ± {error:.1f} | {share:.3f} | {training} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
