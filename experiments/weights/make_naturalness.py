"""The naturalness heads against the priors: `make_weights.py --only naturalness` calls it and writes the manifest.

Each learns to tell the part `judge` of its corpus from what the style's prior plays over the same chords. Those against
what rewards have made of the priors are `make_agents.py`'s.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rlcompose.codec import decode
from rlcompose.corpus.library import load_corpus
from rlcompose.corpus.split import JUDGE
from rlcompose.files import write_atomically
from rlcompose.learned.melodies import make_melodies
from rlcompose.learned.naturalness import PRIOR, fit_naturalness, save_naturalness
from rlcompose.prior.model import load_prior
from rlcompose.prior.players import Drawing, PriorAgent, play_together
from rlcompose.score import Composition
from rlcompose.sites import LONGEST_BARS, PASSAGE_BARS, Site, sites_of
from rlcompose.style import load_style

PASSAGES = 1500  # whose chords are played over, and which are told from what is played
TIMES = 3  # that each is played over

CARD = """# The naturalness head of {style}, against {against}

A logistic regression on 165 features of eight bars and their squares, and boosted trees
(`rlcompose/learned/naturalness.py`): how probable it is that they are real music and not what {against} plays over the
same chords. Accuracy on pieces that it has not seen: {accuracy:.3f}. Made by `python
experiments/weights/make_weights.py --only {only}` from {real:,} passages of the part `judge` of
`rlcompose/corpus/split.py`: {source}. No report may quote it: agents are paid and chosen by it.
"""


def sites_to_learn_from(style: str, number: int = PASSAGES, seed: int = 0) -> list[Site]:
    """Passages of the part that judges learn from."""
    return sites_of(load_corpus(style), number, PASSAGE_BARS.get(style, LONGEST_BARS), seed, learned=True)


def made_at(player: Drawing, sites: Sequence[Site], times: int) -> list[Composition]:
    """What a player plays at these sites, so many times, silence left out."""
    made = []
    for seed in range(times):
        actions = play_together(player, [site.brief for site in sites], [seed] * len(sites))
        made += [decode(site.brief, seed, each) for site, each in zip(sites, actions, strict=True)]
    return [piece for piece in made if piece.notes]


def make_naturalness(folder: Path, sources: Mapping[str, str]) -> None:
    """Learn those against the priors, and write their folders."""
    for style, source in sources.items():
        sites = sites_to_learn_from(style)
        made = made_at(PriorAgent([(load_prior(style), 1.0)], load_style(style)), sites, TIMES)
        groups = [site.group for site in sites]
        head = fit_naturalness(style, make_melodies([site.real() for site in sites]), groups, make_melodies(made))
        place = folder / PRIOR / style
        save_naturalness(place, head, {"against": PRIOR, "passages": len(sites), "part": JUDGE})
        told = {"style": style, "accuracy": head.accuracy, "real": len(sites), "source": source}
        write_atomically(place / "README.md", CARD.format(**told, against=f"the prior of {style}", only="naturalness"))
        print(f"naturalness of {style}, against its prior: {head.accuracy:.3f}", file=sys.stderr, flush=True)
