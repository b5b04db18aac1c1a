"""Action numbers and events, observations and spaces: the one place that says what an agent's numbers mean.

`encode` turns a composition into actions, `decode` turns actions into a composition; between them no note is moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, reduce
from math import inf
from operator import add, index
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import DTypeLike, NDArray

from rlcompose.brief import Brief, Options, make_brief
from rlcompose.engine.layout import (
    FIELD,
    HIGHEST_PITCH,
    LOWEST_PITCH,
    NUM_PITCHES,
    NUM_SLOTS,
    OBSERVATION_HIGH,
    OBSERVATION_LOW,
    OBSERVATION_SCALE,
)
from rlcompose.errors import RlcomposeError
from rlcompose.reward import WeightedTerm
from rlcompose.score import Band, ChordSpan, Composition, Note, Section
from rlcompose.style import Style
from rlcompose.theory.chord import NO_CHORD
from rlcompose.theory.form import Bar, SectionPattern
from rlcompose.theory.key import MODES, Key
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import Progression, bar_chords, bar_of_changes

OBSERVATION_DTYPES = ("float32", "int16")


# --- actions and spaces -----------------------------------------------------------------------------------------------


def num_actions(style: Style) -> int:
    """How many actions a style has: rest and pitches times durations."""
    return NUM_SLOTS * len(style.durations)


def action_of(style: Style, pitch: int | None, ticks: int) -> int:
    """The action that plays a pitch (semitones above the tonic; None for a rest) for a length that the style has."""
    lengths = [length for _, length in style.durations]
    if ticks not in lengths:
        raise RlcomposeError(f"{ticks} ticks is no duration of style {style.name!r}: allowed are {lengths}")
    if pitch is not None and not LOWEST_PITCH <= pitch <= HIGHEST_PITCH:
        raise RlcomposeError(f"pitch {pitch} is outside the window: allowed are {LOWEST_PITCH} to {HIGHEST_PITCH}")
    slot = 0 if pitch is None else pitch - LOWEST_PITCH + 1
    return slot * len(style.durations) + lengths.index(ticks)


def event_of(style: Style, action: int) -> tuple[int | None, int]:
    """What an action plays: semitones above the tonic (None for a rest), and the length in ticks."""
    if not 0 <= action < num_actions(style):
        raise RlcomposeError(f"action {action} does not exist: allowed are 0 to {num_actions(style) - 1}")
    slot, length = divmod(int(action), len(style.durations))
    return (None if slot == 0 else slot + LOWEST_PITCH - 1), style.durations[length][1]


def action_table(style: Style) -> str:
    """The actions of a style as Markdown: a row for each slot, a column for each duration."""
    names = [f"{name} ({ticks})" for name, ticks in style.durations]
    lines = [f"| pitch | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for slot in range(NUM_SLOTS):
        pitch = "rest" if slot == 0 else f"{slot + LOWEST_PITCH - 1:+d}"
        numbers = range(slot * len(names), (slot + 1) * len(names))
        lines.append(f"| {pitch} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines)


def action_space(style: Style) -> gymnasium.spaces.Discrete:
    """The actions as one `Discrete` from 0, which DQN needs."""
    return gymnasium.spaces.Discrete(num_actions(style))


def observation_space(dtype: str, rows: int | None = None) -> gymnasium.spaces.Box:
    """The observation as a Box of int16, or of float32: each integer divided by its column's unit."""
    if dtype not in OBSERVATION_DTYPES:
        raise RlcomposeError(f"observation dtype {dtype!r} is not known: allowed are {', '.join(OBSERVATION_DTYPES)}")
    low: NDArray[Any] = OBSERVATION_LOW
    high: NDArray[Any] = OBSERVATION_HIGH
    if dtype == "float32":
        low, high = OBSERVATION_LOW * OBSERVATION_SCALE, OBSERVATION_HIGH * OBSERVATION_SCALE
    kind: DTypeLike = np.float32 if dtype == "float32" else np.int16
    if rows is not None:
        low, high = np.tile(low, (rows, 1)), np.tile(high, (rows, 1))
    return gymnasium.spaces.Box(low, high, dtype=kind)  # type: ignore[arg-type]  # typed for one of the two dtypes


# --- from actions to music --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """One played action: onset and length in ticks, and its MIDI pitch, None for a rest."""

    onset: int
    ticks: int
    pitch: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """A piece played again from its actions.

    composition   what it is
    events        one for each action that was played
    account       float64 (events, terms + 1): each term's share of each event's reward, the last column "illegal"
    names         the names of the account's columns
    """

    composition: Composition
    events: tuple[Event, ...]
    account: NDArray[np.float64]
    names: tuple[str, ...]

    @property
    def rewards(self) -> NDArray[np.float64]:
        """The reward of each event, float64 (events,)."""
        rewards: NDArray[np.float64] = reduce(add, self.account.T)  # in the engine's order, so equal to the last bit
        return rewards

    def _repr_html_(self) -> str:
        return self.composition._repr_html_()


def perform(brief: Brief, seed: int, actions: Iterable[int], terms: Sequence[WeightedTerm] = ()) -> Performance:
    """Play a piece again: everything about it is a function of (brief, seed, actions).

    Actions beyond the end of the piece are an error; too few leave the rest of it empty. `terms` are `WeightedTerm`s.
    """
    from rlcompose.engine.core import Engine

    engine = Engine(brief, terms)
    engine.reset([seed])
    tonic = int(engine.field("tonic_pitch")[0])
    events: list[Event] = []
    shares: list[NDArray[np.float64]] = []
    for action in actions:
        if engine.state.done[0]:
            raise RlcomposeError(f"the piece ends after {len(events)} actions, but more are given")
        onset = int(engine.field("onset")[0])
        engine.step(np.array([checked_action(brief.style, action)]))
        pitch = None if engine.field("is_rest")[0] else tonic + int(engine.field("pitch")[0])
        events.append(Event(onset, int(engine.field("ticks")[0]), pitch))
        shares.append(engine.state.account[0].copy())
    account = np.array(shares) if shares else np.zeros((0, len(engine.names)))
    return Performance(_composition(brief, engine.state.now[0], events), tuple(events), account, engine.names)


def checked_action(style: Style, action: object) -> int:
    """An action as int, or the error that names it and what is allowed."""
    try:
        number = index(action)  # type: ignore[arg-type]  # int(2.7) would silently play 2
    except TypeError:
        allowed = f"allowed are 0 to {num_actions(style) - 1}"
        raise RlcomposeError(f"action {action!r} is not a whole number: {allowed}") from None
    if not 0 <= number < num_actions(style):
        raise RlcomposeError(f"action {number} does not exist: allowed are 0 to {num_actions(style) - 1}")
    return number


def decode(brief: Brief, seed: int, actions: Iterable[int]) -> Composition:
    """The composition that these actions make."""
    return perform(brief, seed, actions).composition


def _composition(brief: Brief, now: NDArray[np.int32], events: Sequence[Event]) -> Composition:
    choice = brief.charts[now[FIELD["chart"]]]
    meter, bars = choice.meter, int(now[FIELD["bars"]])
    key = Key(int(now[FIELD["key"]]), MODES[now[FIELD["mode"]]])
    return Composition(
        notes=tuple(Note(e.onset, e.pitch, e.ticks) for e in events if e.pitch is not None),
        chords=laid_out_chords(choice.progression.transposed(key.tonic), meter, bars),
        key=key,
        meter=meter,
        bars=bars,
        tempo=int(now[FIELD["tempo"]]),
        style=brief.style.name,
        swing=brief.style.swing,
        sections=laid_out_sections(choice.progression, bars),
        instrument=brief.instrument,
        band=Band(brief.style.family, brief.style.instruments["chords"], brief.style.instruments["bass"]),
        title=choice.progression.title or choice.progression.name,
    )


def laid_out_chords(progression: Progression, meter: Meter, bars: int) -> tuple[ChordSpan, ...]:
    """The chart repeated and cut to a number of bars; a chord that goes on is one span."""
    spans: list[ChordSpan] = []
    for bar in range(bars):
        for onset, ticks, chord in bar_chords(progression.bars[bar % progression.num_bars], meter):
            start = bar * meter.bar_ticks + onset
            if spans and spans[-1].chord == chord:
                spans[-1] = ChordSpan(spans[-1].onset, spans[-1].ticks + ticks, chord)
            else:
                spans.append(ChordSpan(start, ticks, chord))
    return tuple(spans)


def laid_out_sections(progression: Progression, bars: int) -> tuple[Section, ...]:
    """The sections of a form repeated and cut to a number of bars."""
    sections: list[Section] = []
    bar = 0
    while bar < bars:
        for pattern in progression.form:
            if bar < bars:
                sections.append(Section(pattern.label, bar, min(len(pattern.bars), bars - bar)))
            bar += len(pattern.bars)
    return tuple(sections)


# --- from music to actions --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Encoding:
    """A composition as actions of a style.

    options   pins everything that a reset would draw, so that `decode(brief, 0, actions)` is the composition
    dropped   the notes that no action can play: outside the pitch window, too close to their neighbours, or beyond the
              style's widest leap from them
    """

    brief: Brief
    actions: tuple[int, ...]
    dropped: tuple[Note, ...]


def encode(composition: Composition, style: Style, register: int | None = None) -> Encoding:
    """The actions of a style that play a composition.

    Onsets move by at most one tick, and only where no sequence of the style's durations meets them; lengths are the
    nearest that lead to the next onset, followed by rests. The tonic is the first from `register` upwards; without it,
    it is placed in the octave that keeps most notes.
    """
    tonic = _best_tonic(composition) if register is None else register + (composition.key.tonic - register) % 12
    lengths = tuple(length for _, length in style.durations)
    window = range(tonic + LOWEST_PITCH, tonic + HIGHEST_PITCH + 1)
    inside = [note for note in composition.notes if note.pitch in window]
    events, kept = _fit(inside, composition.total_ticks, lengths, style.widest_leap or NUM_PITCHES)
    actions = tuple(action_of(style, None if pitch is None else pitch - tonic, ticks) for pitch, ticks in events)
    dropped = tuple(note for note in composition.notes if note not in kept)
    pitches = [note.pitch for note in kept] or [tonic]
    options = Options(
        bars=composition.bars,
        chords=progression_of(composition),
        key=composition.key,
        tempo=composition.tempo,
        meter=composition.meter,
        register=tonic,
        range=(min(pitches), max(pitches)),
        instrument=composition.instrument,
    )
    return Encoding(make_brief(style, options), actions, dropped)


def _best_tonic(composition: Composition) -> int:
    """The tonic's octave that keeps most notes in the window; of equals the one with the notes nearest its middle."""
    if not composition.notes:
        return 60 + (composition.key.tonic - 60) % 12
    middle = (LOWEST_PITCH + HIGHEST_PITCH) / 2

    def merit(tonic: int) -> tuple[int, float]:
        above = [note.pitch - tonic for note in composition.notes]
        return sum(LOWEST_PITCH <= p <= HIGHEST_PITCH for p in above), -abs(sum(above) / len(above) - middle)

    return max(range(composition.key.tonic, 128, 12), key=merit)


@lru_cache(maxsize=8)
def _rest_tables(lengths: tuple[int, ...], longest: int) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """For every gap up to `longest`: how few rests fill it (inf for none), and the first and longest of them."""
    counts: list[float] = [0.0]
    firsts = [0]
    for gap in range(1, longest + 1):
        best, first = inf, 0
        for length in lengths:
            if length <= gap and counts[gap - length] + 1 <= best:
                best, first = counts[gap - length] + 1, length
        counts.append(best)
        firsts.append(first)
    return tuple(counts), tuple(firsts)


_MOVED, _DROPPED, _RESTS = 20.0, 10_000.0, 0.01  # a moved onset outweighs any length, a lost note outweighs all
_MAX_DROPPED_IN_A_ROW = 4


def _fit(
    notes: Sequence[Note], total_ticks: int, lengths: tuple[int, ...], widest_leap: int
) -> tuple[list[tuple[int | None, int]], set[Note]]:
    """The cheapest events (pitch or None, ticks) that play the notes, and the notes that are played.

    Dynamic programming over the notes and the places (one tick early, in time, one tick late) of each.
    """
    longest_gap = total_ticks + 2
    counts, firsts = _rest_tables(lengths, 1 << (longest_gap - 1).bit_length())

    @cache
    def sound(gap: int, wanted: int, is_end: bool) -> tuple[float, int]:
        """Cost and length of the note that best fills the beginning of a gap, rests filling the remainder."""
        best = (inf, 0)
        for length in lengths:
            rests = gap - length
            if rests < 0 and not is_end:
                break
            filling = counts[rests] if rests >= 0 and not is_end else 0.0
            best = min(best, (abs(min(length, gap) - wanted) + _RESTS * filling, length))
        return best

    # best[i][shift]: cost of playing note i there, with what was played before it.
    best: list[dict[int, tuple[float, int, int]]] = []
    for i, note in enumerate(notes):
        here: dict[int, tuple[float, int, int]] = {}
        for shift in (0, -1, 1):
            place = note.onset + shift
            moved = _MOVED * abs(shift)
            if place < 0 or place >= total_ticks:
                continue
            options = []
            if i <= _MAX_DROPPED_IN_A_ROW and counts[place] < inf:
                options.append((moved + i * _DROPPED + _RESTS * counts[place], -1, 0))
            for j in range(max(0, i - 1 - _MAX_DROPPED_IN_A_ROW), i):
                if abs(note.pitch - notes[j].pitch) > widest_leap:
                    continue
                for before, (cost, _, _) in best[j].items():
                    gap = place - notes[j].onset - before
                    if gap > 0:
                        filling, _ = sound(gap, min(notes[j].ticks, gap), False)
                        options.append((cost + filling + moved + (i - j - 1) * _DROPPED, j, before))
            if options:
                here[shift] = min(options)
                if here[shift][0] == inf:
                    del here[shift]
        best.append(here)
    ends = [
        (
            cost + sound(total_ticks - notes[i].onset - s, notes[i].ticks, True)[0] + (len(notes) - 1 - i) * _DROPPED,
            i,
            s,
        )
        for i in range(len(notes))
        for s, (cost, _, _) in best[i].items()
    ]
    chain: list[tuple[int, int]] = []
    if ends:
        _, i, shift = min(ends)
        while i >= 0:
            chain.append((i, shift))
            _, i, shift = best[i][shift]
        chain.reverse()
    events: list[tuple[int | None, int]] = []
    position = 0

    def rest_until(tick: int) -> None:
        nonlocal position
        while position < tick:
            # At the end any rest will do, since it is cut there; the longest that fills the gap exactly is preferred.
            length = firsts[tick - position] or lengths[0]
            events.append((None, length))
            position += length

    for number, (i, shift) in enumerate(chain):
        rest_until(notes[i].onset + shift)
        is_end = number + 1 == len(chain)
        until = total_ticks if is_end else notes[chain[number + 1][0]].onset + chain[number + 1][1]
        _, length = sound(until - position, min(notes[i].ticks, until - position), is_end)
        events.append((notes[i].pitch, length))
        position += length
    rest_until(total_ticks)
    return events, {notes[i] for i, _ in chain}


def progression_of(composition: Composition) -> Progression:
    """The chords of a composition as a progression of all its bars, in its key as it stands."""
    bar_ticks = composition.meter.bar_ticks
    bars: list[Bar] = []
    for bar in range(composition.bars):
        start, end = bar * bar_ticks, (bar + 1) * bar_ticks
        changes = [
            (max(s.onset, start) - start, s.chord) for s in composition.chords if s.onset < end and s.end > start
        ]
        if not changes or changes[0][0] > 0:
            changes.insert(0, (0, NO_CHORD))
        bars.append(bar_of_changes(changes, composition.meter))
    patterns = [
        SectionPattern(section.label, tuple(bars[section.bar : section.bar + section.bars]))
        for section in composition.sections
    ]
    if sum(len(pattern.bars) for pattern in patterns) != composition.bars:
        patterns = [SectionPattern("A", tuple(bars))]
    return Progression(composition.title or "chart", composition.key.mode, tuple(patterns), title=composition.title)
