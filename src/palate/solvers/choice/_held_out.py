"""Which users a hold-out measures, and which entries of their histories are held out."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
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


class Candidates(NamedTuple):
    """Users who can be measured, and their random keys; shape (n,)."""

    users: NDArray[np.int64]
    keys: NDArray[np.float32]


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


class Drawing:
    """Draws what is held out of a block of consecutive users.

    A random number belongs to the number of a user, or to that of an entry among all entries by
    user and item, so it is the same however users are divided into blocks, and in whatever order
    their entries were read.

    Parameters
    ----------
    histories
        The entries by user, those of each user in ascending order of items.
    first_user, first_entry
        The numbers of the first user, and of the first entry.
    seed
        As of `Choice`.
    lowest
        The lowest relevant rating; None where everything is relevant.
    """

    def __init__(
        self, histories: Csr, first_user: int, first_entry: int, *, seed: int, lowest: float | None
    ) -> None:
        self._histories, self._first_user, self._seed = histories, first_user, seed
        self._place = self._random_places(first_entry)
        self._relevant = histories.rating >= (-np.inf if lowest is None else lowest)

    def _random_places(self, first_entry: int) -> NDArray[np.float32]:
        """Return the place of each entry in a random order of its user's entries, from 0."""
        histories, n = self._histories, len(self._histories.partner)
        keys = self._numbers(_random_streams.HOLD_OUT, first_entry, n)
        order, row = np.argsort(keys, kind="stable"), histories.row
        # A stable grouping by user of the entries in random order puts each user's in random order.
        shuffled = order[group_by_row(row[order], len(histories.starts) - 1)[1]]
        place = np.empty(n, dtype=np.float32)
        place[shuffled] = np.arange(n) - histories.starts[row[shuffled]]
        return place

    def candidates(self, part: int, most: int) -> Candidates:
        """Return the users of whom a part can be held out, at most `most` with the lowest keys.

        Something relevant of them would be held out, and something is kept.
        """
        counts, row = self._histories.counts, self._histories.row
        number = _number(counts)
        held_out = _is_held_out(self._place, number[row], part)
        hits = np.bincount(row[held_out & self._relevant], minlength=len(counts))
        users = np.flatnonzero((hits > 0) & (counts > number))
        stream = _random_streams.HOLD_OUT + 1 + part
        keys = self._numbers(stream, self._first_user, len(counts))[users]
        lowest = np.argsort(keys, kind="stable")[:most]
        return Candidates(users[lowest] + self._first_user, keys[lowest])

    def held_out(self, users: NDArray[np.int64], parts: NDArray[np.int64]) -> HeldOut:
        """Return the histories of users of the block, with a part of each held out."""
        rows = users - self._first_user
        entries, histories = self._histories.entries(rows), self._histories.take(rows)
        row = histories.row
        held_out = _is_held_out(self._place[entries], _number(histories.counts)[row], parts[row])
        return HeldOut(users, histories, held_out, held_out & self._relevant[entries])

    def _numbers(self, stream: int, first: int, n: int) -> NDArray[np.float32]:
        return _random_streams.normals_of_rows(self._seed, stream, first, n, 1)[:, 0]


def chosen(
    candidates: list[list[Candidates]], parts: range, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the users that are measured, and which part of each; shape (n,), n at most `most`.

    The first part of as many as possible comes first, those with the lowest keys before others.

    Parameters
    ----------
    candidates
        For each block, those of each part.
    parts, most
        See `parts_of` and `histories_to_measure`.
    """
    found = [(part, of_block[part]) for of_block in candidates for part in parts]
    part_of = np.concatenate([np.full(len(some.users), part) for part, some in found])
    users, keys = (
        np.concatenate(columns) for columns in zip(*(some for _, some in found), strict=True)
    )
    first = np.lexsort((users, keys, part_of))[:most]
    return users[first], part_of[first]


def _is_held_out(
    place: NDArray[np.float32], number: NDArray[np.int64], part: int | NDArray[np.int64]
) -> NDArray[np.bool_]:
    held_out: NDArray[np.bool_] = (place >= part * number) & (place < (part + 1) * number)
    return held_out


def _number(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many entries of a history of each length are held out."""
    number: NDArray[np.int64] = np.maximum(1, np.rint(_SHARE * counts)).astype(np.int64)
    return number
