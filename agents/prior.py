"""No reward: the style's prior, a network that has learned from real music what comes next, as it learned it.

Which style's is decided by the piece that it plays; torch is loaded when it plays its first event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rlcompose.agent import AgentKind, register_agent
from rlcompose.errors import missing_extra

if TYPE_CHECKING:
    from rlcompose.engine.core import Engine
    from rlcompose.prior.players import PriorAgent
    from rlcompose.style import Style


class StylePrior:
    """The shipped prior of whatever style it is asked to play; 1 is the temperature at which it is as its music was."""

    name = "prior"
    temperature: float = 1.0

    def __init__(self) -> None:
        """Nothing is loaded yet."""
        self._player: tuple[str, PriorAgent] | None = None

    def act(self, engine: Engine, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """A legal action for each row, drawn from the prior of the engine's style."""
        player = self._for(engine.brief.style)
        player.temperature = self.temperature
        return player.act(engine, uniforms)

    def _for(self, style: Style) -> PriorAgent:
        if self._player is None or self._player[0] != style.fingerprint:
            try:
                from rlcompose.prior.players import PriorAgent, prior_of
            except ModuleNotFoundError as error:
                raise missing_extra(str(error.name), "train") from error
            self._player = style.fingerprint, PriorAgent([(prior_of(style), 1.0)], style)
        return self._player[1]


register_agent(AgentKind("prior", "the style's next-note model, learned from real music", make=StylePrior))
