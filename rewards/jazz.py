"""Reward terms for the language of jazz lines: how they lead into chord tones, and when they swing and stop."""

from __future__ import annotations

import math

from rlcompose.engine.layout import CHORD_TONE, GUIDE_TONE, OUTSIDE, SCALE_TONE
from rlcompose.engine.moment import Moment
from rlcompose.reward import reward_term

# Conditions are joined by & and |, which ask both sides, and values are chosen at the end: without branches a term is
# asked of several moments at once (see `MomentType`). Where that cannot be, a test that most notes fail stands first.

STRONG_BEAT = 2  # metrical strength of the strong beats
ON_BEAT = 1  # metrical strength from which on a note begins with a beat
STEP = 2  # semitones of a whole tone, the widest step
THIRD = 4  # semitones of a major third
FOURTH = 5  # semitones from a dominant up to the root that it leads to, an octave or two away
SEVENTH = 10  # semitones of a minor seventh
NINTH = 2  # semitones of a ninth above the octave
OCTAVE = 12
LOOK_BACK = 6  # notes among which the guide tone of the old chord is looked for
FLAT_THIRD, FLAT_FIFTH, FLAT_SEVENTH = 3, 6, 10  # blue notes, in semitones above the tonic
FEW_NOTES = 3  # a line of fewer has no ending of its own

# Quarter notes a minute between which lines are made of swung eighths: slower solos double the time, at the fastest
# tempos the pairs become even. Outside, the reward falls to 0 over the same distance on either side.
SLOWEST_SWING, FASTEST_SWING, SWING_FADES = 110.0, 240.0, 60.0


def is_small(interval: int) -> bool:
    """Whether an interval is a second, up or down."""
    return (interval != 0) & (abs(interval) <= STEP)


def is_rising_third(interval: int) -> bool:
    """Whether an interval is a third upwards."""
    return (interval >= THIRD - 1) & (interval <= THIRD)


def follows_one(m: Moment) -> bool:
    """Whether a note leads up to the present one, within a beat after its end."""
    last = m.previous(1)
    return (last.ticks > 0) & (m.onset - last.onset - last.ticks < m.beat_ticks)


def follows_two(m: Moment) -> bool:
    """Whether two notes lead up to the present one, each within a beat after the end of the one before."""
    last, before = m.previous(1), m.previous(2)
    is_near = last.onset - before.onset - before.ticks < m.beat_ticks
    return follows_one(m) & (before.ticks > 0) & is_near


def tone_above_root(m: Moment, semitones: int) -> int:
    """What the present chord makes of the pitches that many semitones above its root."""
    # Counted from the octave down, so that it is seen to fit into 32 bits, of which more are divided at once.
    return m.tone_of(max(m.chord_root, 0) - (OCTAVE - semitones))


def has_major_third(m: Moment) -> bool:
    """Whether the present chord is a major or dominant one."""
    return (m.chord_root >= 0) & (tone_above_root(m, THIRD) == GUIDE_TONE)


def share_of_last(m: Moment) -> float:
    """Length of the note before over the style's pulse, at most 1: what it is worth when the next one judges it."""
    return min(m.previous(1).ticks, m.pulse_ticks) / m.pulse_ticks


@reward_term(at="note", low=0, high=1)
def guide_tone_line(m: Moment) -> float:
    """1 for a guide tone at a change, at most two semitones from one that ended the old chord; 0.5 from an earlier one.

    Thirds and sevenths of chords that follow one another lie a step apart or stay, so that they make a line through the
    changes: the seventh of Dm7 falls to the third of G7 (the "7-3 resolution" of Coker, Elements of the Jazz Language,
    1991; Ligon, Connecting Chords with Linear Harmony, 1996). The new
    guide tone must be the first note under its chord, within a beat; the old one the note before it (1) or one of the
    six before, not more than a bar before the change (0.5). Of the changes in real solos 5 % are crossed from guide
    tone to guide tone by step.

    Under G7 after a C in Dm7, a B on the first beat gives 1; in C A then B, 0.5; a D gives 0.
    """
    # Few notes are such, and then only the old chord's notes are looked at.
    if (m.is_first_of_chord == 0) | (m.tone != GUIDE_TONE) | (m.ticks_into_chord >= m.beat_ticks):
        return 0.0
    change = m.onset - m.ticks_into_chord
    for k in range(1, LOOK_BACK + 1):
        note = m.previous(k)
        if (note.ticks == 0) | (note.onset < change - m.bar_ticks):
            return 0.0
        if (note.tone == GUIDE_TONE) & (abs(m.pitch - note.pitch) <= STEP):
            return 1.0 if k == 1 else 0.5
    return 0.0


@reward_term(at="note", low=0, high=1)
def chromatic_approach(m: Moment) -> float:
    """1 for a chord tone on a beat, led into by a semitone from a note outside the scale off the beat; 0.5 from within.

    A chromatic approach note makes its target sound meant, wherever the line comes from; it is among the first things
    that jazz improvisers are taught, and Franklin (2004) rewarded it in a program that learned to play jazz. The
    approach note must be no chord tone. There are only so many beats, so it is paid unscaled. In real solos 3 of 100
    notes are so approached, a fifth of that when their pitches are shuffled.

    Over C in an off-beat D# and then E on the beat, the E gives 1; in F and E 0.5; in D and E 0.
    """
    last = m.previous(1)
    is_target = (m.strength >= ON_BEAT) & (m.tone >= CHORD_TONE) & (abs(m.interval) == 1)
    is_approach = (last.degree >= 0) & (last.strength < ON_BEAT) & (last.tone < CHORD_TONE)
    value = 1.0 if last.tone == OUTSIDE else 0.5
    return value if is_target & is_approach & follows_one(m) else 0.0


@reward_term(at="note", low=0, high=1)
def enclosure(m: Moment) -> float:
    """1 for a chord tone on a strong beat, after one note a step above and one a step below it; 0.5 on another beat.

    Surrounding the target from both sides before it is played is a mainstay of bebop lines (Coker, Elements of the Jazz
    Language, 1991). The two notes come right before it, in either order, each one or two semitones away. There are only
    so many beats, so it is paid unscaled. Real solos enclose 1.4 of 100 notes, an eighth of that when shuffled.

    Over C in F D# E, the E on the first beat gives 1, on the second 0.5; in D D# E it gives 0.
    """
    away, opposite = m.previous(1).pitch - m.pitch, m.previous(2).pitch - m.pitch
    is_target = (m.strength >= ON_BEAT) & (m.tone >= CHORD_TONE)
    is_enclosed = is_small(away) & is_small(opposite) & ((away > 0) != (opposite > 0))
    value = 1.0 if m.strength >= STRONG_BEAT else 0.5
    return value if is_target & is_enclosed & follows_two(m) else 0.0


@reward_term(at="note", low=-1, high=1)
def bebop_placement(m: Moment) -> float:
    """In runs of eighths by step: on the beat 1 for a chord tone, -0.5 in the scale, -1 outside; off it 0.5 outside.

    Bebop scales add a passing note to the scale, so that chord tones fall on the beats and the chromatic note between
    them (Baker, How to Play Bebop, 1985; Levine, The Jazz Theory Book, 1995). A run is two steps the same way, in notes
    of the style's pulse (eighths), which must be shorter than the beat; chord tones and scale tones off it give 0.

    Over C7 in eighths from the beat, C B Bb A G gives 1 for the Bb and the G; C Bb A gives -0.5 for the A.
    """
    before, first = m.previous(1), m.previous(2)
    is_run = (first.ticks > 0) & (m.run >= 2) & is_small(m.interval) & is_small(before.interval)
    in_pulses = (m.onset - before.onset == m.pulse_ticks) & (before.onset - first.onset == m.pulse_ticks)
    counts = (m.chord_root >= 0) & is_run & in_pulses & (m.pulse_ticks < m.beat_ticks)
    pulses = m.tick_in_bar / m.pulse_ticks
    is_passing = (m.tone == OUTSIDE) & (pulses == math.floor(pulses))
    on_beat = 1.0 if m.tone >= CHORD_TONE else (-0.5 if m.tone >= SCALE_TONE else -1.0)
    value = on_beat if m.strength >= ON_BEAT else (0.5 if is_passing else 0.0)
    return value if counts else 0.0


@reward_term(at="note", low=0, high=1)
def rising_arpeggio(m: Moment) -> float:
    """For climbing a chord by thirds: 0.5 from the third note on, 1 if from its third up; 1 for then stepping down.

    Up the chord from third to ninth and down by step is how bebop lines gain height (Ligon, Connecting Chords with
    Linear Harmony, 1996). Every note climbed over must be a chord tone, the top may be the ninth. The step down after
    an arpeggio of three notes or more gives 1, whatever it was. Paid by the pulse.

    Over Dm7 in quarter notes F A C E D gives 1 for C, E and the D; D F A gives 0.5 for the A.
    """
    last, before, first = m.previous(1), m.previous(2), m.previous(3)
    # Few notes follow a third.
    if not (is_rising_third(last.interval) & (m.chord_root >= 0) & follows_two(m)):
        return 0.0
    is_triad = is_rising_third(before.interval) & (first.tone >= CHORD_TONE)
    if not is_rising_third(m.interval):
        steps_down = is_triad & (before.tone >= CHORD_TONE) & (m.interval >= -STEP) & (m.interval < 0)
        return m.pulse_share if steps_down else 0.0
    is_top = (m.tone >= CHORD_TONE) | ((m.tone == SCALE_TONE) & (m.degree == NINTH))
    if not (is_top & (last.tone >= CHORD_TONE) & (before.tone >= CHORD_TONE)):
        return 0.0
    lowest = first if is_triad else before
    from_third = lowest.tone == GUIDE_TONE and THIRD - 1 <= lowest.degree <= THIRD
    return (1.0 if from_third else 0.5) * m.pulse_share


@reward_term(at="note", low=-1, high=1)
def blue_note(m: Moment) -> float:
    """After a flat third, fifth or seventh over a major chord: 1 for a step, 0.5 for a third or a repetition, else -1.

    Blue notes rub against major and dominant chords, and are let off by sliding into a neighbour or by insisting on
    them. They are the key's, foreign to its scale and to the chord; left by a fourth or more they are mere wrong notes.
    Paid at the following note, by the pulse of the blue one.

    In C over C7 an eighth note Eb then D or E gives 1 for the latter, Eb C 0.5, Eb Ab -1; the Bb is a chord tone: 0.
    """
    last = m.previous(1)
    note = last.pitch % OCTAVE
    is_blue = (note == FLAT_THIRD) | (note == FLAT_FIFTH) | (note == FLAT_SEVENTH)
    rubs = (last.degree >= 0) & (last.tone < CHORD_TONE) & has_major_third(m) & (not m.is_in_scale(last.pitch))
    # Else the chord that it rubbed against is over.
    is_under_chord = last.onset >= m.onset - m.ticks_into_chord
    value = 1.0 if is_small(m.interval) else (0.5 if abs(m.interval) <= THIRD else -1.0)
    return value * share_of_last(m) if is_blue & rubs & is_under_chord else 0.0


@reward_term(at="note", low=-1, high=1)
def resolved_outside(m: Moment) -> float:
    """After a note outside the chord's scale: 1 for a step into the scale, 0.5 for one outside, -1 for a wider move.

    Outside notes are heard as leading somewhere. Real soloists leave 63 of 100 of them by step, and 51 of other notes:
    a preference, not a law. Repeating the note puts the question off: 0. Paid at the following note, by the pulse of
    the outside one.

    Over C an eighth note F# then G gives 1 for the G, F# F 1, F# G# 0.5, F# C -1.
    """
    last = m.previous(1)
    counts = (last.degree >= 0) & (last.tone == OUTSIDE) & (m.chord_root >= 0) & (m.interval != 0)
    value = -1.0 if abs(m.interval) > STEP else (1.0 if m.tone >= SCALE_TONE else 0.5)
    return value * share_of_last(m) if counts else 0.0


@reward_term(at="note", low=0, high=1, memory=1)
def altered_dominant(m: Moment) -> float:
    """1 when an altered note over a dominant steps into the chord a fifth below, 0.5 into the dominant's own; else 0.

    Flat and sharp ninth, sharp eleventh and flat thirteenth pull most strongly where the dominant resolves (Levine, The
    Jazz Theory Book, 1995, on altered dominants). Resolved into the next chord, the altered note is the last one under
    the dominant, and the first one under the next chord, within a beat, is its resolution and a chord tone. Resolved
    before, the dominant must be one that goes on to the chord a fifth below.

    In C over G7 and then Cmaj7, an Ab under the G7 and then G under the Cmaj7 gives 1 for the G, and so does Eb then E;
    Ab then G both under the G7 0.5, which is paid by the pulse of the Ab; A then G 0.
    """
    was_dominant = m.memory[0] > 0.0
    is_dominant = has_major_third(m) & (tone_above_root(m, SEVENTH) == GUIDE_TONE)
    m.memory[0] = 1.0 if is_dominant else 0.0
    last = m.previous(1)
    was_altered = (last.degree == 1) | (last.degree == 3) | (last.degree == 6) | (last.degree == 8)
    # Few notes are such a resolution.
    if not (is_small(m.interval) & was_altered & was_dominant & (m.tone >= CHORD_TONE)):
        return 0.0
    if not m.is_first_of_chord:
        goes_on = m.next_root >= 0 and (m.chord_root + FOURTH) % OCTAVE == m.next_root
        return 0.5 * share_of_last(m) if goes_on else 0.0
    falls_a_fifth = (last.pitch - last.degree + FOURTH) % OCTAVE == m.chord_root
    return 1.0 if falls_a_fifth and m.ticks_into_chord < m.beat_ticks else 0.0


def cell_place(degree: int) -> int:
    """A bit for each of the notes 1, 2, 3 and 5 above a chord's root; 0 for others."""
    if degree == 0:
        return 1
    if degree == 2:
        return 2
    if degree == 3 or degree == 4:
        return 4
    return 8 if degree == 7 else 0


@reward_term(at="note", low=0, high=1)
def swung_eighths(m: Moment) -> float:
    """1 for an off-beat eighth right after one on the beat, between 110 and 240 quarters a minute; less outside them.

    Pairs of eighths are what swings: at medium tempo lines are made of them, long and short; at the fastest the pairs
    become even (Friberg and Sundström, Music Perception 19, 2002), at slow tempo players double the time. Outside the
    tempos named the value falls to 0 over 60 quarters a minute. The pitches are not looked at, so a melody whose
    pitches are shuffled earns as much; one whose lengths are shuffled earns a fifth.

    At 120 in two eighths from the beat the second gives 1; at 270, 0.5; a quarter note and an eighth give 0.
    """
    last = m.previous(1)
    is_second = (m.strength < ON_BEAT) & (last.strength >= ON_BEAT) & (m.rest_before < m.pulse_ticks)
    is_pair = (2 * m.pulse_ticks == m.beat_ticks) & (m.onset - last.onset == m.pulse_ticks) & (last.ticks > 0)
    outside = max(SLOWEST_SWING - m.tempo, m.tempo - FASTEST_SWING, 0.0)
    return max(1.0 - outside / SWING_FADES, 0.0) if is_second & is_pair else 0.0


@reward_term(at="event", low=-0.5, high=1)
def offbeat_ending(m: Moment) -> float:
    """When a line of three notes or more has stopped for a beat: 1 if its last note began off the beat, else -0.5.

    Bebop lines like to end on an "and", with two eighths of which the second is off the beat. Asked once, at the rest
    with which the silence becomes a beat long; a last note longer than a beat gives 0, and so does one off the eighths.
    The pitches are not looked at, so a melody whose pitches are shuffled earns as much. Of the
    lines in real solos that end on a beat or on such an "and", 44 of 100 do the latter.

    A line that ends with two eighths from the beat gives 1 at the rest after them, one that ends on the beat -0.5.
    """
    if m.is_note or m.silence < m.beat_ticks or m.silence - m.ticks >= m.beat_ticks or m.line_notes < FEW_NOTES:
        return 0.0
    last = m.previous(1)
    if last.ticks > m.beat_ticks:
        return 0.0
    if last.strength >= ON_BEAT:
        return -0.5
    return 1.0 if 2 * (last.tick_in_bar % m.beat_ticks) == m.beat_ticks else 0.0
