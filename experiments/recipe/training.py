"""How the recipe trains: its speed, memory and quality over time; and what a bare log-likelihood reward does instead.

    python experiments/recipe/training.py [run] [speed] [curves] [bare]

Needs the corpora for `curves`. Writes `training.json`, and for `curves` also `curves.csv` and `curves.png`.

run     the default command for jazz, twice: seconds, memory, and whether both have made the same weights
speed   events a second of PPO on the recipe, and of the same PPO and network on an environment that does nothing
curves  judge, referee, return and distance from the prior against the seconds of a training, measurements left out
bare    no reward but the prior's: c log p with a bonus for entropy, and the exact form, by 60,000 events of three seeds
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from beside_real import judged, played_at, prior_player, reference_of
from numpy.typing import NDArray
from prior_music import rounded

from rlcompose.agent import TrainingJob, find_agent, play
from rlcompose.agents import _ppo, _prior_policy, _rollout, _training
from rlcompose.brief import make_brief
from rlcompose.codec import decode
from rlcompose.files import write_atomically
from rlcompose.null_env import NullVecEnv
from rlcompose.preset import with_settings
from rlcompose.prior.adapter import AdaptedPrior
from rlcompose.prior.players import prior_of
from rlcompose.recipe import recipe_of
from rlcompose.reward import weigh_terms
from rlcompose.sampling import SamplingAgent, one_thread
from rlcompose.sb3 import ComposeVecEnv
from rlcompose.theory.meter import TICKS_PER_QUARTER
from rlcompose.train import STEPS_PRIOR

HERE = Path(__file__).parent
SEEDS = (0, 1, 2)
REPEATS = 4  # rollouts that are timed; the best counts
CURVE_PASSAGES = 150
BARE_STEPS, BARE_WEIGHT = 60_000, 0.4


def run() -> dict[str, Any]:
    """The command, as anybody would give it."""
    found: list[dict[str, Any]] = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "rlcompose.train", "--style", "jazz", "--out", "run", "--seed", "3"]
            begun = time.monotonic()
            subprocess.run(command, cwd=folder, check=True)
            seconds = time.monotonic() - begun
            weights = (Path(folder) / "run" / "model" / "model.safetensors").read_bytes()
            found.append({"seconds": seconds, "sha256": hashlib.sha256(weights).hexdigest()})
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    same = found[0]["sha256"] == found[1]["sha256"]
    return {"seconds": [each["seconds"] for each in found], "peak_gib": peak, "same_weights": same}


def speed() -> dict[str, Any]:
    """Alternating, so that a disturbance meets both."""
    brief = make_brief("jazz")
    settings = with_settings(find_agent("ppo").preset, _ppo.FROM_PRIOR)
    num_envs, rollout = int(settings["num_envs"]), int(settings["num_envs"]) * int(settings["n_steps"])
    composing = ComposeVecEnv(brief, weigh_terms(recipe_of(brief.style)), num_envs, lengths=_training.MIXED_BARS)
    null = NullVecEnv(num_envs, composing.observation_space, composing.action_space)
    null._seen[:] = composing.reset()  # of a place in a piece, since the buffer looks at it
    kept = ("gamma", "gae_lambda", "n_steps", "batch_size", "n_epochs", "ent_coef", "max_grad_norm")
    with one_thread():
        models = []
        for env in (composing, null):
            model = _ppo.WarmedUpPPO(
                _prior_policy.PriorPolicy,
                env,
                seed=0,
                policy_kwargs={"adapted": AdaptedPrior(prior_of(brief.style), int(settings["rank"]), 0)},
                rollout_buffer_class=_rollout.TimedRolloutBuffer,
                rollout_buffer_kwargs={"durations": _training.durations(brief)},
                device="cpu",
                **{name: settings[name] for name in kept},
            )
            model.rollout_buffer.hold_to(model.policy, 0.4, 0.7)
            model.rollout_buffer.keep_features(model.policy.features_extractor)
            model.rollout_buffer.reset()
            models.append(model)

        def learned(model: Any) -> float:
            begun = time.perf_counter()
            model.learn(rollout)
            return float(rollout / (time.perf_counter() - begun))

        rows = [[learned(model) for model in models] for _ in range(1 + REPEATS)][1:]
    ours, theirs = (max(each) for each in zip(*rows, strict=True))
    return {"recipe_steps_per_second": ours, "null_steps_per_second": theirs, "recipe_over_null": ours / theirs}


def curves() -> list[dict[str, float]]:
    """What the agent plays at each evaluation of a default training."""
    reference = reference_of("jazz", CURVE_PASSAGES)
    rows: list[dict[str, float]] = []
    begun = time.monotonic()
    aside = 0.0
    evaluate = _training.Watch.evaluate

    def also(watch: Any) -> None:
        nonlocal aside
        evaluate(watch)
        since = time.monotonic()
        music = played_at(watch.agent, reference.sites, 0).pieces
        judge, referee = judged("jazz", music)
        anchor = watch.model.rollout_buffer.anchor
        mean = float(watch.logger.name_to_value["eval/return"])
        rows.append(
            {
                "seconds": since - begun - aside,
                "step": float(watch.num_timesteps),
                "judge": float(judge.mean()),
                "referee": float(referee.mean()),
                "return": mean,
                "nats_8_bars": float(anchor.nats),
            }
        )
        print(json.dumps(rounded(rows[-1])), file=sys.stderr, flush=True)
        aside += time.monotonic() - since

    brief = make_brief("jazz")
    with tempfile.TemporaryDirectory() as folder, patch.object(_training.Watch, "evaluate", also):
        terms = weigh_terms(recipe_of(brief.style))
        train("ppo", TrainingJob(brief, terms, STEPS_PRIOR, 0, Path(folder), lambda *told: None, from_prior=True))
    judge, referee = judged("jazz", played_at(prior_player("jazz"), reference.sites, 0).pieces)
    first = {"seconds": 0.0, "step": 0.0, "judge": float(judge.mean()), "referee": float(referee.mean())}
    rows.insert(0, {**first, "return": float("nan"), "nats_8_bars": 0.0})
    with (HERE / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: f"{value:.4f}" for name, value in row.items()} for row in rows)
    draw_curves(rows, judged("jazz", reference.pieces))
    return rows


def draw_curves(rows: list[dict[str, float]], real: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
    """One panel for each number, against the seconds."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    panels = {
        "judge": "judge's mean p",
        "referee": "referee's mean p",
        "return": "return",
        "nats_8_bars": "KL, 8 bars",
    }
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained", sharex=True)
    level = {"judge": float(real[0].mean()), "referee": float(real[1].mean())}
    for axis, (name, title) in zip(axes.ravel(), panels.items(), strict=True):
        axis.plot([row["seconds"] for row in rows], [row[name] for row in rows], marker="o", color="#1f5fa8")
        if name in level:
            axis.axhline(level[name], color="#555555", linestyle="--", label="real music")
            axis.legend(loc="lower right")
        axis.set_title(title)
        axis.grid(alpha=0.3)
    for axis in axes[1]:
        axis.set_xlabel("seconds of training")
    figure.savefig(HERE / "curves.png", dpi=120)


def train(name: str, job: TrainingJob) -> SamplingAgent:
    """The agent that a job makes."""
    kind = find_agent(name)
    assert kind.train is not None
    agent = kind.train(job).agent
    assert isinstance(agent, SamplingAgent)
    return agent


class Exact(_rollout.Anchor):  # type: ignore[misc]  # agents are found at run time
    """c (log pi - log p) for each event, not counted from the mean."""

    def costs(self, rollout: Any, bars: float) -> NDArray[np.float32]:
        """Of each event: the anchor's, and the mean that it counts them from."""
        centred = super().costs(rollout, bars)
        mean = self.weight * self.nats * bars / 8 / rollout.log_probs.size
        return np.asarray(centred + np.float32(mean), np.float32)


class Bare(Exact):
    """What is often meant by staying near a model: c log p for each event, and a bonus for entropy beside it."""

    def costs(self, rollout: Any, bars: float) -> NDArray[np.float32]:
        """Minus c log p of each event."""
        exact = super().costs(rollout, bars)
        return np.asarray(exact - np.float32(self.weight) * rollout.log_probs, np.float32)


def entropy(choice: Any) -> torch.Tensor:
    """Of an event, pitch and length together."""
    log_probs = choice._adapted.log_probs(choice._features)
    result: torch.Tensor = -(log_probs.exp() * log_probs).sum(dim=1)
    return result


def bare() -> dict[str, Any]:
    """Notes and events a bar, mean length and share of rests of what comes of each form; and the prior's own."""
    brief = make_brief("jazz", {"bars": 16})
    found: dict[str, Any] = {"the prior": shape_of_music(prior_player("jazz"), brief)}
    for name, anchor, bonus in (("exact", Exact, 0.0), ("bare c log p", Bare, BARE_WEIGHT)):
        for seed in SEEDS:
            settings = {"anchor": BARE_WEIGHT, "anchor_kl": 0.0, "refine": 0, "ent_coef": bonus, "gamma": 0.99}
            with (
                tempfile.TemporaryDirectory() as folder,
                patch.object(_rollout, "Anchor", anchor),
                patch.object(_rollout.TimedRolloutBuffer, "keep_features", lambda *_: None),
                patch.object(_prior_policy.PitchThenLength, "entropy", entropy),
            ):
                job = TrainingJob(
                    *(brief, (), BARE_STEPS, seed, Path(folder), lambda *told: None), settings=settings, from_prior=True
                )
                agent = train("ppo", job)
            found.setdefault(name, {})[str(seed)] = shape_of_music(agent, brief)
            print(name, seed, found[name][str(seed)], file=sys.stderr, flush=True)
    return found


def shape_of_music(agent: Any, brief: Any) -> dict[str, float]:
    """Of 100 pieces."""
    played = play(agent, brief, (), range(1_000, 1_100))
    pieces = [decode(brief, each.seed, each.actions) for each in played]
    bars = sum(piece.bars for piece in pieces)
    notes = [note for piece in pieces for note in piece.notes]
    steps = [
        abs(a.pitch - b.pitch) in (1, 2) for piece in pieces for a, b in zip(piece.notes, piece.notes[1:], strict=False)
    ]
    return {
        "events_a_bar": sum(len(each.actions) for each in played) / bars,
        "notes_a_bar": len(notes) / bars,
        "mean_length_in_quarters": float(np.mean([note.ticks for note in notes])) / TICKS_PER_QUARTER,
        "step": float(np.mean(steps)),
    }


PARTS: dict[str, Callable[[], Any]] = {"run": run, "speed": speed, "curves": curves, "bare": bare}


def main() -> int:
    """Measure what is asked for, and put it beside what was measured before."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="(default: all)")
    path = HERE / "training.json"
    for part in parser.parse_args().parts or PARTS:
        numbers = rounded(PARTS[part]())
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        found[part] = numbers
        write_atomically(path, json.dumps(found, indent=1, sort_keys=True) + "\n")
        print(f"{part}: {json.dumps(numbers)}", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
