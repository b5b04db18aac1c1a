"""Rendered sound, judged as a listener would: by length, level, pitch and silence in the written file."""

import io
import subprocess
import sys
import types
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt
import pyloudnorm
import pytest
import soundfile

from rlcompose import fluidsynth_library, mastering
from rlcompose.audio import RenderReport, render_midi
from rlcompose.errors import RlcomposeError
from rlcompose.fluidsynth_library import LIBRARY_VARIABLE, ORDER_VARIABLE, FluidSynthMissingError, load_fluidsynth

Sound = npt.NDArray[np.float64]

FLUTE, PIANO, XYLOPHONE = 73, 0, 13
A4 = 69


def midi(
    *pitches: int, program: int = FLUTE, seconds: float = 0.5, lead: float = 0.0, velocity: int = 96, volume: int = 100
) -> bytes:
    """The bytes of a MIDI file with one note after the other; a pitch of -1 is a rest."""
    file = mido.MidiFile(ticks_per_beat=500)  # at 120 a minute a tick is a millisecond
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.Message("program_change", program=program))
    track.append(mido.Message("control_change", control=7, value=volume))
    wait, length = round(lead * 1000), round(seconds * 1000)
    for pitch in pitches:
        if pitch < 0:
            wait += length
            continue
        track.append(mido.Message("note_on", note=pitch, velocity=velocity, time=wait))
        track.append(mido.Message("note_off", note=pitch, time=length))
        wait = 0
    track.append(mido.MetaMessage("end_of_track", time=wait))
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def heard(path: Path) -> Sound:
    sound, rate = soundfile.read(path, always_2d=True)
    assert rate == 44_100 and sound.shape[1] == 2
    return np.asarray(sound)


def first_sound_seconds(sound: Sound) -> float:
    level = np.abs(sound).max(axis=1)
    return float(np.argmax(level > 0.01 * level.max())) / 44_100


def pitch_hertz(sound: Sound) -> float:
    """The strongest frequency of the middle second."""
    middle = len(sound) // 2
    part = sound[middle - 22_050 : middle + 22_050].mean(axis=1)
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    return float(np.fft.rfftfreq(len(part), 1 / 44_100)[spectrum.argmax()])


@pytest.fixture(scope="module")
def melody(tmp_path_factory: pytest.TempPathFactory) -> tuple[RenderReport, Sound]:
    """Eight seconds of flute after four seconds of rest."""
    path = tmp_path_factory.mktemp("melody") / "melody.wav"
    report = render_midi(midi(*[69, 71, 72, 74, 76, 74, 72, 71] * 2, lead=4.0), path, require_fluidsynth=True)
    return report, heard(path)


@pytest.fixture
def no_fluidsynth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    monkeypatch.setattr(fluidsynth_library, "_candidates", lambda wheel_first: [])
    fluidsynth_library._load.cache_clear()


def test_the_file_is_as_long_as_the_music_and_a_short_tail(melody: tuple[RenderReport, Sound]) -> None:
    report, sound = melody
    assert report.seconds == len(sound) / 44_100
    assert 8.0 <= report.seconds <= 8.0 + 5.0


def test_the_file_is_as_loud_as_streamed_music(melody: tuple[RenderReport, Sound]) -> None:
    report, sound = melody
    loudness = pyloudnorm.Meter(44_100).integrated_loudness(sound)
    assert loudness == pytest.approx(-16.0, abs=0.5)
    assert report.lufs == pytest.approx(loudness, abs=0.05)


def test_no_sample_is_above_the_ceiling(melody: tuple[RenderReport, Sound]) -> None:
    report, sound = melody
    assert np.abs(sound).max() <= 10 ** (-1 / 20) + 1e-6
    assert report.peak_dbtp == pytest.approx(20 * np.log10(np.abs(sound).max()), abs=0.02)


def test_a_rest_before_the_first_note_is_cut_and_reported(melody: tuple[RenderReport, Sound]) -> None:
    report, sound = melody
    assert first_sound_seconds(sound) < 0.3
    assert report.lead_cut_seconds + first_sound_seconds(sound) == pytest.approx(4.0, abs=0.1)


def test_the_sound_dies_away_before_the_file_ends(melody: tuple[RenderReport, Sound]) -> None:
    _, sound = melody
    assert np.abs(sound[-2205:]).max() < 10 ** (-60 / 20) * np.abs(sound).max()
    assert np.abs(sound[-1]).max() == 0.0


def test_the_report_names_what_played(melody: tuple[RenderReport, Sound]) -> None:
    report, _ = melody
    assert report.engine.startswith("FluidSynth 2.")
    assert report.soundfont is not None and report.soundfont.endswith((".sf2", ".sf3"))
    assert report.warning == ""


@pytest.mark.parametrize(("pitch", "hertz"), [(A4, 440.0), (84, 1046.5)])
def test_the_written_pitch_is_heard(tmp_path: Path, pitch: int, hertz: float) -> None:
    render_midi(midi(pitch, seconds=3.0), tmp_path / "note.wav")
    assert pitch_hertz(heard(tmp_path / "note.wav")) == pytest.approx(hertz, rel=0.01)


def test_the_same_midi_renders_to_the_same_bytes(tmp_path: Path) -> None:
    for name in ("once.wav", "twice.wav"):
        render_midi(midi(60, 64, 67, program=PIANO), tmp_path / name)
    assert (tmp_path / "once.wav").read_bytes() == (tmp_path / "twice.wav").read_bytes()


def test_threads_render_alike_from_the_first_piece_on(tmp_path: Path) -> None:
    # A fresh interpreter, because FluidSynth sets itself up once: that raced, and one thread's tail came out different.
    (tmp_path / "piece.mid").write_bytes(midi(60, 64, 67, program=PIANO))
    script = (
        "import sys; from concurrent.futures import ThreadPoolExecutor; from rlcompose.audio import render_midi\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    list(pool.map(lambda number: render_midi(sys.argv[1], f'{sys.argv[1]}{number}.wav'), range(4)))"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "piece.mid")], check=True)
    assert len({path.read_bytes() for path in tmp_path.glob("*.wav")}) == 1


@pytest.mark.parametrize("velocity", [5, 127])
def test_soft_and_loud_playing_end_at_the_same_level(tmp_path: Path, velocity: int) -> None:
    report = render_midi(midi(*[60, 64, 67] * 3, program=PIANO, velocity=velocity), tmp_path / "piece.wav")
    assert report.lufs == pytest.approx(-16.0, abs=0.5)


def test_percussive_sounds_are_limited_not_clipped(tmp_path: Path) -> None:
    report = render_midi(midi(*[84, -1, 79, -1] * 4, program=XYLOPHONE, seconds=0.2), tmp_path / "piece.wav")
    sound = heard(tmp_path / "piece.wav")
    assert np.abs(sound).max() <= 10 ** (-1 / 20) + 1e-6
    assert report.lufs == pytest.approx(-16.0, abs=0.5)


def test_a_track_without_a_program_is_heard_as_a_piano(tmp_path: Path) -> None:
    file = mido.MidiFile()
    file.tracks.append(mido.MidiTrack([mido.Message("note_on", note=69), mido.Message("note_off", note=69, time=480)]))
    content = io.BytesIO()
    file.save(file=content)
    assert render_midi(content.getvalue(), tmp_path / "note.wav").warning == ""


def test_a_single_short_note_is_a_file(tmp_path: Path) -> None:
    report = render_midi(midi(84, program=XYLOPHONE, seconds=0.02), tmp_path / "note.wav")
    assert report.seconds >= 0.5 and report.warning == ""


@pytest.mark.parametrize("content", [midi(-1, -1, -1, -1), midi(), midi(60, velocity=0), midi(60, volume=0)])
def test_a_silent_piece_stays_silent_and_says_so(
    tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    report = render_midi(content, tmp_path / "silence.wav")
    assert np.abs(heard(tmp_path / "silence.wav")).max() == 0.0
    assert (report.lufs, report.peak_dbtp) == (None, None)
    assert "the piece is silent" in report.warning
    assert "the piece is silent" in capfd.readouterr().err


def test_rendering_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fluidsynth_library._load.cache_clear()
    render_midi(midi(60), tmp_path / "note.wav")
    assert capfd.readouterr() == ("", "")


def test_the_file_is_24_bit_stereo_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    render_midi(midi(60), tmp_path / "note.wav")
    info = soundfile.info(tmp_path / "note.wav")
    assert (info.format, info.subtype, info.channels) == ("WAV", "PCM_24", 2)
    assert [path.name for path in tmp_path.iterdir()] == ["note.wav"]


def test_without_fluidsynth_plain_tones_of_the_right_pitch_are_written_and_said_aloud(
    tmp_path: Path, no_fluidsynth: None, capfd: pytest.CaptureFixture[str]
) -> None:
    report = render_midi(midi(A4, seconds=3.0, lead=1.0), tmp_path / "note.wav")
    sound = heard(tmp_path / "note.wav")
    assert pitch_hertz(sound) == pytest.approx(440.0, rel=0.01)
    assert first_sound_seconds(sound) < 0.3
    assert (report.engine, report.soundfont) == ("plain tones", None)
    assert report.lufs == pytest.approx(-16.0, abs=0.5)
    assert "pygame-ce" in report.warning
    assert capfd.readouterr().err.startswith("rlcompose: warning: plain tones were written")


def test_without_fluidsynth_it_can_be_required(tmp_path: Path, no_fluidsynth: None) -> None:
    with pytest.raises(FluidSynthMissingError, match="FluidSynth was not found"):
        render_midi(midi(A4), tmp_path / "note.wav", require_fluidsynth=True)
    assert not (tmp_path / "note.wav").exists()


def test_a_named_library_that_does_not_load_is_an_error_not_a_fallback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIBRARY_VARIABLE, str(tmp_path / "libnone.so"))
    with pytest.raises(RlcomposeError, match="RLCOMPOSE_FLUIDSYNTH names a library that does not load"):
        render_midi(midi(A4), tmp_path / "note.wav")


def test_the_library_binds_although_pyfluidsynth_was_imported_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fluidsynth", types.ModuleType("fluidsynth"))
    fluidsynth_library._load.cache_clear()
    with pytest.MonkeyPatch.context() as inner:
        inner.delitem(sys.modules, "pygame", raising=False)
        assert load_fluidsynth().bindings.fluid_synth_write_float
        assert "pygame" not in sys.modules


def test_the_order_is_one_of_two_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ORDER_VARIABLE, "weel")
    with pytest.raises(RlcomposeError, match="allowed are 'wheel' and 'system'"):
        load_fluidsynth()


def test_a_soundfont_that_only_begins_like_one_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.sf2"
    bad.write_bytes(b"RIFF" + (100).to_bytes(4, "little") + b"sfbk" + b"x" * 96)
    with pytest.raises(RlcomposeError, match="cannot read the SoundFont"):
        render_midi(midi(A4), tmp_path / "note.wav", soundfont=bad, require_fluidsynth=True)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"RIFF....WAVE", "is not a MIDI file"),
        (b"", "is not a MIDI file"),
        (midi(60, 62, 64)[:40], "damaged MIDI file"),
        (midi(60, lead=15_000.0), "allowed are up to 7,200 s"),
    ],
)
def test_what_is_no_midi_file_is_an_error_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "piece.mid").write_bytes(content)
    with pytest.raises(RlcomposeError, match=message) as caught:
        render_midi(tmp_path / "piece.mid", tmp_path / "piece.wav")
    assert "\n" not in str(caught.value)


def test_a_missing_package_is_an_error_that_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyloudnorm", None)
    with pytest.raises(RlcomposeError, match=r'pyloudnorm is not installed: pip install "rlcompose\[audio\]"'):
        render_midi(midi(60), tmp_path / "note.wav")


def test_a_few_bare_clicks_are_not_squashed_into_music() -> None:
    clicks = np.zeros((44_100 * 4, 2), dtype=np.float32)
    clicks[::44_100] = 1.0
    assert np.abs(mastering.mastered(clicks).sound).max() <= 10 ** (-1 / 20) + 1e-6
