"""The genres of items, from the column of the items table that holds lists."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.data._features import features


def genre_shares(items: pl.DataFrame, column: str | None = None) -> NDArray[np.float64] | None:
    """Return the share of each genre in each item; shape (items, genres). None without genres.

    An item of two genres has a half of each; the row of an item of unknown genres is 0. The genres
    are the entries of a column of lists: `column`, or of several such columns the one named after
    genres, else the first.
    """
    lists = list_columns(items)
    if column is not None:
        lists = {name: has for name, has in lists.items() if name == column}
    if not lists:
        return None
    has = lists[min(lists, key=lambda name: "genre" not in name.lower())]
    shares: NDArray[np.float64] = has / np.maximum(has.sum(axis=1, keepdims=True), 1)
    return shares


def list_columns(items: pl.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return which entries each item has, by column that holds lists; shapes (items, entries)."""
    columns: dict[str, list[NDArray[np.float64]]] = {}
    for feature in features(items):
        if feature.value is not None:
            columns.setdefault(feature.column, []).append(np.nan_to_num(feature.values))
    return {
        name: has
        for name, values in columns.items()
        if (has := np.stack(values, axis=1)).sum(axis=1).max() > 1
    }
