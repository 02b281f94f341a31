"""What features of items and users are worth: planted effects, and those without ratings."""

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
        assert row["upper"] - row["lower"] < 0.16
        assert row["items"] == np.sum(kind == k)
    assert found["year", None]["effect"] == pytest.approx(0.2, abs=0.06)
    assert found["luck", None]["lower"] < 0 < found["luck", None]["upper"]
    assert found["luck", None]["items"] is None
    assert model.features()["effect"].is_sorted(descending=True)


@pytest.fixture(scope="module")
def planted_users():
    """Ratings of 400 users of two groups who differ in their bias, and in one taste."""
    rng = np.random.default_rng(1)
    old, action = rng.integers(0, 2, ITEMS), rng.integers(0, 2, USERS)
    bias = 0.3 * (old - 0.5) + rng.normal(0, 0.3, ITEMS)
    taste = 0.8 * (2 * old - 1)
    user, item = np.divmod(rng.permutation(ITEMS * USERS)[:15_000], USERS)
    score = 3 + bias[user] + rng.normal(0, 0.3, USERS)[item] + taste[user] * (action[item] - 0.5)
    rating = score + rng.normal(0, 0.7, len(user))
    groups = pl.Series(["young", "old"])[old]
    return palate.read_ratings(
        pl.DataFrame({"user": user, "item": item, "rating": rating}),
        users=pl.DataFrame({"user": range(ITEMS), "group": groups, "luck": rng.normal(size=ITEMS)}),
    ), action


def test_planted_effects_of_users_lie_in_their_intervals(planted_users, tmp_path):
    """And people of whom nothing but the group is known are predicted to have its taste."""
    ratings, action = planted_users
    model = palate.Gibbs(factors=4, sweeps=120, burn_in=20).fit(ratings)
    found = {(row["column"], row["value"]): row for row in model.user_features().to_dicts()}
    difference = found["group", "old"]["effect"] - found["group", "young"]["effect"]
    assert difference == pytest.approx(0.3, abs=0.12)
    assert found["group", "old"]["lower"] > 0 > found["group", "young"]["upper"]
    assert found["luck", None]["lower"] < 0 < found["luck", None]["upper"]
    assert found["group", "old"]["users"] == (ratings.users["group"] == "old").sum()
    model.save(tmp_path / "m")
    loaded = palate.load(tmp_path / "m")
    for group, sign in (("old", 1), ("young", -1)):
        person = loaded.profile({}, features={"group": group})
        predictions = person.predict(list(range(USERS)))["prediction"].to_numpy()
        gap = predictions[action == 1].mean() - predictions[action == 0].mean()
        average = model.profile({}).predict(list(range(USERS)))["prediction"].to_numpy()
        gap -= average[action == 1].mean() - average[action == 0].mean()
        assert sign * gap == pytest.approx(0.8, abs=0.2)
        why = person.explain(3, None)
        assert why.ratings["contribution"].sum() == pytest.approx(why.score, abs=1e-5)
        parts = dict(why.ratings.iter_rows())
        assert sign * parts["your group and luck"] * (2 * action[3] - 1) > 0.1


def test_a_new_user_has_the_features_of_the_table(planted_users):
    """Of an update, and of `profiles`; known users keep what is not given again."""
    ratings, _ = planted_users
    few = ratings.take(ratings.user > 9)
    model = palate.Gibbs(factors=2, sweeps=20, burn_in=5).fit(few)
    new = pl.DataFrame({"user": [1000, 1000, 20], "item": [1, 2, 3], "rating": [3.0, 4.0, 3.0]})
    people = pl.DataFrame({"user": [1000, 20], "group": ["old", None], "hat": [1, 2]})
    more = palate.read_ratings(new, users=people)
    expected = model.profile({1: 3.0, 2: 4.0}, features={"group": "old"})
    np.testing.assert_array_equal(model.profiles(more)[1].row, expected.row)
    assert np.abs(expected.row - model.profile({1: 3.0, 2: 4.0}).row).max() > 0.1
    updated = model.update(more).model
    np.testing.assert_array_equal(updated.user(1000).row, expected.row)
    assert updated.users.columns == ["id", "group", "luck"]
    assert updated.users.filter(id=20).rows() == model.users.filter(id=20).rows()
    with pytest.raises(palate.SettingError, match="give these a table of users"):
        model.profile(palate.read_ratings(new[:2]), features={"group": "old"})


def test_the_bias_of_an_item_is_the_sum_of_its_features_and_the_rest(planted, model):
    why = model.user(0).explain(7)
    kind = planted[0].items["kind"][7]
    names = [name.partition(" 1")[0] for name in why.bias["name"]]
    assert names == [f"for {kind}".partition(" 1")[0], *names[1:]]
    assert why.bias["name"][-1] == "of its own"
    assert why.bias["contribution"].sum() == pytest.approx(float(model.item_biases[7]), abs=1e-6)
    effects = dict(model.features().select("value", "effect").iter_rows())
    assert why.bias["contribution"][0] == pytest.approx(effects[kind], abs=1e-5)
    assert f"{why.bias['contribution'][0]:+.2f} for {kind}" in why.sentence


@pytest.mark.parametrize("seed", [0, 1])
def test_items_that_nobody_has_rated_are_predicted_from_their_features(ml100k, seed):
    """A tenth of the items held out whole: 5% better than the mean of all, 90% of intervals hold.

    The control: features of other items are no better than none.
    """
    rng = np.random.default_rng(seed)
    new = np.isin(ml100k.item, rng.permutation(ml100k.items.height)[:168])
    train, valid = ml100k.take(~new), ml100k.take(new)
    solver = palate.Gibbs(sweeps=60, burn_in=20)
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


def test_items_of_the_items_table_are_predicted_before_anybody_has_rated_them(planted):
    """They are added to the ratings; of an item without any known feature only the prior."""
    ratings, effects, _ = planted
    kinds = [f"kind {k}" for k in range(4)]
    new = pl.DataFrame({"item": range(1000, 1005), "kind": [*kinds, None]})
    items = ratings.items.select(pl.col("id").alias("item"), "kind")
    table = pl.DataFrame(
        {"user": ratings.user, "item": items["item"].gather(ratings.item), "rating": ratings.rating}
    )
    more = palate.read_ratings(table, items=pl.concat([new, items]))
    assert more.items.height == ITEMS + 5
    assert "and 5 more" in more.source
    assert more.items["id"].is_sorted()
    np.testing.assert_array_equal(more.items["id"].to_numpy()[more.item], table["item"])
    found = palate.Gibbs(factors=4, sweeps=60, burn_in=15).fit(more).user(0).predict(new["item"])
    assert found["status"].to_list() == ["features only"] * 4 + ["prior-only"]
    assert found["prediction"][:4].is_sorted(descending=True)
    spread = found["prediction"][0] - found["prediction"][3]
    assert spread == pytest.approx(effects[0] - effects[3], abs=0.25)
    assert found["sd"].min() > 0.7


def test_a_wild_number_of_an_item_without_ratings_changes_nothing_else(planted):
    """It counts as the highest number of an item with ratings."""
    ratings, *_ = planted
    train = ratings.take(ratings.item != 7)
    solver = palate.Gibbs(factors=2, sweeps=20, burn_in=5)
    years = train.items["year"].to_numpy().copy()
    years[7] = np.delete(years, 7).max()
    models = []
    for year in (years[7], 1e5, 1e300):
        years[7] = year
        models.append(solver.fit(replace(train, items=train.items.with_columns(year=years.copy()))))
    for other in models[1:]:
        np.testing.assert_array_equal(other.item_biases, models[0].item_biases)
    tiny = train.items.with_columns(year=pl.col("year") * 1e-250)
    assert np.isfinite(solver.fit(replace(train, items=tiny)).item_biases).all()


def test_it_is_said_that_nobody_has_rated_an_item(planted):
    ratings, *_ = planted
    train = ratings.take(ratings.item != 7)
    profile = palate.Gibbs(factors=2, sweeps=20, burn_in=5).fit(train).user(0)
    sentence = profile.explain(7).sentence
    assert "nobody has rated it, and what follows is known from its features alone" in sentence
    plain = replace(train, items=train.items.select("id", "item"))
    profile = palate.Gibbs(factors=2, sweeps=20, burn_in=5).fit(plain).user(0)
    assert "so nothing more is known of it" in profile.explain(7).sentence


def test_without_features_there_are_no_effects(small):
    model = palate.Gibbs(sweeps=6, burn_in=2).fit(small)
    assert model.features().is_empty()
    assert model.user_features().is_empty()
    assert model.user(small.users["id"][0]).explain(small.items["id"][0]).bias.is_empty()


def test_a_point_estimate_does_not_use_features(small):
    with pytest.raises(palate.SettingError, match="does not use the features of items"):
        palate.OneCycle(epochs=1).fit(small).features()


def test_effects_are_saved(model, tmp_path):
    model.save(tmp_path / "m")
    assert palate.load(tmp_path / "m").features().equals(model.features())
    model.save(tmp_path / "m", users=False)
    assert palate.load(tmp_path / "m").user_features().equals(model.user_features())
