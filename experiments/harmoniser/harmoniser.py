"""How often the harmoniser finds the chords of chorales, and whether its chords end where tunes end.

    python experiments/harmoniser/harmoniser.py

Needs music21's corpus. The chords of chorales are those that the four voices make on each beat
(`rlcompose.corpus.harmony`); the part `test` of the split is asked about. Writes `results.md`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rlcompose.corpus.library import Corpus, load_corpus
from rlcompose.corpus.split import TEST, part_of
from rlcompose.files import write_atomically
from rlcompose.score import ChordSpan, Composition, Note
from rlcompose.theory.harmonise import harmonise
from rlcompose.theory.meter import TICKS_PER_QUARTER

HERE = Path(__file__).parent
TUNES = ("fiddle", "german_folk", "chinese_folk", "renaissance")


def voices_of(name: str, music: Composition) -> list[Note]:
    """All voices of a chorale of music21's corpus, on the ticks of the composition that was read from it."""
    from music21 import corpus

    score = corpus.parse("bach/" + name.rpartition("/")[2])
    moved = music.meter.bar_ticks - music.pickup if music.pickup else 0
    notes = [
        Note(round(float(n.offset) * 12) + moved, n.pitch.midi, max(1, round(float(n.quarterLength) * 12)))
        for part in score.parts
        for n in part.flatten().getElementsByClass("Note")
    ]
    return [note for note in notes if note.onset < music.total_ticks]


def root_at(spans: Sequence[ChordSpan], tick: int) -> int:
    """The root that holds at a tick."""
    return next(span.chord.root for span in spans if span.onset <= tick < span.end)


def agreements(music: Composition, spans: Sequence[ChordSpan], ticks: int) -> Iterator[bool]:
    """For each stretch of so many ticks whether the root found is one that holds longest there."""
    for start in range(0, music.total_ticks, ticks):
        roots: Counter[int] = Counter()
        for tick in range(start, start + ticks, TICKS_PER_QUARTER):
            chord = music.chord_at(tick)
            if chord is not None and not chord.is_silent:
                roots[chord.root] += 1
        if roots:
            yield roots[root_at(spans, start)] == max(roots.values())


def chorales(corpus: Corpus) -> Iterator[str]:
    """Rows of the table: from all voices, and from the soprano alone."""
    numbers = [number for number, family in enumerate(corpus.families) if part_of(family) == TEST]
    found: dict[str, list[bool]] = {}
    for number in numbers:
        music = corpus[number].composition
        heard = {"four voices": voices_of(corpus.texts["names"][number], music), "the soprano": list(music.notes)}
        for what, notes in heard.items():
            spans = harmonise(notes, music.key, music.meter, music.bars)
            for name, ticks in (("a beat", TICKS_PER_QUARTER), ("half a bar", music.meter.bar_ticks // 2)):
                found.setdefault(f"{what}, {name}", []).extend(agreements(music, spans, ticks))
    for name, rights in found.items():
        yield f"| {name} | {sum(rights) / len(rights):.3f} | {len(rights)} |"


def endings(corpus: Corpus) -> str:
    """A row of the table: how often the last chord is the tonic's."""
    ends = []
    for piece in corpus:
        music = piece.composition
        spans = harmonise(music.notes, music.key, music.meter, music.bars)
        ends.append(spans[-1].chord.root == music.key.tonic)
    return f"| {corpus.style.name} | {sum(ends) / len(ends):.3f} | {len(ends)} |"


def main() -> int:
    """Write the tables."""
    lines = ["# Chords for music that has none", "", "| chorales: heard | root agrees | of |", "|---|---|---|"]
    lines += chorales(load_corpus("chorale"))
    lines += ["", "| style | ends on the tonic | pieces |", "|---|---|---|"]
    lines += [endings(load_corpus(style)) for style in TUNES]
    write_atomically(HERE / "results.md", "\n".join(lines) + "\n")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
