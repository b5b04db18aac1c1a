"""Where compiled code is kept: modules named by the hash of all they depend on, so that no edit meets an old kernel.

numba's own cache looks only at the file of the function it compiles; a change in another file goes unnoticed. So what
is to be compiled is written to a file whose name is the hash of its text and of all it builds upon, and imported from
there.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib.util
import linecache
import logging
import os
import platform
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from types import ModuleType

import numba

_log = logging.getLogger(__name__)
# What one thread is still running is known to the others, and has not all its functions.
_importing = threading.RLock()

CACHE_VARIABLE = "RLCOMPOSE_CACHE"
_BUILDS_UPON = ("compiled.py", "layout.py", "moment.py", "state.py", "tables.py")


def user_cache_folder() -> Path:
    """The folder the operating system sets aside for caches, in it `rlcompose`; `$RLCOMPOSE_CACHE` comes first."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "rlcompose"


@cache
def compiled_folder() -> Path | None:
    """A folder that can be written to: the user's cache, else one for this process alone, else None."""
    for make in (_in_user_cache, _for_this_process):
        with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: no home folder can be determined
            return make()
    warnings.warn("no folder can be written to: compiled code is not kept, every start compiles again", stacklevel=2)
    return None


def _in_user_cache() -> Path:
    folder = user_cache_folder() / "compiled"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):  # is it really writable?
        return folder


def _for_this_process() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="rlcompose-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def engine_fingerprint() -> str:
    """Hash of the engine's sources, of Python and of numba: what every compiled module depends on."""
    digest = hashlib.sha256(f"{platform.python_version()} {numba.__version__}".encode())
    source = resources.files("rlcompose.engine")
    for name in _BUILDS_UPON:
        digest.update(source.joinpath(name).read_bytes())
    return digest.hexdigest()


def engine_source(name: str) -> str:
    """The text of a module of the engine."""
    return resources.files("rlcompose.engine").joinpath(name).read_text(encoding="utf-8")


@contextlib.contextmanager
def _unwritten_bytecode() -> Iterator[None]:
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def is_cached(name: str, text: str) -> bool:
    """Whether a module with this text was imported from the cache folder before."""
    folder = compiled_folder()
    return folder is not None and (folder / f"{name}_{_digest(text)}.py").is_file()


def _digest(text: str) -> str:
    return hashlib.sha256((engine_fingerprint() + text).encode()).hexdigest()[:20]


def import_cached(name: str, text: str, notice: str = "") -> ModuleType:
    """Import a module with this text from the cache folder; what numba compiled for it before is used again.

    A damaged cache entry (a killed process, a full disk) is removed and compiled anew. The notice is logged where
    nothing was compiled before, since that takes its time.
    """
    with _importing:
        return _imported(name, text, notice)


def _imported(name: str, text: str, notice: str) -> ModuleType:
    digest = _digest(text)
    full_name = f"_rlcompose_compiled.{name}_{digest}"
    if full_name in sys.modules:
        return sys.modules[full_name]
    folder = compiled_folder()
    if folder is None:
        return _run(full_name, None, text.replace("cache=True", "cache=False"))
    path = folder / f"{name}_{digest}.py"
    if notice and not path.is_file():
        _log.warning(notice)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    try:
        return _run(full_name, path, text)
    except numba.core.errors.NumbaError:
        raise  # the text itself cannot be compiled
    except Exception:  # what a damaged cache raises can be anything
        folders = [folder, *([Path(numba.config.CACHE_DIR)] if numba.config.CACHE_DIR else [])]  # $NUMBA_CACHE_DIR
        entries = [entry for place in folders for entry in place.rglob(f"{path.stem}.*.nb[ic]")]
        if not entries:
            raise
        for entry in entries:
            entry.unlink(missing_ok=True)
        return _run(full_name, path, text)


def _run(full_name: str, path: Path | None, text: str) -> ModuleType:
    """Execute the text as a module; its functions compile (or load) here, since they name their signatures."""
    if path is not None:
        spec = importlib.util.spec_from_file_location(full_name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
    else:
        module = ModuleType(full_name)
        module.__file__ = f"<{full_name}>"
        linecache.cache[module.__file__] = (len(text), None, text.splitlines(True), module.__file__)
    sys.modules[full_name] = module
    try:
        with _unwritten_bytecode():
            exec(compile(text, str(module.__file__), "exec"), module.__dict__)  # our own text, from above
    except BaseException:
        del sys.modules[full_name]
        raise
    return module


def import_kernel() -> ModuleType:
    """The compiled step, from the cache or compiled now."""
    return import_cached("kernel", engine_source("kernel.py"), "compiling the engine: some seconds, once")
