"""Chords of MusicXML lead sheets (.musicxml, .xml, .mxl), after the MusicXML 4.0 reference of the W3C.

Read with the standard library and not with music21: that needs seconds to start, has no name for chords that our table
knows ("7alt", "13b9"), and expands no repeat whose signs it finds irregular. Only chords and form are looked at.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import zip_longest
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from rlcompose.charts.chart import Chart, make_chart
from rlcompose.errors import RlcomposeError
from rlcompose.theory.chord import NO_CHORD, Chord, parse_chord
from rlcompose.theory.form import (
    DIRECTION,
    TIMES_IN_NAME,
    Bar,
    Jump,
    SectionPattern,
    WrittenBar,
    direction,
    lettered,
    sections_as_played,
    with_coda_signs,
)
from rlcompose.theory.key import MODES, Key
from rlcompose.theory.meter import TICKS_PER_QUARTER, Meter
from rlcompose.theory.pitch import parse_pitch_class, pitch_class_name
from rlcompose.theory.progression import Progression, bar_of_changes, guess_key

MAX_BYTES = 64 * 1024 * 1024  # unpacked; lead sheets have some hundred kB

# Kind -> degree and alteration of each chord tone above the root, which is left out; the seventh is the small one.
KINDS: dict[str, tuple[tuple[int, int], ...]] = {
    "major": ((3, 0), (5, 0)),
    "minor": ((3, -1), (5, 0)),
    "augmented": ((3, 0), (5, 1)),
    "diminished": ((3, -1), (5, -1)),
    "dominant": ((3, 0), (5, 0), (7, 0)),
    "major-seventh": ((3, 0), (5, 0), (7, 1)),
    "minor-seventh": ((3, -1), (5, 0), (7, 0)),
    "diminished-seventh": ((3, -1), (5, -1), (7, -1)),
    "augmented-seventh": ((3, 0), (5, 1), (7, 0)),
    "half-diminished": ((3, -1), (5, -1), (7, 0)),
    "major-minor": ((3, -1), (5, 0), (7, 1)),
    "major-sixth": ((3, 0), (5, 0), (6, 0)),
    "minor-sixth": ((3, -1), (5, 0), (6, 0)),
    "dominant-ninth": ((3, 0), (5, 0), (7, 0), (9, 0)),
    "major-ninth": ((3, 0), (5, 0), (7, 1), (9, 0)),
    "minor-ninth": ((3, -1), (5, 0), (7, 0), (9, 0)),
    "dominant-11th": ((3, 0), (5, 0), (7, 0), (9, 0), (11, 0)),
    "minor-11th": ((3, -1), (5, 0), (7, 0), (9, 0), (11, 0)),
    "dominant-13th": ((3, 0), (5, 0), (7, 0), (9, 0), (11, 0), (13, 0)),
    "major-13th": ((3, 0), (5, 0), (7, 1), (9, 0), (11, 0), (13, 0)),
    "minor-13th": ((3, -1), (5, 0), (7, 0), (9, 0), (11, 0), (13, 0)),
    "suspended-second": ((2, 0), (5, 0)),
    "suspended-fourth": ((4, 0), (5, 0)),
    "power": ((5, 0),),
}


def read_musicxml(data: bytes, name: str) -> Chart:
    """The chart of a MusicXML file's content, packed (.mxl) or not; `name` stands in messages and for a missing title.

    Raises:
        RlcomposeError: The file is broken, has no chords, or says something that a chart cannot hold; with the bar.
    """
    root = _tree(_unpacked(data, name), name)
    if root.tag != "score-partwise":
        raise RlcomposeError(f"{name!r} is a <{root.tag}>: only <score-partwise> is read, which all programs write")
    part = next((part for part in root.iter("part") if part.find("measure/harmony") is not None), None)
    if part is None:
        raise RlcomposeError(f"{name!r} has no chord symbols (<harmony>): a lead sheet with chords is needed")
    reader = _Reader(name)
    # Directions that concern all parts stand in the first one only.
    top = next(root.iter("part"))
    above = top.findall("measure") if top is not part else []
    for measure, over in zip_longest(part.findall("measure"), above):
        if measure is None:
            break
        try:
            reader.read(measure, () if over is None else over)
        except RlcomposeError:
            raise
        except (ValueError, ArithmeticError) as error:  # a number that is none
            raise RlcomposeError(f"{reader.place} is no MusicXML: {error}") from None
    if not any(not chord.is_silent for bar in reader.bars for chord in bar.chords):
        raise RlcomposeError(f"{name!r} has no chords but N.C.")
    bars = lettered(with_coda_signs(reader.bars, reader.coda_signs), reader.begins)
    sections = sections_as_played(bars)
    title = root.findtext("work/work-title") or root.findtext("movement-title") or name
    return make_chart(sections, title, _key(reader.keys, sections), reader.meter, reader.tempo)


def _unpacked(data: bytes, name: str) -> bytes:
    if not data.startswith(b"PK"):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            container = _tree(_entry(packed, "META-INF/container.xml", name), name)
            rootfile = next((e for e in container.iter() if e.tag.rpartition("}")[2] == "rootfile"), None)
            if rootfile is None:
                raise KeyError("a rootfile")
            return _entry(packed, rootfile.get("full-path", ""), name)
    # zipfile raises NotImplementedError for a compression that it has not, and RuntimeError where a password is needed.
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        if isinstance(error, RlcomposeError):
            raise
        raise RlcomposeError(f"{name!r} is no packed MusicXML file: {error}") from None


def _entry(packed: zipfile.ZipFile, path: str, name: str) -> bytes:
    with packed.open(path) as entry:
        content = entry.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise RlcomposeError(f"{name!r} unpacks to more than {MAX_BYTES:,} bytes: that is no lead sheet")
    return content


def _tree(data: bytes, name: str) -> ElementTree.Element:
    """The parsed file; one that defines entities is refused, because they can grow without bounds."""

    def refuse(*_: Any) -> None:
        raise RlcomposeError(f"{name!r} defines XML entities, which no MusicXML file needs: it is not read")

    checker = expat.ParserCreate()
    checker.EntityDeclHandler = refuse
    try:
        checker.Parse(data, True)
        return ElementTree.fromstring(data)
    except (expat.ExpatError, ElementTree.ParseError, ValueError) as error:
        if isinstance(error, RlcomposeError):
            raise
        raise RlcomposeError(f"{name!r} is not XML: {error}") from None


def _key(keys: list[tuple[int, str]], sections: tuple[SectionPattern, ...]) -> Key | None:
    """The first key signature; one that names no mode is that of the major or minor key the chords speak for."""
    if not keys:
        return None
    fifths, mode = keys[0]
    signature = Key(7 * fifths % 12, "major").fifths
    fitting = [key for name in MODES for tonic in range(12) if (key := Key(tonic, name)).fifths == signature]
    if mode in MODES:
        return next(key for key in fitting if key.mode == mode)
    return guess_key(Progression("", "major", sections), [key for key in fitting if key.mode in ("major", "minor")])


@dataclass
class _Reader:
    """Reads measure by measure; times within a measure are in quarter notes."""

    name: str
    meter: Meter | None = None
    tempo: int | None = None
    keys: list[tuple[int, str]] = field(default_factory=list)
    bars: list[WrittenBar] = field(default_factory=list)
    begins: set[int] = field(default_factory=set)  # bars after double bar lines
    divisions: int = 1
    transposition: int = 0  # semitones from the part's notes and chords to what sounds
    waiting: dict[str, Any] = field(default_factory=dict)  # said of the bar to come
    ending: tuple[int, ...] = ()
    repeated: int = 0  # how many bars the present repeat sign goes back
    coda_signs: list[tuple[int, bool]] = field(default_factory=list)  # bar, and whether after its chords
    place: str = ""

    def read(self, measure: ElementTree.Element, above: Iterable[ElementTree.Element] = ()) -> None:
        """Read a measure; `above` is what stands in the same one of the first part, of which signs and words count."""
        number = measure.get("number") or str(len(self.bars) + 1)
        self.place = f"bar {number} of {self.name!r}"
        chords: list[tuple[Fraction, Chord]] = []
        after: dict[str, Any] = {}
        position = Fraction(0)
        for element in above:
            position += self.moved(element)
            self.read_sign(element, position, after)
        position = length = Fraction(0)
        for element in measure:
            position += self.moved(element)
            length = max(length, position)
            if element.tag == "attributes":
                self.read_attributes(element)
            elif element.tag == "harmony" and element.get("type") != "alternate":
                offset = _number(element.findtext("offset")) / self.divisions
                chords.append((position + offset, self.chord(element)))
            else:
                self.read_sign(element, position, after)
        ends_section = after.pop("ends_section", False)
        self.add(measure, chords, length, after)
        if ends_section:
            self.begins.add(len(self.bars))

    def moved(self, element: ElementTree.Element) -> Fraction:
        """How far an element moves the place of what follows it."""
        is_timed = element.tag in ("note", "forward", "backup")
        if not is_timed or element.find("chord") is not None or element.find("grace") is not None:
            return Fraction(0)
        length = _number(element.findtext("duration")) / self.divisions
        return -length if element.tag == "backup" else length

    def read_sign(self, element: ElementTree.Element, position: Fraction, after: dict[str, Any]) -> None:
        if element.tag in ("direction", "sound"):
            self.read_direction(element, position, after)
        elif element.tag == "barline":
            self.read_barline(element, after)

    def read_attributes(self, attributes: ElementTree.Element) -> None:
        self.divisions = int(attributes.findtext("divisions") or self.divisions)
        for chromatic in attributes.findall("transpose/chromatic"):
            self.transposition = round(float(chromatic.text or 0))
        for key in attributes.findall("key"):
            if fifths := key.findtext("fifths"):
                self.keys.append((int(fifths) + 7 * self.transposition, (key.findtext("mode") or "").strip()))
        for time in attributes.findall("time"):
            beats, beat_type = time.findtext("beats"), time.findtext("beat-type")
            if not beats or not beat_type:
                raise RlcomposeError(f"{self.place} has no metre: a chart needs one")
            meter = Meter.parse(f"{sum(map(int, beats.split('+')))}/{beat_type.strip()}")
            if self.meter is not None and meter != self.meter:
                changes = f"changes the metre from {self.meter.name} to {meter.name}"
                raise RlcomposeError(f"{self.place} {changes}: a chart has one metre")
            self.meter = meter
        for sign in attributes.findall("measure-style/measure-repeat"):
            self.repeated = int(sign.text or 1) if sign.get("type") == "start" else 0

    def read_direction(self, element: ElementTree.Element, position: Fraction, after: dict[str, Any]) -> None:
        sound = element if element.tag == "sound" else element.find("sound")
        said: dict[str, Any] = {}
        if sound is not None:
            self.read_tempo(sound.get("tempo"), 1)
            for attribute in ("segno", "coda", "fine"):
                if sound.get(attribute):
                    said[attribute] = True
            if sound.get("tocoda"):
                said["to_coda"] = True
            if sound.get("dacapo") == "yes" or sound.get("dalsegno"):
                to_segno = bool(sound.get("dalsegno"))
                said["jump"] = Jump("D.S." if to_segno else "D.C.", to_segno)
        for kind in element.iter("direction-type"):
            for mark in kind:
                text = " ".join((mark.text or "").split())
                if mark.tag == "rehearsal":
                    # Letters, so that the mark can stand in a chart's text, where brackets and bars mean something.
                    label = re.sub(r"[^\w' -]", "", TIMES_IN_NAME.sub("", text))
                    self.waiting["section"] = label.strip() or "A"
                elif mark.tag == "words" and (found := DIRECTION.fullmatch(text)):
                    said |= direction(found)
                elif mark.tag == "segno":
                    said["segno"] = True
                elif mark.tag == "coda":
                    self.add_coda_sign(is_after=position > 0)
                elif mark.tag == "metronome":
                    self.read_metronome(mark)
        if said.pop("to_coda", False):
            if position > 0:
                after["to_coda"] = True
            elif self.bars:  # before the bar's first chord means after the bar before
                self.bars[-1] = replace(self.bars[-1], to_coda=True)
            else:
                raise RlcomposeError(f"{self.place}: a To Coda stands before the first bar")
        for name in ("fine", "jump"):
            if name in said:
                after[name] = said.pop(name)
        self.waiting |= said

    def add_coda_sign(self, is_after: bool) -> None:
        sign = len(self.bars), is_after
        if sign not in self.coda_signs:  # the same one may stand in the first part and in this one
            self.coda_signs.append(sign)

    def read_metronome(self, mark: ElementTree.Element) -> None:
        quarters = {"whole": Fraction(4), "half": Fraction(2), "eighth": Fraction(1, 2), "16th": Fraction(1, 4)}
        unit = quarters.get(mark.findtext("beat-unit") or "", Fraction(1))
        if mark.find("beat-unit-dot") is not None:
            unit *= Fraction(3, 2)
        self.read_tempo(mark.findtext("per-minute"), unit)

    def read_tempo(self, text: str | None, unit: Fraction | int) -> None:
        """Note the first tempo; words such as "ca. 120" count by their number."""
        if self.tempo is None and text and (found := re.search(r"\d+(?:\.\d+)?", text)):
            self.tempo = round(_number(found[0]) * unit) or None  # 0 says nothing

    def read_barline(self, barline: ElementTree.Element, after: dict[str, Any]) -> None:
        is_left = barline.get("location") == "left"
        ending = barline.find("ending")
        if ending is not None and ending.get("type") == "start":
            numbers = re.findall(r"\d+", ending.get("number") or "")
            self.ending = tuple(map(int, numbers)) or (1,)
        elif ending is not None:
            after["ends_ending"] = True
        repeat = barline.find("repeat")
        if repeat is not None and repeat.get("direction") == "forward":
            self.waiting["opens"] = True
        elif repeat is not None:
            after["closes"] = True
            after["times"] = max(int(repeat.get("times") or 0), after.get("times", 0))
        if barline.find("segno") is not None:
            self.waiting["segno"] = True
        if barline.find("coda") is not None:
            self.add_coda_sign(is_after=not is_left)
        if barline.findtext("bar-style") in ("light-light", "light-heavy", "heavy-light") or repeat is not None:
            if is_left:
                self.begins.add(len(self.bars))
            else:
                after["ends_section"] = True

    def chord(self, harmony: ElementTree.Element) -> Chord:
        element = harmony.find("kind")
        kind = "" if element is None else (element.text or "").strip()
        hint = "" if element is None else (element.get("text") or "").strip()
        if kind == "none" and harmony.find("degree") is None:
            return NO_CHORD
        root = harmony.find("root")
        if root is None:
            raise RlcomposeError(f"{self.place}: the chord has no root: Roman numerals and functions are not read")
        degrees = [
            (
                degree.findtext("degree-type") or "add",
                int(degree.findtext("degree-value") or 0),
                round(float(degree.findtext("degree-alter") or 0)),
            )
            for degree in harmony.findall("degree")
        ]
        bass = harmony.find("bass")
        try:
            name = _note(root, "root")
            slash = f"/{_note(bass, 'bass')}" if bass is not None else ""
        except RlcomposeError as error:
            raise RlcomposeError(f"{self.place}: {error}") from None
        inversion = int(harmony.findtext("inversion") or 0)
        for suffix in (_suffix(kind, degrees), hint or None):
            try:
                if suffix is not None:
                    chord = parse_chord(name + suffix + slash)
                    if bass is None and 0 < inversion < len(chord.tones):
                        chord = replace(chord, bass=chord.tones[inversion])
                    return chord.transposed(self.transposition)
            except RlcomposeError:
                continue
        altered = "".join(f", {how} {value} by {alter:+d}" for how, value, alter in degrees)
        shown = f", written {hint!r}" if hint else ""
        raise RlcomposeError(
            f"{self.place}: {name} of the kind {kind!r}{altered}{shown} is no chord that is known here"
        )

    def add(
        self,
        measure: ElementTree.Element,
        chords: list[tuple[Fraction, Chord]],
        length: Fraction,
        after: dict[str, Any],
    ) -> None:
        meter = self.meter or Meter(4, 4)
        bar_length = Fraction(meter.bar_ticks, TICKS_PER_QUARTER)
        is_short = length < bar_length
        first_note = measure.find("note")
        begins_late = first_note is not None and first_note.find("rest") is not None
        has_pitches = measure.find("note/pitch") is not None
        sounding = [chord.symbol for _, chord in chords if not chord.is_silent]
        is_filled_up = begins_late and has_pitches and not chords
        if not self.bars and (is_filled_up or (0 < length < bar_length and not sounding)):
            return  # an upbeat, in a bar that is filled up with rests or is too short
        if is_short and (measure.get("implicit") == "yes" or (not self.bars and measure.get("number") == "0")):
            # An upbeat, or the half of a bar that a repeat sign divides: the whole bar is the other half's.
            if sounding:
                symbols = " ".join(sounding)
                raise RlcomposeError(
                    f"{self.place} is an upbeat with chords ({symbols}): a chart begins with a whole bar"
                )
            if self.bars and after:
                self.end_bar(after)
            return
        if length >= bar_length + Fraction(1, TICKS_PER_QUARTER):  # less is how some programs round their triplets
            problem = f"is {float(length):g} quarter notes long, a bar of {meter.name} {float(bar_length):g}"
            raise RlcomposeError(f"{self.place} {problem}")
        bar = self.repeated_bar() if self.repeated and not chords else self.laid_out(chords, meter)
        self.bars.append(WrittenBar(self.place, bar, ending=self.ending, **self.waiting))
        self.waiting = {}
        self.end_bar(after)

    def end_bar(self, after: dict[str, Any]) -> None:
        """Add to the last bar what stands at its end."""
        ends_ending = after.pop("ends_ending", False)
        self.bars[-1] = replace(self.bars[-1], **after)
        if ends_ending or after.get("closes"):
            self.ending = ()

    def repeated_bar(self) -> Bar:
        if len(self.bars) < self.repeated:
            raise RlcomposeError(f"{self.place} repeats {self.repeated} bars, but there are {len(self.bars)} before it")
        return self.bars[-self.repeated].chords

    def laid_out(self, chords: list[tuple[Fraction, Chord]], meter: Meter) -> Bar:
        changes: list[tuple[int, Chord]] = []
        for place, chord in sorted(chords, key=lambda change: change[0]):
            tick = max(0, round(place * TICKS_PER_QUARTER))
            if tick >= meter.bar_ticks:
                raise RlcomposeError(f"{self.place}: {chord.symbol} stands after the end of the bar")
            if changes and (tick, chord) == changes[-1]:
                continue  # some programs write a chord into every staff
            if changes and tick == changes[-1][0]:
                both = f"{changes[-1][1].symbol} and {chord.symbol}"
                raise RlcomposeError(f"{self.place}: {both} begin together: a chart has one chord at a time")
            changes.append((tick, chord))
        if not changes or changes[0][0] > 0:
            changes.insert(0, (0, self.bars[-1].chords[-1] if self.bars else NO_CHORD))
        return bar_of_changes(changes, meter)


def _number(text: str | None) -> Fraction:
    """A decimal number, 0 where there is none; through a float, which a long exponent cannot blow up."""
    return Fraction(float(text or 0))


def _note(element: ElementTree.Element, kind: str) -> str:
    step = element.findtext(f"{kind}-step") or ""
    alter = round(float(element.findtext(f"{kind}-alter") or 0))
    return pitch_class_name(parse_pitch_class(step.strip()) + alter)


def _suffix(kind: str, degrees: list[tuple[str, int, int]]) -> str | None:
    """The suffix of a chord of this kind with these degrees, as `parse_chord` reads it; None for an unknown kind."""
    # A chord of kind "other" is made of its degrees alone; music21 writes "none" for it, as in its power chords.
    tones = () if degrees and kind in ("other", "none") else KINDS.get(kind)
    if tones is None:
        return None
    there = set(tones)
    for how, value, alter in degrees:
        if how == "add":
            there.add((value, alter))
            continue
        old = {degree for degree in there if degree[0] == value}
        there -= old
        if how == "alter":  # by so much from what the kind has
            there |= {(value, before + alter) for _, before in old or {(value, 0)}}
    return "".join(_parts(there))


_ADDED_BELOW = {2: 9, 4: 11}  # beside a third, a second is a ninth and a fourth an eleventh


def _parts(there: set[tuple[int, int]]) -> Iterator[str]:
    """The parts of the suffix of a chord of these degrees (a fifth left out changes no chord)."""
    if there - {(5, 0)} == {(3, 0), (4, 0), (7, 0)}:
        yield "7sus4add3"
        return
    thirds = {alter for value, alter in there if value == 3}
    if thirds:
        there = {(_ADDED_BELOW.get(value, value), alter) for value, alter in there}
    there -= {(5, 0)}
    below = {degree for degree in there if degree[0] < 9}  # the chord without tensions
    shapes = {
        frozenset({(3, -1), (5, -1), (7, -1)}): "dim7",
        frozenset({(3, -1), (5, -1)}): "dim",
        frozenset({(3, 0), (5, 1)}): "aug",
        frozenset[tuple[int, int]](): "5",
    }
    if there == below and frozenset(below) in shapes:
        yield shapes[frozenset(below)]
        return
    natural = {value for value, alter in there if value >= 9 and not alter}
    sevenths = {alter for value, alter in there if value == 7}
    is_minor, is_major_seventh = thirds == {-1}, sevenths == {1}
    has_sixth = (6, 0) in there or (13 in natural and not sevenths)
    yield "m" if is_minor else ""
    if sevenths:
        yield ("Maj" if is_minor else "maj") * is_major_seventh + str(max(natural, default=7))
    elif has_sixth:
        yield "6/9" if 9 in natural else "6"
    if not thirds:
        yield "sus4" if (4, 0) in there else "sus2" if (2, 0) in there else "no3"
    if not sevenths:
        yield from (f"add{value}" for value in sorted(natural - {13}) if not (has_sixth and value == 9))
    for value, alter in sorted(there):
        if alter and value in (5, 9, 11, 13):
            yield ("b" if alter < 0 else "#") + str(value)
    if sevenths - {0, 1} or thirds - {0, -1} or len(sevenths) > 1 or len(thirds) > 1:
        yield "?"
