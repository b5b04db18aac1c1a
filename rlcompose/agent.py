"""What an agent is: something that chooses the next event of each piece; and the register of them by name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rlcompose.brief import Brief
from rlcompose.errors import RlcomposeError, unknown
from rlcompose.health import Finding
from rlcompose.passage import WHOLE, Passage
from rlcompose.preset import Preset, with_settings
from rlcompose.reward import WeightedTerm

if TYPE_CHECKING:
    from rlcompose.engine.core import Engine


class Agent(Protocol):
    """Chooses actions; all chance is in the uniforms it is given, so that a piece is a function of its seed."""

    name: str

    def act(self, engine: Engine, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """The next action of every row, int64 (envs,), always legal; `uniforms` are float64 (envs,) in [0, 1)."""
        ...


@runtime_checkable
class Tempered(Protocol):
    """An agent that draws from what it has learned, the more surely the lower its temperature; 1 is as it learned."""

    temperature: float


def is_certain(agent: Agent) -> bool:
    """Whether an agent leaves nothing to chance: it says so by an attribute `is_certain`."""
    return bool(getattr(agent, "is_certain", False))


class Progress(Protocol):
    """What training tells while it runs."""

    def __call__(self, steps: int, mean_return: float, best_return: float) -> None:
        """`steps` done so far, the mean return of the latest pieces, and the best evaluation (NaN where none is)."""
        ...


def warn_on_stderr(finding: Finding) -> None:
    """Tell a finding as the commands tell every warning."""
    print(f"warning: {finding}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What a trainable agent is asked to do.

    folder        the run: metrics go to `metrics.csv` and `tensorboard/`, findings to `health.jsonl`, the model to
                  `model/`
    settings      hyper-parameters that replace the preset's
    warn          is told what goes wrong, as soon as it is found
    start         the folder of the model whose weights learning begins with; None begins anew
    from_prior    whether it begins as the style's prior, where there is no start
    is_paid_anew  whether the terms or their weights are others than those by which the start has learned
    stop_on_hacking  end the training where reward hacking is suspected
    device        where the network learns, "cpu" or "cuda"
    """

    brief: Brief
    terms: tuple[WeightedTerm, ...]
    steps: int
    seed: int
    folder: Path
    progress: Progress
    settings: dict[str, Any] = field(default_factory=dict)
    warn: Callable[[Finding], None] = warn_on_stderr
    start: Path | None = None
    is_paid_anew: bool = True
    stop_on_hacking: bool = False
    from_prior: bool = False
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What training leaves: the agent as it was at its best.

    best_return  mean return of the pieces that the best was chosen by (NaN if none was played)
    interrupted  whether Ctrl-C ended it
    failed       whether it had to stop: the weights were no longer numbers, or what it was told to stop for was found
    health       what was found wrong while it ran
    """

    agent: Agent
    steps: int
    best_return: float
    interrupted: bool
    failed: bool = False
    health: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentKind:
    """An agent by name: made without training, or trained and loaded.

    preset   the hyper-parameters of its training, or of an agent that is made without, by name
    goes_on  whether its training begins with the weights of `TrainingJob.start` where there are any
    has_prior  whether its training can begin as a style's prior
    """

    name: str
    summary: str
    make: Callable[..., Agent] | None = None
    train: Callable[[TrainingJob], TrainingResult] | None = None
    load: Callable[[Path, Brief], Agent] | None = None
    preset: Preset = field(default_factory=dict)
    goes_on: bool = False
    has_prior: bool = False

    def made(self, changes: Mapping[str, object] | None = None) -> Agent:
        """The agent, made without training, with the preset's values where `changes` has no other."""
        if self.make is None:
            raise RlcomposeError(
                f"the agent {self.name!r} must be trained first: train it, and name the folder of its run"
            )
        return self.make(**with_settings(self.preset, changes or {}))


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


def play(
    agent: Agent,
    brief: Brief,
    terms: Sequence[WeightedTerm],
    seeds: Sequence[int],
    *,
    takes: Sequence[int] | None = None,
    passage: Passage = WHOLE,
) -> list[Played]:
    """Let an agent compose one piece for each seed, each drawn from that seed alone.

    takes     a number for each piece that changes the agent's chances but not what the reset draws (default: 0)
    passage   what of the pieces is given; the return is that of the whole piece
    """
    from rlcompose.engine.core import Engine

    if takes is None:
        takes = [0] * len(seeds)
    engine = Engine(brief, terms, len(seeds))
    engine.reset(np.array(seeds, np.uint64))
    streams = [np.random.Generator(np.random.Philox(key=[s, 1 + take])) for s, take in zip(seeds, takes, strict=True)]
    landing = engine.landing = passage.landing
    given = [list(passage.before) for _ in seeds]
    actions: list[list[int]] = [[] for _ in seeds]
    totals = np.zeros(len(seeds))
    has_landed = np.zeros(len(seeds), np.bool_)
    while not engine.state.done.all():
        running = ~engine.state.done
        if landing is not None:
            arrived = ~has_landed & (engine.field("onset") == landing.tick) & running
            has_landed |= arrived
            for row in np.flatnonzero(arrived):
                given[row] = list(passage.after)
        composing = running & np.array([not queue for queue in given])
        chosen = np.zeros(len(seeds), np.int64)
        if composing.any():
            if landing is not None:
                legal = engine.state.mask.copy()
                engine.state.mask[composing] &= landing.mask(engine)[composing]
            uniforms = np.array([s.random() if here else 0.0 for s, here in zip(streams, composing, strict=True)])
            chosen = agent.act(engine, uniforms)
            if landing is not None:
                engine.state.mask[:] = legal  # the engine writes masks anew only where they change
        for row in np.flatnonzero(running & ~composing):
            chosen[row] = given[row].pop(0)
            if not engine.state.mask[row, chosen[row]]:
                number = len(actions[row]) + 1
                raise RlcomposeError(
                    f"action {chosen[row]}, number {number} of what is given, is illegal in this piece"
                )
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
