"""The RL Tuner benchmark: what agents reach beside the paper's, and what reaches as much without learning.

Writes `results.md` and `results.csv` beside this file. What is measured already is kept in `build/rl_tuner` and not run
again, so that Ctrl-C loses no more than the agent that is being trained.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.agents.rl_tuner import HELD, HELD_VARIETY, PLAIN, Pay, train_agent
from rlcompose.corpus.split import REFEREE, TEST
from rlcompose.files import write_atomically
from rlcompose.rl_tuner import METRIC_NAMES
from rlcompose.rl_tuner.benchmark import EXTRA_NAMES, PUBLISHED, measured, published
from rlcompose.rl_tuner.melodies import folk_melodies
from rlcompose.rl_tuner.players import beam, greedy, in_key, tilted, uniform
from rlcompose.rl_tuner.prior import Prior, fit_prior, load_prior

HERE = Path(__file__).parent
SEEDS = (0, 1, 2)
PIECES = 10_000
CONVENTION = "compat"
FIRST_SEED = 1_000_000  # of composing, far from those of training
RULES_STEPS = {"ppo": 1_000_000, "maskable_ppo": 1_000_000, "dqn": 500_000}

Row = dict[str, float]
SHORT = {
    "notes excessively repeated": "repeated",
    "mean autocorrelation lag 1": "lag 1",
    "mean autocorrelation lag 2": "lag 2",
    "mean autocorrelation lag 3": "lag 3",
    "notes not in key": "off key",
    "compositions starting with tonic": "tonic",
    "leaps resolved": "leaps",
    "compositions with unique max note": "max",
    "compositions with unique min note": "min",
    "notes in motif": "motif",
    "notes in repeated motif": "again",
    "theory return": "return",
    "log-likelihood": "nats",
    "vendi of successions": "Vendi, pairs",
    "vendi of places": "Vendi, places",
    "seconds": "s",
}
SHARES = {name for name in METRIC_NAMES if not name.startswith("mean")}


def train(algorithm: str, prior: Prior | None, pay: Pay, seed: int, **settings: Any) -> Any:
    """An agent, with its progress on the screen."""
    begun = time.monotonic()

    def report(played: int, paid: float) -> None:
        print(
            f"\r  {algorithm} seed {seed}: {played:,} events, {time.monotonic() - begun:.0f} s, pay {paid:.1f}  ",
            end="",
        )

    agent = train_agent(algorithm, prior, convention=CONVENTION, pay=pay, seed=seed, report=report, **settings)
    print(flush=True)
    return agent


def players(prior: Prior) -> dict[str, tuple[Callable[[int], NDArray[np.int64]], bool]]:
    """By the row's name: melodies for a seed, and whether there are several seeds."""
    test = folk_melodies([REFEREE, TEST])

    def agent(algorithm: str, is_held: bool) -> Callable[[int], NDArray[np.int64]]:
        def compose(seed: int) -> NDArray[np.int64]:
            if is_held:
                made = train(algorithm, prior, HELD, seed, variety=HELD_VARIETY)
            else:
                made = train(algorithm, None, PLAIN, seed, steps=RULES_STEPS[algorithm])
            melodies: NDArray[np.int64] = made.compose(PIECES, FIRST_SEED + seed)
            return melodies

        return compose

    return {
        "real tunes, held out": (lambda seed: test, False),
        "uniform": (lambda seed: uniform(PIECES, seed), True),
        "uniform in key": (lambda seed: in_key(PIECES, seed, CONVENTION), True),
        "greedy, ties to the lowest": (lambda seed: greedy(1, CONVENTION), False),
        "greedy, ties drawn": (lambda seed: greedy(PIECES, CONVENTION, seed), True),
        "beam of 100, the best one": (lambda seed: beam(100, CONVENTION)[:1], False),
        "prior": (lambda seed: prior.compose(PIECES, FIRST_SEED + seed), True),
        "prior x exp(reward)": (lambda seed: tilted(prior, PIECES, seed, CONVENTION), True),
        **{
            f"{name}, {way}": (agent(algorithm, way == "held to the prior"), True)
            for way in ("held to the prior", "rules alone")
            for algorithm, name in (("ppo", "PPO"), ("maskable_ppo", "MaskablePPO"), ("dqn", "DQN"))
        },
    }


def main() -> None:
    """Measure what is not measured yet, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--work", type=Path, default=Path("build/rl_tuner"), help="where the prior and the runs are kept"
    )
    work = parser.parse_args().work
    work.mkdir(parents=True, exist_ok=True)
    runs = work / "runs.json"
    found: dict[str, list[Row]] = json.loads(runs.read_text()) if runs.is_file() else {}
    prior = _prior(work, found)
    for name, (compose, has_seeds) in players(prior).items():
        rows = found.setdefault(name, [])
        for seed in SEEDS[len(rows) : len(SEEDS) if has_seeds else 1]:
            begun = time.monotonic()
            melodies = compose(seed)
            seconds = time.monotonic() - begun
            rows.append(measured(melodies, CONVENTION, prior) | {"seconds": seconds})
            write_atomically(runs, json.dumps(found, indent=1) + "\n")
            print(f"{name}, seed {seed}: {seconds:.0f} s", flush=True)
    _write(found)


def _prior(work: Path, found: dict[str, list[Row]]) -> Prior:
    if not (work / "prior.json").is_file():
        begun = time.monotonic()
        prior = fit_prior(report=lambda epoch, loss: print(f"prior, epoch {epoch}: {loss:.3f} nats", flush=True))
        prior.save(work)
        found.clear()  # what was measured by another prior is not comparable
        print(f"prior: {time.monotonic() - begun:.0f} s", flush=True)
    return load_prior(work)


def _cell(name: str, rows: list[Row]) -> str:
    values = [row[name] for row in rows if name in row]
    if not values or np.isnan(values).any():
        return ""
    digits = 2 if name in ("notes excessively repeated", "notes in repeated motif", "notes not in key") else 1
    scale, digits = (100.0, digits) if name in SHARES else (1.0, 3 if "auto" in name or "like" in name else 0)
    mean = f"{scale * np.mean(values):.{digits}f}"
    if len(values) == 1 or name == "seconds":
        return mean
    return f"{mean} <small>{scale * min(values):.{digits}f} to {scale * max(values):.{digits}f}</small>"


def _write(found: dict[str, list[Row]]) -> None:
    names = [*METRIC_NAMES, *EXTRA_NAMES, "seconds"]
    table = found | {f"{name}, published": [published(name)] for name in PUBLISHED}
    lines = ["| | " + " | ".join(SHORT[name] for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {who} | " + " | ".join(_cell(name, rows) for name in names) + " |" for who, rows in table.items()]
    where = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    text = f"# RL Tuner, convention {CONVENTION}\n\n" + "\n".join(lines) + f"\n\n{where}\n"
    write_atomically(HERE / "results.md", text)
    with (HERE / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["player", "seed", *names])
        for who, rows in table.items():
            writer.writerows([who, seed, *(row.get(name, "") for name in names)] for seed, row in enumerate(rows))
    print(text)


if __name__ == "__main__":
    main()
