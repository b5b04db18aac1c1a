"""What stands around a piece: count-in, intro, and the last chord."""

from rlcompose.arrange import USUAL, Playing
from rlcompose.arrange.sheet import sheet_of
from rlcompose.score import ChordSpan, Composition, Note, Section
from rlcompose.theory.chord import NO_CHORD, parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

BAR = 48


def piece(*symbols: str, key: str = "C major", swing: bool = True) -> Composition:
    """A chord a bar, one note in the first."""
    chords = tuple(ChordSpan(bar * BAR, BAR, parse_chord(symbol)) for bar, symbol in enumerate(symbols))
    sections = (Section("A", 0, 2), Section("B", 2, len(symbols) - 2))
    return Composition(
        (Note(6, 60, 6),), chords, Key.parse(key), Meter(4, 4), len(symbols), 120, "jazz", swing, sections
    )


def symbols(playing: Playing, composition: Composition) -> list[str]:
    """The chord at the beginning of each bar of the sheet."""
    music = sheet_of(composition, playing).music
    return [(music.chord_at(bar * BAR) or NO_CHORD).symbol for bar in range(music.bars)]


def test_the_ending_is_a_bar_of_the_tonic() -> None:
    assert symbols(USUAL, piece("Dm7", "G7", "Em7", "A7")) == ["Dm7", "G7", "Em7", "A7", "C6"]
    assert symbols(USUAL, piece("Dm7", "G7", "Em7", "Cmaj7")) == ["Dm7", "G7", "Em7", "Cmaj7", "Cmaj7"]
    assert symbols(USUAL, piece("C", "G", "F", "G", swing=False)) == ["C", "G", "F", "G", "C"]
    assert symbols(USUAL, piece("Am", "E7", "Dm", "E7", key="A minor", swing=False))[-1] == "Am"
    assert symbols(Playing(ending=False), piece("Dm7", "G7", "Em7", "A7")) == ["Dm7", "G7", "Em7", "A7"]


def test_the_intro_has_the_chords_that_lead_into_the_first_bar() -> None:
    composition = piece("Dm7", "G7", "Em7", "A7")
    assert symbols(Playing(intro=2, ending=False), composition) == ["Em7", "A7", "Dm7", "G7", "Em7", "A7"]
    # Longer than the piece: the whole of it, again and again.
    assert symbols(Playing(intro=5, ending=False), composition)[:5] == ["A7", "Dm7", "G7", "Em7", "A7"]


def test_the_piece_lies_behind_what_comes_before_it() -> None:
    sheet = sheet_of(piece("Dm7", "G7", "Em7", "A7"), Playing(count_in=1, intro=2))
    assert (sheet.clicks, sheet.first, sheet.last, sheet.music.bars) == (1, 3, 6, 8)
    assert sheet.music.notes == (Note(3 * BAR + 6, 60, 6),)
    assert [(section.label, section.bar) for section in sheet.music.sections] == [("A", 3), ("B", 5)]
    assert sheet.section_ends == {4, 6}
    assert symbols(Playing(count_in=1, intro=2), piece("Dm7", "G7", "Em7", "A7"))[0] == "N.C."


def test_a_piece_without_chords_has_neither_intro_nor_ending() -> None:
    composition = Composition((), (), Key.parse("C major"), Meter(4, 4), 2, 120, "jazz")
    assert sheet_of(composition, Playing(intro=4, count_in=1)).music.bars == 3


def test_dice_differ_by_player_piece_and_seed() -> None:
    one, other = piece("C", "F", "G", "C"), piece("C", "F", "G7", "C")
    throws = {
        sheet_of(composition, Playing(seed=seed)).dice(name).random()
        for composition in (one, other)
        for seed in (0, 1)
        for name in ("bass", "piano")
    }
    assert len(throws) == 8
    assert sheet_of(one, USUAL).dice("bass").random() == sheet_of(one, USUAL).dice("bass").random()
