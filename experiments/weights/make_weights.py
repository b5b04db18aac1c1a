"""Make everything in `rlcompose/weights/` again: the judge with its monitor, the referee, the priors, the manifest.

    python experiments/weights/make_weights.py [--only judge|priors|chains|naturalness|agents] [--rounds 11]
                                               [--exploit 120000] [--keep FILE]

Reads the corpora of all six styles (see `python -m rlcompose.corpus list`). The judge learns from its part of the
split, from noise, from rounds of hill climbing, and from agents that are trained to please it alone, from scratch and
from the prior; the referee from its own part. The priors learn from the same part as the judge (`make_priors.py`), and
so do what tells real music from theirs (`make_naturalness.py`) and the agents (`make_agents.py`). About two hours and a
half on two cores, half of it for the judge.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from rlcompose import __version__
from rlcompose.agent import TrainingJob, find_agent, play
from rlcompose.brief import make_brief
from rlcompose.codec import decode
from rlcompose.corpus.split import JUDGE, REFEREE
from rlcompose.engine.layout import LAYOUT_ID
from rlcompose.env import ENV_ID
from rlcompose.files import write_atomically
from rlcompose.learned.judge import JUDGE_VARIABLE, load_judge
from rlcompose.learned.layout import CLASSES, MAX_BARS, NUM_FEATURES, STYLES
from rlcompose.learned.melodies import make_melodies, windows_of
from rlcompose.learned.models import JudgeModel, features_id, save_judge
from rlcompose.learned.monitor import save_monitor
from rlcompose.learned.monitor_training import Played, train_monitor
from rlcompose.learned.noise import NOISE, melodies_of
from rlcompose.learned.referee import fit_referee, save_referee
from rlcompose.learned.samples import NOISE_CLASS, Real, Settings, draw_windows, noise_passages, real_music
from rlcompose.learned.successions import succession_features
from rlcompose.learned.training import Trained, train_judge
from rlcompose.reward import weigh_terms

sys.path.insert(0, str(Path(__file__).parent))
from make_agents import ROUNDS, make_agents  # noqa: E402  - beside this script
from make_chains import make_chains  # noqa: E402  - beside this script
from make_naturalness import make_naturalness  # noqa: E402  - beside this script
from make_priors import make_priors  # noqa: E402  - beside this script

FOLDER = Path(__file__).resolve().parents[2] / "rlcompose" / "weights"
SOURCES = {
    "jazz": "Weimar Jazz Database, Jazzomat Research Project, Hochschule für Musik Franz Liszt Weimar (ODbL 1.0)",
    "chorale": "chorales of J. S. Bach, in the corpus of music21",
    "fiddle": "O'Neill's Music of Ireland, Ryan's Mammoth Collection, Aird's Airs, in the corpus of music21",
    "german_folk": "Essen Folksong Collection, in the corpus of music21",
    "chinese_folk": "Essen Folksong Collection (China), in the corpus of music21",
    "renaissance": "masses of Palestrina (encoded by J. Miller) and madrigals of Monteverdi, in the corpus of music21",
}
EXPLOITED = ("jazz", "fiddle")  # what agents are trained for from scratch, with nothing but the judge
EXPLOIT_BARS = 16
EXPLOIT_PIECES = 240
PARTS = {"part": JUDGE, "limits_part": REFEREE}  # of the split, from which the monitor learns


def reference(model: JudgeModel, apart: Real, settings: Settings) -> dict[str, Any]:
    """What real music that the judge has not learned from gets: its windows of eight bars, style by style.

    Measured of the very model, because judges that are learned without a share of the families, to calibrate it, give
    unseen music less.
    """
    draw = np.random.default_rng(settings.seed + 8)
    pieces, starts = draw_windows(apart, [settings.jazz_windows] * len(STYLES), settings.per_piece, draw)
    said = model.probabilities(apart.melodies, windows_of(apart.melodies, pieces, starts, MAX_BARS)).astype(float)
    found: dict[str, Any] = {}
    for number, style in enumerate(STYLES):
        p = said[apart.styles[pieces] == number, number]
        quartiles = np.quantile(p, (0.05, 0.25, 0.5, 0.75))
        found[style] = {
            "windows": len(p),
            "mean": round(float(p.mean()), 4),
            "five_percent": round(float(quartiles[0]), 4),
            "quartile": round(float(quartiles[1]), 4),
            "median": round(float(quartiles[2]), 4),
            "three_quarters": round(float(quartiles[3]), 4),
        }
    return found


def write_judge(
    folder: Path, trained: Trained, apart: Real, settings: Settings, exploited: Mapping[str, Any] | None = None
) -> None:
    """The judge of a training, what real music gets that it has not learned from (`apart`), and exploiting agents."""
    config = {
        "classes": list(CLASSES),
        "part": JUDGE,
        "settings": asdict(settings),
        "rounds": trained.log,
        "exploited": exploited or {},
        "real": reference(trained.model, apart, settings),
        "real_part": REFEREE,
        "sources": SOURCES,
    }
    save_judge(folder, trained.model, config)


def exploit(style: str, steps: int, seed: int, from_prior: bool) -> Played:
    """Windows of pieces of an agent that was trained for the judge alone, from scratch or from the prior, unheld."""
    off = {name: 0.0 for name in make_brief(style).style.rewards}
    brief = make_brief(style, {"bars": EXPLOIT_BARS})
    terms = weigh_terms(brief.style.rewards, off | {"in_style": 20.0})
    settings = {"anchor": 0.0, "refine": 0} if from_prior else {"learning_rate": 1e-3}
    with tempfile.TemporaryDirectory() as place:
        job = TrainingJob(brief, terms, steps, seed, Path(place), lambda *_: None, settings, from_prior=from_prior)
        train = find_agent("maskable_ppo").train
        assert train is not None
        trained = train(job)
    pieces = play(trained.agent, brief, terms, range(2**40, 2**40 + EXPLOIT_PIECES))
    begun = "the prior" if from_prior else "scratch"
    told = f"{np.mean([p.total for p in pieces]) / 20:.3f} of the term's 1"
    print(f"exploit {style} from {begun}: {told}", file=sys.stderr, flush=True)
    melodies = make_melodies([decode(brief, piece.seed, piece.actions) for piece in pieces])
    windows = np.concatenate(
        [windows_of(melodies, np.arange(len(melodies)), np.full(len(melodies), at), MAX_BARS) for at in (0, 8)]
    )
    return STYLES.index(style), melodies, windows[windows[:, 1] > windows[:, 0]]


def taken_for(model: JudgeModel, found: Sequence[Played]) -> list[float]:
    """The mean probability that the judge gives the other windows of each exploiting agent."""
    said = [model.probabilities(melodies, windows[1::2])[:, style] for style, melodies, windows in found]
    return [round(float(each.mean()), 4) for each in said]


def make_referee(real: Real, settings: Settings) -> None:
    """The referee, from its own part."""
    draw = np.random.default_rng(settings.seed + 7)
    pieces, starts = draw_windows(real, [1000] * len(STYLES), settings.per_piece, draw)
    passages, family, _ = noise_passages(real, pieces, starts, 60, tuple(NOISE), draw)
    noise = melodies_of(passages)
    numbers = np.arange(len(passages))
    features = np.concatenate(
        [
            succession_features(real.melodies, windows_of(real.melodies, pieces, starts, MAX_BARS)),
            succession_features(noise, windows_of(noise, numbers, np.zeros_like(numbers), MAX_BARS)),
        ]
    )
    classes = np.concatenate([real.styles[pieces], np.full(len(passages), NOISE_CLASS)])
    counts = np.bincount(classes, minlength=len(CLASSES))
    weights = (len(classes) / len(CLASSES) / counts)[classes]
    names = list(NOISE)
    near = np.isin(
        np.concatenate([np.full(len(pieces), -1), family]), [names.index("perturbed_10"), names.index("shuffled_bars")]
    )
    weights[near] *= settings.near_weight
    referee = fit_referee(features, classes, weights, seed=settings.seed)
    save_referee(FOLDER / "referee", referee, {"classes": list(CLASSES), "part": REFEREE, "sources": SOURCES})


def write_manifest() -> None:
    """What every file is, with its hash."""
    files = sorted(
        path for path in FOLDER.rglob("*") if path.suffix in (".json", ".safetensors") and path.parent != FOLDER
    )
    manifest = {
        "command": "python experiments/weights/make_weights.py",
        "version": __version__,
        "environment": ENV_ID,
        "features_id": features_id(),
        "layout_id": LAYOUT_ID,
        "num_features": NUM_FEATURES,
        "split": "rlcompose/corpus/split.py",
        "sources": SOURCES,
        "files": {str(path.relative_to(FOLDER)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
    }
    write_atomically(
        FOLDER / "manifest.json", json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    )


def main() -> int:
    """Make all weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=Settings().rounds, help="of attacks by hill climbing")
    parser.add_argument(
        "--only",
        choices=("judge", "priors", "chains", "naturalness", "agents"),
        help="make the judge, monitor and referee, the priors, charts, the heads against priors, or the agents",
    )
    parser.add_argument(
        "--exploit", type=int, default=120_000, help="steps of the agents that exploit the judge, 0 for none"
    )
    parser.add_argument("--style", action="append", choices=tuple(SOURCES), help="agents of these alone")
    parser.add_argument(
        "--agent-rounds", type=int, default=ROUNDS, help="of agents and heads before the agents, 0 for none"
    )
    parser.add_argument(
        "--keep", metavar="FILE", type=Path, help="keep the attacks here after each round, and go on from them"
    )
    arguments = parser.parse_args()
    if arguments.only in (None, "judge"):
        make_judge(replace(Settings(), rounds=arguments.rounds), arguments.exploit, arguments.keep)
    if arguments.only in (None, "priors"):
        make_priors(FOLDER / "prior", SOURCES)
    if arguments.only in (None, "chains"):
        make_chains(FOLDER / "chains", SOURCES)
    if arguments.only in (None, "naturalness"):
        make_naturalness(FOLDER / "naturalness", SOURCES)
    if arguments.only in (None, "agents"):
        sources = {style: SOURCES[style] for style in arguments.style or SOURCES}
        make_agents(FOLDER / "agent", FOLDER / "naturalness", sources, arguments.agent_rounds)
    write_manifest()
    return 0


def make_judge(settings: Settings, exploit_steps: int, keep: Path | None) -> None:
    """The judge, its monitor and the referee."""
    real = real_music()
    apart = real.of_part(REFEREE)
    own = real.of_part(JUDGE)
    trained = train_judge(own, settings, kept=keep)
    folder = FOLDER / "judge"
    found: list[Played] = []
    refreshed: dict[str, Any] = {}
    if exploit_steps:
        with tempfile.TemporaryDirectory() as place:
            write_judge(Path(place), trained, apart, settings)
            # A judge needs a monitor; here nobody asks it.
            save_monitor(Path(place), train_monitor(own, apart, trained, settings, cheap=30, dear=3), PARTS)
            os.environ[JUDGE_VARIABLE] = place
            load_judge.cache_clear()
            found = [
                exploit(style, exploit_steps, settings.seed, begun) for style in EXPLOITED for begun in (False, True)
            ]
            del os.environ[JUDGE_VARIABLE]
            load_judge.cache_clear()
        # Every other window is learned from, the others tell what has come of it.
        features = [trained.model.features(melodies, windows[::2]) for _, melodies, windows in found]
        before = taken_for(trained.model, found)
        trained = trained.with_attacks(np.concatenate(features))
        after = taken_for(trained.model, found)
        names = [f"{style} from {begun}" for style in EXPLOITED for begun in ("scratch", "the prior")]
        refreshed = {name: {"before": b, "after": a} for name, b, a in zip(names, before, after, strict=True)}
        print(f"exploits, before and after: {refreshed}", file=sys.stderr, flush=True)
    write_judge(folder, trained, apart, settings, refreshed)
    save_monitor(folder, train_monitor(own, apart, trained, settings, found), PARTS)
    make_referee(apart, settings)


if __name__ == "__main__":
    sys.exit(main())
