"""How reward terms balance: what each pays random play, greedy play, real music and a trained agent, and what it costs.

And whether a term speaks: how often it fires on real music, and whether it tells that from the same events in another
order.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.agent import Agent, find_agent, play
from rlcompose.brief import BASS, Brief, make_brief
from rlcompose.corpus.entry import Report
from rlcompose.engine.core import Engine, evaluate, prepare_term, sample_moments
from rlcompose.errors import RlcomposeError
from rlcompose.reward import Term, WeightedTerm
from rlcompose.style import Style

TIMED_ENVS = 512
TIMED_EVENTS = 24
FIRES = 0.005  # a term fires on at least this share of the notes of some style's real music
TELLS = 0.2  # and tells that from shuffled music by at least this effect size
TWINS = 0.95  # two terms that correlate above this on real music are one


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """What terms give for a piece, unweighted: float64 (events, terms); how many notes and bars it has."""

    values: NDArray[np.float64]
    notes: int
    bars: int


def account_of(brief: Brief, seed: int, actions: Sequence[int], terms: Sequence[Term]) -> Account:
    """Play a piece again and ask every term, in the order given."""
    engine = Engine(brief, [WeightedTerm(term, 1.0) for term in terms])
    engine.reset([seed])
    rows = []
    for action in actions:
        engine.state.actions[0] = action
        engine.step()
        rows.append(engine.state.account[0, :-1].copy())
    order = [engine.names.index(term.name) for term in terms]
    values = np.array(rows).reshape(len(rows), len(terms))[:, order]
    return Account(values, int(engine.field("num_notes")[0]), brief.bars)


def with_bass(brief: Brief) -> Brief:
    """The brief with the chords' bass as the second voice, so that counterpoint has something to look at."""
    return make_brief(brief.style, replace(brief.options, second_voice=brief.options.second_voice or BASS))


def played_accounts(
    agent: Agent, brief: Brief, paid: Sequence[WeightedTerm], terms: Sequence[Term], seeds: Sequence[int]
) -> list[Account]:
    """What terms give for pieces that an agent plays while `paid` is what it is paid."""
    asked = with_bass(brief)
    return [account_of(asked, piece.seed, piece.actions, terms) for piece in play(agent, brief, paid, seeds)]


def real_accounts(style: Style, terms: Sequence[Term], limit: int, shuffled: bool = False) -> Iterator[Account]:
    """What terms give for real pieces of a style's corpus, drawn from it; or for their events in another order.

    Raises:
        RlcomposeError: The corpus is not there, or none of its pieces can be played.
    """
    from rlcompose.datasets import encoded_pieces

    rng, report, is_empty = np.random.default_rng(1), Report(), True
    # Repeats are played, as the style's pieces have them: without, no section would ever return.
    pieces = encoded_pieces(style, seed=0, report=report, expand_repeats=True, second_voice=BASS)
    for piece in islice(pieces, limit):
        is_empty = False
        actions = rng.permutation(piece.actions).tolist() if shuffled else piece.actions
        yield _cut_account(piece.brief, actions, terms)
    if is_empty:
        reasons = ", ".join(f"{reason} ({number})" for reason, number in report.reasons.most_common()) or "it is empty"
        raise RlcomposeError(f"there is no piece for style {style.name!r} in its corpus: {reasons}")


def _cut_account(brief: Brief, actions: Sequence[int], terms: Sequence[Term]) -> Account:
    """The account of actions that may overshoot the piece's end: those beyond it are left out."""
    ticks = [length for _, length in brief.style.durations]
    position, count = 0, 0
    total = brief.bars * brief.charts[0].meter.bar_ticks
    for action in actions:
        if position >= total:
            break
        position += ticks[action % len(ticks)]
        count += 1
    return account_of(brief, 0, actions[:count], terms)


def per_bar(accounts: Iterable[Account]) -> NDArray[np.float64]:
    """The mean of what each term gives in a bar: float64 (terms,)."""
    accounts = list(accounts)
    total: NDArray[np.float64] = np.sum([account.values.sum(axis=0) for account in accounts], axis=0)
    return total / sum(account.bars for account in accounts)


def shares(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each term's weighted part of the return, by the sum of all parts' sizes; 0 where nothing is paid."""
    parts = values * weights
    whole = np.abs(parts).sum()
    shares: NDArray[np.float64] = parts / whole if whole > 0 else parts
    return shares


def effect_size(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cohen's d of two samples, pieces in rows and terms in columns: difference of means over the pooled deviation.

    0 where nothing varies, and of a single piece.
    """
    if min(len(one), len(other)) < 2:
        return np.zeros(one.shape[1])
    spread = np.sqrt((one.var(axis=0, ddof=1) + other.var(axis=0, ddof=1)) / 2)
    difference = one.mean(axis=0) - other.mean(axis=0)
    size: NDArray[np.float64] = np.divide(difference, spread, out=np.zeros_like(difference), where=spread > 0)
    return size


@dataclass(frozen=True, slots=True)
class Speech:
    """Whether a term speaks of a style's real music.

    fires   share of the notes for which it gives anything but 0
    tells   effect size between real pieces and the same events in another order, by the mean for a note
    """

    fires: float
    tells: float


def speeches(real: Sequence[Account], shuffled: Sequence[Account]) -> list[Speech]:
    """How every term speaks, from the accounts of real pieces and of their events in another order."""
    notes = sum(account.notes for account in real)
    fires = np.sum([(account.values != 0).sum(axis=0) for account in real], axis=0) / notes
    means = [
        np.array([account.values.sum(axis=0) / max(account.notes, 1) for account in accounts])
        for accounts in (real, shuffled)
    ]
    return [Speech(float(f), float(d)) for f, d in zip(fires, effect_size(*means), strict=True)]


def twins(names: Sequence[str], values: NDArray[np.float64], above: float = TWINS) -> list[tuple[str, str, float]]:
    """The pairs of terms whose values for the same events correlate above a limit; `values` is (events, terms)."""
    spread = values.std(axis=0) > 0
    kept = np.flatnonzero(spread)
    if len(kept) < 2:
        return []
    correlation: NDArray[np.float64] = np.asarray(np.corrcoef(values[:, kept], rowvar=False))
    pairs = np.argwhere(np.triu(correlation > above, k=1))
    return [(names[kept[i]], names[kept[j]], float(correlation[i, j])) for i, j in pairs]


def costs(brief: Brief, terms: Sequence[Term]) -> list[float]:
    """What each term costs in nanoseconds an event: a call's time, by the share of the events at which it is asked.

    Measured on randomly played pieces. A term in Python is timed on some sampled moments.
    """
    engine = Engine(brief, [WeightedTerm(term, 0.0) for term in terms], TIMED_ENVS, next_step_reset=True)
    engine.reset(list(range(TIMED_ENVS)))
    rng = np.random.default_rng(0)
    everywhere = np.flatnonzero(engine.state.mask.all(axis=0))
    taken: list[list[float]] = [[] for _ in terms]
    asked = dict.fromkeys({term.at for term in terms}, 0.0)
    numbers = [engine.names.index(term.name) for term in terms]
    for event in range(TIMED_EVENTS * 2):
        engine.step(rng.choice(everywhere, TIMED_ENVS))
        if event < TIMED_EVENTS:
            continue  # let the pieces get going
        for place, (term, number) in enumerate(zip(terms, numbers, strict=True)):
            if prepare_term(term) is not None:
                taken[place].append(engine.seconds_to_ask(number) / TIMED_ENVS)
    engine.reset(list(range(TIMED_ENVS)))
    for _ in range(TIMED_EVENTS):
        engine._kernel.score_rows(engine._context)
        for at in asked:
            asked[at] += float(engine._due(at).mean()) / TIMED_EVENTS
        engine._kernel.settle_rows(engine._context, True)
        engine.state.actions[:] = rng.choice(everywhere, TIMED_ENVS)
    return [
        1e9 * asked[term.at] * (float(np.median(taken[place])) if taken[place] else _python_seconds(term))
        for place, term in enumerate(terms)
    ]


def _python_seconds(term: Term) -> float:
    """Seconds for a call in Python; for a batched term, for a row of a batch."""
    if term.batched:
        from rlcompose.engine.core import sample_engine

        columns = sample_engine().moments()
        begun = time.perf_counter()
        term(columns)
        return (time.perf_counter() - begun) / len(columns)
    moments = [moment for moment, times in sample_moments() if term.at in times][:50]
    for moment in moments:
        moment.memory = [0.0] * term.memory
    begun = time.perf_counter()
    for moment in moments:
        evaluate(term, moment)
    return (time.perf_counter() - begun) / len(moments)


def players(brief: Brief, trained: Agent | None) -> dict[str, Agent]:
    """Random and greedy play, and the trained agent if there is one, by the name of their column."""
    known: dict[str, Any] = {name: find_agent(name).made() for name in ("random", "greedy")}
    return known | ({"trained": trained} if trained is not None else {})
