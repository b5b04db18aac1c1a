"""The chord changes of all styles, for agents to learn over: `make_weights.py --only chains` calls it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from rlcompose.corpus.library import load_corpus
from rlcompose.corpus.split import JUDGE, part_of
from rlcompose.files import write_atomically
from rlcompose.prior.chord_chain import fit_chain, save_chain
from rlcompose.style import load_style

CARD = """# The chord changes of {style}

How often which chord follows which, by beat, metre and mode, in the part `judge` of `rlcompose/corpus/split.py`, and
how often which form comes: {rows:,} rows of counts above 1. Charts are drawn by it for agents to learn over
(`rlcompose/prior/chord_chain.py`). Made by `python experiments/weights/make_weights.py --only chains` from: {source}.
"""


def make_chains(folder: Path, sources: Mapping[str, str]) -> None:
    """Learn them, and write their folders."""
    for style, source in sources.items():
        corpus = load_corpus(style)
        learned = (corpus[at].composition for at, family in enumerate(corpus.families) if part_of(family) == JUDGE)
        chain = fit_chain(load_style(style), learned)
        save_chain(folder / style, load_style(style), chain, {"part": JUDGE})
        card = CARD.format(style=style, rows=len(chain.rows), source=source)
        write_atomically(folder / style / "README.md", card)
        print(f"chord changes of {style}: {len(chain.rows):,} rows", file=sys.stderr, flush=True)
