"""rlcompose: an environment in which an agent composes note by note over a chord progression, and is heard.

Importing this package registers the environment ids with Gymnasium and loads nothing heavy::

    import gymnasium, rlcompose
    env = gymnasium.make("rlcompose/Compose-v0", style="jazz")
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium

# In a source checkout agents/ and rewards/ lie beside this folder; in a wheel they lie inside it (pyproject,
# package-dir).
_checkout = Path(__file__).resolve().parents[1]
if all((_checkout / part).exists() for part in ("pyproject.toml", "agents", "rewards")):
    __path__.append(str(_checkout))

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rlcompose.brief import Options
    from rlcompose.charts.reading import read_chart
    from rlcompose.composing import Composer
    from rlcompose.env import ComposeEnv
    from rlcompose.errors import RlcomposeError
    from rlcompose.reward import reward_term
    from rlcompose.score import Composition, Note
    from rlcompose.style import Style, load_style, style_names
    from rlcompose.vector import ComposeVectorEnv

# Public names and where they live; they are imported when they are first asked for.
_HOMES = {
    "ComposeEnv": "env",
    "ComposeVectorEnv": "vector",
    "Composer": "composing",
    "Composition": "score",
    "Note": "score",
    "Options": "brief",
    "RlcomposeError": "errors",
    "Style": "style",
    "load_style": "style",
    "read_chart": "charts.reading",
    "reward_term": "reward",
    "style_names": "style",
}

__all__ = [
    "ComposeEnv",
    "ComposeVectorEnv",
    "Composer",
    "Composition",
    "Note",
    "Options",
    "RlcomposeError",
    "Style",
    "load_style",
    "read_chart",
    "reward_term",
    "style_names",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rlcompose' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"rlcompose.{_HOMES[name]}"), name)


gymnasium.register(
    id="rlcompose/Compose-v0",
    entry_point="rlcompose.env:ComposeEnv",
    vector_entry_point="rlcompose.vector:ComposeVectorEnv",
)
gymnasium.register(
    id="rlcompose/RLTuner-v0",
    entry_point="rlcompose.rl_tuner.env:RLTunerEnv",
    vector_entry_point="rlcompose.rl_tuner.vector:RLTunerVectorEnv",
)
