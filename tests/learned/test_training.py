"""A judge and its monitor learned anew, of little music and in short."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rlcompose.errors import RlcomposeError
from rlcompose.learned.layout import NUM_STYLES
from rlcompose.learned.melodies import Melodies
from rlcompose.learned.monitor import NUM_WATCHED, read_monitor, save_monitor
from rlcompose.learned.monitor_training import fit_monitor
from rlcompose.learned.samples import NOISE_CLASS, Real, Settings
from rlcompose.learned.training import train_judge

pytest.importorskip("sklearn")
pytest.importorskip("torch")

TINY = Settings(
    **{"windows": 20, "jazz_windows": 20, "per_piece": 3, "noise": 6, "rounds": 2, "cheap_rounds": 2, "attacks": 2},
    **{"trees": 3, "leaves": 4, "hidden": 8, "epochs": 1, "folds": 2},
)


@pytest.fixture(scope="module")
def real(melodies: Melodies) -> Real:
    count = len(melodies)
    numbers = np.arange(count)
    return Real(
        melodies, np.minimum(numbers // 7, NUM_STYLES - 1), numbers, np.full(count, "judge"), np.zeros(count, np.int64)
    )


@pytest.mark.slow
def test_rounds_of_attacks_go_on_from_what_was_kept(real: Real, tmp_path: Path) -> None:
    kept = tmp_path / "attacks.npz"
    whole = train_judge(real, TINY, is_shown=False)
    train_judge(real, replace(TINY, rounds=1), is_shown=False, kept=kept)
    resumed = train_judge(real, TINY, is_shown=False, kept=kept)
    assert resumed.log == whole.log and [row["round"] for row in whole.log] == [1, 2]
    assert np.array_equal(resumed.attacks.features, whole.attacks.features)
    assert (whole.attacks.classes == NOISE_CLASS).all() and len(whole.attacks.classes) > 20
    with pytest.raises(RlcomposeError, match="other settings"):
        train_judge(real, replace(TINY, epochs=2), is_shown=False, kept=kept)
    kept.write_bytes(kept.read_bytes()[:1000])
    with pytest.raises(RlcomposeError, match="cannot read the attacks"):
        train_judge(real, TINY, is_shown=False, kept=kept)


def test_a_monitor_finds_attacks_it_knows_and_leaves_real_music(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    count = 500 * NUM_STYLES
    styles = np.arange(count) % NUM_STYLES
    real = draw.normal(size=(count, NUM_WATCHED)).astype(np.float32)
    real[np.arange(count), styles] += 3

    def attacks(number: int) -> tuple[np.ndarray, np.ndarray]:
        targets = np.arange(number) % NUM_STYLES
        made = draw.normal(size=(number, NUM_WATCHED)).astype(np.float32)
        made[np.arange(number), targets] += 3
        made[:, 50:70] += 2.0  # what gives them away
        return made, targets

    noise = draw.normal(size=(60, NUM_WATCHED)).astype(np.float32) * 3
    known, targets = attacks(1200)
    half = count // 2
    learned = (real[:half], styles[:half], known, targets, np.ones(1200), noise)
    save_monitor(tmp_path, fit_monitor(*learned, real[half:], styles[half:]), {})
    monitor = read_monitor(tmp_path)
    unknown, targets = attacks(1200)
    music = draw.normal(size=(600, NUM_WATCHED)).astype(np.float32)
    music[:, 2] += 3
    assert monitor.is_suspicious("fiddle", unknown[targets == 2]).mean() > 0.9
    assert monitor.is_suspicious("fiddle", music).mean() < 0.12
