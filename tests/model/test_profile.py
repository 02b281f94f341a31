"""Profiles: one door for known users and for strangers, with what is known of each score."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate
from palate.inference import _user_posterior
from palate.inference._prediction_interval import paired_score_variance, score_variance
from palate.inference._user_posterior import UserPosterior, infer
from palate.learned._item_posterior import ItemCovariances, ItemPosterior
from palate.learned._likelihood import Gaussian
from palate.learned._parameters import Parameters
from palate.learned._user_prior import UserPrior


def ratings_of(model, user):
    mine = model.ratings.user == user - 1
    ids = model.items["id"].to_numpy()[model.ratings.item[mine]]
    return dict(zip(ids.tolist(), model.ratings.rating[mine].tolist(), strict=True))


def test_known_users_and_strangers_go_through_one_door(bayes):
    known, stranger = bayes.user(196), bayes.profile(ratings_of(bayes, 196))
    np.testing.assert_allclose(stranger.row, known.row, atol=1e-5)
    np.testing.assert_allclose(stranger.covariance, known.covariance, atol=1e-6)
    assert stranger.recommend(20)["id"].to_list() == known.recommend(20)["id"].to_list()


def test_one_and_many_agree(bayes):
    many = bayes.profiles()
    assert len(many) == 943
    one = bayes.user(196)
    np.testing.assert_array_equal(many[195].row, one.row)
    np.testing.assert_array_equal(many[195].covariance, one.covariance)
    np.testing.assert_array_equal(many[195].rated, one.rated)
    np.testing.assert_array_equal(many[-1].row, bayes.user(943).row)
    with pytest.raises(IndexError):
        many[943]


def test_a_profile_is_the_posterior(bayes):
    """Beside the formula of design section 2, in double precision."""
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


def test_the_sd_is_that_of_draws(bayes):
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
        noise = rng.normal(0, learned.likelihood.noise_sd, size=n)
        rating = learned.likelihood.mu + (q * x[:, :-1]).sum(1) + x[:, -1] + bias + noise
        told = profile.predict(bayes.items["id"][row])["sd"][0]
        assert told == pytest.approx(rating.std(), rel=0.05)
        pairs = np.array([6], np.int32), np.array([row], np.int32)
        assert bayes.profiles().posteriors.rating_sd(*pairs)[0] == pytest.approx(told, rel=1e-5)


def test_more_ratings_make_surer(bayes):
    given = ratings_of(bayes, 7)
    few = bayes.profile(dict(list(given.items())[:5]))
    nobody, known = bayes.profile({}), bayes.user(7)
    sds = [profile.predict("Fargo (1996)")["sd"][0] for profile in (nobody, few, known)]
    assert sds == sorted(sds, reverse=True)
    assert sds[-1] > bayes.learned.likelihood.noise_sd
    assert len(nobody.rated) == 0
    np.testing.assert_allclose(nobody.row, bayes.learned.parameters.user_prior.mean, atol=1e-5)


def test_cautious_ranks_by_a_lower_quantile(bayes):
    profile = bayes.user(196)
    best = profile.recommend(50, cautious=0.1)
    assert best["at_least"].is_sorted(descending=True)
    variance = best["sd"].cast(pl.Float64) ** 2 - bayes.learned.likelihood.noise_sd**2
    low, high = bayes.learned.likelihood.low, bayes.learned.likelihood.high
    lower = (best["prediction"] - 1.2815516 * variance.sqrt()).clip(low, high)
    unclipped = best["prediction"] < high
    np.testing.assert_allclose(best["at_least"].filter(unclipped), lower.filter(unclipped), 1e-4)
    assert best["sd"].mean() < profile.recommend(50)["sd"].mean()
    assert profile.recommend(5, cautious=0.5)["id"].equals(profile.recommend(5)["id"])


def test_the_status_of_a_score(small):
    train = small.take(np.array([0, 1, 3, 4, 6, 8]))  # nobody in it has rated gin
    model = palate.Gibbs(sweeps=20, burn_in=5).fit(train)
    told = model.user("ann").predict(["gin", "tea"])
    assert told["status"].to_list() == ["prior-only", "rarely rated"]
    assert told["ratings"].to_list() == [0, 3]
    assert told["sd"][0] > told["sd"][1]


def test_status_begins_at_five_ratings(bayes):
    told = bayes.user(1).predict(bayes.items["id"])
    expected = np.where(bayes.learned.item_counts < 5, "rarely rated", "known")
    assert told["status"].to_list() == expected.tolist()


def test_a_point_estimate_says_what_it_does_not_know(model):
    assert model.user(1).predict(50)["sd"].to_list() == [None]
    with pytest.raises(palate.SettingError, match="is a point estimate, without the uncertainty"):
        model.user(1).recommend(cautious=0.1)


def test_the_sigmoids_profile_is_the_mode(model):
    """The gradient of the log posterior is zero there: Newton's step leads nowhere.

    The covariance is that of Gauss and Newton; all in double precision.
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


def test_the_mode_is_found_for_everybody(model):
    """Even with little noise and a wide prior: from there Gauss and Newton's step leads nowhere."""
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


def test_the_variance_of_scores_is_its_formula():
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
            UserPrior(np.zeros(k + 1), np.eye(k + 1)),
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


def test_inferred_users_of_the_book_are_as_good_as_the_learned_ones(ml100k):
    train, valid = palate.splits.random(ml100k)
    model = palate.OneCycle().fit(train)
    inferred = model.profiles(train).posteriors.table
    score = palate._native.score_pairs(inferred, model.learned.item_table, valid.user, valid.item)
    error = model.learned.likelihood.rating(score) - valid.rating
    assert np.mean(error**2) < model.loss(valid) + 0.005


def test_many_strangers(bayes):
    some = palate.read_ratings(
        pl.DataFrame({"user": ["a", "a", "b"], "item": [50, 100, 50], "rating": [5, 1, 3]})
    )
    profiles = bayes.profiles(some)
    one = bayes.profile({50: 5, 100: 1})
    np.testing.assert_array_equal(profiles[0].row, one.row)
    best = profiles.recommend(3)
    assert best["user"].to_list() == ["a"] * 3 + ["b"] * 3
    assert best.filter(pl.col("user") == "a")["id"].equals(one.recommend(3)["id"])


def test_recommending_to_everybody_is_recommending_to_each(bayes):
    titles = ["Fargo (1996)", "Heat (1995)", "Titanic (1997)", 50, 100, 313]
    for choices in ({}, {"seen": True}, {"candidates": titles}, {"exclude": titles}):
        every = bayes.recommend(5, **choices)
        for user in (1, 196, 943):
            mine = every.filter(pl.col("user") == user).drop("user")
            alone = bayes.user(user).recommend(5, **choices).drop("sd")
            assert mine["id"].equals(alone["id"])
            np.testing.assert_allclose(mine["prediction"], alone["prediction"], rtol=1e-5)
            assert mine.drop("prediction").equals(alone.drop("prediction"))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"Nope (1999)": 5}, palate.UnknownIdError, "there is no item 'Nope"),
        (
            {"Fargo (1996)": 7},
            palate.DataError,
            "of 'Fargo .1996.' is 7, outside the model's",
        ),
        (
            {"Fargo (1996)": "5"},
            palate.DataError,
            "the rating of 'Fargo .1996.' is '5'; it must be",
        ),
        ({50: float("nan")}, palate.DataError, "the rating of 50 is nan; it must be finite"),
        ({50: 5, "Star Wars (1977)": 4}, palate.DataError, "is rated twice, under two names"),
        ([("Fargo (1996)", 5)], palate.DataError, "ratings are given as a list; give a rating"),
    ],
)
def test_bad_ratings_are_refused(bayes, given, error, message):
    with pytest.raises(error, match=message):
        bayes.profile(given)


def test_ratings_that_do_not_fit_the_model(bayes):
    def read(**columns):
        return palate.read_ratings(pl.DataFrame({"user": [1, 2], "rating": [1, 2]} | columns))

    with pytest.raises(palate.UnknownIdError, match="does not know 1 of the items, such as 9999"):
        bayes.profiles(read(item=[50, 9999]))
    with pytest.raises(palate.DataError, match="item ids are String in these ratings and Int"):
        bayes.profiles(read(item=["a", "b"]))
    with pytest.raises(palate.DataError, match="is 9, outside the model"):
        bayes.profiles(read(item=[50, 100], rating=[9, 2]))
    with pytest.raises(palate.DataError, match="these are the ratings of 2 users; use profiles"):
        bayes.profile(read(item=[50, 100]))
    with pytest.raises(palate.DataError, match="a dict is not Ratings"):
        bayes.profiles({50: 5})
    for cautious in (0, 0.6, "x", float("nan")):
        with pytest.raises(palate.SettingError, match="cautious"):
            bayes.user(1).recommend(cautious=cautious)


def test_a_diagonal_covariance_is_that_matrix(bayes, altered):
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
    told = [model.user(1).predict([50, 100, 1600])["sd"] for model in both]
    np.testing.assert_allclose(*told, rtol=1e-5)
