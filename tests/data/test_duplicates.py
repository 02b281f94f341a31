"""A user's repeated ratings of an item: which one is kept."""

import polars as pl
import pytest

import palate

TWICE = pl.DataFrame(
    {
        "user": ["a", "a", "b", "a", "b"],
        "item": [1, 2, 1, 1, 2],
        "rating": [5.0, 4.0, 3.0, 2.0, 1.0],
        "timestamp": [9, 1, 1, 2, 1],
    }
)


@pytest.mark.parametrize(
    ("duplicates", "timestamp", "expected"),
    [
        ("first", None, [5, 4, 3, 1]),
        ("last", None, [5, 4, 3, 1]),
        ("last", False, [4, 3, 2, 1]),
        ("mean", None, [3.5, 4, 3, 1]),
    ],
)
def test_duplicates(duplicates, timestamp, expected):
    ratings = palate.read_ratings(TWICE, duplicates=duplicates, timestamp=timestamp)
    assert ratings.rating.tolist() == expected
