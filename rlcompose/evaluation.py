"""Sets of pieces, measured side by side with real music: what every number of `rlcompose.evaluate` is made by."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.bands import FEATURES, feature_functions, outside_bands, window_features
from rlcompose.brief import Brief
from rlcompose.codec import decode
from rlcompose.datasets import actions_of
from rlcompose.engine.cache import user_cache_folder
from rlcompose.errors import RlcomposeError
from rlcompose.files import make_folder, write_atomically
from rlcompose.learned.layout import MAX_BARS, STYLES
from rlcompose.learned.melodies import Melodies, all_windows, make_melodies, windows_of
from rlcompose.metrics.bootstrap import bootstrap_interval
from rlcompose.metrics.diversity import distinct_ngrams, interval_divergence, time_divergence, vendi_score
from rlcompose.metrics.mgeval import Floats, mgeval_features, mgeval_of_features
from rlcompose.metrics.novelty import ngram_novelty, shared_runs
from rlcompose.metrics.pieces import measure_all
from rlcompose.metrics.reading import Reading, read
from rlcompose.metrics.two_sample import FEATURE_SETS, FOLDS, WindowFeatures, two_sample_test, windows_features
from rlcompose.score import Composition
from rlcompose.style import Style

FEWEST_PIECES = 5  # of a set: fewer have no distances to speak of
FEWEST_REAL = 2 * FEWEST_PIECES  # it is also compared with itself, half by half
MOST_WINDOWS = 500  # of each side of a two-sample test, whose accuracy grows with the number
MOST_GIVEAWAYS = 8
REAL = "real"  # the name of the set that the others are told from
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
            raise RlcomposeError(
                f"{len(self.real.groups)} real pieces are too few to compare with: {FEWEST_REAL} are needed"
                + self.real.left_out
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
            kept = self._measured(self.real if is_real else _Played(pieces, self.style), is_real)
            try:
                make_folder(file.parent)
                write_atomically(file, json.dumps(kept, allow_nan=False))
            except (OSError, RlcomposeError):  # what cannot be kept is measured again
                pass
        return {"name": pieces.name, **kept}

    def _measured(self, played: _Played, is_real: bool) -> Row:
        if len(played.groups) < FEWEST_PIECES:
            raise RlcomposeError(
                f"{len(played.groups)} pieces of {played.name} can be measured, {FEWEST_PIECES} are needed"
                + played.left_out
            )
        numbers = {name: _estimate(values, self.seed) for name, values in measure_all(played.readings).items()}
        numbers |= self._judged(played)
        numbers |= self._bands(played)
        first, second = played.halves(self.seed) if is_real else (played, self.real)
        numbers |= self._distances(first, second)
        copies, place = self._copies(played, is_real)
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
        """How far the first set is from the second; how diverse it is, at an equal number of windows."""
        overlaps = mgeval_of_features(first.mgeval_features, second.mgeval_features, seed=self.seed)
        found: Row = {
            "js_intervals": _alone(interval_divergence(first.melodies, second.melodies)),
            "js_inter_onset_intervals": _alone(time_divergence(first.melodies, second.melodies)),
            "distinct_4_grams": _alone(distinct_ngrams(first.melodies)),
            "overlapping_area": _alone(float(np.mean([each["oa"] for each in overlaps.values()]))),
        }
        for name, each in overlaps.items():
            found[f"area_{name}"] = _alone(each["oa"])
            found[f"divergence_{name}"] = _alone(each["kl"])
        sides = [side.windows("judge", self.seed).features for side in (first, second)]
        if min(map(len, sides)) >= FEWEST_PIECES:
            mine, theirs = (side[at] for side, at in zip(sides, _equally_many(sides, self.seed), strict=True))
            score = vendi_score(mine, sides[1])
            found["vendi"] = _alone(score)
            found["vendi_of_real"] = _alone(score / vendi_score(theirs, sides[1]))
        return found

    def _copies(self, played: _Played, is_real: bool) -> tuple[Row, Row]:
        """The longest runs that stand in the corpus too, the share of n-grams that do not, and the worst place."""
        runs, telling = (
            shared_runs(
                played.melodies,
                self.corpus,
                labels=played.groups,
                reference_labels=self.corpus_groups,
                ignore_trivial=ignores,
            )
            for ignores in (False, True)
        )
        lengths = np.array([run.notes for run in runs], np.float64)
        worst = int(lengths.argmax())
        run = runs[worst]
        place = {
            "notes": run.notes,
            "piece": played.pieces[worst].title or f"number {worst + 1}",
            "bar": run.bar + 1,
            "of": self.corpus_names[run.reference] if run.reference >= 0 else None,
            "of_bar": run.reference_bar + 1,
        }
        # Where the corpus holds the pieces themselves none of their n-grams is new.
        holds_them = is_real and not set(played.groups).isdisjoint(self.corpus_groups)
        novelty = np.full(1, np.nan) if holds_them else ngram_novelty(played.melodies, self.corpus)
        numbers = {
            "new_4_grams": _estimate(novelty, self.seed),
            "longest_copy_median": _alone(float(np.median(lengths))),
            "longest_copy_95": _alone(float(np.quantile(lengths, 0.95))),
            "longest_copy": _alone(float(lengths.max())),
            "longest_telling_copy": _alone(float(max(run.notes for run in telling))),
        }
        return numbers, place

    def _told_apart(self, first: _Played, second: _Played) -> tuple[Row, Row]:
        """Whether a fresh classifier tells the sets apart, by two sets of features; nothing where there are too few."""
        numbers: Row = {}
        giveaways: Row = {}
        for features in FEATURE_SETS:
            sides = [side.windows(features, self.seed) for side in (first, second)]
            at = _equally_many([side.features for side in sides], self.seed, MOST_WINDOWS)
            groups = [
                played.groups[side.pieces[row]]
                for played, side, rows in zip((first, second), sides, at, strict=True)
                for row in rows
            ]
            if len(at[0]) < FOLDS or len(set(groups)) < FOLDS:
                continue
            ours, theirs = (side.features[which] for side, which in zip(sides, at, strict=True))
            found = two_sample_test(ours, theirs, groups, self.seed, sides[0].names)
            low, high = found.accuracy - found.deviation, found.accuracy + found.deviation
            numbers[f"told_apart_{features}"] = {"value": found.accuracy, "low": low, "high": high}
            giveaways[features] = [
                {"feature": each.name, "mean": each.means[0], "real": each.means[1], "auc": each.auc}
                for each in found.giveaways[:MOST_GIVEAWAYS]
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
                if not piece.notes:
                    raise RlcomposeError("no notes")
                brief, actions, _ = actions_of(piece, style)
            except RlcomposeError as error:
                skipped[str(error).partition(":")[0]] += 1
                continue
            self.pieces.append(replace(decode(brief, 0, actions), title=piece.title))
            self.groups.append(group)
            self.actions.append((brief, actions))
        self.skipped: Mapping[str, int] = skipped
        self._arrange()

    def _arrange(self) -> None:
        self.readings: list[Reading] = [read(piece) for piece in self.pieces]
        self.melodies = make_melodies(self.pieces)
        self._windows: dict[tuple[str, int], WindowFeatures] = {}

    @property
    def left_out(self) -> str:
        """What was skipped and why, to stand behind a message; nothing where all was played."""
        why = "; ".join(f"{reason} ({number})" for reason, number in self.skipped.items())
        return f" (left out: {why})" if why else ""

    def windows(self, features: str, seed: int) -> WindowFeatures:
        """The features of its windows; made once, since the real music is asked for them beside every set."""
        if (features, seed) not in self._windows:
            self._windows[features, seed] = windows_features(self.melodies, features, seed=seed)
        return self._windows[features, seed]

    @cached_property
    def mgeval_features(self) -> dict[str, Floats]:
        """Those of the melodies in C, so that keys make no difference; without chords, which they do not look at."""
        in_c = [
            replace(
                piece,
                notes=tuple(replace(note, pitch=note.pitch - _shift(piece.key.tonic)) for note in piece.notes),
                chords=(),
                key=replace(piece.key, tonic=0),
            )
            for piece in self.pieces
        ]
        return mgeval_features(in_c)

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


def _shift(tonic: int) -> int:
    """Semitones down to C, or up to it where that is nearer."""
    return tonic if tonic <= 6 else tonic - 12


def _equally_many(sides: Sequence[NDArray[np.float32]], seed: int, most: int | None = None) -> list[NDArray[np.int64]]:
    """Rows of each side, in order: as many as the smallest has, at most `most`, drawn by the seed."""
    number = min(map(len, sides))
    number = number if most is None else min(number, most)
    draw = np.random.default_rng(seed)
    return [np.sort(draw.permutation(len(side))[:number]) for side in sides]


def _estimate(values: NDArray[np.float64], seed: int) -> Row | None:
    found = bootstrap_interval(values, seed=seed)
    return {"value": found.mean, "low": found.low, "high": found.high} if found.count else None


def _alone(value: float) -> Row | None:
    return None if math.isnan(value) else {"value": value}


def _code() -> str:
    """A hash of what the numbers are made by: engine, metrics, theory, the bands and their functions, the judges."""
    package = Path(str(resources.files("rlcompose")))
    files = {Path(inspect.getfile(function)) for function in feature_functions().values()}
    for folder in ("", "engine", "metrics", "learned", "theory", "weights/judge", "weights/referee"):
        files |= {file for file in (package / folder).iterdir() if file.is_file()}
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()
