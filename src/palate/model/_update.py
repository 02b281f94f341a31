"""Updates: adding ratings without a refit, and measuring the drift of the items."""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._native import score_pairs
from palate.data._duplicates import pair_numbers, without_duplicates
from palate.data._ratings import Ratings
from palate.errors import DataError
from palate.learned._learned import Learned
from palate.learned._lookup import rows_among
from palate.learned._ratings_input import model_item_rows, require_scale
from palate.model._inferred import with_items_inferred, with_new_items, with_users_inferred


def update(
    learned: Learned, new: Ratings, *, new_items: bool = True
) -> tuple[Learned, pl.DataFrame]:
    """Return the data of the model with `new` ratings added, and the drift; see `Model.update`.

    Items that it lacks are added where it can infer them, and unless `new_items` is false.
    """
    if not isinstance(new, Ratings) or len(new) == 0:
        raise DataError("there are no new ratings; read some with palate.read_ratings")
    old = learned.require_users()
    if new.kind != old.kind:
        raise DataError(
            f"these are {new.kind}, and the model was fitted to {old.kind}; read them with "
            f'kind="{old.kind}"'
        )
    _require_ids_as_known("item", new.items["id"], learned.items["id"])
    _require_ids_as_known("user", new.users["id"], old.users["id"])
    if new_items:
        learned = with_new_items(learned, new)
    new = replace(new, item=model_item_rows(learned, new)[new.item], items=learned.items)
    if not learned.has_ratings:
        merged, _, recent = _merged(old, new, learned.added_ratings)
        counts = np.bincount(new.item, minlength=learned.items.height)
        rows = np.flatnonzero(counts)
        frame = learned.item_frame(rows, new_ratings=counts[rows])
        updated = replace(learned, ratings=merged, added_ratings=recent)
        return updated, frame.sort("new_ratings", descending=True)
    old_table = learned.require_user_table()
    require_scale(learned, new.rating, new.item)
    old = replace(old, items=learned.items)
    merged, new_user, recent = _merged(old, new, learned.added_ratings)
    learned = replace(learned, ratings=merged, added_ratings=recent)
    touched = np.unique(new_user)
    table = np.zeros((merged.users.height, learned.factors + 1), dtype=np.float32)
    old_rows = rows_among(merged.users["id"], old.users["id"]).to_numpy()
    table[old_rows] = old_table
    variances = np.ones(len(table))
    variances[old_rows] = learned.require_user_variances()
    updated = with_users_inferred(learned, table, variances, touched)
    updated = with_items_inferred(updated, np.unique(new.item), touched)
    table, variances = updated.require_user_table(), updated.require_user_variances()
    score = score_pairs(table, updated.item_table, new_user, new.item)
    error = (new.rating - learned.likelihood.rating(score)).astype(np.float64)
    noise = np.full(len(error), np.mean(error**2))
    if learned.has_intervals:
        noise = updated.parameters.rating_variance(score, new.item, variances[new_user])
    fitted = new.item < updated.items.height - updated.added_items
    return updated, _drift(updated, new.take(fitted), error[fitted], noise[fitted])


def _require_ids_as_known(kind: str, ids: pl.Series, known: pl.Series) -> None:
    """Check that the ids of new ratings have the type of those in the model."""
    if ids.dtype != known.dtype:
        cast = f'table.with_columns(pl.col("{kind}").cast(pl.{known.dtype}))'
        raise DataError(
            f"{kind} ids are {ids.dtype} in these ratings and {known.dtype} in the model; convert "
            f"the column before the table is read, as in {cast}"
        )


def _merged(old: Ratings, new: Ratings, added: int) -> tuple[Ratings, NDArray[np.int32], int]:
    """Return one rating, event or count of each user and item, those since the fit last.

    The last `added` of the old ones are since the fit. Beside them are returned the users' rows of
    the new ones, and the number since the fit.
    """
    ids, new_ids = old.users["id"], new.users["id"]
    users = _merged_users(old.users, new.users[np.unique(new.user)])
    all_ids = users["id"]
    old_row, new_row = rows_among(all_ids, ids), rows_among(all_ids, new_ids)
    timestamp = None
    if old.timestamp is not None and new.timestamp is not None:
        if old.timestamp.dtype.kind != new.timestamp.dtype.kind:
            raise DataError(
                f"timestamps are {new.timestamp.dtype} in these ratings and {old.timestamp.dtype} "
                "in the model; read both in the same way"
            )
        timestamp = np.concatenate([old.timestamp, new.timestamp])
    new_user = new_row.fill_null(0).to_numpy().astype(np.int32)[new.user]
    both = Ratings(
        user=np.concatenate([old_row.to_numpy().astype(np.int32)[old.user], new_user]),
        item=np.concatenate([old.item, new.item]),
        rating=np.concatenate([old.rating, new.rating]),
        timestamp=timestamp,
        users=users,
        items=old.items,
        kind=old.kind,
        source=f"{old.source}; and {len(new):,} newer ones: {new.source}",
    )
    since = len(old) - added
    merged, recent = _added_up(both, since) if both.kind == "counts" else _newest(both, since)
    return merged, new_user, recent


def _merged_users(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Return all users, sorted by id, with the columns of the old ones: the newest known values."""
    columns = [column for column in old.columns if column in new.columns]
    both = pl.concat([new.select(columns), old], how="diagonal_relaxed")
    return both.group_by("id", maintain_order=True).agg(pl.all().drop_nulls().first()).sort("id")


def _newest(ratings: Ratings, since: int) -> tuple[Ratings, int]:
    """Return the last rating or event of each user and item, those since the fit last.

    Beside them is returned the number since the fit: of those at `since` or later that are not the
    same as one before, to which the items were fitted.
    """
    pairs = pair_numbers(ratings)
    _, first = np.unique(pairs, return_index=True)
    _, last = np.unique(pairs[::-1], return_index=True)
    last = len(ratings) - 1 - last
    repeated = (first < since) & (ratings.rating[first] == ratings.rating[last])
    recent = (last >= since) & ~repeated
    return ratings.take(last[np.lexsort((last, recent))]), int(recent.sum())


def _added_up(counts: Ratings, since: int) -> tuple[Ratings, int]:
    """Return the sum of the counts of each user and item, those since the fit last.

    Beside them is returned the number since the fit: of pairs at `since` or later that are not
    among those before, to which the items were fitted.
    """
    merged = without_duplicates(counts, "sum")
    if not np.isfinite(merged.rating).all():
        raise DataError(
            "the sum of an old and a new count is too large for a number; look for an error in the "
            "new counts"
        )
    recent = ~np.isin(pair_numbers(merged), pair_numbers(counts)[:since])
    return merged.take(np.argsort(recent, kind="stable")), int(recent.sum())


def _drift(
    learned: Learned, new: Ratings, error: NDArray[np.float64], noise: NDArray[np.float64]
) -> pl.DataFrame:
    """Return the mean error of each item, and the z of it, given the variance of each error."""
    counts = np.bincount(new.item, minlength=learned.items.height)
    rows = np.flatnonzero(counts)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(new.item, weights=values, minlength=len(counts))[rows] / counts[rows]

    drift = mean(error)
    variance = mean(noise) / counts[rows]
    posterior = learned.parameters.item_posterior
    if posterior is not None:
        variance += posterior.bias_sd[rows] ** 2
    sd = np.sqrt(variance)
    frame = learned.item_frame(
        rows,
        new_ratings=counts[rows],
        drift=drift,
        sd=sd,
        z=drift / np.maximum(sd, np.finfo(float).tiny),
    )
    return frame.sort(pl.col("z").abs(), descending=True)
