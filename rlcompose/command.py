"""What all commands share: one line for a user's mistake, `--json`, Ctrl-C, and help with an example."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from rlcompose.errors import RlcomposeError
from rlcompose.files import write_atomically

OK, USER_MISTAKE, INTERRUPTED = 0, 2, 130


class Parser(argparse.ArgumentParser):
    """An argument parser with an example under its help, whose errors are one line."""

    def __init__(self, prog: str, description: str, example: str) -> None:
        super().__init__(prog=prog, description=description, epilog=f"example: {example}")
        self.add_argument("--json", metavar="FILE", help="also write the result to this file as JSON")

    def error(self, message: str) -> NoReturn:
        """Print the mistake on one line and exit with status 2."""
        self.exit(USER_MISTAKE, f"rlcompose: error: {message} (see {self.prog} -h)\n")


def run(
    body: Callable[[argparse.Namespace], Mapping[str, Any]],
    parser: Parser,
    argv: Sequence[str] | None,
    lines: Callable[[Mapping[str, Any]], Iterable[str]] | None = None,
) -> int:
    """Parse, call the command's body, print its result, write it as JSON if asked; the exit status.

    Printed is an item a line, or what `lines` makes of the result.

    A user's mistake and a file that cannot be read or written are one line on stderr and status 2, Ctrl-C is status
    130; any other exception is our own fault and keeps its traceback.
    """
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as leave:  # after -h, or after a mistake that is already told
        return leave.code if isinstance(leave.code, int) else USER_MISTAKE
    try:
        if arguments.json:
            _check_writable(Path(arguments.json))
        result = body(arguments)
        for line in (lines or result_lines)(result):
            print(line)
        if arguments.json:
            write_atomically(arguments.json, json.dumps(result, indent=2, sort_keys=True, allow_nan=False) + "\n")
    except (RlcomposeError, OSError) as error:
        print(f"rlcompose: error: {one_line(str(error))}", file=sys.stderr)
        return USER_MISTAKE
    except KeyboardInterrupt:
        print("rlcompose: interrupted", file=sys.stderr)
        return INTERRUPTED
    return OK


def one_line(message: str) -> str:
    r"""A message on one line; several faults, a line each, are parted by semicolons.

    >>> one_line("mine.toml has 2 faults:\n  tempo = 0: allowed is more\n  pulse is missing")
    'mine.toml has 2 faults: tempo = 0: allowed is more; pulse is missing'
    """
    first, *others = [" ".join(line.split()) for line in message.splitlines()]
    return " ".join([first, "; ".join(others)]).strip()


def result_lines(value: Any, indent: str = "") -> Iterator[str]:
    r"""A result for reading: an item a line, what is nested further in; items without a value are left out.

    >>> print(*result_lines({"run": "r", "mean_return": {"random": -1.5, "ppo": 3}, "lufs": None}), sep="\n")
    run: r
    mean_return:
      random: -1.5
      ppo: 3
    """
    items = value.items() if isinstance(value, Mapping) else ((str(n), item) for n, item in enumerate(value, 1))
    for name, item in items:
        if isinstance(item, Mapping | list | tuple):
            if item:
                yield f"{indent}{name}:"
                yield from result_lines(item, indent + "  ")
        elif isinstance(item, bool):
            yield f"{indent}{name}: {'yes' if item else 'no'}"
        elif item is not None and item != "":
            yield f"{indent}{name}: {item}"


def _check_writable(path: Path) -> None:
    """A result that cannot be written is told before the work is done, not after."""
    if path.is_dir():
        raise RlcomposeError(f"cannot write {path}: it is a folder, name a file in it")
    if path.exists() and not path.is_file():  # /dev/stdout
        return
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
    except OSError as error:
        raise RlcomposeError(f"cannot write {path}: {error.strerror or error}") from None
