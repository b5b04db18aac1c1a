"""ABC notation: each sign on a few notes, with what it must become counted by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rlcompose.corpus.abc import parse_key, parse_meter, read_tune, split_tunes, tune_field
from rlcompose.corpus.written import WrittenTune
from rlcompose.errors import RlcomposeError

EIGHTH = Fraction(1, 2)


def tune(music: str, key: str = "C", header: str = "M:4/4\nL:1/8") -> WrittenTune:
    return read_tune(f"X:1\nT:Test\n{header}\nK:{key}\n{music}\n")


def pitches(music: str, key: str = "C") -> list[int]:
    return [pitch for bar in tune(music, key).bars for _, _, pitch in bar.notes]


def lengths(music: str, header: str = "M:4/4\nL:1/8") -> list[Fraction]:
    """Lengths in eighths."""
    return [length / EIGHTH for bar in tune(music, header=header).bars for _, length, _ in bar.notes]


# --- pitches ----------------------------------------------------------------------------------------------------------


def test_octaves_are_told_by_case_and_marks() -> None:
    assert pitches("C, C c c'") == [48, 60, 72, 84]


def test_key_signature_alters_its_letters() -> None:
    assert pitches("F C B", "D") == [66, 61, 71]
    assert pitches("B E A", "Bb") == [70, 63, 69]


def test_accidental_holds_to_the_end_of_the_bar() -> None:
    assert pitches("_B2 B2 | B2") == [70, 70, 71]


def test_accidental_holds_in_every_octave() -> None:
    assert pitches("^F f F, | F") == [66, 78, 54, 65]


def test_natural_takes_the_signature_away_for_the_bar() -> None:
    assert pitches("=F F | F", "G") == [65, 65, 66]


def test_double_accidentals() -> None:
    assert pitches("^^C __D") == [62, 60]


def test_line_end_with_a_whole_bar_ends_accidentals() -> None:
    # As in collections that leave out bar lines at line ends; a line that ends within a bar does not end it.
    assert pitches("^F8\nF8") == [66, 65]
    assert pitches("^F6\nF2") == [66, 66]


def test_fingering_between_accidental_and_note() -> None:
    assert pitches('^"2"G') == [68]


@pytest.mark.parametrize(
    ("text", "name", "altered"),
    [
        ("G", "G major", {"F": 1}),
        ("Dmix", "D mixolydian", {"F": 1}),
        ("A Dorian", "A dorian", {"F": 1}),
        ("F#m", "Gb minor", {"F": 1, "C": 1, "G": 1}),
        ("EM", "E major", {"F": 1, "C": 1, "G": 1, "D": 1}),
        ("Bb", "Bb major", {"B": -1, "E": -1}),
        ("Cb", "B major", {letter: -1 for letter in "BEADGCF"}),
        ("C Lydian", "C major", {"F": 1}),
        ("E phr", "E minor", {}),
        ("D ^g _B", "D major", {"F": 1, "C": 1, "G": 1, "B": -1}),
        ("Dmix=c", "D mixolydian", {"F": 1, "C": 0}),
        ("D exp _b ^f", "D major", {"B": -1, "F": 1}),  # the standard's "explicit": no other accidentals
        ("C exp", "C major", {}),
        ("G treble", "G major", {"F": 1}),
        ("G clef=bass", "G major", {"F": 1}),
        ("HP", "A mixolydian", {"F": 1, "C": 1}),
    ],
)
def test_key_fields(text: str, name: str, altered: dict[str, int]) -> None:
    key, found = parse_key(text)
    # Keys that sound alike are one key: F# minor is called Gb minor where flats are its spelling.
    assert key is not None and key.name in (name, name.replace("Gb", "F#"))
    assert found == altered


def test_key_may_be_left_open() -> None:
    assert parse_key("none") == (None, {}) and parse_key("") == (None, {})


@pytest.mark.parametrize("text", ["H", "Bn", "Es", "Gxyz"])
def test_key_that_is_none_is_told(text: str) -> None:
    with pytest.raises(RlcomposeError, match="the key cannot be read"):
        parse_key(text)


# --- lengths ----------------------------------------------------------------------------------------------------------


def test_lengths_are_multiples_and_fractions() -> None:
    assert lengths("A A2 A/ A// A3/2 A/4 A3/") == [
        1,
        2,
        Fraction(1, 2),
        Fraction(1, 4),
        Fraction(3, 2),
        *(
            Fraction(1, 4),
            Fraction(3, 2),
        ),
    ]


def test_unit_follows_the_metre_where_there_is_none() -> None:
    # Below 3/4 it is a sixteenth, else an eighth.
    assert lengths("A", "M:2/4") == [Fraction(1, 2)]
    assert lengths("A", "M:3/4") == [1]
    assert lengths("A", "L:1/4") == [2]


@pytest.mark.parametrize(
    ("music", "wanted"),
    [
        ("A>B", (3, 1)),
        ("A<B", (1, 3)),
        ("A2>B2", (6, 2)),
    ],
)
def test_broken_rhythm(music: str, wanted: tuple[int, int]) -> None:
    assert lengths(music) == [Fraction(length, 2) for length in wanted]


def test_double_broken_rhythm() -> None:
    assert lengths("A>>B") == [Fraction(7, 4), Fraction(1, 4)]


@pytest.mark.parametrize("music", ["d>-c", "c>(d", "(c)>d", "c>~d", "c>{e}d", 'c>"Am"d', "c > d", 'c>"4".d', "d-<c"])
def test_signs_between_do_not_part_a_broken_rhythm(music: str) -> None:
    assert lengths(music) in ([Fraction(3, 2), EIGHTH], [EIGHTH, Fraction(3, 2)])


def test_broken_rhythm_takes_the_written_part_of_a_tied_note() -> None:
    # d2 is tied to a d that is dotted: 2 + 3/2 eighths, then half an eighth.
    assert lengths("d2-d>c") == [Fraction(7, 2), EIGHTH]


def test_broken_rhythm_without_a_note_is_told() -> None:
    with pytest.raises(RlcomposeError, match="no note before the broken rhythm: bar 1"):
        tune(">A")


def test_triplets_and_other_tuplets() -> None:
    assert lengths("(3ABc d") == [Fraction(2, 3)] * 3 + [1]
    assert lengths("(5ABcde", "M:6/8\nL:1/8") == [Fraction(3, 5)] * 5
    assert lengths("(3:2:2A2B c") == [Fraction(4, 3), Fraction(2, 3), 1]
    assert lengths("(3::2AB c") == [Fraction(2, 3), Fraction(2, 3), 1]


def test_triplet_with_slurs_and_chords_keeps_its_notes() -> None:
    assert lengths("((3(ABc)) d") == [Fraction(2, 3)] * 3 + [1]
    assert lengths("(3[CE][DF][EG] d") == [Fraction(2, 3)] * 3 + [1]


def test_chord_is_its_highest_note_for_the_first_ones_length() -> None:
    (bar,) = tune("[C2E2G2] [ceG]2 [CE]/").bars
    assert [(length / EIGHTH, pitch) for _, length, pitch in bar.notes] == [(2, 67), (2, 76), (EIGHTH, 64)]


# --- ties, rests, what is dropped -------------------------------------------------------------------------------------


def test_tie_makes_one_note_over_the_bar_line() -> None:
    first, second = tune("A6 d2-|d4 c4").bars
    assert first.notes[-1] == (Fraction(3), Fraction(3), 74)
    assert [onset for onset, _, _ in second.notes] == [2]


def test_tied_note_keeps_its_accidental_in_the_next_bar() -> None:
    assert pitches("^f8-|f4 f4", "C") == [78, 77]


def test_tie_between_different_pitches_is_a_slur() -> None:
    assert lengths("G3-A") == [3, 1]


def test_rests_take_time() -> None:
    (bar,) = tune("A2 z2 x2 B2").bars
    assert [onset / EIGHTH for onset, _, _ in bar.notes] == [0, 6] and bar.length == 4


def test_rest_of_whole_bars() -> None:
    bars = tune("Z2|A8").bars
    assert [bar.length for bar in bars] == [8, 4]


def test_grace_notes_are_dropped() -> None:
    assert pitches("{ga}f {/e}d") == [77, 74]


@pytest.mark.parametrize("sign", ["~", ".", "H", "T", "u", "v", "!trill!", "+trill+", "!>!", "M", "R"])
def test_note_after_a_decoration_is_kept(sign: str) -> None:
    assert pitches(f"A {sign}g3 B") == [69, 79, 71]
    assert lengths(f"A {sign}g3 B") == [1, 3, 1]


def test_chord_symbols_are_chords_and_annotations_are_none() -> None:
    (bar,) = tune('"Am"A2 "^slow"B2 "4"c2 "D7/F#"d "_x"e').bars
    assert [(float(onset), chord.symbol) for onset, chord in bar.chords] == [(0.0, "Am"), (3.0, "D7/Gb")]


# --- fields and lines -------------------------------------------------------------------------------------------------


def test_header_is_read() -> None:
    found = read_tune("X:7\nT: The Test % a comment\nM:6/8\nL:1/8\nQ:3/8=80\nK:Em\nEGB e3|]\n")
    assert (found.title, found.meters) == ("The Test", ((6, 8),))
    assert found.tempo == 120  # 80 dotted quarters
    assert found.key is not None and found.key.name == "E minor"


@pytest.mark.parametrize(
    ("text", "meter"),
    [("C", (4, 4)), ("C|", (2, 2)), (" 6/8 ", (6, 8)), ("(2+3)/8", (5, 8)), ("none", None), ("", None)],
)
def test_metres(text: str, meter: tuple[int, int] | None) -> None:
    assert parse_meter(text) == meter


def test_metre_that_is_none_is_told() -> None:
    with pytest.raises(RlcomposeError, match="the metre cannot be read: 'FREI4/4'"):
        tune("A", header="M:FREI4/4")


def test_key_metre_and_unit_change_within_the_tune() -> None:
    found = tune("F8|[K:G]F8|\nM:3/4\nL:1/4\nF3|")
    assert [bar.notes[0][2] for bar in found.bars] == [65, 66, 66]
    assert [bar.length for bar in found.bars] == [4, 4, 3]
    assert found.meters == ((4, 4), (3, 4))


def test_note_before_a_bar_line_is_no_field() -> None:
    assert pitches("A:|\nd:|") == [69, 74]


def test_lyrics_and_other_fields_are_left_out() -> None:
    assert pitches("AB\nw: la la\nP:B\nN:none\ncd") == [69, 71, 72, 74]


def test_comments_and_continued_lines() -> None:
    assert pitches("AB % then\n%%staves 1\n  % alone\ncd \\\nef|") == [69, 71, 72, 74, 76, 77]


def test_only_the_first_voice_is_read() -> None:
    assert pitches("V:1\nAB|\nV:2\nC,D,|\nV:1\ncd|") == [69, 71, 72, 74]
    assert pitches("[V:1] AB|\n[V:2] C,D,|\n[V:1] cd|") == [69, 71, 72, 74]


def test_of_overlaid_voices_the_first_is_read() -> None:
    found = tune('A8 & "Dm"C4D4|B8 & c8\nd8|1 e8 & E8|2 f8|')
    assert [[pitch for _, _, pitch in bar.notes] for bar in found.bars] == [[69], [71], [74], [76], [77]]
    assert {bar.length for bar in found.bars} == {4} and found.bars[0].chords == ()


def test_tune_ends_at_an_empty_line() -> None:
    assert pitches("AB|\n\nSome words of Gaelic") == [69, 71]


def test_sign_that_is_not_known_is_told_with_its_bar() -> None:
    with pytest.raises(RlcomposeError, match="a sign of its notation is not known: '}' in bar 2"):
        tune("A8|B}")


def test_tune_without_a_key_is_told() -> None:
    with pytest.raises(RlcomposeError, match="no key field"):
        read_tune("X:1\nT:Nothing\n")


def test_file_is_split_at_its_numbers() -> None:
    found = split_tunes("%abc\nsome words\n\nX:1\nT:One\nK:C\nA\n\nX: 2\nT: Two % too\nK:C\nB\n")
    assert [tune_field(text, "X") for text in found] == ["1", "2"]
    assert [tune_field(text, "T") for text in found] == ["One", "Two"]


@pytest.mark.parametrize("text", ["", "T:No number\nK:C\nA\n"])
def test_file_without_a_number_has_no_tune(text: str) -> None:
    assert split_tunes(text) == []


# --- bar lines --------------------------------------------------------------------------------------------------------


def test_repeats_and_endings_are_noted() -> None:
    bars = tune("A8|B8|1 c8:|2 d8||e8|:f8::g8:|").bars
    assert [bar.closes_repeat for bar in bars] == [False, False, True, False, False, True, True]
    assert [bar.opens_repeat for bar in bars] == [False, False, False, False, False, True, True]
    assert [bar.ending for bar in bars] == [(), (), (1,), (2,), (), (), ()]
    assert [bar.opens_strain for bar in bars] == [False, False, False, True, True, True, True]


def test_repeat_signs_on_a_line_of_their_own() -> None:
    first, second = tune("A8||\n|:B8\n:|").bars
    assert second.opens_repeat and second.closes_repeat and not first.closes_repeat


def test_ending_in_brackets() -> None:
    assert [bar.ending for bar in tune("A8|[1 B8:|[2 c8|]").bars] == [(), (1,), (2,)]


# --- against another reader -------------------------------------------------------------------------------------------


def test_music21_reads_plain_tunes_alike() -> None:
    # Without what it reads differently: accidentals that last, signs beside a broken rhythm, letters as decorations.
    converter = pytest.importorskip("music21.converter")
    text = (
        "X:1\nT:Plain\nM:6/8\nL:1/8\nK:Ador\ne|A2B cBA|G>AB d2{e}d|(3efg a g/f/ e z|[Ac]3 =f3|^c d2- d2 e|"
        "A3 z2:|\nB|c,2d' e3|(2ab c/4d3/4e|\n"
    )
    part = converter.parse(text, format="abc", forceSource=True).parts[0].stripTies().flatten()
    theirs = [
        (Fraction(note.offset).limit_denominator(48), max(pitch.midi for pitch in note.pitches))
        for note in part.notes
        if note.duration.quarterLength
    ]
    mine = []
    start = Fraction(0)
    for bar in read_tune(text).bars:
        mine += [(start + onset, pitch) for onset, _, pitch in bar.notes]
        start += bar.length
    assert mine == theirs
