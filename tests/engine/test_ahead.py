"""Two processes compile into one cache, and nothing depends on the second one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rlcompose.engine import ahead
from rlcompose.engine.ahead import compile_ahead, uncompiled
from rlcompose.engine.cache import compiled_folder, is_cached
from rlcompose.engine.core import kernel
from rlcompose.reward import load_terms

# Small ones, since each takes a fifth of a second to compile.
NAMES = ("usual_rests", "usual_density", "clear_barlines", "present_melody", "single_climax", "clean_ending")
TERMS = [load_terms()[name] for name in NAMES]


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache without terms; the step counts as compiled, which would take ten seconds."""
    kernel()
    monkeypatch.setenv("RLCOMPOSE_CACHE", str(tmp_path))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(ahead, "import_kernel", lambda: None)
    monkeypatch.setattr(ahead, "engine_source", lambda name: "the step is there")
    monkeypatch.setattr(ahead, "is_cached", lambda name, text: name == "kernel" or is_cached(name, text))
    compiled_folder.cache_clear()
    for name in [name for name in sys.modules if name.startswith("_rlcompose_compiled.term_")]:
        monkeypatch.delitem(sys.modules, name)  # as in a new process
    yield tmp_path
    compiled_folder.cache_clear()


def test_terms_of_both_processes_are_at_hand_afterwards(empty_cache: Path) -> None:
    assert len(uncompiled(TERMS)) == len(NAMES)
    compile_ahead(TERMS)
    assert uncompiled(TERMS) == []
    assert len(list(empty_cache.rglob("term_*.nbi"))) == len(NAMES)


def test_second_process_that_cannot_start_costs_nothing_but_time(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    compile_ahead(TERMS)
    assert len(uncompiled(TERMS)) == len(NAMES) // 2, "the other half is compiled when it is used"


def test_few_terms_are_not_worth_a_process(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.Popen", None)
    compile_ahead(TERMS[: ahead.FEW - 1])
    assert len(uncompiled(TERMS)) == len(NAMES)


def test_second_process_starts_no_third(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLCOMPOSE_COMPILES_AHEAD", "1")
    monkeypatch.setattr("subprocess.Popen", None)
    compile_ahead(TERMS)
    assert len(uncompiled(TERMS)) == len(NAMES)


def test_names_that_are_not_known_are_passed_over(empty_cache: Path) -> None:
    assert ahead.main(["no_such_term"]) == 0
