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
    canonicaliser = Canonicaliser(USERS, ITEMS, FACTORS, seed=0)
    for draw in draws:
        canonicaliser.add(*draw)
    return canonicaliser.result(scale)


@pytest.mark.parametrize("scale", [1, 12.5])
def test_where_the_sketch_is_wide_enough_it_is_the_mean_of_the_draws(draws, scale, monkeypatch):
    monkeypatch.setattr(_canonical, "_LEAST_SHARE", 1e-12)
    form = canonical(draws, scale)
    mean = scale * np.mean([scores(*draw) for draw in draws], axis=0)
    np.testing.assert_allclose(form.mu + scores(form.users, form.items), mean, atol=1e-4 * scale)


def test_effects_and_axes_are_as_stated(draws):
    form = canonical(draws)
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
    one, other = canonical(draws), canonical(turned)
    np.testing.assert_allclose(one.items, other.items, atol=1e-3)
