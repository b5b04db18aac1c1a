"""The compiled parts of the metrics: the longest run that a piece shares with a corpus, the fitness of its segments.

As the engine's kernel, this file is never imported under its own name: `rlcompose.engine.cache` imports a copy named by
the hash of its text. It therefore imports nothing of this package.

In the search the reference is one array of tokens, each piece followed by a separator, and its suffix array; separators
are negative and differ from each other and from all tokens, so that no run reaches over the end of a piece.
"""
# ruff: noqa: D103  - the kernel's own functions are described where they are called

from __future__ import annotations

from typing import Any

import numpy as np
from numba import boolean, float64, int64, njit, void

NOTES, START, REFERENCE, REFERENCE_START = range(4)  # columns of `out`


@njit(cache=True)
def _shared(query: Any, i: Any, end: Any, text: Any, j: Any, known: Any) -> Any:
    """Length of the common prefix of query[i:end] and text[j:], of which `known` tokens are known to be equal."""
    length = known
    while i + length < end and j + length < len(text) and query[i + length] == text[j + length]:
        length += 1
    return length


@njit(cache=True)
def _place(query: Any, i: Any, end: Any, text: Any, order: Any) -> Any:
    """Where query[i:end] belongs in the sorted suffixes: the first that is not below it."""
    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        j = order[middle]
        length = _shared(query, i, end, text, j, 0)
        is_below = i + length < end and (j + length >= len(text) or text[j + length] < query[i + length])
        if is_below:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True)
def _distinct(intervals: Any, first: Any, last: Any, enough: Any) -> Any:
    """How many distinct values there are, counted up to `enough`."""
    count = 0
    for i in range(first, last):
        is_new = True
        for k in range(first, i):
            if intervals[k] == intervals[i]:
                is_new = False
                break
        if is_new:
            count += 1
            if count >= enough:
                break
    return count


@njit(void(int64[::1], int64[::1], int64[::1]), cache=True)
def common_prefixes(text: Any, order: Any, out: Any) -> None:
    n = len(text)
    rank = order.copy()
    for r in range(n):
        rank[order[r]] = r
    length = 0
    for i in range(n):
        if rank[i] == 0:
            length = 0
            out[0] = 0
            continue
        j = order[rank[i] - 1]
        while i + length < n and j + length < n and text[i + length] == text[j + length]:
            length += 1
        out[rank[i]] = length
        if length > 0:
            length -= 1


@njit(
    void(
        *(int64[::1], int64[::1], int64[::1]),
        *(int64[::1], int64[::1], int64[::1], int64[::1]),
        *(boolean[:, ::1], int64, int64[:, ::1]),
    ),
    cache=True,
)
def longest_runs(
    query: Any,
    intervals: Any,
    firsts: Any,
    text: Any,
    owners: Any,
    order: Any,
    prefixes: Any,
    excluded: Any,
    fewest: Any,
    out: Any,
) -> None:
    total = len(order)
    for piece in range(len(firsts) - 1):
        end = firsts[piece + 1]
        out[piece, NOTES] = 0
        out[piece, START] = out[piece, REFERENCE] = out[piece, REFERENCE_START] = -1
        best = 0
        for i in range(firsts[piece], end):
            if end - i <= best:
                break
            place = _place(query, i, end, text, order)
            # From here up and down the common prefix only gets shorter, so the first piece that counts is the best.
            for direction in range(2):
                r = place - 1 if direction == 0 else place
                if r < 0 or r >= total:
                    continue
                length = _shared(query, i, end, text, order[r], 0)
                while length > best and excluded[piece, owners[order[r]]]:
                    if direction == 0:
                        length = min(length, prefixes[r])
                        r -= 1
                    else:
                        r += 1
                        length = min(length, prefixes[r]) if r < total else 0
                    if r < 0:
                        length = 0
                if length > best and _distinct(intervals, i, i + length, fewest) >= fewest:
                    best = length
                    out[piece, NOTES] = length + 1
                    out[piece, START] = i
                    out[piece, REFERENCE] = owners[order[r]]
                    out[piece, REFERENCE_START] = order[r]


@njit(void(float64[:, ::1], float64[:, ::1]), cache=True)
def fitness_scape(similarity: Any, fitness: Any) -> None:
    n = similarity.shape[0]
    along = np.zeros((n + 1, n + 1), np.float64)
    for i in range(n):
        for j in range(n):
            along[i + 1, j + 1] = along[i, j] + similarity[i, j]
    best = np.zeros(n + 1, np.float64)
    paths = np.zeros(n + 1, np.int64)
    for length in range(1, n + 1):
        for start in range(n - length + 1):
            for end in range(1, n + 1):
                best[end], paths[end] = best[end - 1], paths[end - 1]
                if end >= length:
                    score = along[start + length, end] - along[start, end - length]
                    if score > 0.0 and best[end - length] + score > best[end]:
                        best[end], paths[end] = best[end - length] + score, paths[end - length] + 1
            covered = paths[n] * length
            if covered > length:
                score = (best[n] - length) / covered
                coverage = (covered - length) / n
                if score > 0.0:
                    fitness[length, start] = 2.0 * score * coverage / (score + coverage)
