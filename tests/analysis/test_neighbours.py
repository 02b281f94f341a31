"""Neighbours: cosines, their intervals and correlations."""

import functools

import numpy as np
import polars as pl
import pytest

import palate
from palate.analysis import _neighbours

SILENCE = "Silence of the Lambs, The (1991)"


def test_the_cautious_order_prefers_items_with_many_ratings(bayes):
    cautious, plain = bayes.similar(SILENCE, 20), bayes.similar(SILENCE, 20, order="similarity")
    assert cautious["lower"].is_sorted(descending=True)
    assert plain["cosine"].is_sorted(descending=True)
    assert cautious["ratings"].min() > 20
    assert cautious["sure"].all()
    everything = bayes.similar(SILENCE, 2000)
    assert everything.height == 1681
    inside = everything["similarity"].is_between(everything["lower"], everything["upper"])
    assert inside.all()
    assert (everything["sure"] == (everything["lower"] > 0)).all()
    assert everything.filter(pl.col("ratings") == 1)["sure"].mean() < 0.05
    assert bayes.similar(SILENCE, 2000, min_ratings=50)["ratings"].min() == 50


def test_the_interval_is_the_spread_of_the_cosine_over_the_posterior(bayes):
    """Beside a hundred times as many draws, for items with many and with few ratings."""
    rng = np.random.default_rng(1)
    similar = bayes.similar("Star Wars (1977)", 2000)
    k = bayes.factors

    def draws(row):
        covariance = (
            bayes.learned.parameters.item_posterior.covariances.values[row]
            .reshape(k, k)
            .astype(float)
        )
        return rng.multivariate_normal(bayes.item_factors[row], covariance, 20_000, method="eigh")

    one = draws(49)
    for row in similar[[0, 1, 2, 50, 400, 1000, 1600]].iter_rows(named=True):
        other = draws(row["id"] - 1)
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        lower, upper = np.quantile((one * other).sum(1) / lengths, [0.05, 0.95])
        assert row["lower"] == pytest.approx(lower, abs=0.2 * (upper - lower))
        assert row["upper"] == pytest.approx(upper, abs=0.2 * (upper - lower))


def test_a_point_estimate_gives_the_cosines_alone(model):
    similar = model.similar(SILENCE, 5)
    assert similar["similarity"].is_sorted(descending=True)
    assert similar["lower"].null_count() == similar["sure"].null_count() == 5
    assert similar["similarity"].equals(similar["cosine"])
    with pytest.raises(palate.SettingError, match="a point estimate, which has no intervals"):
        model.similar(SILENCE, order="cautious")


def test_correlations_are_those_of_predicted_ratings(bayes, model):
    """Over the known users; people as the prior has them vary more along weak axes."""
    for any_model in (bayes, model):
        similar = any_model.similar(SILENCE, 5, min_ratings=100)
        users, items = (
            any_model.learned.user_table.astype(float),
            any_model.learned.item_table.astype(float),
        )
        scores = users[:, :-1] @ items[:, :-1].T + users[:, -1:] + items[:, -1]
        for row in similar.iter_rows(named=True):
            correlation = np.corrcoef(scores[:, 97], scores[:, row["id"] - 1])[0, 1]
            assert row["correlation"] == pytest.approx(correlation, abs=0.08)


def test_bad_requests_are_refused(bayes, tmp_path):
    with pytest.raises(palate.SettingError, match="order is 'best'; it must be one of sim"):
        bayes.similar(SILENCE, order="best")
    bayes.save(tmp_path / "m", users=False)
    alone = palate.load(tmp_path / "m")
    assert alone.similar(SILENCE).equals(bayes.similar(SILENCE))


def test_diagonal_covariances_find_nearly_the_same_neighbours(bayes, altered):
    k = bayes.factors
    diagonals = np.ascontiguousarray(
        bayes.learned.parameters.item_posterior.covariances.values[:, :: k + 1]
    )
    thin = altered(bayes, item_covariances=diagonals)
    full, less = bayes.similar(SILENCE, 10), thin.similar(SILENCE, 10)
    assert len(set(less["id"]) & set(full["id"])) >= 7
    np.testing.assert_allclose(less["lower"], full["lower"], atol=0.1)
    np.testing.assert_array_equal(thin.learned.canonical_axes.sd, bayes.learned.canonical_axes.sd)
    assert thin.map("component 1", "axis 2").height == 1682


def test_a_tiny_table_has_neighbours(small):
    for solver in (palate.Gibbs(factors=1, sweeps=30), palate.OneCycle(factors=1, epochs=2)):
        model = palate.fit(small, solver)
        assert model.similar("tea", order="similarity").height == 3


def test_an_item_without_ratings_has_no_neighbours(small):
    model = palate.OneCycle(factors=2).fit(small.take(np.array([0, 1, 3, 4, 6, 8])))
    with pytest.raises(palate.UnknownIdError, match="nobody has rated 'gin', so that its"):
        model.similar("gin")
    assert "nobody has rated it" in str(model.user("ann").explain("gin"))


def test_similar_is_the_cosine(model):
    similar = model.similar("Silence of the Lambs, The (1991)", 5)
    assert similar["similarity"].is_sorted(descending=True)
    factors = model.item_factors[[97, similar["id"][0] - 1]].astype(np.float64)
    cosine = factors[0] @ factors[1] / np.prod(np.linalg.norm(factors, axis=1))
    assert similar["similarity"][0] == pytest.approx(cosine, rel=1e-5)
    assert "Silence of the Lambs, The (1991)" not in set(similar["item"])


@pytest.fixture
def everything(monkeypatch):
    """Return a function that computes with all items as candidates."""

    def _everything(similar, *arguments):
        with monkeypatch.context() as patch:
            patch.setattr(_neighbours, "_CANDIDATES", 1_000_000)
            return similar(*arguments)

    return _everything


def test_candidates_give_the_neighbours_of_the_exhaustive_search(bayes, everything):
    """All of them for items with many ratings; of others one in a hundred may be missed."""
    table = bayes.biases("gap", min_ratings=1)[::140]
    missed = []
    for item, ratings in table.select("id", "ratings").iter_rows():
        expected, found = everything(bayes.similar, item, 12), bayes.similar(item, 12)
        missed.append(len(set(expected["id"]) - set(found["id"])) / 12)
        assert found.equals(expected) or ratings < 10, item
    assert np.mean(missed) < 0.01
    plain = functools.partial(bayes.similar, order="similarity")
    assert plain(50, 12).equals(everything(plain, 50, 12))


def test_few_candidates_are_enough_since_uncertain_ones_come_later(bayes, everything, monkeypatch):
    """With 40 of 1,682 items as candidates, the cosine alone misses more."""
    items = bayes.biases("gap", min_ratings=1)["id"][::70].to_list()
    expected = [set(everything(bayes.similar, item, 12)["id"]) for item in items]
    monkeypatch.setattr(_neighbours, "_CANDIDATES", 28)

    def missed(model):
        found = [set(model.similar(item, 12)["id"]) for item in items]
        return np.mean([len(a - b) / 12 for a, b in zip(expected, found, strict=True)])

    with_certainty = missed(bayes)
    by_cosine = _neighbours.Directions.of(bayes.learned.item_factors)
    monkeypatch.setattr(_neighbours.Directions, "of_items", lambda _: by_cosine)
    assert with_certainty < 0.75 * missed(palate.Model(bayes.learned))
