"""Recommendations and predictions for one person and for all: order, status and eligible items."""

import numpy as np
import polars as pl
import pytest

import palate
from palate.inference._prediction_interval import score_variance


def test_cautious_ranks_by_a_lower_quantile(bayes):
    profile = bayes.user(196)
    best = profile.recommend(50, cautious=0.1)
    assert best["at_least"].is_sorted(descending=True)
    rows = bayes.learned.item_index.rows(best["id"])
    relative = bayes.learned.parameters.variances.items[rows] * profile.rating_posterior.variance
    noise = bayes.learned.likelihood.noise_sd**2 * relative
    variance = best["sd"].cast(pl.Float64) ** 2 - noise
    low, high = bayes.learned.likelihood.low, bayes.learned.likelihood.high
    lower = (best["prediction"] - 1.2815516 * variance.sqrt()).clip(low, high)
    unclipped = best["prediction"] < high
    np.testing.assert_allclose(best["at_least"].filter(unclipped), lower.filter(unclipped), 1e-4)
    usual = profile.recommend(50, by="rating")
    of_usual = score_variance(
        bayes.learned.parameters,
        profile.rating_posterior,
        bayes.learned.item_index.rows(usual["id"]),
    )
    assert variance.mean() < of_usual.mean()
    assert profile.recommend(5, cautious=0.5)["id"].equals(profile.recommend(5)["id"])


def test_the_status_of_items_with_few_or_no_ratings(small):
    train = small.take(np.array([0, 1, 3, 4, 6, 8]))  # nobody in it has rated gin
    model = palate.Gibbs(sweeps=20, burn_in=5).fit(train)
    predicted = model.user("ann").predict(["gin", "tea"])
    assert predicted["status"].to_list() == ["prior-only", "rarely rated"]
    assert predicted["ratings"].to_list() == [0, 3]
    assert predicted["sd"][0] > predicted["sd"][1]


def test_items_with_five_ratings_are_known(bayes):
    predicted = bayes.user(1).predict(bayes.items["id"])
    expected = np.where(bayes.learned.item_counts < 5, "rarely rated", "known")
    assert predicted["status"].to_list() == expected.tolist()


def test_a_point_estimate_has_no_sd_and_no_cautious_order(model):
    assert model.user(1).predict(50)["sd"].to_list() == [None]
    with pytest.raises(palate.SettingError, match="is a point estimate, without the uncertainty"):
        model.user(1).recommend(cautious=0.1)


def test_recommendations_for_all_users_equal_those_for_each(bayes):
    titles = ["Fargo (1996)", "Heat (1995)", "Titanic (1997)", 50, 100, 313]
    for choices in ({}, {"seen": True}, {"candidates": titles}, {"exclude": titles}):
        every = bayes.recommend(5, **choices)
        for user in (1, 196, 943):
            own = every.filter(pl.col("user") == user).drop("user")
            alone = bayes.user(user).recommend(5, **choices)
            assert own["id"].equals(alone["id"])
            computed = ("score", "prediction", "sd")
            for name in computed:
                np.testing.assert_allclose(own[name], alone[name], rtol=1e-5)
            assert own.drop(computed).equals(alone.drop(computed))


def test_recommendations_are_the_best_unseen(model, ml100k):
    best = model.user(196).recommend(20)
    seen = set(ml100k.frame().filter(pl.col("user") == 196)["item"])
    unseen = [i for i in ml100k.items["id"].to_list() if i not in seen]
    every = model.user(196).predict(unseen).sort("prediction", descending=True)
    assert best["prediction"].to_list() == every["prediction"].head(20).to_list()
    assert set(best["id"]).isdisjoint(seen)


def test_recommendations_from_candidates_without_exclusions(model):
    profile = model.user(196)
    titles = ["Fargo (1996)", "Heat (1995)", "Titanic (1997)"]
    some = profile.recommend(5, candidates=titles, exclude="Heat (1995)", seen=True)
    assert set(some["item"]) == {"Fargo (1996)", "Titanic (1997)"}
    favourite = profile.favourites(1)["id"][0]
    assert profile.recommend(5, candidates=[favourite]).is_empty()
    assert profile.recommend(5, candidates=[favourite], seen=True)["id"].to_list() == [favourite]


def test_items_without_a_training_rating_are_not_recommended(small):
    train = small.take(np.array([0, 1, 3, 4, 6, 8]))  # nobody in it has rated gin
    model = palate.OneCycle(factors=2).fit(train)
    for user in model.users["id"]:
        assert "gin" not in set(model.user(user).recommend(9, seen=True)["id"])
    assert "gin" not in set(model.biases()["id"])
    assert "gin" not in set(model.similar("tea")["id"])
