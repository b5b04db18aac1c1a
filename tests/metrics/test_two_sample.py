from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from rlcompose.errors import RlcomposeError
from rlcompose.learned.layout import FEATURES
from rlcompose.learned.melodies import Melodies, windows_of
from rlcompose.learned.successions import SUCCESSIONS, succession_features
from rlcompose.metrics.two_sample import joined_groups, rank_auc, two_sample_test, windows_features


def test_equal_distributions_are_not_told_apart_and_others_are() -> None:
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 200, 6))
    groups = range(400)
    same = two_sample_test(a, b, groups, seed=1)
    assert same.accuracy == pytest.approx(0.5, abs=0.09)
    assert same.auc == pytest.approx(0.5, abs=0.1)
    b[:, 2] += 5.0  # the best that can be is the normal distribution's .994
    other = two_sample_test(a, b, groups, seed=1, names=list("uvwxyz"))
    assert other.accuracy > 0.9
    assert other.auc > 0.95
    assert 0 < other.deviation < 0.1
    best = other.giveaways[0]
    assert (best.name, best.auc < 0.05) == ("w", True)
    assert best.means == pytest.approx((a[:, 2].mean(), b[:, 2].mean()), abs=1e-5)
    assert len(other.giveaways) == 6


def test_the_larger_side_is_cut_to_the_smaller() -> None:
    draw = np.random.default_rng(0)
    found = two_sample_test(draw.normal(size=(300, 3)), draw.normal(size=(40, 3)), range(340))
    assert found.count == 40


def test_copies_of_few_rows_are_not_recognised_by_heart() -> None:
    # 20 rows repeated 20 times against fresh rows of the same kind: ungrouped, every copy would be known.
    draw = np.random.default_rng(0)
    repeated = np.tile(draw.normal(size=(20, 5)), (20, 1))
    found = two_sample_test(repeated, draw.normal(size=(400, 5)), range(800))
    assert found.accuracy < 0.62


def test_rows_that_share_a_group_or_are_equal_stay_together() -> None:
    rows = np.array([[1.0], [2.0], [1.0], [3.0], [-0.0], [0.0], [5.0]], np.float32)
    # Rows 0 and 2 are equal, 2 and 3 share "c", 4 and 5 are both zero.
    assert joined_groups(rows, ["a", "b", "c", "c", "d", "e", "f"]).tolist() == [0, 1, 0, 0, 2, 2, 3]


def test_univariate_areas_are_those_of_sklearn() -> None:
    draw = np.random.default_rng(0)
    a, b = draw.integers(0, 5, (30, 3)), draw.integers(1, 6, (50, 3))
    truth = np.repeat([1, 0], [30, 50])
    expected = [roc_auc_score(truth, np.append(a[:, k], b[:, k])) for k in range(3)]
    assert rank_auc(a, b) == pytest.approx(expected)


def test_the_same_seed_gives_the_same_result() -> None:
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 40, 4))
    assert two_sample_test(a, b, range(80), 3) == two_sample_test(a, b, range(80), 3)


def test_what_does_not_fit_together_is_an_error() -> None:
    a = np.random.default_rng(0).normal(size=(10, 2))
    with pytest.raises(RlcomposeError, match="the same named features"):
        two_sample_test(a, a[:, :1], range(20))
    with pytest.raises(RlcomposeError, match=r"each row needs a group: 3 for 10 \+ 10"):
        two_sample_test(a, a, range(3))
    with pytest.raises(RlcomposeError, match="here are 2"):
        two_sample_test(a, a + 1, [0, 1] * 10)
    with pytest.raises(RlcomposeError, match="not 10 and 4"):
        two_sample_test(a, a[:4], range(14))
    with pytest.raises(RlcomposeError, match="not a finite number"):
        two_sample_test(a, np.full_like(a, np.nan), range(20))


def test_without_sklearn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    a = np.zeros((10, 2))
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(RlcomposeError, match=r"scikit-learn is not installed: pip install \"rlcompose\[learn\]\""):
        two_sample_test(a, a, range(20))


def test_windows_have_the_features_of_their_place(melodies: Melodies) -> None:
    found = windows_features(melodies, "successions")
    # Twelve bars hold windows from bars 0 and 4; of the pieces in 2/4 two bars count as one, and six are too few.
    counts = np.bincount(found.pieces, minlength=len(melodies))
    assert counts.tolist() == [0 if row[2] < 8 else 2 for row in melodies.pieces]
    windows = windows_of(melodies, found.pieces, found.starts, 8)
    assert np.array_equal(found.features, succession_features(melodies, windows))
    assert found.names == SUCCESSIONS
    assert len(set(SUCCESSIONS)) == len(SUCCESSIONS) == found.features.shape[1]


def test_of_a_piece_at_most_so_many_windows_are_drawn(melodies: Melodies) -> None:
    found = windows_features(melodies, "judge", per_piece=1, seed=2)
    assert np.bincount(found.pieces).max() == 1
    assert set(found.starts.tolist()) == {0, 4}
    assert found.names == tuple(FEATURES)
    assert found.features.shape == (len(found.pieces), len(FEATURES))


def test_an_unknown_set_of_features_is_an_error(melodies: Melodies) -> None:
    with pytest.raises(RlcomposeError, match="did you mean 'judge'"):
        windows_features(melodies, "jugde")


def test_importing_the_metrics_loads_no_heavy_library() -> None:
    modules = "bootstrap diversity lines mgeval novelty two_sample".split()
    code = "".join(f"import rlcompose.metrics.{module};" for module in modules) + "import sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numba", "scipy", "sklearn", "torch"} & set(loaded)
