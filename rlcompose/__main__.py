"""`rlcompose COMMAND`: the same as `python -m rlcompose.COMMAND`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from rlcompose.errors import unknown

COMMANDS = {
    "train": "train an agent in a style, and leave music behind",
    "compose": "compose pieces in a style, or with the agent of a run",
    "rewards": "list the reward terms with weight, range, cost and whom they pay",
    "styles": "list the styles and their variants, or describe one",
    "render": "render MIDI files and pieces to WAV, FLAC, OGG or MP3",
    "play": "play a piece, a MIDI file or a sound file aloud",
    "soundfont": "check a SoundFont: what it lacks, and which one is played with",
    "fit": "how well real music fits the environment's actions",
    "evaluate": "what sets of pieces are like beside real music, in one table",
    "leaderboard": "agents side by side in every style, by the numbers of evaluate",
    "judge": "how much pieces are like real music of a style, and why",
    "naturalness": "learn to tell real music from what a model has made",
    "prior": "learn what a style's music goes on with, or list the priors",
    "corpus": "list, read and describe the corpora of real music",
    "speed": "how many steps a second the environment makes",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command by name; the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        lines = "".join(f"  {name:12}{what}\n" for name, what in COMMANDS.items())
        usage = f"usage: rlcompose COMMAND [options]   (rlcompose COMMAND -h tells the options)\n\n{lines}"
        print(usage, end="", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from rlcompose import __version__

        print(__version__)
        return 0
    if arguments[0] not in COMMANDS:
        print(f"rlcompose: error: {unknown('command', arguments[0], COMMANDS)}", file=sys.stderr)
        return 2
    module = import_module(f"rlcompose.{arguments[0]}")
    status: int = module.main(arguments[1:])
    return status


if __name__ == "__main__":
    sys.exit(main())
