"""PPO of Stable-Baselines3 on the batched environment, with a network that reads the observation as music."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import CSVOutputFormat, KVWriter, Logger

from rlcompose.agent import TrainingJob, TrainingResult, pick
from rlcompose.brief import Brief
from rlcompose.codec import action_space, observation_space
from rlcompose.engine.core import Engine
from rlcompose.engine.layout import LAYOUT_ID
from rlcompose.env import ENV_ID
from rlcompose.errors import RlcomposeError, missing_extra
from rlcompose.files import write_atomically
from rlcompose.sb3 import ComposeVecEnv

from ._policy import MusicPolicy
from ._rollout import TimedRolloutBuffer

# Gamma is the discount of a quarter note: the terms look a few notes back and a phrase ahead, so a horizon of 5 bars
# serves, and the noise of the rest of a 32-bar piece stays out of the advantages (reported returns are undiscounted).
PRESET: dict[str, Any] = {
    "num_envs": 256,
    "n_steps": 64,
    "batch_size": 2048,
    "n_epochs": 4,
    "learning_rate": 1e-3,
    "gamma": 0.95,
    "gae_lambda": 0.9,
    "clip_range": 0.2,
    "ent_coef": 0.015,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
    "hidden": 128,
}
RECENT_PIECES = 256  # over which the running return is averaged


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """One torch thread, so that sums are added in one order and the same seed gives the same weights and pieces."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class PolicyAgent:
    """A trained policy: samples from its distribution over the legal actions, at temperature 1."""

    name = "ppo"

    def __init__(self, policy: MusicPolicy) -> None:
        """Wrap a policy; it is put into evaluation mode."""
        self.policy = policy
        policy.set_training_mode(False)

    def act(self, engine: Engine, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """A legal action for each row."""
        with torch.no_grad(), _one_thread():
            observations = torch.from_numpy(engine.state.obs.astype(np.float32))
            distribution: Any = self.policy.get_distribution(observations).distribution
            logits = distribution.logits.double().numpy()
        logits = np.where(engine.state.mask, logits, -np.inf)
        return pick(np.exp(logits - logits.max(axis=1, keepdims=True)), uniforms)


def make_policy(brief: Brief, hidden: int) -> MusicPolicy:
    """A fresh policy for the spaces of a brief's style."""
    space = observation_space("int16")
    return MusicPolicy(space, action_space(brief.style), lambda _: 0.0, **policy_settings(brief, hidden))


def policy_settings(brief: Brief, hidden: int) -> dict[str, Any]:
    """What a policy must know of its style, and its width."""
    durations = tuple(ticks for _, ticks in brief.style.durations)
    return {"durations": durations, "pulse": brief.style.pulse, "hidden": hidden}


def save_policy(policy: MusicPolicy, folder: Path, brief: Brief, hidden: int) -> None:
    """Write `config.json` and `model.safetensors`, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().clone().contiguous() for name, value in policy.state_dict().items()}
    config = {
        "agent": "ppo",
        "environment": ENV_ID,
        "layout_id": LAYOUT_ID,
        "style": brief.style.name,
        "durations": [ticks for _, ticks in brief.style.durations],
        "hidden": hidden,
    }
    temporary = folder / ".model.safetensors.tmp"
    save_file(weights, temporary)
    temporary.replace(folder / "model.safetensors")
    write_atomically(folder / "config.json", json.dumps(config, indent=2, sort_keys=True) + "\n")


def load_policy(folder: Path, brief: Brief) -> PolicyAgent:
    """The agent in a model folder; a model made for other spaces is refused by name."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        weights = load_file(folder / "model.safetensors")
    except (OSError, ValueError, KeyError) as error:
        raise RlcomposeError(f"cannot read the model in {folder}: {error}") from None
    except Exception as error:  # safetensors' own error has no public base
        raise RlcomposeError(f"{folder / 'model.safetensors'} is not a safetensors file: {error}") from None
    here = {
        "environment": ENV_ID,
        "layout_id": LAYOUT_ID,
        "durations": [ticks for _, ticks in brief.style.durations],
    }
    for name, value in here.items():
        if config.get(name) != value:
            raise RlcomposeError(
                f"the model in {folder} was made for {name} {config.get(name)!r}, here it is {value!r}"
            )
    policy = make_policy(brief, int(config["hidden"]))
    try:
        policy.load_state_dict(weights)
    except RuntimeError as error:
        raise RlcomposeError(f"the weights in {folder} do not fit the network: {str(error).splitlines()[0]}") from None
    return PolicyAgent(policy)


class _Watch(BaseCallback):
    """Counts pieces, logs each term, keeps the best weights, tells the progress."""

    def __init__(self, job: TrainingJob, names: tuple[str, ...]) -> None:
        super().__init__()
        self.job = job
        self.names = names
        self.returns: deque[float] = deque(maxlen=RECENT_PIECES)
        self.shares: deque[dict[str, float]] = deque(maxlen=RECENT_PIECES)
        self.lengths: deque[int] = deque(maxlen=RECENT_PIECES)
        self.best = -math.inf
        self.best_weights: dict[str, torch.Tensor] | None = None

    def _on_step(self) -> bool:
        for row in np.flatnonzero(self.locals["dones"]):
            info = self.locals["infos"][row]
            self.returns.append(info["episode"]["r"])
            self.lengths.append(info["episode"]["l"])
            self.shares.append(info["rewards"])
        return True

    def _on_rollout_end(self) -> None:
        mean = float(np.mean(self.returns)) if self.returns else math.nan
        if self.returns:
            self.logger.record("piece/return", mean)
            self.logger.record("piece/events", float(np.mean(self.lengths)))
            for name in self.names:
                self.logger.record(f"terms/{name}", float(np.mean([share[name] for share in self.shares])))
        if len(self.returns) == RECENT_PIECES and mean > self.best:
            self.keep(mean)
        self.job.progress(self.num_timesteps, mean)

    def keep(self, mean: float) -> None:
        self.best = mean
        self.best_weights = {name: value.clone() for name, value in self.model.policy.state_dict().items()}


def train_ppo(job: TrainingJob) -> TrainingResult:
    """Train from scratch; Ctrl-C ends in order with the best weights so far."""
    settings = {**PRESET, **job.settings}
    hidden, num_envs = int(settings.pop("hidden")), int(settings.pop("num_envs"))
    # A short budget gets short rollouts, so that it still learns from several.
    while num_envs > 16 and num_envs * settings["n_steps"] * 4 > job.steps:
        num_envs //= 2
    settings["batch_size"] = min(settings["batch_size"], num_envs * settings["n_steps"])
    rate = float(settings.pop("learning_rate"))
    with _one_thread():
        env = ComposeVecEnv(job.brief, job.terms, num_envs, seed=job.seed * 1_000_003)
        model = PPO(
            MusicPolicy,
            env,
            learning_rate=lambda left: rate * max(left, 0.05),
            seed=job.seed,
            policy_kwargs=policy_settings(job.brief, hidden),
            rollout_buffer_class=TimedRolloutBuffer,
            rollout_buffer_kwargs={"durations": tuple(ticks for _, ticks in job.brief.style.durations)},
            device="cpu",
            **settings,
        )
        model.set_logger(Logger(str(job.folder), _writers(job.folder)))
        watch = _Watch(job, env.engine.names)
        interrupted = False
        try:
            model.learn(job.steps, callback=watch)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            model.logger.close()
            policy = model.policy
            assert isinstance(policy, MusicPolicy)
            if watch.best_weights is not None:
                policy.load_state_dict(watch.best_weights)
            save_policy(policy, job.folder / "model", job.brief, hidden)
    best = watch.best if math.isfinite(watch.best) else float(np.mean(watch.returns)) if watch.returns else math.nan
    return TrainingResult(PolicyAgent(policy), int(model.num_timesteps), best, interrupted)


def _writers(folder: Path) -> list[KVWriter]:
    """metrics.csv always; TensorBoard where it is installed."""
    writers: list[KVWriter] = [CSVOutputFormat(str(folder / "metrics.csv"))]
    try:
        from stable_baselines3.common.logger import TensorBoardOutputFormat

        writers.append(TensorBoardOutputFormat(str(folder / "tensorboard")))
    except (ImportError, AssertionError):
        print(f"no TensorBoard log: {missing_extra('tensorboard', 'train')}", file=sys.stderr)
    return writers
