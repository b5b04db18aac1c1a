"""Lines, phrases, bars, the window of 8 bars and the second voice are what a slow look at all events gives.

`expected` is written from the descriptions in `rlcompose.engine.layout`; it keeps no state and shares nothing with the
kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from rlcompose.brief import Brief, make_brief
from rlcompose.codec import action_of, event_of
from rlcompose.engine.core import Engine
from rlcompose.engine.layout import BLOCKS, NO_PITCH, PAST_FIELDS, WINDOW_FIELDS
from rlcompose.engine.moment import Moment
from rlcompose.errors import RlcomposeError
from rlcompose.style import load_style, style_names
from rlcompose.theory.chord import Chord
from rlcompose.theory.key import MODES
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import Progression, bar_chords


class Event(NamedTuple):
    pitch: int | None
    ticks: int
    onset: int


class Chart(NamedTuple):
    progression: Progression
    meter: Meter

    def chord(self, tick: int) -> tuple[Chord, int]:
        """The chord at a tick, and the tick at which it began in its chorus."""
        bar_ticks = self.meter.bar_ticks
        form = self.progression.num_bars * bar_ticks
        start = tick - tick % form

        def at(place: int) -> Chord:
            chords = bar_chords(self.progression.bars[(place % form) // bar_ticks], self.meter)
            return next(c for onset, ticks, c in chords if onset <= place % bar_ticks < onset + ticks)

        begun = tick
        while begun > start and at(begun - 1) == at(tick):
            begun -= 1
        return at(tick), begun

    def bars(self) -> list[tuple[str, int, int, int, int]]:
        """Letter, bar in the section, bars of the section, bar in the phrase, number of the section, for each bar."""
        found = []
        for number, section in enumerate(self.progression.form):
            for bar in range(len(section.bars)):
                in_phrase = bar % self.progression.phrase_bars
                found.append((section.label, bar, len(section.bars), in_phrase, number))
        return found


def expected(chart: Chart, events: Sequence[Event], now: dict[str, int], lengths: Sequence[int]) -> dict[str, int]:
    """The fields that tell of lines, the phrase and the window, after the last of the events."""
    bar_ticks, beat_ticks = chart.meter.bar_ticks, chart.meter.beat_ticks
    event = events[-1]
    notes = [e for e in events if e.pitch is not None]
    pitches = [e.pitch for e in notes if e.pitch is not None]
    intervals = [b - a for a, b in pairwise(pitches)]
    found: dict[str, int] = {}

    same = [i for i in reversed(intervals)]
    run = 0
    while run < len(same) and same[run] * same[0] > 0:
        run += 1
    found["run"], found["run_span"] = run, sum(same[:run])
    repeats = 0
    while repeats < len(same) and same[repeats] == 0:
        repeats += 1
    found["repeats"] = repeats

    sounding = [e.pitch is not None for e in events]
    last = len(events) - 1
    while last >= 0 and not sounding[last]:
        last -= 1
    line = []
    while last >= 0 and sounding[last]:
        line.append(events[last])
        last -= 1
    found["line_notes"], found["line_ticks"] = len(line), sum(e.ticks for e in line)

    places = chart.bars()
    form_bars = len(places)

    def phrase_start(onset: int) -> int:
        bar = onset // bar_ticks
        return bar - places[bar % form_bars][3]

    here = phrase_start(event.onset)
    phrase = [e for e in notes if phrase_start(e.onset) == here]
    found["phrase_notes"] = len(phrase)
    heights = [e.pitch for e in phrase if e.pitch is not None]
    found["phrase_first"] = heights[0] if heights else NO_PITCH
    found["phrase_highest"] = max(heights, default=NO_PITCH)
    found["phrase_lowest"] = min(heights, default=NO_PITCH)
    found["phrase_highest_count"] = heights.count(max(heights)) if heights else 0
    found["phrase_lowest_count"] = heights.count(min(heights)) if heights else 0
    found["phrase_highest_onset"] = phrase[heights.index(max(heights))].onset - here * bar_ticks if heights else 0
    # Phrases in which nothing begins, not even a rest, do not count: nobody was asked anything in them.
    visited = list(dict.fromkeys(phrase_start(e.onset) for e in events))
    before = [e for e in notes if len(visited) > 1 and phrase_start(e.onset) == visited[-2]]
    found["last_phrase_end"] = before[-1].pitch if before and before[-1].pitch is not None else NO_PITCH

    bar = event.onset // bar_ticks
    first_bar = max(0, bar - 7)
    inside = [e for e in events if e.onset // bar_ticks >= first_bar]
    window = dict.fromkeys(WINDOW_FIELDS, 0)
    window["window_rest_ticks"] = sum(e.ticks for e in inside if e.pitch is None)
    for number, note in enumerate(notes):
        if note.onset // bar_ticks < first_bar:
            continue
        assert note.pitch is not None
        tick = note.onset % bar_ticks
        strength = chart.meter.strength(tick)
        chord, begun = chart.chord(note.onset)
        window["window_notes"] += 1
        window["window_off_beat"] += strength == 0
        window["window_syncopated"] += strength == 0 and tick % beat_ticks + note.ticks > beat_ticks
        if number > 0:
            interval = intervals[number - 1]
            window[f"window_interval_{min(abs(interval), 13)}"] += 1
            window["window_ascents"] += interval > 0
            window["window_turns"] += number > 1 and interval * intervals[number - 2] < 0
        window["window_in_key"] += now["scale"] >> note.pitch % 12 & 1
        window[f"window_class_{note.pitch % 12}"] += 1
        window[f"window_position_{tick % 12}"] += 1
        window[f"window_length_{lengths[events.index(note)]}"] += 1
        window["window_held"] += note.ticks > beat_ticks
        index = events.index(note)
        window["window_lines"] += index == 0 or events[index - 1].pitch is None
        if not chord.is_silent:
            pitch_class = note.pitch % 12
            is_chord_tone = pitch_class in chord.tones or pitch_class in chord.guide_tones
            window["window_harmonised"] += 1
            window["window_chord_tones"] += is_chord_tone
            window["window_outside"] += not is_chord_tone and pitch_class not in chord.scale
            window["window_strong"] += strength >= 2
            window["window_strong_chord_tones"] += strength >= 2 and is_chord_tone
            if (number == 0 or notes[number - 1].onset < begun) and note.onset - begun < beat_ticks:
                window["window_changes"] += 1
                window["window_guide_tones"] += pitch_class in chord.guide_tones
    del window["window_motifs"]  # counted from `matches`, below
    return found | window


def expected_bar(chart: Chart, events: Sequence[Event], bar: int) -> dict[str, int]:
    """What is kept of a bar."""
    bar_ticks = chart.meter.bar_ticks
    notes = [e for e in events if e.onset // bar_ticks == bar and e.pitch is not None]
    pitches = [e.pitch for e in notes if e.pitch is not None]
    rhythm = 0
    contour = [0] * 8
    for note in notes:
        assert note.pitch is not None
        tick = note.onset % bar_ticks
        rhythm |= 1 << min((tick + 1) // 3, 61)
        for part in range(tick * 8 // bar_ticks, 8):
            contour[part] = note.pitch + 13
    return {
        "rhythm": rhythm,
        "contour": sum(code << 7 * part for part, code in enumerate(contour)),
        "notes": len(notes),
        "pitch_sum": sum(pitch + 12 for pitch in pitches),
        "lowest": min(pitches, default=NO_PITCH),
        "highest": max(pitches, default=NO_PITCH),
    }


def counterpart(chart: Chart, bar: int) -> int:
    """Bars back to the same bar of the latest section with the same letter."""
    places = chart.bars()
    label, in_section, _, _, _ = places[bar % len(places)]
    for back in range(in_section + 1, min(bar, 63) + 1):
        earlier = places[(bar - back) % len(places)]
        if earlier[0] == label and earlier[1] == in_section:
            return back
        if earlier[0] == label and earlier[1] == 0:
            return 0  # the latest such section is too short to have this bar
    return 0


def follow(brief: Brief, seed: int, steps: int, narrow: bool) -> int:
    """Play and compare everything at every event; how many events there were."""
    engine = Engine(brief)
    engine.reset([seed])
    chart = Chart(*(getattr(brief.charts[engine.field("chart")[0]], name) for name in ("progression", "meter")))
    rng = np.random.default_rng(seed)
    style, events = brief.style, list[Event]()
    motifs: list[tuple[int, bool]] = []
    lengths: list[int] = []
    for _ in range(steps):
        if engine.state.done[0]:
            break
        legal = np.flatnonzero(engine.state.mask[0])
        action = int(rng.choice(legal))
        if narrow:  # few pitches and lengths, so that notes repeat and lines run
            wanted = action_of(style, int(rng.choice([0, 0, 2, 4, 5, 7])), int(rng.choice([3, 6, 12])))
            action = wanted if wanted in legal and rng.random() < 0.9 else action
        onset = int(engine.field("onset")[0])
        engine.state.actions[0] = action
        assert engine._kernel.score_rows(engine._context) == -1
        now = {name: int(engine.field(name)[0]) for name in (*WINDOW_FIELDS, "scale", "ticks", "matches", "bar")}
        pitch, _ = event_of(style, action)
        events.append(Event(pitch, now["ticks"], onset))
        m = engine.moment()
        lengths.append(action % len(style.durations))
        for name, value in expected(chart, events, now, lengths).items():
            assert getattr(m, name) == value, (name, len(events))
        bar = now["bar"]
        motifs.append((bar, pitch is not None and now["matches"] > 0))
        assert m.window_motifs == sum(is_return for b, is_return in motifs if b >= max(0, bar - 7))
        assert m.window_bars == min(bar + 1, 8)
        for k in (0, 1, 2, 7, 63):
            kept = expected_bar(chart, events, bar - k) if bar >= k else expected_bar(chart, [], -1)
            assert [m.bar_past(k, field) for field in range(len(PAST_FIELDS))] == list(kept.values()), (k, len(events))
        assert m.counterpart == counterpart(chart, bar)
        engine._kernel.settle_rows(engine._context, False)
    return len(events)


@pytest.mark.parametrize("style", style_names())
@pytest.mark.parametrize("narrow", [False, True])
def test_lines_phrases_and_bars_are_what_all_events_give(style: str, narrow: bool) -> None:
    assert follow(make_brief(style, {"bars": 40}), seed=3, steps=130, narrow=narrow) >= 40


def test_bars_are_kept_for_64_bars_and_sections_are_found_a_chorus_back() -> None:
    # A form of 6 bars whose second A is shorter: its counterpart ends early, and bars 4 and 5 of the next A have none.
    chart = "[A] C | Dm7 | G7 | C | [B] F | G | [A] C | G7"
    assert follow(make_brief("jazz", {"bars": 80, "chords": chart}), seed=1, steps=250, narrow=True) == 250


def test_jig_has_bars_of_36_ticks() -> None:
    assert follow(make_brief("jig", {"bars": 40}), seed=5, steps=120, narrow=True) == 120


# --- the second voice -------------------------------------------------------------------------------------------------


def seconds(brief: Brief, actions: Sequence[int]) -> list[tuple[int, int, int, int]]:
    engine = Engine(brief)
    engine.reset([0])
    seen = []
    for action in actions:
        m = engine.moment()
        seen.append((m.second, m.second_since, m.second_to_change, m.second_next))
        engine.step(np.array([action]))
    return seen


def test_second_voice_is_heard_where_it_stands_and_begins_again() -> None:
    # Two bars of D F as half notes, a rest of a bar; in D the tonic is D4, so they are 0, 3 and nothing.
    options = {"bars": 4, "chords": "Dm", "key": "D dorian", "register": 62, "second_voice": "D4:24 F4:24 -:48"}
    brief = make_brief("jazz", options)
    quarter = action_of(brief.style, None, 12)
    assert seconds(brief, [quarter] * 9) == [
        *((0, 0, 24, 3), (0, 12, 12, 3), (3, 0, 24, NO_PITCH), (3, 12, 12, NO_PITCH)),
        *((NO_PITCH, 0, 48, 0), (NO_PITCH, 12, 36, 0), (NO_PITCH, 24, 24, 0), (NO_PITCH, 36, 12, 0)),
        (0, 0, 24, 3),
    ]


def test_bass_of_the_chords_is_a_second_voice_below_the_tonic() -> None:
    # C, then G over B: the bass is the tonic an octave below, and the leading tone below it.
    brief = make_brief("jazz", {"bars": 2, "chords": "C | G/B", "key": "C", "second_voice": "bass"})
    whole = action_of(brief.style, None, 48)
    assert seconds(brief, [whole, whole]) == [(-12, 0, 48, -1), (-1, 0, 48, -12)]


def test_second_voice_moves_with_the_piece_where_its_tonic_is_drawn() -> None:
    # Written in C with the tonic C4: E3 is eight semitones below the tonic in every key.
    brief = make_brief("jazz", {"bars": 1, "second_voice": "E3:48"})
    for seed in range(4):
        engine = Engine(brief)
        engine.reset([seed])
        assert engine.moment().second == -8


def test_agent_sees_the_second_voice_from_here_on() -> None:
    options = {"bars": 2, "chords": "C", "key": "C", "register": 60, "second_voice": "C4:24 E3:24 -:48"}
    engine = Engine(make_brief("jazz", options))
    engine.reset([0])
    engine.step(np.array([action_of(engine.brief.style, 7, 12)]))
    seen = engine.state.obs[0, BLOCKS["second_voice"].slice].tolist()
    # A quarter note of C is left, then E, a rest, and all again: codes are 14 for the tonic, 1 for a rest.
    assert seen == [14, 12, 6, 24, 1, 48, 14, 24, 6, 24, 1, 48, 14, 24, 6, 24]


def test_without_a_second_voice_its_place_stays_empty() -> None:
    engine = Engine(make_brief("jazz"))
    engine.reset([0])
    assert engine.moment().second == NO_PITCH
    assert not engine.state.obs[0, BLOCKS["second_voice"].slice].any()


@pytest.mark.parametrize(
    ("voice", "message"),
    [
        ("", "has no notes: give 'bass' or notes as text"),
        ("H3", "'H3' is no note: write a pitch or '-'"),
        ("C9:48", "lies 60 semitones above the tonic .*: allowed are -36 to 42"),
        ("C3:0", "'C3:0' has no length: allowed are 1 and more ticks"),
    ],
)
def test_wrong_second_voice_is_told(voice: str, message: str) -> None:
    with pytest.raises(RlcomposeError, match=message):
        make_brief("jazz", {"second_voice": voice})


# --- words about bars -------------------------------------------------------------------------------------------------


def test_likeness_of_bars_by_hand() -> None:
    # Quarter notes C D E F, then C D, a half note E: onsets 4 and 3 of which 3 are common; the contour by eighths is
    # C C D D E E F F and C C D D E E E E, six of eight alike.
    brief = make_brief("jazz", {"bars": 3, "chords": "C", "key": "C"})
    engine = Engine(brief)
    engine.reset([0])
    for pitch, ticks in ((0, 12), (2, 12), (4, 12), (5, 12), (0, 12), (2, 12)):
        engine.step(np.array([action_of(brief.style, pitch, ticks)]))
    engine.state.actions[0] = action_of(brief.style, 4, 24)
    engine._kernel.score_rows(engine._context)
    m = engine.moment()
    assert m.rhythm_likeness(1) == 3 / 4 and m.contour_likeness(1) == 6 / 8
    assert m.bar_rhythm(0) == 0b100010001 and m.bar_notes(1) == 4 and m.bar_pitch_sum(1) == 11
    assert (m.bar_lowest(1), m.bar_highest(1), m.bar_lowest(2)) == (0, 5, NO_PITCH)


def test_band_falls_in_a_straight_line_from_the_middle_half_to_the_outer_percentiles() -> None:
    # A band of 1, 2, 4, 8 for feature 0.
    m = Moment([], [], [], (), [1.0, 2.0, 4.0, 8.0])
    given = [m.band_score(0, value) for value in (0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 99.0)]
    assert given == [-1.0, -1.0, -0.5, 0.0, 0.0, 0.0, -0.5, -1.0, -1.0]


def test_modes_are_numbered_as_the_style_files_name_them() -> None:
    assert MODES[0] == "major" and load_style("jazz").keys["dorian"]
