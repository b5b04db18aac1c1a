"""The network of the RL Tuner task: from the tokens so far to what comes next; the prior's, and every agent's."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from rlcompose.rl_tuner.core import NO_TOKEN, OBSERVATION_SIZE, pending_leaps
from rlcompose.rl_tuner.rules import NUM_EVENTS, NUM_SPECIAL, NUM_TOKENS

EMBEDDING = 16  # numbers a token
HIDDEN = 256
LOOKBACKS = (8, 16, 24)  # events: one, two and three bars of eight
LOOKBACK_RUN = 8  # how many of the last events are compared with those before
POINTED = len(LOOKBACKS) + 2  # tokens that the head knows by what they are to the melody


class TokenFeatures(BaseFeaturesExtractor):
    """From observations (batch, 34), integers in any dtype, to (batch, hidden + 5).

    Behind the hidden vector stand tokens for the head: what was played one, two and three bars before the coming event,
    the highest and the lowest pitch so far; -1 where there is none. Every token of the melody is looked up in one
    table; besides, the network is told how many of the last events were those of the bars before (the inputs of Waite
    2016, "Generating long-term structure in songs and stories", Magenta's Lookback RNN), whether the extremes came
    once, and which leap waits to be resolved. The published benchmark has an LSTM of 100 units.
    """

    def __init__(self, observation_space: spaces.Space[Any], hidden: int = HIDDEN, dropout: float = 0.0) -> None:
        """`hidden` is the width of both layers; `dropout` is for learning from few tunes."""
        super().__init__(observation_space, hidden + POINTED)
        self.hidden = hidden
        self.tokens = nn.Embedding(NUM_TOKENS - NO_TOKEN, EMBEDDING)
        self.place = nn.Embedding(NUM_EVENTS + 1, hidden)
        self.first = nn.Linear((OBSERVATION_SIZE + 2) * EMBEDDING, hidden)
        self.facts = nn.Linear(len(LOOKBACKS) * LOOKBACK_RUN + 4, hidden, bias=False)
        self.second = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, observations: Tensor) -> Tensor:
        """Observations as integers, or floats that hold them."""
        whole = observations.long()
        position, tokens = whole[:, :1], whole[:, 1:]
        places = torch.arange(tokens.shape[1], device=whole.device)
        is_played = position > places  # the oldest token is the prime, which is no part of the melody
        recent = tokens[:, :LOOKBACK_RUN]
        facts, pointed = [], []
        for lag in LOOKBACKS:
            before = slice(lag, lag + LOOKBACK_RUN)
            is_same = (recent == tokens[:, before]) & is_played[:, before]
            facts.append(is_same.float().cumprod(dim=1))
            pointed.append(torch.where(is_played[:, lag - 1 : lag], tokens[:, lag - 1 : lag], NO_TOKEN))
        is_pitch = is_played & (tokens >= NUM_SPECIAL)
        highest = torch.where(is_pitch, tokens, NO_TOKEN).amax(dim=1, keepdim=True)
        lowest = torch.where(is_pitch, tokens, NUM_TOKENS).amin(dim=1, keepdim=True)
        lowest = torch.where(lowest < NUM_TOKENS, lowest, NO_TOKEN)
        for extreme in (highest, lowest):
            facts.append(((tokens == extreme) & is_pitch).sum(dim=1, keepdim=True) == 1)
        pending = torch.from_numpy(pending_leaps(whole.numpy()))
        direction, origin = pending[:, :1], pending[:, 1:]
        facts += [direction > 0, direction < 0]
        named = torch.cat([tokens, highest, lowest, origin], dim=1)
        embedded = self.dropout(self.tokens(named - NO_TOKEN).flatten(1))
        hidden = self.first(embedded) + self.facts(torch.cat(facts, dim=1).float()) + self.place(whole[:, 0])
        hidden = self.dropout(torch.relu(hidden))
        hidden = self.dropout(hidden + torch.relu(self.second(hidden)))
        return torch.cat([hidden, torch.cat([*pointed, highest, lowest], dim=1).float()], dim=1)


class TokenHead(nn.Module):
    """From the features to a number for each token: what a layer says, and more or less for the tokens pointed at.

    So "again what was played a bar ago" and "not the highest note again" are learned once, not for each token.
    """

    def __init__(self, hidden: int) -> None:
        """`hidden` is the width of the features."""
        super().__init__()
        self.hidden = hidden
        self.tokens = nn.Linear(hidden, NUM_TOKENS)
        self.pointed = nn.Linear(hidden, POINTED)
        nn.init.zeros_(self.pointed.weight)
        nn.init.zeros_(self.pointed.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Logits or values (batch, 38)."""
        hidden, pointed = features[:, : self.hidden], features[:, self.hidden :].long()
        more = torch.where(pointed >= 0, self.pointed(hidden), 0.0)
        logits: Tensor = self.tokens(hidden).scatter_add(1, pointed.clamp(min=0), more)
        return logits


class TokenNetwork(nn.Module):
    """The features and the head."""

    def __init__(self, observation_space: spaces.Space[Any], hidden: int = HIDDEN, dropout: float = 0.0) -> None:
        """As `TokenFeatures`."""
        super().__init__()
        self.features = TokenFeatures(observation_space, hidden, dropout)
        self.head = TokenHead(hidden)

    def forward(self, observations: Tensor) -> Tensor:
        """Logits or values (batch, 38)."""
        logits: Tensor = self.head(self.features(observations))
        return logits
