"""A prior with adapters: the prior itself at first, and nothing but the adapters is learned or kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rlcompose.brief import make_brief
from rlcompose.engine.core import Engine
from rlcompose.prior.adapter import AdaptedPrior, fingerprint
from rlcompose.prior.model import copy_of, load_prior
from rlcompose.prior.players import PriorAgent
from rlcompose.style import load_style


def seen_in(style: str, events: int = 60, pieces: int = 32) -> np.ndarray:
    """What is seen in the middle of pieces whose sections return."""
    engine = Engine(make_brief(style, {"bars": 16}), num_envs=pieces)
    engine.reset(range(pieces))
    player = PriorAgent([(load_prior(style), 1.0)], load_style(style))
    draw = np.random.default_rng(0)
    found = []
    for _ in range(events):
        found.append(engine.state.obs[~engine.state.done].copy())
        engine.step(player.act(engine, draw.random(pieces)))
    return np.concatenate(found)


@pytest.mark.parametrize("style", ["jazz", "fiddle"])
def test_at_first_it_is_the_prior_as_it_is_played(style: str) -> None:
    seen = seen_in(style)
    played = PriorAgent([(load_prior(style), 1.0)], load_style(style)).log_probs(seen)
    played = played - np.logaddexp.reduce(played, axis=1, keepdims=True)
    adapted = AdaptedPrior(load_prior(style), rank=4)
    found = adapted(torch.from_numpy(seen.astype(np.float32))).detach().double().numpy()
    assert np.abs(np.exp(found) - np.exp(played)).max() < 1e-5
    assert np.abs(found - played)[played > -12].max() < 1e-3


def test_its_state_and_its_gradients_are_those_of_the_adapters() -> None:
    adapted = AdaptedPrior(load_prior("jazz"), rank=4)
    names = {"first", "second", "third", "pitch", "length"}
    assert {name.split(".")[1] for name in adapted.state_dict()} == names
    assert {name.split(".")[2] for name in adapted.state_dict()} == {"down", "up", "bias"}
    assert sum(value.numel() for value in adapted.parameters()) < 30_000
    seen = torch.from_numpy(seen_in("jazz", 5).astype(np.float32))
    adapted(seen).exp().max(dim=1).values.sum().backward()
    assert all(value.grad is not None for value in adapted.parameters())
    before = load_prior("jazz").network(seen)
    with torch.no_grad():
        for value in adapted.parameters():
            value.add_(0.1)
    assert torch.equal(load_prior("jazz").network(seen), before), "the prior itself is not changed"


def test_features_are_enough() -> None:
    seen = torch.from_numpy(seen_in("fiddle", 20).astype(np.float32))
    adapted = AdaptedPrior(load_prior("fiddle"), rank=4)
    features = adapted.features(seen)
    assert features.shape == (len(seen), adapted.size)
    assert torch.equal(adapted.log_probs(features), adapted(seen))
    moved = AdaptedPrior(load_prior("fiddle"), rank=4, seed=1).to(torch.float64)
    assert moved.adapters["first"].weight.dtype == torch.float64  # the weights that do not learn go along


def test_a_fingerprint_changes_with_any_weight() -> None:
    prior = load_prior("jazz")
    changed = copy_of(prior)
    assert fingerprint(changed) == fingerprint(prior) != fingerprint(load_prior("fiddle"))
    with torch.no_grad():
        changed.network.pitch.bias[3] += 1e-3
    assert fingerprint(changed) != fingerprint(prior)
