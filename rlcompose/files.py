"""Writing files whole: everything goes to a temporary name beside the target and is moved into place when complete."""

from __future__ import annotations

import contextlib
import difflib
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlcompose.errors import RlcomposeError


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path to write to; it becomes `path` when the block ends well and is deleted when it does not.

    A link is followed. What is there and is no ordinary file (/dev/stdout) is written to as it is.

    Raises:
        RlcomposeError: The folder does not exist or cannot be written to, or `path` is itself a folder.
    """
    try:
        if Path(path).is_dir():
            raise RlcomposeError(f"cannot write {path}: it is a folder, name a file in it")
        if Path(path).exists() and not Path(path).is_file():
            yield Path(path)
            return
        target = Path(os.path.realpath(path))
        if not target.parent.is_dir():
            raise RlcomposeError(f"cannot write {path}: the folder {target.parent} does not exist")
        temporary = target.with_name(f".{target.name[:80]}.{os.getpid()}.tmp")
        try:
            yield temporary
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise RlcomposeError(f"cannot write {path}: {error.strerror or error}") from error


def write_atomically(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file whole or not at all; text as UTF-8 with plain line feeds.

    Raises:
        RlcomposeError: The file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def make_folder(folder: Path) -> None:
    """Make a folder with its parents; that one is there already is no error."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RlcomposeError(f"cannot make the folder {folder}: {error.strerror or error}") from error


def read_toml(kind: str, path: Path) -> dict[str, Any]:
    """The values in a TOML file; `kind` is what an error calls it, as in "style file".

    Raises:
        RlcomposeError: It cannot be read, or it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RlcomposeError(f"cannot read the {kind} {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RlcomposeError(f"the {kind} {path} is not TOML: {error}") from None


def missing_file(kind: str, path: str | os.PathLike[str]) -> RlcomposeError:
    """The error for a file that is not there, with the nearest name in its folder: `kind` as in "MIDI file"."""
    wanted = Path(path)
    if wanted.exists():
        return RlcomposeError(f"{str(wanted)!r} is a {'folder' if wanted.is_dir() else 'file'} and no {kind}")
    names = [entry.name for entry in wanted.parent.iterdir()] if wanted.parent.is_dir() else []
    near = difflib.get_close_matches(wanted.name, names, n=1, cutoff=0.5)
    if near:
        hint = f"did you mean {str(wanted.with_name(near[0]))!r}?"
    elif names:
        hint = f"nothing in {str(wanted.parent)!r} has a similar name"
    else:
        hint = "its folder is empty or does not exist"
    return RlcomposeError(f"there is no {kind} {str(wanted)!r}: {hint}")
