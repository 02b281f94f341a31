"""Where a user has rated an item more than once."""

from dataclasses import replace
from typing import Literal

import polars as pl

from palate.data._ratings import Ratings
from palate.data._table import Table
from palate.errors import DataError


def refuse_duplicates(ratings: Ratings, table: Table) -> None:
    """See that nobody has rated an item twice.

    Raises
    ------
    DataError
        If somebody has; the message names two rows of the table and says what to do.
    """
    pairs = _pairs(ratings)
    repeated = pairs.filter(pl.struct("user", "item").is_duplicated())
    if repeated.is_empty():
        return
    first, second = _first_repeat(repeated)
    extra = repeated.height - repeated.n_unique(["user", "item"])
    raise DataError(
        f"{table.name}: {table.place(first)} and {table.place(second)} both rate item "
        f"{ratings.items['id'][int(ratings.item[first])]!r} by user "
        f"{ratings.users['id'][int(ratings.user[first])]!r} (repeats in all: {extra:,}); "
        "choose duplicates='first', 'last' or 'mean'"
    )


def without_duplicates(ratings: Ratings, keep: Literal["first", "last", "mean"]) -> Ratings:
    """Return one rating for each user and item: the first, the last in time, or their mean."""
    pairs = _pairs(ratings)
    if keep == "last" and ratings.timestamp is not None:
        pairs = pairs.with_columns(time=ratings.timestamp).sort("time", maintain_order=True)
    which: Literal["first", "last"] = "last" if keep == "last" else "first"
    kept = pairs.unique(["user", "item"], keep=which, maintain_order=True)["row"].sort().to_numpy()
    if len(kept) == len(ratings):
        return ratings
    result = ratings.take(kept)
    if keep != "mean":
        return result
    means = (
        pairs.with_columns(rating=ratings.rating)
        .group_by("user", "item", maintain_order=True)
        .agg(pl.col("rating").cast(pl.Float64).mean().cast(pl.Float32))
    )
    return replace(result, rating=means["rating"].to_numpy().copy())


def _pairs(ratings: Ratings) -> pl.DataFrame:
    return pl.DataFrame({"user": ratings.user, "item": ratings.item}).with_row_index("row")


def _first_repeat(repeated: pl.DataFrame) -> tuple[int, int]:
    first = repeated.row(0, named=True)
    rows = repeated.filter((pl.col("user") == first["user"]) & (pl.col("item") == first["item"]))[
        "row"
    ]
    return int(rows[0]), int(rows[1])
