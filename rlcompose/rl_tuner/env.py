"""The RL Tuner task as a Gymnasium `Env`: one melody of 32 sixteenths. A thin shell over its engine."""

from __future__ import annotations

from operator import index
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rlcompose.codec import OBSERVATION_DTYPES
from rlcompose.env import begin_piece
from rlcompose.errors import RlcomposeError, unknown
from rlcompose.rl_tuner.core import OBSERVATION_HIGH, OBSERVATION_LOW, OBSERVATION_SCALE, TunerEngine
from rlcompose.rl_tuner.rules import NUM_TOKENS


class RLTunerEnv(gymnasium.Env[NDArray[Any], np.int64]):
    """Compose a melody of 32 sixteenths in C major, one token at a time, paid by RL Tuner's nine rules.

    ## Description
    The benchmark of Jaques et al. 2017 (arXiv 1611.02796, Magenta's RL Tuner), its music-theory reward without the
    reward of a trained network. An event is a sixteenth: a new note, nothing (the note before goes on), or its end.

    ## Action space
    `Discrete(38)`: 0 no event, 1 note-off, 2 to 37 the pitches C3 to B5. `action_masks()` allows all of them always.
    With `convention="compat"` the rules read 0 as note-off and 1 as no event, as the published code does.

    ## Observation space
    `Box(34,)`: the position (0 to 32) and 33 tokens, newest first; -1 where there is none yet. The oldest token is the
    prime, drawn at the reset and no part of the melody. So the first token is what the published policy was given at
    this step, and all of them are what its recurrent state could remember. int16, or float32: the position divided by
    32, tokens by 37. `rlcompose.rl_tuner.core.LAYOUT_ID` names the layout.

    ## Rewards
    The sum of nine terms; `info["rewards"]` maps each name of `rlcompose.rl_tuner.TERM_NAMES` to its share.

    ## Starting state
    An empty melody and a prime, drawn uniformly from the tokens (0 to 36 in "compat") by the seed, which stands in
    `info["seed"]`. Without a seed each reset takes the successor of the last piece's seed.

    ## Episode end
    `terminated` after 32 events. Nothing is truncated.

    ## Arguments
    - `convention`: "corrected", or "compat" for the published code's behaviour, its quirks included.
    - `observation`: "float32" or "int16".

    ## Vectorized environment
    `gymnasium.make_vec("rlcompose/RLTuner-v0", num_envs=1024)` steps all pieces in one compiled call.

    ## Version history
    - v0: first version.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(
        self, convention: str = "corrected", *, observation: str = "float32", render_mode: str | None = None
    ) -> None:
        """Make the environment; see the class for the arguments."""
        refuse_render_mode(render_mode)
        self.render_mode = None
        self.action_space: Any = gymnasium.spaces.Discrete(NUM_TOKENS)
        self.observation_space: Any = observation_space(observation)
        self._engine = TunerEngine(1, convention)
        self._is_float = observation == "float32"
        self._started = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Begin a new piece; `info` tells its seed. There are no options."""
        super().reset(seed=seed)
        for name in options or ():
            raise unknown("option", name, ())
        begin_piece(self._engine, seed, self._started, self.np_random)
        self._started = True
        return self._observation(), {"seed": int(self._engine.state.seeds[0])}

    def step(self, action: Any) -> tuple[NDArray[Any], float, bool, bool, dict[str, Any]]:
        """Play one token; `info["rewards"]` holds each term's share."""
        state = self._engine.state
        if not self._started or state.done[0]:
            raise RlcomposeError("the piece has ended (or has not begun): call reset() first")
        state.actions[0] = _checked_token(action)
        self._engine.step()
        info = {"rewards": dict(zip(self._engine.names, state.account[0].tolist(), strict=True))}
        return self._observation(), state.reward.item(), state.done.item(), False, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which tokens are legal now: all, bool (38,)."""
        mask: NDArray[np.bool_] = self._engine.state.mask[0].copy()
        return mask

    @property
    def tokens(self) -> tuple[int, ...]:
        """The melody so far, oldest event first, without the prime."""
        row = self._engine.state.obs[0]
        return tuple(row[1 : 1 + row[0]][::-1].tolist())

    def _observation(self) -> NDArray[Any]:
        row: NDArray[Any] = self._engine.state.obs[0]
        return row * OBSERVATION_SCALE if self._is_float else row.copy()


def observation_space(dtype: str) -> gymnasium.spaces.Box:
    """The observation as a Box of int16, or of float32: each integer divided by the highest of its column."""
    if dtype not in OBSERVATION_DTYPES:
        raise unknown("observation dtype", dtype, OBSERVATION_DTYPES)
    if dtype == "int16":
        return gymnasium.spaces.Box(OBSERVATION_LOW, OBSERVATION_HIGH, dtype=np.int16)
    return gymnasium.spaces.Box(
        OBSERVATION_LOW * OBSERVATION_SCALE, OBSERVATION_HIGH * OBSERVATION_SCALE, dtype=np.float32
    )


def refuse_render_mode(mode: str | None) -> None:
    """There is nothing to show: an error for any render mode."""
    if mode is not None:
        raise unknown("render mode", mode, ())


def _checked_token(action: Any) -> int:
    try:
        token = index(action)  # int(2.7) would silently play 2
    except TypeError:
        raise RlcomposeError(f"action {action!r} is not a whole number: allowed are 0 to {NUM_TOKENS - 1}") from None
    if not 0 <= token < NUM_TOKENS:
        raise RlcomposeError(f"action {token} does not exist: allowed are 0 to {NUM_TOKENS - 1}")
    return token
