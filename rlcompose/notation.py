"""A composition as it is written down: bars of notes and rests with values, dots, ties, tuplets and beams.

Any tick can be written. What lies on sixteenths needs no tuplet; any other place lies on a thirty-second of a triplet.
A tuplet stands over as few values and as short a time as will do: half a beat, a beat, or two beats of a bar in halves;
where the eighth is the metre's unit, an eighth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, pairwise

from rlcompose.score import ChordSpan, Composition
from rlcompose.theory.chord import Chord
from rlcompose.theory.meter import TICKS_PER_QUARTER, Meter
from rlcompose.theory.spelling import spell_chords, spell_melody, spelled_symbols

# Lengths as they look, in 24ths of a quarter note: a triplet's eighth is 4 ticks and looks like 12.
LOOKS_PER_QUARTER = 24
VALUES = {192: "breve", 96: "whole", 48: "half", 24: "quarter", 12: "eighth", 6: "16th", 3: "32nd"}
_BEAMS = {"eighth": 1, "16th": 2, "32nd": 3}
_LOOKS = frozenset(VALUES) | {3 * look // 2 for look in VALUES if look > 3}
_SIXTEENTH, _EIGHTH = 3, 6


@dataclass(frozen=True, slots=True)
class Tuplet:
    """`actual` notes in the time of `normal` ones of the type `unit`, from tick `onset` to tick `end`."""

    onset: int
    end: int
    actual: int
    normal: int
    unit: str


@dataclass(frozen=True, slots=True)
class Value:
    """One written note, or a rest (`note` is None); a long or awkward one is several values with ties between.

    `note` counts in the composition's notes, `looks` is the written length in 24ths of a quarter note, `beams` says for
    each beam, the outermost first, "begin", "continue", "end", "forward hook" or "backward hook".
    """

    onset: int
    ticks: int
    note: int | None
    looks: int
    tuplet: Tuplet | None
    tied_from: bool
    tied_to: bool
    beams: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        """The first tick after it."""
        return self.onset + self.ticks

    @property
    def type(self) -> str:
        """Its value without the dot: "quarter"; a bar's rest that no value fills is a whole rest."""
        return VALUES.get(self.looks) or VALUES.get(self.looks * 2 // 3, "whole")

    @property
    def is_dotted(self) -> bool:
        """Whether it has a dot; none has two."""
        return self.looks not in VALUES and self.looks in _LOOKS


@dataclass(frozen=True, slots=True)
class Measure:
    """A bar: its number as printed (0 for an upbeat), its place in the composition from 0, and what it holds."""

    number: int
    index: int
    onset: int
    values: tuple[Value, ...]

    @property
    def is_rest(self) -> bool:
        """Whether it is one rest from line to line."""
        return self.number > 0 and len(self.values) == 1 and self.values[0].note is None


def written_bars(composition: Composition, cuts: Iterable[int] = ()) -> list[Measure]:
    """The bars of a composition; at the ticks in `cuts` a note is written as two, tied, and a rest as two."""
    length = composition.meter.bar_ticks
    parts: list[list[_Part]] = [[] for _ in range(composition.bars)]
    position = length - composition.pickup if composition.pickup else 0
    for number, note in enumerate(composition.notes):
        _lay(parts, position, note.onset, None, length)
        _lay(parts, note.onset, note.end, number, length)
        position = note.end
    _lay(parts, position, composition.total_ticks, None, length)
    inside: list[set[int]] = [set() for _ in parts]
    for cut in cuts:
        if cut < composition.total_ticks:
            inside[cut // length].add(cut % length)
    first = 0 if composition.pickup else 1
    return [
        Measure(first + index, index, index * length + here[0][0], _write(here, inside[index], index, composition))
        for index, here in enumerate(parts)
    ]


def chord_symbols(composition: Composition) -> list[str]:
    """The symbol of every chord span, spelled in the key and by what follows."""
    return spelled_symbols([span.chord for span in composition.chords], composition.key)


def note_places(composition: Composition) -> list[int]:
    """The spelling of every note, as places on the line of fifths."""
    return spell_melody([note.pitch for note in composition.notes], chords_below(composition), composition.key)


def chords_below(composition: Composition) -> list[tuple[Chord, int] | None]:
    """For every note the chord it begins over, with the place of its root."""
    spans = composition.chords
    places = spell_chords([span.chord for span in spans], composition.key)
    below: list[tuple[Chord, int] | None] = []
    at = 0
    for note in composition.notes:
        while at < len(spans) and spans[at].end <= note.onset:
            at += 1
        place = places[at] if at < len(spans) and spans[at].onset <= note.onset else None
        below.append(None if place is None else (spans[at].chord, place[0]))
    return below


def chords_in(bar: Measure, composition: Composition) -> list[tuple[int, ChordSpan]]:
    """The chords that begin in a bar, with their number; before an upbeat the one that holds there begins with it."""
    end = (bar.index + 1) * composition.meter.bar_ticks
    return [
        (number, span)
        for number, span in enumerate(composition.chords)
        if bar.onset <= span.onset < end or (bar.number == 0 and span.onset < bar.onset < span.end)
    ]


def metronome(composition: Composition) -> tuple[int, int]:
    """The tempo as it is written: the ticks of a beat and beats a minute; quarter notes where these are not whole."""
    ticks, quarters = composition.meter.beat_ticks, composition.tempo * TICKS_PER_QUARTER
    if ticks > TICKS_PER_QUARTER and quarters % ticks == 0:
        return ticks, quarters // ticks
    return TICKS_PER_QUARTER, composition.tempo


# --- from ticks to values ---------------------------------------------------------------------------------------------


_Part = tuple[int, int, int | None]  # a note or rest within a bar: from and to in ticks of the bar, number of the note


def _lay(parts: list[list[_Part]], start: int, end: int, note: int | None, length: int) -> None:
    """Put a note or rest into the bars over which it lasts."""
    while start < end:
        bar, within = divmod(start, length)
        ticks = min(end - start, length - within)
        parts[bar].append((within, within + ticks, note))
        start += ticks


def _write(parts: Sequence[_Part], cuts: set[int], index: int, composition: Composition) -> tuple[Value, ...]:
    meter, origin = composition.meter, index * composition.meter.bar_ticks
    if parts[0] == (0, meter.bar_ticks, None) and not cuts - {0}:
        return (Value(origin, meter.bar_ticks, None, 2 * meter.bar_ticks, None, False, False),)
    edges = tuple(sorted(cuts.union(*(part[:2] for part in parts))))
    tuplets = _tuplets_of_bar(edges, meter)
    edges_of_all = sorted({*edges, *(tick for t in tuplets for tick in (t.onset, t.end))})
    values = []
    for start, end, note in parts:
        sounding = None if note is None else composition.notes[note]
        for first, last in pairwise(edge for edge in edges_of_all if start <= edge <= end):
            tuplet = next((t for t in tuplets if t.onset <= first < t.end), None)
            if tuplet:
                ticks = _split_tuplet(first - tuplet.onset, last - tuplet.onset, tuplet.end - tuplet.onset)
                bracket = replace(tuplet, onset=origin + tuplet.onset, end=origin + tuplet.end)
            else:
                ticks, bracket = _split_straight(first, last, meter, note is None), None
            at = origin + first
            for length in ticks:
                looks = length * (3 if tuplet else 2)
                from_before = sounding is not None and at > sounding.onset
                goes_on = sounding is not None and at + length < sounding.end
                values.append(Value(at, length, note, looks, bracket, from_before, goes_on))
                at += length
    return _beamed(values, origin, meter)


@lru_cache(maxsize=4096)
def _tuplets_of_bar(edges: tuple[int, ...], meter: Meter) -> tuple[Tuplet, ...]:
    """The tuplets that a bar needs for notes that begin and end at these ticks."""
    tuplets: list[Tuplet] = []
    start = 0
    while start < meter.bar_ticks:
        if meter.denominator == 8:
            size = _EIGHTH
        else:
            is_half = _has_halves(meter) and start % (2 * TICKS_PER_QUARTER) == 0
            size = 2 * TICKS_PER_QUARTER if is_half else TICKS_PER_QUARTER
        tuplets += _tuplets(start, size, edges)[1]
        start += size
    return tuple(tuplets)


def _tuplets(start: int, size: int, edges: Sequence[int]) -> tuple[int, list[Tuplet]]:
    """How many values a stretch takes, and its tuplets: as few values as will do, then few tuplets, then short ones."""
    inside = [edge - start for edge in edges if start < edge < start + size]
    pieces = list(pairwise((0, *inside, size)))
    if all(edge % _SIXTEENTH == 0 for edge in inside):
        return len(pieces), []
    is_sextuplet = size == TICKS_PER_QUARTER and len(inside) > 3 and all(edge % 2 == 0 for edge in inside)
    unit = {24: "quarter", 12: "eighth", 6: "16th"}[size]
    tuplet = Tuplet(start, start + size, *((6, 4, "16th") if is_sextuplet else (3, 2, unit)))
    whole = sum(len(_split_tuplet(first, last, size)) for first, last in pieces), [tuplet]
    if size == _EIGHTH:
        return whole
    halves = [_tuplets(start + at, size // 2, edges) for at in (0, size // 2)]
    parted = sum(count for count, _ in halves), [each for _, those in halves for each in those]
    if size > TICKS_PER_QUARTER:  # over two beats only where it spares a tie, and of nothing shorter than eighths
        return whole if whole[0] < parted[0] and all(edge % 4 == 0 for edge in inside) else parted
    return min((parted, whole), key=lambda way: (way[0], len(way[1])))


@lru_cache(maxsize=4096)
def _split_tuplet(start: int, end: int, size: int) -> tuple[int, ...]:
    """The values of a note between two ticks of a tuplet, rather parted at its thirds than elsewhere."""
    grids = (size // 3, size // 6) if size > _EIGHTH else (2,)
    return _fewest(start, end, 3, lambda a, b: True, grids)


@lru_cache(maxsize=65536)
def _split_straight(start: int, end: int, meter: Meter, is_rest: bool) -> tuple[int, ...]:
    """The values of a note between two sixteenths of a bar, such that one still sees where the beats are."""
    levels = _levels(meter)
    is_compound = meter.beat_ticks == 18

    def shows_beats(a: int, b: int) -> bool:
        is_dotted = 2 * (b - a) not in VALUES
        if is_rest and is_dotted and not is_compound:
            return False
        return all(
            # What hides a beat begins and ends at its half; a long one has an end on it, and a rest begins there.
            a % finer == b % finer == 0
            and (b - a <= grid or a % grid == 0 or b % grid == 0)
            and (not is_rest or a % grid == 0)
            for grid, finer in levels
            if a // grid != (b - 1) // grid
        )

    return _fewest(start, end, 2, shows_beats, tuple(grid for grid, _ in levels))


def _fewest(
    start: int, end: int, looks_a_tick: int, is_allowed: Callable[[int, int], bool], grids: tuple[int, ...]
) -> tuple[int, ...]:
    """The fewest values that fill a time; of as few, those that part at the heaviest places, long ones first."""
    best: dict[int, tuple[int, int, tuple[int, ...]]] = {end: (0, 0, ())}
    for a in range(end - 1, start - 1, -1):
        weight = sum(a % grid == 0 for grid in grids)
        ways = [
            (best[b][0] + 1, best[b][1] - weight, (b - a, *best[b][2]))
            for b in range(a + 1, end + 1)
            if b in best and looks_a_tick * (b - a) in _LOOKS and is_allowed(a, b)
        ]
        if ways:
            best[a] = min(ways, key=lambda way: (*way[:2], [-ticks for ticks in way[2]]))
    return best[start][2]


def _has_halves(meter: Meter) -> bool:
    """Whether two quarter notes are a unit of a bar of quarters or halves, as in 4/4."""
    return meter.denominator == 2 or meter.numerator in (2, 4, 8, 16)


def _levels(meter: Meter) -> tuple[tuple[int, int], ...]:
    """The grids of a bar, the coarsest first, and on which places one begins and ends that crosses a place of it."""
    if meter.denominator == 8:
        beat = ((meter.beat_ticks, meter.beat_ticks),) if meter.beat_ticks > _EIGHTH else ()
        return (*beat, (_EIGHTH, _SIXTEENTH))
    quarters = ((TICKS_PER_QUARTER, _EIGHTH), (_EIGHTH, _SIXTEENTH))
    return ((2 * TICKS_PER_QUARTER, TICKS_PER_QUARTER), *quarters) if _has_halves(meter) else quarters


# --- beams ------------------------------------------------------------------------------------------------------------


def _beamed(values: Sequence[Value], origin: int, meter: Meter) -> tuple[Value, ...]:
    """The values with beams over what lies in one beat; three eighths where they are a beat or a bar."""
    window = 18 if meter.denominator == 8 and meter.numerator % 3 == 0 else TICKS_PER_QUARTER

    def group(value: Value) -> tuple[object, ...]:
        if value.note is None or value.type not in _BEAMS:
            return ("alone", value.onset)
        return ("beam", (value.onset - origin) // window)

    beamed: list[Value] = []
    for _, members in groupby(values, group):
        beamed += _with_beams(list(members), origin)
    return tuple(beamed)


def _with_beams(group: list[Value], origin: int) -> list[Value]:
    if len(group) == 1:
        return group
    counts = [0, *(_BEAMS[value.type] for value in group), 0]
    result = []
    for number, value in enumerate(group, 1):
        beams = []
        for level in range(1, counts[number] + 1):
            before, after = counts[number - 1] >= level, counts[number + 1] >= level
            if before or after:
                beams.append("continue" if before and after else "end" if before else "begin")
            else:
                is_first = number == 1 or (number < len(group) and (value.onset - origin) % _EIGHTH == 0)
                beams.append("forward hook" if is_first else "backward hook")
        result.append(replace(value, beams=tuple(beams)))
    return result
