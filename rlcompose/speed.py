"""`python -m rlcompose.speed`: how many steps a second the environment makes, as ratios within one run."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from rlcompose.command import Parser, run

REPEATS = 7  # the fastest repeat of several alternating ones is the least disturbed
NUM_ACTION_ROWS = 64
LEARNING_ENVS = 64
LEARNING: dict[str, Any] = {"n_steps": 128, "batch_size": 2048, "n_epochs": 4}  # of PPO, on both sides alike
LEARNING_REPEATS = 3


def parser() -> Parser:
    """The command's options."""
    parser = Parser(
        "python -m rlcompose.speed",
        "Measure steps a second on one core: engine, all reward terms, a term in Python, float view, a single "
        "environment beside CartPole-v1, and Stable-Baselines3's PPO beside the same on an environment that does "
        "nothing.",
        "python -m rlcompose.speed --style jazz",
    )
    parser.add_argument("--style", default="jazz", help="the style (default: jazz)")
    from rlcompose.arguments import at_least

    parser.add_argument("--envs", type=at_least(1), default=1024, metavar="N", help="pieces in a batch (default: 1024)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run(_speed, parser(), argv)


def high_notes(m: Any) -> float:
    """A user's term of six lines."""
    if not m.is_note:
        return 0.0
    if m.pitch > 12:
        return 1.0
    return 0.0


def best_of(measure: Callable[[], float], repeats: int = REPEATS) -> float:
    """The largest of several measurements."""
    return max(measure() for _ in range(repeats))


def _speed(arguments: argparse.Namespace) -> dict[str, Any]:
    import gymnasium
    import numpy as np

    from rlcompose.brief import make_brief
    from rlcompose.engine.core import Engine
    from rlcompose.reward import load_terms, settled, weigh_terms

    rng = np.random.default_rng(0)
    brief = make_brief(arguments.style)
    terms = settled(weigh_terms(brief.style.rewards))
    everything = weigh_terms(dict.fromkeys(load_terms(), 1.0))
    num_envs: int = arguments.envs

    def made(paid: Any, in_python: bool = False) -> Engine:
        """An engine under way; with `in_python` its terms are called per note, whether or not they compile."""
        engine = Engine(brief, paid, num_envs, next_step_reset=True)
        if in_python:
            engine.call_in_python()
        engine.reset(list(range(num_envs)))
        return engine

    engine = made(terms)
    everywhere = np.flatnonzero(engine.state.mask.all(axis=0))
    actions = rng.choice(everywhere, (NUM_ACTION_ROWS, num_envs))
    view = np.empty(engine.state.obs.shape, np.float32)

    def batch(engine: Engine, with_view: bool = False, rounds: int = max(20, 200_000 // num_envs)) -> float:
        begun = time.perf_counter()
        for number in range(rounds):
            engine.step(actions[number % NUM_ACTION_ROWS])
            if with_view:
                engine.float_view(view)
        seconds = time.perf_counter() - begun
        return rounds * num_envs / seconds

    batch(engine, True)
    own = settled(weigh_terms(brief.style.rewards, [high_notes]))
    engines = [made(()), engine, made(own), made(everything)]
    # Alternating, so that a disturbance meets all; the float view last.
    rows = [[batch(each) for each in engines] for _ in range(REPEATS)]
    bare, integers, with_own, with_all = (max(speed) for speed in zip(*rows, strict=True))
    floats = best_of(lambda: batch(engine, True))
    python = made(weigh_terms({}, [high_notes]), in_python=True)
    with_python = best_of(lambda: batch(python, rounds=max(2, 20_000 // num_envs)), 3)

    single = gymnasium.make("rlcompose/Compose-v0", style=arguments.style)
    cart_pole = gymnasium.make("CartPole-v1")
    single_actions, cart_actions = actions[:, 0].tolist(), rng.integers(0, 2, NUM_ACTION_ROWS).tolist()

    def one(env: gymnasium.Env[Any, Any], chosen: list[int], reads_rewards: bool) -> float:
        env.reset(seed=0)
        count = 20_000
        begun = time.perf_counter()
        for number in range(count):
            _, _, terminated, truncated, info = env.step(chosen[number % NUM_ACTION_ROWS])
            if reads_rewards:
                dict(info["rewards"])
            if terminated or truncated:
                env.reset()
        seconds = time.perf_counter() - begun
        return count / seconds

    # Alternating, so that a disturbance meets both.
    pairs = [(one(single, single_actions, True), one(cart_pole, cart_actions, False)) for _ in range(REPEATS)]
    ours, theirs = (max(speed) for speed in zip(*pairs, strict=True))
    return {
        "style": brief.style.name,
        "terms": len(terms),
        "environments": num_envs,
        "steps_per_second": round(integers),
        "steps_per_second_without_terms": round(bare),
        "all_terms": len(everything),
        "steps_per_second_with_all_terms": round(with_all),
        "six_line_term_ns_per_step": round(1e9 / with_own - 1e9 / integers, 1),
        "steps_per_second_with_a_term_in_python": round(with_python),
        "steps_per_second_with_float_view": round(floats),
        "float_view_ns_per_step": round(1e9 / floats - 1e9 / integers, 1),
        "single_steps_per_second": round(ours),
        "cart_pole_steps_per_second": round(theirs),
        "single_over_cart_pole": round(ours / theirs, 2),
        **_learning(brief, terms),
    }


def _learning(brief: Any, terms: Any) -> dict[str, Any]:
    """Events a second of SB3's PPO with its own network, here and on the null environment; nothing without SB3."""
    try:
        import torch
        from stable_baselines3 import PPO
    except ImportError:
        print("speed: PPO is not measured: pip install 'rlcompose[train]'", file=sys.stderr)
        return {"ppo_steps_per_second": None, "null_ppo_steps_per_second": None, "ppo_over_null": None}
    from rlcompose.null_env import NullVecEnv
    from rlcompose.sb3 import ComposeVecEnv

    composing = ComposeVecEnv(brief, terms, LEARNING_ENVS)
    null = NullVecEnv(LEARNING_ENVS, composing.observation_space, composing.action_space)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        models = [PPO("MlpPolicy", env, seed=0, device="cpu", **LEARNING) for env in (composing, null)]
        steps = LEARNING_ENVS * LEARNING["n_steps"]

        def learned(model: Any) -> float:
            begun = time.perf_counter()
            model.learn(steps)
            seconds = time.perf_counter() - begun
            return float(steps / seconds)

        # Alternating, so that a disturbance meets both; the first rollouts warm up.
        rows = [[learned(model) for model in models] for _ in range(1 + LEARNING_REPEATS)][1:]
    finally:
        torch.set_num_threads(threads)
    ours, theirs = (max(speed) for speed in zip(*rows, strict=True))
    return {
        "ppo_steps_per_second": round(ours),
        "null_ppo_steps_per_second": round(theirs),
        "ppo_over_null": round(ours / theirs, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
