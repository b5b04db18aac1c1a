"""What every player has before them: the piece with its intro and ending, its chords cut at the bar lines, its form."""

from __future__ import annotations

import random
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from rlcompose.arrange.playing import Playing
from rlcompose.score import ChordSpan, Composition, Note, Section
from rlcompose.theory.chord import NO_CHORD, QUALITY_IDS, Chord
from rlcompose.theory.meter import Meter

NO_CEILING = 128  # above all pitches


@dataclass(frozen=True)
class Sheet:
    """The piece as the band plays it.

    Ticks and bars count from the first bar of the file, which is the count-in's if there is one.

    music       the piece, moved behind what comes before it and with what follows it; notes are the melody's alone
    first       the bar in which the piece itself begins; before it are the count-in and the intro
    last        the bar in which the piece itself ends; after it the band's ending, if there is one
    clicks      how many bars at the front are the count-in, in which nobody plays but the sticks
    has_ending  whether one bar more follows, in which the last chord rings
    """

    music: Composition
    first: int
    last: int
    clicks: int
    has_ending: bool
    seed: int

    @property
    def meter(self) -> Meter:
        """The metre."""
        return self.music.meter

    @cached_property
    def pieces(self) -> tuple[ChordSpan, ...]:
        """The chords cut at the bar lines; N.C. is left out."""
        bar = self.meter.bar_ticks
        pieces = []
        for span in self.music.chords:
            onset, end = span.onset, min(span.end, self.music.total_ticks)
            while onset < end and not span.chord.is_silent:
                cut = min(end, (onset // bar + 1) * bar)
                pieces.append(ChordSpan(onset, cut - onset, span.chord))
                onset = cut
        return tuple(pieces)

    @cached_property
    def section_ends(self) -> frozenset[int]:
        """The bars that end a section of the form; the last bar of the piece is one."""
        ends = {section.bar + section.bars - 1 for section in self.music.sections}
        return frozenset({*ends, self.last})

    @cached_property
    def key_tones(self) -> frozenset[int]:
        """The pitch classes of the key."""
        key = self.music.key
        return frozenset((key.tonic + step) % 12 for step in key.scale)

    def melody_in(self, first: int, end: int) -> tuple[Note, ...]:
        """The melody's notes that sound between two ticks, the second not included."""
        onsets, ends = self._melody_times
        return self.music.notes[bisect_right(ends, first) : bisect_left(onsets, end)]

    def lowest_in(self, first: int, end: int) -> int:
        """The melody's lowest pitch that sounds between two ticks, the second not included; 128 where none does."""
        return min((note.pitch for note in self.melody_in(first, end)), default=NO_CEILING)

    @cached_property
    def _melody_times(self) -> tuple[list[int], list[int]]:
        """Onsets and ends of the melody's notes, which are in order, since it is monophonic."""
        notes = self.music.notes
        return [note.onset for note in notes], [note.end for note in notes]

    def dice(self, name: str) -> random.Random:
        """Chances of one player's own: the same for the same piece, seed and name, whoever else plays."""
        return random.Random(f"{self.seed} {name} {self._digest}")

    @cached_property
    def _digest(self) -> int:
        """Different for different pieces, so that no two are accompanied alike."""
        music = self.music
        notes = [(note.onset, note.pitch, note.ticks) for note in music.notes]
        chords = [(span.onset, span.ticks, span.chord.symbol) for span in music.chords]
        return zlib.crc32(repr((notes, chords, music.tempo, music.meter.name)).encode())


def sheet_of(composition: Composition, playing: Playing) -> Sheet:
    """The sheet for a piece, with the bars that are asked for around it.

    The intro plays the chords of the piece's last bars, which lead into its first. The ending is a bar more in which
    the tonic chord (or the piece's last one, if that has the key's root) rings; a piece without a chart has none.
    """
    bar = composition.meter.bar_ticks
    chart = tuple(
        _within(span, composition.total_ticks) for span in composition.chords if span.onset < composition.total_ticks
    )
    has_chart = any(not span.chord.is_silent for span in chart)
    intro = playing.intro if has_chart else 0
    before = playing.count_in + intro
    shift = before * bar
    end = shift + composition.total_ticks
    has_ending = playing.ending and has_chart
    chords = [
        *([ChordSpan(0, playing.count_in * bar, NO_CHORD)] if before > intro else []),
        *_led_in(chart, composition, intro, playing.count_in * bar),
        *(replace(span, onset=span.onset + shift) for span in chart),
        *([ChordSpan(end, bar, _last_chord(chart, composition))] if has_ending else []),
    ]
    moved = replace(
        composition,
        notes=tuple(replace(note, onset=note.onset + shift) for note in composition.notes),
        chords=tuple(chords),
        sections=tuple(Section(each.label, each.bar + before, each.bars) for each in composition.sections),
        bars=composition.bars + before + has_ending,
        pickup=0 if before else composition.pickup,
    )
    return Sheet(moved, before, before + composition.bars - 1, playing.count_in, has_ending, playing.seed)


def _within(span: ChordSpan, end: int) -> ChordSpan:
    return span if span.end <= end else ChordSpan(span.onset, end - span.onset, span.chord)


def _led_in(chart: tuple[ChordSpan, ...], composition: Composition, bars: int, start: int) -> Iterator[ChordSpan]:
    """The chords of the last bars of the piece, from the tick `start` on; the whole piece over and over if need be."""
    total, length = composition.total_ticks, bars * composition.meter.bar_ticks
    at = -length
    while at < 0:
        place = at % total
        span = next(each for each in (*chart, ChordSpan(chart[-1].end, total, NO_CHORD)) if place < each.end)
        ticks = min(span.end - place, -at, total - place)
        yield ChordSpan(start + length + at, ticks, span.chord)
        at += ticks


def _last_chord(chart: tuple[ChordSpan, ...], composition: Composition) -> Chord:
    """What rings at the end: the chart's last chord if it is the tonic's, else the tonic chord of the mode."""
    last = next(span.chord for span in reversed(chart) if not span.chord.is_silent)
    key = composition.key
    if last.root == key.tonic:
        return last
    swings = composition.swing
    if 3 in key.scale:
        return Chord(key.tonic, QUALITY_IDS["m6" if swings else "m"])
    return Chord(key.tonic, QUALITY_IDS["6" if swings else "major"])


def next_tone(pitch: int, direction: int, tones: Container[int]) -> int:
    """The next pitch above (1) or below (-1) whose pitch class is among `tones`."""
    step = pitch + direction
    while step % 12 not in tones:
        step += direction
    return step
