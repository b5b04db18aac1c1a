"""A melody as it stands in a source, in bars and quarter notes, and its way onto the grid of 12 ticks a quarter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from rlcompose.brief import TEMPO_LIMITS
from rlcompose.corpus.keys import estimate_key
from rlcompose.engine.layout import MAX_BARS
from rlcompose.errors import RlcomposeError
from rlcompose.score import ChordSpan, Composition, Note, Section
from rlcompose.style import Style
from rlcompose.theory.chord import NO_CHORD, Chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import TICKS_PER_QUARTER, Meter

# Of the bars of a piece, as many may have another length than the metre's (misprints, lost bar lines); one in eight is
# a choice. Upbeats, and bars that a repeat sign cuts in two, do not count.
MOST_IRREGULAR_BARS = Fraction(1, 8)
SIXTEENTH = Fraction(1, 4)  # in quarter notes
MANY_SIXTEENTHS = Fraction(1, 4)  # of the notes: what moves in sixteenths


@dataclass(frozen=True, slots=True)
class WrittenBar:
    """What stands between two bar lines; times in quarter notes from its beginning.

    notes           (onset, length, MIDI pitch), in order; a tied note has its whole length and may last beyond the bar
    chords          (onset, chord)
    opens_repeat    a repeat sign that opens stands before it
    closes_repeat   a repeat sign that closes stands after it
    opens_strain    a double bar line or a repeat sign stands before it
    ending          the numbers of the ending that it belongs to, (1,) or (2,); none for most bars
    """

    length: Fraction
    notes: tuple[tuple[Fraction, Fraction, int], ...]
    chords: tuple[tuple[Fraction, Chord], ...] = ()
    opens_repeat: bool = False
    closes_repeat: bool = False
    opens_strain: bool = False
    ending: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class WrittenTune:
    """A melody as it stands in a source.

    meters   the time signatures in order, as (beats, beat's denominator); one is what can be used
    key      None where the source has none
    tempo    quarter notes a minute; None where the source has none
    """

    bars: tuple[WrittenBar, ...]
    meters: tuple[tuple[int, int], ...]
    key: Key | None = None
    tempo: Fraction | None = None
    title: str = ""


def compose_written(
    tune: WrittenTune, style: Style, meter: Meter | None = None, expand_repeats: bool = False
) -> tuple[Composition, int]:
    """The tune as a composition of a style, and how many notes were lost because they fell on another one's tick.

    The metre must be the style's, or `meter` where that is given. A bar may be read at twice, half or a quarter of its
    written speed to become one: 4/2 becomes 4/4, 3/2 and 3/8 become 3/4; 2/2 is read as 4/4, and 2/4 that moves in
    sixteenths as 4/4 in eighths. Repeats are not played unless `expand_repeats`; of endings the last is taken. Strains
    are told apart as sections A, B, …. Where there are no chords, the chart is one of no chord (N.C.). A bar that is
    too short is filled up with silence. The tempo is the middle of the style's where the source has none.

    Raises:
        RlcomposeError: The tune has no notes, no metre or several, one the style has not, too many bars, or too many
            bars of another length; the message says which.
    """
    order = play_order(tune.bars, expand_repeats)
    if not any(bar.notes for bar in order):
        raise RlcomposeError("it has no notes")
    written = _only_meter(tune.meters)
    found, scale = _fitted(written, order, style.meters if meter is None else (meter,))
    full = Fraction(4 * written[0], written[1])
    starts, total, irregular = lay_out(order, full)
    if irregular > MOST_IRREGULAR_BARS * len(order):
        name = f"{written[0]}/{written[1]}"
        raise RlcomposeError(f"too many bars have not the length of the metre: {irregular} of {len(order)} in {name}")
    bars = int(total / full)
    if bars > MAX_BARS:
        raise RlcomposeError(f"it is too long: {bars} bars, allowed are {MAX_BARS}")
    total_ticks = bars * found.bar_ticks

    def tick(quarters: Fraction) -> int:
        return floor(quarters * scale * TICKS_PER_QUARTER + Fraction(1, 2))

    pairs = list(zip(starts, order, strict=True))
    notes, lost = _notes(
        (
            (tick(at + onset), tick(at + onset + length), pitch)
            for at, bar in pairs
            for onset, length, pitch in bar.notes
        ),
        total_ticks,
    )
    changes = [(tick(at + onset), chord) for at, bar in pairs for onset, chord in bar.chords]
    tempo = round(tune.tempo * scale) if tune.tempo is not None else 0
    if not TEMPO_LIMITS[0] <= tempo <= TEMPO_LIMITS[1]:
        tempo = sum(style.tempo) // 2
    has_upbeat = starts[0] > 0
    return Composition(
        notes=notes,
        chords=chord_spans(changes, total_ticks),
        key=tune.key or estimate_key((note.pitch, note.ticks) for note in notes),
        meter=found,
        bars=bars,
        tempo=tempo,
        style=style.name,
        swing=style.swing,
        sections=_sections(pairs, full, bars),
        instrument=style.instruments["melody"],
        title=tune.title,
        pickup=found.bar_ticks - tick(starts[0]) if has_upbeat else 0,
    ), lost


def play_order(bars: Sequence[WrittenBar], expand_repeats: bool) -> list[WrittenBar]:
    """The bars in the order in which they are played: once each, or with all repeats.

    Played once, a repeated strain is heard as in its last turn: what belongs to an earlier ending is left out.
    """
    bars = [replace(bar, opens_strain=bar.opens_strain or number == 0) for number, bar in enumerate(bars)]
    order: list[WrittenBar] = []
    start, turn, number = 0, 0, 0
    while number < len(bars):
        bar = bars[number]
        after_ending = number > start and bars[number - 1].ending and not bar.ending
        if number != start and (bar.opens_repeat or after_ending):
            start, turn = number, 0
        turns = _turns(bars, start)
        if turn == 0:
            turn = 1 if expand_repeats else turns
        if not bar.ending or turn in bar.ending:
            order.append(bar)
            if bar.closes_repeat and turn < turns:
                number, turn = start, turn + 1
                continue
        if bar.closes_repeat and turn >= turns and (not bar.ending or turn in bar.ending):
            start, turn = number + 1, 0
        number += 1
    return order


def _turns(bars: Sequence[WrittenBar], start: int) -> int:
    """How often the strain that starts here is played: by its endings, else twice if a repeat sign closes it."""
    most = 1
    for number, bar in enumerate(bars[start:], start):
        is_beyond = number > start and (bar.opens_repeat or (bars[number - 1].ending and not bar.ending))
        if is_beyond:
            break
        most = max(most, *bar.ending, 1)
        if bar.closes_repeat:
            most = max(most, 2)
            if number + 1 == len(bars) or not bars[number + 1].ending:
                break
    return most


def lay_out(bars: Sequence[WrittenBar], full: Fraction) -> tuple[list[Fraction], Fraction, int]:
    """Where each bar begins when downbeats are to lie on whole bars of length `full`, the end, and the irregular bars.

    A short first bar is an upbeat, and so is a short bar that opens a strain, unless the bar before was short by just
    as much: then both are one. Any other bar that is not whole is filled up with silence.
    """
    starts: list[Fraction] = []
    position = filled = Fraction(0)  # the downbeat of the bar that is being filled, and how much of it is
    irregular = 0
    for number, bar in enumerate(bars):
        following = bars[number + 1] if number + 1 < len(bars) else None
        if filled and filled + bar.length == full:
            starts.append(position + filled)
            position, filled = position + full, Fraction(0)
            continue
        if filled:
            position, filled = position + full, Fraction(0)
        start = position
        if bar.length % full == 0:
            position += bar.length
        elif bar.length > full:
            irregular += 1
            position += ceil(bar.length / full) * full
        elif number == 0 and following is not None:
            start, position = full - bar.length, full
        elif following is not None and bar.length + following.length == full:
            filled = bar.length
        else:
            if bar.opens_strain and number and following is not None:
                start += full - bar.length
            elif following is not None and not following.opens_strain:
                irregular += 1
            position += full
        starts.append(start)
    return starts, position + (full if filled else 0), irregular


def chord_spans(changes: Iterable[tuple[int, Chord]], total_ticks: int) -> tuple[ChordSpan, ...]:
    """The chords that hold from these ticks on, without a gap; what comes before the first is no chord."""
    at: dict[int, Chord] = {0: NO_CHORD}
    at |= {tick: chord for tick, chord in changes if tick < total_ticks}
    kept: list[tuple[int, Chord]] = []
    for tick, chord in sorted(at.items(), key=lambda change: change[0]):
        if not kept or kept[-1][1] != chord:
            kept.append((tick, chord))
    ends = [tick for tick, _ in kept[1:]] + [total_ticks]
    return tuple(ChordSpan(tick, end - tick, chord) for (tick, chord), end in zip(kept, ends, strict=True))


def _only_meter(meters: Sequence[tuple[int, int]]) -> tuple[int, int]:
    if not meters:
        raise RlcomposeError("it has no metre")
    if len(set(meters)) > 1:
        names = ", ".join(f"{beats}/{unit}" for beats, unit in dict.fromkeys(meters))
        raise RlcomposeError(f"its metre changes: {names}")
    return meters[0]


def _fitted(written: tuple[int, int], bars: Sequence[WrittenBar], allowed: Sequence[Meter]) -> tuple[Meter, Fraction]:
    """The allowed metre that the written one is, and by what its lengths are multiplied to become it."""
    beats, unit = written
    lengths = [length for bar in bars for _, length, _ in bar.notes]
    in_sixteenths = sum(length <= SIXTEENTH for length in lengths) >= MANY_SIXTEENTHS * len(lengths)
    scales = [Fraction(1), Fraction(1, 2), Fraction(1, 4), *([Fraction(2)] if in_sixteenths or unit == 8 else [])]
    for scale in scales:
        name = (beats, int(unit / scale))
        for meter in allowed:
            if (meter.numerator, meter.denominator) in (name, (4, 4) if name == (2, 2) else name):
                return meter, scale
    raise RlcomposeError(f"the metre {beats}/{unit} is not used: allowed are {', '.join(m.name for m in allowed)}")


def _notes(spans: Iterable[tuple[int, int, int]], total_ticks: int) -> tuple[tuple[Note, ...], int]:
    """Monophonic notes from (onset, end, pitch) in ticks; of two on one tick the first stays, and the other is lost."""
    kept: list[Note] = []
    lost = 0
    for onset, end, pitch in spans:
        if kept and onset <= kept[-1].onset:
            lost += 1
            continue
        if kept and kept[-1].end > onset:
            kept[-1] = replace(kept[-1], ticks=onset - kept[-1].onset)
        kept.append(Note(onset, pitch, max(1, min(end, total_ticks) - onset)))
    return tuple(kept), lost


def _sections(pairs: Sequence[tuple[Fraction, WrittenBar]], full: Fraction, bars: int) -> tuple[Section, ...]:
    """The strains as sections, each from its first downbeat on; a strain that is played again keeps its letter."""
    firsts: dict[int, WrittenBar] = {0: pairs[0][1]}
    for at, bar in pairs[1:]:
        downbeat = ceil(at / full)
        if bar.opens_strain and 0 < downbeat < bars:
            firsts.setdefault(downbeat, bar)
    letters: dict[int, str] = {}
    sections = []
    ends = [*sorted(firsts)[1:], bars]
    for (first, bar), end in zip(sorted(firsts.items(), key=lambda item: item[0]), ends, strict=True):
        label = letters.setdefault(id(bar), chr(ord("A") + min(len(letters), 25)))
        sections.append(Section(label, first, end - first))
    return tuple(sections)
