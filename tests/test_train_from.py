"""Going on from a run with other rewards: what is taken from it, what is left behind and told, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rlcompose import agent, compose, train
from rlcompose.agent import AgentKind, load_agents
from rlcompose.run import read_run

MakeRun = Callable[..., SimpleNamespace]

HIGH_NOTES = """
from rlcompose.reward import reward_term


@reward_term
def high_notes(m):
    return m.pitch / 12 if m.is_note else 0.0
"""
MORE = ["--steps", "1500", "--seed", "1"]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with one term."""
    file = tmp_path_factory.mktemp("plugin") / "mine.py"
    file.write_text(HIGH_NOTES, encoding="utf-8")
    return str(file)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rlcompose import reward

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reward, "_REGISTER", dict(reward.load_terms()))


@pytest.fixture(scope="module")
def further_run(
    make_run: MakeRun, trained_run: SimpleNamespace, plugin: str, tmp_path_factory: pytest.TempPathFactory
) -> SimpleNamespace:
    """The trained run, gone on with while high notes are paid, too."""
    from rlcompose import reward

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reward, "_REGISTER", dict(reward.load_terms()))
        options = ["--from", str(trained_run.folder), "--plugin", plugin, "--reward", "high_notes=0.5"]
        return make_run(tmp_path_factory.mktemp("further"), *options, *MORE)


def config(run: SimpleNamespace) -> dict[str, object]:
    document: dict[str, object] = json.loads((run.folder / "config.json").read_text())
    return document


# --- what it leaves behind ---


def test_a_piece_from_before_and_one_from_after_are_written(further_run: SimpleNamespace) -> None:
    names = {path.name for path in (further_run.folder / "pieces").iterdir()}
    endings = ("json", "mid", "musicxml", "png", "wav")
    assert names == {f"{name}.{ending}" for name in ("before", "after") for ending in endings}
    before, after = (json.loads(Path(further_run.result[f"{n}_piece"]).read_text()) for n in ("before", "after"))
    assert before["seed"] == after["seed"] and before["music"]["chords"] == after["music"]["chords"]
    assert further_run.err.startswith("a piece as the run ")


def test_before_is_what_the_run_plays(further_run: SimpleNamespace, trained_run: SimpleNamespace) -> None:
    before, trained = (
        json.loads(Path(piece).read_text())
        for piece in (further_run.result["before_piece"], trained_run.result["trained_piece"])
    )
    assert before["actions"] == trained["actions"]
    assert "high_notes" in before["rewards"]["terms"]  # it is paid as the piece after it is


def test_what_is_not_asked_for_is_the_runs(further_run: SimpleNamespace, trained_run: SimpleNamespace) -> None:
    was, now = config(trained_run), config(further_run)
    weights: Any = was["rewards"]
    # What a schedule has turned off is not there any more, and schedules are over.
    assert now["rewards"] == {name: weight for name, weight in weights.items() if weight} | {"high_notes": 0.5}
    assert {**now, "rewards": 0, "steps": 0, "plugins": 0, "from": 0, "schedules": 0} == {
        **was, "rewards": 0, "steps": 0, "plugins": 0, "from": 0, "schedules": 0,
    }  # fmt: skip
    assert now["from"] == str(trained_run.folder) and "from" not in was
    assert read_run(further_run.folder).config.start == str(trained_run.folder)


def test_what_has_changed_is_told_kept_and_in_the_result(further_run: SimpleNamespace) -> None:
    changed = further_run.result["changed"]
    assert {"mean_pitch", "notes_per_bar", "rest_share", "step_share", "leap_share", "range", "return"} <= set(changed)
    assert changed["return"]["after"] == pytest.approx(further_run.result["mean_return"]["after"], abs=1e-3)
    old = changed["return_without_new_terms"]["before"]
    assert old + changed["terms/high_notes"]["before"] == pytest.approx(changed["return"]["before"], abs=1e-3)
    assert json.loads((further_run.folder / "result.json").read_text())["changed"] == changed
    assert "mean of 50 pieces " in further_run.err and "\nhigh_notes × 0.5, new " in further_run.err
    table = Path(further_run.result["changes"])
    assert table.name == "changes.md" and "| high_notes × 0.5, new |" in table.read_text()
    assert "changed:" not in further_run.out


def test_the_run_composes_and_is_gone_on_with_in_turn(further_run: SimpleNamespace, plugin: str) -> None:
    assert compose.main([str(further_run.folder), "--plugin", plugin, "--out", "pieces"]) == 0
    options = ["--from", str(further_run.folder), "--plugin", plugin, "--reward", "high_notes=0", "--out", "back"]
    assert train.main([*options, *MORE]) == 0
    assert "high_notes" not in json.loads(Path("back/config.json").read_text())["rewards"]


def test_the_model_folder_names_its_run(
    further_run: SimpleNamespace, make_run: MakeRun, trained_run: SimpleNamespace, plugin: str, tmp_path: Path
) -> None:
    options = ["--from", str(trained_run.folder / "model"), "--plugin", plugin, "--reward", "high_notes=0.5"]
    again = make_run(tmp_path, *options, *MORE)
    models = [run.folder / "model" / "model.safetensors" for run in (again, further_run)]
    assert models[0].read_bytes() == models[1].read_bytes()


def test_bars_and_chart_may_be_others(make_run: MakeRun, trained_run: SimpleNamespace, tmp_path: Path) -> None:
    chart = ["--chords", "Dm7 | G7 | C^7 | %", "--bars", "8"]
    run = make_run(tmp_path, "--from", str(trained_run.folder), *chart, *MORE)
    music = json.loads(Path(run.result["after_piece"]).read_text())["music"]
    assert (music["bars"], music["chords"][0]["symbol"]) == (8, "Dm7")
    assert "return_without_new_terms" not in run.result["changed"]


def test_a_new_chart_alone_has_its_own_length(make_run: MakeRun, trained_run: SimpleNamespace, tmp_path: Path) -> None:
    run = make_run(tmp_path, "--from", str(trained_run.folder), "--chords", "Dm7 | G7 | C^7", *MORE)
    assert json.loads(Path(run.result["after_piece"]).read_text())["music"]["bars"] % 3 == 0


# --- it begins with the run's weights ---


def folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


@pytest.mark.parametrize("name", ["ppo", "maskable_ppo", "dqn", "qrdqn"])
def test_an_agent_that_may_not_learn_stays_as_the_run_left_it(name: str, make_run: MakeRun, tmp_path: Path) -> None:
    small = ["--set", "hidden=16"]
    bars = ["--bars", "2", "--steps", "600"]
    first = make_run(folder(tmp_path, "first"), "--from", "scratch", "--agent", name, *bars, *small)
    still = ["--set", "learning_rate=0", "--reward", "motif=3", "--steps", "600"]
    run = make_run(folder(tmp_path, "still"), "--from", str(first.folder), *still)
    for measure, values in run.result["changed"].items():
        assert values["before"] == values["after"], measure
    models = [each.folder / "model" / "model.safetensors" for each in (first, run)]
    assert models[0].read_bytes() == models[1].read_bytes()
    settings = config(run)["settings"]
    assert settings == {"hidden": 16, "learning_rate": 0}  # the width is the model's


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ppo", "dqn"])
def test_high_notes_are_learned_where_they_are_paid_and_unlearned_where_they_cost(
    name: str, make_run: MakeRun, plugin: str, tmp_path: Path
) -> None:
    begun = ["--from", "scratch", "--agent", name]
    first = make_run(folder(tmp_path, "first"), *begun, "--bars", "2", "--steps", "10000")
    higher = {}
    for weight in (1.0, -1.0):
        options = ["--plugin", plugin, "--reward", f"high_notes={weight}", "--steps", "20000"]
        run = make_run(folder(tmp_path, str(weight)), "--from", str(first.folder), *options)
        pitch = run.result["changed"]["mean_pitch_above_tonic"]
        higher[weight] = pitch["after"] - pitch["before"]
    assert higher[1.0] > 3 and higher[-1.0] < -3, higher


# --- mistakes ---


def mistake(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that the command says about these arguments; it leaves no run behind."""
    assert train.main([*MORE, *arguments]) == 2
    error = capfd.readouterr().err
    assert error.count("\n") == 1 and error.startswith("rlcompose: error: ")
    assert not list(Path("runs").glob("*"))
    return error


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--style", "fiddle"], "has learned in style 'jazz'"),
        (["--style", "jaz"], "unknown style 'jaz'"),
        (["--agent", "dqn"], "leave out --agent dqn: the run "),
        (["--set", "hidden=64"], "setting hidden is 64: the model in "),
        (["--set", "gama=1"], "did you mean 'gamma'?"),
        (["--reward", "motiv=1"], "did you mean 'motif'?"),
        (["--chords", "Dm7 | Gx7"], "chord symbol 'Gx7'"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else "",
)
def test_what_does_not_fit_the_run_is_told(
    arguments: list[str], told: str, trained_run: SimpleNamespace, capfd: pytest.CaptureFixture[str]
) -> None:
    assert told in mistake(capfd, "--from", str(trained_run.folder), *arguments)


def test_the_runs_own_style_and_agent_may_be_named(
    make_run: MakeRun, trained_run: SimpleNamespace, tmp_path: Path
) -> None:
    make_run(tmp_path, "--from", str(trained_run.folder), "--style", "jazz", "--agent", "ppo", "--steps", "100")


def test_a_run_that_cannot_be_gone_on_with_is_told(
    greedy_run: SimpleNamespace,
    trained_run: SimpleNamespace,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "there is no run 'nowhere'" in mistake(capfd, "--from", "nowhere")
    assert "the agent 'greedy' of the run " in mistake(capfd, "--from", str(greedy_run.folder))
    shutil.copytree(trained_run.folder / "model", "model")
    assert "model is a model without its run" in mistake(capfd, "--from", "model")
    Path("early").mkdir()
    shutil.copy(trained_run.folder / "config.json", "early")
    assert "early/model" in mistake(capfd, "--from", "early")
    stranger = AgentKind("ppo", "of another", train=lambda job: None, load=lambda *_: None)  # type: ignore[arg-type,return-value]
    monkeypatch.setattr(agent, "_REGISTER", load_agents() | {"ppo": stranger})
    told = mistake(capfd, "--from", str(trained_run.folder))
    assert "is none that goes on with what it has learned" in told


def test_a_run_with_a_plug_in_wants_it_named_again(
    further_run: SimpleNamespace, plugin: str, capfd: pytest.CaptureFixture[str]
) -> None:
    told = mistake(capfd, "--from", str(further_run.folder))
    assert "unknown reward term 'high_notes'" in told and f"if you trust it, add --plugin {plugin}" in told
