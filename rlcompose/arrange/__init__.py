"""Who plays what: a composition as a band plays it, first on the page (`arrange`), then as it sounds (`accompany`).

The groove for the style names the players (`players/`), each writes a line from the same sheet, and the performance
(`performance.py`) swings, shades and humanises them. The same piece and `Playing` give the same notes every time.
"""

from __future__ import annotations

from rlcompose.arrange.arrangement import Arrangement, Cue, Line, Part, PlayedNote, Role
from rlcompose.arrange.band import arrange, band_of
from rlcompose.arrange.mix import Mix, mix_for
from rlcompose.arrange.performance import perform
from rlcompose.arrange.playing import AS_WRITTEN, USUAL, Playing
from rlcompose.arrange.sheet import sheet_of
from rlcompose.score import Composition

__all__ = [
    "AS_WRITTEN",
    "Arrangement",
    "Cue",
    "Line",
    "Part",
    "PlayedNote",
    "Playing",
    "Role",
    "USUAL",
    "accompany",
    "arrange",
]


def accompany(composition: Composition, playing: Playing = USUAL, mix: Mix | None = None) -> Arrangement:
    """The composition as the band plays it; N.C. and a missing chart are silent in all but the melody and the drums.

    `mix` sets the volumes for another SoundFont than the default one.
    """
    sheet = sheet_of(composition, playing)
    return perform(arrange(sheet, playing), sheet, band_of(composition).family, playing, mix or mix_for())
