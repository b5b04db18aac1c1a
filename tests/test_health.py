"""What goes wrong in a training is found and told, once; what goes well is not."""

from __future__ import annotations

import numpy as np
import pytest

from rlcompose.health import WINDOW, Finding, Health
from rlcompose.preset import Setting

PRESET = {
    name: Setting(name, value, 0.0, 10.0, "for the tests")
    for name, value in {"learning_rate": 1e-3, "ent_coef": 0.015, "gamma": 0.95}.items()
}
VALUES = {name: setting.value for name, setting in PRESET.items()}
LEGAL = np.zeros(64, np.bool_)
# The last update of PPO's first and of its last rollout, measured with the defaults on jazz.
EARLY = {"approx_kl": 0.0196, "clip_fraction": 0.314, "entropy": 4.55, "value_loss": 3.09, "explained_variance": -0.001}
LATE = {"approx_kl": 0.0048, "clip_fraction": 0.035, "entropy": 0.91, "value_loss": 1.59, "explained_variance": 0.99}


def health(**settings: float) -> Health:
    return Health(PRESET, {**VALUES, **settings}, lambda finding: None)


def names(watched: Health) -> list[str]:
    return [finding.name for finding in watched.findings]


def play(watched: Health, actions: np.ndarray, illegal: np.ndarray | None = None, first_step: int = 0) -> None:
    for start in range(0, len(actions), 64):
        not_allowed = LEGAL if illegal is None else illegal[start : start + 64]
        watched.played(first_step + start + 64, actions[start : start + 64], not_allowed)


def test_a_healthy_training_has_no_findings() -> None:
    watched = health()
    play(watched, np.random.default_rng(0).integers(0, 500, 4 * WINDOW))
    watched.updated(16_384, EARLY)
    watched.updated(999_424, LATE)
    assert watched.findings == []


def test_one_action_for_ever_is_a_collapse() -> None:
    watched = health(learning_rate=0.1)
    play(watched, np.full(WINDOW, 7))
    [finding] = watched.findings
    assert finding == Finding(
        "collapse",
        WINDOW,
        "100% of the last 2,048 actions are number 7",
        "try --set learning_rate=0.001 or --set ent_coef=0.03",
    )
    assert str(finding) == (
        "collapse at step 2,048: 100% of the last 2,048 actions are number 7; "
        "try --set learning_rate=0.001 or --set ent_coef=0.03"
    )


@pytest.mark.parametrize(("different", "collapsed"), [(3, True), (4, False)])
def test_three_actions_for_ever_are_a_collapse_and_four_are_a_motif(different: int, collapsed: bool) -> None:
    watched = health()
    play(watched, np.arange(WINDOW) % different)
    assert names(watched) == ["collapse"] * collapsed


def test_a_collapse_is_seen_within_a_window_of_its_beginning() -> None:
    watched = health()
    play(watched, np.random.default_rng(0).integers(0, 500, 5 * WINDOW))
    assert watched.findings == []
    play(watched, np.full(WINDOW, 7), first_step=5 * WINDOW)
    [finding] = watched.findings
    assert finding.step <= 6 * WINDOW


def test_fewer_actions_than_a_window_say_nothing() -> None:
    watched = health()
    play(watched, np.full(WINDOW - 64, 7))
    assert watched.findings == [] and watched.commonest_share == 0.0


def test_each_kind_is_told_once_and_at_once() -> None:
    told: list[Finding] = []
    watched = Health(PRESET, VALUES, told.append)
    for step in (1_000, 2_000):
        watched.updated(step, {"approx_kl": 3.0, "clip_fraction": 0.9})
        watched.updated(step, {"entropy": 0.0})
    assert [(finding.name, finding.step) for finding in told] == [
        ("policy changed too fast", 1_000),
        ("collapse", 1_000),
    ]
    assert watched.findings == told


@pytest.mark.parametrize(
    ("numbers", "name", "evidence", "advice"),
    [
        ({"approx_kl": 3.0}, "policy changed too fast", "by 3 nats", "try --set learning_rate=0.0001"),
        ({"clip_fraction": 0.9}, "policy changed too fast", "90% of an update was clipped", "learning_rate=0.0001"),
        (
            {"value_loss": 2e12},
            "exploding value",
            "is 2e+12",
            "learning_rate=0.0001, or smaller weights of the rewards",
        ),
        ({"entropy": 0.01}, "collapse", "0.01 nats", "try --set learning_rate=0.0001 or --set ent_coef=0.03"),
        ({"explained_variance": -0.2}, "value explains nothing", "-20%", "try --set gamma=0.902"),
    ],
)
def test_a_number_out_of_bounds_is_told(numbers: dict[str, float], name: str, evidence: str, advice: str) -> None:
    watched = health()
    watched.updated(600_000, numbers)
    [finding] = watched.findings
    assert finding.name == name and evidence in finding.evidence and advice in finding.advice


def test_what_has_only_begun_to_learn_is_not_ill() -> None:
    # An untrained value explains nothing, and without masks it takes time to learn what is legal.
    watched = health()
    watched.updated(100_000, {"explained_variance": -0.2})
    many = np.random.default_rng(0).integers(0, 500, WINDOW)
    play(watched, many, np.ones(WINDOW, np.bool_))
    assert watched.findings == [] and watched.illegal_share == 1.0
    play(watched, many, np.ones(WINDOW, np.bool_), first_step=300_000)
    assert names(watched) == ["illegal actions"]
    assert "maskable_ppo" in watched.findings[0].advice


def test_nan_of_a_constant_return_is_no_finding() -> None:
    # SB3's explained variance is NaN where all returns are equal, which is no fault of the value.
    watched = health()
    watched.updated(600_000, {"explained_variance": float("nan")})
    assert watched.findings == []


def test_weights_that_are_no_numbers_are_told() -> None:
    watched = health()
    watched.not_a_number(4_096, "the weights")
    assert watched.findings[0].to_dict() == {
        "name": "NaN",
        "step": 4_096,
        "evidence": "the weights are no longer finite numbers, so learning stops",
        "advice": "try --set learning_rate=0.0001, or smaller weights of the rewards",
    }


def test_advice_goes_to_the_preset_first_and_beyond_it_then() -> None:
    for rate, advised in ((1.0, "0.001"), (0.001, "0.0001"), (0.0001, "1e-05")):
        watched = health(learning_rate=rate)
        watched.not_a_number(0, "the weights")
        assert f"try --set learning_rate={advised}," in watched.findings[0].advice


def test_advice_names_no_setting_that_the_agent_has_not() -> None:
    watched = Health({}, {}, lambda finding: None)
    watched.updated(0, {"entropy": 0.0})
    assert watched.findings[0].advice == "try other settings (--set)"
