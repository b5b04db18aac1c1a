"""Metrics of a melody over its chords; notes under which no chord holds are left out."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from rlcompose.metrics.reading import Reading
from rlcompose.metrics.register import piece_metric

YEH = "Yeh et al. 2021, Automatic melody harmonization with triad chords: a comparative study"
STEP = 2  # semitones: what a proper non-chord tone is left by
SIXTEENTH = 3  # ticks

# Semitones above a chord's note, modulo 12.
_CONSONANCE = np.array([1, -1, -1, 1, 1, 0, -1, 1, 1, 1, -1, -1])


def _over_chords(piece: Reading, sets: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each note that has a chord is of its set."""
    return sets[piece.note_chords[piece.has_chord], piece.classes[piece.has_chord]]


def _share(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _left_by_step(piece: Reading, least: int = 1) -> NDArray[np.bool_]:
    """Whether the next note is `least` to two semitones away; False for the last note."""
    moves = np.abs(np.diff(piece.pitches))
    return np.append((moves >= least) & (moves <= STEP), False)[: len(piece.pitches)]


@piece_metric("share of the notes that are tones of their chord", "ReaLchords (Wu et al. 2024), as note-in-chord ratio")
def chord_tone_share(piece: Reading) -> float:
    """Of the notes that have a chord."""
    return _share(_over_chords(piece, piece.tones))


@piece_metric("the same of the notes on the strong beats: the first, and that at half the bar", "counted")
def strong_chord_tone_share(piece: Reading) -> float:
    """Of the notes that have a chord."""
    is_strong = piece.strengths[piece.onsets % piece.bar] >= 2
    return _share(_over_chords(piece, piece.tones)[is_strong[piece.has_chord]])


@piece_metric(
    "share of the chord changes met by a note within a beat that are met on a guide tone, a third or seventh",
    "counted, as by `guide_tone_share` of the bands",
)
def guide_tone_share(piece: Reading) -> float:
    """A change is where a chord follows another one."""
    met = []
    for at in range(1, len(piece.chord_onsets)):
        start = int(piece.chord_onsets[at])
        end = min(start + piece.beat, int(piece.chord_ends[at]))
        first = int(np.searchsorted(piece.onsets, start))
        if first < len(piece.onsets) and piece.onsets[first] < end:
            met.append(bool(piece.guides[at, piece.classes[first]]))
    return float(np.mean(met)) if met else float("nan")


@piece_metric("share of the notes outside the scale of their chord", "chord-scale theory (Nettles & Graf 1997)")
def outside_share(piece: Reading) -> float:
    """Of the notes that have a chord."""
    return _share(~_over_chords(piece, piece.scales))


@piece_metric("share of the outside notes that are left by a step of one or two semitones", "counted")
def outside_left_by_step(piece: Reading) -> float:
    """Read it against the same share of the inside notes."""
    return _share(_left_by_step(piece)[piece.has_chord][~_over_chords(piece, piece.scales)])


@piece_metric("share of the notes inside the scale of their chord that are left by such a step", "counted")
def inside_left_by_step(piece: Reading) -> float:
    """The base rate of steps."""
    return _share(_left_by_step(piece)[piece.has_chord][_over_chords(piece, piece.scales)])


@piece_metric(
    "CTnCTR: chord tones and proper non-chord tones, of all notes; proper is one whose next note is at most two "
    "semitones away",
    YEH,
)
def chord_tone_ratio(piece: Reading) -> float:
    """A repeated non-chord tone is proper by this definition."""
    return _share(_over_chords(piece, piece.tones) | _left_by_step(piece, least=0)[piece.has_chord])


@piece_metric(
    "PCS: mean over the sixteenths at which a note sounds over a chord of its mean consonance with the chord's notes: "
    "1 for unison, thirds, fifth and sixths, 0 for the fourth, -1 for the others",
    YEH,
)
def pitch_consonance(piece: Reading) -> float:
    """From -1 to 1; intervals count upwards from the chord's note."""
    frames = np.arange(0, piece.total, SIXTEENTH)
    if not len(piece.onsets) or not len(piece.chord_onsets):
        return float("nan")
    note = np.searchsorted(piece.onsets, frames, side="right") - 1
    chord = np.searchsorted(piece.chord_onsets, frames, side="right") - 1
    sounds = (note >= 0) & (frames < (piece.onsets + piece.ticks)[note]) & (chord >= 0)
    sounds &= frames < piece.chord_ends[chord]
    note, chord = note[sounds], chord[sounds]
    if not len(note):
        return float("nan")
    above = (piece.classes[note][:, None] - np.arange(12)) % 12
    tones = piece.tones[chord]
    return float(((_CONSONANCE[above] * tones).sum(1) / tones.sum(1)).mean())


@cache
def _centroids() -> NDArray[np.float64]:
    """The six coordinates of each pitch class, (12, 6): circles of fifths, minor and major thirds.

    Harte, Sandler & Gasser 2006, "Detecting harmonic change in musical audio"; radii 1, 1 and 1/2.
    """
    angles = np.arange(12)[:, None] * np.array([7 * np.pi / 6, 3 * np.pi / 2, 2 * np.pi / 3])
    radii = np.array([1.0, 1.0, 0.5])
    return np.stack([radii * np.sin(angles), radii * np.cos(angles)], axis=2).reshape(12, 6)


def chord_centroids(tones: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The place of each chord in the tonal space, in the middle of its notes: float64 (chords, 6)."""
    middles: NDArray[np.float64] = tones @ _centroids() / tones.sum(1, keepdims=True)
    return middles


@piece_metric(
    "MCTD: distance of a note and its chord in the six-dimensional tonal space, mean weighted by the notes' lengths; "
    "low is near",
    YEH,
)
def tonal_distance(piece: Reading) -> float:
    """Euclidean; a chord lies in the middle of its notes."""
    has = piece.has_chord
    if not has.any():
        return float("nan")
    chords = chord_centroids(piece.tones[piece.note_chords[has]])
    distances = np.linalg.norm(_centroids()[piece.classes[has]] - chords, axis=1)
    return float(np.average(distances, weights=piece.ticks[has]))
