"""Boosted trees as arrays of nodes: made from scikit-learn's, checked, and summed by compiled code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.learned.compiled import kernel
from rlcompose.learned.layout import NUM_FEATURES

# What the kernel takes, in its order: `roots` (rounds, columns) is the first node of each tree, `base` (columns,) what
# is added to their sums; the others have a value a node, and a leaf has split -1.
TREES = ("roots", "split", "threshold", "left", "right", "value", "base")
TYPES: dict[str, Any] = {"roots": np.int32, "split": np.int16, "left": np.int32, "right": np.int32}


def tree_arrays(models: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """The trees of scikit-learn's histogram gradient boosting as arrays; those of several models, column by column.

    The features are float32 and the thresholds float64: rounded down they part the same values.
    """
    roots: list[list[int]] = []
    columns: dict[str, list[Any]] = {name: [] for name in TREES[1:-1]}
    size = 0
    for round_ in zip(*(model._predictors for model in models), strict=True):
        roots.append([])
        for predictor in (predictor for predictors in round_ for predictor in predictors):
            nodes = predictor.nodes
            is_leaf = nodes["is_leaf"] != 0
            roots[-1].append(size)
            columns["split"].append(np.where(is_leaf, -1, nodes["feature_idx"].astype(np.int64)))
            columns["threshold"].append(_rounded_down(np.where(is_leaf, 0.0, nodes["num_threshold"])))
            columns["left"].append(np.where(is_leaf, 0, nodes["left"].astype(np.int64) + size))
            columns["right"].append(np.where(is_leaf, 0, nodes["right"].astype(np.int64) + size))
            columns["value"].append(nodes["value"])
            size += len(nodes)
    arrays = {name: np.concatenate(parts) for name, parts in columns.items()}
    base = np.concatenate([model._baseline_prediction.ravel() for model in models])
    return {"roots": np.array(roots, np.int32), **arrays, "base": base}


def _rounded_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    rounded = values.astype(np.float32)
    below = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded.astype(np.float64) > values, below, rounded)


def checked_trees(arrays: Mapping[str, NDArray[Any]], columns: int, whose: str) -> dict[str, NDArray[Any]]:
    """The arrays of the kernel's types; what would lead compiled code astray is an error that names it.

    Raises:
        RlcomposeError: An array is missing or has another shape, or a node points to none.
    """
    missing = [name for name in TREES if name not in arrays]
    if missing:
        raise RlcomposeError(f"{whose} lacks {', '.join(missing)}")
    trees = {name: np.ascontiguousarray(arrays[name], TYPES.get(name, np.float32)) for name in TREES}
    nodes = len(trees["split"])
    shapes = {
        **dict.fromkeys(("split", "threshold", "left", "right", "value"), (nodes,)),
        "roots": (len(trees["roots"]), columns),
        "base": (columns,),
    }
    check_shapes(trees, shapes, whose)
    inner = trees["split"] >= 0
    number = np.arange(nodes)
    if (
        (trees["split"] >= NUM_FEATURES).any()
        or not ((trees["roots"] >= 0) & (trees["roots"] < nodes)).all()
        # Children come after their parent: so no walk goes astray or round in a circle.
        or any(((trees[side] <= number) | (trees[side] >= nodes))[inner].any() for side in ("left", "right"))
    ):
        raise RlcomposeError(f"the trees of {whose} are damaged: a node points to none")
    return trees


def check_shapes(arrays: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]], whose: str) -> None:
    """An error names the first array that has another shape."""
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise RlcomposeError(f"{name} of {whose} has shape {arrays[name].shape}: it must be {shape}")


def tree_sums(trees: Mapping[str, NDArray[Any]], features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sum of each column's trees for windows, float32 (windows, columns)."""
    sums = np.empty((len(features), len(trees["base"])), np.float32)
    kernel().boosted_of(np.ascontiguousarray(features, np.float32), *(trees[name] for name in TREES), sums)
    return sums
