"""What compiles, what stays in Python and why, and what is the author's mistake."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from math import sqrt
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from rlcompose.brief import make_brief
from rlcompose.codec import action_of
from rlcompose.engine.core import Engine
from rlcompose.engine.moment import Moment
from rlcompose.engine.terms import NotCompilable, compile_term
from rlcompose.errors import RlcomposeError
from rlcompose.plugins import load_file
from rlcompose.reward import WeightedTerm, make_term

WEIGHT = 0.5
PITCHES = (0, 4, 7)
SEEN: dict[int, int] = {}


def half(value: float) -> float:
    return value * WEIGHT


def twice_half(value: float) -> float:
    return half(value) + half(value)


def with_a_constant(m: Moment) -> float:
    return WEIGHT * m.ticks


def with_a_tuple(m: Any) -> float:
    return float(m.pitch in PITCHES)


def with_helpers(m: Any) -> float:
    return twice_half(m.ticks)


def with_math(m: Any) -> float:
    return float(math.exp(-m.ticks) + sqrt(m.ticks))


def with_numpy(m: Any) -> float:
    return float(np.minimum(m.ticks, 3))


def whole_number(m: Any) -> int:
    return int(m.ticks)


def truth(m: Any) -> bool:
    return bool(m.ticks > 3)


def with_a_dict(m: Any) -> float:
    SEEN[m.bar] = 1
    return float(len(SEEN))


def halved(function: Callable[[Any], float]) -> Callable[[Any], float]:
    @functools.wraps(function)
    def wrapped(m: Any) -> float:
        return function(m) / 2

    return wrapped


@halved
def decorated(m: Any) -> float:
    return float(m.ticks)


def misspelt_where_nobody_comes_by(m: Any) -> float:
    return float(m.ptich) if m.bar == 900 else 0.0


def sometimes_nothing(m: Any) -> Any:
    if m.bar < 900:
        return 1.0
    return None


def value_of(function: Callable[..., Any], ticks: int = 6) -> tuple[float, bool]:
    """What a term gives for a tonic of that length, and whether it ran compiled."""
    engine = Engine(make_brief("jazz", {"bars": 2}), [WeightedTerm(make_term(function), 1.0)])
    engine.reset([0])
    engine.step(np.array([action_of(engine.brief.style, 0, ticks)]))
    return float(engine.state.reward[0]), not engine.python_terms


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (with_a_constant, 3.0),
        (with_a_tuple, 1.0),
        (with_helpers, 6.0),
        (with_math, math.exp(-6) + math.sqrt(6)),
        (with_numpy, 3.0),
        (whole_number, 6.0),
        (truth, 1.0),
    ],
)
def test_plain_function_compiles_with_what_it_names(function: Callable[..., Any], value: float) -> None:
    assert value_of(function) == (value, True)


def test_changeable_global_keeps_a_term_in_python() -> None:
    with pytest.raises(NotCompilable, match="it uses SEEN, a dict, which can change while it runs"):
        compile_term(make_term(with_a_dict))
    assert value_of(with_a_dict)[1] is False


def test_decorator_keeps_its_effect() -> None:
    # Its source says 6, the decorator makes 3 of it.
    assert value_of(decorated) == (3.0, False)


def test_term_that_gives_nothing_in_a_corner_runs_in_python() -> None:
    assert value_of(sometimes_nothing) == (1.0, False)


def test_misspelt_field_is_an_error_even_where_nobody_comes_by() -> None:
    with pytest.raises(RlcomposeError, match="'misspelt_where_nobody_comes_by': 'ptich': did you mean 'pitch'"):
        compile_term(make_term(misspelt_where_nobody_comes_by))


def test_two_helpers_of_one_name_are_not_mixed_up() -> None:
    other = ModuleType("other")
    exec("def half(value):\n    return value * 0.25\n", other.__dict__)
    space: dict[str, Any] = {"half": half, "quarter": other.half}
    exec("def mixed(m):\n    return half(m.ticks) + quarter(m.ticks)\n", space)
    assert value_of(space["mixed"]) == (4.5, False)  # 6 / 2 + 6 / 4


def test_helpers_of_one_name_from_files_are_not_mixed_up(tmp_path: Any) -> None:
    (tmp_path / "theirs.py").write_text("def half(value):\n    return value * 0.25\n")
    (tmp_path / "mine.py").write_text(
        "from rlcompose.plugins import load_file\n"
        f"quarter = load_file({str(tmp_path / 'theirs.py')!r}).half\n"
        "def half(value):\n    return value * 0.5\n"
        "def mixed(m):\n    return half(m.ticks) + quarter(m.ticks)\n"
    )
    assert value_of(load_file(tmp_path / "mine.py").mixed) == (4.5, False)


def test_source_that_cannot_be_found_runs_in_python() -> None:
    space: dict[str, Any] = {}
    exec("def typed_at_the_prompt(m):\n    return m.ticks / 2\n", space)
    with pytest.raises(NotCompilable, match="its source cannot be found"):
        compile_term(make_term(space["typed_at_the_prompt"]))
    assert value_of(space["typed_at_the_prompt"]) == (3.0, False)


bars = [1, 2, 3]  # a variable of the same name as a field of the moment


def early(m: Moment) -> float:
    return 1.0 if m.bar < m.bars - 1 else 0.0


def test_field_is_no_variable_of_the_same_name() -> None:
    assert compile_term(make_term(early)).address != 0
