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
from rlcompose.learned.layout import CLASSES, NUM_CLASSES
from rlcompose.learned.melodies import Melodies, bars_so_far, make_melodies
from rlcompose.learned.models import load_arrays, save_arrays
from rlcompose.learned.successions import succession_features
from rlcompose.score import Composition


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
        return self.of_features(succession_features(melodies, windows))

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
