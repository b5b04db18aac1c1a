"""A bass that walks, a pianist who keeps out of the way, a drummer who knows the form."""

from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

import pytest

from rlcompose.arrange import USUAL, Cue, Playing, arrange
from rlcompose.arrange.sheet import Sheet, sheet_of
from rlcompose.arrange.voicing import Stroke, Voicings, voiced
from rlcompose.score import ChordSpan, Composition, Note, Section
from rlcompose.theory.chord import parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

BAR, BEAT = 48, 12
GHOST = 60  # softer notes of the bass are swallowed ones


def piece(
    chart: str, notes: tuple[Note, ...] = (), tempo: int = 160, sections: tuple[Section, ...] = ()
) -> Composition:
    """Bars parted by "|", chords of a bar equally long."""
    spans = []
    bars = chart.split("|")
    for bar, text in enumerate(bars):
        symbols = text.split()
        for place, symbol in enumerate(symbols):
            length = BAR // len(symbols)
            spans.append(ChordSpan(bar * BAR + place * length, length, parse_chord(symbol)))
    return Composition(
        notes, tuple(spans), Key.parse("C major"), Meter(4, 4), len(bars), tempo, "jazz", True, sections=sections
    )


def line(composition: Composition, name: str, playing: Playing = USUAL) -> tuple[Cue, ...]:
    return next(each.cues for each in arrange(sheet_of(composition, playing), playing) if each.name == name)


def strokes(cues: tuple[Cue, ...]) -> dict[int, list[int]]:
    """The pitches of each onset, lowest first."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for cue in cues:
        found[cue.onset].append(cue.pitch)
    return {onset: sorted(pitches) for onset, pitches in sorted(found.items())}


def walked(composition: Composition, seed: int) -> tuple[Sheet, list[Cue]]:
    playing = Playing(seed=seed)
    return sheet_of(composition, playing), [c for c in line(composition, "bass", playing) if c.velocity > GHOST]


@pytest.mark.parametrize("style", ["jazz", "blues", "waltz", "standards"])
def test_the_bass_says_the_chord_and_steps_into_the_next(style: str, played: Callable[..., Composition]) -> None:
    said = chords = steps = approaches = 0
    for seed in range(6):
        sheet, cues = walked(played(style, 16, seed), seed)
        at = {cue.onset: place for place, cue in enumerate(cues)}
        for before, here in pairwise(sheet.pieces):
            if before.chord == here.chord:
                continue
            place = at[here.onset]
            fifth = here.chord.tones[2] if len(here.chord.tones) > 2 else here.chord.tones[-1]
            chords += 1
            said += cues[place].pitch % 12 in (here.chord.bass, fifth)
            approaches += 1
            steps += 1 <= abs(cues[place].pitch - cues[place - 1].pitch) <= 2
        assert all(abs(one.pitch - two.pitch) <= 12 for one, two in pairwise(cues)), "no leap over an octave"
        assert all(28 <= cue.pitch <= 55 for cue in cues)
    assert said >= 0.8 * chords and steps >= 0.7 * approaches


def test_the_bass_plays_every_beat_and_no_note_twice() -> None:
    _, cues = walked(piece("Dm7|G7|Cmaj7|A7|Dm7|G7|C6|C6"), 0)
    assert [cue.onset for cue in cues[:33]] == [beat * BEAT for beat in range(33)]
    assert all(one.pitch != two.pitch for one, two in pairwise(cues[:-1]))


def test_a_slash_chord_has_its_bass_in_the_bass() -> None:
    _, cues = walked(piece("C/G|F|Dm7/G|C"), 3)
    assert [cues[beat].pitch % 12 for beat in (0, 8)] == [7, 7]


def test_two_chords_a_bar_are_both_said() -> None:
    _, cues = walked(piece("Dm7 G7|Em7 A7|Dm7 G7|C6"), 0)
    assert [cue.pitch % 12 for cue in cues if cue.onset % 24 == 0][:6] == [2, 7, 4, 9, 2, 7]


@pytest.mark.parametrize("style", ["jazz", "blues", "ballad", "bebop", "bossa", "gypsy_jazz"])
def test_the_chords_stay_below_the_melody_and_move_little(style: str, played: Callable[..., Composition]) -> None:
    near = moves = 0
    for seed in range(6):
        composition = played(style, 16, seed)
        name = "guitar" if style in ("bossa", "gypsy_jazz") else "piano"
        cues = line(composition, name)
        for cue in cues:
            over = [note.pitch for note in composition.notes if note.onset < cue.end and note.end > cue.onset]
            assert not over or cue.pitch < min(over)
        for one, two in pairwise(strokes(cues).values()):
            if len(one) == len(two):
                near += sum(abs(low - high) <= 5 for low, high in zip(one, two, strict=True))
                moves += len(one)
    assert near >= 0.95 * moves


def test_rootless_voicings_have_third_and_seventh_and_leave_the_root_out() -> None:
    [pitches] = voiced([Stroke(parse_chord("G7"), 128)], Voicings("rootless", 4, 60))
    classes = {pitch % 12 for pitch in pitches}
    assert {11, 5} <= classes and 7 not in classes and 9 in classes  # B and F, no G, and the ninth A


def test_where_the_melody_is_low_two_voices_are_left_and_below_them_none() -> None:
    chord = parse_chord("Dm7")
    shell, nothing = (voiced([Stroke(chord, top)], Voicings("rootless", 4, 60))[0] for top in (55, 46))
    assert {pitch % 12 for pitch in shell} == {5, 0} and max(shell) < 55
    assert nothing == ()


def test_the_chord_comes_early_on_the_last_eighth() -> None:
    cues = line(piece("Dm7|Dm7|Dbmaj7|Dbmaj7|" * 8 + "C6"), "piano")
    early = [pitches for onset, pitches in strokes(cues).items() if onset % (4 * BAR) == 2 * BAR - 6]
    third_and_seventh = {5, 0}  # of Dbmaj7: F and C; of Dm7 these are F and C, too, but Db's ninth is Eb
    assert early and all({3} <= {pitch % 12 for pitch in pitches} for pitches in early), third_and_seventh


def test_a_busy_melody_is_answered_by_fewer_chords() -> None:
    chart = "Dm7|G7|C6|A7|" * 8 + "C6"
    running = tuple(Note(onset, 76, 6) for onset in range(0, 32 * BAR, 6))
    busy, resting = (len(strokes(line(piece(chart, notes), "piano"))) for notes in (running, ()))
    assert busy < 0.7 * resting


def test_the_drummer_plays_the_hat_on_two_and_four_and_fills_where_sections_end() -> None:
    sections = (Section("A", 0, 8), Section("B", 8, 8))
    cues = line(piece("|".join(["C6"] * 16), sections=sections), "drums")
    hats = {cue.onset % BAR for cue in cues if cue.pitch == 44}
    assert hats == {BEAT, 3 * BEAT}
    filled = {cue.onset // BAR for cue in cues if cue.pitch in (41, 45, 48)}  # toms
    rides = [cue.onset for cue in cues if cue.pitch == 51]
    assert filled <= {7, 15} and not [onset for onset in rides if 7 * BAR + 36 <= onset < 8 * BAR]


def test_the_count_in_clicks_on_every_beat_of_its_last_bar() -> None:
    cues = line(piece("C6|G7"), "count-in", Playing(count_in=2))
    assert [cue.onset for cue in cues] == [0, 24, 48, 60, 72, 84] and {cue.pitch for cue in cues} == {37}


def test_the_last_stroke_is_everybodys(played: Callable[..., Composition]) -> None:
    for style, last in (("standards", {36, 49, 51}), ("jig", {41})):  # kick, crash and ride; the bodhran's low stroke
        composition = played(style, 8, 1)
        name = "drums" if style == "standards" else "bodhran"
        end = composition.total_ticks
        assert {cue.pitch for cue in line(composition, name) if cue.onset == end} == last
