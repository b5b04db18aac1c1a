"""How the monitor is learned: from real music, from noise, and from attacks on the very judge that it watches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rlcompose.learned.attack import climb_mixed
from rlcompose.learned.fitting import fit_dense
from rlcompose.learned.layout import MAX_BARS, NUM_FEATURES, NUM_STYLES, STYLES
from rlcompose.learned.melodies import Melodies, windows_of
from rlcompose.learned.models import JudgeModel, standardised
from rlcompose.learned.monitor import HIDDEN, PERCENTILES, Floats, Monitor, watched
from rlcompose.learned.noise import TWELVE, Passage, melodies_of
from rlcompose.learned.samples import Real, Settings, draw_windows, measured, noise_passages
from rlcompose.learned.successions import succession_features
from rlcompose.learned.training import CHEAP, DEAR, Trained

FALSE_ALARMS = 0.05  # share of real windows that are called suspicious
SHRINKAGE = 0.1  # of the covariance towards its diagonal
NARROWEST = 0.02  # standard deviation of a feature: what varies less is not blown up
EPOCHS = 30
WON = 0.9  # of the judge's p: an attack that gets more weighs three times as much
Played = tuple[int, Melodies, NDArray[np.int32]]  # a style's number, and windows of music that only pleases the judge


def train_monitor(
    real: Real,
    apart: Real,
    trained: Trained,
    settings: Settings,
    more: Sequence[Played] = (),
    cheap: int = 1800,
    dear: int = 300,
) -> Monitor:
    """Learn a judge's monitor from what the judge learned from (`real`), from attacks on it, and from `more`.

    The limits are set on music `apart`, which neither has learned from. In jazz so many attacks of 2,400 (`cheap`) and
    of 24,000 evaluations (`dear`), in the others a third.
    """
    draw = np.random.default_rng(settings.seed + 9)
    model = trained.model
    counts = [settings.jazz_windows if style == "jazz" else settings.windows for style in STYLES]
    pieces, starts = draw_windows(real, counts, settings.per_piece, draw)
    others, others_starts = draw_windows(apart, counts, settings.per_piece, np.random.default_rng(settings.seed + 10))
    passages, _, origin = noise_passages(real, pieces, starts, settings.noise, TWELVE, draw)

    def looked_at(melodies: Melodies, windows: NDArray[np.int32], sources: NDArray[np.int64]) -> Floats:
        """As `watched`, but by n-gram tables that have not seen the source."""
        features = measured(melodies, windows, trained.tables, trained.turns[sources])
        return np.concatenate([features, succession_features(melodies, windows)], axis=1)

    noise = melodies_of(passages)
    found = [(style, *_climbed(model, style, cheap, dear, settings.seed * 1000)) for style in range(NUM_STYLES)]
    attacks = [watched(model, melodies, windows) for _, melodies, windows in (*found, *more)]
    targets = np.repeat([style for style, _, _ in (*found, *more)], [len(each) for each in attacks])
    tricks = np.concatenate(attacks)
    p = model.of_features(np.ascontiguousarray(tricks[:, :NUM_FEATURES]))[np.arange(len(tricks)), targets]
    return fit_monitor(
        looked_at(real.melodies, windows_of(real.melodies, pieces, starts, MAX_BARS), pieces),
        real.styles[pieces],
        tricks,
        targets,
        np.where(p > WON, 3.0, 1.0),
        looked_at(noise, _whole(noise), origin),
        watched(model, apart.melodies, windows_of(apart.melodies, others, others_starts, MAX_BARS)),
        apart.styles[others],
    )


def _climbed(model: JudgeModel, style: int, cheap: int, dear: int, seed: int) -> tuple[Melodies, NDArray[np.int32]]:
    share = 1 if STYLES[style] == "jazz" else 3
    passages: list[Passage] = []
    for restarts, evaluations in ((cheap, CHEAP), (dear, DEAR)):
        found = climb_mixed(model, style, restarts // share, evaluations, seed + 500 + evaluations)
        passages += [each.melody for each in found if len(each.melody.onsets)]
    melodies = melodies_of(passages)
    return melodies, _whole(melodies)


def _whole(melodies: Melodies) -> NDArray[np.int32]:
    """The first eight bars of each."""
    numbers = np.arange(len(melodies))
    return windows_of(melodies, numbers, np.zeros_like(numbers), MAX_BARS)


def fit_monitor(
    real: Floats,
    styles: NDArray[np.int64],
    attacks: Floats,
    targets: NDArray[np.int64],
    weights: NDArray[np.float64],
    noise: Floats,
    apart: Floats,
    apart_styles: NDArray[np.int64],
) -> Monitor:
    """Learn where real windows of eight bars lie, and what attacks on each style (`targets`) look like.

    The windows are given as `watched` gives them; attacks have `weights`. The limits are set on real windows `apart`,
    that nothing was learned from.
    """
    mean, scale = real.mean(axis=0), 1.0 / np.maximum(real.std(axis=0), NARROWEST)
    z, bad = standardised(real, mean, scale), standardised(np.concatenate([attacks, noise]), mean, scale)
    every = np.concatenate([weights, np.ones(len(noise))])
    aims = np.concatenate([targets, np.full(len(noise), -1)])
    detectors = [_detector(z[styles == style], bad, every, aims == style) for style in range(NUM_STYLES)]
    features = real[:, :NUM_FEATURES]
    centre, whitening = _places(z[:, :NUM_FEATURES].astype(np.float64), styles)
    monitor = Monitor(
        np.array([np.percentile(features[styles == s], PERCENTILES, axis=0) for s in range(NUM_STYLES)]),
        np.median(noise[:, :NUM_FEATURES], axis=0),
        mean,
        scale,
        centre,
        whitening,
        np.ones((NUM_STYLES, 2), np.float32),
        {name: np.array([each[name] for each in detectors]) for name in detectors[0]},
    )
    signs = [monitor.signs(STYLES[style], apart[apart_styles == style]) for style in range(NUM_STYLES)]
    return replace(monitor, limits=np.array([_limits(each) for each in signs], np.float32))


def _places(z: NDArray[np.float64], styles: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The centre of each style, and what makes distances from it Mahalanobis'."""
    centre = np.array([z[styles == style].mean(axis=0) for style in range(NUM_STYLES)])
    off = z - centre[styles]
    covariance = off.T @ off / len(off)
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(np.diag(covariance) + 1e-3)
    values, vectors = np.linalg.eigh(covariance)
    whitening = vectors / np.sqrt(np.maximum(values, 1e-4))
    return centre.astype(np.float32), whitening.astype(np.float32)


def _detector(
    good: Floats, bad: Floats, weights: NDArray[np.float64], is_own: NDArray[np.bool_]
) -> Mapping[str, Floats]:
    """A network that tells real windows from bad ones; half of these, by weight, are attacks on this very style.

    All that is bad weighs as much as what is good.
    """
    own, rest = weights * is_own, weights * ~is_own
    heavy = (own / max(own.sum(), 1.0) + rest / max(rest.sum(), 1.0)) * len(good) / 2
    is_bad = np.arange(len(good) + len(bad)) >= len(good)
    network = fit_dense(
        np.concatenate([good, bad]),
        is_bad.astype(np.int64),
        np.concatenate([np.ones(len(good)), heavy]),
        HIDDEN,
        EPOCHS,
        seed=0,
    )
    for name in ("dense_3", "bias_3"):  # two logits, of which only the difference tells
        network[name] = network[name][..., 1] - network[name][..., 0]
    return network


def _limits(signs: NDArray[np.float64]) -> NDArray[np.float64]:
    """What `FALSE_ALARMS` of real windows lie beyond, in one sign or the other; the distance has a fifth of them.

    The detector finds the attacks it knows far better; the distance is there for those that nobody has thought of.
    """
    far = float(np.quantile(signs[:, 0], 1 - FALSE_ALARMS / 5))
    near = signs[:, 0] <= far
    allowed = max(FALSE_ALARMS - float((~near).mean()), 0.0) / max(float(near.mean()), 1e-9)
    return np.array([far, np.quantile(signs[near, 1], 1 - allowed)])
