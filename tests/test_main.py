"""`rlcompose COMMAND`, and what all commands share: help at once, results for reading and as JSON."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import rlcompose
from rlcompose import train
from rlcompose.__main__ import COMMANDS, main
from rlcompose.command import Parser, result_lines, run

HEAVY = {"numba", "scipy", "stable_baselines3", "torch"}


def test_a_command_gets_the_rest_of_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def listen(arguments: list[str]) -> int:
        given.extend(arguments)
        return 7

    monkeypatch.setattr(train, "main", listen)
    assert main(["train", "--style", "jazz"]) == 7
    assert given == ["--style", "jazz"]


def test_the_version_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capfd.readouterr().out == f"{rlcompose.__version__}\n"


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_command(flag: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([flag]) == 0
    out = capfd.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)


def test_no_command_is_a_mistake_with_the_list_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out, error = capfd.readouterr()
    assert out == "" and error.startswith("usage: rlcompose COMMAND")


def test_an_unknown_command_is_told_with_the_nearest(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    out, error = capfd.readouterr()
    assert out == "" and error.startswith("rlcompose: error: unknown command 'trian': did you mean 'train'?")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_loads_nothing_heavy(command: str) -> None:
    code = f"import sys; from rlcompose.{command} import main; main(['-h']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"example: python -m rlcompose.{command}" in done.stdout
    assert HEAVY.isdisjoint(done.stderr.split())


# --- what all commands share ---


def outcome(result: Mapping[str, Any], *arguments: str) -> int:
    """The exit status of a command with this result."""
    return run(lambda _: result, Parser("stub", "Stub.", "stub"), arguments)


def test_nested_results_are_printed_for_reading() -> None:
    result = {"run": "r", "mean_return": {"random": -1.5}, "pieces": [{"wav": "a.wav"}], "early": False, "health": []}
    assert list(result_lines(result)) == [
        "run: r",
        "mean_return:",
        "  random: -1.5",
        "pieces:",
        "  1:",
        "    wav: a.wav",
        "early: no",
    ]


def test_what_has_no_value_is_null_in_json_and_left_out_in_print(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "result.json"
    assert outcome({"lufs": None, "seconds": 0}, "--json", str(path)) == 0
    assert capfd.readouterr().out == "seconds: 0\n"
    assert json.loads(path.read_text()) == {"lufs": None, "seconds": 0}


def test_json_can_go_to_stdout() -> None:
    code = "from rlcompose.command import Parser, run; run(lambda _: {'a': 1}, Parser('', '', ''), None)"
    command = [sys.executable, "-c", code, "--json", "/dev/stdout"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert sorted(done.stdout.splitlines()) == sorted(["a: 1", "{", '  "a": 1', "}"])


def test_a_result_that_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def work(_: argparse.Namespace) -> dict[str, Any]:
        raise AssertionError("the work was begun")

    for path in (tmp_path, tmp_path / "nowhere" / "result.json"):
        assert run(work, Parser("stub", "Stub.", "stub"), ["--json", str(path)]) == 2
        assert capfd.readouterr().err.startswith(f"rlcompose: error: cannot write {path}: ")
    assert list(tmp_path.iterdir()) == []


def test_our_own_fault_keeps_its_traceback() -> None:
    def fail(_: argparse.Namespace) -> dict[str, Any]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(fail, Parser("stub", "Stub.", "stub"), [])
