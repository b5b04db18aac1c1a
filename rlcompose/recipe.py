"""The recipe: the rewards by which an agent learns that begins as its style's prior.

Rules of the style's file with a share of their weight, the judge of style, and naturalness; `recipe.toml` has the
numbers and their reasons, `docs/recipe.md` how they were found.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from rlcompose.learned.layout import STYLES
from rlcompose.learned.naturalness import has_naturalness
from rlcompose.reward import settled, weigh_terms
from rlcompose.style import Style

OTHERS = "others"


@cache
def _numbers() -> dict[str, Any]:
    return tomllib.loads(resources.files("rlcompose").joinpath("recipe.toml").read_text(encoding="utf-8"))


def recipe_of(style: Style) -> dict[str, float]:
    """The weights of all terms that a style's recipe pays, by name; those of the judge where it knows the style.

    >>> from rlcompose.style import load_style
    >>> recipe_of(load_style("jazz"))["in_style"]
    14.0
    """
    numbers = _numbers()
    shares = numbers["share"]
    weights = {
        weighted.term.name: round(weighted.weight * shares.get(weighted.term.family, shares[OTHERS]), 6)
        for weighted in settled(weigh_terms(style.rewards))
    }
    knows = {"in_style": style.family in STYLES, "natural": has_naturalness(style.family)}
    return weights | {name: weight for name, weight in numbers["learned"].items() if knows.get(name, True)}
