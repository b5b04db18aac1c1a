"""Agents by name, and what they play."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rlcompose.agent import AgentKind, find_agent, load_agents, pick, play, register_agent
from rlcompose.brief import make_brief
from rlcompose.codec import decode
from rlcompose.engine.core import Engine
from rlcompose.errors import RlcomposeError
from rlcompose.reward import WeightedTerm, make_term, weigh_terms
from rlcompose.style import load_style

STYLE = load_style("jazz")
TERMS = weigh_terms(STYLE.rewards)
BRIEF = make_brief(STYLE, {"bars": 2})


def high(m: object) -> float:
    return m.pitch / 100 if m.is_note else -1.0  # type: ignore[attr-defined]


def test_random_and_greedy_are_there() -> None:
    assert {"random", "greedy"} <= set(load_agents())
    assert all(kind.name == name and kind.summary for name, kind in load_agents().items())


def test_unknown_agent_is_told_with_the_nearest() -> None:
    with pytest.raises(RlcomposeError, match="unknown agent 'gredy': did you mean 'greedy'?"):
        find_agent("gredy")


def test_agent_registered_again_replaces_itself() -> None:
    kind = find_agent("random")
    assert register_agent(AgentKind("random", "another", make=kind.make)) is find_agent("random")
    register_agent(kind)
    assert find_agent("random") is kind


@pytest.mark.parametrize("name", ["random", "greedy"])
def test_piece_is_a_function_of_its_seed(name: str) -> None:
    make = find_agent(name).make
    assert make is not None
    together = play(make(), BRIEF, TERMS, [3, 1, 2])
    alone = [play(make(), BRIEF, TERMS, [seed])[0] for seed in (3, 1, 2)]
    assert together == alone


@pytest.mark.parametrize("name", ["random", "greedy"])
def test_agent_plays_legal_actions_to_the_end(name: str) -> None:
    make = find_agent(name).make
    assert make is not None
    for played in play(make(), BRIEF, TERMS, range(4)):
        piece = decode(BRIEF, played.seed, played.actions)
        engine = Engine(BRIEF, TERMS)
        engine.reset([played.seed])
        total = 0.0
        for action in played.actions:
            assert engine.state.mask[0, action]
            engine.step(np.array([action]))
            total += engine.state.reward[0]
        assert engine.state.done[0] and total == played.total and piece.bars == 2


def test_greedy_takes_what_is_paid_best_at_once() -> None:
    # Paid for height alone, it plays the highest note of the tenor, C6 (84).
    make = find_agent("greedy").make
    assert make is not None
    played = play(make(), BRIEF, [WeightedTerm(make_term(high), 1.0)], [0])[0]
    assert {note.pitch for note in decode(BRIEF, 0, played.actions).notes} == {84}


def test_greedy_earns_more_than_random() -> None:
    totals = {}
    for name in ("random", "greedy"):
        make = find_agent(name).make
        assert make is not None
        totals[name] = np.array([played.total for played in play(make(), BRIEF, TERMS, range(8))])
    assert totals["greedy"].min() > totals["random"].max()


@pytest.mark.parametrize(
    ("weights", "uniform", "column"),
    [
        ([1, 1, 1, 1], 0.0, 0),
        ([1, 1, 1, 1], 0.25, 1),  # [0, 1/4) is the first column, [1/4, 1/2) the second
        ([1, 1, 1, 1], 0.999, 3),
        ([0, 1, 0, 1], 0.0, 1),
        ([0, 1, 0, 1], 0.5, 3),
        ([1, 3, 0, 0], 0.3, 1),
        ([0.1, 0.2, 0, 0], 1.0 - 2**-53, 1),  # rounding must not reach a column without weight
        ([0, 0, 5, 0], 0.7, 2),
    ],
)
def test_pick_draws_by_weight(weights: list[float], uniform: float, column: int) -> None:
    chosen = pick(np.array([weights], float), np.array([uniform]))
    assert chosen.tolist() == [column] and chosen.dtype == np.int64


def test_pick_draws_every_column_as_often_as_its_weight_says() -> None:
    weights: NDArray[np.float64] = np.tile([1.0, 0.0, 2.0, 5.0], (8000, 1))
    uniforms = (np.arange(8000) + 0.5) / 8000
    assert np.bincount(pick(weights, uniforms), minlength=4).tolist() == [1000, 0, 2000, 5000]
