"""Charts of iReal Pro; the bars are written out by hand, the scrambled links come from the app itself."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcompose.charts.ireal import read_ireal, unscramble
from rlcompose.engine.tables import chord_spans
from rlcompose.errors import RlcomposeError
from rlcompose.theory.chord import Chord, parse_chord
from rlcompose.theory.form import Bar, SectionPattern
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import Progression, bar_chords, bar_symbols


def by_hand(text: str) -> list[tuple[Chord, ...]]:
    """Bars between |, written out: nothing is repeated, and no sign but chords is known."""
    return [tuple(parse_chord(symbol) for symbol in bar.split()) for bar in text.split("|")]


def plain(music: str, key: str = "C") -> str:
    """A link to a song of this music, as the format's page has it."""
    return f"irealbook://Song Title=LastName FirstName=Style={key}=n={music}"


def symbols(music: str) -> list[str]:
    return [bar_symbols(bar) for bar in read_ireal(plain(music)).progression.bars]


def labels(music: str) -> list[str]:
    return [section.label for section in read_ireal(plain(music)).progression.form]


# Title and composer are taken out of these links.
MINOR_STANDARD = (
    "irealb://Tune=Someone==Medium%20Swing=G%2D==1r34LbKcu7QyX314C%2D7XyX7hA%7CQyX7%5EbE%7CyQX7%5EbB%7CQyX7F%7CQyQ%7CD7b4T"
    "%7BA%2AQyX7%2DyQKclcKQyX6%2DG%7CQyX317bD%7CQyX7hA%5BB%2A%7D%20%20l%20LZCX6%2DG%7CL7bG%20Q%7CBb%5EyX31b7D%7CQyX7hAC%5B"
    "%2A%5DQyX7%5EbE%7CQyX7Q%7CG%2D7yX7F%7CZF%2D7%20E7LZAh7XyQ%7CD7b13XyQ%7CG%2D6XyQKcl%20%20Z=Jazz%2DMedium%20Swing=85=0"
)
ENDINGS = (
    "irealb://Tune=Someone==Medium%20Swing=Eb==1r34LbKcu71N%7CQy4Eb7%20QyX7bEZL%20lcKQy7X%2DC%7CQyX7bEZL7bB%7CAb7X4TA%2A"
    "%7BX7GB%2AQ%7CF%2D77bEZL7bB%207%2DF2NLZ%20QyXQyX%7DQyXbB%2FXyQ%5D%5ByX7%2DFB%207bE%20LZC7%20lcKQyX7bBZL%20lKcQyX7FZL"
    "%20lcKQyX%20%5D%5B%2AAlcKQybB%2F7%2Db7XyQ7%2DF%7CQyX7bA%7CQyXb7EZL%20lcKQyX7%2DC%7CXyQ%7CFEZL7bXyQZ%20==0=0==="
)
# The test of the Perl module Data::iRealPro has this link with its reading, bar by bar.
DAL_SEGNO = (
    "irealb://Tune%3DSomeone%3D%3DRock%20Ballad%3DC%3D%3D1r34LbKcu7L%23F/D4DLZD%7D%20AZLGZL%23F/DZLAD*%7B%0A%7D%20AZLGZL%23F/"
    "%0A%7CDLZ4Ti*%7BDZLAZLZSDLGZLDB*%7B%0A%5D%20AZLALZGZLDZLAZLAZLGZLZE-LAZLGZ%23F/DZALZN1%5D%20%3EadoC%20la%20.S.%3CD%20A2N"
    "%7CQyXQyX%7D%20G%0A%5BQDLZLGZLLZGLZfA%20Z%20%3D%3D155%3D0"
)
A8 = "Cm7|F7|Bb^7|Eb^7|Am7b5|D7b13|Gm6|Gm6"
AND = "Eb7 Bb7 | Eb7 | Cm7 | Cm7 | Eb7 | Ab7 |"
LONG_A = "D|D/F#|G|A|D|G|A|A|D|G|A|A"
SCRAMBLED = {
    "AABC in minor": (
        MINOR_STANDARD,
        f"{A8}|{A8}|Am7b5|D7b13|Gm6|Gm6|Cm7|F7|Bb^7|Eb^7|Am7b5|D7b13|Gm7 Gb7|Fm7 E7|Am7b5|D7b13|Gm6|Gm6",
        "A A B C",
        "G minor",
        85,
    ),
    "AABA with endings": (
        ENDINGS,
        f"{AND} Fm7 | Fm7/Bb | {AND} Fm7 Bb7 | Eb7 | G7 | G7 | C7 | C7 | F7 | F7 | Bb7 | Bb7 | {AND} Fm7 | Fm7/Bb",
        "A A B A",
        "Eb major",
        None,
    ),
    "D.S. al Coda": (
        DAL_SEGNO,
        "D|D/F#|G|A|" * 4 + f"{LONG_A}|D|G|Em|A|D|G|A|G|D|G|Em|A|D|G|A|A|D|G|A|A|D|G|A|A|D|G|Em|A|D|G|A|A|D|D/F#|G|A",
        "Intro Intro A A B B A B Coda",
        "C major",
        155,
    ),
}


@pytest.mark.parametrize("name", SCRAMBLED)
def test_scrambled_link_is_played_as_written_out_by_hand(name: str) -> None:
    link, expected, form, key, tempo = SCRAMBLED[name]
    chart = read_ireal(link)
    assert list(chart.progression.bars) == by_hand(expected)
    assert " ".join(section.label for section in chart.progression.form) == form
    assert (chart.title, chart.key and chart.key.name, chart.meter, chart.tempo) == ("Tune", key, Meter(4, 4), tempo)


# Music, bars, sections.
PLAIN = {
    "the example of the format's page": ("T44*A{C^7 |A-7 |D-9 |G7#5 }", "C^7|Am7|Dm9|G7#5|C^7|Am7|Dm9|G7#5", "A A"),
    "blues with a turnaround": (
        "[*AT44F7   |Bb7   |F7   |C-7 F7 |Bb7   |Bo7   |F7   |Ah7 D7b9 |G-7   |C7   |A-7 D7 |G-7 C7 Z",
        "F7|Bb7|F7|Cm7 F7|Bb7|Bdim7|F7|Am7b5 D7b9|Gm7|C7|Am7 D7|Gm7 C7",
        "A",
    ),
    "minor blues with bars repeated": (
        "T44[C-7   | x  |r|    |F-7   | x  |C-7   | x  |Ab7   |G7alt   |C-7   |Dh7 G7b9 ]",
        "Cm7|Cm7|Cm7|Cm7|Fm7|Fm7|Cm7|Cm7|Ab7|G7alt|Cm7|Dm7b5 G7b9",
        "A",
    ),
    "two bars repeated without a bar after the sign": ("T44[C7   |F7   |r|G7   Z", "C7|F7|C7|F7|G7", "A"),
    "waltz in cells of four": (
        "T34{*AG^7   |C^7   |B-7 E7 |A-7  D7|G^7   }",
        "G^7|C^7|Bm7 Bm7 E7|Am7 Am7 D7|G^7|G^7|C^7|Bm7 Bm7 E7|Am7 Am7 D7|G^7",
        "A A",
    ),
    "waltz in cells of three": ("T34[C  |CD G|C FZ", "C|C D G|C C F", "A"),
    "bossa with endings": (
        "{*AT44F^7   |G7   |N1G-7   |Gb7   }        |N2G-7 C7 |F6   ][*BBb^7   |A-7   Z",
        "F^7|G7|Gm7|Gb7|F^7|G7|Gm7 C7|F6|Bb^7|Am7",
        "A A B",
    ),
    "D.C. al Fine": (
        "[*AT44C-7   |F7   |Bb6<Fine>   ][*BEb7   |D7 <*66D.C. al Fine>Z",
        "Cm7|F7|Bb6|Eb7|D7|Cm7|F7|Bb6",
        "A B A",
    ),
    "D.C. al Coda": (
        "[*AT44C   |QA-7   |D-7   |G7   <D.C. al Coda>][QE-7   |A7   Z",
        "C|Am7|Dm7|G7|C|Em7|A7",
        "A A Coda",
    ),
    "D.C. al second ending": (
        "{*AT44C   |N1F   }|N2G   ][*BA-   |D7 <D.C. al 2nd End.>Z",
        "C|F|C|G|Am|D7|C|G",
        "A A B A",
    ),
    "a coda for the last chorus alone": ("[*AT44C   |F  Q |G7   Z|Q C6   Z", "C|F|G7", "A"),
    "END for the last chorus alone": ("[*AT44C U |F   |G7   Z", "C|F|G7", "A"),
    "vamp three times": ("{*iT44D-7   |G7   <3x>}[*AC^7   Z", "Dm7|G7|Dm7|G7|Dm7|G7|C^7", "Intro Intro Intro A"),
    "slashes, invisible roots, no chord": (
        "T44[C^7W/BW/AW/G|Fppp|pG7pp|n   |   G7|D-7,G7,|C Z",
        "C^7 C^7/B C^7/A C^7/G|F|F G7 G7 G7|N.C.|N.C. N.C. N.C. G7|Dm7 G7|C",
        "A",
    ),
    "alternates, small chords, fermata and remarks": (
        "T44[C^7   (E-7)|sA-7,lD7,sG7,lC7,|<Break>fF6   Y|<*03Solos><D.C.>C   Z",
        "C^7|Am7 D7 G7 C7|F6|C",
        "A",
    ),
    "no marks, but double bar lines": ("[T44C   |F   ][C   |F   ][G   |D   ][C   |F   Z", "C|F|C|F|G|D|C|F", "A A B A"),
    "five and seven": ("T54[E-7 B-7 |E-7    ]", "Em7 Bm7|Em7", "A"),
    "six eight": ("T68{G  C  |D     }", "G C|D|G C|D", "A A"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_link_is_played_as_written_out_by_hand(name: str) -> None:
    music, expected, form = PLAIN[name]
    chart = read_ireal(plain(music))
    assert list(chart.progression.bars) == by_hand(expected)
    assert " ".join(labels(music)) == form


def test_chords_stand_on_the_beats_of_their_cells() -> None:
    # Four cells a bar in 4/4: 12 ticks each.
    chart = read_ireal(plain("T44[C  G7|C G7  |C,D,E,F,|D-7 G7 Z"))
    onsets = [[o for o, _, _ in bar_chords(bar, Meter(4, 4))] for bar in chart.progression.bars]
    assert onsets == [[0, 12, 24, 36], [0, 24], [0, 12, 24, 36], [0, 24]]
    assert [bar_symbols(bar) for bar in chart.progression.bars][0] == "C C C G7"


# Every quality that iReal Pro offers, and what it is called here.
QUALITIES = {
    "": "", "^": "maj7", "-": "m", "7": "7", "^7": "maj7", "-7": "m7", "h7": "m7b5", "h": "m7b5", "o7": "dim7",
    "o": "dim", "7sus": "7sus4", "sus": "sus4", "7alt": "7alt", "6": "6", "-6": "m6", "69": "6/9", "-69": "m6/9",
    "^9": "maj9", "-9": "m9", "9sus": "9sus4", "^13": "maj13", "-11": "m11", "13": "13", "13sus": "13sus4",
    "-^7": "mMaj7",
    "-^9": "mMaj9", "^7#11": "maj7#11", "^9#11": "maj9#11", "^7#5": "maj7#5", "add9": "add9", "-7b5": "m7b5",
    "h9": "m9b5", "2": "sus2", "5": "5", "+": "aug", "9": "9", "7b9": "7b9", "7#9": "7#9", "7b5": "7b5", "7#5": "7#5",
    "7b13": "7b13", "7#11": "7#11", "9#11": "9#11", "13#11": "13#11", "11": "11", "7b9sus": "7b9sus4",
    "7b13sus": "7b13sus4", "7susadd3": "7sus4add3", "9b5": "9b5", "9#5": "9#5", "13b9": "13b9", "13#9": "13#9",
    "7b9b13": "7b9b13", "7b9#5": "7#5b9", "7b9b5": "7b5b9", "7b9#9": "7b9#9", "7#9#5": "7#5#9", "7#9b5": "7b5#9",
    "7#9#11": "7#9#11", "7b9#11": "7b9#11",
}  # fmt: skip


@pytest.mark.parametrize("quality", QUALITIES)
def test_every_quality_of_ireal_pro_is_known(quality: str) -> None:
    assert symbols(f"T44[Bb{quality}   |E{quality}/Ab   Z") == [f"Bb{QUALITIES[quality]}", f"E{QUALITIES[quality]}/Ab"]


def test_minor_chords_over_their_third_are_major_chords_by_their_notes() -> None:
    # C Eb Ab is Ab with C in the bass, C Eb G Ab is Ab with a major seventh.
    assert symbols("T44[C-#5   |C-b6   Z") == ["Ab/C", "Abmaj7/C"]


def test_a_custom_quality_is_read_as_a_chord_symbol() -> None:
    assert symbols("T44[C*m7*   |D7   Z") == ["Cm7", "D7"]


TWO_SONGS = ["First=X=Swing=F=n=T44[F   Z", "Second=Y=Waltz=A-=n=T34[A-   Z"]


@pytest.mark.parametrize("between", ["=", "==="])
def test_a_song_is_chosen_by_its_title(between: str) -> None:
    link = "irealbook://" + between.join(TWO_SONGS)
    assert read_ireal(link).title == "First"
    chart = read_ireal(link, "second")
    assert (chart.title, chart.key and chart.key.name, chart.meter) == ("Second", "A minor", Meter(3, 4))


def test_songs_of_a_playlist_are_named_where_one_is_not_there() -> None:
    with pytest.raises(RlcomposeError, match="unknown song 'Secnd': did you mean 'Second'"):
        read_ireal("irealbook://" + "=".join([*TWO_SONGS, "My list"]), "Secnd")


def test_scrambled_playlists_have_fields_of_their_own() -> None:
    song = "{}=Composer==Swing=Bb=={}=Jazz={}=3"
    songs = [
        song.format(title, "1r34LbKcu7T44[" + chord + "   Z ", tempo)
        for title, chord, tempo in [("One", "C", 0), ("Two", "F", 120)]
    ]
    link = "irealb://" + "===".join([*songs, "My list"])
    assert read_ireal(link).tempo is None
    chart = read_ireal(link, "Two")
    assert (chart.tempo, chart.key and chart.key.name, bar_symbols(chart.progression.bars[0])) == (120, "Bb major", "F")


@pytest.mark.parametrize("quotes", ['<a href="{}">Song</a>', "<a href='{}'>Song</a>", "{}\n"])
def test_links_stand_in_pages_and_in_texts(quotes: str) -> None:
    link = plain("T44[C   |F   Z")
    for written in (quote(link, safe=":/=&,"), link):
        assert read_ireal("<html>\n" + quotes.format(written) + "\n</html>").title == "Song Title"


def test_links_on_one_line_of_a_page_are_all_read() -> None:
    link = "irealbook://{}=By Me=Swing=C=n=[T44C |F |G7 |C Z"
    page = "".join(f'<a href="{link.format(title)}">{title}</a> ' for title in ("One", "Two"))
    assert read_ireal(page, "Two").title == "Two"


@pytest.mark.parametrize(
    ("music", "message"),
    [
        ("T44[C   |?   Z", r"bar 2 of 'Song Title': '\?' is no sign of iReal Pro's"),
        ("T44[C   |F7#5#11   Z", "bar 2 of 'Song Title': chord symbol 'F7#5#11'"),
        ("T44[C   |T34F   Z", "bar 2 of 'Song Title' changes the metre from 4/4 to 3/4"),
        ("T44[ x  |F   Z", "bar 1 of 'Song Title' repeats 1 before it, but there are 0"),
        ("T44[C   |r|   Z", "bar 2 of 'Song Title' repeats 2 before it, but there are 1"),
        ("T44[W/C   Z", "bar 1 of 'Song Title': a bass without a root"),
        ("T44[p   Z", "bar 1 of 'Song Title' holds a chord, but there is none before it"),
        ("T44{C   |{F   }", "bar 2 of 'Song Title': a repeat begins within a repeat"),
        ("T44{C   |F   Z", "bar 1 of 'Song Title': the repeat that begins here has no end"),
        ("T44[C   |F<D.C. al Coda>   Z", "bar 2 of 'Song Title': D.C. al Coda needs a To Coda"),
        ("T44[C   |F<D.S. al Fine>   Z", "bar 2 of 'Song Title': D.S. al Fine needs a Segno"),
        ("T44[    Z", "the iReal Pro song 'Song Title' has no chords"),
        ("", "the iReal Pro song 'Song Title' has no chords"),
    ],
)
def test_what_is_wrong_is_told_with_its_bar(music: str, message: str) -> None:
    with pytest.raises(RlcomposeError, match=message):
        read_ireal(plain(music))


@pytest.mark.parametrize(
    "link",
    [
        "irealb://",
        "irealb://Tune=Someone==Swing=C==T44[C   Z=",
        "irealb://1r34LbKcu7",
        "irealbook://",
        "irealbook://Tune=Someone",
    ],
)
def test_a_link_that_is_cut_off_is_told(link: str) -> None:
    with pytest.raises(RlcomposeError, match="holds no song|its link is cut off|has no chords"):
        read_ireal(link)


# --- there and back, with a small writer ---

IREAL_NAMES = {ours: name for name, ours in QUALITIES.items() if name not in ("^", "h", "-7b5")}
CHORDS = st.builds(
    lambda root, suffix: parse_chord(root + suffix),
    st.sampled_from("C Db E F# Bb".split()),
    st.sampled_from(sorted(IREAL_NAMES)),
)
BARS = st.lists(CHORDS, min_size=1, max_size=4).map(tuple)
FORMS = st.lists(st.tuples(st.sampled_from("ABCD"), st.lists(BARS, min_size=1, max_size=6)), min_size=1, max_size=4)


def written(sections: list[tuple[str, list[Bar]]]) -> str:
    """Music of four cells a bar, chords on their beats."""
    music = "T44"
    for label, bars in sections:
        cells = []
        for bar in bars:
            row = [" "] * 4
            for onset, _, chord in bar_chords(bar, Meter(4, 4)):
                root, _, _ = chord.symbol.partition(chord.suffix) if chord.suffix else (chord.symbol, "", "")
                row[onset // 12] = root + IREAL_NAMES[chord.suffix] + ","
            cells.append("".join(row))
        music += f"*{label}[" + "|".join(cells) + "]"
    return music


def scrambled(music: str) -> str:
    """The abbreviations, then blocks of 50 with their outer fives and two fourteens changed over."""
    for long, short in (("| x", "Kcl"), ("   ", "XyQ"), (" |", "LZ")):
        music = music.replace(long, short)
    result = ""
    while len(music) > 51:
        block, music = music[:50], music[50:]
        result += (
            block[:-6:-1] + block[5:10] + block[39:25:-1] + block[24:26] + block[23:9:-1] + block[40:45] + block[4::-1]
        )
    return result + music


@given(FORMS)
def test_what_is_written_for_ireal_pro_is_read_back(sections: list[tuple[str, list[Bar]]]) -> None:
    music = written(sections)
    form = tuple(SectionPattern(label, tuple(bars)) for label, bars in sections)
    expected = chord_spans(Progression("", "major", form), Meter(4, 4))
    for link in (
        plain(music),
        quote(plain(music), safe=":/"),
        f"irealb://T=C==S=C==1r34LbKcu7{scrambled(music)}=G=0=0",
    ):
        progression = read_ireal(link).progression
        assert [(section.label, len(section.bars)) for section in progression.form] == [
            (label, len(bars)) for label, bars in sections
        ]
        assert chord_spans(progression, Meter(4, 4)) == expected


@given(st.text(alphabet="ABC7^-o|[]{} ,", max_size=160))
def test_unscrambling_undoes_scrambling(music: str) -> None:
    assert unscramble(scrambled(music)) == music


@given(st.text(alphabet="ABCDEFG#b7^-oh|[]{}ZxrnpWSQN123T44*A<>(), /sl", max_size=80))
def test_any_music_is_read_or_refused(music: str) -> None:
    try:
        chart = read_ireal(plain(music.replace("=", "")))
    except RlcomposeError:
        return
    assert chart.progression.num_bars > 0
