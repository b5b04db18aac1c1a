"""Patterns over the piece: which one each bar has, and over which chord each of its strokes falls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from rlcompose.arrange.pattern import Hit, Pattern, parse_pattern
from rlcompose.arrange.sheet import Sheet


def drawn_patterns(sheet: Sheet, patterns: Sequence[str], symbols: str, dice: Random) -> list[Pattern]:
    """The pattern of each bar: drawn anew every two bars, or as often as the longest pattern has bars.

    The first is drawn as often as all others together. Without patterns no bar has one.
    """
    if not patterns:
        return []
    parsed = [parse_pattern(text, sheet.meter, symbols) for text in patterns]
    span = max(2, *(pattern.bars for pattern in parsed))
    weights = [max(1, len(parsed) - 1), *[1] * (len(parsed) - 1)]
    drawn: list[Pattern] = []
    while len(drawn) <= sheet.music.bars:
        drawn += dice.choices(parsed, weights) * span
    return drawn


def strokes(sheet: Sheet, drawn: Sequence[Pattern]) -> Iterator[tuple[Hit, int]]:
    """Every stroke before the last chord, with its onset from the start of the sheet, and a place in `sheet.pieces`.

    The place is that of the chord that sounds at the onset, or where none does of the next one.
    """
    pieces = sheet.pieces
    if not pieces:
        return
    bar_ticks = sheet.meter.bar_ticks
    last = pieces[-1].onset
    place = 0
    for bar, pattern in zip(range(last // bar_ticks + 1), drawn, strict=False):
        for hit in pattern.in_bar(bar):
            onset = bar * bar_ticks + hit.onset
            if onset >= last:
                return
            while pieces[place].end <= onset:
                place += 1
            yield Hit(onset, hit.ticks, hit.symbol), place
