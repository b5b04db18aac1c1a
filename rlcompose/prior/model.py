"""A prior on disk and in memory: the network with what it was made for; those of the package, by style."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from rlcompose.engine.layout import LAYOUT_ID
from rlcompose.env import ENV_ID
from rlcompose.errors import RlcomposeError, unknown
from rlcompose.files import make_folder, write_atomically
from rlcompose.model_files import read_arrays
from rlcompose.prior.network import PriorNetwork
from rlcompose.prior.shipped import CONFIG, SHIPPED, durations_of, shipped_priors
from rlcompose.style import Style

WEIGHTS = "model.safetensors"
FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What a style's music goes on with: log probabilities of all events after an observation.

    style     the name of the style whose music it has learned
    network   without dropout, on the CPU
    details   what else its `config.json` says: the parts of the split, figures, sources
    """

    style: str
    network: PriorNetwork
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def durations(self) -> tuple[int, ...]:
        """The lengths that it knows, in ticks."""
        return self.network.durations

    def is_for(self, style: Style) -> bool:
        """Whether it plays the lengths of a style."""
        return self.durations == durations_of(style)


def save_prior(folder: Path, prior: Prior) -> None:
    """Write `config.json` and `model.safetensors`, each whole or not at all; weights with half precision."""
    network = prior.network
    make_folder(folder)
    state = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    write_atomically(folder / WEIGHTS, save(state))
    config = {
        **prior.details,
        "kind": "prior",
        "format": FORMAT,
        "environment": ENV_ID,
        "layout_id": LAYOUT_ID,
        "style": prior.style,
        "durations": list(network.durations),
        "mode": network.mode,
        "hidden": network.hidden,
    }
    write_atomically(folder / CONFIG, json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_prior(folder: str | Path) -> Prior:
    """The prior in a folder.

    Raises:
        RlcomposeError: It cannot be read, or was made for another environment or layout; the message says which.
    """
    folder = Path(folder)
    made_for = {"kind": "prior", "format": FORMAT, "environment": ENV_ID, "layout_id": LAYOUT_ID}
    config, weights = read_arrays(folder, "prior", made_for)
    try:
        network = PriorNetwork(tuple(map(int, config["durations"])), config["mode"], int(config["hidden"]))
        network.load_state_dict({name: torch.from_numpy(value).float() for name, value in weights.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RlcomposeError(f"the weights in {folder} do not fit the network: {error}") from None
    network.eval()
    network.requires_grad_(False)
    known = {"kind", "format", "environment", "layout_id", "style", "durations", "mode", "hidden"}
    return Prior(str(config["style"]), network, {key: value for key, value in config.items() if key not in known})


@cache
def load_prior(style: str) -> Prior:
    """The package's prior of a style, by its name.

    Raises:
        RlcomposeError: There is none; the message names the nearest.
    """
    if style not in shipped_priors():
        raise unknown("prior of style", style, shipped_priors())
    return read_prior(SHIPPED / style)


def copy_of(prior: Prior) -> Prior:
    """A prior of its own with the same weights, to be changed."""
    network = PriorNetwork(prior.network.durations, prior.network.mode, prior.network.hidden)
    network.load_state_dict({name: torch.clone(value) for name, value in prior.network.state_dict().items()})
    return Prior(prior.style, network, dict(prior.details))
