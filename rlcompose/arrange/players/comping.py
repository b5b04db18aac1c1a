"""Who plays the chords: a pianist or guitarist who answers the soloist, and one who strums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from rlcompose.arrange.arrangement import Cue, Role
from rlcompose.arrange.pattern import Hit, Pattern, parse_pattern
from rlcompose.arrange.players import player
from rlcompose.arrange.players.bass import BASS_SYMBOLS, bass_notes
from rlcompose.arrange.sheet import Sheet
from rlcompose.arrange.strokes import drawn_patterns, strokes
from rlcompose.arrange.voicing import KINDS, Stroke, Voicings, voiced
from rlcompose.score import ChordSpan
from rlcompose.swing import OFFBEAT

SYMBOLS = "xXo"
LOUDER = {"x": 0, "X": 8, "o": -14}  # velocity
BUSY_NOTES = 7  # melody notes in a bar of 4/4 above which the sparsest patterns are taken


@player("comping", Role.CHORDS, symbols=SYMBOLS, voicing=tuple(KINDS))
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
    yield from _chords(sheet, drawn, Voicings(voicing, voices, centre), velocity, anticipates)


@player("strum", Role.CHORDS, symbols=SYMBOLS + BASS_SYMBOLS, voicing=tuple(KINDS))
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
    drawn = drawn_patterns(sheet, patterns, SYMBOLS + BASS_SYMBOLS, dice)
    yield from _chords(
        sheet, [pattern.only(SYMBOLS) for pattern in drawn], Voicings(voicing, voices, centre), velocity, False
    )
    yield from bass_notes(sheet, [pattern.only(BASS_SYMBOLS) for pattern in drawn], bass_velocity, lowest)


def _chords(
    sheet: Sheet, drawn: Sequence[Pattern], voicings: Voicings, velocity: int, anticipates: bool
) -> Iterator[Cue]:
    """The notes of patterns of `SYMBOLS`."""
    hits = list(_chord_strokes(sheet, drawn, anticipates))
    for (hit, _), pitches in zip(hits, voiced([stroke for _, stroke in hits], voicings), strict=True):
        for pitch in pitches:
            yield Cue(hit.onset, pitch, hit.ticks, velocity + LOUDER[hit.symbol])


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


def _chord_strokes(sheet: Sheet, drawn: Sequence[Pattern], anticipates: bool) -> Iterator[tuple[Hit, Stroke]]:
    """Every stroke of the patterns over a chord, none over N.C., and the last chord, which rings."""
    pieces = sheet.pieces
    if not pieces:
        return
    for hit, place in strokes(sheet, drawn):
        piece, *following = pieces[place : place + 2]
        onset, end = hit.onset, hit.onset + hit.ticks
        is_off_beat = onset % sheet.meter.beat_ticks > 0
        if anticipates and is_off_beat and following and 0 < following[0].onset - onset <= OFFBEAT:
            chord = following[0].chord
        elif onset < piece.onset:
            continue  # N.C.
        else:
            chord, end = piece.chord, min(end, _silence_after(pieces, place))
        yield Hit(onset, end - onset, hit.symbol), Stroke(chord, sheet.lowest_in(onset, end))
    last = pieces[-1]
    yield Hit(last.onset, last.ticks, "x"), Stroke(last.chord, sheet.lowest_in(last.onset, last.end))


def _silence_after(pieces: Sequence[ChordSpan], place: int) -> int:
    """Until when a chord may be held: its end, or the next one's where that is the same."""
    end = pieces[place].end
    for piece in pieces[place + 1 : place + 2]:
        if piece.onset == end and piece.chord == pieces[place].chord:
            end = piece.end
    return end


@player("arpeggio", Role.CHORDS, symbols="12345678")
def arpeggio(
    sheet: Sheet, dice: Random, *, velocity: int = 60, patterns: tuple[str, ...] = (), lowest: int = 48
) -> Iterator[Cue]:
    """A broken chord: 1 is its lowest note from `lowest` on that is the root, 2 to 8 the chord's next ones upwards."""
    pieces = sheet.pieces
    if not pieces:
        return
    for hit, place in strokes(sheet, drawn_patterns(sheet, patterns, "12345678", dice)):
        piece = pieces[place]
        if piece.onset <= hit.onset:
            pitch = _ladder(piece.chord.tones, lowest)[int(hit.symbol) - 1]
            yield Cue(hit.onset, pitch, min(hit.ticks, piece.end - hit.onset), velocity)
    last = pieces[-1]
    for pitch in _ladder(last.chord.tones, lowest)[: len(last.chord.tones) + 1]:
        yield Cue(last.onset, pitch, last.ticks, velocity)


def _ladder(tones: Sequence[int], lowest: int) -> list[int]:
    """The chord's notes upwards from its lowest root: three octaves of them."""
    root = lowest + (tones[0] - lowest) % 12
    steps = sorted((tone - tones[0]) % 12 for tone in tones)
    return [root + 12 * octave + step for octave in range(4) for step in steps]
