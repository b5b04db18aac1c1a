"""A composition as a notebook shows it: a small piano roll to look at, and its sound to play.

The picture is SVG of our own, quick and without any plotting library, in the notebook's own text colour, so that it is
seen on dark pages too. The sound lies in the page as MP3, which every browser plays.
"""

from __future__ import annotations

import base64
import io
import tempfile
from dataclasses import replace
from functools import lru_cache
from html import escape
from pathlib import Path

from rlcompose.errors import RlcomposeError
from rlcompose.notation import chord_symbols, chords_below
from rlcompose.plot import CHORD_TONE, OTHER_NOTE, Page, lay_out
from rlcompose.score import ChordSpan, Composition, Note

MOST_BARS = 64  # of a longer piece the beginning is shown and played: the page has to stay small
_WIDTH, _ROW = 960.0, 4.0  # in pixels
_HEAD, _FOOT = 32.0, 16.0  # pixels over a system for sections and chords, under it for bar numbers
_CHORD_SIZE, _SMALLEST_SIZE, _LETTER = 12.0, 6.0, 0.62  # font sizes, and a letter's width as a part of them


def notebook_html(composition: Composition) -> str:
    """The picture and the player; where there can be no sound, the picture and the reason."""
    shown = first_bars(composition, MOST_BARS)
    about = _about(composition)
    if shown.bars < composition.bars:
        about += f"; the first {shown.bars} bars"
    player = _player(shown)
    return f'<div style="max-width:{_WIDTH:.0f}px">{roll_svg(shown, about)}{player}</div>'


def first_bars(composition: Composition, bars: int) -> Composition:
    """The beginning of a longer piece; what lasts beyond it is cut."""
    if composition.bars <= bars:
        return composition
    end = bars * composition.meter.bar_ticks
    return replace(
        composition,
        bars=bars,
        notes=tuple(Note(n.onset, n.pitch, min(n.ticks, end - n.onset)) for n in composition.notes if n.onset < end),
        chords=tuple(
            ChordSpan(c.onset, min(c.ticks, end - c.onset), c.chord) for c in composition.chords if c.onset < end
        ),
        sections=tuple(replace(s, bars=min(s.bars, bars - s.bar)) for s in composition.sections if s.bar < bars),
    )


def roll_svg(composition: Composition, about: str = "") -> str:
    """The melody over its chords as an SVG element; `about` is read out by screen readers."""
    page = lay_out(composition)
    rows = page.highest - page.lowest + 1
    system_height = _HEAD + rows * _ROW + _FOOT
    height = page.systems * system_height
    per_tick = _WIDTH / page.system_ticks
    meter = composition.meter

    def top(system: int, pitch: int) -> float:
        return system * system_height + _HEAD + (page.highest - pitch) * _ROW

    about = escape(about or _about(composition))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" '
        f'aria-label="{about}" style="width:100%;height:auto;color:inherit" font-family="sans-serif">',
        f"<title>{about}</title>",
    ]
