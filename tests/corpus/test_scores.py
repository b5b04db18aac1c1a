"""Scores that music21 reads: tiny files written here, with what they must become counted by hand.

Those of several voices are written as kern, which music21 reads as well.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from rlcompose.corpus.scores import read_score
from rlcompose.corpus.written import compose_written
from rlcompose.errors import RlcomposeError
from rlcompose.score import Composition
from rlcompose.style import load_style
from rlcompose.testing import melody

pytest.importorskip("music21")

KERN = """**kern	**kern
*M4/2	*M4/2
=1	=1
0G	0g
==	==
*-	*-
"""

NOTE = "<note>{grace}{chord}<pitch><step>{step}</step><octave>{octave}</octave></pitch>{time}</note>"


def note(step: str, octave: int, duration: int, grace: bool = False, chord: bool = False) -> str:
    time = "" if grace else f"<duration>{duration}</duration>"
    return NOTE.format(
        grace="<grace/>" if grace else "", chord="<chord/>" if chord else "", step=step, octave=octave, time=time
    )


def harmony(step: str, kind: str, alter: str = "") -> str:
    altered = f"<root-alter>{alter}</root-alter>" if alter else ""
    return f"<harmony><root><root-step>{step}</root-step>{altered}</root><kind>{kind}</kind></harmony>"


def musicxml(*bars: str) -> str:
    """A part in D minor, 3/4, two divisions a quarter note; the first bar is an upbeat."""
    measures = "".join(
        f'<measure number="{number}"{" implicit=" + chr(34) + "yes" + chr(34) if number == 0 else ""}>{bar}</measure>'
        for number, bar in enumerate(bars)
    )
    return (
        '<?xml version="1.0"?><score-partwise version="3.1"><movement-title>Air</movement-title>'
        '<part-list><score-part id="P1"><part-name>Melody</part-name></score-part></part-list>'
        f'<part id="P1">{measures}</part></score-partwise>'
    )


ATTRIBUTES = (
    "<attributes><divisions>2</divisions><key><fifths>-1</fifths><mode>minor</mode></key>"
    "<time><beats>3</beats><beat-type>4</beat-type></time></attributes>"
)


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_melody_chords_and_upbeat_of_a_musicxml_file(tmp_path: Path) -> None:
    text = musicxml(
        ATTRIBUTES + note("A", 4, 2),
        harmony("D", "minor") + note("D", 5, 4) + note("E", 5, 1, grace=True) + note("F", 5, 2),
        harmony("B", "major", "-1") + note("D", 5, 2) + note("B", 3, 2) + note("F", 5, 2, chord=True) + note("A", 4, 2),
    )
    tune = read_score(written(tmp_path, "air.musicxml", text))
    piece, lost = compose_written(tune, load_style("german_folk"))
    assert (piece.meter.name, piece.pickup, piece.bars, piece.key.name, lost) == ("3/4", 12, 3, "D minor", 0)
    assert [(n.onset, n.pitch) for n in piece.notes] == [(24, 69), (36, 74), (60, 77), (72, 74), (84, 77), (96, 69)]
    assert [(s.onset, s.chord.symbol) for s in piece.chords] == [(0, "N.C."), (36, "Dm"), (72, "Bb")]


def test_key_signature_without_a_mode_is_no_key(tmp_path: Path) -> None:
    text = musicxml(ATTRIBUTES.replace("<mode>minor</mode>", "") + note("A", 4, 6))
    assert read_score(written(tmp_path, "air.musicxml", text)).key is None


def test_chorale_has_four_voices(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match="it has too few voices: 2, a chorale has 4"):
        read_score(written(tmp_path, "a.krn", KERN), voice="top", is_chorale=True)


def test_chorale_is_its_soprano_with_chords_of_the_voices(tmp_path: Path) -> None:
    rows = ("48 55 64 72", "53 57 65 72", "43 59 65 74", "48 52 60 72")
    names = {
        48: "C",
        55: "G",
        64: "e",
        72: "cc",
        53: "F",
        57: "A",
        65: "f",
        43: "GG",
        59: "B",
        74: "dd",
        52: "E",
        60: "c",
    }
    spines = [[f"4{names[int(pitch)]}" for pitch in row.split()] for row in rows]
    lines = [["**kern"] * 4, ["*M4/4"] * 4, ["*C:"] * 4, ["=1"] * 4, *spines, ["=="] * 4, ["*-"] * 4]
    path = written(tmp_path, "c.krn", "\n".join("\t".join(line) for line in lines) + "\n")
    piece, _ = compose_written(read_score(path, voice="top", is_chorale=True), load_style("chorale"))
    assert [n.pitch for n in piece.notes] == [72, 72, 74, 72] and piece.key.name == "C major"
    assert [(s.onset, s.chord.symbol) for s in piece.chords] == [(0, "C"), (12, "F"), (24, "G7"), (36, "C")]


@pytest.fixture
def swung(tmp_path: Path) -> tuple[Composition, Path]:
    """Our own MIDI file of a melody in swung eighths, with the band beside it."""
    from rlcompose.midi import write_midi

    pytest.importorskip("pretty_midi")
    piece = melody("C4:6 E4:6 G4:6 E4:6 C4:12 D4:4 E4:4 F4:4 G4:48", style="jazz")
    write_midi(piece, tmp_path / "swung.mid")
    return piece, tmp_path / "swung.mid"


def test_midi_file_is_read_back_straight(swung: tuple[Composition, Path]) -> None:
    piece, path = swung
    again, _ = compose_written(read_score(path, is_swung=True), load_style("jazz"))
    assert [(n.onset, n.pitch) for n in again.notes] == [(n.onset, n.pitch) for n in piece.notes]
    assert again.tempo == piece.tempo


def test_midi_file_keeps_its_triplets_where_nothing_swings(swung: tuple[Composition, Path]) -> None:
    _, path = swung
    onsets = [onset for bar in read_score(path).bars for onset, _, _ in bar.notes]
    assert onsets[:4] == [0, Fraction(2, 3), 1, Fraction(5, 3)]


def test_file_that_is_no_score_is_told(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match="music21 cannot read it"):
        read_score(written(tmp_path, "a.musicxml", "<nothing"))
