"""Items are chosen by conditions on the columns of the items table."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

import palate
from palate.analysis._matching_items import matching_items

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
        ({"year": "2000..2010"}, r"no item has year '2000..2010'; it is from 1980 to 1999"),
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
