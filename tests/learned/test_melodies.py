from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rlcompose.learned.layout import SLOT_OF_TICK
from rlcompose.learned.melodies import (
    Melodies,
    all_windows,
    bar_slots,
    bars_so_far,
    joined_melodies,
    make_melodies,
    to_slots,
    window_notes,
    windows_of,
)
from rlcompose.score import Composition
from rlcompose.theory.meter import Meter

Tune = Callable[..., Composition]


def test_triplets_move_to_the_nearest_sixteenth() -> None:
    # Ticks 0, 4, 8 of a quarter note are its triplet eighths: slots 0, 1, 2.
    assert to_slots(np.array([0, 4, 8, 12, 16, 20], np.int32)).tolist() == [0, 1, 2, 4, 5, 6]
    assert to_slots(np.array([3, 6, 9, 11], np.int32)).tolist() == [1, 2, 3, 4]
    assert all(abs(3 * slot - tick) <= 2 for tick, slot in enumerate(SLOT_OF_TICK))


@pytest.mark.parametrize(
    ("meter", "slots"), [("4/4", (16, 4)), ("2/4", (16, 4)), ("3/4", (12, 4)), ("6/8", (12, 6)), ("9/8", (18, 6))]
)
def test_two_bars_of_two_four_are_one(meter: str, slots: tuple[int, int]) -> None:
    assert bar_slots(Meter.parse(meter)) == slots


def test_pitches_count_from_the_tonic_and_of_two_notes_on_a_slot_the_first_stays(tune: Tune) -> None:
    made = make_melodies([tune([(0, 2, 62), (2, 2, 65), (4, 8, 69)], key="D major"), tune([(24, 12, 59)])])
    # Ticks 2 and 4 fall on one slot.
    assert made.onsets.tolist() == [0, 1, 8] and made.ends.tolist() == [1, 2, 12]
    assert [pitch % 12 for pitch in made.pitches.tolist()] == [0, 3, 11]
    assert made.pieces[:, :4].tolist() == [[0, 2, 1, 16], [2, 3, 1, 16]]


def test_windows_hold_the_notes_that_begin_in_them(tune: Tune) -> None:
    piece = tune([(48 * bar + 12 * beat, 12, 60 + bar) for bar in range(12) for beat in range(4)], bars=12)
    made = make_melodies([piece])
    [window] = windows_of(made, [0], [4], 2)
    onsets, ends, pitches = window_notes(made, window)
    assert onsets.tolist() == [0, 4, 8, 12, 16, 20, 24, 28] and ends[-1] == 32
    assert set(pitches.tolist()) == {4, 5}
    assert all_windows(made)[1].tolist() == [0, 4]
    growing = bars_so_far(made, 0)
    assert growing[:, 3].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8]
    assert growing[:, 2].tolist() == [0] * 8 + [16, 32, 48, 64]


def test_some_and_joined_melodies_are_the_same_music(melodies: Melodies) -> None:
    halves = [melodies.of(np.arange(20)), melodies.of(np.arange(20, 40))]
    again = joined_melodies(halves)
    assert np.array_equal(again.pieces, melodies.pieces)
    assert all(np.array_equal(one, two) for one, two in zip(again.arrays, melodies.arrays, strict=True))
    [piece] = melodies.of([7]).pieces
    assert piece[1] - piece[0] == melodies.pieces[7, 1] - melodies.pieces[7, 0]
