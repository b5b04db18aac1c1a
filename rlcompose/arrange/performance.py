"""How a line sounds: written ticks become seconds, swung where the piece swings, and played as musicians play.

Each layer is a file: `timing.py`, `dynamics.py`, `articulation.py`, `ornaments.py`; `Playing` switches each off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rlcompose.arrange.arrangement import Arrangement, Line, Part, PlayedNote, Role
from rlcompose.arrange.articulation import gate
from rlcompose.arrange.dynamics import velocities
from rlcompose.arrange.mix import Mix
from rlcompose.arrange.ornaments import ornamented
from rlcompose.arrange.playing import Playing
from rlcompose.arrange.sheet import Sheet
from rlcompose.arrange.timing import Clock, wobble

CLOSEST_SECONDS = 0.005  # between two strokes
SHORTEST_SECONDS = 0.03  # of a note: a shorter one is a click
LOWEST_VELOCITY, HIGHEST_VELOCITY = 12, 127


def perform(lines: Sequence[Line], sheet: Sheet, family: str, playing: Playing, mix: Mix) -> Arrangement:
    """The lines as they sound; the notes of a line stay in the order in which they are written."""
    clock = Clock(sheet.music, family, playing)
    if playing.ornaments:
        lines = ornamented(lines, sheet, family)
    parts = []
    seats: Counter[Role] = Counter()
    for line in lines:
        notes = _played(line, sheet, family, playing, clock)
        level = mix.level(line, seats[line.role])
        seats[line.role] += 1
        parts.append(
            Part(line.name, line.role, line.program, line.channel, level.volume, level.pan, level.reverb, notes)
        )
    return Arrangement(tuple(parts), sheet.music)


def _played(line: Line, sheet: Sheet, family: str, playing: Playing, clock: Clock) -> tuple[PlayedNote, ...]:
    cues = line.cues
    loud = [float(cue.velocity) for cue in cues]
    if playing.dynamics:
        loud = velocities(line, sheet)
    starts = [clock.start(line.role, cue.onset) for cue in cues]
    ends = [clock.start(line.role, cue.end) for cue in cues]
    if playing.humanize:
        dice = sheet.dice(f"humanize {line.name}")
        late, louder = wobble(line, dice)
        starts = [max(0.0, start + each) for start, each in zip(starts, late, strict=True)]
        loud = [velocity + each for velocity, each in zip(loud, louder, strict=True)]
    # However early a stroke is, it comes after the one before it.
    for index in range(1, len(cues)):
        if cues[index].onset == cues[index - 1].onset:
            starts[index] = starts[index - 1]
        else:
            starts[index] = max(starts[index], starts[index - 1] + CLOSEST_SECONDS)
    if playing.articulation:
        ends = [
            max(end, start + SHORTEST_SECONDS)
            for start, end in zip(starts, gate(line, family, starts, ends), strict=True)
        ]
    limits = _next_of_its_pitch(line, starts)
    return tuple(
        PlayedNote(
            start,
            min(end, limit),
            cue.pitch,
            min(HIGHEST_VELOCITY, max(LOWEST_VELOCITY, round(velocity))),
        )
        for cue, start, end, limit, velocity in zip(cues, starts, ends, limits, loud, strict=True)
    )


def _next_of_its_pitch(line: Line, starts: Sequence[float]) -> list[float]:
    """When each note's pitch is struck again: until then it must have ended."""
    limits = [float("inf")] * len(line.cues)
    following: dict[int, float] = {}
    for index in range(len(line.cues) - 1, -1, -1):
        pitch = line.cues[index].pitch
        limits[index] = following.get(pitch, float("inf"))
        following[pitch] = starts[index]
    return limits
