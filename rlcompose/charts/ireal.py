"""Charts of iReal Pro: links `irealb://` (scrambled) and `irealbook://` (plain), and files that hold them.

Read here and not by the package pyRealParser, because that reads neither `irealbook` nor the places of chords within a
bar, heeds no D.C. and D.S., drops sections, and prints what it cannot read instead of raising. The format has a page by
its makers, "Custom Chord Chart Protocol"; scrambling and abbreviations are known from those who read it before.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from rlcompose.charts.chart import Chart, make_chart
from rlcompose.errors import RlcomposeError, unknown
from rlcompose.theory.chord import NO_CHORD, Chord, parse_chord
from rlcompose.theory.form import (
    DIRECTION,
    Bar,
    WrittenBar,
    direction,
    lettered,
    sections_as_played,
    with_coda_signs,
)
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import bar_of_changes

# In a page a link ends with its quotation mark, and others may follow on the line.
_LINK = re.compile(
    r"""(?P<quote>["'])?(?P<scheme>irealb(?:ook)?)://(?P<body>(?(quote)(?:(?!(?P=quote)).)*|.*))""", re.IGNORECASE
)
_SCRAMBLED = "1r34LbKcu7"  # what scrambled music begins with
_BLOCK = 50
_SWAPPED = (*range(5), *range(10, 24))  # places in a block that change with those as far from its end
_ABBREVIATIONS = {"XyQ": "   ", "Kcl": "| x", "LZ": " |"}
_FIELDS_BEFORE_MUSIC = 6  # title, composer, nothing, style, key, transposition; groove and tempo come after the music
_FIELDS_OF_PLAIN = 6  # title, composer, style, key, "n", music


@dataclass(frozen=True, slots=True)
class Song:
    """A song of a link; `music` is unscrambled."""

    title: str
    key: str
    tempo: int | None
    music: str


def has_link(text: str) -> bool:
    """Whether there is a link in a text."""
    return _LINK.search(text) is not None


def read_ireal(text: str, title: str | None = None) -> Chart:
    """The song with this title, or the first one, of the links in a text."""
    songs = [song for found in _LINK.finditer(text) for song in _songs(found)]
    if not songs:
        raise RlcomposeError("the iReal Pro link holds no song: copy it whole")
    if title is None:
        return read_song(songs[0])
    for song in songs:
        if song.title.lower() == title.strip().lower():
            return read_song(song)
    raise unknown("song", title, [song.title for song in songs])


def _songs(link: re.Match[str]) -> Iterator[Song]:
    body = link["body"]
    if link["quote"]:
        body = html.unescape(body)
    fields = unquote(body).split("=")
    if link["scheme"].lower() == "irealbook":
        while len(fields := fields[next((n for n, text in enumerate(fields) if text), len(fields)) :]) > 1:
            if len(fields) < _FIELDS_OF_PLAIN:
                raise RlcomposeError(f"the iReal Pro song {fields[0]!r} has no music: its link is cut off")
            yield Song(fields[0].strip(), fields[3], None, fields[5])
            fields = fields[_FIELDS_OF_PLAIN:]
        return
    for place, music in enumerate(fields):
        if music.startswith(_SCRAMBLED):
            title = fields[max(0, place - _FIELDS_BEFORE_MUSIC)].strip()
            tempo = fields[place + 2].strip() if place + 2 < len(fields) else ""
            key = fields[place - 2] if place >= 2 else ""
            number = int(tempo) if re.fullmatch(r"\d{1,6}", tempo) else 0
            yield Song(title, key, number or None, unscramble(music.removeprefix(_SCRAMBLED)))


def unscramble(music: str) -> str:
    """Scrambled music as it is written, abbreviations written out.

    Blocks of 50 characters are scrambled, except a last one with less than two characters after it.
    """
    plain = ""
    for start in range(0, len(music), _BLOCK):
        block = list(music[start : start + _BLOCK])
        if len(music) - start >= _BLOCK + 2:
            for place in _SWAPPED:
                block[place], block[-1 - place] = block[-1 - place], block[place]
        plain += "".join(block)
    for short, long in _ABBREVIATIONS.items():
        plain = plain.replace(short, long)
    return plain


_TOKEN = re.compile(
    r"""<(?P<words>[^>]*)> | \((?P<alternate>[^)]*)\) | T(?P<meter>\d\d) | N(?P<ending>\d) | \*(?P<section>[A-Za-z])
    | (?P<line>[\[\]{}|Z]) | (?P<cell>[ xrnp])
    | (?P<chord>(?:[A-G][b\#]?(?:\*[^*\[\]{}|]*\*|sus|alt|add|[-+^ho\d]|[b\#](?=\d))*|W)(?:/[A-G][b\#]?)?)
    | (?P<sign>[SQ]) | (?P<nothing>[fYUsl,\r\n\t])""",
    re.VERBOSE,
)
_TIMES = re.compile(r"(\d)\s*x", re.IGNORECASE)
_RAISED = re.compile(r"^\*\d\d")  # how high the words stand above the line
_SECTIONS = {"i": "Intro", "v": "Verse"}
_HELD, _ONE_BAR, _TWO_BARS, _BLANK = "p", "x", "r", " "


@dataclass
class _Reader:
    """Reads a song's music from bar line to bar line; `waiting` is said of the bar that is being read."""

    title: str
    meter: Meter | None = None
    bars: list[WrittenBar] = field(default_factory=list)
    cells: list[Chord | str] = field(default_factory=list)
    waiting: dict[str, object] = field(default_factory=dict)
    later: dict[str, object] = field(default_factory=dict)  # said of the bar after that one
    ending: tuple[int, ...] = ()
    begins: set[int] = field(default_factory=set)  # bars after double bar lines
    codas: list[tuple[int, bool]] = field(default_factory=list)  # coda signs: bar, and whether after its chords
    is_between: bool = True  # after a closing bar line, where blank cells only fill the line
    half_of_two: bool = False  # the bar before repeats two, of which this one is the second
    last_chord: Chord | None = None

    @property
    def place(self) -> str:
        return f"bar {len(self.bars) + 1} of {self.title!r}"

    @property
    def has_content(self) -> bool:
        return any(cell != _BLANK for cell in self.cells)

    def say(self, name: str, value: object) -> None:
        """Note a mark that stands at the beginning of a bar."""
        (self.later if self.has_content else self.waiting)[name] = value

    def read(self, music: str) -> None:
        position = 0
        while position < len(music):
            found = _TOKEN.match(music, position)
            if not found:
                raise RlcomposeError(f"{self.place}: {music[position]!r} is no sign of iReal Pro's")
            position = found.end()
            kind, text = found.lastgroup, found[found.lastgroup or 0]
            if kind == "line":
                self.read_line(text)
            elif kind == "chord":
                self.read_chord(text)
            elif kind == "cell":
                self.cells.append(NO_CHORD if text == "n" else text)
                self.last_chord = NO_CHORD if text == "n" else self.last_chord
            elif kind == "words":
                self.read_words(_RAISED.sub("", text).strip())
            elif kind == "meter":
                self.read_meter(Meter.parse("12/8" if text == "12" else f"{text[0]}/{text[1]}"))
            elif kind == "ending":
                self.say("ending", (int(text) or max(self.ending, default=0) + 1,))  # N0 shows no number
            elif kind == "section":
                self.say("section", _SECTIONS.get(text.lower(), text.upper()))
            elif text == "S":
                self.say("segno", True)
            elif text == "Q":
                self.codas.append((len(self.bars), self.has_content))
        self.read_line("Z")

    def read_chord(self, text: str) -> None:
        root, slash, bass = text.partition("/")
        try:
            if root == "W":  # an invisible root: the chord before, over another bass
                if self.last_chord is None or self.last_chord.is_silent:
                    raise RlcomposeError("a bass without a root stands before the first chord")
                over = parse_chord(f"C{slash}{bass}").bass if slash else self.last_chord.bass
                chord = replace(self.last_chord, bass=over)
            else:
                chord = parse_chord(text.replace("*", ""))
        except RlcomposeError as error:
            raise RlcomposeError(f"{self.place}: {error}") from None
        self.cells.append(chord)
        self.last_chord = chord

    def read_meter(self, meter: Meter) -> None:
        if self.meter is not None and meter != self.meter:
            changes = f"changes the metre from {self.meter.name} to {meter.name}"
            raise RlcomposeError(f"{self.place} {changes}: a chart has one metre")
        self.meter = meter

    def read_words(self, words: str) -> None:
        """IReal Pro plays the phrases it offers; any other words are a remark to the players."""
        if found := _TIMES.fullmatch(words):
            self.say_here("times", int(found[1]))
        elif (said := DIRECTION.fullmatch(words)) and (said["mark"] or said["until"] or said["ending"]):
            for name, value in direction(said).items():
                if name in ("fine", "jump"):  # coda and segno have signs, words for them are remarks
                    self.say_here(name, value)

    def say_here(self, name: str, value: object) -> None:
        """Note what may stand anywhere in a bar, also after its bar line."""
        if not self.has_content and self.is_between and self.bars:
            self.bars[-1] = replace(self.bars[-1], **{name: value})  # type: ignore[arg-type]  # callers pair them rightly
        else:
            self.waiting[name] = value

    def read_line(self, line: str) -> None:
        is_blank = bool(self.cells) and not self.has_content and not self.is_between and line not in "[{Z"
        if self.has_content or (is_blank and not self.half_of_two):
            self.add_bars()
        elif is_blank:
            self.half_of_two = False
        self.cells = []
        if line == "}" and self.bars:
            self.bars[-1] = replace(self.bars[-1], closes=True)
        if line == "{":
            self.waiting["opens"] = True
        if line in "[{":
            self.begins.add(len(self.bars))
        if line != "|":
            self.ending = ()
        if line in "]Z":
            self.begins.add(len(self.bars))
        self.is_between = line in "]}Z"

    def add_bars(self) -> None:
        if "section" in self.waiting:
            self.ending = ()
        self.ending = self.waiting.pop("ending", self.ending)  # type: ignore[assignment]  # only numbers are put there
        for chords in self.chords():
            # What waits was put there by the names of WrittenBar's fields.
            self.bars.append(WrittenBar(self.place, chords, ending=self.ending, **self.waiting))  # type: ignore[arg-type]  # as above
            self.waiting = {}
        self.waiting, self.later = self.later, {}

    def chords(self) -> list[Bar]:
        """The bar that the cells hold, or the two that they repeat."""
        self.half_of_two = _TWO_BARS in self.cells
        for sign, count in ((_ONE_BAR, 1), (_TWO_BARS, 2)):
            if sign in self.cells:
                if len(self.bars) < count:
                    raise RlcomposeError(f"{self.place} repeats {count} before it, but there are {len(self.bars)}")
                return [bar.chords for bar in self.bars[-count:]]
        held = self.bars[-1].chords[-1] if self.bars else None
        there = [(place, cell) for place, cell in enumerate(self.cells) if isinstance(cell, Chord)]
        if held is None and not there:
            raise RlcomposeError(f"{self.place} holds a chord, but there is none before it")
        if held is not None and (not there or there[0][0] > 0):
            there.insert(0, (0, held))
        return [self.laid_out(there)]

    def laid_out(self, there: list[tuple[int, Chord]]) -> Bar:
        """The chords by their cells, where cells and beats go into each other; else they share the bar."""
        meter = self.meter or Meter(4, 4)
        cells, beats = len(self.cells), meter.num_beats
        chords = tuple(chord for _, chord in there)
        if cells == 4 and beats == 3:  # the usual width of a bar, whatever its metre
            onsets = [min(place, 2) for place, _ in there]
        elif cells % beats == 0 or beats % cells == 0:
            onsets = [place * beats // cells for place, _ in there]
        else:
            return chords
        onsets[0] = 0
        if len(set(onsets)) < len(onsets):
            return chords
        changes = zip((onset * meter.beat_ticks for onset in onsets), chords, strict=True)
        return bar_of_changes(list(changes), meter)


def read_song(song: Song) -> Chart:
    """The chart of a song: one chorus of it, as it is played.

    What concerns the last chorus alone is left out: END, and a coda to which no D.C. or D.S. leads.
    """
    reader = _Reader(song.title)
    reader.read(song.music)
    bars = lettered(with_coda_signs(reader.bars, reader.codas), reader.begins)
    if not bars:
        raise RlcomposeError(f"the iReal Pro song {song.title!r} has no chords")
    key = Key.parse(song.key) if song.key.strip() else None
    return make_chart(sections_as_played(bars), song.title, key, reader.meter or Meter(4, 4), song.tempo)
