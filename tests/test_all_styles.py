"""Whatever is shipped plays: every style and variant, with every progression, in every metre, up to the MIDI file."""

from __future__ import annotations

import io

import gymnasium
import numpy as np
import pretty_midi
import pytest
from gymnasium.utils.env_checker import check_env

from rlcompose.arrange import AS_WRITTEN, Playing
from rlcompose.brief import make_brief
from rlcompose.codec import action_of, decode
from rlcompose.engine.core import Engine, evaluate
from rlcompose.midi import midi_bytes
from rlcompose.reward import TIMES, weigh_terms
from rlcompose.score import Composition
from rlcompose.style import load_style, style_names, variant_names
from rlcompose.theory.progression import load_progression, progression_names

ALL_NAMES = (*style_names(), *variant_names())
METERS = ("2/4", "3/4", "4/4", "5/4", "6/8", "9/8", "12/8")


def played(engine: Engine, seed: int) -> list[int]:
    """Random legal actions from the reset to the end of the piece."""
    rng = np.random.default_rng(seed)
    engine.reset([seed])
    actions = []
    while not engine.state.done[0]:
        actions.append(int(rng.choice(np.flatnonzero(engine.state.mask[0]))))
        engine.step(np.array(actions[-1:]))
    return actions


def composed(style: str, seed: int = 0, **pinned: object) -> Composition:
    brief = make_brief(style, pinned)
    return decode(brief, seed, played(Engine(brief), seed))


@pytest.mark.parametrize("style", ALL_NAMES)
def test_both_checkers_pass_without_a_warning(style: str) -> None:
    from stable_baselines3.common.env_checker import check_env as check_for_sb3

    env = gymnasium.make("rlcompose/Compose-v0", style=style, bars=4)
    check_env(env.unwrapped)
    check_for_sb3(env.unwrapped)


@pytest.mark.parametrize("style", ALL_NAMES)
def test_every_progression_is_composed_over_for_one_form(style: str) -> None:
    for name in progression_names():
        bars = load_progression(name).num_bars
        brief = make_brief(style, {"progression": name, "bars": bars})
        engine = Engine(brief)
        played(engine, 1)
        assert engine.field("num_illegal")[0] == 0
        assert engine.field("position")[0] == engine.field("total_ticks")[0]
        assert engine.field("form_bars")[0] == bars and engine.field("bar")[0] == bars


@pytest.mark.parametrize("style", style_names())
def test_rewards_of_a_style_are_the_same_compiled_and_in_python(style: str) -> None:
    # Every style's own terms, the scale's among them, on a piece of its own.
    brief = make_brief(style)
    terms = weigh_terms(brief.style.rewards)
    engine = Engine(brief, terms)
    assert engine.python_terms == ()
    actions = played(engine, 2)
    engine.reset([2])
    for action in actions:
        engine.state.actions[:] = action
        engine._kernel.score_rows(engine._context)
        moment = engine.moment()
        due = {at: bool(engine._due(at)[0]) for at in TIMES}
        shares = [w.weight * evaluate(w.term, moment) if due[w.term.at] else 0.0 for w in terms]
        assert engine.state.account[0, :-1].tolist() == shares
        engine._kernel.settle_rows(engine._context, False)


@pytest.mark.parametrize("style", ALL_NAMES)
@pytest.mark.parametrize("meter", METERS)
def test_every_metre_is_accompanied_and_written(style: str, meter: str) -> None:
    composition = composed(style, bars=2, meter=meter)
    midi = pretty_midi.PrettyMIDI(io.BytesIO(midi_bytes(composition, AS_WRITTEN)))
    names = [track.name for track in midi.instruments]
    assert set(names) - {"melody"}, "somebody accompanies"
    assert midi.get_end_time() <= composition.seconds() + 1e-3


@pytest.mark.parametrize("seed", range(4))
def test_a_jig_has_bars_of_36_ticks_throughout(seed: int) -> None:
    composition = composed("jig", seed)
    assert composition.meter.name == "6/8" and composition.bars == 32
    assert composition.total_ticks == 32 * 36
    assert {span.onset % 36 for span in composition.chords} <= {0, 18}, "chords change on the bar or in its middle"
    assert [section.bar for section in composition.sections] == [0, 8, 16, 24]


@pytest.mark.parametrize(("style", "eighths", "strong"), [("jig", 6, {0, 3}), ("slip_jig", 9, {0, 3, 6})])
def test_a_jig_is_accented_on_the_first_of_three_eighths(style: str, eighths: int, strong: set[int]) -> None:
    brief = make_brief(style, {"bars": 4})
    eighth = action_of(brief.style, 4, 6)
    composition = decode(brief, 0, [eighth] * (4 * eighths))
    playing = Playing(humanize=False)
    midi = pretty_midi.PrettyMIDI(io.BytesIO(midi_bytes(composition, playing)))
    melody = next(track for track in midi.instruments if track.name == "melody")
    velocities = [note.velocity for note in sorted(melody.notes, key=lambda note: note.start)]
    assert len(velocities) == 4 * eighths
    for bar in range(4):
        played_bar = velocities[bar * eighths : (bar + 1) * eighths]
        accented = [played_bar[place] for place in sorted(strong)]
        others = [velocity for place, velocity in enumerate(played_bar) if place not in strong]
        assert min(accented) > max(others)
        assert played_bar[0] > max(accented[1:]), "most on the bar's first beat"


@pytest.mark.parametrize("style", style_names())
def test_all_styles_but_jazz_and_fiddle_pay_for_their_scale(style: str) -> None:
    assert ("scale_note" in load_style(style).rewards) == (style not in ("jazz", "fiddle"))
