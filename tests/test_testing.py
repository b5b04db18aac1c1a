"""The checker of vector environments passes the sound and tells the broken, each with its own message."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space

from rlcompose.env import ComposeEnv
from rlcompose.errors import RlcomposeError
from rlcompose.testing import VectorEnvError, check_vector_env, melody, term_values
from rlcompose.vector import ComposeVectorEnv

SPACE = Box(0, 99, (2,), np.int16)
Given = tuple[Any, Any, Any, Any, dict[str, Any]]
MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP]


class Counter(gymnasium.Env[Any, Any]):
    """Counts to 3 or 4, as the seed says; the reward is the action."""

    observation_space = SPACE
    action_space = Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.goal = 3 + int(self.np_random.integers(2))
        self.count = 0
        return self.seen(), {"goal": self.goal}

    def step(self, action: Any) -> Given:
        self.count += 1
        return self.seen(), float(action), self.count == self.goal, False, {"last": int(action)}

    def seen(self) -> Any:
        return np.array([self.count, self.goal], np.int16)


class Counters(VectorEnv[Any, Any, Any]):
    """The same in a row; the broken ones change what `mend` is given before it goes out."""

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, num_envs: int, mode: AutoresetMode = AutoresetMode.NEXT_STEP) -> None:
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": mode}
        self.single_observation_space, self.single_action_space = SPACE, Discrete(3)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.inner = SyncVectorEnv([Counter] * num_envs, autoreset_mode=mode)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        given: tuple[Any, dict[str, Any]] = self.mend_reset(*self.inner.reset(seed=seed, options=options))
        return given

    def step(self, actions: Any) -> Given:
        given: Given = self.mend(*self.inner.step(actions))
        return given

    def mend_reset(self, obs: Any, infos: dict[str, Any]) -> Any:
        return obs, infos

    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        return obs, rewards, terminated, truncated, infos


Broken = type[Counters]
BROKEN: list[tuple[Broken, AutoresetMode, str]] = []


def provokes(message: str, mode: AutoresetMode = AutoresetMode.NEXT_STEP) -> Callable[[Broken], Broken]:
    """Put a broken environment on the list with what it must be told."""

    def note(broken: Broken) -> Broken:
        BROKEN.append((broken, mode, message))
        return broken

    return note


@provokes(r"observation_space is Box\(0, 99, \(2, 2\), int16\): it must be batch_space\(single_observation_space, 3\)")
class OneRowShort(Counters):
    def __init__(self, num_envs: int, mode: AutoresetMode) -> None:
        super().__init__(num_envs, mode)
        self.observation_space = batch_space(SPACE, 2)


@provokes(r"action_space is Discrete\(3\): it must be batch_space\(single_action_space, 3\)")
class OneActionForAll(Counters):
    def __init__(self, num_envs: int, mode: AutoresetMode) -> None:
        super().__init__(num_envs, mode)
        self.action_space = Discrete(3)


@provokes(r"metadata\['autoreset_mode'\] is 'NextStep': it must be a gymnasium.vector.AutoresetMode")
class ModeAsText(Counters):
    def __init__(self, num_envs: int, mode: AutoresetMode) -> None:
        super().__init__(num_envs, mode)
        self.metadata = {"autoreset_mode": "NextStep"}


@provokes(r"reset\(\) gave a ndarray: it must give \(observations, infos\)")
class ResetWithoutInfos(Counters):
    def mend_reset(self, obs: Any, infos: dict[str, Any]) -> Any:
        return obs


@provokes(r"step 1 gave 4 values: it must give \(observations, rewards, terminated, truncated, infos\)")
class OldStep(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        return obs, rewards, terminated | truncated, infos


@provokes(r"reset\(\): the observation has shape \(3, 2\) and dtype int64: the space has \(3, 2\) and int16")
class WideObservation(Counters):
    def mend_reset(self, obs: Any, infos: dict[str, Any]) -> Any:
        return obs.astype(np.int64), infos


@provokes(r"step 1: the observation is outside its space: 100 at \(2, 0\), allowed are 0 to 99")
class ObservationOutside(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        obs[2, 0] = 100
        return obs, rewards, terminated, truncated, infos


@provokes(r"step 1: rewards is a list: it must be an array of floats of shape \(3,\)")
class RewardsAsList(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        return obs, rewards.tolist(), terminated, truncated, infos


@provokes(r"step 1: terminated has shape \(3,\) and dtype int64: it must be bools of shape \(3,\)")
class TerminatedAsInts(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        return obs, rewards, terminated.astype(np.int64), truncated, infos


@provokes(r"step 1: infos is a list: it must be a dict of arrays")
class InfosAsList(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        return obs, rewards, terminated, truncated, [infos]


@provokes(r"reset\(\): infos\['seed'\] is a int: it must be an array with one entry for each environment")
class OneInfoForAll(Counters):
    def mend_reset(self, obs: Any, infos: dict[str, Any]) -> Any:
        return obs, infos | {"seed": 5, "_seed": np.ones(3, np.bool_)}


@provokes(r"step 1: infos has 'last' without its mask '_last', which says whose it is")
class InfoWithoutMask(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        infos.pop("_last", None)
        return obs, rewards, terminated, truncated, infos


@provokes(r"step 1: infos\['_last'\] has shape \(3,\) and dtype int64: it must be bools of shape \(3,\)")
class MaskAsInts(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        return obs, rewards, terminated, truncated, infos | {"_last": np.ones(3, np.int64)}


@provokes("step 2 changed what the one before had given: hand out copies")
class OneBuffer(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        self.buffer = getattr(self, "buffer", np.zeros_like(obs))
        self.buffer[:] = obs
        return self.buffer, rewards, terminated, truncated, infos


@provokes(r"its episode ended a step ago, so NEXT_STEP begins the next one now, .*; it gave reward 7.0")
class PaidReset(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        rewards[obs[:, 0] == 0] = 7.0
        return obs, rewards, terminated, truncated, infos


@provokes("an episode ended, so SAME_STEP wants 'final_obs' in the infos", AutoresetMode.SAME_STEP)
class NoFinalObservation(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        infos.pop("final_obs", None)
        infos.pop("_final_obs", None)
        return obs, rewards, terminated, truncated, infos


@provokes("the mask '_final_obs' is .*: it must be where an episode ended", AutoresetMode.SAME_STEP)
class FinalObservationForAll(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        if "final_obs" in infos:
            infos["_final_obs"] = np.ones(len(obs), np.bool_)
        return obs, rewards, terminated, truncated, infos


@provokes("final observation", AutoresetMode.SAME_STEP)
class NextForFinalObservation(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        for row in np.flatnonzero(terminated):
            infos["final_obs"][row] = obs[row].copy()
        return obs, rewards, terminated, truncated, infos


@provokes(r"reset\(seed=0\) a second time gives another observation in environment 0 at the reset")
class SeedOnlyOnce(Counters):
    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self.times = getattr(self, "times", -1) + 1
        obs, infos = super().reset(seed=seed)
        obs[0, 1] += self.times
        return obs, infos


@provokes(r"reset\(seed=\[0, 1, 2\]\) instead of seed=0 gives another observation")
class ListOfSeedsTurnedRound(Counters):
    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        return super().reset(seed=seed[::-1] if isinstance(seed, list) else seed)


@provokes("1 environments instead of 3 gives another rewards in environment 0 in step 1")
class SharedReward(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        return obs, np.full_like(rewards, len(rewards)) * (obs[:, 0] > 0), terminated, truncated, infos


@provokes("environment 0 and a single environment disagree in step 1 about the reward: .*")
class DoubleReward(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        return obs, 2.0 * rewards + 0.5 * (obs[:, 0] > 0), terminated, truncated, infos


@provokes("environment 0 and a single environment disagree in step 1 about the info 'last': None and")
class InfoLost(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        return obs, rewards, terminated, truncated, {}


@provokes("no episode ended within 20 steps: give more steps")
class Endless(Counters):
    def mend(self, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: dict[str, Any]) -> Any:
        return obs, rewards * (obs[:, 0] > 0), np.zeros_like(terminated), truncated, infos


@pytest.mark.parametrize(("broken", "mode", "message"), BROKEN, ids=[entry[0].__name__ for entry in BROKEN])
def test_broken_vector_environment_is_told_what_is_wrong(broken: Broken, mode: AutoresetMode, message: str) -> None:
    # Beside a single environment a shared reward would be told first as the disagreement that it also is.
    single = None if broken is SharedReward else Counter
    with pytest.raises(VectorEnvError, match=message):
        check_vector_env(partial(broken, mode=mode), single, steps=20)


@pytest.mark.parametrize("mode", MODES)
def test_gymnasiums_own_vector_environment_passes(mode: AutoresetMode) -> None:
    check_vector_env(lambda n: SyncVectorEnv([Counter] * n, autoreset_mode=mode), Counter, steps=40)


def test_without_autoreset_play_is_checked_to_the_first_end() -> None:
    check_vector_env(lambda n: SyncVectorEnv([Counter] * n, autoreset_mode=AutoresetMode.DISABLED), Counter)


def test_one_vector_environment_is_checked_without_a_factory() -> None:
    check_vector_env(Counters(2), Counter, steps=20)


def test_observation_may_be_a_dict() -> None:
    class Named(gymnasium.ObservationWrapper[Any, Any, Any]):
        def __init__(self) -> None:
            super().__init__(Counter())
            self.observation_space = Dict({"seen": SPACE})

        def observation(self, observation: Any) -> Any:
            return {"seen": observation}

    check_vector_env(lambda n: SyncVectorEnv([Named] * n), Named, steps=20)


@pytest.mark.parametrize("style", ["jazz", "fiddle"])
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
@pytest.mark.parametrize("observation", ["float32", "int16"])
def test_vector_environment_of_music_passes(style: str, mode: str, observation: str) -> None:
    choice: dict[str, Any] = {"style": style, "bars": 2, "observation": observation}
    check_vector_env(
        lambda n: ComposeVectorEnv(n, **choice, autoreset_mode=mode), lambda: ComposeEnv(**choice), steps=60, seed=5
    )


def test_environment_without_copies_passes_when_it_says_so() -> None:
    check_vector_env(lambda n: ComposeVectorEnv(n, bars=1, copy=False), lambda: ComposeEnv(bars=1), copies=False)
    with pytest.raises(VectorEnvError, match="hand out copies"):
        check_vector_env(lambda n: ComposeVectorEnv(n, bars=1, copy=False))


def test_melody_reads_pitches_lengths_and_rests() -> None:
    # MIDI numbers: C4 is 60, Bb3 58. A quarter note is 12 ticks.
    piece = melody("C4 Bb3:6 - F#4:24", chords="Dm7 G7 | C", key="C minor", meter="4/4")
    assert [(note.onset, note.pitch, note.ticks) for note in piece.notes] == [(0, 60, 12), (12, 58, 6), (30, 66, 24)]
    assert [(span.onset, span.chord.symbol) for span in piece.chords] == [(0, "Dm7"), (24, "G7"), (48, "C")]
    assert piece.bars == 2 and piece.key.name == "C minor"


def test_chart_is_repeated_to_the_end_of_the_melody() -> None:
    piece = melody("C4:36 D4:36 E4:18", meter="6/8", chords="C | F")
    assert piece.bars == 3
    assert [span.chord.symbol for span in piece.chords] == ["C", "F", "C"]


def test_wrong_note_is_named() -> None:
    with pytest.raises(RlcomposeError, match="'H4' is no note: write a pitch or '-'"):
        melody("C4 H4")


def test_term_values_are_one_for_each_event() -> None:
    def is_rest(m: Any) -> float:
        return float(m.is_rest)

    assert term_values(is_rest, melody("C4 - D4:24")) == [0.0, 1.0, 0.0]


def test_piece_that_a_style_cannot_play_has_no_values() -> None:
    with pytest.raises(RlcomposeError, match="style 'jazz' cannot play"):
        term_values("motif", melody("C4:1 D4:1 E4:1"))
