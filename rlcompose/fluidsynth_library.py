"""Finding libfluidsynth without root: an environment variable, the system, then the copy in the pygame-ce wheel."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import functools
import importlib.machinery
import importlib.util
import io
import logging
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from rlcompose.errors import RlcomposeError, missing_extra

LIBRARY_VARIABLE = "RLCOMPOSE_FLUIDSYNTH"  # path of the one library to use
ORDER_VARIABLE = "RLCOMPOSE_FLUIDSYNTH_ORDER"  # "wheel" tries the wheel's copy before the system's
OLDEST_VERSION = (2, 1)
SYSTEM_NAMES = ("fluidsynth", "fluidsynth-3", "libfluidsynth-3", "libfluidsynth", "libfluidsynth-2")
# Where macOS's dynamic linker does not look by itself (Homebrew on Apple silicon, MacPorts), and Chocolatey's folder.
SYSTEM_FOLDERS = ("/opt/homebrew/lib", "/opt/local/lib", "C:\\tools\\fluidsynth\\bin")
WHEEL_PATTERNS = ("pygame_ce.libs/libfluidsynth*.so*", "pygame/.dylibs/libfluidsynth*.dylib")
# FluidSynth's levels 0 to 4.
LOG_LEVELS = (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)

# FluidSynth's own messages go here, and with no handler configured nowhere: its default is stderr.
log = logging.getLogger("rlcompose.fluidsynth")
log.addHandler(logging.NullHandler())


class FluidSynthMissingError(RlcomposeError):
    """There is no FluidSynth on this machine; the message names what was tried and how to install one."""


_loading = threading.Lock()


@dataclass(frozen=True)
class FluidSynth:
    """A loaded library: where it lies, its version, and pyfluidsynth's functions bound to it.

    `bindings` also has `fluid_synth_write_float` and `fluid_player_add_mem`, which pyfluidsynth leaves out.
    """

    path: str
    version: str
    bindings: ModuleType


def load_fluidsynth() -> FluidSynth:
    """The first library that loads; it is bound once per process and setting of the two environment variables.

    Raises:
        FluidSynthMissingError: None loads, or pyfluidsynth is not installed.
        RlcomposeError: The library that `RLCOMPOSE_FLUIDSYNTH` names does not load; it is not passed over for another.
    """
    with _loading:
        return _load(os.environ.get(LIBRARY_VARIABLE, ""), os.environ.get(ORDER_VARIABLE, ""))


@functools.cache
def _load(named: str, order: str) -> FluidSynth:
    if order not in ("", "wheel", "system"):
        raise RlcomposeError(f"{ORDER_VARIABLE}={order!r} is not known: allowed are 'wheel' and 'system'")
    failures = []
    for path in [named] if named else _candidates(wheel_first=order == "wheel"):
        try:
            return _bind(path)
        except OSError as error:
            failures.append(f"{path} ({str(error).splitlines()[0]})")
    if named:
        raise RlcomposeError(f"{LIBRARY_VARIABLE} names a library that does not load: {failures[0]}")
    tried = f"; tried {', '.join(failures)}" if failures else ""
    raise FluidSynthMissingError(
        'FluidSynth was not found: pip install "pygame-ce==2.5.8" (Linux, macOS; it carries one), or install your '
        f"system's libfluidsynth, or set {LIBRARY_VARIABLE} to its path{tried}"
    )


def _candidates(wheel_first: bool) -> list[str]:
    system = [path for name in SYSTEM_NAMES if (path := ctypes.util.find_library(name))]
    folders = [os.path.join(os.environ.get("HOMEBREW_PREFIX", "/usr/local"), "lib"), *SYSTEM_FOLDERS]
    system += [str(path) for folder in folders for path in _matches(folder, "libfluidsynth*.d[yl]l*")]
    pygame = importlib.machinery.PathFinder.find_spec("pygame")  # finds the folder; pygame itself is never run
    site = Path(pygame.origin).parent.parent if pygame and pygame.origin else None
    wheel = [str(path) for pattern in WHEEL_PATTERNS for path in _matches(site, pattern)] if site else []
    return list(dict.fromkeys([*wheel, *system] if wheel_first else [*system, *wheel]))


def _matches(folder: str | Path, pattern: str) -> list[Path]:
    return sorted(Path(folder).glob(pattern))


def _bind(path: str) -> FluidSynth:
    """Run a copy of pyfluidsynth of our own against one library.

    pyfluidsynth asks `find_library` while it is imported and offers no other way in. Someone may have imported it
    already (pretty_midi does), bound to another library or without success; a private copy depends on neither.
    """
    spec = importlib.machinery.PathFinder.find_spec("fluidsynth")  # on disk, whatever has been imported by that name
    if spec is None or spec.origin is None:
        raise FluidSynthMissingError(missing_extra("pyfluidsynth", "audio"))
    ctypes.CDLL(path)  # raises OSError with the linker's own words
    private = importlib.util.spec_from_file_location("rlcompose._pyfluidsynth", spec.origin)
    assert private is not None and private.loader is not None
    bindings: Any = importlib.util.module_from_spec(private)
    with _found_library(path), contextlib.redirect_stdout(io.StringIO()):  # it prints what it found where $CI is set
        try:
            private.loader.exec_module(bindings)
        except (AttributeError, TypeError, ImportError) as error:  # a library of that name, but no FluidSynth
            raise OSError(f"not usable through pyfluidsynth: {error}") from error
    if not hasattr(bindings, "cfunc"):  # the old project "fluidsynth" has the same module name
        raise FluidSynthMissingError(missing_extra("pyfluidsynth", "audio"))
    return FluidSynth(path, _complete(bindings), bindings)


@contextlib.contextmanager
def _found_library(path: str) -> Iterator[None]:
    original = ctypes.util.find_library
    ctypes.util.find_library = lambda name: path
    try:
        yield
    finally:
        ctypes.util.find_library = original


def _complete(bindings: Any) -> str:
    """Add the functions that pyfluidsynth leaves out, silence the library's own output, and return its version."""
    cfunc, pointer, number = bindings.cfunc, ctypes.c_void_p, ctypes.c_int
    version_text = cfunc("fluid_version_str", ctypes.c_char_p)
    version = version_text().decode() if version_text else "0"
    if tuple(int(digits) for digits in version.split(".")[:2] if digits.isdigit()) < OLDEST_VERSION:
        raise OSError(f"FluidSynth {version} is too old: {'.'.join(map(str, OLDEST_VERSION))} is the oldest that works")
    bindings.fluid_synth_write_float = cfunc(
        "fluid_synth_write_float",
        number,
        ("synth", pointer, 1),
        ("len", number, 1),
        ("lout", pointer, 1),
        ("loff", number, 1),
        ("lincr", number, 1),
        ("rout", pointer, 1),
        ("roff", number, 1),
        ("rincr", number, 1),
    )
    bindings.fluid_player_add_mem = cfunc(
        "fluid_player_add_mem",
        number,
        ("player", pointer, 1),
        ("buffer", ctypes.c_char_p, 1),
        ("len", ctypes.c_size_t, 1),
    )
    callback_type = ctypes.CFUNCTYPE(None, number, ctypes.c_char_p, pointer)

    def write_log(level: int, message: bytes, _data: object) -> None:
        log.log(LOG_LEVELS[min(level, len(LOG_LEVELS) - 1)], "%s", message.decode(errors="replace"))

    bindings.rlcompose_log = callback_type(write_log)  # kept: ctypes would free it
    set_log = cfunc(
        "fluid_set_log_function", pointer, ("level", number, 1), ("fun", callback_type, 1), ("data", pointer, 1)
    )
    for level in range(len(LOG_LEVELS)):
        set_log(level, bindings.rlcompose_log, None)
    # With the file driver alone no audio system is asked; builds with SDL3 would complain on stderr (FluidSynth #1588).
    drivers = (ctypes.c_char_p * 2)(b"file", None)
    register = cfunc("fluid_audio_driver_register", number, ("adrivers", ctypes.POINTER(ctypes.c_char_p), 1))
    register(drivers)
    # The first synth fills the library's tables, and one made meanwhile in another thread does not wait for them (their
    # tails came out different). So the first one is made here, where nobody else is let in.
    bindings.Synth().delete()
    return version


def main() -> int:
    """Print which library is found; `python -m rlcompose.fluidsynth_library` answers "why is there no sound?"."""
    try:
        library = load_fluidsynth()
    except RlcomposeError as error:
        print(f"rlcompose: error: {error}", file=sys.stderr)
        return 2
    print(f"FluidSynth {library.version}: {library.path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
