"""Agents of Stable-Baselines3 on the RL Tuner task: by its rules alone, or held to a prior.

    from rlcompose.rl_tuner.prior import fit_prior
    from rlcompose.agents.rl_tuner import HELD, train_agent
    agent = train_agent("ppo", fit_prior(), convention="compat", pay=HELD)
    melodies = agent.compose(1000, seed=0)

What an agent learns to get is, in the mean over pieces,

    pay - anchor (log p_agent - log p_prior) - anchor x variety x log p_agent

summed over the events: KL-control (Jaques et al. 2017, eq. 4, arXiv 1611.02796). Where nothing but the whole piece
counts, the best there is is known: pieces in proportion to p_prior exp(pay / anchor). `variety` flattens that. Without
a prior all tokens are alike to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError, missing_extra, unknown
from rlcompose.rl_tuner.rules import NUM_EVENTS, TERM_NAMES

if TYPE_CHECKING:
    from rlcompose.rl_tuner.prior import Prior

    from ._rl_tuner import TunerAgent

Report = Callable[[int, float], None]

PPO_SETTINGS: dict[str, Any] = {
    "num_envs": 1024,
    "n_steps": NUM_EVENTS,
    "batch_size": 4096,
    "n_epochs": 2,
    "learning_rate": 1e-3,
    "gamma": 1.0,  # the pay of a piece's last event, for extremes that came once, counts whole
    "gae_lambda": 0.97,
    "max_grad_norm": 0.5,
}

DQN_SETTINGS: dict[str, Any] = {
    "num_envs": 256,
    "batch_size": 512,
    "learning_rate": 1e-3,
    "gamma": 0.9,  # of a quarter note
    "buffer_size": 200_000,
    "learning_starts": 20_000,
    "gradient_steps": 1,
    "tau": 0.01,  # as published
    "max_grad_norm": 5.0,  # as published
}

STEPS: Mapping[str, int] = {"ppo": 3_200_000, "maskable_ppo": 3_200_000, "dqn": 1_000_000}


@dataclass(frozen=True)
class Pay:
    """What an agent is paid of the nine terms, in place of their plain sum.

    weights   of terms by name; those not named weigh 1
    late      the tonic's weight behind the first event; None is the tonic's own
    most      what a term can bring in a piece before it is weighed; those not named bring what they bring
    worst     what an event can cost by one term at most, before it is weighed
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    late: float | None = None
    most: Mapping[str, float] = field(default_factory=dict)
    worst: float = 10.0

    def __post_init__(self) -> None:
        for name in (*self.weights, *self.most):
            if name not in TERM_NAMES:
                raise unknown("term", name, TERM_NAMES)

    def table(self) -> NDArray[np.float64]:
        """The weight of each term at each event, float64 (32, 9)."""
        table = np.tile([self.weights.get(name, 1.0) for name in TERM_NAMES], (NUM_EVENTS, 1))
        if self.late is not None:
            table[1:, TERM_NAMES.index("tonic")] = self.late
        return table

    def ceilings(self) -> NDArray[np.float64]:
        """What each term can bring in a piece, float64 (9,)."""
        return np.array([self.most.get(name, np.inf) for name in TERM_NAMES])


# The plain sum; only the 100 of a repetition is bounded, as one of them hides all that else was learned in a rollout.
PLAIN = Pay()
# Towards music: the terms that farm (a leap resolved again and again, a bar that comes back for ever) are paid in a
# piece as often as a tune has them, those that are broken seldom cost more, and the end may be another than the tonic.
HELD = Pay(
    weights={
        "key": 2.8,
        "tonic": 3.2,
        "repetition": 3.5,
        "autocorrelation": 0.12,
        "motif": 0.05,
        "repeated_motif": 0.95,
        "preferred_intervals": 0.0,
        "leap": 4.5,
        "unique_extremes": 2.1,
    },
    late=0.2,
    most={"leap": 5.0, "repeated_motif": 12.0},
)
HELD_VARIETY = 0.36


def train_agent(
    algorithm: str,
    prior: Prior | None = None,
    *,
    convention: str = "corrected",
    pay: Pay = PLAIN,
    steps: int | None = None,
    anchor: float = 1.0,
    variety: float = 0.0,
    seed: int = 0,
    report: Report = lambda steps, pay: None,
    **settings: Any,
) -> TunerAgent:
    """Train "ppo", "maskable_ppo" or "dqn" for so many events; the same seed gives the same agent on the same machine.

    With a prior the agent starts as it: before the first update it says the same of every token. `report` is told after
    every rollout how many events were played, and the mean pay of the pieces that ended in it. `settings` replace those
    of the algorithm in SB3 (`PPO_SETTINGS`, `DQN_SETTINGS`). A masking agent has nothing to mask here, as all tokens
    are always legal; it is there to be compared.

    Raises:
        RlcomposeError: The algorithm or the convention is not known, or `anchor` is not above 0.
    """
    if algorithm not in STEPS:
        raise unknown("algorithm", algorithm, tuple(STEPS))
    if anchor <= 0 or variety < 0:
        raise RlcomposeError(f"anchor {anchor}, variety {variety}: allowed are anchor above 0, variety 0 and more")
    preset = DQN_SETTINGS if algorithm == "dqn" else PPO_SETTINGS
    settings = preset | settings
    rate, num_envs = settings.pop("learning_rate"), settings.pop("num_envs")
    try:
        from ._rl_tuner import ALGORITHMS, PaidVecEnv, Reporter
    except ModuleNotFoundError as error:
        raise missing_extra(str(error.name), "train") from error
    env = PaidVecEnv(num_envs, convention, pay, seed * 1_000_003)
    settings |= {"learning_rate": lambda left: rate * max(left, 0.05), "seed": seed, "device": "cpu"}
    agent = ALGORITHMS[algorithm](env, prior, anchor, variety, convention, settings)
    agent.model.learn(STEPS[algorithm] if steps is None else steps, callback=Reporter(report))
    return agent
