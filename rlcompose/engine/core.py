"""The engine: many pieces advanced at once by compiled code, scored by reward terms; the only user of the kernel."""

from __future__ import annotations

import logging
import numbers
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.brief import Brief
from rlcompose.engine.cache import engine_source, import_cached
from rlcompose.engine.layout import FIELD, NUM_SLOTS, OBSERVATION_SCALE
from rlcompose.engine.moment import Moment
from rlcompose.engine.state import Snapshot, State
from rlcompose.engine.tables import Tables, make_tables
from rlcompose.engine.terms import CompiledTerm, NotCompilable, compile_term
from rlcompose.errors import RlcomposeError
from rlcompose.reward import ILLEGAL, Term, WeightedTerm

if TYPE_CHECKING:
    from rlcompose.passage import Landing

_log = logging.getLogger(__name__)

# Cost of one term called per note in Python, for the sentence that says so (2 cores at 3 GHz, six-line term).
PYTHON_TERM_MICROSECONDS = 4.6


@cache
def kernel() -> Any:
    """The compiled step, loaded from the cache or compiled now (some seconds, once for each version)."""
    return import_cached("kernel", engine_source("kernel.py"), "compiling the engine: some seconds, once")


class RewardTermError(RlcomposeError):
    """A reward term raised, or gave something that is not a finite number."""


class Engine:
    """`num_envs` pieces of one brief, advanced together.

    With `next_step_reset` a step after a piece's end begins the next piece, else ended pieces stand still until
    `reset`. The arrays in `state` are live: copy what is to be kept.
    """

    def __init__(
        self, brief: Brief, terms: Sequence[WeightedTerm] = (), num_envs: int = 1, next_step_reset: bool = False
    ) -> None:
        """Lay out the tables and compile the terms; the first step wants a reset."""
        self.num_actions = NUM_SLOTS * len(brief.style.durations)
        self.num_envs = num_envs
        self.terms = tuple(terms)
        self.names = (*(weighted.term.name for weighted in self.terms), ILLEGAL)
        self.next_step_reset = next_step_reset
        self.state = State(num_envs, self.num_actions, len(self.terms))
        self.landing: Landing | None = None  # for agents that plan: the masks tell what is legal now, not where to end
        self._kernel = kernel()
        self._compiled: list[CompiledTerm] = []
        self._addresses = np.zeros(len(self.terms) + 1, np.intp)
        self.weights = np.zeros(len(self.terms) + 1, np.float64)
        self._python: list[tuple[int, WeightedTerm]] = []
        for number, weighted in enumerate(self.terms):
            self.weights[number] = weighted.weight
            compiled = prepare_term(weighted.term)
            if compiled is None:
                self._python.append((number, weighted))
            else:
                self._compiled.append(compiled)
                self._addresses[number] = compiled.address
        self.use(brief)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by what the engine was made from: the addresses in its context mean nothing elsewhere."""
        made_from = (self.brief, self.terms, self.num_envs, self.next_step_reset)
        return _made_again, (*made_from, self.snapshot(), self.state.reward.copy(), self.state.account.copy())

    def use(self, brief: Brief) -> None:
        """Draw the pieces of the coming resets from another brief of the same style."""
        self.brief = brief
        self.tables: Tables = make_tables(brief)
        self._context = self.state.context(self.tables, self._addresses, self.weights)
        self._all_rows = np.arange(self.num_envs, dtype=np.int64)

    @property
    def python_terms(self) -> tuple[str, ...]:
        """The names of the terms that are called per note in Python."""
        return tuple(weighted.term.name for _, weighted in self._python)

    def reset(self, seeds: NDArray[np.uint64] | Sequence[int], rows: Sequence[int] | None = None) -> None:
        """Begin new pieces in these rows (all by default), one seed (0 to 2**63 - 1) each."""
        at = self._all_rows if rows is None else np.asarray(rows, np.int64)
        self.state.seeds[at] = np.asarray(seeds, np.uint64)
        self.state.done[at] = False
        self._kernel.reset_rows(self._context, at)

    def reset_to_next(self, rows: NDArray[np.int64]) -> None:
        """Begin the next piece in these rows; its seed is a function of the seed before."""
        self._kernel.reseed_rows(self._context, rows)
        self.state.done[rows] = False
        self._kernel.reset_rows(self._context, rows)

    def step(self, actions: NDArray[np.int64] | None = None) -> None:
        """Play one event in each row; results stand in `state` (obs, mask, reward, account, done).

        Without `actions` those in `state.actions` are played. A term that raises or gives no finite number stops the
        step with `RewardTermError`; the pieces are then in an undefined place between two events.
        """
        if actions is not None:
            self.state.actions[:] = actions
        if self._python:
            failed = self._kernel.score_rows(self._context)
            if failed < 0:
                self._score_in_python()
                self._kernel.settle_rows(self._context, self.next_step_reset)
        else:
            failed = self._kernel.step_rows(self._context, self.next_step_reset)
        if failed >= 0:
            self._explain_failure(*divmod(failed, 1000))

    def try_actions(self) -> NDArray[np.float64]:
        """The immediate reward of every action in every row, float64 (envs, actions); -inf where illegal.

        In rows whose piece has ended it is 0. A term that fails stops it as it stops `step`.
        """
        rewards = np.empty((self.num_envs, self.num_actions), np.float64)
        if self._python:
            self._try_in_python(rewards)
        else:
            failed = self._kernel.try_actions(self._context, rewards)
            if failed >= 0:
                self._explain_failure(*divmod(failed, 1000))
        return rewards

    def moment(self, row: int = 0) -> Moment:
        """The moment of a row as a Python value.

        The terms see it between the two halves of a step; after it, what tells of the place tells of the next event's.
        """
        state = self.state
        return Moment(state.now[row].tolist(), state.obs[row], state.notes[row].ravel())

    def field(self, name: str) -> NDArray[np.int32]:
        """One field of `MOMENT_FIELDS` for all rows: a live view."""
        return self.state.now[:, FIELD[name]]

    def snapshot(self, rows: Sequence[int] | None = None) -> Snapshot:
        """A copy of everything that the future of these rows depends on."""
        return self.state.snapshot(rows)

    def restore(self, snapshot: Snapshot, rows: Sequence[int] | None = None) -> None:
        """Put a snapshot back."""
        self.state.restore(snapshot, rows)

    def float_view(self, out: NDArray[np.float32]) -> NDArray[np.float32]:
        """Write the observation as float32 (envs, 278): each integer divided by the unit of its column."""
        self._kernel.float_view(self.state.obs, OBSERVATION_SCALE, out)
        return out

    def _score_in_python(self) -> None:
        state = self.state
        for row in range(self.num_envs):
            if state.now[row, FIELD["done"]]:
                continue
            moment = self.moment(row)
            for number, weighted in self._python:
                share = weighted.weight * evaluate(weighted.term, moment)
                state.account[row, number] = share
                state.reward[row] += share

    def _try_in_python(self, rewards: NDArray[np.float64]) -> None:
        """`try_actions` with terms in Python: play each action on a copy and put the piece back."""
        before = self.snapshot()
        legal = self.state.mask.copy()
        for action in range(self.num_actions):
            # An ended piece is left alone, an illegal action is overwritten below.
            self.step(np.full(self.num_envs, action))
            rewards[:, action] = self.state.reward
            self.restore(before)
        rewards[~legal] = -np.inf

    def _explain_failure(self, row: int, number: int) -> None:
        """Replay the moment in Python for the true reason."""
        moment = self.moment(row)
        evaluate(self.terms[number].term, moment)
        raise RewardTermError(f"reward term {self.names[number]!r} {_where(moment)} failed compiled, but not in Python")


def _where(moment: Moment) -> str:
    beat = moment.tick_in_bar / moment.beat_ticks + 1
    return f"at bar {moment.bar + 1}, beat {beat:g}"


def evaluate(term: Term, moment: Moment) -> float:
    """A term's value in Python; `RewardTermError` with place and reason when it raises or gives no finite number."""
    try:
        value = term.function(moment)
    except Exception as error:
        line = error.__traceback__
        while line is not None and line.tb_next is not None:
            line = line.tb_next
        at = f" (line {line.tb_lineno} of {term.file})" if line is not None else ""
        reason = f"{type(error).__name__}: {error}"
        raise RewardTermError(f"reward term {term.name!r} raised {reason}{at}, {_where(moment)}") from error
    is_number = isinstance(value, numbers.Real | np.bool_)
    if not is_number or not np.isfinite(float(value)):
        raise RewardTermError(f"reward term {term.name!r} gave {value!r} {_where(moment)}: allowed are finite numbers")
    return float(value)


def _made_again(
    brief: Brief,
    terms: Sequence[WeightedTerm],
    num_envs: int,
    next_step_reset: bool,
    snapshot: Snapshot,
    reward: NDArray[np.float64],
    account: NDArray[np.float64],
) -> Engine:
    engine = Engine(brief, terms, num_envs, next_step_reset)
    engine.restore(snapshot)
    engine.state.reward[:], engine.state.account[:] = reward, account
    return engine


_prepared: dict[Term, CompiledTerm | None] = {}


def prepare_term(term: Term) -> CompiledTerm | None:
    """Try a term in Python on real moments, then compile it; None when it has to stay in Python, which is said once."""
    if term in _prepared:
        return _prepared[term]
    for moment in sample_moments():
        evaluate(term, moment)
    try:
        _prepared[term] = compile_term(term.function)
    except NotCompilable as reason:
        _prepared[term] = None
        _log.warning(
            "reward term %r runs in Python (about %.1f microseconds a note more): it cannot be compiled: %s",
            *(term.name, PYTHON_TERM_MICROSECONDS, reason),
        )
    return _prepared[term]


@cache
def sample_moments() -> tuple[Moment, ...]:
    """Some moments of randomly played pieces, first and last events, rests and every metre of two styles among them."""
    from rlcompose.brief import make_brief

    moments = []
    for style in ("jazz", "fiddle"):
        engine = Engine(make_brief(style, {"bars": 4}), num_envs=4)
        engine.reset(range(4))
        rng = np.random.default_rng(0)
        for _ in range(400):
            if engine.state.done.all():
                break
            engine.state.actions[:] = [rng.choice(np.flatnonzero(mask)) for mask in engine.state.mask]
            before = engine.state.obs.copy()  # what the terms see is the observation at the event's onset
            fields = engine.state.now.copy()
            engine._kernel.score_rows(engine._context)
            for row in range(4):
                if not fields[row, FIELD["done"]]:
                    state = engine.state
                    moments.append(Moment(state.now[row].tolist(), before[row], state.notes[row].copy().ravel()))
            engine._kernel.settle_rows(engine._context, False)
    return tuple(moments)
