"""The fitness of segments against trying all path families, structureness of known forms, and chords by hand."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from rlcompose.metrics.pieces import measure
from rlcompose.metrics.reading import read
from rlcompose.metrics.structure import PENALTY, beat_similarity, fitness_scape
from rlcompose.score import ChordSpan, Composition, Note
from rlcompose.theory.chord import parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

BAR = 48


def song(pitches: list[int], ticks: int = 12, bars: int | None = None, chords: tuple[str, ...] = ()) -> Composition:
    """Notes of equal length, one after the other; a chord a bar."""
    return Composition(
        notes=tuple(Note(k * ticks, pitch, ticks) for k, pitch in enumerate(pitches)),
        chords=tuple(ChordSpan(k * BAR, BAR, parse_chord(name)) for k, name in enumerate(chords)),
        key=Key.parse("C"),
        meter=Meter.parse("4/4"),
        bars=bars or -(-len(pitches) * ticks // BAR),
        tempo=120,
        style="jazz",
    )


def by_trying(similarity: NDArray[np.float64], start: int, length: int) -> float:
    """The fitness of a segment: the best of all sets of diagonals that do not overlap."""
    n = len(similarity)
    best, count = 0.0, 0
    for size in range(n // length + 1):
        for places in combinations(range(n - length + 1), size):
            if any(b - a < length for a, b in zip(places, places[1:], strict=False)):
                continue
            score = sum(similarity[start + i, place + i] for place in places for i in range(length))
            if score > best + 1e-12:
                best, count = score, size
    if count < 2:
        return 0.0
    explained, covered = (best - length) / (count * length), (count * length - length) / n
    return 2 * explained * covered / (explained + covered) if explained > 0 else 0.0


@pytest.mark.parametrize("seed", range(6))
def test_fitness_is_that_of_the_best_path_family(seed: int) -> None:
    rng = np.random.default_rng(seed)
    similarity = np.where(rng.random((8, 8)) < 0.5, rng.random((8, 8)), PENALTY * rng.random((8, 8)))
    np.fill_diagonal(similarity, 1.0)
    told = fitness_scape(similarity)
    for length in range(1, 9):
        for start in range(9 - length):
            assert told[length, start] == pytest.approx(by_trying(similarity, start, length)), (length, start)


def test_two_halves_alike_explain_half_and_four_quarters_three() -> None:
    rng = np.random.default_rng(0)
    phrase = rng.integers(60, 72, 32).tolist()  # eight bars of quarter notes
    told = measure(song(phrase * 2))
    assert told["structureness_mid"] == pytest.approx(0.5)
    bars = rng.permutation(np.arange(60, 72))[:8].tolist()  # two bars
    told = measure(song(bars * 4))
    assert told["structureness_short"] == pytest.approx(0.75)
    assert told["structureness_mid"] < told["structureness_short"]


def test_what_does_not_come_back_has_less_structure() -> None:
    rng = np.random.default_rng(1)
    form = [rng.integers(60, 72, 32).tolist() for _ in range(3)]
    aaba = measure(song(form[0] * 2 + form[1] + form[0]))
    # A three times in four parts: explained 2/3, covered 2/4.
    assert aaba["structureness_mid"] >= 2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4) - 1e-9
    assert measure(song(rng.integers(60, 72, 128).tolist()))["structureness_mid"] < 0.25


def test_short_pieces_have_no_long_segments() -> None:
    told = measure(song([60, 62, 64, 65] * 8))
    assert math.isnan(told["structureness_long"]) and not math.isnan(told["structureness_mid"])
    assert math.isnan(measure(song([60, 62, 64, 65]))["structureness_short"])
    assert measure(song([], bars=9))["structureness_long"] == 0.0


def test_beats_are_alike_by_what_sounds_in_them() -> None:
    # C; half C, half E; E; a rest; then eight beats of other notes.
    notes = [Note(0, 60, 12), Note(12, 72, 6), Note(18, 64, 6), Note(24, 64, 12)]
    notes += [Note(48 + 12 * k, 61 + 2 * (k % 2), 12) for k in range(8)]
    plain = song([60])
    piece = Composition(
        notes=tuple(notes), chords=(), key=plain.key, meter=plain.meter, bars=3, tempo=120, style="jazz"
    )
    similarity = beat_similarity(read(piece))
    assert similarity.shape == (12, 12)
    assert (np.diag(similarity) == 1.0).all() and (similarity == similarity.T).all()
    assert similarity[0, 2] == similarity[0, 3] == PENALTY
    assert similarity[4, 6] == similarity[5, 7] == 1.0
    assert PENALTY <= similarity[0, 1] < 1.0
    assert (similarity[3, [0, 1, 2, 4]] == PENALTY).all()


def test_chords_by_hand() -> None:
    told = measure(song([60] * 24, chords=("C", "F", "G", "C", "F", "G")))
    # C F G, F G C, G C F, C F G: three of four differ.
    assert told["chord_progression_irregularity"] == 3 / 4
    assert told["chord_entropy"] == pytest.approx(math.log(3))
    assert told["chord_coverage"] == 3.0
    same = measure(song([60] * 8, chords=("C", "C")))
    assert math.isnan(same["chord_progression_irregularity"]) and math.isnan(same["chord_tonal_distance"])
    assert (same["chord_entropy"], same["chord_coverage"]) == (0.0, 1.0)


def test_the_distance_of_chords_by_hand() -> None:
    def place(classes: tuple[int, ...]) -> NDArray[np.float64]:
        # Harte, Sandler & Gasser 2006: fifths, minor thirds, major thirds, with radii 1, 1 and 1/2.
        rows = [
            [
                math.sin(k * 7 * math.pi / 6),
                math.cos(k * 7 * math.pi / 6),
                math.sin(k * 3 * math.pi / 2),
                math.cos(k * 3 * math.pi / 2),
                0.5 * math.sin(k * 2 * math.pi / 3),
                0.5 * math.cos(k * 2 * math.pi / 3),
            ]
            for k in classes
        ]
        return np.mean(rows, axis=0)  # type: ignore[no-any-return]

    wanted = float(np.linalg.norm(place((0, 4, 7)) - place((7, 11, 2))))
    assert measure(song([60] * 8, chords=("C", "G")))["chord_tonal_distance"] == pytest.approx(wanted)
