"""Biases: the exact decomposition of mean ratings, intervals, ranks, orders and reasons."""

import numpy as np
import polars as pl
import pytest

import palate

PARTS = {
    "biases": ["mu", "bias", "raters_bias", "raters_interaction", "residual"],
    "user_biases": ["mu", "bias", "items_bias", "items_interaction", "residual"],
}


@pytest.mark.parametrize("side", PARTS)
def test_the_parts_sum_to_the_observed_mean(either, ml100k, side):
    table = getattr(either, side)()
    total = table.select(pl.sum_horizontal(PARTS[side])).to_series()
    np.testing.assert_allclose(total, table["mean"], atol=1e-4)
    key = {"biases": ("item", "id"), "user_biases": ("user", "user")}[side]
    means = dict(ml100k.frame().group_by(key[0]).agg(pl.col("rating").mean()).iter_rows())
    np.testing.assert_allclose(table["mean"], [means[i] for i in table[key[1]]], rtol=1e-6)


def test_each_part_equals_its_definition(bayes, ml100k):
    """Of one item, term by term, from the model's own numbers in double precision."""
    own = np.flatnonzero(ml100k.item == 99)
    users, item = (
        bayes.learned.user_table.astype(float)[ml100k.user[own]],
        bayes.learned.item_table[99],
    )
    row = bayes.biases().row(by_predicate=pl.col("id") == 100, named=True)
    interaction = users[:, :-1] @ item[:-1]
    expected = bayes.learned.likelihood.mu + item[-1] + users[:, -1] + interaction
    assert row["mu"] == pytest.approx(bayes.learned.likelihood.mu, abs=1e-6)
    assert row["bias"] == pytest.approx(item[-1], abs=1e-5)
    assert row["raters_bias"] == pytest.approx(users[:, -1].mean(), abs=1e-5)
    assert row["raters_interaction"] == pytest.approx(interaction.mean(), abs=1e-5)
    residual = (ml100k.rating[own] - expected).mean()
    assert row["residual"] == pytest.approx(residual, abs=1e-5)


def test_the_parts_of_a_sigmoid_are_in_units_of_the_ratings(model):
    low, high = model.learned.likelihood.low, model.learned.likelihood.high

    def rating(score):
        return low + (high - low) / (1 + np.exp(-score))

    average = model.learned.user_table[:, -1].mean(dtype=float)
    table = model.biases().sort("id")
    expected = rating(average + model.item_biases) - rating(average)
    np.testing.assert_allclose(table["bias"], expected, atol=1e-5)
    assert table["mu"][0] == pytest.approx(rating(average), abs=1e-5)


def test_intervals_are_those_of_the_posterior(bayes, model):
    table = bayes.biases().sort("id")
    half = 1.6448536 * bayes.learned.parameters.item_posterior.bias_sd
    np.testing.assert_allclose(table["upper"] - table["bias"], half, atol=1e-5)
    np.testing.assert_allclose(table["bias"] - table["lower"], half, atol=1e-5)
    assert model.biases()["lower"].null_count() == 1682  # a point estimate cannot


def test_intervals_of_users_are_those_of_their_profiles(either):
    row = either.user_biases().row(by_predicate=pl.col("user") == 196, named=True)
    profile = either.user(196)
    unclipped, average = (
        either.learned.likelihood.unclipped,
        float(either.learned.canonical_axes.average[-1]),
    )
    half = 1.6448536 * np.sqrt(profile.covariance[-1, -1])
    ends = unclipped(np.float32([average, profile.row[-1] - half, profile.row[-1] + half]))
    assert row["lower"] == pytest.approx(ends[1] - ends[0], abs=1e-4)
    assert row["upper"] == pytest.approx(ends[2] - ends[0], abs=1e-4)


def test_the_cautious_order_ranks_rarely_rated_items_near_the_middle(bayes):
    cautious, plain = bayes.biases(), bayes.biases("bias")
    assert plain["bias"].is_sorted(descending=True)
    bounds = np.maximum(cautious["lower"], 0) + np.minimum(cautious["upper"], 0)
    assert pl.Series(bounds).is_sorted(descending=True)
    assert cautious.head(20)["ratings"].min() >= 20
    assert plain.height == cautious.height == 1682
    # Items with one or two ratings are neither high nor low, unless their features say so.
    places = cautious.with_row_index("place").filter(pl.col("ratings") <= 2)["place"]
    assert places.min() > 50
    assert places.max() < 1682 - 10
    assert (places > 1682 - 50).mean() < 0.05


def test_the_reason_for_a_gap_is_its_largest_part(either):
    gaps = either.biases("gap")
    assert gaps["ratings"].min() >= 20
    assert gaps["gap"].abs().is_sorted(descending=True)
    assert (gaps["rank_by_mean"].cast(int) - gaps["rank_by_bias"].cast(int)).equals(gaps["gap"])
    for column, rank in (("mean", "rank_by_mean"), ("bias", "rank_by_bias")):
        assert gaps.sort(rank)[column].is_sorted(descending=True)
    for row in gaps.head(20).iter_rows(named=True):
        parts = {
            part: row[part] - gaps[part].median() for part in PARTS["biases"][2:]
        }  # beside what is usual
        largest = max(parts.values(), key=lambda value: -np.sign(row["gap"]) * value)
        assert f"({largest:+.2f})" in row["reason"].split(";")[0]
        # A mean above the bias goes with parts above the usual.
        assert np.sign(largest) == -np.sign(row["gap"])
    assert not either.biases()["reason"].str.contains(r"\(.0\.00\)").any()


def test_filters_by_feature_and_number_of_ratings(either):
    comedies = either.biases(where={"genres": "Comedy"}, min_ratings=50)
    assert comedies["ratings"].min() >= 50
    assert comedies["rank_by_bias"].sort().to_list()[0] == 1
    kinds = either.items.filter(pl.col("id").is_in(comedies["id"].implode()))["genres"]
    assert kinds.str.contains("Comedy").all()
    assert either.user_biases(min_ratings=100)["ratings"].min() >= 100


def test_the_order_of_a_point_estimate_is_that_of_the_biases(model):
    assert model.biases().equals(model.biases("bias"))
    by_row = np.argsort(-model.item_biases, kind="stable")
    assert model.biases()["id"].to_list() == (by_row + 1).tolist()


def test_without_users_the_reasons_are_missing(bayes, tmp_path):
    bayes.save(tmp_path / "m", users=False)
    alone = palate.load(tmp_path / "m")
    table = alone.biases()
    assert table["bias"].equals(bayes.biases()["bias"])
    assert table["reason"].null_count() == table["residual"].null_count() == table.height
    with pytest.raises(palate.UnknownIdError, match="saved without its users"):
        alone.user_biases()


def test_bad_requests_are_refused(model, bayes):
    with pytest.raises(palate.SettingError, match="order is 'best'; it must be one of bias, cau"):
        bayes.biases("best")
    with pytest.raises(palate.SettingError, match="a point estimate, which has no intervals"):
        model.biases("cautious")
    with pytest.raises(palate.SettingError, match="min_ratings is 0"):
        model.biases(min_ratings=0)
    with pytest.raises(palate.SettingError, match="no column 'studio'"):
        model.biases(where={"studio": "Disney"})


def test_a_filter_that_matches_no_item_gives_an_empty_table(bayes):
    assert bayes.biases(min_ratings=10_000).height == 0
    assert bayes.biases("gap", min_ratings=10_000).height == 0


def test_every_item_is_listed_with_its_mean_and_count(model, ml100k):
    biases = model.biases()
    assert biases.height == ml100k.items.height
    assert biases["bias"].is_sorted(descending=True)
    fargo = biases.row(by_predicate=pl.col("item") == "Fargo (1996)", named=True)
    rated = ml100k.frame().filter(pl.col("item") == fargo["id"])["rating"]
    assert fargo["ratings"] == len(rated)
    assert fargo["mean"] == pytest.approx(rated.mean(), rel=1e-6)
