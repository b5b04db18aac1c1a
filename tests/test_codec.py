"""Actions are events and events are actions, and a composition survives being turned into actions and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlcompose.brief import Brief, make_brief
from rlcompose.codec import (
    action_of,
    action_space,
    action_table,
    checked_action,
    decode,
    encode,
    event_of,
    num_actions,
    observation_space,
    perform,
)
from rlcompose.engine.core import Engine
from rlcompose.errors import RlcomposeError
from rlcompose.reward import weigh_terms
from rlcompose.score import Composition, Note
from rlcompose.style import load_style, style_names
from rlcompose.testing import melody
from rlcompose.theory.key import Key

JAZZ = load_style("jazz")


def random_piece(brief: Brief, seed: int) -> tuple[list[int], Composition]:
    """Random legal actions to the end of a piece, and the composition they make."""
    engine = Engine(brief)
    engine.reset([seed])
    rng = np.random.default_rng(seed)
    actions = []
    while not engine.state.done[0]:
        actions.append(int(rng.choice(np.flatnonzero(engine.state.mask[0]))))
        engine.step(np.array(actions[-1:]))
    return actions, decode(brief, seed, actions)


@pytest.mark.parametrize("style", style_names())
def test_every_action_is_an_event_and_back(style: str) -> None:
    loaded = load_style(style)
    events = [event_of(loaded, action) for action in range(num_actions(loaded))]
    assert len(set(events)) == num_actions(loaded) == action_space(loaded).n
    assert [action_of(loaded, pitch, ticks) for pitch, ticks in events] == list(range(num_actions(loaded)))


def test_actions_are_numbered_as_the_documentation_says() -> None:
    # Slot 0 is the rest, slot 13 the tonic; jazz has 11 durations, a quarter note is number 6 of them.
    assert action_of(JAZZ, None, 2) == 0
    assert action_of(JAZZ, -12, 2) == 11
    assert action_of(JAZZ, 0, 12) == 13 * 11 + 6
    assert (num_actions(JAZZ), num_actions(load_style("fiddle"))) == (484, 352)


def test_table_of_actions_has_a_row_for_each_slot() -> None:
    lines = action_table(JAZZ).splitlines()
    assert len(lines) == 2 + 44
    assert lines[2].startswith("| rest | 0 | 1 | 2 |") and lines[15].startswith("| +0 | 143 |")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: action_of(JAZZ, 0, 7), r"7 ticks is no duration of style 'jazz': allowed are \[2, 3, 4, 6"),
        (lambda: action_of(JAZZ, 31, 6), "pitch 31 is outside the window: allowed are -12 to 30"),
        (lambda: event_of(JAZZ, 484), "action 484 does not exist: allowed are 0 to 483"),
        (lambda: event_of(JAZZ, -1), "action -1 does not exist: allowed are 0 to 483"),
        (lambda: checked_action(JAZZ, 2.7), "action 2.7 is not a whole number: allowed are 0 to 483"),
        (lambda: checked_action(JAZZ, "3"), "action '3' is not a whole number"),
        (lambda: checked_action(JAZZ, None), "action None is not a whole number"),
        (lambda: checked_action(JAZZ, 500), "action 500 does not exist"),
        (lambda: observation_space("float64"), "dtype 'float64' is not known: allowed are float32, int16"),
        (lambda: perform(make_brief("jazz", {"bars": 1}), 0, [10, 10]), "the piece ends after 1 actions, but more"),
    ],
)
def test_wrong_number_is_told_with_what_is_allowed(call: Any, message: str) -> None:
    with pytest.raises(RlcomposeError, match=message):
        call()


@pytest.mark.parametrize("action", [np.int64(5), np.int8(5), np.array(5), 5])
def test_whole_number_of_any_kind_is_an_action(action: Any) -> None:
    assert checked_action(JAZZ, action) == 5 and type(checked_action(JAZZ, action)) is int


@pytest.mark.parametrize("style", style_names())
@pytest.mark.parametrize("seed", range(12))
def test_composition_survives_encoding_and_decoding(style: str, seed: int) -> None:
    bars = (32, 7, 13)[seed % 3]  # whole forms and cut ones
    _, piece = random_piece(make_brief(style, {"bars": bars}), seed)
    encoding = encode(piece, load_style(style))
    assert encoding.dropped == ()
    assert decode(encoding.brief, 0, encoding.actions) == piece


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_melody_is_encoded_with_each_note_kept_or_told(data: st.DataObject) -> None:
    """Awkward on purpose: notes a tick apart, at any pitch, anywhere, in any key."""
    bars = data.draw(st.integers(1, 3))
    onsets = sorted(data.draw(st.sets(st.integers(0, bars * 48 - 1), max_size=40)))
    notes = []
    for onset, following in zip(onsets, [*onsets[1:], bars * 48], strict=False):
        pitch = data.draw(st.integers(0, 127))
        notes.append(Note(onset, pitch, data.draw(st.integers(1, following - onset))))
    key = Key(data.draw(st.integers(0, 11)), "major")
    piece = replace(melody("-", chords="C | F | G"), notes=tuple(notes), bars=3, key=key)
    for style in (JAZZ, load_style("fiddle")):
        encoding = encode(piece, style)
        performance = perform(encoding.brief, 0, encoding.actions, weigh_terms({}))
        kept = [note for note in piece.notes if note not in encoding.dropped]
        played = performance.composition.notes
        assert [note.pitch for note in played] == [note.pitch for note in kept]
        assert all(abs(a.onset - b.onset) <= 1 for a, b in zip(played, kept, strict=True))
        assert not performance.account[:, -1].any(), "no action is illegal"
        assert performance.events[-1].onset + performance.events[-1].ticks == piece.total_ticks


def test_empty_piece_is_encoded_as_rests() -> None:
    encoding = encode(melody("-", chords="C | F"), JAZZ)
    assert [event_of(JAZZ, action) for action in encoding.actions] == [(None, 48), (None, 48)]


def test_note_a_tick_after_another_is_dropped_and_told() -> None:
    # The shortest duration has two ticks, so of three notes a tick apart the middle one goes.
    piece = melody("C4:1 D4:1 E4:10")
    encoding = encode(piece, JAZZ)
    assert encoding.dropped == (Note(1, 62, 1),)
    played = decode(encoding.brief, 0, encoding.actions).notes
    assert [(note.onset, note.pitch) for note in played] == [(0, 60), (2, 64)]


def test_onset_that_no_durations_meet_moves_by_one_tick() -> None:
    # A rest of one tick does not exist.
    encoding = encode(melody("-:1 C4:12"), JAZZ)
    (note,) = decode(encoding.brief, 0, encoding.actions).notes
    assert encoding.dropped == () and abs(note.onset - 1) == 1 and note.pitch == 60


def test_notes_outside_the_window_are_dropped_and_told() -> None:
    # The window spans 43 semitones; four octaves and a third do not fit, so the two of four that agree stay.
    encoding = encode(melody("C4 E4 D4 E8"), JAZZ)
    assert [note.pitch for note in encoding.dropped] == [112]


def test_leap_that_the_style_forbids_is_dropped_and_told() -> None:
    # The fiddle leaps at most 19 semitones; C4 to C6 are 24.
    encoding = encode(melody("C4 D4 C6 D4 E4", style="fiddle"), load_style("fiddle"))
    assert [note.pitch for note in encoding.dropped] == [84]


def test_held_note_becomes_the_longest_length_and_a_rest() -> None:
    # 66 ticks to the next note: the longest length, 48, then rests.
    piece = melody("C4:48 -:18 D4")
    held = replace(piece, notes=(Note(0, 60, 66), *piece.notes[1:]))
    encoding = encode(held, JAZZ)
    assert [event_of(JAZZ, action)[1] for action in encoding.actions[:3]] == [48, 18, 12]


def test_chord_that_goes_on_into_the_next_chorus_is_one_span() -> None:
    brief = make_brief("jazz", {"bars": 4, "chords": "C | G7 C", "key": "C"})
    spans = decode(brief, 0, []).chords
    # C a bar, G7 half a bar, C half a bar and the bar after it, G7, C.
    assert [(span.onset, span.ticks) for span in spans] == [(0, 48), (48, 24), (72, 72), (144, 24), (168, 24)]


def test_unfinished_piece_leaves_the_rest_empty() -> None:
    brief = make_brief("jazz", {"bars": 2, "chords": "C", "key": "C", "register": 60})
    piece = decode(brief, 0, [action_of(JAZZ, 4, 12)])
    assert piece.notes == (Note(0, 64, 12),) and piece.total_ticks == 96


def test_rewards_of_a_performance_are_those_of_the_environment_to_the_last_bit() -> None:
    brief = make_brief("jazz", {"bars": 16})
    terms = weigh_terms(JAZZ.rewards)
    actions, _ = random_piece(brief, 3)
    performance = perform(brief, 3, actions, terms)
    engine = Engine(brief, terms)
    engine.reset([3])
    rewards = []
    for action in actions:
        engine.step(np.array([action]))
        rewards.append(engine.state.reward[0])
    assert performance.rewards.tolist() == rewards
    assert perform(brief, 3, [], terms).rewards.shape == (0,)


def test_transposed_brief_transposes_the_piece_and_pays_the_same() -> None:
    rng = np.random.default_rng(1)
    actions = [action_of(JAZZ, int(pitch), 6) for pitch in rng.integers(-12, 25, 64)]
    played = [
        perform(make_brief(JAZZ, {"bars": 8, "progression": "ii_v_i", **place}), 0, actions, weigh_terms(JAZZ.rewards))
        for place in (
            {"key": "C", "register": 60, "range": (48, 90)},
            {"key": "A", "register": 57, "range": (45, 87)},
        )
    ]
    assert [n.pitch - 3 for n in played[0].composition.notes] == [n.pitch for n in played[1].composition.notes]
    assert played[0].account.tolist() == played[1].account.tolist()
    transposed = [span.chord.transposed(-3) for span in played[0].composition.chords]
    assert transposed == [span.chord for span in played[1].composition.chords]


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_observation_space_is_batched_by_rows(dtype: str) -> None:
    one, many = observation_space(dtype), observation_space(dtype, 5)
    assert one.shape is not None and many.shape == (5, *one.shape) and many.dtype == one.dtype == np.dtype(dtype)
    assert (many.low == one.low).all() and (many.high == one.high).all()
