"""Make `rlcompose/bands.toml`: where real music's features lie, style by style.

    python experiments/bands/make_bands.py [--style jazz] [--limit 400]

Every real piece is played through the engine; at each bar's end from the eighth on every feature of `rewards/bands.py`
is asked for. Pieces of a fifth of the groups (`rlcompose.bands.is_held_out`) have no part in the percentiles; the table
says how much of theirs lies outside.
"""

from __future__ import annotations

import argparse
import sys
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rlcompose.bands import BANDS_FILE, FEATURES, PERCENTILES, is_held_out, window_features
from rlcompose.datasets import Encoded, encoded_pieces
from rlcompose.engine.tables import SPAN_COLUMNS, make_tables
from rlcompose.files import write_atomically
from rlcompose.style import load_style, style_names

HERE = Path(__file__).parent
# What is asked of chords means nothing where the corpus has none.
HARMONIC = ("chord_tone_share", "strong_chord_tone_share", "outside_share", "guide_tone_share")
LEAST_HARMONISED = 0.5  # of the pieces must have chords


def has_chords(piece: Encoded) -> bool:
    """Whether the corpus says what chords a piece has."""
    return bool((make_tables(piece.brief).spans[:, SPAN_COLUMNS["root"]] >= 0).any())


def describe(name: str, limit: int) -> tuple[str, list[str]]:
    """A style's part of the bands file, and its rows of the table."""
    style = load_style(name)
    made: list[NDArray[np.float64]] = []
    held: list[NDArray[np.float64]] = []
    harmonised: list[bool] = []
    for count, piece in enumerate(islice(encoded_pieces(style, seed=0), limit), 1):
        rows = window_features(piece.brief, 0, piece.actions)
        if is_held_out(piece.group):
            held.append(rows)
        else:
            made.append(rows)
            harmonised.append(has_chords(piece))
        if count % 50 == 0:
            print(f"{name}: {count} pieces", file=sys.stderr, flush=True)
    others = np.concatenate(held)
    lines, table = [f"[{name}]"], []
    for number, feature in enumerate(FEATURES):
        used = made
        if feature in HARMONIC:
            used = [rows for rows, has in zip(made, harmonised, strict=True) if has]
            if len(used) < LEAST_HARMONISED * len(made):
                continue
        edges = np.percentile(np.concatenate(used)[:, number], PERCENTILES)
        lines.append(f"{feature} = [{', '.join(f'{edge:.4g}' for edge in edges)}]")
        outside = float(((others[:, number] < edges[0]) | (others[:, number] > edges[-1])).mean())
        table.append(f"| {name} | {feature} | {' | '.join(f'{edge:.3g}' for edge in edges)} | {outside:.3f} |")
    windows = sum(map(len, made))
    heading = f"# {len(made)} pieces with {windows} windows of 8 bars; {len(held)} more were held out"
    return "\n".join([heading, *lines]) + "\n", table


def main() -> None:
    """Make the file, or one style's part of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--style", action="append", help="only this style, printed; may be given several times")
    parser.add_argument("--limit", type=int, default=400, help="at most so many pieces of each style")
    arguments = parser.parse_args()
    parts, table = (
        [],
        ["| style | feature | 5 | 25 | 50 | 75 | 95 | held out, outside |", "|---|---|---|---|---|---|---|---|"],
    )
    for name in arguments.style or style_names():
        part, rows = describe(name, arguments.limit)
        parts.append(part)
        table += rows
    if arguments.style:
        print("\n".join([*parts, *table]))
        return
    text = "# Percentiles 5, 25, 50, 75 and 95 of each feature; made by experiments/bands/make_bands.py.\n\n"
    write_atomically(Path(sys.modules["rlcompose"].__path__[0]) / BANDS_FILE, text + "\n".join(parts))
    write_atomically(HERE / "table.md", "\n".join(table) + "\n")


if __name__ == "__main__":
    main()
