"""The RL Tuner task as a Stable-Baselines3 `VecEnv`."""

from __future__ import annotations

import time
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from rlcompose.rl_tuner.core import TunerEngine
from rlcompose.rl_tuner.env import observation_space
from rlcompose.rl_tuner.rules import NUM_TOKENS
from rlcompose.sb3 import ComposeVecEnv


class RLTunerVecEnv(ComposeVecEnv):
    """`num_envs` melodies for SB3; steps, infos and resets are those of `ComposeVecEnv`, over the task's own engine."""

    engine: Any  # a TunerEngine, which has the manners of the Engine

    def __init__(
        self, num_envs: int, convention: str = "corrected", *, observation: str = "float32", seed: int = 0
    ) -> None:
        """Make the environments; `seed` + i is the seed of environment i's first piece."""
        self.render_mode = None  # SB3 asks for it while it is set up
        VecEnv.__init__(self, num_envs, observation_space(observation), gymnasium.spaces.Discrete(NUM_TOKENS))
        self.engine = TunerEngine(num_envs, convention)
        self._is_float = observation == "float32"
        self._first_seed = seed
        self._started = False
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, np.int64)
        self._accounts = np.zeros_like(self.engine.state.account)
        self._nothing: dict[str, Any] = {}
        self._begun = time.monotonic()
