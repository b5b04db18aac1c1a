"""Scores that music21 reads (MusicXML, MIDI) as melodies: one voice, its bars, and chords if there are some."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from rlcompose.corpus.harmony import chords_of_voices
from rlcompose.corpus.written import WrittenBar, WrittenTune
from rlcompose.errors import RlcomposeError, missing_extra
from rlcompose.score import Note
from rlcompose.swing import straighten
from rlcompose.theory.chord import NO_CHORD, Chord, parse_chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import TICKS_PER_QUARTER

Voice = Literal["top", "melody"]
Span = tuple[Fraction, Fraction, int]  # onset, length, MIDI pitch

FEWEST_VOICES = 4  # of a chorale
PERFORMED_PER_QUARTER = 4 * TICKS_PER_QUARTER  # how finely a MIDI file's times are read, before they are put on ticks
EARLIEST, LATEST = -2, 6  # of these: how far before and behind the beat a player may be all the time
_FINEST = 96  # of a quarter note: what a time in a score is rounded to where it is a float
_MODES = {"ionian": "major", "aeolian": "minor", "lydian": "major", "phrygian": "minor", "locrian": "minor"}


def read_score(path: Path, voice: Voice = "melody", is_chorale: bool = False, is_swung: bool = False) -> WrittenTune:
    """The melody of a score file.

    voice        "top" takes the part that lies highest on average, "melody" the part of that name, else the first
    is_chorale   ask for four voices, and derive chords from them (`rlcompose.corpus.harmony`); else the chords are the
                 score's chord symbols, and there are none where it has none
    is_swung     read the rhythm of a MIDI file as swung

    Of notes that sound together the highest is taken. Raises `RlcomposeError` where music21 cannot read the file.
    """
    music21 = _music21()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of music21, on faults of files that are not ours
            if _is_midi(path):
                score = _midi_score(music21, path)
            else:
                score = music21.converter.parse(path, forceSource=True, storePickle=False)
            return _tune(music21, score, path, voice, is_chorale, is_swung)
    except RlcomposeError:
        raise
    except Exception as error:  # music21 raises whatever a damaged file leads it to
        raise RlcomposeError(f"music21 cannot read it: {type(error).__name__}: {error}") from error


def _is_midi(path: Path) -> bool:
    return path.suffix.lower() in (".mid", ".midi")


def _midi_score(music21: Any, path: Path) -> Any:
    """As music21's converter reads it, which leaves a damaged file open."""
    midi = music21.midi.MidiFile()
    with path.open("rb") as stream:
        midi.openFileLike(stream)
        midi.read()
    grid = (PERFORMED_PER_QUARTER,)
    return music21.midi.translate.midiFileToStream(midi, encoding="utf-8", quarterLengthDivisors=grid)


def _music21() -> Any:
    try:
        import music21
    except ImportError as error:
        raise missing_extra("music21", "notation") from error
    return music21


def _tune(music21: Any, score: Any, path: Path, voice: Voice, is_chorale: bool, is_swung: bool) -> WrittenTune:
    parts = [part for part in score.parts if any(_sounding(music21, part.recurse().notes))]
    if not parts:
        raise RlcomposeError("it has no notes")
    if is_chorale and len(parts) < FEWEST_VOICES:
        raise RlcomposeError(f"it has too few voices: {len(parts)}, a chorale has {FEWEST_VOICES}")
    if voice == "top":
        part = max(parts, key=lambda part: mean_pitch(_spans(music21, part)))
    else:
        part = _named_melody(parts)
    bars: list[WrittenBar] = []
    ends: list[Fraction] = []
    measures = list(part.getElementsByClass("Measure"))
    if not measures:
        raise RlcomposeError("it has no bars")
    offsets = [_exact(measure.offset) for measure in measures]
    offsets.append(offsets[-1] + _exact(measures[-1].duration.quarterLength))
    endings = {
        id(measure): tuple(int(number) for number in re.findall(r"\d", str(bracket.number)))
        for bracket in part.recurse().getElementsByClass("RepeatBracket")
        for measure in bracket.getSpannedElements()
    }
    voices = [_spans(music21, each) for each in parts] if is_chorale else []
    opens = False
    for measure, at, end in zip(measures, offsets, offsets[1:], strict=False):
        left, right = measure.leftBarline, measure.rightBarline
        opens_repeat = _is_repeat(music21, left, "start")
        chords = (
            chords_of_voices(voices, at, end)
            if is_chorale
            else tuple((_exact(symbol.offset), _chord(symbol)) for symbol in measure.getElementsByClass("ChordSymbol"))
        )
        ends.append(end)
        bars.append(
            WrittenBar(
                length=end - at,
                notes=(),
                chords=chords,
                opens_repeat=opens_repeat,
                closes_repeat=_is_repeat(music21, right, "end"),
                opens_strain=bool(bars) and (opens or opens_repeat),
                ending=endings.get(id(measure), ()),
            )
        )
        opens = right is not None and (right.type in ("double", "final", "light-light") or bars[-1].closes_repeat)
    notes = _spans(music21, part)
    if _is_midi(path):
        notes = _on_ticks(notes)
        if is_swung:
            notes = _straight(notes)
    placed: list[list[Span]] = [[] for _ in bars]
    number = 0
    for onset, length, pitch in notes:
        while number + 1 < len(bars) and onset >= ends[number]:
            number += 1
        placed[number].append((onset - offsets[number], length, pitch))
    signatures = [(s.numerator, s.denominator) for s in part.recurse().getElementsByClass("TimeSignature")]
    tempos = [mark.getQuarterBPM() for mark in score.recurse().getElementsByClass("MetronomeMark")]
    title = (score.metadata.title or "") if score.metadata is not None else ""
    return WrittenTune(
        bars=tuple(
            replace(bar, notes=tuple(inside)) for bar, inside in zip(bars, placed, strict=True) if bar.length > 0
        ),
        meters=tuple(dict.fromkeys(signatures)),
        key=_key(part),
        tempo=_exact(tempos[0]) if tempos and tempos[0] else None,
        title=title or path.stem,
    )


def _on_ticks(notes: list[Span]) -> list[Span]:
    """Performed notes on the ticks, without the time by which the player is behind (or before) the beat throughout.

    That is the shift that brings most onsets to the beats; a laid-back soloist would else be read a tick late.
    """
    places = [round(onset * PERFORMED_PER_QUARTER) for onset, _, _ in notes]

    def on_beats(shift: int) -> int:
        return sum((place - shift + 1) % PERFORMED_PER_QUARTER <= 2 for place in places)

    most = max(on_beats(shift) for shift in range(EARLIEST, LATEST + 1))
    shift = min((s for s in range(EARLIEST, LATEST + 1) if on_beats(s) == most), key=abs)
    late = Fraction(shift, PERFORMED_PER_QUARTER)

    def tick(quarters: Fraction) -> Fraction:
        return Fraction(max(0, round((quarters - late) * TICKS_PER_QUARTER)), TICKS_PER_QUARTER)

    placed: list[Span] = []
    for onset, length, pitch in notes:
        start, end = tick(onset), tick(onset + length)
        if not placed or start > placed[-1][0]:
            placed.append((start, max(end - start, Fraction(1, TICKS_PER_QUARTER)), pitch))
    return placed


def _exact(quarters: float | Fraction) -> Fraction:
    return Fraction(quarters).limit_denominator(_FINEST)


def _sounding(music21: Any, notes: Any) -> Iterator[Any]:
    """The notes and chords that take time; chord symbols and grace notes do not."""
    for note in notes:
        if not isinstance(note, music21.harmony.Harmony) and note.duration.quarterLength > 0 and note.pitches:
            yield note


def _spans(music21: Any, part: Any) -> list[Span]:
    """A part's highest notes, counted from the part's beginning."""
    return join_spans(
        (
            _exact(note.offset),
            _exact(note.duration.quarterLength),
            max(pitch.midi for pitch in note.pitches),
            note.tie is not None and note.tie.type in ("stop", "continue"),
        )
        for note in _sounding(music21, part.flatten().notes)
    )


def join_spans(events: Iterable[tuple[Fraction, Fraction, int, bool]]) -> list[Span]:
    """Of notes that begin together the highest, and tied ones as one.

    events   the notes in order, as (onset, length, pitch, whether it is tied to the one before)
    """
    spans: list[Span] = []
    for onset, length, pitch, is_tied in events:
        if is_tied and spans and spans[-1][2] == pitch and spans[-1][0] + spans[-1][1] == onset:
            spans[-1] = (spans[-1][0], spans[-1][1] + length, pitch)
        elif spans and spans[-1][0] == onset:
            spans[-1] = max(spans[-1], (onset, length, pitch), key=lambda span: span[2])
        else:
            spans.append((onset, length, pitch))
    return spans


def mean_pitch(spans: Sequence[Span]) -> float:
    """How high a part lies."""
    return sum(pitch for _, _, pitch in spans) / len(spans)


def _straight(spans: list[Span]) -> list[Span]:
    """Swung notes as they are written, on the grid of ticks."""
    notes: list[Note] = []
    for onset, length, pitch in spans:
        tick, ticks = round(onset * TICKS_PER_QUARTER), max(1, round(length * TICKS_PER_QUARTER))
        if not notes or tick > notes[-1].onset:
            if notes and notes[-1].end > tick:
                notes[-1] = replace(notes[-1], ticks=tick - notes[-1].onset)
            notes.append(Note(tick, pitch, ticks))
    unit = Fraction(1, TICKS_PER_QUARTER)
    return [(note.onset * unit, note.ticks * unit, note.pitch) for note in straighten(notes)]


def _named_melody(parts: list[Any]) -> Any:
    named = [part for part in parts if "melody" in str(part.partName or "").lower()]
    return (named or parts)[0]


def _is_repeat(music21: Any, barline: Any, direction: str) -> bool:
    return isinstance(barline, music21.bar.Repeat) and barline.direction == direction


def _chord(symbol: Any) -> Chord:
    """The chord of a music21 chord symbol, which writes flats as "-"; one that we do not know is no chord."""
    try:
        return parse_chord(re.sub(r"(?<=[A-G])-|(?<=[A-G]-)-", "b", symbol.figure))
    except RlcomposeError:
        return NO_CHORD


def _key(part: Any) -> Key | None:
    """The key that the part names; a signature without a mode is none, for it fits a major and a minor key."""
    for key in part.recurse().getElementsByClass("Key"):
        mode = _MODES.get(key.mode, key.mode)
        if mode in ("major", "minor", "dorian", "mixolydian"):
            return Key(key.tonic.pitchClass, mode)
    return None
