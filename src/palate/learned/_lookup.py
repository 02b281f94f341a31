"""Look-up of users and items by id or title."""

import datetime
import difflib
from collections.abc import Iterable
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.errors import DataError, UnknownIdError

_MAX_SUGGESTIONS = 3
_ID_TYPES = (bool, int, float, Decimal, datetime.date, datetime.time)


class IdIndex:
    """An index of rows by id, in its own type or as text.

    Parameters
    ----------
    ids
        The id of each row.
    kind
        What a row is, "user" or "item", for error messages.
    """

    def __init__(self, ids: pl.Series, kind: str) -> None:
        self._ids, self._kind = ids, kind

    @cached_property
    def _rows(self) -> dict[tuple[type, Any], int]:
        rows: dict[tuple[type, Any], int] = {
            (str, text): row for row, text in enumerate(self._ids.cast(pl.String))
        }
        return rows | {(type(name), name): row for row, name in enumerate(self._ids)}

    def row(self, name: Any) -> int:
        """Return the row of an id or title.

        Raises
        ------
        UnknownIdError
            If it is unknown (the message lists the nearest names), or several items have the title.
        """
        if isinstance(name, np.generic):
            name = name.item()
        if isinstance(name, (str, *_ID_TYPES)):
            row = self._rows.get((type(name), name))
            if row is not None:
                return row
        rows = self._search(name)
        if len(rows) == 1:
            return rows[0]
        if rows:
            ids = ", ".join(repr(self._ids[row]) for row in rows)
            raise UnknownIdError(
                f"{name!r} is the title of {len(rows)} {self._kind}s; choose one by its id: {ids}"
            )
        raise UnknownIdError(self._unknown(name))

    def rows(self, names: Any) -> NDArray[np.int64]:
        """Return the rows of one or several ids or titles; shape (n,)."""
        if isinstance(names, str | bytes) or not isinstance(names, Iterable):
            names = [names]
        return np.array([self.row(name) for name in names], dtype=np.int64)

    def _search(self, name: Any) -> list[int]:
        return _rows_with_id(self._ids, name)

    def _unknown(self, name: Any) -> str:
        nearest = _nearest_names(self._ids.cast(pl.String), str(name))
        return (
            f"there is no {self._kind} {name!r} among the {len(self._ids):,} of this model{nearest}"
        )


class ItemIndex(IdIndex):
    """An index of items by id or title; an id takes precedence over a title."""

    def __init__(self, items: pl.DataFrame) -> None:
        super().__init__(items["id"], "item")
        self._titles = items["item"]

    @cached_property
    def _rows(self) -> dict[tuple[type, Any], int]:
        titles = self._titles.to_frame("item").with_row_index("row")
        unique = titles.filter(pl.col("item").is_unique())
        by_title: dict[tuple[type, Any], int] = {
            (str, title): row for row, title in unique.iter_rows()
        }
        return by_title | super()._rows

    def _search(self, name: Any) -> list[int]:
        rows = super()._search(name)
        if not rows and isinstance(name, str):
            rows = _rows_with_title(self._titles, name)
        return rows

    def _unknown(self, name: Any) -> str:
        return f"there is no item {name!r}{_nearest_names(self._titles, str(name))}"


def require_same_type(kind: str, ids: pl.Series, known: pl.Series) -> None:
    """Check that ids in ratings have the same type as those in the model.

    Raises
    ------
    DataError
        If they have another type.
    """
    if ids.dtype != known.dtype:
        raise DataError(
            f"{kind} ids are {ids.dtype} in these ratings and {known.dtype} in the model; read "
            "both in the same way"
        )


def rows_among(known: pl.Series, ids: pl.Series) -> pl.Series:
    """Return the row of each of `ids` among the `known` ids; null if it is not among them."""
    rows = known.to_frame("id").with_row_index("row")
    return ids.to_frame("id").join(rows, on="id", how="left", maintain_order="left")["row"]


def _rows_with_id(ids: pl.Series, name: Any) -> list[int]:
    """Return the rows with an id, in its own type or as text, as on a command line."""
    if isinstance(name, str):
        return _rows_equal(ids.cast(pl.String), name)
    if isinstance(name, np.generic):
        name = name.item()
    if not isinstance(name, _ID_TYPES) or isinstance(name, bool) != (ids.dtype == pl.Boolean):
        return []
    try:
        return _rows_equal(ids, name)
    except (
        *(NotImplementedError, OverflowError, TypeError),
        pl.exceptions.PolarsError,
    ):  # the ids have another type
        return []


def _rows_with_title(titles: pl.Series, title: str) -> list[int]:
    return _rows_equal(titles, title) or _rows_equal(titles.str.to_lowercase(), title.lower())


def _rows_equal(values: pl.Series, value: Any) -> list[int]:
    try:
        rows: list[int] = (values == value).arg_true().to_list()
    except UnicodeEncodeError:  # bytes from a command line that are not valid text
        return []
    return rows


def _nearest_names(names: pl.Series, name: str) -> str:
    """Return a suggestion of the nearest names: those that contain `name`, then similar ones."""
    by_lower = {known.lower(): known for known in names.to_list()}
    containing = [known for key, known in by_lower.items() if name.lower() in key]
    close = difflib.get_close_matches(name.lower(), by_lower, _MAX_SUGGESTIONS)
    nearest = list(dict.fromkeys([*containing, *(by_lower[key] for key in close)]))
    suggestions = ", ".join(map(repr, nearest[:_MAX_SUGGESTIONS]))
    return f"; the nearest are {suggestions}" if suggestions else ""
