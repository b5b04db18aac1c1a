"""Deep Q-learning of a distribution; the heavy libraries are loaded when it is used, not when it is listed."""

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
        from . import _boltzmann, _qrdqn
    except ModuleNotFoundError as error:
        raise missing_extra(str(error.name), "train") from error
    return _boltzmann.train_values("qrdqn", _qrdqn.MusicQRDQN, _qrdqn.MusicQRDQNPolicy, PRESET, job)


def load(folder: Path, brief: Brief) -> Agent:
    """The agent in a model folder."""
    try:
        from . import _boltzmann, _qrdqn
    except ModuleNotFoundError as error:
        raise missing_extra(str(error.name), "train") from error
    return _boltzmann.load_values("qrdqn", _qrdqn.MusicQRDQNPolicy, folder, brief)


register_agent(AgentKind("qrdqn", "deep Q-learning of quantiles, learns", train=train, load=load, preset=PRESET))
