"""Humdrum **kern: each sign on a few notes, with what it must become counted by hand; music21 is a second reader."""

from __future__ import annotations

import random
import sys
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import pytest

from rlcompose.corpus.kern import read_kern
from rlcompose.corpus.scores import Voice, read_score
from rlcompose.corpus.sources import COLLECTIONS, find_entries, read_pieces
from rlcompose.corpus.written import WrittenTune, compose_written
from rlcompose.errors import RlcomposeError
from rlcompose.style import load_style

# Two voices of two bars of 4/2 in G mixolydian; the upper one is tied over the bar line and lies in the second spine.
MASS = """!!!OPR: A mass
!!!OTL: Kyrie
**kern	**kern
*clefF4	*clefG2
!Bassus	!Cantus
*k[]	*k[]
*G:mix	*G:mix
*M4/2	*M4/2
=1	=1
0G	1g
.	[1dd
=2	=2
1G	2dd]
.	2b
1D	1a
==	==
*-	*-
"""


def spine(*tokens: str) -> WrittenTune:
    """A file of one spine, a token a line."""
    return read_kern("\n".join(["**kern", *tokens, "*-"]))


def spines(*lines: str, voice: Voice = "melody") -> WrittenTune:
    """A file whose lines are given with blanks between the tokens."""
    return read_kern("\n".join(line.replace(" ", "\t") for line in lines), voice)


def notes(tune: WrittenTune) -> list[tuple[Fraction | int, Fraction | int, int]]:
    """All notes, counted from the beginning."""
    found: list[tuple[Fraction | int, Fraction | int, int]] = []
    start = Fraction(0)
    for bar in tune.bars:
        found += [(start + onset, length, pitch) for onset, length, pitch in bar.notes]
        start += bar.length
    return found


def pitches(tune: WrittenTune) -> list[int]:
    return [pitch for _, _, pitch in notes(tune)]


def lengths(*tokens: str) -> list[Fraction | int]:
    return [length for _, length, _ in notes(spine(*tokens))]


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_octaves_are_told_by_case_and_repetition() -> None:
    assert pitches(spine("4CC", "4C", "4c", "4cc", "4ccc", "4BB", "4b")) == [36, 48, 60, 72, 84, 47, 71]


def test_accidentals() -> None:
    assert pitches(spine("4f#", "4b-", "4fn", "4f##", "4bb--", "4BB-")) == [66, 70, 65, 67, 81, 46]


def test_accidentals_do_not_hold_beyond_their_note() -> None:
    assert pitches(spine("*k[f#]", "4f#", "4f")) == [66, 65]


def test_lengths_are_parts_of_a_whole_note() -> None:
    assert lengths("1c", "2c", "4c", "8c", "16c") == [4, 2, 1, Fraction(1, 2), Fraction(1, 4)]


def test_notes_longer_than_a_whole_note() -> None:
    assert lengths("0c", "00c", "000c", "0.c") == [8, 16, 32, 12]


def test_dots_lengthen() -> None:
    assert lengths("4.c", "4..c") == [Fraction(3, 2), Fraction(7, 4)]


def test_tuplets_and_rational_lengths() -> None:
    # Twelve to a whole note are triplet eighths; 3%2 is two thirds of a whole note (Humdrum's example).
    assert lengths("12c", "6c", "20c", "3%2c") == [Fraction(1, 3), Fraction(2, 3), Fraction(1, 5), Fraction(8, 3)]


def test_slurs_beams_stems_and_ornaments_are_passed_over() -> None:
    assert notes(spine("(8cL/;", "8d'J\\)", "{4eT~^", "&4f}X")) == [
        (0, Fraction(1, 2), 60),
        (Fraction(1, 2), Fraction(1, 2), 62),
        (1, 1, 64),
        (2, 1, 65),
    ]


def test_rest_takes_time_and_its_height_is_no_pitch() -> None:
    assert notes(spine("4c", "2r", "4ggr", "4d")) == [(0, 1, 60), (4, 1, 62)]


def test_grace_notes_take_no_time() -> None:
    assert notes(spine("4c", "16ddq", "8eeQ", "ffq", "4d")) == [(0, 1, 60), (1, 1, 62)]


def test_appoggiatura_takes_the_time_that_is_written() -> None:
    assert notes(spine("8ddP", "8ccp", "4b")) == [
        (0, Fraction(1, 2), 74),
        (Fraction(1, 2), Fraction(1, 2), 72),
        (1, 1, 71),
    ]


def test_highest_note_of_a_chord_is_taken() -> None:
    assert notes(spine("4c 4g 4e", "2d 2B")) == [(0, 1, 67), (1, 2, 62)]


def test_tied_notes_are_one_and_last_beyond_the_bar() -> None:
    tune = spine("*M2/4", "=1", "2[c", "=2", "2c_", "=3", "4c]", "4c")
    assert notes(tune) == [(0, 5, 60), (5, 1, 60)]
    assert [len(bar.notes) for bar in tune.bars] == [1, 0, 1]


def test_tie_of_a_chord_is_that_of_its_highest_note() -> None:
    assert notes(spine("4[c 4e", "4c] 4e")) == [(0, 1, 64), (1, 1, 64)]


# --- spines -----------------------------------------------------------------------------------------------------------


def test_top_is_the_spine_that_lies_highest() -> None:
    lines = ["**kern **kern **kern", "4C 4g 4c", "4D 4a 4cc", "*- *- *-"]
    assert pitches(spines(*lines, voice="top")) == [67, 69]


def test_melody_is_the_uppermost_spine_unless_one_is_named_so() -> None:
    lines = ["**kern **kern", "4g 4c", "*- *-"]
    assert pitches(spines(*lines)) == [60]
    assert pitches(spines(lines[0], '*I"Melody *I"Guitar', *lines[1:])) == [67]


def test_spine_without_notes_is_no_melody() -> None:
    assert pitches(spines("**kern **kern", "4C 4r", "*- *-")) == [48]


def test_other_spines_are_passed_over() -> None:
    lines = ["**kern **text **kern **dynam", "2C Ky- 4c p", ". . 4d .", "2D -rie 2e f", "*- *- *- *-"]
    assert notes(spines(*lines)) == [(0, 1, 60), (1, 1, 62), (2, 2, 64)]


def test_split_spine_is_one_part_of_two_voices() -> None:
    lines = ["**kern", "=1", "4c", "*^", "4e 4c", "4f 4g", "*v *v", "4d", "*-"]
    assert notes(spines(*lines)) == [(0, 1, 60), (1, 1, 64), (2, 1, 67), (3, 1, 62)]


def test_bar_lines_of_a_second_voice_are_not_counted_twice() -> None:
    tune = spines("**kern", "*M1/4", "=1", "*^", "4e 4c", "=2 =2", "4f 4d", "== ==", "*v *v", "*-")
    assert [bar.length for bar in tune.bars] == [1, 1]


def test_split_of_one_spine_leaves_the_next_where_it_is() -> None:
    lines = ["**kern **kern", "4C 4c", "*^ *", "4E 4C 4d", "*v *v *", "4C 4e", "*- *-"]
    assert pitches(spines(*lines, voice="top")) == [60, 62, 64]


def test_exchanged_spines_keep_what_they_are() -> None:
    assert pitches(spines("**kern **text", "4c la", "*x *x", "la 4d", "*- *-")) == [60, 62]


def test_spine_that_ends_leaves_the_others() -> None:
    assert pitches(spines("**kern **kern", "4C 4c", "*- *", "4d", "*-")) == [60, 62]


def test_spine_that_is_added_begins_where_the_file_stands() -> None:
    lines = ["**kern", "4c", "*+", "* **kern", "4d 4g", "*- *-"]
    assert notes(spines(*lines, voice="top")) == [(1, 1, 67)]


# --- bars -------------------------------------------------------------------------------------------------------------


def test_upbeat_is_a_bar_of_its_own() -> None:
    tune = spine("*M3/4", "4g", "=1", "2.c", "=2", "2.d", "==")
    assert [bar.length for bar in tune.bars] == [1, 3, 3]


def test_file_without_bar_lines_is_one_bar() -> None:
    assert [bar.length for bar in spine("4c", "4d").bars] == [2]


def test_bar_lines_carry_numbers_fermatas_and_letters() -> None:
    assert [bar.length for bar in spine("=1-", "4c", "=2a;", "4d", "=", "4e", "=4|", "4f").bars] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("sign", "closes", "opens"),
    [
        ("=2:|!", True, False),
        ("=2!|:", False, True),
        ("=2:|!|:", True, True),
        ("=:!!:", True, True),
        ("=2||", False, False),
        ("==", False, False),
    ],
)
def test_repeats_and_double_bars_open_a_strain(sign: str, closes: bool, opens: bool) -> None:
    first, second = spine("=1", "4c", sign, "4d", "==").bars
    assert (first.closes_repeat, second.opens_repeat, second.opens_strain) == (closes, opens, True)
    assert not first.opens_strain


def test_repeat_signs_at_both_ends() -> None:
    (bar,) = spine("=1!|:", "4c", "=:|!").bars
    assert bar.opens_repeat and bar.closes_repeat


def test_plain_and_hidden_bar_lines_open_no_strain() -> None:
    assert not any(bar.opens_strain for bar in spine("=1", "4c", "=2", "4d", "=3-", "4e", "=4|", "4f").bars)


# --- what stands above the notes --------------------------------------------------------------------------------------


def test_metres_are_listed_once_in_order() -> None:
    assert spine("*M4/2", "1c", "*M3/2", "1c", "*M4/2", "1c").meters == ((4, 2), (3, 2))


def test_metres_of_breves_and_of_sums() -> None:
    assert spine("*M3/0", "1c", "*M2+3/8", "1c").meters == ((6, 1), (5, 8))


@pytest.mark.parametrize(
    ("sign", "name"),
    [
        ("*G:", "G major"),
        ("*d:", "D minor"),
        ("*d:dor", "D dorian"),
        ("*G:mix", "G mixolydian"),
        ("*F:lyd", "F major"),
        ("*E:phr", "E minor"),
        ("*A:aeo", "A minor"),
        ("*B-:", "Bb major"),
        ("*f#:", "F# minor"),
    ],
)
def test_key_designations(sign: str, name: str) -> None:
    key = spine("*k[]", sign, "4c").key
    # Keys that sound alike are one key: F# minor is called Gb minor where flats are its spelling.
    assert key is not None and key.name in (name, name.replace("F#", "Gb"))


def test_signature_alone_and_unknown_key_are_no_key() -> None:
    assert spine("*k[b-]", "*?:X", "4c").key is None


def test_key_of_any_spine_counts() -> None:
    tune = spines("**kern **kern", "*?:X *G:dor", "4C 4c", "*- *-")
    assert tune.key is not None and tune.key.name == "G dorian"


def test_tempo_is_a_number() -> None:
    assert spine("*MM120", "4c").tempo == 120
    assert spine("*MM92.5", "4c", "*MM60", "4c").tempo == Fraction(185, 2)
    assert spine("*MM[Allegro]", "4c").tempo is None


def test_title_is_its_record_else_the_name_of_the_file(tmp_path: Path) -> None:
    assert read_kern(MASS).title == "Kyrie"
    (tmp_path / "gloria.krn").write_text(MASS.replace("!!!OTL: Kyrie\n", ""))
    assert read_kern(tmp_path / "gloria.krn").title == "gloria"


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.krn").write_bytes(MASS.replace("Kyrie", "Agnès").replace("\n", "\r\n").encode(encoding))
    assert read_kern(tmp_path / "a.krn").title == "Agnès"


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["4c"], "it does not begin with what its spines are, such as .* in line 1"),
        (["**kern", "4c 4d"], "not every spine has a token: 2 of 1 in line 2"),
        (["**kern **kern", "4c 4d", "*v *v", "4c", "*-"], "not every spine has a token: 1 of 2 in line 4"),
        (["**kern", "4x"], "a note cannot be read: '4x' in line 2"),
        (["**kern", "4cd"], "a note cannot be read: '4cd' in line 2"),
        (["**kern", "c"], "a note has no length that can be read: 'c' in line 2"),
        (["**kern", "0%2c"], "a note has no length that can be read: '0%2c' in line 2"),
        (["**kern", "12345c"], "a note has no length that can be read: '12345c' in line 2"),
        (["**kern", "4ccccccccc"], "'C12' would be MIDI pitch 156: .* in line 2"),
        (["**kern", "*M4/"], r"the metre cannot be read: '\*M4/' in line 2"),
        (["**kern", "*M0/4"], r"the metre cannot be read: '\*M0/4' in line 2"),
        (["**kern", "*G:foo"], "the key cannot be read: 'Gfoo' in line 2"),
        (["**kern **kern", "*x *"], "a spine is exchanged with none: .* in line 2"),
        (["**kern", "4c", "*-", "**kern"], "it goes on after its spines have ended in line 4"),
        (["**text", "la", "*-"], "it has no .*kern spine"),
        (["**kern", "4r", "4ccq", "*-"], "it has no notes"),
    ],
)
def test_faults_are_told_with_their_line(lines: list[str], message: str) -> None:
    with pytest.raises(RlcomposeError, match=message):
        spines(*lines)


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match="it cannot be opened: No such file"):
        read_kern(tmp_path / "a.krn")


def test_damaged_text_gives_a_tune_or_a_fault() -> None:
    rng = random.Random(7)
    signs = "*^v-x+.=\t\n rq[]_0%9a#!:Mk/|é "
    read = 0
    for _ in range(3000):
        text = list(MASS)
        for _ in range(rng.choice((1, 2, 5))):
            at = rng.randrange(len(text))
            text[at : at + rng.choice((0, 1, 3))] = rng.choice(signs) * rng.choice((1, 1, 3))
        try:
            read_kern("".join(text[: rng.choice((len(text), rng.randrange(len(text))))]), "top")
            read += 1
        except RlcomposeError as error:
            assert str(error)
    assert 0 < read < 3000


# --- as a source ------------------------------------------------------------------------------------------------------


def test_top_voice_is_composed_at_half_its_length() -> None:
    tune = read_kern(MASS, "top")
    assert tune.key is not None and tune.key.name == "G mixolydian"
    piece, _ = compose_written(tune, load_style("renaissance"))
    # g whole, dd whole + half tied, b half, a whole; halved, a whole note of 48 ticks lasts 24.
    assert [(n.onset, n.ticks, n.pitch) for n in piece.notes] == [
        (0, 24, 67),
        (24, 36, 74),
        (60, 12, 71),
        (72, 24, 69),
    ]
    assert (piece.meter.name, piece.bars) == ("4/4", 2)


def test_folder_of_kern_files_is_read_without_music21(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "music21", None)
    (tmp_path / "a.KRN").write_text(MASS)
    (piece,) = read_pieces(load_style("renaissance"), tmp_path)
    assert piece.composition.title == "Kyrie" and len(piece.composition.notes) == 4


def test_palestrina_is_read_by_this_reader() -> None:
    pytest.importorskip("music21")
    entry = find_entries(load_style("renaissance"), "palestrina")[0]
    found = find_spec("music21")
    assert found is not None and found.origin is not None
    path = Path(found.origin).parent / "corpus" / COLLECTIONS["palestrina"].folder / entry.name.partition("/")[2]
    assert entry.read() == read_kern(path, "top")


@pytest.mark.parametrize("voice", ["top", "melody"])
def test_melodies_are_those_that_music21_reads(voice: Voice) -> None:
    music21 = pytest.importorskip("music21")
    corpus = Path(music21.__file__).parent / "corpus"
    masses = sorted((corpus / "palestrina").glob("*.krn"))[::270]
    files = [*masses, corpus / "bach" / "bwv277.krn", corpus / "chopin" / "mazurka06-2.krn"]
    assert len(files) >= 6
    for path in files:
        ours, theirs = read_kern(path, voice), read_score(path, voice)
        assert ours.bars == theirs.bars, path.name
        assert (ours.meters, ours.tempo, ours.title) == (theirs.meters, theirs.tempo, theirs.title), path.name
