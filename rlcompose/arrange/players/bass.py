"""Basses: one that walks, and one that plays a pattern of roots and fifths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from rlcompose.arrange.arrangement import Cue, Role
from rlcompose.arrange.pattern import Pattern
from rlcompose.arrange.players import player
from rlcompose.arrange.sheet import Sheet
from rlcompose.arrange.strokes import drawn_patterns, strokes
from rlcompose.swing import BEAT_TICKS, OFFBEAT
from rlcompose.theory.chord import Chord

LOWEST, HIGHEST = 28, 55  # E1, the double bass's lowest string, to G3, beyond which it is thumb position
CENTRE = 40
PITCHES = np.arange(LOWEST, HIGHEST + 1)
CLASSES = PITCHES % 12
BASS_SYMBOLS = "158n"

# What a note costs, in units of a small dislike; the cheapest line is played. On a chord's first beat the root says
# the chord, then the fifth; from then on chord tones, and notes of the scale on the way (Mark Levine, The Jazz Theory
# Book, 1995, on walking: the root on one, a step into the next root).
ROOT, FIFTH, OTHER_TONE, OUTSIDE = 0.0, 3.0, 7.0, 40.0  # on the first beat of a chord
TONE, SCALE, CHROMATIC = 0.0, 0.9, 3.0  # on other beats
PULL = 0.012  # to the centre, by the square of the distance in semitones
WHIM = 1.3  # the largest chance part of a note's cost: no two choruses alike

# What an interval costs by its size in semitones, 0 to 12; wider ones are not played. The second row holds for the
# step into a new chord.
MOTION = np.array([3.5, 0.0, 0.0, 0.4, 0.6, 0.9, 2.5, 1.2, 2.4, 2.4, 3.0, 3.5, 1.4])
APPROACH = np.array([6.0, 0.0, 0.0, 3.0, 3.5, 3.0, 5.0, 3.2, 6.0, 6.0, 7.0, 7.0, 4.5])
BACK_AND_FORTH = 1.6  # for a note that comes again after one other
NEVER = 1e6

LEAD_CHANCE = 0.7  # of a quarter note before the next chord, where the line is in half notes
SKIP_CHANCE = 0.07  # of a swallowed eighth between two beats
SKIP_VELOCITY = -26


@dataclass(frozen=True, slots=True)
class _Step:
    """A note to be found: when, how long, over what, and whether a chord begins there."""

    onset: int
    ticks: int
    chord: Chord
    is_first: bool
    is_joined: bool  # whether the step before it leads here without a silence


@player("walking", Role.BASS, pulse=(BEAT_TICKS, 2 * BEAT_TICKS))
def walking(
    sheet: Sheet, dice: Random, *, velocity: int = 72, pulse: int = BEAT_TICKS, skips: bool = True
) -> Iterator[Cue]:
    """A line of quarter notes that steps into each new root; `pulse` of 24 ticks is the two-feel. The last note rings.

    The line is the cheapest one over the whole piece by the costs above, found by dynamic programming; each note's cost
    has a small part of chance.
    """
    steps = _steps(sheet, pulse, dice)
    line = _cheapest_line(steps, dice)
    for index, (step, pitch) in enumerate(zip(steps, line, strict=True)):
        ticks = step.ticks
        is_last = index == len(steps) - 1
        if skips and not is_last and ticks == BEAT_TICKS and pulse == BEAT_TICKS and dice.random() < SKIP_CHANCE:
            yield Cue(step.onset + OFFBEAT, pitch, OFFBEAT, velocity + SKIP_VELOCITY)
            ticks = OFFBEAT
        yield Cue(step.onset, pitch, ticks, velocity)


def _steps(sheet: Sheet, pulse: int, dice: Random) -> list[_Step]:
    """The places of the line: the chords' beginnings, and the pulses of the bar between them.

    Half notes often lead into the next chord with a quarter note on its last beat.
    """
    steps: list[_Step] = []
    previous: Chord | None = None
    end = -1
    pieces = sheet.pieces
    for number, piece in enumerate(pieces):
        bar = piece.onset // sheet.meter.bar_ticks * sheet.meter.bar_ticks
        onsets = [piece.onset]
        if number < len(pieces) - 1:  # the last chord is held
            onsets += [tick for tick in range(bar, piece.end, pulse) if tick > piece.onset]
            lead = piece.end - BEAT_TICKS
            if pulse > BEAT_TICKS and lead > piece.onset and lead not in onsets and dice.random() < LEAD_CHANCE:
                onsets.append(lead)
        for onset, limit in zip(onsets, [*onsets[1:], piece.end], strict=True):
            is_new = onset == piece.onset and (piece.chord != previous or end != piece.onset)
            steps.append(_Step(onset, limit - onset, piece.chord, is_new, onset == end))
            end = limit
        previous = piece.chord
    return steps


def _cheapest_line(steps: Sequence[_Step], dice: Random) -> list[int]:
    """The pitch of each step."""
    if not steps:
        return []
    size = np.abs(PITCHES[:, None] - PITCHES[None, :])
    motion = np.where(size <= 12, MOTION[np.minimum(size, 12)], NEVER)
    approach = np.where(size <= 12, APPROACH[np.minimum(size, 12)], NEVER)
    pull = PULL * (PITCHES - CENTRE) ** 2
    chance = np.random.default_rng(dice.getrandbits(64))
    count = len(PITCHES)
    back_and_forth = BACK_AND_FORTH * np.eye(count)[:, None, :]
    # By the last two pitches, so that a line that goes back and forth is dearer; back is the pitch before both.
    total: NDArray[np.float64] = np.zeros((count, count))
    back = np.zeros((len(steps), count, count), np.int8)
    for index, step in enumerate(steps):
        own = _costs(step) + pull + WHIM * chance.random(count)
        if index and step.is_joined:
            ways = total[:, :, None] + back_and_forth
            back[index] = ways.argmin(axis=0)
            total = ways.min(axis=0) + (approach if step.is_first else motion) + own
        else:  # at the beginning and after a silence any note may begin
            back[index] = total.argmin(axis=0)[:, None]
            total = np.broadcast_to(total.min(axis=0)[:, None], (count, count)) + own
    before, here = divmod(int(total.argmin()), count)
    line = [here]
    for index in range(len(steps) - 1, 0, -1):
        line.append(before)
        before = int(back[index, before, line[-2]])
    return [int(PITCHES[place]) for place in reversed(line)]


def _costs(step: _Step) -> NDArray[np.float64]:
    """What each pitch costs at a step."""
    chord = step.chord
    if step.is_first:
        costs = np.full(len(PITCHES), OUTSIDE)
        costs[np.isin(CLASSES, chord.tones)] = OTHER_TONE
        costs[np.isin(CLASSES, chord.tones[2:3])] = FIFTH
        if chord.bass == chord.root:
            costs[chord.root == CLASSES] = ROOT
        else:  # a slash chord's bass is what it is written for
            costs[chord.bass == CLASSES] = ROOT - FIFTH
        return costs
    costs = np.full(len(PITCHES), CHROMATIC)
    costs[np.isin(CLASSES, chord.scale)] = SCALE
    costs[np.isin(CLASSES, chord.tones)] = TONE
    return costs


@player("pattern_bass", Role.BASS, symbols=BASS_SYMBOLS)
def pattern_bass(
    sheet: Sheet, dice: Random, *, velocity: int = 76, patterns: tuple[str, ...] = (), lowest: int = LOWEST
) -> Iterator[Cue]:
    """A pattern of 1 (the root, or the slash bass), 5 (the fifth), 8 (the octave), n (a step from the next root).

    The last chord's root rings.
    """
    yield from bass_notes(sheet, drawn_patterns(sheet, patterns, BASS_SYMBOLS, dice), velocity, lowest)


def bass_notes(sheet: Sheet, drawn: Sequence[Pattern], velocity: int, lowest: int) -> Iterator[Cue]:
    """The notes of patterns of `BASS_SYMBOLS` from the pitch `lowest` on; a stroke over N.C. is silent."""
    pieces = sheet.pieces
    if not pieces:
        return
    last = pieces[-1]
    root = _root(pieces[0].chord, lowest, lowest + 9)
    for hit, place in strokes(sheet, drawn):
        piece = pieces[place]
        if piece.onset > hit.onset:
            continue
        following = pieces[place + 1]  # there is one: the last chord has no strokes
        root = _root(piece.chord, lowest, root)
        # A chord that comes within the pattern speaks first by its root.
        is_late = hit.onset - piece.onset < hit.ticks and piece.onset % sheet.meter.bar_ticks
        pitch = _bass_pitch("1" if is_late else hit.symbol, piece.chord, following.chord, root, lowest)
        yield Cue(hit.onset, pitch, min(hit.ticks, last.onset - hit.onset), velocity)
    yield Cue(last.onset, _root(last.chord, lowest, root), last.ticks, velocity)


def _bass_pitch(symbol: str, chord: Chord, following: Chord, root: int, lowest: int) -> int:
    if symbol == "5":
        fifth = (chord.tones[2] if len(chord.tones) > 2 else chord.tones[-1]) % 12
        below = root - (root - fifth) % 12
        return below if below >= lowest else below + 12
    if symbol == "8":
        return root + 12
    if symbol == "n":
        target = _root(following, lowest, root)
        return target - 1 if target > lowest and target >= root else target + 1
    return root


def _root(chord: Chord, lowest: int, near: int) -> int:
    """The bass of a chord within an octave and a half of the lowest note, near another."""
    pitches = [p for p in range(lowest, lowest + 18) if p % 12 == chord.bass]
    return min(pitches, key=lambda pitch: (abs(pitch - near), pitch))
