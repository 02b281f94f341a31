"""The people of a choice model's fit: on this machine, or in blocks elsewhere."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
from palate._native import CancelToken, permutation
from palate.data._ratings import Csr, Ratings, group
from palate.learned._choice import HistoryWeighting
from palate.learned._learned import Learned
from palate.solvers.choice._held_out import HeldOut, RandomOrder, histories_to_measure, parts_of
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
        by_user, lowest = self._ratings.by_user(), self._ratings.lowest_relevant
        order = permutation(seed, _random_streams.HOLD_OUT, len(self._ratings))
        drawn = RandomOrder.of(by_user, order)
        users, parts = [], []
        for part in parts_of(virtual=virtual):
            eligible = drawn.eligible(part, lowest)
            stream = _random_streams.HOLD_OUT + 1 + part
            users.append(eligible[permutation(seed, stream, len(eligible))])
            parts.append(np.full(len(eligible), part))
        most = histories_to_measure(self.items)
        return drawn.held_out(np.concatenate(users)[:most], np.concatenate(parts)[:most], lowest)

    def without(self, held_out: HeldOut) -> "LocalPeople":
        """Return the same people without the entries that are held out."""
        entry = group(
            self._ratings.user,
            self._ratings.users.height,
            np.arange(len(self._ratings), dtype=np.int32),
            self._ratings.rating,
        )
        kept = np.ones(len(self._ratings), dtype=np.bool_)
        kept[entry.partner[entry.entries(held_out.users)[held_out.held_out]]] = False
        return LocalPeople(self._ratings.take(kept))

    def known(self, users: NDArray[np.int64], rating: Learned) -> NDArray[np.float32] | None:
        """Return the known features of some people; see `People`."""
        known = rating.known_of_users
        return None if known is None else known[users]
