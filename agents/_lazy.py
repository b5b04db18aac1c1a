"""Agents that learn, announced without their heavy libraries: torch and SB3 are loaded when one is used."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from rlcompose.agent import Agent, AgentKind, TrainingJob, TrainingResult, register_agent
from rlcompose.brief import Brief
from rlcompose.errors import missing_extra
from rlcompose.preset import read_preset


def register_learner(name: str, summary: str, module: str, has_prior: bool = False) -> AgentKind:
    """Register an agent whose preset is NAME.toml, and whose `train` and `load` are those of a module of this folder.

    These are `train(name, preset, job) -> TrainingResult` and `load(name, folder, brief) -> Agent`.
    """
    preset = read_preset(Path(__file__).with_name(f"{name}.toml"))

    def code() -> Any:
        try:
            return import_module(f".{module}", __package__)
        except ModuleNotFoundError as error:
            raise missing_extra(str(error.name), "train") from error

    def train(job: TrainingJob) -> TrainingResult:
        result: TrainingResult = code().train(name, preset, job)
        return result

    def load(folder: Path, brief: Brief) -> Agent:
        agent: Agent = code().load(name, folder, brief)
        return agent

    return register_agent(
        AgentKind(name, summary, train=train, load=load, preset=preset, goes_on=True, has_prior=has_prior)
    )
