"""Presets: an agent's hyper-parameters as data, a TOML file beside it; `--set` and `settings` replace single ones."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlcompose.errors import RlcomposeError, unknown


@dataclass(frozen=True, slots=True)
class Setting:
    """A hyper-parameter: its preset value, whose type every other value has, and what is allowed.

    least, most  the allowed range, both ends included
    meaning      what it is, with its unit
    """

    name: str
    value: int | float
    least: float
    most: float
    meaning: str

    def check(self, value: object) -> int | float:
        """The value as a number of the preset's type; an error if it is none, or out of range."""
        kind = int if isinstance(self.value, int) else (int, float)
        if isinstance(value, kind) and not isinstance(value, bool) and self.least <= value <= self.most:
            return type(self.value)(value)
        wanted = "a whole number" if kind is int else "a number"
        raise RlcomposeError(
            f"setting {self.name} is {value!r}: allowed is {wanted} from {self.least:g} to {self.most:g} "
            f"({self.meaning}; default: {self.value:g})"
        )


Preset = Mapping[str, Setting]


def read_preset(path: Path) -> dict[str, Setting]:
    """The settings in a file: `name = { value = 0.95, range = [0, 1], meaning = "…" }`, a line each."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    settings = {
        name: Setting(name, row["value"], row["range"][0], row["range"][1], row["meaning"])
        for name, row in document.items()
    }
    for setting in settings.values():
        setting.check(setting.value)
    return settings


def with_settings(preset: Preset, changes: Mapping[str, object]) -> dict[str, Any]:
    """The preset's values by name, those in `changes` replaced; an unknown name or a wrong value is an error."""
    for name in changes:
        if name not in preset:
            raise unknown("setting", name, preset)
    return {name: setting.check(changes.get(name, setting.value)) for name, setting in preset.items()}


def parse_settings(texts: Sequence[str], preset: Preset) -> dict[str, int | float]:
    """`learning_rate=3e-4` of the command line, several times, as numbers that the preset allows.

    >>> parse_settings(["epochs=8"], {"epochs": Setting("epochs", 4, 1, 100, "passes over a rollout")})
    {'epochs': 8}
    """
    changes: dict[str, int | float] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals:
            raise RlcomposeError(f"{text!r} is not NAME=VALUE, as in learning_rate=3e-4")
        if name in changes:
            raise RlcomposeError(f"--set {name} is given twice: {changes[name]:g} and {value}")
        if name not in preset:
            raise unknown("setting", name, preset)
        changes[name] = preset[name].check(_number(value.strip()))
    return changes


def _number(text: str) -> object:
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    return text
