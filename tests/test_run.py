"""The folder of a run: written once, read back whole, broken ones refused by name."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from rlcompose import load_style, train
from rlcompose.brief import Options, make_brief
from rlcompose.errors import RlcomposeError
from rlcompose.run import RunConfig, discard_run, new_run_folder, read_run, write_run


def some_config() -> RunConfig:
    return RunConfig(
        load_style("jazz").to_dict(), {"bars": 2, "range": [50, 70]}, {"motif": 2.0}, "greedy", 5, 7, ("/x.py",)
    )


def edited(folder: Path, **changes: object) -> Path:
    """A run whose `config.json` has other values; None takes a key away."""
    folder.mkdir()
    brief = make_brief("jazz", {"bars": 2})
    write_run(folder, some_config(), brief, ["rlcompose", "train"])
    path = folder / "config.json"
    document = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in document.items() if value is not None}))
    return folder


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    run = read_run(edited(tmp_path / "run"))
    assert run.config == some_config()
    assert run.style == load_style("jazz")
    assert (run.brief.bars, run.brief.range) == (2, (50, 70))
    assert [(weighted.term.name, weighted.weight) for weighted in run.terms()] == [("motif", 2.0)]
    assert run.agent().name == "greedy"


def test_a_schedule_and_where_the_agent_comes_from_are_kept(tmp_path: Path) -> None:
    config = replace(some_config(), schedules={"motif": [[0.0, 0.0], [0.5, 2.0]]}, start="/runs/jazz-ppo-1")
    write_run(tmp_path, config, make_brief("jazz", {"bars": 2}), ["rlcompose", "train"])
    run = read_run(tmp_path)
    assert run.config == config
    [weighted] = run.terms()
    assert (weighted.weight, weighted.schedule) == (2.0, ())  # what it has learned is the last of the schedule


def test_what_a_run_has_none_of_is_not_written(tmp_path: Path) -> None:
    document = json.loads((edited(tmp_path / "run") / "config.json").read_text())
    assert {"schedules", "from"}.isdisjoint(document)


def test_options_are_put_over_the_runs(tmp_path: Path) -> None:
    run = read_run(edited(tmp_path / "run", options={"bars": 2, "key": "F", "tempo": 150}))
    asked = run.asked(Options(bars=4)).options
    assert (asked.bars, asked.key, asked.tempo) == (4, "F", 150)
    chart = run.asked(Options(chords="Dm7 | G7 | C^7")).options
    assert (chart.bars, chart.key, chart.tempo) == (None, None, 150)


def test_the_command_is_quoted_for_a_shell(tmp_path: Path) -> None:
    write_run(tmp_path, some_config(), make_brief("jazz"), ["rlcompose", "train", "--chords", "Dm7 | G7"])
    assert (tmp_path / "command.txt").read_text() == "rlcompose train --chords 'Dm7 | G7'\n"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"agent": "pp"}, "unknown agent 'pp'"),
        ({"seed": None}, "is not a run's configuration: KeyError 'seed'"),
        ({"seed": "x"}, "is not a run's configuration: ValueError"),
        ({"rewards": 1}, "is not a run's configuration: AttributeError"),
        ({"rewards": {"motf": 1}}, "did you mean 'motif'?"),
        ({"options": [1]}, "the options [1] are no mapping"),
        ({"options": {"bras": 1}}, "unknown option 'bras': did you mean 'bars'?"),
        ({"style": {"name": "x"}}, "config.json"),
    ],
)
def test_a_broken_configuration_is_refused(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    with pytest.raises(RlcomposeError) as error:
        run = read_run(edited(tmp_path / "run", **changes))
        run.terms()
        run.agent()
    assert told in str(error.value)


def test_a_configuration_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RlcomposeError, match="is not a run's configuration"):
        read_run(tmp_path)


def test_a_missing_run_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "jazz-ppo-1").mkdir()
    with pytest.raises(RlcomposeError, match="did you mean '.*jazz-ppo-1'"):
        read_run(tmp_path / "jaz-ppo-1")


def test_a_run_without_a_model_says_so(trained_run: SimpleNamespace, tmp_path: Path) -> None:
    shutil.copy(trained_run.folder / "config.json", tmp_path)
    with pytest.raises(RlcomposeError, match="has no model yet"):
        read_run(tmp_path).agent()


def test_a_run_keeps_the_style_that_it_was_made_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = Path(train.__file__).with_name("styles") / "jazz.toml"
    Path("mine.toml").write_text(shipped.read_text().replace('name = "jazz"', 'name = "mine"'))
    assert train.main(["--style", "mine.toml", "--agent", "random", "--bars", "1"]) == 0
    Path("mine.toml").unlink()
    assert read_run("runs/mine-random-1").style.name == "mine"


def test_the_next_free_number_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [new_run_folder("jazz", agent, None).as_posix() for agent in ("ppo", "ppo", "greedy")]
    assert names == ["runs/jazz-ppo-1", "runs/jazz-ppo-2", "runs/jazz-greedy-1"]


def test_a_discarded_run_leaves_the_users_own_folder(tmp_path: Path) -> None:
    for keep in (True, False):
        folder = new_run_folder("jazz", "ppo", str(tmp_path / "run"))
        (folder / "config.json").write_text("{}")
        discard_run(folder, keep_folder=keep)
        assert folder.exists() == keep
