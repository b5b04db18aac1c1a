"""The compiled part of what is learned: features of windows, n-gram counts, models evaluated, melodies climbed.

As the engine's kernel, this file is never imported under its own name: `rlcompose.engine.cache` imports a copy named by
the hash of its text. A melody is three int16 arrays: onsets and ends in slots (sixteenths) from the beginning of the
piece, pitches in semitones above the tonic. A window is a row of `WINDOW`: numbers about the melody's metre and key,
and which notes and slots it is.
"""
# ruff: noqa: D103  - the kernel's own functions are described where they are called

from __future__ import annotations

from typing import Any

import numpy as np
from numba import boolean, float32, float64, int16, int32, int64, njit, types, uint64, void

from rlcompose.engine.layout import EVENT_BUFFER, FIELD, PITCH_CODE_OFFSET, REST_CODE
from rlcompose.learned.layout import (
    DEGREES_AT,
    ECHOES_AT,
    FEATURE,
    FLOOR,
    INTERVALS_AT,
    LAGS,
    LEAST_AT,
    LENGTH_EDGES,
    LENGTHS_AT,
    LIKELIHOODS_AT,
    MAX_BARS,
    MAX_INTERVAL,
    MAX_NOTES,
    NUM_FEATURES,
    NUM_INTERVALS,
    NUM_KINDS,
    NUM_STYLES,
    NUM_TIMES,
    PAIRS_AT,
    PITCH_LAGS_AT,
    PLACES_AT,
    RHYTHM_LAGS_AT,
    SIZES_AT,
    SLOT_OF_TICK,
    SLOTS_PER_QUARTER,
    SPREAD_AT,
    TIME_EDGES,
    TIMES_AT,
    WIDEST,
)

# Columns of a window: the notes first ... last - 1, the first slot, the bars, slots of a bar and of a beat, the scale
# as bits, degree k in bit k.
FIRST, LAST, START, BARS, BAR, BEAT, SCALE = range(7)
WINDOW_COLUMNS = 7

DENSITY, REST_SHARE, LONGEST_REST, LINES = (
    FEATURE["density"],
    FEATURE["rest_share"],
    FEATURE["longest_rest"],
    FEATURE["lines"],
)
LEGATO, IOI_MEAN, IOI_SPREAD, IOI_SAME = (
    FEATURE["legato"],
    FEATURE["ioi_mean"],
    FEATURE["ioi_spread"],
    FEATURE["ioi_same"],
)
IOI_DOUBLE, IOI_DOTTED, IOI_VARIETY = FEATURE["ioi_double"], FEATURE["ioi_dotted"], FEATURE["ioi_variety"]
SYNCOPATION, DENSITY_SPREAD, DENSITY_CHANGE = (
    FEATURE["syncopation"],
    FEATURE["density_spread"],
    FEATURE["density_change"],
)
SILENT_BARS, RHYTHM_VARIETY, COMMONEST_RHYTHM = (
    FEATURE["silent_bars"],
    FEATURE["rhythm_variety"],
    FEATURE["commonest_rhythm"],
)
FIRST_ONSET, LAST_SILENCE, STARTS_TOGETHER = (
    FEATURE["first_onset"],
    FEATURE["last_silence"],
    FEATURE["starts_together"],
)
CHROMATIC, SCALE_RUN, ARPEGGIO, TWO_LEAPS = (
    FEATURE["chromatic"],
    FEATURE["scale_run"],
    FEATURE["arpeggio"],
    FEATURE["two_leaps"],
)
ALTERNATION, TURNS, LEAP_TURNS, LONGEST_RUN = (
    FEATURE["alternation"],
    FEATURE["turns"],
    FEATURE["leap_turns"],
    FEATURE["longest_run"],
)
MEAN_INTERVAL, INTERVAL_VARIETY, PAIR_VARIETY = (
    FEATURE["mean_interval"],
    FEATURE["interval_variety"],
    FEATURE["interval_pair_variety"],
)
IN_SCALE, ON_BEAT_IN_SCALE, DEGREE_VARIETY, NUM_DEGREES = (
    FEATURE["in_scale"],
    FEATURE["on_beat_in_scale"],
    FEATURE["degree_variety"],
    FEATURE["num_degrees"],
)
RANGE, PITCH_SPREAD, PITCH_VARIETY = FEATURE["range"], FEATURE["pitch_spread"], FEATURE["pitch_variety"]
FIRST_IS_TONIC, LAST_IS_TONIC, TONIC_ON_BEATS = (
    FEATURE["first_is_tonic"],
    FEATURE["last_is_tonic"],
    FEATURE["tonic_on_beats"],
)
BAR_RANGE, BAR_DRIFT, HALF_DRIFT = FEATURE["bar_range"], FEATURE["bar_drift"], FEATURE["half_drift"]
SLOPE, PEAK = FEATURE["slope"], FEATURE["peak"]
MOTIF_2, MOTIF_3, INTERVAL_MOTIF_3, RHYTHM_MOTIF_4, LONGEST_RETURN = (
    FEATURE["motif_2"],
    FEATURE["motif_3"],
    FEATURE["interval_motif_3"],
    FEATURE["rhythm_motif_4"],
    FEATURE["longest_return"],
)
LEAP = 5  # semitones: a fourth
BITS = 96  # slots of the longest bar, 16/2
WORST_BARS = 3

_TIME_CLASS = np.zeros(BITS * MAX_BARS + 1, np.int64)
for _slots in range(len(_TIME_CLASS)):
    _TIME_CLASS[_slots] = np.searchsorted(np.array(TIME_EDGES), _slots)
_LENGTH_CLASS = np.zeros(BITS * MAX_BARS + 1, np.int64)
for _slots in range(len(_LENGTH_CLASS)):
    _LENGTH_CLASS[_slots] = np.searchsorted(np.array(LENGTH_EDGES), _slots)
_LAGS = np.array(LAGS)
_SLOT_OF_TICK = np.array(SLOT_OF_TICK)
# Size of an interval in semitones -> column behind `SIZES_AT`, up first.
_SIZE = np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 7, 8, 8, 9, 10])


@njit(cache=True)
def _kind(interval: Any) -> Any:
    size = abs(interval)
    if size == 0:
        return 0
    base = 1 if size <= 2 else (3 if size <= 4 else 5)
    return base + (interval < 0)


@njit(cache=True)
def _bounded(interval: Any) -> Any:
    return min(max(interval, -MAX_INTERVAL), MAX_INTERVAL) + MAX_INTERVAL


@njit(cache=True)
def _place(slot: Any, bar: Any, beat: Any) -> Any:
    at = slot % bar
    if at == 0:
        return 0
    if at % beat == 0:
        return 1 if 2 * at == bar and bar >= 3 * beat or 2 * at == bar and beat > SLOTS_PER_QUARTER else 2
    return 3 if at % beat % 2 == 0 else 4


@njit(cache=True)
def _log_probabilities(
    k: Any, onsets: Any, pitches: Any, window: Any, melody: Any, degree: Any, rhythm: Any, out: Any
) -> None:
    """What each style's tables give note k of the window, one row of `out` (viewpoints, styles); 0 where not asked."""
    first, bar, beat = window[FIRST], window[BAR], window[BEAT]
    out[:] = 0.0
    if k >= first + 2:
        before = _bounded(pitches[k - 1] - pitches[k - 2])
        kind = _kind(pitches[k - 2] - pitches[k - 3]) if k >= first + 3 else 0
        now = _bounded(pitches[k] - pitches[k - 1])
        for s in range(NUM_STYLES):
            out[0, s] = melody[s, before, kind, now]
    if k >= first + 1:
        on_beat = int(onsets[k] % bar % beat == 0)
        for s in range(NUM_STYLES):
            out[1, s] = degree[s, pitches[k - 1] % 12, on_beat, pitches[k] % 12]
    if k >= first + 2:
        compound = int(beat > SLOTS_PER_QUARTER)
        place = _place(onsets[k - 1], bar, beat)
        before = _TIME_CLASS[min(onsets[k - 1] - onsets[k - 2], len(_TIME_CLASS) - 1)]
        now = _TIME_CLASS[min(onsets[k] - onsets[k - 1], len(_TIME_CLASS) - 1)]
        for s in range(NUM_STYLES):
            out[2, s] = rhythm[s, compound, place, before, now]


@njit(cache=True)
def _entropy(counts: Any, total: Any) -> Any:
    result = 0.0
    if total > 0:
        for count in counts:
            if count > 0:
                result -= count / total * np.log2(count / total)
    return result


@njit(cache=True)
def _features(
    onsets: Any, ends: Any, pitches: Any, window: Any, melody: Any, degree: Any, rhythm: Any, out: Any
) -> None:
    first, last, start, bars = window[FIRST], window[LAST], window[START], window[BARS]
    bar, beat, scale = window[BAR], window[BEAT], window[SCALE]
    last = min(last, first + MAX_NOTES)
    n = last - first
    out[:] = 0.0
    total = bars * bar
    end = start + total
    if n == 0:
        out[REST_SHARE] = 1.0
        out[LONGEST_REST] = bars
        out[SILENT_BARS] = 1.0
        out[FIRST_ONSET] = bars
        out[LAST_SILENCE] = bars
        return
    quarters = total / SLOTS_PER_QUARTER
    out[DENSITY] = n / quarters
    # --- rhythm
    bits = np.zeros((MAX_BARS, BITS), np.int8)  # pitch + 100 where a note begins
    per_bar = np.zeros(MAX_BARS, np.int64)
    sums = np.zeros(MAX_BARS, np.float64)
    lows = np.full(MAX_BARS, 1000, np.int64)
    highs = np.full(MAX_BARS, -1000, np.int64)
    silence = float(onsets[first] - start)
    longest = silence
    out[FIRST_ONSET] = silence / bar
    lines = 0
    sounding = 0.0
    legato = 0.0
    syncopated = 0
    on_beats = 0
    tonic_on_beats = 0
    scale_on_beats = 0
    pcs = np.zeros(12, np.int64)
    low, high = 1000, -1000
    mean = 0.0
    seen = np.zeros(256, np.int8)
    different = 0
    for k in range(first, last):
        at = onsets[k] - start
        number = at // bar
        pitch = int(pitches[k])
        bits[number, at % bar] = max(min(pitch, 60), -60) + 64
        per_bar[number] += 1
        sums[number] += pitch
        lows[number] = min(lows[number], pitch)
        highs[number] = max(highs[number], pitch)
        until = min(int(ends[k]), end)
        following = int(onsets[k + 1]) if k + 1 < last else end
        until = min(until, following)
        length = max(until - onsets[k], 1)
        sounding += length
        legato += length / max(following - onsets[k], 1)
        gap = following - until
        silence += gap
        longest = max(longest, gap)
        if gap > 0:
            lines += 1
        out[LENGTHS_AT + _LENGTH_CLASS[min(length, len(_LENGTH_CLASS) - 1)]] += 1.0 / n
        place = _place(at, bar, beat)
        out[PLACES_AT + place] += 1.0 / n
        if place >= 3 and until > onsets[k] + beat - at % beat:
            syncopated += 1
        pc = pitch % 12
        pcs[pc] += 1
        if place < 3:
            on_beats += 1
            if scale >> pc & 1:
                scale_on_beats += 1
                if pc == 0 or pc == 7 or pc == 3 or pc == 4:
                    tonic_on_beats += 1
        low, high = min(low, pitch), max(high, pitch)
        mean += pitch
        if seen[pitch & 255] == 0:
            seen[pitch & 255] = 1
            different += 1
    mean /= n
    out[REST_SHARE] = max(total - sounding, 0.0) / total
    out[LONGEST_REST] = longest / bar
    out[LINES] = lines / bars
    out[LEGATO] = legato / n
    out[SYNCOPATION] = syncopated / n
    out[LAST_SILENCE] = (end - min(int(ends[last - 1]), end)) / bar
    # --- times from onset to onset
    times = n - 1
    time_pairs = np.zeros(NUM_TIMES * NUM_TIMES, np.int64)
    if times > 0:
        squares = 0.0
        for k in range(first + 1, last):
            time = int(onsets[k] - onsets[k - 1])
            kind = _TIME_CLASS[min(time, len(_TIME_CLASS) - 1)]
            out[TIMES_AT + kind] += 1.0 / times
            logarithm = np.log(float(max(time, 1)))
            out[IOI_MEAN] += logarithm / times
            squares += logarithm * logarithm / times
            if k >= first + 2:
                before = int(onsets[k - 1] - onsets[k - 2])
                if time == before:
                    out[IOI_SAME] += 1.0 / (times - 1)
                elif time == 2 * before or before == 2 * time:
                    out[IOI_DOUBLE] += 1.0 / (times - 1)
                elif time == 3 * before or before == 3 * time:
                    out[IOI_DOTTED] += 1.0 / (times - 1)
                time_pairs[_TIME_CLASS[min(before, len(_TIME_CLASS) - 1)] * NUM_TIMES + kind] += 1
        out[IOI_SPREAD] = np.sqrt(max(squares - out[IOI_MEAN] ** 2, 0.0))
        out[IOI_VARIETY] = _entropy(time_pairs, times - 1)
    # --- bars against bars
    mean_notes = n / bars
    spread = 0.0
    heads = 0
    silent = 0
    varieties = 0
    commonest = 0
    ranges, with_notes = 0.0, 0
    for b in range(bars):
        spread += (per_bar[b] - mean_notes) ** 2
        heads += bits[b, 0] != 0
        silent += per_bar[b] == 0
        if per_bar[b] > 0:
            ranges += highs[b] - lows[b]
            with_notes += 1
        same = 1
        is_new = True
        for c in range(bars):
            if c != b:
                equal = True
                for s in range(bar):
                    if (bits[b, s] != 0) != (bits[c, s] != 0):
                        equal = False
                        break
                if equal:
                    same += 1
                    is_new = is_new and c > b
        varieties += is_new
        commonest = max(commonest, same)
    out[DENSITY_SPREAD] = np.sqrt(spread / bars) / mean_notes
    out[STARTS_TOGETHER] = heads / bars
    out[SILENT_BARS] = silent / bars
    out[RHYTHM_VARIETY] = varieties / bars
    out[COMMONEST_RHYTHM] = commonest / bars
    out[BAR_RANGE] = ranges / with_notes
    changes, drifts, num_drifts = 0.0, 0.0, 0
    for b in range(bars - 1):
        changes += abs(per_bar[b + 1] - per_bar[b]) / mean_notes
        if per_bar[b] > 0 and per_bar[b + 1] > 0:
            drifts += abs(sums[b + 1] / per_bar[b + 1] - sums[b] / per_bar[b])
            num_drifts += 1
    if bars > 1:
        out[DENSITY_CHANGE] = changes / (bars - 1)
    if num_drifts > 0:
        out[BAR_DRIFT] = drifts / num_drifts
    for number in range(len(_LAGS)):
        lag = _LAGS[number]
        likeness, melodies, pairs = 0.0, 0.0, 0
        for b in range(bars - lag):
            both, either, equals = 0, 0, 0
            for s in range(bar):
                one, two = bits[b, s], bits[b + lag, s]
                both += one != 0 and two != 0
                either += one != 0 or two != 0
                equals += one != 0 and one == two
            likeness += both / either if either > 0 else 1.0
            melodies += equals / either if either > 0 else 1.0
            pairs += 1
        if pairs > 0:
            out[RHYTHM_LAGS_AT + number] = likeness / pairs
            out[PITCH_LAGS_AT + number] = melodies / pairs
    for number in range(4):
        lag = 2 << number
        found = 0
        for k in range(first, last):
            at = onsets[k] - start + lag
            found += at < total and bits[at // bar, at % bar] != 0
        out[ECHOES_AT + number] = found / n
    # --- pitch
    for pc in range(12):
        out[DEGREES_AT + pc] = pcs[pc] / n
        if scale >> pc & 1:
            out[IN_SCALE] += pcs[pc] / n
        out[NUM_DEGREES] += (pcs[pc] > 0) / 12.0
    out[DEGREE_VARIETY] = _entropy(pcs, n)
    if on_beats > 0:
        out[ON_BEAT_IN_SCALE] = scale_on_beats / on_beats
        out[TONIC_ON_BEATS] = tonic_on_beats / on_beats
    out[RANGE] = (high - low) / 24.0
    out[PITCH_VARIETY] = different / n
    out[FIRST_IS_TONIC] = 1.0 if pitches[first] % 12 == 0 else 0.0
    out[LAST_IS_TONIC] = 1.0 if pitches[last - 1] % 12 == 0 else 0.0
    variance, covariance, time_variance, time_mean = 0.0, 0.0, 0.0, 0.0
    for k in range(first, last):
        time_mean += (onsets[k] - start) / n
    peak, halves, in_halves = 0.0, np.zeros(2), np.zeros(2)
    for k in range(first, last):
        off, late = pitches[k] - mean, onsets[k] - start - time_mean
        variance += off * off / n
        covariance += off * late / n
        time_variance += late * late / n
        if pitches[k] == high:
            peak = (onsets[k] - start) / total
        half = int(2 * (onsets[k] - start) >= total)
        halves[half] += pitches[k]
        in_halves[half] += 1
    out[PITCH_SPREAD] = np.sqrt(variance)
    if variance > 0 and time_variance > 0:
        out[SLOPE] = abs(covariance) / np.sqrt(variance * time_variance)
    out[PEAK] = peak
    if in_halves[0] > 0 and in_halves[1] > 0:
        out[HALF_DRIFT] = halves[1] / in_halves[1] - halves[0] / in_halves[0]
    intervals = n - 1
    counts = np.zeros(NUM_INTERVALS, np.int64)
    pair_seen = np.zeros((NUM_INTERVALS, NUM_INTERVALS), np.int8)
    if intervals > 0:
        turns, leaps, leap_turns, run, longest_run, direction, pair_kinds = 0, 0, 0, 0, 0, 0, 0
        for k in range(first + 1, last):
            interval = int(pitches[k] - pitches[k - 1])
            size = abs(interval)
            counts[_bounded(interval)] += 1
            out[MEAN_INTERVAL] += size / intervals
            if size == 0:
                out[INTERVALS_AT] += 1.0 / intervals
            else:
                column = _SIZE[min(size, MAX_INTERVAL)]
                out[SIZES_AT + 2 * column + (interval < 0)] += 1.0 / intervals
                way = 1 if interval > 0 else -1
                turns += direction != 0 and way != direction
                run = run + 1 if way == direction else 1
                direction = way
                longest_run = max(longest_run, run)
            if k >= first + 2:
                before = int(pitches[k - 1] - pitches[k - 2])
                one, two = _kind(before), _kind(interval)
                share = 1.0 / (intervals - 1)
                out[PAIRS_AT + one * NUM_KINDS + two] += share
                pair_kinds += pair_seen[_bounded(before), _bounded(interval)] == 0
                pair_seen[_bounded(before), _bounded(interval)] = 1
                same_way = before * interval > 0
                if same_way and abs(before) == 1 and size == 1:
                    out[CHROMATIC] += share
                if same_way and abs(before) <= 2 and size <= 2:
                    out[SCALE_RUN] += share
                if same_way and 3 <= abs(before) <= 5 and 3 <= size <= 5:
                    out[ARPEGGIO] += share
                if abs(before) >= LEAP and size >= LEAP:
                    out[TWO_LEAPS] += share
                if interval == -before and size > 0:
                    out[ALTERNATION] += share
                if abs(before) >= LEAP:
                    leaps += 1
                    leap_turns += before * interval < 0
        out[TURNS] = turns / intervals
        out[LONGEST_RUN] = longest_run / intervals
        if leaps > 0:
            out[LEAP_TURNS] = leap_turns / leaps
        out[INTERVAL_VARIETY] = _entropy(counts, intervals)
        if intervals > 1:
            out[PAIR_VARIETY] = pair_kinds / (intervals - 1)
    _motifs(onsets, pitches, first, last, out)
    _likelihoods(onsets, pitches, window, melody, degree, rhythm, out)


@njit(cache=True)
def _motifs(onsets: Any, pitches: Any, first: Any, last: Any, out: Any) -> None:
    """What returns. Longest common suffixes of all pairs of notes, as far back as the window reaches."""
    n = last - first
    steps, times = np.zeros(MAX_NOTES, np.int32), np.zeros(MAX_NOTES, np.int32)
    for k in range(1, n):
        steps[k] = pitches[first + k] - pitches[first + k - 1]
        times[k] = onsets[first + k] - onsets[first + k - 1]
    # Column j of a table: how many steps, times, or both, end alike at note k and at note j. One table is of the note
    # before: where no array is read and written at once, and all have one narrow type, the loop is four times faster.
    tables = np.zeros((2, 3, MAX_NOTES), np.int32)
    longest = 0
    found_2, found_3, tones_3, rhythms_4 = 0, 0, 0, 0
    for k in range(1, n):
        tones, rhythms, both = tables[k & 1, 0], tables[k & 1, 1], tables[k & 1, 2]
        new_tones, new_rhythms, new_both = tables[1 - (k & 1), 0], tables[1 - (k & 1), 1], tables[1 - (k & 1), 2]
        step, time = steps[k], times[k]
        most, most_tones, most_rhythms = int32(0), int32(0), int32(0)
        for j in range(1, k):
            same_step, same_time = int32(steps[j] == step), int32(times[j] == time)
            tone = int32((tones[j - 1] + int32(1)) * same_step)
            rhythm = int32((rhythms[j - 1] + int32(1)) * same_time)
            pair = int32((both[j - 1] + int32(1)) * (same_step & same_time))
            new_tones[j], new_rhythms[j], new_both[j] = tone, rhythm, pair
            # What overlaps itself (a trill, a scale in eighths) is no return.
            away = int32(k - j)
            most = max(most, min(pair, away))
            most_tones = max(most_tones, min(tone, away))
            most_rhythms = max(most_rhythms, min(rhythm, away))
        found_2 += most >= 2
        found_3 += most >= 3
        tones_3 += most_tones >= 3
        rhythms_4 += most_rhythms >= 4
        longest = max(longest, most)
    out[MOTIF_2], out[MOTIF_3] = found_2 / n, found_3 / n
    out[INTERVAL_MOTIF_3], out[RHYTHM_MOTIF_4] = tones_3 / n, rhythms_4 / n
    out[LONGEST_RETURN] = longest / n


@njit(cache=True)
def _likelihoods(onsets: Any, pitches: Any, window: Any, melody: Any, degree: Any, rhythm: Any, out: Any) -> None:
    first, last, start, bar = window[FIRST], min(window[LAST], window[FIRST] + MAX_NOTES), window[START], window[BAR]
    each = np.zeros((3, NUM_STYLES), np.float64)
    sums = np.zeros((3, NUM_STYLES))
    counts = np.zeros(3)
    totals, squares = np.zeros(NUM_STYLES), np.zeros(NUM_STYLES)
    by_bar, in_bar = np.zeros((MAX_BARS, NUM_STYLES)), np.zeros(MAX_BARS)
    for k in range(first + 1, last):
        _log_probabilities(k, onsets, pitches, window, melody, degree, rhythm, each)
        counts[1] += 1
        if k >= first + 2:
            counts[0] += 1
            counts[2] += 1
        number = (onsets[k] - start) // bar
        in_bar[number] += 1
        for s in range(NUM_STYLES):
            total = 0.0
            for view in range(3):
                sums[view, s] += each[view, s]
                total += each[view, s]
            totals[s] += total
            squares[s] += total * total
            by_bar[number, s] += total
    if counts[1] == 0:
        return
    for view in range(3):
        for s in range(NUM_STYLES):
            if counts[view] > 0:
                out[LIKELIHOODS_AT + view * NUM_STYLES + s] = sums[view, s] / counts[view]
    for s in range(NUM_STYLES):
        average = totals[s] / counts[1]
        out[SPREAD_AT + s] = np.sqrt(max(squares[s] / counts[1] - average * average, 0.0))
        worst = np.zeros(WORST_BARS)
        for b in range(MAX_BARS):
            if in_bar[b] > 0:
                value = by_bar[b, s] / in_bar[b]
                at = 0
                for w in range(1, WORST_BARS):
                    if worst[w] > worst[at]:
                        at = w
                if value < worst[at]:
                    worst[at] = value
        out[LEAST_AT + s] = worst.mean()


# --- models -----------------------------------------------------------------------------------------------------------


@njit(cache=True)
def _copy(source: Any, target: Any) -> None:
    """What `target[:] = source` does, for which numba compiles seconds of broadcasting."""
    for k in range(len(source)):
        target[k] = source[k]


@njit(cache=True)
def _softmax(logits: Any) -> None:
    top = logits[0]
    for c in range(1, len(logits)):
        top = max(top, logits[c])
    total = 0.0
    for c in range(len(logits)):
        logits[c] = np.exp(logits[c] - top)
        total += logits[c]
    for c in range(len(logits)):
        logits[c] /= total


@njit(cache=True)
def _dense(inputs: Any, weights: Any, bias: Any, out: Any) -> None:
    _copy(bias, out)
    for i in range(len(inputs)):
        value = inputs[i]
        if value != 0:
            for o in range(len(out)):
                out[o] += value * weights[i, o]


@njit(cache=True)
def _boosted(features: Any, roots: Any, nodes: Any, value: Any, edges: Any, edge_at: Any, base: Any, out: Any) -> None:
    """Sum of trees (rounds, columns): see `PACKED` in `trees.py`.

    The trees of a round are walked side by side, without branches: a walk alone would wait for memory at every node.
    """
    columns = roots.shape[1]
    codes, at = np.empty(NUM_FEATURES, np.int32), np.empty(columns, np.int32)
    for f in range(NUM_FEATURES):
        feature, count = features[f], int32(0)
        for k in range(edge_at[f], edge_at[f + 1]):  # counted faster than searched for: there are a few dozen
            count += int32(edges[k] < feature)
        codes[f] = count
    _copy(base, out)
    for round_ in range(roots.shape[0]):
        for c in range(columns):
            at[c] = roots[round_, c]
        moved = True
        while moved:
            steps = 0
            for c in range(columns):
                node = int32(nodes[at[c]])
                left, right = (node >> 16) & 127, (node >> 23) & 255
                step = right if codes[node & 255] > (node >> 8) & 255 else left
                at[c] += step
                steps += step
            moved = steps > 0
        for c in range(columns):
            out[c] += value[at[c]]


@njit(cache=True)
def _judge(features: Any, models: Any, hidden: Any, hidden_2: Any, work: Any, out: Any) -> None:
    """The judge's probabilities of a window: what its models say, weighed in logarithms, then calibrated."""
    mean, scale, linear, linear_bias, dense_1, bias_1, dense_2, bias_2, dense_3, bias_3 = models[:10]
    roots, nodes, value, edges, edge_at, base, shares, bias = models[10:]
    _copy(bias, out)
    _boosted(features, roots, nodes, value, edges, edge_at, base, work)
    _softmax(work)
    for c in range(len(out)):
        out[c] += shares[0] * np.log(work[c] + FLOOR)
    for f in range(len(features)):
        z = (features[f] - mean[f]) * scale[f]
        features[f] = min(max(z, -WIDEST), WIDEST)
    _dense(features, linear, linear_bias, work)
    _softmax(work)
    for c in range(len(out)):
        out[c] += shares[1] * np.log(work[c] + FLOOR)
    _dense(features, dense_1, bias_1, hidden)
    for h in range(len(hidden)):
        hidden[h] = max(hidden[h], 0.0)
    _dense(hidden, dense_2, bias_2, hidden_2)
    for h in range(len(hidden_2)):
        hidden_2[h] = max(hidden_2[h], 0.0)
    _dense(hidden_2, dense_3, bias_3, work)
    _softmax(work)
    for c in range(len(out)):
        out[c] += shares[2] * np.log(work[c] + FLOOR)
    _softmax(out)


# --- what is called from Python ---------------------------------------------------------------------------------------

_MELODY = (int16[::1], int16[::1], int16[::1])
_TABLES = (float32[:, :, :, ::1], float32[:, :, :, ::1], float32[:, :, :, :, ::1])


@njit(void(*_MELODY, int32[:, ::1], *_TABLES, float32[:, ::1]), cache=True)
def features_of(
    onsets: Any, ends: Any, pitches: Any, windows: Any, melody: Any, degree: Any, rhythm: Any, out: Any
) -> None:
    """The features of many windows, one row each; the tables are logarithms, (styles, *shape)."""
    row = np.empty(NUM_FEATURES, np.float64)
    for w in range(len(windows)):
        _features(onsets, ends, pitches, windows[w], melody, degree, rhythm, row)
        for f in range(NUM_FEATURES):
            out[w, f] = row[f]


@njit(void(*_MELODY, int32[:, ::1], int64[::1], *_TABLES), cache=True)
def count_ngrams(
    onsets: Any, ends: Any, pitches: Any, windows: Any, styles: Any, melody: Any, degree: Any, rhythm: Any
) -> None:
    """Add the notes of many windows (mostly whole pieces) to the counts of their styles."""
    for w in range(len(windows)):
        window, s = windows[w], styles[w]
        first, last, bar, beat = window[FIRST], window[LAST], window[BAR], window[BEAT]
        for k in range(first + 1, last):
            on_beat = int(onsets[k] % bar % beat == 0)
            degree[s, pitches[k - 1] % 12, on_beat, pitches[k] % 12] += 1
            if k >= first + 2:
                kind = _kind(pitches[k - 2] - pitches[k - 3]) if k >= first + 3 else 0
                before, now = _bounded(pitches[k - 1] - pitches[k - 2]), _bounded(pitches[k] - pitches[k - 1])
                melody[s, before, kind, now] += 1
                compound = int(beat > SLOTS_PER_QUARTER)
                place = _place(onsets[k - 1], bar, beat)
                before = _TIME_CLASS[min(onsets[k - 1] - onsets[k - 2], len(_TIME_CLASS) - 1)]
                now = _TIME_CLASS[min(onsets[k] - onsets[k - 1], len(_TIME_CLASS) - 1)]
                rhythm[s, compound, place, before, now] += 1


_MODELS = types.Tuple(
    (
        *(float32[::1], float32[::1], float32[:, ::1], float32[::1]),
        *(float32[:, ::1], float32[::1], float32[:, ::1], float32[::1], float32[:, ::1], float32[::1]),
        *(int32[:, ::1], int32[::1], float32[::1], float32[::1], int32[::1], float32[::1]),
        *(float32[::1], float32[::1]),
    )
)


@njit(
    void(
        float32[:, ::1],
        *(int32[:, ::1], int32[::1], float32[::1], float32[::1], int32[::1], float32[::1]),
        float32[:, ::1],
    ),
    cache=True,
)
def boosted(features: Any, roots: Any, nodes: Any, value: Any, edges: Any, edge_at: Any, base: Any, out: Any) -> None:
    """The sums of trees (rounds, columns) for many windows, one row each: see `PACKED` in `trees.py`."""
    for w in range(len(features)):
        _boosted(features[w], roots, nodes, value, edges, edge_at, base, out[w])


@njit(void(*_MELODY, int32[:, ::1], *_TABLES, _MODELS, float32[:, ::1]), cache=True, nogil=True)
def judge_windows(
    onsets: Any, ends: Any, pitches: Any, windows: Any, melody: Any, degree: Any, rhythm: Any, models: Any, out: Any
) -> None:
    """The judge's probabilities of many windows, one row each."""
    row = np.empty(NUM_FEATURES, np.float32)
    exact = np.empty(NUM_FEATURES, np.float64)
    hidden, hidden_2 = np.empty(len(models[5]), np.float32), np.empty(len(models[7]), np.float32)
    work, result = np.empty(out.shape[1], np.float32), np.empty(out.shape[1], np.float32)
    for w in range(len(windows)):
        _features(onsets, ends, pitches, windows[w], melody, degree, rhythm, exact)
        _copy(exact, row)
        _judge(row, models, hidden, hidden_2, work, result)
        _copy(result, out[w])


@njit(void(float32[:, ::1], _MODELS, float32[:, ::1]), cache=True, nogil=True)
def judge_features(features: Any, models: Any, out: Any) -> None:
    """The judge's probabilities of many windows whose features are known, one row each."""
    row = np.empty(NUM_FEATURES, np.float32)
    hidden, hidden_2 = np.empty(len(models[5]), np.float32), np.empty(len(models[7]), np.float32)
    work, result = np.empty(out.shape[1], np.float32), np.empty(out.shape[1], np.float32)
    for w in range(len(features)):
        _copy(features[w], row)
        _judge(row, models, hidden, hidden_2, work, result)
        _copy(result, out[w])


ROW_FIELDS = ("cursor", "onset", "ticks", "bar_ticks", "beat_ticks", "num_events", "bars", "mode")
CURSOR, ONSET, TICKS, BAR_TICKS, BEAT_TICKS, NUM_EVENTS, ALL_BARS, MODE = [FIELD[name] for name in ROW_FIELDS]
TWO_QUARTERS = 2 * SLOTS_PER_QUARTER
TICKS_PER_SLOT = 3
NEVER_ZERO = 1e-9  # added to a probability before its logarithm


@njit(cache=True)
def _slot(tick: Any) -> Any:
    return tick // 12 * SLOTS_PER_QUARTER + _SLOT_OF_TICK[tick % 12]


@njit(cache=True)
def _paid(probabilities: Any, blend: Any) -> Any:
    """What probabilities earn, 0 to 1; `blend` is the shares of the styles, then OFFSET, FLOOR and CAP of the score."""
    score = blend[NUM_STYLES]
    for s in range(NUM_STYLES):
        if blend[s] > 0:
            score += blend[s] * np.log(float64(probabilities[s]) + NEVER_ZERO)
    floor, cap = blend[NUM_STYLES + 1], blend[NUM_STYLES + 2]
    return min(max((score - floor) / (cap - floor), 0.0), 1.0)


@njit(void(float32[:, ::1], float64[::1], float64[::1]), cache=True)
def pay(probabilities: Any, blend: Any, out: Any) -> None:
    """What the probabilities of many windows earn, 0 to 1 each."""
    for w in range(len(probabilities)):
        out[w] = _paid(probabilities[w], blend)


@njit(cache=True)
def _room_for_a_row() -> Any:
    """For `_window_of_row` the onsets, ends and pitches, and the window; and for its features."""
    notes = np.empty((3, EVENT_BUFFER), np.int16)
    return notes[0], notes[1], notes[2], np.zeros(WINDOW_COLUMNS, np.int32), np.empty(NUM_FEATURES, np.float64)


@njit(cache=True)
def _window_of_row(events: Any, fields: Any, scales: Any, onsets: Any, ends: Any, pitches: Any, window: Any) -> Any:
    """The last eight bars of a row midway in a step, as a window of their notes: how many bars end with its event.

    0 where none ends or the first has not; then nothing is written.
    """
    bar_ticks = int(fields[BAR_TICKS])
    end = int(fields[ONSET] + fields[TICKS])
    until = end // bar_ticks * bar_ticks
    ended = (until - fields[ONSET] // bar_ticks * bar_ticks) // bar_ticks
    slots = bar_ticks // TICKS_PER_SLOT
    is_pair = slots == TWO_QUARTERS
    bar = 2 * slots if is_pair else slots  # two bars of 2/4 are one
    bars = min(until // TICKS_PER_SLOT // bar, MAX_BARS)
    if ended == 0 or bars == 0:
        return 0
    begin = until // TICKS_PER_SLOT - bars * bar
    # Backwards from the event just played, to the first that begins within the window.
    at = int(fields[CURSOR])
    first = at
    start = end
    while at >= 0 and fields[CURSOR] - at < fields[NUM_EVENTS]:
        start -= int(events[at, 1])
        if _slot(start) < begin:
            break
        first = at
        at -= 1
    tick = start if at < 0 or fields[CURSOR] - at >= fields[NUM_EVENTS] else start + int(events[at, 1])
    n = 0
    for k in range(first, int(fields[CURSOR]) + 1):
        length = int(events[k, 1])
        slot = _slot(tick)
        code = events[k, 0]
        if code != REST_CODE and slot < begin + bars * bar and (n == 0 or slot > onsets[n - 1]):
            onsets[n] = slot
            ends[n] = max(_slot(tick + length), slot + 1)
            pitches[n] = code - PITCH_CODE_OFFSET
            n += 1
        tick += length
    window[FIRST], window[LAST], window[START], window[BARS] = 0, n, begin, bars
    window[BAR], window[BEAT] = bar, max(int(fields[BEAT_TICKS]) // TICKS_PER_SLOT, 1)
    window[SCALE] = scales[fields[MODE]]
    return ended


@njit(
    void(
        int16[:, :, ::1],
        int32[:, ::1],
        boolean[::1],
        int64[::1],
        *_TABLES,
        _MODELS,
        float64[::1],
        float64[::1],
    ),
    cache=True,
)
def pay_rows(
    events: Any,
    now: Any,
    done: Any,
    scales: Any,
    melody: Any,
    degree: Any,
    rhythm: Any,
    models: Any,
    blend: Any,
    out: Any,
) -> None:
    """What the bars that end with the event earn, for all rows of an engine midway in a step: 0 where none ends.

    The judge is asked about the last eight bars; each bar that ends is paid, divided by the bars of the piece.
    """
    onsets, ends, pitches, window, exact = _room_for_a_row()
    row = np.empty(NUM_FEATURES, np.float32)
    hidden, hidden_2 = np.empty(len(models[5]), np.float32), np.empty(len(models[7]), np.float32)
    classes = len(models[3])
    work, result = np.empty(classes, np.float32), np.empty(classes, np.float32)
    for e in range(len(now)):
        out[e] = 0.0
        if done[e]:
            continue
        ended = _window_of_row(events[e], now[e], scales, onsets, ends, pitches, window)
        if ended == 0:
            continue
        _features(onsets, ends, pitches, window, melody, degree, rhythm, exact)
        _copy(exact, row)
        _judge(row, models, hidden, hidden_2, work, result)
        out[e] = _paid(result, blend) * ended / now[e, ALL_BARS]


@njit(
    void(
        int16[:, :, ::1],
        int32[:, ::1],
        boolean[::1],
        int64[::1],
        *_TABLES,
        float32[:, ::1],
        int64[::1],
    ),
    cache=True,
)
def features_of_rows(
    events: Any,
    now: Any,
    done: Any,
    scales: Any,
    melody: Any,
    degree: Any,
    rhythm: Any,
    out: Any,
    ended: Any,
) -> None:
    """The features of the last eight bars where a bar has ended with the event, and how many bars have; 0 for none.

    Where eight bars have not been played yet none counts as ended: what is learned of windows of eight is not asked.
    """
    onsets, ends, pitches, window, exact = _room_for_a_row()
    for e in range(len(now)):
        ended[e] = 0
        if done[e]:
            continue
        count = _window_of_row(events[e], now[e], scales, onsets, ends, pitches, window)
        if count == 0 or window[BARS] < min(MAX_BARS, now[e, ALL_BARS]) or window[LAST] == 0:
            continue
        _features(onsets, ends, pitches, window, melody, degree, rhythm, exact)
        _copy(exact, out[e])
        ended[e] = count


# --- attacks ----------------------------------------------------------------------------------------------------------

CLIMB_BARS, CLIMB_BAR = 8, 16
CLIMB_SLOTS = CLIMB_BARS * CLIMB_BAR
LOWEST, HIGHEST = -12, 24  # semitones above the tonic: MIDI 48 to 84 in C
MUTANTS = 8
CLIMBED = 0.97  # the judge is fooled, and higher need nobody climb
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True)
def _random(state: Any, below: Any) -> Any:
    """A whole number from 0 to below - 1 by splitmix64 (Steele, Lea and Flood 2014); state is one uint64."""
    state[0] += GOLDEN
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.int64((z >> np.uint64(33)) % np.uint64(below))


@njit(cache=True)
def _copy_grid(source: Any, target: Any) -> None:
    for k in range(CLIMB_SLOTS):
        target[k, 0], target[k, 1] = source[k, 0], source[k, 1]


@njit(cache=True)
def _note_at(melody: Any, state: Any) -> Any:
    """A slot at which a note begins, -1 where there is none."""
    start = _random(state, CLIMB_SLOTS)
    for k in range(CLIMB_SLOTS):
        at = (start + k) % CLIMB_SLOTS
        if melody[at, 1] > 0:
            return at
    return -1


@njit(cache=True)
def _mutate(melody: Any, state: Any, copies_bars: Any) -> None:
    """One to three edits of a grid of slots (pitch, length; 0 where no note begins)."""
    for _ in range(1 + _random(state, 3)):
        way = _random(state, 7 if copies_bars else 6)
        at = _note_at(melody, state)
        if way == 0 or at < 0:
            slot = _random(state, CLIMB_SLOTS)
            pitch = LOWEST + _random(state, HIGHEST - LOWEST + 1)
            if at >= 0 and _random(state, 2):
                pitch = melody[at, 0] + _random(state, 9) - 4
            melody[slot, 0], melody[slot, 1] = pitch, 1 + _random(state, 8)
        elif way == 1:
            if _random(state, 2):
                melody[at, 0] += _random(state, 9) - 4
            else:
                melody[at, 0] = LOWEST + _random(state, HIGHEST - LOWEST + 1)
        elif way == 2:
            melody[at, 1] = 0
        elif way == 3:
            to = min(max(at + _random(state, 9) - 4, 0), CLIMB_SLOTS - 1)
            pitch, length = melody[at, 0], melody[at, 1]
            melody[at, 1] = 0
            melody[to, 0], melody[to, 1] = pitch, length
        elif way == 4:
            melody[at, 1] = 1 + _random(state, 16)
        elif way == 5:
            # Time is put in or taken out behind the note: what follows moves.
            by = _random(state, 7) - 3
            if by > 0:
                for k in range(CLIMB_SLOTS - 1, at, -1):
                    melody[k, 0] = melody[max(k - by, at), 0]
                    melody[k, 1] = melody[k - by, 1] if k - by > at else 0
            else:
                for k in range(at + 1, CLIMB_SLOTS):
                    melody[k, 0] = melody[min(k - by, CLIMB_SLOTS - 1), 0]
                    melody[k, 1] = melody[k - by, 1] if k - by < CLIMB_SLOTS else 0
        else:
            source, target = _random(state, CLIMB_BARS), _random(state, CLIMB_BARS)
            by = _random(state, 9) - 4 if _random(state, 2) else 0
            for k in range(CLIMB_BAR):
                melody[target * CLIMB_BAR + k, 0] = melody[source * CLIMB_BAR + k, 0] + by
                melody[target * CLIMB_BAR + k, 1] = melody[source * CLIMB_BAR + k, 1]
        for k in range(CLIMB_SLOTS):
            melody[k, 0] = min(max(melody[k, 0], LOWEST), HIGHEST)


@njit(cache=True)
def _listed(melody: Any, onsets: Any, ends: Any, pitches: Any) -> Any:
    n = 0
    for k in range(CLIMB_SLOTS):
        if melody[k, 1] > 0:
            if n > 0:
                ends[n - 1] = min(int(ends[n - 1]), k)
            onsets[n], ends[n], pitches[n] = k, min(k + melody[k, 1], CLIMB_SLOTS), melody[k, 0]
            n += 1
    return n


@njit(int64(uint64, int64, int64, int64, *_TABLES, _MODELS, int16[:, ::1], float64[::1]), cache=True, nogil=True)
def climb(
    seed: Any,
    target: Any,
    evaluations: Any,
    copies_bars: Any,
    melody_table: Any,
    degree_table: Any,
    rhythm_table: Any,
    models: Any,
    found: Any,
    trace: Any,
) -> Any:
    """Climb from random notes to a melody that the judge takes for a style; gives the number of its notes.

    Eight mutants a round, of which the best stays if it is not worse. `found` int16 (3, 128) gets onsets, ends and
    pitches, `trace` the probability after equal parts of the evaluations.
    """
    state = np.empty(1, np.uint64)
    state[0] = seed
    window = np.zeros(WINDOW_COLUMNS, np.int32)
    window[BARS], window[BAR], window[BEAT], window[SCALE] = CLIMB_BARS, CLIMB_BAR, SLOTS_PER_QUARTER, 0b101010110101
    onsets, ends, pitches = (
        np.empty(CLIMB_SLOTS, np.int16),
        np.empty(CLIMB_SLOTS, np.int16),
        np.empty(CLIMB_SLOTS, np.int16),
    )
    exact, row = np.empty(NUM_FEATURES, np.float64), np.empty(NUM_FEATURES, np.float32)
    hidden, hidden_2 = np.empty(len(models[5]), np.float32), np.empty(len(models[7]), np.float32)
    work, result = np.empty(len(models[3]), np.float32), np.empty(len(models[3]), np.float32)
    melody, mutant = np.zeros((CLIMB_SLOTS, 2), np.int64), np.zeros((CLIMB_SLOTS, 2), np.int64)
    best = np.zeros((CLIMB_SLOTS, 2), np.int64)
    for _ in range(16 + _random(state, 49)):
        at = _random(state, CLIMB_SLOTS)
        melody[at, 0], melody[at, 1] = LOWEST + _random(state, HIGHEST - LOWEST + 1), 1 + _random(state, 8)
    height = -1.0
    done = 0
    for part in range(len(trace)):
        until = evaluations * (part + 1) // len(trace)
        while done < until and height < CLIMBED:
            top = -1.0
            for _ in range(MUTANTS):
                _copy_grid(melody, mutant)
                if done > 0:
                    _mutate(mutant, state, copies_bars)
                n = _listed(mutant, onsets, ends, pitches)
                window[LAST] = n
                _features(onsets, ends, pitches, window, melody_table, degree_table, rhythm_table, exact)
                _copy(exact, row)
                _judge(row, models, hidden, hidden_2, work, result)
                done += 1
                if result[target] > top:
                    top = result[target]
                    _copy_grid(mutant, best)
            if top >= height:
                height = top
                _copy_grid(best, melody)
        trace[part] = height
    return _listed(melody, found[0], found[1], found[2])
