"""The yardstick: an LSTM over the same events, with the prior's own head; it remembers the whole piece by itself.

As in the measurements that decided for a feed-forward network: one layer of 224 units, some half a million weights.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rlcompose.engine.layout import NUM_SLOTS
from rlcompose.prior.events import Events
from rlcompose.prior.form import mode_of
from rlcompose.prior.network import NUM_NUMBERS, PLACE_SIZE, PriorNetwork, Reading
from rlcompose.prior.shipped import durations_of
from rlcompose.prior.training import Likelihood, Settings
from rlcompose.sampling import one_thread
from rlcompose.style import Style

UNITS = 224
EVENT_SIZE = 48
LONGEST = 128  # events through which errors are carried back
BATCH = 16  # such stretches an update
EPOCHS = 14

Report = Callable[[int, Likelihood, float], None]


class LstmNetwork(nn.Module):
    """What was played goes through an LSTM, one event a step; the head decides by what it remembers and sees."""

    def __init__(self, durations: tuple[int, ...], mode: str, dropout: float) -> None:
        """As `PriorNetwork`."""
        super().__init__()
        self.head = PriorNetwork(durations, mode, dropout=dropout)
        for name in ("figure", "query", "key", "value", "first", "second", "third"):
            delattr(self.head, name)  # the LSTM stands in their place
        self.head.register_parameter("nearness", None)
        self.slots = nn.Embedding(NUM_SLOTS + 1, EVENT_SIZE)
        self.lengths = nn.Embedding(len(durations) + 1, EVENT_SIZE)
        self.lstm = nn.LSTM(EVENT_SIZE + PLACE_SIZE + NUM_NUMBERS, UNITS, batch_first=True)
        self.out = nn.Linear(UNITS, self.head.hidden)
        self.dropout = nn.Dropout(dropout)

    def losses(
        self, reading: Reading, before: Tensor, slots: Tensor, lengths: Tensor, rows: int
    ) -> tuple[Tensor, Tensor]:
        """As of `PriorNetwork`, for `rows` stretches of equal length one behind the other; (events,) each.

        before   int64 (events, 2): slot and length of the event before, each counted from 1; 0 for none
        """
        place = self.head.fact_table(reading["facts"])
        known = self.slots(before[:, 0]) + self.lengths(before[:, 1])
        seen = self.dropout(torch.cat([known, place, reading["numbers"]], dim=1)).view(rows, len(slots) // rows, -1)
        hidden = torch.relu(self.out(self.dropout(self.lstm(seen)[0]))).flatten(0, 1)
        of_pitch = nn.functional.cross_entropy(self.head.pitch_logits(hidden, reading), slots, reduction="none")
        logits = self.head.length_logits(hidden, reading, slots[:, None])[:, 0]
        return of_pitch, nn.functional.cross_entropy(logits, lengths, reduction="none")


def lstm_score(
    style: Style, train: Events, test: Events, report: Report, epochs: int = EPOCHS, settings: Settings | None = None
) -> tuple[Likelihood, float]:
    """Train it and say how well it foresees other music, and in how many seconds it learned."""
    settings = settings or Settings()
    random = np.random.default_rng(settings.seed)
    begun = time.monotonic()
    with torch.random.fork_rng(), one_thread():
        torch.manual_seed(settings.seed)
        network = LstmNetwork(durations_of(style), mode_of(style), settings.dropout)
        # Each epoch cuts the pieces elsewhere, and gets one stretch a piece more or fewer.
        batches = (len(train) // LONGEST + 2 * len(train.names)) // BATCH + 1
        optimizer = torch.optim.AdamW(network.parameters(), settings.rate, weight_decay=settings.decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.rate, total_steps=epochs * batches)
        found = Likelihood(float("nan"), float("nan"))
        for epoch in range(1, epochs + 1):
            network.train()
            for rows, is_there in _batches(_stretches(train, random)):
                of_pitch, of_length = _losses(network, train, rows)
                loss = ((of_pitch + of_length) * is_there).sum() / is_there.sum()
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimizer.step()
                schedule.step()
            found = _likelihood(network, test)
            report(epoch, found, time.monotonic() - begun)
    return found, time.monotonic() - begun


def _likelihood(network: LstmNetwork, events: Events) -> Likelihood:
    network.eval()
    pitch = length = 0.0
    with torch.no_grad():
        for stretch in _stretches(events, None, longest=10**6):
            rows, is_there = _batch([stretch])
            of_pitch, of_length = _losses(network, events, rows)
            pitch += float((of_pitch * is_there).double().sum())
            length += float((of_length * is_there).double().sum())
    return Likelihood(pitch / events.num_notes, length / events.num_notes)


def _losses(network: LstmNetwork, events: Events, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    flat = np.maximum(rows.ravel(), 0)
    previous = np.maximum(flat - 1, 0)
    is_first = (flat == 0) | (events.pieces[flat] != events.pieces[previous])
    before = np.stack([events.slots[previous] + 1, events.lengths[previous] + 1], axis=1)
    before[is_first] = 0
    return network.losses(
        network.head.read(torch.from_numpy(events.observations[flat])),
        torch.from_numpy(before),
        torch.from_numpy(events.slots[flat]),
        torch.from_numpy(events.lengths[flat]),
        len(rows),
    )


def _stretches(events: Events, random: np.random.Generator | None, longest: int = LONGEST) -> list[NDArray[np.int64]]:
    """The events of each piece in stretches; with chance cut elsewhere each time, and in another order."""
    bounds = np.flatnonzero(np.diff(events.pieces, prepend=-1, append=-1))
    found = []
    for start, end in zip(bounds, bounds[1:], strict=False):
        first = 0 if random is None else int(random.integers(0, longest))
        cuts = [int(start), *range(int(start) + (first or longest), int(end), longest), int(end)]
        found += [np.arange(one, two) for one, two in zip(cuts, cuts[1:], strict=False) if two > one]
    if random is not None:
        order = random.permutation(len(found))
        found = [found[k] for k in order]
    return found


def _batches(stretches: list[NDArray[np.int64]]) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    for first in range(0, len(stretches), BATCH):
        yield _batch(stretches[first : first + BATCH])


def _batch(some: list[NDArray[np.int64]]) -> tuple[NDArray[np.int64], Tensor]:
    longest = max(map(len, some))
    rows = np.full((len(some), longest), -1)
    for row, stretch in zip(rows, some, strict=True):
        row[: len(stretch)] = stretch
    return rows, torch.from_numpy((rows.ravel() >= 0).astype(np.float32))
