"""Taking in new ratings without a refit, and telling when one is due."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _native
from palate._threads import thread_count
from palate.data._ratings import Ratings
from palate.errors import DataError
from palate.inference._infer import infer
from palate.model._lookup import check_types, rows_among
from palate.model._people import check_scale, item_rows

if TYPE_CHECKING:
    from palate.model._model import Model


class Update(NamedTuple):
    """A model that has taken in new ratings.

    Attributes
    ----------
    model
        The model with the new users, ratings and profiles. Its items are as they were learned,
        and so are their counts.
    drift
        How far the items with new ratings have moved since the fit, the clearest first: id, item,
        new_ratings (how many), drift (their mean distance from what their users, as they are known
        now, are expected to give, in units of the ratings), sd (of the drift, if nothing has
        changed) and z (drift / sd). Where many items have a z beyond 2 or below -2, a refit is
        due. A point estimate does not know how sure it is of its items: its sd is the spread of
        the new ratings alone.
    """

    model: Model
    drift: pl.DataFrame


def update(model: Model, new: Ratings) -> Update:
    """Take `new` ratings into `model`; see `Model.update`."""
    if not isinstance(new, Ratings) or len(new) == 0:
        raise DataError("there are no new ratings; read some with palate.read_ratings")
    old, old_table = model.known()
    new = replace(new, item=item_rows(model, new)[new.item], items=model.items)
    check_scale(model, new.rating, new.item)
    merged, new_user = _merged(old, new)
    csr, touched = merged.by_user(), np.unique(new_user)
    before = merged.users["id"].is_in(old.users["id"].implode()).to_numpy()
    table = np.empty((merged.users.height, model.factors + 1), dtype=np.float32)
    table[before] = old_table
    table[touched] = infer(csr.take(touched), model.parameters, thread_count(None)).mean
    updated = replace(model, user_table=table, ratings=merged)
    score = _native.score_pairs(table, model.item_table, new_user, new.item)
    return Update(updated, _drift(model, new, new.rating - model.link.rating(score)))


def _merged(old: Ratings, new: Ratings) -> tuple[Ratings, NDArray[np.int32]]:
    """Return all ratings, the last of a user for an item, and the rows of the new ones' users."""
    ids, new_ids = old.users["id"], new.users["id"]
    check_types("users", new_ids, ids)
    everybody = ids.append(new_ids[np.unique(new.user)]).unique().sort()
    old_row, new_row = rows_among(everybody, ids), rows_among(everybody, new_ids)
    timestamp = None
    if old.timestamp is not None and new.timestamp is not None:
        if old.timestamp.dtype.kind != new.timestamp.dtype.kind:
            raise DataError(
                f"timestamps are {new.timestamp.dtype} in these ratings and {old.timestamp.dtype} "
                "in the model; read them alike"
            )
        timestamp = np.concatenate([old.timestamp, new.timestamp])
    new_user = new_row.fill_null(0).to_numpy().astype(np.int32)[new.user]
    both = Ratings(
        user=np.concatenate([old_row.to_numpy().astype(np.int32)[old.user], new_user]),
        item=np.concatenate([old.item, new.item]),
        rating=np.concatenate([old.rating, new.rating]),
        timestamp=timestamp,
        users=everybody.to_frame("id"),
        items=old.items,
        source=f"{old.source}; and {len(new):,} newer ones: {new.source}",
    )
    key = both.user.astype(np.int64) * both.items.height + both.item
    _, last = np.unique(key[::-1], return_index=True)
    return both.take(np.sort(len(both) - 1 - last)), new_user


def _drift(model: Model, new: Ratings, error: NDArray[np.float32]) -> pl.DataFrame:
    counts = np.bincount(new.item, minlength=model.items.height)
    rows = np.flatnonzero(counts)
    drift = np.bincount(new.item, weights=error, minlength=len(counts))[rows] / counts[rows]
    if model.parameters.item_bias_sd is None:
        variance = np.mean(error.astype(np.float64) ** 2) / counts[rows]
    else:
        variance = model.parameters.noise_sd**2 / counts[rows]
        variance += model.parameters.item_bias_sd[rows] ** 2
    sd = np.sqrt(variance)
    table = model.item_frame(
        rows,
        new_ratings=counts[rows],
        drift=drift,
        sd=sd,
        z=drift / np.maximum(sd, np.finfo(float).tiny),
    )
    return table.sort(pl.col("z").abs(), descending=True)
