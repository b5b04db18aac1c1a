"""How many steps a second RL Tuner's environments make on one core; writes `table.md` beside this file.

Seconds are the processor's, so that what else runs on the machine counts less; the work is one thread's.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np

from rlcompose.rl_tuner.core import TunerEngine
from rlcompose.rl_tuner.env import RLTunerEnv
from rlcompose.rl_tuner.sb3 import RLTunerVecEnv
from rlcompose.rl_tuner.vector import RLTunerVectorEnv
from rlcompose.speed import best_of

HERE = Path(__file__).parent
NUM_ENVS = 1024
NUM_STEPS = 96  # three pieces in each row
NUM_SINGLE_STEPS = 32 * 200
REPEATS = 15


def measure(step: Callable[[int], object], num_steps: int, num_envs: int) -> Callable[[], float]:
    """A measurement of events a second of `step(number)`."""

    def once() -> float:
        begun = time.process_time()
        for number in range(num_steps):
            step(number)
        return num_steps * num_envs / (time.process_time() - begun)

    return once


def main() -> None:
    """Measure and write."""
    actions = np.random.default_rng(0).integers(0, 38, (64, NUM_ENVS))
    engine = TunerEngine(NUM_ENVS, next_step_reset=True)
    engine.reset(list(range(NUM_ENVS)))
    venv = RLTunerVectorEnv(NUM_ENVS)
    lean = RLTunerVectorEnv(NUM_ENVS, observation="int16", account=False)
    sb3 = RLTunerVecEnv(NUM_ENVS)
    single = RLTunerEnv()
    for env in (venv, lean):
        env.reset(seed=0)
    sb3.reset()
    single.reset(seed=0)

    def vector_step(env: RLTunerVectorEnv | RLTunerVecEnv) -> Callable[[int], object]:
        return lambda number: (env.step(actions[number % 64]), env.action_masks())

    def single_step(number: int) -> None:
        if single.step(int(actions[number % 64, 0]))[2]:
            single.reset()
        single.action_masks()

    cases = {
        "engine (int16 observations and masks in place)": measure(
            lambda number: engine.step(actions[number % 64]), NUM_STEPS, NUM_ENVS
        ),
        "`RLTunerVectorEnv`, float32, accounts, a copy of the masks": measure(vector_step(venv), NUM_STEPS, NUM_ENVS),
        "`RLTunerVectorEnv`, int16, no accounts, a copy of the masks": measure(vector_step(lean), NUM_STEPS, NUM_ENVS),
        "`RLTunerVecEnv` (SB3), float32, a copy of the masks": measure(vector_step(sb3), NUM_STEPS, NUM_ENVS),
        "`RLTunerEnv`, one piece": measure(single_step, NUM_SINGLE_STEPS, 1),
    }
    lines = ["| what steps | events a second of processor time |", "|---|---|"]
    lines += [f"| {name} | {best_of(once, REPEATS):,.0f} |" for name, once in cases.items()]
    where = f"{NUM_ENVS:,} environments, {platform.machine()}, {os.cpu_count()} cores of which one works; "
    text = "\n".join(
        [*lines, "", where + f"Python {platform.python_version()}, Gymnasium {gymnasium.__version__}.", ""]
    )
    (HERE / "table.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
