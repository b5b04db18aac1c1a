"""Finds and loads what registers itself: the built-in reward terms and agents, installed plug-ins, a user's own file.

Nothing in the library imports `agents/` or `rewards/` by name; whoever needs a register filled asks here.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import linecache
import os
import pkgutil
import re
import sys
import traceback
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from rlcompose.errors import RlcomposeError, unknown
from rlcompose.files import missing_file

FOLDERS = ("rewards", "agents")
GROUP = "rlcompose.plugins"


def load_builtin(*folders: str) -> None:
    """Import every module of the named folders whose name has no leading underscore; of both folders if none is named.

    Loading "rewards" alone leaves the heavy libraries of "agents" alone. Doing it twice is doing it once.
    """
    for folder in folders or FOLDERS:
        if folder not in FOLDERS:
            raise unknown("folder of built-ins", folder, FOLDERS)
        package = importlib.import_module(f"rlcompose.{folder}")
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{package.__name__}.{module.name}")


def load_installed() -> None:
    """Load every plug-in that an installed package announces as an entry point of the group `rlcompose.plugins`.

    Raises:
        RlcomposeError: One of them does not load; the message names it and its package.
    """
    for plugin in entry_points(group=GROUP):
        try:
            plugin.load()
        except (Exception, SystemExit) as error:
            package = f" of the package {plugin.dist.name} {plugin.dist.version}" if plugin.dist else ""
            raise RlcomposeError(f"the plug-in {plugin.name!r}{package} does not load: {_what(error)}") from error


def load_file(path: str | os.PathLike[str]) -> ModuleType:
    """Run a user's Python file as a new module, always from the source as it is on the disk now.

    Python's own import would give back what was loaded before, or bytecode that looks as old as the source. The name of
    the module is derived from the path, and it stands in `sys.modules`, so that dataclasses and `inspect` find it.

    Raises:
        RlcomposeError: There is no such file, it is no Python file, or it does not run; the message names the line.
    """
    file = Path(path).resolve()
    if not file.exists():
        raise missing_file("Python file", path)
    if file.suffix != ".py" or file.is_dir():
        why = "it is a folder" if file.is_dir() else "its name must end in .py"
        raise RlcomposeError(f"{os.fspath(path)!r} is no Python file: {why}")
    try:
        source = file.read_bytes()
        code = compile(source, file, "exec", dont_inherit=True)
    except OSError as error:
        raise RlcomposeError(f"cannot read {os.fspath(path)!r}: {error.strerror}") from error
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise RlcomposeError(f"{file}{line}: {type(error).__name__}: {error.msg}") from error
    except ValueError as error:  # a null byte; a SyntaxError without a line from Python 3.12 on
        raise RlcomposeError(f"{file}: {_what(error)}") from error

    text = importlib.util.decode_source(source)
    # No modification time: linecache then keeps what ran, where it would else compare size and time with the disk.
    linecache.cache[str(file)] = (len(text), None, text.splitlines(keepends=True), str(file))
    spec = importlib.util.spec_from_file_location(_module_name(file), file)
    assert spec is not None, "a name that ends in .py has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    try:
        exec(code, module.__dict__)  # meant: the user named this file; what a run or a piece names is never executed
    except BaseException as error:
        del sys.modules[module.__name__]
        if not isinstance(error, (Exception, SystemExit)):
            raise
        frames = traceback.walk_tb(error.__traceback__)
        lines = [line for frame, line in frames if frame.f_code.co_filename == str(file)]
        raise RlcomposeError(f"{file}, line {lines[-1]}: {_what(error)}") from error
    return module


def _module_name(file: Path) -> str:
    """A name of its own for each path, readable in a traceback: two users' `mine.py` are two modules."""
    digest = hashlib.sha256(str(file).encode(errors="surrogateescape")).hexdigest()[:8]
    stem = re.sub(r"\W", "_", file.stem)
    return f"rlcompose_file_{stem}_{digest}"


def _what(error: BaseException) -> str:
    """An exception on one line; our own says everything in its message."""
    kind = "" if isinstance(error, RlcomposeError) else f"{type(error).__name__}: "
    return kind + " ".join(str(error).split())
