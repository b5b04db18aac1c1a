"""Trajectories of real music: against the environment itself, and against what is counted by hand."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import gymnasium
import numpy as np
import pytest

from rlcompose.datasets import Trajectory, as_arrays, to_imitation, trajectories
from rlcompose.errors import RlcomposeError
from rlcompose.style import load_style

REEL = "X:1\nT:A Reel\nM:4/4\nL:1/8\nK:G\nD2|G2BA G2D2|GBdB c2A2|B2d2 cAFA|G4 G2:|\n\n"
JIG = "X:2\nT:A Jig\nM:6/8\nL:1/8\nK:D\nDFA d2f|edc d3|\n\n"
WALTZ = "X:3\nT:A Waltz\nM:3/4\nL:1/8\nK:D\nD2F2A2|\n\n"
WIDE = "X:4\nT:Too wide\nM:4/4\nL:1/8\nK:D\nD,,,2 d''2 D,,,2 d''2|\n\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tunes that fit the fiddle, one in another metre, and one over six octaves."""
    (tmp_path / "tunes.abc").write_text(REEL + JIG + WALTZ + WIDE)
    return tmp_path


@pytest.fixture
def reel(folder: Path) -> Trajectory:
    return next(trajectories("fiddle", folder))


def test_shapes_and_dtypes(reel: Trajectory) -> None:
    steps = len(reel)
    assert reel.observations.shape == (steps + 1, 278) and reel.observations.dtype == np.int16
    assert reel.seen.shape == (steps, 278)
    assert reel.masks.shape == (steps, 44 * len(load_style("fiddle").durations)) and reel.masks.dtype == np.bool_
    assert reel.actions.dtype == np.int64 and reel.rewards.dtype == reel.returns.dtype == np.float64
    assert reel.terminals.tolist() == [False] * (steps - 1) + [True]


def test_every_action_is_legal(folder: Path) -> None:
    for trajectory in trajectories("fiddle", folder):
        assert trajectory.masks[np.arange(len(trajectory)), trajectory.actions].all()


def test_actions_play_the_tune(reel: Trajectory) -> None:
    # The upbeat D, then G B A G D …, in ticks after the 36 of silence before the upbeat.
    assert [(n.onset, n.ticks, n.pitch) for n in reel.composition.notes[:5]] == [
        (36, 12, 62),
        (48, 12, 67),
        (60, 6, 71),
        (66, 6, 69),
        (72, 12, 67),
    ]
    assert len(reel.composition.notes) == 20 and reel.dropped == 0
    assert (reel.composition.key.name, reel.composition.bars, reel.composition.pickup) == ("G major", 5, 12)


def test_returns_are_what_is_still_to_come(reel: Trajectory) -> None:
    assert reel.returns[0] == pytest.approx(reel.rewards.sum())
    assert reel.returns[-1] == reel.rewards[-1]
    assert np.allclose(reel.returns[:-1] - reel.returns[1:], reel.rewards[:-1])


@pytest.mark.parametrize("observation", ["int16", "float32"])
def test_environment_gives_the_same(folder: Path, observation: str) -> None:
    # The same numbers to the last bit: what is learned from a trajectory holds in the environment.
    trajectory = next(trajectories("fiddle", folder, observation=observation))
    options = trajectory.brief.options.pinned
    env = gymnasium.make("rlcompose/Compose-v0", style="fiddle", observation=observation)
    seen, _ = env.reset(seed=0, options=options)
    for step, action in enumerate(trajectory.actions):
        assert np.array_equal(seen, trajectory.observations[step])
        assert np.array_equal(env.get_wrapper_attr("action_masks")(), trajectory.masks[step])
        seen, reward, terminated, _, _ = env.step(action)
        assert reward == trajectory.rewards[step]
        assert terminated == trajectory.terminals[step]
    assert np.array_equal(seen, trajectory.observations[-1])


def test_what_is_skipped_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        played = trajectories("fiddle", folder)
        assert [trajectory.name for trajectory in played] == ["tunes.abc#1: A Reel", "tunes.abc#2: A Jig"]
    assert [(skipped.name, skipped.reason) for skipped in played.report.skipped] == [
        ("tunes.abc#3: A Waltz", "the metre 3/4 is not used: allowed are 4/4, 6/8"),
        ("tunes.abc#4: Too wide", "too many notes are beyond the actions: 2 of 4"),
    ]
    assert "2 pieces are skipped, 2 are played" in caplog.text


def test_limit_stops_before_the_next_piece_is_read(folder: Path) -> None:
    (folder / "tunes.abc").write_text(WALTZ + REEL + "X:9\nT:Broken\nK:G\nA}\n")
    played = trajectories("fiddle", folder, limit=1)
    assert [trajectory.group for trajectory in played] == ["a reel"]
    assert len(played.report.skipped) == 1  # the waltz; the broken one was not looked at


def test_range_is_the_styles_or_wider(reel: Trajectory, tmp_path: Path) -> None:
    style = load_style("fiddle")
    assert reel.brief.range == style.range
    (tmp_path / "low.abc").write_text("X:1\nM:4/4\nL:1/8\nK:D\nD,2F,2A,2D2|\n")  # D3 lies below the fiddle's G3
    assert next(trajectories("fiddle", tmp_path / "low.abc")).brief.range == (50, style.range[1])


def test_rewards_can_be_chosen(folder: Path) -> None:
    def notes_only(m: object) -> float:
        return 1.0

    off = dict.fromkeys(load_style("fiddle").rewards, 0.0)
    assert next(trajectories("fiddle", folder, rewards=off)).returns[0] == 0.0
    style = load_style("fiddle")
    with_ones = next(trajectories(style, folder, rewards=[notes_only]))
    without = next(trajectories(style, folder))
    assert with_ones.returns[0] - without.returns[0] == pytest.approx(len(without))


def test_faulty_reward_is_an_error_and_no_skipped_piece(folder: Path) -> None:
    with pytest.raises(RlcomposeError, match="unknown reward term 'motiff'"):
        trajectories("fiddle", folder, rewards={"motiff": 1.0})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"limit": 0}, "limit 0 is no number of pieces"),
        ({"limit": 1.5}, "limit 1.5 is no number of pieces"),
        ({"observation": "int8"}, "observation dtype 'int8' is not known"),
        ({"style": "fidle"}, "did you mean 'fiddle'"),
        ({"meter": "4/5"}, "metre '4/5' is not known"),
    ],
)
def test_mistakes_are_told_at_once(folder: Path, arguments: dict[str, object], told: str) -> None:
    with pytest.raises(RlcomposeError, match=told):
        trajectories(**({"style": "fiddle", "source": folder} | arguments))  # type: ignore[arg-type]


def test_arrays_hold_all_pieces(folder: Path) -> None:
    reel, jig = trajectories("fiddle", folder)
    data = as_arrays([reel, jig])
    steps = len(reel) + len(jig)
    assert {len(data[name]) for name in ("observations", "next_observations", "masks", "rewards", "returns")} == {steps}
    assert data["terminals"].nonzero()[0].tolist() == [len(reel) - 1, steps - 1]
    assert data["pieces"].tolist() == [0] * len(reel) + [1] * len(jig)
    assert np.array_equal(data["next_observations"][0], data["observations"][1])
    assert np.array_equal(data["next_observations"][len(reel) - 1], reel.observations[-1])
    assert data["groups"].tolist() == ["a reel", "a jig"]


def test_no_trajectory_makes_no_arrays(folder: Path) -> None:
    with pytest.raises(RlcomposeError, match="there is no trajectory"):
        as_arrays(trajectories("fiddle", folder, meter="9/8"))


def test_imitation_gets_its_trajectories(reel: Trajectory, monkeypatch: pytest.MonkeyPatch) -> None:
    # A stand-in of the fields and checks of imitation 1.0.1's class, which cannot be installed beside this package.
    def trajectory_with_rewards(*, obs: object, acts: object, infos: object, terminal: bool, rews: object) -> object:
        return SimpleNamespace(obs=obs, acts=acts, infos=infos, terminal=terminal, rews=rews)

    types = ModuleType("imitation.data.types")
    types.TrajectoryWithRew = trajectory_with_rewards  # type: ignore[attr-defined]
    for name, module in {"imitation": ModuleType("imitation"), "imitation.data": ModuleType("imitation.data")}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "imitation.data.types", types)
    (made,) = to_imitation([reel])
    assert len(made.obs) == len(made.acts) + 1 == len(made.rews) + 1 and made.terminal


def test_missing_imitation_is_told(reel: Trajectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imitation", None)
    with pytest.raises(RlcomposeError, match="pip install --no-deps imitation"):
        to_imitation([reel])
