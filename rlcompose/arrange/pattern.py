"""Patterns as they stand in groove files: a string is a bar or several, a character a step of it."""

from __future__ import annotations

from dataclasses import dataclass

from rlcompose.errors import RlcomposeError
from rlcompose.theory.meter import Meter

SILENT, HELD, BAR_LINE = ".", "-", "|"


@dataclass(frozen=True, slots=True)
class Hit:
    """One stroke of a pattern: where it begins, how long it is held, in ticks, and its character in the pattern."""

    onset: int
    ticks: int
    symbol: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """Strokes over one or more bars."""

    bars: int
    bar_ticks: int
    hits: tuple[Hit, ...]

    def in_bar(self, bar: int) -> tuple[Hit, ...]:
        """The strokes that begin in bar `bar` of a pattern that is played over and over; onsets count from that bar."""
        first = bar % self.bars * self.bar_ticks
        return tuple(
            Hit(hit.onset - first, hit.ticks, hit.symbol)
            for hit in self.hits
            if first <= hit.onset < first + self.bar_ticks
        )

    def only(self, symbols: str) -> Pattern:
        """The pattern with nothing but these strokes."""
        return Pattern(self.bars, self.bar_ticks, tuple(hit for hit in self.hits if hit.symbol in symbols))


def parse_pattern(text: str, meter: Meter, symbols: str) -> Pattern:
    """The pattern of a text such as "x--.x-.." or "1-----5-----|1--5--8--5--".

    Bars are parted by "|"; the characters of a bar are equal shares of it, so that 8 in a bar of 4/4 are eighths and 12
    are triplets. "." is silence, "-" holds the stroke before it on, each of `symbols` begins a stroke. Blanks are for
    the eye.

    >>> [(hit.onset, hit.ticks, hit.symbol) for hit in parse_pattern("x-.X ....", Meter(4, 4), "xX").hits]
    [(0, 12, 'x'), (18, 6, 'X')]

    Raises:
        RlcomposeError: A character is none of these, a bar cannot be cut into so many equal ticks, or a hold has
            nothing to hold.
    """
    hits: list[Hit] = []
    bars = "".join(text.split()).split(BAR_LINE)
    for number, bar in enumerate(bars):
        if not bar or meter.bar_ticks % len(bar):
            allowed = [count for count in range(1, meter.bar_ticks + 1) if meter.bar_ticks % count == 0]
            raise RlcomposeError(
                f"pattern {text!r} has {len(bar)} steps in bar {number + 1}: allowed in {meter.name} are "
                f"{', '.join(map(str, allowed))}"
            )
        step = meter.bar_ticks // len(bar)
        for place, symbol in enumerate(bar):
            onset = number * meter.bar_ticks + place * step
            if symbol == HELD:
                if not hits or hits[-1].onset + hits[-1].ticks != onset:
                    raise RlcomposeError(f"pattern {text!r} holds nothing at step {place + 1} of bar {number + 1}")
                hits[-1] = Hit(hits[-1].onset, hits[-1].ticks + step, hits[-1].symbol)
            elif symbol in symbols:
                hits.append(Hit(onset, step, symbol))
            elif symbol != SILENT:
                allowed_symbols = " ".join([*symbols, HELD, SILENT])
                raise RlcomposeError(f"pattern {text!r} has {symbol!r}: allowed are {allowed_symbols}")
    return Pattern(len(bars), meter.bar_ticks, tuple(hits))
