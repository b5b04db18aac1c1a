"""Metrics of a piece against hand counts, and against music21 and MusPy where they measure the same."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcompose.metrics.pieces import PIECE_METRICS, measure, measure_all
from rlcompose.metrics.reading import read
from rlcompose.score import ChordSpan, Composition, Note
from rlcompose.theory.chord import NO_CHORD, parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

BAR = 48


def piece(
    notes: list[tuple[int, int, int]], bars: int = 2, chords: tuple[str, ...] = (), meter: str = "4/4"
) -> Composition:
    """Notes as (onset, ticks, pitch); a chord a bar."""
    ticks = Meter.parse(meter).bar_ticks
    return Composition(
        notes=tuple(Note(onset, pitch, length) for onset, length, pitch in notes),
        chords=tuple(
            ChordSpan(k * ticks, ticks, NO_CHORD if name == "N.C." else parse_chord(name))
            for k, name in enumerate(chords)
        ),
        key=Key.parse("C"),
        meter=Meter.parse(meter),
        bars=bars,
        tempo=120,
        style="jazz",
    )


# Bar 1: C E G C#, quarter notes; bar 2: D at its beginning and on beat 3, half notes.
TUNE = piece([(0, 12, 60), (12, 12, 64), (24, 12, 67), (36, 12, 61), (48, 24, 62), (72, 24, 62)], chords=("C", "Dm7"))


def test_pitch() -> None:
    told = measure(TUNE)
    assert told["pitch_class_entropy_1"] == pytest.approx((2.0 + 0.0) / 2)  # four classes alike; one class
    # Of six notes D twice, four others once.
    whole = -(2 / 6) * math.log2(2 / 6) - 4 * (1 / 6) * math.log2(1 / 6)
    assert told["pitch_class_entropy_4"] == pytest.approx(whole)
    assert told["pitch_entropy"] == pytest.approx(whole)
    assert (told["pitches_used"], told["pitch_range"]) == (5.0, 7.0)
    assert told["scale_consistency"] == pytest.approx(5 / 6)  # all but C# in C major


def test_windows_of_four_bars_begin_at_every_bar() -> None:
    # A C in each of three bars, in the next two a D: C C C D, C C D D.
    notes = [(BAR * bar, 12, 60 if bar < 3 else 62) for bar in range(5)]
    first = -(3 / 4) * math.log2(3 / 4) - (1 / 4) * math.log2(1 / 4)
    assert measure(piece(notes, bars=5))["pitch_class_entropy_4"] == pytest.approx((first + 1.0) / 2)


def test_rhythm() -> None:
    told = measure(TUNE)
    # Onsets at 0 12 24 36 and at 0 24: of 48 places two differ.
    assert told["groove_consistency"] == told["groove_similarity"] == pytest.approx(1 - 2 / 48)
    assert told["notes_per_bar"] == 3.0
    assert told["empty_beat_rate"] == 0.0
    assert told["off_beat_share"] == 0.0
    assert measure(piece([(6, 6, 60), (12, 6, 60)]))["off_beat_share"] == 0.5
    assert measure(piece([(0, 18, 60)]))["empty_beat_rate"] == pytest.approx(6 / 8)


def test_groove_similarity_takes_all_pairs_and_consistency_neighbours() -> None:
    # Bars 1 and 3 have an onset on beat 1, bar 2 has one on beat 2: it differs from both in two places.
    told = measure(piece([(0, 12, 60), (60, 12, 60), (96, 12, 60)], bars=3))
    assert told["groove_consistency"] == pytest.approx(1 - 2 / 48)
    assert told["groove_similarity"] == pytest.approx(1 - (2 + 2 + 0) / 3 / 48)


def test_harmony() -> None:
    told = measure(TUNE)
    # C E G are tones of C, C# is not; D is one of Dm7.
    assert told["chord_tone_share"] == pytest.approx(5 / 6)
    assert told["strong_chord_tone_share"] == 1.0  # C, G, D, D
    assert told["guide_tone_share"] == 0.0  # the change is met by D, the root of Dm7
    assert told["outside_share"] == pytest.approx(1 / 6)
    assert told["outside_left_by_step"] == 1.0  # C# to D
    assert told["inside_left_by_step"] == 0.0  # C-E, E-G, G-C#; D-D is no step, and the last leads nowhere
    assert told["chord_tone_ratio"] == 1.0  # C# goes on by a semitone: proper


def test_a_change_met_on_its_third_is_met_on_a_guide_tone() -> None:
    met = piece([(0, 12, 60), (BAR, 12, 65), (2 * BAR + 12, 12, 71)], bars=3, chords=("C", "Dm7", "G7"))
    assert measure(met)["guide_tone_share"] == 1.0  # F of Dm7; G7's first beat has no note, so it is not met at all


def test_consonance() -> None:
    # Over C E G: C has unison (1), E lies a minor sixth below (1), G a fourth below (0).
    assert measure(piece([(0, 12, 60)], 1, ("C",)))["pitch_consonance"] == pytest.approx(2 / 3)
    # F over C: fourth 0; over E: minor second -1; over G: minor seventh -1.
    assert measure(piece([(0, 12, 65)], 1, ("C",)))["pitch_consonance"] == pytest.approx(-2 / 3)
    # A quarter note of each weighs alike.
    assert measure(piece([(0, 12, 60), (12, 12, 65)], 1, ("C",)))["pitch_consonance"] == pytest.approx(0.0)


def test_tonal_distance() -> None:
    """By the six coordinates written out, for C over C major."""

    def place(pitch_class: int) -> np.ndarray:
        r = ((1.0, 7 * math.pi / 6), (1.0, 3 * math.pi / 2), (0.5, 2 * math.pi / 3))
        return np.array(
            [
                part
                for radius, a in r
                for part in (radius * math.sin(pitch_class * a), radius * math.cos(pitch_class * a))
            ]
        )

    chord = (place(0) + place(4) + place(7)) / 3
    near, far = (float(np.linalg.norm(place(c) - chord)) for c in (0, 6))
    assert measure(piece([(0, 12, 60)], 1, ("C",)))["tonal_distance"] == pytest.approx(near)
    assert far > near
    told = measure(piece([(0, 36, 60), (36, 12, 66)], 1, ("C",)))["tonal_distance"]
    assert told == pytest.approx(0.75 * near + 0.25 * far)


@pytest.mark.parametrize("meter", ["3/4", "6/8", "4/4"])
def test_no_notes_and_no_chords_are_undefined_or_nothing(meter: str) -> None:
    silent = measure(piece([], meter=meter))
    assert silent["pitches_used"] == silent["notes_per_bar"] == 0.0 and silent["empty_beat_rate"] == 1.0
    assert math.isnan(silent["pitch_entropy"]) and math.isnan(silent["chord_tone_share"])
    chordless = measure(piece([(0, 12, 60)], meter=meter, chords=("N.C.", "N.C.")))
    harmonic = {name for name, metric in PIECE_METRICS.items() if metric.function.__module__.endswith("harmony")}
    assert {name for name in harmonic if not math.isnan(chordless[name])} == set()


def test_every_metric_is_described_and_measured_for_all() -> None:
    assert all(metric.definition and metric.source for metric in PIECE_METRICS.values())
    rows = measure_all([read(TUNE), read(piece([]))])
    assert list(rows) == list(PIECE_METRICS) == list(measure(TUNE))
    assert all(values.shape == (2,) for values in rows.values())
    assert rows["pitches_used"].tolist() == [5.0, 0.0]


melodies = st.lists(
    st.tuples(st.integers(0, 7), st.integers(40, 80)), min_size=1, max_size=20, unique_by=lambda n: n[0]
)


@given(melodies, st.integers(-12, 12), st.sampled_from(["C", "Dm7", "G7", "F#m7b5", "Bb^7"]))
def test_shares_are_shares_and_keys_make_no_difference(
    notes: list[tuple[int, int]], semitones: int, symbol: str
) -> None:
    music = piece([(12 * at, 9, pitch) for at, pitch in sorted(notes)], chords=(symbol, symbol))
    moved = replace(
        music,
        notes=tuple(replace(note, pitch=note.pitch + semitones) for note in music.notes),
        chords=tuple(replace(span, chord=span.chord.transposed(semitones)) for span in music.chords),
    )
    told, other = measure(music), measure(moved)
    for name in PIECE_METRICS:
        assert told[name] == pytest.approx(other[name], nan_ok=True), name
        if name.endswith(("share", "rate", "ratio", "consistency", "similarity", "step")):
            assert math.isnan(told[name]) or 0.0 <= told[name] <= 1.0, name


def test_music21_counts_the_same_range_and_classes() -> None:
    music21 = pytest.importorskip("music21")
    stream = music21.stream.Stream([music21.note.Note(note.pitch) for note in TUNE.notes])
    assert measure(TUNE)["pitch_range"] == stream.analyze("ambitus").semitones
    assert measure(TUNE)["pitches_used"] == len({p.midi for p in stream.pitches})


def test_muspy_tells_the_same() -> None:
    muspy = pytest.importorskip("muspy")
    notes = [muspy.Note(note.onset, note.pitch, note.ticks, 64) for note in TUNE.notes]
    music = muspy.Music(resolution=12, tracks=[muspy.Track(notes=notes)])
    told = measure(TUNE)
    assert told["pitch_entropy"] == pytest.approx(muspy.pitch_entropy(music))
    assert told["pitch_range"] == muspy.pitch_range(music)
    assert told["pitches_used"] == muspy.n_pitches_used(music)
    assert told["scale_consistency"] == pytest.approx(muspy.scale_consistency(music))
