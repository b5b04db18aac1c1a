"""Written values: every tick can be written, bars are full, tuplets complete, and one sees where the beats are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rlcompose.notation import Measure, metronome, written_bars
from rlcompose.score import Composition
from rlcompose.testing import melody

NUMBERS = range(150)


def written(notes: str, meter: str = "4/4") -> str:
    """The values of a melody, bars apart: type and dot, "r" for rests, "~" for ties, "(" and ")" around tuplets."""
    return " | ".join(" ".join(_values(bar)) for bar in written_bars(melody(notes, meter=meter)))


def _values(bar: Measure) -> list[str]:
    texts = []
    for value in bar.values:
        text = ("r" if value.note is None else "") + value.type + "." * value.is_dotted + "~" * value.tied_to
        if value.tuplet and value.onset == value.tuplet.onset:
            text = f"({value.tuplet.actual} {text}"
        texts.append(text + ")" * (value.tuplet is not None and value.end == value.tuplet.end))
    return texts


@pytest.mark.parametrize(
    ("notes", "meter", "expected"),
    [
        ("C4 D4:24 E4", "4/4", "quarter half quarter"),
        ("C4:6 D4 E4 F4 G4:6", "4/4", "eighth quarter eighth~ eighth quarter eighth"),  # the middle of the bar is seen
        ("C4:18 D4:6 E4:36 F4", "4/4", "quarter. eighth half~ | quarter quarter rhalf"),
        ("C4:9 D4:3 E4:3 F4:6 G4:3", "2/4", "eighth. 16th 16th eighth 16th"),
        ("C4:48", "4/4", "whole"),
        ("C4:42 D4:6", "4/4", "half~ quarter. eighth"),  # no double dots
        ("C4:18 -:18 D4:36", "6/8", "quarter. rquarter. | half."),
        ("C4:12 D4:6 E4:6 F4:12", "6/8", "quarter eighth eighth quarter"),
        ("C4:6 D4:18 E4:12", "6/8", "eighth quarter~ eighth quarter"),  # the second beat is seen
        ("C4:72", "3/2", "whole."),
        ("C4:60", "5/4", "whole~ quarter"),
        ("C4:4 D4:4 E4:4 F4", "2/4", "(3 eighth eighth eighth) quarter"),
        ("C4:8 D4:4 E4", "2/4", "(3 quarter eighth) quarter"),
        ("C4:8 D4:8 E4:8", "2/4", "(3 quarter quarter quarter)"),
        ("C4:6 D4:2 E4:2 F4:2 G4", "2/4", "eighth (3 16th 16th 16th) quarter"),
        ("C4:2 D4:2 E4:2 F4:2 G4:2 A4:2 B4", "2/4", "(6 16th 16th 16th 16th 16th 16th) quarter"),
        ("C4:3 D4:1 E4:8 F4", "2/4", "(3 16th. 32nd quarter) quarter"),  # a sixteenth and a triplet in one beat
        ("C4:1 D4:11 E4", "2/4", "(3 32nd 16th.~ quarter) quarter"),
        ("C4:2 D4:2 E4:2 F4 G4:18", "6/8", "(3 16th 16th 16th) quarter quarter."),
        ("-:24 C4:24", "4/4", "rhalf half"),
        ("C4:6 -:12 C4:6", "2/4", "eighth reighth reighth eighth"),  # a note may stand across a beat, a rest may not
        ("-:18 C4:6 -:6 C4:18", "4/4", "rquarter reighth eighth reighth quarter."),  # rests hide no beat
    ],
)
def test_rhythms(notes: str, meter: str, expected: str) -> None:
    assert written(notes, meter) == expected


def test_quarter_triplets_stand_over_two_beats_but_not_across_the_middle() -> None:
    assert written("C4:8 D4:8 E4:8 F4:24") == "(3 quarter quarter quarter) half"
    assert written("C4 D4:8 E4:8 F4:8 G4").startswith("quarter (3 quarter eighth~) (3 eighth quarter)")


def test_a_bar_of_rest_is_one_rest() -> None:
    assert written("C4:48 -:48 C4:48") == "whole | rwhole | whole"
    assert written("-:60 C4:60", "5/4") == "rwhole | whole~ quarter"


def test_a_note_is_cut_where_it_is_asked_to_be() -> None:
    [bar] = written_bars(melody("C4:48"), cuts=[24])
    assert [(value.onset, value.tied_from, value.tied_to) for value in bar.values] == [
        (0, False, True),
        (24, True, False),
    ]


def test_an_upbeat_is_bar_0_and_only_as_long_as_it_is() -> None:
    piece = replace(melody("-:36 C4:6 D4:6 E4:48"), pickup=12)
    upbeat, first = written_bars(piece)
    assert (upbeat.number, upbeat.onset, [value.ticks for value in upbeat.values]) == (0, 36, [6, 6])
    assert (first.number, first.onset, [value.ticks for value in first.values]) == (1, 48, [48])


@pytest.mark.parametrize(
    ("notes", "meter", "beams"),
    [
        ("C4:6 C4:6 C4 C4:6 -:6 C4", "4/4", "b e - - - -"),
        ("C4:6 C4:6 C4:6 C4:6 C4:6 C4:6", "6/8", "b c e b c e"),
        ("C4:9 C4:3 C4:3 C4:9", "2/4", "b e/< b/> e"),
        ("C4:3 C4:6 C4:3 C4:6 C4:3 C4:3", "2/4", "b/> c e/< b c/b e/e"),
    ],
)
def test_beams_join_what_lies_in_a_beat(notes: str, meter: str, beams: str) -> None:
    short = {"begin": "b", "continue": "c", "end": "e", "forward hook": ">", "backward hook": "<"}
    [bar] = written_bars(melody(notes, meter=meter))
    assert " ".join("/".join(short[beam] for beam in value.beams) or "-" for value in bar.values) == beams


def test_the_tempo_counts_beats_where_these_are_whole() -> None:
    assert metronome(melody("C4", meter="4/4", tempo=121)) == (12, 121)
    assert metronome(melody("C4", meter="6/8", tempo=120)) == (18, 80)
    assert metronome(melody("C4", meter="6/8", tempo=121)) == (12, 121)
    assert metronome(melody("C4", meter="2/2", tempo=120)) == (24, 60)


# --- what always holds ---


def test_every_bar_is_full_and_every_value_lasts_as_it_looks(any_composition: Callable[[int], Composition]) -> None:
    looks = {"breve": 96, "whole": 48, "half": 24, "quarter": 12, "eighth": 6, "16th": 3, "32nd": 1.5}
    for number in NUMBERS:
        piece = any_composition(number)
        position = piece.meter.bar_ticks - piece.pickup if piece.pickup else 0
        for bar in written_bars(piece):
            assert bar.onset == position
            if bar.is_rest:
                position += piece.meter.bar_ticks
                continue
            for value in bar.values:
                ratio = value.tuplet.normal / value.tuplet.actual if value.tuplet else 1
                assert value.onset == position
                assert value.ticks == looks[value.type] * (1.5 if value.is_dotted else 1) * ratio
                position = value.end
            assert position == (bar.index + 1) * piece.meter.bar_ticks


def test_ties_join_the_values_of_a_note_and_nothing_else(any_composition: Callable[[int], Composition]) -> None:
    for number in NUMBERS:
        piece = any_composition(number)
        values = [value for bar in written_bars(piece) for value in bar.values]
        for index, note in enumerate(piece.notes):
            own = [value for value in values if value.note == index]
            assert (own[0].onset, own[-1].end) == (note.onset, note.end)
            assert [v.tied_from for v in own] == [False, *[True] * (len(own) - 1)]
            assert [v.tied_to for v in own] == [*[True] * (len(own) - 1), False]
        assert not any(v.tied_from or v.tied_to for v in values if v.note is None)


def test_tuplets_are_filled_and_lie_within_two_beats(any_composition: Callable[[int], Composition]) -> None:
    for number in NUMBERS:
        for bar in written_bars(any_composition(number)):
            tuplets = {value.tuplet for value in bar.values if value.tuplet}
            for tuplet in tuplets:
                inside = [value for value in bar.values if value.tuplet == tuplet]
                assert (inside[0].onset, inside[-1].end) == (max(tuplet.onset, bar.onset), tuplet.end)
                assert tuplet.end - tuplet.onset in (6, 12, 24)


def test_beams_begin_and_end_in_their_bar(any_composition: Callable[[int], Composition]) -> None:
    for number in NUMBERS:
        for bar in written_bars(any_composition(number)):
            is_open = [False] * 3
            for value in bar.values:
                assert len(value.beams) >= sum(is_open)
                for level, beam in enumerate(value.beams):
                    assert is_open[level] == (beam in ("continue", "end"))
                    is_open[level] = beam in ("begin", "continue")
            assert not any(is_open)
