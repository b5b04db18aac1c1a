"""Swing is written straight and sounds long-short; reading it back gives what was written."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcompose.score import Note
from rlcompose.swing import (
    SOUNDING,
    even_beats,
    ride_ratio,
    soloist_delay,
    sounding_ticks,
    straighten,
    swing,
    swing_ratio,
)

SIXTEENTHS = (0, 3, 6, 9)
TRIPLETS = (0, 4, 8)


def melody(*onsets: int, end: int = 48) -> tuple[Note, ...]:
    """Legato notes at these ticks."""
    return tuple(Note(onset, 60, until - onset) for onset, until in pairwise([*onsets, end]))


def onsets(notes: tuple[Note, ...]) -> list[int]:
    return [note.onset for note in notes]


@st.composite
def straight_melodies(draw: st.DrawFn) -> tuple[Note, ...]:
    """Beats of sixteenths, or of triplets whose second note is heard; notes end on the grid, by the next one."""
    grid: list[int] = []
    starts: list[int] = []
    for beat in range(draw(st.integers(1, 8))):
        is_triplet = draw(st.booleans())
        places = TRIPLETS if is_triplet else SIXTEENTHS
        chosen = draw(st.sets(st.sampled_from(places), min_size=0 if not is_triplet else 1))
        if is_triplet:
            chosen.add(4)
        grid += [12 * beat + place for place in places]
        starts += [12 * beat + place for place in sorted(chosen)]
    grid.append(grid[-1] // 12 * 12 + 12)
    notes = []
    for start, limit in pairwise([*starts, grid[-1]]):
        end = draw(st.sampled_from([tick for tick in grid if start < tick <= limit]))
        notes.append(Note(start, draw(st.integers(48, 84)), end - start))
    return tuple(notes)


performed_melodies = st.sets(st.integers(0, 95), min_size=1).map(lambda ticks: melody(*sorted(ticks), end=96))


@given(straight_melodies())
def test_reading_a_swung_melody_gives_the_written_one(written: tuple[Note, ...]) -> None:
    assert straighten(swing(written)) == written


@given(performed_melodies)
def test_reading_keeps_every_note_its_pitch_and_its_order(performed: tuple[Note, ...]) -> None:
    written = straighten(performed)
    assert [note.pitch for note in written] == [note.pitch for note in performed]
    assert all(earlier.end <= later.onset for earlier, later in pairwise(written))
    assert all(abs(new.onset - old.onset) <= 2 for new, old in zip(written, performed, strict=True))


def test_offbeat_eighths_are_delayed_to_the_third_triplet() -> None:
    assert onsets(swing(melody(0, 6, 12, 18))) == [0, 8, 12, 20]


@pytest.mark.parametrize("late", [7, 8])
def test_an_onset_at_seven_or_eight_is_read_as_the_offbeat_eighth(late: int) -> None:
    assert straighten(melody(0, late, 12)) == melody(0, 6, 12)


@pytest.mark.parametrize("triplet", [(0, 4, 8), (0, 5, 8), (4, 7)])
def test_a_triplet_is_read_as_a_triplet(triplet: tuple[int, ...]) -> None:
    assert straighten(melody(*triplet)) == melody(*triplet)


def test_running_sixteenths_stay_even_and_so_does_all_that_sounds_with_them() -> None:
    notes = melody(0, 3, 6, 9, 12, 18)
    assert onsets(swing(notes)) == [0, 3, 6, 9, 12, 20]
    assert even_beats(notes) == {0}
    assert [sounding_ticks(tick, 2.0, even_beats(notes)) for tick in (6, 12, 18, 24)] == [6, 12, 20, 24]


def test_triplet_beats_are_even_and_rests_and_long_notes_are_not() -> None:
    assert even_beats(melody(0, 4, 8, 12, 30, 44)) == {0, 3}


def test_two_onsets_never_fall_on_one_tick() -> None:
    assert onsets(straighten(melody(0, 2, 3, 7, 8, 9))) == [0, 2, 3, 6, 7, 8]


def test_a_beat_keeps_its_bounds_at_any_ratio() -> None:
    for ratio in (1.0, 1.5, 2.0, 3.5):
        assert [sounding_ticks(tick, ratio, ()) for tick in (0, 12, 24)] == [0, 12, 24]
    assert sounding_ticks(6, 3.0, ()) == 9  # 3:1 is a dotted eighth and a sixteenth


def test_whole_ticks_are_those_of_the_ratio_two_to_one() -> None:
    assert all(abs(sounding_ticks(tick, 2.0, ()) - whole) <= 0.5 for tick, whole in enumerate(SOUNDING))


def test_swing_is_widest_at_slow_tempi_and_gone_at_three_hundred() -> None:
    for curve, widest in ((ride_ratio, 3.5), (swing_ratio, 2.0)):
        ratios = [curve(bpm) for bpm in range(60, 400, 10)]
        assert ratios == sorted(ratios, reverse=True)
        assert ratios[0] == widest
        assert curve(300) == curve(390) == 1.0
    # On the line from (120, 3.5) to (300, 1), by hand: 3.5 - 2.5 * 144 / 180 = 1.5.
    assert ride_ratio(264) == pytest.approx(1.5)


def test_a_soloist_thirty_milliseconds_late_meets_the_ride_on_the_off_beat() -> None:
    # At 200 a beat is 300 ms, the ride's long eighth, 2.39:1, 211.5 of them; the soloist's 181.5 stand against 118.5.
    assert soloist_delay(200) == 0.03
    assert swing_ratio(200) == pytest.approx(181.5 / 118.5, abs=2e-3)
    # At 280 little is left of swing: 1.28:1 is 120.2 ms of 214.3, so that he can be 13 ms late and even.
    assert soloist_delay(280) == pytest.approx(0.0131, abs=1e-4) and swing_ratio(280) == pytest.approx(1.0)


def test_no_notes_swing_to_no_notes() -> None:
    assert swing(()) == straighten(()) == ()
