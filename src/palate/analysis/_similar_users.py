"""The users whose tastes are most like those of one."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._learned import Learned

Matrix = NDArray[np.float64]
# How many users are compared with their uncertainty, for each one that is returned, and at least.
_CANDIDATES, _MIN_CANDIDATES = 10, 500


def similar_users(learned: Learned, users: UserPosteriors, user: Any, n: int) -> pl.DataFrame:
    """Return the users most similar to one; see `Model.similar_users`."""
    _arguments.integer("n", n, 1)
    row = learned.user_index.row(user)
    others = _candidates(learned, users, row, max(_CANDIDATES * n, _MIN_CANDIDATES))
    found = similarities(learned, users, row, others)
    best = np.argsort(-found, kind="stable")[:n]
    rows, ratings = others[best], users.ratings
    rated = ratings.take(np.array([row])).partner
    common = [int(np.isin(ratings.take(np.array([r])).partner, rated).sum()) for r in rows]
    return pl.DataFrame(
        {
            "user": learned.require_users().users["id"].gather(rows),
            "similarity": found[best],
            "ratings": ratings.counts[rows],
            "common": pl.Series(common, dtype=pl.Int64),
        }
    )


def similarities(
    learned: Learned, users: UserPosteriors, row: int, others: NDArray[np.int64]
) -> Matrix:
    """Return how similar some users are to one; see `Model.similar_users`; shape (n,)."""
    rows = np.append(row, others)
    positions, worth = learned.canonical_axes.user_positions(users.table[rows]), _worth(learned)
    shared = (positions[1:] * worth) @ positions[0]
    squares = (positions**2) @ worth + _uncertainty(learned, users, worth, rows)
    sizes = np.sqrt(squares[0] * squares[1:])
    found: Matrix = np.clip(shared / np.where(sizes > 0, sizes, 1), -1, 1)
    return found


def _worth(learned: Learned) -> Matrix:
    """Return the mean square of the items' positions on each axis; shape (k,)."""
    worth: Matrix = np.mean(learned.canonical_axes.centred_items[learned.rated] ** 2, axis=0)
    return worth


def _candidates(learned: Learned, users: UserPosteriors, row: int, n: int) -> NDArray[np.int64]:
    """Return the rows of the `n` other users who may be most similar, in order.

    What is uncertain of a user is not computed for them all. People have unit variance on each
    axis, so that the mean second moment is the sum of `worth`; here it is taken as the least one.
    """
    positions, worth = learned.canonical_axes.user_positions(users.table), _worth(learned)
    squares = np.maximum((positions**2) @ worth, worth.sum())
    shared = (positions * worth) @ positions[row]
    likely = shared / np.sqrt(np.where(squares > 0, squares, 1))
    likely[row] = -np.inf
    n = min(n, len(likely) - 1)
    rows: NDArray[np.int64] = np.sort(np.argpartition(-likely, n)[:n])
    return rows


def _uncertainty(
    learned: Learned, users: UserPosteriors, worth: Matrix, rows: NDArray[np.int64]
) -> Matrix:
    """Return the sum of the posterior variances of positions, times `worth`; shape (n,)."""
    transform = learned.canonical_axes.user_transform
    spread = (transform * worth) @ transform.T
    found = []
    for block in users.blocks(rows):
        covariances = users.covariances(block)[:, :-1, :-1].astype(np.float64)
        found.append(np.einsum("nij,ij->n", covariances, spread))
    uncertainty: Matrix = np.concatenate(found)
    return uncertainty
