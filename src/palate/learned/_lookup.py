"""Look-up of users and items by id or title."""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._computed_once import computed_once
from palate.errors import DataError, SettingError, UnknownIdError
from palate.learned._name_search import NameSearch

# What to do with ids that the model does not know: refuse them, or leave them out and say so.
Unknown = Literal["error", "skip"]
_MAX_SUGGESTIONS = 3
_ID_TYPES = (bool, int, float, Decimal, datetime.date, datetime.time)


class Found(NamedTuple):
    """The rows of ids or titles.

    Attributes
    ----------
    rows
        Their rows, in the given order; -1 for those that are unknown; shape (n,).
    skipped
        The unknown ones, each once.
    """

    rows: NDArray[np.int64]
    skipped: tuple[Any, ...]

    @property
    def known(self) -> NDArray[np.int64]:
        """The rows of those that are known."""
        return self.rows[self.rows >= 0]


def skips_unknown(unknown: Unknown) -> bool:
    """Return whether unknown ids are skipped.

    Raises
    ------
    SettingError
        If `unknown` is neither "error" nor "skip".
    """
    if unknown not in get_args(Unknown):
        raise SettingError(f'unknown is {unknown!r}; it can be "error" or "skip"')
    return unknown == "skip"


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

    @computed_once
    def _rows(self) -> dict[tuple[type, Any], int]:
        return self._rows_by_name()

    def _rows_by_name(self) -> dict[tuple[type, Any], int]:
        """Return the row of each id, in its own type and as text."""
        rows: dict[tuple[type, Any], int] = {
            (str, text): row for row, text in enumerate(self._ids.cast(pl.String))
        }
        return rows | {(type(name), name): row for row, name in enumerate(self._ids)}

    @computed_once
    def names(self) -> NameSearch:
        """A search among the ids as text."""
        return NameSearch(self._ids.cast(pl.String))

    def row(self, name: Any) -> int:
        """Return the row of an id or title.

        Raises
        ------
        UnknownIdError
            If it is unknown (the message lists the nearest names), or several items have the title.
        """
        row = self._find(name)
        if row is None:
            raise UnknownIdError(self._unknown(name))
        return row

    def rows(self, names: Any) -> NDArray[np.int64]:
        """Return the rows of one or several ids or titles; shape (n,)."""
        return np.array([self.row(name) for name in _several(names)], dtype=np.int64)

    def find(self, names: Any, unknown: Unknown) -> Found:
        """Return the rows of one or several ids or titles, and which are unknown.

        Raises
        ------
        UnknownIdError
            If one is unknown and these are not to be skipped, or several items have a title: which
            of them is meant can't be left open.
        """
        if not skips_unknown(unknown):
            return Found(self.rows(names), ())
        names = list(_several(names))
        rows = [self._find(name) for name in names]
        skipped = [name for name, row in zip(names, rows, strict=True) if row is None]
        found = np.array([-1 if row is None else row for row in rows], dtype=np.int64)
        return Found(found, distinct_names(skipped))

    def split(self, names: list[str]) -> tuple[list[int], list[str]]:
        """Return the rows of ids or titles in their order, and which are unknown or ambiguous."""
        rows: list[int] = []
        unknown: list[str] = []
        for name in names:
            try:
                row = self._find(name)
            except UnknownIdError:
                row = None
            if row is None:
                unknown.append(name)
            else:
                rows.append(row)
        return rows, unknown

    def _find(self, name: Any) -> int | None:
        """Return the row of an id or title; None if it is unknown."""
        if isinstance(name, np.generic):
            name = name.item()
        if isinstance(name, uuid.UUID):
            name = str(name)  # as it was read
        if isinstance(name, (str, *_ID_TYPES)):
            row = self._rows.get((type(name), name))
            if row is not None:
                return row
        rows = self._search(name)
        if len(rows) > 1:
            ids = ", ".join(repr(self._ids[row]) for row in rows)
            raise UnknownIdError(
                f"{name!r} is the title of {len(rows)} {self._kind}s; choose one by its id: {ids}"
            )
        return rows[0] if rows else None

    def _search(self, name: Any) -> list[int]:
        """Return the rows with an id of another type, such as 5.0 for 5.

        Neither text nor integers need a search, which takes a millisecond: `_rows` has all ids as
        text, and as what they are.
        """
        whole = type(name) is int and (self._ids.dtype.is_integer() or self._ids.dtype == pl.String)
        return [] if isinstance(name, str) or whole else _rows_with_id(self._ids, name)

    def _unknown(self, name: Any) -> str:
        nearest = self.names.nearest(str(name), _MAX_SUGGESTIONS)
        return (
            f"there is no {self._kind} {name!r} among the {len(self._ids):,} of this model"
            f"{_suggestion(nearest, self._ids.cast(pl.String))}"
        )


class ItemIndex(IdIndex):
    """An index of items by id or title, or by name; an id takes precedence over these.

    Parameters
    ----------
    items
        The ids and titles, ``id`` and ``item``.
    counts
        The number of ratings of each item, by which a search orders titles that match equally well.
    """

    def __init__(self, items: pl.DataFrame, counts: NDArray[np.number] | None = None) -> None:
        super().__init__(items["id"], "item")
        self._titles, self._counts = items["item"], counts

    @computed_once
    def names(self) -> NameSearch:
        """A search among the titles."""
        return NameSearch(self._titles, self._counts)

    @computed_once
    def _id_names(self) -> NameSearch:
        """A search among the ids."""
        return NameSearch(self._ids)

    def _rows_by_name(self) -> dict[tuple[type, Any], int]:
        """Return the row of each id, and of each name by which an item is shown."""
        by_name: dict[tuple[type, Any], int] = {
            (str, name): row for row, name in enumerate(item_names(self._ids, self._titles))
        }
        return by_name | super()._rows_by_name()

    @computed_once
    def _rows_by_title(self) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
        """The rows of each title as it is, and in lower case."""
        exact, lower = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
        for row, title in enumerate(self._titles):
            exact[title].append(row)
            lower[title.lower()].append(row)
        return dict(exact), dict(lower)

    def _search(self, name: Any) -> list[int]:
        if not isinstance(name, str):
            return super()._search(name)
        exact, lower = self._rows_by_title
        return exact.get(name) or lower.get(name.lower(), [])

    def _unknown(self, name: Any) -> str:
        nearest = self.names.nearest(str(name), _MAX_SUGGESTIONS)
        if self._ids.dtype == pl.String:  # numbers that look alike are not alike
            nearest += self._id_names.nearest(str(name), _MAX_SUGGESTIONS)
        return f"there is no item {name!r}{_suggestion(nearest, self._titles)}"


def item_names(ids: pl.Series, titles: pl.Series) -> pl.Series:
    """Return the names by which items are shown: titles, with the id where several have a title."""
    shared = titles.is_duplicated()
    if not shared.any():
        return titles
    frame = pl.DataFrame({"id": ids.cast(pl.String), "item": titles, "shared": shared})
    with_id = pl.format("{} [id {}]", "item", "id")
    return frame.select(pl.when("shared").then(with_id).otherwise("item").alias("item"))["item"]


def require_same_type(
    kind: str,
    ids: pl.Series,
    known: pl.Series,
    where: tuple[str, str] = ("these ratings", "the model"),
) -> None:
    """Check that ids in ratings have the same type as known ones; `where` says where each is.

    Raises
    ------
    DataError
        If they have another type.
    """
    if ids.dtype != known.dtype:
        raise DataError(
            f"{kind} ids are {ids.dtype} in {where[0]} and {known.dtype} in {where[1]}; read both "
            "in the same way"
        )


def rows_among(known: pl.Series, ids: pl.Series) -> pl.Series:
    """Return the row of each of `ids` among the `known` ids; null if it is not among them."""
    rows = known.to_frame("id").with_row_index("row")
    return ids.to_frame("id").join(rows, on="id", how="left", maintain_order="left")["row"]


def known_rows(known: pl.Series, ids: pl.Series) -> NDArray[np.int32]:
    """Return the row of each of `ids` among the `known` ids; -1 if it is not among them."""
    return rows_among(known, ids).cast(pl.Int32).fill_null(-1).to_numpy()


def _rows_with_id(ids: pl.Series, name: Any) -> list[int]:
    """Return the rows with an id in another type, such as 5.0 for 5."""
    if isinstance(name, np.generic):
        name = name.item()
    if not isinstance(name, _ID_TYPES) or isinstance(name, bool) != (ids.dtype == pl.Boolean):
        return []
    try:
        rows: list[int] = (ids == name).arg_true().to_list()
    except (
        *(NotImplementedError, OverflowError, TypeError),
        pl.exceptions.PolarsError,
    ):  # the ids have another type
        return []
    return rows


def _several(names: Any) -> Iterable[Any]:
    """Return ids or titles, of which there may be only one, without a list around it."""
    alone = isinstance(names, str | bytes) or not isinstance(names, Iterable)
    return [names] if alone else names


def distinct_names(names: Iterable[Any]) -> tuple[Any, ...]:
    """Return each name once, in order; unlike for a set, 1 and True, or lists, are no problem."""
    return tuple({repr(name): name for name in names}.values())


def _suggestion(nearest: list[str], names: pl.Series) -> str:
    """Return the end of a message about an unknown name: the nearest of the names, or any one."""
    if not nearest:
        return f"; one is {names[0]!r}" if len(names) else ""
    distinct = list(dict.fromkeys(nearest))[:_MAX_SUGGESTIONS]
    return f"; the nearest are {', '.join(map(repr, distinct))}"
