"""Chord progressions: the shipped ones, the reader of charts, and what a chart says of its beats and its key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from rlcompose.errors import RlcomposeError, unknown
from rlcompose.theory.chord import QUALITY_IDS, Chord, parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

Bar = tuple[Chord, ...]

DEFAULT_PHRASE_BARS = 4


@dataclass(frozen=True, slots=True)
class SectionPattern:
    """A part of the form: its letter, and the chords of each of its bars."""

    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Progression:
    """The chords of a whole chorus, section by section; shipped ones are written on C (`mode` says on which scale)."""

    name: str
    mode: str
    form: tuple[SectionPattern, ...]
    phrase_bars: int = DEFAULT_PHRASE_BARS
    title: str = ""

    @property
    def bars(self) -> tuple[Bar, ...]:
        """The chords of every bar of the chorus."""
        return tuple(bar for section in self.form for bar in section.bars)

    @property
    def num_bars(self) -> int:
        """How many bars a chorus has."""
        return sum(len(section.bars) for section in self.form)

    @property
    def chart(self) -> str:
        """The progression as text that `parse_chart` reads: one section a line, repeated bars written out."""
        return "\n".join(f"[{section.label}] " + " | ".join(map(bar_symbols, section.bars)) for section in self.form)

    def transposed(self, semitones: int) -> Progression:
        """The progression that many semitones higher."""
        form = tuple(
            replace(section, bars=tuple(tuple(chord.transposed(semitones) for chord in bar) for bar in section.bars))
            for section in self.form
        )
        return replace(self, form=form)


def bar_symbols(bar: Bar) -> str:
    """The chords of a bar as they are written: "Dm7 G7"."""
    return " ".join(chord.symbol for chord in bar)


@cache
def _shipped() -> dict[str, Any]:
    source = resources.files("rlcompose.theory").joinpath("progressions.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


def progression_names() -> tuple[str, ...]:
    """The names of the shipped progressions."""
    return tuple(_shipped())


@cache
def load_progression(name: str) -> Progression:
    """The shipped progression with this name, on C."""
    entry = _shipped().get(name)
    if entry is None:
        raise unknown("progression", name, progression_names())
    sections = {label: _parse_bars(text, name) for label, text in entry["sections"].items()}
    form = tuple(SectionPattern(label, sections[label][0].bars) for label in entry["form"])
    return Progression(name, entry["mode"], form, entry["phrase_bars"], entry["title"])


_MARK = re.compile(r"\s*(?:\[\s*([^\]\s][^\]]*?)\s*\]|([A-Za-z]\w*)\s*:)\s*")


def parse_chart(text: str, name: str = "chart") -> Progression:
    """The progression of a chart as musicians type it; its `mode` is that of `guess_key`.

    Bars stand between `|`, `||` or line ends; chords in one bar share it; `%` repeats the bar before; `[A]` or `A:`
    at the beginning of a bar starts a section. Bars are counted from 1 in messages.

    >>> parse_chart("Dm7 G7 | C^7 | %").num_bars
    3
    """
    form = _parse_bars(text, name)
    progression = Progression(name, "major", form, DEFAULT_PHRASE_BARS, name)
    return replace(progression, mode=guess_key(progression).mode)


def _parse_bars(text: str, name: str) -> tuple[SectionPattern, ...]:
    """The sections of a chart; what stands before the first mark belongs to section A."""
    sections: list[tuple[str, list[Bar]]] = []
    previous: Bar | None = None
    number = 0
    for label, bar_text in _marked_bars(text):
        if label is not None:
            sections.append((label, []))
        if bar_text is None:
            continue
        number += 1
        previous = _parse_bar(bar_text, previous, f"bar {number} of {name!r}")
        if not sections:
            sections.append(("A", []))
        sections[-1][1].append(previous)
    if not sections:
        raise RlcomposeError(f"{name!r} has no bars: write chords with | between the bars, for example 'Dm7 G7 | C'")
    for label, bars in sections:
        if not bars:
            raise RlcomposeError(f"section [{label}] of {name!r} has no bars: write its chords after the mark")
    return tuple(SectionPattern(label, tuple(bars)) for label, bars in sections)


def _marked_bars(text: str) -> Iterator[tuple[str | None, str | None]]:
    """Each bar's text with the section mark before it, if any; a mark that stands alone comes without a bar."""
    for line in text.splitlines():
        inner = line.strip()
        if not inner.strip("|"):
            continue  # nothing, or bar lines only
        for bar_text in re.split(r"\|+", re.sub(r"^\|+|\|+$", "", inner)):
            found = _MARK.match(bar_text)
            label = (found[1] or found[2]) if found else None
            rest = bar_text[found.end() :] if found else bar_text
            yield label, (None if found and not rest.strip() else rest.strip())


def _parse_bar(text: str, previous: Bar | None, place: str) -> Bar:
    if not text:
        raise RlcomposeError(f"{place} is empty: write a chord, % to repeat the bar before, or N.C. for no chord")
    if text == "%":
        if previous is None:
            raise RlcomposeError(f"{place} is '%', but there is no bar before it to repeat: write its chords")
        return previous
    try:
        return tuple(parse_chord(symbol) for symbol in text.split())
    except RlcomposeError as error:
        raise RlcomposeError(f"{place}: {error}") from None


def bar_chords(bar: Bar, meter: Meter) -> tuple[tuple[int, int, Chord], ...]:
    """Onset and length in ticks of each chord of a bar, whose chords share its beats.

    Where the beats do not divide evenly, the earlier chords last a beat longer. More chords than beats share the ticks.

    >>> [(onset, ticks) for onset, ticks, _ in bar_chords(parse_chart("Dm7 G7 C").bars[0], Meter(4, 4))]
    [(0, 24), (24, 12), (36, 12)]
    """
    num_chords = len(bar)
    if num_chords == 0:
        raise RlcomposeError("a bar without chords has no lengths: write N.C. for no chord")
    if num_chords <= meter.num_beats:
        beats, extra = divmod(meter.num_beats, num_chords)
        lengths = [(beats + (place < extra)) * meter.beat_ticks for place in range(num_chords)]
    elif meter.bar_ticks % num_chords == 0:
        lengths = [meter.bar_ticks // num_chords] * num_chords
    else:
        problem = f"has {num_chords} chords, which do not share its {meter.bar_ticks} ticks evenly"
        allowed = f"allowed are up to {meter.num_beats}, and numbers that divide {meter.bar_ticks}"
        raise RlcomposeError(f"the bar {bar_symbols(bar)!r} in {meter.name} {problem}: {allowed}")
    return tuple((sum(lengths[:place]), lengths[place], chord) for place, chord in enumerate(bar))


# How much each sign of a key counts beside the share of diatonic chord tones, which is at most 1. Chosen so that the
# shipped progressions and the charts in the tests are heard in their keys; nothing depends on the exact values.
_FIRST_IS_TONIC = 0.1
_LAST_IS_TONIC = 0.15
_CADENCE = 0.2  # all dominants of the chart resolve to the tonic
_RAISED_SEVENTH = 0.75  # the leading note of minor is diatonic, but less so than the natural seventh

_DOMINANTS = frozenset(QUALITY_IDS[name] for name in ("7", "7b9", "7#9", "7alt", "7#11", "7#5", "7b5"))


def guess_key(progression: Progression) -> Key:
    """The major or minor key that explains the chords best.

    A key scores the share of chord tones that lie in its scale (in minor with the leading note), weighted by how long
    they sound, and more if the first or the last chord is its tonic and if dominants resolve to that. A chart of
    nothing but N.C. is heard in C major.
    """
    spans = [(chord, 1 / len(bar)) for bar in progression.bars for chord in bar if not chord.is_silent]
    keys = [Key(tonic, mode) for mode in ("major", "minor") for tonic in range(12)]
    return max(keys, key=lambda key: _key_score(key, spans)) if spans else Key(0, "major")


def _key_score(key: Key, spans: list[tuple[Chord, float]]) -> float:
    weights = {(key.tonic + step) % 12: 1.0 for step in key.scale}
    if key.mode == "minor":
        weights[(key.tonic + 11) % 12] = _RAISED_SEVENTH
    chords = [chord for chord, _ in spans]
    fit = sum(bars * sum(weights.get(tone, 0.0) for tone in chord.tones) / len(chord.tones) for chord, bars in spans)
    score = fit / sum(bars for _, bars in spans)
    score += _FIRST_IS_TONIC * _is_tonic(chords[0], key)
    # A last bar that leads back to the beginning is a turnaround: the chord it leads to is the one to count.
    turns_round = _leads_to(chords[-1], chords[0])
    score += _LAST_IS_TONIC * _is_tonic(chords[0] if turns_round else chords[-1], key)
    followers = zip(chords, chords[1:] + chords[:1], strict=True)
    goals = [goal for chord, goal in followers if _leads_to(chord, goal)]
    if goals:
        score += _CADENCE * sum(_is_tonic(goal, key) for goal in goals) / len(goals)
    return score


def _is_tonic(chord: Chord, key: Key) -> bool:
    has_minor_third = (chord.root + 3) % 12 in chord.tones
    return chord.root == key.tonic and has_minor_third == (key.mode == "minor")


def _leads_to(chord: Chord, goal: Chord) -> bool:
    """Whether the chord is a dominant and the goal lies a fifth below."""
    return chord.quality in _DOMINANTS and (chord.root - goal.root) % 12 == 7
