"""A replay buffer for pieces: whole numbers, packed masks, returns over some events discounted by musical time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.buffers import ReplayBuffer
from torch import Tensor

from rlcompose.errors import RlcomposeError
from rlcompose.theory.meter import TICKS_PER_QUARTER


class Batch(NamedTuple):
    """Events drawn from the buffer, one a row.

    observations  float32 (batch, 278)
    actions       int64 (batch, 1)
    rewards       float32 (batch, 1): the event's and the following events' rewards, each discounted to the event
    following     float32 (batch, 278): the observation behind those events; of no account where discounts are 0
    masks         bool (batch, actions): what is legal there
    discounts     float32 (batch, 1): of the value there; 0 where the piece has ended
    """

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    following: Tensor
    masks: Tensor
    discounts: Tensor


class TimedReplayBuffer(ReplayBuffer):
    """SB3's replay buffer for a semi-Markov process: `gamma` is the discount of a quarter note, as in the rollouts.

    Every observation is stored once, as integers: the state behind an event is found in a later row. So an event is
    drawn only when the `n_steps` events after it are there, and about 650 bytes serve for one.
    """

    def __init__(self, *args: Any, gamma: float, n_steps: int, durations: tuple[int, ...], seed: int, **kwargs: Any):
        """As `ReplayBuffer`; `durations` are the style's in ticks, `n_steps` the events whose rewards are summed."""
        super().__init__(*args, **{**kwargs, "handle_timeout_termination": False})
        if self.buffer_size < n_steps + 2:
            raise RlcomposeError(
                f"setting buffer_size allows {self.buffer_size} events for each of {self.n_envs} pieces: "
                f"at least {n_steps + 2} are needed, n_steps and two"
            )
        self.n_steps = n_steps
        self._quarters = torch.tensor(np.array(durations) / TICKS_PER_QUARTER, dtype=torch.float32)
        self._discounts = (gamma ** (np.array(durations) / TICKS_PER_QUARTER)).astype(np.float32)
        self._num_actions = int(self.action_space.n)  # type: ignore[attr-defined]  # Discrete, as DQN demands
        self.masks = np.zeros((self.buffer_size, self.n_envs, -(-self._num_actions // 8)), np.uint8)
        self._rng = np.random.default_rng(seed)

    def store(
        self,
        observations: NDArray[Any],
        masks: NDArray[np.bool_],
        actions: NDArray[np.int64],
        rewards: NDArray[np.float32],
        dones: NDArray[np.bool_],
    ) -> None:
        """Keep one event of each environment: what was seen and legal, what was done, what came of it."""
        self.masks[self.pos] = np.packbits(masks, axis=1)
        self.add(observations, observations, actions, rewards, dones, [])

    def reward_spread(self) -> float:
        """The standard deviation of the rewards stored so far."""
        return float((self.rewards if self.full else self.rewards[: self.pos]).std())

    def quarters(self, actions: Tensor) -> Tensor:
        """How many quarter notes actions (batch, 1) take."""
        return self._quarters[actions % len(self._quarters)]

    @property
    def num_ready(self) -> int:
        """The rows whose following events are there."""
        # `add` also writes the row behind the newest one, so that a full buffer's oldest row is spoilt.
        return max(0, (self.buffer_size - 1 if self.full else self.pos) - self.n_steps)

    def sample(self, batch_size: int, env: Any = None) -> Batch:  # type: ignore[override]  # masks belong to it
        """Draw events, each as likely as the other."""
        oldest = self.pos + 1 if self.full else 0
        rows = oldest + self._rng.integers(self.num_ready, size=batch_size)
        return self.gather(rows % self.buffer_size, self._rng.integers(self.n_envs, size=batch_size))

    def gather(self, rows: NDArray[np.int64], envs: NDArray[np.int64]) -> Batch:
        """The events at these rows of these environments."""
        rewards = np.zeros(len(rows), np.float32)
        discounts = np.ones(len(rows), np.float32)
        for step in range(self.n_steps):
            at = (rows + step) % self.buffer_size
            rewards += discounts * self.rewards[at, envs]
            lengths = self.actions[at, envs, 0] % len(self._discounts)
            discounts *= self._discounts[lengths] * (1.0 - self.dones[at, envs])
        behind = (rows + self.n_steps) % self.buffer_size
        masks = np.unpackbits(self.masks[behind, envs], axis=1, count=self._num_actions)
        return Batch(
            torch.from_numpy(self.observations[rows, envs].astype(np.float32)),
            torch.from_numpy(self.actions[rows, envs]),
            torch.from_numpy(rewards[:, None]),
            torch.from_numpy(self.observations[behind, envs].astype(np.float32)),
            torch.from_numpy(masks.view(np.bool_)),
            torch.from_numpy(discounts[:, None]),
        )
