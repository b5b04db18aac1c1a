"""Chords of MusicXML lead sheets; the bars are written out by hand, the kinds are compared with music21's."""

from __future__ import annotations

import io
import zipfile

import pytest

from rlcompose.charts.chart import Chart, chart_from_text
from rlcompose.charts.musicxml import KINDS, read_musicxml
from rlcompose.errors import RlcomposeError
from rlcompose.theory.chord import Chord, parse_chord
from rlcompose.theory.meter import Meter
from rlcompose.theory.progression import bar_symbols

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
DOCTYPE = '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "partwise.dtd">\n'
WHOLE, HALF, QUARTER = (
    f"<note><pitch><step>C</step><octave>5</octave></pitch><duration>{n}</duration></note>" for n in (8, 4, 2)
)
FORWARD = '<barline location="left"><repeat direction="forward"/></barline>'
BACKWARD = '<barline location="right"><repeat direction="backward"/></barline>'
DOUBLE = '<barline location="right"><bar-style>light-light</bar-style></barline>'


def harmony(root: str, kind: str, text: str = "", bass: str = "", degrees: str = "", offset: int = 0) -> str:
    """A chord symbol; degrees as in "add 9 -1, alter 5 1"."""

    def note(name: str, tag: str) -> str:
        alter = {"": "", "#": f"<{tag}-alter>1</{tag}-alter>", "b": f"<{tag}-alter>-1</{tag}-alter>"}[name[1:]]
        return f"<{tag}><{tag}-step>{name[0]}</{tag}-step>{alter}</{tag}>"

    shown = f' text="{text}"' if text else ""
    parts = [note(root, "root"), f"<kind{shown}>{kind}</kind>"]
    if bass:
        parts.append(note(bass, "bass"))
    for degree in filter(None, degrees.split(",")):
        how, value, alter = degree.split()
        inner = f"<degree-value>{value}</degree-value><degree-alter>{alter}</degree-alter>"
        parts.append(f"<degree>{inner}<degree-type>{how}</degree-type></degree>")
    if offset:
        parts.append(f"<offset>{offset}</offset>")
    return f"<harmony>{''.join(parts)}</harmony>"


def major(root: str) -> str:
    return harmony(root, "major")


def seventh(root: str) -> str:
    return harmony(root, "dominant")


def bars_repeated(kind: str, number: str = "") -> str:
    sign = f"<measure-repeat {kind}>{number}</measure-repeat>"
    return f"<attributes><measure-style>{sign}</measure-style></attributes>"


def ending(number: str, kind: str, where: str = "left", repeat: str = "") -> str:
    return f'<barline location="{where}"><ending number="{number}" type="{kind}"/>{repeat}</barline>'


def words(text: str, sound: str = "") -> str:
    shown = f"<sound {sound}/>" if sound else ""
    return f"<direction><direction-type><words>{text}</words></direction-type>{shown}</direction>"


def mark(text: str) -> str:
    return f"<direction><direction-type><rehearsal>{text}</rehearsal></direction-type></direction>"


def sheet(*measures: str, time: str = "4/4", key: str = "0 major", title: str = "Tune", divisions: int = 2) -> bytes:
    """A lead sheet with these measures, two divisions a quarter note; "+" at the beginning makes an upbeat of one."""
    beats, beat_type = time.split("/")
    fifths, _, mode = key.partition(" ")
    first = (
        f"<attributes><divisions>{divisions}</divisions><key><fifths>{fifths}</fifths>"
        + (f"<mode>{mode}</mode>" if mode else "")
        + f"</key><time><beats>{beats}</beats><beat-type>{beat_type}</beat-type></time></attributes>"
    )
    body = ""
    number = 0 if measures[0].startswith("+") else 1
    for place, measure in enumerate(measures):
        implicit = ' implicit="yes"' if measure.startswith("+") else ""
        body += f'<measure number="{number}"{implicit}>{first if place == 0 else ""}{measure.lstrip("+")}</measure>'
        number += 1
    work = f"<work><work-title>{title}</work-title></work>" if title else ""
    text = f'<score-partwise version="4.0">{work}<part id="P1">{body}</part></score-partwise>'
    return (HEAD + DOCTYPE + text).encode()


def read(*measures: str, **how: str) -> Chart:
    return read_musicxml(sheet(*measures, **how), "file")  # type: ignore[arg-type]  # sheet's own options, by name


def by_hand(text: str) -> list[tuple[Chord, ...]]:
    """Bars between |, written out: nothing is repeated, and no sign but chords is known."""
    return [tuple(parse_chord(symbol) for symbol in bar.split()) for bar in text.split("|")]


C, F, G, AM, D7, G7 = major("C"), major("F"), major("G"), harmony("A", "minor"), seventh("D"), seventh("G")
SHEETS = {
    "blues with two chords in a bar": (
        sheet(
            seventh("C") + WHOLE, seventh("F") + WHOLE, seventh("C") + WHOLE,
            harmony("G", "minor-seventh") + HALF + seventh("C") + HALF,
            seventh("F") + WHOLE, harmony("F#", "diminished-seventh") + WHOLE, seventh("C") + WHOLE,
            harmony("E", "half-diminished") + HALF + harmony("A", "dominant", degrees="add 9 -1") + HALF,
            harmony("D", "minor-seventh") + WHOLE, seventh("G") + WHOLE,
            seventh("C") + HALF + seventh("A") + HALF, seventh("D") + HALF + seventh("G") + HALF,
        ),
        "C7|F7|C7|Gm7 C7|F7|F#dim7|C7|Em7b5 A7b9|Dm7|G7|C7 A7|D7 G7",
        "A",
    ),
    "repeat with two endings and marks": (
        sheet(
            mark("A") + FORWARD + C + WHOLE, AM + WHOLE,
            ending("1", "start") + D7 + WHOLE,
            G7 + WHOLE + ending("1", "stop", "right", '<repeat direction="backward"/>'),
            ending("2", "start") + G7 + WHOLE, C + WHOLE + ending("2", "discontinue", "right"),
            mark("B") + F + WHOLE, G7 + WHOLE,
        ),
        "C|Am|D7|G7|C|Am|G7|C|F|G7",
        "A A B",
    ),
    "AABA by double bar lines": (
        sheet(
            C + WHOLE, G7 + WHOLE + DOUBLE, C + WHOLE, G7 + WHOLE + DOUBLE,
            F + WHOLE, AM + WHOLE + DOUBLE, C + WHOLE, G7 + WHOLE,
        ),
        "C|G7|C|G7|F|Am|C|G7",
        "A A B A",
    ),
    "chords that go on": (
        sheet(C + WHOLE, WHOLE, HALF + G7 + HALF, WHOLE, QUARTER * 3 + F + QUARTER, WHOLE),
        "C|C|C G7|G7|G7 G7 G7 F|F",
        "A",
    ),
    "an upbeat and nothing before the first chord": (
        sheet("+" + QUARTER, WHOLE, C + WHOLE, G7 + WHOLE),
        "N.C.|C|G7",
        "A",
    ),
    "an upbeat without a chord": (
        sheet("+" + harmony("C", "none") + QUARTER, C + WHOLE, G7 + WHOLE),
        "C|G7",
        "A",
    ),
    "bars of rest before the first chord": (
        sheet(*["<note><rest/><duration>8</duration></note>"] * 2, C + WHOLE),
        "N.C.|N.C.|C",
        "A",
    ),
    "a chord in both staves": (sheet(C + C + HALF + G7 + G7 + HALF), "C G7", "A"),
    "D.C. al Fine as music21 writes it": (
        sheet(C + WHOLE, F + WHOLE + words("fine"), G7 + WHOLE, AM + WHOLE + words("Da Capo al fine")),
        "C|F|G7|Am|C|F",
        "A A",
    ),
    "an upbeat that is not marked as one": (sheet(QUARTER, C + WHOLE, G7 + WHOLE), "C|G7", "A"),
    "an upbeat after rests that fill its bar": (
        sheet("<note><rest/><duration>6</duration></note>" + QUARTER, C + WHOLE, G7 + WHOLE),
        "C|G7",
        "A",
    ),
    "a second ending after a double bar line": (
        sheet(
            FORWARD + C + WHOLE, F + WHOLE + DOUBLE,
            ending("1", "start") + G7 + WHOLE + ending("1", "stop", "right", '<repeat direction="backward"/>'),
            ending("2", "start") + C + WHOLE + ending("2", "stop", "right"),
        ),
        "C|F|G7|C|F|C",
        "A A",
    ),
    "chords without notes": (sheet(C, G7 + harmony("F", "major", offset=4)), "C|G7 F", "A"),
    "triplets that are rounded up": (
        sheet((C + WHOLE).replace(">8<", ">801<"), F + WHOLE.replace("8", "800"), divisions=200),
        "C|F",
        "A",
    ),
    "a reel whose parts begin with an upbeat": (
        sheet(
            "+" + FORWARD + QUARTER, D7 + WHOLE, G + HALF + QUARTER + BACKWARD,
            "+" + FORWARD + QUARTER, C + WHOLE, G + HALF + QUARTER + BACKWARD,
        ),
        "D7|G|D7|G|C|G|C|G",
        "A A B B",
    ),
    "waltz with a bass line": (
        sheet(
            harmony("A", "minor") + QUARTER * 3, harmony("A", "minor", bass="G#") + QUARTER * 3,
            harmony("A", "minor", bass="G") + QUARTER * 2 + seventh("D") + QUARTER, time="3/4",
        ),
        "Am|Am/G#|Am/G Am/G D7",
        "A",
    ),
    "jig": (
        sheet(
            G + "<note><rest/><duration>6</duration></note>",
            G + "<forward><duration>3</duration></forward>" + D7,
            time="6/8",
        ),
        "G|G D7",
        "A",
    ),
    "D.C. al Fine in words": (
        sheet(
            mark("A") + C + WHOLE, F + WHOLE + words("Fine"),
            mark("B") + G7 + WHOLE, AM + WHOLE + words("D.C. al Fine"),
        ),
        "C|F|G7|Am|C|F",
        "A B A",
    ),
    "D.S. al Coda in sounds": (
        sheet(
            C + WHOLE,
            '<direction><direction-type><segno/></direction-type><sound segno="s"/></direction>' + F + WHOLE,
            G7 + WHOLE + words("To Coda", 'tocoda="c"'),
            AM + WHOLE + words("D.S. al Coda", 'dalsegno="s"'),
            '<direction><direction-type><coda/></direction-type><sound coda="c"/></direction>' + D7 + WHOLE,
            G7 + WHOLE,
        ),
        "C|F|G7|Am|F|G7|D7|G7",
        "A Coda",
    ),
    "coda signs alone": (
        sheet(
            C + WHOLE,
            F + WHOLE + "<direction><direction-type><coda/></direction-type></direction>",
            G7 + WHOLE + words("D.C. al Coda"),
            "<direction><direction-type><coda/></direction-type></direction>" + AM + WHOLE,
        ),
        "C|F|G7|C|F|Am",
        "A A Coda",
    ),
    "repeat signs for bars": (
        sheet(
            C + HALF + G7 + HALF,
            bars_repeated('type="start"', "1") + WHOLE,
            bars_repeated('type="stop"') + F + WHOLE,
        ),
        "C G7|C G7|F",
        "A",
    ),
    "vamp four times": (
        sheet(FORWARD + C + WHOLE, F + WHOLE + BACKWARD.replace("/>", ' times="4"/>', 1), G + WHOLE),
        "C|F|C|F|C|F|C|F|G",
        "A A A A B",
    ),
    "two voices, grace notes and an offset": (
        sheet(
            C + "<note><grace/><pitch><step>D</step><octave>5</octave></pitch></note>" + WHOLE
            + "<backup><duration>8</duration></backup>" + harmony("G", "dominant", offset=4) + WHOLE,
            AM + HALF + "<note><chord/><pitch><step>E</step><octave>5</octave></pitch><duration>4</duration></note>"
            + '<harmony type="alternate"><root><root-step>C</root-step></root><kind>major</kind></harmony>' + HALF,
        ),
        "C G7|Am",
        "A",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHEETS)
def test_sheet_is_played_as_written_out_by_hand(name: str) -> None:
    data, expected, form = SHEETS[name]
    chart = read_musicxml(data, "file")
    assert list(chart.progression.bars) == by_hand(expected)
    assert " ".join(section.label for section in chart.progression.form) == form


@pytest.mark.parametrize(
    ("kind", "degrees", "symbol"),
    [
        # As MuseScore, Finale and iReal Pro write them.
        ("dominant", "add 9 -1", "C7b9"),
        ("dominant", "add 9 1", "C7#9"),
        ("dominant", "add 11 1", "C7#11"),
        ("dominant", "add 13 0", "C13"),
        ("dominant", "add 13 -1", "C7b13"),
        ("dominant", "alter 5 1, add 9 -1", "C7#5b9"),
        ("dominant", "alter 5 -1", "C7b5"),
        ("dominant", "add 9 -1, add 13 -1", "C7b9b13"),
        ("dominant-ninth", "add 11 1", "C9#11"),
        ("dominant-ninth", "alter 9 -1", "C7b9"),
        ("dominant-13th", "alter 9 -1", "C13b9"),
        ("dominant-13th", "alter 11 1", "C13#11"),
        ("suspended-fourth", "add 7 0", "C7sus4"),
        ("suspended-fourth", "add 7 0, add 9 0", "C9sus4"),
        ("suspended-fourth", "add 7 0, add 9 -1", "C7b9sus4"),
        ("dominant", "add 4 0, subtract 3 0", "C7sus4"),
        ("dominant", "add 4 0", "C7sus4add3"),
        ("dominant", "add 11 0", "C11"),
        ("major", "add 9 0", "Cadd9"),
        ("major", "add 2 0", "Cadd9"),
        ("minor", "add 9 0", "Cmadd9"),
        ("minor", "add 7 1", "CmMaj7"),
        ("major-sixth", "add 9 0", "C6/9"),
        ("minor-sixth", "add 9 0", "Cm6/9"),
        ("major-seventh", "add 11 1", "Cmaj7#11"),
        ("major-seventh", "alter 5 1", "Cmaj7#5"),
        ("augmented", "add 7 0", "C7#5"),
        ("augmented", "add 7 1", "Cmaj7#5"),
        ("minor-seventh", "alter 5 -1", "Cm7b5"),
        ("minor-ninth", "alter 5 -1", "Cm9b5"),
        ("diminished", "add 7 -1", "Cdim7"),
        ("augmented-seventh", "alter 5 -1", "C7"),  # alterations count from what the kind has
        ("minor-seventh", "alter 3 1", "C7"),
        ("major-seventh", "alter 7 -1", "C7"),
        ("major-minor", "add 9 0", "CmMaj9"),
        ("dominant", "subtract 5 0", "C7"),
        ("other", "add 3 -1, add 5 0, add 7 0, add 9 0", "Cm9"),
        ("none", "add 5 0", "C5"),
    ],
)
def test_degrees_make_the_chord(kind: str, degrees: str, symbol: str) -> None:
    chart = read(harmony("C", kind, degrees=degrees) + WHOLE)
    assert bar_symbols(chart.progression.bars[0]) == parse_chord(symbol).symbol


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_have_the_notes_that_music21_gives_them(kind: str) -> None:
    music21 = pytest.importorskip("music21")
    names = {
        "dominant": "dominant-seventh",
        "half-diminished": "half-diminished-seventh",
        "major-minor": "minor-major-seventh",
    }
    symbol = music21.harmony.ChordSymbol(root="C", kind=names.get(kind, kind))
    theirs = {pitch.pitchClass for pitch in symbol.pitches}
    ours = read(harmony("C", kind) + WHOLE).progression.bars[0][0]
    if kind == "dominant-11th":
        theirs -= {4}  # played without its third, which clashes with the eleventh
    assert set(ours.tones) <= theirs
    assert theirs - set(ours.tones) <= {2, 5, 9}  # ninth, eleventh and thirteenth are no chord tones


def test_text_of_a_kind_is_taken_where_its_notes_make_no_known_chord() -> None:
    altered = harmony("G", "dominant", text="7alt", degrees="alter 5 -1, add 5 1, add 9 -1, add 9 1")
    assert bar_symbols(read(altered + WHOLE).progression.bars[0]) == "G7alt"
    assert bar_symbols(read(harmony("G", "other", text="7alt") + WHOLE).progression.bars[0]) == "G7alt"
    assert bar_symbols(read(harmony("G", "dominant", text="nonsense") + WHOLE).progression.bars[0]) == "G7"


@pytest.mark.parametrize(
    ("kind", "inversion", "bass", "symbol"),
    [("major", 0, "", "C"), ("major", 1, "", "C/E"), ("dominant", 3, "", "C7/Bb"), ("major", 1, "G", "C/G")],
)
def test_an_inversion_without_a_bass_says_the_bass(kind: str, inversion: int, bass: str, symbol: str) -> None:
    said = f"</kind><inversion>{inversion}</inversion>"
    chart = read(harmony("C", kind, bass=bass).replace("</kind>", said) + WHOLE)
    assert bar_symbols(chart.progression.bars[0]) == symbol


def test_no_chord_is_a_kind() -> None:
    assert [bar_symbols(bar) for bar in read(C + WHOLE, harmony("C", "none") + WHOLE).progression.bars] == ["C", "N.C."]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("0 major", "C major"),
        ("-3 minor", "C minor"),
        ("2 mixolydian", "A mixolydian"),
        ("-2 dorian", "C dorian"),
        ("7 major", "Db major"),  # seven sharps: C#, which sounds alike
        ("0", "C major"),  # no mode: the chords decide
        ("0 none", "C major"),
        ("1 lydian", "G major"),
    ],
)
def test_key_is_that_of_the_signature(key: str, name: str) -> None:
    chart = read(C + WHOLE, F + WHOLE, G7 + WHOLE, C + WHOLE, key=key)
    assert chart.key and chart.key.name == name
    assert chart.progression.mode == name.split()[1]


def test_signature_without_a_mode_is_minor_where_the_chords_are() -> None:
    chart = read(AM + WHOLE, harmony("D", "minor") + WHOLE, seventh("E") + WHOLE, AM + WHOLE, key="0")
    assert chart.key and chart.key.name == "A minor"


@pytest.mark.parametrize(
    ("mark", "tempo"),
    [
        ('<sound tempo="132.4"/>', 132),
        ('<direction><sound tempo="90"/></direction>', 90),
        ("<metronome><beat-unit>quarter</beat-unit><per-minute>120</per-minute></metronome>", 120),
        ("<metronome><beat-unit>half</beat-unit><per-minute>ca. 100</per-minute></metronome>", 200),
        ("<metronome><beat-unit>quarter</beat-unit><beat-unit-dot/><per-minute>80</per-minute></metronome>", 120),
        ('<sound tempo="0"/>', None),
        ("", None),
    ],
)
def test_tempo_counts_quarter_notes(mark: str, tempo: int | None) -> None:
    if mark.startswith("<metronome"):
        mark = f"<direction><direction-type>{mark}</direction-type></direction>"
    assert read(mark + C + WHOLE, '<sound tempo="50"/>' * bool(tempo) + WHOLE).tempo == tempo


def test_title_and_metre_are_told() -> None:
    chart = read(C + QUARTER * 3, time="3/4", title="A  Waltz")
    assert (chart.title, chart.meter) == ("A Waltz", Meter(3, 4))
    assert read(C + WHOLE, title="").title == "file"


def test_chords_of_any_part_are_found() -> None:
    data = sheet(C + WHOLE).replace(b'<part id="P1">', b'<part id="P0"><measure number="1"/></part><part id="P1">')
    assert read_musicxml(data, "file").progression.num_bars == 1


def with_part_above(above: str, *measures: str) -> bytes:
    """A score whose first part, without chords, has these measures (between |)."""
    top = "".join(f"<measure>{measure}</measure>" for measure in above.split("|"))
    return sheet(*measures).replace(b'<part id="P1">', f'<part id="P0">{top}</part><part id="P1">'.encode())


def test_signs_of_the_first_part_count_for_all() -> None:
    tempo = "<direction><sound tempo='90'/></direction>"
    above = f"{tempo}{WHOLE}|{WHOLE}{words('Fine')}|{WHOLE}{words('D.C. al Fine')}"
    chart = read_musicxml(with_part_above(above, C + WHOLE, F + WHOLE, G7 + WHOLE), "file")
    assert list(chart.progression.bars) == by_hand("C|F|G7|C|F")
    assert chart.tempo == 90


def test_signs_that_stand_in_every_part_count_once() -> None:
    coda = "<direction><direction-type><coda/></direction-type></direction>"
    parts = [
        FORWARD + "{}" + WHOLE,
        "{}" + WHOLE + BACKWARD.replace("/>", ' times="3"/>', 1),
        "{}" + WHOLE + coda,
        "{}" + WHOLE + words("D.C. al Coda"),
        coda + "{}" + WHOLE,
    ]
    above = "|".join(part.format("") for part in parts)
    data = with_part_above(above, *(part.format(chord) for part, chord in zip(parts, (C, F, G7, AM, D7), strict=True)))
    expected = by_hand("C|F|C|F|C|F|G7|Am|C|F|G7|D7")
    assert list(read_musicxml(data, "file").progression.bars) == expected


@pytest.mark.parametrize(
    ("chromatic", "octave", "key", "symbols"),
    [
        (-2, "", "Bb major", "Bb|Bb/D Eb"),  # clarinet in Bb
        (-9, "", "Eb major", "Eb|Eb/G Ab"),  # alto saxophone
        (0, "<octave-change>-1</octave-change>", "C major", "C|C/E F"),  # guitar
    ],
)
def test_a_transposing_part_is_read_as_it_sounds(chromatic: int, octave: str, key: str, symbols: str) -> None:
    transpose = f"<transpose><chromatic>{chromatic}</chromatic>{octave}</transpose></attributes>"
    data = sheet(C + WHOLE, harmony("C", "major", bass="E") + HALF + F + HALF)
    chart = read_musicxml(data.replace(b"</attributes>", transpose.encode(), 1), "file")
    assert chart.key and chart.key.name == key
    assert list(chart.progression.bars) == by_hand(symbols)


def packed(data: bytes, container: bytes | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        where = b'<container xmlns="urn:x"><rootfiles><rootfile full-path="score.xml"/></rootfiles></container>'
        archive.writestr("META-INF/container.xml", where if container is None else container)
        archive.writestr("score.xml", data)
    return buffer.getvalue()


def test_a_mark_with_a_number_of_times_is_written_without_it() -> None:
    chart = read(mark("Vamp x4") + C + WHOLE, mark("B (2x)") + F + WHOLE)
    assert chart.progression.labels == ("Vamp", "B")
    assert chart_from_text(chart.text).progression.bars == chart.progression.bars


def test_packed_file_is_read() -> None:
    assert read_musicxml(packed(sheet(C + WHOLE)), "file") == read(C + WHOLE)


DEFINITIONS = '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">'
ENTITIES = f"<!DOCTYPE score-partwise [{DEFINITIONS}]><score-partwise>&b;</score-partwise>".encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ENTITIES, "'file' defines XML entities"),
        (ENTITIES.decode().encode("utf-16"), "'file' defines XML entities"),
        (packed(ENTITIES), "'file' defines XML entities"),
        (b"<score-partwise>", "'file' is not XML"),
        (b"", "'file' is not XML"),
        (b"<score-timewise/>", "'file' is a <score-timewise>: only <score-partwise> is read"),
        (b"<score-partwise/>", "'file' has no chord symbols"),
        (b"PK not a zip", "'file' is no packed MusicXML file"),
        (packed(b"", b"<container/>"), "'file' is no packed MusicXML file"),
        (packed(b"", b'<container><rootfile full-path="no.xml"/></container>'), "'file' is no packed MusicXML file"),
        (packed(b" " * (64 * 1024 * 1024 + 1)), "'file' unpacks to more than 67,108,864 bytes"),
        (sheet(C + WHOLE).replace(b"<fifths>0", b"<fifths>many"), "bar 1 of 'file' is no MusicXML"),
        (sheet(C + WHOLE, divisions=0), "bar 1 of 'file' is no MusicXML"),
        (sheet(C + WHOLE.replace("8", "1e999999999")), "bar 1 of 'file' is no MusicXML"),
        (sheet(C + WHOLE, FORWARD + ending("999999999999", "start") + F + WHOLE + BACKWARD), "each from 1 up"),
        (sheet("<harmony><root><root-step>C</root-step></root></harmony>" + WHOLE), "C of the kind '' is no chord"),
    ],
)  # fmt: skip
def test_a_broken_file_is_told(data: bytes, message: str) -> None:
    with pytest.raises(RlcomposeError, match=message):
        read_musicxml(data, "file")


TIME = "<attributes><time><beats>3</beats><beat-type>4</beat-type></time></attributes>"
ROMAN = "<harmony><numeral><numeral-root>5</numeral-root></numeral><kind>major</kind></harmony>"


@pytest.mark.parametrize(
    ("measures", "message"),
    [
        ((C + WHOLE, TIME + F + QUARTER * 3), "bar 2 of 'file' changes the metre from 4/4 to 3/4"),
        ((C + WHOLE, harmony("E", "Tristan") + WHOLE), "bar 2 of 'file': E of the kind 'Tristan' is no chord"),
        ((harmony("E", "major-11th", text="maj11") + WHOLE,), "'major-11th', written 'maj11' is no chord"),
        ((harmony("E", "major", degrees="add 4 0") + WHOLE,), r"E of the kind 'major', add 4 by \+0 is no chord"),
        ((C + WHOLE, harmony("H", "major") + WHOLE), "bar 2 of 'file': 'H' is not a note name"),
        ((C + WHOLE, ROMAN + WHOLE), "bar 2 of 'file': the chord has no root: Roman numerals"),
        ((C + F + WHOLE,), "bar 1 of 'file': C and F begin together"),
        ((C + WHOLE + QUARTER,), "bar 1 of 'file' is 5 quarter notes long, a bar of 4/4 4"),
        ((harmony("C", "major", offset=8) + WHOLE,), "bar 1 of 'file': C stands after the end of the bar"),
        (("+" + C + QUARTER, F + WHOLE), r"bar 0 of 'file' is an upbeat with chords \(C\)"),
        ((C + WHOLE, FORWARD + F + WHOLE), "bar 2 of 'file': the repeat that begins here has no end"),
        ((C + WHOLE, F + WHOLE + words("D.C. al Fine")), "bar 2 of 'file': D.C. al Fine needs a Fine"),
        ((harmony("C", "none") + WHOLE,), "'file' has no chords but N.C."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_bar(measures: tuple[str, ...], message: str) -> None:
    with pytest.raises(RlcomposeError, match=message):
        read(*measures)
