"""Styles: the shipped ones are sound, and a faulty file is told all its faults at once."""

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from rlcompose.errors import RlcomposeError
from rlcompose.style import load_style, style_from_dict, style_names
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import load_progression

DELETE = object()


def changed(**values: Any) -> dict[str, Any]:
    """The jazz style's values with some of them changed or deleted."""
    data = load_style("jazz").to_dict() | values
    return {key: value for key, value in data.items() if value is not DELETE}


def test_jazz_and_fiddle_are_shipped() -> None:
    assert set(style_names()) >= {"jazz", "fiddle"}


@pytest.mark.parametrize("name", style_names())
def test_shipped_style_bears_the_name_of_its_file(name: str) -> None:
    assert load_style(name).name == name


@pytest.mark.parametrize("name", style_names())
def test_every_tonic_has_an_octave_within_the_range(name: str) -> None:
    # The tonic lies at most 11 semitones above the pitch drawn from the register.
    style = load_style(name)
    assert style.range[0] <= style.register[0]
    assert style.register[1] + 11 + 12 <= style.range[1]


@pytest.mark.parametrize("name", style_names())
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


@pytest.mark.parametrize("name", style_names())
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


def test_unknown_style_is_told_with_the_nearest() -> None:
    with pytest.raises(RlcomposeError, match="did you mean 'jazz'"):
        load_style("jaz")


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
        ({"rewards": {"two words": 1.0}}, "name 'two words' in rewards: allowed is a Python identifier"),
    ],
)
def test_wrong_value_is_told_with_its_key_and_what_is_allowed(values: dict[str, Any], fault: str) -> None:
    with pytest.raises(RlcomposeError, match=fault):
        style_from_dict(changed(**values))


def test_all_faults_are_told_together() -> None:
    with pytest.raises(RlcomposeError) as told:
        style_from_dict(changed(bars=0, swing=1, tempo=[1, 2], colour="blue"), "mine.toml")
    lines = str(told.value).splitlines()
    assert lines[0] == "mine.toml has 4 faults:"
    assert [line.split()[0] for line in lines[1:]] == ["tempo", "swing", "bars", "unknown"]
