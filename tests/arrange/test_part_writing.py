"""Alto, tenor and bass keep the rules of four-part writing below any melody, by a checker of our own."""

import random
from itertools import combinations

import pytest

from rlcompose.arrange.arrangement import Cue, Line
from rlcompose.arrange.band import arrange
from rlcompose.arrange.playing import Playing
from rlcompose.arrange.sheet import sheet_of
from rlcompose.score import ChordSpan, Composition, Note
from rlcompose.theory.chord import NO_CHORD, QUALITY_IDS, Chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import Meter

NAMES = ("melody", "alto", "tenor", "bass")
# G3 to D5, C3 to G4, E2 to C4: the ranges of Piston's Harmony, counted by hand.
RANGES = {"alto": (55, 74), "tenor": (48, 67), "bass": (40, 60)}
TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def ugly_piece(seed: int, style: str = "bach", bars: int | None = None) -> Composition:
    """Leaps, repeated notes, rests and clashes over chords that may change on every beat, be silent or missing."""
    dice = random.Random(seed)
    meter = Meter.parse(dice.choice(("4/4", "3/4", "6/8", "5/4", "2/4")))
    length = bars or dice.choice((1, 2, 4, 8, 16))
    total = length * meter.bar_ticks
    low, high = dice.choice(((60, 79), (48, 62), (72, 90), (40, 96)))
    notes, at, pitch = [], 0, (low + high) // 2
    while at < total:
        ticks = min(dice.choice((3, 4, 6, 6, 12, 12, 18, 24, 36)), total - at)
        pitch = min(high, max(low, pitch + dice.choice((0, 0, 1, -1, 2, -2, 2, -2, 5, -7, 12, -12))))
        if dice.random() > 0.12:
            notes.append(Note(at, pitch, ticks))
        at += ticks
    chords, at = [], 0
    step = dice.choice((meter.beat_ticks, meter.beat_ticks, meter.bar_ticks))
    kinds = [QUALITY_IDS[name] for name in ("major", "m", "7", "dim")]
    while at < total and seed % 20:  # one in twenty has no chart
        ticks = min(step, total - at)
        chord = NO_CHORD if dice.random() < 0.06 else Chord(dice.randrange(12), dice.choice(kinds))
        chords.append(ChordSpan(at, ticks, chord))
        at += ticks
    key = Key.parse(f"{TONICS[seed % 12]} {dice.choice(('major', 'minor'))}")
    return Composition(tuple(notes), tuple(chords), key, meter, length, 90, style)


def four_voices(composition: Composition, seed: int = 0) -> dict[str, Line]:
    playing = Playing(seed=seed)
    return {line.name: line for line in arrange(sheet_of(composition, playing), playing) if line.name in NAMES}


def sonorities(lines: dict[str, Line]) -> list[dict[str, int]]:
    """What sounds at each tick at which any voice begins or ends, in order."""
    events = sorted({tick for line in lines.values() for cue in line.cues for tick in (cue.onset, cue.end)})
    where = {tick: place for place, tick in enumerate(events)}
    found: list[dict[str, int]] = [{} for _ in events]
    for name, line in lines.items():
        for cue in line.cues:
            for place in range(where[cue.onset], where[cue.end]):
                found[place][name] = cue.pitch
    return found


def faults(lines: dict[str, Line]) -> list[str]:
    """Parallel fifths and octaves between any two of four voices, crossings, and pitches out of range."""
    told = []
    heard = sonorities(lines)
    for now in heard:
        order = [now[name] for name in NAMES if name in now]
        if order != sorted(order, reverse=True):
            told.append(f"crossing {now}")
        told += [
            f"{name} at {now[name]}"
            for name in RANGES
            if name in now and not RANGES[name][0] <= now[name] <= RANGES[name][1]
        ]
    for was, now in zip(heard, heard[1:], strict=False):
        for one, two in combinations([name for name in NAMES if name in was and name in now], 2):
            gap = abs(was[one] - was[two]) % 12
            moved = was[one] != now[one] and was[two] != now[two]
            if moved and gap in (0, 7) and gap == abs(now[one] - now[two]) % 12:
                told.append(f"parallel {one} {two} {was} {now}")
    return told


@pytest.mark.parametrize("style", ["bach", "palestrina"])
def test_no_parallels_no_crossing_and_ranges_kept_below_ugly_melodies(style: str) -> None:
    assert [fault for seed in range(60) for fault in faults(four_voices(ugly_piece(seed, style), seed))] == []


def test_the_checker_hears_parallel_fifths() -> None:
    lines = four_voices(ugly_piece(1, bars=2))
    made = {name: Line(name, line.role, line.program, line.channel, ()) for name, line in lines.items()}
    for name, first, second in (("tenor", 55, 57), ("bass", 48, 50)):  # C-G to D-A
        pair = tuple(Cue(at, pitch, 12, 70) for at, pitch in ((0, first), (12, second)))
        made[name] = Line(name, lines[name].role, lines[name].program, lines[name].channel, pair)
    assert len(faults(made)) == 1


def test_all_three_voices_sing_under_a_comfortable_melody() -> None:
    notes = tuple(Note(12 * beat, pitch, 12) for beat, pitch in enumerate((72, 74, 76, 77, 79, 77, 76, 72)))
    chart = tuple(
        ChordSpan(24 * place, 24, Chord(root, QUALITY_IDS["major"])) for place, root in enumerate((0, 7, 0, 0))
    )
    assert chart[0].chord.symbol == "C"
    piece = Composition(notes, chart, Key.parse("C major"), Meter.parse("4/4"), 2, 90, "bach")
    assert all(len(heard) == 4 for heard in sonorities(four_voices(piece))[:-2])  # then the ending, and silence
