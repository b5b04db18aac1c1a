"""The terms for what holds a piece together, values counted by hand from the docstrings."""

from __future__ import annotations

import pytest

from rlcompose.testing import melody, term_values

SPACE = "C5 G4:24 B4:6"  # three notes whose intervals and lengths occur nowhere else


def last(notes: str, term: str = "motif") -> float:
    """The value of the last note of a melody."""
    values = term_values(term, melody(notes))
    return values[len(notes.split()) - 1]


def test_moved_motif_is_paid_once_and_a_copy_half() -> None:
    # The docstring's example: C D E, later F G A; or C D E again.
    assert last(f"C4 D4 E4 {SPACE} F4 G4 A4") == 1.0
    assert last(f"C4 D4 E4 {SPACE} C4 D4 E4") == 0.5


def test_only_the_end_of_the_motif_is_paid() -> None:
    values = term_values("motif", melody(f"C4 D4 E4 {SPACE} F4 G4 A4"))
    assert values[:9] == [0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_each_further_return_is_worth_half() -> None:
    # Always a step higher, with other notes between.
    notes = "C4 D4 E4 C5:24 Db4 Eb4 F4 C5:18 -:6 D4 E4 F#4 G5:24 Eb4 F4 G4"
    values = term_values("motif", melody(notes))
    assert [values[i] for i in (2, 6, 11, 15)] == [0, 1, 0.5, 0.25]


def test_motif_counts_with_its_rhythm() -> None:
    assert last(f"C4 D4 E4 {SPACE} F4 G4:6 A4") == 0.0
    assert last(f"C4 D4:6 E4:6 {SPACE} F4 G4:6 A4:6") == 1.0


def test_length_of_the_first_note_does_not_belong_to_the_motif() -> None:
    assert last(f"C4 D4 E4 {SPACE} F4:24 G4 A4") == 1.0


def test_motif_that_overlaps_with_itself_is_not_paid() -> None:
    # A scale repeats its intervals at every note; only from the third note on they lie apart, and the last one counts.
    assert term_values("motif", melody("C4 D4 E4 F#4 G#4 A#4"))[:6] == [0] * 6


def test_standing_still_is_no_motif() -> None:
    assert last(f"C4 C4 C4 {SPACE} D4 D4 D4") == 0.0


def test_rests_within_a_motif_do_not_matter() -> None:
    assert last(f"C4 D4 E4 {SPACE} F4 -:6 G4 A4") == 1.0


def test_motif_of_sixteenths_is_paid_by_the_pulse() -> None:
    assert last(f"C4:6 D4:6 E4:3 {SPACE} -:3 F4:6 G4:6 A4:3") == 0.5


def test_motif_off_the_grid_is_not_paid() -> None:
    # The last note begins 2 ticks after a beat, which is neither a sixteenth nor a triplet eighth.
    assert last(f"C4 D4 E4 {SPACE} -:2 -:6 F4 G4 A4") == 0.0


def phrase(notes: str, chords: str = "C | % | % | %", meter: str = "4/4", style: str = "fiddle") -> list[float]:
    """The values other than 0 of `phrase_ending`; a phrase has four bars."""
    piece = melody(notes, chords=chords, meter=meter, style=style)
    return [value for value in term_values("phrase_ending", piece) if value]


THREE_BARS = "G4:36 G4:36 G4:36 G4:36"


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        ("E4:24 E4:24", [1]),  # the docstring's example: a half note on the third
        ("E4:36 C4:12", [1]),  # a beat is enough
        ("E4:36 C4:6 C4:6", []),  # chord tone 0.5, too short -0.5
        ("E4:36 D4:12", [0.5]),  # scale tone 0, room 0.5
        ("E4:36 Db4:12", []),  # outside -0.5, room 0.5
        ("E4:36 E4:6 D4:6", [-0.5]),  # scale tone 0, too short -0.5
        ("E4:36 E4:6 Db4:6", [-1]),  # outside and too short
        ("E4:36 E4:6 -:6", [1]),  # an eighth and a rest have a beat of room
        ("E4:12", [1]),  # the note at the bar's beginning, the rest of the bar is silent
        ("-:48", [-1]),  # nothing in the last bar
    ],
)
def test_phrase_ending(notes: str, values: list[float]) -> None:
    assert phrase(f"{THREE_BARS} {notes}") == values


def test_silent_phrase_is_the_worst() -> None:
    assert phrase("-:36") == [-1]


def test_each_phrase_is_paid_once_however_it_is_filled() -> None:
    # Two phrases of four bars of eighth notes on C: chord tone, but an eighth before the end, so 0.5 - 0.5; then
    # whole phrases of quarter notes, 1 each.
    eighths, quarters = "C4:6 " * 32, "C4:12 " * 16
    assert phrase(eighths + quarters + quarters, chords="C | " * 11 + "C") == [1, 1]


def test_note_that_sounds_over_the_end_ends_the_phrase() -> None:
    # Begun on the fourth beat of the last bar, held into the next phrase: a beat of room before the end.
    notes = f"{THREE_BARS} E4:36 C4:24 -:36"
    assert phrase(notes, chords="C | % | % | % | % | % | % | %")[0] == 1


def test_phrase_of_six_eight_needs_a_dotted_quarter_at_its_end() -> None:
    three_bars = "G4:36 G4:36 G4:36"
    assert phrase(f"{three_bars} E4:18 C4:18", meter="6/8") == [1]
    assert phrase(f"{three_bars} E4:18 E4:6 C4:12", meter="6/8") == []


def test_piece_cut_within_a_phrase_ends_it() -> None:
    assert phrase("C4:24 E4:24", chords="C") == [1]


# --- motifs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notes", "values"),
    [
        # The docstring's example: three times a step higher, which is once too often.
        ("C4 E4 D4 D4 F4 E4 E4 G4 F4 F4 A4 G4", [0, 0, 0, 0, 0, 1, 0, 0, 0.5, 0, 0, -0.5]),
        ("C4 D4 E4 C4 D4 E4 F4 D4", [0, 0, 0, 0, 0, 0, 0, 1]),  # four notes along the scale: 2, 2, 1, 2 semitones
        ("G4 E4 F4 F4 D4 E4", [0, 0, 0, 0, 0, 1]),  # downwards
        ("C4:3 E4:3 D4:3 D4:3 F4:3 E4:3", [0, 0, 0, 0, 0, 0.5]),  # sixteenths are half a pulse
        ("C4 D4 E4 F4 G4 A4", [0] * 6),  # a scale
        ("C4 E4 D4 C4 E4 D4", [0] * 6),  # a copy stays where it was
        ("C4 E4 D4 G4 B4 A4", [0] * 6),  # a fifth is too far
        ("C4 E4 D4:6 D4 F4 E4", [0] * 6),  # another rhythm
        ("C4 E4 D4 D4 F4 F#4", [0] * 6),  # moved by 2, 1, 4 semitones: no longer the same cell
    ],
)
def test_sequence(notes: str, values: list[float]) -> None:
    assert term_values("sequence", melody(notes))[: len(values)] == values


def test_sequence_broken_off_may_begin_anew() -> None:
    # C E D, D F E: 1; after three other notes a new one, G B A, A C B: 1 again and not 0.5.
    notes = "C4 E4 D4 D4 F4 E4 C4:24 C4:18 G4:6 C5 B4 C5 D5 C5"
    values = term_values("sequence", melody(f"{notes} G4 B4 A4 A4 C5 B4"))
    assert [value for value in values if value][-1] == 1


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4 E4 D4 F4 F4 D4 E4 C4", 1),  # the docstring's example: backwards
        ("C4 E4 D4 F4 G4 E4 F4 D4", 1),  # upside down: +4 -2 +3, then -3 +1 -3, within a semitone
        ("C4 E4:6 D4:6 F4:24 F4:24 D4:6 E4:6 C4", 1),  # the rhythm backwards, too
        ("C4 E4 D4 F4 F4 D4 E4:6 C4", 0),  # another rhythm
        ("C4 D4 E4 F4 F4 E4 D4 C4", 0),  # a scale up and down does not turn
        ("C4 E4 D4 F4 D4 F4 E4 G4", 0),  # moved, not mirrored
    ],
)
def test_mirrored_motif(notes: str, value: float) -> None:
    assert last(notes, "mirrored_motif") == value


def test_mirrors_do_not_overlap() -> None:
    # C E D F | F D E C | C E D F: each is the one before it backwards, and no note between them is paid.
    cell, back = "C4 E4 D4 F4", "F4 D4 E4 C4"
    values = term_values("mirrored_motif", melody(f"{cell} {back} {cell}"))
    assert values == [0] * 7 + [1] + [0] * 3 + [1]


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4 D4 E4 G4 C4:6 D4:6 E4:6 G4:18", 1),  # the docstring's example
        ("C4 D4 E4 G4 A4 C5 C4:6 D4:6 E4:6 G4:18", 1),  # two notes between
        ("C4 D4 E4 G4 C4 D4 E4 G4", 0),  # the same rhythm
        ("C4 D4 C4 D4 C4:6 D4:6 C4:6 D4:18", 0),  # two pitches only
        ("C4 D4 E4 G4 C4:6 D4:6 E4:6 F4:18", 0),  # another last note
    ],
)
def test_rhythmic_variation(notes: str, value: float) -> None:
    assert last(notes, "rhythmic_variation") == value


# --- bars: one value for each bar -------------------------------------------------------------------------------------


def bars(term: str, *written: str, chords: str = "C") -> list[float]:
    """The values at the ends of bars that are each written as one text."""
    values = term_values(term, melody(" ".join(written), chords=chords))
    ends = [sum(len(bar.split()) for bar in written[: number + 1]) - 1 for number in range(len(written))]
    assert all(value == 0 for number, value in enumerate(values) if number not in ends)
    return [values[end] for end in ends]


@pytest.mark.parametrize(
    ("bar", "value"),
    [
        ("C4 E4 G4 E4", 0),  # the docstring's example, as the next two
        ("C4 E4 C4 E4", -0.5),
        ("C4:48", -1),
        ("-:48", -1),
        ("C4 E4 G4 -", 0),  # the rest that ends the bar is asked for it
        ("C4 E4 -:18 C5:6", 0),
    ],
)
def test_lively_bar(bar: str, value: float) -> None:
    assert bars("lively_bar", bar) == [value]


def test_lively_bar_sees_its_own_notes_only() -> None:
    assert bars("lively_bar", "C4 E4 G4 B4", "C4 C4 C4 C4") == [0, -1]


BAR = "C4 D4 E4 G4"
OTHER = "C5:6 A4:6 F4:12 B4:24"


@pytest.mark.parametrize(
    ("again", "value"),
    [
        ("D4 E4 F4 A4", 1),  # the docstring's example: a step higher, along the scale
        ("C4 D4 E4 G4", 0.5),  # a copy
        ("C4 D4 E4 C5", 1),  # the last note of four is another: three quarters alike
        ("C4 D4 B4 C5", 0.0),  # half alike
        ("C4:24 D4:6 E4:6 G4:12", 0.0),  # two of five onsets in common
    ],
)
def test_returning_bar(again: str, value: float) -> None:
    assert bars("returning_bar", BAR, again)[1] == value
    assert bars("returning_bar", BAR, OTHER, OTHER, again)[3] == value


def test_bar_over_and_over_earns_less_and_less() -> None:
    # Copies, 0.5 each, shared by 1, 2, 3 bars that are alike; varied ones begin with 1.
    assert bars("returning_bar", BAR, BAR, BAR, BAR) == [0, 0.5, 0.25, 0.5 / 3]
    assert bars("returning_bar", BAR, "D4 E4 F4 A4", "E4 F4 G4 B4") == [0, 1, 0.5]


def test_bar_of_two_notes_does_not_return() -> None:
    assert bars("returning_bar", "C4:24 E4:24", "C4:24 E4:24") == [0, 0]


def test_bar_returns_after_four_bars_at_most() -> None:
    held = "C5:48"
    assert bars("returning_bar", BAR, held, held, held, BAR)[-1] == 0.5
    assert bars("returning_bar", BAR, held, held, held, held, BAR)[-1] == 0


DOTTED = "C4:18 D4:6 E4 F4"


@pytest.mark.parametrize(
    ("again", "value"),
    [
        ("G4:18 E4:6 C4 D4", 1),  # the docstring's example
        ("D4:18 E4:6 F4 G4", 0),  # the melody moved
        ("G4:6 E4:18 C4 D4", 0),  # another rhythm
    ],
)
def test_rhythmic_motif(again: str, value: float) -> None:
    assert bars("rhythmic_motif", DOTTED, again) == [0, value]


def test_even_notes_are_no_rhythmic_motif() -> None:
    assert bars("rhythmic_motif", "C4 D4 E4 F4", "G4 E4 C4 D4") == [0, 0]
    assert bars("rhythmic_motif", "- D4 E4 F4", "- E4 C4 D4") == [0, 0]


def test_rhythm_that_returns_again_is_paid_half() -> None:
    assert bars("rhythmic_motif", DOTTED, "G4:18 E4:6 C4 D4", "B4:18 C5:6 F4 G4") == [0, 1, 0.5]


def test_new_material_forbids_loops() -> None:
    # The docstring's example, then loops of two bars, whose third turn is one too many, and their fourth another.
    assert bars("new_material", BAR, BAR, BAR) == [0, -0.5, -1]
    turn = "A4 G4 E4 D4"
    assert bars("new_material", *[BAR, turn] * 4) == [0, 0, 0, 0, -0.5, -0.5, -1, -1]


def test_new_material_allows_a_return() -> None:
    assert bars("new_material", BAR, OTHER, BAR, "E4 F4 G4 A4") == [0, 0, 0, 0]
    assert bars("new_material", "C4:24 G4:24", "C4:24 G4:24") == [0, 0]  # no shape that could be stale


def test_steady_register() -> None:
    # The docstring's example: 9 semitones are 5 more than 4, of 6. Bars 6 and 7 are on the way: 4.5 and 6.75.
    low, high = "C4 C4 C4 C4", "A4 A4 A4 A4"
    values = bars("steady_register", low, low, low, low, high, high, high, high)
    assert values == pytest.approx([0, 0, 0, 0, 0, -0.5 / 6, -2.75 / 6, -5 / 6])


def test_third_is_no_other_register() -> None:
    low, high = "C4 C4 C4 C4", "E4 E4 E4 E4"
    assert bars("steady_register", *[low] * 4, *[high] * 4) == [0] * 8


# --- phrases of four bars: one value for each -------------------------------------------------------------------------

EIGHT_BARS = "C | " * 7 + "C"


def phrases(term: str, *written: str, chords: str = EIGHT_BARS) -> list[float]:
    """The values at the ends of phrases that are each written as one text."""
    return bars(term, *written, chords=chords)


@pytest.mark.parametrize(
    ("notes", "value"),
    [
        ("C4:6 " * 28 + "C4:24", 1),  # the docstring's example: a half note after eighths
        ("C4:6 " * 28 + "C4:6 -:18", 1),  # silence is room as well
        ("C4 " * 16, 0),  # as much as before
        ("C4 " * 11 + "C4:6 C4 C4 C4 C4:18", 0.5),  # half as much again
        ("C4 " * 15 + "C4:6 C4:6", -0.5),  # less than the longest of three
        ("C4:48 C4:48 C4:48 -:48", 0),  # three notes are too few to tell
    ],
)
def test_resting_phrase(notes: str, value: float) -> None:
    assert phrases("resting_phrase", notes, chords="C | % | % | %") == [value]


@pytest.mark.parametrize(
    ("first", "second", "values"),
    [
        ("G4", "C4", [1, 1]),  # the docstring's example
        ("D4", "C5", [1, 1]),
        ("B4", "E4", [1, 0.5]),  # the third
        ("C4", "C4", [-0.5, 0.5]),  # nothing was open
        ("A4", "C4", [0, 0.5]),
        ("G4", "D4", [1, -0.5]),  # open again
        ("F4", "F4", [0, 0]),
    ],
)
def test_open_and_closed(first: str, second: str, values: list[float]) -> None:
    held = "E4:48 E4:48 E4:48"
    assert phrases("open_and_closed", f"{held} {first}:48", f"{held} {second}:24 -:24") == values


def test_last_phrase_of_a_section_is_closed() -> None:
    # Twelve bars have three phrases; the third one, which would open a pair, comes home.
    held = "E4:48 E4:48 E4:48"
    twelve = "C | " * 11 + "C"
    assert phrases("open_and_closed", *[f"{held} G4:48"] * 2, f"{held} C4:48", chords=twelve) == [1, -0.5, 1]


@pytest.mark.parametrize(
    ("second", "value"),
    [
        ("E4 " * 15 + "C4", 1),  # the docstring's example: the rhythm of the first phrase, a more stable end
        ("E4 " * 15 + "D4", 0.5),  # no more stable
        ("E4 " * 15 + "F#4", 0.5),  # less
        ("E4:24 " * 7 + "C4:24", 0.5),  # two of four onsets: half way from a quarter to three quarters
        ("E4:48 " * 3 + "C4:48", 0),  # one of four onsets
    ],
)
def test_call_and_response(second: str, value: float) -> None:
    assert phrases("call_and_response", "E4 " * 15 + "D4", second) == [0, value]


def test_only_second_phrases_respond() -> None:
    sixteen = "C | " * 15 + "C"
    call, response = "E4 " * 15 + "D4", "E4 " * 15 + "C4"
    assert phrases("call_and_response", call, response, call, response, chords=sixteen) == [0, 1, 0, 1]


HEAD = "C4 D4 E4 G4 A4 G4 E4 D4"
TAIL = "F4 E4 D4 F4 E4 D4 D4 D4"


@pytest.mark.parametrize(
    ("second", "value"),
    [
        (f"{HEAD} A4 B4 C5 A4 B4 A4 C5 C5", 1),  # the docstring's example: other two bars
        (f"{HEAD} {TAIL}", 0.25),  # a copy
        ("C4 D4 E4 G4 C5 B4 A4 G4 A4 B4 C5 A4 B4 A4 C5 C5", 0.5),  # one bar of two alike: a half, a quarter beyond
        (f"F4 E4 C5 A4 B4 C5 D5 B4 {TAIL}", 0),  # only the end is alike
    ],
)
def test_parallel_phrase(second: str, value: float) -> None:
    assert phrases("parallel_phrase", f"{HEAD} {TAIL}", second) == [0, value]


def test_parallel_phrase_may_have_one_between() -> None:
    twelve = "C | " * 11 + "C"
    between = "B4 " * 16
    again = f"{HEAD} A4 B4 C5 A4 B4 A4 C5 C5"
    assert phrases("parallel_phrase", f"{HEAD} {TAIL}", between, again, chords=twelve) == [0, 0, 1]


@pytest.mark.parametrize(
    ("second", "value"),
    [
        ("C4 " * 16, 1),
        ("C4 " * 12 + "-:48", 1),  # three quarters of them
        ("C4:24 " * 8, 0),  # half
        ("C4:48 " * 4, -1),  # a quarter
        ("-:48 " * 4, -1),
        ("C4:6 " * 32, 0),  # twice as many
    ],
)
def test_balanced_phrases(second: str, value: float) -> None:
    assert phrases("balanced_phrases", "C4 " * 16, second) == [0, value]


# --- sections ---------------------------------------------------------------------------------------------------------

ABA = "[A] C | C\n[B] F | F\n[A] C | C"


@pytest.mark.parametrize(
    ("again", "value"),
    [
        (BAR, 1),  # a copy
        ("C4 D4 B4 C5", 1),  # the rhythm and half of the pitches are three quarters
        ("B4 C5 A4 F4", 0.5),  # the rhythm alone is a half
        ("-:6 A4 A4 A4 A4:6", 0),  # other onsets and pitches
        ("-:48", 0),
    ],
)
def test_section_return(again: str, value: float) -> None:
    values = bars("section_return", BAR, BAR, OTHER, OTHER, again, again, chords=ABA)
    assert values == [0, 0, 0, 0, value, value]


def test_section_return_looks_at_the_same_bar() -> None:
    # The two bars of A change places: nothing in common but the quarter note at the beginning, one onset of four.
    held = "F5:48"
    assert bars("section_return", BAR, held, OTHER, OTHER, held, BAR, chords=ABA)[-2:] == [0, 0]


AB = "[A] C | C\n[B] F | F"
FIFTH_HIGHER = "-:6 G4 G4 G4 G4:6"


@pytest.mark.parametrize(
    ("chords", "second", "value"),
    [
        (AB, FIFTH_HIGHER, 1),  # the docstring's example: other onsets and pitches, a fifth higher
        (AB, "G4 G4 G4 G4", 0.75),  # the rhythm alone is a half: half way, and a fifth higher
        (AB, "D4 D4 D4 D4", 0.5),  # half of each: 2 semitones
        (AB, "C4 C4 C4 C4", 0),  # a copy
        ("[A] C | C\n[A] F | F", FIFTH_HIGHER, 0),  # the same letter
        (AB, "-:48", 0),
    ],
)
def test_section_contrast(chords: str, second: str, value: float) -> None:
    first = "C4 C4 C4 C4"
    assert bars("section_contrast", first, first, second, second, chords=chords) == [0, 0, 0, value]


def test_section_contrast_compares_bars_at_the_same_place() -> None:
    # Three bars, then two: the first two of A are those of B, so nothing contrasts.
    low, high = "C4 C4 C4 C4", "C5 C5 C5 C5"
    values = bars("section_contrast", low, low, high, low, low, chords="[A] C | C | C\n[B] F | F")
    assert values == [0, 0, 0, 0, 0]
