"""Conditions on columns of the items table."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.data._features import DATES, RESERVED, as_numbers, category_lists, flattened, parsed
from palate.errors import SettingError

_NOT_TEXT = (pl.Binary, pl.Object, pl.Duration)


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
    names = [name for name in items.columns if name not in RESERVED]
    if not names:
        return "these items have only ids and titles"
    return f"the columns of these items are {', '.join(names)}"


def _matches(series: pl.Series, value: Any) -> NDArray[np.bool_]:
    numbers, lists = as_numbers(series), category_lists(series)
    if numbers is not None and parsed(series).dtype in DATES:
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
        there_are = _most_frequent(series) if numbers is None else _range(numbers)
        raise SettingError(f"no item has {series.name} {value!r}{there_are}")
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


def _range(numbers: NDArray[np.float64]) -> str:
    given = numbers[np.isfinite(numbers)]
    return f"; it is from {given.min():.10g} to {given.max():.10g}" if len(given) else ""


def _most_frequent(series: pl.Series) -> str:
    lists = category_lists(series)
    common = (
        (series.drop_nulls() if lists is None else flattened(lists))
        .value_counts(sort=True)[series.name]
        .head(5)
        .cast(pl.String)
    )
    return f"; the most frequent are {', '.join(common)}" if len(common) else ""
