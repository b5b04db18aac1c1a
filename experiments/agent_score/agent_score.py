"""How much of what beam search earns do the agents earn? `python experiments/agent_score/agent_score.py -h`.

Every part is kept in results.json as soon as it is there, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np

from rlcompose.agent import TrainingJob, find_agent, load_agents, play
from rlcompose.arguments import read_weight_file
from rlcompose.brief import make_brief
from rlcompose.files import write_atomically
from rlcompose.reward import weigh_terms
from rlcompose.train import STEPS_SCRATCH

HERE = Path(__file__).parent
FIRST_SEED = 2_000_000_000  # of the pieces; no training starts from these
QUICK = ("random", "greedy")  # played anew each time, to see whether the pieces are still paid as they were
BEAM_SHARE = 2  # beam search, the slowest by far, plays every second piece
PART = 10  # pieces of beam search for one process


def _setting(style: str) -> tuple[Any, Any]:
    brief = make_brief(style)
    return brief, weigh_terms(read_weight_file(HERE / "rewards.toml", brief.style))


def untrained(style: str, agent: str, seeds: list[int]) -> list[float]:
    """The return of each piece of an agent that needs no training."""
    return [piece.total for piece in play(find_agent(agent).made(), *_setting(style), seeds)]


def trained(style: str, agent: str, training_seed: int, seeds: list[int], steps: int) -> dict[str, Any]:
    """Train once with the defaults, then the return of each sampled piece."""
    train = find_agent(agent).train
    assert train is not None
    brief, terms = _setting(style)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = train(TrainingJob(brief, terms, steps, training_seed, Path(folder), lambda *told: None))
    seconds = time.monotonic() - begun
    returns = [piece.total for piece in play(result.agent, brief, terms, seeds)]
    findings = [str(finding) for finding in result.health]
    return {"returns": returns, "training_seconds": round(seconds, 1), "steps": result.steps, "health": findings}


def main() -> int:
    """Run what is missing, then print and write the table."""
    learners = [name for name, kind in load_agents().items() if kind.train]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", nargs="+", default=learners, choices=learners, help="who learns (default: all)")
    parser.add_argument("--styles", nargs="+", default=["jazz", "fiddle"], help="default: jazz fiddle")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each agent (default: 3)")
    parser.add_argument("--pieces", type=int, default=200, help="pieces for each row (default: 200)")
    parser.add_argument("--steps", type=int, default=STEPS_SCRATCH, help="training steps (default: that of train)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="train the named agents anew")
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    arguments = parser.parse_args()
    seeds = [FIRST_SEED + i for i in range(arguments.pieces)]
    results: dict[str, Any] = json.loads(arguments.out.read_text()) if arguments.out.is_file() else {}
    if arguments.again:
        results = {name: value for name, value in results.items() if name.split("/")[1] not in arguments.agents}

    def keep(name: str, value: Any) -> None:
        results[name] = value
        write_atomically(arguments.out, json.dumps(results, sort_keys=True) + "\n")
        print(f"{name} done", file=sys.stderr, flush=True)

    for style in arguments.styles:
        for agent in QUICK:
            returns, name = untrained(style, agent, seeds), f"{style}/{agent}"
            if results.get(name, returns) != returns:
                print(f"{style}: pieces are paid otherwise than they were, everything is done anew", file=sys.stderr)
                results = {other: value for other, value in results.items() if not other.startswith(f"{style}/")}
            keep(name, returns)

    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn")) as pool:
        pending: dict[str, list[Future[Any]]] = {}
        for style in arguments.styles:
            for agent in arguments.agents:
                for seed in range(arguments.seeds):
                    name = f"{style}/{agent}/{seed}"
                    if name not in results:
                        pending[name] = [pool.submit(trained, style, agent, seed, seeds, arguments.steps)]
            if f"{style}/beam" not in results:
                searched = seeds[::BEAM_SHARE]
                parts = [searched[i : i + PART] for i in range(0, len(searched), PART)]
                pending[f"{style}/beam"] = [pool.submit(untrained, style, "beam", part) for part in parts]
        for name, futures in pending.items():
            values = [future.result() for future in futures]
            keep(name, sum(values, []) if name.endswith("/beam") else values[0])
    made = table(results)
    print(made)
    write_atomically(arguments.out.with_name("table.md"), made + "\n")
    return 0


def table(results: dict[str, Any]) -> str:
    """The returns and the share of the way from random to beam, with standard errors over the pieces."""
    lines = [
        "| style | player | return (mean ± s.e.) | (R − random) / (beam − random) | training |",
        "|---|---|---|---|---|",
    ]
    for style in dict.fromkeys(name.split("/")[0] for name in results):
        floor, top = (float(np.mean(results[f"{style}/{name}"])) for name in ("random", "beam"))
        rows = [(name, results[f"{style}/{name}"], "–") for name in QUICK]
        for name in sorted(results):
            if name.startswith(f"{style}/") and name.count("/") == 2:
                _, agent, seed = name.split("/")
                row = results[name]
                rows.append((f"{agent}, seed {seed}", row["returns"], f"{row['training_seconds']:.0f} s"))
        rows.append(("beam search", results[f"{style}/beam"], "–"))
        for player, returns, training in rows:
            mean, error = float(np.mean(returns)), float(np.std(returns) / np.sqrt(len(returns)))
            share = (mean - floor) / (top - floor)
            lines.append(f"| {style} | {player} | {mean:.1f} ± {error:.1f} | {share:.3f} | {training} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
