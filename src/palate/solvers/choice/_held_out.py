"""Which users a hold-out measures, and which entries of their histories are held out."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate._native import group_by_row
from palate.data._ratings import Csr

# Maximum numbers of histories, and of the scores that are ranked for each setting; but a thousand
# histories are needed.
_MAX_HISTORIES, _MAX_RANKED, _MIN_HISTORIES = 4000, 1 << 30, 1000
# The fraction of a history that is held out.
_SHARE = 0.2
_PARTS = 2


def histories_to_measure(items: int) -> int:
    """Return the maximum number of histories of a hold-out."""
    return max(_MIN_HISTORIES, min(_MAX_HISTORIES, _MAX_RANKED // items))


def parts_of(*, virtual: bool) -> range:
    """Return the parts of each history that are held out, one after the other."""
    return range(_PARTS if virtual else 1)


class HeldOut(NamedTuple):
    """Histories with some entries held out.

    Attributes
    ----------
    users
        The number of the user of each history; shape (n,). In a virtual hold-out it may repeat.
    histories
        All entries of these users.
    held_out, relevant
        Whether an entry is held out, and whether it is relevant, too; shape (entries,).
    """

    users: NDArray[np.int64]
    histories: Csr
    held_out: NDArray[np.bool_]
    relevant: NDArray[np.bool_]

    def take(self, rows: NDArray[np.int64]) -> "HeldOut":
        """Return the histories at some rows, in that order."""
        entries = self.histories.entries(rows)
        return HeldOut(
            self.users[rows],
            self.histories.take(rows),
            self.held_out[entries],
            self.relevant[entries],
        )


class RandomOrder(NamedTuple):
    """Histories of consecutive users whose entries are in a random order.

    Attributes
    ----------
    histories
        The entries by user.
    place
        The place of each entry in a random order of its user's entries, from 0; shape (entries,).
    """

    histories: Csr
    place: NDArray[np.float32]

    @classmethod
    def of(cls, histories: Csr, order: NDArray[np.int64]) -> "RandomOrder":
        """Return the histories in a random order of all entries."""
        # A stable grouping by user of the entries in random order puts each user's in random order.
        row, n = histories.row, len(histories.starts) - 1
        shuffled = order[group_by_row(row[order], n)[1]]
        place = np.empty(len(order), dtype=np.float32)
        place[shuffled] = np.arange(len(order)) - histories.starts[row[shuffled]]
        return cls(histories, place)

    def eligible(self, part: int, lowest: float | None) -> NDArray[np.int64]:
        """Return the users of whom something relevant would be held out, and something is kept."""
        counts, row = self.histories.counts, self.histories.row
        number = _number(counts)
        held_out = self._is_held_out(self.place, number[row], part)
        hits = np.bincount(row[held_out & self._relevant(lowest)], minlength=len(counts))
        return np.flatnonzero((hits > 0) & (counts > number))

    def held_out(
        self, users: NDArray[np.int64], parts: NDArray[np.int64], lowest: float | None
    ) -> HeldOut:
        """Return the histories of users, with a part of each held out."""
        entries, histories = self.histories.entries(users), self.histories.take(users)
        row = histories.row
        held_out = self._is_held_out(
            self.place[entries], _number(histories.counts)[row], parts[row]
        )
        return HeldOut(users, histories, held_out, held_out & self._relevant(lowest)[entries])

    def _relevant(self, lowest: float | None) -> NDArray[np.bool_]:
        relevant: NDArray[np.bool_] = self.histories.rating >= (
            -np.inf if lowest is None else lowest
        )
        return relevant

    @staticmethod
    def _is_held_out(
        place: NDArray[np.float32], number: NDArray[np.int64], part: int | NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        held_out: NDArray[np.bool_] = (place >= part * number) & (place < (part + 1) * number)
        return held_out


def _number(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many entries of a history of each length are held out."""
    number: NDArray[np.int64] = np.maximum(1, np.rint(_SHARE * counts)).astype(np.int64)
    return number
