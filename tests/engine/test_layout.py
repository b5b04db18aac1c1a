"""The numbers that weights are trained on: a change here is a new version of the environment."""

from __future__ import annotations

from itertools import pairwise

from rlcompose.engine.layout import BLOCKS, LAYOUT_ID, OBSERVATION_SIZE, observation_table


def test_layout_is_the_one_that_models_are_trained_on() -> None:
    # Not to be mended in passing: with another id the environment's version goes up, and all weights are made again.
    assert LAYOUT_ID == "compose-v0-41dbfb92"
    assert OBSERVATION_SIZE == 278


def test_blocks_lie_side_by_side() -> None:
    blocks = list(BLOCKS.values())
    assert blocks[0].start == 0 and blocks[-1].slice.stop == OBSERVATION_SIZE
    assert all(block.slice.stop == following.start for block, following in pairwise(blocks))


def test_table_names_every_block_with_its_place() -> None:
    lines = observation_table().splitlines()
    assert len(lines) == 2 + len(BLOCKS)
    assert lines[2].startswith("| events | 0–127 | 32 × (pitch, ticks, tick_in_bar, degree) |")
