"""PPO that chooses among legal actions only."""

from __future__ import annotations

from ._lazy import register_learner

register_learner("maskable_ppo", "PPO that chooses among legal actions only (sb3-contrib)", "_ppo", has_prior=True)
