"""Item features: numbers, dates and categories from the columns of the items table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.errors import SettingError

_SEPARATORS = ("|", ";", ",")
_RESERVED = ("id", "item")
_DATES = (pl.Date, pl.Datetime)
_NOT_TEXT = (pl.Binary, pl.Object, pl.Duration)
# Maximum number of categories in a column; one with more holds free text, such as URLs or plots.
_MAX_CATEGORIES = 200
# Minimum percentage of the items with several entries for a text column to hold lists.
_MIN_LIST_PERCENT = 5


@dataclass(frozen=True)
class Feature:
    """A feature of items.

    Attributes
    ----------
    column
        The column that it comes from.
    value
        The category, or None for a number.
    values
        The number, the date in years, or 1 or 0 for an item with or without the category; NaN if
        unknown; shape (items,).
    is_date
        Whether the feature is a date or year, so that larger means newer.
    """

    column: str
    value: str | None
    values: NDArray[np.float64]
    is_date: bool = False


# The usual names of numeric columns that hold dates or years.
_TIMES = ("year", "date", "released", "release_date", "release date", "release_year", "published")


def features(items: pl.DataFrame) -> list[Feature]:
    """Return the features in the columns of an items table, except for ids and titles.

    Columns of numbers and dates, also those read as text, are numeric features; dates are converted
    to years. Text, and columns that hold only 0 and 1, are categories. Text such as "Action|Comedy"
    and lists hold several categories. Text columns with very many distinct values are left out.
    """
    found: list[Feature] = []
    for column in items.columns:
        if column not in _RESERVED:
            found += _features_of(column, items[column])
    return found


def _features_of(column: str, series: pl.Series) -> Iterator[Feature]:
    numbers = _numbers(series)
    if numbers is not None:
        known = np.unique(numbers[np.isfinite(numbers)])
        flag = len(known) == 2 and known.tolist() == [0, 1]
        is_date = column.lower() in _TIMES or _parsed(series).dtype in _DATES
        if len(known) > 1:
            yield Feature(column, column if flag else None, numbers, is_date)
        return
    lists = category_lists(series)
    if lists is None:
        return
    names = (
        _flattened(lists).value_counts(sort=True).sort("count", column, descending=[True, False])
    )
    if not 1 < names.height <= _MAX_CATEGORIES:
        return
    unknown = lists.is_null().to_numpy()
    for name in names[column]:
        has = lists.list.contains(name).fill_null(False).to_numpy().astype(np.float64)
        yield Feature(column, name, np.where(unknown, np.nan, has))


def _numbers(series: pl.Series) -> NDArray[np.float64] | None:
    """Return a column as numbers, dates in years; None if it holds anything else."""
    series = _parsed(series)
    if series.dtype in _DATES:
        year, day = series.dt.year(), series.dt.ordinal_day()
        series = year + (day - 1) / 365.25
    if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
        return None
    numbers = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _parsed(series: pl.Series) -> pl.Series:
    """Parse a text column as numbers or dates (1995-01-31, 31-Jan-1995) if all values are such."""
    if series.dtype != pl.String:
        return series
    text = series.str.strip_chars().replace("", None)
    as_dates = (text.str.to_date(form, strict=False) for form in ("%Y-%m-%d", "%d-%b-%Y"))
    for parsed in (text.cast(pl.Float64, strict=False), *as_dates):
        if text.null_count() < len(text) and parsed.null_count() == text.null_count():
            return parsed
    return series


def category_lists(series: pl.Series) -> pl.Series | None:
    """Return the categories of each item as a list, null if unknown; None for other columns."""
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if isinstance(series.dtype, pl.List) and series.dtype.inner == pl.String:
        lists = series
    elif series.dtype == pl.String:
        separator = _separator(series)
        one_each = series.reshape((-1, 1)).arr.to_list()
        lists = series.str.split(separator) if separator else one_each
    else:
        return None
    lists = lists.list.eval(
        pl.element().str.strip_chars().filter(pl.element().str.strip_chars() != "")
    )
    return pl.select(pl.when(lists.list.len() > 0).then(lists)).to_series()


def _flattened(lists: pl.Series) -> pl.Series:
    return lists.explode(empty_as_null=True, keep_nulls=True).drop_nulls()


def _separator(series: pl.Series) -> str | None:
    """Return the separator between the entries of lists, if the column holds lists."""
    known = series.drop_nulls()
    for separator in _SEPARATORS:
        has_separator = known.str.contains(separator, literal=True)
        if has_separator.any() and 100 * int(has_separator.sum()) >= _MIN_LIST_PERCENT * len(known):
            split = (
                known.str.split(separator)
                .explode(empty_as_null=True, keep_nulls=True)
                .str.strip_chars()
            )
            # Lists have entries in common; sentences that contain commas do not.
            if split.n_unique() <= known.n_unique() or separator == "|":
                return separator
    return None


def matching_items(items: pl.DataFrame, where: Mapping[str, Any] | None) -> NDArray[np.bool_]:
    """Return which items match the conditions `where`; shape (items,).

    A value is compared as text; in a column of lists it must equal one of the entries. "1990..1999"
    matches the numbers from 1990 to 1999. Of a list of values, any may match.

    Raises
    ------
    SettingError
        If `where` is no dictionary, a column does not exist, or no item has a value.
    """
    chosen = np.ones(items.height, dtype=np.bool_)
    if where is None:
        return chosen
    if not isinstance(where, Mapping):
        raise SettingError(
            f"where is {where!r}; give a dictionary of columns and values, such as "
            'where={"genres": "Comedy", "year": "1990..1999"}'
        )
    for column, values in where.items():
        if column not in items.columns:
            raise SettingError(f"there is no column {column!r}; {_columns(items)}")
        is_list = isinstance(values, Iterable) and not isinstance(values, str | bytes)
        alternatives = list(values) if is_list else [values]
        if not alternatives:
            raise SettingError(f"the list of values of {column!r} is empty; give at least one")
        chosen &= np.any([_matches(items[column], value) for value in alternatives], axis=0)
    return chosen


def _columns(items: pl.DataFrame) -> str:
    names = [name for name in items.columns if name not in _RESERVED]
    if not names:
        return "these items have only ids and titles"
    return f"the columns of these items are {', '.join(names)}"


def _matches(series: pl.Series, value: Any) -> NDArray[np.bool_]:
    numbers, lists = _numbers(series), category_lists(series)
    if numbers is not None and _parsed(series).dtype in _DATES:
        numbers = np.floor(numbers)  # a year matches all of its dates
    if numbers is not None and (bounds := _bounds(value)) is not None:
        matches = (numbers >= bounds[0]) & (numbers <= bounds[1])
    elif lists is not None:
        matches = lists.list.contains(str(value)).fill_null(False).to_numpy()
    elif series.dtype.is_nested() or series.dtype in _NOT_TEXT:
        raise SettingError(
            f"the column {series.name!r} holds {series.dtype}, which cannot be matched; choose "
            "another column"
        )
    else:
        matches = (series.cast(pl.String) == str(value)).fill_null(False).to_numpy()
    if not matches.any():
        raise SettingError(f"no item has {series.name} {value!r}{_most_frequent(series)}")
    return matches


def _bounds(value: Any) -> tuple[float, float] | None:
    """Return the bounds of "1990..1999", "1990..", a number or True; None for other text."""
    text = str(value).lower()
    low, dots, high = {"true": "1", "false": "0"}.get(text, text).partition("..")
    try:
        if not dots:
            return float(low), float(low)
        return float(low or -np.inf), float(high or np.inf)
    except ValueError:
        return None


def _most_frequent(series: pl.Series) -> str:
    lists = category_lists(series)
    common = (
        (series.drop_nulls() if lists is None else _flattened(lists))
        .value_counts(sort=True)[series.name]
        .head(5)
        .cast(pl.String)
    )
    return f"; the most frequent are {', '.join(common)}" if len(common) else ""
