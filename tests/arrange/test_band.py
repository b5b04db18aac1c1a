"""Three players, together in time, out of each other's way, and as silent as the chart says."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from rlcompose.arrange import Part, accompany
from rlcompose.score import ChordSpan, Composition, Note
from rlcompose.theory.chord import parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter


def piece(
    chart: str, meter: str = "4/4", swing: bool = False, notes: tuple[Note, ...] = (), program: int = 65
) -> Composition:
    """A chord a bar at 120 quarter notes a minute, so that a beat of 4/4 lasts half a second."""
    metre = Meter.parse(meter)
    symbols = chart.split()
    chords = tuple(
        ChordSpan(bar * metre.bar_ticks, metre.bar_ticks, parse_chord(symbol)) for bar, symbol in enumerate(symbols)
    )
    return Composition(notes, chords, Key.parse("C major"), metre, len(symbols), 120, "test", swing, instrument=program)


def part(name: str, composition: Composition) -> Part:
    return next(part for part in accompany(composition).parts if part.name == name)


def starts(part: Part) -> list[float]:
    return sorted({round(note.start, 4) for note in part.notes})


def test_the_parts_are_melody_chords_and_bass_on_channels_of_their_own() -> None:
    parts = accompany(piece("C G")).parts
    assert [(part.name, part.channel) for part in parts] == [("melody", 0), ("chords", 1), ("bass", 2)]


def test_the_melody_is_played_as_written_with_accents_on_strong_beats() -> None:
    notes = (Note(0, 60, 6), Note(6, 62, 6), Note(24, 64, 24))
    played = part("melody", piece("C", notes=notes)).notes
    assert [(note.start, note.end, note.pitch) for note in played] == [(0.0, 0.25, 60), (0.25, 0.5, 62), (1.0, 2.0, 64)]
    assert played[0].velocity > played[2].velocity > played[1].velocity


def test_all_parts_of_a_beat_swing_together() -> None:
    composition = piece("Dm7 G7", swing=True, notes=(Note(18, 62, 6),))
    offbeat = round(0.5 + 0.5 * 2 / 3, 4)  # the "and" of beat 2 at 2:1
    assert starts(part("melody", composition)) == [offbeat]
    assert offbeat in starts(part("chords", composition))


def test_a_triplet_in_the_melody_keeps_the_other_parts_even_in_its_beat() -> None:
    composition = piece("Dm7 G7", swing=True, notes=(Note(12, 62, 4), Note(16, 64, 4), Note(20, 65, 4)))
    assert 0.75 in starts(part("chords", composition))


def test_the_walking_bass_plays_every_beat_and_each_root_on_its_first() -> None:
    bass = part("bass", piece("Dm7 G7 Cmaj7 A7", swing=True)).notes
    assert [round(note.start, 4) for note in bass[:12]] == [index * 0.5 for index in range(12)]
    assert [note.pitch % 12 for note in bass[::4]] == [2, 7, 0, 9]


def test_the_walking_bass_steps_into_the_next_root() -> None:
    bass = part("bass", piece("Dm7 G7 Cmaj7 A7", swing=True)).notes
    assert all(1 <= abs(bass[beat].pitch - bass[beat - 1].pitch) <= 2 for beat in (4, 8, 12))


def named(style: str, chart: str, **changes: Any) -> Composition:
    """The piece under the name of a shipped style, which decides who plays."""
    return replace(piece(chart, **changes), style=style)


def test_a_swung_hornpipe_is_accompanied_by_a_guitar_on_the_beats() -> None:
    composition = named("hornpipe", "G C D G", swing=True, notes=(Note(0, 67, 6), Note(6, 69, 6)))
    assert part("chords", composition).program == 25  # steel-string guitar
    assert starts(part("chords", composition))[:8] == [index * 0.5 for index in range(8)]
    assert starts(part("bass", composition))[:4] == [0.0, 1.0, 2.0, 3.0], "it does not walk"
    assert part("melody", composition).notes[1].start == pytest.approx(1 / 3), "and the melody swings"


@pytest.mark.parametrize(("style", "chords", "bass"), [("chorale", 19, 42), ("bach", 19, 42), ("renaissance", 52, 42)])
def test_organ_and_choir_hold_their_chords(style: str, chords: int, bass: int) -> None:
    composition = named(style, "C F G C")
    for name, program in (("chords", chords), ("bass", bass)):
        played = part(name, composition)
        assert played.program == program
        assert {(round(note.start, 4), round(note.end, 4)) for note in played.notes} == {
            (bar * 2.0, bar * 2.0 + 2.0) for bar in range(4)
        }
    assert [note.pitch % 12 for note in part("bass", composition).notes] == [0, 5, 7, 0]


@pytest.mark.parametrize(("style", "program"), [("german_folk", 24), ("chinese_folk", 107), ("bossa", 24)])
def test_strings_that_die_away_are_struck_on_every_beat(style: str, program: int) -> None:
    chords = part("chords", named(style, "C F G C"))
    assert chords.program == program and starts(chords)[:5] == [0.0, 0.5, 1.0, 1.5, 2.0]


def test_gypsy_guitars_play_four_to_the_bar_over_a_walking_bass() -> None:
    composition = named("gypsy_jazz", "Cm6 Fm6 G7 Cm6", swing=True)
    assert starts(part("chords", composition))[:4] == starts(part("bass", composition))[:4] == [0.0, 0.5, 1.0, 1.5]
    assert part("chords", composition).program == 25


def test_jazz_is_played_as_before_under_its_name_and_without_one() -> None:
    composition = piece("Dm7 G7 C6", swing=True)
    assert accompany(replace(composition, style="jazz")) == accompany(composition)


def test_a_slash_chord_puts_its_bass_note_into_the_bass() -> None:
    assert part("bass", piece("C/G F")).notes[0].pitch % 12 == 7


def test_six_eight_has_root_and_fifth_on_the_dotted_quarters() -> None:
    bass = part("bass", piece("G C", meter="6/8")).notes
    assert [(round(note.start, 4), note.pitch % 12) for note in bass[:2]] == [(0.0, 7), (0.75, 2)]


def test_a_waltz_has_chords_on_every_beat() -> None:
    assert starts(part("chords", piece("G C", meter="3/4")))[:3] == [0.0, 0.5, 1.0]


def test_the_voicing_moves_to_the_nearest_inversion() -> None:
    chords = part("chords", piece("Dm7 G7 Cmaj7 Fmaj7 Bm7b5 E7 Am7 A7", swing=True))
    voicings = [
        sorted(note.pitch for note in chords.notes if round(note.start, 4) == start) for start in starts(chords)
    ]
    assert all(abs(low - high) <= 5 for old, new in pairwise(voicings) for low, high in zip(old, new, strict=True))


@pytest.mark.parametrize("swing", [False, True])
def test_no_chord_is_silent_in_chords_and_bass(swing: bool) -> None:
    composition = piece("C N.C. N.C. G", swing=swing)
    for name in ("chords", "bass"):
        sounding = part(name, composition).notes
        assert not [note for note in sounding if note.end > 2.001 and note.start < 5.999]
        assert [note for note in sounding if note.start == pytest.approx(6.0)]


@pytest.mark.parametrize("swing", [False, True])
def test_without_a_chart_only_the_melody_plays(swing: bool) -> None:
    composition = Composition((Note(0, 60, 12),), (), Key.parse("C major"), Meter(4, 4), 1, 120, "test", swing)
    assert [len(part.notes) for part in accompany(composition).parts] == [1, 0, 0]


@pytest.mark.parametrize("meter", ["2/4", "3/4", "4/4", "5/4", "6/8", "9/8", "12/8"])
@pytest.mark.parametrize("swing", [False, True])
def test_every_part_stays_within_the_piece_and_its_register(meter: str, swing: bool) -> None:
    composition = piece("C F#m7b5 Bb7alt E5 Asus2 Db6/9 Gdim7 C/E", meter=meter, swing=swing)
    for played in accompany(composition).parts[1:]:
        low, high = (52, 72) if played.name == "chords" else (28, 52)
        assert played.notes
        assert all(0 <= note.start < note.end <= composition.seconds() + 1e-9 for note in played.notes)
        assert all(low <= note.pitch <= high and 1 <= note.velocity <= 127 for note in played.notes)


def test_the_same_piece_is_arranged_the_same_way() -> None:
    assert accompany(piece("Dm7 G7 C6", swing=True)) == accompany(piece("Dm7 G7 C6", swing=True))


def test_a_plucked_melody_is_turned_up() -> None:
    assert part("melody", piece("C", program=0)).volume > part("melody", piece("C", program=65)).volume
