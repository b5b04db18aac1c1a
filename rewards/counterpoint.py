"""Reward terms for a melody against a given second voice: the rules of two-part counterpoint, species by species.

Without a second voice all of them give 0. The intervals are those at the onsets of the melody's notes; a second voice
that moves while a note is held is seen through what it does next.
"""

from __future__ import annotations

import math

from rlcompose.engine.layout import NO_PITCH
from rlcompose.engine.moment import Moment
from rlcompose.reward import reward_term

# Conditions are joined by & and |, which ask both sides, and values are chosen at the end: without branches a term is
# asked of several moments at once (see `MomentType`). Where that cannot be, a test that most notes fail stands first.

STRONG_BEAT = 2  # metrical strength of the strong beats
STEP = 2  # semitones of a whole tone, the widest step
THIRD = 4  # semitones of a major third
FIFTH = 7
OCTAVE = 12
MOST_PARALLELS = 3  # thirds or sixths in a row

# What two voices make, by semitones between them within the octave: 2 perfect consonance, 1 imperfect consonance, 0
# dissonance. The fourth is one, in two voices.
PERFECT, IMPERFECT, DISSONANT = 2, 1, 0
CONSONANCE = (2, 0, 0, 1, 1, 0, 0, 2, 1, 1, 0, 0)
CONSONANCE_BITS = sum(kind << 2 * semitones for semitones, kind in enumerate(CONSONANCE))  # two bits each


def is_melodic_step(interval: int) -> bool:
    """Whether an interval is a second, up or down."""
    return (interval != 0) & (abs(interval) <= STEP)


def consonance_of(pitch: int, second: int) -> int:
    """What two pitches make: `PERFECT`, `IMPERFECT` or `DISSONANT`."""
    within = abs(pitch - second) % OCTAVE
    return CONSONANCE_BITS >> 2 * within & 3


def perfect_kind(pitch: int, second: int) -> int:
    """1 for two pitches a fifth apart, 2 for a unison or octave, compound ones as simple ones; 0 for others."""
    within = abs(pitch - second) % OCTAVE
    return 1 if within == FIFTH else (2 if within == 0 else 0)


def parallel_kind(pitch: int, second: int) -> int:
    """1 for two pitches a third apart, 2 for a sixth, compound ones as simple ones; 0 for others."""
    within = abs(pitch - second) % OCTAVE
    if within == THIRD or within == THIRD - 1:
        return 1
    return 2 if within == OCTAVE - THIRD or within == OCTAVE - THIRD + 1 else 0


def both_move(m: Moment) -> bool:
    """Whether both voices sound, and sounded at the note before, on other pitches."""
    last = m.previous(1)
    if last.ticks == 0 or m.second == NO_PITCH or last.second == NO_PITCH:
        return False
    return m.interval != 0 and m.second != last.second


def both_move_at_once(m: Moment) -> bool:
    """Whether both voices move at the present onset, and the second voice not before it since the note before.

    For terms with a memory of one number, which keeps when the second voice moves next. Where it moved meanwhile, as
    under a held note, it is not known from where it comes now.
    """
    met = m.memory[0] == m.onset
    m.memory[0] = m.onset + m.second_to_change
    return met and m.second_since == 0 and both_move(m)


def share_of_last_note(m: Moment) -> float:
    """Length of the note before over the style's pulse, at most 1: what it is worth when the next one judges it."""
    return min(m.previous(1).ticks, m.pulse_ticks) / m.pulse_ticks


@reward_term(at="note", low=-1, high=1)
def consonant_interval(m: Moment) -> float:
    """Where both voices begin a note, and on strong beats: 1 for a third or sixth, 0.5 for fifth or octave, else -1.

    First species: note against note, only consonances; imperfect ones are preferred since they are fuller (Fux, Gradus
    ad Parnassum, 1725). The fourth counts as dissonant. What is struck between the second voice's notes on weak beats
    is free here (see `passing_dissonance`), and so is what is held over (see `prepared_suspension`). Of the outer
    voices of Palestrina's masses 98 of 100 such intervals are consonant, of those of Bach's chorales 93.

    Against a C an E, begun together with it, gives 1, a G 0.5, an F -1; an F on a later weak beat 0.
    """
    counts = (m.second != NO_PITCH) & ((m.second_since == 0) | (m.strength >= STRONG_BEAT))
    kind = consonance_of(m.pitch, m.second)
    value = 0.5 if kind >= PERFECT else (1.0 if kind >= IMPERFECT else -1.0)
    return value if counts else 0.0


@reward_term(at="note", low=-1, high=0, memory=1)
def independent_perfects(m: Moment) -> float:
    """-1 for parallel fifths or octaves: both voices move the same way from one to another of their kind; else 0.

    Voices that move in parallel fifths, octaves or unisons lose their independence (Fux, Gradus ad Parnassum, 1725).
    Compound intervals count as simple ones. Both voices must move at the same time.
    Between the outer voices of Palestrina's masses they happen at 1 of 16,000 notes, in the same music with shuffled
    pitches at 1 of 140. The roots of chords are no voice: against them Bach's sopranos do it at 1 of 24 notes.

    Over C and D a G and an A give -1 for the A; a G and then the D below it, 0.
    """
    if not both_move_at_once(m):
        return 0.0
    last = m.previous(1)
    kind = perfect_kind(m.pitch, m.second)
    if kind == 0 or kind != perfect_kind(last.pitch, last.second):
        return 0.0
    return -1.0 if (m.interval > 0) == (m.second > last.second) else 0.0


@reward_term(at="note", low=-1, high=0.5, memory=1)
def approached_perfects(m: Moment) -> float:
    """For reaching a fifth or octave: 0.5 when the voices move against one another, -1 together with a leap on top.

    Perfect consonances are reached by contrary motion (Fux, Gradus ad Parnassum, 1725); those reached by both voices
    going the same way, direct fifths and octaves, are tolerated where the upper voice moves by step: 0. A leap is a
    third or more. Parallel ones are left to `independent_perfects`. Both voices must move at the same time.
    Between the outer voices of Palestrina's masses 96 of 100 of what is paid here is contrary.

    Over C4 and then D4 an E5 and then D5 give 0.5; an F5 and then A5 -1, a G4 and then A4 0.
    """
    if not both_move_at_once(m):
        return 0.0
    last = m.previous(1)
    kind = perfect_kind(m.pitch, m.second)
    if kind == 0:
        return 0.0
    second_interval = m.second - last.second
    if (m.interval > 0) != (second_interval > 0):
        return 0.5
    if kind == perfect_kind(last.pitch, last.second):
        return 0.0
    upper = m.interval if m.pitch >= m.second else second_interval
    return -1.0 if abs(upper) > STEP else 0.0


@reward_term(at="note", low=-0.5, high=1, memory=1)
def contrary_motion(m: Moment) -> float:
    """When both voices move at the same time: 1 for opposite directions, -0.5 for the same; else 0.

    Contrary motion keeps the voices independent and is preferred to similar motion (Fux, Gradus ad Parnassum, 1725).
    Oblique motion, one voice staying, gives 0. The second voice is given, so there are only so many of its moves.
    When the outer voices of Palestrina's masses move together, 53 of 100 moves are contrary, in Bach's chorales 57.

    Over C and D an E and then D give 1 for the D, an E and then F -0.5, an F twice 0.
    """
    if not both_move_at_once(m):
        return 0.0
    return 1.0 if (m.interval > 0) != (m.second > m.previous(1).second) else -0.5


@reward_term(at="note", low=-1, high=0, memory=1)
def separate_voices(m: Moment, widest: int = 24) -> float:
    """-1 beyond the second voice or more than two octaves from it, -0.5 beyond its last note; else 0. By the pulse.

    Voices that cross are mistaken for one another, and so are those that overlap, one moving beyond where the other has
    just been; too far apart they do not sound together. `widest` is the distance allowed, in semitones. The side on
    which the melody begins is its own; a unison is no crossing. Since it asks where notes lie and hardly in which
    order, it hardly tells real from shuffled music.

    Over a C4, after an E4, a quarter note B3 gives -1; over C4 and then A3, after an E4, a B3 gives -0.5.
    """
    if m.second == NO_PITCH:
        return 0.0
    last = m.previous(1)
    distance = m.pitch - m.second
    begins = (m.memory[0] == 0.0) & (distance != 0)
    side = (1.0 if distance > 0 else -1.0) if begins else m.memory[0]
    m.memory[0] = side
    is_beyond = (abs(distance) > widest) | (distance * side < 0.0)
    overlaps = (last.ticks > 0) & (last.second != NO_PITCH) & ((m.pitch - last.second) * side < 0.0)
    return (-1.0 if is_beyond else (-0.5 if overlaps else 0.0)) * m.pulse_share


@reward_term(at="note", low=-1, high=1)
def passing_dissonance(m: Moment) -> float:
    """After a dissonance off the strong beats: 1 if it was reached and left by step, 0 in a cambiata, else -1.

    Second and third species: between the second voice's notes a dissonance may pass from one consonance to another, or
    turn back as a neighbour (Fux, Gradus ad Parnassum, 1725). The cambiata, a step down to a dissonance and a third on,
    is the one exception. Paid at the note that follows, by the pulse of the dissonance. Between the outer voices of
    Palestrina's masses 98 of 100 are reached and left so.

    Over a C in quarter notes E F G gives 1 for the G, E F E 1, A F G -1, C B G 0.
    """
    last, before = m.previous(1), m.previous(2)
    is_off_strong_beat = (before.ticks > 0) & (last.second != NO_PITCH) & (last.strength < STRONG_BEAT)
    counts = is_off_strong_beat & (consonance_of(last.pitch, last.second) == DISSONANT)
    is_cambiata = (last.interval < 0) & (m.interval >= -THIRD) & (m.interval < 0)
    left = 1.0 if is_melodic_step(m.interval) else (0.0 if is_cambiata else -1.0)
    value = left if is_melodic_step(last.interval) else -1.0
    return value * share_of_last_note(m) if counts else 0.0


@reward_term(at="note", low=-1, high=1, memory=1)
def prepared_suspension(m: Moment) -> float:
    """1 for stepping down to a consonance from a note held consonant into a dissonance; -1 for leaving it otherwise.

    Fourth species: the suspension is prepared as a consonance, becomes dissonant when the second voice moves under it,
    and resolves down by step (Fux, Gradus ad Parnassum, 1725). The second voice must move on a beat: between beats it
    is the second voice that passes. Paid at the note that follows; 0 where nothing was suspended, and where a rest came
    between.
    Of the suspensions between the outer voices of Palestrina's masses 97 of 100 are so resolved.

    A D held over F and then E in the second voice gives 1 for a C that follows, -1 for an E or an A.
    """
    was_suspended = (m.memory[0] > 0.0) & (m.rest_before == 0)
    is_consonant = (m.second != NO_PITCH) & (consonance_of(m.pitch, m.second) != DISSONANT)
    is_held = (m.second_next != NO_PITCH) & (m.ticks > m.second_to_change)
    becomes_dissonant = consonance_of(m.pitch, m.second_next) == DISSONANT
    beats = (m.tick_in_bar + m.second_to_change) / m.beat_ticks
    is_suspended = is_consonant & is_held & becomes_dissonant & (beats == math.floor(beats))
    m.memory[0] = 1.0 if is_suspended else 0.0
    is_resolved = is_consonant & (m.interval >= -STEP) & (m.interval < 0)
    return (1.0 if is_resolved else -1.0) if was_suspended else 0.0


@reward_term(at="note", low=0, high=1)
def cambiata(m: Moment) -> float:
    """1 at the end of a cambiata (step down to a dissonance, third down, step up), 0.5 of a double neighbour; else 0.

    The two figures in which third species leaves a dissonance by leap: the cambiata, and the double neighbour, which
    plays both neighbours of a note before it returns (Fux, Gradus ad Parnassum, 1725; Open Music Theory, third
    species). First and third note of the cambiata are consonant, and so is the note that the neighbours surround. Paid
    by the pulse.

    Over a C in quarter notes C5 B4 G4 A4 gives 1 for the A; over an A in C5 D5 B4 C5 the last gives 0.5.
    """
    third, dissonance, first = m.previous(1), m.previous(2), m.previous(3)
    leap = third.interval
    by_third = (abs(leap) >= THIRD - 1) & (abs(leap) <= THIRD) & ((leap > 0) != (m.interval > 0))
    by_steps = is_melodic_step(m.interval) & is_melodic_step(dissonance.interval)
    sound = (first.second != NO_PITCH) & (dissonance.second != NO_PITCH) & (third.second != NO_PITCH)
    # Few notes end such a figure, and only then the consonances are asked for.
    if not (by_third & by_steps & sound):
        return 0.0
    if consonance_of(first.pitch, first.second) == DISSONANT:
        return 0.0
    is_dissonant = consonance_of(dissonance.pitch, dissonance.second) == DISSONANT
    if dissonance.interval < 0 and leap < 0 and is_dissonant:
        return m.pulse_share if consonance_of(third.pitch, third.second) != DISSONANT else 0.0
    is_double = m.pitch == first.pitch and (dissonance.interval > 0) != (leap > 0)
    return 0.5 * m.pulse_share if is_double else 0.0


@reward_term(at="note", low=0, high=1)
def independent_rhythm(m: Moment) -> float:
    """1 for a note begun while the second voice holds one, or held over the second voice's next; else 0. By the pulse.

    Fifth species mixes the others, so that one voice moves while the other rests on a note (Fux, Gradus ad Parnassum,
    1725). It does not tell real from shuffled music: it does not look at the pitches, and voices that have nothing to
    do with one another are most independent. A little of it keeps two voices from becoming chords.

    Against half notes, quarter notes give 0 and 1 in turn; a half note begun between two of them 1.
    """
    counts = (m.second != NO_PITCH) & ((m.second_since > 0) | (m.ticks > m.second_to_change))
    return m.pulse_share if counts else 0.0


@reward_term(at="phrase_end", low=-1, high=1)
def two_voice_cadence(m: Moment) -> float:
    """At a phrase's end: 1 for an octave or unison by steps of contrary motion, 0.5 for another one; down to -1.

    Two voices close by stepping apart into the octave, or together into the unison (Fux, Gradus ad Parnassum, 1725). A
    fifth gives 0, thirds and sixths, which want to go on, -0.5, a dissonance -1. Asked of the last note that begins in
    the phrase, or of the last before it where the phrase is silent, with the note of the second voice at its onset; 0
    where that rests.

    Over E and then D a C# and then D give 1 for the D; over A and D, 0.5; an A over the D 0, an F -0.5, an E -1.
    """
    pitch, second, interval, before = m.pitch, m.second, m.interval, m.previous(1)
    if m.is_rest:
        pitch, second, interval, before = before.pitch, before.second, before.interval, m.previous(2)
        if m.previous(1).ticks == 0:
            return 0.0
    if second == NO_PITCH:
        return 0.0
    kind = consonance_of(pitch, second)
    if kind == DISSONANT:
        return -1.0
    if kind == IMPERFECT:
        return -0.5
    if perfect_kind(pitch, second) == 1:
        return 0.0
    if before.ticks == 0 or before.second == NO_PITCH:
        return 0.5
    moved = second - before.second
    is_contrary = (interval > 0) != (moved > 0)
    return 1.0 if is_melodic_step(interval) and is_melodic_step(moved) and is_contrary else 0.5
