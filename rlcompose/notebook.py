"""A composition as a notebook shows it: a small piano roll to look at, and its sound to play.

The picture is SVG of our own, quick and without any plotting library, in the notebook's own text colour, so that it is
seen on dark pages too. The sound lies in the page as MP3, which every browser plays.
"""

from __future__ import annotations

import base64
import tempfile
from dataclasses import replace
from functools import lru_cache
from html import escape
from pathlib import Path

from rlcompose.errors import RlcomposeError
from rlcompose.musicxml import xml_text
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
    legend = " ".join(
        f'<span style="color:{color};white-space:nowrap">&#9632;&nbsp;{name}</span>'
        for color, name in ((CHORD_TONE, "chord tone"), (OTHER_NOTE, "other note"))
    )
    caption = f"<p><small>{xml_text(about)} &ensp; {legend}</small></p>"
    return f'<div style="max-width:{_WIDTH:.0f}px">{caption}{roll_svg(shown, about)}{_player(shown)}</div>'


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
    """The melody over its chords as an SVG element; `about` is its title, which screen readers say."""
    page = lay_out(composition)
    body = [*_grid(composition, page), *_notes(composition, page), *_names(composition, page)]
    about = xml_text(about or _about(composition))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {page.systems * _system(page):.0f}" '
        f'role="img" aria-label="{about}" style="width:100%;height:auto;color:inherit" font-family="sans-serif">'
        f"<title>{about}</title>{''.join(body)}</svg>"
    )


def _about(composition: Composition) -> str:
    swing = ", swing" if composition.swing else ""
    bars = "1 bar" if composition.bars == 1 else f"{composition.bars} bars"
    key, meter = composition.key.name, composition.meter.name
    return f"{composition.title or composition.style}: {key}, {meter}, {composition.tempo} bpm{swing}, {bars}"


def _system(page: Page) -> float:
    """The height of a system in pixels."""
    return _HEAD + (page.highest - page.lowest + 1) * _ROW + _FOOT


def _top(page: Page, system: int, pitch: int) -> float:
    """The upper edge of a pitch in pixels from the top of the picture."""
    return system * _system(page) + _HEAD + (page.highest - pitch) * _ROW


def _box(page: Page, system: int, start: int, end: int, pitch: int, gap: float) -> str:
    """A rectangle in a pitch's row, as a piece of an SVG path."""
    x, width = start * _WIDTH / page.system_ticks, max(1.0, (end - start) * _WIDTH / page.system_ticks - gap)
    return f"M{x:.1f} {_top(page, system, pitch):.1f}h{width:.1f}v{_ROW:.1f}h{-width:.1f}z"


def _grid(music: Composition, page: Page) -> list[str]:
    """Rows of the chords' tones, and bar lines; what is faint on white is faint on black."""
    tones = []
    for span in music.chords:
        rows = [pitch for pitch in range(page.lowest, page.highest + 1) if pitch % 12 in span.chord.tones]
        for system, start, end in page.pieces(span.onset, min(span.end, music.total_ticks)):
            tones += [_box(page, system, start, end, pitch, 0.0) for pitch in rows]
    lines = []
    for system in range(page.systems):
        length = min(page.system_ticks, music.total_ticks - system * page.system_ticks)
        height = (page.highest - page.lowest + 1) * _ROW
        for tick in range(0, length + 1, music.meter.bar_ticks):
            x = min(max(tick * _WIDTH / page.system_ticks, 0.5), _WIDTH - 0.5)
            lines.append(f"M{x:.1f} {_top(page, system, page.highest):.1f}v{height:.1f}")
    return [
        f'<path d="{"".join(tones)}" fill="currentColor" fill-opacity="0.1"/>',
        f'<path d="{"".join(lines)}" stroke="currentColor" stroke-opacity="0.4"/>',
    ]


def _notes(music: Composition, page: Page) -> list[str]:
    boxes: dict[str, list[str]] = {CHORD_TONE: [], OTHER_NOTE: []}
    for note, below in zip(music.notes, chords_below(music), strict=True):
        color = CHORD_TONE if below and note.pitch % 12 in below[0].tones else OTHER_NOTE
        for system, start, end in page.pieces(note.onset, note.end):
            boxes[color].append(_box(page, system, start, end, note.pitch, 1.0))
    return [f'<path d="{"".join(those)}" fill="{color}"/>' for color, those in boxes.items()]


def _names(music: Composition, page: Page) -> list[str]:
    """Chord names and sections over the systems, bar numbers under them."""
    per_tick = _WIDTH / page.system_ticks
    over = [_top(page, system, page.highest) for system in range(page.systems)]

    def text(what: str, x: float, y: float, size: float, more: str = "") -> str:
        return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:.1f}" fill="currentColor"{more}>{xml_text(what)}</text>'

    names = []
    for span, symbol in zip(music.chords, chord_symbols(music), strict=True):
        for system, start, end in page.pieces(span.onset, min(span.end, music.total_ticks)):
            room = (end - start) * per_tick / (_LETTER * (len(symbol) + 0.5))
            names.append(text(symbol, start * per_tick, over[system] - 3, max(_SMALLEST_SIZE, min(_CHORD_SIZE, room))))
    for section in music.sections:
        system, start = divmod(section.bar * music.meter.bar_ticks, page.system_ticks)
        names.append(text(section.label, start * per_tick, over[system] - 17, 11.0, ' font-weight="bold"'))
    first = 0 if music.pickup else 1
    for bar in range(music.bars):
        system, start = divmod(bar * music.meter.bar_ticks, page.system_ticks)
        bottom = _top(page, system, page.lowest - 1)
        names.append(text(str(bar + first), start * per_tick + 1, bottom + 10, 9.0, ' fill-opacity="0.6"'))
    return names


def _player(composition: Composition) -> str:
    try:
        sound = _mp3(composition)
    except (RlcomposeError, OSError) as error:
        return f"<p><small>No sound: {escape(str(error))}</small></p>"
    data = base64.b64encode(sound).decode("ascii")
    return f'<audio controls preload="metadata" src="data:audio/mpeg;base64,{data}"></audio>'


@lru_cache(maxsize=4)
def _mp3(composition: Composition) -> bytes:
    """The sound, mono and of middling quality; remembered, because a notebook asks again and again."""
    import rlcompose.audio
    from rlcompose.midi import midi_bytes

    content = midi_bytes(composition)
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder, "piece.wav")
        rlcompose.audio.render_midi(content, wav)
        return rlcompose.audio.mp3_bytes(wav)
