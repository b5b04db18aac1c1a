"""MIDI to a mastered WAV file: rendered by FluidSynth, trimmed, brought to -16 LUFS under a ceiling of -1 dBFS.

The synthesizer is driven through FluidSynth's own player into float blocks. `pretty_midi.fluidsynth()` would give one
channel, leak pedals from one part into the next and turn a silent piece into noise.
"""

from __future__ import annotations

import io
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlcompose.errors import RlcomposeError, missing_extra
from rlcompose.files import atomic_path, missing_file
from rlcompose.fluidsynth_library import FluidSynth, FluidSynthMissingError, load_fluidsynth
from rlcompose.soundfont import find_soundfont

Stereo = npt.NDArray[np.float32]  # shape (frames, 2), left and right, full scale at 1.0

SAMPLE_RATE = 44_100
TARGET_LUFS = -16.0
LOUDNESS_TOLERANCE = 0.1  # LU, of the mastering loop
MASTERING_ROUNDS = 6
CEILING_DBFS = -1.0  # between samples a player's filter overshoots a little
DEEPEST_LIMITING_DB = 15.0
LIMITER_SECONDS = 0.02  # look-ahead and release; shorter ones distort bass notes
SILENCE_PEAK = 1e-5  # -100 dBFS: what leaks at MIDI volume 0 is not music, and is not turned up
SHORTEST_SECONDS = 0.5  # the loudness of less than 0.4 s is not defined
LONGEST_SECONDS = 7_200.0  # more than a file of a few gigabytes is a mistake in the MIDI's timing
BLOCK_FRAMES = 16_384
TAIL_SECONDS = 8.0  # the player itself would wait for voices that nobody hears any more, up to 12 s
TAIL_END_DB = -70.0  # re peak
LEAD_END_DB = -50.0  # re peak; where the first sound is taken to begin
LEAD_SECONDS = 0.05  # kept before it
FADE_SECONDS = 0.05
WRITE_FRAMES = 65_536  # libsndfile overruns the stack if some formats are given a long piece at once (libsndfile #1095)

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
class RenderReport:
    """What was written: length, loudness and peak of the file as it is, and what played it.

    `lufs` and `peak_dbfs` are None for a silent piece. `lead_cut_seconds` is how much silence was cut off before the
    first note: the file's second 0 is that second of the MIDI. `warning` is empty if all went as asked.
    """

    path: str
    seconds: float
    lufs: float | None
    peak_dbfs: float | None
    soundfont: str | None
    engine: str
    lead_cut_seconds: float = 0.0
    warning: str = ""


@dataclass(frozen=True, slots=True)
class _TimedNote:
    """A note of a MIDI file in seconds; a drum has no pitch."""

    start: float
    end: float
    pitch: int | None
    velocity: int


def render_midi(
    midi: str | os.PathLike[str] | bytes,
    wav_path: str | os.PathLike[str],
    soundfont: str | os.PathLike[str] | None = None,
    require_fluidsynth: bool = False,
) -> RenderReport:
    """Render a MIDI file, or the bytes of one, to a 24-bit stereo WAV file; the same input gives the same bytes.

    Where there is no FluidSynth, plain tones are written instead; the report and stderr say so.

    Raises:
        RlcomposeError: The MIDI file or the SoundFont is missing or is none, the WAV file cannot be written, a package
            is not installed, or `require_fluidsynth` is set and there is no FluidSynth.
    """
    _soundfile(), _pyloudnorm()  # said before the work is done, not after
    content = midi if isinstance(midi, bytes) else _read(Path(midi))
    midi_seconds, notes = _parse(content, "the MIDI data" if isinstance(midi, bytes) else str(midi))
    font: Path | None = find_soundfont(soundfont) if soundfont else None
    warning = ""
    try:
        library = load_fluidsynth()
        font = font or find_soundfont()
        engine = f"FluidSynth {library.version}"
        sound = _fluidsynth_sound(library, content, font, midi_seconds) if notes else _silence(midi_seconds)
    except FluidSynthMissingError as error:
        if require_fluidsynth:
            raise
        font, engine, warning = None, "plain tones", f"plain tones were written instead of instruments. {error}"
        sound = _plain_sound(notes, midi_seconds)
    peak = float(np.abs(sound).max(initial=0.0))
    lead_cut = 0.0
    if peak < SILENCE_PEAK:
        reason = "its notes make no sound with this SoundFont" if notes else "it has no notes"
        warning = "; ".join(filter(None, [warning, f"the piece is silent: {reason}"]))
        sound = _silence(midi_seconds)
    else:
        sound, lead_cut = _trimmed(sound, peak)
        sound = _mastered(sound)
    _write_wav(wav_path, sound)
    if warning:
        print(f"rlcompose: warning: {warning}", file=sys.stderr)
    loudness, top = _loudness(sound), float(np.abs(sound).max())
    return RenderReport(
        path=str(wav_path),
        seconds=len(sound) / SAMPLE_RATE,
        lufs=round(loudness, 2) if math.isfinite(loudness) else None,
        peak_dbfs=round(20.0 * math.log10(top), 2) if top else None,
        soundfont=str(font) if font else None,
        engine=engine,
        lead_cut_seconds=round(lead_cut, 4),
        warning=warning,
    )


def _read(path: Path) -> bytes:
    if not path.exists():
        raise missing_file("MIDI file", path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise RlcomposeError(f"cannot read {path}: {error.strerror or error}") from error


def _parse(content: bytes, name: str) -> tuple[float, list[_TimedNote]]:
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


def _timed_notes(file: Any) -> tuple[float, list[_TimedNote]]:
    seconds = 0.0
    notes: list[_TimedNote] = []
    begun: dict[tuple[int, int], tuple[float, int]] = {}

    def finish(channel: int, pitch: int) -> None:
        start, velocity = begun.pop((channel, pitch))
        notes.append(_TimedNote(start, seconds, None if channel == DRUM_CHANNEL else pitch, velocity))

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


def _silence(seconds: float) -> Stereo:
    return np.zeros((round(max(seconds, SHORTEST_SECONDS) * SAMPLE_RATE), 2), dtype=np.float32)


def _fluidsynth_sound(library: FluidSynth, content: bytes, font: Path, midi_seconds: float) -> Stereo:
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


def _plain_sound(notes: list[_TimedNote], midi_seconds: float) -> Stereo:
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


def _trimmed(sound: Stereo, peak: float) -> tuple[Stereo, float]:
    """The sound without the silence around it, faded out, and the seconds that were cut off before it."""
    level = np.abs(sound).max(axis=1)
    first = int(np.argmax(level > peak * 10 ** (LEAD_END_DB / 20))) - round(LEAD_SECONDS * SAMPLE_RATE)
    first = max(0, first)
    fade = round(FADE_SECONDS * SAMPLE_RATE)
    last = int(np.flatnonzero(level > peak * 10 ** (TAIL_END_DB / 20))[-1])
    sound = sound[first : last + 1 + fade].copy()
    shortfall = round(SHORTEST_SECONDS * SAMPLE_RATE) - len(sound)
    if shortfall > 0:
        sound = np.pad(sound, ((0, shortfall), (0, 0)))
    sound[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None]
    return sound, first / SAMPLE_RATE


def _mastered(sound: Stereo) -> Stereo:
    """The sound at the target loudness under the ceiling; the limiter costs loudness, hence a few rounds.

    A few bare clicks stay softer: made as loud as music, they would be all limiter.
    """
    result: Stereo = sound / np.abs(sound).max()
    sound = result
    loudness, gain_db = _loudness(sound), 0.0
    for _ in range(MASTERING_ROUNDS):
        gain_db = min(gain_db + TARGET_LUFS - loudness, CEILING_DBFS + DEEPEST_LIMITING_DB)
        result = _limited(sound * np.float32(10 ** (gain_db / 20)))
        loudness = _loudness(result)
        if abs(loudness - TARGET_LUFS) <= LOUDNESS_TOLERANCE:
            break
    return result


def _limited(sound: Stereo) -> Stereo:
    """No sample above the ceiling: the smallest gain needed nearby, smoothed over as long as it was looked for."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    ceiling = 10 ** (CEILING_DBFS / 20)
    level = np.abs(sound).max(axis=1).astype(np.float64)
    if level.max() <= ceiling:
        return sound
    needed = ceiling / np.maximum(level, ceiling)
    frames = round(LIMITER_SECONDS * SAMPLE_RATE)
    gain: Stereo = uniform_filter1d(minimum_filter1d(needed, frames), frames).astype(np.float32)
    limited: Stereo = np.clip(sound * gain[:, None], -ceiling, ceiling)  # cuts what rounding leaves above, no more
    return limited


def _loudness(sound: Stereo) -> float:
    """Integrated loudness in LUFS after ITU-R BS.1770-4; -inf for silence."""
    return float(_pyloudnorm().Meter(SAMPLE_RATE).integrated_loudness(sound))


def _write_wav(path: str | os.PathLike[str], sound: Stereo) -> None:
    soundfile = _soundfile()
    with atomic_path(path) as temporary:
        try:
            with soundfile.SoundFile(temporary, "w", SAMPLE_RATE, 2, subtype="PCM_24", format="WAV") as file:
                for first in range(0, len(sound), WRITE_FRAMES):
                    file.write(sound[first : first + WRITE_FRAMES])
        except soundfile.SoundFileError as error:
            raise RlcomposeError(f"cannot write {path}: {error}") from error


def mp3_bytes(wav_path: str | os.PathLike[str]) -> bytes:
    """A WAV file as MP3, mono, about 45 kbit/s: a minute of a piece is a third of a megabyte.

    Raises:
        RlcomposeError: The file cannot be read or converted, or soundfile is not installed.
    """
    soundfile = _soundfile()
    content = io.BytesIO()
    quality = {"bitrate_mode": "VARIABLE", "compression_level": 0.7}
    try:
        with (
            soundfile.SoundFile(wav_path) as wav,
            soundfile.SoundFile(content, "w", wav.samplerate, 1, "MPEG_LAYER_III", format="MP3", **quality) as mp3,
        ):
            for block in wav.blocks(WRITE_FRAMES, dtype="float32", always_2d=True):
                mp3.write(block.mean(axis=1))
    except soundfile.SoundFileError as error:
        raise RlcomposeError(f"cannot convert {wav_path} to MP3: {error}") from error
    return content.getvalue()


def _soundfile() -> Any:
    try:
        import soundfile
    except ImportError as error:
        raise missing_extra("soundfile", "audio") from error
    return soundfile


def _pyloudnorm() -> Any:
    try:
        import pyloudnorm
    except ImportError as error:
        raise missing_extra("pyloudnorm", "audio") from error
    return pyloudnorm
