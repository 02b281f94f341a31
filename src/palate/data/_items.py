"""Titles and other columns of a table of items, joined to the ratings by id."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from palate.data._columns import is_items_header, likely, listed, usual
from palate.data._ratings import Ratings
from palate.data._sources import open_table
from palate.data._table import TEXT_TYPES, Table
from palate.errors import DataError


def with_items(ratings: Ratings, items: Any, item_column: str) -> Ratings:
    """Return the ratings with the titles and other columns of a table of items.

    Of ratings, the items of the table that nobody has rated are added: they are predicted from the
    other columns. `item_column` is what the ratings call their column of item ids.

    Raises
    ------
    DataError
        If the table has an id twice, or none of its ids is in the ratings.
    """
    table = open_table(items, lambda fields: is_items_header(fields, item_column))
    described = table.read()
    known = _as_text(ratings.items["id"])
    key = _key(table, described, known, item_column)
    ids = _as_text(described[key])
    table.refuse(
        ids.is_not_null() & ids.is_duplicated(),
        key,
        lambda row: f"the id {ids[row]!r} appears more than once",
    )
    title = _title(table, described, key)
    details = described.drop([key] if title is None else [key, title])
    details = details.rename(_free_names(details.columns, {"id", "item", _KEY}))
    titles = described[title] if title is not None else pl.Series([None] * len(ids))
    keyed = details.with_columns(ids.alias(_KEY), titles.cast(pl.String).alias("item")).filter(
        pl.col(_KEY).is_not_null()
    )
    joined = (
        ratings.items.select("id", pl.col("item").alias("shown"), known.alias(_KEY))
        .join(keyed, on=_KEY, how="left", maintain_order="left")
        .with_columns(pl.col("item").fill_null(pl.col("shown")))
        .select("id", "item", *details.columns)
    )
    found = int(known.is_in(ids.implode()).sum())
    source = f"{ratings.source}; {table.name} describes {found:,} of {joined.height:,} items"
    described_ratings = replace(ratings, items=joined, source=source)
    if ratings.kind != "ratings":
        return described_ratings
    return _with_unrated(described_ratings, keyed.filter(~pl.col(_KEY).is_in(known.implode())))


def _with_unrated(ratings: Ratings, others: pl.DataFrame) -> Ratings:
    """Add items that nobody has rated, if their ids are of the type of the others."""
    items = ratings.items
    added = (
        others.with_columns(pl.col(_KEY).cast(items["id"].dtype, strict=False).alias("id"))
        .filter(pl.col("id").is_not_null())
        .with_columns(shown())
        .select(items.columns)
    )
    if added.is_empty():
        return ratings
    numbered = pl.concat(
        [items.with_row_index("row"), added.with_columns(row=None)], how="diagonal_relaxed"
    )
    numbered = numbered.sort("id")
    place = np.empty(items.height, dtype=np.int32)
    rated = numbered["row"].is_not_null().to_numpy()
    place[numbered["row"].drop_nulls().to_numpy()] = np.flatnonzero(rated)
    return replace(
        ratings,
        item=place[ratings.item],
        items=numbered.drop("row"),
        source=f"{ratings.source}, and {added.height:,} more",
    )


def shown() -> pl.Expr:
    """Return the expression for an item's display name: its title, or else its id as text."""
    return pl.col("item").fill_null(pl.col("id").cast(pl.String))


_KEY = "id as text"


def _as_text(ids: pl.Series) -> pl.Series:
    """Return ids in the form in which 7, 7.0 and "7" are the same."""
    if ids.dtype.is_nested() or ids.dtype in (pl.Binary, pl.Object, pl.Duration):
        return pl.Series([None] * len(ids), dtype=pl.String)
    if ids.dtype.is_float() and (ids.fill_nan(None).drop_nulls() % 1 == 0).all():
        ids = ids.fill_nan(None).cast(pl.Int64, strict=False)
    text = ids.cast(pl.String)
    return text.str.strip_chars() if ids.dtype == pl.String else text


def _key(table: Table, described: pl.DataFrame, known: pl.Series, item_column: str) -> str:
    """Return the column of ids: of the likely ones, the one that matches most items."""
    names = described.columns
    if not table.header:
        candidates = names[:1]
    else:
        candidates = [name for name in names if name == item_column] + likely("item", names)
    if not candidates:
        raise DataError(
            f"{table.name}: can't tell which column holds the item ids; call it "
            f"{item_column!r} as in the ratings. The columns are {listed(names)}"
        )
    matches = [known.is_in(_as_text(described[name]).implode()).sum() for name in candidates]
    best = candidates[matches.index(max(matches))]
    if max(matches) == 0:
        raise DataError(
            f"{table.name}: none of the ids in column {best!r} is an item of the ratings "
            f"(where {known[0]!r} is one); call the column of ids {item_column!r}"
        )
    return best


def _title(table: Table, described: pl.DataFrame, key: str) -> str | None:
    """Return the column of titles, or None: by its name, or else the first column of text."""
    others = [
        name for name, dtype in described.schema.items() if name != key and dtype in TEXT_TYPES
    ]
    if not table.header:
        return others[0] if others else None
    return usual("title", others)


def _free_names(names: Iterable[str], taken: set[str]) -> dict[str, str]:
    """Return new names for those of `names` that are taken: "id_" for "id"."""
    used, renamed = taken | set(names), {}
    for name in set(names) & taken:
        new = name
        while new in used:
            new += "_"
        used.add(new)
        renamed[name] = new
    return renamed
