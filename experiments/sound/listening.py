"""Makes the examples of the listening page: a short piece of every style, as small OGG files in `docs/listening/`.

`python experiments/sound/listening.py [--out FOLDER]`. The melodies are greedy play on the styles' rewards, without
training: the page is about the bands.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rlcompose.agent import find_agent, play
from rlcompose.arrange import Playing
from rlcompose.audio import mix_of, render_midi
from rlcompose.brief import make_brief
from rlcompose.midi import midi_bytes
from rlcompose.piece import Piece
from rlcompose.reward import weigh_terms

FOLDER = Path(__file__).parents[2] / "docs" / "listening"
BARS = 8
EXAMPLES = (
    "jazz", "ballad", "blues", "bossa", "jazz_waltz", "gypsy_jazz", "reel", "jig", "hornpipe", "polka", "bach",
    "palestrina", "volkslied", "laendler", "chinese",
)  # fmt: skip


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER)
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    agent = find_agent("greedy").made()
    for style in EXAMPLES:
        brief = make_brief(style, {"bars": BARS})
        terms = weigh_terms(brief.style.rewards)
        [played] = play(agent, brief, terms, [1])
        music = Piece(brief, played.seed, played.actions, terms, agent.name).composition
        playing = Playing(count_in=1 if music.swing else 0)
        report = render_midi(midi_bytes(music, playing, mix_of()), folder / f"{style}.ogg")
        print(f"{report.path}: {report.seconds:.1f} s")


if __name__ == "__main__":
    main()
