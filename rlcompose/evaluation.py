"""Sets of pieces, measured side by side with real music: what every number of `rlcompose.evaluate` is made by."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.bands import FEATURES, outside_bands, window_features
from rlcompose.brief import Brief
from rlcompose.codec import decode, encode
from rlcompose.datasets import MOST_DROPPED
from rlcompose.engine.cache import user_cache_folder
from rlcompose.errors import RlcomposeError
from rlcompose.files import make_folder, write_atomically
from rlcompose.learned.layout import MAX_BARS, STYLES
from rlcompose.learned.melodies import Melodies, all_windows, make_melodies, windows_of
from rlcompose.metrics import two_sample as tests
from rlcompose.metrics.bootstrap import bootstrap_mean
from rlcompose.metrics.diversity import (
    interval_histogram,
    ioi_histogram,
    js_divergence,
    standardised,
    vendi_score,
)
from rlcompose.metrics.mgeval import FEWEST_PIECES, mgeval
from rlcompose.metrics.novelty import compare
from rlcompose.metrics.pieces import measure_all
from rlcompose.metrics.reading import Reading, read
from rlcompose.score import Composition
from rlcompose.style import Style

FEWEST_REAL = 2 * FEWEST_PIECES  # it is also compared with itself, half by half
NGRAM = 4  # notes, of the share that is new
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PieceSet:
    """Pieces that are measured together.

    groups    of each piece what a test must not divide: the family of its site, or the piece's own name
    skipped   how many pieces could not be measured, by the reason
    """

    name: str
    pieces: tuple[Composition, ...]
    groups: tuple[str, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.pieces) != len(self.groups):
            raise RlcomposeError(f"{len(self.pieces)} pieces have {len(self.groups)} groups")

    @property
    def digest(self) -> str:
        """A hash of all that is measured."""
        found = hashlib.sha256()
        for piece, group in zip(self.pieces, self.groups, strict=True):
            notes = np.array([(n.onset, n.ticks, n.pitch) for n in piece.notes], np.int64)
            rest = (piece.chords, piece.key, piece.meter, piece.bars, piece.tempo, group)
            found.update(notes.tobytes() + repr(rest).encode())
        return found.hexdigest()


class Bench:
    """What sets are measured against.

    style    whose actions play all pieces, and of which the judges are asked
    real     real music that no model has learned from: what a classifier tries to tell other sets from
    corpus   melodies in which copies are looked for, with the group and the name of each; those of a piece's own group
             are left out
    """

    def __init__(
        self,
        style: Style,
        real: PieceSet,
        corpus: Melodies,
        corpus_groups: Sequence[str],
        corpus_names: Sequence[str],
        seed: int = 0,
    ) -> None:
        """Play the real music through the style's actions, once."""
        self.style, self.seed = style, seed
        self.corpus, self.corpus_groups, self.corpus_names = corpus, list(corpus_groups), list(corpus_names)
        self.real = _Played(real, style)
        if len(self.real.groups) < FEWEST_REAL:
            why = "; ".join(f"{reason} ({number})" for reason, number in self.real.skipped.items())
            raise RlcomposeError(
                f"{len(self.real.groups)} real pieces are too few to compare with: {FEWEST_REAL} are needed"
                + (f" (left out: {why})" if why else "")
            )
        digest = hashlib.sha256(real.digest.encode() + _code().encode() + style.fingerprint.encode())
        for array in (*corpus.arrays, corpus.pieces):
            digest.update(array.tobytes())
        digest.update(repr((self.corpus_groups, self.corpus_names, seed)).encode())
        self._digest = digest.hexdigest()

    def measure(self, pieces: PieceSet, is_real: bool = False) -> Row:
        """All numbers of a set; taken from the cache where the same pieces were measured against the same.

        is_real   the set is the real music: it is compared with itself, one half of its pieces with the other
        """
        key = hashlib.sha256(f"{self._digest} {pieces.digest} {is_real}".encode()).hexdigest()[:24]
        file = user_cache_folder() / "evaluations" / f"{key}.json"
        try:
            kept: Row = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            kept = self._measured(_Played(pieces, self.style), is_real)
            try:
                make_folder(file.parent)
                write_atomically(file, json.dumps(kept, allow_nan=False))
            except (OSError, RlcomposeError):  # what cannot be kept is measured again
                pass
        return {"name": pieces.name, **kept}

    def _measured(self, played: _Played, is_real: bool) -> Row:
        if len(played.groups) < FEWEST_PIECES:
            why = "; ".join(f"{reason} ({number})" for reason, number in played.skipped.items())
            raise RlcomposeError(
                f"{len(played.groups)} pieces of {played.name} can be measured, {FEWEST_PIECES} are needed"
                + (f" (left out: {why})" if why else "")
            )
        numbers = {name: _estimate(values, self.seed) for name, values in measure_all(played.readings).items()}
        numbers |= self._judged(played)
        numbers |= self._bands(played)
        first, second = (played.halves(self.seed) if is_real else (played, self.real))[:2]
        numbers |= self._distances(first, second)
        copies, place = self._copies(played)
        told, giveaways = self._told_apart(first, second)
        return {
            "pieces": len(played.groups),
            "notes": sum(len(reading.onsets) for reading in played.readings),
            "skipped": dict(played.skipped),
            "numbers": numbers | copies | told,
            "longest_copy_at": place,
            "giveaways": giveaways,
        }

    def _judged(self, played: _Played) -> Row:
        """What judge and referee say of windows of eight bars; nothing of a style that they do not know."""
        if self.style.family not in STYLES:
            return {}
        from rlcompose.learned.judge import load_judge
        from rlcompose.learned.referee import load_referee

        column = STYLES.index(self.style.family)
        pieces, starts = all_windows(played.melodies, MAX_BARS, MAX_BARS)
        if not len(pieces):
            return {}
        windows = windows_of(played.melodies, pieces, starts, MAX_BARS)
        judge = load_judge().model.probabilities(played.melodies, windows)[:, column].astype(np.float64)
        referee = load_referee().probabilities(played.melodies, windows)[:, column]
        quartile, median = np.quantile(judge, (0.25, 0.5)).tolist()
        return {
            "judge": _estimate(judge, self.seed),
            "judge_lower_quartile": _alone(quartile),
            "judge_median": _alone(median),
            "referee": _estimate(referee, self.seed),
        }

    def _bands(self, played: _Played) -> Row:
        """Shares of the windows beyond the 5th or 95th percentile of real music, mean over the features."""
        rows = [window_features(brief, 0, actions) for brief, actions in played.actions]
        shares = outside_bands(self.style.family, np.concatenate(rows or [np.zeros((0, len(FEATURES)))]))
        return {"outside_bands": _alone(float(shares.mean()))}

    def _distances(self, first: _Played, second: _Played) -> Row:
        """How far the first set is from the second; how diverse it is, beside the second at an equal number."""
        overlaps = mgeval(first.readings, second.readings, self.seed)
        found: Row = {
            "js_intervals": _alone(
                js_divergence(interval_histogram(first.melodies), interval_histogram(second.melodies))
            ),
            "js_inter_onset_intervals": _alone(
                js_divergence(ioi_histogram(first.melodies), ioi_histogram(second.melodies))
            ),
            "overlapping_area": _alone(float(np.mean([each.area for each in overlaps.values()]))),
        }
        for name, each in overlaps.items():
            found[f"area_{name}"] = _alone(each.area)
            found[f"divergence_{name}"] = _alone(each.divergence)
        sides = [tests.window_features(side.melodies, "judge")[0] for side in (first, second)]
        number = min(map(len, sides))
        if number >= FEWEST_PIECES:
            draw = np.random.default_rng(self.seed)
            mine, theirs = (side[draw.permutation(len(side))[:number]] for side in sides)
            scores = [vendi_score(standardised(side, sides[1])) for side in (mine, theirs)]
            found["vendi"] = _alone(scores[0])
            found["vendi_of_reference"] = _alone(scores[0] / scores[1])
        return found

    def _copies(self, played: _Played) -> tuple[Row, Row]:
        """The longest runs that stand in the corpus too, the share of n-grams that do not, and the worst place."""
        found = compare(played.melodies, self.corpus, played.groups, self.corpus_groups)
        lengths = np.array([copy.notes for copy in found.longest], np.float64)
        telling = np.array([copy.notes for copy in found.longest if not copy.is_trivial], np.float64)
        worst = int(lengths.argmax())
        copy = found.longest[worst]
        place = {
            "notes": copy.notes,
            "piece": played.pieces[worst].title or f"number {worst + 1}",
            "bar": copy.bar + 1,
            "of": self.corpus_names[copy.other] if copy.other >= 0 else None,
            "of_bar": copy.other_bar + 1,
            "is_trivial": copy.is_trivial,
        }
        numbers = {
            f"new_{NGRAM}_grams": _alone(found.new_share(NGRAM)),
            "longest_copy_median": _alone(float(np.median(lengths))),
            "longest_copy_95": _alone(float(np.quantile(lengths, 0.95))),
            "longest_copy": _alone(float(lengths.max())),
            "longest_telling_copy": _alone(float(telling.max()) if len(telling) else math.nan),
        }
        return numbers, place

    def _told_apart(self, first: _Played, second: _Played) -> tuple[Row, Row]:
        """Whether a fresh classifier tells the sets apart, by two sets of features; nothing where there are too few."""
        numbers: Row = {}
        giveaways: Row = {}
        for features in tests.FEATURE_SETS:
            sides = [tests.window_features(side.melodies, features, seed=self.seed) for side in (first, second)]
            groups = [
                [side.groups[at] for at in which] for side, (_, which) in zip((first, second), sides, strict=True)
            ]
            names = tests.feature_names(features, sides[0][0].shape[1])
            try:
                found = tests.two_sample_test(sides[0][0], sides[1][0], *groups, names, self.seed)
            except RlcomposeError as error:
                if "too few" not in str(error):
                    raise
                continue
            low, high = found.accuracy - found.deviation, found.accuracy + found.deviation
            numbers[f"told_apart_{features}"] = {"value": found.accuracy, "low": low, "high": high}
            giveaways[features] = [
                {"feature": each.feature, "mean": each.first, "real": each.second, "auc": each.auc}
                for each in found.giveaways
            ]
        return numbers, giveaways


class _Played:
    """A set as the style's actions play it, so that all sets have the same grid and note lengths; with its arrays.

    A piece that they cannot play is left out, and counted by its reason.
    """

    def __init__(self, pieces: PieceSet, style: Style) -> None:
        self.name = pieces.name
        self.pieces: list[Composition] = []
        self.groups: list[str] = []
        self.actions: list[tuple[Brief, tuple[int, ...]]] = []
        skipped = Counter(pieces.skipped)
        for piece, group in zip(pieces.pieces, pieces.groups, strict=True):
            try:
                encoding = encode(piece, style)
                if not piece.notes:
                    raise RlcomposeError("no notes")
                if len(encoding.dropped) > MOST_DROPPED * len(piece.notes):
                    raise RlcomposeError("too many notes are beyond the actions")
            except RlcomposeError as error:
                skipped[str(error).partition(":")[0]] += 1
                continue
            self.pieces.append(replace(decode(encoding.brief, 0, encoding.actions), title=piece.title))
            self.groups.append(group)
            self.actions.append((encoding.brief, encoding.actions))
        self.skipped: Mapping[str, int] = skipped
        self._arrange()

    def _arrange(self) -> None:
        self.readings: list[Reading] = [read(piece) for piece in self.pieces]
        self.melodies = make_melodies(self.pieces)

    def halves(self, seed: int) -> tuple[_Played, _Played]:
        """Two halves, drawn piece by piece."""
        order = np.random.default_rng(seed).permutation(len(self.pieces))
        middle = len(order) // 2
        return self._some(np.sort(order[:middle])), self._some(np.sort(order[middle:]))

    def _some(self, numbers: NDArray[np.int64]) -> _Played:
        some = object.__new__(_Played)
        some.name, some.skipped = self.name, {}
        some.pieces = [self.pieces[at] for at in numbers]
        some.groups = [self.groups[at] for at in numbers]
        some.actions = [self.actions[at] for at in numbers]
        some._arrange()
        return some


def _estimate(values: NDArray[np.float64], seed: int) -> Row | None:
    found = bootstrap_mean(values, seed)
    return None if math.isnan(found.value) else {"value": found.value, "low": found.low, "high": found.high}


def _alone(value: float) -> Row | None:
    return None if math.isnan(value) else {"value": value}


def _code() -> str:
    """A hash of what the numbers are made by: this file, the metrics, bands, judge and referee."""
    digest = hashlib.sha256()
    package = resources.files("rlcompose")
    texts = [package / "evaluation.py", package / "bands.py", package / "bands.toml", package / "codec.py"]
    folders = ("metrics", "learned", "weights/judge", "weights/referee")
    texts += [text for name in folders for text in Path(str(package.joinpath(name))).iterdir() if text.is_file()]
    for text in sorted(texts, key=str):
        digest.update(text.read_bytes())
    return digest.hexdigest()
