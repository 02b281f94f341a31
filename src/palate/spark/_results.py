"""What blocks of users return, added up in the order of blocks, so that the bits stay the same."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pyspark import RDD
from pyspark.accumulators import AccumulatorParam

from palate.solvers.gibbs._sums import merged
from palate.spark._packing import same
from palate.spark._pieces import Pieces

# So many results of blocks are in the memory of the driver, or of a task, at most.
_MOST = 4


class ByBlock(AccumulatorParam[dict[int, Any]]):
    """Results by the number of the block."""

    def zero(self, value: dict[int, Any]) -> dict[int, Any]:
        """Return no results."""
        return {}

    # The name is PySpark's.
    def addInPlace(  # noqa: N802
        self, value1: dict[int, Any], value2: dict[int, Any]
    ) -> dict[int, Any]:
        """Return the results of both."""
        value1.update(value2)
        return value1


def added_in_order(results: RDD[tuple[int, Any]], blocks: int) -> Any:
    """Return the sum of the results of blocks, which can be of the size of the items.

    Those of many blocks are added in the executors, as a tree, and the driver gets the sum alone.

    Parameters
    ----------
    results
        The number and the result of each block.
    blocks
        The number of blocks.
    """
    if blocks > _MOST:
        results = _sum(results, blocks)
    found = dict(results.collect())
    return merged([found[block] for block in sorted(found)])


def added_tables(
    results: RDD[tuple[int, Any]], blocks: int, shape: tuple[int, int], dtype: DTypeLike
) -> NDArray[Any]:
    """Return the sum of the tables of blocks, which the driver takes piece by piece.

    Parameters
    ----------
    results, blocks
        As of `added_in_order`.
    shape, dtype
        Those of a table, which has a row for each item.
    """
    rows, width = shape
    pieces = Pieces.of(rows, width * np.dtype(dtype).itemsize)
    if pieces.number == 1:
        total: NDArray[Any] = added_in_order(results, blocks)
        return total
    return pieces.table(_sum(results, blocks).flatMap(pieces.cut), width, dtype)


def _sum(results: RDD[tuple[int, Any]], blocks: int) -> RDD[tuple[int, Any]]:
    """Return the sum of the results of blocks, from groups of them, as a tree."""
    while blocks > 1:
        blocks = -(-blocks // _MOST)
        groups = results.map(_in_group).partitionBy(blocks, same)
        results = groups.mapPartitions(_added, preservesPartitioning=True)
    return results


def _in_group(result: tuple[int, Any]) -> tuple[int, tuple[int, Any]]:
    return result[0] // _MOST, result


def _added(members: Iterable[tuple[int, tuple[int, Any]]]) -> Iterator[tuple[int, Any]]:
    """Return the sum of a group, whose members come in any order; runs in an executor."""
    found = dict(member for _, member in members)
    if found:
        yield min(found) // _MOST, merged([found[number] for number in sorted(found)])
