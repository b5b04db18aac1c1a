"""Reward terms for the melody by itself: how it moves and where it lies."""

from __future__ import annotations

from rlcompose.engine.layout import OUTSIDE
from rlcompose.engine.moment import Moment
from rlcompose.reward import reward_term

STEP = 2  # a second
THIRD = 4
LEAP = 5  # from a fourth up a move counts as a leap
FIFTH = 7
OCTAVE = 12

# Two octaves around the tonic: from the dominant below it to the dominant above the next one.
COMFORTABLE_LOWEST = -5
COMFORTABLE_HIGHEST = 19


@reward_term
def stepwise_motion(m: Moment) -> float:
    """1 for a step, 0.5 for a third (half of it off the chord's scale), 0 up to a fifth, -0.5 to an octave, -1 beyond.

    Most melodic intervals everywhere are small (Huron, Sweet Anticipation, 2006, chapter 5, "pitch proximity"); of real
    jazz solos' intervals 54 % are steps, 26 % thirds. A repeated note gives 0, and so does a step or third that begins
    neither on a sixteenth nor on a triplet eighth: a line that flows is also in time. A step or third to a note outside
    the chord's scale gives half: lines follow scales, and pass through chromatic notes (four fifths of real jazz solos'
    notes lie in the chord's scale). Each value is multiplied by the note's length in pulses (eighths in jazz), at most
    1, so that shorter notes earn no more in the same time.

    Over C an eighth note D after C gives 1, a sixteenth 0.5; an eighth note C# after C gives 0.5.
    """
    if m.is_rest or m.num_notes < 2 or m.interval == 0:
        return 0.0
    if not m.is_on_grid and abs(m.interval) <= FIFTH:
        return 0.0
    size = abs(m.interval)
    if size <= STEP:
        value = 1.0
    elif size <= THIRD:
        value = 0.5
    elif size <= FIFTH:
        value = 0.0
    elif size <= OCTAVE:
        value = -0.5
    else:
        value = -1.0
    if value > 0.0 and m.tone == OUTSIDE and m.chord_root >= 0:
        value *= 0.5
    return value * m.pulse_share


@reward_term
def leap_recovery(m: Moment) -> float:
    """After a leap of a fourth or more: 0.5 for turning back by a step or third, 0 for a wider one, -1 for going on.

    Leaps are followed by a move the other way (Fux, Gradus ad Parnassum, 1725; Meyer, Explaining Music, 1973,
    "gap-fill"; Huron 2006 shows that in much music it is regression to the mean). Repeating the leap's goal gives 0.
    Paid by the pulse, as `stepwise_motion`.

    C up to A, then G as a quarter note gives 0.5; C up to A, then up to C gives -1.
    """
    if m.is_rest or m.num_notes < 3 or m.interval == 0:
        return 0.0
    leap = m.previous(1).interval
    if abs(leap) < LEAP:
        return 0.0
    if (leap > 0) == (m.interval > 0):
        return -m.pulse_share
    return 0.5 * m.pulse_share if abs(m.interval) <= THIRD else 0.0


@reward_term
def varied_pitch(m: Moment) -> float:
    """-1 for repeating the last pitch, -0.5 for going to and fro between two pitches; else 0. Paid by the pulse.

    Repetition of single notes is rarer than steps in every style measured (5 % of the intervals in jazz solos, 7 to 9 %
    in fiddle tunes), and both are the cheapest ways out of other rules (Jaques et al. 2017, "excessive repetition").

    C C as quarter notes gives -1 for the second; in C D C D the last gives -0.5.
    """
    if m.is_rest or m.num_notes < 2:
        return 0.0
    if m.interval == 0:
        return -m.pulse_share
    third = m.previous(3)
    if third.ticks > 0 and m.pitch == m.previous(2).pitch and m.previous(1).pitch == third.pitch:
        return -0.5 * m.pulse_share
    return 0.0


@reward_term
def comfortable_range(m: Moment) -> float:
    """0 within two octaves around the tonic (-5 to 19 semitones), falling by 1/6 for each semitone outside, to -1.

    Melodies keep to about an octave and a half, returning from the edges (von Hippel and Huron, Music Perception 18,
    2000); of real 8-bar windows of jazz solos the middle half spans 16 to 23 semitones. Paid by the pulse, as
    `stepwise_motion`.

    A quarter note 22 semitones above the tonic gives -0.5.
    """
    if m.is_rest:
        return 0.0
    outside = max(COMFORTABLE_LOWEST - m.pitch, m.pitch - COMFORTABLE_HIGHEST, 0)
    return -min(outside / 6.0, 1.0) * m.pulse_share
