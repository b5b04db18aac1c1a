"""The players: each is a function from the sheet to notes, found by its name in groove files.

A player's keyword arguments are its settings, with their defaults; a groove file may name each of them. A new player is
a function in a module of this folder.

    @player("pedal", Role.DRONE)
    def pedal(sheet: Sheet, dice: Random, *, velocity: int = 70) -> Iterator[Cue]:
        for bar in range(sheet.first, sheet.last + 1): ...
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from rlcompose.arrange.arrangement import Cue, Role
from rlcompose.errors import unknown

_Function = TypeVar("_Function", bound=Callable[..., Iterable[Cue]])


@dataclass(frozen=True, slots=True)
class Player:
    """A way to play: what it is for, the function that plays, and its settings with their defaults.

    Where `symbols` are given, settings that are tuples of texts are patterns made of these characters. `choices` are
    the only values that a setting may have.
    """

    name: str
    role: Role
    symbols: str
    play: Callable[..., Iterable[Cue]]
    settings: Mapping[str, Any]
    choices: Mapping[str, Sequence[Any]]


_PLAYERS: dict[str, Player] = {}


def player(name: str, role: Role, symbols: str = "", **choices: Sequence[Any]) -> Callable[[_Function], _Function]:
    """Register a function under the name by which groove files call it; `choices` are a setting's allowed values."""

    def register(function: _Function) -> _Function:
        parameters = inspect.signature(function).parameters.values()
        settings = {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}
        assert (
            name not in _PLAYERS
            and inspect.Parameter.empty not in settings.values()
            and choices.keys() <= settings.keys()
        )
        _PLAYERS[name] = Player(name, role, symbols, function, settings, choices)
        return function

    return register


def find_player(name: str) -> Player:
    """The player of a name.

    Raises:
        RlcomposeError: There is none; the message names the nearest.
    """
    _load()
    if name not in _PLAYERS:
        raise unknown("player", name, _PLAYERS)
    return _PLAYERS[name]


@cache
def _load() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
