"""RL Tuner's benchmark (Jaques et al. 2017): nine rules of music theory pay a melody of 32 sixteenths; its metrics.

    import rlcompose.rl_tuner as rl_tuner
    shares = rl_tuner.terms(tokens)     # float64 (32, 9): what each rule pays for each event
    table = rl_tuner.metrics(melodies)  # the eleven published numbers

Prior and players that do not learn are in `prior` and `players`, a table's rows in `benchmark`; agents are in
`rlcompose.agents.rl_tuner`.
The environment is `gymnasium.make("rlcompose/RLTuner-v0")`.
"""

from __future__ import annotations

from rlcompose.rl_tuner.rules import CONVENTIONS, TERM_NAMES
from rlcompose.rl_tuner.scoring import METRIC_NAMES, metrics, returns, terms

__all__ = ["CONVENTIONS", "METRIC_NAMES", "TERM_NAMES", "metrics", "returns", "terms"]
