"""The values of a table of ratings: ids, ratings and timestamps, or an error that names the row."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.data._columns import names_counts
from palate.data._table import Decimal, Table
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


def to_float(
    values: pl.Series, decimal: Decimal = ".", dtype: type[pl.DataType] = pl.Float32
) -> pl.Series:
    """Return numbers, or text that holds numbers, as floats; null where a text is not a number.

    With a decimal comma, a point makes text no number: what it would separate is not guessed.
    """
    if values.dtype == pl.String:
        values = values.str.strip_chars()
        if decimal == ",":
            values = values.str.replace_many([",", "."], [".", ","])
    return values.cast(dtype, strict=False)


# Rows that can't be used, and what is wrong with such a row.
Fault = tuple[pl.Series, Callable[[int], str]]


def _refuse(table: Table, column: str, faults: Iterable[Fault]) -> None:
    for rows, why in faults:
        table.refuse(rows, column, why)


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
    _refuse(table, column, [_id_fault(ids)])
    return ids


def _id_fault(ids: pl.Series) -> Fault:
    missing = ids.is_null() | ids.is_nan() if ids.dtype.is_float() else ids.is_null()
    return missing, lambda row: "the id is missing"


def checked_ratings(
    table: Table, column: str, values: pl.Series, decimal: Decimal
) -> NDArray[np.float32]:
    """Return the ratings or counts in a column of `table`, given as read or already as numbers.

    Raises
    ------
    DataError
        If one is missing, not a number or not finite, or values of their type can't be ratings.
    """
    if not _can_be_ratings(values.dtype):
        what = _called(column)
        table.refuse(values.is_null(), column, lambda row: f"the {what} is missing{_HINT}")
        raise DataError(f"{table.name}: column {column!r} holds {values.dtype}, not {what}s{_HINT}")
    numbers = to_float(values, decimal)
    _refuse(table, column, _rating_faults(table, column, numbers, decimal))
    return numbers.to_numpy(writable=True)


def _can_be_ratings(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype in _RATING_TYPES


_HINT = '; kind="events" reads the table without it'


def _called(column: str) -> str:
    return "count" if names_counts(column) else "rating"


def _rating_faults(
    table: Table, column: str, numbers: pl.Series, decimal: Decimal
) -> Iterator[Fault]:
    """Give the faults of ratings, if there are any: they quote the source, which is read again."""
    if numbers.null_count() == 0 and numbers.is_finite().all():
        return
    raw, what = table.read([column])[column], _called(column)
    hint = "" if numbers.count() else _HINT
    yield raw.is_null(), lambda row: f"the {what} is missing{hint}"

    def no_number(row: int) -> str:
        text = str(raw[row])
        if re.search(r"\d{4}-\d\d-\d\d|\d:\d\d", text):
            return f"{text!r} is a time and not a {what}; name its column with timestamp="
        comma = decimal == "." and "," in text
        return f"{text!r} is not a number{_COMMA if comma else hint}"

    yield numbers.is_null(), no_number
    yield ~numbers.is_finite(), lambda row: f"the {what} is {raw[row]}, not finite"


_COMMA = "; if its comma stands before decimals, use decimal=','"


def checked_timestamps(table: Table, column: str, values: pl.Series) -> NDArray[Any]:
    """Return the timestamps in a column of `table`: numbers, or datetime64 without a zone (UTC).

    Raises
    ------
    DataError
        If one is missing, not a time or not finite, or values of their type can't be times.
    """
    times = _times(values)
    _refuse(table, column, _time_faults(values, times))
    if isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone is not None:
        times = times.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if times.dtype.is_decimal():
        times = times.cast(pl.Float64)
    if not (times.dtype.is_numeric() or isinstance(times.dtype, pl.Datetime | pl.Date)):
        raise DataError(
            f"{table.name}: column {column!r} holds {values.dtype}, not times; name another one "
            "with timestamp=, or use timestamp=False"
        )
    return times.to_numpy(writable=True)


def _time_faults(values: pl.Series, times: pl.Series) -> Iterator[Fault]:
    without = "use timestamp=False to do without"
    yield values.is_null(), lambda row: f"the timestamp is missing; {without}"
    yield (
        times.is_null(),
        lambda row: (
            f"{values[row].strip()!r} is neither a number nor a date like 2024-01-31 18:00:00; "
            "name another column with timestamp=, or use timestamp=False"
        ),
    )
    if times.dtype.is_float():
        yield ~times.is_finite(), lambda row: f"the timestamp is {values[row]}, not finite"


def _times(values: pl.Series) -> pl.Series:
    """Return text as integers, numbers or dates: the first of these that all of it can be.

    If it can be none, return what most of it is, with nulls; and other values as they are.
    """
    if values.dtype != pl.String:
        return values
    text = values.str.strip_chars()
    for number in (pl.Int64, pl.Float64):
        numbers = text.cast(number, strict=False)
        if numbers.null_count() == text.null_count():
            return numbers
    if 2 * numbers.null_count() < len(numbers):
        return numbers
    try:
        return text.str.to_datetime(time_unit="us", strict=False)
    except pl.exceptions.PolarsError:  # the format of the first value is not known
        return pl.Series([None] * len(text), dtype=pl.Datetime("us"))


def without_bad_rows(
    table: Table, columns: Mapping[str, str], values: pl.DataFrame, decimal: Decimal
) -> tuple[Table, pl.DataFrame, str]:
    """Leave out the rows of `values` that can't be used; `columns` are those of the roles.

    Returns
    -------
    tuple
        The table and its values without these rows, and how many there were, with the first three;
        "" if there were none.

    Raises
    ------
    DataError
        If no row can be used.
    """
    faults = list[Fault]()
    for role, column in columns.items():
        found = values[column]
        if role in ("user", "item"):
            faults.append(_id_fault(found))
        elif role == "rating" and _can_be_ratings(found.dtype):
            faults += _rating_faults(table, column, to_float(found, decimal), decimal)
        elif role == "timestamp":
            faults += _time_faults(found, _times(found))
    masks = pl.DataFrame([rows.alias(str(n)) for n, (rows, _) in enumerate(faults)])
    bad = masks.select(pl.any_horizontal(pl.all())).to_series().fill_null(False)
    if not bad.any():
        return table, values, ""

    def why(row: int) -> str:
        return table.fault(row) or next(said(row) for rows, said in faults if rows[row])

    note = table.left_out(bad.arg_true().to_list(), why)
    if bad.all():
        raise DataError(f"{table.name}: nothing can be read; {note}")
    return table.without(bad), values.filter(~bad), note
