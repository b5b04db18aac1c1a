"""DQN that begins as the style's prior: what an event is worth is its log probability, counted in the temperature.

The player plays in proportion to exp(value / temperature), so at first as the prior. What holds it there is the anchor
in the form that values can have: beside its reward every event is paid `temperature` times log p(event) + H(p), by the
prior p. In the mean that is nothing, wherever a piece stands; so no event is played for its own sake, and where nothing
else is paid the prior is what these values tell.

(Jaques et al. 2017, "Sequence Tutor", ICML, pay log p alone, which makes short pieces of few events.)
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor, nn
from torch.nn import functional

from rlcompose.prior.adapter import AdaptedPrior
from rlcompose.prior.model import load_prior

from ._boltzmann import Boltzmann
from ._prior_policy import CRITIC, PriorFeatures
from ._replay import Batch


class PriorValueHead(nn.Module):
    """From features to the value of each action: the place's, and the event's log probability times the temperature."""

    def __init__(self, adapted: AdaptedPrior, temperature: float) -> None:
        """The adapted prior is this head's own."""
        super().__init__()
        self.adapted = adapted
        last = nn.Linear(CRITIC, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.place = nn.Sequential(nn.Linear(adapted.body_size, CRITIC), nn.ReLU(), last)
        self.register_buffer("temperature", torch.tensor(temperature))  # saved with what was learned under it

    def forward(self, features: Tensor) -> Tensor:
        """Values (batch, actions)."""
        temperature = self.temperature
        assert isinstance(temperature, Tensor)
        body = features[:, : self.adapted.body_size]
        values: Tensor = self.adapted.log_probs(features) * temperature + self.place(body)
        return values


class PriorQNetwork(QNetwork):
    """SB3's network of values with the head above."""

    def __init__(self, *args: Any, temperature: float, **kwargs: Any) -> None:
        """As `QNetwork`, with `PriorFeatures` as extractor."""
        super().__init__(*args, **kwargs)
        extractor = self.features_extractor
        assert isinstance(extractor, PriorFeatures)
        # In the place of SB3's own Sequential; nothing asks it for more than being called.
        head = PriorValueHead(extractor.adapted, temperature)
        self.q_net = self.head = head  # type: ignore[assignment]  # no Sequential

    def values(self, observations: Tensor) -> Tensor:
        """Values (batch, actions) of observations (batch, 278), or of features (batch, size)."""
        values: Tensor = self(observations)
        return values


class PriorDQNPolicy(DQNPolicy):
    """SB3's policy of DQN that begins as a prior."""

    def __init__(self, *args: Any, prior: str, rank: int, temperature: float, seed: int, **kwargs: Any) -> None:
        """As `DQNPolicy`; `prior` is its style, `seed` that of what adapters begin with."""
        self._made_with = prior, rank, seed
        self._temperature = temperature
        super().__init__(*args, **kwargs)

    def make_q_net(self) -> PriorQNetwork:
        """A fresh network with an adapted prior of its own."""
        prior, rank, seed = self._made_with
        assert isinstance(self.observation_space, spaces.Box)
        extractor = PriorFeatures(self.observation_space, AdaptedPrior(load_prior(prior), rank, seed))
        settings = self._update_features_extractor(self.net_args, features_extractor=extractor)
        return PriorQNetwork(**settings, temperature=self._temperature)

    @property
    def learner(self) -> PriorQNetwork:
        """The network that learns."""
        assert isinstance(self.q_net, PriorQNetwork)
        return self.q_net


class PriorDQN(Boltzmann, DQN):
    """DQN towards the value of the player that explores, held to the policy that it began as."""

    rate: float | None = None  # what a quarter note earns in the mean, in units

    def _create_aliases(self) -> None:
        super()._create_aliases()
        self.learner, self.target = self.q_net, self.q_net_target
        self.begun: AdaptedPrior | None = None

    def hold(self) -> None:
        """Hold it to what it plays now."""
        self.begun = copy.deepcopy(self.learner.head.adapted).requires_grad_(False)

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Huber's loss of the events' values against their rewards, the anchor, and what the player does next."""
        assert self.begun is not None
        head, target = self.learner.head, self.target.head
        with torch.no_grad():
            here, there = (head.adapted.features(each) for each in (batch.observations, batch.following))
            begun = self.begun.log_probs(here)
            entropy = -(begun.exp() * begun).sum(dim=1, keepdim=True)
            held = head.temperature * (begun.gather(1, batch.actions) + entropy)
            quarters = self.replay_buffer.quarters(batch.actions)  # type: ignore[union-attr]  # TimedReplayBuffer's
            rate = batch.rewards.sum() / quarters.sum()
            # Counted from what time earns in the mean, as in the rollouts of PPO.
            self.rate = float(rate) if self.rate is None else 0.99 * self.rate + 0.01 * float(rate)
            logits = torch.where(batch.masks, head(there) / head.temperature, -torch.inf)
            following = (torch.softmax(logits, dim=1) * target(there)).sum(dim=1, keepdim=True)
            wanted = batch.rewards - self.rate * quarters + held + batch.discounts * following
        values = head(here).gather(1, batch.actions)
        return functional.smooth_l1_loss(values, wanted), values - wanted
