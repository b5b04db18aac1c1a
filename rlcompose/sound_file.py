"""Sound files: WAV and FLAC of 16 or 24 bits, Ogg Vorbis and MP3, written block by block, whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any

from rlcompose.errors import RlcomposeError, missing_extra
from rlcompose.files import atomic_path
from rlcompose.mastering import SAMPLE_RATE, Stereo
from rlcompose.sound_formats import DEFAULT_BITS, FORMATS, check_format

WRITE_FRAMES = 65_536  # libsndfile overruns the stack if some formats are given a long piece at once (libsndfile #1095)
# 0 is the best quality: a constant 320 kbit/s of MP3, about 400 of Vorbis. These are about 200 and 190.
COMPRESSION: Mapping[str, Mapping[str, Any]] = {
    ".mp3": {"bitrate_mode": "VARIABLE", "compression_level": 0.1},
    ".ogg": {"compression_level": 0.4},
}


def write_sound(path: str | os.PathLike[str], sound: Stereo, bits: int = DEFAULT_BITS) -> None:
    """Write a sound file in the format of its name; `bits` a sample count in WAV and FLAC.

    Raises:
        RlcomposeError: The format is unknown, the file cannot be written, or soundfile is not installed.
    """
    ending = check_format(path, bits)
    kind, subtype = FORMATS[ending]
    soundfile = soundfile_module()
    with atomic_path(path) as temporary:
        try:
            with soundfile.SoundFile(
                temporary,
                "w",
                SAMPLE_RATE,
                2,
                format=kind,
                subtype=subtype or f"PCM_{bits}",
                **COMPRESSION.get(ending, {}),
            ) as file:
                for first in range(0, len(sound), WRITE_FRAMES):
                    file.write(sound[first : first + WRITE_FRAMES])
        except soundfile.SoundFileError as error:
            raise RlcomposeError(f"cannot write {path}: {error}") from error


def mp3_bytes(wav_path: str | os.PathLike[str]) -> bytes:
    """A WAV file as MP3, mono, about 45 kbit/s: a minute of a piece is a third of a megabyte.

    Raises:
        RlcomposeError: The file cannot be read or converted, or soundfile is not installed.
    """
    soundfile = soundfile_module()
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


def soundfile_module() -> Any:
    """The package soundfile, imported late."""
    try:
        import soundfile
    except ImportError as error:
        raise missing_extra("soundfile", "audio") from error
    return soundfile
