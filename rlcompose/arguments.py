"""Command-line options that several commands share, and their way into `Options` and reward weights."""

from __future__ import annotations

import argparse
import re
from typing import Any

from rlcompose.brief import TEMPO_LIMITS, Options
from rlcompose.engine.layout import MAX_BARS
from rlcompose.errors import RlcomposeError
from rlcompose.plugins import load_file, load_installed
from rlcompose.reward import parse_weight
from rlcompose.theory.pitch import parse_pitch


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


def add_reward_options(parser: argparse.ArgumentParser) -> None:
    """--reward and --plugin."""
    group = parser.add_argument_group("the rewards")
    help_reward = "pay a term with this weight (0 turns it off); may be given several times"
    group.add_argument("--reward", action="append", default=[], metavar="TERM=WEIGHT", help=help_reward)
    help_plugin = "a Python file of yours with reward terms (@reward_term); may be given several times"
    group.add_argument("--plugin", action="append", default=[], metavar="FILE", help=help_plugin)


def add_sound_options(parser: argparse.ArgumentParser) -> None:
    """--soundfont and --require-fluidsynth."""
    parser.add_argument("--soundfont", metavar="FILE", help="the SoundFont to play with (.sf2 or .sf3)")
    parser.add_argument("--require-fluidsynth", action="store_true", help="fail where no FluidSynth can be loaded")


def music_options(arguments: argparse.Namespace) -> Options:
    """What the command line pins; a progression is named by --chords."""
    return Options.from_mapping({name: getattr(arguments, name, None) for name in Options.names()})


def check_soundfont(arguments: argparse.Namespace) -> None:
    """A wrong SoundFont is told before any work is done."""
    if arguments.soundfont is not None:
        from rlcompose.soundfont import find_soundfont

        find_soundfont(arguments.soundfont)


def reward_weights(arguments: argparse.Namespace) -> dict[str, float]:
    """Load the plug-ins and read the weights; the same term twice is an error."""
    load_installed()
    for path in arguments.plugin:
        load_file(path)
    weights: dict[str, float] = {}
    for text in arguments.reward:
        name, weight = parse_weight(text)
        if name in weights:
            raise RlcomposeError(f"--reward {name} is given twice: {weights[name]:g} and {weight:g}")
        weights[name] = weight
    return weights
