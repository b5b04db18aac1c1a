"""The RL Tuner task as a Stable-Baselines3 `VecEnv`."""

from __future__ import annotations

from typing import Any

import gymnasium

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
        engine = TunerEngine(num_envs, convention)
        self._set_up(engine, observation_space(observation), gymnasium.spaces.Discrete(NUM_TOKENS), seed)
