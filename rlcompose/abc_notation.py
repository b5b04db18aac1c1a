"""A composition in ABC notation (standard 2.1), the text in which folk tunes are passed on.

Readers differ in what an accidental does to the rest of its bar. So one is written wherever a note is not as the key
signature has it, and wherever its letter was altered before in the bar: all readers then play the same notes. For the
same reason a tied note repeats its accidental.
"""

from __future__ import annotations

import os
from fractions import Fraction

from rlcompose.files import write_atomically
from rlcompose.notation import (
    LOOKS_PER_QUARTER,
    Measure,
    Value,
    chord_symbols,
    chords_in,
    metronome,
    note_places,
    written_bars,
)
from rlcompose.score import Composition
from rlcompose.theory.spelling import alter_of, key_alter, key_tonic, letter_of, name_of, octave_of

FOLK_FAMILIES = frozenset({"fiddle", "german_folk", "chinese_folk"})  # styles whose pieces are also written as ABC

BARS_A_LINE = 4
_ACCIDENTALS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}
_MODES = {"major": "", "minor": "m", "dorian": "dor", "mixolydian": "mix"}
_UNIT = LOOKS_PER_QUARTER // 2  # L:1/8
_TICKS_A_WHOLE = 48


def write_abc(composition: Composition, path: str | os.PathLike[str]) -> None:
    """Write the tune as ABC; whole or not at all.

    Raises:
        RlcomposeError: The file cannot be written.
    """
    write_atomically(path, abc_text(composition))


def abc_text(composition: Composition) -> str:
    """The tune as ABC: header, melody with chord symbols, four bars a line; a note over two chords is tied.

    >>> from rlcompose.testing import melody
    >>> print(abc_text(melody("D4:6 F#4:6 A4 G4:8 F#4:8 E4:8", key="D", chords="D A7", style="fiddle")), end="")
    X:1
    T:chart
    M:4/4
    L:1/8
    Q:1/4=120
    K:D
    %%MIDI program 40
    P:A
    "D"DF A2 "A7"(3G2F2E2 |]
    """
    ticks, beats = metronome(composition)
    title = " ".join((composition.title or composition.style).split()).replace("%", r"\%")  # no comment
    swing = '"Swing" ' if composition.swing else ""
    lines = [
        "X:1",
        f"T:{title}",
        f"M:{composition.meter.name}",
        "L:1/8",
        f"Q:{swing}{Fraction(ticks, _TICKS_A_WHOLE)}={beats}",
        f"K:{name_of(key_tonic(composition.key))}{_MODES[composition.key.mode]}",
        f"%%MIDI program {composition.instrument}",
    ]
    bars = written_bars(composition, cuts=[span.onset for span in composition.chords])
    marks = {section.bar: section.label for section in composition.sections}
    writer = _BarWriter(composition)
    line: list[str] = []
    on_line = 0
    for bar in bars:
        if bar.index in marks:
            if line:
                lines.append(" ".join(line))
                line = []
            lines.append(f"P:{marks[bar.index]}")
            on_line = 0
        is_part_end = bar.index + 1 in marks and bar.number > 0
        barline = "|]" if bar.index == composition.bars - 1 else "||" if is_part_end else "|"
        line += [writer.text(bar), barline]
        on_line += bar.number > 0
        if on_line == BARS_A_LINE or bar is bars[-1]:
            lines.append(" ".join(line))
            line, on_line = [], 0
    return "\n".join(lines) + "\n"


class _BarWriter:
    """Writes the bars of a tune one after the other; holds its spelling and the accidental last written."""

    def __init__(self, music: Composition) -> None:
        self.music = music
        self.places = note_places(music)
        self.symbols = chord_symbols(music)
        self.accidental = ""

    def text(self, bar: Measure) -> str:
        """The notes of a bar; those under one beam or in one tuplet stand together."""
        chords = {max(span.onset, bar.onset): self.symbols[number] for number, span in chords_in(bar, self.music)}
        text = ""
        altered: set[str] = set()
        for value in bar.values:
            tuplet = value.tuplet
            is_first = tuplet is not None and value.onset == max(tuplet.onset, bar.onset)
            is_joined = (tuplet is not None and not is_first) or value.beams[:1] in (("continue",), ("end",))
            if text and not is_joined:
                text += " "
            if value.onset in chords:
                text += f'"{chords[value.onset]}"'
            if tuplet is not None and is_first:
                members = sum(tuplet.onset <= other.onset < tuplet.end for other in bar.values)
                text += f"({tuplet.actual}" + ("" if members == tuplet.actual else f":{tuplet.normal}:{members}")
            text += ("z" if value.note is None else self._pitch(value, altered)) + _length(value) + "-" * value.tied_to
        return text

    def _pitch(self, value: Value, altered: set[str]) -> str:
        """The letter with its accidental, c for C5; `altered` are the letters that have had one in the bar."""
        assert value.note is not None
        place = self.places[value.note]
        letter, alter = letter_of(place), alter_of(place)
        octave = octave_of(place, self.music.notes[value.note].pitch)
        if not value.tied_from:
            is_written = alter != key_alter(self.music.key, letter) or letter in altered
            self.accidental = _ACCIDENTALS[alter] if is_written else ""
        if self.accidental:
            altered.add(letter)
        return self.accidental + (letter.lower() + "'" * (octave - 5) if octave >= 5 else letter + "," * (4 - octave))


def _length(value: Value) -> str:
    """The length in eighths: nothing for one, "3" for three, "/2" for a half, "3/2" for one and a half."""
    length = Fraction(value.looks, _UNIT)
    if length.denominator == 1:
        return "" if length == 1 else str(length.numerator)
    return f"{'' if length.numerator == 1 else length.numerator}/{length.denominator}"
