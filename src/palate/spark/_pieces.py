"""Tables with a row for each item, which the driver takes from the executors piece by piece."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pyspark import RDD

from palate.spark._packing import same

# The size of a piece. The Java process of the driver holds one at a time, in about three copies.
_BYTES = 1 << 23


@dataclass(frozen=True)
class Pieces:
    """Consecutive rows of a table, few enough for the driver to take them at a time.

    Attributes
    ----------
    rows
        The number of rows of the table.
    size
        The number of rows of each piece but the last.
    """

    rows: int
    size: int

    @classmethod
    def of(cls, rows: int, row_bytes: int) -> "Pieces":
        """Return the pieces of a table whose rows have at most this size."""
        return cls(rows, max(1, _BYTES // row_bytes))

    @property
    def number(self) -> int:
        """The number of pieces."""
        return -(-self.rows // self.size)

    def within(self, first: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield the number, the first row and the end of each part of some rows."""
        while first < end:
            piece = first // self.size
            stop = min(end, (piece + 1) * self.size)
            yield piece, first, stop
            first = stop

    def cut(self, whole: tuple[int, NDArray[Any]]) -> Iterator[tuple[int, tuple[int, Any]]]:
        """Yield the parts of a table, as of `taken`; runs in an executor."""
        for piece, first, end in self.within(0, self.rows):
            yield piece, (first, whole[1][first:end])

    def taken(self, parts: RDD[tuple[int, tuple[int, Any]]]) -> Iterator[tuple[int, Any]]:
        """Yield parts of the table, in the order of their rows.

        They are put into the order of pieces in the executors, in files, so that nothing is
        computed twice although a job takes one piece.

        Parameters
        ----------
        parts
            The number of the piece, and the first row and the rest of each part of it.
        """
        found: Iterable[tuple[int, tuple[int, Any]]]
        if self.number == 1:
            found = parts.collect()
        else:
            found = parts.partitionBy(self.number, same).toLocalIterator()
        for _, piece in groupby(found, key=itemgetter(0)):
            yield from sorted((part for _, part in piece), key=itemgetter(0))

    def table(
        self, parts: RDD[tuple[int, tuple[int, Any]]], width: int, dtype: DTypeLike
    ) -> NDArray[Any]:
        """Return a table from the rows of parts, with 0 in rows of which there is no part."""
        table = np.zeros((self.rows, width), dtype=dtype)
        for first, rows in self.taken(parts):
            table[first : first + len(rows)] = rows
        return table
