"""Repeated pairs of a user and an item: refused, reduced to one, or added up."""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from palate.data._ratings import Ratings
from palate.data._table import Table
from palate.errors import DataError


def refuse_duplicates(ratings: Ratings, table: Table) -> None:
    """Check that no user has rated an item twice.

    Raises
    ------
    DataError
        If one has; the message names two rows of the table and says what to do.
    """
    repeated = _repeated(pair_numbers(ratings))
    if len(repeated) == 0:
        return
    pairs = pair_numbers(ratings)
    rows = np.flatnonzero(np.isin(pairs, repeated))
    first, second = rows[pairs[rows] == pairs[rows[0]]][:2].tolist()
    raise DataError(
        f"{table.name}: {table.place(first)} and {table.place(second)} both rate item "
        f"{ratings.items['id'][int(ratings.item[first])]!r} by user "
        f"{ratings.users['id'][int(ratings.user[first])]!r} "
        f"(repeats in all: {len(rows) - len(repeated):,}); "
        "choose duplicates='first', 'last' or 'mean', or kind='counts' to add them up"
    )


def has_duplicates(ratings: Ratings) -> bool:
    """Return whether a pair of a user and an item is there more than once."""
    return len(_repeated(pair_numbers(ratings))) > 0


def without_duplicates(ratings: Ratings, keep: Literal["first", "last", "mean", "sum"]) -> Ratings:
    """Return one rating for each user and item: the first, the last in time, the mean or the sum.

    With the sum goes the timestamp of the last, with the mean that of the first.
    """
    if not has_duplicates(ratings):
        return ratings
    last, pairs = keep in {"last", "sum"}, pair_numbers(ratings)
    if last and ratings.timestamp is not None:
        order = np.lexsort((ratings.timestamp, pairs))
    else:
        order = np.argsort(pairs, kind="stable")
    new = np.diff(pairs[order], prepend=-1) > 0
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], len(order))
    row = order[ends - 1] if last else order[starts]
    in_order = np.argsort(row)
    result = ratings.take(row[in_order])
    if keep in {"first", "last"}:
        return result
    values = np.add.reduceat(ratings.rating[order], starts, dtype=np.float64)
    if keep == "mean":
        values /= ends - starts
    with np.errstate(over="ignore"):  # the caller looks for infinities
        return replace(result, rating=values[in_order].astype(np.float32))


def pair_numbers(ratings: Ratings) -> NDArray[np.int64]:
    """Return a number for each rating that identifies its pair of user and item; shape (n,)."""
    pairs = ratings.user.astype(np.int64)
    pairs *= ratings.items.height
    pairs += ratings.item
    return pairs


def _repeated(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort the numbers, and return those that occur more than once, each of them once."""
    pairs.sort()
    return np.unique(pairs[1:][pairs[1:] == pairs[:-1]])
