"""Pieces at a glance: as text and as pixels."""

from __future__ import annotations

import numpy as np

from rlcompose.codec import encode, perform
from rlcompose.reward import weigh_terms
from rlcompose.show import piano_roll, piece_text
from rlcompose.style import load_style
from rlcompose.testing import melody

BLUE, SHADE, LINE, WHITE = (0, 114, 178), (236, 240, 246), (190, 196, 206), (255, 255, 255)


def test_text_has_a_line_for_each_bar_with_chords_and_events() -> None:
    piece = melody("F4:24 -:12 A4:12 B4:48 C5:48", chords="Dm7 G7 | C^7", key="C")
    encoding = encode(piece, load_style("jazz"))
    text = piece_text(perform(encoding.brief, 0, encoding.actions, weigh_terms({"varied_pitch": 1.0})))
    assert text.splitlines() == [
        "jazz: chart, C major, 4/4, 120 bpm, 3 bars",
        "   1 | Dm7 G7           | F4:24 -:12 A4:12",
        "   2 | Cmaj7            | B4:48",
        "   3 | Dm7 G7           | C5:48",
        "return 0.000",
    ]


def test_text_ends_with_the_last_bar_that_was_begun() -> None:
    encoding = encode(melody("C4 -:36", chords="C | C"), load_style("jazz"))
    text = piece_text(perform(encoding.brief, 0, encoding.actions[:1]))
    assert [line[:6] for line in text.splitlines()] == ["jazz: ", "   1 |", "return"]
    assert len(piece_text(perform(encoding.brief, 0, [])).splitlines()) == 2


def test_black_keys_are_spelled_as_the_key_wants() -> None:
    for key, name in (("F", "Bb4"), ("B minor", "A#4")):
        encoding = encode(melody("Bb4:48", key=key), load_style("jazz"))
        assert name in piece_text(perform(encoding.brief, 0, encoding.actions))


def test_piano_roll_shows_notes_bar_lines_and_chords() -> None:
    image = piano_roll(melody("C4 - E4:24 C5:48", chords="C | F"))
    assert image.shape == ((60 + 12 + 2 - (60 - 2) + 1) * 6, 96, 3) and image.dtype == np.uint8
    # Rows count from the top, six for each semitone: C5 (72) is the third, C4 the third from below.
    middle_c, next_c = image[-3 * 6 + 3], image[2 * 6 + 3]
    assert tuple(middle_c[0]) == tuple(middle_c[10]) == BLUE and tuple(middle_c[11]) == WHITE
    assert tuple(next_c[50]) == BLUE and tuple(next_c[20]) == WHITE
    assert tuple(image[0, 48]) == LINE and tuple(image[0, 50]) == SHADE and tuple(image[0, 20]) == WHITE


def test_piano_roll_of_silence_is_an_octave_around_middle_c() -> None:
    assert piano_roll(melody("-", chords="C")).shape == ((12 + 2 * 2 + 1) * 6, 48, 3)


def test_repeated_notes_stay_apart() -> None:
    image = piano_roll(melody("C4 C4"))
    row = [tuple(pixel) == BLUE for pixel in image[-15]]
    assert row[:24] == ([True] * 11 + [False]) * 2
