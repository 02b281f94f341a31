"""The genres of items, from the column that holds lists."""

import numpy as np
import polars as pl
import pytest

from palate.analysis._genres import genre_shares

ITEMS = pl.DataFrame({"id": [1, 2, 3], "item": ["a", "b", "c"], "year": [1990, 1991, 1995]})


def test_an_item_has_an_equal_share_of_each_of_its_genres():
    shares = genre_shares(ITEMS.with_columns(genres=pl.Series(["War|Drama", "Drama", None])))
    assert shares.tolist() == [[0.5, 0.5], [1, 0], [0, 0]]  # the more frequent genre first


def test_the_column_named_after_genres_is_chosen_among_several():
    tags = pl.Series([["x", "y"], ["x"], ["y", "x"]])
    both = ITEMS.with_columns(tags=tags, Genre=pl.Series(["War|Drama|Crime", "Drama", "War"]))
    assert genre_shares(both).shape == (3, 3)
    assert genre_shares(both.drop("Genre")).shape == (3, 2)


@pytest.mark.parametrize("values", [["red", "blue", "red"], [0, 1, 1], None])
def test_a_column_without_lists_has_no_genres(values):
    items = ITEMS if values is None else ITEMS.with_columns(genre=pl.Series(values))
    assert genre_shares(items) is None


def test_movielens_has_genres(ml100k):
    shares = genre_shares(ml100k.items)
    assert shares.shape in {(1682, 18), (1682, 19)}  # one source names what is unknown
    assert np.isin(shares.sum(axis=1).round(9), [0, 1]).all()
