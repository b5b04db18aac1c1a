"""Charts from wherever they are: text, a file, an iReal Pro link, the name of a shipped progression."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from rlcompose.charts.chart import Chart, chart_from_text
from rlcompose.charts.ireal import has_link, read_ireal
from rlcompose.errors import RlcomposeError, unknown
from rlcompose.files import missing_file
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import as_shipped, load_progression, progression_names

MAX_FILE_BYTES = 32 * 1024 * 1024  # the largest playlists that iReal Pro's users share have some MB
_ENDINGS = (".musicxml", ".xml", ".mxl", ".html", ".htm", ".txt", ".chart")


def read_chart(source: str | Path, meter: Meter | None = None) -> Chart:
    """The chart in a source.

    source  a chart as text; a file of one; a MusicXML lead sheet (.musicxml, .xml, .mxl); a link of iReal Pro's or a
            file that holds some, `file.html#Title` for another song than the first; the name of a shipped progression
    meter   the metre to count slashes in, where a text names none

    Raises:
        RlcomposeError: The source cannot be read; the message says as what it was taken, and names the bar.
    """
    if isinstance(source, Path):
        return _read_file(source, None, meter)
    name = as_shipped(source)
    if name in progression_names():
        progression = load_progression(name)
        return Chart(progression, progression.title, Key(0, progression.mode))
    if source.lstrip().lower().startswith(("irealb://", "irealbook://")):
        return read_ireal(source.strip())
    if "\n" not in source and (place := _as_file(source)) is not None:
        return _read_file(*place, meter)
    try:
        return chart_from_text(source, meter=meter)
    except RlcomposeError as error:
        if difflib.get_close_matches(source, progression_names(), n=1):
            raise unknown("progression", source, progression_names()) from None
        if "|" in source or "\n" in source:
            raise
        taken = "it was read as a chart's text, being no file, no iReal Pro link and no name of a progression"
        raise RlcomposeError(f"{error} ({taken})") from None


def _as_file(source: str) -> tuple[Path, str | None] | None:
    """The file that a text names, with the title of a song in it; None if it names none."""
    try:
        if os.path.isfile(source):
            return Path(source), None
        path, sign, title = source.partition("#")
        if sign and path.lower().endswith(_ENDINGS):
            return Path(path), title
    except ValueError:  # a null character
        return None
    return (Path(source), None) if "|" not in source and source.lower().endswith(_ENDINGS) else None


def _read_file(path: Path, title: str | None, meter: Meter | None) -> Chart:
    if path.is_dir():
        raise RlcomposeError(f"{path} is a folder: name the file of a chart in it")
    if not path.is_file():
        raise missing_file("chart", path)
    if path.stat().st_size > MAX_FILE_BYTES:
        raise RlcomposeError(f"{path} is larger than {MAX_FILE_BYTES:,} bytes: that is no chart")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RlcomposeError(f"cannot read {path}: {error.strerror}") from None
    is_xml = b"<score-partwise" in data or b"<score-timewise" in data
    if data.startswith(b"PK") or is_xml or path.suffix.lower() in (".musicxml", ".xml", ".mxl"):
        from rlcompose.charts.musicxml import read_musicxml

        chart = read_musicxml(data, path.stem)
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            tried = "UTF-8 text (of a chart or with iReal Pro links) and MusicXML"
            raise RlcomposeError(f"{path} is no chart: tried were {tried}") from None
        if has_link(text):
            return read_ireal(text, title)
        chart = chart_from_text(text, path.stem, meter)
        if not chart.title:
            chart = chart_from_text(f"title: {path.stem}\n{text}", path.stem, meter)
    if title is not None:
        raise RlcomposeError(f"{path} holds one chart: leave '#{title}' out")
    return chart
