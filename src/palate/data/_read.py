"""read_ratings: from any table to `Ratings`, or to an error that says which row is wrong."""

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.data._columns import find_columns, is_ratings_header
from palate.data._database import is_database_url, open_database
from palate.data._duplicates import refuse_duplicates, without_duplicates
from palate.data._items import shown, with_items
from palate.data._open import open_table
from palate.data._ratings import Ratings
from palate.data._table import TEXT_TYPES, Table
from palate.errors import DataError, SettingError

Duplicates = Literal["error", "first", "last", "mean"]

_ID_TYPES = (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Time)


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
        reads as one (``7``, not ``007``), else text without the blanks around it. Times with a
        zone are turned into UTC. `Ratings.source` says in one line what was decided.

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
    ratings, opened = read_rows(source, told, items, table, timestamps=timestamp is not False)
    if duplicates == "error":
        refuse_duplicates(ratings, opened)
        return ratings
    return without_duplicates(ratings, duplicates)


def read_rows(
    source: Any,
    told: dict[str, str | None],
    items: Any = None,
    table: str | None = None,
    *,
    timestamps: bool,
) -> tuple[Ratings, Table]:
    """Read every row as a rating, however often a user has rated an item; see `read_ratings`."""
    if is_database_url(source):
        opened = open_database(source, table)
        if isinstance(items, str) and re.fullmatch(r"\w+", items) and not Path(items).exists():
            items = open_database(source, items).frame
    elif table is not None:
        raise SettingError("table= names a table of a database; this source is none")
    else:
        opened = open_table(source, lambda fields: is_ratings_header(fields, told))
    columns = find_columns(opened, told)
    if not timestamps:
        columns.pop("timestamp", None)
    ratings = _encode(opened, columns)
    if items is not None:
        ratings = with_items(ratings, items, columns["item"])
    return ratings, opened


def _encode(table: Table, columns: dict[str, str]) -> Ratings:
    if table.frame.height == 0:
        raise DataError(f"{table.name}: there are column names but no ratings")
    user_ids, item_ids = (_ids(table, columns[role]) for role in ("user", "item"))
    rating = _numbers(table, columns["rating"])
    timestamp = _timestamps(table, columns["timestamp"]) if "timestamp" in columns else None
    user, users = _codes(user_ids)
    item, items = _codes(item_ids)
    titles = _titles(table, columns, item, items.len())
    return Ratings(
        user=user,
        item=item,
        rating=rating,
        timestamp=timestamp,
        users=pl.DataFrame({"id": users}),
        items=pl.DataFrame({"id": items, "item": titles}).with_columns(shown()),
        source=_decided(table, columns),
    )


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
    if not (ids.dtype.is_numeric() or ids.dtype in _ID_TYPES):
        raise DataError(
            f"{table.name}: column {column!r} holds {ids.dtype}; ids can be numbers, text, dates "
            "or booleans, so turn these into text"
        )
    if not table.typed:
        ids = ids.str.strip_chars().replace("", None)
    missing = ids.is_null() | ids.is_nan() if ids.dtype.is_float() else ids.is_null()
    table.refuse(missing, column, lambda row: "the id is missing")
    if not table.typed:
        numbers = ids.cast(pl.Int64, strict=False)
        if numbers.null_count() == 0 and (numbers.cast(pl.String) == ids).all():
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
    table.refuse(raw.is_null(), column, lambda row: "the rating is missing")
    text = raw.str.strip_chars() if raw.dtype == pl.String else raw
    if not (raw.dtype.is_numeric() or raw.dtype in (pl.String, pl.Boolean)):
        raise DataError(f"{table.name}: column {column!r} holds {raw.dtype}, not ratings")
    numbers = text.cast(pl.Float32, strict=False)
    table.refuse(numbers.is_null(), column, lambda row: f"{raw[row]!r} is not a number")
    table.refuse(~numbers.is_finite(), column, lambda row: f"the rating is {raw[row]}, not finite")
    return numbers.to_numpy().copy()


def _timestamps(table: Table, column: str) -> NDArray[Any]:
    raw = table.frame[column]
    table.refuse(
        raw.is_null(),
        column,
        lambda row: "the timestamp is missing; use timestamp=False to do without",
    )
    times = _times_in_text(table, column) if raw.dtype == pl.String else raw
    if isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone is not None:
        times = times.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if times.dtype.is_decimal():
        times = times.cast(pl.Float64)
    if not (times.dtype.is_numeric() or isinstance(times.dtype, pl.Datetime | pl.Date)):
        raise DataError(
            f"{table.name}: column {column!r} holds {raw.dtype}, not times; name another one with "
            "timestamp=, or use timestamp=False"
        )
    if times.dtype.is_float():
        table.refuse(
            ~times.is_finite(), column, lambda row: f"the timestamp is {raw[row]}, not finite"
        )
    return times.to_numpy().copy()


def _times_in_text(table: Table, column: str) -> pl.Series:
    """Read times as whole numbers, numbers or dates, whichever all of them are."""
    text = table.frame[column].str.strip_chars()
    for number in (pl.Int64, pl.Float64):
        numbers = text.cast(number, strict=False)
        if numbers.null_count() == 0:
            return numbers
    try:
        dates = text.str.to_datetime(time_unit="us", strict=False)
    except pl.exceptions.PolarsError:  # the form of the first value is not known
        dates = pl.Series([None] * len(text), dtype=pl.Datetime("us"))
    mostly_numbers = 2 * numbers.null_count() < len(numbers)
    table.refuse(
        (numbers if mostly_numbers else dates).is_null(),
        column,
        lambda row: (
            f"{text[row]!r} is neither a number nor a date like 2024-01-31 18:00:00; name "
            "another column with timestamp=, or use timestamp=False"
        ),
    )
    return dates


def _titles(
    table: Table, columns: dict[str, str], item: NDArray[np.int32], n_items: int
) -> pl.Series:
    """Return the first title of each item where the ratings have a column of titles."""
    title = table.frame[columns["title"]] if "title" in columns else None
    if title is None or title.dtype not in TEXT_TYPES:
        return pl.Series("item", [None] * n_items, dtype=pl.String)
    titles = pl.DataFrame({"row": item, "item": title.cast(pl.String)})
    return titles.group_by("row").first().sort("row")["item"]
