"""The uncertainty of predictions: its formula, and the spread of draws."""

import numpy as np
import pytest

from palate.inference._prediction_interval import paired_score_variance, score_variance
from palate.inference._user_posterior import UserPosterior
from palate.learned._item_posterior import ItemCovariances, ItemPosterior
from palate.learned._likelihood import Gaussian
from palate.learned._parameters import Parameters
from palate.learned._user_prior import UserPrior


def test_the_sd_of_a_rating_is_that_of_draws(bayes):
    """Of 20,000 draws of a profile, an item and the noise: within 5%."""
    profile, learned, rng = bayes.user(7), bayes.learned.parameters, np.random.default_rng(0)
    k, n = bayes.factors, 20_000
    x = rng.multivariate_normal(profile.row, profile.covariance.astype(float), size=n)
    for row in (0, 99, 1600):
        q = rng.multivariate_normal(
            learned.item_table[row, :-1],
            learned.item_posterior.covariances.values[row].reshape(k, k),
            size=n,
        )
        bias = rng.normal(learned.item_table[row, -1], learned.item_posterior.bias_sd[row], size=n)
        relative = profile.rating_posterior.variance * learned.variances.items[row]
        noise = rng.normal(0, learned.likelihood.noise_sd * np.sqrt(relative), size=n)
        rating = learned.likelihood.mu + (q * x[:, :-1]).sum(1) + x[:, -1] + bias + noise
        sd = profile.predict(bayes.items["id"][row])["sd"][0]
        assert sd == pytest.approx(rating.std(), rel=0.05)
        pairs = np.array([6], np.int32), np.array([row], np.int32)
        assert bayes.profiles().posteriors.rating_sd(*pairs)[0] == pytest.approx(sd, rel=1e-5)


def test_the_variance_of_scores_equals_its_formula():
    """Term by term, in double precision, for full covariances and diagonals."""
    rng, k, n = np.random.default_rng(0), 4, 30
    items = rng.normal(size=(5, k + 1)).astype(np.float32)
    roots = rng.normal(size=(5, k, k))
    full = (roots @ roots.transpose(0, 2, 1)).astype(np.float32)
    mean = rng.normal(size=(3, k + 1)).astype(np.float32)
    spread = rng.normal(size=(3, k + 1, k + 1))
    spread = (spread @ spread.transpose(0, 2, 1)).astype(np.float32)
    sd = rng.random(5).astype(np.float32)
    user, item = rng.integers(0, 3, n).astype(np.int32), rng.integers(0, 5, n).astype(np.int32)
    diagonals = np.einsum("nii->ni", full).copy()
    for covariance in (full.reshape(5, -1), diagonals):
        learned = Parameters(
            items,
            Gaussian(1, 5, 3, 1.0),
            UserPrior(np.zeros((1, k + 1)), np.eye(k + 1)),
            ItemPosterior(sd, ItemCovariances(covariance, k)),
        )
        found = paired_score_variance(learned, mean, spread, user, item)
        for u in range(len(mean)):  # and of one user for all items, or some
            one = UserPosterior(mean[u], spread[u], item[:0], sd[:0])
            pairs = np.full(5, u, np.int32), np.arange(5, dtype=np.int32)
            expected = paired_score_variance(learned, mean, spread, *pairs)
            np.testing.assert_allclose(score_variance(learned, one), expected, rtol=1e-5)
            some = score_variance(learned, one, np.array([3, 1]))
            np.testing.assert_allclose(some, expected[[3, 1]], rtol=1e-5)
        for u, i, variance in zip(user, item, found, strict=True):
            z, p, v = np.r_[items[i, :-1], 1], mean[u, :-1], spread[u].astype(float)
            c = full[i] if covariance is not diagonals else np.diag(diagonals[i])
            expected = z @ v @ z + p @ c @ p + np.trace(c @ v[:-1, :-1]) + sd[i] ** 2
            assert variance == pytest.approx(expected, rel=1e-5)
