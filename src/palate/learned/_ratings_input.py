"""Conversion of ratings of other people to rows of the model's items, with validation."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate.data._ratings import Csr, Ratings, require_ratings
from palate.errors import DataError, SettingError, UnknownIdError
from palate.learned._learned import Learned
from palate.learned._lookup import Unknown, known_rows, require_same_type, rows_among, skips_unknown

_MAX_NAMED = 3


def history_of_person(
    learned: Learned, ratings: Mapping[Any, float] | Iterable[Any], unknown: Unknown
) -> tuple[Csr, tuple[Any, ...]]:
    """Return one person's ratings or counts, given by the ids or titles of items, and the skipped.

    For a model of events or counts, the items alone may be given: each of them is one event.
    """
    alone = isinstance(ratings, Iterable) and not isinstance(ratings, str | bytes | Mapping)
    if alone and learned.kind != "ratings":
        ratings = dict.fromkeys(ratings, 1.0)
    if not isinstance(ratings, Mapping):
        raise DataError(
            f"ratings are given as a {type(ratings).__name__}; give a rating for each item, "
            'as in {"Fargo (1996)": 5}, or Ratings'
        )
    found, rows = learned.item_index.find(ratings, unknown), dict[int, Any]()
    for row, (name, rating) in zip(found.rows.tolist(), ratings.items(), strict=True):
        if row < 0:
            continue
        if row in rows:
            raise DataError(f"{name!r} is rated twice, under two names; give it one rating")
        rows[row] = _finite_rating(name, rating)
    values = np.array(list(rows.values()), dtype=np.float32)
    items = np.array(list(rows), dtype=np.int32)
    if learned.kind == "events" and (wrong := np.flatnonzero(values != 1)).size:
        name = [name for name, row in zip(ratings, found.rows, strict=True) if row >= 0][wrong[0]]
        raise DataError(
            f"{name!r} has the number {values[wrong[0]]:g}, but in a model of events an item is "
            f"picked or it is not; give a list of items, such as [{name!r}]"
        )
    _require_values(learned, values, items)
    return Csr(np.array([0, len(values)]), items, values), found.skipped


def known_ratings(
    learned: Learned, ratings: Ratings, unknown: Unknown
) -> tuple[Ratings, tuple[Any, ...]]:
    """Return the ratings without those of items that are to be skipped, and the ids of these.

    The items stay in the table of items; `model_item_rows` ignores them there without ratings.
    """
    if not skips_unknown(unknown) or require_ratings(ratings).items is learned.items:
        return ratings, ()
    ids = ratings.items["id"]
    require_same_type("item", ids, learned.items["id"])
    is_unknown = rows_among(learned.items["id"], ids).is_null().to_numpy()
    known = ratings.take(~is_unknown[ratings.item])
    skipped = np.setdiff1d(ratings.item, known.item)
    return known, tuple(ids.gather(skipped).to_list())


def histories_of_people(learned: Learned, ratings: Ratings) -> Csr:
    """Return ratings, events or counts grouped by user, with items as rows of the model."""
    grouped = require_ratings(ratings).by_user()
    rows = model_item_rows(learned, ratings)[grouped.partner]
    _require_values(learned, grouped.rating, rows)
    return Csr(grouped.starts, rows, grouped.rating)


def model_item_rows(learned: Learned, ratings: Ratings) -> NDArray[np.int32]:
    """Return the row in the model of each item of `ratings`; -1 for unknown items without a rating.

    Raises
    ------
    UnknownIdError
        If the model does not know an item that has a rating.
    """
    ids = ratings.items["id"]
    if ratings.items is learned.items:
        return np.arange(len(ids), dtype=np.int32)
    require_same_type("item", ids, learned.items["id"])
    rows = known_rows(learned.items["id"], ids)
    rated = np.unique(ratings.item)
    unknown = ids[rated[rows[rated] < 0]]
    if len(unknown):
        raise UnknownIdError(
            f"the model does not know {len(unknown):,} of the items, such as "
            f"{', '.join(map(repr, unknown.head(_MAX_NAMED)))}; leave them out with "
            'unknown="skip", or fit again'
        )
    return rows


def with_ids_as_known(learned: Learned, ratings: Ratings) -> Ratings:
    """Return ratings from a file with ids of the types that the model has.

    In a file in which all ids happen to be whole numbers they are read as such, and not as text.

    Raises
    ------
    DataError
        If the model's ids are whole numbers, and one of these is not; or they are of other types.
    """
    sides = {"item": learned.items, "user": learned.require_users().users}
    for side, known in sides.items():
        table: pl.DataFrame = getattr(ratings, f"{side}s")
        ids, wanted = table["id"], known["id"].dtype
        if not all(dtype.is_integer() or dtype == pl.String for dtype in (ids.dtype, wanted)):
            require_same_type(side, ids, known["id"])
            continue
        cast = ids.cast(wanted, strict=False)
        changed = ids.filter(cast.cast(ids.dtype, strict=False).ne_missing(ids))
        if len(changed):
            raise DataError(
                f"the {side} ids of the model are whole numbers, and {changed[0]!r} in these "
                "ratings is not; a new fit to all ratings reads all ids as text"
            )
        tables: dict[str, Any] = {f"{side}s": table.with_columns(cast.alias("id"))}
        ratings = replace(ratings, **tables)
    return ratings


def _require_values(learned: Learned, values: NDArray[np.float32], item: NDArray[np.int32]) -> None:
    if learned.has_ratings:
        require_scale(learned, values, item)
    elif learned.kind != "ratings" and (wrong := np.flatnonzero(values <= 0)).size:
        name = learned.items["item"][int(item[wrong[0]])]
        raise DataError(f"the count of {name!r} is {values[wrong[0]]:g}; a count is above 0")


def require_scale(learned: Learned, rating: NDArray[np.float32], item: NDArray[np.int32]) -> None:
    """Check that ratings lie inside the model's scale.

    Raises
    ------
    DataError
        If a rating lies outside.
    """
    low, high = np.float32(learned.likelihood.low), np.float32(learned.likelihood.high)
    outside = np.flatnonzero((rating < low) | (rating > high))
    if len(outside):
        name = learned.items["item"][int(item[outside[0]])]
        raise DataError(
            f"the rating of {name!r} is {rating[outside[0]]:g}, outside the model's scale of "
            f"{low:g} to {high:g}"
        )


def _finite_rating(name: Any, rating: Any) -> float:
    try:
        return _arguments.finite(f"the rating of {name!r}", rating)
    except SettingError as error:
        raise DataError(str(error)) from error
