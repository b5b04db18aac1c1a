"""What is asked of a piece: a style with some of its choices pinned, from which every reset draws."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from rlcompose.charts.chart import Chart
from rlcompose.charts.reading import read_chart
from rlcompose.engine.layout import HIGHEST_PITCH, LOWEST_PITCH, MAX_BAR_TICKS, MAX_BARS
from rlcompose.errors import RlcomposeError, missing_extra, unknown
from rlcompose.style import Style, load_style
from rlcompose.theory.key import MODES, Key
from rlcompose.theory.line import parse_line
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import Progression, as_shipped, guess_key, load_progression, progression_names

BASS = "bass"  # the second voice that the chords' lowest notes make
SECOND_VOICE_LIMITS = (-36, 42)  # semitones above the tonic
TEMPO_LIMITS = (20, 400)  # quarter notes a minute
MIDI_LIMITS = (0, 127)
MIDDLE_C = 60
MOST_SECOND_TICKS = 30_000  # about 600 bars of 4/4: what a table of int16 can number, with room

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class ChartChoice:
    """A progression (on C) in a metre, and how often it is drawn beside the others."""

    progression: Progression
    meter: Meter
    weight: int


@dataclass(frozen=True, slots=True)
class Options:
    """The choices that can be pinned; None leaves a choice to the style.

    bars          length of the piece, 1 to 1,024
    progression   name of a shipped progression
    chords        a chart as text, "Dm7 G7 | C^7 | %", or where `read_chart` finds one: the path of a text or MusicXML
                  file, a link of iReal Pro's; or a `Chart` or `Progression`. The chart's key, metre and tempo hold
                  where none are pinned
    key           "Bb", "F# minor" or a `Key`, into which the music is put; of `chords` that do not say their key it
                  says in which one they are
    tempo         quarter notes a minute
    meter         "4/4", "6/8" or a `Meter`
    register      the lowest MIDI pitch at which the tonic may lie
    range         the lowest and highest MIDI pitch that the instrument plays
    form          the order in which the sections are played, "AABA" or "Intro A A B"
    instrument    what plays the melody: a General MIDI name, "tenor sax", or its number from 0
    second_voice  a voice that is given, for counterpoint: "bass" for the chords' own, or notes as text, "D3:48 F3:48",
                  pitches or `-` for a rest, each a quarter note or `:ticks`; it begins again when it ends. Where only
                  one tonic can be drawn its pitches are as they stand; else they are written in `key`, or in C, with
                  the tonic from C4 to B4, and move with the piece
    """

    bars: int | None = None
    progression: str | None = None
    chords: str | Path | Chart | Progression | None = None
    key: str | Key | None = None
    tempo: int | None = None
    meter: str | Meter | None = None
    register: int | None = None
    range: tuple[int, int] | None = None
    form: str | None = None
    instrument: str | int | None = None
    second_voice: str | None = None

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """What can be pinned."""
        return tuple(field.name for field in fields(cls))

    @classmethod
    def from_mapping(cls, options: Mapping[str, object]) -> Options:
        """Options from a mapping such as `reset(options=…)`; an unknown name is an error."""
        for name in options:
            if name not in cls.names():
                raise unknown("option", name, cls.names())
        return cls(**options)  # type: ignore[arg-type]  # each value is checked where it is used

    @property
    def pinned(self) -> dict[str, Any]:
        """The choices that are pinned, by name."""
        return {name: value for name in self.names() if (value := getattr(self, name)) is not None}

    def to_dict(self) -> dict[str, object]:
        """The pinned choices as plain values that JSON can hold; `from_mapping` reads them back."""
        plain: dict[str, object] = {}
        for name, value in self.pinned.items():
            if isinstance(value, Progression):
                value = Chart(value, value.title)
            if isinstance(value, Chart):
                value = value.text
            elif isinstance(value, Path):
                value = str(value)
            elif isinstance(value, Key | Meter):
                value = value.name
            plain[name] = list(value) if isinstance(value, tuple) else value
        return plain


@dataclass(frozen=True, slots=True)
class Brief:
    """A style and what is left to draw: charts on C, tonics by mode, spans (inclusive) of tempo and register."""

    style: Style
    options: Options
    bars: int
    charts: tuple[ChartChoice, ...]
    keys: Mapping[str, tuple[int, ...]]
    tempo: tuple[int, int]
    register: tuple[int, int]
    range: tuple[int, int]
    instrument: int
    # "bass", or events of (semitones above the tonic, ticks)
    second_voice: str | tuple[tuple[int | None, int], ...] | None = None


def whole_number(name: str, value: object, lowest: int, highest: int) -> int:
    """An int within limits, or the error that names it, its value and what is allowed."""
    is_whole = isinstance(value, int) or (hasattr(value, "__index__") and not isinstance(value, bool))
    if isinstance(value, bool) or not is_whole:
        raise RlcomposeError(f"{name} {value!r} is not a whole number: allowed are {lowest} to {highest}")
    number = int(value)  # type: ignore[call-overload]  # the check above is by attribute, for NumPy's ints
    if not lowest <= number <= highest:
        raise RlcomposeError(f"{name} {number} is out of range: allowed are {lowest} to {highest}")
    return int(number)


def make_brief(style: str | Path | Style, options: Options | Mapping[str, object] | None = None) -> Brief:
    """Resolve a style and the pinned choices; contradictions and values out of range raise `RlcomposeError`.

    The brief's options hold charts and numbers where files, links and names were given, so that they can be written
    down and read elsewhere.
    """
    if not isinstance(style, Style):
        style = load_style(style)
    if options is None:
        options = Options()
    elif not isinstance(options, Options):
        options = Options.from_mapping(options)
    options = _settled(options)
    chart = options.chords
    assert chart is None or isinstance(chart, Chart)
    key = _read("key", options.key, Key, Key.parse)
    meters = _meters(style, options, chart)
    progressions, keys = _progressions(style, options, key) if chart is None else _charted(chart, key)
    progressions = _formed(progressions, options.form)
    bars = _bars(style, options, progressions)
    fitting = [(p, weight) for p, weight in progressions if bars % p.num_bars == 0]
    charts = tuple(ChartChoice(p, meter, weight) for p, weight in fitting or progressions for meter in meters)
    tempo = style.tempo
    if options.tempo is not None:
        tempo = (whole_number("tempo", options.tempo, *TEMPO_LIMITS),) * 2
    elif chart is not None and chart.tempo is not None:
        tempo = (whole_number("the chart's tempo", chart.tempo, *TEMPO_LIMITS),) * 2
    register = style.register
    if options.register is not None:
        register = (whole_number("register", options.register, *MIDI_LIMITS),) * 2
    tonics = {
        lowest + (tonic - lowest) % 12
        for lowest in range(register[0], register[1] + 1)
        for tonic in {tonic for tonics in keys.values() for tonic in tonics}
    }
    playable = _range(style, options, min(tonics), max(tonics))
    instrument = style.instruments["melody"] if options.instrument is None else _program(options.instrument)
    second = _second_voice(options.second_voice, key, tonics)
    return Brief(style, options, bars, charts, keys, tempo, register, playable, instrument, second)


def asked_over(brief: Brief, options: Options) -> Brief:
    """The brief with these options over its own; a new chart also drops its key, form and length."""
    pinned, kept = options.pinned, brief.options
    if {"chords", "progression"} & pinned.keys():
        kept = replace(kept, chords=None, progression=None, form=None, key=None, bars=None)
    return make_brief(brief.style, replace(kept, **pinned))


def _second_voice(voice: object, key: Key | None, tonics: set[int]) -> str | tuple[tuple[int | None, int], ...] | None:
    """What the option asks for, its pitches in semitones above the tonic."""
    if voice is None or voice == BASS:
        return voice
    if not isinstance(voice, str):
        kind = type(voice).__name__
        raise RlcomposeError(f"second_voice {voice!r} is a {kind}: give {BASS!r} or notes as text, 'D3:48 F3:48'")
    notes = parse_line(voice)
    if not notes:
        raise RlcomposeError(f"second_voice {voice!r} has no notes: give {BASS!r} or notes as text, 'D3:48 F3:48'")
    tonic = min(tonics) if len(tonics) == 1 else MIDDLE_C + (key.tonic if key is not None else 0)
    line = tuple((None if pitch is None else pitch - tonic, ticks) for pitch, ticks in notes)
    lowest, highest = SECOND_VOICE_LIMITS
    for (above, _), (pitch, _) in zip(line, notes, strict=True):
        if above is not None and not lowest <= above <= highest:
            raise RlcomposeError(
                f"MIDI pitch {pitch} of the second voice lies {above} semitones above the tonic ({tonic}): "
                f"allowed are {lowest} to {highest}"
            )
    if sum(ticks for _, ticks in line) > MOST_SECOND_TICKS:
        raise RlcomposeError(f"the second voice has more than {MOST_SECOND_TICKS} ticks")
    return line


def _settled(options: Options) -> Options:
    """The options with a chart for its text, file or link, and with numbers for names of instruments."""
    chords = options.chords
    if chords is not None and options.progression is not None:
        raise RlcomposeError("give either chords or the name of a progression, not both")
    if isinstance(chords, str) and as_shipped(chords) in progression_names():
        options = replace(options, chords=None, progression=as_shipped(chords))
    elif isinstance(chords, str | Path):
        options = replace(options, chords=read_chart(chords, _read("meter", options.meter, Meter, Meter.parse)))
    elif isinstance(chords, Progression):
        options = replace(options, chords=Chart(chords, chords.title))
    elif not isinstance(chords, Chart | None):
        kind = type(chords).__name__
        raise RlcomposeError(f"chords {chords!r} is a {kind}: give text, a path, a Chart or a Progression")
    if isinstance(options.instrument, str):
        options = replace(options, instrument=_program(options.instrument))
    return options


def _program(instrument: object) -> int:
    """The General MIDI program, from 0, of a name or a number."""
    if not isinstance(instrument, str) or instrument.strip().isdecimal():
        number = int(instrument) if isinstance(instrument, str) else instrument
        return whole_number("instrument", number, *MIDI_LIMITS)
    try:
        from pretty_midi.constants import INSTRUMENT_MAP
    except ImportError:
        raise missing_extra("pretty_midi, which knows the instruments by name,", "audio") from None
    programs = {_plain(name): program for program, name in enumerate(INSTRUMENT_MAP)}
    program = programs.get(_plain(instrument))
    if program is None:
        plain = _plain(instrument)
        near = [name for name in programs if len(plain) > 2 and plain in name]  # "sax" is none, and four have it
        near = near or difflib.get_close_matches(plain, programs, n=1, cutoff=0.5)
        hint = f" did you mean {' or '.join(repr(INSTRUMENT_MAP[programs[name]]) for name in near)}?" if near else ""
        allowed = "the 128 names of General MIDI and the numbers 0 to 127"
        raise RlcomposeError(f"unknown instrument {instrument!r}:{hint} Allowed: {allowed}")
    return program


def _plain(name: str) -> str:
    """A name by its letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _meters(style: Style, options: Options, chart: Chart | None) -> tuple[Meter, ...]:
    pinned = _read("meter", options.meter, Meter, Meter.parse)
    if pinned is None and chart is not None:
        pinned = chart.meter
    meters = style.meters if pinned is None else (pinned,)
    for meter in meters:
        if meter.bar_ticks > MAX_BAR_TICKS:
            raise RlcomposeError(f"a bar of {meter.name} has {meter.bar_ticks} ticks: allowed are 1 to {MAX_BAR_TICKS}")
    return meters


def _read(name: str, value: object, kind: type[_Kind], parse: Callable[[str], _Kind]) -> _Kind | None:
    """A pinned choice as the value it stands for, from its text or as it is; None stays None."""
    if value is None or isinstance(value, kind):
        return value
    if not isinstance(value, str):
        raise RlcomposeError(f"{name} {value!r} is a {type(value).__name__}: give it as text or as a {kind.__name__}")
    return parse(value)


def _charted(chart: Chart, key: Key | None) -> tuple[list[tuple[Progression, int]], dict[str, tuple[int, ...]]]:
    """The chart on C, and the key it is played in by mode: the pinned one, else its own, else the one that is heard."""
    if chart.progression.num_bars > MAX_BARS:
        raise RlcomposeError(f"the chart has {chart.progression.num_bars} bars: allowed are 1 to {MAX_BARS}")
    own = chart.key or key or guess_key(chart.progression)
    key = key or own
    if (3 in key.scale) != (3 in own.scale):  # a tune does not change its third by being transposed
        raise RlcomposeError(f"key {key.name!r} is {key.mode}, but the chart is in {own.name}")
    on_c = replace(chart.progression.transposed(-own.tonic), mode=key.mode)
    return [(on_c, 1)], {key.mode: (key.tonic,)}


def _progressions(
    style: Style, options: Options, key: Key | None
) -> tuple[list[tuple[Progression, int]], dict[str, tuple[int, ...]]]:
    """The progressions to draw from, on C, with their weights; and the tonics to draw from by mode."""
    if options.progression is not None:
        progressions = [(load_progression(options.progression), 1)]
    else:
        # By name: a reset draws by place, and equal styles (one comes from a run's sorted JSON) must draw the same.
        progressions = [(load_progression(name), weight) for name, weight in sorted(style.progressions.items())]
    if key is None:
        keys = {p.mode: style.keys.get(p.mode) or tuple(range(12)) for p, _ in progressions}
        return progressions, keys
    in_mode = [(p, weight) for p, weight in progressions if p.mode == key.mode]
    if not in_mode:
        there = sorted({p.mode for p, _ in progressions}, key=MODES.index)
        what = f"progression {options.progression!r} is" if options.progression else f"style {style.name!r} has music"
        raise RlcomposeError(f"key {key.name!r} is {key.mode}, but {what} only in {' and '.join(there)}")
    return in_mode, {key.mode: (key.tonic,)}


def _formed(progressions: Sequence[tuple[Progression, int]], form: object) -> list[tuple[Progression, int]]:
    """The progressions that have all sections of a form, with their sections in its order."""
    if form is None:
        return list(progressions)
    known = sorted({label for progression, _ in progressions for label in progression.labels})
    if not isinstance(form, str) or not form.strip(" ,"):
        raise RlcomposeError(
            f"form {form!r} names no sections: allowed are orders of {', '.join(known)}, such as 'AABA'"
        )
    labels = form.replace(",", " ").split()
    if len(labels) == 1 and labels[0] not in known:
        labels = list(labels[0])
    for label in labels:
        if label not in known:
            raise unknown(f"section in the form {form!r}:", label, known)
    having = [(p.arranged(labels), weight) for p, weight in progressions if set(labels) <= set(p.labels)]
    if not having:
        forms = ", ".join(f"{p.name} has {' '.join(p.labels)}" for p, _ in progressions)
        raise RlcomposeError(f"no progression has all sections of the form {form!r}: {forms}")
    return having


def _bars(style: Style, options: Options, progressions: list[tuple[Progression, int]]) -> int:
    if options.bars is not None:
        return whole_number("bars", options.bars, 1, MAX_BARS)
    if len(progressions) == 1 and style.bars % progressions[0][0].num_bars:
        form = progressions[0][0].num_bars  # whole choruses, at least as long as the style's pieces
        return min(-(-style.bars // form) * form, MAX_BARS)
    return style.bars


def _range(style: Style, options: Options, lowest_tonic: int, highest_tonic: int) -> tuple[int, int]:
    lowest, highest = style.range
    if options.range is not None:
        if not isinstance(options.range, tuple | list) or len(options.range) != 2:
            raise RlcomposeError(f"range {options.range!r} is not a pair: give the lowest and the highest MIDI pitch")
        lowest, highest = (whole_number("range", pitch, *MIDI_LIMITS) for pitch in options.range)
    if lowest > highest:
        raise RlcomposeError(f"range {lowest} to {highest} is upside down: give the lowest pitch first")
    # Every tonic that can be drawn must leave a playable pitch in the window, or nothing but rests would be legal.
    if highest_tonic + LOWEST_PITCH > highest or lowest_tonic + HIGHEST_PITCH < lowest:
        tonics = f"{lowest_tonic}" if lowest_tonic == highest_tonic else f"{lowest_tonic} to {highest_tonic}"
        raise RlcomposeError(
            f"the register puts the tonic at {tonics}, too far from the range {lowest} to {highest}: "
            f"it must lie at most {-LOWEST_PITCH} semitones above or {HIGHEST_PITCH} below it"
        )
    return lowest, highest
