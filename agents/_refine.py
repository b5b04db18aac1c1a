"""Before any reward: the policy learns from those of its own pieces that are most like real music.

Pieces are played some at a time on the same draw (chart, key, tempo). Of each such group one is kept by lot, in
proportion to the odds that it is real music by the naturalness head that knows the prior; the policy then learns to
play what was kept, by likelihood. That is importance resampling: what is kept has nearly the distribution of real
music, as far as the head can tell, and nothing is pushed beyond it. (What pays single pieces pulls all of them to where
it pays most, and they become more alike than real ones.)

Source: Grover et al. 2019, "Bias correction of learned generative models using likelihood-free importance weighting",
NeurIPS; Peters and Schaal 2007, "Reinforcement learning by reward-weighted regression", ICML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rlcompose.agent import pick
from rlcompose.brief import Brief
from rlcompose.codec import decode
from rlcompose.engine.core import Engine
from rlcompose.learned.layout import MAX_BARS
from rlcompose.learned.naturalness import PRIOR, has_naturalness, log_odds_of, natural_scores
from rlcompose.score import Composition

GROUP = 8  # pieces on the same draw, of which one is kept
TOGETHER = 512  # pieces played side by side
EPOCHS, BATCH, RATE = 2, 512, 1e-3


def can_refine(brief: Brief, lengths: Sequence[int]) -> bool:
    """Whether there is a head of the style, and pieces of all these lengths are long enough for it."""
    return has_naturalness(brief.style.family, PRIOR) and min(lengths) >= MAX_BARS


def refine(policy: Any, brief: Brief, lengths: Sequence[int], groups: int, seed: int) -> float:
    """Let a policy that began as a prior learn from its most natural pieces.

    Args:
        policy: Of `_prior_policy`; its adapter is changed.
        brief: Whose style, and what is pinned but the length, the pieces have.
        lengths: In bars; each group has one of these by lot.
        groups: How many pieces are learned from; eight times as many are played.
        seed: Of all draws.

    Returns:
        The mean score of what was kept less that of all, -2 to 2: what there was to learn.
    """
    features: list[NDArray[np.float32]] = []
    actions: list[NDArray[np.int64]] = []
    gained = []
    draw = np.random.default_rng([seed, 1])
    done = 0
    while done < groups:
        number = min(TOGETHER // GROUP, groups - done)
        draws = np.repeat(np.arange(done, done + number), GROUP)
        seen, taken, pieces = _played(policy, brief, lengths, draws, seed, draw)
        scores = natural_scores(brief.style.family, pieces, PRIOR)
        odds = np.exp(log_odds_of(scores, pieces))
        scores = scores.reshape(number, GROUP)
        kept = pick(odds.reshape(number, GROUP), draw.random(number))
        gained.append(scores[np.arange(number), kept] - scores.mean(axis=1))
        rows = kept + GROUP * np.arange(number)
        # Of the others nothing is kept: the features of 512 pieces are a quarter of a gigabyte.
        features += [np.array(seen[row]) for row in rows]
        actions += [np.array(taken[row]) for row in rows]
        del seen, taken, pieces
        done += number
    _learn(policy, np.concatenate(features), np.concatenate(actions), seed)
    return float(np.concatenate(gained).mean())


def _played(
    policy: Any,
    brief: Brief,
    lengths: Sequence[int],
    draws: NDArray[np.int64],
    seed: int,
    draw: np.random.Generator,
) -> tuple[list[list[NDArray[np.float32]]], list[list[int]], list[Composition]]:
    """A piece for each number of a draw: features (size,) and action of each event, and the music."""
    seeds = [(seed << 24) + int(number) for number in draws]
    engine = Engine(brief, (), len(seeds), lengths=lengths)
    engine.reset(seeds)
    bars, charts = engine.field("bars").tolist(), engine.field("chart").tolist()
    seen: list[list[NDArray[np.float32]]] = [[] for _ in seeds]
    taken: list[list[int]] = [[] for _ in seeds]
    while not engine.state.done.all():
        running = np.flatnonzero(~engine.state.done)
        with torch.no_grad():
            observed = torch.from_numpy(engine.state.obs[running].astype(np.float32)).to(policy.device)
            features = policy.adapted.features(observed)
            chances = policy.adapted.log_probs(features).exp().double().cpu().numpy()
        chosen = np.zeros(len(seeds), np.int64)
        chosen[running] = pick(chances * engine.state.mask[running], draw.random(len(running)))
        for row, feature in zip(running, features.cpu().numpy(), strict=True):
            seen[row].append(feature)
            taken[row].append(int(chosen[row]))
        engine.step(chosen)
    # What was drawn is all that their briefs may draw, and a seed draws the rest as it did.
    briefs = [
        replace(brief, bars=number, charts=(brief.charts[chart],)) for number, chart in zip(bars, charts, strict=True)
    ]
    pieces = [decode(one, s, each) for one, s, each in zip(briefs, seeds, taken, strict=True)]
    return seen, taken, pieces


def _learn(policy: Any, features: NDArray[np.float32], actions: NDArray[np.int64], seed: int) -> None:
    """Make what was kept likelier, event by event."""
    weights = list(policy.adapted.parameters())
    optimizer = torch.optim.Adam(weights, RATE)
    seen, taken = torch.from_numpy(features), torch.from_numpy(actions)
    order = np.random.default_rng([seed, 2])
    batches = max(1, len(actions) // BATCH)
    for epoch in range(EPOCHS):
        for number, rows in enumerate(np.array_split(order.permutation(len(actions)), batches)):
            done = (epoch * batches + number) / (EPOCHS * batches)
            optimizer.param_groups[0]["lr"] = RATE * (1.0 - 0.95 * done)
            some = torch.from_numpy(rows)
            loss = -policy.choice(seen[some].to(policy.device)).log_prob(taken[some].to(policy.device)).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
