"""What all commands share: one line for a user's mistake, `--json`, Ctrl-C, and help with an example."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
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


def run(body: Callable[[argparse.Namespace], Mapping[str, Any]], parser: Parser, argv: Sequence[str] | None) -> int:
    """Parse, call the command's body, print its result a line an item, write it as JSON if asked; the exit status.

    A user's mistake and a file that cannot be read or written are one line on stderr and status 2, Ctrl-C is status
    130; any other exception is our own fault and keeps its traceback.
    """
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as leave:  # after -h, or after a mistake that is already told
        return leave.code if isinstance(leave.code, int) else USER_MISTAKE
    try:
        result = body(arguments)
        for name, value in result.items():
            if value is not None and value != "":
                print(f"{name}: {value}")
        if arguments.json:
            write_atomically(arguments.json, json.dumps(result, indent=2, sort_keys=True, allow_nan=False) + "\n")
    except (RlcomposeError, OSError) as error:
        print(f"rlcompose: error: {' '.join(str(error).split())}", file=sys.stderr)
        return USER_MISTAKE
    except KeyboardInterrupt:
        print("rlcompose: interrupted", file=sys.stderr)
        return INTERRUPTED
    return OK
