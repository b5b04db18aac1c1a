"""Passages of real music, and what agents compose in their place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rlcompose.agent import find_agent
from rlcompose.corpus.entry import SourcePiece
from rlcompose.errors import RlcomposeError
from rlcompose.score import ChordSpan, Composition, Note, Section
from rlcompose.sites import PER_PIECE, compose_at, cut, draw_sites, real_at
from rlcompose.style import load_style
from rlcompose.theory.chord import parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

BAR = 48


def tune(bars: int, title: str = "tune") -> Composition:
    """Quarter notes up and down, a chord for every two bars."""
    symbols = ("C", "Dm7", "G7", "Am")
    return Composition(
        notes=tuple(Note(12 * k, 60 + (0, 2, 4, 5, 7, 5, 4, 2)[k % 8], 12) for k in range(4 * bars)),
        chords=tuple(ChordSpan(2 * BAR * k, 2 * BAR, parse_chord(symbols[k % 4])) for k in range(bars // 2)),
        key=Key.parse("C"),
        meter=Meter.parse("4/4"),
        bars=bars,
        tempo=120,
        style="jazz",
        sections=(Section("A", 0, bars // 2), Section("B", bars // 2, bars - bars // 2)),
        title=title,
    )


def source(piece: Composition) -> SourcePiece:
    return SourcePiece(piece, piece.title, piece.title, "none")


def test_cut_keeps_what_sounds_in_the_passage() -> None:
    whole = replace(tune(8), notes=(Note(0, 60, 12), Note(3 * BAR - 6, 62, 20), Note(5 * BAR - 6, 64, 20)))
    part = cut(whole, 3, 2)
    assert part.notes == (Note(2 * BAR - 6, 64, 6),)  # what began before is not in it, what goes on is cut
    assert [(c.onset, c.ticks, c.chord.symbol) for c in part.chords] == [(0, BAR, "Dm7"), (BAR, BAR, "G7")]
    assert part.sections == (Section("A", 0, 1), Section("B", 1, 1))
    assert part.bars == 2


def test_the_whole_of_a_piece_is_the_piece() -> None:
    assert cut(tune(8), 0, 8) == tune(8)


@pytest.mark.parametrize(("bar", "bars"), [(-1, 4), (0, 0), (6, 4)])
def test_a_passage_beyond_the_piece_is_told(bar: int, bars: int) -> None:
    with pytest.raises(RlcomposeError, match="no passage of a piece of 8 bars"):
        cut(tune(8), bar, bars)


def test_sites_are_the_real_passages() -> None:
    pieces = [source(tune(24, "long")), source(tune(10, "short")), source(tune(4, "too short"))]
    sites = draw_sites(pieces, ["a", "b", "c"], load_style("jazz"), 100, 16)
    assert sorted((site.name, site.bar, site.group) for site in sites) == [("long", 0, "a"), ("short", 0, "b")]
    for site, music in zip(sites, real_at(sites), strict=True):
        original = next(p.composition for p in pieces if p.name == site.name)
        part = cut(original, site.bar, music.bars)
        assert (music.notes, music.chords, music.key) == (part.notes, part.chords, part.key)


def test_a_long_piece_has_few_sites_and_they_do_not_overlap() -> None:
    sites = draw_sites([source(tune(200))], ["a"], load_style("jazz"), 100, 8)
    assert len(sites) == PER_PIECE
    assert len({site.bar for site in sites}) == PER_PIECE and all(site.bar % 8 == 0 for site in sites)


def test_silence_and_other_metres_are_no_sites() -> None:
    silent = replace(tune(8), notes=())
    assert draw_sites([source(silent)], ["a"], load_style("jazz"), 9, 8) == []


def test_agents_compose_over_the_same_chords_and_pieces_repeat() -> None:
    sites = draw_sites([source(tune(16))], ["a"], load_style("jazz"), 9, 8)
    agent = find_agent("random").made()
    pieces = list(compose_at(agent, sites, 5, seed=3))
    assert len(pieces) == 5
    for site, music in pieces:
        assert (music.chords, music.bars, music.key, music.tempo) == (
            site.real().chords, site.real().bars, site.real().key, site.real().tempo,
        )  # fmt: skip
    assert pieces == list(compose_at(agent, sites, 5, seed=3))
    assert [p.notes for _, p in pieces] != [p.notes for _, p in compose_at(agent, sites, 5, seed=4)]
    assert len({music.notes for _, music in pieces}) == 5
