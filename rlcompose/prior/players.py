"""Who plays by priors: one of them, several as one (a weighted product), or two that trade bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from rlcompose.agent import Agent, Tempered
from rlcompose.brief import Brief
from rlcompose.engine.core import Engine
from rlcompose.engine.layout import BLOCKS, NUM_SLOTS, REST_CODE
from rlcompose.errors import RlcomposeError
from rlcompose.prior.events import without_recall
from rlcompose.prior.form import SOLO, THEME
from rlcompose.prior.model import Prior, load_prior
from rlcompose.prior.shipped import durations_of
from rlcompose.sampling import draw_legal, one_thread
from rlcompose.style import Style

RECALL, PLACE = BLOCKS["section_events"].slice, BLOCKS["place"]
BAR_IN_SECTION, SECTION_BARS, TICK_IN_BAR = (
    [column.name for column in PLACE.columns].index(name) for name in ("bar_in_section", "section_bars", "tick_in_bar")
)
# Nats by which a section that returns avoids the pitches of its last bar before. Where real phrases return they mostly
# end otherwise, over other chords (to the note they return in 3 % of fiddle's, 13 % of German ones); in a chart the
# sections of a letter have the same chords, which would say that nothing is to be different.
OTHER_ENDING = 4.0
# What a prior thinks of a length that its style has not: unlikely, but where all others agree it can be played.
UNKNOWN_LENGTH = np.log(1e-3)


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """A prior that speaks about the events of a style, which may have other lengths than its own."""

    prior: Prior
    columns: NDArray[np.int64]  # for each length of the style its own number of it, -1 for none

    @classmethod
    def of(cls, prior: Prior, style: Style) -> Voice:
        """A prior for a style."""
        own = {ticks: number for number, ticks in enumerate(prior.durations)}
        columns = np.array([own.get(ticks, -1) for ticks in durations_of(style)])
        if (columns < 0).all():
            raise RlcomposeError(f"the prior of {prior.style!r} knows none of the lengths of style {style.name!r}")
        return cls(prior, columns)

    def log_probs(self, observations: torch.Tensor) -> NDArray[np.float64]:
        """Of the style's events, float64 (envs, slots, lengths), nats; normalised where all lengths are its own."""
        found = self.prior.network(observations).double().numpy().reshape(len(observations), NUM_SLOTS, -1)
        known = self.columns >= 0
        if known.all() and len(self.columns) == found.shape[2]:
            return np.asarray(found)
        of_slot = np.logaddexp.reduce(found, axis=2, keepdims=True)
        spoken = np.broadcast_to(of_slot + UNKNOWN_LENGTH, (*found.shape[:2], len(self.columns))).copy()
        spoken[:, :, known] = found[:, :, self.columns[known]]
        return spoken


class PriorAgent:
    """Draws from a prior, or from the weighted product of several: p(event) ~ Π p_k(event) ** w_k.

    temperature   of the draw; 1 is as the music was
    mode          "theme" shows it what the section that it repeats went on with, "solo" does not
    """

    def __init__(
        self,
        voices: Sequence[tuple[Prior, float]],
        style: Style,
        name: str = "prior",
        temperature: float = 1.0,
        mode: str | None = None,
    ) -> None:
        """Priors with their weights, which are made to add up to 1, for a style; the mode is by default the first's.

        Raises:
            RlcomposeError: A prior that has learned solos is to play themes, the weights are none, or a prior knows
                none of the style's lengths.
        """
        total = sum(weight for _, weight in voices)
        if not voices or not total > 0 or any(weight < 0 for _, weight in voices):
            raise RlcomposeError("priors need weights of 0 or more, and one above it")
        self.name = name
        self.temperature = temperature
        own = voices[0][0].network.mode
        self.mode = own if mode is None else mode
        if self.mode == THEME and own == SOLO:
            raise RlcomposeError(
                f"the music of {voices[0][0].style!r} is solos, whose sections do not return: no theme"
            )
        self._voices = [(Voice.of(prior, style), weight / total) for prior, weight in voices]

    def log_probs(self, seen: NDArray[np.int16]) -> NDArray[np.float64]:
        """The weighted sum of the log probabilities after observations (envs, 278), float64 (envs, actions).

        It is normalised where there is one prior, which knows all lengths of the style.
        """
        observations = torch.from_numpy(
            without_recall(seen, np.ones(len(seen), np.bool_)) if self.mode == SOLO else seen
        )
        with torch.no_grad(), one_thread():
            spoken = np.asarray(sum(weight * voice.log_probs(observations) for voice, weight in self._voices))
        if self.mode == THEME:
            rows, slots = recalled_in_last_bars(seen)
            spoken[rows, slots] -= OTHER_ENDING
        return spoken.reshape(len(seen), -1)

    def act(self, engine: Engine, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """A legal action for each row."""
        return draw_legal(self.log_probs(engine.state.obs), engine.state.mask, self.temperature, uniforms)


def recalled_in_last_bars(seen: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows that stand in the last bar of a section that returns, and the slot that was played there before."""
    bar, bars, here = (seen[:, PLACE.start + column] for column in (BAR_IN_SECTION, SECTION_BARS, TICK_IN_BAR))
    code, _, onset = seen[:, RECALL][:, :3].T
    rows = np.flatnonzero((code > 0) & (onset == here) & (bar == bars - 1) & (bars > 1))
    return rows, code[rows].astype(np.int64) - REST_CODE


class TradingAgent:
    """Agents that take turns, so many bars each, and hear one another: what each sees is the whole piece."""

    def __init__(self, agents: Sequence[Agent], bars: int, name: str = "") -> None:
        """Two agents or more, in the order of their turns."""
        if len(agents) < 2 or bars < 1:
            raise RlcomposeError("trading needs two agents or more, and turns of 1 bar or more")
        self.agents = tuple(agents)
        self.bars = bars
        self.name = name or "-".join(agent.name for agent in agents)

    @property
    def temperature(self) -> float:
        """Of those who draw from what they have learned; setting it sets theirs."""
        return next((agent.temperature for agent in self.agents if isinstance(agent, Tempered)), 1.0)

    @temperature.setter
    def temperature(self, temperature: float) -> None:
        for agent in self.agents:
            if isinstance(agent, Tempered):
                agent.temperature = temperature

    def turn(self, engine: Engine) -> NDArray[np.int64]:
        """Whose turn it is in each row, by the bar in which the next event begins: int64 (envs,)."""
        return np.asarray(engine.field("bar") // self.bars % len(self.agents), np.int64)

    def act(self, engine: Engine, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """The action of the agent whose turn it is."""
        turns = self.turn(engine)
        actions = np.zeros(len(turns), np.int64)
        for number in np.unique(turns):
            chosen = self.agents[number].act(engine, uniforms)
            actions[turns == number] = chosen[turns == number]
        return actions


class Drawing(Protocol):
    """An agent that draws from log probabilities, which many pieces can be asked for at once."""

    temperature: float

    def log_probs(self, seen: NDArray[np.int16]) -> NDArray[np.float64]:
        """Of all actions, up to a constant in each row, after observations (envs, 278): float64 (envs, actions)."""
        ...


def play_together(
    agent: Drawing,
    briefs: Sequence[Brief],
    seeds: Sequence[int],
    look: Callable[[NDArray[np.int16], NDArray[np.int64]], None] = lambda observations, actions: None,
) -> list[tuple[int, ...]]:
    """A piece for each brief, all at once: the actions of each.

    The network is asked once for all pieces that are not at their end, which is many times as fast as one after the
    other. `look` is told what was seen, int16 (pieces, 278), and what was chosen, int64 (pieces,).
    """
    engines = [Engine(brief) for brief in briefs]
    for engine, seed in zip(engines, seeds, strict=True):
        engine.reset([seed])
    streams = [np.random.Generator(np.random.Philox(key=[seed, 1 + k])) for k, seed in enumerate(seeds)]
    actions: list[list[int]] = [[] for _ in briefs]
    playing = list(range(len(briefs)))
    while playing:
        observations = np.concatenate([engines[k].state.obs for k in playing])
        mask = np.concatenate([engines[k].state.mask for k in playing])
        uniforms = np.array([streams[k].random() for k in playing])
        chosen = draw_legal(agent.log_probs(observations), mask, agent.temperature, uniforms)
        look(observations, chosen)
        for k, action in zip(playing, chosen, strict=True):
            engines[k].step(np.array([action]))
            actions[k].append(int(action))
        playing = [k for k in playing if not engines[k].state.done[0]]
    return [tuple(each) for each in actions]


def prior_of(style: Style) -> Prior:
    """The shipped prior of a style or of the style that it is a variant of.

    Raises:
        RlcomposeError: There is none.
    """
    return load_prior(style.family)
