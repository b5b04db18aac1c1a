"""Working on a piece: composing one, going on from a motif, composing some of its bars anew, the best of several."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rlcompose.agent import Agent, Played, play
from rlcompose.brief import Brief, make_brief, whole_number
from rlcompose.codec import Encoding, decode, encode, event_of
from rlcompose.corpus.entry import Report
from rlcompose.corpus.sources import read_pieces
from rlcompose.engine.layout import MAX_BARS
from rlcompose.env import MAX_SEED
from rlcompose.errors import RlcomposeError
from rlcompose.files import missing_file
from rlcompose.passage import Passage, gap_in
from rlcompose.piece import Piece, read_music
from rlcompose.reward import WeightedTerm, settled, weigh_terms
from rlcompose.score import Composition, Note
from rlcompose.style import Style
from rlcompose.theory.key import Key
from rlcompose.theory.meter import METERS, Meter
from rlcompose.theory.pitch import pitch_name

_log = logging.getLogger(__name__)

_AT_ONCE = 64  # candidates played side by side
_MAX_TAKE = 2**63
_NAMED = 5  # lost notes that a message names


@dataclass(frozen=True)
class Composer:
    """An agent, what it is asked for and what it is paid: composes pieces and works on them.

    >>> from rlcompose.agent import find_agent
    >>> agent = find_agent("greedy").make()
    >>> composer = Composer.of(agent, make_brief("jazz", {"bars": 4, "key": "F"}))
    >>> piece = composer.compose(seed=1)
    >>> new = composer.replace_bars(piece, (3, 4), seed=2)
    >>> new.composition.bars, new.composition.key.name
    (4, 'F major')
    """

    agent: Agent
    brief: Brief
    terms: tuple[WeightedTerm, ...]
    before: tuple[int, ...] = ()  # the actions with which every piece begins
    # Of several, one is kept by lot with these logarithms of odds; without them the one with the highest return.
    log_odds: Callable[[Sequence[Composition]], Sequence[float]] | None = None

    @classmethod
    def of(cls, agent: Agent, brief: Brief) -> Composer:
        """With the reward terms of the brief's style."""
        return cls(agent, brief, settled(weigh_terms(brief.style.rewards)))

    @classmethod
    def from_run(cls, folder: Path | str) -> Composer:
        """The trained agent of a run, with the run's brief and rewards."""
        from rlcompose.run import read_run

        run = read_run(folder)
        return cls(run.agent(), run.brief, run.terms())

    def starting_from(self, motif: Composition) -> Composer:
        """The composer whose pieces go on from a motif: see `opening`."""
        brief, actions = opening(self.brief, motif)
        return replace(self, brief=brief, before=actions)

    def compose(self, seed: int = 0, *, best_of: int = 1) -> Piece:
        """A new piece.

        seed      what is drawn (key, chart, tempo, register) and the agent's chances are functions of it
        best_of   how many pieces to compose on the same draw; one is kept, by `log_odds` or the return
        """
        _check_seed(seed)
        return self._best(self.brief, seed, range(_checked(best_of)), Passage(before=self.before))

    def replace_bars(
        self, piece: Piece | Composition, bars: tuple[int, int], *, seed: int = 0, best_of: int = 1
    ) -> Piece:
        """The piece with some of its bars composed anew, every event that begins outside of them as it was.

        piece     of the composer's style; a `Composition` (a tune read from a file, say) is encoded in it first
        bars      the first and the last bar to replace, counted from 1, both included
        seed      other seeds give other bars; what was drawn for the piece stays
        """
        if isinstance(piece, Composition):
            piece = self._encoded(piece, bars)
        if piece.brief.style != self.brief.style:
            raise RlcomposeError(
                f"the piece is in style {piece.brief.style.name!r}, the agent in {self.brief.style.name!r}"
            )
        _check_seed(seed)
        passage = gap_in(piece, *bars)
        # Take 0 is the one by which an agent composes the piece at first: it would come to the same bars again.
        first = 1 + seed * _checked(best_of)
        takes = [(first + take) % _MAX_TAKE for take in range(best_of)]
        return self._best(piece.brief, piece.seed, takes, passage)

    def _best(self, brief: Brief, seed: int, takes: Sequence[int], passage: Passage) -> Piece:
        best: Played | None = None
        highest = -math.inf
        for at in range(0, len(takes), _AT_ONCE):
            some = takes[at : at + _AT_ONCE]
            candidates = play(self.agent, brief, self.terms, [seed] * len(some), takes=some, passage=passage)
            values: Sequence[float] = [played.total for played in candidates]
            if self.log_odds is not None and len(takes) > 1:
                odds = self.log_odds([decode(brief, played.seed, played.actions) for played in candidates])
                # The highest of logarithms of odds with Gumbel noise is a lot by these odds. (Gumbel 1954.)
                luck = (np.random.default_rng([seed, take]).random() for take in some)
                values = [each - math.log(-math.log(one)) for each, one in zip(odds, luck, strict=True)]
            for played, value in zip(candidates, values, strict=True):
                if best is None or value > highest:
                    best, highest = played, value
        assert best is not None
        return Piece(brief, best.seed, best.actions, self.terms, self.agent.name)

    def _encoded(self, music: Composition, bars: tuple[int, int]) -> Piece:
        encoding = encode(music, self.brief.style)
        first, last = ((bar - 1) * music.meter.bar_ticks for bar in (bars[0], bars[1] + 1))
        lost = [note for note in encoding.dropped if not first <= note.onset < last]
        if lost:
            raise RlcomposeError(
                f"{_listed(lost, music.meter)} of {music.title or 'the piece'!r} cannot be played in style "
                f"{self.brief.style.name!r}, and would not stay as it is"
            )
        return Piece(encoding.brief, 0, encoding.actions, self.terms, self.agent.name)


def naturalness(style: Style, against: str) -> Callable[[Sequence[Composition]], Sequence[float]] | None:
    """How natural pieces of a style are, for `Composer.log_odds`; None where nothing has learned it.

    `against` says whose music is to be told from real music: the prior's or the agent's of the package.
    """
    from rlcompose.learned.naturalness import has_naturalness, log_odds_of, natural_scores

    if not has_naturalness(style.family, against):
        return None

    def log_odds(pieces: Sequence[Composition]) -> list[float]:
        scores = natural_scores(style.family, pieces, against)
        found: list[float] = log_odds_of(scores, pieces).tolist()
        return found

    return log_odds


def read_motif(path: Path | str, style: Style) -> Composition:
    """The music in a file, for a piece to go on from: a piece's .json, or ABC, MusicXML, MIDI or kern.

    Of a file with several tunes the first is taken. MIDI is read as swung where a beat looks it; the melody is
    the track of that name, else the first, and of notes that sound together the highest. Raises `RlcomposeError` with
    the reason where there is nothing to be used.
    """
    if not Path(path).is_file():
        raise missing_file("motif", path)
    if str(path).endswith(".json"):
        return read_music(path)
    report = Report()
    # The metre is the motif's; of two ways to read it (2/2 is 4/4, too) the style's own comes first.
    piece = next(read_pieces(replace(style, meters=(*style.meters, *METERS)), path, report=report), None)
    if piece is None:
        raise RlcomposeError(f"{path} cannot begin a piece: {report.skipped[0].reason}")
    return piece.composition


def opening(brief: Brief, motif: Composition) -> tuple[Brief, tuple[int, ...]]:
    """The brief of a piece that begins with a motif, and the actions that play the motif.

    Metre, tempo, key and register are the motif's where the brief does not pin them. A pinned key, or that of a
    pinned chart, says in which key the motif is, which stays at its pitches; where the style has not its mode, it
    is read in the key of the same signature. The range holds the motif. Rests after its last note are no part of
    it. Notes that the style cannot play are left out, and a warning names them. The chart is the brief's, not the
    motif's.
    """
    options = brief.options
    key = _key_of(brief, motif)
    meter = Meter.parse(options.meter) if isinstance(options.meter, str) else options.meter or motif.meter
    bars = -(-motif.total_ticks // meter.bar_ticks)
    # In a bar more than it has: its last note would else be as long as it is only where the piece ends and cuts it.
    room = replace(motif, key=key, meter=meter, bars=min(bars + 1, MAX_BARS), chords=(), sections=(), pickup=0)
    encoding = encode(room, brief.style, options.register)
    if encoding.dropped:
        lost = _listed(encoding.dropped, meter)
        _log.warning("%s of the beginning cannot be played in style %r: left out", lost, brief.style.name)
    actions = _without_last_rests(encoding)
    if not actions:
        raise RlcomposeError("the beginning has no note that the style can play: give it at least one")
    own, given = encoding.brief.range, brief.range
    chosen = replace(
        options,
        key=key,
        meter=meter,
        tempo=options.tempo or motif.tempo,
        register=encoding.brief.register[0],
        range=(min(own[0], given[0]), max(own[1], given[1])),
    )
    longer = make_brief(brief.style, chosen)
    played = sum(event_of(brief.style, action)[1] for action in actions)
    if bars > longer.bars or played >= longer.bars * meter.bar_ticks:
        raise RlcomposeError(f"the beginning fills {bars} bars and the piece has {longer.bars}: pin more with bars")
    return longer, actions


def _key_of(brief: Brief, motif: Composition) -> Key:
    """The pinned key, else the chart's, else the motif's, or one of its signature where the style has not its mode.

    Where it is neither pinned nor the motif's own, a warning says so.
    """
    options = brief.options
    if options.key is not None:
        return Key.parse(options.key) if isinstance(options.key, str) else options.key
    if options.chords is not None:
        [(mode, [tonic])] = brief.keys.items()
        key = Key(tonic, mode)
    elif motif.key.mode in brief.keys:
        return motif.key
    else:
        key = next(k for mode in brief.keys for k in (Key(t, mode) for t in range(12)) if k.fifths == motif.key.fifths)
    if key != motif.key:
        _log.warning("the beginning is read in %s, where the chart is, and not in %s", key.name, motif.key.name)
    return key


def _without_last_rests(encoding: Encoding) -> tuple[int, ...]:
    actions = list(encoding.actions)
    while actions and event_of(encoding.brief.style, actions[-1])[0] is None:
        actions.pop()
    return tuple(actions)


def _listed(notes: Sequence[Note], meter: Meter) -> str:
    """A few of the notes with their places: "2 notes (C7 in bar 1, D7 in bar 2)"."""
    named = [f"{pitch_name(note.pitch)} in bar {note.onset // meter.bar_ticks + 1}" for note in notes[:_NAMED]]
    more = ", …" if len(notes) > _NAMED else ""
    return f"{len(notes)} note{'s' * (len(notes) > 1)} ({', '.join(named)}{more})"


def _check_seed(seed: int) -> None:
    whole_number("seed", seed, 0, MAX_SEED)


def _checked(best_of: int) -> int:
    if best_of < 1:
        raise RlcomposeError(f"the best of {best_of} pieces is none: allowed are 1 and more")
    return best_of
