"""The naturalness head: how probable it is that a window is real music and not what a certain model has made.

It is learned against the pieces of one model, which the judge may take for music without doubt: what gives such pieces
away is memory and register (motifs that return, range, drift, lengths of phrases), and these are among its features.
It serves to choose among pieces (`compose --best-of`, resampling) and, held by an anchor, as a reward (`natural`); as
every judge it must not be what a report quotes. The package has two of each style that it has a prior of: one has
learned against what that prior plays, one against what rewards have made of it by the recipe. Learn one against your
own model with `python -m rlcompose.naturalness`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError, missing_extra, unknown
from rlcompose.learned.judge import load_judge, whole_windows
from rlcompose.learned.layout import LIKELIHOODS_AT, MAX_BARS, STYLES
from rlcompose.learned.melodies import Melodies, all_windows, bars_so_far, make_melodies, windows_of
from rlcompose.learned.models import load_arrays, quadratic, save_arrays, standardised
from rlcompose.learned.trees import (
    BINS,
    TREES,
    bin_edges,
    binned,
    boosted_sums,
    check_shapes,
    checked_trees,
    tree_arrays,
)
from rlcompose.score import Composition

FEWEST_WINDOWS = 100  # of each side
ROUNDS, LEAVES = 80, 8  # of the trees
HEADS = "the naturalness head"  # in messages
WIDEST_LOGIT = 4.0  # beyond which a window is scored as at it
# Against whose music a head of the package has learned: the prior's; what the recipe made of it a round before, too; or
# the package's agent's, too. By the first two agents learn, the latest is the second, if there is one; by the first and
# the last pieces are chosen.
PRIOR, RECIPE, AGENT, LATEST = "prior", "recipe", "agent", "latest"
SHIPPED = Path(__file__).resolve().parents[1] / "weights" / "naturalness"
FOLDS = 5
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Naturalness:
    """A logistic regression on features and their squares, and boosted trees, without likelihoods by n-gram tables.

    What both give is a logarithm of odds; the mean of the two is better than either (jazz, unseen players: log-loss
    .573 and .567, together .548).

    trees     as `rlcompose.learned.trees` names their arrays, packed too
    accuracy  of telling windows of real groups and of pieces that it had not seen; .5 is not at all
    """

    style: str
    mean: Floats
    scale: Floats
    weights: Floats
    trees: Mapping[str, NDArray[Any]]
    accuracy: float

    def probabilities(self, features: Floats) -> NDArray[np.float64]:
        """That windows are real music, float64 (windows,)."""
        result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(self._logits(features), -30, 30)))
        return result

    def _logits(self, features: Floats) -> NDArray[np.float64]:
        of_squares = _quadratic(features, self.mean, self.scale) @ self.weights.astype(np.float64)
        logits: NDArray[np.float64] = (of_squares + boosted_sums(_seen(features), self.trees)[:, 0]) / 2
        return logits

    def scores(self, features: Floats) -> NDArray[np.float64]:
        """-1 to 1 for windows, float64 (windows,): a quarter of the logarithm of the odds that they are real."""
        result: NDArray[np.float64] = np.clip(self._logits(features) / WIDEST_LOGIT, -1.0, 1.0)
        return result

    def judge(self, piece: Composition) -> float:
        """The mean over the windows of a piece, as the judge takes it.

        Raises:
            RlcomposeError: The piece has no notes.
        """
        if not piece.notes:
            raise RlcomposeError(f"the piece {piece.title!r} has no notes: there is nothing to judge")
        melodies = make_melodies([piece])
        windows = bars_so_far(melodies, 0)
        features = load_judge().model.features(melodies, windows[whole_windows(windows)])
        return float(self.probabilities(features).mean())


def _seen(features: Floats) -> Floats:
    """The features, those that are not looked at as 0."""
    seen = np.array(features, np.float32)
    seen[:, LIKELIHOODS_AT:] = 0.0
    return seen


def _quadratic(features: Floats, mean: Floats, scale: Floats) -> NDArray[np.float64]:
    return quadratic(standardised(features[:, :LIKELIHOODS_AT], mean, scale).astype(np.float64))


def fit_naturalness(style: str, real: Melodies, groups: Sequence[str], made: Melodies, seed: int = 0) -> Naturalness:
    """Learn to tell real windows of eight bars from those of a model's pieces.

    groups  of the real pieces: performers, works or tune families, which are not cut apart when accuracy is measured

    Raises:
        RlcomposeError: The style is none of the judge's, or a side has too few windows.
    """
    if style not in STYLES:
        raise unknown("style of the judge:", style, STYLES)
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise missing_extra("scikit-learn", "learn") from error
    model = load_judge().model
    sides: list[Floats] = []
    owners: list[NDArray[Any]] = []
    names = np.array([f"real {group}" for group in groups])
    for melodies, owner in ((real, names), (made, np.array([f"made {k}" for k in range(len(made))]))):
        pieces, starts = all_windows(melodies)
        windows = windows_of(melodies, pieces, starts, 8)
        heard = windows[:, 1] > windows[:, 0]
        if heard.sum() < FEWEST_WINDOWS:
            raise RlcomposeError(
                f"a side has too few windows of eight bars: {heard.sum()}, at least {FEWEST_WINDOWS} are needed"
            )
        sides.append(model.features(melodies, windows[heard]))
        owners.append(owner[pieces[heard]])
    features, owner = np.concatenate(sides), np.concatenate(owners)
    is_real = np.repeat([1, 0], [len(side) for side in sides])
    weights = np.where(is_real == 1, 1.0, (is_real == 1).sum() / (is_real == 0).sum())
    told = features[:, :LIKELIHOODS_AT]
    mean, scale = told.mean(axis=0), 1.0 / np.maximum(told.std(axis=0), 1e-3)
    x = _quadratic(features, mean, scale)
    looked_at = _seen(features)
    edges = bin_edges(looked_at)
    bins = binned(looked_at, edges)
    known, number = np.unique(owner, return_inverse=True)
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(known))[number]

    def fitted(rows: NDArray[np.bool_]) -> Naturalness:
        """What the rows tell; its accuracy is not known yet."""
        asked = {"sample_weight": weights[rows]}
        regression = LogisticRegression(C=0.02, max_iter=400, fit_intercept=False).fit(x[rows], is_real[rows], **asked)
        trees = HistGradientBoostingClassifier(
            max_iter=ROUNDS, max_leaf_nodes=LEAVES, max_bins=BINS, early_stopping=False, random_state=seed
        ).fit(bins[rows], is_real[rows], **asked)
        arrays = checked_trees(tree_arrays(trees, edges), 1, HEADS)
        mean_32, scale_32, weights_32 = (np.asarray(each, np.float32) for each in (mean, scale, regression.coef_[0]))
        return Naturalness(style, mean_32, scale_32, weights_32, arrays, float("nan"))

    right = np.zeros(len(x), np.bool_)
    for each in range(FOLDS):
        aside = fold == each
        if aside.any() and len(np.unique(is_real[~aside])) == 2:
            right[aside] = (fitted(~aside).probabilities(features[aside]) > 0.5) == (is_real[aside] == 1)
    accuracy = (right[is_real == 1].mean() + right[is_real == 0].mean()) / 2
    return replace(fitted(np.ones(len(x), np.bool_)), accuracy=float(accuracy))


ARRAYS = ("mean", "scale", "weights")


def save_naturalness(folder: Path, head: Naturalness, config: dict[str, Any]) -> None:
    """Write a head's folder."""
    arrays = {name: getattr(head, name) for name in ARRAYS} | {name: head.trees[name] for name in TREES}
    save_arrays(folder, {"kind": "naturalness", "style": head.style, "accuracy": head.accuracy, **config}, arrays)


def load_naturalness(folder: str | Path) -> Naturalness:
    """The head in a folder.

    Raises:
        RlcomposeError: It cannot be read, was made for other features, or an array is missing or damaged.
    """
    config, arrays = load_arrays(Path(folder), "naturalness")
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise RlcomposeError(f"the naturalness head in {folder} lacks {', '.join(missing)}")
    whose = f"{HEADS} in {folder}"
    parts = {name: np.ascontiguousarray(arrays[name], np.float32) for name in ARRAYS}
    shapes = {"mean": (LIKELIHOODS_AT,), "scale": (LIKELIHOODS_AT,), "weights": (2 * LIKELIHOODS_AT + 1,)}
    check_shapes(parts, shapes, whose)
    trees = checked_trees(arrays, 1, whose)
    return Naturalness(config["style"], **parts, trees=trees, accuracy=float(config["accuracy"]))


def has_naturalness(style: str, against: str = PRIOR) -> bool:
    """Whether the package has a head of a style, learned against what the prior or the recipe plays."""
    return (SHIPPED / against / style / "config.json").is_file()


@cache
def naturalness_of(style: str, against: str = PRIOR) -> Naturalness:
    """The package's head of a style, by its name, learned against what the prior or the recipe plays, or the latest.

    Raises:
        RlcomposeError: There is none; the message names those that are there.
    """
    if against == LATEST:
        return naturalness_of(style, RECIPE if has_naturalness(style, RECIPE) else PRIOR)
    if not has_naturalness(style, against):
        known = sorted(path.parent.name for path in (SHIPPED / against).glob("*/config.json"))
        raise RlcomposeError(
            f"there is no naturalness head of the style {style!r}: one is there of {', '.join(known) or 'none'}; "
            "it is learned with python -m rlcompose.naturalness"
        )
    return load_naturalness(SHIPPED / against / style)


def log_odds_of(scores: NDArray[np.float64], pieces: Sequence[Composition]) -> NDArray[np.float64]:
    """The logarithms of the odds that pieces are real music, from their `natural_scores`, float64 (pieces,).

    Each eight bars are a witness of their own, so that a longer piece is the surer. To keep one of several pieces by
    lot in proportion to its odds is importance resampling: a set that is chosen so is nearly real music's, as far as
    the head can tell, where one of nothing but the most natural is more alike than real music.
    """
    witnesses = np.maximum(np.array([piece.bars for piece in pieces]) / MAX_BARS, 1.0)
    result: NDArray[np.float64] = WIDEST_LOGIT * scores * witnesses
    return result


def natural_scores(style: str, pieces: Sequence[Composition], against: str = PRIOR) -> NDArray[np.float64]:
    """What a head of the package says of pieces, float64 (pieces,): the mean score of their windows.

    Windows of eight bars are taken every four bars; a silent one and a shorter piece have the lowest score.
    """
    melodies = make_melodies(pieces)
    numbers, starts = all_windows(melodies, MAX_BARS)
    windows = windows_of(melodies, numbers, starts, MAX_BARS)
    heard = windows[:, 1] > windows[:, 0]
    said = np.full(len(windows), -1.0)
    said[heard] = naturalness_of(style, against).scores(load_judge().model.features(melodies, windows[heard]))
    counts = np.bincount(numbers, minlength=len(pieces))
    sums = np.bincount(numbers, said, minlength=len(pieces))
    result: NDArray[np.float64] = np.where(counts > 0, sums / np.maximum(counts, 1), -1.0)
    return result
