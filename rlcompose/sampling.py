"""Drawing from what a network has learned: agents of every training, and the priors, play by it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rlcompose.agent import pick
from rlcompose.engine.core import Engine


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread, so that sums are added in one order and the same seed gives the same weights and pieces."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class SamplingAgent:
    """A trained network that is sampled from: only legal actions, in proportion to exp(logit / temperature).

    At temperature 0 the likeliest action is played.
    """

    temperature: float = 1.0

    def __init__(self, name: str, network: nn.Module, logits: Callable[[Tensor], Tensor]) -> None:
        """`logits` gives (envs, actions) for observations (envs, 278), floats holding the integers, by `network`."""
        self.name = name
        self.network = network
        self._logits = logits

    def log_probs(self, seen: NDArray[np.int16]) -> NDArray[np.float64]:
        """Of all actions, up to a constant in each row, after observations (envs, 278): float64 (envs, actions)."""
        with torch.no_grad(), one_thread():
            device = next((each.device for each in self.network.parameters()), "cpu")
            given = torch.from_numpy(seen.astype(np.float32)).to(device)
            logits: NDArray[np.float64] = self._logits(given).double().cpu().numpy()
        return logits

    def act(self, engine: Engine, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """A legal action for each row."""
        return draw_legal(self.log_probs(engine.state.obs), engine.state.mask, self.temperature, uniforms)


def draw_legal(
    logits: NDArray[np.float64], mask: NDArray[np.bool_], temperature: float, uniforms: NDArray[np.float64]
) -> NDArray[np.int64]:
    """A legal action for each row, int64 (envs,), by logits (envs, actions) at a temperature.

    At 0 the likeliest is played, by lot where several are.
    """
    below = np.where(mask, logits, -np.inf)
    below -= below.max(axis=1, keepdims=True)
    return pick(np.exp(below / temperature) if temperature > 0 else (below == 0).astype(float), uniforms)
