"""The head that tells music from what a model has made."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rlcompose.agent import find_agent
from rlcompose.brief import make_brief
from rlcompose.codec import decode
from rlcompose.engine.core import Engine
from rlcompose.errors import RlcomposeError
from rlcompose.learned.judge import load_judge
from rlcompose.learned.layout import MAX_BARS, STYLES
from rlcompose.learned.melodies import all_windows, make_melodies, windows_of
from rlcompose.learned.naturalness import (
    AGENT,
    PRIOR,
    RECIPE,
    fit_naturalness,
    has_naturalness,
    load_naturalness,
    natural_scores,
    naturalness_of,
    save_naturalness,
)
from rlcompose.musicxml import musicxml_text
from rlcompose.naturalness import main
from rlcompose.reward import weigh_terms
from rlcompose.score import Composition

Tune = Callable[..., Composition]
pytest.importorskip("sklearn")


def song(tune: Tune, number: int) -> Composition:
    """Sixteen bars in which two bars of quarter notes return again and again, a step higher or not."""
    draw = np.random.default_rng(number)
    figure = draw.integers(0, 8, 8)
    notes = []
    for bar in range(16):
        lift = int(draw.integers(0, 2))
        notes += [(48 * bar + 12 * k, 12, int(60 + lift + figure[bar % 2 * 4 + k])) for k in range(4)]
    return tune(notes, 16)


def test_it_tells_songs_from_random_notes_and_keeps_groups_together(
    tune: Tune, random_tune: Tune, tmp_path: Path
) -> None:
    songs = [song(tune, number) for number in range(60)]
    real = make_melodies(songs)
    made = make_melodies([random_tune(number, 16) for number in range(60)])
    groups = [str(number // 2) for number in range(60)]
    head = fit_naturalness("fiddle", real, groups, made)
    assert head.accuracy > 0.95
    assert head.judge(song(tune, 99)) > 0.9 > 0.1 > head.judge(random_tune(99, 16))
    save_naturalness(tmp_path / "head", head, {})
    again = load_naturalness(tmp_path / "head")
    assert again.judge(songs[0]) == head.judge(songs[0]) and again.accuracy == head.accuracy


def test_music_against_itself_is_not_told(tune: Tune) -> None:
    songs = [song(tune, number) for number in range(120)]
    groups = [str(number) for number in range(60)]
    head = fit_naturalness("fiddle", make_melodies(songs[:60]), groups, make_melodies(songs[60:]))
    assert abs(head.accuracy - 0.5) < 0.15


def test_too_little_music_is_told(tune: Tune, random_tune: Tune) -> None:
    few = make_melodies([random_tune(1, 16)])
    with pytest.raises(RlcomposeError, match="too few windows"):
        fit_naturalness("jazz", few, ["a"], few)
    with pytest.raises(RlcomposeError, match="did you mean 'jazz'"):
        fit_naturalness("jaz", few, ["a"], few)


def test_the_command_learns_and_judges(
    tune: Tune, random_tune: Tune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RLCOMPOSE_CACHE", str(tmp_path / "cache"))
    for folder in ("real", "made"):
        place = tmp_path / folder
        place.mkdir()
        for number in range(40):
            piece = song(tune, number) if folder == "real" else random_tune(number, 16)
            (place / f"{number}.musicxml").write_text(musicxml_text(piece))
    pytest.importorskip("music21")
    result = tmp_path / "result.json"
    arguments = [str(tmp_path / "made"), "--style", "chorale", "--json", str(result)]
    assert main([*arguments, "--source", str(tmp_path / "real"), "--out", str(tmp_path / "head")]) == 0
    assert json.loads(result.read_text())["accuracy"] > 0.9
    assert main([*arguments, "--by", str(tmp_path / "head")]) == 0
    assert max(json.loads(result.read_text())["natural"].values()) < 0.5


# --- the package's heads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["jazz", "fiddle", "chinese_folk"])
def test_the_term_pays_what_the_head_says_of_the_last_eight_bars(style: str) -> None:
    brief = make_brief(style, {"bars": 20})
    engine = Engine(brief, weigh_terms({"natural": 1.0}))
    engine.reset([3])
    player, draw = find_agent("random").made(), np.random.default_rng(0)
    actions, paid = [], []
    while not engine.state.done.all():
        actions.append(int(player.act(engine, draw.random(1))[0]))
        engine.step(np.array(actions[-1:]))
        paid.append(float(engine.state.account[0, 0]))
    melodies = make_melodies([decode(brief, 3, actions)])
    pieces, starts = all_windows(melodies, MAX_BARS, hop=1)
    windows = windows_of(melodies, pieces, starts, MAX_BARS)
    head = naturalness_of(style, RECIPE)
    said = head.scores(load_judge().model.features(melodies, windows))
    if len(windows) == 13:  # two bars of 2/4 are one of a window, and then one bar's end in two has a window of its own
        assert sum(paid) == pytest.approx(said.mean(), abs=1e-5)
    assert -1 <= sum(paid) <= 1 and np.count_nonzero(paid) >= 3


def test_every_style_has_its_heads_and_others_none() -> None:
    assert all(has_naturalness(style, against) for style in STYLES for against in (PRIOR, RECIPE, AGENT))
    with pytest.raises(RlcomposeError, match="no naturalness head of the style 'tango'"):
        naturalness_of("tango")


def test_scores_of_pieces_are_means_over_their_windows_and_silence_has_the_lowest(tune: Tune) -> None:
    silent, short = tune([], 16), tune([(0, 12, 60)], 4)
    assert natural_scores("fiddle", [silent, short]).tolist() == [-1.0, -1.0]
    piece = song(tune, 3)
    melodies = make_melodies([piece])
    windows = windows_of(melodies, *all_windows(melodies), MAX_BARS)
    wanted = naturalness_of("fiddle").scores(load_judge().model.features(melodies, windows)).mean()
    assert natural_scores("fiddle", [silent, piece])[1] == pytest.approx(wanted)


def test_a_damaged_head_is_told(tune: Tune, random_tune: Tune, tmp_path: Path) -> None:
    head = naturalness_of("jazz")
    save_naturalness(tmp_path, replace(head, trees={**head.trees, "left": head.trees["left"] + 1}), {})
    with pytest.raises(RlcomposeError, match="a node points to none"):
        load_naturalness(tmp_path)
    save_naturalness(tmp_path, replace(head, mean=head.mean[:3]), {})
    with pytest.raises(RlcomposeError, match="mean of the naturalness head"):
        load_naturalness(tmp_path)
