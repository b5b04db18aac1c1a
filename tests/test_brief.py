"""What can be pinned holds, and what cannot be is told with what is allowed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rlcompose.brief import Options, make_brief
from rlcompose.engine.core import Engine
from rlcompose.errors import RlcomposeError
from rlcompose.style import load_style, style_from_dict, style_names
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import load_progression, parse_chart


def drawn(style: str, options: dict[str, Any], *fields: str) -> list[set[int]]:
    """The values that these fields have in 200 pieces."""
    engine = Engine(make_brief(style, options), num_envs=200)
    engine.reset(range(200))
    return [set(engine.field(field).tolist()) for field in fields]


@pytest.mark.parametrize("style", style_names())
def test_pinned_choices_hold_in_every_piece(style: str) -> None:
    options = {"bars": 5, "key": "F", "tempo": 99, "meter": "3/4", "register": 55}
    names = ("bars", "key", "mode", "tempo", "bar_ticks", "tonic_pitch")
    # F is pitch class 5; the first F from MIDI 55 (G3) up is 65.
    assert drawn(style, options, *names) == [{5}, {5}, {0}, {99}, {36}, {65}]


def test_what_is_not_pinned_is_still_drawn() -> None:
    tempo, key = drawn("jazz", {"bars": 5}, "tempo", "key")
    assert len(tempo) > 50 and len(key) > 5


def test_named_progression_is_played_in_a_key_of_its_mode() -> None:
    brief = make_brief("jazz", {"progression": "minor_blues"})
    assert [choice.progression.name for choice in brief.charts] == ["minor_blues"]
    assert dict(brief.keys) == {"minor": load_style("jazz").keys["minor"]}
    assert brief.bars == 36  # the style's 32 bars are not whole choruses of 12


def test_progressions_that_fit_the_bars_are_preferred() -> None:
    forms = {choice.progression.num_bars for choice in make_brief("jazz", {"bars": 12}).charts}
    assert forms == {12}
    assert len(make_brief("jazz", {"bars": 13}).charts) == len(load_style("jazz").progressions)


def test_chart_is_read_as_it_stands_and_its_key_heard() -> None:
    brief = make_brief("jazz", {"chords": "Gm7 C7 | F^7"})
    assert dict(brief.keys) == {"major": (5,)}
    assert brief.charts[0].progression.chart == "[A] Dm7 G7 | Cmaj7"


def test_chart_in_a_given_key_keeps_its_chords() -> None:
    brief = make_brief("jazz", {"chords": "Gm7 | C7", "key": "G dorian"})
    assert dict(brief.keys) == {"dorian": (7,)}
    assert brief.charts[0].progression.chart == "[A] Cm7 | F7"


def test_values_may_be_given_as_what_they_are() -> None:
    as_text = make_brief("jazz", {"key": "Bb", "meter": "6/8", "chords": "Bb | F7"})
    chart = parse_chart("Bb | F7")
    as_values = make_brief("jazz", Options(key=Key(10, "major"), meter=Meter(6, 8), chords=chart))
    assert as_text.charts == as_values.charts and as_text.keys == as_values.keys


def test_numbers_of_numpy_are_whole_numbers() -> None:
    assert make_brief("jazz", {"bars": np.int64(3), "tempo": np.int32(90)}).bars == 3


def test_options_survive_being_written_down() -> None:
    options = Options(bars=4, chords=parse_chart("Dm7 G7 | C"), key=Key(0, "major"), meter=Meter(6, 8), range=(50, 80))
    assert make_brief("jazz", options.to_dict()).charts == make_brief("jazz", options).charts
    assert Options.from_mapping(options.to_dict()).to_dict() == options.to_dict()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bar": 4}, "unknown option 'bar': did you mean 'bars'?"),
        ({"bars": 0}, "bars 0 is out of range: allowed are 1 to 1024"),
        ({"bars": 1025}, "bars 1025 is out of range: allowed are 1 to 1024"),
        ({"bars": 2.0}, "bars 2.0 is not a whole number: allowed are 1 to 1024"),
        ({"bars": True}, "bars True is not a whole number"),
        ({"bars": "8"}, "bars '8' is not a whole number"),
        ({"tempo": 10}, "tempo 10 is out of range: allowed are 20 to 400"),
        ({"register": 128}, "register 128 is out of range: allowed are 0 to 127"),
        ({"range": 60}, "range 60 is not a pair: give the lowest and the highest MIDI pitch"),
        ({"range": (60,)}, r"range \(60,\) is not a pair"),
        ({"range": (80, 60)}, "range 80 to 60 is upside down"),
        ({"range": (0, 200)}, "range 200 is out of range: allowed are 0 to 127"),
        ({"key": "H"}, "'H' is not a key: write a tonic and a mode"),
        ({"key": 5}, "key 5 is a int: give it as text or as a Key"),
        ({"key": "C lydian"}, "unknown mode in the key 'C lydian'"),
        ({"key": "C mixolydian"}, "key 'C mixolydian' is mixolydian, but style 'jazz' has music only in major"),
        (
            {"key": "C", "progression": "minor_blues"},
            "key 'C major' is major, but progression 'minor_blues' is only in",
        ),
        ({"meter": "4/5"}, "metre '4/5' is not known: allowed are"),
        ({"meter": 4}, "meter 4 is a int: give it as text or as a Meter"),
        ({"meter": "16/2"}, "a bar of 16/2 has 384 ticks: allowed are 1 to 192"),
        ({"progression": "bluse"}, "unknown progression 'bluse': did you mean 'blues'?"),
        ({"progression": "blues", "chords": "C"}, "give either chords or the name of a progression, not both"),
        ({"chords": "Xm7"}, "chord symbol 'Xm7'"),
        ({"chords": ["C"]}, r"chords \['C'\] is a list: give text, a path, a Chart or a Progression"),
        ({"chords": "C D E F G"}, "has 5 chords, which do not share its 48 ticks evenly"),
        ({"chords": "C | " * 1025 + "C"}, "the chart has 1026 bars: allowed are 1 to 1024"),
        ({"register": 0}, "the register puts the tonic at 0 to 10, too far from the range 46 to 84"),
        ({"register": 60, "key": "C", "range": (100, 110)}, "the tonic at 60, too far from the range 100 to 110"),
    ],
)
def test_wrong_option_is_told_with_what_is_allowed(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RlcomposeError, match=message):
        brief = make_brief("jazz", options)
        Engine(brief)


def test_unknown_style_is_told_with_the_nearest() -> None:
    with pytest.raises(RlcomposeError, match="unknown style 'jaz': did you mean 'jazz'"):
        make_brief("jaz")


def test_style_with_bars_that_are_too_long_is_refused() -> None:
    data = load_style("jazz").to_dict() | {"meters": ["4/4", "9/2"]}
    with pytest.raises(RlcomposeError, match="a bar of 9/2 has 216 ticks"):
        make_brief(style_from_dict(data))


def test_register_at_the_very_edge_leaves_a_pitch_to_play() -> None:
    # The window reaches 30 semitones above the tonic: C1 (24) and F#3 (54), and 12 below it: C7 (96) and C6 (84).
    for register, pitch in ((24, 54), (96, 84)):
        engine = Engine(make_brief("jazz", {"register": register, "key": "C", "range": (pitch, pitch)}))
        engine.reset([0])
        durations = len(engine.brief.style.durations)
        assert engine.state.mask.sum() == 2 * durations  # rests, and that pitch


def test_shipped_progression_is_what_its_name_says() -> None:
    assert make_brief("jazz", {"progression": "ii_v_i"}).charts[0].progression == load_progression("ii_v_i")
