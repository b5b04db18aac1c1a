"""Chords; expected notes spelled by hand from the meaning of each symbol."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcompose.errors import RlcomposeError
from rlcompose.theory.chord import NO_CHORD, QUALITIES, QUALITY_IDS, Chord, ChordQuality, parse_chord
from rlcompose.theory.pitch import parse_pitch_class

# Symbol, chord tones as a pianist spells them; tensions above the seventh are not chord tones.
SYMBOLS = """
C           C E G
Cmaj        C E G
CM          C E G
Cadd9       C E G
C/E         C E G
C6          C E G A
C69         C E G A
C6/9        C E G A
Cmaj7       C E G B
C^7         C E G B
C^          C E G B
CΔ          C E G B
C∆          C E G B
CΔ7         C E G B
CM7         C E G B
Cma7        C E G B
CMaj7       C E G B
Cj7         C E G B
Cmaj9       C E G B
C^9         C E G B
Cmaj7#11    C E G B
C^7#11      C E G B
Cmaj7(#11)  C E G B
Cmaj7#5     C E G# B
Dm          D F A
D-          D F A
Dmin        D F A
Dm7         D F A C
D-7         D F A C
D−7         D F A C
Dmin7       D F A C
Dmi7        D F A C
Dm9         D F A C
Dm11        D F A C
Dm6         D F A B
Dm69        D F A B
Dm(maj7)    D F A C#
D-^7        D F A C#
D-Δ         D F A C#
DmM7        D F A C#
DmMaj7      D F A C#
G7          G B D F
G9          G B D F
G13         G B D F
Bb13        Bb D F Ab
E♭7         Eb G Bb Db
G7b9        G B D F
G7(b9)      G B D F
G7-9        G B D F
G7♭9        G B D F
G13b9       G B D F
G7#9        G B D F
G7+9        G B D F
G7#11       G B D F
G9#11       G B D F
G7alt       G B D# F
Galt        G B D# F
G7#5#9      G B D# F
G7#9#5      G B D# F
G7+         G B D# F
G+7         G B D# F
Gaug7       G B D# F
G7#5        G B D# F
G7b13       G B D# F
G7b5        G B Db F
G7sus       G C D F
G7sus4      G C D F
G9sus       G C D F
G13sus4     G C D F
G7sus4b9    G C D F
Gsus        G C D
Gsus4       G C D
Gsus2       G A D
Bm7b5       B D F A
Bm7(b5)     B D F A
Bm7-5       B D F A
Bø          B D F A
Bø7         B D F A
F#dim       F# A C
F#o         F# A C
F#dim7      F# A C D#
F#o7        F# A C D#
F#°7        F# A C D#
Caug        C E G#
C+          C E G#
C5          C G
Dm7/G       D F A C
C6/9/E      C E G A
C7b13sus    C F G Bb
C7susadd3   C F G Bb
Cm#5        Ab C Eb
C-b6        Ab C Eb G
"""


@pytest.mark.parametrize("line", [line.split(maxsplit=1) for line in SYMBOLS.strip().splitlines()], ids="".join)
def test_chord_symbol_has_its_notes(line: list[str]) -> None:
    symbol, names = line
    assert parse_chord(symbol).tones == tuple(parse_pitch_class(name) for name in names.split())


@pytest.mark.parametrize(
    ("symbol", "quality"),
    [
        ("C^7#11", "maj7#11"),
        ("G7(b9)", "7b9"),
        ("G7+9", "7#9"),
        ("Galt", "7alt"),
        ("G13#11", "7#11"),
        ("C7b13", "7#5"),
        ("Fsus", "sus4"),
        ("Bm7-5", "m7b5"),
    ],
)
def test_chord_symbol_has_its_quality(symbol: str, quality: str) -> None:
    assert QUALITIES[parse_chord(symbol).quality].name == quality


@pytest.mark.parametrize(
    ("spellings", "symbol"),
    [
        ("Cmaj7 C^7 C^ CΔ CM7 Cj7", "Cmaj7"),
        ("Dm7 D-7 Dmin7 Dmi7 D−7", "Dm7"),
        ("Bø Bø7 Bm7b5 Bm7-5 Bh7", "Bm7b5"),
        ("F#o7 F#°7 F#dim7 Gbo7", "F#dim7"),
        ("G7+ G+7 Gaug7 G7#5 G7(#5)", "G7#5"),
        ("G7sus G7sus4 Gsus7", "G7sus4"),
        ("N.C. NC n.c. nc N.C", "N.C."),
    ],
)
def test_spellings_of_a_chord_are_one_chord(spellings: str, symbol: str) -> None:
    assert {parse_chord(spelling).symbol for spelling in spellings.split()} == {symbol}
    assert len({parse_chord(spelling) for spelling in spellings.split()}) == 1


@pytest.mark.parametrize("symbol", ["Bb13", "C6/9", "Dm11", "Gmaj9", "G13b9", "Ab7#5#9", "Cadd9"])
def test_tensions_stay_in_the_symbol(symbol: str) -> None:
    assert parse_chord(symbol).symbol == symbol


def test_symbol_is_spelled_as_the_key_wants_it() -> None:
    assert parse_chord("F#7").spelled(flats=False) == "F#7"
    assert parse_chord("F#7").spelled(flats=True) == "Gb7"


def test_bass_after_a_slash_is_kept() -> None:
    chord = parse_chord("C7/Bb")
    assert (chord.root, chord.bass, chord.symbol) == (0, 10, "C7/Bb")


def test_bass_is_the_root_unless_given() -> None:
    assert parse_chord("Dm7").bass == 2
    assert parse_chord("C/C") == parse_chord("C")


def test_bass_moves_with_the_chord() -> None:
    assert parse_chord("C/E").transposed(2) == parse_chord("D/F#")


def test_foreign_bass_is_no_chord_tone() -> None:
    assert 2 not in parse_chord("C/D").tones


def test_no_chord_is_silent_and_has_no_notes() -> None:
    assert NO_CHORD.is_silent
    assert (NO_CHORD.tones, NO_CHORD.guide_tones, NO_CHORD.scale, NO_CHORD.symbol) == ((), (), (), "N.C.")
    assert NO_CHORD.transposed(5) == NO_CHORD


def test_guide_tones_of_ii_v_i_move_by_step() -> None:
    # The textbook example of voice leading: F C, then B F, then E B.
    guide_tones = [set(parse_chord(symbol).guide_tones) for symbol in ("Dm7", "G7", "Cmaj7")]
    assert guide_tones == [{5, 0}, {11, 5}, {4, 11}]


def test_suspended_fourth_stands_for_the_third() -> None:
    assert parse_chord("G7sus4").guide_tones == (0, 5)


@pytest.mark.parametrize(
    ("symbol", "notes"),
    [
        # Aebersold, Scale Syllabus: first choice for each chord on C.
        ("Cmaj7", "C D E F G A B"),
        ("C7", "C D E F G A Bb"),
        ("Cm7", "C D Eb F G A Bb"),
        ("Cm7b5", "C Db Eb F Gb Ab Bb"),
        ("Cdim7", "C D Eb F Gb Ab A B"),
        ("C7sus4", "C D E F G A Bb"),
        ("C7#11", "C D E F# G A Bb"),
        ("C7b9", "C Db Eb E F# G A Bb"),
        ("C7#5", "C D E F# G# Bb"),
        ("C7alt", "C Db D# E F# G# Bb"),
        ("Cmaj7#11", "C D E F# G A B"),
        ("CmMaj7", "C D Eb F G A B"),
    ],
)
def test_chord_scale_is_the_textbook_one(symbol: str, notes: str) -> None:
    assert parse_chord(symbol).scale == tuple(parse_pitch_class(name) for name in notes.split())


def test_ids_of_qualities_never_change() -> None:
    # Models observe these numbers: a quality may only be added, with the next number.
    names = (
        "N.C. major 6 maj7 maj7#11 7 7sus4 7b9 7#9 7alt 7#11 7#5 7b5 m m6 m7 mMaj7 m7b5 dim dim7 aug sus4 sus2 5 "
        "maj7#5 7b9sus4"
    )
    assert list(QUALITY_IDS) == names.split()


@pytest.mark.parametrize("quality", QUALITIES[1:], ids=lambda quality: quality.name)
def test_every_scale_has_the_chord_tones(quality: ChordQuality) -> None:
    assert set(quality.guide_tones) <= set(quality.tones) <= set(quality.scale)
    assert quality.tones[0] == 0


def test_wrong_symbol_is_told_with_the_part_and_the_nearest_spelling() -> None:
    with pytest.raises(RlcomposeError) as told:
        parse_chord("Cmaj77")
    assert "chord symbol 'Cmaj77'" in str(told.value)
    assert "'maj77' after C" in str(told.value)
    assert "m7b5" in str(told.value)
    assert "did you mean 'Cmaj7'?" in str(told.value)


@pytest.mark.parametrize(
    ("symbol", "guess"),
    [
        ("dm7", "Dm7"),
        ("Hm7", "Bm7"),
        ("Cmm7", "Cm7"),
        ("C/H", "C/B"),
        ("C7/bb", "C7/Bb"),
        ("C/x", "C"),
        ("Ebdiim", "Ebdim"),
    ],
)
def test_wrong_symbol_is_told_with_a_right_one(symbol: str, guess: str) -> None:
    with pytest.raises(RlcomposeError, match=f"did you mean '{guess}'"):
        parse_chord(symbol)


@pytest.mark.parametrize("symbol", ["", " ", "X", "7", "/E", "C/", "C//E", "C7/9", "Nope", "🎵", "%", "C\x00"])
def test_what_is_no_chord_is_an_error(symbol: str) -> None:
    with pytest.raises(RlcomposeError):
        parse_chord(symbol)


@pytest.mark.parametrize(
    ("root", "quality", "bass", "suffix"),
    [
        (12, 5, -1, ""),
        (-1, 5, -1, ""),
        (0, 0, -1, ""),
        (0, 99, -1, ""),
        (0, 5, 12, ""),
        (0, 5, -1, "m7"),
        (-1, 0, 3, ""),
    ],
)
def test_impossible_chord_is_refused(root: int, quality: int, bass: int, suffix: str) -> None:
    with pytest.raises(RlcomposeError):
        Chord(root, quality, bass, suffix)


@st.composite
def chords(draw: st.DrawFn) -> Chord:
    """Any chord: every quality, every suffix, any bass."""
    quality = draw(st.integers(0, len(QUALITIES) - 1))
    if quality == 0:
        return NO_CHORD
    suffix = draw(st.sampled_from(QUALITIES[quality].suffixes))
    return Chord(draw(st.integers(0, 11)), quality, draw(st.integers(-1, 11)), suffix)


@given(chords())
def test_symbol_of_a_chord_is_read_back(chord: Chord) -> None:
    assert parse_chord(chord.symbol) == chord
    assert parse_chord(chord.spelled(flats=True)) == parse_chord(chord.spelled(flats=False)) == chord


@given(chords())
def test_transposing_by_an_octave_changes_nothing(chord: Chord) -> None:
    assert chord.transposed(12) == chord == chord.transposed(-12)


@given(chords(), st.integers(-24, 24))
def test_transposing_moves_every_note(chord: Chord, semitones: int) -> None:
    assert chord.transposed(semitones).tones == tuple((tone + semitones) % 12 for tone in chord.tones)
    assert chord.transposed(semitones).scale == tuple((tone + semitones) % 12 for tone in chord.scale)


@given(st.text(alphabet="CDb#m7sus4/69^Δ-+()aujo", max_size=8))
def test_any_text_is_a_chord_or_an_error_of_ours(text: str) -> None:
    try:
        chord = parse_chord(text)
    except RlcomposeError:
        return
    assert parse_chord(chord.symbol) == chord
