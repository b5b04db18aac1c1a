"""The render command as a user meets it: one line for a mistake, a file and a report otherwise."""

import io
import json
import subprocess
import sys
import time
from pathlib import Path

import mido
import pytest
import soundfile

from rlcompose import audio, render


@pytest.fixture
def piece(tmp_path: Path) -> Path:
    """A MIDI file of one note of half a second."""
    file = mido.MidiFile()
    file.tracks.append(
        mido.MidiTrack([mido.Message("note_on", note=69, velocity=90), mido.Message("note_off", note=69, time=480)])
    )
    content = io.BytesIO()
    file.save(file=content)
    path = tmp_path / "piece.mid"
    path.write_bytes(content.getvalue())
    return path


def mistake(capfd: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line that the command says about these arguments."""
    assert render.main([str(argument) for argument in arguments]) == 2
    out, error = capfd.readouterr()
    assert out == "" and error.count("\n") == 1 and error.startswith("rlcompose: error: ")
    return error


def test_it_writes_the_wav_and_says_so(piece: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wav = piece.with_suffix(".wav")
    assert render.main([str(piece), str(wav), "--require-fluidsynth"]) == 0
    out, error = capfd.readouterr()
    assert f"path: {wav}\n" in out and "soundfont: " in out
    assert error == ""
    assert soundfile.info(wav).duration > 0.5


def test_json_holds_the_report(piece: Path) -> None:
    wav, report = piece.with_suffix(".wav"), piece.with_suffix(".json")
    assert render.main([str(piece), str(wav), "--json", str(report)]) == 0
    found = json.loads(report.read_text())
    assert found["path"] == str(wav)
    assert found["seconds"] == pytest.approx(soundfile.info(wav).duration)
    assert list(found) == sorted(found)


def test_a_missing_file_is_told_with_the_nearest_name(piece: Path, capfd: pytest.CaptureFixture[str]) -> None:
    line = mistake(capfd, piece.with_name("pieces.mid"), piece.with_suffix(".wav"))
    assert "there is no MIDI file" in line and "piece.mid'?" in line


def test_a_file_that_is_no_midi_is_told(piece: Path, capfd: pytest.CaptureFixture[str]) -> None:
    piece.write_text("la la la")
    assert "is not a MIDI file" in mistake(capfd, piece, piece.with_suffix(".wav"))


def test_a_folder_as_midi_is_told(piece: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "cannot read" in mistake(capfd, piece.parent, piece.with_suffix(".wav"))


def test_a_file_that_is_no_soundfont_is_told(piece: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "is not a SoundFont" in mistake(capfd, piece, piece.with_suffix(".wav"), "--soundfont", piece)


def test_a_folder_that_is_not_there_is_told(piece: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "does not exist" in mistake(capfd, piece, piece.parent / "nowhere" / "piece.wav")


def test_a_place_that_is_a_folder_is_told(piece: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "it is a folder" in mistake(capfd, piece, piece.parent)


def test_a_disk_that_refuses_is_told(
    piece: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "piece.wav")

    monkeypatch.setattr(audio, "write_sound", refuse)
    assert "Permission denied" in mistake(capfd, piece, piece.with_suffix(".wav"))


def test_an_unknown_option_is_one_line(piece: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "--loud" in mistake(capfd, piece, piece.with_suffix(".wav"), "--loud")


def test_ctrl_c_is_status_130(piece: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(audio, "render_midi", interrupt)
    assert render.main([str(piece), str(piece.with_suffix(".wav"))]) == 130
    assert capfd.readouterr().err == "rlcompose: interrupted\n"


def test_help_has_an_example_and_comes_at_once() -> None:
    before = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "rlcompose.render", "-h"], capture_output=True, text=True, check=True)
    assert "example: python -m rlcompose.render" in done.stdout
    assert time.perf_counter() - before < 1.0
