"""The terms that ask whether it is a piece, values counted by hand; a bar of 4/4 has 48 ticks."""

from __future__ import annotations

import pytest

from rlcompose.testing import melody, term_values

FOUR_BARS = "C | % | % | %"


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4:48", [0, 0, -1, -1]),  # the docstring's example: three bars of rest
        ("C4:12", [0, 0, -1, -1, -0.75]),  # rests of 48, 48, 48 and 36 ticks; the first bar is free
        ("-:48 -:48 C4:48 C4:48", [0, -1, 0, 0]),  # at the beginning, too
        ("C4:48 -:48 C4:48 -:48", [0, 0, 0, 0]),
        ("C4:48 C4:48 C4:48 C4:48", [0, 0, 0, 0]),
    ],
)
def test_present_melody(notes: str, values: list[float]) -> None:
    assert term_values("present_melody", melody(notes, chords=FOUR_BARS)) == values


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4:2 D4", [0, -1]),
        ("C4:2 D4:3", [0, -0.5]),  # a sixteenth
        ("C4:3 D4", [0, 0]),
        ("C4:4 D4", [0, 0]),
        ("C4:2 C4:2 D4", [0, -2 / 6, 0]),  # back on the grid
        ("C4:2 -:2 D4", [0, 0, 0]),  # rests do not begin anything
        ("C4:8 C4:9 D4", [0, 0, -1]),  # 17 ticks: 5 after a beat
    ],
)
def test_on_the_grid(notes: str, values: list[float]) -> None:
    assert term_values("on_the_grid", melody(notes))[: len(values)] == values


@pytest.mark.parametrize(
    ("tempo", "values"),
    [
        (120, [0, 0, 0, 0, -1, -1]),  # four bars of two seconds
        (60, [0, 0, -1, -1, -1, -1]),  # two bars of four
        (150, [0, 0, 0, 0, 0, -1]),  # five bars of 1.6
        (100, [0, 0, 0, -32 / 48, -1, -1]),  # 8 seconds are 160 ticks, 3 1/3 bars
    ],
)
def test_playable_breath(tempo: int, values: list[float]) -> None:
    piece = melody("C4:48 D4:48 E4:48 F4:48 G4:48 A4:48", tempo=tempo)
    assert term_values("playable_breath", piece) == values


def test_rest_gives_breath() -> None:
    piece = melody("C4:48 D4:48 E4:48 F4:36 - G4:48 A4:48", tempo=120)
    assert not any(term_values("playable_breath", piece))


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4:24 D4:24", 1),  # the docstring's example: a half note on the third beat
        ("C4:48", 1),
        ("C4:24", 1),  # on the first beat, then rests
        ("C4:36 D4", 0),  # on the fourth
        ("C4:36 D4:6 E4:6", -1),  # off the beat
        ("C4:24 -:6 D4:18", -1),
        ("C4:48 -:48", -1),  # a bar of silence
        ("-:48", -1),
    ],
)
def test_clean_ending(notes: str, value: float) -> None:
    *others, last = term_values("clean_ending", melody(notes))
    assert last == value
    assert not any(others)


@pytest.mark.parametrize(
    ("notes", "chords", "value"),
    [
        ("D4:24 C4:24", "C", 1),  # the docstring's examples
        ("D4:24 E4:24", "C", 0.75),
        ("D4:36 D4:6 C4:6", "C", 0),
        ("D4:24 D4:24", "C", 0.5),  # in the scale
        ("D4:24 C#4:24", "C", 0),  # outside
        ("D4:36 D4:6 C#4:6", "C", -1),
        ("D4:36 C4:6 -:6", "C", 1),  # an eighth and a rest have room for a beat
        ("D4:24 -:6 C4:18", "C", 0),  # begins off the beat
        ("D4:24 C4:24", "F", 1),  # the tonic, whatever the chord
        ("D4:24 A4:24", "F", 0.75),
        ("-:48", "C", -1),
    ],
)
def test_held_ending(notes: str, chords: str, value: float) -> None:
    *others, last = term_values("held_ending", melody(notes, chords=chords))
    assert last == value
    assert not any(others)
