"""What every agent of Stable-Baselines3 needs, once: its environment, log, evaluation, best weights, and model folder.

An agent's module makes its environment with `make_env`, its model with SB3, an agent that plays the model's live
network, and hands all three to `train_model`. It loads with `read_model`.
"""

from __future__ import annotations

import json
import math
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import CSVOutputFormat, KVWriter, Logger
from torch import Tensor, nn

from rlcompose.agent import TrainingJob, TrainingResult, find_agent, play
from rlcompose.brief import Brief
from rlcompose.engine.layout import LAYOUT_ID
from rlcompose.env import ENV_ID
from rlcompose.errors import RlcomposeError, missing_extra
from rlcompose.files import write_atomically
from rlcompose.health import Finding, Health
from rlcompose.learned.watching import StyleWatch
from rlcompose.model_files import read_arrays
from rlcompose.preset import with_settings
from rlcompose.prior.adapter import AdaptedPrior, fingerprint
from rlcompose.prior.chord_chain import with_drawn_charts
from rlcompose.prior.model import load_prior
from rlcompose.prior.players import prior_of
from rlcompose.sampling import SamplingAgent
from rlcompose.sb3 import ComposeVecEnv

RECENT_PIECES = 256  # over which the running return is averaged
MIXED_BARS = (8, 12, 16, 24, 32)  # by lot, so that agents play passages, tunes and choruses alike
EVALUATIONS = 10  # over the whole budget
EVALUATION_PIECES = 32
# An evaluation plays its events without learning; it comes at most once in so many times its own events.
EVALUATION_SPACING = 10
# Training starts from seeds below 2**53, what is compared in the end is below 2**34.
FIRST_EVALUATION_SEED = 2**62
SHAPE = ("hidden", "n_quantiles", "rank")  # the settings that a network is made with, as far as it has them
PRIOR, PRIOR_ID = "prior", "prior_id"  # in the configuration of a model that changes a prior: which one
CRITIC = ("mlp_extractor.", "value_net.")  # how its weights' names begin in a policy that changes a prior
Shape = Mapping[str, int | str]


def make_env(job: TrainingJob, num_envs: int, lengths: Sequence[int] = ()) -> ComposeVecEnv:
    """The environments of a job, seeded far apart for different training seeds; `lengths` as the engine has them."""
    return ComposeVecEnv(job.brief, job.terms, num_envs, seed=job.seed * 1_000_003, lengths=lengths)


def learning_from_many(job: TrainingJob) -> TrainingJob:
    """The job of what changes a prior: over drawn charts, as different as real music's, if none is asked for."""
    return replace(job, brief=with_drawn_charts(job.brief, job.seed))


def lengths_to_learn(brief: Brief) -> tuple[int, ...]:
    """The lengths in bars of the pieces that a prior's change learns from: all usual ones, if none is pinned."""
    return MIXED_BARS if brief.options.bars is None else (brief.bars,)


def device_of(job: TrainingJob, is_able: bool) -> str:
    """Where a job's network learns; `is_able` says whether it can learn elsewhere than on the CPU.

    Raises:
        RlcomposeError: There is no such device here, or it is of no use.
    """
    if job.device == "cuda" and not is_able:
        raise RlcomposeError("only ppo and maskable_ppo that begin as a prior learn on cuda: allowed is --device cpu")
    if job.device == "cuda" and not torch.cuda.is_available():
        raise RlcomposeError("there is no CUDA device here: allowed is --device cpu")
    return job.device


def durations(brief: Brief) -> tuple[int, ...]:
    """The lengths of the style's events, in ticks."""
    return tuple(ticks for _, ticks in brief.style.durations)


# --- the folder of a model ---


def save_model(folder: Path, name: str, brief: Brief, network: nn.Module, shape: Shape) -> None:
    """Write `config.json` and `model.safetensors`, whole or not at all; `shape` is what the network was made with."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().clone().contiguous() for name, value in network.state_dict().items()}
    config = {"agent": name, "style": brief.style.name, **_made_for(brief), **shape}
    temporary = folder / ".model.safetensors.tmp"
    save_file(weights, temporary)
    temporary.replace(folder / "model.safetensors")
    write_atomically(folder / "config.json", json.dumps(config, indent=2, sort_keys=True) + "\n")


def _made_for(brief: Brief) -> dict[str, Any]:
    return {"environment": ENV_ID, "layout_id": LAYOUT_ID, "durations": list(durations(brief))}


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """A model's folder as it was read.

    config   what the network was made with
    adapted  the prior that it changes, as yet unchanged; None where it changes none
    """

    folder: Path
    config: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    adapted: AdaptedPrior | None

    def put_into(self, network: nn.Module) -> None:
        """Put the weights into a network; those of another network are refused by name.

        A change of a prior may come without the critic's, as those of the package: then the network keeps its own.
        """
        weights = dict(self.weights)
        if self.adapted is not None:
            fresh = {name: value for name, value in network.state_dict().items() if name.startswith(CRITIC)}
            weights = {**fresh, **weights}
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            _, *misfits = map(str.strip, str(error).splitlines())  # the first line is a heading
            raise RlcomposeError(f"the weights in {self.folder} do not fit the network: {misfits[0]}") from None


def read_model(folder: Path, name: str, brief: Brief) -> Saved:
    """What is in a folder; a model of another agent, other spaces or another prior is refused by name."""
    config, arrays = read_arrays(folder, "model", {"agent": name, **_made_for(brief)})
    preset = find_agent(name).preset
    # A network of its own has a width, one that changes a prior has a rank.
    for key in preset.keys() & (set(SHAPE) - ({"hidden"} if PRIOR in config else {"rank"})):
        try:
            preset[key].check(config.get(key))
        except RlcomposeError as error:
            raise RlcomposeError(f"cannot read the model in {folder}: {error}") from None
    weights = {key: torch.from_numpy(value) for key, value in arrays.items()}
    return Saved(folder, config, weights, _adapted_as_in(config, folder))


def _adapted_as_in(config: Mapping[str, Any], folder: Path) -> AdaptedPrior | None:
    if PRIOR not in config:
        return None
    prior = load_prior(str(config[PRIOR]))
    if config.get(PRIOR_ID) != fingerprint(prior):
        raise RlcomposeError(
            f"the model in {folder} changes the prior {config[PRIOR]!r} of another version of rlcompose: train it anew"
        )
    return AdaptedPrior(prior, int(config["rank"]))


def begins_with(job: TrainingJob, name: str, rank: int | None) -> tuple[Saved | None, AdaptedPrior | None]:
    """The model that a job goes on with, and the prior that it begins as or whose change it goes on with.

    `rank` is that of a new change of a prior; None of an agent that never begins as one.
    """
    if job.start is not None:
        saved = read_model(job.start, name, job.brief)
        return saved, saved.adapted
    if job.from_prior and rank is not None:
        return None, AdaptedPrior(prior_of(job.brief.style), rank, job.seed)
    return None, None


def shape_of(adapted: AdaptedPrior) -> dict[str, int | str]:
    """What the configuration of a model that changes a prior says of it."""
    return {"rank": adapted.rank, PRIOR: adapted.style, PRIOR_ID: fingerprint(load_prior(adapted.style))}


# --- training ---


class _Stop(Exception):
    """The weights are no longer numbers, or what the job is to stop for was found."""


class Watch(BaseCallback):
    """Counts pieces, logs each term, evaluates, keeps the best weights, looks after the health, tells the progress.

    It also pays the terms by their schedules.
    """

    def __init__(self, job: TrainingJob, env: ComposeVecEnv, agent: SamplingAgent, report_every: int) -> None:
        """`agent` plays the live network of the model; a report is at most every `report_every` steps."""
        super().__init__()
        self.job = job
        self.env = env
        self.agent = agent
        preset = find_agent(agent.name).preset
        self.health = Health(preset, with_settings(preset, job.settings), self._tell)
        self.best = math.nan
        self.best_weights: dict[str, Tensor] | None = None
        # What begins as a prior has no best evaluation: it is as good as its rewards less its distance. What it becomes
        # is the mean of its weights over the second half of the training, in which the noise of single updates is less.
        # (Izmailov et al. 2018, "Averaging weights leads to wider optima and better generalization", UAI.)
        self._mean: dict[str, Tensor] | None = {} if job.from_prior else None
        self._averaged = 0
        self.returns: deque[float] = deque(maxlen=RECENT_PIECES)
        self._shares: deque[dict[str, float]] = deque(maxlen=RECENT_PIECES)
        self._lengths: deque[int] = deque(maxlen=RECENT_PIECES)
        self._report_every = report_every
        self._reported = 0
        self._evaluated = -1
        self._next_evaluation = 0
        self._judged = StyleWatch.of(job)

    def _tell(self, finding: Finding) -> None:
        with (self.job.folder / "health.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(finding.to_dict()) + "\n")
        self.job.warn(finding)

    def _on_rollout_start(self) -> None:
        """The update before it is done."""
        self.look()
        self.average()
        if self.num_timesteps >= self._next_evaluation:
            self.evaluate()
        self.weigh()

    def weigh(self) -> None:
        """Pay the terms that have a schedule with the weights of this share of the budget."""
        engine = self.env.engine
        for number, weighted in enumerate(engine.terms):
            if weighted.schedule:
                weight = weighted.weight_at(min(1.0, self.num_timesteps / self.job.steps))
                engine.weights[number] = weight
                self.logger.record(f"weights/{weighted.term.name}", weight)
        share = min(1.0, self.num_timesteps / self.job.steps)
        if self._judged is not None:
            self._judged.lean_on(engine, share)
        anchor = getattr(getattr(self.model, "rollout_buffer", None), "anchor", None)
        if anchor is not None:
            anchor.at(share)
            self.logger.record("anchor/weight", anchor.weight)
            self.logger.record("anchor/nats_8_bars", anchor.nats)

    def look(self) -> None:
        """Look at the weights and at the numbers of the latest update."""
        if not all(bool(torch.isfinite(value).all()) for value in self.agent.network.parameters()):
            self.health.not_a_number(self.num_timesteps, "the weights")
            raise _Stop
        numbers = self.logger.name_to_value
        seen = {name.removeprefix("train/"): v for name, v in numbers.items() if name.startswith("train/")}
        if "entropy_loss" in seen:
            seen["entropy"] = -seen["entropy_loss"]
        self.health.updated(self.num_timesteps, seen)

    def _on_step(self) -> bool:
        # The account of an ended piece's last event stands until the next event.
        illegal = self.env.engine.state.account[:, -1] < 0
        self.health.played(self.num_timesteps, self.locals["actions"], illegal)
        for row in np.flatnonzero(self.locals["dones"]):
            info = self.locals["infos"][row]
            self.returns.append(info["episode"]["r"])
            self._lengths.append(info["episode"]["l"])
            self._shares.append(info["rewards"])
        return True

    def _on_rollout_end(self) -> None:
        if self.num_timesteps - self._reported >= self._report_every:
            self.report()

    def report(self) -> None:
        """Log and tell where the training stands."""
        self._reported = self.num_timesteps
        record = self.logger.record
        mean = math.nan
        if self.returns:
            mean = float(np.mean(self.returns))
            record("piece/return", mean)
            record("piece/events", float(np.mean(self._lengths)))
            for name in self.env.engine.names:
                record(f"terms/{name}", float(np.mean([share[name] for share in self._shares])))
        record("health/findings", len(self.health.findings))
        record("health/illegal_share", self.health.illegal_share)
        record("health/commonest_share", self.health.commonest_share)
        self.job.progress(self.num_timesteps, mean, self.best)

    def evaluate(self) -> None:
        """Play pieces of their own seeds, always the same, and keep the weights if they are the best so far.

        They are paid what the terms are worth in the end, whatever a schedule pays at present.
        """
        first = FIRST_EVALUATION_SEED + self.job.seed * EVALUATION_PIECES
        pieces = play(self.agent, self.job.brief, self.job.terms, range(first, first + EVALUATION_PIECES))
        self._evaluated = self.num_timesteps
        mean = float(np.mean([piece.total for piece in pieces]))
        events = sum(len(piece.actions) for piece in pieces)
        self._next_evaluation = self.num_timesteps + max(self.job.steps // EVALUATIONS, EVALUATION_SPACING * events)
        self.logger.record("eval/return", mean)
        if self._mean is not None or not mean <= self.best:
            self.best = mean if math.isnan(self.best) else max(mean, self.best)
            self.best_weights = {name: value.clone() for name, value in self.agent.network.state_dict().items()}
        if self._judged is not None:
            finding = self._judged.look(self.num_timesteps, pieces)
            for name, value in self._judged.latest.items():
                self.logger.record(f"judge/{name}", value)
            if finding is not None:
                self.health.found(finding)
                if self.job.stop_on_hacking:
                    raise _Stop

    def average(self) -> None:
        """Add the weights to their mean, in the second half of a training that keeps one."""
        if self._mean is None or 2 * self.num_timesteps < self.job.steps:
            return
        self._averaged += 1
        for name, value in self.agent.network.state_dict().items():
            kept = self._mean.setdefault(name, torch.zeros_like(value))
            kept += (value - kept) / self._averaged

    def settle(self) -> None:
        """Give the agent the mean of its weights, if one is kept."""
        if self._mean:
            self.agent.network.load_state_dict(self._mean)
            self._evaluated = -1

    def end(self) -> None:
        """Look at what the last update made, unless that has been done."""
        if self._evaluated != self.num_timesteps:
            self.look()
            self.evaluate()

    def close(self) -> None:
        """Write the last row of the log."""
        self.report()
        self.logger.record("time/total_timesteps", self.num_timesteps, exclude="tensorboard")
        self.logger.dump(self.num_timesteps)
        self.logger.close()


def train_model(
    job: TrainingJob,
    model: BaseAlgorithm,
    env: ComposeVecEnv,
    agent: SamplingAgent,
    shape: Shape,
    report_every: int = 0,
    prepare: Callable[[], None] = lambda: None,
    **learn: Any,
) -> TrainingResult:
    """Let a model learn for the job's steps and leave the best weights in the agent's network and in `model/`.

    Ctrl-C ends it in order, and so do weights that are no longer numbers. To be called within `one_thread`.
    `prepare` is called before the first rollout; `learn` goes to the model's `learn`.
    """
    model.set_logger(Logger(str(job.folder), _writers(job.folder)))
    watch = Watch(job, env, agent, report_every)
    interrupted = failed = False
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows makes weights that are no numbers
            try:
                watch.init_callback(model)  # which `learn` does too, but later than a Ctrl-C may come
                prepare()
                model.learn(job.steps, callback=watch, **learn)
                watch.average()
                watch.settle()
                watch.end()
            except KeyboardInterrupt:
                interrupted = True
                watch.end()
    except _Stop:
        failed = True
    finally:
        if watch.best_weights is not None:
            agent.network.load_state_dict(watch.best_weights)
        save_model(job.folder / "model", agent.name, job.brief, agent.network, shape)
        watch.close()
    steps = int(model.num_timesteps)
    return TrainingResult(agent, steps, watch.best, interrupted, failed, tuple(watch.health.findings))


def _writers(folder: Path) -> list[KVWriter]:
    """metrics.csv always; TensorBoard where it is installed."""
    writers: list[KVWriter] = [CSVOutputFormat(str(folder / "metrics.csv"))]
    try:
        from stable_baselines3.common.logger import TensorBoardOutputFormat

        writers.append(TensorBoardOutputFormat(str(folder / "tensorboard")))
    except (ImportError, AssertionError):
        print(f"no TensorBoard log: {missing_extra('tensorboard', 'train')}", file=sys.stderr)
    return writers
