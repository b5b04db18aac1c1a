"""The MIDI file that a composition becomes, read back by other libraries and by a strict reader of its bytes."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mido
import music21
import pretty_midi
import pytest

from rlcompose.arrange import AS_WRITTEN, USUAL, Playing
from rlcompose.errors import RlcomposeError
from rlcompose.midi import midi_bytes, midi_parts, write_midi
from rlcompose.score import ChordSpan, Composition, Note, Section
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


def read(composition: Composition, playing: Playing = USUAL) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(midi_bytes(composition, playing)))


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


def test_every_part_has_a_track_with_its_name_program_channel_volume_pan_and_reverb() -> None:
    file = read(piece(swing=True))
    assert [track.name for track in file.tracks] == ["", "melody", "piano", "bass", "drums"]
    for track, program, channel in zip(file.tracks[1:], (73, 0, 32, 32), (0, 1, 2, 9), strict=True):
        [change] = [message for message in track if message.type == "program_change"]
        assert (change.program, change.channel) == (program, channel)
        assert [m.control for m in track if m.type == "control_change"] == [7, 10, 91]
        assert {message.channel for message in track if not message.is_meta} == {channel}


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


@pytest.mark.parametrize("tempo", [60, 133, 301])
def test_straight_notes_lie_exactly_on_the_grid(tempo: int) -> None:
    assert melody_ticks(read(piece(tempo=tempo, swing=True), AS_WRITTEN)) == [0, 240, 480, 1920]


def test_swung_eighths_are_two_to_one_at_a_medium_tempo_and_even_at_a_fast_one() -> None:
    playing = Playing(humanize=False, laid_back=False)
    assert melody_ticks(read(piece(swing=True, tempo=140), playing))[1] == 320
    assert melody_ticks(read(piece(swing=True, tempo=300), playing))[1] == 240


def test_sections_and_chords_are_markers_where_they_begin() -> None:
    composition = replace(piece(), sections=(Section("A", 0, 1), Section("B", 1, 1)), title="Étude ✓")
    track = read(composition, Playing(count_in=1)).tracks[0]
    now, markers = 0, []
    for message in track:
        now += message.time
        if message.type == "marker":
            markers.append((now, message.text))
    assert markers == [
        (0, "N.C."), (1920, "[A]"), (1920, "C"), (3840, "[B]"), (3840, "G7"), (5760, "C"),
    ]  # fmt: skip
    assert track.name == "Étude ?"


def test_each_part_by_itself_is_a_file_of_the_same_length() -> None:
    parts = midi_parts(piece(swing=True), Playing(count_in=1))
    assert list(parts) == ["melody", "piano", "bass", "drums", "count-in"]
    files = [mido.MidiFile(file=io.BytesIO(content)) for content in parts.values()]
    assert len({sum(message.time for message in file.tracks[1]) for file in files}) == 1
    assert [file.tracks[1].name for file in files] == list(parts)


def test_the_same_piece_gives_the_same_bytes() -> None:
    assert midi_bytes(piece(swing=True)) == midi_bytes(piece(swing=True))


def test_a_piece_without_notes_is_a_midi_file_with_all_tracks() -> None:
    empty = Composition((), (), Key.parse("C major"), Meter(4, 4), 1, 120, "jazz", True)
    assert [track.name for track in read(empty).tracks] == ["", "melody", "piano", "bass", "drums"]


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


# --- read again ---


def melody_notes(content: bytes) -> list[pretty_midi.Note]:
    midi = pretty_midi.PrettyMIDI(io.BytesIO(content))
    return next((track.notes for track in midi.instruments if track.name == "melody"), [])


def test_the_straight_file_has_the_written_notes(any_composition: Callable[[int], Composition]) -> None:
    for number in range(60):
        composition = any_composition(number)
        content = midi_bytes(composition, USUAL.as_written())
        midi = pretty_midi.PrettyMIDI(io.BytesIO(content))
        found = [
            (round(midi.time_to_tick(n.start)), n.pitch, round(midi.time_to_tick(n.end))) for n in melody_notes(content)
        ]
        assert found == [(40 * note.onset, note.pitch, 40 * note.end) for note in composition.notes]


def test_the_performed_file_has_the_same_pitches_in_order(any_composition: Callable[[int], Composition]) -> None:
    for number in range(60):
        composition = any_composition(number)
        notes = sorted(melody_notes(midi_bytes(composition, Playing(count_in=1, intro=1))), key=lambda note: note.start)
        assert [note.pitch for note in notes] == [note.pitch for note in composition.notes]


@pytest.mark.parametrize("playing", [USUAL, USUAL.as_written(), Playing(count_in=2, intro=1)])
def test_a_strict_reader_accepts_every_file(playing: Playing, any_composition: Callable[[int], Composition]) -> None:
    for number in range(30):
        for style in ("jazz", "fiddle", "chinese_folk", "chorale"):
            check_standard_midi_file(midi_bytes(replace(any_composition(number), style=style), playing))


@pytest.mark.parametrize("style", ["jazz", "jig", "bach"])
def test_music21_reads_the_parts(style: str, played: Callable[..., Composition]) -> None:
    composition = played(style, 4, 1)
    score = music21.converter.parse(
        midi_bytes(composition, USUAL.as_written()), format="midi", quarterLengthDivisors=(12,)
    )
    assert isinstance(score, music21.stream.Score)
    melody = next(part for part in score.parts if part.partName == "melody")
    pitches = [note.pitch.midi for note in melody.recurse().notes if note.tie is None or note.tie.type == "start"]
    assert pitches == [note.pitch for note in composition.notes]


def check_standard_midi_file(content: bytes) -> None:
    """Raise unless the bytes are a Standard MIDI File 1.0 whose notes all begin, end and never overlap themselves.

    Written from the specification (MIDI Manufacturers Association, Standard MIDI Files 1.0, RP-001), without mido.
    """
    assert content[:8] == b"MThd\x00\x00\x00\x06"
    kind, tracks, division = (int.from_bytes(content[at : at + 2], "big") for at in (8, 10, 12))
    assert kind == 1 and division == 480
    at = 14
    for _ in range(tracks):
        assert content[at : at + 4] == b"MTrk"
        end = at + 8 + int.from_bytes(content[at + 4 : at + 8], "big")
        at += 8
        sounding: set[tuple[int, int]] = set()
        status, ended = 0, False
        while at < end:
            assert not ended, "something follows the end of the track"
            _, at = variable_length(content, at)
            if content[at] & 0x80:
                status = content[at]
                at += 1
            assert status & 0x80, "running status without a status"
            if status == 0xFF:
                number = content[at]
                length, at = variable_length(content, at + 1)
                expected = {0x2F: 0, 0x51: 3, 0x58: 4, 0x59: 2}.get(number, length)
                assert length == expected
                ended = number == 0x2F
                at += length
                status = 0
                continue
            assert 0x80 <= status < 0xF0
            size = 1 if status >> 4 in (0xC, 0xD) else 2
            data = content[at : at + size]
            at += size
            assert all(byte < 0x80 for byte in data)
            voice = (status & 0xF, data[0])
            if status >> 4 == 0x9 and data[1]:
                assert voice not in sounding, "a note begins that has not ended"
                sounding.add(voice)
            elif status >> 4 in (0x8, 0x9):
                assert voice in sounding, "a note ends that has not begun"
                sounding.remove(voice)
        assert at == end and ended and not sounding
    assert at == len(content)


def variable_length(content: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place behind it."""
    number = 0
    for _ in range(4):
        byte = content[at]
        at += 1
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            return number, at
    raise AssertionError("a number has more than four bytes")
