"""Ratings that no solver can learn from."""

import polars as pl
import pytest

import palate


@pytest.mark.parametrize("solver", [palate.Gibbs(), palate.OneCycle()])
@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"user": ["a", "a"], "item": [1, 2]}, "all 2 ratings are of one user, 'a'; there is noth"),
        ({"user": ["a", "b"], "item": [1, 1]}, "all 2 ratings are of one item, 1; there is nothin"),
    ],
)
def test_one_user_or_one_item_is_refused(solver, table, message):
    ratings = palate.read_ratings(pl.DataFrame(table | {"rating": [1, 2]}))
    with pytest.raises(palate.DataError, match=message):
        solver.fit(ratings)


@pytest.mark.parametrize("solver", [palate.Gibbs(), palate.OneCycle()])
@pytest.mark.parametrize("kind", ["events", "counts"])
def test_events_and_counts_are_refused(solver, kind):
    table = pl.DataFrame({"user": ["a", "b", "a"], "item": [1, 2, 2], "rating": [1, 2, 3]})
    ratings, others = (palate.read_ratings(table, kind=k) for k in ("ratings", kind))
    for train, valid in ((others, None), (ratings, others)):
        with pytest.raises(palate.DataError, match=f"these are {kind}, not ratings: OneCycle and"):
            solver.fit(train, valid)
