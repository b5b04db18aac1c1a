"""What can be pinned holds, and what cannot be is told with what is allowed."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlcompose.arguments import add_music_options, music_options
from rlcompose.brief import Options, make_brief
from rlcompose.charts.chart import chart_from_text
from rlcompose.codec import decode, encode
from rlcompose.engine.core import Engine
from rlcompose.env import ComposeEnv
from rlcompose.errors import RlcomposeError
from rlcompose.style import load_style, style_from_dict, style_names
from rlcompose.testing import melody
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import load_progression, parse_chart
from rlcompose.vector import ComposeVectorEnv


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


def music(options: dict[str, Any]) -> Any:
    """A piece without a note, for its chords and what stands beside them."""
    return decode(make_brief("jazz", options), 0, [])


def chords(options: dict[str, Any]) -> list[str]:
    return [span.chord.symbol for span in music(options).chords]


CHART = "title: Mine\nkey: Bb\nmeter: 3/4\ntempo: 99\nCm7 / F7 | Bb^7"


def test_what_a_chart_says_holds() -> None:
    piece = music({"chords": CHART, "bars": 2})
    assert (piece.title, piece.key.name, piece.meter.name, piece.tempo) == ("Mine", "Bb major", "3/4", 99)
    # Two beats, one beat, a bar: 12 ticks each beat.
    assert [(s.onset, s.chord.symbol) for s in piece.chords] == [(0, "Cm7"), (24, "F7"), (36, "Bbmaj7")]


def test_what_is_pinned_goes_before_what_a_chart_says() -> None:
    piece = music({"chords": CHART, "bars": 2, "tempo": 150, "meter": "4/4", "key": "C"})
    assert (piece.key.name, piece.meter.name, piece.tempo) == ("C major", "4/4", 150)


def test_a_chart_that_says_its_key_is_put_into_the_pinned_one() -> None:
    assert chords({"chords": "key: F\nGm7 C7 | F^7", "key": "A", "bars": 2}) == ["Bm7", "E7", "Amaj7"]
    assert chords({"chords": "key: D minor\nDm7 | G7", "key": "C dorian", "bars": 2}) == ["Cm7", "F7"]


def test_a_chart_that_does_not_is_in_the_pinned_key_as_it_stands() -> None:
    assert chords({"chords": "Gm7 C7 | F^7", "key": "A", "bars": 2}) == ["Gm7", "C7", "Fmaj7"]


def test_slashes_are_counted_in_the_pinned_metre() -> None:
    assert music({"chords": "C / G7", "meter": "3/4", "bars": 1}).meter == Meter(3, 4)


def test_name_of_a_progression_may_stand_for_its_chords() -> None:
    named, brief = make_brief("jazz", {"progression": "blues"}), make_brief("jazz", {"chords": "Blues"})
    assert (brief.charts, brief.keys, brief.options) == (named.charts, named.keys, named.options)


def test_a_piece_of_a_file_needs_the_file_no_more(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("key: F\n[A] |: Gm7 / / C7 | F^7 :|x3", encoding="utf-8")
    brief = make_brief("jazz", {"chords": path, "instrument": "Flute"})
    path.unlink()
    plain = json.loads(json.dumps(brief.options.to_dict()))
    assert plain["chords"].startswith("title: mine\nkey: F major\n")
    again = make_brief("jazz", plain)
    assert (again.charts, again.keys, again.instrument) == (brief.charts, brief.keys, 73)
    assert decode(again, 7, []) == decode(brief, 7, [])
    assert again.options.to_dict() == plain


def test_options_of_charts_survive_being_written_down() -> None:
    options = Options(chords=chart_from_text(CHART), form="AA", instrument="66", key="C")
    settled = make_brief("jazz", options)
    again = make_brief("jazz", Options.from_mapping(settled.options.to_dict()))
    assert (again.charts, again.keys, again.tempo, again.instrument) == (
        settled.charts,
        settled.keys,
        settled.tempo,
        settled.instrument,
    )


def test_form_orders_the_sections() -> None:
    options = {"chords": "[A] C | F\n[B] G7 | C", "form": "ABA", "bars": 6}
    assert [section.label for section in music(options).sections] == ["A", "B", "A"]
    assert chords(options) == ["C", "F", "G7", "C", "F"]  # the C goes on from one section into the next
    assert music(options | {"form": "A, B, A"}).chords == music(options).chords


def test_form_takes_the_first_and_the_last_of_equal_letters() -> None:
    chart = "[A] |: C |1. G7 :|2. F ||\n[B] Am"
    assert chords({"chords": chart, "form": "AABA", "bars": 7}) == ["C", "G7", "C", "F", "Am", "C", "F"]


def test_form_may_name_sections_in_full() -> None:
    chart = "[Intro] C | %\n[A] F | %"
    brief = make_brief("jazz", {"chords": chart, "form": "Intro A A"})
    assert [section.label for section in brief.charts[0].progression.form] == ["Intro", "A", "A"]
    assert brief.charts[0].progression.num_bars == 6


def test_form_chooses_among_the_progressions_that_have_its_sections() -> None:
    names = {choice.progression.name for choice in make_brief("jazz", {"form": "ABAC"}).charts}
    everywhere = load_style("jazz").progressions
    assert names == {name for name in everywhere if {"A", "B", "C"} <= set(load_progression(name).labels)} != set()
    brief = make_brief("jazz", {"form": "AABB", "progression": "rhythm_changes"})
    assert "".join(section.label for section in brief.charts[0].progression.form) == "AABB"


@pytest.mark.parametrize("name", ["Tenor Sax", "tenor sax", "TENOR-SAX", 66, "66", np.int64(66)])
def test_instrument_is_named_or_numbered(name: Any) -> None:
    assert music({"instrument": name}).instrument == 66  # counted from 0: General MIDI's 67


def test_instrument_of_a_composition_is_kept_by_its_actions() -> None:
    piece = replace(melody("C4 E4 G4 C5"), instrument=40)
    encoding = encode(piece, load_style("jazz"))
    assert decode(encoding.brief, 0, encoding.actions).instrument == 40


def test_instrument_is_the_styles_where_none_is_pinned() -> None:
    assert music({}).instrument == load_style("jazz").instruments["melody"]


def test_instrument_by_number_needs_no_table_of_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pretty_midi.constants", None)
    assert make_brief("jazz", {"instrument": 12}).instrument == 12
    with pytest.raises(RlcomposeError, match=r"pip install \"rlcompose\[audio\]\""):
        make_brief("jazz", {"instrument": "flute"})


def test_both_environments_take_a_chart_a_form_and_an_instrument(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("[A] C | F\n[B] G7 | C", encoding="utf-8")
    env = ComposeEnv(chords=str(path), form="BA", instrument="Flute", bars=4)
    env.reset(seed=1)
    assert [section.label for section in env.composition.sections] == ["B", "A"]
    assert [span.chord.symbol for span in env.composition.chords] == ["G7", "C", "F"]
    assert env.composition.instrument == 73
    vector = ComposeVectorEnv(2, chords=path, form="BA", instrument=73, bars=4)
    assert (vector.brief.charts, vector.brief.instrument) == (env.brief.charts, 73)
    env.reset(seed=1, options={"form": "AB", "instrument": 40})
    assert (env.composition.sections[0].label, env.composition.instrument) == ("A", 40)


def command_line(*words: str) -> Options:
    parser = ArgumentParser(exit_on_error=False)
    add_music_options(parser)
    return music_options(parser.parse_args(words))


def test_command_line_pins_every_option_but_the_progression() -> None:
    words = (
        "--bars 8 --chords C --form AA --key F --tempo 90 --meter 3/4 --instrument Flute --register C4 --range G3-C6 "
        "--second-voice bass"
    )
    options = command_line(*words.split())
    assert options == Options(8, None, "C", "F", 90, "3/4", 60, (55, 84), "AA", "Flute", "bass")
    assert options.pinned.keys() == set(Options.names()) - {"progression"}


@pytest.mark.parametrize(
    ("register", "span", "expected"),
    [
        ("48", "55-84", (48, (55, 84))),
        ("48", "55–84", (48, (55, 84))),
        ("Bb2", "Eb2 - F#5", (46, (39, 78))),
        ("C4", "C-1-G9", (60, (0, 127))),
    ],
)
def test_pitches_are_names_or_numbers(register: str, span: str, expected: object) -> None:
    options = command_line("--register", register, "--range", span)
    assert (options.register, options.range) == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--register", "H4"], "'H4' is not a pitch: .* or a MIDI number, 0 to 127"),
        (["--register", "200"], "200 is too large: allowed are 0 to 127"),
        (["--range", "C4"], "'C4' is no range: write the lowest and the highest pitch as in 'G3-C6'"),
        (["--range", "C4-X"], "'X' is not a pitch"),
        (["--range", "C4-"], "'C4-' is no range"),
    ],
)
def test_a_wrong_pitch_on_the_command_line_is_told(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Exception, match=message):
        command_line(*words)


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
        ({"chords": "key: C\nC | F", "key": "A minor"}, "key 'A minor' is minor, but the chart is in C major"),
        ({"chords": "tempo: 500\nC | F"}, "the chart's tempo 500 is out of range: allowed are 20 to 400"),
        ({"chords": "no.musicxml"}, "there is no chart 'no.musicxml'"),
        ({"chords": "blues", "progression": "modal"}, "give either chords or the name of a progression, not both"),
        ({"form": "AX", "progression": "blues"}, "unknown section in the form 'AX': 'X': Allowed: A"),
        ({"form": "Intro A", "chords": "[Into] C\n[A] F"}, "'Intro': did you mean 'Into'[?] Allowed: A, Into"),
        ({"form": " ", "chords": "C"}, "form ' ' names no sections: allowed are orders of A"),
        ({"form": 3, "chords": "C"}, "form 3 names no sections"),
        ({"instrument": "tenor saxophon"}, "unknown instrument 'tenor saxophon': did you mean 'Tenor Sax'?"),
        (
            {"instrument": "Organ"},
            "did you mean 'Drawbar Organ' or 'Percussive Organ' or 'Rock Organ' or 'Church Organ'",
        ),
        ({"instrument": 128}, "instrument 128 is out of range: allowed are 0 to 127"),
        ({"instrument": "128"}, "instrument 128 is out of range: allowed are 0 to 127"),
        ({"instrument": 1.5}, "instrument 1.5 is not a whole number"),
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
