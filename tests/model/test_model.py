"""The model: predictions, recommendations, neighbours, biases, and names that it does not know."""

import datetime as dt
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

import palate


def test_predictions_are_the_formula(model):
    low, high = model.learned.likelihood.low, model.learned.likelihood.high
    assert (low, high) == (0, 5.5)
    users, items = [196, 943, 1], [242, "Fargo (1996)", "Titanic (1997)"]
    rows = [model.items["item"].to_list().index(t) for t in ("Fargo (1996)", "Titanic (1997)")]
    user, item = model.learned.user_table[[195, 942, 0]], model.learned.item_table[[241, *rows]]
    score = (user[:, :-1] * item[:, :-1]).sum(1) + user[:, -1] + item[:, -1]
    expected = low + (high - low) / (1 + np.exp(-score))
    np.testing.assert_allclose(model.predict(users, items), expected, rtol=1e-5)


def test_one_and_many_agree(model):
    profile = model.user(196)
    titles = ["Fargo (1996)", "Heat (1995)", 50]
    single = profile.predict(titles)
    assert single["item"].to_list() == ["Fargo (1996)", "Heat (1995)", "Star Wars (1977)"]
    assert profile.predict(50).equals(single[2:])
    np.testing.assert_allclose(single["prediction"], model.predict([196] * 3, titles), rtol=1e-5)


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


def test_similar_is_the_cosine(model):
    similar = model.similar("Silence of the Lambs, The (1991)", 5)
    assert similar["similarity"].is_sorted(descending=True)
    factors = model.item_factors[[97, similar["id"][0] - 1]].astype(np.float64)
    cosine = factors[0] @ factors[1] / np.prod(np.linalg.norm(factors, axis=1))
    assert similar["similarity"][0] == pytest.approx(cosine, rel=1e-5)
    assert "Silence of the Lambs, The (1991)" not in set(similar["item"])


def test_biases_hold_every_item_in_order(model, ml100k):
    biases = model.biases()
    assert biases.height == ml100k.items.height
    assert biases["bias"].is_sorted(descending=True)
    fargo = biases.row(by_predicate=pl.col("item") == "Fargo (1996)", named=True)
    rated = ml100k.frame().filter(pl.col("item") == fargo["id"])["rating"]
    assert fargo["ratings"] == len(rated)
    assert fargo["mean"] == pytest.approx(rated.mean(), rel=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.user(944), r"there is no user 944 among the 943 of this model; the nearest"),
        (lambda m: m.user("zoe"), "there is no user 'zoe'"),
        (lambda m: m.similar("Farg"), r"there is no item 'Farg'; the nearest are 'Fargo \(1996\)'"),
        (lambda m: m.similar("Strar Wras (1977)"), r"the nearest are 'Star Wars \(1977\)'"),
        (lambda m: m.similar(1.5), "there is no item 1.5"),
        (lambda m: m.similar(None), "there is no item None"),
        (lambda m: m.similar(10**30), "there is no item 1000"),
        (lambda m: m.user(1).predict(["Fargo (1996)", "Nope"]), "there is no item 'Nope'"),
        (lambda m: m.user(1).recommend(exclude=["Nope"]), "there is no item 'Nope'"),
        (lambda m: m.user(1).recommend(candidates=["Nope"]), "there is no item 'Nope'"),
        (lambda m: m.predict([1, 0], [1, 1]), "there is no user 0"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(model, call, message):
    with pytest.raises(palate.UnknownIdError, match=message):
        call(model)


def test_a_title_of_two_items_is_an_ambiguity(model):
    with pytest.raises(
        palate.UnknownIdError, match="the title of 2 items; choose one by its id: 266, 680"
    ):
        model.similar("Kull the Conqueror (1997)")
    assert model.similar(266, 1).height == 1


def test_an_id_comes_before_another_items_title():
    items = pl.DataFrame({"item": [1, 2], "title": ["2", "One"]})
    table = pl.DataFrame({"user": [1, 2, 2], "item": [1, 1, 2], "rating": [1, 2, 3]})
    model = palate.OneCycle(factors=1).fit(palate.read_ratings(table, items=items))
    for two in (2, "2", np.int64(2), 2.0):
        assert model.similar(two)["item"].to_list() == ["2"]


@pytest.mark.parametrize(
    ("ids", "strangers"),
    [
        ([1, 2], [None, 1.5, True, "01", "x", {}, [1], 10**30, dt.date(2024, 1, 1), "\udcff"]),
        (["a", "b"], [None, 1, "A", b"a", {}, 1.0]),
        ([dt.date(2024, 1, 1), dt.date(2024, 1, 2)], [None, 5, "x", "2024-01-03"]),
        ([True, False], [None, 1, "yes"]),
        ([Decimal("1.5"), Decimal("2")], [None, "2", np.int64(99)]),
    ],
)
def test_only_known_ids_are_found(ids, strangers):
    table = pl.DataFrame({"user": ids, "item": [1, 2], "rating": [1, 2]})
    model = palate.OneCycle(factors=1, epochs=1).fit(palate.read_ratings(table))
    for known in ids:
        assert model.user(known).rated.tolist() == [ids.index(known)]
        text = model.users["id"].cast(pl.String)[sorted(ids).index(known)]
        assert model.user(text).row.tolist() == model.user(known).row.tolist()
    for stranger in strangers:
        with pytest.raises(palate.UnknownIdError, match="there is no user"):
            model.user(stranger)


def test_ids_as_text_and_titles_in_any_case(model):
    assert model.user("196").row.tolist() == model.user(196).row.tolist()
    assert model.similar("fargo (1996)").equals(model.similar("100"))


def test_bad_requests_are_refused(model):
    with pytest.raises(palate.SettingError, match="n is 0; it must be at least 1"):
        model.user(1).recommend(0)
    with pytest.raises(palate.SettingError, match="n is 0; it must be at least 1"):
        model.similar(1, 0)
    with pytest.raises(palate.SettingError, match=r"n is 1.5; it must be an integer"):
        model.user(1).favourites(1.5)
    with pytest.raises(palate.SettingError, match="there are 2 users and 1 items; give a user"):
        model.predict([1, 2], [1])


def test_its_repr_says_what_it_is(model):
    assert repr(model.user(196)).startswith("<Profile: 39 ratings, bias ")
    assert repr(model).startswith("<Model: 1,682 items, 943 users, 50 factors, by one-cycle; Movie")
