"""The n-gram tables of the styles: how probable an interval, a degree and a time are after those before.

Probabilities are interpolated with those of shorter contexts down to a uniform one by the method C of Witten & Bell
1991, "The zero-frequency problem", IEEE Transactions on Information Theory 37(4), 1085-1094: the weight of a context is
c / (c + d), c the notes seen in it and d how many different ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.learned.compiled import kernel
from rlcompose.learned.layout import DEGREE_SHAPE, MELODY_SHAPE, NUM_STYLES, RHYTHM_SHAPE
from rlcompose.learned.melodies import Melodies, windows_of

_ORDERS = {
    # Which axes of the counts are summed for each shorter context, the shortest first.
    "melody": ((0, 1), (1,), ()),
    "degree": ((0, 1), (1,), ()),
    "rhythm": ((0, 1, 2), (0, 2), (0,), ()),
}


@dataclass(frozen=True, slots=True, eq=False)
class Ngrams:
    """Natural logarithms of probabilities, float32 (styles, *shape); see `rlcompose.learned.layout`."""

    melody: NDArray[np.float32]
    degree: NDArray[np.float32]
    rhythm: NDArray[np.float32]

    @property
    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """What compiled functions take."""
        return self.melody, self.degree, self.rhythm

    def check(self) -> None:
        """Raise `RlcomposeError` where a table has not the shape that compiled code goes by."""
        for name, shape in (("melody", MELODY_SHAPE), ("degree", DEGREE_SHAPE), ("rhythm", RHYTHM_SHAPE)):
            found = getattr(self, name).shape
            if found != (NUM_STYLES, *shape):
                raise RlcomposeError(f"the table {name} has shape {found}: it must be {(NUM_STYLES, *shape)}")


def fit_ngrams(melodies: Melodies, styles: NDArray[np.int64]) -> Ngrams:
    """Tables learned from melodies; `styles` int64 (pieces,) says of which style each is."""
    counts = {
        "melody": np.zeros((NUM_STYLES, *MELODY_SHAPE), np.float32),
        "degree": np.zeros((NUM_STYLES, *DEGREE_SHAPE), np.float32),
        "rhythm": np.zeros((NUM_STYLES, *RHYTHM_SHAPE), np.float32),
    }
    numbers = np.arange(len(melodies))
    whole = windows_of(melodies, numbers, np.zeros(len(melodies), np.int64), 1)
    whole[:, 1] = melodies.pieces[:, 1]
    kernel().count_ngrams(*melodies.arrays, whole, np.asarray(styles, np.int64), *counts.values())
    return Ngrams(**{name: _smoothed(table, _ORDERS[name]) for name, table in counts.items()})


def _smoothed(counts: NDArray[np.float32], orders: tuple[tuple[int, ...], ...]) -> NDArray[np.float32]:
    symbols = counts.shape[-1]
    probability = np.full(counts.shape, 1.0 / symbols)
    for axes in orders:
        summed = counts.sum(axis=tuple(axis + 1 for axis in axes), keepdims=True) if axes else counts
        seen = summed.sum(axis=-1, keepdims=True)
        kinds = (summed > 0).sum(axis=-1, keepdims=True)
        total = np.maximum(seen + kinds, 1.0)
        probability = np.where(seen > 0, (summed + kinds * probability) / total, probability)
    logarithms: NDArray[np.float32] = np.log(probability).astype(np.float32)
    return logarithms
