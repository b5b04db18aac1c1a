"""The agents of all styles and the heads that they are paid by: `make_weights.py --only agents` calls it.

For each style, so many rounds: an agent is trained by the recipe, paid by the naturalness head of the round before (at
first the one against the prior), and a head is learned against what the prior and all agents so far have played. The
last head comes with the package, and the agent that `python -m rlcompose.train --style STYLE --seed 0` makes by it; and
a head that has learned against this agent, too, by which pieces are chosen and nobody is paid.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from make_naturalness import CARD as HEAD_CARD
from make_naturalness import made_at, sites_to_learn_from
from safetensors.numpy import load_file, save

from rlcompose import train
from rlcompose.agents._training import CRITIC
from rlcompose.corpus.split import JUDGE
from rlcompose.files import make_folder, write_atomically
from rlcompose.learned.melodies import make_melodies
from rlcompose.learned.naturalness import AGENT, RECIPE, fit_naturalness, naturalness_of, save_naturalness
from rlcompose.prior.model import load_prior
from rlcompose.prior.players import PriorAgent
from rlcompose.run import Run, read_run
from rlcompose.sampling import SamplingAgent
from rlcompose.score import Composition
from rlcompose.sites import Site
from rlcompose.style import load_style

ROUNDS = 1  # of agents whose music heads are learned against
CARD = """# Model card: the agent of {style}

What it is, how it was made and how it plays beside real music and its prior: `docs/recipe.md`, with a table of results.
Made by `{command}`; what it must not have learned from decides `rlcompose/corpus/split.py`.

**What it is.** A change of the prior of {style}, {numbers:,} numbers of half precision (`rlcompose/prior/adapter.py`);
without that very prior it cannot be loaded. The critic is not kept, since other rewards need another. The prior has
learned from: {source}.

**Use.** `rlcompose compose --style {style}` plays it, `rlcompose train --style {style} --from shipped` goes on
from it.

**Figures.** Mean return over 50 pieces, by the recipe's terms: {agent:.2f}; the prior's {prior:.2f}, of events at
random {random:.2f}; after {steps:,} events.

**Limits.** One voice, over chords that are given. It has the habits of its prior's corpus, less spread than real music
has, and a classifier that is learned anew tells its music from real music more often than not.
"""


def make_agents(folder: Path, heads: Path, sources: Mapping[str, str], rounds: int = ROUNDS) -> None:
    """Train all of them, and write their folders and their heads'; with 0 rounds the heads that pay stay."""
    for style, source in sources.items():
        sites = sites_to_learn_from(style)
        played = made_at(PriorAgent([(load_prior(style), 1.0)], load_style(style)), sites, 2)
        if rounds:
            shutil.rmtree(heads / RECIPE / style, ignore_errors=True)
        made = list(played)
        for number in range(rounds):
            with tempfile.TemporaryDirectory() as run:
                trained(style, 1 + number, Path(run))
                made += made_at(agent_of(read_run(run)), sites, 2)
            make_head(heads, RECIPE, sites, made, source)
        make_agent(folder / style, style)
        write_card(folder / style, style, source)
        made = played[: len(played) // 2] + made_at(agent_of(read_run(folder / style)), sites, 3)
        make_head(heads, AGENT, sites, made, source)


def agent_of(run: Run) -> SamplingAgent:
    """The agent of a run."""
    agent = run.agent()
    assert isinstance(agent, SamplingAgent)
    return agent


def make_head(heads: Path, against: str, sites: Sequence[Site], made: Sequence[Composition], source: str) -> None:
    """A head that knows what was made at the sites."""
    style = sites[0].brief.style.name
    real, groups = make_melodies([site.real() for site in sites]), [site.group for site in sites]
    head = fit_naturalness(style, real, groups, make_melodies(made))
    place = heads / against / style
    save_naturalness(place, head, {"against": against, "passages": len(sites), "part": JUDGE})
    print(f"naturalness of {style}, against {against}: {head.accuracy:.3f}", file=sys.stderr, flush=True)
    whose = {RECIPE: "what rewards have made of it", AGENT: "the agent of the package"}[against]
    told = {"style": style, "accuracy": head.accuracy, "real": len(sites), "source": source}
    card = HEAD_CARD.format(**told, against=f"the prior of {style} and {whose}", only="agents")
    write_atomically(place / "README.md", card)
    naturalness_of.cache_clear()


def trained(style: str, seed: int, run: Path) -> None:
    """The command, as anybody would give it."""
    if train.main(["--style", style, "--seed", str(seed), "--out", str(run)]):
        sys.exit(1)


def write_card(place: Path, style: str, source: str) -> None:
    """The model card of an agent, from what stands in its folder."""
    told = json.loads((place / "result.json").read_text(encoding="utf-8"))
    returns = told["mean_return"]
    [agent] = [value for name, value in returns.items() if name not in ("prior", "random")]
    card = CARD.format(
        style=style,
        command=f"python -m rlcompose.train --style {style} --seed 0",
        numbers=sum(each.size for each in load_file(place / "model" / "model.safetensors").values()),
        source=source,
        agent=agent,
        prior=returns["prior"],
        random=returns["random"],
        steps=told["trained_steps"],
    )
    write_atomically(place / "README.md", card)


def make_agent(place: Path, style: str) -> None:
    """The agent that comes with the package: the run of the command with seed 0, without pieces and critic."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        trained(style, 0, run)
        make_folder(place / "model")
        for name in ("config.json", "model/config.json"):
            write_atomically(place / name, (run / name).read_text(encoding="utf-8"))
        weights = load_file(run / "model" / "model.safetensors")
        kept = {name: value.astype(np.float16) for name, value in weights.items() if not name.startswith(CRITIC)}
        write_atomically(place / "model" / "model.safetensors", save(kept))
        result = json.loads((run / "result.json").read_text(encoding="utf-8"))
        told = {name: result[name] for name in ("mean_return", "trained_steps", "health")}
        write_atomically(place / "result.json", json.dumps(told, indent=2, sort_keys=True) + "\n")
    print(f"agent of {style}: {told['mean_return']}", file=sys.stderr, flush=True)
