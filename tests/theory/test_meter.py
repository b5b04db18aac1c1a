"""Metres; expected ticks counted by hand at 12 a quarter note, so 6 an eighth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcompose.errors import RlcomposeError
from rlcompose.theory.meter import TICKS_PER_QUARTER, Meter


@pytest.mark.parametrize(
    ("name", "bar_ticks", "beat_ticks", "num_beats"),
    [
        ("2/4", 24, 12, 2),
        ("3/4", 36, 12, 3),
        ("4/4", 48, 12, 4),
        ("5/4", 60, 12, 5),
        ("2/2", 48, 24, 2),
        ("3/2", 72, 24, 3),
        ("6/8", 36, 18, 2),
        ("9/8", 54, 18, 3),
        ("12/8", 72, 18, 4),
        ("3/8", 18, 6, 3),
        ("7/8", 42, 6, 7),
    ],
)
def test_bar_and_beat_have_their_length(name: str, bar_ticks: int, beat_ticks: int, num_beats: int) -> None:
    meter = Meter.parse(name)
    assert (meter.bar_ticks, meter.beat_ticks, meter.num_beats) == (bar_ticks, beat_ticks, num_beats)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("2/4", [3, 1]),
        ("3/4", [3, 1, 1]),
        ("4/4", [3, 1, 2, 1]),
        ("2/2", [3, 2]),
        ("6/8", [3, 2]),
        ("9/8", [3, 1, 1]),
        ("12/8", [3, 1, 2, 1]),
    ],
)
def test_beats_have_their_metrical_weight(name: str, weights: list[int]) -> None:
    # The usual accents of simple and compound metres, as any rudiments book has them.
    meter = Meter.parse(name)
    assert [meter.strength(beat * meter.beat_ticks) for beat in range(meter.num_beats)] == weights


def test_place_between_beats_has_no_weight() -> None:
    assert Meter(4, 4).strength(6) == 0
    assert Meter(6, 8).strength(12) == 0


def test_weight_is_the_same_in_every_bar() -> None:
    assert Meter(4, 4).strength(48 + 24) == Meter(4, 4).strength(24)


@pytest.mark.parametrize("name", ["", "4", "4/3", "0/4", "17/4", "4/16", "four/4", "-4/4"])
def test_wrong_metre_is_told_with_what_is_allowed(name: str) -> None:
    with pytest.raises(RlcomposeError, match="allowed are"):
        Meter.parse(name)


@given(st.integers(1, 16), st.sampled_from([2, 4, 8]))
def test_bar_holds_whole_beats_and_one_downbeat(numerator: int, denominator: int) -> None:
    meter = Meter(numerator, denominator)
    weights = [meter.strength(tick) for tick in range(meter.bar_ticks)]
    assert meter.num_beats * meter.beat_ticks == meter.bar_ticks == numerator * 4 * TICKS_PER_QUARTER // denominator
    assert sum(weight > 0 for weight in weights) == meter.num_beats
    assert weights.count(3) == 1
    assert Meter.parse(meter.name) == meter
