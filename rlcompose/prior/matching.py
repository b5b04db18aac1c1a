"""Making a prior's own music have the statistics of real music: its head is biased until they agree.

A network that foresees real music well still drifts when it goes on from its own: after a figure that nobody would
play it is unsure, and plays more of the kind. Samples of jazz had .82 of the notes a bar and half of the returning
motifs of what they had learned from. So the prior plays passages over the chords of real ones, what it did is counted
as in the real ones, and each count's bias in the head moves by the logarithm of their ratio, some times over. Nothing
else of the network changes; it costs a few hundredths of a nat a note of how well real music is foreseen.

This is iterative scaling (Darroch and Ratcliff, Generalized iterative scaling for log-linear models, Annals of
Mathematical Statistics 43, 1972, p. 1470), with what is expected taken from samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rlcompose.codec import decode
from rlcompose.corpus.library import Corpus
from rlcompose.corpus.split import JUDGE, part_of
from rlcompose.learned.melodies import make_melodies
from rlcompose.metrics.two_sample import windows_features
from rlcompose.prior.events import seen_before
from rlcompose.prior.form import with_form
from rlcompose.prior.model import Prior, copy_of
from rlcompose.prior.network import LENGTH_RANK, NUM_POINTERS, PriorNetwork, Seen
from rlcompose.prior.players import PriorAgent, play_together
from rlcompose.score import Composition
from rlcompose.sites import Site, draw_sites
from rlcompose.style import Style

ROUNDS = 16
# Bars of the passages that are played, and how many there are of each half.
PASSAGES, WHOLE = ((8, 200), (16, 50), (32, 20)), ((64, 200),)
SHORT = 32  # bars that a piece has which is played whole
FIRST_STEP, LAST_STEP = 0.5, 0.15  # of the bias, as a share of the logarithm of the ratio
MOST = 1.0  # nats by which a round moves a bias before that share is taken
RARE = 2e-4  # what is added to every frequency, so that what never happened has a logarithm
SLOWER = 0.5  # the step of what depends on the others
MOTIFS = "motif_2"  # by which feature returning motifs are counted

Counts = dict[str, Tensor]
Report = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class _Played:
    """What was seen and done at all sites, one event behind the other, and the pieces."""

    observations: NDArray[np.int16]
    actions: NDArray[np.int64]
    pieces: Sequence[Composition]


def match_statistics(
    prior: Prior, style: Style, sites: Sequence[Site], rounds: int = ROUNDS, report: Report = lambda number, gap: None
) -> Prior:
    """A copy of the prior whose music at these sites has the statistics of the real music there.

    Args:
        prior: Is not changed.
        style: Whose actions the sites have.
        sites: Passages of music that the prior has learned from; some hundreds.
        rounds: How often the prior plays all of them.
        report: Is told each round, from 1, with half the sum of the differences of the interval and length frequencies.
    """
    changed = copy_of(prior)
    network = changed.network
    wanted = _counts(network, _real(sites))
    agent = PriorAgent([(changed, 1.0)], style)
    for number in range(1, rounds + 1):
        played = _sampled(agent, sites, number)
        found = _counts(network, played)
        gap = sum(float((found[name] - wanted[name]).abs().sum()) for name in ("interval", "note_length")) / 2.0
        report(number, gap)
        step = FIRST_STEP + (LAST_STEP - FIRST_STEP) * (number - 1) / max(1, rounds - 1)
        with torch.no_grad():
            _move(network, found, wanted, step)
    return changed


def sites_to_match(corpus: Corpus, style: Style, seed: int = 0) -> list[Site]:
    """Passages of the music that priors learn from, half of them with the sections by which their phrases return.

    Where most pieces are short they are whole, else passages, mostly of eight bars.
    """
    numbers = [number for number, family in enumerate(corpus.families) if part_of(family) == JUDGE]
    groups = [corpus.families[number] for number in numbers]
    plain = [corpus[number] for number in numbers]
    formed = [replace(piece, composition=with_form(piece.composition, style)) for piece in plain]
    are_short = int(np.median(corpus.column("bars"))) <= SHORT
    return [
        site
        for half, pieces in enumerate((plain, formed))
        for bars, number in (WHOLE if are_short else PASSAGES)
        for site in draw_sites(pieces, groups, style, number, bars, 2 * seed + half)
    ]


def _move(network: PriorNetwork, found: Counts, wanted: Counts, step: float) -> None:
    """Move the biases of the head towards what is wanted."""

    def ratio(name: str) -> Tensor:
        return step * (torch.log(wanted[name] + RARE) - torch.log(found[name] + RARE)).clamp(-MOST, MOST).float()

    def odds(name: str) -> Tensor:
        there, here = (torch.logit(each[name].clamp(RARE, 1 - RARE)) for each in (wanted, found))
        return step * (there - here).clamp(-MOST, MOST).float()

    rest, _, interval, *_, high, low, middle, again = torch.split(network.pitch.bias, list(network.parts))
    rest += odds("rest")
    interval += ratio("interval")
    for bias, name in ((high, "from_highest"), (low, "from_lowest"), (middle, "from_mean")):
        bias += SLOWER * ratio(name)
    again[1:] += SLOWER * odds("pointed")[1:]
    again[0] += SLOWER * odds("motifs")[0]
    _, plain, anyway, with_pitch = torch.split(
        network.length.bias, [LENGTH_RANK, len(network.durations), NUM_POINTERS, NUM_POINTERS]
    )
    plain += ratio("note_length")
    network.rest_lengths.add_(ratio("rest_length") - ratio("note_length"))
    anyway += SLOWER * odds("length_pointed")
    with_pitch += SLOWER * (odds("length_pointed_with_pitch") - odds("length_pointed"))


def _counts(network: PriorNetwork, played: _Played) -> Counts:
    """How often what the head has a bias for was chosen."""
    number = len(network.durations)
    reading = network.read(torch.from_numpy(played.observations))
    seen = Seen(reading["head"], torch.arange(network.parts[1]))
    slots, lengths = (torch.from_numpy(each) for each in np.divmod(played.actions, number))
    is_note = slots > 0
    at = (slots - 1).clamp(min=0)[:, None]

    def of_notes(columns: Tensor, choices: int, which: Tensor = is_note) -> Tensor:
        chosen = columns.gather(1, at)[:, 0][which]
        return torch.bincount(chosen, minlength=choices).double() / max(1, len(chosen))

    after_a_note = is_note & seen.has_register[:, 0]
    _, _, intervals, *_, high, low, middle, _ = network.parts
    there = seen.pointed > 0
    hit = (seen.is_pointed.gather(1, slots[:, None, None].expand(-1, 1, NUM_POINTERS))[:, 0] > 0) & there
    ticks = torch.tensor(network.durations)[lengths]
    same = (ticks[:, None] == seen.pointed_ticks) & there
    return {
        "rest": (~is_note).double().mean()[None],
        "interval": of_notes(seen.intervals, intervals),
        "from_highest": of_notes(seen.distances[0], high, after_a_note),
        "from_lowest": of_notes(seen.distances[1], low, after_a_note),
        "from_mean": of_notes(seen.distances[2], middle, after_a_note),
        "pointed": hit.double().mean(0),
        "motifs": _motifs(played.pieces),
        "length_pointed": _share(same, there),
        "length_pointed_with_pitch": _share(same & hit, hit),
        "note_length": torch.bincount(lengths[is_note], minlength=number).double() / max(1, int(is_note.sum())),
        "rest_length": torch.bincount(lengths[~is_note], minlength=number).double() / max(1, int((~is_note).sum())),
    }


def _motifs(pieces: Sequence[Composition]) -> Tensor:
    """The share of the notes with which two intervals and their times return within eight bars, as metrics count it."""
    windows = windows_features(make_melodies([piece for piece in pieces if piece.notes]))
    share = windows.features[:, windows.names.index(MOTIFS)].mean() if len(windows.features) else 0.0
    return torch.tensor([float(share)], dtype=torch.float64)


def _share(some: Tensor, of: Tensor) -> Tensor:
    return some.double().sum(0) / of.double().sum(0).clamp(min=1)


def _real(sites: Sequence[Site]) -> _Played:
    observations, actions = zip(*(seen_before(site.brief, site.actions) for site in sites), strict=True)
    return _Played(np.concatenate(observations), np.concatenate(actions), [site.real() for site in sites])


def _sampled(agent: PriorAgent, sites: Sequence[Site], seed: int) -> _Played:
    seen: list[NDArray[np.int16]] = []
    actions: list[NDArray[np.int64]] = []

    def look(observations: NDArray[np.int16], chosen: NDArray[np.int64]) -> None:
        seen.append(observations)
        actions.append(chosen)

    briefs = [site.brief for site in sites]
    played = play_together(agent, briefs, [seed] * len(sites), look)
    pieces = [decode(brief, seed, each) for brief, each in zip(briefs, played, strict=True)]
    return _Played(np.concatenate(seen), np.concatenate(actions), pieces)
