"""Music like a given piece: the prior learns a little from it, and of what it then plays the likest is kept.

The piece's key, metre, tempo, chords, length and form are kept. It is not to be copied: candidates that share a longer
run with it than real pieces share with one another are left out.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from rlcompose.agent import play
from rlcompose.brief import Brief
from rlcompose.codec import decode
from rlcompose.datasets import actions_of
from rlcompose.errors import RlcomposeError
from rlcompose.learned.judge import load_judge, whole_windows
from rlcompose.learned.layout import LIKELIHOODS_AT, STYLES
from rlcompose.learned.melodies import bars_so_far, make_melodies
from rlcompose.learned.models import standardised
from rlcompose.metrics.novelty import shared_runs
from rlcompose.piece import Piece
from rlcompose.prior.events import seen_before
from rlcompose.prior.form import with_form
from rlcompose.prior.model import Prior, copy_of
from rlcompose.prior.players import PriorAgent, prior_of
from rlcompose.reward import WeightedTerm
from rlcompose.sampling import one_thread
from rlcompose.score import Composition
from rlcompose.style import Style

_log = logging.getLogger(__name__)

STEPS = 40  # of learning, each from the whole piece
RATE = 1e-3
HOLD = 0.5  # how much it must stay the prior: weight of their divergence beside the piece's likelihood
CANDIDATES = 48
LONGEST_COPY = 8  # notes; half of real solos share so many with some other one


def style_of(music: Composition) -> str:
    """The style that the judge takes a piece for."""
    said = load_judge().judge(music)
    return max(STYLES, key=lambda style: said.probabilities[style])


def adapted(prior: Prior, music: Composition, style: Style, steps: int = STEPS, seed: int = 0) -> Prior:
    """A prior that has learned a little from a piece, held to the one that it was."""
    brief, played, _ = _encoded(music, style)
    observations, actions = seen_before(brief, played)
    result = copy_of(prior)
    network = result.network
    slots, lengths = (torch.from_numpy(each) for each in np.divmod(actions, len(network.durations)))
    with torch.random.fork_rng(), one_thread():
        torch.manual_seed(seed)
        reading = network.read(torch.from_numpy(observations))
        with torch.no_grad():
            before = prior.network.log_probs(reading)
        network.requires_grad_(True)
        network.dropout.p = 0.2
        network.train()
        optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.0)
        for _ in range(steps):
            of_pitch, of_length = network.losses(reading, slots, lengths)
            now = network.log_probs(reading)
            away = (before.exp() * (before - now)).sum(1)
            loss = (of_pitch + of_length + HOLD * away).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()
    network.eval()
    network.requires_grad_(False)
    return result


@dataclass(frozen=True, eq=False)
class LikeComposer:
    """Composes pieces like a given one; as `rlcompose.composing.Composer` where only new pieces are asked for."""

    source: Composition
    agent: PriorAgent
    brief: Brief
    terms: tuple[WeightedTerm, ...]

    def compose(self, seed: int = 0, *, best_of: int = 1) -> Piece:
        """A new piece; `best_of` times as many candidates are played.

        Raises:
            RlcomposeError: Every candidate copies too much of the source.
        """
        number = CANDIDATES * best_of
        played = play(self.agent, self.brief, self.terms, [seed] * number, takes=range(number))
        pieces = [decode(self.brief, each.seed, each.actions) for each in played]
        heard = [k for k, piece in enumerate(pieces) if len(piece.notes) > 1]
        copied = shared_runs([pieces[k] for k in heard], [self.source])
        kept = [k for k, run in zip(heard, copied, strict=True) if run.notes <= LONGEST_COPY]
        if not kept:
            raise RlcomposeError(
                f"all of {number} candidates copy more than {LONGEST_COPY} notes on end of the given piece: try "
                "another seed, or a higher temperature"
            )
        away = distances([pieces[k] for k in kept], self.source)
        best = played[kept[int(np.argmin(away))]]
        return Piece(self.brief, best.seed, best.actions, self.terms, self.agent.name)


def brief_like(music: Composition, style: Style) -> Brief:
    """The brief of a piece in the piece's key, metre, tempo, register and form, over its chords and as long.

    What the style cannot play of it is left out, and a warning says how much.

    Raises:
        RlcomposeError: Nothing is left.
    """
    brief, _, dropped = _encoded(music, style)
    if dropped:
        notes = len(music.notes)
        _log.warning("%d of the given piece's %d notes are beyond style %r: left out", dropped, notes, style.name)
    return brief


def _encoded(music: Composition, style: Style) -> tuple[Brief, tuple[int, ...], int]:
    brief, actions, dropped = actions_of(with_form(music, style), style, most_dropped=1.0)
    notes = len(music.notes)
    if notes - dropped < 2:
        raise RlcomposeError(f"style {style.name!r} can play {notes - dropped} of the {notes} notes of the given piece")
    return brief, actions, dropped


def like(
    music: Composition, style: Style, brief: Brief | None = None, terms: Sequence[WeightedTerm] = ()
) -> LikeComposer:
    """What composes like a piece; `brief` is what is asked for, left out, all of the piece's own."""
    brief = brief_like(music, style) if brief is None else brief
    prior = adapted(prior_of(style), music, style)
    return LikeComposer(music, PriorAgent([(prior, 1.0)], style, "like"), brief, tuple(terms))


def distances(pieces: Sequence[Composition], source: Composition) -> NDArray[np.float64]:
    """How unlike the source pieces are: the distance of what the judge sees of them, in its own units, (pieces,)."""
    seen = features_of([source, *pieces])
    result: NDArray[np.float64] = np.sqrt(((seen[1:] - seen[0]) ** 2).mean(axis=1))
    return result


def features_of(pieces: Sequence[Composition]) -> NDArray[np.float64]:
    """What the judge sees of pieces, in units of its spread: the mean of their windows, (pieces, features)."""
    model = load_judge().model
    melodies = make_melodies(pieces)
    each = [bars_so_far(melodies, number) for number in range(len(pieces))]
    each = [windows[whole_windows(windows)] for windows in each]
    mean, scale = (model.parts[name][:LIKELIHOODS_AT] for name in ("mean", "scale"))
    seen = standardised(model.features(melodies, np.concatenate(each))[:, :LIKELIHOODS_AT], mean, scale)
    ends = np.cumsum([len(windows) for windows in each])
    return np.array([part.mean(axis=0) for part in np.split(seen.astype(np.float64), ends[:-1])])
