"""One environment: what Gymnasium and Stable-Baselines3 ask of it, and what music needs beside it."""

from __future__ import annotations

import copy
import hashlib
import pickle
import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import rlcompose
from rlcompose.codec import action_of
from rlcompose.env import ComposeEnv
from rlcompose.errors import RlcomposeError
from rlcompose.style import style_names
from rlcompose.theory.pitch import pitch_name
from rlcompose.wrappers import MultiDiscreteActions

PINNED: list[dict[str, Any]] = [{}, {"meter": "6/8", "bars": 3}]


def play(env: gymnasium.Env[Any, Any], steps: int, seed: int) -> list[Any]:
    """What random steps show, to the end of the piece at most; some of the actions are illegal."""
    rng = np.random.default_rng(seed)
    seen = []
    for _ in range(steps):
        action = int(rng.integers(env.action_space.n))  # type: ignore[attr-defined]
        obs, reward, terminated, _, info = env.step(action)
        mask = env.unwrapped.action_masks()  # type: ignore[attr-defined]
        seen.append((obs.tobytes(), mask.tobytes(), reward, terminated, info))
        if terminated:
            break
    return seen


@pytest.mark.parametrize("pinned", PINNED)
@pytest.mark.parametrize("observation", ["float32", "int16"])
@pytest.mark.parametrize("style", style_names())
def test_both_checkers_pass_without_a_warning(style: str, observation: str, pinned: dict[str, Any]) -> None:
    from stable_baselines3.common.env_checker import check_env as check_for_sb3

    env = gymnasium.make("rlcompose/Compose-v0", style=style, observation=observation, **pinned)
    check_env(env.unwrapped)
    check_for_sb3(env)
    check_for_sb3(env.unwrapped)


@pytest.mark.parametrize("mode", [None, "ansi", "rgb_array"])
def test_checker_passes_in_every_render_mode(mode: str | None) -> None:
    check_env(gymnasium.make("rlcompose/Compose-v0", bars=2, render_mode=mode).unwrapped)


def test_same_seed_and_actions_are_the_same_piece() -> None:
    one, other = ComposeEnv("jazz"), ComposeEnv("jazz")
    assert one.reset(seed=3)[0].tobytes() == other.reset(seed=3)[0].tobytes()
    assert play(one, 300, 1) == play(other, 300, 1)
    assert one.composition == other.composition


def test_next_piece_follows_from_the_seed() -> None:
    # Without a seed each reset takes the successor of the last piece's, however that went.
    one, other = ComposeEnv("jazz"), ComposeEnv("jazz")
    one.reset(seed=3)
    other.reset(seed=3)
    play(one, 20, 0)
    info = one.reset()[1]
    assert info == other.reset()[1] and info["seed"] != 3
    again = ComposeEnv("jazz")
    assert again.reset(seed=info["seed"])[1] == info


def test_environment_without_a_seed_begins_anywhere() -> None:
    seeds = {ComposeEnv("jazz").reset()[1]["seed"] for _ in range(3)}
    assert len(seeds) == 3


FINGERPRINT = """
import hashlib
import numpy as np
from rlcompose.env import ComposeEnv

def fingerprint(style):
    env, digest, rng = ComposeEnv(style), hashlib.sha256(), np.random.default_rng(4)
    obs, info = env.reset(seed=11)
    digest.update(obs.tobytes() + repr(sorted(info.items())).encode())
    terminated = False
    while not terminated:
        obs, reward, terminated, _, info = env.step(int(rng.integers(env.action_space.n)))
        digest.update(obs.tobytes() + env.action_masks().tobytes() + repr((reward, info)).encode())
    return digest.hexdigest() + hashlib.sha256(repr(env.composition).encode()).hexdigest()

"""


def test_fresh_process_gives_the_same_arrays() -> None:
    here: dict[str, Any] = {"hashlib": hashlib}
    exec(FINGERPRINT, here)
    code = FINGERPRINT + "print(fingerprint('jazz'), fingerprint('fiddle'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == [here["fingerprint"]("jazz"), here["fingerprint"]("fiddle")], done.stderr


@pytest.mark.parametrize("style", style_names())
def test_snapshot_brings_back_the_future_here_and_in_another_environment(style: str) -> None:
    env = ComposeEnv(style, bars=12)
    env.reset(seed=2, options={"tempo": 111})
    play(env, 15, 0)
    snapshot = copy.deepcopy(env.snapshot())
    future = play(env, 100, 5)
    whole = env.composition
    for place in (env, ComposeEnv(style, bars=12)):
        obs = place.restore(snapshot)
        assert obs.tobytes() != future[0][0] and len(place.actions) == 15
        assert play(place, 100, 5) == future
        assert place.composition == whole and whole.tempo == 111


def test_shares_add_up_to_the_reward() -> None:
    env = ComposeEnv("jazz")
    env.reset(seed=0)
    for _, _, reward, _, info in play(env, 200, 2):
        assert sum(info["rewards"].values()) == pytest.approx(reward, abs=1e-12)
        assert list(info["rewards"])[-1] == "illegal"


def test_illegal_action_is_a_short_rest_paid_minus_one() -> None:
    env = ComposeEnv("jazz", bars=2, key="C", register=60)
    env.reset(seed=0)
    action = action_of(env.brief.style, 30, 48)  # MIDI 90, above the tenor's 84
    assert not env.action_masks()[action]
    _, reward, _, _, info = env.step(action)
    assert reward == info["rewards"]["illegal"] == -1.0
    event = env.performance().events[0]
    assert (event.pitch, event.ticks) == (None, 2)


def test_prefix_is_played_and_not_paid() -> None:
    style = ComposeEnv("jazz").brief.style
    prefix = [action_of(style, pitch, 12) for pitch in (0, 2, 4)]
    env, other = ComposeEnv("jazz", bars=2), ComposeEnv("jazz", bars=2)
    obs, _ = env.reset(seed=4, options={"prefix": prefix})
    other.reset(seed=4)
    for action in prefix:
        expected = other.step(action)[0]
    assert np.array_equal(obs, expected) and env.actions == tuple(prefix)
    assert play(env, 50, 0) == play(other, 50, 0)


def test_options_of_one_reset_hold_for_that_piece_only() -> None:
    env = ComposeEnv("jazz", tempo=100)
    assert env.reset(seed=0, options={"tempo": 150, "key": "Ab", "bars": 4})[1]["tempo"] == 150
    play(env, 500, 0)
    assert env.composition.bars == 4 and env.composition.key.name == "Ab major"
    _, info = env.reset(seed=0)
    assert info["tempo"] == 100 and info["bars"] == 32


def test_info_of_a_reset_tells_what_was_drawn() -> None:
    env = ComposeEnv("fiddle", key="A minor", meter="6/8", tempo=101)
    _, info = env.reset(seed=8)
    assert (info["seed"], info["meter"], info["key"], info["mode"], info["tempo"]) == (8, "6/8", 9, "minor", 101)
    assert info["progression"] == "folk_minor" and pitch_name(info["tonic_pitch"]).startswith("A")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prefx": [0]}, "unknown option 'prefx': did you mean 'prefix'?"),
        ({"tempo": 5}, "tempo 5 is out of range"),
        ({"prefix": [484]}, "action 484 does not exist: allowed are 0 to 483"),
        ({"prefix": [1.5]}, "action 1.5 is not a whole number"),
        ({"prefix": 3}, "prefix 3 is no sequence: give a list of actions"),
        ({"prefix": [43 * 11], "key": "C", "register": 60}, r"action 473 \(number 1 of the prefix\) is illegal"),
        ({"prefix": [10], "bars": 1}, "the prefix fills the whole piece: leave something to compose"),
        ({"prefix": [10, 10], "bars": 1}, "the prefix is longer than the piece, which ends after 1 actions"),
    ],
)
def test_wrong_reset_is_told(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RlcomposeError, match=message):
        ComposeEnv("jazz").reset(seed=0, options=options)


def test_seed_must_fit_into_63_bits() -> None:
    env = ComposeEnv("jazz")
    assert env.reset(seed=2**63 - 1)[1]["seed"] == 2**63 - 1
    with pytest.raises(RlcomposeError, match=r"allowed are 0 to 2\*\*63 - 1"):
        env.reset(seed=2**63)
    with pytest.raises(gymnasium.error.Error):
        env.reset(seed=-1)


def test_step_before_reset_and_after_the_end_is_told() -> None:
    env = ComposeEnv("jazz", bars=1)
    with pytest.raises(RlcomposeError, match=r"call reset\(\) first"):
        env.step(0)
    env.reset(seed=0)
    assert env.step(10)[2]
    with pytest.raises(RlcomposeError, match=r"the piece has ended .*: call reset\(\) first"):
        env.step(0)


@pytest.mark.parametrize(("action", "message"), [(484, "does not exist"), (-1, "does not exist"), (2.7, "not a whole")])
def test_wrong_action_is_told_and_not_played(action: Any, message: str) -> None:
    env = ComposeEnv("jazz")
    env.reset(seed=0)
    with pytest.raises(RlcomposeError, match=message):
        env.step(action)
    assert env.actions == () and env.performance().events == ()


def test_unknown_render_mode_is_told_with_the_nearest() -> None:
    with pytest.raises(RlcomposeError, match="unknown render mode 'ascii': did you mean 'ansi'?"):
        ComposeEnv("jazz", render_mode="ascii")


def test_rendering_shows_the_piece_so_far() -> None:
    text, picture = (ComposeEnv("jazz", bars=2, render_mode=mode) for mode in ("ansi", "rgb_array"))
    for env in (text, picture):
        env.reset(seed=0)
        env.step(action_of(env.brief.style, 0, 12))
    assert text.render().splitlines()[0].startswith("jazz: ")
    assert picture.render().dtype == np.uint8 and picture.render().shape[1:] == (96, 3)


def test_observation_of_one_step_is_not_changed_by_the_next() -> None:
    for observation in ("float32", "int16"):
        env = ComposeEnv("jazz", observation=observation)
        before, _ = env.reset(seed=0)
        kept, mask = before.copy(), env.action_masks()
        kept_mask = mask.copy()
        play(env, 10, 0)
        assert np.array_equal(before, kept) and np.array_equal(mask, kept_mask)


def test_float_view_is_the_integers_divided_by_their_units() -> None:
    one, other = ComposeEnv("jazz", observation="float32"), ComposeEnv("jazz", observation="int16")
    floats, whole = one.reset(seed=1)[0], other.reset(seed=1)[0]
    assert floats.dtype == np.float32 and whole.dtype == np.int16
    assert np.array_equal(floats == 0, whole == 0)
    assert floats[128] == np.float32(whole[128] / 12)  # the root, of 12


def test_pair_of_slot_and_duration_is_the_same_action() -> None:
    env = MultiDiscreteActions(ComposeEnv("jazz", bars=2))
    assert env.action_space == gymnasium.spaces.MultiDiscrete([44, 11])
    env.reset(seed=0)
    env.step(np.array([13, 6]))
    assert env.unwrapped.actions == (149,)  # type: ignore[attr-defined]
    assert env.step(env.action_space.sample())[0] in env.observation_space


@pytest.mark.parametrize("pair", [[12, 11], [44, 0], [-1, 0], [13.9, 6.0], [13], 149])
def test_a_pair_that_does_not_exist_is_refused_and_is_no_other_one(pair: Any) -> None:
    env = MultiDiscreteActions(ComposeEnv("jazz", bars=2))
    env.reset(seed=0)
    with pytest.raises(RlcomposeError, match="allowed are a slot from 0 to 43 and a duration from 0 to 10"):
        env.step(pair)
    assert env.step([13, 6])[4]["num_illegal"] == 0, "a list is as good as an array"


def test_snapshot_of_another_style_is_refused_and_changes_nothing() -> None:
    jazz, fiddle = ComposeEnv("jazz", bars=2), ComposeEnv("fiddle", bars=2)
    jazz.reset(seed=0)
    before, _ = fiddle.reset(seed=0)
    with pytest.raises(RlcomposeError, match="the snapshot is of style 'jazz', the environment of 'fiddle'"):
        fiddle.restore(jazz.snapshot())
    assert np.array_equal(fiddle.restore(fiddle.snapshot()), before)


def test_documentation_is_complete() -> None:
    text = ComposeEnv.__doc__ or ""
    for heading in ("Description", "Action space", "Observation space", "Rewards", "Starting state", "Episode end"):
        assert f"## {heading}" in text
    assert "pitch_classes" in text and "{layout_id}" not in text


def test_public_names_are_there_and_others_are_not() -> None:
    assert all(getattr(rlcompose, name) for name in rlcompose.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Compose'; it has ComposeEnv"):
        rlcompose.Compose  # noqa: B018


def test_illegal_actions_are_counted_in_info() -> None:
    env = ComposeEnv(bars=4, range=(60, 72))
    env.reset(seed=0)
    forbidden = int(np.flatnonzero(~env.action_masks())[0])
    assert [env.step(action)[4]["num_illegal"] for action in (forbidden, 0, forbidden)] == [1, 1, 2]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["copy", "pickle"])
def test_copy_goes_on_alike_and_apart(copied: Any) -> None:
    env = ComposeEnv(bars=4)
    env.reset(seed=1)
    env.step(action_of(env.brief.style, 4, 6))
    other = copied(env)
    for action in (action_of(env.brief.style, 5, 6), action_of(env.brief.style, 7, 12)):
        ours, theirs = env.step(action), other.step(action)
        assert (ours[0] == theirs[0]).all() and ours[1:] == theirs[1:]
    other.step(0)
    assert (len(other.actions), len(env.actions)) == (4, 3)
    assert (env.step(action_of(env.brief.style, 0, 24))[0] != other.step(0)[0]).any()
