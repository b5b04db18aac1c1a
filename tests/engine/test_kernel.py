"""What the compiled step keeps from event to event is what a slow computation over the whole list of events gives.

`from_scratch` is written from the descriptions in `rlcompose.engine.layout`, with the theory's own functions, and
shares nothing with the kernel: it keeps no state and looks at all events every time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

from rlcompose.brief import Brief, make_brief
from rlcompose.codec import action_of, event_of
from rlcompose.engine.core import Engine
from rlcompose.engine.layout import BLOCKS, OBSERVATION_HIGH, OBSERVATION_LOW
from rlcompose.style import Style, load_style, style_from_dict, style_names
from rlcompose.theory.chord import Chord
from rlcompose.theory.key import MODES
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import Progression, bar_chords


class Event(NamedTuple):
    pitch: int | None  # semitones above the tonic
    ticks: int
    onset: int


Cell = tuple[int, int, int, int]


class Match(NamedTuple):
    times: int
    ago: int
    shift: int
    after: int  # index of the event behind the last appearance


def code(pitch: int | None) -> int:
    return 1 if pitch is None else pitch + 14  # 1 is a rest, 14 the tonic


def chord_at(progression: Progression, meter: Meter, tick: int) -> Chord:
    bar, within = divmod(tick, meter.bar_ticks)
    chords = bar_chords(progression.bars[bar % progression.num_bars], meter)
    return next(chord for onset, ticks, chord in chords if onset <= within < onset + ticks)


def next_change(progression: Progression, meter: Meter, tick: int) -> int:
    """The next tick with another chord, or at which the form begins again."""
    form_ticks = progression.num_bars * meter.bar_ticks
    here = chord_at(progression, meter, tick)
    later = tick + 1
    while later % form_ticks and chord_at(progression, meter, later) == here:
        later += 1
    return later


def seen_chord(chord: Chord) -> list[int]:
    def weight(pitch_class: int) -> int:
        if pitch_class in chord.guide_tones:
            return 3
        return 2 if pitch_class in chord.tones else int(pitch_class in chord.scale)

    return [chord.root + 1, chord.quality, *(0 if chord.is_silent else weight(pc) for pc in range(12))]


def section_of(progression: Progression, bar: int) -> tuple[int, int, int, int]:
    """Number of the section in the form, its first bar, its length, and the number of its letter."""
    first, letters = 0, [pattern.label for pattern in progression.form]
    for number, pattern in enumerate(progression.form):
        if bar < first + len(pattern.bars):
            letter = sorted(set(letters), key=letters.index).index(pattern.label) + 1
            return number, first, len(pattern.bars), letter
        first += len(pattern.bars)
    raise AssertionError(bar)


def cell(events: Sequence[Event], index: int) -> Cell | None:
    """The last two intervals and lengths at a note; rests between do not count."""
    notes = [event for event in events[: index + 1] if event.pitch is not None][-3:]
    if events[index].pitch is None or len(notes) < 3:
        return None
    a, b, c = notes
    assert a.pitch is not None and b.pitch is not None and c.pitch is not None
    return b.pitch - a.pitch, c.pitch - b.pitch, b.ticks, c.ticks


def match_of(events: Sequence[Event], cells: Sequence[Cell | None], index: int) -> Match | None:
    """How the cell at a note occurred before, within the last 256 events."""
    if cells[index] is None:
        return None
    found = [i for i in range(max(0, index - 256), index) if cells[i] == cells[index]]
    if not found:
        return None
    pitch, before = events[index].pitch, events[found[-1]].pitch
    assert pitch is not None and before is not None
    return Match(len(found), index - found[-1], pitch - before, found[-1] + 1)


def continuation(events: Sequence[Event], cells: Sequence[Cell | None]) -> list[int]:
    notes = [i for i, event in enumerate(events) if event.pitch is not None]
    match = match_of(events, cells, notes[-1]) if notes else None
    if match is None:
        return [0] * 16
    after = match.after
    for i in range(notes[-1] + 1, len(events)):  # rests since: those that stood there too have been heard
        after += after < i and events[after].pitch is None
    values: list[int] = []
    for event in events[after : after + 8]:
        moved = None if event.pitch is None else event.pitch + match.shift
        values += [0, 0] if moved is not None and not -12 <= moved <= 30 else [code(moved), event.ticks]
    return values + [0] * (16 - len(values))


def register(notes: Sequence[int]) -> list[int]:
    """Lowest, highest and mean (halves upwards) as codes; 0 for none."""
    codes = [code(pitch) for pitch in notes]
    return [min(codes), max(codes), (2 * sum(codes) + len(codes)) // (2 * len(codes))] if codes else [0, 0, 0]


def from_scratch(
    progression: Progression, meter: Meter, bars: int, events: Sequence[Event], cells: Sequence[Cell | None]
) -> dict[str, list[int]]:
    """The blocks of the observation that follows these events."""
    position = events[-1].onset + events[-1].ticks if events else 0
    bar, within = divmod(position, meter.bar_ticks)
    bar_in_form = bar % progression.num_bars
    _, first, section_bars, letter = section_of(progression, bar_in_form)
    in_section = bar_in_form - first
    in_phrase = in_section % progression.phrase_bars
    here, change = chord_at(progression, meter, position), next_change(progression, meter, position)
    recent: list[int] = []
    for event in events[-32:]:
        chord = chord_at(progression, meter, event.onset)
        has_degree = event.pitch is not None and not chord.is_silent
        degree = (event.pitch - chord.root) % 12 + 1 if event.pitch is not None and has_degree else 0
        recent += [code(event.pitch), event.ticks, event.onset % meter.bar_ticks, degree]
    notes = [(event.onset // meter.bar_ticks, event.pitch) for event in events if event.pitch is not None]
    silence = 0
    for event in reversed(events):
        if event.pitch is not None:
            break
        silence += event.ticks
    classes = [sum(bar - 7 <= b <= bar and pitch % 12 == pc for b, pitch in notes) for pc in range(12)]
    return {
        "events": [0] * (128 - len(recent)) + recent,
        "chord": seen_chord(here),
        "next_chord": seen_chord(chord_at(progression, meter, change)),
        "place": [
            *(min(change - position, 384), within, meter.bar_ticks, meter.beat_ticks, meter.strength(within)),
            *(in_phrase, min(progression.phrase_bars, section_bars - (in_section - in_phrase))),
            *(in_section, section_bars, letter, bar_in_form, progression.num_bars),
            *(bar, bars - bar, bars, min(silence, 384)),
        ],
        "register": [
            *register([pitch for _, pitch in notes]),
            *register([pitch for b, pitch in notes if b >= bar - in_section]),
        ],
        "pitch_classes": classes,
        "continuation": continuation(events, cells),
    }


def follow(brief: Brief, seed: int, actions: Iterator[int] | None, few: bool = False) -> int:
    """Play a piece and compare every observation with the slow one; gives the number of events."""
    engine = Engine(brief)
    engine.reset([seed])
    choice = brief.charts[int(engine.field("chart")[0])]
    rng = np.random.default_rng(seed)
    events: list[Event] = []
    cells: list[Cell | None] = []
    compare(engine, choice.progression, choice.meter, brief.bars, events, cells)
    while not engine.state.done[0]:
        action = next(actions) if actions is not None else chosen(engine, brief.style, rng, few)
        pitch, ticks = event_of(brief.style, action)
        onset = events[-1].onset + events[-1].ticks if events else 0
        events.append(Event(pitch, min(ticks, brief.bars * choice.meter.bar_ticks - onset), onset))
        cells.append(cell(events, len(events) - 1))
        engine.step(np.array([action]))
        compare(engine, choice.progression, choice.meter, brief.bars, events, cells)
        told(engine, choice.progression, choice.meter, events, cells)
    return len(events)


def chosen(engine: Engine, style: Style, rng: np.random.Generator, few: bool) -> int:
    """A random legal action; with `few`, of so few pitches and lengths that motifs come back all the time."""
    legal = np.flatnonzero(engine.state.mask[0])
    if few:
        events = [event_of(style, int(action)) for action in legal]
        legal = legal[[p in (None, 0, 2, 4, 7) and t in (3, 6) for p, t in events]]
    return int(rng.choice(legal))


def compare(
    engine: Engine,
    progression: Progression,
    meter: Meter,
    bars: int,
    events: Sequence[Event],
    cells: Sequence[Cell | None],
) -> None:
    expected = from_scratch(progression, meter, bars, events, cells)
    for name, values in expected.items():
        seen = engine.state.obs[0, BLOCKS[name].slice].tolist()
        assert seen == values, f"{name} after {len(events)} events"


def told(
    engine: Engine, progression: Progression, meter: Meter, events: Sequence[Event], cells: Sequence[Cell | None]
) -> None:
    """The moment's first group tells of the event just played."""
    event, index = events[-1], len(events) - 1
    match = match_of(events, cells, index) or Match(0, 0, 0, 0)
    earlier = [e for e in events[:-1] if e.pitch is not None]
    chord = chord_at(progression, meter, event.onset)
    expected: dict[str, int | bool] = {
        "is_rest": event.pitch is None,
        "ticks": event.ticks,
        "pitch": -99 if event.pitch is None else event.pitch,
        "matches": match.times,
        "match_ago": match.ago,
        "match_transposition": match.shift,
        "num_notes": len(earlier) + (event.pitch is not None),
        "num_events": len(events),
        "interval": 0,
        "tone": 0,
        "rest_before": 0,
        "is_first_of_chord": 0,
    }
    if event.pitch is not None:
        expected["tone"] = seen_chord(chord)[2 + event.pitch % 12]
        start = event.onset
        while start % (progression.num_bars * meter.bar_ticks) and chord_at(progression, meter, start - 1) == chord:
            start -= 1
        expected["is_first_of_chord"] = not any(e.onset >= start for e in earlier)
        if earlier and earlier[-1].pitch is not None:
            expected["interval"] = event.pitch - earlier[-1].pitch
            expected["rest_before"] = event.onset - earlier[-1].onset - earlier[-1].ticks
    assert {name: int(engine.field(name)[0]) for name in expected} == {n: int(v) for n, v in expected.items()}


@pytest.mark.parametrize("style", style_names())
@pytest.mark.parametrize("seed", range(3))
def test_memory_of_a_random_piece_is_what_all_its_events_give(style: str, seed: int) -> None:
    assert follow(make_brief(style, {"bars": 60}), seed, None) > 50


@pytest.mark.parametrize(("style", "progression"), [("jazz", "rhythm_changes"), ("fiddle", "folk_cadences")])
def test_memory_of_motifs_that_come_back_all_the_time_survives_the_buffer(style: str, progression: str) -> None:
    # 512 events fill the buffer; of four pitches, two lengths and rests every cell is found again within 256.
    assert follow(make_brief(style, {"bars": 80, "progression": progression}), 1, None, few=True) > 700


@pytest.mark.parametrize("bars", [5, 12, 19])
@pytest.mark.parametrize(
    "chart",
    [
        "C^7 | % | Dm7 G7 | N.C. | N.C. C7 F7 A7 | C^7",  # long, many in a bar, none; the end is the beginning
        "[A] Dm7 | G7 [B] C6",
        "[A] C | F [B] G7 | % | % [A] C | F",
        "N.C.",
        "Am7 D7 | % | %",
    ],
)
def test_chart_repeated_and_cut_is_seen_as_it_stands(chart: str, bars: int) -> None:
    chart = chart.replace("[B]", "\n[B]").replace(" [A]", "\n[A]")
    follow(make_brief("jazz", {"bars": bars, "chords": chart}), bars, None)


@pytest.mark.parametrize("ago", [254, 255, 256, 257])
@pytest.mark.parametrize("last", [509, 510, 511, 512, 513])
def test_match_is_found_256_events_back_and_no_further(ago: int, last: int) -> None:
    # One cell of two fourths upwards among seconds to and fro; it comes back about where the buffer is moved.
    style = load_style("jazz")
    pitches = [i % 2 for i in range(700)]
    for end in (last - ago, last):
        pitches[end - 2 : end + 1] = [0, 5, 10]
    actions = [action_of(style, pitch, 2) for pitch in pitches]
    engine = Engine(make_brief(style, {"bars": 64, "range": (0, 127)}))
    engine.reset([0])
    for action in actions[: last + 1]:
        engine.step(np.array([action]))
    is_within = ago <= 256
    assert engine.field("matches")[0] == int(is_within)
    behind = [value for pitch in pitches[last - ago + 1 : last - ago + 9] for value in (pitch + 14, 2)]
    assert engine.state.obs[0, BLOCKS["continuation"].slice].tolist() == (behind if is_within else [0] * 16)


@pytest.mark.parametrize(("shift", "pitch"), [(-1, -12), (-1, -11), (1, 30), (1, 29)])
def test_what_followed_is_left_out_where_it_would_leave_the_window(shift: int, pitch: int) -> None:
    # A cell, a note at the edge of the window after it, and the cell again a semitone lower or higher.
    style = load_style("jazz")
    pitches = [0, 5, 10, pitch, 3, shift, 5 + shift, 10 + shift]
    engine = Engine(make_brief(style, {"bars": 2, "range": (0, 127)}))
    engine.reset([0])
    for played in pitches:
        engine.step(np.array([action_of(style, played, 6)]))
    stays = -12 <= pitch + shift <= 30
    first = [pitch + shift + 14, 6] if stays else [0, 0]
    assert engine.state.obs[0, BLOCKS["continuation"].slice].tolist()[:4] == [*first, 3 + shift + 14, 6]


def test_memory_around_the_moved_buffer_is_what_all_events_give() -> None:
    style = load_style("jazz")
    pitches: list[int | None] = [i % 2 for i in range(2000)]
    for end in (255, 511, 767, 1022):
        pitches[end - 2 : end + 2] = [0, 5, 10, None]
    brief = make_brief(style, {"bars": 42, "range": (0, 127)})
    assert follow(brief, 0, iter([action_of(style, pitch, 2) for pitch in pitches])) == 1008


@pytest.mark.parametrize(("meter", "bar_ticks"), [("2/4", 24), ("6/8", 36), ("4/4", 48)])
@pytest.mark.parametrize("bars", [1, 2, 7, 33, 1024])
@pytest.mark.parametrize("style", style_names())
def test_piece_of_any_length_is_filled_to_its_last_tick(style: str, bars: int, meter: str, bar_ticks: int) -> None:
    engine = Engine(make_brief(style, {"bars": bars, "meter": meter}), num_envs=2)
    engine.reset([bars, bars + 1])
    rng = np.random.default_rng(bars)
    durations = len(engine.brief.style.durations)
    filled = np.zeros(2, np.int64)
    steps = 0
    while not engine.state.done.all():
        assert (engine.state.obs >= OBSERVATION_LOW).all() and (engine.state.obs <= OBSERVATION_HIGH).all()
        running = ~engine.state.done
        # Long events, so that 1,024 bars are over soon, and illegal actions among them.
        lengths = rng.integers(0 if bars < 1024 else durations - 3, durations, 2)
        engine.step(rng.integers(0, 44, 2) * durations + lengths)
        filled += engine.field("ticks") * running
        steps += 1
    assert filled.tolist() == [bars * bar_ticks] * 2
    assert (engine.state.obs >= OBSERVATION_LOW).all() and (engine.state.obs <= OBSERVATION_HIGH).all()


def test_extreme_style_stays_within_the_observation() -> None:
    data = load_style("jazz").to_dict()
    data |= {"widest_leap": 127, "tempo": [400, 400], "meters": ["16/4"], "durations": {"a": 1, "b": 192}}
    engine = Engine(make_brief(style_from_dict(data), {"bars": 9, "range": (0, 127)}))
    engine.reset([0])
    rng = np.random.default_rng(0)
    while not engine.state.done[0]:
        engine.step(rng.integers(0, 88, 1) // 2 * 2 + (rng.random(1) < 0.05))
        assert (engine.state.obs >= OBSERVATION_LOW).all() and (engine.state.obs <= OBSERVATION_HIGH).all()


@pytest.mark.parametrize("style", style_names())
def test_mask_forbids_what_lies_outside_the_range_and_beyond_the_widest_leap(style: str) -> None:
    brief = make_brief(style, {"bars": 8})
    engine = Engine(brief)
    engine.reset([3])
    rng = np.random.default_rng(3)
    tonic, last = int(engine.field("tonic_pitch")[0]), None
    lowest, highest = brief.style.range
    while not engine.state.done[0]:
        expected = []
        for action in range(engine.num_actions):
            pitch, _ = event_of(brief.style, action)
            leap = brief.style.widest_leap or 99
            is_near = pitch is None or last is None or abs(pitch - last) <= leap
            expected.append(pitch is None or (lowest <= tonic + pitch <= highest and is_near))
        assert engine.state.mask[0].tolist() == expected
        engine.step(np.array([rng.choice(np.flatnonzero(engine.state.mask[0]))]))
        last = last if engine.field("is_rest")[0] else int(engine.field("pitch")[0])


def test_illegal_action_plays_the_shortest_rest_for_minus_one_and_is_counted() -> None:
    style = load_style("jazz")
    engine = Engine(make_brief(style, {"bars": 1, "register": 60, "key": "C"}))
    engine.reset([0])
    engine.step(np.array([action_of(style, 30, 48)]))  # MIDI 90, and the tenor ends at 84
    assert engine.field("is_rest")[0] == 1 and engine.field("ticks")[0] == 2
    assert engine.state.reward[0] == engine.state.account[0, -1] == -1.0
    engine.step(np.array([action_of(style, 0, 6)]))
    assert engine.field("num_illegal")[0] == 1 and engine.state.reward[0] == 0.0


def test_duration_is_cut_at_the_end() -> None:
    style = load_style("jazz")
    engine = Engine(make_brief(style, {"bars": 1}))
    engine.reset([0])
    for ticks in (36, 48):
        engine.step(np.array([action_of(style, None, ticks)]))
    assert engine.field("ticks")[0] == 12 and engine.field("is_last")[0] == 1 and engine.state.done[0]


def test_every_choice_of_the_style_is_drawn() -> None:
    engine = Engine(make_brief("fiddle"), num_envs=2000)
    engine.reset(range(2000))
    style = engine.brief.style
    drawn = {name: set(engine.field(name).tolist()) for name in ("chart", "tempo", "bar_ticks", "mode", "key")}
    assert drawn["chart"] == set(range(len(engine.brief.charts)))
    assert drawn["tempo"] == set(range(style.tempo[0], style.tempo[1] + 1))
    assert drawn["bar_ticks"] == {36, 48}
    for mode, tonics in style.keys.items():
        in_mode = engine.field("mode") == MODES.index(mode)
        assert set(engine.field("key")[in_mode].tolist()) == set(tonics)
    above = engine.field("tonic_pitch") - style.register[0]
    assert above.min() >= 0 and above.max() <= style.register[1] - style.register[0] + 11
    assert (engine.field("tonic_pitch") % 12 == engine.field("key")).all()


def test_progressions_are_drawn_as_often_as_their_weights_say() -> None:
    engine = Engine(make_brief("jazz", {"bars": 31}), num_envs=4000)  # no form fits 31 bars, so all are drawn
    engine.reset(range(4000))
    weights = np.array([choice.weight for choice in engine.brief.charts])
    counts = np.bincount(engine.field("chart"), minlength=len(weights))
    expected = 4000 * weights / weights.sum()
    # Chi square with 9 degrees of freedom: 27.9 is exceeded once in a thousand times.
    assert ((counts - expected) ** 2 / expected).sum() < 27.9


def played(brief: Brief, seed: int, actions: Sequence[int]) -> list[Any]:
    engine = Engine(brief, (), 1)
    engine.reset([seed])
    seen = [engine.state.obs[0].tolist()]
    for action in actions:
        engine.step(np.array([action]))
        seen.append((engine.state.obs[0].tolist(), engine.state.mask[0].tolist()))
    return seen


def test_another_key_changes_nothing_that_is_seen() -> None:
    style = load_style("jazz")
    rng = np.random.default_rng(5)
    actions = [action_of(style, int(pitch), 6) for pitch in rng.integers(-12, 25, 64)]
    briefs = [
        make_brief(style, {"bars": 8, "progression": "ii_v_i", "tempo": 120, "key": key, **place})
        for key, place in (
            ("C", {"register": 60, "range": (48, 90)}),
            ("D", {"register": 62, "range": (50, 92)}),
            ("Bb", {"register": 58, "range": (46, 88)}),
        )
    ]
    first, *others = [played(brief, 1, actions) for brief in briefs]
    assert all(other == first for other in others)
