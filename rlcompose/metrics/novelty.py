"""What a set has in common with a corpus, note for note: the longest runs copied, with the place, and new n-grams.

A melody is compared by the pairs of interval and inter-onset interval, so that neither transposition nor place in the
bar hides a copy. All is exact: runs are found by ranking the pairs, then those of two, of three, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.learned.melodies import Melodies

Ints = NDArray[np.int64]
_TIMES = 4096  # of an inter-onset interval in slots, far beyond the longest rest
_INTERVALS = 256


@dataclass(frozen=True, slots=True)
class Copy:
    """The longest run that a piece has in common with the corpus.

    notes          of the run; 1 where not even two notes are common, 0 where the piece has no note
    bar            of the piece in which the run begins, from 0
    other          number of the corpus piece, -1 where there is none
    other_bar      of that piece in which it begins
    is_trivial     whether the run has at most two different intervals, as a trill or a scale
    """

    notes: int
    bar: int
    other: int
    other_bar: int
    is_trivial: bool


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What a set has in common with a corpus.

    longest   a copy for each piece
    runs      int64 (pairs,): of each pair of notes of the set the length of the longest common run that begins there,
              in pairs; 0 for none
    rest      int64 (pairs,): pairs to the end of the piece, this one included
    """

    longest: list[Copy]
    runs: Ints
    rest: Ints

    def new_share(self, notes: int) -> float:
        """Share of the set's n-grams of so many notes that stand nowhere in the corpus; nan where it has none."""
        if notes < 2:
            raise RlcomposeError(f"{notes} notes make no n-gram of intervals: allowed are 2 and more")
        whole = self.rest >= notes - 1
        return float((self.runs[whole] < notes - 1).mean()) if whole.any() else float("nan")


def compare(
    pieces: Melodies,
    corpus: Melodies,
    groups: Sequence[str] = (),
    corpus_groups: Sequence[str] = (),
) -> Comparison:
    """Find for every place of every piece the longest run that also stands in the corpus.

    groups, corpus_groups   of each piece: what is of one's own group is not looked at; left out, nothing is excluded
    """
    mine, theirs = _Pairs(pieces), _Pairs(corpus)
    if bool(groups) != bool(corpus_groups):
        raise RlcomposeError("groups are given of one side alone: both or none are needed")
    names = {name: number for number, name in enumerate(dict.fromkeys([*groups, *corpus_groups]))}
    # Without groups the two sides have different ones, so that nothing is excluded.
    group = np.array([names[name] for name in groups] or [-1] * len(pieces), np.int64)[mine.owner]
    other_group = np.array([names[name] for name in corpus_groups] or [0] * len(corpus), np.int64)[theirs.owner]

    runs, places = np.zeros(len(mine.pairs), np.int64), np.full(len(mine.pairs), -1)
    here, there = np.arange(len(mine.pairs)), np.arange(len(theirs.pairs))
    rank, other_rank = mine.pairs, theirs.pairs
    length = 1
    while len(here) and len(there):
        order = np.lexsort((other_group[there], other_rank))
        kinds, firsts = np.unique(other_rank[order], return_index=True)
        lasts = np.append(firsts[1:], len(order)) - 1
        at = np.minimum(np.searchsorted(kinds, rank), len(kinds) - 1)
        first, last = there[order[firsts[at]]], there[order[lasts[at]]]
        is_same = kinds[at] == rank
        # The groups of a kind are sorted: if any is another than one's own, the first or the last is.
        foreign = np.where(other_group[first] != group[here], first, last)
        keep = is_same & (other_group[foreign] != group[here])
        here, foreign, found = here[keep], foreign[keep], at[keep]
        runs[here], places[here] = length, foreign
        used = np.zeros(len(kinds), np.bool_)
        used[found] = True
        of_kind = np.searchsorted(kinds, other_rank)
        stay = used[of_kind] & (theirs.rest[there] > length)
        there, other_kind = there[stay], of_kind[stay]
        go_on = mine.rest[here] > length
        here, found = here[go_on], found[go_on]
        rank = found * (_INTERVALS * _TIMES) + mine.pairs[here + length]
        other_rank = other_kind * (_INTERVALS * _TIMES) + theirs.pairs[there + length]
        length += 1
    return Comparison(_longest(pieces, corpus, mine, theirs, runs, places), runs, mine.rest)


class _Pairs:
    """Of melodies the pairs of interval and inter-onset interval, one behind the other, as numbers."""

    def __init__(self, melodies: Melodies) -> None:
        parts, owners, rests, notes = [], [], [], []
        for number, (first, last) in enumerate(melodies.pieces[:, :2].tolist()):
            times = np.diff(melodies.onsets[first:last].astype(np.int64))
            steps = np.diff(melodies.pitches[first:last].astype(np.int64))
            parts.append((steps + _INTERVALS // 2) * _TIMES + np.minimum(times, _TIMES - 1))
            owners.append(np.full(len(steps), number))
            rests.append(np.arange(len(steps), 0, -1))
            notes.append(np.arange(first, first + len(steps)))
        empty = [np.zeros(0, np.int64)]
        self.pairs, self.owner, self.rest, self.note = (
            np.concatenate(each or empty).astype(np.int64) for each in (parts, owners, rests, notes)
        )


def _longest(pieces: Melodies, corpus: Melodies, mine: _Pairs, theirs: _Pairs, runs: Ints, places: Ints) -> list[Copy]:
    found: list[Copy] = []
    ends = np.searchsorted(mine.owner, np.arange(len(pieces) + 1))
    for number, (first, last) in enumerate(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)):
        best = first + int(runs[first:last].argmax()) if last > first else first
        if last == first or runs[best] == 0:
            count = int(pieces.pieces[number, 1] - pieces.pieces[number, 0])
            found.append(Copy(min(count, 1), 0, -1, -1, True))
            continue
        length, place = int(runs[best]), int(places[best])
        other = int(theirs.owner[place])
        steps = np.unique(mine.pairs[best : best + length] // _TIMES)
        found.append(
            Copy(
                length + 1,
                int(pieces.onsets[mine.note[best]]) // int(pieces.pieces[number, 3]),
                other,
                int(corpus.onsets[theirs.note[place]]) // int(corpus.pieces[other, 3]),
                len(steps) <= 2,
            )
        )
    return found
