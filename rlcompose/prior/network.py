"""The prior's network: from an observation to the pitch or rest that comes next, and from both to its length.

Feed-forward over the contract's observation, so that a policy of Stable-Baselines3 can hold it. `read` turns the
integers into what the network looks up (once, where many epochs go over the same music); `PriorNetwork` decides.

What music returns to is pointed at: the event that followed when the present motif occurred last, the one at the same
place in the section that this one repeats, and those one, two and four bars ago. The head learns once how much "again
the note of a bar ago" is worth, not for each of 43 pitches; the same holds for intervals, for what the chords make of a
pitch, and for how far it lies from the highest, the lowest and the middle of what was played.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from rlcompose.engine.layout import (
    BLOCKS,
    MAX_BAR_TICKS,
    MAX_EVENT_TICKS,
    NUM_PITCHES,
    NUM_RECENT_EVENTS,
    NUM_SLOTS,
    REST_CODE,
)
from rlcompose.prior.form import SOLO, THEME

HIDDEN = 256
RECENT_EVENTS = 24  # of the 32; four bars of dance tunes are looked back at through pointers
RECALLED_EVENTS = 12  # of the 16
EVENT_SIZE = 24  # numbers by which the network knows an event
PLACE_SIZE = 96
LENGTH_RANK = 32  # of what pitch and length share
BARS_BACK = (1, 2, 4)
NUM_POINTERS = 2 + len(BARS_BACK)
NUM_TONES = 4

WIDEST = 24  # semitones from the last note that are told apart
NEAR = 12  # the same from the highest and the lowest note
NUM_RELATIVE = 2 * WIDEST + 3  # none, rest, and the intervals
STEP, BUCKETS = 6, 16  # ticks to a chord change and of silence, in eighths up to two bars

_COLUMN = {
    f"{name}.{column.name}": block.start + i
    for name, block in BLOCKS.items()
    for i, column in enumerate(block.columns)
    if block.rows == 1
}

# The facts about the place that are looked up in one table, and how many values each has.
_FACTS = {
    "tick_in_bar": MAX_BAR_TICKS,
    "strength": 4,
    "bar_in_phrase": 4,
    "bar": 5,
    "bars_left": 9,
    "ticks_to_change": BUCKETS + 1,
    "silence": BUCKETS + 1,
    "bar_sixteenths": MAX_BAR_TICKS // 3 + 1,
    "beat_ticks": 49,
    "mode": 4,
    "root": 13,
    "quality": 64,
    "next_root": 13,
    "next_quality": 64,
    "degree": 13,
    "next_degree": 13,
    "tone": NUM_TONES + 1,
    "next_tone": NUM_TONES + 1,
    "last": NUM_PITCHES + 2,
    "was_rest": 2,
    "pointers": 2**NUM_POINTERS,
    "pointers_agree": 2**NUM_POINTERS,
    "pointers_last_agree": 2 ** len(BARS_BACK),
}
_STARTS = dict(zip(_FACTS, torch.tensor([0, *_FACTS.values()]).cumsum(0).tolist(), strict=False))
NUM_NUMBERS = 6 + 6 + 12 + 3

Reading = dict[str, Tensor]


def read(observations: Tensor) -> Reading:
    """What the network looks up: integers of any dtype (batch, 278) → tensors with a row for each.

    events    int64 (batch, 44, 4): events, continuation, recalled events and pointers as (pitch, relative, ticks, place)
    facts     int64 (batch, facts): rows of the table of places
    numbers   float32 (batch, 27)
    head      int64 (batch, …): what the head compares each pitch with
    """
    whole = observations.long()
    block = {name: whole[:, each.slice].view(len(whole), each.rows, -1) for name, each in BLOCKS.items()}
    played = block["events"]
    pitch, ticks, onset, degree = played.unbind(2)
    is_note = pitch > REST_CODE
    order = torch.arange(1, NUM_RECENT_EVENTS + 1, device=whole.device)
    last = torch.where(is_note, pitch, 0).gather(1, (is_note * order).argmax(1, keepdim=True))[:, 0]
    value = {name: whole[:, column] for name, column in _COLUMN.items()}
    bar_ticks, here = value["place.bar_ticks"], value["place.tick_in_bar"]
    pointed = _pointers(block, bar_ticks, here)
    continuation = _with_place(block["continuation"])
    recalled = block["section_events"]
    rows = torch.cat(
        [
            torch.stack([pitch, _relative(pitch, last), ticks, onset], 2)[:, -RECENT_EVENTS:],
            _named(continuation, last),
            _named(recalled[:, :RECALLED_EVENTS], last),
            _named(_with_place(pointed), last),
        ],
        dim=1,
    )
    rows[..., 2].clamp_(max=MAX_EVENT_TICKS)
    tones = [block[name][:, 0, 2:] for name in ("chord", "next_chord")]
    roots = [value["chord.root"], value["next_chord.root"]]
    last_class = (last - 2).clamp(min=0) % 12  # the lowest pitch of the window is a tonic
    degrees = [torch.where((last > 0) & (root > 0), (last_class - root + 1) % 12 + 1, 0) for root in roots]
    kinds = [torch.where(last > 0, tone.gather(1, last_class[:, None])[:, 0] + 1, 0) for tone in tones]
    there = pointed[:, :, 0] > 0
    first = pointed[:, :1]
    bits = 2 ** torch.arange(NUM_POINTERS, device=whole.device)
    followed = _followed(played, bar_ticks)
    facts = {
        "tick_in_bar": here,
        "strength": value["place.strength"],
        "bar_in_phrase": value["place.bar_in_section"] % 4,
        "bar": value["place.bar"].clamp(max=4),
        "bars_left": value["place.bars_left"].clamp(0, 8),
        "ticks_to_change": (value["place.ticks_to_change"] // STEP).clamp(max=BUCKETS),
        "silence": (value["place.silence"] // STEP).clamp(max=BUCKETS),
        "bar_sixteenths": bar_ticks // 3,
        "beat_ticks": value["place.beat_ticks"].clamp(max=48),
        "mode": value["style.mode"],
        "root": roots[0],
        "quality": value["chord.quality"],
        "next_root": roots[1],
        "next_quality": value["next_chord.quality"],
        "degree": degrees[0],
        "next_degree": degrees[1],
        "tone": kinds[0],
        "next_tone": kinds[1],
        "last": last,
        "was_rest": (pitch[:, -1] == REST_CODE).long(),
        "pointers": (there * bits).sum(1),
        "pointers_agree": ((there & there[:, :1] & (pointed == first).all(2)) * bits).sum(1),
        "pointers_last_agree": (followed * bits[: len(BARS_BACK)]).sum(1),
    }
    looked_up = torch.stack([facts[name] + _STARTS[name] for name in _FACTS], dim=1)
    register = block["register"][:, 0]
    known = register > 0
    numbers = torch.cat(
        [
            torch.where(known & (last > 0)[:, None], register - last[:, None], 0) / 12,
            torch.where(known, register - 14, 0) / 12,
            block["pitch_classes"][:, 0] / 8,
            torch.stack([value["style.tempo"] / 200, value["style.lowest"] / 24, value["style.highest"] / 24], 1),
        ],
        dim=1,
    )
    head = torch.cat([last[:, None], register[:, :3], *(r[:, None] for r in roots), *tones, pointed.flatten(1)], dim=1)
    return {"events": rows, "facts": looked_up, "numbers": numbers.float(), "head": head}


def _relative(pitch: Tensor, last: Tensor) -> Tensor:
    """0 for none, 1 for a rest, else the interval from the last note: -24 is 2."""
    interval = (pitch - last[:, None]).clamp(-WIDEST, WIDEST) + WIDEST + 2
    return torch.where((pitch > REST_CODE) & (last > 0)[:, None], interval, pitch.clamp(max=1))


def _named(rows: Tensor, last: Tensor) -> Tensor:
    pitch, ticks, onset = rows.unbind(2)
    return torch.stack([pitch, _relative(pitch, last), ticks, onset], 2)


def _with_place(rows: Tensor) -> Tensor:
    return torch.cat([rows, torch.zeros_like(rows[:, :, :1])], dim=2)


def _pointers(block: dict[str, Tensor], bar_ticks: Tensor, here: Tensor) -> Tensor:
    """The events that the coming one may repeat, (batch, pointers, 2) as pitch and ticks; 0 where there is none."""
    recalled = block["section_events"][:, 0]
    aligned = (recalled[:, 0] > 0) & (recalled[:, 2] == here)
    played = block["events"][:, :, :2]
    away = played[:, :, 1].flip(1).cumsum(1).flip(1)  # ticks from each event's beginning to now
    found = [block["continuation"][:, 0], torch.where(aligned[:, None], recalled[:, :2], 0)]
    for bars in BARS_BACK:
        is_there = (away == (bars * bar_ticks)[:, None]) & (played[:, :, 0] > 0)
        found.append((played * is_there[:, :, None]).sum(1))
    return torch.stack(found, dim=1)


def _followed(played: Tensor, bar_ticks: Tensor) -> Tensor:
    """Whether the last event was that of so many bars before, bool (batch, bars back)."""
    away = played[:, :, 1].flip(1).cumsum(1).flip(1)
    newest = played[:, -1, :2]
    now = away[:, -1:]  # the newest event's distance: its counterpart lies so much further back
    same = (played[:, :, :2] == newest[:, None]).all(2)
    return torch.stack([((away == now + (bars * bar_ticks)[:, None]) & same).any(1) for bars in BARS_BACK], dim=1)


class PriorNetwork(nn.Module):
    """Decides by what `read` gives: logits of pitches and rest, and of lengths given one of them."""

    def __init__(self, durations: tuple[int, ...], mode: str = THEME, hidden: int = HIDDEN, dropout: float = 0.0) -> None:
        """`durations` are the style's in ticks; in "solo" the recalled section is not looked at."""
        super().__init__()
        if mode not in (THEME, SOLO):
            raise ValueError(mode)
        self.durations, self.mode, self.hidden = durations, mode, hidden
        self.pitch_table = nn.Embedding(NUM_PITCHES + 2, EVENT_SIZE)
        self.relative_table = nn.Embedding(NUM_RELATIVE, EVENT_SIZE)
        self.ticks_table = nn.Embedding(MAX_EVENT_TICKS + 1, EVENT_SIZE)
        self.onset_table = nn.Embedding(MAX_BAR_TICKS, EVENT_SIZE)
        self.fact_table = nn.EmbeddingBag(sum(_FACTS.values()), PLACE_SIZE, mode="sum")
        for table in (self.pitch_table, self.relative_table, self.ticks_table, self.onset_table, self.fact_table):
            nn.init.normal_(table.weight, std=0.1)
        self.num_events = RECENT_EVENTS + BLOCKS["continuation"].rows + RECALLED_EVENTS + NUM_POINTERS
        self.first = nn.Linear(self.num_events * EVENT_SIZE + PLACE_SIZE + NUM_NUMBERS, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.third = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        # For the pitch: rest, place above the tonic, interval, degrees, tones, from highest, lowest, mean, pointers.
        self.parts = (
            *(1, NUM_PITCHES, 2 * NUM_PITCHES, 12, 12, NUM_TONES, NUM_TONES),
            *(2 * NEAR + 1, 2 * NEAR + 1, 2 * WIDEST + 1, NUM_POINTERS),
        )
        self.pitch = nn.Linear(hidden, sum(self.parts))
        self.length = nn.Linear(hidden, LENGTH_RANK + len(durations) + 2 * NUM_POINTERS)
        # What a pitch is to the melody, for its length: rest, interval, tone, whether a pointer points at it.
        self.rest_length = nn.Parameter(torch.zeros(LENGTH_RANK))
        self.interval_length = nn.Embedding(2 * NUM_PITCHES, LENGTH_RANK)
        self.tone_length = nn.Embedding(NUM_TONES, LENGTH_RANK)
        self.pointer_length = nn.Linear(NUM_POINTERS, LENGTH_RANK)
        self.length_out = nn.Linear(LENGTH_RANK, len(durations))
        for layer in (self.pitch, self.length):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.interval_length.weight, std=0.1)
        nn.init.normal_(self.tone_length.weight, std=0.1)
        self.register_buffer("pitches", torch.arange(NUM_PITCHES), persistent=False)
        self.register_buffer("lengths", torch.tensor(durations), persistent=False)

    def trunk(self, reading: Reading) -> Tensor:
        """The hidden vector (batch, hidden)."""
        pitch, relative, ticks, onset = reading["events"].unbind(2)
        known = self.pitch_table(pitch) + self.relative_table(relative) + self.ticks_table(ticks)
        known = known + self.onset_table(onset)
        if self.mode == SOLO:
            first = RECENT_EVENTS + BLOCKS["continuation"].rows
            known = torch.cat([known[:, :first], known[:, first + RECALLED_EVENTS :]], dim=1)
            known = torch.cat([known, known.new_zeros(len(known), RECALLED_EVENTS, EVENT_SIZE)], dim=1)
        place = self.fact_table(reading["facts"])
        hidden = self.first(self.dropout(torch.cat([known.flatten(1), place, reading["numbers"]], dim=1)))
        hidden = self.dropout(torch.relu(hidden))
        hidden = hidden + self.dropout(torch.relu(self.second(hidden)))
        result: Tensor = hidden + self.dropout(torch.relu(self.third(hidden)))
        return result

    def pitch_logits(self, hidden: Tensor, reading: Reading) -> Tensor:
        """Logits of the rest and of all pitches, (batch, 44)."""
        seen = _Seen(reading["head"], self._pitches)
        rest, place, interval, degree, next_degree, tone, next_tone, high, low, middle, again = self.pitch(hidden).split(
            self.parts, dim=1
        )
        pitch = place + interval.gather(1, seen.intervals)
        for by_degree, degrees in zip((degree, next_degree), seen.degrees, strict=True):
            pitch = pitch + torch.where(degrees >= 0, by_degree.gather(1, degrees.clamp(min=0)), 0.0)
        pitch = pitch + tone.gather(1, seen.tones[0]) + next_tone.gather(1, seen.tones[1])
        for by_distance, distances in zip((high, low, middle), seen.distances, strict=True):
            pitch = pitch + torch.where(seen.has_register, by_distance.gather(1, distances), 0.0)
        logits = torch.cat([rest, pitch], dim=1)
        return logits + (again[:, None] * seen.is_pointed).sum(2)

    def length_logits(self, hidden: Tensor, reading: Reading, slots: Tensor) -> Tensor:
        """Logits of the lengths of some slots, int64 (batch, some) → (batch, some, lengths)."""
        seen = _Seen(reading["head"], self._pitches)
        wish, plain, gates = self.length(hidden).split(
            (LENGTH_RANK, len(self.durations), 2 * NUM_POINTERS), dim=1
        )
        at = (slots - 1).clamp(min=0)
        is_rest = (slots == 0)[:, :, None]
        of_pitch = self.interval_length(seen.intervals.gather(1, at)) + self.tone_length(seen.tones[0].gather(1, at))
        number = slots.shape[1]
        is_pointed = seen.is_pointed.gather(1, slots[:, :, None].expand(-1, -1, NUM_POINTERS))
        known = torch.where(is_rest, self.rest_length, of_pitch) + self.pointer_length(is_pointed)
        logits = plain[:, None] + self.length_out(torch.relu(wish[:, None] + known))
        same = (seen.pointed_ticks[:, :, None] == self._lengths) & (seen.pointed_ticks > 0)[:, :, None]
        anyway, with_pitch = gates.split(NUM_POINTERS, dim=1)
        gate = anyway[:, None] + with_pitch[:, None] * is_pointed  # (batch, some, pointers)
        result: Tensor = logits + gate.expand(-1, number, -1) @ same.float()
        return result

    def log_probs(self, reading: Reading) -> Tensor:
        """Of all actions, slot by slot and length by length, (batch, 44 x lengths), nats."""
        hidden = self.trunk(reading)
        slots = torch.arange(NUM_SLOTS, device=hidden.device).expand(len(hidden), -1)
        of_pitch = torch.log_softmax(self.pitch_logits(hidden, reading), dim=1)
        of_length = torch.log_softmax(self.length_logits(hidden, reading, slots), dim=2)
        return (of_pitch[:, :, None] + of_length).flatten(1)

    def forward(self, observations: Tensor) -> Tensor:
        """Log probabilities (batch, actions) after observations (batch, 278) that hold the integers."""
        return self.log_probs(read(observations))

    def losses(self, reading: Reading, slots: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Minus the log probabilities of what was played, nats: of the pitch or rest, and of the length, (batch,)."""
        hidden = self.trunk(reading)
        of_pitch = nn.functional.cross_entropy(self.pitch_logits(hidden, reading), slots, reduction="none")
        logits = self.length_logits(hidden, reading, slots[:, None])[:, 0]
        return of_pitch, nn.functional.cross_entropy(logits, lengths, reduction="none")

    @property
    def _pitches(self) -> Tensor:
        pitches = self.pitches
        assert isinstance(pitches, Tensor)
        return pitches

    @property
    def _lengths(self) -> Tensor:
        lengths = self.lengths
        assert isinstance(lengths, Tensor)
        return lengths


class _Seen:
    """What the head compares pitches with, for each of 43."""

    def __init__(self, head: Tensor, pitches: Tensor) -> None:
        codes = pitches + 2
        last, lowest, highest, mean = head[:, 0:1], head[:, 1:2], head[:, 2:3], head[:, 3:4]
        roots, tones, pointed = head[:, 4:6], head[:, 6:30].view(-1, 2, 12), head[:, 30:].view(-1, NUM_POINTERS, 2)
        classes = pitches % 12
        none = 2 * NUM_PITCHES - 1
        self.intervals = torch.where(last > 0, codes - last + NUM_PITCHES - 1, none)
        self.degrees = [
            torch.where(roots[:, each : each + 1] > 0, (classes - roots[:, each : each + 1] + 1) % 12, -1)
            for each in range(2)
        ]
        self.tones = [tones[:, each, classes] for each in range(2)]
        self.has_register = highest > 0
        self.distances = [
            (codes - highest).clamp(-NEAR, NEAR) + NEAR,
            (codes - lowest).clamp(-NEAR, NEAR) + NEAR,
            (codes - mean).clamp(-WIDEST, WIDEST) + WIDEST,
        ]
        slots = torch.cat([codes.new_ones(1), codes])  # code of a rest, then those of the pitches
        self.is_pointed = (pointed[:, None, :, 0] == slots[:, None]).float()  # (batch, 44, pointers)
        self.pointed_ticks = pointed[:, :, 1]


def num_weights(network: nn.Module) -> int:
    """How many numbers a network has learned."""
    return sum(parameter.numel() for parameter in network.parameters())


def network_for(durations: tuple[int, ...], mode: str, **settings: Any) -> PriorNetwork:
    """A network for a style's durations."""
    return PriorNetwork(durations, mode, **settings)
