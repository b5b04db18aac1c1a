"""How chords are voiced: which notes, in which place, and the way from one to the next that moves least."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from rlcompose.theory.chord import QUALITIES, Chord

WIDEST_MOTION = 5  # semitones: no voice moves by more than a fourth, wherever that can be
LOWEST, HIGHEST = 46, 74  # Bb2 to D5: below, thirds turn to mud; above is the melody's
LOWEST_SHELL = 45  # A2: how far down two voices may lie

# What a voicing costs, in semitones of motion.
PULL = 0.25  # for each semitone that its middle is away from the centre
JUMP = 20.0  # for each voice that moves by more than a fourth
VOICE = 9.0  # for a voice more or fewer than wanted, and for one that comes or goes
BEAM = 12  # ways that are gone on with at each stroke
TOUCH = 6.0  # for a voice a semitone or whole tone below the melody


@dataclass(frozen=True, slots=True)
class Stroke:
    """A chord to be voiced: the chord, and the pitch that its top voice stays below (the melody's lowest meanwhile)."""

    chord: Chord
    ceiling: int


@dataclass(frozen=True, slots=True)
class Voicings:
    """What a player draws from: a kind of `KINDS`, how many voices are wanted, where their middle lies."""

    kind: str
    voices: int
    centre: float


def _rootless(chord: Chord) -> tuple[tuple[int, ...], ...]:
    """Third, seventh or sixth, a fifth or thirteenth, and a ninth, as semitones above the root.

    (The A and B forms of Bill Evans and Wynton Kelly: Mark Levine, The Jazz Piano Book, 1989, on left-hand voicings.)
    """
    tones = QUALITIES[chord.quality].tones
    if len(tones) < 4:
        return (tones,)
    scale = QUALITIES[chord.quality].scale
    third, fifth, seventh = tones[1:]
    ninth = next((step for step in (2, 1, 3) if step in scale and step not in tones), 0)
    full = {third, fifth, seventh, ninth}
    forms = [tuple(sorted(full))]
    if seventh == 10 and third == 4 and fifth == 7 and 9 in scale:  # a dominant's thirteenth for its fifth
        forms.append(tuple(sorted({third, 9, seventh, ninth})))
    return tuple(forms)


def _close(chord: Chord) -> tuple[tuple[int, ...], ...]:
    """The chord's own notes; of four the root is left to the bass."""
    tones = QUALITIES[chord.quality].tones
    return (tones[1:] if len(tones) > 3 else tones,)


def _whole(chord: Chord) -> tuple[tuple[int, ...], ...]:
    """The chord's own notes, all of them."""
    return (QUALITIES[chord.quality].tones,)


KINDS = {"rootless": _rootless, "close": _close, "whole": _whole}


def _shell(chord: Chord) -> tuple[int, ...]:
    """Third and seventh, else the two notes that say most: third and root, or fifth and root."""
    quality = QUALITIES[chord.quality]
    if len(quality.guide_tones) > 1:
        return quality.guide_tones
    return tuple({*quality.guide_tones, 0, *(quality.tones[2:3] if not quality.guide_tones else ())})


@cache
def _candidates(root: int, quality: int, kind: str, voices: int) -> tuple[tuple[int, ...], ...]:
    """Every close or dropped position of the chord in range, and its two-voice shells, lowest voice first."""
    chord = Chord(root, quality)
    found: set[tuple[int, ...]] = set()
    for form in KINDS[kind](chord):
        classes = [(root + step) % 12 for step in form]
        while len(classes) < voices:  # triads double their root, then their fifth
            classes.append(classes[(len(classes) - len(form)) % len(form)])
        found.update(_positions(classes, LOWEST))
    found.update(_positions([(root + step) % 12 for step in _shell(chord)], LOWEST_SHELL))
    return tuple(sorted(found))


def _positions(classes: Sequence[int], lowest: int) -> Iterator[tuple[int, ...]]:
    """The pitch classes piled up from each of them upwards, in every octave within the range, lowest voice first."""
    for bottom in range(lowest, HIGHEST):
        order = sorted(classes, key=lambda each: (each - bottom) % 12)
        if order[0] != bottom % 12:
            continue
        pitches = [bottom]
        for each in order[1:]:
            pitch = bottom + (each - bottom) % 12
            pitches.append(pitch if pitch > pitches[-1] else pitch + 12)
        if len(set(pitches)) == len(pitches) and max(pitches) <= HIGHEST:
            yield tuple(sorted(pitches))


def voiced(strokes: Sequence[Stroke], voicings: Voicings) -> list[tuple[int, ...]]:
    """The pitches of each stroke, lowest first; empty where nothing fits below the melody.

    The whole way is the one that moves least (dynamic programming over the positions of each chord); the same chord
    under the same ceiling keeps its position. No voice moves by more than a fourth wherever that can be.
    """
    if not strokes:
        return []
    layers = [_allowed(stroke, voicings) for stroke in strokes]
    totals = [_cost(position, strokes[0], voicings) for position in layers[0]]
    back: list[list[int]] = [[0] * len(layers[0])]
    for index in range(1, len(strokes)):
        before, here = layers[index - 1], layers[index]
        # Of many ways only the best few are gone on with: a voicing much dearer now is not the cheapest later.
        order = sorted(range(len(before)), key=totals.__getitem__)[:BEAM]
        costs, origins = [], []
        for position in here:
            best, origin = min((totals[at] + _motion(before[at], position), at) for at in order)
            costs.append(best + _cost(position, strokes[index], voicings))
            origins.append(origin)
        totals = costs
        back.append(origins)
    at = min(range(len(totals)), key=totals.__getitem__)
    way = [at]
    for index in range(len(strokes) - 1, 0, -1):
        at = back[index][at]
        way.append(at)
    return [layers[index][place] for index, place in enumerate(reversed(way))]


@cache
def _allowed_below(root: int, quality: int, ceiling: int, voicings: Voicings) -> tuple[tuple[int, ...], ...]:
    below = [
        position
        for position in _candidates(root, quality, voicings.kind, voicings.voices)
        if position[-1] < ceiling and len(position) <= voicings.voices
    ]
    full = [position for position in below if len(position) == voicings.voices]
    return tuple(full or below) or ((),)


def _allowed(stroke: Stroke, voicings: Voicings) -> tuple[tuple[int, ...], ...]:
    return _allowed_below(stroke.chord.root, stroke.chord.quality, min(stroke.ceiling, HIGHEST + 1), voicings)


def _cost(position: tuple[int, ...], stroke: Stroke, voicings: Voicings) -> float:
    if not position:
        return 0.0
    cost = PULL * abs(sum(position) / len(position) - voicings.centre)
    cost += VOICE * abs(len(position) - voicings.voices)
    return cost + (TOUCH if stroke.ceiling - position[-1] <= 2 else 0.0)


@cache
def _motion(old: tuple[int, ...], new: tuple[int, ...]) -> float:
    """Semitones that the voices move, counted from the top where one comes or goes, and the price of leaps."""
    if not old or not new:
        return 0.0
    count = min(len(old), len(new))
    moves = [abs(low - high) for low, high in zip(old[-count:], new[-count:], strict=True)]
    return sum(moves) + JUMP * sum(move > WIDEST_MOTION for move in moves) + VOICE * abs(len(old) - len(new))
