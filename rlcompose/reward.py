"""What a reward term is, the register of them, and the weighted sum that an environment pays.

A term is a plain function of the moment, `name(m) -> float`, named by the quality that it rewards::

    from rlcompose.reward import reward_term

    @reward_term
    def high_notes(m):
        return m.pitch / 12 if m.is_note else 0.0

It may say when it is paid, what it gives at least and at most, how many numbers it keeps for itself, and have
parameters, which are keyword arguments with a default::

    @reward_term(at="phrase_end", low=0, high=1)
    def low_ending(m, pitch=0):
        return 1.0 if m.is_note and m.pitch <= pitch else 0.0

`"low_ending(pitch=-5)"` then names it with another value. Built-in terms and a user's come through this one door.
"""

from __future__ import annotations

import ast
import fnmatch
import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from rlcompose.errors import RlcomposeError, unknown

if TYPE_CHECKING:
    from rlcompose.engine.moment import Moment

TermFunction = Callable[["Moment"], float]
_Function = TypeVar("_Function", bound=Callable[..., Any])

ILLEGAL = "illegal"  # the name under which an illegal action is paid -1; no term may bear it

# When a term is asked. At other events it is not called, costs nothing and gives 0.
EVENT, NOTE = "event", "note"
BAR_END, PHRASE_END, SECTION_END, PIECE_END = "bar_end", "phrase_end", "section_end", "piece_end"
TIMES: dict[str, str] = {
    EVENT: "at every event",
    NOTE: "at every note",
    BAR_END: "at the event with which a bar ends, or within which it does",
    PHRASE_END: "at the event with which a phrase ends",
    SECTION_END: "at the event with which a section ends",
    PIECE_END: "at the last event of the piece",
}
MAX_MEMORY = 64  # numbers that a term may keep in a piece
Parameter = bool | int | float


@dataclass(frozen=True, slots=True)
class Term:
    """A reward term: its name, the function, and the file it comes from.

    at          when it is asked, one of `TIMES`
    low, high   what it gives at least and at most; None where its author has not said
    memory      how many floats `m.memory` holds for it in each piece, 0 at the beginning
    batched     whether the function takes the moments of all pieces at once and gives an array
    parameters  the values of its parameters, in the order of the function's
    """

    name: str
    function: Callable[..., Any]
    file: str
    at: str = EVENT
    low: float | None = None
    high: float | None = None
    memory: int = 0
    batched: bool = False
    parameters: tuple[tuple[str, Parameter], ...] = ()

    @property
    def family(self) -> str:
        """The file that holds the term, without folder and ending: `harmony`, `melody`, or a user's file."""
        return Path(self.file).stem

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def __call__(self, moment: Any) -> Any:
        """What the function gives for a moment, its parameters filled in; nothing is checked."""
        return self.function(moment, **dict(self.parameters))

    def with_parameters(self, values: Mapping[str, Parameter]) -> Term:
        """The term with other values of its parameters, named accordingly; an unknown name or kind is an error."""
        known = dict(self.parameters)
        for name, value in values.items():
            if name not in known:
                raise unknown(f"parameter of reward term {self.name!r}:", name, known)
            if isinstance(value, bool) != isinstance(known[name], bool) or not math.isfinite(value):
                wanted = "True or False" if isinstance(known[name], bool) else "a finite number"
                raise RlcomposeError(f"parameter {name} of reward term {self.name!r} is {value!r}: allowed is {wanted}")
        base = self.name.partition("(")[0]
        told = ", ".join(f"{name}={values[name]!r}" for name in known if name in values)
        chosen = tuple((name, values.get(name, value)) for name, value in self.parameters)
        return replace(self, name=f"{base}({told})" if told else base, parameters=chosen)


_REGISTER: dict[str, Term] = {}


@overload
def reward_term(function: _Function) -> _Function: ...


@overload
def reward_term(
    *,
    at: str = EVENT,
    low: float | None = None,
    high: float | None = None,
    memory: int = 0,
    batched: bool = False,
) -> Callable[[_Function], _Function]: ...


def reward_term(
    function: Any = None,
    *,
    at: str = EVENT,
    low: float | None = None,
    high: float | None = None,
    memory: int = 0,
    batched: bool = False,
) -> Any:
    """Register a function of the moment as a reward term under its own name, and give it back unchanged.

    The same file reached again (an edited plug-in, a second import name) replaces its term; two files that claim one
    name are an error. With arguments (see `Term`) it is a decorator that is called first.
    """
    if function is None:
        return lambda decorated: reward_term(_described(decorated, at, low, high, memory, batched))
    term = make_term(function)
    known = _REGISTER.get(term.name)
    # What a notebook's cell or a prompt has defined lies in no file, and is defined anew when the cell is edited.
    is_in_a_file = known is not None and Path(known.file).is_file()
    if known is not None and is_in_a_file and Path(known.file).resolve() != Path(term.file).resolve():
        raise RlcomposeError(f"reward term {term.name!r} of {term.file} is already defined in {known.file}: rename it")
    _REGISTER[term.name] = term
    return function


_DESCRIPTION = "__reward_term__"  # where a decorated function carries what was said about it


def _described(
    function: _Function, at: str, low: float | None, high: float | None, memory: int, batched: bool
) -> _Function:
    """The function with what was said about it, for `make_term`."""
    name = getattr(function, "__name__", repr(function))
    if at not in TIMES:
        raise unknown(f"time (at=) of reward term {name!r}:", at, TIMES)
    for edge, value in (("low", low), ("high", high)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value)):
            raise RlcomposeError(f"{edge} of reward term {name!r} is {value!r}: allowed is a number")
    if low is not None and high is not None and low > high:
        raise RlcomposeError(f"reward term {name!r} has low={low:g} above high={high:g}")
    if isinstance(memory, bool) or not isinstance(memory, int) or not 0 <= memory <= MAX_MEMORY:
        raise RlcomposeError(f"memory of reward term {name!r} is {memory!r}: allowed are 0 to {MAX_MEMORY} numbers")
    if batched and memory:
        raise RlcomposeError(f"reward term {name!r} is batched and has memory: a batched term is no one piece's")
    function.__dict__[_DESCRIPTION] = {"at": at, "low": low, "high": high, "memory": memory, "batched": batched}
    return function


def make_term(function: Callable[..., Any]) -> Term:
    """The term that a function is, without registering it; it must take the moment, and may take parameters.

    Parameters are further arguments whose default is a number or truth value.
    """
    name = getattr(function, "__name__", "")
    if not callable(function) or not name.isidentifier():
        raise RlcomposeError(f"a reward term is a named function of the moment, not {function!r}")
    if name == ILLEGAL:
        raise RlcomposeError(
            f"the name {ILLEGAL!r} is taken by the penalty for illegal actions: rename the reward term"
        )
    arguments = list(inspect.signature(function).parameters.values())
    named = [p for p in arguments if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    needed = [p for p in named if p.default is p.empty]
    if not arguments or len(needed) > 1:
        raise RlcomposeError(f"reward term {name!r} must take one argument, the moment: def {name}(m): …")
    parameters = []
    for parameter in named[1:]:
        value = parameter.default
        if not isinstance(value, Parameter) or not math.isfinite(value):
            raise RlcomposeError(
                f"parameter {parameter.name} of reward term {name!r} is {value!r}: allowed are numbers, True and False"
            )
        parameters.append((parameter.name, value))
    code = getattr(function, "__code__", None)
    file = code.co_filename if code is not None else "<unknown>"
    return Term(name, function, file, parameters=tuple(parameters), **getattr(function, _DESCRIPTION, {}))


def load_terms() -> dict[str, Term]:
    """All registered terms by name, the built-in ones loaded."""
    from rlcompose.plugins import load_builtin

    load_builtin("rewards")
    return _REGISTER


_PATTERN = re.compile(r"\s*[\w*]*\*[\w*]*\s*")
_CALL = re.compile(r"\s*([^\W\d]\w*)\s*(?:\((.*)\))?\s*", re.DOTALL)


def find_term(name: str) -> Term:
    """The term of that name, "leap_recovery", or with values of its parameters, "low_ending(pitch=-5)".

    A name that does not exist raises the error with the nearest one.
    """
    terms = load_terms()
    found = _CALL.fullmatch(name)
    if found is None or found[1] not in terms:
        raise unknown("reward term", found[1] if found else name, terms)
    return terms[found[1]].with_parameters(_parameters(name, found[2] or ""))


def _parameters(text: str, arguments: str) -> dict[str, Parameter]:
    """The values in the brackets of "low_ending(pitch=-5)"."""
    try:
        call = ast.parse(f"term({arguments})", mode="eval").body
        assert isinstance(call, ast.Call)
        if call.args or any(keyword.arg is None for keyword in call.keywords):
            raise ValueError
        values = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError):
        values = {"": None}
    if not all(isinstance(value, Parameter) for value in values.values()):
        raise RlcomposeError(f"{text!r} is no reward term with parameters: write it as in low_ending(pitch=-5)")
    return values


def term_name(text: str) -> str:
    """A term's name as it is kept, "low_ending(pitch=-5)", however it is spaced; no term need be known.

    A `*` stands for any letters: "usual_*" are all terms whose names begin so.

    Raises:
        RlcomposeError: It is no name of a term.
    """
    if _PATTERN.fullmatch(text):
        return text.strip()
    found = _CALL.fullmatch(text)
    if found is None:
        raise RlcomposeError(
            f"{text!r} is no name of a reward term: allowed are names such as motif, low_ending(pitch=-5) or usual_*"
        )
    values = _parameters(text, found[2] or "")
    told = ", ".join(f"{name}={value!r}" for name, value in values.items())
    return f"{found[1]}({told})" if told else found[1]


@dataclass(frozen=True, slots=True)
class WeightedTerm:
    """A term and the weight with which it is paid.

    schedule  how the weight changes over training: pairs of (share of the budget from 0 to 1, weight), joined by
              straight lines; `weight` is the last of them. Empty for a weight that stays.
    """

    term: Term
    weight: float
    schedule: tuple[tuple[float, float], ...] = field(default=())

    def weight_at(self, share: float) -> float:
        """The weight after a share of the training budget, 0 to 1."""
        if not self.schedule or share >= self.schedule[-1][0]:
            return self.weight
        before = self.schedule[0]
        for point in self.schedule:
            if share < point[0]:
                width = point[0] - before[0]
                part = (share - before[0]) / width if width > 0 else 0.0
                return before[1] + part * (point[1] - before[1])
            before = point
        return before[1]


Weight = float | Sequence[tuple[float, float]]  # a number, or a schedule of (share of the training, number)
# A mapping's keys may be names, functions, or both; each is spelled out, since a mapping's keys do not vary in type.
RewardChoice = (
    Mapping[str, Weight]
    | Mapping[Callable[..., Any], Weight]
    | Mapping["str | Callable[..., Any]", Weight]
    | Sequence["str | Callable[..., Any]"]
    | None
)


def weigh_terms(style_weights: Mapping[str, Weight], choice: RewardChoice = None) -> tuple[WeightedTerm, ...]:
    """The terms that are paid, in a fixed order (by the time at which they are asked, then by name).

    They are the style's, changed by what was chosen.

    choice   a mapping from names (or functions) to weights replaces or adds weights (0 turns a term off); a sequence
             of functions or names adds these with weight 1. A weight may be a schedule, see `WeightedTerm`; a name may
             be a pattern, "usual_*", which a name beside it overrides.
    """
    own: dict[str, Term] = {}

    def named(item: object) -> str:
        if not callable(item):
            return term_name(str(item))
        term = make_term(item)
        own[term.name] = term
        return term.name

    weights: dict[str, Weight] = {}
    add_weights(weights, {term_name(name): checked_weight(name, weight) for name, weight in style_weights.items()})
    if isinstance(choice, Mapping):
        names = [named(item) for item in choice]
        add_weights(weights, {n: checked_weight(n, weight) for n, weight in zip(names, choice.values(), strict=True)})
    elif choice is not None:
        if isinstance(choice, str) or not isinstance(choice, Sequence):
            raise RlcomposeError(f"rewards {choice!r}: give a mapping from names to weights, or a list of functions")
        add_weights(weights, {named(item): 1.0 for item in choice})
    terms = [_weighted(own[name] if name in own else find_term(name), weight) for name, weight in weights.items()]
    times = list(TIMES)
    terms.sort(key=lambda weighted: (times.index(weighted.term.at), weighted.term.name))
    return tuple(weighted for weighted in terms if weighted.weight != 0.0 or weighted.schedule)


def settled(terms: Sequence[WeightedTerm]) -> tuple[WeightedTerm, ...]:
    """The terms as they are paid where nothing is trained: with the last weight of a schedule, if it is not 0."""
    return tuple(WeightedTerm(each.term, each.weight) for each in terms if each.weight != 0.0)


def add_weights(weights: dict[str, Weight], more: Mapping[str, Weight]) -> None:
    """Replace or add weights: those of patterns such as "usual_*" first, so that a name beside one has its own."""
    for name, weight in more.items():
        if "*" in name:
            known = load_terms()
            found = fnmatch.filter(known, name)
            if not found:
                raise unknown("reward terms", name, known)
            weights.update(dict.fromkeys(found, weight))
    weights.update({name: weight for name, weight in more.items() if "*" not in name})


def _weighted(term: Term, weight: Weight) -> WeightedTerm:
    if isinstance(weight, float):
        return WeightedTerm(term, weight)
    schedule = tuple((float(share), float(value)) for share, value in weight)
    return WeightedTerm(term, schedule[-1][1], schedule)


def checked_weight(name: str, weight: object) -> Weight:
    """A weight as a finite float or as a schedule of such, or the error that names the term."""

    def is_number(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

    if is_number(weight):
        return float(weight)  # type: ignore[arg-type]  # it is a number
    points = list(weight) if isinstance(weight, Sequence) and not isinstance(weight, str) else []
    pairs = [tuple(point) for point in points if isinstance(point, Sequence) and len(point) == 2]
    if not points or len(pairs) != len(points) or not all(is_number(number) for pair in pairs for number in pair):
        raise RlcomposeError(
            f"the weight of reward term {name!r} is {weight!r}: allowed are finite numbers, "
            "or a schedule of (share of the training, number), such as [(0, 0.0), (0.5, 1.0)]"
        )
    shares = [share for share, _ in pairs]
    if shares != sorted(shares) or not 0 <= shares[0] <= shares[-1] <= 1:
        raise RlcomposeError(f"the schedule of reward term {name!r} has shares {shares}: they must rise from 0 to 1")
    return tuple((float(share), float(value)) for share, value in pairs)


def plain_weight(weight: Weight) -> Any:
    """A weight as JSON and TOML hold it: a number, or a list of pairs."""
    return weight if isinstance(weight, float) else [[float(share), float(value)] for share, value in weight]


def parse_weight(text: str) -> tuple[str, Weight]:
    """Read a weight as it stands on the command line.

    >>> parse_weight("stepwise_motion=0.5")
    ('stepwise_motion', 0.5)
    >>> parse_weight("motif=0..1")  # from 0 to 1 over the training
    ('motif', ((0.0, 0.0), (1.0, 1.0)))
    >>> parse_weight("motif=0@0.2,1@0.5")  # 0 until a fifth of it is done, 1 from the half on
    ('motif', ((0.2, 0.0), (0.5, 1.0)))
    """
    name, equals, written = text.rpartition("=")
    try:
        if not equals or not name.strip():
            raise ValueError
        first, dots, last = written.partition("..")
        weight: Weight
        if dots:
            weight = ((0.0, float(first)), (1.0, float(last)))
        elif "@" in written:
            points = [point.partition("@") for point in written.split(",")]
            weight = tuple((float(share), float(value)) for value, _, share in points)
        else:
            weight = float(written)
        return term_name(name), checked_weight(name.strip(), weight)
    except ValueError as error:
        if isinstance(error, RlcomposeError) and "schedule" in str(error):
            raise
        allowed = "for example stepwise_motion=0.5, or motif=0..1 for a weight that changes over the training"
        raise RlcomposeError(f"--reward {text!r} is not TERM=WEIGHT, {allowed}") from None
