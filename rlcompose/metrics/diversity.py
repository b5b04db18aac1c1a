"""How many different pieces a set holds, and how its intervals and rhythms are spread beside those of a reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.metrics.lines import Ints, Pieces, lines_of, ngrams, numbered, pairs_of
from rlcompose.metrics.novelty import NGRAM

Floats = NDArray[np.float64]
LONGEST_TIME = 96  # ticks, eight quarter notes: longer inter-onset intervals count as this


# --- Vendi score ------------------------------------------------------------------------------------------------------


def vendi_score(features: NDArray[Any], reference: NDArray[Any] | None = None) -> float:
    """Effective number of distinct pieces, 1 to n: the Vendi score with the cosine kernel on standardised features.

    `features` is (n, features). Each feature is centred and scaled by the reference's mean and standard deviation, or
    by the set's own; one that is constant there is only centred. Give the reference when sets are compared: by its own
    deviation a set of near copies looks as wide as any other, and noise wider than music. By the reference's, what lies
    far from it in one direction counts as alike, noise too: a low score means copies or other music, which a two-sample
    test tells apart. Compare at equal n, as the score grows with n.

    Source: Friedman & Dieng 2023, "The Vendi score: a diversity evaluation metric for machine learning", Transactions
    on Machine Learning Research, definition 3.1: the exponential of the entropy of the eigenvalues of K / n.

    Raises:
        RlcomposeError: The set is empty, or a feature is not finite.
    """
    values = np.asarray(features, np.float64)
    base = values if reference is None else np.asarray(reference, np.float64)
    _check(values)
    _check(base)
    deviation = base.std(0)
    # Equal values have a deviation of some 1e-17 by rounding, which would make noise of them.
    is_constant = deviation <= 1e-9 * np.maximum(np.abs(base).max(0), 1e-300)
    return vendi_of_vectors((values - base.mean(0)) / np.where(is_constant, 1.0, deviation))


def vendi_of_transitions(pieces: Pieces) -> float:
    """The same with the cosine kernel on the 12 x 12 transitions between pitch classes, which are not standardised.

    Pieces of fewer than two notes have none and count as alike. Of `Melodies` pitch classes are degrees of the key.
    """
    lines = lines_of(pieces)
    pairs = pairs_of(lines)
    before, after = lines.pitches[pairs.notes] % 12, lines.pitches[pairs.notes + 1] % 12
    counts = np.bincount(pairs.owners * 144 + before * 12 + after, minlength=len(lines) * 144)
    return vendi_of_vectors(counts.reshape(-1, 144).astype(np.float64))


def vendi_of_vectors(vectors: Floats) -> float:
    """The Vendi score with the cosine kernel on vectors (n, d) as they are; zero vectors are like each other alone."""
    _check(vectors)
    norms = np.linalg.norm(vectors, axis=1)
    is_zero = norms <= 1e-9
    unit = np.column_stack([vectors / np.where(is_zero, 1.0, norms)[:, None], np.zeros(len(vectors))])
    unit[is_zero] = 0.0
    unit[is_zero, -1] = 1.0
    # The kernel's eigenvalues other than 0 are those of the smaller of the two products.
    smaller = unit @ unit.T if len(unit) <= unit.shape[1] else unit.T @ unit
    return _effective_number(np.linalg.eigvalsh(smaller / len(unit)))


def vendi_of_kernel(kernel: Floats) -> float:
    """The Vendi score of a kernel (n, n): symmetric, positive semidefinite, 1 on the diagonal."""
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1] or not len(kernel):
        raise RlcomposeError(f"a kernel is a square of n by n similarities, not an array of {kernel.shape}")
    return _effective_number(np.linalg.eigvalsh(kernel / len(kernel)))


def _effective_number(eigenvalues: NDArray[Any]) -> float:
    shares = eigenvalues[eigenvalues > 1e-12]  # rounding leaves small ones, also below 0
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _check(features: Floats) -> None:
    if features.ndim != 2 or not len(features):
        raise RlcomposeError(f"a Vendi score needs a row of features for each piece, not an array of {features.shape}")
    if not np.isfinite(features).all():
        number, column = np.argwhere(~np.isfinite(features))[0].tolist()
        raise RlcomposeError(f"feature {column} of piece {number} is {features[number, column]}, not a finite number")


# --- histograms -------------------------------------------------------------------------------------------------------


def jensen_shannon(counts: NDArray[Any], others: NDArray[Any]) -> float:
    """Jensen-Shannon divergence of two histograms over the same classes, in nats; nan where one is empty.

    It lies between 0 and ln 2 = .693, which histograms without a common class have.

    Source: Lin 1991, "Divergence measures based on the Shannon entropy", IEEE Transactions on Information Theory 37(1),
    145-151.
    """
    if not counts.sum() or not others.sum():
        return float("nan")
    p, q = counts / counts.sum(), others / others.sum()
    middle = (p + q) / 2
    return float((_divergence(p, middle) + _divergence(q, middle)) / 2)


def _divergence(p: Floats, q: Floats) -> float:
    at = p > 0
    return float((p[at] * np.log(p[at] / q[at])).sum())


def interval_divergence(pieces: Pieces, reference: Pieces) -> float:
    """Jensen-Shannon divergence of the intervals of two sets, in nats; every interval is a class, up and down apart.

    All notes of a set are counted together. Two samples of one source differ by chance, the more the smaller they are.
    """
    ours, theirs = (pairs_of(lines_of(each)).intervals for each in (pieces, reference))
    return _divergence_of_values(ours, theirs)


def time_divergence(pieces: Pieces, reference: Pieces) -> float:
    """The same of the inter-onset intervals in ticks; what is longer than eight quarter notes is one class."""
    ours, theirs = (np.minimum(pairs_of(lines_of(each)).times, LONGEST_TIME) for each in (pieces, reference))
    return _divergence_of_values(ours, theirs)


def _divergence_of_values(ours: Ints, theirs: Ints) -> float:
    classes = np.unique(np.concatenate([ours, theirs]), return_inverse=True)[1]
    size = int(classes.max(initial=-1)) + 1
    first, second = classes[: len(ours)], classes[len(ours) :]
    return jensen_shannon(np.bincount(first, minlength=size), np.bincount(second, minlength=size))


def distinct_ngrams(pieces: Pieces, n: int = NGRAM) -> float:
    """Distinct runs of n (interval, inter-onset interval) pairs over all such runs of the set, above 0 to 1.

    It falls with the number and length of the pieces: compare at equal numbers of notes. nan where there is no run.
    """
    pairs = pairs_of(lines_of(pieces))
    keys, _ = ngrams(numbered([pairs])[0], pairs.owners, n)
    return len(np.unique(keys)) / len(keys) if len(keys) else float("nan")
