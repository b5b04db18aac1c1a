"""The compiled step of the RL Tuner task: play one event in every row and score it.

As the engine's kernel, this file is never imported under its own name: `rlcompose.engine.cache` imports a copy named by
the hash of its text. It therefore imports nothing of this package: what differs between conventions is handed in.

A row of `obs` is the position and the tokens, newest first: after n events `row[1]` is the newest, `row[n]` the oldest,
`row[n + 1]` the prime, which is no part of the piece. Event i of the piece is `row[n - i]`.
"""
# ruff: noqa: D103  - the kernel's own functions are described where they are called

from __future__ import annotations

from typing import Any

import numpy as np
from numba import boolean, float64, int16, int64, njit, uint64, void

EVENTS = 32
SPECIALS = 2
FINAL_BAR = EVENTS - 4  # the tonic term's "final bar" is the last quarter note

# Columns of `now`.
LAST_PITCH, DIRECTION, ORIGIN, STEPS, SUM = range(5)
# Columns of `account`.
KEY, TONIC, REPETITION, AUTOCORRELATION, MOTIF, REPEATED_MOTIF, INTERVALS, LEAP, EXTREMES = range(9)

TONIC_SHARE = 3.0
REPETITION_SHARE = -100.0
MOST_OFFS, MOST_REPEATS, MOST_BROKEN_REPEATS = 1, 4, 6
CORRELATION_WEIGHT, LEAST_CORRELATION = 3.0, 0.15
WINDOW = 8
FEWEST_PITCHES = 3
MOTIF_SHARE, MOTIF_BONUS = 3.0, 0.3
REPEATED_SHARE, REPEATED_BONUS = 4.0, 1.0
LEAST_LEAP = 7  # semitones
STEPS_BETWEEN_LEAPS = 6
RESOLVED_SHARE, DOUBLED_SHARE = 5.0, -5.0
EXTREME_SHARE = 3.0

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True)
def _mix(value: Any) -> Any:
    """Splitmix64 (Steele, Lea and Flood 2014), by which the engine draws too.

    Written here again: kernels are compiled as files of their own and import nothing from each other.
    """
    z = np.uint64(value) + GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True)
def _reset(e: Any, obs: Any, now: Any, seeds: Any, num_primes: Any) -> None:
    obs[e, 0] = 0
    obs[e, 1] = np.int64((_mix(_mix(seeds[e])) >> np.uint64(11)) % np.uint64(num_primes))
    for k in range(2, EVENTS + 2):
        obs[e, k] = -1
    for k in range(5):
        now[e, k] = 0


@njit(void(int64[::1], int16[:, ::1], int64[:, ::1], uint64[::1], int64), cache=True)
def reset_rows(rows: Any, obs: Any, now: Any, seeds: Any, num_primes: Any) -> None:
    for i in range(rows.shape[0]):
        _reset(rows[i], obs, now, seeds, num_primes)


@njit(void(int64[::1], uint64[::1]), cache=True)
def reseed_rows(rows: Any, seeds: Any) -> None:
    """The seed of the next piece is a function of the last one's: 63 bits, so that it is one Gymnasium takes."""
    for i in range(rows.shape[0]):
        seeds[rows[i]] = _mix(seeds[rows[i]]) >> np.uint64(1)


@njit(cache=True)
def _products(x: Any, lag: Any, n: Any) -> Any:
    """Sum of x[i] x[i + lag], added in NumPy's order (eight partial sums), so that no bit differs from np.sum."""
    count = n - lag
    if count < 8:
        total = 0.0
        for i in range(count):
            total += x[i] * x[i + lag]
        return total
    a, b, c, d = x[0] * x[lag], x[1] * x[1 + lag], x[2] * x[2 + lag], x[3] * x[3 + lag]
    p, q, r, s = x[4] * x[4 + lag], x[5] * x[5 + lag], x[6] * x[6 + lag], x[7] * x[7 + lag]
    i = 8
    while i + 8 <= count:
        a += x[i] * x[i + lag]
        b += x[i + 1] * x[i + 1 + lag]
        c += x[i + 2] * x[i + 2 + lag]
        d += x[i + 3] * x[i + 3 + lag]
        p += x[i + 4] * x[i + 4 + lag]
        q += x[i + 5] * x[i + 5 + lag]
        r += x[i + 6] * x[i + 6 + lag]
        s += x[i + 7] * x[i + 7 + lag]
        i += 8
    total = ((a + b) + (c + d)) + ((p + q) + (r + s))
    while i < count:
        total += x[i] * x[i + lag]
        i += 1
    return total


@njit(cache=True)
def _center(row: Any, n: Any, total: Any, x: Any) -> Any:
    """Write the piece less its mean to x, oldest event first; gives the variance."""
    mean = total / n
    for i in range(n):
        x[i] = row[n - i] - mean
    return _products(x, 0, n) / n


@njit(cache=True)
def _is_excessive(row: Any, n: Any, off: Any, hold: Any) -> Any:
    action = row[1]
    repeats = 0
    is_broken = False
    for k in range(2, n + 1):
        token = row[k]
        if token == action:
            repeats += 1
        elif token == off or token == hold:
            is_broken = True
        else:
            break
    if action == off and repeats > MOST_OFFS:
        return True
    return repeats > (MOST_BROKEN_REPEATS if is_broken else MOST_REPEATS)


@njit(cache=True)
def _num_pitches(row: Any) -> Any:
    """How many different pitches the last eight events hold."""
    seen = np.int64(0)
    for k in range(1, WINDOW + 1):
        seen |= np.int64(1) << np.int64(row[k])
    seen >>= SPECIALS
    count = 0
    while seen:
        seen &= seen - 1
        count += 1
    return count


@njit(cache=True)
def _is_repeated(row: Any, n: Any) -> Any:
    """Whether the last eight events occur, the same in the same order, before them."""
    for back in range(WINDOW, n - WINDOW + 1):
        k = 1
        while k <= WINDOW and row[back + k] == row[k]:
            k += 1
        if k > WINDOW:
            return True
    return False


@njit(cache=True)
def _leap(past: Any, action: Any) -> Any:
    """The leap term; writes the memory of leaps."""
    last = past[LAST_PITCH]
    if action < SPECIALS or last == 0 or abs(action - last) < LEAST_LEAP:
        past[STEPS] += 1
        if action < SPECIALS:
            return 0.0
        up, down = past[DIRECTION] > 0, past[DIRECTION] < 0
        if (up and action <= past[ORIGIN]) or (down and action >= past[ORIGIN]):
            past[DIRECTION] = 0
            return RESOLVED_SHARE
        return 0.0
    direction = 1 if action > last else -1
    share = 0.0
    if past[DIRECTION] == 0:
        past[DIRECTION] = direction
        past[ORIGIN] = last
    elif past[DIRECTION] == direction:
        share = DOUBLED_SHARE
    else:
        past[DIRECTION] = 0
        if past[STEPS] > STEPS_BETWEEN_LEAPS:
            share = RESOLVED_SHARE
    past[STEPS] = 0
    return share


@njit(cache=True)
def _is_highest_unique(row: Any, n: Any) -> Any:
    """Of tokens, not of pitches: in a piece without pitches a single special token can be the highest."""
    highest, count = -1, 0
    for k in range(1, n + 1):
        if row[k] > highest:
            highest, count = row[k], 1
        elif row[k] == highest:
            count += 1
    return count == 1


@njit(cache=True)
def _is_lowest_unique(row: Any, n: Any) -> Any:
    lowest, count = 1 << 14, 0
    for k in range(1, n + 1):
        if row[k] < SPECIALS:
            continue
        if row[k] < lowest:
            lowest, count = row[k], 1
        elif row[k] == lowest:
            count += 1
    return count == 1


@njit(cache=True)
def _play(
    row: Any, past: Any, shares: Any, action: Any, x: Any, off: Any, hold: Any, tonics: Any, off_key: Any, table: Any
) -> Any:
    """Append an event and score it; gives the reward, the shares added from first to last."""
    place = np.int64(row[0])
    n = place + 1
    for k in range(n, 0, -1):
        row[k + 1] = row[k]
    row[1] = action
    row[0] = n
    past[SUM] += action

    shares[KEY] = off_key[action]
    shares[TONIC] = 0.0
    if place == 0 or place >= FINAL_BAR:
        if place == 0 or place == FINAL_BAR:
            is_paid = tonics[action]
        else:
            is_paid = action == hold or (action == off and place > FINAL_BAR + 1)
        if is_paid:
            shares[TONIC] = TONIC_SHARE
    shares[REPETITION] = REPETITION_SHARE if _is_excessive(row, n, off, hold) else 0.0

    variance = _center(row, n, past[SUM], x)
    penalty = 0.0
    if variance != 0.0:  # else the coefficients are undefined
        for lag in range(1, 4):
            coefficient = abs(_products(x, lag, n) / n / variance)
            if coefficient > LEAST_CORRELATION:
                penalty += coefficient * CORRELATION_WEIGHT
    shares[AUTOCORRELATION] = 0.0 - penalty

    shares[MOTIF] = 0.0
    shares[REPEATED_MOTIF] = 0.0
    if n >= WINDOW:
        pitches = _num_pitches(row)
        if pitches >= FEWEST_PITCHES:
            shares[MOTIF] = MOTIF_SHARE + (pitches - FEWEST_PITCHES) * MOTIF_BONUS
            if _is_repeated(row, n):
                shares[REPEATED_MOTIF] = REPEATED_SHARE + (pitches - FEWEST_PITCHES) * REPEATED_BONUS

    shares[INTERVALS] = table[past[LAST_PITCH], action]
    shares[LEAP] = _leap(past, action)
    if action >= SPECIALS:
        past[LAST_PITCH] = action
    shares[EXTREMES] = 0.0
    if n == EVENTS:
        if _is_highest_unique(row, n):
            shares[EXTREMES] += EXTREME_SHARE
        if _is_lowest_unique(row, n):
            shares[EXTREMES] += EXTREME_SHARE

    reward = shares[KEY]
    for k in range(TONIC, EXTREMES + 1):
        reward += shares[k]
    return reward


_STATE = (int16[:, ::1], int64[:, ::1], float64[:, ::1], float64[::1], boolean[::1], uint64[::1])
_RULES = (int64, int64, int64, boolean[::1], float64[::1], float64[:, ::1])


@njit(void(int64[::1], *_STATE, *_RULES, boolean), cache=True)
def step_rows(
    actions: Any,
    obs: Any,
    now: Any,
    account: Any,
    reward: Any,
    done: Any,
    seeds: Any,
    off: Any,
    hold: Any,
    num_primes: Any,
    tonics: Any,
    off_key: Any,
    table: Any,
    next_step_reset: Any,
) -> None:
    """Play an event in every row; one whose piece has ended stands still or, with the flag, begins its next piece."""
    x = np.empty(EVENTS, np.float64)
    for e in range(actions.shape[0]):
        if done[e]:
            reward[e] = 0.0
            for k in range(EXTREMES + 1):
                account[e, k] = 0.0
            if next_step_reset:
                seeds[e] = _mix(seeds[e]) >> np.uint64(1)
                _reset(e, obs, now, seeds, num_primes)
                done[e] = False
            continue
        reward[e] = _play(obs[e], now[e], account[e], actions[e], x, off, hold, tonics, off_key, table)
        done[e] = obs[e, 0] == EVENTS


@njit(void(int16[:, ::1], int64[:, ::1], float64[:, ::1], boolean[:, ::1]), cache=True)
def describe_rows(obs: Any, now: Any, coefficients: Any, uniques: Any) -> None:
    """Of each piece the autocorrelation at lags 1 to 3 (nan where undefined), and whether its extremes occur once."""
    x = np.empty(EVENTS, np.float64)
    for e in range(obs.shape[0]):
        row, n = obs[e], np.int64(obs[e, 0])
        variance = _center(row, n, now[e, SUM], x)
        for lag in range(1, 4):
            coefficients[e, lag - 1] = _products(x, lag, n) / n / variance if variance != 0.0 else np.nan
        uniques[e, 0] = _is_highest_unique(row, n)
        uniques[e, 1] = _is_lowest_unique(row, n)


@njit(void(int16[:, ::1], int64[:, ::1]), cache=True)
def pending_rows(obs: Any, pending: Any) -> None:
    """Of each piece the direction of the leap that waits to be resolved (-1, 0, 1), and the token that it left."""
    past = np.zeros(5, np.int64)
    for e in range(obs.shape[0]):
        row, n = obs[e], np.int64(obs[e, 0])
        past[:] = 0
        for k in range(n, 0, -1):
            _leap(past, np.int64(row[k]))
            if row[k] >= SPECIALS:
                past[LAST_PITCH] = row[k]
        pending[e, 0] = past[DIRECTION]
        pending[e, 1] = past[ORIGIN] if past[DIRECTION] != 0 else -1
