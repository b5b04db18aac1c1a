"""The health of a training: what goes wrong is found early and told in words, with the numbers and what to try.

Nothing here knows a learning library. Whatever trains tells what it sees: the actions that are played, the numbers of
each update, and when something is no longer a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW = 2048  # the latest actions, in which one that crowds out the others is looked for


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, where it shows, and what to try.

    name      one word or two: "collapse"
    step      events learned from when it was found
    evidence  what was seen, with its numbers
    advice    which setting to change
    """

    name: str
    step: int
    evidence: str
    advice: str

    def __str__(self) -> str:
        return f"{self.name} at step {self.step:,}: {self.evidence}; {self.advice}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"name": self.name, "step": self.step, "evidence": self.evidence, "advice": self.advice}


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of an update that is unhealthy beyond its limit.

    key    as the trainer calls it
    above  the number may be at most this
    below  the number may be at least this
    after  only once this share of the training is over
    """

    name: str
    key: str
    says: str
    advice: str
    above: float = float("inf")
    below: float = float("-inf")
    after: float = 0.0


LOWER_RATE = "try a learning_rate a tenth as large (--set learning_rate=…)"
LIMITS = (
    # The clipped objective holds the divergence near 0.01 to 0.03; the defaults stay below 0.1.
    Limit("policy changed too fast", "approx_kl", "one update moved the policy by {:.3g} nats", LOWER_RATE, above=0.5),
    Limit("policy changed too fast", "clip_fraction", "{:.0%} of an update was clipped", LOWER_RATE, above=0.8),
    Limit(
        "exploding value",
        "value_loss",
        "the value is wrong by {:.3g} squared",
        LOWER_RATE + ", or smaller reward weights",
        above=1e6,
    ),
    Limit(
        "entropy gone",
        "entropy",
        "the policy has {:.3g} nats of choice left",
        "try a larger ent_coef (--set ent_coef=0.03), or a lower learning_rate",
        below=0.05,
    ),
    Limit(
        "value explains nothing",
        "explained_variance",
        "the value explains {:.2f} of the returns' variance, late in the training",
        "try more steps, or a smaller gamma (--set gamma=0.9)",
        below=0.0,
        after=0.5,
    ),
)
MOST_COMMON, MOST_ILLEGAL = 0.9, 0.2  # shares of the window
ILLEGAL_AFTER = 0.5  # of the training: at first an agent that sees no masks has to learn what is legal


class Health:
    """Watches one training and tells each kind of finding once."""

    def __init__(self, steps: int, tell: Callable[[Finding], None]) -> None:
        """`steps` is the whole budget; `tell` is called with every finding as soon as it is there."""
        self.steps = steps
        self.findings: list[Finding] = []
        self.commonest_share = 0.0
        self.illegal_share = 0.0
        self._tell = tell
        self._latest = np.full(WINDOW, -1, np.int64)
        self._illegal = np.zeros(WINDOW, np.bool_)
        self._seen = 0
        self._looked = 0

    def played(self, step: int, actions: NDArray[np.int64], illegal: NDArray[np.bool_]) -> None:
        """Actions (envs,) of one step of the environments, and which of them were not allowed."""
        at = (self._seen + np.arange(len(actions))) % WINDOW
        self._latest[at], self._illegal[at] = actions, illegal
        self._seen += len(actions)
        if self._seen < WINDOW or self._seen - self._looked < WINDOW // 4:
            return
        self._looked = self._seen
        counts = np.bincount(self._latest)
        self.commonest_share = float(counts.max()) / WINDOW
        self.illegal_share = float(self._illegal.mean())
        if self.commonest_share > MOST_COMMON:
            self._find(
                "collapse",
                step,
                f"{self.commonest_share:.0%} of the last {WINDOW:,} actions are action {counts.argmax()}",
                LOWER_RATE + ", or a larger ent_coef",
            )
        if self.illegal_share > MOST_ILLEGAL and step > ILLEGAL_AFTER * self.steps:
            self._find(
                "illegal actions",
                step,
                f"{self.illegal_share:.0%} of the last {WINDOW:,} actions were not allowed",
                "try --agent maskable_ppo, which chooses among the legal ones only",
            )

    def updated(self, step: int, numbers: Mapping[str, float]) -> None:
        """The numbers of an update, as far as there are any: `approx_kl`, `entropy`, `value_loss` and so on."""
        for limit in LIMITS:
            value = numbers.get(limit.key)
            if value is None or step < limit.after * self.steps:
                continue
            if value > limit.above or value < limit.below:
                self._find(limit.name, step, limit.says.format(value), limit.advice)

    def not_a_number(self, step: int, what: str) -> None:
        """Weights or losses are infinite or not a number: nothing can be learned from here on."""
        self._find("NaN", step, f"{what} no longer finite numbers, so learning was stopped", LOWER_RATE)

    def _find(self, name: str, step: int, evidence: str, advice: str) -> None:
        if any(finding.name == name for finding in self.findings):
            return
        self.findings.append(Finding(name, step, evidence, advice))
        self._tell(self.findings[-1])
