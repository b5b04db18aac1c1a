"""How notes and chords are spelled: a name is a place on the line of fifths, C 0, G 1, D 2, and F -1, Bb -2.

On that line names that sound alike lie twelve places apart, and an interval with its letters is a distance. So the
twelve places around a tonic, from its flat second to its sharp fourth, give every note one name: the harmonic chromatic
scale. Chords and melodic steps move a note from there.
"""

from __future__ import annotations

from collections.abc import Sequence

from rlcompose.theory.chord import NO_CHORD_SYMBOL, QUALITIES, QUALITY_IDS, Chord
from rlcompose.theory.key import Key

_LETTERS = "FCGDAEB"  # from place -1 on
_OCTAVE = 12  # places between two names of one pitch class
_MINOR_SECOND = -5  # C to Db
_SHARP_FOURTH, _SHARP_SIXTH = 6, 10  # from the tonic
_G_FLAT, _A_SHARP = -6, 10

# Semitones above the root -> fifths above it, for chord tones: a third is a third, whatever it is altered to.
_TONES = {0: 0, 2: 2, 3: -3, 4: 4, 5: -1, 6: -6, 7: 1, 8: 8, 9: 3, 10: -2, 11: 5}
_DIMINISHED_SEVENTH = -9
_DIMINISHED = frozenset(QUALITY_IDS[name] for name in ("dim", "dim7"))
_HALF_DIMINISHED = QUALITY_IDS["m7b5"]


def letter_of(place: int) -> str:
    """The letter of a place on the line of fifths."""
    return _LETTERS[(place + 1) % 7]


def alter_of(place: int) -> int:
    """Semitones that the accidental adds: -1 for a flat."""
    return (place + 1) // 7


def octave_of(place: int, pitch: int) -> int:
    """The octave number of a MIDI pitch that is so spelled; it belongs to the letter, so B#3 is C4."""
    return (pitch - alter_of(place)) // 12 - 1


def name_of(place: int) -> str:
    """The name of a place.

    >>> name_of(0), name_of(6), name_of(-9)
    ('C', 'F#', 'Bbb')
    """
    alter = alter_of(place)
    return letter_of(place) + ("#" * alter if alter > 0 else "b" * -alter)


def key_alter(key: Key, letter: str) -> int:
    """What the key signature does to a letter: -1, 0 or 1."""
    return next(alter_of(place) for place in _signature(key) if letter_of(place) == letter)


def key_tonic(key: Key) -> int:
    """The place of a key's tonic."""
    return next(place for place in _signature(key) if place * 7 % 12 == key.tonic)


def spell_chords(chords: Sequence[Chord], key: Key) -> list[tuple[int, int] | None]:
    """The places of root and bass of chords that follow one another; None for no chord.

    Roots of the key stand as the key writes them. A chord that falls a fifth is spelled as that fifth (C#m7 F#7 B7).
    Of the others diminished ones are sharp unless they fall a semitone, half-diminished ones sharp, all the rest flat.
    """
    places: list[tuple[int, int] | None] = []
    after, root_after = None, 0
    for chord in reversed(chords):
        if chord.is_silent:
            places.append(None)
            after = None
            continue
        root = _spell_root(chord, key, after, root_after)
        bass = _tone(chord, root, chord.bass)
        if bass is None or abs(alter_of(bass)) > 1:
            bass = _plain(_default(chord.bass, key), key)
        places.append((root, bass))
        after, root_after = chord, root
    return places[::-1]


def spelled_symbols(chords: Sequence[Chord], key: Key) -> list[str]:
    """The symbols of chords that follow one another.

    >>> from rlcompose.theory.chord import parse_chord
    >>> spelled_symbols([parse_chord(s) for s in ("C", "Dbdim7", "Dm7", "Ab7/Eb")], Key.parse("C"))
    ['C', 'C#dim7', 'Dm7', 'Ab7/Eb']
    """
    symbols = []
    for chord, places in zip(chords, spell_chords(chords, key), strict=True):
        if places is None:
            symbols.append(NO_CHORD_SYMBOL)
            continue
        root, bass = places
        symbols.append(name_of(root) + chord.suffix + ("" if chord.bass == chord.root else f"/{name_of(bass)}"))
    return symbols


def spell_melody(pitches: Sequence[int], chords: Sequence[tuple[Chord, int] | None], key: Key) -> list[int]:
    """The places of a melody's notes, each with the chord it sounds over and the place of that chord's root.

    A note of the key is written as the key has it. Others are chord tones with the chord's letter, or else steps to a
    neighbour, sharp on the way up and flat on the way down, or else notes of the chord's scale. Of the rest none is Cb,
    E# or the like, but for the leading note.
    """
    places: list[int] = []
    later: list[tuple[int, int]] = []  # pitch and place of the next note, and of the next one of another pitch
    for pitch, over in zip(reversed(pitches), reversed(chords), strict=True):
        goal = next((there for there in later if there[0] != pitch), None)
        place = _spell_note(pitch, over, key, goal)
        if not later or later[0][0] != pitch:
            later = [(pitch, place), *later[:1]]
        places.append(place)
    return places[::-1]


def _spell_root(chord: Chord, key: Key, after: Chord | None, root_after: int) -> int:
    diatonic = _diatonic(chord.root, key)
    if diatonic is not None:
        return diatonic
    if after is not None and after.root == (chord.root + 5) % 12:
        return _plain(root_after + 1, key)
    sharpest = _SHARP_FOURTH - 1  # a chord on the tritone is that of the flat fifth
    falls = after is not None and after.root == (chord.root - 1) % 12
    if chord.quality == _HALF_DIMINISHED or (chord.quality in _DIMINISHED and not falls):
        sharpest = _SHARP_SIXTH
    return _plain(_within(chord.root, key_tonic(key) + sharpest), key)


def _spell_note(pitch: int, over: tuple[Chord, int] | None, key: Key, goal: tuple[int, int] | None) -> int:
    pitch_class = pitch % 12
    diatonic = _diatonic(pitch_class, key)
    if diatonic is not None:
        return diatonic
    if over is not None:
        tone = _tone(*over, pitch_class)
        if tone is not None and abs(alter_of(tone)) <= 1:
            return tone
    is_step = goal is not None and abs(goal[0] - pitch) == 1
    if goal is not None and is_step:
        step = goal[1] + (_MINOR_SECOND if goal[0] < pitch else -_MINOR_SECOND)
        if _is_plain(step):
            return step
    if over is not None:
        scale_note = _scale_note(*over, pitch_class)
        if scale_note is not None and _is_plain(scale_note):
            return scale_note
    place = _default(pitch_class, key)
    # Cb in Bb major leads down to the tonic, E# in B minor up to F#; where they lead nowhere, B and F are read faster.
    return place if is_step or place == key_tonic(key) - _MINOR_SECOND else _plain(place, key)


def _signature(key: Key) -> range:
    """The places of the seven notes that the key signature gives."""
    return range(key.fifths - 1, key.fifths + 6)


def _diatonic(pitch_class: int, key: Key) -> int | None:
    return next((place for place in _signature(key) if place * 7 % 12 == pitch_class), None)


def _within(pitch_class: int, sharpest: int) -> int:
    """The place of a pitch class among the twelve up to `sharpest`."""
    return sharpest - (sharpest * 7 - pitch_class) * 7 % 12


def _default(pitch_class: int, key: Key) -> int:
    """The name in the harmonic chromatic scale, without double accidentals but for a leading note (G# minor's F##)."""
    tonic = key_tonic(key)
    place = _within(pitch_class, tonic + _SHARP_FOURTH)
    if place == tonic - _MINOR_SECOND:
        return place
    return place + _OCTAVE if alter_of(place) < -1 else place - _OCTAVE if alter_of(place) > 1 else place


def _is_plain(place: int) -> bool:
    """Whether it is none of Cb, E# and the like, and no double accidental."""
    return _G_FLAT <= place <= _A_SHARP


def _plain(place: int, key: Key) -> int:
    """The name of a root or bass, outside the key a plain one."""
    if place in _signature(key) or _is_plain(place):
        return place
    return place + _OCTAVE if place < _G_FLAT else place - _OCTAVE


def _tone(chord: Chord, root: int, pitch_class: int) -> int | None:
    """The place of a chord tone; None of any other note."""
    above = (pitch_class - chord.root) % 12
    if above not in QUALITIES[chord.quality].tones:
        return None
    if above == 9 and chord.quality == QUALITY_IDS["dim7"]:
        return root + _DIMINISHED_SEVENTH
    return root + _TONES[above]


def _scale_note(chord: Chord, root: int, pitch_class: int) -> int | None:
    """The place of a note of the chord's scale of seven notes, a letter for each; None of any other note."""
    scale = QUALITIES[chord.quality].scale
    above = (pitch_class - chord.root) % 12
    if len(scale) != 7 or above not in scale:
        return None
    letters = scale.index(above)
    # Of the places with this sound the one with this letter: a fifth is seven semitones and four letters.
    return next(root + step for step in range(-9, 13) if step * 7 % 12 == above and step * 4 % 7 == letters)
