"""Which sound files can be written: a table without heavy imports, for the commands' help."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rlcompose.errors import RlcomposeError, unknown

BIT_DEPTHS = (16, 24)
DEFAULT_BITS = 24
DEFAULT_AUDIO = "wav"

# By the ending of the file's name: libsndfile's format, and its subtype where the bits do not decide it.
FORMATS: Mapping[str, tuple[str, str | None]] = {
    ".wav": ("WAV", None),
    ".flac": ("FLAC", None),
    ".ogg": ("OGG", "VORBIS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
LOSSY = frozenset({".ogg", ".mp3"})


def check_format(path: str | os.PathLike[str], bits: int = DEFAULT_BITS) -> str:
    """The ending of a sound file's name, in small letters.

    Raises:
        RlcomposeError: It is a folder or a format that cannot be written, or there are no such bits; the message names
            what is allowed.
    """
    if Path(path).is_dir():
        raise RlcomposeError(f"cannot write {path}: it is a folder, name a file in it")
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        raise unknown("sound format", ending or os.fspath(path), FORMATS)
    if bits not in BIT_DEPTHS:
        raise RlcomposeError(f"bits = {bits}: allowed are {' and '.join(map(str, BIT_DEPTHS))}")
    return ending
