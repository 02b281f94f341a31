"""Scores of pairs, beside NumPy."""

import numpy as np
import pytest

from palate import _native


@pytest.mark.parametrize("factors", [1, 7, 50])
def test_scores_equal_numpy(factors):
    rng = np.random.default_rng(factors)
    users = rng.normal(size=(9, factors + 1)).astype(np.float32)
    items = rng.normal(size=(8, factors + 1)).astype(np.float32)
    user, item = (rng.integers(0, n, 30).astype(np.int32) for n in (9, 8))
    p, q = users[user].astype(np.float64), items[item].astype(np.float64)
    expected = (p[:, :-1] * q[:, :-1]).sum(1) + p[:, -1] + q[:, -1]
    np.testing.assert_allclose(
        _native.score_pairs(users, items, user, item), expected, rtol=1e-5, atol=1e-6
    )


def test_rows_and_shapes_are_checked():
    table = np.zeros((2, 3), dtype=np.float32)
    rows = np.array([0, 2], dtype=np.int32)
    with pytest.raises(IndexError, match="user: row 2 of 2"):
        _native.score_pairs(table, table, rows, rows)
    with pytest.raises(ValueError, match="same number of columns"):
        _native.score_pairs(table, table[:, :2].copy(), rows[:1], rows[:1])
    with pytest.raises(ValueError, match="user and item must have the same length"):
        _native.score_pairs(table, table, rows[:1], rows)
