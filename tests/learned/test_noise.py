from __future__ import annotations

import numpy as np
import pytest

from rlcompose.learned.melodies import Melodies, windows_of
from rlcompose.learned.noise import NOISE, TWELVE, make_noise, melodies_of, passage_of


@pytest.mark.parametrize("family", NOISE)
def test_noise_is_a_melody_in_its_window_and_the_same_for_the_same_seed(family: str, melodies: Melodies) -> None:
    windows = windows_of(melodies, np.arange(40), np.zeros(40, np.int64), 6)
    passages = [passage_of(melodies, window) for window in windows]
    others = passages[1:] + passages[:1]
    made = make_noise(family, passages, others, np.random.default_rng(1))
    again = make_noise(family, passages, others, np.random.default_rng(1))
    for one, two, source in zip(made, again, passages, strict=True):
        assert (np.diff(one.onsets) > 0).all() and (one.onsets >= 0).all()
        assert (one.onsets < source.total).all() and (one.ends <= source.total).all() and (one.ends > one.onsets).all()
        assert (one.ends[:-1] <= one.onsets[1:]).all()
        assert np.array_equal(one.pitches, two.pitches) and np.array_equal(one.onsets, two.onsets)
    assert len(melodies_of(made)) == 40


def test_families_spoil_what_they_say_and_keep_the_rest(melodies: Melodies) -> None:
    windows = windows_of(melodies, np.arange(40), np.zeros(40, np.int64), 6)
    passages = [passage_of(melodies, window) for window in windows]
    draw = np.random.default_rng(0)
    for source, made in zip(passages, make_noise("shuffled_pitches", passages, passages, draw), strict=True):
        assert np.array_equal(made.onsets, source.onsets) and sorted(made.pitches) == sorted(source.pitches)
    moved = [
        (made.pitches != source.pitches).mean()
        for source, made in zip(passages, make_noise("perturbed_35", passages, passages, draw), strict=True)
    ]
    assert 0.25 < float(np.mean(moved)) < 0.45
    for source, made in zip(passages, make_noise("looped_bar", passages, passages, draw), strict=True):
        first = made.pitches[made.onsets < source.bar]
        assert np.array_equal(np.tile(first, source.bars), made.pitches)
    assert len(TWELVE) == 12
