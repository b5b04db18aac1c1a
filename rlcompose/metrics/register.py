"""What a metric of a piece is, and the register of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rlcompose.metrics.reading import Reading

MetricFunction = Callable[[Reading], float]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number of a piece, nan where it is undefined; `definition` in words, `source` is where it comes from."""

    name: str
    function: MetricFunction
    definition: str
    source: str


PIECE_METRICS: dict[str, Metric] = {}


def piece_metric(definition: str, source: str) -> Callable[[MetricFunction], MetricFunction]:
    """Register a function of a reading under its name, and give it back unchanged."""

    def register(function: MetricFunction) -> MetricFunction:
        PIECE_METRICS[function.__name__] = Metric(function.__name__, function, definition, source)
        return function

    return register
