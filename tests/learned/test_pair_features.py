"""Features from which items a person has rated, beside their definition."""

import numpy as np
import pytest

from palate.data._ratings import Csr
from palate.learned._pair_features import PairFeatures, projections

ITEMS, LOADINGS = 30, 4


@pytest.fixture
def people():
    """Five people, the last without ratings."""
    rng = np.random.default_rng(0)
    sizes = [3, 9, 1, 20, 0]
    items = np.concatenate([rng.permutation(ITEMS)[:size] for size in sizes]).astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return Csr(starts, items, rng.random(len(items)).astype(np.float32))


def standardised(loadings, people):
    """Return the features that have a mean of 0 among people with ratings."""
    counts = np.diff(people.starts)
    logs = np.log(counts[counts > 0])
    centre = projections(loadings, 2.5, people, 1)[counts > 0].mean(axis=0)
    return PairFeatures(loadings, centre, 2.5, (logs.mean(), logs.std(), logs.min(), logs.max()))


@pytest.fixture
def features(people):
    loadings = np.random.default_rng(1).normal(size=(ITEMS, LOADINGS)).astype(np.float32)
    return standardised(loadings, people)


def by_hand(features, people):
    rows = []
    for first, last in zip(people.starts[:-1], people.starts[1:], strict=True):
        n = last - first
        projection = features.loadings[people.partner[first:last]].sum(axis=0) / np.sqrt(n + 2.5)
        rows.append([1, np.log(max(n, 1)), *projection])
    return np.array(rows)


def test_they_are_standardised_among_those_who_have_ratings(features, people):
    found, plain = features.of(people, 1), by_hand(features, people)[:4]
    expected = plain.copy()
    expected[:, 1:] -= plain[:, 1:].mean(axis=0)
    expected[:, 1] /= plain[:, 1].std()
    np.testing.assert_allclose(found[:4], expected, atol=1e-5)
    np.testing.assert_array_equal(found[4], [1, 0, 0, 0, 0, 0])  # nothing is known


def test_what_the_ratings_are_does_not_matter(features, people):
    others = people._replace(rating=people.rating[::-1].copy())
    np.testing.assert_array_equal(features.of(people, 1), features.of(others, 1))


def test_products_are_those_of_the_features_whoever_else_is_asked_for(features, people):
    coefficients = np.random.default_rng(2).normal(size=(LOADINGS + 2, 3))
    of_items = (features.loadings @ coefficients[2:]).astype(np.float32)
    found = features.times(people, coefficients, of_items, 1)
    np.testing.assert_allclose(found, features.of(people, 1) @ coefficients, atol=1e-5)
    for person in range(5):
        alone = people.take(np.array([person]))
        np.testing.assert_array_equal(
            features.times(alone, coefficients, of_items, 2)[0], found[person]
        )


def test_parts_sum_to_what_depends_on_the_items(features, people):
    own = people.take(np.array([1]))
    parts = features.parts(own.partner)
    assert parts.shape == (9, LOADINGS + 2)
    expected = features.of(own, 1)[0, 2:] + features.centre
    np.testing.assert_allclose(parts.sum(axis=0), [0, 0, *expected], atol=1e-5)


def test_more_ratings_than_anybody_had_count_as_the_most(features):
    items = np.arange(ITEMS, dtype=np.int32)
    everything = Csr(np.array([0, ITEMS]), items, np.ones(ITEMS, np.float32))
    mean, sd, _, highest = features.log_counts
    assert features.of(everything, 1)[0, 1] == pytest.approx((highest - mean) / sd)


def test_without_loadings_only_the_count_is_left(people):
    alone = standardised(np.zeros((ITEMS, 0), np.float32), people)
    assert alone.of(people, 1).shape == (5, 2)
