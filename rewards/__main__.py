"""`python -m rlcompose.rewards`: every reward term with its weight, its range, its cost, and whom it pays how much."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rlcompose.command import Parser, run
from rlcompose.errors import RlcomposeError

if TYPE_CHECKING:
    from rlcompose.agent import Agent
    from rlcompose.balance import Account
    from rlcompose.brief import Brief
    from rlcompose.reward import Term, WeightedTerm
    from rlcompose.style import Style

DEFAULT_PIECES = 20
FIRST_SEED = 2_000_000_000  # none of the training's, the evaluation's or the comparison's


def parser() -> Parser:
    """The command's options."""
    parser = Parser(
        "python -m rlcompose.rewards",
        "Every reward term with weight, range, cost, and its share of the return under random play, greedy play, real "
        "music and a trained agent; or, with --speak, what each says of real music.",
        "python -m rlcompose.rewards --style jazz --run runs/jazz-ppo-1",
    )
    from rlcompose.arguments import add_music_options, add_reward_options, at_least

    parser.add_argument("--style", default="jazz", help="the style (default: jazz)")
    run_help = "the folder of a run whose agent is the trained one (default: the latest of the style's in runs/)"
    parser.add_argument("--run", metavar="RUN", help=run_help)
    pieces_help = f"pieces of each player, and real ones (default: {DEFAULT_PIECES})"
    parser.add_argument("--pieces", type=at_least(2), default=DEFAULT_PIECES, metavar="N", help=pieces_help)
    speak_help = (
        "instead: on what share of real notes each term fires, how well it tells real pieces from the same events in "
        "another order (Cohen's d), and which terms say the same"
    )
    parser.add_argument("--speak", action="store_true", help=speak_help)
    parser.add_argument("--paid", action="store_true", help="only the terms that the style pays")
    add_music_options(parser)
    add_reward_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run(_rewards, parser(), argv, _lines)


def _rewards(arguments: argparse.Namespace) -> dict[str, Any]:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from rlcompose.arguments import load_plugins, music_options, reward_weights
    from rlcompose.brief import make_brief
    from rlcompose.reward import load_terms, settled, weigh_terms

    load_plugins(arguments)
    brief = make_brief(arguments.style, music_options(arguments))
    paid = settled(weigh_terms(brief.style.rewards, reward_weights(arguments, brief.style)))
    by_name = {weighted.term.name: weighted.term for weighted in paid}
    terms = list((by_name if arguments.paid else load_terms() | by_name).values())
    terms.sort(key=lambda term: (term.family, term.name))
    if arguments.speak:
        return _speeches(brief.style, terms, arguments.pieces)
    return _balance(arguments, brief, paid, terms)


def _balance(
    arguments: argparse.Namespace, brief: Brief, paid: tuple[WeightedTerm, ...], terms: list[Term]
) -> dict[str, Any]:
    import numpy as np

    from rlcompose.balance import costs, per_bar, played_accounts, players, real_accounts, shares

    trained, told = _trained(arguments, brief)
    notes = [told] if told else []
    accounts: dict[str, list[Account]] = {}
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.pieces)
    for name, agent in players(brief, trained).items():
        _progress(f"{name} play")
        accounts[name] = played_accounts(agent, brief, paid, terms, seeds)
    _progress("real music")
    try:
        accounts["real"] = list(real_accounts(brief.style, terms, arguments.pieces))
    except RlcomposeError as error:
        notes.append(f"no real music: {error}")
    _progress("costs")
    weight_of = {weighted.term.name: weighted.weight for weighted in paid}
    weights = np.array([weight_of.get(term.name, 0.0) for term in terms])
    values = {name: per_bar(pieces) for name, pieces in accounts.items()}
    parts = {name: shares(value, weights) for name, value in values.items()}
    nanoseconds = costs(brief, terms)
    rows = [
        {
            "term": term.name,
            "family": term.family,
            "asked": term.at,
            "weight": float(weights[number]),
            "low": term.low,
            "high": term.high,
            "ns_an_event": round(nanoseconds[number], 1),
            "value_a_bar": {name: round(float(value[number]), 4) for name, value in values.items()},
            "share_of_return": {name: round(float(part[number]), 4) for name, part in parts.items()},
            "summary": term.summary,
        }
        for number, term in enumerate(terms)
    ]
    returns = {name: round(float(value @ weights), 3) for name, value in values.items()}
    return {
        "style": brief.style.name,
        "pieces": arguments.pieces,
        "return_a_bar": returns,
        "terms": rows,
        "notes": notes,
    }


def _trained(arguments: argparse.Namespace, brief: Brief) -> tuple[Agent | None, str]:
    """The trained agent, or why there is none; one that was made for other actions is refused."""
    from rlcompose.run import RUNS, read_run

    style = brief.style
    if arguments.run is not None:
        return replace(read_run(arguments.run), brief=brief).agent(), ""
    made = [path for path in RUNS.glob(f"{style.name}-*") if (path / "model" / "config.json").is_file()]
    if not made:
        return None, "no trained agent: train one, or name a run with --run"
    latest = max(made, key=lambda path: (path / "model" / "config.json").stat().st_mtime)
    try:
        return replace(read_run(latest), brief=brief).agent(), f"trained is the agent of {latest}"
    except RlcomposeError as error:
        return None, f"no trained agent: {error}"


def _speeches(style: Style, terms: list[Term], pieces: int) -> dict[str, Any]:
    import numpy as np

    from rlcompose.balance import real_accounts, speeches, twins

    _progress("real music")
    real = list(real_accounts(style, terms, pieces))
    _progress("the same in another order")
    shuffled = list(real_accounts(style, terms, pieces, shuffled=True))
    names = [term.name for term in terms]
    rows = [
        {"term": term.name, "family": term.family, "fires": round(speech.fires, 5), "d": round(speech.tells, 3)}
        for term, speech in zip(terms, speeches(real, shuffled), strict=True)
    ]
    alike = twins(names, np.concatenate([account.values for account in real]))
    return {
        "style": style.name,
        "pieces": len(real),
        "speech": rows,
        "twins": [{"terms": [one, other], "correlation": round(r, 3)} for one, other, r in alike],
    }


def _progress(what: str) -> None:
    print(f"rlcompose.rewards: {what} …", file=sys.stderr, flush=True)


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    if "speech" in result:
        yield f"{result['style']}: {result['pieces']} real pieces"
        yield f"{'term':32}{'family':14}{'fires':>8}{'d':>8}"
        for row in result["speech"]:
            yield f"{row['term']:32}{row['family']:14}{row['fires']:8.2%}{row['d']:8.2f}"
        for pair in result["twins"]:
            yield f"the same: {' and '.join(pair['terms'])}, correlation {pair['correlation']}"
        return
    columns = list(result["return_a_bar"])
    yield f"{result['style']}: each term's share of the return, over {result['pieces']} pieces"
    heading = "".join(f"{name:>9}" for name in columns)
    yield f"{'term':32}{'asked':12}{'weight':>7}{'range':>12}{'ns':>7}{heading}"
    family = ""
    for row in result["terms"]:
        if row["family"] != family:
            family = row["family"]
            yield f"[{family}]"
        edges = f"{_edge(row['low'])}..{_edge(row['high'])}"
        told = "".join(f"{row['share_of_return'][name]:9.1%}" if row["weight"] else f"{'':9}" for name in columns)
        yield f"{row['term']:32}{row['asked']:12}{row['weight']:7g}{edges:>12}{row['ns_an_event']:7.1f}{told}"
    yield f"{'return a bar':70}" + "".join(f"{result['return_a_bar'][name]:9.2f}" for name in columns)
    yield from result["notes"]


def _edge(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


if __name__ == "__main__":
    sys.exit(main())
