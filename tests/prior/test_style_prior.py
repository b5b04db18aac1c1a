"""Learning a prior, from tunes that the tests make: events, network, likelihoods, matching, files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rlcompose.codec import decode
from rlcompose.corpus.entry import SourcePiece
from rlcompose.datasets import actions_of
from rlcompose.engine.core import Engine
from rlcompose.engine.layout import NUM_SLOTS
from rlcompose.errors import RlcomposeError
from rlcompose.prior.events import Events, decisions, events_of, is_for_validation, without_recall
from rlcompose.prior.form import SOLO, THEME, with_form
from rlcompose.prior.lstm import lstm_score
from rlcompose.prior.matching import match_statistics
from rlcompose.prior.model import Prior, copy_of, read_prior, save_prior
from rlcompose.prior.network import BARS_BACK, NUM_POINTERS, PriorNetwork, num_weights, read
from rlcompose.prior.ngrams import ngram_scores
from rlcompose.prior.players import PriorAgent, play_together
from rlcompose.prior.training import Settings, fit_prior, likelihood, parts_of
from rlcompose.score import Composition, Note
from rlcompose.sites import Site
from rlcompose.style import load_style
from rlcompose.theory.harmonise import harmonised
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

STYLE = load_style("fiddle")
DURATIONS = tuple(ticks for _, ticks in STYLE.durations)
SMALL = Settings(epochs=4, batch=128, hidden=48, dropout=0.0, input_dropout=0.0)


def tune(number: int) -> Composition:
    """A tune of two phrases, each played twice: scales and arpeggios in eighths, drawn from its number."""
    draw = np.random.default_rng(number)
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16])
    phrases = [scale[np.abs(np.cumsum(draw.choice([-2, -1, 1, 2], 32)) + 4) % 10] for _ in range(2)]
    pitches = np.concatenate([phrases[0], phrases[0], phrases[1], phrases[1]])
    key = Key(int(draw.integers(0, 12)), "major")
    notes = tuple(Note(6 * at, 62 + key.tonic % 5 + int(pitch), 6) for at, pitch in enumerate(pitches))
    notes = (*notes[:-1], Note(notes[-1].onset, 62 + key.tonic % 5, 6))
    return harmonised(Composition(notes, (), key, Meter(4, 4), 16, 110, "fiddle", title=f"tune {number}"))


def pieces(first: int, number: int) -> list[SourcePiece]:
    return [SourcePiece(tune(k), f"tune-{k}", f"tune-{k}", "made by the tests") for k in range(first, first + number)]


@pytest.fixture(scope="module")
def learned() -> Events:
    return events_of(pieces(0, 60), STYLE)


@pytest.fixture(scope="module")
def apart() -> Events:
    return events_of(pieces(100, 15), STYLE)


@pytest.fixture(scope="module")
def prior(learned: Events) -> Prior:
    return fit_prior(STYLE, learned, None, SMALL).prior


# --- events -----------------------------------------------------------------------------------------------------------


def test_events_are_what_was_seen_and_played() -> None:
    music = tune(3)
    observations, actions = decisions(music, STYLE)
    assert observations.shape == (len(actions), 278) and observations.dtype == np.int16
    slots, lengths = np.divmod(actions, len(DURATIONS))
    assert (slots > 0).sum() == len(music.notes)
    assert [DURATIONS[each] for each in lengths] == [6] * 128
    played = [slot - slots[0] for slot in slots]
    assert played == [note.pitch - music.notes[0].pitch for note in music.notes]


def test_a_split_keeps_families_together(learned: Events) -> None:
    train, held = parts_of(learned)
    assert len(train) + len(held) == len(learned) and 0 < len(held) < len(train)
    assert not set(train.families) & set(held.families)
    assert all(is_for_validation(family) for family in held.families)
    assert held.pieces.max() == len(held.names) - 1


def test_what_is_recalled_can_be_left_out(learned: Events) -> None:
    rows = np.zeros(len(learned), np.bool_)
    rows[: len(learned) // 2] = True
    changed = without_recall(learned.observations, rows)
    assert (changed[~rows] == learned.observations[~rows]).all()
    assert (changed != learned.observations).any()
    assert learned.observations[rows].any()


def test_music_that_the_style_cannot_play_is_told() -> None:
    wide = tuple(Note(12 * at, 20 if at % 2 else 110, 12) for at in range(16))
    music = Composition(wide, (), Key.parse("C"), Meter(4, 4), 4, 120, "fiddle")
    with pytest.raises(RlcomposeError, match="style 'fiddle' can play none of the pieces"):
        events_of([SourcePiece(music, "wide", "wide", "")], STYLE)


# --- the network ------------------------------------------------------------------------------------------------------


def test_log_probabilities_are_those_of_the_losses(learned: Events, prior: Prior) -> None:
    rows = np.arange(0, len(learned), 37)
    observations = torch.from_numpy(learned.observations[rows])
    slots, lengths = torch.from_numpy(learned.slots[rows]), torch.from_numpy(learned.lengths[rows])
    with torch.no_grad():
        logs = prior.network(observations)
        of_pitch, of_length = prior.network.losses(prior.network.read(observations), slots, lengths)
    assert logs.shape == (len(rows), NUM_SLOTS * len(DURATIONS))
    torch.testing.assert_close(logs.exp().sum(1), torch.ones(len(rows)))
    chosen = logs[torch.arange(len(rows)), slots * len(DURATIONS) + lengths]
    torch.testing.assert_close(-chosen, of_pitch + of_length, rtol=1e-4, atol=1e-4)


def test_pointers_point_at_what_was_played_bars_ago() -> None:
    music = tune(5)
    observations, actions = decisions(music, STYLE)
    slots, _ = np.divmod(actions, len(DURATIONS))
    pointed = read(torch.from_numpy(observations))["head"][:, -2 * NUM_POINTERS :].view(-1, NUM_POINTERS, 2)
    for number, bars in enumerate(BARS_BACK):
        back = 8 * bars  # eighths
        found = pointed[:, 2 + number, 0].numpy()
        wanted = np.concatenate([np.zeros(back, np.int64), slots[:-back] + 1])
        np.testing.assert_array_equal(found, wanted)
    recalled = pointed[:, 1, 0].numpy()
    returning = [section.bar for section in with_form(music, STYLE).sections]
    assert returning == [0, 4, 8, 12]
    np.testing.assert_array_equal(recalled[32:64], slots[:32] + 1)


def test_a_solo_recalls_nothing(learned: Events) -> None:
    solo, theme = (PriorNetwork(DURATIONS, mode, 16).eval() for mode in (SOLO, THEME))
    observations = torch.from_numpy(learned.observations[200:230])
    blind = torch.from_numpy(without_recall(learned.observations[200:230], np.ones(30, np.bool_)))
    with torch.no_grad():
        torch.testing.assert_close(solo(observations), solo(blind))
        assert not torch.allclose(theme(observations), theme(blind))


def test_transposed_music_is_foreseen_alike(prior: Prior) -> None:
    music = tune(7)
    up = Composition(
        tuple(Note(note.onset, note.pitch + 2, note.ticks) for note in music.notes),
        tuple(type(span)(span.onset, span.ticks, span.chord.transposed(2)) for span in music.chords),
        Key((music.key.tonic + 2) % 12, "major"),
        *(music.meter, music.bars, music.tempo, music.style),
    )
    (seen, played), (seen_up, played_up) = (decisions(each, STYLE) for each in (music, up))
    np.testing.assert_array_equal(played, played_up)
    # But for the range of the instrument nothing differs.
    assert (seen != seen_up).any(axis=0).sum() <= 2


def test_a_network_for_the_styles_has_about_half_a_million_weights() -> None:
    assert 400_000 < num_weights(PriorNetwork(DURATIONS)) < 700_000


# --- learning ---------------------------------------------------------------------------------------------------------


def test_the_prior_foresees_more_than_ngrams(learned: Events, apart: Events, prior: Prior) -> None:
    best = ngram_scores(learned, apart, len(DURATIONS))[0]
    assert likelihood(prior.network, apart).total < best.total - 0.2


def test_ngrams_are_ordered_and_probabilities(learned: Events, apart: Events) -> None:
    scores = ngram_scores(learned, apart, len(DURATIONS))
    assert len(scores) == 10 and [s.total for s in scores] == sorted(s.total for s in scores)
    assert {score.order for score in scores} == {0, 1, 2, 3, 4}
    assert all(0 < score.pitch < np.log(NUM_SLOTS) for score in scores)


def test_unigrams_are_counted_by_hand() -> None:
    def events(slots: list[int]) -> Events:
        count = len(slots)
        return Events(
            np.zeros((count, 278), np.int16),
            np.array(slots),
            np.zeros(count, np.int64),
            np.zeros(count, np.int64),
            ("one",),
            ("one",),
        )

    [zero] = [s for s in ngram_scores(events([5, 5, 5, 9]), events([5, 9]), 2) if (s.order, s.aware_of) == (0, "key")]
    # Witten and Bell: (count + new * 1/44) / (all + new), where 4 events were of 2 kinds.
    wanted = -np.log([(3 + 2 / NUM_SLOTS) / 6, (1 + 2 / NUM_SLOTS) / 6]).mean()
    assert zero.pitch == pytest.approx(wanted)


def test_the_same_seed_gives_the_same_weights(learned: Events) -> None:
    settings = Settings(epochs=1, batch=256, hidden=16)
    first, second = (fit_prior(STYLE, learned, None, settings).prior.network.state_dict() for _ in range(2))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_learning_ends_when_the_music_apart_is_foreseen_no_better(learned: Events, apart: Events) -> None:
    told: list[int] = []
    settings = Settings(epochs=30, patience=2, batch=64, hidden=64, rate=0.02, dropout=0.0, input_dropout=0.0)
    few = learned.of(lambda family: family in learned.families[:6])
    fitted = fit_prior(STYLE, few, apart, settings, lambda epoch, found, seconds: told.append(epoch))
    totals = [each.total for each in fitted.history]
    assert told == list(range(1, len(totals) + 1)) and len(totals) < 30
    assert likelihood(fitted.prior.network, apart).total == pytest.approx(min(totals))


def test_interrupted_learning_keeps_the_best(learned: Events, apart: Events) -> None:
    def stop(epoch: int, found: Any, seconds: float) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    fitted = fit_prior(STYLE, learned, apart, SMALL, stop)
    assert fitted.interrupted and len(fitted.history) == 2


def test_the_lstm_learns_the_same_events(learned: Events, apart: Events) -> None:
    told = []
    found, seconds = lstm_score(STYLE, learned, apart, lambda epoch, each, _: told.append(each.total), epochs=3)
    assert told[-1] == found.total < told[0] and seconds > 0


# --- its own music ----------------------------------------------------------------------------------------------------


def test_matching_brings_the_statistics_nearer_to_real_ones(prior: Prior) -> None:
    sites = []
    for piece in pieces(0, 10):
        brief, actions, _ = actions_of(with_form(piece.composition, STYLE), STYLE)
        sites.append(Site(piece.name, piece.group, 0, brief, actions))
    disturbed = copy_of(prior)
    with torch.no_grad():
        disturbed.network.pitch.bias[0].add_(4.0)  # rests, of which the tunes have none
    before = {name: value.clone() for name, value in disturbed.network.state_dict().items()}
    told: list[int] = []
    matched = match_statistics(disturbed, STYLE, sites, 6, lambda number, gap: told.append(number))
    assert told == [1, 2, 3, 4, 5, 6]

    def rests(each: Prior) -> float:
        played = play_together(PriorAgent([(each, 1.0)], STYLE), [site.brief for site in sites], [7] * len(sites))
        return float(np.mean([action < len(DURATIONS) for actions in played for action in actions]))

    assert rests(matched) < 0.5 * rests(disturbed)
    assert all(torch.equal(value, before[name]) for name, value in disturbed.network.state_dict().items())
    changed = {n for n, value in matched.network.state_dict().items() if not torch.equal(value, before[n])}
    assert changed == {"pitch.bias", "length.bias", "rest_lengths"}


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_prior_comes_back_from_its_folder(prior: Prior, apart: Events, tmp_path: Path) -> None:
    save_prior(tmp_path / "mine", Prior("fiddle", prior.network, {"pieces": 60}))
    again = read_prior(tmp_path / "mine")
    assert again.style == "fiddle" and again.details == {"pieces": 60} and again.durations == DURATIONS
    lost = likelihood(again.network, apart).total - likelihood(prior.network, apart).total
    assert abs(lost) < 0.005  # half precision


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("layout_id", "compose-v9-0", "was made for layout_id 'compose-v9-0', here it is"),
        ("environment", "rlcompose/Compose-v9", "was made for environment"),
        ("kind", "judge", "was made for kind 'judge'"),
        ("hidden", 32, "do not fit the network"),
        ("durations", [6, 12], "do not fit the network"),
    ],
)
def test_a_prior_for_something_else_is_refused(
    prior: Prior, tmp_path: Path, key: str, value: object, says: str
) -> None:
    save_prior(tmp_path, prior)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(config | {key: value}), encoding="utf-8")
    with pytest.raises(RlcomposeError, match=says):
        read_prior(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_damaged_file_is_told(prior: Prior, tmp_path: Path, name: str) -> None:
    save_prior(tmp_path, prior)
    (tmp_path / name).write_bytes(b"x" * 10)
    with pytest.raises(RlcomposeError, match=str(tmp_path)):
        read_prior(tmp_path)


def test_pieces_of_a_prior_are_legal_and_end(prior: Prior) -> None:
    briefs = [decisions_brief(k) for k in range(4)]
    agent = PriorAgent([(prior, 1.0)], STYLE)
    for brief, actions in zip(briefs, play_together(agent, briefs, [0, 1, 2, 3]), strict=True):
        piece = decode(brief, 0, actions)
        assert piece.bars == 16 and len(piece.notes) > 16
    again = play_together(agent, briefs, [0, 1, 2, 3])
    assert again == play_together(agent, briefs, [0, 1, 2, 3])


def decisions_brief(number: int) -> Any:
    return actions_of(tune(number), STYLE)[0]


def test_engine_and_network_agree_on_the_width() -> None:
    engine = Engine(decisions_brief(0))
    engine.reset([0])
    network = PriorNetwork(DURATIONS, THEME, 16).eval()
    with torch.no_grad():
        assert network(torch.from_numpy(engine.state.obs)).shape == engine.state.mask.shape
