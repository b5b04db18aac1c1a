"""Note names and the numbers behind them: pitch classes 0 to 11 (C = 0) and MIDI pitches 0 to 127 (C4 = 60)."""

from __future__ import annotations

import re

from rlcompose.errors import RlcomposeError

SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "##": 2, "b": -1, "bb": -2}
_NAME = re.compile(r"([A-G])(##|#|bb|b|)")
_PITCH = re.compile(r"([A-G](?:##|#|bb|b|))(-?\d+)")
_ALLOWED = "a letter A to G, then nothing, #, ##, b or bb"


def plain_accidentals(text: str) -> str:
    """The text with ♯ and ♭ written as # and b."""
    return text.replace("♯", "#").replace("♭", "b")


def _letter_semitones(name: str) -> int | None:
    """Semitones above C, from -2 (Cbb) to 13 (B##); None if it is no note name."""
    found = _NAME.fullmatch(plain_accidentals(name.strip()))
    return _LETTERS[found[1]] + _ACCIDENTALS[found[2]] if found else None


def parse_pitch_class(name: str) -> int:
    """The pitch class of a note name.

    >>> parse_pitch_class("F#"), parse_pitch_class("C♭")
    (6, 11)
    """
    semitones = _letter_semitones(name)
    if semitones is None:
        raise RlcomposeError(f"{name!r} is not a note name: write {_ALLOWED}, for example 'F#' or 'Bb'")
    return semitones % 12


def parse_pitch(name: str) -> int:
    """The MIDI pitch of a note name with its octave; the octave number belongs to the letter, so B#3 is C4.

    >>> parse_pitch("C4"), parse_pitch("Bb3"), parse_pitch("B#3")
    (60, 58, 60)
    """
    found = _PITCH.fullmatch(plain_accidentals(name.strip()))
    semitones = _letter_semitones(found[1]) if found else None
    if found is None or semitones is None:
        raise RlcomposeError(f"{name!r} is not a pitch: write {_ALLOWED}, then the octave, as in 'Bb3' (C4 is 60)")
    pitch = 12 * (int(found[2]) + 1) + semitones
    if not 0 <= pitch <= 127:
        raise RlcomposeError(f"{name!r} would be MIDI pitch {pitch}: allowed are 0 ('C-1') to 127 ('G9')")
    return pitch


def pitch_class_name(pitch_class: int, flats: bool = True) -> str:
    """The name of a pitch class, black keys as flats or as sharps; numbers outside 0 to 11 are taken modulo 12."""
    return (FLAT_NAMES if flats else SHARP_NAMES)[pitch_class % 12]


def pitch_name(pitch: int, flats: bool = True) -> str:
    """The name of a MIDI pitch with its octave.

    >>> pitch_name(58), pitch_name(58, flats=False)
    ('Bb3', 'A#3')
    """
    return f"{pitch_class_name(pitch, flats)}{pitch // 12 - 1}"
