"""How far two models differ: the overlap of their lists, and their biases, against slow twins."""

import numpy as np
import polars as pl
import pytest

import palate
from palate import metrics
from palate.evaluation._compare_refitted import compare_refitted, solver_of
from palate.evaluation._model_differences import bias_differences, list_overlap
from palate.solvers._combined import Combined


@pytest.fixture(scope="module")
def part(ml100k):
    """Return a model without the people and items numbered up to 20, and half of the ratings."""
    frame = ml100k.frame().filter((pl.col("user") > 20) & (pl.col("item") > 20))[::2]
    return palate.OneCycle(epochs=1).fit(palate.read_ratings(frame))


@pytest.fixture(params=["bayes first", "part first"])
def pair(request, bayes, part):
    return (bayes, part) if request.param == "bayes first" else (part, bayes)


def test_the_overlap_is_that_of_lists_without_either_history(pair):
    found = list_overlap(*pair, 5)
    assert (found.n, found.known) == (5, 923)
    assert len(found.overlaps) == 923
    lists = {}, {}
    for user in range(21, 60):
        histories = [m.items["id"].gather(m.user(user).rated).to_list() for m in pair]
        for place, model in enumerate(pair):
            mine = model.user(user).recommend(5, exclude=histories[1 - place])
            lists[place][user] = mine["id"].to_list()
    assert 0 < metrics.overlap(*lists, k=5) < 1
    assert found.overlaps[:39].mean() == pytest.approx(metrics.overlap(*lists, k=5))


def test_what_only_one_model_has_is_in_no_common_list(pair, bayes, part):
    """Lists of all items overlap in what both have, and no item of one stands for another's."""
    n = bayes.items.height
    found = list_overlap(*pair, n)
    had = bayes.items["id"].gather(bayes.user(21).rated)  # more than the other model knows
    left = set(part.items["id"]) - set(had)
    assert found.overlaps[0] == pytest.approx(len(left) / (n - len(had)))


def test_a_model_overlaps_with_itself_and_a_sample_is_taken_of_many(bayes, monkeypatch):
    assert (list_overlap(bayes, bayes).overlaps == 1).all()
    monkeypatch.setattr("palate.evaluation._model_differences._MAX_PEOPLE", 50)
    first = list_overlap(bayes, bayes)
    assert (len(first.overlaps), first.known) == (50, 943)


def test_biases_differ_by_their_difference_with_an_interval(bayes, default):
    table = bias_differences(bayes, default)
    one, other = (m.biases("bias", min_ratings=20).sort("id") for m in (bayes, default))
    own = table.sort("id")
    assert own["id"].equals(one["id"])
    difference = (one["bias"] - other["bias"]).to_numpy()
    np.testing.assert_allclose(own["difference"], difference)
    half = [(m["upper"] - m["lower"]).to_numpy() / 2 for m in (one, other)]
    np.testing.assert_allclose(own["upper"], difference + np.sqrt(half[0] ** 2 + half[1] ** 2))
    np.testing.assert_allclose(own["lower"], 2 * difference - own["upper"].to_numpy())
    # Two fits to the same ratings differ within their intervals.
    assert table.filter((pl.col("lower") > 0) | (pl.col("upper") < 0)).height == 0
    assert table["difference"].abs().is_sorted(descending=True)


def test_certain_differences_come_first(bayes, ml100k):
    """In a model of the same ratings with some of one item turned round."""
    rating = ml100k.rating.copy()
    turned = ml100k.items["id"].to_numpy()[ml100k.item] == 50
    rating[turned] = 6 - rating[turned]
    other = palate.Gibbs(factors=2, sweeps=20, burn_in=10).fit(
        palate.read_ratings(ml100k.frame().with_columns(rating=rating))
    )
    first = bias_differences(bayes, other).row(0, named=True)
    assert (first["id"], first["item"]) == (50, "Star Wars (1977)")
    assert first["lower"] > 1


def test_without_intervals_the_largest_difference_comes_first(bayes, model):
    table = bias_differences(bayes, model, min_ratings=100)
    assert table["lower"].null_count() == table.height
    assert table["ratings"].min() >= 100
    assert table["difference"].abs().is_sorted(descending=True)


def test_models_that_lack_what_is_compared_are_refused(bayes, events, tmp_path):
    bayes.save(tmp_path / "m", users=False)
    with pytest.raises(palate.UnknownIdError, match="saved without its users"):
        list_overlap(bayes, palate.load(tmp_path / "m"))
    with pytest.raises(palate.SettingError, match="needs a model of ratings"):
        bias_differences(events, events)


def test_models_of_other_ratings_are_measured_on_what_both_had(ml100k, part):
    """The held-out ratings are a fifth of those that both have, and neither is fitted to them."""
    full = palate.OneCycle(epochs=1).fit(ml100k)
    found = compare_refitted({"full": full, "part": part})
    common = len(part.ratings)
    rows = {row["name"]: row for row in found.results}
    assert found.measured == common // 5
    assert rows["full"]["training_ratings"] == 100_000 - common // 5
    assert rows["part"]["training_ratings"] == common - common // 5
    assert (rows["full"]["left_out"], rows["part"]["left_out"]) == (0, 0)
    assert rows["full"]["rmse"] < 1.1
    assert "a random fifth of the ratings that all were fitted to" in found.on


def test_a_rating_that_was_changed_is_not_held_out(small):
    changed = small.frame().with_columns(
        rating=pl.when(pl.col("user") == "ann").then(3).otherwise(pl.col("rating"))
    )
    quick = palate.OneCycle(factors=2, epochs=1, bs=2)
    models = {"old": quick.fit(small), "new": quick.fit(palate.read_ratings(changed))}
    found = compare_refitted(models)
    assert found.measured == 1  # a fifth of 7


def test_models_of_nothing_in_common_are_refused(small):
    quick = palate.OneCycle(factors=2, epochs=1, bs=2)
    others = small.frame().with_columns(user=pl.col("user") + "a")
    models = {"old": quick.fit(small), "new": quick.fit(palate.read_ratings(others))}
    with pytest.raises(palate.DataError, match="model old and model new have no ratings in common"):
        compare_refitted(models)


def test_the_solver_of_a_model_fits_all_that_it_has(bayes, both, events):
    assert solver_of(bayes) == palate.Gibbs(sweeps=60, burn_in=20)
    assert solver_of(both) == Combined(palate.Gibbs(sweeps=60, burn_in=20))
    assert solver_of(events).name == "choice"
