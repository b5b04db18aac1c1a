"""What is measured of a window of music, feature by feature, and the sizes of the n-gram tables that some of them ask.

A window is one to eight bars of a melody on the straight grid of sixteenths (four slots a quarter note, onsets between
them moved to the nearest: 2 and 4 ticks to 3, 8 to 6). All features are invariant under transposition: they see
intervals, degrees of the piece's key and rhythm, and no register. They are shares, means and entropies, so that they
can be compared between windows of other lengths and between metres; "a bar" is the metre's, two bars of 2/4 are one.

Sources: the histograms of intervals, of degrees and of inter-onset intervals are those of Yang & Lerch 2020, "On the
evaluation of generative models in music", Neural Computing and Applications 32, 4773-4784 (pp. 4775-4777), and of
McKay 2010, "Automatic Music Classification with jMIR" (PhD thesis, McGill), ch. 4 (features M, R and P); likeness of
bars is the grooving similarity of Wu & Yang 2020, "The Jazz Transformer on the Front Line", ISMIR, sec. 4.3; the
return of motifs follows Collins et al. 2016, "Developing and evaluating computational models of musical style",
AI EDAM 30(1), sec. 3; that of n-gram likelihoods Conklin & Witten 1995, "Multiple viewpoint systems for music
prediction", Journal of New Music Research 24(1), 51-73. What has no source is a choice, and says what it counts.
"""

from __future__ import annotations

from itertools import pairwise

WIDEST = 4.0  # standard deviations from the mean: what lies beyond is cut before a model sees it
FLOOR = 1e-4  # of a model's probability before its logarithm, so that none outvotes the others without end
STYLES = ("jazz", "chorale", "fiddle", "german_folk", "chinese_folk", "renaissance")
NOISE = "noise"
CLASSES = (*STYLES, NOISE)
NUM_STYLES, NUM_CLASSES = len(STYLES), len(CLASSES)

SLOTS_PER_QUARTER = 4
SLOT_TICKS = 3
MAX_BARS = 8  # of a window
MAX_NOTES = 256  # of a window: eight bars of eight quarter notes in sixteenths
# Tick of a quarter note -> slot on the straight grid; 4 is the next quarter note's first.
SLOT_OF_TICK = (0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4)

# --- classes of intervals, times and places ---------------------------------------------------------------------------

MAX_INTERVAL = 13  # wider intervals count as this
NUM_INTERVALS = 2 * MAX_INTERVAL + 1
# An interval's kind: repeated, step (1-2) up and down, third (3-4) up and down, leap up and down.
KINDS = ("repeat", "step_up", "step_down", "third_up", "third_down", "leap_up", "leap_down")
NUM_KINDS = len(KINDS)
# Inter-onset intervals in slots: the upper edges of their classes; what is longer is the last one.
TIME_EDGES = (1, 2, 3, 4, 5, 6, 8, 12, 16)
NUM_TIMES = len(TIME_EDGES) + 1
TIME_NAMES = tuple(
    f"{low + 1}" if low + 1 == high else f"{low + 1}_to_{high}" for low, high in pairwise((0, *TIME_EDGES))
) + (f"over_{TIME_EDGES[-1]}",)
LENGTH_EDGES = (1, 2, 4, 8)  # of notes, in slots
NUM_LENGTHS = len(LENGTH_EDGES) + 1
# Places of an onset in the bar, the heaviest first: downbeat, middle of the bar, other beat, half a beat after it (in
# compound metres the second and third eighth), other sixteenths.
PLACES = ("downbeat", "middle", "beat", "off_beat", "sixteenth")
NUM_PLACES = len(PLACES)
LAGS = (1, 2, 4)  # bars

# --- n-gram tables: natural logarithms of probabilities, one for each style -------------------------------------------

MELODY_SHAPE = (NUM_INTERVALS, NUM_KINDS, NUM_INTERVALS)  # interval before, kind before that -> interval
DEGREE_SHAPE = (12, 2, 12)  # degree before, is the note on a beat -> degree
RHYTHM_SHAPE = (2, NUM_PLACES, NUM_TIMES, NUM_TIMES)  # is the metre compound, place, time before -> time to the next
VIEWPOINTS = ("melody", "degree", "rhythm")

# --- the features -----------------------------------------------------------------------------------------------------


def _features() -> dict[str, str]:
    shares = {
        "density": "notes a quarter note",
        "rest_share": "share of the time that is silent",
        "longest_rest": "the longest silence, in bars",
        "lines": "silences of a sixteenth and more, a bar",
        "legato": "mean share of the time to the next note for which a note sounds",
        "ioi_mean": "mean of the logarithm of the times from onset to onset (slots)",
        "ioi_spread": "its standard deviation",
        "ioi_same": "share of the times that equal the one before",
        "ioi_double": "share of the times that are half or twice the one before",
        "ioi_dotted": "share of the times that are three times or a third of the one before",
        "ioi_variety": "entropy of pairs of neighbouring times, in bits",
        "syncopation": "share of the notes that begin off the beat and sound through the next beat",
        "density_spread": "standard deviation of the notes a bar, over their mean",
        "density_change": "mean difference of the notes of neighbouring bars, over the notes a bar",
        "silent_bars": "share of the bars without an onset",
        "rhythm_variety": "different rhythms of a bar, a bar",
        "commonest_rhythm": "share of the bars that have the commonest rhythm",
        "first_onset": "where in the window the first note begins, in bars",
        "last_silence": "silence after the last note, in bars",
        "starts_together": "share of the bars that begin with an onset",
    }
    result = dict(shares)
    result |= {f"ioi_{name}": f"share of the times from onset to onset of {name} slots" for name in TIME_NAMES}
    names = [str(edge) for edge in LENGTH_EDGES] + ["longer"]
    result |= {f"length_{name}": f"share of the notes that last up to {name} slots" for name in names}
    result |= {f"at_{place}": f"share of the onsets at the place: {place}" for place in PLACES}
    result |= {
        f"echo_{lag}": f"share of the onsets after which another comes {lag} slots later" for lag in (2, 4, 8, 16)
    }
    result |= {
        f"rhythm_lag_{lag}": f"likeness of the rhythms of bars {lag} apart: common onsets over all" for lag in LAGS
    }
    result |= {
        "repeat": "share of the intervals that repeat the note",
        **{
            f"{way}_{size}": f"share of the intervals of {size} semitones {way}"
            for size in ("1", "2", "3", "4", "5", "6", "7", "8_9", "10_11", "12", "wider")
            for way in ("up", "down")
        },
        **{f"{one}_{two}": f"share of the pairs of intervals: {one}, then {two}" for one in KINDS for two in KINDS},
        "chromatic": "share of the pairs of intervals that are two semitones the same way",
        "scale_run": "share of the pairs of intervals that are two steps the same way",
        "arpeggio": "share of the pairs of intervals that are two thirds, or a third and a fourth, the same way",
        "two_leaps": "share of the pairs of intervals that are both a fourth or wider",
        "alternation": "share of the notes that return to the last note but one",
        "turns": "share of the intervals that go the other way than the one before",
        "leap_turns": "share of the intervals of a fourth and more after which the melody turns",
        "longest_run": "the longest run in one direction, over the notes",
        "mean_interval": "mean size of the intervals, in semitones",
        "interval_variety": "entropy of the intervals, in bits",
        "interval_pair_variety": "different pairs of intervals, over the pairs",
    }
    result |= {f"degree_{degree}": f"share of the notes {degree} semitones above the tonic" for degree in range(12)}
    result |= {
        "in_scale": "share of the notes in the scale of the key",
        "on_beat_in_scale": "share of the notes on beats that are in the scale",
        "degree_variety": "entropy of the degrees, in bits",
        "num_degrees": "different degrees, over twelve",
        "range": "semitones from lowest to highest note, in two octaves",
        "pitch_spread": "standard deviation of the pitches, in semitones",
        "pitch_variety": "different pitches, over the notes",
        "first_is_tonic": "1 where the first note is the tonic",
        "last_is_tonic": "1 where the last note is the tonic",
        "tonic_on_beats": "share of the notes on beats that are tonic, third or fifth of the scale",
        "bar_range": "mean range of a bar, in semitones",
        "bar_drift": "mean difference of the mean pitches of neighbouring bars, in semitones",
        "half_drift": "difference of the mean pitches of both halves, in semitones",
        "slope": "correlation of pitch and time, without sign",
        "peak": "where the highest note lies, 0 to 1",
    }
    result |= {
        f"pitch_lag_{lag}": f"share of the onsets common to bars {lag} apart that have the same pitch, over all onsets"
        for lag in LAGS
    }
    result |= {
        "motif_2": "share of the notes with which two intervals and their times return",
        "motif_3": "share of the notes with which three intervals and their times return",
        "interval_motif_3": "share of the notes with which three intervals return",
        "rhythm_motif_4": "share of the notes with which four times return",
        "longest_return": "the longest passage of intervals and times that returns, over the notes",
    }
    for view in VIEWPOINTS:
        result |= {
            f"{view}_{style}": f"mean logarithm of the probability that the {view} table of {style} gives a note"
            for style in STYLES
        }
    result |= {f"least_{style}": f"mean of the three worst bars by the tables of {style}, a note" for style in STYLES}
    result |= {f"spread_{style}": f"standard deviation of what the tables of {style} give a note" for style in STYLES}
    return result


FEATURES: dict[str, str] = _features()
NUM_FEATURES = len(FEATURES)
FEATURE = {name: number for number, name in enumerate(FEATURES)}

# Where the blocks of the kernel begin.
TIMES_AT = FEATURE[f"ioi_{TIME_NAMES[0]}"]
LENGTHS_AT = FEATURE["length_1"]
PLACES_AT = FEATURE["at_downbeat"]
ECHOES_AT = FEATURE["echo_2"]
RHYTHM_LAGS_AT = FEATURE["rhythm_lag_1"]
INTERVALS_AT = FEATURE["repeat"]
SIZES_AT = FEATURE["up_1"]
PAIRS_AT = FEATURE[f"{KINDS[0]}_{KINDS[0]}"]
DEGREES_AT = FEATURE["degree_0"]
PITCH_LAGS_AT = FEATURE["pitch_lag_1"]
MOTIFS_AT = FEATURE["motif_2"]
LIKELIHOODS_AT = FEATURE[f"melody_{STYLES[0]}"]
LEAST_AT = FEATURE[f"least_{STYLES[0]}"]
SPREAD_AT = FEATURE[f"spread_{STYLES[0]}"]
