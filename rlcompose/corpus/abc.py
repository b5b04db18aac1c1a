"""ABC notation, versions 1.6 to 2.1, as melodies: the fields, the notes of the first voice, its bars and its chords.

What the standard (abcnotation.com, "The abc music standard 2.1") says and readers often miss: an accidental holds for
its letter in every octave to the end of the bar; slurs, ties and decorations may stand between a note and its `>`;
grace notes take no time; a note after a decoration is still a note. Of a chord in brackets the highest note is taken,
and of a bar's voices that `&` sets against each other the first.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

from rlcompose.corpus.written import WrittenBar, WrittenTune
from rlcompose.errors import RlcomposeError
from rlcompose.theory.chord import Chord, parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.pitch import parse_pitch_class

_SHARPS = "FCGDAEB"  # the order in which a key signature takes its sharps; flats come from the other end
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
# Fifths from the major key on the same tonic, and the nearest of our modes; the notes keep their accidentals.
_MODES = {
    "": (0, "major"),
    "maj": (0, "major"),
    "ion": (0, "major"),
    "lyd": (1, "major"),
    "mix": (-1, "mixolydian"),
    "dor": (-2, "dorian"),
    "m": (-3, "minor"),
    "min": (-3, "minor"),
    "aeo": (-3, "minor"),
    "phr": (-4, "minor"),
    "loc": (-5, "minor"),
}
_KEY = re.compile(r"([A-G])([#b]?)\s*([A-Za-z]*)")
_NO_MODES = ("alto", "bass", "clef", "exp", "none", "octave", "perc", "tenor", "transpose", "treble")
_EXPLICIT = re.compile(r"(\^\^?|__?|=)([A-Ga-g])(?![A-Za-z])")  # and not the "=b" of clef=bass
# p -> q, for a tuplet of p notes in the time of q; of other p it is 3 in compound metres, else 2.
_TUPLETS = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}

_FIELD = re.compile(r"([A-Za-z+]):(?![|:])\s*(.*)")  # "A:|" is a note before a bar line
_TUNE = re.compile(r"^X:", re.MULTILINE)
_LENGTH = r"(\d*)(/*)(\d*)"
_TOKEN = re.compile(
    rf"""(?P<ending>(?:[:|\]]*[|:\]]\s*|)\[(?=\d)(?P<first>\d[\d,.-]*)|[:|]*\|(?P<second>\d[\d,.-]*))
    |\[(?P<field>[A-Za-z]):(?P<value>[^\]]*)\]
    |(?P<bar>:*\[\|[|\]:]*|:*\|[|\]:]*|::+|:(?=\s*$))
    |"(?P<text>[^"]*)"
    |\{{[^}}]*\}}
    |![\w<>().+/~^-]+!|\+[\w<>().]+\+
    |\((?P<p>\d):?(?P<q>\d*):?(?P<r>\d*)
    |\[(?P<chord>[^\]|]*[A-Ga-g][^\]|]*)\](?P<chord_length>{_LENGTH})
    |(?:(?P<sign>\^\^?|__?|=)(?:"[^"]*")?)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>{_LENGTH})
    |(?P<rest>[zxZX])(?P<rest_length>{_LENGTH})
    |(?P<broken>>+|<+)
    |(?P<tie>-)
    |(?P<overlay>&)
    |y\d*|[H-Wh-w~.]|[\s()`\\!$*;?@#+\]\[:]""",
    re.VERBOSE,
)


def split_tunes(text: str) -> list[str]:
    """The tunes of a file, each from its `X:` on; what comes before the first is left out."""
    begins = [found.start() for found in _TUNE.finditer(text)]
    return [text[begin:end] for begin, end in pairwise([*begins, len(text)])]


def tune_field(text: str, letter: str) -> str:
    """The first field of that letter in a tune's header; "" if it has none."""
    found = re.search(rf"^{letter}:[ \t]*([^%\r\n]*)", text, re.MULTILINE)
    return found[1].strip() if found else ""


def read_tune(text: str) -> WrittenTune:
    """The tune of an `X:` field and what follows it, up to an empty line.

    Raises:
        RlcomposeError: Something in it is not ABC as this module knows it; the message names the place.
    """
    reader = _Reader()
    for line in _lines(text):
        found = _FIELD.match(line)
        if found:
            reader.read_field(found[1], found[2].strip())
        elif reader.in_body:
            reader.music(line)
        if found is None and reader.in_body and not line.strip() and (reader.bars or reader.notes):
            break
    return reader.tune()


def _lines(text: str) -> Iterator[str]:
    """The lines without comments (an escaped percent sign begins none); a line that was one is left out."""
    for line in text.splitlines():
        bare = re.sub(r"(?<!\\)%.*", "", line)
        if bare.strip() or not line.strip():
            yield bare


def _times(number: str, slashes: str, below: str) -> Fraction:
    """The factor that a note's length is: "3/2", "/", "//" and "2"."""
    if slashes and below:
        divisor = int(below)
    else:
        divisor = 2 ** len(slashes)
    if divisor == 0 or number and int(number) == 0:
        raise RlcomposeError("a note has no length")
    return Fraction(int(number or 1), divisor)


def parse_meter(text: str) -> tuple[int, int] | None:
    """The metre of an `M:` field as (beats, unit), "C" and "C|" and "(2+3)/8" too; None for `none`."""
    plain = text.replace(" ", "")
    if plain in ("", "none"):
        return None
    if plain in ("C", "C|"):
        return (4, 4) if plain == "C" else (2, 2)
    found = re.fullmatch(r"\(?(\d+(?:\+\d+)*)\)?/(\d+)", plain)
    if not found or int(found[2]) == 0:
        raise RlcomposeError(f"the metre cannot be read: {text!r}")
    return sum(map(int, found[1].split("+"))), int(found[2])


def parse_key(text: str) -> tuple[Key | None, dict[str, int]]:
    """The key of a `K:` field (None for pipes and where none is named), and the alteration of each letter in it."""
    word = text.strip()
    if word[:2] in ("HP", "Hp"):  # the Highland bagpipe plays F# and C#, whether the signature shows them or not
        return Key(9, "mixolydian"), dict.fromkeys("FC", 1)
    if word in ("", "none"):
        return None, {}
    found = _KEY.match(word)
    mode = "" if not found or found[3] == "M" or found[3].lower() in _NO_MODES else found[3].lower()[:3]
    if not found or mode not in _MODES:
        raise RlcomposeError(f"the key cannot be read: {text!r}")
    shift, name = _MODES[mode]
    fifths = _SHARPS.index(found[1]) - 1 + 7 * {"#": 1, "b": -1, "": 0}[found[2]] + shift
    altered = (
        dict.fromkeys(_SHARPS[:fifths], 1) if fifths > 0 else dict.fromkeys(_SHARPS[fifths:] if fifths else "", -1)
    )
    if re.search(r"\bexp\b", word):  # "explicit": what follows is all there is
        altered = {}
    for sign, letter in _EXPLICIT.findall(word[found.end() :]):
        altered[letter.upper()] = _SIGNS[sign]
    return Key(parse_pitch_class(found[1] + found[2]), name), altered


@dataclass(slots=True)
class _Event:
    """A note, or a rest (pitch None); `name` is its letter and octave as written."""

    onset: Fraction
    length: Fraction
    pitch: int | None
    name: str = ""


@dataclass(slots=True)
class _Reader:
    """Reads a tune line by line; `notes` are the events of the bar that is open."""

    in_body: bool = False
    title: str = ""
    meter: tuple[int, int] | None = None
    meters: list[tuple[int, int]] = field(default_factory=list)
    unit: Fraction | None = None  # in quarter notes
    key: Key | None = None
    tempo: Fraction | None = None
    signature: dict[str, int] = field(default_factory=dict)
    altered: dict[str, int] = field(default_factory=dict)  # by the accidentals of this bar
    voice: str = ""
    is_first_voice: bool = True
    is_overlay: bool = False  # from a `&` to the end of its bar
    bars: list[WrittenBar] = field(default_factory=list)
    events: list[list[_Event]] = field(default_factory=list)  # of each closed bar, since a tie may still lengthen one
    notes: list[_Event] = field(default_factory=list)
    chords: list[tuple[Fraction, Chord]] = field(default_factory=list)
    position: Fraction = Fraction(0)
    last: _Event | None = None
    part: Fraction = Fraction(0)  # length of what was written last: of a tied note not the whole
    is_tied: bool = False
    next_factor: Fraction = Fraction(1)  # of the note after a ">"
    tuplet: Fraction = Fraction(1)
    tuplet_left: int = 0
    opens_repeat: bool = False
    opens_strain: bool = False
    ending: tuple[int, ...] = ()

    def read_field(self, letter: str, value: str) -> None:
        if letter == "T" and not self.title:
            self.title = value
        elif letter == "M":
            self.meter = parse_meter(value)
        elif letter == "L":
            found = re.match(r"(\d+)\s*/\s*(\d+)", value)
            if value != "1" and (not found or int(found[2]) == 0):
                raise RlcomposeError(f"the unit of length cannot be read: {value!r}")
            self.unit = Fraction(4 * int(found[1]), int(found[2])) if found else Fraction(4)
        elif letter == "Q" and self.tempo is None:
            found = re.search(r"(\d+)\s*/\s*(\d+)\s*=\s*(\d+)", value)
            if found and int(found[2]):
                self.tempo = Fraction(4 * int(found[1]) * int(found[3]), int(found[2]))
        elif letter == "K":
            key, self.signature = parse_key(value)
            self.altered = {}
            if not self.in_body:
                self.key, self.in_body = key, True
        elif letter == "V" and self.in_body:
            name = value.split()[0] if value else ""
            self.voice = self.voice or name
            self.is_first_voice = name == self.voice

    def music(self, line: str) -> None:
        at = 0
        while at < len(line):
            found = _TOKEN.match(line, at)
            if not found:
                bar = len(self.bars) + 1
                raise RlcomposeError(f"a sign of its notation is not known: {line[at]!r} in bar {bar}")
            is_heard = not self.is_overlay or found["bar"] or found["ending"]
            if (self.is_first_voice and is_heard) or found["field"] == "V":
                self.token(found)
            at = found.end()
        # Some collections leave out the bar line where a line ends with a whole bar.
        if self.position and self.position % self.full == 0:
            self.close_bar("")

    @property
    def full(self) -> Fraction:
        beats, unit = self.meter or (4, 4)
        return Fraction(4 * beats, unit)

    @property
    def length(self) -> Fraction:
        """The unit of length in quarter notes: a sixteenth in metres below 3/4, else an eighth, unless `L:` says."""
        if self.unit is not None:
            return self.unit
        return Fraction(1, 4) if self.meter and Fraction(*self.meter) < Fraction(3, 4) else Fraction(1, 2)

    def token(self, found: re.Match[str]) -> None:
        if numbers := found["first"] or found["second"]:
            self.close_bar(found["ending"].rstrip("0123456789,.-").rstrip("["))
            self.ending = tuple(int(number) for number in re.findall(r"\d", numbers))
        elif found["field"]:
            self.read_field(found["field"], found["value"].strip())
        elif found["bar"]:
            self.close_bar(found["bar"])
        elif found["text"] is not None:
            self.symbol(found["text"])
        elif found["p"]:
            self.begin_tuplet(int(found["p"]), found["q"], found["r"])
        elif found["chord"] is not None:
            self.chord(found["chord"], found["chord_length"])
        elif found["letter"]:
            pitch = self.pitch(found["sign"], found["letter"], found["octave"])
            self.play(
                pitch, self.length * self.times(found["length"]), found["letter"] + found["octave"], found["sign"]
            )
        elif found["rest"]:
            whole = self.full if found["rest"] in "ZX" else self.length
            self.play(None, whole * self.times(found["rest_length"]))
        elif found["broken"]:
            self.break_rhythm(found["broken"])
        elif found["tie"]:
            self.is_tied = True
        elif found["overlay"]:
            self.is_overlay = True

    def times(self, text: str) -> Fraction:
        found = re.fullmatch(_LENGTH, text)
        assert found is not None
        return _times(found[1], found[2], found[3])

    def symbol(self, text: str) -> None:
        """A chord above the staff; fingerings, annotations and words are in quotes as well, and are no chords."""
        if text[:1] in _SHARPS + "N":
            with contextlib.suppress(RlcomposeError):
                self.chords.append((self.position, parse_chord(text)))

    def begin_tuplet(self, p: int, q: str, r: str) -> None:
        is_compound = self.meter is not None and self.meter[1] == 8 and self.meter[0] in (6, 9, 12)
        if p == 0 or q == "0" or r == "0":
            raise RlcomposeError(f"a tuplet cannot be read: ({p}:{q}:{r}")
        time = int(q) if q else _TUPLETS.get(p, 3 if is_compound else 2)
        self.tuplet, self.tuplet_left = Fraction(time, p), int(r) if r else p

    def pitch(self, sign: str | None, letter: str, octave: str) -> int:
        name = letter.upper()
        if sign:
            self.altered[name] = _SIGNS[sign]
        shift = self.altered.get(name, self.signature.get(name, 0))
        high = 12 if letter.islower() else 0
        return 60 + _LETTERS[name] + high + 12 * (octave.count("'") - octave.count(",")) + shift

    def chord(self, inside: str, length: str) -> None:
        """Notes in brackets sound together, as long as the first of them; the highest is the melody."""
        notes = re.findall(rf"(\^\^?|__?|=)?([A-Ga-g])([,']*)({_LENGTH})(-?)", inside)
        pitches = [self.pitch(sign, letter, octave) for sign, letter, octave, *_ in notes]
        sign, letter, octave, *_, tie = notes[pitches.index(max(pitches))]
        self.play(max(pitches), self.length * self.times(notes[0][3]) * self.times(length), letter + octave, sign)
        self.is_tied = bool(tie)

    def play(self, pitch: int | None, length: Fraction, name: str = "", sign: str | None = None) -> None:
        length *= self.next_factor
        self.next_factor = Fraction(1)
        if self.tuplet_left:
            length *= self.tuplet
            self.tuplet_left -= 1
        self.part = length
        before, self.last = self.last, None
        is_tied, self.is_tied = self.is_tied, False
        if is_tied and before is not None and before.pitch is not None and pitch is not None:
            # A tied note needs no accidental of its own in the next bar. Other pitches make the sign a slur.
            if pitch == before.pitch or (before.name == name and not sign and self.position == 0):
                before.length += length
                self.position += length
                self.last = before
                return
        self.last = _Event(self.position, length, pitch, name)
        self.notes.append(self.last)
        self.position += length

    def break_rhythm(self, signs: str) -> None:
        """`a>b`: the first is dotted, the second halved; `>>` and `>>>` go on so; `<` the other way round."""
        if self.last is None:
            raise RlcomposeError(f"there is no note before the broken rhythm: bar {len(self.bars) + 1}")
        short = Fraction(1, 2 ** len(signs))
        factor, self.next_factor = (2 - short, short) if signs[0] == ">" else (short, 2 - short)
        more = self.part * (factor - 1)
        self.last.length += more
        self.position += more

    def close_bar(self, sign: str) -> None:
        """End the bar at a bar line of these signs; where nothing was in it they are added to the line before."""
        is_double = "||" in sign or "]" in sign or "[" in sign
        repeats = ":" in sign
        closes = repeats and (sign.startswith(":") or "::" in sign)
        opens = repeats and (sign.endswith(":") or "::" in sign)
        self.altered = {}
        self.is_overlay = False
        if self.position:
            self.events.append(self.notes)
            self.meters += [self.meter] if self.meter is not None else []
            bar = WrittenBar(
                self.position, (), tuple(self.chords), self.opens_repeat, closes, self.opens_strain, self.ending
            )
            self.bars.append(bar)
            self.notes, self.chords, self.position = [], [], Fraction(0)
            self.opens_repeat = self.opens_strain = False
        elif self.bars and closes:
            self.bars[-1] = replace(self.bars[-1], closes_repeat=True)
        if is_double or repeats:
            self.ending = ()
        self.opens_repeat |= opens
        self.opens_strain |= (is_double or repeats) and bool(self.bars)

    def tune(self) -> WrittenTune:
        if not self.in_body:
            raise RlcomposeError("it has no key field, which ends the header")
        self.close_bar("|")
        bars = tuple(
            replace(bar, notes=tuple((e.onset, e.length, e.pitch) for e in events if e.pitch is not None))
            for bar, events in zip(self.bars, self.events, strict=True)
        )
        return WrittenTune(bars, tuple(dict.fromkeys(self.meters)), self.key, self.tempo, self.title)
