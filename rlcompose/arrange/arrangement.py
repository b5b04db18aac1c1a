"""What an arrangement is: lines in written ticks, and the parts that sound, in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rlcompose.score import Composition

DRUM_CHANNEL = 9  # General MIDI's, from 0


class Role(StrEnum):
    """What a line is for: it decides how loud and how freely it is played, and where it sits in the stereo picture."""

    MELODY = "melody"
    BASS = "bass"
    CHORDS = "chords"  # struck: piano, guitar, koto
    VOICE = "voice"  # sustained and moving by itself: choir, organ, strings
    DRONE = "drone"
    DRUMS = "drums"


@dataclass(frozen=True, slots=True, order=True)
class Cue:
    """A note as it stands on the page: `onset` and `ticks` (12 a quarter note, straight), MIDI pitch and velocity."""

    onset: int
    pitch: int
    ticks: int
    velocity: int

    @property
    def end(self) -> int:
        """The first tick at which the note no longer sounds."""
        return self.onset + self.ticks


@dataclass(frozen=True, slots=True)
class Line:
    """What one player has on the page: General MIDI program from 0, MIDI channel, notes sorted by onset."""

    name: str
    role: Role
    program: int
    channel: int
    cues: tuple[Cue, ...]


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """A note as it sounds: from `start` to `end` in seconds, a MIDI pitch and a MIDI velocity."""

    start: float
    end: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one player plays: General MIDI program and MIDI channel from 0, volume, pan (64 is the middle), reverb."""

    name: str
    role: Role
    program: int
    channel: int
    volume: int
    pan: int
    reverb: int
    notes: tuple[PlayedNote, ...]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The parts of a piece, in the order of the tracks, and the piece with what stands around it."""

    parts: tuple[Part, ...]
    music: Composition
