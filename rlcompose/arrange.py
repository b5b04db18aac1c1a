"""Who plays what: a composition as melody, chords and bass in seconds, swung if it swings; nothing is random."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rlcompose.score import Band, ChordSpan, Composition
from rlcompose.style import load_style, style_names, variant_names
from rlcompose.swing import BEAT_TICKS, OFFBEAT, even_beats, sounding_ticks, swing_ratio
from rlcompose.theory.chord import Chord
from rlcompose.theory.meter import Meter

# Balanced by measuring the parts one by one with TimGM6mb and FluidR3Mono, for nine melody instruments: the chords lie
# 5 to 11 LU below the melody, the bass 0 to 9. A walking bass sounds all the time and so is played softer. Organ,
# choir, koto, nylon guitar and cello were measured with TimGM6mb only, in the styles that have them.
MELODY_VELOCITY, WALKING_VELOCITY, BASS_VELOCITY = 96, 72, 80
ACCENTS = (-3, 2, 4, 8)  # added to the velocity, by the metre's strength of the place
# General MIDI programs, counted from 0.
PIANO, ORGAN, NYLON_GUITAR, STEEL_GUITAR, ACOUSTIC_BASS, CHOIR, KOTO = 0, 19, 24, 25, 32, 52, 107
CHORD_VELOCITIES = {PIANO: 64, ORGAN: 58, NYLON_GUITAR: 50, STEEL_GUITAR: 56, CHOIR: 52, KOTO: 56}
UNMEASURED_VELOCITY = 56  # of other chords
# Pianos, mallets, guitars and banjos die away after the stroke, and so are about 5 LU softer than winds and strings.
DYING_PROGRAMS = frozenset({*range(16), *range(24, 32), *range(104, 109)})
USUAL_VOLUME, FULL_VOLUME = 100, 127  # MIDI volume; 4 LU apart
CENTRE, LEFT_OF_CENTRE = 64, 46  # MIDI pan

CHORD_RANGE = range(52, 73)  # E3 to C5: clear of the bass, mostly below the melody
CHORD_CENTRE = 60
BASS_RANGE = range(28, 53)  # E1, the double bass's lowest string, to E3
BASS_CENTRE = 38
DRIFT_WEIGHT = 0.3  # pull of the voicing back to the centre, small against the pull of the nearest inversion

_Hits = Callable[[ChordSpan], list[tuple[int, int]]]  # onset and length in ticks of each stroke within a chord


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """A note as it sounds: from `start` to `end` in seconds, a MIDI pitch and a MIDI velocity."""

    start: float
    end: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one player plays: General MIDI program from 0, MIDI channel, volume and pan (64 is the middle), notes."""

    name: str
    program: int
    channel: int
    volume: int
    pan: int
    notes: tuple[PlayedNote, ...]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The parts of a piece, in the order of the tracks, and how many seconds the written piece lasts."""

    parts: tuple[Part, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Cue:
    """A note in written ticks, before it is swung and turned into seconds."""

    onset: int
    ticks: int
    pitch: int
    velocity: int


def accompany(composition: Composition) -> Arrangement:
    """The composition for three players: parts `melody`, `chords` and `bass`; N.C. and a missing chart are silent.

    Swinging jazz has a walking bass under a piano's Charleston, or under a guitar's chords on the beats. Elsewhere
    instruments that die away play chords on the beats over root and fifth, and organ and choir hold the chords over
    their roots. All parts of a beat are swung alike, by the melody's rule, so that they stay together.
    """
    meter = composition.meter
    band = _band(composition)
    is_swung = composition.swing and meter.beat_ticks == BEAT_TICKS
    even = even_beats(composition.notes)
    ratio = swing_ratio(composition.tempo)

    def seconds(tick: int) -> float:
        return composition.seconds(sounding_ticks(tick, ratio, even) if is_swung else tick)

    def played(cues: Iterable[_Cue]) -> tuple[PlayedNote, ...]:
        return tuple(PlayedNote(seconds(c.onset), seconds(c.onset + c.ticks), c.pitch, c.velocity) for c in cues)

    pieces = _bar_pieces(composition)
    melody = (
        _Cue(note.onset, note.ticks, note.pitch, _accented(MELODY_VELOCITY, meter, note.onset))
        for note in composition.notes
    )
    hits: _Hits = partial(_beats, pulse=meter.beat_ticks)
    if is_swung and band.family == "jazz":
        bass = _walking_bass(pieces, meter, _key_tones(composition))
        hits = _charleston if band.chords == PIANO else hits
    elif band.chords in DYING_PROGRAMS:
        bass = _root_and_fifth(pieces, meter)
    else:
        bass, hits = _roots(pieces, meter), _held
    chords = _chords(pieces, meter, hits, CHORD_VELOCITIES.get(band.chords, UNMEASURED_VELOCITY))
    volume = FULL_VOLUME if composition.instrument in DYING_PROGRAMS else USUAL_VOLUME
    return Arrangement(
        parts=(
            Part("melody", composition.instrument, 0, volume, CENTRE, played(melody)),
            Part("chords", band.chords, 1, USUAL_VOLUME, LEFT_OF_CENTRE, played(chords)),
            Part("bass", band.bass, 2, USUAL_VOLUME, CENTRE, played(bass)),
        ),
        seconds=composition.seconds(),
    )


def _band(composition: Composition) -> Band:
    """The composition's band; without one that of the shipped style of its name, else a piano or guitar, and a bass."""
    if composition.band is not None:
        return composition.band
    if composition.style in (*style_names(), *variant_names()):
        style = load_style(composition.style)
        return Band(style.family, style.instruments["chords"], style.instruments["bass"])
    return Band("jazz", PIANO, ACOUSTIC_BASS) if composition.swing else Band("fiddle", STEEL_GUITAR, ACOUSTIC_BASS)


def _accented(velocity: int, meter: Meter, onset: int) -> int:
    return velocity + ACCENTS[meter.strength(onset % meter.bar_ticks)]


def _key_tones(composition: Composition) -> frozenset[int]:
    return frozenset((composition.key.tonic + step) % 12 for step in composition.key.scale)


def _bar_pieces(composition: Composition) -> tuple[ChordSpan, ...]:
    """The chords cut at the bar lines, within the piece; N.C. left out."""
    bar = composition.meter.bar_ticks
    pieces = []
    for span in composition.chords:
        onset, end = span.onset, min(span.end, composition.total_ticks)
        while onset < end and not span.chord.is_silent:
            cut = min(end, (onset // bar + 1) * bar)
            pieces.append(ChordSpan(onset, cut - onset, span.chord))
            onset = cut
    return tuple(pieces)


def _chords(pieces: Sequence[ChordSpan], meter: Meter, hits: _Hits, velocity: int) -> Iterator[_Cue]:
    voicing: tuple[int, ...] = ()
    for piece in pieces:
        voicing = _voicing(piece.chord, voicing)
        for onset, ticks in _held(piece) if piece is pieces[-1] else hits(piece):  # the last chord rings
            for pitch in voicing:
                yield _Cue(onset, ticks, pitch, _accented(velocity, meter, onset))


def _charleston(piece: ChordSpan) -> list[tuple[int, int]]:
    """A quarter note on the chord's beat; in a long piece also a short one on the "and" of its second beat."""
    offbeat = BEAT_TICKS + OFFBEAT
    hits = [(piece.onset, min(BEAT_TICKS, piece.ticks))]
    if piece.ticks > 2 * BEAT_TICKS:
        hits.append((piece.onset + offbeat, OFFBEAT))
    return hits


def _held(piece: ChordSpan) -> list[tuple[int, int]]:
    return [(piece.onset, piece.ticks)]


def _beats(piece: ChordSpan, pulse: int) -> list[tuple[int, int]]:
    """The pulses of a piece from its first tick on, the last one cut where the piece ends."""
    return [(onset, min(pulse, piece.end - onset)) for onset in range(piece.onset, piece.end, pulse)]


def _voicing(chord: Chord, previous: Sequence[int]) -> tuple[int, ...]:
    """The close position that moves least from the previous one; four-note chords leave the root to the bass."""
    tones = chord.tones[1:] if len(chord.tones) > 3 else chord.tones
    candidates = []
    for bottom in CHORD_RANGE:
        if bottom % 12 in tones:
            candidate = tuple(sorted(bottom + (tone - bottom) % 12 for tone in tones))
            if candidate[-1] in CHORD_RANGE:
                candidates.append(candidate)

    def motion(candidate: tuple[int, ...]) -> float:
        leaps = sum(min(abs(pitch - old) for old in previous) for pitch in candidate) if previous else 0
        return leaps + DRIFT_WEIGHT * abs(sum(candidate) / len(candidate) - CHORD_CENTRE)

    return min(candidates, key=motion)


def _walking_bass(pieces: Sequence[ChordSpan], meter: Meter, key_tones: frozenset[int]) -> Iterator[_Cue]:
    """Quarter notes: the root, chord tones towards the next root, and a step into it from its neighbour."""
    pitch = BASS_CENTRE
    for index, piece in enumerate(pieces):
        following = pieces[index + 1] if index + 1 < len(pieces) else None
        if following is None:
            yield _Cue(piece.onset, piece.ticks, _bass_pitch(piece.chord.bass, pitch), WALKING_VELOCITY)
            return
        leads_on = following.onset == piece.end
        beats = _beats(piece, BEAT_TICKS)
        line = _walk(piece.chord, following.chord if leads_on else piece.chord, len(beats), pitch)
        if leads_on and len(beats) > 1:
            line[-1] = _approach(_bass_pitch(following.chord.bass, line[-2]), line[-2], key_tones)
        pitch = line[-1]
        for (onset, ticks), step in zip(beats, line, strict=True):
            yield _Cue(onset, ticks, step, _accented(WALKING_VELOCITY, meter, onset))


def _walk(chord: Chord, goal: Chord, count: int, previous: int) -> list[int]:
    """Root (or slash bass) near the previous note, then chord tones up or down, whichever way the goal's bass lies."""
    root = _bass_pitch(chord.bass, previous)
    target = _bass_pitch(goal.bass, root)
    is_up = target > root or (target == root and root < BASS_CENTRE)
    steps = sorted(((tone - root) if is_up else (root - tone)) % 12 for tone in chord.tones if tone != root % 12)
    line = [root]
    while len(line) < count:
        step = steps[(len(line) - 1) % len(steps)]
        pitch = root + step if is_up else root - step
        line.append(pitch if pitch in BASS_RANGE else _bass_pitch(pitch % 12, root))
    return line


def _approach(target: int, previous: int, key_tones: frozenset[int]) -> int:
    """The half or whole step to the target that lies nearest to the previous note, notes of the key first."""
    steps = [target + step for step in (-1, 1, -2, 2) if target + step != previous and target + step in BASS_RANGE]
    return min(steps, key=lambda pitch: abs(pitch - previous) + (0 if pitch % 12 in key_tones else 1))


def _root_and_fifth(pieces: Sequence[ChordSpan], meter: Meter) -> Iterator[_Cue]:
    """Root and fifth in turn, two to a bar of an even number of beats (6/8: dotted quarters), else the root alone."""
    pulse = meter.bar_ticks if meter.num_beats % 2 else meter.bar_ticks // 2
    pitch = BASS_CENTRE
    for piece in pieces:
        pitch = _bass_pitch(piece.chord.bass, min(pitch, BASS_CENTRE))
        pulses = _beats(piece, pulse) if piece is not pieces[-1] else [(piece.onset, piece.ticks)]
        fifth = next((tone for tone in piece.chord.tones[2:3]), piece.chord.tones[-1])
        for index, (onset, ticks) in enumerate(pulses):
            step = _bass_pitch(fifth, pitch) if index % 2 else pitch
            yield _Cue(onset, ticks, step, _accented(BASS_VELOCITY, meter, onset))


def _roots(pieces: Sequence[ChordSpan], meter: Meter) -> Iterator[_Cue]:
    """The root (or slash bass) for as long as the chord is held."""
    pitch = BASS_CENTRE
    for piece in pieces:
        pitch = _bass_pitch(piece.chord.bass, pitch)
        yield _Cue(piece.onset, piece.ticks, pitch, _accented(BASS_VELOCITY, meter, piece.onset))


def _bass_pitch(pitch_class: int, near: int) -> int:
    """The bass note of a pitch class that lies nearest to a pitch, the lower one of two."""
    return min((pitch for pitch in BASS_RANGE if pitch % 12 == pitch_class), key=lambda pitch: abs(pitch - near))
