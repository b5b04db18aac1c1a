"""Does the two-sample test say .5 where there is nothing to tell, and 1 where there is? What does an evaluation cost?

    python experiments/evaluation/evaluation.py [--splits 6]

Needs the corpora (`python -m rlcompose.corpus list`); styles without one are left out. Writes `results.md`.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np

from rlcompose.corpus.library import is_available
from rlcompose.engine.cache import CACHE_VARIABLE
from rlcompose.evaluate import composed, real_bench, style_terms, untrained
from rlcompose.files import write_atomically
from rlcompose.learned.layout import STYLES
from rlcompose.learned.melodies import make_melodies
from rlcompose.metrics.two_sample import FEATURE_SETS, two_sample_test, windows_features
from rlcompose.style import load_style

HERE = Path(__file__).parent
MOST = 500  # windows of a side
SITES, BARS, TIMED = 1000, 32, 1000


def told_apart(style: str, splits: int) -> list[str]:
    """Rows of the table: each set of features, real music in two and beside random notes."""
    _, sites, real = real_bench(load_style(style), style, SITES, BARS)
    noise = composed("random", untrained("random"), sites, len(sites), style_terms(load_style(style)), 0)
    lines = []
    for features in FEATURE_SETS:
        sides = [windows_features(make_melodies(each.pieces), features) for each in (real, noise)]
        groups = [np.array([real.groups[at] for at in side.pieces]) for side in sides]
        found = []
        for split in range(splits):
            order = np.random.default_rng(split).permutation(len(sides[0].features))[: 2 * MOST]
            a, b = np.array_split(order, 2)
            named = [*groups[0][a], *groups[0][b]]
            found.append(two_sample_test(sides[0].features[a], sides[0].features[b], named, split).accuracy)
        number = min(MOST, *(len(side.features) for side in sides))
        drawn = [np.random.default_rng(0).permutation(len(side.features))[:number] for side in sides]
        ours, theirs = (side.features[at] for side, at in zip(sides, drawn, strict=True))
        named = [name for group, at in zip(groups, drawn, strict=True) for name in group[at]]
        against = two_sample_test(ours, theirs, named, 0).accuracy
        lines.append(
            f"| {style} | {features} | {len(b)} | {np.mean(found):.3f} | {min(found):.3f} to {max(found):.3f} "
            f"| {against:.3f} |"
        )
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def cost(style: str) -> str:
    """Seconds and memory of measuring a thousand pieces, nothing of it cached."""
    begun = time.perf_counter()
    bench, sites, _ = real_bench(load_style(style), style, SITES, BARS)
    read = time.perf_counter() - begun
    pieces = composed("random", untrained("random"), sites, TIMED, style_terms(load_style(style)), 0)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as place, mock.patch.dict("os.environ", {CACHE_VARIABLE: place}):
        bench.measure(replace(pieces, name="timed"))
    seconds = time.perf_counter() - begun
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    told = f"{TIMED} pieces of {BARS} bars in {seconds:.0f} s, after {read:.0f} s for the real music"
    return f"{style}: {told}; {most:.2f} GiB."


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--splits", type=int, default=6, help="how often real music is split in two (default: 6)")
    arguments = parser.parse_args()
    styles = [name for name in STYLES if is_available(load_style(name))]
    lines = ["# The two-sample test on what is known", "", "`python experiments/evaluation/evaluation.py`", ""]
    lines += ["| style | features | windows a side | real in two, mean | range | real against random notes |"]
    lines += ["|---|---|---|---|---|---|"]
    costs = [cost(styles[0])]
    for style in styles:
        lines += told_apart(style, arguments.splits)
    lines += ["", *costs]
    write_atomically(HERE / "results.md", "\n".join(lines) + "\n")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
