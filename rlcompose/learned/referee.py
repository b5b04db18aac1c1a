"""The referee: a second opinion on style, for reports alone; nothing that trains may ask it.

It has other features, another family of models (a kernel machine) and other music than the judge: it learned from its
own part of the split. So an agent that has learned to please the judge has not learned to please it. As the judge it
knows six styles and noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.learned.judge import weights_folder, whole_windows
from rlcompose.learned.layout import CLASSES, LENGTH_EDGES, NUM_CLASSES, SLOTS_PER_QUARTER
from rlcompose.learned.melodies import Melodies, bars_so_far, make_melodies, window_notes
from rlcompose.learned.models import load_arrays, save_arrays
from rlcompose.score import Composition

# Edges between classes of intervals: down an octave and more, a fifth, a third, a step; repeated; and the same up.
_INTERVAL_EDGES = np.array([-7, -4, -2, 0, 1, 3, 5, 8])
_NUM_INTERVALS = len(_INTERVAL_EDGES) + 1
_TIME_EDGES = np.array(LENGTH_EDGES)
_NUM_TIMES = len(LENGTH_EDGES) + 1
_ONSET_LAGS = tuple(range(1, 9)) + (12, 16, 24, 32, 48, 64)  # slots
_PITCH_LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)
_CONTOUR_POINTS = 16  # of a window's contour, whose spectrum is asked
_QUARTERS = 4


def referee_features(melodies: Melodies, windows: NDArray[np.int32]) -> NDArray[np.float32]:
    """What the referee looks at, float32 (windows, features): how notes follow one another, and what returns when.

    Shares of the pairs (class of interval, class of time), of their transitions by interval and by time, of the
    transitions between degrees of the key; autocorrelation of the onsets and of the sounding pitch over time; the
    spectrum of the contour; density and register of each quarter of the window beside the whole.
    """
    rows = [_row(*window_notes(melodies, window), *window[3:6].tolist()) for window in windows]
    return np.array(rows, np.float32).reshape(len(windows), -1)


def _row(
    onsets: NDArray[np.int64], ends: NDArray[np.int64], pitches: NDArray[np.int64], bars: int, bar: int, beat: int
) -> NDArray[np.float64]:
    total = bars * bar
    kinds = np.searchsorted(_INTERVAL_EDGES, np.diff(pitches), side="right")
    times = np.searchsorted(_TIME_EDGES, np.diff(onsets))
    joint = _shares(kinds * _NUM_TIMES + times, _NUM_INTERVALS * _NUM_TIMES)
    by_interval = _shares(kinds[:-1] * _NUM_INTERVALS + kinds[1:], _NUM_INTERVALS**2)
    by_time = _shares(times[:-1] * _NUM_TIMES + times[1:], _NUM_TIMES**2)
    degrees = _shares(pitches[:-1] % 12 * 12 + pitches[1:] % 12, 144)
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


@dataclass(frozen=True, slots=True, eq=False)
class Referee:
    """A kernel machine: likeness to landmarks, mapped to the classes; arrays as in `referee`'s folder."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    mapping: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    gamma: float

    def probabilities(self, melodies: Melodies, windows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Of each window, float64 (windows, classes)."""
        return self.of_features(referee_features(melodies, windows))

    def of_features(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The same of windows whose features are known."""
        z = ((features - self.mean) * self.scale).astype(np.float64)
        marks = self.landmarks.astype(np.float64)
        square = (z * z).sum(1)[:, None] - 2 * z @ marks.T + (marks * marks).sum(1)
        near = np.exp(-self.gamma * np.maximum(square, 0.0))
        logits = near @ self.mapping.astype(np.float64) @ self.weights + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        result: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
        return result

    def judge(self, piece: Composition) -> dict[str, float]:
        """The mean probability of each class over the windows of a piece, as the judge takes it.

        Raises:
            RlcomposeError: The piece has no notes.
        """
        if not piece.notes:
            raise RlcomposeError(f"the piece {piece.title!r} has no notes: there is nothing to judge")
        melodies = make_melodies([piece])
        windows = bars_so_far(melodies, 0)
        means = self.probabilities(melodies, windows[whole_windows(windows)]).mean(0)
        return dict(zip(CLASSES, (round(float(p), 4) for p in means), strict=True))


ARRAYS = ("mean", "scale", "landmarks", "mapping", "weights", "bias")


@cache
def load_referee(folder: str | Path | None = None) -> Referee:
    """The referee that comes with the package, or that of a folder."""
    place = weights_folder() / "referee" if folder is None else Path(folder)
    config, arrays = load_arrays(place, "referee")
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise RlcomposeError(f"the referee in {place} lacks {', '.join(missing)}")
    return Referee(**{name: arrays[name] for name in ARRAYS}, gamma=float(config["gamma"]))


def save_referee(folder: Path, referee: Referee, config: dict[str, Any]) -> None:
    """Write a referee's folder."""
    arrays = {name: np.asarray(getattr(referee, name), np.float32) for name in ARRAYS}
    save_arrays(folder, {"kind": "referee", "gamma": referee.gamma, **config}, arrays)


def fit_referee(
    features: NDArray[np.float32],
    classes: NDArray[np.int64],
    weights: NDArray[np.float64],
    landmarks: int = 500,
    seed: int = 0,
) -> Referee:
    """Learn a referee from samples: a radial kernel by landmarks (Nyström), and logistic regression on it."""
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression

    mean = features.mean(0)
    scale = 1.0 / np.maximum(features.std(0), 0.05)
    z = (features - mean) * scale
    gamma = 0.25 / z.shape[1]
    kernel = Nystroem(gamma=gamma, n_components=min(landmarks, len(z)), random_state=seed).fit(z)
    linear = LogisticRegression(C=3.0, max_iter=400).fit(kernel.transform(z), classes, sample_weight=weights)
    assert len(linear.classes_) == NUM_CLASSES, "every class must be among the samples"
    return Referee(
        mean.astype(np.float32),
        scale.astype(np.float32),
        kernel.components_.astype(np.float32),
        kernel.normalization_.T.astype(np.float32),
        linear.coef_.T.astype(np.float32),
        linear.intercept_.astype(np.float32),
        float(gamma),
    )
