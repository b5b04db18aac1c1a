"""Playing aloud, on a machine that may have no loudspeaker: SDL's dummy driver stands for one."""

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rlcompose import play


@pytest.fixture(autouse=True)
def _dummy_loudspeaker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")


@pytest.fixture
def beep(tmp_path: Path) -> Path:
    """A tenth of a second of a tone."""
    tone = 0.1 * np.sin(np.arange(4410) / 44_100 * 2 * np.pi * 440)
    soundfile.write(tmp_path / "beep.wav", np.stack([tone, tone], axis=1), 44_100)
    return tmp_path / "beep.wav"


def test_a_sound_file_is_played_to_its_end(beep: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert play.main([str(beep)]) == 0
    out, error = capfd.readouterr()
    assert out == f"played: {beep}\n" and error == "", "no banner of pygame's"


def test_a_missing_file_is_told(beep: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert play.main([str(beep.with_name("bep.wav"))]) == 2
    assert "did you mean" in capfd.readouterr().err


def test_a_file_that_is_no_sound_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.wav").write_text("la la la")
    assert play.main([str(tmp_path / "a.wav")]) == 2
    assert "cannot play" in capfd.readouterr().err


def test_no_loudspeaker_is_told(beep: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "nonesuch")
    assert play.main([str(beep)]) == 2
    assert "this machine plays no sound" in capfd.readouterr().err
    play.play_or_tell(beep)
    assert "rlcompose: warning: this machine plays no sound" in capfd.readouterr().err


def test_ctrl_c_stops_it(beep: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    assert play.main([str(beep)]) == 130
    capfd.readouterr()
    play.play_or_tell(beep)
    assert capfd.readouterr().err.endswith("rlcompose: stopped\n")
