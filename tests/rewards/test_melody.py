"""The terms for the melody by itself, values counted by hand from the docstrings; the pulse is an eighth, 6 ticks."""

from __future__ import annotations

import pytest

from rlcompose.testing import melody, term_values


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4 D4", [0, 1]),  # a whole tone; the first note has no interval
        ("E4:6 F4:6", [0, 1]),  # a semitone, an eighth: a whole pulse
        ("C4:6 Db4:6", [0, 0.5]),  # Db lies outside C major's scale
        ("C4 Db5", [0, -1]),  # which makes a leap no cheaper
        ("C4:3 D4:3", [0, 0.5]),  # sixteenths: half a pulse
        ("E4 G4 B4", [0, 0.5, 0.5]),  # minor third, major third
        ("C4 Eb4 G4", [0, 0.25, 0.5]),  # Eb lies outside
        ("C4 F4 C4", [0, 0, 0]),  # fourths
        ("C4 G4", [0, 0]),  # a fifth
        ("C4 Ab4", [0, -0.5]),  # a sixth
        ("C4 C5", [0, -0.5]),  # an octave
        ("C4 D5", [0, -1]),  # a ninth
        ("C4 C4", [0, 0]),  # repeated
        ("E4 - D4", [0, 0, 1]),  # rests do not part the line
        ("C4:2 D4:12", [0, 0]),  # begun off the grid a step earns nothing,
        ("C4:2 A4:12", [0, -0.5]),  # a wide leap costs as ever
        ("C4:4 D4:4 E4:4", [0, 4 / 6, 4 / 6]),  # triplet eighths are on the grid
    ],
)
def test_stepwise_motion(notes: str, values: list[float]) -> None:
    assert term_values("stepwise_motion", melody(notes))[: len(values)] == values


def test_without_a_chord_no_step_is_outside() -> None:
    assert term_values("stepwise_motion", melody("C4 Db4", chords="N.C."))[1] == 1


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4 A4 G4", [0, 0, 0.5]),  # sixth up, step back
        ("C4 F4 Db4", [0, 0, 0.5]),  # a fourth is a leap, a third turns back
        ("C4 E4 G4", [0, 0, 0]),  # a third is none
        ("C4 A4 D4", [0, 0, 0]),  # turning back by a fifth
        ("C4 A4 C5", [0, 0, -1]),  # going on
        ("C5 G4 F4:6", [0, 0, -1]),  # going on downwards, an eighth
        ("C5 G4 A4:3", [0, 0, 0.25]),  # turning back, a sixteenth
        ("C4 A4 A4 G4", [0, 0, 0, 0]),  # the goal repeated, then the leap is over
        ("C4 A4 - G4", [0, 0, 0, 0.5]),
    ],
)
def test_leap_recovery(notes: str, values: list[float]) -> None:
    assert term_values("leap_recovery", melody(notes))[: len(values)] == values


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4 C4", [0, -1]),
        ("C4 C4:3", [0, -0.5]),
        ("C4 D4 C4", [0, 0, 0]),  # there and back is no to and fro yet
        ("C4 D4 C4 D4", [0, 0, 0, -0.5]),
        ("C4 D4 E4 D4 C4", [0, 0, 0, 0, 0]),
        ("C4 D4 C4 D4 D4", [0, 0, 0, -0.5, -1]),  # repetition counts before to and fro
        ("C4 - C4", [0, 0, -1]),
    ],
)
def test_varied_pitch(notes: str, values: list[float]) -> None:
    assert term_values("varied_pitch", melody(notes))[: len(values)] == values


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        # The tonic is C4: A5 and what surrounds it are 19 to 25 above it, G3 is 5 below it.
        ("C4 G5 Ab5", [0, 0, -1 / 6]),
        ("C4 Bb5", [0, -0.5]),
        ("C4 E4 C6 Db6", [0, 0, -5 / 6, -1]),
        ("C4 D6 C4", [0, -1, 0]),  # never below -1
        ("E4 G3 F#3 C5 E5 C4", [0, 0, -1 / 6, 0, 0, 0]),
        ("C4 Bb5:3", [0, -0.25]),
        ("C4 - -", [0, 0, 0]),
    ],
)
def test_comfortable_range(notes: str, values: list[float]) -> None:
    seen = term_values("comfortable_range", melody(notes))[: len(values)]
    assert seen[: len(values)] == pytest.approx(values[: len(seen)])


@pytest.mark.parametrize("name", ["stepwise_motion", "leap_recovery", "varied_pitch"])
def test_melody_terms_do_not_depend_on_the_octave(name: str) -> None:
    low, high = (f"C{o} D{o}:6 G{o} E{o}:6 E{o} F{o} E{o} F{o} A{o}" for o in (4, 5))
    assert term_values(name, melody(low)) == term_values(name, melody(high))


@pytest.mark.parametrize("name", ["stepwise_motion", "leap_recovery", "varied_pitch", "comfortable_range"])
def test_melody_terms_count_the_same_in_six_eight(name: str) -> None:
    # The pulse is an eighth in both metres.
    notes = "C4:6 D4:6 A4:6 G4:3 G4:3 E5:6 C4:6"
    of_four, of_six = (term_values(name, melody(notes, meter=meter, style="fiddle")) for meter in ("4/4", "6/8"))
    assert of_six[:7] == of_four[:7]
