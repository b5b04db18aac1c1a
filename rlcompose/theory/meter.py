"""Metres in ticks: how long a bar and a beat are, and how much weight each place in the bar has."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rlcompose.errors import RlcomposeError

TICKS_PER_QUARTER = 12  # the smallest number that holds straight sixteenths (3) and sixteenth triplets (2)

_TICKS_OF_DENOMINATOR = {2: 2 * TICKS_PER_QUARTER, 4: TICKS_PER_QUARTER, 8: TICKS_PER_QUARTER // 2}
_LARGEST_NUMERATOR = 16
_NAME = re.compile(r"\s*(\d+)\s*/\s*(\d+)\s*")
_ALLOWED = f"1 to {_LARGEST_NUMERATOR} over 2, 4 or 8, for example '4/4' or '6/8'"


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature.

    >>> Meter(6, 8).bar_ticks, Meter(6, 8).beat_ticks, Meter(6, 8).num_beats
    (36, 18, 2)
    """

    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        if self.denominator not in _TICKS_OF_DENOMINATOR or not 1 <= self.numerator <= _LARGEST_NUMERATOR:
            raise RlcomposeError(f"metre {self.name!r} is not known: allowed are {_ALLOWED}")

    @classmethod
    def parse(cls, name: str) -> Meter:
        """The metre with this name, as in "6/8"."""
        found = _NAME.fullmatch(name)
        if not found:
            raise RlcomposeError(f"{name!r} is not a metre: allowed are {_ALLOWED}")
        return cls(int(found[1]), int(found[2]))

    @property
    def name(self) -> str:
        """The metre as it is written: "6/8"."""
        return f"{self.numerator}/{self.denominator}"

    @property
    def bar_ticks(self) -> int:
        """Length of a bar in ticks."""
        return self.numerator * _TICKS_OF_DENOMINATOR[self.denominator]

    @property
    def beat_ticks(self) -> int:
        """Length of a beat in ticks; in compound metres (6/8, 9/8, 12/8) the beat is the dotted quarter."""
        unit = _TICKS_OF_DENOMINATOR[self.denominator]
        is_compound = self.denominator == 8 and self.numerator % 3 == 0 and self.numerator > 3
        return 3 * unit if is_compound else unit

    @property
    def num_beats(self) -> int:
        """Beats in a bar."""
        return self.bar_ticks // self.beat_ticks

    def strength(self, tick_in_bar: int) -> int:
        """Metrical weight: 3 on the downbeat, 2 on the strong beat at half the bar, 1 on other beats, 0 between beats.

        Bars with an even number of beats have a strong beat in the middle, except 2/4 and 2/8: their second is weak.
        Ticks beyond the bar count on into the next one.
        """
        tick = tick_in_bar % self.bar_ticks
        if tick == 0:
            return 3
        if tick % self.beat_ticks:
            return 0
        has_middle = self.num_beats >= 4 or self.beat_ticks > TICKS_PER_QUARTER
        return 2 if has_middle and 2 * tick == self.bar_ticks else 1


METERS = tuple(
    Meter(beats, unit) for unit in sorted(_TICKS_OF_DENOMINATOR) for beats in range(1, _LARGEST_NUMERATOR + 1)
)
