"""The steps from scores to lists beside their twins: weights by ratings, and probabilities."""

import choice_twins as twins
import numpy as np
import pytest

from palate import _native

USERS = 23


def scores_of(items, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(USERS, items)) * 10 ** rng.uniform(-6, 3, (USERS, 1))).astype("f4")


@pytest.mark.parametrize("items", [0, 1, 15, 16, 17, 1000])
@pytest.mark.parametrize("power", [0.125, 0.5, 1.0])
def test_weights_by_ratings_equal_the_twin(items, power):
    scores = scores_of(items)
    ratings = np.random.default_rng(1).normal(3, 3, scores.shape).astype(np.float32)
    expected = twins.weighed_by_logistic(scores, ratings, 1.7, -6.0, power)
    found = ratings.copy()
    _native.weigh_by_logistic(scores, found, 1.7, -6.0, power, 2)
    np.testing.assert_allclose(found, expected, rtol=5e-6)


def test_weights_of_extreme_ratings_are_finite_as_the_twin_has_them():
    ratings = np.array([[-1e4, -80, 0, 80, 1e4]], np.float32)
    expected = twins.weighed_by_logistic(1, ratings.clip(-80, 80), 1.0, 0.0, 1.0)
    _native.weigh_by_logistic(np.ones_like(ratings), ratings, 1.0, 0.0, 1.0, 1)
    np.testing.assert_allclose(ratings, expected, rtol=5e-5, atol=2e-35)


def logit(scores, seen, ranked, slope, offset, threads=2):
    """Return the probabilities of all items by what the kernel finds."""
    starts = np.cumsum([0, *map(len, seen)])
    items = np.concatenate([np.zeros(0), *seen]).astype(np.int32)
    totals = _native.logit_totals(scores, starts, items, ranked, slope, offset, threads)
    scale, highest, total = (column[:, None] for column in totals.T)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = ((np.maximum(scores, 0) * scale + offset) / highest) ** slope / total
    found[:, ~ranked] = 0
    found[scores == -np.inf] = 0
    for row, own in zip(found, seen, strict=True):
        row[own] = 0
    return found, totals


@pytest.mark.parametrize("items", [1, 16, 33, 2500])
@pytest.mark.parametrize(("slope", "offset"), [(0.0, 0.1), (1.3, 0.01), (0.4, 1.0)])
def test_probabilities_equal_the_twin(items, slope, offset):
    rng = np.random.default_rng(2)
    scores = scores_of(items)
    scores[:, rng.random(items) < 0.1] = -np.inf
    scores[3] = -1
    ranked = rng.random(items) < 0.8
    seen = [rng.permutation(items)[: rng.integers(items)] for _ in range(USERS)]
    seen[5] = np.arange(items)
    found, _ = logit(scores, seen, ranked, slope, offset)
    expected = twins.logit_probabilities(scores, seen, ranked, slope, offset)
    np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_the_totals_are_the_same_bits_at_any_number_of_threads():
    scores, seen = scores_of(500), [np.arange(u) for u in range(USERS)]
    found = [logit(scores, seen, np.ones(500, bool), 0.9, 0.1, t)[1] for t in (1, 2, 5)]
    assert all((one == found[0]).all() for one in found)
