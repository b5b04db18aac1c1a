"""What an agent's music is like beside real music over the same chords: the numbers of every table of this folder.

All real music is of parts that neither priors, naturalness heads nor the judge have learned from.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rlcompose.agent import pick
from rlcompose.codec import decode
from rlcompose.corpus.library import Corpus, load_corpus
from rlcompose.corpus.split import JUDGE, part_of
from rlcompose.engine.core import Engine
from rlcompose.learned.judge import load_judge
from rlcompose.learned.layout import CLASSES, MAX_BARS
from rlcompose.learned.melodies import all_windows, make_melodies, windows_of
from rlcompose.learned.naturalness import AGENT, log_odds_of, natural_scores
from rlcompose.learned.referee import load_referee
from rlcompose.metrics.diversity import distinct_ngrams, interval_divergence, vendi_score
from rlcompose.metrics.novelty import shared_runs
from rlcompose.metrics.pieces import measure_all
from rlcompose.metrics.reading import read
from rlcompose.metrics.two_sample import FEATURE_SETS, WindowFeatures, rank_auc, two_sample_test, windows_features
from rlcompose.prior.events import seen_before
from rlcompose.prior.model import load_prior
from rlcompose.prior.players import Drawing, PriorAgent, play_together
from rlcompose.reward import settled, weigh_terms
from rlcompose.score import Composition, Note
from rlcompose.sites import LONGEST_BARS, PASSAGE_BARS, Site, sites_of
from rlcompose.style import load_style
from rlcompose.theory.meter import TICKS_PER_QUARTER

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "prior"))
from prior_music import of_pieces  # noqa: E402  - of the experiment beside this one

NUMBER = 500  # pieces, at as many passages of real music
# Sums of features, inside whose 5 to 95 % most of real music lies: density, off the beat, steps, likeness of bars.
BANDS = (("density",), ("at_off_beat", "at_sixteenth"), ("up_1", "down_1", "up_2", "down_2"), ("rhythm_lag_1",))
OUTER = 0.05, 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reference:
    """A style's real music that agents are put beside, and what is known of it."""

    corpus: Corpus
    sites: list[Site]
    pieces: list[Composition]

    @property
    def style(self) -> str:
        """Its name."""
        return self.corpus.style.name


@cache
def reference_of(style: str, number: int = NUMBER, seed: int = 0) -> Reference:
    """The passages of a style, always the same."""
    corpus = load_corpus(style)
    sites = sites_of(corpus, number, PASSAGE_BARS.get(style, LONGEST_BARS), seed)
    return Reference(corpus, sites, [site.real() for site in sites])


@dataclass(frozen=True, slots=True)
class Played:
    """Pieces at all sites: their actions and notes."""

    actions: list[tuple[int, ...]]
    pieces: list[Composition]


def played_at(player: Drawing, sites: Sequence[Site], seed: int, best_of: int = 1, against: str = AGENT) -> Played:
    """A piece at each site: the first, or of so many one by lot with the odds of a head, as `compose --best-of`."""
    times = [k for _ in range(best_of) for k in range(len(sites))]
    seeds = [seed * 1000 + turn // len(sites) for turn in range(len(times))]
    actions = play_together(player, [sites[k].brief for k in times], seeds)
    pieces = [decode(sites[k].brief, s, each) for k, s, each in zip(times, seeds, actions, strict=True)]
    if best_of == 1:
        return Played(actions, pieces)
    scores = natural_scores(sites[0].brief.style.family, pieces, against)
    odds = np.exp(log_odds_of(scores, pieces)).reshape(best_of, len(sites)).T
    best = pick(odds, np.random.default_rng([seed, best_of]).random(len(sites))) * len(sites) + np.arange(len(sites))
    return Played([actions[k] for k in best], [pieces[k] for k in best])


def nats_a_note(style: str, sites: Sequence[Site], actions: Sequence[Sequence[int]]) -> Floats:
    """What the style's prior foresees of each piece, nats a note, without lengths of rests counted apart."""
    network = load_prior(style).network
    found = []
    for site, each in zip(sites, actions, strict=True):
        seen, taken = seen_before(site.brief, each)
        slots, lengths = np.divmod(taken, len(network.durations))
        with torch.no_grad():
            losses = network.losses(
                network.read(torch.from_numpy(seen)), torch.from_numpy(slots), torch.from_numpy(lengths)
            )
        found.append(float((losses[0] + losses[1]).sum()) / max(1, int((slots > 0).sum())))
    return np.array(found)


def family_returns(sites: Sequence[Site], actions: Sequence[Sequence[int]]) -> dict[str, float]:
    """What the style's own terms pay in the mean for a bar, by the file that they stand in."""
    terms = settled(weigh_terms(sites[0].brief.style.rewards))
    families = [weighted.term.function.__module__.rpartition(".")[2] for weighted in terms]
    sums = np.zeros(len(terms))
    for site, each in zip(sites, actions, strict=True):
        engine = Engine(site.brief, terms, 1)
        engine.reset([0])
        for action in each:
            engine.step(np.array([action]))
            sums += engine.state.account[0, : len(terms)] / site.brief.bars
    names = sorted(set(families))
    return {name: float(sums[[family == name for family in families]].sum()) / len(sites) for name in names}


def judged(style: str, pieces: Sequence[Composition]) -> tuple[Floats, Floats]:
    """What the judge and the referee say of the windows of eight bars, float64 (windows,) each."""
    melodies = make_melodies(pieces)
    numbers, starts = all_windows(melodies, MAX_BARS)
    windows = windows_of(melodies, numbers, starts, MAX_BARS)
    windows = windows[windows[:, 1] - windows[:, 0] >= 6]
    column = CLASSES.index(style)
    return (
        load_judge().model.probabilities(melodies, windows)[:, column].astype(float),
        load_referee().probabilities(melodies, windows)[:, column],
    )


def repeats(pieces: Sequence[Composition]) -> float:
    """Share of the intervals that repeat the note."""
    pairs = [(a.pitch, b.pitch) for piece in pieces for a, b in zip(piece.notes, piece.notes[1:], strict=False)]
    return float(np.mean([one == two for one, two in pairs]))


def phrases(pieces: Sequence[Composition]) -> dict[str, float]:
    """How pieces are spoken: phrases end at rests of a quarter note or more. Means over phrases, breaths and pieces."""
    notes_of, breaths, highest, endings = [], [], [], []
    for piece in (each for each in pieces if each.notes):
        began = 0
        for at, (one, two) in enumerate(zip(piece.notes, piece.notes[1:], strict=False), start=1):
            if two.onset - one.end >= TICKS_PER_QUARTER:
                notes_of.append(at - began)
                breaths.append((two.onset - one.end) / TICKS_PER_QUARTER)
                began = at
        notes_of.append(len(piece.notes) - began)
        top = max(note.pitch for note in piece.notes)
        highest.append([note.pitch for note in piece.notes].count(top) == 1)
        endings.append((piece.notes[-1].pitch - piece.key.tonic) % 12 == 0)
    return {
        "phrase_notes": float(np.mean(notes_of)),
        "breath_quarters": float(np.mean(breaths)) if breaths else float("nan"),
        "single_climax": float(np.mean(highest)),
        "ends_on_tonic": float(np.mean(endings)),
        "returns": returns(pieces),
    }


def returns(pieces: Sequence[Composition]) -> float:
    """How far sections that return are what they were: notes of both at the same place and pitch, of all, over bars."""
    found = []
    for piece in pieces:
        first: dict[tuple[str, int], int] = {}
        for part in piece.sections:
            began = first.setdefault((part.label, part.bars), part.bar)
            for bar in range(part.bars) if began != part.bar else ():
                one, two = (
                    {(n.onset - at * piece.meter.bar_ticks, n.pitch) for n in notes_in(piece, at)}
                    for at in (began + bar, part.bar + bar)
                )
                if one | two:
                    found.append(len(one & two) / len(one | two))
    return float(np.mean(found)) if found else float("nan")


def notes_in(piece: Composition, bar: int) -> list[Note]:
    """The notes that begin in a bar."""
    return [note for note in piece.notes if note.onset // piece.meter.bar_ticks == bar]


def harmony(pieces: Sequence[Composition]) -> dict[str, float]:
    """Guide tones at changes, notes outside the chord scale and how they go on: means over the pieces."""
    found = measure_all([read(piece) for piece in pieces])
    names = ("guide_tone_share", "outside_share", "outside_left_by_step", "inside_left_by_step")
    result = {name: float(np.nanmean(found[name])) for name in names}
    result["outside_to_inside"] = result["outside_left_by_step"] / result["inside_left_by_step"]
    return result


def measured(reference: Reference, played: Played, is_real: bool = False) -> dict[str, Any]:
    """The numbers of a set of pieces by itself and beside the real one."""
    style, real = reference.style, reference.pieces
    pieces = played.pieces
    result: dict[str, Any] = of_pieces(pieces) | {"repeats": repeats(pieces)} | harmony(pieces) | phrases(pieces)
    judge, referee = judged(style, pieces)
    result |= {"judge_mean": float(judge.mean()), "judge_median": float(np.median(judge))}
    result |= {"referee_mean": float(referee.mean())}
    result["distinct_4"] = distinct_ngrams(pieces)
    nats = nats_a_note(style, reference.sites, played.actions)
    low, high = np.quantile(nats, OUTER)
    result |= {"nats": float(nats.mean()), "nats_width": float(high - low)}
    ours = {name: windows_features(make_melodies(pieces), name) for name in FEATURE_SETS}
    theirs = {name: windows_features(make_melodies(real), name) for name in FEATURE_SETS}
    number = min(len(ours["judge"].features), len(theirs["judge"].features))
    draw = np.random.default_rng(0)
    chosen, others = (
        each.features[np.sort(draw.permutation(len(each.features))[:number])]
        for each in (ours["judge"], theirs["judge"])
    )
    result["vendi"] = vendi_score(chosen, others)
    low, high = np.quantile(in_bands(theirs["judge"]), OUTER, axis=0)
    values = in_bands(ours["judge"])
    result["inside_bands"] = float(((values >= low) & (values <= high)).all(axis=1).mean())
    result["families"] = family_returns(reference.sites, played.actions)
    if is_real:
        return result
    result["intervals_js"] = interval_divergence(pieces, real)
    _, referee_of_real = judged(style, real)
    result["referee_told"] = told_by(referee, referee_of_real)
    groups = [site.group for site in reference.sites]
    for name in FEATURE_SETS:
        labels = [groups[at] for at in (*ours[name].pieces, *theirs[name].pieces)]
        found = [
            two_sample_test(ours[name].features, theirs[name].features, labels, seed, ours[name].names)
            for seed in (0, 1)
        ]
        result[f"told_{name}"] = float(np.mean([each.accuracy for each in found]))
        result["windows"] = found[0].count
        if name == "judge":
            result["giveaways"] = [(g.name, round(g.auc, 2)) for g in found[0].giveaways[:8]]
    return result


def in_bands(windows: WindowFeatures) -> NDArray[np.float32]:
    """What `BANDS` names, float32 (windows, 4)."""
    sums = [sum(windows.features[:, windows.names.index(name)] for name in names) for names in BANDS]
    return np.stack([np.asarray(each) for each in sums], axis=1)


def told_by(ours: Floats, real: Floats) -> float:
    """How often what the referee says tells ours from real: the area under the curve, either way."""
    auc = float(rank_auc(ours[:, None], real[:, None])[0])
    return max(auc, 1 - auc)


def copied(reference: Reference, pieces: Sequence[Composition]) -> dict[str, float]:
    """The longest run that each piece shares with the music that priors have learned from, in notes."""
    corpus = reference.corpus
    learned = [corpus[k].composition for k, family in enumerate(corpus.families) if part_of(family) == JUDGE]
    runs = np.array([run.notes for run in shared_runs([p for p in pieces if len(p.notes) > 1], learned)])
    return {
        "median": float(np.median(runs)),
        "95_percent": float(np.quantile(runs, 0.95)),
        "longest": int(runs.max()),
        "over_12": float((runs > 12).mean()),
    }


def real_played(reference: Reference) -> Played:
    """The real music as pieces at the sites."""
    return Played([site.actions for site in reference.sites], reference.pieces)


def prior_player(style: str) -> PriorAgent:
    """The style's plain prior."""
    return PriorAgent([(load_prior(style), 1.0)], load_style(style))
