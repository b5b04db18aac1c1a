"""The harmoniser: on music whose chords are known, on chorales, and on what a stranger gives it."""

from __future__ import annotations

import pytest

from rlcompose.corpus.library import is_available, load_corpus
from rlcompose.corpus.split import TEST, part_of
from rlcompose.score import ChordSpan, Composition, Note
from rlcompose.style import load_style
from rlcompose.theory.chord import NO_CHORD, parse_chord
from rlcompose.theory.harmonise import harmonise, harmonised
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

FOUR = Meter(4, 4)


def arpeggios(symbols: str, key: str, meter: Meter = FOUR) -> tuple[list[Note], list[str]]:
    """A melody of each chord's tones, half a bar a chord, and the chords."""
    chords = [parse_chord(symbol) for symbol in symbols.split()]
    half = meter.bar_ticks // 2
    notes = []
    for place, chord in enumerate(chords):
        for step, tone in enumerate(chord.tones[:3]):
            notes.append(Note(place * half + step * half // 3, 60 + tone % 12, half // 3))
    return notes, [chord.symbol for chord in chords]


def symbols_of(spans: tuple[ChordSpan, ...], slot: int, end: int) -> list[str]:
    return [next(s.chord.symbol for s in spans if s.onset <= at < s.end) for at in range(0, end, slot)]


@pytest.mark.parametrize(
    ("symbols", "key"),
    [
        ("C F G C", "C"),
        ("C Am Dm G C F G C", "C"),
        ("C A7 Dm G C C7 F C G C", "C"),  # dominants of the second and the fourth degree
        ("Bb Eb F Bb", "Bb"),
        ("Am Dm E Am", "A minor"),
        ("Dm G Dm Dm", "D dorian"),
    ],
)
def test_arpeggios_get_the_chords_that_they_are(symbols: str, key: str) -> None:
    notes, wanted = arpeggios(symbols, key)
    bars = len(wanted) // 2
    found = symbols_of(harmonise(notes, Key.parse(key), FOUR, bars), FOUR.bar_ticks // 2, bars * FOUR.bar_ticks)
    plain = [symbol.replace("A7", "A").replace("C7", "C") for symbol in found]
    assert plain == [symbol.replace("A7", "A").replace("C7", "C") for symbol in wanted]


def test_every_key_is_harmonised_alike() -> None:
    tune = [Note(at * 12, 60 + step, 12) for at, step in enumerate([0, 4, 7, 4, 5, 9, 5, 2, 7, 11, 7, 2, 0, 4, 0, 0])]
    in_c = harmonise(tune, Key.parse("C"), FOUR, 4)
    for tonic in range(12):
        moved = harmonise([Note(n.onset, n.pitch + tonic, n.ticks) for n in tune], Key(tonic, "major"), FOUR, 4)
        assert [(s.onset, s.ticks, s.chord) for s in moved] == [
            (s.onset, s.ticks, s.chord.transposed(tonic)) for s in in_c
        ]


@pytest.mark.parametrize("meter", ["2/4", "3/4", "4/4", "6/8", "9/8", "5/4"])
def test_chords_fill_the_bars_without_a_gap(meter: str) -> None:
    found = Meter.parse(meter)
    notes = [Note(at, 60 + at % 7, 6) for at in range(found.beat_ticks, 5 * found.bar_ticks, 6)]
    spans = harmonise(notes, Key.parse("C"), found, 5)
    assert spans[0].onset == 0 and spans[-1].end == 5 * found.bar_ticks
    assert all(one.end == two.onset and one.chord != two.chord for one, two in zip(spans, spans[1:], strict=False))


def test_silence_has_no_chord() -> None:
    assert harmonise([], Key.parse("C"), FOUR, 2) == (ChordSpan(0, 96, NO_CHORD),)
    spans = harmonise([Note(96, 60, 48)], Key.parse("C"), FOUR, 3)
    assert spans[0] == ChordSpan(0, 96, NO_CHORD) and spans[1].chord.symbol == "C"


def test_own_chords_stay() -> None:
    own = (ChordSpan(0, 48, parse_chord("F#m7b5")),)
    piece = Composition((Note(0, 60, 48),), own, Key.parse("C"), FOUR, 1, 120, "jazz")
    assert harmonised(piece) is piece
    bare = Composition((Note(0, 60, 48),), (ChordSpan(0, 48, NO_CHORD),), Key.parse("C"), FOUR, 1, 120, "jazz")
    assert harmonised(bare).chords == (ChordSpan(0, 48, parse_chord("C")),)
    assert harmonised(bare).notes == bare.notes


def test_lower_voices_decide() -> None:
    melody = [Note(0, 76, 48), Note(48, 76, 48)]
    alone = harmonise(melody, Key.parse("C"), FOUR, 2)
    below = [Note(0, 45, 48), Note(0, 60, 48), Note(48, 48, 48), Note(48, 67, 48)]
    assert {span.chord.symbol for span in alone} == {"C"}
    assert [s.chord.symbol for s in harmonise(melody + below, Key.parse("C"), FOUR, 2)] == ["Am", "C"]


@pytest.mark.skipif(not is_available(load_style("chorale")), reason="music21's corpus is not here")
def test_chorales_get_the_roots_that_their_voices_make() -> None:
    from music21 import corpus

    corpora = load_corpus("chorale")
    right = asked = 0
    numbers = [number for number, family in enumerate(corpora.families) if part_of(family) == TEST][:12]
    for number in numbers:
        music = corpora[number].composition
        score = corpus.parse("bach/" + corpora.texts["names"][number].rpartition("/")[2])
        moved = music.meter.bar_ticks - music.pickup if music.pickup else 0
        voices = [
            Note(round(float(note.offset) * 12) + moved, note.pitch.midi, max(1, round(float(note.quarterLength) * 12)))
            for part in score.parts
            for note in part.flatten().getElementsByClass("Note")
        ]
        inside = [note for note in voices if note.onset < music.total_ticks]
        spans = harmonise(inside, music.key, music.meter, music.bars)
        for tick in range(0, music.total_ticks, 12):
            chord = music.chord_at(tick)
            if chord is not None and not chord.is_silent:
                asked += 1
                right += next(span.chord.root for span in spans if span.onset <= tick < span.end) == chord.root
    assert asked > 500
    assert right / asked > 0.72  # .78 over all of the part


@pytest.mark.skipif(not is_available(load_style("fiddle")), reason="music21's corpus is not here")
def test_fiddle_tunes_end_on_the_tonic() -> None:
    tunes = load_corpus("fiddle")[:400]
    ends = [tune.composition.chords[-1].chord.root == tune.composition.key.tonic for tune in tunes]
    assert sum(ends) >= 0.95 * len(ends)
