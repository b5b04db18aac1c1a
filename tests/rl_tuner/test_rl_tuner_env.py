"""The task's single, vector and SB3 environments: API, observation, seeds, and that all three agree."""

from __future__ import annotations

import copy
import pickle
from functools import reduce
from operator import add
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env as check_env_of_sb3

import rlcompose  # noqa: F401  - registers the id
from rlcompose.errors import RlcomposeError
from rlcompose.rl_tuner import CONVENTIONS, TERM_NAMES, terms
from rlcompose.rl_tuner.env import RLTunerEnv
from rlcompose.rl_tuner.sb3 import RLTunerVecEnv
from rlcompose.rl_tuner.vector import RLTunerVectorEnv
from rlcompose.testing import check_vector_env

ID = "rlcompose/RLTuner-v0"
TOKENS = np.random.default_rng(0).integers(0, 38, 32).tolist()

in_both_dtypes = pytest.mark.parametrize("observation", ["float32", "int16"])


def played(env: RLTunerEnv, tokens: list[int]) -> Any:
    given = None
    for token in tokens:
        given = env.step(token)
    return given


# --- single ---


@in_both_dtypes
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_both_checkers_pass_without_a_word(convention: str, observation: str) -> None:
    env = gymnasium.make(ID, convention=convention, observation=observation)
    check_env(env.unwrapped)
    check_env_of_sb3(env.unwrapped)


def test_observation_is_position_and_tokens_newest_first_with_the_prime_last() -> None:
    env = RLTunerEnv(observation="int16")
    first, _ = env.reset(seed=4)
    prime = first[1]
    assert first.tolist() == [0, prime, *[-1] * 32]
    obs = played(env, [14, 0, 21])[0]
    assert obs.tolist() == [3, 21, 0, 14, prime, *[-1] * 29]
    assert env.tokens == (14, 0, 21)
    obs = played(env, [2] * 29)[0]
    assert obs.tolist() == [32, *[2] * 29, 21, 0, 14, prime]


def test_float_view_is_the_integers_over_their_units() -> None:
    floats, integers = RLTunerEnv(), RLTunerEnv(observation="int16")
    floats.reset(seed=4)
    integers.reset(seed=4)
    expected = played(integers, TOKENS[:5])[0] / np.array([32.0, *[37.0] * 33])
    np.testing.assert_allclose(played(floats, TOKENS[:5])[0], expected, rtol=1e-6)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_rewards_are_the_terms_and_their_sum(convention: str) -> None:
    env = RLTunerEnv(convention)
    env.reset(seed=0)
    for token, shares in zip(TOKENS, terms(TOKENS, convention).tolist(), strict=True):
        _, reward, _, _, info = env.step(token)
        assert info["rewards"] == dict(zip(TERM_NAMES, shares, strict=True))
        assert reward == reduce(add, shares)  # sum() rounds otherwise from Python 3.12 on


def test_a_piece_ends_after_32_events() -> None:
    env = RLTunerEnv()
    env.reset(seed=0)
    ended = [env.step(token)[2] for token in TOKENS]
    assert ended == [*[False] * 31, True]
    with pytest.raises(RlcomposeError, match="call reset"):
        env.step(0)


def primes(convention: str) -> set[int]:
    env = RLTunerVectorEnv(4096, convention, observation="int16")
    return set(env.reset(seed=0)[0][:, 1].tolist())


def test_published_primes_never_draw_the_highest_token() -> None:
    assert primes("compat") == set(range(37))
    assert primes("corrected") == set(range(38))


def test_seeds_reproduce_a_piece_and_those_that_follow() -> None:
    def story() -> list[tuple[list[float], int]]:
        env = RLTunerEnv()
        given = [env.reset(seed=7), env.reset(), env.reset()]
        return [(obs.tolist(), info["seed"]) for obs, info in given]

    first = story()
    assert first == story() and len({seed for _, seed in first}) == 3
    assert first[0][1] == 7
    env = RLTunerEnv()
    assert env.reset(seed=first[2][1])[0].tolist() == first[2][0]


def test_without_a_seed_pieces_differ() -> None:
    assert len({RLTunerEnv().reset()[1]["seed"] for _ in range(4)}) == 4


def test_all_tokens_are_legal() -> None:
    env = RLTunerEnv()
    env.reset(seed=0)
    assert env.action_masks().tolist() == [True] * 38


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_goes_on_by_itself(copied: Any) -> None:
    env = RLTunerEnv()
    env.reset(seed=3)
    played(env, TOKENS[:9])
    other = copied(env)
    expected = played(env, TOKENS[9:])
    given = played(other, TOKENS[9:])
    np.testing.assert_array_equal(given[0], expected[0])
    assert given[1:] == expected[1:]


@pytest.mark.parametrize(
    ("action", "message"),
    [(38, "action 38 does not exist: allowed are 0 to 37"), (-1, "action -1"), (2.0, "action 2.0 is not a whole")],
)
def test_wrong_actions_are_told(action: Any, message: str) -> None:
    env = RLTunerEnv()
    env.reset(seed=0)
    with pytest.raises(RlcomposeError, match=message):
        env.step(action)


@pytest.mark.parametrize("make", [RLTunerEnv, RLTunerVectorEnv])
def test_wrong_arguments_are_told(make: Any) -> None:
    for argument, message in {
        "convention": "unknown convention 'x'",
        "observation": "unknown observation dtype 'x'",
        "render_mode": "unknown render mode 'x': Allowed: none",
    }.items():
        with pytest.raises(RlcomposeError, match=message):
            make(**{argument: "x"})
    with pytest.raises(RlcomposeError, match="unknown option 'prefix'"):
        make().reset(options={"prefix": [2]})


# --- vector ---


@in_both_dtypes
@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_rows_agree_with_single_environments(mode: AutoresetMode, convention: str, observation: str) -> None:
    choice: dict[str, Any] = {"convention": convention, "observation": observation}
    check_vector_env(
        lambda n: gymnasium.make_vec(ID, num_envs=n, autoreset_mode=mode, **choice),
        lambda: gymnasium.make(ID, **choice),
        num_envs=3,
        steps=100,
        seed=21,
    )


def test_gymnasium_makes_the_compiled_environment() -> None:
    venv = gymnasium.make_vec(ID, num_envs=2)
    assert isinstance(venv.unwrapped, RLTunerVectorEnv)
    assert venv.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP


def test_reset_mask_begins_only_its_rows() -> None:
    venv = RLTunerVectorEnv(3, observation="int16")
    venv.reset(seed=5)
    before, *_ = venv.step(np.array([2, 3, 4]))
    after, info = venv.reset(options={"reset_mask": np.array([False, True, False])})
    assert info["_seed"].tolist() == [False, True, False]
    assert np.array_equal(after[[0, 2]], before[[0, 2]]) and after[1, 0] == 0
    with pytest.raises(RlcomposeError, match="reset_mask must be a bool array"):
        venv.reset(options={"reset_mask": [1, 0, 0]})
    with pytest.raises(RlcomposeError, match="the first reset"):
        RLTunerVectorEnv(1).reset(options={"reset_mask": np.array([True])})


def test_accounts_can_be_left_out() -> None:
    venv = RLTunerVectorEnv(2, account=False)
    venv.reset(seed=5)
    assert "rewards" not in venv.step(np.array([2, 3]))[4]


@pytest.mark.parametrize("copies", [True, False])
def test_copy_decides_whether_the_next_step_overwrites(copies: bool) -> None:
    venv = RLTunerVectorEnv(2, copy=copies)
    first, _ = venv.reset(seed=5)
    kept = first.copy()
    venv.step(np.array([2, 3]))
    assert np.array_equal(first, kept) == copies


def test_wrong_vectors_of_actions_are_told() -> None:
    venv = RLTunerVectorEnv(2)
    with pytest.raises(RlcomposeError, match="call reset"):
        venv.step(np.array([0, 0]))
    venv.reset(seed=0)
    with pytest.raises(RlcomposeError, match="action 38 does not exist"):
        venv.step(np.array([0, 38]))
    with pytest.raises(RlcomposeError, match="2 ints are needed"):
        venv.step(np.array([0]))
    with pytest.raises(RlcomposeError, match="num_envs 0"):
        RLTunerVectorEnv(0)


# --- Stable-Baselines3 ---


@in_both_dtypes
def test_sb3_rows_agree_with_single_environments(observation: str) -> None:
    venv = RLTunerVecEnv(2, observation=observation, seed=40)
    singles = [RLTunerEnv(observation=observation) for _ in range(2)]
    obs: Any = venv.reset()
    for row, single in enumerate(singles):
        assert np.array_equal(single.reset(seed=40 + row)[0], obs[row])
    rng = np.random.default_rng(1)
    returns = np.zeros(2)
    for number in range(70):
        actions = rng.integers(0, 38, 2)
        obs, rewards, dones, infos = venv.step(actions)
        for row, single in enumerate(singles):
            last, reward, terminated, _, _ = single.step(int(actions[row]))
            returns[row] += reward
            assert rewards[row] == np.float32(reward) and dones[row] == terminated == (number in (31, 63))
            if terminated:
                assert np.array_equal(infos[row]["terminal_observation"], last)
                assert infos[row]["episode"]["r"] == returns[row] and infos[row]["episode"]["l"] == 32
                assert sum(infos[row]["rewards"].values()) == pytest.approx(returns[row])
                last, returns[row] = single.reset()[0], 0.0
            assert np.array_equal(obs[row], last)


def test_sb3_learns_on_it_and_asks_for_masks() -> None:
    venv = RLTunerVecEnv(4)
    masks = venv.env_method("action_masks")
    assert len(masks) == 4 and all(mask.all() and mask.shape == (38,) for mask in masks)
    PPO("MlpPolicy", venv, n_steps=32, batch_size=64, n_epochs=1, seed=0).learn(128)
