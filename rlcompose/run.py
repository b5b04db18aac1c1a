"""The folder of one run: what was asked for, with what, what came of it; made by `train`, read by `compose`."""

from __future__ import annotations

import json
import platform
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from rlcompose.agent import Agent, AgentKind, find_agent
from rlcompose.brief import Brief, Options, asked_over, make_brief
from rlcompose.errors import RlcomposeError
from rlcompose.files import missing_file, write_atomically
from rlcompose.piece import json_text, read_options
from rlcompose.reward import WeightedTerm, weigh_terms
from rlcompose.style import Style, style_from_dict

_Found = TypeVar("_Found")

RUNS = Path("runs")
CONFIG = "config.json"
_PACKAGES = ("rlcompose", "gymnasium", "stable-baselines3", "torch", "numpy", "numba", "pretty_midi", "pyfluidsynth")


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What a run was asked for.

    style      the whole style, so that a changed or foreign style file cannot change the run
    rewards    the weights of all terms that are paid; of those with a schedule the last
    settings   the hyper-parameters that differ from the agent's preset
    schedules  of the terms whose weight changed while it learned: pairs of (share of the steps, weight)
    start      the folder of the run whose agent it went on with, or "prior"; empty where it began from scratch
    """

    style: dict[str, Any]
    options: dict[str, Any]
    rewards: dict[str, float]
    agent: str
    steps: int
    seed: int
    plugins: tuple[str, ...] = ()
    settings: dict[str, int | float] = field(default_factory=dict)
    schedules: dict[str, list[list[float]]] = field(default_factory=dict)
    start: str = ""


def new_run_folder(style: str, agent: str, out: str | None) -> Path:
    """An empty folder for a run: `out`, or the next free `runs/STYLE-AGENT-NUMBER`; its parents are made."""
    if out is not None:
        folder = Path(out)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            what = "is not empty" if folder.is_dir() else "is a file"
            raise RlcomposeError(f"the folder {out} {what}: name another one with --out, nothing is overwritten")
        _make(folder)
        return folder
    number = 1
    while True:
        folder = RUNS / f"{style}-{agent}-{number}"
        try:
            if not RUNS.is_dir():
                RUNS.mkdir()
            folder.mkdir()
            return folder
        except OSError as error:
            if isinstance(error, FileExistsError) and RUNS.is_dir():
                number += 1
                continue
            raise RlcomposeError(
                f"cannot make the folder {folder}: {error.strerror}; name another with --out"
            ) from None


def discard_run(folder: Path, keep_folder: bool) -> None:
    """Delete what a run that never began has written; with `keep_folder` the folder stays, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    if keep_folder:
        folder.mkdir(exist_ok=True)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").write_bytes(b"")
        (folder / ".writable").unlink()
    except OSError as error:
        raise RlcomposeError(f"cannot write into the folder {folder}: {error.strerror}") from None


def make_output_folder(folder: Path) -> Path:
    """A folder for results, made with its parents; one that cannot be written to is an error."""
    _make(folder)
    return folder


def write_run(folder: Path, config: RunConfig, brief: Brief, command: Sequence[str]) -> None:
    """Write `config.json`, `command.txt` (the words of the command) and `versions.json`."""
    document = {
        "style": config.style,
        "style_fingerprint": brief.style.fingerprint,
        "options": config.options,
        "rewards": config.rewards,
        "agent": config.agent,
        "steps": config.steps,
        "seed": config.seed,
        "plugins": list(config.plugins),
        "settings": config.settings,
    }
    if config.schedules:
        document["schedules"] = config.schedules
    if config.start:
        document["from"] = config.start
    write_atomically(folder / CONFIG, json_text(document))
    write_atomically(folder / "command.txt", shlex.join(command) + "\n")
    write_atomically(folder / "versions.json", json_text(_versions()))


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run, ready to compose."""

    folder: Path
    config: RunConfig
    style: Style
    brief: Brief

    @property
    def model(self) -> Path:
        """The folder of the trained policy."""
        return self.folder / "model"

    def kind(self) -> AgentKind:
        """The kind of its agent; one of a plug-in must be loaded already."""
        return self._with_hint(find_agent, self.config.agent)

    def agent(self) -> Agent:
        """The trained agent, or the one that needs no training."""
        kind = self.kind()
        if kind.load is None:
            return kind.made(self.config.settings)
        if not (self.model / "config.json").is_file():
            raise RlcomposeError(f"the run {self.folder} has no model yet: was its training interrupted at once?")
        return kind.load(self.model, self.brief)

    def agent_for(self, style: Style) -> Agent:
        """Its agent, to play in another style.

        Raises:
            RlcomposeError: That style has other lengths than those with which the agent has learned to play.
        """
        ours, theirs = ([ticks for _, ticks in each.durations] for each in (style, self.style))
        if ours != theirs:
            raise RlcomposeError(
                f"the agent of the run {self.folder} plays lengths of {theirs} ticks, {style.name!r} has {ours}"
            )
        return self.agent()

    def terms(self) -> tuple[WeightedTerm, ...]:
        """The terms with their weights. A run never imports its plug-ins: terms of theirs must be loaded already."""
        return self._with_hint(weigh_terms, self.config.rewards)

    def asked(self, options: Options) -> Brief:
        """The brief with these options over the run's; a new chart also drops the run's key, form and length."""
        return asked_over(self.brief, options)

    def settings(self, changes: Mapping[str, int | float]) -> dict[str, int | float]:
        """The settings to go on with; what the model was made with, such as its width, cannot be changed."""
        try:
            made_with = json.loads((self.model / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RlcomposeError(f"cannot read the model in {self.model}: {error}") from None
        fixed = {name: made_with[name] for name in self.kind().preset if name in made_with}
        for name in fixed.keys() & changes.keys():
            if changes[name] != fixed[name]:
                raise RlcomposeError(
                    f"setting {name} is {changes[name]:g}: the model in {self.model} has {fixed[name]}"
                )
        return {**self.config.settings, **changes, **fixed}

    def _with_hint(self, find: Callable[[Any], _Found], asked: object) -> _Found:
        """What is found; the error where it is unknown names the plug-ins that may bring it."""
        try:
            return find(asked)
        except RlcomposeError as error:
            if not self.config.plugins:
                raise
            named = shlex.join([word for path in self.config.plugins for word in ("--plugin", path)])
            raise RlcomposeError(f"{error}. The run was made with a plug-in; if you trust it, add {named}") from None


def read_run(folder: Path | str) -> Run:
    """The run in a folder."""
    folder = Path(folder)
    path = folder / CONFIG
    if not folder.is_dir():
        raise missing_file("run", folder)
    if not path.is_file():
        raise RlcomposeError(f"{folder} is not a run: it has no {CONFIG}")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        config = RunConfig(
            style=document["style"],
            options=document["options"],
            rewards={str(name): float(weight) for name, weight in document["rewards"].items()},
            agent=document["agent"],
            steps=int(document["steps"]),
            seed=int(document["seed"]),
            plugins=tuple(document["plugins"]),
            settings=dict(document["settings"]),
            schedules=dict(document.get("schedules", {})),
            start=str(document.get("from", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RlcomposeError(f"{path} is not a run's configuration: {type(error).__name__} {error}") from None
    style = style_from_dict(config.style, str(path))
    return Run(folder, config, style, make_brief(style, read_options(config.options)))


def run_to_go_on_with(path: Path | str) -> Run:
    """The run whose agent is to learn on, by its folder or by the `model` folder within it.

    Raises:
        RlcomposeError: There is no such run, or its agent is none that goes on with what it has learned.
    """
    folder = Path(path)
    is_model = (folder / "model.safetensors").is_file()
    if is_model and not (folder.parent / CONFIG).is_file():
        raise RlcomposeError(f"{folder} is a model without its run: name the folder of the run, which has its rewards")
    run = read_run(folder.parent if is_model else folder)
    kind = run.kind()
    if not kind.goes_on:
        why = "learns" if kind.train is None else "goes on with what it has learned"
        raise RlcomposeError(f"the agent {kind.name!r} of the run {run.folder} is none that {why}: name another run")
    return run
