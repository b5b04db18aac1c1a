"""Every example in a docstring gives what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

PACKAGES = (
    "rlcompose",
    *(
        f"rlcompose.{name}"
        for name in "agents arrange charts corpus engine learned metrics rewards rl_tuner theory".split()
    ),
)
# Commands, and what is only imported as a cached copy.
NOT_IMPORTED = ("__main__", "kernel")


def modules_of(package: str) -> list[str]:
    folder = Path(str(importlib.import_module(package).__file__)).parent
    names = [f"{package}.{module.name}" for module in pkgutil.iter_modules([str(folder)]) if not module.ispkg]
    return [name for name in names if name.rpartition(".")[2] not in NOT_IMPORTED]


@pytest.mark.parametrize("package", PACKAGES)
def test_examples_in_docstrings_hold(package: str) -> None:
    results = {name: doctest.testmod(importlib.import_module(name)).failed for name in modules_of(package)}
    assert results == dict.fromkeys(results, 0)


def test_examples_are_found() -> None:
    assert doctest.testmod(importlib.import_module("rlcompose.swing")).attempted >= 2
