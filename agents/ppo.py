"""Proximal policy optimisation."""

from __future__ import annotations

from ._lazy import register_learner

register_learner("ppo", "proximal policy optimisation, PPO (SB3)", "_ppo", has_prior=True)
