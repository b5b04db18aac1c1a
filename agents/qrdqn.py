"""Deep Q-learning of the return's quantiles."""

from __future__ import annotations

from ._lazy import register_learner

register_learner("qrdqn", "deep Q-learning of the return's quantiles (sb3-contrib)", "_qrdqn")
