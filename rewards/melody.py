"""Reward terms for the melody by itself: how it moves and where it lies."""

from __future__ import annotations

from rlcompose.engine.layout import CHORD_TONE, OUTSIDE, PAST_BARS
from rlcompose.engine.moment import Moment
from rlcompose.reward import reward_term

# Conditions are joined by & and |, which ask both sides, and values are chosen at the end: without branches a term is
# asked of several moments at once (see `MomentType`). Where that cannot be, a test that most notes fail stands first.

STEP = 2  # a second
SKIP = 3  # from a third up a move counts as a skip
THIRD = 4
LEAP = 5  # from a fourth up a move counts as a leap
FIFTH = 7
OCTAVE = 12
TRITONE, MINOR_SIXTH, MAJOR_SIXTH, MINOR_SEVENTH, MAJOR_SEVENTH = 6, 8, 9, 10, 11
LEADING_TONE = 11  # semitones above the tonic

# Two octaves around the tonic: from the dominant below it to the dominant above the next one.
COMFORTABLE_LOWEST = -5
COMFORTABLE_HIGHEST = 19

MINOR_MODES = (1, 2)  # numbers of minor and dorian: their tonic triad has a minor third

# The two skips, from the lower note up, by which three notes outline a triad (in root position, first and second
# inversion) or divide an octave into fifth and fourth; coded as 64 x lower + upper, since no skip is that wide.
TRIADIC_SKIPS = (
    *(4 * 64 + 3, 3 * 64 + 5, 5 * 64 + 4),  # major
    *(3 * 64 + 4, 4 * 64 + 5, 5 * 64 + 3),  # minor
    *(3 * 64 + 3, 3 * 64 + 6, 6 * 64 + 3),  # diminished
    4 * 64 + 4,  # augmented
    *(7 * 64 + 5, 5 * 64 + 7),  # an octave
)

RUN_REACH = 8  # intervals that a look back at a run takes in
LONG_RUN = 4  # intervals one way that make a line of its own
AIM_NOTES = 8  # so many notes should get somewhere

FEWEST_NOTES = 4  # of a phrase that has a shape
CLIMAX_FROM, CLIMAX_TO = 0.4, 0.8  # shares of the phrase; where teachers of composition put it, no measured figure

# The autocorrelation of twelve notes: the strongest of three lags is below .53 to .66 in three quarters of real
# stretches and below .69 to .78 in 95 of 100, depending on the style.
CONTOUR_NOTES = 12
CONTOUR_FREE, CONTOUR_WIDTH = 0.6, 0.2


@reward_term(at="note", low=-1, high=1)
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
    size = abs(m.interval)
    value = 0.5 * ((size <= STEP) + (size <= THIRD) - (size > FIFTH) - (size > OCTAVE))
    is_off_scale = (value > 0.0) & (m.tone == OUTSIDE) & (m.chord_root >= 0)
    counts = (size > 0) & (m.is_on_grid | (size > FIFTH))
    return (0.5 * value if is_off_scale else value) * m.pulse_share if counts else 0.0


@reward_term(at="note", low=-1, high=0.5)
def leap_recovery(m: Moment) -> float:
    """After a leap of a fourth or more: 0.5 for turning back by a step or third, 0 for a wider one, -1 for going on.

    Leaps are followed by a move the other way (Fux, Gradus ad Parnassum, 1725; Meyer, Explaining Music, 1973,
    "gap-fill"; Huron 2006 shows that in much music it is regression to the mean). Repeating the leap's goal gives 0.
    Paid by the pulse, as `stepwise_motion`.

    C up to A, then G as a quarter note gives 0.5; C up to A, then up to C gives -1.
    """
    leap = m.previous(1).interval
    goes_on = (leap > 0) == (m.interval > 0)
    value = -1.0 if goes_on else (0.5 if abs(m.interval) <= THIRD else 0.0)
    counts = (abs(leap) >= LEAP) & (m.interval != 0)
    return value * m.pulse_share if counts else 0.0


@reward_term(at="note", low=-1, high=0)
def varied_pitch(m: Moment) -> float:
    """-1 for repeating the last pitch, -0.5 for going to and fro between two pitches; else 0. Paid by the pulse.

    Repetition of single notes is rarer than steps in every style measured (5 % of the intervals in jazz solos, 7 to 9 %
    in fiddle tunes), and both are the cheapest ways out of other rules (Jaques et al. 2017, "excessive repetition").

    C C as quarter notes gives -1 for the second; in C D C D the last gives -0.5.
    """
    third = m.previous(3)
    is_repeated = (m.num_notes > 1) & (m.interval == 0)
    to_and_fro = (third.ticks > 0) & (m.pitch == m.previous(2).pitch) & (m.previous(1).pitch == third.pitch)
    return (-1.0 if is_repeated else (-0.5 if to_and_fro else 0.0)) * m.pulse_share


@reward_term(at="note", low=-1, high=0)
def comfortable_range(m: Moment) -> float:
    """0 within two octaves around the tonic (-5 to 19 semitones), falling by 1/6 for each semitone outside, to -1.

    Melodies keep to about an octave and a half, returning from the edges (von Hippel and Huron, Music Perception 18,
    2000); of real 8-bar windows of jazz solos the middle half spans 16 to 23 semitones. Paid by the pulse, as
    `stepwise_motion`.

    It looks at each note by itself, so the same notes in another order give the same.

    A quarter note 22 semitones above the tonic gives -0.5.
    """
    outside = max(COMFORTABLE_LOWEST - m.pitch, m.pitch - COMFORTABLE_HIGHEST, 0)
    return -min(outside / 6.0, 1.0) * m.pulse_share


def last_run(m: Moment) -> tuple[int, int]:
    """How many intervals (8 at most) before the present one went one way, and how far; repetitions are passed over."""
    length, span = 0, 0
    goes_on = True
    for interval in (m.previous(1).interval, m.previous(2).interval, m.previous(3).interval):
        goes_on = goes_on & (interval * span >= 0)
        length += goes_on & (interval != 0)
        span += interval if goes_on else 0
    if not goes_on:
        return length, span
    for k in range(4, RUN_REACH + 1):
        interval = m.previous(k).interval
        if interval * span < 0:
            break
        length += interval != 0
        span += interval
    return length, span


@reward_term(at="note", low=-1, high=1)
def tonal_beginning(m: Moment) -> float:
    """For the first note of the piece: 1 for the tonic, 0.5 for another tone of the first chord, -1 for any other.

    A melody says at once where it is at home (Fux, Gradus ad Parnassum, 1725, begins on a perfect consonance; Jaques et
    al. 2017 pay a piece that begins with the tonic). Tunes with an upbeat begin on the fifth, a tone of the tonic
    chord. Where no chord is given the tonic triad stands for it. Bach's sopranos keep to it without exception,
    German songs in 97 of 100 cases, and half of the jazz solos. Once a piece.

    Over C in C major, beginning with C gives 1, with E 0.5, with D -1.
    """
    if m.num_notes != 1:
        return 0.0
    degree = m.pitch % 12
    if degree == 0:
        return 1.0
    if m.chord_root >= 0:
        return 0.5 if m.tone >= CHORD_TONE else -1.0
    third = 3 if m.mode in MINOR_MODES else 4
    return 0.5 if degree == third or degree == FIFTH else -1.0


@reward_term(at="note", low=-1, high=0)
def singable_leaps(m: Moment) -> float:
    """-1 for a tritone, a major sixth, a descending minor sixth, a seventh or more than an octave; else 0.

    The skips that strict counterpoint forbids, since voices miss them (Fux, Gradus ad Parnassum, 1725). Bach's
    sopranos have two such skips in 1,000 intervals, jazz solos 41; with the notes in a random order it is 75 and 330.
    Paid by the pulse.

    C up to A as a quarter note gives -1, C up to A flat 0, A flat down to C -1.
    """
    size = abs(m.interval)
    forbidden = (
        size == TRITONE
        or size == MAJOR_SIXTH
        or size == MINOR_SEVENTH
        or size == MAJOR_SEVENTH
        or size > OCTAVE
        or m.interval == -MINOR_SIXTH
    )
    return -m.pulse_share if forbidden else 0.0


@reward_term(at="note", low=-1, high=0)
def balanced_leaps(m: Moment) -> float:
    """-1 for a second skip the same way, unless the three notes outline a triad or divide an octave; else 0.

    Skips are thirds and wider. Two of them in a row lose the line, but for the triad, which the ear takes as one thing
    (textbooks of strict counterpoint after Fux, Gradus ad Parnassum, 1725); arpeggios of seventh chords pass, being
    thirds on thirds. Rare in all real music, one note in 100 of jazz solos; nine in a random order. Paid by the pulse.

    C G D upwards as quarter notes gives -1 for the D; C E G, C G C and C E G B give 0.
    """
    before = m.previous(1).interval
    is_pair = (abs(m.interval) >= SKIP) & (abs(before) >= SKIP) & ((before > 0) == (m.interval > 0))
    skips = 64 * before + m.interval if m.interval > 0 else -64 * m.interval - before
    is_triadic = False
    for triadic in TRIADIC_SKIPS:
        is_triadic = is_triadic | (skips == triadic)
    return -m.pulse_share if is_pair & (not is_triadic) else 0.0


@reward_term(at="note", low=-1, high=0)
def consonant_outline(m: Moment) -> float:
    """At a turn: -1 if the run before it, two intervals or more, outlined a tritone, seventh or ninth; else 0.

    The ear joins the notes at which a line turns; textbooks of strict counterpoint want their interval consonant.
    Repeated notes are passed over, and a run is followed back over eight intervals. Six notes of 100 in jazz solos,
    where lines climb to sevenths, two in songs and chorales. Paid by the pulse of the note that shows the turn.

    F G A B A as quarter notes gives -1 for the last A: F to B is a tritone. F G A B C B gives 0.
    """
    # Most notes turn after no such run, and the two intervals before them tell.
    one, two = m.previous(1).interval, m.previous(2).interval
    if max(one * m.interval, two * m.interval) > 0 or m.interval == 0:
        return 0.0
    length, span = last_run(m)
    size = abs(span)
    dissonant = (size == TRITONE) | (size == MINOR_SEVENTH) | (size == MAJOR_SEVENTH)
    dissonant = dissonant | ((size > OCTAVE) & (size <= OCTAVE + STEP))
    turns = (length >= 2) & (span * m.interval < 0)
    return -m.pulse_share if turns & dissonant else 0.0


@reward_term(at="note", low=-1, high=0)
def bounded_runs(m: Moment) -> float:
    """0 while a run one way spans an octave or less, then -1/6 for each semitone more, to -1.

    A line that runs on and on leaves its register; textbooks of strict counterpoint stop it at an octave or before.
    Six notes of 100 in jazz solos lie beyond, 20 in a random order; nearly none in songs. Repeating a note ends
    the run. Paid by the pulse.

    A run that has come up 15 semitones to a quarter note gives -0.5.
    """
    return -min(max(abs(m.run_span) - OCTAVE, 0) / 6.0, 1.0) * m.pulse_share


@reward_term(at="note", low=0, high=1)
def turning_lines(m: Moment) -> float:
    """For turning after a run of four intervals one way 0.5, of five 0.75, of six or more 1; else 0.

    A line that has gone somewhere and then turns has a shape: scales and arpeggios are such runs. Notes in a random
    order turn at two intervals of three, so they hardly ever get that far: 0.5 notes of 100 complete it there, 3 in
    songs, 7 in jazz solos. Paid by the pulse.

    C D E F G F as quarter notes gives 0.5 for the last F.
    """
    # Most notes turn after no such run, and the three intervals before them tell.
    one, two, three = m.previous(1).interval, m.previous(2).interval, m.previous(3).interval
    if max(one * m.interval, two * m.interval, three * m.interval) > 0 or m.interval == 0:
        return 0.0
    length, span = last_run(m)
    if length < LONG_RUN or span * m.interval > 0:
        return 0.0
    return min(length - LONG_RUN + 2, 4) / 4.0 * m.pulse_share


@reward_term(at="phrase_end", low=-1, high=1)
def single_climax(m: Moment) -> float:
    """At a phrase's end: 1 if its highest pitch was heard once, 0 if twice, -1 if oftener; 0 below four notes.

    A phrase has one climax, and repeating it takes from its force (Jaques et al. 2017 pay a unique highest note). 42 to
    67 of 100 phrases of four bars have a single one. Notes in a random order have it as often, since most heights
    come seldom: it is an aim for a line, and no test of one.

    C E G F D C over four bars gives 1, C G E G D C 0.
    """
    if m.phrase_notes < FEWEST_NOTES:
        return 0.0
    return max(2.0 - m.phrase_highest_count, -1.0)


@reward_term(at="phrase_end", low=-1, high=1)
def single_low_point(m: Moment) -> float:
    """At a phrase's end: 1 if its lowest pitch was heard once, 0 if twice, -1 if oftener; 0 below four notes.

    The counterpart of the single climax (Jaques et al. 2017 pay a unique lowest note), against lines that keep falling
    back on one note. 45 to 70 of 100 phrases of four bars have a single one, and random orders as often.

    G E C D E G over four bars gives 1, G C E C D G 0.
    """
    if m.phrase_notes < FEWEST_NOTES:
        return 0.0
    return max(2.0 - m.phrase_lowest_count, -1.0)


@reward_term(at="phrase_end", low=-1, high=1)
def climax_placement(m: Moment) -> float:
    """At a phrase's end: 1 if its highest pitch came first at 40 to 80 % of it, falling to -1 at its two ends.

    A phrase rises to its climax and leaves room for coming down; where exactly is a convention of teachers, no law of
    music: of four-bar phrases of songs 63 of 100 lie near it, of Chinese tunes 46, of notes in a random order 60.
    Below four notes 0.

    With the highest note on the first beat of the third bar of four it gives 1, of the first bar -1.
    """
    if m.phrase_notes < FEWEST_NOTES:
        return 0.0
    length = m.bar_in_phrase * m.bar_ticks + m.tick_in_bar + m.ticks_to_phrase_end
    share = m.phrase_highest_onset / length
    if share < CLIMAX_FROM:
        return 2.0 * share / CLIMAX_FROM - 1.0
    if share > CLIMAX_TO:
        return 2.0 * (1.0 - share) / (1.0 - CLIMAX_TO) - 1.0
    return 1.0


def difference(m: Moment, k: int) -> int:
    """How far the note k back is from the present one in pitch and length together: 0 where both are the same."""
    note = m.previous(k)
    return abs(m.pitch - note.pitch) + abs(m.ticks - note.ticks)


def repeats_last(m: Moment, size: int) -> bool:
    """Whether the last notes, that many, are the same in pitch and length as the ones before them."""
    repeats = (difference(m, size) == 0) & (m.previous(2 * size - 1).ticks > 0)
    for k in range(1, size):
        one, other = m.previous(k), m.previous(k + size)
        repeats = repeats & (one.pitch == other.pitch) & (one.ticks == other.ticks)
    return repeats


@reward_term(at="note", low=-1, high=0)
def unlooped(m: Moment) -> float:
    """-1 when the last two, three or four notes are the same in pitch and length as those before them; else 0.

    Two or three of 100 notes of real tunes end such a figure, one of jazz solos and chorales, so it costs them little.
    Noise has fewer: the term is there against loops, which strong optimisers come to under most other rules. Returns
    after other notes are not touched. Paid by the pulse.

    C D C D as quarter notes gives -1 for the last D, and so does the last E of C D E C D E.
    """
    # Most notes end no such figure, and the notes two to four back tell, the fourth by where the third came from.
    three = m.previous(3)
    if min(difference(m, 2), difference(m, 3), abs(m.pitch - three.pitch + three.interval)) > 0:
        return 0.0
    if repeats_last(m, 2) or repeats_last(m, 3) or repeats_last(m, 4):
        return -m.pulse_share
    return 0.0


@reward_term(at="note", low=-1, high=0)
def purposeful_motion(m: Moment) -> float:
    """-1 when the last eight notes lie within a minor third, -0.5 within a major third; else 0. Paid by the pulse.

    Circling about a few notes has no aim. Of real stretches of eight notes 2 to 9 of 100 are that narrow, so a passing
    trill costs little and staying there costs all the time. Noise is wider than music: the term is there against
    machines that hide in a corner.

    C D C D C D C D as quarter notes gives -1 for the last D, C D E D C D E D -0.5.
    """
    lowest = highest = m.pitch
    # Most lines are wider than that within four notes.
    for k in range(1, 4):
        pitch = m.previous(k).pitch
        lowest, highest = min(lowest, pitch), max(highest, pitch)
    if (m.num_notes < AIM_NOTES) | (highest - lowest >= LEAP):
        return 0.0
    for k in range(4, AIM_NOTES):
        pitch = m.previous(k).pitch
        lowest, highest = min(lowest, pitch), max(highest, pitch)
    span = highest - lowest
    value = 0.0 if span >= LEAP else (-0.5 if span == THIRD else -1.0)
    return value * m.pulse_share


@reward_term(at="note", low=-0.5, high=1)
def resolved_leading_tone(m: Moment) -> float:
    """After the leading tone: 1 for the tonic above it, 0.5 for the tonic a note later, -0.5 for neither; else 0.

    The seventh degree tends to the tonic, more strongly than any other (Open Music Theory). As the major seventh of the
    tonic chord it is at rest and owes nothing. Songs and chorales resolve it oftener than not, random orders leave
    it in two cases of three. Paid by the pulse.

    B C as quarter notes in C gives 1, B A C 0.5 for the C, and B A G -0.5 for the G.
    """
    # Where there is no note before, its pitch is no leading tone either.
    last, before = m.previous(1), m.previous(2)
    is_leading = last.pitch % 12 == LEADING_TONE
    is_resolved = is_leading & (last.degree != LEADING_TONE) & (m.pitch == last.pitch + 1)
    was_leading = (before.pitch % 12 == LEADING_TONE) & (before.degree != LEADING_TONE)
    is_late = was_leading & (not is_leading) & (last.pitch != before.pitch + 1)
    late = 0.5 if m.pitch == before.pitch + 1 else -0.5
    return (1.0 if is_resolved else (late if is_late else 0.0)) * m.pulse_share


@reward_term(at="phrase_end", low=-1, high=1)
def stepwise_ending(m: Moment) -> float:
    """At a phrase's end: 1 if its last note was reached by step, 0 by a third or a repetition, -1 by a leap.

    The last note of a line is approached by step (Fux, Gradus ad Parnassum, 1725, closes every cantus firmus so). 43 to
    68 of 100 real phrases of four bars do, 19 to 30 in a random order. Below two notes 0.

    G F E at the end of a phrase gives 1, G C -1.
    """
    if m.phrase_notes < 2:
        return 0.0
    size = abs(m.interval) if m.is_note else abs(m.previous(1).interval)
    if size == 0:
        return 0.0
    if size <= STEP:
        return 1.0
    return 0.0 if size <= THIRD else -1.0


@reward_term(at="note", low=-1, high=1)
def filled_leaps(m: Moment) -> float:
    """Two notes after a leap of a fourth or more: 1 if both go on inside it by steps or thirds, -1 if both lie outside.

    A leap opens a gap that the notes after it fill (Meyer, Explaining Music, 1973, "gap-fill"). Inside is between its
    two pitches, which themselves count as neither. Else 0. Any note drawn at random is likelier to lie inside a wide
    leap than outside (von Hippel and Huron, Music Perception 18, 2000), so filling counts only where it goes note by
    note. Paid by the pulse.

    C up to A, then G F as quarter notes, gives 1 for the F; C up to A, then B C gives -1.
    """
    start, goal, first = m.previous(3), m.previous(2), m.previous(1)
    low, high = min(start.pitch, goal.pitch), max(start.pitch, goal.pitch)
    is_inside = (low < first.pitch) & (first.pitch < high) & (low < m.pitch) & (m.pitch < high)
    is_outside = ((first.pitch < low) | (first.pitch > high)) & ((m.pitch < low) | (m.pitch > high))
    is_filled = is_inside & (abs(first.interval) <= THIRD) & (m.interval != 0) & (abs(m.interval) <= THIRD)
    is_leap = (start.ticks > 0) & (abs(goal.interval) >= LEAP)
    value = 1.0 if is_filled else (-1.0 if is_outside else 0.0)
    return value * m.pulse_share if is_leap else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def unpredictable_contour(m: Moment) -> float:
    """At a bar's end: 0 while the last twelve pitches foretell each other no more than in real music; falls to -1.

    Measured by their autocorrelation at one, two and three notes: the strongest, up or down, counts as 0 up to .6 and
    as -1 from .8. Jaques et al. 2017 ask for less than .15, which real melodies do not keep: neighbouring notes
    are near each other, and half of all stretches have more than .4. So a random order of notes passes, and this
    term need not tell it from music: it is there against trills, loops and endless scales.

    Twelve notes of a trill C D C D give -1, a chromatic scale of twelve -0.75, C E G E D F E D C E D C 0.
    """
    if m.num_notes < CONTOUR_NOTES:
        return 0.0
    # One pass over the N notes, the newest first. With their sum S, N squared times the covariance at a lag is
    # N^2 x the sum of products - N x S x (the sum over all but the first, and that over all but the last, `lag` notes)
    # + (N - lag) x S^2.
    shift = 0 if m.is_note else 1
    total, squares = 0, 0
    one, two, three = 0, 0, 0  # the notes one, two and three later
    with_one, with_two, with_three = 0, 0, 0
    for k in range(CONTOUR_NOTES):
        pitch = m.pitch if k + shift == 0 else m.previous(k + shift).pitch
        total += pitch
        squares += pitch * pitch
        with_one += pitch * one
        with_two += pitch * two
        with_three += pitch * three
        one, two, three = pitch, one, two
    first = m.pitch if shift == 0 else m.previous(1).pitch
    second, third = m.previous(shift + 1).pitch, m.previous(shift + 2).pitch
    last = CONTOUR_NOTES - 1 + shift
    oldest, older, old = m.previous(last).pitch, m.previous(last - 1).pitch, m.previous(last - 2).pitch
    size = CONTOUR_NOTES
    variance = size * size * squares - size * total * total
    ends = oldest + first
    strongest = abs(size * size * with_one - size * total * (2 * total - ends) + (size - 1) * total * total)
    ends += older + second
    covariance = size * size * with_two - size * total * (2 * total - ends) + (size - 2) * total * total
    strongest = max(strongest, abs(covariance))
    ends += old + third
    covariance = size * size * with_three - size * total * (2 * total - ends) + (size - 3) * total * total
    strongest = max(strongest, abs(covariance))
    if variance == 0:
        return -1.0
    return -min(max(strongest / variance - CONTOUR_FREE, 0.0) / CONTOUR_WIDTH, 1.0)


@reward_term(at="phrase_end", low=-1, high=1)
def arched_phrase(m: Moment) -> float:
    """At a phrase's end: 1 if the mean of its middle notes lies above its first and its last one, -1 if below both.

    The arch is the commonest shape of a phrase in western folksongs (Huron, "The melodic arch in Western folksongs",
    Computing in Musicology 10, 1996, whose measure this is: first note, mean of all notes between, last note). 0 for
    rising, falling and level phrases, and for those of fewer than four notes. Of four-bar phrases of German songs 31 of
    100 are arches and 11 bowls; in a random order both are a quarter.

    C E G E D C over four bars gives 1, G E C E F G -1.
    """
    if m.phrase_notes < FEWEST_NOTES or m.bar_in_phrase >= PAST_BARS:
        return 0.0
    total = 0
    for k in range(m.bar_in_phrase + 1):
        total += m.bar_pitch_sum(k)
    last = m.pitch if m.is_note else m.previous(1).pitch
    middle = total - m.phrase_first - last
    notes = m.phrase_notes - 2
    if middle > notes * m.phrase_first and middle > notes * last:
        return 1.0
    return -1.0 if middle < notes * m.phrase_first and middle < notes * last else 0.0
