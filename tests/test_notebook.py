"""What a notebook shows: a picture that every browser reads, and a sound, or why there is none."""

from __future__ import annotations

import base64
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from rlcompose.brief import make_brief
from rlcompose.fluidsynth_library import LIBRARY_VARIABLE
from rlcompose.notebook import MOST_BARS, first_bars, notebook_html, roll_svg
from rlcompose.piece import Piece
from rlcompose.plot import CHORD_TONE, OTHER_NOTE
from rlcompose.score import Composition
from rlcompose.testing import melody

SVG = "{http://www.w3.org/2000/svg}"


def svg_of(piece: Composition) -> ElementTree.Element:
    return ElementTree.fromstring(roll_svg(piece))


def boxes(svg: ElementTree.Element, color: str) -> list[tuple[float, float, float]]:
    """Left, top and width of the notes of a colour."""
    [path] = [path for path in svg.iter(f"{SVG}path") if path.get("fill") == color]
    return [
        (float(x), float(y), float(w)) for x, y, w in re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v", path.get("d", ""))
    ]


def sound_of(html: str) -> bytes:
    found = re.search(r'<audio controls [^>]*src="data:audio/mpeg;base64,([^"]+)"', html)
    assert found
    return base64.b64decode(found[1])


def test_notes_lie_at_their_time_and_height_in_their_colours() -> None:
    svg = svg_of(melody("C4 D4 E4:24", chords="C"))
    # 960 pixels for a bar of 48 ticks, a pixel between two notes, four a semitone.
    assert [(x, width) for x, _, width in boxes(svg, CHORD_TONE)] == [(0, 239), (480, 479)]
    [(x, top, width)] = boxes(svg, OTHER_NOTE)
    assert (x, width) == (240, 239) and boxes(svg, CHORD_TONE)[0][1] - top == 8


def test_chords_sections_and_bars_are_written() -> None:
    texts = [text.text for text in svg_of(melody("C4:96", chords="[A] C Am | [B] F#m7b5")).iter(f"{SVG}text")]
    assert texts == ["C", "Am", "F#m7b5", "A", "B", "1", "2"]


def test_the_picture_says_what_it_is_and_takes_the_pages_colours() -> None:
    svg = svg_of(melody("C4", key="Bb"))
    about = "chart: Bb major, 4/4, 120 bpm, swing, 1 bar"
    assert (svg.get("role"), svg.get("aria-label"), svg.findtext(f"{SVG}title")) == ("img", about, about)
    assert {text.get("fill") for text in svg.iter(f"{SVG}text")} == {"currentColor"}


def test_the_sound_is_in_the_page() -> None:
    soundfile = pytest.importorskip("soundfile")
    info: Any = soundfile.info(io.BytesIO(sound_of(melody("C4 E4 G4 C5", chords="C", tempo=60)._repr_html_())))
    assert (info.format, info.channels) == ("MP3", 1)
    assert 4.0 < info.duration < 12.5  # four seconds, a bar for the last chord, and what rings on


def test_thirty_two_bars_are_less_than_a_megabyte(played: Callable[..., Composition]) -> None:
    pytest.importorskip("soundfile")
    assert len(played("jazz", bars=32, seed=1)._repr_html_()) < 1_000_000


def test_without_the_audio_extra_there_is_a_picture_and_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mido", None)
    html = melody("C4:7 D4:41")._repr_html_()
    assert "<svg" in html and "<audio" not in html
    assert "mido is not installed: pip install &quot;rlcompose[audio]&quot;" in html


def test_a_sound_that_cannot_be_made_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIBRARY_VARIABLE, "/nowhere/libfluidsynth.so")
    assert "No sound: " in melody("C4:9 D4:39")._repr_html_()


def test_of_a_long_piece_the_beginning_is_shown() -> None:
    long = melody("C4:48 " * (MOST_BARS - 1) + "D4:96", chords="[A] C | F | " + "C | " * 60 + "[B] G | G")
    start = first_bars(long, MOST_BARS)
    assert start.bars == MOST_BARS and start.notes[-1].ticks == 48
    assert start.chords[-1].end == start.total_ticks == start.notes[-1].end
    assert sum(section.bars for section in start.sections) == MOST_BARS
    short = melody("C4")
    assert first_bars(short, MOST_BARS) is short


def test_every_composition_is_shown(
    any_composition: Callable[[int], Composition], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mido", None)  # the sounds have tests of their own
    bars = " | ".join(["C", "F#m7b5 B7"] * 512)
    pieces = [melody("-", chords="N.C."), melody("C4:1"), melody("C4:48", chords=bars)]
    for piece in pieces + [any_composition(number) for number in range(30)]:
        html = notebook_html(piece)
        svg = html[html.index("<svg") : html.index("</svg>") + 6]
        ElementTree.fromstring(svg)
    assert f"1024 bars; the first {MOST_BARS} bars" in notebook_html(pieces[2])


def test_a_silent_piece_is_heard_as_silence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    assert len(sound_of(melody("-", chords="N.C.")._repr_html_())) > 100


def test_a_piece_and_its_performance_are_shown_as_their_music(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mido", None)
    piece = Piece(make_brief("jazz", {"bars": 1}), 0, (), (), "hand")
    shown = piece.composition._repr_html_()
    assert piece._repr_html_() == piece.performance()._repr_html_() == shown
