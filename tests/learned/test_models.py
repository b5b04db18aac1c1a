"""The judge's compiled models against what they were learned with, and their files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.learned.fitting import calibrate, calibrated, fit_models, logarithms
from rlcompose.learned.judge import load_judge
from rlcompose.learned.layout import FLOOR, NUM_CLASSES, NUM_FEATURES
from rlcompose.learned.models import JudgeModel, checked_parts, load_judge_model, save_judge
from rlcompose.learned.samples import Samples, Settings
from rlcompose.learned.trees import bin_edges, binned, tree_arrays

pytest.importorskip("sklearn")
pytest.importorskip("torch")


@pytest.fixture(scope="module")
def samples() -> Samples:
    draw = np.random.default_rng(0)
    classes = draw.integers(0, NUM_CLASSES, 1400)
    features = draw.normal(size=(1400, NUM_FEATURES)).astype(np.float32)
    features[np.arange(1400), classes] += 2.5
    features[:, 20] = draw.integers(0, 3, 1400) / 4  # few values, which thresholds lie between
    return Samples(features, classes, np.full(1400, 8), np.zeros(1400, np.int64), np.full(1400, -1))


@pytest.fixture(scope="module")
def model(samples: Samples) -> JudgeModel:
    settings = Settings(trees=12, leaves=8, hidden=16, epochs=3)
    return fit_models(samples, np.ones(1400), load_judge().model.ngrams, settings)


def test_compiled_trees_are_scikit_learns(samples: Samples, model: JudgeModel) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    boosted = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=12, early_stopping=False, random_state=1)
    edges = bin_edges(samples.features, 63)
    boosted.fit(binned(samples.features, edges), samples.classes)
    draw = np.random.default_rng(2)
    asked = np.concatenate([samples.features, draw.normal(size=(600, NUM_FEATURES)).astype(np.float32)])
    # On the thresholds themselves, where rounding would show.
    for f, edge in enumerate(edges):
        asked[draw.integers(0, len(asked), len(edge)), f] = edge
    parts = checked_parts(dict(model.parts) | tree_arrays(boosted, edges))
    said = JudgeModel(model.ngrams, parts).alone(asked)[0]
    expected = boosted.predict_proba(binned(asked, edges)) + FLOOR
    assert np.allclose(said, expected / expected.sum(axis=1, keepdims=True), atol=1e-5)


def test_the_models_alone_and_together_are_what_numpy_makes_of_them(samples: Samples, model: JudgeModel) -> None:
    parts = {name: np.asarray(array, np.float64) for name, array in model.parts.items()}
    z = np.clip((samples.features - parts["mean"]) * parts["scale"], -4, 4)

    def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
        odds: NDArray[np.float64] = np.exp(logits - logits.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        return odds

    linear = softmax(z @ parts["linear"] + parts["linear_bias"])
    hidden = np.maximum(z @ parts["dense_1"] + parts["bias_1"], 0)
    hidden = np.maximum(hidden @ parts["dense_2"] + parts["bias_2"], 0)
    dense = softmax(hidden @ parts["dense_3"] + parts["bias_3"])
    trees, ours_linear, ours_dense = (each.astype(np.float64) for each in model.alone(samples.features))
    assert np.allclose(ours_linear, (linear + 1e-4) / (linear + 1e-4).sum(axis=1, keepdims=True), atol=1e-4)
    assert np.allclose(ours_dense, (dense + 1e-4) / (dense + 1e-4).sum(axis=1, keepdims=True), atol=1e-4)
    logs = np.mean([np.log(each + 1e-4) for each in (trees, linear, dense)], axis=0)
    assert np.allclose(model.of_features(samples.features), softmax(logs), atol=2e-3)
    assert (model.of_features(samples.features).argmax(axis=1) == samples.classes).mean() > 0.9


def test_calibration_makes_unseen_samples_likelier(samples: Samples, model: JudgeModel) -> None:
    rng = np.random.default_rng(3)
    classes = np.where(rng.random(1400) < 0.3, rng.integers(0, NUM_CLASSES, 1400), samples.classes)
    unseen = Samples(samples.features, classes, samples.bars, samples.sources, samples.noise)
    fitted = calibrated(model, calibrate(logarithms(model, unseen.features), classes, np.ones(1400)))

    def loss(judge: JudgeModel) -> float:
        return float(-np.log(judge.of_features(unseen.features)[np.arange(1400), classes]).mean())

    assert loss(fitted) < loss(model) - 0.02


def test_a_judge_is_read_as_it_was_written(tmp_path: Path, model: JudgeModel, samples: Samples) -> None:
    save_judge(tmp_path / "judge", model, {"note": 1})
    again, config = load_judge_model(tmp_path / "judge")
    assert config["note"] == 1
    assert np.array_equal(again.of_features(samples.features), model.of_features(samples.features))


def test_a_judge_for_other_features_and_damaged_ones_are_refused_by_name(tmp_path: Path, model: JudgeModel) -> None:
    place = tmp_path / "judge"
    save_judge(place, model, {})
    config = json.loads((place / "config.json").read_text())
    (place / "config.json").write_text(json.dumps(config | {"features_id": "other"}))
    with pytest.raises(RlcomposeError, match="was made for features_id 'other'"):
        load_judge_model(place)
    (place / "config.json").write_text(json.dumps(config))
    whole = (place / "model.safetensors").read_bytes()
    (place / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RlcomposeError, match="not a safetensors file"):
        load_judge_model(place)
    (place / "model.safetensors").unlink()
    with pytest.raises(RlcomposeError, match="cannot read the judge"):
        load_judge_model(place)
    astray = dict(model.parts) | {"left": np.full_like(model.parts["left"], 10**6)}
    with pytest.raises(RlcomposeError, match="a node points to none"):
        checked_parts(astray)
    circle = dict(model.parts) | {"right": np.zeros_like(model.parts["right"])}
    with pytest.raises(RlcomposeError, match="a node points to none"):
        checked_parts(circle)
    with pytest.raises(RlcomposeError, match="linear of the judge's model has shape"):
        checked_parts(dict(model.parts) | {"linear": np.zeros((3, 3), np.float32)})
