"""The picture of a piece: what is drawn where, on figures of one's own and as a file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rlcompose.errors import RlcomposeError
from rlcompose.plot import CHORD_TONE, OTHER_NOTE, lay_out, plot_piano_roll, write_roll
from rlcompose.score import Composition, Section
from rlcompose.testing import melody

colors = pytest.importorskip("matplotlib.colors")
figures = pytest.importorskip("matplotlib.figure")


def boxes(ax: Any, color: str) -> list[tuple[float, float, float, float]]:
    """Left, bottom, right and top of the rectangles of a colour."""
    found = []
    for collection in ax.collections:
        faces = collection.get_facecolor()
        if len(faces) and colors.same_color(faces[0], color):
            for path in collection.get_paths():
                (left, bottom), (right, top) = path.vertices.min(axis=0), path.vertices.max(axis=0)
                found.append((float(left), float(bottom), float(right), float(top)))
    return found


def texts(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_chord_tones_and_other_notes_have_their_colours() -> None:
    ax = plot_piano_roll(melody("C4 D4 E4 C4", chords="C F"))  # the last C over F
    assert [(box[0], box[2]) for box in boxes(ax, CHORD_TONE)] == [(0, 12), (36, 48)]
    assert [(box[0], box[2]) for box in boxes(ax, OTHER_NOTE)] == [(12, 24), (24, 36)]


def test_a_higher_note_lies_higher_by_a_row_a_semitone() -> None:
    low, high = boxes(plot_piano_roll(melody("C4 G4", chords="C")), CHORD_TONE)
    assert high[1] - low[1] == pytest.approx(7)


def test_eight_bars_are_a_system_and_the_first_is_on_top() -> None:
    piece = melody("C4:384 C4:48")
    assert lay_out(piece).systems == 2
    first, second = boxes(plot_piano_roll(piece), CHORD_TONE)
    assert (first[0], first[2], second[0], second[2]) == (0, 384, 0, 48) and first[1] > second[3]


def test_a_note_over_the_end_of_a_system_goes_on_in_the_next() -> None:
    pieces = boxes(plot_piano_roll(melody("-:372 C4:24 -:36")), CHORD_TONE)
    assert [(left, right) for left, _, right, _ in pieces] == [(372, 384), (0, 12)]


def test_long_pieces_have_no_more_than_sixteen_systems() -> None:
    page = lay_out(melody("C4:48", chords=" | ".join(["C"] * 1024)))
    assert (page.systems, page.system_ticks) == (16, 64 * 48)


def test_chords_bars_and_sections_are_named() -> None:
    ax = plot_piano_roll(melody("C4:192", chords="[A] C | Dbdim7 Dm7 | [B] G7 | C"))
    names = texts(ax)
    assert [name for name in names if name in ("C", "C#dim7", "Dm7", "G7")] == ["C", "C#dim7", "Dm7", "G7", "C"]
    assert [name for name in names if name in ("A", "B")] == ["A", "B"]
    assert [name for name in names if name.isdigit()] == ["1", "2", "3", "4"]
    assert "C4 " in names and ax.get_legend() is not None


def test_an_upbeat_is_bar_0() -> None:
    piece = replace(melody("-:36 C4 D4:48"), pickup=12, sections=(Section("A", 0, 2),))
    assert [name for name in texts(plot_piano_roll(piece)) if name.isdigit()] == ["0", "1"]


def test_no_chord_name_reaches_into_the_next() -> None:
    piece = melody("C4:48", chords="F#m7b5 B7#5b9 Em7 A7b9b13")
    ax: Any = plot_piano_roll(piece)
    ax.figure.canvas.draw()
    chords = [text for text in ax.texts if text.get_text() in ("F#m7b5", "B7#5b9", "Em7", "A7b9b13")]
    assert len(chords) == 4
    ends = [text.get_window_extent() for text in chords]
    assert all(before.x1 < after.x0 for before, after in zip(ends, ends[1:], strict=False))


def test_axes_of_ones_own_are_drawn_on() -> None:
    ax = figures.Figure().add_subplot()
    assert plot_piano_roll(melody("C4"), ax) is ax and boxes(ax, CHORD_TONE)


def test_the_file_is_a_png_with_the_same_bytes_every_time(tmp_path: Path) -> None:
    for name in ("once.png", "twice.png"):
        write_roll(melody("C4 D4 E4:24"), tmp_path / name)
    once = (tmp_path / "once.png").read_bytes()
    assert once.startswith(b"\x89PNG") and once == (tmp_path / "twice.png").read_bytes()
    assert b"tEXt" not in once  # neither a date nor a version


def test_anything_is_drawn(any_composition: Callable[[int], Composition], tmp_path: Path) -> None:
    for number in range(12):
        write_roll(any_composition(number), tmp_path / "roll.png")
    write_roll(melody("-", chords="N.C."), tmp_path / "silence.png")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(RlcomposeError, match=r'pip install "rlcompose\[plot\]"'):
        plot_piano_roll(melody("C4"))


def test_pyplot_is_left_alone(tmp_path: Path) -> None:
    code = (
        "import sys; from rlcompose.plot import write_roll; from rlcompose.testing import melody\n"
        f"write_roll(melody('C4'), {str(tmp_path / 'roll.png')!r}); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
