"""The shipped styles: one annotated TOML file each, and their variants; read by `rlcompose.style.load_style`."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run `python -m rlcompose.styles`; the exit status."""
    from rlcompose.styles.__main__ import main as command

    return command(argv)
