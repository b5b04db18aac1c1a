"""Tokens, names and tables of the RL Tuner task in both conventions; the kernel reads the tables.

The rules are those of Jaques et al. 2017 (arXiv 1611.02796) as Magenta's published code has them. A token above 1 is a
pitch, token + 46 as a MIDI number: token 2 is C3, token 14 middle C, token 37 B5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import unknown

NUM_TOKENS = 38
NUM_EVENTS = 32  # sixteenths: two bars of 4/4
NUM_SPECIAL = 2  # tokens 0 and 1, the first one that is a pitch is 2
FIRST_MIDI = 48  # what that token is as a MIDI number
CONVENTIONS = ("compat", "corrected")

TERM_NAMES = (
    "key",
    "tonic",
    "repetition",
    "autocorrelation",
    "motif",
    "repeated_motif",
    "preferred_intervals",
    "leap",
    "unique_extremes",
)

IN_KEY = frozenset({0, 2, 4, 5, 7, 9, 11})  # semitones above C
OFF_KEY_SHARE = -1.0

INTERVAL_SCALE = 5.0
REST_AFTER_TONIC_OR_FIFTH, REST_AFTER_OTHER = 0.15, 0.05
HOLD_AFTER_TONIC_OR_FIFTH, HOLD_AFTER_OTHER = 0.3, 0.075
IN_KEY_FIFTH, IN_KEY_THIRD = 0.1, 0.15
WIDER_THAN_AN_OCTAVE = -1.0
INTERVAL_VALUES = {2: 0.08, 4: 0.09, 5: 0.07, 7: 0.02, 9: 0.05, 11: -0.3}  # semitones; the rest up to 12 is 0


@dataclass(frozen=True)
class Rules:
    """What differs between the conventions, and the tables that follow from it.

    off, hold       the tokens that the rules read as note-off and as no event
    num_primes      the first observation is a token drawn below it
    is_tonic        bool (38,)            the tokens that the tonic term pays
    off_key         float64 (38,)         share of the key term for each token
    intervals       float64 (38, 38)      share of the interval term for each last pitch and token
    """

    off: int
    hold: int
    num_primes: int
    is_tonic: NDArray[np.bool_]
    off_key: NDArray[np.float64]
    intervals: NDArray[np.float64]


@cache
def rules_of(convention: str) -> Rules:
    """The rules of a convention, "compat" or "corrected"."""
    if convention not in CONVENTIONS:
        raise unknown("convention", convention, CONVENTIONS)
    is_compat = convention == "compat"
    off, hold = (0, 1) if is_compat else (1, 0)
    tokens = np.arange(NUM_TOKENS)
    is_c = (tokens >= NUM_SPECIAL) & (_class_of(tokens) == 0)
    is_in_key = (tokens < NUM_SPECIAL) | np.isin(_class_of(tokens), list(IN_KEY))
    return Rules(
        off=off,
        hold=hold,
        num_primes=NUM_TOKENS - 1 if is_compat else NUM_TOKENS,
        is_tonic=tokens == 14 if is_compat else is_c,
        off_key=np.where(is_in_key, 0.0, OFF_KEY_SHARE),
        intervals=np.array([[_interval(last, token, off) for token in tokens.tolist()] for last in tokens.tolist()]),
    )


def _class_of(token: NDArray[np.int64] | int) -> NDArray[np.int64] | int:
    """Semitones above C."""
    return (token - NUM_SPECIAL) % 12


def _interval(last: int, token: int, off: int) -> float:
    """The interval term's share of a token after the last pitch."""
    if last < NUM_SPECIAL or token == last:
        return 0.0
    place = _class_of(last)
    if token < NUM_SPECIAL:
        is_stable = place in (0, 7)
        if token == off:
            value = REST_AFTER_TONIC_OR_FIFTH if is_stable else REST_AFTER_OTHER
        else:
            value = HOLD_AFTER_TONIC_OR_FIFTH if is_stable else HOLD_AFTER_OTHER
        return value * INTERVAL_SCALE
    semitones = abs(token - last)
    if semitones == 7 and place in (0, 7):
        return IN_KEY_FIFTH * INTERVAL_SCALE
    if semitones == 4 and place in (0, 4):
        return IN_KEY_THIRD * INTERVAL_SCALE
    if semitones > 12:
        return WIDER_THAN_AN_OCTAVE * INTERVAL_SCALE
    return INTERVAL_VALUES.get(semitones, 0.0) * INTERVAL_SCALE
