"""A second player of the melody, who has it simpler, or an octave away, with turns of his own: heterophony."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from rlcompose.arrange.arrangement import Cue, Role
from rlcompose.arrange.players import player
from rlcompose.arrange.sheet import Sheet, next_tone
from rlcompose.score import Note

TURN_CHANCE = 0.3
SHORTEST_TURN = 12  # ticks of a note that is long enough to be turned about


@player("heterophony", Role.VOICE)
def heterophony(
    sheet: Sheet,
    dice: Random,
    *,
    velocity: int = 66,
    octave: int = -1,
    lowest: int = 50,
    highest: int = 88,
    turns: bool = True,
) -> Iterator[Cue]:
    """The melody's notes on the beats, each held until the next, `octave` octaves away within an instrument's range.

    turns  a long note goes to the scale's next note and back before the next one

    (Alan Thrasher, Sizhu Instrumental Music of South China, 2008: one tune, each instrument's own way.)
    """
    frame = list(_frame(sheet))
    for index, (note, end) in enumerate(frame):
        pitch = note.pitch + 12 * octave
        while pitch < lowest:
            pitch += 12
        while pitch > highest:
            pitch -= 12
        ticks = end - note.onset
        if turns and index + 1 < len(frame) and ticks >= 2 * SHORTEST_TURN and dice.random() < TURN_CHANCE:
            turn = _neighbour(sheet, pitch, 1 if frame[index + 1][0].pitch >= note.pitch else -1)
            if lowest <= turn <= highest:
                half = ticks - SHORTEST_TURN
                yield Cue(note.onset, pitch, half, velocity)
                yield Cue(note.onset + half, turn, 6, velocity - 6)
                yield Cue(note.onset + half + 6, pitch, 6, velocity - 4)
                continue
        yield Cue(note.onset, pitch, ticks, velocity)


def _frame(sheet: Sheet) -> Iterator[tuple[Note, int]]:
    """The melody's notes that begin on a beat, and until when each is held: the next of them, or the next rest."""
    notes = sheet.music.notes
    beat = sheet.meter.beat_ticks
    index = 0
    while index < len(notes):
        note = notes[index]
        index += 1
        if note.onset % beat:
            continue
        end = note.end
        while index < len(notes) and notes[index].onset == end and notes[index].onset % beat:
            end = notes[index].end
            index += 1
        yield note, end


def _neighbour(sheet: Sheet, pitch: int, direction: int) -> int:
    """The next note of the key's five-note scale: without its fourth and seventh degree in major."""
    key = sheet.music.key
    weak = {(key.tonic + key.scale[3]) % 12, (key.tonic + key.scale[6]) % 12}
    return next_tone(pitch, direction, sheet.key_tones - weak)
