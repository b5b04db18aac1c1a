"""The eleven metrics on melodies counted by hand, and the floors of players that do not learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.rl_tuner import CONVENTIONS, METRIC_NAMES, metrics, returns
from rlcompose.rl_tuner.players import greedy, in_key, uniform

C4, D4, E4, F4, G4, B4, D5 = 14, 16, 18, 19, 21, 25, 28
ONE_NOTE = [C4] * 32
RISING = list(range(2, 34))  # every semitone from C3 to G5
BARS = [C4, D4, E4, 0, D4, C4, E4, 0] * 4
RESOLVED = [C4, G4, F4, E4, *[C4, D4] * 14]
DOUBLED = [C4, G4, D5, *[B4, D5] * 14, B4]

both = pytest.mark.parametrize("convention", CONVENTIONS)


def value(name: str, pieces: list[list[int]], convention: str) -> float:
    return metrics(pieces, convention)[name]


@both
def test_excessively_repeated(convention: str) -> None:
    # Of 32 equal notes the first five are free; none of the rising ones is.
    assert value("notes excessively repeated", [ONE_NOTE, RISING], convention) == 27 / 64


@both
def test_autocorrelation_is_a_mean_over_pieces_where_it_is_defined(convention: str) -> None:
    # A straight line of 32: sum of squares 2,728; sums of products at lags 1 to 3: 2,472.25, 2,217.5, 1,964.75.
    for lag, products in zip((1, 2, 3), (2472.25, 2217.5, 1964.75), strict=True):
        told = value(f"mean autocorrelation lag {lag}", [ONE_NOTE, RISING], convention)
        assert told == pytest.approx(products / 2728, rel=1e-14)


@both
def test_not_in_key(convention: str) -> None:
    # Between tokens 2 and 33 lie 13 black keys: five in each of two octaves, and C#, D#, F# above.
    assert value("notes not in key", [ONE_NOTE, RISING], convention) == 13 / 64


def test_starting_with_tonic() -> None:
    assert value("compositions starting with tonic", [ONE_NOTE, RISING], "compat") == 0.5
    assert value("compositions starting with tonic", [ONE_NOTE, RISING], "corrected") == 1.0


@both
def test_leaps_resolved(convention: str) -> None:
    assert value("leaps resolved", [RESOLVED, DOUBLED, RESOLVED], convention) == pytest.approx(2 / 3)
    assert math.isnan(value("leaps resolved", [ONE_NOTE], convention))


@both
def test_unique_extremes(convention: str) -> None:
    assert value("compositions with unique max note", [ONE_NOTE, RISING, DOUBLED], convention) == pytest.approx(1 / 3)
    assert value("compositions with unique min note", [ONE_NOTE, RISING, DOUBLED], convention) == pytest.approx(2 / 3)


@both
def test_motifs_reach_their_ceilings(convention: str) -> None:
    # 25 of 32 events end a window of eight, 17 a window that can have been played before.
    assert value("notes in motif", [BARS, ONE_NOTE], convention) == 25 / 64
    assert value("notes in repeated motif", [BARS, RISING], convention) == 17 / 64


@both
def test_what_no_piece_defines_is_nan(convention: str) -> None:
    told = metrics([ONE_NOTE], convention)
    undefined = {"leaps resolved", *(f"mean autocorrelation lag {lag}" for lag in (1, 2, 3))}
    assert {name for name in METRIC_NAMES if math.isnan(told[name])} == undefined


def test_metrics_do_not_depend_on_the_order_of_the_pieces() -> None:
    pieces = np.random.default_rng(0).integers(0, 38, (5000, 32))  # more than are scored at once
    assert metrics(pieces) == pytest.approx(metrics(pieces[::-1]), rel=1e-12)


@pytest.mark.parametrize("tokens", [ONE_NOTE, [], [[*ONE_NOTE, C4]]])
def test_wrong_shapes_are_told(tokens: object) -> None:
    with pytest.raises(RlcomposeError, match=r"integers of shape \(N, 32\) are needed"):
        metrics(tokens)  # type: ignore[arg-type]


# --- floors: what players earn that do not learn, computed once on the published functions ---


def total(pieces: NDArray[np.int64]) -> float:
    """Mean return under the published reward."""
    return float(returns(pieces, "compat").mean())


def check_floor(pieces: NDArray[np.int64], floor: dict[str, float], num_other: int) -> None:
    """Shares of pieces within four standard errors of two samples, and the floor's rounding."""
    told = metrics(pieces, "compat")
    for name, percent in floor.items():
        share = percent / 100
        error = math.sqrt(share * (1 - share) * (1 / len(pieces) + 1 / num_other))
        assert told[name] == pytest.approx(share, abs=4 * error + 0.0006), name


def check_return(pieces: NDArray[np.int64], floor: float, deviation: float) -> None:
    """The mean return within four standard errors of two samples of that size; the deviation is that of returns."""
    assert total(pieces) == pytest.approx(floor, abs=4 * deviation * math.sqrt(2 / len(pieces)))


def test_floor_of_uniform_tokens() -> None:
    pieces = uniform(3000, 1)
    floor = {
        "notes not in key": 39.6,
        "compositions starting with tonic": 2.7,
        "leaps resolved": 2.7,
        "compositions with unique max note": 65.5,
        "compositions with unique min note": 64.0,
        "notes in motif": 78.1,
        "notes in repeated motif": 0.0,
    }
    check_floor(pieces, floor, 3000)
    told = metrics(pieces, "compat")
    assert told["notes excessively repeated"] < 0.0002
    lags = [told[f"mean autocorrelation lag {lag}"] for lag in (1, 2, 3)]
    assert lags == pytest.approx([-0.03, -0.03, -0.02], abs=0.017)  # 4 / sqrt(32 * 3000), and the rounding
    check_return(pieces, -16.8, 24.4)


def test_floor_of_tokens_in_key() -> None:
    pieces = in_key(3000, 2, "compat")
    floor = {
        "notes not in key": 0.0,
        "compositions starting with tonic": 4.6,
        "compositions with unique max note": 45.0,
        "compositions with unique min note": 45.7,
        "notes in motif": 78.1,
    }
    check_floor(pieces, floor, 3000)
    check_return(pieces, -4.8, 24.3)


def test_floor_of_rests_and_of_holds() -> None:
    rests, holds = np.zeros((1, 32), np.int64), np.ones((1, 32), np.int64)
    assert (total(rests), total(holds)) == (-2994.0, -2691.0)
    assert metrics(rests, "compat")["notes excessively repeated"] == 30 / 32
    assert metrics(holds, "compat")["notes excessively repeated"] == 27 / 32


@both
def test_greedy_with_ties_to_the_lowest_token_passes_what_it_is_paid_for(convention: str) -> None:
    told = metrics(greedy(1, convention), convention)
    assert told["compositions starting with tonic"] == 1.0
    assert told["leaps resolved"] == 1.0
    assert told["notes not in key"] == told["notes excessively repeated"] == 0.0


def test_floor_of_greedy_with_drawn_ties() -> None:
    pieces = greedy(150, "compat", seed=3)
    floor = {
        "notes excessively repeated": 0.0,
        "notes not in key": 0.0,
        "compositions starting with tonic": 100.0,
        "leaps resolved": 100.0,
        "compositions with unique max note": 70.7,
        "compositions with unique min note": 62.7,
        "notes in repeated motif": 0.0,
    }
    check_floor(pieces, floor, 150)
    assert metrics(pieces, "compat")["notes in motif"] == pytest.approx(0.653, abs=0.06)
    check_return(pieces, 118.0, 11.5)
