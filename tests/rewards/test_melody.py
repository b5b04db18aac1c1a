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


@pytest.mark.parametrize("name", ["stepwise_motion", "leap_recovery", "varied_pitch", "comfortable_range"])
def test_melody_terms_count_the_same_in_six_eight(name: str) -> None:
    # The pulse is an eighth in both metres.
    notes = "C4:6 D4:6 A4:6 G4:3 G4:3 E5:6 C4:6"
    of_four, of_six = (term_values(name, melody(notes, meter=meter, style="fiddle")) for meter in ("4/4", "6/8"))
    assert of_six[:7] == of_four[:7]


# --- beginnings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "chords", "key", "value"),
    [
        ("C4 D4 C4", "C", "C", 1),  # the tonic
        ("E4 C4 C4", "C", "C", 0.5),
        ("G4 C4 C4", "C", "C", 0.5),
        ("D4 C4 C4", "C", "C", -1),
        ("C4 D4 C4", "F", "C", 1),  # the tonic is the fifth of F here
        ("A4 D4 C4", "F", "C", 0.5),
        ("E4 D4 C4", "F", "C", -1),  # of the tonic triad, not of F A C
        ("E4 C4 C4", "N.C.", "C", 0.5),  # without chords the tonic triad stands in
        ("Eb4 C4 C4", "N.C.", "C", -1),
        ("Eb4 C4 C4", "N.C.", "C minor", 0.5),
    ],
)
def test_tonal_beginning(notes: str, chords: str, key: str, value: float) -> None:
    values = term_values("tonal_beginning", melody(notes, chords=chords, key=key))
    assert values == [value] + [0] * (len(values) - 1)


def test_tonal_beginning_waits_for_the_first_note() -> None:
    assert term_values("tonal_beginning", melody("- E4 C4"))[:3] == [0, 0.5, 0]


# --- leaps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4 F#4", -1),  # tritone, up
        ("F#4 C4", -1),  # and down
        ("C4 A4", -1),  # major sixths
        ("A4 C4", -1),
        ("C4 Ab4", 0),  # a minor sixth up may be sung
        ("Ab4 C4", -1),  # not down
        ("C4 Bb4", -1),  # sevenths
        ("B4 C4", -1),
        ("C4 C5", 0),  # an octave
        ("C4 Db5", -1),  # more than an octave
        ("C4 G4", 0),
        ("C4 F4", 0),
        ("C4 C4", 0),
        ("C4 A4:3", -0.5),  # a sixteenth
    ],
)
def test_singable_leaps(notes: str, value: float) -> None:
    assert term_values("singable_leaps", melody(notes))[:2] == [0, value]


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4 G4 D5", [0, 0, -1]),  # two fifths
        ("D5 G4 C4", [0, 0, -1]),
        ("C4 F4 Bb4:3", [0, 0, -0.5]),  # two fourths
        ("C4 E4 A4 D5", [0, 0, 0, -1]),  # C E A is a triad, E A D is none
        ("C4 E4 G4 B4", [0, 0, 0, 0]),  # C E G and E G B: a seventh chord in thirds
        ("C4 G4 C5", [0, 0, 0]),  # an octave, divided
        ("C4 D4 G4", [0, 0, 0]),  # a second is no skip
        ("C4 G4 D4", [0, 0, 0]),  # the other way
    ],
)
def test_balanced_leaps(notes: str, values: list[float]) -> None:
    assert term_values("balanced_leaps", melody(notes))[: len(values)] == values


@pytest.mark.parametrize("triad", ["C4 E4 G4", "C4 Eb4 G4", "C4 Eb4 Gb4", "E4 G4 C5", "Eb4 G4 C5", "G4 C5 E5"])
def test_triads_are_no_unbalanced_leaps(triad: str) -> None:
    down = " ".join(reversed(triad.split()))
    for notes in (triad, down):
        assert term_values("balanced_leaps", melody(notes))[:3] == [0, 0, 0]


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4 A4 G4 F4", [0, 0, 0, 1]),  # a sixth, filled by steps
        ("A4 C4 D4 E4", [0, 0, 0, 1]),  # downwards
        ("C4 A4 G4 F4:3", [0, 0, 0, 0.5]),
        ("C4 A4 B4 C5", [0, 0, 0, -1]),  # both beyond
        ("C4 A4 B4 B3", [0, 0, 0, -1]),  # one above, one below: outside, too
        ("C4 A4 G4 B4", [0, 0, 0, 0]),  # one inside, one outside
        ("C4 A4 G4 A4", [0, 0, 0, 0]),  # the goal again
        ("C4 A4 E4 D4", [0, 0, 0, 0]),  # inside by a fourth
        ("C4 A4 G4 G4", [0, 0, 0, 0]),  # fills no further
        ("C4 E4 F4 G4", [0, 0, 0, 0]),  # a third opens no gap
    ],
)
def test_filled_leaps(notes: str, values: list[float]) -> None:
    assert term_values("filled_leaps", melody(notes))[: len(values)] == values


# --- runs and turns ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("F4 G4 A4 B4 A4", -1),  # F to B is a tritone
        ("B4 A4 G4 F4 G4", -1),
        ("F4 G4 A4 B4 B4 A4", -1),  # the highest note repeated
        ("F4 G4 A4 B4 C5 B4", 0),  # a fifth
        ("C4 E4 G4 Bb4 A4", -1),  # a minor seventh
        ("C4 E4 G4 B4 A4", -1),  # a major seventh
        ("C4 E4 G4 D5 C5", -1),  # a ninth
        ("C4 E4 G4 A4 G4", 0),  # a sixth
        ("F4 B4 A4", 0),  # a tritone leapt is another matter
        ("F4 G4 A4 B4 A4:3", -0.5),
    ],
)
def test_consonant_outline(notes: str, value: float) -> None:
    count = len(notes.split())
    assert term_values("consonant_outline", melody(notes))[:count] == [0] * (count - 1) + [value]


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4 G4 C5", [0, 0, 0]),  # an octave is free
        ("C4 G4 C5 Eb5 F#5 G5", [0, 0, 0, -0.5, -1, -1]),  # 15, 18, 19 semitones
        ("F#5 C5 G4 C4", [0, 0, 0, -1]),  # 18 downwards
        ("C4 G4 C5 B4 D5", [0, 0, 0, 0, 0]),  # turned
        ("C4 G4 C5 C5 Eb5", [0, 0, 0, 0, 0]),  # repeated: a new run
        ("C4 G4 C5 Eb5:3", [0, 0, 0, -0.25]),
    ],
)
def test_bounded_runs(notes: str, values: list[float]) -> None:
    assert term_values("bounded_runs", melody(notes))[: len(values)] == values


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4 D4 E4 F4 G4 F4", 0.5),  # after four intervals
        ("G4 F4 E4 D4 C4 D4", 0.5),
        ("C4 D4 E4 F4 G4 A4 G4", 0.75),
        ("C4 D4 E4 F4 G4 A4 B4 A4", 1),
        ("C4 D4 E4 F4 G4 A4 B4 C5 B4", 1),  # never more
        ("C4 D4 E4 F4 E4", 0),  # three are no run
        ("C4 D4 E4 F4 G4 A4", 0),  # it goes on
        ("C4 D4 E4 F4 G4 F4:3", 0.25),
    ],
)
def test_turning_lines(notes: str, value: float) -> None:
    count = len(notes.split())
    assert term_values("turning_lines", melody(notes))[:count] == [0] * (count - 1) + [value]


# --- too much of the same ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4 D4 C4 D4", -1),  # two and two
        ("C4 D4 E4 C4 D4 E4", -1),
        ("C4 D4 E4 F4 C4 D4 E4 F4", -1),
        ("C4 D4 C4 D4:3", 0),  # another length is no loop
        ("C4 D4:6 C4:6 D4", 0),
        ("C4 D4 E4 D4 E4 C4", 0),
        ("C4 D4 E4 F4 G4 C4 D4 E4 F4 G4", 0),  # five notes are a motif
        ("C4:3 D4:3 C4:3 D4:3", -0.5),
    ],
)
def test_unlooped(notes: str, value: float) -> None:
    count = len(notes.split())
    assert term_values("unlooped", melody(notes))[count - 1] == value


def test_returning_after_other_notes_is_no_loop() -> None:
    assert not any(term_values("unlooped", melody("C4 D4 E4 G4 C4 D4 E4 A4")))


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4 D4 C4 D4 C4 D4 C4 D4", -1),
        ("C4 Eb4 D4 Eb4 C4 D4 C4 D4", -1),  # within a minor third
        ("C4 D4 E4 D4 C4 D4 E4 D4", -0.5),  # within a major third
        ("C4 D4 E4 F4 C4 D4 E4 F4", 0),
        ("C4 D4 C4 D4 C4 D4 C4", 0),  # seven notes are not judged
        ("C4 D4 C4 D4 C4 D4 C4 D4:3", -0.5),
    ],
)
def test_purposeful_motion(notes: str, value: float) -> None:
    count = len(notes.split())
    assert term_values("purposeful_motion", melody(notes))[:count] == [0] * (count - 1) + [value]


def contour(notes: str) -> list[float]:
    """The value at the end of each bar of `unpredictable_contour`, for quarter notes in 4/4."""
    return term_values("unpredictable_contour", melody(notes))[3::4]


def test_trill_and_repeated_note_are_foreseen() -> None:
    # The third bar ends with the twelfth note; what is not at a bar's end gives 0.
    assert contour("C4 D4 " * 8) == [0, 0, -1, -1]
    assert contour("C4 " * 16) == [0, 0, -1, -1]


def test_contour_is_measured_as_in_statistics() -> None:
    # Autocorrelations by numpy, of deviations from the mean: the scale's first is .75, the melody's strongest -.361.
    scale = "C4 C#4 D4 D#4 E4 F4 F#4 G4 G#4 A4 A#4 B4"
    assert contour(scale) == pytest.approx([0, 0, -0.75])
    assert contour("C4 E4 G4 E4 D4 F4 E4 D4 C4 E4 D4 C4") == [0, 0, 0]


def test_contour_is_measured_at_a_rest_too() -> None:
    # Bar three ends with a rest; its last note is the twelfth, a trill's.
    values = term_values("unpredictable_contour", melody("C4 D4 C4 D4 " * 2 + "C4:6 D4:6 C4:6 D4:6 -:24"))
    assert values[8:] == [0, 0, 0, 0, -1]


# --- the leading tone -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("B4 C5", [0, 1]),
        ("B4 C5 D5", [0, 1, 0]),
        ("B4 A4 C5", [0, 0, 0.5]),  # a note later
        ("B4 A4 G4", [0, 0, -0.5]),
        ("B4 C4 D4", [0, 0, -0.5]),  # the tonic below is none
        ("B4 B4 C5", [0, 0, 1]),
        ("B4 C5:3", [0, 0.5]),
        ("Bb4 C5 D5", [0, 0, 0]),
    ],
)
def test_resolved_leading_tone(notes: str, values: list[float]) -> None:
    assert term_values("resolved_leading_tone", melody(notes, chords="G7"))[: len(values)] == values


def test_major_seventh_of_the_tonic_chord_is_at_rest() -> None:
    assert not any(term_values("resolved_leading_tone", melody("B4 A4 G4 B4 C5", chords="Cmaj7")))


# --- phrases ----------------------------------------------------------------------------------------------------------


FOUR_BARS = "C | % | % | %"  # a phrase


def phrase(term: str, notes: str) -> float:
    """The value at the end of a phrase of four bars, which the notes fill or silence after them; all others are 0."""
    *others, last = term_values(term, melody(notes, chords=FOUR_BARS))
    assert not any(others)
    return last


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4 E4 G4 F4 D4 C4", 1),  # one highest note
        ("C4 G4 E4 G4 D4 C4", 0),
        ("G4 C4 G4 D4 G4 C4", -1),
        ("G4 C4 G4 D4 G4 C4 G4", -1),  # never less
        ("C4 C4 C4 C4", -1),
        ("C4 G4 C4", 0),  # three notes have no shape
        ("C4 E4 F4 -:24 -:48 G4 D4 C4", 1),  # wherever in the phrase
        ("C4:48 E4:48 G4:48 C4:48", 1),  # the last event is a note
    ],
)
def test_single_climax(notes: str, value: float) -> None:
    assert phrase("single_climax", notes) == value


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("G4 E4 C4 D4 E4 G4", 1),
        ("G4 C4 E4 C4 D4 G4", 0),
        ("C4 G4 C4 E4 C4 G4", -1),
        ("G4 C4 G4", 0),
        ("G4:48 E4:48 C4:48 G4:48", 1),
    ],
)
def test_single_low_point(notes: str, value: float) -> None:
    assert phrase("single_low_point", notes) == value


def test_each_phrase_has_its_own_climax() -> None:
    # G twice, but in two phrases: 1 for each.
    bars = "C4:48 G4:48 E4:48 D4:48 "
    values = term_values("single_climax", melody(bars * 2, chords=f"{FOUR_BARS} | % | % | % | %"))
    assert values == [0, 0, 0, 1, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4:48 D4:48 G4:48 E4:48", 1),  # at half of the phrase
        ("C4:48 D4:48 E4:48 G4:48", 1),  # at three quarters
        ("G4:48 D4:48 E4:48 C4:48", -1),  # at once
        ("C4:48 G4:48 E4:48 D4:48", 0.25),  # at a quarter: 2 x .25 / .4 - 1
        ("C4:48 D4:48 E4:48 C4:36 G4:12", -0.375),  # at 15/16: 2 x (1/16) / .2 - 1
        ("C4:48 G4:48 G4:48 D4:48", 0.25),  # the first of two counts
        ("C4:48 D4:48 G4:48", 0),  # three notes
    ],
)
def test_climax_placement(notes: str, value: float) -> None:
    assert phrase("climax_placement", notes) == pytest.approx(value)


def test_climax_of_a_phrase_that_the_piece_cuts_short() -> None:
    # Two bars; the highest note at half of them.
    assert term_values("climax_placement", melody("C4:24 D4:24 G4:24 E4:24", chords="C | %")) == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4:48 G4:48 F4:48 E4:48", 1),
        ("C4:48 G4:48 B4:48 C5:48", 1),
        ("C4:48 G4:48 D4:48 F4:48", 0),  # a third
        ("C4:48 G4:48 C4:48 C4:48", 0),  # repeated
        ("C4:48 F4:48 G4:48 C4:48", -1),
        ("C4 G4 F4 E4", 1),  # silence after it
        ("C4 G4 E4 - C4", 0),
        ("C4", 0),  # nothing before it
    ],
)
def test_stepwise_ending(notes: str, value: float) -> None:
    assert phrase("stepwise_ending", notes) == value


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4 E4 G4 E4 D4 C4", 1),  # an arch: the middle is 4 1/4 semitones above both ends
        ("G4 E4 C4 E4 F4 G4", -1),  # a bowl
        ("C4 D4 E4 F4 G4 A4", 0),  # rising
        ("A4 G4 F4 E4 D4 C4", 0),  # falling
        ("C4 C4 C4 C4", 0),
        ("C4 G4 C4", 0),  # three notes
        ("C4:48 E4:48 G4:48 C4:48", 1),  # the last event is a note
        ("C4:48 E4 D4 -:24 -:48 F4 C4", 1),  # over bars and rests
        ("E4:48 G4:48 C4:48 E4:48", -1),  # (7 + 0) / 2 is less than 4
    ],
)
def test_arched_phrase(notes: str, value: float) -> None:
    assert phrase("arched_phrase", notes) == value


def test_each_phrase_has_its_own_arch() -> None:
    # The first rises, the second is an arch.
    bars = "C4:48 D4:48 E4:48 F4:48 C4:48 E4:48 G4:48 C4:48"
    assert term_values("arched_phrase", melody(bars, chords=f"{FOUR_BARS} | % | % | % | %")) == [0] * 7 + [1]


# --- what holds for all -----------------------------------------------------------------------------------------------

ANYWHERE = [
    *("stepwise_motion", "leap_recovery", "varied_pitch", "singable_leaps", "balanced_leaps", "consonant_outline"),
    *("bounded_runs", "turning_lines", "unlooped", "purposeful_motion", "resolved_leading_tone", "filled_leaps"),
    *("tonal_beginning", "unpredictable_contour", "single_climax", "single_low_point", "climax_placement"),
    *("stepwise_ending", "arched_phrase"),
]
WANDERING = "B{0} C{1} D{0}:6 G{0} E{0}:6 E{0} F{0} E{0} F{0} A{0} F#{0} C{0} G{0} D{1} C{1}:6 B{0}:6 A{0}:6 G{0} F{0}"


@pytest.mark.parametrize("name", ANYWHERE)
def test_melody_terms_do_not_depend_on_the_octave(name: str) -> None:
    low, high = (WANDERING.format(octave, octave + 1) for octave in (4, 5))
    assert term_values(name, melody(low)) == term_values(name, melody(high))


@pytest.mark.parametrize("name", ANYWHERE)
def test_melody_terms_do_not_depend_on_the_key(name: str) -> None:
    of_c = term_values(name, melody("C4 D4:6 G4 E4:6 B4 C5 A4 F4 C4", chords="C", key="C"))
    of_d = term_values(name, melody("D4 E4:6 A4 F#4:6 C#5 D5 B4 G4 D4", chords="D", key="D"))
    assert of_c == of_d


def test_wide_second_skip_is_not_taken_for_another_triad() -> None:
    # A minor third and a twelfth and a half upwards: 3 and 19 semitones, no triad.
    assert term_values("balanced_leaps", melody("C4 Eb4 Bb5"))[:3] == [0, 0, -1]
