"""Baselines to compare solvers with, fitted to the same ratings."""

from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from palate._native import top_n
from palate.data._ratings import Ratings
from palate.evaluation._item_neighbours import ItemNeighbours

# Damping of items and of users: Koren and Bell, "Advances in collaborative filtering" (in the
# Recommender Systems Handbook, 2011), section 5.2.1, where the two are 25 and 10.
_ITEM_DAMPING, _USER_DAMPING = 25.0, 10.0


class Baseline(Protocol):
    """A baseline, fitted to ratings. People are known by the ratings that are given of them.

    Attributes
    ----------
    name, title
        Its name, and its title within a sentence.
    needs_ratings
        Whether it says nothing about events that have no ratings.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    needs_ratings: ClassVar[bool]

    @classmethod
    def of(cls, train: Ratings) -> Self:
        """Return the baseline, fitted to these ratings."""

    def predict(
        self, given: Ratings, user: NDArray[np.int32], item: NDArray[np.int32]
    ) -> NDArray[np.float64] | None:
        """Return the expected ratings of pairs of rows, shape (n,); None if it makes none."""

    def top_items(
        self, given: Ratings, eligible: NDArray[np.bool_], n: int, threads: int
    ) -> NDArray[np.int32] | None:
        """Return the best n unseen items of each person, -1 for none; None if it makes no lists.

        The shape is (people, n); an item is unseen if it is not among those given.
        """


@dataclass(frozen=True, eq=False)
class GlobalMean:
    """Predicts the mean of all ratings."""

    name: ClassVar[str] = "global-mean"
    title: ClassVar[str] = "the global mean"
    needs_ratings: ClassVar[bool] = True

    mean: float

    @classmethod
    def of(cls, train: Ratings) -> Self:
        """Return the baseline, fitted to these ratings."""
        return cls(float(train.rating.mean(dtype=np.float64)))

    def predict(
        self, given: Ratings, user: NDArray[np.int32], item: NDArray[np.int32]
    ) -> NDArray[np.float64] | None:
        """Return the expected ratings of pairs of rows; shape (n,)."""
        return np.full(len(user), self.mean)

    def top_items(
        self, given: Ratings, eligible: NDArray[np.bool_], n: int, threads: int
    ) -> NDArray[np.int32] | None:
        """Return None: to the global mean all items are equal."""
        return None


@dataclass(frozen=True, eq=False)
class DampedMeans:
    """Predicts mu + b_i + b_u, damped means of the residuals; recommends by b_i.

    b_i = sum_u (r_ui - mu) / (25 + n_i), then b_u = sum_i (r_ui - mu - b_i) / (10 + n_u).
    """

    name: ClassVar[str] = "damped-means"
    title: ClassVar[str] = "damped means of items and users"
    needs_ratings: ClassVar[bool] = True

    mean: float
    items: NDArray[np.float64]

    @classmethod
    def of(cls, train: Ratings) -> Self:
        """Return the baseline, fitted to these ratings."""
        items = train.items.height
        sums = np.bincount(train.item, weights=train.rating, minlength=items).astype(np.float64)
        return cls.of_sums(sums, np.bincount(train.item, minlength=items))

    @classmethod
    def of_sums(cls, sums: NDArray[np.float64], counts: NDArray[np.int64]) -> Self:
        """Return the baseline, from the sum and the number of each item's ratings."""
        mean = float(sums.sum() / counts.sum())
        return cls(mean, (sums - counts * mean) / (_ITEM_DAMPING + counts))

    def predict(
        self, given: Ratings, user: NDArray[np.int32], item: NDArray[np.int32]
    ) -> NDArray[np.float64] | None:
        """Return the expected ratings of pairs of rows; shape (n,)."""
        residual = given.rating - self.mean - self.items[given.item]
        users = _damped_means(residual, given.user, given.users.height, _USER_DAMPING)
        expected: NDArray[np.float64] = self.mean + self.items[item] + users[user]
        return expected

    def top_items(
        self, given: Ratings, eligible: NDArray[np.bool_], n: int, threads: int
    ) -> NDArray[np.int32] | None:
        """Return the unseen items with the highest b_i; shape (people, n)."""
        return _same_order_for_all(self.items, given, eligible, n, threads)


@dataclass(frozen=True, eq=False)
class Popularity:
    """Recommends the items with the most ratings; predicts no ratings."""

    name: ClassVar[str] = "popularity"
    title: ClassVar[str] = "popularity"
    needs_ratings: ClassVar[bool] = False

    counts: NDArray[np.int64]

    @classmethod
    def of(cls, train: Ratings) -> Self:
        """Return the baseline, fitted to these ratings."""
        return cls(np.bincount(train.item, minlength=train.items.height))

    def predict(
        self, given: Ratings, user: NDArray[np.int32], item: NDArray[np.int32]
    ) -> NDArray[np.float64] | None:
        """Return None: popularity does not predict ratings."""
        return None

    def top_items(
        self, given: Ratings, eligible: NDArray[np.bool_], n: int, threads: int
    ) -> NDArray[np.int32] | None:
        """Return the unseen items with the most ratings; shape (people, n)."""
        return _same_order_for_all(self.counts, given, eligible, n, threads)


BASELINES: tuple[type[Baseline], ...] = (GlobalMean, DampedMeans, Popularity, ItemNeighbours)


def _same_order_for_all(
    scores: NDArray[np.number], given: Ratings, eligible: NDArray[np.bool_], n: int, threads: int
) -> NDArray[np.int32]:
    grouped = given.by_user()
    users = np.zeros((given.users.height, 2), dtype=np.float32)
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
