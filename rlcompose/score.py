"""What a piece of music is: frozen notes, chords and sections; the only place where ticks become beats or seconds."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from rlcompose.errors import RlcomposeError
from rlcompose.theory.chord import Chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import TICKS_PER_QUARTER, Meter


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One sounding note: `onset` and `ticks` (length, at least 1), 12 a quarter note; `pitch` is a MIDI number."""

    onset: int
    pitch: int
    ticks: int

    def __post_init__(self) -> None:
        if not 0 <= self.pitch <= 127:
            raise RlcomposeError(f"pitch {self.pitch} is not a MIDI number: allowed are 0 to 127")
        if self.ticks < 1 or self.onset < 0:
            raise RlcomposeError(f"a note needs onset >= 0 and ticks >= 1, not onset {self.onset}, ticks {self.ticks}")

    @property
    def end(self) -> int:
        """The first tick at which the note no longer sounds."""
        return self.onset + self.ticks


@dataclass(frozen=True, slots=True)
class ChordSpan:
    """A chord (absolute root) and the ticks it lasts, from `onset` on."""

    onset: int
    ticks: int
    chord: Chord

    @property
    def end(self) -> int:
        """The first tick at which the chord no longer holds."""
        return self.onset + self.ticks


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the form: its letter ("A", "B"), its first bar counted from 0, and how many bars it has."""

    label: str
    bar: int
    bars: int


@dataclass(frozen=True, slots=True)
class Band:
    """Who accompanies: the shipped style in whose way they play, and the General MIDI programs of chords and bass."""

    family: str
    chords: int
    bass: int


@dataclass(frozen=True, slots=True)
class Composition:
    """A melody over chords: everything that a file, a sound or a picture is made from.

    Time is written straight (12 ticks a quarter note); `swing` says that it is to be played swung.
    Notes are monophonic, sorted by onset, and lie within `bars`; chord spans follow one another without a gap.
    """

    notes: tuple[Note, ...]
    chords: tuple[ChordSpan, ...]
    key: Key
    meter: Meter
    bars: int
    tempo: int  # quarter notes a minute
    style: str
    swing: bool = False
    sections: tuple[Section, ...] = ()
    instrument: int = 0  # General MIDI program, 0 to 127
    title: str = ""
    pickup: int = 0  # ticks of an upbeat: bar 0 is silent but for its last `pickup` ticks; 0 for a full first bar
    band: Band | None = None  # None leaves it to the style's name

    def __post_init__(self) -> None:
        if self.bars < 1:
            raise RlcomposeError(f"a composition needs at least one bar, not {self.bars}")
        if self.tempo < 1:
            raise RlcomposeError(f"tempo {self.tempo} is not a speed: allowed are 1 and more quarter notes a minute")
        end = 0
        for note in self.notes:
            if note.onset < end:
                raise RlcomposeError(
                    f"the melody is monophonic, but a note at tick {note.onset} begins before tick {end}"
                )
            end = note.end
        if not 0 <= self.pickup < self.meter.bar_ticks:
            most = self.meter.bar_ticks - 1
            raise RlcomposeError(f"pickup {self.pickup} is no part of a bar: allowed are 0 to {most}")
        if self.pickup and self.notes and self.notes[0].onset < self.meter.bar_ticks - self.pickup:
            first = self.notes[0].onset
            raise RlcomposeError(f"a note begins at tick {first}, before the upbeat of {self.pickup} ticks")
        if end > self.total_ticks:
            raise RlcomposeError(f"a note ends at tick {end}, after the piece's end at {self.total_ticks}")

    @property
    def total_ticks(self) -> int:
        """Length of the piece in ticks."""
        return self.bars * self.meter.bar_ticks

    @property
    def beats(self) -> Fraction:
        """Length of the piece in beats of its metre."""
        return Fraction(self.total_ticks, self.meter.beat_ticks)

    def seconds(self, ticks: float = -1.0) -> float:
        """The time in seconds at which the straight tick `ticks` lies; without an argument the length of the piece."""
        return (self.total_ticks if ticks < 0 else ticks) / TICKS_PER_QUARTER * 60.0 / self.tempo

    def chord_at(self, tick: int) -> Chord | None:
        """The chord that holds at a tick; None outside the chart."""
        for span in self.chords:
            if span.onset <= tick < span.end:
                return span.chord
        return None

    def _repr_html_(self) -> str:
        """How a notebook shows it: a piano roll, and a player."""
        from rlcompose.notebook import notebook_html

        return notebook_html(self)
