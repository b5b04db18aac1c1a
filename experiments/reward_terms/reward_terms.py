"""Does every reward term speak? On what share of real notes it fires, and whether it tells music from shuffled music.

    python experiments/reward_terms/reward_terms.py [--pieces 60]

For each style real pieces are drawn from its corpus, repeats played, with the chords' bass as the second voice; beside
them stand the same events in another order. `python -m rlcompose.rewards --style S --speak` prints one style's numbers.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from rlcompose.balance import FIRES, TELLS, TWINS, Speech, real_accounts, speeches, twins
from rlcompose.files import write_atomically
from rlcompose.reward import load_terms
from rlcompose.style import load_style, style_names

HERE = Path(__file__).parent


def main() -> None:
    """Ask all terms about all styles, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--pieces", type=int, default=60, help="real pieces of each style (default: 60)")
    arguments = parser.parse_args()
    terms = sorted(load_terms().values(), key=lambda term: (term.family, term.name))
    names = [term.name for term in terms]
    spoken: dict[str, list[Speech]] = {}
    alike: list[str] = []
    for style in style_names():
        print(f"{style} …", file=sys.stderr, flush=True)
        real = list(real_accounts(load_style(style), terms, arguments.pieces))
        shuffled = list(real_accounts(load_style(style), terms, arguments.pieces, shuffled=True))
        spoken[style] = speeches(real, shuffled)
        # What hardly fires in a style says nothing about whether two terms are one.
        heard = [number for number, speech in enumerate(spoken[style]) if speech.fires >= FIRES]
        values = np.concatenate([account.values[:, heard] for account in real])
        pairs = twins([names[number] for number in heard], values)
        alike += [f"- {style}: `{one}` and `{other}`, correlation {r:.3f}" for one, other, r in pairs]
    lines = ["| term | family | fires | in | d | " + " | ".join(spoken) + " | |", "|---" * (6 + len(spoken)) + "|"]
    for number, term in enumerate(terms):
        heard_in = {style: speech[number] for style, speech in spoken.items()}
        where = max(heard_in, key=lambda style: heard_in[style].fires)
        told = [speech.tells for speech in heard_in.values() if speech.fires >= FIRES]
        best = max(told, key=abs, default=0.0)
        faults = ["seldom"] * (heard_in[where].fires < FIRES) + ["shuffled alike"] * (abs(best) < TELLS)
        each = " | ".join(f"{speech.tells:.1f}" if speech.fires >= FIRES else "" for speech in heard_in.values())
        fires = f"{heard_in[where].fires:.1%}"
        lines.append(f"| {term.name} | {term.family} | {fires} | {where} | {best:.2f} | {each} | {', '.join(faults)} |")
    twin_lines = alike or ["- none"]
    text = "\n".join(
        [*lines, "", f"Terms that correlate above {TWINS} on the real events of a style:", "", *twin_lines]
    )
    write_atomically(HERE / "table.md", text + "\n")
    print(text)


if __name__ == "__main__":
    main()
