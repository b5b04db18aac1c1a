"""Spelling: names that musicians would write, in keys with many flats and sharps too."""

from __future__ import annotations

import pytest

from rlcompose.theory.chord import Chord, parse_chord
from rlcompose.theory.key import MODES, Key
from rlcompose.theory.pitch import parse_pitch, parse_pitch_class, pitch_class_name
from rlcompose.theory.spelling import (
    key_alter,
    key_tonic,
    letter_of,
    name_of,
    octave_of,
    spell_chords,
    spell_melody,
    spelled_symbols,
)

KEYS = [Key(tonic, mode) for tonic in range(12) for mode in MODES]


def spelled(notes: str, key: str, chord: str | None = None) -> str:
    """The notes, given by any names, as they are spelled in a key over a chord."""
    pitches = [parse_pitch(name) for name in notes.split()]
    over = None
    if chord:
        [places] = spell_chords([parse_chord(chord)], Key.parse(key))
        assert places
        over = (parse_chord(chord), places[0])
    places_of_notes = spell_melody(pitches, [over] * len(pitches), Key.parse(key))
    return " ".join(f"{name_of(p)}{octave_of(p, pitch)}" for p, pitch in zip(places_of_notes, pitches, strict=True))


def test_every_key_has_its_seven_letters() -> None:
    for key in KEYS:
        places = spell_melody([key.tonic + step for step in key.scale], [None] * 7, key)
        assert sorted(map(letter_of, places)) == list("ABCDEFG"), key
        assert places[0] == key_tonic(key)


@pytest.mark.parametrize(("key", "letter", "alter"), [("D", "F", 1), ("D", "G", 0), ("Ab", "D", -1), ("Gb", "C", -1)])
def test_signatures(key: str, letter: str, alter: int) -> None:
    assert key_alter(Key.parse(key), letter) == alter


@pytest.mark.parametrize(
    ("notes", "key", "chord", "expected"),
    [
        ("C4 Db4 D4 D4 Db4 C4", "C", None, "C4 C#4 D4 D4 Db4 C4"),  # up by sharps, down by flats
        ("C#4 C#4 D4", "C", None, "C#4 C#4 D4"),  # a repeated note keeps its name
        ("F4 F#4 G4", "F", None, "F4 F#4 G4"),
        ("C4 D#4 C4 A#4 C4", "C", None, "C4 Eb4 C4 Bb4 C4"),  # blue notes
        ("G4 Ab4 B4", "A minor", None, "G4 G#4 B4"),  # the leading note
        ("G4 D#5 G4", "G# minor", None, "F##4 D#5 F##4"),  # also as double sharp
        ("E4 Ab4 B4 D5", "C", "E7", "E4 G#4 B4 D5"),
        ("F4 G#4 C5", "C", "Fm", "F4 Ab4 C5"),
        ("G4 C#5 E5 A4", "C", "A7", "G4 C#5 E5 A4"),
        ("A4 G#4 F#4", "C", "B7", "A4 G#4 F#4"),  # the chord's scale: no A flat
        ("B3", "Gb", None, "Cb4"),  # the octave belongs to the letter
        ("C5 B4 Bb4", "Bb", None, "C5 Cb5 Bb4"),  # a flat second falls to the tonic
        ("C5 B4 F4", "Bb", None, "C5 B4 F4"),  # here it leads nowhere
        ("D4 F4 F#4", "Bm", None, "D4 E#4 F#4"),
        ("D4 F4 B4", "Bm", None, "D4 F4 B4"),
        ("C#4 F4 A4", "F#m", None, "C#4 E#4 A4"),  # the leading note
    ],
)
def test_melodies(notes: str, key: str, chord: str | None, expected: str) -> None:
    assert spelled(notes, key, chord) == expected


@pytest.mark.parametrize(
    ("chords", "key", "expected"),
    [
        ("Dm7 G7 C", "C", "Dm7 G7 C"),
        ("Bb7 Eb7 Ab7 Db7 Gb7", "C", "Bb7 Eb7 Ab7 Db7 Gb7"),
        ("Dbm7 Gb7 B7 E7", "C", "C#m7 F#7 B7 E7"),  # falling fifths
        ("C Dbdim7 Dm7 Ebdim7 Em7", "C", "C C#dim7 Dm7 D#dim7 Em7"),
        ("Em7 D#dim7 Dm7", "C", "Em7 Ebdim7 Dm7"),  # a diminished chord that falls
        ("Gbm7b5 Fm6", "C", "F#m7b5 Fm6"),
        ("D/F# E7/G# F#m", "A", "D/F# E7/G# F#m"),
        ("B", "Gb", "Cb"),
        ("C N.C. D#7/G", "C", "C N.C. Eb7/G"),
    ],
)
def test_chords(chords: str, key: str, expected: str) -> None:
    assert spelled_symbols([parse_chord(symbol) for symbol in chords.split()], Key.parse(key)) == expected.split()


def test_every_chord_in_every_key_has_a_plain_name_that_reads_back() -> None:
    for key in KEYS:
        chords = [Chord(root, 5, bass) for root in range(12) for bass in (-1, 1, 8)]
        symbols = spelled_symbols(chords, key)
        assert [parse_chord(symbol) for symbol in symbols] == chords
        assert not any("##" in symbol or "bb" in symbol for symbol in symbols)


def test_every_note_over_every_root_sounds_as_it_is() -> None:
    for key in KEYS:
        for root in range(12):
            [places] = spell_chords([Chord(root, 5)], key)
            assert places and parse_pitch_class(name_of(places[0])) == root
            for pitch in range(60, 72):
                [place] = spell_melody([pitch], [(Chord(root, 5), places[0])], key)
                assert parse_pitch(f"{name_of(place)}{octave_of(place, pitch)}") == pitch


def test_white_keys_and_simple_signatures_agree_with_the_plain_names() -> None:
    for name in ("F", "C", "G", "D"):
        key = Key.parse(name)
        for step in key.scale:
            [place] = spell_melody([key.tonic + step], [None], key)
            assert name_of(place) == pitch_class_name(key.tonic + step, flats=key.fifths < 0)
