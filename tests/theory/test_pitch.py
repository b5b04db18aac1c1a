"""Note names; expected numbers from the MIDI convention that C4, middle C, is 60."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcompose.errors import RlcomposeError
from rlcompose.theory.pitch import parse_pitch, parse_pitch_class, pitch_class_name, pitch_name


@pytest.mark.parametrize(
    ("name", "pitch"),
    [("C4", 60), ("Bb3", 58), ("A4", 69), ("F#5", 78), ("C-1", 0), ("G9", 127), ("E♭4", 63), ("F♯4", 66)],
)
def test_pitch_has_its_midi_number(name: str, pitch: int) -> None:
    assert parse_pitch(name) == pitch


def test_octave_number_belongs_to_the_letter() -> None:
    # In scientific pitch notation Cb4 sounds as B3 and B#3 as C4.
    assert parse_pitch("Cb4") == 59
    assert parse_pitch("B#3") == 60


@pytest.mark.parametrize(
    ("name", "pitch_class"), [("C", 0), ("F#", 6), ("Gb", 6), ("F##", 7), ("Bbb", 9), ("Cb", 11), ("B#", 0), ("A♭", 8)]
)
def test_accidentals_move_the_letter(name: str, pitch_class: int) -> None:
    assert parse_pitch_class(name) == pitch_class


@pytest.mark.parametrize("name", ["", "H", "c", "C###", "C#b", "C4", "♯"])
def test_wrong_note_name_is_told_with_what_is_allowed(name: str) -> None:
    with pytest.raises(RlcomposeError, match="letter A to G"):
        parse_pitch_class(name)


@pytest.mark.parametrize("name", ["C", "C4.5", "4", "G#9", "Cb-1"])
def test_wrong_pitch_is_an_error(name: str) -> None:
    with pytest.raises(RlcomposeError):
        parse_pitch(name)


def test_black_keys_are_spelled_as_asked() -> None:
    assert pitch_class_name(10) == "Bb"
    assert pitch_class_name(10, flats=False) == "A#"


@given(st.integers(0, 127), st.booleans())
def test_name_of_a_pitch_is_read_back(pitch: int, flats: bool) -> None:
    assert parse_pitch(pitch_name(pitch, flats)) == pitch
