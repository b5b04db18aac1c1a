"""Charts as musicians type them: header lines, bar lines, repeats and endings, sections, slashes.

Before the bars, a line each   title: …   key: Bb   meter: 3/4 (or time:)   tempo: 120   phrase: 4 (bars a phrase)
Between bars                   |   ||   |]   or the end of a line
A bar                          Dm7 G7 (chords share it)   Dm7 / / G7 (each chord and each / lasts a beat)   N.C.
                               % (the bar before again)   %% (two bars: the two before again)
Repeats                        |: … :|   :|x3   :|3x   (without |: from the last :|, or from the first bar)
At the beginning of a bar      [A] or A: or Verse 1: (a section)   1. or 1,2. or [1 or (1.) (an ending)
                               Segno   Coda (or section [Coda])
                               3/4 or [3/4] or T34 (the metre, at the first bar only)
At the end of a bar            Fine   To Coda   D.C.   D.S. al Fine   D.C. al Coda   D.C. al 2nd ending
Comments                       a line that begins with #, and what follows a # between spaces

An ending goes on to the next :|, ||, section or ending.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rlcompose.errors import RlcomposeError
from rlcompose.theory.chord import Chord, parse_chord
from rlcompose.theory.form import (
    DIRECTION,
    MAX_PLAYED_BARS,
    TIMES_IN_NAME,
    Bar,
    Jump,
    SectionPattern,
    WrittenBar,
    direction,
    sections_as_played,
)
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

DEFAULT_PHRASE_BARS = 4
MOST_TIMES = 99  # that a repeat can be played


@dataclass(frozen=True, slots=True)
class ChartText:
    """What a chart's text says: the sections in playing order, and its header; None for what it leaves open."""

    sections: tuple[SectionPattern, ...]
    phrase_bars: int
    title: str
    key: Key | None
    meter: Meter | None
    tempo: int | None


def read_chart_text(text: str, name: str = "chart", meter: Meter | None = None) -> ChartText:
    r"""What a chart says; the first lines of this file show how it is written.

    Slashes are counted in the metre the text names, else in `meter`, else in 4/4; a text with slashes has that metre.

    >>> read_chart_text("tempo: 120\n|: Dm7 / G7 / | C^7 :|").sections[0].bars[1][0].symbol
    'Cmaj7'
    """
    reader = _Reader(name, meter)
    for line in text.splitlines():
        reader.line(line)
    return reader.finished()


_COMMENT = re.compile(r"^\s*#.*|\s#\s.*")  # never the sharp of a chord, which follows its letter at once
_HEADER = re.compile(r"\s*(title|key|meter|metre|time|tempo|phrase)\s*:\s*(.*?)\s*", re.IGNORECASE)
_BAR_LINE = re.compile(
    r"(?P<closes>:)?(?P<line>\|+)\]?(?P<opens>:)?(?:\s*\(?(?:x\s*(?P<times>\d{1,6})|(?P<also_times>\d{1,6})\s*x)\)?(?![\w#]))?"
)
_METER = re.compile(r"\s*(?:\[\s*)?(\d+\s*/\s*\d+)(?:\s*\])?(?=\s|$)|\s*T(\d\d)(?=\s|$)")
_ENDING = re.compile(
    r"\s*(?:\[?\s*((?:\d{1,6}\s*\.?\s*[-,.]\s*)*\d{1,6})\s*\.\s*\]?|(\d{1,6}(?:[-,]\d{1,6})*)(?=\s|$)"
    r"|\[(\d{1,6}(?:[-,]\d{1,6})*)(?=\s[^\]]*$|$)|\((\d{1,6}(?:[-,]\d{1,6})*)\.?\))"
)
_SECTION = re.compile(r"\s*(?:\[\s*([^\]\s][^\]]*?)\s*\]|([A-Za-z][\w-]*(?:\s+\d+)?)\s*:)\s*")
_WORDS = re.compile(rf"(?<!\S)\(?{DIRECTION.pattern}\)?(?!\S)", re.IGNORECASE)
_AT_THE_BEGINNING = ("segno", "coda")


class _Reader:
    """Reads line by line; `waiting` holds what was said of the bar to come."""

    def __init__(self, name: str, meter: Meter | None) -> None:
        self.name = name
        self.header: dict[str, str] = {}
        self.bars: list[WrittenBar] = []
        self.waiting: dict[str, bool | str] = {}
        self.ending: tuple[int, ...] = ()
        self.section: str | None = None
        self.meter: Meter | None = None
        self.counting = meter or Meter(4, 4)
        self.has_slashes = False

    @property
    def place(self) -> str:
        """The bar to come, as the user counts it."""
        section = "" if self.section is None else f" (section {self.section})"
        return f"bar {len(self.bars) + 1} of {self.name!r}{section}"

    def line(self, text: str) -> None:
        if found := _HEADER.fullmatch(text):  # a title may hold what would be a comment elsewhere
            self.read_header(found[1].lower(), found[2])
            return
        text = _COMMENT.sub("", text)
        signs = list(_BAR_LINE.finditer(text))
        edges = [0, *(edge for sign in signs for edge in sign.span()), len(text)]
        texts = [text[start:end].strip() for start, end in zip(edges[::2], edges[1::2], strict=True)]
        for number, bar_text in enumerate(texts):
            around = [sign for sign in signs[max(0, number - 1) : number + 1]]
            if bar_text:
                self.read_bar(bar_text)
            elif 0 < number < len(signs) and not any(sign["closes"] or sign["opens"] for sign in around):
                instead = "write a chord, % to repeat the bar before, or N.C. for no chord"
                raise RlcomposeError(f"{self.place} is empty: {instead}")
            if number < len(signs):
                self.read_bar_line(signs[number])

    def read_header(self, key: str, value: str) -> None:
        key = {"metre": "meter", "time": "meter"}.get(key, key)
        if self.bars or self.waiting:
            raise RlcomposeError(f"{self.name!r} says its {key} at bar {len(self.bars) + 1}: write it before all bars")
        if key in self.header:
            raise RlcomposeError(f"{self.name!r} says its {key} twice: {self.header[key]!r} and {value!r}")
        if not value:
            raise RlcomposeError(f"{self.name!r} says no {key} after '{key}:'")
        self.header[key] = value
        if key == "meter":
            self.meter = self.counting = Meter.parse(value)

    def read_bar_line(self, sign: re.Match[str]) -> None:
        times = sign["times"] or sign["also_times"]
        if sign["closes"]:
            if not self.bars:
                raise RlcomposeError(f"{self.place}: a repeat ends before the first bar")
            if times and not 2 <= int(times) <= MOST_TIMES:
                raise RlcomposeError(f"{self.last_place} is repeated {times} times: allowed are 2 to {MOST_TIMES}")
            self.mend_last(closes=True, times=int(times or 0))
        elif times:
            raise RlcomposeError(f"{self.place}: x{times} after a bar line that ends no repeat: write :|x{times}")
        if sign["opens"]:
            self.waiting["opens"] = True
        if sign["closes"] or sign["opens"] or len(sign["line"]) > 1:
            self.ending = ()

    @property
    def last_place(self) -> str:
        return self.bars[-1].place

    def mend_last(self, **fields: object) -> None:
        """Add to the last bar what stands after it."""
        known = {name: getattr(self.bars[-1], name) for name in WrittenBar.__slots__}
        self.bars[-1] = WrittenBar(**known | fields)

    def read_bar(self, text: str) -> None:
        rest = self.read_marks(text)
        words = list(_WORDS.finditer(rest))
        rest = _WORDS.sub(" ", rest).strip()
        at_end: dict[str, bool | Jump] = {}
        for found in words:
            for field, value in direction(found).items():
                if field in _AT_THE_BEGINNING:
                    self.waiting[field] = True
                else:
                    at_end[field] = value
        if rest:
            self.add(self.chords(rest))
        elif at_end and not self.bars:
            raise RlcomposeError(f"{self.place}: {words[0][0]} stands before the first bar")
        if at_end:
            self.mend_last(**at_end)

    def read_marks(self, text: str) -> str:
        """Note what stands at the beginning of a bar; the text after it."""
        while text:
            if found := _METER.match(text):
                digits = found[2]
                name = found[1] or ("12/8" if digits == "12" else f"{digits[0]}/{digits[1]}")
                self.read_meter(Meter.parse(name))
            elif found := _ENDING.match(text):
                self.ending = self.passes(found[found.lastindex or 0])
            elif found := _SECTION.match(text):
                if "section" in self.waiting:
                    raise self.no_bars(self.section)
                self.section = found[1] or found[2]
                if TIMES_IN_NAME.search(self.section):
                    instead = "write |: and :|x2 around its bars"
                    raise RlcomposeError(f"{self.place}: a section's name says nothing about repeats: {instead}")
                self.ending = ()
                self.waiting["section"] = self.section
                if self.section.lower() == "coda":
                    self.waiting["coda"] = True
            else:
                break
            text = text[found.end() :]
        return text

    def read_meter(self, meter: Meter) -> None:
        if self.bars and meter != self.meter:
            what = f"changes the metre from {self.meter.name} to" if self.meter else "is the first to name a metre,"
            raise RlcomposeError(f"{self.place} {what} {meter.name}: a chart has one metre, from its first bar on")
        if self.meter is not None and meter != self.meter:
            raise RlcomposeError(f"{self.place} is in {meter.name}, but the chart says {self.meter.name}")
        self.meter = self.counting = meter

    def passes(self, text: str) -> tuple[int, ...]:
        """The numbers of an ending: "1", "1,2", "1.2", "1-3"."""
        numbers: list[int] = []
        for first, last in re.findall(r"(\d+)(?:\s*-\s*(\d+))?", text):
            numbers += range(int(first), int(last or first) + 1)
        if not numbers or not 1 <= min(numbers) <= max(numbers) <= MOST_TIMES:
            raise RlcomposeError(f"{self.place}: {text!r} is no number of an ending: allowed are 1 to {MOST_TIMES}")
        return tuple(numbers)

    def chords(self, text: str) -> list[Bar]:
        """The bar or, of %%, the two bars that a text stands for."""
        if text in ("%", "%%"):
            count = len(text)
            if len(self.bars) < count:
                what = "bar before it" if count == 1 else "two bars before it"
                raise RlcomposeError(f"{self.place} is {text!r}, but there is no {what} to repeat: write its chords")
            return [bar.chords for bar in self.bars[-count:]]
        chords: list[Chord] = []
        symbols = text.split()
        for symbol in symbols:
            if symbol != "/":
                try:
                    chords.append(parse_chord(symbol))
                except RlcomposeError as error:
                    raise RlcomposeError(f"{self.place}: {error}") from None
            elif chords or self.bars:
                chords.append(chords[-1] if chords else self.bars[-1].chords[-1])
            else:
                raise RlcomposeError(f"{self.place} begins with '/', but there is no chord before it to hold")
        if "/" in symbols:
            self.has_slashes = True
            allowed = {self.counting.num_beats, self.counting.numerator}  # in 6/8 two beats, or six eighths
            if len(chords) not in allowed:
                beats = " or ".join(map(str, sorted(allowed)))
                problem = f"has {len(chords)} beats, a bar of {self.counting.name} has {beats}"
                raise RlcomposeError(f"{self.place} {problem}: each chord and each / lasts one")
            if len(set(chords)) == 1:
                chords = chords[:1]
        return [tuple(chords)]

    def add(self, bars: list[Bar]) -> None:
        for chords in bars:
            if len(self.bars) == MAX_PLAYED_BARS:
                raise RlcomposeError(f"{self.name!r} has more than {MAX_PLAYED_BARS:,} bars: that is no chart")
            # What waits was put there by the names of WrittenBar's fields.
            self.bars.append(WrittenBar(self.place, chords, ending=self.ending, **self.waiting))  # type: ignore[arg-type]
            self.waiting = {}

    def no_bars(self, label: str | None) -> RlcomposeError:
        return RlcomposeError(f"section [{label}] of {self.name!r} has no bars: write its chords after the mark")

    def finished(self) -> ChartText:
        if "section" in self.waiting:
            raise self.no_bars(self.section)
        if not self.bars:
            example = "write chords with | between the bars, for example 'Dm7 G7 | C'"
            raise RlcomposeError(f"{self.name!r} has no bars: {example}")
        for what in self.waiting:
            sign = {"opens": "a repeat begins", "segno": "a Segno stands", "coda": "a Coda begins"}[what]
            raise RlcomposeError(f"{sign} after {self.last_place}, the last one")
        sections = sections_as_played(self.bars)
        key = self.header.get("key")
        return ChartText(
            sections,
            self.number("phrase", "bars") or DEFAULT_PHRASE_BARS,
            title=self.header.get("title", ""),
            key=None if key is None else Key.parse(key),
            meter=self.counting if self.has_slashes else self.meter,
            tempo=self.number("tempo", "quarter notes a minute"),
        )

    def number(self, key: str, unit: str) -> int | None:
        """A number of the header; None where it is not said."""
        text = self.header.get(key)
        if text is None:
            return None
        if not re.fullmatch(r"\d{1,6}", text) or int(text) == 0:
            raise RlcomposeError(f"the {key} {text!r} of {self.name!r} is no number of {unit}: 1 or more is allowed")
        return int(text)
