"""Make `rlcompose/corpus/split.json`: which pieces are versions of one tune, by hash.

    python experiments/split/make_split.py

Two pieces are versions of one tune where they share three tenths and more (at least three) of the passages of ten
intervals of the one that has fewer; passages of fewer than four different intervals are scales and trills, and those
that are in more than forty pieces are formulas. Jazz is split by performer and renaissance by work as they are.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np

from rlcompose.corpus.library import Corpus, is_available, load_corpus
from rlcompose.corpus.split import PARTS, SPLIT_FILE, WHOLE_GROUPS, member_of, part_of
from rlcompose.files import write_atomically
from rlcompose.learned.layout import STYLES
from rlcompose.style import load_style

INTERVALS, DIFFERENT = 10, 4
LEAST_SHARE, LEAST = 0.3, 3
FORMULA = 40  # pieces


def passages(pitches: np.ndarray) -> set[bytes]:
    """The passages of ten intervals of a melody."""
    steps = np.diff(pitches).astype(np.int8)
    windows = (steps[at : at + INTERVALS] for at in range(len(steps) - INTERVALS + 1))
    return {window.tobytes() for window in windows if len(np.unique(window)) >= DIFFERENT}


def families(corpora: list[Corpus]) -> list[list[str]]:
    """The families of more than one member, each sorted."""
    members: list[str] = []
    sizes: list[int] = []
    places: defaultdict[bytes, list[int]] = defaultdict(list)
    for corpus in corpora:
        if corpus.style.family in WHOLE_GROUPS:
            continue
        pitches, counts = corpus.arrays["notes"][:, 2], corpus.column("notes")
        for number, (end, count) in enumerate(zip(np.cumsum(counts), counts, strict=True)):
            found = passages(pitches[end - count : end])
            sizes.append(len(found))
            for passage in found:
                places[passage].append(len(members))
            members.append(member_of(corpus.style.family, corpus.texts["names"][number], ""))
    shared: Counter[tuple[int, int]] = Counter()
    for pieces in places.values():
        if len(pieces) <= FORMULA:
            shared.update(combinations(pieces, 2))
    parent = list(range(len(members)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for (one, two), count in shared.items():
        if count >= LEAST and count >= LEAST_SHARE * min(sizes[one], sizes[two]):
            parent[root(two)] = root(one)
    together: defaultdict[int, set[str]] = defaultdict(set)
    for number, member in enumerate(members):
        together[root(number)].add(member)
    return sorted(sorted(family) for family in together.values() if len(family) > 1)


def main() -> int:
    """Write the file, and print what share of each style's notes every part has."""
    corpora = [load_corpus(style) for style in STYLES if is_available(load_style(style))]
    found = families(corpora)
    target = Path(__file__).resolve().parents[2] / "rlcompose" / "corpus" / SPLIT_FILE
    lines = ",\n".join(json.dumps(family, separators=(",", ":")) for family in found)
    write_atomically(target, f'{{"families": [\n{lines}\n]}}\n')
    first = {member: family[0] for family in found for member in family}
    for corpus in corpora:
        counts: Counter[str] = Counter()
        for name, group, notes in zip(
            corpus.texts["names"], corpus.texts["groups"], corpus.column("notes").tolist(), strict=True
        ):
            member = member_of(corpus.style.family, name, group)
            counts[part_of(first.get(member, member))] += notes
        shares = ", ".join(f"{part} {counts[part] / sum(counts.values()):.2f}" for part in PARTS)
        print(f"{corpus.style.family}: {shares}")
    print(f"{len(found)} families of more than one member, the largest of {max(map(len, found))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
