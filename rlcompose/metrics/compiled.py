"""The compiled parts of the metrics, loaded from the cache or compiled now."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any


@cache
def kernel() -> Any:
    """The functions of `kernel.py`."""
    from rlcompose.engine.cache import import_cached

    text = resources.files("rlcompose.metrics").joinpath("kernel.py").read_text(encoding="utf-8")
    return import_cached("metrics", text, "compiling the metrics: some seconds, once")
