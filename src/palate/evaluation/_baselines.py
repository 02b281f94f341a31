"""What a solver must beat: three baselines, each fitted on the same ratings."""

import numpy as np
from numpy.typing import NDArray

from palate import _native
from palate.data._ratings import Ratings

# Shrinkage of items and of users: Koren and Bell, "Advances in collaborative filtering" (in the
# Recommender Systems Handbook, 2011), section 5.2.1, where the two are 25 and 10.
_ITEM_DAMPING, _USER_DAMPING = 25.0, 10.0


class GlobalMean:
    """Predicts the mean of all ratings."""

    name = "global-mean"
    items = None

    def __init__(self, ratings: Ratings) -> None:
        self.mean = float(ratings.rating.mean(dtype=np.float64))

    def predict(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the expected ratings of pairs of rows; shape (n,)."""
        return np.full(len(user), self.mean)


class DampedMeans:
    """Predicts mu + b_i + b_u, the means of what is left of the ratings, drawn towards 0.

    b_i = sum_u (r_ui - mu) / (25 + n_i), then b_u = sum_i (r_ui - mu - b_i) / (10 + n_u).
    """

    name = "damped-means"

    def __init__(self, ratings: Ratings) -> None:
        self.mean = float(ratings.rating.mean(dtype=np.float64))
        left = ratings.rating.astype(np.float64) - self.mean
        self.items = _damped(left, ratings.item, ratings.items.height, _ITEM_DAMPING)
        left -= self.items[ratings.item]
        self.users = _damped(left, ratings.user, ratings.users.height, _USER_DAMPING)

    def predict(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the expected ratings of pairs of rows; shape (n,)."""
        expected: NDArray[np.float64] = self.mean + self.items[item] + self.users[user]
        return expected


class Popularity:
    """Recommends what has most ratings; predicts none."""

    name = "popularity"
    predict = None

    def __init__(self, ratings: Ratings) -> None:
        self.items = np.bincount(ratings.item, minlength=ratings.items.height).astype(np.float64)


BASELINES = (GlobalMean, DampedMeans, Popularity)


def top_rows(
    scores: NDArray[np.float64], seen: Ratings, allowed: NDArray[np.bool_], n: int, threads: int
) -> NDArray[np.int32]:
    """Return for each user the items with the highest scores, but for those that they have seen."""
    csr = seen.by_user()
    users = np.zeros((seen.users.height, 2), dtype=np.float32)
    items = np.c_[np.zeros(len(scores)), scores].astype(np.float32)
    rows: NDArray[np.int32] = _native.top_n(
        users, items, csr.starts, csr.partner, allowed, n, threads
    )[0]
    return rows


def _damped(
    left: NDArray[np.float64], row: NDArray[np.int32], rows: int, damping: float
) -> NDArray[np.float64]:
    means: NDArray[np.float64] = np.bincount(row, weights=left, minlength=rows) / (
        damping + np.bincount(row, minlength=rows)
    )
    return means
