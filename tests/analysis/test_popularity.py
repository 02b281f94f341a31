"""Popularity beyond taste: picked often but liked little, picked rarely but well liked."""

import numpy as np
import polars as pl
import pytest

import palate


@pytest.fixture(scope="module")
def table(bayes):
    return bayes.popularity()


def test_it_is_the_distance_from_the_line(bayes, table):
    rated = bayes.biases("bias", min_ratings=20)
    bias, ratings = rated["bias"].to_numpy(), rated["ratings"].to_numpy()
    slope, level = np.polyfit(bias, np.log(ratings), 1)
    sd = (rated["upper"] - rated["lower"]).to_numpy() / (2 * 1.6448536)
    margin = 1.6448536 * np.sqrt(1 / ratings + (slope * sd) ** 2)
    expected = ratings / np.exp(level + slope * bias)
    found = rated.select("id").join(table, on="id", how="left", maintain_order="left")
    np.testing.assert_allclose(found["beyond_taste"], expected, rtol=1e-8)
    np.testing.assert_allclose(found["beyond_taste_lower"], expected * np.exp(-margin), rtol=1e-5)
    np.testing.assert_allclose(found["beyond_taste_upper"], expected * np.exp(margin), rtol=1e-5)
    assert found["rank_by_bias"].to_list() == rated["rank_by_bias"].to_list()
    assert table.sort("ratings", descending=True)["rank_by_ratings"][0] == 1


def test_the_contrasts_are_sure(table):
    often = table.filter(contrast="picked often, liked little")
    assert often["beyond_taste_lower"].min() > 1
    assert often["upper"].max() < 0
    rarely = table.filter(contrast="picked rarely, well liked")
    assert rarely["beyond_taste_upper"].max() < 1
    assert rarely["lower"].min() > 0
    assert "Twister (1996)" in often["item"].head(5).to_list()
    assert min(often.height, rarely.height) > 20
    others = table.filter(pl.col("contrast").is_null())
    between = (others["beyond_taste_lower"] <= 1) | (others["upper"] >= 0)
    assert between.all()


def test_the_orders(bayes, table):
    plain = bayes.popularity("beyond_taste")
    assert plain["beyond_taste"].is_sorted(descending=True)
    assert sorted(plain["id"]) == sorted(table["id"])
    surely_above = table.filter(pl.col("beyond_taste_lower") > 1)
    assert surely_above["beyond_taste_lower"].is_sorted(descending=True)
    assert table.head(surely_above.height).equals(surely_above)
    surely_below = table.filter(pl.col("beyond_taste_upper") < 1)
    assert surely_below["beyond_taste_upper"].is_sorted(descending=True)
    assert table.tail(surely_below.height).equals(surely_below)


def test_conditions_choose_rows_and_leave_the_line_as_it_is(bayes, table):
    comedies = bayes.popularity(where={"genres": "Comedy"})
    same = table.filter(pl.col("id").is_in(comedies["id"].implode()))
    assert comedies.equals(same)
    assert 100 < comedies.height < table.height
    assert bayes.popularity(min_ratings=1).height > table.height
    assert bayes.popularity(where={"genres": "Comedy"}, min_ratings=10_000).is_empty()


def test_a_point_estimate_has_no_intervals(model):
    table = model.popularity()
    assert table["beyond_taste_lower"].is_null().all()
    assert table["beyond_taste"].is_sorted(descending=True)
    often = table.filter(contrast="picked often, liked little")
    assert often.height
    assert often["beyond_taste"].min() > 1
    assert often["bias"].max() < 0
    with pytest.raises(palate.SettingError, match="no intervals for the cautious order"):
        model.popularity("cautious")


def test_what_can_not_be_answered_is_refused(bayes):
    with pytest.raises(palate.SettingError, match="order is 'best'"):
        bayes.popularity("best")
    with pytest.raises(palate.SettingError, match="no column 'colour'"):
        bayes.popularity(where={"colour": "red"})
    events = pl.DataFrame([(u, u * i % 11) for u in range(20) for i in range(1, 5)], orient="row")
    picks = palate.fit(palate.read_ratings(events.rename({"column_0": "user", "column_1": "item"})))
    with pytest.raises(palate.SettingError, match="needs a model of ratings"):
        picks.popularity()


def test_the_smallest_tables():
    rows = pl.DataFrame({"user": [1, 2, 1, 2], "item": [1, 1, 2, 2], "rating": [3, 4, 3, 4]})
    model = palate.Gibbs(factors=1, sweeps=6, burn_in=2).fit(palate.read_ratings(rows))
    table = model.popularity()
    assert table.height == 2
    assert table["beyond_taste"].is_finite().all()
