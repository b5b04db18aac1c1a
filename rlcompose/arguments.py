"""Command-line options that several commands share, and their way into `Options` and reward weights."""

from __future__ import annotations

import argparse
import difflib
from typing import Any

from rlcompose.brief import Options
from rlcompose.errors import RlcomposeError, unknown
from rlcompose.plugins import load_file, load_installed
from rlcompose.reward import parse_weight


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


def add_music_options(parser: argparse.ArgumentParser) -> None:
    """--bars, --chords, --key, --tempo, --meter."""
    group = parser.add_argument_group("the music (what is not given is drawn from the style)")
    group.add_argument("--bars", type=at_least(1), metavar="N", help="length of a piece in bars, 1 to 1024")
    group.add_argument("--chords", metavar="CHART", help='a chart, "Dm7 | G7 | C^7 | %%", or the name of a progression')
    group.add_argument("--key", metavar="KEY", help='the key, "Bb" or "F# minor"')
    group.add_argument("--tempo", type=at_least(1), metavar="BPM", help="quarter notes a minute")
    group.add_argument("--meter", metavar="METER", help="the metre, 4/4 or 6/8")


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
    """What the command line pins."""
    from rlcompose.theory.progression import parse_chart, progression_names

    chords: str | None = arguments.chords
    progression = chords if chords in progression_names() else None
    if chords is not None and progression is None:
        try:
            parse_chart(chords)
        except RlcomposeError:
            if difflib.get_close_matches(chords, progression_names(), n=1):
                raise unknown("progression", chords, progression_names()) from None
            raise
    return Options(
        bars=arguments.bars,
        progression=progression,
        chords=None if progression else chords,
        key=arguments.key,
        tempo=arguments.tempo,
        meter=arguments.meter,
    )


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
