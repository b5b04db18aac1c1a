"""A prior that is changed a little: its weights stay, and beside each layer stands a product of two thin matrices.

    adapted = AdaptedPrior(load_prior("jazz"), rank=8)

At first that product is nothing, so that the adapted prior plays as the prior does. What learns from rewards is the
adapter alone, some 30,000 numbers for 580,000: it is small to keep, cannot forget much, and what comes before it (the
tables and the attention, two thirds of the cost) is computed once for an event, however often it is learned from.

Source: Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models", ICLR.
"""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor, nn

from rlcompose.prior.form import THEME
from rlcompose.prior.model import Prior, copy_of
from rlcompose.prior.network import HEAD_SIZE
from rlcompose.prior.players import OTHER_ENDING, recalled_in_last_bars

ADAPTED = ("first", "second", "third", "pitch", "length")  # the layers behind the tables and the attention
NO_SLOT = -1


class AdaptedLinear(nn.Module):
    """A linear layer that does not learn, and the low-rank change beside it that does; 0 at first."""

    def __init__(self, layer: nn.Linear, rank: int, generator: torch.Generator) -> None:
        """`rank` is the width of the thin matrices, one of which begins with small numbers that are drawn."""
        super().__init__()
        self.register_buffer("weight", layer.weight.detach(), persistent=False)
        self.register_buffer("fixed", layer.bias.detach(), persistent=False)
        self.down = nn.Parameter(torch.empty(rank, layer.in_features))
        nn.init.normal_(self.down, std=layer.in_features**-0.5, generator=generator)
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))
        self.bias = nn.Parameter(torch.zeros(layer.out_features))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in) to (batch, out)."""
        weight, fixed = self.weight, self.fixed
        assert isinstance(weight, Tensor) and isinstance(fixed, Tensor)
        plain = nn.functional.linear(x, weight, fixed + self.bias)
        return plain + nn.functional.linear(nn.functional.linear(x, self.down), self.up)


class AdaptedPrior(nn.Module):
    """A copy of a prior with adapters, which alone are its parameters and its state.

    What it looks up of observations, its `features`, never changes; a training computes them once for an event.
    """

    def __init__(self, prior: Prior, rank: int, seed: int = 0) -> None:
        """The prior itself is not changed; `seed` is of what adapters begin with, which changes nothing at first."""
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        network = copy_of(prior).network.eval().requires_grad_(False)
        self.adapters = nn.ModuleDict()
        for name in ADAPTED:
            layer = AdaptedLinear(getattr(network, name), rank, generator)
            setattr(network, name, layer)
            self.adapters[name] = layer
        # In a tuple, so that the weights that do not learn are no part of the state.
        self._network = (network,)
        self.style, self.rank = prior.style, rank
        self.num_lengths = len(network.durations)
        self.body_size = network.body_size

    @property
    def size(self) -> int:
        """The numbers of an event's features."""
        return self.body_size + 1 + HEAD_SIZE

    def _apply(self, fn: Any, recurse: bool = True) -> AdaptedPrior:
        """What moves the adapters to another device moves the prior's weights with them."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self._network[0]._apply(fn)  # type: ignore[no-untyped-call]  # as above
        return self

    def features(self, observations: Tensor) -> Tensor:
        """What is looked up of observations (batch, 278), integers as any dtype: float32 (batch, size)."""
        [network] = self._network
        with torch.no_grad():
            reading = network.read(observations)
            avoided = torch.full((len(observations), 1), NO_SLOT)
            if network.mode == THEME:
                rows, slots = recalled_in_last_bars(observations.cpu().numpy())
                avoided[torch.from_numpy(rows), 0] = torch.from_numpy(slots)
            avoided = avoided.to(observations.device)
            return torch.cat([network.body(reading), avoided.float(), reading["head"].float()], dim=1)

    def hidden(self, features: Tensor) -> Tensor:
        """The hidden vector (batch, 256)."""
        return self._network[0].layers(features[:, : self.body_size])

    def pitch_logits(self, features: Tensor, hidden: Tensor) -> Tensor:
        """Logits of the rest and of all pitches, (batch, 44)."""
        logits = self._network[0].pitch_logits(hidden, self._reading(features))
        avoided = features[:, self.body_size].long()
        rows = torch.nonzero(avoided != NO_SLOT)[:, 0]
        if len(rows):
            less = torch.zeros_like(logits)
            less[rows, avoided[rows]] = OTHER_ENDING
            logits = logits - less
        return logits

    def length_logits(self, features: Tensor, hidden: Tensor, slots: Tensor) -> Tensor:
        """Logits of the lengths of a slot each, int64 (batch,) → (batch, lengths)."""
        return self._network[0].length_logits(hidden, self._reading(features), slots[:, None])[:, 0]

    def log_probs(self, features: Tensor) -> Tensor:
        """Of all actions, (batch, 44 x lengths), nats."""
        hidden = self.hidden(features)
        return self._network[0].joint(self.pitch_logits(features, hidden), hidden, self._reading(features))

    def forward(self, observations: Tensor) -> Tensor:
        """Log probabilities (batch, actions) after observations (batch, 278) that hold the integers."""
        return self.log_probs(self.features(observations))

    def _reading(self, features: Tensor) -> dict[str, Tensor]:
        return {"head": features[:, self.body_size + 1 :].long()}


def fingerprint(prior: Prior) -> str:
    """Sixteen digits that change with any weight: an adapter belongs to one prior."""
    found = hashlib.sha256(prior.style.encode())
    for name, value in sorted(prior.network.state_dict().items()):
        found.update(name.encode() + value.cpu().numpy().tobytes())
    return found.hexdigest()[:16]
