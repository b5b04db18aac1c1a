"""The judge of style: how probable it is that a piece is of a style, bar by bar, and why.

    from rlcompose.learned.judge import load_judge
    judgement = load_judge().judge(composition, "jazz")
    judgement.score, judgement.verdict, judgement.against

The judge looks at the last one to eight bars at every bar's end. It knows six styles and noise, which is none of them;
it sees no chords and no sound. The models come with the package (`rlcompose/weights/judge`, with a model card).
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError, unknown
from rlcompose.learned.compiled import kernel
from rlcompose.learned.layout import CLASSES, FEATURES, MAX_BARS, NOISE, NUM_FEATURES, NUM_STYLES, STYLES
from rlcompose.learned.melodies import bars_so_far, make_melodies
from rlcompose.learned.models import JudgeModel, load_judge_model
from rlcompose.learned.monitor import Monitor, read_monitor, watched
from rlcompose.score import Composition

JUDGE_VARIABLE = "RLCOMPOSE_JUDGE"  # names the folder of another judge than the package's
FLOOR_P = 0.02  # the probability at which the reward is 0
NUM_REASONS = 4  # of each kind that are told
Blend = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Reason:
    """A feature that spoke for or against a style.

    name     of the feature, what it counts is in `rlcompose.learned.layout.FEATURES`
    value    what was measured, over all windows of the piece
    usual    the 5th, 50th and 95th percentile of it in real music of the style
    weight   by how much the logarithm of the probability would fall (a reason for) or rise (a reason against) were it
             as in no music (for) or as in the style (against); positive
    """

    name: str
    value: float
    usual: tuple[float, float, float]
    weight: float

    def in_words(self, style: str) -> str:
        """As a sentence's part: "notes a quarter note: 3.1; in jazz mostly 0.9 to 2.4"."""
        low, _, high = self.usual
        return f"{FEATURES[self.name]}: {self.value:.2f}; in {style} mostly {low:.2f} to {high:.2f}"


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What the judge says of a piece as music of a style.

    style          the style that was asked for, or the likeliest
    bars           float32 (bars, 7): the probabilities of `CLASSES` at each bar's end
    score          0 to 1: what the reward term `in_style` would pay for the whole piece
    probabilities  mean over the windows of eight bars (of a shorter piece the whole), by class
    verdict        the likeliest class
    parts          the same mean by the judge's models alone: trees, linear, dense
    distance       how far the windows lie from the style's real music: 1 is what 95 % of real windows keep below
    suspicions     what is not as in real music though the judge may be pleased, in words
    for_, against  the features that spoke for and against
    """

    style: str
    bars: NDArray[np.float32]
    score: float
    probabilities: dict[str, float]
    verdict: str
    parts: dict[str, dict[str, float]]
    distance: float
    suspicions: tuple[str, ...]
    for_: tuple[Reason, ...]
    against: tuple[Reason, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        column = CLASSES.index(self.style)
        return {
            "style": self.style,
            "score": round(self.score, 4),
            "verdict": self.verdict,
            "probabilities": self.probabilities,
            "parts": self.parts,
            "distance": round(self.distance, 3),
            "suspicions": list(self.suspicions),
            "for": [reason.in_words(self.style) for reason in self.for_],
            "against": [reason.in_words(self.style) for reason in self.against],
            "bars": [round(float(p), 4) for p in self.bars[:, column]],
        }


class Judge:
    """A judge's models, what they were calibrated to, and the monitor beside them."""

    def __init__(self, model: JudgeModel, config: Mapping[str, Any], monitor: Monitor) -> None:
        """`config` is that of the model's folder; `monitor` knows where real music lies."""
        self.model = model
        self.config = config
        self.monitor = monitor
        # The reward is at its most where p is real music's mean: beyond that a piece is more typical than real ones.
        self.caps = {style: float(config["real"][style]["mean"]) for style in STYLES}

    def judge(self, piece: Composition, style: str | None = None) -> Judgement:
        """What it says of a piece; of the style that is asked for, or else of the likeliest.

        Raises:
            RlcomposeError: The style is none of the judge's, or the piece has no notes.
        """
        if not piece.notes:
            raise RlcomposeError(f"the piece {piece.title!r} has no notes: there is nothing to judge")
        return self.judge_all([piece], style)[0]

    def judge_all(self, pieces: Sequence[Composition], style: str | None = None) -> list[Judgement]:
        """The same of many pieces, each of which has notes."""
        if style is not None and style not in STYLES:
            raise unknown("style of the judge:", style, STYLES)
        melodies = make_melodies(pieces)
        result = []
        for number, piece in enumerate(pieces):
            windows = bars_so_far(melodies, number)
            bars = self.model.probabilities(melodies, windows)
            whole = whole_windows(windows)
            found = watched(self.model, melodies, windows[whole])
            result.append(self._judgement(piece, style, bars, found, whole))
        return result

    def _judgement(
        self,
        piece: Composition,
        style: str | None,
        bars: NDArray[np.float32],
        found: NDArray[np.float32],
        whole: NDArray[np.int64],
    ) -> Judgement:
        features = np.ascontiguousarray(found[:, :NUM_FEATURES])
        means = bars[whole].mean(0)
        likeliest = CLASSES[int(means.argmax())]
        asked = style or (likeliest if likeliest != NOISE else STYLES[int(means[:NUM_STYLES].argmax())])
        parts = {
            name: dict(zip(CLASSES, (round(float(p), 4) for p in each.mean(0)), strict=True))
            for name, each in zip(("trees", "linear", "dense"), self.model.alone(features), strict=True)
        }
        distance, suspicions = self.monitor.look(asked, found)
        for_, against = self._reasons(asked, features)
        values = self.pay(bars, {asked: 1.0})
        return Judgement(
            style=asked,
            bars=bars,
            score=float(values.mean()) if len(values) else 0.0,
            probabilities=dict(zip(CLASSES, (round(float(p), 4) for p in means), strict=True)),
            verdict=likeliest,
            parts=parts,
            distance=distance,
            suspicions=suspicions,
            for_=for_,
            against=against,
        )

    def pay(self, probabilities: NDArray[np.float32], blend: Blend) -> NDArray[np.float64]:
        """What the reward is for probabilities (windows, classes), 0 to 1 each, float64 (windows,).

        For one style it is log p from the floor (p = .02, pays 0) to the cap (real music's mean p, pays 1). For a blend
        of styles with shares w it is -sum w log(w / p) in the place of log p, which is highest where p is w.
        """
        return paid(probabilities, blend, self.caps)

    def _reasons(self, style: str, features: NDArray[np.float32]) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
        """The features that matter most for the piece's windows: each in turn is put to another value."""
        sample = features[:: max(1, len(features) // 8)]
        column = CLASSES.index(style)
        usual = self.monitor.percentiles[STYLES.index(style)]
        noise = self.monitor.noise_median
        now = np.log(self.model.of_features(sample)[:, column] + 1e-6).mean()
        gains, losses = np.zeros(len(FEATURES)), np.zeros(len(FEATURES))
        for number in range(len(FEATURES)):
            changed = np.repeat(sample, 2, axis=0)
            changed[0::2, number] = usual[2, number]
            changed[1::2, number] = noise[number]
            logs = np.log(self.model.of_features(changed)[:, column] + 1e-6)
            gains[number], losses[number] = logs[0::2].mean() - now, now - logs[1::2].mean()
        means = features.mean(0)

        def reasons(weights: NDArray[np.float64]) -> tuple[Reason, ...]:
            order = [int(number) for number in np.argsort(-weights)[:NUM_REASONS] if weights[number] > 0.01]
            names = list(FEATURES)
            return tuple(
                Reason(
                    names[number],
                    float(means[number]),
                    (float(usual[0, number]), float(usual[2, number]), float(usual[4, number])),
                    float(weights[number]),
                )
                for number in order
            )

        # What lies where the style's music lies speaks for it, what lies elsewhere against it.
        inside = (means >= usual[0]) & (means <= usual[4])
        return reasons(np.where(inside, losses, 0.0)), reasons(np.where(inside, gains * 0.5, gains))


def paid(probabilities: NDArray[np.float32], blend: Blend, caps: Mapping[str, float]) -> NDArray[np.float64]:
    """See `Judge.pay`; shares are divided by their sum."""
    values = np.empty(len(probabilities))
    kernel().pay(np.ascontiguousarray(probabilities, np.float32), blend_array(blend, caps), values)
    return values


def blend_array(blend: Blend, caps: Mapping[str, float]) -> NDArray[np.float64]:
    """What the kernel takes: shares that sum to 1, their entropy, the score that pays 0 and the one that pays 1."""
    total = sum(blend.values())
    shares = np.array([blend.get(style, 0.0) / total for style in STYLES])
    entropy = -sum(w * math.log(w) for w in shares.tolist() if w > 0)
    cap = sum(w * math.log(caps[style]) for style, w in zip(STYLES, shares.tolist(), strict=True) if w > 0)
    return np.concatenate([shares, [entropy, math.log(FLOOR_P), cap]])


def whole_windows(windows: NDArray[np.int32]) -> NDArray[np.int64]:
    """The rows of a piece's windows that are whole, every fourth; of a piece below eight bars the last."""
    last = len(windows) - 1
    at = np.arange(MAX_BARS - 1, len(windows), 4)
    return np.unique(np.append(at, last)) if len(at) else np.array([last])


def weights_folder() -> Path:
    """Where what was learned lies in the package."""
    return Path(str(resources.files("rlcompose"))) / "weights"


@cache
def load_judge(folder: str | Path | None = None) -> Judge:
    """The judge of a folder; left out, of the folder that $RLCOMPOSE_JUDGE names, else the one in the package.

    Raises:
        RlcomposeError: The folder holds no judge of this version.
    """
    place = Path(folder or os.environ.get(JUDGE_VARIABLE) or weights_folder() / "judge")
    model, config = load_judge_model(place)
    return Judge(model, config, read_monitor(place))
