"""Working on a piece: what is outside stays, what is given begins it, the best of several is kept."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest

from rlcompose import load_style
from rlcompose.agent import find_agent, play
from rlcompose.brief import make_brief
from rlcompose.codec import Event, action_of, decode
from rlcompose.composing import Composer, opening
from rlcompose.errors import RlcomposeError
from rlcompose.passage import Landing, gap_in
from rlcompose.piece import Piece
from rlcompose.reward import weigh_terms
from rlcompose.score import ChordSpan, Composition, Note
from rlcompose.theory.chord import parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

JAZZ, FIDDLE = load_style("jazz"), load_style("fiddle")


def composer(agent: str, style: str, **options: object) -> Composer:
    return Composer.of(find_agent(agent).made(), make_brief(style, options))


def outside(piece: Piece, first: int, last: int) -> list[Event]:
    performance = piece.performance()
    bar_ticks = performance.composition.meter.bar_ticks
    return [e for e in performance.events if not (first - 1) * bar_ticks <= e.onset < last * bar_ticks]


# --- replacing bars ---


@pytest.mark.parametrize("case", range(100))
def test_every_event_outside_replaced_bars_is_identical(case: int) -> None:
    rng = np.random.default_rng(case)
    style = ("jazz", "fiddle")[case % 2]
    bars = int(rng.integers(2, 17))
    first = int(rng.integers(1, bars + 1))
    last = int(rng.integers(first, bars + 1))
    source = composer(("random", "greedy")[case // 2 % 2], style, bars=bars).compose(case)
    editor = composer(("greedy", "random")[case // 4 % 2], style)
    try:
        changed = editor.replace_bars(source, (first, last), seed=case)
    except RlcomposeError as error:
        assert "no event begins in bars" in str(error)
        assert outside(source, first, last) == list(source.performance().events)
        return
    assert outside(changed, first, last) == outside(source, first, last)
    assert changed.performance().composition.chords == source.composition.chords


def test_the_new_bars_are_new_and_reproducible() -> None:
    editor = composer("random", "jazz", bars=8)
    source = editor.compose(5)
    once, again, other = (editor.replace_bars(source, (3, 6), seed=seed) for seed in (0, 0, 1))
    assert once.actions == again.actions
    assert len({source.actions, once.actions, other.actions}) == 3


def test_an_event_that_reaches_into_the_bars_is_kept_whole() -> None:
    # One 4/4 bar of rest but for a half note on beat 4 that lies over the bar line, then quarters.
    brief = make_brief(JAZZ, {"bars": 4, "chords": "C | F | G | C", "register": 60})
    rest, long, short = (action_of(JAZZ, *event) for event in ((None, 36), (0, 24), (4, 12)))
    piece = Piece(brief, 0, (rest, long, *[short] * 11), (), "me")
    changed = composer("random", "jazz").replace_bars(piece, (2, 2), seed=1)
    events = changed.performance().events
    assert Event(36, 24, 60) in events  # sounds until tick 60, twelve ticks into bar 2
    assert [e for e in events if 48 <= e.onset < 60] == []


def test_an_event_that_reaches_out_of_the_bars_is_replaced_by_one_that_reaches_as_far() -> None:
    brief = make_brief(JAZZ, {"bars": 3, "chords": "C | F | G", "register": 60})
    quarter, half = action_of(JAZZ, 4, 12), action_of(JAZZ, 0, 24)
    piece = Piece(brief, 0, (*[quarter] * 7, half, *[quarter] * 3), (), "me")  # the half note begins at 84
    for seed in range(20):
        events = composer("random", "jazz").replace_bars(piece, (2, 2), seed=seed).performance().events
        assert [e.onset for e in events if e.onset >= 96] == [108, 120, 132]
        assert max(e.onset + e.ticks for e in events if e.onset < 96) == 108


def test_a_leap_to_the_note_kept_is_never_wider_than_the_style_allows() -> None:
    # The note after the gap lies at the top: with fiddle's widest leap the way there must be climbed.
    brief = make_brief(FIDDLE, {"bars": 3, "key": "D", "meter": "4/4", "register": 62})
    quarter = (action_of(FIDDLE, pitch, 12) for pitch in [0] * 4 + [0, 7, 12, 19] + [26] * 4)
    piece = Piece(brief, 0, tuple(quarter), (), "me")
    for seed in range(30):
        changed = composer("random", "fiddle").replace_bars(piece, (1, 2), seed=seed)
        notes = changed.composition.notes
        assert notes[-4:] == piece.composition.notes[-4:]
        assert max(abs(b.pitch - a.pitch) for a, b in zip(notes, notes[1:], strict=False)) <= FIDDLE.widest_leap


def test_an_illegal_action_outside_stays_the_rest_that_it_was() -> None:
    brief = make_brief(FIDDLE, {"bars": 2, "key": "D", "meter": "4/4", "register": 62})
    low, high = action_of(FIDDLE, 0, 12), action_of(FIDDLE, 26, 12)  # 26 semitones: wider than the style's 19
    piece = Piece(brief, 0, (low, low, low, low, high, *[low] * 4), (), "me")
    assert piece.performance().events[4] == Event(48, 3, None)
    for seed in range(20):
        events = composer("random", "fiddle").replace_bars(piece, (1, 1), seed=seed).performance().events
        assert [e for e in events if e.onset >= 48] == list(piece.performance().events[4:])


def test_beam_search_plans_to_the_landing() -> None:
    source = composer("random", "fiddle", bars=6).compose(1)
    beam = Composer(find_agent("beam").made({"width": 8}), source.brief, weigh_terms(FIDDLE.rewards))
    changed = beam.replace_bars(source, (3, 4))
    assert outside(changed, 3, 4) == outside(source, 3, 4)
    greedy = composer("greedy", "fiddle").replace_bars(source, (3, 4))
    total = {name: piece.performance().rewards.sum() for name, piece in (("beam", changed), ("greedy", greedy))}
    assert total["beam"] >= total["greedy"]


def test_bars_of_any_composition_are_replaced() -> None:
    music = composer("greedy", "jazz", bars=4).compose(3).composition
    changed = composer("random", "jazz").replace_bars(music, (2, 3)).composition
    assert [n for n in changed.notes if n.onset < 48] == [n for n in music.notes if n.onset < 48]
    assert [n for n in changed.notes if n.onset >= 144] == [n for n in music.notes if n.onset >= 144]
    assert (changed.key, changed.chords, changed.tempo) == (music.key, music.chords, music.tempo)


def test_a_composition_with_notes_that_would_be_lost_is_refused() -> None:
    notes = (Note(0, 60, 12), Note(12, 120, 12))
    chords = (ChordSpan(0, 96, parse_chord("C")),)
    music = Composition(notes, chords, Key(0, "major"), Meter(4, 4), 2, 120, "jazz", title="Tall")
    with pytest.raises(RlcomposeError, match=r"1 note \(C9 in bar 1\) of 'Tall' cannot be played in style 'jazz'"):
        composer("random", "jazz").replace_bars(music, (2, 2))
    assert composer("random", "jazz").replace_bars(music, (1, 1)).composition.bars == 2


@pytest.mark.parametrize("bars", [(0, 1), (3, 2), (2, 5)])
def test_bars_that_are_not_there_are_named(bars: tuple[int, int]) -> None:
    editor = composer("random", "jazz", bars=4)
    with pytest.raises(RlcomposeError, match=rf"bars {bars[0]}-{bars[1]} are not in the piece: allowed are 1-4"):
        editor.replace_bars(editor.compose(0), bars)


def test_a_piece_of_another_style_is_refused() -> None:
    with pytest.raises(RlcomposeError, match="the piece is in style 'fiddle', the agent in 'jazz'"):
        composer("random", "jazz").replace_bars(composer("random", "fiddle", bars=2).compose(), (1, 1))


def test_a_landing_counts_the_most_events_by_hand() -> None:
    # Lengths 2, 3, 4, 6, 8, 9, 12, …; only events that begin before 9. From 8 a 4 lands; from 6 a 6, or a 2 and a 4;
    # from 7 only a 5 would; from 5 a 3 and a 4; from 0 four times 2, and a 4.
    assert [ticks for _, ticks in JAZZ.durations if ticks <= 12] == [2, 3, 4, 6, 8, 9, 12]
    most = Landing.of(JAZZ, tick=12, end=9, pitch=None).most
    assert most.tolist() == [5, 4, 4, 3, 3, 2, 2, -1, 1, -1, -1, -1, 0]


# --- going on from a motif ---


def motif(pitches: list[int], ticks: int = 6, bars: int = 1) -> Composition:
    notes = tuple(Note(i * ticks, pitch, ticks) for i, pitch in enumerate(pitches))
    return Composition(notes, (), Key(2, "minor"), Meter(4, 4), bars, 133, "mine")


@pytest.mark.parametrize("agent", ["random", "greedy"])
def test_a_piece_goes_on_from_a_motif(agent: str) -> None:
    start = motif([62, 64, 65, 69, 67])
    going_on = composer(agent, "jazz", bars=8).starting_from(start)
    for seed in range(5):
        music = going_on.compose(seed).composition
        assert music.notes[:5] == start.notes
        assert len(music.notes) > 5 and music.bars == 8
        assert (music.key, music.meter, music.tempo) == (start.key, start.meter, start.tempo)


def test_the_last_note_of_a_motif_does_not_reach_beyond_it() -> None:
    # 30 ticks to the bar line are no length of the style's; 36 would be cut to them, but only where the piece ends.
    notes = (Note(0, 62, 18), Note(18, 65, 30))
    start = Composition(notes, (), Key(2, "minor"), Meter(4, 4), 1, 133, "mine")
    music = composer("random", "jazz", bars=4).starting_from(start).compose(1).composition
    assert music.notes[:2] == (Note(0, 62, 18), Note(18, 65, 24))


def test_the_piece_with_a_motif_comes_again_from_its_document() -> None:
    piece = composer("random", "jazz", bars=4).starting_from(motif([62, 64, 65])).compose(7)
    assert decode(piece.brief, piece.seed, piece.actions) == piece.composition
    again = make_brief("jazz", piece.brief.options.to_dict())
    assert decode(again, piece.seed, piece.actions) == piece.composition


def test_a_pinned_key_says_in_which_key_the_motif_is() -> None:
    start = motif([62, 64, 65])
    music = composer("greedy", "jazz", bars=4, key="F", tempo=90).starting_from(start).compose().composition
    assert music.key == Key(5, "major") and music.tempo == 90
    assert music.notes[:3] == start.notes


def test_a_pinned_register_says_where_the_motifs_tonic_lies() -> None:
    start = motif([62, 64, 65])  # in D: the tonic from 48 on is 50
    going_on = composer("greedy", "jazz", bars=4, register=48).starting_from(start)
    assert going_on.brief.register == (50, 50)
    assert going_on.compose().composition.notes[:3] == start.notes


def test_a_chart_says_in_which_key_the_motif_is(caplog: pytest.LogCaptureFixture) -> None:
    brief = make_brief("jazz", {"chords": "key: Eb\nEb^7 | Cm7 | Fm7 | Bb7"})
    with caplog.at_level(logging.WARNING):
        longer, _ = opening(brief, motif([62, 64, 65]))
    assert longer.options.key == Key(3, "major")
    assert "the beginning is read in Eb major, where the chart is, and not in D minor" in caplog.text


def test_a_mode_that_the_style_has_not_gives_way_to_the_same_signature(caplog: pytest.LogCaptureFixture) -> None:
    assert "mixolydian" not in make_brief("jazz").keys
    mixolydian = replace(motif([67, 69, 71, 65]), key=Key(7, "mixolydian"))
    with caplog.at_level(logging.WARNING):
        longer, _ = opening(make_brief("jazz", {"bars": 8}), mixolydian)
    assert longer.options.key is not None and Key.parse("G mixolydian").fifths == 0
    assert isinstance(longer.options.key, Key) and longer.options.key.fifths == 0
    assert "not in G mixolydian" in caplog.text


def test_notes_that_the_style_cannot_play_are_named(caplog: pytest.LogCaptureFixture) -> None:
    brief = make_brief("jazz", {"bars": 4})
    with caplog.at_level(logging.WARNING):
        _, actions = opening(brief, motif([62, 64, 120, 65]))
    assert "1 note (C9 in bar 1) of the beginning cannot be played in style 'jazz': left out" in caplog.text
    assert actions


def test_a_motif_that_fills_the_piece_is_refused() -> None:
    with pytest.raises(RlcomposeError, match="the beginning fills 2 bars and the piece has 1: pin more with bars"):
        composer("random", "jazz", bars=1).starting_from(motif([62] * 16, bars=2))
    with pytest.raises(RlcomposeError, match="fills 1 bars and the piece has 1"):
        composer("random", "jazz", bars=1).starting_from(motif([62] * 8))


def test_an_empty_motif_is_refused() -> None:
    with pytest.raises(RlcomposeError, match="has no note that the style can play"):
        composer("random", "jazz").starting_from(motif([]))


# --- the best of several ---


def test_the_best_of_n_is_the_best_of_its_takes() -> None:
    random = composer("random", "jazz", bars=8)
    singles = play(random.agent, random.brief, random.terms, [3] * 8, takes=range(8))
    best = random.compose(3, best_of=8)
    assert best.performance().rewards.sum() == pytest.approx(max(single.total for single in singles))
    assert len({single.actions for single in singles}) == 8
    assert singles[0].actions == random.compose(3).actions
    assert len({(decode(random.brief, 3, s.actions).key, s.seed) for s in singles}) == 1


def test_the_best_of_none_is_refused() -> None:
    with pytest.raises(RlcomposeError, match="the best of 0 pieces is none: allowed are 1 and more"):
        composer("random", "jazz").compose(best_of=0)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5])
def test_a_seed_that_is_none_is_refused(seed: int) -> None:
    random = composer("random", "jazz", bars=2)
    piece = random.compose()
    told = r"seed .* allowed are 0 to 9223372036854775807"
    with pytest.raises(RlcomposeError, match=told):
        random.compose(seed)
    with pytest.raises(RlcomposeError, match=told):
        random.replace_bars(piece, (1, 1), seed=seed)


def test_gaps_without_events_are_told() -> None:
    brief = make_brief(JAZZ, {"bars": 4, "chords": "C | F | G | C", "register": 60})
    whole = action_of(JAZZ, 0, 48)
    held = Piece(brief, 0, (action_of(JAZZ, 0, 36), whole, whole, whole), (), "me")  # 0, 36, 84, 132
    assert gap_in(held, 1, 1).before == ()
    rests = Piece(brief, 0, (action_of(JAZZ, None, 48),) * 4, (), "me")
    assert gap_in(rests, 2, 3).landing is not None
