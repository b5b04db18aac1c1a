"""Can a classifier that is learned anew tell pieces from real ones, and by what?

    ours, real = (windows_features(melodies, "successions") for melodies in (mine, theirs))
    two_sample_test(ours.features, real.features, groups).accuracy

An accuracy of .5 is chance: the classifier cannot tell. The figure depends on the number of windows, so only figures
from equally many compare. It does not see copies: music taken from the reference passes (see `novelty`).

Source: Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests", ICLR.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError, missing_extra, unknown
from rlcompose.learned.layout import FEATURES, MAX_BARS
from rlcompose.learned.melodies import Melodies, all_windows, rank_within, windows_of

FOLDS = 5
ITERATIONS, LEAVES = 80, 8  # of the boosted trees
PER_PIECE = 8  # windows of a piece, so that a long solo does not outweigh the others
FEATURE_SETS = ("judge", "successions")  # what the judge looks at, and what no reward looks at


@dataclass(frozen=True, slots=True)
class Giveaway:
    """A feature by which the sides differ.

    auc    the probability that a of a pair is greater than b (half of it where both are equal), 0 to 1
    means  of a and of b
    """

    name: str
    auc: float
    means: tuple[float, float]


@dataclass(frozen=True, slots=True)
class TwoSample:
    """How well two sides are told apart.

    accuracy    share of the rows, each judged by a classifier that has not seen its group, told rightly; .5 is chance
    deviation   standard deviation of the accuracy over the folds
    auc         area under the ROC curve, mean over the folds
    count       rows of each side
    giveaways   all features, those that tell most first
    """

    accuracy: float
    deviation: float
    auc: float
    count: int
    giveaways: tuple[Giveaway, ...]


def two_sample_test(
    features_a: NDArray[Any],
    features_b: NDArray[Any],
    groups: Sequence[Hashable],
    seed: int = 0,
    names: Sequence[str] | None = None,
) -> TwoSample:
    """How well boosted trees tell rows of a from rows of b, in a cross-validation of five folds.

    Of the larger side as many rows as the smaller has are drawn. Rows that are equal in every feature go into one fold
    with all of their groups, so that nothing is recognised that was learned by heart.

    Args:
        features_a: (rows, features), finite.
        features_b: (rows, features) of the other side.
        groups: A label for each row of a and then of b; rows of one label stay in one fold. Label a real window and the
            sample made in its place alike, and windows of one performer or tune.
        seed: Of the drawing, the folds and the trees.
        names: Of the features; left out, their numbers.

    Raises:
        RlcomposeError: The arrays do not belong together, there are fewer than five groups or a side has fewer than
            five rows, or scikit-learn is not installed.
    """
    _sklearn()
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedGroupKFold

    a, b = (np.asarray(each, np.float32) for each in (features_a, features_b))
    names = [str(number) for number in range(a.shape[-1])] if names is None else names
    _check(a, b, groups, names)
    random = np.random.default_rng(seed)
    count = min(len(a), len(b))
    rows_a, rows_b = (np.sort(random.choice(len(each), count, replace=False)) for each in (a, b))
    x = np.concatenate([a[rows_a], b[rows_b]])
    y = np.repeat([1, 0], count)
    kept = [groups[number] for number in (*rows_a.tolist(), *(len(a) + rows_b).tolist())]
    together = joined_groups(x, kept)
    if len(np.unique(together)) < FOLDS:
        number = len(np.unique(together))
        raise RlcomposeError(f"{FOLDS} folds need {FOLDS} groups and more, here are {number} (equal rows are one)")
    scores, right, aucs = np.empty(len(y)), [], []
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for learns, asked in folds.split(x, y, together):
        if not len(asked):
            continue  # few groups of very different sizes need not fill five folds
        if len(np.unique(y[learns])) < 2:
            scores[asked] = y[learns].mean()  # one group holds a whole side: all that can be said is the other one
        else:
            trees = HistGradientBoostingClassifier(
                max_iter=ITERATIONS, max_leaf_nodes=LEAVES, early_stopping=False, random_state=seed
            ).fit(x[learns], y[learns])
            scores[asked] = trees.predict_proba(x[asked])[:, 1]
        right.append(float(((scores[asked] > 0.5) == y[asked]).mean()))
        is_a = y[asked] == 1
        if is_a.any() and not is_a.all():
            aucs.append(float(rank_auc(scores[asked][is_a][:, None], scores[asked][~is_a][:, None])[0]))
    accuracy = float(((scores > 0.5) == y).mean())
    auc = float(np.mean(aucs)) if aucs else float("nan")
    return TwoSample(accuracy, float(np.std(right)), auc, count, _giveaways(x[:count], x[count:], names))


def _giveaways(a: NDArray[np.float32], b: NDArray[np.float32], names: Sequence[str]) -> tuple[Giveaway, ...]:
    aucs = rank_auc(a, b)
    means = zip(a.mean(0, dtype=np.float64).tolist(), b.mean(0, dtype=np.float64).tolist(), strict=True)
    found = [Giveaway(name, auc, both) for name, auc, both in zip(names, aucs.tolist(), means, strict=True)]
    return tuple(sorted(found, key=lambda each: -abs(each.auc - 0.5)))


def rank_auc(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """Of each column the share of pairs in which a's value is the greater, equal ones as half; float64 (columns,).

    Source: Mann & Whitney 1947, "On a test of whether one of two random variables is stochastically larger than the
    other", Annals of Mathematical Statistics 18(1), 50-60.
    """
    _sklearn()
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([a, b]), axis=0)[: len(a)].sum(0)
    result: NDArray[np.float64] = (ranks - len(a) * (len(a) + 1) / 2) / (len(a) * len(b))
    return result


def joined_groups(rows: NDArray[np.float32], groups: Sequence[Hashable]) -> NDArray[np.int64]:
    """A number for each row, the same where rows share a group or are equal, by however many steps; int64 (rows,)."""
    parents = list(range(len(rows)))

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    seen: dict[Hashable, int] = {}
    for number, (row, group) in enumerate(zip(rows + np.float32(0), groups, strict=True)):  # -0 + 0 is 0
        for kind, key in (("row", row.tobytes()), ("group", group)):
            first = seen.setdefault((kind, key), number)
            parents[root(number)] = root(first)
    return np.unique([root(number) for number in range(len(rows))], return_inverse=True)[1].astype(np.int64)


def _check(a: NDArray[Any], b: NDArray[Any], groups: Sequence[Hashable], names: Sequence[str]) -> None:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or len(names) != a.shape[1]:
        raise RlcomposeError(f"both sides need the same named features: {a.shape}, {b.shape}, {len(names)} names")
    if len(groups) != len(a) + len(b):
        raise RlcomposeError(f"each row needs a group: {len(groups)} for {len(a)} + {len(b)} rows")
    if min(len(a), len(b)) < FOLDS:
        raise RlcomposeError(f"{FOLDS} folds need {FOLDS} rows and more of each side, not {len(a)} and {len(b)}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise RlcomposeError("a feature is not a finite number")


def _sklearn() -> None:
    try:
        import sklearn  # noqa: F401  - asked only whether it is there
    except ImportError as error:
        raise missing_extra("scikit-learn", "learn") from error


# --- windows ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class WindowFeatures:
    """The features of windows of eight bars.

    features  float32 (windows, features)
    names     of the features
    pieces    int64 (windows,): the number of the piece of each
    starts    int64 (windows,): its first bar
    """

    features: NDArray[np.float32]
    names: tuple[str, ...]
    pieces: NDArray[np.int64]
    starts: NDArray[np.int64]


def windows_features(
    melodies: Melodies, feature_set: str = "judge", per_piece: int = PER_PIECE, seed: int = 0
) -> WindowFeatures:
    """The features of windows of eight bars, which begin every four bars; of a piece at most so many, drawn at random.

    "judge" are the features that the judge of style looks at, "successions" those that no reward looks at. Windows of
    fewer than six notes are left out, and shorter pieces have none: treat both sides of a comparison alike.

    Raises:
        RlcomposeError: There is no such set of features.
    """
    from rlcompose.learned.samples import FEWEST_NOTES

    if feature_set not in FEATURE_SETS:
        raise unknown("feature set", feature_set, FEATURE_SETS)
    pieces, starts = all_windows(melodies, MAX_BARS)
    windows = windows_of(melodies, pieces, starts, MAX_BARS)
    full = np.flatnonzero(windows[:, 1] - windows[:, 0] >= FEWEST_NOTES)
    drawn = np.random.default_rng(seed).permutation(full)
    chosen = np.sort(drawn[rank_within(pieces[drawn]) < per_piece])
    names, features = _measured(melodies, windows[chosen], feature_set)
    return WindowFeatures(features, names, pieces[chosen], starts[chosen])


def _measured(
    melodies: Melodies, windows: NDArray[np.int32], feature_set: str
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    if feature_set == "successions":
        from rlcompose.learned.successions import SUCCESSIONS, succession_features

        return SUCCESSIONS, succession_features(melodies, windows)
    from rlcompose.learned.judge import load_judge

    return tuple(FEATURES), load_judge().model.features(melodies, windows)
