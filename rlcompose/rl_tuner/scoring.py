"""What RL Tuner's rules and metrics make of given melodies."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.rl_tuner.core import TunerEngine
from rlcompose.rl_tuner.rules import NUM_EVENTS, NUM_TOKENS, TERM_NAMES

METRIC_NAMES = (
    "notes excessively repeated",
    "mean autocorrelation lag 1",
    "mean autocorrelation lag 2",
    "mean autocorrelation lag 3",
    "notes not in key",
    "compositions starting with tonic",
    "leaps resolved",
    "compositions with unique max note",
    "compositions with unique min note",
    "notes in motif",
    "notes in repeated motif",
)

_PIECES_AT_ONCE = 4096


def terms(tokens: ArrayLike, convention: str = "corrected") -> NDArray[np.float64]:
    """Each term's share of the reward of each event of one melody, float64 (32, 9), columns as in `TERM_NAMES`.

    `tokens` are 32 integers from 0 to 37. A row's sum, added from first to last, is the event's music-theory reward.

    >>> shares = terms([14, 16, 18, 19] + 7 * [21, 19, 18, 16])
    >>> dict(zip(TERM_NAMES, shares[0].tolist(), strict=True))["tonic"]
    3.0
    """
    return _shares(TunerEngine(1, convention), _checked(tokens, 1))[:, 0]


def returns(tokens: ArrayLike, convention: str = "corrected") -> NDArray[np.float64]:
    """The sum of the nine terms over each of these melodies, int (N, 32): float64 (N,)."""
    pieces = _checked(tokens, 2)
    found = np.empty(len(pieces))
    for start in range(0, len(pieces), _PIECES_AT_ONCE):
        some = pieces[start : start + _PIECES_AT_ONCE]
        found[start : start + _PIECES_AT_ONCE] = _shares(TunerEngine(len(some), convention), some).sum(axis=(0, 2))
    return found


def metrics(tokens: ArrayLike, convention: str = "corrected") -> dict[str, float]:
    """The eleven published metrics of melodies, int (N, 32): a number for each of `METRIC_NAMES`.

    All but the autocorrelations are shares in [0, 1]: of events ("notes …"), of pieces ("compositions …"), of the leaps
    that were resolved or doubled. nan is what is undefined: leaps where none was resolved or doubled, autocorrelation
    where no piece has two different tokens.
    """
    pieces = _checked(tokens, 2)
    paid = dict.fromkeys(TERM_NAMES, 0)  # events for which a term's share is not 0
    resolved = tonics = 0
    described = []
    for start in range(0, len(pieces), _PIECES_AT_ONCE):
        some = pieces[start : start + _PIECES_AT_ONCE]
        engine = TunerEngine(len(some), convention)
        shares = _shares(engine, some)
        for name, count in zip(TERM_NAMES, np.count_nonzero(shares, axis=(0, 1)).tolist(), strict=True):
            paid[name] += count
        resolved += int((shares[..., TERM_NAMES.index("leap")] > 0.0).sum())
        tonics += int((shares[0, :, TERM_NAMES.index("tonic")] > 0.0).sum())
        described.append(engine.describe())
    coefficients = np.concatenate([coefficient for coefficient, _ in described])
    unique_highest, unique_lowest = np.concatenate([unique for _, unique in described]).mean(axis=0).tolist()
    values = (
        paid["repetition"] / pieces.size,
        *(_mean_of_defined(coefficients[:, lag]) for lag in range(3)),
        paid["key"] / pieces.size,
        tonics / len(pieces),
        resolved / paid["leap"] if paid["leap"] else float("nan"),
        unique_highest,
        unique_lowest,
        paid["motif"] / pieces.size,
        paid["repeated_motif"] / pieces.size,
    )
    return dict(zip(METRIC_NAMES, values, strict=True))


def _shares(engine: TunerEngine, pieces: NDArray[np.int64]) -> NDArray[np.float64]:
    """The account of every event, float64 (32, pieces, 9)."""
    engine.reset(np.zeros(len(pieces), np.uint64))
    shares = np.empty((NUM_EVENTS, len(pieces), len(TERM_NAMES)))
    for place in range(NUM_EVENTS):
        engine.step(pieces[:, place])
        shares[place] = engine.state.account
    return shares


def _mean_of_defined(values: NDArray[np.float64]) -> float:
    defined = ~np.isnan(values)
    return float(np.where(defined, values, 0.0).sum() / defined.sum()) if defined.any() else float("nan")


def _checked(tokens: ArrayLike, dimensions: int) -> NDArray[np.int64]:
    """The tokens as int64 (pieces, 32), or the error that says what is wrong."""
    array = np.asarray(tokens)
    is_shaped = array.ndim == dimensions and array.shape[-1] == NUM_EVENTS and array.size > 0
    if not is_shaped or array.dtype.kind not in "iu":
        needed = f"({NUM_EVENTS},)" if dimensions == 1 else f"(N, {NUM_EVENTS})"
        raise RlcomposeError(
            f"tokens of shape {array.shape} and dtype {array.dtype}: integers of shape {needed} are needed"
        )
    low, high = array.min(), array.max()
    if low < 0 or high >= NUM_TOKENS:
        raise RlcomposeError(f"token {low if low < 0 else high} does not exist: allowed are 0 to {NUM_TOKENS - 1}")
    return array.reshape(-1, NUM_EVENTS).astype(np.int64)
