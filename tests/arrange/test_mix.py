"""Volumes by role, program and SoundFont: every part can be heard, and the melody lies on top."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rlcompose.arrange import Role, accompany
from rlcompose.arrange.mix import LOUDEST, mix_for
from rlcompose.fluidsynth_library import load_fluidsynth
from rlcompose.mastering import loudness
from rlcompose.midi import midi_parts
from rlcompose.score import Composition
from rlcompose.soundfont import find_soundfont
from rlcompose.synth import played_by_fluidsynth

FONT = find_soundfont()


@pytest.mark.parametrize("style", ["jazz", "ballad", "bossa", "gypsy_jazz", "jig", "bach", "volkslied", "chinese"])
def test_every_part_is_within_fourteen_lu_of_the_loudest(style: str, played: Callable[..., Composition]) -> None:
    composition = played(style, 8, 3)
    library = load_fluidsynth()
    levels = {
        name: loudness(played_by_fluidsynth(library, content, FONT, composition.seconds() + 3))
        for name, content in midi_parts(composition, mix=mix_for(FONT)).items()
    }
    assert max(levels.values()) - min(levels.values()) <= 14
    accompaniment = [level for name, level in levels.items() if name not in ("melody", "ornaments")]
    assert levels["melody"] > max(accompaniment)


def test_a_soft_program_gets_more_volume_and_another_font_others() -> None:
    usual, other = mix_for(), mix_for(Path("FluidR3_GM.sf2"))
    assert usual.font == "TimGM6mb" and other.font == "FluidR3_GM"
    assert mix_for(Path("mine.sf2")) == other
    assert mix_for(Path("TimGM6mb.sf2")) == usual


def test_volumes_and_pans_are_midis(played: Callable[..., Composition]) -> None:
    for style in ("jazz", "jig", "bach", "chinese"):
        parts = accompany(played(style, 2, 1)).parts
        assert all(0 < part.volume <= LOUDEST and 0 <= part.pan <= 127 for part in parts)
        assert next(part for part in parts if part.role is Role.MELODY).pan == 64
