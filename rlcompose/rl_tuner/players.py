"""Players of the RL Tuner task that learn nothing from its rules: the floors and ceilings that agents stand beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.rl_tuner.core import TunerEngine
from rlcompose.rl_tuner.rules import NUM_EVENTS, NUM_TOKENS, rules_of

if TYPE_CHECKING:
    from rlcompose.rl_tuner.prior import Prior

Melodies = NDArray[np.int64]
Choice = Callable[[NDArray[np.float64], TunerEngine], NDArray[np.int64]]
_PIECES_AT_ONCE = 1000  # each stands in 38 rows


def uniform(number: int, seed: int) -> Melodies:
    """Tokens drawn uniformly, int64 (number, 32)."""
    return np.random.default_rng(seed).integers(0, NUM_TOKENS, (number, NUM_EVENTS))


def in_key(number: int, seed: int, convention: str = "corrected") -> Melodies:
    """The same among the tokens that the key term does not punish."""
    allowed = np.flatnonzero(rules_of(convention).off_key == 0.0)
    return np.random.default_rng(seed).choice(allowed, (number, NUM_EVENTS))


def greedy(number: int, convention: str = "corrected", seed: int | None = None) -> Melodies:
    """The tokens of the best immediate reward; of equal ones the lowest, or with a seed one drawn from it."""
    rng = np.random.default_rng(0 if seed is None else seed)
    some = []
    for first in range(0, number, _PIECES_AT_ONCE):
        count = min(_PIECES_AT_ONCE, number - first)

        def choose(rewards: NDArray[np.float64], engine: TunerEngine) -> NDArray[np.int64]:
            order = np.zeros(rewards.shape) if seed is None else rng.random(rewards.shape)
            is_best = rewards == rewards.max(axis=1, keepdims=True)
            best: NDArray[np.int64] = np.where(is_best, order, -1.0).argmax(axis=1)
            return best

        some.append(_looking_ahead(count, convention, np.zeros(count, np.uint64), choose))
    return np.concatenate(some)


def tilted(prior: Prior, number: int, seed: int, convention: str = "corrected", strength: float = 1.0) -> Melodies:
    """Tokens drawn from the prior's probability times exp(strength x the token's immediate reward): no learning.

    What this reaches is what looking one event ahead reaches; what an agent adds is foresight.
    """
    rng = np.random.default_rng(seed)
    some = []
    for first in range(0, number, _PIECES_AT_ONCE):
        count = min(_PIECES_AT_ONCE, number - first)

        def choose(rewards: NDArray[np.float64], engine: TunerEngine) -> NDArray[np.int64]:
            logs = prior.log_probs(engine.state.obs[::NUM_TOKENS]) + strength * rewards
            drawn: NDArray[np.int64] = (logs + rng.gumbel(size=logs.shape)).argmax(axis=1)
            return drawn

        seeds = rng.integers(0, 2**53, count).astype(np.uint64)
        some.append(_looking_ahead(count, convention, seeds, choose))
    return np.concatenate(some)


def beam(width: int, convention: str = "corrected") -> Melodies:
    """The best-paid melodies that beam search finds, the best one first, int64 (width, 32).

    Deterministic: of equal totals the earlier hypothesis and the lower token come first.
    """
    if width < 1:
        raise RlcomposeError(f"width {width} is no number of hypotheses: allowed are 1 and more")
    engine = TunerEngine(width * NUM_TOKENS, convention)
    engine.reset(np.zeros(width * NUM_TOKENS, np.uint64))
    totals = np.full(width, -np.inf)
    totals[0] = 0.0  # all hypotheses are one at first
    melodies = np.zeros((width, 0), np.int64)
    for _ in range(NUM_EVENTS):
        sums = (totals[:, None] + _tried(engine)).ravel()
        kept = np.argsort(-sums, kind="stable")[:width]
        totals, parents, tokens = sums[kept], kept // NUM_TOKENS, kept % NUM_TOKENS
        melodies = np.concatenate([melodies[parents], tokens[:, None]], axis=1)
        rows = np.repeat(parents * NUM_TOKENS, NUM_TOKENS)
        for array in (engine.state.obs, engine.state.now):
            array[:] = array[rows]
        engine.step(np.repeat(tokens, NUM_TOKENS))
    return melodies


def _looking_ahead(number: int, convention: str, seeds: NDArray[np.uint64], choose: Choice) -> Melodies:
    """Melodies token by token; `choose(rewards, engine)` gives a token for each row of rewards (number, 38)."""
    engine = TunerEngine(number * NUM_TOKENS, convention)
    engine.reset(np.repeat(seeds, NUM_TOKENS))
    melodies = np.empty((number, NUM_EVENTS), np.int64)
    for place in range(NUM_EVENTS):
        melodies[:, place] = choose(_tried(engine), engine)
        engine.step(np.repeat(melodies[:, place], NUM_TOKENS))
    return melodies


def _tried(engine: TunerEngine) -> NDArray[np.float64]:
    """The reward of every token, float64 (melodies, 38). A melody has 38 rows of the engine; they stay as they are."""
    state = engine.state
    before = state.obs.copy(), state.now.copy()
    engine.step(np.arange(engine.num_envs) % NUM_TOKENS)
    for array, old in zip((state.obs, state.now), before, strict=True):
        array[:] = old
    state.done[:] = False
    rewards: NDArray[np.float64] = state.reward.reshape(-1, NUM_TOKENS).copy()
    return rewards
