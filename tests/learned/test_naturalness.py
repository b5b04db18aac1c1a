"""The head that tells music from what a model has made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rlcompose.errors import RlcomposeError
from rlcompose.learned.melodies import make_melodies
from rlcompose.learned.naturalness import fit_naturalness, load_naturalness, save_naturalness
from rlcompose.musicxml import musicxml_text
from rlcompose.naturalness import main
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
