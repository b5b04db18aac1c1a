"""A rollout buffer that discounts by musical time: after a longer event the future is further away."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib.common.maskable.buffers import MaskableRolloutBuffer
from stable_baselines3.common.buffers import RolloutBuffer

from rlcompose.engine.layout import BLOCKS, OBSERVATION_SIZE
from rlcompose.theory.meter import TICKS_PER_QUARTER

if TYPE_CHECKING:
    from ._prior_policy import PriorFeatures

ANCHOR_BATCH = 8192  # events whose probabilities are computed at once
# Nats of the logarithm by which a rollout moves the anchor's weight at most: quickly where the policy is too far from
# what it is held to, since steps are large and a training is short; slowly where it is near.
STEER_UP, STEER_DOWN = 0.3, 0.05
FURTHEST = 30.0  # the weight is never so many times its first, or so small a part of it
LEAST_SPREAD = 1e-4  # of returns; below it nothing is paid
PLACE = BLOCKS["place"]
BAR_TICKS, TICK_IN_BAR = (
    PLACE.start + [column.name for column in PLACE.columns].index(name) for name in ("bar_ticks", "tick_in_bar")
)


class TimedRolloutBuffer(RolloutBuffer):
    """SB3's rollout buffer for a semi-Markov process: `gamma` is the discount of a quarter note, not of an event.

    Under a discount by event, long notes come free: the time they take away from later rewards is beyond the horizon.
    (Sutton, Precup and Singh, Artificial Intelligence 112, 1999: what follows an option of k steps is discounted by
    gamma to the k.)

    anchor  what holds the policy near to another one, if anything does
    """

    def __init__(self, *args: Any, durations: tuple[int, ...], **kwargs: Any) -> None:
        """As `RolloutBuffer`, with the style's durations in ticks."""
        self._ticks = np.array(durations)
        self.anchor: Anchor | None = None
        self._extractor: PriorFeatures | None = None
        self._levels_notes = False
        self._is_relative = False
        self._unit: float | None = None  # what rewards are divided by, where features are kept
        super().__init__(*args, **kwargs)

    def hold_to(
        self, policy: Any, weight: float, target: float = 0.0, fall: float = 1.0, is_relative: bool = False
    ) -> None:
        """Hold what plays to a policy as it is now: an event costs `weight` a nat between their log probabilities.

        So what is worth it is learned with the smallest change of everything else. What `target` and `fall` are, says
        `Anchor`. Where it `is_relative`, the weight is counted in the spread of the first rollout's returns, so that it
        holds as firmly whatever the size of the rewards; that needs features kept.
        """
        self._is_relative = is_relative
        self.anchor = Anchor(policy, weight, target, fall) if weight else None

    def keep_features(self, extractor: PriorFeatures, levels_notes: bool = False) -> None:
        """Learn from the features of the events, as they were when these were played, in the place of observations.

        Rewards are then counted from what the rollout's bars and quarter notes earn in the mean, and in the spread of
        the first rollout's returns; and `gae_lambda` is one of a quarter note. A piece has so many bars and quarters,
        so its return is changed by a constant. But a critic that does not know yet what a bar costs would else find
        short events good, after which less time has passed and fewer bars have been paid for; and where a bar earns
        something, long ones.

        With `levels_notes` what a note earns in the mean is left out, too: a reward for notes, as for high ones, says
        then which to play and not how many. That does change what is best; a reward of 1 for each note says nothing.
        """
        self._extractor, self._levels_notes = extractor, levels_notes

    def reset(self) -> None:
        """Empty it."""
        super().reset()
        if self._extractor is not None:
            self._features = np.zeros((self.buffer_size, self.n_envs, self._extractor.features_dim), np.float32)

    def add(self, *args: Any, **kwargs: Any) -> None:
        """An event of each piece."""
        if self._extractor is not None:
            self._features[self.pos] = self._extractor.latest
        super().add(*args, **kwargs)

    def compute_returns_and_advantage(self, last_values: torch.Tensor, dones: NDArray[Any]) -> None:
        """Generalised advantage estimation with each event's own discount."""
        ticks = self._ticks[self.actions[..., 0].astype(np.int64) % len(self._ticks)]
        bar_ticks, here = np.full_like(ticks, 4 * TICKS_PER_QUARTER), np.zeros_like(ticks)
        if self.observations.shape[-1] == OBSERVATION_SIZE:  # the RL Tuner task has other ones, and its own bars
            bar_ticks, here = (self.observations[..., column].astype(np.int64) for column in (BAR_TICKS, TICK_IN_BAR))
        if self._extractor is not None:
            self.observations = self._features
        costs: NDArray[np.float32] | None = None
        if self.anchor is not None:
            costs = self.anchor.costs(self, float((ticks / bar_ticks).sum()))
            if not self._is_relative:
                self.rewards -= costs
        quarters = (ticks / TICKS_PER_QUARTER).astype(np.float32)
        discounts = (self.gamma**quarters).astype(np.float32)
        trusted: Any = np.float32(self.gae_lambda)
        goes_on = 1.0 - np.append(self.episode_starts[1:], np.asarray(dones, np.float32)[None], axis=0)
        following = last_values.clone().cpu().numpy().flatten()
        kept: NDArray[np.float32] = (discounts * goes_on).astype(np.float32)
        if self._extractor is not None:
            trusted = trusted**quarters
            columns = [(here + ticks) // bar_ticks, quarters]
            if self._levels_notes:
                columns.append(self.actions[..., 0] >= len(self._ticks))  # slot 0 is the rest
            passed = np.stack(columns, axis=-1).reshape(-1, len(columns)).astype(np.float64)
            earned = np.linalg.lstsq(passed.T @ passed, passed.T @ self.rewards.ravel(), rcond=None)[0]
            self.rewards -= (passed @ earned).reshape(self.rewards.shape).astype(np.float32)
            if self._unit is None:
                nothing = np.zeros_like(self.values)
                returns = _advantages(self.rewards, nothing, nothing[0], kept, np.float32(1.0))
                spread = float(returns.std())
                self._unit = spread if spread > LEAST_SPREAD else 1.0
            self.rewards /= self._unit
            if costs is not None and self._is_relative:
                self.rewards -= costs
        self.advantages = _advantages(self.rewards, self.values, following, kept, trusted)
        self.returns = self.advantages + self.values


def _advantages(
    rewards: NDArray[np.float32],
    values: NDArray[np.float32],
    last: NDArray[np.float32],
    discounts: NDArray[np.float32],
    trusted: Any,
) -> NDArray[np.float32]:
    """Advantages (steps, envs) by what is left of each following value, and how far later rewards are trusted."""
    shares = np.broadcast_to(trusted, rewards.shape)
    advantages = np.empty_like(rewards)
    advantage = np.zeros_like(last)
    for step in reversed(range(len(rewards))):
        delta = rewards[step] + discounts[step] * last - values[step]
        advantage = delta + discounts[step] * shares[step] * advantage
        advantages[step] = advantage
        last = values[step]
    return advantages


class Anchor:
    """A policy that another one is held to, by what it costs to do what this one would hardly do.

    weight  what a nat costs at present
    nats    the distance of the latest rollout (KL), in nats for eight bars; nan before there is one

    (Jaques et al., "Sequence Tutor: Conservative Fine-Tuning of Sequence Generation Models with KL-control", ICML
    2017. The cost is exact: c (log p(a) - log p0(a)) is 0 where nothing has changed. A bare c log p0 with a bonus for
    entropy is another thing, since events have different lengths: it drives a policy to few long notes.)
    """

    def __init__(self, policy: Any, weight: float, target: float = 0.0, fall: float = 1.0) -> None:
        """A copy of the policy is kept.

        weight  what a nat costs at first, in units of the rewards
        target  the distance that the weight is steered to, in nats for eight bars; 0 leaves it as it is
        fall    what `at` makes of the weight at the end of a training, as a share of the first
        """
        self._policy = copy.deepcopy(policy).requires_grad_(False)
        self.weight = self._first = weight
        self._target, self._fall = target, fall
        self.nats = float("nan")

    def at(self, share: float) -> None:
        """Say what share of the training is done; where the weight is not steered it lies on a straight line."""
        if not self._target:
            self.weight = self._first * (1.0 + (self._fall - 1.0) * share)

    def steer(self) -> None:
        """Take the weight a little nearer to what makes the distance the target; to be called after an update."""
        if self._target and not math.isnan(self.nats):
            by = min(max(self.nats / self._target - 1.0, -1.0), 1.0)
            by *= STEER_UP if by > 0 else STEER_DOWN
            self.weight = min(max(self.weight * math.exp(by), self._first / FURTHEST), self._first * FURTHEST)

    def costs(self, rollout: RolloutBuffer, bars: float) -> NDArray[np.float32]:
        """What each event of a rollout of so many bars costs, float32 (steps, envs)."""
        device = rollout.device
        actions = torch.from_numpy(rollout.actions.reshape(-1)).long()
        observations = torch.from_numpy(rollout.observations.reshape(len(actions), -1))
        masks = getattr(rollout, "action_masks", None)  # MaskablePPO's buffer has them
        legal = None if masks is None else masks.reshape(len(actions), -1)
        found = []
        for first in range(0, len(actions), ANCHOR_BATCH):
            some = slice(first, first + ANCHOR_BATCH)
            with torch.no_grad():
                masked = () if legal is None else (legal[some],)
                choice = self._policy.get_distribution(observations[some].float().to(device), *masked)
                found.append(choice.log_prob(actions[some].to(device)))
        anchored = torch.cat(found).cpu().numpy().reshape(rollout.log_probs.shape)
        away: NDArray[np.float32] = rollout.log_probs - anchored
        self.nats = float(away.sum()) / bars * 8
        # Counted from the mean, or an event would cost something, be what it may, and few long events would be best.
        costs: NDArray[np.float32] = np.float32(self.weight) * (away - away.mean())
        return costs


class MaskableTimedRolloutBuffer(TimedRolloutBuffer, MaskableRolloutBuffer):
    """The same with masks, as sb3-contrib's MaskablePPO wants them."""
