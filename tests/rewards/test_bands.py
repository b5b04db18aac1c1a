"""What is usual: the features counted by hand on pieces of 8 bars, the bands around them, and the terms that pay them.

A bar of four quarter notes is 4 notes and 3 intervals; eight of them have 31 intervals, 7 of which lead over a barline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from math import log2
from typing import Any

import numpy as np
import pytest

from rlcompose.bands import (
    FEATURE,
    FEATURES,
    HELD_OUT_OF,
    UNBOUNDED,
    band_edges,
    band_feature,
    feature_functions,
    is_held_out,
    outside_bands,
    shipped_bands,
    window_features,
)
from rlcompose.brief import make_brief
from rlcompose.codec import encode
from rlcompose.engine.core import Engine
from rlcompose.engine.moment import Moment
from rlcompose.errors import RlcomposeError
from rlcompose.reward import WeightedTerm, load_terms
from rlcompose.score import Composition
from rlcompose.style import load_style, style_names
from rlcompose.testing import melody, term_values

TERMS = {name: term for name, term in load_terms().items() if term.family == "bands"}
# What is asked of chords, of which a corpus may know nothing.
HARMONIC = {"chord_tone_share", "strong_chord_tone_share", "outside_share", "guide_tone_share"}


def piece(*bars: str, **said: Any) -> Composition:
    """Eight bars: those that are given, over and over."""
    return melody(" ".join((bars * 8)[:8]), **said)


def windows(composition: Composition) -> list[dict[str, float]]:
    """The features at each bar's end, from the eighth on."""
    encoding = encode(composition, load_style(composition.style))
    assert not encoding.dropped
    rows = window_features(encoding.brief, 0, encoding.actions).tolist()
    return [dict(zip(FEATURES, row, strict=True)) for row in rows]


def feature(name: str, composition: Composition) -> float:
    [window] = windows(composition)
    return window[name]


def bits(*counts: int) -> float:
    """The entropy of a histogram."""
    return -sum(n / sum(counts) * log2(n / sum(counts)) for n in counts)


# --- features ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bars", "value"),
    [
        (["C4 D4 E4 F4"], 4 / 8),  # the pulse of jazz is an eighth, 8 to a bar
        (["C4:6 D4:6 E4:6 F4:6 G4:6 A4:6 B4:6 C5:6"], 1),
        (["C4:3 D4:3 E4:6 F4 -:24"], 4 / 8),
        (["C4:48", "-:48"], 1 / 16),
    ],
)
def test_note_density(bars: list[str], value: float) -> None:
    assert feature("note_density", piece(*bars)) == pytest.approx(value)


def test_density_of_a_jig_is_counted_in_its_pulses_too() -> None:
    # A bar of 6/8 has 36 ticks, six eighths; five of them sound.
    jig = piece("G4:18 A4:6 B4:6 -:6", meter="6/8", style="fiddle", key="G", chords="G")
    assert feature("note_density", jig) == pytest.approx(3 / 6)
    assert feature("rest_share", jig) == pytest.approx(1 / 6)


@pytest.mark.parametrize(
    ("bars", "value"),
    [
        (["C4 D4 E4 F4"], 0),
        (["C4 D4 E4 -"], 1 / 4),
        (["C4 -:36", "-:48"], 7 / 8),
        (["C4 -:6 D4:6 E4:24"], 1 / 8),
    ],
)
def test_rest_share(bars: list[str], value: float) -> None:
    assert feature("rest_share", piece(*bars)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("bars", "value"),
    [
        (["C4 D4 E4 F4"], 32),  # one line
        (["C4 D4 E4 -"], 3),
        (["C4 - E4 -"], 1),
        (["C4 D4 E4 F4", "C4 D4 E4 -"], 7),  # 28 notes in four lines
    ],
)
def test_line_length(bars: list[str], value: float) -> None:
    assert feature("line_length", piece(*bars)) == value


@pytest.mark.parametrize(
    ("bars", "value"),
    [
        (["C4 D4 E4 F4"], 0),
        (["C4:6 D4:6 E4:6 F4:6 G4:24"], 2 / 5),
        (["-:6 C4 D4 E4 F4:6"], 1),  # every note an eighth late
        (["C4:8 D4:8 E4:8 F4:24"], 2 / 4),  # triplets: the second and third of them
    ],
)
def test_off_beat_share(bars: list[str], value: float) -> None:
    assert feature("off_beat_share", piece(*bars)) == value


@pytest.mark.parametrize(
    ("bars", "value"),
    [
        (["C4 D4 E4 F4"], 0),
        (["C4:6 D4 E4:6 F4:24"], 1 / 4),  # D sounds through beat 2, E ends with beat 2
        (["-:6 C4 D4 E4 F4:6"], 3 / 4),  # the last ends with the bar
        (["C4:18 D4:18 E4"], 1 / 3),  # D, from the and of 2 over beat 3 to beat 4
    ],
)
def test_syncopation(bars: list[str], value: float) -> None:
    assert feature("syncopation", piece(*bars)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("bars", "value"),
    [
        (["C4:3 D4:3 E4:6 F4:6 G4:6 A4:24"], 0),  # sixteenths and eighths
        (["C4:4 D4:4 E4:4 F4:36"], 2 / 4),
        (["C4:8 D4:8 E4:8 F4:24"], 2 / 4),
        (["C4:2 D4:2 E4:2 F4:36 -:6"], 2 / 4),
    ],
)
def test_triplet_share(bars: list[str], value: float) -> None:
    assert feature("triplet_share", piece(*bars)) == value


@pytest.mark.parametrize(
    ("bars", "value"),
    [
        (["C4 D4 E4 F4"], 0),  # a beat is not longer than a beat
        (["C4:24 D4 E4"], 1 / 3),
        (["C4:48", "C4:18 D4:6 E4 F4"], 2 / 5),
    ],
)
def test_held_share(bars: list[str], value: float) -> None:
    assert feature("held_share", piece(*bars)) == pytest.approx(value)


def test_dotted_quarter_is_a_beat_in_six_eight() -> None:
    assert feature("held_share", piece("G4:18 A4:18", meter="6/8", style="fiddle", key="G", chords="G")) == 0


@pytest.mark.parametrize(
    ("bars", "value"),
    [
        (["C4 D4 E4 F4"], 0),
        (["C4:24 D4 E4:6 F4:6"], 1.5),  # a quarter, a quarter, and a half of the notes
        (["C4:24 D4 E4"], bits(1, 2)),
        (["C4:24 D4:6 E4:6 F4"], bits(1, 2, 1)),
    ],
)
def test_length_variety(bars: list[str], value: float) -> None:
    assert feature("length_variety", piece(*bars)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("bars", "value"),
    [
        (["C4 D4 E4 F4"], 1),
        (["C4 D4 E4 F4", "C4:24 E4:24"], 2 / 4),  # two onsets in common of four
        (["C4 D4 E4 F4", "-:6 C4:6 D4:6 E4:6 F4:6 G4:6 A4:6 B4:6"], 3 / 8),  # 3 of the 8 eighths, without the first
        (["C4:48", "-:6 C4:36 -:6"], 0),
        # Four bars, four of silence: alike three times, once not at all, and silence is like silence three times.
        (["C4:48"] * 4 + ["-:48"] * 4, 6 / 7),
    ],
)
def test_bar_likeness(bars: list[str], value: float) -> None:
    assert feature("bar_likeness", piece(*bars)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("bars", "value"),
    [
        (["C4 D4 E4 F4"], 1),
        (["C4 D4 E4 F4", "E4:36 C4"], 2),
        (["C4:48", "D4:24 E4:24", "-:48"], 3),  # silence is a rhythm too
        (["C4:36 D4", "C4:48", "-:24 E4:24", "C4 D4 E4 F4"], 4),
        # The lengths do not matter, only where notes begin.
        (["C4 - E4 -", "C4:24 E4:24"], 1),
    ],
)
def test_rhythm_count(bars: list[str], value: float) -> None:
    assert feature("rhythm_count", piece(*bars)) == value


@pytest.mark.parametrize(
    ("bar", "steps", "thirds", "leaps", "repeats"),
    [
        ("C4 D4 E4 F4", 24, 0, 7, 0),  # up in steps, back by a fourth
        ("C4 D4 F4 C5", 8, 8, 15, 0),  # 2, 3 and 7 semitones up, an octave down
        ("C4 C4 D4 D4", 15, 0, 0, 16),
        ("C4 E4 G4 E4", 0, 31, 0, 0),
        ("C4 F4 C6 C4", 0, 0, 24, 7),  # two octaves are a leap as well
    ],
)
def test_shares_of_intervals(bar: str, steps: int, thirds: int, leaps: int, repeats: int) -> None:
    [window] = windows(piece(bar))
    told = [window[f"{kind}_share"] for kind in ("step", "third", "leap", "repeat")]
    assert told == pytest.approx([steps / 31, thirds / 31, leaps / 31, repeats / 31])


@pytest.mark.parametrize(
    ("bar", "turns", "ascents"),
    [
        ("C4 D4 E4 F4", 14, 24),  # F C and C D, at each of 7 barlines
        ("C4 D4 C4 D4", 30, 16),  # all but the first
        ("C4 D4 D4 C4", 0, 8),  # after a repeated note none is a turn
        ("C4 E4 D4 C4", 8, 8),  # E D in each bar; over the barline C is repeated
    ],
)
def test_turns_and_ascents(bar: str, turns: int, ascents: int) -> None:
    [window] = windows(piece(bar))
    assert (window["turn_share"], window["ascent_share"]) == pytest.approx((turns / 31, ascents / 31))


@pytest.mark.parametrize(
    ("bar", "value"),
    [
        ("C4 D4 C4 D4", 0),
        ("C4 D4 E4 F4", bits(16, 8, 7)),  # whole tones, half tones, fourths
        ("C4 C5 C4 E5", bits(16, 15)),  # octaves, and what is wider
    ],
)
def test_interval_variety(bar: str, value: float) -> None:
    assert feature("interval_variety", piece(bar)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("bar", "value"),
    [
        ("C4 D4 E4 F4", 2),
        ("C4 C5 C6 C5", 0),  # one class in three octaves
        ("C4 D4 C5 E4", 1.5),
        ("C4:4 C#4:4 D4:4 D#4:4 E4:4 F4:4 F#4:4 G4:4 G#4:4 A4:4 A#4:4 B4:4", log2(12)),
    ],
)
def test_pitch_class_variety(bar: str, value: float) -> None:
    assert feature("pitch_class_variety", piece(bar)) == pytest.approx(value)


def test_span_and_silent_bars() -> None:
    assert feature("span", piece("C4 D4 E4 G4")) == 7
    assert feature("span", piece("C4:48", "-:48", "G5:48")) == 19
    assert feature("span", piece("G4:48", "-:48")) == 0


@pytest.mark.parametrize(
    ("bars", "value"),
    [
        (["C4 D4 E4 F4"], 0),
        (["C4:48"] * 4 + ["G4:48"] * 4, 7),
        (["G4:48"] * 4 + ["C4:48"] * 4, 7),  # down as well as up
        (["C4:24 E4:24"] * 4 + ["C4:24 G4 -"] * 4, 1.5),  # a mean of 2 and of 3.5 semitones above C
        (["C4:48"] * 4 + ["-:48"] * 4, 0),  # one half is silent
    ],
)
def test_register_drift(bars: list[str], value: float) -> None:
    assert feature("register_drift", piece(*bars)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("bars", "value"),
    [
        # In bar 2, the seventh note is the first with which two intervals, C D E, return; from there on all do.
        (["C4 D4 E4 F4"], 26 / 32),
        (["C4:48"], 5 / 8),  # the third note has two intervals, the fourth has the same ones
        (["C4:48", "D4:48", "F4:48", "A#4:48", "G#4:48", "C#4:48", "B4:48", "E5:48"], 0),
        # D E F, up by 2 and by 1, returns as C D Eb.
        (["C4 D4 E4 F4", "C5:48", "A4 C4 D4 Eb4"] + ["-:48"] * 5, 1 / 9),
    ],
)
def test_motif_share(bars: list[str], value: float) -> None:
    assert feature("motif_share", piece(*bars)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"key": "C"}, 2 / 4),  # C and D
        ({"key": "Eb"}, 3 / 4),  # C, D and Eb
        ({"key": "C minor"}, 3 / 4),
    ],
)
def test_key_share(said: dict[str, str], value: float) -> None:
    assert feature("key_share", piece("C4 C#4 D4 D#4", chords="N.C.", **said)) == value


@pytest.mark.parametrize(
    ("bar", "chords", "tones", "strong", "outside"),
    [
        ("C4 D4 E4 F4", "C7", 1 / 2, 1, 0),  # C and E, on the strong beats 1 and 3
        ("D4 C4 F4 E4", "C7", 1 / 2, 0, 0),
        ("C4 C#4 D4 D#4", "C7", 1 / 4, 1 / 2, 1 / 2),
        ("Bb4:24 F#4:24", "C7", 1 / 2, 1 / 2, 1 / 2),  # the seventh; F# is in no scale of C7
        ("C4 C#4 D4 D#4", "N.C.", 0, 0, 0),  # nothing is wrong where there is no chord
    ],
)
def test_notes_over_chords(bar: str, chords: str, tones: float, strong: float, outside: float) -> None:
    [window] = windows(piece(bar, chords=chords))
    told = [window[name] for name in ("chord_tone_share", "strong_chord_tone_share", "outside_share")]
    assert told == [tones, strong, outside]


def test_bars_without_a_chord_do_not_count() -> None:
    # Under C7 there are C and C#, and under no chord F# alone.
    [window] = windows(piece("C4:24 C#4:24", "F#4:48", chords="C7 | N.C."))
    assert (window["chord_tone_share"], window["strong_chord_tone_share"], window["outside_share"]) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("bars", "value"),
    [
        (["F4:48", "B4:48"], 1),  # the thirds of Dm7 and G7
        (["C5:48", "F5:48"], 1),  # the sevenths
        (["F4:48", "G4:48"], 1 / 2),
        (["-:6 F4:36 -:6", "B4:48"], 1),  # within a beat
        (["- G4 - -", "B4:48"], 1),  # too late to meet Dm7: only the four changes to G7 are met
        (["- F4 - -"], 0),
        (["D4 F4 A4 C5", "G4 B4 D5 F5"], 0),  # only the first note under a chord
    ],
)
def test_guide_tone_share(bars: list[str], value: float) -> None:
    assert feature("guide_tone_share", piece(*bars, chords="Dm7 | G7")) == value


# --- windows ----------------------------------------------------------------------------------------------------------


def test_features_are_asked_for_at_each_bars_end_from_the_eighth_on() -> None:
    ten = melody(" ".join(["C4 D4 E4 F4"] * 8 + ["C4:24 C4:24", "-:48"]))
    # The notes of eight bars: 8 x 4; 7 x 4 and 2; 6 x 4 and 2.
    assert [window["note_density"] * 64 for window in windows(ten)] == pytest.approx([32, 30, 26])
    assert windows(melody(" ".join(["C4 D4 E4 F4"] * 7))) == []


def test_silent_windows_are_left_out() -> None:
    silent_from_bar_two = melody(" ".join(["C4:48"] + ["-:48"] * 9))
    assert len(windows(silent_from_bar_two)) == 1


def test_event_that_lasts_over_a_barline_is_asked_about_once() -> None:
    # From the third beat of bar 8 to that of bar 9: the bar that ends is the eighth.
    long = melody(" ".join(["C4:48"] * 7 + ["C4:24 D4:48 E4:24"]))
    rows = windows(long)
    assert [row["note_density"] * 64 for row in rows] == pytest.approx([9, 9])


# --- the list of features ---------------------------------------------------------------------------------------------


def term_of_feature() -> dict[str, str]:
    """The term that pays each feature: the one whose value changes with its band."""
    functions = feature_functions()
    found: dict[str, str] = {}
    for name, term in TERMS.items():
        named = {word for word in term.function.__code__.co_names if word in functions}
        assert len(named) == 1, name
        found[named.pop()] = name
    return found


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_has_function_term_and_description(name: str) -> None:
    least, description = FEATURES[name]
    function = feature_functions()[name]
    assert function.__name__ == name and least > 0 and len(description) > 4
    term = TERMS[term_of_feature()[name]]
    assert (term.at, term.low, term.high) == ("bar_end", -1, 0) and term.name.startswith("usual_")
    # It asks for the band of its own feature.
    assert name.upper() in term.function.__code__.co_names
    assert term.function.__globals__[name.upper()] == FEATURE[name]


def test_there_is_a_term_for_each_feature() -> None:
    assert sorted(term_of_feature()) == sorted(FEATURES) and len(TERMS) == len(FEATURES)


@pytest.mark.parametrize("family", style_names())
def test_every_style_has_five_ascending_percentiles_of_each_feature(family: str) -> None:
    known = shipped_bands()[family]
    assert set(FEATURES) - set(known) <= HARMONIC and set(known) <= set(FEATURES)
    for name, percentiles in known.items():
        assert len(percentiles) == 5 and list(percentiles) == sorted(percentiles), name
        if name.endswith(("_share", "syncopation", "likeness")):
            assert percentiles[0] >= 0, name
            assert name == "rest_share" or percentiles[-1] <= 1, name


def test_bands_are_of_styles_that_exist() -> None:
    assert sorted(shipped_bands()) == sorted(style_names())


def test_feature_that_is_not_listed_is_refused_with_the_nearest() -> None:
    def note_densty(m: Moment) -> float:
        return 0.0

    with pytest.raises(RlcomposeError, match="unknown feature 'note_densty': did you mean 'note_density'"):
        band_feature(note_densty)


# --- bands ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", style_names())
def test_outer_edges_keep_their_distance(family: str) -> None:
    for name, told in shipped_bands()[family].items():
        low, quarter, three_quarters, high = band_edges(family, name)
        least = FEATURES[name][0] * 0.999  # but for the last bit
        assert quarter - low >= least and high - three_quarters >= least, name
        assert (quarter, three_quarters) == (told[1], told[3]) and low <= told[0] and told[4] <= high


def test_band_without_width_is_widened() -> None:
    # No Chinese tune of the corpus has a triplet: all five percentiles are 0.
    assert shipped_bands()["chinese_folk"]["triplet_share"] == (0, 0, 0, 0, 0)
    assert band_edges("chinese_folk", "triplet_share") == (-0.03, 0, 0, 0.03)


def test_wide_band_stays_as_it_is() -> None:
    low, quarter, _, three_quarters, high = shipped_bands()["jazz"]["chord_tone_share"]
    assert band_edges("jazz", "chord_tone_share") == (low, quarter, three_quarters, high)


@pytest.mark.parametrize(("family", "name"), [("chinese_folk", "guide_tone_share"), ("polka", "span")])
def test_what_is_not_known_has_a_band_without_end(family: str, name: str) -> None:
    assert band_edges(family, name) == (-UNBOUNDED, -UNBOUNDED, UNBOUNDED, UNBOUNDED)


def test_windows_outside_the_bands_are_counted() -> None:
    # The middle nine tenths of the densities in Chinese tunes are 0.5625 to 1.188.
    assert shipped_bands()["chinese_folk"]["note_density"][::4] == (0.5625, 1.188)
    rows = np.full((5, len(FEATURES)), 0.0)
    rows[:, FEATURE["note_density"]] = [0.5, 0.5625, 1.0, 1.188, 1.2]
    rows[:, FEATURE["guide_tone_share"]] = 99  # of which nothing is known
    shares = outside_bands("chinese_folk", rows)
    assert shares.shape == (len(FEATURES),)
    assert shares[FEATURE["note_density"]] == 2 / 5 and shares[FEATURE["guide_tone_share"]] == 0
    assert shares[FEATURE["line_length"]] == 1 and shares[FEATURE["rest_share"]] == 0


def test_percentile_itself_is_inside_however_it_was_rounded() -> None:
    for family, bands in shipped_bands().items():
        for edge in (0, 4):
            row = np.zeros((1, len(FEATURES)))
            for name, percentiles in bands.items():
                row[0, FEATURE[name]] = percentiles[edge] * (1 + (1 if edge else -1) * 5e-4)  # four digits stand there
            assert not outside_bands(family, row).any()


@pytest.mark.parametrize("family", ["jazz", "polka"])
def test_no_window_is_outside_nowhere(family: str) -> None:
    assert outside_bands(family, np.zeros((0, len(FEATURES)))).tolist() == [0.0] * len(FEATURES)
    assert not outside_bands("polka", np.full((3, len(FEATURES)), 1e6)).any()


def test_one_group_in_five_is_held_out() -> None:
    groups = [f"Performer {number}" for number in range(2000)]
    held = [is_held_out(group) for group in groups]
    # 2000 draws of one in five: four deviations are 72.
    assert abs(sum(held) - 2000 / HELD_OUT_OF) < 72
    assert held == [is_held_out(group) for group in groups], "a group stays on its side"
    assert is_held_out("Anna") == (hashlib.sha256(b"Anna").digest()[0] % 5 == 0)


# --- terms ------------------------------------------------------------------------------------------------------------

HAMMERED = "C4:3 " * 16  # a bar of one note
UP, DOWN = "C4:6 D4:6 E4:6 F4:6 G4:6 A4:6 B4:6 C5:6", "B4:6 A4:6 G4:6 F4:6 E4:6 D4:6 E4:6 D4:6"
CHROMATIC = ("C4:6 C#4:6 D4:6 D#4:6 E4:6 F4:6 F#4:6 G4:6", "G#4:6 A4:6 A#4:6 B4:6 C5:6 B4:6 A#4:6 A4:6")


@pytest.mark.parametrize("name", TERMS)
def test_term_is_zero_before_the_eighth_bars_end(name: str) -> None:
    values = term_values(name, melody(HAMMERED * 9))
    ends = values[15::16]
    assert [value for number, value in enumerate(values) if number % 16 != 15] == [0] * (9 * 15), "only at a bar's end"
    assert ends[:7] == [0] * 7 and all(-1 <= value <= 0 for value in ends[7:])


# What the docstrings say, over C in C where nothing else is told; a style left out is jazz.
@pytest.mark.parametrize(
    ("name", "bars", "value"),
    [
        ("usual_density", ["-:48"], -1),
        ("usual_density", [UP], -0.4),  # 1 of a band of 0.5469 to 0.8281, beyond which it falls to 1.266
        ("usual_rests", [UP], -1),
        ("usual_rests", ["C4 D4 E4 -"], 0),
        ("usual_rests", ["C4 D4 E4:6 -:18"], -0.4),
        ("usual_line_length", ["C4 - E4 -"], -1),
        ("usual_off_beats", ["C4 D4 E4 F4"], -1),
        ("usual_syncopation", ["-:6 C4 D4 E4 F4:6"], -1),
        ("usual_triplets", ["C4:4 D4:4 E4:4 " * 4], -1),
        ("usual_held_notes", ["C4:48"], -1),
        ("usual_length_variety", [UP], -1),
        ("usual_bar_likeness", [UP], -1),
        ("usual_rhythm_count", [UP], -1),
        ("usual_steps", [UP, DOWN], -1),
        ("usual_thirds", [UP, DOWN], -1),
        ("usual_leaps", [UP, DOWN], -1),
        ("usual_repeats", ["C4 C4 C4 C4"], -1),
        ("usual_turns", ["C4 D4 C4 D4"], -1),
        ("usual_ascents", ["C6:6 B5:6 A5:6 G5:6 F5:6 E5:6 D5:6 C5:6", "B4:6 A4:6 G4:6 F4:6 E4:6 D4:6 C4"], -1),
        ("usual_interval_variety", ["C4 D4 E4 F#4", "G#4 F#4 E4 D4"], -1),
        ("usual_pitch_class_variety", ["C4 D4 C4 D4"], -1),
        ("usual_span", ["C4 F#6 C4 F#6"], -1),
        ("usual_register_drift", ["C4 D4 E4 C4"] * 4 + ["C6 D6 E6 C6"] * 4, -1),
        ("usual_motifs", ["C4 D4 E4 G4"], -1),
        ("usual_chord_tones", ["C4 E4 G4 C5"], -1),
        ("usual_strong_chord_tones", ["C4 D4 E4 F4"], -1),
        ("usual_outside_notes", CHROMATIC, -0.6),
    ],
)
def test_term_gives_what_its_docstring_says(name: str, bars: Sequence[str], value: float) -> None:
    assert term_values(name, piece(*bars))[-1] == pytest.approx(value, abs=0.05 if -1 < value < 0 else 0)


def test_guide_tones_at_every_change_are_unusual() -> None:
    assert term_values("usual_guide_tones", piece("F4:48", "B4:48", chords="Dm7 | G7"))[-1] == -1
    # One in four, which lies within the middle half of the solos: 0 to 0.3333.
    assert term_values("usual_guide_tones", piece("F4:48", "G4:48", "D4:48", "G4:48", chords="Dm7 | G7"))[-1] == 0


@pytest.mark.parametrize(
    ("name", "style", "bars", "value"),
    [
        ("usual_off_beats", "chorale", ["C4 D4 E4 F4"], -1),
        ("usual_off_beats", "chorale", ["C4 D4:6 E4:6 F4 G4", "A4 G4 F4 -"], 0),
        ("usual_triplets", "fiddle", ["C4:4 D4:4 E4:4 " * 4], -1),
        ("usual_held_notes", "fiddle", ["C4:36 D4"], -1),
        ("usual_outside_notes", "chorale", CHROMATIC, -1),
        *(("usual_key_share", style, CHROMATIC, -1) for style in ("chinese_folk", "fiddle", "german_folk")),
        *(("usual_repeats", style, ["C4 C4 C4 C4"], -1) for style in style_names()),
        *(("usual_interval_variety", style, ["C4 D4 E4 F#4", "G#4 F#4 E4 D4"], -1) for style in style_names()),
        *(("usual_pitch_class_variety", style, ["C4 D4 C4 D4"], -1) for style in style_names()),
    ],
)
def test_docstring_is_right_about_other_styles(name: str, style: str, bars: Sequence[str], value: float) -> None:
    assert term_values(name, piece(*bars, style=style))[-1] == value


def without_band() -> list[tuple[str, str]]:
    """Styles and the features of which they know nothing."""
    return [(style, name) for style, bands in shipped_bands().items() for name in FEATURES if name not in bands]


@pytest.mark.parametrize(("style", "name"), without_band())
def test_what_a_style_does_not_know_costs_nothing(style: str, name: str) -> None:
    for bars in ([HAMMERED], CHROMATIC, ["F4 B4 E4 C5"], ["-:24 C4 -"]):
        assert not any(term_values(term_of_feature()[name], piece(*bars, chords="Dm7 | G7", style=style)))


def test_some_style_knows_nothing_of_chords() -> None:
    assert ("chinese_folk", "guide_tone_share") in without_band() and {name for _, name in without_band()} == HARMONIC


@pytest.mark.parametrize("style", style_names())
def test_terms_pay_the_place_of_the_feature_in_the_styles_band(style: str) -> None:
    engine = Engine(make_brief(style, {"bars": 24}), [WeightedTerm(term, 1.0) for term in TERMS.values()], num_envs=4)
    engine.reset(range(4))
    functions, names = feature_functions(), {term: name for name, term in term_of_feature().items()}
    rng = np.random.default_rng(0)
    paid = set()
    while not engine.state.done.all():
        engine.state.actions[:] = [rng.choice(np.flatnonzero(mask)) for mask in engine.state.mask]
        running = np.flatnonzero(~engine.state.done).tolist()
        engine.midway()
        for row in running:
            moment = engine.moment(row)
            for number, term in enumerate(engine.names[:-1]):
                value, expected = engine.state.account[row, number], 0.0
                if moment.ends_bar and moment.bar >= 7:
                    expected = place(functions[names[term]](moment), band_edges(style, names[term]))
                    paid.add(term)
                assert value == pytest.approx(expected, abs=1e-12), term
        engine.finish_step()
    assert len(paid) == len(FEATURES)


def place(value: float, edges: tuple[float, float, float, float]) -> float:
    """0 in the middle half of a band, from there in a straight line to -1 at the outer edges, and no further."""
    return float(np.interp(value, edges, [-1, 0, 0, -1])) if edges[0] > -UNBOUNDED else 0.0
