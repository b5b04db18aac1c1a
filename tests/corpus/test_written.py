"""From bars as they are written to a composition on the grid: counted by hand on a few notes of ABC."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from rlcompose.corpus.abc import read_tune
from rlcompose.corpus.keys import estimate_key
from rlcompose.corpus.written import WrittenBar, WrittenTune, compose_written, lay_out, play_order
from rlcompose.errors import RlcomposeError
from rlcompose.score import Composition
from rlcompose.style import load_style
from rlcompose.theory.meter import Meter

FIDDLE = load_style("fiddle")
CHORALE = load_style("chorale")


def tune(music: str, meter: str = "4/4", key: str = "G", unit: str = "1/8") -> WrittenTune:
    return read_tune(f"X:1\nT:Test\nM:{meter}\nL:{unit}\nK:{key}\n{music}\n")


def composed(music: str, meter: str = "4/4", unit: str = "1/8", expand: bool = False) -> Composition:
    return compose_written(tune(music, meter, unit=unit), FIDDLE, expand_repeats=expand)[0]


def onsets(piece: Composition) -> list[int]:
    return [note.onset for note in piece.notes]


def letters(bars: list[WrittenBar]) -> str:
    """The bars by their first notes, C is A and so on, so that an order can be read."""
    return "".join({60: "A", 62: "B", 64: "C", 65: "D", 67: "E"}[bar.notes[0][2]] for bar in bars)


def test_quarter_note_is_twelve_ticks() -> None:
    piece = composed("G2 A B/c/ z d3|G8|")
    assert [(note.onset, note.ticks, note.pitch) for note in piece.notes[:4]] == [
        (0, 12, 67),
        (12, 6, 69),
        (18, 3, 71),
        (21, 3, 72),
    ]
    assert (piece.bars, piece.key.name, piece.meter.name, piece.title) == (2, "G major", "4/4", "Test")


def test_tempo_is_the_sources_or_the_middle_of_the_styles() -> None:
    assert composed("G8|").tempo == 115  # fiddle has 100 to 130
    fast = replace(tune("G8|"), tempo=Fraction(181, 2))
    assert compose_written(fast, FIDDLE)[0].tempo == 90


def test_upbeat_is_kept() -> None:
    piece = composed("D2|G8|A6|")
    assert (piece.pickup, piece.bars) == (12, 3)
    assert onsets(piece) == [36, 48, 96]


def test_upbeat_of_the_second_strain_completes_the_last_bar_of_the_first() -> None:
    piece = composed("D2|G8|A6:|D2|G8|A6|]")
    assert onsets(piece) == [36, 48, 96, 132, 144, 192] and piece.bars == 5
    assert [(section.label, section.bar, section.bars) for section in piece.sections] == [("A", 0, 3), ("B", 3, 2)]


def test_upbeat_after_a_whole_bar_has_a_bar_of_its_own() -> None:
    piece = composed("G8|A8||D2|G8|A8|]")
    assert onsets(piece) == [0, 48, 132, 144, 192]


def test_short_bar_at_the_end_of_a_strain_is_filled_with_silence() -> None:
    assert onsets(composed("D2|G8|A6:|G8|A8|]")) == [36, 48, 96, 144, 192]


def test_one_bar_of_another_length_in_eight_is_filled_up() -> None:
    piece = composed("G8|G8|G8|G7|G8|G8|G8|G8|")
    assert onsets(piece) == [0, 48, 96, 144, 192, 240, 288, 336]


def test_more_of_them_are_told() -> None:
    with pytest.raises(RlcomposeError, match="too many bars have not the length of the metre: 2 of 8 in 4/4"):
        composed("G8|G5|G8|G7|G8|G8|G8|G8|")


def test_lost_bar_line_does_no_harm() -> None:
    starts, total, irregular = lay_out(tune("G8G8|A8|").bars, Fraction(4))
    assert ([float(start) for start in starts], float(total), irregular) == ([0.0, 8.0], 12.0, 0)


def test_repeats_are_played_once_unless_asked_for() -> None:
    bars = tune("C8|D8:|:E8|F8:|", key="C").bars
    assert letters(play_order(bars, expand_repeats=False)) == "ABCD"
    assert letters(play_order(bars, expand_repeats=True)) == "ABABCDCD"


def test_last_ending_is_taken_and_both_when_repeated() -> None:
    bars = tune("|:C8|1D8:|2E8||F8|]", key="C").bars
    assert letters(play_order(bars, expand_repeats=False)) == "ACD"
    assert letters(play_order(bars, expand_repeats=True)) == "ABACD"


def test_two_strains_with_endings_each() -> None:
    bars = tune("C8|1D8:|2E8:|:F8|1D8:|2G8:|", key="C").bars
    assert letters(play_order(bars, expand_repeats=True)) == "ABACDBDE"


def test_repeated_strain_keeps_its_letter() -> None:
    piece = composed("G8|A8:|:B8|c8:|", expand=True)
    assert [(s.label, s.bar, s.bars) for s in piece.sections] == [("A", 0, 2), ("A", 2, 2), ("B", 4, 2), ("B", 6, 2)]


def test_chords_hold_until_the_next_and_none_is_no_chord() -> None:
    piece = composed('G2"Am"G6|"D7"A8|')
    assert [(s.onset, s.ticks, s.chord.symbol) for s in piece.chords] == [
        (0, 12, "N.C."),
        (12, 36, "Am"),
        (48, 48, "D7"),
    ]
    assert [s.chord.symbol for s in composed("G8|").chords] == ["N.C."]


@pytest.mark.parametrize(
    ("meter", "unit", "music", "wanted", "ticks"),
    [
        ("2/2", "1/8", "G4A4|", "4/4", [24, 24]),
        ("4/2", "1/2", "GABc|", "4/4", [12, 12, 12, 12]),
        ("2/4", "1/16", "GABcdefg|", "4/4", [6, 6, 6, 6, 6, 6, 6, 6]),
        ("6/4", "1/4", "GABcde|", "6/8", [6, 6, 6, 6, 6, 6]),
        ("4/8", "1/8", "GABc|", "4/4", [12, 12, 12, 12]),
    ],
)
def test_metre_is_read_at_another_speed_to_become_the_styles(
    meter: str, unit: str, music: str, wanted: str, ticks: list[int]
) -> None:
    piece = composed(music, meter, unit)
    assert piece.meter.name == wanted and [note.ticks for note in piece.notes] == ticks


def test_other_metres_are_told_unless_they_are_asked_for() -> None:
    waltz = tune("G6|", "3/4")
    with pytest.raises(RlcomposeError, match="the metre 3/4 is not used: allowed are 4/4, 6/8"):
        compose_written(waltz, FIDDLE)
    with pytest.raises(RlcomposeError, match="the metre 2/4 is not used"):
        compose_written(tune("G2A2|", "2/4"), FIDDLE)  # in eighths: doubled, it would crawl
    assert compose_written(waltz, FIDDLE, Meter(3, 4))[0].meter == Meter(3, 4)


@pytest.mark.parametrize(
    ("music", "meter", "told"),
    [
        ("G8|[M:3/4]G6|", "4/4", "its metre changes: 4/4, 3/4"),
        ("G8|", "none", "it has no metre"),
        ("z8|", "4/4", "it has no notes"),
        ("G8|" * 1025, "4/4", "it is too long: 1025 bars, allowed are 1024"),
    ],
)
def test_what_cannot_be_used_is_told(music: str, meter: str, told: str) -> None:
    with pytest.raises(RlcomposeError, match=told):
        composed(music, meter)


def test_notes_that_fall_on_one_tick_are_counted() -> None:
    # 64ths are three quarters of a tick: of four, one shares its tick with another.
    piece, lost = compose_written(tune("G1/8A1/8B1/8c1/8 z/ G7|"), FIDDLE)
    assert lost == 1 and [note.pitch for note in piece.notes] == [67, 69, 71, 67]


def test_key_is_estimated_where_there_is_none() -> None:
    piece, _ = compose_written(replace(tune("D2F2A2^c2|d2A2F2D2|", key="Dm"), key=None), FIDDLE)
    assert piece.key.name == "D minor"


def test_scale_of_every_major_key_is_recognised() -> None:
    for tonic in range(12):
        notes = [(60 + tonic + step, 1) for step in (0, 2, 4, 5, 7, 9, 11, 12, 7, 4, 0)]
        assert estimate_key(notes).tonic == tonic and estimate_key(notes).mode == "major"


def test_no_notes_are_in_c_major() -> None:
    assert estimate_key([]).name == "C major"
