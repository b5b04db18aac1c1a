"""How the judge is learned: windows of real music, noise, and rounds of attacks on what has been learned so far."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from rlcompose.corpus.library import Corpus, load_corpus
from rlcompose.corpus.split import hash_of, part_of
from rlcompose.errors import RlcomposeError, missing_extra
from rlcompose.files import write_atomically
from rlcompose.learned.attack import climb_mixed
from rlcompose.learned.layout import CLASSES, MAX_BARS, NOISE, NUM_CLASSES, NUM_STYLES, STYLES
from rlcompose.learned.melodies import Melodies, all_windows, joined_melodies, windows_of
from rlcompose.learned.models import JudgeModel, checked_parts, features_of
from rlcompose.learned.ngrams import Ngrams, fit_ngrams
from rlcompose.learned.noise import NOISE as FAMILIES
from rlcompose.learned.noise import Passage, make_noise, melodies_of, passage_of
from rlcompose.learned.trees import bin_edges, binned, tree_arrays

NOISE_CLASS = CLASSES.index(NOISE)
PREFIXES = (1, 2, 3, 4, 6)  # bars besides eight: the judge is asked after every bar
FEWEST_NOTES = 6  # of a window of eight bars
NEAR = ("perturbed_10", "shuffled_bars")  # so near to music that a window of them often is some
BINS = 63  # of a feature, for the trees
FLOOR = 1e-4  # of a model's probability, as in the kernel
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Settings:
    """How the judge is trained.

    windows        of eight bars a style, so far as there are
    jazz_windows   the same of jazz, which noise resembles most
    per_piece      at most so many of a piece
    noise          noise melodies a family
    rounds         of attacks, each followed by learning anew
    cheap_rounds   so many at first with 2,400 evaluations an attack, the others with 24,000
    attacks        climbed melodies a round in jazz; in the other styles a tenth of them
    noise_weight   weight of all noise together, where each style has 1
    near_weight    weight of a sample of the families that are near to music, where others have 1
    attack_weight  weight of all climbed melodies together, where each style has 1
    folds          in each the judge is learned without a share of the families, which tells how it takes unseen music
    """

    windows: int = 1800
    jazz_windows: int = 5000
    per_piece: int = 30
    noise: int = 240
    rounds: int = 11
    cheap_rounds: int = 3
    attacks: int = 120
    noise_weight: float = 1.3
    near_weight: float = 0.3
    attack_weight: float = 0.55
    folds: int = 5
    trees: int = 150
    leaves: int = 24
    hidden: int = 64
    epochs: int = 25
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Real:
    """Real music of all styles: `styles` and `families` piece by piece, families as numbers."""

    melodies: Melodies
    styles: NDArray[np.int64]
    families: NDArray[np.int64]
    parts: NDArray[np.str_]
    years: NDArray[np.int64]

    def of_part(self, *parts: str) -> Real:
        """What belongs to parts of the split."""
        return self.of(np.flatnonzero(np.isin(self.parts, parts)))

    def of(self, numbers: NDArray[np.int64]) -> Real:
        """Some of the pieces."""
        return Real(
            self.melodies.of(numbers),
            self.styles[numbers],
            self.families[numbers],
            self.parts[numbers],
            self.years[numbers],
        )


def real_music(corpora: Sequence[Corpus] | None = None) -> Real:
    """The corpora of all styles, or of those that are given."""
    corpora = [load_corpus(style) for style in STYLES] if corpora is None else corpora
    styles = [STYLES.index(corpus.style.family) for corpus in corpora]
    names = [family for corpus in corpora for family in corpus.families]
    known = {name: number for number, name in enumerate(sorted(set(names)))}
    return Real(
        joined_melodies([corpus.melodies for corpus in corpora]),
        np.repeat(styles, [len(corpus) for corpus in corpora]),
        np.array([known[name] for name in names], np.int64),
        np.array([part_of(name) for name in names]),
        np.concatenate([corpus.column("year") for corpus in corpora]).astype(np.int64),
    )


def folds_of(families: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """A fold for each piece, families kept together."""
    drawn = np.array([int(hash_of(f"{seed} {family}"), 16) % folds for family in np.unique(families)])
    return drawn[np.searchsorted(np.unique(families), families)]


def draw_windows(
    real: Real, counts: Sequence[int], per_piece: int, draw: Generator, bars: int = MAX_BARS
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pieces and first bars of so many windows a style."""
    pieces, starts = all_windows(real.melodies, bars)
    order = draw.permutation(len(pieces))
    pieces, starts = pieces[order], starts[order]
    # Of each piece the first few in this order: its rank among the windows of its piece.
    by_piece = np.argsort(pieces, kind="stable")
    firsts = np.searchsorted(pieces[by_piece], pieces[by_piece])
    rank = np.empty(len(pieces), np.int64)
    rank[by_piece] = np.arange(len(pieces)) - firsts
    windows = windows_of(real.melodies, pieces, starts, bars)
    keep = (rank < per_piece) & (windows[:, 1] - windows[:, 0] >= FEWEST_NOTES)
    pieces, starts = pieces[keep], starts[keep]
    chosen = [np.flatnonzero(real.styles[pieces] == style)[:count] for style, count in enumerate(counts)]
    at = np.concatenate(chosen)
    return pieces[at], starts[at]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Windows with their features: class, bars, source piece and noise family (-1 for real music) of each."""

    features: Floats
    classes: NDArray[np.int64]
    bars: NDArray[np.int64]
    sources: NDArray[np.int64]
    noise: NDArray[np.int64]

    def of(self, numbers: NDArray[Any]) -> Samples:
        """Some of them."""
        return Samples(*(getattr(self, name)[numbers] for name in SAMPLE_ARRAYS))


SAMPLE_ARRAYS = ("features", "classes", "bars", "sources", "noise")


def cut_windows(
    melodies: Melodies, pieces: NDArray[np.int64], starts: NDArray[np.int64], bars: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Windows of so many bars each, int32 (windows, 7)."""
    windows = np.empty((len(pieces), 7), np.int32)
    for length in np.unique(bars):
        at = bars == length
        windows[at] = windows_of(melodies, pieces[at], starts[at], int(length))
    return windows


def make_samples(
    real: Real,
    settings: Settings,
    draw: Generator,
    tables: Sequence[Ngrams],
    turns: NDArray[np.int64],
    families: Sequence[str] = tuple(FAMILIES),
    repeats: int = 1,
) -> Samples:
    """Windows of real music, whole and cut to fewer bars `repeats` times, and noise made from them.

    tables  n-gram tables; a window of a piece is measured by table `turns[piece]`, which has not seen it
    """
    counts = [settings.jazz_windows if style == "jazz" else settings.windows for style in STYLES]
    pieces, starts = draw_windows(real, counts, settings.per_piece, draw)
    lengths = [np.full(len(pieces), MAX_BARS)] + [draw.choice(PREFIXES, len(pieces)) for _ in range(repeats)]
    bars = np.concatenate(lengths)
    sources = np.tile(pieces, 1 + repeats)
    windows = cut_windows(real.melodies, sources, np.tile(starts, 1 + repeats), bars)
    passages, family, origin = noise_passages(real, pieces, starts, settings.noise, families, draw)
    melodies = melodies_of(passages)
    numbers = np.arange(len(passages))
    noise_bars = np.concatenate([np.full(len(passages), MAX_BARS), draw.choice(PREFIXES, len(passages))])
    twice = np.tile(numbers, 2)
    noise_windows = cut_windows(melodies, twice, np.zeros(len(twice), np.int64), noise_bars)
    features = np.concatenate(
        [
            _measured(real.melodies, windows, tables, turns[sources]),
            _measured(melodies, noise_windows, tables, turns[origin[twice]]),
        ]
    )
    counted = np.concatenate([windows[:, 1] - windows[:, 0], noise_windows[:, 1] - noise_windows[:, 0]])
    whole = Samples(
        features,
        np.concatenate([real.styles[sources], np.full(len(twice), NOISE_CLASS)]),
        np.concatenate([bars, noise_bars]),
        np.concatenate([sources, origin[twice]]),
        np.concatenate([np.full(len(sources), -1), family[twice]]),
    )
    return whole.of(counted > 0)


def _measured(melodies: Melodies, windows: Any, tables: Sequence[Ngrams], turns: NDArray[np.int64]) -> Floats:
    features = np.empty((len(windows), features_of(melodies, windows[:0], tables[0]).shape[1]), np.float32)
    for number, ngrams in enumerate(tables):
        at = turns == number
        features[at] = features_of(melodies, windows[at], ngrams)
    return features


def noise_passages(
    real: Real,
    pieces: NDArray[np.int64],
    starts: NDArray[np.int64],
    number: int,
    families: Sequence[str],
    draw: Generator,
) -> tuple[list[Passage], NDArray[np.int64], NDArray[np.int64]]:
    """So many noise passages a family, made from windows of all styles alike; the family and source piece of each."""
    windows = windows_of(real.melodies, pieces, starts, MAX_BARS)
    styles = real.styles[pieces]
    by_style = [np.flatnonzero(styles == style) for style in np.unique(styles)]
    made: list[Passage] = []
    which, origin = [], []
    names = list(FAMILIES)
    for family in families:
        turn = draw.permutation(number) % len(by_style)
        chosen = np.array([draw.choice(by_style[style]) for style in turn])
        others = np.array(
            [draw.choice(by_style[(style + draw.integers(1, len(by_style))) % len(by_style)]) for style in turn]
        )
        first = [passage_of(real.melodies, windows[at]) for at in chosen]
        second = [passage_of(real.melodies, windows[at]) for at in others]
        made += make_noise(family, first, second, draw)
        which.append(np.full(number, names.index(family)))
        origin.append(pieces[chosen])
    return made, np.concatenate(which), np.concatenate(origin)


def weights_of(samples: Samples, settings: Settings) -> NDArray[np.float64]:
    """Each style weighs as much as the other; noise as much as is said."""
    counts = np.maximum(np.bincount(samples.classes, minlength=NUM_CLASSES), 1)
    weights = (len(samples.classes) / NUM_CLASSES / counts)[samples.classes]
    names = list(FAMILIES)
    is_noise = samples.classes == NOISE_CLASS
    weights[np.isin(samples.noise, [names.index(name) for name in NEAR])] *= settings.near_weight
    if is_noise.any():
        weights[is_noise] *= settings.noise_weight * len(weights) / NUM_CLASSES / weights[is_noise].sum()
    return weights


# --- models -----------------------------------------------------------------------------------------------------------


def _sklearn() -> Any:
    try:
        import sklearn
    except ImportError as error:
        raise missing_extra("scikit-learn", "learn") from error
    return sklearn


def fit_models(samples: Samples, weights: NDArray[np.float64], ngrams: Ngrams, settings: Settings) -> JudgeModel:
    """Boosted trees, a linear and a dense network, with equal shares; `calibrate` weighs them."""
    _sklearn()
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    x, y = samples.features, samples.classes
    mean = x.mean(0)
    scale = 1.0 / np.maximum(x.std(0), 1e-3)
    z = np.clip((x - mean) * scale, -WIDEST, WIDEST)
    edges = bin_edges(x, BINS)
    boosted = HistGradientBoostingClassifier(
        max_iter=settings.trees,
        learning_rate=0.1,
        max_leaf_nodes=settings.leaves,
        max_bins=BINS,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=settings.seed,
    ).fit(binned(x, edges), y, sample_weight=weights)
    linear = LogisticRegression(C=0.05, max_iter=200).fit(z, y, sample_weight=weights)
    dense = fit_dense(z, y, weights, settings.hidden, settings.epochs, settings.seed)
    arrays = {
        "mean": mean,
        "scale": scale,
        "linear": linear.coef_.T,
        "linear_bias": linear.intercept_,
        **dense,
        **tree_arrays([boosted], edges),
        "shares": np.full(3, 1 / 3),
        "bias": np.zeros(NUM_CLASSES),
    }
    return JudgeModel(ngrams, checked_parts(arrays))


WIDEST = 4.0  # standard deviations that the linear and the dense model see, as in the kernel


def fit_dense(
    z: Floats, y: NDArray[np.int64], weights: NDArray[np.float64], hidden: int, epochs: int, seed: int
) -> dict[str, NDArray[np.float32]]:
    """A network with two hidden layers, as arrays; dropout and weight decay keep it from learning by heart."""
    try:
        import torch
    except ImportError as error:
        raise missing_extra("torch", "train") from error
    from torch import nn

    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [nn.Linear(z.shape[1], hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, int(y.max()) + 1)]
        network = nn.Sequential(
            *(nn.Dropout(0.1), layers[0], nn.ReLU(), nn.Dropout(0.3), layers[1], nn.ReLU(), layers[2])
        )
        optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-3)
        batch = min(512, len(y))
        batches = len(y) // batch
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=epochs * batches + 1)
        x, targets = torch.from_numpy(z.astype(np.float32)), torch.from_numpy(y)
        w = torch.from_numpy(weights.astype(np.float32))
        for _ in range(epochs):
            order = torch.randperm(len(y), generator=generator)
            for at in order[: batches * batch].view(batches, batch):
                losses = nn.functional.cross_entropy(network(x[at]), targets[at], reduction="none")
                loss = (losses * w[at]).mean()
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
    arrays = {}
    for number, layer in enumerate(layers, 1):
        arrays[f"dense_{number}"] = layer.weight.detach().numpy().T.copy()
        arrays[f"bias_{number}"] = layer.bias.detach().numpy().copy()
    return arrays


def logarithms(model: JudgeModel, features: Floats) -> NDArray[np.float64]:
    """What each of its models says alone, as logarithms with the kernel's floor, float64 (3, windows, classes)."""
    return np.stack([np.log(each.astype(np.float64) + FLOOR) for each in model.alone(features)])


def weighed(logs: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of the probabilities with these three shares and this bias, float64 (windows, classes)."""
    logits = np.tensordot(values[:3], logs, 1) + values[3:]
    logits -= logits.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return result


def calibrate(
    logs: NDArray[np.float64], classes: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The shares and the bias that make samples likeliest, given `logarithms` by models that have not seen them."""
    from scipy.optimize import minimize

    rows, total = np.arange(len(weights)), weights.sum()

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logs_of = weighed(logs, values)
        off = np.exp(logs_of)
        off[rows, classes] -= 1.0
        off *= weights[:, None] / total
        slope = np.concatenate([[(off * each).sum() for each in logs], off.sum(0)])
        value = -(weights * logs_of[rows, classes]).sum() / total
        return float(value + 1e-4 * (values @ values)), slope + 2e-4 * values

    bounds = [(0.05, 2.0)] * 3 + [(None, None)] * NUM_CLASSES
    start = np.concatenate([np.full(3, 0.4), np.zeros(NUM_CLASSES)])
    found: NDArray[np.float64] = minimize(loss, start, jac=True, bounds=bounds).x
    return found


def calibrated(model: JudgeModel, values: NDArray[np.float64]) -> JudgeModel:
    """The same models with these shares and this bias."""
    return JudgeModel(model.ngrams, checked_parts(dict(model.parts) | {"shares": values[:3], "bias": values[3:]}))


# --- the judge --------------------------------------------------------------------------------------------------------

TURNS = 4  # n-gram tables, each learned without a quarter of the families, measure that quarter


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A judge, the attacks it was trained with, and what each round told.

    samples  what it was learned from besides the attacks
    groups   the fold of each sample's family
    fit      learns and calibrates anew with other attacks
    """

    model: JudgeModel
    attacks: Samples
    log: list[dict[str, Any]]
    samples: Samples
    groups: NDArray[np.int64]
    fit: Callable[[Samples], JudgeModel]

    def with_attacks(self, features: Floats) -> Trained:
        """The same, learned anew with more windows of eight bars that only please the judge."""
        count = len(features)
        more = Samples(
            *(features, np.full(count, NOISE_CLASS), np.full(count, MAX_BARS)),
            *(np.full(count, -1), np.full(count, len(FAMILIES) + 1)),
        )
        attacks = joined_samples([self.attacks, more])
        return replace(self, model=self.fit(attacks), attacks=attacks)


def train_judge(
    real: Real,
    settings: Settings,
    families: Sequence[str] = tuple(FAMILIES),
    is_shown: bool = True,
    kept: Path | None = None,
) -> Trained:
    """Learn from this music and these noise families, then attack and learn anew, round by round.

    The shares and the bias are found on what models learned without their families say of all samples; the judge's own
    models have seen all. The attacks are `kept` in a file after each round, and what stands there is gone on from.

    Raises:
        RlcomposeError: The file was kept of another training, or is damaged.
    """
    draw = np.random.default_rng(settings.seed)
    turns = folds_of(real.families, TURNS, settings.seed)
    ngrams = fit_ngrams(real.melodies, real.styles)
    tables = [_without(real, turns, turn) for turn in range(TURNS)]
    samples = make_samples(real, settings, draw, tables, turns, families)
    weights = weights_of(samples, settings)
    groups = folds_of(real.families, settings.folds, settings.seed + 1)[samples.sources]

    def fitted(numbers: NDArray[Any], attacks: Samples) -> JudgeModel:
        whole = joined_samples([samples.of(numbers), attacks])
        count = len(attacks.classes)
        # Few attacks, in the first rounds, must not weigh more than music one by one.
        extra = min(settings.attack_weight * len(weights) / NUM_CLASSES / max(count, 1), 1.0)
        return fit_models(whole, np.concatenate([weights[numbers], np.full(count, extra)]), ngrams, settings)

    def values(attacks: Samples, folds: int) -> NDArray[np.float64]:
        """What calibrates, from what models say that have not seen a sample's family."""
        logs = np.zeros((3, len(weights), NUM_CLASSES))
        for fold in range(folds):
            aside = groups == fold
            logs[:, aside] = logarithms(fitted(~aside, attacks), samples.features[aside])
        known = groups < folds
        return calibrate(logs[:, known], samples.classes[known], weights[known])

    everything = np.ones(len(weights), np.bool_)

    def fit(attacks: Samples) -> JudgeModel:
        return calibrated(fitted(everything, attacks), values(attacks, settings.folds))

    attacks = samples.of(np.zeros(0, np.int64))
    first = values(attacks, 1)
    log: list[dict[str, Any]] = []
    whose = _whose(samples, settings)
    if kept is not None and kept.exists():
        attacks, log = _read_attacks(kept, whose)
    for number in range(len(log), settings.rounds):
        begun = time.monotonic()
        found, fooled = attack_round(calibrated(fitted(everything, attacks), first), settings, number)
        row = {"round": number + 1, "attacks": len(attacks.classes), "fooled": fooled}
        attacks = joined_samples([attacks, found])
        log.append(row)
        if kept is not None:
            _write_attacks(kept, whose, attacks, log)
        if is_shown:
            told = f"{row}, {time.monotonic() - begun:.0f} s"
            print(f"judge, round {number + 1} of {settings.rounds}: {told}", file=sys.stderr, flush=True)
    return Trained(fit(attacks), attacks, log, samples, groups, fit)


def _without(real: Real, turns: NDArray[np.int64], turn: int) -> Ngrams:
    numbers = np.flatnonzero(turns != turn)
    return fit_ngrams(real.melodies.of(numbers), real.styles[numbers])


def joined_samples(parts: Sequence[Samples]) -> Samples:
    """Samples one behind the other."""
    return Samples(*(np.concatenate([getattr(part, name) for part in parts]) for name in SAMPLE_ARRAYS))


def _whose(samples: Samples, settings: Settings) -> str:
    """What the attacks depend on: the samples, and all settings but the number of rounds."""
    told = json.dumps(asdict(replace(settings, rounds=0)), sort_keys=True)
    return hashlib.sha256(told.encode() + samples.features.tobytes()).hexdigest()[:16]


def _write_attacks(file: Path, whose: str, attacks: Samples, log: Sequence[Mapping[str, Any]]) -> None:
    content = io.BytesIO()
    arrays = {name: getattr(attacks, name) for name in SAMPLE_ARRAYS}
    np.savez(content, allow_pickle=False, whose=np.array(whose), log=np.array(json.dumps(log)), **arrays)
    write_atomically(file, content.getvalue())


def _read_attacks(file: Path, whose: str) -> tuple[Samples, list[dict[str, Any]]]:
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as kept:
            found = str(kept["whose"])
            attacks = Samples(*(kept[name] for name in SAMPLE_ARRAYS))
            log = json.loads(str(kept["log"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RlcomposeError(f"cannot read the attacks kept in {file}: {error}") from None
    if found != whose:
        raise RlcomposeError(f"the attacks kept in {file} are of a training with other settings: name another file")
    return attacks, log


CHEAP, DEAR = 2_400, 24_000  # evaluations of an attack


def attack_round(model: JudgeModel, settings: Settings, number: int) -> tuple[Samples, dict[str, float]]:
    """Climb in every style; the melodies found, whole and cut, as noise, and the share with p above .9 by style."""
    passages: list[Passage] = []
    fooled = {}
    for style in range(NUM_STYLES):
        restarts = settings.attacks if STYLES[style] == "jazz" else max(2, settings.attacks // 10)
        evaluations = CHEAP if number < settings.cheap_rounds else DEAR
        found = climb_mixed(model, style, restarts, evaluations, settings.seed * 1000 + number)
        fooled[STYLES[style]] = round(float(np.mean([each.trace[-1] > 0.9 for each in found])), 3)
        passages += [each.melody for each in found]
    melodies = melodies_of(passages)
    draw = np.random.default_rng([settings.seed, number])
    twice = np.tile(np.arange(len(passages)), 2)
    bars = np.concatenate([np.full(len(passages), MAX_BARS), draw.choice(PREFIXES, len(passages))])
    windows = cut_windows(melodies, twice, np.zeros(len(twice), np.int64), bars)
    keep = windows[:, 1] > windows[:, 0]
    keep[len(passages) :: 2] = False  # of the cut ones every other
    count = int(keep.sum())
    samples = Samples(
        features_of(melodies, windows[keep], model.ngrams),
        np.full(count, NOISE_CLASS),
        bars[keep],
        np.full(count, -1),
        np.full(count, len(FAMILIES)),
    )
    return samples, fooled


def climbed_windows(
    model: JudgeModel, settings: Settings, cheap: int = 600, dear: int = 200
) -> tuple[Floats, NDArray[np.int64]]:
    """Features of eight bars climbed to please a judge, and their styles; in jazz so many, in the others a third.

    What the monitor learns from: these are attacks on the very judge that it watches.
    """
    passages: list[Passage] = []
    styles: list[int] = []
    for style in range(NUM_STYLES):
        for restarts, evaluations in ((cheap, CHEAP), (dear, DEAR)):
            restarts = restarts if STYLES[style] == "jazz" else restarts // 3
            found = climb_mixed(model, style, restarts, evaluations, settings.seed * 1000 + 500 + evaluations)
            passages += [each.melody for each in found]
            styles += [style] * len(found)
    melodies = melodies_of(passages)
    numbers = np.arange(len(passages))
    windows = windows_of(melodies, numbers, np.zeros_like(numbers), MAX_BARS)
    keep = windows[:, 1] > windows[:, 0]
    return features_of(melodies, windows[keep], model.ngrams), np.array(styles, np.int64)[keep]
