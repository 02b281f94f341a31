"""The canonical form beside the dense mean of the draws."""

import numpy as np
import pytest

from palate.solvers import _canonical
from palate.solvers._canonical import Canonicaliser

USERS, ITEMS, FACTORS = 20, 15, 8


@pytest.fixture
def draws():
    rng = np.random.default_rng(0)
    shapes = ((USERS, FACTORS + 1), (ITEMS, FACTORS + 1))
    return [[rng.normal(0.5, 1, shape).astype(np.float32) for shape in shapes] for _ in range(6)]


def scores(users, items):
    return users[:, :-1] @ items[:, :-1].T + users[:, -1:] + items[:, -1]


def canonical(draws, scale=1.0):
    canonicaliser = Canonicaliser(USERS, ITEMS, FACTORS, draws=len(draws), seed=0)
    for draw in draws:
        canonicaliser.add(*draw)
    return canonicaliser.result(scale)


def form_of(draws, scale=1.0):
    return canonical(draws, scale).form


@pytest.mark.parametrize("scale", [1, 12.5])
def test_where_the_sketch_is_wide_enough_it_is_the_mean_of_the_draws(draws, scale, monkeypatch):
    monkeypatch.setattr(_canonical, "_LEAST_SHARE", 1e-12)
    form = form_of(draws, scale)
    mean = scale * np.mean([scores(*draw) for draw in draws], axis=0)
    np.testing.assert_allclose(form.mu + scores(form.users, form.items), mean, atol=1e-4 * scale)


def test_effects_and_axes_are_as_stated(draws):
    form = form_of(draws)
    mean = np.mean([scores(*draw) for draw in draws], axis=0)
    assert form.mu == pytest.approx(mean.mean(), abs=1e-5)
    np.testing.assert_allclose(form.users[:, -1], mean.mean(1) - mean.mean(), atol=1e-5)
    np.testing.assert_allclose(form.items[:, -1], mean.mean(0) - mean.mean(), atol=1e-5)
    users, items = form.users[:, :-1], form.items[:, :-1]
    np.testing.assert_allclose(users.T @ users / USERS, np.eye(users.shape[1]), atol=1e-5)
    products = items.T @ items
    np.testing.assert_allclose(products, np.diag(np.diag(products)), atol=1e-4)
    assert (np.diff(np.diag(products)) < 0).all()
    np.testing.assert_allclose(users.sum(0), 0, atol=1e-4)
    np.testing.assert_allclose(items.sum(0), 0, atol=1e-4)
    assert (items[np.abs(items).argmax(0), np.arange(items.shape[1])] > 0).all()


def test_rotations_of_the_draws_change_nothing(draws):
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(FACTORS, FACTORS)))[0]
    turned = [
        [np.c_[rows[:, :-1] @ rotation, rows[:, -1]].astype(np.float32) for rows in draw]
        for draw in draws
    ]
    one, other = form_of(draws), form_of(turned)
    np.testing.assert_allclose(one.items, other.items, atol=1e-3)


@pytest.mark.parametrize("most", [1 << 26, 0])
def test_spread_is_that_of_the_draws(draws, most, monkeypatch):
    """Of the draws after half of them: the last two of six of eight, on the final axes."""
    monkeypatch.setattr(_canonical, "_LEAST_SHARE_ON_THE_WAY", 1e-12)
    monkeypatch.setattr(_canonical, "_LEAST_SHARE", 1e-12)
    monkeypatch.setattr(_canonical, "_MOST_COVARIANCES", most)
    rank = 3  # in a space of three axes, nothing is lost from one draw to the next
    fixed = np.random.default_rng(5).normal(size=(USERS, rank))
    rng = np.random.default_rng(6)
    low = [
        [
            np.c_[fixed, rng.normal(size=USERS)].astype(np.float32),
            rng.normal(0.5, 1, (ITEMS, rank + 1)).astype(np.float32),
        ]
        for _ in range(6)
    ]
    canonicaliser = Canonicaliser(USERS, ITEMS, rank, draws=8, seed=0)
    for draw in low:
        canonicaliser.add(*draw)
    posterior = canonicaliser.result(2.0)
    users = posterior.form.users[:, :-1].astype(np.float64)
    centred = [(u[:, :-1] - u[:, :-1].mean(0)) @ i[:, :-1].T.astype(float) for u, i in low]
    factors = np.array([2 * (x - x.mean(1)[:, None]).T @ users / USERS for x in centred[4:]])
    away = factors - factors.mean(axis=0)
    expected = np.einsum("sni,snj->nij", away, away) / 2
    if most:
        found = posterior.covariance.reshape(ITEMS, rank, rank)
        np.testing.assert_allclose(found, expected, atol=1e-3)
    else:  # exact where the axes on the way were the final ones
        assert posterior.covariance.shape == (ITEMS, rank)
    means = [np.mean(scores(*draw), axis=0) for draw in low]
    biases = np.array([2 * (mean - mean.mean()) for mean in means])
    np.testing.assert_allclose(posterior.bias_sd, biases.std(axis=0), rtol=1e-3)
