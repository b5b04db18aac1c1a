"""The numbers of sets of pieces as a picture: a line a number, a mark a set, real music in the middle."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rlcompose.errors import missing_extra, unknown
from rlcompose.evaluation import REAL
from rlcompose.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette, and marks that differ without it.
COLORS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7")
MARKS = ("o", "s", "^", "D", "v", "P", "X")
FORMATS = ("png", "svg", "pdf")
ROW_INCHES, INCHES_WIDE, DOTS_AN_INCH = 0.26, 9.0, 110


def plot_numbers(sets: Sequence[Mapping[str, Any]], ax: Axes | None = None) -> Axes:
    """Draw what `Bench.measure` gave: each number relative to that of the set "real", in units of its spread.

    The unit is the largest distance of any set from the real one, so that every line fits; the number itself stands
    beside each line for the real music. Without `ax` new axes are made; they are returned.
    """
    real = next((row for row in sets if row["name"] == REAL), sets[0])
    names = [name for name in real["numbers"] if real["numbers"][name] and not name.startswith("divergence_")]
    if ax is None:
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise missing_extra("matplotlib", "plot") from None
        figure = Figure(figsize=(INCHES_WIDE, ROW_INCHES * (len(names) + 4)), layout="constrained")
        ax = figure.add_subplot()
    spans = {}
    for name in names:
        base = real["numbers"][name]["value"]
        found = [abs(row["numbers"][name]["value"] - base) for row in sets if row["numbers"].get(name)]
        spans[name] = max(found) or 1.0
    for number, row in enumerate(sets):
        color, mark = COLORS[number % len(COLORS)], MARKS[number % len(MARKS)]
        for line, name in enumerate(names):
            value, base = row["numbers"].get(name), real["numbers"][name]["value"]
            if not value:
                continue
            at, scale = (value["value"] - base) / spans[name], 1 / spans[name]
            if "low" in value:
                ends = [(value[end] - base) * scale for end in ("low", "high")]
                ax.plot(ends, [line, line], color=color, linewidth=1.5, zorder=2)
            label = os.path.basename(row["name"].rstrip(os.sep)) if line == 0 else None
            ax.plot(at, line, mark, color=color, markersize=6, label=label, zorder=3, linestyle="none")
    ax.set_yticks(range(len(names)))
    ax.set_yticklabels(
        [f"{name.replace('_', ' ')}  {real['numbers'][name]['value']:.3g}" for name in names], fontsize=8
    )
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(-1.15, 1.15)
    ax.set_xticks([0])
    ax.set_xticklabels(["as real music"])
    ax.grid(axis="y", color="#EDEDED", zorder=0)
    ax.axvline(0, color="#A8A8A8", linewidth=1, zorder=1)
    ax.set_title("beside each name: the value of real music; lines are scaled one by one", fontsize=9)
    ax.figure.legend(loc="outside lower center", ncols=min(len(sets), 5), fontsize=8)
    return ax


def write_numbers(sets: Sequence[Mapping[str, Any]], path: str | os.PathLike[str]) -> None:
    """Draw the numbers into a PNG, SVG or PDF file, by its ending."""
    ending = picture_format(path)
    figure: Any = plot_numbers(sets).figure
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=DOTS_AN_INCH, format=ending)


def picture_format(path: str | os.PathLike[str]) -> str:
    """The format that a file's ending names, PNG where it has none; another one is an error."""
    ending = os.path.splitext(os.fspath(path))[1].lstrip(".").lower() or FORMATS[0]
    if ending not in FORMATS:
        raise unknown("kind of picture", ending, FORMATS)
    return ending
