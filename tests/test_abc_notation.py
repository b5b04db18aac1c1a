"""Tunes as ABC text: what music21 and our own strict reader find in it, and some examples by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from rlcompose.abc_notation import FOLK_FAMILIES, abc_text, write_abc
from rlcompose.corpus.abc import read_tune
from rlcompose.score import Composition, Section
from rlcompose.style import style_names
from rlcompose.testing import melody
from rlcompose.theory.chord import Chord

MakeComposition = Callable[[int], Composition]
Notes = list[tuple[Fraction, Fraction, int]]


def body(piece: Composition) -> str:
    """The music without the header, on one line."""
    lines = abc_text(piece).splitlines()
    return " ".join(line for line in lines if line[1:2] != ":" and not line.startswith("%%"))


def notes_of(piece: Composition) -> Notes:
    start = piece.meter.bar_ticks - piece.pickup if piece.pickup else 0
    return [(Fraction(n.onset - start), Fraction(n.ticks), n.pitch) for n in piece.notes]


def read_strictly(piece: Composition) -> Notes:
    """Onset, length and pitch in ticks, read by a reader for which an accidental holds to the end of the bar."""
    notes, position = [], Fraction(0)
    for bar in read_tune(abc_text(piece)).bars:
        notes += [(12 * (position + onset), 12 * length, pitch) for onset, length, pitch in bar.notes]
        position += bar.length
    return notes


def read_by_music21(piece: Composition) -> Notes:
    """The same by a reader for which an accidental holds for its note alone."""
    music21 = pytest.importorskip("music21")
    part = music21.converter.parseData(abc_text(piece), format="abc").parts[0].stripTies()

    def ticks(quarters: float | Fraction) -> Fraction:
        return 12 * Fraction(quarters).limit_denominator(1000)

    notes = part.recurse().getElementsByClass(music21.note.Note)
    return [(ticks(note.getOffsetInHierarchy(part)), ticks(note.quarterLength), note.pitch.midi) for note in notes]


@pytest.mark.parametrize("style", sorted(FOLK_FAMILIES))
def test_both_kinds_of_readers_find_the_same_notes_in_every_folk_style(
    style: str, played: Callable[..., Composition]
) -> None:
    assert style in style_names()
    for seed in range(3):
        piece = played(style, bars=8, seed=seed)
        assert read_strictly(piece) == read_by_music21(piece) == notes_of(piece)


def test_both_kinds_of_readers_find_the_same_notes_in_anything(any_composition: MakeComposition) -> None:
    for number in range(25):
        piece = any_composition(number)
        assert read_by_music21(piece) == notes_of(piece), number
        assert read_strictly(piece) == notes_of(piece), number


def test_chords_are_read_back_from_a_folk_piece(played: Callable[..., Composition]) -> None:
    piece = played("fiddle", bars=8, seed=1)
    found: list[tuple[Fraction, Chord]] = []
    position = Fraction(0)
    for bar in read_tune(abc_text(piece)).bars:
        found += [(12 * (position + onset), chord) for onset, chord in bar.chords]
        position += bar.length
    assert found == [(Fraction(span.onset), span.chord) for span in piece.chords]


def test_a_tune_by_hand() -> None:
    # Lengths in eighths; capital letters from middle C, small ones from the C above, marks for further octaves.
    piece = melody("A3:6 D4:6 F#4 D5 A4:24 C6:18 -:6", chords="D | G", key="D", tempo=90, style="fiddle")
    header = "X:1 T:The_Tune M:4/4 L:1/8 Q:1/4=90 K:D %%MIDI_program_40 P:A"
    assert abc_text(replace(piece, title="The Tune", instrument=40)).splitlines() == [
        *(line.replace("_", " ") for line in header.split()),
        """"D"A,D F2 d2 A2- | "G"A2 =c'2- =c' z z2 |]""",
    ]


@pytest.mark.parametrize(
    ("notes", "key", "expected"),
    [
        ("F#4 G4 F4 F#4 G4 C4:36", "C", '"C"^F2 G2 =F2 ^F2 | G2 C6 |]'),
        ("F#4 F#4 F#5 G4", "C", '"C"^F2 ^F2 ^f2 G2 |]'),  # again, for readers that forget it
        ("F#4 F#4 F4 F#4", "G", '"C"F2 F2 =F2 ^F2 |]'),
        ("C4:36 Bb4:24", "C", '"C"C6 _B2- | _B2 z2 z4 |]'),  # a tied note too
        ("C4:4 D4:4 E4:4 F4:36", "C", '"C"(3CDE F6 |]'),
        ("C4:8 D4:4 E4:36", "C", '"C"(3:2:2C2D E6 |]'),
        ("C4:9 D4:3 E4:3 F4:9 G4", "C", '"C"C3/2D/2 E/2F3/2 G2 z2 |]'),
    ],
)
def test_accidentals_tuplets_and_lengths(notes: str, key: str, expected: str) -> None:
    assert body(replace(melody(notes, key=key), sections=())) == expected


def test_a_note_over_two_chords_is_tied() -> None:
    assert body(melody("C4:48", chords="C F")) == '"C"C4- "F"C4 |]'


def test_parts_begin_lines_of_four_bars() -> None:
    piece = melody("C4:48 " * 7, chords="[A] C | C | C | C | C | [B] C | C", key="C")
    lines = abc_text(piece).splitlines()[7:]
    assert lines == ["P:A", '"C"C8 | C8 | C8 | C8 |', "C8 ||", "P:B", "C8 | C8 |]"]


def test_an_upbeat_stands_before_the_first_of_four_bars() -> None:
    piece = replace(melody("-:42 G4:6 " + "C4:48 " * 5), pickup=6, sections=(Section("A", 0, 6),))
    lines = abc_text(piece).splitlines()[7:]
    assert lines == ["P:A", '"C"G | C8 | C8 | C8 | C8 |', "C8 |]"]


@pytest.mark.parametrize(
    ("key", "field"), [("C", "K:C"), ("Eb minor", "K:Ebm"), ("D dorian", "K:Ddor"), ("A mixolydian", "K:Amix")]
)
def test_keys(key: str, field: str) -> None:
    assert field in abc_text(melody("C4", key=key)).splitlines()


def test_metre_and_tempo() -> None:
    lines = abc_text(melody("C4:36", meter="6/8", tempo=180, style="fiddle")).splitlines()
    assert {"M:6/8", "Q:3/8=120"} <= set(lines)
    assert 'Q:"Swing" 1/4=120' in abc_text(melody("C4")).splitlines()


def test_a_title_cannot_break_the_header() -> None:
    lines = abc_text(replace(melody("C4"), title="50%\nX:2")).splitlines()
    assert lines[1] == r"T:50\% X:2"


def test_the_file_holds_the_text(tmp_path: Path) -> None:
    write_abc(melody("C4"), tmp_path / "tune.abc")
    assert (tmp_path / "tune.abc").read_text(encoding="utf-8") == abc_text(melody("C4"))
