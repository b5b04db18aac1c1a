"""A file of weights: which of its tables hold for a style, and every fault of it told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlcompose import load_style
from rlcompose.arguments import read_weight_file
from rlcompose.errors import RlcomposeError

WEIGHTS = """
motif = 2.0
leap_recovery = 1
"phrase_ending" = [[0, 0.0], [0.5, 1.0]]

[style.fiddle]
motif = 3.0
varied_pitch = 0.5

[style."Slip Jig"]
motif = 4.0
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(WEIGHTS, encoding="utf-8")
    return path


def test_what_stands_above_all_tables_holds_for_every_style(file: Path) -> None:
    jazz = read_weight_file(file, load_style("jazz"))
    assert jazz == {"motif": 2.0, "leap_recovery": 1.0, "phrase_ending": ((0.0, 0.0), (0.5, 1.0))}


def test_a_styles_table_holds_for_its_variants_and_theirs_come_before_it(file: Path) -> None:
    above = {"leap_recovery": 1.0, "phrase_ending": ((0.0, 0.0), (0.5, 1.0)), "varied_pitch": 0.5}
    assert read_weight_file(file, load_style("fiddle")) == above | {"motif": 3.0}
    assert read_weight_file(file, load_style("jig")) == above | {"motif": 3.0}
    assert read_weight_file(file, load_style("slip_jig")) == above | {"motif": 4.0}


def fault(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RlcomposeError) as error:
        read_weight_file(path, load_style("jazz"))
    assert str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("motiv = 1", "unknown reward term 'motiv': did you mean 'motif'?"),
        ("motif = '1'", "the weight of reward term 'motif' is '1': allowed are finite numbers, or a schedule"),
        ("motif = true", "the weight of reward term 'motif' is True"),
        ("motif = inf", "the weight of reward term 'motif' is inf"),
        ("motif = [[0.5, 1.0], [0, 0.0]]", "the schedule of reward term 'motif' has shares [0.5, 0]"),
        ("'two words' = 1", "'two words' is no name of a reward term"),
        ("'motif(share=1)' = 1", "unknown parameter of reward term 'motif': 'share'"),
        ("motif = 1\n'motif()' = 2", "reward term 'motif' has two weights: allowed is one"),
        ("[style.jaz]\nmotif = 1", "[style.jaz]: unknown style 'jaz': did you mean 'jazz'?"),
        ("[style.fiddle]\nmotiv = 1", "unknown reward term 'motiv': did you mean 'motif'?"),
        ("style = 'jazz'", "style = 'jazz': allowed are tables such as [style.jazz]"),
        ("[style]\njazz = 1", "style.jazz = 1: allowed is a table of weights"),
        ("[jazz]\nmotif = 1", "[jazz] is no table of such a file: write [style.jazz]"),
        ("[rewards]\nmotif = 1", "[rewards] is no table of such a file: weights stand above all tables"),
        ("motif = ", "is not TOML"),
    ],
)
def test_a_fault_is_told_with_the_files_name(tmp_path: Path, text: str, told: str) -> None:
    assert told in fault(tmp_path, text)


def test_all_faults_are_told_together(tmp_path: Path) -> None:
    told = fault(tmp_path, "motiv = 1\nmotif = 'much'\n[style.jaz]\nmotif = 1\n")
    assert "has 3 faults:" in told and len(told.splitlines()) == 4


def test_a_missing_file_is_told_with_the_nearest_name(file: Path) -> None:
    with pytest.raises(RlcomposeError, match="there is no file of weights '.*min.toml': did you mean '.*mine.toml'"):
        read_weight_file(file.with_name("min.toml"), load_style("jazz"))


def test_a_style_of_ones_own_has_its_table(tmp_path: Path) -> None:
    shipped = Path(load_style.__code__.co_filename).with_name("styles") / "jazz.toml"
    own = tmp_path / "own.toml"
    own.write_text(shipped.read_text().replace('name = "jazz"', 'name = "own"'))
    path = tmp_path / "mine.toml"
    path.write_text("[style.own]\nmotif = 7.0\n")
    assert read_weight_file(path, load_style(own)) == {"motif": 7.0}
    with pytest.raises(RlcomposeError, match="unknown style 'own'"):
        read_weight_file(path, load_style("jazz"))
