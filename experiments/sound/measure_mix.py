"""How loud is each program of a SoundFont? Plays a phrase of every role on all of them and writes the mix's table.

`python experiments/sound/measure_mix.py FONT.sf2 …` measures fonts anew in `rlcompose/arrange/mix.toml`; those that are
not named keep their numbers.
"""

from __future__ import annotations

import argparse
import io
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np

from rlcompose.arrange.arrangement import DRUM_CHANNEL, Role
from rlcompose.fluidsynth_library import load_fluidsynth
from rlcompose.mastering import loudness
from rlcompose.soundfont import find_soundfont
from rlcompose.synth import played_by_fluidsynth

TABLE = Path(__file__).parents[2] / "rlcompose" / "arrange" / "mix.toml"
QUARTER = 480
SILENT = -70.0  # LUFS: of a program that a font has not

# Onset and length in quarter notes, pitch, velocity: what each role plays all day, for 16 quarter notes.
PHRASES: dict[Role, list[tuple[float, float, int, int]]] = {
    Role.MELODY: [(i / 2, 0.48, 67 + (0, 2, 4, 5, 7, 5, 4, 2)[i % 8], 96) for i in range(32)],
    Role.BASS: [(float(i), 0.95, 40 + (0, 3, 5, 7)[i % 4], 74) for i in range(16)],
    Role.CHORDS: [(1.5 * i, 0.5, pitch, 58) for i in range(10) for pitch in (53, 57, 60, 64)],
    Role.VOICE: [(4.0 * i, 3.9, 60 + (0, 2, 4, 2)[i], 68) for i in range(4)],
    Role.DRONE: [(0.0, 16.0, 50, 40), (0.0, 16.0, 57, 40)],
    Role.DRUMS: [
        (beat + place, 0.2, drum, velocity)
        for beat in range(0, 16, 2)
        for place, drum, velocity in (
            (0, 51, 80),
            (1, 51, 94),
            (1.66, 51, 80),
            (1, 44, 90),
            (0, 36, 40),
            (1.66, 38, 60),
        )
    ],
}


def midi(role: Role, program: int) -> bytes:
    """The phrase of a role on a program."""
    channel = DRUM_CHANNEL if role is Role.DRUMS else 0
    events = [(0.0, 0, mido.Message("program_change", channel=channel, program=program))]
    events.append((0.0, 0, mido.Message("control_change", channel=channel, control=7, value=127)))
    for onset, length, pitch, velocity in PHRASES[role]:
        events.append((onset, 2, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)))
        events.append((onset + length, 1, mido.Message("note_off", channel=channel, note=pitch)))
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=375_000)])
    now = 0
    for onset, _, message in sorted(events, key=lambda event: event[:2]):
        tick = round(onset * QUARTER)
        track.append(message.copy(time=tick - now))
        now = tick
    file = mido.MidiFile(ticks_per_beat=QUARTER)
    file.tracks.append(track)
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def measured(font: Path) -> Iterator[tuple[Role, list[float]]]:
    """LUFS of each of 128 programs, role by role."""
    library = load_fluidsynth()
    for role in PHRASES:
        values = []
        for program in range(128):
            sound = played_by_fluidsynth(library, midi(role, program), font, 6.0)
            value = loudness(sound) if np.abs(sound).max() > 1e-5 else SILENT
            values.append(max(SILENT, round(value, 1)))
        print(f"{font.stem} {role}: {min(values)} to {max(values)} LUFS", file=sys.stderr)
        yield role, values


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fonts", nargs="*", help="SoundFonts (default: the one inside pretty_midi)")
    arguments = parser.parse_args()
    table = tomllib.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}
    for name in arguments.fonts or [None]:
        font = find_soundfont(name)
        table[font.stem] = {str(role): values for role, values in measured(font)}
    lines = [
        "# How loud the 128 programs of a SoundFont are, in LUFS, playing a phrase of a role at full MIDI volume.",
        "# Made by experiments/sound/measure_mix.py. -70 is a program that makes no sound.",
    ]
    for font_name, roles in sorted(table.items()):
        lines += ["", f"[{font_name}]"]
        for role, values in roles.items():
            rows = [", ".join(f"{value:g}" for value in values[first : first + 16]) for first in range(0, 128, 16)]
            lines.append(f"{role} = [\n  " + ",\n  ".join(rows) + ",\n]")
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
