"""Portraits: percentiles, generosity, predictability and surprises."""

import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate
from palate.analysis._intervals import chi_square


def test_positions_and_percentiles_on_the_axes(either):
    profile, portrait = either.user(196), either.user(196).describe()
    position = either.learned.canonical_axes.user_positions(profile.row[None])[0]
    positions = either.learned.canonical_axes.user_positions(either.learned.user_table)
    np.testing.assert_allclose(portrait.axes["position"], position)
    percent = 100 * (positions < position).mean(axis=0)
    np.testing.assert_allclose(portrait.axes["percentile"], percent)
    lower, upper = portrait.axes["percentile_lower"], portrait.axes["percentile_upper"]
    assert ((lower <= portrait.axes["percentile"]) & (portrait.axes["percentile"] <= upper)).all()
    for leans_to, ends, x in zip(
        portrait.axes["leans_to"], either.axis_names.leanings, position, strict=True
    ):
        assert leans_to == ends[int(x > 0)]


def test_more_ratings_make_a_narrower_portrait(bayes, ml100k):
    counts = np.bincount(ml100k.user)
    many, few = bayes.user(int(counts.argmax()) + 1), bayes.user(int(counts.argmin()) + 1)
    widths = [
        (axes["upper"] - axes["lower"]).head(3).mean()
        for axes in (many.describe().axes, few.describe().axes)
    ]
    assert widths[0] < 0.5 * widths[1]


def test_generosity_equals_the_table_of_user_biases(either):
    row = either.user_biases().row(by_predicate=pl.col("user") == 196, named=True)
    generosity = either.user(196).describe().generosity
    for name in ("bias", "lower", "upper"):
        assert generosity[name] == pytest.approx(row[name], abs=1e-4)
    biases = either.learned.user_table[:, -1]
    assert generosity["percentile"] == pytest.approx(100 * (biases < biases[195]).mean())


def test_predictability_finds_the_noise_of_simulated_people(bayes, altered):
    """The residual sd is the known noise, and 9 of 10 intervals contain it."""
    rng = np.random.default_rng(0)
    likelihood = bayes.learned.likelihood
    sd = likelihood.noise_sd
    wide = altered(
        bayes, likelihood=replace(likelihood, low=likelihood.low - 9, high=likelihood.high + 9)
    )
    known = np.flatnonzero(bayes.learned.item_counts > 100)
    sds, covered = [], []
    for _ in range(150):
        person = bayes.learned.user_table[rng.integers(943)]
        items = rng.choice(known, 60, replace=False)
        score = bayes.item_factors[items] @ person[:-1] + bayes.item_biases[items] + person[-1]
        relative = bayes.learned.parameters.variances.items[items]
        noise = np.sqrt(relative) * rng.normal(0, sd, 60)
        ratings = bayes.learned.likelihood.mu + score + noise
        given = dict(zip((items + 1).tolist(), ratings.tolist(), strict=True))
        found = wide.profile(given).describe().predictability
        sds.append(found["residual_sd"])
        covered.append(found["lower"] < sd < found["upper"])
        freedom = bayes.learned.parameters.variances.freedom
        middle = np.sqrt(freedom / chi_square(np.array(freedom), 0.0))
        assert found["noise_sd"] == pytest.approx(sd * middle)
    assert np.sqrt(np.mean(np.square(sds))) == pytest.approx(sd, rel=0.04)
    assert 0.82 < np.mean(covered) < 0.97


def test_surprises_differ_from_the_expectation_given_all_other_ratings(bayes):
    profile = bayes.user(196)
    surprises = profile.describe(39).surprises
    assert surprises["surprise"].abs().is_sorted(descending=True)
    rated = dict(zip((profile.rated + 1).tolist(), profile.rating.tolist(), strict=True))
    for row in surprises.head(3).iter_rows(named=True):
        others = {item: rating for item, rating in rated.items() if item != row["id"]}
        person = bayes.profile(others, features={"age": 49, "gender": "M", "occupation": "writer"})
        expected = person.predict(row["id"])["prediction"][0]
        assert row["expected"] == pytest.approx(expected, abs=0.03)
        assert row["rating"] == rated[row["id"]]
        assert np.sign(row["surprise"]) == np.sign(row["rating"] - row["expected"])


def test_without_users_percentiles_are_those_of_the_prior(bayes, model, tmp_path):
    for name, any_model in (("bayes", bayes), ("model", model)):
        any_model.save(tmp_path / name, users=False)
        alone = palate.load(tmp_path / name).profile({"Fargo (1996)": 5, "Heat (1995)": 1})
        known = any_model.profile({"Fargo (1996)": 5, "Heat (1995)": 1})
        np.testing.assert_allclose(
            alone.describe().axes["percentile"], known.describe().axes["percentile"], atol=8
        )


def test_a_portrait_without_ratings(either):
    portrait = either.profile({}).describe()
    assert portrait.predictability is None
    assert either.profile({"Fargo (1996)": 5}).describe().predictability is None
    assert portrait.surprises.is_empty()
    assert str(portrait) == "There are no ratings yet to tell your tastes from."
    np.testing.assert_allclose(portrait.axes["percentile"], 50, atol=10)  # users are skewed
    with pytest.raises(palate.SettingError, match="n is 0"):
        either.profile({}).describe(0)


def test_few_ratings_leave_the_predictability_near_the_prior(bayes):
    few = bayes.profile({"Fargo (1996)": 5, "Heat (1995)": 1, "Alien (1979)": 4}).describe()
    noise_sd = bayes.learned.likelihood.noise_sd
    assert few.predictability["lower"] < noise_sd < few.predictability["upper"]
    assert few.predictability["residual_sd"] == pytest.approx(noise_sd, rel=0.5)


def test_the_most_extreme_user_leans_more_than_99_percent(bayes):
    furthest = int(bayes.learned.user_table[:, 0].argmin())
    text = str(bayes.user(furthest + 1).describe())
    end = bayes.axis_names.leanings[0][0]
    other = bayes.axis_names.leanings[0][1]
    assert f"They rate {end} higher, and {other} lower, than 99 in 100 people do." in text
    assert " you" not in text


def test_portraits_of_everybody_say_something_about_axes_in_view(default):
    """Of all 943 people fewer than 5% have no taste that is at least likely."""
    leanings = default.axis_names.leanings[: default.axis_names.in_view]
    ends = {name for pair in leanings for name in pair}
    form = re.compile("They (?:also )?(?:seem to )?rate (.+?) higher, and (.+?) lower, than")
    average = re.compile("Between (.+?) and (.+?), their taste is about average")
    silent = 0
    for profile in map(default.user, default.users["id"]):
        text = str(profile.describe())
        pairs = form.findall(text) + average.findall(text)
        silent += not pairs
        assert {name for pair in pairs for name in pair} <= ends
        assert ("do not show clear tastes yet" in text) == (not pairs)
    assert silent < 0.05 * 943


def test_an_axis_that_explains_nothing_has_an_interval():
    """Its variance is zero, and may be less in single precision."""
    random = np.random.default_rng(0)
    table = pl.DataFrame(
        {
            "user": random.integers(0, 30, 300),
            "item": random.integers(0, 25, 300),
            "rating": random.integers(1, 6, 300),
        }
    ).unique(["user", "item"], maintain_order=True)
    model = palate.OneCycle(factors=50, epochs=1).fit(palate.read_ratings(table))
    axes = model.profile({}).describe().axes
    assert axes.select(pl.col("lower", "upper").is_finite().all()).row(0) == (True, True)
