"""The terms for two voices: textbook examples, and small ones counted by hand.

Fux's first exercise (Gradus ad Parnassum, 1725, first species on the Dorian cantus): the counterpoint is his.
"""

from __future__ import annotations

import pytest

from rlcompose.reward import load_terms
from rlcompose.testing import melody, term_values

CANTUS = "D4:48 F4:48 E4:48 D4:48 G4:48 F4:48 A4:48 G4:48 F4:48 E4:48 D4:48"
COUNTERPOINT = "A4:48 A4:48 G4:48 A4:48 B4:48 C5:48 C5:48 B4:48 D5:48 C#5:48 D5:48"


def fux(term: str) -> list[float]:
    """The values of a term for Fux's counterpoint above the cantus."""
    return term_values(term, melody(COUNTERPOINT, chords="N.C.", key="D dorian"), second_voice=CANTUS)


def values(term: str, notes: str, second: str) -> list[float]:
    """The values of a term for the notes of a melody in C above a second voice."""
    return term_values(term, melody(notes, chords="N.C."), second_voice=second)[: len(notes.split())]


# --- Fux's exercise: fifth, third, third, fifth, third, fifth, third, third, sixth, sixth, octave ---------------------


def test_first_species_is_consonant_throughout() -> None:
    assert fux("consonant_interval") == [0.5, 1, 1, 0.5, 1, 0.5, 1, 1, 1, 1, 0.5]


def test_fux_writes_no_parallels() -> None:
    assert fux("independent_perfects") == [0] * 11


def test_fux_reaches_perfect_consonances_by_contrary_motion() -> None:
    # The fifths over D and F in the fourth and sixth bar, and the octave at the end.
    assert fux("approached_perfects") == [0, 0, 0, 0.5, 0, 0.5, 0, 0, 0, 0, 0.5]


def test_motion_in_first_species() -> None:
    # Cantus up, down, down, up, down, up, down, down, down, down;
    # counterpoint staying, down, up, up, up, staying, down, up, down, up.
    assert fux("contrary_motion") == [0, 0, -0.5, 1, -0.5, 1, 0, -0.5, 1, -0.5, 1]


def test_fux_keeps_the_voices_apart() -> None:
    assert fux("separate_voices") == [0] * 11


def test_fux_closes_by_steps_into_the_octave() -> None:
    # Phrases of four bars end on a fifth, on a third and, after three bars more, with C# D over E D.
    assert [value for bar, value in enumerate(fux("two_voice_cadence")) if bar in (3, 7, 10)] == [0, -0.5, 1]


# --- intervals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("note", "value"),
    [
        ("C5", 0.5),  # octave
        ("C#5", -1),
        ("D5", -1),
        ("Eb5", 1),
        ("E5", 1),
        ("F5", -1),  # a fourth is dissonant between two voices
        ("F#5", -1),
        ("G5", 0.5),
        ("Ab5", 1),
        ("A5", 1),
        ("Bb5", -1),
        ("B5", -1),
    ],
)
def test_consonances(note: str, value: float) -> None:
    assert values("consonant_interval", note, "C4:48") == [value]


def test_dissonance_is_free_between_the_second_voices_notes() -> None:
    # Beat 2 is weak and the C is held; beat 3 is strong; on beat 4 the second voice moves.
    assert values("consonant_interval", "E4 F4 F4 F4", "C4:36 G3:12") == [1, 0, -1, -1]


def test_nothing_is_consonant_with_a_rest() -> None:
    assert values("consonant_interval", "E4 F4 G4", "-:48") == [0, 0, 0]


# --- motion -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "second", "parallels"),
    [
        ("G4 A4", "C4 D4", -1),  # fifths
        ("G5 A5", "C4 D4", -1),  # twelfths
        ("C5 D5", "C4 D4", -1),  # octaves
        ("C4 D4", "C4 D4", -1),  # unisons
        ("E4 F4", "C4 D4", 0),  # thirds may be parallel
        ("G4 G4", "C4 C4", 0),  # nobody moves
        ("G4 D5", "C4 G4", -1),  # by leap
        ("G4 A3", "C4 D3", -1),  # both down by a seventh: fifth and fifth
        ("G4 A4", "C4 D3", 0),  # fifth and twelfth by contrary motion
        ("G4 C5", "C4 F4", -1),
        ("C5 A4", "C4 D4", 0),  # octave and fifth
        ("G4 D4", "C4 D4", 0),  # fifth and unison
        ("G4:24 A4", "C4:12 E4:12 D4", 0),  # an E lies between
        ("G4 - A4", "C4:24 D4", -1),  # a rest in one voice hides nothing
    ],
)
def test_parallel_fifths_and_octaves(notes: str, second: str, parallels: float) -> None:
    assert values("independent_perfects", notes, second)[-1] == parallels


@pytest.mark.parametrize(
    ("notes", "second", "value"),
    [
        ("E5 D5", "C4 D4", 0.5),  # octave out of contrary motion
        ("F5 A5", "C4 D4", -1),  # direct fifth, the top voice leaps
        ("G4 A4", "C4 D4", 0),  # parallel, which is another term's
        ("G4 C5", "A3 C4", -1),  # direct octave with a leap
        ("B4 C5", "G3 C4", 0),  # direct octave, the top voice by step
        ("E4 F4", "C4 D4", 0),  # no perfect consonance
        ("C5 D5", "G4 G4", 0),  # oblique motion
        ("E3 G3", "C4 D4", 0),  # below the second voice, which steps, into its fifth
        ("C3 G3", "B3 D4", -1),  # below the second voice, which leaps, into its fifth
    ],
)
def test_direct_fifths_and_octaves(notes: str, second: str, value: float) -> None:
    assert values("approached_perfects", notes, second)[-1] == value


@pytest.mark.parametrize(
    ("notes", "second", "value"),
    [
        ("E4 D4", "C4 D4", 1),
        ("E4 F4", "C4 D4", -0.5),
        ("F4 F4", "C4 D4", 0),
        ("E4 D4", "C4 C4", 0),
        ("E4:6 D4:12", "C4:12 D4", 0),  # the voices move one after the other
    ],
)
def test_contrary_motion(notes: str, second: str, value: float) -> None:
    assert values("contrary_motion", notes, second)[-1] == value


# --- place ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "second", "expected"),
    [
        ("E4 B3 E4", "C4:48", [0, -1, 0]),  # crossed
        ("E4 C4 E4", "C4:48", [0, 0, 0]),  # a unison is no crossing
        ("E4 B3", "C4 A3", [0, -0.5]),  # where the second voice has just been
        ("G3 D4 B3", "C4:48", [0, -1, 0]),  # begun below
        ("E4 C6 C#6", "C4:48", [0, 0, -1]),  # two octaves and more
        ("E4 B3:3", "C4:48", [0, -0.5]),  # a sixteenth is half a pulse
        ("C4 E4 B3", "C4:48", [0, 0, -1]),  # from the unison it went up
    ],
)
def test_separate_voices(notes: str, second: str, expected: list[float]) -> None:
    assert values("separate_voices", notes, second) == expected


def test_distance_of_voices_is_a_parameter() -> None:
    assert values("separate_voices(widest=16)", "E5 F5", "C4:48") == [0, -1]


# --- dissonance -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("E4 F4 G4", 1),  # passing
        ("E4 F4 E4", 1),  # neighbour
        ("A4 F4 G4", -1),  # leapt to
        ("E4 F4 A4", -1),  # left by leap
        ("C5 B4 G4", 0),  # the beginning of a cambiata
        ("E4 G4 A4", 0),  # consonant
        ("E4:6 F4:6 G4", 1),  # an eighth is a whole pulse
        ("E4:12 F4:3 G4:3", 0.5),
        ("E4:24 F4 G4", 0),  # on the strong third beat, which is another term's
    ],
)
def test_passing_dissonance(notes: str, value: float) -> None:
    assert values("passing_dissonance", notes, "C4:48")[-1] == value


@pytest.mark.parametrize(
    ("notes", "second", "expected"),
    [
        # The chain of sevenths that fall to sixths of fourth species.
        ("-:24 D5:48 C5:48 B4:24", "F4:48 E4:48 D4:48", [0, 0, 1, 1]),
        ("-:24 D5:48 E5:24", "F4:48 E4:48", [0, 0, -1]),  # resolved upwards
        ("-:24 D5:48 A4:24", "F4:48 E4:48", [0, 0, -1]),  # left by leap
        ("-:24 C5:48 B4:24", "F4:48 E4:48", [0, 0, 0]),  # a sixth: nothing was suspended
        ("-:24 E5:48 D5:24", "F4:48 F#4:48", [0, 0, 0]),  # not prepared: it was dissonant before
        ("-:24 D5:48 C5:24", "F4:48 E4:24 A4:24", [0, 0, 1]),  # resolved while the second voice moves on
        ("D5:36 -:12", "F4:18 E4:30", [0, 0]),  # the second voice passes between the beats
        ("-:24 D5:36 - C5:24", "F4:48 E4:48", [0, 0, 0, 0]),  # a rest came between
    ],
)
def test_prepared_suspension(notes: str, second: str, expected: list[float]) -> None:
    assert values("prepared_suspension", notes, second) == expected


@pytest.mark.parametrize(
    ("notes", "second", "value"),
    [
        ("C5 B4 G4 A4", "C4:48", 1),
        ("C5 B4 G4:6 A4:3", "C4:48", 0.5),  # a sixteenth is half a pulse
        ("C5 B4 G4 F4", "C4:48", 0),  # does not turn back
        ("A4 G4 E4 F4", "C4:48", 0),  # no dissonance in it
        ("C5 D5 B4 C5", "A4:48", 0.5),  # both neighbours
        ("C5 D5 C5 B4", "A4:48", 0),
    ],
)
def test_cambiata(notes: str, second: str, value: float) -> None:
    assert values("cambiata", notes, second)[-1] == value


# --- rhythm and close -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ("E4 E4 E4 E4", [0, 1, 0, 1]),
        ("E4 E4:24 E4", [0, 1, 1]),
        ("E4:24 E4:24", [0, 0]),
        ("E4:36 E4", [1, 1]),  # held over
        ("E4 E4:3", [0, 0.5]),
    ],
)
def test_independent_rhythm_against_half_notes(notes: str, expected: list[float]) -> None:
    assert values("independent_rhythm", notes, "C4:24 D4:24") == expected


@pytest.mark.parametrize(
    ("notes", "second", "value"),
    [
        ("C#5:24 D5:24", "E4:24 D4:24", 1),
        ("E4:24 D4:24", "C4:24 D4:24", 1),  # unison
        ("A4:24 D5:24", "A4:24 D4:24", 0.5),
        ("A4:24 A4:24", "E4:24 D4:24", 0),
        ("G4:24 F4:24", "E4:24 D4:24", -0.5),
        ("D4:24 E4:24", "E4:24 D4:24", -1),
        ("C5:24 D5:24", "C4:24 D4:24", 0.5),  # parallel, by steps
    ],
)
def test_two_voice_cadence(notes: str, second: str, value: float) -> None:
    assert values("two_voice_cadence", notes, second)[-1] == value


def test_cadence_may_end_with_a_rest() -> None:
    assert values("two_voice_cadence", "C#5:24 D5:12 -", "E4:24 D4:24") == [0, 0, 1]


@pytest.mark.parametrize("name", sorted(n for n, term in load_terms().items() if term.family == "counterpoint"))
def test_without_a_second_voice_counterpoint_gives_nothing(name: str) -> None:
    assert set(term_values(name, melody(COUNTERPOINT, chords="N.C.", key="D dorian"))) == {0}


@pytest.mark.parametrize("name", sorted(n for n, term in load_terms().items() if term.family == "counterpoint"))
def test_counterpoint_is_the_same_in_every_key(name: str) -> None:
    notes, second = "E4 F4:6 G4:6 A4 G4 B4:24 -:12 C5:36", "C4:24 D4 E4 G4:24 C4:48"
    higher, second_higher = "G4 Ab4:6 Bb4:6 C5 Bb4 D5:24 -:12 Eb5:36", "Eb4:24 F4 G4 Bb4:24 Eb4:48"
    in_c = term_values(name, melody(notes, chords="N.C.", key="C"), second_voice=second)
    in_e_flat = term_values(name, melody(higher, chords="N.C.", key="Eb"), second_voice=second_higher)
    assert in_c == in_e_flat
