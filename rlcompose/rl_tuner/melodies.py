"""Real tunes as melodies of the RL Tuner task: what its prior learns and its agents are held to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rlcompose.corpus.sources import read_pieces
from rlcompose.corpus.split import family_of, part_of
from rlcompose.errors import RlcomposeError
from rlcompose.rl_tuner.rules import FIRST_MIDI, NUM_EVENTS, NUM_SPECIAL, NUM_TOKENS
from rlcompose.score import Composition
from rlcompose.style import load_style

CORPUS = "fiddle"  # music21's dance tunes: running eighths, four to eight notes a bar, as the task's motifs want them
EVENTS_PER_BAR = 8  # read so, a melody is a phrase of four bars; in sixteenths half of its events would be holds
MELODY_BARS = NUM_EVENTS // EVENTS_PER_BAR
STEP_BARS = 2  # from one melody of a tune to the next
MIDDLE = 62.0  # MIDI, D4: a tune stands in the octave that brings its median pitch nearest to this
FEWEST_NOTES = 8
MOST_DROPPED = 0.1  # of a melody's notes

NO_EVENT, NOTE_OFF = 0, 1  # as the published decoder reads them; "compat" has rules that read them the other way


def folk_melodies(parts: Iterable[str]) -> NDArray[np.int64]:
    """The melodies of the major tunes in 4/4 of these parts of the split (`rlcompose.corpus.split`), int64 (N, 32).

    Raises:
        RlcomposeError: music21, which has the tunes, is not installed.
    """
    melodies, whose = _all_melodies()
    return melodies[np.isin(whose, list(parts))]


@cache  # learning asks for one part and then for another; reading the tunes takes ten seconds
def _all_melodies() -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    """All melodies, int64 (N, 32), and the part of the split that each is of, (N,)."""
    found: list[NDArray[np.int64]] = []
    whose: list[str] = []
    for piece in read_pieces(load_style(CORPUS), meter="4/4"):
        made = list(melodies_of(piece.composition))
        found += made
        whose += [part_of(family_of(CORPUS, piece.name, piece.group))] * len(made)
    return np.array(found, np.int64).reshape(-1, NUM_EVENTS), np.array(whose, np.str_)


def melodies_of(tune: Composition) -> Iterator[NDArray[np.int64]]:
    """Melodies of four bars, every second bar one, int64 (32,): an event is an eighth of a bar, the tonic is C.

    Onsets between two events move to the one before; where two notes meet there the second one is dropped. What begins
    before a melody does not sound in it. Left out are melodies that would lose more than a tenth of their notes, have
    fewer than eight, or leave the three octaves; tunes that are not in major have none.

    Raises:
        RlcomposeError: A bar of the tune's metre is not eight events of whole ticks.
    """
    ticks, rest = divmod(tune.meter.bar_ticks, EVENTS_PER_BAR)
    if rest:
        raise RlcomposeError(f"a bar of {tune.meter.name} has no {EVENTS_PER_BAR} events of whole ticks")
    if tune.key.mode != "major" or not tune.notes:
        return
    tokens, dropped = _quantised(tune, ticks)
    first = 1 if tune.pickup else 0
    for bar in range(first, tune.bars - MELODY_BARS + 1, STEP_BARS):
        part = slice(bar * EVENTS_PER_BAR, bar * EVENTS_PER_BAR + NUM_EVENTS)
        melody = tokens[part].copy()
        is_note = melody >= NUM_SPECIAL
        if is_note.any():
            melody[: is_note.argmax()] = NO_EVENT
        has_range = melody.min() >= 0 and melody.max() < NUM_TOKENS
        if has_range and is_note.sum() >= FEWEST_NOTES and dropped[part].sum() <= MOST_DROPPED * is_note.sum():
            yield melody


def _quantised(tune: Composition, ticks: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The tokens of a tune, and how many notes each event drops; -1 is a pitch below the lowest token."""
    shift = -tune.key.tonic + 12 * round(
        (MIDDLE - float(np.median([n.pitch for n in tune.notes])) + tune.key.tonic) / 12
    )
    length = tune.bars * EVENTS_PER_BAR
    tokens, dropped = np.full(length, NO_EVENT, np.int64), np.zeros(length, np.int64)
    sounds = np.zeros(length + 1, np.bool_)
    for note in tune.notes:
        at = note.onset // ticks
        sounds[at : -(-note.end // ticks)] = True
        if tokens[at] != NO_EVENT:
            dropped[at] += 1
        else:
            token = note.pitch + shift - FIRST_MIDI + NUM_SPECIAL
            tokens[at] = token if token >= NUM_SPECIAL else -1
    falls_silent = sounds[:-2] & ~sounds[1:-1]
    tokens[1:][falls_silent] = NOTE_OFF
    return tokens, dropped
