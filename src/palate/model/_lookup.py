"""From what a person calls a user or an item to its row: exactly one, or an error that helps."""

import datetime
import difflib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.errors import DataError, UnknownIdError

_SUGGESTIONS = 3


def item_row(items: pl.DataFrame, what: Any) -> int:
    """Return the row of the item with the id or the title `what`; an id comes before a title.

    Raises
    ------
    UnknownIdError
        If there is none (the nearest titles are named), or if several have the title.
    """
    rows = _rows_of_id(items["id"], what)
    if not rows and isinstance(what, str):
        rows = _rows_of_title(items["item"], what)
    if len(rows) == 1:
        return rows[0]
    if rows:
        ids = ", ".join(repr(items["id"][row]) for row in rows)
        raise UnknownIdError(f"{what!r} names {len(rows)} items; say which by its id: {ids}")
    raise UnknownIdError(f"there is no item {what!r}{_nearest(items['item'], str(what))}")


class ItemNames:
    """Finds the rows of items: at once by an id or an unambiguous title spelt as it is."""

    def __init__(self, items: pl.DataFrame) -> None:
        self._items = items
        titles = items.select("item").with_row_index("row").filter(pl.col("item").is_unique())
        self._rows: dict[tuple[type, Any], int] = {
            (str, title): row for row, title in titles.iter_rows()
        }
        self._rows |= {(str, text): row for row, text in enumerate(items["id"].cast(pl.String))}
        self._rows |= {(type(name), name): row for row, name in enumerate(items["id"])}

    def row(self, what: Any) -> int:
        """Return the row of the item with the id or the title `what`; see `item_row`."""
        if isinstance(what, str | int):
            row = self._rows.get((type(what), what))
            if row is not None:
                return row
        return item_row(self._items, what)

    def rows(self, items: Any) -> NDArray[np.int64]:
        """Return the rows of one item, or of several."""
        if isinstance(items, str | bytes) or not isinstance(items, Iterable):
            items = [items]
        return np.array([self.row(item) for item in items], dtype=np.int64)


def check_types(what: str, ids: pl.Series, known: pl.Series) -> None:
    """Refuse ids of ratings that are of another type than those of the model.

    Raises
    ------
    DataError
        If they are.
    """
    if ids.dtype != known.dtype:
        raise DataError(
            f"ids of {what} are {ids.dtype} in these ratings and {known.dtype} in the model; read "
            "them alike"
        )


def rows_among(known: pl.Series, ids: pl.Series) -> pl.Series:
    """Return the row that each of `ids` has among those that are `known`, null for a stranger."""
    rows = known.to_frame("id").with_row_index("row")
    return ids.to_frame("id").join(rows, on="id", how="left", maintain_order="left")["row"]


def user_row(users: pl.DataFrame, what: Any) -> int:
    """Return the row of the user with the id `what`.

    Raises
    ------
    UnknownIdError
        If there is none.
    """
    rows = _rows_of_id(users["id"], what)
    if rows:
        return rows[0]
    ids = users["id"]
    raise UnknownIdError(
        f"there is no user {what!r} among the {len(ids):,} of this model"
        f"{_nearest(ids.cast(pl.String), str(what))}"
    )


def _rows_of_id(ids: pl.Series, what: Any) -> list[int]:
    """Find an id given as it is or, as on a command line, as text."""
    if isinstance(what, str):
        return _rows_equal(ids.cast(pl.String), what)
    if isinstance(what, np.generic):
        what = what.item()
    if not isinstance(what, _ID_TYPES) or isinstance(what, bool) != (ids.dtype == pl.Boolean):
        return []
    try:
        return _rows_equal(ids, what)
    except (
        *(NotImplementedError, OverflowError, TypeError),
        pl.exceptions.PolarsError,
    ):  # ids of another type
        return []


_ID_TYPES = (bool, int, float, Decimal, datetime.date, datetime.time)


def _rows_of_title(titles: pl.Series, what: str) -> list[int]:
    return _rows_equal(titles, what) or _rows_equal(titles.str.to_lowercase(), what.lower())


def _rows_equal(values: pl.Series, value: Any) -> list[int]:
    try:
        rows: list[int] = (values == value).arg_true().to_list()
    except UnicodeEncodeError:  # a byte of a command line that is no text
        return []
    return rows


def _nearest(names: pl.Series, what: str) -> str:
    """Name the nearest names: first those that hold `what`, then those spelt like it."""
    lower = {name.lower(): name for name in names.to_list()}
    holding = [name for key, name in lower.items() if what.lower() in key]
    alike = [lower[key] for key in difflib.get_close_matches(what.lower(), lower, _SUGGESTIONS)]
    found = list(dict.fromkeys([*holding, *alike]))[:_SUGGESTIONS]
    return f"; the nearest are {', '.join(map(repr, found))}" if found else ""
