"""What several tests share: a small trained run, a run that needs no training, a register of one's own."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def make_run() -> Callable[..., SimpleNamespace]:
    """Runs `train` in this process: the run's `folder`, the JSON of its `result`, what it printed, `out` and `err`."""

    def make(folder: Path, *arguments: str) -> SimpleNamespace:
        from rlcompose import train

        run, result = folder / "run", folder / "result.json"
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = train.main(["--out", str(run), "--json", str(result), *arguments])
        assert status == 0, err.getvalue()
        return SimpleNamespace(
            folder=run, result=json.loads(result.read_text()), out=out.getvalue(), err=err.getvalue()
        )

    return make


@pytest.fixture(scope="session")
def trained_run(make_run: Callable[..., SimpleNamespace], tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """PPO for some thousand events on four bars of jazz."""
    return make_run(tmp_path_factory.mktemp("trained"), "--bars", "4", "--steps", "4000", "--seed", "1")


@pytest.fixture(scope="session")
def greedy_run(make_run: Callable[..., SimpleNamespace], tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The greedy agent on four bars of jazz."""
    return make_run(tmp_path_factory.mktemp("greedy"), "--agent", "greedy", "--bars", "4")


@pytest.fixture
def own_register(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers as reward terms is forgotten after it."""
    from rlcompose import reward

    monkeypatch.setattr(reward, "_REGISTER", dict(reward.load_terms()))
