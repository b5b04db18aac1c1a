"""Progressions and charts; forms and keys are those every musician would name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcompose.errors import RlcomposeError
from rlcompose.theory.chord import NO_CHORD, parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import (
    Progression,
    bar_chords,
    bar_of_changes,
    bar_symbols,
    guess_key,
    load_progression,
    parse_chart,
    progression_names,
)


def bars(text: str) -> list[str]:
    """The bars of a chart as symbols."""
    return [bar_symbols(bar) for bar in parse_chart(text).bars]


@pytest.mark.parametrize(
    ("name", "form", "num_bars"),
    [
        ("blues", "A", 12),
        ("minor_blues", "A", 12),
        ("rhythm_changes", "AABA", 32),
        ("ii_v_i", "A", 8),
        ("minor_ii_v_i", "A", 8),
        ("modal", "AABA", 32),
        ("turnaround", "A", 8),
        ("standard_aaba", "AABA", 32),
        ("standard_abac", "ABAC", 32),
        ("minor_standard", "AABA", 32),
        ("folk_cadences", "AABB", 32),
        ("folk_modal", "AABB", 32),
        ("folk_minor", "AABB", 32),
        ("polka", "AABB", 32),
        ("bossa", "AABA", 32),
        ("bossa_minor", "AABA", 32),
        ("jazz_waltz", "AABA", 32),
        ("jazz_waltz_minor", "AABA", 32),
        ("ballad", "AABA", 32),
        ("gypsy_minor", "AB", 16),
        ("turnaround_vamp", "A", 4),
        ("minor_turnaround", "A", 4),
        ("chorale_major", "AABC", 16),
        ("chorale_minor", "AABC", 16),
        ("chorale_short", "AB", 8),
        ("chorale_short_minor", "AB", 8),
        ("folksong_aaba", "AABA", 16),
        ("folksong_ab", "AB", 8),
        ("folksong_minor", "AABA", 16),
        ("pentatonic_gong", "ABCB", 16),
        ("pentatonic_zhi", "ABCB", 16),
        ("pentatonic_yu", "ABCB", 16),
        ("pentatonic_shang", "ABCB", 16),
        ("motet_ionian", "ABCD", 16),
        ("motet_dorian", "ABCD", 16),
        ("motet_mixolydian", "ABCD", 16),
        ("motet_aeolian", "ABCD", 16),
    ],
)
def test_progression_has_its_form(name: str, form: str, num_bars: int) -> None:
    progression = load_progression(name)
    assert "".join(section.label for section in progression.form) == form
    assert progression.num_bars == len(progression.bars) == num_bars


def test_every_progression_is_tested_here_by_its_form() -> None:
    assert len(progression_names()) == 37


def test_blues_has_its_chords_where_they_belong() -> None:
    # Twelve bars: tonic in 1, subdominant in 5, tonic in 7, dominant in 10, tonic in 11.
    roots = [bar[0].root for bar in load_progression("blues").bars]
    assert [roots[bar - 1] for bar in (1, 5, 7, 10, 11)] == [0, 5, 0, 7, 0]


@pytest.mark.parametrize("name", progression_names())
@pytest.mark.parametrize(
    "meter", [Meter(4, 4), Meter(2, 4), Meter(3, 4), Meter(6, 8), Meter(9, 8)], ids=lambda m: m.name
)
def test_every_progression_fits_every_metre(name: str, meter: Meter) -> None:
    for bar in load_progression(name).bars:
        assert sum(ticks for _, ticks, _ in bar_chords(bar, meter)) == meter.bar_ticks


@pytest.mark.parametrize("name", progression_names())
def test_every_progression_is_written_on_c(name: str) -> None:
    progression = load_progression(name)
    key = guess_key(progression)
    assert key.tonic == 0
    sounding = {tone for bar in progression.bars for chord in bar for tone in chord.tones}
    if sounding & {3, 4}:  # two of the pentatonic modes have no third that could say more
        assert key.mode == {"dorian": "minor", "mixolydian": "major"}.get(progression.mode, progression.mode)


@pytest.mark.parametrize("mode", ["gong", "zhi", "yu", "shang"])
def test_pentatonic_chords_are_made_of_their_five_notes(mode: str) -> None:
    # Counted from C: C D E G A, begun on C, G, A and D and moved to C.
    notes = {"gong": {0, 2, 4, 7, 9}, "zhi": {0, 2, 5, 7, 9}, "yu": {0, 3, 5, 7, 10}, "shang": {0, 2, 5, 7, 10}}[mode]
    progression = load_progression(f"pentatonic_{mode}")
    assert {tone for bar in progression.bars for chord in bar for tone in chord.tones} == notes


@pytest.mark.parametrize("name", [name for name in progression_names() if name.startswith("chorale")])
def test_every_phrase_of_a_chorale_ends_with_a_cadence(name: str) -> None:
    # A step down the circle of fifths (authentic) or up it (half, plagal), or the Phrygian step down to a major chord.
    bars = load_progression(name).bars
    for end in range(1, len(bars), 2):
        *_, before, last = [chord for bar in bars[end - 1 : end + 1] for chord in bar]
        is_fifth = (before.root - last.root) % 12 in (5, 7)
        is_phrygian = (before.root - last.root) % 12 == 1
        is_whole_step = (last.root - before.root) % 12 == 2  # IV V
        assert is_fifth or is_phrygian or is_whole_step, f"bar {end + 1}"


@pytest.mark.parametrize("name", progression_names())
def test_chart_of_a_progression_is_read_back(name: str) -> None:
    progression = load_progression(name)
    assert parse_chart(progression.chart).form == progression.form


def test_unknown_progression_is_told_with_the_nearest() -> None:
    with pytest.raises(RlcomposeError, match="did you mean 'blues'"):
        load_progression("bluse")


@pytest.mark.parametrize(
    "text",
    [
        "Dm7 G7 | C^7 | %",
        "| Dm7 G7 | C^7 | % |",
        "Dm7 G7 || C^7 | % ||",
        "|Dm7 G7|C^7|%|",
        "Dm7 G7\nC^7\n%",
        "Dm7 G7 |\n\n| C^7 | Cmaj7",
    ],
)
def test_chart_is_read_in_every_layout(text: str) -> None:
    assert bars(text) == ["Dm7 G7", "Cmaj7", "Cmaj7"]


@pytest.mark.parametrize("text", ["[A] C | F | [B] G", "A: C | F\nB: G", "[A]\nC | F\n[B]\nG", "C|F\n[B] G"])
def test_marks_start_sections(text: str) -> None:
    form = [(section.label, [bar_symbols(bar) for bar in section.bars]) for section in parse_chart(text).form]
    assert form == [("A", ["C", "F"]), ("B", ["G"])]


def test_repeated_letter_is_another_section_of_that_letter() -> None:
    assert [section.label for section in parse_chart("[A] C\n[A] C\n[B] F\n[A] C").form] == ["A", "A", "B", "A"]


def test_no_chord_may_stand_in_a_chart() -> None:
    assert parse_chart("N.C. | C").bars[0] == (NO_CHORD,)


def test_wrong_chord_is_told_with_its_bar() -> None:
    with pytest.raises(RlcomposeError, match=r"bar 3 of 'my tune': chord symbol 'Gx7'.*did you mean 'G7'"):
        parse_chart("C | F | Gx7", name="my tune")


def test_empty_bar_is_told_with_its_number() -> None:
    with pytest.raises(RlcomposeError, match="bar 2 of 'chart' is empty"):
        parse_chart("C | | G")


def test_repeat_needs_a_bar_before_it() -> None:
    with pytest.raises(RlcomposeError, match="bar 1 .* no bar before it"):
        parse_chart("% | C")


@pytest.mark.parametrize("text", ["", "\n", "|", "||\n|", "[A]", "[A] C\n[B]"])
def test_chart_or_section_without_bars_is_an_error(text: str) -> None:
    with pytest.raises(RlcomposeError, match="has no bars"):
        parse_chart(text)


@pytest.mark.parametrize(
    ("chords", "meter", "ticks"),
    [
        # Counted by hand: 12 ticks a quarter note, 18 a dotted quarter.
        ("C", "4/4", [48]),
        ("C F", "4/4", [24, 24]),
        ("C F G", "4/4", [24, 12, 12]),
        ("C F G C", "4/4", [12, 12, 12, 12]),
        ("C F G C F G", "4/4", [8, 8, 8, 8, 8, 8]),
        ("C F", "3/4", [24, 12]),
        ("C F", "6/8", [18, 18]),
        ("C F G", "6/8", [12, 12, 12]),
        ("C F", "5/4", [36, 24]),
    ],
)
def test_chords_of_a_bar_share_its_beats(chords: str, meter: str, ticks: list[int]) -> None:
    spans = bar_chords(parse_chart(chords).bars[0], Meter.parse(meter))
    assert [length for _, length, _ in spans] == ticks
    assert [onset for onset, _, _ in spans] == [sum(ticks[:place]) for place in range(len(ticks))]
    assert [chord for _, _, chord in spans] == [parse_chord(symbol) for symbol in chords.split()]


@given(
    st.sampled_from([Meter(4, 4), Meter(3, 4), Meter(6, 8), Meter(5, 4)]),
    st.sets(st.integers(1, 11)),
    st.lists(st.sampled_from(["C", "F", "G7", "N.C."]), min_size=12, max_size=12),
)
def test_bar_of_changes_has_its_chords_where_they_were(meter: Meter, places: set[int], symbols: list[str]) -> None:
    onsets = sorted({0} | {place * meter.bar_ticks // 12 for place in places})
    changes = [(onset, parse_chord(symbol)) for onset, symbol in zip(onsets, symbols, strict=False)]
    bar = bar_of_changes(changes, meter)
    heard = {tick: chord for onset, ticks, chord in bar_chords(bar, meter) for tick in range(onset, onset + ticks)}
    assert heard == {tick: [chord for onset, chord in changes if onset <= tick][-1] for tick in range(meter.bar_ticks)}


@pytest.mark.parametrize(
    ("symbols", "onsets", "meter", "bar"),
    [
        ("C", [0], "4/4", "C"),
        ("C F", [0, 24], "4/4", "C F"),
        ("C F", [0, 36], "4/4", "C C C F"),
        ("C F", [0, 24], "3/4", "C C F"),
        ("C F", [0, 18], "6/8", "C F"),
        ("C F G", [0, 16, 32], "4/4", "C C F F G G"),  # three chords would share four beats unevenly
    ],
)
def test_bar_of_changes_is_short(symbols: str, onsets: list[int], meter: str, bar: str) -> None:
    changes = list(zip(onsets, map(parse_chord, symbols.split()), strict=True))
    assert bar_symbols(bar_of_changes(changes, Meter.parse(meter))) == bar


def test_sections_are_put_into_another_order() -> None:
    progression = parse_chart("[A] C\n[A] F\n[B] G")
    assert progression.labels == ("A", "B")
    arranged = progression.arranged(["B", "A", "A", "A"])
    assert [bar_symbols(bar) for bar in arranged.bars] == ["G", "C", "F", "F"]
    assert progression.arranged([section.label for section in progression.form]) == progression


def test_key_is_chosen_among_some() -> None:
    chart = parse_chart("C | F | G7 | C")
    assert guess_key(chart, [Key(9, "minor"), Key(0, "major")]).name == "C major"
    assert guess_key(chart, [Key(9, "minor")]).name == "A minor"
    assert guess_key(parse_chart("N.C."), [Key(9, "minor")]).name == "A minor"


def test_chart_says_its_title_and_key() -> None:
    chart = parse_chart("title: Mine\nkey: D dorian\nphrase: 8\nC | Dm")
    assert (chart.name, chart.title, chart.mode, chart.phrase_bars) == ("chart", "Mine", "dorian", 8)


def test_chords_that_cannot_share_a_bar_are_told_with_it() -> None:
    with pytest.raises(RlcomposeError, match="the bar 'C F G C F' in 4/4 has 5 chords"):
        bar_chords(parse_chart("C F G C F").bars[0], Meter(4, 4))


OBVIOUS_KEYS = [
    ("Dm7 G7 | C^7 | %", "C major"),
    ("G | C | D7 | G", "G major"),
    ("D | A7 | D | G A7", "D major"),
    ("Am | Dm | E7 | Am", "A minor"),
    ("Am | G | F | E7", "A minor"),
    ("Em | D | Em | Bm Em", "E minor"),
    ("Bb7 | Eb7 | Bb7 | % | Eb7 | % | Bb7 | G7 | Cm7 | F7 | Bb7 | F7", "Bb major"),
    ("Cm7 F7 | Bb^7 Eb^7 | Am7b5 D7 | Gm6", "G minor"),
    ("F6 D7 | Gm7 C7 | F6 D7 | Gm7 C7", "F major"),
    ("N.C. | Eb^7 | Fm7 Bb7 | Eb6", "Eb major"),
]


@pytest.mark.parametrize(("text", "name"), OBVIOUS_KEYS)
def test_key_of_an_obvious_chart_is_heard(text: str, name: str) -> None:
    assert guess_key(parse_chart(text)).name == name


def test_key_is_where_the_dominants_lead_though_another_chord_ends() -> None:
    assert guess_key(parse_chart("Dm7 G7 | C^7 | Dm7 G7 | C^7 Am7")).name == "C major"


def test_key_is_where_the_chart_begins_if_it_ends_open() -> None:
    assert guess_key(parse_chart("Am | F | C | G")).name == "A minor"
    assert guess_key(parse_chart("C | Am | F | G")).name == "C major"


def test_mode_of_a_chart_is_that_of_its_key() -> None:
    assert parse_chart("Am | Dm | E7 | Am").mode == "minor"


def test_chart_without_chords_is_heard_in_c() -> None:
    assert guess_key(parse_chart("N.C. | %")).name == "C major"


@given(st.sampled_from([text for text, _ in OBVIOUS_KEYS]), st.integers(-11, 11))
def test_key_moves_with_the_chart(text: str, semitones: int) -> None:
    chart: Progression = parse_chart(text)
    key, moved = guess_key(chart), guess_key(chart.transposed(semitones))
    assert (moved.tonic, moved.mode) == ((key.tonic + semitones) % 12, key.mode)


@pytest.mark.parametrize("name", progression_names())
def test_transposing_by_an_octave_changes_nothing(name: str) -> None:
    assert load_progression(name).transposed(12) == load_progression(name)
