"""Chord changes as a style's real music has them: charts drawn from a chain that has learned from real ones.

A style's file has a handful of progressions, and what is learned over these alone is learned for these alone: over
those of chorales, two chords a bar, the prior that knows a chord for nearly every beat hardly plays chorales. So what
begins as a prior learns over charts that are drawn here, as many and as different as real ones. A chain of the second
order says what each beat brings, given its place in the bar, the chord before it and the one before that; metres, modes
and forms (AABA, a single long section) come as often as in the corpus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from rlcompose.brief import Brief, ChartChoice
from rlcompose.errors import RlcomposeError
from rlcompose.learned.models import load_arrays, save_arrays
from rlcompose.score import Composition
from rlcompose.style import Style
from rlcompose.theory.chord import QUALITIES, Chord
from rlcompose.theory.form import SectionPattern
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import Progression, bar_of_changes

CHARTS = 48  # that a training draws its pieces from
SHIPPED = Path(__file__).resolve().parents[1] / "weights" / "chains"
FEWEST_PIECES = 4  # of a metre and mode that are kept
MOST_CHORDS = 255  # that are told apart; the seldom ones beyond them are taken for no change
MOST_FORMS = 12  # of a metre and mode, the commonest
LONGEST_FORM = 48  # bars; of a longer piece the sections that end before are taken
SURE = 3  # so often a chord and the one before it must have been heard at a beat, or the chord alone decides
COLUMNS = ("kind", "beat", "earlier", "chord", "next", "count")
MOST_COUNTED = 255

Sections: TypeAlias = tuple[tuple[str, int], ...]  # letters and bars
Rows: TypeAlias = NDArray[np.uint8]
_Drawn = TypeVar("_Drawn")


@dataclass(frozen=True, slots=True)
class Kind:
    """A metre and mode: how many pieces are in it, how often they begin with each chord, their commonest forms."""

    meter: Meter
    mode: str
    pieces: int
    starts: Mapping[int, int]
    forms: Mapping[Sections, int]


@dataclass(frozen=True, eq=False)
class ChordChain:
    """The chain of a style.

    chords  root above the tonic and quality of each chord
    rows    uint8 (rows, 6): `COLUMNS`; a chord that goes on is its own next one
    """

    chords: tuple[tuple[int, int], ...]
    kinds: tuple[Kind, ...]
    rows: Rows

    @cached_property
    def _following(self) -> dict[tuple[int, ...], Counter[int]]:
        """What follows, by kind, beat, chord and the chord before it; and by kind, beat and chord."""
        found: dict[tuple[int, ...], Counter[int]] = {}
        for kind, beat, earlier, chord, following, count in self.rows.tolist():
            for key in ((kind, beat, chord, earlier), (kind, beat, chord)):
                found.setdefault(key, Counter())[following] += count
        return found

    def draw(self, kind: Kind, seed: Sequence[int]) -> Progression:
        """A chart on C, always the same for a seed. Sections of one letter and length are alike."""
        draw = np.random.default_rng(seed)
        sections = _by_lot(kind.forms, draw)
        earlier = chord = _by_lot(kind.starts, draw)
        written: dict[tuple[str, int], SectionPattern] = {}
        which = self.kinds.index(kind)
        for section in sections:
            if section in written:
                continue
            bars = []
            for bar in range(section[1]):
                changes: list[tuple[int, Chord]] = []
                for beat in range(kind.meter.num_beats):
                    is_first = not (written or bar or beat)
                    following = chord if is_first else self._next(which, beat, chord, earlier, draw)
                    if following != chord:
                        earlier, chord = chord, following
                    elif beat:
                        continue
                    changes.append((beat * kind.meter.beat_ticks, Chord(*self.chords[chord])))
                bars.append(bar_of_changes(changes, kind.meter))
            written[section] = SectionPattern(section[0], tuple(bars))
        name = "_".join(("drawn", *map(str, seed)))
        return Progression(name, kind.mode, tuple(written[section] for section in sections), title="a drawn chart")

    def _next(self, kind: int, beat: int, chord: int, earlier: int, draw: np.random.Generator) -> int:
        known = self._following.get((kind, beat, chord, earlier), Counter())
        if known.total() < SURE:
            known = self._following.get((kind, beat, chord), Counter({chord: 1}))
        return _by_lot(known, draw)


def _by_lot(counts: Mapping[_Drawn, int], draw: np.random.Generator) -> _Drawn:
    sums = np.cumsum(list(counts.values()))
    return list(counts)[int(np.searchsorted(sums, draw.random() * sums[-1], side="right"))]


def fit_chain(style: Style, pieces: Iterable[Composition]) -> ChordChain:
    """Learn the chain of a style's pieces in its own metres and modes.

    Raises:
        RlcomposeError: No metre and mode of the style has enough pieces.
    """
    sorted_pieces: dict[tuple[str, str], list[Composition]] = {}
    for piece in pieces:
        if piece.meter in style.meters and piece.key.mode in style.keys:
            sorted_pieces.setdefault((piece.meter.name, piece.key.mode), []).append(piece)
    kept = {name: group for name, group in sorted(sorted_pieces.items()) if len(group) >= FEWEST_PIECES}
    if not kept:
        raise RlcomposeError(f"no metre and mode of style {style.name!r} has {FEWEST_PIECES} pieces with chords")
    told: Counter[tuple[int, int]] = Counter()
    for group in kept.values():
        for piece in group:
            told.update(each for each in _heard(piece) if each is not None)
    chords = tuple(sorted(chord for chord, _ in told.most_common(MOST_CHORDS)))
    number = {chord: at for at, chord in enumerate(chords)}
    kinds = []
    counts: Counter[tuple[int, ...]] = Counter()
    for which, ((meter, mode), group) in enumerate(kept.items()):
        starts: Counter[int] = Counter()
        forms: Counter[Sections] = Counter()
        beats = Meter.parse(meter).num_beats
        for piece in group:
            forms[_form(piece)] += 1
            earlier = chord = None
            for at, heard in enumerate(_heard(piece)):
                following = chord if heard is None else number.get(heard, chord)
                if chord is None or following is None:
                    earlier = chord = following
                    if chord is not None:
                        starts[chord] += 1
                    continue
                assert earlier is not None
                counts[which, at % beats, earlier, chord, following] += 1
                if following != chord:
                    earlier, chord = chord, following
        commonest = dict(forms.most_common(MOST_FORMS))
        kinds.append(Kind(Meter.parse(meter), mode, len(group), dict(sorted(starts.items())), commonest))
    most: Counter[tuple[int, ...]] = Counter()
    for key, count in counts.items():
        most[key[:-1]] = max(most[key[:-1]], count)
    rows = [
        (*key, max(1, round(count * MOST_COUNTED / max(most[key[:-1]], MOST_COUNTED))))
        for key, count in sorted(counts.items())
        if count > 1
    ]
    return ChordChain(chords, tuple(kinds), np.array(rows, np.uint8).reshape(-1, len(COLUMNS)))


def _heard(piece: Composition) -> list[tuple[int, int] | None]:
    """The chord of each beat, root above the tonic and quality; None for no chord."""
    beat_ticks = piece.meter.beat_ticks
    heard: list[tuple[int, int] | None] = [None] * (piece.bars * piece.meter.num_beats)
    for span in piece.chords:
        if not span.chord.is_silent:
            about = (span.chord.root - piece.key.tonic) % 12, span.chord.quality
            for beat in range(-(-span.onset // beat_ticks), -(-span.end // beat_ticks)):
                if beat < len(heard):
                    heard[beat] = about
    return heard


def _form(piece: Composition) -> Sections:
    """The sections that end early enough; of a piece without any, or with a long first one, a single section."""
    sections = tuple((part.label, part.bars) for part in piece.sections if part.bar + part.bars <= LONGEST_FORM)
    return sections or (("A", min(piece.bars, LONGEST_FORM)),)


def save_chain(folder: Path, style: Style, chain: ChordChain, config: Mapping[str, Any]) -> None:
    """Write a chain's folder."""
    kinds = [
        {
            "meter": kind.meter.name,
            "mode": kind.mode,
            "pieces": kind.pieces,
            "starts": list(kind.starts.items()),
            "forms": list(kind.forms.items()),
        }
        for kind in chain.kinds
    ]
    told = {"kind": "chain", "style": style.name, "chords": chain.chords, "kinds": kinds, **config}
    save_arrays(folder, told, {"rows": chain.rows})


def load_chain(folder: Path) -> ChordChain:
    """The chain in a folder.

    Raises:
        RlcomposeError: It cannot be read, or is damaged.
    """
    config, arrays = load_arrays(folder, "chain")
    try:
        chords = tuple((int(root), int(quality)) for root, quality in config["chords"])
        kinds = tuple(
            Kind(
                Meter.parse(each["meter"]),
                each["mode"],
                int(each["pieces"]),
                {int(chord): int(count) for chord, count in each["starts"]},
                {tuple((str(a), int(b)) for a, b in sections): int(count) for sections, count in each["forms"]},
            )
            for each in config["kinds"]
        )
        rows = np.ascontiguousarray(arrays["rows"], np.uint8).reshape(-1, len(COLUMNS))
    except (KeyError, TypeError, ValueError) as error:
        raise RlcomposeError(f"the chord changes in {folder} are damaged: {error}") from None
    numbers = {*rows[:, 2:5].ravel().tolist(), *(chord for kind in kinds for chord in kind.starts)}
    if max(numbers, default=0) >= len(chords) or any(quality >= len(QUALITIES) for _, quality in chords):
        raise RlcomposeError(f"the chord changes in {folder} are damaged: they name chords that are not there")
    return ChordChain(chords, kinds, rows)


@cache
def _shipped(style: str) -> ChordChain | None:
    return load_chain(SHIPPED / style) if (SHIPPED / style / "config.json").is_file() else None


def with_drawn_charts(brief: Brief, seed: int, number: int = CHARTS) -> Brief:
    """A brief whose pieces are over drawn charts; the brief itself where a chart, form or second voice is asked for.

    So it is, too, where the package has no chain of the style, or none in its metres and modes.
    """
    options = brief.options
    is_asked_for = any(each is not None for each in (options.progression, options.chords, options.form))
    chain = _shipped(brief.style.family)
    if is_asked_for or chain is None or brief.second_voice is not None:
        return brief
    meters = {choice.meter for choice in brief.charts}
    weights = {at: k.pieces for at, k in enumerate(chain.kinds) if k.meter in meters and k.mode in brief.keys}
    if not weights:
        return brief
    draw = np.random.default_rng([seed, 0])
    chosen = [chain.kinds[_by_lot(weights, draw)] for _ in range(number)]
    charts = tuple(ChartChoice(chain.draw(kind, (seed, at)), kind.meter, 1) for at, kind in enumerate(chosen, 1))
    return replace(brief, charts=charts)
