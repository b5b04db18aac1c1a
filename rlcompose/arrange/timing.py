"""When a note sounds: the swing of the band and of the soloist, and how far players are from a machine."""

from __future__ import annotations

import math
from random import Random

from rlcompose.arrange.arrangement import Line, Role
from rlcompose.arrange.playing import Playing
from rlcompose.score import Composition
from rlcompose.swing import (
    BEAT_TICKS,
    even_beats,
    ride_ratio,
    soloist_delay,
    sounding_ticks,
    swing_ratio,
    triplet_beats,
)

JAZZ = "jazz"  # the family whose soloists lie back
TRIPLET_RATIO = 2.0  # of off-beats under a melody's triplet: they fall on its last note

# Standard deviations in milliseconds: of a slow drift, and of each note about it. Sound needs 1 ms for 34 cm.
DRIFT_MS = {Role.MELODY: 3.0, Role.BASS: 2.5, Role.CHORDS: 4.0, Role.VOICE: 4.0, Role.DRONE: 0.0, Role.DRUMS: 1.0}
NOISE_MS = {Role.MELODY: 3.0, Role.BASS: 3.0, Role.CHORDS: 3.0, Role.VOICE: 4.0, Role.DRONE: 0.0, Role.DRUMS: 1.7}
NOISE_VELOCITY = {Role.MELODY: 3.0, Role.BASS: 3.5, Role.CHORDS: 3.5, Role.VOICE: 2.0, Role.DRONE: 0.0, Role.DRUMS: 4.0}
PERSISTENCE = 0.9  # of the drift, from one stroke to the next
WIDEST = 2.5  # standard deviations: nobody stumbles


class Clock:
    """Written ticks in seconds, for each role."""

    def __init__(self, music: Composition, family: str, playing: Playing) -> None:
        """For a piece; swing needs quarter-note beats."""
        self._music = music
        self._is_swung = playing.swing and music.swing and music.meter.beat_ticks == BEAT_TICKS
        self._even = even_beats(music.notes)
        self._triplets = triplet_beats(music.notes)
        self._solo, self._band = swing_ratio(music.tempo), ride_ratio(music.tempo)
        if family != JAZZ:  # nobody lies back, so all swing alike
            self._band = self._solo
        lies_back = playing.laid_back and family == JAZZ and self._is_swung
        self._delay = soloist_delay(music.tempo) if lies_back else 0.0

    def start(self, role: Role, tick: float) -> float:
        """The second at which a written tick sounds."""
        if not self._is_swung:
            return self._music.seconds(tick)
        if role is Role.MELODY:
            return self._music.seconds(sounding_ticks(tick, self._solo, self._even)) + self._delay
        beat = int(tick // BEAT_TICKS)
        if beat in self._triplets:
            return self._music.seconds(sounding_ticks(tick, TRIPLET_RATIO, ()))
        return self._music.seconds(sounding_ticks(tick, self._band, self._even))


def wobble(line: Line, dice: Random) -> tuple[list[float], list[float]]:
    """Seconds late (negative: early) and velocities louder, for each note; notes of one stroke stay together.

    An autoregressive drift and noise about it: players drift apart and find together again.
    """
    drift = 0.0
    step = math.sqrt(1 - PERSISTENCE**2)
    late: list[float] = []
    louder: list[float] = []
    spread = NOISE_MS[line.role]
    last = -1
    stroke = weight = 0.0
    for cue in line.cues:
        if cue.onset != last:
            last = cue.onset
            drift = PERSISTENCE * drift + step * _normal(dice) * DRIFT_MS[line.role]
            stroke = drift + _normal(dice) * spread
            weight = _normal(dice) * NOISE_VELOCITY[line.role]
        late.append(stroke / 1000.0)
        louder.append(weight)
    return late, louder


def _normal(dice: Random) -> float:
    """A standard normal number within `WIDEST`."""
    return max(-WIDEST, min(WIDEST, dice.gauss(0.0, 1.0)))
