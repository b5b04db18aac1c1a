"""Grace notes: the cuts and rolls of a fiddle, the short notes from below of a bamboo flute.

They stand in a part of their own beside the melody, on the melody's instrument. So the melody's own track keeps the
notes of the piece, and a musician mutes or moves the ornaments by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rlcompose.arrange.arrangement import DRUM_CHANNEL, Cue, Line
from rlcompose.arrange.sheet import Sheet, next_tone
from rlcompose.swing import BEAT_TICKS

ORNAMENTS = "ornaments"
GRACE_TICKS = 2  # a sixth of a beat: 50 ms in a reel, and heard as one with the note
GRACE_VELOCITY = 100
DOTTED_QUARTER = 18
CUT_CHANCE, ROLL_CHANCE, SLIDE_CHANCE = 0.35, 0.6, 0.3


def ornamented(lines: Sequence[Line], sheet: Sheet, family: str) -> tuple[Line, ...]:
    """The lines, the melody's first, with a further one behind it where the family has ornaments."""
    makers = {"fiddle": _cuts_and_rolls, "chinese_folk": _from_below}
    if family not in makers:
        return tuple(lines)
    melody, *others = lines
    cues = tuple(makers[family](melody.cues, sheet))
    used = {line.channel for line in lines}
    channel = next(each for each in range(16) if each not in used and each != DRUM_CHANNEL)
    graces = replace(melody, name=ORNAMENTS, channel=channel, cues=cues)
    return (melody, graces, *others)


def _cuts_and_rolls(cues: Sequence[Cue], sheet: Sheet) -> Iterator[Cue]:
    """A cut from above parts repeated notes and marks strong ones; a roll turns about a dotted quarter.

    (Breandán Breathnach, Folk Music and Dances of Ireland, 1971, on grace notes and rolls.)
    """
    dice = sheet.dice(ORNAMENTS)
    for index, cue in enumerate(cues):
        repeats = index > 0 and cues[index - 1].pitch == cue.pitch and cues[index - 1].end == cue.onset
        strong = sheet.meter.strength(cue.onset) >= 2
        if cue.ticks == DOTTED_QUARTER and dice.random() < ROLL_CHANCE:
            yield _grace(cue.onset + 6, _scale_step(sheet, cue.pitch, 1))
            yield _grace(cue.onset + 12, _scale_step(sheet, cue.pitch, -1))
        elif repeats or (strong and dice.random() < CUT_CHANCE):
            yield _grace(cue.onset, _scale_step(sheet, cue.pitch, 1))


def _from_below(cues: Sequence[Cue], sheet: Sheet) -> Iterator[Cue]:
    """A short note from the scale's step below into long notes."""
    dice = sheet.dice(ORNAMENTS)
    for cue in cues:
        if cue.ticks >= BEAT_TICKS and dice.random() < SLIDE_CHANCE:
            yield _grace(cue.onset, _scale_step(sheet, cue.pitch, -1))


def _grace(onset: int, pitch: int) -> Cue:
    return Cue(onset, pitch, GRACE_TICKS, GRACE_VELOCITY)


def _scale_step(sheet: Sheet, pitch: int, direction: int) -> int:
    """The next pitch of the key above or below, within MIDI's."""
    return min(127, max(0, next_tone(pitch, direction, sheet.key_tones)))
