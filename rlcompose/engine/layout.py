"""The contract in numbers: pitch window, the fields of a moment, and the blocks of an observation.

Models are trained on what stands here. A change of any constant or block is a new environment version; weights record
`LAYOUT_ID` and a loader refuses those made for another one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcompose.theory.key import MODES

# The pitch window in semitones above the tonic. It holds 99.0 % of the 8-bar windows of 355 real 4/4 jazz solos when
# the tonic may be placed in any octave (-12..24 holds 96.0 %, -12..28 98.4 %).
LOWEST_PITCH = -12
HIGHEST_PITCH = 30
NUM_PITCHES = HIGHEST_PITCH - LOWEST_PITCH + 1
NUM_SLOTS = NUM_PITCHES + 1  # slot 0 is the rest, slot k is the pitch LOWEST_PITCH + k - 1

# How a pitch is written in an observation: 0 nothing yet, 1 a rest, 2.. the pitches from the lowest up.
REST_CODE = 1
PITCH_CODE_OFFSET = 2 - LOWEST_PITCH
HIGHEST_PITCH_CODE = HIGHEST_PITCH + PITCH_CODE_OFFSET

NO_PITCH = -99  # `pitch` of a rest, and of a previous note where there is none

MAX_BARS = 1024
MAX_BAR_TICKS = 192  # 16/4; the tested metres are 24, 36 and 48
MAX_EVENT_TICKS = 192  # longest event a style may name: four 4/4 bars
MAX_DURATIONS = 16  # so that a motif cell fits one int32
TICKS_CAP = 384  # spans of time are observed up to here and no further

NUM_RECENT_EVENTS = 32
MEMORY_EVENTS = 256  # how far back the present motif is looked for
EVENT_BUFFER = 512  # twice the memory: the buffer is compacted once every 256 events
NOTE_RING = 16  # previous(k) reaches 14 notes back
NUM_CONTINUATION = 8
NUM_RECALLED = 16
HISTORY_BARS = 8  # the window of the memory block, of `window_…` and of the bands
PAST_BARS = 64  # how far back bar_rhythm(k) and its like reach: two choruses of 32 bars
NUM_POSITIONS = 12  # ticks of a quarter note at which an onset may lie
NUM_INTERVAL_SIZES = 14  # unison to octave, and all that is wider

# What a chord makes of a pitch class: the higher, the more at home.
OUTSIDE, SCALE_TONE, CHORD_TONE, GUIDE_TONE = 0, 1, 2, 3

# A note in the ring behind previous(k), and in the fields of the three notes before.
NOTE_FIELDS = ("pitch", "ticks", "interval", "onset", "tick_in_bar", "strength", "tone", "degree", "second")
NUM_NOTE_FIELDS = len(NOTE_FIELDS)
NO_NOTE_FIELDS = (NO_PITCH, 0, 0, 0, 0, 0, 0, -1, NO_PITCH)  # where there is no such note
NUM_NEAR_NOTES = 3

# --- the fields of a moment -------------------------------------------------------------------------------------------
# int32 each. While the reward terms look, the first two groups tell of the event just played; afterwards the second
# group is moved on to the place where the next event will begin.

MOMENT_FIELDS: dict[str, str] = {
    # the event just played
    "is_rest": "1 for a rest, else 0",
    "pitch": "semitones above the tonic, -12 to 30; -99 for a rest",
    "ticks": "length of the event, 12 a quarter note",
    "interval": "semitones from the note before, upwards positive; 0 for a rest and for the first note",
    "tone": "what the chord makes of the pitch: 3 guide tone, 2 chord tone, 1 scale tone, 0 outside; 0 for a rest",
    "degree": "semitones above the chord's root, 0 to 11; -1 for a rest or where there is no chord",
    "rest_before": "ticks of silence since the note before ended; 0 for the first note and for a rest",
    "is_first_of_chord": "1 for the first note that begins under its chord, else 0",
    "run": "how many intervals in a row went the last one's way, itself included; 0 for a repeated note",
    "run_span": "semitones from the first note of that run to its last, upwards positive",
    "repeats": "how often in a row the pitch was repeated; 0 for a new one",
    "line_notes": "notes since the last rest, this one included; for a rest those of the line before it",
    "line_ticks": "ticks since the line began, this note included; for a rest those of the line before it",
    "matches": "how often the present cell (the last two intervals and lengths) occurred in the last 256 events",
    "match_ago": "how many events ago it ended last; 0 for never",
    "match_transposition": "semitones by which it has moved since then",
    "is_illegal": "1 when the action was illegal and the shortest rest was played instead",
    "is_last": "1 when the piece ends with this event",
    # the phrase so far, this event included
    "phrase_notes": "notes that began in the phrase",
    "phrase_first": "pitch of its first note; -99 for none",
    "phrase_highest": "its highest pitch; -99 for none",
    "phrase_lowest": "its lowest pitch; -99 for none",
    "phrase_highest_count": "how many notes lie there",
    "phrase_lowest_count": "how many notes lie there",
    "phrase_highest_onset": "ticks from the phrase's beginning to the first note at its highest pitch",
    "last_phrase_end": "pitch of the last note of the phrase before; -99 for none",
    # the last 8 bars, this event included; a note belongs to the bar in which it begins
    "window_notes": "notes",
    "window_rest_ticks": "ticks of rest",
    "window_off_beat": "notes that begin off the beat",
    "window_syncopated": "notes that begin off the beat and sound on through the next beat",
    "window_turns": "intervals that go the other way than the one before",
    "window_ascents": "intervals upwards",
    "window_in_key": "notes of the piece's scale",
    "window_harmonised": "notes under a chord",
    "window_chord_tones": "notes that are chord tones",
    "window_outside": "notes outside the chord's scale",
    "window_strong": "notes under a chord that begin on a strong beat",
    "window_strong_chord_tones": "those of them that are chord tones",
    "window_changes": "first notes under a chord that come within its first beat",
    "window_guide_tones": "those of them that are guide tones",
    "window_motifs": "notes with which the last two intervals and lengths return",
    "window_held": "notes longer than a beat",
    "window_lines": "notes that begin a line: the first, and those after a rest",
    **{f"window_interval_{n}": f"intervals of {n} semitones" for n in range(NUM_INTERVAL_SIZES - 1)},
    f"window_interval_{NUM_INTERVAL_SIZES - 1}": "wider intervals",
    **{f"window_class_{n}": f"notes {n} semitones above the tonic, in any octave" for n in range(12)},
    **{f"window_position_{n}": f"notes {n} ticks after a quarter note of the bar" for n in range(NUM_POSITIONS)},
    **{f"window_length_{n}": f"notes of the style's duration number {n}" for n in range(MAX_DURATIONS)},
    # the place where it begins
    "onset": "tick in the piece",
    "tick_in_bar": "tick in the bar",
    "strength": "3 the bar's first beat, 2 another strong beat, 1 another beat, 0 off the beat",
    "bar": "bar of the piece, from 0",
    "bar_in_phrase": "bar of the phrase, from 0",
    "phrase_bars": "bars in the phrase",
    "bar_in_section": "bar of the section, from 0",
    "section_bars": "bars in the section",
    "section": "letter of the section: 1 is A, 2 is B",
    "section_number": "which section of the form, from 0",
    "bar_in_form": "bar of the form, from 0",
    "form_bars": "bars in the form",
    "counterpart": "bars back to the same bar of the latest section with the same letter; 0 for none",
    "ticks_into_chord": "ticks since the chord began",
    "ticks_to_change": "ticks until the next chord",
    "chord_root": "semitones above the tonic, 0 to 11; -1 where there is no chord",
    "chord_quality": "number of the chord's quality; 0 where there is no chord",
    "next_root": "the same of the next chord",
    "next_quality": "the same of the next chord",
    "second": "pitch of the second voice; -99 where it rests or there is none",
    "second_since": "ticks since that note (or rest) of the second voice began",
    "second_to_change": "ticks until its next note",
    "second_next": "pitch of the second voice after it",
    # the piece
    "bars": "bars in the piece",
    "total_ticks": "ticks in the piece",
    "bar_ticks": "ticks in a bar",
    "beat_ticks": "ticks in a beat: 12 in 4/4, 18 in 6/8",
    "pulse_ticks": "the style's pulse: ticks of the notes that running lines are made of, 6 for eighths",
    "mode": "0 major, 1 minor, 2 dorian, 3 mixolydian",
    "scale": "the style's scale in the piece's mode: bit k is 1 where k semitones above the tonic belong to it",
    "key": "pitch class of the tonic",
    "tonic_pitch": "MIDI number of the tonic from which pitches are counted",
    "lowest": "lowest pitch the instrument plays, in semitones above the tonic",
    "highest": "highest pitch the instrument plays, in semitones above the tonic",
    "tempo": "quarter notes a minute",
    "num_events": "events so far, this one included",
    "num_notes": "notes so far, this one included",
    "num_illegal": "illegal actions so far",
    "silence": "ticks of rest since the last note ended, this event included",
    # bookkeeping, not part of the public moment
    "position": "tick at which the next event begins",
    "chord_tones": "what the present chord makes of each pitch class above the tonic, two bits each: see `tone`",
    "next_tones": "the same of the next chord",
    # what previous(1) to previous(3) read: the notes before the event, at fixed places
    **{f"near_{k}_{name}": f"of the note {k} back" for k in range(1, NUM_NEAR_NOTES + 1) for name in NOTE_FIELDS},
    "chart": "row of the chart",
    "span": "chord span of the place",
    "cursor": "events in the buffer",
    "last_pitch": "pitch of the last note",
    "was_note": "1 when the last event was a note",
    "phrase_start": "bar of the piece in which the phrase began, -1 before the first event",
    "last_match": "1 + index in the buffer of the event that stands where the present one stands; 0 for none",
    "match_shift": "semitones from the pitches after that event to their place beside the present pitch",
    "piece_lowest": "lowest pitch so far",
    "piece_highest": "highest pitch so far",
    "piece_sum": "sum of the pitches so far",
    "section_lowest": "lowest pitch in the section",
    "section_highest": "highest pitch in the section",
    "section_sum": "sum of the pitches in the section",
    "section_notes": "notes in the section",
    "section_start": "bar of the piece in which the section began",
    "recall_back": "bars back to the section that is recalled; 0 for none",
    "recall_at": "index in the buffer of its first event at or after the same place; -1 where it is forgotten",
    "recall_tick": "ticks from the same place to that event",
    "done": "1 when the piece has ended",
}
FIELD: dict[str, int] = {name: index for index, name in enumerate(MOMENT_FIELDS)}
NUM_FIELDS = len(FIELD)
PUBLIC_FIELDS: tuple[str, ...] = tuple(MOMENT_FIELDS)[: FIELD["position"]]
WINDOW_FIELDS: tuple[str, ...] = tuple(name for name in MOMENT_FIELDS if name.startswith("window_"))

# What is kept of each bar for PAST_BARS bars, int64; `Moment.bar_rhythm(k)` and its like read it.
PAST_FIELDS: dict[str, str] = {
    "rhythm": "bit k is 1 where a note begins k sixteenths into the bar",
    "contour": "the pitch last heard at each eighth part of the bar, 7 bits each: semitones above -13, 0 for none",
    "notes": "notes that began in the bar",
    "pitch_sum": "sum of their pitches, counted from the lowest of the window",
    "lowest": "the lowest of them; -99 for none",
    "highest": "the highest of them; -99 for none",
}
PAST = {name: index for index, name in enumerate(PAST_FIELDS)}
NUM_PAST_FIELDS = len(PAST)
CONTOUR_SLICES, CONTOUR_BITS = 8, 7
RHYTHM_STEP = 3  # ticks of a sixteenth
MAX_RHYTHM_BIT = 61  # so that a bar's rhythm fits a signed 64-bit integer; longer bars (16/4) share the last bit


# --- the blocks of an observation -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """One number of an observation row: its name, bounds (inclusive) and what float 1.0 stands for."""

    name: str
    low: int
    high: int
    unit: int
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A named stretch of the observation: `rows` times the same columns."""

    name: str
    start: int
    rows: int
    columns: tuple[Column, ...]
    meaning: str

    @property
    def size(self) -> int:
        """How many numbers the block holds."""
        return self.rows * len(self.columns)

    @property
    def slice(self) -> slice:
        """Where the block lies in the observation."""
        return slice(self.start, self.start + self.size)


def _chord_columns() -> tuple[Column, ...]:
    tones = tuple(
        Column(f"tone_{pc}", 0, 3, 3, "0 outside, 1 scale tone, 2 chord tone, 3 guide tone") for pc in range(12)
    )
    root = Column("root", 0, 12, 12, "0 no chord, else 1 + semitones above the tonic")
    return (root, Column("quality", 0, 63, 32, "number of the chord's quality"), *tones)


_PITCH = Column("pitch", 0, HIGHEST_PITCH_CODE, HIGHEST_PITCH_CODE, "0 nothing, 1 rest, 14 the tonic")
_TICKS = Column("ticks", 0, MAX_EVENT_TICKS, 48, "length, 12 a quarter note")
_ONSET = Column("tick_in_bar", 0, MAX_BAR_TICKS - 1, 48, "onset in its bar")
_DEGREE = Column("degree", 0, 12, 12, "0 none, else 1 + semitones above the chord's root")

_BLOCKS: tuple[tuple[str, int, tuple[Column, ...], str], ...] = (
    ("events", NUM_RECENT_EVENTS, (_PITCH, _TICKS, _ONSET, _DEGREE), "the last 32 events, the newest last"),
    ("chord", 1, _chord_columns(), "the chord under which the next event begins; tones by pitch class above the tonic"),
    ("next_chord", 1, _chord_columns(), "the chord after it"),
    (
        "place",
        1,
        (
            Column("ticks_to_change", 0, TICKS_CAP, 48, "ticks until the next chord, at most 384"),
            Column("tick_in_bar", 0, MAX_BAR_TICKS - 1, 48, "where in the bar the next event begins"),
            Column("bar_ticks", 0, MAX_BAR_TICKS, 48, "length of a bar"),
            Column("beat_ticks", 0, 48, 12, "length of a beat"),
            Column("strength", 0, 3, 3, "weight of the place: 3 first beat, 2 strong beat, 1 beat, 0 off the beat"),
            Column("bar_in_phrase", 0, MAX_BARS - 1, 4, "bar of the phrase, from 0"),
            Column("phrase_bars", 0, MAX_BARS, 4, "bars in the phrase"),
            Column("bar_in_section", 0, MAX_BARS - 1, 8, "bar of the section, from 0"),
            Column("section_bars", 0, MAX_BARS, 8, "bars in the section"),
            Column("section", 0, 26, 4, "letter of the section, 1 is A"),
            Column("bar_in_form", 0, MAX_BARS - 1, 32, "bar of the form, from 0"),
            Column("form_bars", 0, MAX_BARS, 32, "bars in the form"),
            Column("bar", 0, MAX_BARS, 32, "bar of the piece, from 0"),
            Column("bars_left", 0, MAX_BARS, 32, "bars to the end of the piece, this one included"),
            Column("bars", 0, MAX_BARS, 32, "bars in the piece"),
            Column("silence", 0, TICKS_CAP, 48, "ticks of rest since the last note ended, at most 384"),
        ),
        "where the next event begins",
    ),
    (
        "register",
        1,
        tuple(
            Column(f"{part}_{what}", 0, HIGHEST_PITCH_CODE, HIGHEST_PITCH_CODE, "pitch code, 0 for none yet")
            for part in ("piece", "section")
            for what in ("lowest", "highest", "mean")
        ),
        "memory: the register used so far",
    ),
    (
        "pitch_classes",
        1,
        tuple(
            Column(f"count_{pc}", 0, HISTORY_BARS * MAX_BAR_TICKS, 8, "notes with this pitch class above the tonic")
            for pc in range(12)
        ),
        "memory: the notes of this bar and the seven before",
    ),
    (
        "continuation",
        NUM_CONTINUATION,
        (_PITCH, _TICKS),
        "memory: what followed when the present two intervals and lengths occurred last, moved to the present pitch",
    ),
    (
        "style",
        1,
        (
            Column("tempo", 0, 1000, 200, "quarter notes a minute"),
            Column("swing", 0, 1, 1, "1 when it is played swung"),
            Column("lowest", 0, HIGHEST_PITCH_CODE, HIGHEST_PITCH_CODE, "lowest pitch the instrument plays"),
            Column("highest", 0, HIGHEST_PITCH_CODE, HIGHEST_PITCH_CODE, "highest pitch the instrument plays"),
            Column("mode", 0, len(MODES) - 1, len(MODES) - 1, "0 major, 1 minor, 2 dorian, 3 mixolydian"),
            Column("beats", 0, 32, 4, "beats in a bar"),
            Column("widest_leap", 0, NUM_PITCHES, 24, "largest leap allowed in semitones, 0 for any"),
            Column("pulse", 0, MAX_EVENT_TICKS, 12, "length in ticks of the notes that running lines are made of"),
        ),
        "style parameters",
    ),
    (
        "section_events",
        NUM_RECALLED,
        (_PITCH, _TICKS, _ONSET),
        "memory: the events from the same place on in the latest section with this one's letter; 0 where there is none",
    ),
    ("second_voice", 8, (_PITCH, _TICKS), "the given second voice from here on; empty (0) where there is none"),
)


def _place_blocks() -> dict[str, Block]:
    blocks, start = {}, 0
    for name, rows, columns, meaning in _BLOCKS:
        blocks[name] = Block(name, start, rows, columns, meaning)
        start += rows * len(columns)
    return blocks


BLOCKS: dict[str, Block] = _place_blocks()
OBSERVATION_SIZE = sum(block.size for block in BLOCKS.values())


def _per_column(attribute: str) -> NDArray[np.int16]:
    values = [getattr(column, attribute) for b in BLOCKS.values() for _ in range(b.rows) for column in b.columns]
    return np.array(values, dtype=np.int16)


OBSERVATION_LOW = _per_column("low")
OBSERVATION_HIGH = _per_column("high")
OBSERVATION_SCALE = (1.0 / _per_column("unit")).astype(np.float32)  # float view = integers times this


def _layout_id() -> str:
    text = repr(
        [(b.name, b.start, b.rows, [(c.name, c.low, c.high, c.unit) for c in b.columns]) for b in BLOCKS.values()]
    )
    return "compose-v0-" + hashlib.sha256(text.encode()).hexdigest()[:8]


LAYOUT_ID = _layout_id()


def observation_table() -> str:
    """The observation block by block as Markdown, for the environment's documentation."""
    lines = ["| block | place | columns | meaning |", "|---|---|---|---|"]
    for block in BLOCKS.values():
        names = ", ".join(column.name for column in block.columns)
        times = f"{block.rows} × ({names})" if block.rows > 1 else names
        lines.append(f"| {block.name} | {block.start}–{block.start + block.size - 1} | {times} | {block.meaning} |")
    return "\n".join(lines)
