"""Styles: the shipped ones are sound, and a faulty file is told all its faults at once."""

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from rlcompose.errors import RlcomposeError
from rlcompose.style import ListedStyle, Style, list_styles, load_style, style_from_dict, style_names, variant_names
from rlcompose.theory.key import SCALES
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import load_progression

DELETE = object()


def changed(**values: Any) -> dict[str, Any]:
    """The jazz style's values with some of them changed or deleted."""
    data = load_style("jazz").to_dict() | values
    return {key: value for key, value in data.items() if value is not DELETE}


ALL_NAMES = (*style_names(), *variant_names())


def test_six_styles_are_shipped() -> None:
    assert style_names() == ("chinese_folk", "chorale", "fiddle", "german_folk", "jazz", "renaissance")


@pytest.mark.parametrize("name", ALL_NAMES)
def test_shipped_style_bears_its_own_name(name: str) -> None:
    assert load_style(name).name == name


@pytest.mark.parametrize("name", ALL_NAMES)
def test_every_tonic_has_a_fifth_above_it_within_a_range_of_an_octave_and_a_half(name: str) -> None:
    # The tonic lies at most 11 semitones above the pitch drawn from the register. Voices that turn around their tonic
    # need no octave above it (plagal modes end a fifth above it).
    style = load_style(name)
    assert style.range[0] <= style.register[0] and style.register[1] + 11 + 7 <= style.range[1]
    assert style.range[1] - style.range[0] >= 18


@pytest.mark.parametrize("name", ALL_NAMES)
def test_bars_of_a_style_hold_whole_forms(name: str) -> None:
    style = load_style(name)
    assert any(style.bars % load_progression(progression).num_bars == 0 for progression in style.progressions)


@pytest.mark.parametrize("name", ALL_NAMES)
def test_every_progression_has_keys_to_be_played_in(name: str) -> None:
    style = load_style(name)
    assert {load_progression(progression).mode for progression in style.progressions} <= set(style.keys)


def test_jazz_swings_in_four_with_triplets() -> None:
    style = load_style("jazz")
    assert style.swing and style.meters == (Meter(4, 4),)
    assert [ticks for _, ticks in style.durations] == [2, 3, 4, 6, 8, 9, 12, 18, 24, 36, 48]


def test_fiddle_has_reels_and_jigs() -> None:
    style = load_style("fiddle")
    assert not style.swing and style.meters == (Meter(4, 4), Meter(6, 8))
    assert [ticks for _, ticks in style.durations] == [3, 4, 6, 9, 12, 18, 24, 36]


def test_instruments_are_tenor_saxophone_and_violin() -> None:
    # General MIDI level 1, counted from 0: 66 tenor sax, 40 violin.
    assert load_style("jazz").instruments["melody"] == 66
    assert load_style("fiddle").instruments["melody"] == 40


@pytest.mark.parametrize("name", ALL_NAMES)
def test_style_survives_json_and_pickle(name: str) -> None:
    style = load_style(name)
    assert style_from_dict(json.loads(json.dumps(style.to_dict(), sort_keys=True))) == style
    assert pickle.loads(pickle.dumps(style)) == style


def test_style_is_loaded_from_a_file(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "rlcompose" / "styles" / "jazz.toml").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("swing = true ", "swing = false "), encoding="utf-8")
    assert load_style(path) == load_style(str(path)) == dataclasses.replace(load_style("jazz"), swing=False)


def test_fingerprint_is_sixteen_digits_and_stays() -> None:
    fingerprint = load_style("jazz").fingerprint
    assert len(fingerprint) == 16 and int(fingerprint, 16) >= 0
    assert style_from_dict(changed()).fingerprint == fingerprint


@pytest.mark.parametrize("key", ["description", "tempo", "swing", "widest_leap", "rewards", "progressions"])
def test_fingerprint_changes_with_any_value(key: str) -> None:
    other = {
        "description": "other",
        "tempo": [100, 101],
        "swing": False,
        "widest_leap": 12,
        "rewards": {"motif": 2.0},
        "progressions": {"blues": 1},
    }
    assert style_from_dict(changed(**{key: other[key]})).fingerprint != load_style("jazz").fingerprint


def test_fingerprint_changes_with_the_chords_of_a_progression(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_style("jazz").fingerprint
    monkeypatch.setattr("rlcompose.style.load_progression", lambda name: load_progression(name).transposed(1))
    assert load_style("jazz").fingerprint != before


def test_durations_are_sorted_whatever_their_order() -> None:
    style = style_from_dict(changed(durations={"half": 24, "eighth": 6, "quarter": 12}))
    assert style.durations == (("eighth", 6), ("quarter", 12), ("half", 24))


# --- scales ---


def test_scale_of_a_mode_that_is_left_out_is_its_own_seven_notes() -> None:
    style = style_from_dict(changed(scales={"minor": [0, 2, 3, 5, 7, 8, 11]}))
    assert style.scales == SCALES | {"minor": (0, 2, 3, 5, 7, 8, 11)}
    assert style_from_dict(changed(scales=DELETE)).scales == SCALES


def test_chinese_modes_have_five_notes() -> None:
    # The black keys of the piano, begun on each of four of them: gong on F#, zhi on C#, yu on D#, shang on G#.
    black_keys = (6, 8, 10, 1, 3)
    scales = load_style("chinese_folk").scales
    for mode, tonic in {"major": 6, "mixolydian": 1, "minor": 3, "dorian": 8}.items():
        assert scales[mode] == tuple(sorted((key - tonic) % 12 for key in black_keys))


# --- bases and variants ---


def base_and(**values: Any) -> Style:
    return style_from_dict({"base": "jazz", "name": "mine"} | values)


def test_what_is_left_out_is_the_bases() -> None:
    jazz = load_style("jazz")
    assert base_and(tempo=[60, 70]) == dataclasses.replace(jazz, name="mine", tempo=(60, 70))
    assert base_and().family == "jazz"


def test_a_given_table_replaces_the_whole_table() -> None:
    assert base_and(progressions={"modal": 1}).progressions == {"modal": 1}
    assert base_and(rewards={"motif": 2.0}).rewards == {"motif": 2.0}


def test_family_is_the_bases_base() -> None:
    assert style_from_dict({"base": "Slip Jig", "name": "mine"}).family == "fiddle"
    assert style_from_dict(changed(name="mine")).family == "mine", "without a base it is a family of its own"


def test_family_survives_a_base_that_changes_later() -> None:
    # A run keeps the whole style: only the family is still looked up.
    plain = base_and(scales={"major": [0, 4, 7]}, swing=False).to_dict()
    assert set(plain) == set(load_style("jazz").to_dict()) | {"base"}
    assert style_from_dict(plain) == base_and(scales={"major": [0, 4, 7]}, swing=False)


def test_a_file_of_three_lines_is_a_style(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('base = "jazz"\nname = "late"\ntempo = [60, 70]\n', encoding="utf-8")
    assert load_style(path) == dataclasses.replace(load_style("jazz"), name="late", tempo=(60, 70))


def test_blues_is_jazz() -> None:
    blues = load_style("blues")
    assert blues.family == "jazz" and blues.progressions == {"blues": 1} and blues.bars % 12 == 0


@pytest.mark.parametrize("name", ["Jazz", " jazz ", "JAZZ"])
def test_case_does_not_count(name: str) -> None:
    assert load_style(name) is load_style("jazz")


@pytest.mark.parametrize("name", ["slip jig", "Slip-Jig", "SLIP_JIG"])
def test_space_and_hyphen_are_as_good_as_an_underscore(name: str) -> None:
    assert load_style(name) is load_style("slip_jig")


@pytest.mark.parametrize("name", variant_names())
def test_variant_keeps_what_a_model_of_its_family_depends_on(name: str) -> None:
    style = load_style(name)
    family = load_style(style.family)
    assert style.family in style_names() and style.family != name
    assert (style.durations, style.pulse, style.widest_leap) == (family.durations, family.pulse, family.widest_leap)
    assert style.rewards == family.rewards


@pytest.mark.parametrize(
    ("name", "meter", "lowest", "highest", "swing"),
    [
        ("jig", "6/8", 158, 188, False),  # 105 to 125 dotted quarters a minute
        ("slip_jig", "9/8", 158, 188, False),
        ("hornpipe", "4/4", 120, 170, True),
        ("polka", "2/4", 110, 150, False),
        ("fiddle_waltz", "3/4", 90, 160, False),
        ("waltz", "3/4", 100, 200, True),
        ("ballad", "4/4", 55, 75, True),
        ("bossa", "4/4", 100, 160, False),
    ],
)
def test_variant_has_its_metre_and_tempo(name: str, meter: str, lowest: int, highest: int, swing: bool) -> None:
    style = load_style(name)
    assert style.meters == (Meter.parse(meter),) and style.swing == swing
    assert lowest <= style.tempo[0] <= style.tempo[1] <= highest


def test_hornpipe_is_slower_than_a_reel() -> None:
    assert load_style("hornpipe").tempo[1] < load_style("reel").tempo[0]


def test_list_has_every_style_followed_by_its_variants() -> None:
    listed = list_styles()
    assert sorted(entry.name for entry in listed) == sorted(ALL_NAMES)
    assert list(dict.fromkeys(entry.family for entry in listed)) == list(style_names())
    at = listed.index(ListedStyle("jazz", "jazz", load_style("jazz").description))
    assert listed[at + 1] == ("blues", "jazz", load_style("blues").description)


@pytest.mark.parametrize(("name", "nearest"), [("jaz", "jazz"), ("blus", "blues"), ("Slip Jigg", "slip_jig")])
def test_unknown_style_is_told_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(RlcomposeError, match=f"unknown style {name!r}: did you mean '{nearest}'"):
        load_style(name)


def test_faults_of_a_file_with_a_base_are_told_together() -> None:
    with pytest.raises(RlcomposeError) as told:
        base_and(bars=0, scales={"major": [2, 4]}, temp=[1, 2])
    assert [line.split()[0] for line in str(told.value).splitlines()[1:]] == ["scales.major", "bars", "unknown"]


def test_with_an_unknown_base_nothing_is_told_to_be_missing() -> None:
    with pytest.raises(RlcomposeError) as told:
        style_from_dict({"base": "jaz", "name": "mine", "bars": 0})
    base, bars = str(told.value).splitlines()[1:]
    assert base.startswith("  base: unknown style 'jaz': did you mean 'jazz'?") and bars.startswith("  bars = 0: ")


def test_missing_file_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match="cannot read the style file .*none.toml"):
        load_style(tmp_path / "none.toml")


def test_file_that_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("name = \n", encoding="utf-8")
    with pytest.raises(RlcomposeError, match=r"broken.toml is not TOML: .*line 1"):
        load_style(path)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"name": ""}, "name = '': allowed is a text"),
        ({"name": "../up"}, r"name = '../up': allowed is a text without / and \\"),
        ({"bars": DELETE}, "bars is missing: allowed is a whole number from 1 to 1024"),
        ({"bars": 0}, "bars = 0: allowed is a whole number from 1 to 1024"),
        ({"bars": True}, "bars = True: allowed is a whole number"),
        ({"bars": 8.0}, "bars = 8.0: allowed is a whole number"),
        ({"bar": 8}, "unknown key 'bar': did you mean 'bars'?"),
        ({"swing": 1}, "swing = 1: allowed is true or false"),
        ({"tempo": [200, 100]}, r"tempo = \[200, 100\]: allowed is \[lowest, highest\]"),
        ({"tempo": 120}, "tempo = 120: allowed is"),
        ({"meters": ["4/5"]}, "meters: metre '4/5' is not known: allowed are"),
        ({"meters": []}, r"meters = \[\]: allowed is a list"),
        ({"keys": {"majr": ["C"]}}, "unknown mode in keys 'majr': did you mean 'major'?"),
        ({"keys": {"major": ["H"]}}, "keys.major: 'H' is not a note name"),
        ({"keys": {"major": []}}, r"keys.major = \[\]: allowed is a list of tonics"),
        ({"keys": {"major": ["C"]}}, "keys.minor is missing: the progression 'minor_blues' is minor"),
        ({"scales": []}, r"scales = \[\]: allowed is a table of scales for some modes"),
        ({"scales": {"majr": [0]}}, "unknown mode in scales 'majr': did you mean 'major'?"),
        (
            {"scales": {"major": [0, 7, 4]}},
            r"scales.major = \[0, 7, 4\]: allowed is ascending semitones above the tonic",
        ),
        ({"scales": {"major": [0, 12]}}, r"scales.major = \[0, 12\]: allowed is"),
        ({"scales": {"major": 0}}, "scales.major = 0: allowed is"),
        ({"base": 1}, "base: unknown style '1'"),
        ({"register": [40, 50]}, r"register = \[40, 50\]: allowed is a span within range, 46 to 84"),
        ({"range": [-1, 84]}, r"range = \[-1, 84\]: allowed is"),
        ({"durations": {}}, r"durations = \{\}: allowed is a table"),
        ({"durations": {"none": 0}}, "durations.none = 0: allowed is a whole number of ticks"),
        ({"durations": {"a": 6, "b": 6}}, "durations.b = 6: allowed is a length of its own, a has this one"),
        ({"widest_leap": -1}, "widest_leap = -1: allowed is a whole number from 0 to 127"),
        ({"progressions": {"bluse": 1}}, "unknown progression in progressions 'bluse': did you mean 'blues'?"),
        ({"progressions": {"blues": 0}}, "progressions.blues = 0: allowed is a whole number from 1 to 1000"),
        ({"instruments": {"melody": 0, "chords": 0}}, "instruments.bass is missing"),
        ({"instruments": {"melody": 128, "chords": 0, "bass": 0}}, "instruments.melody = 128: allowed is"),
        ({"instruments": {"drum": 1}}, "unknown part in instruments 'drum'"),
        ({"rewards": {"motif": float("nan")}}, "rewards.motif = nan: allowed is a finite number"),
        ({"rewards": {"motif": "much"}}, "rewards.motif = 'much': allowed is a finite number"),
        ({"rewards": {"two words": 1.0}}, "rewards: 'two words' is no name of a reward term"),
    ],
)
def test_wrong_value_is_told_with_its_key_and_what_is_allowed(values: dict[str, Any], fault: str) -> None:
    with pytest.raises(RlcomposeError, match=fault):
        style_from_dict(changed(**values))


def test_allowed_keys_are_told_once_each() -> None:
    with pytest.raises(RlcomposeError) as told:
        style_from_dict(changed(tempos=1))
    allowed = str(told.value).partition("allowed are ")[2].split(", ")
    assert allowed == sorted(set(style_from_dict(changed()).to_dict()) | {"base"})


def test_all_faults_are_told_together() -> None:
    with pytest.raises(RlcomposeError) as told:
        style_from_dict(changed(bars=0, swing=1, tempo=[1, 2], colour="blue"), "mine.toml")
    lines = str(told.value).splitlines()
    assert lines[0] == "mine.toml has 4 faults:"
    assert [line.split()[0] for line in lines[1:]] == ["tempo", "swing", "bars", "unknown"]
