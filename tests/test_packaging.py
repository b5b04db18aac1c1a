from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]
# Folder in the checkout -> the package it is installed as.
HOMES = {"rlcompose": "rlcompose", "agents": "rlcompose.agents", "rewards": "rlcompose.rewards"}
# Each takes 0.2 to 1.8 s to import; none is needed to ask for the version or for help.
HEAVY = "fluidsynth matplotlib music21 numba pandas scipy sklearn stable_baselines3 torch".split()


def packages_in_the_checkout() -> dict[str, Path]:
    """Package name -> folder, of every folder that has an `__init__.py`."""
    return {
        ".".join([package, *init.parent.relative_to(ROOT / home).parts]): init.parent
        for home, package in HOMES.items()
        for init in (ROOT / home).rglob("__init__.py")
    }


def loaded_after(statement: str) -> set[str]:
    """Names of all modules that a new process has loaded after the statement."""
    code = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_every_folder_with_an_init_is_packaged() -> None:
    # setuptools leaves a forgotten folder out of the wheel without a word.
    assert sorted(SETUPTOOLS["packages"]) == sorted(packages_in_the_checkout())


def test_every_data_file_is_packaged() -> None:
    folders = {folder: package for package, folder in packages_in_the_checkout().items()}
    forgotten = []
    for home in HOMES:
        for file in (ROOT / home).rglob("*"):
            place = file.relative_to(ROOT)
            is_made = file.suffix in {".pyc", ".nbc", ".nbi"} or any(part.startswith(".") for part in place.parts)
            if file.is_dir() or file.suffix == ".py" or is_made:
                continue
            folder = next(parent for parent in file.parents if parent in folders)
            patterns = SETUPTOOLS["package-data"].get(folders[folder], [])
            if not any(fnmatch(file.relative_to(folder).as_posix(), pattern) for pattern in patterns):
                forgotten.append(place.as_posix())
    assert forgotten == []


def test_library_names_neither_agents_nor_rewards() -> None:
    # They import the library and register themselves; the other direction would close a circle.
    wrong = []
    for file in (ROOT / "rlcompose").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module or ''}.{alias.name}" for alias in node.names]
            wrong += [f"{file}: {name}" for name in names if re.match(r"(rlcompose)?\.?(agents|rewards)\b", name)]
    assert wrong == []


@pytest.mark.parametrize("module", ["rlcompose", "rlcompose.__main__", "rlcompose.train"])
def test_importing_the_library_loads_neither_agents_nor_rewards(module: str) -> None:
    assert not {
        name for name in loaded_after(f"import {module}") if re.match(r"(rlcompose\.)?(agents|rewards)\b", name)
    }


def test_importing_the_library_loads_nothing_heavy() -> None:
    assert loaded_after("import rlcompose").isdisjoint(HEAVY)


def test_loading_the_rewards_loads_neither_the_agents_nor_torch() -> None:
    modules = loaded_after("from rlcompose.plugins import load_builtin; load_builtin('rewards')")
    assert "rlcompose.rewards" in modules
    assert modules.isdisjoint({"rlcompose.agents", "stable_baselines3", "torch"})


def test_constraints_pin_everything_that_is_installed() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines}
    project = PROJECT["project"]
    # The set-up leaves this extra out; where it is there, what it brings is looked at too.
    not_always = {canonicalize_name(Requirement(text).name) for text in project["optional-dependencies"]["docs"]}
    waiting = [Requirement(text) for text in sum(project["optional-dependencies"].values(), project["dependencies"])]
    needed: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in needed or name == "rlcompose" or not applies(requirement, {""}):
            continue
        needed.add(name)
        try:
            further = [Requirement(text) for text in metadata.requires(name) or []]
        except metadata.PackageNotFoundError:
            assert name in not_always
            continue
        for item in further:
            if applies(item, requirement.extras | {""}):
                item.marker = None  # it is decided, and may name the extra that is out of sight by then
                waiting.append(item)
    assert needed - pinned == set()


def applies(requirement: Requirement, extras: set[str]) -> bool:
    """Whether a requirement holds on this machine for one of the extras; "" is none."""
    return requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)
