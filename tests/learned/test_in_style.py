"""The judge as a reward term."""

from __future__ import annotations

import numpy as np
import pytest

from rlcompose.agent import find_agent, play
from rlcompose.brief import make_brief
from rlcompose.codec import decode, perform
from rlcompose.engine.core import Engine
from rlcompose.errors import RlcomposeError
from rlcompose.learned.judge import load_judge
from rlcompose.learned.layout import STYLES
from rlcompose.learned.paying import blend_of
from rlcompose.reward import WeightedTerm, weigh_terms


def terms(style: str, name: str = "in_style") -> tuple[WeightedTerm, ...]:
    brief = make_brief(style, {"bars": 12})
    off = dict.fromkeys(brief.style.rewards, 0.0)
    return weigh_terms(brief.style.rewards, off | {name: 1.0})


@pytest.mark.parametrize("style", ["jazz", "fiddle", "german_folk"])
def test_it_pays_what_the_judge_says_at_each_bars_end(style: str) -> None:
    asked = terms(style)
    brief = make_brief(style, {"bars": 12})
    for piece in play(find_agent("random").made(), brief, asked, range(4)):
        played = perform(brief, piece.seed, piece.actions, asked)
        music = decode(brief, piece.seed, piece.actions)
        if music.meter.name == "2/4":
            continue  # two bars are judged as one, at every bar's end
        judgement = load_judge().judge(music, style)
        assert played.rewards.sum() - played.account[:, -1].sum() == pytest.approx(judgement.score, abs=1e-4)
        assert 0 <= judgement.score <= 1


def test_two_four_pays_at_every_bar_but_the_first() -> None:
    brief = make_brief("german_folk", {"bars": 8, "meter": "2/4"})
    asked = terms("german_folk")
    [piece] = play(find_agent("random").made(), brief, asked, [1])
    played = perform(brief, piece.seed, piece.actions, asked)
    assert np.isfinite(played.rewards).all()


def test_a_vector_pays_as_single_pieces_do() -> None:
    brief = make_brief("jazz", {"bars": 10})
    asked = terms("jazz")
    many = play(find_agent("random").made(), brief, asked, range(6))
    alone = [play(find_agent("random").made(), brief, asked, [seed])[0] for seed in range(6)]
    assert [piece.total for piece in many] == pytest.approx([piece.total for piece in alone], abs=1e-6)


def test_noise_at_the_beginning_costs_its_share() -> None:
    """24 of 32 bars of noise: what the last window holds is no more than its own share."""
    judge = load_judge()
    brief = make_brief("jazz", {"bars": 32})
    asked = terms("jazz")
    totals = [piece.total for piece in play(find_agent("random").made(), brief, asked, range(3))]
    assert max(totals) < 0.3 and judge.caps["jazz"] > 0.8


def test_a_style_of_ones_own_must_say_what_it_is_to_be_like() -> None:
    assert blend_of("jazz", dict.fromkeys(STYLES, 0.0)) == {"jazz": 1.0}
    assert blend_of("mine", {"fiddle": 2.0, "jazz": 0.0}) == {"fiddle": 2.0}
    with pytest.raises(RlcomposeError, match="does not know the style 'mine'"):
        blend_of("mine", {})
    with pytest.raises(RlcomposeError, match="negative"):
        blend_of("jazz", {"jazz": -1.0})


def test_parameters_name_a_blend() -> None:
    [paid] = terms("jazz", "in_style(jazz=0.7, fiddle=0.3)")
    assert dict(paid.term.parameters)["fiddle"] == 0.3
    engine = Engine(make_brief("jazz", {"bars": 4}), [paid], 3)
    assert engine.python_terms == ("in_style(jazz=0.7, fiddle=0.3)",)
