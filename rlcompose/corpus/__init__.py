"""Readers of real music, from the user's own copy of each corpus; no note of any corpus comes with this package."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run `python -m rlcompose.corpus`; the exit status."""
    from rlcompose.corpus.__main__ import main as command

    return command(argv)
