"""`read_ratings`: from any table to `Ratings`, or to an error that names the row at fault."""

import re
import time
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._log import log
from palate.data._columns import find_columns, is_ratings_header
from palate.data._database import is_database_url, open_database
from palate.data._duplicates import refuse_duplicates, without_duplicates
from palate.data._metadata import shown, with_items, with_users
from palate.data._rating_kinds import of_kind
from palate.data._ratings import Kind, Ratings, how_many
from palate.data._sources import open_table
from palate.data._table import PLAIN, TEXT_TYPES, Convert, Decimal, Reading, Table
from palate.data._values import (
    checked_ids,
    checked_ratings,
    checked_timestamps,
    compact,
    to_float,
    without_bad_rows,
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
    item_id: str | None = None,
    user_id: str | None = None,
    table: str | None = None,
    decimal: Decimal = ".",
    skip_bad_lines: bool = False,
    duplicates: Duplicates = "error",
    kind: Kind | None = None,
) -> Ratings:
    """Read a table of ratings, of events or of counts; which of these it holds is recognised.

    Parameters
    ----------
    source
        A path of text (CSV, ``::`` or white space, ...), JSON, Parquet or Arrow, also in gzip or
        zip; a folder of Parquet; a pattern (``data/*.csv``); a table of pandas, polars or Arrow; a
        sparse matrix of SciPy (rows are users); or the URL of a database (extra ``db``).
    user, item, rating, timestamp
        Column names; `rating` may hold counts. The others are found by their usual names, or by
        position if a text file has no header. ``timestamp=False`` omits the timestamps.
    items, users, item_id, user_id
        Tables of items and users, in any of these forms or a table of the same database, whose
        titles and other columns are joined by id; and their columns of ids, if not found.
    table
        Which table of a database to read, or a SELECT statement.
    decimal, skip_bad_lines
        What stands before decimals in text, "." or ","; whether to leave out lines that can't be
        read, and to say so in `Ratings.source`, instead of an error for the first.
    duplicates
        If a user has rated an item twice: raise an "error", or keep the "first", the "last" (in
        time, if there are timestamps) or the "mean".
    kind
        Overrides what is recognised, see `Ratings.kind`.

    Raises
    ------
    DataError
        If the table can't be read, or a value is missing, not a finite number, a duplicate, or a
        negative count; the message names the file, the row and the column.
    SettingError
        If a setting has no such value, or belongs to another kind of source.
    """
    given = {"user": user, "item": item, "rating": rating, "timestamp": timestamp or None}
    start, times = time.perf_counter(), timestamp is not False
    reading = Reading(decimal, skip_bad_lines)
    _check(duplicates, kind, reading)
    described = _Described(items, item_id, users, user_id)
    rows = read_rows(source, given, described, table, reading, kind=kind, timestamps=times)
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


def _check(duplicates: object, kind: object, reading: Reading) -> None:
    reading.check()
    if duplicates not in get_args(Duplicates):
        raise SettingError(
            f"duplicates is {duplicates!r}; it can be 'error', 'first', 'last' or 'mean'"
        )
    if kind is not None and kind not in get_args(Kind):
        raise SettingError(f"kind is {kind!r}; it can be 'ratings', 'events' or 'counts'")


class _Described(NamedTuple):
    """Tables of items and of users, or None; and their columns of ids, or None to find them."""

    items: Any = None
    item_id: str | None = None
    users: Any = None
    user_id: str | None = None

    def check(self) -> None:
        """Raise `SettingError` if a column of ids is given without its table."""
        for name, column in (("item", self.item_id), ("user", self.user_id)):
            if column is not None and getattr(self, f"{name}s") is None:
                raise SettingError(
                    f"{name}_id= names a column of a table of {name}s; give that table with "
                    f"{name}s=. The column in the ratings is named with {name}="
                )

    def joined(self, ratings: Ratings, columns: dict[str, str], reading: Reading) -> Ratings:
        """Return the ratings with the columns of these tables."""
        if self.items is not None:
            ratings = with_items(ratings, self.items, columns["item"], self.item_id, reading)
        if self.users is not None:
            ratings = with_users(ratings, self.users, columns["user"], self.user_id, reading)
        return ratings


_NOT_DESCRIBED = _Described()


def read_rows(
    source: Any,
    given: dict[str, str | None],
    described: _Described = _NOT_DESCRIBED,
    table: str | None = None,
    reading: Reading = PLAIN,
    *,
    timestamps: bool,
    kind: Kind | None = "ratings",
) -> tuple[Ratings, Table]:
    """Read every row; with ratings, however often a user has rated an item. See `read_ratings`."""
    described.check()
    if is_database_url(source):
        opened = open_database(source, table)
        described = described._replace(
            items=_in_database(source, described.items),
            users=_in_database(source, described.users),
        )
    elif table is not None:
        raise SettingError("table= names a table of a database, but this source is not a database")
    else:
        opened = open_table(source, lambda fields: is_ratings_header(fields, given), reading)
    columns = find_columns(opened, given, rated=kind == "ratings")
    if not timestamps:
        columns.pop("timestamp", None)
    if kind == "events":
        columns.pop("rating", None)
    ratings, opened = _encode(opened, columns, reading)
    ratings = of_kind(ratings, opened, columns.get("rating"), kind)
    return described.joined(ratings, columns, reading), opened


def _in_database(url: str, described: Any) -> Any:
    """Return a table of items or users of the database, if it is the name of one."""
    name = isinstance(described, str) and re.fullmatch(r"\w+", described)
    if name and not Path(described).exists():
        return open_database(url, described)
    return described


def _encode(table: Table, columns: dict[str, str], reading: Reading) -> tuple[Ratings, Table]:
    """Read the columns, by role, and number the users and items; without ratings, these are 1.

    Returns them, and the table of their rows: without those that were skipped.
    """
    decimal, source = reading.decimal, _description(table, columns)
    convert = {} if table.typed else _conversions(columns, decimal)
    values = table.read(list(columns.values()), convert)
    if values.height == 0:
        raise DataError(f"{table.name}: there are column names but no rows")
    if reading.skip_bad_lines:
        table, values, note = without_bad_rows(table, columns, values, decimal)
        source = "; ".join(filter(None, (source, note)))
    # Each column leaves `values` as soon as its array exists: a large table has no room for both.
    user, users = _codes(checked_ids(table, columns["user"], values.drop_in_place(columns["user"])))
    item, items = _codes(checked_ids(table, columns["item"], values.drop_in_place(columns["item"])))
    rating, timestamp = np.ones(len(user), dtype=np.float32), None
    if "rating" in columns:
        given = values.drop_in_place(columns["rating"])
        rating = checked_ratings(table, columns["rating"], given, decimal)
    if "timestamp" in columns:
        times = values.drop_in_place(columns["timestamp"])
        timestamp = checked_timestamps(table, columns["timestamp"], times)
    title = values[columns["title"]] if "title" in columns else None
    ratings = Ratings(
        user=user,
        item=item,
        rating=rating,
        timestamp=timestamp,
        users=pl.DataFrame({"id": users}),
        items=pl.DataFrame({"id": items, "item": _titles(title, item, items.len())}).with_columns(
            shown()
        ),
        source=source,
    )
    return ratings, table


def _conversions(columns: dict[str, str], decimal: Decimal) -> dict[str, Convert]:
    """Return how to store each column of text in less memory while it is read."""
    number = partial(to_float, decimal=decimal)
    stored: dict[str, Convert] = {
        "user": compact,
        "item": compact,
        "rating": number,
        "timestamp": compact,
    }
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
