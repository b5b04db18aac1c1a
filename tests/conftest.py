"""What several tests share: one small trained run, one run of an agent that needs no training, a register of one's own."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class TrainedRun:
    """A run that `train` made: its folder, the JSON of its result, and what it printed."""

    folder: Path
    result: dict[str, Any]
    out: str
    err: str


def make_run(folder: Path, *arguments: str) -> TrainedRun:
    """Run `train` in this process; the folder holds the run and, beside it, the JSON of the result."""
    from rlcompose import train

    run, result = folder / "run", folder / "result.json"
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = train.main(["--out", str(run), "--json", str(result), *arguments])
    assert status == 0, err.getvalue()
    return TrainedRun(run, json.loads(result.read_text()), out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    """PPO for some thousand events on four bars of jazz."""
    return make_run(tmp_path_factory.mktemp("trained"), "--bars", "4", "--steps", "4000", "--seed", "1")


@pytest.fixture(scope="session")
def greedy_run(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    """The greedy agent on four bars of jazz."""
    return make_run(tmp_path_factory.mktemp("greedy"), "--agent", "greedy", "--bars", "4")


@pytest.fixture
def own_register(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers as reward terms is forgotten after it."""
    from rlcompose import reward

    monkeypatch.setattr(reward, "_REGISTER", dict(reward.load_terms()))
