"""Several models that compose one piece: styles mixed, "jazz=0.7,fiddle=0.3", and agents that trade bars."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rlcompose.agent import Agent, find_agent
from rlcompose.errors import RlcomposeError
from rlcompose.prior.model import load_prior
from rlcompose.prior.players import PriorAgent, TradingAgent
from rlcompose.prior.shipped import shipped_priors
from rlcompose.style import Style, load_style


def is_mix(text: str) -> bool:
    """Whether a style's name is a mix of several."""
    return "=" in text or "," in text


def parse_mix(text: str) -> dict[str, float]:
    """Styles and their weights, which are made to add up to 1; a style without a weight has 1.

    >>> parse_mix("jazz=.75,fiddle=.25")
    {'jazz': 0.75, 'fiddle': 0.25}

    Raises:
        RlcomposeError: A weight is no number above 0, a style is named twice, or none is named.
    """
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, has_weight, number = (each.strip() for each in part.partition("="))
        try:
            weight = float(number) if has_weight else 1.0
        except ValueError:
            weight = float("nan")
        if not name or not 0 < weight < float("inf"):
            raise RlcomposeError(
                f"{part.strip()!r} in the mix {text!r} is no style with a weight: write jazz=0.7,fiddle=0.3"
            )
        if name in weights:
            raise RlcomposeError(f"the mix {text!r} names {name!r} twice")
        weights[name] = weight
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def leader_of(mix: Mapping[str, float]) -> str:
    """The style in which a mix is played: whose chords, tempo, lengths and band it has; of equals the first."""
    return max(mix, key=lambda name: mix[name])


def mixed_agent(mix: Mapping[str, float], style: Style, mode: str | None = None) -> PriorAgent:
    """The weighted product of the styles' priors, over the events of `style`."""
    voices = [(load_prior(load_style(name).family), weight) for name, weight in mix.items()]
    return PriorAgent(voices, style, "-".join(mix) if len(mix) > 1 else "prior", mode=mode)


def trading_agent(names: str, bars: int, style: Style) -> TradingAgent:
    """Agents by name that take turns: styles for their priors, runs by their folders, agents without training.

    Raises:
        RlcomposeError: There are fewer than two, one is unknown, or one cannot play the style's lengths.
    """
    found = [name.strip() for name in names.split(",") if name.strip()]
    if len(found) < 2:
        raise RlcomposeError(f"--agents {names!r} names {len(found)}: trading needs two or more, jazz,fiddle")
    agents = [_named(name, style) for name in found]
    return TradingAgent(agents, bars, "-".join(Path(name).name for name in found))


def _named(name: str, style: Style) -> Agent:
    from rlcompose.run import CONFIG, read_run

    if name in shipped_priors():
        return PriorAgent([(load_prior(name), 1.0)], style, name)
    if (Path(name) / CONFIG).is_file():
        return read_run(name).agent_for(style)
    try:
        return find_agent(name).made()
    except RlcomposeError as error:
        known = ", ".join(shipped_priors())
        raise RlcomposeError(f"{name!r} is no style with a prior ({known}), no run, and: {error}") from None
