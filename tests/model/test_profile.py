"""Profiles of one person and of many."""

import numpy as np
import polars as pl
import pytest

import palate
from palate.inference._prediction_interval import score_variance


def test_one_profile_equals_its_row_among_many(bayes):
    many = bayes.profiles()
    assert len(many) == 943
    one = bayes.user(196)
    np.testing.assert_array_equal(many[195].row, one.row)
    np.testing.assert_array_equal(many[195].covariance, one.covariance)
    np.testing.assert_array_equal(many[195].rated, one.rated)
    np.testing.assert_array_equal(many[-1].row, bayes.user(943).row)
    with pytest.raises(IndexError):
        many[943]


def test_more_ratings_make_predictions_more_certain(bayes, ratings_of):
    given = ratings_of(bayes, 7)
    few = bayes.profile(dict(list(given.items())[:5]))
    prior, known = bayes.profile({}), bayes.user(7)
    row, parameters = bayes.learned.item_index.rows(["Fargo (1996)"]), bayes.learned.parameters
    profiles = (prior, few, known)
    of_score = [float(score_variance(parameters, p.rating_posterior, row)[0]) for p in profiles]
    assert of_score == sorted(of_score, reverse=True)
    for profile, variance in zip(profiles, of_score, strict=True):
        relative = profile.rating_posterior.variance * parameters.variances.items[row][0]
        total = variance + relative * bayes.learned.likelihood.noise_sd**2
        assert profile.predict("Fargo (1996)")["sd"][0] == pytest.approx(np.sqrt(total))
    assert len(prior.rated) == 0
    np.testing.assert_allclose(prior.row, bayes.learned.parameters.user_prior.mean, atol=1e-5)


def test_profiles_of_several_new_users(bayes):
    some = palate.read_ratings(
        pl.DataFrame({"user": ["a", "a", "b"], "item": [50, 100, 50], "rating": [5, 1, 3]})
    )
    profiles = bayes.profiles(some)
    one = bayes.profile({50: 5, 100: 1})
    np.testing.assert_array_equal(profiles[0].row, one.row)
    best = profiles.recommend(3)
    assert best["user"].to_list() == ["a"] * 3 + ["b"] * 3
    assert best.filter(pl.col("user") == "a")["id"].equals(one.recommend(3)["id"])
