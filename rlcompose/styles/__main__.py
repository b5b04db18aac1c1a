"""`python -m rlcompose.styles`: the styles and their variants in a table, or one of them in words."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rlcompose.command import Parser, run
from rlcompose.style import Style, list_styles, load_style
from rlcompose.theory.pitch import pitch_class_name, pitch_name
from rlcompose.theory.progression import load_progression


def parser() -> Parser:
    """The command's options."""
    parser = Parser(
        "python -m rlcompose.styles",
        "List the styles and their variants, or describe one.",
        "python -m rlcompose.styles jazz",
    )
    help_style = "the style to describe: a name of the list, or a .toml file (default: list all)"
    parser.add_argument("style", nargs="?", metavar="STYLE", help=help_style)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run(_styles, parser(), argv, _lines)


def _styles(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.style is not None:
        return describe(load_style(arguments.style))
    return {"styles": [{"name": s.name, "base": s.family, "description": s.description} for s in list_styles()]}


def describe(style: Style) -> dict[str, Any]:
    """What a style says, with names instead of numbers, as plain values."""
    return {
        "name": style.name,
        "base": style.family,
        "description": style.description,
        "meters": [meter.name for meter in style.meters],
        "tempo": list(style.tempo),
        "bars": style.bars,
        "swing": style.swing,
        "keys": {mode: [pitch_class_name(tonic) for tonic in tonics] for mode, tonics in style.keys.items()},
        "scales": {mode: list(style.scales[mode]) for mode in style.keys},
        "range": [pitch_name(pitch) for pitch in style.range],
        "register": [pitch_name(pitch) for pitch in style.register],
        "widest_leap": style.widest_leap,
        "pulse": style.pulse,
        "durations": dict(style.durations),
        "progressions": {name: _described_progression(name, weight) for name, weight in style.progressions.items()},
        "instruments": {part: _described_program(program) for part, program in style.instruments.items()},
        "rewards": style.to_dict()["rewards"],
    }


def _described_progression(name: str, weight: int) -> dict[str, Any]:
    progression = load_progression(name)
    form = "".join(section.label for section in progression.form)
    described = {"title": progression.title, "mode": progression.mode, "form": form, "bars": progression.num_bars}
    return described | {"weight": weight}


def _described_program(program: int) -> dict[str, Any]:
    try:
        from pretty_midi import program_to_instrument_name
    except ImportError:  # the number alone, without the extra that plays
        return {"program": program}
    return {"program": program, "name": program_to_instrument_name(program)}


# --- for reading ---

_UNITS = {"tempo": "quarter notes a minute", "widest_leap": "semitones, 0 for any", "pulse": "ticks, 12 a quarter note"}
_TABLE_UNITS = {"scales": "semitones above the tonic", "durations": "ticks, 12 a quarter note", "rewards": "weights"}


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    if "styles" in result:
        yield from _table([["name", "base", "description"], *(list(row.values()) for row in result["styles"])])
        return
    for key, value in result.items():
        if isinstance(value, Mapping):
            yield f"{key}:" + (f" ({_TABLE_UNITS[key]})" if key in _TABLE_UNITS else "")
            yield from _table([["", name, _text(key, item)] for name, item in value.items()])
        else:
            yield f"{key}: {_text(key, value)}" + (f" ({_UNITS[key]})" if key in _UNITS else "")


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _text(key: str, value: Any) -> str:
    """A value in words; `key` is the key of the style that it belongs to."""
    if key == "progressions":
        return "{title} ({form}, {bars} bars, {mode}; weight {weight})".format(**value)
    if key == "instruments":
        return f"{value['name']} ({value['program']})" if "name" in value else str(value["program"])
    if key in ("tempo", "range", "register"):
        return f"{value[0]} to {value[1]}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else f"{value}"


if __name__ == "__main__":
    sys.exit(main())
