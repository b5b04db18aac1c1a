"""A chart: the chords of a chorus, and what its source says beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rlcompose.theory.chart_text import DEFAULT_PHRASE_BARS, read_chart_text
from rlcompose.theory.form import SectionPattern
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import Progression, guess_key

UNTITLED = "chart"


@dataclass(frozen=True, slots=True)
class Chart:
    """A progression as it stands in its source, with its title, key, metre and tempo (quarter notes a minute).

    What the source leaves open is None, a missing title is empty.
    """

    progression: Progression
    title: str = ""
    key: Key | None = None
    meter: Meter | None = None
    tempo: int | None = None

    @property
    def text(self) -> str:
        """The chart as text that `chart_from_text` reads back as an equal chart; repeats are written out."""
        header = {
            "title": " ".join(self.title.split()),  # a header is one line
            "key": self.key and self.key.name,
            "meter": self.meter and self.meter.name,
            "tempo": self.tempo,
            "phrase": self.progression.phrase_bars if self.progression.phrase_bars != DEFAULT_PHRASE_BARS else None,
        }
        lines = [f"{name}: {value}" for name, value in header.items() if value]
        return "\n".join([*lines, self.progression.chart])


def make_chart(
    sections: Sequence[SectionPattern],
    title: str = "",
    key: Key | None = None,
    meter: Meter | None = None,
    tempo: int | None = None,
    phrase_bars: int = DEFAULT_PHRASE_BARS,
) -> Chart:
    """The chart of these sections in playing order; without a key its mode is guessed."""
    title = " ".join(title.split())
    progression = Progression(title or UNTITLED, "major", tuple(sections), phrase_bars, title or UNTITLED)
    mode = (key or guess_key(progression)).mode
    return Chart(replace(progression, mode=mode), title, key, meter, tempo)


def chart_from_text(text: str, name: str = UNTITLED, meter: Meter | None = None) -> Chart:
    """The chart of a text; `name` stands in messages, `meter` is the one to count slashes in if the text names none."""
    said = read_chart_text(text, name, meter)
    return make_chart(said.sections, said.title, said.key, said.meter, said.tempo, said.phrase_bars)
