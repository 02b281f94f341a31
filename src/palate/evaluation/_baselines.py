"""Baselines to compare solvers with, fitted to the same ratings."""

from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from palate._native import top_n
from palate.data._ratings import Ratings

# Damping of items and of users: Koren and Bell, "Advances in collaborative filtering" (in the
# Recommender Systems Handbook, 2011), section 5.2.1, where the two are 25 and 10.
_ITEM_DAMPING, _USER_DAMPING = 25.0, 10.0


class Baseline(Protocol):
    """A baseline, fitted to ratings.

    Attributes
    ----------
    name, title
        Its name, and its title for tables and prose.
    item_scores
        The scores by which items are recommended to every user; shape (items,). None if it makes
        no lists.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    item_scores: NDArray[np.float64] | None

    def __init__(self, ratings: Ratings) -> None: ...

    def predict(
        self, user: NDArray[np.int32], item: NDArray[np.int32]
    ) -> NDArray[np.float64] | None:
        """Return the expected ratings of pairs of rows, shape (n,); None if it makes none."""


class GlobalMean:
    """Predicts the mean of all ratings."""

    name: ClassVar[str] = "global-mean"
    title: ClassVar[str] = "Global mean"

    def __init__(self, ratings: Ratings) -> None:
        self.mean = float(ratings.rating.mean(dtype=np.float64))
        self.item_scores: NDArray[np.float64] | None = None

    def predict(
        self, user: NDArray[np.int32], item: NDArray[np.int32]
    ) -> NDArray[np.float64] | None:
        """Return the expected ratings of pairs of rows; shape (n,)."""
        return np.full(len(user), self.mean)


class DampedMeans:
    """Predicts mu + b_i + b_u, damped means of the residuals.

    b_i = sum_u (r_ui - mu) / (25 + n_i), then b_u = sum_i (r_ui - mu - b_i) / (10 + n_u).
    """

    name: ClassVar[str] = "damped-means"
    title: ClassVar[str] = "Damped means of items and users"

    def __init__(self, ratings: Ratings) -> None:
        self.mean = float(ratings.rating.mean(dtype=np.float64))
        residual = ratings.rating.astype(np.float64) - self.mean
        items = _damped_means(residual, ratings.item, ratings.items.height, _ITEM_DAMPING)
        residual -= items[ratings.item]
        self.users = _damped_means(residual, ratings.user, ratings.users.height, _USER_DAMPING)
        self.items = items
        self.item_scores: NDArray[np.float64] | None = items

    def predict(
        self, user: NDArray[np.int32], item: NDArray[np.int32]
    ) -> NDArray[np.float64] | None:
        """Return the expected ratings of pairs of rows; shape (n,)."""
        expected: NDArray[np.float64] = self.mean + self.items[item] + self.users[user]
        return expected


class Popularity:
    """Recommends the items with the most ratings; predicts no ratings."""

    name: ClassVar[str] = "popularity"
    title: ClassVar[str] = "Most rated items first"

    def __init__(self, ratings: Ratings) -> None:
        counts = np.bincount(ratings.item, minlength=ratings.items.height)
        self.item_scores: NDArray[np.float64] | None = counts.astype(np.float64)

    def predict(
        self, user: NDArray[np.int32], item: NDArray[np.int32]
    ) -> NDArray[np.float64] | None:
        """Return None: popularity does not predict ratings."""
        return None


BASELINES: tuple[type[Baseline], ...] = (GlobalMean, DampedMeans, Popularity)


def top_items(
    scores: NDArray[np.float64], seen: Ratings, eligible: NDArray[np.bool_], n: int, threads: int
) -> NDArray[np.int32]:
    """Return for each user the n unseen items with the highest scores; shape (users, n)."""
    grouped = seen.by_user()
    users = np.zeros((seen.users.height, 2), dtype=np.float32)
    items = np.c_[np.zeros(len(scores)), scores].astype(np.float32)
    rows: NDArray[np.int32] = top_n(
        users, items, grouped.starts, grouped.partner, eligible, n, threads
    )[0]
    return rows


def _damped_means(
    residual: NDArray[np.float64], row: NDArray[np.int32], rows: int, damping: float
) -> NDArray[np.float64]:
    means: NDArray[np.float64] = np.bincount(row, weights=residual, minlength=rows) / (
        damping + np.bincount(row, minlength=rows)
    )
    return means
