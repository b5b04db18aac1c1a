"""What the prior must beat: n-gram models of the same events, of orders 0 to 4, aware of the key or of the chord.

Interpolated after Witten and Bell (The zero-frequency problem, IEEE Transactions on Information Theory 37, 1991, p.
1085): each order is mixed with the next lower one by the share of new things that its context was followed by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.engine.layout import BLOCKS, NUM_SLOTS
from rlcompose.prior.events import Events

ORDERS = (0, 1, 2, 3, 4)
NONE = -1  # in a context, where the piece has not begun yet
ROOT = BLOCKS["chord"].start
TICK_IN_BAR = BLOCKS["place"].start + [column.name for column in BLOCKS["place"].columns].index("tick_in_bar")

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Score:
    """How well an n-gram model foresees events, in nats a note: pitches and rests, lengths, and both."""

    order: int
    aware_of: str
    pitch: float
    length: float

    @property
    def total(self) -> float:
        """Of pitch and length."""
        return self.pitch + self.length

    @property
    def name(self) -> str:
        """As in a table."""
        return f"{self.order}-gram, {self.aware_of}"


def ngram_scores(train: Events, test: Events, num_lengths: int) -> list[Score]:
    """Every order, aware of the key and of the chord, best first; all learn from `train`."""
    lengths = _losses(train, test, "lengths", _length_base, num_lengths)
    bases = {"key": _key_base, "chord": _chord_base}
    scores = [
        Score(order, aware_of, pitch, length)
        for aware_of, base in bases.items()
        for order, pitch, length in zip(ORDERS, _losses(train, test, "slots", base, NUM_SLOTS), lengths, strict=True)
    ]
    return sorted(scores, key=lambda score: score.total)


def _key_base(events: Events) -> list[Ints]:
    return [np.zeros((len(events), 1), np.int64)]


def _chord_base(events: Events) -> list[Ints]:
    return [*_key_base(events), events.observations[:, ROOT].astype(np.int64)[:, None]]


def _length_base(events: Events) -> list[Ints]:
    is_rest = (events.slots == 0).astype(np.int64)[:, None]
    return [is_rest, np.column_stack([is_rest, events.observations[:, TICK_IN_BAR].astype(np.int64)])]


def _losses(train: Events, test: Events, what: str, base: Callable[[Events], list[Ints]], choices: int) -> list[float]:
    """For each order the nats a note of slots or lengths; `base` are the contexts up to order 0, the shortest first."""

    def contexts(events: Events) -> list[Ints]:
        levels = base(events)
        for order in ORDERS[1:]:
            levels.append(np.column_stack([levels[-1], _back(getattr(events, what), events.pieces, order)]))
        return levels

    found = _interpolated(contexts(train), getattr(train, what), contexts(test), getattr(test, what), choices)
    return [_per_note(each, test) for each in found[-len(ORDERS) :]]


def _per_note(probabilities: Floats, test: Events) -> float:
    return float(-np.log(probabilities).sum() / test.num_notes)


def _back(values: Ints, pieces: Ints, places: int) -> Ints:
    """The value so many events before, `NONE` before a piece's beginning."""
    moved = np.full(len(values), NONE)
    moved[places:] = np.where(pieces[places:] == pieces[:-places], values[:-places], NONE)
    return moved


def _interpolated(
    contexts: list[Ints], targets: Ints, test_contexts: list[Ints], test_targets: Ints, choices: int
) -> list[Floats]:
    """The probability of each test target by each level, from the shortest context to the longest."""
    probability = np.full(len(test_targets), 1.0 / choices)
    found = []
    for learned, asked in zip(contexts, test_contexts, strict=True):
        _, number = np.unique(np.concatenate([learned, asked]), axis=0, return_inverse=True)
        number = number.ravel()
        known, wanted = number[: len(learned)], number[len(learned) :]
        size = int(number.max()) + 1
        seen = np.bincount(known, minlength=size)
        pairs, times = np.unique(known * choices + targets, return_counts=True)
        new = np.bincount(pairs // choices, minlength=size)
        key = wanted * choices + test_targets
        at = np.minimum(np.searchsorted(pairs, key), len(pairs) - 1)
        counted = np.where(pairs[at] == key, times[at], 0)
        total = seen[wanted] + new[wanted]
        probability = np.where(total > 0, (counted + new[wanted] * probability) / np.maximum(total, 1), probability)
        found.append(probability)
    return found
