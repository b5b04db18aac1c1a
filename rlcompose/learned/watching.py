"""The watch over a training that the judge pays: what its evaluations play is looked at beside real music."""

from __future__ import annotations

from collections.abc import Sequence

from rlcompose.agent import Played, TrainingJob
from rlcompose.brief import Brief
from rlcompose.codec import decode
from rlcompose.engine.core import Engine
from rlcompose.health import Finding
from rlcompose.learned.judge import Judge, load_judge
from rlcompose.learned.layout import CLASSES, MAX_BARS
from rlcompose.learned.melodies import all_windows, make_melodies, windows_of
from rlcompose.learned.monitor import Watch, watched
from rlcompose.learned.paying import blend_of
from rlcompose.reward import WeightedTerm

TERM = "in_style"
FEWEST_NOTES = 4  # of a window that is looked at


class StyleWatch:
    """Watches the pieces of one training for the style that it is paid for most.

    Where the batch's mean p is beyond real music's, the judge's terms are paid nothing until the next evaluation.
    """

    def __init__(self, judge: Judge, style: str, brief: Brief, terms: Sequence[WeightedTerm]) -> None:
        """`terms` are all that the training pays."""
        real = judge.config["real"][style]
        self.watch = Watch(judge.monitor, style, float(real["mean"]), float(real["quartile"]))
        self._judge = judge
        self._brief = brief
        self._terms = tuple(terms)

    @classmethod
    def of(cls, job: TrainingJob) -> StyleWatch | None:
        """The watch over a job; None where the judge pays nothing."""
        for weighted in job.terms:
            if weighted.term.name.partition("(")[0] == TERM and (weighted.weight > 0 or weighted.schedule):
                blend = blend_of(job.brief.style.family, {name: float(v) for name, v in weighted.term.parameters})
                return cls(load_judge(), max(blend, key=lambda style: blend[style]), job.brief, job.terms)
        return None

    @property
    def latest(self) -> dict[str, float]:
        """What the latest evaluation showed: mean and lower quartile of p, the share of suspicious windows."""
        if not self.watch.history:
            return {}
        return {name: value for name, value in self.watch.history[-1].items() if name != "step"}

    def lean_on(self, engine: Engine, share: float) -> None:
        """Pay the judge's terms as far as they are to be leaned on; `share` of the budget is done."""
        for number, weighted in enumerate(engine.terms):
            if weighted.term.name.partition("(")[0] == TERM and weighted.weight_at(share) > 0:
                engine.weights[number] = weighted.weight_at(share) * self.watch.lean

    def look(self, step: int, pieces: Sequence[Played]) -> Finding | None:
        """Look at the pieces of an evaluation."""
        melodies = make_melodies([decode(self._brief, piece.seed, piece.actions) for piece in pieces])
        bars = min(MAX_BARS, int(melodies.pieces[:, 2].min()))
        numbers, starts = all_windows(melodies, bars)
        windows = windows_of(melodies, numbers, starts, bars)
        windows = windows[windows[:, 1] - windows[:, 0] >= FEWEST_NOTES]
        if not len(windows):
            return None
        said = self._judge.model.probabilities(melodies, windows)
        column = CLASSES.index(self.watch.style)
        return self.watch.look(step, said[:, column], watched(self._judge.model, melodies, windows))
