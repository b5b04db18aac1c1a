"""The compiled step: advance every piece by one event, score it, move on. The one room that writes in place.

This file is never imported under its own name: `rlcompose.engine.cache` imports a copy named by the hash of everything
it depends on, so that no edit meets an old kernel. All functions read one int64 array, the context: counts and the
addresses of the arrays (`CONTEXT` in `rlcompose.engine.state`); a call then costs one argument, whatever the number of
arrays.
"""
# ruff: noqa: D103  - the kernel's own functions are described where they are called

from __future__ import annotations

from typing import Any

import numpy as np
from numba import boolean, carray, float32, float64, int16, int64, njit, void

from rlcompose.engine.compiled import call_loop, pointer_to
from rlcompose.engine.layout import (
    BLOCKS,
    CHORD_TONE,
    CONTOUR_BITS,
    CONTOUR_SLICES,
    EVENT_BUFFER,
    FIELD,
    GUIDE_TONE,
    HIGHEST_PITCH,
    HIGHEST_PITCH_CODE,
    HISTORY_BARS,
    LOWEST_PITCH,
    MAX_EVENT_TICKS,
    MAX_RHYTHM_BIT,
    MEMORY_EVENTS,
    NO_PITCH,
    NOTE_FIELDS,
    NOTE_RING,
    NUM_CONTINUATION,
    NUM_FIELDS,
    NUM_INTERVAL_SIZES,
    NUM_NEAR_NOTES,
    NUM_NOTE_FIELDS,
    NUM_PAST_FIELDS,
    NUM_POSITIONS,
    NUM_RECALLED,
    NUM_RECENT_EVENTS,
    NUM_SLOTS,
    OBSERVATION_SIZE,
    OUTSIDE,
    PAST,
    PAST_BARS,
    PITCH_CODE_OFFSET,
    REST_CODE,
    RHYTHM_STEP,
    TICKS_CAP,
    WINDOW_FIELDS,
)
from rlcompose.engine.moment import CHORD_TONES_AT
from rlcompose.engine.state import CONTEXT, LANES, LINKS
from rlcompose.engine.tables import (
    BAR_COLUMNS,
    CHART_COLUMNS,
    METRIC_COLUMNS,
    MODE_COLUMNS,
    SECOND_COLUMNS,
    SETTINGS,
    SPAN_COLUMNS,
)

# Loops, not slices: assigning an array to a slice makes numba compile broadcasting and error messages (six seconds).

# Names of rows and columns as constants, so that they compile to numbers.
IS_REST, PITCH, TICKS, INTERVAL = FIELD["is_rest"], FIELD["pitch"], FIELD["ticks"], FIELD["interval"]
TONE, DEGREE, REST_BEFORE = FIELD["tone"], FIELD["degree"], FIELD["rest_before"]
IS_FIRST_OF_CHORD, MATCHES, MATCH_AGO = FIELD["is_first_of_chord"], FIELD["matches"], FIELD["match_ago"]
MATCH_TRANSPOSITION, IS_ILLEGAL, IS_LAST = FIELD["match_transposition"], FIELD["is_illegal"], FIELD["is_last"]
ONSET, TICK_IN_BAR, STRENGTH, BAR = FIELD["onset"], FIELD["tick_in_bar"], FIELD["strength"], FIELD["bar"]
BAR_IN_PHRASE, PHRASE_BARS, BAR_IN_SECTION = FIELD["bar_in_phrase"], FIELD["phrase_bars"], FIELD["bar_in_section"]
SECTION_BARS, SECTION, SECTION_NUMBER = FIELD["section_bars"], FIELD["section"], FIELD["section_number"]
BAR_IN_FORM, FORM_BARS = FIELD["bar_in_form"], FIELD["form_bars"]
TICKS_INTO_CHORD, TICKS_TO_CHANGE = FIELD["ticks_into_chord"], FIELD["ticks_to_change"]
CHORD_ROOT, CHORD_QUALITY = FIELD["chord_root"], FIELD["chord_quality"]
NEXT_ROOT, NEXT_QUALITY = FIELD["next_root"], FIELD["next_quality"]
BARS, TOTAL_TICKS, BAR_TICKS, BEAT_TICKS = FIELD["bars"], FIELD["total_ticks"], FIELD["bar_ticks"], FIELD["beat_ticks"]
PULSE_TICKS, MODE, SCALE, KEY = FIELD["pulse_ticks"], FIELD["mode"], FIELD["scale"], FIELD["key"]
TONIC_PITCH = FIELD["tonic_pitch"]
LOWEST, HIGHEST, TEMPO = FIELD["lowest"], FIELD["highest"], FIELD["tempo"]
NUM_EVENTS, NUM_NOTES, NUM_ILLEGAL, SILENCE = (
    FIELD["num_events"],
    FIELD["num_notes"],
    FIELD["num_illegal"],
    FIELD["silence"],
)
POSITION, CHART, SPAN, CURSOR = FIELD["position"], FIELD["chart"], FIELD["span"], FIELD["cursor"]
LAST_PITCH, LAST_MATCH, MATCH_SHIFT = FIELD["last_pitch"], FIELD["last_match"], FIELD["match_shift"]
PIECE_LOWEST, PIECE_HIGHEST, PIECE_SUM = FIELD["piece_lowest"], FIELD["piece_highest"], FIELD["piece_sum"]
SECTION_LOWEST, SECTION_HIGHEST, SECTION_SUM = FIELD["section_lowest"], FIELD["section_highest"], FIELD["section_sum"]
RUN, RUN_SPAN, REPEATS = FIELD["run"], FIELD["run_span"], FIELD["repeats"]
LINE_NOTES, LINE_TICKS = FIELD["line_notes"], FIELD["line_ticks"]
PHRASE_NOTES, PHRASE_FIRST, PHRASE_START = FIELD["phrase_notes"], FIELD["phrase_first"], FIELD["phrase_start"]
PHRASE_HIGHEST, PHRASE_LOWEST = FIELD["phrase_highest"], FIELD["phrase_lowest"]
PHRASE_HIGHEST_COUNT, PHRASE_LOWEST_COUNT = FIELD["phrase_highest_count"], FIELD["phrase_lowest_count"]
PHRASE_HIGHEST_ONSET, LAST_PHRASE_END = FIELD["phrase_highest_onset"], FIELD["last_phrase_end"]
COUNTERPART, SECOND, SECOND_NEXT = FIELD["counterpart"], FIELD["second"], FIELD["second_next"]
SECOND_SINCE, SECOND_TO_CHANGE = FIELD["second_since"], FIELD["second_to_change"]
RECALL_BACK, RECALL_AT, RECALL_TICK = FIELD["recall_back"], FIELD["recall_at"], FIELD["recall_tick"]
SECTION_NOTES, SECTION_START, DONE = FIELD["section_notes"], FIELD["section_start"], FIELD["done"]

# The window's columns: places in the ring of bars; in the fields they begin at WINDOW_AT.
WINDOW_AT, NUM_WINDOW = FIELD[WINDOW_FIELDS[0]], len(WINDOW_FIELDS)
W = {name.removeprefix("window_"): number for number, name in enumerate(WINDOW_FIELDS)}
W_NOTES, W_REST_TICKS, W_OFF_BEAT, W_SYNCOPATED = W["notes"], W["rest_ticks"], W["off_beat"], W["syncopated"]
W_TURNS, W_ASCENTS, W_IN_KEY, W_HARMONISED = W["turns"], W["ascents"], W["in_key"], W["harmonised"]
W_CHORD_TONES, W_OUTSIDE, W_STRONG = W["chord_tones"], W["outside"], W["strong"]
W_STRONG_CHORD_TONES, W_CHANGES, W_GUIDE_TONES = W["strong_chord_tones"], W["changes"], W["guide_tones"]
W_MOTIFS, W_HELD, W_LINES = W["motifs"], W["held"], W["lines"]
W_INTERVALS, W_CLASSES, W_POSITIONS, W_LENGTHS = W["interval_0"], W["class_0"], W["position_0"], W["length_0"]
STRONG_BEAT = 2

P_RHYTHM, P_CONTOUR, P_NOTES = PAST["rhythm"], PAST["contour"], PAST["notes"]
P_SUM, P_LOWEST, P_HIGHEST = PAST["pitch_sum"], PAST["lowest"], PAST["highest"]
EVERYWHERE = sum(1 << part * CONTOUR_BITS for part in range(CONTOUR_SLICES))
WHOLE_CONTOUR = (1 << CONTOUR_SLICES * CONTOUR_BITS) - 1
CHORD_TONES, NEXT_TONES = FIELD["chord_tones"], FIELD["next_tones"]
NEAR_AT, NUM_NEAR = FIELD["near_1_pitch"], NUM_NEAR_NOTES * NUM_NOTE_FIELDS
DEGREE_OF_NOTE, SECOND_OF_NOTE = NOTE_FIELDS.index("degree"), NOTE_FIELDS.index("second")
WAS_NOTE = FIELD["was_note"]
NUM_TIMES = 6  # when a term is asked: `rlcompose.reward.TIMES`
BLOCK = LANES  # rows that are played, scored and settled together: what is read of them stays in the nearest cache
IN_COLUMNS = 2  # the first two times, at every event and at every note

EVENTS_END = BLOCKS["events"].start + BLOCKS["events"].size
EVENT_WIDTH = BLOCKS["events"].size // NUM_RECENT_EVENTS
CHORD_AT = BLOCKS["chord"].start
NEXT_AT = BLOCKS["next_chord"].start
CHORD_SIZE = BLOCKS["chord"].size
PLACE_AT = BLOCKS["place"].start
REGISTER_AT = BLOCKS["register"].start
CLASSES_AT = BLOCKS["pitch_classes"].start
CONTINUATION_AT = BLOCKS["continuation"].start
STYLE_AT = BLOCKS["style"].start
SECTION_EVENTS_AT = BLOCKS["section_events"].start
SECOND_AT, NUM_SECOND = BLOCKS["second_voice"].start, BLOCKS["second_voice"].rows

C_ENVS, C_ACTIONS, C_DURATIONS, C_TERMS = (CONTEXT[n] for n in ("envs", "num_actions", "num_durations", "num_terms"))
C_NOW, C_OBS, C_MASK, C_EVENTS = (CONTEXT[n] for n in ("now", "obs", "mask", "events"))
C_KEYS, C_NOTES, C_CLASSES, C_SEEDS = (CONTEXT[n] for n in ("keys", "notes", "classes", "seeds"))
C_ACTION, C_REWARD, C_ACCOUNT, C_DONE = (CONTEXT[n] for n in ("actions", "reward", "account", "done"))
C_ADDRESSES, C_WEIGHTS, C_TIMES, C_MEMORY_AT = (CONTEXT[n] for n in ("addresses", "weights", "times", "memory_at"))
C_LINKS, C_COLUMNS, C_TURNED, C_NUM_TURNED = (CONTEXT[n] for n in ("links", "columns", "turned", "num_turned"))
C_PAST, C_RING, C_MEMORY, C_SLOTS = (CONTEXT[n] for n in ("past", "ring", "memory", "num_slots"))
C_METRIC, C_SECOND_TICK, C_SECOND_SPANS, C_CONSTANTS = (
    CONTEXT[n] for n in ("metric", "second_tick", "second_spans", "constants")
)
NUM_LINKS = len(LINKS)
C_LENGTHS, C_CHARTS, C_TICK_SPAN = (CONTEXT[n] for n in ("durations", "charts", "tick_span"))
C_SPANS, C_SPAN_OBS, C_BARS = (CONTEXT[n] for n in ("spans", "span_obs", "bars"))
C_STRENGTH, C_MODES, C_SETTINGS = (CONTEXT[n] for n in ("strength", "modes", "settings"))

S_TEMPO, S_TEMPO_SPAN = SETTINGS["tempo"], SETTINGS["tempo_span"]
S_REGISTER, S_REGISTER_SPAN, S_LOWEST, S_HIGHEST = (
    SETTINGS[n] for n in ("register", "register_span", "lowest", "highest")
)
S_LENGTHS, S_LENGTH, S_SWING, S_LEAP, S_PULSE, S_WEIGHT = (
    SETTINGS[n] for n in ("num_lengths", "length_0", "swing", "widest_leap", "pulse", "total_weight")
)

CH_TICKS, CH_BARS, CH_TICK_AT, CH_BAR_AT = (CHART_COLUMNS[n] for n in ("ticks", "bars", "tick_at", "bar_at"))
CH_SPAN_AT, CH_SPANS, CH_BAR_TICKS = (CHART_COLUMNS[n] for n in ("span_at", "spans", "bar_ticks"))
CH_BEAT_TICKS, CH_BEATS, CH_STRENGTH_AT = (CHART_COLUMNS[n] for n in ("beat_ticks", "beats", "strength_at"))
CH_MODE, CH_WEIGHT = CHART_COLUMNS["mode"], CHART_COLUMNS["weight"]
CH_SECOND_AT, CH_SECOND_CYCLE, CH_SECOND_SPAN_AT, CH_SECOND_SPANS = (
    CHART_COLUMNS[n] for n in ("second_at", "second_cycle", "second_span_at", "second_spans")
)
SE_START, SE_END, SE_PITCH = (SECOND_COLUMNS[n] for n in ("start", "end", "pitch"))
ME_TO_BEAT, ME_PART = METRIC_COLUMNS["to_beat"], METRIC_COLUMNS["part"]
NUM_SECOND_COLUMNS, NUM_METRIC_COLUMNS = len(SECOND_COLUMNS), len(METRIC_COLUMNS)
SP_START, SP_END, SP_ROOT, SP_QUALITY, SP_TONES = (
    SPAN_COLUMNS[n] for n in ("start", "end", "root", "quality", "tones")
)
B_SECTION, B_NUMBER, B_IN_SECTION = (BAR_COLUMNS[n] for n in ("section", "section_number", "bar_in_section"))
B_SECTION_BARS, B_IN_PHRASE, B_PHRASE_BARS = (BAR_COLUMNS[n] for n in ("section_bars", "bar_in_phrase", "phrase_bars"))
B_COUNTERPART = BAR_COLUMNS["counterpart"]
M_TONICS, M_SCALE, M_TONIC = (MODE_COLUMNS[n] for n in ("num_tonics", "scale", "tonic_0"))

NUM_CHART_COLUMNS, NUM_SPAN_COLUMNS = len(CHART_COLUMNS), len(SPAN_COLUMNS)
NUM_BAR_COLUMNS, NUM_MODE_COLUMNS, NUM_SETTINGS = len(BAR_COLUMNS), len(MODE_COLUMNS), len(SETTINGS)
MANY = 1 << 40  # length given to flat tables; only their stride matters

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True)
def _mix(value: Any) -> Any:
    """Splitmix64 (Steele, Lea and Flood 2014): one uniformly scrambled uint64 for each counter value."""
    z = np.uint64(value) + GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True)
def _successor(seed: Any) -> Any:
    """The seed of the piece that follows: 63 bits, so that it is a seed Gymnasium takes."""
    return _mix(seed) >> np.uint64(1)


@njit(cache=True)
def _draw(seed: Any, counter: Any, choices: Any) -> Any:
    """The counter-th draw of a seed, uniform in 0 .. choices - 1."""
    scrambled = _mix(_mix(np.uint64(seed)) ^ np.uint64(counter))
    return np.int64((scrambled >> np.uint64(11)) % np.uint64(choices))


@njit(cache=True)
def _advance(
    ctx: Any,
    e: Any,
    action: Any,
    now: Any,
    obs: Any,
    mask: Any,
    events: Any,
    keys: Any,
    notes: Any,
    past: Any,
    ring: Any,
    lengths: Any,
) -> Any:
    """Play one event: write the first group of the fields, the event buffer at the cursor, notes, the bar's rows."""
    row = now[e]
    num_durations = ctx[C_DURATIONS]
    slot = action // num_durations
    length = action - slot * num_durations
    illegal = not mask[e, action]
    if illegal:
        slot = 0
        length = 0
        row[NUM_ILLEGAL] += 1
    row[IS_ILLEGAL] = illegal
    onset = row[ONSET]
    ticks = min(lengths[length], row[TOTAL_TICKS] - onset)
    position = onset + ticks
    row[TICKS] = ticks
    row[POSITION] = position
    row[IS_LAST] = position >= row[TOTAL_TICKS]
    row[NUM_EVENTS] += 1
    cursor = row[CURSOR]
    events[e, cursor, 1] = ticks
    row[MATCHES] = 0
    row[MATCH_AGO] = 0
    row[MATCH_TRANSPOSITION] = 0
    bar = row[BAR]
    tick_in_bar = row[TICK_IN_BAR]
    phrase_start = bar - row[BAR_IN_PHRASE]
    if phrase_start != row[PHRASE_START]:
        row[LAST_PHRASE_END] = row[LAST_PITCH] if row[PHRASE_NOTES] > 0 else NO_PITCH
        row[PHRASE_START] = phrase_start
        row[PHRASE_NOTES] = 0
        row[PHRASE_FIRST] = NO_PITCH
        row[PHRASE_HIGHEST] = NO_PITCH
        row[PHRASE_LOWEST] = NO_PITCH
        row[PHRASE_HIGHEST_COUNT] = 0
        row[PHRASE_LOWEST_COUNT] = 0
        row[PHRASE_HIGHEST_ONSET] = 0
    counts = ring[e, bar % HISTORY_BARS]
    if row[WAS_NOTE] != 0:
        # The note before moves up, and those before it.
        for i in range(NUM_NEAR - 1, NUM_NOTE_FIELDS - 1, -1):
            row[NEAR_AT + i] = row[NEAR_AT + i - NUM_NOTE_FIELDS]
        before = notes[e, (row[NUM_NOTES] - 1) & (NOTE_RING - 1)]
        for i in range(NUM_NOTE_FIELDS):
            row[NEAR_AT + i] = before[i]
    row[WAS_NOTE] = slot != 0
    if slot == 0:
        counts[W_REST_TICKS] += ticks
        row[WINDOW_AT + W_REST_TICKS] += ticks
        row[IS_REST] = 1
        row[PITCH] = NO_PITCH
        row[INTERVAL] = 0
        row[TONE] = 0
        row[DEGREE] = -1
        row[REST_BEFORE] = 0
        row[IS_FIRST_OF_CHORD] = 0
        row[SILENCE] += ticks
        events[e, cursor, 0] = REST_CODE
        keys[e, cursor] = 0
        match = row[LAST_MATCH]
        if match > 0 and match < cursor and events[e, match, 0] == REST_CODE:
            row[LAST_MATCH] = match + 1  # a rest stood there too: what follows it is what may follow now
        return
    pitch = LOWEST_PITCH + slot - 1
    num_notes = row[NUM_NOTES]
    interval = pitch - row[LAST_PITCH] if num_notes > 0 else 0
    row[IS_REST] = 0
    row[PITCH] = pitch
    row[INTERVAL] = interval
    pitch_class = (pitch + 12) % 12
    row[TONE] = obs[e, CHORD_TONES_AT + pitch_class]
    row[DEGREE] = (pitch_class - row[CHORD_ROOT] + 12) % 12 if row[CHORD_ROOT] >= 0 else -1
    silence = row[SILENCE]
    row[REST_BEFORE] = silence if num_notes > 0 else 0
    row[SILENCE] = 0
    begins_line = num_notes == 0 or silence > 0
    row[LINE_NOTES] = 1 if begins_line else row[LINE_NOTES] + 1
    row[LINE_TICKS] = ticks if begins_line else row[LINE_TICKS] + ticks
    events[e, cursor, 0] = pitch + PITCH_CODE_OFFSET
    row[LAST_MATCH] = 0
    key = 0
    first_of_chord = True
    if num_notes > 0:
        last = (num_notes - 1) % NOTE_RING
        first_of_chord = notes[e, last, 3] < onset - row[TICKS_INTO_CHORD]
        if num_notes > 1:
            # Two intervals (7 bits each) and the lengths of the two notes they lead to (8 bits each).
            key = ((notes[e, last, 2] + 64) << 23) | ((interval + 64) << 16) | (notes[e, last, 1] << 8) | ticks
            window = keys[e, max(0, cursor - MEMORY_EVENTS) : cursor]
            wanted = np.int32(key)
            found = np.int32(-1)
            count = np.int32(0)
            for j in range(window.shape[0]):
                hit = window[j] == wanted
                count += np.int32(hit)
                found = max(found, np.int32(j) if hit else np.int32(-1))
            if found >= 0:
                index = found + max(0, cursor - MEMORY_EVENTS)
                shift = pitch - (events[e, index, 0] - PITCH_CODE_OFFSET)
                row[MATCHES] = count
                row[MATCH_AGO] = cursor - index
                row[MATCH_TRANSPOSITION] = shift
                row[LAST_MATCH] = index + 1
                row[MATCH_SHIFT] = shift
    keys[e, cursor] = key
    _count(ctx, row, counts, past[e, bar % PAST_BARS], length, first_of_chord, begins_line)
    row[IS_FIRST_OF_CHORD] = first_of_chord
    row[LAST_PITCH] = pitch
    at = num_notes % NOTE_RING
    notes[e, at, 0] = pitch
    notes[e, at, 1] = ticks
    notes[e, at, 2] = interval
    notes[e, at, 3] = onset
    notes[e, at, 4] = tick_in_bar
    notes[e, at, 5] = row[STRENGTH]
    notes[e, at, 6] = row[TONE]
    notes[e, at, 7] = row[DEGREE]
    notes[e, at, 8] = row[SECOND]
    row[NUM_NOTES] = num_notes + 1


@njit(cache=True)
def _count(ctx: Any, row: Any, counts: Any, bar_row: Any, length: Any, first_of_chord: Any, begins_line: Any) -> None:
    """Count a note in its phrase, in its bar and in the window of the last bars."""
    pitch = row[PITCH]
    ticks = row[TICKS]
    interval = row[INTERVAL]
    strength = row[STRENGTH]
    tick_in_bar = row[TICK_IN_BAR]
    pitch_class = (pitch + 12) % 12
    charts = carray(pointer_to(ctx[C_CHARTS], np.int32), (MANY, NUM_CHART_COLUMNS))
    metric = carray(pointer_to(ctx[C_METRIC], np.int16), (MANY, NUM_METRIC_COLUMNS))
    place = metric[charts[row[CHART], CH_STRENGTH_AT] + tick_in_bar]

    into_phrase = row[BAR_IN_PHRASE] * row[BAR_TICKS] + tick_in_bar
    if row[PHRASE_NOTES] == 0:
        row[PHRASE_FIRST] = pitch
    if row[PHRASE_NOTES] == 0 or pitch > row[PHRASE_HIGHEST]:
        row[PHRASE_HIGHEST] = pitch
        row[PHRASE_HIGHEST_COUNT] = 1
        row[PHRASE_HIGHEST_ONSET] = into_phrase
    elif pitch == row[PHRASE_HIGHEST]:
        row[PHRASE_HIGHEST_COUNT] += 1
    if row[PHRASE_NOTES] == 0 or pitch < row[PHRASE_LOWEST]:
        row[PHRASE_LOWEST] = pitch
        row[PHRASE_LOWEST_COUNT] = 1
    elif pitch == row[PHRASE_LOWEST]:
        row[PHRASE_LOWEST_COUNT] += 1
    row[PHRASE_NOTES] += 1

    turns = 0
    if row[NUM_NOTES] > 0:
        if interval == 0:
            row[RUN] = 0
            row[RUN_SPAN] = 0
            row[REPEATS] += 1
        else:
            row[REPEATS] = 0
            goes_on = row[RUN] > 0 and (row[RUN_SPAN] > 0) == (interval > 0)
            turns = 1 if row[RUN] > 0 and not goes_on else 0
            row[RUN] = row[RUN] + 1 if goes_on else 1
            row[RUN_SPAN] = row[RUN_SPAN] + interval if goes_on else interval
        size = min(abs(interval), NUM_INTERVAL_SIZES - 1)
        counts[W_INTERVALS + size] += 1
        row[WINDOW_AT + W_INTERVALS + size] += 1
        counts[W_TURNS] += turns
        row[WINDOW_AT + W_TURNS] += turns
        rises = interval > 0
        counts[W_ASCENTS] += rises
        row[WINDOW_AT + W_ASCENTS] += rises

    counts[W_NOTES] += 1
    row[WINDOW_AT + W_NOTES] += 1
    off_beat = strength == 0
    counts[W_OFF_BEAT] += off_beat
    row[WINDOW_AT + W_OFF_BEAT] += off_beat
    syncopated = off_beat and ticks > place[ME_TO_BEAT]
    counts[W_SYNCOPATED] += syncopated
    row[WINDOW_AT + W_SYNCOPATED] += syncopated
    in_key = row[SCALE] >> pitch_class & 1
    counts[W_IN_KEY] += in_key
    row[WINDOW_AT + W_IN_KEY] += in_key
    is_return = row[MATCHES] > 0
    counts[W_MOTIFS] += is_return
    row[WINDOW_AT + W_MOTIFS] += is_return
    is_held = ticks > row[BEAT_TICKS]
    counts[W_HELD] += is_held
    row[WINDOW_AT + W_HELD] += is_held
    counts[W_LINES] += begins_line
    row[WINDOW_AT + W_LINES] += begins_line
    counts[W_CLASSES + pitch_class] += 1
    row[WINDOW_AT + W_CLASSES + pitch_class] += 1
    position = tick_in_bar % NUM_POSITIONS
    counts[W_POSITIONS + position] += 1
    row[WINDOW_AT + W_POSITIONS + position] += 1
    counts[W_LENGTHS + length] += 1
    row[WINDOW_AT + W_LENGTHS + length] += 1
    if row[CHORD_ROOT] >= 0:
        tone = row[TONE]
        is_chord_tone = tone >= CHORD_TONE
        counts[W_HARMONISED] += 1
        row[WINDOW_AT + W_HARMONISED] += 1
        counts[W_CHORD_TONES] += is_chord_tone
        row[WINDOW_AT + W_CHORD_TONES] += is_chord_tone
        counts[W_OUTSIDE] += tone == OUTSIDE
        row[WINDOW_AT + W_OUTSIDE] += tone == OUTSIDE
        if strength >= STRONG_BEAT:
            counts[W_STRONG] += 1
            row[WINDOW_AT + W_STRONG] += 1
            counts[W_STRONG_CHORD_TONES] += is_chord_tone
            row[WINDOW_AT + W_STRONG_CHORD_TONES] += is_chord_tone
        if first_of_chord and row[TICKS_INTO_CHORD] < row[BEAT_TICKS]:
            is_guide_tone = tone == GUIDE_TONE
            counts[W_CHANGES] += 1
            row[WINDOW_AT + W_CHANGES] += 1
            counts[W_GUIDE_TONES] += is_guide_tone
            row[WINDOW_AT + W_GUIDE_TONES] += is_guide_tone

    above = pitch - LOWEST_PITCH
    bar_row[P_RHYTHM] |= np.int64(1) << min((tick_in_bar + 1) // RHYTHM_STEP, MAX_RHYTHM_BIT)
    before = (np.int64(1) << (np.int64(place[ME_PART]) * CONTOUR_BITS)) - 1
    bar_row[P_CONTOUR] = (bar_row[P_CONTOUR] & before) | ((above + 1) * EVERYWHERE & (WHOLE_CONTOUR ^ before))
    if bar_row[P_NOTES] == 0:
        bar_row[P_LOWEST] = pitch
        bar_row[P_HIGHEST] = pitch
    bar_row[P_NOTES] += 1
    bar_row[P_SUM] += above
    bar_row[P_LOWEST] = min(bar_row[P_LOWEST], pitch)
    bar_row[P_HIGHEST] = max(bar_row[P_HIGHEST], pitch)


@njit(cache=True)
def _place(ctx: Any, e: Any, position: Any, bar: Any, bar_in_form: Any, tick_in_bar: Any, now: Any, obs: Any) -> None:
    """Write the place at which the next event begins: second group of the fields, blocks chord, next_chord, place."""
    row = now[e]
    charts = carray(pointer_to(ctx[C_CHARTS], np.int32), (MANY, NUM_CHART_COLUMNS))
    tick_span = carray(pointer_to(ctx[C_TICK_SPAN], np.int16), (MANY,))
    spans = carray(pointer_to(ctx[C_SPANS], np.int32), (MANY, NUM_SPAN_COLUMNS))
    span_obs = carray(pointer_to(ctx[C_SPAN_OBS], np.int16), (MANY, CHORD_SIZE))
    bar_rows = carray(pointer_to(ctx[C_BARS], np.int16), (MANY, NUM_BAR_COLUMNS))
    strengths = carray(pointer_to(ctx[C_STRENGTH], np.int8), (MANY,))
    chart = charts[row[CHART]]
    tick_in_form = bar_in_form * row[BAR_TICKS] + tick_in_bar
    span = tick_span[chart[CH_TICK_AT] + tick_in_form]
    following = span + 1 if span + 1 < chart[CH_SPANS] else 0
    here = spans[chart[CH_SPAN_AT] + span]
    after = spans[chart[CH_SPAN_AT] + following]
    info = bar_rows[chart[CH_BAR_AT] + bar_in_form]
    row[ONSET] = position
    row[TICK_IN_BAR] = tick_in_bar
    row[STRENGTH] = strengths[chart[CH_STRENGTH_AT] + tick_in_bar]
    row[BAR] = bar
    row[BAR_IN_PHRASE] = info[B_IN_PHRASE]
    row[PHRASE_BARS] = info[B_PHRASE_BARS]
    row[BAR_IN_SECTION] = info[B_IN_SECTION]
    row[SECTION_BARS] = info[B_SECTION_BARS]
    row[SECTION] = info[B_SECTION]
    row[SECTION_NUMBER] = info[B_NUMBER]
    row[BAR_IN_FORM] = bar_in_form
    row[FORM_BARS] = chart[CH_BARS]
    row[COUNTERPART] = info[B_COUNTERPART] if info[B_COUNTERPART] <= bar else 0
    row[TICKS_INTO_CHORD] = tick_in_form - here[SP_START]
    row[TICKS_TO_CHANGE] = here[SP_END] - tick_in_form
    row[CHORD_ROOT] = here[SP_ROOT]
    row[CHORD_QUALITY] = here[SP_QUALITY]
    row[NEXT_ROOT] = after[SP_ROOT]
    row[NEXT_QUALITY] = after[SP_QUALITY]
    if span != row[SPAN]:
        row[SPAN] = span
        row[CHORD_TONES] = here[SP_TONES]
        row[NEXT_TONES] = after[SP_TONES]
        for i in range(CHORD_SIZE):
            obs[e, CHORD_AT + i] = span_obs[chart[CH_SPAN_AT] + span, i]
            obs[e, NEXT_AT + i] = span_obs[chart[CH_SPAN_AT] + following, i]
    place = obs[e, PLACE_AT : PLACE_AT + 16]
    place[0] = min(row[TICKS_TO_CHANGE], TICKS_CAP)
    place[1] = tick_in_bar
    place[4] = row[STRENGTH]
    place[5] = info[B_IN_PHRASE]
    place[6] = info[B_PHRASE_BARS]
    place[7] = info[B_IN_SECTION]
    place[8] = info[B_SECTION_BARS]
    place[9] = info[B_SECTION]
    place[10] = bar_in_form
    place[12] = bar
    place[13] = row[BARS] - bar
    place[15] = min(row[SILENCE], TICKS_CAP)
    if chart[CH_SECOND_CYCLE] > 0:
        _place_second(ctx, chart, row, obs[e], position)


@njit(cache=True)
def _place_second(ctx: Any, chart: Any, row: Any, obs: Any, position: Any) -> None:
    """Write what the second voice does here and goes on to do."""
    second_tick = carray(pointer_to(ctx[C_SECOND_TICK], np.int16), (MANY,))
    second_spans = carray(pointer_to(ctx[C_SECOND_SPANS], np.int32), (MANY, NUM_SECOND_COLUMNS))
    tick = position % chart[CH_SECOND_CYCLE]
    first = chart[CH_SECOND_SPAN_AT]
    count = chart[CH_SECOND_SPANS]
    span: Any = np.int64(second_tick[chart[CH_SECOND_AT] + tick])
    here = second_spans[first + span]
    after = second_spans[first + (span + 1 if span + 1 < count else 0)]
    row[SECOND] = here[SE_PITCH]
    row[SECOND_SINCE] = tick - here[SE_START]
    row[SECOND_TO_CHANGE] = here[SE_END] - tick
    row[SECOND_NEXT] = after[SE_PITCH]
    for i in range(NUM_SECOND):
        voice = second_spans[first + span]
        code = REST_CODE
        if voice[SE_PITCH] != NO_PITCH:
            code = voice[SE_PITCH] + PITCH_CODE_OFFSET
            while code <= REST_CODE:
                code += 12  # shown in the nearest octave of the window
            while code > HIGHEST_PITCH_CODE:
                code -= 12
        ticks = voice[SE_END] - (tick if i == 0 else voice[SE_START])
        obs[SECOND_AT + 2 * i] = code
        obs[SECOND_AT + 2 * i + 1] = min(ticks, MAX_EVENT_TICKS)
        span = span + 1 if span + 1 < count else 0


@njit(cache=True)
def _settle(
    ctx: Any, e: Any, now: Any, obs: Any, mask: Any, events: Any, keys: Any, classes: Any, past: Any, ring: Any
) -> None:
    """Take the played event into memory and move on to the next place; the reward terms have looked by now."""
    row = now[e]
    is_note = row[IS_REST] == 0
    pitch = row[PITCH]
    for i in range(EVENTS_END - EVENT_WIDTH):
        obs[e, i] = obs[e, i + EVENT_WIDTH]
    obs[e, EVENTS_END - 4] = pitch + PITCH_CODE_OFFSET if is_note else REST_CODE
    obs[e, EVENTS_END - 3] = row[TICKS]
    obs[e, EVENTS_END - 2] = row[TICK_IN_BAR]
    obs[e, EVENTS_END - 1] = row[DEGREE] + 1

    cursor = row[CURSOR] + 1
    if cursor == EVENT_BUFFER:
        # One more than the memory stays: the oldest match there is, 256 events ago, is followed by the event behind it.
        dropped = EVENT_BUFFER - MEMORY_EVENTS - 1
        for i in range(MEMORY_EVENTS + 1):
            events[e, i, 0] = events[e, i + dropped, 0]
            events[e, i, 1] = events[e, i + dropped, 1]
            keys[e, i] = keys[e, i + dropped]
        cursor -= dropped
        row[LAST_MATCH] = max(0, row[LAST_MATCH] - dropped)
        row[RECALL_AT] = max(-1, row[RECALL_AT] - dropped)
    row[CURSOR] = cursor

    bar = row[BAR]
    if is_note:
        code = pitch + PITCH_CODE_OFFSET
        if row[NUM_NOTES] == 1:
            row[PIECE_LOWEST] = code
            row[PIECE_HIGHEST] = code
        row[PIECE_LOWEST] = min(row[PIECE_LOWEST], code)
        row[PIECE_HIGHEST] = max(row[PIECE_HIGHEST], code)
        row[PIECE_SUM] += code
        if row[SECTION_NOTES] == 0:
            row[SECTION_LOWEST] = code
            row[SECTION_HIGHEST] = code
        row[SECTION_LOWEST] = min(row[SECTION_LOWEST], code)
        row[SECTION_HIGHEST] = max(row[SECTION_HIGHEST], code)
        row[SECTION_SUM] += code
        row[SECTION_NOTES] += 1
        pitch_class = (pitch + 12) % 12
        classes[e, bar % HISTORY_BARS, pitch_class] += 1
        obs[e, CLASSES_AT + pitch_class] += 1
        settings = carray(pointer_to(ctx[C_SETTINGS], np.int64), (NUM_SETTINGS,))
        if settings[S_LEAP] > 0:
            _write_mask(ctx, e, row, mask, settings[S_LEAP])

    # Counted on instead of divided: a division costs more than the few bars an event can cross.
    next_bar = bar
    bar_in_form = row[BAR_IN_FORM]
    tick_in_bar = row[TICK_IN_BAR] + row[TICKS]
    while tick_in_bar >= row[BAR_TICKS]:
        tick_in_bar -= row[BAR_TICKS]
        next_bar += 1
        bar_in_form += 1
        if bar_in_form == row[FORM_BARS]:
            bar_in_form = 0
    _place(ctx, e, row[POSITION], next_bar, bar_in_form, tick_in_bar, now, obs)
    for passed in range(bar + 1, row[BAR] + 1):
        old = classes[e, passed % HISTORY_BARS]
        for k in range(12):
            obs[e, CLASSES_AT + k] -= old[k]
            old[k] = 0
        counts = ring[e, passed % HISTORY_BARS]
        for k in range(NUM_WINDOW):
            row[WINDOW_AT + k] -= counts[k]
            counts[k] = 0
        _clear_bar(past[e, passed % PAST_BARS])
    section_start = row[BAR] - row[BAR_IN_SECTION]
    if section_start != row[SECTION_START]:
        row[SECTION_START] = section_start
        row[SECTION_NOTES] = 0
        row[SECTION_SUM] = 0
        row[SECTION_LOWEST] = 0
        row[SECTION_HIGHEST] = 0
    register = obs[e, REGISTER_AT : REGISTER_AT + 6]
    register[0] = row[PIECE_LOWEST]
    register[1] = row[PIECE_HIGHEST]
    num_notes = row[NUM_NOTES]
    register[2] = (2 * row[PIECE_SUM] + num_notes) // (2 * num_notes) if num_notes > 0 else 0
    register[3] = row[SECTION_LOWEST]
    register[4] = row[SECTION_HIGHEST]
    num_notes = row[SECTION_NOTES]
    register[5] = (2 * row[SECTION_SUM] + num_notes) // (2 * num_notes) if num_notes > 0 else 0

    match = row[LAST_MATCH]
    shift = row[MATCH_SHIFT]
    for i in range(NUM_CONTINUATION):
        code = 0
        ticks = 0
        if match > 0 and match + i < cursor:
            code = events[e, match + i, 0]
            ticks = events[e, match + i, 1]
            if code > REST_CODE:
                code += shift
                if code <= REST_CODE or code > HIGHEST_PITCH_CODE:
                    code = 0  # moved out of the pitch window
                    ticks = 0
        obs[e, CONTINUATION_AT + 2 * i] = code
        obs[e, CONTINUATION_AT + 2 * i + 1] = ticks
    if row[COUNTERPART] > 0 or row[RECALL_BACK] > 0:
        _recall(e, row, obs, events)
    row[DONE] = row[IS_LAST]


@njit(cache=True)
def _recall(e: Any, row: Any, obs: Any, events: Any) -> None:
    """Write what was played from the same place on in the section that this one repeats.

    The place moves on with the piece, so that a step costs the few events that it passes; it is looked for from the
    newest event backwards only where another section begins. What the buffer no longer holds is forgotten.
    """
    back = row[COUNTERPART]
    at = row[RECALL_AT]
    away = row[RECALL_TICK] - row[TICKS]  # from the place to the event, now that the piece is further by an event
    if back != row[RECALL_BACK]:
        row[RECALL_BACK] = back
        at = row[CURSOR]
        away = back * row[BAR_TICKS]
        while at > 0 and away > 0:
            at -= 1
            away -= events[e, at, 1]
        if away > 0:
            at = -1
    if back == 0:
        at = -1
    while 0 <= at < row[CURSOR] and away < 0:
        away += events[e, at, 1]
        at += 1
    row[RECALL_AT] = at
    row[RECALL_TICK] = away
    tick_in_bar = row[TICK_IN_BAR] + away
    for i in range(NUM_RECALLED):
        code = 0
        ticks = 0
        onset = 0
        if at >= 0 and at + i < row[CURSOR]:
            while tick_in_bar >= row[BAR_TICKS]:
                tick_in_bar -= row[BAR_TICKS]
            code = events[e, at + i, 0]
            ticks = events[e, at + i, 1]
            onset = tick_in_bar
            tick_in_bar += ticks
        obs[e, SECTION_EVENTS_AT + 3 * i] = code
        obs[e, SECTION_EVENTS_AT + 3 * i + 1] = ticks
        obs[e, SECTION_EVENTS_AT + 3 * i + 2] = onset


@njit(cache=True)
def _clear_bar(bar_row: Any) -> None:
    for k in range(NUM_PAST_FIELDS):
        bar_row[k] = 0
    bar_row[P_LOWEST] = NO_PITCH
    bar_row[P_HIGHEST] = NO_PITCH


@njit(cache=True)
def _write_mask(ctx: Any, e: Any, row: Any, mask: Any, widest_leap: Any) -> None:
    """Legal are rests and the pitches the instrument plays, within the widest leap from the last note."""
    num_durations = ctx[C_DURATIONS]
    lowest = row[LOWEST]
    highest = row[HIGHEST]
    if widest_leap > 0 and row[NUM_NOTES] > 0:
        lowest = max(lowest, row[LAST_PITCH] - widest_leap)
        highest = min(highest, row[LAST_PITCH] + widest_leap)
    first = (lowest - LOWEST_PITCH + 1) * num_durations
    end = (highest - LOWEST_PITCH + 2) * num_durations
    for action in range(NUM_SLOTS * num_durations):
        mask[e, action] = action < num_durations or first <= action < end


@njit(cache=True)
def _reset(
    ctx: Any, e: Any, now: Any, obs: Any, mask: Any, notes: Any, classes: Any, seeds: Any, past: Any, ring: Any
) -> None:
    """Begin a new piece: draw chart, key, tempo and register from the seed; what is pinned has one choice only."""
    settings = carray(pointer_to(ctx[C_SETTINGS], np.int64), (NUM_SETTINGS,))
    charts = carray(pointer_to(ctx[C_CHARTS], np.int32), (MANY, NUM_CHART_COLUMNS))
    modes = carray(pointer_to(ctx[C_MODES], np.int32), (MANY, NUM_MODE_COLUMNS))
    seed = seeds[e]
    row = now[e]
    for i in range(NUM_FIELDS):
        row[i] = 0
    for i in range(OBSERVATION_SIZE):
        obs[e, i] = 0
    for i in range(NOTE_RING):
        for j in range(NUM_NOTE_FIELDS):
            notes[e, i, j] = 0
    for i in range(HISTORY_BARS):
        for j in range(12):
            classes[e, i, j] = 0
        for j in range(NUM_WINDOW):
            ring[e, i, j] = 0
    _clear_bar(past[e, 0])
    memory = carray(pointer_to(ctx[C_MEMORY], np.float64), (ctx[C_ENVS], ctx[C_SLOTS]))
    for i in range(ctx[C_SLOTS]):
        memory[e, i] = 0.0
    ticket = _draw(seed, 1, settings[S_WEIGHT])
    chart_index = 0
    while ticket >= charts[chart_index, CH_WEIGHT]:
        ticket -= charts[chart_index, CH_WEIGHT]
        chart_index += 1
    chart = charts[chart_index]
    mode = chart[CH_MODE]
    key = modes[mode, M_TONIC + _draw(seed, 2, modes[mode, M_TONICS])]
    tempo = settings[S_TEMPO] + _draw(seed, 3, settings[S_TEMPO_SPAN])
    register = settings[S_REGISTER] + _draw(seed, 4, settings[S_REGISTER_SPAN])
    tonic = register + (key - register % 12 + 12) % 12
    bars = settings[S_LENGTH + _draw(seed, 5, settings[S_LENGTHS])]
    row[PITCH] = NO_PITCH
    row[DEGREE] = -1
    row[CHART] = chart_index
    row[SPAN] = -1
    row[PHRASE_START] = -1
    row[PHRASE_FIRST] = NO_PITCH
    row[PHRASE_HIGHEST] = NO_PITCH
    row[PHRASE_LOWEST] = NO_PITCH
    row[LAST_PHRASE_END] = NO_PITCH
    row[SECOND] = NO_PITCH
    row[SECOND_NEXT] = NO_PITCH
    for k in range(NUM_NEAR_NOTES):
        row[NEAR_AT + k * NUM_NOTE_FIELDS] = NO_PITCH
        row[NEAR_AT + k * NUM_NOTE_FIELDS + DEGREE_OF_NOTE] = -1
        row[NEAR_AT + k * NUM_NOTE_FIELDS + SECOND_OF_NOTE] = NO_PITCH
    row[MODE] = mode
    row[SCALE] = modes[mode, M_SCALE]
    row[KEY] = key
    row[TEMPO] = tempo
    row[PULSE_TICKS] = settings[S_PULSE]
    row[TONIC_PITCH] = tonic
    row[BARS] = bars
    row[BAR_TICKS] = chart[CH_BAR_TICKS]
    row[BEAT_TICKS] = chart[CH_BEAT_TICKS]
    row[TOTAL_TICKS] = bars * chart[CH_BAR_TICKS]
    row[LOWEST] = min(max(settings[S_LOWEST] - tonic, LOWEST_PITCH), HIGHEST_PITCH)
    row[HIGHEST] = max(min(settings[S_HIGHEST] - tonic, HIGHEST_PITCH), LOWEST_PITCH)
    place = obs[e, PLACE_AT : PLACE_AT + 16]
    place[2] = chart[CH_BAR_TICKS]
    place[3] = chart[CH_BEAT_TICKS]
    place[11] = chart[CH_BARS]
    place[14] = bars
    style = obs[e, STYLE_AT : STYLE_AT + 8]
    style[0] = tempo
    style[1] = settings[S_SWING]
    style[2] = row[LOWEST] + PITCH_CODE_OFFSET
    style[3] = row[HIGHEST] + PITCH_CODE_OFFSET
    style[4] = mode
    style[5] = chart[CH_BEATS]
    style[6] = settings[S_LEAP]
    style[7] = settings[S_PULSE]
    _place(ctx, e, 0, 0, 0, 0, now, obs)
    _write_mask(ctx, e, row, mask, settings[S_LEAP])


@njit(cache=True)
def _due(row: Any) -> Any:
    """When terms are asked at the event in a row: a bit for each of `rlcompose.reward.TIMES`."""
    ticks = row[TICKS]
    to_bar_end = row[BAR_TICKS] - row[TICK_IN_BAR]
    is_last = row[IS_LAST] != 0
    due = 1
    due |= (row[IS_REST] == 0) << 1
    due |= (ticks >= to_bar_end) << 2
    due |= (is_last or ticks >= to_bar_end + (row[PHRASE_BARS] - row[BAR_IN_PHRASE] - 1) * row[BAR_TICKS]) << 3
    due |= (is_last or ticks >= to_bar_end + (row[SECTION_BARS] - row[BAR_IN_SECTION] - 1) * row[BAR_TICKS]) << 4
    due |= is_last << 5
    return due


@njit(cache=True)
def _score(
    ctx: Any, first: Any, num_rows: Any, rows: Any, counts: Any, shares: Any, shares_step: Any, rewards: Any
) -> Any:
    """Ask every compiled term in the rows of a block where it is due; -1, or the number of a term that failed.

    A term fails by raising or by giving NaN or infinity. `rows` is int8 (times, block): for the first two times 1 in
    the rows that are due, for the others the numbers of these rows, counted from `first`, and `counts` how many;
    `shares` is the address of the first term's share in the first row, `shares_step` the bytes from a term's shares to
    the next one's, `rewards` the address of the first row's reward.
    """
    num_terms = ctx[C_TERMS]
    addresses = carray(pointer_to(ctx[C_ADDRESSES], np.intp), (num_terms + 1,))
    weights = carray(pointer_to(ctx[C_WEIGHTS], np.float64), (num_terms + 1,))
    times = carray(pointer_to(ctx[C_TIMES], np.int64), (num_terms + 1,))
    memory_at = carray(pointer_to(ctx[C_MEMORY_AT], np.int64), (num_terms + 1,))
    fields = ctx[C_NOW] + first * NUM_FIELDS * 4
    links = ctx[C_LINKS] + first * NUM_LINKS * 8
    memory_step = ctx[C_SLOTS] * 8
    memory = ctx[C_MEMORY] + first * memory_step
    _turn(ctx, first, num_rows)
    for k in range(num_terms):
        time = times[k]
        count = num_rows if time < IN_COLUMNS else counts[time]
        if count == 0 or addresses[k] == 0:
            continue  # a term in plain Python: its share is written between the two halves of the step
        block = (ctx[C_COLUMNS] if time < IN_COLUMNS else fields, links, memory + 8 * memory_at[k], memory_step)
        asked = (rows.ctypes.data + time * rows.shape[1], count)
        status, failed = call_loop(addresses[k], (*block, *asked, weights[k], shares + k * shares_step, rewards))
        if status != 0 or failed != 0:
            return k
    return -1


@njit(cache=True)
def _turn(ctx: Any, first: Any, num_rows: Any) -> None:
    """Write the fields that terms in columns read, each field's rows of a block side by side."""
    now = carray(pointer_to(ctx[C_NOW], np.int32), (ctx[C_ENVS], NUM_FIELDS))
    columns = carray(pointer_to(ctx[C_COLUMNS], np.int32), (NUM_FIELDS, LANES))
    turned = carray(pointer_to(ctx[C_TURNED], np.int64), (ctx[C_NUM_TURNED],))
    for i in range(ctx[C_NUM_TURNED]):
        field = turned[i]
        for e in range(num_rows):
            columns[field, e] = now[first + e, field]


@njit(cache=True)
def _state(ctx: Any) -> Any:
    envs = ctx[C_ENVS]
    return (
        carray(pointer_to(ctx[C_NOW], np.int32), (envs, NUM_FIELDS)),
        carray(pointer_to(ctx[C_OBS], np.int16), (envs, OBSERVATION_SIZE)),
        carray(pointer_to(ctx[C_MASK], np.bool_), (envs, ctx[C_ACTIONS])),
        carray(pointer_to(ctx[C_EVENTS], np.int16), (envs, EVENT_BUFFER, 2)),
        carray(pointer_to(ctx[C_KEYS], np.int32), (envs, EVENT_BUFFER)),
        carray(pointer_to(ctx[C_NOTES], np.int32), (envs, NOTE_RING, NUM_NOTE_FIELDS)),
        carray(pointer_to(ctx[C_CLASSES], np.int16), (envs, HISTORY_BARS, 12)),
        carray(pointer_to(ctx[C_SEEDS], np.uint64), (envs,)),
        carray(pointer_to(ctx[C_PAST], np.int64), (envs, PAST_BARS, NUM_PAST_FIELDS)),
        carray(pointer_to(ctx[C_RING], np.int16), (envs, HISTORY_BARS, NUM_WINDOW)),
    )


@njit(cache=True)
def _step_arrays(ctx: Any) -> Any:
    envs = ctx[C_ENVS]
    return (
        carray(pointer_to(ctx[C_ACTION], np.int64), (envs,)),
        carray(pointer_to(ctx[C_REWARD], np.float64), (envs,)),
        carray(pointer_to(ctx[C_ACCOUNT], np.float64), (ctx[C_TERMS] + 1, envs)),
        carray(pointer_to(ctx[C_LENGTHS], np.int32), (ctx[C_DURATIONS],)),
    )


@njit(cache=True)
def _room() -> Any:
    """Room for the rows of a block that are due at each time; one place more, since it is written before it is kept."""
    return np.zeros((NUM_TIMES, BLOCK + 1), np.int8), np.zeros(NUM_TIMES, np.int64)


@njit(cache=True)
def _play(ctx: Any, first: Any, count: Any, rows: Any, counts: Any) -> Any:
    """Play an event in each row of a block that has not ended, and ask the terms; -1, or the term that failed.

    `rows` and `counts` are room for what `_score` wants to know.
    """
    now, obs, mask, events, keys, notes, classes, seeds, past, ring = _state(ctx)
    actions, reward, account, lengths = _step_arrays(ctx)
    num_terms = ctx[C_TERMS]
    times = carray(pointer_to(ctx[C_TIMES], np.int64), (num_terms + 1,))
    for k in range(num_terms):
        if times[k] >= IN_COLUMNS:
            for e in range(first, first + count):
                account[k, e] = 0.0
    for time in range(NUM_TIMES):
        counts[time] = 0
    for e in range(first, first + count):
        reward[e] = 0.0
        if now[e, DONE] != 0:
            account[num_terms, e] = 0.0
            rows[0, e - first] = 0
            rows[1, e - first] = 0
            continue
        _advance(ctx, e, actions[e], now, obs, mask, events, keys, notes, past, ring, lengths)
        account[num_terms, e] = -1.0 if now[e, IS_ILLEGAL] != 0 else 0.0
        due = _due(now[e])
        rows[0, e - first] = 1
        rows[1, e - first] = due >> 1 & 1
        for time in range(IN_COLUMNS, NUM_TIMES):
            rows[time, counts[time]] = e - first
            counts[time] += due >> time & 1
    shares, rewards = ctx[C_ACCOUNT] + first * 8, ctx[C_REWARD] + first * 8
    failed = _score(ctx, first, count, rows, counts, shares, ctx[C_ENVS] * 8, rewards)
    for e in range(first, first + count):
        reward[e] += account[num_terms, e]
    return failed


@njit(cache=True)
def _go_on(ctx: Any, first: Any, count: Any, next_step_reset: Any) -> None:
    """Settle each row of a block; with `next_step_reset`, begin a new piece where one had ended before."""
    now, obs, mask, events, keys, notes, classes, seeds, past, ring = _state(ctx)
    done = carray(pointer_to(ctx[C_DONE], np.bool_), (ctx[C_ENVS],))
    for e in range(first, first + count):
        if now[e, DONE] != 0:
            if next_step_reset:
                seeds[e] = _successor(seeds[e])
                _reset(ctx, e, now, obs, mask, notes, classes, seeds, past, ring)
                done[e] = False
            continue
        _settle(ctx, e, now, obs, mask, events, keys, classes, past, ring)
        done[e] = now[e, DONE] != 0


@njit(void(int64[::1], int64[::1]), cache=True)
def reset_rows(ctx: Any, rows: Any) -> None:
    """Begin new pieces in these rows from the seeds that stand there."""
    now, obs, mask, events, keys, notes, classes, seeds, past, ring = _state(ctx)
    for i in range(rows.shape[0]):
        _reset(ctx, rows[i], now, obs, mask, notes, classes, seeds, past, ring)


@njit(void(int64[::1], int64[::1]), cache=True)
def reseed_rows(ctx: Any, rows: Any) -> None:
    """Replace these rows' seeds by their successors: the seed of the next piece is a function of the last one's."""
    seeds = carray(pointer_to(ctx[C_SEEDS], np.uint64), (ctx[C_ENVS],))
    for i in range(rows.shape[0]):
        seeds[rows[i]] = _successor(seeds[rows[i]])


@njit(int64(int64[::1]), cache=True)
def score_rows(ctx: Any) -> Any:
    """First half of a step: play and score; -1, or the first row of the block x 1,000 + the term that failed."""
    envs = ctx[C_ENVS]
    rows, counts = _room()
    for first in range(0, envs, BLOCK):
        failed = _play(ctx, first, min(BLOCK, envs - first), rows, counts)
        if failed >= 0:
            return first * 1000 + failed
    return -1


@njit(void(int64[::1], boolean), cache=True)
def settle_rows(ctx: Any, next_step_reset: bool) -> None:
    """Second half of a step: memory, place, masks, and with `next_step_reset` the new piece after an ended one."""
    _go_on(ctx, 0, ctx[C_ENVS], next_step_reset)


@njit(int64(int64[::1], boolean), cache=True)
def step_rows(ctx: Any, next_step_reset: bool) -> Any:
    """Both halves for one block of rows after the other, while it is in the processor's nearest cache.

    With `next_step_reset`, a row whose piece has ended begins a new one instead, for a reward of 0.
    """
    envs = ctx[C_ENVS]
    rows, counts = _room()
    for first in range(0, envs, BLOCK):
        count = min(BLOCK, envs - first)
        failed = _play(ctx, first, count, rows, counts)
        if failed >= 0:
            return first * 1000 + failed
        _go_on(ctx, first, count, next_step_reset)
    return -1


@njit(int64(int64[::1], int64, int64, float64[::1]), cache=True)
def ask_rows(ctx: Any, term: Any, times: Any, values: Any) -> Any:
    """The value of one compiled term in every row, float64 (envs,), whether or not it is due; -1, or 0 if it failed.

    To be called between the halves of a step; a term with memory changes it, and the rewards are added to. It is asked
    that many times: with 0, the cost of getting there can be told from that of asking.
    """
    addresses = carray(pointer_to(ctx[C_ADDRESSES], np.intp), (ctx[C_TERMS] + 1,))
    memory_at = carray(pointer_to(ctx[C_MEMORY_AT], np.int64), (ctx[C_TERMS] + 1,))
    turned = carray(pointer_to(ctx[C_TIMES], np.int64), (ctx[C_TERMS] + 1,))[term] < IN_COLUMNS
    rows = np.ones(BLOCK, np.int8) if turned else np.arange(BLOCK).astype(np.int8)
    step = ctx[C_SLOTS] * 8
    for first in range(0, ctx[C_ENVS], BLOCK):
        count = min(BLOCK, ctx[C_ENVS] - first)
        if turned:
            _turn(ctx, first, count)
        fields = ctx[C_COLUMNS] if turned else ctx[C_NOW] + first * NUM_FIELDS * 4
        block = (fields, ctx[C_LINKS] + first * NUM_LINKS * 8, ctx[C_MEMORY] + first * step + 8 * memory_at[term], step)
        shares = (1.0, values.ctypes.data + first * 8, ctx[C_REWARD] + first * 8)
        for _ in range(times):
            status, failed = call_loop(addresses[term], (*block, rows.ctypes.data, count, *shares))
            if status != 0 or failed != 0:
                return 0
    return -1


@njit(int64(int64[::1], float64[:, ::1]), cache=True)
def try_actions(ctx: Any, rewards: Any) -> Any:
    """The immediate reward of every action in every row, float64 (envs, actions); -inf where illegal, 0 in ended rows.

    Nothing is left changed: an event writes only the fields, one note of the ring, its bar's two rows, the terms'
    memory, and the buffer past its end. Gives -1, or env * 1,000 + term of the first term that failed; that row then
    stands at the moment in which it did.
    """
    now, obs, mask, events, keys, notes, classes, seeds, past, ring = _state(ctx)
    envs = ctx[C_ENVS]
    num_terms = ctx[C_TERMS]
    account = np.zeros(num_terms + 1)
    reward = np.zeros(1)
    rows, counts = np.zeros((NUM_TIMES, 1), np.int8), np.zeros(NUM_TIMES, np.int64)
    lengths = carray(pointer_to(ctx[C_LENGTHS], np.int32), (ctx[C_DURATIONS],))
    fields = np.empty(NUM_FIELDS, np.int32)
    note = np.empty(NUM_NOTE_FIELDS, np.int32)
    bar_row = np.empty(NUM_PAST_FIELDS, np.int64)
    bar_counts = np.empty(NUM_WINDOW, np.int16)
    slots = ctx[C_SLOTS]
    memory = carray(pointer_to(ctx[C_MEMORY], np.float64), (envs, slots))
    remembered = np.empty(slots, np.float64)
    for e in range(envs):
        bar = now[e, BAR]
        at = now[e, NUM_NOTES] % NOTE_RING
        for i in range(NUM_PAST_FIELDS):
            bar_row[i] = past[e, bar % PAST_BARS, i]
        for i in range(NUM_WINDOW):
            bar_counts[i] = ring[e, bar % HISTORY_BARS, i]
        for i in range(slots):
            remembered[i] = memory[e, i]
        for i in range(NUM_FIELDS):
            fields[i] = now[e, i]
        for i in range(NUM_NOTE_FIELDS):
            note[i] = notes[e, at, i]
        for action in range(ctx[C_ACTIONS]):
            if not mask[e, action]:
                rewards[e, action] = -np.inf
                continue
            if now[e, DONE] != 0:
                rewards[e, action] = 0.0
                continue
            _advance(ctx, e, action, now, obs, mask, events, keys, notes, past, ring, lengths)
            due = _due(now[e])
            rows[0, 0] = 1
            rows[1, 0] = due >> 1 & 1
            for time in range(IN_COLUMNS, NUM_TIMES):
                counts[time] = due >> time & 1
            reward[0] = 0.0
            failed = _score(ctx, e, 1, rows, counts, account.ctypes.data, 8, reward.ctypes.data)
            if failed >= 0:
                return e * 1000 + failed
            for i in range(NUM_FIELDS):
                now[e, i] = fields[i]
            for i in range(NUM_NOTE_FIELDS):
                notes[e, at, i] = note[i]
            for i in range(NUM_PAST_FIELDS):
                past[e, bar % PAST_BARS, i] = bar_row[i]
            for i in range(NUM_WINDOW):
                ring[e, bar % HISTORY_BARS, i] = bar_counts[i]
            for i in range(slots):
                memory[e, i] = remembered[i]
            rewards[e, action] = reward[0]
    return -1


@njit(void(int16[:, ::1], float32[::1], float32[:, ::1]), cache=True)
def float_view(obs: Any, scale: Any, out: Any) -> None:
    """Integers times their scale: int16 (envs, size), float32 (size), into float32 (envs, size)."""
    for e in range(obs.shape[0]):
        for i in range(obs.shape[1]):
            out[e, i] = np.float32(obs[e, i]) * scale[i]
