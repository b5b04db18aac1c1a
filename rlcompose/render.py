"""The command `python -m rlcompose.render piece.mid piece.wav`: hear MIDI files and pieces, one or a folder of them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlcompose import command
from rlcompose.errors import RlcomposeError, unknown
from rlcompose.files import make_folder, missing_file
from rlcompose.sound_formats import BIT_DEPTHS, DEFAULT_AUDIO, DEFAULT_BITS, FORMATS

if TYPE_CHECKING:
    from rlcompose.audio import RenderReport

SOURCES = (".mid", ".midi", ".json")
# What a render imports on its way.
IMPORTED_LATE = (
    "rlcompose.audio",
    "rlcompose.piece",
    "mido",
    "pyloudnorm",
    "scipy.ndimage",
    "scipy.signal",
    "soundfile",
)


def main(argv: list[str] | None = None) -> int:
    """Render files; the exit status is 0, 2 for a user's mistake or a file that failed, or 130 for Ctrl-C."""
    parser = command.Parser(
        prog="python -m rlcompose.render",
        description="Render MIDI files or pieces (.json) to sound at -16 LUFS through FluidSynth: one to a file, "
        "or any number, and folders of them, into a folder.",
        example="python -m rlcompose.render piece.mid piece.wav --soundfont FluidR3_GM.sf2",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="MIDI.mid SOUND.wav, or with --out files and folders")
    parser.add_argument("--out", metavar="FOLDER", help="write NAME.wav of every file into this folder")
    endings = [ending[1:] for ending in FORMATS]
    parser.add_argument("--audio", choices=endings, default=DEFAULT_AUDIO, help="the format with --out (default: wav)")
    parser.add_argument("--bits", type=int, choices=BIT_DEPTHS, default=DEFAULT_BITS, help="of WAV and FLAC")
    jobs_help = "how many processes render (default: as many as the machine has cores)"
    parser.add_argument("--jobs", type=int, metavar="N", default=os.cpu_count() or 1, help=jobs_help)
    parser.add_argument("--play", action="store_true", help="play the sound aloud when it is there (without --out)")
    parser.add_argument("--soundfont", metavar="FILE", help="a .sf2 or .sf3 file (default: the best on this machine)")
    parser.add_argument("--require-fluidsynth", action="store_true", help="fail without FluidSynth: no plain tones")
    failed: list[str] = []

    def body(arguments: argparse.Namespace) -> dict[str, Any]:
        result = _render(arguments)
        failed.extend(result.get("failed", ()))
        return result

    return command.run(body, parser, argv) or (command.USER_MISTAKE if failed else command.OK)


def render_file(
    source: str | os.PathLike[str],
    path: str | os.PathLike[str],
    soundfont: str | os.PathLike[str] | None = None,
    require_fluidsynth: bool = False,
    bits: int = DEFAULT_BITS,
) -> RenderReport:
    """Render a MIDI file, or the .json of a piece as its band plays it, to a sound file: see `render_midi`."""
    from rlcompose.audio import mix_of, render_midi

    if Path(source).suffix.lower() != ".json":
        return render_midi(source, path, soundfont, require_fluidsynth, bits)
    from rlcompose.midi import midi_bytes
    from rlcompose.piece import read_music

    content = midi_bytes(read_music(Path(source)), mix=mix_of(soundfont))
    return render_midi(content, path, soundfont, require_fluidsynth, bits)


def _render(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.out is not None:
        return _render_all(arguments)
    if len(arguments.files) != 2:
        raise RlcomposeError("name one MIDI file and the sound file to write, or any number of files with --out FOLDER")
    # Imported here because numpy and scipy would make -h slow.
    from dataclasses import asdict

    source, path = arguments.files
    report = render_file(source, path, arguments.soundfont, arguments.require_fluidsynth, arguments.bits)
    if arguments.play:
        from rlcompose.play import play_or_tell

        play_or_tell(path)
    return asdict(report)


def _render_all(arguments: argparse.Namespace) -> dict[str, Any]:
    """Render over processes, with a line for each file that is done; one that fails does not stop the others."""
    if arguments.jobs < 1:
        raise RlcomposeError(f"--jobs {arguments.jobs} is too small: allowed are 1 and more")
    sources = list(_sources(arguments.files))
    folder = Path(arguments.out)
    make_folder(folder)
    tasks = [
        (source, path, arguments.soundfont, arguments.require_fluidsynth, arguments.bits)
        for source, path in _targets(sources, folder, f".{arguments.audio}")
    ]
    written: list[str] = []
    failed: list[str] = []
    for number, (path, error) in enumerate(_done(tasks, min(arguments.jobs, len(tasks))), 1):
        print(f"{number}/{len(tasks)} {path}{': ' + error if error else ''}", file=sys.stderr, flush=True)
        (failed if error else written).append(f"{path}: {error}" if error else path)
    return {"folder": str(folder), "written": written, "failed": failed}


_Task = tuple[Path, Path, str | None, bool, int]


def _done(tasks: Sequence[_Task], jobs: int) -> Iterator[tuple[str, str]]:
    if jobs == 1:
        yield from map(_one, tasks)
        return
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    method = "spawn"
    if sys.platform == "linux":
        # What takes a second to import is imported once and forked, as long as no synthesizer has been loaded, whose
        # locks a fork would copy as they happen to be.
        for module in IMPORTED_LATE:
            import_module(module)
        method = "fork"
    with ProcessPoolExecutor(jobs, get_context(method)) as pool:
        futures = [pool.submit(_one, task) for task in tasks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _one(task: _Task) -> tuple[str, str]:
    """The path that was written, and what went wrong."""
    source, path, soundfont, require_fluidsynth, bits = task
    try:
        render_file(source, path, soundfont, require_fluidsynth, bits)
    except RlcomposeError as error:
        return str(path), command.one_line(str(error))
    return str(path), ""


def _sources(names: Sequence[str]) -> Iterator[Path]:
    """The files, and those in the folders."""
    for name in names:
        path = Path(name)
        if path.is_dir():
            found = sorted(each for each in path.iterdir() if each.suffix.lower() in SOURCES)
            # A piece lies there as .json and .mid: it is rendered once, from the MIDI file.
            stems = {each.stem for each in found if each.suffix.lower() != ".json"}
            found = [each for each in found if each.suffix.lower() != ".json" or each.stem not in stems]
            if not found:
                raise RlcomposeError(f"the folder {path} has nothing to render: no {', '.join(SOURCES)}")
            yield from found
        elif not path.exists():
            raise missing_file("MIDI file", path)
        elif path.suffix.lower() not in SOURCES:
            raise unknown("kind of file to render", path.suffix or path.name, SOURCES)
        else:
            yield path


def _targets(sources: Sequence[Path], folder: Path, ending: str) -> Iterator[tuple[Path, Path]]:
    """Each source with a path of its own: the second of a name is NAME-2."""
    taken: set[str] = set()
    for source in sources:
        name, number = source.stem, 1
        while name in taken:
            number += 1
            name = f"{source.stem}-{number}"
        taken.add(name)
        yield source, folder / f"{name}{ending}"


if __name__ == "__main__":
    sys.exit(main())
