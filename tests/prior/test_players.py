"""Who plays by the shipped priors: one, several as one, two that trade, and one that plays like a given piece."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rlcompose.agent import find_agent, play
from rlcompose.brief import make_brief
from rlcompose.codec import action_of, decode
from rlcompose.engine.core import Engine
from rlcompose.errors import RlcomposeError
from rlcompose.metrics.novelty import shared_runs
from rlcompose.prior.ensemble import is_mix, leader_of, mixed_agent, parse_mix, trading_agent
from rlcompose.prior.form import SOLO, THEME, mode_of
from rlcompose.prior.like import LONGEST_COPY, adapted, brief_like, distances, like, style_of
from rlcompose.prior.model import load_prior
from rlcompose.prior.players import PriorAgent, TradingAgent, Voice
from rlcompose.prior.shipped import durations_of, has_prior, shipped_priors
from rlcompose.prior.training import likelihood
from rlcompose.score import Composition
from rlcompose.style import load_style, style_from_dict, style_names

FAMILIES = sorted({load_style(name).family for name in style_names()})


def engine_of(style: str, bars: int = 4, seeds: int = 3) -> Engine:
    engine = Engine(make_brief(style, {"bars": bars}), num_envs=seeds)
    engine.reset(list(range(seeds)))
    return engine


def piece_of(style: str, seed: int = 0, bars: int = 16, **options: object) -> Composition:
    brief = make_brief(style, {"bars": bars, **options})
    [played] = play(find_agent("prior").made(), brief, (), [seed])
    return decode(brief, seed, played.actions)


# --- the shipped ones -------------------------------------------------------------------------------------------------


def test_every_style_has_its_prior() -> None:
    assert list(shipped_priors()) == FAMILIES


@pytest.mark.parametrize("style", FAMILIES)
def test_a_shipped_prior_plays_its_style(style: str) -> None:
    prior, found = load_prior(style), load_style(style)
    assert prior.durations == durations_of(found) and prior.is_for(found) and has_prior(found)
    assert prior.network.mode == mode_of(found)
    assert prior.details["part"] == "judge"
    test = prior.details["test"]
    assert test["best_ngram"] - test["prior"] >= 0.3
    piece = piece_of(style)
    assert piece.bars == 16 and 1.5 < len(piece.notes) / piece.bars < 14
    assert piece == piece_of(style) != piece_of(style, seed=1)


def test_a_style_with_other_lengths_has_none() -> None:
    data = load_style("jazz").to_dict() | {"durations": {"quarter": 12, "half": 24}}
    assert not has_prior(style_from_dict(data))


def test_an_unknown_prior_is_told_with_the_nearest() -> None:
    with pytest.raises(RlcomposeError, match="did you mean 'fiddle'"):
        load_prior("fidle")


def test_a_lower_temperature_plays_likelier_events() -> None:
    style = load_style("jazz")
    means = []
    for temperature in (0.5, 1.0, 1.5):
        agent = PriorAgent([(load_prior("jazz"), 1.0)], style, temperature=temperature)
        engine, logs = engine_of("jazz", 8, 16), []
        draw = np.random.default_rng(0)
        while not engine.state.done.any():
            probabilities = agent.log_probs(engine.state.obs)
            actions = agent.act(engine, draw.random(16))
            logs.append(probabilities[np.arange(16), actions].mean())
            engine.step(actions)
        means.append(np.mean(logs))
    assert means[0] > means[1] > means[2]


# --- several as one ---------------------------------------------------------------------------------------------------


def test_a_mix_is_the_weighted_product() -> None:
    jazz, fiddle = load_style("jazz"), load_style("fiddle")
    seen = engine_of("jazz").state.obs
    alone = [PriorAgent([(load_prior(name), 1.0)], jazz).log_probs(seen) for name in ("jazz", "fiddle")]
    both = mixed_agent({"jazz": 3.0, "fiddle": 1.0}, jazz, SOLO).log_probs(seen)
    np.testing.assert_allclose(both, 0.75 * alone[0] + 0.25 * alone[1], atol=1e-6)
    np.testing.assert_allclose(np.exp(alone[0]).sum(1), 1.0, atol=1e-5)
    # A jazz length that fiddle tunes have not is unlikely for their prior, one that both have is not.
    voice = Voice.of(load_prior("fiddle"), jazz)
    lengths = dict(zip(durations_of(jazz), voice.columns, strict=True))
    assert lengths[48] == -1 and durations_of(fiddle)[lengths[6]] == 6


def test_mixes_are_read_and_mistakes_told() -> None:
    assert parse_mix("jazz=.6, fiddle=.2") == {"jazz": pytest.approx(0.75), "fiddle": pytest.approx(0.25)}
    assert parse_mix("jazz,fiddle") == {"jazz": 0.5, "fiddle": 0.5}
    assert leader_of({"jazz": 0.3, "fiddle": 0.7}) == "fiddle" and leader_of(parse_mix("jazz,fiddle")) == "jazz"
    assert is_mix("jazz=1") and not is_mix("jazz")
    for text in ("jazz=x", "jazz=0", "jazz=-1", "=1", "jazz,,fiddle", "jazz=inf"):
        with pytest.raises(RlcomposeError, match="is no style with a weight"):
            parse_mix(text)
    with pytest.raises(RlcomposeError, match="names 'jazz' twice"):
        parse_mix("jazz=1,jazz=2")
    with pytest.raises(RlcomposeError, match="did you mean 'fiddle'"):
        mixed_agent(parse_mix("jazz=1,fidle=1"), load_style("jazz"))


def test_no_theme_where_solos_were_learned() -> None:
    with pytest.raises(RlcomposeError, match="the music of 'jazz' is solos"):
        mixed_agent({"jazz": 1.0}, load_style("jazz"), THEME)
    assert mixed_agent({"fiddle": 1.0}, load_style("fiddle"), SOLO).mode == SOLO


def test_a_theme_returns_and_a_solo_does_not() -> None:
    brief = make_brief("fiddle", {"bars": 16, "chords": "[A] D | G | D | A\n[B] D | G | A | D", "form": "AABB"})

    def likeness(mode: str) -> float:
        agent = mixed_agent({"fiddle": 1.0}, brief.style, mode)
        found = []
        for played in play(agent, brief, (), range(24)):
            notes = decode(brief, played.seed, played.actions).notes
            one, two = ({(n.onset - at, n.pitch) for n in notes if at <= n.onset < at + 192} for at in (0, 192))
            found.append(len(one & two) / max(1, len(one | two)))
        return float(np.mean(found))

    assert likeness(THEME) > 0.3 > likeness(SOLO)


# --- trading ----------------------------------------------------------------------------------------------------------


class _Holds:
    """Plays one pitch in quarter notes."""

    def __init__(self, name: str, pitch: int) -> None:
        self.name, self.pitch = name, pitch

    def act(self, engine: Engine, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.full(engine.num_envs, action_of(engine.brief.style, self.pitch, 12))


def test_agents_trade_bars() -> None:
    brief = make_brief("jazz", {"bars": 12, "key": "C", "meter": "4/4"})
    agent = TradingAgent([_Holds("low", 0), _Holds("high", 7)], 4)
    assert agent.name == "low-high"
    [played] = play(agent, brief, (), [0])
    notes = decode(brief, 0, played.actions).notes
    tonic = notes[0].pitch
    assert [note.pitch - tonic for note in notes] == [0] * 16 + [7] * 16 + [0] * 16


def test_priors_of_two_styles_trade_in_one_piece() -> None:
    style = load_style("jazz")
    agent = trading_agent("jazz,fiddle", 2, style)
    agent.temperature = 0.7
    assert [each.temperature for each in agent.agents if isinstance(each, PriorAgent)] == [0.7, 0.7]
    [played] = play(agent, make_brief(style, {"bars": 8}), (), [0])
    assert played.actions
    for names, says in (("jazz", "trading needs two or more"), ("jazz,nobody", "is no style with a prior")):
        with pytest.raises(RlcomposeError, match=says):
            trading_agent(names, 4, style)


# --- like a given piece -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def source() -> Composition:
    return piece_of("fiddle", seed=5, key="G", meter="4/4", tempo=104)


def test_a_piece_like_another_keeps_what_it_is_made_of(source: Composition) -> None:
    style = load_style("fiddle")
    composer = like(source, style)
    piece = composer.compose(0).composition
    assert (piece.key, piece.meter, piece.tempo, piece.bars) == (source.key, source.meter, source.tempo, source.bars)
    assert [span.chord for span in piece.chords] == [span.chord for span in source.chords]
    assert shared_runs([piece], [source])[0].notes <= LONGEST_COPY
    assert piece.notes != source.notes
    assert composer.compose(0).actions == like(source, style).compose(0).actions != composer.compose(1).actions


def test_it_is_liker_than_what_the_prior_plays_there(source: Composition) -> None:
    style = load_style("fiddle")
    brief = brief_like(source, style)
    alone = [decode(brief, p.seed, p.actions) for p in play(find_agent("prior").made(), brief, (), range(12))]
    mine = [like(source, style).compose(seed).composition for seed in range(2)]
    assert distances(mine, source).mean() < distances(alone, source).mean()


def test_learning_from_a_piece_makes_it_likelier_and_leaves_the_prior(source: Composition) -> None:
    from rlcompose.corpus.entry import SourcePiece
    from rlcompose.prior.events import events_of

    style, prior = load_style("fiddle"), load_prior("fiddle")
    events = events_of([SourcePiece(source, "one", "one", "")], style)
    before = likelihood(prior.network, events).total
    assert likelihood(adapted(prior, source, style, steps=10).network, events).total < before - 0.05
    assert likelihood(prior.network, events).total == before


def test_the_judge_says_whose_style_a_piece_is(source: Composition) -> None:
    assert style_of(source) in ("fiddle", "german_folk")
