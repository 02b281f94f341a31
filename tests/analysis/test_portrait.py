"""Portraits: percentiles, generosity, predictability and surprises."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate


def test_where_a_person_stands(either):
    profile, told = either.user(196), either.user(196).describe()
    position = either.learned.canonical_axes.user_positions(profile.row[None])[0]
    everybody = either.learned.canonical_axes.user_positions(either.learned.user_table)
    np.testing.assert_allclose(told.axes["position"], position)
    percent = 100 * (everybody < position).mean(axis=0)
    np.testing.assert_allclose(told.axes["percentile"], percent)
    lower, upper = told.axes["percentile_lower"], told.axes["percentile_upper"]
    assert ((lower <= told.axes["percentile"]) & (told.axes["percentile"] <= upper)).all()
    for leans, ends, x in zip(told.axes["leans_to"], either.axis_names.ends, position, strict=True):
        assert leans == ends[int(x > 0)]


def test_more_ratings_make_a_narrower_portrait(bayes, ml100k):
    counts = np.bincount(ml100k.user)
    many, few = bayes.user(int(counts.argmax()) + 1), bayes.user(int(counts.argmin()) + 1)
    widths = [
        (axes["upper"] - axes["lower"]).head(3).mean()
        for axes in (many.describe().axes, few.describe().axes)
    ]
    assert widths[0] < 0.5 * widths[1]


def test_generosity_is_that_of_the_table_of_users(either):
    row = either.user_biases().row(by_predicate=pl.col("user") == 196, named=True)
    told = either.user(196).describe().generosity
    for name in ("bias", "lower", "upper"):
        assert told[name] == pytest.approx(row[name], abs=1e-4)
    biases = either.learned.user_table[:, -1]
    assert told["percentile"] == pytest.approx(100 * (biases < biases[195]).mean())


def test_predictability_finds_the_noise_of_made_up_people(bayes, altered):
    """Made of known noise, their residual sd is found, and the interval holds it in 9 of 10."""
    rng = np.random.default_rng(0)
    likelihood = bayes.learned.likelihood
    sd = likelihood.noise_sd
    wide = altered(
        bayes, likelihood=replace(likelihood, low=likelihood.low - 9, high=likelihood.high + 9)
    )
    known = np.flatnonzero(bayes.learned.item_counts > 100)
    found, held = [], []
    for _ in range(150):
        person = bayes.learned.user_table[rng.integers(943)]
        items = rng.choice(known, 60, replace=False)
        score = bayes.item_factors[items] @ person[:-1] + bayes.item_biases[items] + person[-1]
        ratings = bayes.learned.likelihood.mu + score + rng.normal(0, sd, 60)
        mine = dict(zip((items + 1).tolist(), ratings.tolist(), strict=True))
        told = wide.profile(mine).describe().predictability
        found.append(told["residual_sd"])
        held.append(told["lower"] < sd < told["upper"])
        assert told["noise_sd"] == sd
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(sd, rel=0.04)
    assert 0.82 < np.mean(held) < 0.97


def test_surprises_are_the_ratings_that_the_others_would_not_have_foretold(bayes):
    profile = bayes.user(196)
    told = profile.describe(39).surprises
    assert told["surprise"].abs().is_sorted(descending=True)
    mine = dict(zip((profile.rated + 1).tolist(), profile.rating.tolist(), strict=True))
    for row in told.head(3).iter_rows(named=True):
        others = {item: rating for item, rating in mine.items() if item != row["id"]}
        expected = bayes.profile(others).predict(row["id"])["prediction"][0]
        assert row["expected"] == pytest.approx(expected, abs=0.03)
        assert row["rating"] == mine[row["id"]]
        assert np.sign(row["surprise"]) == np.sign(row["rating"] - row["expected"])


def test_without_users_it_is_people_to_be_expected(bayes, model, tmp_path):
    for name, any_model in (("bayes", bayes), ("model", model)):
        any_model.save(tmp_path / name, users=False)
        alone = palate.load(tmp_path / name).profile({"Fargo (1996)": 5, "Heat (1995)": 1})
        known = any_model.profile({"Fargo (1996)": 5, "Heat (1995)": 1})
        np.testing.assert_allclose(
            alone.describe().axes["percentile"], known.describe().axes["percentile"], atol=8
        )


def test_somebody_without_ratings(either):
    told = either.profile({}).describe()
    assert told.predictability is None
    assert either.profile({"Fargo (1996)": 5}).describe().predictability is None
    assert told.surprises.is_empty()
    assert "too few ratings to say anything certain" in str(told)
    np.testing.assert_allclose(told.axes["percentile"], 50, atol=8)
    with pytest.raises(palate.SettingError, match="n is 0"):
        either.profile({}).describe(0)


def test_nobody_leans_more_than_everybody(bayes):
    furthest = int(bayes.learned.user_table[:, 0].argmin())
    said = str(bayes.user(furthest + 1).describe())
    assert "You lean to Action, newer more than 99% of people." in said
