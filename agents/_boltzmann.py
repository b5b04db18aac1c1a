"""What DQN and QR-DQN have in common: a player who prefers what it values more, its memory, and its training.

What differs from Stable-Baselines3's algorithms, and why:

- Explored, valued and played is one and the same player: legal actions in proportion to exp(value / temperature).
  Among events at random every line sounds, and is paid, like noise, and an agent that explores by them learns to hold
  long notes. And the best of 484 estimates is too high an estimate of the best.
- The discount is one of musical time, as in PPO's rollouts.
- Rewards are counted in their own spread, so that doubling all weights changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.type_aliases import RolloutReturn
from torch import Tensor, nn

from rlcompose.agent import TrainingJob, TrainingResult
from rlcompose.brief import Brief
from rlcompose.codec import action_space, observation_space
from rlcompose.preset import Preset, with_settings
from rlcompose.prior.adapter import AdaptedPrior
from rlcompose.sampling import SamplingAgent, one_thread

from ._policy import EventHead, MusicFeatures
from ._replay import Batch, TimedReplayBuffer
from ._training import (
    SHAPE,
    begins_with,
    device_of,
    durations,
    learning_from_many,
    lengths_to_learn,
    make_env,
    read_model,
    shape_of,
    train_model,
)

REPORT_EVERY = 16_384  # events, as many as a rollout of PPO has
FEWEST_STEPS = 200  # of the environments; a budget too short for so many gets fewer environments


class ValueHead(nn.Module):
    """From the features to the value of each action: what the place is worth, and what the event adds to it.

    The split is that of dueling networks (Wang et al. 2016): what a place is worth is learned once for all actions.
    """

    def __init__(self, extractor: Any, lengths: tuple[int, ...], pulse: int, temperature: float) -> None:
        """`extractor` gives the features; lengths and pulse are the style's, `temperature` is the player's."""
        super().__init__()
        assert isinstance(extractor, MusicFeatures)
        self.hidden = extractor.hidden
        self.events = EventHead(extractor.features_dim, lengths, pulse)
        self.place = nn.Linear(extractor.hidden, 1)
        nn.init.zeros_(self.place.weight)
        nn.init.zeros_(self.place.bias)
        self.register_buffer("temperature", torch.tensor(temperature))  # saved with what was learned under it

    def forward(self, features: Tensor) -> Tensor:
        """Values (batch, actions)."""
        values: Tensor = self.events(features) + self.place(features[:, : self.hidden])
        return values


class Boltzmann(OffPolicyAlgorithm):
    """The player, its memory, and how an update is made; a child says what the loss is.

    `learner` and `target` are networks with `values` (batch, actions) and a `ValueHead` as `head`; the child sets them.
    """

    learner: Any
    target: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As the algorithm of SB3."""
        self.unit: float | None = None  # what a reward is divided by; known when learning begins
        super().__init__(*args, **kwargs)

    def hold(self) -> None:
        """Hold it to what it plays now, where the algorithm has an anchor; called before learning begins."""

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The loss of a batch of events and, for the log, the error (batch, 1) of each event's value."""
        raise NotImplementedError  # each algorithm has a loss of its own

    def _sample_action(self, *args: Any, **kwargs: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        assert self.env is not None and isinstance(self._last_obs, np.ndarray)
        self._last_masks: NDArray[np.bool_] = self.env.action_masks()  # type: ignore[attr-defined]  # ComposeVecEnv's
        with torch.no_grad():
            observations = torch.from_numpy(self._last_obs.astype(np.float32))
            actions = draw(preferences(self.learner, observations, torch.from_numpy(self._last_masks)))[:, 0].numpy()
        return actions, actions

    def _store_transition(self, replay_buffer: Any, buffer_action: Any, *seen: Any) -> None:
        observations, rewards, dones, _ = seen
        replay_buffer.store(self._last_obs, self._last_masks, buffer_action, rewards, dones)
        self._last_obs = observations

    def collect_rollouts(self, *args: Any, **kwargs: Any) -> RolloutReturn:
        """As SB3's; but the log gets a line when the callback has reported, not after every so many pieces."""
        rollout = super().collect_rollouts(*args, **kwargs | {"log_interval": None})
        if "health/findings" in self.logger.name_to_value:
            self.dump_logs()
        return rollout

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Some gradient steps, each on a batch drawn from the memory."""
        memory = self.replay_buffer
        assert isinstance(memory, TimedReplayBuffer)
        if self.unit is None:
            self.unit = memory.reward_spread() or 1.0
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        losses, squares = [], []
        for _ in range(gradient_steps):
            batch = memory.sample(batch_size)
            loss, errors = self.loss(batch._replace(rewards=batch.rewards / self.unit))
            self.policy.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            longest: float = self.max_grad_norm  # type: ignore[attr-defined]  # of both algorithms, not of their base
            nn.utils.clip_grad_norm_(self.learner.parameters(), longest)
            self.policy.optimizer.step()
            losses.append(float(loss.detach()))
            squares.append(float(errors.detach().square().mean()))
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates)
        self.logger.record("train/loss", float(np.mean(losses)))
        self.logger.record("train/value_loss", float(np.mean(squares)))


def preferences(network: Any, observations: Tensor, masks: Tensor) -> Tensor:
    """The player's logits (batch, actions): values counted in temperatures, -inf for what is not legal."""
    return torch.where(masks, network.values(observations) / network.head.temperature, -torch.inf)


def draw(logits: Tensor) -> Tensor:
    """An action (batch, 1) for each row of logits (batch, actions)."""
    # Gumbel's noise makes the largest sum a draw from the softmax; values that have exploded do not stop it.
    return (logits - torch.empty_like(logits).exponential_().log_()).argmax(dim=1, keepdim=True)


# In the place of the preset where an agent begins as a prior: held to it by a cost of as many units a nat as the
# temperature says, and with steps as small as what is left to learn.
FROM_PRIOR: Mapping[str, int | float] = {"temperature": 1.0, "learning_rate": 3e-4, "gamma": 0.95, "n_steps": 1}


def train_values(
    name: str,
    algorithm: type[Boltzmann],
    policy: type[Any],
    preset: Preset,
    job: TrainingJob,
    from_prior: tuple[type[Any], type[Any]] | None = None,
) -> TrainingResult:
    """Train from scratch, or from the job's start; Ctrl-C ends in order with the best weights so far.

    `from_prior` are the algorithm and the policy where it begins as a prior, or goes on with a change of one.
    """
    saved, adapted = begins_with(job, name, with_settings(preset, job.settings).get("rank"))
    usual: Mapping[str, int | float] = {} if adapted is None else FROM_PRIOR
    settings = with_settings(preset, {**usual, **job.settings})
    names = ("num_envs", "learning_rate", "learning_starts", "n_steps", "hidden", "temperature")
    num_envs, rate, starts, n_steps, hidden, temperature = (settings.pop(key) for key in names)
    settings.pop("rank", None)
    shape: dict[str, int | str] = {"hidden": hidden}
    shape |= {key: settings.pop(key) for key in ("n_quantiles",) if key in settings}
    kwargs = _made_with(job.brief, shape, adapted, temperature, job.seed)
    if adapted is not None:
        job = learning_from_many(job)
        assert from_prior is not None
        algorithm, policy = from_prior
        shape = shape_of(adapted)
    while num_envs > 16 and num_envs * FEWEST_STEPS > job.steps:
        num_envs //= 2
    with one_thread():
        env = make_env(job, num_envs, () if adapted is None else lengths_to_learn(job.brief))
        model = algorithm(
            policy,
            env,
            learning_rate=lambda left: rate * max(left, 0.1),
            learning_starts=max(min(starts, job.steps // 10), (n_steps + 1) * num_envs),
            train_freq=1,
            target_update_interval=num_envs,
            exploration_initial_eps=0.0,  # the player's own variety is the exploration
            exploration_final_eps=0.0,
            replay_buffer_class=TimedReplayBuffer,
            replay_buffer_kwargs={
                "gamma": settings["gamma"],
                "n_steps": n_steps,
                "durations": durations(job.brief),
                "seed": job.seed,
            },
            optimize_memory_usage=True,
            policy_kwargs=kwargs,
            seed=job.seed,
            device=device_of(job, False),
            **settings,
        )
        if saved is not None:
            saved.put_into(model.learner)
        if "temperature" in job.settings:
            model.learner.head.temperature.fill_(temperature)
        model.target.load_state_dict(model.learner.state_dict())
        model.hold()
        return train_model(job, model, env, _agent(name, model.learner), shape, REPORT_EVERY)


def load_values(
    name: str, policy: type[Any], folder: Path, brief: Brief, from_prior: type[Any] | None = None
) -> SamplingAgent:
    """The agent in a model folder; a model made for other spaces is refused by name.

    `from_prior` is the policy where it changes a prior.
    """
    saved = read_model(folder, name, brief)
    if saved.adapted is not None:
        assert from_prior is not None
        policy = from_prior
    shape = {key: int(saved.config[key]) for key in SHAPE if key in saved.config}
    kwargs = _made_with(brief, shape, saved.adapted, temperature=1.0)  # the true temperature is among the weights
    network = policy(observation_space("int16"), action_space(brief.style), lambda _: 0.0, **kwargs).learner
    saved.put_into(network)
    return _agent(name, network)


def _made_with(
    brief: Brief, shape: Mapping[str, Any], adapted: AdaptedPrior | None, temperature: float, seed: int = 0
) -> dict[str, Any]:
    """What a policy is told: of its head and shape, or of the prior that it changes."""
    if adapted is not None:
        return {"prior": adapted.style, "rank": adapted.rank, "temperature": temperature, "seed": seed}
    head = {"lengths": durations(brief), "pulse": brief.style.pulse, "temperature": temperature}
    return {"head": head, **shape}


def _agent(name: str, network: Any) -> SamplingAgent:
    network.set_training_mode(False)
    return SamplingAgent(name, network, lambda observations: network.values(observations) / network.head.temperature)
