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

HERE = Path(__file__).parent
# Fewer than the shipped priors are given, but for jazz: what is asked is the gain, which more can only raise.
EPOCHS = {"jazz": 8, "fiddle": 3, "german_folk": 3, "chinese_folk": 6, "chorale": 10, "renaissance": 5}


def fold_of(family: str, folds: int) -> int:
    """Which fold a family is in."""
    return int(hash_of("fold " + family), 16) % folds


def measured(style_name: str, folds: int) -> list[dict[str, float]]:
    """For each fold the nats a note of the prior and of the best n-gram."""
    style = load_style(style_name)
    events = events_of_corpus(load_corpus(style), PARTS)
    settings = replace(Settings(), epochs=EPOCHS[style_name])
    rows = []
    for fold in range(folds):
        test = events.of(lambda family, here=fold: fold_of(family, folds) == here)  # type: ignore[misc]
        train = events.of(lambda family, here=fold: fold_of(family, folds) != here)  # type: ignore[misc]
        best = ngram_scores(train, test, len(style.durations))[0]
        found = likelihood(fit_prior(style, train, None, settings).prior.network, test)
        rows.append({"prior": found.total, "ngram": best.total, "order": best.order, "gain": best.total - found.total})
        print(f"{style_name} fold {fold}: {rows[-1]}", file=sys.stderr, flush=True)
    return rows


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
    parser.add_argument("--lstm", action="store_true", help="train the LSTM instead, on the split of the priors")
    arguments = parser.parse_args()
    for name in arguments.style or EPOCHS:
        if not is_available(load_style(name)):
            continue
        result: dict[str, Any] = {}
        if arguments.lstm:
            result["lstm"] = lstm(name)
        else:
            rows = measured(name, arguments.folds)
            gains = [row["gain"] for row in rows]
            result["folds"] = rows
            result["gain"] = {"mean": float(np.mean(gains)), "sd": float(np.std(gains, ddof=1)), "least": min(gains)}
        path = HERE / "folds.json"
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        found.setdefault(name, {}).update(result)
        write_atomically(path, json.dumps(found, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
