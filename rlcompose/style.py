"""What a style is: a validated description of the music to compose, read from one TOML file."""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from rlcompose.engine.layout import MAX_BARS, MAX_DURATIONS, MAX_EVENT_TICKS
from rlcompose.errors import RlcomposeError, faulty, unknown
from rlcompose.files import read_toml
from rlcompose.reward import Weight, checked_weight, plain_weight, term_name
from rlcompose.theory.key import MODES, SCALES
from rlcompose.theory.meter import Meter
from rlcompose.theory.pitch import parse_pitch_class, pitch_class_name
from rlcompose.theory.progression import as_shipped, load_progression, progression_names

PARTS = ("melody", "chords", "bass")
VARIANTS_FILE = "variants.toml"

_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True)
class Style:
    """What an environment draws its pieces from, and what the agent may play in it.

    `family` is the name of the style that this one was derived from, its own name for one that was not: what is trained
    for a family serves all its variants. `keys` are the tonics (pitch classes) for each mode, `scales` the semitones
    above the tonic that belong to each of `MODES`, `register` and `range` MIDI pitches with both ends included,
    `durations` named lengths in ticks in ascending order, `widest_leap` semitones (0 for any), `instruments` General
    MIDI programs from 0. The annotated files in `rlcompose/styles/` say more of each.
    """

    name: str
    family: str
    description: str
    meters: tuple[Meter, ...]
    tempo: tuple[int, int]  # quarter notes a minute
    keys: Mapping[str, tuple[int, ...]]
    scales: Mapping[str, tuple[int, ...]]
    register: tuple[int, int]  # where the lowest tonic may lie
    range: tuple[int, int]  # what the instrument plays
    durations: tuple[tuple[str, int], ...]
    swing: bool
    bars: int
    widest_leap: int
    pulse: int  # ticks of the notes that running lines are made of
    progressions: Mapping[str, int]
    instruments: Mapping[str, int]
    rewards: Mapping[str, Weight]

    def to_dict(self) -> dict[str, Any]:
        """The style as plain values, as they stand in its file; `style_from_dict` makes an equal style of it."""
        base = {"base": self.family} if self.family != self.name else {}
        return base | {
            "name": self.name,
            "description": self.description,
            "meters": [meter.name for meter in self.meters],
            "tempo": list(self.tempo),
            "keys": {mode: [pitch_class_name(tonic) for tonic in tonics] for mode, tonics in self.keys.items()},
            "scales": {mode: list(scale) for mode, scale in self.scales.items()},
            "register": list(self.register),
            "range": list(self.range),
            "durations": dict(self.durations),
            "swing": self.swing,
            "bars": self.bars,
            "widest_leap": self.widest_leap,
            "pulse": self.pulse,
            "progressions": dict(self.progressions),
            "instruments": dict(self.instruments),
            "rewards": {name: plain_weight(weight) for name, weight in self.rewards.items()},
        }

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change with any value of the style and with the chords of its progressions."""
        charts = {name: load_progression(name).chart for name in self.progressions}
        text = json.dumps({"style": self.to_dict(), "charts": charts}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class ListedStyle(NamedTuple):
    """A name that `load_style` takes: the style it is derived from (itself if none), and what it is."""

    name: str
    family: str
    description: str


def style_names() -> tuple[str, ...]:
    """The names of the shipped styles, in alphabetical order."""
    return tuple(name for name, values in _shipped().items() if "base" not in values)


def variant_names() -> tuple[str, ...]:
    """The names of the shipped variants, in the order of their file: styles derived from one of `style_names`."""
    return tuple(name for name, values in _shipped().items() if "base" in values)


def list_styles() -> tuple[ListedStyle, ...]:
    """Every shipped style, each followed by its variants."""
    styles = [load_style(name) for name in _shipped()]
    families = [load_style(name) for name in style_names()]
    members = (style for family in families for style in (family, *(s for s in styles if s.family == family.name)))
    return tuple(dict.fromkeys(ListedStyle(style.name, style.family, style.description) for style in members))


def load_style(name_or_path: str | Path) -> Style:
    """The shipped style or variant of this name, or the style in the file of this path, which ends in `.toml`.

    Upper and lower case are the same in names, and so are `_`, `-` and a space. All faults of a file are told together,
    one a line.

    >>> load_style("Slip jig").meters[0].name
    '9/8'
    """
    if str(name_or_path).endswith(".toml"):
        return _load_file(Path(name_or_path))
    return _load_shipped(_shipped_name(str(name_or_path)))


def _shipped_name(name: str) -> str:
    """The shipped name that is meant; any other is an error with the nearest one."""
    meant = as_shipped(name)
    if meant not in _shipped():
        raise unknown("style", name, _shipped())
    return meant


@cache
def _shipped() -> dict[str, dict[str, Any]]:
    """The values of all shipped styles by name, a file each, and of the variants, which share one file."""
    styles, variants = {}, {}
    for entry in sorted(resources.files("rlcompose.styles").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            values = tomllib.loads(entry.read_text(encoding="utf-8"))
            if entry.name == VARIANTS_FILE:
                variants = {name: {"name": name, **changes} for name, changes in values.items()}
            else:
                styles[entry.name.removesuffix(".toml")] = values
    return styles | variants


@cache
def _load_shipped(name: str) -> Style:
    return style_from_dict(_shipped()[name], f"style {name!r}")


def _load_file(path: Path) -> Style:
    return style_from_dict(read_toml("style file", path), str(path))


def style_from_dict(data: Mapping[str, Any], source: str = "style") -> Style:
    """The style that these plain values describe; `source` names them in the error that tells all their faults.

    With a `base`, the name of a shipped style or variant, keys that are left out are taken from that; a table that is
    given replaces the base's whole table.
    """
    reader = _Reader(data)
    base = reader.base("base")
    name = reader.text("name", without="/\\")  # it becomes part of the names of folders and files
    style = Style(
        name=name,
        family=base.family if base else name,
        description=reader.text("description"),
        meters=reader.meters("meters"),
        tempo=reader.span("tempo", 20, 400, "quarter notes a minute"),
        keys=reader.keys("keys"),
        scales=reader.scales("scales"),
        register=reader.span("register", 0, 127, "MIDI pitches"),
        range=reader.span("range", 0, 127, "MIDI pitches"),
        durations=reader.durations("durations"),
        swing=reader.truth("swing"),
        bars=reader.whole("bars", 1, MAX_BARS),
        widest_leap=reader.whole("widest_leap", 0, 127),
        pulse=reader.whole("pulse", 1, MAX_EVENT_TICKS),
        progressions=reader.weights("progressions"),
        instruments=reader.programs("instruments"),
        rewards=reader.rewards("rewards"),
    )
    reader.refuse_others()
    if not reader.faults:  # these rules need two sound values
        reader.check_together(style)
    if reader.faults:
        raise faulty(source, reader.faults)
    return style


class _Reader:
    """Reads the values of one style and collects every fault on the way, with a harmless value in its place."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)
        self.faults: list[str] = []
        self.known: list[str] = []
        self.has_unknown_base = False

    def refuse(self, key: str, value: object, allowed: str) -> None:
        self.faults.append(f"{key} = {value!r}: allowed is {allowed}")

    def refuse_name(self, kind: str, name: str, allowed: Iterable[str]) -> None:
        names = sorted(allowed)
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        self.faults.append(f"unknown {kind} {name!r}: {hint}allowed are {', '.join(names)}")

    def refuse_others(self) -> None:
        for key in self.data:
            if key not in self.known:
                self.refuse_name("key", key, self.known)

    def base(self, key: str) -> Style | None:
        """The style whose values stand where none is given."""
        self.known.append(key)
        if key not in self.data:
            return None
        try:
            base = load_style(_shipped_name(str(self.data[key])))
        except RlcomposeError as error:
            self.faults.append(f"{key}: {error}")
            self.has_unknown_base = True
            return None
        self.data = base.to_dict() | self.data
        return base

    def value(self, key: str, is_allowed: Callable[[Any], bool], allowed: str) -> Any:
        """The value of a key, or None after noting that it is missing or not allowed."""
        self.known.append(key)
        if key not in self.data:
            if not self.has_unknown_base:  # else nobody knows what is missing
                self.faults.append(f"{key} is missing: allowed is {allowed}")
            return None
        value = self.data[key]
        if not is_allowed(value):
            self.refuse(key, value, allowed)
            return None
        return value

    def text(self, key: str, without: str = "") -> str:
        def is_allowed(value: Any) -> bool:
            return isinstance(value, str) and bool(value.strip()) and not set(value) & set(without)

        allowed = f"a text without {' and '.join(without)}" if without else "a text"
        return str(self.value(key, is_allowed, allowed))

    def truth(self, key: str) -> bool:
        return bool(self.value(key, lambda value: isinstance(value, bool), "true or false"))

    def whole(self, key: str, lowest: int, highest: int) -> int:
        allowed = f"a whole number from {lowest} to {highest}"
        return self.value(key, lambda value: _is_whole(value, lowest, highest), allowed) or 0

    def span(self, key: str, lowest: int, highest: int, unit: str) -> tuple[int, int]:
        def is_allowed(value: Any) -> bool:
            is_pair = isinstance(value, list) and len(value) == 2
            return is_pair and all(_is_whole(end, lowest, highest) for end in value) and value[0] <= value[1]

        allowed = f"[lowest, highest], two whole numbers from {lowest} to {highest} ({unit})"
        first, last = self.value(key, is_allowed, allowed) or (0, 0)
        return first, last

    def table(self, key: str, allowed: str) -> dict[str, Any]:
        return self.value(key, lambda value: isinstance(value, dict) and bool(value), f"a table of {allowed}") or {}

    def meters(self, key: str) -> tuple[Meter, ...]:
        names = self.value(key, lambda value: isinstance(value, list) and bool(value), 'a list such as ["4/4", "6/8"]')
        return tuple(self.each(key, names or [], Meter.parse))

    def keys(self, key: str) -> dict[str, tuple[int, ...]]:
        modes = self.table(key, 'tonics for each mode, such as major = ["C", "F"]')
        keys = {}
        for mode, names in modes.items():
            if mode not in MODES:
                self.refuse_name(f"mode in {key}", mode, MODES)
            elif not isinstance(names, list) or not names:
                self.refuse(f"{key}.{mode}", names, 'a list of tonics, such as ["C", "F"]')
            else:
                keys[mode] = tuple(self.each(f"{key}.{mode}", names, parse_pitch_class))
        return keys

    def scales(self, key: str) -> dict[str, tuple[int, ...]]:
        """Semitones above the tonic for every mode; what is left out is the mode's own seven notes."""
        scales: dict[str, tuple[int, ...]] = dict(SCALES)
        self.data.setdefault(key, {mode: list(steps) for mode, steps in SCALES.items()})
        given = self.table(key, "scales for some modes, such as major = [0, 2, 4, 7, 9]")
        for mode, steps in given.items():
            if mode not in MODES:
                self.refuse_name(f"mode in {key}", mode, MODES)
            elif not _is_scale(steps):
                allowed = "ascending semitones above the tonic from 0, at most 11, such as [0, 2, 4, 7, 9]"
                self.refuse(f"{key}.{mode}", steps, allowed)
            else:
                scales[mode] = tuple(steps)
        return scales

    def each(self, key: str, values: Iterable[object], parse: Callable[[str], _Parsed]) -> list[_Parsed]:
        """What each value means; faults of the single values are noted."""
        parsed = []
        for value in values:
            try:
                parsed.append(parse(str(value)))
            except RlcomposeError as error:
                self.faults.append(f"{key}: {error}")
        return parsed

    def durations(self, key: str) -> tuple[tuple[str, int], ...]:
        """Named lengths from the shortest to the longest (the order in a TOML table means nothing)."""
        ticks_of: dict[int, str] = {}
        for name, ticks in self.table(key, "lengths in ticks, such as eighth = 6").items():
            if not _is_whole(ticks, 1, MAX_EVENT_TICKS):
                self.refuse(f"{key}.{name}", ticks, f"a whole number of ticks from 1 to {MAX_EVENT_TICKS}")
            elif ticks in ticks_of:
                self.refuse(f"{key}.{name}", ticks, f"a length of its own, {ticks_of[ticks]} has this one")
            else:
                ticks_of[ticks] = name
        if len(ticks_of) > MAX_DURATIONS:
            self.faults.append(f"{key} has {len(ticks_of)} lengths: allowed are at most {MAX_DURATIONS}")
        return tuple((ticks_of[ticks], ticks) for ticks in sorted(ticks_of))

    def weights(self, key: str) -> dict[str, int]:
        weights = self.table(key, "progressions and how often each is drawn, such as blues = 2")
        for name, weight in weights.items():
            if name not in progression_names():
                self.refuse_name(f"progression in {key}", name, progression_names())
            if not _is_whole(weight, 1, 1000):
                self.refuse(f"{key}.{name}", weight, "a whole number from 1 to 1000")
        return dict(weights)

    def programs(self, key: str) -> dict[str, int]:
        programs = self.table(key, f"General MIDI programs for {', '.join(PARTS)}")
        for part, program in programs.items():
            if part not in PARTS:
                self.refuse_name(f"part in {key}", part, PARTS)
            elif not _is_whole(program, 0, 127):
                self.refuse(f"{key}.{part}", program, "a General MIDI program from 0 to 127")
        for part in PARTS:
            if programs and part not in programs:
                self.faults.append(f"{key}.{part} is missing: allowed is a General MIDI program from 0 to 127")
        return dict(programs)

    def rewards(self, key: str) -> dict[str, Weight]:
        """Weights by the name of the term; which terms exist is known only where they are registered."""
        weights: dict[str, Weight] = {}
        for name, weight in self.table(key, "reward terms with their weights, such as motif = 1.0").items():
            try:
                term = term_name(name)
            except RlcomposeError as error:
                self.faults.append(f"{key}: {error}")
                continue
            try:
                weights[term] = checked_weight(term, weight)
            except RlcomposeError:
                self.refuse(f"{key}.{name}", weight, "a finite number, or a schedule such as [[0, 0.0], [0.5, 1.0]]")
        return weights

    def check_together(self, style: Style) -> None:
        lowest, highest = style.range
        if style.register[0] < lowest or style.register[1] > highest:
            self.refuse("register", list(style.register), f"a span within range, {lowest} to {highest}")
        for name in style.progressions:
            mode = load_progression(name).mode
            if mode not in style.keys:
                self.faults.append(f"keys.{mode} is missing: the progression {name!r} is {mode} and needs its tonics")


def _is_whole(value: object, lowest: int, highest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def _is_scale(steps: Any) -> bool:
    is_list = isinstance(steps, list) and all(_is_whole(step, 0, 11) for step in steps)
    return is_list and steps[:1] == [0] and all(low < high for low, high in pairwise(steps))
