"""Chord progressions: the shipped ones and those of charts, and what their bars say of beats and key."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from rlcompose.errors import RlcomposeError, unknown
from rlcompose.theory.chart_text import DEFAULT_PHRASE_BARS, read_chart_text
from rlcompose.theory.chord import QUALITY_IDS, Chord
from rlcompose.theory.form import Bar, SectionPattern
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter


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

    @property
    def labels(self) -> tuple[str, ...]:
        """The letters of the sections, each once."""
        return tuple(dict.fromkeys(section.label for section in self.form))

    def arranged(self, labels: Sequence[str]) -> Progression:
        """The progression with its sections in this order, each of which it must have.

        Where several sections have one letter, its first place in the order is the first of them, and so on; the last
        one stays.
        """
        form = []
        for place, label in enumerate(labels):
            same = [section for section in self.form if section.label == label]
            form.append(same[min(labels[:place].count(label), len(same) - 1)])
        return replace(self, form=tuple(form))


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


def as_shipped(name: str) -> str:
    """A name as what is shipped is named: in small letters, with _ for - and space.

    >>> as_shipped("Minor Blues")
    'minor_blues'
    """
    return "_".join(name.casefold().replace("-", " ").replace("_", " ").split())


@cache
def load_progression(name: str) -> Progression:
    """The shipped progression with this name, on C."""
    entry = _shipped().get(name)
    if entry is None:
        raise unknown("progression", name, progression_names())
    sections = {label: read_chart_text(text, name).sections for label, text in entry["sections"].items()}
    form = tuple(SectionPattern(label, sections[label][0].bars) for label in entry["form"])
    return Progression(name, entry["mode"], form, entry["phrase_bars"], entry["title"])


def parse_chart(text: str, name: str = "chart") -> Progression:
    """The progression of a chart as musicians type it; its `mode` is that of its key, named or guessed.

    Bars stand between `|`, `||` or line ends; chords in one bar share it; `%` repeats the bar before; `[A]` or `A:`
    at the beginning of a bar starts a section; `|: … :|` repeats, `1.` and `2.` begin endings. Bars are counted from 1
    in messages. `rlcompose.charts` reads what stands beside the chords, too.

    >>> parse_chart("Dm7 G7 | C^7 | %").num_bars
    3
    """
    chart = read_chart_text(text, name)
    progression = Progression(name, "major", chart.sections, chart.phrase_bars, chart.title or name)
    return replace(progression, mode=(chart.key or guess_key(progression)).mode)


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


def bar_of_changes(changes: Sequence[tuple[int, Chord]], meter: Meter) -> Bar:
    """The shortest bar whose chords begin at these ticks (ascending, the first 0): the inverse of `bar_chords`.

    >>> c, g7 = parse_chart("C G7").bars[0]
    >>> bar_symbols(bar_of_changes([(0, c), (36, g7)], Meter(4, 4)))
    'C C C G7'
    """
    for num_chords in range(1, meter.bar_ticks + 1):
        shares_evenly = num_chords > meter.num_beats or meter.num_beats % num_chords == 0
        length, odd = divmod(meter.bar_ticks, num_chords)
        if shares_evenly and not odd and all(onset % length == 0 for onset, _ in changes):
            break
    cells = range(0, meter.bar_ticks, length)
    return tuple([chord for onset, chord in changes if onset <= tick][-1] for tick in cells)


# How much each sign of a key counts beside the share of diatonic chord tones, which is at most 1. Chosen so that the
# shipped progressions and the charts in the tests are heard in their keys; nothing depends on the exact values.
_FIRST_IS_TONIC = 0.1
_LAST_IS_TONIC = 0.15
_CADENCE = 0.2  # all dominants of the chart resolve to the tonic
_RAISED_SEVENTH = 0.75  # the leading note of minor is diatonic, but less so than the natural seventh

_DOMINANTS = frozenset(QUALITY_IDS[name] for name in ("7", "7b9", "7#9", "7alt", "7#11", "7#5", "7b5"))


def guess_key(progression: Progression, among: Iterable[Key] | None = None) -> Key:
    """The major or minor key, or the one `among` some, that explains the chords best.

    A key scores the share of chord tones that lie in its scale (in minor with the leading note), weighted by how long
    they sound, and more if the first or the last chord is its tonic and if dominants resolve to that. A chart of
    nothing but N.C. is heard in C major, or in the first of `among`.
    """
    spans = [(chord, 1 / len(bar)) for bar in progression.bars for chord in bar if not chord.is_silent]
    keys = list(among or (Key(tonic, mode) for mode in ("major", "minor") for tonic in range(12)))
    return max(keys, key=lambda key: _key_score(key, spans)) if spans else keys[0]


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
