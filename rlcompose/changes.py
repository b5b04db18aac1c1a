"""What has changed from one agent's pieces to another's: how high, dense and smooth they are, what each term pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.agent import Played
from rlcompose.brief import Brief
from rlcompose.reward import WeightedTerm

WIDEST_STEP, NARROWEST_LEAP = 2, 5  # semitones: a whole tone, and a fourth

# What is measured of the music: the key in a result, and what it is called in the table.
MUSIC: Mapping[str, str] = {
    "mean_pitch": "mean pitch (MIDI)",
    "mean_pitch_above_tonic": "mean pitch (semitones above the tonic)",
    "range": "from the lowest to the highest note (semitones)",
    "notes_per_bar": "notes a bar",
    "rest_share": "rests, share of the time",
    "step_share": "steps, share of the intervals",
    "leap_share": "leaps of a fourth or more, share of the intervals",
}
TERM = "terms/"  # before the name of a term, as in metrics.csv


def measured(brief: Brief, terms: Sequence[WeightedTerm], pieces: Sequence[Played]) -> dict[str, float | None]:
    """The means over pieces of what `MUSIC` names, of the return, and of what each term pays in a piece.

    None where no piece has any, as intervals in pieces of single notes.
    """
    from rlcompose.engine.core import Engine

    engine = Engine(brief, terms, len(pieces))
    engine.reset([piece.seed for piece in pieces])
    shares = np.zeros_like(engine.state.account)
    heard: list[list[tuple[int, int]]] = [[] for _ in pieces]  # semitones above the tonic and ticks of each note
    while not engine.state.done.all():
        running = np.flatnonzero(~engine.state.done).tolist()
        chosen = np.zeros(len(pieces), np.int64)
        numbers = engine.field("num_events")
        for row in running:
            chosen[row] = pieces[row].actions[numbers[row]]
        engine.step(chosen)
        shares[running] += engine.state.account[running]
        pitches, ticks, is_rest = (engine.field(name) for name in ("pitch", "ticks", "is_rest"))
        for row in running:
            if not is_rest[row]:
                heard[row].append((int(pitches[row]), int(ticks[row])))
    place = {name: engine.field(name).astype(float) for name in ("tonic_pitch", "bars", "total_ticks")}
    columns: dict[str, list[float]] = {name: [] for name in MUSIC}
    for row, notes in enumerate(heard):
        columns["notes_per_bar"].append(len(notes) / place["bars"][row])
        columns["rest_share"].append(1 - sum(length for _, length in notes) / place["total_ticks"][row])
        if notes:
            above = np.array([pitch for pitch, _ in notes])
            columns["mean_pitch_above_tonic"].append(float(above.mean()))
            columns["mean_pitch"].append(float(above.mean() + place["tonic_pitch"][row]))
            columns["range"].append(float(above.max() - above.min()))
            _measure_intervals(columns, np.abs(np.diff(above)))
    found = {name: round(float(np.mean(values)), 4) if values else None for name, values in columns.items()}
    paid = {TERM + name: round(float(mean), 4) for name, mean in zip(engine.names, shares.mean(axis=0), strict=True)}
    return {**found, "return": round(float(np.mean([piece.total for piece in pieces])), 4), **paid}


def _measure_intervals(columns: Mapping[str, list[float]], sizes: NDArray[np.int64]) -> None:
    if len(sizes):
        columns["step_share"].append(float(((sizes > 0) & (sizes <= WIDEST_STEP)).mean()))
        columns["leap_share"].append(float((sizes >= NARROWEST_LEAP).mean()))


@dataclass(frozen=True, slots=True)
class Changes:
    """What was measured before and after, over so many pieces.

    weights      of the terms, by name, as they are paid in both columns
    old_weights  with which the agent had learned before
    """

    pieces: int
    before: Mapping[str, float | None]
    after: Mapping[str, float | None]
    weights: Mapping[str, float]
    old_weights: Mapping[str, float]

    @property
    def new_terms(self) -> tuple[str, ...]:
        """The names of the terms that were not paid before."""
        return tuple(name for name in self.weights if not self.old_weights.get(name))

    def to_dict(self) -> dict[str, dict[str, float | None]]:
        """By the name of what was measured: `before` and `after`."""
        return {name: {"before": old, "after": new} for name, _, old, new in self._rows()}

    def _rows(self) -> list[tuple[str, str, float | None, float | None]]:
        """Key, name in the table, before, after."""
        rows = [(name, title, self.before[name], self.after[name]) for name, title in MUSIC.items()]
        rows.append(("return", "return of a piece", self.before["return"], self.after["return"]))
        if self.new_terms:
            old, new = (self._without_new(values) for values in (self.before, self.after))
            rows.append(("return_without_new_terms", "return without what is new", old, new))
        for name in (name for name in self.before if name.startswith(TERM)):
            rows.append((name, self._title(name.removeprefix(TERM)), self.before[name], self.after[name]))
        return rows

    def _without_new(self, values: Mapping[str, float | None]) -> float:
        return round((values["return"] or 0.0) - sum(values[TERM + name] or 0.0 for name in self.new_terms), 4)

    def _title(self, name: str) -> str:
        if name not in self.weights:  # what illegal actions are paid
            return name
        weight, old = self.weights[name], self.old_weights.get(name)
        was = ", new" if not old else f", was {old:g}" if old != weight else ""
        return f"{name} × {weight:g}{was}"

    def _cells(self) -> list[tuple[str, ...]]:
        heading = (f"mean of {self.pieces} pieces", "before", "after", "change")
        cells: list[tuple[str, ...]] = [heading]
        for _, title, old, new in self._rows():
            change = None if old is None or new is None else new - old
            cells.append((title, _number(old), _number(new), "" if change is None else f"{change:+.2f}"))
        return cells

    def lines(self) -> list[str]:
        """The table for a terminal."""
        cells = self._cells()
        widths = [max(len(row[column]) for row in cells) for column in range(4)]
        return [
            row[0].ljust(widths[0]) + "".join(f"  {cell.rjust(w)}" for cell, w in zip(row[1:], widths[1:], strict=True))
            for row in cells
        ]

    def markdown(self) -> str:
        """The table as Markdown."""
        heading, *rows = (f"| {' | '.join(row)} |" for row in self._cells())
        return "\n".join([heading, "|---|---:|---:|---:|", *rows]) + "\n"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
