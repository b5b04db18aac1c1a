"""Boosted trees as arrays of nodes: made from scikit-learn's, checked, and packed for the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.learned.compiled import kernel
from rlcompose.learned.layout import NUM_FEATURES

# What stands in files: `roots` (rounds, columns) is the first node of each tree, `base` (columns,) what is added to
# their sums; the others have a value a node, and a leaf has split -1. `features[split] <= threshold` goes left.
TREES = ("roots", "split", "threshold", "left", "right", "value", "base")
# What the kernel takes, in its order. `edges[edge_at[f]:edge_at[f + 1]]` are the thresholds of feature f, sorted: how
# many of them a feature exceeds is compared, so a node is one int32. Its bits from the lowest on: feature (8), number
# of the threshold (8), steps to the left child (7) and to the right one (8); a leaf has no steps to go.
PACKED = ("roots", "nodes", "value", "edges", "edge_at", "base")
BINS = 63  # of a feature, on which trees are grown
FARTHEST = 255  # steps, and thresholds of a feature
TYPES: dict[str, Any] = {"roots": np.int32, "split": np.int16, "left": np.int32, "right": np.int32}


def bin_edges(features: NDArray[np.float32], bins: int = BINS) -> list[NDArray[np.float32]]:
    """Of each feature at most `bins - 1` of its own values, between which lie about equal shares of the windows.

    scikit-learn finds such values too, but where windows have weights it takes half a minute for it.
    """
    at = np.linspace(0, 1, bins + 1)[1:-1]
    quantiles = np.quantile(features, at, axis=0, method="inverted_cdf").astype(np.float32)
    return [np.unique(column) for column in quantiles.T]


def binned(features: NDArray[np.float32], edges: Sequence[NDArray[np.float32]]) -> NDArray[np.uint8]:
    """How many of its edges each feature exceeds, which is what trees are grown on."""
    return np.column_stack([np.searchsorted(edge, features[:, f]).astype(np.uint8) for f, edge in enumerate(edges)])


def tree_arrays(model: Any, edges: Sequence[NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
    """The trees of scikit-learn's histogram gradient boosting as arrays.

    They were grown on features binned by these edges; the arrays are about the features themselves.
    """
    roots: list[list[int]] = []
    columns: dict[str, list[Any]] = {name: [] for name in TREES[1:-1]}
    counts = np.array([len(edge) for edge in edges])
    starts = np.cumsum(counts) - counts
    all_edges = np.concatenate(edges)
    size = 0
    for round_ in model._predictors:
        roots.append([])
        for predictor in round_:
            nodes = predictor.nodes
            is_leaf = nodes["is_leaf"] != 0
            split = np.where(is_leaf, -1, nodes["feature_idx"].astype(np.int64))
            # A threshold lies between two numbers of bins, and is the edge that parts them.
            number = np.floor(np.where(is_leaf, 0.0, nodes["num_threshold"])).astype(np.int64)
            roots[-1].append(size)
            columns["split"].append(split)
            columns["threshold"].append(np.where(is_leaf, 0.0, all_edges[starts[split] + number]))
            columns["left"].append(np.where(is_leaf, 0, nodes["left"].astype(np.int64) + size))
            columns["right"].append(np.where(is_leaf, 0, nodes["right"].astype(np.int64) + size))
            columns["value"].append(nodes["value"])
            size += len(nodes)
    arrays = {name: np.concatenate(parts) for name, parts in columns.items()}
    return {"roots": np.array(roots, np.int32), **arrays, "base": model._baseline_prediction.ravel()}


def checked_trees(arrays: Mapping[str, NDArray[Any]], columns: int, whose: str) -> dict[str, NDArray[Any]]:
    """The arrays of a file with those of `PACKED`; what would lead compiled code astray is an error that names it.

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
        # The left child comes next and the right one soon after: so no walk goes astray or round in a circle.
        or (trees["left"] != number + 1)[inner].any()
        or ((trees["right"] <= number) | (trees["right"] > number + FARTHEST) | (trees["right"] >= nodes))[inner].any()
    ):
        raise RlcomposeError(f"the trees of {whose} are damaged: a node points to none")
    return trees | _packed(trees, whose)


def boosted_sums(features: NDArray[np.float32], trees: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """The sums of checked trees for windows, float32 (windows, columns)."""
    out = np.empty((len(features), trees["roots"].shape[1]), np.float32)
    kernel().boosted(np.ascontiguousarray(features, np.float32), *(trees[name] for name in PACKED), out)
    return out


def _packed(trees: Mapping[str, NDArray[Any]], whose: str) -> dict[str, NDArray[Any]]:
    """See `PACKED`."""
    inner = np.flatnonzero(trees["split"] >= 0)
    split, threshold = trees["split"][inner].astype(np.int64), trees["threshold"][inner]
    order = np.lexsort((threshold, split))
    changes = np.concatenate([[True], (np.diff(split[order]) != 0) | (np.diff(threshold[order]) != 0)])[: len(order)]
    edges = threshold[order[changes]]
    counts = np.bincount(split[order[changes]], minlength=NUM_FEATURES)
    if counts.max() > FARTHEST:
        raise RlcomposeError(f"the trees of {whose} have {counts.max()} thresholds of a feature: at most {FARTHEST}")
    edge_at = np.concatenate([[0], np.cumsum(counts)])
    rank = np.empty(len(inner), np.int64)
    rank[order] = np.cumsum(changes) - 1
    nodes = np.zeros(len(trees["split"]), np.int64)
    nodes[inner] = split | (rank - edge_at[split]) << 8 | 1 << 16 | (trees["right"][inner] - inner) << 23
    return {
        "nodes": nodes.astype(np.int32),
        "edges": np.ascontiguousarray(edges, np.float32),
        "edge_at": edge_at.astype(np.int32),
    }


def check_shapes(arrays: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]], whose: str) -> None:
    """An error names the first array that has another shape."""
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise RlcomposeError(f"{name} of {whose} has shape {arrays[name].shape}: it must be {shape}")
