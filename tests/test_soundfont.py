"""Which SoundFont is taken, and that a bad one is never passed over in silence."""

from pathlib import Path

import pytest

from rlcompose import soundfont
from rlcompose.errors import RlcomposeError
from rlcompose.soundfont import SOUNDFONT_VARIABLE, find_soundfont

# The smallest file with a SoundFont's header: "RIFF", the size of the rest, "sfbk".
HEADER = b"RIFF" + (4).to_bytes(4, "little") + b"sfbk"


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(SOUNDFONT_VARIABLE, raising=False)
    monkeypatch.setattr(soundfont, "USER_FOLDER", tmp_path / "user")
    monkeypatch.setattr(soundfont, "SYSTEM_FOLDERS", (tmp_path / "system",))
    (tmp_path / "user").mkdir()
    (tmp_path / "system").mkdir()


def font(path: Path, content: bytes = HEADER) -> Path:
    path.write_bytes(content)
    return path


def test_the_default_is_the_one_inside_pretty_midi() -> None:
    assert find_soundfont().name == "TimGM6mb.sf2"


def test_the_search_goes_from_the_named_one_to_the_environment_the_user_and_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    font(tmp_path / "system" / "FluidR3_GS.sf2")  # an add-on bank, silent alone
    system = font(tmp_path / "system" / "FluidR3_GM.sf2")
    assert find_soundfont() == system
    user = font(tmp_path / "user" / "mine.sf3")
    assert find_soundfont() == user
    environment = font(tmp_path / "environment.sf2")
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(environment))
    assert find_soundfont() == environment
    named = font(tmp_path / "named.sf2")
    assert find_soundfont(named) == named


def test_a_missing_soundfont_is_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    font(tmp_path / "Fluid.sf2")
    with pytest.raises(RlcomposeError, match=r"there is no SoundFont .*did you mean .*Fluid\.sf2"):
        find_soundfont(tmp_path / "Fluidd.sf2")


def test_a_missing_soundfont_in_the_environment_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(tmp_path / "none.sf2"))
    with pytest.raises(RlcomposeError, match="there is no SoundFont"):
        find_soundfont()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5994284\n", "git-lfs pointer"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "not a SoundFont"),
        (b"", "not a SoundFont"),
        (b"RIFF" + (9000).to_bytes(4, "little") + b"sfbk", "cut short: 12 of 9,008 bytes"),
    ],
)
def test_a_file_that_is_no_soundfont_is_an_error_that_says_what_it_is(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(RlcomposeError, match=message):
        find_soundfont(font(tmp_path / "bad.sf2", content))


def test_a_folder_is_no_soundfont(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match="is a folder"):
        find_soundfont(tmp_path)
