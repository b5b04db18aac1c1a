"""`python -m rlcompose.prior train|list`: learn what a style's music goes on with, or list the priors there are."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlcompose.command import Parser, run
from rlcompose.errors import RlcomposeError, missing_extra

if TYPE_CHECKING:
    from rlcompose.prior.training import Likelihood


def parser() -> Parser:
    """The command's options."""
    from rlcompose.arguments import at_least

    parser = Parser(
        "python -m rlcompose.prior",
        "Learn a prior: a network that knows what comes next in the music of a style. Or list the priors there are.",
        "python -m rlcompose.prior train --style jazz",
    )
    parser.add_argument("what", choices=("train", "list"), help="train or list")
    parser.add_argument("--style", metavar="STYLE", default="jazz", help="whose music (default: jazz)")
    help_source = "learn from this instead of the style's own corpus: a collection, a file or a folder of music"
    parser.add_argument("--source", metavar="SOURCE", help=help_source)
    help_epochs = "how often the music is gone through at most (default: 9)"
    parser.add_argument("--epochs", type=at_least(1), metavar="N", help=help_epochs)
    help_whole = "then learn anew from all of it, as long as was best with a tenth kept apart"
    parser.add_argument("--whole", action="store_true", help=help_whole)
    help_rounds = "rounds in which its own music is made to have the statistics of real music (default: 16; 0: none)"
    parser.add_argument("--rounds", type=at_least(0), metavar="N", help=help_rounds)
    parser.add_argument("--lstm", action="store_true", help="also train an LSTM, to compare with")
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="S", help="of all chance (default: 0)")
    parser.add_argument("--out", metavar="FOLDER", help="where the prior goes (default: priors/STYLE)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run(_prior, parser(), argv, _lines)


def _prior(arguments: argparse.Namespace) -> dict[str, Any]:
    try:
        import torch  # noqa: F401  - told here, before the music is read
    except ModuleNotFoundError as error:
        raise missing_extra(str(error.name), "train") from error
    return _listed() if arguments.what == "list" else _trained(arguments)


def _listed() -> dict[str, Any]:
    from rlcompose.prior.model import load_prior
    from rlcompose.prior.network import num_weights
    from rlcompose.prior.shipped import shipped_priors

    found = []
    for name in shipped_priors():
        prior = load_prior(name)
        likelihood = prior.details.get("test", {})
        found.append(
            {
                "style": name,
                "mode": prior.network.mode,
                "weights": num_weights(prior.network),
                "nats_a_note": likelihood.get("prior"),
                "best_ngram": likelihood.get("best_ngram"),
                "pieces": prior.details.get("pieces"),
                "source": prior.details.get("source", ""),
            }
        )
    return {"priors": found}


def _trained(arguments: argparse.Namespace) -> dict[str, Any]:
    from dataclasses import asdict, replace

    from rlcompose.corpus.library import load_corpus
    from rlcompose.corpus.split import JUDGE, TEST
    from rlcompose.prior.events import events_of_corpus
    from rlcompose.prior.matching import ROUNDS, match_statistics, sites_to_match
    from rlcompose.prior.model import Prior, save_prior
    from rlcompose.prior.network import num_weights
    from rlcompose.prior.ngrams import ngram_scores
    from rlcompose.prior.training import Settings, fit_prior, likelihood, parts_of
    from rlcompose.style import load_style

    style = load_style(arguments.style)
    settings = Settings(seed=arguments.seed)
    if arguments.epochs is not None:
        settings = replace(settings, epochs=arguments.epochs)
    folder = Path(arguments.out) if arguments.out else Path("priors") / style.name
    begun = time.monotonic()
    corpus = load_corpus(style, arguments.source)
    learned = events_of_corpus(corpus, [JUDGE], _progress("pieces are played"))
    test = _some(lambda: events_of_corpus(corpus, [TEST], _progress("pieces are played")))
    train, apart = parts_of(learned)
    tell(f"{len(learned.names):,} pieces, {learned.num_notes:,} notes; {len(apart.names):,} of them kept apart")
    result: dict[str, Any] = {"style": style.name, "source": corpus.name, "pieces": len(learned.names)}
    scores: dict[str, Any] = {}
    if test is not None:
        ngrams = ngram_scores(learned, test, len(style.durations))
        for score in ngrams[:3]:
            tell(f"{score.name}: {score.total:.3f} nats a note")
        scores = {
            "ngrams": {score.name: round(score.total, 4) for score in ngrams},
            "best_ngram": round(ngrams[0].total, 4),
        }
    if not len(train):
        raise RlcomposeError(f"too little music to learn from: {len(learned.names)} pieces of {corpus.name}")
    fitted = fit_prior(style, train, apart if len(apart) else None, settings, _epoch)
    if fitted.interrupted:
        tell("interrupted: the best so far is kept")
    elif arguments.whole and fitted.history:
        totals = [each.total for each in fitted.history]
        best = 1 + totals.index(min(totals))
        tell(f"epoch {best} was the best: anew from all of it")
        fitted = fit_prior(style, learned, None, replace(settings, epochs=best), _epoch)
    prior = fitted.prior
    if test is not None:
        found = likelihood(prior.network, test)
        scores |= {"before_matching": round(found.total, 4)}
        tell(f"prior: {found.total:.3f} nats a note ({found.pitch:.3f} pitch, {found.length:.3f} length)")
    rounds = ROUNDS if arguments.rounds is None else arguments.rounds
    if rounds and not fitted.interrupted:
        sites = sites_to_match(corpus, style)
        prior = match_statistics(prior, style, sites, rounds, _round)
    if test is not None:
        found = likelihood(prior.network, test)
        scores |= {"prior": round(found.total, 4), "pitch": round(found.pitch, 4), "length": round(found.length, 4)}
        if arguments.lstm:
            from rlcompose.prior.lstm import lstm_score

            of_lstm, seconds = lstm_score(style, learned, test, _epoch)
            scores |= {"lstm": round(of_lstm.total, 4), "lstm_seconds": round(seconds)}
        result["test"] = scores
    details = {**result, "settings": asdict(settings), "rounds": rounds, "part": JUDGE, "licence": _licences(corpus)}
    save_prior(folder, Prior(style.name, prior.network, details))
    seconds = time.monotonic() - begun
    return {**result, "weights": num_weights(prior.network), "seconds": round(seconds), "prior": str(folder)}


def _some(events: Any) -> Any:
    """The events of the part that tests; None where it has no music."""
    try:
        return events()
    except RlcomposeError:
        return None


def _licences(corpus: Any) -> list[str]:
    licences: list[str] = corpus.describe()["licence"]
    return licences


def _epoch(epoch: int, found: Likelihood, seconds: float) -> None:
    tell(f"epoch {epoch}: {found.total:.3f} nats a note, {seconds:.0f} s")


def _round(number: int, gap: float) -> None:
    tell(f"round {number}: intervals and lengths differ by {gap:.3f} from real ones")


def _progress(what: str) -> Any:
    def report(done: int, of: int) -> None:
        if sys.stderr.isatty():
            print(f"\rprior: {done:,} of {of:,} {what}", end="\033[K", file=sys.stderr, flush=True)

    return report


def tell(what: str) -> None:
    """How far it has come, on stderr."""
    clear = "\r\033[K" if sys.stderr.isatty() else ""
    print(f"{clear}prior: {what}", file=sys.stderr, flush=True)


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    if "priors" in result:
        for each in result["priors"]:
            gain = ""
            if each["nats_a_note"] is not None:
                gain = f", {each['nats_a_note']:.3f} nats a note (best n-gram {each['best_ngram']:.3f})"
            yield f"{each['style']} ({each['mode']}): {each['weights']:,} weights{gain}; {each['source']}"
        return
    scores = result.get("test", {})
    if scores:
        yield "nats a note of music apart:"
        for name, value in (*scores["ngrams"].items(), ("LSTM", scores.get("lstm")), ("prior", scores["prior"])):
            if value is not None:
                yield f"  {name:14}{value:.3f}"
    yield f"prior: {result['prior']} ({result['weights']:,} weights, {result['seconds']} s)"


if __name__ == "__main__":
    sys.exit(main())
