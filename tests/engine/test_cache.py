"""No edit meets old code, and no damage to the cache stops a start."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rlcompose.engine import cache
from rlcompose.engine.cache import compiled_folder, import_cached, user_cache_folder
from rlcompose.env import ComposeEnv
from rlcompose.plugins import load_file

NUMBER = """
from numba import njit, int64

@njit(int64(), cache=True)
def number():
    return {value}
"""
TERM = "def six_lines(m):\n    if m.is_rest:\n        return {value}\n    return 0.0\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of the test's own, with the kernel in it, since compiling that takes ten seconds."""
    ComposeEnv("jazz")
    usual = compiled_folder()
    own = tmp_path / "cache" / "compiled"
    (own / "__pycache__").mkdir(parents=True)
    if usual is not None:
        for path in usual.glob("**/kernel_*"):
            shutil.copy2(path, own / path.relative_to(usual))
    monkeypatch.setenv("RLCOMPOSE_CACHE", str(tmp_path / "cache"))
    compiled_folder.cache_clear()
    yield own
    compiled_folder.cache_clear()


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Modules imported in a test are forgotten after it."""
    before = set(sys.modules)
    yield
    forget(set(sys.modules) - before)


def forget(names: set[str] | None = None) -> None:
    """Let the next import read the disk again, as a new process would."""
    for name in names or set(sys.modules):
        if name.startswith("_rlcompose_compiled.number"):
            del sys.modules[name]


def test_threads_that_ask_at_once_are_given_a_whole_module(folder: Path) -> None:
    text = NUMBER.format(value=41)
    with ThreadPoolExecutor(8) as pool:
        modules = list(pool.map(lambda _: import_cached("number", text), range(8)))
    assert [module.number() for module in modules] == [41] * 8
    assert len(set(map(id, modules))) == 1


def paid_for_a_rest(path: Path) -> float:
    env = ComposeEnv("jazz", rewards=[load_file(path).six_lines])
    env.reset(seed=0)
    rewards: dict[str, float] = env.step(0)[4]["rewards"]
    return rewards["six_lines"]


PAY = """
import sys
from pathlib import Path
from rlcompose.env import ComposeEnv
from rlcompose.plugins import load_file
env = ComposeEnv("jazz", rewards=[load_file(sys.argv[1]).six_lines])
env.reset(seed=0)
print(env.step(0)[4]["rewards"]["six_lines"], *env._engine.python_terms)
"""


def test_edited_term_pays_its_new_value_in_this_process_and_in_a_new_one(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    times = os.stat(__file__)
    for value in (0.25, 0.75):
        path.write_text(TERM.format(value=value))
        os.utime(path, (times.st_atime, times.st_mtime))  # of equal size and age: nothing but the text tells
        assert paid_for_a_rest(path) == value
    path.write_text(TERM.format(value=0.50))
    os.utime(path, (times.st_atime, times.st_mtime))
    done = subprocess.run([sys.executable, "-c", PAY, str(path)], capture_output=True, text=True)
    assert done.stdout.split() == ["0.5"], done.stderr


def test_edited_helper_of_a_term_is_noticed(folder: Path, tmp_path: Path) -> None:
    path, helper = tmp_path / "mine.py", tmp_path / "helper.py"
    path.write_text(
        "from rlcompose.plugins import load_file\n"
        f"worth = load_file({str(helper)!r}).worth\n"
        "def six_lines(m):\n    return worth(m.is_rest)\n"
    )
    for value in (2, 3):
        helper.write_text(f"def worth(count):\n    return count * {value}.0\n")
        assert paid_for_a_rest(path) == value


def test_whatever_compiled_code_imports_of_the_engine_changes_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    # numba does not look at the files that a compiled function imports its constants and helpers from.
    waiting = ["kernel"]
    needed: set[str] = set()
    while waiting:
        found = set(re.findall(r"from rlcompose\.engine\.(\w+) import", cache.engine_source(f"{waiting.pop()}.py")))
        waiting += found - needed
        needed |= found
    assert {f"{name}.py" for name in needed} == set(cache._BUILDS_UPON)
    before = cache.engine_fingerprint()
    for left_out in cache._BUILDS_UPON:
        monkeypatch.setattr(cache, "_BUILDS_UPON", tuple(name for name in cache._BUILDS_UPON if name != left_out))
        assert cache.engine_fingerprint.__wrapped__() != before
        monkeypatch.undo()


def test_same_text_of_another_engine_is_another_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_cached("number", NUMBER.format(value=4))
    monkeypatch.setattr(cache, "engine_fingerprint", lambda: "of another version")
    import_cached("number", NUMBER.format(value=4))
    assert len(list(folder.glob("number_*.py"))) == 2


def test_same_text_is_compiled_once(folder: Path) -> None:
    assert import_cached("number", NUMBER.format(value=5)).number() == 5
    entries = {path: path.stat().st_mtime_ns for path in folder.glob("__pycache__/number_*")}
    forget()
    assert import_cached("number", NUMBER.format(value=5)).number() == 5
    assert {path: path.stat().st_mtime_ns for path in folder.glob("__pycache__/number_*")} == entries
    assert len(entries) == 2


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("length", [0, 20])
def test_truncated_entry_is_compiled_anew(folder: Path, ending: str, length: int) -> None:
    # A killed process or a full disk leaves these; numba itself dies of a short index at every start.
    import_cached("number", NUMBER.format(value=6))
    for path in folder.glob(f"__pycache__/number_*.{ending}"):
        path.write_bytes(path.read_bytes()[:length])
    forget()
    assert import_cached("number", NUMBER.format(value=6)).number() == 6
    forget()
    assert import_cached("number", NUMBER.format(value=6)).number() == 6


def test_overwritten_module_is_written_again(folder: Path) -> None:
    import_cached("number", NUMBER.format(value=7))
    (path,) = folder.glob("number_*.py")
    path.write_text("")
    forget()
    assert import_cached("number", NUMBER.format(value=7)).number() == 7


def test_text_that_does_not_run_is_an_error_and_not_kept(folder: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            import_cached("number", "1 / 0")


def test_cache_that_cannot_be_written_is_replaced_for_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setenv("RLCOMPOSE_CACHE", str(blocked))
    compiled_folder.cache_clear()
    found = compiled_folder()
    assert found is not None and not found.is_relative_to(blocked)
    assert import_cached("number", NUMBER.format(value=8)).number() == 8


def test_without_any_folder_everything_is_compiled_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path
) -> None:
    def refuse() -> Path:
        raise PermissionError("read-only")

    monkeypatch.setattr(cache, "_in_user_cache", refuse)
    monkeypatch.setattr(cache, "_for_this_process", refuse)
    compiled_folder.cache_clear()
    with pytest.warns(UserWarning, match="no folder can be written to"):
        assert import_cached("number", NUMBER.format(value=9)).number() == 9
    path = tmp_path / "mine.py"
    path.write_text(TERM.format(value=0.125))
    assert paid_for_a_rest(path) == 0.125


def test_two_processes_may_compile_the_same_term_at_once(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(TERM.format(value=0.375))
    command = [sys.executable, "-c", PAY, str(path)]
    running: list[Any] = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[0].split() for process in running] == [["0.375"], ["0.375"]]
    assert paid_for_a_rest(path) == 0.375


def test_cache_lies_where_the_variable_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RLCOMPOSE_CACHE", str(tmp_path))
    assert user_cache_folder() == tmp_path
    monkeypatch.delenv("RLCOMPOSE_CACHE")
    assert user_cache_folder().name == "rlcompose"
