"""From a Spark DataFrame to packed ratings in files, and from these to blocks in executors."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import RDD, StorageLevel
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from palate.data._ratings import Csr
from palate.spark._checks import ITEM, RATING, USER
from palate.spark._failures import SPARK_ERRORS
from palate.spark._known_users import KnownUsers
from palate.spark._numbering import (
    BLOCK,
    NUMBER,
    RATED,
    Items,
    bounds_of,
    numbered_users,
)
from palate.spark._packing import (
    PACKED,
    Arrays,
    Plan,
    csr,
    from_bytes,
    packed_items,
    packed_users,
    same,
)
from palate.spark._people import Placed

_USERS, _BY_USER, _BY_ITEM = "users", "by-user", "by-item"


class Placing(NamedTuple):
    """Where the files of a fit are.

    Attributes
    ----------
    spark
        The session.
    folder
        A folder that all executors can read and write, as a path or a URL.
    """

    spark: SparkSession
    folder: str

    def path(self, name: str) -> str:
        """Return the path of a file or a folder of the fit."""
        return f"{self.folder.rstrip('/')}/{name}"

    def write(self, ratings: DataFrame, items: Items, known: KnownUsers, blocks: int) -> Plan:
        """Write the ratings, packed in blocks of users and of items, and the numbers of users.

        Parameters
        ----------
        ratings
            Columns user, item and rating; those that are null are left out.
        items
            Their items.
        known
            What is known of the users.
        blocks
            The number of blocks on each side.
        """
        with numbered_users(ratings, blocks) as numbered:
            numbered.write.parquet(self.path(_USERS), mode="overwrite")
        users = self.users()
        plan = _plan(users, items.counts, blocks)
        rows = self.numbered(ratings.filter(F.col(RATING).isNotNull()), items.numbers, plan)
        of_items = rows.select(USER, ITEM, RATING, F.col("item_block").alias(BLOCK))

        # Spark tells from these types, which it does not find in a partial, what they are given.
        def of_users(table: pa.Table) -> pa.Table:
            return packed_users(table, plan)

        def by_items(table: pa.Table) -> pa.Table:
            return packed_items(table, plan)

        packed, features = rows.groupBy(BLOCK).applyInArrow(of_users, PACKED), known.packed(users)
        packed = packed if features is None else packed.union(features)
        packed.write.parquet(self.path(_BY_USER), mode="overwrite")
        packed = of_items.groupBy(BLOCK).applyInArrow(by_items, PACKED)
        packed.write.parquet(self.path(_BY_ITEM), mode="overwrite")
        return plan

    def numbered(self, ratings: DataFrame, items: pa.Table, plan: Plan) -> DataFrame:
        """Return ratings with the numbers of their users and items, and the blocks of both.

        `items` are the numbers of items (see `Items.numbers`).
        """
        users = self.users().select(USER, F.col(NUMBER).alias("user_number"), BLOCK)
        numbers = self.spark.createDataFrame(_with_block(items, plan))
        return (
            ratings.join(users, USER)
            .join(F.broadcast(numbers), ITEM)
            .select(
                F.col("user_number").alias(USER), F.col(NUMBER).alias(ITEM), RATING,
                BLOCK, "item_block",
            )
        )  # fmt: skip

    def by_user(self) -> DataFrame:
        """Return the packed ratings of blocks of users, as in `PACKED`."""
        return self.spark.read.parquet(self.path(_BY_USER))

    def users(self) -> DataFrame:
        """Return the users that `write` has numbered."""
        return self.spark.read.parquet(self.path(_USERS))

    def is_whole(self) -> bool:
        """Return whether all that `write` has written can be read."""
        try:
            for name in (_USERS, _BY_USER, _BY_ITEM):
                rows = self.spark.read.parquet(self.path(name))
                rows.agg(F.max(F.xxhash64(*rows.columns))).first()
        except SPARK_ERRORS:
            return False
        return True

    def placed(self, plan: Plan, counts: NDArray[np.int64]) -> Placed:
        """Return the packed ratings in the executors; `counts` are those of the items."""
        unrated, no_needs = _unrated_users(plan), _no_needs(plan)
        by_item = self._arrays(_BY_ITEM, "ratings", _unrated_items(plan, counts))
        of_users = {
            "ratings": unrated,
            "counts": _counts(unrated),
            "needs": dict.fromkeys(unrated, no_needs),
        }
        by_user, counts_of_users, needs = (
            in_place(self._arrays(_BY_USER, column, others), plan.blocks)
            for column, others in of_users.items()
        )
        # Serialised like the messages that come beside them, which would all be read and written
        # once more otherwise.
        by_item = _kept(by_item.partitionBy(plan.blocks, same))
        return Placed(by_user, by_item, counts_of_users, needs)

    def _arrays(self, name: str, column: str, others: dict[int, Arrays]) -> RDD[tuple[int, Arrays]]:
        """Return the arrays of packed rows, and others."""
        found = arrays_of(self.spark.read.parquet(self.path(name)), column)
        if others:
            found = found.union(self.spark.sparkContext.parallelize(list(others.items())))
        return found


def in_place(arrays: RDD[tuple[int, Arrays]], blocks: int) -> RDD[tuple[int, Arrays]]:
    """Return the arrays of blocks, each in the partition of its block, and kept there."""
    placed = arrays.partitionBy(blocks, same)
    # One more step in Python, so that they need no other serialiser beside what comes of them.
    return _kept(placed.mapPartitions(iter, preservesPartitioning=True))


def _kept(blocks: RDD[Any]) -> RDD[Any]:
    """Return blocks that stay in the executors once they are computed."""
    return blocks.persist(StorageLevel.MEMORY_AND_DISK)


def arrays_of(table: DataFrame, column: str) -> RDD[tuple[int, Arrays]]:
    """Return the block of each packed row, and the arrays in one of its columns."""
    return table.select(BLOCK, column).rdd.map(_unpacked)


def _unpacked(row: Row) -> tuple[int, Arrays]:
    return int(row[0]), from_bytes(row[1])


def _plan(users: DataFrame, counts: NDArray[np.int64], blocks: int) -> Plan:
    sums = users.groupBy(BLOCK).agg(F.count(F.lit(1)).alias("users"), F.sum(RATED).alias(RATED))
    of_users, of_ratings = np.zeros((2, blocks), dtype=np.int64)
    for row in sums.collect():
        of_users[row[BLOCK]], of_ratings[row[BLOCK]] = row["users"], row[RATED]
    ends = (np.concatenate([[0], np.cumsum(sizes)]) for sizes in (of_users, of_ratings))
    first_users, first_ratings = ends
    return Plan(first_users, bounds_of(counts, blocks), first_ratings)


def _with_block(numbers: pa.Table, plan: Plan) -> pa.Table:
    """Return the numbers of items with the block of each."""
    block = np.searchsorted(plan.items, numbers[NUMBER].to_numpy(), side="right") - 1
    return numbers.append_column("item_block", pa.array(block.astype(np.int32)))


def _unrated_items(plan: Plan, counts: NDArray[np.int64]) -> dict[int, Arrays]:
    """Return the arrays of blocks with items of which none has ratings, by number."""
    bounds = zip(plan.items[:-1].tolist(), plan.items[1:].tolist(), strict=True)
    return {
        block: Csr.empty(end - first)._asdict()
        for block, (first, end) in enumerate(bounds)
        if end > first and not counts[first:end].any()
    }


def _unrated_users(plan: Plan) -> dict[int, Arrays]:
    """Return the ratings of each block of users of which none has any."""
    users, ratings = np.diff(plan.users), np.diff(plan.ratings)
    unrated = np.flatnonzero((users > 0) & (ratings == 0))
    return {block: Csr.empty(int(users[block]))._asdict() for block in unrated.tolist()}


def _counts(ratings: dict[int, Arrays]) -> dict[int, Arrays]:
    return {block: {"counts": csr(arrays).counts} for block, arrays in ratings.items()}


def _no_needs(plan: Plan) -> Arrays:
    """Return what blocks of items need of users without ratings."""
    return {
        "own": np.zeros(0, dtype=np.int32),
        "bounds": np.zeros(plan.blocks + 1, dtype=np.int64),
    }
