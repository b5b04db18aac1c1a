"""Chords as musicians write them: the table of qualities, the `Chord` value, and the reader of chord symbols.

The chord-scales follow Jamey Aebersold's *Scale Syllabus* and *Nomenclature* (printed in his play-along volumes), first
choices, and for the chords they leave out the scale theory of Mark Levine, *The Jazz Theory Book* (Sher Music, 1995).
Where this table departs from them, a comment says so.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from rlcompose.errors import RlcomposeError
from rlcompose.theory.pitch import parse_pitch_class, pitch_class_name, plain_accidentals

_IONIAN = (0, 2, 4, 5, 7, 9, 11)
_DORIAN = (0, 2, 3, 5, 7, 9, 10)
_PHRYGIAN = (0, 1, 3, 5, 7, 8, 10)
_LYDIAN = (0, 2, 4, 6, 7, 9, 11)
_MIXOLYDIAN = (0, 2, 4, 5, 7, 9, 10)
_LOCRIAN = (0, 1, 3, 5, 6, 8, 10)
_MELODIC_MINOR = (0, 2, 3, 5, 7, 9, 11)
_LYDIAN_AUGMENTED = (0, 2, 4, 6, 8, 9, 11)
_LYDIAN_DOMINANT = (0, 2, 4, 6, 7, 9, 10)
_ALTERED = (0, 1, 3, 4, 6, 8, 10)
_WHOLE_TONE = (0, 2, 4, 6, 8, 10)
_HALF_WHOLE = (0, 1, 3, 4, 6, 7, 9, 10)
_WHOLE_HALF = (0, 2, 3, 5, 6, 8, 9, 11)
_EITHER_THIRD = (0, 2, 3, 4, 5, 7, 9, 10)  # Dorian and Mixolydian together: a power chord leaves the third open

_TWO_ALTERATIONS = ("7#5b9", "7#5#9", "7b9b13", "7#9b13", "7b5#9", "7b5b9")


@dataclass(frozen=True, slots=True)
class ChordQuality:
    """What a chord is apart from its root; all numbers are semitones above the root, 0 to 11.

    `suffixes` are the spellings that a chord keeps, the usual one first; the others add tensions to it ("13" to "7").
    `tones` are root, third, fifth, and seventh or sixth. `guide_tones` are the third (where it is suspended, the fourth
    or second) and the seventh or sixth. `scale` is what an improviser plays over the chord.
    """

    name: str
    suffixes: tuple[str, ...]
    tones: tuple[int, ...]
    guide_tones: tuple[int, ...]
    scale: tuple[int, ...]


# The position in this table is the quality's id. Trained models observe ids: new qualities are appended, none is ever
# moved, removed or given other tones.
QUALITIES: tuple[ChordQuality, ...] = (
    ChordQuality("N.C.", (), (), (), ()),
    ChordQuality("major", ("", "add9"), (0, 4, 7), (4,), _IONIAN),
    ChordQuality("6", ("6", "6/9"), (0, 4, 7, 9), (4, 9), _IONIAN),
    ChordQuality("maj7", ("maj7", "maj9", "maj13"), (0, 4, 7, 11), (4, 11), _IONIAN),
    ChordQuality("maj7#11", ("maj7#11", "maj9#11", "maj13#11", "maj7b5"), (0, 4, 7, 11), (4, 11), _LYDIAN),
    ChordQuality("7", ("7", "9", "13"), (0, 4, 7, 10), (4, 10), _MIXOLYDIAN),
    ChordQuality("7sus4", ("7sus4", "9sus4", "13sus4", "11", "7sus4add3"), (0, 5, 7, 10), (5, 10), _MIXOLYDIAN),
    ChordQuality("7b9", ("7b9", "13b9", "7b9#9", "7b9#11"), (0, 4, 7, 10), (4, 10), _HALF_WHOLE),
    # Aebersold takes the altered scale, but that has no perfect fifth, and this symbol leaves the fifth as it is.
    ChordQuality("7#9", ("7#9", "13#9", "7#9#11"), (0, 4, 7, 10), (4, 10), _HALF_WHOLE),
    # The altered scale has both fifths, b5 and #5; the one that counts as chord tone is #5 (b13).
    ChordQuality("7alt", ("7alt", *_TWO_ALTERATIONS), (0, 4, 8, 10), (4, 10), _ALTERED),
    ChordQuality("7#11", ("7#11", "9#11", "13#11"), (0, 4, 7, 10), (4, 10), _LYDIAN_DOMINANT),
    ChordQuality("7#5", ("7#5", "9#5", "7b13", "9b13"), (0, 4, 8, 10), (4, 10), _WHOLE_TONE),
    ChordQuality("7b5", ("7b5", "9b5"), (0, 4, 6, 10), (4, 10), _LYDIAN_DOMINANT),
    ChordQuality("m", ("m", "madd9"), (0, 3, 7), (3,), _DORIAN),
    ChordQuality("m6", ("m6", "m6/9"), (0, 3, 7, 9), (3, 9), _MELODIC_MINOR),
    ChordQuality("m7", ("m7", "m9", "m11", "m13"), (0, 3, 7, 10), (3, 10), _DORIAN),
    ChordQuality("mMaj7", ("mMaj7", "mMaj9"), (0, 3, 7, 11), (3, 11), _MELODIC_MINOR),
    ChordQuality("m7b5", ("m7b5", "m9b5", "m11b5"), (0, 3, 6, 10), (3, 10), _LOCRIAN),
    ChordQuality("dim", ("dim",), (0, 3, 6), (3,), _WHOLE_HALF),
    ChordQuality("dim7", ("dim7",), (0, 3, 6, 9), (3, 9), _WHOLE_HALF),
    ChordQuality("aug", ("aug",), (0, 4, 8), (4,), _WHOLE_TONE),
    ChordQuality("sus4", ("sus4",), (0, 5, 7), (5,), _MIXOLYDIAN),
    ChordQuality("sus2", ("sus2",), (0, 2, 7), (2,), _MIXOLYDIAN),
    ChordQuality("5", ("5",), (0, 7), (), _EITHER_THIRD),
    ChordQuality("maj7#5", ("maj7#5", "maj9#5"), (0, 4, 8, 11), (4, 11), _LYDIAN_AUGMENTED),
    ChordQuality("7b9sus4", ("7b9sus4", "7b13sus4"), (0, 5, 7, 10), (5, 10), _PHRYGIAN),
)
QUALITY_IDS: dict[str, int] = {quality.name: number for number, quality in enumerate(QUALITIES)}
NO_CHORD_SYMBOL = "N.C."

# Other ways to write a suffix of the table, as `_plain` leaves them: ^ is major, m minor, o dim, h ø, + aug.
_ALIASES = {
    "^": "",
    "2": "sus2",
    "4": "sus4",
    "sus": "sus4",
    "add2": "add9",
    "69": "6/9",
    "6add9": "6/9",
    "^#11": "maj7#11",
    "^7#4": "maj7#11",
    "^+": "maj7#5",
    "^7+": "maj7#5",
    "+^7": "maj7#5",
    "alt": "7alt",
    "7sus": "7sus4",
    "9sus": "9sus4",
    "13sus": "13sus4",
    "sus7": "7sus4",
    "sus9": "9sus4",
    "sus13": "13sus4",
    "7susb9": "7b9sus4",
    "7sus4b9": "7b9sus4",
    "7b9sus": "7b9sus4",
    "7b13sus": "7b13sus4",
    "7susb13": "7b13sus4",
    "7susadd3": "7sus4add3",
    "7add3sus": "7sus4add3",
    "susb9": "7b9sus4",
    "7+": "7#5",
    "+7": "7#5",
    "9+": "9#5",
    "+9": "9#5",
    "7#4": "7#11",
    "7b9#5": "7#5b9",
    "7#9#5": "7#5#9",
    "7b13b9": "7b9b13",
    "7b13#9": "7#9b13",
    "7b9b5": "7b5b9",
    "7#9b5": "7b5#9",
    "7#9b9": "7b9#9",
    "7#11b9": "7b9#11",
    "7#11#9": "7#9#11",
    "7b913": "13b9",
    "7#913": "13#9",
    "7#1113": "13#11",
    "madd2": "madd9",
    "m69": "m6/9",
    "h": "m7b5",
    "h7": "m7b5",
    "h9": "m9b5",
    "h11": "m11b5",
    "m7o5": "m7b5",
    "mb5": "dim",
}

# In this order: words and signs that mean the same become one sign.
_SAME_SIGN = (
    (re.compile(r"[\s(),\[\]]"), ""),
    (re.compile(r"[\u2010-\u2013\u2212]"), "-"),
    (re.compile(r"(?<=\d)-(?=\d)"), "b"),  # m7-5 is m7b5
    (re.compile(r"(?<=\d)\+(?=\d)"), "#"),  # 7+9 is 7#9
    (re.compile(r"[△∆Δ]|(?<![aA])j"), "^"),
    (re.compile(r"\^7?(?![679]|1[13])"), "^7"),  # the triangle alone says major seventh; the word "maj" alone does not
    (re.compile(r"[°º]|dim"), "o"),
    (re.compile(r"[øØ]"), "h"),
    (re.compile(r"aug"), "+"),
    (re.compile(r"[Mm]inor|[Mm]in|MIN|[Mm]i|MI|-"), "m"),
    (re.compile(r"[Mm]ajor|[Mm]aj|MAJ|[Mm]a(?!dd)|MA|M"), "^"),
)


def _plain(suffix: str) -> str:
    """The suffix with one sign for each idea, so that "min7", "mi7" and "-7" become "m7"."""
    for pattern, sign in _SAME_SIGN:
        suffix = pattern.sub(sign, suffix)
    return suffix.replace("6/9", "69")


# Plain spelling -> id of the quality and the spelling that is kept.
_READ: dict[str, tuple[int, str]] = {
    _plain(suffix): (number, suffix) for number, quality in enumerate(QUALITIES) for suffix in quality.suffixes
}
_READ |= {alias: _READ[_plain(suffix)] for alias, suffix in _ALIASES.items()}

# Minor chords with a sixth for the fifth, or beside it, are major chords over their third, note by note: Cm#5 is Ab/C.
_OVER_THEIR_THIRD = {"m#5": "major", "m+": "major", "mb6": "maj7"}

_ROOT = re.compile(r"[A-G](?:##|#|bb|b|)")
_SLASH_BASS = re.compile(r"(.*)/([^/\d][^/]*)")  # not the slash of 6/9
_LONGEST_SHOWN = 40  # characters of a symbol in a message
_NO_CHORD = re.compile(r"n\.?\s?c\.?", re.IGNORECASE)
# Black keys are spelled flat, except where minor chords have the simpler key signature with sharps (C#m, F#m, G#m).
_SHARP_MINOR_ROOTS = (1, 6, 8)


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord: `root` as pitch class, `quality` as id in `QUALITIES`, `bass` as pitch class (the root unless given).

    `suffix` keeps the tensions that were written, as "13" of a dominant; left out, it is the quality's usual one.
    No chord (N.C.) has root -1 and quality 0.

    >>> parse_chord("Bb13").tones
    (10, 2, 5, 8)
    """

    root: int
    quality: int
    bass: int = -1
    suffix: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.quality < len(QUALITIES):
            raise RlcomposeError(f"chord quality {self.quality} is not known: allowed are 0 to {len(QUALITIES) - 1}")
        if not (0 <= self.root <= 11) if self.quality else self.root != -1:
            raise RlcomposeError(f"chord root {self.root} is not allowed: 0 to 11, or -1 with quality 0 for no chord")
        if not (-1 <= self.bass <= 11) or (self.is_silent and self.bass != -1):
            raise RlcomposeError(f"bass {self.bass} is not a pitch class: allowed are 0 to 11, and none with no chord")
        suffixes = QUALITIES[self.quality].suffixes or ("",)
        if self.suffix and self.suffix not in suffixes:
            raise RlcomposeError(f"suffix {self.suffix!r} is not of this quality: allowed are {', '.join(suffixes)}")
        # A frozen value is completed once, while it is made.
        object.__setattr__(self, "suffix", self.suffix or suffixes[0])
        object.__setattr__(self, "bass", self.root if self.bass == -1 else self.bass)

    @property
    def is_silent(self) -> bool:
        """Whether this is N.C., no chord."""
        return self.quality == 0

    @property
    def tones(self) -> tuple[int, ...]:
        """The chord tones as pitch classes, from the root up; a foreign bass note is not one of them."""
        return self._above_root(QUALITIES[self.quality].tones)

    @property
    def guide_tones(self) -> tuple[int, ...]:
        """The guide tones as pitch classes: third, then seventh or sixth."""
        return self._above_root(QUALITIES[self.quality].guide_tones)

    @property
    def scale(self) -> tuple[int, ...]:
        """The chord-scale as pitch classes, from the root up."""
        return self._above_root(QUALITIES[self.quality].scale)

    @property
    def symbol(self) -> str:
        """The chord symbol in its usual spelling; `parse_chord` reads it back as an equal chord."""
        has_minor_third = 3 in QUALITIES[self.quality].tones
        return self.spelled(flats=not (has_minor_third and self.root in _SHARP_MINOR_ROOTS))

    def spelled(self, flats: bool) -> str:
        """The chord symbol with black keys as flats or as sharps."""
        if self.is_silent:
            return NO_CHORD_SYMBOL
        bass = "" if self.bass == self.root else f"/{pitch_class_name(self.bass, flats)}"
        return f"{pitch_class_name(self.root, flats)}{self.suffix}{bass}"

    def transposed(self, semitones: int) -> Chord:
        """The chord that many semitones higher; N.C. stays as it is."""
        if self.is_silent:
            return self
        return Chord((self.root + semitones) % 12, self.quality, (self.bass + semitones) % 12, self.suffix)

    def _above_root(self, semitones: tuple[int, ...]) -> tuple[int, ...]:
        return tuple((self.root + step) % 12 for step in semitones)


NO_CHORD = Chord(-1, 0)


def parse_chord(symbol: str) -> Chord:
    """The chord of a symbol as musicians write it.

    >>> parse_chord("D−7") == parse_chord("Dmin7") == parse_chord("Dm7")
    True
    >>> parse_chord("F#o7/A").symbol, parse_chord("Cm#5").symbol
    ('F#dim7/A', 'Ab/C')
    """
    text = plain_accidentals(symbol.strip())
    if _NO_CHORD.fullmatch(text):
        return NO_CHORD
    found = _ROOT.match(text)
    if not found:
        problem = f"{text[:1]!r} is not a root; allowed are A to G with #, ##, b, bb, or N.C."
        raise _not_read(symbol, problem, _with_root(text))
    root, suffix, bass_name = found[0], text[found.end() :], None
    if split := _SLASH_BASS.fullmatch(suffix):
        suffix, bass_name = split[1], split[2].strip()
    plain = _plain(suffix)
    third = _OVER_THEIR_THIRD.get(plain)
    entry = _READ.get(plain) if third is None else (QUALITY_IDS[third], "")
    if entry is None:
        kinds = " ".join(quality.suffixes[0] for quality in QUALITIES[2:])
        slash = f"/{bass_name}" if bass_name else ""
        allowed = f"allowed are none (major), {kinds} and their tensions"
        problem = f"{_cut(suffix.strip())!r} after {root} is not a chord quality; {allowed}"
        raise _not_read(symbol, problem, f"{root}{_nearest_suffix(_cut(suffix))}{_cut(slash)}")
    bass = -1
    if bass_name is not None:
        if not _ROOT.fullmatch(bass_name):
            problem = f"{_cut(bass_name)!r} after the slash is not a bass note; allowed are A to G with #, ##, b, bb"
            bass_guess = _with_note_letter(bass_name)
            slash = f"/{bass_guess}" if _ROOT.fullmatch(bass_guess) else ""
            raise _not_read(symbol, problem, f"{root}{entry[1]}{slash}")
        bass = parse_pitch_class(bass_name)
    pitch_class = parse_pitch_class(root)
    if third is not None:
        return Chord((pitch_class + 8) % 12, entry[0], pitch_class if bass == -1 else bass)
    return Chord(pitch_class, entry[0], bass, entry[1])


def _nearest_suffix(suffix: str) -> str:
    """The suffix of the table that looks most like this one, as it was written or else in its plain form."""
    spellings = [spelling for quality in QUALITIES for spelling in quality.suffixes]
    if near := difflib.get_close_matches(suffix.strip(), spellings, n=1):
        return near[0]
    return _READ[difflib.get_close_matches(_plain(suffix), _READ, n=1, cutoff=0.0)[0]][1]


def _with_note_letter(text: str) -> str:
    """The text with a capital first letter; German H is B."""
    return ("B" if text[:1] in ("h", "H") else text[:1].upper()) + text[1:]


def _with_root(text: str) -> str | None:
    """The symbol with a root for its first letter, if that makes a chord."""
    guess = _with_note_letter(text)
    if not _ROOT.match(guess):
        return None
    try:
        parse_chord(guess)
    except RlcomposeError:
        return None
    return guess


def _not_read(symbol: str, problem: str, guess: str | None) -> RlcomposeError:
    hint = f"; did you mean {guess!r}?" if guess else ""
    return RlcomposeError(f"chord symbol {_cut(symbol)!r}: {problem}{hint}")


def _cut(text: str) -> str:
    """What is too long to be a symbol, cut off: a file that is no chart may have a line of any length."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
