"""Charts as musicians type them; every bar of what is played was written out by hand."""

from __future__ import annotations

import pytest

from rlcompose.charts.chart import chart_from_text
from rlcompose.errors import RlcomposeError
from rlcompose.theory.chord import Chord, parse_chord
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import bar_chords, bar_symbols


def by_hand(text: str) -> list[tuple[Chord, ...]]:
    """Bars between |, written out: nothing is repeated, and no sign but chords is known."""
    return [tuple(parse_chord(symbol) for symbol in bar.split()) for bar in text.split("|")]


def form(text: str) -> str:
    """The letters of the sections as they are played."""
    return " ".join(section.label for section in chart_from_text(text).progression.form)


def symbols(text: str) -> list[str]:
    """The bars as they are played."""
    return [bar_symbols(bar) for bar in chart_from_text(text).progression.bars]


BRIDGE = "D7 | D7 | G7 | G7 | C7 | C7 | F7 | F7"
CHARTS = {
    "blues in F with a turnaround": (
        """
        title: Blues
        key: F
        F7  | Bb7  | F7 | Cm7 F7
        Bb7 | Bo7  | F7 | Am7b5 D7b9
        Gm7 | C7   | Am7 D7 | Gm7 C7
        """,
        "F7 | Bb7 | F7 | Cm7 F7 | Bb7 | Bdim7 | F7 | Am7b5 D7b9 | Gm7 | C7 | Am7 D7 | Gm7 C7",
        "A",
    ),
    "blues played twice with two endings": (
        "|: Bb7 | Eb7 | Bb7 | % | Eb7 | % | Bb7 | G7 | Cm7 | F7 |1. Bb7 | F7 :|2. Bb7 | Bb7 |]",
        "Bb7 | Eb7 | Bb7 | Bb7 | Eb7 | Eb7 | Bb7 | G7 | Cm7 | F7 | Bb7 | F7 |"
        "Bb7 | Eb7 | Bb7 | Bb7 | Eb7 | Eb7 | Bb7 | G7 | Cm7 | F7 | Bb7 | Bb7",
        "A A",
    ),
    "minor blues": (
        "key: C minor\nCm7 | % | % | % | Fm7 | % | Cm7 | % | Ab7 | G7alt | Cm7 | Dm7b5 G7alt",
        "Cm7|Cm7|Cm7|Cm7|Fm7|Fm7|Cm7|Cm7|Ab7|G7alt|Cm7|Dm7b5 G7alt",
        "A",
    ),
    "rhythm changes with endings": (
        """
        [A] |: Bb6 G7 | Cm7 F7 | Dm7 G7 | Cm7 F7 | Fm7 Bb7 | Eb7 Ab7 |1. Dm7 G7 | Cm7 F7 :|2. Cm7 F7 | Bb6 ||
        [B] D7 | % | G7 | % | C7 | % | F7 | %
        [A] Bb6 G7 | Cm7 F7 | Dm7 G7 | Cm7 F7 | Fm7 Bb7 | Eb7 Ab7 | Cm7 F7 | Bb6
        """,
        "Bb6 G7 | Cm7 F7 | Dm7 G7 | Cm7 F7 | Fm7 Bb7 | Eb7 Ab7 | Dm7 G7 | Cm7 F7 |"
        "Bb6 G7 | Cm7 F7 | Dm7 G7 | Cm7 F7 | Fm7 Bb7 | Eb7 Ab7 | Cm7 F7 | Bb6 |"
        + BRIDGE
        + "|Bb6 G7 | Cm7 F7 | Dm7 G7 | Cm7 F7 | Fm7 Bb7 | Eb7 Ab7 | Cm7 F7 | Bb6",
        "A A B A",
    ),
    "modal, sixteen bars twice, eight up, eight back": (
        "A: |: Dm7 | % | %% | %% | %% :|\nB: Ebm7 | % | %% | %% | %%\nA: Dm7 | % | %% | %% | %%",
        "|".join(["Dm7"] * 16 + ["Ebm7"] * 8 + ["Dm7"] * 8),
        "A A B A",
    ),
    "jazz waltz": (
        "meter: 3/4\nG^7 | C^7 | G^7 | Bm7 E7 | Am7 / D7 | Bm7 E7 / | Am7 | D7",
        "Gmaj7 | Cmaj7 | Gmaj7 | Bm7 E7 | Am7 Am7 D7 | Bm7 E7 E7 | Am7 | D7",
        "A",
    ),
    "bossa with a long bridge": (
        """
        title: Bossa
        tempo: 140
        [A] |: F^7 | % | G7 | % | Gm7 | Gb7 |1. F^7 | Gb7 :|2. F^7 | %
        [B] Gb^7 | % | B7 | % | F#m7 | % | D7 | % | Gm7 | % | Eb7 | % | Am7 | D7b9 | Gm7 | C7b9
        [A] F^7 | % | G7 | % | Gm7 | Gb7 | F^7 | Gb7
        """,
        "Fmaj7|Fmaj7|G7|G7|Gm7|Gb7|Fmaj7|Gb7|Fmaj7|Fmaj7|G7|G7|Gm7|Gb7|Fmaj7|Fmaj7|"
        "Gbmaj7|Gbmaj7|B7|B7|F#m7|F#m7|D7|D7|Gm7|Gm7|Eb7|Eb7|Am7|D7b9|Gm7|C7b9|"
        "Fmaj7|Fmaj7|G7|G7|Gm7|Gb7|Fmaj7|Gb7",
        "A A B A",
    ),
    "ballad with slash chords": (
        "C^7 | C/B | Am7 | Am/G | F#m7b5 | B7b9 | Em7 A7 | Dm7 G7",
        "Cmaj7 | C/B | Am7 | Am/G | F#m7b5 | B7b9 | Em7 A7 | Dm7 G7",
        "A",
    ),
    "stop time": (
        "C7 / N.C. / | % | % | C7 | F7",
        "C7 C7 N.C. N.C. | C7 C7 N.C. N.C. | C7 C7 N.C. N.C. | C7 | F7",
        "A",
    ),
    "pushed changes": ("C / / G7 | C G7 / / | / / F / | G7 / / /", "C C C G7 | C G7 G7 G7 | G7 G7 F F | G7", "A"),
    "da capo al fine": (
        "[A] Am | Dm | E7 | Am Fine\n[B] C | G7 | C | E7 D.C. al Fine",
        "Am | Dm | E7 | Am | C | G7 | C | E7 | Am | Dm | E7 | Am",
        "A B A",
    ),
    "da capo al coda": (
        "[A] |: C | Am | Dm To Coda | G7 :|\n[B] F | Fm | C | G7 D.C. al Coda\n[Coda] Dm7 | G7 | C6",
        "C|Am|Dm|G7|C|Am|Dm|G7|F|Fm|C|G7|C|Am|Dm|Dm7|G7|C6",
        "A A B A Coda",
    ),
    "dal segno al coda without marks": (
        "Em | B7 | Segno C | G | D To Coda | B7 | Em D.S. al Coda | Coda Am | Em",
        "Em | B7 | C | G | D | B7 | Em | C | G | D | Am | Em",
        "A Coda",
    ),
    "da capo al second ending": (
        "[A] |: C | F |1. G7 :|2. C ||\n[B] Am | D7 | G7 D.C. al 2nd ending",
        "C | F | G7 | C | F | C | Am | D7 | G7 | C | F | C",
        "A A B A",
    ),
    "vamp four times": ("|: Dm7 G7 | Em7 A7 :|x4\nDm7 | G7 | C6", "Dm7 G7 | Em7 A7 |" * 4 + "Dm7 | G7 | C6", "A A A A"),
    "three endings": (
        "|: C |1,2. G7 :|3. C ||\n[B] F",
        "C | G7 | C | G7 | C | C | F",
        "A A A B",
    ),
    "reel in two parts": (
        "time: 2/2\nkey: D\n[A] |: D | G | D | A7 | D | G | A7 | D :|\n[B] |: Bm | A | G | D | Bm | A | G A7 | D :|",
        "D|G|D|A7|D|G|A7|D|D|G|D|A7|D|G|A7|D|Bm|A|G|D|Bm|A|G A7|D|Bm|A|G|D|Bm|A|G A7|D",
        "A A B B",
    ),
    "jig counted in eighths": (
        "[6/8] G / / D / / | G C | G",
        "G G G D D D | G C | G",
        "A",
    ),
    "minor swing tune with an intro": (
        "Intro: Am6 | % | Dm6 | %\nA: |: Am6 | % | Dm6 | % | E7 | % | Am6 | E7 :|",
        "Am6|Am6|Dm6|Dm6|Am6|Am6|Dm6|Dm6|E7|E7|Am6|E7|Am6|Am6|Dm6|Dm6|E7|E7|Am6|E7",
        "Intro A A",
    ),
    "cycle of two bars in five": (
        "T54 Ebm7 / / Bbm7 / | %",
        "Ebm7 Ebm7 Ebm7 Bbm7 Bbm7 | Ebm7 Ebm7 Ebm7 Bbm7 Bbm7",
        "A",
    ),
}


@pytest.mark.parametrize("name", CHARTS)
def test_chart_is_played_bar_by_bar_as_written_out_by_hand(name: str) -> None:
    text, expected, labels = CHARTS[name]
    chart = chart_from_text(text)
    assert list(chart.progression.bars) == by_hand(expected)
    assert " ".join(section.label for section in chart.progression.form) == labels


def test_header_says_title_key_metre_and_tempo() -> None:
    chart = chart_from_text("Title: Round # 2\nKey: F# minor\nTime: 3/4\nTempo: 96\nPhrase: 8\nF#m | C#7")
    assert (chart.title, chart.progression.title) == ("Round # 2", "Round # 2")
    assert chart.key and chart.meter
    assert (chart.key.name, chart.meter.name, chart.tempo) == ("F# minor", "3/4", 96)
    assert (chart.progression.mode, chart.progression.phrase_bars) == ("minor", 8)


def test_what_a_text_leaves_open_is_none() -> None:
    chart = chart_from_text("Dm7 G7 | C")
    assert (chart.title, chart.key, chart.meter, chart.tempo) == ("", None, None, None)
    assert (chart.progression.name, chart.progression.mode) == ("chart", "major")


@pytest.mark.parametrize(
    "text", ["3/4 | Dm7 | G7", "3/4 Dm7 | G7", "[3/4] Dm7 | G7", "T34 Dm7 | G7", "metre: 3/4\nDm7 | G7"]
)
def test_metre_may_stand_at_the_beginning(text: str) -> None:
    chart = chart_from_text(text)
    assert chart.meter == Meter(3, 4)
    assert list(chart.progression.bars) == by_hand("Dm7 | G7")


def test_twelve_eight_has_a_sign_of_its_own() -> None:
    assert chart_from_text("T12 C | F").meter == Meter(12, 8)


def test_slashes_are_counted_in_the_given_metre_where_none_is_named() -> None:
    assert chart_from_text("C / G7", meter=Meter(3, 4)).meter == Meter(3, 4)
    assert chart_from_text("C / / G7").meter == Meter(4, 4)
    assert chart_from_text("C | G7", meter=Meter(3, 4)).meter is None


def test_slashes_place_chords_on_beats() -> None:
    # Twelve ticks a quarter note.
    bar = chart_from_text("C / / G7").progression.bars[0]
    assert [(onset, chord.symbol) for onset, _, chord in bar_chords(bar, Meter(4, 4))][-1] == (36, "G7")


@pytest.mark.parametrize(
    "text",
    ["# a comment\nC# | F#m # and another\n  # C | D\nG#7", "C# | F#m | G#7"],
)
def test_a_comment_is_not_a_sharp(text: str) -> None:
    assert symbols(text) == ["Db", "F#m", "Ab7"]


@pytest.mark.parametrize("repeat", [":|x3", ":|3x", ":| x3", ":| (3x)", ":|| x3"])
def test_repeats_say_how_often(repeat: str) -> None:
    assert symbols(f"|: C | F {repeat}\nG") == ["C", "F"] * 3 + ["G"]


@pytest.mark.parametrize("signs", [":|:", ":||:", ":| |:", ":|\n|:", ":|  ||:"])
def test_a_repeat_may_follow_a_repeat(signs: str) -> None:
    assert symbols(f"|: C {signs} F :|") == ["C", "C", "F", "F"]


def test_a_repeat_without_a_beginning_goes_back_to_the_last_one_or_the_first_bar() -> None:
    assert symbols("C | F :| G | Am :|") == ["C", "F", "C", "F", "G", "Am", "G", "Am"]


@pytest.mark.parametrize(
    "first", ["|1. G", "| 1 G", "|[1. G", "|[1.] G", "|[1 G", "|(1.) G", "|(1) G", "\n1. G", "|1.\nG"]
)
def test_endings_are_written_in_many_ways(first: str) -> None:
    second = first.replace("1", "2").replace("G", "C").removeprefix("|")
    assert symbols(f"|: F {first} :|{second}") == ["F", "G", "F", "C"]


@pytest.mark.parametrize("numbers", ["1,2.", "1-2.", "1.2.", "1., 2."])
def test_an_ending_may_have_several_numbers(numbers: str) -> None:
    assert symbols(f"|: C |{numbers} F :|3. G") == ["C", "F", "C", "F", "C", "G"]


def test_a_first_ending_alone_is_left_out_at_last() -> None:
    assert symbols("|: C |1. G7 :| F") == ["C", "G7", "C", "F"]


def test_more_passes_than_endings_play_the_first_more_often() -> None:
    assert symbols("|: C |1. G7 :|x3 2. F") == ["C", "G7", "C", "G7", "C", "F"]


def test_a_double_bar_line_ends_the_last_ending() -> None:
    assert symbols("|: C |1. D :|2. E || F | G :|") == ["C", "D", "C", "E", "F", "G", "F", "G"]


def test_a_repeat_in_the_middle_of_a_section_lengthens_it() -> None:
    assert form("[A] C |: F | G :| C [B] G".replace("[B]", "|[B]")) == "A B"


def test_signs_after_a_jump_are_not_obeyed_twice() -> None:
    assert symbols("|: C | F Fine :| G | D.C. al Fine") == ["C", "F", "C", "F", "G", "C", "F"]


def test_jump_to_the_beginning_heeds_what_comes() -> None:
    assert symbols("C | F Fine | G D.C.") == ["C", "F", "G", "C", "F"]
    assert symbols("C | F | G D.C.") == ["C", "F", "G", "C", "F", "G"]


def test_nothing_leads_out_of_the_coda() -> None:
    assert symbols("C To Coda | F D.C. | Coda Am To Coda | G") == ["C", "F", "C", "Am", "G"]


def test_two_bars_are_repeated_as_two() -> None:
    assert symbols("C | F G | %% | %") == ["C", "F G", "C", "F G", "F G"]


@pytest.mark.parametrize(
    "jump", ["D.C. al Fine", "DC al Fine", "dc al fine", "D.C al Fine", "Da Capo al Fine", "(D.C. al Fine)"]
)
def test_jumps_are_written_in_many_ways(jump: str) -> None:
    assert symbols(f"C | F (Fine) | G | Am {jump}") == ["C", "F", "G", "Am", "C", "F"]
    assert symbols("C | Segno F To Coda | G Dal Segno al Coda | Coda Am") == ["C", "F", "G", "F", "Am"]


def test_d_and_c_are_two_chords() -> None:
    assert symbols("D C | D") == ["D C", "D"]


def test_a_jump_to_an_ending_stops_at_the_fine() -> None:
    chart = "|: C |1. F :|2. G | Am Fine | D || E | E7 D.C. al 2nd ending"
    assert symbols(chart) == ["C", "F", "C", "G", "Am", "D", "E", "E7", "C", "G", "Am"]
    beyond = "|: C |1. F :|2. G || Am Fine | E7 D.C. al 2nd ending"
    assert symbols(beyond) == ["C", "F", "C", "G", "Am", "E7", "C", "G", "Am"]


@pytest.mark.parametrize("label", ["Verse 1", "Pre-Chorus", "Chorus"])
def test_a_section_has_a_name_and_a_number(label: str) -> None:
    chart = chart_from_text(f"{label}: C | G\nBridge: F | G").progression
    assert chart.labels == (label, "Bridge")


def test_repeats_of_the_coda_are_played() -> None:
    assert symbols("C To Coda | F D.C. al Coda | Coda |: Am | G :|") == ["C", "F", "C", "Am", "G", "Am", "G"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("C | F | Gx7", "bar 3 of 'chart': chord symbol 'Gx7'"),
        ("[A] C | F\n[B] G | Hm", r"bar 4 of 'chart' \(section B\): chord symbol 'Hm'"),
        ("C | | G", "bar 2 of 'chart' is empty"),
        ("%% | C", "bar 1 of 'chart' is '%%', but there is no two bars before it"),
        ("C | %%", "bar 2 of 'chart' is '%%', but there is no two bars before it"),
        ("C / G7", "bar 1 of 'chart' has 3 beats, a bar of 4/4 has 4"),
        ("3/4 C | F / / /", "bar 2 of 'chart' has 4 beats, a bar of 3/4 has 3"),
        ("6/8 C / / /", "bar 1 of 'chart' has 4 beats, a bar of 6/8 has 2 or 6"),
        ("/ / / C", "bar 1 of 'chart' begins with '/', but there is no chord before it"),
        ("4/4 C | 3/4 F", "bar 2 of 'chart' changes the metre from 4/4 to 3/4: a chart has one metre"),
        ("C | 3/4 F", "bar 2 of 'chart' is the first to name a metre, 3/4"),
        ("meter: 4/4\n3/4 C", "bar 1 of 'chart' is in 3/4, but the chart says 4/4"),
        ("|: C |: F :| G :|", "bar 2 of 'chart': a repeat begins within a repeat"),
        ("|: C | F", "bar 1 of 'chart': the repeat that begins here has no end"),
        (":| C", "bar 1 of 'chart': a repeat ends before the first bar"),
        ("C | F |:", "a repeat begins after bar 2 of 'chart', the last one"),
        ("C |x3 F", "bar 2 of 'chart': x3 after a bar line that ends no repeat"),
        ("|: C :|x1", "bar 1 of 'chart' is repeated 1 times: allowed are 2 to 99"),
        ("|: C |1. F |2. G", "bar 2 of 'chart': ending 1 has no repeat sign at its end"),
        ("C |1. F", "bar 2 of 'chart': ending 1 has no repeat sign at its end"),
        ("|: C |1. F :|3. G", "the repeat has the endings 1 and 3"),
        ("|: C |1. F :|1. G", "the repeat has the endings 1 and 1"),
        ("|: C |0. F :|1. G", "bar 2 of 'chart': '0' is no number of an ending"),
        ("|: C |1. D :|2. E :|x2 3. F", "the repeat is played 2 times, but has 3 endings"),
        ("C | F Fine", "bar 2 of 'chart': Fine needs a D.C. or D.S."),
        ("C | F To Coda", "bar 2 of 'chart': To Coda needs a D.C. or D.S."),
        ("C | Segno F", "bar 2 of 'chart': Segno needs a D.C. or D.S."),
        ("C | F D.C. al Fine", "bar 2 of 'chart': D.C. al Fine needs a Fine, and the chart has none"),
        ("C To Coda | F D.C. al Coda", "bar 2 of 'chart': D.C. al Coda needs a Coda"),
        ("C | F D.C. al Coda | [Coda] G", "bar 2 of 'chart': D.C. al Coda needs a To Coda"),
        ("C | F D.S.", "bar 2 of 'chart': D.S. needs a Segno"),
        ("C Fine | F D.S. al Fine", "bar 2 of 'chart': D.S. al Fine needs a Segno"),
        ("C | F D.C. al 2nd ending", "needs an ending 2, and the chart has none"),
        ("C D.C. | F D.C.", "bar 2 of 'chart': a chart has one D.C. or D.S., and another stands at bar 1"),
        ("D.C. al Fine | C", "bar 1 of 'chart': D.C. al Fine stands before the first bar"),
        ("C | Coda", "a Coda begins after bar 1 of 'chart', the last one"),
        ("[A]\n[B] C", r"section \[A\] of 'chart' has no bars"),
        ("C\nkey: F", "'chart' says its key at bar 2: write it before all bars"),
        ("key: F\nkey: G\nC", "'chart' says its key twice: 'F' and 'G'"),
        ("key:\nC", "'chart' says no key after 'key:'"),
        ("key: H\nC", "'H' is not a key"),
        ("tempo: fast\nC", "the tempo 'fast' of 'chart' is no number of quarter notes a minute"),
        ("meter: 4/5\nC", "metre '4/5' is not known"),
        ("[Chorus x2] C | F", r"bar 1 of 'chart' \(section Chorus x2\): a section's name says nothing about repeats"),
        ("C | " * 100_001, "'chart' has more than 100,000 bars"),
        ("|: " + "C | " * 1100 + "C :|x99", "the repeats make more than 100,000 bars"),
    ],
)
def test_what_is_wrong_is_told_with_its_bar(text: str, message: str) -> None:
    with pytest.raises(RlcomposeError, match=message):
        chart_from_text(text)
