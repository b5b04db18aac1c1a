"""What a reset may draw from as flat arrays for the compiled step: charts, keys, tempi, registers, durations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.bands import FEATURES, band_edges
from rlcompose.brief import BASS, Brief, whole_number
from rlcompose.engine.layout import (
    BLOCKS,
    CHORD_TONE,
    CONTOUR_SLICES,
    GUIDE_TONE,
    LOWEST_PITCH,
    MAX_BARS,
    NO_PITCH,
    NUM_PITCHES,
    PAST_BARS,
    SCALE_TONE,
)
from rlcompose.engine.moment import BAND_EDGES, LOGARITHMS_AT, MAX_FEATURES, MOST_COUNTED
from rlcompose.errors import RlcomposeError
from rlcompose.theory.chord import Chord
from rlcompose.theory.key import MODES
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import Progression, bar_chords


def numbered(*names: str) -> dict[str, int]:
    """Each name with its place."""
    return {name: number for number, name in enumerate(names)}


CHART_COLUMNS = numbered(
    *("ticks", "bars", "tick_at", "bar_at", "span_at", "spans"),
    *("bar_ticks", "beat_ticks", "beats", "strength_at", "mode", "weight"),
    *("second_at", "second_cycle", "second_span_at", "second_spans"),
)
MOST_LENGTHS = 8  # that pieces of an engine are drawn from
SPAN_COLUMNS = numbered("start", "end", "root", "quality", "tones")
BAR_COLUMNS = numbered(
    *("section", "section_number", "bar_in_section", "section_bars", "bar_in_phrase", "phrase_bars", "counterpart")
)
SECOND_COLUMNS = numbered("start", "end", "pitch")
METRIC_COLUMNS = numbered("to_beat", "part")
MODE_COLUMNS = numbered("num_tonics", "scale", *(f"tonic_{n}" for n in range(12)))
SETTINGS = numbered(
    *("total_weight", "tempo", "tempo_span", "register", "register_span"),
    *("lowest", "highest", "swing", "widest_leap", "pulse", "num_lengths"),
    *(f"length_{n}" for n in range(MOST_LENGTHS)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Flat arrays; rows of different charts stand one after the other at the places the chart's row names.

    durations   int32 (durations,)      event lengths in ticks
    charts      int32 (charts, 16)      `CHART_COLUMNS`
    tick_span   int16 (ticks,)          which span of its chart a tick of the form lies in
    spans       int32 (spans, 5)        `SPAN_COLUMNS`; roots in semitones above the tonic, -1 for no chord
    span_obs    int16 (spans, 14)       the chord as it is observed
    bars        int16 (bars, 7)         `BAR_COLUMNS`
    strength    int8 (ticks of a bar,)  metrical weight
    metric      int16 (ticks of a bar, 2)  `METRIC_COLUMNS`: ticks to the next beat, and which eighth part of the bar
    modes       int32 (modes, 14)       `MODE_COLUMNS`; a bit of the scale for each pitch class above the tonic
    settings    int64 (19,)             `SETTINGS`
    second_tick   int16 (ticks,)        which span of the second voice a tick of its cycle lies in
    second_spans  int32 (spans, 3)      `SECOND_COLUMNS`; pitches in semitones above the tonic, -99 for a rest
    constants   float64 (2304,)         the style's bands, four edges a feature, and n log2(n) behind them
    """

    durations: NDArray[np.int32]
    charts: NDArray[np.int32]
    tick_span: NDArray[np.int16]
    spans: NDArray[np.int32]
    span_obs: NDArray[np.int16]
    bars: NDArray[np.int16]
    strength: NDArray[np.int8]
    modes: NDArray[np.int32]
    settings: NDArray[np.int64]
    metric: NDArray[np.int16]
    second_tick: NDArray[np.int16]
    second_spans: NDArray[np.int32]
    constants: NDArray[np.float64]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def chord_spans(progression: Progression, meter: Meter) -> list[tuple[int, int, Chord]]:
    """Start, end (ticks of the form) and chord of each span; equal chords that follow one another are one span."""
    spans: list[tuple[int, int, Chord]] = []
    for bar, chords in enumerate(progression.bars):
        for onset, ticks, chord in bar_chords(chords, meter):
            start = bar * meter.bar_ticks + onset
            if spans and spans[-1][2] == chord:
                spans[-1] = (spans[-1][0], start + ticks, chord)
            else:
                spans.append((start, start + ticks, chord))
    return spans


def observed_chord(chord: Chord) -> list[int]:
    """A chord (root above the tonic) as the blocks `chord` and `next_chord` show it."""
    if chord.is_silent:
        return [0] * BLOCKS["chord"].size
    tones = [0] * 12
    for weight, members in ((SCALE_TONE, chord.scale), (CHORD_TONE, chord.tones), (GUIDE_TONE, chord.guide_tones)):
        for pitch_class in members:
            tones[pitch_class] = weight
    return [1 + chord.root, chord.quality, *tones]


def _bar_rows(progression: Progression) -> list[tuple[int, ...]]:
    """The place of every bar of the form. A section is divided into phrases; a remainder is a shorter phrase."""
    rows: list[tuple[int, ...]] = []
    letters: list[str] = []
    sections = progression.form
    starts = [sum(len(section.bars) for section in sections[:number]) for number in range(len(sections))]
    for number, section in enumerate(sections):
        if section.label not in letters:
            letters.append(section.label)
        num_bars = len(section.bars)
        for bar in range(num_bars):
            bar_in_phrase = bar % progression.phrase_bars
            phrase_bars = min(progression.phrase_bars, num_bars - (bar - bar_in_phrase))
            letter = min(letters.index(section.label) + 1, 26)
            back = _bars_back(progression, starts, number, bar)
            rows.append((letter, number, bar, num_bars, bar_in_phrase, phrase_bars, back))
    return rows


def _bars_back(progression: Progression, starts: list[int], number: int, bar: int) -> int:
    """Bars back to the same bar of the latest section with this letter, perhaps a chorus before; 0 for none."""
    sections = progression.form
    for back in range(1, len(sections) + 1):
        earlier = (number - back) % len(sections)
        if sections[earlier].label == sections[number].label:
            distance = (starts[number] - starts[earlier]) % progression.num_bars or progression.num_bars
            return distance if bar < len(sections[earlier].bars) and distance < PAST_BARS else 0
    return 0


def _second_voice(brief: Brief, spans: list[tuple[int, int, Chord]]) -> list[list[int]]:
    """Start, end and pitch of each span of the second voice over a chart; empty where there is none."""
    if brief.second_voice is None:
        return []
    if brief.second_voice == BASS:
        roots = [-1 if c.is_silent else c.bass if c.bass >= 0 else c.root for _, _, c in spans]
        return [[s, e, NO_PITCH if r < 0 else r + LOWEST_PITCH] for (s, e, _), r in zip(spans, roots, strict=True)]
    assert not isinstance(brief.second_voice, str)
    voice, start = list[list[int]](), 0
    for pitch, ticks in brief.second_voice:
        voice.append([start, start + ticks, NO_PITCH if pitch is None else pitch])
        start += ticks
    return voice


@cache
def style_constants(family: str) -> NDArray[np.float64]:
    """The edges of a family's bands, and n log2(n) for every n that is counted: float64 (2304,)."""
    constants = np.zeros(LOGARITHMS_AT + MOST_COUNTED + 1)
    assert len(FEATURES) <= MAX_FEATURES
    for number, feature in enumerate(FEATURES):
        constants[number * BAND_EDGES : (number + 1) * BAND_EDGES] = band_edges(family, feature)
    for count in range(2, MOST_COUNTED + 1):
        constants[LOGARITHMS_AT + count] = count * math.log2(count)
    return constants


def make_tables(brief: Brief, lengths: Sequence[int] = ()) -> Tables:
    """The tables of what a brief asks for; with `lengths`, in bars, pieces have one of these, drawn for each.

    Raises:
        RlcomposeError: There are too many lengths, or one is out of range.
    """
    lengths = [whole_number("bars", bars, 1, MAX_BARS) for bars in lengths or (brief.bars,)]
    if len(lengths) > MOST_LENGTHS:
        raise RlcomposeError(f"{len(lengths)} lengths are too many: at most {MOST_LENGTHS} are drawn from")
    charts: list[list[int]] = []
    tick_span: list[int] = []
    spans: list[list[int]] = []
    span_obs: list[list[int]] = []
    bars: list[tuple[int, ...]] = []
    strength: list[int] = []
    metric: list[list[int]] = []
    second_tick: list[int] = []
    second_spans: list[list[int]] = []
    for choice in brief.charts:
        progression, meter = choice.progression, choice.meter
        chart_spans = chord_spans(progression, meter)
        second = _second_voice(brief, chart_spans)
        charts.append(
            [
                *(progression.num_bars * meter.bar_ticks, progression.num_bars, len(tick_span), len(bars)),
                *(len(spans), len(chart_spans), meter.bar_ticks, meter.beat_ticks, meter.num_beats, len(strength)),
                *(MODES.index(progression.mode), choice.weight),
                *(len(second_tick), second[-1][1] if second else 0, len(second_spans), len(second)),
            ]
        )
        for number, (start, end, chord) in enumerate(chart_spans):
            tick_span += [number] * (end - start)
            observed = observed_chord(chord)
            tones = sum(tone << 2 * pitch_class for pitch_class, tone in enumerate(observed[2:]))
            spans.append([start, end, chord.root, chord.quality, tones])
            span_obs.append(observed)
        bars += _bar_rows(progression)
        strength += [meter.strength(tick) for tick in range(meter.bar_ticks)]
        for tick in range(meter.bar_ticks):
            metric.append([meter.beat_ticks - tick % meter.beat_ticks, tick * CONTOUR_SLICES // meter.bar_ticks])
        for number, (start, end, _) in enumerate(second):
            second_tick += [number] * (end - start)
        second_spans += second
    modes = np.zeros((len(MODES), len(MODE_COLUMNS)), np.int32)
    for mode, row in zip(MODES, modes, strict=True):
        tonics = brief.keys.get(mode, ())
        first = MODE_COLUMNS["tonic_0"]
        row[MODE_COLUMNS["num_tonics"]] = len(tonics)
        row[MODE_COLUMNS["scale"]] = sum(1 << step for step in brief.style.scales[mode])
        row[first : first + len(tonics)] = tonics
    settings = np.zeros(len(SETTINGS), np.int64)
    values = {
        "total_weight": sum(choice.weight for choice in brief.charts),
        "tempo": brief.tempo[0],
        "tempo_span": brief.tempo[1] - brief.tempo[0] + 1,
        "register": brief.register[0],
        "register_span": brief.register[1] - brief.register[0] + 1,
        "lowest": brief.range[0],
        "highest": brief.range[1],
        "swing": int(brief.style.swing),
        "widest_leap": min(brief.style.widest_leap, NUM_PITCHES),  # wider ones do not fit into the window
        "pulse": brief.style.pulse,
        "num_lengths": len(lengths),
        **{f"length_{number}": bars for number, bars in enumerate(lengths)},
    }
    for name, value in values.items():
        settings[SETTINGS[name]] = value
    return Tables(
        durations=np.array([ticks for _, ticks in brief.style.durations], np.int32),
        charts=np.array(charts, np.int32),
        tick_span=np.array(tick_span, np.int16),
        spans=np.array(spans, np.int32),
        span_obs=np.array(span_obs, np.int16),
        bars=np.array(bars, np.int16),
        strength=np.array(strength, np.int8),
        modes=modes,
        settings=settings,
        metric=np.array(metric, np.int16),
        second_tick=np.array(second_tick, np.int16),
        second_spans=np.array(second_spans, np.int32).reshape(-1, len(SECOND_COLUMNS)),
        constants=style_constants(brief.style.family),
    )
