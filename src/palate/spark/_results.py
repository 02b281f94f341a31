"""What blocks of users return, added up in the order of blocks, so that the bits stay the same."""

from collections.abc import Iterable, Iterator
from typing import Any

from pyspark import RDD
from pyspark.accumulators import AccumulatorParam

from palate.solvers.gibbs._sums import merged
from palate.spark._packing import same

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
    many = blocks > _MOST
    while many and blocks > 1:
        blocks = -(-blocks // _MOST)
        groups = results.map(_in_group).partitionBy(blocks, same)
        results = groups.mapPartitions(_added, preservesPartitioning=True)
    found = dict(results.collect())
    return merged([found[block] for block in sorted(found)])


def _in_group(result: tuple[int, Any]) -> tuple[int, tuple[int, Any]]:
    return result[0] // _MOST, result


def _added(members: Iterable[tuple[int, tuple[int, Any]]]) -> Iterator[tuple[int, Any]]:
    """Return the sum of a group, whose members come in any order; runs in an executor."""
    found = dict(member for _, member in members)
    if found:
        yield min(found) // _MOST, merged([found[number] for number in sorted(found)])
