"""Tunes as melodies of the task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rlcompose.corpus.sources import read_pieces
from rlcompose.errors import RlcomposeError
from rlcompose.rl_tuner.melodies import MIDDLE, melodies_of
from rlcompose.score import Composition, Note
from rlcompose.style import load_style
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

EIGHTH = 6  # ticks, an event in 4/4


def tune(notes: Sequence[tuple[float, int, float]], bars: int = 4, tonic: int = 0, **changes: Any) -> Composition:
    """Of (onset, pitch, length), times in eighths."""
    made = tuple(Note(round(onset * EIGHTH), pitch, round(length * EIGHTH)) for onset, pitch, length in notes)
    whole = Composition(
        notes=made, chords=(), key=Key(tonic, "major"), meter=Meter.parse("4/4"), bars=bars, tempo=100, style="fiddle"
    )
    return replace(whole, **changes)


SCALE: list[tuple[float, int, float]] = [(i, 60 + [0, 2, 4, 5, 7, 5, 4, 2][i % 8], 1) for i in range(32)]


def test_eighths_are_tokens() -> None:
    (melody,) = melodies_of(tune(SCALE))
    assert melody.tolist() == [14, 16, 18, 19, 21, 19, 18, 16] * 4
    assert melody.dtype == np.int64


def test_a_long_note_is_held_and_a_rest_is_one_note_off() -> None:
    notes = [*SCALE[:24], (24, 60, 3), (29, 62, 1), (31, 64, 1)]
    (melody,) = melodies_of(tune(notes))
    assert melody[24:].tolist() == [14, 0, 0, 1, 0, 16, 1, 18]


def test_every_key_is_read_in_c() -> None:
    for tonic in range(12):
        (melody,) = melodies_of(tune([(at, pitch + tonic, length) for at, pitch, length in SCALE], tonic=tonic))
        assert ((melody - melody[0]) == np.array([0, 2, 4, 5, 7, 5, 4, 2] * 4)).all()
        assert (melody[0] - 2) % 12 == 0
        assert abs(np.median(melody) + 46 - MIDDLE) <= 6


def test_a_note_between_two_events_moves_to_the_first_and_gives_way() -> None:
    moved = [*SCALE[:8], (8.5, 72, 0.5), *SCALE[10:]]
    (melody,) = melodies_of(tune(moved))
    assert melody[8] == 26
    ornament = [*SCALE[:8], (8, 60, 0.5), (8.5, 61, 0.5), *SCALE[9:]]
    (melody,) = melodies_of(tune(ornament))
    assert melody.tolist() == [14, 16, 18, 19, 21, 19, 18, 16] * 4
    quick: list[tuple[float, int, float]] = [(i / 2, 60 + i % 3, 0.5) for i in range(64)]
    assert not list(melodies_of(tune(quick)))


def test_a_melody_begins_every_second_bar_and_after_the_upbeat() -> None:
    bars = [(i, 60 + i % 7, 1.0) for i in range(9 * 8)]
    assert len(list(melodies_of(tune(bars, bars=9)))) == 3
    (first, *_) = melodies_of(tune(bars[7:], bars=9, pickup=EIGHTH))
    assert (np.diff(first[:4]) == np.diff([8 % 7, 9 % 7, 10 % 7, 11 % 7])).all()


def test_what_is_held_from_before_does_not_sound() -> None:
    notes = [*SCALE[:15], (15, 62, 4), *[(i, 60 + i % 7, 1.0) for i in range(19, 48)]]
    melodies = list(melodies_of(tune(notes, bars=6)))
    assert melodies[-1][:3].tolist() == [0, 0, 0] and melodies[-1][3] > 1


def test_no_melody_of_minor_of_few_notes_or_of_four_octaves() -> None:
    assert not list(melodies_of(tune(SCALE, key=Key(0, "minor"))))
    assert not list(melodies_of(tune(SCALE[:7])))
    assert not list(melodies_of(tune([*SCALE[:30], (30, 36, 1), (31, 90, 1)])))


def test_a_metre_without_eight_equal_events_is_told() -> None:
    with pytest.raises(RlcomposeError, match="5/4"):
        list(melodies_of(tune(SCALE, meter=Meter.parse("5/4"))))


def test_real_tunes_keep_their_intervals() -> None:
    pytest.importorskip("music21")
    found = 0
    for piece in read_pieces(load_style("fiddle"), "ryans", meter="4/4"):
        music = piece.composition
        for melody in melodies_of(music):
            found += 1
            heard = np.diff(melody[melody > 1])
            pitches = [note.pitch for note in music.notes]
            steps = {b - a for i, a in enumerate(pitches) for b in pitches[i + 1 : i + 4]}
            assert set(heard.tolist()) <= steps
        if found > 60:
            break
    assert found > 60
