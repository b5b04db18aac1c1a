"""The engine: many pieces advanced at once by compiled code, scored by reward terms; the only user of the kernel."""

from __future__ import annotations

import logging
import numbers
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.brief import Brief
from rlcompose.engine.cache import import_kernel, is_cached
from rlcompose.engine.layout import FIELD, NUM_SLOTS, OBSERVATION_SCALE
from rlcompose.engine.moment import Moment
from rlcompose.engine.moments import Moments
from rlcompose.engine.state import Snapshot, State
from rlcompose.engine.tables import Tables, make_tables
from rlcompose.engine.terms import ALMOST_ALWAYS, CompiledTerm, NotCompilable, compile_term, term_source
from rlcompose.errors import RlcomposeError
from rlcompose.reward import (
    BAR_END,
    EVENT,
    ILLEGAL,
    NOTE,
    PHRASE_END,
    PIECE_END,
    SECTION_END,
    TIMES,
    Term,
    WeightedTerm,
)

if TYPE_CHECKING:
    from rlcompose.passage import Landing

_log = logging.getLogger(__name__)
_TIMES = tuple(TIMES)

# Cost of one term called per note in Python, for the sentence that says so (2 cores at 3 GHz, six-line term).
PYTHON_TERM_MICROSECONDS = 4.6


@cache
def kernel() -> Any:
    """The compiled step, loaded from the cache or compiled now (some seconds, once for each version)."""
    return import_kernel()


class RewardTermError(RlcomposeError):
    """A reward term raised, or gave something that is not a finite number."""


@dataclass(frozen=True, slots=True)
class _PythonTerm:
    """A term that is not compiled: its number in the account, and its part of the memory, a view (envs, slots)."""

    number: int
    term: Term
    memory: NDArray[np.float64]


class Engine:
    """`num_envs` pieces of one brief, advanced together.

    With `next_step_reset` a step after a piece's end begins the next piece, else ended pieces stand still until
    `reset`. The arrays in `state` are live: copy what is to be kept.
    """

    def __init__(
        self,
        brief: Brief,
        terms: Sequence[WeightedTerm] = (),
        num_envs: int = 1,
        next_step_reset: bool = False,
        lengths: Sequence[int] = (),
    ) -> None:
        """Lay out the tables and compile the terms; the first step wants a reset.

        With `lengths`, in bars, each piece has one of these by lot, and not the brief's: to learn from, since a brief
        and a seed alone do not say then which piece is played.
        """
        self.lengths = tuple(lengths)
        self.num_actions = NUM_SLOTS * len(brief.style.durations)
        self.num_envs = num_envs
        self.terms = tuple(sorted(terms, key=lambda weighted: _TIMES.index(weighted.term.at)))
        self.names = (*(weighted.term.name for weighted in self.terms), ILLEGAL)
        self.next_step_reset = next_step_reset
        memory_at = np.cumsum([0, *(weighted.term.memory for weighted in self.terms)]).astype(np.int64)
        self.state = State(num_envs, self.num_actions, len(self.terms), int(memory_at[-1]))
        self.landing: Landing | None = None  # for agents that plan: the masks tell what is legal now, not where to end
        if any(weighted.term not in _prepared for weighted in self.terms):
            from rlcompose.engine.ahead import compile_ahead

            compile_ahead([weighted.term for weighted in self.terms])
        self._kernel = kernel()
        self._compiled: list[CompiledTerm] = []
        self.weights = np.array([*(weighted.weight for weighted in self.terms), 0.0])
        self._term_arrays: dict[str, NDArray[Any]] = {
            "addresses": np.zeros(len(self.terms) + 1, np.intp),
            "weights": self.weights,
            "times": np.array([*(_TIMES.index(weighted.term.at) for weighted in self.terms), 0], np.int64),
            "memory_at": memory_at,
        }
        turned: set[int] = set()  # the fields that terms in columns read
        self._python: list[_PythonTerm] = []
        for number, weighted in enumerate(self.terms):
            compiled = prepare_term(weighted.term)
            if compiled is None:
                memory = self.state.memory[:, memory_at[number] : memory_at[number + 1]]
                self._python.append(_PythonTerm(number, weighted.term, memory))
            else:
                self._compiled.append(compiled)
                self._term_arrays["addresses"][number] = compiled.address
                if weighted.term.at in ALMOST_ALWAYS:
                    turned |= compiled.reads
        self._term_arrays["turned"] = np.array([*sorted(turned), -1], np.int64)
        self.use(brief)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by what the engine was made from: the addresses in its context mean nothing elsewhere."""
        made_from = (self.brief, self.terms, self.num_envs, self.next_step_reset, self.lengths)
        live = (self.state.reward.copy(), self.state.account.copy(), self.weights.copy())
        return _made_again, (*made_from, self.snapshot(), *live)

    def use(self, brief: Brief) -> None:
        """Draw the pieces of the coming resets from another brief of the same style."""
        self.brief = brief
        self.tables: Tables = make_tables(brief, self.lengths)
        self._context = self.state.context(self.tables, self._term_arrays)
        self._all_rows = np.arange(self.num_envs, dtype=np.int64)

    def call_in_python(self) -> None:
        """Call all terms per note in Python from now on, those that are compiled too: to compare both."""
        memory_at = self._term_arrays["memory_at"]
        self._python = [
            _PythonTerm(number, weighted.term, self.state.memory[:, memory_at[number] : memory_at[number + 1]])
            for number, weighted in enumerate(self.terms)
        ]
        self._term_arrays["addresses"][:] = 0

    @property
    def python_terms(self) -> tuple[str, ...]:
        """The names of the terms that are called per note in Python."""
        return tuple(each.term.name for each in self._python)

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

    def midway(self, row: int = 0) -> Moment:
        """Play the event in `state.actions` and stop where the terms look: a row's moment. `finish_step` goes on."""
        failed = self._kernel.score_rows(self._context)
        if failed >= 0:
            self._explain_failure(*divmod(failed, 1000))
        return self.moment(row)

    def finish_step(self) -> None:
        """The second half of a step that `midway` began."""
        self._kernel.settle_rows(self._context, self.next_step_reset)

    def seconds_to_ask(self, number: int) -> float:
        """How long it takes to ask a compiled term once in all rows as they are now; its memory changes."""
        values = np.empty(self.num_envs)
        taken = []
        for times in (0, 1):
            begun = time.perf_counter()
            self._kernel.ask_rows(self._context, number, times, values)
            taken.append(time.perf_counter() - begun)
        return max(taken[1] - taken[0], 0.0)

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

    def moment(self, row: int = 0, term: int | None = None) -> Moment:
        """The moment of a row as a Python value, as it is now; `term` is the number of the one whose memory it has.

        The terms see it between the two halves of a step; after it, what tells of the place tells of the next event's.
        """
        state = self.state
        first, end = (0, 0) if term is None else self._term_arrays["memory_at"][term : term + 2].tolist()
        now, obs, notes, past = (rows[row].ravel().tolist() for rows in (state.now, state.obs, state.notes, state.past))
        return Moment(now, obs, notes, past, self._constants, state.memory[row, first:end].tolist())

    @property
    def _constants(self) -> memoryview:
        return self.tables.constants.data

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
        """Ask the terms that are not compiled; their moments read the live arrays, which costs least."""
        state = self.state
        due = {at: self._due(at) for at in {each.term.at for each in self._python}}
        asked = np.zeros(self.num_envs, np.bool_)
        for each in self._python:
            state.account[:, each.number] = 0.0
            if each.term.batched:
                self._score_batched(each, due[each.term.at])
            else:
                asked |= due[each.term.at]
        if not asked.any():
            return
        single = [each for each in self._python if not each.term.batched]
        # One flat view of each array, and of it the row's part: a view of a view costs least.
        arrays = (state.now, state.obs, state.notes, state.past)
        flat = [(array.reshape(-1).data, array.size // self.num_envs) for array in arrays]
        constants = self._constants
        for row in np.flatnonzero(asked).tolist():
            now, obs, notes, past = (view[row * width : (row + 1) * width] for view, width in flat)
            moment = Moment(now, obs, notes, past, constants)
            for each in single:
                if due[each.term.at][row]:
                    moment.memory = each.memory[row].data
                    share = float(self.weights[each.number]) * evaluate(each.term, moment)
                    state.account[row, each.number] = share
                    state.reward[row] += share

    def _score_batched(self, each: _PythonTerm, due: NDArray[np.bool_]) -> None:
        """Ask a batched term, once for all rows."""
        if not due.any():
            return
        values = evaluate_batched(each.term, self.moments(), due)
        shares = self.weights[each.number] * np.where(due, values, 0.0)
        self.state.account[:, each.number] = shares
        self.state.reward += shares

    def moments(self) -> Moments:
        """The moments of all rows, as columns: live views."""
        return Moments(self.state, self.brief.style.family)

    def _due(self, at: str) -> NDArray[np.bool_]:
        """The rows in which terms of a time are asked now: bool (envs,)."""
        field = self.field
        due: NDArray[np.bool_] = field("done") == 0
        if at == EVENT:
            return due
        if at == NOTE:
            due &= field("is_rest") == 0
            return due
        to_end = field("bar_ticks") - field("tick_in_bar")
        if at == BAR_END:  # first, because it is asked most often
            due &= field("ticks") >= to_end
            return due
        is_last = field("is_last") != 0
        if at == PIECE_END:
            due &= is_last
            return due
        if at == PHRASE_END:
            to_end = to_end + (field("phrase_bars") - field("bar_in_phrase") - 1) * field("bar_ticks")
        elif at == SECTION_END:
            to_end = to_end + (field("section_bars") - field("bar_in_section") - 1) * field("bar_ticks")
        due &= (field("ticks") >= to_end) | is_last
        return due

    def _try_in_python(self, rewards: NDArray[np.float64]) -> None:
        """`try_actions` with terms in Python: play each action on a copy and put the piece back."""
        state = self.state
        before = self.snapshot()
        shown = [(array, array.copy()) for array in (state.reward, state.account, state.actions)]
        legal = state.mask.copy()
        for action in range(self.num_actions):
            # An ended piece is left alone, an illegal action is overwritten below.
            self.step(np.full(self.num_envs, action))
            rewards[:, action] = state.reward
            self.restore(before)
        for array, value in shown:
            array[:] = value
        rewards[~legal] = -np.inf

    def _explain_failure(self, first: int, number: int) -> None:
        """Replay the moments of the block in which a term failed in Python, for the true reason."""
        term = self.terms[number].term
        due = self._due(term.at)
        for row in range(first, min(first + self._kernel.BLOCK, self.num_envs)):
            if due[row]:
                evaluate(term, self.moment(row, number))
        raise RewardTermError(
            f"reward term {term.name!r} failed compiled, but not in Python: rlcompose.testing checks it"
        )


def _where(moment: Moment) -> str:
    beat = moment.tick_in_bar / moment.beat_ticks + 1
    return f"at bar {moment.bar + 1}, beat {beat:g}"


def evaluate(term: Term, moment: Moment) -> float:
    """A term's value in Python; `RewardTermError` with place and reason when it raises or gives no finite number."""
    try:
        value = term(moment)
    except Exception as error:
        raise RewardTermError(f"reward term {term.name!r} raised {_reason(term, error)}, {_where(moment)}") from error
    is_number = isinstance(value, numbers.Real | np.bool_)
    if not is_number or not np.isfinite(float(value)):
        raise RewardTermError(f"reward term {term.name!r} gave {value!r} {_where(moment)}: allowed are finite numbers")
    return float(value)


def _reason(term: Term, error: Exception) -> str:
    """What was raised, and the last line of the term's file that it passed."""
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == term.file]
    at = f" (line {lines[-1]} of {term.file})" if lines else ""
    return f"{type(error).__name__}: {error}{at}"


def evaluate_batched(term: Term, moments: Moments, due: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A batched term's values, float64 (envs,); `RewardTermError` with the place where one that is due is no number."""
    try:
        values = np.asarray(term(moments), np.float64)
    except Exception as error:
        raise RewardTermError(f"batched reward term {term.name!r} raised {_reason(term, error)}") from error
    if values.shape != due.shape:
        raise RewardTermError(
            f"batched reward term {term.name!r} gave an array of shape {values.shape}: it must be {due.shape}"
        )
    wrong = np.flatnonzero(due & ~np.isfinite(values))
    if len(wrong):
        row = int(wrong[0])
        where = _where(moments.one(row))
        raise RewardTermError(f"reward term {term.name!r} gave {values[row]} {where}: allowed are finite numbers")
    return values


def _made_again(
    brief: Brief,
    terms: Sequence[WeightedTerm],
    num_envs: int,
    next_step_reset: bool,
    lengths: Sequence[int],
    snapshot: Snapshot,
    reward: NDArray[np.float64],
    account: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> Engine:
    engine = Engine(brief, terms, num_envs, next_step_reset, lengths)
    engine.restore(snapshot)
    engine.weights[:] = weights  # as a schedule may have left them
    engine.state.reward[:], engine.state.account[:] = reward, account
    return engine


_prepared: dict[Term, CompiledTerm | None] = {}


def prepare_term(term: Term) -> CompiledTerm | None:
    """Try a term in Python on real moments, then compile it; None when it has to stay in Python, which is said once.

    A term whose machine code is at hand was tried before, in the very same text.
    """
    if term in _prepared:
        return _prepared[term]
    try:
        text = term_source(term)
    except NotCompilable as reason:
        try_term(term)
        _stay_in_python(term, reason)
        return None
    if not is_cached("term", text):
        try_term(term)
    try:
        _prepared[term] = compile_term(term, text)
    except NotCompilable as reason:
        _stay_in_python(term, reason)
    return _prepared[term]


def _stay_in_python(term: Term, reason: NotCompilable) -> None:
    _prepared[term] = None
    if not term.batched:
        _log.warning(
            "reward term %r runs in Python (about %.1f microseconds a note more): it cannot be compiled: %s",
            *(term.name, PYTHON_TERM_MICROSECONDS, reason),
        )


def try_term(term: Term) -> None:
    """Ask a term in Python at all sampled moments at which it would be asked; its mistakes are `RewardTermError`s."""
    if term.batched:
        engine = sample_engine()
        evaluate_batched(term, engine.moments(), engine._due(term.at))
        return
    memory = [0.0] * term.memory
    for moment, times in sample_moments():
        if moment.num_events == 1:
            memory = [0.0] * term.memory
        if term.at in times:
            moment.memory = memory
            evaluate(term, moment)
    # Rare events may be none of those: then they are tried out of place, which is better than not at all.
    if not any(term.at in times for _, times in sample_moments()):
        raise AssertionError(f"no sampled moment is {term.at}")


@cache
def sample_moments() -> tuple[tuple[Moment, frozenset[str]], ...]:
    """Moments of randomly played pieces with the times (`rlcompose.reward.TIMES`) that they are.

    First and last events, rests and every metre of two styles are among them; each piece's follow one another.
    """
    return tuple(sampled for engine in _sample_engines() for sampled in _played_through(engine))


SAMPLED_PIECES = 2
SAMPLED_BARS = 9  # one more than the window, so that a bar leaves it


def _sample_engines() -> list[Engine]:
    from rlcompose.brief import make_brief

    options = {"bars": SAMPLED_BARS, "second_voice": "bass"}
    engines = [Engine(make_brief(style, options), num_envs=SAMPLED_PIECES) for style in ("jazz", "fiddle")]
    for engine in engines:
        engine.reset(range(SAMPLED_PIECES))
    return engines


@cache
def sample_engine() -> Engine:
    """An engine between the two halves of a step, for trying batched terms."""
    engine = _sample_engines()[0]
    engine._kernel.score_rows(engine._context)
    return engine


def _played_through(engine: Engine) -> list[tuple[Moment, frozenset[str]]]:
    state, rng = engine.state, np.random.default_rng(0)
    moments: list[list[tuple[Moment, frozenset[str]]]] = [[] for _ in range(engine.num_envs)]
    while not state.done.all():
        # Mostly near the middle, so that steps and repetitions come by, and short enough that bars fill.
        state.actions[:] = [rng.choice(np.flatnonzero(mask)) for mask in state.mask]
        running = np.flatnonzero(~state.done).tolist()
        engine._kernel.score_rows(engine._context)
        due = {at: engine._due(at) for at in _TIMES}
        for row in running:
            moments[row].append((engine.moment(row), frozenset(at for at in _TIMES if due[at][row])))
        engine._kernel.settle_rows(engine._context, False)
    return [sampled for piece in moments for sampled in piece]
