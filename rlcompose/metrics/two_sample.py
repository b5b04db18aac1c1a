"""Can a fresh classifier tell two sets of windows apart? A two-sample test (Lopez-Paz & Oquab 2017, ICLR).

The accuracy is .5 where it cannot. It depends on the number of windows and on how they are grouped: what has something
in common that is not the question (a player, a site's chords, an exact copy) must lie in one fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError, missing_extra, unknown
from rlcompose.learned.layout import FEATURES, MAX_BARS
from rlcompose.learned.melodies import Melodies, all_windows, windows_of

Floats = NDArray[np.floating]
FEATURE_SETS = ("judge", "successions")
FOLDS, REPEATS = 5, 2
MOST_ROWS = 500  # of each set: the accuracy grows with the number, so that two are compared at equal ones
TREES, LEAVES = 80, 8
PER_PIECE = 8
FEWEST_NOTES = 6  # a window of fewer is silence, and told from music by that alone
MOST_GIVEAWAYS = 8


@dataclass(frozen=True, slots=True)
class Giveaway:
    """A feature by which the sets differ: its means in both; how often a row of the first exceeds one of the other."""

    feature: str
    first: float
    second: float
    auc: float


@dataclass(frozen=True, slots=True)
class TwoSample:
    """What came of the test.

    accuracy, auc   of the classifier on rows of folds that it has not seen, both sides alike; mean over the folds
    deviation       standard deviation of the accuracy over the folds
    rows            of each set
    giveaways       the features that alone differ most
    """

    accuracy: float
    deviation: float
    auc: float
    rows: int
    giveaways: tuple[Giveaway, ...]


def window_features(
    melodies: Melodies, feature_set: str, per_piece: int = PER_PIECE, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features of windows of eight bars that do not overlap, float32 (windows, features), and each one's piece.

    feature_set   "judge": what the judge of style looks at; "successions": transitions and correlations, which nothing
                  is paid for
    per_piece     at most so many windows of a piece, drawn by the seed
    """
    if feature_set not in FEATURE_SETS:
        raise unknown("feature set", feature_set, FEATURE_SETS)
    pieces, starts = all_windows(melodies, MAX_BARS, MAX_BARS)
    windows = windows_of(melodies, pieces, starts, MAX_BARS)
    order = np.random.default_rng(seed).permutation(len(pieces))
    order = order[np.argsort(pieces[order], kind="stable")]
    place = np.arange(len(order)) - np.searchsorted(pieces[order], pieces[order])
    keep = np.sort(order[place < per_piece])
    keep = keep[windows[keep, 1] - windows[keep, 0] >= FEWEST_NOTES]
    if feature_set == "judge":
        from rlcompose.learned.judge import load_judge

        return load_judge().model.features(melodies, windows[keep]), pieces[keep]
    from rlcompose.learned.successions import succession_features

    return succession_features(melodies, windows[keep]), pieces[keep]


def feature_names(feature_set: str, number: int) -> list[str]:
    """What the columns are called; those of the successions have numbers."""
    return list(FEATURES) if feature_set == "judge" else [f"{feature_set}_{column}" for column in range(number)]


def two_sample_test(
    first: Floats,
    second: Floats,
    groups: Sequence[str],
    other_groups: Sequence[str],
    names: Sequence[str] = (),
    seed: int = 0,
) -> TwoSample:
    """Gradient boosting, five folds by group twice over, that tells rows of `first` from rows of `second`.

    Of both equally many are taken, at most 500, drawn by the seed.

    groups, other_groups   of each row: rows of one group are never divided between learning and testing. Rows that are
                           exact copies of each other are of one group, whatever is said.
    names                  of the columns, for the giveaways

    Raises:
        RlcomposeError: There are fewer than five groups, or scikit-learn is not installed.
    """
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.metrics import roc_auc_score
        from sklearn.model_selection import StratifiedGroupKFold
    except ImportError:
        raise missing_extra("scikit-learn", "learn") from None
    draw = np.random.default_rng(seed)
    number = min(len(first), len(second), MOST_ROWS)
    sides = [draw.permutation(len(side))[:number] for side in (first, second)]
    x = np.concatenate([np.asarray(first)[sides[0]], np.asarray(second)[sides[1]]]).astype(np.float64)
    y = np.repeat([1, 0], number)
    named = [groups[at] for at in sides[0]] + [other_groups[at] for at in sides[1]]
    together = _together(x, named)
    if len(np.unique(together)) < FOLDS:
        raise RlcomposeError(
            f"{len(np.unique(together))} groups of different windows are too few for a test: {FOLDS} are needed"
        )
    told = np.zeros((REPEATS, len(y)))
    accuracies = []
    for repeat in range(REPEATS):
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed + repeat)
        for learn, test in folds.split(x, y, together):
            model = HistGradientBoostingClassifier(
                max_iter=TREES, max_leaf_nodes=LEAVES, class_weight="balanced", random_state=seed
            )
            model.fit(x[learn], y[learn])
            told[repeat, test] = model.predict_proba(x[test])[:, 1]
            right = (told[repeat, test] > 0.5) == y[test]
            # Of both sides alike: where a fold has more of one, what is learned from has less, and guesses the other.
            accuracies.append(np.mean([right[y[test] == side].mean() for side in np.unique(y[test])]))
    return TwoSample(
        accuracy=float(np.mean(accuracies)),
        deviation=float(np.std(accuracies)),
        auc=float(np.mean([roc_auc_score(y, each) for each in told])),
        rows=number,
        giveaways=_giveaways(x[:number], x[number:], names or [str(column) for column in range(x.shape[1])]),
    )


def _together(x: NDArray[np.float64], groups: Sequence[str]) -> NDArray[np.int64]:
    """A number for each row, the same for rows of one group and for groups with a row in common."""
    root: dict[object, object] = {}

    def find(name: object) -> object:
        while root.setdefault(name, name) != name:
            name = root[name]
        return name

    for row, group in zip(x, groups, strict=True):
        root[find(("row", row.tobytes()))] = find(("group", group))
    roots = [find(("group", group)) for group in groups]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(roots))}
    return np.array([numbers[name] for name in roots], np.int64)


def _giveaways(a: NDArray[np.float64], b: NDArray[np.float64], names: Sequence[str]) -> tuple[Giveaway, ...]:
    """The columns whose rank statistic (Mann & Whitney 1947) is farthest from a half."""
    ranks = _ranks(np.concatenate([a, b]))[: len(a)].sum(0)
    auc = (ranks - len(a) * (len(a) + 1) / 2) / (len(a) * len(b))
    order = np.argsort(-np.abs(auc - 0.5), kind="stable")[:MOST_GIVEAWAYS]
    return tuple(
        Giveaway(names[at], float(a[:, at].mean()), float(b[:, at].mean()), float(auc[at])) for at in order.tolist()
    )


def _ranks(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each column from 1 up; equal values share their mean rank."""
    result = np.empty_like(x)
    for column in range(x.shape[1]):
        _, inverse, counts = np.unique(x[:, column], return_inverse=True, return_counts=True)
        last = np.cumsum(counts)
        result[:, column] = (last - (counts - 1) / 2)[inverse]
    return result
