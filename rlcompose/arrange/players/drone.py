"""A drone: the tonic and its fifth, held under everything, as on pipes and bowed strings."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from rlcompose.arrange.arrangement import Cue, Role
from rlcompose.arrange.players import player
from rlcompose.arrange.sheet import Sheet

FIFTH = 7


@player("drone", Role.DRONE)
def drone(sheet: Sheet, dice: Random, *, velocity: int = 50, lowest: int = 43, fifth: bool = True) -> Iterator[Cue]:
    """The lowest tonic from `lowest` on, and the fifth above it; each is silent while a chord has its neighbour.

    A tonic against the dominant's leading note is a semitone that nobody wants to hear for a bar.
    """
    tonic = lowest + (sheet.music.key.tonic - lowest) % 12
    for pitch in (tonic, tonic + FIFTH) if fifth else (tonic,):
        onset = end = -1
        for piece in sheet.pieces:
            grates = any((tone - pitch) % 12 in (1, 11) for tone in piece.chord.tones)
            if grates or piece.onset != end:
                if onset >= 0:
                    yield Cue(onset, pitch, end - onset, velocity)
                onset = -1 if grates else piece.onset
            elif onset < 0:
                onset = piece.onset
            end = piece.end
        if onset >= 0:
            yield Cue(onset, pitch, end - onset, velocity)
