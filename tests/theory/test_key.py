"""Keys; expected signatures from the circle of fifths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcompose.errors import RlcomposeError
from rlcompose.theory.key import MODES, Key


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Bb", "Bb major"),
        ("Bb major", "Bb major"),
        ("Bb Major", "Bb major"),
        ("F# minor", "F# minor"),
        ("Dm", "D minor"),
        ("C-", "C minor"),
        ("E♭m", "Eb minor"),
        ("CM", "C major"),
        ("D dorian", "D dorian"),
        ("A mix", "A mixolydian"),
        (" G ", "G major"),
    ],
)
def test_key_is_read_as_musicians_write_it(text: str, name: str) -> None:
    assert Key.parse(text).name == name


@pytest.mark.parametrize(
    ("name", "fifths"),
    [
        ("C", 0),
        ("G", 1),
        ("D", 2),
        ("B", 5),
        ("F", -1),
        ("Bb", -2),
        ("Db", -5),
        ("Gb", -6),
        ("A minor", 0),
        ("E minor", 1),
        ("F# minor", 3),
        ("G# minor", 5),
        ("C minor", -3),
        ("Eb minor", -6),
        ("D dorian", 0),
        ("E dorian", 2),
        ("G mixolydian", 0),
        ("A mixolydian", 2),
        ("D mixolydian", 1),
    ],
)
def test_key_signature_counts_sharps_up_and_flats_down(name: str, fifths: int) -> None:
    assert Key.parse(name).fifths == fifths


def test_minor_is_the_natural_minor_scale() -> None:
    # A minor is played on the white keys from A: A B C D E F G.
    assert Key.parse("A minor").scale == (0, 2, 3, 5, 7, 8, 10)


@pytest.mark.parametrize("name", ["", "H", "C blah", "minor", "c major"])
def test_wrong_key_is_an_error(name: str) -> None:
    with pytest.raises(RlcomposeError):
        Key.parse(name)


def test_wrong_mode_is_told_with_the_nearest() -> None:
    with pytest.raises(RlcomposeError, match="did you mean 'minor'"):
        Key.parse("C minr")


@given(st.integers(0, 11), st.sampled_from(MODES))
def test_name_of_a_key_is_read_back(tonic: int, mode: str) -> None:
    key = Key(tonic, mode)
    assert Key.parse(key.name) == key


@given(st.integers(0, 11), st.sampled_from(MODES))
def test_scale_lies_on_the_fifths_of_the_signature(tonic: int, mode: str) -> None:
    # A diatonic scale is seven neighbours on the circle of fifths, from one below the major tonic to five above it.
    key = Key(tonic, mode)
    expected = {(7 * (key.fifths + place)) % 12 for place in range(-1, 6)}
    assert {(tonic + step) % 12 for step in key.scale} == expected


def test_order_of_the_modes_never_changes() -> None:
    # Models observe the mode as its place in this order: a mode may only be added at the end.
    assert MODES[:4] == ("major", "minor", "dorian", "mixolydian")
