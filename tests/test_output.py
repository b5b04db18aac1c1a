"""What is written of a piece's sound: formats, stems, straight MIDI, parts; and rendering many files at once."""

import json
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly

from rlcompose import compose, render
from rlcompose.arrange import Playing
from rlcompose.audio import mix_of, render_midi
from rlcompose.midi import midi_bytes, midi_parts
from rlcompose.testing import melody

TUNE = melody("C5:6 E5:6 G5:12 A5:6 G5:6 E5:12 " * 4, chords="C | Am | F | G", style="jazz", tempo=160)


def composed(folder: Path, *options: str) -> dict[str, str]:
    """The files of a piece of two bars."""
    folder.mkdir(exist_ok=True)
    result = folder / "result.json"
    arguments = ["--style", "jazz", "--agent", "greedy", "--bars", "2", "--out", str(folder), "--json", str(result)]
    assert compose.main([*arguments, *options]) == 0
    piece: dict[str, str] = json.loads(result.read_text())["pieces"][0]
    return piece


def true_peak_db(path: Path) -> float:
    """Read between the samples by an oversampling that is not ours."""
    sound, _ = soundfile.read(path)
    return float(20 * np.log10(np.abs(resample_poly(sound, 8, 1, axis=0)).max()))


@pytest.mark.parametrize(
    ("ending", "options", "subtype", "highest"),
    [
        ("wav", {}, "PCM_24", -1.0),
        ("wav", {"bits": 16}, "PCM_16", -1.0),
        ("flac", {"bits": 16}, "PCM_16", -1.0),
        ("ogg", {}, "VORBIS", -0.5),
        ("mp3", {}, "MPEG_LAYER_III", -0.5),
    ],
)
def test_every_format_is_written_at_its_level(
    ending: str, options: dict[str, int], subtype: str, highest: float, tmp_path: Path
) -> None:
    path = tmp_path / f"tune.{ending}"
    report = render_midi(midi_bytes(TUNE), path, **options)  # type: ignore[arg-type]
    assert soundfile.info(path).subtype == subtype
    assert true_peak_db(path) <= highest and report.lufs == pytest.approx(-16, abs=0.5)


def test_a_format_that_cannot_be_written_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.mid").write_bytes(midi_bytes(TUNE))
    assert render.main([str(tmp_path / "a.mid"), str(tmp_path / "a.wave")]) == 2
    assert "unknown sound format '.wave': did you mean '.wav'?" in capfd.readouterr().err


def test_the_stems_line_up_and_add_up_to_the_mix(tmp_path: Path) -> None:
    mix = mix_of()
    playing = Playing(melody_only=False)
    path = tmp_path / "tune.wav"
    report = render_midi(midi_bytes(TUNE, playing, mix), path, stems=midi_parts(TUNE, playing, mix))
    whole, _ = soundfile.read(path)
    stems = [soundfile.read(stem)[0] for stem in report.stems]
    assert [Path(stem).name for stem in report.stems] == ["melody.wav", "piano.wav", "bass.wav", "drums.wav"]
    assert all(stem.shape == whole.shape for stem in stems)
    quiet = np.abs(sum(stems)).max(axis=1) < 0.5  # where the limiter has nothing to do
    difference = np.sqrt(np.mean((sum(stems) - whole)[quiet] ** 2)) / np.sqrt(np.mean(whole[quiet] ** 2))
    assert difference < 0.05


def test_compose_writes_what_is_asked_for(tmp_path: Path) -> None:
    files = composed(tmp_path, "--audio", "flac", "--stems", "--midi", "straight", "--midi-parts", "--count-in", "1")
    assert Path(files["flac"]).is_file() and "wav" not in files
    name = Path(files["piece"]).stem
    stems, parts = (sorted(path.stem for path in (tmp_path / f"{name}-{what}").iterdir()) for what in ("stems", "midi"))
    assert stems == parts == ["bass", "count-in", "drums", "melody", "piano"]
    for track in mido.MidiFile(files["midi"]).tracks:
        now = 0
        for message in track:
            now += message.time
            assert message.type != "note_on" or now % 40 == 0, "on the grid"


def test_another_take_and_another_groove_are_other_bands(tmp_path: Path) -> None:
    usual, take, groove, alone = (
        Path(composed(tmp_path / name, *options)["midi"]).read_bytes()
        for name, options in (
            ("a", ()), ("b", ("--take", "1")), ("c", ("--groove", "hymn")), ("d", ("--melody-only", "--no-ending")),
        )
    )  # fmt: skip
    assert len({usual, take, groove, alone}) == 4


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--groove", "balad"), "unknown groove 'balad': did you mean 'ballad'?"),
        (("--without", "swng"), "unknown liberty of players 'swng': did you mean 'swing'?"),
        (("--count-in", "9"), "allowed are 0 to 4"),
    ],
)
def test_a_wrong_option_is_told_before_any_work(
    options: tuple[str, ...], told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert compose.main(["--style", "jazz", "--agent", "greedy", "--out", str(tmp_path / "out"), *options]) == 2
    assert told in capfd.readouterr().err and not (tmp_path / "out").exists()


def test_a_piece_is_rendered_from_its_json_as_it_was(tmp_path: Path) -> None:
    files = composed(tmp_path)
    again = tmp_path / "again.wav"
    assert render.main([files["piece"], str(again)]) == 0
    assert again.read_bytes() == Path(files["wav"]).read_bytes()


def test_a_folder_is_rendered_over_processes_and_one_bad_file_stops_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.mid").write_bytes(midi_bytes(TUNE))
    (tmp_path / "c.mid").write_text("la la la")
    out, result = tmp_path / "out", tmp_path / "result.json"
    assert render.main([str(tmp_path), "--out", str(out), "--jobs", "2", "--json", str(result)]) == 2
    found = json.loads(result.read_text())
    assert sorted(Path(path).name for path in found["written"]) == ["a.wav", "b.wav"]
    assert len(found["failed"]) == 1 and "c.wav: " in found["failed"][0] and "is not a MIDI file" in found["failed"][0]
    assert (out / "a.wav").read_bytes() == (out / "b.wav").read_bytes()
    assert "3/3 " in capfd.readouterr().err
