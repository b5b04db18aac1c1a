"""Each term on melodies made by hand; the values are counted from the published description of the reward."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcompose.errors import RlcomposeError
from rlcompose.rl_tuner import CONVENTIONS, TERM_NAMES, terms

C3, C4, D4, E4, F4, G4, A4, B4, C5, D5, G5 = 2, 14, 16, 18, 19, 21, 23, 25, 26, 28, 33
OFF = {"compat": 0, "corrected": 1}
HOLD = {"compat": 1, "corrected": 0}
MELODIES = st.lists(st.integers(0, 37), min_size=32, max_size=32)

both = pytest.mark.parametrize("convention", CONVENTIONS)


def shares(term: str, tokens: Sequence[int], convention: str) -> list[float]:
    """What a term pays for these events; the rest of the melody is filled up with middle C."""
    whole = [*tokens, *[C4] * (32 - len(tokens))]
    values: list[float] = terms(whole, convention)[: len(tokens), TERM_NAMES.index(term)].tolist()
    return values


# --- key and tonic ---


@both
def test_notes_outside_c_major_cost_one(convention: str) -> None:
    black_keys = {3, 5, 8, 10, 12, 15, 17, 20, 22, 24, 27, 29, 32, 34, 36}
    for token in range(38):
        assert shares("key", [token], convention) == [-1.0 if token in black_keys else 0.0]


@both
def test_a_melody_with_tonic_and_held_end_earns_fifteen(convention: str) -> None:
    hold, off = HOLD[convention], OFF[convention]
    paid = shares("tonic", [C4, *[D4] * 27, C4, hold, hold, off], convention)
    assert paid == [3.0, *[0.0] * 27, 3.0, 3.0, 3.0, 3.0]


@both
def test_only_a_hold_follows_the_last_tonic(convention: str) -> None:
    melody = [D4] * 29
    assert shares("tonic", [*melody, HOLD[convention]], convention)[29] == 3.0
    assert shares("tonic", [*melody, OFF[convention]], convention)[29] == 0.0
    assert shares("tonic", [*melody, C4], convention)[29] == 0.0


@both
def test_the_tonic_is_paid_at_the_beginning_and_at_event_28_only(convention: str) -> None:
    assert np.flatnonzero(shares("tonic", [C4] * 32, convention)).tolist() == [0, 28]


def test_corrected_takes_every_c_for_the_tonic_compat_middle_c_only() -> None:
    for token in (C3, C5):
        assert shares("tonic", [token], "compat") == [0.0]
        assert shares("tonic", [token], "corrected") == [3.0]
    assert shares("tonic", [G4], "corrected") == [0.0]


# --- repetition ---


@both
def test_the_sixth_of_equal_notes_in_a_row_is_too_much(convention: str) -> None:
    assert shares("repetition", [G4] * 7, convention) == [0.0, 0.0, 0.0, 0.0, 0.0, -100.0, -100.0]


@both
@pytest.mark.parametrize("special", [0, 1])
def test_between_holds_or_rests_the_eighth_is_too_much(special: int, convention: str) -> None:
    # A rest between notes is compared with those before it, too: its third is excessive, so only notes are looked at.
    paid = shares("repetition", [G4, special] * 9, convention)
    assert paid[::2] == [*[0.0] * 7, -100.0, -100.0]


@both
def test_holds_and_rests_together_allow_no_more_than_either(convention: str) -> None:
    paid = shares("repetition", [G4, 0, G4, 1, G4, G4, G4, G4, G4, G4], convention)
    assert paid == [*[0.0] * 9, -100.0]


@both
def test_another_pitch_ends_the_count(convention: str) -> None:
    assert shares("repetition", [*[G4] * 5, A4, *[G4] * 5], convention) == [0.0] * 11


@both
def test_the_third_rest_since_a_note_is_too_much(convention: str) -> None:
    off, hold = OFF[convention], HOLD[convention]
    assert shares("repetition", [off, off, off], convention) == [0.0, 0.0, -100.0]
    assert shares("repetition", [off, hold, off, hold, off], convention) == [0.0, 0.0, 0.0, 0.0, -100.0]
    assert shares("repetition", [off, off, G4, off, off], convention) == [0.0] * 5


@both
def test_the_sixth_hold_is_too_much_and_after_a_rest_the_eighth(convention: str) -> None:
    off, hold = OFF[convention], HOLD[convention]
    assert shares("repetition", [G4, *[hold] * 6], convention) == [*[0.0] * 6, -100.0]
    assert shares("repetition", [G4, off, *[hold] * 8], convention) == [*[0.0] * 9, -100.0]


# --- autocorrelation ---


@both
def test_autocorrelation_by_hand(convention: str) -> None:
    # [2, 4]: deviations -1, 1, variance 1; lag 1: -1 / 2 = -1/2. Cost 3 * 1/2.
    # [2, 4, 2]: deviations -2/3, 4/3, -2/3, variance 8/9; lag 1: -2/3, lag 2: 1/6. Cost 3 * 5/6.
    # [2, 4, 2, 4]: deviations -1, 1, -1, 1; lags 1 to 3: -3/4, 2/4, -1/4. Cost 3 * 3/2.
    assert shares("autocorrelation", [2, 4, 2, 4], convention) == pytest.approx([0.0, -1.5, -2.5, -4.5], rel=1e-15)


@both
def test_a_coefficient_of_exactly_fifteen_hundredths_is_free(convention: str) -> None:
    # Deviations -3, 3, 1, -1, variance 5: lags 1 to 3: -7/20, -6/20, 3/20. Cost 3 * 13/20.
    assert shares("autocorrelation", [2, 8, 6, 4], convention)[3] == pytest.approx(-1.95, rel=1e-15)


@both
def test_special_tokens_count_with_their_numbers(convention: str) -> None:
    # [0, 1] deviates by -1/2, 1/2: lag 1 is -1/2 again.
    assert shares("autocorrelation", [0, 1], convention) == [0.0, -1.5]


@both
@pytest.mark.parametrize("token", [0, 1, 2, 37])
def test_a_single_token_has_no_autocorrelation(token: int, convention: str) -> None:
    assert shares("autocorrelation", [token] * 32, convention) == [0.0] * 32


# --- motifs ---


@both
@pytest.mark.parametrize(
    ("window", "share"),
    [
        ([C4, D4, C4, D4, C4, D4, C4, D4], 0.0),
        ([C4, D4, 0, 1, 0, 1, 0, 1], 0.0),
        ([C4, D4, E4, 0, 1, 0, 1, C4], 3.0),
        ([C4, D4, E4, F4, 0, C4, D4, E4], 3.3),
        ([C3, C4, C5, 3, 15, 27, 28, 29], 4.5),  # octaves are different pitches; 3 + 5 * .3
    ],
)
def test_a_motif_is_three_pitches_in_eight_events(window: list[int], share: float, convention: str) -> None:
    assert shares("motif", window, convention) == pytest.approx([*[0.0] * 7, share])


@both
def test_a_motif_leaves_the_window_with_its_third_pitch(convention: str) -> None:
    paid = shares("motif", [C4, *[D4, E4] * 5], convention)
    assert paid == [*[0.0] * 7, 3.0, 0.0, 0.0, 0.0]


@both
def test_a_bar_played_again_is_a_repeated_motif(convention: str) -> None:
    bar = [C4, 0, D4, 1, E4, D4, C4, 0]
    assert shares("repeated_motif", [*bar, *bar], convention) == [*[0.0] * 15, 4.0]
    assert shares("repeated_motif", [*bar, *bar[:7], 1], convention) == [0.0] * 16


@both
def test_a_repeated_motif_of_five_pitches_earns_two_more(convention: str) -> None:
    bar = [C4, D4, E4, F4, G4, F4, E4, D4]
    assert shares("repeated_motif", [*bar, *bar], convention)[15] == 6.0


@both
def test_a_repetition_must_not_overlap_what_it_repeats(convention: str) -> None:
    # The first eight events of the cycle of three recur at 3, at 6 and, in full after themselves, at 9 to 16.
    paid = shares("repeated_motif", [C4, D4, E4] * 6, convention)
    assert np.flatnonzero(paid).tolist() == [16, 17]


@both
def test_two_pitches_again_and_again_are_no_repeated_motif(convention: str) -> None:
    assert shares("repeated_motif", [C4, D4] * 16, convention) == [0.0] * 32


# --- intervals ---


@both
@pytest.mark.parametrize(
    ("last", "token", "share"),
    [
        *((C4, C4 + semitones, 0.0) for semitones in (0, 1, 3, 6, 8, 10, 12)),
        *[(C4, D4, 0.4), (D4, C4, 0.4)],  # 5 * .08
        *[(C4, E4, 0.75), (E4, C4, 0.75), (E4, 22, 0.75), (C5, 22, 0.75)],  # 5 * .15: a third from C or E
        *[(F4, A4, 0.45), (G4, B4, 0.45)],  # 5 * .09: a third from elsewhere
        *[(C4, F4, 0.35), (G4, C5, 0.35)],  # 5 * .07
        *[(C4, G4, 0.5), (C4, 7, 0.5), (G4, D5, 0.5), (G4, C4, 0.5)],  # 5 * .1: a fifth from C or G
        *[(D4, A4, 0.1), (A4, D4, 0.1)],  # 5 * .02: a fifth from elsewhere
        *[(C4, A4, 0.25), (C4, B4, -1.5)],  # 5 * .05, 5 * -.3
        *[(C4, C5 + 1, -5.0), (C3, 37, -5.0), (37, C3, -5.0)],  # wider than an octave
    ],
)
def test_intervals_between_notes(last: int, token: int, share: float, convention: str) -> None:
    assert shares("preferred_intervals", [last, token], convention) == pytest.approx([0.0, share])
    # Holds and rests between do not matter.
    assert shares("preferred_intervals", [last, 0, 1, token], convention)[3] == pytest.approx(share)


@both
@pytest.mark.parametrize(
    ("last", "rest", "hold"), [(C3, 0.75, 1.5), (C4, 0.75, 1.5), (G5, 0.75, 1.5), (D4, 0.25, 0.375), (E4, 0.25, 0.375)]
)
def test_rests_and_holds_are_better_after_tonic_and_fifth(last: int, rest: float, hold: float, convention: str) -> None:
    assert shares("preferred_intervals", [last, OFF[convention]], convention) == pytest.approx([0.0, rest])
    assert shares("preferred_intervals", [last, HOLD[convention]], convention) == pytest.approx([0.0, hold])


@both
def test_before_the_first_pitch_there_is_no_interval(convention: str) -> None:
    assert shares("preferred_intervals", [0, 1, 1, C4], convention) == [0.0] * 4


# --- leaps ---


@both
@pytest.mark.parametrize(
    ("melody", "paid"),
    [
        ([C4, G4, F4, E4, C4], [0.0, 0.0, 0.0, 0.0, 5.0]),  # back at the origin by step
        ([G4, C4, E4, G4], [0.0, 0.0, 0.0, 5.0]),
        ([C4, G4, F4, E4, 13], [0.0, 0.0, 0.0, 0.0, 5.0]),  # past it
        ([C4, G4, D5], [0.0, 0.0, -5.0]),  # two leaps up
        ([C4, 20, 26], [0.0, 0.0, 0.0]),  # tritones are no leaps
        ([C4, G4, D5, A4, F4, D4, C4], [0.0, 0.0, -5.0, 0.0, 0.0, 0.0, 5.0]),  # the doubled leap is still pending
        ([C4, G4, C4, G4, C4], [0.0] * 5),  # reversed at once: forgotten, and the next leap is a new one
        ([C4, G4, C4, D4, C4], [0.0] * 5),  # nothing is pending after the reversal
        ([C4, G4, *[A4, G4] * 3, D4 - 2], [0.0] * 9),  # reversed after 6 steps: too early
        ([C4, G4, *[A4, G4] * 3, A4, D4], [*[0.0] * 9, 5.0]),  # after 7
        ([C4, G4, *[0, 1] * 3, 0, C4], [*[0.0] * 9, 5.0]),  # holds and rests are steps
        ([C4, 0, 1, G4, 0, D5], [0.0, 0.0, 0.0, 0.0, 0.0, -5.0]),  # a leap over a rest is one
        ([0, G4, C4, 0, E4, G4], [0.0, 0.0, 0.0, 0.0, 0.0, 5.0]),  # the first pitch comes from nowhere
    ],
)
def test_leaps(melody: list[int], paid: list[float], convention: str) -> None:
    assert shares("leap", melody, convention) == paid


# --- extremes ---


@both
@pytest.mark.parametrize(
    ("end", "share"),
    [
        ([C3, C5], 6.0),
        ([C3, C3], 0.0),
        ([C5, C5], 0.0),
        ([C4, C5], 3.0),
        ([C3, C4], 3.0),
        ([0, C5], 3.0),  # the lowest pitch is C4, however low the rest
    ],
)
def test_extremes_that_occur_once(end: list[int], share: float, convention: str) -> None:
    assert shares("unique_extremes", [*[C4] * 30, *end], convention) == [*[0.0] * 31, share]


@both
def test_without_pitches_a_single_token_1_is_the_highest(convention: str) -> None:
    assert shares("unique_extremes", [*[0] * 31, 1], convention)[31] == 3.0
    assert shares("unique_extremes", [*[0] * 30, 1, 1], convention)[31] == 0.0


# --- what always holds ---


@both
@given(tokens=MELODIES, later=MELODIES, place=st.integers(1, 32))
def test_no_term_knows_what_comes_later(convention: str, tokens: list[int], later: list[int], place: int) -> None:
    changed = [*tokens[:place], *later[place:]]
    np.testing.assert_array_equal(terms(tokens, convention)[:place], terms(changed, convention)[:place])


@given(tokens=MELODIES)
def test_conventions_differ_in_the_roles_of_0_and_1_and_in_the_tonics_octave(tokens: list[int]) -> None:
    corrected = terms(tokens, "corrected")
    compat = terms([1 - token if token < 2 else token for token in tokens], "compat")
    for name in ("key", "repetition", "motif", "repeated_motif", "preferred_intervals", "leap"):
        column = TERM_NAMES.index(name)
        np.testing.assert_array_equal(corrected[:, column], compat[:, column])
    column = TERM_NAMES.index("autocorrelation")
    np.testing.assert_array_equal(corrected[:, column], terms(tokens, "compat")[:, column])
    column = TERM_NAMES.index("tonic")
    assert (corrected[:, column] >= compat[:, column]).all()


@both
@given(tokens=MELODIES)
def test_shares_stay_in_their_ranges(convention: str, tokens: list[int]) -> None:
    lowest = [-1.0, 0.0, -100.0, -9.0, 0.0, 0.0, -5.0, -5.0, 0.0]
    highest = [0.0, 3.0, 0.0, 0.0, 4.5, 9.0, 1.5, 5.0, 6.0]
    paid = terms(tokens, convention)
    assert (paid >= lowest).all() and (paid <= highest).all()


# --- wrong input ---


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([C4] * 31, r"tokens of shape \(31,\) and dtype int64: integers of shape \(32,\) are needed"),
        ([[C4] * 32], r"tokens of shape \(1, 32\)"),
        ([14.0] * 32, "dtype float64"),
        ([*[C4] * 31, 38], "token 38 does not exist: allowed are 0 to 37"),
        ([*[C4] * 31, -1], "token -1 does not exist"),
    ],
)
def test_wrong_tokens_are_told(tokens: object, message: str) -> None:
    with pytest.raises(RlcomposeError, match=message):
        terms(tokens)  # type: ignore[arg-type]


def test_an_unknown_convention_is_told() -> None:
    with pytest.raises(RlcomposeError, match="unknown convention 'compatible': did you mean 'compat'"):
        terms([C4] * 32, "compatible")
