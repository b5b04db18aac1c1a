"""The compiled terms beside plain Python that goes another way: whole melodies, text search, NumPy's own sums."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from rlcompose.rl_tuner import CONVENTIONS, METRIC_NAMES, metrics, terms

PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
INTERVALS = {2: 0.08, 4: 0.09, 5: 0.07, 7: 0.02, 9: 0.05, 11: -0.3}


def midi(token: int) -> int:
    return token + 46


def name_of(token: int) -> str:
    """The letter of a white key, else nothing."""
    return {place: letter for letter, place in PITCH_CLASSES.items()}.get(midi(token) % 12, "")


def coefficients_of(tokens: list[int]) -> list[float]:
    values = np.array(tokens)
    deviations, variance = values - np.mean(values), np.var(values)
    if variance == 0.0:
        return []
    count = len(tokens)
    return [float((deviations[lag:] * deviations[: max(count - lag, 0)]).sum() / count / variance) for lag in (1, 2, 3)]


def autocorrelation(played: list[int]) -> float:
    cost = 0.0
    for coefficient in coefficients_of(played):
        if abs(coefficient) > 0.15:
            cost += abs(coefficient) * 3.0
    return -cost


def key(token: int) -> float:
    return 0.0 if token < 2 or name_of(token) else -1.0


def tonic(place: int, letter: str, token: int, convention: str) -> float:
    is_tonic = midi(token) == 60 if convention == "compat" else name_of(token) == "C"
    wanted = {0: letter == "p" and is_tonic, 28: letter == "p" and is_tonic, 29: letter == "h"}
    return 3.0 if wanted.get(place, place > 29 and letter in "ho") else 0.0


def repetition(text: str) -> float:
    """On the melody as characters: o is note-off, h is hold, pitches are themselves."""
    last = text[-1]
    run = re.search(rf"[oh{re.escape(last)}]*$", text[:-1])
    assert run is not None
    repeats = run[0].count(last)
    others = run[0].replace(last, "")
    is_excessive = (last == "o" and repeats > 1) or repeats > (6 if others else 4)
    return -100.0 if is_excessive else 0.0


def motifs(text: str) -> tuple[float, float]:
    window = text[-8:]
    more = len(set(window) - {"o", "h"}) - 3
    if len(window) < 8 or more < 0:
        return 0.0, 0.0
    return 3.0 + more * 0.3, 4.0 + more if window in text[:-8] else 0.0


def interval(before: list[int], token: int, letter: str) -> float:
    pitches = [past for past in before if past > 1]
    if not pitches or pitches[-1] == token:
        return 0.0
    last = name_of(pitches[-1])
    if letter != "p":
        return {"o": (0.05, 0.15), "h": (0.075, 0.3)}[letter][last in ("C", "G")] * 5.0
    semitones = abs(token - pitches[-1])
    value = -1.0 if semitones > 12 else INTERVALS.get(semitones, 0.0)
    if semitones == 7 and last in ("C", "G"):
        value = 0.1
    if semitones == 4 and last in ("C", "E"):
        value = 0.15
    return value * 5.0


def leap(tokens: list[int]) -> float:
    """The last event's share; the pending leap is found by going through the melody's pitches from the start."""
    pitches = [(place, token) for place, token in enumerate(tokens) if token > 1]
    share, pending, origin, last_leap = 0.0, 0, 0, 0
    for (_, before), (place, after) in pairwise(pitches):
        share, way = 0.0, (after > before) - (after < before)
        if abs(after - before) >= 7:
            steps = place - 1 - last_leap  # looked at only while a leap is pending
            if pending == 0:
                pending, origin = way, before
            elif pending == way:
                share = -5.0
            else:
                share, pending = (5.0 if steps > 6 else 0.0), 0
            last_leap = place
        elif pending and (after - origin) * pending <= 0:
            share, pending = 5.0, 0
    return share if pitches and pitches[-1][0] == len(tokens) - 1 and len(pitches) > 1 else 0.0


def extremes(tokens: list[int]) -> float:
    pitches = [token for token in tokens if token > 1]
    share = 3.0 if tokens.count(max(tokens)) == 1 else 0.0
    return share + (3.0 if pitches and pitches.count(min(pitches)) == 1 else 0.0)


def plain_terms(tokens: list[int], convention: str, correlations: list[float]) -> list[list[float]]:
    letters = "".join("p" if t > 1 else ("oh" if convention == "compat" else "ho")[t] for t in tokens)
    text = "".join(chr(0x4E00 + t) if t > 1 else letter for t, letter in zip(tokens, letters, strict=True))
    rows = []
    for place, (token, letter) in enumerate(zip(tokens, letters, strict=True)):
        rows.append(
            [
                key(token),
                tonic(place, letter, token, convention),
                repetition(text[: place + 1]),
                correlations[place],
                *motifs(text[: place + 1]),
                interval(tokens[:place], token, letter),
                leap(tokens[: place + 1]),
                extremes(tokens) if place == 31 else 0.0,
            ]
        )
    return rows


def melodies() -> list[list[int]]:
    """2,000: noise, few tokens, specials, loops of any period, walks, leaps to and fro, copies with one change."""
    rng = np.random.default_rng(20)

    def cycled(cell: Any, shift: int = 0) -> Any:
        return np.resize(np.roll(cell, shift), 32)

    made: list[Any] = []
    for number in range(200):
        few = rng.choice(38, rng.integers(2, 6), replace=False)
        made += [
            rng.integers(0, 38, 32),
            rng.choice([0, 1, 14, 16, 18, 21, 26], 32),
            rng.choice(few, 32),
            np.where(rng.random(32) < 0.7, rng.integers(0, 2, 32), rng.integers(2, 38, 32)),
            cycled(rng.integers(0, 38, 1 + number % 16)),
            np.clip(14 + np.cumsum(rng.integers(-2, 3, 32)), 2, 37),
            np.clip(np.cumsum(rng.choice([-8, -7, -6, 0, 1, 6, 7, 8], 32)) + 18, 2, 37),
            np.where(rng.random(32) < 0.3, rng.integers(0, 2, 32), cycled(rng.integers(2, 38, 2 + number % 7))),
        ]
        changed = made[-4].copy()
        changed[rng.integers(32)] = rng.integers(38)
        made += [changed, np.repeat(rng.integers(0, 38, 32), rng.integers(1, 9, 32))[:32]]
    return [melody.tolist() for melody in made]


MELODIES = melodies()
CORRELATIONS = [[autocorrelation(melody[: n + 1]) for n in range(32)] for melody in MELODIES]


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_compiled_terms_equal_plain_python_to_the_last_bit(convention: str) -> None:
    assert len(MELODIES) == 2000
    paid = np.zeros(9)
    for melody, correlations in zip(MELODIES, CORRELATIONS, strict=True):
        compiled, plain = terms(melody, convention), np.array(plain_terms(melody, convention, correlations))
        assert np.array_equal(compiled, plain), melody
        paid += np.count_nonzero(plain, axis=0)
    assert paid.min() > 50  # every term had something to say


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_metrics_equal_counts_over_plain_python(convention: str) -> None:
    rows = np.array([plain_terms(m, convention, c) for m, c in zip(MELODIES, CORRELATIONS, strict=True)])
    whole = [coefficients_of(melody) for melody in MELODIES]
    told = metrics(MELODIES, convention)
    resolved, doubled = (rows[:, :, 7] > 0).sum(), (rows[:, :, 7] < 0).sum()
    counted = {
        "notes excessively repeated": (rows[:, :, 2] < 0).mean(),
        **{
            f"mean autocorrelation lag {lag}": float(np.mean([each[lag - 1] for each in whole if each]))
            for lag in (1, 2, 3)
        },
        "notes not in key": (rows[:, :, 0] < 0).mean(),
        "compositions starting with tonic": (rows[:, 0, 1] > 0).mean(),
        "leaps resolved": resolved / (resolved + doubled),
        "compositions with unique max note": np.mean([melody.count(max(melody)) == 1 for melody in MELODIES]),
        "compositions with unique min note": np.mean(
            [melody.count(min([t for t in melody if t > 1], default=-1)) == 1 for melody in MELODIES]
        ),
        "notes in motif": (rows[:, :, 4] > 0).mean(),
        "notes in repeated motif": (rows[:, :, 5] > 0).mean(),
    }
    assert tuple(told) == METRIC_NAMES and set(counted) == set(METRIC_NAMES)
    for name, value in counted.items():
        assert told[name] == pytest.approx(value, rel=1e-12), name


def test_autocorrelation_agrees_with_exact_fractions() -> None:
    for melody in [melody for melody in MELODIES[:60] if len(set(melody)) > 1]:
        mean = Fraction(sum(melody), 32)
        deviations = [token - mean for token in melody]
        total = sum(d * d for d in deviations)
        exact = [sum(a * b for a, b in zip(deviations[lag:], deviations, strict=False)) / total for lag in (1, 2, 3)]
        told = [metrics([melody])[f"mean autocorrelation lag {lag}"] for lag in (1, 2, 3)]
        assert told == pytest.approx([float(value) for value in exact], abs=1e-14)
