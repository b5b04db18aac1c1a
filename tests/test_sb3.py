"""The environments as Stable-Baselines3 sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecMonitor
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from rlcompose.brief import make_brief
from rlcompose.codec import action_of
from rlcompose.env import ComposeEnv
from rlcompose.errors import RlcomposeError
from rlcompose.reward import weigh_terms
from rlcompose.sb3 import ComposeVecEnv
from rlcompose.style import load_style, style_names

STYLE = load_style("jazz")
BAR = action_of(STYLE, None, 48)


def make(num_envs: int, style: str = "jazz", bars: int = 2, **arguments: Any) -> ComposeVecEnv:
    return ComposeVecEnv(
        make_brief(style, {"bars": bars}), weigh_terms(load_style(style).rewards), num_envs, **arguments
    )


@pytest.mark.parametrize("observation", ["int16", "float32"])
@pytest.mark.parametrize("style", style_names())
def test_rows_agree_with_single_environments_over_whole_pieces(style: str, observation: str) -> None:
    venv = make(3, style, observation=observation, seed=40)
    singles = [ComposeEnv(style, bars=2, observation=observation) for _ in range(3)]
    obs: Any = venv.reset()
    for row, single in enumerate(singles):
        assert np.array_equal(single.reset(seed=40 + row)[0], obs[row])
    rng = np.random.default_rng(1)
    ends = 0
    returns, shares = np.zeros(3), [dict.fromkeys(venv.engine.names, 0.0) for _ in range(3)]
    for _ in range(120):
        assert np.array_equal(venv.action_masks(), [single.action_masks() for single in singles])
        actions = rng.integers(0, venv.action_space.n, 3)  # type: ignore[attr-defined]
        obs, rewards, dones, infos = venv.step(actions)
        assert rewards.dtype == np.float32 and obs.dtype == np.dtype(observation)
        for row, single in enumerate(singles):
            last, reward, terminated, _, info = single.step(int(actions[row]))
            returns[row] += reward
            for name, share in info["rewards"].items():
                shares[row][name] += share
            assert rewards[row] == np.float32(reward) and dones[row] == terminated
            if terminated:
                ends += 1
                assert np.array_equal(infos[row]["terminal_observation"], last)
                assert infos[row]["episode"]["r"] == returns[row] and infos[row]["rewards"] == shares[row]
                last = single.reset()[0]
                returns[row], shares[row] = 0.0, dict.fromkeys(venv.engine.names, 0.0)
            else:
                assert infos[row] == {}
            assert np.array_equal(obs[row], last)
    assert ends > 3


def test_what_one_step_gave_is_not_changed_by_the_next() -> None:
    venv = make(2, bars=1)
    before = venv.reset()
    kept = before.copy()
    _, _, _, infos = venv.step(np.array([BAR, 0]))
    last = infos[0]["terminal_observation"].copy()
    venv.step(np.array([BAR, 0]))
    assert np.array_equal(before, kept) and np.array_equal(infos[0]["terminal_observation"], last)


def test_episode_tells_length_and_return() -> None:
    venv = make(2, bars=2)
    venv.reset()
    venv.step(np.array([BAR, 0]))
    infos = venv.step(np.array([BAR, 0]))[3]
    assert infos[0]["episode"]["l"] == 2 and infos[1] == {}
    assert sum(infos[0]["rewards"].values()) == pytest.approx(infos[0]["episode"]["r"])


def test_seed_of_sb3_gives_each_environment_its_own() -> None:
    venv = make(2)
    venv.seed(7)
    obs = venv.reset()
    single = ComposeEnv("jazz", bars=2, observation="int16")
    assert np.array_equal(obs[1], single.reset(seed=8)[0])
    assert not np.array_equal(venv.reset(), obs), "the next reset begins the next pieces"


def test_masks_are_asked_for_as_maskable_agents_do() -> None:
    venv = make(3)
    venv.reset()
    masks = venv.env_method("action_masks")
    assert np.array_equal(np.stack(masks), venv.action_masks())
    assert len(venv.env_method("action_masks", indices=[1])) == 1
    assert venv.has_attr("action_masks")


def test_what_single_environments_would_do_is_refused() -> None:
    venv = make(2)
    with pytest.raises(RlcomposeError, match="have no method 'close': allowed is action_masks"):
        venv.env_method("close")
    with pytest.raises(RlcomposeError, match="tempo cannot be set in single environments"):
        venv.set_attr("tempo", 100)
    assert venv.env_is_wrapped(VecMonitor) == [False, False]
    venv.close()


def test_ppo_of_sb3_learns_on_it() -> None:
    venv: VecEnv = make(4, bars=1, observation="float32")
    model = PPO("MlpPolicy", venv, n_steps=16, batch_size=64, n_epochs=1, seed=0, device="cpu")
    model.learn(64)
    assert model.num_timesteps == 64 and len(model.ep_info_buffer or ()) > 0
