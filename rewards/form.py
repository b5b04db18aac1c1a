"""Reward terms for what holds a piece together: motifs that return, phrases that end."""

from __future__ import annotations

from rlcompose.engine.layout import CHORD_TONE, SCALE_TONE
from rlcompose.engine.moment import Moment
from rlcompose.reward import reward_term

NEARBY_EVENTS = 3  # a cell overlaps with one that ended less than three events ago


@reward_term
def motif(m: Moment) -> float:
    """The return of a motif: 1 the first time and half as much each further time; an exact copy half of a moved one.

    A motif is the last two intervals with the two notes' lengths. It counts if it moved at all, does not overlap with
    its last appearance, and its last note begins on a sixteenth or a triplet eighth. Diminishing returns, since a
    strong optimiser otherwise copies one loop for ever (an 11-note loop is the best-paid piece known under RL Tuner's
    rules); more for transposed returns than for copies, since sequence is what development is made of (Schoenberg,
    Fundamentals of Musical Composition, 1967, chapter 3). Paid by the pulse.

    C D E as quarter notes, later F G A for the first time: 1 for the A; C D E again instead: 0.5 for the E.
    """
    if m.is_rest or m.matches == 0 or m.match_ago < NEARBY_EVENTS or not m.is_on_grid:
        return 0.0
    if m.interval == 0 and m.previous(1).interval == 0:
        return 0.0
    value = 0.5 ** (m.matches - 1)
    if m.match_transposition == 0:
        value *= 0.5
    return value * m.pulse_share


@reward_term
def phrase_ending(m: Moment) -> float:
    """At a phrase's end: 1 if its last note is a chord tone that lasts (with the rest after it) a beat or more; to -1.

    Phrases end on stable notes that are held or followed by a breath (Open Music Theory, "The phrase"). Half of
    the value is the note: 0.5 for a chord tone, 0 for a scale tone, -0.5 outside; half is the room after its onset: 0.5
    from a beat on, -0.5 below. A phrase whose last bar is silent gives -1. Once a phrase, whatever its notes.

    A half note on the third of the chord, ending with the phrase, gives 1.
    """
    if not m.ends_phrase:
        return 0.0
    phrase_end = m.onset + m.ticks_to_phrase_end
    if m.is_rest:
        last = m.previous(1)
        if last.ticks == 0 or phrase_end - (last.onset + last.ticks) >= m.bar_ticks:
            return -1.0
        onset = last.onset
        tone = last.tone
    else:
        onset = m.onset
        tone = m.tone
    room = phrase_end - onset
    value = -0.5
    if tone >= CHORD_TONE:
        value = 0.5
    elif tone == SCALE_TONE:
        value = 0.0
    return value + (0.5 if room >= m.beat_ticks else -0.5)
