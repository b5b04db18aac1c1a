"""Grooves are data: patterns in text, files that are read strictly, and the one that fits a piece."""

from pathlib import Path

import pytest

from rlcompose.arrange import Playing, arrange
from rlcompose.arrange.groove import choose_groove, groove_from_dict, groove_names, load_groove
from rlcompose.arrange.pattern import Hit, parse_pattern
from rlcompose.arrange.sheet import sheet_of
from rlcompose.errors import RlcomposeError
from rlcompose.score import Composition
from rlcompose.testing import melody
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

FOUR, SIX = Meter(4, 4), Meter(6, 8)


def hits(text: str, meter: Meter = FOUR) -> list[tuple[int, int, str]]:
    return [(hit.onset, hit.ticks, hit.symbol) for hit in parse_pattern(text, meter, "xXo15").hits]


def test_a_character_is_a_step_of_the_bar() -> None:
    assert hits("x-.X....") == [(0, 12, "x"), (18, 6, "X")]
    assert hits("x..x..x..x..") == [(0, 4, "x"), (12, 4, "x"), (24, 4, "x"), (36, 4, "x")]  # triplets
    assert hits("1.x5.x", SIX) == [(0, 6, "1"), (12, 6, "x"), (18, 6, "5"), (30, 6, "x")]


def test_bars_are_parted_by_lines_and_a_stroke_is_held_over_them() -> None:
    assert hits("...x|-.x.") == [(36, 24, "x"), (72, 12, "x")]


def test_a_pattern_of_two_bars_comes_again_every_two_bars() -> None:
    pattern = parse_pattern("x...|..x.", FOUR, "x")
    assert pattern.in_bar(4) == (Hit(0, 12, "x"),) and pattern.in_bar(5) == (Hit(24, 12, "x"),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x.x.x", "has 5 steps in bar 1: allowed in 4/4 are 1, 2, 3, 4, 6, 8, 12, 16, 24, 48"),
        ("x...|", "has 0 steps in bar 2"),
        ("-x..", "holds nothing at step 1 of bar 1"),
        ("x.-.", "holds nothing at step 3 of bar 1"),
        ("x.y.", "has 'y': allowed are x X o 1 5 - ."),
    ],
)
def test_a_pattern_that_is_none_is_told(text: str, told: str) -> None:
    with pytest.raises(RlcomposeError) as caught:
        hits(text)
    assert told in str(caught.value)


MINE = """
name = "mine"
styles = ["jazz"]
meters = ["4/4"]
tempo = [100, 200]

[[parts]]
name = "piano"
player = "comping"
program = "chords"
patterns = ["x-......"]
"""


def test_a_groove_of_one_s_own_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(MINE)
    groove = load_groove(str(file))
    assert (groove.name, groove.parts[0].settings) == ("mine", {"patterns": ("x-......",)})
    with pytest.raises(RlcomposeError, match="there is no groove .*did you mean"):
        load_groove(str(tmp_path / "mein.toml"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("x-......", "x-.....", "has 7 steps"),
        ('"comping"', '"compin"', "unknown player 'compin': did you mean 'comping'?"),
        ("patterns", "pattern", "unknown setting of the player 'comping' 'pattern': did you mean 'patterns'?"),
        ('"chords"', '"choir"', "program = 'choir': allowed is a General MIDI program from 0 to 127"),
        ("tempo = [100, 200]", "tempo = [200, 100]", "tempo = [200, 100]: allowed is [lowest, highest]"),
        ('["4/4"]', '["4/5"]', "meters: "),
        ("tempo", "temp", "unknown key 'temp': did you mean 'tempo'?"),
        ("patterns =", 'voicing = "rotless"\npatterns =', "unknown voicing 'rotless': did you mean 'rootless'?"),
        ('"comping"', '"walking"\npulse = 0', "unknown pulse 0: Allowed: 12, 24"),
        ('patterns = ["x-......"]', "velocity = true", "velocity = True: allowed is a value such as 60"),
    ],
)
def test_a_fault_in_a_groove_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(MINE.replace(old, new))
    with pytest.raises(RlcomposeError) as caught:
        load_groove(str(file))
    assert told in str(caught.value) and str(file) in str(caught.value)


def test_a_groove_that_is_no_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("name =")
    with pytest.raises(RlcomposeError, match="is not TOML"):
        load_groove(str(tmp_path / "mine.toml"))


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(RlcomposeError, match="has 2 faults"):
        groove_from_dict({"tempo": [2, 1]}, "mine")


def test_every_shipped_groove_is_read_and_has_parts() -> None:
    for name in groove_names():
        groove = load_groove(name)
        assert groove.name == name and groove.description and groove.parts


@pytest.mark.parametrize(
    ("style", "meter", "tempo", "swing", "name"),
    [
        ("jazz", "4/4", 160, True, "medium_swing"),
        ("jazz", "4/4", 260, True, "up_swing"),
        ("jazz", "4/4", 60, True, "ballad"),
        ("jazz", "4/4", 140, False, "bossa"),
        ("jazz", "5/4", 160, True, "swing_in_any_metre"),
        ("blues", "4/4", 130, True, "shuffle"),
        ("hornpipe", "4/4", 140, True, "hornpipe"),
        ("slip_jig", "9/8", 170, False, "slip_jig"),
        ("mine", "7/8", 120, False, "plain"),
    ],
)
def test_the_groove_fits_style_metre_tempo_and_swing(
    style: str, meter: str, tempo: int, swing: bool, name: str
) -> None:
    composition = Composition((), (), Key.parse("C major"), Meter.parse(meter), 1, tempo, style, swing)
    families = {"blues": "jazz", "hornpipe": "fiddle", "slip_jig": "fiddle"}
    assert choose_groove(composition, families.get(style, style)).name == name


@pytest.mark.parametrize("name", ["comping", "strum", "pattern_bass", "arpeggio", "kit"])
def test_without_patterns_a_part_plays_no_more_than_the_last_chord(name: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(MINE.replace('"comping"', f'"{name}"').replace('patterns = ["x-......"]', ""))
    composition = melody("C5:48 C5:48", chords="C | G", style="jazz")
    sheet = sheet_of(composition, playing := Playing(groove=str(file)))
    assert {cue.onset for cue in arrange(sheet, playing)[1].cues} <= {96}


def test_a_pitch_that_midi_has_not_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(MINE.replace('"comping"', '"arpeggio"\nlowest = 120').replace("x-......", "8......."))
    playing = Playing(groove=str(file))
    with pytest.raises(RlcomposeError, match="the part 'piano' comes to pitch 1[3-6].: MIDI has 0 to 127"):
        arrange(sheet_of(melody("C5:48 C5:48", chords="C | G", style="jazz"), playing), playing)
