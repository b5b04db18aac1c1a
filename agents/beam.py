"""No learning: the best way to the end of the piece that beam search on the reward finds, followed to the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rlcompose.agent import AgentKind, register_agent
from rlcompose.preset import read_preset
from rlcompose.search import best_continuation, search_engine

if TYPE_CHECKING:
    from rlcompose.engine.core import Engine


@dataclass(slots=True)
class _Plan:
    """What is still to be played of a row's plan, and where the row must stand for it to hold."""

    seed: int
    num_events: int
    actions: list[int] = field(default_factory=list)


class BeamAgent:
    """Plans the piece to its end with `width` hypotheses at every tick, and plans anew when something came between."""

    name = "beam"
    is_certain = True

    def __init__(self, width: int) -> None:
        """`width` is the number of hypotheses: twice as many take twice the time and find a little more."""
        self.width = width
        self._plans: dict[int, _Plan] = {}
        self._search: Engine | None = None

    def act(self, engine: Engine, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """The next planned action of each row that is still composing; 0 for the others."""
        chosen = np.zeros(engine.num_envs, np.int64)
        landing = engine.landing
        for row in np.flatnonzero(~engine.state.done):
            if landing is not None and engine.field("onset")[row] >= landing.tick:
                continue
            plan = self._plans.get(int(row))
            seed, num_events = int(engine.state.seeds[row]), int(engine.field("num_events")[row])
            is_valid = plan is not None and (plan.seed, plan.num_events) == (seed, num_events)
            if plan is None or not is_valid or not plan.actions or not engine.state.mask[row, plan.actions[0]]:
                plan = self._plans[int(row)] = _Plan(seed, num_events, self._plan(engine, int(row)))
            chosen[row] = plan.actions.pop(0)
            plan.num_events += 1
        return chosen

    def _plan(self, engine: Engine, row: int) -> list[int]:
        search = self._search
        if search is None or search.brief is not engine.brief or search.terms != engine.terms:
            search = self._search = search_engine(engine.brief, engine.terms, self.width)
        actions, _ = best_continuation(search, engine.snapshot([row]), engine.landing)
        # No hypothesis may lead to the landing; what is paid best at once goes on from there.
        return list(actions) or [int(engine.try_actions()[row].argmax())]


PRESET = read_preset(Path(__file__).with_name("beam.toml"))

register_agent(AgentKind("beam", "beam search on the reward, without learning", make=BeamAgent, preset=PRESET))
