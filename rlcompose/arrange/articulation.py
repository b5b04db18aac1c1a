"""How long each note is held, as the style does: slurred, detached, short before a rest, ringing on."""

from __future__ import annotations

from collections.abc import Sequence

from rlcompose.arrange.arrangement import Cue, Line, Role
from rlcompose.arrange.timing import JAZZ
from rlcompose.swing import BEAT_TICKS, OFFBEAT

BREATH_SECONDS = 0.012  # between two slurred notes: a tongue, a bow that turns
REPEAT_SECONDS = 0.045  # before the same pitch comes again, so that it is heard as a new note
DETACHED = 0.88  # share of its length that a bowed or sung note has in a style of single strokes
SHORT = 0.5  # an off-beat quarter before a rest: "dit" after "doo"
FADE_BEFORE_REST = 0.93  # the last note of a phrase
LEGATO_FAMILIES = frozenset({"chorale", "renaissance"})
DETACHED_FAMILIES = frozenset({"fiddle", "german_folk"})


def gate(line: Line, family: str, starts: Sequence[float], ends: Sequence[float]) -> list[float]:
    """When each note ends, in seconds, from when it starts and would end as written."""
    if line.role in (Role.DRUMS, Role.DRONE):
        return list(ends)
    held = []
    cues = line.cues
    for cue, after, start, end in zip(cues, _next_strokes(cues), starts, ends, strict=True):
        if line.role is Role.CHORDS or after is None:
            held.append(end)
            continue
        joined = after.onset <= cue.end
        length = end - start
        if joined and after.pitch == cue.pitch:
            end = max(start + length / 2, end - REPEAT_SECONDS)
        elif line.role is Role.MELODY and family not in LEGATO_FAMILIES:
            end = start + length * _share(cue.onset, cue.ticks, joined, family)
            end = end - BREATH_SECONDS if joined else end
        elif joined:
            end -= BREATH_SECONDS
        held.append(end)
    return held


def _next_strokes(cues: Sequence[Cue]) -> list[Cue | None]:
    """For each note the first that begins later."""
    found: list[Cue | None] = [None] * len(cues)
    for index in range(len(cues) - 2, -1, -1):
        after = cues[index + 1]
        found[index] = after if after.onset > cues[index].onset else found[index + 1]
    return found


def _share(onset: int, ticks: int, joined: bool, family: str) -> float:
    """The share of its written length that a melody's note sounds."""
    if family in DETACHED_FAMILIES:
        return DETACHED if ticks <= BEAT_TICKS else FADE_BEFORE_REST
    if family != JAZZ:
        return 1.0 if joined else FADE_BEFORE_REST
    if not joined and onset % BEAT_TICKS == OFFBEAT and ticks <= BEAT_TICKS:
        return SHORT
    if joined and ticks == BEAT_TICKS and onset % BEAT_TICKS == 0:
        return DETACHED
    return 1.0 if joined else FADE_BEFORE_REST
