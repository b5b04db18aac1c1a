"""All metrics of pieces at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rlcompose.metrics import harmony, pitch, progression, rhythm, structure  # they register what they define
from rlcompose.metrics.reading import Reading, read
from rlcompose.metrics.register import PIECE_METRICS, Metric
from rlcompose.score import Composition

__all__ = [
    "PIECE_METRICS",
    "Metric",
    "harmony",
    "measure",
    "measure_all",
    "pitch",
    "progression",
    "rhythm",
    "structure",
]


def measure(piece: Composition) -> dict[str, float]:
    """Every metric of a piece by name; nan where it is undefined, as harmony without chords.

    >>> from rlcompose import Composer, agent, brief
    >>> composer = Composer.of(agent.find_agent("greedy").make(), brief.make_brief("jazz", {"bars": 4}))
    >>> numbers = measure(composer.compose(seed=1).composition)
    >>> 0.0 <= numbers["chord_tone_share"] <= 1.0
    True
    """
    return _measured(read(piece))


def measure_all(pieces: Sequence[Reading]) -> dict[str, NDArray[np.float64]]:
    """Every metric of many pieces by name, float64 (pieces,)."""
    rows = [_measured(piece) for piece in pieces]
    return {name: np.array([row[name] for row in rows], np.float64) for name in PIECE_METRICS}


def _measured(piece: Reading) -> dict[str, float]:
    return {name: metric.function(piece) for name, metric in PIECE_METRICS.items()}
