"""Chords of four voices, on textbook cadences."""

from __future__ import annotations

from fractions import Fraction

from rlcompose.corpus.harmony import Span, chords_of_voices


def voices(*chords: str) -> list[list[Span]]:
    """A voice for each pitch of chords like "48 55 64 72", a quarter note each; "-" is a rest."""
    columns = [chord.split() for chord in chords]
    return [
        [(Fraction(beat), Fraction(1), int(column[row])) for beat, column in enumerate(columns) if column != ["-"]]
        for row in range(max(map(len, columns)))
    ]


def symbols(*chords: str) -> list[str]:
    return [chord.symbol for _, chord in chords_of_voices(voices(*chords), Fraction(0), Fraction(len(chords)))]


def test_cadence_in_c() -> None:
    # I IV V7 I, and vi.
    assert symbols("48 55 64 72", "53 57 65 72", "43 59 65 74", "48 52 60 72", "45 60 64 69") == [
        "C",
        "F",
        "G7",
        "C",
        "Am",
    ]


def test_inversion_has_the_same_root() -> None:
    assert symbols("52 60 67 72") == ["C"]


def test_bass_decides_between_chords_of_the_same_notes() -> None:
    # A C E G with A in the bass is Am7.
    assert symbols("45 60 64 67") == ["Am7"]


def test_leading_note_chords() -> None:
    assert symbols("47 62 65 71", "47 62 65 69", "47 62 65 68") == ["Bdim", "Bm7b5", "Bdim7"]


def test_passing_note_weighs_less_than_the_chord() -> None:
    c_major = voices("48 55 64")
    soprano = [(Fraction(0), Fraction(1, 2), 72), (Fraction(1, 2), Fraction(1, 2), 74)]
    ((_, chord),) = chords_of_voices([*c_major, soprano], Fraction(0), Fraction(1))
    assert chord.symbol == "C"


def test_silence_has_no_chord_and_times_count_from_the_start() -> None:
    found = chords_of_voices(voices("48 52 55 60", "-", "43 50 59 67"), Fraction(1), Fraction(3))
    assert [(float(at), chord.symbol) for at, chord in found] == [(0.0, "N.C."), (1.0, "G")]
