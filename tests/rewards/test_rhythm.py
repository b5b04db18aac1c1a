"""The terms for rhythm, values counted by hand from the docstrings; a bar of 4/4 has 48 ticks, its "ands" lie at 6."""

from __future__ import annotations

import pytest

from rlcompose.testing import melody, term_values

FOUR_BARS = "C | % | % | %"  # a phrase
THREE_BARS = "C4:48 C4:48 C4:48"


def at_bars(term: str, *bars: str) -> list[float]:
    """The values at the ends of the bars, each of which is written out; all others are 0."""
    values = term_values(term, melody(" ".join(bars)))
    ends = []
    for bar in bars:
        *others, last = values[: len(bar.split())]
        assert not any(others)
        ends.append(last)
        values = values[len(bar.split()) :]
    assert not values
    return ends


# --- places in the bar ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4:24", 1),  # on the first beat
        ("-:24 C4:24", 1),  # on the third
        ("- C4:24", 0),  # on the second
        ("-:18 C4:18", -1),  # on an "and"
        ("-:2 C4:18", -1),
        ("C4", 0),  # a beat is not long
        ("-:18 C4", 0),
    ],
)
def test_metric_placement(notes: str, value: float) -> None:
    assert sum(term_values("metric_placement", melody(notes))) == value


def test_long_notes_of_six_eight_are_longer_than_a_dotted_quarter() -> None:
    of_beat, of_bar = (melody(notes, meter="6/8", style="fiddle") for notes in ("C4:18 C4:18", "C4:36"))
    assert term_values("metric_placement", of_beat) == [0, 0]
    assert term_values("metric_placement", of_bar) == [1]


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("-:36 -:6 C4 C4:36", -1),  # on the "and" of four, over the barline
        ("-:36 -:6 C4:6 C4:48", 0),  # to the barline
        ("-:36 C4:24 C4:36", 0),  # begun on the fourth beat
        ("C4:48 C4:48", 0),
        ("-:6 C4:48 C4:36", -1),  # begun early in the bar
    ],
)
def test_clear_barlines(notes: str, value: float) -> None:
    assert sum(term_values("clear_barlines", melody(notes))) == value


# --- bars among each other --------------------------------------------------------------------------------------------

QUARTERS, HALF_FIRST, EIGHTHS = "C4 C4 C4 C4", "C4:24 C4 C4", " ".join(["C4:6"] * 8)


@pytest.mark.parametrize(
    ("first", "second", "value"),
    [
        (HALF_FIRST, QUARTERS, 1),  # 3 of 4 onsets in common
        (QUARTERS, QUARTERS, 0.5),  # a copy
        ("C4:48", QUARTERS, 0.25 / 0.3),  # 1 of 4
        ("- C4:36", "C4:48", 0),  # nothing in common
        (EIGHTHS, "C4:12 C4:6 C4:6 C4:6 C4:6 C4:6 C4:6", 1 - 0.5 * 0.075 / 0.2),  # 7 of 8
        ("-:48", "-:48", 0),
        (QUARTERS, "-:48", 0),
    ],
)
def test_steady_groove(first: str, second: str, value: float) -> None:
    assert at_bars("steady_groove", first, second) == pytest.approx([0, value])


@pytest.mark.parametrize(
    ("first", "third", "value"),
    [
        ("C4 C4 C4:24", "E4 F4 G4:24", 1),  # the docstring's example, with other pitches
        (QUARTERS, "C4 C4 C4:24", 0.875),  # 3 of 4: (.75 - .4) / .4
        ("C4:24 C4:24", QUARTERS, 0.25),  # 2 of 4
        ("C4:48", QUARTERS, 0),  # 1 of 4
        ("C4:48", "C4:48", 0),  # one note is no rhythm
    ],
)
def test_rhythmic_echo(first: str, third: str, value: float) -> None:
    assert at_bars("rhythmic_echo", first, "C4:48", third) == pytest.approx([0, 0, value])


def test_rhythmic_echo_of_another_distance() -> None:
    assert at_bars("rhythmic_echo(bars=1)", QUARTERS, QUARTERS) == [0, 1]
    assert at_bars("rhythmic_echo(bars=3)", QUARTERS, "C4:48", "C4:48", QUARTERS) == [0, 0, 0, 1]


def test_varied_rhythm() -> None:
    assert at_bars("varied_rhythm", QUARTERS, QUARTERS, QUARTERS) == [0, -0.5, -1]
    assert at_bars("varied_rhythm", QUARTERS, HALF_FIRST, QUARTERS) == [0, 0, -0.5]
    assert at_bars("varied_rhythm", QUARTERS, HALF_FIRST, "C4:48") == [0, 0, 0]
    assert at_bars("varied_rhythm", "-:48", "-:48", "-:48") == [0, 0, 0]


# --- notes among each other -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4:6 D4:6", [0, 1]),
        ("C4:3 D4:3", [0, 0.5]),  # sixteenths, half a pulse
        ("C4:4 D4:4", [0, 4 / 6]),
        ("C4:6 D4", [0, 0]),  # a multiple
        ("C4:9 D4:3", [0, 0]),
        ("C4:18 D4", [0, 0]),  # both straight
        ("C4:4 D4", [0, 0]),  # three triplet eighths
        ("C4:4 D4:6", [0, -1]),  # triplet and straight
        ("C4:6 D4:4", [0, -4 / 6]),
        ("C4 D4:8", [0, -1]),
        ("C4:6 -:6 D4:6", [0, 0, 0]),  # a rest parts lines
    ],
)
def test_even_lines(notes: str, values: list[float]) -> None:
    assert term_values("even_lines", melody(notes))[: len(values)] == values


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("C4:4 D4:4 E4:4", [0, 0, 0]),
        ("C4:8 D4:4", [0, 0]),  # long and short
        ("C4:4 D4:8", [0, 0]),
        ("C4:8 D4:8 E4:8", [0, 0, 0]),  # three in the time of two quarters
        ("C4 -:4 D4:4 E4:4", [0, 0, 0, 0]),  # a rest is the first of the three
        ("-:4 D4:4 E4:4", [0, 0, 0]),
        ("C4:4 D4:6", [0, -1]),  # the docstring's example
        ("C4:4 D4:2", [0, -2 / 6]),
        ("C4:6 D4:2 E4:4", [0, 0, -4 / 6]),  # on the third place, but nothing before it fits
        ("C4:6 -:2 E4:4", [0, 0, -4 / 6]),
        ("C4:6 D4:3 E4:3", [0, 0, 0]),  # straight places do not matter
    ],
)
def test_whole_triplets(notes: str, values: list[float]) -> None:
    assert term_values("whole_triplets", melody(notes))[: len(values)] == values


# --- lines and phrases ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        (f"{EIGHTHS} -:48", [0] * 8 + [1]),
        ("C4:6 C4:6 C4:6 C4:6 -:24", [0] * 4 + [0.5]),  # half a bar
        ("C4 C4 C4 -", [0, 0, 0, 0]),  # three notes are no line
        (f"{EIGHTHS} {EIGHTHS} -:48", [0] * 16 + [1]),  # two bars
        (f"{EIGHTHS} {EIGHTHS} C4:6 -:6 -:36", [0] * 16 + [-6 / 48, 0, 0]),  # longer, and more than 16 notes
        ("C4:48 C4:48 C4:48 C4:48", [0, 0, -1, -1]),  # nothing but long notes
        ("C4:36 C4:48 C4:48 C4:48 C4:12", [0, 0, -36 / 48, -1, -12 / 48]),
        ("C4 C4 C4 C4:9 -:3", [0, 0, 0, 0, 0]),  # a sixteenth is too short to breathe
        ("- -:36", [0, 0]),
    ],
)
def test_breathing(notes: str, values: list[float]) -> None:
    seen = term_values("breathing", melody(notes))
    assert [value for value in seen if value] == [value for value in values if value]


def test_breath_is_paid_at_the_rest() -> None:
    assert term_values("breathing", melody(f"{EIGHTHS} -:48")) == [0] * 8 + [1]


def test_chopping_a_line_earns_no_more_time_for_time() -> None:
    # Three eighths and a rest twice, against seven and a rest: a bar each; fewer than four notes earn nothing.
    chopped = "C4:6 C4:6 C4:6 -:6 C4:6 C4:6 C4:6 -:6"
    whole = " ".join(["C4:6"] * 7) + " -:6"
    assert sum(term_values("breathing", melody(chopped))) == 0
    assert sum(term_values("breathing", melody(whole))) == 42 / 48


@pytest.mark.parametrize(
    ("last_bar", "value"),
    [
        ("C4:36 -:12", 1),
        ("C4:36 C4:6 -:6", 1),  # an eighth's rest
        ("C4:36 C4:9 -:3", 0),  # a sixteenth's
        ("C4:36 C4:12", 0.5),
        ("C4:36 C4:6 C4:6", 0),
        ("C4:48", 0.5),
        ("-:48", 1),
    ],
)
def test_phrase_breath(last_bar: str, value: float) -> None:
    *others, last = term_values("phrase_breath", melody(f"{THREE_BARS} {last_bar}", chords=FOUR_BARS))
    assert last == value
    assert not any(others)


def test_note_held_over_the_end_of_a_phrase() -> None:
    piece = melody(f"{THREE_BARS} C4:36 C4:24 C4:36 {THREE_BARS}", chords=f"{FOUR_BARS} | % | % | % | %")
    assert term_values("phrase_breath", piece) == [0, 0, 0, 0, -1, 0, 0, 0, 0.5]


@pytest.mark.parametrize(
    ("last_bar", "value"),
    [
        ("C4 C4 C4:24", 1),
        ("C4 C4 C4:6 -:18", 1),  # an eighth, but with room for a half note
        ("C4 C4 C4 C4", 0),
        (EIGHTHS, 0),
        ("C4:36 C4", -1),
        ("C4:24 -:12 C4", -1),  # 36 ticks from onset to onset, then 12
    ],
)
def test_lengthened_ending(last_bar: str, value: float) -> None:
    *others, last = term_values("lengthened_ending", melody(f"{THREE_BARS} {last_bar}", chords=FOUR_BARS))
    assert last == value
    assert not any(others)


def test_single_note_is_no_lengthened_ending() -> None:
    assert not any(term_values("lengthened_ending", melody("C4", chords=FOUR_BARS)))


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("-:6 C4:6 D4:6 E4:6 F4:6 G4:6 A4:6 B4:6 -:48", 1),  # from the "and" of one to the "and" of four
        ("-:6 C4:6 D4:6 E4:6 -:24", 1),
        ("C4:6 D4:6 E4:6 F4:6 -:24", 0.5),  # begins on the beat
        ("-:6 C4:6 D4 E4 -:12", 0.5),  # ends on it
        ("C4:6 D4:6 E4 -:24", 0),
        ("-:8 C4:4 D4 E4 -", 0),  # a triplet's last place is no "and"
        ("-:6 C4 D4:6 -:24", 0),  # two notes
        ("-:6 C4:6 D4:6 E4:6 F4:6 G4:6 A4:6 B4:6", 0),  # no rest after it
    ],
)
def test_offbeat_phrasing(notes: str, value: float) -> None:
    assert sum(term_values("offbeat_phrasing", melody(notes))) == value
