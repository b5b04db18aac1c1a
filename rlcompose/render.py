"""The command `python -m rlcompose.render piece.mid piece.wav`: hear a MIDI file."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from rlcompose import command


def main(argv: list[str] | None = None) -> int:
    """Render a MIDI file to a WAV file; the exit status is 0, 2 for a user's mistake or 130 for Ctrl-C."""
    parser = command.Parser(
        prog="python -m rlcompose.render",
        description="Render a MIDI file to a 24-bit WAV file at -16 LUFS through FluidSynth.",
        example="python -m rlcompose.render piece.mid piece.wav --soundfont FluidR3_GM.sf2",
    )
    parser.add_argument("midi", help="the MIDI file to play")
    parser.add_argument("wav", help="the WAV file to write")
    parser.add_argument("--soundfont", metavar="FILE", help="a .sf2 or .sf3 file (default: the best on this machine)")
    parser.add_argument("--require-fluidsynth", action="store_true", help="fail without FluidSynth: no plain tones")
    return command.run(_render, parser, argv)


def _render(arguments: argparse.Namespace) -> dict[str, Any]:
    # Imported here because numpy and scipy would make -h slow.
    from dataclasses import asdict

    from rlcompose.audio import render_midi

    return asdict(render_midi(arguments.midi, arguments.wav, arguments.soundfont, arguments.require_fluidsynth))


if __name__ == "__main__":
    sys.exit(main())
