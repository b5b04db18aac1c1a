"""How loud each note is: phrases that grow and fade, lines that rise, strong beats, ghosts and accents of jazz."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rlcompose.arrange.arrangement import Cue, Line, Role
from rlcompose.arrange.sheet import Sheet
from rlcompose.swing import BEAT_TICKS, OFFBEAT

ACCENTS = (-3, 1, 3, 7)  # by the metre's strength of the place
ARC = 7.0  # how much louder the middle of a phrase is than its ends, half above and half below
SLOPE, STEEPEST = 0.7, 7.0  # velocity a semitone above the phrase's mean: higher notes are played louder
GHOST = -22.0  # a low off-beat eighth between two higher notes is swallowed
OFF_BEAT_ACCENT = 5.0  # an off-beat eighth that a lower note follows leads the line
PHRASE_REST = 12  # ticks of silence that part two phrases
PHRASE_END = 30  # ticks of a note on which a phrase comes to rest: longer than a half note


def velocities(line: Line, sheet: Sheet) -> list[float]:
    """The velocity of each note of a line; drums are as their pattern says."""
    if line.role is Role.DRUMS:
        return [float(cue.velocity) for cue in line.cues]
    strengths = sheet.meter
    loud = [
        cue.velocity + (0 if line.role is Role.DRONE else ACCENTS[strengths.strength(cue.onset)]) for cue in line.cues
    ]
    if line.role not in (Role.MELODY, Role.VOICE):
        return [float(velocity) for velocity in loud]
    shaded = [float(velocity) for velocity in loud]
    for first, end in _phrases(line.cues):
        phrase = line.cues[first:end]
        middle = sum(cue.pitch * cue.ticks for cue in phrase) / sum(cue.ticks for cue in phrase)
        begin, length = phrase[0].onset, phrase[-1].end - phrase[0].onset
        for index in range(first, end):
            cue = line.cues[index]
            place = (cue.onset - begin) / length
            shaded[index] += ARC * (math.sin(math.pi * place) - 0.5)
            shaded[index] += max(-STEEPEST, min(STEEPEST, SLOPE * (cue.pitch - middle)))
        if line.role is Role.MELODY and sheet.music.swing:
            for index, change in _jazz_accents(phrase):
                shaded[first + index] += change
    return shaded


def _phrases(cues: Sequence[Cue]) -> Iterator[tuple[int, int]]:
    """First and end index of the stretches between rests and long notes."""
    first = 0
    for index in range(1, len(cues) + 1):
        before = cues[index - 1]
        if index == len(cues) or cues[index].onset - before.end >= PHRASE_REST or before.ticks >= PHRASE_END:
            if index > first:
                yield first, index
            first = index


def _jazz_accents(phrase: Sequence[Cue]) -> Iterator[tuple[int, float]]:
    """Changes for the off-beat eighths of a line that runs on."""
    for index in range(1, len(phrase) - 1):
        before, cue, after = phrase[index - 1 : index + 2]
        runs = (
            cue.ticks == OFFBEAT
            and cue.onset % BEAT_TICKS == OFFBEAT
            and before.end == cue.onset
            and cue.end == after.onset
        )
        if not runs:
            continue
        if cue.pitch < before.pitch and cue.pitch < after.pitch:
            yield index, GHOST
        elif cue.pitch > after.pitch:
            yield index, OFF_BEAT_ACCENT
