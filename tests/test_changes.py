"""The table of what has changed: its numbers counted by hand from small melodies, and how it is told."""

from __future__ import annotations

import pytest

from rlcompose.agent import Played
from rlcompose.brief import Brief
from rlcompose.changes import Changes, measured
from rlcompose.codec import encode, perform
from rlcompose.reward import weigh_terms
from rlcompose.style import load_style
from rlcompose.testing import melody

TERMS = weigh_terms({"stepwise_motion": 2.0, "varied_pitch": 1.0})


def played(notes: str) -> tuple[Brief, Played]:
    """The melody over two bars of C, as an agent's piece; the tonic is C4, 60."""
    encoding = encode(melody(notes, chords="C | C", key="C"), load_style("jazz"), 60)
    total = perform(encoding.brief, 0, encoding.actions, TERMS).rewards.sum()
    return encoding.brief, Played(0, encoding.actions, float(total))


def test_the_music_is_measured_as_counted_by_hand() -> None:
    # Quarters C4 D4 G4 and G4 again a half, then a beat of rest and two beats until the second bar ends.
    brief, piece = played("C4 D4 G4 G4:24")
    found = measured(brief, TERMS, [piece])
    assert found["mean_pitch"] == pytest.approx((60 + 62 + 67 + 67) / 4)
    assert found["mean_pitch_above_tonic"] == pytest.approx((0 + 2 + 7 + 7) / 4)
    assert found["range"] == 7
    assert found["notes_per_bar"] == 2
    assert found["rest_share"] == pytest.approx(3 / 8)  # 3 of 8 beats
    # A step, a fourth, a repeated note.
    assert found["step_share"] == found["leap_share"] == pytest.approx(1 / 3, abs=1e-4)


def test_what_the_terms_pay_adds_up_to_the_return() -> None:
    brief, piece = played("C4:6 D4:6 E4:6 F4:6 G4:6 G4:6 A4:6 B4:6 C5:48")
    found = measured(brief, TERMS, [piece])
    shares = [found[f"terms/{name}"] or 0.0 for name in ("stepwise_motion", "varied_pitch", "illegal")]
    assert sum(shares) == pytest.approx(piece.total, abs=1e-3) and found["return"] == pytest.approx(
        piece.total, abs=1e-3
    )


def test_pieces_of_different_lengths_are_averaged_each_for_itself() -> None:
    brief, _ = played("C4 C5")  # whose range holds both
    low, high = (played(notes)[1] for notes in ("C4", "C5:6 C5:6 C5:6 C5:6"))
    found = measured(brief, TERMS, [low, high])
    assert found["mean_pitch_above_tonic"] == 6  # of 0 and 12, however many notes there are
    assert found["notes_per_bar"] == 1.25


def test_a_piece_without_notes_has_no_pitch_and_one_of_a_single_note_no_interval() -> None:
    brief, silent = played("-:96")
    found = measured(brief, TERMS, [silent])
    assert found["mean_pitch"] is None and found["range"] is None and found["rest_share"] == 1
    _, single = played("C4")
    found = measured(brief, TERMS, [single])
    assert found["step_share"] is None and found["range"] == 0


def values(pitch: float | None, old: float, new: float) -> dict[str, float | None]:
    """Two terms and a pitch; everything else is 0."""
    zeros = dict.fromkeys(
        ("mean_pitch_above_tonic", "range", "notes_per_bar", "rest_share", "step_share", "leap_share"), 0.0
    )
    terms = {"terms/motif": old, "terms/high": new, "terms/illegal": 0.0}
    return {"mean_pitch": pitch, **zeros, "return": old + new, **terms}


def test_the_return_is_also_told_without_what_is_new() -> None:
    changes = Changes(50, values(60, 4, 1), values(67, 3, 9), {"motif": 1.0, "high": 0.5}, {"motif": 1.0})
    assert changes.new_terms == ("high",)
    plain = changes.to_dict()
    assert plain["mean_pitch"] == {"before": 60, "after": 67}
    assert plain["return"] == {"before": 5, "after": 12}
    assert plain["return_without_new_terms"] == {"before": 4, "after": 3}
    assert plain["terms/high"] == {"before": 1, "after": 9}


def test_without_new_terms_the_return_is_told_once() -> None:
    changes = Changes(50, values(60, 4, 1), values(67, 3, 9), {"motif": 2.0, "high": 1.0}, {"motif": 1.0, "high": 1.0})
    assert "return_without_new_terms" not in changes.to_dict()


def test_the_table_names_weights_and_what_they_were() -> None:
    changes = Changes(50, values(60, 4, 1), values(None, 3, 9), {"motif": 2.0, "high": 0.5}, {"motif": 1.0})
    lines = changes.lines()
    assert lines[0].split() == ["mean", "of", "50", "pieces", "before", "after", "change"]
    assert lines[1].split() == ["mean", "pitch", "(MIDI)", "60.00"]  # none after, so no change
    assert any(line.split() == "motif × 2, was 1 4.00 3.00 -1.00".split() for line in lines)
    assert any(line.split() == "high × 0.5, new 1.00 9.00 +8.00".split() for line in lines)
    assert len({len(line) for line in lines}) == 1
    assert "| motif × 2, was 1 | 4.00 | 3.00 | -1.00 |\n" in changes.markdown()
