"""Ratings given to a model: invalid ones are refused with the reason."""

import datetime as dt

import polars as pl
import pytest

import palate
from palate.learned._ratings_input import with_ids_as_known


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"Nope (1999)": 5}, palate.UnknownIdError, "there is no item 'Nope"),
        (
            {"Fargo (1996)": 7},
            palate.DataError,
            "of 'Fargo .1996.' is 7, outside the model's",
        ),
        (
            {"Fargo (1996)": "5"},
            palate.DataError,
            "the rating of 'Fargo .1996.' is '5'; it must be",
        ),
        ({50: float("nan")}, palate.DataError, "the rating of 50 is nan; it must be finite"),
        ({50: 5, "Star Wars (1977)": 4}, palate.DataError, "is rated twice, under two names"),
        ([("Fargo (1996)", 5)], palate.DataError, "ratings are given as a list; give a rating"),
    ],
)
def test_bad_ratings_are_refused(bayes, given, error, message):
    with pytest.raises(error, match=message):
        bayes.profile(given)


def test_ratings_that_do_not_fit_the_model(bayes):
    def read(**columns):
        return palate.read_ratings(pl.DataFrame({"user": [1, 2], "rating": [1, 2]} | columns))

    with pytest.raises(palate.UnknownIdError, match="does not know 1 of the items, such as 9999"):
        bayes.profiles(read(item=[50, 9999]))
    with pytest.raises(palate.DataError, match="item ids are String in these ratings and Int"):
        bayes.profiles(read(item=["a", "b"]))
    with pytest.raises(palate.DataError, match="is 9, outside the model"):
        bayes.profiles(read(item=[50, 100], rating=[9, 2]))
    with pytest.raises(palate.DataError, match="these are the ratings of 2 users; use profiles"):
        bayes.profile(read(item=[50, 100]))
    with pytest.raises(palate.DataError, match="a dict is not Ratings"):
        bayes.profiles({50: 5})
    for cautious in (0, 0.6, "x", float("nan")):
        with pytest.raises(palate.SettingError, match="cautious"):
            bayes.user(1).recommend(cautious=cautious)


def test_a_choice_model_of_ratings_takes_ratings_of_any_sign():
    """Jester's scale is -10 to 10; only a count must be above 0."""
    table = pl.DataFrame({"user": [1, 1, 2, 2, 3], "item": [1, 2, 1, 3, 3]})
    ratings = palate.read_ratings(table.with_columns(rating=pl.Series([-9.5, 0, 3, 10, 2])))
    model = palate.Choice().fit(ratings)
    assert model.profile({1: -3, 2: 0}).recommend()["id"].to_list() == [3]
    assert len(model.profiles(ratings)) == 3
    with pytest.raises(palate.DataError, match="given as a list; give a rating for each item"):
        model.profile([1, 2])
    counts = palate.Choice().fit(palate.read_ratings(table, kind="counts"))
    with pytest.raises(palate.DataError, match="the count of '1' is -3; a count is above 0"):
        counts.profile({1: -3})


def test_an_event_has_no_number():
    table = pl.DataFrame({"user": [1, 1, 2, 2, 3], "item": ["a", "b", "a", "c", "c"]})
    model = palate.fit(palate.read_ratings(table))
    assert model.profile({"a": 1, "b": 1}).recommend()["id"].to_list() == ["c"]
    with pytest.raises(palate.DataError, match=r"'b' has the number 30, .* such as \['b'\]"):
        model.profile({"a": 1, "b": 30})


def test_ids_are_read_as_the_model_has_them(small):
    """In the table of a day all ids can happen to be whole numbers, or be stored in fewer bytes."""
    model = palate.OneCycle(factors=2, epochs=1).fit(small)
    numbers = {"user": [7, 8], "item": [1, 2], "rating": [3, 4]}
    whole = palate.read_ratings(pl.DataFrame(numbers), kind="ratings")
    as_text = with_ids_as_known(model.learned, whole)
    assert as_text.users["id"].to_list() == ["7", "8"]
    assert as_text.items["id"].to_list() == ["1", "2"]
    counted = palate.OneCycle(factors=2, epochs=1).fit(whole).learned
    for users in (["7", "9"], pl.Series([7, 9], dtype=pl.Int16)):
        table = pl.DataFrame({**numbers, "user": users})
        read = with_ids_as_known(counted, palate.read_ratings(table, kind="ratings"))
        assert read.users["id"].dtype == pl.Int64
        assert read.users["id"].to_list() == [7, 9]
    for users, message in (
        (["7", "007"], "whole numbers, and '007' in these ratings is not"),
        ([dt.date(2020, 1, 1)] * 2, "user ids are Date in these ratings and Int64 in the model"),
    ):
        table = pl.DataFrame({**numbers, "user": users})
        with pytest.raises(palate.DataError, match=message):
            with_ids_as_known(counted, palate.read_ratings(table, kind="ratings"))
