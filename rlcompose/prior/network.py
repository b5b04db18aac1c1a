"""The prior's network: from an observation to the pitch or rest that comes next, and from both to its length.

Feed-forward over the contract's observation, so that a policy of Stable-Baselines3 can hold it. `read` turns the
integers into what the network looks up; `PriorNetwork` decides.

Every figure of three events is known by itself, wherever it stands; where the newest one was played before, attention
over the last 32 events finds what followed it. What music returns to is also pointed at: the event that followed when
the present motif occurred last, the one at the same place in the section that this one repeats, and those one, two and
four bars ago. The head learns once how much "again the note of a bar ago" is worth, not for each of 43 pitches; the
same holds for intervals, for what the chords make of a pitch, and for how far it lies from the highest, the lowest and
the middle of what was played.
"""

from __future__ import annotations

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
NEWEST_EVENTS = 8  # that are looked at in order; of the others attention takes what fits
CONTINUED_EVENTS = 4  # of the 8
RECALLED_EVENTS = 8  # of the 16
EVENT_SIZE = 32  # numbers by which the network knows an event
FIGURE = 3  # events that are a figure
FIGURE_SIZE = 64
HEADS = 4
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
LAST_BARS_OF_SOLO = 1
NUM_NUMBERS = 6 + 6 + 12 + 3
HEAD_SIZE = 1 + 3 + 2 + 24 + 2 * NUM_POINTERS

Reading = dict[str, Tensor]


def read(observations: Tensor) -> Reading:
    """What the network looks up: integers of any dtype (batch, 278) to tensors with a row for each.

    events    int64 (batch, 49, 5): played, continued and recalled events and pointers, each as pitch code, interval
              from the last note, ticks, place in the bar, interval from the note before
    facts     int64 (batch, facts): rows of the table of places
    numbers   float32 (batch, 27)
    head      int64 (batch, 40): what the head compares each pitch with
    """
    whole = observations.long()
    block = {name: whole[:, each.slice].view(len(whole), each.rows, -1) for name, each in BLOCKS.items()}
    played = block["events"]
    pitch, ticks, onset, _ = played.unbind(2)
    is_note = pitch > REST_CODE
    order = torch.arange(1, NUM_RECENT_EVENTS + 1, device=whole.device)
    last = torch.where(is_note, pitch, 0).gather(1, (is_note * order).argmax(1, keepdim=True))[:, 0]
    value = {name: whole[:, column] for name, column in _COLUMN.items()}
    bar_ticks, here = value["place.bar_ticks"], value["place.tick_in_bar"]
    away = ticks.flip(1).cumsum(1).flip(1)  # ticks from each event's beginning to now
    pointed = _pointers(block, away, bar_ticks, here)
    continuation = _with_place(block["continuation"])
    recalled = block["section_events"]
    rows = torch.cat(
        [
            torch.stack([pitch, _relative(pitch, last), ticks, onset, _intervals(pitch)], 2),
            _named(continuation[:, :CONTINUED_EVENTS], last),
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
    followed = _followed(played, away, bar_ticks)
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
    return torch.stack([pitch, _relative(pitch, last), ticks, onset, torch.zeros_like(pitch)], 2)


def _intervals(pitch: Tensor) -> Tensor:
    """Each event's interval from the note before it, as `_relative` counts: (batch, events)."""
    order = torch.arange(pitch.shape[1], device=pitch.device)
    newest = torch.where(pitch > REST_CODE, order, -1).cummax(1).values  # the newest note up to each event
    before = torch.cat([torch.full_like(newest[:, :1], -1), newest[:, :-1]], dim=1)
    earlier = torch.where(before >= 0, pitch.gather(1, before.clamp(min=0)), 0)
    interval = (pitch - earlier).clamp(-WIDEST, WIDEST) + WIDEST + 2
    return torch.where((pitch > REST_CODE) & (earlier > 0), interval, pitch.clamp(max=1))


def _with_place(rows: Tensor) -> Tensor:
    return torch.cat([rows, torch.zeros_like(rows[:, :, :1])], dim=2)


def _pointers(block: dict[str, Tensor], away: Tensor, bar_ticks: Tensor, here: Tensor) -> Tensor:
    """The events that the coming one may repeat, (batch, pointers, 2) as pitch and ticks; 0 where there is none."""
    recalled = block["section_events"][:, 0]
    aligned = (recalled[:, 0] > 0) & (recalled[:, 2] == here)
    played = block["events"][:, :, :2]
    found = [block["continuation"][:, 0], torch.where(aligned[:, None], recalled[:, :2], 0)]
    for bars in BARS_BACK:
        is_there = (away == (bars * bar_ticks)[:, None]) & (played[:, :, 0] > 0)
        found.append((played * is_there[:, :, None]).sum(1))
    return torch.stack(found, dim=1)


def _followed(played: Tensor, away: Tensor, bar_ticks: Tensor) -> Tensor:
    """Whether the last event was that of so many bars before, bool (batch, bars back)."""
    newest = played[:, -1, :2]
    now = away[:, -1:]  # the newest event's distance: its counterpart lies so much further back
    same = (played[:, :, :2] == newest[:, None]).all(2)
    return torch.stack([((away == now + (bars * bar_ticks)[:, None]) & same).any(1) for bars in BARS_BACK], dim=1)


class PriorNetwork(nn.Module):
    """Decides by what `read` gives: logits of pitches and rest, and of lengths given one of them."""

    def __init__(
        self,
        durations: tuple[int, ...],
        mode: str = THEME,
        hidden: int = HIDDEN,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
    ) -> None:
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
        self.interval_table = nn.Embedding(NUM_RELATIVE, EVENT_SIZE)
        nn.init.normal_(self.interval_table.weight, std=0.1)
        # Every figure of three events is known by itself, and so is the figure that came before each event: where the
        # newest one was played before, attention finds what followed it.
        self.figure = nn.Linear(FIGURE * EVENT_SIZE, FIGURE_SIZE)
        self.query = nn.Linear(FIGURE_SIZE + PLACE_SIZE, FIGURE_SIZE)
        self.key = nn.Linear(2 * FIGURE_SIZE, FIGURE_SIZE)
        self.value = nn.Linear(EVENT_SIZE + FIGURE_SIZE, FIGURE_SIZE)
        self.nearness = nn.Parameter(torch.zeros(HEADS, NUM_RECENT_EVENTS))
        self.num_named = NEWEST_EVENTS + CONTINUED_EVENTS + RECALLED_EVENTS + NUM_POINTERS
        self.first = nn.Linear(self.body_size, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.third = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.input_dropout = nn.Dropout(input_dropout)
        # For the pitch: rest, place above the tonic, interval, degrees, tones, from highest, lowest, mean, pointers.
        self.parts = (
            *(1, NUM_PITCHES, 2 * NUM_PITCHES, 12, 12, NUM_TONES, NUM_TONES),
            *(2 * NEAR + 1, 2 * NEAR + 1, 2 * WIDEST + 1, NUM_POINTERS),
        )
        self.pitch = nn.Linear(hidden, sum(self.parts))
        self.length = nn.Linear(hidden, LENGTH_RANK + len(durations) + 2 * NUM_POINTERS)
        # What a pitch is to the melody, for its length: rest, interval, tone, whether a pointer points at it.
        self.rest_length = nn.Parameter(torch.zeros(LENGTH_RANK))
        self.rest_lengths = nn.Parameter(torch.zeros(len(durations)))
        self.interval_length = nn.Embedding(2 * NUM_PITCHES, LENGTH_RANK)
        self.tone_length = nn.Embedding(NUM_TONES, LENGTH_RANK)
        self.pointer_length = nn.Linear(NUM_POINTERS, LENGTH_RANK)
        self.length_out = nn.Linear(LENGTH_RANK, len(durations))
        for layer in (self.pitch, self.length):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.interval_length.weight, std=0.1)
        nn.init.normal_(self.tone_length.weight, std=0.1)
        # Of the place in a solo no more is known than that it is about to end: a solo is a passage of something longer,
        # and few of them would tell what its first bars are like.
        latest = {name: _STARTS[name] + size - 1 for name, size in _FACTS.items()}
        latest |= {"bar": _STARTS["bar"], "bars_left": _STARTS["bars_left"] + LAST_BARS_OF_SOLO}
        self.register_buffer("latest", torch.tensor(list(latest.values())), persistent=False)
        self.register_buffer("pitches", torch.arange(NUM_PITCHES), persistent=False)
        self.register_buffer("lengths", torch.tensor(durations), persistent=False)

    def read(self, observations: Tensor) -> Reading:
        """What this network looks up of observations (batch, 278): `read`, in a solo without the section recalled."""
        if self.mode == SOLO:
            observations = observations.clone()
            observations[:, BLOCKS["section_events"].slice] = 0
        return read(observations)

    @property
    def body_size(self) -> int:
        """The numbers of what `body` gives."""
        return self.num_named * EVENT_SIZE + FIGURE_SIZE + PLACE_SIZE + NUM_NUMBERS

    def body(self, reading: Reading) -> Tensor:
        """What the layers decide by, (batch, 987): the events that are looked at, what attention takes, the place."""
        pitch, relative, ticks, onset, interval = reading["events"].unbind(2)
        known = self.pitch_table(pitch) + self.relative_table(relative) + self.ticks_table(ticks)
        known = known + self.onset_table(onset) + self.interval_table(interval)
        facts = reading["facts"]
        if self.mode == SOLO:
            facts = torch.minimum(facts, self._latest)
        place = self.fact_table(facts)
        heard = self._heard(known[:, :NUM_RECENT_EVENTS], pitch[:, :NUM_RECENT_EVENTS] > 0, place)
        known = known[:, NUM_RECENT_EVENTS - NEWEST_EVENTS :]
        return torch.cat([known.flatten(1), heard, place, reading["numbers"]], dim=1)

    def layers(self, body: Tensor) -> Tensor:
        """The hidden vector (batch, hidden) after what `body` gives."""
        hidden = self.dropout(torch.relu(self.first(self.input_dropout(body))))
        hidden = hidden + self.dropout(torch.relu(self.second(hidden)))
        result: Tensor = hidden + self.dropout(torch.relu(self.third(hidden)))
        return result

    def trunk(self, reading: Reading) -> Tensor:
        """The hidden vector (batch, hidden)."""
        return self.layers(self.body(reading))

    def _heard(self, known: Tensor, is_there: Tensor, place: Tensor) -> Tensor:
        """What attention takes from the last 32 events, (batch, 64)."""
        events = known * is_there[:, :, None]
        padded = torch.cat([events.new_zeros(len(events), FIGURE, EVENT_SIZE), events], dim=1)
        figures = torch.relu(
            self.figure(padded.unfold(1, FIGURE, 1).transpose(2, 3).flatten(2))
        )  # one more than events
        query = self.query(torch.cat([figures[:, -1], place], dim=1)).view(-1, HEADS, FIGURE_SIZE // HEADS)
        key = self.key(torch.cat([figures[:, :-1], figures[:, 1:]], dim=2)).view(len(events), -1, HEADS, query.shape[2])
        value = self.value(torch.cat([events, figures[:, :-1]], dim=2)).view_as(key)
        fit = torch.einsum("bhd,bnhd->bhn", query, key) * query.shape[2] ** -0.5 + self.nearness
        fit = torch.where(is_there[:, None], fit, -1e9)
        return torch.einsum("bhn,bnhd->bhd", torch.softmax(fit, dim=2), value).flatten(1)

    def pitch_logits(self, hidden: Tensor, reading: Reading) -> Tensor:
        """Logits of the rest and of all pitches, (batch, 44)."""
        seen = Seen(reading["head"], self._pitches)
        rest, place, interval, degree, next_degree, tone, next_tone, high, low, middle, again = self.pitch(
            hidden
        ).split(self.parts, dim=1)
        pitch = place + interval.gather(1, seen.intervals)
        for by_degree, degrees in zip((degree, next_degree), seen.degrees, strict=True):
            pitch = pitch + torch.where(degrees >= 0, by_degree.gather(1, degrees.clamp(min=0)), 0.0)
        pitch = pitch + tone.gather(1, seen.tones[0]) + next_tone.gather(1, seen.tones[1])
        for by_distance, distances in zip((high, low, middle), seen.distances, strict=True):
            pitch = pitch + torch.where(seen.has_register, by_distance.gather(1, distances), 0.0)
        logits = torch.cat([rest, pitch], dim=1)
        result: Tensor = logits + (again[:, None] * seen.is_pointed).sum(2)
        return result

    def length_logits(self, hidden: Tensor, reading: Reading, slots: Tensor) -> Tensor:
        """Logits of the lengths of some slots, int64 (batch, some) → (batch, some, lengths)."""
        seen = Seen(reading["head"], self._pitches)
        wish, plain, gates = self.length(hidden).split((LENGTH_RANK, len(self.durations), 2 * NUM_POINTERS), dim=1)
        at = (slots - 1).clamp(min=0)
        is_rest = (slots == 0)[:, :, None]
        of_pitch = self.interval_length(seen.intervals.gather(1, at)) + self.tone_length(seen.tones[0].gather(1, at))
        number = slots.shape[1]
        is_pointed = seen.is_pointed.gather(1, slots[:, :, None].expand(-1, -1, NUM_POINTERS))
        known = torch.where(is_rest, self.rest_length, of_pitch) + self.pointer_length(is_pointed)
        logits = plain[:, None] + self.length_out(torch.relu(wish[:, None] + known)) + is_rest * self.rest_lengths
        same = (seen.pointed_ticks[:, :, None] == self._lengths) & (seen.pointed_ticks > 0)[:, :, None]
        anyway, with_pitch = gates.split(NUM_POINTERS, dim=1)
        gate = anyway[:, None] + with_pitch[:, None] * is_pointed  # (batch, some, pointers)
        result: Tensor = logits + gate.expand(-1, number, -1) @ same.float()
        return result

    def log_probs(self, reading: Reading) -> Tensor:
        """Of all actions, slot by slot and length by length, (batch, 44 x lengths), nats."""
        hidden = self.trunk(reading)
        return self.joint(self.pitch_logits(hidden, reading), hidden, reading)

    def joint(self, pitch_logits: Tensor, hidden: Tensor, reading: Reading) -> Tensor:
        """Log probabilities of all actions, (batch, 44 x lengths), by the logits of pitches and rest (batch, 44)."""
        slots = torch.arange(NUM_SLOTS, device=hidden.device).expand(len(hidden), -1)
        of_pitch = torch.log_softmax(pitch_logits, dim=1)
        of_length = torch.log_softmax(self.length_logits(hidden, reading, slots), dim=2)
        return (of_pitch[:, :, None] + of_length).flatten(1)

    def forward(self, observations: Tensor) -> Tensor:
        """Log probabilities (batch, actions) after observations (batch, 278) that hold the integers."""
        return self.log_probs(self.read(observations))

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
    def _latest(self) -> Tensor:
        latest = self.latest
        assert isinstance(latest, Tensor)
        return latest

    @property
    def _lengths(self) -> Tensor:
        lengths = self.lengths
        assert isinstance(lengths, Tensor)
        return lengths


class Seen:
    """What the head compares pitches with, for each of 43.

    intervals        int64 (batch, 43): column of the interval from the last note, the last one where there is none
    degrees          two of int64 (batch, 43): semitones above the present and the next chord's root, -1 for no chord
    tones            two of int64 (batch, 43): what these chords make of the pitch
    has_register     bool (batch, 1): whether a note was played
    distances        three of int64 (batch, 43): columns of the distance from the highest, the lowest and the mean pitch
    is_pointed       float32 (batch, 44, pointers): 1 where a pointer points at the rest or pitch
    pointed, pointed_ticks  int64 (batch, pointers): pitch code, 0 for none, and ticks of what is pointed at
    """

    def __init__(self, head: Tensor, pitches: Tensor) -> None:
        """`head` is that of a reading, `pitches` are 0 to 42."""
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
        self.pointed, self.pointed_ticks = pointed[:, :, 0], pointed[:, :, 1]


def num_weights(network: nn.Module) -> int:
    """How many numbers a network has learned."""
    return sum(parameter.numel() for parameter in network.parameters())
