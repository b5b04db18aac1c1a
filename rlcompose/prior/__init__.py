"""The prior: what real music of a style goes on with, learned by a small network; it composes without training.

    from rlcompose.prior.model import load_prior
    prior = load_prior("jazz")          # shipped with the package; needs torch

`python -m rlcompose.prior train` learns one from your own copy of a corpus.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    from rlcompose.prior.__main__ import main as command

    return command(argv)
