"""Reward terms for what is usual: each is 0 while a feature of the last 8 bars lies where real music's lies.

Real music is not at the maximum of any rule: a jazz soloist plays a chord tone on a strong beat in 57 of 100 cases, and
a melody with none but steps is no melody. So these terms have no direction. At each bar's end, from the eighth bar on,
they give 0 inside the middle half of the style's real values, fall in a straight line to -1 at the 5th and the 95th
percentile, and no further (`Moment.band_score`; the percentiles are in `rlcompose/bands.toml`, what each feature is in
`rlcompose/bands.py`). A feature of which the style's corpus knows nothing gives 0.

The functions under `band_feature` are the features themselves; the bands are made by asking them about real music.
"""

from __future__ import annotations

from rlcompose.bands import FEATURE, band_feature
from rlcompose.engine.layout import HISTORY_BARS, MAX_DURATIONS, NUM_INTERVAL_SIZES
from rlcompose.engine.moment import Moment, ones_in
from rlcompose.reward import reward_term

NOTE_DENSITY, REST_SHARE, LINE_LENGTH = FEATURE["note_density"], FEATURE["rest_share"], FEATURE["line_length"]
OFF_BEAT_SHARE, SYNCOPATION = FEATURE["off_beat_share"], FEATURE["syncopation"]
TRIPLET_SHARE, HELD_SHARE = FEATURE["triplet_share"], FEATURE["held_share"]
LENGTH_VARIETY = FEATURE["length_variety"]
BAR_LIKENESS, RHYTHM_COUNT = FEATURE["bar_likeness"], FEATURE["rhythm_count"]
STEP_SHARE, THIRD_SHARE, LEAP_SHARE = FEATURE["step_share"], FEATURE["third_share"], FEATURE["leap_share"]
REPEAT_SHARE, TURN_SHARE, ASCENT_SHARE = FEATURE["repeat_share"], FEATURE["turn_share"], FEATURE["ascent_share"]
INTERVAL_VARIETY, PITCH_CLASS_VARIETY = FEATURE["interval_variety"], FEATURE["pitch_class_variety"]
SPAN, REGISTER_DRIFT, MOTIF_SHARE = FEATURE["span"], FEATURE["register_drift"], FEATURE["motif_share"]
KEY_SHARE, CHORD_TONE_SHARE = FEATURE["key_share"], FEATURE["chord_tone_share"]
STRONG_CHORD_TONE_SHARE, OUTSIDE_SHARE = FEATURE["strong_chord_tone_share"], FEATURE["outside_share"]
GUIDE_TONE_SHARE = FEATURE["guide_tone_share"]

HALF = HISTORY_BARS // 2


def share(part: int, whole: int) -> float:
    """A part of a whole, 0 of nothing."""
    return part / whole if whole > 0 else 0.0


def entropy(m: Moment, whole: int, logarithms: float) -> float:
    """Entropy in bits of a histogram with this sum, of whose counts `logarithms` is the sum of n log2(n)."""
    return (m.n_log_n(whole) - logarithms) / whole if whole > 0 else 0.0


def num_intervals(m: Moment) -> int:
    """How many intervals the window has."""
    count = 0
    for size in range(NUM_INTERVAL_SIZES):
        count += m.window_interval(size)
    return count


def rhythm_overlap(ours: int, theirs: int) -> float:
    """Likeness of two bars' rhythms: onsets in common over all onsets; 1 for two silent bars."""
    either = ours | theirs
    return ones_in(ours & theirs) / ones_in(either) if either != 0 else 1.0


# --- features ---------------------------------------------------------------------------------------------------------


@band_feature
def note_density(m: Moment) -> float:
    """Notes a pulse."""
    return m.window_notes * m.pulse_ticks / (m.window_bars * m.bar_ticks)


@band_feature
def rest_share(m: Moment) -> float:
    """Share of the time that is rest."""
    return m.window_rest_ticks / (m.window_bars * m.bar_ticks)


@band_feature
def line_length(m: Moment) -> float:
    """Notes from one rest to the next; where no line begins, all of them are one."""
    return m.window_notes / max(m.window_lines, 1)


@band_feature
def off_beat_share(m: Moment) -> float:
    """Share of the notes that begin off the beat."""
    return share(m.window_off_beat, m.window_notes)


@band_feature
def syncopation(m: Moment) -> float:
    """Share of the notes that begin off the beat and sound on through the next."""
    return share(m.window_syncopated, m.window_notes)


@band_feature
def triplet_share(m: Moment) -> float:
    """Share of the notes that begin on no sixteenth."""
    straight = m.window_position(0) + m.window_position(3) + m.window_position(6) + m.window_position(9)
    return share(m.window_notes - straight, m.window_notes)


@band_feature
def held_share(m: Moment) -> float:
    """Share of the notes longer than a beat."""
    return share(m.window_held, m.window_notes)


@band_feature
def length_variety(m: Moment) -> float:
    """Entropy of the notes' lengths, in bits."""
    total = 0.0
    for number in range(MAX_DURATIONS):
        total += m.n_log_n(m.window_length(number))
    return entropy(m, m.window_notes, total)


@band_feature
def bar_likeness(m: Moment) -> float:
    """Likeness of the rhythms of neighbouring bars, the mean over the window."""
    total = 0.0
    later = m.bar_rhythm(0)
    for k in range(1, HISTORY_BARS):
        earlier = m.bar_rhythm(k)
        total += rhythm_overlap(later, earlier)
        later = earlier
    return total / (HISTORY_BARS - 1)


@band_feature
def rhythm_count(m: Moment) -> float:
    """How many different rhythms the bars have."""
    count = 0
    for k in range(HISTORY_BARS):
        is_new = 1
        for j in range(k):
            if m.bar_rhythm(j) == m.bar_rhythm(k):
                is_new = 0
        count += is_new
    return count / 1.0


@band_feature
def step_share(m: Moment) -> float:
    """Share of the intervals that are steps."""
    return share(m.window_interval(1) + m.window_interval(2), num_intervals(m))


@band_feature
def third_share(m: Moment) -> float:
    """Share of the intervals that are thirds."""
    return share(m.window_interval(3) + m.window_interval(4), num_intervals(m))


@band_feature
def leap_share(m: Moment) -> float:
    """Share of the intervals that are a fourth or wider."""
    small = 0
    for size in range(5):
        small += m.window_interval(size)
    whole = num_intervals(m)
    return share(whole - small, whole)


@band_feature
def repeat_share(m: Moment) -> float:
    """Share of the intervals that repeat the note."""
    return share(m.window_interval(0), num_intervals(m))


@band_feature
def turn_share(m: Moment) -> float:
    """Share of the intervals that go the other way than the one before."""
    return share(m.window_turns, num_intervals(m))


@band_feature
def ascent_share(m: Moment) -> float:
    """Share of the intervals that rise."""
    return share(m.window_ascents, num_intervals(m))


@band_feature
def interval_variety(m: Moment) -> float:
    """Entropy of the intervals' sizes, in bits."""
    total = 0.0
    for size in range(NUM_INTERVAL_SIZES):
        total += m.n_log_n(m.window_interval(size))
    return entropy(m, num_intervals(m), total)


@band_feature
def pitch_class_variety(m: Moment) -> float:
    """Entropy of the pitch classes, in bits."""
    total = 0.0
    for pitch in range(12):
        total += m.n_log_n(m.window_class(pitch))
    return entropy(m, m.window_notes, total)


@band_feature
def span(m: Moment) -> float:
    """Semitones from the lowest to the highest note; 0 for silence."""
    lowest, highest = 1_000, -1_000
    for k in range(HISTORY_BARS):
        if m.bar_notes(k) > 0:
            lowest = min(lowest, m.bar_lowest(k))
            highest = max(highest, m.bar_highest(k))
    return max(highest - lowest, 0) / 1.0


@band_feature
def register_drift(m: Moment) -> float:
    """Semitones between the mean pitch of the window's second half and that of its first; 0 where one is silent."""
    now, before = 0, 0
    now_sum, before_sum = 0, 0
    for k in range(HALF):
        now += m.bar_notes(k)
        now_sum += m.bar_pitch_sum(k)
        before += m.bar_notes(k + HALF)
        before_sum += m.bar_pitch_sum(k + HALF)
    if now == 0 or before == 0:
        return 0.0
    return abs(now_sum / now - before_sum / before)


@band_feature
def motif_share(m: Moment) -> float:
    """Share of the notes with which the last two intervals and lengths return."""
    return share(m.window_motifs, m.window_notes)


@band_feature
def key_share(m: Moment) -> float:
    """Share of the notes in the piece's scale."""
    return share(m.window_in_key, m.window_notes)


@band_feature
def chord_tone_share(m: Moment) -> float:
    """Share of the notes that are chord tones, of those under a chord."""
    return share(m.window_chord_tones, m.window_harmonised)


@band_feature
def strong_chord_tone_share(m: Moment) -> float:
    """Share of the notes on strong beats that are chord tones, of those under a chord."""
    return share(m.window_strong_chord_tones, m.window_strong)


@band_feature
def outside_share(m: Moment) -> float:
    """Share of the notes outside the chord's scale, of those under a chord."""
    return share(m.window_outside, m.window_harmonised)


@band_feature
def guide_tone_share(m: Moment) -> float:
    """Share of the chord changes met within a beat that are met on a third or seventh."""
    return share(m.window_guide_tones, m.window_changes)


# --- terms ------------------------------------------------------------------------------------------------------------


@reward_term(at="bar_end", low=-1, high=0)
def usual_density(m: Moment) -> float:
    """0 while the notes a pulse is usual over 8 bars, to -1 where it is rare.

    Optimisers of dense rules play ever more notes, and silence escapes from every rule; a style has its own measure
    (the note counts of Yang and Lerch, Neural Computing and Applications 32, 2020). Jazz solos of the Weimar
    database have 6.2 notes a bar.

    Eight bars of running eighths in jazz, one note a pulse, give -0.4; silence gives -1.
    """
    return m.band_score(NOTE_DENSITY, note_density(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_rests(m: Moment) -> float:
    """0 while the share of the time that is rest is usual over 8 bars, to -1 where it is rare.

    Players breathe and leave room. Real jazz solos rest a fifth of the time (middle half 16 to 32 % of 8 bars).

    Eight bars without a rest give -1 in jazz; a rest of a beat in every bar gives 0, one of a beat and a half -0.4.
    """
    return m.band_score(REST_SHARE, rest_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_line_length(m: Moment) -> float:
    """0 while the notes from one rest to the next is usual over 8 bars, to -1 where it is rare.

    Lines have the length of a breath or of a thought; rests after every other note chop them, lines without end
    tire.

    A rest after every note gives -1 in jazz.
    """
    return m.band_score(LINE_LENGTH, line_length(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_off_beats(m: Moment) -> float:
    """0 while the share of the notes that begin off the beat is usual over 8 bars, to -1 where it is rare.

    Syncopation unbounded is over-learned; each style has its share: two thirds of the notes in jazz, an eighth in
    chorales.

    Nothing but quarter notes on the beat gives -1 in jazz, and even in chorales; an eighth of the notes off the beat
    gives 0 in chorales.
    """
    return m.band_score(OFF_BEAT_SHARE, off_beat_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_syncopation(m: Moment) -> float:
    """0 while the share of notes tied over the next beat is usual, to -1 where it is rare.

    What is tied over the beat pulls against the metre (Huron, Sweet Anticipation, 2006, chapter 14); too much of it
    dissolves the metre.

    Quarter notes that all begin on the second eighth of the beat give -1.
    """
    return m.band_score(SYNCOPATION, syncopation(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_triplets(m: Moment) -> float:
    """0 while the share of the notes that begin on no sixteenth is usual over 8 bars, to -1 where it is rare.

    Triplets are the spice of a bebop line and foreign to a chorale.

    Nothing but triplet eighths gives -1 in every style.
    """
    return m.band_score(TRIPLET_SHARE, triplet_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_held_notes(m: Moment) -> float:
    """0 while the share of the notes longer than a beat is usual over 8 bars, to -1 where it is rare.

    Held notes are where a melody rests; a line of nothing but eighths has none, a lazy one has nothing else.

    Whole notes throughout give -1 in jazz and fiddle tunes.
    """
    return m.band_score(HELD_SHARE, held_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_length_variety(m: Moment) -> float:
    """0 while the entropy of the notes' lengths is usual over 8 bars, to -1 where it is rare.

    Real rhythm mixes long and short: one length throughout is an exercise, all lengths alike often are noise (note-
    length histogram of Yang and Lerch 2020).

    Nothing but eighths, 0 bits, gives -1 in jazz.
    """
    return m.band_score(LENGTH_VARIETY, length_variety(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_bar_likeness(m: Moment) -> float:
    """0 while the likeness of the rhythms of neighbouring bars is usual over 8 bars, to -1 where it is rare.

    A groove comes back bar by bar and is varied (grooving similarity, Wu and Yang, ISMIR 2020, on bars that follow
    one another).

    Eight bars of one rhythm, likeness 1, give -1 in jazz.
    """
    return m.band_score(BAR_LIKENESS, bar_likeness(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_rhythm_count(m: Moment) -> float:
    """0 while the number of different rhythms in 8 bars is usual, to -1 where it is rare.

    A dance tune lives on two or three bar rhythms, an improviser hardly plays one twice; a loop has one.

    One rhythm in all eight bars gives -1 in jazz.
    """
    return m.band_score(RHYTHM_COUNT, rhythm_count(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_steps(m: Moment) -> float:
    """0 while the share of the intervals that are steps is usual over 8 bars, to -1 where it is rare.

    Steps dominate everywhere, and nowhere alone: 54 % in jazz, 70 % in chorales, 39 % in Chinese tunes.

    A scale up and down for eight bars, all steps, gives -1 in jazz.
    """
    return m.band_score(STEP_SHARE, step_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_thirds(m: Moment) -> float:
    """0 while the share of the intervals that are thirds is usual over 8 bars, to -1 where it is rare.

    Thirds are how a melody spells chords: 26 % of the intervals in jazz, 7 % in chorales.

    A scale up and down, no thirds, gives -1 in jazz.
    """
    return m.band_score(THIRD_SHARE, third_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_leaps(m: Moment) -> float:
    """0 while the share of the intervals that are a fourth or wider is usual over 8 bars, to -1 where it is rare.

    A ratio of skips to steps near the style's own (14 % in jazz): none is as strange as many.

    A scale up and down, no leaps, gives -1 in jazz.
    """
    return m.band_score(LEAP_SHARE, leap_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_repeats(m: Moment) -> float:
    """0 while the share of the intervals that repeat the note is usual over 8 bars, to -1 where it is rare.

    5 % in jazz, 21 % in German songs: forbidding repetition is as wrong as hammering.

    One note throughout gives -1 in every style.
    """
    return m.band_score(REPEAT_SHARE, repeat_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_turns(m: Moment) -> float:
    """0 while the share of the intervals that go the other way than the one before is usual, to -1 where it is rare.

    Zigzag and endless scales are both cheap; lines turn as often as the style's do (contour, Huron 1996).

    Up and down by turns, every interval a turn, gives -1 in jazz.
    """
    return m.band_score(TURN_SHARE, turn_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_ascents(m: Moment) -> float:
    """0 while the share of the intervals that rise is usual over 8 bars, to -1 where it is rare.

    Melodies rise about as often as they fall, in fewer and wider steps (Huron 2006, chapter 5); a descending run
    repeated from above is a known trick of optimisers.

    A scale that falls through two octaves and leaps back gives -1.
    """
    return m.band_score(ASCENT_SHARE, ascent_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_interval_variety(m: Moment) -> float:
    """0 while the entropy of the intervals' sizes is usual over 8 bars, to -1 where it is rare.

    An exercise has one interval, noise has all of them alike often (interval diversity in RL Tuner's and
    dodecaphonic rule sets).

    Whole tones alone, 0 bits, give -1 in every style.
    """
    return m.band_score(INTERVAL_VARIETY, interval_variety(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_pitch_class_variety(m: Moment) -> float:
    """0 while the entropy of the pitch classes is usual over 8 bars, to -1 where it is rare.

    The pitch-class entropy H of Wu and Yang (ISMIR 2020), near the style's value instead of low: five notes in
    Chinese tunes, all twelve in jazz.

    Two pitch classes by turns, 1 bit, give -1.
    """
    return m.band_score(PITCH_CLASS_VARIETY, pitch_class_variety(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_span(m: Moment) -> float:
    """0 while the semitones from the lowest to the highest note is usual over 8 bars, to -1 where it is rare.

    Singers and players use about an octave and a half at a time; what gives machines away is too wide a range.

    The same notes in another order give nearly the same: it asks how far the notes lie apart.

    Leaps between the lowest and the highest note of two and a half octaves give -1.
    """
    return m.band_score(SPAN, span(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_register_drift(m: Moment) -> float:
    """0 while the move of the mean pitch from four bars to the next four is usual, to -1 where it is rare.

    Register is remembered by people: real solos drift by 2.7 semitones from section to section, a memoryless
    model's by 5.

    Four bars around C4 and four around C6 give -1.
    """
    return m.band_score(REGISTER_DRIFT, register_drift(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_motifs(m: Moment) -> float:
    """0 while the share of the notes that return as a motif is usual, to -1 where it is rare.

    Motifs return, and not for ever: the cell came before within 256 events for about an eighth of real jazz notes;
    in a loop for nearly all.

    A one-bar loop for eight bars gives -1 in jazz.
    """
    return m.band_score(MOTIF_SHARE, motif_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_key_share(m: Moment) -> float:
    """0 while the share of the notes in the piece's scale is usual over 8 bars, to -1 where it is rare.

    Three quarters in jazz, 97 to 99 % in folk tunes and chorales: chromaticism belongs to some styles.

    The same notes in another order give the same: it is about which notes there are, not about what follows what.

    The chromatic scale gives -1 in folk tunes.
    """
    return m.band_score(KEY_SHARE, key_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_chord_tones(m: Moment) -> float:
    """0 while the share of the notes that are chord tones is usual over 8 bars, to -1 where it is rare.

    Jazz solos have a chord tone in just over half of their notes; arpeggios alone are no line.

    Broken chords throughout give -1 in jazz.
    """
    return m.band_score(CHORD_TONE_SHARE, chord_tone_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_strong_chord_tones(m: Moment) -> float:
    """0 while the share of the notes on strong beats that are chord tones is usual over 8 bars, to -1 where it is rare.

    57 % in jazz and 97 % in chorales: strong beats lean on the chord as far as the style does.

    A chord tone on every strong beat of eight bars gives less than 0 in jazz.
    """
    return m.band_score(STRONG_CHORD_TONE_SHARE, strong_chord_tone_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_outside_notes(m: Moment) -> float:
    """0 while the share of the notes outside the chord's scale is usual over 8 bars, to -1 where it is rare.

    A fifth of real jazz soloists' notes lie outside the chord's scale, passing or blue; none is stiff, many are
    lost.

    The chromatic scale for eight bars gives -0.6 in jazz, -1 in chorales.
    """
    return m.band_score(OUTSIDE_SHARE, outside_share(m)) if m.window_bars == HISTORY_BARS else 0.0


@reward_term(at="bar_end", low=-1, high=0)
def usual_guide_tones(m: Moment) -> float:
    """0 while the share of the chord changes met on a third or seventh is usual over 8 bars, to -1 where it is rare.

    Textbooks say always, soloists do it at 23 % of the changes (chance: 19 %): a band, not a maximum.

    A third or seventh at every change gives -1 in jazz.
    """
    return m.band_score(GUIDE_TONE_SHARE, guide_tone_share(m)) if m.window_bars == HISTORY_BARS else 0.0
