"""QR-DQN of sb3-contrib (Dabney et al. 2018): not only what an event is worth, but how it may turn out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from sb3_contrib import QRDQN
from sb3_contrib.common.utils import quantile_huber_loss
from sb3_contrib.qrdqn.policies import QRDQNPolicy, QuantileNetwork
from stable_baselines3.common.type_aliases import PyTorchObs
from torch import Tensor, nn

from rlcompose.agent import Agent, TrainingJob, TrainingResult
from rlcompose.brief import Brief
from rlcompose.engine.layout import NUM_SLOTS
from rlcompose.preset import Preset

from ._boltzmann import Boltzmann, ValueHead, draw, load_values, preferences, train_values
from ._policy import MusicFeatures
from ._replay import Batch


class MusicQuantileNetwork(QuantileNetwork):
    """SB3's network of quantiles with the musical features; a quantile is a value and what lies above or below it.

    The second depends on the place and on the event's length, not on its pitch: a quantile of its own for each of 484
    actions would be twenty times the work, and how the piece goes on is uncertain for all of them alike.
    """

    def __init__(self, *args: Any, head: dict[str, Any], **kwargs: Any) -> None:
        """As `QuantileNetwork`; `head` is what `ValueHead` is told besides."""
        super().__init__(*args, **kwargs)
        extractor = self.features_extractor
        assert isinstance(extractor, MusicFeatures)
        del self.quantile_net
        self.head = ValueHead(extractor, **head)
        self.num_lengths = len(head["lengths"])
        self.spread = nn.Linear(extractor.hidden, self.num_lengths * self.n_quantiles)
        nn.init.normal_(self.spread.weight, std=0.01)
        nn.init.zeros_(self.spread.bias)

    def forward(self, obs: PyTorchObs) -> Tensor:
        """Quantiles (batch, n_quantiles, actions) of observations (batch, 278), floats holding the integers."""
        features = self.extract_features(obs, self.features_extractor)
        around = self._around(features).transpose(1, 2).repeat(1, 1, NUM_SLOTS)
        quantiles: Tensor = self.head(features)[:, None] + around
        return quantiles

    def values(self, observations: Tensor) -> Tensor:
        """The means of the quantiles, (batch, actions)."""
        values: Tensor = self.head(self.extract_features(observations, self.features_extractor))
        return values

    def quantiles(self, observations: Tensor, actions: Tensor) -> Tensor:
        """The quantiles (batch, n_quantiles) of one action (batch, 1) in each row."""
        features = self.extract_features(observations, self.features_extractor)
        around = self._around(features)[torch.arange(len(features)), actions[:, 0] % self.num_lengths]
        quantiles: Tensor = self.head(features).gather(1, actions) + around
        return quantiles

    def _around(self, features: Tensor) -> Tensor:
        """How far the quantiles lie from the value, (batch, durations, n_quantiles); 0 on average."""
        around: Tensor = self.spread(features[:, : self.head.hidden]).view(-1, self.num_lengths, self.n_quantiles)
        return around - around.mean(dim=2, keepdim=True)


class MusicQRDQNPolicy(QRDQNPolicy):
    """The policy of sb3-contrib's QRDQN with the network above."""

    def __init__(self, *args: Any, head: dict[str, Any], hidden: int, **kwargs: Any) -> None:
        """As `QRDQNPolicy`; `hidden` is the network's width, `head` what `ValueHead` is told besides."""
        self._head = head
        kwargs |= {"features_extractor_class": MusicFeatures, "features_extractor_kwargs": {"hidden": hidden}}
        super().__init__(*args, **kwargs)

    def make_quantile_net(self) -> MusicQuantileNetwork:
        """A fresh network."""
        settings = self._update_features_extractor(self.net_args, features_extractor=None)
        return MusicQuantileNetwork(**settings, head=self._head)

    @property
    def learner(self) -> MusicQuantileNetwork:
        """The network that learns."""
        assert isinstance(self.quantile_net, MusicQuantileNetwork)
        return self.quantile_net


class MusicQRDQN(Boltzmann, QRDQN):
    """QR-DQN towards the quantiles of what the player that explores does next."""

    def _create_aliases(self) -> None:
        super()._create_aliases()
        self.learner, self.target = self.quantile_net, self.quantile_net_target

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The quantile regression loss, against the event's reward and one draw of what the player does next."""
        with torch.no_grad():
            action = draw(preferences(self.learner, batch.following, batch.masks))
            wanted = batch.rewards + batch.discounts * self.target.quantiles(batch.following, action)
        quantiles = self.learner.quantiles(batch.observations, batch.actions)
        loss = quantile_huber_loss(quantiles, wanted)
        return loss, (quantiles - wanted).mean(dim=1, keepdim=True)


def train(name: str, preset: Preset, job: TrainingJob) -> TrainingResult:
    """Train from scratch, or from the job's start."""
    return train_values(name, MusicQRDQN, MusicQRDQNPolicy, preset, job)


def load(name: str, folder: Path, brief: Brief) -> Agent:
    """The agent in a model folder."""
    return load_values(name, MusicQRDQNPolicy, folder, brief)
