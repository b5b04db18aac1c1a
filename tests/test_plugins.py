from __future__ import annotations

import importlib.metadata
import inspect
import os
import sys
import traceback
from pathlib import Path

import pytest

from rlcompose import plugins
from rlcompose.errors import RlcomposeError
from rlcompose.plugins import load_builtin, load_file, load_installed


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the only installed package there is: `toy-terms` 1.2, with one plug-in named `toy`."""
    info = tmp_path / "toy_terms-1.2.dist-info"
    info.mkdir()
    write(info / "METADATA", "Metadata-Version: 2.1\nName: toy-terms\nVersion: 1.2\n")
    write(info / "entry_points.txt", "[rlcompose.plugins]\ntoy = toy_terms_of_a_test\n")
    found = list(importlib.metadata.distributions(path=[str(tmp_path)]))
    monkeypatch.setattr(plugins, "entry_points", lambda group: found[0].entry_points.select(group=group))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "toy_terms_of_a_test", raising=False)
    return tmp_path


def test_every_module_of_a_folder_is_loaded_unless_its_name_has_an_underscore() -> None:
    load_builtin()
    for folder in ("rewards", "agents"):
        stems = [file.stem for file in (Path(__file__).resolve().parents[1] / folder).glob("*.py")]
        expected = {f"rlcompose.{folder}.{stem}" for stem in stems if not stem.startswith("_")}
        assert expected <= set(sys.modules)


def test_loading_built_ins_twice_keeps_the_modules() -> None:
    load_builtin("rewards")
    before = {name: module for name, module in sys.modules.items() if name.startswith("rlcompose.rewards.")}
    load_builtin("rewards")
    assert all(sys.modules[name] is module for name, module in before.items())


def test_unknown_folder_of_built_ins_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(RlcomposeError, match="did you mean 'rewards'"):
        load_builtin("reward")


def test_installed_plugin_is_loaded(package: Path) -> None:
    write(package / "toy_terms_of_a_test.py", "loaded = True\n")
    load_installed()
    assert sys.modules["toy_terms_of_a_test"].loaded


def test_broken_plugin_is_named_with_its_package(package: Path) -> None:
    write(package / "toy_terms_of_a_test.py", "import no_such_module\n")
    with pytest.raises(RlcomposeError) as caught:
        load_installed()
    assert str(caught.value) == (
        "the plug-in 'toy' of the package toy-terms 1.2 does not load: "
        "ModuleNotFoundError: No module named 'no_such_module'"
    )


def test_file_is_loaded_with_its_names(tmp_path: Path) -> None:
    module = load_file(write(tmp_path / "mine.py", "weight = 2\n"))
    assert module.weight == 2
    assert sys.modules[module.__name__] is module


def test_edit_of_equal_size_and_time_is_seen(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.py", "def term(): return 1\n")
    before = file.stat()
    first = load_file(file)
    write(file, "def term(): return 2\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = load_file(file)
    assert (first.term(), second.term()) == (1, 2)
    assert inspect.getsource(second.term) == "def term(): return 2\n"
    assert list(tmp_path.iterdir()) == [file]  # no bytecode beside it


def test_source_and_traceback_show_what_ran_even_after_an_edit(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.py", "def term():\n    return 1 // 0  # as loaded\n")
    module = load_file(file)
    write(file, "# something else by now\n")
    assert "as loaded" in inspect.getsource(module.term)
    with pytest.raises(ZeroDivisionError) as caught:
        module.term()
    assert "as loaded" in "".join(traceback.format_exception(caught.value))


def test_dataclass_in_a_file_works_with_postponed_annotations(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 3\n"
    )
    module = load_file(write(tmp_path / "my terms-2.py", text))
    assert module.A().x == 3
    assert "x: int = 3" in inspect.getsource(module.A)


def test_files_of_one_name_in_two_folders_are_two_modules(tmp_path: Path) -> None:
    modules = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        modules.append(load_file(write(tmp_path / name / "mine.py", f"name = {name!r}\n")))
    assert [module.name for module in modules] == ["a", "b"]
    assert modules[0].__name__ != modules[1].__name__


def test_declared_encoding_is_respected(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_bytes("# -*- coding: latin-1 -*-\nname = 'Dvořák é'\n".replace("ř", "r").encode("latin-1"))
    assert load_file(file).name == "Dvorák é"


def test_missing_file_names_the_nearest_one(tmp_path: Path) -> None:
    write(tmp_path / "mine.py", "")
    with pytest.raises(RlcomposeError, match=r"no Python file .*mien\.py.*did you mean .*mine\.py"):
        load_file(tmp_path / "mien.py")


def test_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RlcomposeError, match=r"must end in \.py"):
        load_file(write(tmp_path / "terms.txt", ""))


def test_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "terms.py").mkdir()
    with pytest.raises(RlcomposeError, match="it is a folder"):
        load_file(tmp_path / "terms.py")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ndef term(:\n    pass\n", "line 2: SyntaxError: "),
        ("def term():\n  x = 1\n    y = 2\n", "line 3: IndentationError: unexpected indent"),
        ("x = 1\n\nimport no_such_module\n", "line 3: ModuleNotFoundError: No module named 'no_such_module'"),
        ("def f():\n    raise ValueError('a\\nb')\nf()\n", "line 2: ValueError: a b"),
        ("import sys\nsys.exit(0)\n", "line 2: SystemExit: 0"),
        (
            "from rlcompose.errors import RlcomposeError\nraise RlcomposeError('that name is taken')\n",
            "line 2: that name is taken",
        ),
        ("x = '\0'\n", "null bytes"),
    ],
)
def test_file_that_does_not_run_is_told_on_one_line(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path / "mine.py", text)
    before = set(sys.modules)
    with pytest.raises(RlcomposeError) as caught:
        load_file(file)
    told = str(caught.value)
    assert message in told
    assert told.startswith(str(file))
    assert "\n" not in told
    assert set(sys.modules) == before


def test_ctrl_c_while_loading_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        load_file(write(tmp_path / "mine.py", "raise KeyboardInterrupt\n"))
