"""Lists, relevant items and histories that are given by ids, as rows of users and items."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.data._id_columns import read_ids
from palate.data._metadata import as_text
from palate.data._ratings import Ratings
from palate.errors import DataError
from palate.evaluation._metric_formulas import Judged
from palate.evaluation._relevance import relevant_pairs
from palate.learned._lookup import known_rows

# The last stands for a table of polars, pandas or Arrow, or the path of one.
Lists = Sequence[Iterable[Any]] | Mapping[Any, Iterable[Any]] | Any
Relevant = Lists | Ratings
_FORMS = (
    "give a list of ids for each user, a dictionary of such lists, or a table of users and items"
)


def judged_lists(recommended: Lists, relevant: Relevant, k: int) -> Judged:
    """Return the first `k` items of each list, judged by what is relevant.

    Raises
    ------
    DataError
        If these have another form or are not of the same users, or an item is twice in a list.
    """
    _require_same_form("recommended", recommended, "relevant", relevant)
    lists, wanted = _pairs("recommended", recommended), _relevant(relevant)
    users = pl.concat([wanted["user"], lists["user"]]).unique(maintain_order=True)
    if lists.height and wanted.height and not wanted["user"].is_in(lists["user"].implode()).any():
        raise DataError(
            f"none of the {wanted['user'].n_unique():,} users with relevant items has a list: the "
            f"ids are such as {wanted['user'][0]!r} and {lists['user'][0]!r}"
        )
    items = pl.concat([wanted["item"], lists["item"]]).unique(maintain_order=True)
    top = _top(lists, users, items, k)
    return Judged.of(top, known_rows(users, wanted["user"]), known_rows(items, wanted["item"]))


def paired_lists(
    first: Lists, second: Lists, k: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the first `k` items of both lists of each user with two, as rows of the same items.

    Raises
    ------
    DataError
        If these have another form or are not of the same users, or an item is twice in a list.
    """
    _require_same_form("first", first, "second", second)
    one, other = _pairs("first", first), _pairs("second", second)
    users = one["user"].unique(maintain_order=True)
    users = users.filter(users.is_in(other["user"].implode()))
    if users.is_empty() and one.height and other.height:
        raise DataError(
            f"no user has two lists: the ids are such as {one['user'][0]!r} and "
            f"{other['user'][0]!r}"
        )
    items = pl.concat([one["item"], other["item"]]).unique(maintain_order=True)
    both = (lists.filter(pl.col("user").is_in(users.implode())) for lists in (one, other))
    top, other_top = (_top(lists, users, items, k) for lists in both)
    return top, other_top


def _require_same_form(name: str, given: Any, other_name: str, other: Any) -> None:
    """Check that both are given by position, for as many users, or both with the ids of these."""
    by_position = [_is_by_position(one) for one in (given, other)]
    if by_position[0] != by_position[1]:
        raise DataError(
            f"{name} and {other_name} are not given in the same way: one has the ids of the users "
            "and the other has not; give both by position, or both with the ids"
        )
    if by_position[0] and len(given) != len(other):
        what = f"{other_name} items" if other_name == "relevant" else f"{other_name} lists"
        raise DataError(
            f"there are {len(given):,} lists, and {what} of {len(other):,} users; "
            "give one list for each user"
        )


def listed_items(
    recommended: Lists, catalogue: Iterable[Any] | Ratings, k: int
) -> tuple[NDArray[np.int32], int]:
    """Return the first `k` items of each list as rows of a catalogue, and the size of this.

    Raises
    ------
    DataError
        If a list has an item that is not in the catalogue, or an item twice.
    """
    if isinstance(catalogue, Ratings):
        ids = catalogue.items["id"][np.unique(catalogue.item)]
    else:
        ids = _series("catalogue", list(catalogue))
    items, lists = as_text(ids).unique(maintain_order=True), _pairs("recommended", recommended)
    unknown = lists["item"].filter(~lists["item"].is_in(items.implode()))
    if len(unknown):
        raise DataError(f"item {unknown[0]!r} is recommended, but is not in the catalogue")
    return _top(lists, lists["user"].unique(maintain_order=True), items, k), len(items)


def histories_with(
    recommended: Lists, histories: Lists | Ratings, k: int
) -> tuple[NDArray[np.int32], Ratings]:
    """Return the first `k` items of each list, and histories as events over the items of both.

    Raises
    ------
    DataError
        If these have another form, or an item is twice in a list.
    """
    lists = _pairs("recommended", recommended)
    if isinstance(histories, Ratings):
        having = _of_ratings(histories)
    else:
        having = _pairs("histories", histories).unique(maintain_order=True)
    users = having["user"].unique(maintain_order=True)
    items = pl.concat([having["item"], lists["item"]]).unique(maintain_order=True)
    events = Ratings(
        user=known_rows(users, having["user"]),
        item=known_rows(items, having["item"]),
        rating=np.ones(having.height, dtype=np.float32),
        timestamp=None,
        users=users.to_frame("id"),
        items=pl.DataFrame({"id": items, "item": items}),
        kind="events",
    )
    return _top(lists, lists["user"].unique(maintain_order=True), items, k), events


def _top(lists: pl.DataFrame, users: pl.Series, items: pl.Series, k: int) -> NDArray[np.int32]:
    """Return the rows of the first `k` items of each user, -1 for none; shape (users, k)."""
    repeated = lists.filter(lists.is_duplicated())
    if repeated.height:
        user, item = repeated.row(0)
        raise DataError(f"item {item!r} is twice in the list of user {user!r}; list it once")
    listed = lists.with_columns(place=pl.int_range(pl.len()).over("user")).filter(
        pl.col("place") < k
    )
    top = np.full((len(users), k), -1, dtype=np.int32)
    top[known_rows(users, listed["user"]), listed["place"].to_numpy()] = known_rows(
        items, listed["item"]
    )
    return top


def _relevant(given: Relevant) -> pl.DataFrame:
    """Return the relevant pairs, each once."""
    if not isinstance(given, Ratings):
        return _pairs("relevant", given).unique(maintain_order=True)
    user, item = relevant_pairs(given, given)
    return _ids(given, user, item)


def _of_ratings(ratings: Ratings) -> pl.DataFrame:
    return _ids(ratings, ratings.user, ratings.item)


def _ids(ratings: Ratings, user: NDArray[np.int32], item: NDArray[np.int32]) -> pl.DataFrame:
    users, items = as_text(ratings.users["id"]), as_text(ratings.items["id"])
    return pl.DataFrame({"user": users[user], "item": items[item]})


def _is_by_position(given: Any) -> bool:
    return isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)


def _pairs(name: str, given: Lists) -> pl.DataFrame:
    """Return a table of a user and an item in each row, as text, in the order of the lists."""
    if isinstance(given, Mapping):
        return _of_lists(name, list(given), given.values())
    if _is_by_position(given):
        return _of_lists(name, list(range(len(given))), given)
    if isinstance(given, Ratings) or given is None:
        raise DataError(f"{name} is {given!r}; {_FORMS}")
    return read_ids(given, ("user", "item"))


def _of_lists(name: str, users: list[Any], lists: Iterable[Any]) -> pl.DataFrame:
    listed = []
    for items in lists:
        if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
            raise DataError(f"{name} has {items!r} where the items of a user should be; {_FORMS}")
        listed.append(list(items))
    lengths = [len(items) for items in listed]
    item = _series(name, [item for items in listed for item in items])
    user = as_text(_series(name, users))[np.repeat(np.arange(len(users)), lengths)]
    return pl.DataFrame({"user": user, "item": as_text(item)}, schema=_TEXT)


_TEXT = {"user": pl.String, "item": pl.String}


def _series(name: str, ids: list[Any]) -> pl.Series:
    """Return ids as a series, none of which is missing."""
    try:
        series = pl.Series(ids)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        series = pl.Series(list(map(str, ids)))
    if as_text(series).null_count() and len(series):
        raise DataError(f"{name} has a missing id, or one that is no number, text or date")
    return series
