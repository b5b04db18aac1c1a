"""`python -m rlcompose.corpus list|build|describe`: what real music there is, read once and kept."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rlcompose.command import Parser, run


def parser() -> Parser:
    """The command's options."""
    parser = Parser(
        "python -m rlcompose.corpus",
        "List the corpora of real music, read them into the cache, or describe them.",
        "python -m rlcompose.corpus build jazz fiddle",
    )
    parser.add_argument("what", choices=("list", "build", "describe"), help="list, build or describe")
    help_styles = "styles whose corpora are meant (default: all whose files are there)"
    parser.add_argument("styles", nargs="*", metavar="STYLE", help=help_styles)
    help_source = "read this instead: a collection by name, the Weimar Jazz Database, or a file or folder of music"
    parser.add_argument("--source", metavar="SOURCE", help=help_source)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run(_corpus, parser(), argv, _lines)


def _corpus(arguments: argparse.Namespace) -> dict[str, Any]:
    from rlcompose.corpus.library import is_available, load_corpus
    from rlcompose.corpus.sources import CORPORA
    from rlcompose.errors import RlcomposeError
    from rlcompose.style import load_style

    chosen = [load_style(name) for name in arguments.styles or CORPORA]
    if arguments.what == "list":
        return {"corpora": [_listed(style) for style in chosen]}
    if arguments.source is not None and len(arguments.styles) != 1:
        raise RlcomposeError("name one style with --source: the one whose metres are read")
    missing = []
    if not arguments.styles:
        missing = [style.name for style in chosen if not is_available(style)]
        chosen = [style for style in chosen if style.name not in missing]
    described = []
    for style in chosen:
        corpus = load_corpus(style, arguments.source, _tell if sys.stderr.isatty() else None)
        seconds = {"seconds": round(corpus.seconds, 1)} if arguments.what == "build" else {}
        described.append(corpus.describe() | seconds)
    if sys.stderr.isatty():
        print("\r", end="\033[K", file=sys.stderr, flush=True)
    return {"corpora": described, "not_there": missing}


def _listed(style: Any) -> dict[str, Any]:
    """What is known of a style's corpus without reading it."""
    from rlcompose.corpus.sources import COLLECTIONS, CORPORA, source_path
    from rlcompose.corpus.wjazzd import LICENCE
    from rlcompose.errors import RlcomposeError

    sources: list[dict[str, Any]] = []
    for name in CORPORA.get(style.family, ()):
        try:
            place, lacks = str(source_path(name)), ""
        except RlcomposeError as error:
            place, lacks = "", str(error)
        licence = COLLECTIONS[name].licence if name in COLLECTIONS else LICENCE
        sources.append({"source": name, "licence": licence, "place": place, "lacks": lacks})
    return {"style": style.name, "sources": sources}


def _tell(name: str, done: int, of: int) -> None:
    print(f"\r{name}: {done:,} of {of:,} pieces", end="\033[K", file=sys.stderr, flush=True)


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    for corpus in result["corpora"]:
        if "sources" in corpus:
            yield f"{corpus['style']}:"
            for source in corpus["sources"]:
                yield f"  {source['source']}: {source['licence']}"
                yield f"    {source['place'] or source['lacks']}"
            continue
        read = f", read in {corpus['seconds']} s" if corpus.get("seconds") else ""
        yield (
            f"{corpus['style']} ({corpus['source']}): {corpus['pieces']:,} pieces, {corpus['notes']:,} notes, "
            f"{corpus['bars']:,} bars, {corpus['groups']:,} groups, {corpus['families']:,} families{read}"
        )
        for title, key in (("keys", "modes"), ("metres", "metres"), ("skipped", "reasons")):
            if corpus[key]:
                yield f"  {title}: " + ", ".join(f"{name} ({count:,})" for name, count in corpus[key].items())
        if corpus["years"]:
            yield "  recorded: {} to {}".format(*corpus["years"])
        for licence in corpus["licence"]:
            yield f"  licence: {licence}"
    for name in result.get("not_there", ()):
        yield f"{name}: its files are not there (rlcompose corpus list says what is missing)"


if __name__ == "__main__":
    sys.exit(main())
