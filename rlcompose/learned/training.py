"""How the judge is learned: rounds of attacks on what has been learned so far, each followed by learning anew."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.errors import RlcomposeError
from rlcompose.files import write_atomically
from rlcompose.learned.attack import climb_mixed
from rlcompose.learned.fitting import calibrate, calibrated, fit_models, logarithms
from rlcompose.learned.layout import MAX_BARS, NUM_CLASSES, NUM_STYLES, STYLES
from rlcompose.learned.models import JudgeModel, features_of
from rlcompose.learned.ngrams import Ngrams, fit_ngrams
from rlcompose.learned.noise import NOISE as FAMILIES
from rlcompose.learned.noise import Passage, melodies_of
from rlcompose.learned.samples import (
    NOISE_CLASS,
    PREFIXES,
    SAMPLE_ARRAYS,
    Floats,
    Real,
    Samples,
    Settings,
    cut_windows,
    folds_of,
    joined_samples,
    make_samples,
    weights_of,
)

CHEAP, DEAR = 2_400, 24_000  # evaluations of an attack
# n-gram tables, each learned without an eighth of the families, measure that eighth. With few, they are poorer than
# the judge's own, by which attacks and all unseen music are measured.
TURNS = 8
# Added to the logit of noise when all has been calibrated: doubt costs real music, whose probability is high, little of
# it, and attacks much.
WARINESS = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A judge, the attacks it was trained with, and what each round told.

    tables  n-gram tables that have not seen the pieces whose number stands in `turns` (pieces,)
    fit     learns and calibrates anew with other attacks
    """

    model: JudgeModel
    attacks: Samples
    log: list[dict[str, Any]]
    tables: Sequence[Ngrams]
    turns: NDArray[np.int64]
    fit: Callable[[Samples], JudgeModel]

    def with_attacks(self, features: Floats) -> Trained:
        """The same, learned anew with more windows of eight bars that only please the judge."""
        count = len(features)
        more = Samples(
            *(features, np.full(count, NOISE_CLASS), np.full(count, MAX_BARS)),
            *(np.full(count, -1), np.full(count, len(FAMILIES) + 1)),
        )
        attacks = joined_samples([self.attacks, more])
        return replace(self, model=self.fit(attacks), attacks=attacks)


def train_judge(
    real: Real,
    settings: Settings,
    families: Sequence[str] = tuple(FAMILIES),
    is_shown: bool = True,
    kept: Path | None = None,
) -> Trained:
    """Learn from this music and these noise families, then attack and learn anew, round by round.

    The shares and the bias are found on what models learned without their families say of all samples; the judge's own
    models have seen all. The attacks are `kept` in a file after each round, and what stands there is gone on from.

    Raises:
        RlcomposeError: The file was kept of another training, or is damaged.
    """
    draw = np.random.default_rng(settings.seed)
    turns = folds_of(real.families, TURNS, settings.seed)
    ngrams = fit_ngrams(real.melodies, real.styles)
    tables = [_without(real, turns, turn) for turn in range(TURNS)]
    samples = make_samples(real, settings, draw, tables, turns, families)
    weights = weights_of(samples, settings)
    groups = folds_of(real.families, settings.folds, settings.seed + 1)[samples.sources]

    def fitted(numbers: NDArray[Any], attacks: Samples) -> JudgeModel:
        whole = joined_samples([samples.of(numbers), attacks])
        count = len(attacks.classes)
        # Few attacks, in the first rounds, must not weigh more than music one by one.
        extra = min(settings.attack_weight * len(weights) / NUM_CLASSES / max(count, 1), 1.0)
        return fit_models(whole, np.concatenate([weights[numbers], np.full(count, extra)]), ngrams, settings)

    def values(attacks: Samples, folds: int) -> NDArray[np.float64]:
        """What calibrates, from what models say that have not seen a sample's family."""
        logs = np.zeros((3, len(weights), NUM_CLASSES))
        for fold in range(folds):
            aside = groups == fold
            logs[:, aside] = logarithms(fitted(~aside, attacks), samples.features[aside])
        known = groups < folds
        return calibrate(logs[:, known], samples.classes[known], weights[known])

    everything = np.ones(len(weights), np.bool_)

    def fit(attacks: Samples) -> JudgeModel:
        found = values(attacks, settings.folds)
        found[3 + NOISE_CLASS] += WARINESS
        return calibrated(fitted(everything, attacks), found)

    none = samples.of(np.zeros(0, np.int64))
    attacks = none
    log: list[dict[str, Any]] = []
    whose = _whose(samples, settings)
    if kept is not None and kept.exists():
        attacks, log = _read_attacks(kept, whose)
    if len(log) < settings.rounds:
        first = values(none, 1)
    for number in range(len(log), settings.rounds):
        begun = time.monotonic()
        found, fooled = attack_round(calibrated(fitted(everything, attacks), first), settings, number)
        row = {"round": number + 1, "attacks": len(attacks.classes), "fooled": fooled}
        attacks = joined_samples([attacks, found])
        log.append(row)
        if kept is not None:
            _write_attacks(kept, whose, attacks, log)
        if is_shown:
            told = f"{row}, {time.monotonic() - begun:.0f} s"
            print(f"judge, round {number + 1} of {settings.rounds}: {told}", file=sys.stderr, flush=True)
    return Trained(fit(attacks), attacks, log, tables, turns, fit)


def _without(real: Real, turns: NDArray[np.int64], turn: int) -> Ngrams:
    numbers = np.flatnonzero(turns != turn)
    return fit_ngrams(real.melodies.of(numbers), real.styles[numbers])


def _whose(samples: Samples, settings: Settings) -> str:
    """What the attacks depend on: the samples, and all settings but the number of rounds."""
    told = json.dumps(asdict(replace(settings, rounds=0)), sort_keys=True)
    return hashlib.sha256(told.encode() + samples.features.tobytes()).hexdigest()[:16]


def _write_attacks(file: Path, whose: str, attacks: Samples, log: Sequence[Mapping[str, Any]]) -> None:
    content = io.BytesIO()
    arrays = {name: getattr(attacks, name) for name in SAMPLE_ARRAYS}
    np.savez(content, allow_pickle=False, whose=np.array(whose), log=np.array(json.dumps(log)), **arrays)
    write_atomically(file, content.getvalue())


def _read_attacks(file: Path, whose: str) -> tuple[Samples, list[dict[str, Any]]]:
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as kept:
            found = str(kept["whose"])
            attacks = Samples(*(kept[name] for name in SAMPLE_ARRAYS))
            log = json.loads(str(kept["log"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RlcomposeError(f"cannot read the attacks kept in {file}: {error}") from None
    if found != whose:
        raise RlcomposeError(f"the attacks kept in {file} are of a training with other settings: name another file")
    return attacks, log


def attack_round(model: JudgeModel, settings: Settings, number: int) -> tuple[Samples, dict[str, float]]:
    """Climb in every style; the melodies found, whole and cut, as noise, and the share with p above .9 by style."""
    passages: list[Passage] = []
    fooled = {}
    for style in range(NUM_STYLES):
        restarts = settings.attacks if STYLES[style] == "jazz" else max(2, settings.attacks // 10)
        evaluations = CHEAP if number < settings.cheap_rounds else DEAR
        found = climb_mixed(model, style, restarts, evaluations, settings.seed * 1000 + number)
        fooled[STYLES[style]] = round(float(np.mean([each.trace[-1] > 0.9 for each in found])), 3)
        passages += [each.melody for each in found]
    melodies = melodies_of(passages)
    draw = np.random.default_rng([settings.seed, number])
    twice = np.tile(np.arange(len(passages)), 2)
    bars = np.concatenate([np.full(len(passages), MAX_BARS), draw.choice(PREFIXES, len(passages))])
    windows = cut_windows(melodies, twice, np.zeros(len(twice), np.int64), bars)
    keep = windows[:, 1] > windows[:, 0]
    keep[len(passages) :: 2] = False  # of the cut ones every other
    count = int(keep.sum())
    samples = Samples(
        features_of(melodies, windows[keep], model.ngrams),
        np.full(count, NOISE_CLASS),
        bars[keep],
        np.full(count, -1),
        np.full(count, len(FAMILIES)),
    )
    return samples, fooled
