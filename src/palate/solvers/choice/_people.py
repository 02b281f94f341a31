"""The people of a choice model's fit: on this machine, or in blocks elsewhere."""

from collections.abc import Callable
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from palate._native import CancelToken, group_by_row
from palate.data._ratings import Csr, Ratings
from palate.learned._choice import HistoryWeighting
from palate.learned._learned import Learned
from palate.solvers.choice._held_out import (
    Drawing,
    HeldOut,
    chosen,
    histories_to_measure,
    parts_of,
)
from palate.solvers.choice._histories import Histories, WeightSums, weighting_of

Product = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class WeightedHistories(Protocol):
    """The matrix X of users and items, and the weights W of users; see `Histories`."""

    @property
    def users(self) -> int:
        """The number of users."""

    def popularity(self) -> NDArray[np.float32]:
        """Return the diagonal of X' W X; shape (items,)."""

    def co_occurrences(self, threads: int, cancel: CancelToken) -> NDArray[np.float32]:
        """Return X' W X; shape (items, items)."""

    def largest_co_occurrences(
        self, scale: NDArray[np.float32], most: int, threads: int, cancel: CancelToken
    ) -> Csr:
        """Return the largest entries of S X' W X S in each row, but for the diagonal.

        `scale` is the diagonal of S, shape (items,); a row has at most `most` entries.
        """

    def scaled_product(
        self, scale: NDArray[np.float32], threads: int, cancel: CancelToken
    ) -> Product:
        """Return a function that returns S X' W X S B for a matrix B; see above for S."""


class People(Protocol):
    """The people of a fit and their histories."""

    @property
    def items(self) -> int:
        """The number of items."""

    def weighting(self, strength: float) -> HistoryWeighting:
        """Return the weighting of histories in which ratings have this strength."""

    def histories(self, weighting: HistoryWeighting) -> WeightedHistories:
        """Return the histories, weighted."""

    def weight_sums(self) -> WeightSums:
        """Return what the weights of people are scaled by."""

    def hold_out(self, seed: int, *, virtual: bool) -> HeldOut:
        """Return random histories with random entries held out.

        Of each history a fifth is held out. In a virtual hold-out from a small table other fifths
        follow, as further histories, since few users would be too noisy.
        """

    def without(self, held_out: HeldOut) -> "People":
        """Return the same people without the entries that are held out."""

    def known(self, users: NDArray[np.int64], rating: Learned) -> NDArray[np.float32] | None:
        """Return the known features of some people, for a rating model; None without any."""


class LocalPeople:
    """All people, in the memory of this process."""

    def __init__(self, ratings: Ratings) -> None:
        self._ratings = ratings

    @property
    def items(self) -> int:
        """The number of items."""
        return self._ratings.items.height

    def weighting(self, strength: float) -> HistoryWeighting:
        """Return the weighting of histories; see `People`."""
        return weighting_of(self._ratings, strength)

    def histories(self, weighting: HistoryWeighting) -> Histories:
        """Return the histories, weighted."""
        return Histories.of(self._ratings, weighting)

    def weight_sums(self) -> WeightSums:
        """Return what the weights of people are scaled by."""
        counts = np.bincount(self._ratings.user, minlength=self._ratings.users.height)
        return WeightSums.of(counts)

    def hold_out(self, seed: int, *, virtual: bool) -> HeldOut:
        """Return random histories with random entries held out; see `People`."""
        lowest, order = self._ratings.lowest_relevant, self._order
        histories = Csr(
            self._ratings.by_user().starts, self._ratings.item[order], self._ratings.rating[order]
        )
        drawing = Drawing(histories, 0, 0, seed=seed, lowest=lowest)
        parts, most = parts_of(virtual=virtual), histories_to_measure(self.items)
        return drawing.held_out(
            *chosen([[drawing.candidates(part, most) for part in parts]], parts, most)
        )

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """The rows of the table by user and item."""
        by_item = group_by_row(self._ratings.item, self.items)[1]
        users = self._ratings.users.height
        order: NDArray[np.int64] = by_item[group_by_row(self._ratings.user[by_item], users)[1]]
        return order

    def without(self, held_out: HeldOut) -> "LocalPeople":
        """Return the same people without the entries that are held out."""
        entries = self._ratings.by_user().entries(held_out.users)[held_out.held_out]
        kept = np.ones(len(self._ratings), dtype=np.bool_)
        kept[self._order[entries]] = False
        return LocalPeople(self._ratings.take(kept))

    def known(self, users: NDArray[np.int64], rating: Learned) -> NDArray[np.float32] | None:
        """Return the known features of some people; see `People`."""
        known = rating.known_of_users
        return None if known is None else known[users]
