"""The moments of all pieces at once, as columns: what a batched reward term is given."""

from __future__ import annotations

import difflib

import numpy as np
from numpy.typing import NDArray

from rlcompose.engine.layout import FIELD, NO_PITCH, NOTE_FIELDS, NOTE_RING, NUM_NOTE_FIELDS, PUBLIC_FIELDS
from rlcompose.engine.moment import Moment
from rlcompose.engine.state import State


class Moments:
    """The moment after an event in every piece; a batched term `name(ms) -> float64 (envs,)` is given it.

    It has the fields of `MOMENT_FIELDS` as read-only arrays, int32 (envs,): `ms.pitch`, `ms.interval`, `ms.bar`. Rows
    whose piece has ended hold their last event; what a term gives for them, or where it is not asked, is not paid.
    """

    def __init__(self, state: State, family: str = "") -> None:
        """Look at the arrays of a state, live; `family` is the family of styles that the pieces are of."""
        self._state = state
        self.family = family

    def __len__(self) -> int:
        return len(self._state.now)

    def __getattr__(self, name: str) -> NDArray[np.int32]:
        if name not in PUBLIC_FIELDS:
            known = (*PUBLIC_FIELDS, "observation", "is_note", "previous")
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise AttributeError(f"the moments have no {name!r}: {hint}They have {', '.join(known)}")
        return _read_only(self._state.now[:, FIELD[name]])

    @property
    def state(self) -> State:
        """The engine's arrays, live, for terms with compiled code of their own; nothing in them may be changed."""
        return self._state

    @property
    def observation(self) -> NDArray[np.int16]:
        """What the agent saw when it chose the event, int16 (envs, 278)."""
        seen: NDArray[np.int16] = self._state.obs.view()
        seen.flags.writeable = False
        return seen

    @property
    def is_note(self) -> NDArray[np.bool_]:
        """Whether the event is a note and not a rest, bool (envs,)."""
        is_note: NDArray[np.bool_] = self._state.now[:, FIELD["is_rest"]] == 0
        return is_note

    def previous(self, k: int) -> dict[str, NDArray[np.int32]]:
        """The k-th note before the present event, k from 1 to 14: its fields by name, each int32 (envs,).

        `ticks` is 0, and `pitch` -99, where there is no such note.
        """
        if not 1 <= k <= NOTE_RING - 2:
            raise ValueError(f"previous({k}): allowed are 1 to {NOTE_RING - 2}")
        index = self._state.now[:, FIELD["num_notes"]] - k - 1 + self._state.now[:, FIELD["is_rest"]]
        rows = self._state.notes[np.arange(len(self)), index % NOTE_RING]
        nothing = np.zeros(NUM_NOTE_FIELDS, np.int32)
        for name, value in (("pitch", NO_PITCH), ("degree", -1), ("second", NO_PITCH)):
            nothing[NOTE_FIELDS.index(name)] = value
        rows = np.where((index >= 0)[:, None], rows, nothing)
        return {name: rows[:, column] for column, name in enumerate(NOTE_FIELDS)}

    def one(self, row: int) -> Moment:
        """The moment of one piece, without its style's table."""
        state = self._state
        now, obs, notes, past = (rows[row].ravel().tolist() for rows in (state.now, state.obs, state.notes, state.past))
        return Moment(now, obs, notes, past)


def _read_only(array: NDArray[np.int32]) -> NDArray[np.int32]:
    array.flags.writeable = False  # of this view alone
    return array
