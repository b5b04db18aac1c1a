"""What a term can ask the moment for, by hand-made rows."""

from __future__ import annotations

import numpy as np
import pytest

from rlcompose.brief import make_brief
from rlcompose.codec import action_of
from rlcompose.engine.core import Engine
from rlcompose.engine.layout import (
    FIELD,
    MOMENT_FIELDS,
    NO_PITCH,
    NOTE_RING,
    NUM_FIELDS,
    NUM_NOTE_FIELDS,
    OBSERVATION_SIZE,
    PUBLIC_FIELDS,
)
from rlcompose.engine.moment import NO_NOTE, Moment, moment_names
from rlcompose.reward import WeightedTerm, make_term


def moment(**fields: int) -> Moment:
    now = [0] * NUM_FIELDS
    for name, value in fields.items():
        now[FIELD[name]] = value
    return Moment(now, [0] * OBSERVATION_SIZE, [0] * (NOTE_RING * NUM_NOTE_FIELDS))


def test_lengths_in_beats_and_in_pulses() -> None:
    # A quarter note is two thirds of a dotted quarter, the beat of 6/8; eighths are the pulse.
    m = moment(ticks=12, beat_ticks=18, pulse_ticks=6)
    assert m.beats == 2 / 3 and m.pulse_share == 1.0
    assert moment(ticks=3, beat_ticks=12, pulse_ticks=6).pulse_share == 0.5


def test_phrase_ends_with_its_last_bar_or_with_the_piece() -> None:
    m = moment(phrase_bars=4, bar_in_phrase=3, bar_ticks=48, tick_in_bar=24, total_ticks=480, onset=168, ticks=12)
    assert m.ticks_to_phrase_end == 24 and not m.ends_phrase
    assert moment(phrase_bars=4, bar_ticks=48, total_ticks=48, onset=36, tick_in_bar=36, ticks=12).ends_phrase


def test_scale_is_read_bit_by_bit_in_any_octave() -> None:
    # C D E G A: bits 0 2 4 7 9. F is 5, the B below the tonic -1.
    m = moment(scale=0b001010010101)
    assert [pitch for pitch in range(12) if m.is_in_scale(pitch)] == [0, 2, 4, 7, 9]
    assert m.is_in_scale(-12) and m.is_in_scale(-3) and m.is_in_scale(28) and not m.is_in_scale(-1)


@pytest.mark.parametrize(
    ("style", "key", "scale"), [("jazz", "C dorian", 0b011010101101), ("chinese_folk", "C", 0b001010010101)]
)
def test_scale_is_the_styles_in_the_pieces_mode(style: str, key: str, scale: int) -> None:
    # Dorian: 0 2 3 5 7 9 10; gong: 0 2 4 7 9.
    engine = Engine(make_brief(style, {"chords": "C", "key": key}), num_envs=2)
    engine.reset([0, 1])
    assert engine.field("scale").tolist() == [scale, scale]


def asks_by_pitch(m: Moment) -> float:
    chord = m.is_chord_tone(m.pitch) + 2 * m.is_guide_tone(4) + 4 * m.is_scale_tone(m.pitch + 12)
    return float(chord + 8 * m.is_in_scale(m.pitch) + 16 * m.is_in_scale(-1))


def test_methods_that_take_a_pitch_run_compiled() -> None:
    # Over C^7 in C major: E is the third; B below the tonic is in the scale.
    engine = Engine(
        make_brief("jazz", {"bars": 1, "chords": "C^7", "key": "C"}), [WeightedTerm(make_term(asks_by_pitch), 1.0)]
    )
    assert engine.python_terms == ()
    engine.reset([0])
    rewards = []
    for pitch in (0, 2, 1, 6):  # C, D, C#, F#
        engine.step(np.array([action_of(engine.brief.style, pitch, 12)]))
        rewards.append(float(engine.state.reward[0]))
    assert rewards == [1 + 2 + 4 + 8 + 16, 2 + 4 + 8 + 16, 2 + 16, 2 + 16]


def test_every_public_field_is_an_attribute() -> None:
    m = moment(**{name: number for number, name in enumerate(PUBLIC_FIELDS)})
    assert [getattr(m, name) for name in PUBLIC_FIELDS] == list(range(len(PUBLIC_FIELDS)))


def test_bookkeeping_is_no_attribute() -> None:
    assert not [name for name in MOMENT_FIELDS if name not in PUBLIC_FIELDS and name in moment_names()]
    with pytest.raises(AttributeError, match="no 'cursor'"):
        _ = moment().cursor


def test_misspelt_field_is_told_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match="no 'ptich': did you mean 'pitch'"):
        _ = moment().ptich


@pytest.mark.parametrize("rests", [0, 1, 3])
def test_previous_passes_rests_over_and_reaches_back_14_notes(rests: int) -> None:
    engine = Engine(make_brief("jazz", {"bars": 8, "range": (0, 127)}))
    engine.reset([0])
    style = engine.brief.style
    for pitch in range(20):
        engine.step(np.array([action_of(style, pitch, 6)]))
    for _ in range(rests):
        engine.step(np.array([action_of(style, None, 6)]))
    m = engine.moment()
    last = 18 if rests == 0 else 19  # under a note the one before, under a rest the last one
    assert [m.previous(k).pitch for k in range(1, 15)] == list(range(last, last - 14, -1))
    assert m.previous(15) == m.previous(0) == m.previous(-1) == NO_NOTE


def test_there_is_no_note_before_the_first() -> None:
    engine = Engine(make_brief("jazz", {"bars": 8}))
    engine.reset([0])
    engine.step(np.array([action_of(engine.brief.style, 0, 6)]))
    assert engine.moment().previous(1).ticks == 0 and engine.moment().previous(1).pitch == -99


def test_previous_note_tells_what_it_was() -> None:
    # In C over C major: E is a guide tone (3), four semitones above the root, on the strong beat 3 (2).
    brief = make_brief("jazz", {"bars": 1, "chords": "C", "register": 60, "tempo": 120})
    engine = Engine(brief)
    engine.reset([0])
    for pitch, ticks in ((0, 24), (4, 12), (7, 12)):
        engine.step(np.array([action_of(brief.style, pitch, ticks)]))
    assert engine.moment().previous(1) == (4, 12, 4, 24, 24, 2, 3, 4, NO_PITCH)


def test_chords_are_asked_by_pitch_in_any_octave() -> None:
    # D minor seventh is D F A C, its guide tones F and C; then G7 with B and F. Counted from C.
    engine = Engine(make_brief("jazz", {"bars": 2, "chords": "Dm7 | G7", "key": "C"}))
    engine.reset([0])
    m = engine.moment()
    assert [m.tone_of(pitch) for pitch in (2, -7, 9, 12, 1, 4)] == [2, 3, 2, 3, 0, 1]
    assert [m.next_tone_of(pitch) for pitch in (7, 11, -1, 5, 2)] == [2, 3, 3, 3, 2]
    assert m.is_chord_tone(14) and m.is_guide_tone(5) and not m.is_guide_tone(2) and m.is_scale_tone(4)
