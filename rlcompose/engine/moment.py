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
    FIELD,
    GUIDE_TONE,
    MOMENT_FIELDS,
    NO_PITCH,
    NOTE_RING,
    NUM_NOTE_FIELDS,
    PUBLIC_FIELDS,
    SCALE_TONE,
)

CHORD_TONES_AT = BLOCKS["chord"].start + 2
NEXT_TONES_AT = BLOCKS["next_chord"].start + 2


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


NO_NOTE = PreviousNote(NO_PITCH, 0, 0, 0, 0, 0, 0, -1)


class Moment:
    """The moment after an event: what a term `name(m) -> float` is given.

    Besides the methods here it has one int attribute for each of the fields listed in `MOMENT_FIELDS`, such as
    `m.pitch` (semitones above the tonic), `m.interval`, `m.ticks`, `m.strength`, `m.bar`, `m.chord_root`.
    """

    __slots__ = ("_now", "_notes", "_obs")

    def __init__(self, now: Sequence[int], obs: Sequence[int], notes: Sequence[int]) -> None:
        """Wrap one row each of the engine's state: fields, observation at the event's onset, note ring (flat)."""
        self._now = now
        self._obs = obs
        self._notes = notes

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

    def __getattr__(self, name: str) -> int:
        near = difflib.get_close_matches(name, moment_names(), n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise AttributeError(f"the moment has no {name!r}: {hint}It has {', '.join(moment_names())}")


PRIMITIVES = ("tone_of", "next_tone_of", "previous")  # read memory; the rest is built upon them


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
