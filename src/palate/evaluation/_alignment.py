"""Tables of ratings that were read apart, over the same users and items."""

from dataclasses import replace
from typing import Any

import polars as pl

from palate.data._ratings import Ratings
from palate.learned._lookup import known_rows, require_same_type


def united(tables: list[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of all tables of users or of items, each id once, sorted by id.

    The columns are those of the first table. A row comes from the first table that has it; what
    another one lacks, or holds as another type, is missing there.
    """
    schema = tables[0].schema
    alike = [
        table.select(name for name in schema if table.schema.get(name) == schema[name])
        for table in tables
    ]
    return pl.concat(alike, how="diagonal").unique("id", keep="first").sort("id")


def over(ratings: Ratings, users: pl.DataFrame, items: pl.DataFrame) -> Ratings:
    """Return the same ratings over tables of users and items that contain theirs."""
    user = known_rows(users["id"], ratings.users["id"])
    item = known_rows(items["id"], ratings.items["id"])
    return replace(
        ratings, user=user[ratings.user], item=item[ratings.item], users=users, items=items
    )


def with_ids_alike(one: Ratings, other: Ratings) -> tuple[Ratings, Ratings]:
    """Return two tables from files, with ids as text in both if they are text in one of them.

    In a file in which all ids happen to be whole numbers they are read as such.
    """
    for side in ("users", "items"):
        tables: list[pl.DataFrame] = [getattr(ratings, side) for ratings in (one, other)]
        dtypes = [table["id"].dtype for table in tables]
        if pl.String in dtypes and any(dtype.is_integer() for dtype in dtypes):
            texts = [table.with_columns(pl.col("id").cast(pl.String)) for table in tables]
            changes: list[dict[str, Any]] = [{side: text} for text in texts]
            one, other = replace(one, **changes[0]), replace(other, **changes[1])
    return one, other


def require_same_ids(ratings: Ratings, others: Ratings, where: tuple[str, str]) -> None:
    """Check that two tables of ratings have ids of the same types; `where` names the tables.

    Raises
    ------
    DataError
        If they have not.
    """
    require_same_type("user", ratings.users["id"], others.users["id"], where)
    require_same_type("item", ratings.items["id"], others.items["id"], where)
