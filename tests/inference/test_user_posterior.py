"""The posterior of a user: its formula, its mode, and its equality for known and new users."""

from dataclasses import replace

import numpy as np
import pytest

import palate
from palate.data._ratings import Csr
from palate.inference import _user_posterior
from palate.inference._user_posterior import infer


def test_known_and_new_users_with_equal_ratings_have_equal_posteriors(bayes, ratings_of):
    features = {"age": 49, "gender": "M", "occupation": "writer"}
    known, new = bayes.user(196), bayes.profile(ratings_of(bayes, 196), features=features)
    np.testing.assert_allclose(new.row, known.row, atol=5e-5)
    np.testing.assert_allclose(new.covariance, known.covariance, atol=1e-6)
    assert new.recommend(20)["id"].to_list() == known.recommend(20)["id"].to_list()


def test_the_posterior_equals_its_formula(bayes):
    """A^-1 c and s A^-1 of the Gaussian model, in double precision."""
    given = {"Fargo (1996)": 5, "Titanic (1997)": 2, "Heat (1995)": 4}
    features = {"age": 30, "occupation": "writer"}
    profile, learned = bayes.profile(given, features=features), bayes.learned.parameters
    rows = [bayes.items["item"].to_list().index(title) for title in given]
    z = np.c_[learned.item_table[rows, :-1], np.ones(3)].astype(np.float64)
    target = np.array(list(given.values())) - learned.likelihood.mu - learned.item_table[rows, -1]
    k, user = bayes.factors, profile.rating_posterior
    alpha = learned.likelihood.noise_sd**-2 / learned.variances.items[rows]
    prior = learned.user_prior
    precision = np.linalg.inv(prior.covariance)
    a = precision + (z.T * alpha) @ z
    covariances = learned.item_posterior.covariances.values[rows].reshape(3, k, k)
    a[:-1, :-1] += np.einsum("n,nij->ij", alpha, covariances)
    values = np.zeros(len(prior.known))  # the gender is unknown: its average
    names = prior.known.names
    ages, work = (bayes.ratings.users[column] for column in ("age", "occupation"))
    values[names.index(("age", None))] = (30 - ages.mean()) / ages.std(ddof=0)
    for place, (column, value) in enumerate(names):
        if column == "occupation":
            values[place] = (value == "writer") - (work == value).mean()
    known = np.concatenate([prior.features.of(user.history, 1)[0], values])
    prior_mean = known @ prior.coefficients
    mean = np.linalg.solve(a, precision @ prior_mean + z.T @ (alpha * target))
    np.testing.assert_allclose(profile.row, mean, atol=1e-3, rtol=1e-3)
    covariance = user.variance * np.linalg.inv(a)
    np.testing.assert_allclose(profile.covariance, covariance, atol=1e-3, rtol=1e-2)


def test_the_variance_of_a_user_is_that_of_the_errors(bayes, ratings_of):
    """(f + alpha sum E e^2 / s_j) / (f + m - 2), by hand, for m residual degrees of freedom."""
    profile = bayes.profile(ratings_of(bayes, 7))
    learned, user = bayes.learned.parameters, profile.rating_posterior
    z = np.c_[bayes.item_factors[user.rated], np.ones(len(user.rated))].astype(np.float64)
    x, v = user.mean.astype(np.float64), user.covariance.astype(np.float64)
    error = user.rating - learned.likelihood.mu - bayes.item_biases[user.rated] - z @ x
    squares = error**2
    squares += learned.item_posterior.covariances.take(user.rated).traces(np.outer(x, x)[:-1, :-1])
    squares += learned.item_posterior.bias_sd[user.rated].astype(np.float64) ** 2
    total = learned.likelihood.precision * np.sum(squares / learned.variances.items[user.rated])
    freedom = learned.variances.freedom
    determined = len(x) - np.trace(v @ learned.user_prior.precision) / user.variance
    expected = (freedom + total) / (freedom + len(error) - determined - 2)
    assert user.variance == pytest.approx(expected, rel=1e-3)


def test_planted_variances_of_users_are_found(bayes):
    """People whose ratings have twice and half the usual noise, beside their posterior's mean."""
    rng, learned = np.random.default_rng(0), bayes.learned
    known = bayes.profiles().posteriors
    items = np.sort(rng.choice(np.flatnonzero(learned.item_counts > 50), 200, replace=False))
    noise = learned.likelihood.noise_sd * np.sqrt(learned.parameters.variances.items[items])
    for factor in (0.5, 2.0):
        found = []
        for row in range(0, 900, 60):
            x = known.table[row]
            score = learned.item_factors[items] @ x[:-1] + learned.item_biases[items] + x[-1]
            rating = learned.likelihood.mu + score + factor * noise * rng.normal(size=200)
            history = Csr(np.array([0, 200]), items.astype(np.int32), rating.astype(np.float32))
            found.append(float(infer(history, learned.parameters, 1).variance[0]))
        # The prior counts for some 12 ratings of the usual noise; and the uncertainty of the items
        # is a part of what they expect.
        freedom = learned.parameters.variances.freedom
        expected = (freedom + 200 * factor**2) / (freedom + 198)
        assert np.mean(found) == pytest.approx(expected, rel=0.2)


def test_nobody_rated_nothing_is_like_anyone(bayes):
    prior = bayes.learned.parameters.user_prior
    nobody = bayes.profile({})
    np.testing.assert_allclose(nobody.covariance, prior.of_anyone, rtol=1e-5)
    assert np.linalg.eigvalsh(prior.of_anyone - prior.covariance).min() > -1e-6


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
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-5, atol=1e-5)
    sds = [model.user(1).predict([50, 100, 1600])["sd"] for model in both]
    np.testing.assert_allclose(*sds, rtol=1e-5)
