"""Reward terms for rhythm: where notes lie in the bar, how bars resemble each other, where a line breathes."""

from __future__ import annotations

import math

from rlcompose.engine.moment import Moment
from rlcompose.reward import reward_term

# Conditions are joined by & and |, which ask both sides, and values are chosen at the end: without branches a term is
# asked of several moments at once (see `MomentType`).

STRONG_BEAT = 2  # metrical strength of the strong beats: 1 and 3 in 4/4, both dotted quarters in 6/8
QUARTER, EIGHTH, TRIPLET_EIGHTH = 12, 6, 4  # ticks
QUARTER_TRIPLET = 2 * TRIPLET_EIGHTH

ALIKE_FROM, ALIKE_TO = 0.3, 0.8  # likeness to the bar before; real music's middle half lies between .12 and 1
ECHO_FROM, ECHO_TO = 0.4, 0.8  # likeness to an earlier bar
FEWEST_ONSETS = 2  # of a bar that has a rhythm

FEWEST_IN_LINE, MOST_IN_LINE = 4, 16  # notes of a line that says something in one breath
LINE_BARS = 2  # bars after which a line wants to breathe
FEWEST_SWUNG = 3  # notes of a line whose beginning and end are told apart


@reward_term(at="note", low=-1, high=1)
def metric_placement(m: Moment) -> float:
    """For a note longer than a beat: 1 if it begins on a strong beat, 0 on another beat, -1 off the beat.

    Long notes are heard as accents and belong on strong beats (Lerdahl and Jackendoff, A Generative Theory of Tonal
    Music, 1983, the metrical preference rule of length). In German songs 96 of 100 long notes begin there, in jazz
    solos 33, while 53 begin off the beat (92 in a random order): weigh it lightly where the style syncopates.
    Shorter notes give 0.

    A half note on the first beat gives 1, on the second 0, on the eighth after it -1.
    """
    value = 1.0 if m.strength >= STRONG_BEAT else (0.0 if m.strength > 0 else -1.0)
    return value if m.ticks > m.beat_ticks else 0.0


@reward_term(at="note", low=-1, high=0)
def clear_barlines(m: Moment) -> float:
    """-1 for a note that begins off the beat and sounds over the barline; else 0.

    Such a note hides the first beat of the bar after it. Four of 100 notes of jazz solos do, none of songs, chorales
    and fiddle tunes; of the same notes in a random order 7 to 19.

    In 4/4 a quarter note on the eighth after the fourth beat gives -1, an eighth there 0, a half note on the
    fourth beat 0.
    """
    return -1.0 if (m.strength == 0) & (m.tick_in_bar + m.ticks > m.bar_ticks) else 0.0


@reward_term(at="bar_end", low=0, high=1)
def steady_groove(m: Moment) -> float:
    """At a bar's end: how like its rhythm is to the bar's before, rising to 1 at .3, from .8 falling to 0.5 for a copy.

    Bars in one groove share onsets (Wu and Yang, "The Jazz Transformer on the Front Line", 2020, "grooving pattern
    similarity"). Likeness is onsets in common over all onsets; real jazz has .33 on average, fiddle tunes .71, random
    durations .16. The plateau leaves room, and a copy of the bar earns less than its variation. A silent bar gives 0.

    Four quarter notes after four quarter notes give 0.5, after a half note and two quarter notes 1.
    """
    if m.bar == 0 or m.bar_notes(0) == 0:
        return 0.0
    likeness = m.rhythm_likeness(1)
    if likeness < ALIKE_FROM:
        return likeness / ALIKE_FROM
    if likeness > ALIKE_TO:
        return 1.0 - 0.5 * (likeness - ALIKE_TO) / (1.0 - ALIKE_TO)
    return 1.0


@reward_term(at="bar_end", low=0, high=1)
def rhythmic_echo(m: Moment, bars: int = 2) -> float:
    """At a bar's end: how like its rhythm is to that of the bar two bars before, from .4 to .8 as 0 to 1.

    Phrases answer each other in rhythm before they do in pitch; tunes are built of pairs of bars, and in German songs
    25 of 100 bars have exactly the rhythm of the last but one, 18 that of the last. Bars of fewer than two notes
    give 0. `bars` sets how far back it looks.

    Two quarter notes and a half note, any other bar, two quarter notes and a half note: the third bar gives 1.
    """
    if m.bar < bars or m.bar_notes(0) < FEWEST_ONSETS:
        return 0.0
    return min(max(m.rhythm_likeness(bars) - ECHO_FROM, 0.0) / (ECHO_TO - ECHO_FROM), 1.0)


@reward_term(at="bar_end", low=-1, high=0)
def varied_rhythm(m: Moment) -> float:
    """At a bar's end: -1 if the two bars before it had its rhythm, -0.5 if one of them did; else 0.

    The same rhythm a third time is a pattern that runs by itself. One bar in 100 of jazz solos is such, but 12 of
    fiddle tunes, which are danced to. Random durations hardly ever repeat a bar: this term is against machines that do,
    and need not tell music from noise. Silent bars give 0.

    Four quarter notes in three bars give 0, -0.5 and -1.
    """
    if m.bar == 0 or m.bar_notes(0) == 0:
        return 0.0
    value = 0.0
    if m.bar_rhythm(0) == m.bar_rhythm(1):
        value -= 0.5
    if m.bar_rhythm(0) == m.bar_rhythm(2):
        value -= 0.5
    return value


@reward_term(at="note", low=-1, high=1)
def even_lines(m: Moment) -> float:
    """Within a line: 1 for a note as long as the one before, -1 for going between straight and triplet lengths; else 0.

    Lines flow in equal notes, or in lengths of which one is a multiple of the other; a triplet eighth beside a straight
    one stumbles. Of 100 notes of jazz solos 48 earn it and nine lose by it, of the same notes in a random order 27 and
    22. A line is what is not parted by a rest. Paid by the pulse.

    An eighth after an eighth gives 1, a quarter after an eighth 0, an eighth after a triplet eighth -1.
    """
    last = m.previous(1).ticks
    is_in_line = (m.num_notes > 1) & (m.rest_before == 0)
    longer, shorter = max(last, m.ticks), max(min(last, m.ticks), 1)
    times = longer / shorter
    is_mixed = (times != math.floor(times)) & ((longer % 3 != 0) | (shorter % 3 != 0))
    value = 1.0 if last == m.ticks else (-1.0 if is_mixed else 0.0)
    return value * m.pulse_share if is_in_line else 0.0


def is_triplet(ticks: int) -> bool:
    """Whether a length is that of a triplet eighth or quarter."""
    return (ticks == TRIPLET_EIGHTH) | (ticks == QUARTER_TRIPLET)


@reward_term(at="note", low=-1, high=0)
def whole_triplets(m: Moment) -> float:
    """-1 for a note on a triplet's second or third place that does not fit into a triplet; else 0. Paid by the pulse.

    It fits if it lasts a triplet eighth or a triplet quarter, and if what it follows, a note or a rest, does so as well
    or ends a silence begun on such a place. Half of the notes on triplet places fit in transcribed jazz solos, all in
    fiddle tunes, and four of 100 in a random order.

    Three triplet eighths give 0; an eighth note after the first of them gives -1.
    """
    place = m.tick_in_bar % QUARTER
    is_on_triplet = (place == TRIPLET_EIGHTH) | (place == QUARTER_TRIPLET)
    last = m.previous(1).ticks
    was_whole = (m.num_notes < 2) | is_triplet(last)
    rest_was_whole = (m.tick_in_bar - m.rest_before) % TRIPLET_EIGHTH == 0
    is_whole = is_triplet(m.ticks) & (rest_was_whole if m.rest_before > 0 else was_whole)
    return -m.pulse_share if is_on_triplet & (not is_whole) else 0.0


def line_ends(m: Moment) -> bool:
    """Whether the silence after a line has just become an eighth or longer."""
    return (m.is_rest == 1) & (m.num_notes > 0) & (m.silence >= EIGHTH) & (m.silence - m.ticks < EIGHTH)


@reward_term(at="event", low=-1, high=1)
def breathing(m: Moment) -> float:
    """1 for an eighth's rest after 4 to 16 notes, less if they filled less than a bar; -1 a bar for more than two bars.

    Players of wind instruments breathe, and the others phrase as if they did: eight notes or so, then a rest. The
    reward grows with the line's length up to a bar, so that chopping a line earns no more; a line without a rest
    costs, from its third bar on, its length in bars. Half of the lines of jazz solos have 3 to 11 notes, and half of
    them take less than three quarters of a bar. For tunes without rests (fiddle) and songs with fermatas it is no rule,
    and a random order of their notes and rests breathes as well: it tells nothing of music but that it can be blown.

    Eight eighth notes and an eighth rest give 1 for the rest; four of them 0.5.
    """
    over = min(m.ticks, m.line_ticks - LINE_BARS * m.bar_ticks)
    breathless = -min(max(over, 0) / m.bar_ticks, 1.0)
    has_length = (m.line_notes >= FEWEST_IN_LINE) & (m.line_notes <= MOST_IN_LINE)
    breath = min(m.line_ticks / m.bar_ticks, 1.0) if line_ends(m) & has_length else 0.0
    return breathless if m.is_rest == 0 else breath


@reward_term(at="phrase_end", low=-1, high=1)
def phrase_breath(m: Moment) -> float:
    """At a phrase's end: 1 for a rest, 0.5 for a note of a beat or more, 0 for a shorter one, -1 for one held over it.

    Phrases are told apart by the gap between them: a rest, or a long note (Lerdahl and Jackendoff, A Generative Theory
    of Tonal Music, 1983, the grouping preference rule of slur and rest). A rest counts from an eighth on. Songs and
    tunes hardly hold a note over the end of four bars, jazz solos do in one case of five; in a random order it is 33
    to 63 of 100.

    Four bars that end with a quarter rest give 1, with a quarter note 0.5, with an eighth note 0.
    """
    if m.is_rest:
        return 1.0 if m.silence >= EIGHTH else 0.0
    if m.ticks > m.ticks_to_phrase_end:
        return -1.0
    return 0.5 if m.ticks >= m.beat_ticks else 0.0


@reward_term(at="phrase_end", low=-1, high=1)
def lengthened_ending(m: Moment) -> float:
    """At a phrase's end: 1 if its last note has more room than the one before had, 0 for as much, -1 for less.

    Phrases slow down at their end: the last note is longer than its neighbours (Open Music Theory, "The phrase"). Room
    is the time to the next note's onset, for the last note to the phrase's end. Of phrases of four bars of jazz
    solos 39 of 100 do and 21 do the opposite, in a random order 36 and 55. Below two notes 0.

    Quarter notes and then a half note at the end give 1, eighth notes to the very end 0.
    """
    if m.phrase_notes < 2:
        return 0.0
    phrase_end = m.onset + m.ticks_to_phrase_end
    last, before = m.onset, m.previous(1).onset
    if m.is_rest:
        last, before = before, m.previous(2).onset
    room, room_before = phrase_end - last, last - before
    if room == room_before:
        return 0.0
    return 1.0 if room > room_before else -1.0


@reward_term(at="event", low=0, high=1)
def offbeat_phrasing(m: Moment) -> float:
    """For a line of three notes or more, at the rest after it: 0.5 if it began on an "and", 0.5 if it ended on one.

    Bebop lines start and stop on the "and", the second half of a beat, and so stay ahead of the rhythm section (a
    convention of jazz teachers). For styles that swing: their off-beats are written there. Of jazz solos' lines
    three in four begin off the beat and two in three end there, of songs and chorales next to none end there; a random
    order of notes begins anywhere, and rarely on the "and". The line ends with an eighth's rest.

    A line of eighths from the "and" of one to the "and" of four, followed by a rest, gives 1.
    """
    if not line_ends(m) or m.line_notes < FEWEST_SWUNG:
        return 0.0
    half = m.beat_ticks // 2
    last = m.previous(1)
    start = last.onset + last.ticks - m.line_ticks
    value = 0.0
    if start % m.beat_ticks == half:
        value += 0.5
    if last.onset % m.beat_ticks == half:
        value += 0.5
    return value
