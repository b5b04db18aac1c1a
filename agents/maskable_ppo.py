"""PPO that chooses among legal actions only; the heavy libraries are loaded when it is used, not when it is listed."""

from __future__ import annotations

from pathlib import Path

from rlcompose.agent import Agent, AgentKind, TrainingJob, TrainingResult, register_agent
from rlcompose.brief import Brief
from rlcompose.errors import missing_extra
from rlcompose.preset import read_preset

PRESET = read_preset(Path(__file__).with_suffix(".toml"))


def train(job: TrainingJob) -> TrainingResult:
    """Train from scratch."""
    try:
        from . import _ppo
    except ModuleNotFoundError as error:
        raise missing_extra(str(error.name), "train") from error
    return _ppo.train("maskable_ppo", PRESET, job)


def load(folder: Path, brief: Brief) -> Agent:
    """The agent in a model folder."""
    try:
        from . import _ppo
    except ModuleNotFoundError as error:
        raise missing_extra(str(error.name), "train") from error
    return _ppo.load("maskable_ppo", folder, brief)


register_agent(
    AgentKind(
        "maskable_ppo",
        "PPO that chooses among legal actions only (sb3-contrib)",
        train=train,
        load=load,
        preset=PRESET,
    )
)
