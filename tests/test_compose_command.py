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
    assert "greedy.json' is a file and no run" in mistake(capfd, str(greedy_run.folder / "pieces" / "greedy.json"))
    assert "is not a run: it has no config.json" in mistake(capfd, str(greedy_run.folder / "pieces"))


def test_a_folder_that_cannot_be_made_is_told(greedy_run: SimpleNamespace, capfd: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    assert "cannot write into the folder file/x" in mistake(capfd, str(greedy_run.folder), "--out", "file/x")


# --- without a run, and on a piece that is there ---


def composed(*arguments: str) -> list[dict[str, object]]:
    assert compose.main([*arguments, "--json", "result.json"]) == 0
    pieces: list[dict[str, object]] = json.loads(Path("result.json").read_text())["pieces"]
    return pieces


def test_a_style_is_composed_in_without_a_run() -> None:
    [one] = composed("--style", "jig", "--agent", "greedy", "--bars", "4")
    assert one["piece"] == "pieces/jig-greedy-0.json" and music_of("pieces/jig-greedy-0.json")["meter"] == "6/8"
    [planned] = composed("--style", "jig", "--agent", "beam", "--set", "width=4", "--bars", "4")
    assert planned["piece"] == "pieces/jig-beam-0.json"


@pytest.mark.parametrize(("model", "agent"), [((), "ppo"), (("--model", "prior"), "prior")])
def test_the_styles_model_composes_where_nobody_is_named(model: tuple[str, ...], agent: str) -> None:
    [one] = composed("--style", "jig", *model, "--bars", "8", "--temperature", "0.9")
    path = f"pieces/jig-{agent}-0.json"
    assert one["piece"] == path and music_of(path)["meter"] == "6/8"
    [again] = composed("--style", "jig", *model, "--bars", "8", "--temperature", "0.9", "--out", "again")
    assert Path(path).read_bytes() == Path(str(again["piece"])).read_bytes()
    [new] = composed("--replace", "3-4", path, *model, "--seed", "1")
    assert json.loads(Path(str(new["piece"])).read_text())["agent"] == agent


def test_a_style_without_a_prior_is_composed_in_by_beam_search_and_that_is_said(
    capfd: pytest.CaptureFixture[str],
) -> None:
    Path("mine.toml").write_text('base = "jazz"\nname = "mine"\n[durations]\nquarter = 12\nhalf = 24\n')
    [piece] = composed("--style", "mine.toml", "--bars", "1")
    assert piece["piece"] == "pieces/mine-beam-0.json"
    assert "style 'mine' has no prior: beam composes" in capfd.readouterr().err


def test_styles_are_mixed_and_trade() -> None:
    [mixed] = composed("--style", "fiddle=.6,jazz=.4", "--bars", "4")
    assert mixed["piece"] == "pieces/fiddle-fiddle-jazz-0.json"
    [traded] = composed("--trade", "2", "--agents", "jazz,fiddle", "--bars", "4")
    assert traded["piece"] == "pieces/jazz-jazz-fiddle-0.json"


@pytest.mark.parametrize("ending", ["json", "mid", "abc"])
def test_something_like_a_piece_keeps_its_key_metre_tempo_and_length(ending: str) -> None:
    [source] = composed("--style", "reel", "--bars", "8", "--key", "D", "--tempo", "110", "--out", "given")
    path = Path(str(source["piece"])).with_suffix(f".{ending}")
    [like] = composed("--like", str(path), "--style", "fiddle", "--seed", "1")
    given, found = music_of(str(source["piece"])), music_of(str(like["piece"]))
    assert found["meter"] == given["meter"] and found["bars"] == given["bars"] and found["tempo"] == given["tempo"]
    assert found["key"] == given["key"] or ending == "mid"  # MIDI says a key signature, and no mode
    assert found["notes"] != given["notes"]
    [higher] = composed("--like", str(path), "--style", "fiddle", "--tempo", "90", "--out", "slow")
    assert music_of(str(higher["piece"]))["tempo"] == 90


def test_the_best_of_several_is_paid_at_least_as_well() -> None:
    [first] = composed("--style", "jazz", "--agent", "random", "--bars", "4")
    [best] = composed("--style", "jazz", "--agent", "random", "--bars", "4", "--best-of", "8")
    assert float(str(best["return"])) > float(str(first["return"]))


def test_bars_of_a_piece_are_composed_anew_and_nothing_else() -> None:
    [source] = composed("--style", "fiddle", "--agent", "greedy", "--bars", "8", "--seed", "2")
    pieces = composed("--replace", "3-4", "--agent", "random", "--count", "2", str(source["piece"]))
    assert [p["piece"] for p in pieces] == [f"pieces/fiddle-greedy-2-bars-3-4-{n}.json" for n in (0, 1)]
    bar = 36 if music_of(str(source["piece"]))["meter"] == "6/8" else 48

    def outside(path: object) -> list[dict[str, int]]:
        notes: list[dict[str, int]] = music_of(str(path))["notes"]  # type: ignore[assignment]
        return [note for note in notes if not 2 * bar <= note["onset"] < 4 * bar]

    for piece in pieces:
        assert outside(piece["piece"]) == outside(source["piece"])
        assert music_of(str(piece["piece"])) != music_of(str(source["piece"]))


def test_bars_are_replaced_by_the_agent_of_the_run_that_the_piece_lies_in(trained_run: SimpleNamespace) -> None:
    [new] = composed("--replace", "1", trained_run.result["trained_piece"], "--out", "here")
    assert json.loads(Path(str(new["piece"])).read_text())["agent"] == "ppo"


@pytest.mark.parametrize("ending", ["json", "mid", "musicxml", "abc"])
def test_a_piece_goes_on_from_a_file(ending: str) -> None:
    [motif] = composed("--style", "reel", "--agent", "greedy", "--bars", "2", "--key", "D", "--out", "motif")
    path = Path(str(motif["piece"])).with_suffix(f".{ending}")
    [longer] = composed("--style", "reel", "--agent", "random", "--bars", "6", "--start", str(path), "--key", "D")
    begun, whole = music_of(str(motif["piece"])), music_of(str(longer["piece"]))
    notes: list[dict[str, int]] = begun["notes"]  # type: ignore[assignment]
    count = len(notes)
    assert [(n["onset"], n["pitch"]) for n in notes] == [(n["onset"], n["pitch"]) for n in whole["notes"][:count]]  # type: ignore[index]
    assert whole["bars"] == 6 and whole["tempo"] == begun["tempo"]


@pytest.mark.parametrize("ending", ["json", "mid", "musicxml", "abc"])
def test_the_metre_is_the_motifs_also_where_the_style_has_it_not(ending: str) -> None:
    [motif] = composed("--style", "jig", "--agent", "greedy", "--bars", "2", "--key", "D", "--out", "motif")
    path = Path(str(motif["piece"])).with_suffix(f".{ending}")
    [longer] = composed("--style", "jazz", "--agent", "greedy", "--bars", "4", "--start", str(path), "--key", "D")
    assert music_of(str(longer["piece"]))["meter"] == "6/8"


def test_bars_are_replaced_in_a_style_of_ones_own() -> None:
    Path("mine.toml").write_text('base = "jazz"\nname = "mine"\ntempo = [60, 70]\n')
    [source] = composed("--style", "mine.toml", "--agent", "greedy", "--bars", "4")
    [new] = composed("--replace", "2", str(source["piece"]), "--style", "mine.toml", "--agent", "random")
    assert json.loads(Path(str(new["piece"])).read_text())["style"] == "mine"


def test_settings_and_styles_that_would_go_unheard_are_told(
    trained_run: SimpleNamespace, capfd: pytest.CaptureFixture[str]
) -> None:
    piece = str(trained_run.result["trained_piece"])
    assert "--set is for an agent that --agent names" in mistake(capfd, str(trained_run.folder), "--set", "gamma=1")
    assert "--set is for an agent that --agent names" in mistake(capfd, piece, "--replace", "1", "--set", "gamma=1")
    assert "the piece lies in the run" in mistake(capfd, piece, "--replace", "1", "--style", "jazz")


def test_a_trained_agent_chooses_more_surely_at_a_lower_temperature(trained_run: SimpleNamespace) -> None:
    surest = [
        composed(str(trained_run.folder), "--bars", "4", "--temperature", "0", "--out", out)[0] for out in ("a", "b")
    ]
    assert Path(str(surest[0]["piece"])).read_bytes() == Path(str(surest[1]["piece"])).read_bytes()
    [wild] = composed(str(trained_run.folder), "--bars", "4", "--temperature", "50", "--out", "c")
    assert music_of(str(wild["piece"])) != music_of(str(surest[0]["piece"]))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name the folder of a run, or a style with --style"),
        (["--style", "jazz", "--agent", "bem"], "did you mean 'beam'"),
        (["--style", "jazz", "--agent", "ppo"], "the agent 'ppo' must be trained first"),
        (["--style", "jazz", "--agent", "greedy", "--set", "width=3"], "unknown setting 'width'"),
        (
            ["--style", "jazz", "--agent", "beam", "--set", "width=0"],
            "setting width is 0: allowed is a whole number from 1 to 10000",
        ),
        (["--style", "jazz", "--agent", "greedy", "--temperature", "1"], "the agent 'greedy' has no temperature"),
        (["--style", "jazz", "--start", "none.mid"], "there is no motif 'none.mid'"),
        (["--style", "jazz", "--start", "."], "'.' is a folder and no motif"),
        (["--replace", "x", "none.json"], "--replace 'x' is no bar or span of bars: write 9 or 9-12"),
        (["--replace", "1-2", "none.json"], "none.json"),
        (["--replace", "1-2", "."], "'.' is a folder and no piece"),
        (
            ["--style", "jazz", "--agent", "beam", "--best-of", "2"],
            "leave out --best-of: the agent 'beam' leaves nothing to chance",
        ),
        (["--replace", "1-2"], "name the piece whose bars are to be replaced"),
        (["--replace", "1-2", "none.json", "--tempo", "90"], "leave out --tempo"),
    ],
)
def test_what_cannot_be_composed_is_told(arguments: list[str], says: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert says in mistake(capfd, *arguments)
    assert not list(Path().glob("pieces/*"))


def test_temperatures_out_of_range_are_told(trained_run: SimpleNamespace, capfd: pytest.CaptureFixture[str]) -> None:
    assert "allowed are 0 to 100" in mistake(capfd, str(trained_run.folder), "--temperature", "-1")


def test_another_runs_agent_composes_on_a_piece_that_lies_elsewhere(
    trained_run: SimpleNamespace, capfd: pytest.CaptureFixture[str]
) -> None:
    [source] = composed("--style", "blues", "--agent", "greedy", "--bars", "4")
    [new] = composed("--replace", "2", str(source["piece"]), "--agent", str(trained_run.folder))
    assert json.loads(Path(str(new["piece"])).read_text())["agent"] == "ppo"
    [tune] = composed("--style", "reel", "--agent", "greedy", "--bars", "4")
    capfd.readouterr()
    wrong = mistake(capfd, "--replace", "2", str(tune["piece"]), "--agent", str(trained_run.folder))
    assert "plays lengths of [2, 3, 4, 6, 8, 9" in wrong and "'reel' has [3, 4, 6, 9" in wrong


def test_replacing_without_chance_is_done_once(capfd: pytest.CaptureFixture[str]) -> None:
    [source] = composed("--style", "reel", "--agent", "greedy", "--bars", "4")
    capfd.readouterr()
    assert "leave out --count" in mistake(
        capfd, "--replace", "2", str(source["piece"]), "--agent", "beam", "--count", "3"
    )
