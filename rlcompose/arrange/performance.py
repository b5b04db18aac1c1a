"""How a line sounds: written ticks become seconds, swung where the piece swings, and shaded as musicians shade."""

from __future__ import annotations

from collections.abc import Sequence

from rlcompose.arrange.arrangement import Arrangement, Line, Part, PlayedNote
from rlcompose.arrange.mix import level_of, pan_of
from rlcompose.arrange.playing import Playing
from rlcompose.arrange.sheet import Sheet
from rlcompose.swing import BEAT_TICKS, even_beats, sounding_ticks, swing_ratio


def perform(lines: Sequence[Line], sheet: Sheet, playing: Playing) -> Arrangement:
    """The lines as they sound."""
    music = sheet.music
    is_swung = playing.swing and music.swing and music.meter.beat_ticks == BEAT_TICKS
    even = even_beats(music.notes)
    ratio = swing_ratio(music.tempo)

    def seconds(tick: int) -> float:
        return music.seconds(sounding_ticks(tick, ratio, even) if is_swung else tick)

    return Arrangement(
        tuple(
            Part(
                line.name,
                line.role,
                line.program,
                line.channel,
                level_of(line),
                pan_of(line),
                tuple(PlayedNote(seconds(c.onset), seconds(c.end), c.pitch, c.velocity) for c in line.cues),
            )
            for line in lines
        ),
        music.seconds(),
    )
