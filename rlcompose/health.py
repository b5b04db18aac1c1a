"""The health of a training: what goes wrong is found early and told in words, with the numbers and what to try.

Nothing here knows a learning library. Whatever trains tells what it sees: the actions that are played, the numbers of
each update, and when something is no longer a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.preset import Preset

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


# What to try: settings, and how many times their present value.
LOWER_RATE, MORE_ENTROPY, SHORTER_SIGHT = ("learning_rate", 0.1), ("ent_coef", 2.0), ("gamma", 0.95)
SMALLER_REWARDS = ", or smaller weights of the rewards"


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of an update that is unhealthy beyond its limit.

    name      of the finding
    key       of the number
    says      the evidence, with a place for the number
    remedies  settings, and how many times their present value to try
    most      the number is at most this in health
    least     and at least this
    after     once so many steps are learned from: what has only begun to learn is not ill
    also      what else may help
    """

    name: str
    key: str
    says: str
    remedies: tuple[tuple[str, float], ...]
    most: float = math.inf
    least: float = -math.inf
    after: int = 0
    also: str = ""


LIMITS = (
    # An update of the defaults moves the policy by 0.001 to 0.03 nats and clips up to a third of it.
    Limit(
        "policy changed too fast", "approx_kl", "one update moved the policy by {:.3g} nats", (LOWER_RATE,), most=0.5
    ),
    Limit("policy changed too fast", "clip_fraction", "{:.0%} of an update was clipped", (LOWER_RATE,), most=0.8),
    # Squared errors of the defaults are 1 to 7.
    Limit(
        "exploding value",
        "value_loss",
        "the value's mean squared error is {:.3g}",
        (LOWER_RATE,),
        most=1e6,
        also=SMALLER_REWARDS,
    ),
    # The defaults begin with 4.6 nats and end with 0.9.
    Limit("collapse", "entropy", "the policy has {:.3g} nats of choice left", (LOWER_RATE, MORE_ENTROPY), least=0.05),
    Limit(
        "value explains nothing",
        "explained_variance",
        "the value explains {:.0%} of the variance of the returns",
        (SHORTER_SIGHT,),
        least=0.05,
        after=500_000,
    ),
)
# Three actions are 0.4 of what a trained policy plays, and up to 0.7 over a short chart that never changes.
FEW, MOST_COMMON = 3, 0.9
MOST_ILLEGAL, ILLEGAL_AFTER = 0.2, 200_000  # an agent that sees no masks has to learn what is legal first


class Health:
    """Watches one training and tells each kind of finding once."""

    def __init__(self, preset: Preset, settings: Mapping[str, Any], tell: Callable[[Finding], None]) -> None:
        """`settings` are the training's by name; `tell` is called with every finding as soon as it is there."""
        self.findings: list[Finding] = []
        self.commonest_share = 0.0
        self.illegal_share = 0.0
        self._preset = preset
        self._settings = settings
        self._tell = tell
        self._actions = np.full(WINDOW, -1, np.int64)
        self._illegal = np.zeros(WINDOW, np.bool_)
        self._seen = 0
        self._next_look = WINDOW

    def played(self, step: int, actions: NDArray[np.int64], illegal: NDArray[np.bool_]) -> None:
        """Actions (envs,) of one step of the environments, and which of them were not allowed."""
        at = (self._seen + np.arange(len(actions))) % WINDOW
        self._actions[at], self._illegal[at] = actions, illegal
        self._seen += len(actions)
        if self._seen >= self._next_look:
            self._next_look = self._seen + WINDOW // 4
            self._look_at_actions(step)

    def _look_at_actions(self, step: int) -> None:
        counts = np.bincount(self._actions)
        common = np.argsort(-counts, kind="stable")[:FEW]
        common = common[counts[common] > 0]
        self.commonest_share = float(counts[common[0]]) / WINDOW
        self.illegal_share = float(self._illegal.mean())
        share = float(counts[common].sum()) / WINDOW
        if share > MOST_COMMON:
            names = " and ".join(str(action) for action in common)
            evidence = f"{share:.0%} of the last {WINDOW:,} actions are number {names}"
            self._find("collapse", step, evidence, self._advice(LOWER_RATE, MORE_ENTROPY))
        if self.illegal_share > MOST_ILLEGAL and step >= ILLEGAL_AFTER:
            evidence = f"{self.illegal_share:.0%} of the last {WINDOW:,} actions were not allowed"
            self._find("illegal actions", step, evidence, "try --agent maskable_ppo, which chooses among legal ones")

    def updated(self, step: int, numbers: Mapping[str, float]) -> None:
        """The numbers of an update, as far as there are any: `approx_kl`, `entropy`, `value_loss` and so on."""
        for limit in LIMITS:
            value = numbers.get(limit.key)
            if value is not None and step >= limit.after and (value < limit.least or value > limit.most):
                self._find(limit.name, step, limit.says.format(value), self._advice(*limit.remedies) + limit.also)

    def not_a_number(self, step: int, what: str) -> None:
        """`what`, as in "the weights", is infinite or not a number: nothing can be learned from here on."""
        advice = self._advice(LOWER_RATE) + SMALLER_REWARDS
        self._find("NaN", step, f"{what} are no longer finite numbers, so learning stops", advice)

    def found(self, finding: Finding) -> None:
        """Tell what others have found, each kind once."""
        if all(known.name != finding.name for known in self.findings):
            self.findings.append(finding)
            self._tell(finding)

    def _advice(self, *remedies: tuple[str, float]) -> str:
        """Of each setting the preset's value, or where that is no remedy the present one times the factor."""
        tried = []
        for name, factor in remedies:
            if self._settings.get(name):
                better = min if factor < 1 else max
                tried.append(f"--set {name}={better(self._preset[name].value, self._settings[name] * factor):.3g}")
        return f"try {' or '.join(tried)}" if tried else "try other settings (--set)"

    def _find(self, name: str, step: int, evidence: str, advice: str) -> None:
        self.found(Finding(name, step, evidence, advice))
