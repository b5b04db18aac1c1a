"""Drums: a pattern for each drum, fills where sections end, crashes where they begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from rlcompose.arrange.arrangement import Cue, Role
from rlcompose.arrange.pattern import parse_pattern
from rlcompose.arrange.players import player
from rlcompose.arrange.sheet import Sheet
from rlcompose.arrange.strokes import drawn_patterns

# The drums of General MIDI's percussion key map by the letter that stands for them in fills, and by name in grooves.
DRUMS = {
    "kick": 36,
    "snare": 38,
    "rim": 37,
    "brush": 40,  # in the brush kit a swirl; else the electric snare
    "pedal": 44,  # the hi-hat's pedal
    "hihat": 42,
    "ride": 51,
    "bell": 53,
    "crash": 49,
    "high_tom": 48,
    "mid_tom": 45,
    "low_tom": 41,
    "shaker": 70,  # maracas
    "tambourine": 54,
    "claves": 75,
    "woodblock": 77,
    "high_conga": 63,
    "low_conga": 64,
    "frame_low": 41,
    "frame_high": 45,
}
FILL_LETTERS = {"k": "kick", "s": "snare", "r": "rim", "h": "high_tom", "m": "mid_tom", "l": "low_tom", "c": "crash"}
SYMBOLS = "xXo"
LOUDER = {"x": 0, "X": 14, "o": -24}  # velocity
STROKE_TICKS = 3  # how long a drum's note is written
CRASH_SOFTER = 6
LAST_STROKE = ("kick", "ride", "frame_low", "woodblock")  # of these, what the drummer has ends the piece
STICKS, STICK_VELOCITY = DRUMS["rim"], 92


@player("kit", Role.DRUMS, symbols=SYMBOLS)
def kit(
    sheet: Sheet,
    dice: Random,
    *,
    velocity: int = 76,
    kick: tuple[str, ...] = (),
    snare: tuple[str, ...] = (),
    rim: tuple[str, ...] = (),
    brush: tuple[str, ...] = (),
    pedal: tuple[str, ...] = (),
    hihat: tuple[str, ...] = (),
    ride: tuple[str, ...] = (),
    bell: tuple[str, ...] = (),
    shaker: tuple[str, ...] = (),
    tambourine: tuple[str, ...] = (),
    claves: tuple[str, ...] = (),
    woodblock: tuple[str, ...] = (),
    high_conga: tuple[str, ...] = (),
    low_conga: tuple[str, ...] = (),
    frame_low: tuple[str, ...] = (),
    frame_high: tuple[str, ...] = (),
    fills: str = "",
    crash: bool = False,
    kick_velocity: int = 0,
    ride_velocity: int = 0,
) -> Iterator[Cue]:
    """A drummer. Each drum draws one of its patterns every two bars, the first as often as all others together.

    fills           bars of a section's end, parted by "/": letters of `FILL_LETTERS`, capitals loud; "." plays on
    crash           whether sections begin with a crash cymbal
    kick_velocity   added to the kick's strokes, ride_velocity to the ride's
    """
    given = {
        "kick": kick,
        "snare": snare,
        "rim": rim,
        "brush": brush,
        "pedal": pedal,
        "hihat": hihat,
        "ride": ride,
        "bell": bell,
        "shaker": shaker,
        "tambourine": tambourine,
        "claves": claves,
        "woodblock": woodblock,
        "high_conga": high_conga,
        "low_conga": low_conga,
        "frame_low": frame_low,
        "frame_high": frame_high,
    }
    softer = {"kick": kick_velocity, "ride": ride_velocity, "bell": ride_velocity}
    bar_ticks = sheet.meter.bar_ticks
    rows = {drum: drawn_patterns(sheet, texts, SYMBOLS, dice) for drum, texts in given.items() if texts}
    bars = range(sheet.clicks, sheet.music.bars)
    filled = _fills(sheet, fills, dice)
    starts = {section.bar for section in sheet.music.sections} | {sheet.first}
    for bar in bars:
        first = bar * bar_ticks
        is_end = sheet.has_ending and bar == bars[-1]
        fill = filled.get(bar, ())
        until = min((onset for onset, _, _ in fill), default=bar_ticks)
        if is_end:
            until = 1  # the last stroke is everybody's
        for drum, drawn in rows.items():
            for hit in drawn[bar].in_bar(bar):
                if hit.onset < until or (drum == "pedal" and not is_end):
                    yield _stroke(first + hit.onset, drum, velocity + softer.get(drum, 0) + LOUDER[hit.symbol])
        for onset, drum, louder in fill:
            yield _stroke(first + onset, drum, velocity + louder)
        if is_end:
            for drum in LAST_STROKE:
                if drum in rows:
                    yield _stroke(first, drum, velocity + softer.get(drum, 0))
        if crash and (bar in starts or is_end):
            yield _stroke(first, "crash", velocity - CRASH_SOFTER)


def _stroke(onset: int, drum: str, velocity: int) -> Cue:
    return Cue(onset, DRUMS[drum], STROKE_TICKS, min(127, max(1, velocity)))


def _fills(sheet: Sheet, text: str, dice: Random) -> dict[int, tuple[tuple[int, str, int], ...]]:
    """For the bars that end a section: onset in the bar, drum and change of velocity of each stroke."""
    choices = [_fill(bar, sheet) for bar in text.split("/")] if text else []
    ends = sorted(end for end in sheet.section_ends if end != sheet.last or sheet.has_ending)
    drawn: dict[int, tuple[tuple[int, str, int], ...]] = {}
    previous: tuple[tuple[int, str, int], ...] = ()
    for end in ends:
        if choices:
            others = [fill for fill in choices if fill != previous] or choices
            previous = drawn[end] = dice.choice(others)
    return drawn


def _fill(text: str, sheet: Sheet) -> tuple[tuple[int, str, int], ...]:
    letters = "".join(FILL_LETTERS) + "".join(FILL_LETTERS).upper()
    pattern = parse_pattern(text, sheet.meter, letters)
    return tuple((hit.onset, FILL_LETTERS[hit.symbol.lower()], 12 * hit.symbol.isupper()) for hit in pattern.hits)


def sticks(sheet: Sheet) -> Sequence[Cue]:
    """The count-in: a click on every beat, and in all but the last bar of 4/4 on the first and third alone."""
    bar, beat = sheet.meter.bar_ticks, sheet.meter.beat_ticks
    clicks = []
    for number in range(sheet.clicks):
        is_halved = number < sheet.clicks - 1 and sheet.meter.num_beats % 2 == 0 and sheet.meter.num_beats > 2
        for onset in range(number * bar, (number + 1) * bar, 2 * beat if is_halved else beat):
            clicks.append(Cue(onset, STICKS, STROKE_TICKS, STICK_VELOCITY))
    return clicks
