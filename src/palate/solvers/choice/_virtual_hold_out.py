"""The virtual hold-out: how well a choice model would rank what some users have, had it not seen it.

For some users a fifth of the history is held out, and the model is replaced by the one that was
fitted without these entries, user by user and in closed form: one user's entries change one row of X,
so that P = (X' W X + ridge)^-1 changes by a matrix of rank 2. Nothing but training data is used.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
from palate._native import held_out_ndcg, permutation
from palate.data._ratings import Csr, Ratings, group
from palate.learned._choice import HistoryWeighting
from palate.solvers.choice._histories import user_weights

_MAX_HISTORIES = 4000
# The fraction of a history that is held out.
_SHARE = 0.2
_PARTS = 2
# The length of the lists.
_N = 10
# Maximum number of scores of a block of users.
_MAX_SCORES = 1 << 23


class Precision(Protocol):
    """The matrix P of a fitted model; shape (items, items)."""

    @property
    def diagonal(self) -> NDArray[np.float32]: ...

    def product(self, rows: Csr) -> NDArray[np.float32]:
        """Return X P for rows of X; shape (rows, items)."""


class VirtualHoldOut:
    """Histories with some entries held out.

    Of each history a random fifth is held out; in a small table other fifths in turn, as further
    histories, since few users would be too noisy.

    Parameters
    ----------
    ratings
        The training ratings, events or counts.
    seed
        Chooses the users and the entries.
    threads
        The number of threads.
    """

    def __init__(self, ratings: Ratings, seed: int, threads: int) -> None:
        self._threads = threads
        histories = ratings.by_user()
        counts = np.diff(histories.starts)
        number = np.maximum(1, np.rint(_SHARE * counts)).astype(np.int64)
        relevant = _by_user(ratings, ratings.relevant)
        rank = _random_ranks(ratings, seed)
        users, parts = [], []
        for part in range(_PARTS):
            held_out = _is_held_out(rank, number[rank.row], part)
            hits = np.bincount(rank.row[held_out & (relevant.rating > 0)], minlength=len(counts))
            # At least one entry is kept, and the last part is complete.
            eligible = np.flatnonzero((hits > 0) & (counts > number) & (counts >= part * number))
            order = permutation(seed, _random_streams.HOLD_OUT + 1 + part, len(eligible))
            users.append(eligible[order])
            parts.append(np.full(len(eligible), part))
        chosen = np.concatenate(users)[:_MAX_HISTORIES]
        part_of = np.concatenate(parts)[:_MAX_HISTORIES]
        self._histories = histories.take(chosen)
        row = self._histories.row
        self._held_out = _is_held_out(rank.take(chosen), number[chosen][row], part_of[row])
        self._relevant = self._held_out & (relevant.take(chosen).rating > 0)
        kept = counts[chosen] - np.bincount(row[self._held_out], minlength=len(chosen))
        self._weight = user_weights(counts)[chosen]
        self._kept_weight = (self._weight * np.sqrt(counts[chosen] / kept)).astype(np.float32)

    def __len__(self) -> int:
        return len(self._weight)

    def ndcg(
        self,
        precision: Precision,
        weighting: HistoryWeighting,
        popularity: NDArray[np.float32],
        exponents: NDArray[np.float32],
    ) -> NDArray[np.float64]:
        """Return the nDCG at 10 of each history, for each exponent of the discount; (n, q)."""
        block = max(1, _MAX_SCORES // len(popularity))
        parts = [
            self._block(slice(first, first + block), precision, weighting, popularity, exponents)
            for first in range(0, len(self), block)
        ]
        return np.concatenate(parts)

    def _block(
        self,
        block: slice,
        precision: Precision,
        weighting: HistoryWeighting,
        popularity: NDArray[np.float32],
        exponents: NDArray[np.float32],
    ) -> NDArray[np.float64]:
        rows = np.arange(len(self))[block]
        first, last = self._histories.starts[[rows[0], rows[-1] + 1]]
        histories, held_out = self._histories.take(rows), self._held_out[first:last]
        row, rating = histories.row[~held_out], histories.rating[~held_out]
        full = weighting.weighted(histories)
        kept = np.zeros_like(full.rating)
        kept[~held_out] = weighting.values(row, len(rows), rating)
        return held_out_ndcg(
            *full,
            kept,
            self._relevant[first:last],
            self._weight[block],
            self._kept_weight[block],
            precision.product(full),
            precision.product(full._replace(rating=kept)),
            precision.diagonal,
            popularity,
            exponents,
            _N,
            self._threads,
        )


def _by_user(ratings: Ratings, values: NDArray[np.generic]) -> Csr:
    """Return values that belong to the ratings, grouped by user."""
    return group(ratings.user, ratings.users.height, ratings.item, values.astype(np.float32))


def _random_ranks(ratings: Ratings, seed: int) -> Csr:
    """Return the place of each entry in a random order of its user's entries, from 0."""
    grouped = ratings.by_user()
    order = permutation(seed, _random_streams.HOLD_OUT, len(ratings))
    # A stable sort by user of the entries in random order puts each user's in random order.
    shuffled = order[np.argsort(grouped.row[order], kind="stable")]
    rank = np.empty(len(ratings), dtype=np.float32)
    rank[shuffled] = np.arange(len(ratings)) - grouped.starts[grouped.row[shuffled]]
    return grouped._replace(rating=rank)


def _is_held_out(rank: Csr, number: NDArray[np.int64], part: int | NDArray[np.int64]) -> Any:
    return (rank.rating >= part * number) & (rank.rating < (part + 1) * number)
