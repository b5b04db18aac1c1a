"""The arrays that are the state of many pieces, and the array of addresses by which compiled code reaches them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.engine.layout import (
    EVENT_BUFFER,
    HISTORY_BARS,
    NOTE_RING,
    NUM_FIELDS,
    NUM_NOTE_FIELDS,
    NUM_PAST_FIELDS,
    OBSERVATION_SIZE,
    PAST_BARS,
    WINDOW_FIELDS,
)
from rlcompose.engine.tables import Tables, numbered

LANES = 32  # rows that are scored together
LINKS = numbered("obs", "notes", "past", "constants")  # addresses by which a moment finds what its fields do not hold

# What stands where in the context array: counts first, then addresses.
CONTEXT = numbered(
    *("envs", "num_actions", "num_durations", "num_terms", "num_slots", "num_turned"),
    *("now", "obs", "mask", "events", "keys", "notes", "classes", "seeds", "past", "ring", "memory"),
    *(
        "actions",
        "reward",
        "account",
        "done",
        "links",
        "columns",
        "addresses",
        "weights",
        "times",
        "memory_at",
        "turned",
    ),
    *("durations", "charts", "tick_span", "spans", "span_obs", "bars", "strength", "modes", "settings"),
    *("metric", "second_tick", "second_spans", "constants"),
)

Snapshot = dict[str, NDArray[Any]]


class State:
    """The arrays of `num_envs` pieces.

    now         int32 (envs, fields)       the moment: `MOMENT_FIELDS`
    obs         int16 (envs, 278)          the observation, always up to date: `BLOCKS`
    mask        bool (envs, actions)       which actions are legal
    events      int16 (envs, 512, 2)       pitch code and ticks of the latest events, oldest first
    keys        int32 (envs, 512)          the motif cell that ends with each event, 0 for none
    notes       int32 (envs, 16, 9)        ring of the latest notes: `NOTE_FIELDS`
    classes     int16 (envs, 8, 12)        notes by bar (modulo 8) and pitch class
    seeds       uint64 (envs,)             the seed of each piece; the next piece's seed is a function of it
    past        int64 (envs, 64, 6)        what is kept of each bar (modulo 64): `PAST_FIELDS`
    ring        int16 (envs, 8, 71)        what each bar (modulo 8) adds to `WINDOW_FIELDS`
    memory      float64 (envs, slots)      what the reward terms keep for themselves, one behind the other
    """

    ARRAYS = (
        *("now", "obs", "mask", "events", "keys", "notes", "classes", "seeds", "done"),
        *("past", "ring", "memory"),
    )

    def __init__(self, num_envs: int, num_actions: int, num_terms: int, num_slots: int = 0) -> None:
        """Make the arrays, all zero: every row wants a reset. `num_slots` floats are the terms' memory."""
        self.now = np.zeros((num_envs, NUM_FIELDS), np.int32)
        self.obs = np.zeros((num_envs, OBSERVATION_SIZE), np.int16)
        self.mask = np.zeros((num_envs, num_actions), np.bool_)
        self.events = np.zeros((num_envs, EVENT_BUFFER, 2), np.int16)
        self.keys = np.zeros((num_envs, EVENT_BUFFER), np.int32)
        self.notes = np.zeros((num_envs, NOTE_RING, NUM_NOTE_FIELDS), np.int32)
        self.classes = np.zeros((num_envs, HISTORY_BARS, 12), np.int16)
        self.seeds = np.zeros(num_envs, np.uint64)
        self.past = np.zeros((num_envs, PAST_BARS, NUM_PAST_FIELDS), np.int64)
        self.ring = np.zeros((num_envs, HISTORY_BARS, len(WINDOW_FIELDS)), np.int16)
        self.memory = np.zeros((num_envs, num_slots), np.float64)
        self.actions = np.zeros(num_envs, np.int64)
        self.reward = np.zeros(num_envs, np.float64)
        self._shares = np.zeros((num_terms + 1, num_envs), np.float64)  # by term, as they are written
        self.account = self._shares.T
        self.links = np.zeros((num_envs, len(LINKS)), np.int64)
        self.columns = np.zeros((NUM_FIELDS, LANES), np.int32)  # the fields of the rows that are being scored
        self.done = np.zeros(num_envs, np.bool_)

    def context(self, tables: Tables, terms: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
        """The context of these arrays, tables and terms, int64; it is valid as long as all of them are kept alive.

        terms   the arrays `addresses`, `weights`, `times`, `memory_at` and `turned` (see `Engine`)
        """
        num_envs, num_actions = self.mask.shape
        context = np.zeros(len(CONTEXT), np.int64)
        num_terms, num_slots = self.account.shape[1] - 1, self.memory.shape[1]
        counts = (num_envs, num_actions, len(tables.durations), num_terms, num_slots, len(terms["turned"]) - 1)
        context[: len(counts)] = counts
        for name, array in (("obs", self.obs), ("notes", self.notes), ("past", self.past)):
            self.links[:, LINKS[name]] = array.ctypes.data + np.arange(num_envs) * array.strides[0]
        self.links[:, LINKS["constants"]] = tables.constants.ctypes.data
        arrays = {name: getattr(self, name) for name in (*self.ARRAYS, "actions", "reward", "links", "columns")}
        arrays["account"] = self._shares
        for name, array in (arrays | tables.arrays() | dict(terms)).items():
            assert array.flags.c_contiguous
            context[CONTEXT[name]] = array.ctypes.data
        return context

    def snapshot(self, rows: Sequence[int] | None = None) -> Snapshot:
        """A copy of everything that the future of these rows (all by default) depends on."""
        return {
            name: getattr(self, name)[list(rows) if rows is not None else slice(None)].copy() for name in self.ARRAYS
        }

    def restore(self, snapshot: Snapshot, rows: Sequence[int] | None = None) -> None:
        """Put a snapshot back, into the same rows or into others of the same number."""
        for name in self.ARRAYS:
            getattr(self, name)[list(rows) if rows is not None else slice(None)] = snapshot[name]
