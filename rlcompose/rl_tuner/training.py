"""Agents of Stable-Baselines3 on the RL Tuner task: by its rules alone, or held to a prior.

    from rlcompose.rl_tuner.prior import fit_prior
    from rlcompose.rl_tuner.training import HELD, train_agent
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
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor
from torch.nn import functional

from rlcompose.agents._boltzmann import Boltzmann
from rlcompose.agents._replay import Batch, TimedReplayBuffer
from rlcompose.agents._rollout import MaskableTimedRolloutBuffer, TimedRolloutBuffer
from rlcompose.errors import RlcomposeError, unknown
from rlcompose.rl_tuner.network import HIDDEN, MaskableTunerPolicy, TokenNetwork, TunerPolicy
from rlcompose.rl_tuner.prior import Prior, compose
from rlcompose.rl_tuner.rules import NUM_EVENTS, TERM_NAMES
from rlcompose.rl_tuner.sb3 import RLTunerVecEnv
from rlcompose.theory.meter import TICKS_PER_QUARTER

SIXTEENTH = TICKS_PER_QUARTER // 4

Report = Callable[[int, float], None]


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


class PaidVecEnv(RLTunerVecEnv):
    """The task for SB3, paid by a `Pay`; accounts and returns in its infos are the plain ones."""

    def __init__(self, num_envs: int, convention: str, pay: Pay, seed: int) -> None:
        """As `RLTunerVecEnv`, with observations of integers."""
        super().__init__(num_envs, convention, observation="int16", seed=seed)
        self._table, self._most, self._worst = pay.table(), pay.ceilings(), pay.worst
        self._brought = np.zeros_like(self.engine.state.account)

    def reset(self) -> NDArray[Any]:
        """Begin new pieces everywhere."""
        self._brought[:] = 0.0
        return super().reset()

    def step_wait(self) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """As `ComposeVecEnv.step_wait`, with the rewards of the pay."""
        weights = self._table[self.engine.state.obs[:, 0]]
        observations, _, dones, infos = super().step_wait()
        shares = self.engine.state.account  # of the event just played, also where the piece has ended
        gains = np.minimum(np.maximum(shares, 0.0), self._most - self._brought)
        self._brought += gains
        self._brought[dones] = 0.0
        paid = (gains + np.clip(shares, -self._worst, 0.0)) * weights
        return observations, paid.sum(axis=1).astype(np.float32), dones, infos


class TunerAgent:
    """A trained agent: `log_probs` says what it does, `model` is that of Stable-Baselines3."""

    def __init__(self, model: Any, logits: Callable[[Tensor], Tensor], convention: str) -> None:
        """`logits` are for observations (batch, 34)."""
        self.model = model
        self.convention = convention
        self._logits = logits

    def log_probs(self, observations: NDArray[np.int16]) -> NDArray[np.float64]:
        """Of every token after each observation (batch, 34), nats, float64 (batch, 38)."""
        with torch.no_grad():
            logits = self._logits(torch.from_numpy(observations.astype(np.int64)))
        logs: NDArray[np.float64] = torch.log_softmax(logits.double(), dim=1).numpy()
        return logs

    def compose(self, number: int, seed: int) -> NDArray[np.int64]:
        """So many melodies, int64 (number, 32)."""
        return compose(self.log_probs, number, seed, self.convention)


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
    if algorithm not in ALGORITHMS:
        raise unknown("algorithm", algorithm, tuple(ALGORITHMS))
    if anchor <= 0 or variety < 0:
        raise RlcomposeError(f"anchor {anchor}, variety {variety}: allowed are anchor above 0, variety 0 and more")
    preset = DQN_SETTINGS if algorithm == "dqn" else PPO_SETTINGS
    settings = preset | settings
    rate, num_envs = settings.pop("learning_rate"), settings.pop("num_envs")
    env = PaidVecEnv(num_envs, convention, pay, seed * 1_000_003)
    settings |= {"learning_rate": lambda left: rate * max(left, 0.05), "seed": seed, "device": "cpu"}
    agent = ALGORITHMS[algorithm](env, prior, anchor, variety, convention, settings)
    agent.model.learn(STEPS[algorithm] if steps is None else steps, callback=_Reporter(report))
    return agent


class _Reporter(BaseCallback):
    """Tells the mean pay of a rollout's pieces."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._tell = report
        self._paid, self._pieces = 0.0, 0

    def _on_step(self) -> bool:
        self._paid += float(self.locals["rewards"].sum())
        self._pieces += int(self.locals["dones"].sum())
        return True

    def _on_rollout_end(self) -> None:
        if self._pieces:
            self._tell(self.num_timesteps, self._paid / self._pieces)
            self._paid, self._pieces = 0.0, 0


# --- PPO and MaskablePPO ----------------------------------------------------------------------------------------------

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


class _Varied(TimedRolloutBuffer):  # type: ignore[misc]  # mypy cannot see agents/ by its installed name
    """A buffer in which it costs to be sure: by the whole future, where PPO's entropy bonus sees one event."""

    sureness = 0.0  # what a nat of the agent's own log probability costs

    def compute_returns_and_advantage(self, last_values: Tensor, dones: NDArray[Any]) -> None:
        self.rewards -= np.float32(self.sureness) * self.log_probs
        super().compute_returns_and_advantage(last_values, dones)


class _MaskableVaried(_Varied, MaskableTimedRolloutBuffer):  # type: ignore[misc]  # the same
    """The same with masks."""


def _ppo(algorithm: Any, policy: Any, buffer: Any) -> Callable[..., TunerAgent]:
    def make(
        env: PaidVecEnv, prior: Prior | None, anchor: float, variety: float, convention: str, settings: dict[str, Any]
    ) -> TunerAgent:
        model = algorithm(
            policy,
            env,
            policy_kwargs={"hidden": HIDDEN if prior is None else prior.network.head.hidden},
            rollout_buffer_class=buffer,
            rollout_buffer_kwargs={"durations": (SIXTEENTH,)},
            **settings,
        )
        model.rollout_buffer.sureness = anchor * variety
        if prior is None:
            model.rollout_buffer.sureness += anchor
        else:
            model.policy.start_as(prior.network)
            model.rollout_buffer.hold_to(model.policy, anchor)
        return TunerAgent(model, model.policy.action_logits, convention)

    return make


# --- DQN --------------------------------------------------------------------------------------------------------------

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


class TunerQNetwork(QNetwork):
    """What each token brings, beside what the prior says of it."""

    prior: tuple[TokenNetwork, ...] = ()  # in a tuple, so that it is none of the parameters that are trained
    anchor = 1.0

    def __init__(self, *args: Any, hidden: int, temperature: float, **kwargs: Any) -> None:
        """As `QNetwork`; `hidden` is the network's width, `temperature` the player's."""
        super().__init__(*args, **kwargs)
        network = TokenNetwork(self.observation_space, hidden)
        torch.nn.init.zeros_(network.head.tokens.weight)  # at first no token brings more than another
        torch.nn.init.zeros_(network.head.tokens.bias)
        self.q_net = network  # type: ignore[assignment]  # in the place of SB3's own Sequential
        self.temperature = temperature

    @property
    def head(self) -> TunerQNetwork:
        """Where a player looks for the temperature."""
        return self

    def values(self, observations: Tensor) -> Tensor:
        """What a player compares, (batch, 38): the values, and the anchor times the prior's log probabilities."""
        values: Tensor = self(observations)
        for network in self.prior:
            with torch.no_grad():
                values = values + self.anchor * torch.log_softmax(network(observations), dim=1)
        return values


class TunerDQNPolicy(DQNPolicy):
    """SB3's policy of DQN with the network above."""

    def __init__(self, *args: Any, hidden: int, temperature: float, **kwargs: Any) -> None:
        """As `DQNPolicy`; the others are those of `TunerQNetwork`."""
        self._network: dict[str, Any] = {"hidden": hidden, "temperature": temperature}
        super().__init__(*args, **kwargs)

    def make_q_net(self) -> TunerQNetwork:
        """A fresh network."""
        return TunerQNetwork(**self._update_features_extractor(self.net_args, features_extractor=None), **self._network)


class TunerDQN(Boltzmann, DQN):  # type: ignore[misc]  # the same
    """DQN whose player draws tokens by their values, and values the next event by what that player gets of it.

    That is the log-sum-exp of Psi- and G-learning (Jaques et al. 2017, sec. 3.2), with the prior in the policy as in G.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As DQN."""
        super().__init__(*args, **kwargs)
        self.unit = 1.0  # nats and pay are weighed against each other, so pay is not scaled

    learner: Any
    target: Any

    def _create_aliases(self) -> None:
        super()._create_aliases()
        self.learner, self.target = self.q_net, self.q_net_target

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Huber's loss of the values against the pay and the soft value of the next event."""
        temperature = self.learner.temperature
        with torch.no_grad():
            soft = torch.logsumexp(self.target.values(batch.following) / temperature, dim=1, keepdim=True)
            wanted = batch.rewards + batch.discounts * temperature * soft
        values = self.learner(batch.observations).gather(1, batch.actions)
        return functional.smooth_l1_loss(values, wanted), values - wanted


def _dqn(
    env: PaidVecEnv, prior: Prior | None, anchor: float, variety: float, convention: str, settings: dict[str, Any]
) -> TunerAgent:
    hidden = HIDDEN if prior is None else prior.network.head.hidden
    model = TunerDQN(
        TunerDQNPolicy,
        env,
        policy_kwargs={"hidden": hidden, "temperature": anchor * (1.0 + variety)},
        train_freq=1,
        target_update_interval=env.num_envs,
        exploration_initial_eps=0.0,  # the player's own variety is the exploration
        exploration_final_eps=0.0,
        replay_buffer_class=TimedReplayBuffer,
        replay_buffer_kwargs={
            "gamma": settings["gamma"],
            "n_steps": 1,
            "durations": (SIXTEENTH,),
            "seed": settings["seed"],
        },
        optimize_memory_usage=True,
        **settings,
    )
    for network in (model.learner, model.target):
        network.anchor = anchor
        network.prior = () if prior is None else (prior.network,)
    model.target.load_state_dict(model.learner.state_dict())
    learner = model.learner
    return TunerAgent(model, lambda seen: learner.values(seen) / learner.temperature, convention)


ALGORITHMS: Mapping[str, Callable[..., TunerAgent]] = {
    "ppo": _ppo(PPO, TunerPolicy, _Varied),
    "maskable_ppo": _ppo(MaskablePPO, MaskableTunerPolicy, _MaskableVaried),
    "dqn": _dqn,
}
STEPS: Mapping[str, int] = {"ppo": 3_200_000, "maskable_ppo": 3_200_000, "dqn": 1_000_000}
