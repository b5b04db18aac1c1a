"""Human playing as trajectories: real pieces, encoded as actions of a style and played again in the engine.

For behaviour cloning, offline reinforcement learning and the `imitation` package::

    from rlcompose.datasets import as_arrays, trajectories
    played = trajectories("fiddle", limit=100, seed=0)
    data = as_arrays(played)          # observations, actions, masks, rewards, returns, terminals, …
    played.report.skipped             # the pieces that were left out, with the reason
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.brief import Brief, make_brief
from rlcompose.codec import decode, encode, observation_space
from rlcompose.corpus.entry import Report, SourcePiece
from rlcompose.corpus.sources import read_pieces
from rlcompose.engine.layout import OBSERVATION_SCALE, OBSERVATION_SIZE
from rlcompose.errors import RlcomposeError
from rlcompose.reward import RewardChoice, WeightedTerm, settled, weigh_terms
from rlcompose.score import Composition
from rlcompose.style import Style, load_style
from rlcompose.theory.meter import Meter

_log = logging.getLogger(__name__)

# A piece is skipped when the actions drop more than this share of its notes: 97 % of real music shall be kept.
MOST_DROPPED = 0.03
PLAY_SEED = 0  # nothing of the piece is drawn, so any seed plays it


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """A real piece as an agent would have played it; T is the number of its actions.

    observations   int16 or float32 (T + 1, 278): row t is what the agent saw before action t, the last row what it
                   saw after the end; `seen` are the first T
    actions        int64 (T,)
    masks          bool (T, actions): which actions were legal; those that were played are
    rewards        float64 (T,)
    returns        float64 (T,): the sum of the rewards from here to the end, not discounted
    terminals      bool (T,): True at the last action; a piece is never cut off
    name, group, licence   of the piece in its source; a split must keep a group together
    brief          pins the piece, so that `composition` plays it again
    pickup         ticks of its upbeat, of which actions know nothing: to them it is a bar that begins with rests
    dropped        how many notes of the source the actions do not play
    """

    observations: NDArray[Any]
    actions: NDArray[np.int64]
    masks: NDArray[np.bool_]
    rewards: NDArray[np.float64]
    returns: NDArray[np.float64]
    terminals: NDArray[np.bool_]
    name: str
    group: str
    licence: str
    brief: Brief
    pickup: int
    dropped: int

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def seen(self) -> NDArray[Any]:
        """What the agent saw before each action, (T, 278)."""
        return self.observations[:-1]

    @property
    def composition(self) -> Composition:
        """The piece that the actions play."""
        played = decode(self.brief, PLAY_SEED, self.actions)
        if not self.pickup or not played.notes:
            return played
        before = played.meter.bar_ticks - played.notes[0].onset  # an onset may have moved a tick into the silence
        return replace(played, pickup=max(self.pickup, before))


class Trajectories(Iterator[Trajectory]):
    """Trajectories, each made when it is asked for; `report` tells of what was read and skipped so far."""

    def __init__(self, made: Iterator[Trajectory], report: Report) -> None:
        self._made = made
        self.report = report

    def __next__(self) -> Trajectory:
        return next(self._made)


def trajectories(
    style: str | Path | Style,
    source: str | os.PathLike[str] | None = None,
    *,
    limit: int | None = None,
    rewards: RewardChoice = None,
    observation: str = "int16",
    meter: str | Meter | None = None,
    seed: int | None = None,
    expand_repeats: bool = False,
) -> Trajectories:
    """The pieces of a source as trajectories in a style, one after the other.

    A piece is skipped, and named in the report, when its metre is not the style's, when it has none or several, when
    it has more than 1,024 bars, when it cannot be read, or when the actions lose more than 3 % of its notes (those
    outside the pitch window of three and a half octaves). Every piece keeps its own key, octave, tempo, chords and
    length. The instrument's range is the style's, widened to the piece's where that goes beyond it.

    Args:
        style: Name, file or value of the style whose actions are played.
        source: Where the pieces are (see `rlcompose.corpus.sources.read_pieces`); left out, the style's own corpus.
        limit: At most so many trajectories; nothing beyond them is read.
        rewards: What is paid, as for an environment; left out, the style's terms with its weights.
        observation: "int16" for the integers, "float32" for the scaled view, as in an environment.
        meter: Read this metre instead of the style's.
        seed: Take the pieces in an order drawn from it; left out, as they are stored.
        expand_repeats: Play the repeats of ABC and score files.
    """
    style = style if isinstance(style, Style) else load_style(style)
    observation_space(observation)  # tells of a name that is not known
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise RlcomposeError(f"limit {limit!r} is no number of pieces: allowed are 1 and more, or None for all")
    terms = settled(weigh_terms(style.rewards, rewards))
    report = Report()
    pieces = read_pieces(style, source, meter=meter, seed=seed, expand_repeats=expand_repeats, report=report)
    return Trajectories(_played(pieces, style, terms, observation, limit, report), report)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A real piece as actions: `decode(brief, 0, actions)` plays it. The names are those of `Trajectory`."""

    name: str
    group: str
    brief: Brief
    actions: tuple[int, ...]
    dropped: int


def encoded_pieces(
    style: Style,
    source: str | os.PathLike[str] | None = None,
    *,
    seed: int | None = None,
    expand_repeats: bool = False,
    report: Report | None = None,
    **options: Any,
) -> Iterator[Encoded]:
    """The pieces of a source as actions of a style, without playing them; skipped are those `trajectories` skips.

    `options` are pinned besides what the piece pins, as in `rlcompose.Options`.
    """
    report = Report() if report is None else report
    for piece in read_pieces(style, source, seed=seed, expand_repeats=expand_repeats, report=report):
        try:
            brief, actions, dropped = actions_of(piece.composition, style)
            if options:
                brief = make_brief(style, replace(brief.options, **options))
        except RlcomposeError as error:
            report.skip(piece.name, str(error))
            continue
        yield Encoded(piece.name, piece.group, brief, actions, dropped)


def _played(
    pieces: Iterator[SourcePiece],
    style: Style,
    terms: tuple[WeightedTerm, ...],
    observation: str,
    limit: int | None,
    report: Report,
) -> Iterator[Trajectory]:
    made = 0
    for piece in pieces:
        try:
            brief, actions, dropped = actions_of(piece.composition, style)
        except RlcomposeError as error:
            report.skip(piece.name, str(error))
            continue
        yield _trajectory(piece, brief, actions, dropped, terms, observation)
        made += 1
        if made == limit:
            break
    if report.skipped:
        reasons = ", ".join(f"{reason} ({number})" for reason, number in report.reasons.most_common())
        _log.warning("%d pieces are skipped, %d are played: %s", len(report.skipped), made, reasons)


def actions_of(
    music: Composition, style: Style, most_dropped: float = MOST_DROPPED
) -> tuple[Brief, tuple[int, ...], int]:
    """The brief and the actions that play a piece, and how many of its notes they drop.

    Raises:
        RlcomposeError: They drop more than the allowed share of the notes, 3 % by default.
    """
    encoding = encode(music, style)
    dropped, notes = len(encoding.dropped), len(music.notes)
    if dropped > most_dropped * notes:
        raise RlcomposeError(f"too many notes are beyond the actions: {dropped} of {notes}")
    # The codec pins the piece's own range, which would tell the agent how high the melody is going to rise.
    lowest, highest = encoding.brief.range
    whole = (min(lowest, style.range[0]), max(highest, style.range[1]))
    return make_brief(style, replace(encoding.brief.options, range=whole)), encoding.actions, dropped


def _trajectory(
    piece: SourcePiece,
    brief: Brief,
    played: tuple[int, ...],
    dropped: int,
    terms: tuple[WeightedTerm, ...],
    observation: str,
) -> Trajectory:
    from rlcompose.engine.core import Engine

    engine = Engine(brief, terms)
    engine.reset([PLAY_SEED])
    steps = len(played)
    actions = np.array(played, np.int64)
    observations = np.empty((steps + 1, OBSERVATION_SIZE), np.int16)
    masks = np.empty((steps, engine.num_actions), np.bool_)
    rewards = np.empty(steps, np.float64)
    for step in range(steps):
        observations[step], masks[step] = engine.state.obs[0], engine.state.mask[0]
        engine.step(actions[step : step + 1])
        rewards[step] = engine.state.reward[0]
    observations[steps] = engine.state.obs[0]
    assert engine.state.done[0] and masks[np.arange(steps), actions].all(), f"{piece.name} is not played by its actions"
    terminals = np.zeros(steps, np.bool_)
    terminals[-1] = True
    return Trajectory(
        observations=observations.astype(np.float32) * OBSERVATION_SCALE if observation == "float32" else observations,
        actions=actions,
        masks=masks,
        rewards=rewards,
        returns=np.cumsum(rewards[::-1])[::-1].copy(),
        terminals=terminals,
        name=piece.name,
        group=piece.group,
        licence=piece.licence,
        brief=brief,
        pickup=piece.composition.pickup,
        dropped=dropped + piece.lost,
    )


def as_arrays(played: Iterable[Trajectory]) -> dict[str, NDArray[Any]]:
    """All trajectories in one dictionary of arrays; N is the number of their actions together.

    `observations`, `actions`, `next_observations`, `rewards`, `terminals` (the names of D4RL), `masks`, `returns`, and
    `pieces` (int64: which trajectory a row is of), N rows each; `names` and `groups` with a row for each trajectory.

    Raises:
        RlcomposeError: There is no trajectory.
    """
    pieces = list(played)
    if not pieces:
        raise RlcomposeError("there is no trajectory: every piece was skipped, or the source is empty")
    return {
        "observations": np.concatenate([piece.seen for piece in pieces]),
        "next_observations": np.concatenate([piece.observations[1:] for piece in pieces]),
        **{
            name: np.concatenate([getattr(piece, name) for piece in pieces])
            for name in ("actions", "masks", "rewards", "returns", "terminals")
        },
        "pieces": np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces]),
        "names": np.array([piece.name for piece in pieces]),
        "groups": np.array([piece.group for piece in pieces]),
    }


def to_imitation(played: Iterable[Trajectory]) -> list[Any]:
    """The trajectories as `imitation.data.types.TrajectoryWithRew`, for that package's algorithms.

    imitation 1.0.1 asks for gymnasium 0.29 and Stable-Baselines3 2.2, older than what this package runs on, so that pip
    installs it beside this one only with `--no-deps`.
    """
    try:
        from imitation.data.types import TrajectoryWithRew
    except ImportError as error:
        raise RlcomposeError(f"imitation cannot be used ({error}): pip install --no-deps imitation") from error
    return [
        TrajectoryWithRew(obs=piece.observations, acts=piece.actions, infos=None, terminal=True, rews=piece.rewards)
        for piece in played
    ]
