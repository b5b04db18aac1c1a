"""Level, peaks, silence, width and cost of rendered pieces of every style: writes `results.md`.

`python experiments/sound/sound.py [--soundfont FILE …] [--pieces N]`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pyloudnorm
import soundfile
from scipy.signal import resample_poly

from rlcompose.agent import find_agent, play
from rlcompose.audio import mix_of, render_midi
from rlcompose.brief import make_brief
from rlcompose.fluidsynth_library import load_fluidsynth
from rlcompose.mastering import loudness
from rlcompose.midi import midi_bytes, midi_parts
from rlcompose.piece import Piece
from rlcompose.score import Composition
from rlcompose.soundfont import find_soundfont
from rlcompose.synth import parse_midi, played_by_fluidsynth

HERE = Path(__file__).parent
STYLES = (
    "jazz", "ballad", "blues", "bossa", "waltz", "gypsy_jazz", "reel", "jig", "hornpipe", "chorale", "renaissance",
    "german_folk", "chinese_folk",
)  # fmt: skip
HEADING = (
    "| SoundFont | style | LUFS | dBTP | first sound, s | longest silence, s | last 50 ms, dB | side to mid, dB "
    "| quietest stem, LU | FluidSynth, % | all, % |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)
OVERSAMPLING = 8
AUDIBLE = 0.01  # of the peak


def decibels(value: float) -> float:
    """20 log10, floored."""
    return float(20 * np.log10(max(value, 1e-9)))


def row(font: str | None, style: str, music: Composition, scratch: Path) -> str:
    """One piece's numbers; costs are CPU seconds for a second of sound."""
    mix = mix_of(font)
    began = time.process_time()
    content = midi_bytes(music, mix=mix)
    render_midi(content, scratch, font)
    spent = time.process_time() - began
    sound, rate = soundfile.read(scratch)
    seconds = len(sound) / rate
    library, path = load_fluidsynth(), find_soundfont(font)
    length, _ = parse_midi(content, style)
    began = time.process_time()
    played_by_fluidsynth(library, content, path, length)
    synth = time.process_time() - began
    stems = [
        loudness(played_by_fluidsynth(library, part, path, length)) for part in midi_parts(music, mix=mix).values()
    ]
    level = np.abs(sound).max(axis=1)
    heard = np.flatnonzero(level > AUDIBLE * level.max())
    side, middle = sound[:, 0] - sound[:, 1], sound[:, 0] + sound[:, 1]
    numbers = (
        pyloudnorm.Meter(rate).integrated_loudness(sound),
        decibels(np.abs(resample_poly(sound, OVERSAMPLING, 1, axis=0)).max()),
        heard[0] / rate,
        np.diff(heard).max() / rate,
        decibels(level[-rate // 20 :].max()),
        decibels(np.sqrt((side**2).mean() / (middle**2).mean())),
        min(stems) - max(stems),
        100 * synth / seconds,
        100 * spent / seconds,
    )
    return f"| {path.stem} | {style} | " + " | ".join(f"{number:.2f}" for number in numbers) + " |"


def main() -> None:
    """Render, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soundfont", action="append", default=[], help="default: the one that pieces are played with")
    parser.add_argument("--pieces", type=int, default=2, help="of each style")
    arguments = parser.parse_args()
    scratch = HERE / ".scratch.wav"
    agent = find_agent("random").made()
    rows = []
    for font in arguments.soundfont or [None]:
        for style in STYLES:
            brief = make_brief(style)
            for played in play(agent, brief, (), range(arguments.pieces)):
                music = Piece(brief, played.seed, played.actions, (), agent.name).composition
                rows.append(row(font, style, music, scratch))
                print(rows[-1], flush=True)
    scratch.unlink()
    (HERE / "results.md").write_text("\n".join([HEADING, *rows]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
