"""The default policy network: reads the observation's integers as music, and decides pitch and duration together.

The logits of a pitch are sums over what makes a pitch likely: its place above the tonic, the interval from the last
note, its place above the present and the next chord's root, what both chords make of it. So a habit such as "go on by
step" is learned once and not anew for each of 43 pitches.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.distributions import MaskableCategoricalDistribution
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from rlcompose.engine.layout import (
    BLOCKS,
    MAX_BAR_TICKS,
    MAX_EVENT_TICKS,
    NUM_PITCHES,
    NUM_SLOTS,
    OBSERVATION_SCALE,
    OBSERVATION_SIZE,
    REST_CODE,
)

RECENT_EVENTS = 12  # of the 32; more add cost and, for terms that look a few notes back, nothing
NUM_TONES = 4
CHANGE_STEP, CHANGE_BUCKETS = 6, 16  # ticks to the next chord, in eighths up to two bars
PHRASE_TICKS = 48  # how far ahead the end of a phrase is seen tick by tick

EVENTS, CHORD, NEXT_CHORD, PLACE = (BLOCKS[name] for name in ("events", "chord", "next_chord", "place"))
WIDTH = len(EVENTS.columns)
PLACE_COLUMN = {column.name: PLACE.start + i for i, column in enumerate(PLACE.columns)}

# How unlikely an untrained policy finds a semitone more of interval, and a doubling or halving of the pulse, in nats.
INTERVAL_SLOPE, LENGTH_SLOPE = 0.2, 2.0

ILLEGAL_LOGIT = -1e8  # finite, so that probability 0 times it is 0, and the entropy a number

# The features that follow the hidden vector, for the head: last pitch, both roots, both chords' tones.
HEAD_COLUMNS = 1 + 2 + 24


class MusicFeatures(BaseFeaturesExtractor):
    """From observations (batch, 278) to a hidden vector and, behind it, what the head reads: (batch, hidden + 27)."""

    def __init__(self, observation_space: spaces.Box, hidden: int = 128) -> None:
        """`hidden` is the width of the two layers."""
        super().__init__(observation_space, hidden + HEAD_COLUMNS)
        # Every number that stands for a name (a pitch, a length, a root) picks a row of one big table; rows are summed.
        sizes: list[int] = []
        columns: list[int] = []
        first = EVENTS.start + EVENTS.size - RECENT_EVENTS * WIDTH
        for event in range(RECENT_EVENTS):
            for offset, size in ((0, NUM_PITCHES + 2), (1, MAX_EVENT_TICKS + 1), (3, 13)):
                columns.append(first + event * WIDTH + offset)
                sizes.append(size)
        for column, size in (
            (CHORD.start, 13),
            (CHORD.start + 1, 64),
            (NEXT_CHORD.start, 13),
            (NEXT_CHORD.start + 1, 64),
            (PLACE_COLUMN["tick_in_bar"], MAX_BAR_TICKS),
            (PLACE_COLUMN["strength"], 4),
        ):
            columns.append(column)
            sizes.append(size)
        self._change = PLACE_COLUMN["ticks_to_change"]
        # Ticks to the change and to the end of the phrase, which is where notes are held; the last bars of the piece.
        sizes += [CHANGE_BUCKETS + 1, PHRASE_TICKS + 1, 4]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.register_buffer("columns", torch.tensor(columns), persistent=False)
        self.register_buffer("limits", torch.tensor(sizes[: len(columns)]) - 1, persistent=False)
        self.register_buffer("starts", torch.tensor(starts), persistent=False)
        self.register_buffer("scale", torch.tensor(OBSERVATION_SCALE), persistent=False)
        self.table = nn.EmbeddingBag(int(sum(sizes)), hidden, mode="sum")
        nn.init.normal_(self.table.weight, std=0.05)
        self.numbers = nn.Linear(OBSERVATION_SIZE - EVENTS.size, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.hidden = hidden

    def forward(self, observations: Tensor) -> Tensor:
        """Observations as floats holding the integers."""
        columns, limits, starts = self.columns, self.limits, self.starts
        assert isinstance(columns, Tensor) and isinstance(limits, Tensor) and isinstance(starts, Tensor)
        whole = observations.long()
        names = torch.minimum(whole[:, columns], limits)
        change = torch.clamp(whole[:, self._change] // CHANGE_STEP, max=CHANGE_BUCKETS)
        place = {name: whole[:, column] for name, column in PLACE_COLUMN.items()}
        ends = (place["phrase_bars"] - place["bar_in_phrase"]) * place["bar_ticks"] - place["tick_in_bar"]
        ends, left = torch.clamp(ends, 0, PHRASE_TICKS), torch.clamp(place["bars_left"], 0, 3)
        rows = torch.cat([names, torch.stack([change, ends, left], dim=1)], dim=1) + starts
        scale = self.scale
        assert isinstance(scale, Tensor)
        numbers = (observations * scale)[:, EVENTS.size :]
        hidden = torch.relu(self.table(rows) + self.numbers(numbers))
        hidden = torch.relu(self.second(hidden)) + hidden
        newest = EVENTS.start + EVENTS.size - WIDTH
        # The last note's pitch: the newest event's, or the note before where that is a rest.
        codes = observations[:, newest - (RECENT_EVENTS - 1) * WIDTH : newest + 1 : WIDTH]
        is_note = codes > REST_CODE
        place_of_last = (is_note * torch.arange(1, RECENT_EVENTS + 1)).argmax(dim=1, keepdim=True)
        last = torch.where(is_note.any(dim=1, keepdim=True), codes.gather(1, place_of_last), torch.zeros(()))
        chords = observations[:, CHORD.start : CHORD.start + CHORD.size]
        following = observations[:, NEXT_CHORD.start : NEXT_CHORD.start + NEXT_CHORD.size]
        looked_up = [last, chords[:, :1], following[:, :1], chords[:, 2:], following[:, 2:]]
        return torch.cat([hidden, *looked_up], dim=1)


class EventHead(nn.Module):
    """From the features to one logit for each action, (batch, 44 x durations)."""

    RANK = 4

    def __init__(self, features: int, durations: tuple[int, ...], pulse: int) -> None:
        """`features` is the width of what `MusicFeatures` gives; durations and pulse (in ticks) are the style's."""
        super().__init__()
        self.hidden = features - HEAD_COLUMNS
        self.num_durations = num_durations = len(durations)
        # For the pitch: rest, place above the tonic, interval (and one column for "no last note"), degrees, tones.
        self.parts = (1, NUM_PITCHES, 2 * NUM_PITCHES - 1, 12, 12, NUM_TONES, NUM_TONES)
        self.pitch = nn.Linear(self.hidden, sum(self.parts))
        self.length = nn.Linear(self.hidden, 2 * num_durations)
        self.slot_factors = nn.Linear(self.hidden, NUM_SLOTS * self.RANK)
        self.length_factors = nn.Parameter(torch.zeros(self.RANK, num_durations))
        for layer in (self.pitch, self.length, self.slot_factors):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.length_factors, std=0.05)
        # The untrained player wanders in small intervals, mostly in the style's pulse. From uniformly random play the
        # first thing that is learned is to hold long notes on strong beats, and no gradient leads from there to lines.
        with torch.no_grad():
            away = (torch.arange(2 * NUM_PITCHES - 1) - (NUM_PITCHES - 1)).abs()
            start = 1 + NUM_PITCHES
            self.pitch.bias[start : start + len(away)] = -INTERVAL_SLOPE * away
            octaves = torch.log2(torch.tensor(durations) / pulse).abs()
            # Where no length is the pulse the nearest is as likely as it would be, or a note would lose to every rest.
            self.length.bias[num_durations:] = -LENGTH_SLOPE * (octaves - octaves.min())
        pitches = torch.arange(NUM_PITCHES)
        self.register_buffer("pitches", pitches, persistent=False)
        self.register_buffer("classes", pitches % 12, persistent=False)  # the lowest pitch of the window is a tonic

    def forward(self, features: Tensor) -> Tensor:
        """Logits (batch, actions)."""
        pitches, classes = self.pitches, self.classes
        assert isinstance(pitches, Tensor) and isinstance(classes, Tensor)
        hidden, looked_up = features[:, : self.hidden], features[:, self.hidden :].long()
        rest, place, interval, degree, next_degree, tone, next_tone = self.pitch(hidden).split(self.parts, dim=1)
        last, root, next_root = looked_up[:, :1], looked_up[:, 1:2], looked_up[:, 2:3]
        tones, next_tones = looked_up[:, 3:15], looked_up[:, 15:27]
        away = torch.clamp(pitches + 2 - last + NUM_PITCHES - 1, 0, 2 * NUM_PITCHES - 2)
        pitch = place + torch.where(last > REST_CODE, interval.gather(1, away), torch.zeros(()))
        for roots, by_degree in ((root, degree), (next_root, next_degree)):
            pitch = pitch + torch.where(roots > 0, by_degree.gather(1, (classes - (roots - 1)) % 12), torch.zeros(()))
        pitch = pitch + tone.gather(1, tones[:, classes]) + next_tone.gather(1, next_tones[:, classes])
        slots = torch.cat([rest, pitch], dim=1)
        of_rest, of_note = self.length(hidden).split(self.num_durations, dim=1)
        factors = self.slot_factors(hidden).view(-1, NUM_SLOTS, self.RANK) @ self.length_factors
        lengths = torch.cat([of_rest[:, None], of_note[:, None].expand(-1, NUM_PITCHES, -1)], dim=1)
        logits: Tensor = slots[:, :, None] + lengths + factors
        return logits.flatten(1)


class _Split(nn.Module):
    """What SB3 calls the mlp_extractor: all features for the actor, a layer over the hidden part for the critic."""

    def __init__(self, features: int, critic: int = 128) -> None:
        super().__init__()
        self.latent_dim_pi, self.latent_dim_vf = features, critic
        self.hidden = features - HEAD_COLUMNS
        self.critic = nn.Sequential(nn.Linear(self.hidden, critic), nn.ReLU())

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return features, self.forward_critic(features)

    def forward_actor(self, features: Tensor) -> Tensor:
        return features

    def forward_critic(self, features: Tensor) -> Tensor:
        critic: Tensor = self.critic(features[:, : self.hidden])
        return critic


class Choice(MaskableCategoricalDistribution):
    """SB3's categorical distributions, with masks or without, in fewer passes over the logits.

    torch's own checks every number and normalises again for each mask, which is a third of what an update costs.
    """

    def proba_distribution(self, action_logits: Tensor) -> Choice:
        """Choose by logits (batch, actions)."""
        self._logits = action_logits
        return self

    def apply_masking(self, masks: Any) -> None:
        """Choose among what is allowed only, bool (batch, actions); None allows everything."""
        if masks is not None:
            self._logits = torch.where(torch.as_tensor(masks, dtype=torch.bool), self._logits, ILLEGAL_LOGIT)

    @cached_property
    def _log_probs(self) -> Tensor:
        return torch.log_softmax(self._logits, dim=1)

    def log_prob(self, actions: Tensor) -> Tensor:
        """Of the actions (batch,)."""
        return self._log_probs.gather(1, actions[:, None])[:, 0]

    def entropy(self) -> Tensor:
        """In nats (batch,)."""
        return -(self._log_probs.exp() * self._log_probs).sum(dim=1)

    def sample(self) -> Tensor:
        """An action for each row."""
        return torch.multinomial(self._log_probs.exp(), 1)[:, 0]

    def mode(self) -> Tensor:
        """The likeliest action of each row."""
        return self._log_probs.argmax(dim=1)


class _Music(BasePolicy):
    """What makes SB3's actor-critic policies musical: the features, the head, and one way from both to the logits."""

    features_dim: int
    action_net: Any
    mlp_extractor: Any
    pi_features_extractor: BaseFeaturesExtractor

    def __init__(self, *args: Any, durations: tuple[int, ...], pulse: int, hidden: int = 128, **kwargs: Any) -> None:
        """As the policy; `durations` and `pulse` are the style's, `hidden` is the width of the network."""
        self._lengths = (tuple(durations), pulse)
        kwargs["features_extractor_class"] = MusicFeatures
        kwargs["features_extractor_kwargs"] = {"hidden": hidden}
        kwargs["ortho_init"] = False
        super().__init__(*args, **kwargs)

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor = _Split(self.features_dim)

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)  # type: ignore[misc]  # of the actor-critic policy beside this class
        self.action_net = EventHead(self.features_dim, *self._lengths)
        settings: dict[str, Any] = {"lr": lr_schedule(1), **self.optimizer_kwargs}
        self.optimizer = self.optimizer_class(self.parameters(), **settings)

    def _get_action_dist_from_latent(self, latent_pi: Tensor) -> Choice:
        logits = self.action_net(latent_pi)
        return Choice(logits.shape[1]).proba_distribution(logits)

    def action_logits(self, observations: Tensor) -> Tensor:
        """Logits (batch, actions) of all actions, legal or not."""
        features = self.pi_features_extractor(observations)
        logits: Tensor = self.action_net(self.mlp_extractor.forward_actor(features))
        return logits


class MusicPolicy(_Music, ActorCriticPolicy):
    """SB3's actor-critic policy with the features and the head above."""


class MaskableMusicPolicy(_Music, MaskableActorCriticPolicy):
    """The same with masks, as sb3-contrib's MaskablePPO wants them."""
