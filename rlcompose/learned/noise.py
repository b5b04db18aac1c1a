"""What is not music, made from music: the negatives that the judge is trained with, family by family.

A classifier that has seen nothing but real music gives random notes to whatever style is the most irregular. So the
judge has a class for what is no style. Each family spoils one thing and keeps the rest, or is garbage of one kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from rlcompose.learned.layout import SLOTS_PER_QUARTER
from rlcompose.learned.melodies import Melodies, window_notes

EIGHTH = SLOTS_PER_QUARTER // 2
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Passage:
    """The notes of a window as int64 arrays; slots count from its beginning, pitches in semitones above the tonic."""

    onsets: Ints
    ends: Ints
    pitches: Ints
    bars: int
    bar: int
    beat: int
    scale: int

    @property
    def total(self) -> int:
        """Slots of the window."""
        return self.bars * self.bar

    def with_pitches(self, pitches: Ints) -> Passage:
        """The same rhythm with other pitches."""
        return Passage(self.onsets, self.ends, pitches, self.bars, self.bar, self.beat, self.scale)

    def with_notes(self, onsets: Ints, ends: Ints, pitches: Ints) -> Passage:
        """Other notes in the same metre and key, in order; where two begin together the first stays."""
        order = np.argsort(onsets, kind="stable")
        onsets, ends, pitches = onsets[order], ends[order], pitches[order]
        keep = (np.diff(onsets, prepend=-1) > 0) & (onsets < self.total)
        onsets, ends, pitches = onsets[keep], ends[keep], pitches[keep]
        limits = np.append(onsets[1:], self.total)
        ends = np.maximum(np.minimum(ends, limits), onsets + 1)
        return Passage(onsets, ends, pitches, self.bars, self.bar, self.beat, self.scale)


Maker = Callable[[Passage, Passage, Generator], Passage]  # a passage, one of another style, the generator
NOISE: dict[str, Maker] = {}


def _noise(maker: Maker) -> Maker:
    NOISE[maker.__name__] = maker
    return maker


def _middle(passage: Passage) -> int:
    return int(np.median(passage.pitches)) if len(passage.pitches) else 6


def _every(passage: Passage, step: int) -> tuple[Ints, Ints]:
    onsets = np.arange(0, passage.total, step)
    return onsets, onsets + step


def _within(pitches: Ints, low: int, high: int) -> Ints:
    """Pitches reflected at the ends of a range, once."""
    return np.where(pitches < low, 2 * low - pitches, np.where(pitches > high, 2 * high - pitches, pitches))


def _walk(length: int, middle: int, draw: Generator) -> Ints:
    widest = int(draw.integers(2, 8))
    steps = draw.integers(-widest, widest + 1, length)
    walk = np.empty(length, np.int64)
    at = middle
    for k, step in enumerate(steps.tolist()):
        at += step
        at = 2 * (middle - 14) - at if at < middle - 14 else 2 * (middle + 14) - at if at > middle + 14 else at
        walk[k] = at
    return walk


# --- the twelve families ----------------------------------------------------------------------------------------------


@_noise
def random_notes(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """Uniformly random onsets and pitches in three octaves."""
    number = max(1, int(draw.uniform(0.125, 0.5) * passage.total))
    onsets = np.sort(draw.choice(passage.total, number, replace=False))
    ends = np.append(onsets[1:], passage.total)
    if draw.random() < 0.5:
        ends = np.minimum(ends, onsets + draw.integers(1, 9, number))
    low = _middle(passage) - int(draw.integers(12, 25))
    return passage.with_notes(onsets, ends, draw.integers(low, low + 37, number))


@_noise
def random_pitches(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The rhythm of music with uniformly random pitches."""
    reach = int(draw.integers(8, 20))
    middle = _middle(passage)
    return passage.with_pitches(draw.integers(middle - reach, middle + reach + 1, len(passage.pitches)))


@_noise
def shuffled_pitches(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The rhythm of music with its own pitches in random order."""
    return passage.with_pitches(draw.permutation(passage.pitches))


@_noise
def random_rhythm(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The pitches of music at random onsets."""
    number = len(passage.pitches)
    onsets = np.sort(draw.choice(passage.total, min(number, passage.total), replace=False))
    ends = np.append(onsets[1:], passage.total)
    if draw.random() < 0.5:
        ends = np.minimum(ends, onsets + draw.integers(1, 9, len(onsets)))
    return passage.with_notes(onsets, ends, passage.pitches[: len(onsets)])


@_noise
def random_walk(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The rhythm of music with a random walk in semitones."""
    return passage.with_pitches(_walk(len(passage.pitches), _middle(passage), draw))


@_noise
def perturbed_35(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """Music of which 35 % of the notes are moved by up to an octave."""
    return _perturbed(passage, 0.35, draw)


def _perturbed(passage: Passage, share: float, draw: Generator) -> Passage:
    moved = draw.random(len(passage.pitches)) < share
    by = draw.integers(1, 13, len(moved)) * draw.choice((-1, 1), len(moved))
    return passage.with_pitches(passage.pitches + np.where(moved, by, 0))


@_noise
def mixed(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The rhythm of one style with the pitches of another."""
    if not len(other.pitches):
        return random_pitches(passage, other, draw)
    return passage.with_pitches(np.resize(other.pitches, len(passage.pitches)))


@_noise
def looped_bar(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """One bar of music again and again."""
    counts = np.bincount(passage.onsets // passage.bar, minlength=passage.bars)
    bar = int(draw.choice(np.flatnonzero(counts))) if len(passage.onsets) else 0
    inside = passage.onsets // passage.bar == bar
    repeats = np.repeat(np.arange(passage.bars) - bar, inside.sum()) * passage.bar
    onsets, ends = (np.tile(times[inside], passage.bars) + repeats for times in (passage.onsets, passage.ends))
    return passage.with_notes(onsets, ends, np.tile(passage.pitches[inside], passage.bars))


@_noise
def one_note(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """One pitch all the time, in a rhythm of music or evenly."""
    pitch = _middle(passage) + int(draw.integers(-7, 8))
    if draw.random() < 0.5:
        return passage.with_pitches(np.full_like(passage.pitches, pitch))
    onsets, ends = _every(passage, int(draw.choice((1, 2, 4, 8))))
    return passage.with_notes(onsets, ends, np.full_like(onsets, pitch))


@_noise
def trill(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """Two pitches in turn, in a rhythm of music or evenly."""
    low, by = _middle(passage) + int(draw.integers(-7, 8)), int(draw.integers(1, 13))
    if draw.random() < 0.3:
        onsets, ends = passage.onsets, passage.ends
    else:
        onsets, ends = _every(passage, int(draw.choice((1, 2, 4))))
    return passage.with_notes(onsets, ends, low + by * (np.arange(len(onsets)) % 2))


@_noise
def chromatic(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The chromatic scale up and down."""
    onsets, ends = _every(passage, int(draw.choice((1, 2, 2, 4))))
    width = int(draw.integers(4, 25))
    up_down = np.abs((np.arange(len(onsets)) + int(draw.integers(0, 2 * width))) % (2 * width) - width)
    return passage.with_notes(onsets, ends, _middle(passage) - width // 2 + up_down)


@_noise
def walk_in_eighths(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """A random walk in even notes."""
    onsets, ends = _every(passage, int(draw.choice((1, 2, 2, 4))))
    return passage.with_notes(onsets, ends, _walk(len(onsets), _middle(passage), draw))


TWELVE = tuple(NOISE)

# --- more: nearer to music, or other kinds of garbage -----------------------------------------------------------------


@_noise
def perturbed_10(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """Music of which 10 % of the notes are moved by up to an octave."""
    return _perturbed(passage, 0.1, draw)


@_noise
def shuffled_bars(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The bars of music in random order."""
    order = draw.permutation(passage.bars)
    bars = passage.onsets // passage.bar
    by = (order[bars] - bars) * passage.bar
    return passage.with_notes(passage.onsets + by, passage.ends + by, passage.pitches)


@_noise
def shuffled_times(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The pitches of music, with the times from note to note in random order."""
    if len(passage.onsets) < 2:
        return passage
    onsets = np.cumsum(np.append(passage.onsets[:1], draw.permutation(np.diff(passage.onsets))))
    return passage.with_notes(onsets, onsets + (passage.ends - passage.onsets), passage.pitches)


@_noise
def moved_onsets(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """Music of which a third of the onsets and more lie up to three sixteenths beside their place."""
    moved = draw.random(len(passage.onsets)) < draw.uniform(0.35, 0.9)
    by = np.where(moved, draw.integers(-3, 4, len(moved)), 0)
    onsets = np.maximum(passage.onsets + by, 0)
    return passage.with_notes(onsets, onsets + (passage.ends - passage.onsets), passage.pitches)


@_noise
def spliced_bars(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """Every bar moved up or down by any number of semitones."""
    by = draw.integers(-7, 8, passage.bars)
    return passage.with_pitches(passage.pitches + by[passage.onsets // passage.bar])


@_noise
def random_scale(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """Uniformly random notes of the scale, in a rhythm of music or evenly."""
    degrees = np.array([d for d in range(-12, 25) if passage.scale >> d % 12 & 1])
    if draw.random() < 0.5:
        onsets, ends = passage.onsets, passage.ends
    else:
        onsets, ends = _every(passage, int(draw.choice((2, 4))))
    low = int(draw.integers(0, len(degrees) - 10))
    high = int(draw.integers(low + 5, len(degrees)))
    return passage.with_notes(onsets, ends, draw.choice(degrees[low : high + 1], len(onsets)))


@_noise
def scale_runs(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The scale, or its thirds, up and down."""
    degrees = np.array([d for d in range(-12, 25) if passage.scale >> d % 12 & 1])[:: int(draw.integers(1, 3))]
    onsets, ends = _every(passage, int(draw.choice((1, 2, 2, 4))))
    width = int(draw.integers(4, len(degrees) - 2))
    up_down = np.abs((np.arange(len(onsets)) + int(draw.integers(0, 2 * width))) % (2 * width) - width)
    return passage.with_notes(onsets, ends, degrees[up_down])


@_noise
def sequence(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """A figure of two to six random notes again and again, each time moved by the same interval."""
    size, by = int(draw.integers(2, 7)), int(draw.integers(-3, 4))
    figure = draw.integers(-7, 8, size)
    onsets, ends = _every(passage, int(draw.choice((1, 2, 2, 4))))
    times, place = np.divmod(np.arange(len(onsets)), size)
    return passage.with_notes(onsets, ends, _middle(passage) + figure[place] + (by * times + 12) % 24 - 12)


@_noise
def few_notes(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """Music of which most notes are left out."""
    keep = draw.random(len(passage.onsets)) < draw.uniform(0.1, 0.5)
    if not keep.any():
        keep[:1] = True
    return passage.with_notes(passage.onsets[keep], passage.ends[keep], passage.pitches[keep])


@_noise
def random_rhythm_and_walk(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """A random walk at random onsets."""
    return random_rhythm(random_walk(passage, other, draw), other, draw)


@_noise
def shuffled_intervals(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The rhythm of music with its own intervals in random order."""
    return passage.with_pitches(_line(passage, draw.permutation(np.diff(passage.pitches))))


@_noise
def drawn_intervals(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The rhythm of music with intervals drawn by lot from its own."""
    if len(passage.pitches) < 2:
        return passage
    return passage.with_pitches(_line(passage, draw.choice(np.diff(passage.pitches), len(passage.pitches) - 1)))


@_noise
def other_intervals(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The rhythm of one style with the intervals of another, drawn by lot."""
    if len(other.pitches) < 2 or not len(passage.pitches):
        return random_walk(passage, other, draw)
    return passage.with_pitches(_line(passage, draw.choice(np.diff(other.pitches), len(passage.pitches) - 1)))


def _line(passage: Passage, intervals: Ints) -> Ints:
    """Pitches by intervals from the passage's middle; what would leave two octaves is reflected."""
    middle = _middle(passage)
    line = np.empty(len(passage.pitches), np.int64)
    at = middle
    for k in range(len(line)):
        if k:
            by = int(intervals[k - 1])
            at = at + by if abs(at + by - middle) <= 14 else at - by
        line[k] = at
    return line


@_noise
def drawn_times(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The pitches of music, with times from note to note drawn by lot from its own."""
    if len(passage.onsets) < 2:
        return passage
    times = np.diff(passage.onsets)
    onsets = np.cumsum(np.append(passage.onsets[:1], draw.choice(times, len(times))))
    return passage.with_notes(onsets, onsets + (passage.ends - passage.onsets), passage.pitches)


@_noise
def other_rhythm_moved(passage: Passage, other: Passage, draw: Generator) -> Passage:
    """The pitches of one style in the rhythm of another, which begins anywhere in the bar."""
    if not len(other.onsets) or not len(passage.pitches):
        return random_rhythm(passage, other, draw)
    onsets = other.onsets + int(draw.integers(0, passage.bar))
    return passage.with_notes(onsets, onsets + (other.ends - other.onsets), np.resize(passage.pitches, len(onsets)))


def passage_of(melodies: Melodies, window: NDArray[np.int32]) -> Passage:
    """The notes of a window, a row as `windows_of` gives it."""
    onsets, ends, pitches = window_notes(melodies, window)
    bars, bar, beat, scale = window[3:].tolist()
    return Passage(onsets, ends, pitches, bars, bar, beat, scale)


def melodies_of(passages: Iterable[Passage]) -> Melodies:
    """Passages as pieces."""
    made = list(passages)
    ends = np.cumsum([len(passage.onsets) for passage in made])
    pieces = np.array(
        [
            (end - len(p.onsets), end, p.bars, p.bar, p.beat, p.scale)
            for p, end in zip(made, ends.tolist(), strict=True)
        ],
        np.int32,
    ).reshape(-1, 6)

    def joined(name: str) -> NDArray[np.int16]:
        return np.concatenate([getattr(p, name) for p in made] or [np.zeros(0)]).astype(np.int16)

    return Melodies(joined("onsets"), joined("ends"), joined("pitches"), pieces)


def make_noise(family: str, passages: Sequence[Passage], others: Sequence[Passage], draw: Generator) -> list[Passage]:
    """One noise passage of a family for each passage; `others` are of other styles, for those that mix."""
    maker = NOISE[family]
    return [maker(passage, other, draw) for passage, other in zip(passages, others, strict=True)]
