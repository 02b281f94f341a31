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
    positions = learned.canonical_axes.user_positions(users.table)
    worth = _worth(learned)
    shared = (positions * worth) @ positions[row]
    others = _candidates(positions, worth, shared, row, max(_CANDIDATES * n, _MIN_CANDIDATES))
    compared = np.append(row, others)
    squares = _second_moments(learned, users, positions, worth, compared)
    sizes = np.sqrt(squares[0] * squares[1:])
    similarity = shared[others] / np.where(sizes > 0, sizes, 1)
    best = np.argsort(-similarity, kind="stable")[:n]
    rows, ratings = others[best], users.ratings
    rated = ratings.take(np.array([row])).partner
    common = [int(np.isin(ratings.take(np.array([r])).partner, rated).sum()) for r in rows]
    return pl.DataFrame(
        {
            "user": learned.require_users().users["id"].gather(rows),
            "similarity": np.clip(similarity[best], -1, 1),
            "ratings": ratings.counts[rows],
            "common": pl.Series(common, dtype=pl.Int64),
        }
    )


def _worth(learned: Learned) -> Matrix:
    """Return the mean square of the items' positions on each axis; shape (k,)."""
    worth: Matrix = np.mean(learned.canonical_axes.centred_items[learned.rated] ** 2, axis=0)
    return worth


def _candidates(
    positions: Matrix, worth: Matrix, shared: Matrix, row: int, n: int
) -> NDArray[np.int64]:
    """Return the rows of the `n` other users who may be most similar, in order.

    What is uncertain of a user is not computed for them all. People have unit variance on each
    axis, so that the mean second moment is the sum of `worth`; here it is taken as the least one.
    """
    squares = np.maximum((positions**2) @ worth, worth.sum())
    likely = shared / np.sqrt(np.where(squares > 0, squares, 1))
    likely[row] = -np.inf
    n = min(n, len(likely) - 1)
    rows: NDArray[np.int64] = np.sort(np.argpartition(-likely, n)[:n])
    return rows


def _second_moments(
    learned: Learned,
    users: UserPosteriors,
    positions: Matrix,
    worth: Matrix,
    rows: NDArray[np.int64],
) -> Matrix:
    """Return the posterior mean of x' S x for each of some users; shape (n,)."""
    transform = learned.canonical_axes.user_transform
    spread = (transform * worth) @ transform.T
    found = []
    for block in users.blocks(rows):
        covariances = users.covariances(block)[:, :-1, :-1].astype(np.float64)
        found.append(np.einsum("nij,ij->n", covariances, spread))
    moments: Matrix = (positions[rows] ** 2) @ worth + np.concatenate(found)
    return moments
