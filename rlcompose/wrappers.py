"""Other views of the environment, as Gymnasium wrappers."""

from __future__ import annotations

from typing import Any

import gymnasium

from rlcompose.engine.layout import NUM_SLOTS
from rlcompose.errors import RlcomposeError


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
        if not self.action_space.contains(action):
            allowed = f"a slot from 0 to {NUM_SLOTS - 1} and a duration from 0 to {self._num_durations - 1}"
            raise RlcomposeError(f"action {action!r} does not exist: allowed are {allowed}")
        slot, duration = action
        return int(slot) * self._num_durations + int(duration)
