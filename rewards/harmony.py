"""Reward terms for the melody over its chords."""

from __future__ import annotations

from rlcompose.engine.layout import CHORD_TONE, GUIDE_TONE, SCALE_TONE
from rlcompose.engine.moment import Moment
from rlcompose.reward import reward_term

STRONG_BEAT = 2  # metrical strength of the strong beats: 1 and 3 in 4/4, both dotted quarters in 6/8


@reward_term
def chord_tone_on_strong_beat(m: Moment) -> float:
    """1 for a chord tone that begins on a strong beat, -0.5 for a scale tone, -1 for a note outside; else 0.

    Strong beats carry the harmony, the notes between may pass (Open Music Theory, "Embellishing tones"; a chord tone is
    root, third, fifth, seventh or sixth). A bar has two strong beats, so short notes do not earn more than long ones.
    Real jazz soloists land on a chord tone there in 57 of 100 cases, chance would be 38: strive for it, do not insist
    on it.

    A C on the first beat under C7 gives 1, an F -0.5, an F# -1.
    """
    if m.is_rest or m.strength < STRONG_BEAT or m.chord_root < 0:
        return 0.0
    if m.tone >= CHORD_TONE:
        return 1.0
    return -0.5 if m.tone == SCALE_TONE else -1.0


@reward_term
def guide_tone_at_change(m: Moment) -> float:
    """1 when the first note under a new chord, within its first beat, is the third or seventh; -0.5 outside the chord.

    Guide tones say which chord it is; a line that lands on them spells the changes (Ligon, Connecting Chords with
    Linear Harmony, 1996, on outlines). Other chord tones give 0, and so does a first note that comes later than a beat.

    Under G7 after Dm7, a B on the first beat gives 1, a G 0, a C -0.5.
    """
    if m.is_rest or not m.is_first_of_chord or m.chord_root < 0 or m.ticks_into_chord >= m.beat_ticks:
        return 0.0
    if m.tone == GUIDE_TONE:
        return 1.0
    return 0.0 if m.tone >= CHORD_TONE else -0.5


@reward_term
def scale_note(m: Moment) -> float:
    """-1 for a note outside the piece's scale, unless it is a tone of the present chord; else 0. Paid by the pulse.

    The scale is the style's in the piece's mode, five notes in Chinese tunes; 97 % of the notes of Chinese and German
    tunes lie in it, and 98 % of those of Bach's sopranos. A chord from outside it, such as the dominant of the
    dominant, brings its own notes.

    In C major a quarter note C# over C gives -1, over A7 0.
    """
    if m.is_rest or m.is_in_scale(m.pitch) or m.is_chord_tone(m.pitch):
        return 0.0
    return -m.pulse_share
