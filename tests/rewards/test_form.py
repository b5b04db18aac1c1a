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
