"""How a prior learns: maximum likelihood of what real players did, until music apart from it is foreseen no better."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from rlcompose.prior.events import Events, is_for_validation, without_recall
from rlcompose.prior.form import THEME, mode_of
from rlcompose.prior.model import Prior
from rlcompose.prior.network import HIDDEN, PriorNetwork, Reading
from rlcompose.prior.shipped import durations_of
from rlcompose.sampling import one_thread
from rlcompose.style import Style

AT_ONCE = 4096  # events that are judged together


@dataclass(frozen=True, slots=True)
class Settings:
    """How a prior learns.

    epochs         at most; the learning rate falls to nothing by the last
    patience       epochs without a better likelihood of the music apart, after which learning ends
    batch          events an update
    rate, decay    of AdamW (Loshchilov and Hutter 2019), under one cycle of the rate (Smith 2018)
    dropout, input_dropout   shares of hidden units and of inputs left out
    forget         share of a theme style's events that are shown nothing of the section that they repeat, so that
                   music without named sections is foreseen, too
    """

    epochs: int = 9
    patience: int = 4
    batch: int = 512
    rate: float = 2e-3
    decay: float = 0.01
    dropout: float = 0.35
    input_dropout: float = 0.2
    forget: float = 0.5
    hidden: int = HIDDEN
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Minus the log likelihood of events in nats a note: of pitches and rests, of lengths, and of both."""

    pitch: float
    length: float

    @property
    def total(self) -> float:
        """Of pitch and length."""
        return self.pitch + self.length


@dataclass(slots=True)
class Fitted:
    """A prior and how it was learned: the likelihood of the music apart after each epoch."""

    prior: Prior
    history: list[Likelihood] = field(default_factory=list)
    interrupted: bool = False


Report = Callable[[int, Likelihood, float], None]


def parts_of(events: Events) -> tuple[Events, Events]:
    """What is learned from, and the music apart by which learning is ended."""
    return events.of(lambda family: not is_for_validation(family)), events.of(is_for_validation)


def fit_prior(
    style: Style,
    train: Events,
    apart: Events | None,
    settings: Settings | None = None,
    report: Report = lambda epoch, likelihood, seconds: None,
) -> Fitted:
    """Learn a style's prior from events; the weights that foresee `apart` best are kept, without it the last.

    Ctrl-C ends it with the best weights so far. The same seed gives the same weights on the same machine.

    Args:
        style: Whose durations the events have.
        train: What is learned from.
        apart: Music of other families, by which learning is ended.
        settings: How it learns.
        report: Is told each epoch, counted from 1, with the likelihood of `apart` and the seconds so far.
    """
    settings = settings or Settings()
    random = np.random.default_rng(settings.seed)
    begun = time.monotonic()
    with torch.random.fork_rng(), one_thread():
        torch.manual_seed(settings.seed)
        network = PriorNetwork(
            durations_of(style), mode_of(style), settings.hidden, settings.dropout, settings.input_dropout
        )
        fitted = Fitted(Prior(style.name, network))
        best = {name: value.clone() for name, value in network.state_dict().items()}
        batches = max(1, len(train) // settings.batch)
        optimizer = torch.optim.AdamW(network.parameters(), settings.rate, weight_decay=settings.decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.rate, total_steps=settings.epochs * batches)
        lowest, since = np.inf, 0
        try:
            for epoch in range(1, settings.epochs + 1):
                network.train()
                for reading, slots, lengths in _batches(train, network, settings, random):
                    of_pitch, of_length = network.losses(reading, slots, lengths)
                    optimizer.zero_grad()
                    (of_pitch + of_length).mean().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
                    optimizer.step()
                    schedule.step()
                found = likelihood(network, train if apart is None else apart)
                fitted.history.append(found)
                report(epoch, found, time.monotonic() - begun)
                since += 1
                if apart is None or found.total < lowest:
                    lowest, since = found.total, 0
                    best = {name: value.clone() for name, value in network.state_dict().items()}
                if since >= settings.patience:
                    break
        except KeyboardInterrupt:
            fitted.interrupted = True
        network.load_state_dict(best)
    network.eval()
    network.requires_grad_(False)
    return fitted


def likelihood(network: PriorNetwork, events: Events) -> Likelihood:
    """How well a network foresees events, which it has not learned from if this is to say anything."""
    pitch = length = 0.0
    network.eval()
    with torch.no_grad():
        for first in range(0, len(events), AT_ONCE):
            rows = slice(first, first + AT_ONCE)
            reading = network.read(torch.from_numpy(events.observations[rows]))
            of_pitch, of_length = network.losses(
                reading, torch.from_numpy(events.slots[rows]), torch.from_numpy(events.lengths[rows])
            )
            pitch += float(of_pitch.double().sum())
            length += float(of_length.double().sum())
    return Likelihood(pitch / events.num_notes, length / events.num_notes)


def _batches(
    events: Events, network: PriorNetwork, settings: Settings, random: np.random.Generator
) -> Iterator[tuple[Reading, Tensor, Tensor]]:
    order = random.permutation(len(events))
    size = min(settings.batch, len(events))
    for first in range(0, len(events) - size + 1, size):
        rows = order[first : first + size]
        observations = events.observations[rows]
        if network.mode == THEME:
            observations = without_recall(observations, random.random(len(rows)) < settings.forget)
        slots, lengths = torch.from_numpy(events.slots[rows]), torch.from_numpy(events.lengths[rows])
        yield network.read(torch.from_numpy(observations)), slots, lengths
