"""From what a person calls a user or an item to its row: exactly one, or an error that helps."""

import difflib
from typing import Any

import polars as pl

from palate.errors import UnknownIdError

_SUGGESTIONS = 3


def item_row(items: pl.DataFrame, what: Any) -> int:
    """Return the row of the item with the id or the title `what`.

    Raises
    ------
    UnknownIdError
        If there is none (the nearest titles are named), or if it names several.
    """
    rows = set(_rows_of_id(items["id"], what))
    if isinstance(what, str):
        rows.update(_rows_of_title(items["item"], what))
    if len(rows) == 1:
        return rows.pop()
    if rows:
        named = "; ".join(f"{items['id'][r]!r} is {items['item'][r]!r}" for r in sorted(rows))
        raise UnknownIdError(f"{what!r} names {len(rows)} items; say which by its id: {named}")
    raise UnknownIdError(f"there is no item {what!r}{_nearest(items['item'], str(what))}")


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
    try:
        wanted = pl.Series([what]).cast(ids.dtype)
    except (TypeError, pl.exceptions.PolarsError):
        return []
    if what is None or (not isinstance(what, str) and wanted[0] != what):  # 1.5 is not the id 1
        return []
    return _rows_equal(ids, wanted[0])


def _rows_of_title(titles: pl.Series, what: str) -> list[int]:
    return _rows_equal(titles, what) or _rows_equal(titles.str.to_lowercase(), what.lower())


def _rows_equal(values: pl.Series, value: Any) -> list[int]:
    rows: list[int] = (values == value).arg_true().to_list()
    return rows


def _nearest(names: pl.Series, what: str) -> str:
    """Name the nearest names: first those that hold `what`, then those spelt like it."""
    lower = {name.lower(): name for name in names.to_list()}
    holding = [name for key, name in lower.items() if what.lower() in key]
    alike = [lower[key] for key in difflib.get_close_matches(what.lower(), lower, _SUGGESTIONS)]
    found = list(dict.fromkeys([*holding, *alike]))[:_SUGGESTIONS]
    return f"; the nearest are {', '.join(map(repr, found))}" if found else ""
