"""The block of what the section that this one repeats went on with, against a count over the whole piece."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rlcompose.brief import make_brief
from rlcompose.codec import event_of
from rlcompose.engine.core import Engine
from rlcompose.engine.layout import BLOCKS, FIELD, MEMORY_EVENTS, NUM_RECALLED, PITCH_CODE_OFFSET, REST_CODE

BLOCK = BLOCKS["section_events"]


def expected(events: list[tuple[int, int, int]], place: int, bar_ticks: int) -> NDArray[np.int64]:
    """From all events so far, as (onset, code, ticks): those from the place on."""
    found = np.zeros((NUM_RECALLED, 3), np.int64)
    later = [each for each in events if each[0] >= place]
    for row, (onset, code, ticks) in zip(found, later, strict=False):
        row[:] = code, ticks, onset % bar_ticks
    return found


@pytest.mark.parametrize(
    ("style", "options"),
    [
        ("fiddle", {"bars": 40, "meter": "6/8"}),
        ("jazz", {"bars": 100, "progression": "rhythm_changes"}),
        ("jazz", {"bars": 40, "progression": "blues"}),
        ("german_folk", {"bars": 48}),
    ],
)
def test_recalled_events_are_those_from_the_same_place_on(style: str, options: dict[str, object]) -> None:
    brief = make_brief(style, options)
    engine = Engine(brief)
    engine.reset([3])
    draw = np.random.default_rng(0)
    events: list[tuple[int, int, int]] = []
    recalled = forgotten = 0
    while not engine.state.done[0]:
        row = engine.state.now[0].copy()
        back, onset, bar_ticks = (int(row[FIELD[name]]) for name in ("counterpart", "onset", "bar_ticks"))
        seen = engine.state.obs[0, BLOCK.slice].reshape(NUM_RECALLED, 3)
        wanted = expected(events, onset - back * bar_ticks, bar_ticks) if back else np.zeros_like(seen)
        age = sum(each[0] >= onset - back * bar_ticks for each in events)
        if back and age > MEMORY_EVENTS and not seen.any():
            forgotten += 1
        else:
            np.testing.assert_array_equal(seen, wanted)
            recalled += bool(back)
        action = int(draw.choice(np.flatnonzero(engine.state.mask[0])))
        pitch, _ = event_of(brief.style, action)
        engine.step(np.array([action]))
        ticks = int(engine.state.now[0, FIELD["ticks"]])
        events.append((onset, REST_CODE if pitch is None else pitch + PITCH_CODE_OFFSET, ticks))
    assert recalled > 50
    assert forgotten < recalled


def test_first_section_recalls_nothing() -> None:
    engine = Engine(make_brief("jazz", {"bars": 32, "progression": "rhythm_changes"}))
    engine.reset([0])
    while engine.field("bar")[0] < 8:
        assert not engine.state.obs[0, BLOCK.slice].any()
        engine.step(np.array([np.flatnonzero(engine.state.mask[0])[40]]))
    assert engine.state.obs[0, BLOCK.slice].any()
