"""No learning: the action with the best immediate reward, ties drawn by lot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rlcompose.agent import AgentKind, pick, register_agent

if TYPE_CHECKING:
    from rlcompose.engine.core import Engine

TIE = 1e-9  # rewards closer than this are equal


class GreedyAgent:
    """Plays what is paid best at once, blind to what comes after."""

    name = "greedy"

    def act(self, engine: Engine, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """One of the best-paid legal actions for each row."""
        rewards = engine.try_actions()
        best = rewards >= rewards.max(axis=1, keepdims=True) - TIE
        return pick(best.astype(np.float64), uniforms)


register_agent(AgentKind("greedy", "the best immediate reward, without learning", make=GreedyAgent))
