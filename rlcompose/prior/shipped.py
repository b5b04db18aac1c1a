"""Which priors the package has, told without loading torch."""

from __future__ import annotations

import json
from pathlib import Path

from rlcompose.style import Style

SHIPPED = Path(__file__).resolve().parents[1] / "weights" / "prior"
CONFIG = "config.json"


def durations_of(style: Style) -> tuple[int, ...]:
    """The lengths of a style's events in ticks."""
    return tuple(ticks for _, ticks in style.durations)


def shipped_priors() -> tuple[str, ...]:
    """The styles that the package has a prior of."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}")))


def has_prior(style: Style) -> bool:
    """Whether the package has a prior that plays a style: that of its family, where the lengths are the same."""
    return plays_lengths_of(style, SHIPPED / style.family)


def plays_lengths_of(style: Style, model: Path) -> bool:
    """Whether there is a model in a folder, and it was made for the lengths of a style."""
    if not (model / CONFIG).is_file():
        return False
    config = json.loads((model / CONFIG).read_text(encoding="utf-8"))
    return tuple(config["durations"]) == durations_of(style)
