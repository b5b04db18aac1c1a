"""Music that is made here: nothing of a corpus comes with the tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from rlcompose.learned.melodies import Melodies, make_melodies
from rlcompose.score import Composition, Note
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

Tune = Callable[..., Composition]


@pytest.fixture(scope="session")
def tune() -> Tune:
    """A composition of (onset, ticks, pitch) notes."""

    def make(
        notes: Sequence[tuple[int, int, int]], bars: int = 1, meter: str = "4/4", key: str = "C major"
    ) -> Composition:
        return Composition(
            notes=tuple(Note(onset, pitch, ticks) for onset, ticks, pitch in notes),
            chords=(),
            key=Key.parse(key),
            meter=Meter.parse(meter),
            bars=bars,
            tempo=120,
            style="jazz",
        )

    return make


@pytest.fixture(scope="session")
def random_tune(tune: Tune) -> Callable[..., Composition]:
    """A random composition in a metre and key."""

    def make(seed: int, bars: int = 8, meter: str = "4/4", key: str = "C major") -> Composition:
        draw = np.random.default_rng(seed)
        total = bars * Meter.parse(meter).bar_ticks
        notes, at = [], int(draw.integers(0, 12))
        while at < total:
            ticks = int(min(draw.choice((2, 3, 4, 6, 8, 12, 18, 24)), total - at))
            if draw.random() < 0.85:
                notes.append((at, ticks, int(draw.integers(50, 80))))
            at += ticks
        return tune(notes, bars, meter, key)

    return make


@pytest.fixture(scope="session")
def melodies(random_tune: Callable[..., Composition]) -> Melodies:
    """Forty random pieces of 12 bars in several metres."""
    names = ("4/4", "3/4", "6/8", "2/4")
    return make_melodies([random_tune(seed, 12, names[seed % 4]) for seed in range(40)])
