"""Who plays the chords: a pianist or guitarist who answers the soloist, and one who strums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from rlcompose.arrange.arrangement import Cue, Role
from rlcompose.arrange.pattern import Hit, Pattern, parse_pattern
from rlcompose.arrange.players import player
from rlcompose.arrange.players.bass import BassBars, drawn_patterns
from rlcompose.arrange.sheet import Sheet
from rlcompose.arrange.voicing import Stroke, Voicings, voiced
from rlcompose.score import ChordSpan

SYMBOLS = "xXo"
LOUDER = {"x": 0, "X": 8, "o": -14}  # velocity
EIGHTH = 6
HIGHEST_PITCH = 128  # a ceiling that is none
BUSY_NOTES = 7  # melody notes in a bar of 4/4 above which the sparsest patterns are taken


@player("comping", Role.CHORDS, symbols=SYMBOLS)
def comping(
    sheet: Sheet,
    dice: Random,
    *,
    velocity: int = 60,
    patterns: tuple[str, ...] = (),
    voicing: str = "rootless",
    voices: int = 4,
    centre: int = 60,
    answers: bool = True,
    anticipates: bool = True,
) -> Iterator[Cue]:
    """Chords in the patterns' rhythms below the melody; the last chord rings.

    voicing      "rootless", "close" or "whole"; fewer voices where the melody leaves no room
    answers      sparse patterns under a busy melody, fuller ones where it rests; else they are drawn freely
    anticipates  an off-beat stroke just before a chord is that chord already
    """
    drawn = _answering(sheet, patterns, dice) if answers else drawn_patterns(sheet, patterns, SYMBOLS, dice)
    hits = list(_strokes(sheet, drawn, anticipates))
    chosen = voiced([stroke for _, stroke in hits], Voicings(voicing, voices, centre))
    for (hit, _), pitches in zip(hits, chosen, strict=True):
        for pitch in pitches:
            yield Cue(hit.onset, pitch, hit.ticks, velocity + LOUDER[hit.symbol])


@player("strum", Role.CHORDS, symbols=SYMBOLS + "158n")
def strum(
    sheet: Sheet,
    dice: Random,
    *,
    velocity: int = 58,
    bass_velocity: int = 66,
    patterns: tuple[str, ...] = (),
    voicing: str = "whole",
    voices: int = 3,
    centre: int = 60,
    lowest: int = 40,
) -> Iterator[Cue]:
    """A guitar that plays its own bass: x, X, o are strokes of the chord, 1, 5, 8, n its low strings (from E2 on)."""
    chords = tuple(_only(text, SYMBOLS) for text in patterns)
    basses = tuple(_only(text, "158n") for text in patterns)
    state = dice.getstate()
    drawn = drawn_patterns(sheet, chords, SYMBOLS, dice)
    hits = list(_strokes(sheet, drawn, anticipates=False))
    for (hit, _), pitches in zip(
        hits, voiced([stroke for _, stroke in hits], Voicings(voicing, voices, centre)), strict=True
    ):
        for pitch in pitches:
            yield Cue(hit.onset, pitch, hit.ticks, velocity + LOUDER[hit.symbol])
    dice.setstate(state)  # the same patterns again, for the thumb
    yield from BassBars(sheet, lowest).notes(basses, dice, bass_velocity)


def _only(text: str, symbols: str) -> str:
    """The pattern with nothing but these strokes, each held as long as it was."""
    kept = []
    is_kept = False
    for symbol in text:
        if symbol in symbols:
            is_kept = True
        elif symbol not in "-| ":
            is_kept = False
        kept.append(symbol if symbol in "| " or is_kept else ".")
    return "".join(kept)


def _answering(sheet: Sheet, patterns: Sequence[str], dice: Random) -> list[Pattern]:
    """The pattern of each bar: the busier the melody there, the sparser; never three times the same on end."""
    parsed = sorted(
        (parse_pattern(text, sheet.meter, SYMBOLS) for text in patterns), key=lambda p: len(p.hits) / p.bars
    )
    bar_ticks = sheet.meter.bar_ticks
    drawn: list[Pattern] = []
    while parsed and len(drawn) <= sheet.music.bars:
        first = len(drawn) * bar_ticks
        notes = sheet.melody_in(first, first + bar_ticks)
        most = BUSY_NOTES * bar_ticks / 48
        room = 1.0 - min(1.0, len(notes) / most)  # 0 under running eighths, 1 in a rest
        recent = drawn[-2:]
        weights = []
        for index, pattern in enumerate(parsed):
            fullness = index / max(1, len(parsed) - 1)
            weight = max(0.05, 1.0 - 1.6 * abs(fullness - room)) ** 2
            fits = pattern.bars == 1 or len(drawn) % pattern.bars == 0
            weights.append(0.0 if not fits else weight * (0.15 if pattern in recent else 1.0))
        [pattern] = dice.choices(parsed, weights if any(weights) else None)
        drawn += [pattern] * pattern.bars
    return drawn


def _strokes(sheet: Sheet, drawn: Sequence[Pattern], anticipates: bool) -> Iterator[tuple[Hit, Stroke]]:
    """Every stroke of the patterns over a chord, with onsets from the start of the sheet; none over N.C."""
    pieces = sheet.pieces
    if not pieces:
        return
    bar_ticks = sheet.meter.bar_ticks
    last = pieces[-1]
    place = 0
    melody = Ceiling(sheet)
    for bar in range(last.onset // bar_ticks + 1):
        hits = drawn[bar].in_bar(bar) if drawn else ()
        for hit in hits:
            onset = bar * bar_ticks + hit.onset
            if onset >= last.onset:
                break
            while place < len(pieces) - 1 and pieces[place].end <= onset:
                place += 1
            piece = pieces[place]
            following = pieces[place + 1] if place + 1 < len(pieces) else None
            chord = piece.chord
            end = onset + hit.ticks
            if (
                anticipates
                and following is not None
                and onset % sheet.meter.beat_ticks
                and 0 < following.onset - onset <= EIGHTH
            ):
                chord, end = following.chord, max(end, min(onset + hit.ticks, following.end))
            elif onset < piece.onset:
                continue  # N.C.
            else:
                end = min(end, _silence_after(pieces, place))
            yield Hit(onset, end - onset, hit.symbol), Stroke(chord, melody.over(onset, end))
    yield Hit(last.onset, last.ticks, "x"), Stroke(last.chord, melody.over(last.onset, last.end))


def _silence_after(pieces: Sequence[ChordSpan], place: int) -> int:
    """Until when a chord may be held: its end, or the next one's where that is the same."""
    end = pieces[place].end
    for piece in pieces[place + 1 : place + 2]:
        if piece.onset == end and piece.chord == pieces[place].chord:
            end = piece.end
    return end


class Ceiling:
    """The melody's lowest pitch between two ticks, in one pass for strokes in order."""

    def __init__(self, sheet: Sheet) -> None:
        """For a sheet."""
        self._notes = sheet.music.notes
        self._first = 0

    def over(self, onset: int, end: int) -> int:
        """The lowest pitch that sounds from `onset` to `end`; 128 where none does."""
        notes = self._notes
        while self._first < len(notes) and notes[self._first].end <= onset:
            self._first += 1
        lowest = HIGHEST_PITCH
        index = self._first
        while index < len(notes) and notes[index].onset < end:
            if notes[index].end > onset:
                lowest = min(lowest, notes[index].pitch)
            index += 1
        return lowest


@player("arpeggio", Role.CHORDS, symbols="12345678")
def arpeggio(
    sheet: Sheet, dice: Random, *, velocity: int = 60, patterns: tuple[str, ...] = (), lowest: int = 48
) -> Iterator[Cue]:
    """A broken chord: 1 is its lowest note from `lowest` on that is the root, 2 to 8 the chord's next ones upwards."""
    pieces = sheet.pieces
    if not pieces:
        return
    drawn = drawn_patterns(sheet, patterns, "12345678", dice)
    bar_ticks = sheet.meter.bar_ticks
    last = pieces[-1]
    place = 0
    for bar in range(last.onset // bar_ticks + 1):
        for hit in drawn[bar].in_bar(bar):
            onset = bar * bar_ticks + hit.onset
            while place < len(pieces) - 1 and pieces[place].end <= onset:
                place += 1
            piece = pieces[place]
            if piece.onset <= onset < last.onset:
                pitch = _ladder(piece.chord.tones, lowest)[int(hit.symbol) - 1]
                yield Cue(onset, pitch, min(hit.ticks, piece.end - onset), velocity)
    for pitch in _ladder(last.chord.tones, lowest)[: len(last.chord.tones) + 1]:
        yield Cue(last.onset, pitch, last.ticks, velocity)


def _ladder(tones: Sequence[int], lowest: int) -> list[int]:
    """The chord's notes upwards from its lowest root: three octaves of them."""
    root = lowest + (tones[0] - lowest) % 12
    steps = sorted((tone - tones[0]) % 12 for tone in tones)
    return [root + 12 * octave + step for octave in range(4) for step in steps]
