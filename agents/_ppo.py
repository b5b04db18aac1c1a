"""PPO and MaskablePPO on the batched environment, with a network that reads the observation as music."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO

from rlcompose.agent import Agent, TrainingJob, TrainingResult
from rlcompose.brief import Brief
from rlcompose.codec import action_space, observation_space
from rlcompose.preset import Preset, with_settings
from rlcompose.sampling import SamplingAgent, one_thread

from ._policy import MaskableMusicPolicy, MusicPolicy
from ._prior_policy import MaskablePriorPolicy, PriorPolicy
from ._refine import GROUP, can_refine, refine
from ._rollout import MaskableTimedRolloutBuffer, TimedRolloutBuffer
from ._training import (
    Shape,
    begins_with,
    device_of,
    durations,
    learning_from_many,
    lengths_to_learn,
    make_env,
    read_model,
    shape_of,
    train_model,
)


class _WarmedUp:
    """PPO whose critic learns alone from the first rollouts, so that the policy is not moved by values of no sense."""

    warm_up = 0  # rollouts
    policy: Any
    rollout_buffer: Any

    def train(self) -> None:
        """The updates of a rollout."""
        alone = self.warm_up > 0
        if alone:
            self.warm_up -= 1
            self.policy.learns_only_values(True)
        super().train()  # type: ignore[misc]  # of the algorithm beside this class
        if alone:
            self.policy.learns_only_values(False)
        elif self.rollout_buffer.anchor is not None:
            self.rollout_buffer.anchor.steer()


class WarmedUpPPO(_WarmedUp, PPO):
    """PPO from a prior."""


class WarmedUpMaskablePPO(_WarmedUp, MaskablePPO):
    """MaskablePPO from a prior."""


# By the agent's name: the algorithm, its policy, and the buffer that discounts by musical time.
ALGORITHMS: Mapping[str, tuple[Any, Any, Any]] = {
    "ppo": (PPO, MusicPolicy, TimedRolloutBuffer),
    "maskable_ppo": (MaskablePPO, MaskableMusicPolicy, MaskableTimedRolloutBuffer),
}
FROM_PRIORS: Mapping[str, tuple[Any, Any, Any]] = {
    "ppo": (WarmedUpPPO, PriorPolicy, TimedRolloutBuffer),
    "maskable_ppo": (WarmedUpMaskablePPO, MaskablePriorPolicy, MaskableTimedRolloutBuffer),
}

# In the place of the preset where an agent begins as a prior. It plays music already, so that what is left to learn is
# far from the event that it is paid for, and the entropy is the music's.
FROM_PRIOR: Mapping[str, int | float] = {
    "gamma": 1.0,
    "gae_lambda": 0.95,
    "num_envs": 128,
    "n_steps": 128,
    "batch_size": 1024,
    "n_epochs": 3,
    "ent_coef": 0.0,
    "max_grad_norm": 1.0,
    "anchor_kl": 0.8,
    "refine": 300,
}

# In the place of the preset where an agent goes on with what it has learned. A reward of one's own often pays at once,
# and what is lost by it shows bars later, in the bands; rollouts of fewer pieces and more events let every update see
# that. Jazz that is paid 0.5 for high notes gives up 10 to 17 % of its other terms' return with these, and 38 to 52 %
# with the preset's, both held by the anchor. From scratch so far a sight is too noisy: a million events came to a
# return of -90, not of -35.
GOING_ON: Mapping[str, int | float] = {"gamma": 0.995, "gae_lambda": 0.97, "n_steps": 256, "num_envs": 64}
# The same where what goes on began as a prior; its anchor is counted in the spread of the returns. With m.pitch / 12
# paid 0.5 for each note (150,000 events) by an agent of jazz, 0.15 raised the pitch by 8.5 semitones, 0.35 by 6.0 and
# 0.5 by 4.9; 16, 9 and 6 % more of the windows were told from real ones. The agent that came after it went 3.6 by 0.5.
# What a note earns in the mean is left out: how densely to play is known already, and else an agent plays twice the
# notes before it plays higher ones.
GOING_ON_FROM_PRIOR: Mapping[str, int | float] = {"anchor": 0.4, "anchor_kl": 0.0, "level_notes": 1}
# An accelerator wants large batches: as many events in a rollout's step as pieces are played side by side.
ON_ACCELERATOR: Mapping[str, int | float] = {"num_envs": 1024, "n_steps": 64, "batch_size": 8192}
FEWEST_ENVS = 16


def _policy_settings(brief: Brief, hidden: int) -> dict[str, Any]:
    """What a policy must know of its style, and its width."""
    return {"durations": durations(brief), "pulse": brief.style.pulse, "hidden": hidden}


def train(name: str, preset: Preset, job: TrainingJob) -> TrainingResult:
    """Train from scratch, as the prior, or from the job's start; Ctrl-C ends in order with the best weights so far."""
    saved, adapted = begins_with(job, name, with_settings(preset, job.settings)["rank"])
    algorithm, policy, buffer = (ALGORITHMS if adapted is None else FROM_PRIORS)[name]
    if adapted is not None:
        job = learning_from_many(job)
    usual: dict[str, int | float] = {} if adapted is None else dict(FROM_PRIOR)
    if saved is not None:
        usual |= _going_on(preset, job.steps) if adapted is None else GOING_ON_FROM_PRIOR
    if job.device != "cpu":
        usual |= ON_ACCELERATOR
    settings = with_settings(preset, usual | job.settings)
    del settings["rank"]
    names = ("hidden", "num_envs", "learning_rate", "anchor", "anchor_kl", "anchor_fall", "warm_up", "refine")
    hidden, num_envs, rate, anchor, target, fall, warm_up, refined = (settings.pop(key) for key in names)
    levels_notes = bool(settings.pop("level_notes"))
    # A short budget gets short rollouts, so that it still learns from several.
    while num_envs > FEWEST_ENVS and num_envs * settings["n_steps"] * 4 > job.steps:
        num_envs //= 2
    settings["batch_size"] = _equal_batches(num_envs * settings["n_steps"], settings["batch_size"])
    with one_thread(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You have specified a mini-batch size")  # of which the last is smaller
        lengths = () if adapted is None else lengths_to_learn(job.brief)
        env = make_env(job, num_envs, lengths)
        model = algorithm(
            policy,
            env,
            learning_rate=lambda left: rate * max(left, 0.05),
            seed=job.seed,
            policy_kwargs=_policy_settings(job.brief, hidden) if adapted is None else {"adapted": adapted},
            rollout_buffer_class=buffer,
            rollout_buffer_kwargs={"durations": durations(job.brief)},
            device=device_of(job, adapted is not None),
            **settings,
        )
        if saved is not None:
            saved.put_into(model.policy)
        is_new_change = adapted is not None and saved is None

        def prepare() -> None:
            """What comes before the first rollout, and may be interrupted."""
            if is_new_change and refined and can_refine(job.brief, lengths):
                told = f"first it learns from the {refined:,} most natural of {GROUP * refined:,} pieces of its own"
                print(told, file=sys.stderr, flush=True)
                refine(model.policy, job.brief, lengths, refined, job.seed)
            if is_new_change or (saved is not None and job.is_paid_anew):
                is_relative = adapted is not None and saved is not None
                model.rollout_buffer.hold_to(model.policy, anchor, target, fall, is_relative)

        shape: Shape = {"hidden": hidden}
        if adapted is not None:
            model.rollout_buffer.keep_features(model.policy.features_extractor, levels_notes)
            model.rollout_buffer.reset()
            model.warm_up = warm_up
            shape = shape_of(adapted)
        return train_model(job, model, env, _agent(name, model.policy), shape, prepare=prepare)


def _going_on(preset: Preset, steps: int) -> dict[str, int | float]:
    """`GOING_ON` for a budget; a short one gets no longer rollouts than the preset's, so that it has several."""
    settings = dict(GOING_ON)
    while settings["n_steps"] > preset["n_steps"].value and FEWEST_ENVS * settings["n_steps"] * 4 > steps:
        settings["n_steps"] = int(settings["n_steps"]) // 2
    return settings


def _equal_batches(rollout: int, largest: int) -> int:
    """The size of a rollout's batches, as equal as can be; none of a single event, whose advantage has no scale."""
    size = math.ceil(rollout / math.ceil(rollout / largest))
    while rollout % size == 1 and size > 2:
        size -= 1
    return size


def load(name: str, folder: Path, brief: Brief) -> Agent:
    """The agent in a model folder; a model made for other spaces is refused by name."""
    saved = read_model(folder, name, brief)
    space = observation_space("int16")
    if saved.adapted is None:
        settings, policies = _policy_settings(brief, int(saved.config["hidden"])), ALGORITHMS
    else:
        settings, policies = {"adapted": saved.adapted}, FROM_PRIORS
    policy = policies[name][1](space, action_space(brief.style), lambda _: 0.0, **settings)
    saved.put_into(policy)
    return _agent(name, policy)


def _agent(name: str, policy: Any) -> SamplingAgent:
    policy.set_training_mode(False)
    return SamplingAgent(name, policy, policy.action_logits)
