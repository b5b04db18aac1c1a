"""Form as the prior learns it: phrases of four bars, named alike where a later one takes up an earlier one.

Tunes return, solos do not: in fiddle tunes the second phrase of a strain shares .33 of the first one's interval
3-grams, in jazz solos sections over the same chords share as little as others do. So a style is of one of two modes:
in *theme* an agent is shown what the section that it repeats went on with, in *solo* it is not.
"""

from __future__ import annotations

from dataclasses import replace

from rlcompose.score import Composition, Section
from rlcompose.style import Style

THEME, SOLO = "theme", "solo"
# The styles whose phrases return; of chorales and madrigals too few do, and seldom by fours.
THEME_FAMILIES = ("fiddle", "german_folk", "chinese_folk")
PHRASE_BARS = 4
RETURNS = 0.25  # share of notes in common, of all notes of two phrases, from which one returns in the other
UPBEAT, LAST_LETTER = "Z", "Y"


def mode_of(style: Style) -> str:
    """Theme or solo, `THEME` or `SOLO`: whether the phrases of its music return."""
    return THEME if style.family in THEME_FAMILIES else SOLO


def with_form(music: Composition, style: Style) -> Composition:
    """The music with its returning phrases as sections in a theme style; without sections in another."""
    return replace(music, sections=returning_sections(music) if mode_of(style) == THEME else ())


def returning_sections(music: Composition) -> tuple[Section, ...]:
    """Sections of four bars, the later with the letter of the earlier that it takes up, else with a new one.

    A bar that an upbeat stands in is a section of its own; what is left at the end is one, too.
    """
    bar_ticks = music.meter.bar_ticks
    sections = [Section(UPBEAT, 0, 1)] if music.pickup and music.bars > 1 else []
    known: list[tuple[str, frozenset[tuple[int, int]]]] = []
    letter = "A"
    for bar in range(len(sections), music.bars, PHRASE_BARS):
        bars = min(PHRASE_BARS, music.bars - bar)
        start, end = bar * bar_ticks, (bar + bars) * bar_ticks
        notes = frozenset((note.onset - start, note.pitch) for note in music.notes if start <= note.onset < end)
        label, likeness = "", RETURNS
        for name, other in known:
            alike = len(notes & other) / max(1, len(notes | other))
            if alike >= likeness:
                label, likeness = name, alike
        if not label:
            label = letter
            letter = chr(min(ord(letter) + 1, ord(LAST_LETTER)))
        known.append((label, notes))
        sections.append(Section(label, bar, bars))
    return tuple(sections)
