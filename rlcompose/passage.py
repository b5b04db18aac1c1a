"""What of a piece is given and what is to be composed: the actions before, the actions after, and the way to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rlcompose.codec import Event, action_of, event_of, perform
from rlcompose.engine.layout import LOWEST_PITCH
from rlcompose.errors import RlcomposeError
from rlcompose.style import Style

if TYPE_CHECKING:
    from rlcompose.engine.core import Engine
    from rlcompose.piece import Piece


@dataclass(frozen=True, slots=True, eq=False)
class Landing:
    """Where composed events must lead: exactly to `tick`, where `pitch` must be playable.

    tick        the end of the gap; events are cut at the end of the piece, and only there
    pitch       the first note that is kept, in semitones above the tonic; None for no note
    most        int64 (tick + 1,): how many events at most lead from a tick to the landing; -1 where none do
    """

    tick: int
    pitch: int | None
    most: NDArray[np.int64]

    @classmethod
    def of(cls, style: Style, tick: int, end: int, pitch: int | None, cuts: bool = False) -> Landing:
        """The landing at `tick` for events of a style that all begin before `end` (at most `tick`).

        cuts    whether longer events are cut at `tick`, because the piece ends there
        """
        most = np.full(tick + 1, -1, np.int64)
        most[tick] = 0
        for place in range(end - 1, -1, -1):
            arrivals = [min(place + ticks, tick) if cuts else place + ticks for _, ticks in style.durations]
            reached = [most[arrival] for arrival in arrivals if arrival <= tick]
            if reached and max(reached) >= 0:
                most[place] = max(reached) + 1
        return cls(tick, pitch, most)

    def mask(self, engine: Engine) -> NDArray[np.bool_]:
        """The actions after which the landing can still be reached, bool (envs, actions), legal or not.

        A leap that is too wide for the note kept is closed by the notes between, if enough of them fit: each may move
        by the style's widest leap.
        """
        lengths = engine.tables.durations.astype(np.int64)
        actions = np.arange(engine.num_actions)
        arrival = engine.field("onset").astype(np.int64)[:, None] + lengths[actions % len(lengths)]
        arrival = np.minimum(arrival, engine.field("total_ticks")[:, None])
        left = np.where(arrival <= self.tick, self.most[np.minimum(arrival, self.tick)], -1)
        leap = engine.brief.style.widest_leap
        if self.pitch is None or leap == 0:
            return left >= 0
        slots = actions // len(lengths)
        # A rest leaves the last pitch as it is; before the first note there is none, and any note may follow.
        last = np.where(engine.field("num_notes") > 0, engine.field("last_pitch"), self.pitch)[:, None]
        pitch = np.where(slots == 0, last, slots + LOWEST_PITCH - 1)
        within: NDArray[np.bool_] = (left >= 0) & (np.abs(pitch - self.pitch) <= leap * (1 + left))
        return within


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """A piece with a gap: actions given before and after it; without a landing it reaches to the end of the piece."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    landing: Landing | None = None


WHOLE = Passage()


def gap_in(piece: Piece, first_bar: int, last_bar: int) -> Passage:
    """The passage that leaves out bars (counted from 1, both included) of a piece: the events that begin in them.

    An event that begins before the first bar is kept whole, even where it reaches into it.
    """
    style = piece.brief.style
    played = perform(piece.brief, piece.seed, piece.actions)
    bars, bar_ticks = played.composition.bars, played.composition.meter.bar_ticks
    if not 1 <= first_bar <= last_bar <= bars:
        raise RlcomposeError(f"bars {first_bar}-{last_bar} are not in the piece: allowed are 1-{bars}, first bar first")
    start, end = (first_bar - 1) * bar_ticks, last_bar * bar_ticks
    actions = [_as_played(style, action, event) for action, event in zip(piece.actions, played.events, strict=True)]
    before = [action for action, event in zip(actions, played.events, strict=True) if event.onset < start]
    after = [(action, event) for action, event in zip(actions, played.events, strict=True) if event.onset >= end]
    if len(before) + len(after) == len(actions):
        raise RlcomposeError(f"no event begins in bars {first_bar}-{last_bar}: there is nothing to replace")
    if not after:
        total = played.composition.total_ticks
        return Passage(tuple(before), (), Landing.of(style, total, end, None, cuts=True))
    pitches = (event_of(style, action)[0] for action, _ in after)
    pitch = next((pitch for pitch in pitches if pitch is not None), None)
    landing = Landing.of(style, after[0][1].onset, end, pitch)
    return Passage(tuple(before), tuple(action for action, _ in after), landing)


def _as_played(style: Style, action: int, event: Event) -> int:
    """The action, or the shortest rest where an illegal action was played as that.

    After other notes it could be legal, and what is kept would become another event.
    """
    if event.pitch is None and event_of(style, action)[0] is not None:
        return action_of(style, None, style.durations[0][1])
    return action
