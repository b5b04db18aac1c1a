"""The styles in a table, one of them in words, and both as JSON."""

from __future__ import annotations

import builtins
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rlcompose import styles
from rlcompose.__main__ import main
from rlcompose.style import list_styles, load_style, style_names, variant_names


def result_of(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    written = tmp_path / "result.json"
    assert styles.main([*arguments, "--json", str(written)]) == 0
    result: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    return result


def test_the_table_has_a_line_for_every_name(capfd: pytest.CaptureFixture[str]) -> None:
    assert styles.main([]) == 0
    head, *lines = capfd.readouterr().out.splitlines()
    assert head.split() == ["name", "base", "description"]
    assert [line.split()[:2] for line in lines] == [[entry.name, entry.family] for entry in list_styles()]
    assert all(line.endswith(entry.description) for line, entry in zip(lines, list_styles(), strict=True))


def test_the_list_as_json(tmp_path: Path) -> None:
    result = result_of(tmp_path)
    assert {"name": "blues", "base": "jazz", "description": load_style("blues").description} in result["styles"]
    assert len(result["styles"]) == len(style_names()) + len(variant_names())


def test_a_style_is_described_with_names_instead_of_numbers(capfd: pytest.CaptureFixture[str]) -> None:
    # MIDI 46 is Bb2, 84 is C6; General MIDI 66 is the tenor saxophone; the blues has twelve bars.
    assert styles.main(["Jazz"]) == 0
    out = capfd.readouterr().out
    assert "meters: 4/4\ntempo: 120 to 220 (quarter notes a minute)\nbars: 32\nswing: yes\n" in out
    assert "range: Bb2 to C6\n" in out
    assert "  major   F, Bb, Eb, Ab, C, G\n" in out and "  dorian  0, 2, 3, 5, 7, 9, 10\n" in out
    assert re.search(r"  melody +Tenor Sax \(66\)\n", out)
    assert re.search(r"  blues +Twelve-bar jazz blues \(A, 12 bars, major; weight 3\)\n", out)
    assert re.search(r"  eighth_triplet +4\n", out) and re.search(r"  leap_recovery +0\.1\n", out)


def test_a_variant_is_described_as_json(tmp_path: Path) -> None:
    result = result_of(tmp_path, "slip-jig")
    assert (result["name"], result["base"], result["meters"]) == ("slip_jig", "fiddle", ["9/8"])
    assert result["tempo"] == [158, 188] and result["swing"] is False
    assert result["instruments"]["melody"] == {"program": 40, "name": "Violin"}
    assert result["progressions"]["folk_minor"]["form"] == "AABB"


def test_a_file_is_described(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('base = "jazz"\nname = "mine"\ntempo = [60, 70]\n', encoding="utf-8")
    result = result_of(tmp_path, str(path))
    assert (result["name"], result["base"], result["tempo"]) == ("mine", "jazz", [60, 70])


def test_without_pretty_midi_programs_are_numbers(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    imported = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "pretty_midi":
            raise ImportError(name)
        return imported(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    assert styles.main(["jazz"]) == 0
    assert "  melody  66\n" in capfd.readouterr().out


def test_an_unknown_name_is_told_with_the_nearest(capfd: pytest.CaptureFixture[str]) -> None:
    assert styles.main(["bleus"]) == 2
    out, error = capfd.readouterr()
    assert out == "" and error.startswith("rlcompose: error: unknown style 'bleus': did you mean 'blues'?")


def test_it_runs_as_a_module_and_by_the_program(capfd: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-W", "error", "-m", "rlcompose.styles", "bossa"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert main(["styles", "bossa"]) == 0
    assert told == capfd.readouterr().out and told.startswith("name: bossa\nbase: jazz\n")


def test_every_key_is_documented(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "commands.md").read_text(encoding="utf-8")
    for heading, arguments in (("### JSON of `styles`\n", []), ("### JSON of `styles STYLE`\n", ["jazz"])):
        rows = re.findall(r"^\| (`.+?) \|", page.partition(heading)[2].partition("\n#")[0], re.MULTILINE)
        assert {key for row in rows for key in re.findall(r"`(\w+)`", row)} == set(result_of(tmp_path, *arguments))
