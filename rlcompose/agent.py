"""What an agent is: something that chooses the next event of each piece; and the register of them by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rlcompose.brief import Brief
from rlcompose.engine.core import Engine
from rlcompose.errors import unknown
from rlcompose.reward import WeightedTerm


class Agent(Protocol):
    """Chooses actions; all chance is in the uniforms it is given, so that a piece is a function of its seed."""

    name: str

    def act(self, engine: Engine, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """The next action of every row, int64 (envs,), always legal; `uniforms` are float64 (envs,) in [0, 1)."""
        ...


class Progress(Protocol):
    """What training tells while it runs."""

    def __call__(self, steps: int, mean_return: float) -> None:
        """`steps` done so far, and the mean return of the latest pieces (NaN before the first ends)."""
        ...


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What a trainable agent is asked to do.

    folder    the run: metrics go to `metrics.csv` and `tensorboard/`, the model to `model/`
    settings  hyper-parameters that replace the preset's
    """

    brief: Brief
    terms: tuple[WeightedTerm, ...]
    steps: int
    seed: int
    folder: Path
    progress: Progress
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What training leaves: the agent as it was at its best, and whether it was interrupted by Ctrl-C."""

    agent: Agent
    steps: int
    best_return: float
    interrupted: bool


@dataclass(frozen=True, slots=True)
class AgentKind:
    """An agent by name: made without training, or trained and loaded."""

    name: str
    summary: str
    make: Callable[[], Agent] | None = None
    train: Callable[[TrainingJob], TrainingResult] | None = None
    load: Callable[[Path, Brief], Agent] | None = None


_REGISTER: dict[str, AgentKind] = {}


def register_agent(kind: AgentKind) -> AgentKind:
    """Make an agent known under its name; the same name again replaces it."""
    _REGISTER[kind.name] = kind
    return kind


def load_agents() -> dict[str, AgentKind]:
    """All registered agents by name, the built-in ones loaded."""
    from rlcompose.plugins import load_builtin

    load_builtin("agents")
    return _REGISTER


def find_agent(name: str) -> AgentKind:
    """The kind of agent of that name; a name that does not exist raises the error with the nearest one."""
    agents = load_agents()
    if name not in agents:
        raise unknown("agent", name, agents)
    return agents[name]


@dataclass(frozen=True, slots=True)
class Played:
    """A finished piece: the seed of its reset, its actions and its return."""

    seed: int
    actions: tuple[int, ...]
    total: float


def play(agent: Agent, brief: Brief, terms: Sequence[WeightedTerm], seeds: Sequence[int]) -> list[Played]:
    """Let an agent compose one piece for each seed, each drawn from that seed alone."""
    engine = Engine(brief, terms, len(seeds))
    engine.reset(np.array(seeds, np.uint64))
    streams = [np.random.Generator(np.random.Philox(key=[seed, 1])) for seed in seeds]
    actions: list[list[int]] = [[] for _ in seeds]
    totals = np.zeros(len(seeds))
    while not engine.state.done.all():
        running = ~engine.state.done
        chosen = agent.act(engine, np.array([stream.random() for stream in streams]))
        engine.step(chosen)
        totals += np.where(running, engine.state.reward, 0.0)
        for row in np.flatnonzero(running):
            actions[row].append(int(chosen[row]))
    return [Played(int(s), tuple(a), float(t)) for s, a, t in zip(seeds, actions, totals, strict=True)]


def pick(weights: NDArray[np.float64], uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
    """Draw a column from each row of non-negative weights (envs, actions), by the uniforms: int64 (envs,)."""
    totals = np.cumsum(weights, axis=1)
    chosen = (totals <= (uniforms * totals[:, -1])[:, None]).sum(axis=1)
    # Rounding may point behind the last column that has weight.
    last = weights.shape[1] - 1 - np.argmax(weights[:, ::-1] > 0, axis=1)
    picked: NDArray[np.int64] = np.minimum(chosen, last).astype(np.int64)
    return picked
