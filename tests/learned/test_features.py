"""The features of windows, against hand counts and against what must not change them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rlcompose.learned.layout import (
    FEATURE,
    FEATURES,
    KINDS,
    LIKELIHOODS_AT,
    MAX_BARS,
    NUM_FEATURES,
    STYLES,
)
from rlcompose.learned.melodies import Melodies, make_melodies, windows_of
from rlcompose.learned.models import features_of
from rlcompose.learned.ngrams import Ngrams, fit_ngrams
from rlcompose.score import Composition

Tune = Callable[..., Composition]


@pytest.fixture(scope="module")
def ngrams(melodies: Melodies) -> Ngrams:
    return fit_ngrams(melodies, np.arange(40) % len(STYLES))


def measured(piece: Composition, ngrams: Ngrams, bars: int | None = None, start: int = 0) -> dict[str, float]:
    melodies = make_melodies([piece])
    windows = windows_of(melodies, [0], [start], bars or int(melodies.pieces[0, 2]))
    [row] = features_of(melodies, windows, ngrams)
    return dict(zip(FEATURES, row.tolist(), strict=True))


# Two bars: four quarter notes C D E C, then eighths G E, a quarter rest, a half note C.
HAND = [(0, 12, 60), (12, 12, 62), (24, 12, 64), (36, 12, 60), (48, 6, 67), (54, 6, 64), (72, 24, 60)]
COUNTED = {
    "density": 7 / 8,
    "rest_share": 12 / 96,
    "longest_rest": 1 / 4,
    "lines": 1 / 2,
    "legato": (6 + 1 / 3) / 7,  # the second eighth sounds for 6 of 18 ticks
    "ioi_4": 4 / 6,
    "ioi_2": 1 / 6,
    "ioi_6": 1 / 6,
    "ioi_same": 3 / 5,
    "ioi_double": 1 / 5,
    "ioi_dotted": 1 / 5,
    "length_4": 4 / 7,
    "length_2": 2 / 7,
    "length_8": 1 / 7,
    "at_downbeat": 2 / 7,
    "at_middle": 2 / 7,
    "at_beat": 2 / 7,
    "at_off_beat": 1 / 7,
    "at_sixteenth": 0.0,
    "syncopation": 0.0,
    "silent_bars": 0.0,
    "rhythm_variety": 1.0,
    "commonest_rhythm": 1 / 2,
    "first_onset": 0.0,
    "last_silence": 0.0,
    "starts_together": 1.0,
    "rhythm_lag_1": 2 / 5,  # 0 and 8 of 0 2 4 8 12
    "pitch_lag_1": 0.0,
    "repeat": 0.0,
    "up_2": 2 / 6,
    "down_4": 2 / 6,
    "down_3": 1 / 6,
    "up_7": 1 / 6,
    "step_up_step_up": 1 / 5,
    "third_down_leap_up": 1 / 5,
    "scale_run": 1 / 5,
    "arpeggio": 1 / 5,
    "turns": 3 / 6,
    "leap_turns": 1.0,
    "longest_run": 2 / 6,
    "mean_interval": (2 + 2 + 4 + 7 + 3 + 4) / 6,
    "degree_0": 3 / 7,
    "degree_2": 1 / 7,
    "degree_4": 2 / 7,
    "degree_7": 1 / 7,
    "in_scale": 1.0,
    "num_degrees": 4 / 12,
    "range": 7 / 24,
    "pitch_variety": 4 / 7,
    "first_is_tonic": 1.0,
    "last_is_tonic": 1.0,
    "tonic_on_beats": 5 / 6,
    "bar_range": (4 + 7) / 2,
    "motif_2": 0.0,
    "peak": 48 / 96,
}


def test_features_of_two_bars_counted_by_hand(tune: Tune, ngrams: Ngrams) -> None:
    found = measured(tune(HAND, bars=2), ngrams)
    assert {name: found[name] for name in COUNTED} == pytest.approx(COUNTED, abs=1e-5)


def test_a_syncopation_sounds_through_the_next_beat(tune: Tune, ngrams: Ngrams) -> None:
    # On the second half of beats 1 and 3; only the first lasts through the beat after it.
    found = measured(tune([(6, 12, 60), (30, 6, 60)]), ngrams)
    assert found["syncopation"] == 0.5 and found["at_off_beat"] == 1.0


def test_what_returns_is_found_and_what_overlaps_itself_is_not(tune: Tune, ngrams: Ngrams) -> None:
    figure = [(0, 6, 0), (6, 6, 4), (12, 12, 7), (24, 24, 5)]
    moved = [(onset + 48, ticks, pitch + 2) for onset, ticks, pitch in figure]
    found = measured(tune([(o, t, 60 + p) for o, t, p in figure + moved], bars=2), ngrams)
    # The figure's three intervals return: at the third note two of them, at the fourth all three.
    assert found["motif_2"] == pytest.approx(2 / 8) and found["motif_3"] == pytest.approx(1 / 8)
    assert found["longest_return"] == pytest.approx(3 / 8)
    trill = measured(tune([(6 * k, 6, 60 + k % 2) for k in range(8)]), ngrams)
    assert trill["alternation"] == 1.0 and trill["longest_return"] <= 0.5


@pytest.mark.parametrize("by", [-7, 5, 12])
def test_transposition_changes_nothing(by: int, random_tune: Tune, tune: Tune, ngrams: Ngrams) -> None:
    keys = {-7: "F major", 5: "F major", 12: "C major"}
    for seed in range(5):
        piece = random_tune(seed)
        moved = tune([(n.onset, n.ticks, n.pitch + by) for n in piece.notes], 8, key=keys[by])
        one, two = measured(piece, ngrams), measured(moved, ngrams)
        assert one == pytest.approx(two, abs=1e-5)


def test_where_in_the_piece_a_window_lies_changes_nothing(random_tune: Tune, tune: Tune, ngrams: Ngrams) -> None:
    piece = random_tune(3, bars=4)
    later = tune([(n.onset + 96, n.ticks, n.pitch) for n in piece.notes], 6)
    assert measured(piece, ngrams) == pytest.approx(measured(later, ngrams, bars=4, start=2), abs=1e-5)


def test_all_features_are_finite_and_shares_are_shares(melodies: Melodies, ngrams: Ngrams) -> None:
    for bars in range(1, MAX_BARS + 1):
        windows = windows_of(melodies, np.arange(40), np.zeros(40, np.int64), bars)
        found = features_of(melodies, windows, ngrams)
        assert found.shape == (40, NUM_FEATURES) and np.isfinite(found).all()
        shares = [number for name, number in FEATURE.items() if FEATURES[name].startswith("share of")]
        assert (found[:, shares] >= -1e-6).all() and (found[:, shares] <= 1 + 1e-5).all()
        pairs = found[:, [FEATURE[f"{one}_{two}"] for one in KINDS for two in KINDS]].sum(axis=1)
        assert np.allclose(pairs[pairs > 0], 1.0, atol=1e-4)
        assert (
            found[:, LIKELIHOODS_AT:]
            <= np.where(np.arange(NUM_FEATURES)[LIKELIHOODS_AT:] < FEATURE["spread_jazz"], 1e-6, 99)
        ).all()


def test_a_window_without_notes_is_silence(tune: Tune, ngrams: Ngrams) -> None:
    found = measured(tune([(48, 12, 60)], bars=2), ngrams, bars=1)
    assert found["rest_share"] == 1.0 and found["silent_bars"] == 1.0 and found["density"] == 0.0
