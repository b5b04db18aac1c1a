"""Phrases that return, and the modes of styles."""

from __future__ import annotations

from rlcompose.prior.form import SOLO, THEME, mode_of, returning_sections, with_form
from rlcompose.score import Composition, Note, Section
from rlcompose.style import load_style, style_names
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

ONE = [60, 62, 64, 65, 67, 65, 64, 62]
TWO = [72, 71, 69, 67, 65, 64, 62, 59]


def tune(*phrases: list[int], pickup: bool = False) -> Composition:
    """Phrases of eight half notes, four bars each, after an upbeat if there is one."""
    start = 48 if pickup else 0
    notes = [Note(36, 55, 12)] if pickup else []
    for place, phrase in enumerate(phrases):
        notes += [Note(start + place * 192 + at * 24, pitch, 24) for at, pitch in enumerate(phrase)]
    bars = 4 * len(phrases) + pickup
    return Composition(tuple(notes), (), Key.parse("C"), Meter(4, 4), bars, 120, "fiddle", pickup=12 if pickup else 0)


def test_phrases_that_return_have_one_letter() -> None:
    found = returning_sections(tune(ONE, TWO, ONE, ONE[:6] + [71, 72]))
    assert [section.label for section in found] == ["A", "B", "A", "A"]
    assert [(section.bar, section.bars) for section in found] == [(0, 4), (4, 4), (8, 4), (12, 4)]


def test_an_upbeats_bar_and_the_rest_are_sections_of_their_own() -> None:
    music = tune(ONE, ONE, pickup=True)
    assert returning_sections(music) == (Section("Z", 0, 1), Section("A", 1, 4), Section("A", 5, 4))
    longer = Composition(music.notes, (), music.key, music.meter, 11, 120, "fiddle", pickup=12)
    assert returning_sections(longer)[-1] == Section("B", 9, 2)


def test_the_latest_of_those_most_alike_is_taken_up() -> None:
    changed = ONE[:5] + [69, 71, 72]
    labels = [section.label for section in returning_sections(tune(ONE, TWO, changed, TWO))]
    assert labels == ["A", "B", "A", "B"]


def test_solos_have_no_sections() -> None:
    music = tune(ONE, TWO, ONE)
    assert with_form(music, load_style("jazz")).sections == ()
    assert len(with_form(music, load_style("fiddle")).sections) == 3


def test_every_style_is_of_one_mode() -> None:
    modes = {name: mode_of(load_style(name)) for name in style_names()}
    assert modes["jazz"] == SOLO and modes["fiddle"] == THEME
    assert set(modes.values()) == {THEME, SOLO}
