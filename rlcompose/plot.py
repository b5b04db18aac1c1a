"""A picture of a piece for people: a piano roll with chord names, bar numbers and sections, several systems on a page.

Drawn through matplotlib's objects, without pyplot, so that no window, backend or figure of the user's is touched.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rlcompose.errors import missing_extra
from rlcompose.files import atomic_path
from rlcompose.notation import chord_symbols, chords_below
from rlcompose.score import Composition
from rlcompose.theory.spelling import key_tonic, name_of, octave_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette, told apart by colour-blind eyes too; the orange is also the lighter one in grey.
CHORD_TONE, OTHER_NOTE = "#0072B2", "#E69F00"
_CHORD_ROW, _BEAT, _BAR, _INK, _FAINT = "#E3EAF1", "#EDEDED", "#A8A8A8", "#222222", "#777777"

BARS_A_SYSTEM = 8
MOST_SYSTEMS = 16  # longer pieces get more bars in each
MOST_NUMBERS = 16  # bar numbers under a system
INCHES_WIDE, ROW_INCHES = 13.0, 0.085
DOTS_AN_INCH = 110
_MARGIN_INCHES = {"left": 0.55, "right": 0.15, "top": 0.62, "bottom": 0.25}
_ABOVE, _BELOW = 7.0, 4.0  # rows over a system for sections and chords, and under it for bar numbers
_LETTER_INCHES = 0.085  # a letter of a chord name at its full size
_CHORD_POINTS, _SMALLEST_POINTS = 10.0, 4.5


@dataclass(frozen=True, slots=True)
class Page:
    """How a piece lies on the page: ticks in a system, rows (semitones) it shows, and how many systems there are."""

    system_ticks: int
    lowest: int
    highest: int
    systems: int

    @property
    def system_rows(self) -> float:
        """The height of a system with what stands over and under it."""
        return self.highest - self.lowest + 1 + _ABOVE + _BELOW

    @property
    def rows(self) -> float:
        """The height of the page in rows."""
        return self.systems * self.system_rows

    def row(self, system: int, pitch: float) -> float:
        """The height of a pitch's lower edge; heights grow upwards, and the first system is on top."""
        return (self.systems - 1 - system) * self.system_rows + _BELOW + pitch - self.lowest

    def pieces(self, start: int, end: int) -> Iterable[tuple[int, int, int]]:
        """A stretch of time cut at the ends of systems: the system, and from and to in its own ticks."""
        while start < end:
            system, within = divmod(start, self.system_ticks)
            ticks = min(end - start, self.system_ticks - within)
            yield system, within, within + ticks
            start += ticks


def plot_piano_roll(composition: Composition, ax: Axes | None = None) -> Axes:
    """Draw the melody over its chords; without `ax` on a figure of its own, of a size that suits the piece.

    Blue notes are tones of the chord they begin over, orange ones are others; the chord's tones are shaded behind.

    Raises:
        RlcomposeError: matplotlib is not installed.
    """
    page = lay_out(composition)
    if ax is None:
        ax = _figure(page)
    ax.set(xlim=(0, page.system_ticks), ylim=(0, page.rows), xticks=[], yticks=[])
    for side in ("left", "right", "top", "bottom"):
        ax.spines[side].set_visible(False)
    _draw_grid(ax, composition, page)
    _draw_notes(ax, composition, page)
    _draw_names(ax, composition, page)
    _draw_legend(ax, composition)
    return ax


def write_roll(composition: Composition, path: str | os.PathLike[str]) -> None:
    """Write the picture as a PNG file, whole or not at all; the same piece gives the same bytes.

    Raises:
        RlcomposeError: matplotlib is not installed, or the file cannot be written.
    """
    figure: Any = plot_piano_roll(composition).figure
    with atomic_path(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a box in a title is no reason for alarm
        figure.savefig(temporary, format="png", metadata={"Software": None})


def lay_out(composition: Composition) -> Page:
    """The page of a piece; longer pieces get more bars into each system."""
    bars = min(BARS_A_SYSTEM, composition.bars)
    while composition.bars > bars * MOST_SYSTEMS:
        bars *= 2
    pitches = [note.pitch for note in composition.notes] or [60]
    lowest, highest = min(pitches) - 1, max(pitches) + 1
    highest = max(highest, lowest + 13)  # an octave and a margin at least
    return Page(bars * composition.meter.bar_ticks, lowest, highest, -(-composition.bars // bars))


def _figure(page: Page) -> Axes:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_extra("matplotlib", "plot") from error
    margin = _MARGIN_INCHES
    height = page.rows * ROW_INCHES + margin["top"] + margin["bottom"]
    figure = Figure(figsize=(INCHES_WIDE, height), dpi=DOTS_AN_INCH)
    wide, high = 1 - (margin["left"] + margin["right"]) / INCHES_WIDE, 1 - (margin["top"] + margin["bottom"]) / height
    return figure.add_axes((margin["left"] / INCHES_WIDE, margin["bottom"] / height, wide, high))


def _rectangles(ax: Axes, boxes: Sequence[tuple[float, float, float, float]], color: str, **style: Any) -> None:
    """Draw rectangles, each as left, bottom, right and top."""
    from matplotlib.collections import PolyCollection

    corners = [[(a, b), (c, b), (c, d), (a, d)] for a, b, c, d in boxes]
    ax.add_collection(PolyCollection(corners, facecolors=color, **style), autolim=False)


def _verticals(ax: Axes, lines: Sequence[tuple[float, float, float]], color: str, width: float) -> None:
    """Draw vertical lines, each as place, bottom and top."""
    from matplotlib.collections import LineCollection

    segments = [((x, bottom), (x, top)) for x, bottom, top in lines]
    ax.add_collection(LineCollection(segments, colors=color, linewidths=width, zorder=1), autolim=False)


def _draw_grid(ax: Axes, music: Composition, page: Page) -> None:
    """Rows of the chords' tones, beats, bar lines, and heavier lines where sections begin."""
    boxes = []
    for span in music.chords:
        tones = [pitch for pitch in range(page.lowest, page.highest + 1) if pitch % 12 in span.chord.tones]
        for system, start, end in page.pieces(span.onset, min(span.end, music.total_ticks)):
            boxes += [(start, page.row(system, pitch), end, page.row(system, pitch + 1)) for pitch in tones]
    _rectangles(ax, boxes, _CHORD_ROW, linewidths=0, zorder=0)
    for ticks, color, width in ((music.meter.beat_ticks, _BEAT, 0.6), (music.meter.bar_ticks, _BAR, 0.9)):
        lines = []
        for system in range(page.systems):
            length = min(page.system_ticks, music.total_ticks - system * page.system_ticks)
            bottom, top = page.row(system, page.lowest), page.row(system, page.highest + 1)
            lines += [(x, bottom, top) for x in range(0, length + 1, ticks)]
        _verticals(ax, lines, color, width)
    lines = []
    for section in music.sections:
        system, x = divmod(section.bar * music.meter.bar_ticks, page.system_ticks)
        lines.append((x, page.row(system, page.lowest), page.row(system, page.highest + 1)))
    _verticals(ax, lines, _INK, 1.6)


def _draw_notes(ax: Axes, music: Composition, page: Page) -> None:
    boxes: dict[str, list[tuple[float, float, float, float]]] = {CHORD_TONE: [], OTHER_NOTE: []}
    for note, below in zip(music.notes, chords_below(music), strict=True):
        color = CHORD_TONE if below and note.pitch % 12 in below[0].tones else OTHER_NOTE
        for system, start, end in page.pieces(note.onset, note.end):
            bottom = page.row(system, note.pitch)
            boxes[color].append((start, bottom + 0.05, end, bottom + 0.95))
    for color, those in boxes.items():
        _rectangles(ax, those, color, edgecolors="white", linewidths=0.7, zorder=2)


def _draw_names(ax: Axes, music: Composition, page: Page) -> None:
    """Chord names and sections over the systems, bar numbers under them, tonic and fifth at their left."""
    inches_a_tick = (INCHES_WIDE - _MARGIN_INCHES["left"] - _MARGIN_INCHES["right"]) / page.system_ticks
    over, under = page.highest + 1, page.lowest

    def write(text: str, x: float, y: float, size: float, **style: Any) -> None:
        ax.text(x, y, text, fontsize=size, parse_math=False, **{"color": _INK, **style})

    for span, symbol in zip(music.chords, chord_symbols(music), strict=True):
        for system, start, end in page.pieces(span.onset, min(span.end, music.total_ticks)):
            room = (end - start) * inches_a_tick / (_LETTER_INCHES * (len(symbol) + 0.5))
            size = max(_SMALLEST_POINTS, _CHORD_POINTS * min(1.0, room))
            write(symbol, start, page.row(system, over) + 0.6, size, va="bottom")
    for section in music.sections:
        system, x = divmod(section.bar * music.meter.bar_ticks, page.system_ticks)
        frame = {"boxstyle": "square,pad=0.2", "facecolor": "white", "edgecolor": _INK, "linewidth": 0.8}
        write(section.label, x + 0.5, page.row(system, over) + 3.2, 9.0, weight="bold", va="bottom", bbox=frame)
    first = 0 if music.pickup else 1
    every = max(1, page.system_ticks // music.meter.bar_ticks // MOST_NUMBERS)
    for bar in range(0, music.bars, every):
        system, x = divmod(bar * music.meter.bar_ticks, page.system_ticks)
        write(str(bar + first), x, page.row(system, under) - 0.5, 7.0, color=_FAINT, va="top")
    tonic = key_tonic(music.key)
    for system in range(page.systems):
        for place in (tonic, tonic + 1):
            for pitch in range(under + (place * 7 - under) % 12, over, 12):
                name, y = f"{name_of(place)}{octave_of(place, pitch)} ", page.row(system, pitch) + 0.5
                write(name, 0, y, 6.5, color=_FAINT, ha="right", va="center")


def _draw_legend(ax: Axes, music: Composition) -> None:
    from matplotlib.patches import Patch

    swing = ", swing" if music.swing else ""
    title = f"{music.title or music.style}  ({music.key.name}, {music.meter.name}, {music.tempo} bpm{swing})"
    ax.set_title(title, loc="left", fontsize=12, color=_INK, pad=8, parse_math=False)
    kinds = {CHORD_TONE: "chord tone", OTHER_NOTE: "other note", _CHORD_ROW: "tones of the chord"}
    handles = [Patch(facecolor=color, label=label) for color, label in kinds.items()]
    ax.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, fontsize=8, frameon=False)
