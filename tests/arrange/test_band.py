"""Who plays in which style, what stands around a piece, and what holds for every band."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rlcompose.arrange import AS_WRITTEN, USUAL, Line, Part, Playing, Role, accompany, arrange
from rlcompose.arrange.sheet import sheet_of
from rlcompose.errors import RlcomposeError
from rlcompose.score import Band, ChordSpan, Composition, Note
from rlcompose.style import load_style, style_names, variant_names
from rlcompose.theory.chord import parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter


def piece(chart: str, meter: str = "4/4", style: str = "jazz", swing: bool = False, **changes: Any) -> Composition:
    """A chord a bar at 120 quarter notes a minute, so that a beat of 4/4 lasts half a second."""
    metre = Meter.parse(meter)
    symbols = chart.split()
    chords = tuple(
        ChordSpan(bar * metre.bar_ticks, metre.bar_ticks, parse_chord(symbol)) for bar, symbol in enumerate(symbols)
    )
    made = Composition((), chords, Key.parse("C major"), metre, len(symbols), 120, style, swing)
    return replace(made, **changes)


def lines(composition: Composition, playing: Playing = USUAL) -> dict[str, Line]:
    return {line.name: line for line in arrange(sheet_of(composition, playing), playing)}


def parts(composition: Composition, playing: Playing = USUAL) -> dict[str, Part]:
    return {part.name: part for part in accompany(composition, playing).parts}


@pytest.mark.parametrize(
    ("style", "meter", "swing", "band"),
    [
        ("jazz", "4/4", True, {"piano": 0, "bass": 32, "drums": 32}),
        ("ballad", "4/4", True, {"piano": 0, "bass": 32, "drums": 40}),  # the brush kit
        ("waltz", "3/4", True, {"piano": 0, "bass": 32, "drums": 32}),
        ("bossa", "4/4", False, {"guitar": 24, "bass": 32, "drums": 32}),
        ("gypsy_jazz", "4/4", True, {"guitar": 25, "bass": 32}),
        ("reel", "4/4", False, {"guitar": 25, "bodhran": 0, "drone": 21}),
        ("jig", "6/8", False, {"guitar": 25, "bodhran": 0, "drone": 21}),
        ("bach", "4/4", False, {"alto": 19, "tenor": 19, "bass": 19}),
        ("palestrina", "4/4", False, {"alto": 52, "tenor": 52, "bass": 42}),
        ("volkslied", "3/4", False, {"guitar": 24, "accordion": 21, "bass": 32}),
        ("chinese", "2/4", False, {"erhu": 110, "guzheng": 107, "woodblock": 0, "drone": 48}),
    ],
)
def test_every_style_has_its_band(style: str, meter: str, swing: bool, band: dict[str, int]) -> None:
    tempo = 70 if style == "ballad" else 150
    found = lines(piece("C F G7 C", meter, style, swing, tempo=tempo))
    assert {name: line.program for name, line in found.items() if name != "melody"} == band


@pytest.mark.parametrize("name", [*style_names(), *variant_names()])
def test_every_style_has_a_groove_of_its_own_in_each_of_its_metres(name: str) -> None:
    from rlcompose.arrange.groove import PLAIN, choose_groove

    style = load_style(name)
    for meter in style.meters:
        for tempo in style.tempo:
            composition = piece("C G", meter.name, name, style.swing, tempo=tempo)
            assert choose_groove(composition, style.family).name != PLAIN


def test_without_a_style_a_swung_piece_is_jazz_and_a_straight_one_folk() -> None:
    assert "piano" in lines(piece("C G", style="mine", swing=True))
    assert "bodhran" in lines(piece("C G", style="mine"))


def test_the_composition_s_own_band_has_its_instruments() -> None:
    found = lines(piece("C G", style="mine", band=Band("german_folk", chords=46, bass=43)))
    assert (found["guitar"].program, found["bass"].program) == (46, 43)


def test_a_groove_may_be_named_and_a_wrong_name_is_told() -> None:
    assert set(lines(piece("C G"), Playing(groove="hymn"))) == {"melody", "alto", "tenor", "bass"}
    with pytest.raises(RlcomposeError, match="unknown groove 'bosa': did you mean 'bossa'"):
        lines(piece("C G"), Playing(groove="bosa"))


def test_channels_are_their_own_and_drums_are_on_the_tenth() -> None:
    for style, meter in (("jazz", "4/4"), ("jig", "6/8"), ("chinese", "4/4")):
        found = parts(piece("C G C", meter, style, swing=style == "jazz"), Playing(count_in=1))
        drums = [part for part in found.values() if part.role is Role.DRUMS]
        assert {part.channel for part in drums} == {9}
        others = [part.channel for part in found.values() if part.role is not Role.DRUMS]
        assert len(set(others)) == len(others) and 9 not in others


def test_melody_only_is_the_melody_alone() -> None:
    assert list(lines(piece("C G"), Playing(melody_only=True))) == ["melody"]


def test_without_a_chart_nobody_plays_a_pitch_beside_the_melody() -> None:
    composition = piece("N.C. N.C.", swing=True, notes=(Note(0, 60, 12),))
    for found in (lines(composition), lines(replace(composition, chords=()))):
        assert [len(line.cues) for line in found.values() if line.role is not Role.DRUMS] == [1, 0, 0]


@pytest.mark.parametrize("style", ["jazz", "bossa", "gypsy_jazz", "reel", "bach", "volkslied", "chinese"])
def test_no_chord_is_silent(style: str) -> None:
    composition = piece("C N.C. N.C. G C", style=style, swing=load_style(style).swing, tempo=150)
    for line in lines(composition).values():
        if line.role not in (Role.DRUMS, Role.MELODY):
            assert not [cue for cue in line.cues if cue.onset < 144 - 6 and cue.end > 48], line.name


def test_the_same_piece_and_take_give_the_same_notes_and_another_take_others() -> None:
    composition = piece("Dm7 G7 C6 A7 " * 4, swing=True)
    assert accompany(composition) == accompany(composition)
    first, second = lines(composition), lines(composition, Playing(seed=1))
    assert all(first[name].cues != second[name].cues for name in ("piano", "bass", "drums"))


def test_no_two_choruses_are_alike() -> None:
    found = lines(piece("Dm7 G7 C6 A7 " * 8, swing=True))
    chorus = 16 * 48
    for name in ("piano", "bass", "drums"):
        choruses = [
            [(cue.onset - first, cue.pitch) for cue in found[name].cues if first <= cue.onset < first + chorus]
            for first in (0, chorus)
        ]
        assert choruses[0] != choruses[1]


def test_all_random_pieces_have_notes_that_midi_can_hold(any_composition: Callable[[int], Composition]) -> None:
    for number in range(120):
        composition = any_composition(number)
        for style in ("jazz", "fiddle", "chorale", "german_folk", "chinese_folk", "renaissance"):
            for part in accompany(replace(composition, style=style), Playing(count_in=number % 2)).parts:
                ends: dict[int, float] = {}
                onset = 0.0
                for note in part.notes:
                    assert 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127 and onset <= note.start < note.end
                    assert ends.get(note.pitch, 0.0) <= note.start, "a pitch ends before it is struck again"
                    ends[note.pitch], onset = note.end, note.start


def test_a_long_piece_is_arranged_at_once() -> None:
    found = parts(piece("Dm7 G7 C6 A7 " * 256, swing=True))
    assert len(found["bass"].notes) > 4000


def test_as_written_is_the_page() -> None:
    notes = (Note(0, 72, 6), Note(6, 74, 6), Note(12, 76, 12))
    played = parts(piece("C G", swing=True, notes=notes), AS_WRITTEN)["melody"].notes
    assert [(note.start, note.end, note.pitch) for note in played] == [(0.0, 0.25, 72), (0.25, 0.5, 74), (0.5, 1.0, 76)]
    assert {note.velocity for note in played} == {96}
