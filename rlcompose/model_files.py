"""Reading a model's folder: `config.json`, checked against what it must be made for, and `model.safetensors`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError


def read_arrays(
    folder: Path, kind: str, made_for: Mapping[str, object]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The configuration and the arrays in a folder; `kind` is what messages call it.

    Raises:
        RlcomposeError: They cannot be read, or the configuration has another value than `made_for`; the message says
            which.
    """
    from safetensors.numpy import load_file

    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        arrays = load_file(folder / "model.safetensors")
    except (OSError, ValueError, KeyError) as error:
        raise RlcomposeError(f"cannot read the {kind} in {folder}: {error}") from None
    except Exception as error:  # safetensors' own error has no public base
        raise RlcomposeError(f"{folder / 'model.safetensors'} is not a safetensors file: {error}") from None
    if not isinstance(config, dict):
        raise RlcomposeError(f"cannot read the {kind} in {folder}: its config.json is no object of names and values")
    for key, value in made_for.items():
        if config.get(key) != value:
            raise RlcomposeError(f"the {kind} in {folder} was made for {key} {config.get(key)!r}, here it is {value!r}")
    return config, arrays
