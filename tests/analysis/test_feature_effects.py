"""What features of items are worth: planted effects, and items that nobody has rated."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate

USERS, ITEMS = 300, 400


@pytest.fixture(scope="module")
def planted():
    """Ratings with effects of four kinds, of a number, and none of a column of noise."""
    rng = np.random.default_rng(0)
    kind, year, noise = (
        rng.integers(0, 4, ITEMS),
        rng.normal(1990, 8, ITEMS),
        rng.normal(size=ITEMS),
    )
    effects = np.array([0.5, 0.2, -0.1, -0.6])
    bias = effects[kind] + 0.2 * (year - 1990) / 8 + rng.normal(0, 0.3, ITEMS)
    user, item = np.divmod(rng.permutation(USERS * ITEMS)[:15_000], ITEMS)
    rating = 3 + bias[item] + rng.normal(0, 0.3, USERS)[user] + rng.normal(0, 0.7, len(user))
    ratings = palate.read_ratings(
        pl.DataFrame({"user": user, "item": item, "rating": rating}),
        items=pl.DataFrame(
            {"item": range(ITEMS), "kind": [f"kind {k}" for k in kind], "year": year, "luck": noise}
        ),
    )
    return ratings, effects, kind


@pytest.fixture(scope="module")
def model(planted):
    return palate.Gibbs(factors=4, sweeps=120, burn_in=20).fit(planted[0])


def test_planted_effects_lie_in_their_intervals(planted, model):
    """Of five, against the mean of all items, with the sd of 100 biases of one kind, 0.03."""
    _, effects, kind = planted
    found = {(row["column"], row["value"]): row for row in model.features().to_dicts()}
    assert len(found) == 6
    centre = effects[kind].mean()
    for k, effect in enumerate(effects):
        row = found["kind", f"kind {k}"]
        assert row["effect"] == pytest.approx(effect - centre, abs=0.12)
        assert row["items"] == np.sum(kind == k)
    assert found["year", None]["effect"] == pytest.approx(0.2, abs=0.06)
    assert found["luck", None]["lower"] < 0 < found["luck", None]["upper"]
    assert found["luck", None]["items"] is None
    assert model.features()["effect"].is_sorted(descending=True)


@pytest.mark.parametrize("seed", [0, 1])
def test_items_that_nobody_has_rated_are_predicted_from_their_features(ml100k, seed):
    """A tenth of the items held out whole: 5% better than the mean of all, 90% of intervals hold.

    The control: features of other items are no better than none.
    """
    rng = np.random.default_rng(seed)
    new = np.isin(ml100k.item, rng.permutation(ml100k.items.height)[:168])
    train, valid = ml100k.take(~new), ml100k.take(new)
    solver = palate.Gibbs(sweeps=100, burn_in=20)
    errors = []
    for items in (ml100k.items, shuffled(ml100k.items, rng), ml100k.items.select("id", "item")):
        model = solver.fit(replace(train, items=items))
        errors.append(np.sqrt(model.loss(valid)))
        score = model.user_posteriors.scores(valid.user, valid.item)
        sd = model.user_posteriors.rating_sd(valid.user, valid.item)
        z = np.abs(valid.rating - model.learned.likelihood.unclipped(score)) / sd
        assert np.mean(z < 1.6449) == pytest.approx(0.9, abs=0.03)
    known, of_others, unknown = errors
    mean_of_all = np.sqrt(np.mean((valid.rating - train.rating.mean()) ** 2))
    assert known < 0.95 * mean_of_all
    assert known < 0.985 * unknown
    assert of_others > 0.99 * unknown


def shuffled(items, rng):
    other = items[rng.permutation(items.height)]
    return items.select("id", "item").hstack(other.drop("id", "item"))


def test_their_status_says_so(planted):
    ratings, *_ = planted
    train = ratings.take(ratings.item != 7)
    profile = palate.Gibbs(factors=2, sweeps=20, burn_in=5).fit(train).user(0)
    assert profile.predict([7, 8])["status"].to_list() == ["features only", "known"]
    assert profile.recommend(1, by="rating", candidates=[7])["id"].to_list() == [7]
    plain = replace(train, items=train.items.select("id", "item"))
    profile = palate.Gibbs(factors=2, sweeps=20, burn_in=5).fit(plain).user(0)
    assert profile.predict([7])["status"].to_list() == ["prior-only"]


def test_without_features_there_are_no_effects(small):
    assert palate.Gibbs(sweeps=6, burn_in=2).fit(small).features().is_empty()


def test_a_point_estimate_does_not_use_features(small):
    with pytest.raises(palate.SettingError, match="does not use the features of items"):
        palate.OneCycle(epochs=1).fit(small).features()


def test_effects_are_saved(model, tmp_path):
    model.save(tmp_path / "m")
    assert palate.load(tmp_path / "m").features().equals(model.features())
