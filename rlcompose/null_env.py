"""An environment that does nothing, for Stable-Baselines3: what learning costs where stepping is free."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv


class NullVecEnv(VecEnv):
    """`num_envs` pieces of which nothing is computed: observations and rewards are always 0, and no piece ends.

    Its spaces are another environment's, so that the same algorithm builds the same network over it.
    """

    def __init__(self, num_envs: int, observation_space: Any, action_space: Any) -> None:
        """Make the environments over these spaces."""
        self.render_mode = None
        super().__init__(num_envs, observation_space, action_space)
        self._seen = np.zeros((num_envs, *observation_space.shape), observation_space.dtype)
        self._rewards = np.zeros(num_envs, np.float32)
        self._dones = np.zeros(num_envs, np.bool_)
        self._infos: list[dict[str, Any]] = [{}] * num_envs

    def reset(self) -> NDArray[Any]:
        """Nothing changes."""
        return self._seen

    def step_async(self, actions: NDArray[Any]) -> None:
        """The actions are not looked at."""

    def step_wait(self) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """The same as before."""
        return self._seen, self._rewards, self._dones, self._infos

    def close(self) -> None:
        """Nothing is held open."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of this adapter, once for each environment."""
        return [getattr(self, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Nothing is kept."""

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """There is nothing to call."""
        raise AttributeError(f"a null environment has no method {method_name!r}")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """False for each environment."""
        return [False for _ in self._get_indices(indices)]

    def _get_indices(self, indices: Any) -> Iterable[int]:
        return super()._get_indices(indices)
