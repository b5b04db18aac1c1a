"""The priors of all styles, one after the other: `make_weights.py --only priors` calls it and writes the manifest.

Each learns from the part `judge` of its corpus with a tenth of the families kept apart, then anew from all of it for as
many epochs as were best; then its own music is made to have the statistics of real music.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlcompose.files import write_atomically
from rlcompose.prior.__main__ import main as prior_command

# At most so many epochs: small corpora are gone through more often, and large ones say as much in fewer.
EPOCHS = {"jazz": 9, "fiddle": 6, "german_folk": 6, "chinese_folk": 10, "chorale": 14, "renaissance": 9}

CARD = """# Model card: the prior of {style}

What it is and how it plays: `docs/prior.md`. Made by `python experiments/weights/make_weights.py --only priors`.

**Learned from** {pieces:,} pieces of the part `judge` of `rlcompose/corpus/split.py`: {source}. No table of notes is in
this folder; what is kept are the weights of a network, with half precision.{licence}

**Use.** It composes by itself (`rlcompose compose --style {style}`). It knows what comes next after 32 events and what
the observation remembers of the piece; it has no plan.

**Figures.** {nats:.3f} nats a note on the part `test` (pitch {pitch:.3f}, length {length:.3f}); the best n-gram of
orders 0 to 4 has {ngram:.3f}. What its music is like beside real music: `docs/prior.md`.

**Limits.** The habits are those of one corpus and of who wrote it down. {chords} What it plays is
new in the sense of `experiments/prior` (longest runs in common with what it learned from), not by any guarantee.
"""
OWN_CHORDS = {
    "jazz": "Chords are those of the database.",
    "chorale": "Chords are what the four voices make, by a simple match.",
}
GUESSED_CHORDS = "Chords are those of `rlcompose.theory.harmonise`, since the corpus has none."


def make_priors(folder: Path, sources: Mapping[str, str]) -> None:
    """Train all of them, and write their folders."""
    for style, epochs in EPOCHS.items():
        place = folder / style
        status = prior_command(["train", "--style", style, "--epochs", str(epochs), "--whole", "--out", str(place)])
        if status:
            sys.exit(status)
        write_card(place, style, sources[style])


def write_card(place: Path, style: str, source: str) -> None:
    """The model card, from the numbers in `config.json`."""
    config: dict[str, Any] = json.loads((place / "config.json").read_text(encoding="utf-8"))
    test = config["test"]
    licence = f" Licence of the source: {'; '.join(config['licence'])}." if config.get("licence") else ""
    card = CARD.format(
        style=style,
        pieces=config["pieces"],
        source=source,
        licence=licence,
        nats=test["prior"],
        pitch=test["pitch"],
        length=test["length"],
        ngram=test["best_ngram"],
        chords=OWN_CHORDS.get(style, GUESSED_CHORDS),
    )
    paragraphs = [textwrap.fill(each, 118, break_long_words=False) for each in card.strip().split("\n\n")]
    write_atomically(place / "README.md", "\n\n".join(paragraphs) + "\n")
