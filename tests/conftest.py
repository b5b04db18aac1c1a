"""What several tests share: a small trained run, a run that needs no training, a register of one's own."""

from __future__ import annotations

import contextlib
import io
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from rlcompose.score import ChordSpan, Composition, Note, Section
from rlcompose.theory.chord import NO_CHORD, QUALITIES, Chord
from rlcompose.theory.key import MODES, Key
from rlcompose.theory.meter import Meter

if TYPE_CHECKING:
    from rlcompose.learned.melodies import Melodies


@pytest.fixture(scope="session")
def make_run() -> Callable[..., SimpleNamespace]:
    """Runs `train` in this process: the run's `folder`, the JSON of its `result`, what it printed, `out` and `err`."""

    def make(folder: Path, *arguments: str) -> SimpleNamespace:
        from rlcompose import train

        run, result = folder / "run", folder / "result.json"
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = train.main(["--out", str(run), "--json", str(result), *arguments])
        assert status == 0, err.getvalue()
        return SimpleNamespace(
            folder=run, result=json.loads(result.read_text()), out=out.getvalue(), err=err.getvalue()
        )

    return make


@pytest.fixture(scope="session")
def trained_run(make_run: Callable[..., SimpleNamespace], tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """PPO from scratch for some thousand events on four bars of jazz."""
    folder = tmp_path_factory.mktemp("trained")
    return make_run(folder, "--from", "scratch", "--bars", "4", "--steps", "4000", "--seed", "1")


@pytest.fixture(scope="session")
def prior_run(make_run: Callable[..., SimpleNamespace], tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """PPO from the prior for some thousand events on eight bars of jazz."""
    return make_run(tmp_path_factory.mktemp("from_prior"), "--bars", "8", "--steps", "6000", "--seed", "1")


@pytest.fixture(scope="session")
def greedy_run(make_run: Callable[..., SimpleNamespace], tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The greedy agent on four bars of jazz."""
    return make_run(tmp_path_factory.mktemp("greedy"), "--agent", "greedy", "--bars", "4")


@pytest.fixture
def own_register(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers as reward terms is forgotten after it."""
    from rlcompose import reward

    monkeypatch.setattr(reward, "_REGISTER", dict(reward.load_terms()))


@pytest.fixture(scope="session")
def any_composition() -> Callable[[int], Composition]:
    """Makes the composition of a number: any metre, key, chord and upbeat, notes and chords at any ticks."""

    def make(number: int) -> Composition:
        draw = random.Random(number)
        names = "2/4 3/4 4/4 5/4 6/4 3/8 5/8 6/8 7/8 9/8 12/8 2/2 3/2 4/2".split()
        meter, bars = Meter.parse(draw.choice(names)), draw.randint(1, 5)
        total, grid = bars * meter.bar_ticks, draw.choice((1, 1, 2, 3, 4, 6, 12))
        pickup = draw.choice((0, 0, draw.randrange(1, meter.bar_ticks)))
        position = meter.bar_ticks - pickup if pickup else 0
        notes, chords = [], []
        while position < total:
            ticks = min(draw.choice((1, 1, 2, 3, 4, 8)) * grid, total - position)
            if draw.random() < 0.8:
                notes.append(Note(position, draw.randint(24, 108), ticks))
            position += ticks
        position = 0
        while position < total:
            ticks = min(draw.choice((meter.bar_ticks, meter.bar_ticks, 12, 6, 7)), total - position)
            quality = draw.randrange(len(QUALITIES))
            bass, suffixes = draw.choice((-1, draw.randrange(12))), QUALITIES[quality].suffixes
            chord = Chord(draw.randrange(12), quality, bass, draw.choice(suffixes)) if quality else NO_CHORD
            chords.append(ChordSpan(position, ticks, chord))
            position += ticks
        middle = draw.randint(0, bars - 1)
        sections = (Section("A", 0, middle), Section("B", middle, bars - middle)) if middle else ()
        key, tempo = Key(draw.randrange(12), draw.choice(MODES)), draw.randint(30, 300)
        return Composition(
            notes=tuple(notes),
            chords=tuple(chords),
            key=key,
            meter=meter,
            bars=bars,
            tempo=tempo,
            style="jazz",
            swing=draw.random() < 0.5,
            sections=sections,
            instrument=draw.randrange(128),
            title=draw.choice(("", "Rock & <Roll> 50%", "\u5c71\u6b4c $x^2$ \x01")),
            pickup=pickup,
        )

    return make


@pytest.fixture(scope="session")
def played() -> Callable[..., Composition]:
    """Plays a random piece of a style: `played("jazz", bars=8, seed=1)`."""

    def play_random(style: str, bars: int, seed: int) -> Composition:
        from rlcompose.agent import find_agent, play
        from rlcompose.brief import make_brief
        from rlcompose.codec import decode

        brief = make_brief(style, {"bars": bars})
        [piece] = play(find_agent("random").made(), brief, (), [seed])
        return decode(brief, piece.seed, piece.actions)

    return play_random


@pytest.fixture(scope="session")
def tune() -> Callable[..., Composition]:
    """Makes a melody without chords: `tune([(onset, ticks, pitch), …], bars=2, meter="6/8", key="D minor")`."""

    def make(
        notes: Sequence[tuple[int, int, int]], bars: int = 1, meter: str = "4/4", key: str = "C major"
    ) -> Composition:
        return Composition(
            notes=tuple(Note(onset, pitch, ticks) for onset, ticks, pitch in notes),
            chords=(),
            key=Key.parse(key),
            meter=Meter.parse(meter),
            bars=bars,
            tempo=120,
            style="jazz",
        )

    return make


@pytest.fixture(scope="session")
def random_tune(tune: Callable[..., Composition]) -> Callable[..., Composition]:
    """Makes the melody of a number: `random_tune(3, bars=8, meter="4/4", key="C major")`."""

    def make(number: int, bars: int = 8, meter: str = "4/4", key: str = "C major") -> Composition:
        draw = random.Random(number)
        total, at = bars * Meter.parse(meter).bar_ticks, draw.randrange(12)
        notes = []
        while at < total:
            ticks = min(draw.choice((2, 3, 4, 6, 8, 12, 18, 24)), total - at)
            if draw.random() < 0.85:
                notes.append((at, ticks, draw.randint(50, 79)))
            at += ticks
        return tune(notes, bars, meter, key)

    return make


@pytest.fixture(scope="session")
def melodies(random_tune: Callable[..., Composition]) -> Melodies:
    """Forty random melodies of 12 bars in four metres."""
    from rlcompose.learned.melodies import make_melodies

    names = ("4/4", "3/4", "6/8", "2/4")
    return make_melodies([random_tune(number, 12, names[number % 4]) for number in range(40)])


@pytest.fixture(scope="session")
def write_tunes() -> Callable[..., Path]:
    """Writes a folder of so many tunes as ABC: eight bars of eighth notes that walk on the scale by given steps."""
    degrees = "CDEFGABcdefg"

    def write(folder: Path, number: int, seed: int, steps: Sequence[int] = (-2, -1, 1, 2)) -> Path:
        folder.mkdir()
        draw = random.Random(seed)
        for tune in range(number):
            at, bars = 4, []
            for _ in range(8):
                letters = []
                for _ in range(8):
                    letters.append(degrees[at])
                    at = min(max(at + draw.choice(steps), 0), len(degrees) - 1)
                bars.append("".join(letters))
            text = f"X:1\nT:Tune {seed} {tune}\nM:4/4\nL:1/8\nK:C\n{'|'.join(bars)}|]\n"
            (folder / f"tune{tune}.abc").write_text(text, encoding="utf-8")
        return folder

    return write
