"""The agents that come with the package, one for each style that has a prior: runs without their pieces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rlcompose.errors import RlcomposeError
from rlcompose.prior.shipped import CONFIG, plays_lengths_of

if TYPE_CHECKING:
    from rlcompose.run import Run
    from rlcompose.style import Style

SHIPPED = "shipped"
FOLDER = Path(__file__).resolve().parent / "weights" / "agent"


def shipped_agents() -> tuple[str, ...]:
    """The styles that the package has an agent of."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob(f"*/{CONFIG}")))


def has_shipped(style: Style) -> bool:
    """Whether the package has an agent that plays a style: that of its family, where the lengths are the same."""
    return plays_lengths_of(style, FOLDER / style.family / "model")


def shipped_run(style: Style) -> Run:
    """The run of the agent of a style's family.

    Raises:
        RlcomposeError: There is none; the message names those that are there.
    """
    if style.family not in shipped_agents():
        known = ", ".join(shipped_agents()) or "none"
        raise RlcomposeError(f"there is no shipped agent of the style {style.name!r}: allowed are {known}")
    from rlcompose.run import read_run

    return read_run(FOLDER / style.family)
