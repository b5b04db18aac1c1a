"""The compiled functions of this room, loaded from the cache or compiled now."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import Any

from rlcompose.engine.cache import import_cached


def kernel_text() -> str:
    """The text that is compiled: the kernel's, and what tells of a change in the layout that it imports."""
    folder = resources.files("rlcompose.learned")
    layout = hashlib.sha256(folder.joinpath("layout.py").read_bytes()).hexdigest()
    return folder.joinpath("kernel.py").read_text(encoding="utf-8") + f"\n# layout {layout}\n"


@cache
def kernel() -> Any:
    """The kernel, compiled at most once for each version (some ten seconds)."""
    return import_cached("learned", kernel_text(), "compiling what the judge of style measures: some seconds, once")
