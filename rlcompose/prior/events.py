"""What the prior learns from: real music as decisions of an agent in the environment, each with what it then saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.brief import Brief
from rlcompose.corpus.entry import SourcePiece
from rlcompose.corpus.library import Corpus
from rlcompose.corpus.split import family_of, hash_of, part_of
from rlcompose.datasets import PLAY_SEED, actions_of
from rlcompose.engine.layout import BLOCKS, OBSERVATION_SIZE
from rlcompose.errors import RlcomposeError
from rlcompose.prior.form import with_form
from rlcompose.score import Composition
from rlcompose.style import Style

RECALL = BLOCKS["section_events"]
VALIDATION_SHARE = 0.1  # of the families that the prior learns from, for early stopping
VALIDATION_SALT = "prior "

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Decisions of real players; N of them, from P pieces.

    observations   int16 (N, 278): what was seen before each
    slots          int64 (N,): 0 a rest, else 1 + the pitch above the lowest of the window
    lengths        int64 (N,): number of the style's duration
    pieces         int64 (N,): the piece of each, in order
    names, families   of the P pieces; what has one family must not be cut apart
    """

    observations: NDArray[np.int16]
    slots: NDArray[np.int64]
    lengths: NDArray[np.int64]
    pieces: NDArray[np.int64]
    names: tuple[str, ...]
    families: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def num_notes(self) -> int:
        """How many of the decisions are notes."""
        return int((self.slots > 0).sum())

    def of(self, is_wanted: Callable[[str], bool]) -> Events:
        """The events of those pieces whose family is wanted."""
        kept = np.array([is_wanted(family) for family in self.families], np.bool_)
        rows = kept[self.pieces] if len(self.pieces) else np.zeros(0, np.bool_)
        number = np.cumsum(kept) - 1
        return Events(
            self.observations[rows],
            self.slots[rows],
            self.lengths[rows],
            number[self.pieces[rows]],
            tuple(name for name, keep in zip(self.names, kept, strict=True) if keep),
            tuple(family for family, keep in zip(self.families, kept, strict=True) if keep),
        )


def is_for_validation(family: str) -> bool:
    """Whether a family of the part that the prior learns from is kept apart to end the learning by."""
    return int(hash_of(VALIDATION_SALT + family), 16) % 1000 < 1000 * VALIDATION_SHARE


def events_of_corpus(corpus: Corpus, parts: Iterable[str], progress: Progress | None = None) -> Events:
    """The decisions of the pieces of these parts of the split (`rlcompose.corpus.split`)."""
    wanted = set(parts)
    numbers = [number for number, family in enumerate(corpus.families) if part_of(family) in wanted]
    pieces = (corpus[number] for number in numbers)
    return events_of(pieces, corpus.style, len(numbers), progress)


def events_of(pieces: Iterable[SourcePiece], style: Style, number: int = 0, progress: Progress | None = None) -> Events:
    """The decisions of pieces, each played again in the engine; pieces that the style cannot play are left out.

    Args:
        pieces: In the style's metres.
        style: Whose actions are played.
        number: How many pieces there are, for the progress.
        progress: Is told how many pieces are done, and of how many.

    Raises:
        RlcomposeError: No piece can be played.
    """
    seen: list[NDArray[np.int16]] = []
    actions: list[NDArray[np.int64]] = []
    names: list[str] = []
    families: list[str] = []
    for done, piece in enumerate(pieces, 1):
        try:
            observations, played = decisions(piece.composition, style)
        except RlcomposeError:
            continue
        seen.append(observations)
        actions.append(played)
        names.append(piece.name)
        families.append(family_of(style.family, piece.name, piece.group))
        if progress is not None and done % 100 == 0:
            progress(done, number)
    if not seen:
        raise RlcomposeError(f"there is no music to learn from: style {style.name!r} can play none of the pieces")
    durations = len(style.durations)
    played = np.concatenate(actions)
    return Events(
        np.concatenate(seen),
        played // durations,
        played % durations,
        np.repeat(np.arange(len(seen)), [len(each) for each in actions]),
        tuple(names),
        tuple(families),
    )


def decisions(music: Composition, style: Style) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """What a player of this music saw before each event, int16 (N, 278), and the actions, int64 (N,).

    Sections are those by which its phrases return (`rlcompose.prior.form`).

    Raises:
        RlcomposeError: The style's actions cannot play the piece.
    """
    brief, played, _ = actions_of(with_form(music, style), style)
    return seen_before(brief, played)


def seen_before(brief: Brief, played: Sequence[int]) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """What is seen before each action that plays a pinned piece, and the actions as an array."""
    from rlcompose.engine.core import Engine

    engine = Engine(brief)
    engine.reset([PLAY_SEED])
    actions = np.array(played, np.int64)
    observations = np.empty((len(actions), OBSERVATION_SIZE), np.int16)
    for step in range(len(actions)):
        observations[step] = engine.state.obs[0]
        engine.step(actions[step : step + 1])
    return observations, actions


def without_recall(observations: NDArray[np.int16], rows: NDArray[np.bool_]) -> NDArray[np.int16]:
    """A copy in which these rows recall nothing, as in music without returning sections."""
    changed = observations.copy()
    changed[rows, RECALL.slice] = 0
    return changed
