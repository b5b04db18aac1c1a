"""Three voices below a melody, by the rules of four-part writing: alto, tenor and bass, found together.

Rules that are never broken, whatever the melody does: no two voices move from a fifth to a fifth or from an octave or
unison to one; no voice crosses another or the melody; each stays in its range. Where a melody is too low or leaps too
wildly for three voices, one of them rests rather than break a rule. (Walter Piston, Harmony, 1941, chapters 2 to 4.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.arrange.arrangement import Cue, Role
from rlcompose.arrange.players import player
from rlcompose.arrange.sheet import Sheet
from rlcompose.theory.chord import Chord

VOICES = ("alto", "tenor", "bass")
# MIDI pitches, both ends included (Piston, Harmony, chapter 2): G3 to D5, C3 to G4, E2 to C4.
RANGES = {"alto": (55, 74), "tenor": (48, 67), "bass": (40, 60)}
CENTRES = (64.0, 57.0, 48.0)
REST = -1
NEVER = 1e9

# What a sonority and a step cost, in semitones of motion.
RESTING = (60.0, 90.0, 160.0)  # for each voice that rests, the bass most of all
MISSING = {"third": 14.0, "root": 10.0, "seventh": 5.0}
DOUBLED_THIRD = 5.0
WIDE = 2.0  # for each semitone beyond an octave between upper neighbours
INVERSION = 5.0  # for a bass that is not the chord's own
PULL = 0.15  # to the middle of each range, for each semitone
LEAP = 3.0  # for each semitone beyond a fourth (bass: beyond an octave)
HIDDEN = 4.0  # for a fifth or octave of the outer voices that both leap into, in the same direction
WHIM = 1.5  # the largest chance part: no two verses alike
MOST_CANDIDATES = 90  # the cheapest sonorities of a chord: the others are hardly ever the way
PASSING_CHANCE = 0.5
THIRDS = (3, 4)  # semitones
LONE_MOVE = 0.3  # so that a voice holds its note where it can


@dataclass(frozen=True, slots=True)
class _Sonority:
    """A stretch over one chord: where, below which pitch, and the melody's pitch before its first tick and on it."""

    onset: int
    ticks: int
    chord: Chord
    ceiling: int
    before: int  # REST where the melody has not begun
    on: int  # REST where it is silent


@player("voice", Role.VOICE, voice=VOICES)
def voice(
    sheet: Sheet, dice: Random, *, velocity: int = 72, voice: str = "alto", passing: bool = True, thins: bool = False
) -> Iterator[Cue]:
    """One of the three lower voices: "alto", "tenor" or "bass".

    passing  thirds are sometimes filled by a passing note, where no rule is broken
    thins    sections are sung by two to four voices, drawn for each
    """
    place = VOICES.index(voice)
    for onset, ticks, pitch in _lines(sheet, passing)[place]:
        if not (thins and place in _resting(sheet, onset)):
            yield Cue(onset, pitch, ticks, velocity)


def _resting(sheet: Sheet, tick: int) -> frozenset[int]:
    """The voices that rest in the section of a tick: the inner ones, none, or all but the bass."""
    bar = tick // sheet.meter.bar_ticks
    if bar > sheet.last:
        return frozenset()
    number = sum(section.bar <= bar for section in sheet.music.sections)
    dice = sheet.dice(f"voices of section {number}")
    return dice.choice((frozenset(), frozenset(), frozenset({0}), frozenset({1}), frozenset({0, 1})))


@lru_cache(maxsize=4)
def _lines(sheet: Sheet, passing: bool) -> tuple[tuple[tuple[int, int, int], ...], ...]:
    """For each voice: onset, ticks and pitch of its notes."""
    sonorities = _sonorities(sheet)
    dice = sheet.dice("voices")
    chosen = _cheapest(sonorities, sheet, dice)
    lines: list[list[tuple[int, int, int]]] = [[], [], []]
    for index, (sonority, pitches) in enumerate(zip(sonorities, chosen, strict=True)):
        halves = [(sonority.onset, sonority.ticks, pitches)]
        if passing and index + 1 < len(sonorities) and sonorities[index + 1].onset == sonority.onset + sonority.ticks:
            halves = _with_passing(sheet, sonority, sonorities[index + 1], pitches, chosen[index + 1], dice)
        for onset, ticks, each in halves:
            for line, pitch in zip(lines, each, strict=True):
                if pitch == REST:
                    continue
                if line and line[-1][2] == pitch and line[-1][0] + line[-1][1] == onset and not _is_new(sheet, onset):
                    line[-1] = (line[-1][0], line[-1][1] + ticks, pitch)
                else:
                    line.append((onset, ticks, pitch))
    return tuple(tuple(line) for line in lines)


def _is_new(sheet: Sheet, tick: int) -> bool:
    """Whether a held note is sung again here: on the first beat of a bar."""
    return tick % sheet.meter.bar_ticks == 0


def _sonorities(sheet: Sheet) -> list[_Sonority]:
    """The chords, cut at bar lines, with what the melody does meanwhile."""
    notes = sheet.music.notes
    found = []
    place = 0
    for piece in sheet.pieces:
        while place < len(notes) and notes[place].onset < piece.onset:
            place += 1
        before = notes[place - 1].pitch if place else REST
        sounding = place < len(notes) and notes[place].onset == piece.onset
        on = notes[place].pitch if sounding else before
        found.append(
            _Sonority(piece.onset, piece.ticks, piece.chord, sheet.lowest_in(piece.onset, piece.end), before, on)
        )
    return found


@lru_cache(maxsize=4096)
def _candidates(chord: Chord, ceiling: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Every (alto, tenor, bass) of a chord below a ceiling, (n, 3), and what each costs by itself."""
    tones = chord.tones
    pitches = []
    for name in VOICES:
        low, high = RANGES[name]
        usable = [p for p in range(low, min(high, ceiling - 1) + 1) if p % 12 in tones or p % 12 == chord.bass]
        pitches.append([*usable, REST])
    rows, costs = [], []
    for bass in pitches[2]:
        if bass != REST and bass % 12 != chord.bass and bass % 12 not in tones[:2]:
            continue  # no second inversions but where they are written
        for tenor in pitches[1]:
            if tenor != REST and (tenor % 12 not in tones or (bass != REST and tenor < bass)):
                continue
            for alto in pitches[0]:
                lower = tenor if tenor != REST else bass
                if alto != REST and (alto % 12 not in tones or (lower != REST and alto < lower)):
                    continue
                rows.append((alto, tenor, bass))
                costs.append(_cost(rows[-1], chord))
    keep = np.argsort(costs, kind="stable")[:MOST_CANDIDATES].tolist()
    everybody_rests = rows.index((REST, REST, REST))
    if everybody_rests not in keep:
        keep.append(everybody_rests)
    return np.array([rows[i] for i in keep], np.int64), np.array([costs[i] for i in keep])


def _cost(pitches: tuple[int, ...], chord: Chord) -> float:
    cost = 0.0
    tones = chord.tones
    for pitch, resting, centre in zip(pitches, RESTING, CENTRES, strict=True):
        cost += resting if pitch == REST else PULL * abs(pitch - centre)
    classes = [pitch % 12 for pitch in pitches if pitch != REST]
    if classes:
        cost += MISSING["root"] * (tones[0] not in classes)
        if len(tones) > 2:
            cost += MISSING["third"] * (tones[1] not in classes) + DOUBLED_THIRD * (classes.count(tones[1]) > 1)
        if len(tones) > 3:
            cost += MISSING["seventh"] * (tones[3] not in classes)
    alto, tenor, bass = pitches
    if bass != REST and bass % 12 != chord.bass:
        cost += INVERSION
    if alto != REST and tenor != REST:
        cost += WIDE * max(0, alto - tenor - 12)
    return cost


def _cheapest(sonorities: Sequence[_Sonority], sheet: Sheet, dice: Random) -> list[tuple[int, ...]]:
    """The pitches of each sonority, by dynamic programming over all of them."""
    if not sonorities:
        return []
    chance = np.random.default_rng(dice.getrandbits(64))
    layers: list[NDArray[np.int64]] = []
    back: list[NDArray[np.int64]] = []
    total: NDArray[np.float64] = np.zeros(0)
    for index, sonority in enumerate(sonorities):
        rows, costs = _candidates(sonority.chord, min(sonority.ceiling, RANGES["alto"][1] + 1))
        costs = np.asarray(costs + WHIM * chance.random(len(rows)))
        if index == 0:
            total = costs
            back.append(np.zeros(len(rows), np.int64))
        else:
            reach = total[:, None] + _steps(layers[-1], rows, sonority)
            back.append(reach.argmin(axis=0))
            total = np.asarray(reach.min(axis=0) + costs)
        layers.append(rows)
    at = int(total.argmin())
    way = []
    for index in range(len(sonorities) - 1, -1, -1):
        way.append(tuple(int(pitch) for pitch in layers[index][at]))
        at = int(back[index][at])
    return way[::-1]


def _steps(old: NDArray[np.int64], new: NDArray[np.int64], sonority: _Sonority) -> NDArray[np.float64]:
    """What it costs to go from each old to each new sonority, (n, m); `NEVER` where a rule forbids it."""
    both = (old[:, None, :] != REST) & (new[None, :, :] != REST)
    moves = np.where(both, np.abs(new[None, :, :] - old[:, None, :]), 0)
    costs: NDArray[np.float64] = moves.sum(axis=2) + LEAP * np.maximum(moves[:, :, :2] - 5, 0).sum(axis=2)
    costs += LEAP * np.maximum(moves[:, :, 2] - 12, 0) + LONE_MOVE * (moves > 0).sum(axis=2)
    shape = (len(old), len(new))
    voices_old = [np.full(shape, sonority.before), *(np.broadcast_to(old[:, None, v], shape) for v in range(3))]
    voices_new = [np.full(shape, sonority.on), *(np.broadcast_to(new[None, :, v], shape) for v in range(3))]
    forbidden = np.zeros(shape, bool)
    for high, low in combinations(range(4), 2):
        forbidden |= _is_parallel(voices_old[high], voices_old[low], voices_new[high], voices_new[low])
    costs[forbidden] = NEVER
    outer = _is_hidden(voices_old[0], voices_old[3], voices_new[0], voices_new[3])
    return np.asarray(costs + HIDDEN * outer)


def _is_parallel(old_high: Any, old_low: Any, new_high: Any, new_low: Any) -> Any:
    """Whether two voices both move, and from a fifth to a fifth or from an octave to an octave; arrays or numbers."""
    sounds = (old_high != REST) & (old_low != REST) & (new_high != REST) & (new_low != REST)
    was, now = (old_high - old_low) % 12, (new_high - new_low) % 12
    return sounds & (old_high != new_high) & (old_low != new_low) & (was == now) & ((now == 0) | (now == 7))


def _is_hidden(old_high: Any, old_low: Any, new_high: Any, new_low: Any) -> Any:
    sounds = (old_high != REST) & (old_low != REST) & (new_high != REST) & (new_low != REST)
    now = (new_high - new_low) % 12
    same_way = (new_high - old_high) * (new_low - old_low) > 0
    return sounds & same_way & ((now == 0) | (now == 7)) & (np.abs(new_high - old_high) > 2)


def _with_passing(
    sheet: Sheet, here: _Sonority, after: _Sonority, pitches: tuple[int, ...], following: tuple[int, ...], dice: Random
) -> list[tuple[int, int, tuple[int, ...]]]:
    """A sonority, cut in two where one voice passes on the last half of its last beat to a note a third away."""
    whole = [(here.onset, here.ticks, pitches)]
    half = sheet.meter.beat_ticks // 2
    onset = here.onset + here.ticks - half
    if here.ticks < 2 * half or dice.random() > PASSING_CHANCE:
        return whole
    sounding = sheet.melody_in(onset, onset + half)
    if len(sounding) > 1 or any(note.onset == onset for note in sounding):
        return whole  # the melody itself moves there
    soprano = sounding[0].pitch if sounding else REST
    for place in dice.sample(range(3), 3):
        old, new = pitches[place], following[place]
        if old == REST or new == REST or abs(new - old) not in THIRDS:
            continue
        between = [p for p in range(min(old, new) + 1, max(old, new)) if p % 12 in sheet.key_tones]
        if not between:
            continue
        passed = (*pitches[:place], between[0], *pitches[place + 1 :])
        if _is_ordered((soprano, *passed)) and not _breaks(passed, after, following, soprano):
            return [(here.onset, here.ticks - half, pitches), (onset, half, passed)]
    return whole


def _is_ordered(pitches: Sequence[int]) -> bool:
    sounding = [pitch for pitch in pitches if pitch != REST]
    return all(high >= low for high, low in zip(sounding, sounding[1:], strict=False))


def _breaks(passed: Sequence[int], after: _Sonority, following: Sequence[int], soprano: int) -> bool:
    """Whether the step from a passing note on makes parallels."""
    old = (after.before if soprano == REST else soprano, *passed)
    new = (after.on, *following)
    return any(bool(_is_parallel(old[h], old[lo], new[h], new[lo])) for h, lo in combinations(range(4), 2))
