"""For tests: a checker of vector environments, and melodies written in one line with what a reward term makes of them.

Gymnasium checks single environments only; `check_vector_env` is for any vector environment, not just for this one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Space
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array, iterate

from rlcompose.brief import make_brief
from rlcompose.codec import encode, laid_out_chords, laid_out_sections, perform
from rlcompose.errors import RlcomposeError
from rlcompose.reward import WeightedTerm, find_term, make_term
from rlcompose.reward_check import RewardCheckError, RewardReport, check_reward
from rlcompose.score import Composition, Note
from rlcompose.style import load_style
from rlcompose.theory.key import Key
from rlcompose.theory.line import parse_line
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import parse_chart

__all__ = [
    "RewardCheckError",
    "RewardReport",
    "VectorEnvError",
    "check_reward",
    "check_vector_env",
    "melody",
    "term_values",
]

AnyVectorEnv = VectorEnv[Any, Any, Any]
AnyEnv = gymnasium.Env[Any, Any]


# --- vector environments ----------------------------------------------------------------------------------------------


class VectorEnvError(RlcomposeError):
    """What a vector environment does and should not, or does not and should."""


def check_vector_env(
    venv: AnyVectorEnv | Callable[[int], AnyVectorEnv],
    single: Callable[[], AnyEnv] | None = None,
    *,
    num_envs: int = 3,
    steps: int = 300,
    seed: int = 0,
    copies: bool = True,
) -> None:
    """Play random actions and raise `VectorEnvError` at the first thing that is not as Gymnasium's API wants it.

    Checked are the spaces; shapes, dtypes and bounds of what `reset` and `step` give; the infos' shape; the declared
    autoreset mode (with `DISABLED` play stops where an episode ends); and that seeds reproduce everything.

    Args:
        venv: A function that makes the environment for a number of environments, or one environment. With a function it
            is also checked that an environment does not depend on how many others there are.
        single: A function that makes the single environment with which each row has to agree, bit for bit.
        num_envs: How many environments are made.
        steps: How many steps are played; some episode must end within them.
        seed: The seed of the resets and of the actions.
        copies: Whether what a step gives must stay as it is when the next step is made.
    """
    checked = venv if isinstance(venv, VectorEnv) else venv(num_envs)
    _check_spaces(checked)
    seeds = [seed + i for i in range(checked.num_envs)]
    story = _play(checked, seed, seeds, steps, copies)
    _check_same(story, _play(checked, seed, seeds, steps, copies), f"reset(seed={seed}) a second time")
    _check_same(story, _play(checked, seeds, seeds, steps, copies), f"reset(seed={seeds}) instead of seed={seed}")
    if single is not None:
        for row, row_seed in enumerate(seeds):
            env = single()
            _check_row(story, row, env, row_seed)
            env.close()
    checked.close()
    if isinstance(venv, VectorEnv):
        return
    for other_number in (1, num_envs + 2):
        other = venv(other_number)
        _check_spaces(other)
        other_seeds = [seed + i for i in range(other_number)]
        other_story = _play(other, seed, other_seeds, steps, copies)
        _check_same(story, other_story, f"{other_number} environments instead of {num_envs}")
        other.close()


@dataclass(frozen=True)
class _Step:
    """What a reset (without actions) or a step gave; deep copies, whatever the environment does to the originals."""

    obs: Any
    infos: dict[str, Any]
    actions: Any = None
    rewards: Any = None
    terminated: Any = None
    truncated: Any = None


@dataclass(frozen=True)
class _Story:
    """A reset and the steps after it."""

    venv: AnyVectorEnv
    mode: AutoresetMode
    steps: list[_Step] = field(default_factory=list)


def _check_spaces(venv: AnyVectorEnv) -> None:
    for kind in ("observation", "action"):
        one, many = getattr(venv, f"single_{kind}_space", None), getattr(venv, f"{kind}_space", None)
        if not isinstance(one, Space):
            raise VectorEnvError(f"single_{kind}_space is {one!r}: it must be a gymnasium Space")
        if many != batch_space(one, venv.num_envs):
            raise VectorEnvError(
                f"{kind}_space is {many}: it must be batch_space(single_{kind}_space, {venv.num_envs}), "
                f"{batch_space(one, venv.num_envs)}"
            )


def _mode(venv: AnyVectorEnv) -> AutoresetMode:
    mode = (venv.metadata or {}).get("autoreset_mode")
    if not isinstance(mode, AutoresetMode):
        raise VectorEnvError(f"metadata['autoreset_mode'] is {mode!r}: it must be a gymnasium.vector.AutoresetMode")
    return mode


def _play(venv: AnyVectorEnv, seed: int | Sequence[int], row_seeds: list[int], steps: int, copies: bool) -> _Story:
    """Reset and step with random actions, each row's from its own seed; everything that one story shows is checked."""
    story = _Story(venv, _mode(venv))
    spaces = [copy.deepcopy(venv.single_action_space) for _ in row_seeds]
    for space, row_seed in zip(spaces, row_seeds, strict=True):
        space.seed(row_seed)
    # Gymnasium types a list that may hold None; ours holds none.
    given: Any = venv.reset(seed=list(seed) if isinstance(seed, Sequence) else seed)  # type: ignore[arg-type]
    if not isinstance(given, tuple) or len(given) != 2:
        raise VectorEnvError(f"reset() gave {_shape(given)}: it must give (observations, infos)")
    _check_observation(venv, given[0], "reset()")
    _check_infos(venv, given[1], "reset()")
    story.steps.append(_Step(*copy.deepcopy(given)))
    ended = np.zeros(venv.num_envs, np.bool_)
    has_ended = False
    for number in range(1, steps + 1):
        at = f"step {number}"
        before, before_copy = given, copy.deepcopy(given)
        samples = [space.sample() for space in spaces]
        empty: Any = create_empty_array(venv.single_action_space, venv.num_envs)
        actions = concatenate(venv.single_action_space, samples, empty)
        given = venv.step(copy.deepcopy(actions))
        if copies and not data_equivalence(before, before_copy, exact=True):
            raise VectorEnvError(f"{at} changed what the one before had given: hand out copies")
        if not isinstance(given, tuple) or len(given) != 5:
            raise VectorEnvError(
                f"{at} gave {_shape(given)}: it must give (observations, rewards, terminated, truncated, infos)"
            )
        obs, rewards, terminated, truncated, infos = given
        _check_observation(venv, obs, at)
        _check_array(venv, "rewards", rewards, "f", at)
        _check_array(venv, "terminated", terminated, "b", at)
        _check_array(venv, "truncated", truncated, "b", at)
        _check_infos(venv, infos, at)
        story.steps.append(_Step(*copy.deepcopy((obs, infos, actions, rewards, terminated, truncated))))
        if story.mode is AutoresetMode.NEXT_STEP:
            _check_next_step(ended, story.steps[-1], at)
        ended = terminated | truncated
        has_ended = has_ended or bool(ended.any())
        if story.mode is AutoresetMode.SAME_STEP:
            _check_same_step(venv, ended, infos, at)
        if story.mode is AutoresetMode.DISABLED and has_ended:
            break
    if not has_ended:
        raise VectorEnvError(f"no episode ended within {steps} steps: give more steps, autoreset is to be seen")
    return story


def _shape(value: Any) -> str:
    return f"{len(value)} values" if isinstance(value, tuple) else f"a {type(value).__name__}"


def _check_array(venv: AnyVectorEnv, name: str, value: Any, kind: str, at: str) -> None:
    wanted = f"{'floats' if kind == 'f' else 'bools'} of shape ({venv.num_envs},)"
    if not isinstance(value, np.ndarray):
        raise VectorEnvError(f"{at}: {name} is a {type(value).__name__}: it must be an array of {wanted}")
    if value.shape != (venv.num_envs,) or value.dtype.kind != kind:
        raise VectorEnvError(f"{at}: {name} has shape {value.shape} and dtype {value.dtype}: it must be {wanted}")


def _check_observation(venv: AnyVectorEnv, obs: Any, at: str) -> None:
    space = venv.observation_space
    if isinstance(space, Box) and isinstance(obs, np.ndarray):
        if obs.shape != space.shape or obs.dtype != space.dtype:
            raise VectorEnvError(
                f"{at}: the observation has shape {obs.shape} and dtype {obs.dtype}: "
                f"the space has {space.shape} and {space.dtype}"
            )
        outside = np.argwhere(~((obs >= space.low) & (obs <= space.high)))
        if len(outside):
            place = tuple(outside[0].tolist())
            limits = f"allowed are {space.low[place]} to {space.high[place]}"
            raise VectorEnvError(f"{at}: the observation is outside its space: {obs[place]} at {place}, {limits}")
    elif not space.contains(obs):
        raise VectorEnvError(f"{at}: the observation is outside its space {space}: {obs!r}")


def _check_infos(venv: AnyVectorEnv, infos: Any, at: str, within: str = "infos") -> None:
    """Infos are a dict of arrays (or such dicts), one entry a row, beside each key its mask; deeper masks may lack."""
    if not isinstance(infos, dict):
        raise VectorEnvError(f"{at}: {within} is a {type(infos).__name__}: it must be a dict of arrays")
    for key, value in infos.items():
        name = f"{within}[{key!r}]"
        if isinstance(value, dict):
            _check_infos(venv, value, at, name)
        elif not isinstance(value, np.ndarray) or value.shape[:1] != (venv.num_envs,):
            what = f"shape {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
            raise VectorEnvError(f"{at}: {name} is {what}: it must be an array with one entry for each environment")
        elif key.startswith("_"):
            _check_array(venv, name, value, "b", at)
            continue
        if not key.startswith("_") and within == "infos" and f"_{key}" not in infos:
            raise VectorEnvError(f"{at}: {within} has {key!r} without its mask '_{key}', which says whose it is")


def _check_next_step(ended: Any, step: _Step, at: str) -> None:
    for row in np.flatnonzero(ended):
        if step.rewards[row] != 0 or step.terminated[row] or step.truncated[row]:
            raise VectorEnvError(
                f"{at}, environment {row}: its episode ended a step ago, so NEXT_STEP begins the next one now, with "
                f"reward 0 and not ended; it gave reward {step.rewards[row]}, terminated {step.terminated[row]}, "
                f"truncated {step.truncated[row]}"
            )


def _check_same_step(venv: AnyVectorEnv, ended: Any, infos: dict[str, Any], at: str) -> None:
    for key in ("final_obs", "final_info"):
        if ended.any() and key not in infos:
            raise VectorEnvError(f"{at}: an episode ended, so SAME_STEP wants {key!r} in the infos")
        told = infos.get(f"_{key}", np.zeros_like(ended))
        if not np.array_equal(told, ended):
            raise VectorEnvError(f"{at}: the mask '_{key}' is {told}: it must be where an episode ended, {ended}")
    for row in np.flatnonzero(ended):
        last = infos["final_obs"][row]
        if not venv.single_observation_space.contains(last):
            raise VectorEnvError(f"{at}, environment {row}: final_obs is outside the single space: {last!r}")


def _check_same(story: _Story, other: _Story, what: str) -> None:
    """The rows that both stories have must be equal in everything."""
    rows = range(min(story.venv.num_envs, other.venv.num_envs))
    for number, (a, b) in enumerate(zip(story.steps, other.steps, strict=False)):
        for row in rows:
            for name, value, other_value in (
                ("observation", _rows(story, a.obs)[row], _rows(other, b.obs)[row]),
                *((n, _at(a, n, row), _at(b, n, row)) for n in ("rewards", "terminated", "truncated")),
                ("infos", _row_info(a.infos, row), _row_info(b.infos, row)),
            ):
                if not data_equivalence(value, other_value, exact=True):
                    raise VectorEnvError(
                        f"{what} gives another {name} in environment {row} {_when(number)}: "
                        f"{value!r} and {other_value!r}"
                    )


def _rows(story: _Story, obs: Any) -> list[Any]:
    return list(iterate(story.venv.observation_space, obs))


def _at(step: _Step, name: str, row: int) -> Any:
    values = getattr(step, name)
    return None if values is None else values[row].item()


def _when(number: int) -> str:
    return "at the reset" if number == 0 else f"in step {number}"


def _row_info(infos: dict[str, Any], row: int) -> dict[str, Any]:
    """The infos of one row as a single environment would give them, in plain values."""
    single: dict[str, Any] = {}
    for key, value in infos.items():
        if key.startswith("_") or not infos.get(f"_{key}", np.ones(row + 1, np.bool_))[row]:
            continue
        single[key] = _row_info(value, row) if isinstance(value, dict) else _plain(value[row])
    return single


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def _check_row(story: _Story, row: int, env: AnyEnv, seed: int) -> None:
    """A row of the story must be what a single environment gives for the same seed and actions."""

    def compare(number: int, what: str, value: Any, of_single: Any) -> None:
        if not data_equivalence(value, of_single, exact=True):
            raise VectorEnvError(
                f"environment {row} and a single environment disagree {_when(number)} about the {what}: "
                f"{value!r} and {of_single!r}"
            )

    def compare_info(number: int, infos: dict[str, Any], of_single: dict[str, Any], may_lack: bool = False) -> None:
        told = _row_info(infos, row)
        for key, value in _plain(of_single).items():
            if key in told or not may_lack:
                compare(number, f"info {key!r}", told.get(key), value)

    obs, info = env.reset(seed=seed)
    is_over = False
    for number, step in enumerate(story.steps):
        if number == 0:
            compare_info(0, step.infos, info)
        elif is_over:  # NEXT_STEP
            obs, info = env.reset()
            is_over = False
            compare_info(number, step.infos, info, may_lack=True)
        else:
            action = list(iterate(story.venv.action_space, step.actions))[row]
            obs, reward, terminated, truncated, info = env.step(action)
            is_over = terminated or truncated
            compare(number, "reward", step.rewards[row].item(), step.rewards.dtype.type(reward).item())
            compare(number, "termination", step.terminated[row].item(), terminated)
            compare(number, "truncation", step.truncated[row].item(), truncated)
            if is_over and story.mode is AutoresetMode.SAME_STEP:
                compare(number, "final observation", step.infos["final_obs"][row], obs)
                compare_info(number, {"final": step.infos["final_info"]}, {"final": info})
                obs, info = env.reset()
                is_over = False
                compare_info(number, step.infos, info, may_lack=True)
            else:
                compare_info(number, step.infos, info)
        compare(number, "observation", _rows(story, step.obs)[row], obs)


# --- melodies ---------------------------------------------------------------------------------------------------------


def melody(
    notes: str,
    *,
    chords: str = "C",
    key: str = "C",
    meter: str = "4/4",
    tempo: int = 120,
    style: str = "jazz",
) -> Composition:
    """A piece in one line: pitches, each with `:ticks` unless it is a quarter note, and `-` for a rest.

    The chart is repeated to the end of the melody, or the melody followed by silence to the end of the chart.

    >>> melody("C4 E4:6 - G4:24").notes
    (Note(onset=0, pitch=60, ticks=12), Note(onset=12, pitch=64, ticks=6), Note(onset=30, pitch=67, ticks=24))
    """
    position = 0
    written: list[Note] = []
    for pitch, ticks in parse_line(notes):
        if pitch is not None:
            written.append(Note(position, pitch, ticks))
        position += ticks
    metre, chart = Meter.parse(meter), parse_chart(chords)
    bars = max(-(-position // metre.bar_ticks), chart.num_bars)
    return Composition(
        notes=tuple(written),
        chords=laid_out_chords(chart, metre, bars),
        key=Key.parse(key),
        meter=metre,
        bars=bars,
        tempo=tempo,
        style=style,
        swing=load_style(style).swing,
        sections=laid_out_sections(chart, bars),
        instrument=load_style(style).instruments["melody"],
        title=chart.title,
    )


def term_values(term: str | Callable[..., Any], piece: Composition, *, second_voice: str | None = None) -> list[float]:
    """What a reward term (its name or the function) gives for each event of a piece, notes and rests, in order.

    Silence is as few rests as fill it. A piece that the style of its name cannot play as it stands is an error.
    `second_voice` is the option of that name: "bass", or notes, as they stand.
    """
    known = find_term(term) if isinstance(term, str) else make_term(term)
    encoding = encode(piece, load_style(piece.style))
    brief = encoding.brief
    if second_voice is not None:
        brief = make_brief(brief.style, replace(brief.options, second_voice=second_voice))
    performance = perform(brief, 0, encoding.actions, [WeightedTerm(known, 1.0)])
    if performance.composition.notes != piece.notes:
        raise RlcomposeError(
            f"style {piece.style!r} cannot play {piece.notes}: it plays {performance.composition.notes}"
        )
    values: list[float] = performance.account[:, 0].tolist()
    return values
