"""Many RL Tuner pieces in one compiled call, as a Gymnasium `VectorEnv`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError, unknown
from rlcompose.rl_tuner.core import TunerEngine
from rlcompose.rl_tuner.env import observation_space, refuse_render_mode
from rlcompose.rl_tuner.rules import NUM_TOKENS
from rlcompose.vector import ComposeVectorEnv, checked_reset_mask


class RLTunerVectorEnv(ComposeVectorEnv):
    """`num_envs` melodies stepped together; tokens, observation and reward are those of `RLTunerEnv`.

    Arguments beside those of `RLTunerEnv` are `num_envs`, `autoreset_mode`, `account` and `copy`, all as in
    `ComposeVectorEnv`, whose handling of seeds, actions and observations this is. In a step that begins new pieces
    `info["seed"]` tells their seeds.
    """

    metadata: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}
    engine: Any  # a TunerEngine, which has the manners of the Engine

    def __init__(
        self,
        num_envs: int = 1,
        convention: str = "corrected",
        *,
        observation: str = "float32",
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        account: bool = True,
        copy: bool = True,
    ) -> None:
        """Make the environments; see the class for the arguments."""
        self._set_up(num_envs, autoreset_mode, observation, account, copy)
        refuse_render_mode(render_mode)
        self.render_mode = None
        self._share_out(gymnasium.spaces.Discrete(NUM_TOKENS), observation_space(observation))
        self.engine = TunerEngine(num_envs, convention, next_step_reset=self._is_next_step)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Begin new pieces in all environments, or in those of the bool array `options["reset_mask"]`."""
        for name in options or ():
            if name != "reset_mask":
                raise unknown("option", name, ("reset_mask",))
        mask = (options or {}).get("reset_mask")
        begins = np.ones(self.num_envs, np.bool_) if mask is None else checked_reset_mask(mask, self.num_envs)
        if mask is not None and not self._started:
            raise RlcomposeError("the pieces have not begun: the first reset() begins all, leave reset_mask out")
        rows = np.flatnonzero(begins)
        if seed is None and self._started:
            self.engine.reset_to_next(rows)
        else:
            self.engine.reset(self._seeds(seed)[rows], rows.tolist())
        self._started = True
        return self._observation(), self._seeds_told(begins)

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Play one token in each piece: observations, rewards (float64), terminated, truncated (never), infos."""
        if not self._started:
            raise RlcomposeError("the pieces have not begun: call reset() first")
        state, engine = self.engine.state, self.engine
        self._take(actions)
        is_same_step = self.autoreset_mode == AutoresetMode.SAME_STEP
        begins = state.done.copy()  # in NEXT_STEP the pieces that have ended begin anew
        engine.step()
        rewards, terminated = state.reward.copy(), state.done.copy()
        infos: dict[str, Any] = {}
        if self._account:
            shares = dict(zip(engine.names, state.account.T.copy(), strict=True))
            infos |= {"rewards": shares, "_rewards": np.ones(self.num_envs, np.bool_)}
        if is_same_step and terminated.any():
            infos |= self._last(terminated, infos)
            engine.reset_to_next(np.flatnonzero(terminated))
            begins = terminated
        if begins.any():
            infos |= self._seeds_told(begins)
        return self._observation(), rewards, terminated, np.zeros(self.num_envs, np.bool_), infos

    def render(self) -> None:
        """Nothing: there is no render mode."""

    def _seeds_told(self, begins: NDArray[np.bool_]) -> dict[str, Any]:
        return {"seed": np.where(begins, self.engine.state.seeds.astype(np.int64), 0), "_seed": begins.copy()}

    def _last(self, terminated: NDArray[np.bool_], infos: dict[str, Any]) -> dict[str, Any]:
        """What Gymnasium's vector environments tell of pieces that end when the next one begins in the same step."""
        shown = self._observation()
        final_obs = np.full(self.num_envs, None, dtype=object)
        for row in np.flatnonzero(terminated):
            final_obs[row] = shown[row].copy()
        final_info: dict[str, Any] = {}
        if "rewards" in infos:
            shares = {term: np.where(terminated, values, 0.0) for term, values in infos["rewards"].items()}
            final_info = {"rewards": shares, "_rewards": terminated.copy()}
        return {
            "final_obs": final_obs,
            "_final_obs": terminated.copy(),
            "final_info": final_info,
            "_final_info": terminated.copy(),
        }
