"""MIDI to raw sound: by FluidSynth's own player into float blocks, or as plain tones where there is no FluidSynth.

`pretty_midi.fluidsynth()` would give one channel, leak pedals from one part into the next and turn a silent piece into
noise.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rlcompose.errors import RlcomposeError, missing_extra
from rlcompose.fluidsynth_library import FluidSynth
from rlcompose.mastering import SAMPLE_RATE, SHORTEST_SECONDS, Stereo

LONGEST_SECONDS = 7_200.0  # more than a file of a few gigabytes is a mistake in the MIDI's timing
BLOCK_FRAMES = 16_384
TAIL_SECONDS = 8.0  # the player itself would wait for voices that nobody hears any more, up to 12 s

# Explicit, because the defaults differ between FluidSynth's versions; so the same MIDI sounds the same with each.
SYNTH_SETTINGS: dict[str, int | float] = {
    "synth.reverb.active": 1,
    "synth.reverb.room-size": 0.35,
    "synth.reverb.damp": 0.3,
    "synth.reverb.width": 0.7,
    "synth.reverb.level": 0.7,
    "synth.chorus.active": 0,
    "synth.dynamic-sample-loading": 1,  # reads only the samples that are played; the sound is the same
    "synth.lock-memory": 0,
}
SYNTH_GAIN = 0.5  # must be a float: an int is ignored without a word

HARMONICS = (1.0, 0.4, 0.2, 0.1)  # of the fallback's tone
FALLBACK_DECAY = 2.0  # in 1/s
FALLBACK_FADE_SECONDS = 0.01
DRUM_CHANNEL = 9


@dataclass(frozen=True, slots=True)
class TimedNote:
    """A note of a MIDI file in seconds; a drum has no pitch."""

    start: float
    end: float
    pitch: int | None
    velocity: int


def parse_midi(content: bytes, name: str) -> tuple[float, list[TimedNote]]:
    """The length in seconds of a MIDI file and its notes."""
    try:
        import mido
    except ImportError as error:
        raise missing_extra("mido", "audio") from error
    if not content.startswith(b"MThd"):
        raise RlcomposeError(f"{name} is not a MIDI file: it begins with {content[:4]!r}, not with b'MThd'")
    try:
        file = mido.MidiFile(file=io.BytesIO(content), clip=True)
        seconds, notes = _timed_notes(file)
    except Exception as error:  # whatever a broken file leads mido to, from EOFError to its own KeySignatureError
        raise RlcomposeError(f"{name} is a damaged MIDI file: {error or type(error).__name__}") from error
    if not 0.0 <= seconds <= LONGEST_SECONDS:
        raise RlcomposeError(f"{name} would last {seconds:,.0f} s: allowed are up to {LONGEST_SECONDS:,.0f} s")
    return seconds, notes


def _timed_notes(file: Any) -> tuple[float, list[TimedNote]]:
    seconds = 0.0
    notes: list[TimedNote] = []
    begun: dict[tuple[int, int], tuple[float, int]] = {}

    def finish(channel: int, pitch: int) -> None:
        start, velocity = begun.pop((channel, pitch))
        notes.append(TimedNote(start, seconds, None if channel == DRUM_CHANNEL else pitch, velocity))

    for message in file:
        seconds += message.time
        if message.type in ("note_on", "note_off"):
            voice = (message.channel, message.note)
            if voice in begun:
                finish(*voice)
            if message.type == "note_on" and message.velocity:
                begun[voice] = (seconds, message.velocity)
    for voice in list(begun):
        finish(*voice)
    return seconds, notes


def silence(seconds: float) -> Stereo:
    """Nothing, for so long."""
    return np.zeros((round(max(seconds, SHORTEST_SECONDS) * SAMPLE_RATE), 2), dtype=np.float32)


def played_by_fluidsynth(library: FluidSynth, content: bytes, font: Path, midi_seconds: float) -> Stereo:
    """What FluidSynth's player makes of the MIDI, unmastered; by a new synth, because a used one keeps its reverb."""
    fluid: Any = library.bindings
    synth = fluid.Synth(gain=SYNTH_GAIN, samplerate=float(SAMPLE_RATE), channels=16, **SYNTH_SETTINGS)
    try:
        if synth.sfload(str(font), 1) < 0:  # 1: channels without a program change get a piano, not silence
            raise RlcomposeError(f"FluidSynth {library.version} cannot read the SoundFont {font}: it may be damaged")
        player = fluid.new_fluid_player(synth.synth)
        try:
            if fluid.fluid_player_add_mem(player, content, len(content)) < 0 or fluid.fluid_player_play(player) < 0:
                raise RlcomposeError(f"FluidSynth {library.version} cannot play this MIDI file")
            return np.concatenate(list(_player_blocks(fluid, synth, player, midi_seconds)))
        finally:
            fluid.delete_fluid_player(player)
    finally:
        synth.delete()


def _player_blocks(fluid: Any, synth: Any, player: Any, midi_seconds: float) -> Iterator[Stereo]:
    limit = round((midi_seconds + TAIL_SECONDS) * SAMPLE_RATE)
    for _ in range(0, limit, BLOCK_FRAMES):
        block = np.zeros((BLOCK_FRAMES, 2), dtype=np.float32)
        address = block.ctypes.data
        fluid.fluid_synth_write_float(synth.synth, BLOCK_FRAMES, address, 0, 2, address, 1, 2)
        yield block
        if fluid.fluid_player_get_status(player) != fluid.FLUID_PLAYER_PLAYING:
            return


def plain_sound(notes: list[TimedNote], midi_seconds: float) -> Stereo:
    """Every pitched note as a few decaying sines: the right notes at the right time, but no instrument and no drums."""
    frames = round((midi_seconds + FALLBACK_FADE_SECONDS) * SAMPLE_RATE) + 1
    mono = np.zeros(max(frames, round(SHORTEST_SECONDS * SAMPLE_RATE)), dtype=np.float64)
    for note in notes:
        if note.pitch is None:
            continue
        first = round(note.start * SAMPLE_RATE)
        seconds = np.arange(round((note.end - note.start + FALLBACK_FADE_SECONDS) * SAMPLE_RATE)) / SAMPLE_RATE
        hertz = 440.0 * 2.0 ** ((note.pitch - 69) / 12)
        tone = np.zeros_like(seconds)
        for order, weight in enumerate(HARMONICS, 1):
            if order * hertz < SAMPLE_RATE / 2:
                tone += weight * np.sin(2 * np.pi * order * hertz * seconds)
        edges = np.minimum(seconds, seconds[::-1]) / FALLBACK_FADE_SECONDS
        tone *= (note.velocity / 127) ** 2 * np.exp(-FALLBACK_DECAY * seconds) * np.minimum(edges, 1.0)
        mono[first : first + len(tone)] += tone[: len(mono) - first]
    return np.repeat(mono.astype(np.float32)[:, None], 2, axis=1)
