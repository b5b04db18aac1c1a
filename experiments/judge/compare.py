"""Six styles told apart by classic models, a recurrent network and the judge's combination; k-means; recording years.

    python experiments/judge/compare.py [--folds 5] [--windows 1800]

Five folds; versions of a tune, and all solos of a performer, are in one fold. All models learn windows of eight bars
and of fewer (1 to 6), are tested on 1, 2, 4, 6 and 8, and see the features of `rlcompose/learned/layout.py`; n-gram
tables are learned anew in each fold, and a training window is measured by tables that have not seen its family. The
recurrent network (GRU) reads the notes themselves. Writes `comparison.md`, `comparison.json` and `comparison.png`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.files import write_atomically
from rlcompose.learned.layout import FEATURES, MAX_BARS, NUM_STYLES, STYLES
from rlcompose.learned.models import features_of, standardised
from rlcompose.learned.ngrams import fit_ngrams
from rlcompose.learned.samples import Real, cut_windows, draw_windows, folds_of, real_music
from rlcompose.learned.training import TURNS
from rlcompose.learned.trees import bin_edges, binned

HERE = Path(__file__).parent
TESTED = (1, 2, 4, 6, 8)
LEARNED = (1, 2, 3, 4, 6, 8)
GRU_NOTES = 96  # the latest of a window
Matrix = NDArray[np.float64]
Ask = Callable[[Any], Matrix]


def calibration_error(probabilities: Matrix, classes: NDArray[np.int64], bins: int = 15) -> float:
    """Expected calibration error: mean difference of confidence and accuracy over equal bins of confidence."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == classes
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(
        sum((number == b).mean() * abs(confidence[number == b].mean() - right[number == b].mean()) for b in set(number))
    )


class Gru:
    """A recurrent network over (interval, time to the note, degree, place in the bar) of each note."""

    def __init__(self, seed: int) -> None:
        import torch

        self.seed = seed
        self.torch = torch

    def fit(self, notes: NDArray[np.int64], classes: NDArray[np.int64], weights: Matrix) -> Gru:
        """Learn from (windows, notes, 4), padded with -1 in front."""
        torch = self.torch
        nn = torch.nn
        torch.manual_seed(self.seed)
        sizes = (28, 34, 13, 17)
        self.embeddings = nn.ModuleList([nn.Embedding(size, 12) for size in sizes])
        self.network = nn.GRU(48, 64, batch_first=True)
        self.head = nn.Linear(64, NUM_STYLES)
        whole = nn.ModuleList([self.embeddings, self.network, self.head])
        optimiser = torch.optim.Adam(whole.parameters(), 3e-3)
        x, y = torch.from_numpy(notes + 1), torch.from_numpy(classes)
        w = torch.from_numpy(weights.astype(np.float32))
        for _ in range(4):
            for at in torch.randperm(len(x))[: len(x) // 256 * 256].view(-1, 256):
                loss = (nn.functional.cross_entropy(self._logits(x[at]), y[at], reduction="none") * w[at]).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        return self

    def _logits(self, x: Any) -> Any:
        seen = self.torch.cat([embed(x[:, :, k]) for k, embed in enumerate(self.embeddings)], dim=2)
        return self.head(self.network(seen)[0][:, -1])

    def predict_proba(self, notes: NDArray[np.int64]) -> Matrix:
        """Probabilities (windows, styles)."""
        with self.torch.no_grad():
            x = self.torch.from_numpy(notes + 1)
            parts = [self._logits(part) for part in self.torch.split(x, 2048)]
            result: Matrix = self.torch.softmax(self.torch.cat(parts), 1).double().numpy()
        return result


def notes_of(real: Real, windows: NDArray[np.int32]) -> NDArray[np.int64]:
    """What the GRU reads: int64 (windows, notes, 4), -1 where there is no note."""
    result = np.full((len(windows), GRU_NOTES, 4), -1, np.int64)
    onsets, _, pitches = real.melodies.arrays
    for number, (first, last, start, _, bar, _, _) in enumerate(windows.tolist()):
        first = max(first, last - GRU_NOTES)
        at, pitch = onsets[first:last].astype(int), pitches[first:last].astype(int)
        if len(at):
            rows = np.column_stack(
                [
                    np.clip(np.diff(pitch, prepend=pitch[0]), -13, 13) + 13,
                    np.clip(np.diff(at, prepend=start), 0, 32),
                    pitch % 12,
                    np.minimum((at - start) % bar, 15),
                ]
            )
            result[number, -len(rows) :] = rows
    return result


def fit_all(x: NDArray[np.float32], notes: Any, y: NDArray[np.int64], seed: int) -> dict[str, tuple[Ask, float]]:
    """Every model: what gives its probabilities, and the seconds it took to learn."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    mean, scale = x.mean(axis=0), 1 / np.maximum(x.std(axis=0), 1e-3)
    counts = np.bincount(y)
    w = (len(y) / NUM_STYLES / counts)[y]

    def cut(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return standardised(values, mean, scale)

    z = cut(x)
    few = np.random.default_rng(seed).permutation(len(y))[:9000]  # the SVM's cost grows with the square
    found: dict[str, tuple[Ask, float]] = {}

    def add(name: str, fit: Callable[[], Any], ask: Callable[[Any, Any], Matrix]) -> None:
        begun = time.monotonic()
        model = fit()
        found[name] = (lambda inputs: ask(model, inputs), time.monotonic() - begun)

    def ridge_odds(model: Any, inputs: Any) -> Matrix:
        odds = np.exp(4.0 * model.decision_function(cut(inputs[0])))
        result: Matrix = odds / odds.sum(axis=1, keepdims=True)
        return result

    add("ridge regression", lambda: RidgeClassifier(alpha=100.0).fit(z, y, sample_weight=w), ridge_odds)
    add(
        "logistic regression",
        lambda: LogisticRegression(C=0.05, max_iter=200).fit(z, y, sample_weight=w),
        lambda model, inputs: model.predict_proba(cut(inputs[0])),
    )
    add(
        "decision tree",
        lambda: DecisionTreeClassifier(max_depth=10, min_samples_leaf=10, random_state=seed).fit(x, y, sample_weight=w),
        lambda model, inputs: model.predict_proba(inputs[0]),
    )
    add(
        "random forest",
        lambda: RandomForestClassifier(200, min_samples_leaf=2, n_jobs=2, random_state=seed).fit(x, y, sample_weight=w),
        lambda model, inputs: model.predict_proba(inputs[0]),
    )
    add(
        "SVM (radial)",
        lambda: _calibrated(SVC(C=3.0, gamma="scale", class_weight="balanced"), z[few], y[few]),
        lambda model, inputs: model.predict_proba(cut(inputs[0])),
    )
    edges = bin_edges(x)
    add(
        "gradient boosting",
        lambda: HistGradientBoostingClassifier(
            max_iter=150, max_leaf_nodes=15, l2_regularization=1.0, early_stopping=False, random_state=seed
        ).fit(binned(x, edges), y, sample_weight=w),
        lambda model, inputs: model.predict_proba(binned(inputs[0], edges)),
    )
    add("dense network", lambda: _dense(z, y, w, seed), lambda model, inputs: model(cut(inputs[0])))
    add("GRU", lambda: Gru(seed).fit(notes, y, w), lambda model, inputs: model.predict_proba(inputs[1]))
    parts = [found[name][0] for name in ("gradient boosting", "logistic regression", "dense network")]

    def together(inputs: Any) -> Matrix:
        # As the judge does: the mean of logarithms, sharpened a little (see `calibrate`).
        logs = sum(np.log(ask(inputs) + 1e-4) for ask in parts) * 0.4
        odds = np.exp(logs)
        result: Matrix = odds / odds.sum(axis=1, keepdims=True)
        return result

    found["judge's combination"] = (
        together,
        sum(found[n][1] for n in ("gradient boosting", "logistic regression", "dense network")),
    )
    return found


def _calibrated(model: Any, z: Any, y: Any) -> Any:
    from sklearn.calibration import CalibratedClassifierCV

    return CalibratedClassifierCV(model, ensemble=False, cv=3).fit(z, y)


def _dense(z: Any, y: Any, w: Any, seed: int) -> Ask:
    from rlcompose.learned.fitting import fit_dense

    layers = fit_dense(z, y, w, 64, 25, seed)

    def ask(values: Any) -> Matrix:
        hidden = np.maximum(values @ layers["dense_1"] + layers["bias_1"], 0)
        hidden = np.maximum(hidden @ layers["dense_2"] + layers["bias_2"], 0)
        odds = np.exp((hidden @ layers["dense_3"] + layers["bias_3"]).astype(np.float64))
        result: Matrix = odds / odds.sum(axis=1, keepdims=True)
        return result

    return ask


def one_fold(real: Real, pieces: Any, starts: Any, folds: Any, fold: int, seed: int) -> dict[str, Any]:
    """Learn without a fold, test on it."""
    turns = folds_of(real.families, TURNS, seed + fold + 1)
    learns = folds != fold

    def tables(numbers: Any) -> Any:
        at = np.flatnonzero(numbers)
        return fit_ngrams(real.melodies.of(at), real.styles[at])

    whole, without = tables(learns), [tables(learns & (turns != turn)) for turn in range(TURNS)]
    draw = np.random.default_rng(seed + fold)
    inside = np.flatnonzero(learns[pieces])
    at = np.tile(inside, 2)
    bars = np.concatenate([np.full(len(inside), MAX_BARS), draw.choice(LEARNED, len(inside))])
    windows = cut_windows(real.melodies, pieces[at], starts[at], bars)
    keep = windows[:, 1] > windows[:, 0]
    at, windows = at[keep], windows[keep]
    x = np.empty((len(at), len(FEATURES)), np.float32)
    for turn in range(TURNS):
        mine = turns[pieces[at]] == turn
        x[mine] = features_of(real.melodies, windows[mine], without[turn])
    models = fit_all(x, notes_of(real, windows), real.styles[pieces[at]], seed)
    outside = np.flatnonzero(folds[pieces] == fold)
    result: dict[str, Any] = {name: {"seconds": seconds, "by_bars": {}} for name, (_, seconds) in models.items()}
    for length in TESTED:
        windows = cut_windows(real.melodies, pieces[outside], starts[outside], np.full(len(outside), length))
        heard = windows[:, 1] > windows[:, 0]
        inputs = (features_of(real.melodies, windows[heard], whole), notes_of(real, windows[heard]))
        y = real.styles[pieces[outside[heard]]]
        for name, (ask, _) in models.items():
            begun = time.perf_counter()
            probabilities = ask(inputs)
            micros = (time.perf_counter() - begun) / len(y) * 1e6
            result[name]["by_bars"][length] = (probabilities, y, micros)
    return result


def scores(probabilities: Matrix, y: NDArray[np.int64]) -> tuple[float, float, float]:
    """Macro-F1, log-loss and calibration error."""
    from sklearn.metrics import f1_score

    loss = -np.log(np.maximum(probabilities[np.arange(len(y)), y], 1e-9)).mean()
    return f1_score(y, probabilities.argmax(axis=1), average="macro"), float(loss), calibration_error(probabilities, y)


def clusters(x: NDArray[np.float32], y: NDArray[np.int64], seed: int) -> list[str]:
    """K-means of windows: purity, normalised mutual information, and what each cluster is."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import normalized_mutual_info_score

    z = standardised(x, x.mean(axis=0), 1 / np.maximum(x.std(axis=0), 1e-3))
    lines = []
    for k in (6, 12, 24):
        number = KMeans(k, n_init=4, random_state=seed).fit_predict(z)
        purity = sum(np.bincount(y[number == c]).max() for c in range(k)) / len(y)
        nmi = normalized_mutual_info_score(y, number)
        lines.append(
            f"- k = {k}: purity {purity:.3f}, NMI {nmi:.3f} (the largest style is {np.bincount(y).max() / len(y):.3f})."
        )
        if k == 6:
            names = list(FEATURES)
            for c in range(k):
                counts = np.bincount(y[number == c], minlength=NUM_STYLES)
                top = ", ".join(
                    f"{STYLES[s]} {counts[s] / counts.sum():.0%}" for s in np.argsort(-counts)[:3] if counts[s]
                )
                away = z[number == c].mean(axis=0)[:FEATURE_END]
                words = "; ".join(
                    f"{'more' if away[f] > 0 else 'less'}: {FEATURES[names[f]]}" for f in np.argsort(-np.abs(away))[:3]
                )
                lines.append(f"  - {counts.sum()} windows ({top}): {words}.")
    return lines


FEATURE_END = list(FEATURES).index(f"melody_{STYLES[0]}")  # what n-grams give has no words of its own


def years(real: Real, seed: int) -> str:
    """Ridge regression of a jazz solo's year from its mean features, by performer."""
    from sklearn.linear_model import Ridge

    jazz = real.of(np.flatnonzero((real.styles == 0) & (real.years > 0)))
    pieces, starts = draw_windows(jazz, [10**6] + [0] * (NUM_STYLES - 1), 12, np.random.default_rng(seed))
    from rlcompose.learned.melodies import windows_of

    ngrams = fit_ngrams(real.melodies, real.styles)
    x = features_of(jazz.melodies, windows_of(jazz.melodies, pieces, starts, MAX_BARS), ngrams)[:, :FEATURE_END]
    numbers = np.unique(pieces)
    means = np.array([x[pieces == number].mean(axis=0) for number in numbers])
    z = (means - means.mean(axis=0)) / np.maximum(means.std(axis=0), 1e-3)
    year, folds = jazz.years[numbers], folds_of(jazz.families, 5, seed)[numbers]
    told = np.zeros(len(numbers))
    for fold in range(5):
        model = Ridge(alpha=300.0).fit(z[folds != fold], year[folds != fold])
        told[folds == fold] = model.predict(z[folds == fold])
    off = np.abs(told - year)
    plain = np.abs(year - np.median(year))
    share = 1 - ((told - year) ** 2).sum() / ((year - year.mean()) ** 2).sum()
    correlation = np.corrcoef(told, year)[0, 1]
    return (
        f"{len(numbers)} solos of unseen performers: mean error {off.mean():.1f} years "
        f"(the median year for all: {plain.mean():.1f}), R² {share:.2f}, correlation {correlation:.2f}."
    )


def main() -> int:
    """Compare, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--windows", type=int, default=1800, help="of eight bars, a style")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    real = real_music()
    folds = folds_of(real.families, arguments.folds, arguments.seed)
    draw = np.random.default_rng(arguments.seed)
    pieces, starts = draw_windows(real, [arguments.windows] * NUM_STYLES, 10, draw)
    found = []
    for fold in range(arguments.folds):
        begun = time.monotonic()
        found.append(one_fold(real, pieces, starts, folds, fold, arguments.seed))
        print(f"fold {fold + 1} of {arguments.folds}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    table = {}
    lines = [
        "# Six styles told apart",
        "",
        f"`python experiments/judge/compare.py`: {len(pieces)} windows of eight bars, {arguments.folds} folds by tune "
        "family, work or performer; mean ± standard deviation over the folds, log-loss and ECE pooled.",
        "",
        "| model | macro-F1, 8 bars | worst fold | log-loss | ECE | 1 bar | 2 | 4 | 6 | µs a window | s to learn |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in found[0]:
        by_fold = {n: [scores(*fold[name]["by_bars"][n][:2])[0] for fold in found] for n in TESTED}
        pooled = [np.concatenate([fold[name]["by_bars"][8][k] for fold in found]) for k in (0, 1)]
        _, loss, error = scores(pooled[0], pooled[1])
        micros = np.mean([fold[name]["by_bars"][8][2] for fold in found])
        seconds = np.mean([fold[name]["seconds"] for fold in found])
        confusion = np.zeros((NUM_STYLES, NUM_STYLES), int)
        np.add.at(confusion, (pooled[1], pooled[0].argmax(axis=1)), 1)
        table[name] = {"f1": by_fold, "log_loss": loss, "ece": error, "micros": micros, "confusion": confusion.tolist()}
        eight = by_fold[8]
        others = " | ".join(f"{np.mean(by_fold[n]):.3f}" for n in (1, 2, 4, 6))
        lines.append(
            f"| {name} | {np.mean(eight):.3f} ± {np.std(eight):.3f} | {min(eight):.3f} | {loss:.3f} | {error:.3f} "
            f"| {others} | {micros:.1f} | {seconds:.0f} |"
        )
    confusion = np.array(table["judge's combination"]["confusion"])
    lines += [
        "",
        "## The combination's confusion (rows: true)",
        "",
        "| | " + " | ".join(STYLES) + " |",
        "|---" * (NUM_STYLES + 1) + "|",
    ]
    lines += [
        f"| {style} | " + " | ".join(map(str, row)) + " |"
        for style, row in zip(STYLES, confusion.tolist(), strict=True)
    ]
    from rlcompose.learned.melodies import windows_of

    ngrams = fit_ngrams(real.melodies, real.styles)
    x = features_of(real.melodies, windows_of(real.melodies, pieces, starts, MAX_BARS), ngrams)
    lines += ["", "## K-means", "", *clusters(x[:, :FEATURE_END], real.styles[pieces], arguments.seed)]
    lines += ["", "## The year of a jazz solo", "", "Ridge regression: " + years(real, arguments.seed)]
    write_atomically(HERE / "comparison.md", "\n".join(lines) + "\n")
    write_atomically(HERE / "comparison.json", json.dumps(table, indent=1, default=float) + "\n")
    draw_table(table)
    print("\n".join(lines))
    return 0


def draw_table(table: dict[str, Any]) -> None:
    """F1 by the bars that are heard, one line a model."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), constrained_layout=True)
    for number, (name, row) in enumerate(table.items()):
        means = [np.mean(row["f1"][n]) for n in TESTED]
        axes.plot(TESTED, means, marker="os^vDPX*h"[number % 9], label=name, linewidth=2.5 if "judge" in name else 1.2)
    axes.set(xlabel="bars heard", ylabel="macro-F1, six styles, unseen families", xticks=TESTED)
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(HERE / "comparison.png", dpi=120)


if __name__ == "__main__":
    sys.exit(main())
