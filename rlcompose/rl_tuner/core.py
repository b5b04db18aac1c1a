"""Many pieces of the RL Tuner task advanced at once by compiled code; no Gymnasium inside."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.rl_tuner.rules import NUM_EVENTS, NUM_TOKENS, TERM_NAMES, Rules, rules_of

LAYOUT_ID = "rl_tuner-1"  # position and 33 tokens: models are trained on it, a change gives it another number
OBSERVATION_SIZE = 1 + NUM_EVENTS + 1  # position, the piece, and the prime before it
NO_TOKEN = -1
OBSERVATION_LOW = np.full(OBSERVATION_SIZE, NO_TOKEN, np.int16)
OBSERVATION_HIGH = np.full(OBSERVATION_SIZE, NUM_TOKENS - 1, np.int16)
OBSERVATION_LOW[0], OBSERVATION_HIGH[0] = 0, NUM_EVENTS
OBSERVATION_SCALE = (1.0 / OBSERVATION_HIGH).astype(np.float32)  # float view = integers times this


@cache
def kernel() -> Any:
    """The compiled step, loaded from the cache or compiled now (some seconds, once for each version)."""
    from rlcompose.engine.cache import import_cached

    text = resources.files("rlcompose.rl_tuner").joinpath("kernel.py").read_text(encoding="utf-8")
    return import_cached("rl_tuner", text, "compiling RL Tuner's rules: some seconds, once")


class TunerEngine:
    """`num_envs` pieces advanced together; shape and manners are those of `rlcompose.engine.core.Engine`.

    The arrays in `state` are live: copy what is to be kept.

    obs         int16 (envs, 34)       position, then the tokens newest first, the prime last; -1 where none is yet
    mask        bool (envs, 38)        all True: every token may follow every other
    now         int64 (envs, 5)        last pitch, memory of leaps, sum of the tokens
    account     float64 (envs, 9)      each term's share of the reward, in the order of `TERM_NAMES`
    seeds       uint64 (envs,)         the seed of each piece; the next piece's seed is a function of it
    """

    num_actions = NUM_TOKENS
    names = TERM_NAMES

    def __init__(self, num_envs: int = 1, convention: str = "corrected", next_step_reset: bool = False) -> None:
        """Make the arrays; the first step wants a reset."""
        self.num_envs = num_envs
        self.rules: Rules = rules_of(convention)
        self.next_step_reset = next_step_reset
        self.state = SimpleNamespace(
            obs=np.zeros((num_envs, OBSERVATION_SIZE), np.int16),
            mask=np.ones((num_envs, NUM_TOKENS), np.bool_),
            now=np.zeros((num_envs, 5), np.int64),
            actions=np.zeros(num_envs, np.int64),
            reward=np.zeros(num_envs, np.float64),
            account=np.zeros((num_envs, len(TERM_NAMES)), np.float64),
            done=np.zeros(num_envs, np.bool_),
            seeds=np.zeros(num_envs, np.uint64),
        )

    def reset(self, seeds: NDArray[np.uint64] | Sequence[int], rows: Sequence[int] | None = None) -> None:
        """Begin new pieces in these rows (all by default), one seed (0 to 2**63 - 1) each."""
        at = np.arange(self.num_envs, dtype=np.int64) if rows is None else np.asarray(rows, np.int64)
        self.state.seeds[at] = np.asarray(seeds, np.uint64)
        self._begin(at)

    def reset_to_next(self, rows: NDArray[np.int64]) -> None:
        """Begin the next piece in these rows; its seed is a function of the seed before."""
        kernel().reseed_rows(rows, self.state.seeds)
        self._begin(rows)

    def step(self, actions: NDArray[np.int64] | None = None) -> None:
        """Play one event in each row; results stand in `state`. Without `actions` those in `state.actions` are played.

        A row whose piece has ended stands still or, with `next_step_reset`, begins its next piece.
        """
        state, rules = self.state, self.rules
        if actions is not None:
            state.actions[:] = actions
        kernel().step_rows(
            *(state.actions, state.obs, state.now, state.account, state.reward, state.done, state.seeds),
            *(rules.off, rules.hold, rules.num_primes, rules.is_tonic, rules.off_key, rules.intervals),
            self.next_step_reset,
        )

    def float_view(self, out: NDArray[np.float32]) -> NDArray[np.float32]:
        """Write the observation as float32 (envs, 34): the position divided by 32, each token by 37."""
        np.multiply(self.state.obs, OBSERVATION_SCALE, out=out)
        return out

    def describe(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Of each piece so far: autocorrelation at lags 1, 2, 3 (nan where undefined); are its extremes unique.

        float64 (envs, 3), and bool (envs, 2) for the highest token and the lowest pitch.
        """
        coefficients, uniques = np.empty((self.num_envs, 3)), np.empty((self.num_envs, 2), np.bool_)
        kernel().describe_rows(self.state.obs, self.state.now, coefficients, uniques)
        return coefficients, uniques

    def _begin(self, rows: NDArray[np.int64]) -> None:
        state = self.state
        state.done[rows] = False
        kernel().reset_rows(rows, state.obs, state.now, state.seeds, self.rules.num_primes)


def pending_leaps(observations: NDArray[np.int16]) -> NDArray[np.int64]:
    """What the rule of leaps remembers at these observations (rows, 34), int64 (rows, 2).

    The direction of the leap that waits to be resolved, -1, 0 or 1, and the token that it left, -1 where none waits.
    """
    pending = np.empty((len(observations), 2), np.int64)
    kernel().pending_rows(np.ascontiguousarray(observations, np.int16), pending)
    return pending
