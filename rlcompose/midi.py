"""A composition as a Standard MIDI File: as it is performed, or straight as it is written; the same bytes every time.

Track 0 has the title, tempo, metre and key, the chord symbols and the sections as markers. Each part has a track with
its name, program, volume, pan and reverb on a channel of its own; drums are on channel 10.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from typing import Any

from rlcompose.arrange import USUAL, Arrangement, Part, Playing, accompany
from rlcompose.arrange.mix import Mix
from rlcompose.errors import missing_extra
from rlcompose.files import write_atomically
from rlcompose.score import Composition
from rlcompose.theory.key import Key
from rlcompose.theory.meter import TICKS_PER_QUARTER

MIDI_TICKS_PER_QUARTER = 480  # 40 to one of our ticks, and fine enough for swing
TICK = MIDI_TICKS_PER_QUARTER // TICKS_PER_QUARTER
MINOR_MODES = frozenset({"minor", "dorian"})
MAJOR_SIGNATURES = ("Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B")  # from six flats to five sharps
MINOR_SIGNATURES = ("Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm", "Am", "Em", "Bm", "F#m", "C#m", "G#m")
MOST_FLATS = 6
VOLUME_CONTROL, PAN_CONTROL, REVERB_CONTROL = 7, 10, 91
# Of events at one place: what is set comes before what sounds, and a note ends before the next one begins.
SETTING, NOTE_OFF, NOTE_ON = 0, 1, 2
CHARSET = "latin-1"  # what the format's texts are written in; other letters become question marks

_Event = tuple[int, int, Any]  # MIDI tick, order within it, message


def write_midi(composition: Composition, path: str | os.PathLike[str], playing: Playing = USUAL) -> None:
    """Write the piece as the band plays it, with tempo, metre, key, chords and sections; whole or not at all.

    `playing.as_written()` writes every note on the straight grid.

    Raises:
        RlcomposeError: The file cannot be written, or mido is not installed.
    """
    write_atomically(path, midi_bytes(composition, playing))


def midi_bytes(composition: Composition, playing: Playing = USUAL, mix: Mix | None = None) -> bytes:
    """The content of the MIDI file that `write_midi` writes; `mix` sets volumes and pans for another SoundFont."""
    arrangement = accompany(composition, playing, mix)
    return _file(arrangement.music, arrangement.parts, _end(arrangement))


def midi_parts(composition: Composition, playing: Playing = USUAL, mix: Mix | None = None) -> dict[str, bytes]:
    """A MIDI file of each part that has notes, by the part's name; all begin and end together."""
    arrangement = accompany(composition, playing, mix)
    end = _end(arrangement)
    return {part.name: _file(arrangement.music, [part], end) for part in arrangement.parts if part.notes}


def _end(arrangement: Arrangement) -> int:
    """The MIDI tick at which the last note or the last bar ends, whichever is later."""
    music = arrangement.music
    ends = (_ticks(note.end, music) for part in arrangement.parts for note in part.notes)
    return max([music.total_ticks * TICK, *ends])


def _file(music: Composition, parts: Sequence[Part], end: int) -> bytes:
    mido = _mido()
    file = mido.MidiFile(type=1, ticks_per_beat=MIDI_TICKS_PER_QUARTER, charset=CHARSET)
    file.tracks.append(_track(_conductor(music), end))
    for part in parts:
        file.tracks.append(_track(_part(part, music), end))
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def _ticks(seconds: float, music: Composition) -> int:
    """The nearest MIDI tick, so that written ticks keep their places whatever the tempo."""
    return round(seconds * music.tempo / 60.0 * MIDI_TICKS_PER_QUARTER)


def _conductor(music: Composition) -> Iterator[_Event]:
    """What holds for all tracks."""
    from mido import MetaMessage

    if music.title:
        yield 0, SETTING, MetaMessage("track_name", name=_latin(music.title))
    yield 0, SETTING, MetaMessage("set_tempo", tempo=round(60e6 / music.tempo))
    meter = music.meter
    clocks = 24 * meter.beat_ticks // TICKS_PER_QUARTER  # of a metronome's click
    yield (
        0,
        SETTING,
        MetaMessage(
            "time_signature",
            numerator=meter.numerator,
            denominator=meter.denominator,
            clocks_per_click=clocks,
        ),
    )
    yield 0, SETTING, MetaMessage("key_signature", key=_signature(music.key))
    for section in music.sections:
        yield section.bar * meter.bar_ticks * TICK, SETTING, MetaMessage("marker", text=f"[{_latin(section.label)}]")
    for span in music.chords:
        if span.onset < music.total_ticks:
            yield span.onset * TICK, NOTE_OFF, MetaMessage("marker", text=span.chord.symbol)


def _part(part: Part, music: Composition) -> Iterator[_Event]:
    """One player's track."""
    from mido import Message, MetaMessage

    channel = part.channel
    yield 0, SETTING, MetaMessage("track_name", name=part.name)
    yield 0, SETTING, Message("program_change", channel=channel, program=part.program)
    for control, value in ((VOLUME_CONTROL, part.volume), (PAN_CONTROL, part.pan), (REVERB_CONTROL, part.reverb)):
        yield 0, SETTING, Message("control_change", channel=channel, control=control, value=value)
    for note in part.notes:
        start = _ticks(note.start, music)
        end = max(start + 1, _ticks(note.end, music))
        yield start, NOTE_ON, Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)
        yield end, NOTE_OFF, Message("note_off", channel=channel, note=note.pitch, velocity=0)


def _track(events: Iterator[_Event], end: int) -> Any:
    """The events in order, with the time between them, up to the end of the piece."""
    from mido import MetaMessage, MidiTrack

    track = MidiTrack()
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        message.time = tick - now
        now = tick
        track.append(message)
    track.append(MetaMessage("end_of_track", time=end - now))
    return track


def _signature(key: Key) -> str:
    """The key signature's name; dorian and mixolydian keep the signature of their notes."""
    names = MINOR_SIGNATURES if key.mode in MINOR_MODES else MAJOR_SIGNATURES
    return names[key.fifths + MOST_FLATS]


def _latin(text: str) -> str:
    return text.encode(CHARSET, "replace").decode(CHARSET)


def _mido() -> Any:
    try:
        import mido
    except ImportError as error:
        raise missing_extra("mido", "audio") from error
    return mido
