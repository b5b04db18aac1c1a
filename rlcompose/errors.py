"""The one kind of error a user's mistake raises, and the sentence it is told in."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class RlcomposeError(ValueError):
    """A mistake in what was asked for; the message alone tells how to mend it.

    Commands print the message on one line and exit with status 2; a traceback is kept for our own faults.
    """


def unknown(kind: str, name: object, allowed: Iterable[str]) -> RlcomposeError:
    """The error for a name that does not exist, with the nearest one that does.

    >>> print(unknown("style", "jaz", ["fiddle", "jazz"]))
    unknown style 'jaz': did you mean 'jazz'? Allowed: fiddle, jazz
    """
    names = sorted(allowed)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f" did you mean {near[0]!r}?" if near else ""
    return RlcomposeError(f"unknown {kind} {name!r}:{hint} Allowed: {', '.join(names) or 'none'}")


def faulty(source: str, faults: Sequence[str]) -> RlcomposeError:
    """The error that tells all the faults of a file together, a line each.

    >>> print(faulty("mine.toml", ["tempo = 0: allowed is more"]))
    mine.toml has a fault:
      tempo = 0: allowed is more
    """
    count = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
    return RlcomposeError(f"{source} has {count}:" + "".join(f"\n  {fault}" for fault in faults))


def missing_extra(package: str, extra: str) -> RlcomposeError:
    """The error for an optional package that is not installed, with the command that installs it."""
    return RlcomposeError(f'{package} is not installed: pip install "rlcompose[{extra}]"')
