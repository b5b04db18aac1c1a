"""What a SoundFont has: its presets, and which of General MIDI's and of our bands' instruments it lacks."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from rlcompose.errors import RlcomposeError

DRUM_BANK = 128  # of drum kits in a SoundFont
GENERAL_MIDI_PROGRAMS = 128
PRESET_BYTES, SAMPLE_BYTES = 38, 46  # of a record in the chunks phdr and shdr (SoundFont Technical Specification 2.04)
_PRESET = struct.Struct("<20sHHHIII")
_SAMPLE = struct.Struct("<20sIIIIIBbHH")
COMPRESSED_SAMPLE = 0x10  # the flag of a Vorbis sample, in .sf3
BYTES_A_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class SoundFontCheck:
    """What was found in a SoundFont.

    programs          General MIDI programs, from 0, that it has in its first bank
    kits              programs of its drum kits
    missing_programs  those of General MIDI that it lacks
    missing_in_bands  instruments and kits that our styles and grooves play and it lacks, by name
    faults            what is damaged
    """

    path: str
    name: str
    bytes: int
    presets: int
    samples: int
    programs: tuple[int, ...]
    kits: tuple[int, ...]
    missing_programs: tuple[int, ...]
    missing_in_bands: tuple[str, ...]
    faults: tuple[str, ...]


def check_soundfont(path: Path) -> SoundFontCheck:
    """Read a SoundFont's tables; its samples are not decoded.

    Raises:
        RlcomposeError: It has no tables to read.
    """
    chunks = dict(_chunks(path))
    for needed in ("phdr", "shdr", "smpl"):
        if needed not in chunks:
            raise RlcomposeError(f"{path} is damaged: it has no chunk {needed!r}")
    with path.open("rb") as file:
        presets = [_PRESET.unpack(record) for record in _records(file, chunks["phdr"], PRESET_BYTES)][:-1]
        samples = [_SAMPLE.unpack(record) for record in _records(file, chunks["shdr"], SAMPLE_BYTES)][:-1]
        name = path.stem
        if "INAM" in chunks:
            start, length = chunks["INAM"]
            file.seek(start)
            name = file.read(length).split(b"\0")[0].decode("latin-1") or name
    programs = tuple(sorted({program for _, program, bank, *_ in presets if bank == 0}))
    kits = tuple(sorted({program for _, program, bank, *_ in presets if bank == DRUM_BANK}))
    missing = tuple(program for program in range(GENERAL_MIDI_PROGRAMS) if program not in programs)
    return SoundFontCheck(
        path=str(path),
        name=name,
        bytes=path.stat().st_size,
        presets=len(presets),
        samples=len(samples),
        programs=programs,
        kits=kits,
        missing_programs=missing,
        missing_in_bands=tuple(_missing_in_bands(set(programs), set(kits))),
        faults=tuple(_faults(samples, chunks["smpl"][1])),
    )


def _chunks(path: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Name, place and length of every chunk; lists are opened."""
    size = path.stat().st_size
    with path.open("rb") as file:
        at, ends = 12, size
        while at + 8 <= ends:
            file.seek(at)
            header = file.read(8)
            name, length = header[:4].decode("latin-1"), int.from_bytes(header[4:], "little")
            if name == "LIST":
                at += 12
                continue
            yield name, (at + 8, min(length, size - at - 8))
            at += 8 + length + length % 2


def _records(file: BinaryIO, place: tuple[int, int], size: int) -> Iterator[bytes]:
    start, length = place
    file.seek(start)
    data = file.read(length)
    for at in range(0, len(data) - size + 1, size):
        yield data[at : at + size]


def _faults(samples: list[tuple[Any, ...]], sample_bytes: int) -> Iterator[str]:
    """Samples that lie beyond the end of the data."""
    outside = 0
    for _, start, end, *rest in samples:
        unit = 1 if rest[-1] & COMPRESSED_SAMPLE else BYTES_A_SAMPLE
        outside += start > end or end * unit > sample_bytes
    if outside:
        yield f"{outside} of {len(samples)} samples lie outside of the file"


def _missing_in_bands(programs: set[int], kits: set[int]) -> Iterator[str]:
    """The instruments of our styles and grooves that are not among these."""
    from pretty_midi import program_to_instrument_name

    from rlcompose.arrange.arrangement import Role
    from rlcompose.arrange.groove import groove_names, load_groove
    from rlcompose.arrange.players import find_player
    from rlcompose.style import list_styles, load_style

    wanted: dict[int, set[str]] = {}
    drums: set[int] = set()
    for listed in list_styles():
        for program in load_style(listed.name).instruments.values():
            wanted.setdefault(program, set()).add(listed.family)
    for name in groove_names():
        for plan in load_groove(name).parts:
            if not isinstance(plan.program, int):
                continue
            if find_player(plan.player).role is Role.DRUMS:
                drums.add(plan.program)
            else:
                wanted.setdefault(plan.program, set()).add(name)
    for program in sorted(wanted.keys() - programs):
        yield f"{program} {program_to_instrument_name(program)} ({', '.join(sorted(wanted[program]))})"
    for kit in sorted(drums - kits):
        yield f"drum kit {kit}"


def report_lines(check: SoundFontCheck) -> Iterator[str]:
    """The check in words."""
    yield f"soundfont: {check.path}"
    yield f"name: {check.name}"
    yield f"size: {check.bytes / 1e6:.1f} MB, {check.presets} presets, {check.samples} samples"
    count = GENERAL_MIDI_PROGRAMS - len(check.missing_programs)
    yield f"General MIDI: {count} of {GENERAL_MIDI_PROGRAMS} programs, {len(check.kits)} drum kits"
    yield f"lacks for our bands: {'; '.join(check.missing_in_bands) or 'nothing'}"
    for fault in check.faults:
        yield f"damaged: {fault}"
