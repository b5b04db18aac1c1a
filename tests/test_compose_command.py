"""The compose command as a user meets it: new pieces from a run, the same ones every time, none lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from rlcompose import compose, train


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mistake(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that the command says about these arguments; it writes nothing."""
    assert compose.main([*arguments]) == 2
    out, error = capfd.readouterr()
    assert out == "" and error.count("\n") == 1 and error.startswith("rlcompose: error: ")
    return error


def music_of(path: str) -> dict[str, object]:
    music: dict[str, object] = json.loads(Path(path).read_text())["music"]
    return music


def test_a_trained_agent_composes_the_same_bytes_in_every_process(trained_run: SimpleNamespace) -> None:
    arguments = [str(trained_run.folder), "--count", "2", "--seed", "3"]
    assert compose.main([*arguments, "--out", "here"]) == 0
    command = [sys.executable, "-m", "rlcompose.compose", *arguments, "--out", "there"]
    subprocess.run(command, check=True, capture_output=True)
    names = sorted(path.name for path in Path("here").iterdir())
    assert names == [f"jazz-ppo-{n}.{ending}" for n in (3, 4) for ending in ("json", "mid", "musicxml", "png", "wav")]
    assert all(Path("here", name).read_bytes() == Path("there", name).read_bytes() for name in names)


def test_the_trained_piece_comes_again_by_its_seed(trained_run: SimpleNamespace) -> None:
    trained = json.loads(Path(trained_run.result["trained_piece"]).read_text())
    assert compose.main([str(trained_run.folder), "--seed", str(trained["seed"]), "--out", "."]) == 0
    assert json.loads(Path(f"jazz-ppo-{trained['seed']}.json").read_text()) == trained


def test_results_are_on_stdout_and_progress_on_stderr(
    greedy_run: SimpleNamespace, capfd: pytest.CaptureFixture[str]
) -> None:
    assert compose.main([str(greedy_run.folder), "--out", "pieces", "--bars", "1"]) == 0
    out, error = capfd.readouterr()
    assert out.startswith("folder: pieces\npieces:\n  1:\n    piece: pieces/jazz-greedy-0.json\n")
    assert error.startswith("pieces/jazz-greedy-0.wav: return ") and error.count("\n") == 1


def test_random_and_greedy_runs_compose_without_a_model() -> None:
    assert train.main(["--agent", "random", "--bars", "1", "--out", "run"]) == 0
    assert compose.main(["run", "--count", "3"]) == 0
    assert len(list(Path("run/pieces").glob("jazz-random-*.wav"))) == 3


def test_what_the_run_pinned_stays_pinned(trained_run: SimpleNamespace) -> None:
    assert compose.main([str(trained_run.folder), "--out", "."]) == 0
    assert music_of("jazz-ppo-0.json")["bars"] == 4


def test_a_new_chart_replaces_the_runs_length(trained_run: SimpleNamespace) -> None:
    # 4 bars were pinned; a chart of 2 fills the 32 bars of the style.
    assert compose.main([str(trained_run.folder), "--out", ".", "--chords", "Dm7 | G7"]) == 0
    assert music_of("jazz-ppo-0.json")["bars"] == 32


def test_chart_bars_key_and_tempo_can_be_pinned(trained_run: SimpleNamespace) -> None:
    chart = ["--chords", "Bbm7 | Eb7 | Ab^7", "--bars", "5", "--key", "Ab", "--tempo", "99"]
    assert compose.main([str(trained_run.folder), "--out", ".", *chart]) == 0
    music = music_of("jazz-ppo-0.json")
    assert (music["bars"], music["key"], music["tempo"]) == (5, "Ab major", 99)


def test_another_piece_of_the_same_name_is_not_overwritten(greedy_run: SimpleNamespace) -> None:
    for bars in ("1", "2", "1"):
        assert compose.main([str(greedy_run.folder), "--out", ".", "--bars", bars]) == 0
    found = {path.name: json.loads(path.read_text())["music"]["bars"] for path in Path().glob("*.json")}
    assert found == {"jazz-greedy-0.json": 1, "jazz-greedy-0-2.json": 2}


@pytest.mark.usefixtures("own_register")
def test_a_foreign_run_never_runs_its_plugin(capfd: pytest.CaptureFixture[str]) -> None:
    source = "from rlcompose.reward import reward_term\nfrom pathlib import Path\nPath('ran').touch()\n\n\n"
    Path("theirs.py").write_text(source + "@reward_term\ndef theirs(m):\n    return 1.0\n")
    options = ["--plugin", "theirs.py", "--reward", "theirs=1", "--bars", "1"]
    assert train.main(["--agent", "random", "--out", "run", *options]) == 0
    Path("ran").unlink()
    capfd.readouterr()
    # In a process of its own: here the term is known already.
    command = [sys.executable, "-m", "rlcompose.compose", "run", "--out", "pieces"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"add --plugin {Path('theirs.py').resolve()}" in done.stderr
    assert not Path("ran").exists() and not Path("pieces").exists()
    done = subprocess.run([*command, "--plugin", "theirs.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path("ran").exists() and Path("pieces/jazz-random-0.wav").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--count", "0"], "--count: 0 is too small"),
        (["--seed", "-1"], "--seed: -1 is too small"),
        (["--chords", "H7"], "'H' is not a root"),
        (["--chords", "modl"], "unknown progression 'modl': did you mean 'modal'?"),
        (["--meter", "x"], "'x' is not a metre"),
        (["--plugin", "no.py"], "there is no Python file 'no.py'"),
        (["--soundfont", "no.sf2"], "there is no SoundFont 'no.sf2'"),
        (["--json", "no/result.json"], "cannot write no/result.json"),
    ],
)
def test_a_mistake_is_told_before_anything_is_made(
    arguments: list[str], told: str, greedy_run: SimpleNamespace, capfd: pytest.CaptureFixture[str]
) -> None:
    assert told in mistake(capfd, str(greedy_run.folder), "--out", "pieces", *arguments)
    assert not Path("pieces").exists()


def test_a_run_that_is_not_there_is_told(greedy_run: SimpleNamespace, capfd: pytest.CaptureFixture[str]) -> None:
    assert "there is no run 'nowhere'" in mistake(capfd, "nowhere")
    assert "is not a run: it has no config.json" in mistake(capfd, str(greedy_run.folder / "pieces"))


def test_a_folder_that_cannot_be_made_is_told(greedy_run: SimpleNamespace, capfd: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    assert "cannot write into the folder file/x" in mistake(capfd, str(greedy_run.folder), "--out", "file/x")
