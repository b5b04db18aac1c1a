"""How a piece is to be played: the groove, what stands around the piece, and what musicians do beyond the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rlcompose.errors import RlcomposeError, unknown

# What musicians do beyond the page: each can be left out.
LIBERTIES = {
    "swing": "pairs of eighths long and short",
    "laid-back": "a soloist behind the beat",
    "dynamics": "phrases that grow and fade",
    "articulation": "notes slurred, detached and short",
    "ornaments": "grace notes of fiddle and flute",
    "humanize": "players a little early or late",
}
MOST_COUNT_IN, MOST_INTRO = 4, 32  # bars


@dataclass(frozen=True, slots=True)
class Playing:
    """What the band is asked for; the defaults are what a band would do.

    seed          other seeds give other basslines, voicings, fills and timing; the same one the same bytes
    groove        the name of a groove (`groove_names`); None takes the one for the style, the metre and the tempo
    melody_only   nobody accompanies
    count_in      bars of clicks before the piece
    intro         bars that the band plays before the melody enters
    ending        whether the band ends together after the last bar, on a last chord that rings
    swing         whether what is to be swung is swung; without it all is played as it is written
    laid_back     whether a swinging soloist lies behind the beat
    dynamics      whether phrases grow and fade and strong beats weigh more
    articulation  whether notes are slurred, detached and ghosted as the style does
    ornaments     whether a fiddle plays grace notes and rolls, and a flute its own
    humanize      whether players are a little early or late, louder or softer
    """

    seed: int = 0
    groove: str | None = None
    melody_only: bool = False
    count_in: int = 0
    intro: int = 0
    ending: bool = True
    swing: bool = True
    laid_back: bool = True
    dynamics: bool = True
    articulation: bool = True
    ornaments: bool = True
    humanize: bool = True

    def __post_init__(self) -> None:
        for name, most in (("count_in", MOST_COUNT_IN), ("intro", MOST_INTRO)):
            bars = getattr(self, name)
            if not 0 <= bars <= most:
                raise RlcomposeError(f"{name} = {bars}: allowed are 0 to {most} bars")

    def without(self, names: Sequence[str]) -> Playing:
        """The same with some of `LIBERTIES` left out.

        >>> USUAL.without(["laid-back"]).laid_back
        False
        """
        for name in names:
            if name not in LIBERTIES:
                raise unknown("liberty of players", name, LIBERTIES)
        left_out: dict[str, Any] = {name.replace("-", "_"): False for name in names}
        return replace(self, **left_out)

    def as_written(self) -> Playing:
        """The same band and bars around the piece, and every note as it stands on the page, on the straight grid."""
        return self.without(tuple(LIBERTIES))


USUAL = Playing()
# Every note as it stands on the page, on the straight grid, and nothing around it.
AS_WRITTEN = Playing(ending=False).as_written()
