"""Item features: columns of any type become numbers and categories."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from palate.data._features import features


def features_of(**columns):
    frame = pl.DataFrame(columns, strict=False)
    return {(f.column, f.value): f.values.tolist() for f in features(frame)}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ([1990, None, 2001], [1990.0, None, 2001.0]),
        (["7", " 8.5", None], [7.0, 8.5, None]),
        ([float("nan"), 1.5, 2.0], [None, 1.5, 2.0]),
    ],
)
def test_numbers_stay_numbers_even_as_text(column, values):
    [(key, found)] = features_of(size=column).items()
    assert key == ("size", None)
    assert [None if np.isnan(x) else x for x in found] == values


@pytest.mark.parametrize(
    "dates",
    [
        ["1995-01-01", "1996-07-02", None],
        ["01-Jan-1995", "02-Jul-1996", None],
        [dt.date(1995, 1, 1), dt.date(1996, 7, 2), None],
        [dt.datetime(1995, 1, 1), dt.datetime(1996, 7, 2), None],
    ],
)
def test_dates_become_years(dates):
    [(key, found)] = features_of(released=dates).items()
    assert key == ("released", None)
    np.testing.assert_allclose(found, [1995, 1996.5, np.nan], atol=0.01)


@pytest.mark.parametrize(
    "genres",
    [
        ["Action|Comedy", "Comedy", None, "Drama| "],
        ["Action, Comedy", "Comedy", None, "Drama"],
        [["Action", "Comedy"], ["Comedy"], None, ["Drama"]],
    ],
)
def test_lists_are_several_categories(genres):
    found = features_of(genres=genres)
    assert set(found) == {("genres", name) for name in ("Action", "Comedy", "Drama")}
    np.testing.assert_array_equal(found["genres", "Comedy"], [1, 1, np.nan, 0])
    np.testing.assert_array_equal(found["genres", "Drama"], [0, 0, np.nan, 1])


def test_text_is_one_category_and_flags_are_their_columns():
    found = features_of(
        studio=["A", "B", "A", None],
        kind=pl.Series(["x", "y", "x", "y"], dtype=pl.Categorical),
        western=[0, 1, 0, 1],
        remake=[True, False, None, True],
    )
    assert found["studio", "A"][:3] == [1, 0, 1]
    assert found["kind", "y"] == [0, 1, 0, 1]
    assert found["western", "western"] == [0, 1, 0, 1]
    np.testing.assert_array_equal(found["remake", "remake"], [1, 0, np.nan, 1])


def test_columns_without_categories_are_left_out():
    n = 300
    found = features_of(
        id=list(range(n)),
        item=[f"Film {i}" for i in range(n)],
        url=[f"about {i}, or so" for i in range(n)],
        always=["same"] * n,
        one=[1] * n,
        never=[None] * n,
        raw=[b"x"] * n,
    )
    assert found == {}
