"""Reward terms for the melody over its chords: which tones it lands on, and what it does with the others."""

from __future__ import annotations

from rlcompose.engine.layout import CHORD_TONE, GUIDE_TONE, LOWEST_PITCH, OUTSIDE, SCALE_TONE
from rlcompose.engine.moment import Moment
from rlcompose.reward import reward_term

# Conditions are joined by & and |, which ask both sides, and values are chosen at the end: without branches a term is
# asked of several moments at once (see `MomentType`).

STRONG_BEAT = 2  # metrical strength of the strong beats: 1 and 3 in 4/4, both dotted quarters in 6/8
ON_BEAT = 1  # metrical strength from which on a note begins with a beat
STEP = 2  # semitones of a whole tone, the widest step
THIRD, SEVENTH, OCTAVE = 4, 10, 12  # semitones; third and seventh above the root make a chord a dominant

# How stable a note is over the root of its chord, by semitones above it, in tenths: consonance roughly as textbooks
# order it (perfect before imperfect, the fourth between, seconds and sevenths restless, the tritone last). The numbers
# are a choice, those of the composing program dodecaphony.
STABILITY = (10, 2, 2, 7, 8, 5, 0, 9, 6, 6, 2, 2)
STABILITY_BITS = sum(tenths << 4 * degree for degree, tenths in enumerate(STABILITY))  # four bits each


def stability_of(degree: int) -> float:
    """How stable a note is that many semitones above the root of its chord, 0 to 1."""
    return (STABILITY_BITS >> 4 * max(degree, 0) & 15) / 10


def is_step(interval: int) -> bool:
    """Whether an interval is a second, up or down."""
    return (interval != 0) & (abs(interval) <= STEP)


def is_line(m: Moment) -> bool:
    """Whether two notes lead up to the present one, each within a beat after the end of the one before."""
    last, before = m.previous(1), m.previous(2)
    is_near = m.onset - last.onset - last.ticks < m.beat_ticks
    return (before.ticks > 0) & is_near & (last.onset - before.onset - before.ticks < m.beat_ticks)


def tone_above_root(m: Moment, semitones: int) -> int:
    """What the present chord makes of the pitches that many semitones above its root."""
    # Counted from the octave down, so that it is seen to fit into 32 bits, of which more are divided at once.
    return m.tone_of(max(m.chord_root, 0) - (OCTAVE - semitones))


def last_pulse_share(m: Moment) -> float:
    """Length of the note before over the style's pulse, at most 1: what it is worth when the next one judges it."""
    return min(m.previous(1).ticks, m.pulse_ticks) / m.pulse_ticks


@reward_term(at="note", low=-1, high=1)
def chord_tone_on_strong_beat(m: Moment) -> float:
    """1 for a chord tone that begins on a strong beat, -0.5 for a scale tone, -1 for a note outside; else 0.

    Strong beats carry the harmony, the notes between may pass (Open Music Theory, "Embellishing tones"; a chord tone is
    root, third, fifth, seventh or sixth). A bar has two strong beats, so short notes do not earn more than long ones.
    Real jazz soloists land on a chord tone there in 57 of 100 cases, chance would be 38: strive for it, do not insist
    on it.

    A C on the first beat under C7 gives 1, an F -0.5, an F# -1.
    """
    if m.strength < STRONG_BEAT or m.chord_root < 0:
        return 0.0
    if m.tone >= CHORD_TONE:
        return 1.0
    return -0.5 if m.tone == SCALE_TONE else -1.0


@reward_term(at="note", low=-0.5, high=1)
def guide_tone_at_change(m: Moment) -> float:
    """1 when the first note under a new chord, within its first beat, is the third or seventh; -0.5 outside the chord.

    Guide tones say which chord it is; a line that lands on them spells the changes (Ligon, Connecting Chords with
    Linear Harmony, 1996, on outlines). Other chord tones give 0, and so does a first note that comes later than a beat.

    Under G7 after Dm7, a B on the first beat gives 1, a G 0, a C -0.5.
    """
    if not m.is_first_of_chord or m.chord_root < 0 or m.ticks_into_chord >= m.beat_ticks:
        return 0.0
    if m.tone == GUIDE_TONE:
        return 1.0
    return 0.0 if m.tone >= CHORD_TONE else -0.5


@reward_term(at="note", low=-1, high=0)
def scale_note(m: Moment) -> float:
    """-1 for a note outside the piece's scale, unless it is a tone of the present chord; else 0. Paid by the pulse.

    The scale is the style's in the piece's mode, five notes in Chinese tunes; 97 % of the notes of Chinese and German
    tunes lie in it, and 98 % of those of Bach's sopranos. A chord from outside it, such as the dominant of the
    dominant, brings its own notes.

    In C major a quarter note C# over C gives -1, over A7 0.
    """
    if m.is_in_scale(m.pitch) or m.is_chord_tone(m.pitch):
        return 0.0
    return -m.pulse_share


@reward_term(at="note", low=-1, high=0)
def chord_scale_note(m: Moment) -> float:
    """-1 for a note outside the scale of the present chord, else 0. Paid by the pulse.

    Each chord brings the scale that fits it (chord-scale theory as in Levine, The Jazz Theory Book, 1995); here the
    chord decides and not the key, so that the avoided note over one chord is at home over the next. Of real jazz solos'
    notes 79 % lie in the chord's scale, of Bach's sopranos on strong beats 99 %.

    Over Dm7 a quarter note C# gives -1, over A7 0; in C major F# gives -1 over C and 0 over D7.
    """
    if m.chord_root < 0 or m.tone != OUTSIDE:
        return 0.0
    return -m.pulse_share


@reward_term(at="note", low=-0.5, high=1)
def chord_colour(m: Moment) -> float:
    """For notes of a beat or longer, or begun on a beat: 1 for the third or seventh, 0.3 for root or fifth; to -0.5.

    Root and fifth are safe, the third and the seventh (or sixth) give a chord its colour: jazz pedagogy teaches to aim
    for them. Scale tones give 0, notes outside -0.5. Only notes that are heard as harmony count, so that a bar has at
    most as many as it has beats. At changes real soloists take a guide tone for 23 of 100 notes, where it would be 17
    to 19 with the chords exchanged: it is a preference, and not a strong one.

    Over C7 a quarter note E gives 1, a G 0.3, a D 0, an F# -0.5; an eighth note off the beat gives 0.
    """
    counts = (m.chord_root >= 0) & ((m.strength >= ON_BEAT) | (m.ticks >= m.beat_ticks))
    off_chord = 0.0 if m.tone >= SCALE_TONE else -0.5
    value = 1.0 if m.tone >= GUIDE_TONE else (0.3 if m.tone >= CHORD_TONE else off_chord)
    return value if counts else 0.0


@reward_term(at="note", low=-1, high=1)
def stable_tones(m: Moment) -> float:
    """For notes of a beat or longer how stable they are over the chord's root: 1 for the root, -1 for the tritone.

    What stays should rest. Stability by the interval above the root: unison 1, fifth 0.8, major third 0.6, minor third
    0.4, sixths 0.2, fourth 0, seconds and sevenths -0.6, tritone -1. It looks at the root alone, whatever else the
    chord has: a long major seventh counts as restless over a major seventh chord too. For styles that end on plain
    chords; jazz holds sevenths and ninths gladly.

    Over C a quarter note C gives 1, an A 0.2, a B -0.6; an eighth note gives 0.
    """
    counts = (m.degree >= 0) & (m.ticks >= m.beat_ticks)
    return 2.0 * stability_of(m.degree) - 1.0 if counts else 0.0


@reward_term(at="note", low=-1, high=0)
def clear_of_avoid_notes(m: Moment) -> float:
    """-1 for a scale tone a semitone above a chord tone, on a strong beat or a beat long; else 0.

    Such a note makes a minor ninth with the chord tone below it and clouds the chord: the fourth over a major chord,
    the flat sixth over a minor one (the "avoid notes" of Levine, The Jazz Theory Book, 1995). In passing it is welcome.
    The flat ninth of a dominant chord that has it in its scale is a tension, and not avoided.

    Jazz soloists lie on such notes about as often as the same notes in another order do: it is a textbook's rule.

    Over C a half note F gives -1, an eighth F off the strong beats 0; over Fmaj7 and over C7sus4 every F gives 0.
    """
    is_heard = (m.strength >= STRONG_BEAT) | (m.ticks >= m.beat_ticks)
    is_above_chord_tone = (m.tone == SCALE_TONE) & (m.tone_of(max(m.pitch, LOWEST_PITCH) - 1) >= CHORD_TONE)
    has_seventh = tone_above_root(m, SEVENTH) == GUIDE_TONE
    has_minor_third = tone_above_root(m, THIRD - 1) == GUIDE_TONE
    is_flat_ninth = (m.degree == 1) & has_seventh & (not has_minor_third)
    return -1.0 if is_heard & is_above_chord_tone & (not is_flat_ninth) else 0.0


@reward_term(at="note", low=-1, high=1)
def resolved_dissonance(m: Moment) -> float:
    """After a note that is no chord tone: 1 for a step to a chord tone, 0.5 for one to another note, -1 for a leap.

    A proper non-chord tone is followed within two semitones (Yeh et al., arXiv 2001.02360, whose measure of how a
    melody fits its chords asks for it). Repeating it puts the question off, and a chord that has meanwhile taken it in
    has answered it: 0. Paid at the following note by the pulse of the dissonant one. Of real jazz solos' notes outside
    the chord's scale 63 % are left by step, of those inside it 51 %.

    Over C an eighth note D then E gives 1 for the E, D then A -1, D then C# 0.5.
    """
    last = m.previous(1)
    was_dissonant = (last.degree >= 0) & (last.tone < CHORD_TONE) & (m.chord_root >= 0)
    counts = was_dissonant & (m.tone_of(last.pitch) < CHORD_TONE) & (m.interval != 0)
    value = -1.0 if abs(m.interval) > STEP else (1.0 if m.tone >= CHORD_TONE else 0.5)
    return value * last_pulse_share(m) if counts else 0.0


@reward_term(at="note", low=0, high=1)
def passing_tone(m: Moment) -> float:
    """1 at the end of two steps the same way from chord tone over another note to chord tone; 0.5 from another note.

    The passing tone is the commonest embellishment (Open Music Theory, "Embellishing tones"): a note outside the chord,
    reached and left by step in one direction. Paid at the note that it leads to, by the pulse of the passing one. Rests
    of a beat or more part the figure. Accented passing tones count too.

    Over C in C D E the E gives 1, the D being an eighth; in C D E F the F gives 0; in A B C the C gives 0.5.
    """
    last = m.previous(1)
    leads_to_chord = (last.degree >= 0) & (last.tone < CHORD_TONE) & (m.tone >= CHORD_TONE)
    by_step = is_step(m.interval) & is_step(last.interval) & ((m.interval > 0) == (last.interval > 0))
    value = 1.0 if m.previous(2).tone >= CHORD_TONE else 0.5
    return value * last_pulse_share(m) if leads_to_chord & by_step & is_line(m) else 0.0


@reward_term(at="note", low=0, high=1)
def neighbour_tone(m: Moment) -> float:
    """1 for returning to a chord tone after a step away to a note outside the chord; else 0.

    The neighbour (auxiliary) tone is left by step and returned from (Open Music Theory, "Embellishing tones"). Paid at
    the return, by the pulse of the neighbour; the second return from the same neighbour, as in a trill, gives nothing.
    Rests of a beat or more part the figure.

    Over C in E F E the last E gives 1, the F being an eighth; in E F E F E the last E gives 0; in E G E 0.
    """
    last, before = m.previous(1), m.previous(2)
    leads_to_chord = (last.degree >= 0) & (last.tone < CHORD_TONE) & (m.tone >= CHORD_TONE)
    returns = is_step(m.interval) & (m.interval == -last.interval) & (before.tone >= CHORD_TONE)
    is_first = m.previous(3).pitch != last.pitch
    return last_pulse_share(m) if leads_to_chord & returns & is_first & is_line(m) else 0.0


@reward_term(at="note", low=0, high=1)
def appoggiatura(m: Moment) -> float:
    """1 for resolving by step, backwards, a dissonant note that was leapt to on a beat; else 0.

    The leaning note: approached by leap, accented, no chord tone, and left by step the other way into the chord (Open
    Music Theory, "Embellishing tones"). A leap is a third or more. Paid at the resolution, unscaled: it begins on a
    beat, and there are only so many of those. Rests of a beat or more part the figure. It is for jazz, where 1 of 120
    notes resolves one, more than chance has it; Bach's sopranos do it seven times as seldom, and less than chance.

    Over C in C A G, the A on a beat, the G gives 1; with the A off the beat, or in C A B, 0.
    """
    last = m.previous(1)
    leads_to_chord = (last.degree >= 0) & (last.tone < CHORD_TONE) & (m.tone >= CHORD_TONE)
    is_leaning = (last.strength >= ON_BEAT) & (abs(last.interval) > STEP)
    turns_by_step = is_step(m.interval) & ((m.interval > 0) != (last.interval > 0))
    return 1.0 if leads_to_chord & is_leaning & turns_by_step & is_line(m) else 0.0


@reward_term(at="note", low=-0.5, high=1)
def suspension(m: Moment) -> float:
    """1 for resolving down by step a tone of the old chord that the new chord does not have; 0.5 up; -0.5 for a leap.

    A suspension is prepared as a chord tone, held or struck again when the chord changes under it, and resolved down
    by step; upwards it is a retardation (Open Music Theory, "Embellishing tones"). Paid at the note that follows, once
    for each change of chord; 0 where nothing was suspended.

    In C over C, held into G and then B, the B gives 1; D instead gives 0.5, a G -0.5.
    """
    change = m.onset - m.ticks_into_chord
    last, before = m.previous(1), m.previous(2)
    is_held = (last.onset < change) & (last.onset + last.ticks > change) & (last.tone >= CHORD_TONE)
    is_repeated = (last.interval == 0) & (before.ticks > 0) & (before.onset < change) & (before.tone >= CHORD_TONE)
    is_struck = is_repeated & (last.onset >= change) & (last.onset - change < m.beat_ticks)
    is_foreign = (last.degree >= 0) & (m.chord_root >= 0) & (m.tone_of(last.pitch) < CHORD_TONE)
    counts = is_foreign & (is_held | is_struck) & (m.interval != 0)
    is_resolved = (m.tone >= CHORD_TONE) & (abs(m.interval) <= STEP)
    value = -0.5 if not is_resolved else (1.0 if m.interval < 0 else 0.5)
    return value if counts else 0.0


@reward_term(at="note", low=-0.5, high=1)
def anticipation(m: Moment) -> float:
    """For a note outside the chord, kept over a change less than a beat later: 1 if the next chord has it, else -0.5.

    The note arrives before its chord (Open Music Theory, "Embellishing tones"). Kept means held over the change, for
    which the note itself is paid, or struck again as the first note under the new chord, within a beat, for which that
    one is. In jazz the note off the last beat that belongs to the next bar is the plainest syncopation. A note that is
    kept over the change and belongs to neither chord was not meant for either. Real solos are told from shuffled ones
    by the pitches of such notes, not by how many they are.

    Under the last eighth of Dm7 before G7, a B that is held into the G7 gives 1, an Eb -0.5; after an eighth B there, a
    second B on the first beat gives 1.
    """
    last = m.previous(1)
    change = m.onset - m.ticks_into_chord
    is_held = (m.tone < CHORD_TONE) & (m.chord_root >= 0) & (m.next_root >= 0) & (m.ticks > m.ticks_to_change)
    is_repeated = (m.is_first_of_chord == 1) & (m.interval == 0) & (m.chord_root >= 0)
    was_foreign = (last.degree >= 0) & (last.tone < CHORD_TONE)
    in_time = (m.ticks_into_chord < m.beat_ticks) & (change - last.onset < m.beat_ticks)
    is_struck = is_repeated & was_foreign & in_time & (last.onset + last.ticks <= change)
    counts = (m.ticks_to_change < m.beat_ticks) if is_held else is_struck
    tone = m.next_tone_of(m.pitch) if is_held else m.tone
    value = 1.0 if tone >= CHORD_TONE else -0.5
    return value if counts else 0.0


@reward_term(at="event", low=-1, high=1, memory=6)
def rising_tension(m: Moment) -> float:
    """At a phrase's end 0.5 if its third quarter was tenser than its first half, and 0.5 if than its last; else minus.

    A phrase moves away from rest and comes back to it: tension rises to about its third quarter and falls to the
    cadence. Tension is 1 less the stability of each note over the root of its chord (see `stable_tones`), weighted by
    length. A part without notes under a chord, and equal tension, give 0 for their half of the value. Phrases of less
    than two bars give nothing. Once a phrase, whatever its notes. It does not tell real from shuffled music: real solos
    and chorales follow this curve hardly more often than chance, so it is a wish for form, not a mark of style.

    Over C, in a phrase of four bars, C C B C in whole notes give 1, C C C C 0, B B C B -1.
    """
    phrase_ticks = m.phrase_bars * m.bar_ticks
    at = m.bar_in_phrase * m.bar_ticks + m.tick_in_bar
    part = (2 * at >= phrase_ticks) + (4 * at >= 3 * phrase_ticks)
    ticks = m.ticks if m.degree >= 0 else 0
    m.memory[2 * part] += ticks * (1.0 - stability_of(m.degree))
    m.memory[2 * part + 1] += ticks
    if not m.ends_phrase:
        return 0.0
    value = 0.0
    if m.memory[3] > 0.0 and m.phrase_bars > 1:
        middle = m.memory[2] / m.memory[3]
        for part in (0, 2):
            if m.memory[2 * part + 1] > 0.0:
                other = m.memory[2 * part] / m.memory[2 * part + 1]
                value += 0.5 if middle > other else (-0.5 if middle < other else 0.0)
    for i in range(6):
        m.memory[i] = 0.0
    return value
