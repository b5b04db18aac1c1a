"""The vector environment beside single ones, in both autoreset modes, by the checker of `rlcompose.testing`."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

from rlcompose.codec import action_of
from rlcompose.env import ComposeEnv
from rlcompose.errors import RlcomposeError
from rlcompose.style import load_style, style_names
from rlcompose.testing import check_vector_env
from rlcompose.vector import ComposeVectorEnv

JAZZ = load_style("jazz")
REST, BAR = action_of(JAZZ, None, 2), action_of(JAZZ, None, 48)


@pytest.mark.parametrize("pinned", [{"bars": 7}, {"meter": "6/8", "bars": 3}, {"meter": "2/4", "bars": 4}])
@pytest.mark.parametrize("mode", list(AutoresetMode)[:2])
@pytest.mark.parametrize("observation", ["float32", "int16"])
@pytest.mark.parametrize("style", style_names())
def test_rows_agree_with_single_environments_step_for_step(
    style: str, observation: str, mode: AutoresetMode, pinned: dict[str, Any]
) -> None:
    choice = {"style": style, "observation": observation, **pinned}
    check_vector_env(
        lambda n: gymnasium.make_vec("rlcompose/Compose-v0", num_envs=n, autoreset_mode=mode, **choice),
        lambda: gymnasium.make("rlcompose/Compose-v0", **choice),
        num_envs=2,
        steps=90,
        seed=21,
    )


def test_masks_agree_with_those_of_single_environments() -> None:
    venv, single = ComposeVectorEnv(3, "fiddle", bars=4), ComposeEnv("fiddle", bars=4)
    venv.reset(seed=5)
    single.reset(seed=7)
    rng = np.random.default_rng(0)
    terminated = False
    while not terminated:
        assert np.array_equal(venv.action_masks()[2], single.action_masks())
        actions = rng.integers(0, 352, 3)
        venv.step(actions)
        terminated = single.step(int(actions[2]))[2]


def test_gymnasium_makes_the_compiled_environment() -> None:
    venv = gymnasium.make_vec("rlcompose/Compose-v0", num_envs=2, style="jazz")
    assert isinstance(venv.unwrapped, ComposeVectorEnv)
    assert venv.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP


def test_gymnasiums_wrappers_read_the_infos() -> None:
    venv = DictInfoToList(RecordEpisodeStatistics(ComposeVectorEnv(2, bars=1)))
    _, infos = venv.reset(seed=3)
    assert [info["seed"] for info in infos] == [3, 4]
    _, rewards, terminated, _, infos = venv.step(np.array([BAR, REST]))
    assert terminated.tolist() == [True, False]
    assert infos[0]["episode"]["r"] == pytest.approx(rewards[0]) and "episode" not in infos[1]
    assert sum(infos[1]["rewards"].values()) == pytest.approx(rewards[1])


def test_pieces_can_be_begun_anew_one_by_one() -> None:
    venv = ComposeVectorEnv(3, bars=4)
    venv.reset(seed=0)
    before = venv.step(np.array([BAR, BAR, BAR]))[0]
    obs, infos = venv.reset(seed=[9, 9, 9], options={"reset_mask": np.array([False, True, False])})
    assert np.array_equal(obs[[0, 2]], before[[0, 2]])
    assert np.array_equal(obs[1], ComposeEnv(bars=4).reset(seed=9)[0])
    assert infos["_seed"].tolist() == [False, True, False] and infos["seed"][1] == 9


def test_options_hold_until_the_next_reset_of_all() -> None:
    venv = ComposeVectorEnv(2, bars=1, autoreset_mode="SameStep")
    venv.reset(seed=0, options={"tempo": 77})
    venv.step(np.array([BAR, BAR]))  # the next pieces have begun
    assert venv.engine.field("tempo").tolist() == [77, 77]
    venv.reset(seed=0)
    assert 77 not in venv.engine.field("tempo")


def test_prefix_begins_all_pieces() -> None:
    venv = ComposeVectorEnv(2, bars=2)
    obs, _ = venv.reset(seed=6, options={"prefix": [BAR]})
    assert np.array_equal(obs[1], ComposeEnv(bars=2).reset(seed=7, options={"prefix": [BAR]})[0])


def test_account_maps_terms_to_arrays_that_add_up() -> None:
    venv = ComposeVectorEnv(4)
    venv.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(50):
        _, rewards, _, _, infos = venv.step(rng.integers(0, 484, 4))
        assert sum(infos["rewards"].values()) == pytest.approx(rewards, abs=1e-12)


def test_account_is_left_out_on_request() -> None:
    venv = ComposeVectorEnv(1, account=False)
    venv.reset(seed=0)
    assert "rewards" not in venv.step(np.array([0]))[4]


def test_none_among_the_seeds_is_any_seed() -> None:
    venv = ComposeVectorEnv(2)
    _, infos = venv.reset(seed=[None, 4])
    assert infos["seed"][1] == 4 and infos["seed"][0] != 4


def test_render_gives_one_view_for_each_piece() -> None:
    venv = ComposeVectorEnv(2, bars=2, render_mode="ansi")
    venv.reset(seed=0)
    venv.step(np.array([BAR, REST]))
    views = venv.render()
    single = ComposeEnv(bars=2, render_mode="ansi")
    single.reset(seed=1)
    single.step(REST)
    assert views is not None and len(views) == 2 and views[1] == single.render()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda venv: venv.step(np.array([0, 484])), "action 484 does not exist: allowed are 0 to 483"),
        (lambda venv: venv.step(np.array([0, -3])), "action -3 does not exist"),
        (lambda venv: venv.step(np.array([0])), r"actions of shape \(1,\) and dtype int64: 2 ints are needed"),
        (lambda venv: venv.step(np.array([0.0, 1.0])), r"actions of shape \(2,\) and dtype float64"),
        (lambda venv: venv.reset(seed=[1]), "1 seeds for 2 environments: give one for each, or one for all"),
        (lambda venv: venv.reset(seed=-1), r"seed -1 is out of range: allowed are 0 to 2\*\*63 - 1"),
        (lambda venv: venv.reset(seed=2**63 - 1), "is out of range"),
        (lambda venv: venv.reset(options={"bar": 3}), "unknown option 'bar': did you mean 'bars'?"),
        (lambda venv: venv.reset(options={"prefx": [0]}), "unknown option 'prefx': did you mean 'prefix'?"),
        (lambda venv: venv.reset(options={"prefix": [500]}), "action 500 does not exist"),
        (lambda venv: venv.reset(options={"prefix": 3}), "prefix 3 is no sequence"),
        (lambda venv: venv.reset(options={"prefix": [BAR], "bars": 1}), "the prefix fills a whole piece"),
        (lambda venv: venv.reset(options={"reset_mask": [True]}), "reset_mask must be a bool array of 2"),
        (
            lambda venv: venv.reset(options={"reset_mask": np.array([True, False]), "tempo": 100}),
            r"options \['tempo'\] pin the pieces of all environments: leave reset_mask out",
        ),
        (
            lambda venv: venv.reset(options={"reset_mask": np.array([True, False]), "prefix": [BAR]}),
            "a prefix starts all pieces: leave reset_mask out",
        ),
    ],
)
def test_wrong_call_is_told_with_what_is_allowed(call: Any, message: str) -> None:
    venv = ComposeVectorEnv(2)
    venv.reset(seed=0)
    with pytest.raises(RlcomposeError, match=message):
        call(venv)


def test_first_reset_begins_all_pieces() -> None:
    venv = ComposeVectorEnv(2)
    with pytest.raises(RlcomposeError, match=r"call reset\(\) first"):
        venv.step(np.array([0, 0]))
    with pytest.raises(RlcomposeError, match=r"the first reset\(\) begins all"):
        venv.reset(options={"reset_mask": np.array([True, False])})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"autoreset_mode": "Disabled"}, "unknown autoreset mode 'Disabled'.* Allowed: NextStep, SameStep"),
        ({"render_mode": "human"}, "unknown render mode 'human'"),
        ({"observation": "float64"}, "dtype 'float64' is not known"),
    ],
)
def test_wrong_argument_is_told_with_what_is_allowed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RlcomposeError, match=message):
        ComposeVectorEnv(2, **arguments)


def test_step_that_begins_new_pieces_tells_their_seeds() -> None:
    for mode in ("NextStep", "SameStep"):
        venv = ComposeVectorEnv(2, bars=1, autoreset_mode=mode)
        venv.reset(seed=5)
        whole_rest = np.full(2, 10)  # slot 0, the longest of jazz's eleven durations: the whole bar
        infos = venv.step(whole_rest)[4]
        if mode == "NextStep":
            assert "seed" not in infos
            infos = venv.step(whole_rest)[4]
        assert infos["_seed"].all()
        again = ComposeVectorEnv(2, bars=1)
        assert (
            again.reset(seed=infos["seed"].tolist())[0] == venv.engine.float_view(np.empty((2, 278), np.float32))
        ).all()


def test_illegal_actions_are_counted_in_info() -> None:
    venv = ComposeVectorEnv(1, bars=4, range=(60, 72))
    venv.reset(seed=0)
    forbidden = np.flatnonzero(~venv.action_masks()[0])[:1]
    counts = [int(venv.step(action)[4]["num_illegal"][0]) for action in (forbidden, np.array([0]), forbidden)]
    assert counts == [1, 1, 2]


def test_copy_of_all_pieces_goes_on_alike() -> None:
    venv = ComposeVectorEnv(3, bars=2)
    venv.reset(seed=1)
    other = copy.deepcopy(venv)
    for action in (149, 160, 200):
        ours, theirs = (v.step(np.full(3, action)) for v in (venv, other))
        assert (ours[0] == theirs[0]).all() and (ours[1] == theirs[1]).all()
