"""What is written of a piece's sound, and how the band plays it: the options that commands share, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from rlcompose.arrange.playing import USUAL, Playing
from rlcompose.sound_formats import DEFAULT_AUDIO, DEFAULT_BITS

MIDI_FORMS = PERFORMED, STRAIGHT = ("performed", "straight")


@dataclass(frozen=True, slots=True)
class Output:
    """What `write_piece` writes besides the score.

    soundfont           the SoundFont to play with; None for the best on this machine
    require_fluidsynth  fail where no FluidSynth can be loaded
    audio               the sound's format: "wav", "flac", "ogg" or "mp3"
    bits                16 or 24, of a WAV or FLAC file
    stems               whether each part's sound is written by itself, too
    midi                the form of the MIDI file: one of `MIDI_FORMS`; the sound is always performed
    midi_parts          whether each part's MIDI is written by itself, too
    playing             how the band plays
    """

    soundfont: str | None = None
    require_fluidsynth: bool = False
    audio: str = DEFAULT_AUDIO
    bits: int = DEFAULT_BITS
    stems: bool = False
    midi: str = PERFORMED
    midi_parts: bool = False
    playing: Playing = USUAL


USUAL_OUTPUT = Output()
