"""How loud each part is and where it sits: volumes and pans by role, program and SoundFont."""

from __future__ import annotations

from rlcompose.arrange.arrangement import Line, Role

USUAL_VOLUME, FULL_VOLUME = 100, 127  # MIDI volume; 4 LU apart
CENTRE, LEFT_OF_CENTRE = 64, 46  # MIDI pan
# Pianos, mallets, guitars and banjos die away after the stroke, and so are about 5 LU softer than winds and strings.
DYING_PROGRAMS = frozenset({*range(16), *range(24, 32), *range(104, 109)})


def level_of(line: Line) -> int:
    """The MIDI volume of a line."""
    return FULL_VOLUME if line.role is Role.MELODY and line.program in DYING_PROGRAMS else USUAL_VOLUME


def pan_of(line: Line) -> int:
    """The MIDI pan of a line."""
    return LEFT_OF_CENTRE if line.role is Role.CHORDS else CENTRE
