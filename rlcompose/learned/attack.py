"""Attacks on the judge: melodies climbed from random notes until the judge takes them for a style."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.learned.compiled import kernel
from rlcompose.learned.layout import MAX_BARS, SLOTS_PER_QUARTER
from rlcompose.learned.models import JudgeModel
from rlcompose.learned.noise import Passage

MAJOR = 0b101010110101  # the scale as bits
BAR = 4 * SLOTS_PER_QUARTER


@dataclass(frozen=True, slots=True, eq=False)
class Climbed:
    """What an attack found: the melody, eight bars of 4/4, and its probability after each part of the evaluations."""

    melody: Passage
    trace: NDArray[np.float64]


def climb(
    model: JudgeModel,
    target: int,
    restarts: int,
    evaluations: int,
    seed: int,
    copies_bars: bool = False,
    parts: int = 10,
) -> list[Climbed]:
    """Climb from random notes, so many times, by changes of single notes and, if asked, by copies of whole bars.

    `target` is the number of a class; eight changed melodies a round, of which the best stays if it is not worse.
    """

    def one(number: int) -> Climbed:
        found = np.zeros((3, MAX_BARS * BAR), np.int16)
        trace = np.zeros(parts)
        start = np.random.SeedSequence([seed, target, number, copies_bars]).generate_state(1, np.uint64)[0]
        asked = (start, target, evaluations, int(copies_bars))
        n = kernel().climb(*asked, *model.ngrams.arrays, model.arrays, found, trace)
        onsets, ends, pitches = (row[:n].astype(np.int64) for row in found)
        return Climbed(Passage(onsets, ends, pitches, MAX_BARS, BAR, SLOTS_PER_QUARTER, MAJOR), trace)

    with ThreadPoolExecutor(min(restarts, os.cpu_count() or 1)) as pool:
        return list(pool.map(one, range(restarts)))


def climb_mixed(model: JudgeModel, target: int, restarts: int, evaluations: int, seed: int) -> list[Climbed]:
    """As `climb`, a third of them with copies of bars."""
    copying = restarts // 3
    found = climb(model, target, restarts - copying, evaluations, seed)
    return found + climb(model, target, copying, evaluations, seed, copies_bars=True) if copying else found
