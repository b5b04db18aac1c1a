"""The pages in docs/ say what the code does: tables are made from it, keys are compared, examples run.

`RLCOMPOSE_WRITE_DOCS=1 pytest tests/test_docs.py` writes the tables anew.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rlcompose import load_style, style_names
from rlcompose.__main__ import COMMANDS
from rlcompose.agent import find_agent, load_agents
from rlcompose.bands import FEATURES
from rlcompose.brief import Options
from rlcompose.codec import action_table
from rlcompose.engine.core import evaluate, sample_moments
from rlcompose.engine.layout import MOMENT_FIELDS, PUBLIC_FIELDS, observation_table
from rlcompose.engine.moment import Moment, moment_names
from rlcompose.reward import TIMES, Term, load_terms
from rlcompose.style import list_styles

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
TABLE = re.compile(r"<!-- table ([\w-]+) -->\n(.*?)<!-- end -->", re.DOTALL)
EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
COMMANDS_SHOWN = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
FILE_SHOWN = re.compile(r'^```\w+ title="([\w.]+)"\n(.*?)^```', re.DOTALL | re.MULTILINE)
KEY = re.compile(r"`([\w.\[\]]+)`")


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


# --- tables made from the code ---


def fields_table() -> str:
    """A row for each field; those that differ in their number alone share one."""
    numbered: dict[str, list[str]] = {}
    for name in PUBLIC_FIELDS:
        numbered.setdefault(re.sub(r"\d+$", "", name), []).append(name)
    return "\n".join(["| field | meaning |", "|---|---|", *(fields_row(names) for names in numbered.values())])


def fields_row(names: list[str]) -> str:
    first, last = MOMENT_FIELDS[names[0]], MOMENT_FIELDS[names[-1]]
    if len(names) == 1:
        return f"| `{names[0]}` | {first} |"
    meaning = re.sub(r"\b0\b", "n", first)
    if re.sub(rf"\b{len(names) - 1}\b", "n", last) != meaning:
        meaning += f"; the last: {last}"
    return f"| `{names[0]}` … `{names[-1]}` | {meaning} |"


def methods_table() -> str:
    lines = ["| beyond the fields | meaning |", "|---|---|"]
    for name in moment_names()[len(PUBLIC_FIELDS) :]:
        value = inspect.getattr_static(Moment, name)
        if inspect.isfunction(value):
            parameters = list(inspect.signature(value).parameters)[1:]
            lines.append(f"| `{name}({', '.join(parameters)})` | {first_line(value)} |")
        else:
            lines.append(f"| `{name}` | {first_line(value) or said_of_memory()} |")
    return "\n".join(lines)


def first_line(value: object) -> str:
    return (inspect.getdoc(value) or "").partition("\n")[0]


def said_of_memory() -> str:
    """`memory` is a slot, without a docstring of its own: what the constructor says of it."""
    found = re.search(r"^memory +(.*)$", inspect.getdoc(Moment.__init__) or "", re.MULTILINE)
    assert found
    return f"{found[1][0].upper()}{found[1][1:]}."


def times_table() -> str:
    rows = (f"| `{at}` | {when} |" for at, when in TIMES.items())
    return "\n".join(["| `at=` | asked |", "|---|---|", *rows])


def built_in_terms() -> list[Term]:
    terms = [term for term in load_terms().values() if Path(term.file).parent.name == "rewards"]
    return sorted(terms, key=lambda term: (term.family, term.name))


def terms_table() -> str:
    """The catalogue: a heading for each family, and below it its terms with their parameters."""
    lines = ["| term | asked | range | what it gives |", "|---|---|---|---|"]
    family = ""
    for term in built_in_terms():
        if term.family != family:
            family = term.family
            about = first_line(inspect.getmodule(term.function))
            lines.append(f"| **{family}** | | | `rewards/{family}.py`. {about} |")
        told = ", ".join(f"{name}={value}" for name, value in term.parameters)
        name = f"{term.name}({told})" if told else term.name
        lines.append(f"| `{name}` | {term.at} | {term.low:g} to {term.high:g} | {term.summary} |")
    return "\n".join(lines)


def features_table() -> str:
    asked = {feature_of(term): term.name for term in built_in_terms() if term.family == "bands"}
    rows = (f"| `{name}` | `{asked[name]}` | {what} | {least:g} |" for name, (least, what) in FEATURES.items())
    return "\n".join(["| feature | its term | what it is, over 8 bars | least distance |", "|---|---|---|---|", *rows])


def piece_metrics_table() -> str:
    from rlcompose.metrics.pieces import PIECE_METRICS

    rows = (f"| `{metric.name}` | {metric.definition} | {metric.source} |" for metric in PIECE_METRICS.values())
    return "\n".join(["| metric | what it is | source |", "|---|---|---|", *rows])


def feature_of(term: Term) -> str:
    """The feature whose function a term calls."""
    [feature] = FEATURES.keys() & set(term.function.__code__.co_names)
    return feature


def prior_results(part: str) -> Any:
    path = ROOT / "experiments" / "prior" / ("folds.json" if part == "folds" else "results.json")
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if part == "folds" else found[part]


def cells(*values: Any) -> str:
    """A row of a table; numbers with as many places as are sure."""
    return f"| {' | '.join(map(shown, values))} |"


def shown(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return "" if value != value else f"{value:.3f}".removeprefix("0")


def prior_likelihood_table() -> str:
    folds = prior_results("folds")
    lines = [cells("style", "prior", "best n-gram", "gain", "gain in five folds", "LSTM"), "|---|---|---|---|---|---|"]
    for path in sorted((ROOT / "rlcompose" / "weights" / "prior").glob("*/config.json")):
        test = json.loads(path.read_text(encoding="utf-8"))["test"]
        found = folds.get(path.parent.name, {})
        gain = found.get("gain")
        spread = f"{gain['mean']:.3f} ± {gain['sd']:.3f}, least {gain['least']:.3f}" if gain else ""
        lstm = found["lstm"]["lstm"] if "lstm" in found else ""
        prior, ngram = test["prior"], test["best_ngram"]
        lines.append(cells(path.parent.name, prior, ngram, ngram - prior, spread, lstm))
    return "\n".join(lines)


def prior_samples_table() -> str:
    names = ("notes_a_bar", "step", "off_beat", "chord_tones_strong", "bar_similarity", "rests", "motifs", "range")
    heads = ("style", "", *(name.replace("_", " ") for name in names), "JS intervals, times", "told apart")
    lines = [cells(*heads), "|---" * len(heads) + "|"]
    for style, found in prior_results("samples").items():
        apart = ", ".join(f"{np.mean(found[f'told_apart_{each}']):.3f}" for each in ("judge", "successions"))
        divergence = f"{found['intervals_js']:.4f}, {found['times_js']:.4f}"
        lines.append(cells(style, "prior", *(found["prior"][name] for name in names), divergence, apart))
        lines.append(cells("", "real", *(found["real"][name] for name in names), "", ""))
    return "\n".join(lines)


def prior_copies_table() -> str:
    heads = ("style", "", "median", "95 %", "longest", "over 12", "longest but scales and trills")
    lines = [cells(*heads), "|---" * len(heads) + "|"]
    for style, found in prior_results("copies").items():
        for name in ("prior", "real"):
            row = found[name]
            numbers = (int(row["median"]), int(row["95_percent"]), row["longest"], row["over_12"])
            share = f"{numbers[3]} of {found['pieces']}"
            lines.append(cells(style, name, *numbers[:3], share, row["longest_but_scales_and_trills"]))
    return "\n".join(lines)


def prior_theme_table() -> str:
    lines = [cells("style", "", "taken up", "not", "ratio", "AUC", "to the note"), "|---" * 7 + "|"]
    for style, found in prior_results("theme").items():
        for name, row in found.items():
            if name != "tunes":
                lines.append(cells(style, name, *(row[key] for key in ("same", "other", "ratio", "auc", "identical"))))
    return "\n".join(lines)


def prior_mix_table() -> str:
    lines = [cells("share of jazz", "p of jazz", "p of fiddle"), "|---|---|---|"]
    return "\n".join([*lines, *(cells(row["share"], row["jazz"], row["fiddle"]) for row in prior_results("mix"))])


def prior_like_table() -> str:
    heads = ("style", "sources", "nearest 5 %", "nearest 1 %", "at most 8 notes copied", "most")
    lines = [cells(*heads), "|---" * len(heads) + "|"]
    keys = ("sources", "nearest_5_percent", "nearest_1_percent", "at_most_8_notes_copied", "longest_copied")
    rows = prior_results("like").items()
    return "\n".join([*lines, *(cells(style, *(found[key] for key in keys)) for style, found in rows)])


def recipe_results(part: str) -> Any:
    return json.loads((ROOT / "experiments" / "recipe" / "results.json").read_text(encoding="utf-8"))[part]


PLAYERS = ("prior", "prior, best of 8", "agent", "agent, best of 8")


def recipe_told_table() -> str:
    names = {
        "told_judge": "told, judge's features",
        "told_successions": "told, other features",
        "referee_told": "referee's AUC",
        "judge_mean": "judge's p, mean",
        "judge_median": "median",
        "nats": "nats a note by the prior",
        "nats_width": "5 to 95 %",
        "inside_bands": "inside four bands",
    }
    return recipe_rows(names, ("real", *PLAYERS))


def recipe_music_table() -> str:
    names = ("notes_a_bar", "step", "off_beat", "bar_similarity", "rests", "motifs", "range", "repeats", "distinct_4")
    more = ("vendi", "intervals_js", "guide_tone_share", "outside_share", "outside_to_inside")
    return recipe_rows({name: name.replace("_", " ") for name in (*names, *more)}, ("real", "prior", "agent"))


def recipe_phrases_table() -> str:
    names = ("phrase_notes", "breath_quarters", "single_climax", "ends_on_tonic", "returns", "rests")
    return recipe_rows({name: name.replace("_", " ") for name in names}, ("real", "prior", "agent"))


def recipe_families_table() -> str:
    lines = []
    names = ("bands", "form", "harmony", "jazz", "melody", "rhythm", "validity")
    for style, found in recipe_results("styles").items():
        for player in ("prior", "agent"):
            lines.append(cells(style, player, *(found[player]["families"].get(name, "") for name in names)))
    return "\n".join([cells("style", "", *names), "|---" * (2 + len(names)) + "|", *lines])


def recipe_copies_table() -> str:
    names = ("median", "95_percent", "longest", "over_12")
    lines = [cells("style", "", *(name.replace("_", " ") for name in names)), "|---" * (2 + len(names)) + "|"]
    for style, found in recipe_results("copies").items():
        lines += [cells(style, who, *(found[who][name] for name in names)) for who in ("real", "prior", "agent")]
    return "\n".join(lines)


SPREAD = {
    "told_judge": "told, judge's features",
    "told_successions": "told, other features",
    "referee_told": "referee's AUC",
    "judge_mean": "judge's p",
    "nats": "nats a note",
    "nats_width": "5 to 95 %",
    "notes_a_bar": "notes a bar",
    "step": "step",
    "off_beat": "off beat",
    "bar_similarity": "bar similarity",
    "motifs": "motifs",
    "repeats": "repeats",
    "distinct_4": "distinct 4",
    "vendi": "vendi",
    "inside_bands": "inside four bands",
}


def spread_rows(found: dict[str, Any]) -> list[str]:
    """For each row the number of seeds, the mean over these, and the standard deviation if there are several."""
    lines = []
    for name, seeds in found.items():
        values = [np.array([each[key] for each in seeds.values()], float) for key in SPREAD]
        told = [
            shown(float(each.mean())) + (f" ± {shown(float(each.std()))}" if len(each) > 1 else "") for each in values
        ]
        lines.append(cells(name, len(seeds), *told))
    return lines


def recipe_ablations_table() -> str:
    lines = [cells("row", "seeds", *SPREAD.values()), "|---" * (2 + len(SPREAD)) + "|"]
    rows = recipe_results("ablations")["jazz"]
    first = ("the recipe", *(name for name in rows if name != "the recipe"))
    return "\n".join([*lines, *spread_rows({name: rows[name] for name in first})])


def judge_refresh_table() -> str:
    config = json.loads((ROOT / "rlcompose" / "weights" / "judge" / "config.json").read_text(encoding="utf-8"))
    lines = ["| agent | before | after |", "|---|---|---|"]
    return "\n".join(lines + [cells(name, told["before"], told["after"]) for name, told in config["exploited"].items()])


def recipe_rows(names: dict[str, str], players: tuple[str, ...]) -> str:
    lines = [cells("style", "", *names.values()), "|---" * (2 + len(names)) + "|"]
    for style, found in recipe_results("styles").items():
        there = [who for who in players if who in found]
        lines += [cells(style, who, *(found[who].get(name, "") for name in names)) for who in there]
    return "\n".join(lines)


def options_table(command: str) -> str:
    lines = ["| option | meaning |", "|---|---|"]
    for action in command_parser(command)._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        value = [] if action.nargs == 0 else [str(action.metavar or action.dest)]
        meaning = (action.help or "").replace("%%", "%").replace("|", r"\|")
        lines.append(f"| `{' '.join([*action.option_strings[:1], *value])}` | {meaning} |")
    return "\n".join(lines)


def command_parser(command: str) -> argparse.ArgumentParser:
    """The parser of a command, caught where it is asked to parse."""
    made: list[argparse.ArgumentParser] = []

    def catch(self: argparse.ArgumentParser, *_: object) -> Any:
        made.append(self)
        raise SystemExit(0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", catch)
        importlib.import_module(f"rlcompose.{command}").main([])
    return made[0]


def actions_table(style: str) -> str:
    return action_table(load_style(style))


def styles_table() -> str:
    rows = (f"| `{style.name}` | `{style.family}` | {style.description} |" for style in list_styles())
    return "\n".join(["| name | base | what it is |", "|---|---|---|", *rows])


def settings_table(agent: str) -> str:
    rows = (
        f"| `{setting.name}` | {setting.value:g} | {setting.least:g} to {setting.most:g} | {setting.meaning} |"
        for setting in find_agent(agent).preset.values()
    )
    return "\n".join(["| setting | preset | allowed | meaning |", "|---|---|---|---|", *rows])


# The columns of the RL Tuner table: their heads, and their digits behind the point; shares are in percent.
TUNER_COLUMNS = {
    "notes excessively repeated": ("repeated", 2),
    "mean autocorrelation lag 1": ("lag 1", 2),
    "mean autocorrelation lag 2": ("lag 2", 2),
    "mean autocorrelation lag 3": ("lag 3", 2),
    "notes not in key": ("off key", 2),
    "compositions starting with tonic": ("tonic", 1),
    "leaps resolved": ("leaps", 1),
    "compositions with unique max note": ("max", 1),
    "compositions with unique min note": ("min", 1),
    "notes in motif": ("motif", 1),
    "notes in repeated motif": ("again", 2),
    "theory return": ("return", 0),
    "log-likelihood": ("nats", 2),
    "vendi of successions": ("Vendi, pairs", 0),
    "vendi of places": ("Vendi, places", 0),
}


def tuner_table() -> str:
    """The means over the seeds of what the experiment found."""
    with (ROOT / "experiments" / "rl_tuner" / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = ["| | " + " | ".join(head for head, _ in TUNER_COLUMNS.values()) + " |"]
    lines.append("|---" * (len(TUNER_COLUMNS) + 1) + "|")
    for player in dict.fromkeys(row["player"] for row in rows):
        cells = []
        for name, (_, digits) in TUNER_COLUMNS.items():
            values = [float(row[name]) for row in rows if row["player"] == player and row[name]]
            is_share = name.startswith(("notes", "compositions", "leaps"))
            scale, unit = (100.0, " %") if is_share else (1.0, "")
            cells.append(f"{scale * sum(values) / len(values):.{digits}f}{unit}" if values else "")
        lines.append(f"| {player} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


AGENTS_WITH_SETTINGS = sorted(name for name, kind in load_agents().items() if kind.preset)

TABLES: dict[str, Callable[[], str]] = {
    **{f"actions-{name}": partial(actions_table, name) for name in style_names()},
    **{f"settings-{agent}": partial(settings_table, agent) for agent in AGENTS_WITH_SETTINGS},
    "styles": styles_table,
    "observation": observation_table,
    "fields": fields_table,
    "methods": methods_table,
    "times": times_table,
    "terms": terms_table,
    "features": features_table,
    "piece-metrics": piece_metrics_table,
    "rl-tuner": tuner_table,
    **{f"options-{command}": partial(options_table, command) for command in COMMANDS},
    "recipe-told": recipe_told_table,
    "recipe-music": recipe_music_table,
    "recipe-families": recipe_families_table,
    "recipe-phrases": recipe_phrases_table,
    "recipe-copies": recipe_copies_table,
    "recipe-ablations": recipe_ablations_table,
    "judge-refresh": judge_refresh_table,
    "prior-likelihood": prior_likelihood_table,
    "prior-samples": prior_samples_table,
    "prior-copies": prior_copies_table,
    "prior-theme": prior_theme_table,
    "prior-mix": prior_mix_table,
    "prior-like": prior_like_table,
}


def placed_tables() -> Iterator[tuple[Path, str, str]]:
    for page in sorted(DOCS.rglob("*.md")):
        for name, content in TABLE.findall(page.read_text(encoding="utf-8")):
            yield page, name, content


def test_each_table_stands_on_a_page() -> None:
    assert sorted(name for _, name, _ in placed_tables()) == sorted(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_table_is_what_the_code_says(name: str) -> None:
    page = next(page for page, placed, _ in placed_tables() if placed == name)
    made = TABLES[name]() + "\n"
    if os.environ.get("RLCOMPOSE_WRITE_DOCS"):
        whole = page.read_text(encoding="utf-8")
        start = whole.index(f"<!-- table {name} -->\n") + len(f"<!-- table {name} -->\n")
        end = whole.index("<!-- end -->", start)
        page.write_text(whole[:start] + made + whole[end:], encoding="utf-8", newline="\n")
    assert next(content for _, placed, content in placed_tables() if placed == name) == made


def test_the_environments_docstring_and_the_page_have_the_same_observation() -> None:
    from rlcompose.env import ComposeEnv

    assert inspect.cleandoc(ComposeEnv.__doc__ or "").count(observation_table()) == 1
    assert observation_table() in text_of("environment.md")


# --- what is written by hand ---


def keys_under(page: str, heading: str) -> set[str]:
    """The names in the first column of the first table below a heading."""
    rows = text_of(page).partition(f"{heading}\n")[2].partition("\n#")[0].splitlines()
    table = [row for row in rows if row.startswith("|")][2:]
    assert table, f"{page} has no table under {heading!r}"
    return {name for row in table for name in KEY.findall(re.split(r"(?<!\\)\|", row)[1])}


def paths_in(value: object, prefix: str = "") -> set[str]:
    """The keys of nested values: `music.notes[].pitch`; what is empty or plain ends there."""
    if isinstance(value, dict):
        return {path for name, item in value.items() for path in paths_in(item, f"{prefix}.{name}".lstrip("."))}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {path for item in value for path in paths_in(item, f"{prefix}[]")}
    return {prefix}


def test_ranges_of_the_catalogue_hold() -> None:
    for term in built_in_terms():
        assert term.low is not None and term.high is not None, term.name
        if term.batched:  # asked about all environments at once
            continue
        for moment, times in sample_moments():
            if moment.num_events == 1:
                memory = [0.0] * term.memory
            if term.at in times:
                moment.memory = memory
                assert term.low <= evaluate(term, moment) <= term.high, term.name


@pytest.mark.parametrize("page", ["README.md", "docs/rewards.md"])
def test_the_terms_are_counted_right(page: str) -> None:
    found = re.search(r"(\d+) (?:reward )?terms in (\w+) families", (ROOT / page).read_text(encoding="utf-8"))
    numbers = "no one two three four five six seven eight nine ten".split()
    terms = built_in_terms()
    assert found and (int(found[1]), found[2]) == (len(terms), numbers[len({term.family for term in terms})])


def test_every_option_of_a_piece_is_described() -> None:
    assert keys_under("environment.md", "## Options") == {*Options.names(), "prefix"}


def test_keys_of_train(trained_run: SimpleNamespace) -> None:
    assert keys_under("commands.md", "### JSON of `train --agent ppo`") - {"random", "greedy"} == set(
        trained_run.result
    )


def test_keys_of_train_without_learning(greedy_run: SimpleNamespace) -> None:
    assert keys_under("commands.md", "### JSON of `train --agent greedy`") == set(greedy_run.result)


@pytest.mark.slow
def test_keys_of_train_that_goes_on(
    make_run: Callable[..., SimpleNamespace], trained_run: SimpleNamespace, tmp_path: Path
) -> None:
    options = ["--from", str(trained_run.folder), "--reward", "unlooped=0..1", "--steps", "500"]
    run = make_run(tmp_path, *options)
    heading = "### JSON of `train --from RUN`"
    assert keys_under("commands.md", heading) == set(run.result)
    prose = re.search(r"^`changed` has (.*?)\n\n", text_of("commands.md"), re.MULTILINE | re.DOTALL)
    measured = {name for name in run.result["changed"] if not name.startswith("terms/")}
    assert prose and set(KEY.findall(prose[1])) - {"illegal"} == measured
    config = json.loads((run.folder / "config.json").read_text())
    told = re.search(r"^One key stands only where (.*?)\. Such", text_of("files.md"), re.MULTILINE | re.DOTALL)
    assert told and set(KEY.findall(told[1])) - {"rewards"} == set(config) - keys_under("files.md", "## config.json")
    new = {path.name for path in run.folder.iterdir()} - {path.name for path in trained_run.folder.iterdir()}
    assert new == {"changes.md"}


@pytest.mark.parametrize(
    ("heading", "lists", "options"),
    [
        ("### JSON of `rewards`", ("terms",), ["--paid", "--bars", "1"]),
        pytest.param(
            *("### JSON of `rewards --speak`", ("speech", "twins"), ["--speak", "--style", "chorale"]),
            marks=pytest.mark.slow,
        ),
    ],
    ids=("balance", "speak"),
)
def test_keys_of_rewards(heading: str, lists: tuple[str, ...], options: list[str], tmp_path: Path) -> None:
    written = tmp_path / "result.json"
    assert importlib.import_module("rlcompose.rewards").main([*options, "--pieces", "2", "--json", str(written)]) == 0
    result = json.loads(written.read_text())
    assert keys_under("commands.md", heading) == set(result)
    section = text_of("commands.md").partition(f"{heading}\n")[2].partition("\n#")[0]
    for name in lists:
        row = re.search(rf"\| `{name}` \| a list, for each .*?: (.*) \|", section)
        assert row and set(KEY.findall(row[1])) == set(result[name][0])


def test_keys_of_compose(greedy_run: SimpleNamespace, tmp_path: Path) -> None:
    from rlcompose import compose

    written = tmp_path / "result.json"
    arguments = [str(greedy_run.folder), "--out", str(tmp_path), "--bars", "1", "--json", str(written)]
    assert compose.main(arguments) == 0
    result = json.loads(written.read_text())
    assert keys_under("commands.md", "### JSON of `compose`") == set(result)
    row = re.search(r"\| a list, for each piece: (.*) \|", text_of("commands.md"))
    assert row and set(KEY.findall(row[1])) == set(result["pieces"][0])


def test_keys_of_render(greedy_run: SimpleNamespace, tmp_path: Path) -> None:
    from rlcompose import render

    written = tmp_path / "result.json"
    assert render.main([greedy_run.result["midi"], str(tmp_path / "a.wav"), "--json", str(written)]) == 0
    assert keys_under("commands.md", "### JSON of `render`") == set(json.loads(written.read_text()))


@pytest.mark.slow
def test_keys_of_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rlcompose import speed

    monkeypatch.setattr(speed, "REPEATS", 1)
    monkeypatch.setattr(speed, "LEARNING", speed.LEARNING | {"n_steps": 4, "batch_size": 256})
    written = tmp_path / "result.json"
    assert speed.main(["--envs", "16", "--json", str(written)]) == 0
    assert keys_under("commands.md", "### JSON of `speed`") == set(json.loads(written.read_text()))


def test_files_of_a_run(trained_run: SimpleNamespace) -> None:
    documented = set(
        re.findall(r"^\| `([\w.]+)/?` \|", text_of("files.md").partition("## config.json")[0], re.MULTILINE)
    )
    assert documented == {path.name for path in trained_run.folder.iterdir()}


def test_keys_of_the_runs_configuration(trained_run: SimpleNamespace) -> None:
    config = json.loads((trained_run.folder / "config.json").read_text())
    assert keys_under("files.md", "## config.json") == set(config)


def test_keys_of_a_piece(trained_run: SimpleNamespace) -> None:
    document = json.loads(Path(trained_run.result["trained_piece"]).read_text())
    document["options"], document["rewards"]["weights"], document["rewards"]["terms"] = 0, 0, 0  # names chosen by users
    assert keys_under("files.md", "## A piece: NAME.json") - {"illegal"} == paths_in(document)


def test_keys_of_a_model(trained_run: SimpleNamespace) -> None:
    config = json.loads((trained_run.folder / "model" / "config.json").read_text())
    assert keys_under("files.md", "## A model: model/") == set(config)


def test_every_environment_variable_is_described() -> None:
    files = [*(ROOT / "rlcompose").rglob("*.py"), ROOT / "run.sh", ROOT / "pyproject.toml"]
    used = {name for file in files for name in re.findall(r"RLCOMPOSE_[A-Z_]+", file.read_text(encoding="utf-8"))}
    assert keys_under("sound.md", "## Environment variables") == used


# --- examples ---


PAGES = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in PAGES])
def test_links_between_pages_lead_somewhere(page: str) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text(encoding="utf-8")):
        assert (ROOT / page).parent.joinpath(link).exists(), link


def examples(page: Path) -> list[str]:
    return EXAMPLE.findall(page.read_text(encoding="utf-8"))


PAGES_WITH_EXAMPLES = [page for page in PAGES if examples(page)]


@pytest.mark.parametrize("page", PAGES_WITH_EXAMPLES, ids=lambda page: page.name)
def test_examples_run(page: Path, tmp_path: Path) -> None:
    # One process for a page, one file for each example, because terms are read from their source.
    write_files(page, tmp_path)
    files = []
    for number, text in enumerate(examples(page)):
        file = tmp_path / f"example_{number}.py"
        file.write_text(text, encoding="utf-8")
        files.append(str(file))
    code = "import runpy, sys\nfor file in sys.argv[1:]:\n    runpy.run_path(file)"
    command = [sys.executable, "-W", "error", "-c", code, *files]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def write_files(page: Path, folder: Path) -> None:
    """The files that a page shows with their names."""
    for name, content in FILE_SHOWN.findall(page.read_text(encoding="utf-8")):
        (folder / name).write_text(content, encoding="utf-8")


def commands_shown(page: Path) -> list[str]:
    blocks = COMMANDS_SHOWN.findall(page.read_text(encoding="utf-8"))
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if commands_shown(p)], ids=lambda page: page.name)
def test_commands_of_a_tutorial_run_in_their_order(page: Path, tmp_path: Path) -> None:
    write_files(page, tmp_path)
    for line in commands_shown(page):
        words = shlex.split(line)
        assert words[0] == "rlcompose"
        # The tutorials train for minutes; here a few thousand steps of short pieces stand for them.
        short = ["--steps", "4096", "--bars", "8"] if words[1] == "train" else []
        done = subprocess.run(
            [sys.executable, "-m", "rlcompose", *words[1:], *short], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"


def test_swing_is_described_as_it_is() -> None:
    from rlcompose.swing import ride_ratio, swing_ratio

    # The numbers of the page: the melody's 2:1 up to 160 bpm, 1.5:1 at 203, 1:1 from 252; the band's 3.5:1 and 1:1.
    np.testing.assert_allclose([swing_ratio(bpm) for bpm in (100, 160, 203, 252, 400)], [2, 2, 1.5, 1, 1], atol=0.01)
    assert [ride_ratio(bpm) for bpm in (60, 120, 300, 400)] == [3.5, 3.5, 1, 1]


def test_the_readme_names_the_two_commands_word_for_word() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert "    ./run.sh train --style jazz" in lines and "    ./run.sh test" in lines
    assert len(lines) <= 200


def test_the_readmes_own_reward_works_as_it_says(trained_run: SimpleNamespace, tmp_path: Path) -> None:
    [term] = [text for text in examples(ROOT / "README.md") if "@reward_term" in text]
    (tmp_path / "mine.py").write_text(term, encoding="utf-8")
    [line] = re.findall(r"^    \./run\.sh (train .*--plugin mine\.py.*)$", text_of("../README.md"), re.MULTILINE)
    words = [str(trained_run.folder) if word == "runs/jazz-ppo-1" else word for word in shlex.split(line)]
    command = [sys.executable, "-m", "rlcompose", *words, "--steps", "1000"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    for name in ("before", "after"):
        assert (tmp_path / f"runs/jazz-ppo-1/pieces/{name}.wav").is_file()
        piece = json.loads((tmp_path / f"runs/jazz-ppo-1/pieces/{name}.json").read_text())
        assert piece["rewards"]["weights"]["high_notes"] == 0.5 and "high_notes" in piece["rewards"]["terms"]
