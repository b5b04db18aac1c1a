"""A second set of features, which no reward is paid for: how notes follow one another, and what returns when.

The referee judges by them, and the monitor tells attacks by them: what was climbed to please the judge has been shaped
where the judge looks, and here it has been left as it fell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlcompose.learned.layout import LENGTH_EDGES, SLOTS_PER_QUARTER
from rlcompose.learned.melodies import Melodies, window_notes

# Edges between classes of intervals: down an octave and more, a fifth, a third, a step; repeated; and the same up.
_INTERVAL_EDGES = np.array([-7, -4, -2, 0, 1, 3, 5, 8])
_NUM_INTERVALS = len(_INTERVAL_EDGES) + 1
_TIME_EDGES = np.array(LENGTH_EDGES)
_NUM_TIMES = len(LENGTH_EDGES) + 1
_ONSET_LAGS = tuple(range(1, 9)) + (12, 16, 24, 32, 48, 64)  # slots
_PITCH_LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)
_CONTOUR_POINTS = 16  # of a window's contour, whose spectrum is asked
_QUARTERS = 4
_DEGREES = 12 * 12
_REST = (
    *("silence", "notes_a_quarter", "range", "distinct_pitches"),  # shares, and the range in two octaves
    *("on_beat", "on_downbeat"),
)
_INTERVALS = (
    *("octave_down", "fifth_down", "third_down", "step_down", "repeat"),
    *("step_up", "third_up", "fifth_up", "octave_up"),
)
_TIMES = tuple(f"to_{edge}" for edge in LENGTH_EDGES) + (f"over_{LENGTH_EDGES[-1]}",)
# The features' names in their order.
SUCCESSIONS = (
    *(f"{interval}_in_{time}" for interval in _INTERVALS for time in _TIMES),
    *(f"{first}_then_{second}" for first in _INTERVALS for second in _INTERVALS),
    *(f"time_{first}_then_{second}" for first in _TIMES for second in _TIMES),
    *(f"degree_{first}_then_{second}" for first in range(12) for second in range(12)),
    *(f"onset_echo_{lag}" for lag in _ONSET_LAGS),
    *(f"pitch_echo_{lag}" for lag in _PITCH_LAGS),
    *(f"contour_wave_{number}" for number in range(1, _CONTOUR_POINTS // 2 + 1)),
    *(f"notes_of_quarter_{number}" for number in range(1, _QUARTERS + 1)),
    *(f"register_of_quarter_{number}" for number in range(1, _QUARTERS + 1)),
    *_REST,
)
NUM_SUCCESSIONS = len(SUCCESSIONS)


def succession_features(melodies: Melodies, windows: NDArray[np.int32]) -> NDArray[np.float32]:
    """Of windows, float32 (windows, NUM_SUCCESSIONS).

    Shares of the pairs (class of interval, class of time), of their transitions by interval and by time, of the
    transitions between degrees of the key; autocorrelation of the onsets and of the sounding pitch over time; the
    spectrum of the contour; density and register of each quarter of the window beside the whole.
    """
    rows = [_row(*window_notes(melodies, window), *window[3:6].tolist()) for window in windows]
    return np.array(rows, np.float32).reshape(len(windows), NUM_SUCCESSIONS)


def _row(
    onsets: NDArray[np.int64], ends: NDArray[np.int64], pitches: NDArray[np.int64], bars: int, bar: int, beat: int
) -> NDArray[np.float64]:
    total = bars * bar
    kinds = np.searchsorted(_INTERVAL_EDGES, np.diff(pitches), side="right")
    times = np.searchsorted(_TIME_EDGES, np.diff(onsets))
    joint = _shares(kinds * _NUM_TIMES + times, _NUM_INTERVALS * _NUM_TIMES)
    by_interval = _shares(kinds[:-1] * _NUM_INTERVALS + kinds[1:], _NUM_INTERVALS**2)
    by_time = _shares(times[:-1] * _NUM_TIMES + times[1:], _NUM_TIMES**2)
    degrees = _shares(pitches[:-1] % 12 * 12 + pitches[1:] % 12, _DEGREES)
    struck = np.zeros(total)
    sounding = np.full(total, np.nan)
    for onset, end, pitch in zip(onsets.tolist(), ends.tolist(), pitches.tolist(), strict=True):
        struck[onset] = 1.0
        sounding[onset:end] = pitch
    heard = np.isfinite(sounding)
    middle = sounding[heard].mean() if heard.any() else 0.0
    line = np.where(heard, sounding - middle, 0.0)
    onset_echo = [_correlation(struck - struck.mean(), lag) for lag in _ONSET_LAGS]
    pitch_echo = [_correlation(line, lag) for lag in _PITCH_LAGS]
    points = line[(np.arange(_CONTOUR_POINTS) * total + total // 2) // _CONTOUR_POINTS]
    spectrum = np.abs(np.fft.rfft(points))[1:] / _CONTOUR_POINTS
    quarter = np.minimum(onsets * _QUARTERS // total, _QUARTERS - 1)
    density = np.bincount(quarter, minlength=_QUARTERS) / max(len(onsets), 1)
    register = [
        (pitches[quarter == number].mean() - middle) / 12 if (quarter == number).any() else 0.0
        for number in range(_QUARTERS)
    ]
    rest = [
        1.0 - heard.mean(),
        len(onsets) * SLOTS_PER_QUARTER / total,
        float(np.ptp(pitches)) / 24 if len(pitches) else 0.0,
        len(np.unique(pitches)) / max(len(pitches), 1),
        float((onsets % beat == 0).mean()) if len(onsets) else 0.0,
        float((onsets % bar == 0).mean()) if len(onsets) else 0.0,
    ]
    parts = (joint, by_interval, by_time, degrees, onset_echo, pitch_echo, spectrum, density, register, rest)
    return np.concatenate([np.asarray(part, np.float64) for part in parts])


def _shares(numbers: NDArray[np.int64], kinds: int) -> NDArray[np.float64]:
    counts = np.bincount(numbers, minlength=kinds).astype(np.float64)
    # Square roots: a rare transition tells more than its share says.
    return np.sqrt(counts / max(len(numbers), 1))


def _correlation(values: NDArray[np.float64], lag: int) -> float:
    power = float((values * values).sum())
    return float((values[:-lag] * values[lag:]).sum() / power) if power > 0 and lag < len(values) else 0.0
