"""Agents of Stable-Baselines3 on the RL Tuner task: by its rules alone, or held to a prior."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO

from rlcompose.agents._rollout import MaskableTimedRolloutBuffer, TimedRolloutBuffer
from rlcompose.rl_tuner.network import MaskableTunerPolicy, TunerPolicy
from rlcompose.rl_tuner.prior import Prior, compose
from rlcompose.rl_tuner.rules import NUM_EVENTS, TERM_NAMES
from rlcompose.rl_tuner.sb3 import RLTunerVecEnv
from rlcompose.theory.meter import TICKS_PER_QUARTER

SIXTEENTH = TICKS_PER_QUARTER // 4


class PaidVecEnv(RLTunerVecEnv):
    """The task, paid by weights of one's own; what a term can bring in a piece and cost in an event is bounded."""

    def __init__(
        self, num_envs: int, convention: str, weights: NDArray[np.float64], most: NDArray[np.float64], floor: float, seed: int
    ) -> None:
        super().__init__(num_envs, convention, observation="int16", seed=seed)
        self._weights, self._most, self._floor = weights, most, floor
        self._brought = np.zeros_like(self.engine.state.account)

    def step_wait(self) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        weights = self._weights[self.engine.state.obs[:, 0]]
        observations, _, dones, infos = super().step_wait()
        shares = self.engine.state.account
        gains = np.minimum(np.maximum(shares, 0.0), self._most - self._brought)
        self._brought += gains
        self._brought[dones] = 0.0
        rewards = (np.maximum(gains + np.minimum(shares, 0.0), self._floor) * weights).sum(axis=1)
        return observations, rewards.astype(np.float32), dones, infos
