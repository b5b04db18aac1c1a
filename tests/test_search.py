"""Beam search: never beyond what replaying gives, above greedy play, and exact where everything can be tried."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rlcompose import load_style
from rlcompose.agent import find_agent, play
from rlcompose.brief import Brief, make_brief
from rlcompose.codec import perform
from rlcompose.engine.core import Engine
from rlcompose.errors import RlcomposeError
from rlcompose.reward import WeightedTerm, weigh_terms
from rlcompose.search import beam_search
from rlcompose.style import style_from_dict

JAZZ = load_style("jazz")
TERMS = weigh_terms(JAZZ.rewards)
FOUR_BARS = make_brief(JAZZ, {"bars": 4})
SEEDS = (0, 1, 2)


def tiny_brief(chords: str) -> Brief:
    """One bar in halves and quarters, five pitches: few enough pieces to try them all."""
    style = style_from_dict(JAZZ.to_dict() | {"durations": {"quarter": 12, "half": 24}})
    return make_brief(style, {"bars": 1, "chords": chords, "register": 60, "range": (60, 64)})


def best_of_all(brief: Brief, terms: tuple[WeightedTerm, ...], seed: int) -> float:
    """The largest return of any piece, by trying every action after every beginning."""
    engine = Engine(brief, terms)
    engine.reset([seed])

    def best_from_here() -> float:
        before = engine.snapshot()
        rewards = engine.try_actions()[0]
        best = -math.inf
        for action in np.flatnonzero(np.isfinite(rewards)):
            engine.step(np.array([action]))
            best = max(best, rewards[action] + (0.0 if engine.state.done[0] else best_from_here()))
            engine.restore(before)
        return best

    return best_from_here()


@pytest.mark.parametrize("chords", ["C^7", "Dm7 G7", "F#m7b5"])
def test_a_wide_beam_finds_the_best_of_all_small_pieces(chords: str) -> None:
    brief = tiny_brief(chords)
    assert beam_search(brief, TERMS, 0, width=400).total == pytest.approx(best_of_all(brief, TERMS, 0))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wider_beam_finds_no_worse_and_greedy_is_below(seed: int) -> None:
    # Neither is a theorem of beam search, but where it failed on these, the search would be broken or useless.
    narrow, wide = (beam_search(FOUR_BARS, TERMS, seed, width).total for width in (1, 50))
    greedy = find_agent("greedy").make
    assert greedy is not None
    assert wide >= narrow
    assert wide >= play(greedy(), FOUR_BARS, TERMS, [seed])[0].total


@pytest.mark.parametrize("width", [1, 7, 50])
def test_the_total_is_what_replaying_the_actions_gives(width: int) -> None:
    found = beam_search(FOUR_BARS, TERMS, 3, width)
    performance = perform(FOUR_BARS, 3, found.actions, TERMS)
    assert performance.events[-1].onset + performance.events[-1].ticks == 4 * 48
    assert found.total == pytest.approx(performance.rewards.sum())
    assert not performance.account[:, -1].any()  # nothing illegal


def test_the_same_search_finds_the_same_piece() -> None:
    assert beam_search(FOUR_BARS, TERMS, 0, 20) == beam_search(FOUR_BARS, TERMS, 0, 20)


def test_a_piece_in_a_short_bar_is_found_too() -> None:
    brief = make_brief("fiddle", {"bars": 2, "meter": "6/8"})
    terms = weigh_terms(brief.style.rewards)
    found = beam_search(brief, terms, 0, 10)
    assert found.total == pytest.approx(perform(brief, 0, found.actions, terms).rewards.sum())


def test_no_hypothesis_is_refused() -> None:
    with pytest.raises(RlcomposeError, match="width 0 is no number of hypotheses"):
        beam_search(FOUR_BARS, TERMS, 0, 0)
