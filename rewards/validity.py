"""Reward terms that ask whether it is a piece at all: it sounds, keeps to the grid, can be breathed, and ends."""

from __future__ import annotations

from rlcompose.engine.layout import CHORD_TONE, SCALE_TONE
from rlcompose.engine.moment import Moment
from rlcompose.reward import reward_term

STRONG_BEAT = 2  # metrical strength of the strong beats: 1 and 3 in 4/4, both dotted quarters in 6/8


@reward_term(at="event", low=-1, high=0)
def present_melody(m: Moment) -> float:
    """-1 for each bar of silence after the first, in proportion to its length; else 0.

    A melody that rests for more than a bar has left the stage. Rests are what is cheapest under rules that punish
    notes, so this is the floor under all of them; it need not tell music from noise, which is never silent.

    Three bars of rest after a note give 0, -1 and -1.
    """
    over = min(m.ticks, m.silence - m.bar_ticks)
    return -min(max(over, 0) / m.bar_ticks, 1.0) if m.is_rest == 1 else 0.0


@reward_term(at="note", low=-1, high=0)
def on_the_grid(m: Moment) -> float:
    """-1 for a note that begins neither on a straight sixteenth nor on a triplet eighth; else 0. Paid by the pulse.

    What lies between is played, not written: 91 of 100 notes of transcribed jazz solos are on that grid, and all those
    of printed tunes; in a random order of the solos' notes and rests it is half. An agent that adds up odd lengths
    leaves it and does not find back.

    A quarter note 2 ticks after the beat gives -1, 3 or 4 ticks after it 0.
    """
    return 0.0 if m.is_on_grid else -m.pulse_share


BREATH_SECONDS = 8  # a choice; 95 of 100 lines of jazz solos, without rests, take less than 4.4 seconds
SECONDS_A_MINUTE, QUARTER_TICKS = 60, 12


@reward_term(at="note", low=-1, high=0)
def playable_breath(m: Moment) -> float:
    """-1 for each bar that a line goes on without a rest after eight seconds, in proportion to its length; else 0.

    Wind players and singers cannot play on without air. Counted in seconds at the piece's tempo, so that slow pieces
    must rest sooner. Jazz solos break it with eight notes of 1,000; fiddles need none of it, and hymns breathe at
    fermatas that are not written as rests. A limit of the body, so noise with rests in it passes, too.

    At 120 quarter notes a minute four bars of 4/4 take eight seconds: the fifth bar of a line gives -1.
    """
    over = m.line_ticks - BREATH_SECONDS * QUARTER_TICKS * m.tempo / SECONDS_A_MINUTE
    return -min(max(min(m.ticks, over), 0.0) / m.bar_ticks, 1.0)


@reward_term(at="piece_end", low=-1, high=1)
def clean_ending(m: Moment) -> float:
    """At the piece's end: 1 if its last note began on a strong beat, 0 on another beat, -1 off the beat.

    A piece ends where the metre is strong. 98 of 100 chorales do, 81 of German songs, 30 of jazz solos, which end
    as they like; 2 to 8 in a random order. If it is silent for a bar or more at the end, the piece did not end but
    stopped: -1.

    A piece whose last note is a half note on the third beat gives 1, on the eighth after it -1.
    """
    strength = m.strength
    if m.is_rest:
        last = m.previous(1)
        if last.ticks == 0 or m.total_ticks - last.onset - last.ticks >= m.bar_ticks:
            return -1.0
        strength = last.strength
    if strength >= STRONG_BEAT:
        return 1.0
    return 0.0 if strength > 0 else -1.0


@reward_term(at="piece_end", low=-1, high=1)
def held_ending(m: Moment) -> float:
    """At the piece's end: up to 0.5 for its last pitch, and 0.5 if it has room for a beat from a beat on; to -1.

    Melodies end on the tonic and stay there (Fux, Gradus ad Parnassum, 1725): 85 of 100 German songs and 83 of
    O'Neill's tunes do, 28 of jazz solos. The tonic gives 0.5, another chord tone 0.25, a tone of the
    chord's scale 0, anything else -0.5. The room is the note's length and the rest after it; -0.5 if it is shorter
    than a beat or begins off the beat.

    In C major, over C: a half note C on the third beat gives 1, E 0.75, an eighth C on the last "and" 0.
    """
    pitch, tone, strength, onset = m.pitch, m.tone, m.strength, m.onset
    if m.is_rest:
        last = m.previous(1)
        if last.ticks == 0:
            return -1.0
        pitch, tone, strength, onset = last.pitch, last.tone, last.strength, last.onset
    value = -0.5
    if pitch % 12 == 0:
        value = 0.5
    elif tone >= CHORD_TONE:
        value = 0.25
    elif tone == SCALE_TONE:
        value = 0.0
    return value + (0.5 if strength > 0 and m.total_ticks - onset >= m.beat_ticks else -0.5)
