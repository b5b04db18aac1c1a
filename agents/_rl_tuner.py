"""The agents of the RL Tuner task: PPO and MaskablePPO with the task's network, and DQN that draws by its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor, nn
from torch.nn import functional

from rlcompose.rl_tuner.network import HIDDEN, POINTED, TokenFeatures, TokenHead, TokenNetwork
from rlcompose.rl_tuner.prior import Prior, compose, log_probs_of
from rlcompose.rl_tuner.rules import NUM_TOKENS
from rlcompose.rl_tuner.sb3 import RLTunerVecEnv
from rlcompose.theory.meter import TICKS_PER_QUARTER

from ._boltzmann import Boltzmann
from ._policy import Choice
from ._replay import Batch, TimedReplayBuffer
from ._rollout import MaskableTimedRolloutBuffer, TimedRolloutBuffer
from .rl_tuner import Pay, Report

SIXTEENTH = TICKS_PER_QUARTER // 4
CRITIC_HIDDEN = 128


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
        return log_probs_of(self._logits, observations)

    def compose(self, number: int, seed: int) -> NDArray[np.int64]:
        """So many melodies, int64 (number, 32)."""
        return compose(self.log_probs, number, seed, self.convention)


class _Split(nn.Module):
    """What SB3 calls the mlp_extractor: all features for the actor, the hidden vector for the critic."""

    def __init__(self, actor: int, critic: int) -> None:
        super().__init__()
        self.latent_dim_pi, self.latent_dim_vf = actor + POINTED, critic

    def forward_actor(self, features: Tensor) -> Tensor:
        return features

    def forward_critic(self, features: Tensor) -> Tensor:
        return features[:, : self.latent_dim_vf]


class _Tuner(BasePolicy):
    """SB3's actor-critic policies over the network of the prior, actor and critic apart.

    Apart, because what the critic has to learn at first would bend the features that the prior has given the actor.
    """

    features_dim: int
    action_net: Any
    mlp_extractor: Any
    pi_features_extractor: BaseFeaturesExtractor
    vf_features_extractor: BaseFeaturesExtractor

    def __init__(self, *args: Any, hidden: int = HIDDEN, **kwargs: Any) -> None:
        """As the policy; `hidden` is the width of the network."""
        self.hidden = hidden
        kwargs |= {
            "features_extractor_class": TokenFeatures,
            "features_extractor_kwargs": {"hidden": hidden},
            "share_features_extractor": False,
            "net_arch": [],
            "ortho_init": False,
        }
        super().__init__(*args, **kwargs)

    def _build_mlp_extractor(self) -> None:
        self.vf_features_extractor = TokenFeatures(self.observation_space, CRITIC_HIDDEN)
        self.mlp_extractor = _Split(self.hidden, CRITIC_HIDDEN)

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)  # type: ignore[misc]  # of the actor-critic policy beside this class
        self.action_net = TokenHead(self.hidden)
        settings: dict[str, Any] = {"lr": lr_schedule(1), **self.optimizer_kwargs}
        self.optimizer = self.optimizer_class(self.parameters(), **settings)

    def _get_action_dist_from_latent(self, latent_pi: Tensor) -> Choice:
        logits = self.action_net(latent_pi)
        return Choice(NUM_TOKENS).proba_distribution(logits)

    def action_logits(self, observations: Tensor) -> Tensor:
        """Logits (batch, 38)."""
        logits: Tensor = self.action_net(self.pi_features_extractor(observations))
        return logits

    def start_as(self, network: TokenNetwork) -> None:
        """Act as this network does, to the last bit of its logits."""
        self.pi_features_extractor.load_state_dict(network.features.state_dict())
        self.action_net.load_state_dict(network.head.state_dict())


class TunerPolicy(_Tuner, ActorCriticPolicy):
    """PPO's policy."""


class MaskableTunerPolicy(_Tuner, MaskableActorCriticPolicy):
    """MaskablePPO's policy."""


class Reporter(BaseCallback):
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


class _Varied(TimedRolloutBuffer):
    """A buffer in which it costs to be sure: by the whole future, where PPO's entropy bonus sees one event."""

    sureness = 0.0  # what a nat of the agent's own log probability costs

    def compute_returns_and_advantage(self, last_values: Tensor, dones: NDArray[Any]) -> None:
        self.rewards -= np.float32(self.sureness) * self.log_probs
        super().compute_returns_and_advantage(last_values, dones)


class _MaskableVaried(_Varied, MaskableTimedRolloutBuffer):
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
    """SB3's policy of DQN with the network before."""

    def __init__(self, *args: Any, hidden: int, temperature: float, **kwargs: Any) -> None:
        """As `DQNPolicy`; the others are those of `TunerQNetwork`."""
        self._network: dict[str, Any] = {"hidden": hidden, "temperature": temperature}
        super().__init__(*args, **kwargs)

    def make_q_net(self) -> TunerQNetwork:
        """A fresh network."""
        return TunerQNetwork(**self._update_features_extractor(self.net_args, features_extractor=None), **self._network)


class TunerDQN(Boltzmann, DQN):
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
