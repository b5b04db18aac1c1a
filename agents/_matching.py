"""A reward that keeps a policy's music, as a whole, where real music is: what it has too much of costs, what it lacks pays.

A fixed judge of single pieces has a favourite, and every piece that is paid by it moves there: pieces become more alike
than real ones, and easier to tell from them. Here nothing is paid to a piece for being usual. At every rollout the means
of features and of their squares over all windows of eight bars are put beside real music's, and for each feature a slope
moves by the difference; a window earns the sum of its features times their slopes. Where the means agree, the slopes
stay. So the reward is a linear critic that follows the policy, and the anchor keeps both from chasing one another.

Source: Abbeel and Ng 2004, "Apprenticeship learning via inverse reinforcement learning", ICML; Ho and Ermon 2016,
"Generative adversarial imitation learning", NeurIPS (a linear class of costs).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlcompose.engine.moments import Moments
from rlcompose.learned.naturalness import WIDEST_LOGIT, naturalness_of
from rlcompose.learned.paying import windows_of_rows
from rlcompose.reward import BAR_END, Term

MATCHING = "matching"  # the term's name in logs
RATE = 0.15  # of a standard deviation's difference that a rollout adds to a slope


class Matching:
    """The slopes of one training."""

    def __init__(self, style: str) -> None:
        """What real music of the style is like stands beside the package's naturalness head of it."""
        self._head = naturalness_of(style)
        self.slopes = np.zeros(len(self._head.usual))
        self._sums = np.zeros(len(self._head.usual))
        self._count = 0

    @property
    def term(self) -> Term:
        """As a reward term, -1 to 1 for a piece."""
        return Term(MATCHING, self._pay, __file__, at=BAR_END, low=-1, high=1, batched=True)

    @property
    def distance(self) -> float:
        """The root of the mean square of the differences since the last update, in standard deviations."""
        return float(np.sqrt(np.mean(self._difference() ** 2))) if self._count else float("nan")

    def update(self) -> None:
        """Move the slopes by what the windows since the last update had too little and too much of."""
        if self._count:
            self.slopes += RATE * self._difference()
        self._sums[:] = 0.0
        self._count = 0

    def _difference(self) -> NDArray[np.float64]:
        difference: NDArray[np.float64] = self._head.usual - self._sums / self._count
        return difference

    def _pay(self, moments: Moments) -> NDArray[np.float64]:
        result = np.zeros(len(moments))
        rows, shares, features = windows_of_rows(moments)
        if len(rows):
            seen = self._head.statistics(features)
            self._sums += seen.sum(axis=0)
            self._count += len(rows)
            result[rows] = np.clip((seen - self._head.usual) @ self.slopes / WIDEST_LOGIT, -1.0, 1.0) * shares
        return result
