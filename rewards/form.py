"""Reward terms for what holds a piece together: motifs that return, bars that answer, phrases and sections that end.

A loop is the cheapest form there is, and what optimisers find first. So what returns is paid less each time, a copy
less than a variation, and likeness only up to a plateau.
"""

from __future__ import annotations

from rlcompose.engine.layout import CHORD_TONE, CONTOUR_BITS, CONTOUR_SLICES, LOWEST_PITCH, SCALE_TONE
from rlcompose.engine.moment import CONTOUR_MASK, Moment, ones_in
from rlcompose.reward import reward_term

NEARBY_EVENTS = 3  # a cell overlaps with one that ended less than three events ago
RING = 14  # how far back `previous` reaches
FEW_NOTES = 3  # a bar of fewer has no shape of its own
ALIKE = 0.75  # from here on a likeness counts as a return: more of it is not better
UNLIKE = 0.25  # what bars of one piece have in common anyhow
FOURTH = 5  # the widest move of a sequence
MOVED = 4  # semitones by which a line's middle may move from four bars to the next four
MOVED_FAR = 10


# --- what two bars have in common -------------------------------------------------------------------------------------


def shared_rhythm(m: Moment, a: int, b: int) -> float:
    """How alike the rhythms of the bars a and b bars ago are, 0 to 1: onsets in common over all; 0 for silent bars."""
    ours, theirs = m.bar_rhythm(a), m.bar_rhythm(b)
    either = ours | theirs
    if either == 0:
        return 0.0
    return ones_in(ours & theirs) / ones_in(either)


def shared_pitches(m: Moment, a: int, b: int) -> float:
    """How alike the pitches of the bars a and b bars ago are, 0 to 1; 0 for silent bars.

    Share of the eighth parts of the bar that have the same pitch among those that have one in either bar.
    """
    ours, theirs = m.bar_contour(a), m.bar_contour(b)
    same, sounding = 0, 0
    for part in range(CONTOUR_SLICES):
        pitch = ours >> part * CONTOUR_BITS & CONTOUR_MASK
        other = theirs >> part * CONTOUR_BITS & CONTOUR_MASK
        if pitch > 0 or other > 0:
            sounding += 1
            same += 1 if pitch == other else 0
    return same / max(sounding, 1)


def shared_shape(m: Moment, a: int, b: int) -> float:
    """How alike the shapes of the bars a and b bars ago are, 0 to 1: as `shared_pitches`, one bar moved up or down.

    Within a semitone, since a shape that moves along a scale meets whole and half steps in other places.
    """
    ours, theirs = m.bar_contour(a), m.bar_contour(b)
    most, sounding = 0, 0
    for part in range(CONTOUR_SLICES):
        pitch = ours >> part * CONTOUR_BITS & CONTOUR_MASK
        other = theirs >> part * CONTOUR_BITS & CONTOUR_MASK
        sounding += 1 if pitch > 0 or other > 0 else 0
        if pitch == 0 or other == 0:
            continue
        same = 0
        for another in range(CONTOUR_SLICES):
            one = ours >> another * CONTOUR_BITS & CONTOUR_MASK
            two = theirs >> another * CONTOUR_BITS & CONTOUR_MASK
            if one > 0 and two > 0 and 0 <= (one - two) - (pitch - other) <= 1:
                same += 1
        most = max(most, same)
    return most / max(sounding, 1)


def is_copy(m: Moment, k: int) -> bool:
    """Whether the present bar is the one k bars ago, note for note as far as its eighth parts tell."""
    return m.bar_rhythm(0) == m.bar_rhythm(k) and m.bar_contour(0) == m.bar_contour(k)


def between(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, a straight line between."""
    return min(max((value - low) / (high - low), 0.0), 1.0)


# --- notes counted back from the present one, which is number 0 -------------------------------------------------------


def pitch_back(m: Moment, k: int) -> int:
    """Pitch of the k-th note back."""
    return m.pitch if k == 0 else m.previous(k).pitch


def ticks_back(m: Moment, k: int) -> int:
    """Length of the k-th note back."""
    return m.ticks if k == 0 else m.previous(k).ticks


def onset_back(m: Moment, k: int) -> int:
    """Onset of the k-th note back."""
    return m.onset if k == 0 else m.previous(k).onset


def interval_back(m: Moment, k: int) -> int:
    """Interval that leads to the k-th note back."""
    return m.interval if k == 0 else m.previous(k).interval


# --- motifs -----------------------------------------------------------------------------------------------------------


@reward_term(at="note", low=0, high=1)
def motif(m: Moment) -> float:
    """The return of a motif: 1 the first time and half as much each further time; an exact copy half of a moved one.

    A motif is the last two intervals with the two notes' lengths. It counts if it moved at all, does not overlap with
    its last appearance, and its last note begins on a sixteenth or a triplet eighth. Diminishing returns, since a
    strong optimiser otherwise copies one loop for ever (an 11-note loop is the best-paid piece known under RL Tuner's
    rules); more for transposed returns than for copies, since sequence is what development is made of (Schoenberg,
    Fundamentals of Musical Composition, 1967, chapter 3). Paid by the pulse.

    C D E as quarter notes, later F G A for the first time: 1 for the A; C D E again instead: 0.5 for the E.
    """
    # Most cells are new, and that is all that is asked of them.
    if m.matches == 0 or m.match_ago < NEARBY_EVENTS or not m.is_on_grid:
        return 0.0
    if m.interval == 0 and m.previous(1).interval == 0:
        return 0.0
    value = 0.5 ** (m.matches - 1)
    if m.match_transposition == 0:
        value *= 0.5
    return value * m.pulse_share


def sequence_shift(m: Moment, size: int) -> int:
    """Semitones by which the last `size` notes are those before them, moved along; 0 where they are not."""
    if m.num_notes < 2 * size or m.run >= 2 * size - 1:
        return 0
    shift = m.pitch - pitch_back(m, size)
    lowest, highest = shift, shift
    moves = 0
    for k in range(size):
        if ticks_back(m, k) != ticks_back(m, k + size):
            return 0
        here = pitch_back(m, k) - pitch_back(m, k + size)
        lowest, highest = min(lowest, here), max(highest, here)
        if k < size - 1 and interval_back(m, k) != 0:
            moves += 1
    if moves == 0 or highest - lowest > 1 or lowest <= 0 <= highest or lowest < -FOURTH or highest > FOURTH:
        return 0
    return shift


def sequence_fault(m: Moment, size: int) -> int:
    """By how much the present note misses being the last of a moved cell of so many notes; see `sequence_shift`."""
    note = m.previous(size)
    moved_on = abs(m.interval - note.interval)
    return max(abs(m.ticks - note.ticks), abs(m.pitch - note.pitch) - FOURTH, moved_on - 1)


@reward_term(at="note", low=-0.5, high=1, memory=3)
def sequence(m: Moment) -> float:
    """A cell of three or four notes played again on another step: 1 the first time, 0.5 the second, then -0.5.

    The cell follows upon itself in the same rhythm, each of its notes moved the same way by 1 to 5 semitones (equally,
    or along a scale: the moves differ by a semitone at most). A scale in one direction is none. The textbook's rule is
    two or three statements, then something else; on and on it is mechanical, and an optimiser's way. Paid by the pulse.

    C E D, D F E, E G F, F A G in quarter notes gives 1 for the second E, 0.5 for the F, -0.5 for the last G.
    """
    # Most notes end no such cell, and the note a cell before them tells.
    if min(sequence_fault(m, 3), sequence_fault(m, 4)) > 0:
        return 0.0
    size = 0
    if sequence_shift(m, 4) != 0:
        size = 4
    elif sequence_shift(m, 3) != 0:
        size = 3
    if size == 0:
        return 0.0
    # memory: number of the note with which a sequence was paid last, its size, how often it was repeated
    since = m.num_notes - m.memory[0]
    if m.memory[2] > 0.0 and since < m.memory[1]:
        return 0.0
    times = m.memory[2] + 1.0 if m.memory[2] > 0.0 and since == m.memory[1] else 1.0
    m.memory[0], m.memory[1], m.memory[2] = m.num_notes, size, times
    value = -0.5
    if times == 1.0:
        value = 1.0
    elif times == 2.0:
        value = 0.5
    return value * m.pulse_share


def mirrors(m: Moment, size: int) -> bool:
    """Whether the last `size` notes are those before them upside down or backwards, in the same rhythm or backwards.

    Intervals may differ by a semitone, as they do when a scale is mirrored. Cells that go one way only are none.
    """
    # Most cells are none, and their last note tells, or the interval in their middle, which meets the same both ways.
    ahead, behind, first = m.previous(size), m.previous(2 * size - 2), m.previous(2 * size - 1)
    by_interval = min(abs(m.interval + ahead.interval), abs(m.interval + behind.interval))
    by_length = min(abs(m.ticks - ahead.ticks), abs(m.ticks - first.ticks))
    in_middle = abs(m.previous(size // 2 - 1).interval + m.previous(size + size // 2 - 1).interval)
    if max(by_interval - 1, in_middle - 1, by_length) > 0 or m.num_notes < 2 * size:
        return False
    inverted, reversed_, same_rhythm, reversed_rhythm, rises, falls = True, True, True, True, 0, 0
    for k in range(size):
        ticks = ticks_back(m, k)
        same_rhythm = same_rhythm and ticks == ticks_back(m, k + size)
        reversed_rhythm = reversed_rhythm and ticks == ticks_back(m, 2 * size - 1 - k)
        if k == size - 1:
            break
        interval = interval_back(m, k)
        rises += 1 if interval > 0 else 0
        falls += 1 if interval < 0 else 0
        inverted = inverted and is_mirrored(interval, interval_back(m, k + size))
        reversed_ = reversed_ and is_mirrored(interval, interval_back(m, 2 * size - 2 - k))
    if rises == 0 or falls == 0:
        return False
    return (inverted and same_rhythm) or (reversed_ and (same_rhythm or reversed_rhythm))


def is_mirrored(interval: int, other: int) -> bool:
    """Whether an interval is the other one the other way, give or take a semitone; a repeated note mirrors itself."""
    stay = (interval == 0) & (other == 0)
    return stay | ((interval * other < 0) & (abs(interval + other) <= 1))


@reward_term(at="note", low=0, high=1, memory=1)
def mirrored_motif(m: Moment) -> float:
    """1 where the last four notes are the four before them upside down (inversion) or backwards (retrograde), else 0.

    In the same rhythm; a retrograde's rhythm may be backwards, too. Intervals may differ by a semitone, since a scale's
    steps do. The cell must turn, so that no scale up and down counts, and no two mirrorings overlap. Inversion and
    retrograde are the oldest ways to vary a motif without leaving it (Schoenberg, Fundamentals of Musical Composition,
    1967, chapter 3). Paid by the pulse.

    C E D F, then F D E C in quarter notes gives 1 for the last C.
    """
    if not mirrors(m, 4) or (m.memory[0] > 0.0 and m.num_notes - m.memory[0] < 4):
        return 0.0
    m.memory[0] = m.num_notes
    return m.pulse_share


@reward_term(at="note", low=0, high=1, memory=1)
def rhythmic_variation(m: Moment) -> float:
    """1 where the last four pitches were played in this order within the last 14 notes, in another rhythm; else 0.

    At least three of the four pitches differ, and the distances between the onsets are not the same. The same notes
    at other times are a variation that every listener follows. Not twice within four notes. Paid by the pulse.

    C D E G in quarter notes, later C:6 D:6 E:6 G:18 gives 1 for the last G.
    """
    if (m.num_notes < 8) | ((m.memory[0] > 0.0) & (m.num_notes - m.memory[0] < 4)):
        return 0.0
    # Most pairs of pitches are new.
    returns = False
    last, pitch = m.previous(1).pitch, m.previous(4).pitch
    for ago in range(4, RING - 2):
        before = m.previous(ago + 1).pitch
        returns = returns | ((pitch == m.pitch) & (before == last))
        pitch = before
    if not returns:
        return 0.0
    pitches = 0
    for k in range(4):
        pitches |= 1 << pitch_back(m, k) - LOWEST_PITCH
    if ones_in(pitches) < 3:
        return 0.0
    is_varied = False
    for ago in range(4, RING - 2):
        if ago + 4 > m.num_notes or pitch_back(m, ago) != m.pitch:
            continue
        same_pitches, same_rhythm = True, True
        for k in range(1, 4):
            same_pitches = same_pitches and pitch_back(m, k) == pitch_back(m, k + ago)
            ours = onset_back(m, k - 1) - onset_back(m, k)
            same_rhythm = same_rhythm and ours == onset_back(m, k - 1 + ago) - onset_back(m, k + ago)
        if same_pitches and same_rhythm:
            return 0.0
        is_varied = is_varied or same_pitches
    if not is_varied:
        return 0.0
    m.memory[0] = m.num_notes
    return m.pulse_share


# --- bars -------------------------------------------------------------------------------------------------------------


@reward_term(at="bar_end", low=-1, high=0)
def lively_bar(m: Moment) -> float:
    """0 for a bar with three pitches or more, -0.5 for two, -1 for one or none.

    The bare minimum of an idea: RL Tuner calls three pitches within a bar a motif (Jaques et al., Sequence Tutor,
    2017). Shuffled music passes as well, and need not fail: the term is there for the bars that a lazy agent holds or
    leaves empty.

    A bar of C E G E gives 0, one of C E C E -0.5, a whole note -1.
    """
    start = m.onset - m.tick_in_bar
    pitches = 1 << m.pitch - LOWEST_PITCH if m.is_note else 0
    for k in range(1, RING + 1):
        note = m.previous(k)
        if note.ticks == 0 or note.onset < start:
            break
        pitches |= 1 << note.pitch - LOWEST_PITCH
    return -0.5 * min(max(3 - ones_in(pitches), 0), 2)


@reward_term(at="bar_end", low=0, high=1)
def returning_bar(m: Moment) -> float:
    """A bar returns from one of the last four bars: 1 for a varied return, 0.5 for a copy, shared by all its likes.

    Bars are compared by rhythm (onsets in common) times shape (parts of the bar at which they lie equally far apart, so
    that a moved bar returns as well): 0 up to a half, the full value from three quarters on. The value is divided by
    the number of bars among the last eight that are as like, so that a loop soon earns nothing. Bars of fewer than
    three notes do not count.

    C D E G, then D E F A in quarter notes gives 1 for the second bar, C D E G again 0.5.
    """
    if m.bar_notes(0) < FEW_NOTES:
        return 0.0
    best = 0.0
    alike = 0
    is_copied = False
    for k in range(1, 9):
        if m.bar_notes(k) < FEW_NOTES:
            continue
        rhythm = shared_rhythm(m, 0, k)
        if rhythm < 0.5:
            continue
        likeness = rhythm * shared_shape(m, 0, k)
        if likeness >= ALIKE:
            alike += 1
        if k <= 4:
            best = max(best, likeness)
            is_copied = is_copied or is_copy(m, k)
    value = 0.5 if is_copied else between(best, 0.5, ALIKE)
    return value / max(alike, 1)


def is_even(rhythm: int) -> bool:
    """Whether a bar's onsets are equally far apart."""
    distance, since, seen = 0, 0, False
    while rhythm > 0:
        if rhythm & 1 == 1:
            if seen and distance == 0:
                distance = since
            elif seen and since != distance:
                return False
            seen = True
            since = 0
        since += 1
        rhythm >>= 1
    return True


@reward_term(at="bar_end", low=0, high=1)
def rhythmic_motif(m: Moment) -> float:
    """1 where the rhythm of one of the last four bars returns with another melody; shared by all bars that have it.

    All onsets are the same, and the melody's shape (as in `returning_bar`) is alike at less than three quarters of the
    bar. Bars of fewer than three notes and even rhythms do not count, or running eighths would do. The value is
    divided by the number of bars among the last eight with this rhythm. A rhythm of its own holds a melody together
    while its pitches go on.

    C:18 D:6 E F, then G:18 E:6 C D gives 1 at the end of the second bar.
    """
    rhythm = m.bar_rhythm(0)
    if m.bar_notes(0) < FEW_NOTES or is_even(rhythm):
        return 0.0
    alike = 0
    returns = False
    for k in range(1, 9):
        if m.bar_rhythm(k) == rhythm:
            alike += 1
            returns = returns or (k <= 4 and shared_shape(m, 0, k) < ALIKE)
    return 1.0 / alike if returns else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def new_material(m: Moment) -> float:
    """-0.5 for a bar that copies the one before or two of the last seven; -1 for one that copies still more of them.

    A copy has the rhythm and the pitches of the other bar at every eighth part; the bar before counts as two, one
    eight bars back not at all. One return is form, the next one a loop. Bars of fewer than three notes do not
    count. Shuffled music copies nothing and is better here than real music (1 % of fiddle tunes' notes pay): the
    term says what not to do.

    C D E G in quarter notes twice in a row gives -0.5 at the end of the second bar, a third time -1.
    """
    if m.bar_notes(0) < FEW_NOTES:
        return 0.0
    copies = 0
    for k in range(1, 8):
        if is_copy(m, k):
            copies += 2 if k == 1 else 1
    return -0.5 * min(max(copies - 1, 0), 2)


@reward_term(at="bar_end", low=-1, high=0)
def steady_register(m: Moment) -> float:
    """0 while the mean pitch of the last four bars is within 4 semitones of that of the four before, to -1 at 10.

    Lines that are made note by note wander: samples of a next-note model move by 5 semitones from section to section,
    real jazz solos by 2.7. Shuffled music, whose bars all have the mean of the piece, is steadier still: the term is
    for lines that drift.

    Four bars around C4, then four bars around A4, 9 semitones higher, give -5/6 at the end of the eighth bar.
    """
    now, before, ours, theirs = 0, 0, 0, 0
    for k in range(4):
        now += m.bar_pitch_sum(k)
        ours += m.bar_notes(k)
        before += m.bar_pitch_sum(k + 4)
        theirs += m.bar_notes(k + 4)
    if ours < FEW_NOTES or theirs < FEW_NOTES:
        return 0.0
    return -between(abs(now / ours - before / theirs), MOVED, MOVED_FAR)


# --- phrases ----------------------------------------------------------------------------------------------------------


@reward_term(at="phrase_end", low=-1, high=1)
def phrase_ending(m: Moment) -> float:
    """At a phrase's end: 1 if its last note is a chord tone that lasts (with the rest after it) a beat or more; to -1.

    Phrases end on stable notes that are held or followed by a breath (Open Music Theory, "The phrase"). Half of
    the value is the note: 0.5 for a chord tone, 0 for a scale tone, -0.5 outside; half is the room after its onset: 0.5
    from a beat on, -0.5 below. A phrase whose last bar is silent gives -1. Once a phrase, whatever its notes.

    A half note on the third of the chord, ending with the phrase, gives 1.
    """
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


@reward_term(at="phrase_end", low=-0.5, high=1)
def resting_phrase(m: Moment) -> float:
    """1 if a phrase's last note has at least twice the room of the three before, 0.5 if more, 0 for as much, else -0.5.

    A note's room goes from its onset to the next one, the last note's to the end of the phrase. What parts phrases
    is a long note or a rest among shorter ones (Lerdahl and Jackendoff, A Generative Theory of Tonal Music, 1983,
    grouping preference rule 2). `phrase_ending` asks for a beat; this asks for rest after movement. Phrases of fewer
    than four notes give 0.

    Eighth notes and a half note at the end give 1; quarter notes to the end give 0.
    """
    if m.phrase_notes < 4:
        return 0.0
    at = m.is_rest  # a rest stands after the last note
    end = m.onset + m.ticks_to_phrase_end
    onset = m.previous(1).onset if m.is_rest else m.onset
    room = end - onset
    longest = 0
    later = onset
    for k in range(1, 4):
        earlier = m.previous(k + at).onset
        longest = max(longest, later - earlier)
        later = earlier
    if room >= 2 * longest:
        return 1.0
    if room > longest:
        return 0.5
    return 0.0 if room == longest else -0.5


def is_tonic(pitch: int) -> bool:
    """Whether a pitch is the key's tonic."""
    return pitch % 12 == 0


def is_third(pitch: int) -> bool:
    """Whether a pitch is the key's third, minor or major."""
    return pitch % 12 == 3 or pitch % 12 == 4


def is_open(pitch: int) -> bool:
    """Whether a pitch is the key's second, fifth or seventh, the tones of its dominant."""
    step = pitch % 12
    return step == 2 or step == 7 or step == 10 or step == 11


def is_second_phrase(m: Moment) -> bool:
    """Whether the phrase is the second of two, or the last of its section."""
    start = m.bar_in_section - m.bar_in_phrase
    return start + m.phrase_bars >= m.section_bars or start // m.phrase_bars % 2 == 1


@reward_term(at="phrase_end", low=-0.5, high=1)
def open_and_closed(m: Moment) -> float:
    """The first phrase of two ends away from home: 1 on degree 2, 5, 7, -0.5 on the tonic; the second comes home.

    The second phrase of a pair (and the last of a section) gives 1 for the tonic if the phrase before ended on degree
    2, 5 or 7, else 0.5; 0.5 for the third; -0.5 for degree 2, 5 or 7. Anything else is 0. Antecedent and
    consequent, the period's two halves (Open Music Theory, "The period"). A phrase without notes gives 0.

    In C, a first phrase that ends on G gives 1, and a second one that ends on C gives 1 after it.
    """
    if m.phrase_notes == 0:
        return 0.0
    pitch = m.previous(1).pitch if m.is_rest else m.pitch
    if is_second_phrase(m):
        if is_tonic(pitch):
            return 1.0 if m.last_phrase_end > -99 and is_open(m.last_phrase_end) else 0.5
        if is_third(pitch):
            return 0.5
        return -0.5 if is_open(pitch) else 0.0
    if is_open(pitch):
        return 1.0
    return -0.5 if is_tonic(pitch) else 0.0


def stability(pitch: int) -> int:
    """How much at rest a pitch is in the key: 3 tonic, 2 third or fifth, 1 second, fourth or sixth, 0 the others."""
    step = pitch % 12
    if step == 0:
        return 3
    if step == 3 or step == 4 or step == 7:
        return 2
    return 1 if step == 2 or step == 5 or step == 8 or step == 9 else 0


@reward_term(at="phrase_end", low=0, high=1)
def call_and_response(m: Moment) -> float:
    """The second of two phrases answers the first: its rhythm, and a more stable end; 0 to 1.

    The mean likeness of rhythms, bar by bar (onsets in common over all onsets), counts from a quarter on and no
    further than three quarters. It is halved if the end is no more stable than the last phrase's (tonic, then third and
    fifth, then second, fourth and sixth, then the rest): a question wants an answer, and a copy answers nothing.

    A second phrase with the rhythm of the first, which ended on D, gives 1 in C if it ends on C, 0.5 if on D.
    """
    if m.phrase_notes == 0 or m.last_phrase_end == -99 or not is_second_phrase(m):
        return 0.0
    likeness = 0.0
    for k in range(m.bar_in_phrase + 1):
        likeness += shared_rhythm(m, k, k + m.phrase_bars)
    value = between(likeness / (m.bar_in_phrase + 1), UNLIKE, ALIKE)
    pitch = m.previous(1).pitch if m.is_rest else m.pitch
    return value if stability(pitch) > stability(m.last_phrase_end) else 0.5 * value


@reward_term(at="phrase_end", low=0, high=1)
def parallel_phrase(m: Moment) -> float:
    """A phrase that begins like one of the two before and ends otherwise: the likeness of its beginning, 0 to 1.

    Compared are the pitches at the eight parts of each bar, of the first half of its bars with those of the phrase
    before or the one before that: from a quarter on, no further than three quarters. If the last bar
    is alike too (three quarters of its parts) it is a copy, which pays a quarter. Beginning alike and ending otherwise
    makes the parallel period (Open Music Theory, "The period").

    Two bars that return four bars later and are followed by other two give 1 at the end of the phrase.
    """
    if m.bar_in_phrase < 1:
        return 0.0
    bars = (m.bar_in_phrase + 1) // 2
    best = 0.0
    for ago in range(1, 3):
        back = ago * m.phrase_bars
        likeness = 0.0
        for k in range(m.bar_in_phrase - bars + 1, m.bar_in_phrase + 1):
            likeness += shared_pitches(m, k, k + back)
        value = between(likeness / bars, UNLIKE, ALIKE)
        if shared_pitches(m, 0, back) >= ALIKE:
            value *= 0.25
        best = max(best, value)
    return best


@reward_term(at="phrase_end", low=-1, high=1)
def balanced_phrases(m: Moment) -> float:
    """A phrase has about as many notes as the one before: 1 from three quarters of them on, to -1 at a quarter.

    The quarters are of the fuller phrase. Phrases that belong together have the same weight: half of the real ones have
    nine tenths of their neighbour's notes in fiddle tunes and chorales, three quarters in jazz solos. Shuffled music is
    as even as real music; the term is for the agent that crowds one phrase and leaves the next one empty. The
    first phrase, and one after fewer bars than its own, gives 0.

    Four bars of quarter notes after four bars of them give 1, four whole notes after sixteen quarter notes -1.
    """
    bars = m.bar_in_phrase + 1
    ours, theirs = 0, 0
    for k in range(bars):
        ours += m.bar_notes(k)
        theirs += m.bar_notes(k + bars)
    if m.bar + 1 < 2 * bars or ours + theirs == 0:
        return 0.0
    return 2.0 * between(min(ours, theirs) / max(ours, theirs), 0.25, ALIKE) - 1.0


# --- sections ---------------------------------------------------------------------------------------------------------


@reward_term(at="bar_end", low=0, high=1)
def section_return(m: Moment) -> float:
    """When a section returns, its bars do: likeness to the same bar of the last section with this letter, 0 to 1.

    Half of the likeness is rhythm (onsets in common), half the pitches at the eight parts of the bar; below a quarter
    it counts for nothing, beyond three quarters for no more, so that a varied bar is worth as much as a copy. The
    sections of tunes return (the same pitch at 49 % of the places in fiddle tunes' like phrases, 15 % in unlike
    ones), those of jazz solos do not (2 %): weigh it for themes.

    In the second A of AABA, a bar with the notes of the first A's gives 1, one with other onsets and pitches 0.
    """
    if m.counterpart == 0 or m.bar_notes(0) == 0:
        return 0.0
    likeness = 0.5 * (shared_rhythm(m, 0, m.counterpart) + shared_pitches(m, 0, m.counterpart))
    return between(likeness, UNLIKE, ALIKE)


@reward_term(at="section_end", low=0, high=1, memory=2)
def section_contrast(m: Moment) -> float:
    """A section unlike the one before, if its letter is another: half for other bars, half for another register.

    Half a point for bars that share little with those in the same places of the section before (mean likeness of
    rhythm and pitches from three quarters, which gives nothing, down to a quarter); half for a mean pitch that lies 1
    semitone (nothing) to 3 (all of it) away. Real fiddle tunes' unlike phrases lie 3.8 semitones apart, like ones 1.6.

    In AB, a B that shares no onset and no pitch with A and lies a fifth higher gives 1.
    """
    # memory: letter of the last section, its bars
    letter, bars_before = m.memory[0], int(m.memory[1])
    bars = m.bar_in_section + 1
    m.memory[0], m.memory[1] = m.section, bars
    if letter == 0.0 or letter == m.section:
        return 0.0
    likeness = 0.0
    now, before, ours, theirs = 0, 0, 0, 0
    common = min(bars, bars_before)
    for place in range(common):
        k = bars - 1 - place
        other = bars + bars_before - 1 - place
        likeness += 0.5 * (shared_rhythm(m, k, other) + shared_pitches(m, k, other))
        now += m.bar_pitch_sum(k)
        ours += m.bar_notes(k)
        before += m.bar_pitch_sum(other)
        theirs += m.bar_notes(other)
    if ours < FEW_NOTES or theirs < FEW_NOTES:
        return 0.0
    moved = abs(now / ours - before / theirs)
    return 0.5 * (1.0 - between(likeness / common, UNLIKE, ALIKE)) + 0.5 * between(moved, 1.0, 3.0)
