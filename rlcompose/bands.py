"""What is usual in a style: for each statistical feature of the last 8 bars, where real music's values lie.

The percentiles stand in `bands.toml`; `experiments/bands` makes them from the corpora, by playing every real piece
through the engine and asking, at each bar's end from the eighth on, for the very functions that the reward terms in
`rewards/bands.py` ask for.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rlcompose.engine.layout import HISTORY_BARS
from rlcompose.errors import unknown

if TYPE_CHECKING:
    from rlcompose.brief import Brief
    from rlcompose.engine.moment import Moment

BANDS_FILE = "bands.toml"
PERCENTILES = (5, 25, 50, 75, 95)
UNBOUNDED = 1e9

# Every feature with what it is and the least distance between the edge of its middle half and the outer percentile.
# Without it a feature that hardly varies in the corpus (in many styles no rest at all) would punish one event as much
# as fifty; it is about what one or two notes more or less in 8 bars make.
FEATURES: dict[str, tuple[float, str]] = {
    "note_density": (0.03, "notes a pulse (in jazz an eighth)"),
    "rest_share": (0.03, "share of the time that is rest"),
    "line_length": (1.0, "notes from one rest to the next"),
    "off_beat_share": (0.03, "share of the notes that begin off the beat"),
    "syncopation": (0.03, "share of the notes that begin off the beat and sound on through the next"),
    "triplet_share": (0.03, "share of the notes that begin on no sixteenth"),
    "held_share": (0.03, "share of the notes longer than a beat"),
    "length_variety": (0.15, "entropy of the notes' lengths, in bits"),
    "bar_likeness": (0.05, "likeness of the rhythms of neighbouring bars, 0 to 1 (onsets in common over all onsets)"),
    "rhythm_count": (1.0, "how many different rhythms the 8 bars have"),
    "step_share": (0.03, "share of the intervals that are steps, of one or two semitones"),
    "third_share": (0.03, "share of the intervals that are thirds"),
    "leap_share": (0.03, "share of the intervals that are a fourth or wider"),
    "repeat_share": (0.03, "share of the intervals that repeat the note"),
    "turn_share": (0.03, "share of the intervals that go the other way than the one before"),
    "ascent_share": (0.03, "share of the intervals that rise"),
    "interval_variety": (0.15, "entropy of the intervals' sizes, in bits"),
    "pitch_class_variety": (0.15, "entropy of the pitch classes, in bits"),
    "span": (1.0, "semitones from the lowest to the highest note"),
    "register_drift": (0.5, "semitones between the mean pitch of the last four bars and that of the four before"),
    "motif_share": (0.03, "share of the notes with which the last two intervals and lengths return"),
    "key_share": (0.03, "share of the notes in the piece's scale"),
    "chord_tone_share": (0.03, "share of the notes that are chord tones"),
    "strong_chord_tone_share": (0.05, "share of the notes on strong beats that are chord tones"),
    "outside_share": (0.03, "share of the notes outside the chord's scale"),
    "guide_tone_share": (0.05, "share of the chord changes met within a beat that are met on a third or seventh"),
}
FEATURE: dict[str, int] = {name: number for number, name in enumerate(FEATURES)}


FeatureFunction = Callable[["Moment"], float]
_FUNCTIONS: dict[str, FeatureFunction] = {}


def band_feature(function: FeatureFunction) -> FeatureFunction:
    """Say that a function of the moment is the feature of its name, and give it back unchanged."""
    if function.__name__ not in FEATURES:
        raise unknown("feature", function.__name__, FEATURES)
    _FUNCTIONS[function.__name__] = function
    return function


def feature_functions() -> dict[str, FeatureFunction]:
    """The function of every feature, in the order of `FEATURES`."""
    from rlcompose.plugins import load_builtin

    load_builtin("rewards")
    return {name: _FUNCTIONS[name] for name in FEATURES}


def window_features(brief: Brief, seed: int, actions: Sequence[int]) -> NDArray[np.float64]:
    """Play a piece and tell its features at each bar's end, from the eighth on: float64 (windows, features).

    Silent windows are left out.
    """
    from rlcompose.engine.core import Engine

    functions = list(feature_functions().values())
    engine = Engine(brief)
    engine.reset([seed])
    rows: list[list[float]] = []
    for action in actions:
        engine.state.actions[0] = action
        moment = engine.midway()
        if moment.ends_bar and moment.window_bars == HISTORY_BARS and moment.window_notes > 0:
            rows.append([function(moment) for function in functions])
        engine.finish_step()
    return np.array(rows).reshape(len(rows), len(functions))


def outside_bands(family: str, windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the windows whose feature lies beyond the 5th or 95th percentile of the style: float64 (features,).

    By the percentiles as they stand in the file; 0 for a feature of which the style knows nothing.
    """
    known = shipped_bands().get(family, {})
    shares = np.zeros(len(FEATURES))
    for number, name in enumerate(FEATURES):
        if name in known and len(windows):
            low, high = known[name][0], known[name][-1]
            rounding = 1e-3 * max(1.0, abs(low), abs(high))  # of the percentiles in the file
            column = windows[:, number]
            shares[number] = ((column < low - rounding) | (column > high + rounding)).mean()
    return shares


HELD_OUT_OF = 5


def is_held_out(group: str) -> bool:
    """Whether a group of pieces (a performer, a tune, a work) had no part in making the bands: one in five."""
    return hashlib.sha256(group.encode()).digest()[0] % HELD_OUT_OF == 0


@cache
def shipped_bands() -> dict[str, dict[str, tuple[float, ...]]]:
    """The five percentiles of each feature by style (the families; variants share them)."""
    text = resources.files("rlcompose").joinpath(BANDS_FILE).read_text(encoding="utf-8")
    return {
        style: {feature: tuple(values) for feature, values in features.items()}
        for style, features in tomllib.loads(text).items()
    }


def band_edges(family: str, feature: str) -> tuple[float, float, float, float]:
    """The 5th, 25th, 75th and 95th percentile of a feature in a family of styles, as it is paid.

    The outer two are moved out to the feature's least distance from the inner two. A feature of which nothing is known
    in the style (chords where the corpus has none) has a band without end.
    """
    known = shipped_bands().get(family, {}).get(feature)
    if known is None:
        return (-UNBOUNDED, -UNBOUNDED, UNBOUNDED, UNBOUNDED)
    low, quarter, _, three_quarters, high = known
    least = FEATURES[feature][0]
    assert all(math.isfinite(value) for value in known)
    return (min(low, quarter - least), quarter, three_quarters, max(high, three_quarters + least))
