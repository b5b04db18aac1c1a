"""Metrics of the chords alone; of pieces of one brief they are alike, of anyone's files they need not be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlcompose.metrics.harmony import YEH, chord_centroids
from rlcompose.metrics.pitch import JAZZ_TRANSFORMER
from rlcompose.metrics.reading import Reading
from rlcompose.metrics.register import piece_metric


def _changes(piece: Reading) -> NDArray[np.bool_]:
    """The chords' tones, bool (chords, 12), one row where the same chord follows itself. A chord is its tones here."""
    tones = piece.tones
    if not len(tones):
        return tones
    changed: NDArray[np.bool_] = tones[np.append(True, (tones[1:] != tones[:-1]).any(axis=1))]
    return changed


@piece_metric("CPI: distinct successions of three chords, of all of them", JAZZ_TRANSFORMER)
def chord_progression_irregularity(piece: Reading) -> float:
    """Nan for fewer than three chords. A chord that follows itself counts once."""
    chords = _changes(piece)
    if len(chords) < 3:
        return float("nan")
    runs = np.concatenate([chords[:-2], chords[1:-1], chords[2:]], axis=1)
    return len(np.unique(runs, axis=0)) / len(runs)


@piece_metric("CHE: entropy in nats of how often each chord comes", YEH)
def chord_entropy(piece: Reading) -> float:
    """A chord that follows itself counts once."""
    chords = _changes(piece)
    if not len(chords):
        return float("nan")
    shares = np.unique(chords, axis=0, return_counts=True)[1] / len(chords)
    return float(-(shares * np.log(shares)).sum() + 0.0)


@piece_metric("CC: number of different chords", YEH)
def chord_coverage(piece: Reading) -> float:
    """Chords of the same tones are the same."""
    return float(len(np.unique(piece.tones, axis=0))) if len(piece.tones) else float("nan")


@piece_metric("CTD: distance of neighbouring chords in the six-dimensional tonal space, mean", YEH)
def chord_tonal_distance(piece: Reading) -> float:
    """Euclidean; nan for fewer than two chords. A chord that follows itself counts once."""
    chords = _changes(piece)
    if len(chords) < 2:
        return float("nan")
    places = chord_centroids(chords)
    return float(np.linalg.norm(places[1:] - places[:-1], axis=1).mean())
