"""How well priors foresee music that they have not learned from, beside n-grams: five folds by family, every style.

    python experiments/prior/folds.py [--style jazz] [--folds 5] [--lstm]

Needs the corpora. All pieces of a style's corpus are divided into five folds, families kept together; what has learned
from four of them is asked about the fifth: the prior (without matching) and n-grams. Writes `folds.json`; an hour for
all styles on one core.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rlcompose.corpus.library import is_available, load_corpus
from rlcompose.corpus.split import JUDGE, PARTS, TEST, hash_of
from rlcompose.files import write_atomically
from rlcompose.prior.events import events_of_corpus
from rlcompose.prior.lstm import lstm_score
from rlcompose.prior.ngrams import ngram_scores
from rlcompose.prior.training import Settings, fit_prior, likelihood
from rlcompose.style import load_style

PATH = Path(__file__).with_name("folds.json")
# Fewer than the shipped priors are given at most: enough to show the gain, and thirty trainings cost an hour.
EPOCHS = {"jazz": 8, "fiddle": 3, "german_folk": 3, "chinese_folk": 6, "chorale": 10, "renaissance": 5}


def fold_of(family: str, folds: int) -> int:
    """Which fold a family is in."""
    return int(hash_of("fold " + family), 16) % folds


def measure(style_name: str, folds: int, rows: list[dict[str, float]]) -> Iterator[list[dict[str, float]]]:
    """For each fold the nats a note of the prior and of the best n-gram, after the folds that are known already."""
    style = load_style(style_name)
    events = events_of_corpus(load_corpus(style), PARTS)
    settings = replace(Settings(), epochs=EPOCHS[style_name])
    for fold in range(len(rows), folds):
        apart = {family for family in events.families if fold_of(family, folds) == fold}
        test, train = events.of(apart.__contains__), events.of(set(events.families).difference(apart).__contains__)
        best = ngram_scores(train, test, len(style.durations))[0]
        found = likelihood(fit_prior(style, train, None, settings).prior.network, test)
        row = {"prior": found.total, "ngram": best.total, "order": best.order, "gain": best.total - found.total}
        print(f"{style_name} fold {fold}: {row}", file=sys.stderr, flush=True)
        rows = [*rows, row]
        yield rows


def lstm(style_name: str) -> dict[str, float]:
    """The LSTM on the split of the shipped priors: learned from the part of the judge, asked about the part `test`."""
    style = load_style(style_name)
    corpus = load_corpus(style)
    learned, test = (events_of_corpus(corpus, [part]) for part in (JUDGE, TEST))

    def tell(epoch: int, found: Any, seconds: float) -> None:
        print(f"{style_name} LSTM {epoch}: {found.total:.3f}, {seconds:.0f} s", file=sys.stderr, flush=True)

    found, seconds = lstm_score(style, learned, test, tell)
    return {"lstm": found.total, "seconds": seconds}


def main() -> int:
    """Measure every style, and put it beside what was measured before."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--style", action="append", choices=list(EPOCHS), help="only these (default: all)")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--anew", action="store_true", help="also the folds that were measured before")
    parser.add_argument("--lstm", action="store_true", help="train the LSTM instead, on the split of the priors")
    arguments = parser.parse_args()
    for name in arguments.style or EPOCHS:
        if not is_available(load_style(name)):
            continue
        if arguments.lstm:
            keep(name, {"lstm": lstm(name)})
            continue
        known = [] if arguments.anew else kept().get(name, {}).get("folds", [])
        for rows in measure(name, arguments.folds, known):
            gains = [row["gain"] for row in rows]
            spread = float(np.std(gains, ddof=1)) if len(gains) > 1 else 0.0
            keep(name, {"folds": rows, "gain": {"mean": float(np.mean(gains)), "sd": spread, "least": min(gains)}})
    return 0


def kept() -> dict[str, Any]:
    """What was measured before."""
    found: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8")) if PATH.is_file() else {}
    return found


def keep(style_name: str, result: dict[str, Any]) -> None:
    """Put a style's numbers beside the others'."""
    found = kept()
    found.setdefault(style_name, {}).update(result)
    write_atomically(PATH, json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    sys.exit(main())
