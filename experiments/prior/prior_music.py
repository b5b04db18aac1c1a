"""What the priors' music is like: beside real music over the same chords, mixed, like a given piece, as a theme.

    python experiments/prior/prior_music.py [samples] [copies] [theme] [like] [mix] [speed]

Needs the corpora (`python -m rlcompose.corpus list`); styles without one are left out. Everything is measured on music
that no prior has learned from (parts `referee` and `test` of the split). Writes
`results.json`, of which `docs/prior.md` has the tables.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcompose.brief import make_brief
from rlcompose.codec import decode
from rlcompose.corpus.library import Corpus, is_available, load_corpus
from rlcompose.corpus.split import JUDGE, part_of
from rlcompose.errors import RlcomposeError
from rlcompose.files import write_atomically
from rlcompose.learned.judge import load_judge
from rlcompose.learned.melodies import make_melodies
from rlcompose.metrics.diversity import interval_divergence, time_divergence
from rlcompose.metrics.novelty import shared_runs
from rlcompose.metrics.two_sample import FEATURE_SETS, rank_auc, two_sample_test, windows_features
from rlcompose.prior.ensemble import leader_of, mixed_agent
from rlcompose.prior.form import THEME, mode_of, returning_sections, with_form
from rlcompose.prior.like import features_of, like
from rlcompose.prior.model import load_prior
from rlcompose.prior.players import PriorAgent, play_together
from rlcompose.prior.shipped import shipped_priors
from rlcompose.score import Composition
from rlcompose.sites import LONGEST_BARS, PASSAGE_BARS, Site, sites_of
from rlcompose.style import Style, load_style

HERE = Path(__file__).parent
NUMBER = 500  # pieces, and windows of a side
SHARES = (0.9, 0.7, 0.5, 0.3, 0.1)
SOURCES, CORPUS_PIECES = 50, 1000

Floats = NDArray[np.float64]


def played_at(agent: PriorAgent, sites: Sequence[Site], seed: int = 0) -> list[Composition]:
    """A piece at every site."""
    actions = play_together(agent, [site.brief for site in sites], [seed] * len(sites))
    return [decode(site.brief, seed, each) for site, each in zip(sites, actions, strict=True)]


def mean_feature(windows: Any, name: str) -> float:
    """Of all windows."""
    return float(windows.features[:, windows.names.index(name)].mean())


def of_pieces(pieces: Sequence[Composition]) -> dict[str, float]:
    """The numbers that the figures ask for, over all notes."""
    windows = windows_features(make_melodies(pieces), "judge")
    steps = strong = harmonised = off = notes = 0
    for piece in pieces:
        for one, two in zip(piece.notes, piece.notes[1:], strict=False):
            steps += 1 <= abs(two.pitch - one.pitch) <= 2
        for note in piece.notes:
            notes += 1
            tick = note.onset % piece.meter.bar_ticks
            off += tick % piece.meter.beat_ticks > 0
            chord = piece.chord_at(note.onset)
            if piece.meter.strength(tick) >= 2 and chord is not None and not chord.is_silent:
                harmonised += 1
                strong += note.pitch % 12 in {tone % 12 for tone in chord.tones}
    return {
        "notes_a_bar": notes / sum(piece.bars for piece in pieces),
        "step": steps / max(1, notes - len(pieces)),
        "off_beat": off / notes,
        "chord_tones_strong": strong / max(1, harmonised),
        "bar_similarity": mean_feature(windows, "rhythm_lag_1"),
        "rests": mean_feature(windows, "rest_share"),
        "motifs": mean_feature(windows, "motif_2"),
        "range": mean_feature(windows, "range"),
    }


def drift(pieces: Sequence[Composition]) -> float:
    """Mean difference of the mean pitches of neighbouring passages of eight bars, in semitones."""
    found = []
    for piece in pieces:
        ticks = 8 * piece.meter.bar_ticks
        means = [
            np.mean(pitches)
            for start in range(0, piece.total_ticks - ticks + 1, ticks)
            if (pitches := [n.pitch for n in piece.notes if start <= n.onset < start + ticks])
        ]
        found += list(np.abs(np.diff(means)))
    return float(np.mean(found)) if found else float("nan")


def samples(corpus: Corpus) -> dict[str, Any]:
    """Pieces at temperature 1 beside the real ones over the same chords, grouped by player or tune family."""
    style = corpus.style
    sites = sites_of(corpus, NUMBER, PASSAGE_BARS.get(style.name, LONGEST_BARS))
    agent = PriorAgent([(load_prior(style.family), 1.0)], style)
    real, ours = [site.real() for site in sites], played_at(agent, sites)
    result: dict[str, Any] = {"pieces": len(sites), "real": of_pieces(real), "prior": of_pieces(ours)}
    result["intervals_js"], result["times_js"] = interval_divergence(ours, real), time_divergence(ours, real)
    groups = [site.group for site in sites]
    for name in FEATURE_SETS:
        a, b = (windows_features(make_melodies(each), name) for each in (ours, real))
        labels = [groups[at] for at in (*a.pieces, *b.pieces)]
        found = [two_sample_test(a.features, b.features, labels, seed, a.names) for seed in (0, 1)]
        result[f"told_apart_{name}"] = [each.accuracy for each in found]
        result["windows"] = found[0].count
        if name == "judge":
            result["giveaways"] = [(g.name, round(g.auc, 2)) for g in found[0].giveaways[:5]]
    long = sites_of(corpus, 100, LONGEST_BARS)
    long = [site for site in long if site.brief.bars >= 2 * 8]
    if len(long) > 10:
        result["drift"] = {"real": drift([s.real() for s in long]), "prior": drift(played_at(agent, long))}
    return result


def copies(corpus: Corpus) -> dict[str, Any]:
    """The longest run that pieces share with the music that the prior has learned from."""
    style = corpus.style
    learned = [k for k, family in enumerate(corpus.families) if part_of(family) == JUDGE]
    reference = [corpus[k].composition for k in learned]
    sites = sites_of(corpus, 300, LONGEST_BARS)
    agent = PriorAgent([(load_prior(style.family), 1.0)], style)
    result: dict[str, Any] = {"pieces": len(sites)}
    for name, pieces in (("prior", played_at(agent, sites)), ("real", [site.real() for site in sites])):
        pieces = [piece for piece in pieces if len(piece.notes) > 1]
        runs = np.array([run.notes for run in shared_runs(pieces, reference)])
        telling = np.array([run.notes for run in shared_runs(pieces, reference, ignore_trivial=True)])
        result[name] = {
            "median": float(np.median(runs)),
            "95_percent": float(np.quantile(runs, 0.95)),
            "longest": int(runs.max()),
            "over_12": int((runs > 12).sum()),
            "longest_but_scales_and_trills": int(telling.max()),
        }
    return result


def jaccard(first: Sequence[int], second: Sequence[int]) -> float:
    """Of the interval 3-grams of two phrases' pitches."""
    grams = []
    for pitches in (first, second):
        steps = np.diff(pitches).tolist()
        grams.append({tuple(steps[k : k + 3]) for k in range(len(steps) - 2)})
    return len(grams[0] & grams[1]) / max(1, len(grams[0] | grams[1]))


def returns(pieces: Sequence[Composition], by_letter: bool) -> dict[str, float]:
    """How alike phrases of four bars are that repeat one another, and neighbours that do not.

    by_letter   by the sections' letters; else by their place, the first with the second and the third with the fourth
    """
    same: list[float] = []
    other: list[float] = []
    identical = 0
    for piece in pieces:
        phrases: list[tuple[str, list[tuple[int, int]]]] = []
        first = piece.bars % 4 if piece.bars % 4 == 1 else 0  # the bar of an upbeat
        for at in range(first, piece.bars - 3, 4):
            start, end = at * piece.meter.bar_ticks, (at + 4) * piece.meter.bar_ticks
            label = next((s.label for s in piece.sections if s.bar <= at < s.bar + s.bars), "")
            phrases.append((label, [(n.onset - start, n.pitch) for n in piece.notes if start <= n.onset < end]))
        if len(phrases) < 4:
            continue
        pairs = [(0, 1), (2, 3), (1, 2)]
        for one, two in pairs:
            (label, a), (label_b, b) = phrases[one], phrases[two]
            is_same = label == label_b if by_letter else (one, two) != (1, 2)
            likeness = jaccard([pitch for _, pitch in a], [pitch for _, pitch in b])
            (same if is_same else other).append(likeness)
            identical += is_same and a == b
    auc = float(rank_auc(np.array(same)[:, None], np.array(other)[:, None])[0])
    ratio = float(np.mean(same) / np.mean(other))
    return {
        "same": float(np.mean(same)),
        "other": float(np.mean(other)),
        "ratio": ratio,
        "auc": auc,
        "identical": identical / len(same),
    }


def theme(corpus: Corpus) -> dict[str, Any]:
    """Phrases that return: in real tunes by place and by letter, in pieces over their chords, and of form AABB."""
    style = corpus.style
    sites = [s for s in sites_of(corpus, NUMBER, LONGEST_BARS) if s.brief.bars in (16, 17)]
    real = [site.real() for site in sites]
    labelled = [replace(piece, sections=returning_sections(with_upbeat(piece))) for piece in real]
    agent = PriorAgent([(load_prior(style.family), 1.0)], style)
    result = {"tunes": len(real), "real by place": returns(real, False), "real by letter": returns(labelled, True)}
    brief = make_brief(style, {"bars": 16, "chords": "[A] D | D | G | A\n[B] D | G | A | D", "form": "AABB"})
    pieces = [decode(brief, s, each) for s, each in enumerate(play_together(agent, [brief] * 300, range(300)))]
    result["prior AABB"] = returns(pieces, True)
    formed = sites_of(corpus, NUMBER, LONGEST_BARS, change=partial(with_form, style=style))
    formed = [s for s in formed if s.brief.bars in (16, 17)]
    result["prior, real forms"] = returns(played_at(agent, formed), True)
    result["prior, no form"] = returns(played_at(agent, sites), False)
    return result


def with_upbeat(piece: Composition) -> Composition:
    """A piece of four bars and one more with that one as its upbeat's, which actions do not know."""
    if piece.bars % 4 != 1:
        return piece
    return replace(piece, pickup=max(1, piece.meter.bar_ticks - piece.notes[0].onset) % piece.meter.bar_ticks)


def likeness(corpus: Corpus) -> dict[str, Any]:
    """Pieces like 50 sources: where the source stands among 1,000 pieces by likeness, and what is copied."""
    style = corpus.style
    draw = np.random.default_rng(0)
    apart = [k for k, family in enumerate(corpus.families) if part_of(family) != JUDGE]
    fits = [k for k in apart if 8 <= corpus[k].composition.bars <= 64]
    sources = [int(k) for k in draw.permutation(fits)[:SOURCES]]
    others = [int(k) for k in draw.permutation([k for k in range(len(corpus)) if k not in sources])]
    crowd = [*sources, *others][:CORPUS_PIECES]
    seen = features_of([corpus[k].composition for k in crowd])
    ranks, runs = [], []
    for place, number in enumerate(sources):
        music = corpus[number].composition
        try:
            piece = like(music, style).compose(0).composition
        except RlcomposeError as error:  # a source whose range the actions have not is left out, and counted
            print(f"like: {corpus.texts['names'][number]}: {error}", file=sys.stderr)
            continue
        [mine] = features_of([piece])
        away = ((seen - mine) ** 2).mean(axis=1)
        ranks.append(float((away < away[place]).sum()) / len(crowd))
        runs.append(shared_runs([piece], [music])[0].notes)
        print(f"like {style.name} {place}: {ranks[-1]:.3f} {runs[-1]}", file=sys.stderr, flush=True)
    return {
        "sources": len(ranks),
        "crowd": len(crowd),
        "nearest_5_percent": float(np.mean(np.array(ranks) <= 0.05)),
        "nearest_1_percent": float(np.mean(np.array(ranks) <= 0.01)),
        "at_most_8_notes_copied": float(np.mean(np.array(runs) <= 8)),
        "longest_copied": int(max(runs)),
    }


def mixes(first: str, second: str) -> list[dict[str, float]]:
    """What the judge takes a mix of two styles for, share by share."""
    rows = []
    judge = load_judge()
    for share in SHARES:
        mix = {first: share, second: 1 - share}
        style = load_style(leader_of(mix))
        brief = make_brief(style, {"bars": 16, "meter": "4/4"})
        agent = mixed_agent(mix, style)
        pieces = [decode(brief, s, a) for s, a in enumerate(play_together(agent, [brief] * 150, range(150)))]
        said = judge.judge_all([piece for piece in pieces if piece.notes], first)
        row = {name: float(np.mean([each.probabilities[name] for each in said])) for name in (first, second)}
        rows.append({"share": share, **row})
    return rows


def speed() -> dict[str, Any]:
    """Events a second of 64 pieces at once and of one, on one core; what loading costs a fresh process."""
    style = load_style("jazz")
    agent = PriorAgent([(load_prior("jazz"), 1.0)], style)
    brief = make_brief(style, {"bars": 32})
    from rlcompose.agent import play

    result: dict[str, Any] = {}
    play(agent, brief, (), [0])
    for number in (1, 64):
        begun = time.perf_counter()
        pieces = play(agent, brief, (), range(number))
        seconds = time.perf_counter() - begun
        result[f"{number} at once"] = {
            "seconds": seconds,
            "events_a_second": sum(len(piece.actions) for piece in pieces) / seconds,
        }
    code = (
        "import time; t = time.perf_counter()\n"
        "from rlcompose.prior.model import load_prior\n"
        "from rlcompose.prior.players import PriorAgent\n"
        "load_prior('jazz'); print(time.perf_counter() - t)"
    )
    loads = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout) for _ in "123"]
    result["loading_seconds"] = min(loads)
    return result


def rounded(value: Any) -> Any:
    """Numbers with four places."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return value


PARTS: dict[str, tuple[Callable[[Corpus], Any], tuple[str, ...]]] = {
    "samples": (samples, ("jazz", "fiddle", "german_folk", "chinese_folk", "chorale", "renaissance")),
    "copies": (copies, ("jazz", "fiddle", "german_folk", "chinese_folk", "chorale", "renaissance")),
    "theme": (theme, ("fiddle", "german_folk")),
    "like": (likeness, ("jazz", "fiddle")),
}


def main() -> int:
    """Measure what is asked for, and put it beside what was measured before."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "mix", "speed", []], help="(default: all)")
    parser.add_argument("--style", action="append", help="only of these")
    arguments = parser.parse_args()
    chosen = arguments.parts or [*PARTS, "mix", "speed"]
    path = HERE / "results.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for part in chosen:
        if part == "mix":
            found["mix"] = rounded(mixes("jazz", "fiddle"))
        elif part == "speed":
            found["speed"] = rounded(speed())
        else:
            measure, styles = PARTS[part]
            for name in arguments.style or styles:
                style: Style = load_style(name)
                if (
                    not is_available(style)
                    or name not in shipped_priors()
                    or (part == "theme" and mode_of(style) != THEME)
                ):
                    continue
                found.setdefault(part, {})[name] = rounded(measure(load_corpus(style)))
                print(f"{part} {name}: {json.dumps(found[part][name])}", file=sys.stderr, flush=True)
        write_atomically(path, json.dumps(found, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
