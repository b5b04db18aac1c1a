"""Charts drawn by a chain of chord changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rlcompose.brief import make_brief
from rlcompose.engine.core import Engine
from rlcompose.errors import RlcomposeError
from rlcompose.learned.layout import STYLES
from rlcompose.prior.chord_chain import CHARTS, fit_chain, load_chain, save_chain, with_drawn_charts
from rlcompose.score import ChordSpan, Composition, Note, Section
from rlcompose.style import load_style
from rlcompose.theory.chord import parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

JAZZ = load_style("jazz")


def tune(symbols: str, tonic: int = 0, sections: tuple[Section, ...] = ()) -> Composition:
    """A tune with a chord for each half of a bar of 4/4, written on C, put on a tonic."""
    chords = [parse_chord(symbol).transposed(tonic) for symbol in symbols.split()]
    return Composition(
        notes=(Note(0, 60, 12),),
        chords=tuple(ChordSpan(24 * at, 24, chord) for at, chord in enumerate(chords)),
        key=Key(tonic, "major"),
        meter=Meter(4, 4),
        bars=len(chords) // 2,
        tempo=120,
        style="jazz",
        swing=JAZZ.swing,
        sections=sections,
    )


FALLING = "C Am Dm G7 C Am Dm G7"


def test_what_follows_is_as_often_as_it_was_heard_whatever_the_key() -> None:
    chain = fit_chain(JAZZ, [tune(FALLING, tonic) for tonic in range(12)])
    [kind] = chain.kinds
    assert (kind.meter, kind.mode, kind.pieces) == (Meter(4, 4), "major", 12)
    drawn = chain.draw(kind, (1, 2))
    assert drawn.chart == "[A] C Am | Dm G7 | C Am | Dm G7", "each chord was followed by one other alone"
    assert drawn.mode == "major" and drawn == chain.draw(kind, (1, 2))


def test_a_choice_is_made_in_proportion() -> None:
    pieces = [tune("C Am C Am")] * 6 + [tune("C F C F")] * 18
    chain = fit_chain(JAZZ, pieces)
    charts = [chain.draw(chain.kinds[0], (seed,)).bars for seed in range(200)]
    second = [bar[-1].symbol for bars in charts for bar in bars]
    assert np.mean([symbol == "F" for symbol in second]) == pytest.approx(0.75, abs=0.06)


def test_sections_of_one_letter_are_alike() -> None:
    parts = (Section("A", 0, 1), Section("B", 1, 1), Section("A", 2, 1))
    choices = [tune(f"C {one} {two} G7 C {one}", sections=parts) for one in ("Am", "F") for two in ("Dm", "E7")] * 3
    chain = fit_chain(JAZZ, choices)
    for seed in range(20):
        first, second, third = chain.draw(chain.kinds[0], (seed,)).form
        assert (first.label, second.label, third.label) == ("A", "B", "A") and first == third


def test_what_the_style_lacks_and_what_is_seldom_is_left_out() -> None:
    waltz = replace(tune(FALLING), meter=Meter(3, 4), bars=2)
    chain = fit_chain(JAZZ, [*[tune(FALLING)] * 5, *[waltz] * 5])
    assert [kind.meter.name for kind in chain.kinds] == ["4/4"]
    with pytest.raises(RlcomposeError, match="no metre and mode of style 'jazz' has 4 pieces"):
        fit_chain(JAZZ, [tune(FALLING)] * 3)


def test_a_chain_is_read_as_it_was_written_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    chain = fit_chain(JAZZ, [tune(FALLING)] * 5)
    save_chain(tmp_path, JAZZ, chain, {})
    again = load_chain(tmp_path)
    assert again.chords == chain.chords and again.kinds == chain.kinds
    assert np.array_equal(again.rows, chain.rows)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "chords": config["chords"][:2]}))
    with pytest.raises(RlcomposeError, match="name chords that are not there"):
        load_chain(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**config, "kinds": [{"meter": "4/4"}]}))
    with pytest.raises(RlcomposeError, match="damaged"):
        load_chain(tmp_path)


@pytest.mark.parametrize("style", STYLES)
def test_every_style_of_the_package_has_charts_to_learn_over(style: str) -> None:
    brief = make_brief(style)
    drawn = with_drawn_charts(brief, 3)
    assert len(drawn.charts) == CHARTS and drawn == with_drawn_charts(brief, 3) != with_drawn_charts(brief, 4)
    assert {choice.meter for choice in drawn.charts} <= set(brief.style.meters)
    assert {choice.progression.mode for choice in drawn.charts} <= set(brief.keys)
    assert len({choice.progression.chart for choice in drawn.charts}) > CHARTS / 2
    engine = Engine(drawn, (), 8)
    engine.reset(range(8))
    assert engine.state.mask.any(axis=1).all()


@pytest.mark.parametrize(
    "options", [{"progression": "ii_v_i"}, {"chords": "Dm7 | G7"}, {"form": "A"}, {"second_voice": "bass"}]
)
def test_what_is_asked_for_is_learned_over(options: dict[str, object]) -> None:
    brief = make_brief("jazz", options)
    assert with_drawn_charts(brief, 0) is brief


def test_a_key_and_a_metre_that_are_asked_for_stay() -> None:
    drawn = with_drawn_charts(make_brief("german_folk", {"key": "G minor", "meter": "3/4"}), 0)
    assert {(choice.meter.name, choice.progression.mode) for choice in drawn.charts} == {("3/4", "minor")}
    assert drawn.keys == {"minor": (7,)}
