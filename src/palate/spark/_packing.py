"""The ratings of a block of users, or of items, as arrays in one row of a table."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from safetensors.numpy import load, save

from palate.data._ratings import Csr, group

Arrays = dict[str, NDArray[Any]]


class Plan(NamedTuple):
    """Which users and items are in which block.

    Attributes
    ----------
    users, items
        The number of the first user, and of the first item, of each block, and the end; shape
        (blocks + 1,).
    ratings
        The number of the first rating of the users of each block, and the end; shape (blocks + 1,).
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    ratings: NDArray[np.int64]

    @property
    def blocks(self) -> int:
        """The number of blocks on each side."""
        return len(self.users) - 1


def same(block: int) -> int:
    """Return the partition of a block: all RDDs have block b in partition b."""
    return block


def to_bytes(arrays: Arrays) -> bytes:
    """Return arrays as bytes, in the format safetensors."""
    return save({name: np.asarray(array, order="C") for name, array in arrays.items()})


def from_bytes(data: bytes) -> Arrays:
    """Return arrays that `to_bytes` was given."""
    return load(bytes(data))


def packed_users(table: pa.Table, plan: Plan) -> pa.Table:
    """Return the ratings of a block of users as one row; runs in an executor.

    The row has the block, its ratings grouped by user, how many each user has, and what each block
    of items needs of it: `own`, its users with ratings of these items, those of block b at
    ``bounds[b]``.
    """
    block = int(table["block"][0].as_py())
    first, end = plan.users[block : block + 2].tolist()
    user, item = table["user"].to_numpy(), table["item"].to_numpy()
    order = np.lexsort((item, user))
    rows = (user[order] - first).astype(np.int32)
    item = item[order].astype(np.int32)
    ratings = group(rows, end - first, item, table["rating"].to_numpy()[order])
    block_of = np.searchsorted(plan.items, item, side="right") - 1
    pairs = np.unique(block_of * (end - first) + rows)
    bounds = np.searchsorted(pairs, np.arange(plan.blocks + 1) * (end - first))
    needs = {"own": (pairs % (end - first)).astype(np.int32), "bounds": bounds.astype(np.int64)}
    return _row(block, ratings._asdict(), {"counts": ratings.counts}, needs)


def packed_items(table: pa.Table, plan: Plan) -> pa.Table:
    """Return the ratings of a block of items as one row; runs in an executor.

    The row has the block, and its ratings grouped by item, whose partners are places among the
    users that have rated any of the items, in the order of their numbers.
    """
    block = int(table["block"][0].as_py())
    first, end = plan.items[block : block + 2].tolist()
    user, item = table["user"].to_numpy(), table["item"].to_numpy()
    order = np.lexsort((user, item))
    partner = np.unique(user[order], return_inverse=True)[1]
    rows = (item[order] - first).astype(np.int32)
    ratings = group(rows, end - first, partner.astype(np.int32), table["rating"].to_numpy()[order])
    return _row(block, ratings._asdict())


def packed_known(block: int, known: NDArray[np.float32]) -> pa.Table:
    """Return the known features of a block of users as one row, beside that of their ratings."""
    return _row(block, {"known": known})


def csr(arrays: Arrays) -> Csr:
    """Return the ratings of a packed row."""
    return Csr(*(arrays[name] for name in Csr._fields))


PACKED = "block int, ratings binary, counts binary, needs binary"


def _row(
    block: int, ratings: Arrays, counts: Arrays | None = None, needs: Arrays | None = None
) -> pa.Table:
    parts = {"ratings": ratings, "counts": counts or {}, "needs": needs or {}}
    packed = {name: pa.array([to_bytes(part)], pa.binary()) for name, part in parts.items()}
    return pa.table({"block": pa.array([block], pa.int32()), **packed})


def stacked(parts: list[Csr]) -> Csr:
    """Return the rows of one part after those of another."""
    counts = np.concatenate([part.counts for part in parts])
    return Csr(
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate([part.partner for part in parts]),
        np.concatenate([part.rating for part in parts]),
    )
