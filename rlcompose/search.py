"""Beam search on the reward: how much a piece can be paid, as far as a wide look can tell; a bound for every agent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rlcompose.agent import Played
from rlcompose.brief import Brief
from rlcompose.errors import RlcomposeError
from rlcompose.passage import Landing
from rlcompose.reward import WeightedTerm

if TYPE_CHECKING:
    from rlcompose.engine.core import Engine
    from rlcompose.engine.state import Snapshot


@dataclass(slots=True)
class _Candidates:
    """Ways to reach one tick: the best `width` of them so far, as parallel arrays."""

    totals: NDArray[np.float64]
    parents: NDArray[np.int64]  # number of the hypothesis before
    actions: NDArray[np.int64]


@dataclass(slots=True)
class _Hypotheses:
    """The hypotheses kept at one tick, with the state of each."""

    numbers: NDArray[np.int64]
    state: Snapshot


def beam_search(brief: Brief, terms: Sequence[WeightedTerm], seed: int, width: int = 50) -> Played:
    """The best piece found for a seed with `width` hypotheses at every tick (not every step: events differ in length).

    Deterministic; equal totals are kept in the order of parent and action.
    """
    engine = search_engine(brief, terms, width)
    engine.reset([seed] * width)
    actions, total = best_continuation(engine, engine.snapshot([0]))
    return Played(seed, actions, total)


def search_engine(brief: Brief, terms: Sequence[WeightedTerm], width: int) -> Engine:
    """An engine for `best_continuation` with that many hypotheses."""
    if width < 1:
        raise RlcomposeError(f"width {width} is no number of hypotheses: allowed are 1 and more")
    from rlcompose.engine.core import Engine

    return Engine(brief, terms, width)


def best_continuation(engine: Engine, start: Snapshot, landing: Landing | None = None) -> tuple[tuple[int, ...], float]:
    """The best-paid actions found from a state (a snapshot of one row) to the end of its piece, or to a landing.

    What the engine's rows held is overwritten; there are as many hypotheses as it has rows. With a landing there may be
    no way to it among them: then there are no actions, and the total is -inf.
    """
    width = engine.num_envs
    engine.restore({name: np.repeat(array, width, axis=0) for name, array in start.items()})
    begin = int(engine.field("onset")[0])
    end = int(engine.field("total_ticks")[0]) if landing is None else landing.tick
    durations = engine.tables.durations.astype(np.int64)
    lengths = durations[np.arange(engine.num_actions) % len(durations)]
    longest = int(durations.max())

    # The tree of kept hypotheses, by number: parent, action, total. Number 0 is what was there before.
    parent, action, total = [-1], [-1], [0.0]
    kept: dict[int, _Hypotheses] = {begin: _Hypotheses(np.zeros(1, np.int64), start)}
    waiting: defaultdict[int, list[_Candidates]] = defaultdict(list)
    best_end = -1
    for tick in range(begin, end + 1):
        if tick > begin:
            if tick not in waiting:
                continue
            here = _best(waiting.pop(tick), width)
            first = len(parent)
            parent += here.parents.tolist()
            action += here.actions.tolist()
            total += here.totals.tolist()
            if tick == end:
                if len(here.totals):
                    best_end = first  # the candidates are sorted, the best comes first
                break
            if not len(here.totals):
                continue
            kept[tick] = _grow(engine, kept, here, first, tick, lengths)
            kept.pop(tick - longest, None)
        hypotheses = kept[tick]
        count = len(hypotheses.numbers)
        rows = list(range(count))
        engine.restore(hypotheses.state, rows)
        rewards = engine.try_actions()[:count]
        if landing is not None:
            rewards[~landing.mask(engine)[:count]] = -np.inf
        totals = rewards + np.array([total[n] for n in hypotheses.numbers])[:, None]
        for length in np.unique(durations):
            goal = min(tick + int(length), end)
            columns = np.flatnonzero(lengths == length)
            waiting[goal].append(_sorted(totals[:, columns], hypotheses.numbers, columns, width))
    if best_end < 0:
        return (), -np.inf
    actions: list[int] = []
    number = best_end
    while number > 0:
        actions.append(action[number])
        number = parent[number]
    return tuple(reversed(actions)), total[best_end]


def _sorted(
    totals: NDArray[np.float64], numbers: NDArray[np.int64], actions: NDArray[np.int64], width: int
) -> _Candidates:
    """The best `width` pairs of a hypothesis and an action."""
    flat = totals.ravel()
    order = np.argsort(-flat, kind="stable")[:width]
    order = order[np.isfinite(flat[order])]
    return _Candidates(flat[order], numbers[order // len(actions)], actions[order % len(actions)])


def _best(candidates: list[_Candidates], width: int) -> _Candidates:
    totals = np.concatenate([c.totals for c in candidates])
    order = np.argsort(-totals, kind="stable")[:width]
    parents = np.concatenate([c.parents for c in candidates])[order]
    actions = np.concatenate([c.actions for c in candidates])[order]
    return _Candidates(totals[order], parents, actions)


def _grow(
    engine: Engine, kept: dict[int, _Hypotheses], here: _Candidates, first: int, tick: int, lengths: NDArray[np.int64]
) -> _Hypotheses:
    """Play the chosen actions from their parents' states."""
    count = len(here.actions)
    for row, (number, chosen) in enumerate(zip(here.parents.tolist(), here.actions.tolist(), strict=True)):
        before = kept[tick - int(lengths[chosen])]
        at = int(np.flatnonzero(before.numbers == number)[0])
        engine.restore({name: array[at : at + 1] for name, array in before.state.items()}, [row])
    engine.state.actions[:count] = here.actions
    engine.state.actions[count:] = here.actions[0]  # the rows that are not needed play along
    engine.state.done[count:] = True
    engine.step()
    return _Hypotheses(np.arange(first, first + count), engine.snapshot(list(range(count))))
