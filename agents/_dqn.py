"""DQN of Stable-Baselines3 with a network that reads the observation as music."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from stable_baselines3 import DQN
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor
from torch.nn import functional

from rlcompose.agent import Agent, TrainingJob, TrainingResult
from rlcompose.brief import Brief
from rlcompose.preset import Preset

from ._boltzmann import Boltzmann, ValueHead, load_values, preferences, train_values
from ._policy import MusicFeatures
from ._prior_values import PriorDQN, PriorDQNPolicy
from ._replay import Batch


class MusicQNetwork(QNetwork):
    """SB3's network of values with the musical features and head."""

    def __init__(self, *args: Any, head: dict[str, Any], **kwargs: Any) -> None:
        """As `QNetwork`; `head` is what `ValueHead` is told besides."""
        super().__init__(*args, **kwargs)
        # In the place of SB3's own Sequential; nothing asks it for more than being called.
        self.q_net = self.head = ValueHead(self.features_extractor, **head)  # type: ignore[assignment]  # no Sequential

    def values(self, observations: Tensor) -> Tensor:
        """Values (batch, actions) of observations (batch, 278), floats holding the integers."""
        values: Tensor = self(observations)
        return values


class MusicDQNPolicy(DQNPolicy):
    """SB3's policy of DQN with the network above."""

    def __init__(self, *args: Any, head: dict[str, Any], hidden: int, **kwargs: Any) -> None:
        """As `DQNPolicy`; `hidden` is the network's width, `head` what `ValueHead` is told besides."""
        self._head = head
        kwargs |= {"features_extractor_class": MusicFeatures, "features_extractor_kwargs": {"hidden": hidden}}
        super().__init__(*args, **kwargs)

    def make_q_net(self) -> MusicQNetwork:
        """A fresh network."""
        settings = self._update_features_extractor(self.net_args, features_extractor=None)
        return MusicQNetwork(**settings, head=self._head)

    @property
    def learner(self) -> MusicQNetwork:
        """The network that learns."""
        assert isinstance(self.q_net, MusicQNetwork)
        return self.q_net


class MusicDQN(Boltzmann, DQN):
    """DQN towards the value of the player that explores; the learner says what it does, the target what that is worth.

    So it is double DQN (van Hasselt, Guez and Silver 2016) where the temperature goes to 0.
    """

    def _create_aliases(self) -> None:
        super()._create_aliases()
        self.learner, self.target = self.q_net, self.q_net_target

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Huber's loss of the events' values against their rewards and the mean value of what the player does next."""
        with torch.no_grad():
            chances = torch.softmax(preferences(self.learner, batch.following, batch.masks), dim=1)
            following = (chances * self.target.values(batch.following)).sum(dim=1, keepdim=True)
            wanted = batch.rewards + batch.discounts * following
        values = self.learner.values(batch.observations).gather(1, batch.actions)
        return functional.smooth_l1_loss(values, wanted), values - wanted


def train(name: str, preset: Preset, job: TrainingJob) -> TrainingResult:
    """Train from scratch, as the prior, or from the job's start."""
    return train_values(name, MusicDQN, MusicDQNPolicy, preset, job, (PriorDQN, PriorDQNPolicy))


def load(name: str, folder: Path, brief: Brief) -> Agent:
    """The agent in a model folder."""
    return load_values(name, MusicDQNPolicy, folder, brief, PriorDQNPolicy)
