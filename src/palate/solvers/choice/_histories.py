"""Histories with their weights: what the choice model learns from."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate.data._ratings import Csr, Ratings, group
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

    def popularity(self) -> NDArray[np.float32]:
        """Return the diagonal of X' W X; shape (items,)."""
        terms = self.weight[self.by_item.partner].astype(np.float64) * self.by_item.rating**2
        sums = np.bincount(self.by_item.row, weights=terms, minlength=len(self.by_item.starts) - 1)
        popularity: NDArray[np.float32] = sums.astype(np.float32)
        return popularity


def user_weights(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the weight of users with these numbers of entries; see `Histories`."""
    weight = np.where(counts > 0, np.maximum(counts, 1) ** -0.5, 0)
    scaled: NDArray[np.float32] = (weight * counts.sum() / (weight @ counts)).astype(np.float32)
    return scaled


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
        return HistoryWeighting("events", 0.0, 1.0, 0.0)
    values = graded(ratings.kind, ratings.rating)
    mean, sd = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    return HistoryWeighting(ratings.kind, mean, sd or 1.0, strength if sd > 0 else 0.0)
