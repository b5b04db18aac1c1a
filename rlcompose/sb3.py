"""The engine as a Stable-Baselines3 `VecEnv`: no Python loop over environments, only over pieces that end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from rlcompose.brief import Brief
from rlcompose.codec import action_space, observation_space
from rlcompose.engine.core import Engine
from rlcompose.errors import RlcomposeError
from rlcompose.reward import WeightedTerm


class ComposeVecEnv(VecEnv):
    """`num_envs` pieces of a brief for SB3; observations are the int16 truth unless float32 is asked for.

    When a piece ends, its info holds `episode` (return `r`, length `l`, seconds `t`), `rewards` (each term's share of
    the return) and `terminal_observation`; the next piece begins in the same step. Other infos are one empty dict.
    """

    def __init__(
        self,
        brief: Brief,
        terms: Sequence[WeightedTerm],
        num_envs: int,
        *,
        observation: str = "int16",
        seed: int = 0,
        lengths: Sequence[int] = (),
    ) -> None:
        """Make the environments; `seed` + i is the seed of environment i's first piece.

        With `lengths`, in bars, each piece has one of these by lot, and not the brief's.
        """
        engine = Engine(brief, terms, num_envs, lengths=lengths)
        self._set_up(engine, observation_space(observation), action_space(brief.style), seed)

    def _set_up(self, engine: Any, observation_space: Any, action_space: Any, seed: int) -> None:
        """Over any engine: its spaces, and the accounts of the pieces under way."""
        num_envs = engine.num_envs
        self.render_mode = None  # SB3 asks for it while it is set up
        super().__init__(num_envs, observation_space, action_space)
        self.engine: Engine = engine
        self._is_float = observation_space.dtype == np.float32
        self._first_seed = seed
        self._started = False
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, np.int64)
        self._accounts = np.zeros_like(self.engine.state.account)
        self._nothing: dict[str, Any] = {}
        self._begun = time.monotonic()

    def reset(self) -> NDArray[Any]:
        """Begin new pieces everywhere."""
        if self._started and self._seeds[0] is None:
            self.engine.reset_to_next(np.arange(self.num_envs, dtype=np.int64))
        else:
            given = [s if s is not None else self._first_seed + i for i, s in enumerate(self._seeds)]
            self.engine.reset(np.array(given, np.uint64))
        self._started = True
        self._reset_seeds()
        self._reset_options()
        self._returns[:] = 0.0
        self._lengths[:] = 0
        self._accounts[:] = 0.0
        return self._observation()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the actions of the coming step."""
        taken = self.engine.state.actions
        taken[:] = actions
        if taken.min() < 0 or taken.max() >= self.engine.num_actions:
            raise RlcomposeError(f"actions {actions} are out of range: allowed are 0 to {self.engine.num_actions - 1}")

    def step_wait(self) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Play them: observations, rewards (float32), dones, infos."""
        engine, state = self.engine, self.engine.state
        engine.step()
        self._returns += state.reward
        self._lengths += 1
        self._accounts += state.account
        rewards, dones = state.reward.astype(np.float32), state.done.copy()
        infos = [self._nothing] * self.num_envs
        if dones.any():
            ended = np.flatnonzero(dones)
            last = self._observation()
            elapsed = round(time.monotonic() - self._begun, 3)
            for row in ended:
                episode = {"r": float(self._returns[row]), "l": int(self._lengths[row]), "t": elapsed}
                shares = dict(zip(engine.names, self._accounts[row].tolist(), strict=True))
                infos[row] = {"episode": episode, "rewards": shares, "terminal_observation": last[row]}
            self._returns[ended] = 0.0
            self._lengths[ended] = 0
            self._accounts[ended] = 0.0
            engine.reset_to_next(ended)
        return self._observation(), rewards, dones, infos

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, bool (num_envs, actions)."""
        return self.engine.state.mask.copy()

    def close(self) -> None:
        """Nothing is held open."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of this adapter, once for each environment."""
        return [getattr(self, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refused: the environments share one engine."""
        raise RlcomposeError(f"{attr_name} cannot be set in single environments: they share one engine")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """`action_masks` for each environment, which is what maskable agents ask for."""
        if method_name != "action_masks":
            raise RlcomposeError(f"environments of one engine have no method {method_name!r}: allowed is action_masks")
        masks = self.action_masks()
        return [masks[i] for i in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """False for each environment: there is no wrapper between."""
        return [False for _ in self._get_indices(indices)]

    def _get_indices(self, indices: Any) -> Iterable[int]:
        return super()._get_indices(indices)

    def _observation(self) -> NDArray[Any]:
        if self._is_float:
            return self.engine.float_view(np.empty(self.engine.state.obs.shape, np.float32))
        return self.engine.state.obs.copy()
