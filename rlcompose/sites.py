"""Sites: passages of real music, and what agents compose in their place, over the same chords and for as long.

What is compared with real music must differ from it in the notes alone. So real passages are played through the
environment's actions, as all that agents make is, and agents get the passage's chords, key, metre, tempo and length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rlcompose.agent import Agent, play
from rlcompose.brief import Brief
from rlcompose.codec import decode
from rlcompose.corpus.entry import SourcePiece
from rlcompose.corpus.library import Corpus
from rlcompose.corpus.split import JUDGE, part_of
from rlcompose.datasets import actions_of
from rlcompose.errors import RlcomposeError
from rlcompose.learned.layout import MAX_BARS
from rlcompose.learned.samples import FEWEST_NOTES
from rlcompose.reward import WeightedTerm
from rlcompose.score import ChordSpan, Composition, Note, Section
from rlcompose.style import Style

# Bars of the passages at which models are put beside real music; of other styles pieces are whole, up to the longest.
PASSAGE_BARS, LONGEST_BARS = {"jazz": 8, "renaissance": 16}, 32
PER_PIECE = 8  # passages of a long solo, so that one player does not stand for all


@dataclass(frozen=True, slots=True)
class Site:
    """A passage of real music as actions: `decode(brief, 0, actions)` plays it.

    name, group   of the piece that it is from; what has one group must not be divided by a test
    bar           the first bar of the passage in that piece
    """

    name: str
    group: str
    bar: int
    brief: Brief
    actions: tuple[int, ...]

    def real(self) -> Composition:
        """The real passage, as the environment plays it."""
        return replace(decode(self.brief, 0, self.actions), title=self.name)


def cut(piece: Composition, bar: int, bars: int) -> Composition:
    """The passage of so many bars from a bar (counted from 0) on: notes that begin in it, chords, sections.

    Raises:
        RlcomposeError: The passage goes beyond the piece.
    """
    if bar < 0 or bars < 1 or bar + bars > piece.bars:
        raise RlcomposeError(f"bars {bar} to {bar + bars} are no passage of a piece of {piece.bars} bars")
    start, end = bar * piece.meter.bar_ticks, (bar + bars) * piece.meter.bar_ticks
    notes = (n for n in piece.notes if start <= n.onset < end)
    spans = (c for c in piece.chords if c.end > start and c.onset < end)
    parts = (p for p in piece.sections if p.bar + p.bars > bar and p.bar < bar + bars)
    return replace(
        piece,
        notes=tuple(Note(n.onset - start, n.pitch, min(n.end, end) - n.onset) for n in notes),
        chords=tuple(
            ChordSpan(max(c.onset, start) - start, min(c.end, end) - max(c.onset, start), c.chord) for c in spans
        ),
        sections=tuple(
            Section(p.label, max(p.bar, bar) - bar, min(p.bar + p.bars, bar + bars) - max(p.bar, bar)) for p in parts
        ),
        bars=bars,
        pickup=piece.pickup if bar == 0 else 0,
    )


def draw_sites(
    pieces: Sequence[SourcePiece], groups: Sequence[str], style: Style, number: int, bars: int, seed: int = 0
) -> list[Site]:
    """At most so many passages of `bars` bars, drawn from these pieces; a piece of 8 bars or more is taken whole.

    Passages of a piece do not overlap, and there are at most 8 of one. What the style's actions cannot play (other
    metres, a range too wide) is left out, as are passages of fewer than 6 notes.
    """
    draw = np.random.default_rng(seed)
    passages: list[tuple[int, int, int]] = []
    for which, piece in enumerate(pieces):
        whole = piece.composition.bars
        length = min(bars, whole)
        if length >= MAX_BARS:
            starts = draw.permutation(np.arange(0, whole - length + 1, length))[:PER_PIECE]
            passages += [(which, int(start), length) for start in starts]
    sites: list[Site] = []
    for at in draw.permutation(len(passages)):
        if len(sites) == number:
            break
        which, bar, length = passages[at]
        piece = pieces[which]
        part = cut(piece.composition, bar, length)
        if len(part.notes) < FEWEST_NOTES:
            continue
        try:
            brief, actions, _ = actions_of(part, style)
        except RlcomposeError:
            continue
        sites.append(Site(piece.name, groups[which], bar, brief, actions))
    return sites


def sites_of(
    corpus: Corpus,
    number: int,
    bars: int,
    seed: int = 0,
    *,
    learned: bool = False,
    change: Callable[[Composition], Composition] = lambda music: music,
) -> list[Site]:
    """At most so many passages of a corpus, by `draw_sites`.

    learned  of the part that priors and judges learn from; else of music that neither has learned from
    change   what is done to each piece first
    """
    numbers = [at for at, family in enumerate(corpus.families) if (part_of(family) == JUDGE) == learned]
    pieces = [replace(corpus[at], composition=change(corpus[at].composition)) for at in numbers]
    return draw_sites(pieces, [corpus.families[at] for at in numbers], corpus.style, number, bars, seed)


def compose_at(
    agent: Agent,
    sites: Sequence[Site],
    number: int,
    terms: Sequence[WeightedTerm] = (),
    seed: int = 0,
) -> Iterator[tuple[Site, Composition]]:
    """So many pieces of an agent, one at each site in turn, again from the first where there are more.

    `terms` are what an agent that looks at rewards is paid. Piece k of a seed is always the same.
    """
    for at, site in enumerate(sites[:number]):
        seeds = [(seed << 32) + each for each in range(at, number, len(sites))]
        for played in play(agent, site.brief, terms, seeds):
            yield site, decode(site.brief, played.seed, played.actions)


def real_at(sites: Iterable[Site]) -> list[Composition]:
    """The real music of sites."""
    return [site.real() for site in sites]
