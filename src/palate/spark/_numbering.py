"""Numbers of users and items, and which block each belongs to."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from palate.data._metadata import shown, with_items
from palate.data._ratings import Ratings
from palate.data._table import PLAIN
from palate.spark._checks import ITEM, RATING, USER

NUMBER, BLOCK, RATED = "number", "block", "rated"


class Items(NamedTuple):
    """The items, numbered in the order of their ids, as on one machine.

    Attributes
    ----------
    table
        See `Ratings.items`.
    counts, means
        The number of ratings of each item, and their mean, NaN without any; shape (items,).
    numbers
        A column of ids as they are in the ratings, and one of numbers.
    source
        How a table of items was read.
    """

    table: pl.DataFrame
    counts: NDArray[np.int64]
    means: NDArray[np.float32]
    numbers: pa.Table
    source: str


def numbered_items(ratings: DataFrame, described: Any, column: str) -> Items:
    """Return the items of ratings, with the columns of a table of items, if one is given.

    Parameters
    ----------
    ratings
        Columns user, item and rating, which may be null.
    described
        A table of items that `read_ratings` can read; or None.
    column
        What the ratings called their column of item ids.
    """
    sums = (F.count(RATING).alias(RATED), F.sum(RATING).alias("sum"))
    found = ratings.groupBy(ITEM).agg(*sums).toArrow()
    rated = pl.DataFrame({"id": pl.Series(pl.from_arrow(found[ITEM]))}).with_row_index("place")
    rated = rated.sort("id")
    table = pl.DataFrame({"id": rated["id"]}).select(
        "id", pl.lit(None, dtype=pl.String).alias("item")
    )
    nobody = np.zeros(0, dtype=np.int32)
    empty = Ratings(
        nobody,
        np.arange(table.height, dtype=np.int32),
        np.zeros(table.height, dtype=np.float32),
        None,
        pl.DataFrame({"id": nobody}),
        table.with_columns(shown()),
        source="",
    )
    joined = empty if described is None else with_items(empty, described, column, None, PLAIN)
    # Items that nobody has rated may have come between the others.
    place = rated["place"].to_numpy()
    numbers = np.empty(len(place), dtype=np.int32)
    numbers[place] = joined.item
    counts = np.zeros(joined.items.height, dtype=np.int64)
    counts[numbers] = found[RATED].to_numpy()
    means = np.full(len(counts), np.nan)
    known = counts[numbers] > 0
    means[numbers[known]] = found["sum"].to_numpy()[known] / counts[numbers[known]]
    return Items(
        joined.items,
        counts,
        means.astype(np.float32),
        pa.table({ITEM: found[ITEM], NUMBER: numbers}),
        joined.source.removeprefix("; "),
    )


def bounds_of(counts: NDArray[np.int64], blocks: int) -> NDArray[np.int64]:
    """Return the first row of each block of consecutive rows with as many ratings, and the end."""
    before = np.cumsum(counts) - counts
    block = np.minimum(before * blocks // max(1, int(counts.sum())), blocks - 1)
    return np.searchsorted(block, np.arange(blocks + 1)).astype(np.int64)


@contextmanager
def numbered_users(ratings: DataFrame, blocks: int) -> Iterator[DataFrame]:
    """Yield the users: their id, number, block and number of ratings.

    They are numbered in the order of their ids, as on one machine. Blocks are of consecutive users,
    with as many ratings each as a user more or less allows.
    """
    counts = ratings.groupBy(USER).agg(F.count(RATING).alias(RATED))
    ordered = counts.orderBy(USER).persist()
    sizes = ordered.mapInArrow(_size_of_partition, "part int, users long, rated long").collect()
    users, rated = np.zeros((2, ordered.rdd.getNumPartitions()), dtype=np.int64)
    for part, n, n_rated in sizes:
        users[part], rated[part] = n, n_rated
    first, before = (np.concatenate([[0], np.cumsum(sums)]) for sums in (users, rated))
    schema = T.StructType(
        [ordered.schema[USER], T.StructField(NUMBER, T.LongType()),
         T.StructField(BLOCK, T.IntegerType()), ordered.schema[RATED]]
    )  # fmt: skip
    numbered = partial(_numbered, first=first, before=before, blocks=blocks)
    try:
        yield ordered.mapInArrow(numbered, schema)
    finally:
        ordered.unpersist()


def _partition() -> int:
    context = TaskContext.get()
    assert context is not None
    return context.partitionId()


def _size_of_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Return the numbers of users and ratings of a partition; runs in an executor."""
    users = rated = 0
    for batch in batches:
        users += batch.num_rows
        rated += int(batch[RATED].to_numpy().sum())
    part = pa.array([_partition()], pa.int32())
    yield pa.record_batch({"part": part, "users": pa.array([users]), "rated": pa.array([rated])})


def _numbered(
    batches: Iterable[pa.RecordBatch],
    first: NDArray[np.int64],
    before: NDArray[np.int64],
    blocks: int,
) -> Iterator[pa.RecordBatch]:
    """Return the users of a partition with their numbers; runs in an executor."""
    number, seen, total = int(first[_partition()]), int(before[_partition()]), int(before[-1])
    for batch in batches:
        rated = batch[RATED].to_numpy()
        # Users without ratings go with those before them.
        start = np.minimum(seen + np.cumsum(rated) - rated, total - 1)
        yield pa.record_batch(
            {
                USER: batch[USER],
                NUMBER: pa.array(number + np.arange(batch.num_rows)),
                BLOCK: pa.array((start * blocks // total).astype(np.int32)),
                RATED: batch[RATED],
            }
        )
        number, seen = number + batch.num_rows, seen + int(rated.sum())
