"""The judge's models are fitted, and what they say is calibrated."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import missing_extra
from rlcompose.learned.layout import FLOOR, NUM_CLASSES
from rlcompose.learned.models import JudgeModel, checked_parts, standardised
from rlcompose.learned.ngrams import Ngrams
from rlcompose.learned.samples import Floats, Samples, Settings
from rlcompose.learned.trees import BINS, bin_edges, binned, tree_arrays


def _sklearn() -> Any:
    try:
        import sklearn
    except ImportError as error:
        raise missing_extra("scikit-learn", "learn") from error
    return sklearn


def fit_models(samples: Samples, weights: NDArray[np.float64], ngrams: Ngrams, settings: Settings) -> JudgeModel:
    """Boosted trees, a linear and a dense network, with equal shares; `calibrate` weighs them."""
    _sklearn()
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    x, y = samples.features, samples.classes
    mean = x.mean(0)
    scale = 1.0 / np.maximum(x.std(0), 1e-3)
    z = standardised(x, mean, scale)
    edges = bin_edges(x)
    boosted = HistGradientBoostingClassifier(
        max_iter=settings.trees,
        learning_rate=0.1,
        max_leaf_nodes=settings.leaves,
        max_bins=BINS,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=settings.seed,
    ).fit(binned(x, edges), y, sample_weight=weights)
    linear = LogisticRegression(C=0.05, max_iter=200).fit(z, y, sample_weight=weights)
    dense = fit_dense(z, y, weights, settings.hidden, settings.epochs, settings.seed)
    arrays = {
        "mean": mean,
        "scale": scale,
        "linear": linear.coef_.T,
        "linear_bias": linear.intercept_,
        **dense,
        **tree_arrays(boosted, edges),
        "shares": np.full(3, 1 / 3),
        "bias": np.zeros(NUM_CLASSES),
    }
    return JudgeModel(ngrams, checked_parts(arrays))


def fit_dense(
    z: Floats, y: NDArray[np.int64], weights: NDArray[np.float64], hidden: int, epochs: int, seed: int
) -> dict[str, NDArray[np.float32]]:
    """A network with two hidden layers, as arrays; dropout and weight decay keep it from learning by heart."""
    try:
        import torch
    except ImportError as error:
        raise missing_extra("torch", "train") from error
    from torch import nn

    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [nn.Linear(z.shape[1], hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, int(y.max()) + 1)]
        network = nn.Sequential(
            *(nn.Dropout(0.1), layers[0], nn.ReLU(), nn.Dropout(0.3), layers[1], nn.ReLU(), layers[2])
        )
        optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-3)
        batch = min(512, len(y))
        batches = len(y) // batch
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=epochs * batches + 1)
        x, targets = torch.from_numpy(z.astype(np.float32)), torch.from_numpy(y)
        w = torch.from_numpy(weights.astype(np.float32))
        for _ in range(epochs):
            order = torch.randperm(len(y), generator=generator)
            for at in order[: batches * batch].view(batches, batch):
                losses = nn.functional.cross_entropy(network(x[at]), targets[at], reduction="none")
                loss = (losses * w[at]).mean()
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
                optimiser.step()
                schedule.step()
    arrays = {}
    for number, layer in enumerate(layers, 1):
        arrays[f"dense_{number}"] = layer.weight.detach().numpy().T.copy()
        arrays[f"bias_{number}"] = layer.bias.detach().numpy().copy()
    return arrays


def logarithms(model: JudgeModel, features: Floats) -> NDArray[np.float64]:
    """What each of its models says alone, as logarithms with the kernel's floor, float64 (3, windows, classes)."""
    return np.stack([np.log(each.astype(np.float64) + FLOOR) for each in model.alone(features)])


def weighed(logs: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of the probabilities with these three shares and this bias, float64 (windows, classes)."""
    logits = np.tensordot(values[:3], logs, 1) + values[3:]
    logits -= logits.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return result


def calibrate(
    logs: NDArray[np.float64], classes: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The shares and the bias that make samples likeliest, given `logarithms` by models that have not seen them."""
    from scipy.optimize import minimize

    rows, total = np.arange(len(weights)), weights.sum()

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logs_of = weighed(logs, values)
        off = np.exp(logs_of)
        off[rows, classes] -= 1.0
        off *= weights[:, None] / total
        slope = np.concatenate([[(off * each).sum() for each in logs], off.sum(0)])
        value = -(weights * logs_of[rows, classes]).sum() / total
        return float(value + 1e-4 * (values @ values)), slope + 2e-4 * values

    bounds = [(0.05, 2.0)] * 3 + [(None, None)] * NUM_CLASSES
    start = np.concatenate([np.full(3, 0.4), np.zeros(NUM_CLASSES)])
    found: NDArray[np.float64] = minimize(loss, start, jac=True, bounds=bounds).x
    return found


def calibrated(model: JudgeModel, values: NDArray[np.float64]) -> JudgeModel:
    """The same models with these shares and this bias."""
    return JudgeModel(model.ngrams, checked_parts(dict(model.parts) | {"shares": values[:3], "bias": values[3:]}))
