from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlcompose.errors import RlcomposeError
from rlcompose.learned.melodies import make_melodies
from rlcompose.metrics.lines import lines_of, pairs_of
from rlcompose.metrics.novelty import SharedRun, ngram_novelty, shared_runs, suffix_array
from rlcompose.score import Composition, Note
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

Pair = tuple[int, int]


def line(pairs: Sequence[Pair], first: int = 60, meter: str = "4/4", begins: int = 0) -> Composition:
    """The melody of (interval, ticks to the next onset) pairs; one note more than pairs."""
    onsets = np.cumsum([begins, *(time for _, time in pairs)]).tolist()
    pitches = np.cumsum([first, *(interval for interval, _ in pairs)]).tolist()
    bar = Meter.parse(meter).bar_ticks
    return Composition(
        notes=tuple(Note(onset, pitch, 1) for onset, pitch in zip(onsets, pitches, strict=True)),
        chords=(),
        key=Key.parse("C major"),
        meter=Meter.parse(meter),
        bars=onsets[-1] // bar + 1,
        tempo=120,
        style="jazz",
    )


def pairs(piece: Composition) -> list[Pair]:
    notes = piece.notes
    return [(b.pitch - a.pitch, b.onset - a.onset) for a, b in zip(notes, notes[1:], strict=False)]


def longest_by_trying_all(
    piece: list[Pair], reference: Sequence[list[Pair]], excluded: Sequence[bool], fewest: int
) -> int:
    best = 0
    for i in range(len(piece)):
        for other, is_left_out in zip(reference, excluded, strict=True):
            for j in range(0 if is_left_out else len(other)):
                k = 0
                while i + k < len(piece) and j + k < len(other) and piece[i + k] == other[j + k]:
                    k += 1
                if len({interval for interval, _ in piece[i : i + k]}) >= fewest:
                    best = max(best, k)
    return best + 1 if best else 0


A = [(2, 3), (2, 3), (-1, 6), (5, 6), (-3, 12), (1, 3), (-2, 9)]


def test_a_transposed_copy_is_shared_whole_and_its_place_is_told() -> None:
    # 48 ticks a bar: the copy begins in bar 1 of the piece (tick 51), and in bar 2 of the reference (tick 96).
    piece = line([(7, 51), *A], first=50)
    reference = [line([(4, 1)]), line([(11, 48), (-9, 48), *A], first=72)]
    assert shared_runs([piece], reference) == [SharedRun(notes=8, bar=1, reference=1, reference_bar=2)]


def test_nothing_in_common_is_no_run() -> None:
    assert shared_runs([line([(1, 3)]), line([])], [line([(1, 6), (2, 3)])]) == [SharedRun(0), SharedRun(0)]


def test_no_run_reaches_from_one_reference_piece_into_the_next() -> None:
    [run] = shared_runs([line(A)], [line(A[:3]), line(A[3:])])
    assert run.notes == 5  # the four pairs of the second


def test_an_empty_reference_shares_nothing() -> None:
    assert shared_runs([line(A)], []) == [SharedRun(0)]
    assert shared_runs([], [line(A)]) == []


def test_a_trill_counts_only_where_it_is_not_ignored() -> None:
    trill = [(1, 3), (-1, 3)] * 6
    reference = [line(trill), line(A[:4])]
    piece = line([*trill, *A[:4]], first=50)
    assert shared_runs([piece], reference)[0].notes == 13
    [run] = shared_runs([piece], reference, ignore_trivial=True)
    assert (run.notes, run.reference) == (5, 1)


def test_a_piece_is_not_compared_with_those_of_its_own_labels() -> None:
    reference = [line(A), line(A[:5]), line(A[:3])]
    labels = [{"tune", "player"}]
    others = [{"tune", "x"}, {"other", "player"}, {"other", "y"}]
    [run] = shared_runs([line(A)], reference, labels=labels, reference_labels=others)
    assert (run.notes, run.reference) == (4, 2)
    # A text is one label, not many letters.
    [run] = shared_runs([line(A)], reference, labels=["tune"], reference_labels=["tune", "net", "net"])
    assert (run.notes, run.reference) == (6, 1)


def test_labels_of_one_side_only_are_an_error() -> None:
    with pytest.raises(RlcomposeError, match="one side only"):
        shared_runs([line(A)], [line(A)], labels=[{"a"}])
    with pytest.raises(RlcomposeError, match="1 for 1 pieces, 2 for 1"):
        shared_runs([line(A)], [line(A)], labels=["a"], reference_labels=["a", "b"])


some_pairs = st.lists(st.tuples(st.integers(-1, 2), st.sampled_from((3, 6))), max_size=14)


@settings(max_examples=150, deadline=None)
@given(st.lists(some_pairs, min_size=1, max_size=4), st.lists(some_pairs, max_size=6), st.booleans(), st.data())
def test_runs_are_those_found_by_trying_all(
    made: list[list[Pair]], others: list[list[Pair]], ignore_trivial: bool, data: st.DataObject
) -> None:
    labels = [{data.draw(st.integers(0, 2))} for _ in made]
    reference_labels = [{data.draw(st.integers(0, 2))} for _ in others]
    pieces, reference = ([line(each, meter="3/4") for each in side] for side in (made, others))
    runs = shared_runs(
        pieces, reference, labels=labels, reference_labels=reference_labels, ignore_trivial=ignore_trivial
    )
    for piece, own, run in zip(made, labels, runs, strict=True):
        excluded = [bool(own & other) for other in reference_labels]
        assert run.notes == longest_by_trying_all(piece, others, excluded, 3 if ignore_trivial else 1)
        if run.notes:
            # At the place that is told there is such a run.
            assert not excluded[run.reference]
            bar, k = 36, run.notes - 1
            theirs = [
                tuple(others[run.reference][j : j + k])
                for j in range(len(others[run.reference]))
                if reference[run.reference].notes[j].onset // bar == run.reference_bar
            ]
            ours = [
                tuple(piece[i : i + k])
                for i in range(len(piece))
                if pieces[made.index(piece)].notes[i].onset // bar == run.bar
            ]
            assert any(len(each) == k and each in theirs for each in ours)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-3, 3), max_size=40))
def test_suffixes_are_sorted(text: list[int]) -> None:
    assert suffix_array(np.array(text, np.int64)).tolist() == sorted(range(len(text)), key=lambda i: text[i:])


def test_long_runs_are_found_in_many_pieces() -> None:
    draw = random.Random(3)
    walks = [np.diff([draw.randint(50, 70) for _ in range(301)]).tolist() for _ in range(20)]
    reference = [line([(interval, draw.choice((3, 6))) for interval in walk]) for walk in walks]
    copy = line(pairs(reference[7])[40:240])
    [run] = shared_runs([copy], reference)
    assert (run.notes, run.reference, run.bar) == (201, 7, 0)
    assert run.reference_bar == reference[7].notes[40].onset // 48


def test_novel_ngrams_are_counted_by_hand() -> None:
    piece = line([(1, 3), (1, 3), (2, 3), (1, 3), (1, 3), (2, 3)])
    # Of its runs of two, (1 1) (1 2) (2 1) (1 1) (1 2), the reference has (1 2).
    novelty = ngram_novelty([piece, line([(1, 3)])], [line([(1, 3), (2, 3)]), line([(1, 3)])], n=2)
    assert novelty[0] == pytest.approx(3 / 5)
    assert np.isnan(novelty[1])


@settings(max_examples=60, deadline=None)
@given(st.lists(some_pairs, min_size=1, max_size=4), st.lists(some_pairs, max_size=4), st.integers(1, 4))
def test_novelty_is_that_of_sets_of_tuples(made: list[list[Pair]], others: list[list[Pair]], n: int) -> None:
    known = {tuple(each[i : i + n]) for each in others for i in range(len(each) - n + 1)}
    found = ngram_novelty([line(each) for each in made], [line(each) for each in others], n)
    for each, share in zip(made, found.tolist(), strict=True):
        runs = [tuple(each[i : i + n]) for i in range(len(each) - n + 1)]
        expected = np.mean([run not in known for run in runs]) if runs else np.nan
        assert share == pytest.approx(expected, nan_ok=True)


def test_melodies_have_the_pairs_of_the_compositions_they_were_made_of(
    random_tune: Callable[..., Composition],
) -> None:
    # On the grid of sixteenths nothing moves.
    pieces = [line([(2, 3), (-3, 12), (1, 6)], first=50 + number) for number in range(3)]
    ours, theirs = (pairs_of(lines_of(each)) for each in (pieces, make_melodies(pieces)))
    assert ours.times.tolist() == theirs.times.tolist() == [3, 12, 6] * 3
    assert ours.intervals.tolist() == theirs.intervals.tolist() == [2, -3, 1] * 3
    tune = random_tune(1)
    assert [shared_runs([tune], [tune])[0].notes, shared_runs(make_melodies([tune]), make_melodies([tune]))[0].bar] == [
        len(tune.notes),
        tune.notes[0].onset // 48,
    ]
