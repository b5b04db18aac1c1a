"""Deep Q-learning."""

from __future__ import annotations

from ._lazy import register_learner

register_learner("dqn", "deep Q-learning (SB3)", "_dqn", has_prior=True)
