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

from rlcompose.engine.compiled import call_term, pointer_to
from rlcompose.engine.layout import (
    BLOCKS,
    EVENT_BUFFER,
    FIELD,
    HIGHEST_PITCH,
    HIGHEST_PITCH_CODE,
    HISTORY_BARS,
    LOWEST_PITCH,
    MEMORY_EVENTS,
    NO_PITCH,
    NOTE_RING,
    NUM_CONTINUATION,
    NUM_FIELDS,
    NUM_NOTE_FIELDS,
    NUM_RECENT_EVENTS,
    NUM_SLOTS,
    OBSERVATION_SIZE,
    PITCH_CODE_OFFSET,
    REST_CODE,
    TICKS_CAP,
)
from rlcompose.engine.moment import CHORD_TONES_AT
from rlcompose.engine.state import CONTEXT
from rlcompose.engine.tables import BAR_COLUMNS, CHART_COLUMNS, MODE_COLUMNS, SETTINGS, SPAN_COLUMNS

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
SECTION_NOTES, SECTION_START, DONE = FIELD["section_notes"], FIELD["section_start"], FIELD["done"]

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

C_ENVS, C_ACTIONS, C_DURATIONS, C_TERMS = (CONTEXT[n] for n in ("envs", "num_actions", "num_durations", "num_terms"))
C_NOW, C_OBS, C_MASK, C_EVENTS = (CONTEXT[n] for n in ("now", "obs", "mask", "events"))
C_KEYS, C_NOTES, C_CLASSES, C_SEEDS = (CONTEXT[n] for n in ("keys", "notes", "classes", "seeds"))
C_ACTION, C_REWARD, C_ACCOUNT, C_DONE = (CONTEXT[n] for n in ("actions", "reward", "account", "done"))
C_ADDRESSES, C_WEIGHTS = CONTEXT["addresses"], CONTEXT["weights"]
C_LENGTHS, C_CHARTS, C_TICK_SPAN = (CONTEXT[n] for n in ("durations", "charts", "tick_span"))
C_SPANS, C_SPAN_OBS, C_BARS = (CONTEXT[n] for n in ("spans", "span_obs", "bars"))
C_STRENGTH, C_MODES, C_SETTINGS = (CONTEXT[n] for n in ("strength", "modes", "settings"))

S_TEMPO, S_TEMPO_SPAN = SETTINGS["tempo"], SETTINGS["tempo_span"]
S_REGISTER, S_REGISTER_SPAN, S_LOWEST, S_HIGHEST = (
    SETTINGS[n] for n in ("register", "register_span", "lowest", "highest")
)
S_BARS, S_SWING, S_LEAP, S_PULSE, S_WEIGHT = (
    SETTINGS[n] for n in ("bars", "swing", "widest_leap", "pulse", "total_weight")
)

CH_TICKS, CH_BARS, CH_TICK_AT, CH_BAR_AT = (CHART_COLUMNS[n] for n in ("ticks", "bars", "tick_at", "bar_at"))
CH_SPAN_AT, CH_SPANS, CH_BAR_TICKS = (CHART_COLUMNS[n] for n in ("span_at", "spans", "bar_ticks"))
CH_BEAT_TICKS, CH_BEATS, CH_STRENGTH_AT = (CHART_COLUMNS[n] for n in ("beat_ticks", "beats", "strength_at"))
CH_MODE, CH_WEIGHT = CHART_COLUMNS["mode"], CHART_COLUMNS["weight"]
SP_START, SP_END, SP_ROOT, SP_QUALITY = (SPAN_COLUMNS[n] for n in ("start", "end", "root", "quality"))
B_SECTION, B_NUMBER, B_IN_SECTION = (BAR_COLUMNS[n] for n in ("section", "section_number", "bar_in_section"))
B_SECTION_BARS, B_IN_PHRASE, B_PHRASE_BARS = (BAR_COLUMNS[n] for n in ("section_bars", "bar_in_phrase", "phrase_bars"))
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
    ctx: Any, e: Any, action: Any, now: Any, obs: Any, mask: Any, events: Any, keys: Any, notes: Any, lengths: Any
) -> Any:
    """Play one event: write the first group of the fields, the event buffer at the cursor, the note ring."""
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
    if slot == 0:
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
    row[REST_BEFORE] = row[SILENCE] if num_notes > 0 else 0
    row[SILENCE] = 0
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
    row[IS_FIRST_OF_CHORD] = first_of_chord
    row[LAST_PITCH] = pitch
    at = num_notes % NOTE_RING
    notes[e, at, 0] = pitch
    notes[e, at, 1] = ticks
    notes[e, at, 2] = interval
    notes[e, at, 3] = onset
    notes[e, at, 4] = row[TICK_IN_BAR]
    notes[e, at, 5] = row[STRENGTH]
    notes[e, at, 6] = row[TONE]
    notes[e, at, 7] = row[DEGREE]
    row[NUM_NOTES] = num_notes + 1


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
    row[TICKS_INTO_CHORD] = tick_in_form - here[SP_START]
    row[TICKS_TO_CHANGE] = here[SP_END] - tick_in_form
    row[CHORD_ROOT] = here[SP_ROOT]
    row[CHORD_QUALITY] = here[SP_QUALITY]
    row[NEXT_ROOT] = after[SP_ROOT]
    row[NEXT_QUALITY] = after[SP_QUALITY]
    if span != row[SPAN]:
        row[SPAN] = span
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


@njit(cache=True)
def _settle(ctx: Any, e: Any, now: Any, obs: Any, mask: Any, events: Any, keys: Any, classes: Any) -> None:
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
    row[DONE] = row[IS_LAST]


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
def _reset(ctx: Any, e: Any, now: Any, obs: Any, mask: Any, notes: Any, classes: Any, seeds: Any) -> None:
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
    bars = settings[S_BARS]
    row[PITCH] = NO_PITCH
    row[DEGREE] = -1
    row[CHART] = chart_index
    row[SPAN] = -1
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
def _score(
    ctx: Any, e: Any, now: Any, obs: Any, notes: Any, addresses: Any, weights: Any, account: Any, reward: Any, to: Any
) -> Any:
    """Weigh every compiled term of row e into row `to` of the account; -1, or the number of a term that failed.

    A term fails by raising or by giving NaN or infinity; its share is then not written.
    """
    now_at = now.ctypes.data + e * NUM_FIELDS * 4
    obs_at = obs.ctypes.data + e * OBSERVATION_SIZE * 2
    notes_at = notes.ctypes.data + e * NOTE_RING * NUM_NOTE_FIELDS * 4
    num_terms = ctx[C_TERMS]
    total = 0.0
    for k in range(num_terms):
        if addresses[k] == 0:
            continue  # a term in plain Python: its share is written between the two halves of the step
        status, value = call_term(addresses[k], now_at, obs_at, notes_at)
        if status != 0 or not np.isfinite(value):
            return k
        share = weights[k] * value
        account[to, k] = share
        total += share
    illegal = -1.0 if now[e, IS_ILLEGAL] != 0 else 0.0
    account[to, num_terms] = illegal
    reward[to] = total + illegal
    return -1


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
    )


@njit(cache=True)
def _step_arrays(ctx: Any) -> Any:
    envs = ctx[C_ENVS]
    return (
        carray(pointer_to(ctx[C_ACTION], np.int64), (envs,)),
        carray(pointer_to(ctx[C_REWARD], np.float64), (envs,)),
        carray(pointer_to(ctx[C_ACCOUNT], np.float64), (envs, ctx[C_TERMS] + 1)),
    )


@njit(cache=True)
def _term_arrays(ctx: Any) -> Any:
    return (
        carray(pointer_to(ctx[C_ADDRESSES], np.intp), (ctx[C_TERMS] + 1,)),
        carray(pointer_to(ctx[C_WEIGHTS], np.float64), (ctx[C_TERMS] + 1,)),
        carray(pointer_to(ctx[C_LENGTHS], np.int32), (ctx[C_DURATIONS],)),
    )


@njit(void(int64[::1], int64[::1]), cache=True)
def reset_rows(ctx: Any, rows: Any) -> None:
    """Begin new pieces in these rows from the seeds that stand there."""
    now, obs, mask, events, keys, notes, classes, seeds = _state(ctx)
    for i in range(rows.shape[0]):
        _reset(ctx, rows[i], now, obs, mask, notes, classes, seeds)


@njit(void(int64[::1], int64[::1]), cache=True)
def reseed_rows(ctx: Any, rows: Any) -> None:
    """Replace these rows' seeds by their successors: the seed of the next piece is a function of the last one's."""
    seeds = carray(pointer_to(ctx[C_SEEDS], np.uint64), (ctx[C_ENVS],))
    for i in range(rows.shape[0]):
        seeds[rows[i]] = _successor(seeds[rows[i]])


@njit(int64(int64[::1]), cache=True)
def score_rows(ctx: Any) -> Any:
    """First half of a step: play and score; -1, or env * 1,000 + term of the first term that failed."""
    now, obs, mask, events, keys, notes, classes, seeds = _state(ctx)
    envs = ctx[C_ENVS]
    num_terms = ctx[C_TERMS]
    actions, reward, account = _step_arrays(ctx)
    addresses, weights, lengths = _term_arrays(ctx)
    for e in range(envs):
        if now[e, DONE] != 0:
            reward[e] = 0.0
            for k in range(num_terms + 1):
                account[e, k] = 0.0
            continue
        _advance(ctx, e, actions[e], now, obs, mask, events, keys, notes, lengths)
        failed = _score(ctx, e, now, obs, notes, addresses, weights, account, reward, e)
        if failed >= 0:
            return e * 1000 + failed
    return -1


@njit(void(int64[::1], boolean), cache=True)
def settle_rows(ctx: Any, next_step_reset: bool) -> None:
    """Second half of a step: memory, place, masks, and with `next_step_reset` the new piece after an ended one."""
    now, obs, mask, events, keys, notes, classes, seeds = _state(ctx)
    done = carray(pointer_to(ctx[C_DONE], np.bool_), (ctx[C_ENVS],))
    for e in range(ctx[C_ENVS]):
        if now[e, DONE] != 0:
            if next_step_reset:
                seeds[e] = _successor(seeds[e])
                _reset(ctx, e, now, obs, mask, notes, classes, seeds)
                done[e] = False
            continue
        _settle(ctx, e, now, obs, mask, events, keys, classes)
        done[e] = now[e, DONE] != 0


@njit(int64(int64[::1], boolean), cache=True)
def step_rows(ctx: Any, next_step_reset: bool) -> Any:
    """Both halves for one row after the other, while it is in the processor's nearest cache.

    With `next_step_reset`, a row whose piece has ended begins a new one instead, for a reward of 0.
    """
    now, obs, mask, events, keys, notes, classes, seeds = _state(ctx)
    envs = ctx[C_ENVS]
    num_terms = ctx[C_TERMS]
    actions, reward, account = _step_arrays(ctx)
    addresses, weights, lengths = _term_arrays(ctx)
    done = carray(pointer_to(ctx[C_DONE], np.bool_), (envs,))
    for e in range(envs):
        if now[e, DONE] != 0:
            reward[e] = 0.0
            for k in range(num_terms + 1):
                account[e, k] = 0.0
            if next_step_reset:
                seeds[e] = _successor(seeds[e])
                _reset(ctx, e, now, obs, mask, notes, classes, seeds)
                done[e] = False
            continue
        _advance(ctx, e, actions[e], now, obs, mask, events, keys, notes, lengths)
        failed = _score(ctx, e, now, obs, notes, addresses, weights, account, reward, e)
        if failed >= 0:
            return e * 1000 + failed
        _settle(ctx, e, now, obs, mask, events, keys, classes)
        done[e] = now[e, DONE] != 0
    return -1


@njit(int64(int64[::1], float64[:, ::1]), cache=True)
def try_actions(ctx: Any, rewards: Any) -> Any:
    """The immediate reward of every action in every row, float64 (envs, actions); -inf where illegal, 0 in ended rows.

    Nothing is left changed: an event writes only the fields, one note of the ring, and the buffer past its end. Gives
    -1, or env * 1,000 + term of the first term that failed; that row then stands at the moment in which it did.
    """
    now, obs, mask, events, keys, notes, classes, seeds = _state(ctx)
    envs = ctx[C_ENVS]
    num_terms = ctx[C_TERMS]
    account = np.zeros((1, num_terms + 1))
    reward = np.zeros(1)
    addresses, weights, lengths = _term_arrays(ctx)
    fields = np.empty(NUM_FIELDS, np.int32)
    note = np.empty(NUM_NOTE_FIELDS, np.int32)
    for e in range(envs):
        at = now[e, NUM_NOTES] % NOTE_RING
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
            _advance(ctx, e, action, now, obs, mask, events, keys, notes, lengths)
            failed = _score(ctx, e, now, obs, notes, addresses, weights, account, reward, 0)
            if failed >= 0:
                return e * 1000 + failed
            for i in range(NUM_FIELDS):
                now[e, i] = fields[i]
            for i in range(NUM_NOTE_FIELDS):
                notes[e, at, i] = note[i]
            rewards[e, action] = reward[0]
    return -1


@njit(void(int16[:, ::1], float32[::1], float32[:, ::1]), cache=True)
def float_view(obs: Any, scale: Any, out: Any) -> None:
    """Integers times their scale: int16 (envs, size), float32 (size), into float32 (envs, size)."""
    for e in range(obs.shape[0]):
        for i in range(obs.shape[1]):
            out[e, i] = np.float32(obs[e, i]) * scale[i]
