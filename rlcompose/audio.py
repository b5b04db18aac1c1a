"""MIDI to a finished sound file: rendered by FluidSynth, trimmed, at -16 LUFS with true peaks below -1 dBTP."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rlcompose.arrange.mix import Mix, mix_for
from rlcompose.errors import RlcomposeError
from rlcompose.files import make_folder, missing_file
from rlcompose.fluidsynth_library import FluidSynth, FluidSynthMissingError, load_fluidsynth
from rlcompose.mastering import (
    CEILING_DBTP,
    LOSSY_CEILING_DBTP,
    SAMPLE_RATE,
    Stereo,
    apply_cut,
    find_cut,
    mastered,
    pyloudnorm_module,
)
from rlcompose.sound_file import mp3_bytes, soundfile_module, write_sound
from rlcompose.sound_formats import DEFAULT_BITS, LOSSY, check_format
from rlcompose.soundfont import find_soundfont, hint_at_better_fonts
from rlcompose.synth import parse_midi, plain_sound, played_by_fluidsynth, silence

__all__ = ["SAMPLE_RATE", "RenderReport", "mix_of", "mp3_bytes", "render_midi", "stem_folder"]

SILENCE_PEAK = 1e-5  # -100 dBFS: what leaks at MIDI volume 0 is not music, and is not turned up


@dataclass(frozen=True, slots=True)
class RenderReport:
    """What was written: length, loudness and true peak of the sound, and what played it.

    `lufs` and `peak_dbtp` are None for a silent piece. `lead_cut_seconds` is how much silence was cut off before the
    first note: the file's second 0 is that second of the MIDI. `warning` is empty if all went as asked, `hint` says
    where a better SoundFont comes from, if the small default one has played.
    """

    path: str
    seconds: float
    lufs: float | None
    peak_dbtp: float | None
    soundfont: str | None
    engine: str
    lead_cut_seconds: float = 0.0
    warning: str = ""
    stems: tuple[str, ...] = ()
    hint: str = ""


def render_midi(
    midi: str | os.PathLike[str] | bytes,
    path: str | os.PathLike[str],
    soundfont: str | os.PathLike[str] | None = None,
    require_fluidsynth: bool = False,
    bits: int = DEFAULT_BITS,
    stems: Mapping[str, bytes] | None = None,
) -> RenderReport:
    """Render a MIDI file, or the bytes of one, to a stereo sound file; the same input gives the same sound.

    The format is that of the path's ending: .wav and .flac (with `bits` of 16 or 24), .ogg, .mp3. `stems` are MIDI
    files of single parts by their names: each is written into the folder NAME-stems beside the mix, with the mix's gain
    and cut, so that they line up, and before its limiter they add up to it.

    Where there is no FluidSynth, plain tones are written instead; the report and stderr say so.

    Raises:
        RlcomposeError: The MIDI file or the SoundFont is missing or is none, the sound file cannot be written or has no
            known format, a package is not installed, or `require_fluidsynth` is set and there is no FluidSynth.
    """
    soundfile_module(), pyloudnorm_module()  # said before the work is done, not after
    ending = check_format(path, bits)
    content = midi if isinstance(midi, bytes) else _read(Path(midi))
    name = "the MIDI data" if isinstance(midi, bytes) else str(midi)
    source = _Source.found(soundfont, require_fluidsynth)
    warning = source.warning
    sound, is_empty = source.play(content, name)
    peak = float(np.abs(sound).max(initial=0.0))
    lead_cut, done, written = 0.0, None, []
    if peak < SILENCE_PEAK:
        reason = "it has no notes" if is_empty else "its notes make no sound with this SoundFont"
        warning = "; ".join(filter(None, [warning, f"the piece is silent: {reason}"]))
        sound = silence(parse_midi(content, name)[0])
    else:
        cut = find_cut(sound)
        lead_cut = cut.lead_seconds
        done = mastered(apply_cut(sound, cut), LOSSY_CEILING_DBTP if ending in LOSSY else CEILING_DBTP)
        sound = done.sound
        folder = stem_folder(path)
        if stems:
            make_folder(folder)
        for part, part_midi in (stems or {}).items():
            raw, _ = source.play(part_midi, part)
            stem_path = folder / f"{part}{ending}"
            write_sound(stem_path, apply_cut(raw, cut) * np.float32(10 ** (done.gain_db / 20)), bits)
            written.append(str(stem_path))
    write_sound(path, sound, bits)
    if warning:
        print(f"rlcompose: warning: {warning}", file=sys.stderr)
    return RenderReport(
        path=str(path),
        seconds=len(sound) / SAMPLE_RATE,
        lufs=round(done.lufs, 2) if done and math.isfinite(done.lufs) else None,
        peak_dbtp=round(done.peak_dbtp, 2) if done else None,
        soundfont=str(source.font) if source.font else None,
        engine=source.engine,
        lead_cut_seconds=round(lead_cut, 4),
        warning=warning,
        stems=tuple(written),
        hint=hint_at_better_fonts(source.font),
    )


def stem_folder(path: str | os.PathLike[str]) -> Path:
    """Where the stems of a sound file are: NAME-stems beside it."""
    return Path(path).with_name(f"{Path(path).stem}-stems")


def mix_of(soundfont: str | os.PathLike[str] | None = None) -> Mix:
    """The mix for the SoundFont that `render_midi` will play with; without FluidSynth the default one's."""
    try:
        load_fluidsynth()
    except FluidSynthMissingError:
        return mix_for()
    return mix_for(find_soundfont(soundfont))


@dataclass(frozen=True, slots=True)
class _Source:
    """What makes the sound: FluidSynth with a SoundFont, or plain tones."""

    library: FluidSynth | None
    font: Path | None
    warning: str = ""

    @classmethod
    def found(cls, soundfont: str | os.PathLike[str] | None, require_fluidsynth: bool) -> _Source:
        """The best there is on this machine; a SoundFont that was named is checked even if nothing can play it."""
        named = find_soundfont(soundfont) if soundfont else None
        try:
            library = load_fluidsynth()
        except FluidSynthMissingError as error:
            if require_fluidsynth:
                raise
            return cls(None, None, f"plain tones were written instead of instruments. {error}")
        return cls(library, named or find_soundfont())

    @property
    def engine(self) -> str:
        """Its name and version."""
        return f"FluidSynth {self.library.version}" if self.library else "plain tones"

    def play(self, content: bytes, name: str) -> tuple[Stereo, bool]:
        """The raw sound of a MIDI file, and whether it has no notes."""
        seconds, notes = parse_midi(content, name)
        if not notes:
            return silence(seconds), True
        if self.library is None:
            return plain_sound(notes, seconds), False
        assert self.font is not None
        return played_by_fluidsynth(self.library, content, self.font, seconds), False


def _read(path: Path) -> bytes:
    if not path.exists():
        raise missing_file("MIDI file", path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise RlcomposeError(f"cannot read {path}: {error.strerror or error}") from error
