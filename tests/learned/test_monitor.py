"""Attacks are told from music, and a training that leaves music is warned."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import rlcompose
from rlcompose.learned.attack import climb
from rlcompose.learned.judge import load_judge
from rlcompose.learned.layout import MAX_BARS
from rlcompose.learned.melodies import windows_of
from rlcompose.learned.monitor import Monitor, Watch, watched
from rlcompose.learned.noise import melodies_of
from rlcompose.score import Composition

Tune = Callable[..., Composition]


def test_what_was_climbed_to_please_the_judge_is_suspicious() -> None:
    judge = load_judge()
    for style, name in ((0, "jazz"), (5, "renaissance")):
        found = climb(judge.model, style, 16, 2400, seed=77)
        melodies = melodies_of([each.melody for each in found])
        windows = windows_of(melodies, np.arange(16), np.zeros(16, np.int64), MAX_BARS)
        assert judge.monitor.is_suspicious(name, watched(judge.model, melodies, windows)).mean() >= 0.8


def typical(monitor: Monitor) -> np.ndarray:
    """Windows of jazz that have the median of every feature, as far as that is known, and the mean of the others."""
    known = monitor.percentiles[0, 2]
    return np.repeat(np.concatenate([known, monitor.mean[len(known) :]])[None], 20, axis=0).astype(np.float32)


def test_the_watch_warns_where_the_score_rises_and_the_music_leaves() -> None:
    monitor = load_judge().monitor
    real = typical(monitor)
    odd = real.copy()
    odd[:, :40] += 10 / monitor.scale[:40]
    watch = Watch(monitor, "jazz", real_mean=0.88, real_quartile=0.85)
    assert watch.look(1, np.full(20, 0.1), odd) is None  # far from music, and nobody is pleased
    finding = watch.look(2, np.full(20, 0.6), odd)
    assert finding is not None and finding.name == "reward hacking suspected"
    assert "in jazz mostly" in finding.evidence and "100%" in finding.evidence and watch.lean == 1.0


def test_the_watch_stops_paying_where_music_is_more_typical_than_the_real_thing() -> None:
    monitor = load_judge().monitor
    real = typical(monitor)
    watch = Watch(monitor, "jazz", real_mean=0.88, real_quartile=0.85)
    finding = watch.look(1, np.full(20, 0.97), real)
    assert finding is not None and "more typical than the real thing" in finding.evidence
    assert watch.lean == 0.0
    watch.look(2, np.full(20, 0.7), real)
    assert watch.lean == 1.0


def test_no_code_that_trains_asks_the_referee() -> None:
    """Every module that can be reached from training by imports is read; none imports the referee."""
    root = Path(rlcompose.__file__).parent
    checkout = root.parent
    starts = ["rlcompose.train", "rlcompose.learned.training", "rlcompose.learned.paying", "rlcompose.learned.watching"]
    folders = {"rlcompose.agents": checkout / "agents", "rlcompose.rewards": checkout / "rewards"}

    def file_of(name: str) -> Path | None:
        for package, folder in folders.items():
            if name.startswith(package):
                name = str(folder.relative_to(checkout)) + name.removeprefix(package)
        place = checkout / Path(*name.split("."))
        return next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.is_file()), None)

    for package, folder in folders.items():
        starts += [f"{package}.{path.stem}" for path in folder.glob("*.py")]
    seen: set[str] = set()
    while starts:
        name = starts.pop()
        file = file_of(name)
        if name in seen or file is None:
            continue
        seen.add(name)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                starts += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                starts += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    assert "rlcompose.learned.judge" in seen and len(seen) > 50
    assert "rlcompose.learned.referee" not in seen


def test_the_referee_knows_noise(random_tune: Tune) -> None:
    from rlcompose.learned.referee import load_referee

    for seed in range(4):
        said = load_referee().judge(random_tune(seed, 8))
        assert sum(said.values()) == pytest.approx(1, abs=1e-3) and max(said, key=lambda name: said[name]) == "noise"
