"""A SoundFont's tables, read by our own reader and compared with what the font is known to have."""

import struct
from pathlib import Path

import pytest

from rlcompose import soundfont
from rlcompose.errors import RlcomposeError
from rlcompose.soundfont import find_soundfont
from rlcompose.soundfont_check import check_soundfont


def chunk(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)


def font(path: Path, presets: list[tuple[int, int]], sample_end: int = 50) -> Path:
    """A SoundFont of presets (bank, program) and one sample of 100 bytes, which says that it ends at `sample_end`."""
    records = [struct.pack("<20sHHHIII", b"some", program, bank, 0, 0, 0, 0) for bank, program in presets]
    records.append(struct.pack("<20sHHHIII", b"EOP", 0, 0, 0, 0, 0, 0))
    sample = struct.pack("<20sIIIIIBbHH", b"tone", 0, sample_end, 0, 0, 44_100, 60, 0, 0, 1)
    end = struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    body = b"".join(
        [
            b"sfbk",
            chunk(b"LIST", b"INFO" + chunk(b"INAM", b"Mine\0\0")),
            chunk(b"LIST", b"sdta" + chunk(b"smpl", b"\0" * 100)),
            chunk(b"LIST", b"pdta" + chunk(b"phdr", b"".join(records)) + chunk(b"shdr", sample + end)),
        ]
    )
    path.write_bytes(chunk(b"RIFF", body))
    return path


def test_the_default_font_has_all_of_general_midi() -> None:
    package = next(path for path in [find_soundfont()] if path.name == "TimGM6mb.sf2")
    found = check_soundfont(package)
    # 136 presets, 520 samples, 8 kits: as its own documentation and Polyphone count.
    assert (found.presets, found.samples, len(found.kits)) == (136, 520, 8)
    assert found.missing_programs == () and found.missing_in_bands == () and found.faults == ()


def test_what_a_small_font_lacks_is_told_by_name(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = font(tmp_path / "mine.sf2", [(0, 0), (0, 32), (128, 0)])
    found = check_soundfont(path)
    assert (found.name, found.programs, found.kits) == ("Mine", (0, 32), (0,))
    assert len(found.missing_programs) == 126
    assert any("Tenor Sax" in each for each in found.missing_in_bands) and "drum kit 40" in found.missing_in_bands
    assert soundfont.main([str(path)]) == 0
    out = capfd.readouterr().out
    assert "General MIDI: 2 of 128 programs, 1 drum kits" in out and "Tenor Sax" in out


def test_a_sample_beyond_the_end_is_damage(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = font(tmp_path / "mine.sf2", [(0, 0)], sample_end=51)
    assert check_soundfont(path).faults == ("1 of 1 samples lie outside of the file",)
    assert soundfont.main([str(path)]) == 2
    assert "is damaged: 1 of 1 samples" in capfd.readouterr().err


def test_a_font_without_tables_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "mine.sf2"
    path.write_bytes(chunk(b"RIFF", b"sfbk" + chunk(b"LIST", b"INFO")))
    with pytest.raises(RlcomposeError, match="it has no chunk 'phdr'"):
        check_soundfont(path)
