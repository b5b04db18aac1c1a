"""What is new in a piece, and what it has from others: novel n-grams, and the longest run shared with a corpus.

Both count pairs of (interval, inter-onset interval), so that a transposed copy is a copy. The pieces and the reference
must come from the same kind of source (see `rlcompose.metrics.lines.lines_of`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.metrics.compiled import kernel
from rlcompose.metrics.lines import Ints, Lines, Pairs, Pieces, lines_of, ngrams, numbered, pairs_of

NGRAM = 4  # pairs, which is five notes
TRIVIAL_INTERVALS = 2  # a run of so few distinct intervals is a trill, a scale or an arpeggio that anyone plays
Labels = Sequence[Iterable[Hashable]]


@dataclass(frozen=True, slots=True)
class SharedRun:
    """The longest run that a piece shares with a reference, and one place where it is found.

    notes          its length in notes: k equal pairs are k + 1 notes; 0 where not even one pair is shared
    bar            the piece's bar in which it begins, counted from 0; -1 where there is none, as below
    reference      the number of the reference piece
    reference_bar  the bar of that piece
    """

    notes: int
    bar: int = -1
    reference: int = -1
    reference_bar: int = -1


def ngram_novelty(pieces: Pieces, reference: Pieces, n: int = NGRAM) -> NDArray[np.float64]:
    """Share of each piece's runs of n pairs that occur nowhere in the reference, float64 (pieces,), 0 to 1.

    Occurrences count, not distinct runs; nan for a piece of n notes or fewer, which has none.
    """
    ours, theirs = (pairs_of(lines_of(each)) for each in (pieces, reference))
    number = len(pieces)
    keys, owners = ngrams(np.concatenate(numbered([ours, theirs])), np.append(ours.owners, theirs.owners + number), n)
    is_ours = owners < number
    is_known = np.zeros(int(keys.max(initial=-1)) + 1, np.bool_)
    is_known[keys[~is_ours]] = True
    totals = np.bincount(owners[is_ours], minlength=number)
    novel = np.bincount(owners[is_ours], ~is_known[keys[is_ours]], minlength=number)
    shares = np.full(number, np.nan)
    np.divide(novel, totals, out=shares, where=totals > 0)
    return shares


def shared_runs(
    pieces: Pieces,
    reference: Pieces,
    *,
    labels: Labels | None = None,
    reference_labels: Labels | None = None,
    ignore_trivial: bool = False,
) -> list[SharedRun]:
    """The longest run of equal (interval, inter-onset interval) pairs that each piece shares with any reference piece.

    Exact: the reference's suffix array is searched from every note. Of runs of equal length it is the piece's first.

    Args:
        pieces: What is examined.
        reference: What it is compared with.
        labels: What each piece is called, such as {title, family}; a reference piece that has a label in common with
            a piece is left out for that piece. Left out, all are compared.
        reference_labels: The same of the reference; needed with `labels`.
        ignore_trivial: Leave out runs of two distinct intervals or fewer: trills, scales, repeated notes.

    Raises:
        RlcomposeError: Labels are given for one side only, or not one set of them for each piece.
    """
    excluded = _excluded(len(pieces), len(reference), labels, reference_labels)
    lines, reference_lines = lines_of(pieces), lines_of(reference)
    ours, theirs = pairs_of(lines), pairs_of(reference_lines)
    query, tokens = numbered([ours, theirs])
    # Each reference piece ends with a separator of its own; -1 - owner, so that it equals no token.
    number = len(reference)
    ends = np.cumsum(np.bincount(theirs.owners, minlength=number))
    text = np.insert(tokens, ends, -1 - np.arange(number))
    owners = np.insert(theirs.owners, ends, np.arange(number))
    starts = np.insert(theirs.notes, ends, -1)
    order = suffix_array(text)
    prefixes = np.zeros(len(text), np.int64)
    kernel().common_prefixes(text, order, prefixes)
    firsts = np.append(0, np.cumsum(np.bincount(ours.owners, minlength=len(pieces)))).astype(np.int64)
    found = np.empty((len(pieces), 4), np.int64)
    fewest = TRIVIAL_INTERVALS + 1 if ignore_trivial else 1
    kernel().longest_runs(
        query, ours.intervals, firsts, text, owners, order, prefixes, np.ascontiguousarray(excluded), fewest, found
    )
    return [
        SharedRun(notes, _bar(lines, ours, start), at, int(reference_lines.onsets[starts[there]] // bars))
        if notes
        else SharedRun(0)
        for (notes, start, at, there), bars in zip(
            found.tolist(), _bars_of(reference_lines, found[:, 2]).tolist(), strict=True
        )
    ]


def _bar(lines: Lines, pairs: Pairs, pair: int) -> int:
    return int(lines.onsets[pairs.notes[pair]] // lines.bars[pairs.owners[pair]])


def _bars_of(lines: Lines, numbers: Ints) -> Ints:
    """Ticks of a bar of the pieces of these numbers; of -1 it does not matter."""
    return lines.bars[numbers] if len(lines) else np.ones(len(numbers), np.int64)


def _excluded(pieces: int, references: int, labels: Labels | None, others: Labels | None) -> NDArray[np.bool_]:
    """Which reference pieces are left out for each piece, bool (pieces, references)."""
    excluded = np.zeros((pieces, references), np.bool_)
    if labels is None and others is None:
        return excluded
    if labels is None or others is None:
        raise RlcomposeError("labels are given for one side only: give labels and reference_labels, or neither")
    if len(labels) != pieces or len(others) != references:
        raise RlcomposeError(
            f"each piece needs its labels: {len(labels)} for {pieces} pieces, {len(others)} for {references} references"
        )
    bearers: dict[Hashable, list[int]] = {}
    for number, names in enumerate(others):
        # A text would be taken for the labels of its letters.
        for name in [names] if isinstance(names, str) else names:
            bearers.setdefault(name, []).append(number)
    for number, names in enumerate(labels):
        for name in [names] if isinstance(names, str) else names:
            excluded[number, bearers.get(name, [])] = True
    return excluded


def suffix_array(text: Ints) -> Ints:
    """The order of the suffixes of a text of integers, int64 (tokens,), by doubling prefixes.

    Source: Manber & Myers 1993, "Suffix arrays: a new method for on-line string searches", SIAM Journal on Computing
    22(5), 935-948.
    """
    total = len(text)
    ranks = np.unique(text, return_inverse=True)[1].astype(np.int64)
    length = 1
    while True:
        following = np.zeros(total, np.int64)
        following[: max(total - length, 0)] = ranks[length:] + 1
        keys = ranks * (total + 1) + following
        order = np.argsort(keys, kind="stable")
        in_order = keys[order]
        ranks = np.empty(total, np.int64)
        ranks[order] = np.cumsum(np.diff(in_order, prepend=in_order[:1]) > 0)
        length *= 2
        if length >= total or int(ranks.max(initial=0)) == total - 1:
            return order.astype(np.int64)
