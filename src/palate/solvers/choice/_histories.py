"""Histories with their weights: what the choice model learns from."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate._native import CancelToken, co_occurrences, largest_co_occurrences, multiply
from palate.data._ratings import Csr, Kind, Ratings, group
from palate.learned._choice import HistoryWeighting, graded


class Histories(NamedTuple):
    """The matrix X of users and items, and the weights W of users.

    Attributes
    ----------
    by_user, by_item
        X by rows and by columns, with x in place of the ratings.
    weight
        w_u, proportional to n_u^-1/2 where n_u is the number of entries, with a mean of 1 over all
        entries; shape (users,). 0 for users without entries.
    """

    by_user: Csr
    by_item: Csr
    weight: NDArray[np.float32]

    @classmethod
    def of(cls, ratings: Ratings, weighting: HistoryWeighting) -> "Histories":
        """Return the histories of `ratings`, weighted."""
        users, items = ratings.users.height, ratings.items.height
        values = weighting.values(ratings.user, users, ratings.rating)
        by_user = group(ratings.user, users, ratings.item, values)
        by_item = group(ratings.item, items, ratings.user, values)
        return cls(by_user, by_item, user_weights(by_user.counts))

    @property
    def users(self) -> int:
        """The number of users."""
        return len(self.weight)

    @property
    def items(self) -> int:
        """The number of items."""
        return len(self.by_item.starts) - 1

    def popularity(self) -> NDArray[np.float32]:
        """Return the diagonal of X' W X; shape (items,)."""
        popularity: NDArray[np.float32] = self.popularity_sums().astype(np.float32)
        return popularity

    def popularity_sums(self) -> NDArray[np.float64]:
        """Return the same in double precision, as it is added up."""
        terms = self.weight[self.by_item.partner].astype(np.float64) * self.by_item.rating**2
        sums = np.bincount(self.by_item.row, weights=terms, minlength=self.items)
        return sums.astype(np.float64, copy=False)

    def co_occurrences(
        self, threads: int, cancel: CancelToken | None = None, width: int = 0
    ) -> NDArray[np.float32]:
        """Return X' W X, of which there are the rows of the items in `by_item` and all columns.

        These are `width`, if `by_item` has not all items.
        """
        return co_occurrences(
            *self.by_item, *self.by_user, self.weight, threads, cancel, width=width
        )

    def largest_co_occurrences(
        self,
        scale: NDArray[np.float32],
        most: int,
        threads: int,
        cancel: CancelToken | None = None,
        first: int = 0,
    ) -> Csr:
        """Return the largest entries of S X' W X S in each row, but for the diagonal.

        `scale` is the diagonal of S, shape (items,); a row has at most `most` entries. The items of
        `by_item` may be only some of them, from number `first` on.
        """
        others, values, counts = largest_co_occurrences(
            *self.by_item, *self.by_user, self.weight, scale, most, threads, cancel, first=first
        )
        listed = np.arange(most) < counts[:, None]
        starts = np.concatenate([[0], np.cumsum(counts)])
        return Csr(starts, others[listed], values[listed])

    def scaled_product(
        self, scale: NDArray[np.float32], threads: int, cancel: CancelToken | None = None
    ) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """Return a function that returns S X' W X S B for a matrix B; see above for S."""
        by_user, by_item, root = self.by_user, self.by_item, np.sqrt(self.weight)
        rows = by_user._replace(rating=by_user.rating * root[by_user.row] * scale[by_user.partner])
        columns = by_item._replace(
            rating=by_item.rating * root[by_item.partner] * scale[by_item.row]
        )

        def product(basis: NDArray[np.float32]) -> NDArray[np.float32]:
            image = multiply(*rows, basis, threads, cancel)
            return multiply(*columns, image, threads, cancel)

        return product


class WeightSums(NamedTuple):
    """What the weights of users are scaled by: the sums of n_u, and of n_u^1/2, over all users."""

    entries: int
    roots: float

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> "WeightSums":
        """Return the sums of users with these numbers of entries."""
        return cls(int(counts.sum()), float(_inverse_roots(counts) @ counts))

    def weights(self, counts: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the weight of users with these numbers of entries; see `Histories`."""
        scaled: NDArray[np.float32] = (_inverse_roots(counts) * self.entries / self.roots).astype(
            np.float32
        )
        return scaled


def _inverse_roots(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    roots: NDArray[np.float64] = np.where(counts > 0, np.maximum(counts, 1) ** -0.5, 0)
    return roots


def user_weights(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the weight of users with these numbers of entries; see `Histories`."""
    return WeightSums.of(counts).weights(counts)


def ridge_shape(popularity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return R = (d D)^1/2 for the diagonal D of X' W X with the mean d; shape (items,).

    The ridge grows with the square root of an item's popularity. Items that nobody has are
    connected with no other; they get the mean.
    """
    positive = popularity > 0
    mean = popularity[positive].mean(dtype=np.float64)
    shape: NDArray[np.float32] = np.sqrt(np.where(positive, popularity, mean) * mean).astype(
        np.float32
    )
    return shape


def weighting_of(ratings: Ratings, strength: float) -> HistoryWeighting:
    """Return the weighting of `ratings`, which ignores events' values and equal ratings."""
    if ratings.kind == "events":
        return weighting_with("events", 0.0, 0.0, strength)
    values = graded(ratings.kind, ratings.rating)
    mean, sd = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    return weighting_with(ratings.kind, mean, sd, strength)


def weighting_with(kind: Kind, mean: float, sd: float, strength: float) -> HistoryWeighting:
    """Return the weighting of ratings or counts with this mean and standard deviation."""
    return HistoryWeighting(kind, mean, sd or 1.0, strength if sd > 0 else 0.0)
