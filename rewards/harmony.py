"""Reward terms for the melody over its chords: which tones it lands on, and what it does with the others."""

from __future__ import annotations

from rlcompose.engine.layout import CHORD_TONE, GUIDE_TONE, OUTSIDE, SCALE_TONE
from rlcompose.engine.moment import Moment
from rlcompose.reward import reward_term

STRONG_BEAT = 2  # metrical strength of the strong beats: 1 and 3 in 4/4, both dotted quarters in 6/8
ON_BEAT = 1  # metrical strength from which on a note begins with a beat
STEP = 2  # semitones of a whole tone, the widest step
THIRD, SEVENTH = 4, 10  # semitones above the root of what makes a chord a dominant

# How stable a note is over the root of its chord, by semitones above it, 0 to 1: consonance roughly as textbooks order
# it (perfect before imperfect, the fourth between, seconds and sevenths restless, the tritone last). The numbers are a
# choice, those of the composing program dodecaphony.
STABILITY = (1.0, 0.2, 0.2, 0.7, 0.8, 0.5, 0.0, 0.9, 0.6, 0.6, 0.2, 0.2)


def is_step(interval: int) -> bool:
    """Whether an interval is a second, up or down."""
    return interval != 0 and abs(interval) <= STEP


def is_line(m: Moment, notes: int) -> bool:
    """Whether so many notes lead up to the present one, each within a beat after the end of the one before."""
    later = m.onset
    for k in range(1, notes + 1):
        note = m.previous(k)
        if note.ticks == 0 or later - note.onset - note.ticks >= m.beat_ticks:
            return False
        later = note.onset
    return True


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
    if m.chord_root < 0 or (m.strength < ON_BEAT and m.ticks < m.beat_ticks):
        return 0.0
    if m.tone == GUIDE_TONE:
        return 1.0
    if m.tone == CHORD_TONE:
        return 0.3
    return 0.0 if m.tone == SCALE_TONE else -0.5


@reward_term(at="note", low=-1, high=1)
def stable_tones(m: Moment) -> float:
    """For notes of a beat or longer how stable they are over the chord's root: 1 for the root, -1 for the tritone.

    What stays should rest. Stability by the interval above the root: unison 1, fifth 0.8, major third 0.6, minor third
    0.4, sixths 0.2, fourth 0, seconds and sevenths -0.6, tritone -1. It looks at the root alone, whatever else the
    chord has: a long major seventh counts as restless over a major seventh chord too. For styles that end on plain
    chords; jazz holds sevenths and ninths gladly.

    Over C a quarter note C gives 1, an A 0.2, a B -0.6; an eighth note gives 0.
    """
    if m.degree < 0 or m.ticks < m.beat_ticks:
        return 0.0
    return 2.0 * STABILITY[m.degree] - 1.0


@reward_term(at="note", low=-1, high=0)
def clear_of_avoid_notes(m: Moment) -> float:
    """-1 for a scale tone a semitone above a chord tone, on a strong beat or a beat long; else 0.

    Such a note makes a minor ninth with the chord tone below it and clouds the chord: the fourth over a major chord,
    the flat sixth over a minor one (the "avoid notes" of Levine, The Jazz Theory Book, 1995). In passing it is welcome.
    The flat ninth of a dominant chord that has it in its scale is a tension, and not avoided.

    Over C a half note F gives -1, an eighth F off the strong beats 0; over Fmaj7 and over C7sus4 every F gives 0.
    """
    if m.tone != SCALE_TONE or (m.strength < STRONG_BEAT and m.ticks < m.beat_ticks):
        return 0.0
    if m.tone_of(m.pitch - 1) < CHORD_TONE:
        return 0.0
    has_seventh = m.tone_of(m.chord_root + SEVENTH) == GUIDE_TONE
    if m.degree == 1 and has_seventh and m.tone_of(m.chord_root + THIRD - 1) != GUIDE_TONE:
        return 0.0
    return -1.0


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
    if last.degree < 0 or last.tone >= CHORD_TONE or m.chord_root < 0 or m.interval == 0:
        return 0.0
    if m.tone_of(last.pitch) >= CHORD_TONE:
        return 0.0
    if abs(m.interval) > STEP:
        return -last_pulse_share(m)
    return (1.0 if m.tone >= CHORD_TONE else 0.5) * last_pulse_share(m)


@reward_term(at="note", low=0, high=1)
def passing_tone(m: Moment) -> float:
    """1 at the end of two steps the same way from chord tone over another note to chord tone; 0.5 from another note.

    The passing tone is the commonest embellishment (Open Music Theory, "Embellishing tones"): a note outside the chord,
    reached and left by step in one direction. Paid at the note that it leads to, by the pulse of the passing one. Rests
    of a beat or more part the figure. Accented passing tones count too.

    Over C in C D E the E gives 1, the D being an eighth; in C D E F the F gives 0; in A B C the C gives 0.5.
    """
    last = m.previous(1)
    if last.degree < 0 or last.tone >= CHORD_TONE or m.tone < CHORD_TONE:
        return 0.0
    if not is_step(m.interval) or not is_step(last.interval) or (m.interval > 0) != (last.interval > 0):
        return 0.0
    if not is_line(m, 2):
        return 0.0
    return (1.0 if m.previous(2).tone >= CHORD_TONE else 0.5) * last_pulse_share(m)


@reward_term(at="note", low=0, high=1)
def neighbour_tone(m: Moment) -> float:
    """1 for returning to a chord tone after a step away to a note outside the chord; else 0.

    The neighbour (auxiliary) tone is left by step and returned from (Open Music Theory, "Embellishing tones"). Paid at
    the return, by the pulse of the neighbour; the second return from the same neighbour, as in a trill, gives nothing.
    Rests of a beat or more part the figure.

    Over C in E F E the last E gives 1, the F being an eighth; in E F E F E the last E gives 0; in E G E 0.
    """
    last = m.previous(1)
    if last.degree < 0 or last.tone >= CHORD_TONE or m.tone < CHORD_TONE:
        return 0.0
    if not is_step(m.interval) or m.interval != -last.interval or not is_line(m, 2):
        return 0.0
    if m.previous(2).tone < CHORD_TONE or m.previous(3).pitch == last.pitch:
        return 0.0
    return last_pulse_share(m)


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
    if last.degree < 0 or last.tone >= CHORD_TONE or last.strength < ON_BEAT or m.tone < CHORD_TONE:
        return 0.0
    if abs(last.interval) <= STEP or not is_step(m.interval) or (m.interval > 0) == (last.interval > 0):
        return 0.0
    return 1.0 if is_line(m, 2) else 0.0


@reward_term(at="note", low=-0.5, high=1)
def suspension(m: Moment) -> float:
    """1 for resolving down by step a tone of the old chord that the new chord does not have; 0.5 up; -0.5 for a leap.

    A suspension is prepared as a chord tone, held or struck again when the chord changes under it, and resolved down
    by step; upwards it is a retardation (Open Music Theory, "Embellishing tones"). Paid at the note that follows, once
    for each change of chord; 0 where nothing was suspended.

    In C over C, held into G and then B, the B gives 1; D instead gives 0.5, a G -0.5.
    """
    change = m.onset - m.ticks_into_chord
    last = m.previous(1)
    if last.degree < 0 or m.chord_root < 0 or m.interval == 0 or m.tone_of(last.pitch) >= CHORD_TONE:
        return 0.0
    if last.onset < change:
        # Held over the change, or not suspended at all.
        if last.onset + last.ticks <= change or last.tone < CHORD_TONE:
            return 0.0
    else:
        before = m.previous(2)
        is_repeated = last.interval == 0 and before.ticks > 0 and before.onset < change
        if not is_repeated or before.tone < CHORD_TONE or last.onset - change >= m.beat_ticks:
            return 0.0
    if m.tone < CHORD_TONE or abs(m.interval) > STEP:
        return -0.5
    return 1.0 if m.interval < 0 else 0.5


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
    if m.tone < CHORD_TONE and m.chord_root >= 0 and m.next_root >= 0 and m.ticks > m.ticks_to_change:
        if m.ticks_to_change >= m.beat_ticks:
            return 0.0
        return 1.0 if m.next_tone_of(m.pitch) >= CHORD_TONE else -0.5
    last = m.previous(1)
    if not m.is_first_of_chord or m.interval != 0 or last.degree < 0 or last.tone >= CHORD_TONE or m.chord_root < 0:
        return 0.0
    change = m.onset - m.ticks_into_chord
    if m.ticks_into_chord >= m.beat_ticks or last.onset + last.ticks > change or change - last.onset >= m.beat_ticks:
        return 0.0
    return 1.0 if m.tone >= CHORD_TONE else -0.5


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
    if m.degree >= 0:
        at = m.bar_in_phrase * m.bar_ticks + m.tick_in_bar
        part = 0 if 2 * at < phrase_ticks else (1 if 4 * at < 3 * phrase_ticks else 2)
        m.memory[2 * part] += m.ticks * (1.0 - STABILITY[m.degree])
        m.memory[2 * part + 1] += m.ticks
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
