from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rlcompose.learned.layout import MAX_INTERVAL, MELODY_SHAPE, NUM_STYLES
from rlcompose.learned.melodies import Melodies, make_melodies
from rlcompose.learned.ngrams import fit_ngrams
from rlcompose.score import Composition

Tune = Callable[..., Composition]


def test_every_context_has_probabilities_that_sum_to_one(melodies: Melodies) -> None:
    tables = fit_ngrams(melodies, np.arange(40) % NUM_STYLES)
    for table in tables.arrays:
        assert np.allclose(np.exp(table.astype(np.float64)).sum(axis=-1), 1.0, atol=1e-5)


def test_a_style_without_music_is_uniform_and_one_with_music_is_not(tune: Tune) -> None:
    piece = tune([(12 * k, 12, 60 + 2 * k) for k in range(8)], bars=2)  # whole tones upwards
    tables = fit_ngrams(make_melodies([piece]), np.array([2]))
    assert np.allclose(tables.melody[0], -np.log(MELODY_SHAPE[-1]))
    up = tables.melody[2, MAX_INTERVAL + 2, 1]  # after a whole tone up, and a step up before
    assert up.argmax() == MAX_INTERVAL + 2 and np.exp(up.max()) > 0.7
    # By hand, method C: seven intervals, of which six have one before; unigram (6 + 1/27) / 7 and so on.
    first = (6 + 1 / 27) / 7
    second = (6 + first) / 7
    third = (5 + second) / 6
    assert np.isclose(np.exp(up.max()), third, atol=1e-4)
