"""A composition as a Standard MIDI File with the tracks `melody`, `chords` and `bass`, the same bytes every time."""

from __future__ import annotations

import io
import os
from types import ModuleType

from rlcompose.arrange import accompany
from rlcompose.arrange.arrangement import DRUM_CHANNEL
from rlcompose.errors import missing_extra
from rlcompose.files import write_atomically
from rlcompose.score import Composition
from rlcompose.theory.key import Key

MIDI_TICKS_PER_QUARTER = 480  # 40 to one of our ticks, and fine enough for swing
MINOR_MODES = frozenset({"minor", "dorian"})
VOLUME_CONTROL, PAN_CONTROL = 7, 10


def write_midi(composition: Composition, path: str | os.PathLike[str]) -> None:
    """Write the accompanied piece, swung if it swings, with tempo, metre and key; whole or not at all.

    Raises:
        RlcomposeError: The file cannot be written, or pretty_midi is not installed.
    """
    write_atomically(path, midi_bytes(composition))


def midi_bytes(composition: Composition) -> bytes:
    """The content of the MIDI file that `write_midi` writes."""
    pretty_midi = _pretty_midi()
    # The writer cuts the tempo's microseconds per quarter note down to a whole number; a thousandth more saves it from
    # losing one to the rounding of floats (120 bpm would be written as 120.00024).
    tempo = 60e6 / (round(60e6 / composition.tempo) + 1e-3)
    midi = pretty_midi.PrettyMIDI(resolution=MIDI_TICKS_PER_QUARTER, initial_tempo=tempo)
    meter = composition.meter
    midi.time_signature_changes.append(pretty_midi.TimeSignature(meter.numerator, meter.denominator, 0.0))
    midi.key_signature_changes.append(pretty_midi.KeySignature(_key_number(composition.key), 0.0))

    def midi_seconds(seconds: float) -> float:
        """The seconds of the nearest MIDI tick, by the file's own tempo."""
        ticks = round(seconds * composition.tempo / 60.0 * MIDI_TICKS_PER_QUARTER)
        return float(midi.tick_to_time(ticks))

    for part in accompany(composition).parts:
        track = pretty_midi.Instrument(part.program, part.channel == DRUM_CHANNEL, part.name)
        for control, value in ((VOLUME_CONTROL, part.volume), (PAN_CONTROL, part.pan)):
            track.control_changes.append(pretty_midi.ControlChange(control, value, 0.0))
        for note in part.notes:
            start, end = midi_seconds(note.start), midi_seconds(note.end)
            track.notes.append(pretty_midi.Note(note.velocity, note.pitch, start, end))
        midi.instruments.append(track)
    content = io.BytesIO()
    midi.write(content)
    return content.getvalue()


def _key_number(key: Key) -> int:
    """pretty_midi's number of the key signature: major from 0, minor from 12; the modes keep their signature."""
    major_tonic = key.fifths * 7 % 12
    return (major_tonic + 9) % 12 + 12 if key.mode in MINOR_MODES else major_tonic


def _pretty_midi() -> ModuleType:
    try:
        import pretty_midi
    except ImportError as error:
        raise missing_extra("pretty_midi", "audio") from error
    return pretty_midi  # type: ignore[no-any-return]  # it ships no types
