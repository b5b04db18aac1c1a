"""The agents of the recipe: their music beside real music and the prior's, and what a reward of one's own does.

    python experiments/recipe/recipe_music.py [styles] [copies] [high_notes] [seeds] [ablations] [--style STYLE]

Needs the corpora (`python -m rlcompose.corpus list`); styles without one are left out. Writes `results.json`, of which
`docs/recipe.md` has the tables. `seeds` and `ablations` train anew: some three minutes for each row and seed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from beside_real import (
    NUMBER,
    Played,
    copied,
    measured,
    played_at,
    prior_player,
    real_played,
    reference_of,
)
from prior_music import rounded  # of the experiment beside this one, whose folder `beside_real` has added to the path

from rlcompose.agent import TrainingJob, find_agent
from rlcompose.brief import make_brief
from rlcompose.corpus.library import is_available
from rlcompose.files import write_atomically
from rlcompose.learned.melodies import make_melodies
from rlcompose.learned.naturalness import AGENT, PRIOR
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

# What each row of the ablations changes of the recipe: weights by the name of a term, settings, the agent.
Row = Mapping[str, Any]
ABLATIONS: dict[str, Row] = {
    "the recipe": {},
    "without anchor": {"settings": {"anchor": 0.0}},
    "anchor x 0.1": {"settings": {"anchor": 0.04, "anchor_kl": 0.0}},
    "anchor x 10": {"settings": {"anchor": 4.0, "anchor_kl": 0.0}},
    "without judge": {"rewards": {"in_style": 0.0}},
    "without naturalness": {"rewards": {"natural": 0.0}, "settings": {"refine": 0}},
    "without resampling": {"settings": {"refine": 0}},
    "without rules": {"rules": 0.0},
    "the style's own weights of rules": {"rules": None},
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


def trained(style: str, seed: int, row: Row, steps: int = STEPS_PRIOR) -> tuple[SamplingAgent, float]:
    """An agent by the recipe, or by what a row makes of it, and the seconds that it took."""
    brief = make_brief(style)
    weights = recipe_of(brief.style)
    if "rules" in row:
        own = {term.term.name: term.weight for term in weigh_terms(brief.style.rewards)}
        factor = row["rules"]
        weights |= {name: own[name] if factor is None else factor * own[name] for name in own}
    if row.get("maxima"):
        weights |= {name: 0.0 for name in weights if name.startswith("usual_")} | dict.fromkeys(MAXIMA, 0.3)
    weights |= row.get("rewards", {})
    kind = find_agent(row.get("agent", "ppo"))
    assert kind.train is not None
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        job = TrainingJob(
            *(brief, weigh_terms(weights), steps, seed, Path(folder), lambda *told: None),
            settings=dict(row.get("settings", {})),
            from_prior=row.get("from_prior", True),
        )
        agent = kind.train(job).agent
    assert isinstance(agent, SamplingAgent)
    return agent, time.monotonic() - begun


def seeds(style: str, number: int) -> dict[str, Any]:
    """Three trainings by the recipe."""
    return rows_of(style, number, {"the recipe": {}})


def ablations(style: str, number: int) -> dict[str, Any]:
    """The recipe with one thing changed, three seeds each."""
    return rows_of(style, number, ABLATIONS)


def rows_of(style: str, number: int, rows: Mapping[str, Row]) -> dict[str, Any]:
    """Each row trained with every seed, and its music measured."""
    reference = reference_of(style, number)
    found: dict[str, Any] = {}
    for name, row in rows.items():
        for seed in SEEDS:
            agent, seconds = trained(style, seed, row)
            row_found = measured(reference, played_at(agent, reference.sites, seed)) | {"seconds": seconds}
            found.setdefault(name, {})[str(seed)] = row_found
            print(f"{style}, {name}, seed {seed}: {json.dumps(rounded(row_found))}", file=sys.stderr, flush=True)
    return found


HIGH_NOTES = '''from rlcompose.reward import reward_term


@reward_term
def high_notes(m):
    """0 for a note an octave and a tone above the tonic, 1 an octave higher; no note is paid for being there."""
    return (m.pitch - 14) / 12 if m.is_note else 0.0
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


PARTS: dict[str, tuple[Callable[[str, int], Any], tuple[str, ...]]] = {
    "styles": (styles, shipped_agents()),
    "copies": (copies, shipped_agents()),
    "high_notes": (high_notes, ("jazz",)),
    "seeds": (seeds, shipped_agents()),
    "ablations": (ablations, ("jazz",)),
}


def main() -> int:
    """Measure what is asked for, and put it beside what was measured before."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="(default: styles, copies, high_notes)")
    parser.add_argument("--style", action="append", help="only of these")
    parser.add_argument("--pieces", type=int, default=NUMBER, help="passages that are played at")
    arguments = parser.parse_args()
    path = HERE / "results.json"
    for part in arguments.parts or ("styles", "copies", "high_notes"):
        measure, all_styles = PARTS[part]
        for name in arguments.style or all_styles:
            if name not in all_styles or not is_available(load_style(name)):
                continue
            numbers = rounded(measure(name, arguments.pieces))
            found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
            found.setdefault(part, {})[name] = numbers
            write_atomically(path, json.dumps(found, indent=1, sort_keys=True) + "\n")
            print(f"{part} {name}: {json.dumps(numbers)}", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
