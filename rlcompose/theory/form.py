"""The form of a chart: bars as they are written, with repeats and jumps, and the order in which they are played."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from rlcompose.errors import RlcomposeError
from rlcompose.theory.chord import Chord

Bar = tuple[Chord, ...]

MAX_PLAYED_BARS = 100_000  # far beyond any music; a chart that repeats longer is a mistake


@dataclass(frozen=True, slots=True)
class SectionPattern:
    """A part of the form: its letter, and the chords of each of its bars."""

    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Jump:
    """Back to the beginning (D.C.) or to the segno (D.S.).

    `until` says what is heeded after it: "fine", "coda", or "" for whichever comes; with `ending` this one is taken
    (D.C. al 2nd ending), and the piece ends with it, or at the Fine if there is one.
    """

    words: str
    to_segno: bool
    until: str = ""
    ending: int = 0


@dataclass(frozen=True, slots=True)
class WrittenBar:
    """A bar as it is written; `place` names it in messages.

    `section` is the mark that stands at it, `times` how often the repeat around it is played (0: as often as its
    endings say, or twice), `ending` the passes on which it is played (empty outside of endings). `segno` and `coda`
    stand at its beginning; `to_coda`, `fine` and `jump` at its end.
    """

    place: str
    chords: Bar
    section: str | None = None
    opens: bool = False
    closes: bool = False
    times: int = 0
    ending: tuple[int, ...] = ()
    segno: bool = False
    coda: bool = False
    to_coda: bool = False
    fine: bool = False
    jump: Jump | None = None


TIMES_IN_NAME = re.compile(r"\b(?:x ?\d+|\d+ ?x)\b", re.IGNORECASE)  # "Chorus x2" is no name of a section

DIRECTION = re.compile(
    r"(?:(?P<jump>D\.\s?[CS]\.?|D[CS]|Da\s+Capo|Dal\s+Segno)(?:\s+al\s+(?:(?P<until>Fine|Coda)|(?P<ending>\d)\w\w\s+End(?:ing|\.)?))?"
    r"|(?P<mark>To\s+Coda|Coda|Segno|Fine))",
    re.IGNORECASE,
)


def direction(found: re.Match[str]) -> dict[str, bool | Jump]:
    """What the words that `DIRECTION` found say, as a field of `WrittenBar`.

    >>> direction(DIRECTION.match("To Coda"))
    {'to_coda': True}
    """
    if found["jump"] is None:
        return {"_".join(found["mark"].lower().split()): True}
    until = (found["until"] or "").lower()
    return {"jump": Jump(found[0], "s" in found["jump"].lower(), until, int(found["ending"] or 0))}


def sections_as_played(bars: Sequence[WrittenBar]) -> tuple[SectionPattern, ...]:
    """The sections in playing order; what stands before the first mark belongs to section A, a coda to section Coda.

    A repeat from a section's beginning plays the section again, one from its middle lengthens it. After a D.C. or D.S.
    the repeats that were played are played once, with their last ending.
    """
    _check_jumps(bars)
    owners: list[int] = []  # the written section of each bar
    labels: list[str] = []
    for bar in bars:
        label = "Coda" if bar.section is None and bar.coda else bar.section
        if label is not None or not labels:
            labels.append(label if label is not None else "A")
        owners.append(len(labels) - 1)
    firsts = {owner: number for number, owner in reversed(list(enumerate(owners)))}
    played: list[tuple[str, list[Bar]]] = []
    previous = -1
    for count, number in enumerate(_order(bars, _repeats(bars))):
        if count == MAX_PLAYED_BARS:
            raise RlcomposeError(f"{bars[number].place}: the repeats make more than {MAX_PLAYED_BARS:,} bars")
        if number == firsts[owners[number]] or owners[number] != previous:
            played.append((labels[owners[number]], []))
        played[-1][1].append(bars[number].chords)
        previous = owners[number]
    return tuple(SectionPattern(label, tuple(section)) for label, section in played)


def lettered(bars: Sequence[WrittenBar], begins: AbstractSet[int]) -> list[WrittenBar]:
    """The bars with marks where double bar lines part sections, if they have none; equal sections share a letter."""
    starts = sorted({0} | {number for number in begins if number < len(bars) and not bars[number].ending})
    if any(bar.section is not None for bar in bars) or len(starts) == 1:
        return list(bars)
    letters: dict[tuple[Bar, ...], str] = {}
    marked = list(bars)
    for start, end in zip(starts, [*starts[1:], len(bars)], strict=True):
        content = tuple(bar.chords for bar in bars[start:end])
        letter = letters.setdefault(content, chr(ord("A") + len(letters) % 26))
        marked[start] = replace(bars[start], section=letter)
    return marked


def with_coda_signs(bars: Sequence[WrittenBar], signs: Sequence[tuple[int, bool]]) -> list[WrittenBar]:
    """The bars with what their coda signs (number of the bar, whether after its chords) mean.

    The last sign is where the coda begins, the first of several leads there; alone, the place of the D.C. or D.S. does.
    Where none of these stands, several signs mean a coda for the last chorus only: it is left out.
    """
    marked = list(bars)
    jump = next((number for number, bar in enumerate(bars) if bar.jump and bar.jump.until in ("", "coda")), None)
    if not signs:
        return marked
    coda, _ = signs[-1]
    if jump is None:
        return marked[:coda] if len(signs) > 1 and coda else marked
    if coda >= len(bars):
        raise RlcomposeError(f"{bars[jump].place}: the coda it leads to has no bars")
    leave = jump
    if len(signs) > 1:
        number, is_after = signs[0]
        leave = number if is_after else max(0, number - 1)
    if not any(bar.to_coda for bar in bars):
        marked[leave] = replace(marked[leave], to_coda=True)
    if not any(bar.coda for bar in bars):
        marked[coda] = replace(marked[coda], coda=True)
    return marked


@dataclass(frozen=True, slots=True)
class _Repeat:
    """A repeated stretch of bars, both ends included, with its endings."""

    first: int
    last: int
    passes: int
    endings: int

    def ending(self, taken: int) -> int:
        """The ending of a pass; where there are more passes than endings, the last but one is played more often."""
        highest = max(2, self.endings)
        return highest if taken == self.passes else min(taken, highest - 1)


def _repeats(bars: Sequence[WrittenBar]) -> list[_Repeat]:
    found: list[_Repeat] = []
    begin, opened, closed, times = 0, None, False, 0
    endings: list[int] = []
    for number, bar in enumerate(bars):
        following = bars[number + 1] if number + 1 < len(bars) else None
        if bar.opens:
            if opened is not None:
                raise RlcomposeError(f"{bar.place}: a repeat begins within a repeat: write one of the two out")
            opened = number
        before = bars[number - 1] if number else None
        if bar.ending and (before is None or before.closes or before.ending != bar.ending):
            endings += bar.ending
        closed, times = closed or bar.closes, max(times, bar.times)
        ends_ending = bool(bar.ending) and (following is None or following.ending != bar.ending)
        if not (bar.closes or ends_ending):
            continue
        goes_on = following is not None and bool(following.ending) and not following.opens
        if not bar.closes and (goes_on or not closed):
            raise RlcomposeError(f"{bar.place}: ending {bar.ending[0]} has no repeat sign at its end")
        if goes_on:
            continue
        highest = max(endings, default=0)
        if len(endings) != highest or sorted(endings) != list(range(1, highest + 1)):
            there = " and ".join(map(str, endings))
            raise RlcomposeError(f"{bar.place}: the repeat has the endings {there}: each from 1 up is needed once")
        if times and times < highest:
            raise RlcomposeError(f"{bar.place}: the repeat is played {times} times, but has {highest} endings")
        first = begin if opened is None else opened
        found.append(_Repeat(first, number, max(times or 2, highest), highest))
        begin, opened, closed, times, endings = number + 1, None, False, 0, []
    if opened is not None:
        raise RlcomposeError(f"{bars[opened].place}: the repeat that begins here has no end")
    return found


def _order(bars: Sequence[WrittenBar], repeats: Sequence[_Repeat]) -> Iterator[int]:
    """The numbers of the bars (from 0) as they are played."""
    within = {number: repeat for repeat in repeats for number in range(repeat.first, repeat.last + 1)}
    taken = dict.fromkeys(repeats, 1)
    jump: Jump | None = None
    number = 0
    while number < len(bars):
        bar, repeat = bars[number], within.get(number)
        if repeat and bar.ending:
            wanted = jump.ending if jump and jump.ending else repeat.ending(taken[repeat])
            if wanted not in bar.ending:
                number += 1
                continue
        yield number
        if jump and _ends(jump, bars, number):
            return
        if jump and bar.to_coda and jump.until in ("", "coda"):
            number = next(place for place, other in enumerate(bars) if other.coda)
            jump = Jump(jump.words, jump.to_segno, "end")
        elif repeat and bar.closes and taken[repeat] < repeat.passes:
            taken[repeat] += 1
            number = repeat.first
        elif bar.jump and not jump:
            jump = bar.jump
            number = next((place for place, other in enumerate(bars) if other.segno), 0) if jump.to_segno else 0
        else:
            number += 1


def _ends(jump: Jump, bars: Sequence[WrittenBar], number: int) -> bool:
    """Whether the piece, after this jump, ends with this bar."""
    if jump.ending in bars[number].ending and not any(bar.fine for bar in bars):
        return number + 1 == len(bars) or bars[number + 1].ending != bars[number].ending
    return bars[number].fine and jump.until in ("", "fine")


def _check_jumps(bars: Sequence[WrittenBar]) -> None:
    """Every jump needs its goal, and every sign a jump that heeds it; nothing is passed over in silence."""
    jumps = [bar for bar in bars if bar.jump]
    if len(jumps) > 1:
        raise RlcomposeError(f"{jumps[1].place}: a chart has one D.C. or D.S., and another stands at {jumps[0].place}")
    if not jumps:
        for bar in bars:
            for sign, has in (("Segno", bar.segno), ("To Coda", bar.to_coda), ("Fine", bar.fine)):
                if has:
                    raise RlcomposeError(f"{bar.place}: {sign} needs a D.C. or D.S. that leads to it")
        return
    codas = [bar for bar in bars if bar.coda]
    if len(codas) > 1:
        raise RlcomposeError(f"{codas[1].place}: a chart has one coda, and another begins at {codas[0].place}")
    jump, place = jumps[0].jump, jumps[0].place
    assert jump is not None
    needed = {
        "a Segno": jump.to_segno and not any(bar.segno for bar in bars),
        "a Fine": jump.until == "fine" and not any(bar.fine for bar in bars),
        "a To Coda": jump.until == "coda" and not any(bar.to_coda for bar in bars),
        "a Coda": (jump.until == "coda" or any(bar.to_coda for bar in bars)) and not codas,
        f"an ending {jump.ending}": bool(jump.ending) and not any(jump.ending in bar.ending for bar in bars),
    }
    for what, is_missing in needed.items():
        if is_missing:
            raise RlcomposeError(f"{place}: {jump.words} needs {what}, and the chart has none")
