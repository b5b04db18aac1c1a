"""A composition as a lead sheet in MusicXML 4.0, which every notation program opens.

Written here and not by music21: that writes today's date into the file, takes seconds, and leaves lengths that no
single value has as they are. This takes milliseconds, needs nothing, and gives the same bytes every time. Pitches are
as they sound, also for instruments that read others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from html import escape

import rlcompose
from rlcompose.files import write_atomically
from rlcompose.notation import VALUES, Measure, Value, chords_in, metronome, note_places, written_bars
from rlcompose.score import Composition
from rlcompose.swing import swing_ratio
from rlcompose.theory.chord import NO_CHORD_SYMBOL, Chord
from rlcompose.theory.key import Key
from rlcompose.theory.meter import TICKS_PER_QUARTER
from rlcompose.theory.spelling import alter_of, key_alter, letter_of, octave_of, spell_chords

# The beginning of a chord's suffix -> MusicXML's name of it, and the highest degree that this name includes. The
# remainder of the suffix, as in 7 b9, is added or altered degree by degree.
_KINDS = {
    "": ("major", 5),
    "6": ("major-sixth", 6),
    "maj7": ("major-seventh", 7),
    "maj9": ("major-ninth", 9),
    "maj13": ("major-13th", 13),
    "7": ("dominant", 7),
    "9": ("dominant-ninth", 9),
    "11": ("dominant-11th", 11),
    "13": ("dominant-13th", 13),
    "m": ("minor", 5),
    "m6": ("minor-sixth", 6),
    "m7": ("minor-seventh", 7),
    "m9": ("minor-ninth", 9),
    "m11": ("minor-11th", 11),
    "m13": ("minor-13th", 13),
    "mMaj7": ("major-minor", 7),
    "m7b5": ("half-diminished", 7),
    "dim": ("diminished", 5),
    "dim7": ("diminished-seventh", 7),
    "aug": ("augmented", 5),
    "sus4": ("suspended-fourth", 5),
    "sus2": ("suspended-second", 5),
    "5": ("power", 5),
}
# Suffixes that say their degrees otherwise: sharp fifth and both ninths are what an altered chord is played with.
_SPELLED_OUT = {"7alt": "7#5b9#9", "7sus4add3": "7add4", "mMaj9": "mMaj7/9", "m9b5": "m7b5/9", "m11b5": "m7b5/9/11"}
_DEGREE = re.compile(r"(add|sus|#|b|/)(\d+)")
_ALTERS = {"#": 1, "b": -1}
_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LOWEST_MEAN_IN_TREBLE = 55  # G3: below it most notes would hang under the treble staff
_HEADER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
    ' "http://www.musicxml.org/dtds/partwise.dtd">\n'
)


def write_musicxml(composition: Composition, path: str | os.PathLike[str]) -> None:
    """Write the lead sheet; whole or not at all.

    Raises:
        RlcomposeError: The file cannot be written.
    """
    write_atomically(path, musicxml_text(composition))


def musicxml_text(composition: Composition) -> str:
    """The lead sheet as MusicXML: melody, chord symbols, sections, key, metre, tempo and swing."""
    return _HEADER + "\n".join(_lines(composition)) + "\n"


def _lines(music: Composition) -> Iterator[str]:
    yield '<score-partwise version="4.0">'
    yield f"<work><work-title>{xml_text(music.title or music.style)}</work-title></work>"
    yield (
        "<identification><encoding>"
        f"<software>rlcompose {rlcompose.__version__}</software>"
        '<supports element="accidental" type="yes"/><supports element="beam" type="yes"/>'
        "</encoding></identification>"
    )
    yield (
        '<part-list><score-part id="P1"><part-name>Melody</part-name>'
        '<score-instrument id="P1-I1"><instrument-name>Melody</instrument-name></score-instrument>'
        f'<midi-instrument id="P1-I1"><midi-channel>1</midi-channel><midi-program>{music.instrument + 1}</midi-program>'
        "</midi-instrument></score-part></part-list>"
    )
    yield '<part id="P1">'
    writer = _BarWriter(music)
    for bar in written_bars(music):
        yield from writer.lines(bar)
    yield "</part>"
    yield "</score-partwise>"


class _BarWriter:
    """Writes the bars of a piece; holds its spelling, and where its sections begin."""

    def __init__(self, music: Composition) -> None:
        self.music = music
        self.chord_places = spell_chords([span.chord for span in music.chords], music.key)
        self.places = note_places(music)
        self.marks = {section.bar: section.label for section in music.sections}

    def lines(self, bar: Measure) -> Iterator[str]:
        """The measure."""
        music = self.music
        implicit = ' implicit="yes"' if bar.number == 0 else ""
        yield f'<measure number="{bar.number}"{implicit}>'
        if bar.index == 0:
            yield from _attributes(music)
            yield from _tempo(music)
        if bar.index in self.marks:
            mark = f"<rehearsal>{xml_text(self.marks[bar.index])}</rehearsal>"
            yield f'<direction placement="above"><direction-type>{mark}</direction-type></direction>'
        chords = chords_in(bar, music)
        state: dict[tuple[str, int], int] = {}
        for value in bar.values:
            while chords and chords[0][1].onset < value.end:
                number, span = chords.pop(0)
                yield self._harmony(number, max(span.onset, bar.onset) - value.onset)
            yield self._note(value, bar, state)
        if bar.index == music.bars - 1:
            yield '<barline location="right"><bar-style>light-heavy</bar-style></barline>'
        elif bar.index + 1 in self.marks and bar.number > 0:
            yield '<barline location="right"><bar-style>light-light</bar-style></barline>'
        yield "</measure>"

    def _harmony(self, number: int, offset: int) -> str:
        chord, places = self.music.chords[number].chord, self.chord_places[number]
        moved = f"<offset>{offset}</offset>" if offset else ""
        if places is None:
            # A root is required; without a text of its own nothing of it is shown.
            none = f'<root><root-step text="">C</root-step></root><kind text="{NO_CHORD_SYMBOL}">none</kind>'
            return f"<harmony>{none}{moved}</harmony>"
        root, bass = places
        kind, degrees = chord_kind(chord)
        bass_line = f"<bass>{_step(bass, 'bass')}</bass>" if chord.bass != chord.root else ""
        spelled_out = "".join(
            f'<degree print-object="no"><degree-value>{value}</degree-value><degree-alter>{alter}</degree-alter>'
            f"<degree-type>{what}</degree-type></degree>"
            for what, value, alter in degrees
        )
        named = f'<kind text="{escape(chord.suffix)}">{kind}</kind>'
        return f"<harmony><root>{_step(root, 'root')}</root>{named}{bass_line}{spelled_out}{moved}</harmony>"

    def _note(self, value: Value, bar: Measure, state: dict[tuple[str, int], int]) -> str:
        """A note or rest; `state` are the accidentals that hold in the bar, by letter and octave."""
        accidental = ""
        if value.note is None:
            if bar.is_rest:
                return f'<note><rest measure="yes"/><duration>{value.ticks}</duration><voice>1</voice></note>'
            sound = "<rest/>"
        else:
            place, pitch = self.places[value.note], self.music.notes[value.note].pitch
            letter, alter, octave = letter_of(place), alter_of(place), octave_of(place, pitch)
            # An alter of 0 too: music21 ties no natural to a note that has none.
            sound = f"<pitch><step>{letter}</step><alter>{alter}</alter><octave>{octave}</octave></pitch>"
            if not value.tied_from:
                if _needs_accidental(self.music.key, state, letter, octave, alter):
                    accidental = f"<accidental>{_ACCIDENTALS[alter]}</accidental>"
                state[letter, octave] = alter
        ties = ["stop"] * value.tied_from + ["start"] * value.tied_to
        tuplet = value.tuplet
        modified = ""
        marks = [f'<tied type="{tie}"/>' for tie in ties]
        if tuplet:
            modified = (
                f"<time-modification><actual-notes>{tuplet.actual}</actual-notes>"
                f"<normal-notes>{tuplet.normal}</normal-notes><normal-type>{tuplet.unit}</normal-type>"
                "</time-modification>"
            )
            if value.onset == max(tuplet.onset, bar.onset):
                is_beamed = all(v.beams for v in bar.values if tuplet.onset <= v.onset < tuplet.end)
                marks.append(f'<tuplet type="start" bracket="{"no" if is_beamed else "yes"}"/>')
            if value.end == tuplet.end:
                marks.append('<tuplet type="stop"/>')
        return "".join(
            [
                f"<note>{sound}<duration>{value.ticks}</duration>",
                *(f'<tie type="{tie}"/>' for tie in ties),
                f"<voice>1</voice><type>{value.type}</type>{'<dot/>' * value.is_dotted}{accidental}{modified}",
                *(f'<beam number="{number}">{beam}</beam>' for number, beam in enumerate(value.beams, 1)),
                f"<notations>{''.join(marks)}</notations>" if marks else "",
                "</note>",
            ]
        )


def _needs_accidental(key: Key, state: dict[tuple[str, int], int], letter: str, octave: int, alter: int) -> bool:
    """Whether a note differs from what holds for it, or from what was written for its letter in another octave."""
    if state.get((letter, octave), key_alter(key, letter)) != alter:
        return True
    return any(other == letter and there != alter for (other, _), there in state.items())


def chord_kind(chord: Chord) -> tuple[str, list[tuple[str, int, int]]]:
    """MusicXML's name for a chord, and its degrees: "add", "alter" or "subtract", the degree, semitones altered.

    >>> from rlcompose.theory.chord import parse_chord
    >>> chord_kind(parse_chord("C13b9")), chord_kind(parse_chord("C7sus4"))
    (('dominant-13th', [('alter', 9, -1)]), ('dominant', [('subtract', 3, 0), ('add', 4, 0)]))
    """
    suffix = _SPELLED_OUT.get(chord.suffix, chord.suffix)
    start = max((name for name in _KINDS if suffix.startswith(name)), key=len)
    kind, highest = _KINDS[start]
    degrees = []
    for sign, number in _DEGREE.findall(suffix[len(start) :]):
        if sign == "sus":
            degrees += [("subtract", 3, 0), ("add", int(number), 0)]
        else:
            is_there = int(number) == 5 or (int(number) > 7 and int(number) <= highest)
            degrees.append(("alter" if is_there else "add", int(number), _ALTERS.get(sign, 0)))
    return kind, degrees


def _attributes(music: Composition) -> Iterator[str]:
    meter, key = music.meter, music.key
    yield f"<attributes><divisions>{TICKS_PER_QUARTER}</divisions>"
    yield f"<key><fifths>{key.fifths}</fifths><mode>{key.mode}</mode></key>"
    yield f"<time><beats>{meter.numerator}</beats><beat-type>{meter.denominator}</beat-type></time>"
    pitches = [note.pitch for note in music.notes]
    is_low = bool(pitches) and sum(pitches) < _LOWEST_MEAN_IN_TREBLE * len(pitches)
    sign, line = ("F", 4) if is_low else ("G", 2)
    yield f"<clef><sign>{sign}</sign><line>{line}</line></clef></attributes>"


def _tempo(music: Composition) -> Iterator[str]:
    unit, number = metronome(music)
    is_dotted = 2 * unit not in VALUES
    name, dot = VALUES[4 * unit // 3 if is_dotted else 2 * unit], "<beat-unit-dot/>" * is_dotted
    swing = words = ""
    if music.swing:
        ratio = Fraction(swing_ratio(music.tempo)).limit_denominator(10)
        how = (
            "<straight/>"
            if ratio == 1
            else f"<first>{ratio.numerator}</first><second>{ratio.denominator}</second><swing-type>eighth</swing-type>"
        )
        swing = f"<swing>{how}</swing>"
        words = "<direction-type><words>Swing</words></direction-type>"
    beat = f"<beat-unit>{name}</beat-unit>{dot}<per-minute>{number}</per-minute>"
    yield (
        f'<direction placement="above">{words}<direction-type><metronome>{beat}</metronome></direction-type>'
        f'<sound tempo="{music.tempo}">{swing}</sound></direction>'
    )


def _step(place: int, part: str) -> str:
    alter = alter_of(place)
    altered = f"<{part}-alter>{alter}</{part}-alter>" if alter else ""
    return f"<{part}-step>{letter_of(place)}</{part}-step>{altered}"


def xml_text(text: str) -> str:
    """Text for XML, in elements and attributes; control characters, for which it has no place, become spaces."""
    return escape(_NOT_IN_XML.sub(" ", text))
