"""How well real music fits: what is counted, on melodies whose answer is known, and the command on tiny tables."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from rlcompose import fit as command
from rlcompose import load_style
from rlcompose.fit import Fit, fit
from rlcompose.testing import melody

JAZZ = load_style("jazz")
NOTES = "piece,onset,dur,pitch,pos,metre,key_pc,mode,tempo\n"
ROWS = "a,0,6,60,0,4/4,0,maj,120\na,6,6,62,6,4/4,0,maj,120\na,12,12,64,12,4/4,0,maj,120\n"


def tables(folder: Path, notes: str = NOTES + ROWS) -> Path:
    """The three tables with one solo of C D E over C major."""
    (folder / "pieces.csv").write_text("piece,performer,title\na,Nobody,Scale\n")
    for name, text in (("notes", notes), ("beats", "piece,tick,chord_root,chord_qual\na,0,0,maj\n")):
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return folder


def test_a_melody_in_the_styles_durations_is_kept_whole() -> None:
    assert fit([melody("C4 E4:6 G4:6 - C5:24")], JAZZ) == Fit(1, 4, 4, 4, 4, 0)


def test_pieces_are_added_up() -> None:
    piece = melody("C4 E4:6 G4:6")
    assert fit([piece, piece], JAZZ) == Fit(2, 6, 6, 6, 6, 0)


def test_no_piece_is_no_note() -> None:
    assert fit([], JAZZ) == Fit(0, 0, 0, 0, 0, 0)


def test_an_onset_off_the_grid_is_kept_within_a_tick() -> None:
    # No sum of jazz's lengths (2 3 4 6 8 …) is 1: the second note cannot begin a tick after the first.
    found = fit([melody("C4:1 D4:11 E4 F4 G4")], JAZZ)
    assert found.notes == 5 and found.exact < found.kept == 5


def test_a_note_outside_the_window_is_counted_as_lost() -> None:
    # More than three and a half octaves (43 semitones) between two notes.
    found = fit([melody("C2 C4 C4 C4 C4 G6")], JAZZ)
    assert found.kept < found.notes == 6 and found.illegal == 0


def test_the_command_reads_tables(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    result = tmp_path / "result.json"
    assert command.main([str(tables(tmp_path)), "--json", str(result)]) == 0
    assert json.loads(result.read_text()) == {
        "pieces": 1,
        "notes": 3,
        "kept_share": 1.0,
        "unmoved_share": 1.0,
        "length_within_a_tick_share": 1.0,
        "illegal_actions": 0,
        "lost_on_the_grid": 0,
        "skipped": {},
    }
    assert "kept_share: 1.0\n" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("notes", "style", "told"),
    [
        (NOTES, "jazz", "there is no piece for style 'jazz' in"),
        (NOTES, "jazz", "it has no notes (1)"),
        ("piece,onset\n", "jazz", "has no column"),
        (NOTES + ROWS, "jaz", "did you mean 'jazz'?"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path, notes: str, style: str, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command.main([str(tables(tmp_path, notes)), "--style", style]) == 2
    out, error = capfd.readouterr()
    assert out == "" and error.count("\n") == 1 and told in error


def test_a_missing_folder_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(tmp_path / "nowhere")]) == 2
    assert "there is no source" in capfd.readouterr().err


def test_the_command_reads_other_music_up_to_a_limit(tmp_path: Path) -> None:
    header = "M:4/4\nL:1/8\nK:G\n"
    waltz = "X:1\nM:3/4\nL:1/8\nK:G\nG6|\n\n"
    (tmp_path / "tunes.abc").write_text(waltz + "".join(f"X:{n}\n{header}GABc d4|\n\n" for n in (2, 3, 4)))
    result = tmp_path / "result.json"
    arguments = [str(tmp_path), "--style", "fiddle", "--limit", "2", "--json", str(result)]
    assert command.main(arguments) == 0
    found = json.loads(result.read_text())
    assert (found["pieces"], found["notes"], found["kept_share"]) == (2, 10, 1.0)
    assert found["skipped"] == {"the metre 3/4 is not used": 1}
    assert command.main([*arguments, "--meter", "3/4"]) == 0
    assert json.loads(result.read_text())["pieces"] == 1
