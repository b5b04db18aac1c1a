"""A checker for reward terms: what an author wants to know before a term is paid a million times."""

from __future__ import annotations

import dis
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from rlcompose.brief import Brief, make_brief
from rlcompose.codec import action_of
from rlcompose.engine.core import Engine, evaluate, evaluate_batched, prepare_term
from rlcompose.engine.terms import NotCompilable, compile_term
from rlcompose.errors import RlcomposeError
from rlcompose.reward import Term, WeightedTerm, find_term, make_term
from rlcompose.style import style_names

CLOSE = 1e-12  # how far compiled and Python may lie apart where logarithms and the like are used
PLAYED = 2  # pieces of each kind: one of any events, one in which mostly the same few go round, so that motifs return
FEW, MOSTLY = 6, 0.9
SHORTEST_REST = 0  # the action


class RewardCheckError(RlcomposeError):
    """What a reward term does and should not."""


@dataclass(frozen=True, slots=True)
class RewardReport:
    """What was seen of a term that passed.

    low, high     the smallest and largest value
    asked         at how many events it was asked, in pieces that are not silent
    fires         share of them for which it gave anything but 0
    compiled      whether it runs compiled; `reason` says why not
    nanoseconds   what asking it once costs
    """

    name: str
    low: float
    high: float
    fires: float
    asked: int
    compiled: bool
    reason: str
    nanoseconds: float

    def __str__(self) -> str:
        how = "compiled" if self.compiled else f"in Python ({self.reason})"
        cost = f"{self.nanoseconds:.0f} ns" if self.nanoseconds < 1000 else f"{self.nanoseconds / 1000:.1f} us"
        cost = "under 1 ns" if self.nanoseconds < 1 else cost
        return (
            f"{self.name}: {self.low:g} to {self.high:g}, fires at {self.fires:.1%} of {self.asked} events, "
            f"runs {how}, {cost} each"
        )


def check_reward(term: str | Callable[..., Any] | Term, *, seed: int = 0) -> RewardReport:
    """Try a reward term on randomly played pieces of every style, a silent piece and one of a single event.

    It raises `RewardCheckError` (or the term's own `RewardTermError`, with bar and beat) at the first of these: the
    term raises, or gives no finite number; it leaves the range it declares; it gives another value when it is asked
    again (chance, or state of its own beside `m.memory`); it writes a global; compiled and Python disagree.

    Args:
        term: The function, decorated or not, or the name of a registered term.
        seed: Of the pieces.
    """
    known = term if isinstance(term, Term) else find_term(term) if isinstance(term, str) else make_term(term)
    _check_globals(known)
    reason = ""
    compiled = prepare_term(known) is not None
    if not compiled and not known.batched:
        try:
            compile_term(known)
        except NotCompilable as error:
            reason = str(error)
    elif known.batched:
        reason = "it is batched"
    values: list[float] = []
    seconds: list[float] = []
    heard: list[float] = []
    for brief, only in _briefs():
        for value, taken in _played(known, brief, only, seed, compiled):
            values.append(value)
            seconds.append(taken)
            if only != SHORTEST_REST:
                heard.append(value)
    if not values:
        raise RewardCheckError(f"reward term {known.name!r} was never asked: no event is {known.at!r}")
    low, high = min(values) + 0.0, max(values) + 0.0  # no -0.0
    if (known.low is not None and low < known.low) or (known.high is not None and high > known.high):
        raise RewardCheckError(
            f"reward term {known.name!r} gave {low:g} to {high:g}: it declares low={known.low}, high={known.high}"
        )
    cost = _compiled_seconds(known) if compiled else float(np.median(seconds))
    fires = sum(value != 0 for value in heard) / max(len(heard), 1)
    return RewardReport(known.name, low, high, fires, len(heard), compiled, reason, 1e9 * cost)


def _briefs() -> Iterator[tuple[Brief, int | None]]:
    """Every style at three lengths, two silent pieces, one of a whole note; with the only action to play, if any."""
    for style in style_names():
        for bars in (1, 4, 12):
            yield make_brief(style, {"bars": bars, "second_voice": "bass"}), None
    for bars in (1, 12):
        yield make_brief("jazz", {"bars": bars}), SHORTEST_REST
    bar = make_brief("jazz", {"bars": 1})
    yield bar, action_of(bar.style, 0, 48)
    yield make_brief("jazz", {"bars": 4, "chords": "NC | NC | NC | NC", "key": "C"}), None


def _check_globals(term: Term) -> None:
    code = getattr(term.function, "__code__", None)
    if not isinstance(code, types.CodeType):
        return
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            raise RewardCheckError(
                f"reward term {term.name!r} changes the global {instruction.argval!r}, which all pieces share: "
                "keep what it must remember in m.memory (@reward_term(memory=1))"
            )


def _played(term: Term, brief: Brief, only: int | None, seed: int, compiled: bool) -> Iterator[tuple[float, float]]:
    """The values of a term at the events of some pieces at which it is asked, and how long each took in Python."""
    engine = Engine(brief, [WeightedTerm(term, 1.0)], PLAYED)
    engine.reset(range(seed, seed + PLAYED))
    rng = np.random.default_rng(seed)
    memories = [[0.0] * term.memory for _ in range(PLAYED)]
    few = rng.choice(np.flatnonzero(engine.state.mask.all(axis=0)), FEW)
    for event in count():
        if engine.state.done.all():
            return
        chosen = [rng.choice(np.flatnonzero(mask)) for mask in engine.state.mask]
        if engine.state.mask[1, few[event % FEW]] and rng.random() < MOSTLY:
            chosen[1] = few[event % FEW]
        engine.state.actions[:] = chosen if only is None else only
        failed = engine._kernel.score_rows(engine._context)
        if failed >= 0:
            engine._explain_failure(*divmod(failed, 1000))
        due = engine._due(term.at)
        if term.batched:
            yield from _asked_in_batch(term, engine, due)
        else:
            for row in np.flatnonzero(due).tolist():
                moment = engine.moment(row)
                before = list(memories[row])
                moment.memory = memories[row]
                begun = time.perf_counter()
                value = evaluate(term, moment)
                taken = time.perf_counter() - begun
                moment.memory = before
                _check_same(term, value, evaluate(term, moment), _AGAIN, 0.0)
                if compiled:
                    _check_same(term, value, float(engine.state.account[row, 0]), _COMPILED, CLOSE)
                yield value, taken
        engine._kernel.settle_rows(engine._context, False)


def _asked_in_batch(term: Term, engine: Engine, due: Any) -> Iterator[tuple[float, float]]:
    begun = time.perf_counter()
    values = evaluate_batched(term, engine.moments(), due)
    taken = (time.perf_counter() - begun) / len(values)
    again = evaluate_batched(term, engine.moments(), due)
    for row in np.flatnonzero(due).tolist():
        _check_same(term, float(values[row]), float(again[row]), _AGAIN, 0.0)
        yield float(values[row]), taken


_AGAIN = "asked again about the same moment, {}: a term is a function of the moment and of m.memory alone"
_COMPILED = "compiled, {}: Python and machine code count differently here, as in 2 ** -1 of whole numbers (write 2.0)"


def _check_same(term: Term, value: float, other: float, what: str, close: float) -> None:
    if value != other and not abs(value - other) <= close * max(1.0, abs(value)):
        raise RewardCheckError(f"reward term {term.name!r} gave {value!r} and, {what.format(repr(other))}")


def _compiled_seconds(term: Term) -> float:
    """Seconds for a compiled call."""
    engine = Engine(make_brief("jazz"), [WeightedTerm(term, 1.0)], 256)
    engine.reset(range(256))
    rng = np.random.default_rng(0)
    taken = []
    for _ in range(16):
        engine.step(rng.integers(0, engine.num_actions, 256))
        taken.append(engine.seconds_to_ask(0) / 256)
    return float(np.median(taken))
