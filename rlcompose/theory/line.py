"""A melody written in one line: pitches and rests with their lengths, as tests and second voices are given."""

from __future__ import annotations

import re

from rlcompose.errors import RlcomposeError
from rlcompose.theory.meter import TICKS_PER_QUARTER
from rlcompose.theory.pitch import parse_pitch

_TOKEN = re.compile(r"(?P<pitch>[A-G](?:##|#|bb|b|)-?\d+|-)(?::(?P<ticks>\d+))?")


def parse_line(text: str) -> tuple[tuple[int | None, int], ...]:
    """The MIDI pitch (None for a rest) and the ticks of each event: a pitch or `-`, a quarter note or `:ticks` long.

    >>> parse_line("C4 - Bb3:6")
    ((60, 12), (None, 12), (58, 6))
    """
    events: list[tuple[int | None, int]] = []
    for token in text.split():
        found = _TOKEN.fullmatch(token)
        if found is None:
            raise RlcomposeError(f"{token!r} is no note: write a pitch or '-', then :ticks if you like, as in 'Bb3:6'")
        ticks = int(found["ticks"] or TICKS_PER_QUARTER)
        if ticks < 1:
            raise RlcomposeError(f"{token!r} has no length: allowed are 1 and more ticks")
        events.append((None if found["pitch"] == "-" else parse_pitch(found["pitch"]), ticks))
    return tuple(events)
