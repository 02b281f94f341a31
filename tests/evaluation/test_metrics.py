"""Metrics, on cases that can be worked out by hand."""

import numpy as np
import pytest

from palate.evaluation import _metrics


def rows(*lists):
    return np.array(lists, dtype=np.int32)


def test_errors():
    error = np.array([3.0, -4.0])
    assert _metrics.rmse(error) == pytest.approx(np.sqrt(12.5))
    assert _metrics.mae(error) == pytest.approx(3.5)
    assert _metrics.rmse(error[:0]) is None
    assert _metrics.mae(error[:0]) is None


def test_intervals():
    """Of normal errors they hold what they should; their width is 2 z sd."""
    error = np.random.default_rng(0).normal(0, 2, 100_000)
    coverage, width = _metrics.interval(error, np.full(100_000, 2.0), 0.9)
    assert coverage == pytest.approx(0.9, abs=0.005)
    assert width == pytest.approx(2 * 1.6448536 * 2)
    assert _metrics.interval(np.array([0.0, 9.0]), np.array([1.0, 3.0]), 0.5)[0] == 0.5


def test_ranking_by_hand():
    """User 0 likes items 3 and 5, user 1 item 2; user 2 likes nothing and does not count."""
    top = rows([3, 1, 5], [0, 4, -1], [1, 2, 3])
    user, item = np.array([0, 0, 1], np.int32), np.array([3, 5, 2], np.int32)
    ndcg, recall = _metrics.ranking(top, user, item)
    gain = 1 + 1 / np.log2(4)
    assert ndcg == pytest.approx((gain / (1 + 1 / np.log2(3)) + 0) / 2)
    assert recall == pytest.approx((1 + 0) / 2)


def test_the_best_list_has_an_ndcg_of_one_even_where_it_is_too_short():
    user, item = np.zeros(5, np.int32), np.arange(5, dtype=np.int32)
    assert _metrics.ranking(rows([4, 0]), user, item) == (pytest.approx(1), pytest.approx(2 / 5))
    assert _metrics.ranking(rows([7, 8]), user, item) == (0, 0)


def test_ranking_without_held_out_ratings_is_none():
    none = np.array([], dtype=np.int32)
    assert _metrics.ranking(rows([1, 2]), none, none) == (None, None)


def test_catalogue_coverage():
    assert _metrics.catalogue_coverage(rows([1, 2], [2, -1]), 8) == 0.25
    assert _metrics.catalogue_coverage(rows([-1]), 0) is None
