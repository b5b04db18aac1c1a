"""Humdrum **kern as melodies: the spines of a file, followed through splits and joins, and one of them as the melody.

The notation is that of the Humdrum reference ("**kern", humdrum.org); `3%2`, `00` and `000` are its later additions.
Time is counted in each spine by itself, by what its notes last; a null token adds nothing. Grace notes (q, Q) take no
time; appoggiaturas (P) take the time that is written, since kern writes them as they are played. Slurs, beams, stems
and ornaments are passed over, and so are spines that are no **kern, and the names and orders of sections (`*>`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

from rlcompose.corpus.abc import parse_key
from rlcompose.corpus.scores import Span, Voice, join_spans, mean_pitch
from rlcompose.corpus.written import WrittenBar, WrittenTune
from rlcompose.errors import RlcomposeError
from rlcompose.theory.key import Key
from rlcompose.theory.pitch import parse_pitch

_LENGTH = re.compile(r"(?<![0-9%])([0-9]{1,4})(?:%([0-9]{1,4}))?(?![0-9%])")
_PITCH = re.compile(r"([a-g]+|[A-G]+)(#+|-+|n|)")
_KEY = re.compile(r"\*([A-Ga-g])([#-]?):(\w*)")
_METER = re.compile(r"\*M([0-9]{1,3}(?:\+[0-9]{1,3})*)/([0-9]{1,3})")
_TEMPO = re.compile(r"\*MM([0-9]{1,4}(?:\.[0-9]{1,4})?)")
_DOUBLE = ("==", "||", "|!", "!|", "!!")
_KNOWN_TOKENS = 1 << 14  # how many are kept as they were read; a corpus writes the same few thousand again and again


@dataclass(frozen=True, slots=True)
class _Token:
    """A note, a chord by its highest note, or a rest (pitch None)."""

    length: Fraction
    pitch: int | None
    is_tied: bool  # to the note before


@dataclass(slots=True)
class _Part:
    """What one **kern spine of the first line holds, with all the spines that it is split into.

    events   its notes as (onset, length, pitch, whether it is tied to the note before)
    lines    its bar lines as (onset, sign)
    """

    spines: list[_Spine] = field(default_factory=list)
    events: list[tuple[Fraction, Fraction, int, bool]] = field(default_factory=list)
    lines: list[tuple[Fraction, str]] = field(default_factory=list)
    meters: list[tuple[int, int]] = field(default_factory=list)
    name: str = ""

    def spans(self) -> list[Span]:
        # Each voice is in order; two of them stand one after the other where they do not begin notes on one line.
        return join_spans(sorted(self.events, key=itemgetter(0)) if len(self.spines) > 1 else self.events)

    def bars(self, spans: Sequence[Span]) -> tuple[WrittenBar, ...]:
        """What lies between the bar lines; of lines with nothing between them all signs hold."""
        end = max(spine.position for spine in self.spines)
        lines = [(Fraction(0), ""), *self.lines]
        ends = [*(at for at, _ in self.lines), end]
        bars: list[WrittenBar] = []
        opens_repeat = opens_strain = False
        number = 0
        for (at, sign), until in zip(lines, ends, strict=True):
            closes, opens = _repeats(sign)
            if bars and closes:
                bars[-1] = replace(bars[-1], closes_repeat=True)
            opens_repeat |= opens
            opens_strain |= opens or closes or _is_double(sign)
            if until <= at:
                continue
            first = number
            while number < len(spans) and spans[number][0] < until:
                number += 1
            notes = tuple((onset - at, length, pitch) for onset, length, pitch in spans[first:number])
            opens_strain &= bool(bars)
            bars.append(WrittenBar(until - at, notes, opens_repeat=opens_repeat, opens_strain=opens_strain))
            opens_repeat = opens_strain = False
        return tuple(bars)


@dataclass(slots=True)
class _Spine:
    """A column of the file, and how far it is written; `part` is None for what is no **kern."""

    part: _Part | None
    position: Fraction = Fraction(0)


def read_kern(source: Path | str, voice: Voice = "melody") -> WrittenTune:
    """The melody of a kern file.

    source   the file, or its text
    voice    "top" takes the spine that lies highest on average, "melody" the one that names its instrument so, else
             the rightmost, which is the uppermost of a score: kern writes the lowest first

    Of notes that begin together the highest is taken. The key is the first that the file designates (`*d:dor`); a
    signature alone is none. A tempo in words is none either. The title is the `!!!OTL` record, else the file's name.

    Raises:
        RlcomposeError: The file cannot be read, has no notes, holds several pieces or is no kern as this module knows
            it; the message names the line.
    """
    name, text = (source.stem, decoded(_content(source))) if isinstance(source, Path) else ("", source)
    reader = _Reader()
    for number, line in enumerate(re.split(r"\r\n?|\n", text), 1):
        try:
            reader.read_line(line.rstrip())
        except RlcomposeError as error:
            raise RlcomposeError(f"{error} in line {number}") from error
    return reader.tune(voice, name)


def decoded(content: bytes) -> str:
    """The text of a file: UTF-8, or Latin 1, which older files are in."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RlcomposeError(f"it cannot be opened: {error.strerror or error}") from error


@lru_cache(maxsize=_KNOWN_TOKENS)
def _token(text: str) -> _Token:
    """A data token, as long as the first note in it; of a chord the tie of its highest note counts."""
    tokens = [_single(part) for part in text.split() or [text]]
    highest = max(tokens, key=lambda token: -1 if token.pitch is None else token.pitch)
    first = next((token for token in tokens if token.pitch is not None), highest)
    return replace(highest, length=first.length)


def _single(text: str) -> _Token:
    """A note or a rest; a rest may have a pitch as well, which says how high it is drawn."""
    pitches = _PITCH.findall(text)
    if "r" in text:
        return _Token(_length(text), None, False)
    if len(pitches) != 1 or len(set(pitches[0][0])) != 1:
        raise RlcomposeError(f"a note cannot be read: {text!r}")
    letters, accidental = pitches[0]
    octave = 3 + len(letters) if letters.islower() else 4 - len(letters)
    pitch = parse_pitch(f"{letters[0].upper()}{accidental.replace('-', 'b').strip('n')}{octave}")
    return _Token(_length(text), pitch, "]" in text or "_" in text)


def _length(text: str) -> Fraction:
    """In quarter notes: "4" is one, "12" a third of one, "0" a breve, "00" a long, "3%2" two thirds of a whole note."""
    if "q" in text or "Q" in text:
        return Fraction(0)
    found = _LENGTH.search(text)
    number, times = (int(found[1]), int(found[2] or 1)) if found else (0, 0)
    if number and times:
        plain = Fraction(4 * times, number)
    elif found and found[2] is None:
        plain = Fraction(4 * 2 ** len(found[1]))
    else:
        raise RlcomposeError(f"a note has no length that can be read: {text!r}")
    return plain * (2 - Fraction(1, 2 ** text.count(".")))


def _repeats(sign: str) -> tuple[bool, bool]:
    """Whether a bar line closes and whether it opens a repeat: ":|!", "!|:", and both in ":|!|:" and ":!:"."""
    is_both = sign.count(":") > 1
    return is_both or bool(re.search(r":[|!=]", sign)), is_both or bool(re.search(r"[|!=]:", sign))


def _is_double(sign: str) -> bool:
    return "-" not in sign and any(double in sign for double in _DOUBLE)  # "=-" is a bar line that is not drawn


def _parse_meter(sign: str) -> tuple[int, int]:
    """The metre of a `*M` interpretation as (beats, unit); a unit of 0 is the breve: 3/0 is 6/1."""
    found = _METER.fullmatch(sign)
    beats = sum(map(int, found[1].split("+"))) if found else 0
    if not found or beats == 0:
        raise RlcomposeError(f"the metre cannot be read: {sign!r}")
    unit = int(found[2])
    return (beats, unit) if unit else (beats * 2 ** len(found[2]), 1)


@dataclass(slots=True)
class _Reader:
    """Reads a file line by line; `spines` are its columns as they stand now."""

    parts: list[_Part] = field(default_factory=list)
    spines: list[_Spine] = field(default_factory=list)
    is_begun: bool = False
    title: str = ""
    key: Key | None = None
    tempo: Fraction | None = None

    def read_line(self, line: str) -> None:
        if not line or line[0] == "!":
            if line.startswith("!!!OTL") and not self.title:
                self.title = line.partition(":")[2].strip()
            return
        signs = line.split("\t")
        if "" in signs:  # more tabs than one between two tokens
            signs = [sign for sign in signs if sign]
        if not self.spines:
            self.begin(signs)
        elif len(signs) != len(self.spines):
            raise RlcomposeError(f"not every spine has a token: {len(signs)} of {len(self.spines)}")
        elif line[0] == "*":
            self.interpret(signs)
        elif line[0] == "=":
            self.draw_bar_line(signs)
        else:
            self.play(signs)

    def begin(self, signs: Sequence[str]) -> None:
        if self.is_begun:
            raise RlcomposeError("it goes on after its spines have ended")
        if not all(sign.startswith("**") for sign in signs):
            raise RlcomposeError("it does not begin with what its spines are, such as **kern,")
        self.is_begun = True
        self.spines = [_Spine(None) for _ in signs]
        for spine, sign in zip(self.spines, signs, strict=True):
            self.declare(spine, sign)

    def declare(self, spine: _Spine, sign: str) -> None:
        if sign != "**kern":
            spine.part = None
        elif spine.part is None:
            spine.part = _Part([spine])
            self.parts.append(spine.part)

    def play(self, signs: Sequence[str]) -> None:
        for spine, sign in zip(self.spines, signs, strict=True):
            part = spine.part
            if sign == "." or part is None:
                continue
            token = _token(sign)
            if token.pitch is not None and token.length:
                part.events.append((spine.position, token.length, token.pitch, token.is_tied))
            spine.position += token.length

    def draw_bar_line(self, signs: Sequence[str]) -> None:
        before = None
        for spine, sign in zip(self.spines, signs, strict=True):
            if spine.part is not None and spine.part is not before:  # else it is a second voice of the part
                spine.part.lines.append((spine.position, sign))
            before = spine.part

    def interpret(self, signs: Sequence[str]) -> None:
        after: list[_Spine] = []
        exchanged: int | None = None
        before = ""
        for spine, sign in zip(self.spines, signs, strict=True):
            if sign == "*v" and before == "*v" and after[-1].part is spine.part:
                after[-1].position = max(after[-1].position, spine.position)
            elif sign == "*x" and exchanged is not None:
                after.append(after[exchanged])
                after[exchanged], exchanged = spine, None
            elif sign != "*-":
                after.append(spine)
                if sign == "*x":
                    exchanged = len(after) - 1
                elif sign in ("*^", "*+"):
                    after.append(self.added(spine, sign))
                elif sign.startswith("**"):
                    self.declare(spine, sign)
                elif spine.part is not None:
                    self.read_interpretation(spine.part, sign)
            before = sign
        if exchanged is not None:
            raise RlcomposeError("a spine is exchanged with none: '*x'")
        self.spines = after

    def added(self, spine: _Spine, sign: str) -> _Spine:
        """The second half of a split spine, or a new one beside it, which begins where the file stands."""
        if sign == "*+":
            return _Spine(None, min((other.position for other in self.spines if other.part), default=Fraction(0)))
        half = replace(spine)
        if half.part is not None:
            half.part.spines.append(half)
        return half

    def read_interpretation(self, part: _Part, sign: str) -> None:
        if sign.startswith("*MM"):
            if not self.tempo and (found := _TEMPO.fullmatch(sign)):
                self.tempo = Fraction(found[1]) or None
        elif sign.startswith("*M") and sign[2:3].isdecimal():
            part.meters.append(_parse_meter(sign))
        elif sign.startswith('*I"'):
            part.name = sign[3:]
        elif self.key is None and (named := _KEY.match(sign)):
            mode = named[3] or ("min" if named[1].islower() else "")
            self.key, _ = parse_key(named[1].upper() + named[2].replace("-", "b") + mode)

    def tune(self, voice: Voice, name: str) -> WrittenTune:
        parts = [part for part in reversed(self.parts) if part.events]
        if not parts:
            raise RlcomposeError("it has no notes" if self.parts else "it has no **kern spine")
        if voice == "top":
            part = max(parts, key=lambda part: mean_pitch(part.spans()))
        else:
            part = next((part for part in parts if "melody" in part.name.lower()), parts[0])
        meters = tuple(dict.fromkeys(part.meters))
        return WrittenTune(part.bars(part.spans()), meters, self.key, self.tempo, self.title or name)
