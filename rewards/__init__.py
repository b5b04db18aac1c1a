"""Built-in reward terms, one file for each family; every module here registers itself."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run `python -m rlcompose.rewards`; the exit status."""
    from rlcompose.rewards.__main__ import main as command

    status: int = command(argv)
    return status
