"""The policy that begins as the style's prior: a small change beside the prior's layers, and a critic.

Tables and attention of the prior do not learn. What they look up, an event's features, is computed once, when the event
is played, kept in the rollout, and learned from as often as there are epochs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.distributions import CategoricalDistribution
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from rlcompose.engine.layout import NUM_SLOTS, OBSERVATION_SIZE
from rlcompose.prior.adapter import AdaptedPrior

from ._policy import Choice

CRITIC = 64


class PriorFeatures(BaseFeaturesExtractor):
    """From observations (batch, 278) to features (batch, size); what is features already passes.

    latest   the features of the latest observations, float32 (envs, size), which the rollout keeps
    """

    latest: NDArray[np.float32]

    def __init__(self, observation_space: spaces.Box, adapted: AdaptedPrior) -> None:
        """The adapted prior is the policy's."""
        super().__init__(observation_space, adapted.size)
        self._adapted = (adapted,)  # no part of this module's state

    @property
    def adapted(self) -> AdaptedPrior:
        """Whose features these are."""
        return self._adapted[0]

    def forward(self, observations: Tensor) -> Tensor:
        """Observations as floats holding the integers."""
        if observations.shape[1] != OBSERVATION_SIZE:
            return observations
        features = self.adapted.features(observations)
        self.latest = features.cpu().numpy()
        return features


class _ActorAndCritic(nn.Module):
    """What SB3 calls the mlp_extractor: all features for the actor, two layers over them for the critic."""

    def __init__(self, adapted: AdaptedPrior) -> None:
        super().__init__()
        self.latent_dim_pi, self.latent_dim_vf = adapted.size, CRITIC
        self.body = adapted.body_size
        self.critic = nn.Sequential(nn.Linear(self.body, CRITIC), nn.ReLU(), nn.Linear(CRITIC, CRITIC), nn.ReLU())

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return features, self.forward_critic(features)

    def forward_actor(self, features: Tensor) -> Tensor:
        return features

    def forward_critic(self, features: Tensor) -> Tensor:
        critic: Tensor = self.critic(features[:, : self.body])
        return critic


class PitchThenLength(CategoricalDistribution):
    """An event drawn in two steps, a pitch or rest and a length for it; lengths of other pitches are never computed.

    With masks all of them are, and what is not allowed has no share.
    """

    def __init__(self, adapted: AdaptedPrior, features: Tensor) -> None:
        """After features (batch, size)."""
        super().__init__(NUM_SLOTS * adapted.num_lengths)
        self._adapted, self._features = adapted, features
        self._hidden = adapted.hidden(features)
        self._pitches = torch.log_softmax(adapted.pitch_logits(features, self._hidden), dim=1)

    def _lengths(self, slots: Tensor) -> Tensor:
        return torch.log_softmax(self._adapted.length_logits(self._features, self._hidden, slots), dim=1)

    def log_prob(self, actions: Tensor) -> Tensor:
        """Of the actions (batch,), nats."""
        number = self._adapted.num_lengths
        slots, lengths = actions.long() // number, actions.long() % number
        of_length = self._lengths(slots).gather(1, lengths[:, None])
        return (self._pitches.gather(1, slots[:, None]) + of_length)[:, 0]

    def sample(self) -> Tensor:
        """An action for each row."""
        slots = torch.multinomial(self._pitches.exp(), 1)[:, 0]
        lengths = torch.multinomial(self._lengths(slots).exp(), 1)[:, 0]
        return slots * self._adapted.num_lengths + lengths

    def mode(self) -> Tensor:
        """The likeliest action of each row."""
        return self._adapted.log_probs(self._features).argmax(dim=1)

    def entropy(self) -> None:  # type: ignore[override]  # PPO takes minus the log probability in the place of None
        """None: it would need the lengths of every pitch."""


class _Prior(BasePolicy):
    """What makes SB3's actor-critic policies begin as a prior."""

    adapted: AdaptedPrior
    features_extractor: BaseFeaturesExtractor
    mlp_extractor: Any

    def __init__(self, *args: Any, adapted: AdaptedPrior, **kwargs: Any) -> None:
        """As the policy; `adapted` is the prior that it begins as, and changes."""
        kwargs["features_extractor_class"] = PriorFeatures
        kwargs["features_extractor_kwargs"] = {"adapted": adapted}
        kwargs["ortho_init"] = False
        super().__init__(*args, **kwargs)

    def _build_mlp_extractor(self) -> None:
        assert isinstance(self.features_extractor, PriorFeatures)
        self.adapted = self.features_extractor.adapted
        self.mlp_extractor = _ActorAndCritic(self.adapted)

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)  # type: ignore[misc]  # of the actor-critic policy beside this class
        self.action_net: Any = nn.Identity()
        settings: dict[str, Any] = {"lr": lr_schedule(1), **self.optimizer_kwargs}
        self.optimizer = self.optimizer_class(self.parameters(), **settings)

    def action_logits(self, observations: Tensor) -> Tensor:
        """Log probabilities (batch, actions) of all actions, legal or not."""
        return self.adapted.log_probs(self.features_extractor(observations))

    def choice(self, features: Tensor) -> PitchThenLength:
        """The events after features (batch, size), without masks."""
        return PitchThenLength(self.adapted, features)

    def learns_only_values(self, is_so: bool) -> None:
        """Whether the adapter stays as it is while the critic learns."""
        self.adapted.requires_grad_(not is_so)


class PriorPolicy(_Prior, ActorCriticPolicy):
    """SB3's actor-critic policy that begins as a prior."""

    def _get_action_dist_from_latent(self, latent_pi: Tensor) -> PitchThenLength:
        return self.choice(latent_pi)


class MaskablePriorPolicy(_Prior, MaskableActorCriticPolicy):
    """The same with masks, as sb3-contrib's MaskablePPO wants them."""

    def _get_action_dist_from_latent(self, latent_pi: Tensor) -> Choice:
        logits = self.adapted.log_probs(latent_pi)
        return Choice(logits.shape[1]).proba_distribution(logits)
