"""What a reward term looks at: the event just played, its place, its chord and the notes before it, all plain ints.

One source serves twice. As Python, `Moment` reads a row of the state; compiled, the very same methods run on a value
that holds three addresses (`rlcompose.engine.compiled` registers them). So both give the same number.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rlcompose.engine.layout import (
    BLOCKS,
    CHORD_TONE,
    CONTOUR_BITS,
    CONTOUR_SLICES,
    FIELD,
    GUIDE_TONE,
    HISTORY_BARS,
    LOWEST_PITCH,
    MAX_DURATIONS,
    MOMENT_FIELDS,
    NO_NOTE_FIELDS,
    NO_PITCH,
    NOTE_RING,
    NUM_INTERVAL_SIZES,
    NUM_NOTE_FIELDS,
    NUM_PAST_FIELDS,
    NUM_POSITIONS,
    PAST,
    PAST_BARS,
    PUBLIC_FIELDS,
    SCALE_TONE,
)

CHORD_TONES_AT = BLOCKS["chord"].start + 2
NEXT_TONES_AT = BLOCKS["next_chord"].start + 2
RHYTHM, CONTOUR, NOTES, PITCH_SUM = PAST["rhythm"], PAST["contour"], PAST["notes"], PAST["pitch_sum"]
LOWEST_OF_BAR, HIGHEST_OF_BAR = PAST["lowest"], PAST["highest"]
WINDOW_INTERVALS_AT, WINDOW_CLASSES_AT = FIELD["window_interval_0"], FIELD["window_class_0"]
WINDOW_POSITIONS_AT, WINDOW_LENGTHS_AT = FIELD["window_position_0"], FIELD["window_length_0"]
CONTOUR_MASK = (1 << CONTOUR_BITS) - 1

# What stands in the table of a style behind `band(feature, edge)` and `n_log_n(count)`.
BAND_EDGES = 4
MAX_FEATURES = 64
LOGARITHMS_AT = BAND_EDGES * MAX_FEATURES
MOST_COUNTED = 2047


class PreviousNote(NamedTuple):
    """A note played earlier; all fields as in `Moment`. `ticks` is 0 where there was no such note."""

    pitch: int
    ticks: int
    interval: int
    onset: int
    tick_in_bar: int
    strength: int
    tone: int
    degree: int
    second: int


NO_NOTE = PreviousNote(*NO_NOTE_FIELDS)


def ones_in(bits: int) -> int:
    """How many bits of a number from 0 to 2**62 are 1."""
    return bits.bit_count()


class Moment:
    """The moment after an event: what a term `name(m) -> float` is given.

    Besides the methods here it has one int attribute for each of the fields listed in `MOMENT_FIELDS`, such as
    `m.pitch` (semitones above the tonic), `m.interval`, `m.ticks`, `m.strength`, `m.bar`, `m.chord_root`.
    """

    __slots__ = ("_constants", "_notes", "_now", "_obs", "_past", "memory")

    def __init__(
        self,
        now: Sequence[int],
        obs: Sequence[int],
        notes: Sequence[int],
        past: Sequence[int] = (),
        constants: Sequence[float] = (),
        memory: Any = (),
    ) -> None:
        """Wrap one row each of the engine's state, everything flat.

        now        fields
        obs        observation at the event's onset
        notes      note ring
        past       ring of bars
        constants  the style's bands and the logarithms (`rlcompose.engine.tables`)
        memory     what the term keeps for itself in this piece: floats, 0 at its beginning
        """
        self._now = now
        self._obs = obs
        self._notes = notes
        self._past = past
        self._constants = constants
        self.memory = memory

    def tone_of(self, pitch: int) -> int:
        """What the present chord makes of a pitch: 3 guide tone, 2 chord tone, 1 scale tone, 0 outside."""
        return int(self._obs[CHORD_TONES_AT + pitch % 12])

    def next_tone_of(self, pitch: int) -> int:
        """What the next chord makes of a pitch, as `tone_of`."""
        return int(self._obs[NEXT_TONES_AT + pitch % 12])

    def previous(self, k: int) -> PreviousNote:
        """The k-th note before the present event, k from 1 to 14; rests are passed over. `ticks` is 0 for none."""
        index = self._now[FIELD["num_notes"]] - k - 1 + self._now[FIELD["is_rest"]]
        if index < 0 or k < 1 or k > NOTE_RING - 2:
            return NO_NOTE
        at = (index % NOTE_RING) * NUM_NOTE_FIELDS
        return PreviousNote(*(int(value) for value in self._notes[at : at + NUM_NOTE_FIELDS]))

    def bar_past(self, k: int, field: int) -> int:
        """A field of `PAST_FIELDS` of the bar k bars ago, k from 0 to 63: what `bar_rhythm` and others read."""
        bar = self._now[FIELD["bar"]] - k
        if bar < 0 or k < 0 or k >= PAST_BARS:
            return NO_PITCH if field >= LOWEST_OF_BAR else 0
        return int(self._past[bar % PAST_BARS * NUM_PAST_FIELDS + field])

    def window_class(self, pitch: int) -> int:
        """How many notes of the last 8 bars have the pitch class of this pitch."""
        return int(self._now[WINDOW_CLASSES_AT + pitch % 12])

    def window_interval(self, size: int) -> int:
        """How many intervals of the last 8 bars have this size in semitones, 0 to 12; 13 for all wider ones."""
        return int(self._now[WINDOW_INTERVALS_AT + min(max(size, 0), NUM_INTERVAL_SIZES - 1)])

    def window_position(self, ticks: int) -> int:
        """How many notes of the last 8 bars begin this many ticks after a quarter note of their bar, 0 to 11."""
        return int(self._now[WINDOW_POSITIONS_AT + ticks % NUM_POSITIONS])

    def window_length(self, number: int) -> int:
        """How many notes of the last 8 bars have the style's duration of this number, from 0, the shortest."""
        return int(self._now[WINDOW_LENGTHS_AT + min(max(number, 0), MAX_DURATIONS - 1)])

    def band_edge(self, feature: int, edge: int) -> float:
        """Where the style's band of a feature (`rlcompose.bands`) lies: 0 to 3 for percentiles 5, 25, 75, 95."""
        return float(self._constants[feature * BAND_EDGES + edge])

    def n_log_n(self, count: int) -> float:
        """The number n log2(n) for n = count, from a table; 0 for 0. The bricks of an entropy."""
        return float(self._constants[LOGARITHMS_AT + min(max(count, 0), MOST_COUNTED)])

    # --- everything below is one source for both speeds ---

    @property
    def is_note(self) -> bool:
        """Whether the event is a note and not a rest."""
        return self.is_rest == 0

    @property
    def beats(self) -> float:
        """Length of the event in beats (dotted quarters in 6/8)."""
        return self.ticks / self.beat_ticks

    @property
    def beat(self) -> float:
        """Where in the bar the event begins, in beats from 1: 2.5 is the eighth after the second beat of 4/4."""
        return self.tick_in_bar / self.beat_ticks + 1.0

    @property
    def end(self) -> int:
        """The tick of the piece at which the event ends."""
        return self.onset + self.ticks

    @property
    def pulse_share(self) -> float:
        """Length over the style's pulse (an eighth in jazz), at most 1: what terms that look at every note multiply by.

        So a run of shorter notes earns no more than the pulse itself, and holding a note earns no more than one.
        """
        return min(self.ticks, self.pulse_ticks) / self.pulse_ticks

    @property
    def is_on_grid(self) -> bool:
        """Whether the event begins on a straight sixteenth or a triplet eighth; 91 % of real jazz solos' notes do."""
        return self.tick_in_bar % 3 == 0 or self.tick_in_bar % 4 == 0

    @property
    def midi_pitch(self) -> int:
        """The sounding pitch as a MIDI number; meaningless for a rest."""
        return self.tonic_pitch + self.pitch

    @property
    def ticks_to_phrase_end(self) -> int:
        """Ticks from the event's onset to the end of its phrase (or of the piece, where that comes first)."""
        to_phrase_end = (self.phrase_bars - self.bar_in_phrase) * self.bar_ticks - self.tick_in_bar
        return min(to_phrase_end, self.total_ticks - self.onset)

    @property
    def ends_phrase(self) -> bool:
        """Whether the phrase ends with this event or within it."""
        return self.ticks >= self.ticks_to_phrase_end

    @property
    def ends_bar(self) -> bool:
        """Whether the bar ends with this event or within it."""
        return self.tick_in_bar + self.ticks >= self.bar_ticks

    @property
    def ends_section(self) -> bool:
        """Whether the section (or the piece) ends with this event or within it."""
        to_section_end = (self.section_bars - self.bar_in_section) * self.bar_ticks - self.tick_in_bar
        return self.ticks >= min(to_section_end, self.total_ticks - self.onset)

    @property
    def window_bars(self) -> int:
        """How many bars `window_…` tells of: the present one and those before, at most 8."""
        return min(self.bar + 1, HISTORY_BARS)

    def is_chord_tone(self, pitch: int) -> bool:
        """Whether a pitch belongs to the present chord."""
        return self.tone_of(pitch) >= CHORD_TONE

    def is_guide_tone(self, pitch: int) -> bool:
        """Whether a pitch is the third or seventh of the present chord."""
        return self.tone_of(pitch) == GUIDE_TONE

    def is_scale_tone(self, pitch: int) -> bool:
        """Whether a pitch belongs to the present chord's scale."""
        return self.tone_of(pitch) >= SCALE_TONE

    def is_in_scale(self, pitch: int) -> bool:
        """Whether a pitch belongs to the piece's scale, that of its style and mode, whatever the present chord."""
        return self.scale >> pitch % 12 & 1 == 1

    def bar_rhythm(self, k: int) -> int:
        """The rhythm of the bar k bars ago: bit n is 1 where a note begins n sixteenths into it; 0 for no such bar."""
        return self.bar_past(k, RHYTHM)

    def bar_contour(self, k: int) -> int:
        """The contour of the bar k bars ago: the pitch last heard at each eighth part of it, 7 bits each."""
        return self.bar_past(k, CONTOUR)

    def bar_notes(self, k: int) -> int:
        """How many notes began in the bar k bars ago."""
        return self.bar_past(k, NOTES)

    def bar_pitch_sum(self, k: int) -> int:
        """Sum of the pitches of the bar k bars ago."""
        return self.bar_past(k, PITCH_SUM) + LOWEST_PITCH * self.bar_past(k, NOTES)

    def bar_lowest(self, k: int) -> int:
        """The lowest pitch of the bar k bars ago; -99 for none."""
        return self.bar_past(k, LOWEST_OF_BAR)

    def bar_highest(self, k: int) -> int:
        """The highest pitch of the bar k bars ago; -99 for none."""
        return self.bar_past(k, HIGHEST_OF_BAR)

    def rhythm_likeness(self, k: int) -> float:
        """How alike the rhythms of the present bar and the one k bars ago are, 0 to 1.

        Onsets in common over all onsets (Jaccard); 1 for two silent bars.
        """
        ours, theirs = self.bar_rhythm(0), self.bar_rhythm(k)
        either = ours | theirs
        if either == 0:
            return 1.0
        return ones_in(ours & theirs) / ones_in(either)

    def contour_likeness(self, k: int) -> float:
        """Share of the eight parts of the bar at which the present bar and the one k bars ago have the same pitch."""
        ours, theirs = self.bar_contour(0), self.bar_contour(k)
        same = 0
        for part in range(CONTOUR_SLICES):
            pitch = ours >> part * CONTOUR_BITS & CONTOUR_MASK
            if pitch > 0 and pitch == theirs >> part * CONTOUR_BITS & CONTOUR_MASK:
                same += 1
        return same / CONTOUR_SLICES

    def band_score(self, feature: int, value: float) -> float:
        """0 where a value lies in the middle half of the style's real music, falling to -1 at the outer twentieths.

        With the percentiles p5, p25, p75, p95 of the feature in real 8-bar windows: 0 from p25 to p75; below,
        -(p25 - value) / (p25 - p5); above, -(value - p75) / (p95 - p75); never less than -1.
        """
        low, high = self.band_edge(feature, 1), self.band_edge(feature, 2)
        if value < low:
            return -min((low - value) / (low - self.band_edge(feature, 0)), 1.0)
        if value > high:
            return -min((value - high) / (self.band_edge(feature, 3) - high), 1.0)
        return 0.0

    def __getattr__(self, name: str) -> int:
        near = difflib.get_close_matches(name, moment_names(), n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise AttributeError(f"the moment has no {name!r}: {hint}It has {', '.join(moment_names())}")


# These read memory; the rest is built upon them.
PRIMITIVES = (
    *("tone_of", "next_tone_of", "previous", "bar_past", "band_edge", "n_log_n", "memory"),
    *("window_class", "window_interval", "window_position", "window_length"),
)


def _field(name: str) -> property:
    index = FIELD[name]

    def read(moment: Moment) -> int:
        return int(moment._now[index])

    return property(read, doc=MOMENT_FIELDS[name])


_SHARED_NAMES = tuple(name for name in vars(Moment) if not name.startswith("_") and name not in PRIMITIVES)
for _name in PUBLIC_FIELDS:
    setattr(Moment, _name, _field(_name))


def moment_names() -> tuple[str, ...]:
    """Everything that a term may ask the moment for: fields, properties and methods."""
    return (*PUBLIC_FIELDS, *PRIMITIVES, *_SHARED_NAMES)


def shared_methods() -> dict[str, Callable[..., Any]]:
    """The methods that run both ways, by name."""
    return {name: value for name in _SHARED_NAMES if callable(value := vars(Moment)[name])}


def shared_properties() -> dict[str, Callable[[Any], Any]]:
    """The properties that run both ways, by name."""
    found = {}
    for name in _SHARED_NAMES:
        value = vars(Moment)[name]
        if isinstance(value, property) and value.fget is not None:
            found[name] = value.fget
    return found
