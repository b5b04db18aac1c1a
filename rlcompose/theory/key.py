"""Keys and modes: a tonic, the seven notes above it, and how they are spelled."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rlcompose.errors import RlcomposeError, unknown
from rlcompose.theory.pitch import parse_pitch_class, pitch_class_name

# Semitones above the tonic; minor is the natural minor scale. Trained models observe a mode's place in this table: new
# modes are appended.
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
MODES = tuple(SCALES)

# Semitones from the tonic up to the tonic of the major key with the same notes.
_TO_MAJOR = {"major": 0, "minor": 3, "dorian": 10, "mixolydian": 5}

_SPELLINGS = {
    "": "major",
    "maj": "major",
    "M": "major",
    "ionian": "major",
    "m": "minor",
    "-": "minor",
    "min": "minor",
    "aeolian": "minor",
    "dor": "dorian",
    "mix": "mixolydian",
} | {mode: mode for mode in MODES}
_KEY = re.compile(r"([A-G](?:##|#|bb|b|♯|♭|))\s*(\S*)")


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic as pitch class and a mode; keys that sound alike (F# and Gb major) are the same key.

    >>> Key.parse("F# minor").fifths
    3
    """

    tonic: int
    mode: str

    def __post_init__(self) -> None:
        if not 0 <= self.tonic <= 11:
            raise RlcomposeError(f"tonic {self.tonic} is not a pitch class: allowed are 0 (C) to 11 (B)")
        if self.mode not in SCALES:
            raise unknown("mode", self.mode, MODES)

    @classmethod
    def parse(cls, name: str) -> Key:
        """The key with this name, as in "Bb", "Bb major", "F# minor", "Dm", "C-" or "A mixolydian"."""
        found = _KEY.fullmatch(name.strip())
        if not found:
            example = "for example 'Bb major' or 'F# minor'"
            raise RlcomposeError(f"{name!r} is not a key: write a tonic and a mode, {example}")
        mode = _SPELLINGS.get(found[2]) or _SPELLINGS.get(found[2].lower())
        if mode is None:
            raise unknown(f"mode in the key {name!r}:", found[2], MODES)
        return cls(parse_pitch_class(found[1]), mode)

    @property
    def name(self) -> str:
        """The key as it is written: "Bb major"."""
        return f"{pitch_class_name(self.tonic, flats=self.fifths < 0)} {self.mode}"

    @property
    def scale(self) -> tuple[int, ...]:
        """The seven notes in semitones above the tonic."""
        return SCALES[self.mode]

    @property
    def fifths(self) -> int:
        """The key signature, -6 to 5: sharps count up, flats count down; Gb major and Eb minor have six flats."""
        major_tonic = (self.tonic + _TO_MAJOR[self.mode]) % 12
        return (major_tonic * 7 + 6) % 12 - 6
