"""From what people say of items to ratings by row, on the model's scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate.data._ratings import Csr, Ratings, require_ratings
from palate.errors import DataError, SettingError, UnknownIdError
from palate.model._lookup import check_types, rows_among

if TYPE_CHECKING:
    from palate.model._model import Model

_NAMED = 3


def one_person(model: Model, ratings: Mapping[Any, float]) -> Csr:
    """Return one person's ratings, given by the ids or titles of items."""
    if not isinstance(ratings, Mapping):
        raise DataError(
            f"these are no ratings but a {type(ratings).__name__}; give a rating for each item, "
            'as in {"Fargo (1996)": 5}, or Ratings'
        )
    rows: dict[int, Any] = {}
    for name, rating in ratings.items():
        row = model.names.row(name)
        if row in rows:
            raise DataError(f"{name!r} is rated twice, under two names; give it one rating")
        rows[row] = _number(name, rating)
    values = np.array(list(rows.values()), dtype=np.float32)
    items = np.array(list(rows), dtype=np.int32)
    check_scale(model, values, items)
    return Csr(np.array([0, len(values)]), items, values)


def many_people(model: Model, ratings: Ratings) -> Csr:
    """Return ratings grouped by user, their items by the model's rows."""
    csr = require_ratings(ratings).by_user()
    rows = item_rows(model, ratings)[csr.partner]
    check_scale(model, csr.rating, rows)
    return Csr(csr.starts, rows, csr.rating)


def item_rows(model: Model, ratings: Ratings) -> NDArray[np.int32]:
    """Return the model's row of every item of `ratings`; -1 for those that nobody has rated.

    Raises
    ------
    UnknownIdError
        If the model does not know an item that has a rating.
    """
    ids = ratings.items["id"]
    if ratings.items is model.items:
        return np.arange(len(ids), dtype=np.int32)
    check_types("items", ids, model.items["id"])
    rows = rows_among(model.items["id"], ids)
    rated = np.unique(ratings.item)
    strangers = ids[rated].filter(rows[rated].is_null())
    if len(strangers):
        raise UnknownIdError(
            f"the model does not know {len(strangers):,} of the items, such as "
            f"{', '.join(map(repr, strangers.head(_NAMED)))}; leave them out, or fit again"
        )
    return rows.cast(pl.Int32).fill_null(-1).to_numpy()


def _number(name: Any, rating: Any) -> float:
    try:
        return _arguments.finite(f"the rating of {name!r}", rating)
    except SettingError as error:
        raise DataError(str(error)) from error


def check_scale(model: Model, rating: NDArray[np.float32], item: NDArray[np.int32]) -> None:
    """Refuse a rating that the model's scale does not reach."""
    low, high = np.float32(model.link.low), np.float32(model.link.high)
    off = np.flatnonzero((rating < low) | (rating > high))
    if len(off):
        name = model.items["item"][int(item[off[0]])]
        raise DataError(
            f"the rating of {name!r} is {rating[off[0]]:g}, which is off the model's scale of "
            f"{low:g} to {high:g}"
        )
