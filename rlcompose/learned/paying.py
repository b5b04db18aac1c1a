"""The judge inside the loop: what the bars just ended earn, for all pieces of an engine at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rlcompose.engine.layout import FIELD
from rlcompose.engine.moments import Moments
from rlcompose.errors import RlcomposeError
from rlcompose.learned.compiled import kernel
from rlcompose.learned.judge import Judge, blend_array, load_judge
from rlcompose.learned.layout import MAX_BARS, NUM_FEATURES, STYLES
from rlcompose.learned.naturalness import LATEST, naturalness_of
from rlcompose.theory.key import MODES, SCALES


@cache
def _scales() -> NDArray[np.int64]:
    return np.array([sum(1 << degree for degree in SCALES[mode]) for mode in MODES], np.int64)


def blend_of(family: str, shares: Mapping[str, float]) -> dict[str, float]:
    """The styles that are asked for and their shares; without any the environment's own family of styles.

    Raises:
        RlcomposeError: A share is negative, or the environment's style is none that the judge knows.
    """
    if any(share < 0 for share in shares.values()):
        raise RlcomposeError(f"in_style: a share is negative in {dict(shares)}: allowed are 0 and more")
    asked = {style: share for style, share in shares.items() if share > 0}
    if asked:
        return asked
    if family not in STYLES:
        raise RlcomposeError(
            f"the judge does not know the style {family!r}: name one that it knows, as in in_style(jazz=1); "
            f"allowed: {', '.join(STYLES)}"
        )
    return {family: 1.0}


@cache
def _asked(judge: Judge, family: str, shares: tuple[tuple[str, float], ...]) -> NDArray[np.float64]:
    return blend_array(blend_of(family, dict(shares)), judge.caps)


def pay_rows(moments: Moments, shares: Mapping[str, float]) -> NDArray[np.float64]:
    """What the reward term `in_style` gives each row, float64 (envs,); 0 where no bar ends."""
    judge = load_judge()
    blend = _asked(judge, moments.family, tuple(shares.items()))
    state, model = moments.state, judge.model
    result = np.empty(len(moments))
    kernel().pay_rows(
        *(state.events, state.now, state.done, _scales(), *model.ngrams.arrays, model.arrays, blend, result)
    )
    return result


def windows_of_rows(moments: Moments) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float32]]:
    """The last eight bars of the rows in which a bar has ended.

    Returns:
        Which rows these are, int64 (some,); what share of the piece's windows each is, float64 (some,), for its first
        window ends with its eighth bar; their features, float32 (some, features).
    """
    state = moments.state
    features = np.zeros((len(moments), NUM_FEATURES), np.float32)
    ended = np.empty(len(moments), np.int64)
    kernel().features_of_rows(
        *(state.events, state.now, state.done, _scales(), *load_judge().model.ngrams.arrays, features, ended)
    )
    rows = np.flatnonzero(ended)
    windows = np.maximum(state.now[rows, FIELD["bars"]] - MAX_BARS + 1, 1)
    return rows, np.minimum(ended[rows] / windows, 1.0), features[rows]


def natural_rows(moments: Moments) -> NDArray[np.float64]:
    """What the reward term `natural` gives each row, float64 (envs,); 0 where no bar ends."""
    result = np.zeros(len(moments))
    rows, shares, features = windows_of_rows(moments)
    if len(rows):
        result[rows] = naturalness_of(moments.family, LATEST).scores(features) * shares
    return result
