"""Models as arrays: what a judge is made of, how it is kept in files, and how compiled code is given it.

A model is a folder with `config.json` and `model.safetensors`; nothing in it is executed. Trees are arrays of nodes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.files import make_folder, write_atomically
from rlcompose.learned.compiled import kernel
from rlcompose.learned.layout import CLASSES, FEATURES, NUM_CLASSES, NUM_FEATURES, WIDEST
from rlcompose.learned.melodies import Melodies
from rlcompose.learned.ngrams import Ngrams
from rlcompose.learned.trees import PACKED, TREES, check_shapes, checked_trees
from rlcompose.model_files import read_arrays

FORMAT = 1
_NETS = (
    *("mean", "scale", "linear", "linear_bias"),
    *("dense_1", "bias_1", "dense_2", "bias_2", "dense_3", "bias_3"),
)
_MIXED = ("shares", "bias")
PARTS = (*_NETS, *TREES, *_MIXED)  # of the judge's models, in its file
_ARRAYS = (*_NETS, *PACKED, *_MIXED)  # what the kernel takes, in its order
JUDGES = "the judge's model"  # in messages
_NGRAMS = ("melody", "degree", "rhythm")


def features_id() -> str:
    """A hash of the features' names and order: a model made for others is refused."""
    return hashlib.sha256("\n".join((*FEATURES, *CLASSES)).encode()).hexdigest()[:12]


@dataclass(frozen=True, eq=False)
class JudgeModel:
    """The judge's models and the n-gram tables behind its features.

    `parts` are named as in `PARTS`, and the trees are there packed too.

    Boosted trees, a linear and a dense network give probabilities of the classes; their logarithms are added with
    `shares`, `bias` is added, and the sum is normalised.
    """

    ngrams: Ngrams
    parts: Mapping[str, NDArray[Any]]

    @cached_property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """What compiled functions take."""
        return tuple(self.parts[name] for name in _ARRAYS)

    def features(self, melodies: Melodies, windows: NDArray[np.int32]) -> NDArray[np.float32]:
        """The features of windows, float32 (windows, features)."""
        return features_of(melodies, windows, self.ngrams)

    def probabilities(self, melodies: Melodies, windows: NDArray[np.int32]) -> NDArray[np.float32]:
        """Of each window, float32 (windows, classes)."""
        out = np.empty((len(windows), NUM_CLASSES), np.float32)
        kernel().judge_windows(*melodies.arrays, np.ascontiguousarray(windows), *self.ngrams.arrays, self.arrays, out)
        return out

    def of_features(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probabilities of windows whose features are known."""
        out = np.empty((len(features), NUM_CLASSES), np.float32)
        kernel().judge_features(np.ascontiguousarray(features, np.float32), self.arrays, out)
        return out

    def alone(self, features: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """What each of the models says alone, neither weighed nor calibrated: trees, linear, dense."""
        result = []
        for number in range(3):
            shares = np.zeros(3, np.float32)
            shares[number] = 1.0
            parts = dict(self.parts) | {"shares": shares, "bias": np.zeros(NUM_CLASSES, np.float32)}
            result.append(JudgeModel(self.ngrams, parts).of_features(features))
        return result


def features_of(melodies: Melodies, windows: NDArray[np.int32], ngrams: Ngrams) -> NDArray[np.float32]:
    """The features of windows, float32 (windows, features)."""
    out = np.empty((len(windows), NUM_FEATURES), np.float32)
    kernel().features_of(*melodies.arrays, np.ascontiguousarray(windows), *ngrams.arrays, out)
    return out


def standardised(
    features: NDArray[np.float32], mean: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Features as the linear models and the networks see them: centred, scaled, and cut."""
    result: NDArray[np.float32] = np.clip((features - mean) * scale, -WIDEST, WIDEST)
    return result


def quadratic(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features, their squares, and a constant: what a quadratic form weighs, float64 (windows, 2 * features + 1)."""
    return np.concatenate([z, z * z, np.ones((len(z), 1))], axis=1)


def checked_parts(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The judge's arrays, of the kernel's types; what would lead compiled code astray is an error that names it."""
    missing = [name for name in PARTS if name not in arrays]
    if missing:
        raise RlcomposeError(f"{JUDGES} lacks {', '.join(missing)}")
    trees = checked_trees(arrays, NUM_CLASSES, JUDGES)
    parts = {name: np.ascontiguousarray(arrays[name], np.float32) for name in PARTS if name not in trees} | trees
    hidden, hidden_2 = len(parts["bias_1"]), len(parts["bias_2"])
    shapes = {
        **dict.fromkeys(("mean", "scale"), (NUM_FEATURES,)),
        "linear": (NUM_FEATURES, NUM_CLASSES),
        **dict.fromkeys(("linear_bias", "bias_3", "bias"), (NUM_CLASSES,)),
        "dense_1": (NUM_FEATURES, hidden),
        "dense_2": (hidden, hidden_2),
        "dense_3": (hidden_2, NUM_CLASSES),
        "shares": (3,),
    }
    check_shapes(parts, shapes, JUDGES)
    return parts


# --- files ------------------------------------------------------------------------------------------------------------


def save_arrays(folder: Path, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write `config.json` and `model.safetensors`, each whole or not at all."""
    from safetensors.numpy import save

    make_folder(folder)
    write_atomically(
        folder / "model.safetensors", save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    )
    whole = {"format": FORMAT, "features_id": features_id(), **config}
    write_atomically(folder / "config.json", json.dumps(whole, indent=2, sort_keys=True) + "\n")


def load_arrays(folder: Path, kind: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The configuration and the arrays in a folder.

    Raises:
        RlcomposeError: They cannot be read, or were made for another version; the message says which.
    """
    return read_arrays(folder, kind, {"kind": kind, "format": FORMAT, "features_id": features_id()})


def save_judge(folder: Path, model: JudgeModel, config: Mapping[str, Any]) -> None:
    """Write a judge's folder."""
    tables = dict(zip(_NGRAMS, model.ngrams.arrays, strict=True))
    save_arrays(folder, {"kind": "judge", **config}, {name: model.parts[name] for name in PARTS} | tables)


def load_judge_model(folder: Path) -> tuple[JudgeModel, dict[str, Any]]:
    """The judge in a folder, and its configuration."""
    config, arrays = load_arrays(folder, "judge")
    missing = [name for name in _NGRAMS if name not in arrays]
    if missing:
        raise RlcomposeError(f"the judge in {folder} lacks the tables {', '.join(missing)}")
    ngrams = Ngrams(*(np.ascontiguousarray(arrays[name], np.float32) for name in _NGRAMS))
    ngrams.check()
    return JudgeModel(ngrams, checked_parts(arrays)), config
