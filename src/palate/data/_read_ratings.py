"""`read_ratings`: from any table to `Ratings`, or to an error that names the row at fault."""

import re
import time
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._log import log
from palate.data._columns import find_columns, is_ratings_header
from palate.data._database import is_database_url, open_database
from palate.data._described import shown, with_items, with_users
from palate.data._duplicates import refuse_duplicates, without_duplicates
from palate.data._kinds import of_kind
from palate.data._ratings import Kind, Ratings, how_many
from palate.data._sources import open_table
from palate.data._table import TEXT_TYPES, Convert, Table
from palate.data._values import (
    checked_ids,
    checked_ratings,
    checked_timestamps,
    compact,
    to_float,
)
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
    users: Any = None,
    table: str | None = None,
    duplicates: Duplicates = "error",
    kind: Kind | None = None,
) -> Ratings:
    """Read a table of ratings, of events or of counts.

    The kind is recognised. Rows without ratings are events, or counts of them if pairs of user and
    item repeat. Several equal ratings are events. Values are counts if their column is named so
    (``plays``, ``hours``), or none is negative, more than 10 are different, two of these are above
    100, and the largest is more than 20 times the median. All others are ratings.

    Parameters
    ----------
    source
        A path (CSV, TSV, ``::``-separated text, JSON, JSON lines or Parquet, also compressed
        with gzip), a pandas, polars or Arrow table, or the URL of a database (extra ``db``).
    user, item, rating, timestamp
        Column names; `rating` may hold counts. The others are found by their usual names, or by
        position if a text file has no header. ``timestamp=False`` omits the timestamps.
    items, users
        Tables of items and of users, in any of the forms of `source`; titles and other columns are
        joined by id. With a database URL, they can be names of tables of that database.
    table
        Which table of a database to read, or a SELECT statement.
    duplicates
        If a user has rated an item twice: raise an "error", or keep the "first", the "last" (in
        time, if there are timestamps) or the "mean".
    kind
        Overrides what is recognised: "ratings"; "events" (values are ignored, repeated pairs are
        one event); or "counts" (those of repeated pairs are added up, 0 is no event). Repeated
        events and counts have the latest timestamp.

    Returns
    -------
    Ratings
        Ids are those of the source; in text files, integers if all are written so (``7``, not
        ``007``). Times with a zone become UTC. `Ratings.source` says how the table was read.

    Raises
    ------
    DataError
        If the table can't be read, or a value is missing, not a finite number, a duplicate, or a
        negative count; the message names the file, the row and the column.
    SettingError
        If `duplicates` or `kind` is none of these, or `table` is given with another source.
    """
    _check(duplicates, kind)
    given = {"user": user, "item": item, "rating": rating, "timestamp": timestamp or None}
    start, times = time.perf_counter(), timestamp is not False
    rows = read_rows(source, given, items, users, table, kind=kind, timestamps=times)
    return _logged(_distinct(*rows, duplicates), start)


def _logged(ratings: Ratings, start: float) -> Ratings:
    log.info("read %r in %.2f s", ratings, time.perf_counter() - start)
    return ratings


def _distinct(ratings: Ratings, table: Table, duplicates: Duplicates) -> Ratings:
    """Return one rating for each user and item, or refuse those that are repeated."""
    if ratings.kind != "ratings":
        return ratings
    if duplicates != "error":
        kept = without_duplicates(ratings, duplicates)
        if len(kept) < len(ratings):
            left_out = how_many(ratings.kind, len(ratings) - len(kept))
            log.info("%s of pairs that repeat left out: duplicates=%r", left_out, duplicates)
        return kept
    refuse_duplicates(ratings, table)
    return ratings


def _check(duplicates: object, kind: object) -> None:
    if duplicates not in get_args(Duplicates):
        raise SettingError(
            f"duplicates is {duplicates!r}; it can be 'error', 'first', 'last' or 'mean'"
        )
    if kind is not None and kind not in get_args(Kind):
        raise SettingError(f"kind is {kind!r}; it can be 'ratings', 'events' or 'counts'")


def read_rows(
    source: Any,
    given: dict[str, str | None],
    items: Any = None,
    users: Any = None,
    table: str | None = None,
    *,
    timestamps: bool,
    kind: Kind | None = "ratings",
) -> tuple[Ratings, Table]:
    """Read every row; with ratings, however often a user has rated an item. See `read_ratings`."""
    if is_database_url(source):
        opened = open_database(source, table)
        items, users = (_in_database(source, described) for described in (items, users))
    elif table is not None:
        raise SettingError("table= names a table of a database, but this source is not a database")
    else:
        opened = open_table(source, lambda fields: is_ratings_header(fields, given))
    columns = find_columns(opened, given, rated=kind == "ratings")
    if not timestamps:
        columns.pop("timestamp", None)
    if kind == "events":
        columns.pop("rating", None)
    ratings = of_kind(_encode(opened, columns), opened, columns.get("rating"), kind)
    if items is not None:
        ratings = with_items(ratings, items, columns["item"])
    if users is not None:
        ratings = with_users(ratings, users, columns["user"])
    return ratings, opened


def _in_database(url: str, described: Any) -> Any:
    """Return a table of items or users of the database, if it is the name of one."""
    name = isinstance(described, str) and re.fullmatch(r"\w+", described)
    if name and not Path(described).exists():
        return open_database(url, described).read()
    return described


def _encode(table: Table, columns: dict[str, str]) -> Ratings:
    """Read the columns, by role, and number the users and items; without ratings, these are 1."""
    values = table.read(list(columns.values()), {} if table.typed else _conversions(columns))
    if values.height == 0:
        raise DataError(f"{table.name}: there are column names but no rows")
    # Each column leaves `values` as soon as its array exists: a large table has no room for both.
    user, users = _codes(checked_ids(table, columns["user"], values.drop_in_place(columns["user"])))
    item, items = _codes(checked_ids(table, columns["item"], values.drop_in_place(columns["item"])))
    rating, timestamp = np.ones(len(user), dtype=np.float32), None
    if "rating" in columns:
        rating = checked_ratings(table, columns["rating"], values.drop_in_place(columns["rating"]))
    if "timestamp" in columns:
        times = values.drop_in_place(columns["timestamp"])
        timestamp = checked_timestamps(table, columns["timestamp"], times)
    title = values[columns["title"]] if "title" in columns else None
    return Ratings(
        user=user,
        item=item,
        rating=rating,
        timestamp=timestamp,
        users=pl.DataFrame({"id": users}),
        items=pl.DataFrame({"id": items, "item": _titles(title, item, items.len())}).with_columns(
            shown()
        ),
        source=_description(table, columns),
    )


def _conversions(columns: dict[str, str]) -> dict[str, Convert]:
    """Return how to store each column of text in less memory while it is read."""
    stored = {"user": compact, "item": compact, "rating": to_float, "timestamp": compact}
    return {column: stored[role] for role, column in columns.items() if role in stored}


def _description(table: Table, columns: dict[str, str]) -> str:
    """Return in one line which columns were used, and for what."""
    roles = ", ".join(
        role if role == column else f"{role} = {column}" for role, column in columns.items()
    )
    unused = [name for name in table.columns if name not in columns.values()]
    how = "" if table.header else " by position"
    rest = f"; not used: {', '.join(unused)}" if unused else ""
    return f"{table.name}: {roles}{how}{rest}"


def _codes(ids: pl.Series) -> tuple[NDArray[np.int32], pl.Series]:
    """Return for each id its row among the sorted distinct ids, and those."""
    distinct = ids.unique().sort()
    rows = pl.LazyFrame({"id": distinct}).with_row_index("row").cast({"row": pl.Int32})
    joined = pl.LazyFrame({"id": ids}).join(rows, on="id", how="left", maintain_order="left")
    codes = joined.select("row").collect(engine="streaming")  # uses much less memory
    return codes["row"].to_numpy(writable=True), distinct


def _titles(title: pl.Series | None, item: NDArray[np.int32], n_items: int) -> pl.Series:
    """Return the first title of each item where the ratings have a column of titles."""
    if title is None or title.dtype not in TEXT_TYPES:
        return pl.Series("item", [None] * n_items, dtype=pl.String)
    titles = pl.DataFrame({"row": item, "item": title.cast(pl.String)})
    return titles.group_by("row").first().sort("row")["item"]
