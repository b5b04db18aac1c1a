"""The environment that does nothing."""

from __future__ import annotations

import numpy as np
import pytest
from stable_baselines3 import PPO

from rlcompose.brief import make_brief
from rlcompose.null_env import NullVecEnv
from rlcompose.sb3 import ComposeVecEnv


def test_ppo_builds_the_same_network_over_it_and_learns() -> None:
    composing = ComposeVecEnv(make_brief("jazz"), (), 4)
    null = NullVecEnv(4, composing.observation_space, composing.action_space)
    networks = []
    for env in (composing, null):
        model = PPO("MlpPolicy", env, n_steps=8, batch_size=16, n_epochs=1, device="cpu", seed=0)
        networks.append({name: tuple(value.shape) for name, value in model.policy.state_dict().items()})
        model.learn(32)
        assert model.num_timesteps == 32
    assert networks[0] == networks[1]


def test_nothing_happens() -> None:
    composing = ComposeVecEnv(make_brief("jazz"), (), 3)
    null = NullVecEnv(3, composing.observation_space, composing.action_space)
    assert composing.observation_space.contains(null.reset()[0])
    seen, rewards, dones, infos = null.step(np.array([1, 2, 3]))
    assert not np.any(np.asarray(seen)) and not rewards.any() and not dones.any()
    assert infos == [{}] * 3 and rewards.dtype == np.float32
    with pytest.raises(AttributeError, match="no method 'action_masks'"):
        null.env_method("action_masks")
