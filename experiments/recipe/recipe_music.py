"""The agents of the recipe: their music beside real music and the prior's, and what a reward of one's own does.

    python experiments/recipe/recipe_music.py [styles] [copies] [high_notes] [seeds] [ablations] [--style STYLE]

Needs the corpora (`python -m rlcompose.corpus list`); styles without one are left out. Writes `results.json`, of which
`docs/recipe.md` has the tables. `seeds` and `ablations` train anew: some three minutes for each row and seed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from beside_real import (
    NUMBER,
    Played,
    copied,
    judged,
    measured,
    played_at,
    prior_player,
    real_played,
    reference_of,
)
from prior_music import rounded  # of the experiment beside this one, whose folder `beside_real` has added to the path
from safetensors.numpy import load_file, save

from rlcompose.agent import TrainingJob, find_agent
from rlcompose.brief import make_brief
from rlcompose.corpus.library import is_available
from rlcompose.files import write_atomically
from rlcompose.learned.judge import JUDGE_VARIABLE, load_judge, weights_folder
from rlcompose.learned.melodies import make_melodies
from rlcompose.learned.naturalness import AGENT, PRIOR
from rlcompose.learned.samples import NOISE_CLASS
from rlcompose.metrics.two_sample import two_sample_test, windows_features
from rlcompose.prior.players import Drawing
from rlcompose.recipe import recipe_of
from rlcompose.reward import weigh_terms
from rlcompose.run import read_run
from rlcompose.sampling import SamplingAgent
from rlcompose.shipped import shipped_agents, shipped_run
from rlcompose.style import load_style
from rlcompose.train import STEPS_PRIOR

HERE = Path(__file__).parent
BEST_OF = 8
SEEDS = (0, 1, 2)
SEED, ABLATION, THE_RECIPE = "seeds", "ablations", "the recipe"

# What each row of the ablations changes of the recipe: weights by the name of a term, settings, the agent.
Row = Mapping[str, Any]
ABLATIONS: dict[str, Row] = {
    THE_RECIPE: {},
    "without anchor": {"settings": {"anchor": 0.0}},
    "anchor x 0.1": {"settings": {"anchor": 0.04, "anchor_kl": 0.0}},
    "anchor x 10": {"settings": {"anchor": 4.0, "anchor_kl": 0.0}},
    "without judge": {"rewards": {"in_style": 0.0}},
    "without naturalness": {"rewards": {"natural": 0.0}, "settings": {"refine": 0}},
    "without rules": {"rules": 0.0},
    "without noise class": {"knows_noise": False},
    "judge alone": {"rewards": {"natural": 0.0, "in_style": 20.0}, "rules": 0.0, "settings": {"refine": 0}},
    "maxima instead of bands": {"maxima": True},
    "from scratch": {"from_prior": False, "settings": {}},
    "maskable_ppo": {"agent": "maskable_ppo"},
    "dqn": {"agent": "dqn", "settings": {}},
}
MAXIMA = ("stepwise_motion", "chord_tone_on_strong_beat", "even_lines", "comfortable_range")  # in the place of bands


def shipped(style: str) -> SamplingAgent:
    """The package's agent."""
    agent = shipped_run(load_style(style)).agent()
    assert isinstance(agent, SamplingAgent)
    return agent


def styles(style: str, number: int) -> dict[str, Any]:
    """Real music, the prior and the package's agent at the same passages, each also with one of eight chosen."""
    reference = reference_of(style, number)
    result = {"real": measured(reference, real_played(reference), is_real=True)}
    for name, player, against in (("prior", prior_player(style), PRIOR), ("agent", shipped(style), AGENT)):
        for best_of in (1, BEST_OF):
            played = played_at(player, reference.sites, 0, best_of, against)
            result[name if best_of == 1 else f"{name}, best of {best_of}"] = measured(reference, played)
    return result


def copies(style: str, number: int) -> dict[str, Any]:
    """The longest runs that pieces share with the music that priors have learned from."""
    reference = reference_of(style, number)
    players: dict[str, Drawing] = {"prior": prior_player(style), "agent": shipped(style)}
    result = {name: copied(reference, played_at(player, reference.sites, 0).pieces) for name, player in players.items()}
    return {"real": copied(reference, reference.pieces), **result}


def trained(
    style: str, seed: int, row: Row, steps: int = STEPS_PRIOR, usual: Mapping[str, int] | None = None
) -> tuple[SamplingAgent, float]:
    """An agent by the recipe, or by what a row makes of it, and the seconds that it took."""
    brief = make_brief(style)
    weights = recipe_of(brief.style)
    if "rules" in row:
        weights |= {term.term.name: row["rules"] * term.weight for term in weigh_terms(brief.style.rewards)}
    if row.get("maxima"):
        weights |= {name: 0.0 for name in weights if name.startswith("usual_")} | dict.fromkeys(MAXIMA, 0.3)
    weights |= row.get("rewards", {})
    kind = find_agent(row.get("agent", "ppo"))
    assert kind.train is not None
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, judging(style, row.get("knows_noise", True)):
        # DQN's n_steps are no rollout's, but how far a return looks ahead.
        job = TrainingJob(
            *(brief, weigh_terms(weights), steps, seed, Path(folder), lambda *told: None),
            settings={**(usual if usual and row.get("agent") != "dqn" else {}), **row.get("settings", {})},
            from_prior=row.get("from_prior", True),
        )
        agent = kind.train(job).agent
    assert isinstance(agent, SamplingAgent)
    return agent, time.monotonic() - begun


@contextmanager
def judging(style: str, knows_noise: bool) -> Iterator[None]:
    """The package's judge, or what it were without the class of noise: the styles alone share the certainty.

    What real music gets of it is measured anew, since beyond that it pays nothing.
    """
    if knows_noise:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "judge"
        shutil.copytree(weights_folder() / "judge", place)
        arrays = load_file(place / "model.safetensors")
        arrays["bias"] = arrays["bias"].copy()
        arrays["bias"][NOISE_CLASS] = -1e3
        (place / "model.safetensors").write_bytes(save(arrays))
        with patch.dict(os.environ, {JUDGE_VARIABLE: str(place)}):
            load_judge.cache_clear()
            said, _ = judged(style, reference_of(style).pieces)
            config = json.loads((place / "config.json").read_text(encoding="utf-8"))
            config["real"][style] |= {"mean": float(said.mean()), "quartile": float(np.quantile(said, 0.25))}
            (place / "config.json").write_text(json.dumps(config), encoding="utf-8")
            load_judge.cache_clear()
            yield
    load_judge.cache_clear()


def trained_and_measured(part: str, style: str, number: int, rows: Sequence[str], seeds: Sequence[int]) -> None:
    """Each row trained with every seed, and its music measured.

    Ablations have a quarter of the default's events, in rollouts of half the length.
    """
    reference = reference_of(style, number)
    steps, usual = (STEPS_PRIOR // 4, {"n_steps": 64}) if part == ABLATION else (STEPS_PRIOR, {})
    for seed in seeds:
        for name in rows:
            agent, seconds = trained(style, seed, ABLATIONS[name], steps, usual)
            found = measured(reference, played_at(agent, reference.sites, seed)) | {"seconds": seconds}
            keep(found, part, style, name, str(seed))


def keep(numbers: Any, *place: str) -> None:
    """Put numbers at a place in the results, as soon as they are there."""
    path = HERE / "results.json"
    whole = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found = whole
    for name in place[:-1]:
        found = found.setdefault(name, {})
    found[place[-1]] = rounded(numbers)
    write_atomically(path, json.dumps(whole, indent=1, sort_keys=True) + "\n")
    print(f"{', '.join(place)}: {json.dumps(found[place[-1]])}", file=sys.stderr, flush=True)


HIGH_NOTES = '''from rlcompose.reward import reward_term


@reward_term
def high_notes(m):
    """Octaves above the tonic."""
    return m.pitch / 12 if m.is_note else 0.0
'''


def high_notes(style: str, number: int) -> dict[str, Any]:
    """What the reward of six lines does to the package's agent, by the command: pitch, time, how well it is told."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "mine.py").write_text(HIGH_NOTES, encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "rlcompose.train",
            "--from",
            "shipped",
            "--style",
            style,
            "--plugin",
            "mine.py",
        ]
        begun = time.monotonic()
        subprocess.run([*command, "--reward", "high_notes=0.5", "--out", "run"], cwd=folder, check=True)
        seconds = time.monotonic() - begun
        from rlcompose.plugins import load_file

        load_file(place / "mine.py")
        agent = read_run(place / "run").agent()
        assert isinstance(agent, SamplingAgent)
        changed = json.loads((place / "run" / "result.json").read_text(encoding="utf-8"))["changed"]
    reference = reference_of(style, number)
    before, after = (played_at(player, reference.sites, 0) for player in (shipped(style), agent))
    told = [told_without_pitch(style, each) for each in (before, after)]
    mean = [float(np.mean([note.pitch for piece in each.pieces for note in piece.notes])) for each in (before, after)]
    return {
        "seconds": seconds,
        "mean_pitch": mean,
        "told_on_other_features": told,
        "changed": {name: changed[name] for name in ("mean_pitch", "notes_per_bar", "step_share", "return")},
    }


def told_without_pitch(style: str, played: Played) -> float:
    """How well a set is told from real music by features that do not say how high it lies."""
    reference = reference_of(style)
    ours, theirs = (windows_features(make_melodies(each)) for each in (played.pieces, reference.pieces))
    groups = [site.group for site in reference.sites]
    labels = [groups[at] for at in (*ours.pieces, *theirs.pieces)]
    return two_sample_test(ours.features, theirs.features, labels, 0, ours.names).accuracy


PARTS: dict[str, Callable[[str, int], Any]] = {"styles": styles, "copies": copies, "high_notes": high_notes}


def main() -> int:
    """Measure what is asked for, and put it beside what was measured before."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, SEED, ABLATION, []], help=f"(default: {', '.join(PARTS)})")
    parser.add_argument("--seed", type=int, action="append", help=f"train only with these (default: {SEEDS})")
    parser.add_argument("--row", action="append", choices=ABLATIONS, help="train only these rows of the ablations")
    parser.add_argument("--style", action="append", help="only of these")
    parser.add_argument("--pieces", type=int, default=NUMBER, help="passages that are played at")
    arguments = parser.parse_args()
    seeds = arguments.seed or SEEDS
    for part in arguments.parts or PARTS:
        usual = ("jazz",) if part in ("high_notes", ABLATION) else shipped_agents()
        for name in arguments.style or usual:
            if not is_available(load_style(name)):
                continue
            if part in PARTS:
                keep(PARTS[part](name, arguments.pieces), part, name)
            else:
                rows = (arguments.row or tuple(ABLATIONS)) if part == ABLATION else (THE_RECIPE,)
                trained_and_measured(part, name, arguments.pieces, rows, seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
