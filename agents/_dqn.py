"""DQN of Stable-Baselines3 on the batched environment, with masks and musical time."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import DQN
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor, nn
from torch.nn import functional

from ._policy import EventHead, MusicFeatures
from ._replay import Batch, TimedReplayBuffer


class MusicQNetwork(QNetwork):
    def __init__(self, *args: Any, durations: tuple[int, ...], pulse: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        extractor = self.features_extractor
        assert isinstance(extractor, MusicFeatures)
        self.hidden = extractor.hidden
        self.q_net = EventHead(self.features_dim, durations, pulse)
        self.value = nn.Linear(self.hidden, 1)
        nn.init.zeros_(self.value.weight)
        nn.init.zeros_(self.value.bias)

    def forward(self, obs: Tensor) -> Tensor:
        features = self.extract_features(obs, self.features_extractor)
        return self.q_net(features) + self.value(features[:, : self.hidden])


class MusicDQNPolicy(DQNPolicy):
    def __init__(self, *args, durations, pulse, hidden=128, **kwargs):
        self._lengths = {"durations": tuple(durations), "pulse": pulse}
        kwargs["features_extractor_class"] = MusicFeatures
        kwargs["features_extractor_kwargs"] = {"hidden": hidden}
        super().__init__(*args, **kwargs)

    def make_q_net(self):
        net_args = self._update_features_extractor(self.net_args, features_extractor=None)
        return MusicQNetwork(**net_args, **self._lengths).to(self.device)


class MusicDQN(DQN):
    def __init__(self, *args, explore=(1.0, 0.1), play_tau=0.05, soft=True, huber=True, seed=0, **kwargs):
        self.explore = explore
        self.tau_play = play_tau
        self.soft = soft
        self.huber = huber
        self._noise = torch.Generator().manual_seed(seed + 12345)
        super().__init__(*args, seed=seed, **kwargs)

    @property
    def tau_now(self):
        a, b = self.explore
        done = 1 - self._current_progress_remaining
        x = min(1, done / self.exploration_fraction)
        return a * (b / a) ** x

    def _sample_action(self, learning_starts, action_noise=None, n_envs=1):
        with torch.no_grad():
            obs = torch.from_numpy(self._last_obs.astype(np.float32))
            q = self.q_net(obs) / self.tau_now
            self._mask = self.env.action_masks()
            q = q.masked_fill(~torch.from_numpy(self._mask), -torch.inf)
            noise = torch.empty_like(q).exponential_(generator=self._noise)
            a = (q - noise.log()).argmax(1).numpy()
        return a, a

    def _store_transition(self, replay_buffer, buffer_action, new_obs, reward, dones, infos):
        replay_buffer.store(self._last_obs, self._mask, buffer_action, reward, dones)
        self._last_obs = new_obs
        self._last_original_obs = new_obs

    def train(self, gradient_steps, batch_size=100):
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        losses = []
        for _ in range(gradient_steps):
            batch = self.replay_buffer.sample(batch_size)
            with torch.no_grad():
                online = self.q_net(batch.following).masked_fill(~batch.masks, -torch.inf)
                target = self.q_net_target(batch.following)
                if self.soft:
                    p = torch.softmax(online / self.tau_play, 1)
                    value = (p * target).sum(1, keepdim=True)
                else:
                    value = target.gather(1, online.argmax(1, keepdim=True))
                y = batch.rewards + batch.discounts * value
            q = self.q_net(batch.observations).gather(1, batch.actions)
            loss = functional.smooth_l1_loss(q, y) if self.huber else functional.mse_loss(q, y)
            self.policy.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.policy.q_net.parameters(), self.max_grad_norm)
            self.policy.optimizer.step()
            losses.append(float(loss.detach()))
        self._n_updates += gradient_steps
        self.logger.record("train/loss", np.mean(losses))
        self.last = (np.mean(losses), float(y.mean()), float((q - y).detach().pow(2).mean()))
