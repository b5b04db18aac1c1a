"""The floor: legal actions, each as likely as the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rlcompose.agent import AgentKind, pick, register_agent

if TYPE_CHECKING:
    from rlcompose.engine.core import Engine


class RandomAgent:
    """Plays any legal action with equal probability."""

    name = "random"

    def act(self, engine: Engine, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """A legal action for each row."""
        return pick(engine.state.mask.astype(np.float64), uniforms)


register_agent(AgentKind("random", "any legal action, equally likely", make=RandomAgent))
