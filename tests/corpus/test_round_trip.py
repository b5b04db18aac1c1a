"""What the package writes as ABC, MusicXML and MIDI, its readers read back: two hands wrote the two sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rlcompose.abc_notation import write_abc
from rlcompose.corpus.sources import read_pieces
from rlcompose.midi import write_midi
from rlcompose.musicxml import write_musicxml
from rlcompose.score import Composition
from rlcompose.style import load_style


def read_back(path: Path, piece: Composition) -> Composition:
    (found,) = read_pieces(load_style(piece.style), path)
    assert found.lost == 0
    return found.composition


def sounding(piece: Composition) -> Iterator[tuple[int, int, int]]:
    return ((note.onset, note.ticks, note.pitch) for note in piece.notes)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("style", ["fiddle", "jazz"])
def test_abc(played: Callable[..., Composition], tmp_path: Path, style: str, seed: int) -> None:
    piece = played(style, bars=8, seed=seed)
    write_abc(piece, tmp_path / "piece.abc")
    again = read_back(tmp_path / "piece.abc", piece)
    assert list(sounding(again)) == list(sounding(piece))
    assert (again.key, again.meter, again.bars, again.tempo) == (piece.key, piece.meter, piece.bars, piece.tempo)
    assert [span.chord.symbol for span in again.chords] == [span.chord.symbol for span in piece.chords]


@pytest.mark.parametrize("seed", range(2))
def test_musicxml(played: Callable[..., Composition], tmp_path: Path, seed: int) -> None:
    pytest.importorskip("music21")
    piece = played("fiddle", bars=8, seed=seed)
    write_musicxml(piece, tmp_path / "piece.musicxml")
    again = read_back(tmp_path / "piece.musicxml", piece)
    assert list(sounding(again)) == list(sounding(piece))
    assert (again.key, again.meter, again.bars) == (piece.key, piece.meter, piece.bars)


@pytest.mark.parametrize("seed", range(2))
def test_midi(played: Callable[..., Composition], tmp_path: Path, seed: int) -> None:
    pytest.importorskip("music21")
    pytest.importorskip("pretty_midi")
    piece = played("fiddle", bars=8, seed=seed)
    write_midi(piece, tmp_path / "piece.mid")
    again = read_back(tmp_path / "piece.mid", piece)
    # Of a MIDI file the sounding lengths are the player's; the bars end with the last note.
    assert [(n.onset, n.pitch) for n in again.notes] == [(n.onset, n.pitch) for n in piece.notes]
    assert (again.meter, again.tempo) == (piece.meter, piece.tempo)
