"""The posterior of a user: its formula, its mode, and its equality for known and new users."""

from dataclasses import replace

import numpy as np

import palate
from palate.inference import _user_posterior
from palate.inference._user_posterior import infer


def test_known_and_new_users_with_equal_ratings_have_equal_posteriors(bayes, ratings_of):
    known, new = bayes.user(196), bayes.profile(ratings_of(bayes, 196))
    np.testing.assert_allclose(new.row, known.row, atol=1e-5)
    np.testing.assert_allclose(new.covariance, known.covariance, atol=1e-6)
    assert new.recommend(20)["id"].to_list() == known.recommend(20)["id"].to_list()


def test_the_posterior_equals_its_formula(bayes):
    """A^-1 c and A^-1 of the Gaussian model, in double precision."""
    given = {"Fargo (1996)": 5, "Titanic (1997)": 2, "Heat (1995)": 4}
    profile, learned = bayes.profile(given), bayes.learned.parameters
    rows = [bayes.items["item"].to_list().index(title) for title in given]
    z = np.c_[learned.item_table[rows, :-1], np.ones(3)].astype(np.float64)
    target = np.array(list(given.values())) - learned.likelihood.mu - learned.item_table[rows, -1]
    alpha, k = learned.likelihood.noise_sd**-2, bayes.factors
    precision = np.linalg.inv(learned.user_prior.covariance)
    a = precision + alpha * z.T @ z
    a[:-1, :-1] += alpha * learned.item_posterior.covariances.values[rows].reshape(3, k, k).sum(
        axis=0
    )
    mean = np.linalg.solve(a, precision @ learned.user_prior.mean + alpha * z.T @ target)
    np.testing.assert_allclose(profile.row, mean, atol=1e-3, rtol=1e-3)
    np.testing.assert_allclose(profile.covariance, np.linalg.inv(a), atol=1e-3, rtol=1e-2)


def test_the_posterior_of_a_sigmoid_is_at_its_mode(model, ratings_of):
    """The gradient of the log posterior is zero there: Newton's step leads nowhere.

    The covariance is that of Gauss-Newton; all in double precision.
    """
    given = ratings_of(model, 196)
    profile, learned, link = (
        model.profile(given),
        model.learned.parameters,
        model.learned.likelihood,
    )
    rows = np.array(list(given)) - 1
    z = np.c_[learned.item_table[rows, :-1], np.ones(len(rows))].astype(np.float64)
    precision, alpha = np.linalg.inv(learned.user_prior.covariance), learned.likelihood.noise_sd**-2
    x = profile.row.astype(np.float64)
    share = 1 / (1 + np.exp(-(z @ x + learned.item_table[rows, -1])))
    error = np.array(list(given.values())) - link.low - (link.high - link.low) * share
    slope = (link.high - link.low) * share * (1 - share)
    gradient = alpha * z.T @ (slope * error) - precision @ (x - learned.user_prior.mean)
    hessian = precision + alpha * (z * slope[:, None]).T @ (z * slope[:, None])
    assert np.abs(np.linalg.solve(hessian, gradient)).max() < 1e-3
    assert np.linalg.norm(x - learned.user_prior.mean) > 0.1
    np.testing.assert_allclose(profile.covariance, np.linalg.inv(hessian), atol=1e-3, rtol=0.02)


def test_the_mode_is_found_for_all_users(model):
    """Even with little noise and a wide prior: no Gauss-Newton step decreases the loss there."""
    learned = model.learned.parameters
    wide = replace(learned.user_prior, covariance=learned.user_prior.covariance * 25)
    likelihood = replace(learned.likelihood, noise_sd=0.05)
    sharp = replace(learned, likelihood=likelihood, user_prior=wide)
    csr = model.ratings.by_user()
    solver = _user_posterior._RowSolver(csr, sharp, 2)
    mode = infer(csr, sharp, 2).mean
    at_mode = solver.loss(mode)
    step = solver.solve_linearised(mode, covariances=False).mean - mode
    for fraction in (0.5, 0.1, 0.02):  # no part of the step decreases the loss
        lower = solver.loss(mode + np.float32(fraction) * step)
        assert np.mean(lower < at_mode * (1 - 1e-3)) < 0.01


def test_inferred_users_of_a_point_estimate_predict_as_well_as_learned_ones(ml100k):
    train, valid = palate.splits.random(ml100k)
    model = palate.OneCycle().fit(train)
    inferred = model.profiles(train).posteriors.table
    score = palate._native.score_pairs(inferred, model.learned.item_table, valid.user, valid.item)
    error = model.learned.likelihood.rating(score) - valid.rating
    assert np.mean(error**2) < model.loss(valid) + 0.005


def test_a_diagonal_covariance_equals_the_full_matrix(bayes, altered):
    k = bayes.factors
    posterior = bayes.learned.parameters.item_posterior
    full = posterior.covariances.values.reshape(-1, k, k) * np.eye(k, dtype=np.float32)
    both = [
        altered(bayes, item_covariances=values)
        for values in (full.reshape(-1, k * k), np.einsum("nii->ni", full).copy())
    ]
    csr = bayes.ratings.by_user()
    one, other = (infer(csr, model.learned.parameters, 2, covariances=True) for model in both)
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-5)
    sds = [model.user(1).predict([50, 100, 1600])["sd"] for model in both]
    np.testing.assert_allclose(*sds, rtol=1e-5)
