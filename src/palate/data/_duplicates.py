"""Repeated ratings of an item by the same user: refused, or reduced to one."""

from dataclasses import replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.data._ratings import Ratings
from palate.data._table import Table
from palate.errors import DataError


def refuse_duplicates(ratings: Ratings, table: Table) -> None:
    """Check that no user has rated an item twice.

    Raises
    ------
    DataError
        If one has; the message names two rows of the table and says what to do.
    """
    repeated = _repeated(_pairs(ratings))
    if len(repeated) == 0:
        return
    pairs = _pairs(ratings)
    rows = np.flatnonzero(np.isin(pairs, repeated))
    first, second = rows[pairs[rows] == pairs[rows[0]]][:2].tolist()
    raise DataError(
        f"{table.name}: {table.place(first)} and {table.place(second)} both rate item "
        f"{ratings.items['id'][int(ratings.item[first])]!r} by user "
        f"{ratings.users['id'][int(ratings.user[first])]!r} "
        f"(repeats in all: {len(rows) - len(repeated):,}); "
        "choose duplicates='first', 'last' or 'mean'"
    )


def without_duplicates(ratings: Ratings, keep: Literal["first", "last", "mean"]) -> Ratings:
    """Return one rating for each user and item: the first, the last in time, or their mean."""
    if len(_repeated(_pairs(ratings))) == 0:
        return ratings
    pairs = pl.DataFrame({"user": ratings.user, "item": ratings.item}).with_row_index("row")
    if keep == "last" and ratings.timestamp is not None:
        pairs = pairs.with_columns(time=ratings.timestamp).sort("time", maintain_order=True)
    which: Literal["first", "last"] = "last" if keep == "last" else "first"
    kept = pairs.unique(["user", "item"], keep=which, maintain_order=True)["row"].sort().to_numpy()
    result = ratings.take(kept)
    if keep != "mean":
        return result
    means = (
        pairs.with_columns(rating=ratings.rating)
        .group_by("user", "item", maintain_order=True)
        .agg(pl.col("rating").cast(pl.Float64).mean().cast(pl.Float32))
    )
    return replace(result, rating=means["rating"].to_numpy(writable=True))


def _pairs(ratings: Ratings) -> NDArray[np.int64]:
    """Return a number for each rating that identifies its pair of user and item; shape (n,)."""
    pairs = ratings.user.astype(np.int64)
    pairs *= ratings.items.height
    pairs += ratings.item
    return pairs


def _repeated(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort the numbers, and return those that occur more than once, each of them once."""
    pairs.sort()
    return np.unique(pairs[1:][pairs[1:] == pairs[:-1]])
