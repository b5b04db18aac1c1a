"""What stands in a row of the RL Tuner benchmark: the published metrics, and beside them what noise cannot have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rlcompose.metrics.diversity import vendi_of_vectors
from rlcompose.rl_tuner.rules import NUM_EVENTS, NUM_TOKENS
from rlcompose.rl_tuner.scoring import METRIC_NAMES, metrics, returns

if TYPE_CHECKING:
    from rlcompose.rl_tuner.prior import Prior

Melodies = NDArray[np.int64]
VENDI_PIECES = 1000  # a Vendi score grows with the number of pieces
EXTRA_NAMES = ("theory return", "log-likelihood", "vendi of successions", "vendi of places")

# 100,000 melodies each: Jaques et al. 2017, arXiv 1611.02796, table 1. Lag 3 of G is printed as "17".
PUBLISHED: dict[str, tuple[float, ...]] = {
    "Note RNN": (0.633, -0.16, 0.14, -0.13, 0.001, 0.009, 0.772, 0.647, 0.494, 0.059, 0.00007),
    "Q": (0.0, -0.11, 0.03, 0.03, 0.0100, 0.288, 0.911, 0.564, 0.519, 0.757, 0.0011),
    "Psi": (0.0002, -0.10, -0.01, 0.01, 0.0060, 0.287, 0.900, 0.594, 0.583, 0.738, 0.0009),
    "G": (0.0003, 0.55, 0.31, 0.17, 0.287, 0.0, 0.522, 0.371, 0.565, 0.693, 0.0001),
}


def published(name: str) -> dict[str, float]:
    """The published metrics of "Note RNN", "Q", "Psi" or "G", shares as in `metrics`."""
    return dict(zip(METRIC_NAMES, PUBLISHED[name], strict=True))


def measured(tokens: Melodies, convention: str, prior: Prior | None = None) -> dict[str, float]:
    """The eleven metrics of melodies (N, 32), and what noise cannot have beside them.

    theory return         mean sum of the nine terms over a melody
    log-likelihood        mean over the tokens under the prior, nats; left out without one
    vendi of successions  effective number of distinct melodies among the first 1,000, by the counts of their pairs of
                          neighbouring tokens (cosine kernel)
    vendi of places       the same by which token stands at which event: copies of an opening count as alike
    """
    row = metrics(tokens, convention)
    row["theory return"] = float(returns(tokens, convention).mean())
    if prior is not None:
        row["log-likelihood"] = float(prior.log_likelihood(tokens).mean())
    some = tokens[:VENDI_PIECES]
    row["vendi of successions"] = vendi_of_vectors(successions(some))
    row["vendi of places"] = vendi_of_vectors(places(some))
    return row


def successions(tokens: Melodies) -> NDArray[np.float64]:
    """How often each token follows each, float64 (N, 1444)."""
    size = NUM_TOKENS * NUM_TOKENS
    pairs = tokens[:, :-1] * NUM_TOKENS + tokens[:, 1:] + size * np.arange(len(tokens))[:, None]
    return np.bincount(pairs.ravel(), minlength=size * len(tokens)).reshape(-1, size).astype(np.float64)


def places(tokens: Melodies) -> NDArray[np.float64]:
    """1 where a token stands at an event, float64 (N, 1216)."""
    there: NDArray[np.float64] = (
        (tokens[:, :, None] == np.arange(NUM_TOKENS)).reshape(-1, NUM_EVENTS * NUM_TOKENS).astype(np.float64)
    )
    return there
