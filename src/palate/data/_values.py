"""The values of a table of ratings: ids, ratings and timestamps, or an error that names the row."""

from typing import Any, NoReturn

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.data._columns import names_counts
from palate.data._table import Table
from palate.errors import DataError

_ID_TYPES = (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Time)
_RATING_TYPES = (pl.String, pl.Boolean)


def compact(text: pl.Series) -> pl.Series:
    """Return text without surrounding blanks, as int64 where every value is a whole number.

    Text counts as a whole number only as that number is printed (``7``, not ``007``), so numbers
    can be turned back into the same text. Empty text becomes null.
    """
    text = text.str.strip_chars()
    empty = text == ""
    if empty.any():
        text = text.set(empty, None)
    numbers = text.cast(pl.Int64, strict=False)
    return numbers if numbers.cast(pl.String).eq_missing(text).all() else text


def to_float(values: pl.Series) -> pl.Series:
    """Return numbers, or text that holds numbers, as float32; null where a text is not a number."""
    text = values.str.strip_chars() if values.dtype == pl.String else values
    return text.cast(pl.Float32, strict=False)


def checked_ids(table: Table, column: str, ids: pl.Series) -> pl.Series:
    """Return the ids in a column of `table`.

    Raises
    ------
    DataError
        If one is missing, or values of their type can't be ids.
    """
    if isinstance(ids.dtype, pl.Categorical | pl.Enum):
        ids = ids.cast(pl.String)
    if not (ids.dtype.is_numeric() or ids.dtype in _ID_TYPES):
        raise DataError(
            f"{table.name}: column {column!r} holds {ids.dtype}; ids can be numbers, text, dates "
            "or booleans, so turn these into text"
        )
    missing = ids.is_null() | ids.is_nan() if ids.dtype.is_float() else ids.is_null()
    table.refuse(missing, column, lambda row: "the id is missing")
    return ids


def checked_ratings(table: Table, column: str, values: pl.Series) -> NDArray[np.float32]:
    """Return the ratings or counts in a column of `table`, given as read or already as numbers.

    Raises
    ------
    DataError
        If one is missing, not a number or not finite, or values of their type can't be ratings.
    """
    if not _can_be_ratings(values.dtype):
        _refuse_ratings(table, column)
    numbers = to_float(values)
    if numbers.null_count() > 0 or not numbers.is_finite().all():
        _refuse_ratings(table, column)
    return numbers.to_numpy(writable=True)


def _can_be_ratings(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype in _RATING_TYPES


def _refuse_ratings(table: Table, column: str) -> NoReturn:
    """Raise the error for a column of which some values can't be ratings, quoting the first."""
    raw = table.read([column])[column]
    numbers = to_float(raw) if _can_be_ratings(raw.dtype) else pl.Series([None] * len(raw))
    what = "count" if names_counts(column) else "rating"
    hint = '; kind="events" reads the table without it' if not numbers.count() else ""
    table.refuse(raw.is_null(), column, lambda row: f"the {what} is missing{hint}")
    if not _can_be_ratings(raw.dtype):
        raise DataError(f"{table.name}: column {column!r} holds {raw.dtype}, not {what}s{hint}")
    table.refuse(numbers.is_null(), column, lambda row: f"{raw[row]!r} is not a number{hint}")
    table.refuse(~numbers.is_finite(), column, lambda row: f"the {what} is {raw[row]}, not finite")
    raise DataError(f"{table.name}: the source changed while it was read; read it again")


def checked_timestamps(table: Table, column: str, values: pl.Series) -> NDArray[Any]:
    """Return the timestamps in a column of `table`: numbers, or datetime64 without a zone (UTC).

    Raises
    ------
    DataError
        If one is missing, not a time or not finite, or values of their type can't be times.
    """
    table.refuse(
        values.is_null(),
        column,
        lambda row: "the timestamp is missing; use timestamp=False to do without",
    )
    times = _times_in_text(table, column, values) if values.dtype == pl.String else values
    if isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone is not None:
        times = times.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if times.dtype.is_decimal():
        times = times.cast(pl.Float64)
    if not (times.dtype.is_numeric() or isinstance(times.dtype, pl.Datetime | pl.Date)):
        raise DataError(
            f"{table.name}: column {column!r} holds {values.dtype}, not times; name another one "
            "with timestamp=, or use timestamp=False"
        )
    if times.dtype.is_float():
        table.refuse(
            ~times.is_finite(), column, lambda row: f"the timestamp is {values[row]}, not finite"
        )
    return times.to_numpy(writable=True)


def _times_in_text(table: Table, column: str, values: pl.Series) -> pl.Series:
    """Return text as integers, numbers or dates: the first of these that all of it can be."""
    text = values.str.strip_chars()
    for number in (pl.Int64, pl.Float64):
        numbers = text.cast(number, strict=False)
        if numbers.null_count() == 0:
            return numbers
    try:
        dates = text.str.to_datetime(time_unit="us", strict=False)
    except pl.exceptions.PolarsError:  # the format of the first value is not known
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
