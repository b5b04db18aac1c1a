"""The terms for the melody over its chords, values counted by hand.

C7 is C E G Bb, its guide tones E and Bb, its scale F G A Bb C D E. Dm7 is D F A C, G7 is G B D F.
"""

from __future__ import annotations

import pytest

from rlcompose.reward import load_terms
from rlcompose.testing import melody, term_values


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4", [1]),
        ("Bb4", [1]),  # the seventh is a chord tone
        ("F4", [-0.5]),  # in the scale
        ("F#4", [-1]),  # outside
        ("C4 F#4 F4 C5", [1, 0, -0.5, 0]),  # beats 1 and 3 are strong, 2 and 4 are not
        ("C4:6 F#4:6 E4 G4:6 F4:6", [1, 0, 0, 1, 0]),  # off the beat nothing counts
        ("-:24 F#4", [0, -1]),
        ("-:6 F#4:42", [0, 0]),  # begun before the strong beat, held over it
        ("C4:48 E5:48", [1, 1]),
    ],
)
def test_chord_tone_on_strong_beat(notes: str, values: list[float]) -> None:
    assert term_values("chord_tone_on_strong_beat", melody(notes, chords="C7"))[: len(values)] == values


def test_strong_beats_of_six_eight_are_its_two_dotted_quarters() -> None:
    # G major: G A B C D E F#. Eighth notes, so the fourth one falls on the second beat.
    notes = "G4:6 G#4:6 A#4:6 G#4:6 G#4:6 B4:6"
    piece = melody(notes, chords="G", key="G", meter="6/8", style="fiddle")
    assert term_values("chord_tone_on_strong_beat", piece) == [1, 0, 0, -1, 0, 0]


def test_a_waltz_has_one_strong_beat() -> None:
    assert term_values("chord_tone_on_strong_beat", melody("C4 C4 C4", meter="3/4")) == [1, 0, 0]


def test_without_a_chord_no_note_is_wrong() -> None:
    piece = melody("C#4 D4 C#4 D4", chords="N.C.")
    assert term_values("chord_tone_on_strong_beat", piece) == [0, 0, 0, 0]
    assert term_values("guide_tone_at_change", piece) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("F4:48 B4", [1, 1]),  # third of Dm7, third of G7
        ("D4:48 F4", [0, 1]),  # root; seventh
        ("A4:48 G4", [0, 0]),  # fifth; root
        ("E4:48 C5", [-0.5, -0.5]),  # in both scales, in neither chord
        ("Eb4:48 Ab4", [-0.5, -0.5]),
        ("F4:36 C5 B4 F4", [1, 0, 1, 0]),  # only the first note under a chord
        ("F4:48 -:6 B4:6", [1, 0, 1]),  # within the first beat
        ("F4:48 - B4", [1, 0, 0]),  # too late
        ("F4:36 D4:6 B4:12 B4:6", [1, 0, 0, 1]),  # begun under Dm7: the next is the first of G7
    ],
)
def test_guide_tone_at_change(notes: str, values: list[float]) -> None:
    piece = melody(notes, chords="Dm7 | G7")
    assert term_values("guide_tone_at_change", piece)[: len(values)] == values


def test_chord_that_goes_on_is_no_change() -> None:
    assert term_values("guide_tone_at_change", melody("E4:48 E4:48", chords="C | %")) == [1, 0]


def test_chords_in_one_bar_change_within_it() -> None:
    # F is the third of Dm7, B of G7; two beats each.
    assert term_values("guide_tone_at_change", melody("F4:24 B4:24", chords="Dm7 G7")) == [1, 1]


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4 D4 E4 F4 G4 A4 B4 C5", [0, 0, 0, 0, 0, 0, 0, 0]),
        ("C4 C#4 D4 F#3", [0, -1, 0, -1]),
        ("C#4:6 C#4:3 C#4:3 -:12 C#4:24", [-1, -0.5, -0.5, 0, -1]),  # jazz's pulse is an eighth, 6 ticks
        ("Bb3 Bb4 Bb5", [-1, -1, -1]),  # in every octave, also below the tonic
    ],
)
def test_scale_note_in_c_major(notes: str, values: list[float]) -> None:
    assert term_values("scale_note", melody(notes, chords="C"))[: len(values)] == values


def test_a_chord_from_outside_the_scale_brings_its_own_notes() -> None:
    # D7 is D F# A C: F# belongs to it, C# does not.
    assert term_values("scale_note", melody("F#4 C#4 A4 C4", chords="D7")) == [0, -1, 0, 0]


@pytest.mark.parametrize(
    ("key", "chords", "notes", "values"),
    [
        ("C", "C", "C4 D4 E4 F4 G4 A4 B4", [0, 0, 0, -1, 0, 0, -1]),  # gong: C D E G A
        ("G mixolydian", "G5", "G4 A4 B4 C5 D5 E5 F5", [0, 0, -1, 0, 0, 0, -1]),  # zhi: G A C D E
        ("A minor", "Am", "A4 B4 C5 D5 E5 F5 G5", [0, -1, 0, 0, 0, -1, 0]),  # yu: A C D E G
        ("D dorian", "D5", "D4 E4 F4 G4 A4 B4 C5", [0, 0, -1, 0, 0, -1, 0]),  # shang: D E G A C
    ],
)
def test_scale_note_in_five_notes(key: str, chords: str, notes: str, values: list[float]) -> None:
    piece = melody(notes, chords=chords, key=key, meter="4/4", style="chinese_folk")
    assert term_values("scale_note", piece)[: len(values)] == values


def test_without_a_chord_the_scale_still_holds() -> None:
    assert term_values("scale_note", melody("C#4 D4 C#4 D4", chords="N.C.")) == [-1, 0, -1, 0]


def over_c(term: str, notes: str) -> list[float]:
    """The values of a term for the notes of a melody over C: C E G are chord tones, D F A B scale tones."""
    return term_values(term, melody(notes, chords="C"))[: len(notes.split())]


@pytest.mark.parametrize(
    ("chords", "notes", "values"),
    [
        ("Dm7", "C#4 D4 C#4:3", [-1, 0, -0.5]),
        ("A7", "C#4", [0]),
        ("C", "F#4", [-1]),
        ("D7", "F#4", [0]),
        ("N.C.", "F#4", [0]),
    ],
)
def test_chord_scale_note(chords: str, notes: str, values: list[float]) -> None:
    assert term_values("chord_scale_note", melody(notes, chords=chords))[: len(values)] == values


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("E4 G4 D4 F#4", [1, 0.3, 0, -0.5]),
        ("C4 Bb4", [0.3, 1]),
        ("C4:6 E4:6", [0.3, 0]),  # short and off the beat
        ("C4:6 E4:12", [0.3, 1]),  # off the beat, but a beat long
    ],
)
def test_chord_colour(notes: str, values: list[float]) -> None:
    assert term_values("chord_colour", melody(notes, chords="C7"))[: len(values)] == values


def test_stable_tones() -> None:
    # The table of stabilities, 1 .2 .2 .7 .8 .5 0 .9 .6 .6 .2 .2 from the unison up, moved to -1 to 1.
    notes = "C4 Db4 D4 Eb4 E4 F4 F#4 G4 Ab4 A4 Bb4 B4"
    values = [1, -0.6, -0.6, 0.4, 0.6, 0, -1, 0.8, 0.2, 0.2, -0.6, -0.6]
    assert over_c("stable_tones", notes) == pytest.approx(values)


def test_short_notes_need_not_be_stable() -> None:
    assert over_c("stable_tones", "C4:6 F#4:6 C4:9") == [0, 0, 0]


@pytest.mark.parametrize(
    ("chords", "notes", "values"),
    [
        ("C", "F4:24", [-1]),  # the fourth over a major chord
        ("C", "C4:6 F4:6 C4 F4:6", [0, 0, 0, -1]),  # in passing; on the third beat
        ("C", "D4 B4 A4 F4", [0, 0, 0, -1]),  # no other tone of the scale; a beat long is long
        ("C", "F#4", [0]),  # outside, which is another term's
        ("C7sus4", "F4:24", [0]),  # a chord tone
        ("Fmaj7", "F4:24", [0]),
        ("Am7", "F4 F#4", [0, 0]),  # outside the chord's Dorian scale; in it, but a whole tone above the fifth
        ("Bm7b5", "C4", [-1]),  # the flat ninth of Locrian
        ("G7b9", "Ab4", [0]),  # the flat ninth of a dominant that has it
        ("G7", "C5", [-1]),
    ],
)
def test_clear_of_avoid_notes(chords: str, notes: str, values: list[float]) -> None:
    assert term_values("clear_of_avoid_notes", melody(notes, chords=chords))[: len(values)] == values


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("D4:6 E4", [0, 1]),
        ("D4:6 A4", [0, -1]),
        ("D4:6 C#4", [0, 0.5]),
        ("D4:3 E4", [0, 0.5]),  # a sixteenth is half a pulse
        ("D4 D4 E4", [0, 0, 1]),  # repeated, then resolved
        ("E4 A4 G4", [0, 0, 1]),  # a chord tone may be left by leap
        ("D4 - E4", [0, 0, 1]),
    ],
)
def test_resolved_dissonance(notes: str, values: list[float]) -> None:
    assert over_c("resolved_dissonance", notes) == values


def test_chord_may_come_to_its_note() -> None:
    # B lies outside Dm7 and belongs to G7, so the leap is none of a dissonance.
    assert term_values("resolved_dissonance", melody("F4:36 B4:12 G4", chords="Dm7 | G7"))[2] == 0


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4 D4:6 E4", [0, 0, 1]),
        ("C4 D4:6 F4", [0, 0, 0]),
        ("A4 B4 C5", [0, 0, 0.5]),  # from one note outside the chord over another
        ("C4 D4 C4", [0, 0, 0]),  # a neighbour
        ("E4 F4:3 G4", [0, 0, 0.5]),
        ("G4 F4 - E4", [0, 0, 0, 0]),  # a beat of rest parts the figure
        ("G4 F4 -:6 E4", [0, 0, 0, 1]),
    ],
)
def test_passing_tone(notes: str, values: list[float]) -> None:
    assert over_c("passing_tone", notes) == values


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("E4 F4:6 E4", [0, 0, 1]),
        ("C4 B3 C4", [0, 0, 1]),
        ("E4 F4 E4 F4 E4", [0, 0, 1, 0, 0]),  # a trill is paid once
        ("E4 F4 E4 D4 E4", [0, 0, 1, 0, 1]),  # both sides
        ("E4 G4 E4", [0, 0, 0]),
        ("D4 E4 D4", [0, 0, 0]),  # around a note outside the chord
        ("E4 F4:3 E4", [0, 0, 0.5]),
    ],
)
def test_neighbour_tone(notes: str, values: list[float]) -> None:
    assert over_c("neighbour_tone", notes) == values


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4 A4 G4", [0, 0, 1]),
        ("C4 A4:6 G4", [0, 0, 1]),
        ("C4:6 A4:6 G4", [0, 0, 0]),  # off the beat
        ("C4 A4 B4", [0, 0, 0]),  # goes on
        ("G4 A4 G4", [0, 0, 0]),  # reached by step: a neighbour
        ("C5 D4 E4", [0, 0, 1]),  # from above
        ("C4 A4 - G4", [0, 0, 0, 0]),
    ],
)
def test_appoggiatura(notes: str, values: list[float]) -> None:
    assert over_c("appoggiatura", notes) == values


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        # C is the root of C and lies outside G7 (G B D F); half a bar each.
        ("E4 C5:24 B4", [0, 0, 1]),  # held over the change, resolved down: 4-3
        ("E4 C5 C5 B4", [0, 0, 0, 1]),  # struck again
        ("E4 C5:24 D5", [0, 0, 0.5]),  # upwards
        ("E4 C5:24 G4", [0, 0, -0.5]),
        ("E4 G4:24 F4", [0, 0, 0]),  # G belongs to both
        ("E4 D5:24 C5", [0, 0, 0]),  # D belonged to the new one only
        ("E4 C5 B4 C5", [0, 0, 0, 0]),  # not held
        ("E4 C5 C5:6 C5:6 B4", [0, 0, 0, 0, 0]),  # struck twice under the new chord
    ],
)
def test_suspension(notes: str, values: list[float]) -> None:
    assert term_values("suspension", melody(notes, chords="C G7"))[: len(values)] == values


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        # B and G belong to G7 (G B D F) and not to Dm7 (D F A C), F and D to both.
        ("F4:36 D4:6 B4:18", [0, 0, 1]),  # the last eighth, held into the next bar
        ("F4:36 D4:6 Eb4:18", [0, 0, -0.5]),
        ("F4:36 D4:6 F4:18", [0, 0, 0]),
        ("F4:36 D4:6 B4:6 B4", [0, 0, 0, 1]),  # struck again
        ("F4:36 D4:6 Eb4:6 Eb4", [0, 0, 0, -0.5]),
        ("F4:36 D4:6 B4:6 G4", [0, 0, 0, 0]),
        ("F4:36 B4:24", [0, 0]),  # a whole beat before
        ("F4:24 B4 A4 B4", [0, 0, 0, 0]),
    ],
)
def test_anticipation(notes: str, values: list[float]) -> None:
    assert term_values("anticipation", melody(notes, chords="Dm7 | G7"))[: len(values)] == values


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4:48 C4:48 B4:48 C4:48", 1),  # rises and falls
        ("C4:48 C4:48 C4:48 C4:48", 0),
        ("B4:48 B4:48 C4:48 B4:48", -1),
        ("C4:48 C4:48 B4:48 B4:48", 0.5),  # rises, stays
        ("C4:48 B4:48 E4:48 C4:48", 0),  # half tense before (.4) and .2: -0.5; falls: 0.5
        ("-:48 -:48 B4:48 C4:48", 0.5),  # nothing before
        ("C4:48 C4:48 B4:48 C4 -:36", 1),  # the last event may be a rest
    ],
)
def test_rising_tension(notes: str, value: float) -> None:
    values = term_values("rising_tension", melody(notes, chords="C | % | % | %"))
    assert values[-1] == value and not any(values[:-1])


def test_each_phrase_has_its_own_tension() -> None:
    notes = "C4:48 C4:48 B4:48 C4:48 B4:48 B4:48 C4:48 B4:48"
    values = term_values("rising_tension", melody(notes, chords="C | % | % | % | % | % | % | %"))
    assert [values[3], values[7]] == [1, -1] and sum(abs(value) for value in values) == 2


@pytest.mark.parametrize("name", sorted(n for n, term in load_terms().items() if term.family == "harmony"))
def test_harmony_is_the_same_in_every_key(name: str) -> None:
    in_c = melody("F4 A4 B4 C5 E4 D4 C4:24", chords="Dm7 G7 | C^7", key="C")
    in_e_flat = melody("Ab4 C5 D5 Eb5 G4 F4 Eb4:24", chords="Fm7 Bb7 | Eb^7", key="Eb")
    assert term_values(name, in_c) == term_values(name, in_e_flat)
