"""Lead sheets in MusicXML: what music21 and our own chart reader find in them, and what every file must satisfy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from rlcompose.charts.musicxml import read_musicxml
from rlcompose.errors import RlcomposeError
from rlcompose.musicxml import musicxml_text, write_musicxml
from rlcompose.score import Composition, Section
from rlcompose.style import style_names
from rlcompose.testing import melody
from rlcompose.theory.chord import QUALITIES, Chord

MakeComposition = Callable[[int], Composition]


def measures(piece: Composition) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(musicxml_text(piece)).iter("measure"))


def part_of(piece: Composition) -> Any:
    """The melody as music21 reads it; its warnings are errors, as everywhere here."""
    music21 = pytest.importorskip("music21")
    return music21.converter.parseData(musicxml_text(piece), format="musicxml").parts[0]


def ticks(quarters: float | Fraction) -> Fraction:
    return 12 * Fraction(quarters).limit_denominator(1000)


def check_with_music21(piece: Composition) -> None:
    """Notes, chords, bars, metre, key and tempo are the piece's."""
    from music21 import harmony, key, note, tempo

    part = part_of(piece)
    start = piece.meter.bar_ticks - piece.pickup if piece.pickup else 0
    symbols = part.recurse().getElementsByClass(harmony.Harmony)
    chords = [(start + ticks(symbol.getOffsetInHierarchy(part)), symbol) for symbol in symbols]
    spans = [span for span in piece.chords if span.end > start]
    for (onset, symbol), span in zip(chords, spans, strict=True):
        assert onset == max(span.onset, start)
        if span.chord.is_silent:
            assert isinstance(symbol, harmony.NoChord)
        else:
            assert (symbol.root().pitchClass, symbol.bass().pitchClass) == (span.chord.root, span.chord.bass)
    measures = part.getElementsByClass("Measure")
    assert len(measures) == piece.bars
    assert [measure.number for measure in measures] == [*range(not piece.pickup, piece.bars + (not piece.pickup))]
    assert ticks(measures[0].duration.quarterLength) == (piece.pickup or piece.meter.bar_ticks)
    assert {m.timeSignature.ratioString for m in measures if m.timeSignature} == {piece.meter.name}
    [signature] = part.recurse().getElementsByClass(key.Key)
    assert (signature.tonic.pitchClass, signature.mode) == (piece.key.tonic, piece.key.mode)
    [mark] = part.recurse().getElementsByClass(tempo.MetronomeMark)
    assert mark.getQuarterBPM() == pytest.approx(piece.tempo)
    melody = part.stripTies()
    notes = melody.recurse().getElementsByClass(note.Note)
    found = [(start + ticks(n.getOffsetInHierarchy(melody)), ticks(n.quarterLength), n.pitch.midi) for n in notes]
    assert found == [(Fraction(n.onset), Fraction(n.ticks), n.pitch) for n in piece.notes]


# --- read back ---


def test_music21_reads_the_same_music(any_composition: MakeComposition) -> None:
    for number in range(25):
        check_with_music21(any_composition(number))


@pytest.mark.parametrize("style", style_names())
def test_music21_reads_the_same_music_in_every_style(style: str, played: Callable[..., Composition]) -> None:
    check_with_music21(played(style, bars=8, seed=1))


def test_music21_hears_every_chord_as_it_is_written() -> None:
    from music21 import harmony

    chords = [Chord(2, number, -1, suffix) for number, q in enumerate(QUALITIES) for suffix in q.suffixes]
    part = part_of(melody(f"C4:{48 * len(chords)}", chords=" | ".join(chord.symbol for chord in chords), key="G"))
    # Our table keeps the plain fifth of these as their chord tone, or the sharp one; the symbol says a flat one.
    flat_fifths = {"maj7b5": (0, 4, 6, 11), "7b5#9": (0, 4, 6, 10), "7b5b9": (0, 4, 6, 10)}
    symbols = part.recurse().getElementsByClass(harmony.ChordSymbol)
    for chord, symbol in zip(chords, symbols, strict=True):
        tones = flat_fifths.get(chord.suffix, QUALITIES[chord.quality].tones)
        heard = {(pitch.pitchClass - 2) % 12 for pitch in symbol.pitches}
        assert heard >= set(tones), (chord.symbol, heard)


@pytest.mark.parametrize(
    ("symbol", "kind", "degrees"),
    [
        ("C7b9#9", "dominant", [("add", "9", "-1"), ("add", "9", "1")]),
        ("C13b9", "dominant-13th", [("alter", "9", "-1")]),  # a thirteenth chord has a ninth
        ("C9#11", "dominant-ninth", [("add", "11", "1")]),
        ("Cmaj7#5", "major-seventh", [("alter", "5", "1")]),
        ("C9sus4", "dominant-ninth", [("subtract", "3", "0"), ("add", "4", "0")]),
        ("Cm6/9", "minor-sixth", [("add", "9", "0")]),
        ("Cm11b5", "half-diminished", [("add", "9", "0"), ("add", "11", "0")]),
    ],
)
def test_chords_by_hand(symbol: str, kind: str, degrees: list[tuple[str, str, str]]) -> None:
    [bar] = measures(melody("C4:48", chords=symbol))
    [harmony] = bar.iter("harmony")
    parts = ("degree-type", "degree-value", "degree-alter")
    assert harmony.findtext("kind") == kind
    assert [tuple(degree.findtext(part) for part in parts) for degree in harmony.iter("degree")] == degrees
    assert harmony.find("kind").get("text") == symbol[1:]  # type: ignore[union-attr]


def test_our_own_reader_gives_every_chord_back() -> None:
    chords = [Chord(9, number, bass, s) for number, q in enumerate(QUALITIES) for s in q.suffixes for bass in (-1, 1)]
    piece = melody(f"C4:{48 * len(chords)}", chords=" | ".join(chord.symbol for chord in chords))
    chart = read_musicxml(musicxml_text(piece).encode(), "piece")
    read = [chord for bar in chart.progression.bars for chord in bar]
    assert read == chords


def test_our_own_reader_gives_key_metre_tempo_title_and_form_back() -> None:
    piece = replace(melody("-", chords="[A] Dm | G7 | [B] C | Am", key="F", meter="3/4", tempo=99), title="A & B <1>")
    chart = read_musicxml(musicxml_text(piece).encode(), "piece")
    assert (chart.key, chart.meter, chart.tempo, chart.title) == (piece.key, piece.meter, 99, "A & B <1>")
    assert [(section.label, len(section.bars)) for section in chart.progression.form] == [("A", 2), ("B", 2)]


# --- by hand ---


def test_a_bar_as_it_is_written() -> None:
    piece = melody("C4:6 D4:6 F#4:24 -", chords="C D7", key="C", tempo=100)
    [bar] = measures(piece)
    assert [
        (note.findtext("pitch/step"), note.findtext("pitch/alter"), note.findtext("duration"), note.findtext("type"))
        for note in bar.iter("note")
    ] == [("C", "0", "6", "eighth"), ("D", "0", "6", "eighth"), ("F", "1", "24", "half"), (None, None, "12", "quarter")]
    assert [note.findtext("accidental") for note in bar.iter("note")] == [None, None, "sharp", None]
    # D7 begins on the third beat, in the middle of the half note on the second.
    assert [(h.findtext("root/root-step"), h.findtext("offset")) for h in bar.iter("harmony")] == [
        ("C", None),
        ("D", "12"),
    ]
    assert bar.findtext("direction/direction-type/words") == "Swing"
    assert bar.find("direction/sound").get("tempo") == "100"  # type: ignore[union-attr]
    assert [e.text for e in bar.findall("direction/sound/swing/*")] == ["2", "1", "eighth"]


def test_accidentals_are_written_once_and_taken_back() -> None:
    [first, second] = measures(melody("Bb4 Bb4 B4 Bb5 B4 Bb4:36", chords="Gm | Eb"))
    assert [n.findtext("accidental") for n in first.iter("note")] == ["flat", None, "natural", "flat"]
    assert [n.findtext("accidental") for n in second.iter("note")] == [None, "flat"]


def test_a_tied_note_repeats_no_accidental() -> None:
    bars = measures(melody("C4:36 F#4:24 F#4:36", chords="D7"))
    assert [n.findtext("accidental") for n in bars[1].iter("note")] == [None, "sharp"]


def test_sections_have_rehearsal_marks_and_double_bars_and_the_piece_a_final_one() -> None:
    bars = measures(melody("C4:192", chords="[A] C | F | [B] G | C"))
    assert [bar.findtext("direction/direction-type/rehearsal") for bar in bars[1:]] == [None, "B", None]
    assert [bar.findtext("barline/bar-style") for bar in bars] == [None, "light-light", None, "light-heavy"]


def test_an_upbeat_is_measure_0_and_counts_for_nothing() -> None:
    piece = replace(melody("-:42 C4:6 D4:48", chords="C | G"), pickup=6, sections=(Section("A", 1, 1),))
    upbeat, first = measures(piece)
    assert (upbeat.get("number"), upbeat.get("implicit"), first.get("number"), first.get("implicit")) == (
        ("0", "yes", "1", None)
    )
    assert upbeat.findtext("harmony/root/root-step") == "C" and upbeat.find("barline") is None


def test_a_silent_bar_is_a_whole_measures_rest() -> None:
    [bar] = measures(melody("-", chords="C", meter="3/4"))
    [note] = bar.iter("note")
    assert note.find("rest").get("measure") == "yes" and note.findtext("duration") == "36"  # type: ignore[union-attr]


def test_low_melodies_stand_in_the_bass_clef() -> None:
    assert [measures(melody(note))[0].findtext("attributes/clef/sign") for note in ("C3", "C4")] == ["F", "G"]


def test_the_instrument_counts_from_1() -> None:
    text = musicxml_text(replace(melody("C4"), instrument=40))
    assert "<midi-program>41</midi-program>" in text


# --- what always holds ---


def test_bars_are_full_and_ties_tuplets_and_beams_are_closed(any_composition: MakeComposition) -> None:
    for number in range(100):
        piece = any_composition(number)
        tied: tuple[str, ...] | None = None
        for bar in measures(piece):
            notes = bar.findall("note")
            full = piece.pickup if bar.get("implicit") else piece.meter.bar_ticks
            assert sum(int(note.findtext("duration", "")) for note in notes) == full
            in_tuplet = False
            for note in notes:
                pitch = tuple(note.findtext(f"pitch/{part}", "") for part in ("step", "alter", "octave"))
                ties = [tie.get("type") for tie in note.iter("tie")]
                assert ("stop" in ties) == (tied is not None) and tied in (None, pitch)
                assert ties == [tie.get("type") for tie in note.iter("tied")]
                tied = pitch if "start" in ties else None
                marks = [mark.get("type") for mark in note.iter("tuplet")]
                assert ("start" in marks) <= (not in_tuplet)
                in_tuplet = in_tuplet or "start" in marks
                assert in_tuplet == (note.find("time-modification") is not None)
                in_tuplet = in_tuplet and "stop" not in marks
            assert not in_tuplet
        assert tied is None


def test_elements_stand_in_the_order_of_the_schema(any_composition: MakeComposition) -> None:
    # W3C MusicXML 4.0, the sequences of <note>, <harmony> and <attributes>.
    order = {
        "note": "pitch rest duration tie voice type dot accidental time-modification beam notations".split(),
        "harmony": "root kind bass degree offset".split(),
        "attributes": "divisions key time clef".split(),
    }
    for number in range(50):
        for bar in measures(any_composition(number)):
            for name, names in order.items():
                for element in bar.iter(name):
                    places = [names.index(child.tag) for child in element]
                    assert all(before <= after for before, after in pairwise(places))


def test_the_same_piece_gives_the_same_bytes_without_a_date(tmp_path: Path) -> None:
    piece = melody("C4:6 E4:42")
    write_musicxml(piece, tmp_path / "piece.musicxml")
    assert (tmp_path / "piece.musicxml").read_text(encoding="utf-8") == musicxml_text(piece)
    assert "encoding-date" not in musicxml_text(piece)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match="does not exist"):
        write_musicxml(melody("C4"), tmp_path / "no" / "piece.musicxml")
