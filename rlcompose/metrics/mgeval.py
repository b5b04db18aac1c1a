"""The evaluation of Yang & Lerch: features of each piece, and how distances within and between two sets overlap.

Source: Yang & Lerch 2020, "On the evaluation of generative models in music", Neural Computing and Applications 32,
4773-4784, and the authors' program mgeval. What differs from mgeval, since pieces here are written melodies:

- inter-onset intervals are counted in quarter notes, not in seconds, so that the tempo does not matter;
- transitions between pitch classes are those of all neighbouring notes, also across a rest;
- both transition matrices are divided by their sum (mgeval's `normalize=2`), so that pieces may differ in length;
- densities are estimated from at most `DISTANCES` distances, drawn with a seed, and not from all. Scott's rule widens
  the kernel for fewer distances (by n ** -0.2), so only figures from equally many compare;
- the overlapping area is summed over 1,000 points where mgeval integrates adaptively.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError, missing_extra
from rlcompose.metrics.reading import Reading, read
from rlcompose.score import Composition
from rlcompose.theory.meter import TICKS_PER_QUARTER

Floats = NDArray[np.float64]
FEATURES = {
    "pitch_count": "distinct pitches",
    "pitch_class_histogram": "share of the sounding time of each of the 12 pitch classes",
    "pitch_class_transitions": "share of each of the 144 steps from one pitch class to the next",
    "pitch_range": "semitones from the lowest to the highest note",
    "mean_interval": "mean size of the intervals between neighbouring notes, in semitones",
    "note_count": "notes",
    "mean_inter_onset_interval": "mean time from onset to onset, in quarter notes",
    "note_length_histogram": "share of the notes of each of 12 classes of length",
    "note_length_transitions": "share of each of the 144 steps from one class of length to the next",
}
# Whole, half, quarter, 8th, 16th; the first four dotted; triplets of half, quarter and 8th notes; in 96ths of a bar.
LENGTHS = (96, 48, 24, 12, 6, 72, 36, 18, 9, 32, 16, 8)
POINTS = 1000  # at which densities are compared
DISTANCES = 5000
FEWEST_PIECES = 3  # of a set: two have one distance, which has no density
_CONSTANT = 1e-9  # distances that differ by less are equal but for rounding


def mgeval_features(pieces: Sequence[Composition]) -> dict[str, Floats]:
    """The features of each piece by name, float64 (pieces, 1), (pieces, 12) or (pieces, 144).

    Pitch classes are absolute, as in mgeval: transpose pieces to one tonic first where keys should not matter. Lengths
    are relative to the bar of the piece's metre, as there. What a piece has too few notes for is 0.
    """
    rows = [_row(read(piece)) for piece in pieces]
    return {name: np.array([row[name] for row in rows], np.float64).reshape(len(rows), -1) for name in FEATURES}


def transition_shares(classes: NDArray[np.int64], kinds: int) -> Floats:
    """Share of each step from one class to the next, float64 (kinds * kinds,); zeros where there is no step."""
    counts = np.bincount(classes[:-1] * kinds + classes[1:], minlength=kinds * kinds)
    return counts / max(len(classes) - 1, 1)


def _row(reading: Reading) -> dict[str, Any]:
    pitches, notes = reading.pitches, len(reading.pitches)
    histogram = np.bincount(reading.classes, reading.ticks, minlength=12)
    units = np.array(LENGTHS) * (reading.bar / 96)
    lengths = np.abs(reading.ticks[:, None] - units).argmin(1) if notes else np.zeros(0, np.int64)
    return {
        "pitch_count": len(np.unique(pitches)),
        "pitch_class_histogram": histogram / max(histogram.sum(), 1),
        "pitch_class_transitions": transition_shares(reading.classes, 12),
        "pitch_range": int(np.ptp(pitches)) if notes else 0,
        "mean_interval": np.abs(np.diff(pitches)).mean() if notes > 1 else 0.0,
        "note_count": notes,
        "mean_inter_onset_interval": np.diff(reading.onsets).mean() / TICKS_PER_QUARTER if notes > 1 else 0.0,
        "note_length_histogram": np.bincount(lengths, minlength=len(LENGTHS)) / max(notes, 1),
        "note_length_transitions": transition_shares(lengths, len(LENGTHS)),
    }


def mgeval(
    pieces: Sequence[Composition], reference: Sequence[Composition], distances: int = DISTANCES, seed: int = 0
) -> dict[str, dict[str, float]]:
    """How the distances within the pieces compare with those between pieces and reference, for each of `FEATURES`.

    `oa` is the overlapping area of the two densities, 0 to 1, `kl` the divergence in nats of the density of distances
    between the sets from that within the pieces; `reference_oa` and `reference_kl` are the same for the distances
    within the reference. Two sets from one source have areas near 1 and divergences near 0, but chance is large: two
    times 1,000 tunes of one corpus had areas of .89 to .98 and divergences up to .12 (another seed: .05), since the
    points at which a density is read depend on the greatest distance. Measure two halves of the reference beside it.
    A set that is spread as widely as it lies far from the reference has a high `oa`: look at `reference_oa` as well.

    Raises:
        RlcomposeError: A set has fewer than 3 pieces, or scipy is not installed.
    """
    for name, given in (("pieces", pieces), ("reference", reference)):
        if len(given) < FEWEST_PIECES:
            raise RlcomposeError(f"mgeval needs {FEWEST_PIECES} pieces and more in each set: {name} has {len(given)}")
    return mgeval_of_features(mgeval_features(pieces), mgeval_features(reference), distances, seed)


def mgeval_of_features(
    features: dict[str, Floats], reference: dict[str, Floats], distances: int = DISTANCES, seed: int = 0
) -> dict[str, dict[str, float]]:
    """The same of what `mgeval_features` gave."""
    result = {}
    for number, name in enumerate(features):
        # A generator for each feature, so that none depends on which others are asked.
        random = np.random.default_rng((seed, number))
        within, within_reference = (_drawn(_within(each[name]), distances, random) for each in (features, reference))
        between = _drawn(_between(features[name], reference[name]), distances, random)
        oa, kl = compare_distances(within, between)
        reference_oa, reference_kl = compare_distances(within_reference, between)
        result[name] = {"oa": oa, "kl": kl, "reference_oa": reference_oa, "reference_kl": reference_kl}
    return result


def _scipy() -> tuple[Any, Any]:
    try:
        from scipy import stats
        from scipy.spatial import distance
    except ImportError as error:
        raise missing_extra("scipy", "learn") from error
    return stats, distance


def _within(features: Floats) -> Floats:
    """Euclidean distances of all pairs of pieces, each pair once."""
    distances: Floats = _scipy()[1].pdist(features)
    return distances


def _between(features: Floats, reference: Floats) -> Floats:
    distances: Floats = _scipy()[1].cdist(features, reference).ravel()
    return distances


def _drawn(distances: Floats, most: int, random: np.random.Generator) -> Floats:
    if len(distances) <= most:
        return distances
    drawn: Floats = random.choice(distances, most, replace=False, shuffle=False)
    return drawn


def compare_distances(within: Floats, between: Floats) -> tuple[float, float]:
    """Overlapping area, 0 to 1, and Kullback-Leibler divergence in nats of the densities of two sets of distances.

    Densities are Gaussian kernel estimates with Scott's rule. As in mgeval, the divergence reads each density at 1,000
    points from its own least to its own greatest distance: it compares shapes, and only the area sees a mere shift.

    Distances that are all equal have no density. Of two such sets the area is 1 and the divergence 0 where they are the
    same distance; else the area is 0 and the divergence nan.
    """
    stats, _ = _scipy()
    flat = [float(np.ptp(each)) <= _CONSTANT for each in (within, between)]
    if any(flat):
        is_same = all(flat) and abs(float(within[0] - between[0])) <= _CONSTANT
        return (1.0, 0.0) if is_same else (0.0, np.nan)
    ours, theirs = stats.gaussian_kde(within), stats.gaussian_kde(between)
    points = np.linspace(min(within.min(), between.min()), max(within.max(), between.max()), POINTS)
    lower = np.minimum(ours(points), theirs(points))
    area = float(((lower[1:] + lower[:-1]) / 2 * np.diff(points)).sum())  # by trapezia
    own_points = (np.linspace(each.min(), each.max(), POINTS) for each in (within, between))
    return area, float(stats.entropy(ours(next(own_points)), theirs(next(own_points))))
