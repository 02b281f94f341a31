"""The loadings of both sides beside a dense singular value decomposition."""

import numpy as np
import polars as pl
import pytest

import palate
from palate.solvers.gibbs import _pair_features
from palate.solvers.gibbs._pair_features import pair_features
from palate.solvers.gibbs._people import LocalPeople
from palate.solvers.gibbs._row_block import Runtime
from palate.solvers.gibbs._user_block import SumRatings


@pytest.fixture(scope="module")
def some(ml100k):
    return ml100k.take(np.flatnonzero(ml100k.user < 120))


def made(ratings, seed=0):
    people = LocalPeople(ratings, seed, Runtime(2))
    return pair_features(people, people.total(SumRatings()), seed=seed)


def test_features_span_the_leading_singular_vectors(some, monkeypatch):
    monkeypatch.setattr(_pair_features, "_RANK", 10)
    x = np.zeros((some.users.height, some.items.height))
    x[some.user, some.item] = 1
    degrees = []
    for axis in (1, 0):
        counts = x.sum(axis=axis)
        degrees.append(counts + 0.3 * counts.sum() / np.count_nonzero(counts))
    u, s, v = np.linalg.svd(x / np.sqrt(np.outer(*degrees)), full_matrices=False)
    both = made(some)
    features = both.users.of(some.by_user(), 1), both.items
    expected = (u[:, 1:11] * s[1:11], v[1:11].T * s[1:11])
    sides = zip(features, (some.by_user(), some.by_item()), expected, strict=True)
    for of_pairs, grouped, vectors in sides:
        rated = np.diff(grouped.starts) > 0
        np.testing.assert_allclose(of_pairs[rated].mean(axis=0)[1:], 0, atol=1e-6)
        assert of_pairs[rated, 1].std() == pytest.approx(1, rel=1e-5)
        found = of_pairs[rated, 2:]
        wanted = vectors[rated] - vectors[rated].mean(axis=0)
        # The same up to signs, and rotations among singular values that are nearly equal.
        q = np.linalg.qr(wanted)[0]
        rest = found - q @ (q.T @ found)
        assert np.linalg.norm(rest) < 0.02 * np.linalg.norm(found)
        assert np.mean(np.sum(found**2, axis=1)) == pytest.approx(1, abs=0.15)


def test_the_seed_decides_and_threads_do_not(some):
    one, same, other = made(some), made(some), made(some, seed=1)
    np.testing.assert_array_equal(one.users.loadings, same.users.loadings)
    assert not np.array_equal(one.users.loadings, other.users.loadings)


def test_pairs_that_are_linked_to_nothing_else_change_little(some):
    """Without regularisation each of them would be a singular vector of its own."""
    lonely = 150
    user = np.concatenate([some.user, 943 + np.arange(lonely)]).astype(np.int32)
    item = np.concatenate([some.item, 1682 + np.arange(lonely)]).astype(np.int32)
    table = pl.DataFrame({"user": user, "item": item, "rating": np.ones(len(user))})
    more = palate.read_ratings(table, kind="ratings")
    plain = palate.read_ratings(table.head(len(some)), kind="ratings")
    sizes = []
    for ratings in (plain, more):
        found = made(ratings).users.of(ratings.by_user(), 1)[:120, 2:]
        sizes.append(np.mean(np.sum(found**2, axis=1)))
    assert sizes[1] > 0.5 * sizes[0]


@pytest.mark.parametrize(("users", "items"), [(1, 1), (1, 5), (5, 1), (2, 2)])
def test_the_smallest_tables(users, items):
    user, item = np.divmod(np.arange(users * items), items)
    table = pl.DataFrame({"user": user, "item": item, "rating": user + item % 3 + 1.0})
    ratings = palate.read_ratings(table, kind="ratings")
    both = made(ratings)
    for features in (both.users.of(ratings.by_user(), 1), both.items):
        assert np.isfinite(features).all()
        assert features.shape[1] <= 3
    if min(users, items) == 1:
        return  # refused by a fit
    model = palate.Gibbs(sweeps=6, burn_in=2).fit(ratings)
    assert np.isfinite(model.predict(user.tolist(), item.tolist())).all()
