"""What a reward term is, the register of them, and the weighted sum that an environment pays.

A term is a plain function of the moment, `name(m) -> float`, named by the quality that it rewards::

    from rlcompose.reward import reward_term

    @reward_term
    def high_notes(m):
        return m.pitch / 12 if m.is_note else 0.0

Built-in terms and a user's come through this one door.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rlcompose.errors import RlcomposeError, unknown

if TYPE_CHECKING:
    from rlcompose.engine.moment import Moment

TermFunction = Callable[["Moment"], float]
_Function = TypeVar("_Function", bound=Callable[..., Any])

ILLEGAL = "illegal"  # the name under which an illegal action is paid -1; no term may bear it


@dataclass(frozen=True, slots=True)
class Term:
    """A reward term: its name, the function, and the file it comes from."""

    name: str
    function: Callable[..., Any]
    file: str

    @property
    def family(self) -> str:
        """The file that holds the term, without folder and ending: `harmony`, `melody`, or a user's file."""
        return Path(self.file).stem

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


_REGISTER: dict[str, Term] = {}


def reward_term(function: _Function) -> _Function:
    """Register a function of the moment as a reward term under its own name, and give it back unchanged.

    The same file reached again (an edited plug-in, a second import name) replaces its term; two files that claim one
    name are an error.
    """
    term = make_term(function)
    known = _REGISTER.get(term.name)
    if known is not None and Path(known.file).resolve() != Path(term.file).resolve():
        raise RlcomposeError(f"reward term {term.name!r} of {term.file} is already defined in {known.file}: rename it")
    _REGISTER[term.name] = term
    return function


def make_term(function: Callable[..., Any]) -> Term:
    """The term that a function is, without registering it; it must take the moment and nothing else it needs."""
    name = getattr(function, "__name__", "")
    if not callable(function) or not name.isidentifier():
        raise RlcomposeError(f"a reward term is a named function of the moment, not {function!r}")
    if name == ILLEGAL:
        raise RlcomposeError(
            f"the name {ILLEGAL!r} is taken by the penalty for illegal actions: rename the reward term"
        )
    parameters = list(inspect.signature(function).parameters.values())
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if not parameters or len(needed) > 1:
        raise RlcomposeError(f"reward term {name!r} must take one argument, the moment: def {name}(m): …")
    code = getattr(function, "__code__", None)
    return Term(name, function, code.co_filename if code is not None else "<unknown>")


def load_terms() -> dict[str, Term]:
    """All registered terms by name, the built-in ones loaded."""
    from rlcompose.plugins import load_builtin

    load_builtin("rewards")
    return _REGISTER


def find_term(name: str) -> Term:
    """The term of that name; a name that does not exist raises the error with the nearest one."""
    terms = load_terms()
    if name not in terms:
        raise unknown("reward term", name, terms)
    return terms[name]


@dataclass(frozen=True, slots=True)
class WeightedTerm:
    """A term and the weight with which it is paid."""

    term: Term
    weight: float


RewardChoice = Mapping[str, float] | Sequence["str | Callable[..., Any]"] | None


def weigh_terms(style_weights: Mapping[str, float], choice: RewardChoice = None) -> tuple[WeightedTerm, ...]:
    """The terms that are paid, in a fixed order (by name): the style's, changed by what was chosen.

    choice   a mapping from names to weights replaces or adds weights (0 turns a term off); a sequence of functions or
             names adds these with weight 1.
    """
    weights = {name: float(weight) for name, weight in style_weights.items()}
    own: dict[str, Term] = {}
    if isinstance(choice, Mapping):
        for name, weight in choice.items():
            weights[str(name)] = checked_weight(str(name), weight)
    elif choice is not None:
        if isinstance(choice, str) or not isinstance(choice, Sequence):
            raise RlcomposeError(f"rewards {choice!r}: give a mapping from names to weights, or a list of functions")
        for item in choice:
            if callable(item):
                term = make_term(item)
                own[term.name] = term
                weights[term.name] = 1.0
            else:
                weights[str(item)] = 1.0
    terms = [WeightedTerm(own[name] if name in own else find_term(name), weights[name]) for name in sorted(weights)]
    return tuple(weighted for weighted in terms if weighted.weight != 0.0)


def checked_weight(name: str, weight: object) -> float:
    """A weight as a finite float, or the error that names the term."""
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
        raise RlcomposeError(f"the weight of reward term {name!r} is {weight!r}: allowed are finite numbers")
    return float(weight)


def parse_weight(text: str) -> tuple[str, float]:
    """Read "stepwise_motion=0.5" as it stands on the command line."""
    name, equals, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not equals or not name.strip().isidentifier() or not math.isfinite(value):
        raise RlcomposeError(f"--reward {text!r} is not TERM=WEIGHT, for example stepwise_motion=0.5")
    return name.strip(), value
