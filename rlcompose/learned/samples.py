"""What models learn from: windows of real music and of noise made from it, with their features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from rlcompose.corpus.library import Corpus, load_corpus
from rlcompose.corpus.split import hash_of, part_of
from rlcompose.learned.layout import CLASSES, MAX_BARS, NOISE, NUM_CLASSES, STYLES
from rlcompose.learned.melodies import Melodies, all_windows, joined_melodies, rank_within, windows_of
from rlcompose.learned.models import features_of
from rlcompose.learned.ngrams import Ngrams
from rlcompose.learned.noise import NOISE as FAMILIES
from rlcompose.learned.noise import Passage, make_noise, melodies_of, passage_of

NOISE_CLASS = CLASSES.index(NOISE)
PREFIXES = (1, 2, 3, 4, 6)  # bars besides eight: the judge is asked after every bar
FEWEST_NOTES = 6  # of a window of eight bars
NEAR = ("perturbed_10", "shuffled_bars")  # so near to music that a window of them often is some
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
    windows = windows_of(real.melodies, pieces, starts, bars)
    keep = (rank_within(pieces) < per_piece) & (windows[:, 1] - windows[:, 0] >= FEWEST_NOTES)
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
            measured(real.melodies, windows, tables, turns[sources]),
            measured(melodies, noise_windows, tables, turns[origin[twice]]),
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


def measured(melodies: Melodies, windows: Any, tables: Sequence[Ngrams], turns: NDArray[np.int64]) -> Floats:
    """Features of windows, each by the n-gram table of its turn."""
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


def joined_samples(parts: Sequence[Samples]) -> Samples:
    """Samples one behind the other."""
    return Samples(*(np.concatenate([getattr(part, name) for part in parts]) for name in SAMPLE_ARRAYS))
