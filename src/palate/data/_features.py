"""Features: numbers, dates and categories from the columns of a table of items or users."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.errors import DataError

_SEPARATORS = ("|", ";", ",")
RESERVED = ("id", "item")
DATES = (pl.Date, pl.Datetime)
# Maximum number of categories in a column; one with more holds free text, such as URLs or plots.
_MAX_CATEGORIES = 200
# Minimum percentage of the items with several entries for a text column to hold lists.
_MIN_LIST_PERCENT = 5


@dataclass(frozen=True)
class Feature:
    """A feature of items or users.

    Attributes
    ----------
    column
        The column that it comes from.
    value
        The category, or None for a number.
    values
        The number, the date in years, or 1 or 0 for a row with or without the category; NaN if
        unknown; shape (rows,).
    is_date
        Whether the feature is a date or year, so that larger means newer.
    separator
        What stands between the categories of a row, if the column holds lists as text.
    """

    column: str
    value: str | None
    values: NDArray[np.float64]
    is_date: bool = False
    separator: str | None = None


# The usual names of numeric columns that hold dates or years.
_TIMES = ("year", "date", "released", "release_date", "release date", "release_year", "published")


def features(table: pl.DataFrame, counts: pl.Series | None = None) -> list[Feature]:
    """Return the features in the columns of a table of items or users, but for ids and titles.

    `counts` says how many items or users each row stands for, by default one.

    Columns of numbers and dates, also those read as text, are numeric features; dates are converted
    to years. Text, and columns that hold only 0 and 1, are categories. Text such as "Action|Comedy"
    and lists hold several categories. Text columns with very many distinct values are left out.
    """
    found: list[Feature] = []
    for column in table.columns:
        if column not in RESERVED:
            found += _features_of(column, table[column], counts)
    return found


def feature_values(
    series: pl.Series, values: Sequence[str | None], separator: str | None
) -> list[NDArray[np.float64]]:
    """Return the features of these values in a column of another table; see `Feature.values`.

    Raises
    ------
    DataError
        If the column holds something else than the features do.
    """
    if series.null_count() == len(series):
        return [np.full(len(series), np.nan)] * len(values)
    numbers = as_numbers(series)
    if numbers is not None and list(values) in ([None], [series.name]):
        return [numbers]
    lists = _split(series.cast(pl.String) if series.dtype.is_numeric() else series, separator)
    if lists is None or list(values) == [None]:
        wanted = "numbers or dates" if list(values) == [None] else "text"
        found = series.drop_nulls().to_list()[0]
        raise DataError(f"the column {series.name!r} holds {found!r}; in the fit it held {wanted}")
    return list(_indicators(lists, values))


def _features_of(
    column: str, series: pl.Series, counts: pl.Series | None = None
) -> Iterator[Feature]:
    counts = pl.Series(np.ones(len(series), dtype=np.int64)) if counts is None else counts
    numbers = as_numbers(series)
    if numbers is not None:
        known = np.unique(numbers[np.isfinite(numbers)])
        flag = len(known) == 2 and known.tolist() == [0, 1]
        is_date = column.lower() in _TIMES or parsed(series).dtype in DATES
        if len(known) > 1:
            yield Feature(column, column if flag else None, numbers, is_date)
        return
    separator = _separator(series, counts)
    lists = _split(series, separator)
    if lists is None:
        return
    names = _numbers_of_rows(column, lists, counts)
    if not 1 < names.height <= _MAX_CATEGORIES:
        return
    values = names[column].to_list()
    for value, has in zip(values, _indicators(lists, values), strict=True):
        yield Feature(column, value, has, separator=separator)


def _numbers_of_rows(column: str, lists: pl.Series, counts: pl.Series) -> pl.DataFrame:
    """Return the categories with the number of rows of each, the largest first."""
    each = pl.DataFrame({column: lists, "count": counts}).explode(
        column, empty_as_null=True, keep_nulls=True
    )
    numbers = each.drop_nulls().group_by(column).agg(pl.col("count").sum())
    return numbers.sort("count", column, descending=[True, False])


def _indicators(lists: pl.Series, values: Iterable[str | None]) -> Iterator[NDArray[np.float64]]:
    """Yield for each category 1 or 0 for the rows with and without it, NaN if unknown."""
    unknown = lists.is_null().to_numpy()
    for value in values:
        has = lists.list.contains(value).fill_null(False).to_numpy().astype(np.float64)
        yield np.where(unknown, np.nan, has)


def as_numbers(series: pl.Series) -> NDArray[np.float64] | None:
    """Return a column as numbers, dates in years; None if it holds anything else."""
    series = parsed(series)
    if series.dtype in DATES:
        year, day = series.dt.year(), series.dt.ordinal_day()
        series = year + (day - 1) / 365.25
    if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
        return None
    numbers = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return np.where(np.isfinite(numbers), numbers, np.nan)


def parsed(series: pl.Series) -> pl.Series:
    """Parse a text column as numbers or dates (1995-01-31, 31-Jan-1995) if all values are such."""
    if series.dtype != pl.String:
        return series
    text = series.str.strip_chars().replace("", None)
    as_dates = (text.str.to_date(form, strict=False) for form in ("%Y-%m-%d", "%d-%b-%Y"))
    for converted in (text.cast(pl.Float64, strict=False), *as_dates):
        if text.null_count() < len(text) and converted.null_count() == text.null_count():
            return converted
    return series


def category_lists(series: pl.Series) -> pl.Series | None:
    """Return the categories of each row as a list, null if unknown; None for other columns."""
    return _split(series, _separator(series, pl.Series(np.ones(len(series), dtype=np.int64))))


def _split(series: pl.Series, separator: str | None) -> pl.Series | None:
    """Return the categories of each row, which a column of text may separate; see above."""
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if isinstance(series.dtype, pl.List) and series.dtype.inner == pl.String:
        lists = series
    elif series.dtype == pl.String:
        one_each = series.reshape((-1, 1)).arr.to_list()
        lists = series.str.split(separator) if separator else one_each
    else:
        return None
    lists = lists.list.eval(
        pl.element().str.strip_chars().filter(pl.element().str.strip_chars() != "")
    )
    return pl.select(pl.when(lists.list.len() > 0).then(lists)).to_series()


def flattened(lists: pl.Series) -> pl.Series:
    return lists.explode(empty_as_null=True, keep_nulls=True).drop_nulls()


def _separator(series: pl.Series, counts: pl.Series) -> str | None:
    """Return the separator between the entries of lists, if the column holds lists as text.

    `counts` are the numbers of rows that have each value.
    """
    if series.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return None
    known, numbers = series.drop_nulls().cast(pl.String), counts.filter(series.is_not_null())
    least = _MIN_LIST_PERCENT * int(numbers.sum())
    for separator in _SEPARATORS:
        has_separator = known.str.contains(separator, literal=True)
        if has_separator.any() and 100 * int(numbers.filter(has_separator).sum()) >= least:
            split = (
                known.str.split(separator)
                .explode(empty_as_null=True, keep_nulls=True)
                .str.strip_chars()
            )
            # Lists have entries in common; sentences that contain commas do not.
            if split.n_unique() <= known.n_unique() or separator == "|":
                return separator
    return None
