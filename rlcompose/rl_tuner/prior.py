"""The prior of the RL Tuner task: a network that knows what comes next in real tunes; the published one is a Note RNN.

    from rlcompose.rl_tuner.prior import fit_prior
    prior = fit_prior()                    # three minutes on two cores; needs music21, which has the tunes
    tokens = prior.compose(1000, seed=0)
    prior.log_likelihood(tokens).mean()    # nats a token

Agents that are held to it are in `rlcompose.agents.rl_tuner`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from rlcompose.corpus.split import JUDGE, REFEREE
from rlcompose.errors import RlcomposeError
from rlcompose.files import write_atomically
from rlcompose.rl_tuner.core import LAYOUT_ID, OBSERVATION_SIZE, TunerEngine
from rlcompose.rl_tuner.env import observation_space
from rlcompose.rl_tuner.melodies import folk_melodies
from rlcompose.rl_tuner.network import HIDDEN, TokenNetwork
from rlcompose.rl_tuner.rules import NUM_EVENTS, NUM_TOKENS

EPOCHS = 20
BATCH = 64  # melodies
RATE, DECAY, DROPOUT = 2e-3, 0.01, 0.3
AT_ONCE = 2048  # melodies whose events go through the network together

Melodies = NDArray[np.int64]
Report = Callable[[int, float], None]


class Prior:
    """A trained network and what it makes of melodies."""

    def __init__(self, network: TokenNetwork) -> None:
        """The network is used as it is, without dropout."""
        self.network = network.eval()

    def log_probs(self, observations: NDArray[np.int16]) -> NDArray[np.float64]:
        """Of every token after each observation (batch, 34), nats, float64 (batch, 38)."""
        return log_probs_of(self.network, observations)

    def log_likelihood(self, tokens: Melodies, seed: int = 0) -> NDArray[np.float64]:
        """Of melodies (N, 32): the mean of their tokens' log probabilities, nats a token, float64 (N,).

        The primes, of which the network has learned to think nothing, are drawn from the seed.
        """
        found = np.empty(len(tokens))
        for first in range(0, len(tokens), AT_ONCE):
            some = tokens[first : first + AT_ONCE]
            observations = observed(some, np.random.default_rng([seed, first]))
            logs = self.log_probs(observations)[np.arange(some.size), some.ravel()]
            found[first : first + AT_ONCE] = logs.reshape(some.shape).mean(axis=1)
        return found

    def compose(self, number: int, seed: int) -> Melodies:
        """So many melodies drawn from the prior, int64 (number, 32)."""
        return compose(self.log_probs, number, seed)

    def save(self, folder: Path) -> None:
        """Write `prior.safetensors` and `prior.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file(self.network.state_dict(), folder / "prior.safetensors")
        config = {"layout_id": LAYOUT_ID, "hidden": self.network.head.hidden}
        write_atomically(folder / "prior.json", json.dumps(config, indent=2, sort_keys=True) + "\n")


def load_prior(folder: Path) -> Prior:
    """The prior that `Prior.save` wrote.

    Raises:
        RlcomposeError: There is none, or it is of another layout.
    """
    try:
        config = json.loads((folder / "prior.json").read_text(encoding="utf-8"))
        if config["layout_id"] != LAYOUT_ID:
            raise RlcomposeError(
                f"the prior in {folder} is of layout {config['layout_id']!r}, here it is {LAYOUT_ID!r}"
            )
        network = TokenNetwork(observation_space("int16"), config["hidden"])
        network.load_state_dict(load_file(folder / "prior.safetensors"))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise RlcomposeError(f"cannot read the prior in {folder}: {error}") from None
    return Prior(network)


def fit_prior(
    melodies: Melodies | None = None,
    held_out: Melodies | None = None,
    *,
    seed: int = 0,
    epochs: int = EPOCHS,
    hidden: int = HIDDEN,
    report: Report = lambda epoch, loss: None,
) -> Prior:
    """Learn what comes next in melodies, by default those of the part of the tunes that learns.

    `report(epoch, loss)` is told the mean loss of the held-out melodies, nats a token. The same seed gives the same
    network on the same machine.
    """
    if melodies is None:
        melodies, held_out = folk_melodies([JUDGE]), folk_melodies([REFEREE])
    if not len(melodies):
        raise RlcomposeError("there are no melodies to learn from")
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = TokenNetwork(observation_space("int16"), hidden, DROPOUT)
        optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
        batches = -(-len(melodies) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=epochs * batches)
        for epoch in range(epochs):
            network.train()
            for some in np.array_split(melodies[rng.permutation(len(melodies))], batches):
                loss = functional.cross_entropy(network(_tensor(observed(some, rng))), torch.from_numpy(some.ravel()))
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
                optimizer.step()
                schedule.step()
            network.eval()
            told = melodies[:AT_ONCE] if held_out is None else held_out
            report(epoch, -float(Prior(network).log_likelihood(told).mean()))
    return Prior(network)


def observed(melodies: Melodies, rng: np.random.Generator) -> NDArray[np.int16]:
    """What an agent sees before each event of these melodies, after random primes: int16 (32 N, 34)."""
    number = len(melodies)
    heard = np.concatenate([rng.integers(0, NUM_TOKENS, (number, 1)), melodies], axis=1)
    seen = np.full((number, NUM_EVENTS, OBSERVATION_SIZE), -1, np.int16)
    for place in range(NUM_EVENTS):
        seen[:, place, 0] = place
        seen[:, place, 1 : place + 2] = heard[:, place::-1]
    return seen.reshape(-1, OBSERVATION_SIZE)


def log_probs_of(logits: Callable[[Tensor], Tensor], observations: NDArray[np.int16]) -> NDArray[np.float64]:
    """Of every token after each observation (batch, 34), nats, float64 (batch, 38), by what gives logits for them."""
    with torch.no_grad():
        found = logits(_tensor(observations))
    logs: NDArray[np.float64] = torch.log_softmax(found.double(), dim=1).numpy()
    return logs


def compose(
    log_probs: Callable[[NDArray[np.int16]], NDArray[np.float64]], number: int, seed: int, convention: str = "corrected"
) -> Melodies:
    """Melodies drawn token by token, int64 (number, 32), from what gives the log probabilities (batch, 38)."""
    rng = np.random.default_rng(seed)
    engine = TunerEngine(number, convention)
    engine.reset(rng.integers(0, 2**53, number).astype(np.uint64))
    melodies = np.empty((number, NUM_EVENTS), np.int64)
    for place in range(NUM_EVENTS):
        # Gumbel's noise makes the largest sum a draw from the softmax.
        melodies[:, place] = (log_probs(engine.state.obs) + rng.gumbel(size=(number, NUM_TOKENS))).argmax(axis=1)
        engine.step(melodies[:, place])
    return melodies


def _tensor(observations: NDArray[np.int16]) -> Tensor:
    return torch.from_numpy(observations.astype(np.int64))
