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
FEWEST_WINDOWS = 100


def has_chords(piece: Encoded) -> bool:
    """Whether the corpus says what chords a piece has."""
    return bool((make_tables(piece.brief).spans[:, SPAN_COLUMNS["root"]] >= 0).any())


def describe(name: str, limit: int) -> tuple[str, list[str]]:
    """A style's part of the bands file, and its rows of the table."""
    style = load_style(name)
    made: list[list[float]] = []
    held: list[list[float]] = []
    harmonised: list[bool] = []
    count = 0
    for piece in islice(encoded_pieces(style, seed=0), limit):
        rows = window_features(piece.brief, 0, piece.actions).tolist()
        count += 1
        if is_held_out(piece.group):
            held += rows
        else:
            made += rows
            harmonised += [has_chords(piece)] * len(rows)
        if count % 50 == 0:
            print(f"{name}: {count} pieces, {len(made)} windows", file=sys.stderr, flush=True)
    values, others = np.array(made), np.array(held)
    lines, table = [f"[{name}]"], []
    for number, feature in enumerate(FEATURES):
        column: NDArray[np.float64] = values[:, number]
        if feature in HARMONIC and sum(harmonised) < FEWEST_WINDOWS:
            continue
        edges = np.percentile(column, PERCENTILES)
        lines.append(f"{feature} = [{', '.join(f'{edge:.4g}' for edge in edges)}]")
        outside = float(((others[:, number] < edges[0]) | (others[:, number] > edges[-1])).mean())
        table.append(f"| {name} | {feature} | {' | '.join(f'{edge:.3g}' for edge in edges)} | {outside:.3f} |")
    heading = f"# {count} pieces, {len(made)} windows of 8 bars"
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
