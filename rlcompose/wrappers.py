"""Other views of the environment, as Gymnasium wrappers."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from rlcompose.engine.layout import NUM_SLOTS


class MultiDiscreteActions(gymnasium.ActionWrapper[Any, Any, Any]):
    """Actions as the pair (slot, duration): slot 0 is the rest, slot k the pitch k - 13 above the tonic."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        """Wrap an environment with one `Discrete` of slots times durations."""
        super().__init__(env)
        space = env.action_space
        assert isinstance(space, gymnasium.spaces.Discrete)
        self._num_durations = int(space.n) // NUM_SLOTS
        self.action_space = gymnasium.spaces.MultiDiscrete([NUM_SLOTS, self._num_durations])

    def action(self, action: Any) -> int:
        """The action number of a pair."""
        slot, duration = np.asarray(action).tolist()
        return int(slot) * self._num_durations + int(duration)
