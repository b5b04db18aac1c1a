"""How loud each part is and where it sits: volumes, pans and reverb by role, program and SoundFont.

How loud each program of a SoundFont is was measured (`experiments/sound`) and stands in `mix.toml`; a mix gives every
part the volume that brings it to its role's place below the melody.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from rlcompose.arrange.arrangement import Line, Role

DEFAULT_FONT, USUAL_FONT = "TimGM6mb", "FluidR3_GM"
LOUDEST, SOFTEST = 127, 30  # MIDI volume
DECIBELS = 40.0  # of a tenfold MIDI volume: General MIDI 2 and FluidSynth take 40 log10
CENTRE = 64  # MIDI pan
USUAL_REVERB = 40  # MIDI's reverb send, of 127

# LU below a melody: what is struck may be softer than what is held, since its beginnings stick out; drums are many.
BELOW_MELODY = {
    Role.MELODY: 0.0,
    Role.BASS: 5.0,
    Role.CHORDS: 7.0,
    Role.VOICE: 5.0,
    Role.DRONE: 8.0,
    Role.DRUMS: 7.0,
}
# Where each part of a role sits, in the order of the parts: near the middle, so that a mono loudspeaker loses nothing.
PANS = {
    Role.MELODY: (CENTRE,),
    Role.BASS: (CENTRE,),
    Role.CHORDS: (46, 84),
    Role.VOICE: (52, 76, 60),
    Role.DRONE: (70,),
    Role.DRUMS: (72,),
}
REVERBS = {Role.BASS: 16, Role.DRUMS: 28}


@dataclass(frozen=True, slots=True)
class Level:
    """MIDI volume, pan and reverb send of a part."""

    volume: int
    pan: int
    reverb: int


@dataclass(frozen=True, slots=True)
class Mix:
    """The loudness of a SoundFont's programs in LUFS, by role: of a phrase at full volume as the role plays it."""

    font: str
    loudness: Mapping[Role, tuple[float, ...]]

    def level(self, line: Line, number: int) -> Level:
        """For a line, the `number`-th of its role in the band, from 0."""
        wanted = self.target - BELOW_MELODY[line.role]
        change = wanted - self.loudness[line.role][line.program]
        volume = round(LOUDEST * 10 ** (change / DECIBELS))
        pans = PANS[line.role]
        return Level(
            min(LOUDEST, max(SOFTEST, volume)),
            pans[number % len(pans)],
            REVERBS.get(line.role, USUAL_REVERB),
        )

    @property
    def target(self) -> float:
        """The melody's loudness in LUFS: what nine programs of ten can reach."""
        ordered = sorted(self.loudness[Role.MELODY])
        return ordered[len(ordered) // 10]


def mix_for(font: Path | None = None) -> Mix:
    """The mix for a SoundFont, by its file's name; one that was not measured is taken to be like FluidR3."""
    fonts = _measured()
    if font is None:
        return fonts[DEFAULT_FONT]
    return fonts.get(font.stem, fonts[USUAL_FONT])


@cache
def _measured() -> Mapping[str, Mix]:
    text = resources.files("rlcompose.arrange").joinpath("mix.toml").read_text(encoding="utf-8")
    return {
        font: Mix(font, {Role(role): tuple(values) for role, values in table.items()})
        for font, table in tomllib.loads(text).items()
    }
