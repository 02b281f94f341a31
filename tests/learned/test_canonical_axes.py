"""Canonical axes: users vary independently along them, and scores stay the same."""

import numpy as np

from palate.learned._canonical_axes import canonical_axes


def test_users_of_a_point_estimate_are_uncorrelated_on_canonical_axes(model):
    view = canonical_axes(model.learned.parameters, model.learned.item_counts > 0)
    x, y = view.user_positions(model.learned.user_table), view.items
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(np.cov(x.T, bias=True), np.eye(50), atol=0.01)
    centred = y - y.mean(0)
    products = centred.T @ centred
    assert np.abs(products - np.diag(np.diag(products))).max() < 1e-6 * products[0, 0]
    # The scores stay the same.
    scores = model.learned.user_table[:, :-1].astype(float) @ model.item_factors.T
    average = view.average[:-1] @ model.item_factors.T
    np.testing.assert_allclose(x @ y.T + average, scores, atol=1e-5)


def test_a_model_by_gibbs_is_on_canonical_axes(bayes):
    view = bayes.learned.canonical_axes
    np.testing.assert_array_equal(view.items, bayes.item_factors)
    np.testing.assert_array_equal(view.average, 0)
