"""Command-line options that several commands share, and their way into `Options` and reward weights."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlcompose.arrange.groove import groove_names, load_groove
from rlcompose.arrange.playing import LIBERTIES, MOST_COUNT_IN, MOST_INTRO, Playing
from rlcompose.brief import TEMPO_LIMITS, Options
from rlcompose.engine.layout import MAX_BARS
from rlcompose.errors import RlcomposeError, faulty, unknown
from rlcompose.files import missing_file, read_toml
from rlcompose.output import MIDI_FORMS, PERFORMED, Output
from rlcompose.plugins import load_file, load_installed
from rlcompose.reward import Weight, add_weights, checked_weight, find_term, parse_weight, term_name
from rlcompose.sound_formats import BIT_DEPTHS, DEFAULT_AUDIO, DEFAULT_BITS, FORMATS
from rlcompose.style import Style, list_styles
from rlcompose.theory.pitch import parse_pitch
from rlcompose.theory.progression import as_shipped


def at_least(lowest: int, highest: int | None = None) -> Any:
    """An argparse type: a whole number not below `lowest`, and not above `highest` if there is one."""
    allowed = f"allowed are {lowest} and more" if highest is None else f"allowed are {lowest} to {highest}"

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number: {allowed}") from None
        if number < lowest or (highest is not None and number > highest):
            raise argparse.ArgumentTypeError(f"{number} is too {'small' if number < lowest else 'large'}: {allowed}")
        return number

    return parse


def pitch(text: str) -> int:
    """An argparse type: the MIDI pitch of a note name, "C4", or of a number, "60"."""
    if text.strip().isdecimal():
        return int(at_least(0, 127)(text))
    try:
        return parse_pitch(text)
    except RlcomposeError as error:
        raise argparse.ArgumentTypeError(f"{error}; or a MIDI number, 0 to 127") from None


def pitch_range(text: str) -> tuple[int, int]:
    """An argparse type: two pitches with a hyphen between them, "G3-C6" or "55-84"."""
    found = re.fullmatch(r"(.*?\d)\s*[-–]\s*(.+)", text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no range: write the lowest and the highest pitch as in 'G3-C6'")
    return pitch(found[1]), pitch(found[2])


def add_music_options(parser: argparse.ArgumentParser) -> None:
    """Everything about the music that can be pinned."""
    group = parser.add_argument_group("the music (what is not given is drawn from the style)")
    group.add_argument("--bars", type=at_least(1, MAX_BARS), metavar="N", help="length of a piece in bars, 1 to 1024")
    chords_help = (
        'a chart, "Dm7 | G7 | C^7 | %%", a file of one (text, MusicXML or iReal Pro), a link of iReal Pro\'s, '
        "or the name of a progression"
    )
    group.add_argument("--chords", metavar="CHART", help=chords_help)
    form_help = 'the order of the sections of the chart or progression, "AABA"'
    group.add_argument("--form", metavar="FORM", help=form_help)
    group.add_argument("--key", metavar="KEY", help='the key, "Bb" or "F# minor"')
    tempo_help = f"quarter notes a minute, {TEMPO_LIMITS[0]} to {TEMPO_LIMITS[1]}"
    group.add_argument("--tempo", type=at_least(*TEMPO_LIMITS), metavar="BPM", help=tempo_help)
    group.add_argument("--meter", metavar="METER", help="the metre, 4/4 or 6/8")
    instrument_help = 'what plays the melody: a General MIDI name, "tenor sax", or its number from 0'
    group.add_argument("--instrument", metavar="NAME", help=instrument_help)
    register_help = "the lowest place of the tonic: C4, or a MIDI number"
    group.add_argument("--register", type=pitch, metavar="PITCH", help=register_help)
    range_help = "the pitches that the instrument plays: G3-C6, or MIDI numbers, 55-84"
    group.add_argument("--range", type=pitch_range, metavar="LOW-HIGH", help=range_help)
    voice_help = 'a given second voice for counterpoint: bass for the chords\' own, or notes, "D3:48 F3:48"'
    group.add_argument("--second-voice", metavar="NOTES", help=voice_help)


def add_reward_options(parser: argparse.ArgumentParser) -> None:
    """--reward, --rewards and --plugin."""
    group = parser.add_argument_group("the rewards")
    help_reward = (
        "pay a term with this weight (0 turns it off), or with one that changes while the agent learns: 0..1 from the "
        "start to the end, 0@0.2,1@0.5 between these shares of it; may be given several times"
    )
    group.add_argument("--reward", action="append", default=[], metavar="TERM=WEIGHT", help=help_reward)
    help_rewards = (
        "a TOML file of weights, TERM = WEIGHT a line: for every style, or under [style.NAME] for that one; they "
        "replace the style's, and --reward replaces theirs"
    )
    group.add_argument("--rewards", metavar="FILE", help=help_rewards)
    help_plugin = "a Python file of yours with reward terms (@reward_term); may be given several times"
    group.add_argument("--plugin", action="append", default=[], metavar="FILE", help=help_plugin)


def add_sound_options(parser: argparse.ArgumentParser) -> None:
    """How a piece is played and what is written of its sound."""
    band = parser.add_argument_group("the band")
    groove_help = f"how the band plays: {', '.join(groove_names())}, or a .toml file (default: the style's)"
    band.add_argument("--groove", metavar="NAME", help=groove_help)
    band.add_argument("--count-in", type=at_least(0, MOST_COUNT_IN), default=0, metavar="BARS", help="bars of clicks")
    intro_help = "bars that the band plays before the melody enters"
    band.add_argument("--intro", type=at_least(0, MOST_INTRO), default=0, metavar="BARS", help=intro_help)
    ending_help = "stop with the last bar: no last chord after it"
    band.add_argument("--no-ending", dest="ending", action="store_false", help=ending_help)
    band.add_argument("--melody-only", action="store_true", help="nobody accompanies")
    without_help = f"leave out what players do beyond the page: {', '.join(LIBERTIES)}; may be given several times"
    band.add_argument("--without", action="append", default=[], metavar="WHAT", help=without_help)
    version_help = "another version of the accompaniment (default: 0)"
    band.add_argument("--take", type=at_least(0), default=0, metavar="N", help=version_help)
    group = parser.add_argument_group("the sound")
    formats = tuple(ending[1:] for ending in FORMATS)
    group.add_argument("--audio", choices=formats, default=DEFAULT_AUDIO, help="the sound's format (default: wav)")
    bits_help = "bits of a WAV or FLAC file (default: 24)"
    group.add_argument("--bits", type=int, choices=BIT_DEPTHS, default=DEFAULT_BITS, help=bits_help)
    group.add_argument("--stems", action="store_true", help="also write each part's sound, into NAME-stems/")
    midi_help = "the MIDI file as the band plays it, or every note on the straight grid (default: performed)"
    group.add_argument("--midi", choices=MIDI_FORMS, default=PERFORMED, help=midi_help)
    group.add_argument("--midi-parts", action="store_true", help="also write each part's MIDI, into NAME-midi/")
    group.add_argument("--play", action="store_true", help="play it aloud when it is there")
    group.add_argument("--soundfont", metavar="FILE", help="the SoundFont to play with (.sf2 or .sf3)")
    group.add_argument("--require-fluidsynth", action="store_true", help="fail where no FluidSynth can be loaded")


def output_options(arguments: argparse.Namespace) -> Output:
    """What is asked of the sound; a wrong SoundFont or groove is told before any work is done."""
    if arguments.soundfont is not None:
        from rlcompose.soundfont import find_soundfont

        find_soundfont(arguments.soundfont)
    if arguments.groove is not None:
        load_groove(arguments.groove)
    playing = Playing(
        seed=arguments.take,
        groove=arguments.groove,
        melody_only=arguments.melody_only,
        count_in=arguments.count_in,
        intro=arguments.intro,
        ending=arguments.ending,
    )
    return Output(
        soundfont=arguments.soundfont,
        require_fluidsynth=arguments.require_fluidsynth,
        audio=arguments.audio,
        bits=arguments.bits,
        stems=arguments.stems,
        midi=arguments.midi,
        midi_parts=arguments.midi_parts,
        playing=playing.without(arguments.without),
    )


def heard(arguments: argparse.Namespace, sound: Path, hint: str) -> None:
    """Play a sound file if --play asks for it; that there is no loudspeaker is told and is no failure.

    Whoever sits at a terminal is told the hint.
    """
    if hint and sys.stderr.isatty():
        print(f"rlcompose: {hint}", file=sys.stderr, flush=True)
    if arguments.play:
        from rlcompose.play import play_or_tell

        play_or_tell(sound)


def music_options(arguments: argparse.Namespace) -> Options:
    """What the command line pins; a progression is named by --chords."""
    return Options.from_mapping({name: getattr(arguments, name, None) for name in Options.names()})


def load_plugins(arguments: argparse.Namespace) -> None:
    """Load the plug-ins that are installed, and those that are named."""
    load_installed()
    for path in arguments.plugin:
        load_file(path)


def reward_weights(arguments: argparse.Namespace, style: Style) -> dict[str, Weight]:
    """The weights that are asked for: those of the file, and over them the flags, where twice is an error."""
    weights: dict[str, Weight] = {}
    told: dict[str, str] = {}
    for text in arguments.reward:
        name, weight = parse_weight(text)
        written = text.rpartition("=")[2].strip()
        if name in told:
            raise RlcomposeError(f"--reward {name} is given twice: {told[name]} and {written}")
        weights[name], told[name] = weight, written
    chosen: dict[str, Weight] = {}
    if arguments.rewards is not None:
        add_weights(chosen, read_weight_file(arguments.rewards, style))
    add_weights(chosen, weights)
    return chosen


STYLE_TABLES = "style"  # the table in a file of weights that holds a table for each style


def read_weight_file(path: str | Path, style: Style) -> dict[str, Weight]:
    """The weights in a TOML file that hold for a style: of all styles, over them its family's, over them its own.

    All faults of the file are told together, a line each, those of other styles' tables too.
    """
    if not Path(path).exists() or Path(path).is_dir():  # a pipe is as good as a file
        raise missing_file("file of weights", path)
    data = read_toml("file of weights", Path(path))
    faults: list[str] = []
    tables = data.pop(STYLE_TABLES, {})
    if not isinstance(tables, dict):
        faults.append(f"{STYLE_TABLES} = {tables!r}: allowed are tables such as [{STYLE_TABLES}.{style.family}]")
        tables = {}
    known = sorted({style.name, style.family, *(listed.name for listed in list_styles())})
    chosen = _weights_in(data, known, faults)
    by_style: dict[str, dict[str, Weight]] = {}
    for name, table in tables.items():
        if as_shipped(name) not in map(as_shipped, known):
            faults.append(f"[{STYLE_TABLES}.{name}]: {unknown('style', name, known)}")
        elif not isinstance(table, dict):
            faults.append(f"{STYLE_TABLES}.{name} = {table!r}: allowed is a table of weights")
        else:
            by_style[as_shipped(name)] = _weights_in(table, known, faults)
    if faults:
        raise faulty(f"the file of weights {path}", faults)
    weights: dict[str, Weight] = {}
    for table in (chosen, *(by_style.get(as_shipped(name), {}) for name in (style.family, style.name))):
        add_weights(weights, table)
    return weights


def _weights_in(table: Mapping[str, Any], styles: list[str], faults: list[str]) -> dict[str, Weight]:
    """The weights by the term's name; faults are noted."""
    weights: dict[str, Weight] = {}
    for key, value in table.items():
        try:
            if isinstance(value, dict):
                named = f" write [{STYLE_TABLES}.{key}]" if key in styles else ""
                raise RlcomposeError(f"[{key}] is no table of such a file:{named or ' weights stand above all tables'}")
            name = term_name(key)
            if "*" in name:
                add_weights({}, {name: 1.0})  # one that fits no term is told
            else:
                find_term(name)
            if name in weights:
                raise RlcomposeError(f"reward term {name!r} has two weights: allowed is one")
            weights[name] = checked_weight(name, value)
        except RlcomposeError as error:
            faults.append(str(error))
    return weights
