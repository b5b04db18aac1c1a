"""Hyper-parameters as data: every preset is readable, and a value that does not fit is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlcompose.agent import load_agents
from rlcompose.errors import RlcomposeError
from rlcompose.preset import parse_settings, read_preset, with_settings

TRAINED = sorted(name for name, kind in load_agents().items() if kind.train)
PPO = load_agents()["ppo"].preset


@pytest.mark.parametrize("name", TRAINED)
def test_every_setting_of_a_preset_is_explained_and_allowed(name: str) -> None:
    preset = load_agents()[name].preset
    assert {"learning_rate", "gamma", "hidden"} <= set(preset)
    for setting in preset.values():
        assert setting.meaning and setting.check(setting.value) == setting.value


def test_settings_replace_the_presets_values_only() -> None:
    values = with_settings(PPO, {"gamma": 0.5})
    assert values["gamma"] == 0.5
    assert {name: value for name, value in values.items() if name != "gamma"} == {
        name: setting.value for name, setting in PPO.items() if name != "gamma"
    }


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("learning_rate=3e-4", "learning_rate", 3e-4),
        ("learning_rate=1", "learning_rate", 1.0),  # a whole number serves where a number is asked for
        ("n_epochs = 8", "n_epochs", 8),
        ("clip_range=.1", "clip_range", 0.1),
    ],
)
def test_a_value_has_the_type_of_the_presets(text: str, name: str, value: float) -> None:
    [(given, parsed)] = parse_settings([text], PPO).items()
    assert (given, parsed) == (name, value) and type(parsed) is type(PPO[name].value)


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (
            ["lerning_rate=1"],
            "unknown setting 'lerning_rate': did you mean 'learning_rate'? Allowed: anchor, anchor_fall, anchor_kl, ",
        ),
        (["learning_rate"], "'learning_rate' is not NAME=VALUE, as in learning_rate=3e-4"),
        (["learning_rate="], "setting learning_rate is '': allowed is a number from 0 to 1 "),
        (["learning_rate=fast"], "setting learning_rate is 'fast'"),
        (["learning_rate=nan"], "setting learning_rate is 'nan'"),
        (["learning_rate=-1"], "setting learning_rate is -1: allowed is a number from 0 to 1 (step size of Adam"),
        (["n_epochs=2.5"], "setting n_epochs is 2.5: allowed is a whole number from 1 to 100 "),
        (["n_epochs=0"], "setting n_epochs is 0"),
        (["n_epochs=True"], "setting n_epochs is 'True'"),
        (["gamma=0.9", "gamma=0.8"], "--set gamma is given twice: 0.9 and 0.8"),
    ],
)
def test_a_wrong_setting_is_told(texts: list[str], told: str) -> None:
    with pytest.raises(RlcomposeError) as error:
        parse_settings(texts, PPO)
    assert told in str(error.value)


def test_a_setting_of_an_agent_without_any_is_told() -> None:
    with pytest.raises(RlcomposeError, match="unknown setting 'gamma': Allowed: none"):
        parse_settings(["gamma=1"], load_agents()["random"].preset)


def test_wrong_values_given_in_python_are_told_too() -> None:
    for changes in ({"gama": 0.9}, {"gamma": "0.9"}, {"gamma": True}, {"n_epochs": 1.0}):
        with pytest.raises(RlcomposeError, match="setting"):
            with_settings(PPO, changes)


def test_a_preset_outside_its_own_range_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('gamma = { value = 2.0, range = [0, 1], meaning = "discount" }\n')
    with pytest.raises(RlcomposeError, match="gamma is 2.0: allowed is a number from 0 to 1"):
        read_preset(file)
