"""The command `python -m rlcompose.play FILE`: hear a piece, a MIDI file or a sound file through the loudspeakers."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rlcompose import command
from rlcompose.errors import RlcomposeError, missing_extra
from rlcompose.files import missing_file
from rlcompose.sound_formats import FORMATS

POLL_SECONDS = 0.05


class NoLoudspeakerError(RlcomposeError):
    """Nothing on this machine plays sound; the message names what the system said."""


def play_file(path: str | os.PathLike[str]) -> None:
    """Play a sound file to its end through pygame's mixer; Ctrl-C stops it.

    Raises:
        NoLoudspeakerError: There is no sound device.
        RlcomposeError: The file is missing or no sound file, or pygame-ce is not installed.
    """
    if not Path(path).is_file():
        raise missing_file("sound file", path)
    mixer = _mixer()
    try:
        mixer.init()
    except Exception as error:  # pygame.error, which cannot be named before pygame is there
        raise NoLoudspeakerError(f"this machine plays no sound ({error}): open {path} elsewhere") from error
    try:
        try:
            mixer.music.load(os.fspath(path))
        except Exception as error:
            raise RlcomposeError(f"cannot play {path}: {error}") from error
        mixer.music.play()
        while mixer.music.get_busy():
            time.sleep(POLL_SECONDS)
    finally:
        mixer.music.stop()
        mixer.quit()


def play_or_tell(path: str | os.PathLike[str]) -> None:
    """Play a sound file that has just been written; if that cannot be, say so on stderr, since the file is there."""
    try:
        print(f"playing {path} (Ctrl-C stops)", file=sys.stderr, flush=True)
        play_file(path)
    except RlcomposeError as error:
        print(f"rlcompose: warning: {command.one_line(str(error))}", file=sys.stderr)
    except KeyboardInterrupt:
        print("rlcompose: stopped", file=sys.stderr)


def _mixer() -> Any:
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # else importing it prints a banner
    try:
        from pygame import mixer
    except ImportError as error:
        raise missing_extra("pygame-ce", "audio") from error
    return mixer


def main(argv: Sequence[str] | None = None) -> int:
    """Play a file; the exit status is 0, 2 for a user's mistake or no loudspeaker, or 130 for Ctrl-C."""
    parser = command.Parser(
        prog="python -m rlcompose.play",
        description="Play a piece (.json), a MIDI file or a sound file aloud.",
        example="python -m rlcompose.play runs/jazz-ppo-1/pieces/after.json",
    )
    parser.add_argument("file", help="a .json of a piece, a .mid, or a .wav, .flac, .ogg or .mp3")
    parser.add_argument("--soundfont", metavar="FILE", help="a .sf2 or .sf3 file for a piece or a MIDI file")
    return command.run(_play, parser, argv)


def _play(arguments: argparse.Namespace) -> dict[str, Any]:
    path = Path(arguments.file)
    if not path.exists():
        raise missing_file("file to play", path)
    if path.suffix.lower() in FORMATS:
        play_file(path)
    else:
        from rlcompose.render import render_file

        with tempfile.TemporaryDirectory(prefix="rlcompose-") as folder:
            sound = Path(folder) / f"{path.stem}.wav"
            render_file(path, sound, arguments.soundfont)
            play_file(sound)
    return {"played": str(path)}


if __name__ == "__main__":
    sys.exit(main())
