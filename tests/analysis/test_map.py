"""The map: coordinates of any kind, with intervals where there are any."""

import numpy as np
import polars as pl
import pytest

import palate


def test_the_first_two_axes_are_the_default(bayes):
    table = bayes.map()
    assert table["ratings"].is_sorted(descending=True)
    by_id = table.sort("id")
    np.testing.assert_allclose(by_id["x"], bayes.item_factors[:, 0], atol=1e-6)
    np.testing.assert_allclose(by_id["y"], bayes.item_factors[:, 1], atol=1e-6)
    half = 1.6448536 * bayes.learned.canonical_axes.sd[:, 0]
    np.testing.assert_allclose(by_id["x_upper"] - by_id["x"], half, atol=1e-6)


def test_components_are_the_principal_components_of_the_book(model):
    """Principal components of the factors of the 1,000 most rated items, as by covariance."""
    table = model.map("component 1", "component 3").head(1000).sort("id")
    most = np.sort(np.argsort(-model.learned.item_counts, kind="stable")[:1000])
    factors = model.item_factors[most].astype(float)
    size, vectors = np.linalg.eigh(np.cov(factors.T))
    for column, place in (("x", -1), ("y", -3)):
        expected = (factors - factors.mean(0)) @ vectors[:, place]
        values = table[column].to_numpy()
        assert abs(np.corrcoef(expected, values)[0, 1]) == pytest.approx(1, abs=1e-8)
        assert values.var(ddof=1) == pytest.approx(size[place])
        assert values.mean() == pytest.approx(0, abs=1e-6)


def test_biases_counts_and_features_as_coordinates(bayes, model):
    table = bayes.map("year", "bias")
    star_wars = table.row(by_predicate=pl.col("item") == "Star Wars (1977)", named=True)
    bias = bayes.biases().row(by_predicate=pl.col("item") == "Star Wars (1977)", named=True)
    assert star_wars["x"] == 1977
    assert star_wars["x_lower"] is None
    for end in ("lower", "upper"):
        assert star_wars[f"y_{end}"] == pytest.approx(bias[end], abs=1e-5)
    assert table.height == 1682 - bayes.items["year"].null_count()
    counts = model.map("ratings", "mean")
    assert counts["x"].to_list() == counts["ratings"].to_list()
    assert model.map("bias", "mean")["x_lower"].null_count() == 1682


def test_unknown_coordinates_are_refused_with_the_available_ones(bayes):
    with pytest.raises(palate.SettingError, match=r"no coordinate 'genres'; choose one of axis 1"):
        bayes.map("genres")
    with pytest.raises(palate.SettingError, match="there is no 'axis 99'; this model has"):
        bayes.map("axis 1", "axis 99")
    with pytest.raises(palate.SettingError, match="there is no coordinate 3"):
        bayes.map(3)
