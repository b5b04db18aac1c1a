"""Which SoundFont gives the instruments: the one that was named, or the best one that is on this machine."""

from __future__ import annotations

import argparse
import importlib.machinery
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rlcompose.errors import RlcomposeError
from rlcompose.files import missing_file

SOUNDFONT_VARIABLE = "RLCOMPOSE_SOUNDFONT"
USER_FOLDER = Path("~/.local/share/rlcompose")
SYSTEM_FOLDERS = (Path("/usr/share/sounds/sf2"), Path("/usr/share/sounds/sf3"), Path("/usr/share/soundfonts"))
# Taken before the small default. By name, because add-on banks such as FluidR3_GS.sf2 do not play alone.
BETTER_NAMES = ("FluidR3_GM.sf2", "FluidR3Mono_GM.sf3", "MuseScore_General*.sf3")
DEFAULT_NAME = "default-GM.sf2"  # what the system's package manager has chosen
SMALL_NAME = "TimGM6mb.sf2"  # inside the pretty_midi package
BETTER = "apt-get install fluid-soundfont-gm, or see docs/sound.md"
HINT = f"played with the small SoundFont TimGM6mb; a better sound is one free file away: {BETTER}"
RIFF_HEADER_BYTES = 12
GIT_LFS_START = b"version https:"


def find_soundfont(named: str | os.PathLike[str] | None = None) -> Path:
    """The SoundFont to render with.

    In this order: `named`, $RLCOMPOSE_SOUNDFONT, the first *.sf2 or *.sf3 in ~/.local/share/rlcompose, FluidR3 or
    MuseScore's in the system's folders, the one inside the pretty_midi package, the system's default.

    Raises:
        RlcomposeError: The chosen file is missing or is no SoundFont (no other is taken instead), or none was found.
    """
    chosen = named or os.environ.get(SOUNDFONT_VARIABLE) or next(_installed(), None)
    if chosen is None:
        raise RlcomposeError(
            f'no SoundFont was found: pip install "rlcompose[audio]" brings a small one, --soundfont or '
            f"{SOUNDFONT_VARIABLE} name your own"
        )
    path = Path(chosen).expanduser()
    _check(path)
    return path


def hint_at_better_fonts(font: str | os.PathLike[str] | None) -> str:
    """Where a better sound comes from, if `font` is the small default one; else nothing."""
    return HINT if font is not None and Path(font).name == SMALL_NAME else ""


def _installed() -> Iterator[Path]:
    yield from sorted(USER_FOLDER.expanduser().glob("*.sf[23]"))
    for name in BETTER_NAMES:
        for folder in SYSTEM_FOLDERS:
            yield from sorted(folder.glob(name))
    package = importlib.machinery.PathFinder.find_spec("pretty_midi")
    if package and package.origin:
        yield from sorted(Path(package.origin).parent.glob("*.sf2"))
    yield from (path for folder in SYSTEM_FOLDERS if (path := folder / DEFAULT_NAME).exists())


def _check(path: Path) -> None:
    """Raise unless the file begins and is as long as a SoundFont: "RIFF", its size, "sfbk"."""
    if not path.exists():
        raise missing_file("SoundFont", path)
    if path.is_dir():
        raise RlcomposeError(f"{path} is a folder, not a SoundFont: name the .sf2 or .sf3 file in it")
    try:
        with path.open("rb") as file:
            header = file.read(max(RIFF_HEADER_BYTES, len(GIT_LFS_START)))
    except OSError as error:
        raise RlcomposeError(f"cannot read the SoundFont {path}: {error.strerror or error}") from error
    if header.startswith(GIT_LFS_START):
        raise RlcomposeError(f"{path} is not a SoundFont but a git-lfs pointer to one: fetch it with 'git lfs pull'")
    if header[:4] != b"RIFF" or header[8:12] != b"sfbk":
        raise RlcomposeError(f"{path} is not a SoundFont: it begins with {header[:4]!r}, not with a RIFF 'sfbk' header")
    expected, actual = int.from_bytes(header[4:8], "little") + 8, path.stat().st_size
    if actual < expected:
        raise RlcomposeError(f"the SoundFont {path} is cut short: {actual:,} of {expected:,} bytes; fetch it again")


def main(argv: Sequence[str] | None = None) -> int:
    """The command `python -m rlcompose.soundfont [FILE]`; the exit status is 0, or 2 for a damaged or missing file."""
    from rlcompose import command

    parser = command.Parser(
        prog="python -m rlcompose.soundfont",
        description="Check a SoundFont: its presets, and what it lacks for our bands. Without a file: the one that "
        "pieces are played with.",
        example="python -m rlcompose.soundfont ~/FluidR3_GM.sf2",
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="a .sf2 or .sf3 file")
    return command.run(_checked, parser, argv, _lines)


def _checked(arguments: argparse.Namespace) -> dict[str, Any]:
    from dataclasses import asdict

    from rlcompose.soundfont_check import check_soundfont

    found = check_soundfont(find_soundfont(arguments.file))
    if found.faults:
        raise RlcomposeError(f"{found.path} is damaged: {'; '.join(found.faults)}")
    return asdict(found) | {"is_default": arguments.file is None}


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    from rlcompose.soundfont_check import SoundFontCheck, report_lines

    values = {name: value for name, value in result.items() if name != "is_default"}
    yield from report_lines(SoundFontCheck(**values))
    if result["is_default"]:
        yield "played with: this one, the first in the search order of docs/sound.md"
    if Path(result["path"]).name == SMALL_NAME:
        yield f"better: {BETTER}"


if __name__ == "__main__":
    sys.exit(main())
