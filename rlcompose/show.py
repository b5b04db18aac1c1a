"""A piece at a glance without any plotting library: as text, and as a piano roll of pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlcompose.codec import Performance
from rlcompose.notation import chord_symbols, note_places
from rlcompose.score import Composition
from rlcompose.theory.spelling import name_of, octave_of

# Okabe and Ito's palette, told apart by colour-blind eyes too.
_PAPER, _CHANGE, _BAR_LINE, _NOTE = (255, 255, 255), (236, 240, 246), (190, 196, 206), (0, 114, 178)
_TICK_PIXELS, _PITCH_PIXELS, _MARGIN = 1, 6, 2


def piece_text(performance: Performance) -> str:
    """A header, then a line for each bar: its chords and its events as pitch and length in ticks, "-" for a rest.

    The last line is the return so far.
    """
    piece = performance.composition
    bar_ticks = piece.meter.bar_ticks
    lines = [
        f"{piece.style}: {piece.title}, {piece.key.name}, {piece.meter.name}, {piece.tempo} bpm, {piece.bars} bars"
    ]
    symbols, places = chord_symbols(piece), iter(note_places(piece))

    def pitch_name(pitch: int) -> str:
        place = next(places)
        return f"{name_of(place)}{octave_of(place, pitch)}"

    last_bar = performance.events[-1].onset // bar_ticks if performance.events else -1
    for bar in range(last_bar + 1):
        start, end = bar * bar_ticks, (bar + 1) * bar_ticks
        chords = [
            symbol for span, symbol in zip(piece.chords, symbols, strict=True) if span.onset < end and span.end > start
        ]
        events = [
            f"{'-' if event.pitch is None else pitch_name(event.pitch)}:{event.ticks}"
            for event in performance.events
            if start <= event.onset < end
        ]
        lines.append(f"{bar + 1:4} | {' '.join(chords):<16} | {' '.join(events)}")
    lines.append(f"return {performance.rewards.sum():.3f}")
    return "\n".join(lines)


def piano_roll(piece: Composition) -> NDArray[np.uint8]:
    """The melody as pixels, uint8 (height, width, 3): time to the right, a tick a column; pitch upwards, 6 rows each.

    Every other chord is shaded, bar lines are drawn; the height covers the melody and an octave at least.
    """
    pitches = [note.pitch for note in piece.notes] or [60]
    lowest, highest = min(pitches) - _MARGIN, max(max(pitches), min(pitches) + 12) + _MARGIN
    image = np.empty(((highest - lowest + 1) * _PITCH_PIXELS, piece.total_ticks * _TICK_PIXELS, 3), np.uint8)
    image[:] = _PAPER
    for number, span in enumerate(piece.chords):
        if number % 2:
            image[:, span.onset : span.end] = _CHANGE
    image[:, :: piece.meter.bar_ticks] = _BAR_LINE
    for note in piece.notes:
        top = (highest - note.pitch) * _PITCH_PIXELS
        image[top + 1 : top + _PITCH_PIXELS, note.onset : max(note.end - 1, note.onset + 1)] = _NOTE
    return image
