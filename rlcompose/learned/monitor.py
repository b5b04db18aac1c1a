"""What watches the judge: whether music still lies where real music lies while the judge's score rises.

Three signs, none of which is paid: how far a window lies from the style's real windows (Mahalanobis distance), whether
it resembles melodies that were climbed to please the judge (a detector), and which features lie outside real music's
range. And of a batch, whether its mean or lower quartile of p has passed real music's: then it is more typical than the
real thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.health import Finding
from rlcompose.learned.layout import FEATURES, LIKELIHOODS_AT, NUM_STYLES, STYLES
from rlcompose.learned.models import load_arrays, quadratic, save_arrays, standardised
from rlcompose.learned.trees import BINS, TREES, bin_edges, binned, checked_trees, tree_arrays, tree_sums

PERCENTILES = (5, 25, 50, 75, 95)
FALSE_ALARMS = 0.05  # share of real windows that are called suspicious
SHRINKAGE = 0.1  # of the covariance towards its diagonal
TREE_ROUNDS = 120
TOLD = 3  # features that are named
FAR = 0.35  # share of a batch's windows that are suspicious, beyond which training is warned
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Monitor:
    """Where real music lies, and what attacks look like.

    percentiles   float32 (styles, 5, features): of real windows of eight bars
    noise_median  float32 (features,): of noise
    mean, scale   float32 (features,): of all real windows; `centre` (styles, features) is each style's mean after that
    whitening     float32 (features, features): makes the distance from the centre Mahalanobis'
    detector      float32 (styles, 2 * features + 1): weights of the features, their squares, and a constant
    limits        float32 (styles, 2): distance and detector that 95 % of real windows keep below together
    trees         boosted trees that are added to the detector, a column a style
    """

    percentiles: Floats
    noise_median: Floats
    mean: Floats
    scale: Floats
    centre: Floats
    whitening: Floats
    detector: Floats
    limits: Floats
    trees: Mapping[str, NDArray[Any]]

    def signs(self, style: str, features: Floats) -> NDArray[np.float64]:
        """Distance and detector of windows, float64 (windows, 2), each divided by its limit: beyond 1 is suspicious."""
        number = STYLES.index(style)
        z = standardised(features, self.mean, self.scale).astype(np.float64)
        distance = _distance(z, self.centre[number], self.whitening)
        logit = quadratic(z) @ self.detector[number] + tree_sums(self.trees, features)[:, number]
        signs: NDArray[np.float64] = np.column_stack([distance, _odds(logit)]) / self.limits[number]
        return signs

    def is_suspicious(self, style: str, features: Floats) -> NDArray[np.bool_]:
        """Which windows are beyond what 95 % of real ones are, bool (windows,)."""
        found: NDArray[np.bool_] = self.signs(style, features).max(axis=1) > 1.0
        return found

    def outside(self, style: str, features: Floats) -> NDArray[np.float64]:
        """Share of the windows in which each feature lies outside the 5th and 95th percentile of the style."""
        low, high = self.percentiles[STYLES.index(style)][[0, -1]]
        shares: NDArray[np.float64] = ((features < low - 1e-6) | (features > high + 1e-6)).mean(axis=0)
        return shares

    def look(self, style: str, features: Floats) -> tuple[float, tuple[str, ...]]:
        """The distance of a piece's windows, and what about them is suspicious, in words."""
        signs = self.signs(style, features)
        distance = float(signs.max(axis=1).mean())
        told: list[str] = []
        if distance > 1.0:
            far, tricks = signs.mean(axis=0)
            if far > 1.0:
                told.append(f"it lies {far:.2f} times as far from real {style} as 95 % of real music")
            if tricks > 1.0:
                told.append("it resembles melodies that were made to please the judge")
            told += [self._in_words(style, number, features) for number in self._farthest(style, features)]
        return distance, tuple(told)

    def _farthest(self, style: str, features: Floats) -> list[int]:
        """The features that lie farthest outside what is usual, those that n-grams give left out."""
        low, _, _, _, high = self.percentiles[STYLES.index(style)]
        means = features.mean(axis=0)
        width = np.maximum(high - low, 1e-3)
        away = np.maximum(np.maximum(low - means, means - high), 0.0) / width
        away[LIKELIHOODS_AT:] = 0.0
        return [int(number) for number in np.argsort(-away)[:TOLD] if away[number] > 0]

    def _in_words(self, style: str, number: int, features: Floats) -> str:
        name = list(FEATURES)[number]
        low, high = self.percentiles[STYLES.index(style)][[0, -1], number]
        mean = features[:, number].mean()
        return f"{FEATURES[name]}: {mean:.2f}, in {style} mostly {low:.2f} to {high:.2f}"


ARRAYS = ("percentiles", "noise_median", "mean", "scale", "centre", "whitening", "detector", "limits")


def read_monitor(judge_folder: Path) -> Monitor:
    """The monitor that lies beside a judge, in its folder `monitor`."""
    _, arrays = load_arrays(judge_folder / "monitor", "monitor")
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise RlcomposeError(f"the monitor in {judge_folder} lacks {', '.join(missing)}")
    trees = {name: arrays[f"tree_{name}"] for name in TREES if f"tree_{name}" in arrays}
    trees = checked_trees(trees, NUM_STYLES, f"the monitor in {judge_folder}")
    return Monitor(**{name: arrays[name] for name in ARRAYS}, trees=trees)


def save_monitor(judge_folder: Path, monitor: Monitor, config: Mapping[str, Any]) -> None:
    """Write it beside a judge."""
    arrays = {name: np.asarray(getattr(monitor, name), np.float32) for name in ARRAYS}
    arrays |= {f"tree_{name}": monitor.trees[name] for name in TREES}
    save_arrays(judge_folder / "monitor", {"kind": "monitor", **config}, arrays)


def _distance(z: NDArray[np.float64], centre: NDArray[Any], whitening: NDArray[Any]) -> NDArray[np.float64]:
    away = (z - centre) @ whitening
    distance: NDArray[np.float64] = np.sqrt((away * away).sum(axis=1))
    return distance


def _odds(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    """The detector's logit on a scale that is positive, so that a ratio means something."""
    odds: NDArray[np.float64] = np.logaddexp(0.0, logit)
    return odds


# --- learning ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Detector:
    """Tells the windows of a style from attacks: a quadratic form and boosted trees, their logits added."""

    weights: NDArray[np.float64]
    boosted: Any

    def logit(self, z: NDArray[np.float64], bins: NDArray[np.uint8]) -> NDArray[np.float64]:
        result: NDArray[np.float64] = quadratic(z) @ self.weights + self.boosted.decision_function(bins)
        return result


def _fit_detector(
    z: NDArray[np.float64], bins: NDArray[np.uint8], is_bad: NDArray[np.bool_], weights: NDArray[np.float64]
) -> _Detector:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    linear = LogisticRegression(C=0.01, max_iter=300, fit_intercept=False)
    linear.fit(quadratic(z), is_bad, sample_weight=weights)
    boosted = HistGradientBoostingClassifier(
        **{"max_iter": TREE_ROUNDS, "max_leaf_nodes": 16, "l2_regularization": 1.0, "max_bins": BINS},
        **{"early_stopping": False, "random_state": 0},
    )
    return _Detector(linear.coef_[0], boosted.fit(bins, is_bad, sample_weight=weights))


def fit_monitor(
    real: Floats,
    styles: NDArray[np.int64],
    groups: NDArray[np.int64],
    attacks: Floats,
    targets: NDArray[np.int64],
    noise: Floats,
) -> Monitor:
    """Learn where real windows of eight bars lie, and what attacks on each style (`targets`) look like.

    The limits are set on windows that were not among what was learned from: `groups` is the fold of each.
    """
    percentiles = np.array([np.percentile(real[styles == s], PERCENTILES, axis=0) for s in range(NUM_STYLES)])
    mean, scale = real.mean(axis=0), 1.0 / np.maximum(real.std(axis=0), 1e-3)

    def cut(features: Floats) -> NDArray[np.float64]:
        return standardised(features, mean, scale).astype(np.float64)

    def places(numbers: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The centre of each style, and what makes distances from it Mahalanobis', of some windows."""
        z, of = cut(real[numbers]), styles[numbers]
        centre = np.array([z[of == s].mean(axis=0) for s in range(NUM_STYLES)])
        off = z - centre[of]
        covariance = off.T @ off / len(off)
        covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(np.diag(covariance) + 1e-3)
        values, vectors = np.linalg.eigh(covariance)
        return centre, vectors / np.sqrt(np.maximum(values, 1e-4))

    bad = np.concatenate([attacks, noise])
    edges = bin_edges(np.concatenate([real, bad]))
    bins, bad_bins, bad_z = binned(real, edges), binned(bad, edges), cut(bad)

    def detector(style: int, numbers: NDArray[np.bool_]) -> _Detector:
        """Half of what is bad, by weight, are attacks on this very style; all of it weighs as much as the good."""
        good = numbers & (styles == style)
        own = np.concatenate([targets == style, np.zeros(len(noise), np.bool_)])
        weights = np.where(own, 0.5 / own.sum(), 0.5 / (~own).sum()) * good.sum()
        return _fit_detector(
            np.concatenate([cut(real[good]), bad_z]),
            np.concatenate([bins[good], bad_bins]),
            np.arange(good.sum() + len(bad)) >= good.sum(),
            np.concatenate([np.ones(good.sum()), weights]),
        )

    everything = np.ones(len(real), np.bool_)
    detectors = [detector(style, everything) for style in range(NUM_STYLES)]
    signs = np.empty((len(real), 2))
    for fold in np.unique(groups):
        aside = groups == fold
        centre, whitening = places(~aside)
        for style in range(NUM_STYLES):
            at = aside & (styles == style)
            if at.any():
                z = cut(real[at])
                signs[at, 0] = _distance(z, centre[style], whitening)
                signs[at, 1] = _odds(detector(style, ~aside).logit(z, bins[at]))
    limits = np.array([_limits(signs[styles == style]) for style in range(NUM_STYLES)], np.float32)
    centre, whitening = places(everything)
    return Monitor(
        percentiles=np.asarray(percentiles, np.float32),
        noise_median=np.asarray(np.median(noise, axis=0), np.float32),
        mean=np.asarray(mean, np.float32),
        scale=np.asarray(scale, np.float32),
        centre=np.asarray(centre, np.float32),
        whitening=np.asarray(whitening, np.float32),
        detector=np.asarray([each.weights for each in detectors], np.float32),
        limits=limits,
        trees=checked_trees(tree_arrays([each.boosted for each in detectors], edges), NUM_STYLES, "the monitor"),
    )


def _limits(signs: NDArray[np.float64]) -> NDArray[np.float64]:
    """What `FALSE_ALARMS` of real windows lie beyond, in one sign or the other; the distance has a fifth of them.

    The detector finds the attacks it knows far better; the distance is there for those that nobody has thought of.
    """
    far = float(np.quantile(signs[:, 0], 1 - FALSE_ALARMS / 5))
    near = signs[:, 0] <= far
    allowed = max(FALSE_ALARMS - float((~near).mean()), 0.0) / max(float(near.mean()), 1e-9)
    return np.array([far, np.quantile(signs[near, 1], 1 - allowed)])


# --- batches in training ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Watch:
    """Looks at the pieces of each evaluation of a training that the judge pays, and says when they leave music.

    real_mean, real_quartile   of p in real music of the style
    lean                       with what share of its weight the judge should be paid until the next evaluation: 0
                               while the batch's mean p is beyond real music's
    """

    monitor: Monitor
    style: str
    real_mean: float
    real_quartile: float
    lean: float = 1.0
    history: list[dict[str, float]] = field(default_factory=list)

    def look(self, step: int, probabilities: Sequence[float] | Floats, features: Floats) -> Finding | None:
        """What the windows of eight bars of a batch tell; None where nothing is wrong.

        probabilities  of the style, (windows,); features float32 (windows, features)
        """
        p = np.asarray(probabilities, np.float64)
        suspicious = float(self.monitor.is_suspicious(self.style, features).mean())
        mean, quartile = float(p.mean()), float(np.quantile(p, 0.25))
        before = self.history[0] if self.history else None
        self.history.append({"step": step, "mean": mean, "quartile": quartile, "suspicious": suspicious})
        self.lean = 0.0 if mean >= self.real_mean else 1.0
        reasons = []
        rose = before is not None and mean > before["mean"] + 0.05
        if rose and suspicious > FAR:
            reasons.append(f"{suspicious:.0%} of the windows lie beyond what 95 % of real music keeps to")
        if mean > self.real_mean and quartile > self.real_quartile:
            quartiles = f"lower quartile {quartile:.2f}, real {self.real_quartile:.2f}"
            reasons.append(f"the music is more typical than the real thing ({quartiles})")
        if not reasons:
            return None
        named = "; ".join(
            self.monitor._in_words(self.style, n, features) for n in self.monitor._farthest(self.style, features)
        )
        evidence = f"the judge's mean p of {self.style} is {mean:.2f} (real music {self.real_mean:.2f}), and " + (
            " and ".join(reasons)
        )
        return Finding(
            "reward hacking suspected",
            step,
            evidence + (f": {named}" if named else ""),
            "try a smaller weight of in_style beside rules, or --stop-on-hacking",
        )
