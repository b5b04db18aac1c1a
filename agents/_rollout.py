"""A rollout buffer that discounts by musical time: after a longer event the future is further away."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib.common.maskable.buffers import MaskableRolloutBuffer
from stable_baselines3.common.buffers import RolloutBuffer

from rlcompose.theory.meter import TICKS_PER_QUARTER


class TimedRolloutBuffer(RolloutBuffer):
    """SB3's rollout buffer for a semi-Markov process: `gamma` is the discount of a quarter note, not of an event.

    Under a discount by event, long notes come free: the time they take away from later rewards is beyond the horizon.
    (Sutton, Precup and Singh, Artificial Intelligence 112, 1999: what follows an option of k steps is discounted by
    gamma to the k.)
    """

    def __init__(self, *args: Any, durations: tuple[int, ...], **kwargs: Any) -> None:
        """As `RolloutBuffer`, with the style's durations in ticks."""
        self._quarters = np.array(durations) / TICKS_PER_QUARTER
        super().__init__(*args, **kwargs)

    def compute_returns_and_advantage(self, last_values: torch.Tensor, dones: NDArray[Any]) -> None:
        """Generalised advantage estimation with each event's own discount."""
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


class MaskableTimedRolloutBuffer(TimedRolloutBuffer, MaskableRolloutBuffer):
    """The same with masks, as sb3-contrib's MaskablePPO wants them."""
