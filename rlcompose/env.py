"""The environment: one piece, composed event by event, as a Gymnasium `Env`. A thin shell over the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rlcompose.brief import Brief, Options, make_brief
from rlcompose.codec import (
    Performance,
    action_space,
    action_table,
    checked_action,
    observation_space,
    perform,
)
from rlcompose.engine.core import Engine
from rlcompose.engine.layout import FIELD, LAYOUT_ID, OBSERVATION_SCALE, observation_table
from rlcompose.engine.state import Snapshot
from rlcompose.errors import RlcomposeError, unknown
from rlcompose.reward import RewardChoice, settled, weigh_terms
from rlcompose.score import Composition
from rlcompose.style import Style

ENV_ID = "rlcompose/Compose-v0"
MAX_SEED = 2**63 - 1
_NUM_ILLEGAL = FIELD["num_illegal"]  # place in the flat state of one piece


class ComposeEnv(gymnasium.Env[NDArray[Any], np.int64]):
    """Compose a melody over a chord progression, one event at a time.

    ## Description
    The agent writes a monophonic melody: at each step it plays one event, a pitch or a rest with a duration, and time
    moves on by that duration. Chords, key, tempo and form are given. State, observation and action are in the key's
    coordinates (semitones above the tonic), so that what is learned in one key holds in all; time is counted in ticks,
    12 a quarter note. Swing is written straight.

    ## Action space
    `Discrete(n)`: n = 44 slots × the style's durations. Slot 0 is the rest, slot k the pitch k - 13 (-12 to 30
    semitones above the tonic); action = slot × number of durations + index of the duration. jazz has 11 durations (484
    actions), fiddle 8 (352 actions). `env.unwrapped.action_table()` prints all. `MultiDiscreteActions` (in
    `rlcompose.wrappers`) gives the pair instead.

    `action_masks()` tells which actions the style allows: rests always, pitches within the instrument's range and the
    style's widest leap. An illegal action plays the shortest rest and is paid -1 under the name `illegal`. A duration
    past the end of the piece is cut there.

    ## Observation space
    `Box(278,)`: named blocks of integers (int16), by default each divided by its unit (float32).

    {observation_table}

    `rlcompose.engine.layout.BLOCKS` holds places and columns; `LAYOUT_ID` is `{layout_id}`.

    ## Rewards
    The weighted sum of the style's reward terms (`python -m rlcompose.train --help` shows how to change weights and add
    your own). `info["rewards"]` maps every term, and `illegal`, to its share; the shares add up to the reward.
    `info["num_illegal"]` counts the illegal actions of the piece so far.

    ## Starting state
    `reset(seed=…)` draws progression, metre, key, tempo and register within the style; each can be pinned, for all
    pieces by the constructor or for one by `reset(options={{…}})`. The same (style, options, seed, actions) give the
    same piece, byte for byte. Without a seed each reset takes the successor of the last piece's seed.
    `options["prefix"]`, a sequence of legal actions, starts from a given beginning; what it would have earned is not
    paid. Options of one reset hold for that piece only.

    ## Episode end
    `terminated` when the last tick of the piece is reached. Nothing is truncated.

    ## Arguments
    - `style`: a shipped style or variant ("jazz", "slip jig"), the path of a `.toml` file, or a `Style`.
    - `rewards`: None for the style's weights; a mapping from names to weights to change or add some; a sequence of
      functions of the moment (or names) to add with weight 1.
    - `bars`, `progression`, `chords`, `key`, `tempo`, `meter`, `register`, `range`, `form`, `instrument`,
      `second_voice`: pinned choices, see `rlcompose.Options`.
    - `observation`: "float32" or "int16".
    - `render_mode`: "ansi" gives the piece as text, "rgb_array" as a piano roll.

    ## Vectorized environment
    `gymnasium.make_vec("rlcompose/Compose-v0", num_envs=1024, style="jazz")` steps all pieces in one compiled call.

    ## Version history
    - v0: first version.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}

    def __init__(
        self,
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
    ) -> None:
        """Make the environment; see the class for the arguments."""
        options = Options(bars, progression, chords, key, tempo, meter, register, range, form, instrument, second_voice)
        self.brief: Brief = make_brief(style, options)
        self.terms = settled(weigh_terms(self.brief.style.rewards, rewards))
        self.action_space: Any = action_space(self.brief.style)
        self.observation_space: Any = observation_space(observation)
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise unknown("render mode", render_mode, self.metadata["render_modes"])
        self.render_mode = render_mode
        self._engine = Engine(self.brief, self.terms)
        self._is_float = observation == "float32"
        self._account_names = self._engine.names
        self._state = self._engine.state
        self._shares = self._state.account
        self._actions: list[int] = []
        self._started = False
        self._num_actions = int(self.action_space.n)

    # --- Gymnasium's interface ---

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Begin a new piece; `info` tells its seed and what was drawn."""
        super().reset(seed=seed)
        chosen = dict(options or {})
        prefix = checked_prefix(chosen.pop("prefix", ()))
        brief = self.brief
        if chosen:
            allowed = (*Options.names(), "prefix")
            for name in chosen:
                if name not in allowed:
                    raise unknown("option", name, allowed)
            brief = make_brief(brief.style, {**brief.options.pinned, **chosen})
        if brief is not self._engine.brief:
            self._engine.use(brief)
        begin_piece(self._engine, seed, self._started, self.np_random)
        self._started = True
        self._actions = []
        self._seed = int(self._state.seeds[0])
        self._play_prefix(prefix)
        return self._observation(), piece_info(self._engine, 0)

    def step(self, action: Any) -> tuple[NDArray[Any], float, bool, bool, dict[str, Any]]:
        """Play one event; `info` holds `rewards`, each term's share, and `num_illegal`, the piece's count so far."""
        state = self._state
        if not self._started or state.done[0]:
            raise RlcomposeError("the piece has ended (or has not begun): call reset() first")
        if type(action) is not int:
            action = checked_action(self.brief.style, action)
        if not 0 <= action < self._num_actions:
            raise RlcomposeError(f"action {action} does not exist: allowed are 0 to {self._num_actions - 1}")
        state.actions[0] = action
        self._engine.step()
        self._actions.append(action)
        info = {
            "rewards": dict(zip(self._account_names, self._shares[0].tolist(), strict=True)),
            "num_illegal": state.now.item(_NUM_ILLEGAL),
        }
        return self._observation(), state.reward.item(), state.done.item(), False, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, bool (actions,)."""
        mask: NDArray[np.bool_] = self._state.mask[0].copy()
        return mask

    def render(self) -> Any:
        """The piece so far: as text ("ansi") or as a piano roll, uint8 (height, width, 3) ("rgb_array")."""
        from rlcompose.show import piano_roll, piece_text

        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a render_mode: gymnasium.make(…, render_mode='ansi' or 'rgb_array')")
            return None
        performance = self.performance()
        return piece_text(performance) if self.render_mode == "ansi" else piano_roll(performance.composition)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the short cuts into the engine's arrays, which a copy has elsewhere."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_state", "_shares")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a copy's or pickle's content."""
        self.__dict__.update(state)
        self._state, self._shares = self._engine.state, self._engine.state.account

    # --- what music needs beside it ---

    @property
    def piece_seed(self) -> int:
        """The seed of the present piece: `reset(seed=…)` with it gives the same one."""
        return self._seed

    @property
    def actions(self) -> tuple[int, ...]:
        """The actions played in this piece, the prefix included."""
        return tuple(self._actions)

    @property
    def composition(self) -> Composition:
        """The piece so far."""
        return self.performance().composition

    def performance(self) -> Performance:
        """The piece so far, played again with the account of every event."""
        return perform(self._engine.brief, self._seed, self._actions, self.terms)

    def action_table(self) -> str:
        """The table of actions as Markdown."""
        return action_table(self.brief.style)

    def snapshot(self) -> tuple[Snapshot, tuple[int, ...], int, Brief]:
        """Everything that the future depends on."""
        return self._engine.snapshot(), tuple(self._actions), self._seed, self._engine.brief

    def restore(self, snapshot: tuple[Snapshot, tuple[int, ...], int, Brief]) -> NDArray[Any]:
        """Go back to a snapshot; gives the observation there."""
        arrays, actions, seed, brief = snapshot
        if brief is not self._engine.brief:
            if brief.style != self.brief.style:
                own = self.brief.style.name
                raise RlcomposeError(f"the snapshot is of style {brief.style.name!r}, the environment of {own!r}")
            self._engine.use(brief)
        self._engine.restore(arrays)
        self._actions, self._seed, self._started = list(actions), seed, True
        return self._observation()

    def _observation(self) -> NDArray[Any]:
        row: NDArray[Any] = self._state.obs[0]
        return row * OBSERVATION_SCALE if self._is_float else row.copy()

    def _play_prefix(self, prefix: Sequence[int]) -> None:
        for number, action in enumerate(prefix):
            action = checked_action(self.brief.style, action)
            if self._state.done[0]:
                raise RlcomposeError(f"the prefix is longer than the piece, which ends after {number} actions")
            if not self._state.mask[0, action]:
                raise RlcomposeError(f"action {action} (number {number + 1} of the prefix) is illegal in this style")
            self._engine.step(np.array([action]))
            self._actions.append(action)
        if self._state.done[0]:
            raise RlcomposeError("the prefix fills the whole piece: leave something to compose")


def checked_prefix(prefix: object) -> Sequence[Any]:
    """The option `prefix`, if it is a sequence; its actions are checked when they are played."""
    if not isinstance(prefix, Sequence | np.ndarray):
        raise RlcomposeError(f"prefix {prefix!r} is no sequence: give a list of actions")
    return prefix  # type: ignore[return-value]  # an array is a sequence in all that is asked of it here


def begin_piece(engine: Any, seed: int | None, has_begun: bool, np_random: np.random.Generator) -> None:
    """Begin a piece in an engine's only row: of a seed, else the successor of the last piece, else one by lot."""
    if seed is None and has_begun:
        engine.reset_to_next(np.zeros(1, np.int64))
        return
    start = int(np_random.integers(MAX_SEED)) if seed is None else seed
    if start > MAX_SEED:
        raise RlcomposeError(f"seed {start} is too large: allowed are 0 to 2**63 - 1")
    engine.reset([start])


def piece_info(engine: Engine, row: int) -> dict[str, Any]:
    """The seed of a row's piece and what was drawn for it."""
    now = engine.state.now[row]
    choice = engine.brief.charts[now[FIELD["chart"]]]
    return {
        "seed": int(engine.state.seeds[row]),
        "progression": choice.progression.name,
        "meter": choice.meter.name,
        "bars": int(now[FIELD["bars"]]),
        "key": int(now[FIELD["key"]]),
        "mode": choice.progression.mode,
        "tempo": int(now[FIELD["tempo"]]),
        "tonic_pitch": int(now[FIELD["tonic_pitch"]]),
    }


ComposeEnv.__doc__ = (ComposeEnv.__doc__ or "").format(
    observation_table=observation_table().replace("\n", "\n    "), layout_id=LAYOUT_ID
)
