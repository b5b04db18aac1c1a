"""Charts from wherever they are, and back from their text."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcompose.charts.chart import Chart, chart_from_text, make_chart
from rlcompose.charts.reading import read_chart
from rlcompose.errors import RlcomposeError
from rlcompose.theory.chord import NO_CHORD, QUALITIES, Chord
from rlcompose.theory.form import SectionPattern
from rlcompose.theory.key import MODES, Key
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import bar_symbols, load_progression

LINK = "irealbook://Two=Someone=Swing=F=n=T34[F   |C7   Z"
SHEET = """<score-partwise><part id="P1"><measure number="1">
<attributes><divisions>1</divisions><time><beats>3</beats><beat-type>4</beat-type></time></attributes>
<harmony><root><root-step>F</root-step></root><kind>major</kind></harmony>
<note><rest/><duration>3</duration></note></measure></part></score-partwise>"""


def bars(chart: Chart) -> list[str]:
    return [bar_symbols(bar) for bar in chart.progression.bars]


def test_text_is_read() -> None:
    assert bars(read_chart("Dm7 G7 | C")) == ["Dm7 G7", "C"]
    assert bars(read_chart("Dm7\nG7")) == ["Dm7", "G7"]
    assert bars(read_chart("C#m7")) == ["C#m7"]


def test_name_of_a_progression_is_read_in_c() -> None:
    chart = read_chart("minor_blues")
    assert (chart.progression, chart.key) == (load_progression("minor_blues"), Key(0, "minor"))


def test_link_is_read() -> None:
    assert bars(read_chart(LINK)) == bars(read_chart(f" {quote(LINK, safe=':/')}\n")) == ["F", "C7"]


@pytest.mark.parametrize(
    ("name", "content", "title"),
    [
        ("my tune.txt", "F | C7", "my tune"),
        ("tune", "title: Mine\nF | C7", "Mine"),
        ("tune.txt", "\ufeffF | C7", "tune"),
        ("songs.html", f'<a href="{LINK.replace(" ", "%20")}">Two</a>', "Two"),
        ("songs.txt", LINK, "Two"),
        ("sheet.musicxml", SHEET, "sheet"),
        ("sheet.xml", SHEET, "sheet"),
    ],
)
def test_file_is_read_by_its_content(tmp_path: Path, name: str, content: str, title: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    for source in (path, str(path)):
        chart = read_chart(source)
        assert bars(chart)[0] == "F"
        assert (chart.title, chart.progression.title) == (title, title)


def test_song_of_a_file_is_chosen_after_a_hash(tmp_path: Path) -> None:
    page = tmp_path / "songs.html"
    page.write_text(f"{LINK}=Other=Someone=Swing=C=n=T44[G#-7   Z\n", encoding="utf-8")
    assert read_chart(str(page)).title == "Two"
    assert bars(read_chart(f"{page}#other")) == ["G#m7"]
    with pytest.raises(RlcomposeError, match="unknown song 'Thre'.* Allowed: Other, Two"):
        read_chart(f"{page}#Thre")
    text = tmp_path / "one.txt"
    text.write_text("C | F")
    with pytest.raises(RlcomposeError, match="one.txt holds one chart: leave '#Two' out"):
        read_chart(f"{text}#Two")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("H7", r"'H' is not a root.*\(it was read as a chart's text, being no file, no iReal Pro link and no name"),
        ("bleus", "unknown progression 'bleus': did you mean 'blues'"),
        ("C | H7", "bar 2 of 'chart': chord symbol 'H7': 'H' is not a root; .*did you mean 'B7'"),
        ("no/such.musicxml", "there is no chart 'no/such.musicxml'"),
        ("no/such.html#Two", "there is no chart 'no/such.html'"),
        ("irealb://nothing", "the iReal Pro link holds no song"),
        ("", "'chart' has no bars"),
        ("\0", "bar 1 of 'chart'"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_was_tried(source: str, message: str) -> None:
    with pytest.raises(RlcomposeError, match=message):
        read_chart(source)


def test_a_file_that_is_no_chart_is_told(tmp_path: Path) -> None:
    path = tmp_path / "song.mid"
    path.write_bytes(b"MThd\xff\xfe\x80")
    with pytest.raises(RlcomposeError, match="song.mid is no chart: tried were UTF-8 text .* and MusicXML"):
        read_chart(str(path))
    with pytest.raises(RlcomposeError, match="is a folder"):
        read_chart(tmp_path)


def test_a_text_of_any_length_is_told_in_few_words() -> None:
    for text in ("C" * 100_000, "C/" + "x" * 100_000, "words " * 100_000):
        with pytest.raises(RlcomposeError) as told:
            read_chart(text)
        assert len(str(told.value)) < 600


def test_a_wrong_bar_of_a_file_is_told_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "tune.txt"
    path.write_text("C | X")
    with pytest.raises(RlcomposeError, match="bar 2 of 'tune'"):
        read_chart(path)


CHORDS = st.one_of(
    st.just(NO_CHORD),
    st.builds(
        lambda root, quality, bass, suffix: Chord(
            root, quality, bass, sorted(QUALITIES[quality].suffixes)[suffix % 2 - 1]
        ),
        st.integers(0, 11),
        st.integers(1, len(QUALITIES) - 1),
        st.integers(-1, 11),
        st.integers(0, 1),
    ),
)
BARS = st.lists(CHORDS, min_size=1, max_size=4).map(tuple)
SECTIONS = st.builds(
    SectionPattern,
    st.sampled_from(["A", "B", "Coda", "Intro", "Solo 2", "1"]),
    st.lists(BARS, min_size=1, max_size=8).map(tuple),
)
CHARTS = st.builds(
    make_chart,
    st.lists(SECTIONS, min_size=1, max_size=5),
    st.sampled_from(["", "Blue # 2", "key: F", "A | B", "Übung"]),
    st.one_of(st.none(), st.builds(Key, st.integers(0, 11), st.sampled_from(MODES))),
    st.sampled_from([None, Meter(3, 4), Meter(12, 8)]),
    st.sampled_from([None, 60, 240]),
    st.sampled_from([4, 8]),
)


@given(CHARTS)
def test_text_of_a_chart_is_read_back_as_an_equal_chart(chart: Chart) -> None:
    assert chart_from_text(chart.text) == chart
    assert read_chart(chart.text) == chart


@given(st.text(alphabet="ABCm7#b/%|:[]()12.,x DSFineCoda\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        chart = chart_from_text(text)
    except RlcomposeError:
        return
    assert chart_from_text(chart.text).progression.form == chart.progression.form
