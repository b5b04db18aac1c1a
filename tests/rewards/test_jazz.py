"""The terms for jazz lines, values counted by hand.

C7 is C E G Bb with the scale C D E F G A Bb, Dm7 is D F A C with D E F G A B C, G7 is G B D F with G A B C D E F.
"""

from __future__ import annotations

import pytest

from rlcompose.codec import action_of, encode, perform
from rlcompose.reward import WeightedTerm, find_term, load_terms
from rlcompose.style import load_style
from rlcompose.testing import melody, term_values


def values(term: str, notes: str, chords: str = "C", key: str = "C", tempo: int = 120) -> list[float]:
    """The values of a term for the events of a melody."""
    return term_values(term, melody(notes, chords=chords, key=key, tempo=tempo))[: len(notes.split())]


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("A4:36 C5 B4", 1),  # the seventh of Dm7 falls to the third of G7
        ("E4:36 F4 F4", 1),  # the third of Dm7 stays as the seventh of G7
        ("D5:24 C5 A4 B4", 0.5),  # the seventh was not the last note
        ("A4:36 C5 D5", 0),  # not to a guide tone
        ("A4:36 D5 B4", 0),  # nor from one
        ("A4:36 C5 F4", 0),  # guide tones, but a fifth apart
        ("A4:36 C4 B4", 0),  # an octave lower does not count
    ],
)
def test_guide_tone_line(notes: str, value: float) -> None:
    assert values("guide_tone_line", notes, "Dm7 | G7")[-1] == value


def test_guide_tone_line_lands_with_the_first_note_under_the_chord() -> None:
    assert values("guide_tone_line", "A4:36 C5 D5 B4", "Dm7 | G7")[-1] == 0
    assert values("guide_tone_line", "A4:36 C5 - B4", "Dm7 | G7")[-1] == 0  # a beat late


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("G4:6 D#4:6 E4", 1),
        ("G4:6 F4:6 E4", 0.5),  # in the scale
        ("G4:6 D4:6 E4", 0),  # a whole tone
        ("D#4 E4", 0),  # on the beat
        ("G4:12 C4:6 D#4:6 D4", 0),  # to a note outside the chord
        ("G4 C4:6 D#4:6 E4:6", 1),
        ("D#4:6 E4:6", 0),  # the target off the beat
    ],
)
def test_chromatic_approach(notes: str, value: float) -> None:
    assert values("chromatic_approach", notes)[-1] == value


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("-:36 F4:6 D#4:6 E4", 1),  # first beat
        ("F4:6 D#4:6 E4", 0.5),  # second beat
        ("D4:6 F4:6 E4", 0.5),  # from below, then from above
        ("D4:6 D#4:6 E4", 0),  # both from below
        ("G4:6 D#4:6 E4", 0),  # too wide
        ("C4:6 E4:6 D4", 0),  # around a note outside the chord
        ("F4:3 D#4:3 E4:6", 0),  # off the beat
        ("F4 - D#4 E4", 0),  # a beat of rest parts the figure
    ],
)
def test_enclosure(notes: str, value: float) -> None:
    assert values("enclosure", notes)[-1] == value


def test_bebop_scale_down_places_chord_tones_on_the_beats() -> None:
    # The Mixolydian bebop scale: C B Bb A G F E D C. B, the added note, is off the beat.
    notes = "C5:6 B4:6 Bb4:6 A4:6 G4:6 F4:6 E4:6 D4:6 C4:6"
    assert values("bebop_placement", notes, "C7") == [0, 0, 1, 0, 1, 0, 1, 0, 1]


def test_scale_without_the_added_note_falls_off_the_beats() -> None:
    # C Bb A G F E D C: after the root the beats have A (scale), F and D.
    notes = "C5:6 Bb4:6 A4:6 G4:6 F4:6 E4:6 D4:6 C4:6"
    assert values("bebop_placement", notes, "C7") == [0, 0, -0.5, 0, -0.5, 0, -0.5, 0]


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("D5:6 C5:6 B4:6", -1),  # outside on the beat
        ("-:6 D5:6 C5:6 B4:6", 0.5),  # outside off the beat
        ("G4:6 Bb4:6 C5:6", 0),  # not by step
        ("Bb4:6 C5:6 Bb4:6", 0),  # turns: no run
        ("D5 C5 Bb4", 0),  # quarter notes
    ],
)
def test_bebop_placement_of_short_runs(notes: str, value: float) -> None:
    assert values("bebop_placement", notes, "C7")[-1] == value


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ("F4 A4 C5 E5 D5", [0, 0, 1, 1, 1]),  # third, fifth, seventh, ninth, and a step down
        ("D4 F4 A4", [0, 0, 0.5]),  # from the root
        ("D4 F4 A4 C5", [0, 0, 0.5, 0.5]),
        ("D4 F4 A4 C5 B4", [0, 0, 0.5, 0.5, 1]),
        ("F4 A4 C5:3", [0, 0, 0.5]),  # a sixteenth is half a pulse
        ("C5 A4 F4", [0, 0, 0]),  # down
        ("F4 A4 D5", [0, 0, 0]),  # a fourth
        ("F4 A4 G4", [0, 0, 0]),  # two notes are no arpeggio
        ("E4 G4 B4", [0, 0, 0]),  # thirds beside the chord
    ],
)
def test_rising_arpeggio(notes: str, expected: list[float]) -> None:
    assert values("rising_arpeggio", notes, "Dm7") == expected


@pytest.mark.parametrize(
    ("chords", "notes", "value"),
    [
        ("C7", "Eb4:6 D4", 1),
        ("C7", "Eb4:6 E4", 1),
        ("C7", "Eb4:6 C4", 0.5),
        ("C7", "Eb4:6 Eb4", 0.5),
        ("C7", "Eb4:6 Ab4", -1),
        ("C7", "F#4:6 F4", 1),
        ("C7", "Bb4:6 A4", 0),  # a chord tone
        ("C", "Bb4:6 A4", 1),  # here it is none
        ("C7", "Eb4:3 E4", 0.5),
        ("C7", "Ab4:6 G4", 0),  # a flat sixth is no blue note
        ("Cm7", "F#4:6 F4", 0),  # the chord is minor
    ],
)
def test_blue_note(chords: str, notes: str, value: float) -> None:
    assert values("blue_note", notes, chords)[-1] == value


def test_flat_third_of_a_minor_key_is_at_home() -> None:
    assert values("blue_note", "Eb4:6 D4", "C7", "C minor")[-1] == 0


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("F#4:6 G4", 1),
        ("F#4:6 F4", 1),
        ("F#4:6 G#4", 0.5),
        ("F#4:6 C4", -1),
        ("F#4:6 F#4", 0),
        ("F4:6 C4", 0),  # in the scale
        ("F#4:3 C4", -0.5),
    ],
)
def test_resolved_outside(notes: str, value: float) -> None:
    assert values("resolved_outside", notes)[-1] == value


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("G4:36 Ab4 G4", 1),  # flat ninth to fifth
        ("G4:36 Eb4 E4", 1),  # flat thirteenth to third
        ("G4:36 A4 G4", 0),  # a plain ninth
        ("G4:36 Ab4 C5", 0),  # left by leap
        ("G4:36 Ab4 A4", 0),  # to a note outside the chord
        ("B4:24 Ab4 G4", 0.5),  # resolved while the dominant lasts
        ("B4:24 Ab4:3 G4", 0.25),
        ("G4:36 Ab4 - G4", 0),  # a beat late
    ],
)
def test_altered_dominant(notes: str, value: float) -> None:
    assert values("altered_dominant", notes, "G7 | Cmaj7")[-1] == value


def test_chord_that_does_not_fall_a_fifth_resolves_nothing() -> None:
    assert values("altered_dominant", "G4:36 Ab4 G4", "G7 | Em7")[-1] == 0
    assert values("altered_dominant", "G4:36 Ab4 G4", "Gm7 | Cmaj7")[-1] == 0  # no dominant
    assert values("altered_dominant", "B4:24 Ab4 G4", "G7 | Em7")[-1] == 0


@pytest.mark.parametrize(
    ("notes", "tempo", "expected"),
    [
        ("C4:6 D4:6 E4:6 F4:6", 120, [0, 1, 0, 1]),
        ("C4:6 D4:6", 240, [0, 1]),
        ("C4:6 D4:6", 270, [0, 0.5]),
        ("C4:6 D4:6", 80, [0, 0.5]),
        ("C4:6 D4:6", 50, [0, 0]),
        ("C4:12 -:6 D4:6", 120, [0, 0, 0]),  # after a rest
        ("C4:4 D4:4 E4:4", 120, [0, 0, 0]),  # triplets
        ("C4:3 D4:3 E4:6", 120, [0, 0, 0]),
    ],
)
def test_swung_eighths(notes: str, tempo: int, expected: list[float]) -> None:
    assert values("swung_eighths", notes, tempo=tempo) == expected


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ("C4 D4:6 E4:6 -:24", [0, 0, 0, 1]),
        ("C4 D4 E4:6 -:18", [0, 0, 0, -0.5]),
        ("C4 E4:6 -:6 F4 -", [0, 0, 0, 0, 0]),  # lines of two and of one
        ("C4:6 D4:6 E4:18 -", [0, 0, 0, 0]),  # held
        ("C4 D4 E4:3 F4:3 -:18", [0, 0, 0, 0, 0]),  # on the last sixteenth
        ("C4 D4:6 E4:6 -:6 F4:6", [0, 0, 0, 0, 0]),  # a breath within the line
    ],
)
def test_offbeat_ending(notes: str, expected: list[float]) -> None:
    assert values("offbeat_ending", notes) == expected


def test_line_ends_once_however_its_silence_is_played() -> None:
    # The silence of two beats as a rest of an eighth and one of a dotted quarter, with which it becomes a beat long.
    encoding = encode(melody("C4 D4:6 E4:6"), load_style("jazz"))
    notes, style = encoding.actions[:3], encoding.brief.style
    rests = [action_of(style, None, 6), action_of(style, None, 18)]
    played = perform(encoding.brief, 0, [*notes, *rests], [WeightedTerm(find_term("offbeat_ending"), 1.0)])
    assert played.account[:, 0].tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("name", sorted(n for n, term in load_terms().items() if term.family == "jazz"))
def test_jazz_is_the_same_in_every_key(name: str) -> None:
    in_c = melody("F4:6 A4:6 C5:6 E5:6 D5:6 Ab4:6 B4:6 F4:6 E4:6 D4:6 Eb4:6 C4:18", chords="Dm7 G7 | C^7", key="C")
    in_e_flat = melody(
        "Ab4:6 C5:6 Eb5:6 G5:6 F5:6 B4:6 D5:6 Ab4:6 G4:6 F4:6 Gb4:6 Eb4:18", chords="Fm7 Bb7 | Eb^7", key="Eb"
    )
    assert term_values(name, in_c) == term_values(name, in_e_flat)
