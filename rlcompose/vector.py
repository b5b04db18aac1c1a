"""The vector environment: many pieces in one compiled call, as a Gymnasium `VectorEnv`; a shell over the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from rlcompose.brief import Options, make_brief
from rlcompose.codec import action_space, observation_space
from rlcompose.engine.core import Engine
from rlcompose.env import MAX_SEED, checked_prefix, piece_info
from rlcompose.errors import RlcomposeError, unknown
from rlcompose.reward import RewardChoice, settled, weigh_terms
from rlcompose.style import Style


class ComposeVectorEnv(gymnasium.vector.VectorEnv[NDArray[Any], NDArray[Any], NDArray[Any]]):
    """`num_envs` pieces of one style, stepped together; everything else is as in `ComposeEnv`.

    Arguments beside those of `ComposeEnv`:

    - `num_envs`: how many pieces.
    - `autoreset_mode`: "NextStep" (Gymnasium's default: the step after a piece's end begins the next one, its action is
      ignored and its reward 0) or "SameStep" (the step that ends a piece gives the next piece's first observation; the
      last one stands in `info["final_obs"]`, its account in `info["final_info"]`).
    - `account`: whether `info["rewards"]` maps each term to an array of shares (float64, one for each piece).
    - `copy`: False hands out the engine's own arrays, which the next step overwrites.

    `info["num_illegal"]` counts each piece's illegal actions; in a step that begins new pieces `info["seed"]` tells
    their seeds (what else a reset tells follows from them).

    `reset(seed=s)` gives piece i the seed s + i, as Gymnasium's other vector environments do; a sequence gives each its
    own.
    """

    metadata: dict[str, Any] = {
        "render_modes": ["ansi", "rgb_array"],
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        style: str | Path | Style = "jazz",
        *,
        rewards: RewardChoice = None,
        bars: int | None = None,
        progression: str | None = None,
        chords: Any = None,
        key: Any = None,
        tempo: int | None = None,
        meter: Any = None,
        register: int | None = None,
        range: tuple[int, int] | None = None,
        form: str | None = None,
        instrument: str | int | None = None,
        second_voice: str | None = None,
        observation: str = "float32",
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        account: bool = True,
        copy: bool = True,
    ) -> None:
        """Make the environments; see the class for the arguments."""
        self._set_up(num_envs, autoreset_mode, observation, account, copy)
        options = Options(bars, progression, chords, key, tempo, meter, register, range, form, instrument, second_voice)
        self.brief = make_brief(style, options)
        self.terms = settled(weigh_terms(self.brief.style.rewards, rewards))
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise unknown("render mode", render_mode, self.metadata["render_modes"])
        self.render_mode = render_mode
        self._share_out(action_space(self.brief.style), observation_space(observation))
        self.engine = Engine(self.brief, self.terms, num_envs, next_step_reset=self._is_next_step)
        self._history: list[list[int]] = [[] for _ in np.arange(num_envs)] if render_mode else []

    def _set_up(
        self, num_envs: int, autoreset_mode: str | AutoresetMode, observation: str, account: bool, copy: bool
    ) -> None:
        """What every vector environment over one engine keeps of its arguments."""
        if isinstance(num_envs, bool) or not isinstance(num_envs, int) or num_envs < 1:
            raise RlcomposeError(f"num_envs {num_envs!r} is not a number of environments: allowed are 1 and more")
        self.num_envs = num_envs
        self.autoreset_mode = _autoreset_mode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self._is_next_step = self.autoreset_mode == AutoresetMode.NEXT_STEP
        self._is_float = observation == "float32"
        self._account = account
        self._copy = copy
        self._started = False

    def _share_out(self, single_action_space: Any, single_observation_space: Any) -> None:
        """The spaces of one environment and of all, and room for the float view."""
        self.single_action_space: Any = single_action_space
        self.single_observation_space: Any = single_observation_space
        self.action_space: Any = batch_space(single_action_space, self.num_envs)
        self.observation_space: Any = batch_space(single_observation_space, self.num_envs)
        self._view = np.empty((self.num_envs, *single_observation_space.shape), np.float32)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Begin new pieces in all environments, or in those of the bool array `options["reset_mask"]`.

        The other options pin choices, as in `ComposeEnv`, and hold until the next `reset` of all.
        """
        chosen = dict(options or {})
        mask = chosen.pop("reset_mask", None)
        rows = np.arange(self.num_envs) if mask is None else np.flatnonzero(checked_reset_mask(mask, self.num_envs))
        prefix = checked_prefix(chosen.pop("prefix", ()))
        for name in chosen:
            if name not in Options.names():
                raise unknown("option", name, (*Options.names(), "prefix", "reset_mask"))
        if mask is None:
            brief = self.brief
            if chosen:
                brief = make_brief(brief.style, {**brief.options.pinned, **chosen})
            if brief is not self.engine.brief:
                self.engine.use(brief)
        elif not self._started:
            raise RlcomposeError("the pieces have not begun: the first reset() begins all, leave reset_mask out")
        elif chosen:
            raise RlcomposeError(f"options {sorted(chosen)} pin the pieces of all environments: leave reset_mask out")
        if seed is None and self._started:
            self.engine.reset_to_next(rows.astype(np.int64))
        else:
            self.engine.reset(self._seeds(seed)[rows], rows.tolist())
        self._started = True
        for row in rows.tolist() if self._history else ():
            self._history[row].clear()
        self._play_prefix(prefix, rows)
        return self._observation(), self._reset_info(rows)

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Play one event in each piece: observations, rewards (float64), terminated, truncated (never), infos."""
        if not self._started:
            raise RlcomposeError("the pieces have not begun: call reset() first")
        state, engine = self.engine.state, self.engine
        self._take(actions)
        for row, past in enumerate(self._history):
            if state.done[row]:
                past.clear()
            else:
                past.append(int(self.engine.state.actions[row]))
        begins = state.done.copy() if self.autoreset_mode == AutoresetMode.NEXT_STEP else None
        engine.step()
        rewards, terminated = state.reward.copy(), state.done.copy()
        everywhere = np.ones(self.num_envs, np.bool_)
        infos: dict[str, Any] = {"num_illegal": engine.field("num_illegal").copy(), "_num_illegal": everywhere}
        if self._account:
            infos["rewards"] = dict(zip(engine.names, state.account.T.copy(), strict=True))
            infos["_rewards"] = everywhere
        if self.autoreset_mode == AutoresetMode.SAME_STEP and terminated.any():
            ended = np.flatnonzero(terminated)
            infos |= self._final(ended, terminated, infos)
            engine.reset_to_next(ended)
            for row in ended.tolist() if self._history else ():
                self._history[row].clear()
            begins = terminated
        if begins is not None and begins.any():
            infos["seed"], infos["_seed"] = np.where(begins, state.seeds.astype(np.int64), 0), begins.copy()
        truncated = np.zeros(self.num_envs, np.bool_)
        return self._observation(), rewards, terminated, truncated, infos

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, bool (num_envs, actions)."""
        return self.engine.state.mask.copy() if self._copy else self.engine.state.mask

    def render(self) -> tuple[Any, ...] | None:
        """Each piece so far, as in `ComposeEnv.render`."""
        from rlcompose.codec import perform
        from rlcompose.show import piano_roll, piece_text

        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a render_mode: 'ansi' or 'rgb_array'")
            return None
        seeds = self.engine.state.seeds
        pieces = [perform(self.engine.brief, int(seeds[i]), past, self.terms) for i, past in enumerate(self._history)]
        return tuple(piece_text(p) if self.render_mode == "ansi" else piano_roll(p.composition) for p in pieces)

    def _take(self, actions: NDArray[Any]) -> None:
        array = np.asarray(actions)
        if array.shape != (self.num_envs,) or array.dtype.kind not in "iu":
            raise RlcomposeError(
                f"actions of shape {array.shape} and dtype {array.dtype}: {self.num_envs} ints are needed"
            )
        taken = self.engine.state.actions
        taken[:] = array
        low, high = taken.min(), taken.max()
        if low < 0 or high >= self.engine.num_actions:
            raise RlcomposeError(
                f"action {low if low < 0 else high} does not exist: allowed are 0 to {self.engine.num_actions - 1}"
            )

    def _observation(self) -> NDArray[Any]:
        if not self._is_float:
            return self.engine.state.obs.copy() if self._copy else self.engine.state.obs
        return self.engine.float_view(np.empty_like(self._view) if self._copy else self._view)

    def _seeds(self, seed: int | Sequence[int | None] | None) -> NDArray[np.uint64]:
        if seed is None:
            return np.random.default_rng().integers(MAX_SEED, size=self.num_envs).astype(np.uint64)
        if isinstance(seed, int | np.integer):
            seeds: list[int] = [int(seed) + i for i in range(self.num_envs)]
        else:
            fresh = np.random.default_rng().integers(MAX_SEED, size=self.num_envs)
            seeds = [int(fresh[i]) if s is None else int(s) for i, s in enumerate(seed)]
        if len(seeds) != self.num_envs:
            raise RlcomposeError(
                f"{len(seeds)} seeds for {self.num_envs} environments: give one for each, or one for all"
            )
        if min(seeds) < 0 or max(seeds) > MAX_SEED:
            raise RlcomposeError(f"seed {seed!r} is out of range: allowed are 0 to 2**63 - 1")
        return np.array(seeds, np.uint64)

    def _play_prefix(self, prefix: Sequence[int], rows: NDArray[Any]) -> None:
        if len(prefix) == 0:
            return
        if len(rows) != self.num_envs:
            raise RlcomposeError("a prefix starts all pieces: leave reset_mask out")
        for number, action in enumerate(prefix):
            self._take(np.full(self.num_envs, action))
            if not self.engine.state.mask[:, action].all():
                raise RlcomposeError(f"action {action} (number {number + 1} of the prefix) is illegal in this style")
            self.engine.step()
            for past in self._history:
                past.append(int(action))
            if self.engine.state.done.any():
                raise RlcomposeError("the prefix fills a whole piece: leave something to compose")

    def _reset_info(self, rows: NDArray[Any]) -> dict[str, Any]:
        infos: dict[str, Any] = {}
        for row in rows.tolist():
            infos = self._add_info(infos, piece_info(self.engine, row), row)
        return infos

    def _final(self, ended: NDArray[Any], terminated: NDArray[np.bool_], infos: dict[str, Any]) -> dict[str, Any]:
        """What Gymnasium's vector environments tell of pieces that end when the next one begins in the same step."""
        last = self.engine.state.obs
        shown = self.engine.float_view(np.empty_like(self._view)) if self._is_float else last
        final_obs = np.full(self.num_envs, None, dtype=object)
        for row in ended:
            final_obs[row] = shown[row].copy()
        counts = np.where(terminated, infos["num_illegal"], 0)
        final_info: dict[str, Any] = {"num_illegal": counts, "_num_illegal": terminated.copy()}
        if "rewards" in infos:
            shares = infos["rewards"].items()
            final_info["rewards"] = {term: np.where(terminated, values, 0.0) for term, values in shares}
            final_info["_rewards"] = terminated.copy()
        return {
            "final_obs": final_obs,
            "_final_obs": terminated.copy(),
            "final_info": final_info,
            "_final_info": terminated.copy(),
        }


def _autoreset_mode(mode: str | AutoresetMode) -> AutoresetMode:
    allowed = {m.value: m for m in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)}
    name = mode.value if isinstance(mode, AutoresetMode) else mode
    if name not in allowed:
        raise unknown("autoreset mode", name, allowed)
    return allowed[name]


def checked_reset_mask(mask: Any, num_envs: int) -> NDArray[np.bool_]:
    """`options["reset_mask"]` as bool (num_envs,) with at least one True; anything else is an error."""
    array = np.asarray(mask)
    if array.dtype != np.bool_ or array.shape != (num_envs,) or not array.any():
        raise RlcomposeError(f"reset_mask must be a bool array of {num_envs}, at least one of them True")
    return array
