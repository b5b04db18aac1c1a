"""The MIDI file that a composition becomes, read back by another library."""

import io
from pathlib import Path

import mido
import pytest

from rlcompose.errors import RlcomposeError
from rlcompose.midi import midi_bytes, write_midi
from rlcompose.score import ChordSpan, Composition, Note
from rlcompose.theory.chord import parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter


def piece(key: str = "C major", meter: str = "4/4", swing: bool = False, tempo: int = 120) -> Composition:
    metre = Meter.parse(meter)
    chords = (
        ChordSpan(0, metre.bar_ticks, parse_chord("C")),
        ChordSpan(metre.bar_ticks, metre.bar_ticks, parse_chord("G7")),
    )
    notes = (Note(0, 72, 6), Note(6, 74, 6), Note(12, 76, 12), Note(metre.bar_ticks, 79, 12))
    return Composition(notes, chords, Key.parse(key), metre, 2, tempo, "test", swing, instrument=73)


def read(composition: Composition) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(midi_bytes(composition)))


def setting(file: mido.MidiFile, kind: str) -> mido.MetaMessage:
    return next(message for message in file.tracks[0] if message.type == kind)


def melody_ticks(file: mido.MidiFile) -> list[int]:
    """Onsets of the melody in MIDI ticks."""
    onsets, now = [], 0
    for message in next(track for track in file.tracks if track.name == "melody"):
        now += message.time
        if message.type == "note_on" and message.velocity:
            onsets.append(now)
    return onsets


def test_the_tracks_are_melody_chords_and_bass() -> None:
    file = read(piece())
    assert [track.name for track in file.tracks] == ["", "melody", "chords", "bass"]
    programs = [message.program for track in file.tracks for message in track if message.type == "program_change"]
    assert programs[0] == 73


@pytest.mark.parametrize("tempo", [60, 97, 120, 133, 240, 301])
def test_the_tempo_is_written_to_the_microsecond(tempo: int) -> None:
    assert setting(read(piece(tempo=tempo)), "set_tempo").tempo == round(60_000_000 / tempo)


def test_the_metre_is_written() -> None:
    found = setting(read(piece(meter="6/8")), "time_signature")
    assert (found.numerator, found.denominator) == (6, 8)


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        ("C major", "C"),
        ("Bb major", "Bb"),
        ("A minor", "Am"),
        ("F# minor", "F#m"),
        ("D dorian", "Am"),
        ("D mixolydian", "G"),
    ],
)
def test_the_key_signature_is_that_of_the_key_and_modes_keep_theirs(key: str, signature: str) -> None:
    assert setting(read(piece(key=key)), "key_signature").key == signature


def test_straight_notes_lie_exactly_on_the_grid() -> None:
    assert melody_ticks(read(piece(tempo=133))) == [0, 240, 480, 1920]


def test_swung_eighths_are_two_to_one_at_a_medium_tempo_and_even_at_a_fast_one() -> None:
    assert melody_ticks(read(piece(swing=True, tempo=140)))[1] == 320
    assert melody_ticks(read(piece(swing=True, tempo=300)))[1] == 240


def test_the_same_piece_gives_the_same_bytes() -> None:
    assert midi_bytes(piece(swing=True)) == midi_bytes(piece(swing=True))


def test_a_piece_without_notes_is_a_midi_file_with_all_tracks() -> None:
    empty = Composition((), (), Key.parse("C major"), Meter(4, 4), 1, 120, "test")
    assert [track.name for track in read(empty).tracks] == ["", "melody", "chords", "bass"]


def test_the_file_is_written_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_midi(piece(), tmp_path / "piece.mid")
    assert (tmp_path / "piece.mid").read_bytes() == midi_bytes(piece())
    assert [path.name for path in tmp_path.iterdir()] == ["piece.mid"]


def test_a_missing_folder_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match="the folder .*nowhere does not exist") as caught:
        write_midi(piece(), tmp_path / "nowhere" / "piece.mid")
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_place_to_write_to(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match="it is a folder"):
        write_midi(piece(), tmp_path)
