"""The items that lists are chosen from: for everybody, and for each person."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.analysis._matching_items import matching_items
from palate.data._id_columns import read_ids
from palate.data._metadata import as_text
from palate.data._ratings import Csr, group
from palate.errors import DataError
from palate.learned._learned import Learned
from palate.learned._lookup import Unknown, distinct_names


class Eligible(NamedTuple):
    """Which items a list can be chosen from.

    Attributes
    ----------
    mask
        Whether each item is one of them; shape (items,).
    skipped
        The ids and titles that were given and are unknown.
    """

    mask: NDArray[np.bool_]
    skipped: tuple[Any, ...]


class ItemsByUser(NamedTuple):
    """Items of each person.

    Attributes
    ----------
    items
        Their rows, grouped by person.
    skipped
        The ids and titles that were given and are unknown.
    """

    items: Csr
    skipped: tuple[Any, ...]


def eligible_items(
    learned: Learned,
    *,
    candidates: Any = None,
    exclude: Iterable[Any] = (),
    where: Mapping[str, Any] | None = None,
    unknown: Unknown | None = None,
    unrated: bool = False,
) -> Eligible:
    """Return which items a list can be chosen from; see `Profile.recommend`.

    Without candidates these are the items with a training rating, or all if `unrated`. By default
    unknown candidates are an error, and unknown items to exclude are skipped: they are not
    recommended in any case.

    Raises
    ------
    UnknownIdError
        If an item is unknown and not to be skipped, or a title names several items.
    SettingError
        If `where` is not a condition that an item meets, or `unknown` is not one of its values.
    """
    if candidates is None:
        mask, skipped = np.ones_like(learned.rated) if unrated else learned.rated, ()
    else:
        found = learned.item_index.find(candidates, unknown or "error")
        mask, skipped = np.zeros_like(learned.rated), found.skipped
        mask[found.known] = True
    excluded = learned.item_index.find(exclude, unknown or "skip")
    mask[excluded.known] = False
    if where is not None:
        mask &= matching_items(learned.items, where)
    return Eligible(mask, distinct_names([*skipped, *excluded.skipped]))


def items_by_user(learned: Learned, users: pl.Series, table: Any, unknown: Unknown) -> ItemsByUser:
    """Return the items that a table has for each of `users`; its rows of other users are ignored.

    Raises
    ------
    DataError
        If the table can't be read, or none of its users is one of these or of the model.
    UnknownIdError
        If an item is unknown and not to be skipped, or a title names several items.
    """
    pairs, people = read_ids(table, ("user", "item")), as_text(users)
    known = people if learned.users is None else pl.concat([people, as_text(learned.users["id"])])
    if pairs.height and not pairs["user"].is_in(known.implode()).any():
        raise DataError(
            f"none of the users of this table, such as {pairs['user'][0]!r}, is known (where "
            f"{people[0]!r} is one); its columns must be the ids of users and of items"
        )
    names = pairs["item"].unique(maintain_order=True)
    found = learned.item_index.find(names, unknown)
    rows = (
        pairs.join(pl.DataFrame({"user": people}).with_row_index("person"), on="user")
        .join(pl.DataFrame({"item": names, "row": found.rows}), on="item")
        .filter(pl.col("row") >= 0)
    )
    person, item = (rows[name].cast(pl.Int32).to_numpy() for name in ("person", "row"))
    items = group(person, len(people), item, np.ones(len(item), dtype=np.float32))
    return ItemsByUser(items, found.skipped)
