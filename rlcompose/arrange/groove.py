"""What a groove is: who plays in a style and which patterns, read from one TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from rlcompose.arrange.pattern import parse_pattern
from rlcompose.arrange.players import find_player
from rlcompose.errors import RlcomposeError, faulty, unknown
from rlcompose.files import missing_file, read_toml
from rlcompose.score import Composition
from rlcompose.theory.meter import Meter

GROOVES = "rlcompose.grooves"
PLAIN = "plain"  # the groove for what no other one fits: any metre, any tempo
BAND_PROGRAMS = ("chords", "bass")  # the style's own instruments, by name
TEMPO_LIMITS = (1, 1000)


@dataclass(frozen=True, slots=True)
class Plan:
    """One part of a groove: the player, its General MIDI program (or the style's own one, by name), its settings."""

    name: str
    player: str
    program: int | str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Groove:
    """Who plays, and for which pieces.

    styles  names of styles, variants or families; empty: it is only played where it is named
    meters  empty for any
    tempo   quarter notes a minute, lowest and highest
    swing   whether the piece must swing (True) or must not (False); None for either
    """

    name: str
    description: str
    styles: tuple[str, ...]
    meters: tuple[Meter, ...]
    tempo: tuple[int, int]
    swing: bool | None
    parts: tuple[Plan, ...]

    def plays(self, composition: Composition) -> bool:
        """Whether the groove fits the metre, the tempo and the swing of a piece."""
        return (
            (not self.meters or composition.meter in self.meters)
            and self.tempo[0] <= composition.tempo <= self.tempo[1]
            and (self.swing is None or self.swing == composition.swing)
        )


@cache
def groove_names() -> tuple[str, ...]:
    """The names of the shipped grooves, in alphabetical order."""
    return tuple(sorted(file.name[:-5] for file in resources.files(GROOVES).iterdir() if file.name.endswith(".toml")))


def load_groove(name: str) -> Groove:
    """The shipped groove of a name, or the one in a TOML file.

    Raises:
        RlcomposeError: There is none, or the file has faults; all of them are told.
    """
    return _shipped(name) if not name.endswith(".toml") else _from_file(Path(name))


def choose_groove(composition: Composition, family: str) -> Groove:
    """The groove for a piece: of its style, else of the style's family, else the plain one.

    Among several that fit, the one with the narrowest tempo, then the first by name.
    """
    fitting = [groove for groove in map(_shipped, groove_names()) if groove.plays(composition)]
    for style in (composition.style, family):
        if named := [groove for groove in fitting if style in groove.styles]:
            return min(named, key=lambda groove: (groove.tempo[1] - groove.tempo[0], groove.name))
    return _shipped(PLAIN)


@cache
def _shipped(name: str) -> Groove:
    if name not in groove_names():
        raise unknown("groove", name, groove_names())
    text = resources.files(GROOVES).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return groove_from_dict(tomllib.loads(text), f"the groove {name}")


def _from_file(path: Path) -> Groove:
    if not path.exists() or path.is_dir():
        raise missing_file("groove", path)
    return groove_from_dict(read_toml("groove", path), f"the groove {path}")


def groove_from_dict(data: Mapping[str, Any], source: str) -> Groove:
    """The groove that a table describes; `source` names it in the error, which tells every fault."""
    faults: list[str] = []
    known = ("name", "description", "styles", "meters", "tempo", "swing", "parts")
    for key in data:
        if key not in known:
            faults.append(str(unknown("key", key, known)))

    def taken(key: str, kind: type, default: Any, allowed: str) -> Any:
        value = data.get(key, default)
        if value is default or isinstance(value, kind):
            return value
        faults.append(f"{key} = {value!r}: allowed is {allowed}")
        return default

    name = taken("name", str, "", "a text")
    if not name:
        faults.append("name is missing: allowed is a text")
    description = taken("description", str, "", "a text")
    styles = tuple(taken("styles", list, (), "a list of names of styles"))
    swing = taken("swing", bool, None, "true or false; left out for either")
    meters = []
    for each in taken("meters", list, (), 'a list such as ["4/4"]; left out for any'):
        try:
            meters.append(Meter.parse(str(each)))
        except RlcomposeError as error:
            faults.append(f"meters: {error}")
    tempo = tuple(taken("tempo", list, list(TEMPO_LIMITS), "[lowest, highest] quarter notes a minute"))
    if len(tempo) != 2 or not all(isinstance(bpm, int) for bpm in tempo) or tempo[0] > tempo[1]:
        faults.append(f"tempo = {list(tempo)!r}: allowed is [lowest, highest] quarter notes a minute")
    plans = []
    for number, table in enumerate(taken("parts", list, (), "tables [[parts]]"), 1):
        try:
            plans.append(_plan(table, tuple(meters)))
        except RlcomposeError as error:
            faults.append(f"part {table.get('name', number) if isinstance(table, dict) else number!r}: {error}")
    if len({plan.name for plan in plans}) < len(plans):
        faults.append("two parts have one name: allowed is a name of its own for each")
    if faults:
        raise faulty(source, faults)
    return Groove(name, description, styles, tuple(meters), (tempo[0], tempo[1]), swing, tuple(plans))


def _plan(table: Any, meters: tuple[Meter, ...]) -> Plan:
    """One part; its settings are those of its player, of the same type as their defaults."""
    if not isinstance(table, dict) or not {"name", "player", "program"} <= table.keys():
        raise RlcomposeError("allowed is a table with name, player and program")
    player = find_player(str(table["player"]))
    program = table["program"]
    is_number = isinstance(program, int) and not isinstance(program, bool) and 0 <= program <= 127
    if not is_number and program not in BAND_PROGRAMS:
        raise RlcomposeError(
            f"program = {program!r}: allowed is a General MIDI program from 0 to 127, or the style's own: "
            f"{', '.join(BAND_PROGRAMS)}"
        )
    settings = {key: value for key, value in table.items() if key not in ("name", "player", "program")}
    for key, value in settings.items():
        if key not in player.settings:
            raise unknown(f"setting of the player {player.name!r}", key, player.settings)
        settings[key] = _setting(key, value, player.settings[key])
        if value not in player.choices.get(key, (value,)):
            raise unknown(key, value, map(str, player.choices[key]))
        if player.symbols and isinstance(player.settings[key], tuple):
            for text in settings[key]:
                for meter in meters:
                    parse_pattern(str(text), meter, player.symbols)
    return Plan(str(table["name"]), player.name, program, settings)


def _setting(key: str, value: Any, default: Any) -> Any:
    """A value of the default's type; lists become tuples."""
    if isinstance(default, tuple) and isinstance(value, list):
        return tuple(value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise RlcomposeError(f"{key} = {value!r}: allowed is a value such as {default!r}")
    return value
