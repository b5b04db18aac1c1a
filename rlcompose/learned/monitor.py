"""What watches the judge: whether music still lies where real music lies while the judge's score rises.

Three signs, none of which is paid: how far a window lies from the style's real windows (Mahalanobis distance), whether
it resembles melodies that were climbed to please the judge (a detector), and which features lie outside real music's
range. And of a batch, whether its mean or lower quartile of p has passed real music's: then it is more typical than the
real thing.

What it looks at (`watched`) are the judge's features and, beside them, a second set that no reward is paid for.
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
from rlcompose.learned.layout import FEATURES, LIKELIHOODS_AT, NUM_FEATURES, NUM_STYLES, STYLES
from rlcompose.learned.melodies import Melodies
from rlcompose.learned.models import JudgeModel, load_arrays, save_arrays, standardised
from rlcompose.learned.successions import NUM_SUCCESSIONS, succession_features
from rlcompose.learned.trees import check_shapes

PERCENTILES = (5, 25, 50, 75, 95)
TOLD = 3  # features that are named
MOST_ABOVE = 0.05  # as far as the mean p of a batch may be above real music's
FAR = 0.35  # share of a batch's windows that are suspicious, beyond which training is warned
NUM_WATCHED = NUM_FEATURES + NUM_SUCCESSIONS
Floats = NDArray[np.float32]


def watched(model: JudgeModel, melodies: Melodies, windows: NDArray[np.int32]) -> Floats:
    """What the monitor of a judge looks at, float32 (windows, NUM_WATCHED); the judge's own features come first."""
    return np.concatenate([model.features(melodies, windows), succession_features(melodies, windows)], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Monitor:
    """Where real music lies, and what attacks look like.

    percentiles   float32 (styles, 5, features): of real windows of eight bars
    noise_median  float32 (features,): of noise
    mean, scale   float32 (watched,): of all real windows, the judge's features and those beside them
    centre        float32 (styles, features): each style's mean after that
    whitening     float32 (features, features): makes the distance from the centre Mahalanobis'
    limits        float32 (styles, 2): distance and detector that 95 % of real windows keep below together
    detector      a dense network a style, as in `DETECTOR`; the judge's features and those beside them go in
    """

    percentiles: Floats
    noise_median: Floats
    mean: Floats
    scale: Floats
    centre: Floats
    whitening: Floats
    limits: Floats
    detector: Mapping[str, Floats]

    def signs(self, style: str, found: Floats) -> NDArray[np.float64]:
        """Distance and detector of windows, float64 (windows, 2), each divided by its limit: beyond 1 is suspicious.

        `found` is what `watched` gives of the windows, here and below.
        """
        number = STYLES.index(style)
        z = standardised(found, self.mean, self.scale)
        distance = _distance(z[:, :NUM_FEATURES], self.centre[number], self.whitening)
        odds = _odds(z, {name: array[number] for name, array in self.detector.items()})
        signs: NDArray[np.float64] = np.column_stack([distance, odds]) / self.limits[number]
        return signs

    def is_suspicious(self, style: str, found: Floats) -> NDArray[np.bool_]:
        """Which windows are beyond what 95 % of real ones are, bool (windows,)."""
        suspicious: NDArray[np.bool_] = self.signs(style, found).max(axis=1) > 1.0
        return suspicious

    def look(self, style: str, found: Floats) -> tuple[float, tuple[str, ...]]:
        """The distance of a piece's windows, and what about them is suspicious, in words."""
        signs = self.signs(style, found)
        distance = float(signs.max(axis=1).mean())
        told: list[str] = []
        if distance > 1.0:
            far, tricks = signs.mean(axis=0)
            if far > 1.0:
                told.append(f"it lies {far:.2f} times as far from real {style} as 95 % of real music")
            if tricks > 1.0:
                told.append("it resembles melodies that were made to please the judge")
            told += self.told(style, found)
        return distance, tuple(told)

    def told(self, style: str, found: Floats) -> list[str]:
        """The judge's features that lie farthest outside what is usual, in words; those that n-grams give left out."""
        features = found[:, :NUM_FEATURES]
        low, _, _, _, high = self.percentiles[STYLES.index(style)]
        means = features.mean(axis=0)
        width = np.maximum(high - low, 1e-3)
        away = np.maximum(np.maximum(low - means, means - high), 0.0) / width
        away[LIKELIHOODS_AT:] = 0.0
        words = list(FEATURES.values())
        return [
            f"{words[n]}: {means[n]:.2f}, in {style} mostly {low[n]:.2f} to {high[n]:.2f}"
            for n in np.argsort(-away)[:TOLD]
            if away[n] > 0
        ]


HIDDEN = 64
# The layers of the detector's networks, which end in one logit.
DETECTOR = {
    "dense_1": (NUM_STYLES, NUM_WATCHED, HIDDEN),
    "bias_1": (NUM_STYLES, HIDDEN),
    "dense_2": (NUM_STYLES, HIDDEN, HIDDEN),
    "bias_2": (NUM_STYLES, HIDDEN),
    "dense_3": (NUM_STYLES, HIDDEN),
    "bias_3": (NUM_STYLES,),
}
ARRAYS = {
    "percentiles": (NUM_STYLES, len(PERCENTILES), NUM_FEATURES),
    "noise_median": (NUM_FEATURES,),
    "mean": (NUM_WATCHED,),
    "scale": (NUM_WATCHED,),
    "centre": (NUM_STYLES, NUM_FEATURES),
    "whitening": (NUM_FEATURES, NUM_FEATURES),
    "limits": (NUM_STYLES, 2),
}


def read_monitor(judge_folder: Path) -> Monitor:
    """The monitor that lies beside a judge, in its folder `monitor`."""
    _, arrays = load_arrays(judge_folder / "monitor", "monitor")
    whose = f"the monitor in {judge_folder}"
    missing = [name for name in (*ARRAYS, *DETECTOR) if name not in arrays]
    if missing:
        raise RlcomposeError(f"{whose} lacks {', '.join(missing)}")
    check_shapes(arrays, ARRAYS | DETECTOR, whose)
    return Monitor(**{name: arrays[name] for name in ARRAYS}, detector={name: arrays[name] for name in DETECTOR})


def save_monitor(judge_folder: Path, monitor: Monitor, config: Mapping[str, Any]) -> None:
    """Write it beside a judge."""
    arrays = {name: getattr(monitor, name) for name in ARRAYS} | dict(monitor.detector)
    whole = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
    save_arrays(judge_folder / "monitor", {"kind": "monitor", **config}, whole)


def _distance(z: Floats, centre: Floats, whitening: Floats) -> NDArray[np.float64]:
    """Mahalanobis' distance of standardised features from a style's centre, float64 (windows,)."""
    away = (z.astype(np.float64) - centre) @ whitening.astype(np.float64)
    distance: NDArray[np.float64] = np.sqrt((away * away).sum(axis=1))
    return distance


def _odds(z: Floats, network: Mapping[str, Floats]) -> NDArray[np.float64]:
    """A detector's logit on a scale that is positive, so that a ratio means something, float64 (windows,)."""
    first = np.maximum(z @ network["dense_1"] + network["bias_1"], 0.0)
    second = np.maximum(first @ network["dense_2"] + network["bias_2"], 0.0)
    odds: NDArray[np.float64] = np.logaddexp(0.0, (second @ network["dense_3"] + network["bias_3"]).astype(np.float64))
    return odds


# --- batches in training ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Watch:
    """Looks at the pieces of each evaluation of a training that the judge pays, and says when they leave music.

    real_mean, real_quartile   of p in real music of the style
    lean                       with what share of its weight the judge should be paid until the next evaluation: 0
                               while the batch's mean p is more than a little beyond real music's
    """

    monitor: Monitor
    style: str
    real_mean: float
    real_quartile: float
    lean: float = 1.0
    history: list[dict[str, float]] = field(default_factory=list)

    def look(self, step: int, probabilities: Sequence[float] | Floats, found: Floats) -> Finding | None:
        """What the windows of eight bars of a batch tell; None where nothing is wrong.

        probabilities  of the style, (windows,)
        found          what `watched` gives, float32 (windows, NUM_WATCHED)
        """
        p = np.asarray(probabilities, np.float64)
        suspicious = float(self.monitor.is_suspicious(self.style, found).mean())
        mean, quartile = float(p.mean()), float(np.quantile(p, 0.25))
        before = self.history[0] if self.history else None
        self.history.append({"step": step, "mean": mean, "quartile": quartile, "suspicious": suspicious})
        # Some 100 windows of an evaluation have a mean that is a hundredth or two off, and good music may be above it.
        beyond = min(self.real_mean + MOST_ABOVE, (self.real_mean + 1.0) / 2)
        self.lean = 0.0 if mean >= beyond else 1.0
        reasons = []
        rose = before is not None and mean > before["mean"] + 0.05
        if rose and suspicious > FAR:
            reasons.append(f"{suspicious:.0%} of the windows lie beyond what 95 % of real music keeps to")
        if mean > beyond and quartile > self.real_quartile:
            quartiles = f"lower quartile {quartile:.2f}, real {self.real_quartile:.2f}"
            reasons.append(f"the music is more typical than the real thing ({quartiles})")
        if not reasons:
            return None
        named = "; ".join(self.monitor.told(self.style, found))
        evidence = f"the judge's mean p of {self.style} is {mean:.2f} (real music {self.real_mean:.2f}), and " + (
            " and ".join(reasons)
        )
        return Finding(
            "reward hacking suspected",
            step,
            evidence + (f": {named}" if named else ""),
            "try a smaller weight of in_style beside rules, or --stop-on-hacking",
        )
