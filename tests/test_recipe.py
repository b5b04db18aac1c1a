"""The recipe, and the agents that come with the package."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rlcompose import compose
from rlcompose.agent import find_agent, play
from rlcompose.brief import make_brief
from rlcompose.codec import decode
from rlcompose.composing import Composer, naturalness
from rlcompose.errors import RlcomposeError
from rlcompose.learned.naturalness import AGENT, natural_scores
from rlcompose.prior.shipped import shipped_priors
from rlcompose.recipe import recipe_of
from rlcompose.reward import settled, weigh_terms
from rlcompose.shipped import has_shipped, shipped_agents, shipped_run
from rlcompose.style import load_style, style_from_dict, style_names


@pytest.mark.parametrize("style", style_names())
def test_every_style_has_a_recipe_of_terms_that_are_there(style: str) -> None:
    found = load_style(style)
    weights = recipe_of(found)
    own = {weighted.term.name: weighted.weight for weighted in settled(weigh_terms(found.rewards))}
    assert set(weights) == {*own, "in_style", "natural"}
    assert all(0 <= weights[name] <= weight for name, weight in own.items() if weight > 0)
    assert len(weigh_terms(weights)) >= 10


def test_a_style_that_the_judge_does_not_know_is_paid_by_rules() -> None:
    mine = style_from_dict({**load_style("jazz").to_dict(), "name": "mine"}, "mine.toml")
    assert {"in_style", "natural"}.isdisjoint(recipe_of(mine))


def test_every_style_has_its_agent() -> None:
    assert shipped_agents() == shipped_priors()
    assert all(has_shipped(load_style(name)) for name in style_names())


@pytest.mark.parametrize("style", shipped_agents())
def test_a_shipped_agent_plays_its_style(style: str) -> None:
    run = shipped_run(load_style(style))
    assert run.config.rewards == recipe_of(run.style), "made by another recipe: make the agents anew"
    assert (run.model / "model.safetensors").stat().st_size < 150_000
    brief = make_brief(style, {"bars": 16})
    [piece] = play(run.agent(), brief, (), [1])
    music = decode(brief, 1, piece.actions)
    assert 1.5 < len(music.notes) / music.bars < 14
    assert [piece] == play(run.agent(), brief, (), [1]) != play(run.agent(), brief, (), [2])


def test_a_style_without_an_agent_is_told() -> None:
    mine = style_from_dict({**load_style("jazz").to_dict(), "name": "mine"}, "mine.toml")
    assert not has_shipped(mine)
    with pytest.raises(RlcomposeError, match="no shipped agent of the style 'mine': allowed are chinese_folk, chorale"):
        shipped_run(mine)


# --- compose ----------------------------------------------------------------------------------------------------------

EIGHT = ["--bars", "8", "--seed", "4"]


def composed(tmp_path: Path, name: str, *arguments: str) -> dict[str, object]:
    place = tmp_path / name
    result = tmp_path / f"{name}.json"
    assert compose.main([*EIGHT, *arguments, "--out", str(place), "--json", str(result)]) == 0
    [piece] = json.loads(result.read_text())["pieces"]
    document: dict[str, object] = json.loads(Path(piece["piece"]).read_text())
    return document


def test_a_style_is_played_by_its_agent_and_by_the_prior_where_that_is_asked_for(tmp_path: Path) -> None:
    pieces = [
        composed(tmp_path, "shipped", "--style", "jazz"),
        composed(tmp_path, "same", "--style", "jazz", "--model", "shipped"),
        composed(tmp_path, "prior", "--style", "jazz", "--model", "prior"),
    ]
    assert pieces[0]["actions"] == pieces[1]["actions"] != pieces[2]["actions"]
    assert [piece["agent"] for piece in pieces] == ["ppo", "ppo", "prior"]
    variant = composed(tmp_path, "variant", "--style", "bebop")
    assert variant["agent"] == "ppo"


def test_the_best_is_the_most_natural_or_the_best_paid() -> None:
    brief = make_brief("fiddle", {"bars": 16})
    plain = Composer.of(shipped_run(brief.style).agent(), brief)
    takes = play(plain.agent, brief, plain.terms, [5] * 4, takes=range(4))
    sure = replace(plain, log_odds=lambda pieces: [100.0 * (len(piece.notes) % 7) for piece in pieces])
    notes = [len(decode(brief, 5, each.actions).notes) % 7 for each in takes]
    assert sure.compose(5, best_of=4).actions == takes[int(np.argmax(notes))].actions
    paid = plain.compose(5, best_of=4)
    assert paid.actions == takes[int(np.argmax([each.total for each in takes]))].actions


def test_one_of_several_is_kept_by_lot_in_proportion_to_its_odds() -> None:
    plain = Composer.of(find_agent("random").made(), make_brief("jazz", {"bars": 1}))
    chosen = replace(plain, log_odds=lambda pieces: [math.log(3.0), 0.0])
    firsts = [chosen.compose(seed, best_of=2).actions == plain.compose(seed).actions for seed in range(300)]
    assert np.mean(firsts) == pytest.approx(0.75, abs=0.08)
    assert chosen.compose(7, best_of=2).actions == chosen.compose(7, best_of=2).actions


def test_natural_odds_are_the_head_s_and_surer_of_longer_pieces() -> None:
    brief = make_brief("fiddle", {"bars": 16})
    played = play(shipped_run(brief.style).agent(), brief, (), [1, 2])
    pieces = [decode(brief, each.seed, each.actions) for each in played]
    log_odds = naturalness(brief.style, AGENT)
    assert log_odds is not None and naturalness(brief.style, "nobody") is None
    assert log_odds(pieces) == pytest.approx(8.0 * natural_scores("fiddle", pieces, AGENT))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--style", "jazz", "--agent", "greedy", "--model", "prior"], "give either --agent or --model"),
        (["--style", "jazz", "--model", "shipped", "--mode", "solo"], "leave out --mode: the shipped agent"),
        (["--style", "jazz=1,fiddle=1", "--model", "prior"], "leave out --model: a mix of styles"),
        (["--style", "jazz", "--set", "width=3"], "--set is for an agent that --agent names"),
    ],
)
def test_what_does_not_go_together_is_told(
    arguments: list[str], told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert compose.main([*arguments, "--out", str(tmp_path)]) == 2
    assert told in capfd.readouterr().err
