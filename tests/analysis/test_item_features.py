"""Item features: columns of any type become numbers and categories."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

import palate
from palate.analysis._item_features import features, matching_items


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


ITEMS = pl.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "item": ["a", "b", "c", "d"],
        "year": [1980, 1990, 1999, None],
        "genres": ["Action|Comedy", "Comedy", "Drama", None],
        "released": [dt.date(1980, 1, 1), dt.date(1990, 12, 31), dt.date(1999, 5, 5), None],
        "remake": [True, False, True, None],
        "parts": [[1], [2], [3], []],
    }
)


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        (None, [0, 1, 2, 3]),
        ({"genres": "Comedy"}, [0, 1]),
        ({"genres": ["Action", "Drama"]}, [0, 2]),
        ({"year": 1990}, [1]),
        ({"year": "1985..1999"}, [1, 2]),
        ({"year": "..1990"}, [0, 1]),
        ({"year": "1990..", "genres": "Comedy"}, [1]),
        ({"item": "c"}, [2]),
        ({"released": "1980..1990"}, [0, 1]),
        ({"released": 1999}, [2]),
        ({"remake": True}, [0, 2]),
        ({"remake": "false"}, [1]),
    ],
)
def test_items_by_their_values(where, rows):
    assert np.flatnonzero(matching_items(ITEMS, where)).tolist() == rows


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            {"colour": "red"},
            "no column 'colour'; the columns of these items are year, genres, rel",
        ),
        ({"genres": "comedy"}, "no item has genres 'comedy'; the most frequent are Comedy"),
        ({"year": "2000..2010"}, r"no item has year '2000..2010'"),
        ({"year": "soon"}, "no item has year 'soon'"),
        ({"genres": []}, "the list of values of 'genres' is empty; give at least one"),
        ({"parts": 1}, "the column 'parts' holds List"),
        ("genres=Comedy", "where is 'genres=Comedy'; give a dictionary .* where={\"genres\": "),
        ([], r"where is \[\]; give a dictionary"),
    ],
)
def test_values_of_no_item_are_refused(where, message):
    with pytest.raises(palate.SettingError, match=message):
        matching_items(ITEMS, where)


def test_a_filter_on_a_table_without_features_is_refused():
    with pytest.raises(palate.SettingError, match="these items have only ids and titles"):
        matching_items(ITEMS.select("id", "item"), {"genres": "x"})
