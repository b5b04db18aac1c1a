"""The terms for the melody over its chords, values counted by hand.

C7 is C E G Bb, its guide tones E and Bb, its scale F G A Bb C D E. Dm7 is D F A C, G7 is G B D F.
"""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("name", ["chord_tone_on_strong_beat", "guide_tone_at_change", "scale_note"])
def test_harmony_is_the_same_in_every_key(name: str) -> None:
    in_c = melody("F4 A4 B4 C5 E4 D4 C4:24", chords="Dm7 G7 | C^7", key="C")
    in_e_flat = melody("Ab4 C5 D5 Eb5 G4 F4 Eb4:24", chords="Fm7 Bb7 | Eb^7", key="Eb")
    assert term_values(name, in_c) == term_values(name, in_e_flat)
