"""read_ratings: from any table to `Ratings`, or to an error that says which row is wrong."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.data._columns import find_columns, is_items_header, is_ratings_header, usual
from palate.data._database import is_database_url, open_database
from palate.data._ratings import Ratings
from palate.data._table import Table, open_table
from palate.errors import DataError, SettingError

Duplicates = Literal["error", "first", "last", "mean"]


def read_ratings(
    source: Any,
    *,
    user: str | None = None,
    item: str | None = None,
    rating: str | None = None,
    timestamp: str | Literal[False] | None = None,
    items: Any = None,
    table: str | None = None,
    duplicates: Duplicates = "error",
) -> Ratings:
    """Read a table of ratings.

    Parameters
    ----------
    source
        A path (CSV, TSV, ``::``-separated text, JSON lines, Parquet; the text ones also
        gzipped), a pandas, polars or Arrow table, or the URL of a database (extra ``db``).
    user, item, rating, timestamp
        The names of the columns. Those left out are found by their usual names, or by position
        where a text file has no header. ``timestamp=False`` leaves the timestamps out.
    items
        A table of items, in any of the forms of `source`: its titles and other columns are
        joined by id. With a database URL, the name of a table there will do.
    table
        Which table of a database to read, or a SELECT statement.
    duplicates
        What to do where a user has rated an item twice: "error", or keep the "first", the
        "last" (in time, where there are timestamps) or the "mean".

    Returns
    -------
    Ratings
        With ids as they came. In text files, ids are whole numbers where every one of them
        reads as one (``7``, not ``007``), else text. `Ratings.source` says in one line what
        was decided.

    Raises
    ------
    DataError
        Where the table can't be read, or a value is missing, not a finite number, or a
        duplicate; the message names the file, the row and the column.
    """
    if duplicates not in ("error", "first", "last", "mean"):
        raise SettingError(
            f"duplicates is {duplicates!r}; it can be 'error', 'first', 'last' or 'mean'"
        )
    told = {"user": user, "item": item, "rating": rating, "timestamp": timestamp or None}
    if is_database_url(source):
        opened = open_database(source, table)
        if isinstance(items, str) and not is_database_url(items) and not Path(items).exists():
            items = open_database(source, items).frame
    else:
        opened = open_table(source, lambda fields: is_ratings_header(fields, told))
    columns = find_columns(opened, told)
    if timestamp is False:
        columns.pop("timestamp", None)
    ratings = _encode(opened, columns)
    if items is not None:
        ratings = _with_items(ratings, items, columns["item"])
    return _without_duplicates(ratings, opened, duplicates)


def _encode(table: Table, columns: dict[str, str]) -> Ratings:
    if table.frame.height == 0:
        raise DataError(f"{table.name}: there are column names but no ratings")
    user_ids, item_ids = (_ids(table, columns[role]) for role in ("user", "item"))
    rating = _numbers(table, columns["rating"])
    timestamp = _timestamps(table, columns["timestamp"]) if "timestamp" in columns else None
    user, users = _codes(user_ids)
    item, items = _codes(item_ids)
    for role, ids in (("user", users), ("item", items)):
        if ids.len() < 2:
            raise DataError(
                f"{table.name}: all {len(rating):,} ratings are of one {role}, {ids[0]!r} (column "
                f"{columns[role]!r}); there is nothing to compare it with"
            )
    titles = _titles(table, columns, item, items.len())
    return Ratings(
        user=user,
        item=item,
        rating=rating,
        timestamp=timestamp,
        users=pl.DataFrame({"id": users}),
        items=pl.DataFrame({"id": items, "item": titles}).with_columns(_shown()),
        source=_decided(table, columns),
    )


def _shown() -> pl.Expr:
    """Return what a person reads: the title where there is one, else the id."""
    return pl.col("item").fill_null(pl.col("id").cast(pl.String))


def _decided(table: Table, columns: dict[str, str]) -> str:
    roles = ", ".join(
        role if role == column else f"{role} = {column}" for role, column in columns.items()
    )
    unused = [name for name in table.frame.columns if name not in columns.values()]
    how = "" if table.header else " by position"
    rest = f"; not used: {', '.join(unused)}" if unused else ""
    return f"{table.name}: {roles}{how}{rest}"


def _ids(table: Table, column: str) -> pl.Series:
    ids = table.frame[column]
    if isinstance(ids.dtype, pl.Categorical | pl.Enum):
        ids = ids.cast(pl.String)
    _refuse(table, column, ids.is_null(), lambda row: "the id is missing")
    if ids.dtype.is_float():
        _refuse(table, column, ids.is_nan(), lambda row: "the id is missing")
    if not table.typed:
        numbers = ids.cast(pl.Int64, strict=False)
        if (numbers.cast(pl.String) == ids).all() and numbers.null_count() == 0:
            return numbers
    return ids


def _codes(ids: pl.Series) -> tuple[NDArray[np.int32], pl.Series]:
    """Return for each id its row among the sorted distinct ids, and those."""
    distinct = ids.unique().sort()
    rows = pl.DataFrame({"id": distinct}).with_row_index("row")
    codes = pl.DataFrame({"id": ids}).join(rows, on="id", how="left", maintain_order="left")
    return codes["row"].to_numpy().astype(np.int32), distinct


def _numbers(table: Table, column: str) -> NDArray[np.float32]:
    raw = table.frame[column]
    _refuse(table, column, raw.is_null(), lambda row: "the rating is missing")
    text = raw.str.strip_chars() if raw.dtype == pl.String else raw
    if not (raw.dtype.is_numeric() or raw.dtype in (pl.String, pl.Boolean)):
        raise DataError(f"{table.name}: column {column!r} holds {raw.dtype}, not ratings")
    numbers = text.cast(pl.Float32, strict=False)
    _refuse(table, column, numbers.is_null(), lambda row: f"{raw[row]!r} is not a number")
    _refuse(
        table, column, ~numbers.is_finite(), lambda row: f"the rating is {raw[row]}, not finite"
    )
    return numbers.to_numpy().copy()


def _timestamps(table: Table, column: str) -> NDArray[Any]:
    raw = table.frame[column]
    _refuse(
        table,
        column,
        raw.is_null(),
        lambda row: "the timestamp is missing; use timestamp=False to do without",
    )
    if raw.dtype.is_numeric() or raw.dtype.is_temporal():
        return raw.to_numpy().copy()
    for attempt in (pl.Int64, pl.Float64):
        numbers = raw.str.strip_chars().cast(attempt, strict=False)
        if numbers.null_count() == 0:
            return numbers.to_numpy().copy()
    try:
        return raw.str.to_datetime(time_unit="us").dt.replace_time_zone(None).to_numpy().copy()
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{table.where(0, column)}: {raw[0]!r} is neither a number nor a date like "
            "2024-01-31 18:00:00; name another column with timestamp=, or use timestamp=False"
        ) from error


def _refuse(table: Table, column: str, bad: pl.Series, why: Callable[[int], str]) -> None:
    """Raise for the first bad row, saying how many more there are."""
    count = int(bad.sum())
    if count == 0:
        return
    row = int(bad.arg_max() or 0)
    more = f" (and {count - 1:,} more like it)" if count > 1 else ""
    raise DataError(f"{table.where(row, column)}: {why(row)}{more}")


def _titles(
    table: Table, columns: dict[str, str], item: NDArray[np.int32], n_items: int
) -> pl.Series:
    """Return the first title of each item where the ratings have a column of titles."""
    if "title" not in columns:
        return pl.Series("item", [None] * n_items, dtype=pl.String)
    title = table.frame[columns["title"]].cast(pl.String)
    firsts = pl.DataFrame({"row": item, "item": title}).group_by("row").first().sort("row")
    return firsts["item"]


def _with_items(ratings: Ratings, items: Any, item_column: str) -> Ratings:
    table = open_table(items, lambda fields: is_items_header(fields, item_column))
    names = table.frame.columns
    key = item_column if item_column in names else usual("item", names)
    if not table.header:
        key, title = names[0], names[1] if len(names) > 1 else None
    elif key is None:
        raise DataError(
            f"{table.name}: can't tell which column holds the item ids; call it "
            f"{item_column!r} as in the ratings. The columns are {', '.join(map(repr, names))}"
        )
    else:
        title = usual("title", [name for name in names if name not in (key, "item")])
    ids = table.frame[key].cast(ratings.items["id"].dtype, strict=False)
    _refuse(
        table,
        key,
        ids.is_not_null() & ids.is_duplicated(),
        lambda row: f"the id {ids[row]!r} stands there more than once",
    )
    described = table.frame.drop(key)
    described = described.rename({name: f"{name}_" for name in ("id", "item") if name in described})
    described = (
        described.rename({title: "item"} if title else {})
        .with_columns(ids.alias("id"))
        .filter(pl.col("id").is_not_null())
    )
    joined = (
        ratings.items.drop("item" if title else [])
        .join(described, on="id", how="left", maintain_order="left", coalesce=True)
        .with_columns(pl.col("item").cast(pl.String))
        .with_columns(_shown())
    )
    known = ratings.items["id"].is_in(described["id"].implode()).sum()
    return replace(
        ratings,
        items=joined.select("id", "item", pl.exclude("id", "item")),
        source=f"{ratings.source}; {table.name} describes {known:,} of {joined.height:,} items",
    )


def _without_duplicates(ratings: Ratings, table: Table, duplicates: Duplicates) -> Ratings:
    pairs = pl.DataFrame({"user": ratings.user, "item": ratings.item}).with_row_index("row")
    repeated = pairs.filter(pl.struct("user", "item").is_duplicated())
    if repeated.is_empty():
        return ratings
    if duplicates == "error":
        first, second = _first_repeat(repeated)
        extra = repeated.height - repeated.n_unique(["user", "item"])
        raise DataError(
            f"{table.name}: {table.place(first)} and {table.place(second)} both rate item "
            f"{ratings.items['id'][int(ratings.item[first])]!r} by user "
            f"{ratings.users['id'][int(ratings.user[first])]!r} ({extra:,} such repeats in all); "
            "choose duplicates='first', 'last' or 'mean'"
        )
    if duplicates == "last" and ratings.timestamp is not None:
        pairs = pairs.with_columns(time=ratings.timestamp).sort("time", maintain_order=True)
    keep: Literal["first", "last"] = "last" if duplicates == "last" else "first"
    kept = pairs.unique(["user", "item"], keep=keep, maintain_order=True)["row"].sort().to_numpy()
    result = ratings.take(kept)
    if duplicates != "mean":
        return result
    means = (
        pairs.with_columns(rating=ratings.rating)
        .group_by("user", "item", maintain_order=True)
        .agg(pl.col("rating").cast(pl.Float64).mean().cast(pl.Float32))
    )
    return replace(result, rating=means["rating"].to_numpy().copy())


def _first_repeat(repeated: pl.DataFrame) -> tuple[int, int]:
    first = repeated.row(0, named=True)
    rows = repeated.filter((pl.col("user") == first["user"]) & (pl.col("item") == first["item"]))[
        "row"
    ]
    return int(rows[0]), int(rows[1])
