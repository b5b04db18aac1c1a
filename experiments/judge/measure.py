"""The judge's figures: on music that it has not seen, under noise it has not seen, under attack; and its cost.

    python experiments/judge/measure.py [--left-out] [--exploit 150000]

Writes `measures.md`. With `--left-out` it learns a judge anew without each of the twelve noise families instead (with
fewer windows and attacks), and writes `left_out.md`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rlcompose.agent import TrainingJob, find_agent, play
from rlcompose.brief import make_brief
from rlcompose.codec import decode
from rlcompose.corpus.split import JUDGE, TEST
from rlcompose.engine.core import Engine
from rlcompose.files import write_atomically
from rlcompose.learned.attack import climb, climb_mixed
from rlcompose.learned.judge import load_judge, whole_windows
from rlcompose.learned.layout import MAX_BARS, NUM_STYLES, STYLES
from rlcompose.learned.melodies import Melodies, bars_so_far, make_melodies, windows_of
from rlcompose.learned.monitor import watched
from rlcompose.learned.noise import NOISE, TWELVE, make_noise, melodies_of, passage_of
from rlcompose.learned.samples import NOISE_CLASS, Real, Settings, draw_windows, noise_passages, real_music
from rlcompose.learned.training import CHEAP, DEAR, train_judge
from rlcompose.reward import weigh_terms

HERE = Path(__file__).parent
SEED = 12345


def macro_f1(y: NDArray[np.int64], said: NDArray[np.int64]) -> float:
    """Mean F1 over the classes."""
    from sklearn.metrics import f1_score

    return float(f1_score(y, said, average="macro"))


def unseen(real: Real) -> list[str]:
    """Real windows and noise of the test part: what is told apart, what real music gets."""
    judge = load_judge()
    draw = np.random.default_rng(SEED)
    pieces, starts = draw_windows(real, [3000] * NUM_STYLES, 10, draw)
    windows = windows_of(real.melodies, pieces, starts, MAX_BARS)
    p = judge.model.probabilities(real.melodies, windows).astype(float)
    y = real.styles[pieces]
    lines = ["", "## Unseen music (test part of the split), eight bars", ""]
    lines += [
        "| style | windows | mean p | 5 % | quartile | median | called so | whole pieces right |",
        "|---" * 8 + "|",
    ]
    for style in range(NUM_STYLES):
        mine = p[y == style, style]
        right = []
        for number in np.flatnonzero(real.styles == style)[:400]:
            rows = bars_so_far(real.melodies, int(number))
            whole = judge.model.probabilities(real.melodies, rows[whole_windows(rows)]).mean(axis=0)
            right.append(int(whole.argmax()) == style)
        low, quarter, median = np.quantile(mine, (0.05, 0.25, 0.5))
        lines.append(
            f"| {STYLES[style]} | {len(mine)} | {mine.mean():.3f} | {low:.3f} | {quarter:.3f} | {median:.3f} "
            f"| {(p[y == style].argmax(axis=1) == style).mean():.3f} | {np.mean(right):.3f} ({len(right)}) |"
        )
    for families, name in ((TWELVE, "the twelve families"), (tuple(NOISE), "all families")):
        passages, family, _ = noise_passages(real, pieces, starts, 120, families, draw)
        noise = melodies_of(passages)
        numbers = np.arange(len(passages))
        asked = windows_of(noise, numbers, np.zeros_like(numbers), MAX_BARS)
        q = judge.model.probabilities(noise, asked).astype(float)
        both = np.concatenate([p, q])
        classes = np.concatenate([y, np.full(len(q), NOISE_CLASS)])
        called = (q.argmax(axis=1) == 0).mean()
        lines += [
            "",
            f"Six styles and noise, {name}: macro-F1 {macro_f1(classes, both.argmax(axis=1)):.3f}; noise called ",
        ]
        lines[-1] += f"jazz {called:.1%}, any style {(q.argmax(axis=1) < NUM_STYLES).mean():.1%}."
    names = list(NOISE)
    taken = [(names[f], float((q[family == f, :NUM_STYLES].max(axis=1) > 0.5).mean())) for f in range(len(names))]
    lines += ["", "Share taken for some style (p > .5): " + ", ".join(f"{n} {v:.2f}" for n, v in taken) + "."]
    six = p[:, :NUM_STYLES] / np.maximum(p[:, :NUM_STYLES].sum(axis=1, keepdims=True), 1e-9)
    lines += ["", f"Six styles alone: macro-F1 {macro_f1(y, six.argmax(axis=1)):.3f}."]
    return lines


def left_out(real: Real, test: Real) -> list[str]:
    """Each of the twelve families kept from the judge's training: how much of it is taken for its style.

    A sixth of the noise is made from jazz.
    """
    settings = replace(Settings(), rounds=1, attacks=60, folds=2)
    lines = [
        "",
        "## A noise family left out of training",
        "",
        "| family | made from jazz: p(jazz) > .5 | from all styles: p of its rhythm's style > .5 | any style |",
        "|---|---|---|---|",
    ]
    rows = []
    for family in TWELVE:
        begun = time.monotonic()
        kept = tuple(name for name in NOISE if name != family)
        model = train_judge(real, settings, kept, is_shown=False).model
        draw = np.random.default_rng(SEED)
        pieces, starts = draw_windows(test, [600] * NUM_STYLES, 10, draw)
        passages, _, origin = noise_passages(test, pieces, starts, 1200, (family,), draw)
        noise = melodies_of(passages)
        numbers = np.arange(len(passages))
        p = model.probabilities(noise, windows_of(noise, numbers, np.zeros_like(numbers), MAX_BARS))
        target = test.styles[origin]
        own = p[numbers, target] > 0.5
        rows.append([own[target == 0].mean(), own.mean(), (p[:, :NUM_STYLES].max(axis=1) > 0.5).mean()])
        lines.append(f"| {family} | " + " | ".join(f"{share:.3f}" for share in rows[-1]) + " |")
        print(f"{lines[-1]} {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    means, worst = np.mean(rows, axis=0), np.max(rows, axis=0)
    lines.append("| mean | " + " | ".join(f"{share:.3f}" for share in means) + " |")
    lines.append("| worst | " + " | ".join(f"{share:.3f}" for share in worst) + " |")
    return lines


def attacked() -> list[str]:
    """Hill climbing, 24 restarts a style."""
    judge = load_judge()
    lines = ["", "## Climbed from random notes", "", "Share of 24 restarts with p > .9.", ""]
    lines += ["| style | 2,400 evaluations | 24,000 | with copies of bars, 2,400 | 24,000 |", "|---|---|---|---|---|"]
    for style in range(NUM_STYLES):
        shares = []
        for copies in (False, True):
            found = climb(judge.model, style, 24, 24_000, SEED, copies_bars=copies)
            shares += [np.mean([each.trace[k] > 0.9 for each in found]) for k in (0, -1)]
        lines.append(f"| {STYLES[style]} | " + " | ".join(f"{share:.2f}" for share in shares) + " |")
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def beginnings(real: Real) -> list[str]:
    """Real pieces of 32 bars and the same with noise in the first 24: what the reward term makes of both."""
    judge = load_judge()
    lines = ["", "## 24 of 32 bars are noise", "", "| style | real | noise first | lower by |", "|---|---|---|---|"]
    draw = np.random.default_rng(SEED)
    for style in range(NUM_STYLES):
        numbers = np.flatnonzero((real.styles == style) & (real.melodies.pieces[:, 2] >= 32))
        if style == 0 or len(numbers) >= 5:
            numbers = numbers[:60]
            whole: list[float] = []
            spoiled: list[float] = []
            for number in numbers:
                passage = passage_of(real.melodies, windows_of(real.melodies, [int(number)], [0], 32)[0])
                [noise] = make_noise("random_notes", [passage], [passage], draw)
                cut = 24 * passage.bar
                late, early = passage.onsets >= cut, noise.onsets < cut
                mixed = passage.with_notes(
                    *(
                        np.concatenate([getattr(noise, name)[early], getattr(passage, name)[late]])
                        for name in ("onsets", "ends", "pitches")
                    )
                )
                for made, kept in ((passage, whole), (mixed, spoiled)):
                    melodies = melodies_of([made])
                    p = judge.model.probabilities(melodies, bars_so_far(melodies, 0))
                    kept.append(float(judge.pay(p, {STYLES[style]: 1.0}).mean()))
            lines.append(
                f"| {STYLES[style]} ({len(numbers)}) | {np.mean(whole):.3f} | {np.mean(spoiled):.3f} "
                f"| {np.mean(whole) - np.mean(spoiled):.3f} |"
            )
    return lines


def detected(real: Real, steps: int) -> list[str]:
    """Climbed melodies and windows of an agent that exploits the judge, against 500 real windows."""
    judge = load_judge()
    lines = [
        "",
        "## Attacks detected",
        "",
        "| style | false alarms | 500 climbed, 2,400 evaluations | of them p > .9 | 100 climbed, 24,000 "
        "| of them p > .9 | 500 of an exploiting agent | its share of the reward |",
        "|---" * 8 + "|",
    ]
    for style, name in ((0, "jazz"), (2, "fiddle")):
        pieces, starts = draw_windows(
            real, [500 if s == style else 0 for s in range(NUM_STYLES)], 10, np.random.default_rng(SEED)
        )

        def suspicious(melodies: Melodies, windows: NDArray[np.int32], name: str = name) -> NDArray[np.bool_]:
            return judge.monitor.is_suspicious(name, watched(judge.model, melodies, windows))

        alarms = suspicious(real.melodies, windows_of(real.melodies, pieces, starts, MAX_BARS))
        cells = []
        for restarts, evaluations in ((500, CHEAP), (100, DEAR)):
            found = climb_mixed(judge.model, style, restarts, evaluations, SEED + 1)
            climbed = melodies_of([each.melody for each in found])
            numbers = np.arange(len(climbed))
            caught = suspicious(climbed, windows_of(climbed, numbers, np.zeros_like(numbers), MAX_BARS))
            won = np.array([each.trace[-1] > 0.9 for each in found])
            cells += [f"{caught.mean():.3f}", f"{caught[won].mean():.3f} ({won.sum()})" if won.any() else "none"]
        brief = make_brief(name, {"bars": 16})
        terms = weigh_terms(brief.style.rewards, dict.fromkeys(brief.style.rewards, 0.0) | {"in_style": 20.0})
        with tempfile.TemporaryDirectory() as place:
            job = TrainingJob(
                brief, terms, steps, SEED, Path(place), lambda *_: None, {"learning_rate": 1e-3}, lambda _: None
            )
            train = find_agent("maskable_ppo").train
            assert train is not None
            agent = train(job).agent
        played = play(agent, brief, terms, range(2**41, 2**41 + 500))
        melodies = make_melodies([decode(brief, piece.seed, piece.actions) for piece in played])
        at = np.random.default_rng(SEED).integers(0, 9, 500)
        windows = np.array([windows_of(melodies, [k], [int(a)], MAX_BARS)[0] for k, a in enumerate(at)])
        cells += [
            f"{suspicious(melodies, windows).mean():.3f}",
            f"{np.mean([piece.total for piece in played]) / 20:.2f}",
        ]
        lines.append(f"| {name} | {alarms.mean():.3f} | " + " | ".join(cells) + " |")
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def cost() -> list[str]:
    """Microseconds that the term adds to a step of 64 environments, and to a bar of one."""
    brief = make_brief("jazz")
    lines = ["", "## Cost in the loop", ""]
    taken = {}
    for envs in (64, 1):
        for name in ("without", "with"):
            choice = dict.fromkeys(brief.style.rewards, 0.0) | ({"in_style": 1.0} if name == "with" else {})
            engine = Engine(brief, weigh_terms(brief.style.rewards, choice), envs)
            best = np.inf
            for _ in range(4):
                engine.reset(range(envs))
                draw = np.random.default_rng(0)
                steps, begun = 0, 0.0
                spent = 0.0
                while not engine.state.done.all():
                    actions = [draw.choice(np.flatnonzero(mask)) for mask in engine.state.mask]
                    begun = time.perf_counter()
                    steps += int((~engine.state.done).sum())
                    engine.step(np.array(actions))
                    spent += time.perf_counter() - begun
                best = min(best, spent)
            taken[envs, name] = best / (steps if envs == 64 else brief.options.bars or brief.style.bars) * 1e6
    lines.append(f"64 environments: {taken[64, 'with'] - taken[64, 'without']:.1f} µs a step more, features included.")
    lines.append(f"One environment: {taken[1, 'with'] - taken[1, 'without']:.0f} µs a bar more.")
    return lines


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--left-out", action="store_true", help="learn judges without each noise family instead")
    parser.add_argument("--exploit", type=int, default=150_000, help="steps of the agents that exploit the judge")
    arguments = parser.parse_args()
    real = real_music()
    test = real.of_part(TEST)
    lines = ["# The judge, measured", "", f"`{' '.join(['python experiments/judge/measure.py', *sys.argv[1:]])}`"]
    parts: list[Callable[[], list[str]]] = [
        lambda: unseen(test),
        lambda: beginnings(test),
        cost,
        attacked,
        lambda: detected(test, arguments.exploit),
    ]
    if arguments.left_out:
        parts = [lambda: left_out(real.of_part(JUDGE), test)]
    for part in parts:
        lines += part()
        write_atomically(HERE / ("left_out.md" if arguments.left_out else "measures.md"), "\n".join(lines) + "\n")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
