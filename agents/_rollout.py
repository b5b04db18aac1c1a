"""A rollout buffer that discounts by musical time: after a longer event the future is further away."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib.common.maskable.buffers import MaskableRolloutBuffer
from stable_baselines3.common.buffers import RolloutBuffer

from rlcompose.theory.meter import TICKS_PER_QUARTER

from ._policy import ILLEGAL_LOGIT

ANCHOR_BATCH = 8192  # events whose logits are computed at once


class TimedRolloutBuffer(RolloutBuffer):
    """SB3's rollout buffer for a semi-Markov process: `gamma` is the discount of a quarter note, not of an event.

    Under a discount by event, long notes come free: the time they take away from later rewards is beyond the horizon.
    (Sutton, Precup and Singh, Artificial Intelligence 112, 1999: what follows an option of k steps is discounted by
    gamma to the k.)
    """

    def __init__(self, *args: Any, durations: tuple[int, ...], **kwargs: Any) -> None:
        """As `RolloutBuffer`, with the style's durations in ticks."""
        self._quarters = np.array(durations) / TICKS_PER_QUARTER
        self._anchor: Anchor | None = None
        super().__init__(*args, **kwargs)

    def hold_to(self, policy: Any, weight: float) -> None:
        """Hold what plays to a policy as it is now: an event costs `weight` a nat between their log probabilities.

        That is nothing at first, and in the mean the distance (KL) of the two policies. So what is worth it is learned
        with the smallest change of everything else.
        """
        self._anchor = Anchor(policy, weight) if weight else None

    def compute_returns_and_advantage(self, last_values: torch.Tensor, dones: NDArray[Any]) -> None:
        """Generalised advantage estimation with each event's own discount."""
        if self._anchor is not None:
            self.rewards -= self._anchor.costs(self)
        lengths = self._quarters[self.actions[..., 0].astype(np.int64) % len(self._quarters)]
        discounts = (self.gamma**lengths).astype(np.float32)
        following = last_values.clone().cpu().numpy().flatten()
        goes_on = 1.0 - np.asarray(dones, np.float32)
        advantage = np.zeros(self.n_envs, np.float32)
        for step in reversed(range(self.buffer_size)):
            discount = discounts[step] * goes_on
            delta = self.rewards[step] + discount * following - self.values[step]
            advantage = delta + discount * self.gae_lambda * advantage
            self.advantages[step] = advantage
            following = self.values[step]
            goes_on = 1.0 - self.episode_starts[step]
        self.returns = self.advantages + self.values


class Anchor:
    """A policy that another one is held to, by what it costs to do what this one would hardly do.

    (Jaques et al., "Sequence Tutor: Conservative Fine-Tuning of Sequence Generation Models with KL-control", ICML
    2017.)
    """

    def __init__(self, policy: Any, weight: float) -> None:
        """A copy of the policy is kept; `weight` is what a nat costs."""
        self._policy = copy.deepcopy(policy).requires_grad_(False)
        self._weight = weight

    def costs(self, rollout: RolloutBuffer) -> NDArray[np.float32]:
        """What each event of a rollout costs, float32 (steps, envs)."""
        actions = torch.from_numpy(rollout.actions.reshape(-1, 1)).long()
        observations = torch.from_numpy(rollout.observations.reshape(len(actions), -1))
        masks = getattr(rollout, "action_masks", None)  # MaskablePPO's buffer has them
        legal = None if masks is None else torch.from_numpy(masks.reshape(len(actions), -1)).bool()
        found = []
        for first in range(0, len(actions), ANCHOR_BATCH):
            some = slice(first, first + ANCHOR_BATCH)
            with torch.no_grad():
                logits = self._policy.action_logits(observations[some].float())
            if legal is not None:
                logits = torch.where(legal[some], logits, ILLEGAL_LOGIT)
            found.append(torch.log_softmax(logits, dim=1).gather(1, actions[some])[:, 0])
        anchored = torch.cat(found).numpy().reshape(rollout.log_probs.shape)
        costs: NDArray[np.float32] = np.float32(self._weight) * (rollout.log_probs - anchored)
        return costs


class MaskableTimedRolloutBuffer(TimedRolloutBuffer, MaskableRolloutBuffer):
    """The same with masks, as sb3-contrib's MaskablePPO wants them."""
