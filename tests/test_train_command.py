"""The train command as a user meets it: what it writes and says, what it refuses, and how it ends early."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file

from rlcompose import agent, audio, compose, plugins, train
from rlcompose.agent import load_agents
from rlcompose.fluidsynth_library import FluidSynthMissingError
from rlcompose.run import read_run

MakeRun = Callable[..., SimpleNamespace]

SMALL = ["--bars", "1", "--steps", "600"]
SCRATCH = ["--from", "scratch"]
# By these terms greedy play likes long notes, so that its 16 bars have fewer than so many events.
DENSE_TERMS = Path(__file__).parents[1] / "experiments" / "agent_score" / "rewards.toml"
SLOW_GREED = ["--rewards", str(DENSE_TERMS), "--reward", "usual_*=0", "--reward", "motif=0"]
MANY_EVENTS = 60


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mistake(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that the command says about these arguments; it leaves no run behind."""
    assert train.main([*SMALL, *arguments]) == 2
    out, error = capfd.readouterr()
    assert out == "" and error.count("\n") == 1 and error.startswith("rlcompose: error: ")
    assert not list(Path("runs").glob("*"))
    return error


def plugin(name: str, body: str) -> list[str]:
    """The options that pay a term of a user's file with weight 1; the file is written into the current folder."""
    source = f"from rlcompose.reward import reward_term\n\n\n@reward_term\ndef {name}(m):\n"
    Path(f"{name}.py").write_text(source + f"    {body}\n", encoding="utf-8")
    return ["--plugin", f"{name}.py", "--reward", f"{name}=1"]


def paid(piece: Path | str) -> dict[str, float]:
    shares: dict[str, float] = json.loads(Path(piece).read_text())["rewards"]["terms"]
    return shares


# --- what it leaves behind ---


def test_a_first_and_a_trained_piece_are_written(trained_run: SimpleNamespace) -> None:
    names = {path.name for path in (trained_run.folder / "pieces").iterdir()}
    endings = ("json", "mid", "musicxml", "png", "wav")
    assert names == {f"{name}.{ending}" for name in ("first", "trained") for ending in endings}


def test_both_pieces_have_the_same_chart(trained_run: SimpleNamespace) -> None:
    first, trained = (json.loads(Path(trained_run.result[f"{n}_piece"]).read_text()) for n in ("first", "trained"))
    assert first["seed"] == trained["seed"] and first["music"]["chords"] == trained["music"]["chords"]
    assert (first["agent"], trained["agent"]) == ("greedy", "ppo")


def test_the_result_is_on_stdout_and_the_progress_on_stderr(trained_run: SimpleNamespace) -> None:
    assert trained_run.out.startswith(f"run: {trained_run.folder}\n")
    assert "mean_return:\n  random: " in trained_run.out and "interrupted: no\n" in trained_run.out
    assert "training" not in trained_run.out
    assert trained_run.err.startswith("a first piece, without learning (return ")
    assert "training: " in trained_run.err


def test_every_term_has_a_column_in_the_metrics(trained_run: SimpleNamespace) -> None:
    with (trained_run.folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    weights = json.loads((trained_run.folder / "config.json").read_text())["rewards"]
    assert {f"terms/{name}" for name in (*weights, "illegal")} == {n for n in rows[0] if n.startswith("terms/")}
    for row in rows:  # the shares of a piece add up to its return
        shares = [float(value) for name, value in row.items() if name.startswith("terms/")]
        assert sum(shares) == pytest.approx(float(row["piece/return"]), abs=1e-6)


def test_the_command_is_kept_as_it_was_given(trained_run: SimpleNamespace) -> None:
    words = shlex.split((trained_run.folder / "command.txt").read_text())
    assert words[:2] == ["rlcompose", "train"] and words[-6:] == ["--bars", "4", "--steps", "4000", "--seed", "1"]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("trained_run", [*SCRATCH, "--bars", "4", "--steps", "4000"]),
        ("prior_run", ["--bars", "8", "--steps", "6000"]),
    ],
)
def test_same_command_and_seed_give_the_same_bytes_in_another_process(
    name: str, asked: list[str], request: pytest.FixtureRequest
) -> None:
    first_run = request.getfixturevalue(name)
    arguments = [*asked, "--seed", "1", "--out", "again"]
    environment = os.environ | {"PYTHONHASHSEED": "5"}
    command = [sys.executable, "-m", "rlcompose.train", *arguments]
    subprocess.run(command, env=environment, capture_output=True, check=True)
    for name in (
        "first.json",
        "first.mid",
        "trained.json",
        "trained.mid",
        "trained.musicxml",
        "trained.png",
        "trained.wav",
    ):
        assert Path("again/pieces", name).read_bytes() == (first_run.folder / "pieces" / name).read_bytes(), name


def test_another_seed_gives_another_piece(greedy_run: SimpleNamespace, make_run: MakeRun, tmp_path: Path) -> None:
    other = make_run(tmp_path, "--agent", "greedy", "--bars", "4", "--seed", "9")
    assert Path(other.result["midi"]).read_bytes() != Path(greedy_run.result["midi"]).read_bytes()


def test_runs_are_numbered_and_none_is_overwritten() -> None:
    for _ in range(2):
        assert train.main(["--agent", "random", *SMALL]) == 0
    assert sorted(path.name for path in Path("runs").iterdir()) == ["jazz-random-1", "jazz-random-2"]


def test_the_chart_and_the_bars_can_both_be_pinned(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path, "--agent", "greedy", "--chords", "Dm7 | G7 | C^7 | %", "--bars", "6", "--tempo", "140")
    music = json.loads(Path(run.result["piece"]).read_text())["music"]
    assert [chord["symbol"] for chord in music["chords"]] == ["Dm7", "G7", "Cmaj7", "Dm7", "G7"]
    assert (music["bars"], music["tempo"]) == (6, 140)


def test_a_progressions_name_serves_as_chart(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path, "--agent", "random", "--chords", "blues", "--key", "F")
    music = json.loads(Path(run.result["piece"]).read_text())["music"]
    assert (music["key"], music["bars"], music["chords"][0]["symbol"]) == ("F major", 36, "F7")


# --- own rewards ---


@pytest.mark.usefixtures("own_register")
def test_an_edited_plugin_pays_the_new_value() -> None:
    others = [word for name in ("motif", "phrase_ending") for word in ("--reward", f"{name}=0")]
    for run, value in (("one", 1.0), ("two", 9.0)):
        arguments = ["--agent", "random", *SMALL, *others, *plugin("nine", f"return {value}"), "--out", run]
        assert train.main(arguments) == 0
        piece = json.loads(Path(run, "pieces/random.json").read_text())
        assert piece["rewards"]["terms"]["nine"] == value * len(piece["actions"])


@pytest.mark.usefixtures("own_register")
def test_a_term_that_cannot_be_compiled_runs_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    options = plugin("listed", "return float(m.pitch in allowed) if m.is_note else 0.0")
    with Path("listed.py").open("a") as file:
        file.write("\n\nallowed = [0, 4, 7]\n")
    assert train.main(["--agent", "random", *SMALL, *options]) == 0
    assert "reward term 'listed' runs in Python" in caplog.text and "allowed, a list" in caplog.text


@pytest.mark.usefixtures("own_register")
@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        ("raises", "return 1 / (m.pitch - m.pitch)", "ZeroDivisionError: division by zero (line 6 of "),
        ("undefined", "return float('nan')", "gave nan at bar 1, beat 1"),
        ("wordy", "return 'good'", "gave 'good' at bar 1, beat 1"),
        ("misspelt", "return m.picth", "did you mean 'pitch'?"),
        ("endless", "return 1e39", "would pay 1e+39 for one event"),
        ("broken", "return (", "SyntaxError"),
    ],
)
def test_a_plugin_that_does_not_work_is_told(
    name: str, body: str, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert told in mistake(capfd, *plugin(name, body))


@pytest.mark.usefixtures("own_register")
@pytest.mark.parametrize("name", ["ppo", "dqn"])
@pytest.mark.parametrize(
    ("body", "told"),
    [
        (f"return 1.0 / (m.num_events - {MANY_EVENTS})", "'late' raised ZeroDivisionError: "),
        (f"return 1e999 - 1e999 if m.num_events == {MANY_EVENTS} else 0.0", "'late' gave nan at bar "),
    ],
)
def test_a_term_that_fails_late_ends_the_training_with_the_model_saved(
    name: str, body: str, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    # So many events are in none of the moments that terms are tried on, nor in the greedy first piece.
    options = [*plugin("late", body), *SLOW_GREED, "--out", "run"]
    assert train.main([*SCRATCH, "--agent", name, "--bars", "16", "--steps", "1000", *options]) == 2
    error = capfd.readouterr().err
    last = error.splitlines()[-1]
    assert "Traceback" not in error and told in last and re.search(r" at bar \d+, beat [\d.]+", last)
    assert last.endswith(f"; the best model until then is kept in {Path('run/model')}")
    assert read_run("run").agent().name == name
    assert Path("run/metrics.csv").read_text().count("\n") >= 2
    assert not Path("run/result.json").exists()


@pytest.mark.usefixtures("own_register")
def test_what_was_learned_until_a_term_fails_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    # A term in Python that fails when it is asked often enough: after the first evaluation and two rollouts.
    options = plugin("tired", "return rest_after(4000)")
    counting = """

        asked = []


        def rest_after(times):
            asked.append(True)
            return 1.0 / (times > len(asked))
        """
    with Path("tired.py").open("a") as file:
        file.write(dedent(counting))
    assert train.main(["--bars", "1", "--steps", "6000", *options, "--out", "run"]) == 2
    assert (
        "'tired' raised ZeroDivisionError: float division by zero (line 14 of "
        in capfd.readouterr().err.splitlines()[-1]
    )
    with Path("run/metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert int(rows[-1]["time/total_timesteps"]) >= 2048 and rows[0]["eval/return"]
    assert read_run("run").agent().name == "ppo"


# --- weights ---


@pytest.mark.usefixtures("own_register")
def test_a_term_with_weight_0_changes_no_byte() -> None:
    [_, file, *_] = high = plugin("high_notes", "return m.pitch / 12 if m.is_note else 0.0")
    assert train.main([*SMALL, "--out", "without"]) == 0
    assert train.main([*SMALL, *high[:2], "--reward", "high_notes=0", "--out", "with"]) == 0
    written = sorted(path.relative_to("without") for path in Path("without").glob("pieces/*"))
    assert len(written) == 10
    for path in [*written, Path("model/model.safetensors")]:
        assert (Path("without") / path).read_bytes() == (Path("with") / path).read_bytes(), path
    configs = [json.loads(Path(run, "config.json").read_text()) for run in ("without", "with")]
    assert configs[1] == configs[0] | {"plugins": [str(Path(file).resolve())]}


def test_weights_of_a_file_replace_the_styles_and_flags_replace_theirs() -> None:
    Path("mine.toml").write_text("motif = 5.0\nvaried_pitch = 0\n[style.jazz]\nleap_recovery = 7.0\n")
    options = ["--rewards", "mine.toml", "--reward", "motif=6", "--agent", "random", "--out", "run"]
    assert train.main([*SMALL, *options]) == 0
    weights = json.loads(Path("run/config.json").read_text())["rewards"]
    assert (weights["motif"], weights["leap_recovery"]) == (6.0, 7.0) and "varied_pitch" not in weights


def test_a_schedule_is_kept_and_the_run_composes_with_its_last_weight() -> None:
    assert train.main([*SMALL, "--reward", "motif=0..3", "--reward", "leap_recovery=1..0", "--out", "run"]) == 0
    config = json.loads(Path("run/config.json").read_text())
    asked = {"motif": [[0.0, 0.0], [1.0, 3.0]], "leap_recovery": [[0.0, 1.0], [1.0, 0.0]]}
    assert config["schedules"].items() >= asked.items(), "beside the style's own"
    assert (config["rewards"]["motif"], config["rewards"]["leap_recovery"]) == (3.0, 0.0)
    weights = {weighted.term.name: weighted.weight for weighted in read_run("run").terms()}
    assert weights["motif"] == 3.0 and "leap_recovery" not in weights
    assert compose.main(["run"]) == 0


# --- settings ---


def test_settings_that_differ_from_the_preset_are_kept(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(
        tmp_path, *SMALL, *SCRATCH, "--set", "hidden=16", "--set", "learning_rate=3e-4", "--set", "gamma=0.95"
    )
    assert json.loads((run.folder / "config.json").read_text())["settings"] == {"hidden": 16, "learning_rate": 3e-4}
    assert json.loads((run.folder / "model" / "config.json").read_text())["hidden"] == 16
    assert read_run(run.folder).agent().name == "ppo"


def test_an_agent_without_learning_is_made_again_with_its_settings(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path, "--bars", "1", "--agent", "beam", "--set", "width=3")
    assert vars(read_run(run.folder).agent())["width"] == 3
    assert json.loads(Path(run.result["piece"]).read_text())["agent"] == "beam"


def test_help_lists_the_agents_without_loading_what_is_heavy() -> None:
    code = "import sys; from rlcompose import train; train.main(['-h']); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    told = "".join(done.stdout.split())  # argparse also breaks lines at hyphens
    for kind in load_agents().values():
        assert f"{kind.name}: {kind.summary}".replace(" ", "") in told


# --- health ---


def test_a_collapse_is_told_and_written(capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["--steps", "6000", "--set", "learning_rate=1", "--out", "run", "--json", "result.json"]
    assert train.main([*SCRATCH, "--bars", "2", *arguments]) == 0
    result = json.loads(Path("result.json").read_text())
    [collapse] = [finding for finding in result["health"] if finding["name"] == "collapse"]
    error = capfd.readouterr().err
    assert f"warning: collapse at step {collapse['step']:,}: {collapse['evidence']}; try --set" in error
    assert "failed" in result and not result["failed"]
    findings = [json.loads(line) for line in Path("run/health.jsonl").read_text().splitlines()]
    assert findings == result["health"]
    with Path("run/metrics.csv").open() as file:
        assert float(list(csv.DictReader(file))[-1]["health/findings"]) == len(findings)


@pytest.mark.usefixtures("own_register")
def test_weights_that_are_no_numbers_stop_learning_and_leave_the_best(capfd: pytest.CaptureFixture[str]) -> None:
    # In float32, in which SB3 learns, this reward squared is infinite; it is paid in none of the trial moments.
    options = plugin("huge", f"return 1e38 if m.num_events == {MANY_EVENTS} else 0.0")
    assert (
        train.main([*SCRATCH, "--bars", "16", "--steps", "4000", *options, "--out", "run", "--json", "result.json"])
        == 1
    )
    result = json.loads(Path("result.json").read_text())
    assert result["failed"] is True and [finding["name"] for finding in result["health"]] == ["NaN"]
    assert result["trained_steps"] < 4000
    error = capfd.readouterr().err
    assert "warning: NaN at step " in error and "stopped after " in error and "Traceback" not in error
    assert Path("run/pieces/trained.wav").is_file()
    weights = load_file("run/model/model.safetensors")
    assert all(np.isfinite(value).all() for value in weights.values())
    with Path("run/metrics.csv").open() as file:
        assert float(list(csv.DictReader(file))[-1]["health/findings"]) == 1


# --- agents of others ---

STRANGER = """
from rlcompose.agent import AgentKind, TrainingResult, pick, register_agent
from rlcompose.preset import Setting


class Lazy:
    \"\"\"Plays its favourite wherever that is legal.\"\"\"

    def __init__(self, name, favourite=0):
        self.name, self.favourite = name, favourite

    def act(self, engine, uniforms):
        weights = engine.state.mask.astype(float)
        weights[:, self.favourite] *= 1e9
        return pick(weights, 0 * uniforms + 0.5)


def train(job):
    job.progress(job.steps, 0.0, 0.0)
    model = job.folder / "model"
    model.mkdir()
    (model / "config.json").write_text(str(job.settings["favourite"]))
    return TrainingResult(Lazy("pupil", job.settings["favourite"]), job.steps, 0.0, False)


def load(folder, brief):
    return Lazy("pupil", int((folder / "config.json").read_text()))


favourite = Setting("favourite", 0, 0, 100, "the action that is played wherever it is legal")
register_agent(AgentKind("lazy", "rests", make=lambda: Lazy("lazy")))
register_agent(AgentKind("pupil", "what it was told", train=train, load=load, preset={"favourite": favourite}))
"""


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with two agents, which are forgotten after the test."""
    monkeypatch.setattr(agent, "_REGISTER", dict(load_agents()))
    file = tmp_path / "stranger_agents_of_a_test.py"
    file.write_text(STRANGER)
    return file


@pytest.fixture
def installed_stranger(stranger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as an installed package announces it."""
    announced = [EntryPoint("stranger", stranger.stem, plugins.GROUP)]
    monkeypatch.setattr(plugins, "entry_points", lambda group: announced if group == plugins.GROUP else [])
    monkeypatch.syspath_prepend(stranger.parent)
    monkeypatch.delitem(sys.modules, stranger.stem, raising=False)


def composed_again(result: Path | str, run: str, *arguments: str) -> bool:
    """Whether `compose` plays with the run's agent what `train` had written."""
    document = json.loads(Path(result).read_text())
    written = ["--json", "again.json", "--out", "again"]
    assert compose.main([run, "--seed", str(document["seed"]), *written, *arguments]) == 0
    piece = json.loads(Path("again.json").read_text())["pieces"][0]["piece"]
    return bool(json.loads(Path(piece).read_text())["actions"] == document["actions"])


@pytest.mark.usefixtures("installed_stranger")
def test_an_installed_agent_plays_and_composes() -> None:
    assert train.main([*SMALL, "--agent", "lazy", "--out", "run", "--json", "result.json"]) == 0
    piece = json.loads(Path("result.json").read_text())["piece"]
    assert set(json.loads(Path(piece).read_text())["actions"]) == {0}  # the shortest rest is always legal
    assert composed_again(piece, "run")


@pytest.mark.usefixtures("installed_stranger")
def test_an_installed_agent_learns_and_composes() -> None:
    arguments = [*SMALL, "--agent", "pupil", "--set", "favourite=1", "--out", "run", "--json", "result.json"]
    assert train.main(arguments) == 0
    result = json.loads(Path("result.json").read_text())
    assert result["trained_steps"] == 600 and set(result["mean_return"]) == {"random", "greedy", "pupil"}
    assert Path(result["model"]).is_dir() and "metrics" not in result
    assert 1 in json.loads(Path(result["trained_piece"]).read_text())["actions"]
    assert composed_again(result["trained_piece"], "run")


def test_an_agent_in_a_users_file_needs_the_file_again(stranger: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plugged = ["--plugin", str(stranger)]
    assert train.main([*SMALL, "--agent", "lazy", *plugged, "--out", "run", "--json", "result.json"]) == 0
    piece = json.loads(Path("result.json").read_text())["piece"]
    assert composed_again(piece, "run", *plugged)
    agent._REGISTER.pop("lazy")
    capfd.readouterr()
    assert compose.main(["run"]) == 2
    told = capfd.readouterr().err
    assert "unknown agent 'lazy'" in told and f"if you trust it, add --plugin {stranger}" in told


# --- mistakes ---


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--style", "jaz"], "unknown style 'jaz': did you mean 'jazz'?"),
        (["--style", "mine.toml"], "cannot read the style file mine.toml"),
        (["--agent", "pp0"], "unknown agent 'pp0': did you mean 'ppo'?"),
        (["--set", "lerning_rate=1"], "unknown setting 'lerning_rate': did you mean 'learning_rate'?"),
        (["--set", "learning_rate=2"], "setting learning_rate is 2: allowed is a number from 0 to 1"),
        (["--agent", "random", "--set", "gamma=1"], "unknown setting 'gamma': Allowed: none"),
        (["--reward", "stepwise_moton=1"], "did you mean 'stepwise_motion'?"),
        (["--reward", "motif"], "is not TERM=WEIGHT"),
        (["--reward", "motif=inf"], "'motif' is inf: allowed are finite numbers"),
        (["--reward", "motif=1e308"], "would pay 1e+308"),
        (["--reward", "motif=1", "--reward", "motif=2"], "given twice: 1 and 2"),
        (["--reward", "motif=1", "--reward", "motif=0..2"], "given twice: 1 and 0..2"),
        (["--reward", "motif=1e9..0"], "'motif' with weight 1e+09 would pay 1e+09"),
        (["--reward", "motif=0@0.5,1@0.2"], "the schedule of reward term 'motif' has shares [0.5, 0.2]"),
        (["--rewards", "mine.toml"], "there is no file of weights 'mine.toml'"),
        (["--chords", "Dm7 | Gx7"], "bar 2 of 'chart': chord symbol 'Gx7'"),
        (["--chords", "bluess"], "unknown progression 'bluess': did you mean 'blues'?"),
        (["--chords", ""], "has no bars"),
        (["--key", "H"], "'H' is not a key"),
        (["--tempo", "5000"], "--tempo: 5000 is too large: allowed are 20 to 400"),
        (["--meter", "4"], "'4' is not a metre"),
        (["--bars", "0"], "--bars: 0 is too small: allowed are 1 to 1024"),
        (["--bars", "5000"], "--bars: 5000 is too large"),
        (["--steps", "-1"], "--steps: -1 is too small"),
        (["--steps", "1.5"], "'1.5' is not a whole number"),
        (["--seed", "4294967296"], "--seed: 4294967296 is too large: allowed are 0 to 4294967295"),
        (["--plugin", "mine.py"], "there is no Python file 'mine.py'"),
        (["--soundfont", "font.sf2"], "there is no SoundFont 'font.sf2'"),
        (["--json", "nowhere/result.json"], "cannot write nowhere/result.json"),
        (["--stile", "jazz"], "unrecognized arguments: --stile jazz"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_told_before_anything_is_made(
    arguments: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert told in mistake(capfd, *arguments)


def test_a_mistake_in_a_process_of_its_own_has_no_traceback() -> None:
    command = [sys.executable, "-m", "rlcompose.train", "--style", "jaz"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_a_folder_with_something_in_it_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine")
    assert "the folder full is not empty" in mistake(capfd, "--out", "full")
    assert [path.name for path in Path("full").iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_made_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    assert "cannot write into the folder file/run" in mistake(capfd, "--out", "file/run")
    assert "the folder file is a file" in mistake(capfd, "--out", "file")
    Path("runs").write_text("")
    assert "cannot make the folder runs/jazz-ppo-1: File exists" in mistake(capfd)


def test_nothing_half_made_stays_where_the_first_piece_cannot_be_heard(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RLCOMPOSE_FLUIDSYNTH", "/nowhere/libfluidsynth.so")
    assert "does not load" in mistake(capfd)
    assert "does not load" in mistake(capfd, "--out", "run")
    assert not Path("run").exists()
    Path("mine").mkdir()
    assert "does not load" in mistake(capfd, "--out", "mine")
    assert list(Path("mine").iterdir()) == []


def test_a_missing_synthesizer_is_told_once(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise FluidSynthMissingError("FluidSynth was not found")

    monkeypatch.setattr(audio, "load_fluidsynth", missing)
    assert train.main(["--agent", "random", *SMALL]) == 0
    assert capfd.readouterr().err.count("warning: plain tones were written") == 1
    assert train.main(["--agent", "random", *SMALL, "--require-fluidsynth"]) == 2


def test_a_missing_torch_is_told_with_the_extra_that_brings_it() -> None:
    hide = """
        import sys


        class Hide:
            def find_spec(self, name, path=None, target=None):
                if name == "torch":
                    raise ModuleNotFoundError(name=name)


        sys.meta_path.insert(0, Hide())
        from rlcompose import train

        sys.exit(train.main(["--bars", "1"]))
        """
    done = subprocess.run([sys.executable, "-c", dedent(hide)], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1] == 'rlcompose: error: torch is not installed: pip install "rlcompose[train]"'


# --- Ctrl-C ---


@pytest.mark.usefixtures("own_register")
def test_ctrl_c_before_the_first_rollout_ends_still_leaves_a_trained_piece(capfd: pytest.CaptureFixture[str]) -> None:
    # A term in Python that presses Ctrl-C once, after so many events as the greedy first piece has not.
    options = plugin("presses", "return press(m.num_events)")
    press = f"""

        pressed = []


        def press(events):
            if events == {MANY_EVENTS} and not pressed:
                pressed.append(True)
                raise KeyboardInterrupt
            return 0.0
        """
    with Path("presses.py").open("a") as file:
        file.write(dedent(press))
    bars = ["--bars", "16", *SLOW_GREED]
    assert train.main([*SCRATCH, *bars, "--steps", "4000", *options, "--out", "run", "--json", "result.json"]) == 0
    result = json.loads(Path("result.json").read_text())
    assert result["interrupted"] is True and result["trained_steps"] < 4000 / 4
    assert Path("run/pieces/trained.wav").is_file() and Path("run/model/model.safetensors").is_file()
    assert "interrupted after" in capfd.readouterr().err


def test_ctrl_c_in_the_middle_of_training_ends_in_order() -> None:
    arguments = ["--bars", "2", "--steps", "100000000", "--out", "run", "--json", "result.json"]
    command = [sys.executable, "-m", "rlcompose.train", *arguments]
    # Where a shell runs the tests in the background they ignore Ctrl-C, and so would what they start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            metrics = Path("run/metrics.csv")
            deadline = time.monotonic() + 60
            while not (metrics.is_file() and metrics.stat().st_size) and time.monotonic() < deadline:
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            out, error = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, error
    assert "Traceback" not in error and "interrupted after" in error
    assert "interrupted: yes" in out
    assert json.loads(Path("result.json").read_text())["interrupted"] is True
    assert Path("run/pieces/trained.wav").is_file() and Path("run/model/config.json").is_file()


def test_ctrl_c_before_the_first_piece_leaves_nothing(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(audio, "render_midi", interrupt)
    assert train.main(SMALL) == 130
    assert capfd.readouterr().err == "rlcompose: interrupted\n"
    assert list(Path("runs").iterdir()) == []
